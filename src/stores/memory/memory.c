/* The memory store: making, virtual time, faults, and the table. */
#include "memory_internal.h"

#include <string.h>

/* ---- making */

movex_store_memory *movex_store_memory_new(const movex_store_memory_config *config)
{
    const movex_store_memory_config defaults = {0};
    if (!config) config = &defaults;
    movex_allocator     allocator = config->allocator.allocate ? config->allocator : movex_allocator_default();
    movex_store_memory *memory = movex_store_allocate(&allocator, sizeof *memory);
    if (!memory) return NULL;
    movex_store_queue_init(&memory->queue, &allocator, sizeof(memory_file), config->waiting_bytes, config->files);
    memory->random = config->seed;
    memory->flush_ms = config->flush_ms;
    memory->flush_failure_per_mille = config->flush_failure_per_mille;
    memory->capacity = config->capacity;
    return memory;
}

static void let_go(movex_store_memory *memory)
{
    if (!memory->handle) return;
    memory->handle->durable = memory->queue.durable;
    memory->handle->taken = memory->queue.taken;
    memory->handle->memory = NULL;
    memory->handle = NULL;
    memory->flushing = false;
    memory->failure = (movex_error){0};
}

void movex_store_memory_free(movex_store_memory *memory)
{
    if (!memory) return;
    movex_allocator allocator = memory->queue.allocator;
    let_go(memory);
    for (uint32_t i = 0; i < memory->queue.file_capacity; i++) {
        memory_file *file = (memory_file *)memory->queue.files[i];
        if (file) movex_store_release(&allocator, file->bytes, file->capacity);
    }
    movex_store_queue_free(&memory->queue);
    movex_store_release(&allocator, memory, sizeof *memory);
}

movex_store movex_store_memory_open(movex_store_memory *memory)
{
    memory_handle *handle = NULL;
    if (memory && !memory->handle) handle = movex_store_allocate(&memory->queue.allocator, sizeof *handle);
    if (!handle) return (movex_store){.ops = &movex_store_memory_ops};
    handle->memory = memory;
    handle->allocator = memory->queue.allocator;
    memory->handle = handle;
    return (movex_store){.ops = &movex_store_memory_ops, .self = handle};
}

/* ---- time and faults */

void movex_store_memory_poll(movex_store_memory *memory, uint64_t now_ms)
{
    if (!memory) return;
    if (now_ms > memory->now_ms) memory->now_ms = now_ms;
    if (movex_store_memory_deadline(memory) <= memory->now_ms) (void)movex_store_memory_take_effect(memory);
}

uint64_t movex_store_memory_deadline(const movex_store_memory *memory)
{
    return memory && memory->flushing && !memory->held ? memory->due_ms : UINT64_MAX;
}

void movex_store_memory_hold(movex_store_memory *memory, bool held)
{
    if (memory) memory->held = held;
}

int movex_store_memory_release(movex_store_memory *memory)
{
    return memory && memory->flushing ? movex_store_memory_take_effect(memory) : MOVEX_ERR_NOT_FOUND;
}

void movex_store_memory_fail(movex_store_memory *memory, uint32_t count)
{
    if (memory) memory->failing = count;
}

void movex_store_memory_set_faults(movex_store_memory *memory, uint32_t flush_failure_per_mille)
{
    if (memory) memory->flush_failure_per_mille = flush_failure_per_mille;
}

void movex_store_memory_set_capacity(movex_store_memory *memory, uint64_t capacity)
{
    if (memory) memory->capacity = capacity;
}

void movex_store_memory_crash(movex_store_memory *memory)
{
    if (!memory) return;
    let_go(memory);
    movex_store_memory_lose(memory);
    memory->stats.crashes++;
}

movex_store_memory_stats movex_store_memory_statistics(const movex_store_memory *memory)
{
    return memory ? memory->stats : (movex_store_memory_stats){0};
}

/* ---- the table */

static movex_store_memory *memory_of(void *self)
{
    return ((memory_handle *)self)->memory;
}

static int memory_next(void *self, movex_store_name *name)
{
    movex_store_memory *memory = memory_of(self);
    return memory ? movex_store_queue_next(&memory->queue, name) : MOVEX_ERR_CLOSED;
}

static int memory_open(void *self, const void *name, size_t length, movex_store_file *number)
{
    movex_store_memory *memory = memory_of(self);
    store_file         *file = NULL;
    int status = memory ? movex_store_queue_open(&memory->queue, name, length, &file) : MOVEX_ERR_CLOSED;
    *number = file && status == MOVEX_OK ? file->number : 0;
    return status;
}

/* The file of a number, which is there and exists; else why not. */
static int find(void *self, movex_store_file number, store_file **file)
{
    movex_store_memory *memory = memory_of(self);
    if (!memory) return MOVEX_ERR_CLOSED;
    *file = movex_store_queue_at(&memory->queue, number);
    return *file && (*file)->exists ? MOVEX_OK : MOVEX_ERR_NOT_FOUND;
}

