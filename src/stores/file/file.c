/* The file store: the table, but for the flush. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "file_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* ---- what there is */

static int file_next(void *self, movex_store_name *name)
{
    file_store *store = self;
    pthread_mutex_lock(&store->lock);
    int status = movex_store_queue_next(&store->queue, name);
    pthread_mutex_unlock(&store->lock);
    return status;
}

static int file_open(void *self, const void *name, size_t length, movex_store_file *number)
{
    file_store *store = self;
    store_file *file = NULL;
    pthread_mutex_lock(&store->lock);
    int status = movex_store_queue_open(&store->queue, name, length, &file);
    *number = status == MOVEX_OK ? file->number : 0;
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* The file of a number, if it exists. With the lock. */
static store_file *find(const file_store *store, movex_store_file number)
{
    store_file *file = movex_store_queue_at(&store->queue, number);
    return file && file->exists ? file : NULL;
}

static int file_size(void *self, movex_store_file number, uint64_t *size)
{
    file_store *store = self;
    pthread_mutex_lock(&store->lock);
    const store_file *file = find(store, number);
    if (file) *size = file->size;
    pthread_mutex_unlock(&store->lock);
    return file ? MOVEX_OK : MOVEX_ERR_NOT_FOUND;
}

/* A failure outside of a flush: the store fails until a flush has succeeded. */
static int fail(file_store *store, const char *what, const char *name, int cause)
{
    pthread_mutex_lock(&store->lock);
    int status = movex_store_file_failure(store, &store->failure, what, name, cause);
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* What is durable of a file, which nobody changes while its owner is here: a flush only adds to its end, or has found a
   replacement among the changes, and then the file is read from these. */
static int read_disk(file_store *store, const store_file *file, uint64_t offset, void *bytes, size_t capacity,
                     size_t *length)
{
    char name[FILE_NAME_SIZE];
    movex_store_file_name(name, &file->name, FILE_SUFFIX);
    int descriptor = store->calls->open(store->directory, name, O_RDONLY);
    if (descriptor < 0) return fail(store, "cannot open", name, errno);
    ssize_t count;
    do count = pread(descriptor, bytes, capacity, (off_t)offset);
    while (count < 0 && errno == EINTR);
    int cause = count < 0 ? errno : EIO; /* nothing there: somebody has cut it */
    close(descriptor);
    if (count <= 0) return fail(store, "cannot read", name, cause);
    *length = (size_t)count;
    return MOVEX_OK;
}

static int file_read(void *self, movex_store_file number, uint64_t offset, void *bytes, size_t capacity, size_t *length)
{
    file_store *store = self;
    store_plan  plan = {0};
    *length = 0;
    pthread_mutex_lock(&store->lock);
    const store_file *file = find(store, number);
    if (file) plan = movex_store_plan(file, file->last);
    if (file && offset >= plan.base) *length = movex_store_plan_read(&plan, file->last, offset, bytes, capacity);
    pthread_mutex_unlock(&store->lock);
    if (!file) return MOVEX_ERR_NOT_FOUND;
    if (offset >= plan.base) return MOVEX_OK;
    uint64_t there = plan.base - offset;
    return read_disk(store, file, offset, bytes, there < capacity ? (size_t)there : capacity, length);
}

static int file_truncate(void *self, movex_store_file number, uint64_t size)
{
    file_store *store = self;
    pthread_mutex_lock(&store->lock);
    store_file *file = find(store, number);
    int         status = !file               ? MOVEX_ERR_NOT_FOUND
                         : file->listed      ? MOVEX_ERR_AGAIN
                         : size > file->size ? MOVEX_ERR_ARGUMENT
                                             : MOVEX_OK;
    pthread_mutex_unlock(&store->lock);
    if (status != MOVEX_OK) return status;

    char name[FILE_NAME_SIZE];
    movex_store_file_name(name, &file->name, FILE_SUFFIX);
    int descriptor = store->calls->open(store->directory, name, O_WRONLY);
    if (descriptor < 0) return fail(store, "cannot open", name, errno);
    bool is_cut = store->calls->truncate(descriptor, (off_t)size) == 0;
    bool is_synced = is_cut && (store->no_sync || store->calls->sync(descriptor) == 0);
    int  cause = errno;
    close(descriptor);
    if (is_cut) {
        pthread_mutex_lock(&store->lock);
        file->size = file->durable_size = size;
        pthread_mutex_unlock(&store->lock);
    }
    return is_synced ? MOVEX_OK : fail(store, "cannot truncate", name, cause);
}

/* ---- taking */

static int file_reserve(void *self, size_t length, uint32_t count)
{
    file_store *store = self;
    pthread_mutex_lock(&store->lock);
    int status = store->failure.status;
    if (status == MOVEX_OK) status = movex_store_queue_reserve(&store->queue, length, count);
    pthread_mutex_unlock(&store->lock);
    return status;
}

static int take(file_store *store, movex_store_file number, store_change_kind kind, const void *bytes, size_t length,
                uint64_t *taken)
{
    pthread_mutex_lock(&store->lock);
    int  status = movex_store_queue_take(&store->queue, number, kind, bytes, length, store->failure.status, taken);
    bool work = store->queue.waiting.first != NULL;
    pthread_mutex_unlock(&store->lock);
    if (work) pthread_cond_signal(&store->work);
    return status;
}

static int file_append(void *self, movex_store_file number, const void *bytes, size_t length, uint64_t *taken)
{
    return take(self, number, STORE_APPEND, bytes, length, taken);
}

static int file_replace(void *self, movex_store_file number, const void *bytes, size_t length, uint64_t *taken)
{
    return take(self, number, STORE_REPLACE, bytes, length, taken);
}

static int file_remove(void *self, movex_store_file number, uint64_t *taken)
{
    return take(self, number, STORE_REMOVE, NULL, 0, taken);
}

/* ---- how it stands */

static uint64_t file_durable(void *self)
{
    file_store *store = self;
    pthread_mutex_lock(&store->lock);
    uint64_t durable = store->queue.durable;
    pthread_mutex_unlock(&store->lock);
    return durable;
}

static uint64_t file_taken(void *self)
{
    file_store *store = self;
    pthread_mutex_lock(&store->lock);
    uint64_t taken = store->queue.taken;
    pthread_mutex_unlock(&store->lock);
    return taken;
}

static int file_status(void *self, movex_error *error)
{
    file_store *store = self;
    pthread_mutex_lock(&store->lock);
    int status = store->failure.status;
    if (error && status != MOVEX_OK) *error = store->failure;
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- waiting */

static struct timespec time_after(uint32_t timeout_ms)
{
    struct timespec until = {0};
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(timeout_ms / 1000);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

static bool has_work(const file_store *store)
{
    return store->woken || (store->queue.waiting.first && store->failure.status == MOVEX_OK);
}

static int file_wait(void *self, uint32_t timeout_ms)
{
    file_store     *store = self;
    struct timespec until = time_after(timeout_ms);
    int             result = 0;
    pthread_mutex_lock(&store->lock);
    while (!has_work(store) && result == 0) result = pthread_cond_timedwait(&store->work, &store->lock, &until);
    bool had_work = has_work(store);
    store->woken = false;
    pthread_mutex_unlock(&store->lock);
    return had_work ? MOVEX_OK : MOVEX_ERR_TIMEOUT;
}

static void file_wake(void *self)
{
    file_store *store = self;
    pthread_mutex_lock(&store->lock);
    store->woken = true;
    pthread_mutex_unlock(&store->lock);
    pthread_cond_signal(&store->work);
}

/* ---- the end */

void movex_store_file_free(file_store *store)
{
    movex_allocator allocator = store->allocator;
    if (store->handles) movex_store_file_close_handles(store);
    if (store->has_lock) {
        pthread_mutex_destroy(&store->lock);
        pthread_mutex_destroy(&store->flushing);
        pthread_cond_destroy(&store->work);
    }
    if (store->lock_file >= 0) close(store->lock_file); /* and with it the lock */
    if (store->directory >= 0) close(store->directory);
    movex_store_queue_free(&store->queue);
    movex_store_release(&allocator, store->path, store->path_size);
    movex_store_release(&allocator, store->handles, store->handle_count * sizeof *store->handles);
    movex_store_release(&allocator, store->batch, store->handle_count * sizeof(disk_file *));
    movex_store_release(&allocator, store, sizeof *store);
}

static void file_destroy(void *self)
{
    movex_store_file_free(self);
}

const movex_store_ops movex_store_file_ops = {
    .name = "file",
    .next = file_next,
    .open = file_open,
    .size = file_size,
    .read = file_read,
    .truncate = file_truncate,
    .reserve = file_reserve,
    .append = file_append,
    .replace = file_replace,
    .remove = file_remove,
    .flush = movex_store_file_flush,
    .durable = file_durable,
    .taken = file_taken,
    .status = file_status,
    .destroy = file_destroy,
    .wait = file_wait,
    .wake = file_wake,
};
