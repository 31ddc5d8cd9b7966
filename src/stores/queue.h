/* What every store has in memory: its files by name and number, and the changes that are taken and not durable yet.

   Changes lie in segments, in the order of their numbers, and never move; those of one file are linked. So taking one
   costs no allocation once segments are there to be used again, a flush may read them while the owner adds others, and
   a flush that fails has lost nothing.

   A flush: `begin` chooses what is to be made durable (up to `goal` of each file), `pick` gives the files one by one,
   `commit` or `give_back` says what became of each, `settle` closes it. What these five do is short: a store with threads
   holds its lock in each call. Only the owner's calls (open to reclaim) use the allocator. */
#ifndef MOVEX_STORES_QUEUE_H
#define MOVEX_STORES_QUEUE_H

#include "names.h"

#include <movex/allocator.h>
#include <movex/store.h>

#include <stdbool.h>

typedef enum store_change_kind { STORE_APPEND, STORE_REPLACE, STORE_REMOVE } store_change_kind;

typedef struct store_change {
    struct store_change *next; /* of the same file */
    uint64_t             number;
    size_t               length;
    store_change_kind    kind;
} store_change; /* the bytes lie behind it */

/* Lies at the start of a store's own record of a file.  first == NULL iff last == NULL */
typedef struct store_file {
    store_name         name; /* first */
    movex_store_file   number;
    bool               open;   /* its number has been given away and not removed */
    bool               exists; /* as taken, with `size` */
    bool               listed; /* in the queue's list of those that wait, or picked */
    bool               durable_exists; /* as durable, with `durable_size` */
    uint64_t           size, durable_size;
    store_change      *first, *last; /* not durable */
    store_change      *goal;         /* the last of them that the flush under way is to make durable */
    struct store_file *next;         /* in a list of files */
} store_file;

typedef struct store_segment {
    struct store_segment *next;
    size_t                capacity, used; /* bytes behind it */
    uint64_t              last;           /* the number of its last change */
} store_segment;

typedef struct store_file_list {
    store_file *first, *last;
} store_file_list;

/* capacity of all segments in use <= most_waiting, or there is one alone */
typedef struct store_queue {
    movex_allocator allocator;
    size_t          file_size; /* bytes of a store's own record of a file */
    size_t          most_waiting;
    uint32_t        most_files;
    store_name     *names;
    store_file    **files; /* files[number - 1]->number == number, or NULL */
    uint32_t        file_capacity, file_count;
    movex_store_file free_hint; /* no number below it is free */
    store_segment  *oldest, *newest, *spare;
    size_t          in_use;   /* bytes: capacities from oldest to newest */
    uint32_t        spares;
    size_t          reserved; /* of what is free in `newest` */
    uint64_t        taken, durable;
    store_file_list waiting;  /* have changes that are not durable */
    store_file_list flushing; /* chosen by begin and not picked yet */
    store_file_list removed;  /* durably gone: to be looked at by reclaim */
} store_queue;

/* ---- the owner's */

void movex_store_queue_init(store_queue *queue, const movex_allocator *allocator, size_t file_size, size_t most_waiting,
                            uint32_t most_files);
void movex_store_queue_free(store_queue *queue);
/* Forgets all changes that are not durable, and what files there would have been by them. */
void movex_store_queue_forget(store_queue *queue);

void *movex_store_allocate(const movex_allocator *allocator, size_t size); /* zeroed */
void  movex_store_release(const movex_allocator *allocator, void *block, size_t size);

int movex_store_queue_open(store_queue *queue, const void *name, size_t length, store_file **file);
/* The file of a number that is open; NULL if there is none. */
store_file *movex_store_queue_at(const store_queue *queue, movex_store_file number);
int         movex_store_queue_next(const store_queue *queue, movex_store_name *name);
/* A file that an earlier run has left. */
int movex_store_queue_found(store_queue *queue, const void *name, size_t length, uint64_t size);

int movex_store_queue_reserve(store_queue *queue, size_t length, uint32_t count);
/* `refusal` is returned if there is no room reserved and it is none. */
int movex_store_queue_take(store_queue *queue, movex_store_file number, store_change_kind kind, const void *bytes,
                           size_t length, int refusal, uint64_t *taken);
/* Gives up the memory of what has become durable. */
void movex_store_queue_reclaim(store_queue *queue);

/* ---- looking at changes */

const unsigned char *movex_store_change_bytes(const store_change *change);

/* What a file becomes by its changes up to one. */
typedef struct store_plan {
    const store_change *from;   /* the first of them that matters; NULL: none */
    bool                anew; /* what is durable has no part in it */
    bool                exists;
    uint64_t            base;   /* bytes before `from` that are durable and stay */
    uint64_t            size;
} store_plan;

store_plan movex_store_plan(const store_file *file, const store_change *last);

/* Fills `bytes` from the changes of a file, as taken; at offsets before `plan.base` there is nothing to be had here. */
size_t movex_store_plan_read(const store_plan *plan, const store_change *last, uint64_t offset, void *bytes,
                             size_t capacity);

/* ---- a flush's */

void        movex_store_queue_begin(store_queue *queue);
store_file *movex_store_queue_pick(store_queue *queue); /* NULL: no more */
void        movex_store_queue_commit(store_queue *queue, store_file *file);
void        movex_store_queue_give_back(store_queue *queue, store_file *file);
void        movex_store_queue_settle(store_queue *queue);

#endif
