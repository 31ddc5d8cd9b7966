#include "client_internal.h"

#include "default_limits.h"
#include "format.h"
#include "io.h"
#include "random.h"

#include <movex/text.h>

enum {
    DEFAULT_RECONNECT_MIN_MS = 250,
    DEFAULT_RECONNECT_MAX_MS = 10000,
    DEFAULT_HANDSHAKE_MS = 10000,
    EVENTS_PER_POLL = 100000, /* so that a flood cannot hold the program */
};

/* ---- making */

static int check_config(const movex_client_config *config, movex_error *error)
{
    const char *fault = movex_name_fault(config->id);
    const char *info = config->info ? config->info : "", *credentials = config->credentials ? config->credentials : "";
    size_t      info_length = strlen(info), credentials_length = strlen(credentials);
    if (fault) return movex_error_set(error, MOVEX_ERR_ARGUMENT, "id: it ", fault, NULL);
    if (info_length > MOVEX_INFO_MAX || !movex_text_is_clean(info, info_length))
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "info: longer than 255 bytes, or not clean UTF-8", NULL);
    if (credentials_length > MOVEX_INFO_MAX || !movex_text_is_clean(credentials, credentials_length))
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "credentials: longer than 255 bytes, or not clean UTF-8",
                               NULL);
    size_t room_length = config->sealed_room ? strlen(config->sealed_room) : 1;
    if (room_length == 0 || room_length > MOVEX_SEALED_ROOM_MAX)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "sealed_room: empty, or longer than 64 bytes", NULL);
    int status = movex_io_check(config->io);
    if (status == MOVEX_ERR_MEMORY)
        return movex_error_set(error, MOVEX_ERR_MEMORY, "io: the emitter could not be made", NULL);
    if (status != MOVEX_OK) return movex_error_set(error, MOVEX_ERR_ARGUMENT, "io: its table is not complete", NULL);
    return MOVEX_OK;
}

static void set_sealing(movex_client *client, const movex_client_config *config)
{
    client->entropy = config->entropy;
    client->user = config->user;
    client->seed = config->seed;
    if (!config->sealed_room) return;
    movex_format format = movex_format_into(client->room, sizeof client->room);
    movex_format_text(&format, config->sealed_room);
    client->sealed_room = client->room;
}

static void set_times(movex_client *client, const movex_client_config *config)
{
    client->reconnect_min_ms = config->reconnect_min_ms ? config->reconnect_min_ms : DEFAULT_RECONNECT_MIN_MS;
    client->reconnect_max_ms = config->reconnect_max_ms ? config->reconnect_max_ms : DEFAULT_RECONNECT_MAX_MS;
    client->handshake_ms = config->handshake_ms ? config->handshake_ms : DEFAULT_HANDSHAKE_MS;
    if (client->reconnect_max_ms < client->reconnect_min_ms) client->reconnect_max_ms = client->reconnect_min_ms;
    client->pause_ms = client->reconnect_min_ms;
    client->jitter = movex_xxh64(client->id, strlen(client->id), 0);
}

movex_client *movex_client_new(const movex_client_config *config)
{
    movex_allocator allocator;
    movex_error    *error = config ? config->error : NULL;
    if (!config) return NULL;
    int status = check_config(config, error);
    if (status == MOVEX_OK && !movex_allocator_resolve(&config->allocator, &allocator))
        status = movex_error_set(error, MOVEX_ERR_ARGUMENT, "allocator: only partly set", NULL);
    movex_client *client = status == MOVEX_OK ? movex_allocate(&allocator, sizeof *client) : NULL;
    if (!client) {
        if (status == MOVEX_OK) movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        movex_io_destroy(config->io);
        return NULL;
    }
    client->allocator = allocator;
    client->source.kind = MOVEX_SOURCE_CLIENT;
    client->limits = movex_limits_resolve(&config->limits);
    client->pending_limit = client->limits.pending;
    client->io = config->io;
    client->determinism = config->determinism;
    while (client->undoable < config->undoable) client->undoable = client->undoable ? client->undoable * 2 : 1;
    client->phase = MOVEX_PHASE_WAITING;
    client->connected_due = true;
    movex_text_set(client->id, config->id);
    movex_text_set(client->info, config->info);
    movex_text_set(client->credentials, config->credentials);
    set_times(client, config);
    set_sealing(client, config);
    return client;
}

