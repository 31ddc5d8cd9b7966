#include "dial.h"

#include <movex/local.h>
#include <movex/system.h>
#ifdef HAVE_WEBSOCKET
#include <movex/relay.h>
#include <movex/websocket.h>
#endif

#include <stdio.h>
#include <string.h>

/* How long somebody who leaves waits for the others to agree. */
#define LEAVE_MS 2000

static bool complain(const command_options *options, const movex_error *error)
{
    fprintf(stderr, "%s: %s\n", options->program, error->text);
    return false;
}

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
    if (!master) complain(options, &error);
    return master;
}

#ifdef HAVE_WEBSOCKET
/* An emitter with these settings; without `ops` if they are wrong. */
static movex_io make_websocket(const command_options *options, movex_ws_config config)
{
    movex_error error;
    config.ca_file = options->ca_file;
    if (movex_ws_check(&config, &error) == MOVEX_OK) return movex_ws_new(&config);
    complain(options, &error);
    return (movex_io){0};
}

/* Addresses that can never be dialled are not worth trying for ever. */
static bool check_peers(const command_options *options)
{
    const options_room *room = &options->room;
    movex_error         error;
    for (uint32_t i = 0; i < room->peer_count; i++) {
        if (movex_ws_check(&(movex_ws_config){.url = room->peers[i]}, &error) == MOVEX_OK) continue;
        fprintf(stderr, "%s: %s: %s\n", options->program, room->peers[i], error.text);
        return false;
    }
    return true;
}

/* The emitter for a server, or for other peers; without `ops` if there is none. */
static movex_io dial_out(const command_options *options)
{
    const options_room *room = &options->room;
    if (room->listen && !check_peers(options)) return (movex_io){0};
    if (room->listen) return make_websocket(options, (movex_ws_config){.address = room->listen});
    movex_io io = make_websocket(options, (movex_ws_config){.url = room->relay ? room->relay : options->url});
    if (!room->relay || !io.ops) return io;
    return movex_relay(
        &(movex_relay_config){.io = io, .room = room->name, .name = options->name, .token = room->token});
}

static uint16_t port_of(const command_options *options, movex_io io)
{
    return options->room.listen ? movex_ws_port(io) : 0;
}
#else
static movex_io dial_out(const command_options *options)
{
    fprintf(stderr, "%s: this build has no websockets; one can only %s alone\n", options->program, options->verb);
    return (movex_io){0};
}

static uint16_t port_of(const command_options *options, movex_io io)
{
    (void)options;
    (void)io;
    return 0;
}
#endif

/* Writes at which address others can dial this one, if the one at which it listens says so: not all interfaces, and no port
   that the system is to choose. Else they say by which they have. */
static void write_address(char address[static MOVEX_ADDRESS_MAX + 1], const char *listen)
{
    const char *port = listen ? strrchr(listen, ':') : NULL;
    address[0] = '\0';
    if (!port || port == listen || strcmp(port, ":0") == 0) return;
    if (strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0) return;
    int length = snprintf(address, MOVEX_ADDRESS_MAX + 1, "ws://%s", listen);
    if (length > MOVEX_ADDRESS_MAX) address[0] = '\0';
}

static movex_peer *enter_room(const command_options *options, movex_io io, const movex_type *type, movex_error *error)
{
    static const char *const anybody[] = {NULL}; /* who is at the relay */
    const options_room      *room = &options->room;
    char                     address[MOVEX_ADDRESS_MAX + 1];
    write_address(address, room->listen);
    return movex_peer_new(&(movex_peer_config){
        .id = options->name,
        .room = room->name,
        .types = MOVEX_TYPES(type),
        .io = io,
        .peers = room->relay ? anybody : room->peers,
        .peer_count = room->relay ? 1 : room->peer_count,
        .room_size = room->size,
        .address = address,
        .survivor_goes_on = room->survivor,
        .silent_ms = room->silent_seconds * 1000,
        .error = error,
    });
}

bool dial(game_connection *connection, const command_options *options, movex_master *master, const char *id,
          const movex_type *type)
{
    movex_error error;
    movex_io    io = master ? movex_local_connect(master) : dial_out(options);
    *connection = (game_connection){0};
    if (!io.ops) return false;
    if (options_in_room(options)) {
        connection->peer = enter_room(options, io, type, &error);
        connection->client = movex_peer_client(connection->peer);
        if (connection->peer) connection->port = port_of(options, io);
    } else {
        connection->client = movex_client_new(&(movex_client_config){.id = id, .io = io, .error = &error});
    }
    if (!connection->client) return complain(options, &error);
    connection->resource = movex_bind(connection->client, type, options->place);
    return connection->resource || complain(options, movex_client_error(connection->client));
}

void dial_poll(const game_connection *connection, uint64_t now_ms)
{
    if (connection->peer) movex_peer_poll(connection->peer, now_ms);
    else movex_client_poll(connection->client, now_ms);
}

bool dial_next(const game_connection *connection, movex_event *event)
{
    return connection->peer ? movex_peer_next(connection->peer, event) : movex_client_next(connection->client, event);
}

void dial_wait(const game_connection *connection, uint32_t timeout_ms)
{
    if (connection->peer) movex_peer_wait(connection->peer, timeout_ms);
    else movex_client_wait(connection->client, timeout_ms);
}

/* The others are told, so that nobody waits for this one to come back. */
static void leave_room(movex_peer *peer)
{
    uint64_t    now_ms = movex_system_now_ms(), give_up_ms = now_ms + LEAVE_MS;
    bool        closed = false;
    movex_event event;
    movex_peer_leave(peer);
    for (; !closed && now_ms < give_up_ms; now_ms = movex_system_now_ms()) {
        if (movex_peer_poll(peer, now_ms) != MOVEX_OK) return;
        while (movex_peer_next(peer, &event)) closed |= event.kind == MOVEX_EVENT_CLOSED;
        if (!closed) movex_peer_wait(peer, (uint32_t)(give_up_ms - now_ms));
    }
}

void dial_end(game_connection *connection)
{
    if (connection->peer) {
        leave_room(connection->peer);
        movex_peer_free(connection->peer);
    } else {
        movex_client_free(connection->client);
    }
    *connection = (game_connection){0};
}

const char *dial_reason(const movex_event *event)
{
    return *event->text ? event->text : movex_status_text(event->status);
}
