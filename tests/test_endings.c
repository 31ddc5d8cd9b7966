/* What ends while somebody is away, at an awkward moment, or under load: nobody else is hurt, nothing is applied twice, and
   every ticket has its one outcome. */
#include "clock_game.h"
#include "cuttable.h"
#include "match.h"
#include "row_game.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>

static const movex_type *const types[] = {&clock_type, &row_type, NULL};

static movex_resource *bind(match *m, movex_client *client, const movex_type *type, const char *id)
{
    movex_resource *resource = movex_bind(client, type, id);
    match_until(m, movex_in_sync(resource));
    return resource;
}

static void append(movex_resource *resource, int32_t number)
{
    ck_assert_uint_ne(movex_dispatch(resource, ROW_APPEND, &(row_append){number}), 0);
}

static const row *truth(const match *m)
{
    movex_hosted hosted;
    ck_assert(movex_master_find(m->master, &row_type, "main", &hosted));
    return hosted.state;
}

/* Two dispatches that the master has taken, whose answers are lost with the connection. */
static movex_resource *lose_answers(match *m, movex_client *client)
{
    movex_resource *resource = bind(m, client, &row_type, "main");
    cuttable_refuse(m->ios[0], true);
    append(resource, 5);
    append(resource, 6);
    movex_client_flush(client);
    movex_master_poll(m->master, ++m->now_ms);
    match_cut(m, client);
    match_poll_times(m, 3);
    ck_assert_uint_eq(truth(m)->count, 2);
    return resource;
}

START_TEST(kicked_while_away_is_told_and_applies_nothing_twice)
{
    match m;
    match_start(&m, MATCH_LOCAL, (movex_master_config){.types = types, .limits = {.history = _i ? 1 : 0}});
    movex_client *a = match_client(&m, "ann");
    lose_answers(&m, a);
    ck_assert_int_eq(movex_master_kick(m.master, &row_type, "main", "ann", "be nice"), MOVEX_OK);
    cuttable_refuse(m.ios[0], false);
    match_sleep(&m, 500);
    int         expired = 0, removed = 0;
    movex_event event;
    while (movex_client_next(a, &event)) {
        ck_assert_int_ne(event.kind, MOVEX_EVENT_ACCEPTED);
        expired += event.kind == MOVEX_EVENT_EXPIRED;
        removed += event.kind == MOVEX_EVENT_REMOVED;
    }
    ck_assert_int_eq(expired, 2);
    ck_assert_int_eq(removed, 1);
    ck_assert_uint_eq(truth(&m)->count, 2);
    ck_assert_uint_eq(movex_client_stats(a).protocol_errors, 0);
    match_end(&m);
}
END_TEST

