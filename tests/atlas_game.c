#include "atlas_game.h"

static const char *const seasons[] = {"spring", "autumn"};

MOVEX_SCHEMA(place_schema, atlas_place, MOVEX_TEXT(atlas_place, name), MOVEX_FIELD(atlas_place, x),
             MOVEX_FIELD(atlas_place, y), MOVEX_FIELD(atlas_place, port));
/* Not in the order of the members, on purpose: the encoding follows the table, the image the memory. */
MOVEX_SCHEMA(map_schema, atlas_map, MOVEX_STRUCT_LIST(atlas_map, places, place_count, place_schema),
             MOVEX_TEXT_LIST(atlas_map, notes, note_count), MOVEX_STRUCT(atlas_map, capital, place_schema),
             MOVEX_NAMED_ENUM(atlas_map, season, seasons), MOVEX_ENUM_GRID(atlas_map, terrain, ATLAS_TERRAINS),
             MOVEX_FIELD(atlas_map, scale), MOVEX_ARRAY(atlas_map, ratios), MOVEX_FIELD(atlas_map, open),
             MOVEX_FIELD(atlas_map, depth));
MOVEX_SCHEMA(atlas_schema, atlas, MOVEX_STRUCT(atlas, map, map_schema), MOVEX_ARRAY(atlas, rolls),
             MOVEX_FIELD(atlas, alarm_ms), MOVEX_FIELD(atlas, rings), MOVEX_FIELD(atlas, visits),
             MOVEX_TEXT(atlas, visitor));
MOVEX_SCHEMA(roll_schema, atlas_roll, MOVEX_FIELD(atlas_roll, sides));
MOVEX_SCHEMA(arm_schema, atlas_arm, MOVEX_FIELD(atlas_arm, delay_ms));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    atlas *a = state;
    switch (action->type) {
    case ATLAS_REDRAW: a->map = *(const atlas_map *)action->payload; return MOVEX_ACCEPT;
    case ATLAS_ROLL: {
        uint32_t sides = ((const atlas_roll *)action->payload)->sides;
        if (sides == 0) return ATLAS_NO_SIDES;
        for (uint32_t i = 0; i < ATLAS_ROLLS; i++) a->rolls[i] = movex_random_below(context, sides);
        return MOVEX_ACCEPT;
    }
    case ATLAS_ARM: a->alarm_ms = context->now_ms + ((const atlas_arm *)action->payload)->delay_ms; return MOVEX_ACCEPT;
    case ATLAS_RING:
        a->alarm_ms = 0;
        a->rings--;
        movex_text_set(a->visitor, context->author);
        return MOVEX_ACCEPT;
    case ATLAS_JOINED:
        a->visits++;
        movex_text_set(a->visitor, context->author);
        return MOVEX_ACCEPT;
    case ATLAS_LEFT:
        a->visits--;
        movex_text_set(a->visitor, context->author);
        return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static uint64_t wakes_at(const void *state)
{
    return ((const atlas *)state)->alarm_ms;
}

static void init(void *state)
{
    atlas *a = state;
    a->map.depth = -11000;
    movex_text_set(a->map.capital.name, "Null Island");
}

static const movex_action_type actions[ATLAS_ACTIONS] = {
    [ATLAS_REDRAW] = {.name = "redraw", .payload = &map_schema},
    [ATLAS_ROLL] = {.name = "roll", .payload = &roll_schema},
    [ATLAS_ARM] = {.name = "arm", .payload = &arm_schema, .flags = MOVEX_CONFIRM},
    [ATLAS_RING] = {.name = "ring"},
    [ATLAS_JOINED] = {.name = "joined"},
    [ATLAS_LEFT] = {.name = "left"},
};

const movex_type atlas_type = {.name = "atlas",
                               .version = 3,
                               .state = &atlas_schema,
                               .actions = actions,
                               .action_count = ATLAS_ACTIONS,
                               .reduce = reduce,
                               .init = init,
                               .wakes_at = wakes_at,
                               .wake = "ring",
                               .joined = "joined",
                               .left = "left"};
