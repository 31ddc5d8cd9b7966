/* The records of a file, one after the other. Of each:

       length   4 bytes, little-endian: of the payload, 1 or more
       header   4 bytes: the low half of h = XXH64(length as above, offset in 8 bytes; seed)
       payload
       check    8 bytes: XXH64(payload; h)

   `offset` is where the record begins in its file, and `seed` the file's own. So a record that was copied from another file
   or place does not pass; a length is known to be right before it is used; and zeros are no record. */
#ifndef MOVEX_CORE_RECORD_H
#define MOVEX_CORE_RECORD_H

#include "memory.h"

#include <movex/store.h>

#include <stdint.h>

enum {
    MOVEX_RECORD_HEADER = 8,
    MOVEX_RECORD_FRAME = 16, /* bytes that a record has besides its payload */
    MOVEX_RECORD_MOST = INT32_MAX /* bytes of a payload, whatever a reader allows */
};

/* Where a reader stands. All but WHOLE and MORE are final. */
typedef enum movex_record_state {
    MOVEX_RECORD_WHOLE,    /* a record */
    MOVEX_RECORD_MORE,     /* more bytes are needed to tell */
    MOVEX_RECORD_END,      /* the file ends behind the last record */
    MOVEX_RECORD_TORN,     /* it ends within a record, whose bytes are right as far as can be told */
    MOVEX_RECORD_CORRUPT,  /* a header or a check is wrong */
    MOVEX_RECORD_TOO_LONG, /* a payload is longer than the most that is allowed */
    MOVEX_RECORD_UNREADABLE /* scan: the store has failed (`status`) */
} movex_record_state;

const char *movex_record_state_text(movex_record_state state);

/* Writes a record that begins at `offset` of its file, over MOVEX_RECORD_FRAME + length bytes, of which the payload already
   stands at MOVEX_RECORD_HEADER. */
void movex_record_seal(unsigned char *record, uint32_t length, uint64_t offset, uint64_t seed);

/* Reads what begins at `offset`: `length` bytes are there, and `last` tells that the file ends behind them. WHOLE: `payload`
   is where it lies and `*size` how long it is. MORE: `*size` is how many bytes are needed in all (of the record), to know
   more. Otherwise `*size` is 0. */
movex_record_state movex_record_read(const unsigned char *bytes, size_t length, bool last, uint64_t offset, uint64_t seed,
                                     uint32_t most, const unsigned char **payload, size_t *size);

/* Reading the records of a file of a store, a piece at a time. */
typedef struct movex_record_scan {
    movex_store            store;
    movex_store_file       file;
    const movex_allocator *allocator;
    uint64_t               seed;
    uint32_t               most;   /* bytes of the longest payload */
    movex_record_state     state;  /* of the last `next` */
    int                    status; /* UNREADABLE: why */
    uint64_t               offset; /* where the record that is to be read next begins; at the end: behind the last whole one */
    movex_buffer           buffer; /* what has been read from `offset - used` on */
    size_t                 used;   /* of the buffer, by records that were given out; used <= buffer.length */
    bool                   last;   /* the file ends behind the buffer */
} movex_record_scan;

/* From `offset` on, where a record begins. Takes no memory yet. */
movex_record_scan movex_record_scan_from(movex_store store, movex_store_file file, uint64_t offset, uint64_t seed,
                                         uint32_t most, const movex_allocator *allocator);
/* WHOLE: the next record's payload, lent until the next call; else how it ended, again and again. */
movex_record_state movex_record_scan_next(movex_record_scan *scan, const unsigned char **payload, size_t *length);
/* After CORRUPT or TORN: is there a whole record behind, so that this is not a torn end but damage? `*offset`: where it
   begins. False as well if the store cannot be read (state UNREADABLE) or there is no memory. */
bool movex_record_scan_beyond(movex_record_scan *scan, uint64_t *offset);
void movex_record_scan_end(movex_record_scan *scan);

#endif
