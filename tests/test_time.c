/* Time and presence, and what the master's program does by itself; over every emitter. */
#include "clock_game.h"
#include "cuttable.h"
#include "match.h"
#include "row_game.h"

#include <string.h>

static const movex_type *const types[] = {&clock_type, &row_type, NULL};

static const clock_state *confirmed(const movex_resource *resource)
{
    return movex_confirmed_state(resource);
}

static movex_resource *bind(match *m, movex_client *client, const movex_type *type, const char *id)
{
    movex_resource *resource = movex_bind(client, type, id);
    match_until(m, movex_in_sync(resource));
    return resource;
}

static void assert_no_trouble(const match *m)
{
    for (int i = 0; i < m->client_count; i++) {
        movex_stats stats = movex_client_stats(m->clients[i]);
        ck_assert_uint_eq(stats.mismatches + stats.resyncs + stats.protocol_errors, 0);
    }
}

START_TEST(a_state_is_woken_when_it_wants_to_be)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, &clock_type, "main"), *rb = bind(&m, b, &clock_type, "main");
    movex_dispatch(ra, CLOCK_START, &(clock_start){.in_ms = 40, .every_ms = 20});
    match_until(&m, movex_pending(ra) == 0);
    uint64_t due = confirmed(ra)->due_ms;
    ck_assert_uint_le(movex_master_deadline(m.master), m.now_ms + 40);
    match_until(&m, confirmed(rb)->rings == 1);
    ck_assert_uint_eq(confirmed(rb)->rung_ms, due); /* when it was due, however late the poll */
    match_until(&m, confirmed(ra)->rings >= 4 && confirmed(rb)->rings >= 4);
    ck_assert_uint_eq(confirmed(ra)->rung_ms, due + 20 * (confirmed(ra)->rings - 1));
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(a_late_poll_wakes_once_for_each_time)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, &clock_type, "main");
    movex_dispatch(r, CLOCK_START, &(clock_start){.in_ms = 1000000, .every_ms = 10});
    match_until(&m, movex_pending(r) == 0);
    uint64_t version = movex_version(r), first_ms = confirmed(r)->due_ms;
    uint64_t late_ms = m.now_ms + (first_ms - movex_master_time(m.master)) + 95; /* sleeps through ten of them */
    movex_master_poll(m.master, late_ms);
    movex_hosted hosted;
    ck_assert(movex_master_find(m.master, &clock_type, "main", &hosted));
    ck_assert_uint_eq(hosted.version, version + 1); /* one a poll */
    for (int i = 0; i < 20; i++) movex_master_poll(m.master, late_ms);
    ck_assert(movex_master_find(m.master, &clock_type, "main", &hosted));
    ck_assert_uint_eq(((const clock_state *)hosted.state)->rings, 10);
    match_until(&m, confirmed(r)->rings == 10);
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(a_refused_wake_waits_for_the_next_version)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, &clock_type, "main");
    movex_dispatch(r, CLOCK_START, &(clock_start){.in_ms = 5, .deaf = 1});
    match_sleep(&m, 40);
    ck_assert_uint_eq(confirmed(r)->rings, 0);
    uint64_t reduces = movex_master_stats(m.master).reduces;
    match_sleep(&m, 40);
    ck_assert_uint_eq(movex_master_stats(m.master).reduces, reduces);
    movex_dispatch(r, CLOCK_SET, &(clock_start){.deaf = 0});
    match_until(&m, confirmed(r)->rings == 1);
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(who_comes_and_goes_is_dispatched)
{
    match m;
    match_start(&m, _i, (movex_master_config){.types = types, .grace_ms = 30});
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, &clock_type, "main");
    ck_assert_uint_eq(confirmed(ra)->present, 1);
    bind(&m, b, &clock_type, "main");
    match_until(&m, confirmed(ra)->present == 2);
    ck_assert_str_eq(confirmed(ra)->last, "ben");
    cuttable_refuse(m.ios[1], true);
    match_cut(&m, b); /* away is not gone */
    match_poll_times(&m, 5);
    ck_assert_uint_eq(confirmed(ra)->present, 2);
    match_until(&m, confirmed(ra)->present == 1);
    ck_assert_uint_eq(confirmed(ra)->went, 1);
    cuttable_refuse(m.ios[1], false);
    match_until(&m, confirmed(ra)->present == 2);
    match_leave(&m, b);
    match_until(&m, confirmed(ra)->went == 2);
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(what_is_the_masters_is_refused_to_clients)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, &clock_type, "main");
    movex_event     event;
    uint32_t        reserved[] = {CLOCK_RING, CLOCK_ENTER, CLOCK_LEAVE};
    for (int i = 0; i < 3; i++) {
        movex_ticket ticket = movex_dispatch(r, reserved[i], NULL);
        ck_assert_int_eq(movex_try(r, reserved[i], NULL), MOVEX_REFUSED_RESERVED);
        ck_assert(match_event(a, MOVEX_EVENT_REFUSED, &event));
        ck_assert_uint_eq(event.ticket, ticket);
        ck_assert_int_eq(event.reason, MOVEX_REFUSED_RESERVED);
    }
    match_end(&m);
}
END_TEST

