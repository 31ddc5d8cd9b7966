/* The faults of the TypeScript library that this one descends from, each a test, named by the letter and number under
   which they were collected: M (order and optimism), S (state and checksum), T (what the master adds), N (connections). A party is polled by hand here, so that what is on its way when is exactly as in the row.

   Rows that are tested elsewhere: P1 to P13, T1 and M11 in test_hidden_ancestor.c, N3 in test_movexd_http.sh; N7 (nothing is
   kept) in test_restarts.c; N9 (a mock that is too kind) in test_mock_faults.c.

   Rows that have no test of their own, and why:
   S2  states that are no objects: a state is a struct here; an array or a number is a struct with one member.
   S6  a lock map that leaks: there are no locks; a master is used by one thread.
   T3  keys with slashes: fields are found by their place, not by a path that is parsed.
   M9  a transform that is not idempotent: M9_transform_is_for_reading_alone in test_time.c. */
#include "clock_game.h"
#include "cuttable.h"
#include "match.h"
#include "meter.h"
#include "row_game.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const movex_type *const types[] = {&row_type, NULL};

typedef struct table {
    match           m;
    movex_client   *a, *b;
    movex_resource *ra, *rb;
} table;

static void start(table *t)
{
    match_start_types(&t->m, MATCH_LOCAL, types);
    t->a = match_client(&t->m, "ann");
    t->b = match_client(&t->m, "ben");
    t->ra = movex_bind(t->a, &row_type, "main");
    t->rb = movex_bind(t->b, &row_type, "main");
    match_until(&t->m, movex_in_sync(t->ra) && movex_in_sync(t->rb));
}

static void poll_master(table *t)
{
    movex_master_poll(t->m.master, ++t->m.now_ms);
}

static void poll(table *t, movex_client *client)
{
    movex_client_poll(client, ++t->m.now_ms);
}

static movex_ticket append(movex_resource *resource, int32_t number)
{
    return movex_dispatch(resource, ROW_APPEND, &(row_append){number});
}

static bool shows(const movex_resource *resource, uint32_t count, const int32_t *numbers)
{
    const row *r = movex_state(resource);
    return r->count == count && memcmp(r->numbers, numbers, count * sizeof *numbers) == 0;
}

#define SHOWS(resource, ...)                                                                                           \
    shows(resource, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t), (int32_t[]){__VA_ARGS__})

/* Everybody agrees, without a mismatch and without a resync unless some are expected. */
static void finish(table *t, uint64_t resyncs)
{
    const movex_resource *both[] = {t->ra, t->rb};
    match_until(&t->m, match_at_rest(&t->m, both, 2));
    movex_stats a = movex_client_stats(t->a), b = movex_client_stats(t->b);
    ck_assert_uint_eq(a.mismatches + b.mismatches, resyncs);
    ck_assert_uint_eq(a.resyncs + b.resyncs, resyncs);
    ck_assert_uint_eq(movex_checksum(t->ra), movex_checksum(t->rb));
    match_end(&t->m);
}

/* A stray pointer: the first number of what a client believes confirmed is another. */
static void corrupt(const movex_resource *resource)
{
    union {
        const void *read_only;
        row        *state;
    } confirmed = {.read_only = movex_confirmed_state(resource)};
    confirmed.state->numbers[0] ^= 0x40;
}

/* ---- M: order, optimism, resync */

