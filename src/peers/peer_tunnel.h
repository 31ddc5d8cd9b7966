/* The way from the client of each peer to the master in one of them: two emitters, one for the client and one for the master if
   it is here, whose frames go through the mesh, or from one to the other. */
#ifndef MOVEX_PEERS_PEER_TUNNEL_H
#define MOVEX_PEERS_PEER_TUNNEL_H

#include "peer_mesh.h"

typedef struct movex_tunnels movex_tunnels;

/* `id` and `number` are of self. The mesh is lent, and outlives it. NULL if there is no memory. */
movex_tunnels *movex_tunnels_new(movex_mesh *mesh, const char *id, uint64_t number, const movex_allocator *allocator);
/* After the client and the master that have its emitters. */
void movex_tunnels_free(movex_tunnels *tunnels);

/* The client's emitter. It dials whoever is master, now or as soon as there is one. Once. */
movex_io movex_tunnels_client_io(movex_tunnels *tunnels);
/* The emitter of a master that is here from now on, until it is destroyed. The address of each link is the id of the peer whose
   client it is. */
movex_io movex_tunnels_master_io(movex_tunnels *tunnels);

/* Who is master now; 0: nobody. */
void movex_tunnels_set_master(movex_tunnels *tunnels, uint64_t number);
/* There is a link to that peer now, or there is none any more. */
void movex_tunnels_met(movex_tunnels *tunnels, uint64_t number);
void movex_tunnels_lost(movex_tunnels *tunnels, uint64_t number);
/* This peer is a new member from now on. There is no master, here or elsewhere. */
void movex_tunnels_renew(movex_tunnels *tunnels, uint64_t number);
/* Takes what has come by the mesh. */
void movex_tunnels_take(movex_tunnels *tunnels, const movex_mesh_event *event);
/* True if the client or the master has something to receive. */
bool movex_tunnels_have_news(const movex_tunnels *tunnels);

void movex_tunnels_check(const movex_tunnels *tunnels);

#endif
