/* Master and clients over every emitter: the same tests, the same wire. */
#include "cuttable.h"
#include "match.h"
#include "row_game.h"

#include <string.h>

static const movex_type *const types[] = {&row_type, NULL};

static movex_ticket append(movex_resource *resource, int32_t number)
{
    return movex_dispatch(resource, ROW_APPEND, &(row_append){number});
}

static const row *seen(const movex_resource *resource)
{
    return movex_state(resource);
}

static movex_resource *bind(match *m, movex_client *client, const char *id)
{
    movex_resource *resource = movex_bind(client, &row_type, id);
    ck_assert_ptr_nonnull(resource);
    match_until(m, movex_in_sync(resource));
    return resource;
}

static void assert_no_trouble(const movex_client *client)
{
    movex_stats stats = movex_client_stats(client);
    ck_assert_uint_eq(stats.mismatches, 0);
    ck_assert_uint_eq(stats.resyncs, 0);
    ck_assert_uint_eq(stats.protocol_errors, 0);
}

START_TEST(all_see_the_same_in_one_order)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main"), *rb = bind(&m, b, "main");
    for (int i = 0; i < 8; i++) {
        append(ra, i);
        append(rb, 100 + i);
        movex_dispatch(ra, ROW_SWAP, &(row_swap){0, (uint8_t)i});
        if (i % 3 == 0) match_poll(&m);
    }
    const movex_resource *both[] = {ra, rb};
    match_until(&m, match_at_rest(&m, both, 2));
    ck_assert_mem_eq(movex_state(ra), movex_state(rb), sizeof(row));
    ck_assert_uint_eq(seen(ra)->count, 16);
    ck_assert_uint_eq(movex_checksum(ra), movex_checksum(rb));
    assert_no_trouble(a);
    assert_no_trouble(b);
    match_end(&m);
}
END_TEST

START_TEST(an_action_shows_at_once_and_is_confirmed_later)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, "main");
    ck_assert_uint_ne(append(r, 5), 0);
    ck_assert_uint_eq(seen(r)->count, 1);
    ck_assert_uint_eq(((const row *)movex_confirmed_state(r))->count, 0);
    ck_assert_uint_eq(movex_pending(r), 1);
    match_until(&m, movex_version(r) == 1);
    ck_assert_uint_eq(((const row *)movex_confirmed_state(r))->count, 1);
    ck_assert_uint_eq(movex_pending(r), 0);
    match_end(&m);
}
END_TEST

START_TEST(every_ticket_has_one_outcome)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main"), *rb = bind(&m, b, "main");
    movex_ticket    here = movex_dispatch(ra, ROW_TAKE, NULL); /* refused at once: the row is empty */
    movex_ticket    kept = append(ra, 1);
    movex_event     event;
    ck_assert(match_event(a, MOVEX_EVENT_REFUSED, &event));
    ck_assert_uint_eq(event.ticket, here);
    ck_assert_int_eq(event.reason, ROW_EMPTY);
    match_until(&m, seen(rb)->count == 1);
    /* Both take the only number: one of them is refused by the master alone. */
    movex_ticket first = movex_dispatch(ra, ROW_TAKE, NULL), second = movex_dispatch(rb, ROW_TAKE, NULL);
    ck_assert_uint_eq(seen(rb)->count, 0);
    match_until(&m, movex_pending(ra) == 0 && movex_pending(rb) == 0);
    ck_assert(match_event(a, MOVEX_EVENT_ACCEPTED, &event));
    ck_assert_uint_eq(event.ticket, kept);
    bool a_won = match_event(a, MOVEX_EVENT_ACCEPTED, &event);
    ck_assert(!a_won || event.ticket == first);
    ck_assert(match_event(b, a_won ? MOVEX_EVENT_REFUSED : MOVEX_EVENT_ACCEPTED, &event));
    ck_assert_uint_eq(event.ticket, second);
    if (a_won) ck_assert_int_eq(event.reason, ROW_EMPTY);
    ck_assert_int_eq(match_count_events(b, MOVEX_EVENT_ACCEPTED) + match_count_events(b, MOVEX_EVENT_REFUSED), 0);
    assert_no_trouble(a);
    assert_no_trouble(b);
    match_end(&m);
}
END_TEST

