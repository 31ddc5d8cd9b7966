/* A room of peers over the mock network, in virtual time: they are killed, start again with or without their store, are cut off,
   paused, and leave; what must hold is checked at every step. The game is tally (tally_game.h).

     I1  whoever holds a version holds the checksum that everybody else had at that version
     I4  no mismatch, no resync
     I6  every ticket has one outcome; what was accepted is in the state once, and what was refused is not
         nothing that was accepted is ever lost
         what was sealed and accepted is revealed once, and then either in the state or forfeited: all who are told of that reveal are
         told the same, however its author has fared since */
#ifndef MOVEX_TESTS_PEER_WORLD_H
#define MOVEX_TESTS_PEER_WORLD_H

#include "peer_internal.h"
#include "tally_game.h"

#include <movex/mock.h>
#include <movex/store_memory.h>

enum { PEER_SEATS = 7, PEER_VERSIONS = 1 << 14, PEER_PENDING = 64, PEER_DONE = 1 << 13 };

/* A sealed half that was accepted, in any life of its author's. */
typedef struct peer_sealed {
    movex_ticket ticket;
    uint64_t     id, version;
    uint32_t     life;
    bool         overturned; /* its author was told so */
} peer_sealed;

enum { PEER_SEALED = 1024 };

/* What everybody was told has become of the sealed entry that has made a version. */
typedef struct peer_fate {
    uint32_t reveal;             /* the version of the reveal; 0: none yet */
    uint8_t  author;             /* the seat */
    bool     applied, forfeited; /* by whom it was told, and to whom it was not */
} peer_fate;

typedef struct peer_seat {
    char                name[16];
    movex_peer         *peer; /* NULL: dead, or gone */
    movex_resource     *at;
    movex_store_memory *disk; /* NULL: it has no store */
    movex_allocator     allocator; /* its own, which may fail: then it may give up, and its links may be lost */
    uint32_t            gave_up;
    bool                paused, apart, leaving;
    uint64_t            pending[PEER_PENDING]; /* ids, by ticket modulo */
    uint32_t            waiting;               /* tickets without an outcome */
    uint64_t            accepted, unknown;     /* ids of this name, in all its lives */
    uint64_t            accepted_sum;          /* of what the game adds up for them */
    uint32_t            undone, provisional;   /* tickets */
    uint64_t            undone_sum;
    uint64_t            done[PEER_DONE];        /* survivors go on: ids that this life was told of as accepted, by ticket */
    bool                may_be_undone[PEER_DONE];
    uint64_t            last_id;
    uint32_t            masters; /* events */
    bool                hides[PEER_PENDING]; /* by ticket modulo */
    uint64_t            snapshots;           /* that its client had got at the last look */
    uint32_t            lives;
    peer_sealed         sealed[PEER_SEALED];
    uint32_t            sealed_count;
    uint64_t            opened, forfeited, untold, refused; /* of the sealed halves; dispatches */
    uint64_t            settled_version;
} peer_seat;

typedef struct peer_world {
    movex_mock       *net;
    peer_seat         seats[PEER_SEATS];
    uint32_t          count;
    const movex_type *type;
    movex_peer_config config; /* what all have in common; times are set */
    bool              branches; /* survivors go on: versions may have more than one state */
    uint64_t          now_ms, random;
    uint64_t          seed; /* named by a failure */
    uint64_t          checksums[PEER_VERSIONS]; /* 0: nobody has held that version */
    peer_fate         fates[PEER_VERSIONS];
    uint32_t          terms_seen;
} peer_world;

/* What is in `net`, `random`, `seed` and the first seat's `allocator` is kept. Names are p0, p1 and so on. `with_store`: a bit for each. */
void peer_world_start(peer_world *w, uint32_t count, unsigned with_store, const movex_peer_config *config);
void peer_world_end(peer_world *w);
/* Polls everybody who is not paused, a millisecond at a time. */
void peer_world_run(peer_world *w, uint32_t ms);

void peer_world_enter(peer_world *w, uint32_t seat); /* begins a life: a new one, or from its store */
void peer_world_kill(peer_world *w, uint32_t seat);
void peer_world_pause(peer_world *w, uint32_t seat, bool paused);
void peer_world_part(peer_world *w, uint32_t seat, bool apart);
/* Dispatches the next id; false if that was not possible now. */
bool peer_world_act(peer_world *w, uint32_t seat);
/* The same, sealed. */
bool peer_world_seal(peer_world *w, uint32_t seat);
/* Has all that is sealed opened, or forfeited: then it is known what came of it. */
void peer_world_open(peer_world *w, uint32_t most_ms);

/* Who is master in the highest term that anybody alive knows of, and knows it itself; or -1. */
int  peer_world_master(const peer_world *w);
/* Runs until somebody is, at most so long; how long it took, or UINT32_MAX. */
uint32_t peer_world_await_master(peer_world *w, uint32_t most_ms);
/* True if a majority of the members, with their memory, would be left without that one. */
bool peer_world_can_spare(const peer_world *w, uint32_t seat);
/* Everybody alive agrees, all are members, nothing is pending. */
bool peer_world_is_settled(const peer_world *w);
uint32_t peer_world_await_settled(peer_world *w, uint32_t most_ms);
/* What is in the state is what was accepted, and, once nothing is sealed any more, what was sealed is there or forfeited. */
void peer_world_must_be_whole(peer_world *w);
const tally *peer_world_state(const peer_world *w, uint32_t seat);

#endif
