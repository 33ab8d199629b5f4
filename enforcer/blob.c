//go:build ignore

/* Checking a policy blob once, so that nothing has to look at its bounds again. internal/abi/check.go is the
 * same in Go; fuzzing holds the two together. */
#include "include/pure.h"

struct check {
    const uint8_t *blob;
    uint32_t size;
    const struct tb_header *h;
};

static uint64_t checksum(const uint8_t *blob, size_t size) {
    uint64_t h = 0xcbf29ce484222325u;
    const size_t own = offsetof(struct tb_header, checksum);
    for (size_t i = 0; i < own; i += 8)
        h = (h ^ tb_load64(blob + i)) * 0x100000001b3u;
    for (size_t i = own + 8; i < size; i += 8)
        h = (h ^ tb_load64(blob + i)) * 0x100000001b3u;
    return h ^ h >> 32;
}

/* Does a table lie behind the header, aligned, inside the blob? */
static inline int placed(const struct check *c, struct tb_ref t, uint32_t elem) {
    return t.n == 0 || (t.off % 8 == 0 && t.off >= sizeof(struct tb_header) && t.off <= c->size &&
                        t.n <= (c->size - t.off) / elem);
}

/* Is a reference a range of the table? */
static inline int in(struct tb_ref r, struct tb_ref t, uint32_t elem) {
    uint32_t at = r.off - t.off;
    return r.n == 0 || (r.off >= t.off && at % elem == 0 && r.n <= t.n && at / elem <= t.n - r.n);
}

/* Does a string lie inside the blob, followed by a NUL? */
static inline int text(const struct check *c, uint32_t off, uint32_t n) {
    return n == 0 || (off < c->size && n < c->size - off && c->blob[off + n] == 0);
}

static int check_header(const uint8_t *blob, size_t size) {
    const struct tb_header *h = TB_AT(struct tb_header, blob, 0);
    if (size < sizeof *h || size > TB_MAX_SIZE || size % 8 != 0 || (uintptr_t)blob % 8 != 0)
        return TB_EBLOB_SIZE;
    if (h->magic[0] != 'T' || h->magic[1] != 'H' || h->magic[2] != 'M' || h->magic[3] != 'B')
        return TB_EBLOB_MAGIC;
    if (h->version != TB_VERSION) return TB_EBLOB_VERSION;
    if (h->size != size) return TB_EBLOB_SIZE;
    if (h->checksum != checksum(blob, size)) return TB_EBLOB_CHECKSUM;
    return h->fail_closed > 1 ? TB_EBLOB_VALUE : 0;
}

static int check_tables(const struct check *c) {
    const struct tb_header *h = c->h;
    int ok =
        placed(c, h->policies, sizeof(struct tb_policy)) && placed(c, h->groups, sizeof(struct tb_group)) &&
        placed(c, h->refs, sizeof(struct tb_ref)) && placed(c, h->allows, sizeof(struct tb_allow)) &&
        placed(c, h->arg_lists, sizeof(struct tb_arglist)) && placed(c, h->args, sizeof(struct tb_arg)) &&
        placed(c, h->atoms, sizeof(struct tb_atom)) && placed(c, h->names, sizeof(struct tb_name)) &&
        placed(c, h->sha256, 32) && placed(c, h->digests, sizeof(struct tb_digest)) &&
        placed(c, h->signatures, sizeof(struct tb_signature)) &&
        placed(c, h->grams, sizeof(struct tb_gram)) && placed(c, h->indexes, 2) && placed(c, h->filters, 8);
    return ok && in(h->sets, h->refs, sizeof(struct tb_ref)) && h->sets.n <= TB_MAX_SETS ? 0 : TB_EBLOB_RANGE;
}

static int check_strings(const struct check *c) {
    const struct tb_ref *ref = TB_AT(struct tb_ref, c->blob, c->h->refs.off);
    for (uint32_t i = 0; i < c->h->refs.n; i++)
        if (ref[i].n == 0 || !text(c, ref[i].off, ref[i].n)) return TB_EBLOB_STRING;
    const struct tb_name *name = TB_AT(struct tb_name, c->blob, c->h->names.off);
    for (uint32_t i = 0; i < c->h->names.n; i++)
        if (name[i].len == 0 || !text(c, name[i].off, name[i].len)) return TB_EBLOB_STRING;
    return 0;
}

static int check_templates(const struct check *c) {
    const struct tb_header *h = c->h;
    const struct tb_atom *atom = TB_AT(struct tb_atom, c->blob, h->atoms.off);
    for (uint32_t i = 0; i < h->atoms.n; i++)
        if (atom[i].class >= TB_NUM_CLASSES || atom[i].quant > TB_STAR) return TB_EBLOB_VALUE;
    const struct tb_arg *arg = TB_AT(struct tb_arg, c->blob, h->args.off);
    for (uint32_t i = 0; i < h->args.n; i++) {
        if (!text(c, arg[i].prefix.off, arg[i].prefix.n) || !text(c, arg[i].suffix.off, arg[i].suffix.n))
            return TB_EBLOB_STRING;
        if (!in(arg[i].atoms, h->atoms, sizeof(struct tb_atom))) return TB_EBLOB_RANGE;
        if (arg[i].atoms.n > TB_MAX_ATOMS) return TB_EBLOB_VALUE;
    }
    const struct tb_arglist *list = TB_AT(struct tb_arglist, c->blob, h->arg_lists.off);
    for (uint32_t i = 0; i < h->arg_lists.n; i++) {
        if (!in(list[i].args, h->args, sizeof(struct tb_arg))) return TB_EBLOB_RANGE;
        if (list[i].rest != TB_NO_REST && list[i].rest >= list[i].args.n) return TB_EBLOB_VALUE;
    }
    return 0;
}

