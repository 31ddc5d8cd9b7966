#include "count.h"

#include <stdlib.h>

static void *count_allocate(void *user, size_t size)
{
    count *into = user;
    void  *block = malloc(size);
    into->allocations++;
    if (block) into->bytes += size;
    return block;
}

static void *count_reallocate(void *user, void *block, size_t old_size, size_t new_size)
{
    count *into = user;
    void  *resized = realloc(block, new_size);
    into->allocations++;
    if (resized) into->bytes += new_size - (block ? old_size : 0);
    return resized;
}

static void count_release(void *user, void *block, size_t size)
{
    ((count *)user)->bytes -= size;
    free(block);
}

movex_allocator count_allocator(count *into)
{
    return (movex_allocator){count_allocate, count_reallocate, count_release, into};
}
