/* How the examples for the terminal come to their master: in this process, or over websockets. */
#ifndef COMMON_DIAL_H
#define COMMON_DIAL_H

#include "options.h"

#include <movex/client.h>
#include <movex/master.h>

/* A client, and what it has bound. */
typedef struct game_connection {
    movex_client   *client;
    movex_resource *resource;
} game_connection;

/* A master in this process. NULL if there can be none; the reason has been printed. */
movex_master *dial_alone(const command_options *options, const movex_type *type);

/* Makes a client of that id which binds the place of the options: at `master`, or, if it is NULL, at the server of the
   options. False if that cannot be; the reason has been printed, and the client may be there all the same. */
bool dial(game_connection *connection, const command_options *options, movex_master *master, const char *id,
          const movex_type *type);

/* Why a connection ended, or never was. */
const char *dial_reason(const movex_event *event);

#endif
