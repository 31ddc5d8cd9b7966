#include "leak_games.h"

#include <movex/text.h>
#include <string.h>

/* ---- rock, paper, scissors */

MOVEX_SCHEMA(duel_schema, duel, MOVEX_TEXTS(duel, player), MOVEX_ARRAY(duel, move), MOVEX_FIELD(duel, winner),
             MOVEX_FIELD(duel, notes));
MOVEX_SCHEMA(submit_schema, duel_submit, MOVEX_FIELD(duel_submit, seat), MOVEX_FIELD(duel_submit, move));
MOVEX_SCHEMA(ready_schema, duel_ready, MOVEX_FIELD(duel_ready, seat), MOVEX_FIELD(duel_ready, extra));

static bool owns(const movex_context *context, const duel *game, unsigned seat)
{
    return seat < 2 && movex_text_equals(game->player[seat], context->author);
}

static uint8_t judge(uint8_t a, uint8_t b)
{
    if (a < DUEL_ROCK || b < DUEL_ROCK) return DUEL_NOBODY;
    if (a == b) return DUEL_DRAW;
    return (a + 1 - DUEL_ROCK) % 3 == b - DUEL_ROCK ? b : a;
}

static int move(duel *game, const duel_submit *s, uint8_t what, const movex_context *context)
{
    if (!owns(context, game, s->seat)) return DUEL_NOT_YOURS;
    if (what < DUEL_ROCK || what > DUEL_SCISSORS) return DUEL_NO_MOVE + what; /* a reason that tells what it was */
    if (game->winner) return DUEL_OVER;
    game->move[s->seat] = what;
    game->winner = judge(game->move[0], game->move[1]);
    return MOVEX_ACCEPT;
}

