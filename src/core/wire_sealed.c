/* What sealed pairs say on the wire: DISPATCH_SEALED and OPEN from their authors; SEALED, SEALED_ENTRY and the steps of a round
   from the master. */
#include "wire_fields.h"

static void read_exactly(movex_reader *reader, unsigned char *bytes, size_t length)
{
    const unsigned char *found = movex_read_bytes(reader, length);
    if (found) memcpy(bytes, found, length);
}

/* ---- openings */

void movex_write_opening_record(movex_writer *writer, const movex_opening_record *record)
{
    movex_write_number(writer, record->back);
    movex_write_bytes(writer, record->salt, MOVEX_SALT_SIZE);
    movex_write_number(writer, record->action);
    movex_write_wire_blob(writer, record->payload);
}

static void read_opening_record(movex_reader *reader, movex_opening_record *record)
{
    *record = (movex_opening_record){.back = movex_read_number(reader)};
    record->salt = movex_read_bytes(reader, MOVEX_SALT_SIZE);
    record->action = movex_read_wire_index(reader);
    record->payload = movex_read_wire_blob(reader);
}

bool movex_next_opening_record(movex_reader *reader, movex_opening_record *record)
{
    if (!movex_reader_left(reader)) return false;
    read_opening_record(reader, record);
    assert(!reader->failed); /* they were found to be sound */
    return true;
}

void movex_write_openings(movex_writer *writer, const movex_wire_records *records)
{
    movex_write_number(writer, records->count);
    movex_write_wire_blob(writer, records->bytes);
}

bool movex_read_openings(movex_reader *reader, movex_wire_records *records)
{
    *records = (movex_wire_records){.count = movex_read_number(reader)};
    records->bytes = movex_read_wire_blob(reader);
    movex_reader         over = movex_reader_over(records->bytes.bytes, records->bytes.length);
    movex_opening_record record;
    uint64_t             count = 0, most = UINT64_MAX;
    for (; !reader->failed && movex_reader_left(&over); count++) {
        read_opening_record(&over, &record);
        if (over.failed || record.back == 0 || record.back > most) return false;
        most = record.back - 1; /* of the next, if there is one */
    }
    return !reader->failed && count == records->count;
}

/* ---- from the author */

void movex_write_dispatch_sealed(movex_writer *writer, const movex_dispatch_sealed_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_DISPATCH_SEALED);
    movex_write_number(writer, message->shown.number);
    movex_write_number(writer, message->shown.sequence);
    movex_write_number(writer, message->revealed);
    movex_write_number(writer, message->shown.action);
    movex_write_wire_blob(writer, message->shown.payload);
    movex_write_bytes(writer, message->commitment, MOVEX_COMMITMENT_SIZE);
}

bool movex_read_dispatch_sealed(movex_reader *reader, movex_dispatch_sealed_message *message)
{
    message->shown.number = movex_read_wire_index(reader);
    message->shown.sequence = movex_read_number(reader);
    message->revealed = movex_read_number(reader);
    message->shown.action = movex_read_wire_index(reader);
    message->shown.payload = movex_read_wire_blob(reader);
    read_exactly(reader, message->commitment, MOVEX_COMMITMENT_SIZE);
    return !reader->failed;
}

void movex_write_open(movex_writer *writer, const movex_open_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_OPEN);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->closing);
    movex_write_openings(writer, &message->records);
}

bool movex_read_open(movex_reader *reader, movex_open_message *message)
{
    message->number = movex_read_wire_index(reader);
    message->closing = movex_read_number(reader);
    return movex_read_openings(reader, &message->records);
}

/* ---- from the master */

void movex_write_sealed_entry(movex_writer *writer, const movex_sealed_entry_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_SEALED_ENTRY);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->version);
    movex_write_number(writer, message->elapsed_ms);
    movex_write_wire_text(writer, message->author);
    movex_write_number(writer, message->subscription);
    movex_write_number(writer, message->sequence);
    movex_write_number(writer, message->action);
    movex_write_wire_blob(writer, message->payload);
    movex_write_u64(writer, message->seed);
    movex_write_bytes(writer, message->commitment, MOVEX_COMMITMENT_SIZE);
    movex_write_u64(writer, message->checksum);
}

