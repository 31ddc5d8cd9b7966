/* What makes the game a shared object that movexd can serve. */
#include "game.h"

#include <movex/game.h>

MOVEX_GAME("thirty-one", &thirtyone_type);
