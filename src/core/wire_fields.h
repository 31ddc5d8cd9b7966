/* The kinds of fields that messages are made of, besides numbers: texts, blobs, indices (docs/wire.md, section 2). */
#ifndef MOVEX_CORE_WIRE_FIELDS_H
#define MOVEX_CORE_WIRE_FIELDS_H

#include "wire.h"

static inline void movex_write_wire_text(movex_writer *writer, movex_wire_text text)
{
    movex_write_number(writer, text.length);
    movex_write_bytes(writer, text.bytes, text.length);
}

static inline void movex_write_wire_blob(movex_writer *writer, movex_wire_bytes blob)
{
    movex_write_number(writer, blob.length);
    movex_write_bytes(writer, blob.bytes, blob.length);
}

static inline movex_wire_bytes movex_read_wire_blob(movex_reader *reader)
{
    size_t      length = (size_t)movex_read_number_to(reader, SIZE_MAX);
    const void *bytes = movex_read_bytes(reader, length);
    return (movex_wire_bytes){.bytes = bytes, .length = bytes ? length : 0};
}

static inline movex_wire_text movex_read_wire_text(movex_reader *reader, uint32_t most)
{
    uint32_t             length = (uint32_t)movex_read_number_to(reader, most);
    const unsigned char *bytes = movex_read_bytes(reader, length);
    if (!bytes || (length && memchr(bytes, 0, length))) {
        reader->failed = true;
        return (movex_wire_text){.bytes = ""};
    }
    return (movex_wire_text){.bytes = (const char *)bytes, .length = length};
}

static inline uint32_t movex_read_wire_index(movex_reader *reader)
{
    return (uint32_t)movex_read_number_to(reader, UINT32_MAX);
}

static inline bool movex_read_wire_flag(movex_reader *reader)
{
    return movex_read_number_to(reader, 1) != 0;
}

/* The smallest reason that can be written: negative ones are the library's, positive ones the game's. */
enum { MOVEX_LEAST_REASON = -64 };

/* Small numbers of either sign: 0, -1, 1, -2, ... as 0, 1, 2, 3, ... */
static inline void movex_write_wire_reason(movex_writer *writer, int reason)
{
    int64_t wide = reason;
    movex_write_number(writer, reason < 0 ? (uint64_t)(-wide * 2 - 1) : (uint64_t)wide * 2);
}

static inline int movex_read_wire_reason(movex_reader *reader)
{
    uint64_t folded = movex_read_number_to(reader, (uint64_t)INT32_MAX * 2);
    int64_t  reason = folded & 1 ? -(int64_t)(folded / 2) - 1 : (int64_t)(folded / 2);
    if (reason < MOVEX_LEAST_REASON) reader->failed = true;
    return (int)reason;
}

#endif
