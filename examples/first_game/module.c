/* The game as a shared object that movexd can serve. */
#include "nim.h"

#include <movex/game.h>

MOVEX_GAME("nim", &nim_type);
