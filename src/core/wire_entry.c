/* What carries a resource's state and log: SNAPSHOT, ENTRY, and the records of a reveal within them. */
#include "wire_fields.h"

/* ---- records of a reveal */

enum { MARK_HALF = 1u << 0, MARK_SEEDED = 1u << 1 }; /* of a record in the form of halves */

void movex_write_reveal_record(movex_writer *writer, bool halves, const movex_reveal_record *record)
{
    movex_write_number(writer, record->back);
    if (!halves) {
        movex_write_wire_text(writer, record->author);
        return;
    }
    movex_write_u8(writer, record->known ? 0 : record->seeded ? MARK_HALF | MARK_SEEDED : MARK_HALF);
    if (record->known) return;
    movex_write_number(writer, record->action);
    movex_write_wire_blob(writer, record->payload);
    if (record->seeded) movex_write_u64(writer, record->seed);
}

static void read_record(movex_reader *reader, bool halves, movex_reveal_record *record)
{
    *record = (movex_reveal_record){.back = movex_read_number(reader)};
    if (!halves) {
        record->author = movex_read_wire_text(reader, MOVEX_NAME_MAX);
        return;
    }
    uint8_t marks = movex_read_u8(reader);
    record->known = marks == 0;
    record->seeded = marks == (MARK_HALF | MARK_SEEDED);
    if (record->known) return;
    if (!record->seeded && marks != MARK_HALF) reader->failed = true;
    record->action = movex_read_wire_index(reader);
    record->payload = movex_read_wire_blob(reader);
    if (record->seeded) record->seed = movex_read_u64(reader);
}

bool movex_next_reveal_record(movex_reader *reader, bool halves, movex_reveal_record *record)
{
    if (!movex_reader_left(reader)) return false;
    read_record(reader, halves, record);
    assert(!reader->failed); /* they were found to be sound */
    return true;
}

bool movex_records_are_sound(const movex_wire_records *records, bool halves, uint64_t most)
{
    movex_reader        reader = movex_reader_over(records->bytes.bytes, records->bytes.length);
    movex_reveal_record record;
    uint64_t            count = 0;
    for (; movex_reader_left(&reader); count++) {
        read_record(&reader, halves, &record);
        if (reader.failed || record.back > most || (!halves && record.author.length == 0)) return false;
        if (record.back == 0 && movex_reader_left(&reader)) return false;
        most = record.back - 1; /* of the next, if there is one */
    }
    return count == records->count;
}

static void write_records(movex_writer *writer, const movex_wire_records *records)
{
    movex_write_number(writer, records->count);
    if (records->count) movex_write_wire_blob(writer, records->bytes);
}

/* Records of the reveal that came with `version`. False if they are not sound; the first entry made version 1. */
static bool read_records(movex_reader *reader, bool halves, uint64_t version, movex_wire_records *records)
{
    *records = (movex_wire_records){.count = movex_read_number(reader)};
    if (records->count) records->bytes = movex_read_wire_blob(reader);
    if (reader->failed || version == 0) return !reader->failed && records->count == 0;
    return movex_records_are_sound(records, halves, version - 1);
}

/* ---- SNAPSHOT */

void movex_write_snapshot(movex_writer *writer, const movex_snapshot_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_SNAPSHOT);
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->version);
    movex_write_number(writer, message->now_ms);
    movex_write_u64(writer, message->checksum);
    movex_write_number(writer, message->sequence);
    movex_write_number(writer, message->revealed);
    write_records(writer, &message->records);
    movex_write_wire_blob(writer, message->state);
}

bool movex_read_snapshot(movex_reader *reader, movex_snapshot_message *message)
{
    message->number = movex_read_wire_index(reader);
    message->version = movex_read_number(reader);
    message->now_ms = movex_read_number(reader);
    message->checksum = movex_read_u64(reader);
    message->sequence = movex_read_number(reader);
    message->revealed = movex_read_number_to(reader, message->version);
    if (!read_records(reader, false, message->revealed, &message->records)) return false;
    message->state = movex_read_wire_blob(reader);
    return !reader->failed;
}

