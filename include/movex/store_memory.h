/** @file store_memory.h
 *  The memory store: a disk that exists in memory and in virtual time, for tests of a game. See docs/store.md.
 *
 *  It keeps what is durable when the store over it is destroyed or crashes, so that a new master can open it again. It can
 *  be slow, full, fail, and lose what was not durable as a power cut does; whatever is random comes from its seed.
 *
 *  Threads: a memory and its store are used by one thread. Different ones are independent. */
#ifndef MOVEX_STORE_MEMORY_H
#define MOVEX_STORE_MEMORY_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/store.h>

/** A disk in memory. */
typedef struct movex_store_memory movex_store_memory;

/** Settings of a memory store. Zero means the default. Copied. */
typedef struct movex_store_memory_config {
    uint64_t seed;     /**< where everything random comes from */
    uint32_t flush_ms; /**< of virtual time that a flush takes, one after the other; default 0: done when it returns */
    uint32_t flush_failure_per_mille; /**< chance that a flush fails */
    uint64_t capacity;                /**< bytes that it can keep; a flush past that fails; default: no bound */
    size_t   waiting_bytes; /**< taken and not flushed, as memory; a longer change is refused; default 64 MiB */
    uint32_t files;         /**< at once; default 200,000 */
    movex_allocator allocator; /**< for the disk and its stores; must outlive them */
} movex_store_memory_config;

/** What a disk has done. */
typedef struct movex_store_memory_stats {
    uint64_t flushes;        /**< that had something to do and took effect */
    uint64_t failed_flushes; /**< that failed */
    uint64_t changes;        /**< taken: appends, replaces, removes */
    uint64_t bytes;          /**< that are durable now, in all files */
    uint64_t crashes;        /**< so far */
} movex_store_memory_stats;

MOVEX_BEGIN_DECLARATIONS

/** Makes an empty disk, at virtual time 0. `config` may be NULL. NULL if memory ran out. */
MOVEX_API movex_store_memory *movex_store_memory_new(const movex_store_memory_config *config);

/** Gives the disk up with all that is on it. A store over it says MOVEX_ERR_CLOSED from then on. NULL is ignored. */
MOVEX_API void movex_store_memory_free(movex_store_memory *memory);

/** The store over a disk. There may be one at a time; else, for NULL, or without memory, `self` is NULL. */
MOVEX_API movex_store movex_store_memory_open(movex_store_memory *memory);

/** Moves virtual time to `now_ms` (an earlier time than before counts as the same); a flush that is due takes effect. */
MOVEX_API void movex_store_memory_poll(movex_store_memory *memory, uint64_t now_ms);

/** The virtual time at which the flush under way takes effect; UINT64_MAX if none does by itself. */
MOVEX_API uint64_t movex_store_memory_deadline(const movex_store_memory *memory);

/** Holds flushes (true): they take effect by movex_store_memory_release alone. Or lets go (false): from the next poll on
 *  they do when they are due. */
MOVEX_API void movex_store_memory_hold(movex_store_memory *memory, bool held);

/** The flush under way takes effect now. MOVEX_ERR_NOT_FOUND if there is none; else what became of it. */
MOVEX_API int movex_store_memory_release(movex_store_memory *memory);

/** The next `count` flushes fail; 0: none but by chance. */
MOVEX_API void movex_store_memory_fail(movex_store_memory *memory, uint32_t count);

/** Changes the chance that a flush fails, from now on. */
MOVEX_API void movex_store_memory_set_faults(movex_store_memory *memory, uint32_t flush_failure_per_mille);

/** Changes how many bytes it can keep; 0: no bound. What is durable stays. */
MOVEX_API void movex_store_memory_set_capacity(movex_store_memory *memory, uint64_t capacity);

/** A power cut. The store over it says MOVEX_ERR_CLOSED from then on (it must still be destroyed), and a new one can be
 *  opened. Of what was not durable, a part remains, drawn for each file: as many of its changes as come, and of the append
 *  after them any part, of which the end may be zeros. */
MOVEX_API void movex_store_memory_crash(movex_store_memory *memory);

/** Figures so far. All zero for NULL. */
MOVEX_API movex_store_memory_stats movex_store_memory_statistics(const movex_store_memory *memory);

MOVEX_END_DECLARATIONS

#endif
