/* The library's ways to its allocator. Every block is given back with the size it was taken with. */
#ifndef MOVEX_CORE_MEMORY_H
#define MOVEX_CORE_MEMORY_H

#include <movex/allocator.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes over a configured allocator, with the default in place of one left zero. False if it is only partly set. */
bool movex_allocator_resolve(const movex_allocator *configured, movex_allocator *resolved);

/* A zeroed block, or NULL. */
void *movex_allocate(const movex_allocator *allocator, size_t size);

/* NULL is ignored. */
void movex_release(const movex_allocator *allocator, void *block, size_t size);

/* Makes room for `needed` elements in an array, doubling from `first`. False, and nothing changed, if there is no memory.
   New elements are zero. */
bool movex_grow(const movex_allocator *allocator, void *array_pointer, uint32_t *capacity, size_t element_size,
                uint32_t needed, uint32_t first);

/* Bytes that grow. */
typedef struct movex_buffer {
    unsigned char *bytes;
    size_t         length;   /* <= capacity */
    size_t         capacity; /* bytes allocated */
} movex_buffer;

/* Makes sure that `more` bytes, which do not fit now, fit behind `length`. False if there is no memory. */
bool movex_buffer_grow(movex_buffer *buffer, const movex_allocator *allocator, size_t more);
/* The same, if they do not fit yet. */
static inline bool movex_buffer_reserve(movex_buffer *buffer, const movex_allocator *allocator, size_t more)
{
    return more <= buffer->capacity - buffer->length || movex_buffer_grow(buffer, allocator, more);
}
void movex_buffer_free(movex_buffer *buffer, const movex_allocator *allocator);

#endif