START_TEST(removed_while_away_stays_removed)
{
    match m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client *a = match_client(&m, "ann");
    movex_hosted  hosted;
    movex_event   event;
    lose_answers(&m, a);
    ck_assert_int_eq(movex_master_remove(m.master, &row_type, "main", NULL), MOVEX_OK);
    cuttable_refuse(m.ios[0], false);
    match_until(&m, match_event(a, MOVEX_EVENT_REMOVED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_NOT_FOUND);
    ck_assert(!movex_master_find(m.master, &row_type, "main", &hosted));
    match_end(&m);
}
END_TEST

START_TEST(an_unbound_resource_does_not_come_back)
{
    match m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *other = bind(&m, a, &clock_type, "other");
    movex_resource *r = lose_answers(&m, a);
    movex_unbind(r);
    cuttable_refuse(m.ios[0], false);
    match_until(&m, movex_in_sync(other));
    match_poll_times(&m, 5);
    ck_assert_int_eq(match_count_events(a, MOVEX_EVENT_EXPIRED), 2);
    match_poll_times(&m, 5);
    ck_assert_uint_eq(movex_master_stats(m.master).subscriptions, 1);
    ck_assert_uint_eq(movex_client_stats(a).connects, 2);
    ck_assert_uint_eq(movex_client_stats(a).resources, 1);
    match_end(&m);
}
END_TEST

START_TEST(unbound_and_bound_again_at_any_moment)
{
    for (int moment = 0; moment < 24; moment++) {
        match m;
        match_start_types(&m, MATCH_LOCAL, types);
        movex_client   *a = match_client(&m, "ann");
        movex_resource *r = bind(&m, a, &row_type, "main");
        append(r, 1);
        if (moment % 2) match_cut(&m, a);
        for (int i = 0; i < moment / 4; i++) { /* the client alone, or both */
            movex_client_poll(a, ++m.now_ms);
            if (moment % 4 > 1) movex_master_poll(m.master, ++m.now_ms);
        }
        movex_unbind(r);
        r = movex_bind(a, &row_type, "main");
        append(r, 2);
        if (moment % 3 == 0) match_cut(&m, a);
        match_until(&m, movex_in_sync(r) && movex_pending(r) == 0);
        ck_assert_uint_eq(movex_checksum(r), movex_codec_checksum(movex_rules_state(movex_resource_rules(r)), truth(&m)));
        ck_assert_uint_le(truth(&m)->count, 2);
        ck_assert_int_eq(truth(&m)->numbers[truth(&m)->count - 1], 2);
        match_poll_times(&m, 5);
        ck_assert_uint_eq(movex_master_stats(m.master).subscriptions, 1);
        ck_assert_uint_eq(movex_client_stats(a).protocol_errors + movex_client_stats(a).mismatches, 0);
        match_end(&m);
    }
}
END_TEST

START_TEST(a_late_dispatch_hits_no_other_resource)
{
    match m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *one = bind(&m, a, &row_type, "one");
    movex_resource *main = movex_bind(a, &row_type, "main");
    append(one, 77);
    movex_client_flush(a);
    ck_assert_int_eq(movex_master_remove(m.master, &row_type, "one", NULL), MOVEX_OK); /* before it has read them */
    match_until(&m, movex_in_sync(main));
    ck_assert_uint_eq(truth(&m)->count, 0);
    ck_assert_int_eq(match_count_events(a, MOVEX_EVENT_EXPIRED), 1);
    ck_assert_uint_eq(movex_client_stats(a).protocol_errors, 0);
    match_end(&m);
}
END_TEST

START_TEST(expelled_at_once)
{
    match        m;
    movex_event  event;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client *a = match_client(&m, "ann");
    while (movex_client_connection(a) != MOVEX_CONNECTION_OPEN) {
        movex_client_poll(a, ++m.now_ms);
        if (movex_master_stats(m.master).sessions) break; /* nothing has been heard of it since HELLO */
        movex_master_poll(m.master, ++m.now_ms);
    }
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(movex_master_expel(m.master, "ann", text), MOVEX_OK);
    match_until(&m, match_event(a, MOVEX_EVENT_CLOSED, &event));
    ck_assert_uint_eq(strlen(event.text), MOVEX_ERROR_TEXT_SIZE - 1); /* cut, not refused */
    ck_assert_uint_eq(movex_master_stats(m.master).sessions, 0);
    match_end(&m);
}
END_TEST

START_TEST(a_refused_replacement_leaves_nothing)
{
    match        m;
    movex_hosted hosted;
    row          bad = {.count = 99};
    match_start_types(&m, MATCH_LOCAL, types);
    ck_assert_int_eq(movex_master_put(m.master, &row_type, "main", &bad), MOVEX_ERR_INVALID_STATE);
    ck_assert(!movex_master_find(m.master, &row_type, "main", &hosted));
    match_end(&m);
}
END_TEST

/* ---- load */

enum { BIG = 60000 };
typedef struct { uint8_t bytes[BIG]; } big;
MOVEX_SCHEMA(big_schema, big, MOVEX_ARRAY(big, bytes));

static void fill(void *state)
{
    memset(state, 9, sizeof(big));
}

static int store(void *state, const movex_action *action, const movex_context *context)
{
    (void)context;
    memcpy(state, action->payload, sizeof(big));
    return MOVEX_ACCEPT;
}

static const movex_action_type big_actions[] = {{.name = "store", .payload = &big_schema}};
static const movex_type big_type = {
    .name = "big", .state = &big_schema, .actions = big_actions, .action_count = 1, .reduce = store, .init = fill};

START_TEST(more_snapshots_than_a_queue_holds)
{
    match           m;
    movex_resource *all[100];
    match_start_types(&m, MATCH_LOCAL, MOVEX_TYPES(&big_type));
    movex_client *a = match_client(&m, "ann");
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "r%d", i);
        all[i] = movex_bind(a, &big_type, id);
    }
    for (int i = 0; i < 100; i++) match_until(&m, movex_in_sync(all[i]));
    ck_assert_uint_eq(movex_client_stats(a).connects, 1);
    match_end(&m);
}
END_TEST

START_TEST(more_dispatches_than_a_queue_holds)
{
    match      m;
    static big much;
    match_start_types(&m, MATCH_LOCAL, MOVEX_TYPES(&big_type));
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = movex_bind(a, &big_type, "main"); /* some held, some sent */
    for (int i = 0; i < 200; i++) {
        memset(much.bytes, i, sizeof much.bytes);
        ck_assert_uint_ne(movex_dispatch(r, 0, &much), 0);
        if (i == 100) match_until(&m, movex_in_sync(r));
    }
    match_until(&m, movex_pending(r) == 0);
    ck_assert_uint_eq(movex_version(r), 200);
    ck_assert_int_eq(((const big *)movex_state(r))->bytes[7], 199);
    ck_assert_int_eq(match_count_events(a, MOVEX_EVENT_ACCEPTED), 200);
    ck_assert_uint_eq(movex_client_stats(a).connects, 1);
    match_end(&m);
}
END_TEST

