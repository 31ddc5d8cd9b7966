/* What peers say to each other over a link: every message as a struct, with its encoding and its strict decoding (docs/peers.md
   is the norm). A frame is a row of messages, as between client and master (src/core/wire.h), and longer ones go in the same
   CHUNKs. */
#ifndef MOVEX_PEERS_PEER_WIRE_H
#define MOVEX_PEERS_PEER_WIRE_H

#include "raft.h"

#include "../core/wire.h"

#include <movex/peer.h>

enum { MOVEX_PEER_PROTOCOL_VERSION = 1 };

typedef enum movex_peer_message_kind {
    MOVEX_PEER_HELLO = 0x80, /* who this is; the first message, from both sides */
    MOVEX_PEER_SORRY,        /* why the sender closes the link; the last message */
    MOVEX_PEER_PING,         /* it is still there */
    MOVEX_PEER_RAFT,         /* a message of Raft's */
    MOVEX_PEER_OPEN,         /* a client wants a tunnel to the receiver's master */
    MOVEX_PEER_OPENED,       /* answers OPEN: there is one */
    MOVEX_PEER_UP,           /* a frame through a tunnel, from client to master */
    MOVEX_PEER_DOWN,         /* a frame through a tunnel, from master to client */
    MOVEX_PEER_CLOSE_UP,     /* the client's end has closed the tunnel */
    MOVEX_PEER_CLOSE_DOWN    /* the master's end has, or there is no master here */
} movex_peer_message_kind;

typedef struct movex_peer_hello {
    uint64_t        protocol;
    movex_wire_text room_name;   /* 1 to MOVEX_ROOM_NAME_MAX bytes */
    uint64_t        room;        /* its number; 0: it has not begun, as far as the sender knows */
    uint32_t        room_size;   /* 1 to MOVEX_ROOM_MAX */
    bool            survivor_goes_on;
    uint64_t        number;      /* of the sender; not 0 */
    movex_wire_text id;          /* a name */
    movex_wire_text address;     /* at which others can dial it; "": it does not know */
    movex_wire_text dialled;     /* at which the receiver was dialled; "": it has dialled */
    movex_wire_text credentials; /* at most MOVEX_INFO_MAX bytes */
    uint64_t        max_frame;   /* bytes that the sender takes in one frame */
    uint32_t        known;       /* addresses that follow: of others, for the receiver to dial; at most MOVEX_ROOM_MAX */
    movex_wire_text addresses[MOVEX_ROOM_MAX];
} movex_peer_hello;

typedef struct movex_peer_tunnel_message {
    uint64_t         tunnel; /* the client's name for it, never used again between two peers; not 0 */
    movex_wire_bytes frame;  /* UP and DOWN: not empty */
} movex_peer_tunnel_message;

/* Bytes that each message takes at the most, besides what RAFT, UP and DOWN carry. */
enum { MOVEX_PEER_HELLO_MOST = 4096, MOVEX_PEER_OVERHEAD = 24 };

void movex_write_peer_hello(movex_writer *writer, const movex_peer_hello *hello);
void movex_write_peer_sorry(movex_writer *writer, movex_status status, const char *text);
void movex_write_peer_raft(movex_writer *writer, const void *message, size_t length);
/* All but UP and DOWN have no frame. */
void movex_write_peer_tunnel(movex_writer *writer, movex_peer_message_kind kind, const movex_peer_tunnel_message *message);

/* Reading: behind the byte that names the message. False if it is not exactly of that form. */
bool movex_read_peer_hello(movex_reader *reader, movex_peer_hello *hello);
bool movex_read_peer_sorry(movex_reader *reader, movex_status *status, movex_wire_text *text);
bool movex_read_peer_raft(movex_reader *reader, movex_wire_bytes *message);
bool movex_read_peer_tunnel(movex_reader *reader, movex_peer_message_kind kind, movex_peer_tunnel_message *message);

#endif
