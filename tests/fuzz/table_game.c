#include "table_game.h"

#include <movex/text.h>

#include <string.h>

MOVEX_SCHEMA(seat_schema, table_seat, MOVEX_TEXT(table_seat, who), MOVEX_FIELD(table_seat, card),
             MOVEX_FIELD(table_seat, value), MOVEX_FIELD(table_seat, locked));
MOVEX_SCHEMA(table_schema, table, MOVEX_LIST(table, items, count), MOVEX_STRUCTS(table, seats, seat_schema),
             MOVEX_LIST(table, deck, deck_count), MOVEX_FIELD(table, drawn), MOVEX_FIELD(table, stamped_ms),
             MOVEX_FIELD(table, due_ms), MOVEX_FIELD(table, ticks), MOVEX_FIELD(table, present),
             MOVEX_FIELD(table, locks), MOVEX_FIELD(table, opened), MOVEX_FIELD(table, mood), MOVEX_TEXT(table, said),
             MOVEX_ARRAY(table, cells), MOVEX_FIELD(table, shown_ms));
MOVEX_SCHEMA(move_schema, table_move, MOVEX_FIELD(table_move, id), MOVEX_FIELD(table_move, a),
             MOVEX_FIELD(table_move, b), MOVEX_TEXT(table_move, text));
MOVEX_SCHEMA(lock_schema, table_lock, MOVEX_FIELD(table_lock, seat), MOVEX_FIELD(table_lock, value));

enum { FULL = 1, EMPTY, TAKEN, LOCKED, NOT_YOURS };