START_TEST(M1_no_update_is_lost)
{
    table t;
    start(&t);
    append(t.ra, 1);
    append(t.rb, 2);
    poll(&t, t.a);
    poll(&t, t.b);
    poll_master(&t); /* both in one turn */
    finish(&t, 0);

    start(&t);
    for (int i = 0; i < 10; i++) append(t.ra, i); /* one client, ten in a loop */
    match_until(&t.m, movex_version(t.rb) == 10);
    ck_assert(SHOWS(t.rb, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    finish(&t, 0);
}
END_TEST

START_TEST(M2_a_forward_goes_beneath_what_is_pending)
{
    table t;
    start(&t);
    append(t.ra, 1);
    poll(&t, t.a);
    poll_master(&t);
    append(t.rb, 2);
    ck_assert(SHOWS(t.rb, 2));
    poll(&t, t.b); /* the forward comes while its own is on its way */
    ck_assert(SHOWS(t.rb, 1, 2));
    ck_assert_uint_eq(movex_pending(t.rb), 1);
    finish(&t, 0);
}
END_TEST

START_TEST(M3_dispatches_may_follow_one_another_unanswered)
{
    table t;
    start(&t);
    append(t.ra, 1);
    poll(&t, t.a);
    append(t.ra, 2);
    poll_master(&t);
    poll(&t, t.a); /* the answer to the first, with the second pending */
    ck_assert_uint_eq(movex_version(t.ra), 1);
    ck_assert_uint_eq(movex_pending(t.ra), 1);
    ck_assert(SHOWS(t.ra, 1, 2));
    finish(&t, 0);
}
END_TEST

START_TEST(M4_a_resync_does_not_wipe_newer_actions)
{
    table t;
    start(&t);
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.rb) == 1);
    corrupt(t.rb);
    append(t.rb, 2);
    poll(&t, t.b);
    poll_master(&t);
    append(t.ra, 3);
    poll(&t, t.a);
    poll_master(&t);
    poll(&t, t.b); /* finds the mismatch, asks for a snapshot */
    ck_assert_uint_eq(movex_client_stats(t.b).resyncs, 1);
    append(t.rb, 4);
    for (int i = 0; i < 6; i++) { /* whatever comes in which order: the 4 stays the last */
        const row *r = movex_state(t.rb);
        ck_assert_uint_ge(r->count, 1);
        ck_assert_int_eq(r->numbers[r->count - 1], 4);
        poll_master(&t);
        poll(&t, t.b);
    }
    ck_assert(SHOWS(t.rb, 1, 2, 3, 4));
    finish(&t, 1);
}
END_TEST

START_TEST(M5_mismatches_in_a_row_are_one_resync)
{
    table t;
    start(&t);
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.rb) == 1);
    corrupt(t.rb);
    for (int i = 0; i < 5; i++) append(t.ra, i);
    poll(&t, t.a);
    poll_master(&t);
    poll(&t, t.b);
    finish(&t, 1);
}
END_TEST

START_TEST(M6_a_lost_resync_does_not_freeze_input)
{
    table t;
    start(&t);
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.rb) == 1);
    corrupt(t.rb);
    append(t.ra, 2);
    poll(&t, t.a);
    poll_master(&t);
    poll(&t, t.b); /* asks for a snapshot */
    ck_assert(!movex_in_sync(t.rb));
    match_cut(&t.m, t.b); /* which never comes */
    ck_assert_uint_ne(append(t.rb, 3), 0);
    match_until(&t.m, movex_in_sync(t.rb) && movex_pending(t.rb) == 0);
    ck_assert(SHOWS(t.rb, 1, 2, 3));
    finish(&t, 1);
}
END_TEST

START_TEST(M7_refusals_and_losses_are_told)
{
    table       t;
    movex_event event;
    start(&t);
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.rb) == 1);
    movex_dispatch(t.ra, ROW_TAKE, NULL);
    poll(&t, t.a);
    movex_ticket late = movex_dispatch(t.rb, ROW_TAKE, NULL); /* the master will see it second */
    poll_master(&t);
    match_until(&t.m, match_event(t.b, MOVEX_EVENT_REFUSED, &event));
    ck_assert_uint_eq(event.ticket, late);
    ck_assert_int_eq(event.reason, ROW_EMPTY);
    movex_ticket gone = append(t.rb, 9);
    ck_assert_int_eq(movex_master_remove(t.m.master, &row_type, "main", NULL), MOVEX_OK);
    match_until(&t.m, match_event(t.b, MOVEX_EVENT_EXPIRED, &event));
    ck_assert_uint_eq(event.ticket, gone);
    match_end(&t.m);
}
END_TEST

