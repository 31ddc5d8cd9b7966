#include "wire_check.h"

#include "fuzz.h"
#include "wire_fields.h"

#include <stdlib.h>

/* Writes the records of a reveal once more. */
static void check_records(const movex_wire_records *records, bool halves)
{
    movex_reader        reader = movex_reader_over(records->bytes.bytes, records->bytes.length);
    movex_reveal_record record;
    unsigned char      *bytes = malloc(records->bytes.length + MOVEX_RECORD_OVERHEAD + 1);
    movex_writer        writer = movex_writer_over(bytes, records->bytes.length + MOVEX_RECORD_OVERHEAD + 1);
    uint64_t            count = 0;
    if (!bytes) abort();
    for (; movex_next_reveal_record(&reader, halves, &record); count++)
        movex_write_reveal_record(&writer, halves, &record);
    fuzz_require(count == records->count && (size_t)(writer.at - bytes) == records->bytes.length);
    fuzz_require(count == 0 || memcmp(bytes, records->bytes.bytes, records->bytes.length) == 0);
    free(bytes);
}

/* The same of openings. */
static void check_openings(const movex_wire_records *records)
{
    movex_reader         reader = movex_reader_over(records->bytes.bytes, records->bytes.length);
    movex_opening_record record;
    unsigned char       *bytes = malloc(records->bytes.length + 1);
    movex_writer         writer = movex_writer_over(bytes, records->bytes.length + 1);
    uint64_t             count = 0;
    if (!bytes) abort();
    for (; movex_next_opening_record(&reader, &record); count++) movex_write_opening_record(&writer, &record);
    fuzz_require(count == records->count && (size_t)(writer.at - bytes) == records->bytes.length);
    fuzz_require(count == 0 || memcmp(bytes, records->bytes.bytes, records->bytes.length) == 0);
    free(bytes);
}

static void write_chunk(movex_writer *writer, const movex_chunk_message *message)
{
    movex_write_u8(writer, MOVEX_MESSAGE_CHUNK);
    movex_write_u8(writer, message->last);
    movex_write_wire_blob(writer, message->part);
}

static bool entry_again(movex_reader *reader, unsigned flags, movex_writer *writer)
{
    movex_entry_message message;
    if (!movex_read_entry(reader, flags, &message)) return false;
    if (flags & MOVEX_ENTRY_REVEALS) check_records(&message.records, !(flags & MOVEX_ENTRY_PATCHED));
    movex_write_entry(writer, &message);
    return true;
}

#define AGAIN(name)                                                                                                    \
    {                                                                                                                  \
        movex_##name##_message message;                                                                                \
        if (!movex_read_##name(reader, &message)) return false;                                                        \
        movex_write_##name(writer, &message);                                                                          \
        return true;                                                                                                   \
    }

/* Reads one message behind its first byte, and writes it. False if it is not well formed. */
static bool read_and_write(unsigned kind, movex_reader *reader, movex_writer *writer)
{
    uint32_t number;
    switch (kind) {
    case MOVEX_MESSAGE_CHUNK: {
        movex_chunk_message message;
        if (!movex_read_chunk(reader, &message)) return false;
        write_chunk(writer, &message);
        return true;
    }
    case MOVEX_MESSAGE_HELLO: {
        movex_hello_message message;
        if (!movex_read_hello(reader, &message)) return false;
        if (message.protocol != MOVEX_PROTOCOL_VERSION) return false; /* of which no more is known */
        movex_write_hello(writer, &message);
        return true;
    }
    case MOVEX_MESSAGE_SNAPSHOT: {
        movex_snapshot_message message;
        if (!movex_read_snapshot(reader, &message)) return false;
        check_records(&message.records, false);
        movex_write_snapshot(writer, &message);
        return true;
    }
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE: {
        movex_sealed_step_message message;
        if (!movex_read_sealed_step(reader, (movex_message_kind)kind, &message)) return false;
        if (kind == MOVEX_MESSAGE_OPENING) check_openings(&message.records);
        movex_write_sealed_step(writer, &message);
        return true;
    }
    case MOVEX_MESSAGE_OPEN: {
        movex_open_message message;
        if (!movex_read_open(reader, &message)) return false;
        check_openings(&message.records);
        movex_write_open(writer, &message);
        return true;
    }
    case MOVEX_MESSAGE_DISPATCH_SEALED: AGAIN(dispatch_sealed)
    case MOVEX_MESSAGE_SEALED: AGAIN(sealed)
    case MOVEX_MESSAGE_SEALED_ENTRY: AGAIN(sealed_entry)
    case MOVEX_MESSAGE_ERROR: AGAIN(error)
    case MOVEX_MESSAGE_BIND: AGAIN(bind)
    case MOVEX_MESSAGE_DISPATCH: AGAIN(dispatch)
    case MOVEX_MESSAGE_DISPATCH_PRIVATE: AGAIN(dispatch_private)
    case MOVEX_MESSAGE_WELCOME: AGAIN(welcome)
    case MOVEX_MESSAGE_BOUND: AGAIN(bound)
    case MOVEX_MESSAGE_BIND_REFUSED: AGAIN(bind_refused)
    case MOVEX_MESSAGE_UNBOUND: AGAIN(unbound)
    case MOVEX_MESSAGE_OUTCOME: AGAIN(outcome)
    case MOVEX_MESSAGE_SUBSCRIBER: AGAIN(subscriber)
    case MOVEX_MESSAGE_OVERTURNED: AGAIN(overturned)
    case MOVEX_MESSAGE_UNBIND:
    case MOVEX_MESSAGE_RESYNC:
        if (!movex_read_numbered(reader, &number)) return false;
        movex_write_numbered(writer, (movex_message_kind)kind, number);
        return true;
    case MOVEX_MESSAGE_GOODBYE:
    case MOVEX_MESSAGE_FORGET: movex_write_numbered(writer, (movex_message_kind)kind, 0); return true;
    default:
        if (kind < MOVEX_MESSAGE_ENTRY || kind > (MOVEX_MESSAGE_ENTRY | MOVEX_ENTRY_FLAGS)) return false;
        return entry_again(reader, kind & MOVEX_ENTRY_FLAGS, writer);
    }
}

/* How many bytes are well-formed messages. */
static size_t check(const unsigned char *frame, size_t length, uint64_t *digest)
{
    size_t         room = length + MOVEX_MESSAGE_OVERHEAD;
    unsigned char *bytes = malloc(room);
    movex_reader   reader = movex_reader_over(frame, length);
    size_t         good = 0;
    if (!bytes) abort();
    while (movex_reader_left(&reader)) {
        const unsigned char *start = reader.at;
        movex_writer         writer = movex_writer_over(bytes, room);
        unsigned             kind = movex_read_u8(&reader);
        if (!read_and_write(kind, &reader, &writer)) break;
        size_t size = (size_t)(reader.at - start);
        fuzz_require(size == (size_t)(writer.at - bytes) && memcmp(start, bytes, size) == 0);
        *digest = fuzz_digest(*digest, bytes, size);
        good += size;
    }
    free(bytes);
    return good;
}

uint64_t wire_check_frame(const unsigned char *frame, size_t length, uint64_t digest)
{
    return fuzz_digest_number(digest, check(frame, length, &digest));
}

void wire_require_frame(const unsigned char *frame, size_t length)
{
    uint64_t digest = 0;
    fuzz_require(check(frame, length, &digest) == length);
}
