/* Writing into bounded space: what does not fit is counted, not written, so that a caller learns the size it takes. */
#ifndef MOVEX_CORE_SINK_H
#define MOVEX_CORE_SINK_H

#include "bytes.h"

typedef struct movex_sink {
    unsigned char *bytes;    /* may be NULL if capacity is 0 */
    size_t         capacity; /* bytes */
    size_t         length;   /* bytes put, whether they fitted or not */
} movex_sink;

/* The place for the next `length` bytes, or NULL if they do not fit; they count in any case. */
static inline unsigned char *movex_sink_claim(movex_sink *sink, size_t length)
{
    size_t at = sink->length;
    sink->length += length;
    return sink->length <= sink->capacity ? sink->bytes + at : NULL;
}

static inline void movex_sink_put(movex_sink *sink, const void *bytes, size_t length)
{
    unsigned char *place = movex_sink_claim(sink, length);
    if (place && length) memcpy(place, bytes, length);
}

static inline void movex_sink_number(movex_sink *sink, uint64_t value)
{
    size_t         size = movex_number_size(value);
    unsigned char *place = movex_sink_claim(sink, size);
    if (!place) return;
    movex_writer writer = movex_writer_over(place, size);
    movex_write_number(&writer, value);
}

#endif
