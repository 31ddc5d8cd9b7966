/* A service: its connections, and what comes for them from masters. */
#include "../core/io.h"
#include "spread_internal.h"

#include <string.h>

enum { EVENTS_PER_TURN = 1024, CROWDED_PAUSE_MS = 1 };

static uint64_t bit(uint32_t shard)
{
    return (uint64_t)1 << shard;
}

static const movex_allocator *allocator_of(const movex_spread_service *service)
{
    return &service->spread->config.allocator;
}

static size_t connection_size(const movex_spread_service *service)
{
    return sizeof(movex_spread_connection) + service->spread->config.masters * sizeof(uint32_t);
}

/* ---- to masters */

bool movex_spread_to_master(movex_spread_service *service, const movex_spread_connection *connection, uint32_t shard,
                            const void *frame, size_t length)
{
    movex_spread_record record = {.kind = MOVEX_SPREAD_FRAME,
                                  .from = service->index,
                                  .connection = connection->index,
                                  .length = (uint32_t)length};
    size_t              held = 0;
    if (connection->forgotten & bit(shard)) return true; /* it has closed the connection; CLOSED has come, or will */
    bool put = movex_spread_queue_put(&service->spread->shards[shard].inbox, &record, frame, NULL, &held);
    if (held > service->spread->config.inbox_bytes) service->crowded = true;
    return put;
}

/* What a master need not count any more. If there is no memory for it, it is told with the next. */
static void tell_taken(movex_spread_service *service, movex_spread_connection *connection, uint32_t shard,
                       size_t length)
{
    movex_spread_record record = {.kind = MOVEX_SPREAD_TAKEN, .from = service->index, .connection = connection->index};
    connection->sent[shard] += (uint32_t)length;
    if (connection->sent[shard] < service->spread->config.queue_bytes / 4 || connection->forgotten & bit(shard)) return;
    record.length = connection->sent[shard];
    if (movex_spread_queue_put(&service->spread->shards[shard].inbox, &record, NULL, NULL, NULL))
        connection->sent[shard] = 0;
}

/* ---- connections */

/* Takes back what was promised by so many masters, and all that they were. */
static void forgive_ends(movex_spread_service *service, uint32_t masters)
{
    for (uint32_t i = 0; i < masters; i++) movex_spread_queue_forgive(&service->spread->shards[i].inbox, 1);
    movex_spread_queue_forgive(&service->inbox, service->spread->config.masters);
}

static bool promise_ends(movex_spread_service *service)
{
    movex_spread *spread = service->spread;
    uint32_t      masters = spread->config.masters, promised = 0;
    if (!movex_spread_queue_promise(&service->inbox, masters)) return false;
    while (promised < masters && movex_spread_queue_promise(&spread->shards[promised].inbox, 1)) promised++;
    if (promised == masters) return true;
    forgive_ends(service, promised);
    return false;
}

static movex_spread_connection *connection_new(movex_spread_service *service, movex_link outer)
{
    uint32_t index = service->first_free;
    while (index < service->connection_capacity && service->connections[index]) index++;
    if (!movex_grow(allocator_of(service), &service->connections, &service->connection_capacity,
                    sizeof(movex_spread_connection *), index + 1, 64))
        return NULL;
    movex_spread_connection *connection = movex_allocate(allocator_of(service), connection_size(service));
    if (!connection) return NULL;
    connection->index = index;
    connection->outer = outer;
    connection->home = connection->torn = connection->chunked = MOVEX_SPREAD_NOBODY;
    if (!movex_map_put(&service->by_outer, allocator_of(service), outer, connection)) {
        movex_release(allocator_of(service), connection, connection_size(service));
        return NULL;
    }
    service->connections[index] = connection;
    service->first_free = index + 1;
    return connection;
}

