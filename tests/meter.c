#include "meter.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Before each block lies its size, in as many bytes as keep the block aligned. */
#define HEADER sizeof(max_align_t)

uint64_t meter_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t meter_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(meter_random(state) % bound);
}

static bool fails(meter *m)
{
    m->taken++;
    bool fail = m->taken == m->fail_at || (m->fail_one_in && meter_below(&m->random, m->fail_one_in) == 0);
    m->failed += fail;
    return fail;
}

static size_t size_of(const void *block)
{
    size_t size;
    memcpy(&size, (const char *)block - HEADER, sizeof size);
    return size;
}

static void *take(void *user, size_t size)
{
    meter *m = user;
    char  *start = fails(m) ? NULL : malloc(HEADER + size);
    if (!start) return NULL;
    memcpy(start, &size, sizeof size);
    memset(start + HEADER, 0xa5, size); /* nobody may count on zeros */
    m->blocks++;
    m->bytes += size;
    return start + HEADER;
}

static void give_back(void *user, void *block, size_t size)
{
    meter *m = user;
    if (size_of(block) != size) m->wrong++;
    m->blocks--;
    m->bytes -= size_of(block);
    free((char *)block - HEADER);
}

/* Always moves, so that whoever keeps the old place is found. */
static void *take_again(void *user, void *block, size_t old_size, size_t new_size)
{
    if (!block) return take(user, new_size);
    void *moved = take(user, new_size);
    if (!moved) return NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    give_back(user, block, old_size);
    return moved;
}

movex_allocator meter_allocator(meter *m)
{
    return (movex_allocator){.allocate = take, .reallocate = take_again, .release = give_back, .user = m};
}
