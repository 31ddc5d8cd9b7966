#include "wire.h"

#include "name.h"

#include <limits.h>

/* The smallest and the largest reason that can be sent: negative ones are the library's, positive ones the game's. */
enum { LEAST_REASON = -64 };

static void write_text(movex_writer *writer, movex_wire_text text)
{
    movex_write_number(writer, text.length);
    movex_write_bytes(writer, text.bytes, text.length);
}

static void write_blob(movex_writer *writer, movex_wire_bytes blob)
{
    movex_write_number(writer, blob.length);
    movex_write_bytes(writer, blob.bytes, blob.length);
}

static movex_wire_bytes read_blob(movex_reader *reader)
{
    size_t      length = (size_t)movex_read_number_to(reader, SIZE_MAX);
    const void *bytes = movex_read_bytes(reader, length);
    return (movex_wire_bytes){.bytes = bytes, .length = bytes ? length : 0};
}

static movex_wire_text read_text(movex_reader *reader, uint32_t most)
{
    uint32_t             length = (uint32_t)movex_read_number_to(reader, most);
    const unsigned char *bytes = movex_read_bytes(reader, length);
    if (!bytes || (length && memchr(bytes, 0, length))) {
        reader->failed = true;
        return (movex_wire_text){.bytes = ""};
    }
    return (movex_wire_text){.bytes = (const char *)bytes, .length = length};
}

static bool read_flag(movex_reader *reader)
{
    return movex_read_number_to(reader, 1) != 0;
}

static uint32_t read_index(movex_reader *reader)
{
    return (uint32_t)movex_read_number_to(reader, UINT32_MAX);
}

/* Small numbers of either sign: 0, -1, 1, -2, ... as 0, 1, 2, 3, ... */
static void write_reason(movex_writer *writer, int reason)
{
    int64_t wide = reason;
    movex_write_number(writer, reason < 0 ? (uint64_t)(-wide * 2 - 1) : (uint64_t)wide * 2);
}

static int read_reason(movex_reader *reader)
{
    uint64_t folded = movex_read_number_to(reader, (uint64_t)INT_MAX * 2);
    int64_t  reason = folded & 1 ? -(int64_t)(folded / 2) - 1 : (int64_t)(folded / 2);
    if (reason < LEAST_REASON) reader->failed = true;
    return (int)reason;
}

static void write_status(movex_writer *writer, movex_status status)
{
    movex_write_number(writer, (uint64_t)-status);
}

static movex_status read_status(movex_reader *reader)
{
    return (movex_status) - (int)movex_read_number_to(reader, 255);
}

void movex_write_numbered(movex_writer *writer, movex_message_kind kind, uint32_t number)
{
    movex_write_u8(writer, (uint8_t)kind);
    if (kind != MOVEX_MESSAGE_GOODBYE && kind != MOVEX_MESSAGE_FORGET) movex_write_number(writer, number);
}

bool movex_read_numbered(movex_reader *reader, uint32_t *number)
{
    *number = read_index(reader);
    return !reader->failed;
}

bool movex_read_chunk(movex_reader *reader, movex_chunk_message *message)
{
    message->last = read_flag(reader);
    message->part = read_blob(reader);
    return !reader->failed && message->part.length > 0;
}

void movex_write_error(movex_writer *writer, const movex_error_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_ERROR);
    write_status(writer, message->status);
    write_reason(writer, message->reason);
    write_text(writer, message->text);
}

bool movex_read_error(movex_reader *reader, movex_error_message *message)
{
    message->status = read_status(reader);
    message->reason = read_reason(reader);
    message->text = read_text(reader, MOVEX_ERROR_TEXT_SIZE - 1);
    return !reader->failed && message->status != MOVEX_OK;
}

void movex_write_hello(movex_writer *writer, const movex_hello_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_HELLO);
    movex_write_number(writer, message->protocol);
    movex_write_number(writer, message->max_frame);
    write_text(writer, message->id);
    write_text(writer, message->info);
    write_text(writer, message->credentials);
    movex_write_u8(writer, message->resumes);
    if (message->resumes) movex_write_bytes(writer, message->token, sizeof message->token);
}

static void read_token(movex_reader *reader, unsigned char token[MOVEX_TOKEN_SIZE])
{
    const unsigned char *bytes = movex_read_bytes(reader, MOVEX_TOKEN_SIZE);
    if (bytes) memcpy(token, bytes, MOVEX_TOKEN_SIZE);
}

