/* The operating system's part: its calls, gone on with after a signal, and its causes of failure in words. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "file_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int call_open(int directory, const char *name, int flags)
{
    int descriptor;
    do descriptor = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

static ssize_t call_write(int descriptor, const struct iovec *pieces, int count, off_t offset)
{
    ssize_t written;
    do written = pwritev(descriptor, pieces, count, offset);
    while (written < 0 && errno == EINTR);
    return written;
}

static int call_sync(int descriptor)
{
    int result;
    do result = fdatasync(descriptor);
    while (result != 0 && errno == EINTR);
    return result;
}

static int call_sync_directory(int descriptor)
{
    int result;
    do result = fsync(descriptor);
    while (result != 0 && errno == EINTR);
    return result;
}

static int call_truncate(int descriptor, off_t size)
{
    int result;
    do result = ftruncate(descriptor, size);
    while (result != 0 && errno == EINTR);
    return result;
}

static int call_rename(int directory, const char *from, const char *to)
{
    return renameat(directory, from, directory, to);
}

static int call_unlink(int directory, const char *name)
{
    return unlinkat(directory, name, 0);
}

const file_calls movex_store_file_calls = {.open = call_open,
                                           .write = call_write,
                                           .sync = call_sync,
                                           .sync_directory = call_sync_directory,
                                           .truncate = call_truncate,
                                           .rename = call_rename,
                                           .unlink = call_unlink};

/* Words of our own, since strerror's depend on the locale and need not be safe with threads. */
static const char *cause_text(int cause)
{
    switch (cause) {
    case ENOSPC: return "the disk is full";
    case EDQUOT: return "the quota is used up";
    case EFBIG: return "the file would be too large";
    case EACCES:
    case EPERM: return "permission denied";
    case EROFS: return "the file system is read-only";
    case EIO: return "input/output error";
    case EMFILE:
    case ENFILE: return "too many open files";
    case ENOENT: return "no such file or directory";
    case ENOTDIR: return "not a directory";
    case ELOOP: return "a symbolic link where none may be";
    case EISDIR: return "a directory where none may be";
    case ENAMETOOLONG: return "the name is too long";
    case ENOMEM: return "out of memory";
    case ESTALE: return "the directory is gone";
    }
    return NULL;
}

int movex_store_file_failure(const file_store *store, movex_error *error, const char *what, const char *name, int cause)
{
    if (!error) return MOVEX_ERR_SYSTEM;
    const char *text = cause_text(cause);
    char        number[32];
    if (!text) {
        snprintf(number, sizeof number, "error %d of the system", cause);
        text = number;
    }
    error->status = MOVEX_ERR_SYSTEM;
    /* The cause stands first, so that a long path cannot cut it off. */
    snprintf(error->text, sizeof error->text, "%s: %s %s%s%s", text, what, store->path, name ? "/" : "",
             name ? name : "");
    return MOVEX_ERR_SYSTEM;
}
