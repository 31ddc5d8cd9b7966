/* A simple opponent, and a client that plays by itself. */
#ifndef TICTACTOE_OPPONENT_H
#define TICTACTOE_OPPONENT_H

#include "game.h"

#include <movex/client.h>

/* The cell in which to play for `seat`, whose turn it is: wins if it can, else stops the other from winning, else
   chooses in a way of its own that depends on `name`. The same table and name always give the same cell. */
uint8_t opponent_choose(const tictactoe *table, int seat, const char *name);

/* A player without a person. The first four members are set by its owner. */
typedef struct opponent {
    movex_resource *table;
    const char     *name;
    uint32_t        rounds;   /* rounds that it asks for, as X, one after the other; 0: it leaves that to others */
    uint32_t        pause_ms; /* how long it thinks before it does something */
    bool            thinking; /* it could do something, and will when the time has come */
    uint64_t        due_ms;   /* that time */
} opponent;

/* Does what there is to do now: sits down, places a mark or asks for another round. To be called after every poll. */
void opponent_play(opponent *player, uint64_t now_ms);

/* True when all rounds are over and confirmed and nothing is on its way any more. */
bool opponent_is_done(const opponent *player);

#endif
