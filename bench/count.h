/* An allocator over malloc that counts what is asked of it, for "no allocation per action once warm". */
#ifndef MOVEX_BENCH_COUNT_H
#define MOVEX_BENCH_COUNT_H

#include <movex/allocator.h>

#include <stdint.h>

typedef struct count {
    uint64_t allocations; /* blocks made or resized so far */
    uint64_t bytes;       /* in use now */
} count;

/* Counts into `into`, which must live as long as the allocator is used. */
movex_allocator count_allocator(count *into);

#endif
