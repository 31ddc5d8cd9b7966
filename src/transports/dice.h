/* Values drawn from a seed, and what they do to a frame: for the emitters that inject faults. */
#ifndef MOVEX_TRANSPORTS_DICE_H
#define MOVEX_TRANSPORTS_DICE_H

#include <movex/mock.h>

/* SplitMix64 (Steele, Lea and Flood 2014). */
static inline uint64_t movex_dice_draw(uint64_t *dice)
{
    uint64_t z = *dice += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 to bound - 1, for 0 < bound <= 2^32. */
static inline uint64_t movex_dice_below(uint64_t *dice, uint64_t bound)
{
    return ((movex_dice_draw(dice) >> 32) * bound) >> 32;
}

static inline uint64_t movex_dice_range(uint64_t *dice, movex_mock_range range)
{
    uint64_t width = range.max > range.min ? range.max - range.min : 0;
    return range.min + movex_dice_below(dice, width + 1);
}

/* Whether something with that chance happens. What cannot happen draws nothing, so that a fault that is not asked for does
   not change what a seed does. */
static inline bool movex_dice_chance(uint64_t *dice, uint32_t per_mille)
{
    return per_mille > 0 && movex_dice_below(dice, 1000) < per_mille;
}

/* Flips one to three bits of a frame or, every other time, cuts off its end; returns its new length, at least 1. */
static inline size_t movex_dice_corrupt(uint64_t *dice, unsigned char *frame, size_t length)
{
    bool     truncates = length > 1 && movex_dice_below(dice, 2) == 0;
    uint64_t flips = movex_dice_below(dice, 3) + 1;
    if (truncates) return 1 + (size_t)movex_dice_below(dice, length - 1);
    while (flips-- > 0) frame[movex_dice_below(dice, length)] ^= (unsigned char)(1u << movex_dice_below(dice, 8));
    return length;
}

#endif