static movex_resource *first_resource(const movex_client *client)
{
    movex_node *node = client->resources.first;
    return node ? movex_resource_of_client(node) : NULL;
}

static void say_goodbye(movex_client *client)
{
    movex_writer writer = movex_client_message(client, 0);
    if (!writer.at) return;
    movex_write_numbered(&writer, MOVEX_MESSAGE_GOODBYE, 0);
    movex_client_send(client, &writer);
    movex_channel_flush(&client->channel, &client->allocator);
    client->io.ops->close(client->io.self, client->channel.link);
    client->phase = MOVEX_PHASE_CLOSED;
}

void movex_client_free(movex_client *client)
{
    if (!client) return;
    movex_allocator allocator = client->allocator;
    if (client->phase == MOVEX_PHASE_OPEN && !client->broken) say_goodbye(client);
    movex_client_forget_drained(client);
    while (first_resource(client)) movex_resource_free(first_resource(client));
    for (uint32_t i = 0; i < client->rules_count; i++) movex_rules_free(client->rules[i]);
    movex_release(&allocator, client->rules, client->rules_capacity * sizeof *client->rules);
    movex_release(&allocator, client->payload, client->payload_size);
    movex_map_free(&client->by_number, &allocator);
    movex_map_free(&client->by_name, &allocator);
    movex_channel_free(&client->channel, &allocator);
    movex_buffer_free(&client->scratch, &allocator);
    movex_buffer_free(&client->encoded, &allocator);
    movex_io_destroy(client->io);
    movex_release(&allocator, client, sizeof *client);
}

/* ---- the connection */

/* How long to wait before the next dial: between half and the whole of a pause that doubles. */
static uint32_t next_pause(movex_client *client)
{
    uint32_t pause = client->pause_ms, half = pause / 2;
    uint64_t doubled = (uint64_t)pause * 2;
    client->pause_ms = doubled < client->reconnect_max_ms ? (uint32_t)doubled : client->reconnect_max_ms;
    return half + (uint32_t)(movex_splitmix64(&client->jitter) % (pause - half + 1));
}

static void each_resource(movex_client *client, void (*visit)(movex_resource *))
{
    for (movex_node *node = client->resources.first, *next; node; node = next) {
        next = node->next;
        visit(movex_resource_of_client(node));
    }
}

static void given_up(movex_resource *resource)
{
    movex_pending_expire(resource, true);
    if (resource->binding == MOVEX_BINDING_UNBINDING) movex_resource_gone(resource);
}

/* The link is gone, or was never there. */
static void disconnected(movex_client *client)
{
    bool for_good = client->broken_for_good;
    client->broken = client->broken_for_good = false;
    movex_map_free(&client->by_number, &client->allocator);
    movex_channel_free(&client->channel, &client->allocator);
    client->channel = (movex_channel){0};
    client->paced = false;
    client->phase = for_good ? MOVEX_PHASE_CLOSED : MOVEX_PHASE_WAITING;
    client->dial_ms = client->now_ms + next_pause(client);
    client->connected_due = !for_good;
    client->news_connected = false;
    client->news_disconnected = !for_good;
    client->news_closed = for_good;
    each_resource(client, movex_resource_disconnected);
    if (for_good) each_resource(client, given_up);
    movex_client_announce(client, &client->source);
}

/* Tells the master why, where it is the one at fault, and drops the link. */
static void drop(movex_client *client)
{
    movex_link link = client->channel.link;
    if (client->failure == MOVEX_ERR_PROTOCOL || client->failure == MOVEX_ERR_MALFORMED) {
        movex_error_message message = {client->failure, 0, {client->text, (uint32_t)strlen(client->text)}};
        unsigned char       bytes[MOVEX_MESSAGE_OVERHEAD + MOVEX_ERROR_TEXT_SIZE];
        movex_writer        writer = movex_writer_over(bytes, sizeof bytes);
        movex_write_error(&writer, &message);
        if (movex_channel_append(&client->channel, &client->allocator, bytes, (size_t)(writer.at - bytes)) == MOVEX_OK)
            movex_channel_flush(&client->channel, &client->allocator);
    }
    client->io.ops->close(client->io.self, link);
    disconnected(client);
}