static int duel_reduce(void *state, const movex_action *action, const movex_context *context)
{
    duel              *game = state;
    const duel_submit *s = action->payload;
    switch (action->type) {
    case DUEL_SIT: {
        unsigned seat = game->player[0][0] ? 1 : 0;
        if (game->player[seat][0]) return DUEL_FULL;
        movex_text_set(game->player[seat], context->author);
        return MOVEX_ACCEPT;
    }
    case DUEL_SUBMIT: return move(game, s, s->move, context);
    case DUEL_GAMBLE: /* paper, or whatever the master's dice say */
        return move(game, s, s->move ? DUEL_PAPER : (uint8_t)(DUEL_ROCK + movex_random_below(context, 3)), context);
    case DUEL_READY: {
        const duel_ready *r = action->payload;
        if (!owns(context, game, r->seat)) return DUEL_NOT_YOURS;
        if (game->winner) return DUEL_OVER;
        game->move[r->seat] = DUEL_HIDDEN;
        if (r->extra == DUEL_DICE) game->notes ^= (uint32_t)movex_random(context);
        return MOVEX_ACCEPT;
    }
    case DUEL_NOTE: game->notes = game->notes * 31 + (uint32_t)movex_random(context); return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static int touchy_reduce(void *state, const movex_action *action, const movex_context *context)
{
    const duel *game = state;
    if (action->type == DUEL_NOTE && (game->move[0] == DUEL_PAPER || game->move[1] == DUEL_PAPER)) return DUEL_TOO_LATE;
    return duel_reduce(state, action, context);
}

static bool same_seat(const movex_action *hidden, const movex_action *shown)
{
    return ((const duel_submit *)hidden->payload)->seat == ((const duel_ready *)shown->payload)->seat;
}

static bool both_have_moved(const void *public_state)
{
    const duel *game = public_state;
    return game->move[0] && game->move[1];
}

static const movex_action_type duel_actions[DUEL_ACTIONS] = {
    [DUEL_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [DUEL_SUBMIT] = {.name = "submit", .payload = &submit_schema, .hidden_as = "ready"},
    [DUEL_GAMBLE] = {.name = "gamble", .payload = &submit_schema, .hidden_as = "ready"},
    [DUEL_READY] = {.name = "ready", .payload = &ready_schema},
    [DUEL_NOTE] = {.name = "note"},
};
static const movex_action_type blind_actions[DUEL_ACTIONS] = {
    [DUEL_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [DUEL_SUBMIT] = {.name = "submit", .payload = &submit_schema, .flags = MOVEX_CONFIRM, .hidden_as = "ready"},
    [DUEL_GAMBLE] = {.name = "gamble", .payload = &submit_schema, .hidden_as = "ready"},
    [DUEL_READY] = {.name = "ready", .payload = &ready_schema},
    [DUEL_NOTE] = {.name = "note"},
};

#define DUEL(actions_, reduce_)                                                                                        \
    {                                                                                                                  \
        .name = "duel", .state = &duel_schema, .actions = actions_, .action_count = DUEL_ACTIONS, .reduce = reduce_,   \
        .covers = same_seat, .can_reconcile = both_have_moved,                                                         \
    }
const movex_type duel_type = DUEL(duel_actions, duel_reduce);
const movex_type duel_touchy_type = DUEL(duel_actions, touchy_reduce);
const movex_type duel_blind_type = DUEL(blind_actions, duel_reduce);

/* ---- cards */

MOVEX_SCHEMA(hand_schema, cards_hand, MOVEX_TEXT(cards_hand, owner), MOVEX_LIST(cards_hand, held, count));
MOVEX_SCHEMA(cards_schema, cards, MOVEX_FIELD(cards, left), MOVEX_ARRAY(cards, deck),
             MOVEX_STRUCTS(cards, hands, hand_schema), MOVEX_FIELD(cards, shown));
MOVEX_SCHEMA(order_schema, cards_order, MOVEX_ARRAY(cards_order, deck));
MOVEX_SCHEMA(guess_schema, cards_guess, MOVEX_FIELD(cards_guess, card));

static int cards_reduce(void *state, const movex_action *action, const movex_context *context)
{
    cards *game = state;
    switch (action->type) {
    case CARDS_SHUFFLE:
        memcpy(game->deck, ((const cards_order *)action->payload)->deck, sizeof game->deck);
        game->left = sizeof game->deck;
        return MOVEX_ACCEPT;
    case CARDS_SIT: {
        cards_hand *hand = &game->hands[game->hands[0].owner[0] ? 1 : 0];
        if (hand->owner[0]) return CARDS_FULL;
        movex_text_set(hand->owner, context->author);
        return MOVEX_ACCEPT;
    }
    case CARDS_DRAW: {
        cards_hand *hand = &game->hands[movex_text_equals(game->hands[0].owner, context->author) ? 0 : 1];
        if (game->left == 0 || hand->count == 4) return CARDS_EMPTY;
        hand->held[hand->count++] = game->deck[--game->left];
        game->deck[game->left] = 0;
        return MOVEX_ACCEPT;
    }
    case CARDS_GUESS: game->shown = ((const cards_guess *)action->payload)->card; return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static int talkative_reduce(void *state, const movex_action *action, const movex_context *context)
{
    const cards       *game = state;
    const cards_guess *guess = action->payload;
    if (action->type == CARDS_GUESS && game->left)
        return guess->card > game->deck[game->left - 1] ? CARDS_TOO_HIGH : CARDS_TOO_LOW;
    return cards_reduce(state, action, context);
}

static int generous_reduce(void *state, const movex_action *action, const movex_context *context)
{
    const cards       *game = state;
    const cards_guess *guess = action->payload;
    if (action->type == CARDS_GUESS && game->left && guess->card != game->deck[game->left - 1]) return CARDS_TOO_LOW;
    return cards_reduce(state, action, context);
}

static int open_reduce(void *state, const movex_action *action, const movex_context *context)
{
    cards *game = state;
    int    answer = cards_reduce(state, action, context);
    if (answer == MOVEX_ACCEPT && action->type == CARDS_DRAW && game->left) game->shown = game->deck[game->left - 1];
    return answer;
}

static void redact_hands(cards *game, const char *viewer)
{
    for (int i = 0; i < 2; i++)
        if (!viewer[0] || strcmp(game->hands[i].owner, viewer) != 0)
            memset(game->hands[i].held, 0, sizeof game->hands[i].held);
}

static void redact(void *state, const char *viewer)
{
    cards *game = state;
    memset(game->deck, 0, sizeof game->deck);
    redact_hands(game, viewer);
}

static void redact_forgetfully(void *state, const char *viewer)
{
    cards *game = state;
    memset(game->deck, 0, sizeof game->deck - 1);
    redact_hands(game, viewer);
}

static uint64_t audience(const void *state, const char *viewer)
{
    const cards *game = state;
    for (uint64_t i = 0; i < 2; i++)
        if (viewer[0] && strcmp(game->hands[i].owner, viewer) == 0) return i + 1;
    return 0;
}

static uint64_t confused_audience(const void *state, const char *viewer)
{
    return audience(state, viewer) ? 1 : 0;
}

static const movex_action_type cards_actions[CARDS_ACTIONS] = {
    [CARDS_SHUFFLE] = {.name = "shuffle", .payload = &order_schema, .flags = MOVEX_MASTER_ONLY},
    [CARDS_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [CARDS_DRAW] = {.name = "draw", .flags = MOVEX_CONFIRM},
    [CARDS_GUESS] = {.name = "guess", .payload = &guess_schema, .flags = MOVEX_CONFIRM},
};

#define CARDS(reduce_, redact_, audience_)                                                                             \
    {                                                                                                                  \
        .name = "cards", .state = &cards_schema, .actions = cards_actions, .action_count = CARDS_ACTIONS,              \
        .reduce = reduce_, .redact = redact_, .audience = audience_,                                                   \
    }
const movex_type cards_type = CARDS(cards_reduce, redact, NULL);
const movex_type cards_shared_type = CARDS(cards_reduce, redact, audience);
const movex_type cards_forgetful_type = CARDS(cards_reduce, redact_forgetfully, NULL);
const movex_type cards_confused_type = CARDS(cards_reduce, redact, confused_audience);
const movex_type cards_talkative_type = CARDS(talkative_reduce, redact, NULL);
const movex_type cards_generous_type = CARDS(generous_reduce, redact, NULL);
const movex_type cards_open_type = CARDS(open_reduce, redact, NULL);
