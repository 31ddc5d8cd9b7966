#include "bluff_game.h"

#include <movex/codec.h>
#include <movex/text.h>

#include <string.h>

/* ---- bluff */

MOVEX_SCHEMA(bluff_schema, bluff, MOVEX_TEXTS(bluff, player), MOVEX_ARRAY(bluff, bid), MOVEX_ARRAY(bluff, purse),
             MOVEX_FIELD(bluff, rounds), MOVEX_FIELD(bluff, luck), MOVEX_FIELD(bluff, at_ms));
MOVEX_SCHEMA(bid_schema, bluff_bid, MOVEX_FIELD(bluff_bid, seat), MOVEX_FIELD(bluff_bid, amount));
MOVEX_SCHEMA(ready_schema, bluff_ready, MOVEX_FIELD(bluff_ready, seat));
MOVEX_SCHEMA(steal_schema, bluff_steal, MOVEX_FIELD(bluff_steal, seat), MOVEX_FIELD(bluff_steal, amount));

static bool sits(const bluff *b, unsigned seat, const movex_context *context)
{
    return seat < BLUFF_SEATS && movex_text_equals(b->player[seat], context->author);
}

static int bid(bluff *b, const bluff_bid *made, const movex_context *context)
{
    if (!sits(b, made->seat, context)) return BLUFF_NOT_YOURS;
    if (made->amount == 0 || made->amount > b->purse[made->seat]) return BLUFF_TOO_MUCH;
    b->bid[made->seat] = made->amount;
    b->purse[made->seat] = (int16_t)(b->purse[made->seat] - made->amount);
    b->at_ms = context->now_ms;
    if (made->amount % 2) b->luck ^= movex_random(context);
    return MOVEX_ACCEPT;
}

/* A thief takes what is in the purse, and what he has bid himself on top; who sees his bid as hidden counts it as nothing. */
static int steal(bluff *b, const bluff_steal *theft, const movex_context *context)
{
    if (theft->seat >= BLUFF_SEATS || sits(b, theft->seat, context)) return BLUFF_NOT_YOURS;
    unsigned own = 1u - theft->seat;
    int      more = sits(b, own, context) && b->bid[own] != BLUFF_READY_BID ? b->bid[own] : 0;
    if (theft->amount > b->purse[theft->seat] + more) return BLUFF_TOO_MUCH;
    b->purse[theft->seat] = (int16_t)(b->purse[theft->seat] - theft->amount);
    b->luck += movex_random_below(context, 1000);
    return MOVEX_ACCEPT;
}

