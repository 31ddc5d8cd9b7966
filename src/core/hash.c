#include "hash.h"

#include "bytes.h"

/* The constants of both algorithms are those of their specifications (see hash.h). */
#define XXH_PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define XXH_PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define XXH_PRIME_3 UINT64_C(0x165667B19E3779F9)
#define XXH_PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define XXH_PRIME_5 UINT64_C(0x27D4EB2F165667C5)
#define XXH_STRIPE 32

static inline uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline uint64_t load_u32(const unsigned char *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t xxh_round(uint64_t lane, uint64_t input)
{
    return rotate_left(lane + input * XXH_PRIME_2, 31) * XXH_PRIME_1;
}

static inline uint64_t xxh_merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ xxh_round(0, lane)) * XXH_PRIME_1 + XXH_PRIME_4;
}

/* Consumes the whole stripes of the input in four lanes. */
static uint64_t xxh_stripes(const unsigned char **at, const unsigned char *end, uint64_t seed)
{
    uint64_t             a = seed + XXH_PRIME_1 + XXH_PRIME_2;
    uint64_t             b = seed + XXH_PRIME_2;
    uint64_t             c = seed;
    uint64_t             d = seed - XXH_PRIME_1;
    const unsigned char *p = *at;
    for (; end - p >= XXH_STRIPE; p += XXH_STRIPE) {
        a = xxh_round(a, movex_load_u64(p));
        b = xxh_round(b, movex_load_u64(p + 8));
        c = xxh_round(c, movex_load_u64(p + 16));
        d = xxh_round(d, movex_load_u64(p + 24));
    }
    *at = p;
    uint64_t hash = rotate_left(a, 1) + rotate_left(b, 7) + rotate_left(c, 12) + rotate_left(d, 18);
    return xxh_merge(xxh_merge(xxh_merge(xxh_merge(hash, a), b), c), d);
}

static inline uint64_t xxh_word(uint64_t hash, const unsigned char *p)
{
    return rotate_left(hash ^ xxh_round(0, movex_load_u64(p)), 27) * XXH_PRIME_1 + XXH_PRIME_4;
}

static inline uint64_t xxh_finish(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * XXH_PRIME_2;
    hash = (hash ^ hash >> 29) * XXH_PRIME_3;
    return hash ^ hash >> 32;
}

uint64_t movex_xxh64_of_8(const void *bytes, uint64_t seed)
{
    return xxh_finish(xxh_word(seed + XXH_PRIME_5 + 8, bytes));
}

uint64_t movex_xxh64(const void *bytes, size_t length, uint64_t seed)
{
    static const unsigned char nothing[1] = {0};
    assert(bytes || !length);
    const unsigned char *p = bytes ? bytes : nothing;
    const unsigned char *end = p + length;
    uint64_t             hash = length >= XXH_STRIPE ? xxh_stripes(&p, end, seed) : seed + XXH_PRIME_5;
    hash += length;
    for (; end - p >= 8; p += 8) hash = xxh_word(hash, p);
    if (end - p >= 4) {
        hash = rotate_left(hash ^ load_u32(p) * XXH_PRIME_1, 23) * XXH_PRIME_2 + XXH_PRIME_3;
        p += 4;
    }
    for (; p < end; p++) hash = rotate_left(hash ^ *p * XXH_PRIME_5, 11) * XXH_PRIME_1;
    return xxh_finish(hash);
}

uint64_t movex_xxh64_number(uint64_t so_far, uint64_t value)
{
    unsigned char bytes[8];
    movex_store_u64(bytes, value);
    return movex_xxh64_of_8(bytes, so_far);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] = rotate_left(v[2], 32);
}

static void sip_compress(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t movex_siphash(movex_sip_key key, const void *bytes, size_t length)
{
    assert(bytes || !length);
    /* "somepseudorandomlygeneratedbytes", as the paper has it */
    uint64_t             v[4] = {key.k0 ^ UINT64_C(0x736f6d6570736575), key.k1 ^ UINT64_C(0x646f72616e646f6d),
                                 key.k0 ^ UINT64_C(0x6c7967656e657261), key.k1 ^ UINT64_C(0x7465646279746573)};
    const unsigned char *p = bytes;
    size_t               left = length;
    for (; left >= 8; left -= 8, p += 8) sip_compress(v, movex_load_u64(p));
    uint64_t last = (uint64_t)length << 56;
    for (size_t i = 0; i < left; i++) last |= (uint64_t)p[i] << 8 * i;
    sip_compress(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
