/* A store whose disk is the room: what a master writes is proposed to Raft, and durable once it is committed. What one flush writes
   is one entry. Reading shows what is committed; a master reads when it starts alone, and then that is all there is. */
#ifndef MOVEX_PEERS_PEER_STORE_H
#define MOVEX_PEERS_PEER_STORE_H

#include "peer_files.h"
#include "raft.h"

typedef struct movex_room_store movex_room_store;

/* For the master of this term. `files` and `raft` are lent, and outlive it. NULL if there is no memory. */
movex_room_store *movex_room_store_new(movex_raft *raft, const movex_room_files *files, const movex_allocator *allocator);
/* As whoever is to take it takes it: it is freed by its destroy. */
movex_store movex_room_store_of(movex_room_store *store);
/* Everything up to that entry is committed. */
void movex_room_store_committed(movex_room_store *store, uint64_t index);
/* Proposes what was taken since. */
void movex_room_store_flush(movex_room_store *store);

/* durable <= proposed <= taken; flights are in order of both their members. */
void movex_room_store_check(const movex_room_store *store);

#endif
