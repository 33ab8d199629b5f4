//go:build ignore

/* Matching arguments against templates, and names against globs. Nothing here backtracks without bound: a
 * template is simulated as a set of states, so its time is linear in the argument. */
#define TB_CLASS_TABLE
#include "include/pure.h"

#define WORDS (TB_MAX_ATOMS / 64 + 1)

/* State i means: the first i atoms have matched. skip: states whose next atom may be left out. */
struct nfa {
    const struct tb_atom *atom;
    uint32_t n, words;
    uint64_t skip[WORDS];
};

static inline int has(const struct tb_atom *a, uint8_t c) {
    if (a->class == TB_CLASS_BYTE) return a->byte == c;
    return tb_class_table[a->class][c / 64] >> (c % 64) & 1;
}

/* Adds the states that are reached by leaving atoms out. */
static void close_over(const struct nfa *m, uint64_t *set) {
    for (uint32_t w = 0; w < m->words; w++) {
        uint64_t todo = set[w] & m->skip[w];
        while (todo != 0) {
            uint32_t bit = (uint32_t)__builtin_ctzll(todo);
            todo &= todo - 1;
            if (bit == 63) {
                set[w + 1] |= 1; /* skip[] holds no state after which there is no word */
                continue;
            }
            uint64_t next = (uint64_t)2 << bit;
            set[w] |= next;
            todo |= next & m->skip[w];
        }
    }
}

/* The states after one more byte; 0 when there is none. */
static int step(const struct nfa *m, const uint64_t *set, uint8_t c, uint64_t *next) {
    uint64_t any = 0;
    for (uint32_t w = 0; w < m->words; w++)
        next[w] = 0;
    for (uint32_t w = 0; w < m->words; w++) {
        for (uint64_t todo = set[w]; todo != 0; todo &= todo - 1) {
            uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(todo);
            if (i == m->n || !has(&m->atom[i], c)) continue;
            uint32_t to = m->atom[i].quant == TB_STAR ? i : i + 1;
            next[to / 64] |= (uint64_t)1 << (to % 64);
            any = 1;
        }
    }
    close_over(m, next);
    return any != 0;
}

static int match_atoms(const struct tb_atom *atom, uint32_t n, const char *s, uint32_t len) {
    struct nfa m = {.atom = atom, .n = n, .words = n / 64 + 1};
    uint64_t set[2][WORDS];
    for (uint32_t w = 0; w < m.words; w++)
        m.skip[w] = set[0][w] = 0;
    for (uint32_t i = 0; i < n; i++)
        if (atom[i].quant != TB_ONE) m.skip[i / 64] |= (uint64_t)1 << (i % 64);
    set[0][0] = 1;
    close_over(&m, set[0]);
    uint32_t at = 0;
    for (uint32_t i = 0; i < len; i++, at ^= 1)
        if (!step(&m, set[at], (uint8_t)s[i], set[at ^ 1])) return 0;
    return (int)(set[at][n / 64] >> (n % 64) & 1);
}

int tb_arg_match(const uint8_t *blob, const struct tb_arg *t, const char *arg) {
    const char *prefix = (const char *)blob + t->prefix.off;
    for (uint32_t i = 0; i < t->prefix.n; i++, arg++)
        if (*arg == '\0' || *arg != prefix[i]) return 0;
    uint32_t n = tb_strlen(arg);
    if (n < t->suffix.n || !tb_bytes_equal(blob + t->suffix.off, arg + n - t->suffix.n, t->suffix.n))
        return 0;
    return match_atoms(TB_AT(struct tb_atom, blob, t->atoms.off), t->atoms.n, arg, n - t->suffix.n);
}

int tb_args_match(const uint8_t *blob, const struct tb_arglist *list, const char *const *args,
                  uint32_t nargs) {
    const struct tb_arg *t = TB_AT(struct tb_arg, blob, list->args.off);
    uint32_t n = list->args.n, rest = list->rest;
    if (rest == TB_NO_REST ? nargs != n : nargs < n - 1) return 0;
    for (uint32_t i = 0; i < nargs; i++) {
        uint32_t k = i; /* the template of args[i] */
        if (rest != TB_NO_REST && i >= rest) k = i < nargs - (n - 1 - rest) ? rest : i - (nargs - n);
        if (!tb_arg_match(blob, &t[k], args[i])) return 0;
    }
    return 1;
}

int tb_glob(const char *pattern, uint32_t np, const char *s, uint32_t ns, int fold) {
    uint32_t p = 0, i = 0, star = TB_NONE, from = 0;
    while (i < ns) {
        uint8_t c = fold ? tb_lower((uint8_t)s[i]) : (uint8_t)s[i];
        if (p < np && pattern[p] == '*') {
            star = p++;
            from = i;
        } else if (p < np && (pattern[p] == '?' || (uint8_t)pattern[p] == c)) {
            p++;
            i++;
        } else if (star != TB_NONE) {
            p = star + 1; /* let the last star take one byte more */
            i = ++from;
        } else {
            return 0;
        }
    }
    while (p < np && pattern[p] == '*')
        p++;
    return p == np;
}
