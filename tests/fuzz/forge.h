/* Messages made of the bytes of an input: each field is either what fits (a number that the other side has given),
   small, or absurd. Any kind can be written by either side. */
#ifndef MOVEX_TESTS_FUZZ_FORGE_H
#define MOVEX_TESTS_FUZZ_FORGE_H

#include "fuzz.h"
#include "table_game.h"
#include "wire.h"

enum { FORGE_FRAME = 4096, FORGE_KNOWN = 16 };

/* What one side of a link knows of the other, from what has come. */
typedef struct forge {
    const movex_rules *rules[TABLE_TYPES];
    uint64_t           known[FORGE_KNOWN]; /* numbers that have come, a ring */
    uint32_t           known_count;        /* ever */
    uint64_t           sequence;           /* of its dispatches */
    uint64_t           version;            /* of the last SNAPSHOT or ENTRY */
    uint32_t           number;             /* of the last BOUND */
    unsigned char      token[MOVEX_TOKEN_SIZE];
    bool               has_token;
    uint32_t           errors, welcomes, bound, entries; /* messages that have come */
    unsigned char      frame[FORGE_FRAME];               /* what is to be sent next */
    size_t             length;
} forge;

/* Adds a message to the frame; nothing if there is no room for it. */
void forge_write(forge *f, unsigned kind, fuzz_input *input);
/* Adds bytes as they are. */
void forge_raw(forge *f, const uint8_t *bytes, size_t length);
/* Changes one byte of the frame, cuts some out, or puts some in. */
void forge_edit(unsigned char *frame, size_t *length, size_t capacity, fuzz_input *input);
/* Learns from a frame of the library's own, which must be well formed. */
void forge_learn(forge *f, const unsigned char *frame, size_t length);

#endif