bool movex_read_hello(movex_reader *reader, movex_hello_message *message)
{
    *message = (movex_hello_message){.protocol = movex_read_number(reader)};
    /* What follows belongs to the version: another one is told so, whatever it sends. */
    if (message->protocol != MOVEX_PROTOCOL_VERSION) return !reader->failed;
    message->max_frame = movex_read_number(reader);
    message->id = read_text(reader, MOVEX_INFO_MAX); /* that it is too long for a name is said by name */
    message->info = read_text(reader, MOVEX_INFO_MAX);
    message->credentials = read_text(reader, MOVEX_INFO_MAX);
    message->resumes = read_flag(reader);
    if (message->resumes) read_token(reader, message->token);
    return !reader->failed && message->max_frame >= MOVEX_IO_MIN_FRAME;
}

void movex_write_welcome(movex_writer *writer, const movex_welcome_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_WELCOME);
    movex_write_number(writer, message->protocol);
    movex_write_number(writer, message->max_frame);
    movex_write_number(writer, message->epoch);
    movex_write_number(writer, message->now_ms);
    movex_write_number(writer, message->pending);
    movex_write_u8(writer, message->resumed);
    movex_write_bytes(writer, message->token, sizeof message->token);
}

bool movex_read_welcome(movex_reader *reader, movex_welcome_message *message)
{
    message->protocol = movex_read_number(reader);
    message->max_frame = movex_read_number(reader);
    message->epoch = movex_read_number(reader);
    message->now_ms = movex_read_number(reader);
    message->pending = movex_read_number_to(reader, UINT32_MAX);
    message->resumed = read_flag(reader);
    read_token(reader, message->token);
    return !reader->failed && message->protocol == MOVEX_PROTOCOL_VERSION && message->pending > 0 &&
           message->max_frame >= MOVEX_IO_MIN_FRAME;
}

void movex_write_bind(movex_writer *writer, const movex_bind_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_BIND);
    movex_write_number(writer, message->tag);
    write_text(writer, message->type);
    write_text(writer, message->id);
    movex_write_u64(writer, message->fingerprint);
    movex_write_number(writer, message->subscription);
    movex_write_u8(writer, message->resumes);
    if (!message->resumes) return;
    movex_write_number(writer, message->epoch);
    movex_write_number(writer, message->version);
    movex_write_u64(writer, message->checksum);
    movex_write_number(writer, message->answered);
}

bool movex_read_bind(movex_reader *reader, movex_bind_message *message)
{
    *message = (movex_bind_message){.tag = movex_read_number(reader)};
    message->type = read_text(reader, MOVEX_INFO_MAX);
    message->id = read_text(reader, MOVEX_INFO_MAX);
    message->fingerprint = movex_read_u64(reader);
    message->subscription = movex_read_number(reader);
    message->resumes = read_flag(reader);
    if (message->resumes) {
        message->epoch = movex_read_number(reader);
        message->version = movex_read_number(reader);
        message->checksum = movex_read_u64(reader);
        message->answered = movex_read_number(reader);
    }
    return !reader->failed;
}

void movex_write_bound(movex_writer *writer, const movex_bound_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_BOUND);
    movex_write_number(writer, message->tag);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->subscription);
    movex_write_number(writer, message->sequence);
    movex_write_number(writer, message->subscribers);
    movex_write_u8(writer, message->resumed);
}

bool movex_read_bound(movex_reader *reader, movex_bound_message *message)
{
    message->tag = movex_read_number(reader);
    message->number = read_index(reader);
    message->subscription = movex_read_number(reader);
    message->sequence = movex_read_number(reader);
    message->subscribers = movex_read_number(reader);
    message->resumed = read_flag(reader);
    return !reader->failed && message->subscription > 0;
}

void movex_write_bind_refused(movex_writer *writer, const movex_bind_refused_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_BIND_REFUSED);
    movex_write_number(writer, message->tag);
    write_status(writer, message->status);
    write_reason(writer, message->reason);
    write_text(writer, message->text);
}

bool movex_read_bind_refused(movex_reader *reader, movex_bind_refused_message *message)
{
    message->tag = movex_read_number(reader);
    message->status = read_status(reader);
    message->reason = read_reason(reader);
    message->text = read_text(reader, MOVEX_ERROR_TEXT_SIZE - 1);
    return !reader->failed && message->status != MOVEX_OK;
}

