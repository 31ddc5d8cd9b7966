/* One game as four resource types, so that everything that a type can have meets everything else:

     open    nothing hidden; wakes, joined, left; a state of several blocks, so that changes are found by comparing
     duel    pairs, revealed once two seats are locked, or when somebody opens; with TABLE_SEALED they are sealed
     cards   the same, and hands that are redacted, by audience; actions of the master's alone
     eyes    the same, redacted for each viewer, without audience

   Nothing commutes, and refusals depend on the state. Which action may be hidden as which is not always wise:
   views then differ in what the reducer refuses, which the library must bear. */
#ifndef MOVEX_TESTS_FUZZ_TABLE_GAME_H
#define MOVEX_TESTS_FUZZ_TABLE_GAME_H

#include <movex/movex.h>

enum {
    TABLE_APPEND,
    TABLE_SWAP,
    TABLE_TAKE,
    TABLE_DRAW,
    TABLE_STAMP,
    TABLE_SAY,
    TABLE_CLAIM,   /* MOVEX_CONFIRM */
    TABLE_READY,   /* what LOCK is hidden as */
    TABLE_LOCK,    /* hidden as READY, of the same seat */
    TABLE_GAMBLE,  /* draws; hidden as DRAW */
    TABLE_STEAL,   /* empties what SWAP would exchange; hidden as SWAP */
    TABLE_OPEN,    /* has everything revealed; again: unlocks all seats */
    TABLE_BREAK,   /* leaves a state that its schema does not allow */
    TABLE_SHUFFLE, /* MOVEX_MASTER_ONLY where something is redacted */
    TABLE_DEAL,    /* the same; draws a card for its author */
    TABLE_TICK,    /* wake */
    TABLE_ENTER,   /* joined */
    TABLE_LEAVE,   /* left */
    TABLE_ACTIONS
};

enum { TABLE_ITEMS = 6, TABLE_SEATS = 3, TABLE_DECK = 12, TABLE_CELLS = 80 };

typedef struct table_seat {
    char    who[MOVEX_NAME_SIZE]; /* "": free */
    uint8_t card, value;
    bool    locked;
} table_seat;

typedef struct table {
    uint8_t    count;
    uint32_t   items[TABLE_ITEMS];
    table_seat seats[TABLE_SEATS];
    uint16_t   deck_count;
    uint8_t    deck[TABLE_DECK];
    uint64_t   drawn, stamped_ms, due_ms;
    uint32_t   ticks, present, locks;
    bool       opened;
    float      mood;
    char       said[24];
    uint32_t   cells[TABLE_CELLS];
    uint64_t   shown_ms; /* by transform */
} table;

typedef struct table_move {
    uint32_t id;
    uint8_t  a, b;
    char     text[12];
} table_move;

typedef struct table_lock {
    uint8_t seat, value;
} table_lock;

enum { TABLE_TYPES = 4 };

extern const movex_type *const table_types[TABLE_TYPES + 1]; /* ended by NULL */

#endif
