#include "room.h"

#include <movex/text.h>

#include <string.h>

MOVEX_SCHEMA(message_schema, message, MOVEX_FIELD(message, id), MOVEX_FIELD(message, at_ms),
             MOVEX_TEXT(message, author), MOVEX_TEXT(message, text));
MOVEX_SCHEMA(room_schema, room, MOVEX_STRUCT_LIST(room, messages, count, message_schema), MOVEX_FIELD(room, present));
MOVEX_SCHEMA(say_schema, say, MOVEX_TEXT(say, text));

static int add_message(room *r, const char *text, const movex_context *context)
{
    if (!text[0]) return EMPTY_TEXT;
    if (r->count == MOVEX_COUNT_OF(r->messages))
        memmove(r->messages, r->messages + 1, --r->count * sizeof r->messages[0]);
    message *added = &r->messages[r->count++];
    added->id = context->version;
    added->at_ms = context->now_ms;
    movex_text_set(added->author, context->author);
    movex_text_set(added->text, text);
    return MOVEX_ACCEPT;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    room *r = state;
    switch (action->type) {
    case SAY: return add_message(r, ((const say *)action->payload)->text, context);
    case ENTER: r->present++; return MOVEX_ACCEPT;
    case LEAVE: r->present--; return MOVEX_ACCEPT;
    default: return MOVEX_REFUSE;
    }
}

static const movex_action_type actions[] = {
    [SAY] = {.name = "say", .payload = &say_schema},
    [ENTER] = {.name = "enter"},
    [LEAVE] = {.name = "leave"},
};

const movex_type room_type = {
    .name = "room",
    .state = &room_schema,
    .actions = actions,
    .action_count = MOVEX_COUNT_OF(actions),
    .reduce = reduce,
    .joined = "enter",
    .left = "leave",
};
