#include "row_game.h"

#include <string.h>

MOVEX_SCHEMA(row_schema, row, MOVEX_LIST(row, numbers, count), MOVEX_FIELD(row, drawn), MOVEX_FIELD(row, stamp_ms),
             MOVEX_FIELD(row, stamp_version), MOVEX_TEXT(row, stamper), MOVEX_TEXT(row, owner), MOVEX_TEXT(row, said));
MOVEX_SCHEMA(append_schema, row_append, MOVEX_FIELD(row_append, number));
MOVEX_SCHEMA(swap_schema, row_swap, MOVEX_FIELD(row_swap, a), MOVEX_FIELD(row_swap, b));
MOVEX_SCHEMA(say_schema, row_say, MOVEX_TEXT(row_say, text));

static int append(row *r, int32_t number)
{
    if (r->count == ROW_CAPACITY) return ROW_FULL;
    r->numbers[r->count++] = number;
    return MOVEX_ACCEPT;
}

static int swap(row *r, const row_swap *which)
{
    if (which->a >= r->count || which->b >= r->count) return ROW_EMPTY;
    int32_t kept = r->numbers[which->a];
    r->numbers[which->a] = r->numbers[which->b];
    r->numbers[which->b] = kept;
    return MOVEX_ACCEPT;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    row *r = state;
    switch (action->type) {
    case ROW_APPEND: return append(r, ((const row_append *)action->payload)->number);
    case ROW_SWAP: return swap(r, action->payload);
    case ROW_TAKE:
        if (r->count == 0) return ROW_EMPTY;
        r->count--; /* what it leaves behind is the library's to clear */
        return MOVEX_ACCEPT;
    case ROW_DRAW: r->drawn = movex_random(context) ^ movex_random(context); return MOVEX_ACCEPT;
    case ROW_STAMP:
        r->stamp_ms = context->now_ms;
        r->stamp_version = context->version;
        movex_text_set(r->stamper, context->author);
        return MOVEX_ACCEPT;
    case ROW_CLAIM:
        memset(r->numbers, 7, sizeof r->numbers); /* a refusal leaves no trace, whatever was written */
        if (r->owner[0]) return ROW_TAKEN;
        movex_text_set(r->owner, context->author);
        r->count = 0;
        return MOVEX_ACCEPT;
    case ROW_SAY: movex_text_set(r->said, ((const row_say *)action->payload)->text); return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static int reduce_wrongly(void *state, const movex_action *action, const movex_context *context)
{
    row *r = state;
    int  answer = reduce(state, action, context);
    if (action->type == ROW_APPEND && answer == MOVEX_ACCEPT) r->numbers[r->count - 1]++;
    return answer;
}

static const movex_action_type actions[ROW_ACTIONS] = {
    [ROW_APPEND] = {.name = "append", .payload = &append_schema},
    [ROW_SWAP] = {.name = "swap", .payload = &swap_schema},
    [ROW_TAKE] = {.name = "take"},
    [ROW_DRAW] = {.name = "draw"},
    [ROW_STAMP] = {.name = "stamp"},
    [ROW_CLAIM] = {.name = "claim", .flags = MOVEX_CONFIRM},
    [ROW_SAY] = {.name = "say", .payload = &say_schema},
};

const movex_type row_type = {
    .name = "row", .state = &row_schema, .actions = actions, .action_count = ROW_ACTIONS, .reduce = reduce};
const movex_type row_wrong_type = {
    .name = "row", .state = &row_schema, .actions = actions, .action_count = ROW_ACTIONS, .reduce = reduce_wrongly};
const movex_type row_newer_type = {
    .name = "row", .version = 2, .state = &row_schema, .actions = actions, .action_count = ROW_ACTIONS, .reduce = reduce};
