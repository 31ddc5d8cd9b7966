/* Which parts of a large state were touched, and what an action declares that it touches. */
#ifndef MOVEX_CORE_TOUCHED_H
#define MOVEX_CORE_TOUCHED_H

#include <movex/type.h>

#include <stdbool.h>
#include <stdint.h>

#define MOVEX_TOUCHED_WORDS 64

/* A bit for each granule of a power of two of bytes.  granules == ceil(size / 2^shift) <= 64 * MOVEX_TOUCHED_WORDS */
typedef struct movex_touched {
    uint32_t size;       /* bytes of the state, > 0 */
    unsigned shift;      /* log2 of the bytes of a granule, at least 8 */
    uint32_t word_count; /* in use, for all granules of the state */
    uint64_t words[MOVEX_TOUCHED_WORDS];
} movex_touched;

/* Nothing, or all, of a state of that size. */
void movex_touched_start(movex_touched *touched, uint32_t size);
void movex_touched_fill(movex_touched *touched, uint32_t size);
/* Bytes [from, to), which are not none. */
void movex_touched_mark(movex_touched *touched, uint32_t from, uint32_t to);
/* What is in `more`, of a state of the same size, as well. */
void movex_touched_add(movex_touched *touched, const movex_touched *more);
/* The granules from `*sweep` on, round and round, so many that each has had its turn after 256 calls. */
void movex_touched_sweep(movex_touched *touched, uint32_t *sweep);
/* The next run of granules that are touched, at or after byte `*from`, as bytes [*from, *to); false if there is none. */
bool movex_touched_next(const movex_touched *touched, uint32_t *from, uint32_t *to);

/* The number of the lowest bit that is set. */
static inline unsigned movex_lowest_bit(uint64_t bits)
{
#ifdef __GNUC__
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned bit = 0;
    for (; !(bits & 1); bits >>= 1) bit++;
    return bit;
#endif
}

/* What an action declares (movex_touches), to granules, or, where that is checked, to the byte. */
struct movex_touch {
    const unsigned char *state;
    uint32_t             size;    /* bytes of the state */
    movex_touched       *touched; /* NULL: not asked */
    unsigned char       *exact;   /* a byte for each of the state, 1 where it is declared; NULL: not asked */
};

#endif
