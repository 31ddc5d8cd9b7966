/* The mock emitter's inside: parcels travel from one end of a link to the other end's emitter. */
#ifndef MOVEX_MOCK_INTERNAL_H
#define MOVEX_MOCK_INTERNAL_H

#include "../dice.h"

enum {
    MOCK_SMALLEST_PARCEL = 64, /* bytes */
    MOCK_PARCEL_SIZES = 26     /* MOCK_SMALLEST_PARCEL << (MOCK_PARCEL_SIZES - 1) == 2 GiB */
};

/* The text of CLOSED where the other end has closed the link, and not the network. */
#define MOCK_CLOSED_BY_PEER "the other side closed the connection"

/* Something that was sent: on its way (listed in the network and in the end that it goes to), or arrived (in an inbox),
   or lent by an emitter, or spare. */
typedef struct mock_parcel {
    movex_io_kind       kind;
    struct mock_end    *to;
    struct mock_parcel *next;          /* behind it on the same way, in the same inbox, or spare */
    struct mock_parcel *older, *newer; /* of all that is on its way, in the order of sending */
    uint64_t            number;        /* in the order of sending, from 1 */
    uint64_t            sent_ms, due_ms;
    const char         *text;    /* CLOSED: the cause, static */
    bool                unaided; /* CLOSED: noticed by the end itself; no partition stops it */
    uint32_t            size;    /* MESSAGE: bytes has room for MOCK_SMALLEST_PARCEL << size */
    size_t              length;  /* MESSAGE */
    bool                corrupted;
    unsigned char      *bytes;   /* MESSAGE: behind the parcel itself */
} mock_parcel;

typedef struct mock_queue {
    mock_parcel *first, *last;
} mock_queue;

/* One end of a link. `coming` is ordered, also by due time. */
typedef struct mock_end {
    struct mock_emitter *emitter; /* NULL once it has closed or taken CLOSED */
    struct mock_link    *link;
    char                 name[MOVEX_MOCK_NAME_SIZE]; /* outlives the emitter */
    bool                 apart;                      /* partitioned */
    bool                 deaf;                       /* half-open: nothing that is sent to it arrives */
    bool                 closing;                    /* CLOSED is on its way to it, or in its inbox */
    mock_queue           coming;                     /* on the way to it */
    uint64_t             last_due_ms;                /* of what is coming: no later parcel may arrive before */
    uint64_t             dice;                       /* for what happens to what is sent to it */
    size_t               bytes;                      /* sent to it and not taken */
    size_t               place;          /* net->schedule[place - 1] == this; 0: nothing that time alone delivers */
    mock_parcel          opened, closed; /* here, so that closing needs no memory */
} mock_end;

/* Lives while one of its ends has an emitter. */
typedef struct mock_link {
    movex_mock *net;
    uint32_t    number; /* net->links[number - 1] == this */
    bool        open;   /* the dial has arrived */
    bool        cut;
    uint64_t    cut_at_ms; /* half-open: when that is found out; UINT64_MAX: nobody will */
    mock_end    ends[2]; /* 0: who dialled, 1: who listened */
} mock_link;

/* Whoever has a name; outlives its emitters, as a machine does its programs. */
typedef struct mock_party {
    struct mock_party *next;
    char               name[MOVEX_MOCK_NAME_SIZE];
    uint64_t           ahead_ms; /* of virtual time */
    uint64_t           dice;     /* for its dials and links */
} mock_party;

typedef struct mock_emitter {
    movex_mock          *net;
    mock_party          *party;
    struct mock_emitter *next;
    char         name[MOVEX_MOCK_NAME_SIZE], address[MOVEX_MOCK_NAME_SIZE]; /* address: what it dials by itself */
    char         peer[MOVEX_MOCK_NAME_SIZE];                                /* the text of its last OPENED */
    bool         listening, apart, crashed;
    uint64_t     stalled_until_ms; /* 0: it takes what comes; UINT64_MAX: until it is let go */
    uint32_t     to_corrupt;       /* frames, of those that it will send */
    mock_queue   inbox;
    mock_parcel *lent; /* its last MESSAGE, or NULL */
} mock_emitter;