void movex_write_unbound(movex_writer *writer, const movex_unbound_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_UNBOUND);
    movex_write_number(writer, message->number);
    write_status(writer, message->status);
    write_text(writer, message->text);
}

bool movex_read_unbound(movex_reader *reader, movex_unbound_message *message)
{
    message->number = read_index(reader);
    message->status = read_status(reader);
    message->text = read_text(reader, MOVEX_ERROR_TEXT_SIZE - 1);
    return !reader->failed;
}

void movex_write_dispatch(movex_writer *writer, const movex_dispatch_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_DISPATCH);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->sequence);
    movex_write_number(writer, message->action);
    write_blob(writer, message->payload);
}

bool movex_read_dispatch(movex_reader *reader, movex_dispatch_message *message)
{
    message->number = read_index(reader);
    message->sequence = movex_read_number(reader);
    message->action = read_index(reader);
    message->payload = read_blob(reader);
    return !reader->failed;
}

void movex_write_snapshot(movex_writer *writer, const movex_snapshot_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_SNAPSHOT);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->version);
    movex_write_number(writer, message->now_ms);
    movex_write_u64(writer, message->checksum);
    movex_write_number(writer, message->sequence);
    write_blob(writer, message->state);
}

bool movex_read_snapshot(movex_reader *reader, movex_snapshot_message *message)
{
    message->number = read_index(reader);
    message->version = movex_read_number(reader);
    message->now_ms = movex_read_number(reader);
    message->checksum = movex_read_u64(reader);
    message->sequence = movex_read_number(reader);
    message->state = read_blob(reader);
    return !reader->failed;
}

void movex_write_outcome(movex_writer *writer, const movex_outcome_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_OUTCOME);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->sequence);
    write_reason(writer, message->reason);
}

bool movex_read_outcome(movex_reader *reader, movex_outcome_message *message)
{
    message->number = read_index(reader);
    message->sequence = movex_read_number(reader);
    message->reason = read_reason(reader);
    return !reader->failed;
}

void movex_write_subscriber(movex_writer *writer, const movex_subscriber_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_SUBSCRIBER);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->slot);
    movex_write_u8(writer, (uint8_t)message->presence);
    movex_write_u8(writer, message->named);
    if (!message->named) return;
    write_text(writer, message->id);
    write_text(writer, message->info);
}

bool movex_read_subscriber(movex_reader *reader, movex_subscriber_message *message)
{
    *message = (movex_subscriber_message){.number = read_index(reader)};
    message->slot = read_index(reader);
    message->presence = (movex_presence)movex_read_number_to(reader, MOVEX_PRESENCE_AWAY);
    message->named = read_flag(reader);
    if (message->named) {
        message->id = read_text(reader, MOVEX_NAME_MAX);
        message->info = read_text(reader, MOVEX_INFO_MAX);
    }
    return !reader->failed;
}

void movex_write_entry(movex_writer *writer, const movex_entry_message *message)
{
    unsigned flags = message->flags;
    movex_write_u8(writer, (uint8_t)(MOVEX_MESSAGE_ENTRY | flags));
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->version);
    movex_write_number(writer, message->elapsed_ms);
    if (flags & MOVEX_ENTRY_OWN) {
        movex_write_number(writer, message->sequence);
    } else {
        if (flags & MOVEX_ENTRY_BY_NAME) write_text(writer, message->author);
        else movex_write_number(writer, message->slot);
        movex_write_number(writer, message->action);
        write_blob(writer, message->payload);
    }
    if (flags & MOVEX_ENTRY_SEEDED) movex_write_u64(writer, message->seed);
    movex_write_u64(writer, message->checksum);
}

bool movex_read_entry(movex_reader *reader, unsigned flags, movex_entry_message *message)
{
    *message = (movex_entry_message){.flags = flags, .number = read_index(reader)};
    message->version = movex_read_number(reader);
    message->elapsed_ms = movex_read_number(reader);
    if (flags & MOVEX_ENTRY_OWN) {
        if (flags & MOVEX_ENTRY_BY_NAME) reader->failed = true;
        message->sequence = movex_read_number(reader);
    } else {
        if (flags & MOVEX_ENTRY_BY_NAME) message->author = read_text(reader, MOVEX_NAME_MAX);
        else message->slot = read_index(reader);
        message->action = read_index(reader);
        message->payload = read_blob(reader);
    }
    if (flags & MOVEX_ENTRY_SEEDED) message->seed = movex_read_u64(reader);
    message->checksum = movex_read_u64(reader);
    return !reader->failed;
}
