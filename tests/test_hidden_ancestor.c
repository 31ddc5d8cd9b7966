/* As test_ancestor.c, the faults of the TypeScript library that have to do with hidden actions: P1 to P13, T1 and M11. N3, what
   a server tells by HTTP, is in test_movexd_http.sh. */
#include "hidden_game.h"
#include "party.h"

#include <string.h>

enum { ANN, BEN, CID };

static const hidden_table *seen(const party *p, int who)
{
    return movex_state(p->resources[who]);
}

/* So many at the table, each at its place; all is revealed once `needed` have moved (0: never). */
static void sit_down(party *p, int players, int needed)
{
    for (int i = 0; i < players; i++) hidden_do(p->resources[i], HIDDEN_SIT, (uint8_t)i, 0);
    hidden_do(p->resources[ANN], HIDDEN_SETUP, 0, needed);
    party_settle(p);
}

static void start(party *p, int clients, int players, int needed)
{
    party_start(p, MATCH_LOCAL, &hidden_type, clients);
    sit_down(p, players, needed);
}

static uint64_t snapshots_of(const party *p)
{
    return movex_master_stats(p->m.master).snapshots;
}

START_TEST(P1_a_hidden_action_sees_its_authors_earlier_ones)
{
    party p;
    start(&p, 2, 2, 0);
    uint64_t snapshots = snapshots_of(&p);
    hidden_hide(p.resources[ANN], HIDDEN_DRAW, ANN, 'K');
    hidden_hide(p.resources[ANN], HIDDEN_DRAW, ANN, 'Q');
    hidden_hide(p.resources[ANN], HIDDEN_DISCARD, ANN, 0);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].count, 1);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].hand[0], 'Q');
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].count, 1);
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].hand[0], HIDDEN_UNKNOWN);
    hidden_table full;
    ck_assert_int_eq(movex_master_view(p.m.master, &hidden_type, "main", NULL, &full, NULL), MOVEX_OK);
    ck_assert_int_eq(full.seats[ANN].hand[0], 'Q');
    hidden_do(p.resources[BEN], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].hand[0], 'Q');
    ck_assert_uint_eq(snapshots_of(&p), snapshots);
    party_finish(&p);
}
END_TEST

START_TEST(P2_public_actions_while_something_is_hidden)
{
    party p;
    start(&p, 2, 2, 2);
    uint64_t snapshots = snapshots_of(&p);
    hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
    for (int i = 0; i < 5; i++) {
        hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, 1);
        if (i % 2) party_settle(&p);
        hidden_do(p.resources[ANN], HIDDEN_RAISE, 0, 100);
    }
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->pot, 515);
    ck_assert_int_eq(seen(&p, BEN)->pot, 515);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].bid, 5);
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].bid, 0);
    ck_assert_uint_eq(snapshots_of(&p), snapshots);
    party_finish(&p);
}
END_TEST

START_TEST(P3_a_hidden_action_does_not_undo_a_newer_public_one)
{
    party p;
    start(&p, 2, 2, 0);
    hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 3);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->pot, 7);
    ck_assert_int_eq(seen(&p, BEN)->pot, 10);
    hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, 100);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->pot, 107);
    ck_assert_int_eq(seen(&p, BEN)->pot, 110);
    hidden_do(p.resources[ANN], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, BEN)->pot, 107);
    party_finish(&p);
}
END_TEST

START_TEST(P4_what_a_hidden_action_was_about_may_go)
{
    party p;
    start(&p, 2, 2, 0);
    hidden_hide(p.resources[ANN], HIDDEN_DRAW, ANN, 'K');
    hidden_do(p.resources[BEN], HIDDEN_REMOVE, ANN, 0);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].count, 0);
    movex_unbind(p.resources[ANN]); /* and asks for its state anew */
    match_poll_times(&p.m, 3);
    p.resources[ANN] = movex_bind(p.clients[ANN], &hidden_type, "main");
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].count, 0);
    hidden_do(p.resources[BEN], HIDDEN_TIME_UP, 0, 0);
    party_finish(&p);
}
END_TEST

