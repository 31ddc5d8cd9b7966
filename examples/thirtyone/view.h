/* What a player of thirty-one sees and reads. */
#ifndef THIRTYONE_VIEW_H
#define THIRTYONE_VIEW_H

#include "../common/table.h"
#include "game.h"

/* Draws the table. */
bool view_compose(game_table *table);

/* What can be typed now. */
const char *view_prompt(const game_table *table);

/* Says what the others have done since `before`. */
void view_narrate(game_table *table, const thirtyone *before);

#endif
