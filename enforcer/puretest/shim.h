/* What the Go side calls besides the enforcer's own functions. */
#include "../include/pure.h"
#include "../include/sha256.h"

/* The context of the callbacks. */
struct shim_facts {
    uint8_t known; /* the digest is */
    uint8_t sha256[32];
    uint32_t scanned;   /* what scan answers */
    struct tb_str link; /* the policy path that is a symbolic link to the file, and to the caller */
    uint32_t asked_digest, asked_scan, asked_same; /* how often */
};

void shim_decide(const uint8_t *blob, const struct tb_policy *p, struct tb_request *rq,
                 struct shim_facts *facts, struct tb_verdict *out, int times);
int shim_template(const uint8_t *blob, const char *arg);
int shim_arglist(const uint8_t *blob, const char *const *args, uint32_t nargs);
