#include "wire_fields.h"

#include "name.h"

#include <limits.h>

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
    *number = movex_read_wire_index(reader);
    return !reader->failed;
}

bool movex_read_chunk(movex_reader *reader, movex_chunk_message *message)
{
    message->last = movex_read_wire_flag(reader);
    message->part = movex_read_wire_blob(reader);
    return !reader->failed && message->part.length > 0;
}

void movex_write_error(movex_writer *writer, const movex_error_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_ERROR);
    write_status(writer, message->status);
    movex_write_wire_reason(writer, message->reason);
    movex_write_wire_text(writer, message->text);
}

bool movex_read_error(movex_reader *reader, movex_error_message *message)
{
    message->status = read_status(reader);
    message->reason = movex_read_wire_reason(reader);
    message->text = movex_read_wire_text(reader, MOVEX_ERROR_TEXT_SIZE - 1);
    return !reader->failed && message->status != MOVEX_OK;
}

void movex_write_hello(movex_writer *writer, const movex_hello_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_HELLO);
    movex_write_number(writer, message->protocol);
    movex_write_number(writer, message->max_frame);
    movex_write_wire_text(writer, message->id);
    movex_write_wire_text(writer, message->info);
    movex_write_wire_text(writer, message->credentials);
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
    message->id = movex_read_wire_text(reader, MOVEX_INFO_MAX); /* that it is too long for a name is said by name */
    message->info = movex_read_wire_text(reader, MOVEX_INFO_MAX);
    message->credentials = movex_read_wire_text(reader, MOVEX_INFO_MAX);
    message->resumes = movex_read_wire_flag(reader);
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
    message->resumed = movex_read_wire_flag(reader);
    read_token(reader, message->token);
    return !reader->failed && message->protocol == MOVEX_PROTOCOL_VERSION && message->pending > 0 &&
           message->max_frame >= MOVEX_IO_MIN_FRAME;
}

void movex_write_bind(movex_writer *writer, const movex_bind_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_BIND);
    movex_write_number(writer, message->tag);
    movex_write_wire_text(writer, message->type);
    movex_write_wire_text(writer, message->id);
    movex_write_u64(writer, message->fingerprint);
    movex_write_number(writer, message->subscription);
    movex_write_u8(writer, message->resumes);
    if (!message->resumes) return;
    movex_write_number(writer, message->epoch);
    movex_write_number(writer, message->version);
    movex_write_u64(writer, message->checksum);
    movex_write_number(writer, message->answered);
    movex_write_number(writer, message->base);
    movex_write_number(writer, message->revealed);
}

bool movex_read_bind(movex_reader *reader, movex_bind_message *message)
{
    *message = (movex_bind_message){.tag = movex_read_number(reader)};
    message->type = movex_read_wire_text(reader, MOVEX_INFO_MAX);
    message->id = movex_read_wire_text(reader, MOVEX_INFO_MAX);
    message->fingerprint = movex_read_u64(reader);
    message->subscription = movex_read_number(reader);
    message->resumes = movex_read_wire_flag(reader);
    if (message->resumes) {
        message->epoch = movex_read_number(reader);
        message->version = movex_read_number(reader);
        message->checksum = movex_read_u64(reader);
        message->answered = movex_read_number(reader);
        message->base = movex_read_number_to(reader, message->version);
        message->revealed = movex_read_number_to(reader, message->version);
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
    message->number = movex_read_wire_index(reader);
    message->subscription = movex_read_number(reader);
    message->sequence = movex_read_number(reader);
    message->subscribers = movex_read_number(reader);
    message->resumed = movex_read_wire_flag(reader);
    return !reader->failed && message->subscription > 0;
}

void movex_write_bind_refused(movex_writer *writer, const movex_bind_refused_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_BIND_REFUSED);
    movex_write_number(writer, message->tag);
    write_status(writer, message->status);
    movex_write_wire_reason(writer, message->reason);
    movex_write_wire_text(writer, message->text);
}

