#define _POSIX_C_SOURCE 200809L

#include "games.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool fail(movexd_failure *failure, const char *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    failure->path = path;
    vsnprintf(failure->cause, sizeof failure->cause, format, arguments);
    va_end(arguments);
    return false;
}

/* The dynamic linker's words, without the path that they repeat. */
static const char *linker_words(const char *path)
{
    const char *words = dlerror();
    size_t      length = strlen(path);
    if (!words) return "the dynamic linker does not say why";
    if (strncmp(words, path, length) == 0 && strncmp(words + length, ": ", 2) == 0) return words + length + 2;
    return words;
}

/* Opens the shared object. The checks before make for clearer words than the dynamic linker's, which would also look for
   a name without a slash in the system's directories. */
static bool open_object(movexd_loaded *loaded, movexd_failure *failure)
{
    struct stat information;
    char        path[PATH_MAX];
    if (stat(loaded->path, &information) != 0) return fail(failure, loaded->path, "%s", strerror(errno));
    if (!S_ISREG(information.st_mode)) return fail(failure, loaded->path, "not a file");
    int length = snprintf(path, sizeof path, "%s%s", strchr(loaded->path, '/') ? "" : "./", loaded->path);
    if (length < 0 || (size_t)length >= sizeof path) return fail(failure, loaded->path, "%s", strerror(ENAMETOOLONG));
    loaded->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return loaded->handle ||
           fail(failure, loaded->path, "not a shared object that can be loaded here: %s", linker_words(path));
}

static bool find_game(movexd_loaded *loaded, movexd_failure *failure)
{
    const movex_game *game = dlsym(loaded->handle, MOVEX_GAME_SYMBOL);
    if (!game)
        return fail(failure, loaded->path, "not a game: it does not export the symbol %s (see movex/game.h)",
                    MOVEX_GAME_SYMBOL);
    if (game->interface != MOVEX_GAME_INTERFACE)
        return fail(failure, loaded->path,
                    "built for interface %u of movex/game.h, and this program knows interface %u: build it again",
                    (unsigned)game->interface, (unsigned)MOVEX_GAME_INTERFACE);
    if (!game->name || !*game->name) return fail(failure, loaded->path, "the game has no name");
    if (!game->types || !game->types[0]) return fail(failure, loaded->path, "the game exports no types");
    loaded->game = game;
    return true;
}

/* True if one of the first `count` types of the game has that name. */
static bool exports(const movex_game *game, uint32_t count, const char *type_name)
{
    for (uint32_t i = 0; i < count && game->types[i]; i++)
        if (strcmp(game->types[i]->name, type_name) == 0) return true;
    return false;
}

/* Checks the type at `index` of a game: its description, and that nobody has exported one of that name before. */
static bool check_type(const movexd_games *games, const char *path, const movex_game *game, uint32_t index,
                       movexd_failure *failure)
{
    const movex_type *type = game->types[index];
    movex_error       error;
    movex_rules      *rules = movex_rules_new(type, NULL, &error);
    if (!rules) return fail(failure, path, "%s", error.text);
    movex_rules_free(rules);
    if (exports(game, index, type->name)) return fail(failure, path, "exports two types named \"%s\"", type->name);
    for (uint32_t i = 0; i < games->loaded_count; i++) {
        const movexd_loaded *other = &games->loaded[i];
        if (exports(other->game, UINT32_MAX, type->name))
            return fail(failure, path, "the type \"%s\" is exported by %s as well", type->name, other->path);
    }
    return true;
}

static bool take_types(movexd_games *games, const char *path, const movex_game *game, movexd_failure *failure)
{
    uint32_t count = 0;
    while (game->types[count]) count++;
    size_t             room = games->type_count + (size_t)count + 1;
    const movex_type **types = realloc(games->types, room * sizeof *types);
    if (!types) return fail(failure, path, "out of memory");
    games->types = types;
    for (uint32_t i = 0; i < count; i++)
        if (!check_type(games, path, game, i, failure)) return false;
    memcpy(types + games->type_count, game->types, ((size_t)count + 1) * sizeof *types);
    games->type_count += count;
    return true;
}

static bool load_game(movexd_games *games, const char *path, movexd_failure *failure)
{
    movexd_loaded loaded = {.path = path};
    if (!open_object(&loaded, failure)) return false;
    if (!find_game(&loaded, failure) || !take_types(games, path, loaded.game, failure)) {
        dlclose(loaded.handle);
        return false;
    }
    games->loaded[games->loaded_count++] = loaded;
    return true;
}

bool movexd_games_load(movexd_games *games, char *const *paths, uint32_t path_count, movexd_failure *failure)
{
    *games = (movexd_games){.loaded = calloc(path_count, sizeof *games->loaded)};
    if (!games->loaded) return fail(failure, paths[0], "out of memory");
    for (uint32_t i = 0; i < path_count; i++)
        if (!load_game(games, paths[i], failure)) return false;
    return true;
}

void movexd_games_free(movexd_games *games)
{
    for (uint32_t i = 0; i < games->loaded_count; i++) dlclose(games->loaded[i].handle);
    free(games->loaded);
    free(games->types);
    *games = (movexd_games){0};
}