static void connection_free(movex_spread_service *service, movex_spread_connection *connection)
{
    const movex_allocator *allocator = allocator_of(service);
    movex_list_remove(&connection->backlogged);
    movex_buffer_free(&connection->hello, allocator);
    movex_buffer_free(&connection->held, allocator);
    movex_buffer_free(&connection->parts, allocator);
    movex_buffer_free(&connection->backlog, allocator);
    if (connection->outer) movex_map_remove(&service->by_outer, connection->outer, connection);
    service->connections[connection->index] = NULL;
    if (connection->index < service->first_free) service->first_free = connection->index;
    movex_release(allocator, connection, connection_size(service));
}

/* Its number may be used again once all masters have forgotten it. */
static void free_if_forgotten(movex_spread_service *service, movex_spread_connection *connection)
{
    uint64_t all = bit(service->spread->config.masters - 1) * 2 - 1; /* the shift of 64 that there may be is none */
    if (!connection->outer && connection->forgotten == all) connection_free(service, connection);
}

/* `text` says why, if there is memory for that; NULL: nobody needs to know. */
static void tell_masters(movex_spread_service *service, movex_spread_connection *connection, const char *text)
{
    movex_spread *spread = service->spread;
    for (uint32_t i = 0; i < spread->config.masters; i++) {
        movex_spread_record record = {
            .kind = MOVEX_SPREAD_CLOSED, .from = service->index, .connection = connection->index};
        if ((connection->told | connection->forgotten) & bit(i)) continue;
        connection->told |= bit(i);
        record.length = text ? (uint32_t)strlen(text) + 1 : 0;
        if (text && movex_spread_queue_put(&spread->shards[i].inbox, &record, text, NULL, NULL)) {
            movex_spread_queue_forgive(&spread->shards[i].inbox, 1);
            continue;
        }
        record.length = 0;
        movex_spread_queue_keep_promise(&spread->shards[i].inbox, &record, NULL);
    }
}

/* ---- to clients */

static bool may_be_sent(const movex_spread_connection *connection, uint32_t shard)
{
    return connection->torn == MOVEX_SPREAD_NOBODY || connection->torn == shard;
}

/* MOVEX_OK: it is sent, or the connection is lost and its loss will be reported. */
static int send_frame(movex_spread_service *service, movex_spread_connection *connection, uint32_t shard,
                      const unsigned char *frame, size_t length)
{
    if (!may_be_sent(connection, shard)) return MOVEX_ERR_AGAIN;
    int status = service->io.ops->send(service->io.self, connection->outer, frame, length);
    if (status == MOVEX_ERR_AGAIN) return status;
    bool part = length > 1 && frame[0] == MOVEX_MESSAGE_CHUNK && frame[1] == 0;
    connection->torn = part ? shard : MOVEX_SPREAD_NOBODY;
    tell_taken(service, connection, shard, length);
    return MOVEX_OK;
}

static bool add_to_backlog(movex_spread_service *service, movex_spread_connection *connection, uint32_t shard,
                           const unsigned char *frame, size_t length)
{
    const uint32_t header[2] = {shard, (uint32_t)length};
    movex_buffer  *backlog = &connection->backlog;
    if (!movex_buffer_reserve(backlog, allocator_of(service), sizeof header + length)) return false;
    memcpy(backlog->bytes + backlog->length, header, sizeof header);
    memcpy(backlog->bytes + backlog->length + sizeof header, frame, length);
    backlog->length += sizeof header + length;
    if (!connection->backlogged.list) movex_list_append(&service->backlogged, &connection->backlogged);
    return true;
}

/* Sends what it can, each master's frames in their order; what is left moves to the front. True if that was anything. */
static bool send_backlog_once(movex_spread_service *service, movex_spread_connection *connection)
{
    movex_buffer *backlog = &connection->backlog;
    uint64_t      waiting = 0; /* masters of which something is left */
    size_t        kept = 0, length;
    for (size_t at = 0; at < backlog->length; at += length) {
        uint32_t header[2];
        memcpy(header, backlog->bytes + at, sizeof header);
        length = sizeof header + header[1];
        if (!(waiting & bit(header[0])) &&
            send_frame(service, connection, header[0], backlog->bytes + at + sizeof header, header[1]) == MOVEX_OK)
            continue;
        waiting |= bit(header[0]);
        memmove(backlog->bytes + kept, backlog->bytes + at, length);
        kept += length;
    }
    bool any = kept < backlog->length;
    backlog->length = kept;
    return any;
}

