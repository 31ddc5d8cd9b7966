/* The default allocator: the one place of the core that refers to malloc. */
#include <movex/allocator.h>

#include <stdlib.h>

static void *allocate(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void *reallocate(void *user, void *block, size_t old_size, size_t new_size)
{
    (void)user, (void)old_size;
    return realloc(block, new_size);
}

static void release(void *user, void *block, size_t size)
{
    (void)user, (void)size;
    free(block);
}

movex_allocator movex_allocator_default(void)
{
    return (movex_allocator){.allocate = allocate, .reallocate = reallocate, .release = release};
}
