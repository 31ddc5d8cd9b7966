#include "cards_game.h"

#include <string.h>

MOVEX_SCHEMA(seat_schema, cards_seat, MOVEX_TEXT(cards_seat, name), MOVEX_LIST(cards_seat, hand, count),
             MOVEX_FIELD(cards_seat, choice), MOVEX_FIELD(cards_seat, chosen));
MOVEX_SCHEMA(cards_schema, cards, MOVEX_LIST(cards, deck, left), MOVEX_STRUCTS(cards, seats, seat_schema),
             MOVEX_LIST(cards, table, played), MOVEX_FIELD(cards, turn), MOVEX_FIELD(cards, broken),
             MOVEX_TEXT(cards, said));
MOVEX_SCHEMA(place_schema, cards_place, MOVEX_FIELD(cards_place, seat));
MOVEX_SCHEMA(shuffle_schema, cards_shuffle, MOVEX_FIELD(cards_shuffle, salt), MOVEX_FIELD(cards_shuffle, first));
MOVEX_SCHEMA(deal_schema, cards_deal, MOVEX_FIELD(cards_deal, count));
MOVEX_SCHEMA(pick_schema, cards_pick, MOVEX_FIELD(cards_pick, seat), MOVEX_FIELD(cards_pick, index));
MOVEX_SCHEMA(say_schema, cards_say, MOVEX_TEXT(cards_say, text));

static int seat_of(const cards *c, const char *name)
{
    for (int i = 0; i < CARDS_SEATS; i++)
        if (name[0] && movex_text_equals(c->seats[i].name, name)) return i;
    return -1;
}

static int shuffle(cards *c, const cards_shuffle *how, const movex_context *context)
{
    c->left = CARDS_DECK;
    for (uint8_t i = 0; i < CARDS_DECK; i++) c->deck[i] = (uint8_t)(how->first + i);
    for (uint32_t i = CARDS_DECK; i > 1; i--) {
        uint32_t k = (uint32_t)((movex_random(context) ^ how->salt) % i);
        uint8_t  kept = c->deck[i - 1];
        c->deck[i - 1] = c->deck[k];
        c->deck[k] = kept;
    }
    return MOVEX_ACCEPT;
}

static int take(cards *c, cards_seat *seat)
{
    if (c->left == 0) return CARDS_NONE;
    if (seat->count == CARDS_HAND) return CARDS_FULL;
    seat->hand[seat->count++] = c->deck[--c->left];
    return MOVEX_ACCEPT;
}

static int deal(cards *c, uint8_t count)
{
    for (int i = 0; i < CARDS_SEATS; i++)
        for (int k = 0; k < count && c->seats[i].name[0]; k++) {
            int answer = take(c, &c->seats[i]);
            if (answer != MOVEX_ACCEPT) return answer;
        }
    return MOVEX_ACCEPT;
}

static uint8_t lose(cards_seat *seat, uint8_t index)
{
    uint8_t card = seat->hand[index];
    seat->count--;
    memmove(seat->hand + index, seat->hand + index + 1, (size_t)(seat->count - index));
    return card;
}

static int show(cards *c, uint8_t card)
{
    if (c->played == CARDS_TABLE) return CARDS_FULL;
    c->table[c->played++] = card;
    return MOVEX_ACCEPT;
}

static int next(cards *c)
{
    for (int i = 0; i < CARDS_SEATS; i++) {
        if (c->seats[i].chosen && show(c, c->seats[i].choice) != MOVEX_ACCEPT) return CARDS_FULL;
        c->seats[i].chosen = false;
        c->seats[i].choice = 0;
    }
    return MOVEX_ACCEPT;
}

