/* An allocator over malloc that counts what is asked of it, for "no allocation per action once warm". */
#ifndef MOVEX_BENCH_COUNT_H
#define MOVEX_BENCH_COUNT_H

#include <movex/allocator.h>

#include <stdint.h>

/* `allocations` is counted up at every block that is made or resized; it must live as long as the allocator is used. */
movex_allocator count_allocator(uint64_t *allocations);

#endif
