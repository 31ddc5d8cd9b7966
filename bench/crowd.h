/* Many clients of one server, driven by one loop in this process. Counters are what they play: each resource has one client
   that dispatches, the others follow. */
#ifndef MOVEX_BENCH_CROWD_H
#define MOVEX_BENCH_CROWD_H

#include "hub.h"

#include <movex/movex.h>

#include <stdbool.h>

enum { CROWD_MOST_BOUND = 2 };

extern const movex_type crowd_counter;

/* Who plays: `clients` in groups as large as there are clients for each of `resources`, or, if `ring`, as many resources as
   clients, of which each dispatches to its own and follows its neighbour's. */
typedef struct crowd_plan {
    uint32_t clients, resources;
    bool     ring;
    uint32_t window; /* actions in flight for each resource */
    uint32_t idle;   /* further clients that are connected, and no more */
} crowd_plan;

typedef struct crowd_member {
    movex_client   *client;
    movex_resource *bound[CROWD_MOST_BOUND]; /* the first is its own, if it leads */
    bool            leads;
    uint64_t        dispatched, answered;
    double          sent; /* when it dispatched what is in flight, if that is one action */
} crowd_member;

typedef struct crowd {
    const char   *benchmark, *url;
    crowd_plan    plan;
    hub          *hub;
    crowd_member *members; /* those who play, then the idle */
    double       *latencies; /* seconds from dispatch to outcome; NULL: not wanted */
    uint32_t      latency_count, latency_capacity;
    bool          playing; /* an answer is followed by the next dispatch */
} crowd;

/* Connects all; returns when each holds the state of what it has bound. Ends the program if that fails. */
void crowd_start(crowd *c, const char *benchmark, const char *url, crowd_plan plan);
/* Plays for so long, then until everything is answered and delivered; returns how many actions were dispatched meanwhile. */
uint64_t crowd_play(crowd *c, double seconds);
/* Everybody holds all that was ever dispatched, each entry delivered to each once, nothing lost sync; and so does somebody who
   comes now. */
void crowd_verify(crowd *c);
void crowd_end(crowd *c);

#endif