static int act(cards *c, cards_seat *seat, const movex_action *action)
{
    const cards_pick *pick = action->payload;
    switch (action->type) {
    case CARDS_TAKE: return take(c, seat);
    case CARDS_PLAY: return pick->index < seat->count ? show(c, lose(seat, pick->index)) : CARDS_NONE;
    case CARDS_CHOOSE:
        if (seat->chosen || pick->index >= seat->count) return CARDS_NONE;
        seat->choice = lose(seat, pick->index);
        seat->chosen = true;
        return MOVEX_ACCEPT;
    case CARDS_CHOSEN:
        if (seat->chosen || seat->count == 0) return CARDS_NONE;
        lose(seat, (uint8_t)(seat->count - 1));
        seat->chosen = true;
        return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    cards *c = state;
    switch (action->type) {
    case CARDS_SIT: {
        uint8_t seat = ((const cards_place *)action->payload)->seat;
        if (seat >= CARDS_SEATS || c->seats[seat].name[0]) return CARDS_TAKEN;
        movex_text_set(c->seats[seat].name, context->author);
        return MOVEX_ACCEPT;
    }
    case CARDS_SHUFFLE: return shuffle(c, action->payload, context);
    case CARDS_DEAL: return deal(c, ((const cards_deal *)action->payload)->count);
    case CARDS_NEXT: return next(c);
    case CARDS_SAY: memcpy(c->said, action->payload, sizeof c->said); return MOVEX_ACCEPT;
    case CARDS_BREAK: c->broken = true; return MOVEX_ACCEPT;
    }
    int seat = seat_of(c, context->author);
    if (seat < 0) return CARDS_NOT_SEATED;
    c->turn++;
    return act(c, &c->seats[seat], action);
}

static bool all_have_chosen(const void *public_state)
{
    const cards *c = public_state;
    int          seated = 0, chosen = 0;
    for (int i = 0; i < CARDS_SEATS; i++) {
        seated += c->seats[i].name[0] != 0;
        chosen += c->seats[i].chosen;
    }
    return seated > 0 && seated == chosen;
}

static bool covers(const movex_action *hidden, const movex_action *shown)
{
    return ((const cards_pick *)hidden->payload)->seat == ((const cards_place *)shown->payload)->seat;
}

static void redact(void *state, const char *viewer)
{
    cards *c = state;
    int    own = seat_of(c, viewer);
    memset(c->deck, 0, sizeof c->deck);
    for (int i = 0; i < CARDS_SEATS; i++)
        if (i != own) memset(c->seats[i].hand, 0, sizeof c->seats[i].hand);
    if (c->broken) c->left = 255;
}

static uint64_t audience(const void *state, const char *viewer)
{
    return (uint64_t)(seat_of(state, viewer) + 1);
}

static const movex_action_type actions[CARDS_ACTIONS] = {
    [CARDS_SIT] = {.name = "sit", .payload = &place_schema, .flags = MOVEX_CONFIRM},
    [CARDS_SHUFFLE] = {.name = "shuffle", .payload = &shuffle_schema, .flags = MOVEX_MASTER_ONLY},
    [CARDS_DEAL] = {.name = "deal", .payload = &deal_schema, .flags = MOVEX_MASTER_ONLY},
    [CARDS_TAKE] = {.name = "take", .flags = MOVEX_CONFIRM},
    [CARDS_PLAY] = {.name = "play", .payload = &pick_schema},
    [CARDS_CHOOSE] = {.name = "choose", .payload = &pick_schema, .hidden_as = "chosen"},
    [CARDS_CHOSEN] = {.name = "chosen", .payload = &place_schema},
    [CARDS_NEXT] = {.name = "next"},
    [CARDS_SAY] = {.name = "say", .payload = &say_schema},
    [CARDS_BREAK] = {.name = "break"},
};

const movex_type cards_type = {
    .name = "cards",
    .state = &cards_schema,
    .actions = actions,
    .action_count = CARDS_ACTIONS,
    .reduce = reduce,
    .can_reconcile = all_have_chosen,
    .covers = covers,
    .redact = redact,
    .audience = audience,
};

const movex_type cards_each_type = {
    .name = "cards-each",
    .state = &cards_schema,
    .actions = actions,
    .action_count = CARDS_ACTIONS,
    .reduce = reduce,
    .can_reconcile = all_have_chosen,
    .covers = covers,
    .redact = redact,
};

const movex_type cards_open_type = {
    .name = "cards-open",
    .state = &cards_schema,
    .actions = actions,
    .action_count = CARDS_ACTIONS,
    .reduce = reduce,
    .can_reconcile = all_have_chosen,
    .covers = covers,
};