START_TEST(M8_the_answer_to_a_confirmed_action_keeps_what_followed)
{
    table t;
    start(&t);
    movex_dispatch(t.ra, ROW_CLAIM, NULL);
    append(t.ra, 5);
    finish(&t, 0);

    start(&t);
    movex_dispatch(t.ra, ROW_STAMP, NULL); /* with what only the master knows */
    append(t.ra, 5);
    match_until(&t.m, movex_version(t.ra) == 2);
    ck_assert(SHOWS(t.ra, 5));
    ck_assert_uint_eq(((const row *)movex_state(t.ra))->stamp_version, 1);
    finish(&t, 0);
}
END_TEST

START_TEST(M10_one_client_binds_the_same_twice)
{
    table t;
    start(&t);
    movex_resource *again = movex_bind(t.a, &row_type, "main");
    append(t.ra, 1);
    ck_assert(SHOWS(again, 1));
    append(again, 2);
    match_until(&t.m, movex_version(again) == 2);
    ck_assert(SHOWS(t.ra, 1, 2));
    movex_unbind(again);
    append(t.ra, 3);
    finish(&t, 0);
}
END_TEST

/* ---- S: state, checksum, store */

START_TEST(S1_what_is_removed_does_not_come_back)
{
    table t;
    start(&t);
    append(t.ra, 1);
    append(t.ra, 2);
    movex_dispatch(t.ra, ROW_TAKE, NULL);
    match_until(&t.m, movex_version(t.rb) == 3);
    const row *r = movex_state(t.rb);
    ck_assert_int_eq(r->numbers[1], 0); /* cleared, not only uncounted */
    ck_assert(SHOWS(t.rb, 1));
    finish(&t, 0);
}
END_TEST

/* A state of 64 KiB, of which an action touches one element. */
typedef struct { uint32_t cell[16384]; } field;
typedef struct { uint32_t index; } touch;
MOVEX_SCHEMA(field_schema, field, MOVEX_ARRAY(field, cell));
MOVEX_SCHEMA(touch_schema, touch, MOVEX_FIELD(touch, index));

static int reduce_field(void *state, const movex_action *action, const movex_context *context)
{
    (void)context;
    ((field *)state)->cell[((const touch *)action->payload)->index % 16384]++;
    return MOVEX_ACCEPT;
}

static const movex_action_type field_actions[] = {{.name = "touch", .payload = &touch_schema}};
static const movex_type field_type = {
    .name = "field", .state = &field_schema, .actions = field_actions, .action_count = 1, .reduce = reduce_field};

START_TEST(S3_a_checksum_costs_what_changed)
{
    match           m;
    meter           memory = {0};
    movex_allocator counted = meter_allocator(&memory);
    match_start(&m, MATCH_LOCAL,
                (movex_master_config){.types = MOVEX_TYPES(&field_type), .limits = {.history = 64}, .allocator = counted});
    movex_client *a = match_client_with(&m, "ann", (movex_client_config){.allocator = counted});
    movex_client *b = match_client_with(&m, "ben", (movex_client_config){.allocator = counted});
    movex_resource *ra = movex_bind(a, &field_type, "main"), *rb = movex_bind(b, &field_type, "main");
    match_until(&m, movex_in_sync(ra) && movex_in_sync(rb));
    enum { ACTIONS = 200 };
    uint64_t hashed[3] = {0}, reduces[3] = {0}, allocations = 0;
    for (int round = 0; round < 2; round++) { /* the first warms up */
        movex_stats before[3] = {movex_master_stats(m.master), movex_client_stats(a), movex_client_stats(b)};
        uint64_t    warm = memory.taken;
        for (uint32_t i = 0; i < ACTIONS; i++) {
            movex_dispatch(ra, 0, &(touch){i * 7919});
            uint64_t version = movex_version(rb) + 1;
            while (movex_version(rb) < version) match_poll(&m);
            while (match_count_events(a, MOVEX_EVENT_ACCEPTED)) {}
            while (match_count_events(b, MOVEX_EVENT_CHANGED)) {}
        }
        movex_stats after[3] = {movex_master_stats(m.master), movex_client_stats(a), movex_client_stats(b)};
        allocations = memory.taken - warm;
        for (int i = 0; i < 3; i++) {
            hashed[i] = after[i].bytes_hashed - before[i].bytes_hashed;
            reduces[i] = after[i].reduces - before[i].reduces;
        }
    }
    for (int i = 0; i < 3; i++) ck_assert_uint_le(hashed[i], ACTIONS * MOVEX_CODEC_BLOCK); /* one block of 256 each */
    ck_assert_uint_eq(reduces[0], ACTIONS);
    ck_assert_uint_eq(reduces[1], 2 * ACTIONS); /* predicted once, confirmed once */
    ck_assert_uint_eq(reduces[2], ACTIONS);
    ck_assert_uint_eq(allocations, 0);
    match_end(&m);
    ck_assert_uint_eq(memory.blocks, 0);
}
END_TEST

