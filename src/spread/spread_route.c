/* What comes from a client, and to which masters it goes. Only what says where a message goes is read here; all else is checked by
   the master that gets it. What makes no sense goes to the client's home, which says so and closes. */
#include "spread_internal.h"

#include <string.h>

enum {
    EVERYBODY = MOVEX_SPREAD_MAX,
    LONGEST_BEGINNING = 1024, /* bytes of a message in which stands where it goes */
    CHUNK_HEADER = 2 + MOVEX_MAX_NUMBER,
    HELLO_OVERHEAD = 64, /* bytes of a HELLO besides its texts, at most */
};

/* One frame on its way: messages that go to the same master stay together. */
typedef struct router {
    movex_spread_service    *service;
    movex_spread_connection *connection;
    movex_reader             reader;
    const unsigned char     *run; /* where the messages begin that wait to be handed on */
    uint32_t                 run_to;
    bool                     waits; /* for an answer, before the next message can be taken */
    bool                     failed;
} router;

static uint32_t home_of(const movex_spread_connection *connection)
{
    return connection->home == MOVEX_SPREAD_NOBODY ? 0 : connection->home;
}

static void hand(router *r, uint32_t to, const void *bytes, size_t length)
{
    uint32_t first = to == EVERYBODY ? 0 : to, end = to == EVERYBODY ? r->service->spread->config.masters : to + 1;
    for (uint32_t i = first; i < end && !r->failed && length > 0; i++)
        r->failed = !movex_spread_to_master(r->service, r->connection, i, bytes, length);
}

/* Hands on what waits up to `end`; what comes next begins there. */
static void end_run(router *r, const unsigned char *end)
{
    if (r->run_to != MOVEX_SPREAD_NOBODY) hand(r, r->run_to, r->run, (size_t)(end - r->run));
    r->run = end;
    r->run_to = MOVEX_SPREAD_NOBODY;
}

static void hand_rest(router *r, const unsigned char *start, uint32_t to)
{
    end_run(r, start);
    hand(r, to, start, (size_t)(r->reader.end - start));
    r->reader.at = r->reader.end;
    r->run = r->reader.end;
}

static uint32_t master_of(const router *r, uint64_t number)
{
    return (uint32_t)(number % r->service->spread->config.masters);
}

/* Reads a message and says where it goes; the reader has failed if it is none. */
static uint32_t target_of(const router *r, movex_reader *reader)
{
    movex_bind_message             bind;
    movex_dispatch_message         dispatch;
    movex_dispatch_private_message pair;
    movex_dispatch_sealed_message  sealed;
    movex_open_message             open;
    uint32_t                       number = 0, masters = r->service->spread->config.masters;
    switch (movex_read_u8(reader)) {
    case MOVEX_MESSAGE_BIND:
        if (!movex_read_bind(reader, &bind)) break;
        return movex_spread_hash(masters, bind.type.bytes, bind.type.length, bind.id.bytes, bind.id.length);
    case MOVEX_MESSAGE_UNBIND:
    case MOVEX_MESSAGE_RESYNC:
        if (movex_read_numbered(reader, &number)) return master_of(r, number);
        break;
    case MOVEX_MESSAGE_DISPATCH:
        if (movex_read_dispatch(reader, &dispatch)) return master_of(r, dispatch.number);
        break;
    case MOVEX_MESSAGE_DISPATCH_PRIVATE:
        if (movex_read_dispatch_private(reader, &pair)) return master_of(r, pair.hidden.number);
        break;
    case MOVEX_MESSAGE_DISPATCH_SEALED:
        if (movex_read_dispatch_sealed(reader, &sealed)) return master_of(r, sealed.shown.number);
        break;
    case MOVEX_MESSAGE_OPEN:
        if (movex_read_open(reader, &open)) return master_of(r, open.number);
        break;
    case MOVEX_MESSAGE_FORGET:
    case MOVEX_MESSAGE_GOODBYE: return EVERYBODY;
    default: break;
    }
    reader->failed = true;
    return home_of(r->connection);
}

