/* A game for tests that shows, in its state, all that has ever been done: who has done what how often, in which order. */
#ifndef MOVEX_TESTS_TALLY_GAME_H
#define MOVEX_TESTS_TALLY_GAME_H

#include <movex/movex.h>

enum {
    TALLY_MARK, /* notes an id */
    TALLY_KEEP, /* the same, hidden as NOD */
    TALLY_NOD,
    TALLY_OPEN, /* reveals what is hidden */
    TALLY_ACTIONS
};
enum { TALLY_FULL = 1 };
enum { TALLY_SEATS = 8, TALLY_LOG = 256, TALLY_PATIENCE = 6 /* nods after which all is revealed */ };

typedef struct {
    char     name[16];
    uint64_t count, sum, last; /* of ids, which come in growing order */
    uint32_t disorder;         /* ids that did not: they have come twice */
    uint32_t nods;
} tally_seat;

typedef struct {
    tally_seat seats[TALLY_SEATS];
    uint64_t   log[TALLY_LOG];    /* of the entry that has made a version, at its rest: seat, shown action, id if shown */
    uint64_t   chain;             /* of all that was ever in the log */
    uint64_t   drawn, stamped_ms; /* what comes of seeds and of master time */
    uint32_t   waiting;           /* nods since the last reveal */
#ifdef TALLY_CHANGED
    uint32_t new_member;
#endif
} tally;

typedef struct { uint64_t id; } tally_id;

extern const movex_type tally_type;

#endif