static int bluff_reduce(void *state, const movex_action *action, const movex_context *context)
{
    bluff *b = state;
    switch (action->type) {
    case BLUFF_SIT: {
        unsigned seat = b->player[0][0] ? 1 : 0;
        if (b->player[seat][0]) return BLUFF_FULL;
        movex_text_set(b->player[seat], context->author);
        b->purse[seat] = BLUFF_PURSE;
        return MOVEX_ACCEPT;
    }
    case BLUFF_BID: return bid(b, action->payload, context);
    case BLUFF_READY: {
        const bluff_ready *ready = action->payload;
        if (!sits(b, ready->seat, context)) return BLUFF_NOT_YOURS;
        b->bid[ready->seat] = BLUFF_READY_BID;
        b->at_ms = context->now_ms;
        b->luck ^= movex_random(context);
        return MOVEX_ACCEPT;
    }
    case BLUFF_STEAL: return steal(b, action->payload, context);
    case BLUFF_AGAIN:
        if (!b->bid[0] || !b->bid[1]) return BLUFF_NOT_YET;
        memset(b->bid, 0, sizeof b->bid);
        b->rounds++;
        return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static bool bluff_covers(const movex_action *hidden, const movex_action *shown)
{
    return ((const bluff_bid *)hidden->payload)->seat == ((const bluff_ready *)shown->payload)->seat;
}

static bool both_have_bid(const void *public_state)
{
    const bluff *b = public_state;
    return b->bid[0] && b->bid[1];
}

static const movex_action_type bluff_actions[BLUFF_ACTIONS] = {
    [BLUFF_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [BLUFF_BID] = {.name = "bid", .payload = &bid_schema, .hidden_as = "ready"},
    [BLUFF_READY] = {.name = "ready", .payload = &ready_schema},
    [BLUFF_STEAL] = {.name = "steal", .payload = &steal_schema},
    [BLUFF_AGAIN] = {.name = "again"},
};

const movex_type bluff_type = {.name = "bluff",
                               .version = 1,
                               .state = &bluff_schema,
                               .actions = bluff_actions,
                               .action_count = BLUFF_ACTIONS,
                               .reduce = bluff_reduce,
                               .covers = bluff_covers,
                               .can_reconcile = both_have_bid};

/* ---- hands */

MOVEX_SCHEMA(hand_schema, hand, MOVEX_LIST(hand, cards, count));
MOVEX_SCHEMA(hands_schema, hands, MOVEX_TEXTS(hands, player), MOVEX_FIELD(hands, left), MOVEX_ARRAY(hands, deck),
             MOVEX_STRUCTS(hands, hands, hand_schema), MOVEX_ARRAY(hands, picked), MOVEX_FIELD(hands, shuffles));
MOVEX_SCHEMA(shuffle_schema, hands_shuffle, MOVEX_FIELD(hands_shuffle, times));
MOVEX_SCHEMA(pick_schema, hands_pick, MOVEX_FIELD(hands_pick, card));

static unsigned seat_of(const hands *h, const char *id)
{
    unsigned seat = 0;
    while (seat < HANDS_SEATS && !movex_text_equals(h->player[seat], id)) seat++;
    return *id ? seat : HANDS_SEATS;
}

static void shuffle(hands *h, unsigned times, const movex_context *context)
{
    for (unsigned i = 0; i < HANDS_CARDS; i++) h->deck[i] = (uint8_t)(i + 1);
    for (unsigned i = times * HANDS_CARDS; i > 0; i--) {
        unsigned card_at = i % HANDS_CARDS, other = movex_random_below(context, card_at + 1);
        uint8_t  card = h->deck[card_at];
        h->deck[card_at] = h->deck[other];
        h->deck[other] = card;
    }
    h->left = HANDS_CARDS;
    memset(h->hands, 0, sizeof h->hands);
    h->shuffles++;
}

static int pick(hands *h, unsigned seat, uint8_t card)
{
    const hand *held = &h->hands[seat];
    for (unsigned i = 0; i < held->count; i++)
        if (held->cards[i] == card && card) {
            h->picked[seat] = card;
            return MOVEX_ACCEPT;
        }
    return HANDS_NO_CARD;
}

static int hands_reduce(void *state, const movex_action *action, const movex_context *context)
{
    hands   *h = state;
    unsigned seat = seat_of(h, context->author);
    if (action->type == HANDS_SIT) {
        unsigned place = 0;
        while (place < HANDS_SEATS && h->player[place][0]) place++;
        if (place == HANDS_SEATS || seat < HANDS_SEATS) return HANDS_FULL;
        movex_text_set(h->player[place], context->author);
        return MOVEX_ACCEPT;
    }
    if (action->type == HANDS_SHUFFLE) {
        shuffle(h, ((const hands_shuffle *)action->payload)->times, context);
        return MOVEX_ACCEPT;
    }
    if (seat == HANDS_SEATS) return HANDS_NOT_SEATED;
    hand *own = &h->hands[seat];
    switch (action->type) {
    case HANDS_DRAW:
        if (!h->left || own->count == HANDS_HELD) return HANDS_NO_CARD;
        own->cards[own->count++] = h->deck[--h->left];
        h->deck[h->left] = 0;
        return MOVEX_ACCEPT;
    case HANDS_PICK: return pick(h, seat, ((const hands_pick *)action->payload)->card);
    case HANDS_PASS: h->picked[seat] = HANDS_PASSED; return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static bool all_have_picked(const void *public_state)
{
    const hands *h = public_state;
    for (unsigned i = 0; i < HANDS_SEATS; i++)
        if (h->player[i][0] && !h->picked[i]) return false;
    return true;
}

static void hands_redact(void *state, const char *viewer)
{
    hands   *h = state;
    unsigned seat = seat_of(h, viewer);
    memset(h->deck, 0, sizeof h->deck);
    for (unsigned i = 0; i < HANDS_SEATS; i++)
        if (i != seat) memset(h->hands[i].cards, 0, sizeof h->hands[i].cards);
}

static uint64_t hands_audience(const void *state, const char *viewer)
{
    return seat_of(state, viewer);
}

static const movex_action_type hands_actions[HANDS_ACTIONS] = {
    [HANDS_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [HANDS_SHUFFLE] = {.name = "shuffle", .payload = &shuffle_schema, .flags = MOVEX_MASTER_ONLY},
    [HANDS_DRAW] = {.name = "draw", .flags = MOVEX_CONFIRM},
    [HANDS_PICK] = {.name = "pick", .payload = &pick_schema, .hidden_as = "pass"},
    [HANDS_PASS] = {.name = "pass"},
};

const movex_type hands_type = {.name = "hands",
                               .version = 2,
                               .state = &hands_schema,
                               .actions = hands_actions,
                               .action_count = HANDS_ACTIONS,
                               .reduce = hands_reduce,
                               .can_reconcile = all_have_picked,
                               .redact = hands_redact,
                               .audience = hands_audience};