/* references == emitters + 1 for the program's own hold */
struct movex_mock {
    movex_allocator  allocator;
    uint32_t         references;
    movex_io_ops     ops; /* of its emitters; differs from network to network in max_frame */
    uint64_t         random; /* for the parties alone: what one of them does changes nothing for the others */
    uint64_t         now_ms;
    uint64_t         step; /* grows with each poll and release: nothing of what is sent meanwhile arrives before the next */
    movex_mock_range latency_ms;
    movex_mock_faults faults;
    uint32_t         queue_bytes;
    void (*tap)(void *user, const movex_mock_frame *frame);
    void *user;

    mock_emitter    *emitters;
    mock_party      *parties;
    bool             stalls; /* an emitter may be stalled */
    uint32_t         doomed; /* links with a cut_at_ms other than UINT64_MAX */
    uint32_t         connects; /* for the names of those that have none */
    mock_link      **links;
    uint32_t         link_capacity;
    mock_end       **schedule;                     /* a binary heap: ends by the due time of what comes to them first */
    size_t           scheduled, schedule_capacity; /* schedule_capacity >= 2 * link_capacity */
    mock_parcel     *oldest, *newest;              /* on its way */
    uint32_t         on_the_way;
    uint64_t         sent; /* the number of the last parcel */
    bool             held;
    mock_parcel     *spare[MOCK_PARCEL_SIZES];
    movex_mock_stats stats;
};

/* ---- mock_memory.c */

void *movex_mock_allocate(const movex_allocator *allocator, size_t size); /* zeroed */
void  movex_mock_release_block(const movex_allocator *allocator, void *block, size_t size);
void  movex_mock_drop(movex_mock *net); /* one reference */

/* A MESSAGE with room for `length` bytes; NULL without memory. */
mock_parcel *movex_mock_take_parcel(movex_mock *net, size_t length);
/* Keeps it for the next MESSAGE; nothing for the parcels of an end itself. */
void movex_mock_keep_parcel(movex_mock *net, mock_parcel *parcel);

void         movex_mock_push(mock_queue *queue, mock_parcel *parcel);
mock_parcel *movex_mock_pop(mock_queue *queue);

/* ---- mock_schedule.c */

/* The place of an end in the schedule, after what is coming first, or a partition, has changed. */
void movex_mock_reschedule(mock_end *end);
/* True if a partition stops what is coming first. */
bool movex_mock_is_stopped(const mock_end *end);

/* ---- mock_link.c */

mock_end  *movex_mock_other(const mock_end *end);
mock_end  *movex_mock_find_end(const mock_emitter *emitter, movex_link number);
mock_link *movex_mock_link_new(mock_emitter *dialler, mock_emitter *listener, const char *address);

/* Puts a parcel on its way to `end`, and shows it to the tap. */
void movex_mock_set_out(mock_end *end, mock_parcel *parcel);
void movex_mock_describe(const mock_parcel *parcel, movex_mock_frame *frame);
/* Hands what is coming first to the end's emitter. */
void movex_mock_arrive(mock_end *end);
/* CLOSED sets out to `end`. */
void movex_mock_tell_closed(mock_end *end, const char *text, bool unaided);
/* As many of what is coming to an end are kept as survive a fault; the others are lost. */
void movex_mock_lose_some(mock_end *end);
bool movex_mock_cut_now(mock_link *link);
/* The same, told to one end at once and to the other so much later. */
bool movex_mock_cut_lingering_now(mock_link *link, mock_end *told, uint64_t late_ms);
/* An end closes its link: what it sent still arrives. */
void movex_mock_close_end(mock_end *end);
/* An end has done with its link. */
void movex_mock_leave(mock_end *end);

/* ---- mock_fault.c */

/* The chances, with the defaults for what is left zero. */
void movex_mock_take_faults(movex_mock *net, const movex_mock_faults *faults);
/* What may go wrong because of a frame that was sent to an end. */
void movex_mock_provoke(mock_end *receiver);
/* Corrupts a frame that an emitter sends, if its turn has come. */
void movex_mock_spoil(mock_emitter *emitter, mock_end *receiver, mock_parcel *parcel);
/* The half-open link that is found out first, or NULL. */
mock_link *movex_mock_first_doomed(const movex_mock *net);
void       movex_mock_spare(mock_link *link); /* it is not to be found out */
/* When the first stall ends that something waits for; UINT64_MAX for never. */
uint64_t movex_mock_stall_deadline(const movex_mock *net);
void     movex_mock_end_stalls(movex_mock *net);

/* ---- mock_emitter.c */

extern const movex_io_ops movex_mock_ops;

#endif
