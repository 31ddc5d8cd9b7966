#include "hidden_game.h"

#include <string.h>

MOVEX_SCHEMA(seat_schema, hidden_seat, MOVEX_TEXT(hidden_seat, name), MOVEX_LIST(hidden_seat, hand, count),
             MOVEX_FIELD(hidden_seat, bid), MOVEX_FIELD(hidden_seat, moved), MOVEX_FIELD(hidden_seat, stamp_ms),
             MOVEX_FIELD(hidden_seat, luck));
MOVEX_SCHEMA(table_schema, hidden_table, MOVEX_STRUCTS(hidden_table, seats, seat_schema),
             MOVEX_FIELD(hidden_table, pot), MOVEX_FIELD(hidden_table, turn), MOVEX_FIELD(hidden_table, rounds),
             MOVEX_FIELD(hidden_table, needed), MOVEX_FIELD(hidden_table, wanted), MOVEX_FIELD(hidden_table, present),
             MOVEX_FIELD(hidden_table, winner), MOVEX_FIELD(hidden_table, time_is_up),
             MOVEX_FIELD(hidden_table, due_ms), MOVEX_FIELD(hidden_table, rolled),
             MOVEX_LIST(hidden_table, log, written));
MOVEX_SCHEMA(place_schema, hidden_place, MOVEX_FIELD(hidden_place, seat));
MOVEX_SCHEMA(deed_schema, hidden_deed, MOVEX_FIELD(hidden_deed, seat), MOVEX_FIELD(hidden_deed, value));
MOVEX_SCHEMA(amount_schema, hidden_amount, MOVEX_FIELD(hidden_amount, amount));
MOVEX_SCHEMA(setup_schema, hidden_setup, MOVEX_FIELD(hidden_setup, needed), MOVEX_FIELD(hidden_setup, wanted),
             MOVEX_FIELD(hidden_setup, in_ms));

static void judge(hidden_table *t)
{
    uint32_t bids = 0;
    int      best = -1;
    for (int i = 0; i < HIDDEN_SEATS; i++) {
        bids += t->seats[i].bid > 0;
        if (t->seats[i].bid > 0 && (best < 0 || t->seats[i].bid > t->seats[best].bid)) best = i;
    }
    t->winner = t->needed && bids >= t->needed ? (int8_t)best : -1;
}

static int draw(hidden_seat *seat, uint8_t card)
{
    if (seat->count == HIDDEN_HAND) return HIDDEN_FULL;
    seat->hand[seat->count++] = card;
    return MOVEX_ACCEPT;
}

static int discard(hidden_seat *seat, bool first)
{
    if (seat->count == 0) return HIDDEN_EMPTY;
    seat->count--;
    if (first) memmove(seat->hand, seat->hand + 1, seat->count);
    return MOVEX_ACCEPT;
}

static int pay(hidden_table *t, int32_t amount)
{
    if (t->pot + amount < 0) return HIDDEN_POOR;
    t->pot += amount;
    return MOVEX_ACCEPT;
}

static int append(hidden_table *t, uint8_t letter)
{
    if (t->written == HIDDEN_LOG) return HIDDEN_FULL;
    t->log[t->written++] = letter;
    return MOVEX_ACCEPT;
}

static int move(hidden_table *t, hidden_seat *seat, int32_t bid)
{
    if (t->winner >= 0) return HIDDEN_DONE;
    seat->bid += bid;
    seat->moved = true;
    t->turn++;
    judge(t);
    return MOVEX_ACCEPT;
}

static int sit(hidden_table *t, uint8_t place, const char *author)
{
    if (place >= HIDDEN_SEATS || t->seats[place].name[0]) return HIDDEN_TAKEN;
    movex_text_set(t->seats[place].name, author);
    return MOVEX_ACCEPT;
}

static int set_up(hidden_table *t, const hidden_setup *setup, const movex_context *context)
{
    t->needed = setup->needed;
    t->wanted = setup->wanted;
    t->due_ms = setup->in_ms ? context->now_ms + setup->in_ms : 0;
    return MOVEX_ACCEPT;
}

