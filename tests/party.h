/* A match in which all clients have bound one resource, and what each may know is held against the master. */
#ifndef MOVEX_TESTS_PARTY_H
#define MOVEX_TESTS_PARTY_H

#include "match.h"

enum { PARTY_MOST = MATCH_MOST_CLIENTS };

typedef struct party {
    match             m;
    const movex_type *type;
    int               count;
    const char       *names[PARTY_MOST];
    movex_client     *clients[PARTY_MOST]; /* NULL: has left */
    movex_resource   *resources[PARTY_MOST];
    uint64_t          resyncs; /* that are expected by the end; 0 */
} party;

/* A master of that type, and so many clients ("ann", "ben", "cid", "dan", "eve", "fay", ...) who are in sync. */
void party_start(party *p, match_carrier carrier, const movex_type *type, int count);
void party_start_with(party *p, match_carrier carrier, movex_master_config config, const movex_type *type, int count);
/* One more, in sync; returns its index. Of that name, which outlives the party. */
int party_join(party *p, const char *name);
/* Says goodbye. */
void party_leave(party *p, int who);
/* Polls until nothing is on its way, then party_check. */
void party_settle(party *p);
/* Each holds what the master says that it may know, at the master's version, byte for byte. */
void party_check(party *p);
/* Settles; nobody has had a mismatch or asked for a snapshot; ends. */
void party_finish(party *p);

/* Over the local emitter: polls one alone. */
void party_poll(party *p, int who);
void party_poll_master(party *p);

/* Drains all events of one and keeps those of that kind: the count, and the last. */
int party_events(party *p, int who, movex_event_kind kind, movex_event *last);

#endif
