/* Thirty-one, a card game for two to six, as a resource type: what a table is, what can be done at it, and the rules.

   Everybody holds three cards and wants as many points as possible in one suit: an ace counts 11, king, queen and jack
   10, the others what they say; so 31 is the most. In turn, a player takes a card, from the stock (unseen) or the one
   that lies open on the discard pile, and discards one; or knocks instead, after which everybody else has one more
   turn. Then the hands are shown. The lowest loses one of his three lives; a knocker who is lowest alone loses two, and
   one who shares the lowest hand none. Who holds 31 may show it at any time, and all others lose a life. The last who
   has lives left wins.

   Who may know what: nobody knows the stock, and a hand is known to its owner alone, until it is shown
   (thirtyone_type.redact). The cards are dealt by the master, so that nobody else ever sees how they were shuffled
   (THIRTYONE_DEALER). */
#ifndef THIRTYONE_GAME_H
#define THIRTYONE_GAME_H

#include "cards.h"

#include <movex/type.h>

enum { THIRTYONE_SEATS = 6, THIRTYONE_HAND = 3, THIRTYONE_LIVES = 3, THIRTYONE_BEST = 31, THIRTYONE_NOBODY = 255 };

typedef enum thirtyone_phase {
    THIRTYONE_OPEN,    /* no game has begun: whoever comes may sit */
    THIRTYONE_DEALING, /* the dealer is to deal */
    THIRTYONE_TAKING,  /* `turn` is to take a card, or to knock */
    THIRTYONE_DISCARDING, /* `turn` is to discard one of four */
    THIRTYONE_SHOWDOWN,   /* the dealer is to look at the hands */
    THIRTYONE_SHOWN,      /* they lie open: the round is over */
    THIRTYONE_OVER,       /* so is the game */
    THIRTYONE_PHASES
} thirtyone_phase;

/* The actions. */
enum {
    THIRTYONE_SIT,     /* take the first free seat; the master decides who was first */
    THIRTYONE_NEXT,    /* ask for the cards: a new round, or a new game with all who sit there */
    THIRTYONE_DRAW,    /* take the top card of the stock */
    THIRTYONE_PICK,    /* take the top card of the discard pile */
    THIRTYONE_DISCARD, /* lay down a card, open; payload: thirtyone_discard */
    THIRTYONE_KNOCK,   /* take none: this is the last turn */
    THIRTYONE_SHOW,    /* show 31 */
    THIRTYONE_STAND,   /* leave one's seat, and a game that goes on */
    THIRTYONE_GONE,    /* the master's: somebody's session has ended; the same */
    THIRTYONE_DEALER   /* the master's: what the dealer has to do: deal, turn the pile over, look at the hands */
};

/* Why an action is refused. */
enum {
    THIRTYONE_TABLE_FULL = 1,
    THIRTYONE_SEATED_ALREADY,
    THIRTYONE_NOT_SEATED,
    THIRTYONE_TOO_FEW,
    THIRTYONE_STILL_PLAYING,
    THIRTYONE_NOT_PLAYING,
    THIRTYONE_NOT_YOUR_TURN,
    THIRTYONE_DISCARD_FIRST,
    THIRTYONE_TAKE_FIRST,
    THIRTYONE_STOCK_EMPTY,
    THIRTYONE_NOT_YOUR_CARD,
    THIRTYONE_JUST_PICKED,
    THIRTYONE_KNOCKED_ALREADY,
    THIRTYONE_NO_31,
    THIRTYONE_NOTHING_TO_DO,
    THIRTYONE_PILE_EMPTY
};

/* A seat. One more card than a hand has: for a moment, between taking and discarding. */
typedef struct thirtyone_seat {
    char    player[MOVEX_NAME_SIZE]; /* who sits there; "" for nobody */
    uint8_t lives;                   /* 0: out of this game, or comes to the next */
    uint8_t lost;                    /* in the round that was shown last */
    uint8_t count;
    uint8_t hand[THIRTYONE_HAND + 1]; /* a list of `count` cards; CARDS_HIDDEN to whom it is hidden */
} thirtyone_seat;

/* A table. */
typedef struct thirtyone {
    thirtyone_seat seats[THIRTYONE_SEATS];
    uint8_t        phase;   /* thirtyone_phase */
    uint8_t        turn;    /* the seat */
    uint8_t        dealer;  /* the seat that is called so: the one after it begins */
    uint8_t        knocker; /* the seat; THIRTYONE_NOBODY for none */
    uint8_t        shower;  /* of 31; the same */
    uint8_t        picked;  /* the card that was taken from the pile in this turn; CARDS_NONE for none */
    uint8_t        stock_count, pile_count;
    uint8_t        stock[CARDS_IN_DECK]; /* the top one is the last; always CARDS_HIDDEN but on the master */
    uint8_t        pile[CARDS_IN_DECK];  /* open; the top one is the last */
    uint32_t       game;                 /* how many have begun */
    uint32_t       round;                /* of this game, counted from 1; 0 before the first */
    char           winner[MOVEX_NAME_SIZE]; /* of the game that was over last */
} thirtyone;

typedef struct thirtyone_discard {
    uint8_t card;
} thirtyone_discard;

extern const movex_type thirtyone_type;

/* The seat in which `name` sits, or -1. */
int thirtyone_seat_of(const thirtyone *table, const char *name);

/* How many sit there, and how many of them have lives left. */
unsigned thirtyone_seated(const thirtyone *table);
unsigned thirtyone_alive(const thirtyone *table);

/* True while a game goes on. */
bool thirtyone_is_playing(const thirtyone *table);

/* True if `seat` is to do something now. */
bool thirtyone_is_turn_of(const thirtyone *table, int seat);

/* The best suit's points of a hand, as far as its cards are known. */
unsigned thirtyone_points(const thirtyone_seat *seat);

/* The open card that can be taken; CARDS_NONE if there is none. */
uint8_t thirtyone_top(const thirtyone *table);

/* One of the reasons above in words. */
const char *thirtyone_reason_text(int reason);

#endif
