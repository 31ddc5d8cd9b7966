#include "memory.h"

#include <assert.h>
#include <string.h>

bool movex_allocator_resolve(const movex_allocator *configured, movex_allocator *resolved)
{
    bool none = !configured || (!configured->allocate && !configured->reallocate && !configured->release);
    *resolved = none ? movex_allocator_default() : *configured;
    return resolved->allocate && resolved->reallocate && resolved->release;
}

void *movex_allocate(const movex_allocator *allocator, size_t size)
{
    assert(size > 0);
    void *block = allocator->allocate(allocator->user, size);
    return block ? memset(block, 0, size) : NULL;
}

void movex_release(const movex_allocator *allocator, void *block, size_t size)
{
    if (block) allocator->release(allocator->user, block, size);
}

bool movex_grow(const movex_allocator *allocator, void *array_pointer, uint32_t *capacity, size_t element_size,
                uint32_t needed, uint32_t first)
{
    if (needed <= *capacity) return true;
    uint32_t grown = *capacity ? *capacity : first;
    while (grown < needed) {
        if (grown > UINT32_MAX / 2) return false;
        grown *= 2;
    }
    if (grown > SIZE_MAX / element_size) return false;

    void *array;
    memcpy(&array, array_pointer, sizeof array); /* a pointer of any type */
    size_t         old_size = *capacity * element_size;
    unsigned char *moved = allocator->reallocate(allocator->user, array, old_size, grown * element_size);
    if (!moved) return false;
    memset(moved + old_size, 0, grown * element_size - old_size);
    memcpy(array_pointer, &moved, sizeof moved);
    *capacity = grown;
    return true;
}

bool movex_buffer_grow(movex_buffer *buffer, const movex_allocator *allocator, size_t more)
{
    if (more > SIZE_MAX / 2 - buffer->length) return false;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < buffer->length + more) capacity *= 2;
    unsigned char *moved = allocator->reallocate(allocator->user, buffer->bytes, buffer->capacity, capacity);
    if (!moved) return false;
    buffer->bytes = moved;
    buffer->capacity = capacity;
    return true;
}

void movex_buffer_free(movex_buffer *buffer, const movex_allocator *allocator)
{
    movex_release(allocator, buffer->bytes, buffer->capacity);
    *buffer = (movex_buffer){0};
}
