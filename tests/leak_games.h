/* Games that keep secrets for test_leak.c, and the same games with a leak planted. */
#ifndef MOVEX_TESTS_LEAK_GAMES_H
#define MOVEX_TESTS_LEAK_GAMES_H

#include <movex/movex.h>

/* ---- rock, paper, scissors: hidden moves */

enum { DUEL_NOBODY, DUEL_HIDDEN, DUEL_ROCK, DUEL_PAPER, DUEL_SCISSORS, DUEL_DRAW };
enum { DUEL_SIT, DUEL_SUBMIT, DUEL_GAMBLE, DUEL_READY, DUEL_NOTE, DUEL_ACTIONS };
enum { DUEL_NOT_YOURS = 1, DUEL_FULL, DUEL_NO_MOVE, DUEL_OVER, DUEL_TOO_LATE };

typedef struct {
    char     player[2][16];
    uint8_t  move[2];
    uint8_t  winner;
    uint32_t notes;
} duel;

typedef struct { uint8_t seat, move; } duel_submit;
typedef struct { uint8_t seat, extra; } duel_ready;
enum { DUEL_DICE = 99 }; /* of duel_ready.extra: draws a random value */

extern const movex_type duel_type;
/* DUEL_NOTE is refused in the view of whoever has hidden paper: in one view only. */
extern const movex_type duel_touchy_type;
/* A hidden move is not tried on the client, and refused by the master with a reason that depends on it. */
extern const movex_type duel_blind_type;

/* ---- cards: a deck that only the master knows, hands that their owners know */

enum { CARDS_SHUFFLE, CARDS_SIT, CARDS_DRAW, CARDS_GUESS, CARDS_ACTIONS };
enum { CARDS_FULL = 1, CARDS_EMPTY, CARDS_TOO_HIGH, CARDS_TOO_LOW };

typedef struct { char owner[16]; uint8_t count, held[4]; } cards_hand;
typedef struct {
    uint8_t    left;
    uint8_t    deck[8];
    cards_hand hands[2];
    uint8_t    shown;
} cards;

typedef struct { uint8_t deck[8]; } cards_order;
typedef struct { uint8_t card; } cards_guess;

extern const movex_type cards_type;
extern const movex_type cards_shared_type;    /* honest, with an audience */
extern const movex_type cards_forgetful_type; /* redact forgets the last card of the deck */
extern const movex_type cards_confused_type;  /* audience: all players alike */
extern const movex_type cards_talkative_type; /* a guess is refused with a reason that tells the card */
extern const movex_type cards_generous_type;  /* a guess is accepted if it is right */
extern const movex_type cards_open_type;      /* drawing shows the card that comes next */

#endif
