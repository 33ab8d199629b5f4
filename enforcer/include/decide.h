/* The pure part of the enforcer: verdicts from a policy blob and the facts of a request.
 *
 * No system calls, no globals, no allocation, bounded stack (below 2 KiB): safe in a signal handler and in a
 * vfork child. The same files are compiled into a Go test and fuzzed against the Go reference. */
#ifndef THIMBLE_DECIDE_H
#define THIMBLE_DECIDE_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct tb_str {
    const char *p;
    uint32_t n;
};

enum tb_control { TB_EXEC = 1, TB_LOAD, TB_OPEN, TB_ENVIRON, TB_MEMORY };
enum tb_op { TB_OP_PTRACE = 1, TB_OP_VM_READV, TB_OP_VM_WRITEV, TB_OP_PROC_MEM };
enum tb_action { TB_ALLOW, TB_AUDIT, TB_DENY };

/* What the kernel and the caller said about one attempt. Strings need not end in NUL, args do. */
struct tb_request {
    uint8_t control;     /* enum tb_control */
    uint8_t op;          /* enum tb_op, for TB_MEMORY */
    uint8_t image;       /* the file shipped with the function */
    uint8_t memfd;       /* memory file or deleted file */
    uint8_t setuid;      /* set-id bits or file capabilities */
    uint8_t interpreter; /* run only as the #! interpreter of a script judged on its own */
    uint8_t write;       /* TB_OPEN: for writing */
    uint8_t executable;  /* TB_OPEN: it would become executable */
    uint8_t scanned;   /* the file was scanned before: do not ask for its digest for the curated sets' sake */
    uint8_t signature; /* 1 + index of the curated set whose content signature matched, 0: none or unknown */
    struct tb_str exe; /* canonical path of the file */
    struct tb_str path; /* as the caller named it, made absolute */
    struct tb_str argv0;
    struct tb_str from;      /* executable of the calling process */
    const char *const *args; /* argv[1:] */
    uint32_t nargs;
    /* Optional callbacks, asked only when the verdict depends on them. same*: does this policy path denote
     * the requested file / the calling executable (symbolic links resolved)? digest: SHA-256 of the file, 0
     * when it cannot be had. scan: like .signature, but computed when asked (returns 1 + set index or 0). */
    int (*same)(void *ctx, struct tb_str entry);
    int (*same_from)(void *ctx, struct tb_str entry);
    int (*digest)(void *ctx, uint8_t out[32]);
    int (*scan)(void *ctx);
    void *ctx;
};

/* Which rule decided; tb_rule_text writes it as in the contract, e.g. "exec.allow[0]". */
struct tb_verdict {
    uint8_t action; /* enum tb_action */
    uint8_t rule;   /* TB_RULE_*, see abi.h */
    uint16_t index; /* of the list element or curated set */
    uint8_t keep_credentials;
};

/* tb_blob_check: 0 when every offset in the blob lies inside it and the checksum is right, else a TB_EBLOB_*
 * code. The blob must be aligned to 8 bytes. Nothing else here looks at a blob's bounds again. */
int tb_blob_check(const uint8_t *blob, size_t size);
/* tb_blob_select: the policy record for a function name, NULL when none matches. The blob must have been
 * checked. */
const struct tb_policy *tb_blob_select(const uint8_t *blob, struct tb_str function);
void tb_decide(const uint8_t *blob, const struct tb_policy *policy, const struct tb_request *rq,
               struct tb_verdict *out);
/* tb_rule_text: writes at most cap bytes, returns the length. */
size_t tb_rule_text(const uint8_t *blob, const struct tb_verdict *v, char *buf, size_t cap);

/* tb_arg_match: does the NUL-terminated argument match one compiled template? Time is linear in its length.
 */
int tb_arg_match(const uint8_t *blob, const struct tb_arg *template, const char *arg);
/* tb_args_match: does argv[1:] match one list of templates? */
int tb_args_match(const uint8_t *blob, const struct tb_arglist *list, const char *const *args,
                  uint32_t nargs);
/* tb_glob: '*' any bytes, '?' one; fold: s is compared without ASCII case (the pattern is lower case). */
int tb_glob(const char *pattern, uint32_t np, const char *s, uint32_t ns, int fold);

/* Content signatures, streaming: feed the file in chunks of any size, in order. */
struct tb_scan {
    const uint8_t *blob;
    const struct tb_group *group;
    uint64_t found[TB_MAX_PATTERNS / 64]; /* patterns seen so far */
    uint64_t next;                        /* position of the next sample */
    uint64_t end;                         /* bytes fed so far */
    uint32_t ntail;
    uint8_t tail[2 * (TB_MAX_PATTERN + TB_MAX_STRIDE)]; /* the last bytes fed */
};
void tb_scan_init(struct tb_scan *s, const uint8_t *blob, const struct tb_policy *policy);
/* tb_scan_update: 1 when the rest of the file cannot change the result any more. */
int tb_scan_update(struct tb_scan *s, const uint8_t *data, size_t n);
/* tb_scan_final: 1 + index of the first selected set (in the policy's order) that has a signature all of
 * whose byte strings occurred, 0: none. */
int tb_scan_final(struct tb_scan *s);
#endif
