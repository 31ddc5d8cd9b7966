/* The simulation's inside: schedules, and one match after the other that plays one. */
#ifndef MOVEX_SIMULATION_INTERNAL_H
#define MOVEX_SIMULATION_INTERNAL_H

#include "../transports/dice.h"

#include <movex/master.h>
#include <movex/simulation.h>
#include <movex/store_memory.h>

enum { SIMULATION_MOST_PLAYERS = 64, SIMULATION_ID = 16 };

/* How a match failed. Shrinking looks for the same one. */
typedef enum simulation_failure {
    SIMULATION_OK = 0,
    SIMULATION_NOT_DETERMINISTIC,
    SIMULATION_MISMATCH,
    SIMULATION_CHECK,
    SIMULATION_OUTCOME,
    SIMULATION_GAVE_UP,
    SIMULATION_NO_REST,
    SIMULATION_DISAGREE,
    SIMULATION_LOST,
    SIMULATION_MEMORY
} simulation_failure;

typedef struct simulation_schedule {
    movex_simulation_step *steps; /* by time */
    uint32_t               count, capacity;
} simulation_schedule;

typedef struct simulation_client {
    char            id[SIMULATION_ID];
    movex_client   *client; /* NULL: it has crashed, and starts at `starts_ms` */
    movex_resource *resource;
    uint64_t        starts_ms;
    uint64_t        outcomes; /* of tickets */
    uint8_t        *seen;     /* by ticket: whether its outcome has come */
    uint32_t        seen_size;
    uint64_t        stalled_until_ms, cut_at_ms; /* UINT64_MAX: not */
} simulation_client;

/* One match. */
typedef struct simulation_match {
    const movex_simulation_config *config; /* with its defaults resolved */
    movex_mock                    *net;
    movex_master                  *master; /* NULL: the same */
    movex_store_memory            *disk;   /* NULL: it is kept nowhere */
    uint64_t                       seed, starts_ms;
    uint64_t                       told; /* the greatest version that a client has held */
    simulation_client              clients[SIMULATION_MOST_PLAYERS];
    movex_determinism              determinism;
    uint64_t                       now_ms;
    simulation_failure             failure;
    char                           text[MOVEX_ERROR_TEXT_SIZE];
    void (*line)(void *user, const char *text); /* NULL: nobody listens */
    void             *user;
    movex_stats       stats; /* of all clients */
    movex_mock_stats  net_stats;
    uint64_t          crashes, restarts;
} simulation_match;

/* ---- simulation_schedule.c */

/* False without memory. */
bool movex_simulation_make_schedule(const movex_simulation_config *config, uint64_t seed, simulation_schedule *schedule);
void movex_simulation_free_schedule(const movex_allocator *allocator, simulation_schedule *schedule);
/* Removes steps as long as it still fails in that way, and plays at most `runs` matches; how many it has played. */
uint32_t movex_simulation_shrink(const movex_simulation_config *config, uint64_t seed, simulation_failure failure,
                                 simulation_schedule *schedule, uint32_t runs);

/* ---- simulation_match.c */

/* Plays a schedule from start to rest. `match` has `line` and `user`; all else is filled in. */
simulation_failure movex_simulation_play(simulation_match *match, const movex_simulation_config *config, uint64_t seed,
                                         const simulation_schedule *schedule);

/* ---- simulation_trace.c */

void movex_simulation_tell_step(const simulation_match *match, const movex_simulation_step *step);
void movex_simulation_tell_event(const simulation_match *match, const simulation_client *client,
                                 const movex_event *event);
void movex_simulation_tell_frame(void *match, const movex_mock_frame *frame);
void movex_simulation_tell_failure(const simulation_match *match);

#endif