static int again(hidden_table *t)
{
    for (int i = 0; i < HIDDEN_SEATS; i++) {
        t->seats[i].bid = 0;
        t->seats[i].moved = false;
    }
    t->winner = -1;
    t->time_is_up = false;
    t->rounds++;
    return MOVEX_ACCEPT;
}

/* What a player does at its own place. */
static int act(hidden_table *t, hidden_seat *seat, const movex_action *action, const movex_context *context)
{
    int32_t value = 0;
    if (action->type == HIDDEN_BID || action->type == HIDDEN_DRAW || action->type == HIDDEN_STAKE ||
        action->type == HIDDEN_WRITE)
        value = ((const hidden_deed *)action->payload)->value;
    switch (action->type) {
    case HIDDEN_BID: return value > 0 ? move(t, seat, value) : MOVEX_REFUSE;
    case HIDDEN_MOVED: return move(t, seat, 0);
    case HIDDEN_DRAW: return draw(seat, (uint8_t)value);
    case HIDDEN_DRAWN: return draw(seat, HIDDEN_UNKNOWN);
    case HIDDEN_DISCARD: return discard(seat, true);
    case HIDDEN_DISCARDED: return discard(seat, false);
    case HIDDEN_STAKE: return pay(t, -value);
    case HIDDEN_STAMP:
        seat->stamp_ms = context->now_ms;
        seat->luck = movex_random(context);
        return MOVEX_ACCEPT;
    case HIDDEN_NOTHING: return MOVEX_ACCEPT;
    case HIDDEN_WRITE: return append(t, (uint8_t)value);
    case HIDDEN_SCRIBBLE: return append(t, HIDDEN_UNKNOWN);
    }
    return MOVEX_REFUSE;
}

static void roll(hidden_table *t, const movex_context *context)
{
    t->rolled = 0;
    for (int i = 0; i < HIDDEN_SEATS; i++)
        if (t->seats[i].luck) t->rolled ^= movex_random(context) >> 1;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    hidden_table *t = state;
    switch (action->type) {
    case HIDDEN_SIT: return sit(t, ((const hidden_place *)action->payload)->seat, context->author);
    case HIDDEN_SETUP: return set_up(t, action->payload, context);
    case HIDDEN_RAISE: return pay(t, ((const hidden_amount *)action->payload)->amount);
    case HIDDEN_ROLL: roll(t, context); return MOVEX_ACCEPT;
    case HIDDEN_AGAIN: return again(t);
    case HIDDEN_TIME_UP: t->time_is_up = true; return MOVEX_ACCEPT;
    case HIDDEN_WAKE:
        t->due_ms = 0;
        t->time_is_up = true;
        return MOVEX_ACCEPT;
    case HIDDEN_CAME: t->present++; return MOVEX_ACCEPT;
    case HIDDEN_WENT: t->present--; return MOVEX_ACCEPT;
    }
    uint8_t place = *(const uint8_t *)action->payload; /* the first member of all others */
    if (place >= HIDDEN_SEATS) return HIDDEN_NOT_YOURS;
    if (action->type == HIDDEN_REMOVE) {
        memset(&t->seats[place], 0, sizeof t->seats[place]);
        return MOVEX_ACCEPT;
    }
    if (!movex_text_equals(t->seats[place].name, context->author)) return HIDDEN_NOT_YOURS;
    return act(t, &t->seats[place], action, context);
}

static void init(void *state)
{
    hidden_table *t = state;
    t->pot = 10;
    t->winner = -1;
}

static bool is_over(const void *public_state)
{
    const hidden_table *t = public_state;
    uint32_t            moved = 0;
    for (int i = 0; i < HIDDEN_SEATS; i++) moved += t->seats[i].moved;
    return t->time_is_up || (t->needed && moved >= t->needed) || (t->wanted && t->present == t->wanted);
}

static bool covers(const movex_action *hidden, const movex_action *shown)
{
    return *(const uint8_t *)hidden->payload == *(const uint8_t *)shown->payload;
}

