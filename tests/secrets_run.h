/* A seeded run of the game of secrets_game.h over the mock network, and beside it an independent account of what everybody
   should see: each view folded again from its base, at every version, as section 1 of the semantics defines it. */
#ifndef MOVEX_TESTS_SECRETS_RUN_H
#define MOVEX_TESTS_SECRETS_RUN_H

#include "meter.h"
#include "secrets_game.h"

#include <movex/client.h>
#include <movex/master.h>
#include <movex/mock.h>
#include <movex/store_memory.h>

/* Viewers are the clients, the public, and whoever may see everything. */
enum { SECRETS_CLIENTS = 6, SECRETS_PUBLIC = SECRETS_CLIENTS, SECRETS_EVERYTHING, SECRETS_VIEWERS };

enum { SECRETS_MOVES = 4096, SECRETS_VERSIONS = 4096, SECRETS_NOTED = 4096 };

typedef enum secrets_fate { SECRETS_UNDISPATCHED, SECRETS_PENDING, SECRETS_ACCEPTED, SECRETS_REFUSED, SECRETS_UNKNOWN } secrets_fate;

typedef struct secrets_dispatched { /* by the id in its payload */
    movex_ticket ticket;
    int          client; /* < 0: of one who is gone */
    secrets_fate fate;
    uint32_t     in_log;
    bool         overturned;         /* the full view refuses it */
    bool         told_overturned;
    bool         forgotten;  /* its subscription has ended */
} secrets_dispatched;

typedef struct secrets_half {
    uint32_t     action;
    bool         has_payload;
    secrets_move payload;
    uint64_t     seed;
} secrets_half;

/* An entry since the base. */
typedef struct secrets_noted {
    uint64_t     version, now_ms;
    bool         dispatched, hides; /* dispatched: by a client */
    char         author[MOVEX_NAME_SIZE];
    secrets_half shown, hidden;
} secrets_noted;

/* What has made a version: an entry, or a state that was put. */
typedef struct secrets_event {
    bool          put;
    secrets_noted entry;
    secrets       state;
} secrets_event;

/* What happens in runs: those in which it does not happen prove nothing about it. */
typedef struct secrets_events {
    uint64_t reconnects, resumes, snapshots, refusals, expiries, reveals, hidden, folds, patches, overturned, noops,
        overtaken, diverged, restarts, undone, crashes, unkept, failed_flushes, half_open, lingering, stalls, jumps, failed_dials,
        partitions, flips, healed,
        gave_way;
} secrets_events;

/* A bit of a client's state that has been flipped. */
typedef struct secrets_flipped {
    bool     is;        /* and nobody can have noticed */
    bool     found;     /* and its snapshot is on its way */
    uint64_t version, snapshots; /* when it was flipped */
    uint64_t flips;     /* of this client ever */
} secrets_flipped;

typedef struct secrets_run {
    uint64_t          seed, random, now_ms;
    bool              restarts; /* the master is kept in a store, crashes, and starts again */
    bool              storms;   /* the same, and everything else goes wrong that can */
    bool              flips;    /* bits flip in what clients hold: it does not go wrong otherwise that they lose sync */
    movex_store_memory *disk;
    movex_store        store;
    uint64_t           starts_ms; /* when a master that has crashed starts again */
    uint64_t           client_starts_ms[SECRETS_CLIENTS]; /* the same of clients */
    uint64_t           apart_ms[SECRETS_CLIENTS];         /* until then nothing passes to and from it; 0: it does */
    uint64_t           disk_fails_ms;                     /* until then; 0: it does not */
    bool               own_flush;                         /* the master flushes its store itself */
    secrets_flipped    flipped[SECRETS_CLIENTS];
    meter              of_master, of_clients, of_rest; /* memory */
    uint64_t           epoch;                             /* the greatest that a client was told */
    uint64_t           start_bytes;                       /* of the master, before the first client */
    bool              slow;    /* clients stall, over links that hold little */
    unsigned          secret;  /* of a pair of runs that differ in it alone; else 0 */
    int               watched; /* if not 0: clients from this one on know no secret, and nobody else is replaced */
    bool              quiet;   /* nothing that is secret is ever shown: a pair of such runs is comparable to the end */
    uint32_t          marks;   /* dispatches that bring a reveal nearer */
    bool              lent;    /* the network is somebody else's */
    const movex_type *type;
    secrets_events   *events; /* of all runs so far */
    movex_mock       *net;
    movex_master     *master;
    movex_rules      *rules;
    int               client_count;
    movex_client     *clients[SECRETS_CLIENTS];
    movex_resource   *bound[SECRETS_CLIENTS];
    uint64_t          subscriptions[SECRETS_CLIENTS];
    bool              held;
    movex_observer    observer; /* another one that is told as well */
    uint32_t          journal_bytes; /* of a master that is kept in a store; 0: drawn */
    void            (*ended)(struct secrets_run *run); /* called when the master is gone, and its disk is not; NULL: nobody */
    void (*stopped)(struct secrets_run *run); /* told when the master is gone, after a crash and at the end; may read the disk */

    /* the account */
    secrets            base;
    uint64_t           version, told; /* told: the greatest that a client has ever held */
    secrets            put_state; /* that is being put */
    secrets_noted      noted[SECRETS_NOTED];
    uint32_t           noted_count;
    secrets_event      history[SECRETS_VERSIONS]; /* by version */
    uint64_t           checksums[SECRETS_VERSIONS][SECRETS_VIEWERS]; /* of each viewer's view */
    uint64_t           revealed;                                     /* the version of the last reveal */
    uint32_t           revealed_count;
    movex_revealed     revealed_names[SECRETS_NOTED];
    char               revealed_authors[SECRETS_NOTED][MOVEX_NAME_SIZE];
    secrets_dispatched moves[SECRETS_MOVES];
    uint32_t           move_count;
} secrets_run;

/* The id of a client, "" for the public, NULL for everything. */
const char *secrets_viewer(int viewer);

/* Plays a run of so many steps and checks everything after each; a failure names the seed and ends the test. */
void secrets_play(secrets_run *run, int steps);

#endif