static void dial(movex_client *client)
{
    movex_link link = 0;
    int        status = client->io.ops->open(client->io.self, NULL, &link);
    if (status != MOVEX_OK) {
        movex_client_break(client, !movex_status_is_temporary(status), (movex_status)status, movex_status_text(status));
        disconnected(client);
        return;
    }
    client->phase = MOVEX_PHASE_DIALLING;
    client->give_up_ms = client->now_ms + client->handshake_ms;
    client->channel = (movex_channel){
        .io = client->io,
        .link = link,
        .max_frame = client->io.ops->max_frame,
        .max_message = client->limits.message_bytes,
        .max_queue = client->limits.queue_bytes,
        .stats = &client->stats,
    };
}

static void greet(movex_client *client)
{
    movex_hello_message hello = {
        .protocol = MOVEX_PROTOCOL_VERSION,
        .max_frame = client->io.ops->max_frame,
        .id = {client->id, (uint32_t)strlen(client->id)},
        .info = {client->info, (uint32_t)strlen(client->info)},
        .credentials = {client->credentials, (uint32_t)strlen(client->credentials)},
        .resumes = client->has_token,
    };
    memcpy(hello.token, client->token, MOVEX_TOKEN_SIZE);
    client->phase = MOVEX_PHASE_GREETING;
    client->greeted_ms = client->now_ms;
    movex_writer writer = movex_client_message(client, MOVEX_NAME_SIZE + 2 * MOVEX_INFO_MAX);
    if (!writer.at) return;
    movex_write_hello(&writer, &hello);
    movex_client_send(client, &writer);
}

/* ---- polling */

static void receive(movex_client *client)
{
    movex_io_event event;
    for (uint32_t i = 0; i < EVENTS_PER_POLL && !client->broken; i++) {
        event = (movex_io_event){0};
        if (client->io.ops->recv(client->io.self, &event) != MOVEX_OK) return;
        bool ours = client->phase != MOVEX_PHASE_WAITING && client->phase != MOVEX_PHASE_CLOSED &&
                    event.link == client->channel.link;
        if (!ours) continue;
        switch (event.kind) {
        case MOVEX_IO_OPENED:
            if (client->phase == MOVEX_PHASE_DIALLING) greet(client);
            break;
        case MOVEX_IO_MESSAGE: movex_client_receive(client, event.data, event.length); break;
        case MOVEX_IO_CLOSED:
            movex_client_break(client, false, MOVEX_ERR_CLOSED,
                               event.text ? event.text : movex_status_text(MOVEX_ERR_CLOSED));
            disconnected(client);
            return;
        }
    }
}

static bool is_settled(const movex_client *client)
{
    for (movex_node *node = client->resources.first; node; node = node->next) {
        const movex_resource *resource = movex_resource_of_client(node);
        if (resource->binding == MOVEX_BINDING_ASKED || resource->binding == MOVEX_BINDING_RECEIVING) return false;
    }
    return true;
}

static void bring_up_to_date(movex_client *client)
{
    while (client->stale.first) {
        movex_node     *node = client->stale.first;
        movex_resource *resource = movex_resource_of_stale(node);
        if (movex_replica_rebase(resource)) continue;
        movex_replica_touch(resource); /* without memory the confirmed state is shown; tried again at the next poll */
        return;
    }
}

/* Sends what had to wait for room in the queue. */
static void go_on(movex_client *client)
{
    client->paced = false;
    for (movex_node *node = client->resources.first, *next; node; node = next) {
        movex_resource *resource = movex_resource_of_client(node);
        next = node->next;
        if (resource->binding == MOVEX_BINDING_LIVE) movex_resource_send_pending(resource);
    }
}