static int memory_size(void *self, movex_store_file number, uint64_t *size)
{
    store_file *file;
    int         status = find(self, number, &file);
    if (status == MOVEX_OK) *size = file->size;
    return status;
}

static int memory_read(void *self, movex_store_file number, uint64_t offset, void *bytes, size_t capacity,
                       size_t *length)
{
    store_file *file;
    int         status = find(self, number, &file);
    *length = 0;
    if (status != MOVEX_OK) return status;
    store_plan plan = movex_store_plan(file, file->last);
    *length = offset < plan.base ? movex_store_memory_read((memory_file *)file, &plan, offset, bytes, capacity)
                                 : movex_store_plan_read(&plan, file->last, offset, bytes, capacity);
    return MOVEX_OK;
}

static int memory_truncate(void *self, movex_store_file number, uint64_t size)
{
    store_file *file;
    int         status = find(self, number, &file);
    if (status != MOVEX_OK) return status;
    if (file->first) return MOVEX_ERR_AGAIN;
    if (size > file->size) return MOVEX_ERR_ARGUMENT;
    movex_store_memory_cut(memory_of(self), (memory_file *)file, size);
    return MOVEX_OK;
}

static int memory_reserve(void *self, size_t length, uint32_t count)
{
    movex_store_memory *memory = memory_of(self);
    if (!memory) return MOVEX_ERR_CLOSED;
    if (memory->failure.status != MOVEX_OK) return memory->failure.status;
    return movex_store_queue_reserve(&memory->queue, length, count);
}

static int take(void *self, movex_store_file number, store_change_kind kind, const void *bytes, size_t length,
                uint64_t *taken)
{
    movex_store_memory *memory = memory_of(self);
    if (!memory) return MOVEX_ERR_CLOSED;
    uint64_t before = memory->queue.taken;
    int status = movex_store_queue_take(&memory->queue, number, kind, bytes, length, memory->failure.status, taken);
    memory->stats.changes += memory->queue.taken - before;
    return status;
}

static int memory_append(void *self, movex_store_file number, const void *bytes, size_t length, uint64_t *taken)
{
    return take(self, number, STORE_APPEND, bytes, length, taken);
}

static int memory_replace(void *self, movex_store_file number, const void *bytes, size_t length, uint64_t *taken)
{
    return take(self, number, STORE_REPLACE, bytes, length, taken);
}

static int memory_remove(void *self, movex_store_file number, uint64_t *taken)
{
    return take(self, number, STORE_REMOVE, NULL, 0, taken);
}

static int memory_flush(void *self)
{
    movex_store_memory *memory = memory_of(self);
    if (!memory) return MOVEX_ERR_CLOSED;
    if (memory->flushing) return MOVEX_ERR_AGAIN;
    if (!memory->queue.waiting.first && memory->failure.status == MOVEX_OK) return MOVEX_OK;
    movex_store_queue_begin(&memory->queue);
    memory->flushing = true;
    memory->due_ms = memory->now_ms + memory->flush_ms;
    if (memory->held || memory->flush_ms > 0) return MOVEX_ERR_AGAIN;
    return movex_store_memory_take_effect(memory);
}

static uint64_t memory_durable(void *self)
{
    const memory_handle *handle = self;
    return handle->memory ? handle->memory->queue.durable : handle->durable;
}

static uint64_t memory_taken(void *self)
{
    const memory_handle *handle = self;
    return handle->memory ? handle->memory->queue.taken : handle->taken;
}

static int memory_status(void *self, movex_error *error)
{
    static const movex_error  gone = {.status = MOVEX_ERR_CLOSED, .text = "the memory under the store is gone"};
    const movex_store_memory *memory = memory_of(self);
    const movex_error        *failure = memory ? &memory->failure : &gone;
    if (error && failure->status != MOVEX_OK) *error = *failure;
    return failure->status;
}

static void memory_destroy(void *self)
{
    memory_handle      *handle = self;
    movex_store_memory *memory = handle->memory;
    if (memory) {
        let_go(memory);
        movex_store_queue_forget(&memory->queue);
    }
    movex_allocator allocator = handle->allocator;
    movex_store_release(&allocator, handle, sizeof *handle);
}

const movex_store_ops movex_store_memory_ops = {
    .name = "memory",
    .next = memory_next,
    .open = memory_open,
    .size = memory_size,
    .read = memory_read,
    .truncate = memory_truncate,
    .reserve = memory_reserve,
    .append = memory_append,
    .replace = memory_replace,
    .remove = memory_remove,
    .flush = memory_flush,
    .durable = memory_durable,
    .taken = memory_taken,
    .status = memory_status,
    .destroy = memory_destroy,
};
