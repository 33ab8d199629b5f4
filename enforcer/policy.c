//go:build ignore

/* Verdicts. internal/policy/decide.go is the reference and says why; fuzzing holds the two together. What is
 * dear (the digest of a file, a scan of its content, a stat) is asked for only when the verdict depends on
 * it. */
#include "include/pure.h"

#define MAX_NAMES 4

/* One decision under way. */
struct decision {
    const uint8_t *blob;
    const struct tb_policy *p;
    const struct tb_request *rq;
    struct tb_verdict *out;
    uint8_t image;      /* it shipped, and is neither in memory nor deleted */
    uint8_t multi_call; /* the file is a program that is many */
    uint8_t own_name;   /* and is called by its own name */
    uint8_t digest;     /* 0: not asked yet, 1: known, 2: unknown */
    uint8_t sha256[32];
    struct tb_str applet;
};

/* ---- outcome ---- */

static void rule(struct tb_verdict *v, uint8_t action, uint8_t rule, uint32_t index) {
    v->action = action;
    v->rule = rule;
    v->index = (uint16_t)index;
}

/* Notes a violation; 1 when it settles the matter. The first denial wins, else the first that is audited. */
static int violated(struct decision *d, uint8_t mode, uint8_t which, uint32_t index) {
    if (mode == TB_ENFORCE) {
        rule(d->out, TB_DENY, which, index);
        return 1;
    }
    if (mode == TB_AUDIT_MODE && d->out->action == TB_ALLOW) rule(d->out, TB_AUDIT, which, index);
    return 0;
}

/* When nothing was violated, this rule allows. */
static void allowed(struct decision *d, uint8_t which, uint32_t index) {
    if (d->out->action == TB_ALLOW) rule(d->out, TB_ALLOW, which, index);
}

/* ---- names ---- */

static int is_multi_call(struct tb_str name) {
    return tb_starts(name, TB_LIT("busybox")) || tb_starts(name, TB_LIT("toybox")) ||
           tb_starts(name, TB_LIT("coreutils"));
}

/* The name by which a multi-call program knows itself: a login shell's leading '-' does not count. */
static struct tb_str called_as(struct tb_str argv0) {
    if (argv0.n > 0 && argv0.p[0] == '-') {
        argv0.p++;
        argv0.n--;
    }
    return tb_base(argv0);
}

/* The program that a multi-call program becomes when this is its first argument. */
static struct tb_str applet_of(struct tb_str arg) {
    static const char prog[] = "--coreutils-prog=", shebang[] = "--coreutils-prog-shebang=";
    uint32_t skip = 0;
    if (tb_starts(arg, TB_LIT(prog)))
        skip = sizeof prog - 1;
    else if (tb_starts(arg, TB_LIT(shebang)))
        skip = sizeof shebang - 1;
    arg.p += skip;
    arg.n -= skip;
    return tb_base(arg);
}

static void find_applet(struct decision *d) {
    const struct tb_request *rq = d->rq;
    d->multi_call = (uint8_t)is_multi_call(tb_base(rq->exe));
    d->applet = called_as(rq->argv0);
    d->own_name = (uint8_t)is_multi_call(d->applet);
    if (!d->multi_call) return;
    for (uint32_t i = 0; i < rq->nargs && is_multi_call(d->applet); i++)
        d->applet = applet_of(tb_cstr(rq->args[i]));
}

/* Compares the lower-cased name with a literal: below 0, 0, above 0. */
static int compare(struct tb_str name, const uint8_t *literal, uint32_t n) {
    uint32_t common = name.n < n ? name.n : n;
    for (uint32_t i = 0; i < common; i++) {
        int diff = tb_lower((uint8_t)name.p[i]) - literal[i];
        if (diff != 0) return diff;
    }
    return name.n < n ? -1 : name.n > n;
}

static uint32_t find_literal(const uint8_t *blob, struct tb_ref table, struct tb_str name) {
    const struct tb_name *t = TB_AT(struct tb_name, blob, table.off);
    uint32_t lo = 0, hi = table.n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int diff = compare(name, blob + t[mid].off, t[mid].len);
        if (diff == 0) return t[mid].rank;
        if (diff > 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return TB_NONE;
}

/* The lowest rank of the table's names that match, TB_NONE: none does. */
static uint32_t find_name(const uint8_t *blob, const struct tb_names *names, struct tb_str name) {
    uint8_t first = name.n > 0 ? tb_lower((uint8_t)name.p[0]) : '*';
    if (!(names->first[first / 64] >> (first % 64) & 1)) return TB_NONE;
    uint32_t best = find_literal(blob, names->literals, name);
    const struct tb_name *glob = TB_AT(struct tb_name, blob, names->globs.off);
    for (uint32_t i = 0; i < names->globs.n; i++)
        if (glob[i].rank < best && tb_glob((const char *)blob + glob[i].off, glob[i].len, name.p, name.n, 1))
            best = glob[i].rank;
    return best;
}

static uint32_t find_names(const uint8_t *blob, const struct tb_names *names, const struct tb_str *list,
                           uint32_t n) {
    uint32_t best = TB_NONE;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t rank = find_name(blob, names, list[i]);
        best = rank < best ? rank : best;
    }
    return best;
}

