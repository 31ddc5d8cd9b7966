/* Rock, paper, scissors with open moves, as the type that examples/simulate.c plays. */
#include <movex/movex.h>

typedef struct { char player[2][32]; } rps;

MOVEX_SCHEMA(rps_schema, rps, MOVEX_TEXTS(rps, player));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    rps     *game = state;
    unsigned seat = game->player[0][0] ? 1 : 0;
    (void)action;
    if (game->player[seat][0]) return MOVEX_REFUSE;
    movex_text_set(game->player[seat], context->author);
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {{.name = "sit", .flags = MOVEX_CONFIRM}};

extern const movex_type rps_type;
const movex_type rps_type = {.name = "rps", .state = &rps_schema, .actions = actions, .action_count = 1, .reduce = reduce};
