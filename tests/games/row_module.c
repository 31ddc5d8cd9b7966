/* The tests' own games as a shared object, for clients that play them over a network. */
#include "../atlas_game.h"
#include "../bluff_game.h"
#include "../cards_game.h"
#include "../hidden_game.h"
#include "../row_game.h"

#include <movex/game.h>

MOVEX_GAME("games for tests", &row_type, &atlas_type, &bluff_type, &hands_type, &hidden_type, &cards_type);
