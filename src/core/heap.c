#include "heap.h"

#include "memory.h"

#include <assert.h>

bool movex_heap_reserve(movex_heap *heap, const movex_allocator *allocator, uint32_t items)
{
    return movex_grow(allocator, &heap->items, &heap->capacity, sizeof(movex_heap_item *), items, 8);
}

static void place(movex_heap *heap, uint32_t index, movex_heap_item *item)
{
    heap->items[index] = item;
    item->place = index + 1;
}

/* Puts `item` at `index`, or nearer to the top, or further from it, so that the order holds. */
static void settle(movex_heap *heap, uint32_t index, movex_heap_item *item)
{
    for (uint32_t parent; index > 0 && heap->items[parent = (index - 1) / 2]->due > item->due; index = parent)
        place(heap, index, heap->items[parent]);
    for (uint32_t child; (child = 2 * index + 1) < heap->count; index = child) {
        if (child + 1 < heap->count && heap->items[child + 1]->due < heap->items[child]->due) child++;
        if (heap->items[child]->due >= item->due) break;
        place(heap, index, heap->items[child]);
    }
    place(heap, index, item);
}

void movex_heap_set(movex_heap *heap, movex_heap_item *item, uint64_t due)
{
    assert(item->place || heap->count < heap->capacity);
    item->due = due;
    if (!item->place) place(heap, heap->count++, item);
    settle(heap, item->place - 1, item);
}

void movex_heap_remove(movex_heap *heap, movex_heap_item *item)
{
    if (!item->place) return;
    uint32_t         index = item->place - 1;
    movex_heap_item *last = heap->items[--heap->count];
    item->place = 0;
    if (last != item) settle(heap, index, last);
}

void movex_heap_free(movex_heap *heap, const movex_allocator *allocator)
{
    movex_release(allocator, heap->items, heap->capacity * sizeof(movex_heap_item *));
    *heap = (movex_heap){0};
}
