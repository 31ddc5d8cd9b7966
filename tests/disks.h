/* The two stores as tests use them: opened and opened again over the same disk, with faults. */
#ifndef MOVEX_TESTS_DISKS_H
#define MOVEX_TESTS_DISKS_H

#include "meter.h"

#include "../src/stores/file/file_internal.h"

#include <movex/store_file.h>
#include <movex/store_memory.h>

enum { DISK_MEMORY, DISK_FILE, DISK_KINDS };

typedef struct disk {
    int                 kind;
    movex_store         store; /* self NULL: not open */
    movex_store_memory *memory;
    char                directory[64];
    size_t              waiting_bytes; /* 0: the default */
    uint32_t            handles;
    movex_allocator     allocator;
} disk;

/* What the operating system does instead of what it is asked. A sync that fails spoils what was written since the last one
   that did not, as a system does that drops pages it cannot write. */
typedef struct disk_faults {
    uint64_t random;
    uint32_t fail_one_in;  /* each call fails with this chance; 0: none */
    uint64_t calls;        /* so far */
    uint64_t fail_at;      /* the call that fails, counted from 1; 0: none */
    uint32_t short_one_in; /* a write takes a part only */
    uint64_t failed;
} disk_faults;

extern disk_faults faults;

/* Prepares a disk; `disk_open` opens its store and must succeed. */
void disk_make(disk *d, int kind, uint64_t seed);
void disk_open(disk *d);
/* As far as that goes: false if there was no memory for it. */
bool disk_try_open(disk *d);
void disk_close(disk *d);
/* The store is gone without a flush, and what was not durable as well, but for a part. */
void disk_crash(disk *d);
void disk_end(disk *d);

/* From now on the store's calls are subject to `faults` (the file store), or its flushes fail with that chance. */
void disk_set_faults(disk *d, uint32_t fail_one_in);

/* ---- shorthands, which must succeed */

movex_store_file disk_file_of(disk *d, const void *name, size_t length);
uint64_t         disk_append(disk *d, movex_store_file file, const void *bytes, size_t length);
uint64_t         disk_replace(disk *d, movex_store_file file, const void *bytes, size_t length);
uint64_t         disk_remove(disk *d, movex_store_file file);
void             disk_flush(disk *d);
/* All of a file, read in pieces of at most `piece` bytes; -1 if it does not exist. `bytes` has room. */
int64_t disk_read(disk *d, movex_store_file file, unsigned char *bytes, size_t room, size_t piece);

#endif