START_TEST(a_flood_by_one_hurts_nobody_else)
{
    match m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *a = match_client(&m, "ann"), *flood = match_client_with(&m, "mal", (movex_client_config){.limits = {.pending = 1000000}});
    movex_resource *r = bind(&m, a, &row_type, "main"), *f = bind(&m, flood, &row_type, "main");
    for (int i = 0; i < 1000; i++) movex_dispatch(f, ROW_STAMP, NULL);
    movex_client_flush(flood);
    static unsigned char frame[65536];
    movex_writer         writer = movex_writer_over(frame, sizeof frame);
    uint64_t             sequence = 1000;
    for (int frames = 0; frames < 60; frames++) { /* as much as fits on its way, by hand */
        writer = movex_writer_over(frame, sizeof frame);
        while (writer.end - writer.at > 64) {
            movex_dispatch_message dispatch = {.number = 1, .sequence = ++sequence, .action = ROW_STAMP, .payload = {"", 0}};
            movex_write_dispatch(&writer, &dispatch);
        }
        if (m.ios[1].ops->send(m.ios[1].self, 2, frame, (size_t)(writer.at - frame)) != MOVEX_OK) break;
    }
    for (int i = 0; i < 200; i++) { /* ann takes what comes, at the pace of a game */
        movex_master_poll(m.master, ++m.now_ms);
        movex_client_poll(a, m.now_ms);
    }
    ck_assert_uint_gt(movex_version(r), 100000);
    ck_assert_uint_eq(movex_client_stats(a).connects, 1);
    ck_assert_uint_eq(movex_client_stats(a).mismatches, 0);
    match_end(&m);
}
END_TEST

START_TEST(removing_costs_a_line_for_each_subscriber)
{
    enum { MANY = 400 };
    static movex_client *all[MANY];
    match                m;
    match_start_types(&m, MATCH_LOCAL, types);
    for (int i = 0; i < MANY; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        all[i] = movex_client_new(&(movex_client_config){.id = id, .io = movex_local_dial(m.local)});
        movex_bind(all[i], &row_type, "main");
    }
    for (int k = 0; k < 6; k++) {
        for (int i = 0; i < MANY; i++) movex_client_poll(all[i], ++m.now_ms);
        movex_master_poll(m.master, m.now_ms);
    }
    uint64_t before = movex_master_stats(m.master).bytes_sent;
    ck_assert_uint_eq(movex_master_stats(m.master).subscriptions, MANY);
    ck_assert_int_eq(movex_master_remove(m.master, &row_type, "main", "bye"), MOVEX_OK);
    movex_master_poll(m.master, ++m.now_ms);
    ck_assert_uint_le(movex_master_stats(m.master).bytes_sent - before, MANY * 16);
    for (int i = 0; i < MANY; i++) movex_client_free(all[i]);
    match_end(&m);
}
END_TEST

START_TEST(waiting_sends_first)
{
    match m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, &row_type, "main");
    ck_assert_int_eq(movex_master_dispatch(m.master, &row_type, "main", ROW_STAMP, NULL, NULL), MOVEX_OK);
    movex_master_wait(m.master, 0);
    ck_assert_uint_eq(movex_master_stats(m.master).queued_bytes, 0);
    movex_client_poll(a, ++m.now_ms);
    ck_assert_uint_eq(movex_version(r), 1);
    match_end(&m);
}
END_TEST

START_TEST(a_loss_is_told_with_its_status_after_the_return)
{
    match       m;
    movex_event event;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, &row_type, "main"), *same = NULL;
    match_cut(&m, a);
    match_poll(&m);
    match_until(&m, movex_in_sync(r));
    ck_assert(match_event(a, MOVEX_EVENT_DISCONNECTED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_CLOSED);
    ck_assert_str_eq(event.text, "cut");
    movex_type copy = row_type; /* two types of one name: refused, not fatal */
    same = movex_bind(a, &copy, "main");
    ck_assert_ptr_null(same);
    ck_assert_str_eq(movex_client_error(a)->text, "two types are named row");
    match_end(&m);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        removed_while_away_stays_removed, an_unbound_resource_does_not_come_back, unbound_and_bound_again_at_any_moment,
        a_late_dispatch_hits_no_other_resource, expelled_at_once, a_refused_replacement_leaves_nothing,
        more_snapshots_than_a_queue_holds, more_dispatches_than_a_queue_holds, a_flood_by_one_hurts_nobody_else,
        removing_costs_a_line_for_each_subscriber, waiting_sends_first, a_loss_is_told_with_its_status_after_the_return,
    };
    Suite *suite = suite_create("endings");
    TCase *tcase = tcase_create("away, awkward, loaded");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, kicked_while_away_is_told_and_applies_nothing_twice, 0, 2);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tcase, tests[i]);
    return movex_test_main(suite);
}
