/* What makes examples/rps.c a shared object that movexd can serve. */
#include <movex/game.h>

extern const movex_type rps_type;

MOVEX_GAME("rock, paper, scissors", &rps_type);
