/* The inside of a peer, shared by its files:

     peer.c           making, freeing, polling; reading
     peer_room.c      what Raft tells: entries, who is master, who is a member; coming back as a new member
     peer_master.c    the master, while it is here
     peer_events.c    what the program is told

     peer_store.c     the store of that master: what it writes is proposed to Raft
     peer_files.c     what is committed: that store's files
     peer_tunnel.c    the emitters of client and master
     peer_mesh*.c     the links to other peers
     peer_wire.c      the messages on them
     raft*.c          elections, replication, membership

   Each calls those below it alone. Data goes round: mesh, Raft, files, master, store, Raft, mesh; and beside it client, tunnel,
   mesh, tunnel, master, and back. */
#ifndef MOVEX_PEERS_PEER_INTERNAL_H
#define MOVEX_PEERS_PEER_INTERNAL_H

#include "peer_files.h"
#include "peer_mesh.h"
#include "peer_store.h"
#include "peer_tunnel.h"
#include "raft.h"

#include "../core/client_peer.h"
#include "../core/format.h"
#include "../core/name.h"

#include <movex/peer.h>
#include <movex/text.h>

/* Who is a member now, or was when it was told last. */
typedef struct peer_member {
    movex_raft_member member;
    bool              is_member, told; /* the difference is an event */
} peer_member;

enum { MOST_KNOWN = 2 * MOVEX_ROOM_MAX }; /* members now, and those whose leaving is not told */

/* master != NULL  <=>  this peer is the master, and an entry of its own term is committed */
struct movex_peer {
    movex_allocator    allocator;
    movex_peer_config  config; /* texts lie in `texts`; lists are not kept */
    const movex_type **types;  /* ended by NULL */
    uint32_t           type_count;
    char              *texts;
    size_t             texts_size;
    uint64_t           seed;     /* state of a SplitMix64: where everything random comes from if there is no hook */
    uint64_t           number;   /* of this peer as a member */
    uint64_t           applied;  /* index of the last entry that is in the files */
    movex_raft        *raft;
    movex_mesh        *mesh;
    movex_tunnels     *tunnels;
    movex_client      *client;
    movex_room_files   files;
    movex_buffer       snapshot; /* for the one that is being made */
    movex_master      *master;
    movex_room_store  *room_store; /* the master's; it owns it */
    uint64_t           now_ms;
    bool               leaving;
    bool               over;     /* given up, or left; with `failure` */
    movex_status       failure;

    /* what is to be told */
    bool         news_master, news_closed, news_refused;
    uint64_t     told_term;
    char         master_id[MOVEX_NAME_SIZE], told_id[MOVEX_NAME_SIZE];
    peer_member  members[MOST_KNOWN];
    uint32_t     member_count;
    movex_status refused_status;
    char         refused_id[MOVEX_NAME_SIZE], refused_text[MOVEX_ERROR_TEXT_SIZE];
    char         closed_text[MOVEX_ERROR_TEXT_SIZE];
    char         lent_id[MOVEX_NAME_SIZE];
};

/* ---- peer.c */

/* Fills bytes that nobody can guess (with a `seed`: that are drawn from it). The hook of client and master; `user` is the peer. */
int movex_peer_draw(void *user, void *bytes, size_t length);

/* ---- peer_room.c */

/* Makes Raft, from the store, or as a new member of a room that there is (`anew`): MOVEX_OK, or as movex_raft_new with `error`. */
int  movex_peer_join(movex_peer *peer, bool anew, movex_error *error);
/* Takes all that Raft tells, and sends what it has to say. True if an entry was committed, or the master is another. */
bool movex_peer_follow(movex_peer *peer);
void movex_peer_say(movex_peer *peer);

/* ---- peer_master.c */

/* This peer is the master now: takes up what is committed. */
void movex_peer_master_start(movex_peer *peer);
/* It is not any more. */
void movex_peer_master_stop(movex_peer *peer);
void movex_peer_master_poll(movex_peer *peer);

/* ---- peer_events.c */

/* Gives up, or (MOVEX_OK) has left; once. */
void movex_peer_end(movex_peer *peer, movex_status status, const char *text);
void movex_peer_note_master(movex_peer *peer, const char *id);
void movex_peer_note_members(movex_peer *peer);
void movex_peer_note_refused(movex_peer *peer, const char *id, movex_status status, const char *text);

#endif