/* The names under which the program goes, each once. */
static uint32_t collect_names(const struct decision *d, struct tb_str *list) {
    const struct tb_str all[MAX_NAMES] = {tb_base(d->rq->exe), tb_base(d->rq->path), tb_base(d->rq->argv0),
                                          d->applet};
    uint32_t n = 0, count = d->multi_call ? MAX_NAMES : MAX_NAMES - 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = 0;
        while (k < n && !tb_str_equal(list[k], all[i]))
            k++;
        if (k == n) list[n++] = all[i];
    }
    return n;
}

/* ---- forbid ---- */

static const struct tb_group *group_of(const struct decision *d) {
    return TB_AT(struct tb_group, d->blob, TB_AT(struct tb_header, d->blob, 0)->groups.off) + d->p->group;
}

/* The curated set at a rank of the group, TB_NONE: there is none. */
static uint32_t set_at(const struct decision *d, const struct tb_group *g, uint32_t rank) {
    return rank < g->sets.n ? TB_AT(uint16_t, d->blob, g->sets.off)[rank] : TB_NONE;
}

/* Finds the rule that forbids the program by a name. */
static int forbidden_name(const struct decision *d, uint8_t *which, uint32_t *index) {
    struct tb_str names[MAX_NAMES];
    uint32_t n = collect_names(d, names);
    const struct tb_group *g = group_of(d);
    *which = TB_RULE_FORBID_NAMES;
    *index = find_names(d->blob, &d->p->names, names, n);
    if (*index != TB_NONE) return 1;
    *which = TB_RULE_FORBID_SETS;
    *index = set_at(d, g, find_names(d->blob, &g->names, names, n));
    return *index != TB_NONE;
}

/* The file's digest, NULL: it cannot be had. */
static const uint8_t *digest(struct decision *d) {
    if (d->digest == 0) d->digest = d->rq->digest != 0 && d->rq->digest(d->rq->ctx, d->sha256) ? 1 : 2;
    return d->digest == 1 ? d->sha256 : 0;
}

static uint32_t find_own_digest(const struct decision *d, const uint8_t *sha256) {
    for (uint32_t i = 0; i < d->p->sha256.n; i++)
        if (tb_bytes_equal(d->blob + d->p->sha256.off + 32 * i, sha256, 32)) return i;
    return TB_NONE;
}

static uint32_t find_set_digest(const struct decision *d, const struct tb_group *g, const uint8_t *sha256) {
    const struct tb_digest *t = TB_AT(struct tb_digest, d->blob, g->digests.off);
    uint32_t lo = 0, hi = g->digests.n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2, i = 0;
        while (i < 32 && t[mid].sha256[i] == sha256[i])
            i++;
        if (i == 32) return t[mid].rank;
        if (t[mid].sha256[i] < sha256[i])
            lo = mid + 1;
        else
            hi = mid;
    }
    return TB_NONE;
}

/* The selected set whose content signature the file matches. */
static uint32_t scanned_set(const struct decision *d, const struct tb_group *g) {
    uint32_t set = d->rq->signature;
    if (set == 0 && d->rq->scan != 0 && g->signatures.n > 0) set = (uint32_t)d->rq->scan(d->rq->ctx);
    for (uint32_t i = 0; set != 0 && i < g->sets.n; i++)
        if (set_at(d, g, i) == set - 1) return set - 1;
    return TB_NONE;
}

/* Finds the rule that forbids the file by its content. */
static int forbidden_content(struct decision *d, uint8_t *which, uint32_t *index) {
    const struct tb_group *g = group_of(d);
    const uint8_t *sha256 = d->p->sha256.n > 0 || (g->digests.n > 0 && !d->rq->scanned) ? digest(d) : 0;
    if (sha256 != 0) {
        *which = TB_RULE_FORBID_SHA256;
        *index = find_own_digest(d, sha256);
        if (*index != TB_NONE) return 1;
        *which = TB_RULE_FORBID_SETS;
        *index = set_at(d, g, find_set_digest(d, g, sha256));
        if (*index != TB_NONE) return 1;
    }
    *which = TB_RULE_FORBID_SETS;
    *index = scanned_set(d, g);
    return *index != TB_NONE;
}

/* ---- exec.allow ---- */