START_TEST(M9_transform_is_for_reading_alone)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, &clock_type, "main"), *rb = bind(&m, b, &clock_type, "main");
    movex_dispatch(ra, CLOCK_START, &(clock_start){.in_ms = 500, .every_ms = 500});
    match_until(&m, movex_version(rb) == movex_version(ra) && movex_pending(ra) == 0 && confirmed(rb)->due_ms);
    const clock_state *read = movex_state(rb);
    ck_assert_uint_gt(read->remaining_ms, 0);
    ck_assert_uint_le(read->remaining_ms, 500);
    ck_assert_uint_eq(read->rings, 1000);
    read = movex_state(rb);
    ck_assert_uint_eq(read->rings, 1000); /* not twice */
    ck_assert_uint_eq(confirmed(rb)->rings, 0);
    clock_state fork;
    movex_fork(rb, &fork);
    ck_assert_uint_eq(fork.rings, 0);
    match_sleep(&m, 30);
    uint64_t before = ((const clock_state *)movex_state(rb))->remaining_ms;
    match_sleep(&m, 30);
    ck_assert_uint_lt(((const clock_state *)movex_state(rb))->remaining_ms, before);
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(the_clients_clock_comes_near_the_masters)
{
    match m;
    match_start(&m, _i, (movex_master_config){.types = types, .start_time_ms = 1700000000000});
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, &row_type, "main");
    ck_assert_uint_ne(movex_client_master_time(a), 0);
    for (int i = 0; i < 20; i++) {
        movex_dispatch(r, ROW_STAMP, NULL);
        match_poll_times(&m, 3);
    }
    int64_t error = (int64_t)(movex_client_master_time(a) - movex_master_time(m.master));
    ck_assert_int_le(error, 20);
    ck_assert_int_ge(error, -20);
    match_end(&m);
}
END_TEST

