/* A game for tests in which players hide what they do: bids, cards in hand, words in a common log, what they take from a
   common pot. Who sits at a place alone acts for it. */
#ifndef MOVEX_TESTS_HIDDEN_GAME_H
#define MOVEX_TESTS_HIDDEN_GAME_H

#include <movex/movex.h>

enum {
    HIDDEN_SIT,    /* public, as all without "as" */
    HIDDEN_REMOVE, /* clears a place, whoever's it is */
    HIDDEN_SETUP,
    HIDDEN_BID,       /* as MOVED */
    HIDDEN_MOVED,     /* turn++ as well */
    HIDDEN_DRAW,      /* as DRAWN */
    HIDDEN_DRAWN,     /* an unknown card */
    HIDDEN_DISCARD,   /* the first card; as DISCARDED */
    HIDDEN_DISCARDED, /* the last card */
    HIDDEN_STAKE,     /* takes from the pot; as NOTHING */
    HIDDEN_STAMP,     /* notes time and draws a random value; as NOTHING */
    HIDDEN_NOTHING,
    HIDDEN_ROLL, /* draws a random value for each who has drawn one before */
    HIDDEN_RAISE,
    HIDDEN_WRITE, /* appends to the log; as SCRIBBLE */
    HIDDEN_SCRIBBLE,
    HIDDEN_TIME_UP,
    HIDDEN_AGAIN,
    HIDDEN_WAKE, /* the master's, in hidden_watched_type */
    HIDDEN_CAME,
    HIDDEN_WENT,
    HIDDEN_ACTIONS
};
enum { HIDDEN_NOT_YOURS = 1, HIDDEN_TAKEN, HIDDEN_FULL, HIDDEN_EMPTY, HIDDEN_POOR, HIDDEN_DONE };
enum { HIDDEN_SEATS = 4, HIDDEN_HAND = 8, HIDDEN_LOG = 64, HIDDEN_UNKNOWN = '?' };

typedef struct {
    char     name[12];
    uint8_t  count, hand[HIDDEN_HAND];
    int32_t  bid;
    bool     moved;
    uint64_t stamp_ms, luck;
} hidden_seat;

typedef struct {
    hidden_seat seats[HIDDEN_SEATS];
    int32_t     pot;
    uint32_t    turn, rounds, needed, wanted, present;
    int8_t      winner; /* the place with the highest bid, once `needed` have bid; -1: none */
    bool        time_is_up;
    uint64_t    due_ms, rolled;
    uint8_t     written, log[HIDDEN_LOG];
} hidden_table;

typedef struct { uint8_t seat; } hidden_place;           /* of those without another payload */
typedef struct { uint8_t seat; int32_t value; } hidden_deed; /* BID, DRAW, STAKE, WRITE */
typedef struct { int32_t amount; } hidden_amount;        /* RAISE */
/* When all is revealed: once so many have moved, so many are present, or so much time has gone by; 0: never. */
typedef struct { uint32_t needed, wanted, in_ms; } hidden_setup;

extern const movex_type hidden_type;
/* The same, with actions of the master's for waking, joining and leaving. */
extern const movex_type hidden_watched_type;

/* Does it openly: `value` is the bid, the card, the letter, the amount, how many are needed; or unused. */
movex_ticket hidden_do(movex_resource *resource, uint32_t action, uint8_t seat, int32_t value);
/* Does it hidden as what may be shown in its stead. */
movex_ticket hidden_hide(movex_resource *resource, uint32_t action, uint8_t seat, int32_t value);

#endif