static int check_allows(const struct check *c) {
    const struct tb_header *h = c->h;
    const struct tb_allow *a = TB_AT(struct tb_allow, c->blob, h->allows.off);
    for (uint32_t i = 0; i < h->allows.n; i++, a++) {
        if (a->path.n == 0 || !text(c, a->path.off, a->path.n)) return TB_EBLOB_STRING;
        if (!in(a->from, h->refs, sizeof(struct tb_ref)) ||
            !in(a->args, h->arg_lists, sizeof(struct tb_arglist)))
            return TB_EBLOB_RANGE;
        if (a->has_sha256 > 1 || a->any_from > 1 || a->any_args > 1 || a->credentials > TB_CRED_KEEP)
            return TB_EBLOB_VALUE;
    }
    return 0;
}

static inline int names_in(const struct check *c, const struct tb_names *n) {
    return in(n->literals, c->h->names, sizeof(struct tb_name)) &&
           in(n->globs, c->h->names, sizeof(struct tb_name));
}

/* Has the content scan what it needs? */
static int scannable(const struct tb_group *g) {
    return g->patterns.n == 0 ||
           (g->patterns.n <= TB_MAX_PATTERNS && g->stride >= 1 && g->stride <= TB_MAX_STRIDE &&
            g->max_pattern >= TB_MIN_PATTERN && g->max_pattern <= TB_MAX_PATTERN &&
            g->filter.n == 1u << (TB_FILTER_BITS - 6));
}

static int check_groups(const struct check *c) {
    const struct tb_header *h = c->h;
    const struct tb_signature *s = TB_AT(struct tb_signature, c->blob, h->signatures.off);
    for (uint32_t i = 0; i < h->signatures.n; i++)
        if (!in(s[i].patterns, h->indexes, 2)) return TB_EBLOB_RANGE;
    const struct tb_group *g = TB_AT(struct tb_group, c->blob, h->groups.off);
    for (uint32_t i = 0; i < h->groups.n; i++, g++) {
        if (!in(g->sets, h->indexes, 2) || !names_in(c, &g->names) ||
            !in(g->digests, h->digests, sizeof(struct tb_digest)) ||
            !in(g->patterns, h->refs, sizeof(struct tb_ref)) ||
            !in(g->signatures, h->signatures, sizeof(struct tb_signature)) ||
            !in(g->grams, h->grams, sizeof(struct tb_gram)) || !in(g->filter, h->filters, 8))
            return TB_EBLOB_RANGE;
        if (!scannable(g)) return TB_EBLOB_VALUE;
    }
    return 0;
}

static int meaningful(const struct tb_policy *p) {
    return p->exec_mode <= 2 && p->children <= 2 && p->forbid_mode <= 2 && p->tmp_mode <= 2 &&
           p->tmp_deny_exec <= 1 && p->tmp_deny_load <= 1 && p->tmp_write <= 2 && p->memory_mode <= 2 &&
           p->cred_mode <= 2 && p->cred_children <= 3 && p->deny_environ <= 1 && p->kill <= 1 &&
           p->announce <= 1 && p->fail_closed <= 1 && p->pending <= 31 && p->need_digest <= 3 &&
           p->need_scan <= 1 && p->has_env_keep <= 1 && p->seal <= 2 && p->use_decoys <= 1;
}

static int check_policies(const struct check *c) {
    const struct tb_header *h = c->h;
    const struct tb_policy *p = TB_AT(struct tb_policy, c->blob, h->policies.off);
    for (uint32_t i = 0; i < h->policies.n; i++, p++) {
        if (!meaningful(p)) return TB_EBLOB_VALUE;
        if (!text(c, p->name.off, p->name.n)) return TB_EBLOB_STRING;
        if (!in(p->match, h->refs, sizeof(struct tb_ref)) ||
            !in(p->allow, h->allows, sizeof(struct tb_allow)) || !names_in(c, &p->names) ||
            !in(p->sha256, h->sha256, 32) || p->group >= h->groups.n)
            return TB_EBLOB_RANGE;
    }
    return 0;
}

int tb_blob_check(const uint8_t *blob, size_t size) {
    int problem = check_header(blob, size);
    if (problem != 0) return problem;
    const struct check c = {blob, (uint32_t)size, TB_AT(struct tb_header, blob, 0)};
    if ((problem = check_tables(&c)) != 0 || (problem = check_strings(&c)) != 0 ||
        (problem = check_templates(&c)) != 0 || (problem = check_allows(&c)) != 0 ||
        (problem = check_groups(&c)) != 0)
        return problem;
    return check_policies(&c);
}
