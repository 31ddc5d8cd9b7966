/* Tic-tac-toe as a resource type: what a table is, what can be done at it, and the rules. */
#ifndef TICTACTOE_GAME_H
#define TICTACTOE_GAME_H

#include <movex/type.h>

enum { TICTACTOE_SEATS = 2, TICTACTOE_CELLS = 9 };

typedef enum tictactoe_mark { TICTACTOE_EMPTY, TICTACTOE_X, TICTACTOE_O, TICTACTOE_MARKS } tictactoe_mark;

typedef enum tictactoe_result {
    TICTACTOE_OPEN, /* the round goes on, or has not begun */
    TICTACTOE_X_WON,
    TICTACTOE_O_WON,
    TICTACTOE_DRAWN
} tictactoe_result;

/* The actions. */
enum {
    TICTACTOE_SIT,   /* take the first free seat; the master decides who was first */
    TICTACTOE_PLACE, /* put one's mark into a cell; payload: tictactoe_place */
    TICTACTOE_AGAIN, /* after a round: clear the board, the other one begins */
    TICTACTOE_STAND  /* leave one's seat to somebody else; an open round is void */
};

/* Why an action is refused. */
enum {
    TICTACTOE_TABLE_FULL = 1,
    TICTACTOE_SEATED_ALREADY,
    TICTACTOE_NOT_SEATED,
    TICTACTOE_NO_OPPONENT,
    TICTACTOE_ROUND_OVER,
    TICTACTOE_NOT_YOUR_TURN,
    TICTACTOE_NO_SUCH_CELL,
    TICTACTOE_CELL_TAKEN,
    TICTACTOE_STILL_PLAYING
};

/* A table. Seat 0 plays X, seat 1 plays O. */
typedef struct tictactoe {
    char     player[TICTACTOE_SEATS][MOVEX_NAME_SIZE]; /* who sits there; "" for nobody */
    uint8_t  cell[TICTACTOE_CELLS];                    /* tictactoe_mark, row by row from the top left */
    uint8_t  turn;                                     /* the seat that moves next */
    uint8_t  starter;                                  /* the seat that has begun this round */
    uint8_t  result;                                   /* tictactoe_result */
    uint32_t round;                                    /* counted from 1 */
    uint32_t wins[TICTACTOE_SEATS];                    /* of those who sit there now */
    uint32_t draws;
} tictactoe;

typedef struct tictactoe_place {
    uint8_t cell; /* 0 to 8 */
} tictactoe_place;

extern const movex_type tictactoe_type;

/* The seat in which `name` sits, or -1. */
int tictactoe_seat_of(const tictactoe *table, const char *name);

/* True if both seats are taken. */
bool tictactoe_is_full(const tictactoe *table);

/* True if `seat` may place a mark now. */
bool tictactoe_is_turn_of(const tictactoe *table, int seat);

/* The mark with which that seat plays. */
tictactoe_mark tictactoe_mark_of(int seat);

/* True if three of that mark stand in a row. */
bool tictactoe_has_line(const uint8_t cell[TICTACTOE_CELLS], tictactoe_mark mark);

/* One of the reasons above in words. */
const char *tictactoe_reason_text(int reason);

#endif
