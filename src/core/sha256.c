#include "sha256.h"

#include "bytes.h"

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* Those of the square roots of the first 8 (5.3.3). */
static const uint32_t beginning[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static inline uint32_t rotate_right(uint32_t value, unsigned bits)
{
    return value >> bits | value << (32 - bits);
}

static inline uint32_t load_big(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline void store_big(unsigned char *b, uint32_t value)
{
    for (int i = 0; i < 4; i++) b[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void spread(const unsigned char *block, uint32_t w[64])
{
    for (int t = 0; t < 16; t++) w[t] = load_big(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t a = w[t - 15], b = w[t - 2];
        uint32_t low = rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3;
        uint32_t high = rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10;
        w[t] = high + w[t - 7] + low + w[t - 16];
    }
}

/* One block (6.2.2); v is a to h of the standard. */
static void compress(uint32_t words[8], const unsigned char *block)
{
    uint32_t w[64], v[8];
    spread(block, w);
    memcpy(v, words, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t e = rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25);
        uint32_t a = rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        uint32_t first = v[7] + e + choice + constants[t] + w[t], second = a + majority;
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += first;
        v[0] = first + second;
    }
    for (int i = 0; i < 8; i++) words[i] += v[i];
}

void movex_sha256_start(movex_sha256 *hash)
{
    hash->length = 0;
    memcpy(hash->words, beginning, sizeof beginning);
}

void movex_sha256_add(movex_sha256 *hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    size_t               waiting = (size_t)(hash->length % 64);
    hash->length += length;
    while (length > 0) {
        size_t part = 64 - waiting < length ? 64 - waiting : length;
        memcpy(hash->block + waiting, at, part);
        at += part;
        length -= part;
        waiting += part;
        if (waiting < 64) return;
        compress(hash->words, hash->block);
        waiting = 0;
    }
}

void movex_sha256_add_number(movex_sha256 *hash, uint64_t value)
{
    unsigned char bytes[8];
    movex_store_u64(bytes, value);
    movex_sha256_add(hash, bytes, sizeof bytes);
}

void movex_sha256_add_blob(movex_sha256 *hash, const void *bytes, size_t length)
{
    movex_sha256_add_number(hash, length);
    movex_sha256_add(hash, bytes, length);
}

void movex_sha256_end(movex_sha256 *hash, unsigned char digest[MOVEX_SHA256_SIZE])
{
    static const unsigned char padding[64] = {0x80};
    uint64_t                   bits = hash->length * 8;
    size_t                     waiting = (size_t)(hash->length % 64);
    unsigned char              length[8];
    store_big(length, (uint32_t)(bits >> 32));
    store_big(length + 4, (uint32_t)bits);
    movex_sha256_add(hash, padding, waiting < 56 ? 56 - waiting : 120 - waiting);
    movex_sha256_add(hash, length, sizeof length);
    for (int i = 0; i < 8; i++) store_big(digest + 4 * i, hash->words[i]);
}