static int denotes_file(const struct decision *d, struct tb_str path) {
    return tb_str_equal(path, d->rq->exe) || tb_str_equal(path, d->rq->path) ||
           (d->rq->same != 0 && d->rq->same(d->rq->ctx, path));
}

/* Is the entry about the requested program? A multi-call program is one of its applets when it is called so.
 */
static int denotes(const struct decision *d, struct tb_str path) {
    if (d->multi_call) {
        struct tb_str base = tb_base(path);
        if (is_multi_call(base) ? !d->own_name : d->own_name || !tb_str_equal(base, d->applet)) return 0;
    }
    return denotes_file(d, path);
}

static int from_matches(const struct decision *d, const struct tb_allow *a) {
    const struct tb_ref *from = TB_AT(struct tb_ref, d->blob, a->from.off);
    for (uint32_t i = 0; i < a->from.n; i++) {
        struct tb_str path = tb_text(d->blob, from[i]);
        if (tb_str_equal(path, d->rq->from) || (d->rq->same_from != 0 && d->rq->same_from(d->rq->ctx, path)))
            return 1;
    }
    return a->any_from;
}

static int args_match(const struct decision *d, const struct tb_allow *a) {
    const struct tb_arglist *list = TB_AT(struct tb_arglist, d->blob, a->args.off);
    for (uint32_t i = 0; !a->any_args && i < a->args.n; i++)
        if (tb_args_match(d->blob, &list[i], d->rq->args, d->rq->nargs)) return 1;
    return a->any_args;
}

static int digest_matches(struct decision *d, const struct tb_allow *a) {
    const uint8_t *sha256 = digest(d);
    return sha256 != 0 && tb_bytes_equal(sha256, a->sha256, 32);
}

/* What keeps an entry about the right file from matching, 0: it matches. */
static uint8_t missing(struct decision *d, const struct tb_allow *a) {
    if (!from_matches(d, a)) return TB_RULE_EXEC_ALLOW_FROM;
    if (!args_match(d, a)) return TB_RULE_EXEC_ALLOW_ARGS;
    if (a->has_sha256 ? !digest_matches(d, a) : !d->image && d->p->tmp_deny_exec)
        return TB_RULE_EXEC_ALLOW_SHA256;
    return 0;
}

/* What exec.allow says about the request. */
struct listing {
    const struct tb_allow *entry; /* the first that matches */
    uint32_t index;
    uint8_t near_miss; /* rule of the first that nearly matched, 0: none */
    uint32_t near_index;
    uint8_t by_content; /* one with a digest matches */
};

static void search_allow(struct decision *d, struct listing *l) {
    const struct tb_allow *a = TB_AT(struct tb_allow, d->blob, d->p->allow.off);
    int want_content = !d->image && d->p->tmp_deny_exec && d->p->tmp_mode != TB_OFF;
    for (uint32_t i = 0; i < d->p->allow.n; i++, a++) {
        if (l->entry != 0 && (!want_content || l->by_content)) return;
        if (!denotes(d, tb_text(d->blob, a->path))) continue;
        uint8_t why = missing(d, a);
        if (why != 0 && l->near_miss == 0) {
            l->near_miss = why;
            l->near_index = i;
        }
        if (why == 0 && l->entry == 0) {
            l->entry = a;
            l->index = i;
        }
        l->by_content |= why == 0 && a->has_sha256;
    }
}

/* ---- the controls ---- */

static void exec_rule(struct decision *d, const struct listing *l) {
    const struct tb_policy *p = d->p;
    if (p->exec_mode == TB_OFF)
        allowed(d, TB_RULE_EXEC_OFF, 0);
    else if (l->entry != 0)
        allowed(d, TB_RULE_EXEC_ALLOW, l->index);
    else if (d->rq->interpreter && d->image)
        allowed(d, TB_RULE_EXEC_INTERPRETER, 0);
    else if (p->children == TB_CHILDREN_IMAGE && d->image)
        allowed(d, TB_RULE_EXEC_IMAGE, 0);
    else if (p->children == TB_CHILDREN_IMAGE && !p->tmp_deny_exec)
        allowed(d, TB_RULE_TMP_EXEC, 0);
    else if (p->children == TB_CHILDREN_IMAGE)
        violated(d, p->exec_mode, TB_RULE_EXEC_IMAGE, 0);
    else if (l->near_miss != 0)
        violated(d, p->exec_mode, l->near_miss, l->near_index);
    else
        violated(d, p->exec_mode, TB_RULE_EXEC_CHILDREN, 0);
}

static uint8_t keep_credentials(const struct tb_policy *p, const struct tb_allow *entry) {
    uint8_t children = p->cred_children;
    if (entry != 0 && entry->credentials != TB_CRED_INHERIT) children = entry->credentials;
    return p->cred_mode != TB_ENFORCE || children == TB_CRED_KEEP;
}

