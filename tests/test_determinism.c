/* The determinism check: planted faults are found, with type, action and field; games without them are not accused. */
#include "meter.h"
#include "row_game.h"
#include "support.h"

#include <movex/local.h>

#include <string.h>

typedef struct seed_payload {
    uint8_t  kind; /* padding behind it */
    uint32_t amount;
} seed_payload;

typedef struct plant_part {
    uint8_t  tag; /* padding behind it */
    uint16_t size;
} plant_part;

typedef struct garden {
    uint8_t    small; /* padding behind it */
    uint32_t   value;
    uint8_t    rest_count, rest[5];
    plant_part parts[2];
    char       name[16];
} garden;

MOVEX_SCHEMA(part_schema, plant_part, MOVEX_FIELD(plant_part, tag), MOVEX_FIELD(plant_part, size));
MOVEX_SCHEMA(garden_schema, garden, MOVEX_FIELD(garden, small), MOVEX_FIELD(garden, value),
             MOVEX_LIST(garden, rest, rest_count), MOVEX_STRUCTS(garden, parts, part_schema), MOVEX_TEXT(garden, name));
MOVEX_SCHEMA(seed_schema, seed_payload, MOVEX_FIELD(seed_payload, kind), MOVEX_FIELD(seed_payload, amount));

enum {
    GOOD,
    PADDING,
    PART_PADDING,
    PAYLOAD_PADDING,
    COUNTER,
    ADDRESS,
    OUTSIDE,
    PAYLOAD,
    DRAWS,
    ANSWER,
    LEFTOVER,
    BAD,
    FAULTS
};

static uint32_t counter;