typedef struct { double real; float small; bool known; uint8_t kind; uint32_t count; uint8_t list[4]; char text[8]; } blind;
MOVEX_SCHEMA(blind_schema, blind, MOVEX_FIELD(blind, real), MOVEX_FIELD(blind, small), MOVEX_FIELD(blind, known),
             MOVEX_ENUM(blind, kind, 3), MOVEX_LIST(blind, list, count), MOVEX_TEXT(blind, text));

START_TEST(S4_states_that_differ_have_different_checksums)
{
    const double zero = 0;
    const blind  states[] = {
         {.real = 0},         {.real = -zero},   {.real = zero / zero}, {.real = 1 / zero},          {.small = -0.0f},
         {.known = true},     {.kind = 1},       {.count = 1},          {.count = 2},                {.count = 1, .list = {1}},
         {.count = 2, .list = {1}}, {.text = "a"}, {.text = "b"},       {.text = "ab"},
    };
    enum { STATES = sizeof states / sizeof states[0] };
    movex_codec *codec = movex_codec_new(&blind_schema, NULL, NULL);
    uint64_t     checksums[STATES];
    for (int i = 0; i < STATES; i++) {
        blind state = states[i];
        ck_assert_int_eq(movex_codec_settle(codec, &state, NULL), MOVEX_OK);
        checksums[i] = movex_codec_checksum(codec, &state);
        for (int k = 0; k < i; k++) ck_assert_msg(checksums[k] != checksums[i], "%d and %d", k, i);
    }
    movex_codec_free(codec);
}
END_TEST

START_TEST(S5_creating_what_is_there_is_refused)
{
    table t;
    start(&t);
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.rb) == 1);
    ck_assert_int_eq(movex_master_create(t.m.master, &row_type, "main"), MOVEX_ERR_EXISTS);
    ck_assert_uint_eq(movex_version(t.ra), 1);
    append(t.rb, 2);
    match_until(&t.m, movex_version(t.ra) == 2);
    finish(&t, 0);
}
END_TEST

START_TEST(S7_who_unbinds_is_forgotten_and_what_is_removed_is_gone)
{
    table t;
    start(&t);
    movex_unbind(t.rb);
    match_poll_times(&t.m, 3);
    ck_assert_uint_eq(movex_master_stats(t.m.master).subscriptions, 1);
    uint64_t forwards = movex_master_stats(t.m.master).forwards;
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.ra) == 1);
    ck_assert_uint_eq(movex_master_stats(t.m.master).forwards, forwards);
    ck_assert_int_eq(movex_master_remove(t.m.master, &row_type, "main", NULL), MOVEX_OK);
    ck_assert_uint_eq(movex_master_stats(t.m.master).resources, 0);
    match_end(&t.m);
}
END_TEST

START_TEST(S8_unbinding_one_leaves_its_siblings)
{
    table t;
    start(&t);
    movex_resource *a2 = movex_bind(t.a, &row_type, "other"), *b2 = movex_bind(t.b, &row_type, "other");
    match_until(&t.m, movex_in_sync(a2) && movex_in_sync(b2));
    movex_unbind(t.ra);
    append(b2, 7);
    match_until(&t.m, movex_version(a2) == 1);
    ck_assert_int_eq(((const row *)movex_state(a2))->numbers[0], 7);
    match_end(&t.m);
}
END_TEST

