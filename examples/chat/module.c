/* What makes the room a shared object that movexd can serve. */
#include "room.h"

#include <movex/game.h>

MOVEX_GAME("chat", &room_type);
