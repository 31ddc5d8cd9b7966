/* tools/common/games.h for a movex that has its games in it, whatever file they are asked from: not every machine that a
   journal is replayed on can load a shared object. */
#include "games.h"
#include "recorded_types.h"

#include <stdlib.h>

bool movexd_games_load(movexd_games *games, char *const *paths, uint32_t path_count, movexd_failure *failure)
{
    (void)path_count;
    uint32_t count = 0;
    while (recorded_types[count]) count++;
    *games = (movexd_games){.types = malloc((count + 1) * sizeof *games->types), .type_count = count};
    for (uint32_t i = 0; games->types && i <= count; i++) games->types[i] = recorded_types[i];
    if (!games->types) *failure = (movexd_failure){.path = paths[0], .cause = "out of memory"};
    return games->types;
}

void movexd_games_free(movexd_games *games)
{
    free(games->types);
    *games = (movexd_games){0};
}