/* What the master spends on one more subscriber. */
typedef struct expense { uint64_t allocations, bytes_kept, bytes_sent, reduces; } expense;

/* For the last of so many; the type is told of each (`joined`). */
static expense subscribe_the_last(int clients)
{
    meter           memory = {0};
    movex_allocator counted = meter_allocator(&memory);
    movex_master   *master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&clock_type), .allocator = counted});
    movex_client  **all = calloc((size_t)clients, sizeof *all);
    uint64_t        now_ms = 1;
    expense         before = {0}, last;
    for (int i = 0; i < clients; i++) {
        char id[24];
        snprintf(id, sizeof id, "c%d", i);
        if (i == clients - 1) { /* what goes out to all others about it is measured as well: let what went before arrive */
            for (int k = 0; k < 4; k++) {
                movex_master_poll(master, ++now_ms);
                for (int c = 0; c < i; c++) movex_client_poll(all[c], now_ms);
            }
            movex_stats stats = movex_master_stats(master);
            before = (expense){memory.taken, memory.bytes, stats.bytes_sent, stats.reduces};
        }
        all[i] = movex_client_new(&(movex_client_config){.id = id, .io = movex_local_connect(master)});
        movex_resource *resource = movex_bind(all[i], &clock_type, "main");
        while (!movex_in_sync(resource)) {
            movex_client_poll(all[i], ++now_ms);
            movex_master_poll(master, now_ms);
        }
    }
    movex_stats stats = movex_master_stats(master);
    last = (expense){memory.taken - before.allocations, memory.bytes - before.bytes_kept,
                     stats.bytes_sent - before.bytes_sent, stats.reduces - before.reduces};
    for (int i = 0; i < clients; i++) movex_client_free(all[i]);
    free(all);
    movex_master_free(master);
    ck_assert_uint_eq(memory.blocks, 0);
    return last;
}

START_TEST(S9_one_more_subscriber_costs_a_line_for_each_and_nothing_else)
{
    enum { FEW = 8, MANY = 512 };
    expense few = subscribe_the_last(FEW), many = subscribe_the_last(MANY);
    ck_assert_uint_le(few.allocations, 24); /* its session, its subscription; growing the buffer of its first frame */
    ck_assert_uint_le(many.allocations, 24);
    ck_assert_uint_eq(few.reduces, 1); /* that it has joined */
    ck_assert_uint_eq(many.reduces, 1);
    ck_assert_uint_lt(many.bytes_sent / MANY, 64); /* linear: a line about each to the new one, and of it to each */
    ck_assert_uint_lt(many.bytes_sent, few.bytes_sent * MANY / FEW);
    ck_assert_uint_lt(many.bytes_kept, few.bytes_kept + 2 * many.bytes_sent); /* the buffers for that, and no more */
}
END_TEST

START_TEST(S10_nothing_is_left_of_who_has_gone)
{
    meter memory = {0};
    match m;
    match_start(&m, MATCH_LOCAL, (movex_master_config){.types = types, .allocator = meter_allocator(&memory), .grace_ms = 5});
    movex_client   *a = match_client(&m, "ann");
    movex_resource *ra = movex_bind(a, &row_type, "main");
    match_until(&m, movex_in_sync(ra));
    uint64_t blocks = 0;
    for (int i = 0; i < 20; i++) {
        movex_client   *b = match_client(&m, "ben");
        movex_resource *rb = movex_bind(b, &row_type, "main");
        append(rb, i);
        match_until(&m, movex_version(rb) == (uint64_t)i + 1 || movex_pending(rb) == 0);
        if (i % 2) match_cut(&m, b);
        match_leave(&m, b);
        match_sleep(&m, 20);
        ck_assert_uint_eq(movex_master_stats(m.master).subscriptions, 1);
        ck_assert_uint_eq(movex_master_stats(m.master).sessions, 1);
        if (i == 9) blocks = memory.blocks;
        while (match_count_events(a, MOVEX_EVENT_CHANGED)) {}
        if (i % 2) movex_dispatch(ra, ROW_TAKE, NULL);
    }
    ck_assert_uint_eq(memory.blocks, blocks);
    match_end(&m);
    ck_assert_uint_eq(memory.blocks, 0);
}
END_TEST