START_TEST(P5_spectators_see_the_reveal)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
    party_settle(&p);
    ck_assert(seen(&p, CID)->seats[ANN].moved);
    ck_assert_int_eq(seen(&p, CID)->seats[ANN].bid, 0);
    hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 7);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, CID)->seats[ANN].bid, 5);
    ck_assert_int_eq(seen(&p, CID)->seats[BEN].bid, 7);
    ck_assert_int_eq(seen(&p, CID)->winner, BEN);
    ck_assert_int_eq(party_events(&p, CID, MOVEX_EVENT_REVEALED, NULL), 1);
    party_finish(&p);
}
END_TEST

START_TEST(P6_no_hidden_action_is_applied_twice)
{
    party p;
    start(&p, 2, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
    hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 7);
    party_settle(&p);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(seen(&p, i)->seats[ANN].bid, 5);
        ck_assert_int_eq(seen(&p, i)->seats[BEN].bid, 7);
    }
    party_finish(&p);
}
END_TEST

START_TEST(P7_a_reveal_does_not_need_who_has_hidden)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
    party_settle(&p);
    if (_i)
        match_cut(&p.m, p.clients[ANN]);
    else
        party_leave(&p, ANN); /* for good */
    party_poll_master(&p);
    movex_ticket ticket = hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 7);
    movex_event  event;
    party_poll(&p, BEN);
    party_poll_master(&p);
    party_poll(&p, BEN);
    ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_ACCEPTED, &event), 2); /* that it has sat down is the first */
    ck_assert_uint_eq(event.ticket, ticket);
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].bid, 5);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, CID)->winner, BEN);
    party_finish(&p);
}
END_TEST

START_TEST(P8_a_public_action_may_be_what_reveals)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
    party_settle(&p);
    hidden_do(p.resources[BEN], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(seen(&p, i)->seats[ANN].bid, 5);
    ck_assert_uint_eq(movex_master_stats(p.m.master).reveals, 1);
    party_finish(&p);
}
END_TEST

START_TEST(P9_what_is_shown_of_the_last_half_reaches_all)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
    hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 7);
    party_settle(&p);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(seen(&p, i)->turn, 2); /* once each: not with both halves */
    party_finish(&p);
}
END_TEST

/* P10 and P13, what a pair costs with states of all sizes: test_hidden_cost.c. Here, with many who watch. */
START_TEST(P13_a_pair_costs_the_master_the_same_however_many_watch)
{
    uint64_t reduces[2], hashed[2];
    for (int many = 0; many < 2; many++) {
        party p;
        start(&p, many ? PARTY_MOST : 2, 2, 2);
        movex_stats before = movex_master_stats(p.m.master);
        hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
        hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 7);
        party_settle(&p);
        movex_stats after = movex_master_stats(p.m.master);
        reduces[many] = after.reduces - before.reduces;
        hashed[many] = after.bytes_hashed - before.bytes_hashed;
        party_finish(&p);
    }
    ck_assert_uint_eq(reduces[0], reduces[1]);
    ck_assert_uint_eq(hashed[0], hashed[1]);
}
END_TEST

START_TEST(P11_what_is_revealed_has_the_logs_order)
{
    party p;
    start(&p, 4, 3, 0);
    static const struct {
        int  who;
        char letter;
    } writes[] = {{ANN, 'a'}, {BEN, 'b'}, {ANN, 'A'}, {CID, 'c'}};
    for (size_t i = 0; i < 4; i++) {
        hidden_hide(p.resources[writes[i].who], HIDDEN_WRITE, (uint8_t)writes[i].who, writes[i].letter);
        party_settle(&p);
    }
    ck_assert(memcmp(seen(&p, ANN)->log, "a?A?", 4) == 0);
    ck_assert(memcmp(seen(&p, BEN)->log, "?b??", 4) == 0);
    ck_assert(memcmp(seen(&p, CID)->log, "???c", 4) == 0);
    ck_assert(memcmp(seen(&p, 3)->log, "????", 4) == 0);
    hidden_do(p.resources[3], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    for (int i = 0; i < 4; i++) ck_assert(memcmp(seen(&p, i)->log, "abAc", 5) == 0);
    movex_revealed revealed;
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert(movex_revealed_at(p.resources[3], i, &revealed));
        ck_assert_str_eq(revealed.author, p.names[writes[i].who]);
    }
    ck_assert(!movex_revealed_at(p.resources[3], 4, &revealed));
    party_finish(&p);
}
END_TEST