#if defined(__GNUC__)
__attribute__((noinline, no_sanitize_address)) /* it would give it a stack of its own */
#endif
static uint32_t
leftover(void)
{
    volatile uint32_t nothing[32];
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif
    return nothing[7];
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    garden       *g = state;
    seed_payload *seed = (seed_payload *)(uintptr_t)action->payload;
    g->rest[g->rest_count % 5] += 1; /* unused slots are zero, whatever the memory */
    switch (action->type) {
    case PADDING: g->value = ((unsigned char *)g)[1]; break;
    case PART_PADDING: g->parts[1].size = ((unsigned char *)&g->parts[1])[1]; break;
    case PAYLOAD_PADDING: g->value = ((unsigned char *)seed)[1]; break;
    case COUNTER: g->parts[1].size = (uint16_t)++counter; break;
    case ADDRESS: g->value = (uint32_t)((uintptr_t)state >> 4); break;
    case OUTSIDE: ((unsigned char *)state)[sizeof *g + 3] ^= 1; break;
    case PAYLOAD: seed->amount++; break;
    case DRAWS:
        if (++counter % 2) movex_random(context);
        break;
    case ANSWER: return ++counter % 2 ? 3 : MOVEX_ACCEPT;
    case LEFTOVER: g->value = leftover(); break;
    case BAD: g->rest_count = 6 + ++counter % 2; break;
    default: g->value += 7; g->small++;
    }
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[FAULTS] = {
    [GOOD] = {.name = "good"},
    [PADDING] = {.name = "padding"},
    [PART_PADDING] = {.name = "part_padding"},
    [PAYLOAD_PADDING] = {.name = "payload_padding", .payload = &seed_schema},
    [COUNTER] = {.name = "counter"},
    [ADDRESS] = {.name = "address"},
    [OUTSIDE] = {.name = "outside"},
    [PAYLOAD] = {.name = "payload", .payload = &seed_schema},
    [DRAWS] = {.name = "draws"},
    [ANSWER] = {.name = "answer"},
    [LEFTOVER] = {.name = "leftover"},
    [BAD] = {.name = "bad"},
};

static const movex_type garden_type = {
    .name = "garden",
    .version = 1,
    .state = &garden_schema,
    .actions = actions,
    .action_count = FAULTS,
    .reduce = reduce,
};

/* What the finding begins with; NULL: none. */
static const char *const expected[FAULTS] = {
    [GOOD] = NULL,
    [PADDING] = "type garden, action padding: run twice, it left value: here ",
    [PART_PADDING] = "type garden, action part_padding: run twice, it left parts[1].size: here ",
    [PAYLOAD_PADDING] = "type garden, action payload_padding: run twice, it left value: here ",
    [COUNTER] = "type garden, action counter: run twice, it left parts[1].size: here 1, second run 2",
    [ADDRESS] = "type garden, action address: run twice, it left value: here ",
    [OUTSIDE] = "type garden, action outside: it writes outside the state",
    [PAYLOAD] = "type garden, action payload: it changes its payload",
    [DRAWS] = "type garden, action draws: run twice, it drew another number of random values",
    [ANSWER] = "type garden, action answer: run twice, it returned 3, then 0",
    [LEFTOVER] = "type garden, action leftover: run twice, it left value: here 1515870810, second run 3284386755",
    [BAD] = "type garden, action bad: run twice, it left a state that cannot be once, or another one: rest",
};

START_TEST(planted_faults_are_found)
{
    movex_determinism   found = {0};
    movex_rules        *rules = movex_rules_new(&garden_type, NULL, NULL);
    movex_random_source source = {.seed = 1};
    movex_context       context = {.author = "ann", .version = 1, .random = &source};
    seed_payload        payload = {0};
    struct {
        garden        state, scratch;
        unsigned char room[64]; /* for who writes outside */
    } memory = {0};
    payload.amount = 5;
    counter = 0;
    ck_assert_int_eq(movex_rules_check_determinism(rules, &found), MOVEX_OK);
    bool has_payload = actions[_i].payload != NULL;
    movex_apply(rules, &memory.state, (uint32_t)_i, has_payload ? &payload : NULL, &context, NULL);
    ck_assert_uint_eq(found.runs, 1);
    if (expected[_i])
        ck_assert_msg(strncmp(found.text, expected[_i], strlen(expected[_i])) == 0, "%s", found.text);
    else
        ck_assert_str_eq(found.text, "");
    ck_assert_uint_eq(found.findings, expected[_i] != NULL);

    /* Off again. */
    ck_assert_int_eq(movex_rules_check_determinism(rules, NULL), MOVEX_OK);
    movex_apply(rules, &memory.state, GOOD, NULL, &context, NULL);
    ck_assert_uint_eq(found.runs, 1);
    movex_rules_free(rules);
}
END_TEST

/* The first finding keeps its words; the real run is the first, so what a game computes does not change. */
START_TEST(a_match_goes_on_and_says_so)
{
    movex_determinism at_master = {0}, at_client = {0};
    movex_master     *master = movex_master_new(
            &(movex_master_config){.types = MOVEX_TYPES(&garden_type, &row_type), .determinism = &at_master});
    movex_client *client = movex_client_new(
        &(movex_client_config){.id = "ann", .io = movex_local_connect(master), .determinism = &at_client});
    movex_resource *resource = movex_bind(client, &garden_type, "g"), *numbers = movex_bind(client, &row_type, "r");
    const row_say   say = {"hello"};
    counter = 0;
    for (uint64_t now_ms = 0; now_ms < 100; now_ms++) {
        movex_event event;
        if (now_ms < 50 && now_ms > 20)
            movex_dispatch(numbers, now_ms % 2 ? ROW_SAY : ROW_DRAW, now_ms % 2 ? &say : NULL);
        if (now_ms == 50) {
            ck_assert_uint_eq(at_master.findings + at_client.findings, 0); /* row is without fault */
            ck_assert_uint_gt(at_master.runs, 20);
            ck_assert_uint_gt(at_client.runs, at_master.runs);
        }
        if (now_ms == 50 || now_ms == 60) movex_dispatch(resource, COUNTER, NULL);
        movex_master_poll(master, now_ms);
        movex_client_poll(client, now_ms);
        while (movex_client_next(client, &event)) {}
    }
    ck_assert_uint_eq(at_master.findings, 2);
    ck_assert_uint_ge(at_client.findings, 2);
    ck_assert_str_eq(at_client.text,
                     "type garden, action counter: run twice, it left parts[1].size: here 1, second run 2");
    movex_client_free(client);
    movex_master_free(master);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    for (uint64_t fail = 1; fail <= 4; fail++) {
        meter             memory = {0};
        movex_allocator   allocator = meter_allocator(&memory);
        movex_determinism found = {0};
        movex_rules      *rules = movex_rules_new(&garden_type, &allocator, NULL);
        garden            state = {0};
        memory.fail_at = memory.taken + fail;
        ck_assert_int_eq(movex_rules_check_determinism(rules, &found), MOVEX_ERR_MEMORY);
        movex_apply(rules, &state, GOOD, NULL, NULL, NULL);
        ck_assert_uint_eq(found.runs, 0);
        movex_rules_free(rules);
        ck_assert_uint_eq(memory.blocks, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("determinism");
    TCase *tcase = tcase_create("determinism");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, planted_faults_are_found, 0, FAULTS);
    tcase_add_test(tcase, a_match_goes_on_and_says_so);
    tcase_add_test(tcase, without_memory_nothing_changes);
    return movex_test_main(suite);
}