/* ---- T: what the master adds */

START_TEST(T2_two_master_values_in_one_action)
{
    table t;
    start(&t);
    movex_dispatch(t.ra, ROW_STAMP, NULL); /* time, version and author; DRAW draws twice */
    movex_dispatch(t.ra, ROW_DRAW, NULL);
    match_until(&t.m, movex_version(t.rb) == 2);
    const row *r = movex_state(t.rb);
    ck_assert_uint_eq(r->stamp_version, 1);
    ck_assert_uint_gt(r->stamp_ms, 0);
    ck_assert_str_eq(r->stamper, "ann");
    ck_assert_uint_ne(r->drawn, 0);
    finish(&t, 0);
}
END_TEST

START_TEST(T4_no_text_is_taken_for_a_master_value)
{
    static const char *const texts[] = {"$rqstAt$", "$random$", "%s%n", "\\0", "/", "~1", "\xf0\x9f\x8e\xb2"};
    table                    t;
    start(&t);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        row_say say = {{0}};
        movex_text_set(say.text, texts[i]);
        movex_dispatch(t.ra, ROW_SAY, &say);
        match_until(&t.m, movex_version(t.rb) == i + 1);
        ck_assert_str_eq(((const row *)movex_state(t.rb))->said, texts[i]);
    }
    finish(&t, 0);
}
END_TEST

START_TEST(T5_random_values_ids_and_time_zero_are_there)
{
    table t; /* the match's time starts near zero, and zero is a time as any other */
    start(&t);
    uint64_t drawn[4];
    for (uint64_t i = 0; i < 4; i++) {
        movex_dispatch(i % 2 ? t.ra : t.rb, ROW_DRAW, NULL);
        match_until(&t.m, movex_version(t.ra) == i + 1 && movex_version(t.rb) == i + 1);
        drawn[i] = ((const row *)movex_state(t.ra))->drawn;
        for (uint64_t k = 0; k < i; k++) ck_assert_uint_ne(drawn[k], drawn[i]);
    }
    finish(&t, 0);

    movex_rules        *rules = movex_rules_new(&row_type, NULL, NULL);
    movex_random_source random = {.seed = 7};
    movex_context       context = {.author = "ann", .version = 3, .now_ms = 0, .random = &random};
    row                 state = {0};
    ck_assert_int_eq(movex_apply(rules, &state, ROW_STAMP, NULL, &context, NULL), MOVEX_ACCEPT);
    ck_assert_uint_eq(state.stamp_ms, 0);
    ck_assert_uint_eq(state.stamp_version, 3); /* an id, by itself */
    ck_assert_int_eq(movex_apply(rules, &state, ROW_DRAW, NULL, &context, NULL), MOVEX_ACCEPT);
    ck_assert_uint_ne(state.drawn, 0);
    ck_assert_uint_eq(random.draws, 2);
    movex_rules_free(rules);
}
END_TEST

/* ---- N: connections */

START_TEST(N1_who_comes_back_follows)
{
    table t;
    start(&t);
    match_cut(&t.m, t.b);
    match_poll_times(&t.m, 3);
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.rb) == 1); /* without having acted itself */
    append(t.ra, 2);
    match_until(&t.m, movex_version(t.rb) == 2);
    finish(&t, 0);
}
END_TEST

