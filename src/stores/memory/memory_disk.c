/* What is durable in a memory store: how changes come to it, and what a power cut leaves. */
#include "memory_internal.h"

#include <string.h>

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(movex_store_memory *memory)
{
    uint64_t z = memory->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 to most. */
static uint64_t draw_to(movex_store_memory *memory, uint64_t most)
{
    return most == UINT64_MAX ? draw(memory) : draw(memory) % (most + 1);
}

/* ---- bytes of a file */

static bool make_room(movex_store_memory *memory, memory_file *file, uint64_t size)
{
    if (size <= file->capacity) return true;
    if (size > SIZE_MAX / 2) return false;
    size_t capacity = file->capacity ? file->capacity : 256;
    while (capacity < size) capacity *= 2;
    const movex_allocator *allocator = &memory->queue.allocator;
    unsigned char         *bytes = allocator->reallocate(allocator->user, file->bytes, file->capacity, capacity);
    if (!bytes) return false;
    file->bytes = bytes;
    file->capacity = capacity;
    return true;
}

/* Before the durable size of a file changes. */
static void count_bytes(movex_store_memory *memory, memory_file *file, bool exists, uint64_t size)
{
    memory->stats.bytes += size - file->base.durable_size;
    if (exists) return;
    movex_store_release(&memory->queue.allocator, file->bytes, file->capacity);
    file->bytes = NULL;
    file->capacity = 0;
}

size_t movex_store_memory_read(const memory_file *file, const store_plan *plan, uint64_t offset, void *bytes,
                               size_t capacity)
{
    uint64_t there = plan->base - offset;
    size_t   length = there < capacity ? (size_t)there : capacity;
    memcpy(bytes, file->bytes + (size_t)offset, length);
    return length;
}

void movex_store_memory_cut(movex_store_memory *memory, memory_file *file, uint64_t size)
{
    count_bytes(memory, file, true, size);
    file->base.size = file->base.durable_size = size;
}

/* ---- a flush */

static int fail(movex_store_memory *memory, movex_status status, const char *text)
{
    memory->failure.status = status;
    strcpy(memory->failure.text, text);
    return status;
}

/* Makes a file's bytes what they are by its changes up to its goal, and commits them; else nothing of it has changed. */
static int write_file(movex_store_memory *memory, memory_file *file)
{
    store_plan plan = movex_store_plan(&file->base, file->base.goal);
    uint64_t   others = memory->stats.bytes - file->base.durable_size;
    if (memory->capacity && plan.size > file->base.durable_size && others + plan.size > memory->capacity)
        return fail(memory, MOVEX_ERR_SYSTEM, "the memory store has reached its capacity");
    if (!make_room(memory, file, plan.size)) return fail(memory, MOVEX_ERR_MEMORY, "the memory store has no memory");
    if (plan.size > plan.base)
        movex_store_plan_read(&plan, file->base.goal, plan.base, file->bytes + (size_t)plan.base,
                              (size_t)(plan.size - plan.base));
    count_bytes(memory, file, plan.exists, plan.size);
    movex_store_queue_commit(&memory->queue, &file->base);
    return MOVEX_OK;
}

int movex_store_memory_take_effect(movex_store_memory *memory)
{
    store_queue *queue = &memory->queue;
    int          status = MOVEX_OK;
    memory->flushing = false;
    if (memory->failing > 0 || draw_to(memory, 999) < memory->flush_failure_per_mille) {
        memory->failing -= memory->failing > 0;
        status = fail(memory, MOVEX_ERR_SYSTEM, "a flush of the memory store has failed, as it was told to");
    }
    for (store_file *file; status == MOVEX_OK && (file = movex_store_queue_pick(queue)) != NULL;) {
        status = write_file(memory, (memory_file *)file);
        if (status != MOVEX_OK) movex_store_queue_give_back(queue, file);
    }
    movex_store_queue_settle(queue);
    memory->stats.flushes += status == MOVEX_OK;
    memory->stats.failed_flushes += status != MOVEX_OK;
    if (status == MOVEX_OK) memory->failure = (movex_error){0};
    return status;
}

/* ---- a power cut */

/* Of the append that the power cut has hit, some bytes are there, and some of these may be zeros. */
static void tear(movex_store_memory *memory, memory_file *file, const store_change *change)
{
    uint64_t size = file->base.durable_size;
    size_t   length = (size_t)draw_to(memory, change->length);
    size_t   zeros = draw_to(memory, 3) == 0 ? (size_t)draw_to(memory, length) : 0;
    if (length == 0 || !make_room(memory, file, size + length)) return;
    memcpy(file->bytes + (size_t)size, movex_store_change_bytes(change), length - zeros);
    memset(file->bytes + (size_t)size + length - zeros, 0, zeros);
    count_bytes(memory, file, true, size + length);
    file->base.durable_exists = true;
    file->base.durable_size = size + length;
}

/* As many of a file's changes as come. */
static void lose_some(movex_store_memory *memory, memory_file *file)
{
    uint64_t waiting = 0;
    for (const store_change *change = file->base.first; change; change = change->next) waiting++;
    uint64_t      kept = draw_to(memory, waiting);
    store_change *lost = file->base.first;
    file->base.goal = NULL;
    for (; kept > 0; kept--, lost = lost->next) file->base.goal = lost;
    if (file->base.goal && write_file(memory, file) != MOVEX_OK) return;
    if (lost && lost->kind == STORE_APPEND) tear(memory, file, lost);
}

void movex_store_memory_lose(movex_store_memory *memory)
{
    store_queue *queue = &memory->queue;
    movex_store_queue_settle(queue); /* the flush under way comes to nothing */
    movex_store_queue_begin(queue);
    for (store_file *file; (file = movex_store_queue_pick(queue)) != NULL;) lose_some(memory, (memory_file *)file);
    memory->failure = (movex_error){0};
    movex_store_queue_forget(queue);
}
