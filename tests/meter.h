/* An allocator that counts, checks the sizes with which blocks are given back, and fails when it is told to. */
#ifndef MOVEX_TESTS_METER_H
#define MOVEX_TESTS_METER_H

#include <movex/allocator.h>

#include <stdbool.h>
#include <stdint.h>

#include <check.h>

/* Check's own assertions tell the parent process of every pass, which is too slow for millions; these speak of failures
   alone. */
#define must_msg(condition, ...)                                                                                       \
    do {                                                                                                               \
        if (!(condition)) ck_abort_msg(__VA_ARGS__);                                                                   \
    } while (0)
#define must(condition) must_msg(condition, "%s", #condition)
#define must_equal(a, b) must_msg((a) == (b), "%s is %lld, %s is %lld", #a, (long long)(a), #b, (long long)(b))

typedef struct meter {
    uint64_t taken;       /* allocations and reallocations asked for so far */
    uint64_t fail_at;     /* the one of them that fails, counted from 1; 0: none */
    uint32_t fail_one_in; /* each fails with this chance; 0: none */
    uint64_t random;      /* SplitMix64 state for that */
    uint64_t failed;      /* how many have failed */
    uint64_t blocks;      /* not given back */
    uint64_t bytes;       /* of them */
    uint64_t wrong;       /* blocks given back with another size than they have */
} meter;

movex_allocator meter_allocator(meter *m);

/* The tests' own random numbers: SplitMix64. */
uint64_t meter_random(uint64_t *state);
/* 0 to bound - 1. */
uint32_t meter_below(uint64_t *state, uint32_t bound);

#endif
