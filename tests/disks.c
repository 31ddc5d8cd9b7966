#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "disks.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

disk_faults faults;

/* ---- faults */

enum { MOST_UNSYNCED = 4096 };

static struct {
    int    descriptor;
    off_t  offset;
    size_t length;
} unsynced[MOST_UNSYNCED];
static int unsynced_count;

static bool fails(int cause)
{
    faults.calls++;
    bool fail =
        faults.calls == faults.fail_at || (faults.fail_one_in && meter_below(&faults.random, faults.fail_one_in) == 0);
    faults.failed += fail;
    if (fail) errno = cause;
    return fail;
}

static int faulty_open(int directory, const char *name, int flags)
{
    int descriptor = fails(EACCES) ? -1 : movex_store_file_calls.open(directory, name, flags);
    int kept = 0; /* what was written by that number was to another file, closed since */
    for (int i = 0; i < unsynced_count; i++)
        if (unsynced[i].descriptor != descriptor) unsynced[kept++] = unsynced[i];
    unsynced_count = kept;
    return descriptor;
}

static ssize_t faulty_write(int descriptor, const struct iovec *pieces, int count, off_t offset)
{
    if (fails(ENOSPC)) return -1;
    struct iovec part = pieces[0];
    bool         is_short = faults.short_one_in && meter_below(&faults.random, faults.short_one_in) == 0;
    if (is_short) part.iov_len = 1 + meter_below(&faults.random, (uint32_t)part.iov_len);
    ssize_t written = movex_store_file_calls.write(descriptor, is_short ? &part : pieces, is_short ? 1 : count, offset);
    if (written > 0 && unsynced_count < MOST_UNSYNCED) {
        unsynced[unsynced_count].descriptor = descriptor;
        unsynced[unsynced_count].offset = offset;
        unsynced[unsynced_count++].length = (size_t)written;
    }
    return written;
}

static int faulty_sync(int descriptor)
{
    bool fail = fails(EIO);
    int  kept = 0;
    for (int i = 0; i < unsynced_count; i++) {
        if (unsynced[i].descriptor != descriptor) {
            unsynced[kept++] = unsynced[i];
            continue;
        }
        unsigned char *dropped = fail ? calloc(1, unsynced[i].length) : NULL;
        if (dropped) must(pwrite(descriptor, dropped, unsynced[i].length, unsynced[i].offset) > 0);
        free(dropped);
    }
    unsynced_count = kept;
    return fail ? -1 : 0; /* this machine goes on, and a real one takes long */
}

static int faulty_sync_directory(int descriptor)
{
    (void)descriptor;
    return fails(EIO) ? -1 : 0;
}

static int faulty_truncate(int descriptor, off_t size)
{
    return fails(EIO) ? -1 : movex_store_file_calls.truncate(descriptor, size);
}

static int faulty_rename(int directory, const char *from, const char *to)
{
    return fails(EACCES) ? -1 : movex_store_file_calls.rename(directory, from, to);
}

static int faulty_unlink(int directory, const char *name)
{
    return fails(EPERM) ? -1 : movex_store_file_calls.unlink(directory, name);
}

static const file_calls faulty_calls = {.open = faulty_open,
                                        .write = faulty_write,
                                        .sync = faulty_sync,
                                        .sync_directory = faulty_sync_directory,
                                        .truncate = faulty_truncate,
                                        .rename = faulty_rename,
                                        .unlink = faulty_unlink};

void disk_set_faults(disk *d, uint32_t fail_one_in)
{
    if (d->kind == DISK_MEMORY) {
        movex_store_memory_set_faults(d->memory, fail_one_in ? 1000 / fail_one_in : 0);
        return;
    }
    file_store *store = d->store.self;
    faults.fail_one_in = fail_one_in;
    store->calls = &faulty_calls;
}

/* ---- a disk */

void disk_make(disk *d, int kind, uint64_t seed)
{
    *d = (disk){.kind = kind};
    faults = (disk_faults){.random = seed};
    unsynced_count = 0;
    if (kind == DISK_FILE) {
        strcpy(d->directory, "/tmp/movex-store-XXXXXX");
        must(mkdtemp(d->directory));
    } else {
        d->memory = movex_store_memory_new(&(movex_store_memory_config){.seed = seed});
        must(d->memory);
    }
}

bool disk_try_open(disk *d)
{
    if (d->kind == DISK_MEMORY) {
        if (!d->memory) d->memory = movex_store_memory_new(&(movex_store_memory_config){.allocator = d->allocator});
        d->store = movex_store_memory_open(d->memory);
    } else {
        movex_store_file_config config = {.directory = d->directory,
                                          .waiting_bytes = d->waiting_bytes,
                                          .handles = d->handles,
                                          .allocator = d->allocator};
        d->store = movex_store_file_open(&config, NULL);
    }
    return d->store.self != NULL;
}

void disk_open(disk *d)
{
    must(disk_try_open(d));
}

void disk_close(disk *d)
{
    if (d->store.self) d->store.ops->destroy(d->store.self);
    d->store.self = NULL;
}

void disk_crash(disk *d)
{
    if (d->kind == DISK_MEMORY) movex_store_memory_crash(d->memory);
    disk_close(d);
}

void disk_end(disk *d)
{
    disk_close(d);
    movex_store_memory_free(d->memory);
    if (d->kind != DISK_FILE) return;
    DIR *listing = opendir(d->directory);
    for (const struct dirent *entry; listing && (entry = readdir(listing));)
        (void)unlinkat(dirfd(listing), entry->d_name, 0);
    if (listing) closedir(listing);
    must(rmdir(d->directory) == 0);
}

/* ---- shorthands */

movex_store_file disk_file_of(disk *d, const void *name, size_t length)
{
    movex_store_file file = 0;
    must_equal(d->store.ops->open(d->store.self, name, length, &file), MOVEX_OK);
    must(file != 0);
    return file;
}

uint64_t disk_append(disk *d, movex_store_file file, const void *bytes, size_t length)
{
    uint64_t number = 0;
    must_equal(d->store.ops->append(d->store.self, file, bytes, length, &number), MOVEX_OK);
    return number;
}

uint64_t disk_replace(disk *d, movex_store_file file, const void *bytes, size_t length)
{
    uint64_t number = 0;
    must_equal(d->store.ops->replace(d->store.self, file, bytes, length, &number), MOVEX_OK);
    return number;
}

uint64_t disk_remove(disk *d, movex_store_file file)
{
    uint64_t number = 0;
    must_equal(d->store.ops->remove(d->store.self, file, &number), MOVEX_OK);
    return number;
}

void disk_flush(disk *d)
{
    must_equal(d->store.ops->flush(d->store.self), MOVEX_OK);
    must_equal(d->store.ops->durable(d->store.self), d->store.ops->taken(d->store.self));
}

int64_t disk_read(disk *d, movex_store_file file, unsigned char *bytes, size_t room, size_t piece)
{
    uint64_t size = 0;
    size_t   filled = 0;
    int      status = d->store.ops->size(d->store.self, file, &size);
    if (status == MOVEX_ERR_NOT_FOUND) return -1;
    must_equal(status, MOVEX_OK);
    must(size <= room);
    for (;;) {
        unsigned char part[4096];
        size_t        length = 77, capacity = piece < sizeof part ? piece : sizeof part;
        must_equal(d->store.ops->read(d->store.self, file, filled, part, capacity, &length), MOVEX_OK);
        must(length <= capacity && (length > 0 || filled == size) && filled + length <= size);
        if (length == 0) return (int64_t)filled;
        memcpy(bytes + filled, part, length);
        filled += length;
    }
}
