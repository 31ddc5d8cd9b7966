/* A simple opponent, and a client that plays by itself. */
#ifndef TICTACTOE_OPPONENT_H
#define TICTACTOE_OPPONENT_H

#include "../common/robot.h"
#include "game.h"

/* The cell in which to play for `seat`, whose turn it is: wins if it can, else stops the other from winning, else
   chooses in a way of its own that depends on `name`. The same table and name always give the same cell. */
uint8_t opponent_choose(const tictactoe *table, int seat, const char *name);

/* Sits down, places marks, and as X asks for as many rounds as it wants. */
extern const robot_mind opponent_mind;

#endif
