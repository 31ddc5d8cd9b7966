/* Reading and writing bytes within bounds. Integers of fixed width are little-endian; a `number` is an unsigned LEB128 in
   its shortest form, up to 10 bytes.

   A reader stays where it is and is marked `failed` once anything does not fit; what it returns then is zero. So a decoder
   reads on and asks once at the end. A writer is over space that its caller has made sure of: overrunning is a bug. */
#ifndef MOVEX_CORE_BYTES_H
#define MOVEX_CORE_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MOVEX_MAX_NUMBER 10 /* bytes of the longest number */

typedef struct movex_reader {
    const unsigned char *at, *end; /* at <= end */
    bool                 failed;
} movex_reader;

typedef struct movex_writer {
    unsigned char *at, *end; /* at <= end */
} movex_writer;

static inline movex_reader movex_reader_over(const void *bytes, size_t length)
{
    const unsigned char *start = bytes;
    return (movex_reader){.at = start, .end = length ? start + length : start};
}

static inline size_t movex_reader_left(const movex_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* Lends the next `length` bytes, or NULL. */
static inline const unsigned char *movex_read_bytes(movex_reader *reader, size_t length)
{
    if (reader->failed || movex_reader_left(reader) < length) {
        reader->failed = true;
        return NULL;
    }
    const unsigned char *bytes = reader->at;
    reader->at += length;
    return bytes;
}

static inline uint8_t movex_read_u8(movex_reader *reader)
{
    const unsigned char *bytes = movex_read_bytes(reader, 1);
    return bytes ? bytes[0] : 0;
}

static inline uint64_t movex_load_u64(const unsigned char *b)
{
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 |
           (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

static inline void movex_store_u64(unsigned char *b, uint64_t value)
{
    for (int i = 0; i < 8; i++) b[i] = (unsigned char)(value >> 8 * i);
}

static inline uint64_t movex_read_u64(movex_reader *reader)
{
    const unsigned char *bytes = movex_read_bytes(reader, 8);
    return bytes ? movex_load_u64(bytes) : 0;
}

/* A number and the bytes that it takes; 0 bytes: there is none. */
typedef struct movex_found_number {
    uint64_t value;
    size_t   size;
} movex_found_number;

/* Inlined into each reading of a number it would make decoders so large that nothing else of them were. */
#ifdef __GNUC__
__attribute__((noinline))
#endif
movex_found_number movex_find_number(const unsigned char *at, const unsigned char *end);

/* Most numbers take one byte. */
static inline uint64_t movex_read_number(movex_reader *reader)
{
    const unsigned char *at = reader->at;
    if (!reader->failed && at < reader->end && at[0] < 0x80) {
        reader->at = at + 1;
        return at[0];
    }
    movex_found_number found = movex_find_number(at, reader->end); /* by values, so that a reader can be kept in registers */
    if (reader->failed || found.size == 0) {
        reader->failed = true;
        return 0;
    }
    reader->at = at + found.size;
    return found.value;
}

/* A number of at most `most`. */
static inline uint64_t movex_read_number_to(movex_reader *reader, uint64_t most)
{
    uint64_t value = movex_read_number(reader);
    if (value <= most) return value;
    reader->failed = true;
    return 0;
}

static inline movex_writer movex_writer_over(void *bytes, size_t capacity)
{
    unsigned char *start = bytes;
    return (movex_writer){.at = start, .end = capacity ? start + capacity : start};
}

static inline void movex_write_bytes(movex_writer *writer, const void *bytes, size_t length)
{
    assert((size_t)(writer->end - writer->at) >= length);
    if (length) memcpy(writer->at, bytes, length);
    writer->at += length;
}

static inline void movex_write_u8(movex_writer *writer, uint8_t value)
{
    movex_write_bytes(writer, &value, 1);
}

static inline void movex_write_u64(movex_writer *writer, uint64_t value)
{
    assert(writer->end - writer->at >= 8);
    movex_store_u64(writer->at, value);
    writer->at += 8;
}

static inline void movex_write_number(movex_writer *writer, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) movex_write_u8(writer, (uint8_t)(value | 0x80));
    movex_write_u8(writer, (uint8_t)value);
}

/* How many bytes movex_write_number takes. */
static inline size_t movex_number_size(uint64_t value)
{
    size_t size = 1;
    while (value >>= 7) size++;
    return size;
}

#endif
