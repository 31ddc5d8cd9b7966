/* Games that movexd must refuse. Which one this is, meson.build chooses by defining one of these macros. */
#include <movex/game.h>

typedef struct {
    uint32_t count;
    uint32_t forgotten;
} state;

#ifdef FORGOTTEN_MEMBER
MOVEX_SCHEMA(state_schema, state, MOVEX_FIELD(state, count));
#else
MOVEX_SCHEMA(state_schema, state, MOVEX_FIELD(state, count), MOVEX_FIELD(state, forgotten));
#endif

static int reduce(void *s, const movex_action *action, const movex_context *context)
{
    (void)action, (void)context;
    ((state *)s)->count++;
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {{.name = "count"}};

#ifdef SAME_TYPE
#define TYPE_NAME "tictactoe"
#else
#define TYPE_NAME "broken"
#endif

static const movex_type type = {.name = TYPE_NAME,
                                .state = &state_schema,
                                .actions = actions,
                                .action_count = MOVEX_COUNT_OF(actions),
                                .reduce = reduce};

#if defined(OTHER_INTERFACE)
extern MOVEX_EXPORT const movex_game movex_game_exports;
static const movex_type *const       types[] = {&type, NULL};
const movex_game                     movex_game_exports = {MOVEX_GAME_INTERFACE + 1000, "broken", types};
#elif defined(NO_TYPES)
extern MOVEX_EXPORT const movex_game movex_game_exports;
static const movex_type *const       types[] = {NULL, &type};
const movex_game                     movex_game_exports = {MOVEX_GAME_INTERFACE, "broken", types};
#elif defined(NO_SYMBOL)
extern MOVEX_EXPORT const movex_type *const another_symbol;
const movex_type *const                     another_symbol = &type;
#elif defined(TYPE_TWICE)
MOVEX_GAME("broken", &type, &type);
#elif defined(UNKNOWN_FUNCTION)
extern int              function_that_nobody_has(void *, const movex_action *, const movex_context *);
static const movex_type unknown = {.name = "broken",
                                   .state = &state_schema,
                                   .actions = actions,
                                   .action_count = 1,
                                   .reduce = function_that_nobody_has};
MOVEX_GAME("broken", &type, &unknown);
#else
MOVEX_GAME("broken", &type);
#endif
