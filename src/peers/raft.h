/* Raft: the members of a room agree on one log, and on who is its master.

   After Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014), and Ongaro, "Consensus: Bridging
   Theory and Practice" (2014): chapters 3 (elections, replication, handing over), 4 (membership, one member at a time, who joins
   is brought up to date first) and 9.6 (asking before an election, so that who comes back disturbs nobody).

   It knows nothing of games, clocks or links: time and messages go in, messages and events come out. A message may be lost,
   doubled, late, or overtaken; nothing else is asked of what carries it.

   Members have numbers that are never used again. One that starts without its memory has a new number, and so is a new member:
   its old self neither votes nor counts any more. */
#ifndef MOVEX_PEERS_RAFT_H
#define MOVEX_PEERS_RAFT_H

#include <movex/allocator.h>
#include <movex/status.h>
#include <movex/store.h>
#include <movex/type.h>

enum {
    MOVEX_RAFT_MOST_MEMBERS = 16,
    MOVEX_RAFT_ADDRESS_SIZE = 128 /* bytes of an address, its final zero included */
};

typedef struct movex_raft movex_raft;

typedef struct movex_raft_member {
    uint64_t number;                           /* never used again; 0: none */
    char     name[MOVEX_NAME_SIZE];            /* a member that has the name of another takes its place */
    char     address[MOVEX_RAFT_ADDRESS_SIZE]; /* at which others can dial it; "": nobody knows */
} movex_raft_member;

/* Zero means the default, where there is one. Copied. */
typedef struct movex_raft_config {
    movex_raft_member self;     /* the number counts only if the store does not know one */
    uint32_t          founders; /* members that the room begins with, self included; no fewer than a majority of them begin it */
    uint32_t heartbeat_ms;      /* of a master that has nothing else to send; default 50 */
    uint32_t election_ms;       /* a master that was silent for that long, and up to that long more, is lost; default 300 */
    uint32_t founding_ms;       /* how long a majority of the founders waits for the others; default 1,000 */
    uint32_t silent_ms;         /* a member that was silent for that long is removed; default 10,000; UINT32_MAX: never */
    bool     survivor_goes_on;  /* of two members, each may go on alone */
    bool     anew;              /* what the store has is given up: this is a new member, and joins a room that there is */
    uint64_t seed;              /* of what is random in time */
    size_t   message_bytes;     /* of entries, or of a snapshot, in one message; default 32 KiB */
    movex_store     store;      /* lent; keeps term, vote, log and snapshot. NULL self: nothing is kept */
    movex_allocator allocator;
    movex_error    *error; /* filled if movex_raft_new fails; may be NULL; not kept */
} movex_raft_config;

typedef enum movex_raft_role { MOVEX_RAFT_FOLLOWER, MOVEX_RAFT_CANDIDATE, MOVEX_RAFT_MASTER } movex_raft_role;

typedef enum movex_raft_event_kind {
    MOVEX_RAFT_ENTRY = 1, /* an entry is committed: each once, in the order of the log */
    MOVEX_RAFT_RESTORED,  /* all entries so far are replaced by a snapshot; also right after a start from a store */
    MOVEX_RAFT_MASTERED,  /* another member is known to be the master of the term, or (number 0) none is any more; self: an entry
                             of its own term is committed, and all that were before have been told of */
    MOVEX_RAFT_MEMBERS,   /* the membership that is committed has changed (movex_raft_member_at) */
    MOVEX_RAFT_UNDONE,    /* survivor_goes_on: both have gone on, and what was committed here alone is undone. RESTORED follows */
    MOVEX_RAFT_LEFT       /* self is no longer a member: it left, was removed, or its room is another one (text) */
} movex_raft_event_kind;

/* Members without meaning for its kind are 0 or NULL. Lent until the next call. */
typedef struct movex_raft_event {
    movex_raft_event_kind kind;
    uint64_t              index;  /* ENTRY, RESTORED: of the last entry that is included */
    uint64_t              term;   /* ENTRY: of the entry; MASTERED: of the master */
    uint64_t              number; /* MASTERED: of the master */
    const void           *bytes;  /* ENTRY, RESTORED: as they were proposed, or handed to movex_raft_compact */
    size_t                length;
    const char           *text;        /* LEFT: why; one line */
} movex_raft_event;

