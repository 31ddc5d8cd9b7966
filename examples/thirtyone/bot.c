#include "bot.h"

/* Who holds so many points knocks; the longer the round, the fewer are needed. */
enum { ENOUGH = 28, LEAST = 20, CARDS_A_POINT = 4 };

/* What comes of a move: the points of one's hand. -1 if it is refused. The table becomes the one after the move. */
static int try_move(const movex_rules *rules, thirtyone *fork, const char *name, bot_move move)
{
    thirtyone         scratch;
    thirtyone_discard payload = {move.card};
    movex_context     context = {.author = name, .version = 1};
    bool              discards = move.action == THIRTYONE_DISCARD;
    int reason = movex_apply(rules, fork, (uint32_t)move.action, discards ? &payload : NULL, &context, &scratch);
    if (reason != MOVEX_ACCEPT) return -1;
    return (int)thirtyone_points(&fork->seats[thirtyone_seat_of(fork, name)]);
}

static bool may(const movex_rules *rules, const thirtyone *known, const char *name, int action)
{
    thirtyone fork = *known;
    return try_move(rules, &fork, name, (bot_move){.action = action}) >= 0;
}

/* The card without which most points are left, and how many. */
static bot_move best_discard(const movex_rules *rules, const thirtyone *known, const char *name, int *most)
{
    const thirtyone_seat *seat = &known->seats[thirtyone_seat_of(known, name)];
    bot_move              best = {.action = -1};
    *most = -1;
    for (unsigned i = 0; i < seat->count; i++) {
        thirtyone fork = *known;
        bot_move  move = {THIRTYONE_DISCARD, seat->hand[i]};
        int       points = try_move(rules, &fork, name, move);
        if (points <= *most) continue;
        *most = points;
        best = move;
    }
    return best;
}

/* How many points one would have with the open card. */
static int points_with_top(const movex_rules *rules, const thirtyone *known, const char *name)
{
    thirtyone fork = *known;
    int       points = -1;
    if (try_move(rules, &fork, name, (bot_move){.action = THIRTYONE_PICK}) >= 0)
        best_discard(rules, &fork, name, &points);
    return points;
}

static int enough_to_knock(const thirtyone *known, const char *name)
{
    int temper = (unsigned char)name[0] % 3, enough = ENOUGH + temper - known->pile_count / CARDS_A_POINT;
    return enough > LEAST ? enough : LEAST;
}

bot_move bot_choose(const movex_rules *rules, const thirtyone *known, const char *name)
{
    int seat = thirtyone_seat_of(known, name), points;
    if (seat < 0) return (bot_move){.action = -1};
    if (may(rules, known, name, THIRTYONE_SHOW)) return (bot_move){.action = THIRTYONE_SHOW};
    if (!thirtyone_is_turn_of(known, seat)) return (bot_move){.action = -1};
    if (known->phase == THIRTYONE_DISCARDING) return best_discard(rules, known, name, &points);

    int held = (int)thirtyone_points(&known->seats[seat]);
    if (held >= enough_to_knock(known, name) && may(rules, known, name, THIRTYONE_KNOCK))
        return (bot_move){.action = THIRTYONE_KNOCK};
    if (points_with_top(rules, known, name) > held) return (bot_move){.action = THIRTYONE_PICK};
    return (bot_move){.action = may(rules, known, name, THIRTYONE_DRAW) ? THIRTYONE_DRAW : -1};
}

/* An action and a card as one number. */
enum { CARD_FACTOR = 256 };

static int intend_next(const game_robot *robot, const thirtyone *known)
{
    bool begins = known->phase == THIRTYONE_OPEN && thirtyone_seated(known) >= robot->company;
    bool again = known->phase == THIRTYONE_OVER && known->game < robot->rounds && thirtyone_seated(known) >= 2;
    return begins || again || known->phase == THIRTYONE_SHOWN ? THIRTYONE_NEXT : -1;
}

static int intend(const game_robot *robot)
{
    thirtyone known;
    movex_fork(robot->at.resource, &known);
    if (thirtyone_seat_of(&known, robot->name) < 0)
        return thirtyone_seated(&known) < THIRTYONE_SEATS ? THIRTYONE_SIT : -1;
    bot_move move = bot_choose(movex_resource_rules(robot->at.resource), &known, robot->name);
    if (move.action >= 0) return move.action + move.card * CARD_FACTOR;
    return robot->rounds > 0 ? intend_next(robot, &known) : -1;
}

static void act(const game_robot *robot, int intention)
{
    uint32_t          action = (uint32_t)(intention % CARD_FACTOR);
    thirtyone_discard discard = {(uint8_t)(intention / CARD_FACTOR)};
    movex_dispatch(robot->at.resource, action, action == THIRTYONE_DISCARD ? &discard : NULL);
}

static bool is_urgent(int intention)
{
    return intention == THIRTYONE_SIT;
}

static bool is_done(const game_robot *robot)
{
    const thirtyone *table = movex_confirmed_state(robot->at.resource);
    return table->phase == THIRTYONE_OVER && table->game >= robot->rounds;
}

const robot_mind bot_mind = {.intend = intend, .act = act, .is_urgent = is_urgent, .is_done = is_done};