/* A name proves nothing, nor does a token that is not its own. */
START_TEST(N2_an_id_cannot_be_claimed)
{
    table t;
    start(&t);
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.rb) == 1);
    for (int away = 0; away < 2; away++) {
        if (away) match_cut(&t.m, t.a); /* the grace period is hers as well */
        movex_client   *x = match_client(&t.m, "ann");
        movex_resource *claimed = movex_bind(x, &row_type, "main");
        movex_event     event;
        match_until(&t.m, match_event(x, MOVEX_EVENT_DISCONNECTED, &event));
        ck_assert_int_eq(event.status, MOVEX_ERR_ID_IN_USE);
        ck_assert_uint_eq(movex_version(claimed), 0); /* it has seen nothing */
        match_leave(&t.m, x);
        match_until(&t.m, movex_in_sync(t.ra)); /* and she was not thrown out */
        append(t.ra, 2);
        match_until(&t.m, movex_version(t.rb) == (uint64_t)away + 2);
    }
    finish(&t, 0);
}
END_TEST

/* A client that says nothing of itself is let in. */
START_TEST(N6_no_info_is_no_crash)
{
    match           m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *a = match_client_with(&m, "ann", (movex_client_config){.info = NULL, .credentials = NULL});
    movex_resource *r = movex_bind(a, &row_type, "main");
    match_until(&m, movex_in_sync(r));
    movex_subscriber subscriber;
    ck_assert(movex_subscriber_at(r, 0, &subscriber));
    ck_assert_str_eq(subscriber.info, "");
    match_end(&m);
}
END_TEST

START_TEST(N4_who_has_not_bound_is_not_heard_and_not_told)
{
    table t;
    start(&t);
    movex_client   *x = match_client(&t.m, "eve");
    movex_resource *other = movex_bind(x, &row_type, "elsewhere");
    match_until(&t.m, movex_in_sync(other));
    uint64_t received = movex_client_stats(x).bytes_received;
    append(t.ra, 1);
    match_until(&t.m, movex_version(t.rb) == 1);
    ck_assert_uint_eq(movex_client_stats(x).bytes_received, received);
    ck_assert_uint_eq(movex_version(other), 0);
    /* Dispatches to numbers that are not one's own are refused: test_protocol_master.c. */
    finish(&t, 0);
}
END_TEST

/* N5: undefined answers, endless wakes, states that no schema allows, payloads that no reducer expected. */

typedef struct { uint32_t count; uint8_t list[4]; uint8_t kind; char text[4]; } wild;
typedef struct { int32_t answer; uint32_t count; uint8_t kind; bool endless; } wilder;
MOVEX_SCHEMA(wild_schema, wild, MOVEX_LIST(wild, list, count), MOVEX_ENUM(wild, kind, 3), MOVEX_TEXT(wild, text));
MOVEX_SCHEMA(wilder_schema, wilder, MOVEX_FIELD(wilder, answer), MOVEX_FIELD(wilder, count), MOVEX_FIELD(wilder, kind),
             MOVEX_FIELD(wilder, endless));

static int reduce_wildly(void *state, const movex_action *action, const movex_context *context)
{
    wild         *w = state;
    const wilder *how = action->payload;
    (void)context;
    if (action->type == 1) return MOVEX_ACCEPT; /* a wake that changes nothing: due again at once */
    memset(w->list, 0xee, sizeof w->list);
    w->count = how->count;
    w->kind = how->kind;
    memset(w->text, how->endless ? 'x' : 0, sizeof w->text);
    return how->answer;
}

static uint64_t always(const void *state)
{
    (void)state;
    return 1;
}

static const movex_action_type wild_actions[] = {{.name = "do", .payload = &wilder_schema}, {.name = "wake"}};
static const movex_type wild_type = {.name = "wild", .state = &wild_schema, .actions = wild_actions, .action_count = 2,
                                     .reduce = reduce_wildly, .wakes_at = always, .wake = "wake"};