static void send_backlog(movex_spread_service *service, movex_spread_connection *connection)
{
    /* Once the last part of a message has gone, what others had to say before it may go. */
    while (connection->backlog.length && send_backlog_once(service, connection)) continue;
    if (connection->backlog.length) return;
    movex_buffer_free(&connection->backlog, allocator_of(service));
    movex_list_remove(&connection->backlogged);
}

/* Ends a connection, and has all masters know it; `text` as above. */
static void end_connection(movex_spread_service *service, movex_spread_connection *connection, const char *text)
{
    if (connection->outer) {
        send_backlog(service, connection);
        service->io.ops->close(service->io.self, connection->outer);
        movex_map_remove(&service->by_outer, connection->outer, connection);
        connection->outer = 0;
    }
    movex_buffer_free(&connection->backlog, allocator_of(service));
    movex_list_remove(&connection->backlogged);
    tell_masters(service, connection, text);
    free_if_forgotten(service, connection);
}

static void deliver(movex_spread_service *service, movex_spread_connection *connection, uint32_t shard,
                    const unsigned char *frame, size_t length)
{
    if (!connection->outer) return;
    size_t whole = length;
    bool done = connection->welcomed & bit(shard) || movex_spread_welcome(service, connection, shard, &frame, &length);
    if (done && whole > length) tell_taken(service, connection, shard, whole - length);
    if (done && length > 0 &&
        (connection->backlog.length || send_frame(service, connection, shard, frame, length) != MOVEX_OK))
        done = add_to_backlog(service, connection, shard, frame, length);
    done = done && (!connection->binds || movex_spread_answered(service, connection, shard, frame, length));
    if (!done) end_connection(service, connection, NULL);
}

static void take_from_master(movex_spread_service *service, const movex_spread_record *record,
                             const unsigned char *bytes)
{
    movex_spread_connection *connection = service->connections[record->connection];
    uint64_t                 from = bit(record->from);
    if (record->kind == MOVEX_SPREAD_FRAME) {
        deliver(service, connection, record->from, bytes, record->length);
        return;
    }
    connection->forgotten |= from;
    if (!(connection->told & from)) movex_spread_queue_forgive(&service->spread->shards[record->from].inbox, 1);
    if (connection->outer)
        end_connection(service, connection, NULL);
    else
        free_if_forgotten(service, connection);
}

/* ---- from clients */

static void open_connection(movex_spread_service *service, const movex_io_event *event)
{
    movex_spread            *spread = service->spread;
    const char              *text = event->text ? event->text : "";
    bool                     promised = promise_ends(service);
    movex_spread_connection *connection = promised ? connection_new(service, event->link) : NULL;
    if (!connection) {
        if (promised) forgive_ends(service, spread->config.masters);
        service->io.ops->close(service->io.self, event->link);
        return;
    }
    movex_spread_record record = {.kind = MOVEX_SPREAD_OPENED,
                                  .from = service->index,
                                  .connection = connection->index,
                                  .length = (uint32_t)strlen(text) + 1};
    for (uint32_t i = 0; i < spread->config.masters; i++) {
        if (movex_spread_queue_put(&spread->shards[i].inbox, &record, text, NULL, NULL)) continue;
        connection->forgotten |= bit(i); /* it has never heard of it, and will not speak of it */
        movex_spread_queue_forgive(&spread->shards[i].inbox, 1);
        movex_spread_queue_forgive(&service->inbox, 1);
    }
    if (connection->forgotten) end_connection(service, connection, NULL);
}

