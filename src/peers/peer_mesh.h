/* The links of a peer to the others of its room: dials whom it knows an address of, greets whoever comes, keeps one link to each,
   and hands up whole messages. It decides who belongs to the room, and nothing else. */
#ifndef MOVEX_PEERS_PEER_MESH_H
#define MOVEX_PEERS_PEER_MESH_H

#include "peer_wire.h"

#include "../core/memory.h"

#include <movex/stats.h>

typedef struct movex_mesh movex_mesh;

typedef struct movex_mesh_config {
    movex_io           io;   /* owned from now on, also on failure */
    const char        *id, *room_name, *address, *credentials; /* not NULL; they outlive the mesh */
    uint64_t           number;    /* of self */
    uint32_t           room_size;
    bool               survivor_goes_on;
    const char *const *addresses; /* to be dialled; NULL for one: the emitter's own */
    uint32_t           address_count;
    uint32_t           dead_ms;   /* a link on which nothing came for so long is closed */
    size_t             queue_bytes; /* that may wait on one link before frames of tunnels are not taken, and Raft's are lost */
    size_t             max_message; /* bytes of a message put together from chunks */
    int (*authenticate)(void *user, const movex_hello *hello); /* NULL: anybody is who it says */
    void           *user;
    uint64_t        seed; /* of the pauses between dials */
    movex_allocator allocator;
} movex_mesh_config;

/* Another peer, of whom there is a link that was greeted. */
typedef struct movex_mesh_peer {
    movex_raft_member member;
    uint64_t          room;      /* its number, as it knew it then */
    uint32_t          room_size; /* as it believes */
} movex_mesh_peer;

typedef enum movex_mesh_event_kind {
    MOVEX_MESH_MET = 1, /* there is a link to a peer now */
    MOVEX_MESH_LOST,    /* there is none any more */
    MOVEX_MESH_RAFT,    /* bytes */
    MOVEX_MESH_TUNNEL,  /* message, and tunnel */
    MOVEX_MESH_REFUSED  /* somebody cannot belong to the room: id as far as it is known, status, text */
} movex_mesh_event_kind;

/* Lent until the next call. */
typedef struct movex_mesh_event {
    movex_mesh_event_kind     kind;
    uint64_t                  number; /* of the peer; REFUSED: 0 */
    const movex_mesh_peer    *peer;   /* MET */
    movex_wire_bytes          bytes;
    movex_peer_message_kind   message;
    movex_peer_tunnel_message tunnel;
    const char               *id;
    movex_status              status;
    const char               *text;
} movex_mesh_event;

/* NULL with `error`: MOVEX_ERR_MEMORY, or what the emitter's listen says. */
movex_mesh *movex_mesh_new(const movex_mesh_config *config, movex_error *error);
void        movex_mesh_free(movex_mesh *mesh);

/* Dials, pings, gives up. */
void     movex_mesh_poll(movex_mesh *mesh, uint64_t now_ms);
uint64_t movex_mesh_deadline(const movex_mesh *mesh);
/* The next thing that has come; false if there is nothing more for now. */
bool movex_mesh_next(movex_mesh *mesh, movex_mesh_event *event);
/* Sends what waits on all links. */
void movex_mesh_flush(movex_mesh *mesh);

bool movex_mesh_is_linked(const movex_mesh *mesh, uint64_t number);
/* The id of a linked peer, or NULL. */
const char *movex_mesh_id(const movex_mesh *mesh, uint64_t number);
/* The first is for what may be lost, and is lost if much waits. The second says MOVEX_ERR_AGAIN then; MOVEX_ERR_CLOSED if there is no link. */
void movex_mesh_send_raft(movex_mesh *mesh, uint64_t to, const void *message, size_t length);
int  movex_mesh_send_tunnel(movex_mesh *mesh, uint64_t to, movex_peer_message_kind kind,
                            const movex_peer_tunnel_message *message);
/* One more address to be dialled; known ones and "" are ignored. */
void movex_mesh_learn(movex_mesh *mesh, const char *address);
/* The peer is none of ours: says why, and closes its link. */
void movex_mesh_refuse(movex_mesh *mesh, uint64_t number, movex_status status, const char *text);
/* This peer is a new member from now on: all links end, and are made anew. */
void movex_mesh_renew(movex_mesh *mesh, uint64_t number);
/* The number of the room, for those who are greeted from now on. */
void movex_mesh_set_room(movex_mesh *mesh, uint64_t room);
/* At which this peer can be dialled, as far as that is known. */
const char *movex_mesh_address(const movex_mesh *mesh);
/* Bytes of the longest frame that a tunnel carries without being split. */
size_t      movex_mesh_tunnel_frame(const movex_mesh *mesh);
movex_io    movex_mesh_io(const movex_mesh *mesh);
movex_stats movex_mesh_stats(const movex_mesh *mesh);

/* At most one link of each number is met; every link has an address slot that names it, or was dialled by the other side. */
void movex_mesh_check(const movex_mesh *mesh);

#endif
