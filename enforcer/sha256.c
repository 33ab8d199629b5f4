//go:build ignore

/* SHA-256 (FIPS 180-4). */
#include "include/sha256.h"

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

static inline uint32_t load_be(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* One round; w is a ring of the last 16 words of the schedule. */
static inline void round_of(uint32_t s[8], uint32_t k, uint32_t w) {
    uint32_t a = s[0], e = s[4];
    uint32_t t1 = s[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + k + w;
    uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    s[7] = s[6];
    s[6] = s[5];
    s[5] = e;
    s[4] = s[3] + t1;
    s[3] = s[2];
    s[2] = s[1];
    s[1] = a;
    s[0] = t1 + t2;
}

static void blocks_portable(uint32_t h[8], const uint8_t *p, size_t n) {
    for (; n > 0; n--, p += 64) {
        uint32_t w[16], s[8];
        for (int i = 0; i < 8; i++)
            s[i] = h[i];
        for (int i = 0; i < 64; i++) {
            if (i < 16) {
                w[i] = load_be(p + 4 * i);
            } else {
                uint32_t x = w[(i + 1) & 15], y = w[(i + 14) & 15];
                w[i & 15] += w[(i + 9) & 15] + (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) +
                             (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
            }
            round_of(s, K[i], w[i & 15]);
        }
        for (int i = 0; i < 8; i++)
            h[i] += s[i];
    }
}

#if defined(__x86_64__)
typedef int v4si __attribute__((vector_size(16)));
typedef unsigned v4su __attribute__((vector_size(16)));
typedef char v16qi __attribute__((vector_size(16)));

static inline v4si load_v(const void *p) {
    v4si v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/* Adds without the undefined overflow of signed numbers. */
static inline v4si add_v(v4si a, v4si b) {
    return (v4si)((v4su)a + (v4su)b);
}

#define SHUFFLE(a, b, c0, c1, c2, c3) __builtin_shufflevector(a, b, c0, c1, c2, c3)

/* Intel's SHA extensions keep the state as (a,b,e,f) and (c,d,g,h) and do two rounds at once. */
__attribute__((target("sha,sse4.1"))) static void blocks_fast(uint32_t h[8], const uint8_t *p, size_t n) {
    const v16qi swap = {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12};
    v4si dcba = load_v(h), hgfe = load_v(h + 4);
    v4si abef = SHUFFLE(dcba, hgfe, 5, 4, 1, 0), cdgh = SHUFFLE(dcba, hgfe, 7, 6, 3, 2);
    for (; n > 0; n--, p += 64) {
        v4si w[4], x = abef, y = cdgh;
        for (int i = 0; i < 16; i++) {
            if (i < 4) {
                w[i] = (v4si)__builtin_ia32_pshufb128((v16qi)load_v(p + 16 * i), swap);
            } else {
                v4si last = w[(i + 3) & 3], before = w[(i + 2) & 3];
                v4si sum = add_v(__builtin_ia32_sha256msg1(w[i & 3], w[(i + 1) & 3]),
                                 SHUFFLE(before, last, 1, 2, 3, 4));
                w[i & 3] = __builtin_ia32_sha256msg2(sum, last);
            }
            v4si wk = add_v(w[i & 3], load_v(K + 4 * i));
            y = __builtin_ia32_sha256rnds2(y, x, wk);
            x = __builtin_ia32_sha256rnds2(x, y, SHUFFLE(wk, wk, 2, 3, 0, 0));
        }
        abef = add_v(abef, x);
        cdgh = add_v(cdgh, y);
    }
    v4si out[2] = {SHUFFLE(abef, cdgh, 3, 2, 7, 6), SHUFFLE(abef, cdgh, 1, 0, 5, 4)};
    __builtin_memcpy(h, out, sizeof out);
}

static uint32_t cpuid(uint32_t leaf, int want_ecx) {
    uint32_t a = leaf, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return leaf == 0 ? a : want_ecx ? c : b;
}

/* SSE4.1 and SSSE3, which everything with SHA has, are asked for all the same. */
static int have_fast(void) {
    return cpuid(0, 0) >= 7 && (cpuid(1, 1) & (1u << 19 | 1u << 9)) == (1u << 19 | 1u << 9) &&
           (cpuid(7, 0) >> 29 & 1);
}
#else
static void blocks_fast(uint32_t h[8], const uint8_t *p, size_t n) {
    blocks_portable(h, p, n);
}

static int have_fast(void) {
    return 0;
}
#endif

/* Asking the CPU costs microseconds under some hypervisors, so small inputs do not ask. */
static void blocks(struct tb_sha256 *s, const uint8_t *p, size_t n) {
    if (s->fast == 0 && n >= 32) s->fast = have_fast() ? 2 : 1;
    if (s->fast == 2)
        blocks_fast(s->h, p, n);
    else
        blocks_portable(s->h, p, n);
}

void tb_sha256_init(struct tb_sha256 *s) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int i = 0; i < 8; i++)
        s->h[i] = start[i];
    s->n = 0;
    s->fast = 0;
}

void tb_sha256_update(struct tb_sha256 *s, const uint8_t *data, size_t n) {
    size_t have = s->n % 64;
    s->n += n;
    if (have > 0) {
        for (; have < 64 && n > 0; n--)
            s->block[have++] = *data++;
        if (have < 64) return;
        blocks(s, s->block, 1);
    }
    blocks(s, data, n / 64);
    data += n / 64 * 64;
    for (size_t i = 0; i < n % 64; i++)
        s->block[i] = data[i];
}

void tb_sha256_final(struct tb_sha256 *s, uint8_t out[32]) {
    static const uint8_t pad[64] = {0x80};
    uint64_t bits = s->n * 8;
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    tb_sha256_update(s, pad, 1 + (119 - s->n % 64) % 64);
    tb_sha256_update(s, length, 8);
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}
