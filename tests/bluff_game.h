/* Two small games in which players may not know the same, for clients made by hand: bluff has pairs, and its clients compute
   their views; hands has redact, an action of the master's alone and pairs, and its clients are sent what they cannot compute. */
#ifndef MOVEX_TESTS_BLUFF_GAME_H
#define MOVEX_TESTS_BLUFF_GAME_H

#include <movex/type.h>

/* ---- bluff: two seats bid from their purses; bids are hidden until both have bid */

enum { BLUFF_SEATS = 2, BLUFF_READY_BID = 255, BLUFF_PURSE = 100 };
enum { BLUFF_SIT, BLUFF_BID, BLUFF_READY, BLUFF_STEAL, BLUFF_AGAIN, BLUFF_ACTIONS };
enum { BLUFF_FULL = 1, BLUFF_NOT_YOURS, BLUFF_TOO_MUCH, BLUFF_NOT_YET };

typedef struct {
    char     player[BLUFF_SEATS][32];
    uint8_t  bid[BLUFF_SEATS]; /* 0: none; BLUFF_READY_BID: hidden */
    int16_t  purse[BLUFF_SEATS];
    uint32_t rounds;
    uint64_t luck;  /* drawn by odd bids, by who is ready, and by thefts */
    uint64_t at_ms; /* of the last bid */
} bluff;

typedef struct {
    uint8_t seat, amount; /* 1 to 200 */
} bluff_bid;
typedef struct {
    uint8_t seat;
} bluff_ready;
typedef struct {
    uint8_t seat, amount; /* from whom */
} bluff_steal;

extern const movex_type bluff_type;

/* ---- hands: cards are dealt by the master, and each player sees his own alone */

enum { HANDS_CARDS = 24, HANDS_SEATS = 3, HANDS_HELD = 4, HANDS_PASSED = 200 };
enum { HANDS_SIT, HANDS_SHUFFLE, HANDS_DRAW, HANDS_PICK, HANDS_PASS, HANDS_ACTIONS };
enum { HANDS_FULL = 1, HANDS_NOT_SEATED, HANDS_NO_CARD };

typedef struct {
    uint8_t count;
    uint8_t cards[HANDS_HELD]; /* 0 where the viewer may not see them */
} hand;

typedef struct {
    char     player[HANDS_SEATS][32];
    uint8_t  left; /* in the deck */
    uint8_t  deck[HANDS_CARDS];
    hand     hands[HANDS_SEATS];
    uint8_t  picked[HANDS_SEATS]; /* a card; HANDS_PASSED: hidden; 0: none */
    uint32_t shuffles;
} hands;

typedef struct {
    uint8_t card;
} hands_pick;
typedef struct {
    uint8_t times;
} hands_shuffle;

extern const movex_type hands_type;

#endif