/* The same of a message of which the beginning alone is there: only dispatches and openings are that long. */
static uint32_t target_of_beginning(const router *r, const movex_buffer *bytes)
{
    movex_reader reader = movex_reader_over(bytes->bytes, bytes->length);
    uint8_t      kind = movex_read_u8(&reader);
    uint64_t     number = movex_read_number(&reader);
    bool         is_long = kind == MOVEX_MESSAGE_DISPATCH || kind == MOVEX_MESSAGE_DISPATCH_PRIVATE ||
                   kind == MOVEX_MESSAGE_DISPATCH_SEALED || kind == MOVEX_MESSAGE_OPEN;
    return is_long && !reader.failed ? master_of(r, number) : home_of(r->connection);
}

static bool keep(router *r, movex_buffer *buffer, const void *bytes, size_t length)
{
    if (buffer->length + length > r->service->spread->config.queue_bytes ||
        !movex_buffer_reserve(buffer, &r->service->spread->config.allocator, length)) {
        r->failed = true;
        return false;
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    return true;
}

/* A HELLO chooses the home; the others hear of the client once its home has let it in. */
static void take_hello(router *r, const unsigned char *start, size_t length)
{
    movex_reader        reader = movex_reader_over(start, length);
    movex_hello_message hello;
    movex_read_u8(&reader);
    if (!movex_read_hello(&reader, &hello) || hello.protocol != MOVEX_PROTOCOL_VERSION) {
        hand(r, 0, start, length);
        return;
    }
    r->connection->home =
        movex_spread_hash(r->service->spread->config.masters, NULL, 0, hello.id.bytes, hello.id.length);
    if (keep(r, &r->connection->hello, start, length - movex_reader_left(&reader)))
        hand(r, r->connection->home, start, length - movex_reader_left(&reader));
}

/* ---- chunks */

static void hand_parts(router *r, uint32_t to, bool last)
{
    movex_buffer *parts = &r->connection->parts;
    size_t        most = r->service->spread->config.max_frame - CHUNK_HEADER, length;
    for (size_t at = 0; at < parts->length && !r->failed; at += length) {
        unsigned char bytes[CHUNK_HEADER];
        movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
        movex_buffer  frame = {0};
        length = parts->length - at < most ? parts->length - at : most;
        movex_write_u8(&writer, MOVEX_MESSAGE_CHUNK);
        movex_write_u8(&writer, last && at + length == parts->length);
        movex_write_number(&writer, length);
        if (keep(r, &frame, bytes, (size_t)(writer.at - bytes)) && keep(r, &frame, parts->bytes + at, length))
            hand(r, to, frame.bytes, frame.length);
        movex_buffer_free(&frame, &r->service->spread->config.allocator);
    }
    movex_buffer_free(parts, &r->service->spread->config.allocator);
}

/* The message is whole, or as much of it is there as is needed. */
static void begin_chunks(router *r, bool last)
{
    movex_spread_connection *connection = r->connection;
    movex_reader             reader = movex_reader_over(connection->parts.bytes, connection->parts.length);
    if (last && connection->parts.bytes[0] == MOVEX_MESSAGE_HELLO && connection->home == MOVEX_SPREAD_NOBODY) {
        take_hello(r, connection->parts.bytes, connection->parts.length);
        movex_buffer_free(&connection->parts, &r->service->spread->config.allocator);
        return;
    }
    uint32_t to = last ? target_of(r, &reader) : target_of_beginning(r, &connection->parts);
    hand_parts(r, to, last);
    if (!last) connection->chunked = to;
}

static void take_chunk(router *r)
{
    movex_spread_connection *connection = r->connection;
    const unsigned char     *start = r->reader.at;
    movex_chunk_message      chunk;
    bool                     begun = connection->chunked != MOVEX_SPREAD_NOBODY;
    uint32_t                 to = begun ? connection->chunked : home_of(connection);
    end_run(r, start);
    bool is_chunk = movex_read_u8(&r->reader) == MOVEX_MESSAGE_CHUNK && movex_read_chunk(&r->reader, &chunk);
    if (!is_chunk) { /* in the middle of another message: whoever gets both says so */
        if (connection->parts.length) hand_parts(r, to, false);
        hand_rest(r, start, to);
        return;
    }
    if (begun) {
        hand(r, to, start, (size_t)(r->reader.at - start));
        if (chunk.last) connection->chunked = MOVEX_SPREAD_NOBODY;
    } else if (keep(r, &connection->parts, chunk.part.bytes, chunk.part.length) &&
               (chunk.last || connection->parts.length >= LONGEST_BEGINNING)) {
        begin_chunks(r, chunk.last);
    }
    r->run = r->reader.at;
}

/* ---- all together */

static bool waits_for_welcome(const movex_spread_connection *connection)
{
    return connection->home != MOVEX_SPREAD_NOBODY && !(connection->welcomed >> connection->home & 1);
}

/* BINDs are answered in their order, whoever answers: one for another master waits, and all that comes after it. */
static bool may_bind(movex_spread_connection *connection, uint32_t to)
{
    if (connection->binds && connection->binds_at != to) return false;
    connection->binds_at = to;
    connection->binds++;
    return true;
}

static void take_message(router *r)
{
    movex_spread_connection *connection = r->connection;
    const unsigned char     *start = r->reader.at;
    if (*start == MOVEX_MESSAGE_CHUNK || connection->parts.length || connection->chunked != MOVEX_SPREAD_NOBODY) {
        take_chunk(r);
        return;
    }
    if (*start == MOVEX_MESSAGE_HELLO && connection->home == MOVEX_SPREAD_NOBODY) {
        movex_hello_message hello;
        end_run(r, start);
        movex_read_u8(&r->reader);
        if (!movex_read_hello(&r->reader, &hello)) r->reader.at = r->reader.end;
        take_hello(r, start, (size_t)(r->reader.at - start));
        r->run = r->reader.at;
        return;
    }
    uint32_t to = target_of(r, &r->reader);
    if (r->reader.failed) {
        hand_rest(r, start, to);
        return;
    }
    if (*start == MOVEX_MESSAGE_BIND && !may_bind(connection, to)) {
        r->reader.at = start;
        r->waits = true;
        return;
    }
    if (to == r->run_to) return;
    end_run(r, start);
    r->run_to = to;
}

/* To its home a client is one that may come back once something has followed HELLO, wherever that goes. RESYNC for what is not bound
   is ignored (docs/wire.md, section 6), and no resource has the number 0. */
static void tell_home(router *r)
{
    static const unsigned char resync[] = {MOVEX_MESSAGE_RESYNC, 0};
    if (r->connection->heard || !(r->connection->welcomed & (uint64_t)1 << r->connection->home)) return;
    r->connection->heard = true;
    hand(r, r->connection->home, resync, sizeof resync);
}

bool movex_spread_route(movex_spread_service *service, movex_spread_connection *connection, const void *frame,
                        size_t length)
{
    router r = {.service = service,
                .connection = connection,
                .reader = movex_reader_over(frame, length),
                .run = frame,
                .run_to = MOVEX_SPREAD_NOBODY};
    r.waits = connection->held.length > 0;
    if (connection->home != MOVEX_SPREAD_NOBODY) tell_home(&r);
    while (movex_reader_left(&r.reader) && !r.failed && !r.waits && !waits_for_welcome(connection)) take_message(&r);
    end_run(&r, r.reader.at);
    if (movex_reader_left(&r.reader) && !r.failed)
        keep(&r, &connection->held, r.reader.at, movex_reader_left(&r.reader));
    return !r.failed;
}

/* Takes what was held; some of it may be held again. */
static bool go_on(movex_spread_service *service, movex_spread_connection *connection)
{
    movex_buffer held = connection->held;
    connection->held = (movex_buffer){0};
    bool done = held.length == 0 || movex_spread_route(service, connection, held.bytes, held.length);
    movex_buffer_free(&held, &service->spread->config.allocator);
    return done;
}

/* Passes over a message of a master. False if it is none that may come in a frame with others. */
static bool pass_over(movex_reader *reader, uint8_t kind)
{
    union {
        movex_bound_message        bound;
        movex_bind_refused_message refused;
        movex_unbound_message      unbound;
        movex_snapshot_message     snapshot;
        movex_outcome_message      outcome;
        movex_overturned_message   overturned;
        movex_subscriber_message   subscriber;
        movex_entry_message        entry;
        movex_chunk_message        chunk;
        movex_sealed_message       sealed;
        movex_sealed_entry_message sealed_entry;
        movex_sealed_step_message  step;
    } message;
    switch (kind) {
    case MOVEX_MESSAGE_BOUND: return movex_read_bound(reader, &message.bound);
    case MOVEX_MESSAGE_BIND_REFUSED: return movex_read_bind_refused(reader, &message.refused);
    case MOVEX_MESSAGE_UNBOUND: return movex_read_unbound(reader, &message.unbound);
    case MOVEX_MESSAGE_SNAPSHOT: return movex_read_snapshot(reader, &message.snapshot);
    case MOVEX_MESSAGE_OUTCOME: return movex_read_outcome(reader, &message.outcome);
    case MOVEX_MESSAGE_OVERTURNED: return movex_read_overturned(reader, &message.overturned);
    case MOVEX_MESSAGE_SUBSCRIBER: return movex_read_subscriber(reader, &message.subscriber);
    case MOVEX_MESSAGE_CHUNK: return movex_read_chunk(reader, &message.chunk);
    case MOVEX_MESSAGE_SEALED: return movex_read_sealed(reader, &message.sealed);
    case MOVEX_MESSAGE_SEALED_ENTRY: return movex_read_sealed_entry(reader, &message.sealed_entry);
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE: return movex_read_sealed_step(reader, (movex_message_kind)kind, &message.step);
    default:
        return kind >= MOVEX_MESSAGE_ENTRY && kind <= (MOVEX_MESSAGE_ENTRY | MOVEX_ENTRY_FLAGS) &&
               movex_read_entry(reader, kind - MOVEX_MESSAGE_ENTRY, &message.entry);
    }
}

bool movex_spread_answered(movex_spread_service *service, movex_spread_connection *connection, uint32_t shard,
                           const unsigned char *frame, size_t length)
{
    movex_reader reader = movex_reader_over(frame, length);
    if (shard != connection->binds_at) return true;
    while (connection->binds && movex_reader_left(&reader)) {
        uint8_t kind = movex_read_u8(&reader);
        if (!pass_over(&reader, kind)) break;
        if (kind == MOVEX_MESSAGE_BOUND || kind == MOVEX_MESSAGE_BIND_REFUSED) connection->binds--;
    }
    return connection->binds || go_on(service, connection);
}

/* The others get the same HELLO, under the token of the home, under which each has the client's session or makes one. */
static bool introduce(movex_spread_service *service, movex_spread_connection *connection, const unsigned char *token)
{
    movex_spread       *spread = service->spread;
    movex_reader        reader = movex_reader_over(connection->hello.bytes, connection->hello.length);
    movex_hello_message hello;
    movex_buffer        again = {0};
    movex_read_u8(&reader);
    if (!movex_read_hello(&reader, &hello) ||
        !movex_buffer_reserve(&again, &spread->config.allocator, connection->hello.length + HELLO_OVERHEAD))
        return false;
    hello.resumes = true;
    memcpy(hello.token, token, MOVEX_TOKEN_SIZE);
    movex_writer writer = movex_writer_over(again.bytes, again.capacity);
    movex_write_hello(&writer, &hello);
    bool done = true;
    for (uint32_t i = 0; done && i < spread->config.masters; i++)
        if (i != connection->home)
            done = movex_spread_to_master(service, connection, i, again.bytes, (size_t)(writer.at - again.bytes));
    movex_buffer_free(&again, &spread->config.allocator);
    return done;
}

bool movex_spread_welcome(movex_spread_service *service, movex_spread_connection *connection, uint32_t shard,
                          const unsigned char **frame, size_t *length)
{
    movex_reader          reader = movex_reader_over(*frame, *length);
    movex_welcome_message welcome;
    if (movex_read_u8(&reader) != MOVEX_MESSAGE_WELCOME || !movex_read_welcome(&reader, &welcome)) return true;
    connection->welcomed |= (uint64_t)1 << shard;
    if (shard != connection->home) { /* the client has been welcomed already */
        *frame = reader.at;
        *length = movex_reader_left(&reader);
        return true;
    }
    bool done = introduce(service, connection, welcome.token) && go_on(service, connection);
    movex_buffer_free(&connection->hello, &service->spread->config.allocator);
    return done;
}
