/* The mesh's inside, shared by its files:

     peer_mesh.c        making, freeing; events; sending
     peer_mesh_link.c   a link: opening, greeting, closing; which of two to keep
     peer_mesh_dial.c   addresses: whom to dial, and when

   The first calls the others. */
#ifndef MOVEX_PEERS_PEER_MESH_INTERNAL_H
#define MOVEX_PEERS_PEER_MESH_INTERNAL_H

#include "peer_mesh.h"

#include "../core/channel.h"

enum {
    MOST_LINKS = 4 * MOVEX_ROOM_MAX,    /* strangers, and second links to members, included */
    MOST_ADDRESSES = 4 * MOVEX_ROOM_MAX /* learned ones included */
};

/* Where somebody may be dialled. */
typedef struct mesh_address {
    char       text[MOVEX_ADDRESS_MAX + 1]; /* "": the one that the emitter was made with */
    bool       is_learned; /* others have told of it: it is forgotten when nobody answers */
    bool       is_self;
    movex_link link;       /* that was dialled, or 0 */
    uint64_t   number;     /* of who has answered last; 0: nobody yet */
    uint64_t   dial_ms;    /* given time before which it is not dialled again */
    uint32_t   pause_ms;   /* after the next failure */
} mesh_address;

typedef enum mesh_link_state {
    MESH_DIALLED,  /* OPENED has not come */
    MESH_GREETING, /* HELLO is sent, and has not come */
    MESH_MET,
    MESH_ENDED     /* the emitter is done with it; it goes when that has been told */
} mesh_link_state;

typedef struct mesh_link {
    mesh_link_state state;
    bool            by_us;     /* dialled by this peer */
    bool            met_due;   /* MET: to be told */
    bool            lost_due;  /* ENDED: to be told */
    bool            refused;   /* ENDED: to be told, with the members below */
    uint32_t        serial;    /* never used again; tells it from another one of the same number */
    movex_channel   channel;   /* link and emitter */
    movex_mesh_peer peer;      /* from MET on; of one that was refused the name alone */
    uint64_t        heard_ms, said_ms; /* given times */
    movex_status    status;    /* refused: why */
    char            text[MOVEX_ERROR_TEXT_SIZE];
} mesh_link;

struct movex_mesh {
    movex_mesh_config config; /* addresses are not kept */
    movex_allocator   allocator;
    mesh_link       **links;
    uint32_t          link_count, link_capacity; /* link_count <= MOST_LINKS */
    mesh_address      addresses[MOST_ADDRESSES];
    uint32_t          address_count;
    char              address[MOVEX_ADDRESS_MAX + 1]; /* of self; "": not known */
    uint64_t          room, now_ms, jitter;
    bool              looked; /* since the last poll all that had come was taken: who was not heard is silent */
    uint32_t          links_made;
    mesh_link        *reading; /* whose frame `frame` is what is left of, or NULL */
    movex_reader      frame;
    bool              assembled; /* `message` is what is left of one that came in chunks */
    movex_reader      message;
    mesh_link        *told; /* ENDED, and lent to the caller; freed at the next call, or NULL */
    movex_buffer      scratch;
    movex_stats       stats;
};

/* ---- peer_mesh_dial.c */

void     movex_mesh_dial(movex_mesh *mesh);
uint64_t movex_mesh_dial_ms(const movex_mesh *mesh);
void     movex_mesh_add_address(movex_mesh *mesh, const char *text, bool is_learned);
/* The address that this link was dialled by, or NULL. */
mesh_address *movex_mesh_address_of(movex_mesh *mesh, movex_link link);
/* At which that peer can be dialled, as it says or as it was; "": nobody knows. */
const char *movex_mesh_address_at(const movex_mesh *mesh, const movex_mesh_peer *peer);
/* A dial has failed, or what it had led to is over. */
void movex_mesh_dial_failed(movex_mesh *mesh, mesh_address *address);

/* ---- peer_mesh_link.c */

/* NULL if there is no memory, or there are too many. */
mesh_link *movex_mesh_link_new(movex_mesh *mesh, movex_link link, bool by_us);
void       movex_mesh_link_free(movex_mesh *mesh, mesh_link *link);
mesh_link *movex_mesh_link_find(const movex_mesh *mesh, movex_link link);
/* The one by which that peer was met, or NULL. */
mesh_link *movex_mesh_link_to(const movex_mesh *mesh, uint64_t number);
void       movex_mesh_link_greet(movex_mesh *mesh, mesh_link *link);
/* Takes a HELLO. */
void movex_mesh_link_greeted(movex_mesh *mesh, mesh_link *link, const movex_peer_hello *hello);
/* Closes it. `told`: the emitter has closed it already. */
void movex_mesh_link_end(movex_mesh *mesh, mesh_link *link, bool told);
/* Says why, closes it, and has REFUSED told. */
void movex_mesh_link_refuse(movex_mesh *mesh, mesh_link *link, movex_status status, const char *text);
/* Queues what `writer` has written to scratch; without memory it ends the link. */
void         movex_mesh_link_send(movex_mesh *mesh, mesh_link *link, const movex_writer *writer);
movex_writer movex_mesh_message(movex_mesh *mesh, size_t length);

#endif
