/* A game for tests whose actions do not commute: a row of numbers. */
#ifndef MOVEX_TESTS_ROW_GAME_H
#define MOVEX_TESTS_ROW_GAME_H

#include <movex/movex.h>

enum { ROW_APPEND, ROW_SWAP, ROW_TAKE, ROW_DRAW, ROW_STAMP, ROW_CLAIM, ROW_SAY, ROW_ACTIONS };
enum { ROW_FULL = 1, ROW_EMPTY, ROW_TAKEN, ROW_NOT_YOURS };
enum { ROW_CAPACITY = 16 };

typedef struct {
    uint32_t count;
    int32_t  numbers[ROW_CAPACITY];
    uint64_t drawn, stamp_ms, stamp_version;
    char     stamper[32], owner[32], said[64];
} row;

typedef struct { int32_t number; } row_append;
typedef struct { uint8_t a, b; } row_swap;
typedef struct { char text[64]; } row_say;

extern const movex_type row_type;
/* Described as the same, but its append adds one too many. */
extern const movex_type row_wrong_type;
/* Described as another version. */
extern const movex_type row_newer_type;

#endif
