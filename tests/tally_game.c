/* Built three times: as it is, as another description of the same type (TALLY_CHANGED), and with another rule that does not
   show in the description (TALLY_OTHER_RULE). */
#include "tally_game.h"

#include <movex/game.h>

#include <string.h>

MOVEX_SCHEMA(seat_schema, tally_seat, MOVEX_TEXT(tally_seat, name), MOVEX_FIELD(tally_seat, count),
             MOVEX_FIELD(tally_seat, sum), MOVEX_FIELD(tally_seat, last), MOVEX_FIELD(tally_seat, disorder),
             MOVEX_FIELD(tally_seat, nods));
#ifdef TALLY_CHANGED
MOVEX_SCHEMA(state_schema, tally, MOVEX_STRUCTS(tally, seats, seat_schema), MOVEX_ARRAY(tally, log),
             MOVEX_FIELD(tally, chain), MOVEX_FIELD(tally, drawn), MOVEX_FIELD(tally, stamped_ms),
             MOVEX_FIELD(tally, waiting), MOVEX_FIELD(tally, new_member));
#else
MOVEX_SCHEMA(state_schema, tally, MOVEX_STRUCTS(tally, seats, seat_schema), MOVEX_ARRAY(tally, log),
             MOVEX_FIELD(tally, chain), MOVEX_FIELD(tally, drawn), MOVEX_FIELD(tally, stamped_ms),
             MOVEX_FIELD(tally, waiting));
#endif
MOVEX_SCHEMA(id_schema, tally_id, MOVEX_FIELD(tally_id, id));

static uint64_t mix(uint64_t value)
{
    value *= 0x9e3779b97f4a7c15;
    return value ^ (value >> 29);
}

static int seat_of(tally *t, const char *author)
{
    for (int i = 0; i < TALLY_SEATS; i++) {
        if (!t->seats[i].name[0]) movex_text_set(t->seats[i].name, author);
        if (movex_text_equals(t->seats[i].name, author)) return i;
    }
    return -1;
}

static void note(tally_seat *seat, uint64_t id)
{
    if (id <= seat->last) seat->disorder++;
    seat->last = id;
    seat->count++;
    seat->sum += mix(id);
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    tally *t = state;
    int    seat = seat_of(t, context->author);
    if (seat < 0) return TALLY_FULL;
    /* A hidden half does all that the shown one does. */
    uint32_t shown = action->type == TALLY_KEEP ? (uint32_t)TALLY_NOD : action->type;
    uint64_t id = action->payload ? ((const tally_id *)action->payload)->id : 0;
    uint64_t entry = (uint64_t)seat << 56 | (uint64_t)shown << 48 | (shown == TALLY_MARK ? id : 0);
    t->log[context->version % TALLY_LOG] = entry;
    t->chain = mix(t->chain ^ entry);
    if (id) note(&t->seats[seat], id);
    if (shown == TALLY_NOD) {
        t->waiting++;
        t->seats[seat].nods++;
    } else if (shown == TALLY_OPEN) {
        t->waiting = TALLY_PATIENCE;
    } else {
        if (t->waiting >= TALLY_PATIENCE) t->waiting = 0;
        t->drawn ^= movex_random(context);
        t->stamped_ms = context->now_ms;
#ifdef TALLY_OTHER_RULE
        t->stamped_ms++;
#endif
    }
    return MOVEX_ACCEPT;
}

static bool is_open(const void *public_state)
{
    return ((const tally *)public_state)->waiting >= TALLY_PATIENCE;
}

static const movex_action_type actions[TALLY_ACTIONS] = {
    [TALLY_MARK] = {.name = "mark", .payload = &id_schema},
    [TALLY_KEEP] = {.name = "keep", .payload = &id_schema, .hidden_as = "nod"},
    [TALLY_NOD] = {.name = "nod"},
    [TALLY_OPEN] = {.name = "open"},
};

const movex_type tally_type = {.name = "tally",
                               .state = &state_schema,
                               .actions = actions,
                               .action_count = TALLY_ACTIONS,
                               .reduce = reduce,
                               .can_reconcile = is_open};

MOVEX_GAME("tally", &tally_type);
