/* A priority queue of what is due when, earliest first: a binary heap whose items know their place, so that one can be moved
   or taken out. Room is made beforehand; nothing else can fail. */
#ifndef MOVEX_CORE_HEAP_H
#define MOVEX_CORE_HEAP_H

#include <movex/allocator.h>

#include <stdbool.h>
#include <stdint.h>

/* The part of what is queued that the heap looks at. */
typedef struct movex_heap_item {
    uint64_t due;
    uint32_t place; /* 1 + its index in items; 0: not queued */
} movex_heap_item;

/* items[i].due >= items[(i - 1) / 2].due for all i > 0 */
typedef struct movex_heap {
    movex_heap_item **items;
    uint32_t          count, capacity;
} movex_heap;

/* Makes room for `items` in all. False if there is no memory. */
bool movex_heap_reserve(movex_heap *heap, const movex_allocator *allocator, uint32_t items);
/* Queues an item, or moves one that is queued, to `due`. */
void movex_heap_set(movex_heap *heap, movex_heap_item *item, uint64_t due);
/* Takes an item out; one that is not queued is ignored. */
void movex_heap_remove(movex_heap *heap, movex_heap_item *item);
void movex_heap_free(movex_heap *heap, const movex_allocator *allocator);

/* The earliest, or NULL. */
static inline movex_heap_item *movex_heap_first(const movex_heap *heap)
{
    return heap->count ? heap->items[0] : NULL;
}

#endif
