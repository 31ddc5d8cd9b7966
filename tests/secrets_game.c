#include "secrets_game.h"

#include <movex/text.h>

#include <string.h>

MOVEX_SCHEMA(hand_schema, secrets_hand, MOVEX_TEXT(secrets_hand, owner), MOVEX_LIST(secrets_hand, cards, count));
MOVEX_SCHEMA(secrets_schema, secrets, MOVEX_LIST(secrets, items, count), MOVEX_FIELD(secrets, pot),
             MOVEX_FIELD(secrets, marks), MOVEX_FIELD(secrets, drawn), MOVEX_FIELD(secrets, stamped_ms),
             MOVEX_FIELD(secrets, due_ms), MOVEX_FIELD(secrets, ticks), MOVEX_FIELD(secrets, present),
             MOVEX_LIST(secrets, deck, deck_count), MOVEX_STRUCTS(secrets, hands, hand_schema),
             MOVEX_ARRAY(secrets, cells), MOVEX_TEXT(secrets, owner), MOVEX_FIELD(secrets, open));
MOVEX_SCHEMA(move_schema, secrets_move, MOVEX_FIELD(secrets_move, id), MOVEX_FIELD(secrets_move, value),
             MOVEX_FIELD(secrets_move, a), MOVEX_FIELD(secrets_move, b));

secrets_move secrets_master_only;

/* ---- the actions */

static int append(secrets *s, uint32_t item)
{
    if (s->count == SECRETS_ROOM) return SECRETS_FULL;
    s->items[s->count++] = item;
    return MOVEX_ACCEPT;
}

static int swap(secrets *s, uint8_t a, uint8_t b)
{
    if (a >= s->count || b >= s->count) return SECRETS_EMPTY;
    uint32_t kept = s->items[a];
    s->items[a] = s->items[b];
    s->items[b] = kept;
    return MOVEX_ACCEPT;
}

static int take(secrets *s)
{
    if (s->count == 0) return SECRETS_EMPTY;
    memmove(s->items, s->items + 1, --s->count * sizeof *s->items);
    return MOVEX_ACCEPT;
}

static int bid(secrets *s, int32_t amount)
{
    int32_t pot = (int32_t)((uint32_t)s->pot + (uint32_t)amount); /* in tests of healing it may be anything */
    if (pot > 100) return SECRETS_TOO_MUCH;
    s->pot = pot > 80 ? 0 : pot;
    return MOVEX_ACCEPT;
}

static int draw(secrets *s, const secrets_move *m, const movex_context *context)
{
    if (s->count <= 2)
        s->drawn = s->drawn * 31 + movex_random(context); /* so it hangs on the view who needs the seed */
    if (m->a & 1 && s->pot < 50) s->drawn ^= movex_random_below(context, 1000);
    s->cells[m->value % SECRETS_CELLS] += m->value;
    return MOVEX_ACCEPT;
}

/* What hidden actions have in common: all that may be shown of them. */
static int mark(secrets *s)
{
    s->marks = s->marks >= SECRETS_MARKS ? 1 : s->marks + 1;
    return MOVEX_ACCEPT;
}

static int marked(secrets *s, int answer)
{
    return answer == MOVEX_ACCEPT ? mark(s) : answer;
}

static int wish(secrets *s, const movex_context *context)
{
    s->cells[s->marks % SECRETS_CELLS] ^= movex_random_below(context, 1u << 30);
    return mark(s);
}

/* ---- cards */

static int shuffle(secrets *s, const secrets_move *m, const movex_context *context)
{
    secrets_master_only = *m;
    s->deck_count = SECRETS_CARDS;
    for (uint32_t i = 0; i < SECRETS_CARDS; i++) s->deck[i] = m->value + i + 1;
    for (uint32_t i = SECRETS_CARDS - 1; i > 0; i--) {
        uint32_t k = movex_random_below(context, i + 1), kept = s->deck[i];
        s->deck[i] = s->deck[k];
        s->deck[k] = kept;
    }
    return MOVEX_ACCEPT;
}

static secrets_hand *hand_of(secrets *s, const char *owner)
{
    for (int i = 0; i < SECRETS_HANDS; i++)
        if (movex_text_equals(s->hands[i].owner, owner)) return &s->hands[i];
    return NULL;
}

static int deal(secrets *s, const secrets_move *m, const movex_context *context)
{
    secrets_master_only = *m;
    secrets_hand *hand = hand_of(s, context->author);
    if (!hand) hand = hand_of(s, "");
    if (!hand || hand->count == SECRETS_HAND) return SECRETS_NO_HAND;
    if (s->deck_count == 0) return SECRETS_EMPTY;
    movex_text_set(hand->owner, context->author);
    hand->cards[hand->count++] = s->deck[--s->deck_count];
    return MOVEX_ACCEPT;
}

static int play(secrets *s, const movex_context *context)
{
    secrets_hand *hand = hand_of(s, context->author);
    if (!hand || hand->count == 0) return SECRETS_NO_HAND;
    int answer = append(s, hand->cards[hand->count - 1]);
    if (answer != MOVEX_ACCEPT) return answer;
    if (--hand->count == 0) movex_text_set(hand->owner, "");
    return MOVEX_ACCEPT;
}