bool movex_read_sealed_entry(movex_reader *reader, movex_sealed_entry_message *message)
{
    message->number = movex_read_wire_index(reader);
    message->version = movex_read_number(reader);
    message->elapsed_ms = movex_read_number(reader);
    message->author = movex_read_wire_text(reader, MOVEX_NAME_MAX);
    message->subscription = movex_read_number(reader);
    message->sequence = movex_read_number(reader);
    message->action = movex_read_wire_index(reader);
    message->payload = movex_read_wire_blob(reader);
    message->seed = movex_read_u64(reader);
    read_exactly(reader, message->commitment, MOVEX_COMMITMENT_SIZE);
    message->checksum = movex_read_u64(reader);
    return !reader->failed && message->author.length && message->subscription && message->sequence;
}

void movex_write_sealed_step(movex_writer *writer, const movex_sealed_step_message *message)
{
    movex_write_u8(writer, (uint8_t)message->kind);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->version);
    movex_write_number(writer, message->elapsed_ms);
    if (message->kind == MOVEX_MESSAGE_CLOSING) movex_write_number(writer, message->deadline_ms);
    if (message->kind == MOVEX_MESSAGE_OPENING) {
        movex_write_wire_text(writer, message->author);
        movex_write_openings(writer, &message->records);
        movex_write_u8(writer, message->reveals);
    }
    movex_write_u64(writer, message->checksum);
}

bool movex_read_sealed_step(movex_reader *reader, movex_message_kind kind, movex_sealed_step_message *message)
{
    *message = (movex_sealed_step_message){.kind = kind, .number = movex_read_wire_index(reader)};
    message->version = movex_read_number(reader);
    message->elapsed_ms = movex_read_number(reader);
    message->reveals = kind == MOVEX_MESSAGE_DEADLINE;
    if (kind == MOVEX_MESSAGE_CLOSING) message->deadline_ms = movex_read_number(reader);
    if (kind == MOVEX_MESSAGE_OPENING) {
        message->author = movex_read_wire_text(reader, MOVEX_NAME_MAX);
        if (!message->author.length || !movex_read_openings(reader, &message->records)) return false;
        message->reveals = movex_read_wire_flag(reader);
    }
    message->checksum = movex_read_u64(reader);
    return !reader->failed;
}

void movex_write_forfeit(movex_writer *writer, const movex_forfeit_record *record)
{
    movex_write_number(writer, record->back);
    movex_write_wire_text(writer, record->author);
    movex_write_wire_reason(writer, record->reason);
}

static void read_forfeit(movex_reader *reader, movex_forfeit_record *record)
{
    *record = (movex_forfeit_record){.back = movex_read_number(reader)};
    record->author = movex_read_wire_text(reader, MOVEX_NAME_MAX);
    record->reason = movex_read_wire_reason(reader);
}

bool movex_next_forfeit(movex_reader *reader, movex_forfeit_record *record)
{
    if (!movex_reader_left(reader)) return false;
    read_forfeit(reader, record);
    assert(!reader->failed); /* they were found to be sound */
    return true;
}

void movex_write_sealed(movex_writer *writer, const movex_sealed_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_SEALED);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->version);
    movex_write_number(writer, message->forfeits.count);
    movex_write_wire_blob(writer, message->forfeits.bytes);
    movex_write_wire_blob(writer, message->round);
}

bool movex_read_sealed(movex_reader *reader, movex_sealed_message *message)
{
    message->number = movex_read_wire_index(reader);
    message->version = movex_read_number(reader);
    message->forfeits.count = movex_read_number(reader);
    message->forfeits.bytes = movex_read_wire_blob(reader);
    message->round = movex_read_wire_blob(reader);
    movex_reader         over = movex_reader_over(message->forfeits.bytes.bytes, message->forfeits.bytes.length);
    movex_forfeit_record record;
    uint64_t             count = 0;
    for (; !reader->failed && movex_reader_left(&over); count++) {
        read_forfeit(&over, &record);
        bool named = record.author.length && record.back < message->version && record.reason != MOVEX_ACCEPT;
        if (over.failed || !named) return false;
    }
    return !reader->failed && count == message->forfeits.count;
}