START_TEST(N5_no_reducer_can_stop_the_master)
{
    match           m;
    match_start_types(&m, MATCH_LOCAL, MOVEX_TYPES(&wild_type, &row_type));
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *rw = movex_bind(a, &wild_type, "w"), *seen = movex_bind(b, &wild_type, "w");
    movex_resource *row_a = movex_bind(a, &row_type, "main");
    match_until(&m, movex_in_sync(rw) && movex_in_sync(seen) && movex_in_sync(row_a));
    static const struct {
        wilder how;
        int    reason;
    } cases[] = {
        {{.answer = 5}, 5},
        {{.answer = INT32_MAX}, INT32_MAX},
        {{.answer = -1}, MOVEX_REFUSE},
        {{.answer = -77}, MOVEX_REFUSE},
        {{.answer = INT32_MIN}, MOVEX_REFUSE},
        {{.count = 5}, MOVEX_REFUSED_INVALID_STATE},
        {{.count = UINT32_MAX}, MOVEX_REFUSED_INVALID_STATE},
        {{.kind = 3}, MOVEX_REFUSED_INVALID_STATE},
        {{.endless = true}, MOVEX_REFUSED_INVALID_STATE},
        {{.count = 4, .kind = 2}, MOVEX_ACCEPT},
        {{.count = 1}, MOVEX_ACCEPT},
    };
    movex_event event;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        movex_ticket ticket = movex_dispatch(rw, 0, &cases[i].how);
        bool         accepted = cases[i].reason == MOVEX_ACCEPT;
        match_until(&m, match_event(a, accepted ? MOVEX_EVENT_ACCEPTED : MOVEX_EVENT_REFUSED, &event));
        ck_assert_uint_eq(event.ticket, ticket);
        ck_assert_int_eq(event.reason, cases[i].reason);
    }
    uint64_t before = movex_version(rw);
    for (int i = 0; i < 50; i++) match_poll(&m); /* endless wakes: one a poll, and the rest of the world goes on */
    ck_assert_uint_le(movex_version(rw), before + 60);
    append(row_a, 1);
    match_until(&m, movex_version(row_a) == 1);
    ck_assert_uint_eq(movex_client_stats(a).mismatches + movex_client_stats(b).mismatches, 0);
    match_end(&m);
}
END_TEST

/* There is no sleep that guards duplicate ids: whoever comes back is the same session, whether its loss has been noticed or
   not. */
START_TEST(N8_an_early_reconnect_is_the_same_subscriber)
{
    table t;
    start(&t);
    for (int i = 0; i < 10; i++) {
        match_cut(&t.m, t.b);
        if (i % 2) poll_master(&t); /* the master has noticed, or has not */
        append(t.rb, i);
        match_until(&t.m, movex_in_sync(t.rb) && movex_pending(t.rb) == 0);
        ck_assert_uint_eq(movex_master_stats(t.m.master).subscriptions, 2);
        ck_assert_uint_eq(movex_subscriber_count(t.ra), 2);
    }
    finish(&t, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        M1_no_update_is_lost, M2_a_forward_goes_beneath_what_is_pending, M3_dispatches_may_follow_one_another_unanswered,
        M4_a_resync_does_not_wipe_newer_actions, M5_mismatches_in_a_row_are_one_resync, M6_a_lost_resync_does_not_freeze_input,
        M7_refusals_and_losses_are_told, M8_the_answer_to_a_confirmed_action_keeps_what_followed,
        M10_one_client_binds_the_same_twice, S1_what_is_removed_does_not_come_back, S3_a_checksum_costs_what_changed,
        S4_states_that_differ_have_different_checksums, S5_creating_what_is_there_is_refused,
        S7_who_unbinds_is_forgotten_and_what_is_removed_is_gone, S8_unbinding_one_leaves_its_siblings,
        S9_one_more_subscriber_costs_a_line_for_each_and_nothing_else, S10_nothing_is_left_of_who_has_gone,
        T2_two_master_values_in_one_action, T4_no_text_is_taken_for_a_master_value,
        T5_random_values_ids_and_time_zero_are_there, N1_who_comes_back_follows, N2_an_id_cannot_be_claimed,
        N6_no_info_is_no_crash, N4_who_has_not_bound_is_not_heard_and_not_told, N5_no_reducer_can_stop_the_master,
        N8_an_early_reconnect_is_the_same_subscriber,
    };
    Suite *suite = suite_create("ancestor");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tcase, tests[i]);
    return movex_test_main(suite);
}
