//go:build ignore

/* Content signatures: which curated set's byte strings occur in a file that is fed in chunks.
 *
 * Every stride-th position of the file is a sample: four bytes there, a gram, are looked up in a filter and,
 * if they pass, in the sorted grams of the patterns. Wherever a pattern begins, one of its first stride grams
 * is a sample, so none is missed. A sample is judged when the longest pattern around it is in view; the bytes
 * that later samples need stay in tail. */
#include "include/pure.h"

#define KEEP (TB_MAX_PATTERN + TB_MAX_STRIDE)

/* The bytes in view: n of them, the first at position start of the file. */
struct window {
    const uint8_t *p;
    uint64_t start;
    size_t n;
};

static inline uint32_t load32(const uint8_t *p) {
    uint32_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline int passes(const uint64_t *filter, uint32_t gram) {
    uint32_t h = gram * 2654435761u >> (32 - TB_FILTER_BITS);
    return filter[h / 64] >> (h % 64) & 1;
}

static inline int found(const struct tb_scan *s, uint32_t pattern) {
    return pattern < TB_MAX_PATTERNS && (s->found[pattern / 64] >> (pattern % 64) & 1);
}

/* 1 + the set of the first signature all of whose patterns were found; *rank is its rank. */
static int result(const struct tb_scan *s, uint32_t *rank) {
    const struct tb_group *g = s->group;
    const struct tb_signature *sig = TB_AT(struct tb_signature, s->blob, g->signatures.off);
    const uint16_t *sets = TB_AT(uint16_t, s->blob, g->sets.off);
    for (uint32_t i = 0; i < g->signatures.n; i++, sig++) {
        const uint16_t *pattern = TB_AT(uint16_t, s->blob, sig->patterns.off);
        uint32_t k = 0;
        while (k < sig->patterns.n && found(s, pattern[k]))
            k++;
        if (k > 0 && k == sig->patterns.n && sig->rank < g->sets.n && sets[sig->rank] < TB_MAX_SETS) {
            *rank = sig->rank;
            return 1 + sets[sig->rank];
        }
    }
    return 0;
}

/* Can no other signature change the result? The signatures are sorted by rank. */
static int settled(const struct tb_scan *s) {
    uint32_t rank;
    const struct tb_group *g = s->group;
    return g->signatures.n == 0 ||
           (result(s, &rank) != 0 && rank == TB_AT(struct tb_signature, s->blob, g->signatures.off)->rank);
}

/* Is the pattern where the gram, at index at of the window, says it might be? */
static int verify(const struct tb_scan *s, const struct window *w, size_t at, const struct tb_gram *gram) {
    if (gram->pattern >= s->group->patterns.n || gram->offset > at) return 0;
    const struct tb_ref *pattern = TB_AT(struct tb_ref, s->blob, s->group->patterns.off) + gram->pattern;
    at -= gram->offset;
    return pattern->n <= w->n - at && tb_bytes_equal(w->p + at, s->blob + pattern->off, pattern->n);
}

/* Looks up the gram at index at of the window; 1 when a new pattern was found. */
static int look(struct tb_scan *s, const struct window *w, size_t at, uint32_t value) {
    const struct tb_gram *gram = TB_AT(struct tb_gram, s->blob, s->group->grams.off);
    uint32_t lo = 0, hi = s->group->grams.n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (gram[mid].gram < value)
            lo = mid + 1;
        else
            hi = mid;
    }
    int fresh = 0;
    for (; lo < s->group->grams.n && gram[lo].gram == value; lo++) {
        uint32_t pattern = gram[lo].pattern;
        if (found(s, pattern) || !verify(s, w, at, &gram[lo])) continue;
        s->found[pattern / 64] |= (uint64_t)1 << (pattern % 64);
        fresh = 1;
    }
    return fresh;
}

/* Judges the samples that have ahead bytes in view; 1 when the result is settled. */
static int samples(struct tb_scan *s, const struct window *w, uint32_t ahead) {
    const uint64_t *filter = TB_AT(uint64_t, s->blob, s->group->filter.off);
    const uint32_t stride = s->group->stride;
    size_t at = (size_t)(s->next - w->start);
    int done = 0;
    for (; !done && at + ahead <= w->n; at += stride) {
        uint32_t value = load32(w->p + at);
        if (passes(filter, value) && look(s, w, at, value)) done = settled(s);
    }
    s->next = w->start + at;
    return done;
}

void tb_scan_init(struct tb_scan *s, const uint8_t *blob, const struct tb_policy *policy) {
    s->blob = blob;
    s->group = TB_AT(struct tb_group, blob, TB_AT(struct tb_header, blob, 0)->groups.off) + policy->group;
    for (uint32_t i = 0; i < TB_MAX_PATTERNS / 64; i++)
        s->found[i] = 0;
    s->next = s->end = 0;
    s->ntail = 0;
}

/* Keeps the last KEEP of the n bytes, which may be those of the tail itself. */
static void keep_tail(struct tb_scan *s, const uint8_t *p, size_t n) {
    size_t from = n > KEEP ? n - KEEP : 0;
    for (size_t i = from; i < n; i++)
        s->tail[i - from] = p[i];
    s->ntail = (uint32_t)(n - from);
}

int tb_scan_update(struct tb_scan *s, const uint8_t *data, size_t n) {
    if (s->group->patterns.n == 0 || settled(s)) return 1;
    size_t head = n < KEEP ? n : KEEP;
    for (size_t i = 0; i < head; i++)
        s->tail[s->ntail + i] = data[i];
    struct window seam = {s->tail, s->end - s->ntail, s->ntail + head};
    struct window rest = {data, s->end, n};
    s->end += n;
    if (samples(s, &seam, s->group->max_pattern)) return 1;
    if (n <= KEEP) {
        keep_tail(s, s->tail, seam.n);
        return 0;
    }
    if (samples(s, &rest, s->group->max_pattern)) return 1;
    keep_tail(s, data, n);
    return 0;
}

int tb_scan_final(struct tb_scan *s) {
    uint32_t rank;
    if (s->group->patterns.n == 0) return 0;
    struct window last = {s->tail, s->end - s->ntail, s->ntail};
    if (!settled(s)) samples(s, &last, 4);
    return result(s, &rank);
}
