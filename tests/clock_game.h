/* A game for tests in which time passes and people come and go. */
#ifndef MOVEX_TESTS_CLOCK_GAME_H
#define MOVEX_TESTS_CLOCK_GAME_H

#include <movex/movex.h>

enum { CLOCK_START, CLOCK_RING, CLOCK_ENTER, CLOCK_LEAVE, CLOCK_SET, CLOCK_ACTIONS };
enum { CLOCK_RUNNING = 1 };

typedef struct {
    uint64_t due_ms;   /* 0: the clock stands still */
    uint32_t every_ms; /* it rings again so long after it has rung; 0: once */
    uint32_t rings;
    uint64_t rung_ms;
    uint32_t present, came, went;
    char     last[32];  /* who came or went last */
    int32_t  deaf;      /* so many rings are refused */
    uint64_t remaining_ms; /* derived when it is read, never stored */
} clock_state;

typedef struct { uint32_t in_ms, every_ms; int32_t deaf; } clock_start;

extern const movex_type clock_type;

#endif
