#include "touched.h"

#include <assert.h>
#include <string.h>

enum { SWEEPS = 256 };

static uint32_t granules_of(const movex_touched *touched)
{
    return ((touched->size - 1) >> touched->shift) + 1;
}

void movex_touched_start(movex_touched *touched, uint32_t size)
{
    assert(size > 0);
    touched->size = size;
    touched->shift = 8;
    while ((size - 1) >> touched->shift >= MOVEX_TOUCHED_WORDS * 64) touched->shift++;
    touched->word_count = (granules_of(touched) + 63) / 64;
    memset(touched->words, 0, touched->word_count * sizeof *touched->words);
}

void movex_touched_fill(movex_touched *touched, uint32_t size)
{
    movex_touched_start(touched, size);
    movex_touched_mark(touched, 0, size);
}

static void mark(movex_touched *touched, uint32_t granule)
{
    touched->words[granule / 64] |= UINT64_C(1) << granule % 64;
}

void movex_touched_mark(movex_touched *touched, uint32_t from, uint32_t to)
{
    assert(from < to && to <= touched->size);
    for (uint32_t granule = from >> touched->shift; granule <= (to - 1) >> touched->shift; granule++)
        mark(touched, granule);
}

void movex_touched_add(movex_touched *touched, const movex_touched *more)
{
    assert(touched->size == more->size);
    for (uint32_t i = 0; i < touched->word_count; i++) touched->words[i] |= more->words[i];
}

void movex_touched_sweep(movex_touched *touched, uint32_t *sweep)
{
    uint32_t granules = granules_of(touched);
    for (uint32_t left = (granules + SWEEPS - 1) / SWEEPS; left; left--) {
        if (*sweep >= granules) *sweep = 0;
        mark(touched, (*sweep)++);
    }
}

/* The first granule at or after `granule` that is touched, or is not; the number of all if there is none. */
static uint32_t find(const movex_touched *touched, uint32_t granule, bool is_touched)
{
    const uint64_t flip = is_touched ? 0 : UINT64_MAX;
    uint32_t       end = granules_of(touched), word = granule / 64;
    if (granule >= end) return end;
    uint64_t bits = (touched->words[word] ^ flip) >> granule % 64 << granule % 64;
    while (!bits) {
        if (++word == touched->word_count) return end;
        bits = touched->words[word] ^ flip;
    }
    granule = word * 64 + movex_lowest_bit(bits);
    return granule < end ? granule : end; /* behind the last one all are 0, and so found as not touched */
}

bool movex_touched_next(const movex_touched *touched, uint32_t *from, uint32_t *to)
{
    uint32_t granules = granules_of(touched);
    uint32_t first = *from < touched->size ? find(touched, *from >> touched->shift, true) : granules;
    if (first == granules) return false;
    uint32_t end = find(touched, first, false);
    *from = first << touched->shift;
    *to = end == granules ? touched->size : end << touched->shift;
    return true;
}

void movex_touches(movex_touch *touch, const void *part, size_t size)
{
    uintptr_t start = (uintptr_t)touch->state, at = (uintptr_t)part;
    uint32_t  from = 0, to = touch->size; /* what is not of this state may be anything */
    if (size == 0) return;
    if (at >= start && at - start < touch->size && size <= touch->size - (at - start)) {
        from = (uint32_t)(at - start);
        to = from + (uint32_t)size;
    }
    if (touch->touched) movex_touched_mark(touch->touched, from, to);
    if (touch->exact) memset(touch->exact + from, 1, to - from);
}