/* ---- the rest */

static int stamp(secrets *s, const secrets_move *m, const movex_context *context)
{
    s->stamped_ms = context->now_ms ^ context->version << 32;
    s->due_ms = context->now_ms + 10 + m->a;
    return MOVEX_ACCEPT;
}

static int claim(secrets *s, const movex_context *context)
{
    if (s->owner[0] && !movex_text_equals(s->owner, context->author)) return SECRETS_TAKEN;
    movex_text_set(s->owner, s->owner[0] ? "" : context->author);
    return MOVEX_ACCEPT;
}

static int tick(secrets *s)
{
    s->ticks++;
    s->due_ms = s->ticks % 3 ? s->due_ms + 7 : 0;
    if (s->count) s->items[0] ^= s->ticks;
    return MOVEX_ACCEPT;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    secrets            *s = state;
    const secrets_move *m = action->payload;
    switch (action->type) {
    case SECRETS_APPEND: return append(s, m->id);
    case SECRETS_SWAP: return swap(s, m->a, m->b);
    case SECRETS_TAKE: return take(s);
    case SECRETS_BID: return bid(s, (int32_t)(m->value % 40));
    case SECRETS_DRAW: return draw(s, m, context);
    case SECRETS_STAMP: return stamp(s, m, context);
    case SECRETS_CLAIM: return claim(s, context);
    case SECRETS_OPEN: s->open = !s->open; return MOVEX_ACCEPT;
    case SECRETS_PLAY: return play(s, context);
    case SECRETS_MARK: return mark(s);
    case SECRETS_WISH: return wish(s, context);
    case SECRETS_HIDE_APPEND: return marked(s, append(s, m->value));
    case SECRETS_HIDE_BID: return marked(s, bid(s, (int32_t)(m->value % 60)));
    case SECRETS_HIDE_SWAP: return marked(s, swap(s, m->a, m->b));
    case SECRETS_HIDE_DRAW: draw(s, m, context); return wish(s, context);
    case SECRETS_SHUFFLE: return shuffle(s, m, context);
    case SECRETS_DEAL: return deal(s, m, context);
    case SECRETS_TICK: return tick(s);
    case SECRETS_ENTER: s->present++; return MOVEX_ACCEPT;
    case SECRETS_LEAVE: s->present--; return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static uint64_t wakes_at(const void *state)
{
    return ((const secrets *)state)->due_ms;
}

static bool can_reconcile(const void *public_state)
{
    const secrets *s = public_state;
    return s->marks >= SECRETS_MARKS || s->open;
}

static bool covers(const movex_action *hidden, const movex_action *shown)
{
    return ((const secrets_move *)hidden->payload)->id == ((const secrets_move *)shown->payload)->id;
}

/* Nobody sees the deck, and a hand only its owner. */
static void redact(void *state, const char *viewer)
{
    secrets *s = state;
    memset(s->deck, 0, sizeof s->deck);
    for (int i = 0; i < SECRETS_HANDS; i++)
        if (!viewer[0] || !movex_text_equals(s->hands[i].owner, viewer))
            memset(s->hands[i].cards, 0, sizeof s->hands[i].cards);
}

static uint64_t audience(const void *state, const char *viewer)
{
    const secrets *s = state;
    for (int i = 0; i < SECRETS_HANDS; i++)
        if (viewer[0] && movex_text_equals(s->hands[i].owner, viewer)) return (uint64_t)i + 1;
    return 0;
}

/* ---- what they touch */

static void touch_items(const secrets *s, movex_touch *touch)
{
    MOVEX_TOUCHES(touch, s->items);
    MOVEX_TOUCHES(touch, s->count);
}

static void touch_drawn(const secrets *s, const secrets_move *m, movex_touch *touch)
{
    MOVEX_TOUCHES(touch, s->drawn);
    MOVEX_TOUCHES(touch, s->cells[m->value % SECRETS_CELLS]);
}

static void touch_wish(const secrets *s, movex_touch *touch)
{
    MOVEX_TOUCHES(touch, s->cells[s->marks % SECRETS_CELLS]);
    MOVEX_TOUCHES(touch, s->marks);
}

/* Who has no hand may get any, and whose they are hangs on the author, whom these do not know. */
static void touch_cards(const secrets *s, movex_touch *touch)
{
    MOVEX_TOUCHES(touch, s->hands);
    MOVEX_TOUCHES(touch, s->deck_count);
    touch_items(s, touch);
}

static void touches(const void *state, const movex_action *action, movex_touch *touch)
{
    const secrets      *s = state;
    const secrets_move *m = action->payload;
    switch (action->type) {
    case SECRETS_APPEND:
        MOVEX_TOUCHES(touch, s->count);
        if (s->count < SECRETS_ROOM) MOVEX_TOUCHES(touch, s->items[s->count]);
        break;
    case SECRETS_SWAP: MOVEX_TOUCHES(touch, s->items); break;
    case SECRETS_TAKE: touch_items(s, touch); break;
    case SECRETS_BID: MOVEX_TOUCHES(touch, s->pot); break;
    case SECRETS_DRAW: touch_drawn(s, m, touch); break;
    case SECRETS_STAMP:
        MOVEX_TOUCHES(touch, s->stamped_ms);
        MOVEX_TOUCHES(touch, s->due_ms);
        break;
    case SECRETS_CLAIM: MOVEX_TOUCHES(touch, s->owner); break;
    case SECRETS_OPEN: MOVEX_TOUCHES(touch, s->open); break;
    case SECRETS_HIDE_APPEND:
    case SECRETS_HIDE_BID:
    case SECRETS_HIDE_SWAP:
        touch_items(s, touch);
        MOVEX_TOUCHES(touch, s->pot);
        MOVEX_TOUCHES(touch, s->marks);
        break;
    case SECRETS_MARK: MOVEX_TOUCHES(touch, s->marks); break;
    case SECRETS_HIDE_DRAW:
        touch_drawn(s, m, touch);
        touch_wish(s, touch);
        break;
    case SECRETS_WISH: touch_wish(s, touch); break;
    case SECRETS_SHUFFLE:
        MOVEX_TOUCHES(touch, s->deck_count);
        MOVEX_TOUCHES(touch, s->deck);
        break;
    case SECRETS_PLAY:
    case SECRETS_DEAL: touch_cards(s, touch); break;
    case SECRETS_TICK:
        MOVEX_TOUCHES(touch, s->ticks);
        MOVEX_TOUCHES(touch, s->due_ms);
        MOVEX_TOUCHES(touch, s->items[0]);
        break;
    case SECRETS_ENTER:
    case SECRETS_LEAVE: MOVEX_TOUCHES(touch, s->present); break;
    }
}

/* ---- the types */

#define NAMED(label) .name = label, .touches = touches
#define MOVE(label) NAMED(label), .payload = &move_schema
#define COMMON                                                                                                         \
    [SECRETS_APPEND] = {MOVE("append")}, [SECRETS_SWAP] = {MOVE("swap")}, [SECRETS_TAKE] = {MOVE("take")},             \
    [SECRETS_BID] = {MOVE("bid")}, [SECRETS_DRAW] = {MOVE("draw")}, [SECRETS_STAMP] = {MOVE("stamp")},                 \
    [SECRETS_CLAIM] = {MOVE("claim"), .flags = MOVEX_CONFIRM}, [SECRETS_OPEN] = {MOVE("open")},                        \
    [SECRETS_PLAY] = {MOVE("play")}, [SECRETS_MARK] = {MOVE("mark")}, [SECRETS_WISH] = {MOVE("wish")},                 \
    [SECRETS_HIDE_APPEND] = {MOVE("hide append"), .hidden_as = "mark"},                                                \
    [SECRETS_HIDE_BID] = {MOVE("hide bid"), .hidden_as = "mark"},                                                      \
    [SECRETS_HIDE_SWAP] = {MOVE("hide swap"), .hidden_as = "mark"},                                                    \
    [SECRETS_HIDE_DRAW] = {MOVE("hide draw"), .hidden_as = "wish"}, [SECRETS_TICK] = {NAMED("tick")},                  \
    [SECRETS_ENTER] = {NAMED("enter")}, [SECRETS_LEAVE] = {NAMED("leave")}

static const movex_action_type plain_actions[SECRETS_ACTIONS] = {
    COMMON,
    [SECRETS_SHUFFLE] = {MOVE("shuffle")},
    [SECRETS_DEAL] = {MOVE("deal")},
};
static const movex_action_type dealt_actions[SECRETS_ACTIONS] = {
    COMMON,
    [SECRETS_SHUFFLE] = {MOVE("shuffle"), .flags = MOVEX_MASTER_ONLY},
    [SECRETS_DEAL] = {MOVE("deal"), .flags = MOVEX_MASTER_ONLY},
};

#define TYPE(label, table)                                                                                             \
    .name = label, .state = &secrets_schema, .actions = table, .action_count = SECRETS_ACTIONS, .reduce = reduce,      \
    .wakes_at = wakes_at, .wake = "tick", .joined = "enter", .left = "leave", .can_reconcile = can_reconcile,          \
    .covers = covers

const movex_type secrets_plain_type = {TYPE("plain", plain_actions)};
const movex_type secrets_dealt_type = {TYPE("dealt", dealt_actions)};
const movex_type secrets_redacted_type = {TYPE("redacted", dealt_actions), .redact = redact};
const movex_type secrets_audience_type = {TYPE("audience", dealt_actions), .redact = redact, .audience = audience};

uint32_t secrets_shown_for(uint32_t action)
{
    const char *name = action < SECRETS_ACTIONS ? plain_actions[action].hidden_as : NULL;
    for (uint32_t i = 0; name && i < SECRETS_ACTIONS; i++)
        if (strcmp(plain_actions[i].name, name) == 0) return i;
    return SECRETS_ACTIONS;
}
