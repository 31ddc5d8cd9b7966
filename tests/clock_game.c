#include "clock_game.h"

MOVEX_SCHEMA(clock_schema, clock_state, MOVEX_FIELD(clock_state, due_ms), MOVEX_FIELD(clock_state, every_ms),
             MOVEX_FIELD(clock_state, rings), MOVEX_FIELD(clock_state, rung_ms), MOVEX_FIELD(clock_state, present),
             MOVEX_FIELD(clock_state, came), MOVEX_FIELD(clock_state, went), MOVEX_TEXT(clock_state, last),
             MOVEX_FIELD(clock_state, deaf), MOVEX_FIELD(clock_state, remaining_ms));
MOVEX_SCHEMA(start_schema, clock_start, MOVEX_FIELD(clock_start, in_ms), MOVEX_FIELD(clock_start, every_ms),
             MOVEX_FIELD(clock_start, deaf));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    clock_state       *c = state;
    const clock_start *start = action->payload;
    switch (action->type) {
    case CLOCK_START:
        if (c->due_ms) return CLOCK_RUNNING;
        c->due_ms = context->now_ms + start->in_ms;
        c->every_ms = start->every_ms;
        c->deaf = start->deaf;
        return MOVEX_ACCEPT;
    case CLOCK_RING:
        if (c->deaf > 0) return MOVEX_REFUSE;
        c->rings++;
        c->rung_ms = context->now_ms;
        c->due_ms = c->every_ms ? c->due_ms + c->every_ms : 0;
        return MOVEX_ACCEPT;
    case CLOCK_ENTER:
        c->present++;
        c->came++;
        movex_text_set(c->last, context->author);
        return MOVEX_ACCEPT;
    case CLOCK_LEAVE:
        c->present--;
        c->went++;
        movex_text_set(c->last, context->author);
        return MOVEX_ACCEPT;
    case CLOCK_SET:
        c->deaf = start->deaf;
        return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static uint64_t wakes_at(const void *state)
{
    return ((const clock_state *)state)->due_ms;
}

static void transform(void *state, const movex_context *context)
{
    clock_state *c = state;
    c->remaining_ms = c->due_ms > context->now_ms ? c->due_ms - context->now_ms : 0;
    c->rings += 1000; /* a transform that could not be applied twice */
}

static const movex_action_type actions[CLOCK_ACTIONS] = {
    [CLOCK_START] = {.name = "start", .payload = &start_schema},
    [CLOCK_RING] = {.name = "ring"},
    [CLOCK_ENTER] = {.name = "enter"},
    [CLOCK_LEAVE] = {.name = "leave"},
    [CLOCK_SET] = {.name = "set", .payload = &start_schema},
};

const movex_type clock_type = {
    .name = "clock",
    .state = &clock_schema,
    .actions = actions,
    .action_count = CLOCK_ACTIONS,
    .reduce = reduce,
    .wakes_at = wakes_at,
    .wake = "ring",
    .joined = "enter",
    .left = "leave",
    .transform = transform,
};
