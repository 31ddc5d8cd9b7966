#include "nim.h"

#include <movex/text.h>

static const char *const phase_names[] = {"waiting", "playing", "over"};

MOVEX_SCHEMA(nim_schema, nim, MOVEX_NAMED_ENUM(nim, phase, phase_names), MOVEX_ARRAY(nim, stones),
             MOVEX_FIELD(nim, turn), MOVEX_FIELD(nim, winner), MOVEX_TEXT_LIST(nim, players, player_count));

MOVEX_SCHEMA(nim_take_schema, nim_take, MOVEX_FIELD(nim_take, heap), MOVEX_FIELD(nim_take, stones));

static const movex_action_type actions[] = {
    [NIM_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [NIM_TAKE] = {.name = "take", .payload = &nim_take_schema},
    [NIM_AGAIN] = {.name = "again"},
};

static int seat_of(const nim *game, const char *name)
{
    for (int i = 0; i < game->player_count; i++)
        if (movex_text_equals(game->players[i], name)) return i;
    return -1;
}

static void begin_round(nim *game, unsigned first)
{
    game->phase = NIM_PLAYING;
    game->turn = (uint8_t)first;
    game->winner = 0;
    for (int i = 0; i < NIM_HEAPS; i++) game->stones[i] = (uint8_t)(3 + i);
}

static int sit(nim *game, const movex_context *context)
{
    if (seat_of(game, context->author) >= 0) return NIM_ALREADY_SEATED;
    if (game->player_count == NIM_SEATS) return NIM_NO_FREE_SEAT;
    movex_text_set(game->players[game->player_count], context->author);
    game->player_count++;
    if (game->player_count == NIM_SEATS) begin_round(game, movex_random_below(context, NIM_SEATS));
    return MOVEX_ACCEPT;
}

static int take(nim *game, const nim_take *what, const movex_context *context)
{
    if (game->phase != NIM_PLAYING) return NIM_NOT_PLAYING;
    if (seat_of(game, context->author) != game->turn) return NIM_NOT_YOUR_TURN;
    if (what->heap >= NIM_HEAPS) return NIM_NO_SUCH_HEAP;
    if (what->stones == 0 || what->stones > game->stones[what->heap]) return NIM_NOT_THAT_MANY_STONES;
    game->stones[what->heap] -= what->stones;

    unsigned left = 0;
    for (int i = 0; i < NIM_HEAPS; i++) left += game->stones[i];
    if (left == 0) {
        game->phase = NIM_OVER;
        game->winner = game->turn;
    } else {
        game->turn = !game->turn;
    }
    return MOVEX_ACCEPT;
}

static int again(nim *game, const movex_context *context)
{
    int seat = seat_of(game, context->author);
    if (seat < 0) return NIM_NOT_SEATED;
    if (game->phase != NIM_OVER) return NIM_NOT_OVER;
    begin_round(game, !seat); /* who asks for another round lets the other one begin */
    return MOVEX_ACCEPT;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    switch (action->type) {
    case NIM_SIT: return sit(state, context);
    case NIM_TAKE: return take(state, action->payload, context);
    case NIM_AGAIN: return again(state, context);
    }
    return MOVEX_REFUSE;
}

const movex_type nim_type = {
    .name = "nim",
    .version = 1,
    .state = &nim_schema,
    .actions = actions,
    .action_count = MOVEX_COUNT_OF(actions),
    .reduce = reduce,
};

const char *nim_reason_text(int reason)
{
    switch (reason) {
    case NIM_NO_FREE_SEAT: return "both seats are taken";
    case NIM_ALREADY_SEATED: return "you sit here already";
    case NIM_NOT_SEATED: return "only players may do that";
    case NIM_NOT_PLAYING: return "no round is being played";
    case NIM_NOT_OVER: return "the round is not over";
    case NIM_NOT_YOUR_TURN: return "it is not your turn";
    case NIM_NO_SUCH_HEAP: return "there is no such heap";
    case NIM_NOT_THAT_MANY_STONES: return "the heap does not have that many stones";
    }
    return movex_refusal_text(reason);
}

bool nim_is_turn_of(const nim *game, const char *name)
{
    return game->phase == NIM_PLAYING && seat_of(game, name) == game->turn;
}
