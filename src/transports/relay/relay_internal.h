/* The relay emitter from within. Who knows what:
     relay.c           the emitter's life, its MovexIO functions, the connection to the relay
     relay_pair.c      the other members and the links to them
     relay_protocol.c  what is said, for the relay as well

   Between two members there is one link at the most. Who wants one says OPEN, and has it once the other has said so too: as an
   answer, or because he wanted it himself. Who gets a CLOSE for his OPEN was refused. A link ends when both have said CLOSE: who
   says it first takes nothing more for it, and wants no new one, before the other's has come. So what was sent over a link never
   comes out of the next one, whatever is on its way when. */
#ifndef MOVEX_RELAY_INTERNAL_H
#define MOVEX_RELAY_INTERNAL_H

#include "relay_protocol.h"

enum { RELAY_TEXT_SIZE = 256 };

typedef enum relay_connection {
    RELAY_AWAY,     /* no link to the relay; the next open dials */
    RELAY_DIALLING, /* there is one, which is not open yet */
    RELAY_JOINING,  /* JOIN is said, or due */
    RELAY_JOINED
} relay_connection;

typedef enum relay_state {
    RELAY_IDLE,    /* a member, and no link to it */
    RELAY_WAITING, /* a dial; its member is not there, or not known yet */
    RELAY_OPENING, /* our OPEN is said, or owed; or to be said once `closing` is over */
    RELAY_OPEN,    /* a link */
    RELAY_LOST     /* CLOSED is to be reported, with io->cause */
} relay_state;

/* Another member, or a link, or both.
     member == 0  if and only if  state is WAITING or LOST
     link == 0    if IDLE; may be 0 if OPENING: nobody has dialled, so nobody need be told if it comes to nothing */
typedef struct relay_pair {
    uint32_t    member; /* its number in the room */
    movex_link  link;
    relay_state state;
    bool        closing;    /* we have said CLOSE, or owe it; the other's is to come. Then IDLE or OPENING */
    bool        owes_close; /* to be said as soon as there is room */
    bool        owes_open;  /* to be said after that */
    char        name[MOVEX_RELAY_NAME_MAX + 1]; /* of the member; of a dial "" for anybody */
} relay_pair;

/* lost == pairs that are LOST; owed == messages that pairs owe. All pairs but WAITING and LOST ones are gone while AWAY. */
typedef struct relay_io {
    movex_io         inner;
    movex_io_ops     ops;
    movex_allocator  allocator;
    int              config_status;
    relay_connection connection;
    movex_link       inner_link; /* to the relay; 0 if and only if AWAY */
    movex_link       last_link;  /* the newest number that was given out */
    bool             join_due, listening;
    uint32_t         own_number; /* in the room */
    uint64_t         key;        /* of the last time that it was joined; 0: never */
    uint32_t         credit, most_credit; /* bytes that may be sent; credit <= most_credit */
    relay_pair      *pairs;
    uint32_t         pair_count, pair_capacity; /* pair_count <= max_links */
    uint32_t         lost, owed, max_links;
    unsigned char   *scratch;                /* the frame that is being sent */
    size_t           scratch_size;           /* inner.ops->max_frame, also once the inner one is gone */
    char             cause[RELAY_TEXT_SIZE]; /* of those that are LOST */
    char             text[RELAY_TEXT_SIZE];  /* lent */
    char             room[MOVEX_RELAY_ROOM_MAX + 1], token[MOVEX_RELAY_TOKEN_MAX + 1];
    char             name[MOVEX_RELAY_NAME_MAX + 1], peer[MOVEX_RELAY_NAME_MAX + 1];
} relay_io;

/* ---- relay.c */

/* Hands a frame to the inner emitter if the credit allows it. MOVEX_OK, MOVEX_ERR_AGAIN or what the inner emitter says. */
int movex_relay_transmit(relay_io *io, const unsigned char *frame, size_t length);

/* ---- relay_pair.c. Pointers to pairs are good until the next one is added or removed. */

relay_pair *movex_relay_find_link(const relay_io *io, movex_link link); /* NULL for 0 */
/* The member or dial of that name; what is LOST is passed over. */
relay_pair *movex_relay_find_name(const relay_io *io, const char *name);

/* A dial: to a member that is there, is waited for, or ("") whoever it will be. MOVEX_OK, MOVEX_ERR_LIMIT or MOVEX_ERR_MEMORY. */
int movex_relay_dial(relay_io *io, const char *name, movex_link *link);

/* The owner gives up a link. */
void movex_relay_hang_up(relay_io *io, relay_pair *pair);

/* Says what is owed, as far as there is room. */
void movex_relay_say_owed(relay_io *io);

/* Wants links to all members that have none: it listens now. */
void movex_relay_greet_all(relay_io *io);

/* The room is joined: all who were there are known. */
void movex_relay_take_joined(relay_io *io);

/* The relay is lost: so is everything. */
void movex_relay_lose_all(relay_io *io, const char *cause);

/* Takes in what the relay says of another member: PEER, GONE, DATA, OPEN or CLOSE. NULL, or what is wrong, and then the relay
   is given up. `*told` if there is an event. */
const char *movex_relay_take_member(relay_io *io, const movex_relay_message *message, movex_io_event *event, bool *told);

/* The next CLOSED of those that are LOST. */
bool movex_relay_give_lost(relay_io *io, movex_io_event *event);

/* Asserts what the comments above say. */
void movex_relay_check(const relay_io *io);

#endif