static void exchange(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

/* ---- the actions */

static int append(table *t, const table_move *m)
{
    if (t->count == TABLE_ITEMS) return FULL;
    t->items[t->count++] = m->id;
    t->cells[m->id % TABLE_CELLS] += m->a;
    return MOVEX_ACCEPT;
}

static int swap(table *t, const table_move *m)
{
    if (m->a >= t->count || m->b >= t->count) return EMPTY;
    exchange(&t->items[m->a], &t->items[m->b]);
    return MOVEX_ACCEPT;
}

static int steal(table *t, const table_move *m)
{
    if (swap(t, m) != MOVEX_ACCEPT) return EMPTY;
    t->items[m->a] = m->id;
    t->count--; /* what is left behind in the slot is the library's to clear */
    return MOVEX_ACCEPT;
}

static int take(table *t)
{
    if (t->count == 0) return EMPTY;
    memmove(t->items, t->items + 1, --t->count * sizeof *t->items);
    return MOVEX_ACCEPT;
}

static int draw(table *t, const table_move *m, const movex_context *context, unsigned times)
{
    for (; times > 0; times--) t->drawn = t->drawn * 31 + movex_random(context);
    if (m->a & 1) t->drawn ^= movex_random_below(context, 1000);
    t->mood = t->mood / 2 + (float)(t->drawn >> 40);
    return m->b == 7 ? EMPTY : MOVEX_ACCEPT; /* refused after it has drawn and written */
}

static int stamp(table *t, const table_move *m, const movex_context *context)
{
    t->stamped_ms = context->now_ms ^ context->version << 40;
    t->due_ms = context->now_ms + 10 + m->a; /* asks to be woken */
    return MOVEX_ACCEPT;
}

static int claim(table *t, const table_move *m, const movex_context *context)
{
    table_seat *seat = &t->seats[m->a % TABLE_SEATS];
    if (seat->who[0] && !movex_text_equals(seat->who, context->author)) return TAKEN;
    if (seat->who[0])
        movex_text_set(seat->who, "");
    else
        movex_text_copy(seat->who, sizeof seat->who, context->author);
    return MOVEX_ACCEPT;
}

static int lock(table *t, const table_lock *l, bool with_value)
{
    table_seat *seat = &t->seats[l->seat % TABLE_SEATS];
    if (seat->locked) return LOCKED;
    seat->locked = true;
    t->locks++;
    if (with_value) seat->value = l->value;
    return MOVEX_ACCEPT;
}

static int deal(table *t, const table_move *m, const movex_context *context)
{
    table_seat *seat = &t->seats[m->a % TABLE_SEATS];
    if (t->deck_count == 0) return EMPTY;
    seat->card = t->deck[--t->deck_count];
    if (m->b & 1) seat->value = (uint8_t)movex_random_below(context, 6);
    return MOVEX_ACCEPT;
}

static int shuffle(table *t, const movex_context *context)
{
    t->deck_count = TABLE_DECK;
    for (uint8_t i = 0; i < TABLE_DECK; i++) t->deck[i] = (uint8_t)(i + 1);
    for (uint32_t i = TABLE_DECK; i > 1; i--) {
        uint32_t k = movex_random_below(context, i);
        uint8_t  kept = t->deck[i - 1];
        t->deck[i - 1] = t->deck[k];
        t->deck[k] = kept;
    }
    return MOVEX_ACCEPT;
}

/* Closing begins a new round, in which something can be hidden again. */
static int open_or_close(table *t)
{
    t->opened = !t->opened;
    for (int i = 0; i < TABLE_SEATS && !t->opened; i++) t->seats[i].locked = false;
    return MOVEX_ACCEPT;
}

static int tick(table *t)
{
    t->ticks++;
    t->due_ms = t->ticks % 3 ? t->due_ms + 7 : 0;
    if (t->count) t->items[0] ^= t->ticks;
    return MOVEX_ACCEPT;
}

static int say(table *t, const table_move *m)
{
    if (!m->text[0]) return EMPTY;
    movex_text_copy(t->said, sizeof t->said, m->text);
    return MOVEX_ACCEPT;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    table            *t = state;
    const table_move *m = action->payload;
    switch (action->type) {
    case TABLE_APPEND: return append(t, m);
    case TABLE_SWAP: return swap(t, m);
    case TABLE_STEAL: return steal(t, m);
    case TABLE_TAKE: return take(t);
    case TABLE_DRAW: return draw(t, m, context, (m->id + t->count) % 2); /* in some views it may draw, in others not */
    case TABLE_GAMBLE: return draw(t, m, context, 2);
    case TABLE_STAMP: return stamp(t, m, context);
    case TABLE_SAY: return say(t, m);
    case TABLE_CLAIM: return claim(t, m, context);
    case TABLE_READY: return lock(t, action->payload, false);
    case TABLE_LOCK: return lock(t, action->payload, true);
    case TABLE_OPEN: return open_or_close(t);
    case TABLE_BREAK: t->count = TABLE_ITEMS + 1; return MOVEX_ACCEPT;
    case TABLE_SHUFFLE: return shuffle(t, context);
    case TABLE_DEAL: return deal(t, m, context);
    case TABLE_TICK: return tick(t);
    case TABLE_ENTER: t->present++; return MOVEX_ACCEPT;
    case TABLE_LEAVE: t->present--; return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

/* ---- the hooks */

static void init(void *state)
{
    table *t = state;
    t->count = 1;
    t->items[0] = 42;
    movex_text_set(t->said, "hello");
}

static uint64_t wakes_at(const void *state)
{
    return ((const table *)state)->due_ms;
}

static void transform(void *state, const movex_context *context)
{
    ((table *)state)->shown_ms = context->now_ms;
}

static bool can_reconcile(const void *state)
{
    const table *t = state;
    return t->opened || (t->seats[0].locked && t->seats[1].locked);
}

static bool covers(const movex_action *hidden, const movex_action *shown)
{
    if (hidden->type != TABLE_LOCK) return true;
    return ((const table_lock *)hidden->payload)->seat == ((const table_lock *)shown->payload)->seat;
}

static void redact(void *state, const char *viewer)
{
    table *t = state;
    memset(t->deck, 0, sizeof t->deck); /* how many there are is no secret */
    for (int i = 0; i < TABLE_SEATS; i++)
        if (!viewer[0] || !movex_text_equals(t->seats[i].who, viewer)) t->seats[i].card = 0;
}

static uint64_t audience(const void *state, const char *viewer)
{
    const table *t = state;
    uint64_t     seats = 0;
    for (int i = 0; i < TABLE_SEATS; i++)
        if (viewer[0] && movex_text_equals(t->seats[i].who, viewer)) seats |= 1u << i;
    return seats;
}

/* ---- the types */

#define ACTIONS(lock_as, gamble_as, steal_as, dealing)                                                                 \
    {                                                                                                                  \
        [TABLE_APPEND] = {"append", &move_schema, 0, NULL}, [TABLE_SWAP] = {"swap", &move_schema, 0, NULL},            \
        [TABLE_TAKE] = {"take", NULL, 0, NULL}, [TABLE_DRAW] = {"draw", &move_schema, 0, NULL},                        \
        [TABLE_STAMP] = {"stamp", &move_schema, 0, NULL}, [TABLE_SAY] = {"say", &move_schema, 0, NULL},                \
        [TABLE_CLAIM] = {"claim", &move_schema, MOVEX_CONFIRM, NULL},                                                  \
        [TABLE_READY] = {"ready", &lock_schema, 0, NULL}, [TABLE_LOCK] = {"lock", &lock_schema, 0, lock_as},           \
        [TABLE_GAMBLE] = {"gamble", &move_schema, 0, gamble_as}, [TABLE_STEAL] = {"steal", &move_schema, 0, steal_as}, \
        [TABLE_OPEN] = {"open", NULL, 0, NULL}, [TABLE_BREAK] = {"break", NULL, 0, NULL},                              \
        [TABLE_SHUFFLE] = {"shuffle", NULL, dealing, NULL}, [TABLE_DEAL] = {"deal", &move_schema, dealing, NULL},      \
        [TABLE_TICK] = {"tick", NULL, 0, NULL}, [TABLE_ENTER] = {"enter", NULL, 0, NULL},                              \
        [TABLE_LEAVE] = {"leave", NULL, 0, NULL},                                                                      \
    }

static const movex_action_type open_actions[] = ACTIONS(NULL, NULL, NULL, 0);
static const movex_action_type duel_actions[] = ACTIONS("ready", "draw", "swap", 0);
static const movex_action_type cards_actions[] = ACTIONS("ready", "draw", "swap", MOVEX_MASTER_ONLY);

#define RULES .state = &table_schema, .action_count = TABLE_ACTIONS, .reduce = reduce, .init = init
#define TIMED .wakes_at = wakes_at, .wake = "tick", .joined = "enter", .left = "leave"
#define PAIRS .can_reconcile = can_reconcile, .covers = covers
#ifdef TABLE_SEALED
#define SEALS .sealed = true, .seal_ms = 500
#else
#define SEALS .sealed = false
#endif

/* clang-format off */
static const movex_type open_type = {.name = "open", RULES, .actions = open_actions, TIMED, .transform = transform};
static const movex_type duel_type = {.name = "duel", RULES, .actions = duel_actions, TIMED, PAIRS, SEALS};
static const movex_type cards_type = {.name = "cards", RULES, .actions = cards_actions, TIMED, PAIRS,
                                      .redact = redact, .audience = audience};
static const movex_type eyes_type = {.name = "eyes", RULES, .actions = cards_actions,
                                     .can_reconcile = can_reconcile, .redact = redact, .transform = transform};
/* clang-format on */

const movex_type *const table_types[TABLE_TYPES + 1] = {&open_type, &duel_type, &cards_type, &eyes_type, NULL};