static uint64_t wakes_at(const void *state)
{
    return ((const hidden_table *)state)->due_ms;
}

static const movex_action_type actions[HIDDEN_ACTIONS] = {
    [HIDDEN_SIT] = {.name = "sit", .payload = &place_schema},
    [HIDDEN_REMOVE] = {.name = "remove", .payload = &place_schema},
    [HIDDEN_SETUP] = {.name = "setup", .payload = &setup_schema},
    [HIDDEN_BID] = {.name = "bid", .payload = &deed_schema, .hidden_as = "moved"},
    [HIDDEN_MOVED] = {.name = "moved", .payload = &place_schema},
    [HIDDEN_DRAW] = {.name = "draw", .payload = &deed_schema, .hidden_as = "drawn"},
    [HIDDEN_DRAWN] = {.name = "drawn", .payload = &place_schema},
    [HIDDEN_DISCARD] = {.name = "discard", .payload = &place_schema, .hidden_as = "discarded"},
    [HIDDEN_DISCARDED] = {.name = "discarded", .payload = &place_schema},
    [HIDDEN_STAKE] = {.name = "stake", .payload = &deed_schema, .hidden_as = "nothing"},
    [HIDDEN_STAMP] = {.name = "stamp", .payload = &place_schema, .hidden_as = "nothing"},
    [HIDDEN_NOTHING] = {.name = "nothing", .payload = &place_schema},
    [HIDDEN_ROLL] = {.name = "roll"},
    [HIDDEN_RAISE] = {.name = "raise", .payload = &amount_schema},
    [HIDDEN_WRITE] = {.name = "write", .payload = &deed_schema, .hidden_as = "scribble"},
    [HIDDEN_SCRIBBLE] = {.name = "scribble", .payload = &place_schema},
    [HIDDEN_TIME_UP] = {.name = "time-up"},
    [HIDDEN_AGAIN] = {.name = "again"},
    [HIDDEN_WAKE] = {.name = "wake"},
    [HIDDEN_CAME] = {.name = "came"},
    [HIDDEN_WENT] = {.name = "went"},
};

const movex_type hidden_type = {
    .name = "hidden",
    .state = &table_schema,
    .actions = actions,
    .action_count = HIDDEN_ACTIONS,
    .reduce = reduce,
    .init = init,
    .can_reconcile = is_over,
    .covers = covers,
};

const movex_type hidden_watched_type = {
    .name = "hidden-watched",
    .state = &table_schema,
    .actions = actions,
    .action_count = HIDDEN_ACTIONS,
    .reduce = reduce,
    .init = init,
    .can_reconcile = is_over,
    .covers = covers,
    .wakes_at = wakes_at,
    .wake = "wake",
    .joined = "came",
    .left = "went",
};

movex_ticket hidden_do(movex_resource *resource, uint32_t action, uint8_t seat, int32_t value)
{
    const hidden_deed  deed = {seat, value};
    const hidden_place place = {seat};
    if (!actions[action].payload) return movex_dispatch(resource, action, NULL);
    if (action == HIDDEN_RAISE) return movex_dispatch(resource, action, &(hidden_amount){value});
    if (action == HIDDEN_SETUP) return movex_dispatch(resource, action, &(hidden_setup){.needed = (uint32_t)value});
    if (actions[action].payload == &deed_schema) return movex_dispatch(resource, action, &deed);
    return movex_dispatch(resource, action, &place);
}

static uint32_t shown_for(uint32_t action)
{
    uint32_t shown = 0;
    while (strcmp(actions[shown].name, actions[action].hidden_as) != 0) shown++;
    return shown;
}

movex_ticket hidden_hide(movex_resource *resource, uint32_t action, uint8_t seat, int32_t value)
{
    const hidden_deed  deed = {seat, value};
    const hidden_place place = {seat};
    bool               has_value = actions[action].payload == &deed_schema;
    return movex_dispatch_private(resource, action, has_value ? (const void *)&deed : &place, shown_for(action),
                                  &place);
}