int movex_client_poll(movex_client *client, uint64_t now_ms)
{
    if (!client) return MOVEX_ERR_ARGUMENT;
    if (client->drained_peer) movex_client_forget_drained(client);
    if (client->gone) movex_resource_collect(client);
    if (client->phase == MOVEX_PHASE_CLOSED) return client->failure;
    if (now_ms > client->now_ms) client->now_ms = now_ms;
    if (client->phase == MOVEX_PHASE_WAITING && client->now_ms >= client->dial_ms) dial(client);
    receive(client);
    bool opening = client->phase == MOVEX_PHASE_DIALLING || client->phase == MOVEX_PHASE_GREETING;
    if (opening && client->now_ms >= client->give_up_ms)
        movex_client_break(client, false, MOVEX_ERR_TIMEOUT, movex_status_text(MOVEX_ERR_TIMEOUT));
    bring_up_to_date(client);
    if (client->connected_due && client->phase == MOVEX_PHASE_OPEN && !client->broken && is_settled(client)) {
        client->connected_due = false;
        client->news_connected = true;
        client->pause_ms = client->reconnect_min_ms;
        movex_client_announce(client, &client->source);
    }
    if (client->broken || movex_channel_queued(&client->channel)) movex_client_flush(client);
    if (client->paced && client->phase == MOVEX_PHASE_OPEN) go_on(client);
    return client->phase == MOVEX_PHASE_CLOSED ? (int)client->failure : MOVEX_OK;
}

void movex_client_flush(movex_client *client)
{
    if (!client || client->phase == MOVEX_PHASE_WAITING || client->phase == MOVEX_PHASE_CLOSED) return;
    if (!client->broken && client->phase != MOVEX_PHASE_DIALLING) {
        int status = MOVEX_OK;
        if (movex_channel_queued(&client->channel)) status = movex_channel_flush(&client->channel, &client->allocator);
        if (status != MOVEX_OK) movex_client_break(client, false, (movex_status)status, movex_status_text(status));
    }
    if (client->broken) drop(client);
}

void movex_client_wait(movex_client *client, uint32_t timeout_ms)
{
    if (!client || !client->io.ops->wait) return;
    movex_client_flush(client);
    uint64_t deadline = movex_client_deadline(client);
    uint64_t left = deadline > client->now_ms ? deadline - client->now_ms : 0;
    client->io.ops->wait(client->io.self, left < timeout_ms ? (uint32_t)left : timeout_ms);
}

uint64_t movex_client_deadline(const movex_client *client)
{
    if (!client) return UINT64_MAX;
    switch (client->phase) {
    case MOVEX_PHASE_WAITING: return client->dial_ms;
    case MOVEX_PHASE_DIALLING:
    case MOVEX_PHASE_GREETING: return client->give_up_ms;
    case MOVEX_PHASE_OPEN:
    case MOVEX_PHASE_CLOSED: break;
    }
    return UINT64_MAX;
}

/* ---- reading */

const char *movex_client_id(const movex_client *client)
{
    return client ? client->id : NULL;
}

movex_connection movex_client_connection(const movex_client *client)
{
    if (!client || client->phase == MOVEX_PHASE_CLOSED) return MOVEX_CONNECTION_CLOSED;
    return client->phase == MOVEX_PHASE_OPEN ? MOVEX_CONNECTION_OPEN : MOVEX_CONNECTION_DIALLING;
}

movex_stats movex_client_stats(const movex_client *client)
{
    if (!client) return (movex_stats){0};
    movex_stats stats = client->stats;
    for (movex_node *node = client->resources.first; node; node = node->next) {
        const movex_resource *resource = movex_resource_of_client(node);
        stats.bytes_hashed += resource->confirmed.hashes.bytes_hashed;
    }
    stats.links = client->phase == MOVEX_PHASE_OPEN;
    stats.resources = client->resource_count;
    stats.queued_bytes = movex_channel_queued(&client->channel);
    return stats;
}

const movex_error *movex_client_error(const movex_client *client)
{
    static const movex_error none = {.status = MOVEX_ERR_ARGUMENT, .text = "the client is NULL"};
    return client ? &client->error : &none;
}
