/* SHA-256, streaming, without libc; with the CPU's own instructions on amd64 where it has them. */
#ifndef THIMBLE_SHA256_H
#define THIMBLE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct tb_sha256 {
    uint32_t h[8];
    uint64_t n; /* bytes fed so far */
    uint8_t block[64];
    uint8_t fast; /* 0: not asked yet, 1: no, 2: the CPU has SHA instructions */
};
void tb_sha256_init(struct tb_sha256 *s);
void tb_sha256_update(struct tb_sha256 *s, const uint8_t *data, size_t n);
void tb_sha256_final(struct tb_sha256 *s, uint8_t out[32]);
#endif
