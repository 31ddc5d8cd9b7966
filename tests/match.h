/* A match for tests: one master, some clients, and the emitter between them, polled in turn until something is so. The same
   tests run over every emitter. */
#ifndef MOVEX_TESTS_MATCH_H
#define MOVEX_TESTS_MATCH_H

#include "support.h"

#include "../tools/movexd/relay.h"

#include <movex/local.h>
#include <movex/movex.h>

enum { MATCH_MOST_CLIENTS = 8 };

typedef enum match_carrier {
    MATCH_LOCAL,
#ifdef HAVE_WEBSOCKET
    MATCH_WEBSOCKET,
#endif
    MATCH_RELAY, /* through a relay, which is reached by the local emitter */
    MATCH_CARRIERS
} match_carrier;

typedef struct match {
    match_carrier carrier;
    movex_local  *local;
    movexd_relay *relay;
    uint32_t      members; /* that have joined the relay's room so far */
    char          url[64];
    movex_master *master;
    movex_client *clients[MATCH_MOST_CLIENTS];
    movex_io      ios[MATCH_MOST_CLIENTS]; /* the cuttable emitters of the clients */
    int           client_count;
    uint64_t      now_ms;
} match;

/* Starts a master with this configuration. Over the local emitter its randomness comes from the seed, unless it has a hook. */
void match_start(match *m, match_carrier carrier, movex_master_config config);
/* The same with the master's types alone. */
void match_start_types(match *m, match_carrier carrier, const movex_type *const *types);
/* Frees the master and starts another one at the same place: nothing is remembered. */
void match_restart(match *m, movex_master_config config);
/* A client by that name; the configuration's emitter and id are filled in. */
movex_client *match_client_with(match *m, const char *id, movex_client_config config);
movex_client *match_client(match *m, const char *id);
/* Breaks a client's connection, as a lost network does. */
void match_cut(match *m, const movex_client *client);
/* Frees a client now (it says goodbye). */
void match_leave(match *m, movex_client *client);
void match_end(match *m);

/* Polls everybody once. */
void match_poll(match *m);
void match_poll_times(match *m, int times);
/* Lets `ms` of the match's time go by. */
void match_sleep(match *m, uint64_t ms);

/* Polls until `condition` holds; a test that waits in vain fails here. */
#define match_until(m, condition)                                                                                      \
    do {                                                                                                               \
        uint64_t match_limit_ = (m)->now_ms + 20000;                                                                   \
        while (!(condition)) {                                                                                         \
            match_poll(m);                                                                                             \
            ck_assert_msg((m)->now_ms < match_limit_, "waited in vain for: %s", #condition);                           \
        }                                                                                                              \
    } while (0)

/* True if nothing is on its way and all who have bound `resource` hold the master's state. */
bool match_at_rest(const match *m, const movex_resource *const *resources, int count);

/* The next event of that kind, with those of other kinds thrown away; false if there is none. */
bool match_event(movex_client *client, movex_event_kind kind, movex_event *event);
/* Drains all events and counts those of that kind. */
int match_count_events(movex_client *client, movex_event_kind kind);

#endif