START_TEST(a_thousand_dispatches_at_once_are_not_lost)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main"), *rb = bind(&m, b, "main");
    for (int i = 0; i < 1000; i++) ck_assert_uint_ne(movex_dispatch(ra, ROW_STAMP, NULL), 0);
    match_until(&m, movex_version(rb) == 1000);
    match_until(&m, movex_pending(ra) == 0);
    ck_assert_int_eq(match_count_events(a, MOVEX_EVENT_ACCEPTED), 1000);
    ck_assert_uint_eq(seen(rb)->stamp_version, 1000);
    assert_no_trouble(a);
    assert_no_trouble(b);
    match_end(&m);
}
END_TEST

START_TEST(a_full_pending_list_says_so)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client_with(&m, "ann", (movex_client_config){.limits = {.pending = 3}});
    movex_resource *r = bind(&m, a, "main");
    for (int i = 0; i < 3; i++) ck_assert_uint_ne(append(r, i), 0);
    ck_assert_uint_eq(append(r, 3), 0);
    ck_assert_int_eq(movex_client_error(a)->status, MOVEX_ERR_LIMIT);
    match_until(&m, movex_version(r) == 3);
    ck_assert_uint_eq(append(r, 3), 0); /* outcomes that nobody drained hold their places */
    ck_assert_int_eq(match_count_events(a, MOVEX_EVENT_ACCEPTED), 3);
    ck_assert_uint_ne(append(r, 3), 0);
    match_until(&m, movex_version(r) == 4);
    match_end(&m);
}
END_TEST

START_TEST(what_waits_for_confirmation_is_not_shown_before)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main"), *rb = bind(&m, b, "main");
    movex_ticket    wanted = movex_dispatch(ra, ROW_CLAIM, NULL);
    ck_assert_str_eq(seen(ra)->owner, "");
    append(ra, 3); /* what follows it is shown all the same */
    ck_assert_uint_eq(seen(ra)->count, 1);
    movex_dispatch(rb, ROW_CLAIM, NULL);
    match_until(&m, movex_pending(ra) == 0 && movex_pending(rb) == 0 && movex_version(ra) == 2);
    movex_event event;
    bool        a_won = match_event(a, MOVEX_EVENT_ACCEPTED, &event) && event.ticket == wanted;
    ck_assert_str_eq(seen(ra)->owner, a_won ? "ann" : "ben");
    match_until(&m, movex_version(rb) == movex_version(ra));
    ck_assert_uint_eq(movex_checksum(ra), movex_checksum(rb));
    assert_no_trouble(a);
    assert_no_trouble(b);
    match_end(&m);
}
END_TEST

START_TEST(dispatches_before_the_first_state_are_held)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = movex_bind(a, &row_type, "main");
    append(r, 1);
    movex_ticket refused = movex_dispatch(r, ROW_SWAP, &(row_swap){0, 9});
    append(r, 2);
    ck_assert_uint_eq(seen(r)->count, 0);
    match_until(&m, movex_version(r) == 2);
    movex_event event;
    ck_assert(match_event(a, MOVEX_EVENT_REFUSED, &event));
    ck_assert_uint_eq(event.ticket, refused);
    ck_assert_int_eq(seen(r)->numbers[1], 2);
    match_end(&m);
}
END_TEST

START_TEST(what_the_master_adds_is_the_same_everywhere)
{
    match m;
    match_start(&m, _i, (movex_master_config){.types = types, .start_time_ms = 1700000000000});
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main"), *rb = bind(&m, b, "main");
    for (int i = 0; i < 20; i++) {
        movex_dispatch(i % 2 ? ra : rb, ROW_DRAW, NULL);
        movex_dispatch(i % 2 ? rb : ra, ROW_STAMP, NULL);
        match_poll(&m);
    }
    const movex_resource *both[] = {ra, rb};
    match_until(&m, match_at_rest(&m, both, 2));
    ck_assert_uint_ne(seen(ra)->drawn, 0);
    ck_assert_uint_eq(seen(ra)->drawn, seen(rb)->drawn);
    ck_assert_uint_ge(seen(ra)->stamp_ms, 1700000000000);
    ck_assert_uint_lt(seen(ra)->stamp_ms, 1700000100000);
    assert_no_trouble(a);
    assert_no_trouble(b);
    match_end(&m);
}
END_TEST

