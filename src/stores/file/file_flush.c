/* How changes come to the disk. First all files of a batch are written, then all are synced, so that the file system can
   do the work of many syncs in one; then names change, and the directory is synced once. Nothing is trusted that has not
   gone through all of that: after a failure, what lies behind a file's durable size is cut off and written again from
   memory, since the system may have dropped the pages that it could not write. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "file_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- descriptors */

static void close_handle(file_store *store, disk_file *file)
{
    if (!file->handle) return;
    file_handle *handle = &store->handles[file->handle - 1];
    close(handle->descriptor);
    *handle = (file_handle){0};
    file->handle = 0;
}

void movex_store_file_close_handles(file_store *store)
{
    for (uint32_t i = 0; i < store->handle_count; i++)
        if (store->handles[i].file) close_handle(store, store->handles[i].file);
}

/* A place for a descriptor that this batch does not use: there is one, since a batch has no more files than there are. */
static file_handle *make_place(file_store *store)
{
    file_handle *oldest = &store->handles[0];
    for (uint32_t i = 1; i < store->handle_count; i++)
        if (store->handles[i].used < oldest->used) oldest = &store->handles[i];
    if (oldest->file) close_handle(store, oldest->file);
    return oldest;
}

static int keep_handle(file_store *store, disk_file *file, int descriptor)
{
    file_handle *handle = make_place(store);
    *handle = (file_handle){.file = file, .descriptor = descriptor, .used = store->batches};
    file->handle = (uint32_t)(handle - store->handles) + 1;
    return descriptor;
}

static int descriptor_of(const file_store *store, const disk_file *file)
{
    return store->handles[file->handle - 1].descriptor;
}

/* ---- failures */

static int fail(file_store *store, const char *what, const char *name, int cause)
{
    pthread_mutex_lock(&store->lock);
    int status = movex_store_file_failure(store, &store->failure, what, name, cause);
    pthread_mutex_unlock(&store->lock);
    return status;
}

static int fail_file(file_store *store, const char *what, const disk_file *file, const char *suffix)
{
    int  cause = errno;
    char name[FILE_NAME_SIZE];
    movex_store_file_name(name, &file->base.name, suffix);
    return fail(store, what, name, cause);
}

/* ---- one file */

/* Opens what the changes of a file are to be written to, at the right size. */
static int open_file(file_store *store, disk_file *file, const store_plan *plan, const char *suffix)
{
    char name[FILE_NAME_SIZE];
    int  flags = plan->anew ? O_WRONLY | O_CREAT | O_TRUNC : O_WRONLY | (file->base.durable_exists ? 0 : O_CREAT);
    bool must_cut = file->suspect || (!plan->anew && !file->base.durable_exists);
    if (plan->anew) close_handle(store, file);
    if (!file->handle) {
        movex_store_file_name(name, &file->base.name, suffix);
        int descriptor = store->calls->open(store->directory, name, flags);
        if (descriptor < 0) return fail_file(store, "cannot open", file, suffix);
        keep_handle(store, file, descriptor);
    }
    store->handles[file->handle - 1].used = store->batches;
    if (must_cut && store->calls->truncate(descriptor_of(store, file), (off_t)plan->base) != 0)
        return fail_file(store, "cannot truncate", file, suffix);
    return MOVEX_OK;
}

/* Writes pieces, whole or not; how many bytes, or -1. */
static int write_pieces(file_store *store, int descriptor, struct iovec *pieces, int count, uint64_t offset)
{
    while (count > 0) {
        ssize_t written = store->calls->write(descriptor, pieces, count, (off_t)offset);
        if (written == 0) errno = EIO;
        if (written <= 0) return -1;
        offset += (uint64_t)written;
        for (; count > 0 && (size_t)written >= pieces->iov_len; pieces++, count--) written -= (ssize_t)pieces->iov_len;
        if (count == 0) break;
        pieces->iov_base = (char *)pieces->iov_base + written;
        pieces->iov_len -= (size_t)written;
    }
    return 0;
}

static int write_changes(file_store *store, int descriptor, const store_plan *plan, const store_change *goal)
{
    struct iovec pieces[MOST_PIECES];
    int          count = 0;
    uint64_t     start = plan->base, end = plan->base;
    for (const store_change *change = plan->from; change; change = change == goal ? NULL : change->next) {
        if (change->length > 0) {
            /* iovec has no const; what it points to is only read */
            union {
                const unsigned char *bytes;
                void                *base;
            } piece = {.bytes = movex_store_change_bytes(change)};
            pieces[count++] = (struct iovec){.iov_base = piece.base, .iov_len = change->length};
            end += change->length;
        }
        if (count < MOST_PIECES && change != goal) continue;
        if (write_pieces(store, descriptor, pieces, count, start) != 0) return -1;
        start = end;
        count = 0;
    }
    return 0;
}

