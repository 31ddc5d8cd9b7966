/* A game for random runs in which everything can be hidden: pairs whose halves differ, refusals that depend on what is hidden,
   random draws in either half, a deck and hands that only the master or their owners may know. Nothing in it commutes. It comes
   in four types, which differ in how their views reach the clients. Compiled with SECRETS_LARGE, its states are larger than
   4 KiB, so that what its actions declare to touch counts. */
#ifndef MOVEX_TESTS_SECRETS_GAME_H
#define MOVEX_TESTS_SECRETS_GAME_H

#include <movex/type.h>

enum { /* actions */
    SECRETS_APPEND,
    SECRETS_SWAP,
    SECRETS_TAKE,
    SECRETS_BID,    /* adds to the pot; may be too much */
    SECRETS_DRAW,   /* draws random values */
    SECRETS_STAMP,  /* asks to be woken */
    SECRETS_CLAIM,  /* confirm */
    SECRETS_OPEN,   /* while it is open, everything is revealed */
    SECRETS_PLAY,   /* shows a card of one's hand: only its owner can compute which */
    SECRETS_MARK,   /* stands for hidden ones */
    SECRETS_WISH,   /* the same, and draws random values */
    SECRETS_HIDE_APPEND, /* hidden as mark */
    SECRETS_HIDE_BID,    /* hidden as mark */
    SECRETS_HIDE_SWAP,   /* hidden as mark */
    SECRETS_HIDE_DRAW,   /* hidden as wish; draws as well */
    SECRETS_SHUFFLE,     /* the master's alone; its payload is a secret */
    SECRETS_DEAL,        /* the master's alone */
    SECRETS_TICK,        /* reserved, from here on */
    SECRETS_ENTER,
    SECRETS_LEAVE,
    SECRETS_ACTIONS
};

enum { SECRETS_ROOM = 10, SECRETS_CARDS = 12, SECRETS_HANDS = 6, SECRETS_HAND = 3, SECRETS_MARKS = 7 };
#ifdef SECRETS_LARGE
enum { SECRETS_CELLS = 1100 };
#else
enum { SECRETS_CELLS = 160 };
#endif

enum { SECRETS_FULL = 1, SECRETS_EMPTY, SECRETS_TAKEN, SECRETS_TOO_MUCH, SECRETS_NO_HAND };

typedef struct secrets_hand {
    char     owner[16];
    uint32_t count;
    uint32_t cards[SECRETS_HAND]; /* 0: not to be seen */
} secrets_hand;

typedef struct secrets {
    uint32_t     count;
    uint32_t     items[SECRETS_ROOM];
    int32_t      pot;
    uint32_t     marks; /* hidden actions since the last reveal of so many */
    uint64_t     drawn, stamped_ms, due_ms;
    uint32_t     ticks, present;
    uint32_t     deck_count;
    uint32_t     deck[SECRETS_CARDS]; /* 0: not to be seen */
    secrets_hand hands[SECRETS_HANDS];
    uint32_t     cells[SECRETS_CELLS]; /* makes it larger than a block of its image */
    char         owner[16];
    bool         open;
} secrets;

/* `id` names a dispatch, in all its halves. */
typedef struct secrets_move {
    uint32_t id;
    uint32_t value;
    uint8_t  a, b;
} secrets_move;

/* The last payload that was applied of an action that is the master's alone: it stands in no log. */
extern secrets_move secrets_master_only;

extern const movex_type secrets_plain_type;    /* pairs alone: clients fold again */
extern const movex_type secrets_dealt_type;    /* and actions of the master alone: clients are patched */
extern const movex_type secrets_redacted_type; /* and redact: each viewer a view */
extern const movex_type secrets_audience_type; /* and audience: equal views are one */

/* What may be shown in the place of an action, or SECRETS_ACTIONS. */
uint32_t secrets_shown_for(uint32_t action);

#endif
