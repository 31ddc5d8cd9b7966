/* A hash table from 64-bit keys to pointers, open addressing. A key is either exact (a number), or the keyed hash of a
   name; then `same` tells whether a value is the one that is meant. */
#ifndef MOVEX_CORE_MAP_H
#define MOVEX_CORE_MAP_H

#include "hash.h"

#include <movex/allocator.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct movex_map_entry {
    uint64_t key;
    void    *value; /* NULL: free */
} movex_map_entry;

typedef struct movex_map {
    movex_map_entry *entries;
    uint32_t         capacity; /* 0 or a power of two; count <= 3/4 capacity */
    uint32_t         count;
} movex_map;

typedef bool movex_map_same(const void *value, const void *wanted);

/* Where a key is looked for first. Fibonacci hashing spreads small numbers. */
static inline uint32_t movex_map_home(const movex_map *map, uint64_t key)
{
    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (map->capacity - 1);
}

void *movex_map_search(const movex_map *map, uint64_t key, movex_map_same *same, const void *wanted);

/* NULL if it is not there. `same` NULL: the key is exact. */
static inline void *movex_map_get(const movex_map *map, uint64_t key, movex_map_same *same, const void *wanted)
{
    if (map->count && !same) { /* nearly always at home */
        const movex_map_entry *entry = &map->entries[movex_map_home(map, key)];
        if (entry->key == key && entry->value) return entry->value;
    }
    return movex_map_search(map, key, same, wanted);
}

/* Adds what is not there yet. False if there is no memory. */
bool movex_map_put(movex_map *map, const movex_allocator *allocator, uint64_t key, void *value);
/* Removes what is there. */
void movex_map_remove(movex_map *map, uint64_t key, const void *value);
void movex_map_free(movex_map *map, const movex_allocator *allocator);

#endif