/* ---- ENTRY */

void movex_write_entry(movex_writer *writer, const movex_entry_message *message)
{
    unsigned flags = message->flags;
    movex_write_u8(writer, (uint8_t)(MOVEX_MESSAGE_ENTRY | flags));
    movex_write_number(writer, message->number);
    movex_write_number(writer, message->version);
    movex_write_number(writer, message->elapsed_ms);
    if (flags & MOVEX_ENTRY_OWN) {
        if (!(flags & MOVEX_ENTRY_NEXT)) movex_write_number(writer, message->sequence);
    } else {
        if (flags & MOVEX_ENTRY_BY_NAME)
            movex_write_wire_text(writer, message->author);
        else
            movex_write_number(writer, message->slot);
        movex_write_number(writer, message->action);
        movex_write_wire_blob(writer, message->payload);
    }
    if (flags & MOVEX_ENTRY_SEEDED) movex_write_u64(writer, message->seed);
    movex_write_u64(writer, message->checksum);
    if (flags & MOVEX_ENTRY_PATCHED) movex_write_wire_blob(writer, message->patch);
    if (flags & MOVEX_ENTRY_REVEALS) write_records(writer, &message->records);
}

/* What few entries have. */
static bool read_extras(movex_reader *reader, unsigned flags, movex_entry_message *message)
{
    bool patched = flags & MOVEX_ENTRY_PATCHED, reveals = flags & MOVEX_ENTRY_REVEALS;
    if (patched) message->patch = movex_read_wire_blob(reader);
    if (patched && !reveals && message->patch.length == 0) return false; /* that would be no patch */
    if (!reveals) return !reader->failed;
    return read_records(reader, !patched, message->version, &message->records) && message->records.count > 0;
}

bool movex_read_entry(movex_reader *reader, unsigned flags, movex_entry_message *message)
{
    const bool   own = flags & MOVEX_ENTRY_OWN, by_name = flags & MOVEX_ENTRY_BY_NAME, next = flags & MOVEX_ENTRY_NEXT;
    movex_reader at = {.at = reader->at, .end = reader->end, .failed = reader->failed}; /* kept in registers */
    /* Member by member: clearing all of it first takes as long as reading a small entry. */
    message->flags = flags;
    message->number = movex_read_wire_index(&at);
    message->version = movex_read_number(&at);
    message->elapsed_ms = movex_read_number(&at);
    message->sequence = 0;
    message->slot = message->action = 0;
    message->author = (movex_wire_text){NULL, 0};
    message->payload = message->patch = (movex_wire_bytes){NULL, 0};
    message->records = (movex_wire_records){0, {NULL, 0}};
    if (own) {
        if (by_name) at.failed = true;
        if (!next) message->sequence = movex_read_number(&at);
    } else {
        if (next) at.failed = true;
        uint32_t length = by_name ? (uint32_t)movex_read_number_to(&at, MOVEX_NAME_MAX) : 0;
        message->author = (movex_wire_text){(const char *)movex_read_bytes(&at, length), length};
        if (length && !at.failed && memchr(message->author.bytes, 0, length)) at.failed = true;
        if (!by_name) message->slot = movex_read_wire_index(&at);
        message->action = movex_read_wire_index(&at);
        message->payload.length = (size_t)movex_read_number_to(&at, SIZE_MAX);
        message->payload.bytes = movex_read_bytes(&at, message->payload.length);
    }
    message->seed = flags & MOVEX_ENTRY_SEEDED ? movex_read_u64(&at) : 0;
    message->checksum = movex_read_u64(&at);
    reader->at = at.at;
    reader->failed = at.failed;
    if (flags & (MOVEX_ENTRY_PATCHED | MOVEX_ENTRY_REVEALS)) return read_extras(reader, flags, message);
    return !at.failed;
}