START_TEST(the_master_dispatches_too)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, &row_type, "main");
    int             reason = -1;
    ck_assert_int_eq(movex_master_dispatch(m.master, &row_type, "main", ROW_APPEND, &(row_append){7}, &reason), MOVEX_OK);
    ck_assert_int_eq(reason, MOVEX_ACCEPT);
    ck_assert_int_eq(movex_master_dispatch(m.master, &row_type, "main", ROW_STAMP, NULL, NULL), MOVEX_OK);
    ck_assert_int_eq(movex_master_dispatch(m.master, &row_type, "main", ROW_SWAP, &(row_swap){0, 9}, &reason), MOVEX_OK);
    ck_assert_int_eq(reason, ROW_EMPTY);
    ck_assert_int_eq(movex_master_dispatch(m.master, &row_type, "none", ROW_STAMP, NULL, NULL), MOVEX_ERR_NOT_FOUND);
    ck_assert_int_eq(movex_master_dispatch(m.master, &row_type, "main", ROW_ACTIONS, NULL, NULL), MOVEX_ERR_ARGUMENT);
    ck_assert_int_eq(movex_master_dispatch(m.master, &row_type, "main", ROW_APPEND, NULL, NULL), MOVEX_ERR_ARGUMENT);
    match_until(&m, movex_version(r) == 2);
    const row *seen = movex_state(r);
    ck_assert_int_eq(seen->numbers[0], 7);
    ck_assert_str_eq(seen->stamper, "");
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(a_resource_can_be_replaced_and_removed)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, &row_type, "main"), *rb = bind(&m, b, &row_type, "main");
    movex_dispatch(ra, ROW_APPEND, &(row_append){1});
    match_until(&m, movex_version(rb) == 1);
    movex_dispatch(rb, ROW_APPEND, &(row_append){2}); /* pending across the replacement */
    row saved = {.count = 2, .numbers = {40, 41, 99}, .said = "put"};
    ck_assert_int_eq(movex_master_put(m.master, &row_type, "main", &saved), MOVEX_OK);
    match_until(&m, movex_version(ra) == 3 && movex_version(rb) == 3 && movex_pending(rb) == 0);
    const row *seen = movex_state(ra);
    ck_assert_uint_eq(seen->count, 3);
    ck_assert_int_eq(seen->numbers[1], 41);
    ck_assert_int_eq(seen->numbers[2], 2);
    ck_assert_uint_eq(movex_checksum(ra), movex_checksum(rb));
    saved.count = 99;
    ck_assert_int_eq(movex_master_put(m.master, &row_type, "main", &saved), MOVEX_ERR_INVALID_STATE);

    movex_ticket late = movex_dispatch(ra, ROW_TAKE, NULL);
    ck_assert_int_eq(movex_master_remove(m.master, &row_type, "main", "closing time"), MOVEX_OK);
    ck_assert_int_eq(movex_master_remove(m.master, &row_type, "main", NULL), MOVEX_ERR_NOT_FOUND);
    movex_event event, expired;
    match_until(&m, match_event(b, MOVEX_EVENT_REMOVED, &event));
    ck_assert_str_eq(event.text, "closing time");
    ck_assert_ptr_eq(event.resource, rb);
    ck_assert_uint_eq(movex_dispatch(rb, ROW_TAKE, NULL), 0);
    match_until(&m, match_event(a, MOVEX_EVENT_EXPIRED, &expired));
    ck_assert_uint_eq(expired.ticket, late);
    movex_unbind(ra);
    movex_unbind(rb);
    match_poll_times(&m, 3);
    while (movex_client_next(a, &event)) {}
    match_poll_times(&m, 3);
    ck_assert_uint_eq(movex_client_stats(b).resources, 0);
    ra = bind(&m, a, &row_type, "main"); /* made anew */
    ck_assert_uint_eq(movex_version(ra), 0);
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(subscribers_are_kicked_and_clients_expelled)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client_with(&m, "ben", (movex_client_config){.info = "i"});
    movex_resource *ra = bind(&m, a, &clock_type, "main"), *rb = bind(&m, b, &clock_type, "main");
    movex_resource *other = bind(&m, b, &row_type, "other");
    movex_subscriber subscriber;
    ck_assert(movex_master_subscriber_at(m.master, &clock_type, "main", 1, &subscriber));
    ck_assert_str_eq(subscriber.id, "ben");
    ck_assert_str_eq(subscriber.info, "i");
    ck_assert(!movex_master_subscriber_at(m.master, &clock_type, "main", 2, &subscriber));

    ck_assert_int_eq(movex_master_kick(m.master, &clock_type, "main", "ben", "be nice"), MOVEX_OK);
    ck_assert_int_eq(movex_master_kick(m.master, &clock_type, "main", "ben", NULL), MOVEX_ERR_NOT_FOUND);
    movex_event event;
    match_until(&m, match_event(b, MOVEX_EVENT_REMOVED, &event));
    ck_assert_ptr_eq(event.resource, rb);
    ck_assert_int_eq(event.status, MOVEX_ERR_DENIED);
    ck_assert_str_eq(event.text, "be nice");
    match_until(&m, confirmed(ra)->present == 1);
    movex_dispatch(other, ROW_STAMP, NULL); /* what else it has bound goes on */
    match_until(&m, movex_version(other) == 1);

    ck_assert_int_eq(movex_master_expel(m.master, "ben", "out"), MOVEX_OK);
    ck_assert_int_eq(movex_master_expel(m.master, "ben", NULL), MOVEX_ERR_NOT_FOUND);
    match_until(&m, match_event(b, MOVEX_EVENT_CLOSED, &event));
    ck_assert_str_eq(event.text, "out");
    ck_assert_uint_eq(movex_master_stats(m.master).sessions, 1);
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(an_action_can_be_tried)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, &row_type, "main");
    ck_assert_int_eq(movex_try(r, ROW_TAKE, NULL), ROW_EMPTY);
    ck_assert_int_eq(movex_try(r, ROW_APPEND, &(row_append){1}), MOVEX_ACCEPT);
    ck_assert_int_eq(movex_try(r, ROW_APPEND, NULL), MOVEX_REFUSED_INVALID_PAYLOAD);
    ck_assert_int_eq(movex_try(r, 77, NULL), MOVEX_REFUSED_UNKNOWN_ACTION);
    ck_assert_uint_eq(((const row *)movex_state(r))->count, 0);
    movex_dispatch(r, ROW_APPEND, &(row_append){1});
    ck_assert_int_eq(movex_try(r, ROW_TAKE, NULL), MOVEX_ACCEPT); /* on what is shown, pending included */
    ck_assert_uint_eq(((const row *)movex_state(r))->count, 1);
    row fork;
    movex_fork(r, &fork);
    ck_assert_int_eq(movex_apply(movex_resource_rules(r), &fork, ROW_TAKE, NULL, NULL, NULL), MOVEX_ACCEPT);
    ck_assert_uint_eq(fork.count, 0);
    match_until(&m, movex_version(r) == 1);
    ck_assert_uint_eq(((const row *)movex_state(r))->count, 1);
    assert_no_trouble(&m);
    match_end(&m);
}
END_TEST

