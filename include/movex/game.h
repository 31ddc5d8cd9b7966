/** @file game.h
 *  A game as a shared object that `movexd` can serve: it exports its types through one symbol.
 *
 *      #include <movex/game.h>
 *      MOVEX_GAME("rock paper scissors", &rps_type);
 */
#ifndef MOVEX_GAME_H
#define MOVEX_GAME_H

#include <movex/export.h>
#include <movex/type.h>

/** Grows when movex_game, movex_type or what they point to change in a way that breaks old shared objects. */
#define MOVEX_GAME_INTERFACE 3

/** The name of the symbol. */
#define MOVEX_GAME_SYMBOL "movex_game_exports"

/** What a shared object exports. The first member never moves. */
typedef struct movex_game {
    uint32_t                 interface; /**< MOVEX_GAME_INTERFACE */
    const char              *name;      /**< for people */
    const movex_type *const *types;     /**< ended by NULL */
} movex_game;

/** Exports the given types. Once per shared object, at file level. */
#define MOVEX_GAME(name, ...)                                                                                          \
    static const movex_type *const movex_game_types[] = {__VA_ARGS__, NULL};                                           \
    MOVEX_GAME_DECLARATION_ MOVEX_EXPORT const movex_game movex_game_exports;                                          \
    const movex_game movex_game_exports = {MOVEX_GAME_INTERFACE, name, movex_game_types}

/** @cond */
#ifdef __cplusplus
#define MOVEX_GAME_DECLARATION_ extern "C"
#else
#define MOVEX_GAME_DECLARATION_ extern
#endif
/** @endcond */

#endif
