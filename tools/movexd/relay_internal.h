/* The relay from within: relay.c has its life and what comes in, relay_room.c the rooms and who is in them. */
#ifndef MOVEXD_RELAY_INTERNAL_H
#define MOVEXD_RELAY_INTERNAL_H

#include "relay.h"
#include "relay_protocol.h"

enum { RELAY_BUCKETS = 4096, RELAY_TEXT_SIZE = 128 };

typedef struct relay_room relay_room;

/* Somebody with a link: a member of a room, or not yet.  room == NULL if and only if number == 0 */
typedef struct relay_member {
    movex_io             io;
    movex_link           link;
    relay_room          *room;
    uint32_t             number;                  /* in the room */
    uint64_t             key;                     /* proves on another connection who it is */
    uint64_t             opened_ms, heard_ms;     /* when it came, and sent something last */
    uint64_t             refilled_ms;             /* up to when what it has spent was given back */
    uint32_t             spent;                   /* of its credit; spent <= relay.window */
    bool                 leaving;                 /* it is in relay.leaving, and hears nothing more */
    bool                 cut;                     /* its link is gone */
    movex_relay_reason   reason;                  /* why it is sent away; 0: it went by itself */
    struct relay_member *in_bucket;               /* the next one */
    struct relay_member *previous, *next;         /* of all */
    struct relay_member *next_leaving;
    char                 name[MOVEX_RELAY_NAME_MAX + 1];
    char                 address[RELAY_TEXT_SIZE], cause[RELAY_TEXT_SIZE]; /* where it came from, and why it goes */
} relay_member;

/* members[i - 1]->number < members[i]->number <= last_number; 1 <= count <= capacity */
struct relay_room {
    uint64_t       hash; /* of token and name */
    relay_member **members;
    uint32_t       count, capacity, last_number;
    relay_room    *previous, *next;
    char           token[MOVEX_RELAY_TOKEN_MAX + 1], name[MOVEX_RELAY_ROOM_MAX + 1];
};

typedef char relay_token[MOVEX_RELAY_TOKEN_MAX + 1];

struct movexd_relay {
    movexd_relay_config config; /* with its allocator resolved; its tokens are in `tokens` */
    movex_io            ios[MOVEXD_RELAY_MOST_EMITTERS];
    uint32_t            io_count;
    relay_token        *tokens; /* filled up with zeros */
    unsigned char      *scratch; /* the frame that is sent on */
    size_t              scratch_size;
    uint32_t            window; /* bytes of credit that a member has at most */
    uint64_t            now_ms, sweep_ms, seed;
    relay_member       *buckets[RELAY_BUCKETS], *first, *leaving;
    relay_room         *rooms;
    movexd_relay_stats  stats;
};

/* Zeroed; NULL if there is none. */
void *relay_allocate(movexd_relay *relay, size_t size);
void  relay_release(movexd_relay *relay, void *block, size_t size);

/* ---- relay.c */

/* Sends one message to a member. If it cannot take it, it is sent away. */
void relay_tell(movexd_relay *relay, relay_member *member, const movex_relay_message *message);

/* It will be out of its room, and its link closed, before anything else is taken in. */
void relay_send_away(movexd_relay *relay, relay_member *member, movex_relay_reason reason);

void relay_report(const movexd_relay *relay, movexd_relay_event_kind kind, const relay_member *member,
                  const relay_room *room);

/* ---- relay_room.c */

/* Lets somebody in who has asked for it: 0, or why not. */
movex_relay_reason relay_join(movexd_relay *relay, relay_member *member, const movex_relay_message *join);

/* Takes a member out of its room, if it is in one, and tells the others. */
void relay_leave(movexd_relay *relay, relay_member *member);

/* NULL if there is none of that number. */
relay_member *relay_find(const relay_room *room, uint32_t number);


#endif