static void take_from_client(movex_spread_service *service, const movex_io_event *event)
{
    movex_spread_connection *connection = movex_map_get(&service->by_outer, event->link, NULL, NULL);
    if (event->kind == MOVEX_IO_OPENED) {
        open_connection(service, event);
    } else if (connection && event->kind == MOVEX_IO_MESSAGE) {
        if (!movex_spread_route(service, connection, event->data, event->length))
            end_connection(service, connection, NULL);
    } else if (connection) {
        movex_map_remove(&service->by_outer, connection->outer, connection);
        connection->outer = 0;
        end_connection(service, connection, event->text);
    }
}

/* ---- the turn */

/* True once there is room again in all inboxes. */
static bool has_room(const movex_spread_service *service)
{
    movex_spread *spread = service->spread;
    for (uint32_t i = 0; i < spread->config.masters; i++)
        if (movex_spread_queue_held(&spread->shards[i].inbox) > spread->config.inbox_bytes / 2) return false;
    return true;
}

void movex_spread_serve(movex_spread *spread, uint32_t index, uint32_t timeout_ms)
{
    movex_spread_service *service = &spread->services[index];
    movex_spread_record   record;
    const unsigned char  *bytes;
    movex_io_event        event;
    uint32_t              events = 0;
    while (movex_spread_queue_take(&service->inbox, &service->taken))
        for (size_t at = 0; movex_spread_next(&service->taken, &at, &record, &bytes);)
            take_from_master(service, &record, bytes);
    for (movex_node *node = service->backlogged.first, *next; node; node = next) {
        next = node->next;
        send_backlog(service, (movex_spread_connection *)(void *)node);
    }
    if (service->crowded && has_room(service)) service->crowded = false;
    for (; !service->crowded && events < EVENTS_PER_TURN; events++) {
        event = (movex_io_event){0};
        if (service->io.ops->recv(service->io.self, &event) != MOVEX_OK) break;
        take_from_client(service, &event);
    }
    if (events == EVENTS_PER_TURN) return;
    if (service->crowded && timeout_ms > CROWDED_PAUSE_MS) timeout_ms = CROWDED_PAUSE_MS;
    if (service->io.ops->wait) service->io.ops->wait(service->io.self, timeout_ms);
}

void movex_spread_wake(movex_spread *spread, uint32_t index)
{
    movex_io io = spread->services[index].io;
    if (io.self && io.ops->wake) io.ops->wake(io.self);
}

int movex_spread_attach(movex_spread *spread, uint32_t index, movex_io io)
{
    movex_spread_service *service = &spread->services[index];
    int                   status = movex_io_check(io);
    if (status == MOVEX_OK && service->io.self) status = MOVEX_ERR_EXISTS;
    bool fits = status == MOVEX_OK && io.ops->max_frame >= spread->config.max_frame;
    if (status == MOVEX_OK && !fits) status = MOVEX_ERR_ARGUMENT;
    if (status == MOVEX_OK && io.ops->listen) status = io.ops->listen(io.self);
    if (status == MOVEX_OK)
        service->io = io;
    else
        movex_io_destroy(io);
    return status;
}

bool movex_spread_service_init(movex_spread_service *service, movex_spread *spread, uint32_t index)
{
    *service = (movex_spread_service){.index = index};
    if (!movex_spread_queue_init(&service->inbox, &spread->config.allocator)) return false;
    service->spread = spread;
    return true;
}

void movex_spread_service_end(movex_spread_service *service)
{
    const movex_allocator *allocator = allocator_of(service);
    movex_io_destroy(service->io);
    for (uint32_t i = 0; i < service->connection_capacity; i++)
        if (service->connections[i]) connection_free(service, service->connections[i]);
    movex_release(allocator, service->connections, service->connection_capacity * sizeof *service->connections);
    movex_map_free(&service->by_outer, allocator);
    movex_buffer_free(&service->taken, allocator);
    movex_spread_queue_end(&service->inbox);
}