/* NULL with config.error filled: MOVEX_ERR_ARGUMENT, MOVEX_ERR_MEMORY, or of the store MOVEX_ERR_STORE, MOVEX_ERR_SYSTEM,
   MOVEX_ERR_DAMAGED, MOVEX_ERR_UNSUPPORTED. */
movex_raft *movex_raft_new(const movex_raft_config *config);
void        movex_raft_free(movex_raft *raft);

void movex_raft_poll(movex_raft *raft, uint64_t now_ms);
/* What is received from now on is heard at that time: before what has come is taken, so that nobody who was not polled for long
   believes that others were silent. */
void movex_raft_tell_time(movex_raft *raft, uint64_t now_ms);
/* The time at which movex_raft_poll will have something to do even if nothing arrives. */
uint64_t movex_raft_deadline(const movex_raft *raft);

/* There is a link to another one, who says that it is `other`, of the room of that number (0: it is in none), with so many
   founders. A master brings it up to date and takes it in, if it is no member. MOVEX_OK; MOVEX_ERR_ARGUMENT if it cannot belong
   to this room (another number, another count of founders, or this name): then nothing has happened. */
int  movex_raft_meet(movex_raft *raft, const movex_raft_member *other, uint64_t room, uint32_t founders, movex_error *error);
/* The link is gone. */
void movex_raft_part(movex_raft *raft, uint64_t number);

/* MOVEX_OK, MOVEX_ERR_MALFORMED or MOVEX_ERR_MEMORY (it counts as lost). */
int movex_raft_receive(movex_raft *raft, uint64_t from, const void *message, size_t length);
/* The next message that is to be sent, to one who was met; false if there is none. Lent until the next call. To be asked after
   each poll, and after what was received and proposed: what comes together is sent together. */
bool movex_raft_send(movex_raft *raft, uint64_t *to, const void **message, size_t *length);

bool movex_raft_next(movex_raft *raft, movex_raft_event *event);

/* Adds an entry, as the master: its index, or 0 if it is not (or not yet MASTERED), or hands over, or there is no memory. */
uint64_t movex_raft_propose(movex_raft *raft, const void *bytes, size_t length);
/* Lets go of the entries up to `index`, the last that an ENTRY has told of: the snapshot stands for them. MOVEX_OK,
   MOVEX_ERR_MEMORY, or what the store says. */
int movex_raft_compact(movex_raft *raft, uint64_t index, const void *snapshot, size_t length);
/* Hands over, if it is the master, and has itself removed; LEFT follows, or nothing while there is no majority. */
void movex_raft_leave(movex_raft *raft);

movex_raft_role movex_raft_role_of(const movex_raft *raft);
uint64_t        movex_raft_number(const movex_raft *raft); /* of self */
uint64_t        movex_raft_room(const movex_raft *raft);   /* drawn when the room began; 0: it has not, or is not known here */
uint64_t        movex_raft_term(const movex_raft *raft);
uint64_t        movex_raft_master(const movex_raft *raft); /* its number; 0: none is known */
uint64_t        movex_raft_committed(const movex_raft *raft); /* the index up to which ENTRY has told, or will at the next calls */
uint64_t        movex_raft_last(const movex_raft *raft);
size_t          movex_raft_log_bytes(const movex_raft *raft); /* of the entries after the snapshot */
bool            movex_raft_is_alone(const movex_raft *raft);  /* survivor_goes_on: it is the master without the other one */
bool            movex_raft_is_provisional(const movex_raft *raft); /* ... or who is the master is, and so may be undone */
/* MOVEX_OK; MOVEX_ERR_MEMORY, or what the store said, if what it must not forget could not be kept: it does nothing any more. */
int             movex_raft_failure(const movex_raft *raft);
uint32_t        movex_raft_member_count(const movex_raft *raft);
const movex_raft_member *movex_raft_member_at(const movex_raft *raft, uint32_t index); /* NULL past the last */

/* last >= committed >= snapshot index; entries are contiguous; terms do not fall; ... */
void movex_raft_check(const movex_raft *raft);

#endif