START_TEST(a_state_is_saved_and_loaded)
{
    movex_rules  *rules = movex_rules_new(&row_type, NULL, NULL), *clocks = movex_rules_new(&clock_type, NULL, NULL);
    row           state = {.count = 1, .numbers = {5}, .said = "hello"}, loaded;
    unsigned char bytes[1024];
    size_t        length;
    movex_error   error;
    ck_assert_uint_le(movex_rules_max_saved(rules), sizeof bytes);
    ck_assert_int_eq(movex_rules_save(rules, &state, bytes, 10, &length), MOVEX_ERR_LIMIT);
    ck_assert_int_eq(movex_rules_save(rules, &state, bytes, sizeof bytes, &length), MOVEX_OK);
    ck_assert_int_eq(movex_rules_load(rules, &loaded, bytes, length, &error), MOVEX_OK);
    ck_assert(movex_codec_equal(movex_rules_state(rules), &state, &loaded));
    clock_state other;
    ck_assert_int_eq(movex_rules_load(clocks, &other, bytes, length, &error), MOVEX_ERR_UNKNOWN_TYPE);
    for (size_t cut = 0; cut < length; cut++) ck_assert_int_ne(movex_rules_load(rules, &loaded, bytes, cut, &error), MOVEX_OK);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        ck_assert_int_ne(movex_rules_load(rules, &loaded, bytes, length, &error), MOVEX_OK);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    movex_rules_free(rules);
    movex_rules_free(clocks);
}
END_TEST

START_TEST(wrong_descriptions_are_named)
{
    movex_error error;
    movex_type  type = clock_type;
    type.wake = "bell";
    ck_assert_ptr_null(movex_rules_new(&type, NULL, &error));
    ck_assert_str_eq(error.text, "type clock: wake: bell is the name of no action");
    type = clock_type;
    type.joined = "start";
    ck_assert_ptr_null(movex_rules_new(&type, NULL, &error));
    ck_assert_str_eq(error.text, "type clock: joined: start is an action with a payload");
    type = clock_type;
    type.wakes_at = NULL;
    ck_assert_ptr_null(movex_rules_new(&type, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "wake and wakes_at"));
}
END_TEST

int main(void)
{
    const TTest *const over_every_emitter[] = {
        a_state_is_woken_when_it_wants_to_be,   a_late_poll_wakes_once_for_each_time,
        a_refused_wake_waits_for_the_next_version, who_comes_and_goes_is_dispatched,
        what_is_the_masters_is_refused_to_clients, M9_transform_is_for_reading_alone,
        the_clients_clock_comes_near_the_masters,  the_master_dispatches_too,
        a_resource_can_be_replaced_and_removed,    subscribers_are_kicked_and_clients_expelled,
        an_action_can_be_tried,
    };
    Suite *suite = suite_create("time");
    TCase *tcase = tcase_create("over every emitter"), *once = tcase_create("without one");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, once);
    for (size_t i = 0; i < sizeof over_every_emitter / sizeof over_every_emitter[0]; i++)
        tcase_add_loop_test(tcase, over_every_emitter[i], 0, MATCH_CARRIERS);
    tcase_add_test(once, a_state_is_saved_and_loaded);
    tcase_add_test(once, wrong_descriptions_are_named);
    return movex_test_main(suite);
}
