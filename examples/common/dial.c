#include "dial.h"

#include <movex/local.h>
#include <movex/system.h>
#ifdef HAVE_WEBSOCKET
#include <movex/websocket.h>
#endif

#include <stdio.h>

movex_master *dial_alone(const command_options *options, const movex_type *type)
{
    movex_error         error;
    movex_master_config config = {
        .types = MOVEX_TYPES(type),
        .entropy = movex_system_entropy, /* no two games are alike */
        .start_time_ms = movex_system_unix_ms(),
        .error = &error,
    };
    movex_master *master = movex_master_new(&config);
    if (!master) fprintf(stderr, "%s: %s\n", options->program, error.text);
    return master;
}

/* The emitter for a server; without `ops` if there is none. */
static movex_io dial_server(const command_options *options)
{
#ifdef HAVE_WEBSOCKET
    movex_ws_config config = {.url = options->url, .ca_file = options->ca_file};
    movex_error     error;
    if (movex_ws_check(&config, &error) == MOVEX_OK) return movex_ws_new(&config);
    fprintf(stderr, "%s: %s\n", options->program, error.text);
#else
    fprintf(stderr, "%s: this build has no websockets; one can only %s alone\n", options->program, options->verb);
#endif
    return (movex_io){0};
}

bool dial(game_connection *connection, const command_options *options, movex_master *master, const char *id,
          const movex_type *type)
{
    movex_error error;
    movex_io    io = master ? movex_local_connect(master) : dial_server(options);
    if (!io.ops) return false;
    connection->client = movex_client_new(&(movex_client_config){.id = id, .io = io, .error = &error});
    if (!connection->client) {
        fprintf(stderr, "%s: %s\n", options->program, error.text);
        return false;
    }
    connection->resource = movex_bind(connection->client, type, options->place);
    if (!connection->resource)
        fprintf(stderr, "%s: %s\n", options->program, movex_client_error(connection->client)->text);
    return connection->resource != NULL;
}

const char *dial_reason(const movex_event *event)
{
    return *event->text ? event->text : movex_status_text(event->status);
}