START_TEST(many_resources_share_a_connection)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra[20], *rb[20];
    for (int i = 0; i < 20; i++) {
        char id[16] = {'r', (char)('a' + i)};
        ra[i] = movex_bind(a, &row_type, id);
        rb[i] = movex_bind(b, &row_type, id);
        append(ra[i], i);
    }
    for (int i = 0; i < 20; i++) match_until(&m, movex_version(rb[i]) == 1 && seen(rb[i])->numbers[0] == i);
    ck_assert_uint_eq(movex_master_stats(m.master).links, 2);
    /* Unbinding one leaves the others alone. */
    movex_unbind(rb[3]);
    append(ra[3], 33);
    append(ra[4], 44);
    match_until(&m, movex_version(rb[4]) == 2);
    match_until(&m, movex_client_stats(b).resources == 19);
    ck_assert_uint_eq(movex_master_stats(m.master).subscriptions, 39);
    match_end(&m);
}
END_TEST

START_TEST(binding_twice_is_one_resource)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *one = bind(&m, a, "main"), *two = movex_bind(a, &row_type, "main");
    ck_assert_ptr_eq(one, two);
    append(one, 1);
    ck_assert_uint_eq(seen(two)->count, 1);
    movex_unbind(one);
    append(two, 2);
    match_until(&m, movex_version(two) == 2);
    movex_unbind(two);
    match_until(&m, movex_client_stats(a).resources == 0 || match_count_events(a, MOVEX_EVENT_ACCEPTED) < 0);
    match_end(&m);
}
END_TEST

START_TEST(unbinding_answers_everything)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, "main");
    for (int i = 0; i < 5; i++) append(r, i);
    movex_unbind(r);
    int outcomes = 0;
    for (int i = 0; i < 200 && movex_client_stats(a).resources; i++) {
        match_poll(&m);
        for (movex_event event; movex_client_next(a, &event);)
            outcomes += event.kind == MOVEX_EVENT_ACCEPTED || event.kind == MOVEX_EVENT_EXPIRED;
    }
    ck_assert_int_eq(outcomes, 5);
    ck_assert_uint_eq(movex_client_stats(a).resources, 0);
    ck_assert_uint_eq(movex_master_stats(m.master).subscriptions, 0);
    match_end(&m);
}
END_TEST

START_TEST(subscribers_come_and_go)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client_with(&m, "ann", (movex_client_config){.info = "red"});
    movex_resource *ra = bind(&m, a, "main");
    movex_client   *b = match_client_with(&m, "ben", (movex_client_config){.info = "blue"});
    bind(&m, b, "main");
    movex_event event;
    match_until(&m, movex_subscriber_count(ra) == 2);
    ck_assert(match_event(a, MOVEX_EVENT_JOINED, &event) && strcmp(event.peer, "ann") == 0);
    ck_assert(match_event(a, MOVEX_EVENT_JOINED, &event) && strcmp(event.peer, "ben") == 0);
    ck_assert_str_eq(event.text, "blue");
    ck_assert_ptr_eq(event.resource, ra);

    match_cut(&m, b);
    cuttable_refuse(m.ios[1], true);
    match_until(&m, match_event(a, MOVEX_EVENT_AWAY, &event));
    ck_assert_str_eq(event.peer, "ben");
    movex_subscriber subscriber;
    ck_assert(movex_subscriber_at(ra, 1, &subscriber) && subscriber.away);
    cuttable_refuse(m.ios[1], false);
    match_until(&m, match_event(a, MOVEX_EVENT_BACK, &event));
    ck_assert_str_eq(event.peer, "ben");

    match_leave(&m, b);
    match_until(&m, match_event(a, MOVEX_EVENT_LEFT, &event));
    ck_assert_str_eq(event.peer, "ben");
    ck_assert_uint_eq(movex_subscriber_count(ra), 1);
    match_end(&m);
}
END_TEST

START_TEST(who_comes_late_gets_a_snapshot)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *ra = bind(&m, a, "main");
    for (int i = 0; i < 10; i++) append(ra, i);
    match_until(&m, movex_version(ra) == 10);
    movex_client   *b = match_client(&m, "ben");
    movex_resource *rb = bind(&m, b, "main");
    ck_assert_uint_eq(movex_version(rb), 10);
    ck_assert_uint_eq(movex_checksum(rb), movex_checksum(ra));
    movex_event event;
    ck_assert(match_event(b, MOVEX_EVENT_BOUND, &event));
    match_end(&m);
}
END_TEST

