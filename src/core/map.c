#include "map.h"

#include "memory.h"

#include <assert.h>

static uint32_t after(const movex_map *map, uint32_t index)
{
    return (index + 1) & (map->capacity - 1);
}

void *movex_map_search(const movex_map *map, uint64_t key, movex_map_same *same, const void *wanted)
{
    if (!map->count) return NULL;
    for (uint32_t i = movex_map_home(map, key); map->entries[i].value; i = after(map, i))
        if (map->entries[i].key == key && (!same || same(map->entries[i].value, wanted))) return map->entries[i].value;
    return NULL;
}

static void place(movex_map *map, uint64_t key, void *value)
{
    uint32_t i = movex_map_home(map, key);
    while (map->entries[i].value) i = after(map, i);
    map->entries[i] = (movex_map_entry){.key = key, .value = value};
}

static bool grow(movex_map *map, const movex_allocator *allocator)
{
    movex_map grown = {.capacity = map->capacity ? map->capacity * 2 : 8, .count = map->count};
    if (grown.capacity > UINT32_MAX / 2) return false;
    grown.entries = movex_allocate(allocator, grown.capacity * sizeof *grown.entries);
    if (!grown.entries) return false;
    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->entries[i].value) place(&grown, map->entries[i].key, map->entries[i].value);
    movex_map_free(map, allocator);
    *map = grown;
    return true;
}

bool movex_map_put(movex_map *map, const movex_allocator *allocator, uint64_t key, void *value)
{
    assert(value);
    if ((map->count + 1) > map->capacity / 4 * 3 && !grow(map, allocator)) return false;
    place(map, key, value);
    map->count++;
    return true;
}

void movex_map_remove(movex_map *map, uint64_t key, const void *value)
{
    uint32_t hole = movex_map_home(map, key);
    while (map->entries[hole].value != value) {
        assert(map->entries[hole].value);
        hole = after(map, hole);
    }
    /* Move back what would no longer be found past the hole, so that no tombstones are needed (Knuth 6.4, algorithm R). */
    for (uint32_t i = after(map, hole); map->entries[i].value; i = after(map, i)) {
        uint32_t distance = (i - movex_map_home(map, map->entries[i].key)) & (map->capacity - 1);
        if (distance < ((i - hole) & (map->capacity - 1))) continue;
        map->entries[hole] = map->entries[i];
        hole = i;
    }
    map->entries[hole].value = NULL;
    map->count--;
}

void movex_map_free(movex_map *map, const movex_allocator *allocator)
{
    movex_release(allocator, map->entries, map->capacity * sizeof *map->entries);
    *map = (movex_map){0};
}
