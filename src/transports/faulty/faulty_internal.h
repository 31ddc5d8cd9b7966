/* The faulty emitter's inside: links of the owner over links of the inner emitter, and what is delayed between them. */
#ifndef MOVEX_FAULTY_INTERNAL_H
#define MOVEX_FAULTY_INTERNAL_H

#include "../dice.h"

#include <movex/faulty.h>

enum { FAULTY_TEXT_SIZE = 128 };

/* A frame on its way: in one of the two queues, or lent. */
typedef struct faulty_parcel {
    struct faulty_parcel *next;
    struct faulty_link   *link;
    uint64_t              due_ms;
    size_t                length, capacity; /* bytes behind the parcel: as they are, and as they were sent */
} faulty_parcel;

typedef struct faulty_queue {
    faulty_parcel *first, *last;
} faulty_queue;

/* A link as the owner knows it; its number is not that of the inner link, which may be used again before the owner knows that
   it is gone. Lives while the owner has not done with it, or something of it is still to go out. */
typedef struct faulty_link {
    struct faulty_link *next;
    movex_link          number, inner; /* inner is 0: there is none, or none any more */
    bool                owned;         /* the owner has neither closed it nor been told CLOSED */
    bool                open;          /* the owner has been told OPENED */
    bool                cut;           /* nothing that is sent from now on goes anywhere */
    bool                deaf, mute;
    uint64_t            opened_ms, closed_ms; /* when the owner is to be told; UINT64_MAX: not */
    uint64_t            cut_at_ms;            /* half-open: when it is found out; UINT64_MAX: never */
    uint64_t            hang_up_ms;           /* when the inner link is to be closed; UINT64_MAX: not */
    uint64_t            last_ms[2];           /* by which what is coming (0) and going (1) stays in order */
    size_t              bytes[2];             /* of the frames coming and going, and of those that went into nothing */
    uint32_t            count[2];             /* of the frames coming and going */
    char                address[FAULTY_TEXT_SIZE], cause[FAULTY_TEXT_SIZE]; /* the texts of OPENED and CLOSED */
} faulty_link;

typedef struct faulty_io {
    movex_io           inner;
    movex_io_ops       ops; /* the inner's own where nothing is to be done */
    movex_allocator    allocator;
    uint64_t           dice, now_ms;
    movex_mock_range   latency_ms;
    movex_mock_faults  faults;
    uint32_t           again_per_mille, queue_bytes;
    uint32_t           to_corrupt;
    bool               stalled, refuses;
    uint64_t           stalled_until_ms;
    faulty_link       *links;
    movex_link         last_number;
    faulty_queue       queues[2]; /* coming, going */
    faulty_parcel     *lent;
    char               text[FAULTY_TEXT_SIZE]; /* lent */
    movex_faulty_stats stats;
} faulty_io;

enum { FAULTY_COMING = 0, FAULTY_GOING = 1 };

/* ---- faulty_queue.c */

void *movex_faulty_allocate(const movex_allocator *allocator, size_t size); /* zeroed, or NULL */

faulty_link *movex_faulty_link_new(faulty_io *io, movex_link inner);
faulty_link *movex_faulty_find(const faulty_io *io, movex_link number);
faulty_link *movex_faulty_find_inner(const faulty_io *io, movex_link inner);
/* Frees it if nobody needs it any more. */
void movex_faulty_link_done(faulty_io *io, faulty_link *link);

/* A frame sets out; false without memory. */
bool movex_faulty_set_out(faulty_io *io, faulty_link *link, int direction, const void *frame, size_t length);
void movex_faulty_parcel_free(faulty_io *io, faulty_parcel *parcel);
/* Takes a parcel out of its queue; `before` is the one before it, or NULL. */
void movex_faulty_take_out(faulty_io *io, int direction, faulty_parcel *before, faulty_parcel *parcel);
/* Loses what is on its way in a direction, but for the first `kept`. */
void movex_faulty_lose(faulty_io *io, faulty_link *link, int direction, uint64_t kept);
/* Hands what is due, or all of it, to the inner emitter. */
void movex_faulty_flush(faulty_io *io, bool all);

/* ---- faulty_fault.c */

uint64_t movex_faulty_due(faulty_io *io, uint64_t *last_ms);
void     movex_faulty_tell_closed(faulty_io *io, faulty_link *link, const char *cause);
void     movex_faulty_cut_link(faulty_io *io, faulty_link *link, bool lingers, uint64_t late_ms);
/* What may go wrong because of a frame that has set out. */
void movex_faulty_provoke(faulty_io *io, faulty_link *link, int direction);
void movex_faulty_spoil(faulty_io *io, faulty_parcel *parcel);
bool movex_faulty_is_stalled(const faulty_io *io);

#endif
