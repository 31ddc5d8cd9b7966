/* The memory store's inside: a disk, and the store over it. */
#ifndef MOVEX_STORES_MEMORY_INTERNAL_H
#define MOVEX_STORES_MEMORY_INTERNAL_H

#include "../queue.h"

#include <movex/store_memory.h>

/* What is durable of a file.  base.durable_size <= capacity */
typedef struct memory_file {
    store_file     base; /* first */
    unsigned char *bytes;
    size_t         capacity;
} memory_file;

/* What a program holds; outlives a crash. */
typedef struct memory_handle {
    movex_store_memory *memory;         /* NULL: crashed or freed */
    uint64_t            durable, taken; /* as they were then */
    movex_allocator     allocator;
} memory_handle;

struct movex_store_memory {
    store_queue    queue;
    memory_handle *handle; /* NULL: not open */
    uint64_t       random;
    uint64_t       now_ms, due_ms;
    uint32_t       flush_ms, flush_failure_per_mille;
    uint32_t       failing; /* so many of the next flushes fail */
    uint64_t       capacity; /* 0: no bound */
    bool           held;
    bool           flushing; /* one is under way, takes effect at due_ms */
    movex_error    failure;  /* status MOVEX_OK: none */
    movex_store_memory_stats stats;
};

extern const movex_store_ops movex_store_memory_ops;

/* ---- memory_disk.c */

int  movex_store_memory_take_effect(movex_store_memory *memory);
void movex_store_memory_lose(movex_store_memory *memory);
/* The disk's own part of what is to be read: bytes before plan->base. */
size_t movex_store_memory_read(const memory_file *file, const store_plan *plan, uint64_t offset, void *bytes,
                               size_t capacity);
/* Changes the durable size of a file to a smaller one. */
void movex_store_memory_cut(movex_store_memory *memory, memory_file *file, uint64_t size);

#endif
