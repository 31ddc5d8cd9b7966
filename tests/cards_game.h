/* A game for tests with secrets of the master's: a deck that nobody sees, hands that their owners see, and choices that are
   hidden until all have chosen. */
#ifndef MOVEX_TESTS_CARDS_GAME_H
#define MOVEX_TESTS_CARDS_GAME_H

#include <movex/movex.h>

enum {
    CARDS_SIT,     /* MOVEX_CONFIRM */
    CARDS_SHUFFLE, /* MOVEX_MASTER_ONLY: makes a deck of the payload, in random order */
    CARDS_DEAL,    /* MOVEX_MASTER_ONLY: so many to each who sits */
    CARDS_TAKE,    /* MOVEX_CONFIRM: one from the deck */
    CARDS_PLAY,    /* from the hand onto the table */
    CARDS_CHOOSE,  /* from the hand; as CHOSEN */
    CARDS_CHOSEN,
    CARDS_NEXT,    /* choices go to the table */
    CARDS_SAY,
    CARDS_BREAK,   /* from now on redact breaks the schema */
    CARDS_ACTIONS
};
enum { CARDS_TAKEN = 1, CARDS_NONE, CARDS_NOT_SEATED, CARDS_FULL };
enum { CARDS_SEATS = 4, CARDS_DECK = 32, CARDS_HAND = 8, CARDS_TABLE = 32 };

typedef struct {
    char    name[12];
    uint8_t count, hand[CARDS_HAND]; /* cards are 1 to 255; 0: not to be seen */
    uint8_t choice;
    bool    chosen;
} cards_seat;

typedef struct {
    uint8_t    left, deck[CARDS_DECK];
    cards_seat seats[CARDS_SEATS];
    uint8_t    played, table[CARDS_TABLE];
    uint32_t   turn;
    bool       broken;
    char       said[16];
} cards;

typedef struct { uint8_t seat; } cards_place; /* SIT, CHOSEN */
typedef struct { uint64_t salt; uint8_t first; } cards_shuffle; /* the deck is first, first + 1, ...; salt is mixed in */
typedef struct { uint8_t count; } cards_deal;
typedef struct { uint8_t seat, index; } cards_pick; /* PLAY, CHOOSE */
typedef struct { char text[16]; } cards_say;

extern const movex_type cards_type;
/* The same without the hook that groups viewers. */
extern const movex_type cards_each_type;
/* The same without redact: only what is master-only is kept. */
extern const movex_type cards_open_type;

#endif
