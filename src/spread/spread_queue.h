/* What threads say to each other: records, first in, first out, from any thread to one. What is taken is taken all at once, by
   handing over the buffer. */
#ifndef MOVEX_SPREAD_QUEUE_H
#define MOVEX_SPREAD_QUEUE_H

#include "../core/memory.h"

#include <pthread.h>

typedef enum movex_spread_kind {
    MOVEX_SPREAD_OPENED = 1, /* to a master: a connection is there; with its address */
    MOVEX_SPREAD_FRAME,      /* both ways */
    MOVEX_SPREAD_CLOSED,     /* both ways: the sender has closed it; nothing more comes from there */
    MOVEX_SPREAD_GONE,       /* to a service: an answer to CLOSED, from a master that had not closed it yet */
    MOVEX_SPREAD_TAKEN       /* to a master: so many bytes have gone to the client */
} movex_spread_kind;

typedef struct movex_spread_record {
    movex_spread_kind kind;
    uint32_t          from;       /* which service, or which master */
    uint32_t          connection; /* of the service */
    uint32_t          length;     /* bytes that follow; TAKEN: the bytes it tells of, none follow */
} movex_spread_record;

typedef struct movex_spread_queue {
    pthread_mutex_t        lock; /* of what follows */
    pthread_cond_t         filled;
    const movex_allocator *allocator;
    movex_buffer           records; /* each with its bytes, padded to the alignment of a record */
    size_t                 promised; /* bytes that find room in any case: records.capacity - records.length >= promised */
    bool                   rung;     /* a wait is to end */
} movex_spread_queue;

bool movex_spread_queue_init(movex_spread_queue *queue, const movex_allocator *allocator);
void movex_spread_queue_end(movex_spread_queue *queue);

/* Makes sure that `records` more without bytes find room one day, whatever happens. False if there is no memory. */
bool movex_spread_queue_promise(movex_spread_queue *queue, uint32_t records);
void movex_spread_queue_forgive(movex_spread_queue *queue, uint32_t records);

/* Adds a record with its bytes. False if memory ran out. `was_empty`, if not NULL: whoever takes them may be asleep; `held`, if not
   NULL: bytes that wait now. */
bool movex_spread_queue_put(movex_spread_queue *queue, const movex_spread_record *record, const void *bytes,
                            bool *was_empty, size_t *held);
/* Adds one without bytes for which there is a promise, and fulfils it. */
void movex_spread_queue_keep_promise(movex_spread_queue *queue, const movex_spread_record *record, bool *was_empty);

/* Swaps what waits for `taken`, which must be used up. False if there is nothing, or no memory to keep promises by. */
bool movex_spread_queue_take(movex_spread_queue *queue, movex_buffer *taken);
size_t movex_spread_queue_held(movex_spread_queue *queue);

/* Sleeps until something is there, or ring is called. */
void movex_spread_queue_wait(movex_spread_queue *queue, uint32_t timeout_ms);
void movex_spread_queue_ring(movex_spread_queue *queue);

/* The next record of what was taken, from `*at` on, which moves past it; false at the end. */
bool movex_spread_next(const movex_buffer *taken, size_t *at, movex_spread_record *record, const unsigned char **bytes);

#endif
