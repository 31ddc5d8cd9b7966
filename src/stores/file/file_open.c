/* Opening a directory as a store. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "file_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int fail(movex_error *error, int status, const char *path, const char *text)
{
    if (!error) return status;
    error->status = (movex_status)status;
    snprintf(error->text, sizeof error->text, "%s%s%s", text, path ? ": " : "", path ? path : "");
    return status;
}

/* The directory, made if it is not there: then its parent is synced, so that a power cut does not take it back. */
static int open_directory(file_store *store, movex_error *error)
{
    bool made = mkdir(store->path, 0700) == 0;
    if (!made && errno != EEXIST) return movex_store_file_failure(store, error, "cannot make", NULL, errno);
    store->directory = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory < 0) return movex_store_file_failure(store, error, "cannot open", NULL, errno);
    if (!made || store->no_sync) return MOVEX_OK;
    int  parent = openat(store->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = parent >= 0 && store->calls->sync_directory(parent) == 0;
    int  cause = errno;
    if (parent >= 0) close(parent);
    return synced ? MOVEX_OK : movex_store_file_failure(store, error, "cannot sync the parent of", NULL, cause);
}

static int lock_directory(file_store *store, movex_error *error)
{
    store->lock_file = store->calls->open(store->directory, FILE_LOCK, O_RDWR | O_CREAT);
    if (store->lock_file < 0) return movex_store_file_failure(store, error, "cannot open", FILE_LOCK, errno);
    int result;
    do result = flock(store->lock_file, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    if (result == 0) return MOVEX_OK;
    if (errno == EWOULDBLOCK) return fail(error, MOVEX_ERR_ADDRESS_IN_USE, store->path, "in use by another program");
    return movex_store_file_failure(store, error, "cannot lock", FILE_LOCK, errno);
}

/* One entry of the directory. What this store has not made is left alone. */
static int find_entry(file_store *store, const char *entry, movex_error *error)
{
    movex_store_name name;
    struct stat      information;
    if (movex_store_file_name_of(entry, FILE_NEW_SUFFIX, &name)) {
        if (store->calls->unlink(store->directory, entry) == 0 || errno == ENOENT) return MOVEX_OK;
        return movex_store_file_failure(store, error, "cannot remove", entry, errno);
    }
    if (!movex_store_file_name_of(entry, FILE_SUFFIX, &name)) return MOVEX_OK;
    if (fstatat(store->directory, entry, &information, AT_SYMLINK_NOFOLLOW) != 0)
        return movex_store_file_failure(store, error, "cannot look at", entry, errno);
    if (!S_ISREG(information.st_mode)) return MOVEX_OK;
    int status = movex_store_queue_found(&store->queue, name.bytes, name.length, (uint64_t)information.st_size);
    if (status == MOVEX_ERR_LIMIT) return fail(error, status, store->path, "more files than are allowed");
    return status == MOVEX_OK ? MOVEX_OK : fail(error, status, store->path, movex_status_text(status));
}

static int find_files(file_store *store, movex_error *error)
{
    int  descriptor = openat(store->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (!listing) {
        int cause = errno;
        if (descriptor >= 0) close(descriptor);
        return movex_store_file_failure(store, error, "cannot list", NULL, cause);
    }
    int status = MOVEX_OK;
    errno = 0;
    for (const struct dirent *entry; status == MOVEX_OK && (entry = readdir(listing)) != NULL; errno = 0)
        status = find_entry(store, entry->d_name, error);
    if (status == MOVEX_OK && errno != 0) status = movex_store_file_failure(store, error, "cannot list", NULL, errno);
    closedir(listing);
    return status;
}

static int make_locks(file_store *store, movex_error *error)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) return fail(error, MOVEX_ERR_MEMORY, NULL, "no memory for a lock");
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&store->work, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (!made) return fail(error, MOVEX_ERR_SYSTEM, NULL, "no memory for a lock");
    /* With default attributes these two fail nowhere. */
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->flushing, NULL);
    store->has_lock = true;
    return MOVEX_OK;
}

static file_store *new_store(const movex_store_file_config *config)
{
    movex_allocator allocator = config->allocator.allocate ? config->allocator : movex_allocator_default();
    file_store     *store = movex_store_allocate(&allocator, sizeof *store);
    if (!store) return NULL;
    store->allocator = allocator;
    store->calls = &movex_store_file_calls;
    store->directory = store->lock_file = -1;
    store->no_sync = config->no_sync;
    store->handle_count = config->handles ? config->handles : 128;
    store->path_size = strlen(config->directory) + 1;
    movex_store_queue_init(&store->queue, &allocator, sizeof(disk_file), config->waiting_bytes, config->files);
    store->path = movex_store_allocate(&allocator, store->path_size);
    store->handles = movex_store_allocate(&allocator, store->handle_count * sizeof *store->handles);
    store->batch = movex_store_allocate(&allocator, store->handle_count * sizeof(disk_file *));
    if (store->path && store->handles && store->batch) {
        memcpy(store->path, config->directory, store->path_size);
        return store;
    }
    movex_store_file_free(store);
    return NULL;
}

movex_store movex_store_file_open(const movex_store_file_config *config, movex_error *error)
{
    movex_store none = {.ops = &movex_store_file_ops};
    if (!config || !config->directory || !config->directory[0] || config->handles > 65536) {
        fail(error, MOVEX_ERR_ARGUMENT, NULL, "a file store needs a directory, and at most 65,536 handles");
        return none;
    }
    file_store *store = new_store(config);
    if (!store) {
        fail(error, MOVEX_ERR_MEMORY, config->directory, "no memory for the store of a directory");
        return none;
    }
    int status = make_locks(store, error);
    if (status == MOVEX_OK) status = open_directory(store, error);
    if (status == MOVEX_OK) status = lock_directory(store, error);
    if (status == MOVEX_OK) status = find_files(store, error);
    if (status == MOVEX_OK) return (movex_store){.ops = &movex_store_file_ops, .self = store};
    movex_store_file_free(store);
    return none;
}