START_TEST(a_cut_connection_goes_on_without_a_snapshot)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main"), *rb = bind(&m, b, "main");
    append(ra, 1);
    match_until(&m, movex_version(rb) == 1);
    uint64_t snapshots = movex_client_stats(a).snapshots;

    append(ra, 2); /* never leaves */
    match_cut(&m, a);
    append(ra, 3); /* made while away */
    append(rb, 4);
    ck_assert_uint_eq(seen(ra)->count, 3);
    match_until(&m, movex_version(ra) == 4 && movex_version(rb) == 4);
    match_until(&m, movex_pending(ra) == 0);
    ck_assert_uint_eq(movex_checksum(ra), movex_checksum(rb));
    ck_assert_int_eq(match_count_events(a, MOVEX_EVENT_ACCEPTED), 3);
    ck_assert_uint_eq(movex_client_stats(a).snapshots, snapshots);
    ck_assert_uint_eq(movex_client_stats(a).resumes, 1);
    assert_no_trouble(a);
    assert_no_trouble(b);
    match_end(&m);
}
END_TEST

START_TEST(outcomes_survive_cuts_at_any_time)
{
    match m;
    match_start(&m, _i, (movex_master_config){.types = types, .limits = {.history = 4}});
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main"), *rb = bind(&m, b, "main");
    int             tickets = 0, outcomes = 0;
    for (int round = 0; round < 40; round++) {
        for (int k = 0; k < 3; k++) {
            tickets += movex_dispatch(ra, k == 1 ? ROW_TAKE : ROW_APPEND, k == 1 ? NULL : &(row_append){round}) != 0;
            movex_dispatch(rb, k == 2 ? ROW_TAKE : ROW_STAMP, NULL);
        }
        match_poll_times(&m, round % 4);
        match_cut(&m, a);
        match_poll_times(&m, round % 7);
        for (movex_event event; movex_client_next(a, &event);)
            outcomes += event.kind == MOVEX_EVENT_ACCEPTED || event.kind == MOVEX_EVENT_REFUSED;
        while (match_count_events(b, MOVEX_EVENT_ACCEPTED)) {}
    }
    const movex_resource *both[] = {ra, rb};
    match_until(&m, match_at_rest(&m, both, 2));
    for (movex_event event; movex_client_next(a, &event);) {
        ck_assert_int_ne(event.kind, MOVEX_EVENT_EXPIRED);
        outcomes += event.kind == MOVEX_EVENT_ACCEPTED || event.kind == MOVEX_EVENT_REFUSED;
    }
    ck_assert_int_eq(tickets, 120);
    ck_assert_int_eq(outcomes, tickets);
    assert_no_trouble(a);
    assert_no_trouble(b);
    match_end(&m);
}
END_TEST

START_TEST(a_master_that_forgot_leaves_outcomes_unknown)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, "main");
    append(r, 1);
    match_until(&m, movex_version(r) == 1);
    ck_assert_int_eq(match_count_events(a, MOVEX_EVENT_ACCEPTED), 1);
    movex_ticket sent = append(r, 2);
    movex_client_flush(a);
    match_restart(&m, (movex_master_config){.types = types, .epoch = 2});
    match_until(&m, movex_in_sync(r) && movex_pending(r) == 0);
    movex_event event;
    ck_assert(match_event(a, MOVEX_EVENT_EXPIRED, &event));
    ck_assert_uint_eq(event.ticket, sent);
    ck_assert_uint_eq(movex_version(r), 0);
    ck_assert_uint_eq(seen(r)->count, 0);
    append(r, 3);
    match_until(&m, movex_version(r) == 1);
    assert_no_trouble(a);
    match_end(&m);
}
END_TEST

START_TEST(a_foreign_build_is_found_explained_and_healed)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main");
    movex_resource *rb = movex_bind(b, &row_wrong_type, "main");
    match_until(&m, movex_in_sync(rb));
    append(ra, 41);
    movex_event event;
    match_until(&m, match_event(b, MOVEX_EVENT_MISMATCH, &event));
    ck_assert_str_eq(event.text, "after append by ann (version 1): numbers[0]: here 42, master 41");
    match_until(&m, movex_in_sync(rb));
    ck_assert_int_eq(seen(rb)->numbers[0], 41);
    movex_stats stats = movex_client_stats(b);
    ck_assert_uint_eq(stats.mismatches, 1);
    ck_assert_uint_eq(stats.resyncs, 1);
    /* Nothing pending is lost by healing. */
    append(ra, 50);
    movex_ticket own = movex_dispatch(rb, ROW_STAMP, NULL);
    match_until(&m, movex_in_sync(rb) && movex_pending(rb) == 0 && movex_version(rb) == 3);
    ck_assert(match_event(b, MOVEX_EVENT_ACCEPTED, &event) && event.ticket == own);
    ck_assert_str_eq(seen(ra)->stamper, "ben");
    match_end(&m);
}
END_TEST