bool movex_read_bind_refused(movex_reader *reader, movex_bind_refused_message *message)
{
    message->tag = movex_read_number(reader);
    message->status = read_status(reader);
    message->reason = movex_read_wire_reason(reader);
    message->text = movex_read_wire_text(reader, MOVEX_ERROR_TEXT_SIZE - 1);
    return !reader->failed && message->status != MOVEX_OK;
}

void movex_write_unbound(movex_writer *writer, const movex_unbound_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_UNBOUND);
    movex_write_number(writer, message->number);
    write_status(writer, message->status);
    movex_write_wire_text(writer, message->text);
}

bool movex_read_unbound(movex_reader *reader, movex_unbound_message *message)
{
    message->number = movex_read_wire_index(reader);
    message->status = read_status(reader);
    message->text = movex_read_wire_text(reader, MOVEX_ERROR_TEXT_SIZE - 1);
    return !reader->failed;
}

void movex_write_dispatch(movex_writer *writer, const movex_dispatch_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_DISPATCH);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->sequence);
    movex_write_number(writer, message->action);
    movex_write_wire_blob(writer, message->payload);
}

bool movex_read_dispatch(movex_reader *reader, movex_dispatch_message *message)
{
    message->number = movex_read_wire_index(reader);
    message->sequence = movex_read_number(reader);
    message->action = movex_read_wire_index(reader);
    message->payload = movex_read_wire_blob(reader);
    return !reader->failed;
}

void movex_write_dispatch_private(movex_writer *writer, const movex_dispatch_private_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_DISPATCH_PRIVATE);
    movex_write_number(writer, message->hidden.number);
    movex_write_number(writer, message->hidden.sequence);
    movex_write_number(writer, message->revealed);
    movex_write_number(writer, message->hidden.action);
    movex_write_wire_blob(writer, message->hidden.payload);
    movex_write_number(writer, message->shown_action);
    movex_write_wire_blob(writer, message->shown_payload);
}

bool movex_read_dispatch_private(movex_reader *reader, movex_dispatch_private_message *message)
{
    message->hidden.number = movex_read_wire_index(reader);
    message->hidden.sequence = movex_read_number(reader);
    message->revealed = movex_read_number(reader);
    message->hidden.action = movex_read_wire_index(reader);
    message->hidden.payload = movex_read_wire_blob(reader);
    message->shown_action = movex_read_wire_index(reader);
    message->shown_payload = movex_read_wire_blob(reader);
    return !reader->failed;
}

void movex_write_outcome(movex_writer *writer, const movex_outcome_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_OUTCOME);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->sequence);
    movex_write_wire_reason(writer, message->reason);
}

bool movex_read_outcome(movex_reader *reader, movex_outcome_message *message)
{
    message->number = movex_read_wire_index(reader);
    message->sequence = movex_read_number(reader);
    message->reason = movex_read_wire_reason(reader);
    return !reader->failed;
}

void movex_write_overturned(movex_writer *writer, const movex_overturned_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_OVERTURNED);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->sequence);
    movex_write_wire_reason(writer, message->reason);
}

bool movex_read_overturned(movex_reader *reader, movex_overturned_message *message)
{
    message->number = movex_read_wire_index(reader);
    message->sequence = movex_read_number(reader);
    message->reason = movex_read_wire_reason(reader);
    return !reader->failed && message->reason != MOVEX_ACCEPT;
}

void movex_write_subscriber(movex_writer *writer, const movex_subscriber_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_SUBSCRIBER);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->slot);
    movex_write_u8(writer, (uint8_t)message->presence);
    movex_write_u8(writer, message->named);
    if (!message->named) return;
    movex_write_wire_text(writer, message->id);
    movex_write_wire_text(writer, message->info);
}

bool movex_read_subscriber(movex_reader *reader, movex_subscriber_message *message)
{
    *message = (movex_subscriber_message){.number = movex_read_wire_index(reader)};
    message->slot = movex_read_wire_index(reader);
    message->presence = (movex_presence)movex_read_number_to(reader, MOVEX_PRESENCE_AWAY);
    message->named = movex_read_wire_flag(reader);
    if (message->named) {
        message->id = movex_read_wire_text(reader, MOVEX_NAME_MAX);
        message->info = movex_read_wire_text(reader, MOVEX_INFO_MAX);
    }
    return !reader->failed;
}
