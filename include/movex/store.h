/** @file store.h
 *  MovexStore: the table of functions by which bytes are kept. A store is one implementation of it; see docs/store.md.
 *
 *  A store holds files: a name, and bytes that grow at their end. The library asks, the store answers: nothing calls back,
 *  and no store reads a clock on its own behalf.
 *
 *  What changes a file (append, replace, remove) is *taken* at once, in memory, and gets a number: 1, 2, 3 for the whole
 *  store. `flush` makes all of it *durable*: `durable` is the highest number up to which everything would survive a power
 *  cut. What is taken and not durable may or may not survive one: of each file, its changes up to any of them, and of the
 *  appends after that any part (of a new file none: it is empty), or that many bytes of other values. A replace is there
 *  wholly or not at all.
 *
 *  Reading shows what is taken, durable or not.
 *
 *  Threads: a store is used by one thread at a time, its owner; but `flush`, `wait` and `wake` may be called by another one
 *  while the owner goes on, if the store has `wait`. None of these three takes or gives back memory. */
#ifndef MOVEX_STORE_H
#define MOVEX_STORE_H

#include <movex/export.h>
#include <movex/status.h>

#include <stddef.h>
#include <stdint.h>

/** Bytes of the longest name of a file. */
#define MOVEX_STORE_NAME_MAX 80

/** One file of one open store; 0 is none. */
typedef uint32_t movex_store_file;

/** The name of a file: any bytes, and at least one. */
typedef struct movex_store_name {
    size_t        length;                      /**< 1 to MOVEX_STORE_NAME_MAX; 0: none */
    unsigned char bytes[MOVEX_STORE_NAME_MAX]; /**< without a zero at its end */
} movex_store_name;

/** The functions of a store. `self` is movex_store.self. `wait` and `wake` are optional (both NULL). What a function
 *  returns in place of MOVEX_OK stands with it; a `file` that is none brings MOVEX_ERR_NOT_FOUND. */
typedef struct movex_store_ops {
    const char *name; /**< for logs, such as "file" */

    /** The walk over what exists: puts the next name after `name`, in the order of the bytes, in its place; an empty one
     *  stands before the first. MOVEX_ERR_NOT_FOUND after the last. Files may come and go between two calls. */
    int (*next)(void *self, movex_store_name *name);
    /** The number of the file of that name, whether it exists yet or not: it does once something is taken for it. It stays
     *  until `remove`. MOVEX_ERR_ARGUMENT for a name that cannot be, MOVEX_ERR_LIMIT, MOVEX_ERR_MEMORY. */
    int (*open)(void *self, const void *name, size_t length, movex_store_file *file);
    /** How many bytes it has. MOVEX_ERR_NOT_FOUND if it does not exist. */
    int (*size)(void *self, movex_store_file file, uint64_t *size);
    /** Fills `bytes` with at most `capacity` > 0 bytes from `offset` on: at least one, unless `offset` is its end or behind
     *  it; `length` is how many. May block. MOVEX_ERR_NOT_FOUND if it does not exist, MOVEX_ERR_SYSTEM. */
    int (*read)(void *self, movex_store_file file, uint64_t offset, void *bytes, size_t capacity, size_t *length);
    /** Cuts off what is behind `size`, a torn end, and makes that durable before it returns. May block. For recovery:
     *  MOVEX_ERR_AGAIN if something taken for this file is not durable yet, MOVEX_ERR_ARGUMENT if it is shorter. */
    int (*truncate)(void *self, movex_store_file file, uint64_t size);

    /** Makes sure that the next `count` > 0 changes, with `length` bytes together, will be taken: the same calls cannot
     *  fail then. Counts for these changes alone, and ends with the next `reserve`. MOVEX_ERR_AGAIN if too much waits to
     *  be flushed, MOVEX_ERR_LIMIT if it would never fit, MOVEX_ERR_MEMORY, or what `status` says: a store that fails takes
     *  nothing more than was reserved before. */
    int (*reserve)(void *self, size_t length, uint32_t count);
    /** Adds `length` > 0 bytes at the end. Without room from `reserve` it asks for that itself, and fails as it does. */
    int (*append)(void *self, movex_store_file file, const void *bytes, size_t length, uint64_t *number);
    /** All that the file holds becomes these bytes, which may be none; otherwise as append. */
    int (*replace)(void *self, movex_store_file file, const void *bytes, size_t length, uint64_t *number);
    /** The file is no more, and its number is none from now on. Otherwise as append, with no bytes. `number` is that of the
     *  last change if the file did not exist. */
    int (*remove)(void *self, movex_store_file file, uint64_t *number);

    /** Makes durable what was taken before the call. May block. MOVEX_ERR_AGAIN if that is under way and `durable` will
     *  tell; else what `status` says. Nothing is lost by a failure: what waited still waits, and the next call tries again,
     *  also with nothing new to write. */
    int (*flush)(void *self);
    /** The highest number up to which everything is durable. */
    uint64_t (*durable)(void *self);
    /** The number of the last change that was taken; durable <= taken. */
    uint64_t (*taken)(void *self);
    /** MOVEX_OK, or how the store fails now: since the disk did not do what it was asked, and until a flush has succeeded.
     *  `error` (may be NULL) is filled then, and names the file and the cause. */
    int (*status)(void *self, movex_error *error);
    /** Frees the store, and loses what is not durable. `self` is never NULL; nobody may be in a call. */
    void (*destroy)(void *self);

    /** Sleeps until there is something to flush, somebody calls wake, or `timeout_ms` have passed (MOVEX_ERR_TIMEOUT).
     *  While the store fails, what waits does not end it: so its caller tries again once in `timeout_ms`. */
    int (*wait)(void *self, uint32_t timeout_ms);
    /** Ends a wait that another thread is in, or the next one. */
    void (*wake)(void *self);
} movex_store_ops;

/** A store. Whoever takes one destroys it, also when taking it fails. A store that could not be made has a NULL `self`. */
typedef struct movex_store {
    const movex_store_ops *ops;  /**< static: it outlives every store of its kind */
    void                  *self; /**< handed to each of them; NULL if the store could not be made */
} movex_store;

#endif