static void decide_exec(struct decision *d) {
    const struct tb_policy *p = d->p;
    uint8_t which;
    uint32_t index;
    find_applet(d);
    if (p->forbid_mode != TB_OFF &&
        (forbidden_name(d, &which, &index) || forbidden_content(d, &which, &index)) &&
        violated(d, p->forbid_mode, which, index))
        return;
    if (d->rq->memfd && violated(d, p->memory_mode, TB_RULE_MEMORY_MEMFD, 0)) return;
    if (d->rq->setuid && violated(d, p->memory_mode, TB_RULE_MEMORY_SETUID, 0)) return;
    struct listing l = {0, 0, 0, 0, 0};
    search_allow(d, &l);
    if (!d->image && p->tmp_deny_exec && !l.by_content && violated(d, p->tmp_mode, TB_RULE_TMP_EXEC, 0))
        return;
    exec_rule(d, &l);
    if (d->out->action != TB_DENY) d->out->keep_credentials = keep_credentials(p, l.entry);
}

/* Does an entry allow this very file, whatever is done with it? */
static int listed_content(struct decision *d) {
    const struct tb_allow *a = TB_AT(struct tb_allow, d->blob, d->p->allow.off);
    for (uint32_t i = 0; i < d->p->allow.n; i++, a++)
        if (a->has_sha256 && denotes_file(d, tb_text(d->blob, a->path)) && digest_matches(d, a)) return 1;
    return 0;
}

/* Why something that no rule refuses is allowed. */
static void allowed_by_place(struct decision *d, uint8_t which) {
    if (d->image)
        which = TB_RULE_IMAGE;
    else if (d->p->tmp_mode == TB_OFF)
        which = TB_RULE_TMP_OFF;
    allowed(d, which, 0);
}

static void decide_load(struct decision *d) {
    const struct tb_policy *p = d->p;
    uint8_t which;
    uint32_t index;
    if (p->forbid_mode != TB_OFF && forbidden_content(d, &which, &index) &&
        violated(d, p->forbid_mode, which, index))
        return;
    if (d->rq->memfd && violated(d, p->memory_mode, TB_RULE_MEMORY_MEMFD, 0)) return;
    if (!d->image && p->tmp_deny_load && p->tmp_mode != TB_OFF && !listed_content(d) &&
        violated(d, p->tmp_mode, TB_RULE_TMP_LOAD, 0))
        return;
    allowed_by_place(d, TB_RULE_TMP_LOAD);
}

static void decide_open(struct decision *d) {
    uint8_t write = d->p->tmp_write;
    int refused = write == TB_WRITE_DENY || (write == TB_WRITE_NO_EXECUTABLES && d->rq->executable);
    if (!d->image && d->rq->write && refused && violated(d, d->p->tmp_mode, TB_RULE_TMP_WRITE, 0)) return;
    allowed_by_place(d, TB_RULE_TMP_WRITE);
}

static void decide_environ(struct decision *d) {
    uint8_t mode = d->p->cred_mode;
    if (d->p->deny_environ && violated(d, mode, TB_RULE_CREDENTIALS_ENVIRON, 0)) return;
    allowed(d, mode == TB_OFF ? TB_RULE_CREDENTIALS_OFF : TB_RULE_CREDENTIALS_ENVIRON, 0);
}

static void decide_memory(struct decision *d) {
    uint8_t op = d->rq->op;
    uint8_t which = op == TB_OP_PTRACE      ? TB_RULE_MEMORY_PTRACE
                    : op == TB_OP_VM_READV  ? TB_RULE_MEMORY_VM_READV
                    : op == TB_OP_VM_WRITEV ? TB_RULE_MEMORY_VM_WRITEV
                                            : TB_RULE_MEMORY_PROC_MEM;
    if (!violated(d, d->p->memory_mode, which, 0)) allowed(d, TB_RULE_MEMORY_OFF, 0);
}

void tb_decide(const uint8_t *blob, const struct tb_policy *policy, const struct tb_request *rq,
               struct tb_verdict *out) {
    struct decision d;
    d.blob = blob;
    d.p = policy;
    d.rq = rq;
    d.out = out;
    d.image = rq->image && !rq->memfd;
    d.digest = 0;
    out->keep_credentials = 0;
    rule(out, TB_ALLOW, TB_RULE_NONE, 0);
    switch (rq->control) {
    case TB_EXEC:
        decide_exec(&d);
        break;
    case TB_LOAD:
        decide_load(&d);
        break;
    case TB_OPEN:
        decide_open(&d);
        break;
    case TB_ENVIRON:
        decide_environ(&d);
        break;
    case TB_MEMORY:
        decide_memory(&d);
        break;
    default:
        rule(out, TB_DENY, TB_RULE_NONE, 0);
    }
}
