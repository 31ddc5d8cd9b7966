#include "count.h"

#include <stdlib.h>

static void *count_allocate(void *user, size_t size)
{
    ++*(uint64_t *)user;
    return malloc(size);
}

static void *count_reallocate(void *user, void *block, size_t old_size, size_t new_size)
{
    (void)old_size;
    ++*(uint64_t *)user;
    return realloc(block, new_size);
}

static void count_release(void *user, void *block, size_t size)
{
    (void)user, (void)size;
    free(block);
}

movex_allocator count_allocator(uint64_t *allocations)
{
    return (movex_allocator){count_allocate, count_reallocate, count_release, allocations};
}