static int write_file(file_store *store, disk_file *file)
{
    store_plan  plan = movex_store_plan(&file->base, file->base.goal);
    const char *suffix = plan.anew ? FILE_NEW_SUFFIX : FILE_SUFFIX;
    if (!plan.exists) return MOVEX_OK;
    int status = open_file(store, file, &plan, suffix);
    if (status != MOVEX_OK) return status;
    if (write_changes(store, descriptor_of(store, file), &plan, file->base.goal) != 0)
        return fail_file(store, "cannot write", file, suffix);
    return MOVEX_OK;
}

static int sync_file(file_store *store, disk_file *file)
{
    store_plan plan = movex_store_plan(&file->base, file->base.goal);
    if (!plan.exists || store->no_sync) return MOVEX_OK;
    if (store->calls->sync(descriptor_of(store, file)) == 0) return MOVEX_OK;
    return fail_file(store, "cannot sync", file, plan.anew ? FILE_NEW_SUFFIX : FILE_SUFFIX);
}

/* Has the directory show the file as it is to be; `changed` if names in it have come, gone, or mean another file. */
static int publish(file_store *store, disk_file *file, bool *changed)
{
    char       name[FILE_NAME_SIZE], written[FILE_NAME_SIZE];
    store_plan plan = movex_store_plan(&file->base, file->base.goal);
    movex_store_file_name(name, &file->base.name, FILE_SUFFIX);
    if (plan.anew || !file->base.durable_exists) *changed = true;
    if (!plan.exists) {
        close_handle(store, file);
        if (store->calls->unlink(store->directory, name) != 0 && errno != ENOENT)
            return fail_file(store, "cannot remove", file, FILE_SUFFIX);
    } else if (plan.anew) {
        movex_store_file_name(written, &file->base.name, FILE_NEW_SUFFIX);
        if (store->calls->rename(store->directory, written, name) != 0)
            return fail_file(store, "cannot replace", file, FILE_SUFFIX);
    }
    return MOVEX_OK;
}

/* ---- a batch */

static int write_batch(file_store *store)
{
    int  status = MOVEX_OK;
    bool changed = false;
    for (uint32_t i = 0; i < store->batch_count && status == MOVEX_OK; i++) status = write_file(store, store->batch[i]);
    for (uint32_t i = 0; i < store->batch_count && status == MOVEX_OK; i++) status = sync_file(store, store->batch[i]);
    for (uint32_t i = 0; i < store->batch_count && status == MOVEX_OK; i++)
        status = publish(store, store->batch[i], &changed);
    if (status == MOVEX_OK && changed && !store->no_sync && store->calls->sync_directory(store->directory) != 0)
        status = fail(store, "cannot sync", NULL, errno);
    for (uint32_t i = 0; i < store->batch_count; i++) {
        store->batch[i]->suspect = status != MOVEX_OK;
        if (status != MOVEX_OK) close_handle(store, store->batch[i]);
    }
    return status;
}

static bool next_batch(file_store *store)
{
    store->batch_count = 0;
    store->batches++;
    pthread_mutex_lock(&store->lock);
    for (store_file *file; store->batch_count < store->handle_count && (file = movex_store_queue_pick(&store->queue));)
        store->batch[store->batch_count++] = (disk_file *)file;
    pthread_mutex_unlock(&store->lock);
    return store->batch_count > 0;
}

static void end_batch(file_store *store, int status)
{
    pthread_mutex_lock(&store->lock);
    for (uint32_t i = 0; i < store->batch_count; i++) {
        if (status == MOVEX_OK)
            movex_store_queue_commit(&store->queue, &store->batch[i]->base);
        else
            movex_store_queue_give_back(&store->queue, &store->batch[i]->base);
    }
    pthread_mutex_unlock(&store->lock);
}

int movex_store_file_flush(void *self)
{
    file_store *store = self;
    int         status = MOVEX_OK;
    pthread_mutex_lock(&store->flushing);
    pthread_mutex_lock(&store->lock);
    movex_store_queue_begin(&store->queue);
    pthread_mutex_unlock(&store->lock);
    while (status == MOVEX_OK && next_batch(store)) {
        status = write_batch(store);
        end_batch(store, status);
    }
    pthread_mutex_lock(&store->lock);
    movex_store_queue_settle(&store->queue);
    if (status == MOVEX_OK) store->failure = (movex_error){0};
    pthread_mutex_unlock(&store->lock);
    pthread_mutex_unlock(&store->flushing);
    return status;
}
