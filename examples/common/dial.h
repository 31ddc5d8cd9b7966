/* How the examples for the terminal come to their master: in this process, over websockets, or as a peer of a room in which one
   of the players is it. */
#ifndef COMMON_DIAL_H
#define COMMON_DIAL_H

#include "options.h"

#include <movex/client.h>
#include <movex/master.h>
#include <movex/peer.h>

/* A client, and what it has bound. */
typedef struct game_connection {
    movex_peer     *peer;   /* in a room: whose client it is; else NULL */
    uint16_t        port;   /* at which that one listens; 0: nowhere */
    movex_client   *client;
    movex_resource *resource;
} game_connection;

/* A master in this process. NULL if there can be none; the reason has been printed. */
movex_master *dial_alone(const command_options *options, const movex_type *type);

/* Makes a client of that id which binds the place of the options: at `master`, or, if it is NULL, at the server or in the room of
   the options. False if that cannot be; the reason has been printed, and the client may be there all the same. */
bool dial(game_connection *connection, const command_options *options, movex_master *master, const char *id,
          const movex_type *type);

/* To be used in place of the client's own functions, for a peer polls and drains its client. */
void dial_poll(const game_connection *connection, uint64_t now_ms);
bool dial_next(const game_connection *connection, movex_event *event);
void dial_wait(const game_connection *connection, uint32_t timeout_ms);

/* Frees client or peer; a peer leaves its room first, if that can be done in two seconds. */
void dial_end(game_connection *connection);

/* Why a connection ended, or never was. */
const char *dial_reason(const movex_event *event);

#endif