START_TEST(P12_a_hidden_action_that_shows_nothing_is_refused)
{
    party p;
    start(&p, 2, 2, 2);
    uint64_t sent = movex_client_stats(p.clients[ANN]).frames_sent;
    ck_assert_uint_eq(movex_dispatch_private(p.resources[ANN], HIDDEN_BID, &(hidden_deed){ANN, 5}, UINT32_MAX, NULL),
                      0);
    ck_assert_int_eq(movex_client_error(p.clients[ANN])->status, MOVEX_ERR_ARGUMENT);
    ck_assert_uint_eq(movex_dispatch_private(p.resources[ANN], HIDDEN_RAISE, &(hidden_amount){5}, UINT32_MAX, NULL), 0);
    match_poll_times(&p.m, 3);
    ck_assert_uint_eq(movex_client_stats(p.clients[ANN]).frames_sent, sent);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].bid, 0);
    party_finish(&p);
}
END_TEST

START_TEST(T1_the_masters_values_are_there_in_hidden_actions)
{
    party p;
    start(&p, 3, 2, 0);
    match_sleep(&p.m, 50);
    hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0);
    party_settle(&p);
    const hidden_seat own = seen(&p, ANN)->seats[ANN];
    ck_assert_uint_ge(own.stamp_ms, 50);
    ck_assert_uint_ne(own.luck, 0);
    ck_assert_uint_eq(seen(&p, BEN)->seats[ANN].stamp_ms, 0);
    ck_assert_uint_eq(seen(&p, BEN)->seats[ANN].luck, 0);
    match_sleep(&p.m, 50);
    hidden_do(p.resources[BEN], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(seen(&p, i)->seats[ANN].stamp_ms, own.stamp_ms); /* of then, not of the reveal */
        ck_assert_uint_eq(seen(&p, i)->seats[ANN].luck, own.luck);
    }
    party_finish(&p);
}
END_TEST

START_TEST(M11_a_reveal_is_one_change)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
    party_settle(&p);
    hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 7);
    party_poll(&p, BEN);
    party_poll_master(&p);
    for (int i = 0; i < 3; i++) {
        while (party_events(&p, i, MOVEX_EVENT_CHANGED, NULL)) {}
        uint32_t turn = seen(&p, i)->turn;
        party_poll(&p, i);
        if (i != BEN) ck_assert_uint_eq(seen(&p, i)->turn, turn + 1);
        ck_assert_int_eq(seen(&p, i)->winner, BEN); /* entry and reveal at once: nothing in between is seen */
        ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_CHANGED, NULL), 1);
        party_poll(&p, i);
        ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_CHANGED, NULL), 0);
    }
    party_finish(&p);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        P1_a_hidden_action_sees_its_authors_earlier_ones,
        P2_public_actions_while_something_is_hidden,
        P3_a_hidden_action_does_not_undo_a_newer_public_one,
        P4_what_a_hidden_action_was_about_may_go,
        P5_spectators_see_the_reveal,
        P6_no_hidden_action_is_applied_twice,
        P8_a_public_action_may_be_what_reveals,
        P9_what_is_shown_of_the_last_half_reaches_all,
        P13_a_pair_costs_the_master_the_same_however_many_watch,
        P11_what_is_revealed_has_the_logs_order,
        P12_a_hidden_action_that_shows_nothing_is_refused,
        T1_the_masters_values_are_there_in_hidden_actions,
        M11_a_reveal_is_one_change,
    };
    Suite *suite = suite_create("hidden ancestor");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, P7_a_reveal_does_not_need_who_has_hidden, 0, 2);
    return movex_test_main(suite);
}
