/* Games in shared objects: loading them, checking them, collecting their resource types. */
#ifndef MOVEXD_GAMES_H
#define MOVEXD_GAMES_H

#include <movex/game.h>

#include <stdint.h>

typedef struct movexd_loaded {
    void             *handle; /* of the dynamic linker */
    const char       *path;   /* as it was given */
    const movex_game *game;
} movexd_loaded;

typedef struct movexd_games {
    movexd_loaded     *loaded;
    uint32_t           loaded_count;
    const movex_type **types; /* of all games together, ended by NULL: what a master is configured with */
    uint32_t           type_count;
} movexd_games;

/* What went wrong, for the log. */
typedef struct movexd_failure {
    const char *path;                         /* of the game; as it was given */
    char        cause[MOVEX_ERROR_TEXT_SIZE]; /* one line */
} movexd_failure;

/* Loads the games at `paths`. False with `failure` filled at the first that cannot be served; `games` must be freed in
   either case. A path without a slash is one in the current directory. `paths` must outlive the games. */
bool movexd_games_load(movexd_games *games, char *const *paths, uint32_t path_count, movexd_failure *failure);

/* Unloads the games: nothing of them may be in use any more. */
void movexd_games_free(movexd_games *games);

#endif
