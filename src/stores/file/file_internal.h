/* The file store's inside. Its owner and the thread that flushes share what `lock` guards; the lock is never held while the
   operating system reads or writes. */
#ifndef MOVEX_STORES_FILE_INTERNAL_H
#define MOVEX_STORES_FILE_INTERNAL_H

#include "../queue.h"

#include <movex/store_file.h>

#include <pthread.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
    FILE_NAME_SIZE = 3 * MOVEX_STORE_NAME_MAX + 16, /* room for a name as the file system has it, with its zero */
    MOST_PIECES = 64                                /* changes written by one call */
};

#define FILE_SUFFIX ".journal"
#define FILE_NEW_SUFFIX ".new" /* of what is to replace a file */
#define FILE_LOCK "lock"

/* What a flush asks of the operating system: a table, so that a test can have each of it fail. As the calls of POSIX. */
typedef struct file_calls {
    int (*open)(int directory, const char *name, int flags);
    ssize_t (*write)(int descriptor, const struct iovec *pieces, int count, off_t offset);
    int (*sync)(int descriptor);           /* a file's bytes and its length */
    int (*sync_directory)(int descriptor); /* the names in it */
    int (*truncate)(int descriptor, off_t size);
    int (*rename)(int directory, const char *from, const char *to);
    int (*unlink)(int directory, const char *name);
} file_calls;

extern const file_calls movex_store_file_calls;

typedef struct disk_file {
    store_file base;    /* first */
    uint32_t   handle;  /* store->handles[handle - 1].file == this; 0: not open. The flush's alone */
    bool       suspect; /* what is on disk behind its durable size cannot be trusted. The flush's alone */
} disk_file;

typedef struct file_handle {
    disk_file *file; /* NULL: free */
    int        descriptor;
    uint64_t   used; /* the number of the batch that used it last */
} file_handle;

typedef struct file_store {
    const file_calls *calls;
    movex_allocator   allocator;
    char             *path; /* of the directory, for texts */
    size_t            path_size;
    int               directory, lock_file; /* descriptors, or -1 */
    bool              no_sync;

    pthread_mutex_t lock;
    pthread_cond_t  work;
    bool            has_lock;
    store_queue     queue;   /* guarded by lock */
    movex_error     failure; /* guarded by lock; status MOVEX_OK: none */
    bool            woken;   /* guarded by lock */

    pthread_mutex_t flushing; /* held by the one flush that runs, which owns what follows */
    file_handle    *handles;
    disk_file     **batch;
    uint32_t        handle_count, batch_count;
    uint64_t        batches;
} file_store;

/* ---- file_name.c */

/* The name in the file system of a file of the store, in FILE_NAME_SIZE bytes: what could mean something to it, or differ
   from another name in case alone, is written as %xx. */
void movex_store_file_name(char *text, const store_name *name, const char *suffix);
/* The way back; false for a name that movex_store_file_name does not make. */
bool movex_store_file_name_of(const char *text, const char *suffix, movex_store_name *name);

/* ---- file_calls.c */

/* Fills a failure: what could not be done ("cannot write"), to which file (NULL: the directory itself), and errno. */
int movex_store_file_failure(const file_store *store, movex_error *error, const char *what, const char *name, int cause);

/* ---- file_flush.c */

int  movex_store_file_flush(void *self);
void movex_store_file_close_handles(file_store *store);

/* ---- file.c */

extern const movex_store_ops movex_store_file_ops;
void                         movex_store_file_free(file_store *store);

#endif
