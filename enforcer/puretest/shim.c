//go:build cgo

#include "stamp.h"
#include "shim.h"

static int digest(void *ctx, uint8_t out[32]) {
    struct shim_facts *f = ctx;
    f->asked_digest++;
    for (int i = 0; f->known && i < 32; i++)
        out[i] = f->sha256[i];
    return f->known;
}

static int scan(void *ctx) {
    struct shim_facts *f = ctx;
    f->asked_scan++;
    return (int)f->scanned;
}

static int same(void *ctx, struct tb_str entry) {
    struct shim_facts *f = ctx;
    f->asked_same++;
    return entry.n > 0 && tb_str_equal(entry, f->link);
}

void shim_decide(const uint8_t *blob, const struct tb_policy *p, struct tb_request *rq,
                 struct shim_facts *facts, struct tb_verdict *out, int times) {
    rq->ctx = facts;
    rq->digest = digest;
    rq->scan = scan;
    rq->same = rq->same_from = same;
    while (times-- > 0)
        tb_decide(blob, p, rq, out);
}

int shim_template(const uint8_t *blob, const char *arg) {
    return tb_arg_match(blob, TB_AT(struct tb_arg, blob, TB_AT(struct tb_header, blob, 0)->args.off), arg);
}

int shim_arglist(const uint8_t *blob, const char *const *args, uint32_t nargs) {
    return tb_args_match(
        blob, TB_AT(struct tb_arglist, blob, TB_AT(struct tb_header, blob, 0)->arg_lists.off), args, nargs);
}

#ifdef TB_SANITIZE
/* The sanitizer goes on after undefined behaviour unless it is told to stop. */
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) {
    return "halt_on_error=1:print_stacktrace=1";
}
#endif
