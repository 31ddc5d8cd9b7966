/* A player without a person. It is a client like any other and knows no more than a person in its place: it forks the
   state that its client holds, in which the stock and the other hands are hidden, and tries its moves there. */
#ifndef THIRTYONE_BOT_H
#define THIRTYONE_BOT_H

#include "../common/robot.h"
#include "game.h"

typedef struct bot_move {
    int     action; /* -1: nothing to do now */
    uint8_t card;   /* to be discarded, else CARDS_NONE */
} bot_move;

/* What `name` does, as far as it is known to it: `known` is its fork of the table. */
bot_move bot_choose(const movex_rules *rules, const thirtyone *known, const char *name);

/* Sits down, plays, and asks for new rounds and games if it was told how many. */
extern const robot_mind bot_mind;

#endif