START_TEST(another_version_of_the_game_is_told_apart)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = movex_bind(a, &row_newer_type, "main");
    movex_ticket    held = append(r, 1);
    movex_event     event;
    match_until(&m, match_event(a, MOVEX_EVENT_EXPIRED, &event));
    ck_assert_uint_eq(event.ticket, held);
    ck_assert(match_event(a, MOVEX_EVENT_BIND_REFUSED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_FINGERPRINT);
    ck_assert_ptr_nonnull(strstr(event.text, "type row"));
    ck_assert_uint_eq(append(r, 1), 0);
    ck_assert_int_eq(movex_client_error(a)->status, MOVEX_ERR_NOT_BOUND);
    match_end(&m);
}
END_TEST

static int let_in(void *user, const movex_hello *hello)
{
    (void)user;
    return strcmp(hello->credentials, "sesame") == 0 ? MOVEX_ACCEPT : 7;
}

START_TEST(who_is_not_let_in_is_told_why)
{
    match m;
    match_start(&m, _i, (movex_master_config){.types = types, .authenticate = let_in});
    movex_client *a = match_client(&m, "ann");
    movex_client *b = match_client_with(&m, "ben", (movex_client_config){.credentials = "sesame"});
    movex_event   event;
    match_until(&m, match_event(a, MOVEX_EVENT_CLOSED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_DENIED);
    ck_assert_int_eq(event.reason, 7);
    ck_assert_int_eq(movex_client_connection(a), MOVEX_CONNECTION_CLOSED);
    ck_assert_int_eq(movex_client_poll(a, m.now_ms), MOVEX_ERR_DENIED);
    match_until(&m, match_event(b, MOVEX_EVENT_CONNECTED, &event));
    match_end(&m);
}
END_TEST

START_TEST(an_id_belongs_to_its_session)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client   *a = match_client(&m, "ann");
    movex_resource *r = bind(&m, a, "main");
    movex_client   *thief = match_client(&m, "ann");
    movex_event     event;
    match_until(&m, match_event(thief, MOVEX_EVENT_DISCONNECTED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_ID_IN_USE);
    append(r, 1);
    match_until(&m, movex_version(r) == 1);
    /* When the session ends, the id is free. */
    match_leave(&m, a);
    match_until(&m, movex_client_connection(thief) == MOVEX_CONNECTION_OPEN);
    match_end(&m);
}
END_TEST

static int may_bind(void *user, const movex_bind_request *request)
{
    (void)user;
    return request->creates && strcmp(request->client_id, "ben") == 0 ? 9 : MOVEX_ACCEPT;
}

START_TEST(who_may_create_is_configured)
{
    match m;
    match_start(&m, _i, (movex_master_config){.types = types, .may_bind = may_bind});
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *refused = movex_bind(b, &row_type, "main");
    movex_event     event;
    match_until(&m, match_event(b, MOVEX_EVENT_BIND_REFUSED, &event));
    ck_assert_int_eq(event.reason, 9);
    ck_assert_int_eq(event.status, MOVEX_ERR_DENIED);
    movex_unbind(refused);
    bind(&m, a, "main");
    bind(&m, b, "main");
    match_end(&m);

    match_start(&m, _i, (movex_master_config){.types = types, .creation = MOVEX_CREATION_BY_MASTER});
    a = match_client(&m, "ann");
    ck_assert_int_eq(movex_master_create(m.master, &row_type, "made"), MOVEX_OK);
    ck_assert_int_eq(movex_master_create(m.master, &row_type, "made"), MOVEX_ERR_EXISTS);
    ck_assert_int_eq(movex_master_create(m.master, &row_newer_type, "made"), MOVEX_ERR_UNKNOWN_TYPE);
    bind(&m, a, "made");
    movex_bind(a, &row_type, "other");
    match_until(&m, match_event(a, MOVEX_EVENT_BIND_REFUSED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_NOT_FOUND);
    match_end(&m);
}
END_TEST

START_TEST(idle_resources_and_sessions_end)
{
    match m;
    match_start(&m, _i, (movex_master_config){.types = types, .idle_ms = 60, .grace_ms = 40});
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = bind(&m, a, "main"), *rb = bind(&m, b, "main");
    movex_hosted    hosted;
    append(ra, 1);
    match_until(&m, movex_version(rb) == 1);
    match_leave(&m, a);
    cuttable_refuse(m.ios[0], true);
    match_cut(&m, b);
    match_sleep(&m, 60);
    ck_assert_uint_eq(movex_master_stats(m.master).sessions, 0);
    ck_assert(movex_master_find(m.master, &row_type, "main", &hosted)); /* idle for less than its life */
    match_sleep(&m, 120);
    ck_assert(!movex_master_find(m.master, &row_type, "main", &hosted));
    cuttable_refuse(m.ios[0], false);
    match_until(&m, movex_in_sync(rb));
    ck_assert_uint_eq(movex_version(rb), 0); /* made anew */
    match_end(&m);
}
END_TEST

START_TEST(bad_arguments_are_named)
{
    match m;
    match_start_types(&m, _i, types);
    movex_client *a = match_client(&m, "ann");
    ck_assert_ptr_null(movex_bind(a, &row_type, ""));
    ck_assert_ptr_null(movex_bind(a, &row_type, "a name of more than thirty-one bytes"));
    ck_assert_ptr_nonnull(strstr(movex_client_error(a)->text, "longer than 31 bytes"));
    ck_assert_ptr_null(movex_bind(a, NULL, "main"));
    movex_resource *r = bind(&m, a, "main");
    ck_assert_uint_eq(movex_dispatch(r, ROW_ACTIONS, NULL), 0);
    ck_assert_uint_eq(movex_dispatch(r, ROW_APPEND, NULL), 0);
    ck_assert_ptr_nonnull(strstr(movex_client_error(a)->text, "append"));
    ck_assert_uint_eq(movex_dispatch(r, ROW_TAKE, &(row_append){1}), 0);
    row_say endless;
    memset(&endless, 'x', sizeof endless);
    ck_assert_uint_eq(movex_dispatch(r, ROW_SAY, &endless), 0);
    ck_assert_int_eq(movex_client_error(a)->status, MOVEX_ERR_INVALID_STATE);
    ck_assert_ptr_nonnull(strstr(movex_client_error(a)->text, "text"));
    ck_assert_uint_eq(movex_dispatch(NULL, 0, NULL), 0);
    ck_assert_ptr_null(movex_bind(NULL, &row_type, "main"));
    match_end(&m);
}
END_TEST

static void add(Suite *suite, TCase *tcase, const TTest *test)
{
    (void)suite;
    tcase_add_loop_test(tcase, test, 0, MATCH_CARRIERS);
}

int main(void)
{
    Suite *suite = suite_create("sync");
    TCase *tcase = tcase_create("over every emitter");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    add(suite, tcase, all_see_the_same_in_one_order);
    add(suite, tcase, an_action_shows_at_once_and_is_confirmed_later);
    add(suite, tcase, every_ticket_has_one_outcome);
    add(suite, tcase, a_thousand_dispatches_at_once_are_not_lost);
    add(suite, tcase, a_full_pending_list_says_so);
    add(suite, tcase, what_waits_for_confirmation_is_not_shown_before);
    add(suite, tcase, dispatches_before_the_first_state_are_held);
    add(suite, tcase, what_the_master_adds_is_the_same_everywhere);
    add(suite, tcase, many_resources_share_a_connection);
    add(suite, tcase, binding_twice_is_one_resource);
    add(suite, tcase, unbinding_answers_everything);
    add(suite, tcase, subscribers_come_and_go);
    add(suite, tcase, who_comes_late_gets_a_snapshot);
    add(suite, tcase, a_cut_connection_goes_on_without_a_snapshot);
    add(suite, tcase, outcomes_survive_cuts_at_any_time);
    add(suite, tcase, a_master_that_forgot_leaves_outcomes_unknown);
    add(suite, tcase, a_foreign_build_is_found_explained_and_healed);
    add(suite, tcase, another_version_of_the_game_is_told_apart);
    add(suite, tcase, who_is_not_let_in_is_told_why);
    add(suite, tcase, an_id_belongs_to_its_session);
    add(suite, tcase, who_may_create_is_configured);
    add(suite, tcase, idle_resources_and_sessions_end);
    add(suite, tcase, bad_arguments_are_named);
    return movex_test_main(suite);
}
