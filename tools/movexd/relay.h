/* A relay: forwards frames between the members of a room, and knows nothing of what is in them (docs/relay.md).

   It works over any emitters and any clock, so that it can be tested without a network. What waits to be sent to a member lies in
   its emitter's queue: where that is full, the member is sent away, and nobody waits for it. What a member may send is bounded
   by credit, which comes back at the rate that is allowed: an honest one waits by itself, any other is sent away. */
#ifndef MOVEXD_RELAY_H
#define MOVEXD_RELAY_H

#include <movex/allocator.h>
#include <movex/io.h>

#include <stdbool.h>
#include <stdint.h>

#define MOVEXD_RELAY_MOST_EMITTERS 16

typedef enum movexd_relay_event_kind {
    MOVEXD_RELAY_JOINED = 1, /* somebody has come into a room */
    MOVEXD_RELAY_LEFT,       /* and is gone, or was sent away: cause */
    MOVEXD_RELAY_REJECTED    /* somebody went, or was sent away, without having come into a room: cause */
} movexd_relay_event_kind;

/* What has happened. All texts are lent for the call. */
typedef struct movexd_relay_event {
    movexd_relay_event_kind kind;
    const char             *name, *room; /* "" where unknown */
    const char             *address, *cause;
    uint32_t                members; /* that the room has now */
} movexd_relay_event;

typedef struct movexd_relay_config {
    const char *const *tokens; /* those that are accepted; NULL: any. Copied */
    uint32_t           token_count;
    uint32_t           max_rooms, max_members; /* in all; of one room; 1 or more */
    uint32_t           bytes_per_second;       /* that a member may send; 1 to 2^30 */
    uint32_t           join_ms;                /* how long somebody may take to join; 1 or more */
    uint32_t           idle_ms;                /* how long a member may send nothing; 0: for ever */
    int (*entropy)(void *user, void *bytes, size_t length); /* bytes that nobody can guess; MOVEX_OK or a failure */
    void (*report)(void *user, const movexd_relay_event *event); /* may be NULL; must not call the relay */
    void           *user;
    movex_allocator allocator; /* may be zero */
} movexd_relay_config;

typedef struct movexd_relay_stats {
    uint32_t links, rooms, members; /* now; links: members and those who have not joined yet */
    uint64_t frames, bytes;         /* forwarded so far */
    uint64_t sent_away;             /* members and strangers so far, but for a stop */
} movexd_relay_stats;

typedef struct movexd_relay movexd_relay;

/* NULL if memory or entropy ran out. */
movexd_relay *movexd_relay_new(const movexd_relay_config *config);

/* Serves who dials `io` as well, which it owns from now on, also if it fails: with MOVEX_ERR_LIMIT, MOVEX_ERR_MEMORY, or what
   its `listen` says. */
int movexd_relay_attach(movexd_relay *relay, movex_io io);

/* Takes in and sends on what has come, in the time `now_ms`, which never goes back. */
void movexd_relay_poll(movexd_relay *relay, uint64_t now_ms);

/* Sleeps for so long, or until something comes. */
void movexd_relay_wait(movexd_relay *relay, uint32_t timeout_ms);

movexd_relay_stats movexd_relay_statistics(const movexd_relay *relay);

/* Asserts what must hold. */
void movexd_relay_check(const movexd_relay *relay);

/* Tells everybody, and closes everything. NULL is ignored. */
void movexd_relay_free(movexd_relay *relay);

#endif
