/** @file store_file.h
 *  The file store: a directory of files, made durable by fsync. See docs/store.md. Not on Windows.
 *
 *  Threads: as store.h has it, with `wait`: another thread may flush. */
#ifndef MOVEX_STORE_FILE_H
#define MOVEX_STORE_FILE_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/store.h>

/** Settings of a file store. Zero means the default. Copied. */
typedef struct movex_store_file_config {
    const char *directory;     /**< required; made if its parent exists; nobody else may use it at the same time */
    size_t      waiting_bytes; /**< taken and not flushed, as memory; a longer change is refused; default 64 MiB */
    uint32_t    files;         /**< at once; default 200,000 */
    uint32_t    handles;       /**< files that are kept open, of those written last; default 128 */
    bool        no_sync;       /**< flush writes and leaves it to the operating system when that reaches the disk: "durable"
                                    then means that it survives the program, but not a power cut */
    movex_allocator allocator; /**< used by the owner's thread alone, and must outlive the store */
} movex_store_file_config;

MOVEX_BEGIN_DECLARATIONS

/** Opens the store of a directory: locks it, removes what an earlier run left half written, and learns the names. All
 *  memory is the allocator's, but for what the C library takes to list a directory. On failure `self` is NULL, and `error`
 *  (may be NULL) is filled: MOVEX_ERR_ADDRESS_IN_USE if another program, or this one, has it open; MOVEX_ERR_SYSTEM,
 *  MOVEX_ERR_LIMIT, MOVEX_ERR_MEMORY, MOVEX_ERR_ARGUMENT. */
MOVEX_API movex_store movex_store_file_open(const movex_store_file_config *config, movex_error *error);

MOVEX_END_DECLARATIONS

#endif
