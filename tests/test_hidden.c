/* What is hidden, and the reveal: who sees what when, in all orders, over every emitter. */
#include "cuttable.h"
#include "hidden_game.h"
#include "party.h"

#include <string.h>

enum { ANN, BEN, CID, DAN };

static const hidden_table *seen(const party *p, int who)
{
    return movex_state(p->resources[who]);
}

static void sit_down(party *p, int players, int needed)
{
    for (int i = 0; i < players; i++) {
        hidden_do(p->resources[i], HIDDEN_SIT, (uint8_t)i, 0);
        party_settle(p); /* over a network they would come in any order */
    }
    hidden_do(p->resources[ANN], HIDDEN_SETUP, 0, needed);
    party_settle(p);
}

/* The last so many of the clients watch. Over the emitter that the loop's index chooses. */
static void start(party *p, int carrier, int clients, int players, int needed)
{
    party_start(p, (match_carrier)carrier, &hidden_type, clients);
    sit_down(p, players, needed);
}

static void bid(party *p, int who, int amount)
{
    ck_assert_uint_ne(hidden_hide(p->resources[who], HIDDEN_BID, (uint8_t)who, amount), 0);
}

static hidden_table view(const party *p, const char *viewer)
{
    hidden_table table;
    ck_assert_int_eq(movex_master_view(p->m.master, p->type, "main", viewer, &table, NULL), MOVEX_OK);
    return table;
}

static movex_hosted hosted(const party *p)
{
    movex_hosted found;
    ck_assert(movex_master_find(p->m.master, p->type, "main", &found));
    return found;
}

static uint64_t reveals(const party *p)
{
    return movex_master_stats(p->m.master).reveals;
}

/* Everybody has been told of one reveal, of these entries (versions and authors, ended by 0). */
static void must_have_revealed(party *p, const movex_revealed *entries)
{
    for (int i = 0; i < p->count; i++) {
        movex_event    event;
        movex_revealed revealed;
        uint32_t       count = 0;
        if (!p->resources[i]) continue;
        ck_assert_int_eq(party_events(p, i, MOVEX_EVENT_REVEALED, &event), 1);
        ck_assert_ptr_eq(event.resource, p->resources[i]);
        ck_assert_ptr_nonnull(strstr(event.text, entries[0].author));
        for (; entries[count].version; count++) {
            ck_assert(movex_revealed_at(p->resources[i], count, &revealed));
            ck_assert_uint_eq(revealed.version, entries[count].version);
            ck_assert_str_eq(revealed.author, entries[count].author);
        }
        ck_assert(!movex_revealed_at(p->resources[i], count, &revealed));
    }
}

/* ---- two players, and rounds */

START_TEST(two_players_either_first)
{
    for (int first = 0; first < 2; first++) {
        party p;
        start(&p, _i, 3, 2, 2);
        uint64_t version = movex_version(p.resources[CID]);
        bid(&p, first, 5 + first);
        party_settle(&p);
        ck_assert_int_eq(seen(&p, first)->seats[first].bid, 5 + first);
        ck_assert_int_eq(seen(&p, !first)->seats[first].bid, 0);
        ck_assert_int_eq(seen(&p, CID)->seats[first].bid, 0);
        ck_assert_int_eq(view(&p, NULL).seats[first].bid, 5 + first);
        ck_assert_int_eq(view(&p, "").seats[first].bid, 0);
        ck_assert_uint_eq(hosted(&p).hidden, 1);
        ck_assert_uint_eq(movex_master_stats(p.m.master).hidden, 1);
        bid(&p, !first, 6 - first);
        party_settle(&p);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(seen(&p, i)->winner, BEN); /* computed from both */
            ck_assert_int_eq(seen(&p, i)->seats[ANN].bid, 5);
            ck_assert_int_eq(seen(&p, i)->seats[BEN].bid, 6);
        }
        ck_assert_uint_eq(hosted(&p).hidden, 0);
        must_have_revealed(&p,
                           (movex_revealed[]){{version + 1, p.names[first]}, {version + 2, p.names[!first]}, {0, ""}});
        party_finish(&p);
    }
}
END_TEST

START_TEST(both_at_once)
{
    party p;
    start(&p, _i, 3, 2, 2);
    bid(&p, ANN, 5);
    bid(&p, BEN, 7);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, CID)->winner, BEN);
    ck_assert_uint_eq(reveals(&p), 1);
    party_finish(&p);
}
END_TEST

START_TEST(without_a_reveal_each_keeps_its_own)
{
    party p;
    start(&p, _i, 3, 2, 0);
    bid(&p, ANN, 5);
    bid(&p, BEN, 7);
    for (int i = 0; i < 20; i++) {
        hidden_do(p.resources[i % 3], HIDDEN_RAISE, 0, 1);
        if (i % 3 == 0) party_settle(&p);
    }
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].bid, 5);
    ck_assert_int_eq(seen(&p, ANN)->seats[BEN].bid, 0);
    ck_assert_int_eq(seen(&p, BEN)->seats[BEN].bid, 7);
    ck_assert_int_eq(seen(&p, CID)->seats[BEN].bid, 0);
    ck_assert_uint_eq(reveals(&p), 0);
    party_finish(&p);
}
END_TEST

START_TEST(the_same_twice_before_the_other)
{
    party p;
    start(&p, _i, 3, 2, 2);
    uint64_t version = movex_version(p.resources[CID]);
    bid(&p, ANN, 5);
    bid(&p, ANN, 20);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].bid, 25);
    ck_assert_uint_eq(seen(&p, BEN)->turn, 2);
    bid(&p, BEN, 7);
    party_settle(&p);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(seen(&p, i)->seats[ANN].bid, 25);
    must_have_revealed(&p,
                       (movex_revealed[]){{version + 1, "ann"}, {version + 2, "ann"}, {version + 3, "ben"}, {0, ""}});
    party_finish(&p);
}
END_TEST

START_TEST(a_further_round)
{
    party p;
    start(&p, _i, 3, 2, 2);
    for (int round = 1; round <= 6; round++) {
        bid(&p, round % 2, round);
        if (round % 3) party_settle(&p);
        bid(&p, !(round % 2), 10 - round);
        party_settle(&p);
        ck_assert_int_eq(seen(&p, CID)->winner, round > 5 ? round % 2 : round == 5 ? ANN : !(round % 2));
        hidden_do(p.resources[CID], HIDDEN_AGAIN, 0, 0);
        party_settle(&p);
    }
    ck_assert_uint_eq(reveals(&p), 6);
    ck_assert_uint_eq(seen(&p, ANN)->rounds, 6);
    party_finish(&p);
}
END_TEST

START_TEST(a_public_action_between_the_halves)
{
    party p;
    start(&p, _i, 3, 2, 2);
    bid(&p, ANN, 5);
    party_settle(&p);
    hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 3);
    hidden_do(p.resources[ANN], HIDDEN_RAISE, 0, 4);
    party_settle(&p);
    bid(&p, BEN, 7);
    party_settle(&p);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(seen(&p, i)->pot, 17);
        ck_assert_int_eq(seen(&p, i)->winner, BEN);
    }
    party_finish(&p);
}
END_TEST

START_TEST(of_four_players_some_have_hidden)
{
    party p;
    start(&p, _i, 5, 4, 3);
    bid(&p, CID, 9);
    hidden_hide(p.resources[ANN], HIDDEN_DRAW, ANN, 'A');
    party_settle(&p);
    hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 4);
    bid(&p, BEN, 3);
    hidden_do(p.resources[DAN], HIDDEN_RAISE, 0, 5);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->pot, 11);
    ck_assert_int_eq(seen(&p, BEN)->pot, 15);
    ck_assert_uint_eq(hosted(&p).hidden, 4);
    hidden_do(p.resources[DAN], HIDDEN_MOVED, DAN, 0); /* openly: the third */
    party_settle(&p);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(seen(&p, i)->pot, 11);
        ck_assert_int_eq(seen(&p, i)->seats[ANN].hand[0], 'A');
        ck_assert_int_eq(seen(&p, i)->seats[BEN].bid, 3);
        ck_assert_int_eq(seen(&p, i)->seats[CID].bid, 9);
    }
    party_finish(&p);
}
END_TEST

/* ---- refusals */

START_TEST(refused_in_the_public_view_alone)
{
    party p;
    start(&p, _i, 3, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, -20); /* hers has 30, the public one 10 */
    party_settle(&p);
    movex_ticket ticket = hidden_do(p.resources[ANN], HIDDEN_RAISE, 0, -25);
    movex_event  event;
    party_settle(&p);
    ck_assert_int_ge(party_events(&p, ANN, MOVEX_EVENT_ACCEPTED, &event), 1);
    ck_assert_uint_eq(event.ticket, ticket);
    ck_assert_int_eq(seen(&p, ANN)->pot, 5);
    ck_assert_int_eq(seen(&p, BEN)->pot, 10); /* no-op */
    hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(seen(&p, i)->pot, 5);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_OVERTURNED, NULL), 0);
    party_finish(&p);
}
END_TEST

START_TEST(refused_in_another_hiders_view_and_overturned)
{
    party       p;
    movex_event event;
    start(&p, _i, 3, 2, 0);
    hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 8);
    party_settle(&p);
    hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, 1);
    movex_ticket too_much = hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, -9);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, BEN)->pot, 2);
    ck_assert_int_eq(seen(&p, ANN)->pot, 3); /* no-op */
    ck_assert_int_ge(party_events(&p, BEN, MOVEX_EVENT_ACCEPTED, &event), 1);
    ck_assert_uint_eq(event.ticket, too_much);
    hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(seen(&p, i)->pot, 3);
    ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_OVERTURNED, &event), 1);
    ck_assert_uint_eq(event.ticket, too_much);
    ck_assert_int_eq(event.reason, HIDDEN_POOR);
    ck_assert_ptr_eq(event.resource, p.resources[BEN]);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_OVERTURNED, NULL), 0);
    ck_assert_int_eq(party_events(&p, CID, MOVEX_EVENT_OVERTURNED, NULL), 0);
    party_finish(&p);
}
END_TEST

/* Two who each could, and both could not: the log's order decides. */
START_TEST(a_hidden_action_is_overturned_by_an_earlier_one)
{
    party       p;
    movex_event event;
    start(&p, _i, 4, 3, 0);
    hidden_hide(p.resources[BEN], HIDDEN_STAKE, BEN, 8);
    party_settle(&p);
    movex_ticket second = hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 7);
    party_settle(&p);
    hidden_hide(p.resources[CID], HIDDEN_STAKE, CID, 2);
    party_settle(&p);
    ck_assert_int_eq(view(&p, NULL).pot, 0);
    hidden_do(p.resources[DAN], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(seen(&p, i)->pot, 0);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_OVERTURNED, &event), 1);
    ck_assert_uint_eq(event.ticket, second);
    ck_assert_int_eq(event.reason, HIDDEN_POOR);
    ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_OVERTURNED, NULL), 0);
    party_finish(&p);
}
END_TEST

START_TEST(what_its_author_could_see_is_refused_at_once)
{
    party       p;
    movex_event event;
    start(&p, _i, 2, 2, 2);
    uint64_t     version = movex_version(p.resources[BEN]);
    movex_ticket ticket = hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 11);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_REFUSED, &event), 1);
    ck_assert_uint_eq(event.ticket, ticket);
    ck_assert_int_eq(event.reason, HIDDEN_POOR);
    party_settle(&p);
    ck_assert_uint_eq(movex_version(p.resources[BEN]), version);
    ck_assert_uint_eq(hosted(&p).hidden, 0);
    party_finish(&p);
}
END_TEST

/* ---- reveals of all causes */

START_TEST(under_a_condition_that_holds_already)
{
    party p;
    start(&p, _i, 3, 2, 0);
    hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    uint64_t version = movex_version(p.resources[CID]);
    bid(&p, ANN, 5);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].bid, 5);
    ck_assert_int_eq(seen(&p, CID)->seats[ANN].bid, 5);
    ck_assert_uint_eq(hosted(&p).hidden, 0);
    must_have_revealed(&p, (movex_revealed[]){{version + 1, "ann"}, {0, ""}});
    bid(&p, ANN, 6); /* more than once */
    bid(&p, BEN, 7);
    party_settle(&p);
    ck_assert_uint_eq(reveals(&p), seen(&p, CID)->turn);
    party_finish(&p);
}
END_TEST

START_TEST(by_the_masters_own_dispatch)
{
    party p;
    int   reason;
    start(&p, _i, 3, 2, 0);
    uint64_t version = movex_version(p.resources[CID]);
    bid(&p, ANN, 5);
    party_settle(&p);
    ck_assert_int_eq(movex_master_dispatch(p.m.master, &hidden_type, "main", HIDDEN_TIME_UP, NULL, &reason), MOVEX_OK);
    ck_assert_int_eq(reason, MOVEX_ACCEPT);
    party_settle(&p);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(seen(&p, i)->seats[ANN].bid, 5);
    must_have_revealed(&p, (movex_revealed[]){{version + 1, "ann"}, {0, ""}});
    party_finish(&p);
}
END_TEST

static void set_up(party *p, hidden_setup setup)
{
    movex_dispatch(p->resources[ANN], HIDDEN_SETUP, &setup);
    party_settle(p);
}

START_TEST(by_time)
{
    party p;
    party_start(&p, (match_carrier)_i, &hidden_watched_type, 3);
    sit_down(&p, 2, 0);
    set_up(&p, (hidden_setup){.in_ms = 300});
    bid(&p, ANN, 5);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].bid, 0);
    match_until(&p.m, seen(&p, BEN)->seats[ANN].bid == 5);
    party_settle(&p);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_REVEALED, NULL), 1);
    party_finish(&p);
}
END_TEST

START_TEST(by_one_who_joins)
{
    party p;
    party_start(&p, (match_carrier)_i, &hidden_watched_type, 3);
    sit_down(&p, 2, 0);
    set_up(&p, (hidden_setup){.wanted = 4});
    bid(&p, ANN, 5);
    party_settle(&p);
    int dan = party_join(&p, "dan");
    party_settle(&p);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(seen(&p, i)->seats[ANN].bid, 5);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_REVEALED, NULL), 1);
    ck_assert_int_le(party_events(&p, dan, MOVEX_EVENT_REVEALED, NULL), 1);
    party_finish(&p);
}
END_TEST

/* By who watches, or by who has hidden something itself. */
static void leaves(int carrier, int who)
{
    party p;
    party_start(&p, (match_carrier)carrier, &hidden_watched_type, 3);
    sit_down(&p, 2, 0);
    set_up(&p, (hidden_setup){.wanted = 2});
    bid(&p, ANN, 5);
    bid(&p, BEN, 7);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->seats[BEN].bid, 0);
    party_leave(&p, who);
    match_until(&p.m, seen(&p, ANN)->present == 2);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->seats[BEN].bid, 7);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_REVEALED, NULL), 1);
    match_poll_times(&p.m, 3);
    ck_assert_uint_eq(movex_master_stats(p.m.master).sessions, 2); /* nobody is kept for its token */
    party_finish(&p);
}

START_TEST(by_one_who_leaves)
{
    leaves(_i, CID);
    leaves(_i, BEN);
}
END_TEST

/* ---- away, gone, late */

/* Loses the connection of one, who cannot dial again for now. */
static void lose(party *p, int who)
{
    match_cut(&p->m, p->clients[who]);
    cuttable_refuse(p->m.ios[who], true);
    match_until(&p->m, movex_client_connection(p->clients[who]) == MOVEX_CONNECTION_DIALLING);
}

static void find_again(party *p, int who)
{
    cuttable_refuse(p->m.ios[who], false);
}

/* ann is away while all is revealed, and comes back before, or after, her session has ended. */
START_TEST(a_reveal_while_an_author_is_away)
{
    for (int late = 0; late < 2; late++) {
        party       p;
        movex_event event;
        party_start_with(&p, (match_carrier)_i,
                         (movex_master_config){.types = MOVEX_TYPES(&hidden_type), .grace_ms = late ? 5 : 60000},
                         &hidden_type, 3);
        sit_down(&p, 2, 2);
        bid(&p, ANN, 5);
        party_settle(&p);
        party_events(&p, ANN, MOVEX_EVENT_ACCEPTED, NULL);
        lose(&p, ANN);
        bid(&p, BEN, 7);
        match_until(&p.m, movex_master_stats(p.m.master).sessions == (late ? 2 : 3) && seen(&p, CID)->winner == BEN);
        find_again(&p, ANN);
        party_settle(&p);
        ck_assert_int_eq(seen(&p, ANN)->winner, BEN);
        ck_assert_int_eq(seen(&p, ANN)->seats[ANN].bid, 5);
        if (!late) {
            ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_REVEALED, &event), 1);
            ck_assert_uint_eq(event.version, hosted(&p).version);
        }
        hidden_do(p.resources[ANN], HIDDEN_AGAIN, 0, 0); /* she goes on */
        party_settle(&p);
        ck_assert_uint_eq(seen(&p, CID)->rounds, 1);
        party_finish(&p);
    }
}
END_TEST

/* cid only watches: he comes back in time and gets the entries, with the reveal among them. */
static void watch_after(int carrier, bool saw)
{
    party p;
    start(&p, carrier, 3, 2, 2);
    uint64_t version = movex_version(p.resources[CID]);
    if (saw) bid(&p, ANN, 5); /* he may have seen some of it before */
    if (saw) party_settle(&p);
    uint64_t snapshots = movex_client_stats(p.clients[CID]).snapshots;
    lose(&p, CID);
    if (!saw) bid(&p, ANN, 5);
    bid(&p, BEN, 7);
    match_until(&p.m, reveals(&p) == 1);
    hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, 1);
    match_until(&p.m, hosted(&p).version == version + 3);
    find_again(&p, CID);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, CID)->winner, BEN);
    ck_assert_int_eq(seen(&p, CID)->pot, 11);
    ck_assert_uint_eq(movex_client_stats(p.clients[CID]).snapshots, snapshots);
    ck_assert_int_eq(party_events(&p, CID, MOVEX_EVENT_REVEALED, NULL), 1);
    party_finish(&p);
}

START_TEST(a_watcher_takes_a_missed_reveal_as_an_entry)
{
    watch_after(_i, false);
    watch_after(_i, true);
}
END_TEST

START_TEST(an_author_that_is_gone_keeps_its_id)
{
    party p;
    party_start_with(&p, (match_carrier)_i, (movex_master_config){.types = MOVEX_TYPES(&hidden_type), .grace_ms = 5},
                     &hidden_type, 3);
    sit_down(&p, 2, 2);
    bid(&p, ANN, 5);
    party_settle(&p);
    party_leave(&p, ANN); /* says goodbye */
    match_poll_times(&p.m, 20);
    ck_assert_int_eq(view(&p, "ann").seats[ANN].bid, 5);
    movex_client *other = match_client(&p.m, "ann"); /* somebody who has not her token */
    movex_event   event;
    match_until(&p.m, match_event(other, MOVEX_EVENT_DISCONNECTED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_ID_IN_USE);
    match_leave(&p.m, other);
    bid(&p, BEN, 7);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, CID)->seats[ANN].bid, 5);
    int again = party_join(&p, "ann"); /* from now on anybody may be she */
    ck_assert_int_eq(seen(&p, again)->seats[ANN].bid, 5);
    party_finish(&p);
}
END_TEST

/* Its session has ended, and it has its token still: its view is its own again. */
START_TEST(an_author_comes_back_before_the_reveal)
{
    for (int late = 0; late < 2; late++) {
        party p;
        party_start_with(&p, (match_carrier)_i,
                         (movex_master_config){.types = MOVEX_TYPES(&hidden_type), .grace_ms = late ? 5 : 60000},
                         &hidden_type, 3);
        sit_down(&p, 2, 2);
        bid(&p, ANN, 5);
        party_settle(&p);
        lose(&p, ANN);
        hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 1);
        match_until(&p.m, seen(&p, BEN)->pot == 11 && movex_master_stats(p.m.master).subscriptions == (late ? 2 : 3));
        find_again(&p, ANN);
        party_settle(&p);
        ck_assert_int_eq(seen(&p, ANN)->seats[ANN].bid, 5);
        ck_assert_int_eq(seen(&p, BEN)->seats[ANN].bid, 0);
        hidden_hide(p.resources[ANN], HIDDEN_DRAW, ANN, 'Q'); /* and hides more */
        party_settle(&p);
        bid(&p, BEN, 7);
        party_settle(&p);
        ck_assert_int_eq(seen(&p, BEN)->seats[ANN].hand[0], 'Q');
        ck_assert_int_eq(seen(&p, BEN)->seats[ANN].bid, 5);
        party_finish(&p);
    }
}
END_TEST

/* Bound anew, its dispatches are counted anew: what is overturned must not be taken for another. */
START_TEST(an_author_that_binds_anew_is_told_nothing_wrong)
{
    for (int kick = 0; kick < 2; kick++) {
        party p;
        start(&p, _i, 3, 2, 0);
        hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 8);
        party_settle(&p);
        for (int i = 0; i < 4; i++) hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, -2); /* the last ones are overturned */
        party_settle(&p);
        party_events(&p, BEN, MOVEX_EVENT_ACCEPTED, NULL);
        if (kick) {
            ck_assert_int_eq(movex_master_kick(p.m.master, &hidden_type, "main", "ben", "out"), MOVEX_OK);
            match_until(&p.m, party_events(&p, BEN, MOVEX_EVENT_REMOVED, NULL));
        }
        movex_unbind(p.resources[BEN]);
        match_poll_times(&p.m, 5);
        p.resources[BEN] = movex_bind(p.clients[BEN], &hidden_type, "main");
        party_settle(&p);
        for (int i = 0; i < 6; i++) hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, 1);
        party_settle(&p);
        hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
        party_settle(&p);
        ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_OVERTURNED, NULL), 0);
        ck_assert_int_eq(seen(&p, BEN)->pot, 6);
        party_finish(&p);
    }
}
END_TEST

START_TEST(late_joiners_at_every_point)
{
    for (int point = 0; point < 6; point++) {
        party p;
        start(&p, _i, 2, 2, 2);
        int late = -1;
        for (int step = 0; step < 6; step++) {
            if (step == point) late = party_join(&p, "zoe");
            if (step == 0) bid(&p, ANN, 5);
            if (step == 1) hidden_hide(p.resources[BEN], HIDDEN_STAKE, BEN, 3);
            if (step == 2) hidden_do(p.resources[ANN], HIDDEN_RAISE, 0, 4);
            if (step == 3) bid(&p, BEN, 7);
            if (step == 4) hidden_do(p.resources[ANN], HIDDEN_AGAIN, 0, 0);
            party_settle(&p);
            if (late >= 0 && step < 3) ck_assert_int_eq(seen(&p, late)->seats[ANN].bid, 0);
            if (late >= 0 && step == 3) ck_assert_int_eq(seen(&p, late)->winner, BEN);
        }
        ck_assert_int_eq(party_events(&p, late, MOVEX_EVENT_REVEALED, NULL), point <= 3);
        bid(&p, ANN, 2);
        bid(&p, BEN, 1);
        party_settle(&p);
        ck_assert_int_eq(seen(&p, late)->winner, ANN);
        party_finish(&p);
    }
}
END_TEST

START_TEST(kicked_while_hiding)
{
    party p;
    start(&p, _i, 3, 2, 2);
    bid(&p, ANN, 5);
    party_settle(&p);
    ck_assert_int_eq(movex_master_kick(p.m.master, &hidden_type, "main", "ann", "out"), MOVEX_OK);
    match_until(&p.m, party_events(&p, ANN, MOVEX_EVENT_REMOVED, NULL));
    movex_unbind(p.resources[ANN]);
    p.resources[ANN] = NULL;
    if (_i == 0) { /* comes again, and finds what is hers */
        match_poll_times(&p.m, 3);
        p.resources[ANN] = movex_bind(p.clients[ANN], &hidden_type, "main");
        party_settle(&p);
        ck_assert_int_eq(seen(&p, ANN)->seats[ANN].bid, 5);
        bid(&p, ANN, 1);
        party_settle(&p);
    }
    bid(&p, BEN, 7);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, CID)->seats[ANN].bid, _i == 0 ? 6 : 5);
    party_finish(&p);
}
END_TEST

START_TEST(expelled_while_hiding)
{
    party p;
    start(&p, _i, 3, 2, 2);
    bid(&p, ANN, 5);
    party_settle(&p);
    ck_assert_int_eq(movex_master_expel(p.m.master, "ann", "out"), MOVEX_OK);
    ck_assert_int_eq(movex_master_expel(p.m.master, "ann", "out"), MOVEX_ERR_NOT_FOUND);
    match_until(&p.m, party_events(&p, ANN, MOVEX_EVENT_CLOSED, NULL));
    party_leave(&p, ANN);
    bid(&p, BEN, 7);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, CID)->seats[ANN].bid, 5);
    match_poll_times(&p.m, 5);
    ck_assert_uint_eq(movex_master_stats(p.m.master).sessions, 2);
    party_finish(&p);
}
END_TEST

START_TEST(a_state_is_put_while_something_is_hidden)
{
    party p;
    start(&p, _i, 3, 2, 2);
    bid(&p, ANN, 5);
    party_settle(&p);
    hidden_table put = view(&p, "");
    put.pot = 99;
    put.seats[ANN].moved = false;
    movex_ticket late = hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 1); /* under way: it would be another move */
    movex_event  event;
    ck_assert_int_eq(movex_master_put(p.m.master, &hidden_type, "main", &put), MOVEX_OK);
    ck_assert_uint_eq(hosted(&p).hidden, 0);
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_REFUSED, &event), 1);
    ck_assert_uint_eq(event.ticket, late);
    ck_assert_int_eq(event.reason, MOVEX_REFUSED_OVERTAKEN);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(seen(&p, i)->pot, 99);
        ck_assert_int_eq(seen(&p, i)->seats[ANN].bid, 0); /* dropped, and never shown */
        ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_REVEALED, NULL), 0);
    }
    bid(&p, ANN, 2);
    bid(&p, BEN, 7);
    party_settle(&p);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(seen(&p, i)->seats[ANN].bid, 2);
        ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_REVEALED, NULL), 1);
    }
    party_finish(&p);
}
END_TEST

/* ---- pending actions of one's own across a reveal */

START_TEST(public_ones_are_put_back_on_top)
{
    party p;
    start(&p, MATCH_LOCAL, 3, 2, 2);
    bid(&p, ANN, 5);
    party_settle(&p);
    bid(&p, BEN, 7);
    party_poll(&p, BEN);
    party_poll_master(&p); /* the reveal is on its way to ann */
    hidden_do(p.resources[ANN], HIDDEN_RAISE, 0, 90);
    ck_assert_int_eq(seen(&p, ANN)->winner, -1);
    ck_assert_int_eq(seen(&p, ANN)->pot, 100);
    party_poll(&p, ANN);
    ck_assert_int_eq(seen(&p, ANN)->winner, BEN);
    ck_assert_int_eq(seen(&p, ANN)->pot, 100);
    ck_assert_uint_eq(movex_pending(p.resources[ANN]), 1);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, CID)->pot, 100);
    party_finish(&p);
}
END_TEST

START_TEST(a_pair_that_a_reveal_overtook)
{
    party       p;
    movex_event event;
    start(&p, MATCH_LOCAL, 3, 2, 0);
    bid(&p, ANN, 5);
    party_settle(&p);
    hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
    party_poll(&p, CID);
    party_poll_master(&p); /* all is revealed, and ann and ben do not know it yet */
    uint64_t     version = hosted(&p).version;
    movex_ticket one = hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'x');
    movex_ticket two = hidden_hide(p.resources[BEN], HIDDEN_WRITE, BEN, 'y');
    movex_ticket open = hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, 1);
    ck_assert_int_eq(seen(&p, ANN)->log[0], 'x');
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_REFUSED, &event), 1);
    ck_assert_uint_eq(event.ticket, one);
    ck_assert_int_eq(event.reason, MOVEX_REFUSED_OVERTAKEN);
    int refused = 0, accepted = 0;
    while (movex_client_next(p.clients[BEN], &event)) {
        if (event.kind == MOVEX_EVENT_REFUSED)
            refused += event.ticket == two && event.reason == MOVEX_REFUSED_OVERTAKEN;
        if (event.kind == MOVEX_EVENT_ACCEPTED) accepted += event.ticket == open;
    }
    ck_assert_int_eq(refused, 1);
    ck_assert_int_eq(accepted, 1);
    ck_assert_uint_eq(hosted(&p).version, version + 1); /* neither half was shown */
    for (int i = 0; i < 3; i++) ck_assert_int_eq(seen(&p, i)->written, 0);
    party_finish(&p);
}
END_TEST

/* A pair that was made before the connection was lost, and that the reveal overtook meanwhile. */
START_TEST(a_pair_that_waited_for_the_connection)
{
    party       p;
    movex_event event;
    start(&p, _i, 3, 2, 0);
    bid(&p, ANN, 5);
    party_settle(&p);
    match_cut(&p.m, p.clients[BEN]);
    movex_client_poll(p.clients[BEN], p.m.now_ms); /* has noticed */
    movex_ticket ticket = hidden_hide(p.resources[BEN], HIDDEN_WRITE, BEN, 'y');
    ck_assert_int_eq(movex_master_dispatch(p.m.master, &hidden_type, "main", HIDDEN_TIME_UP, NULL, NULL), MOVEX_OK);
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_REFUSED, &event), 1);
    ck_assert_uint_eq(event.ticket, ticket);
    ck_assert_int_eq(event.reason, MOVEX_REFUSED_OVERTAKEN);
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].bid, 5);
    party_finish(&p);
}
END_TEST

/* Dispatched before the first state has come: what was revealed before is no reason to refuse it. */
START_TEST(a_pair_before_the_first_state)
{
    party p;
    start(&p, _i, 2, 2, 2);
    bid(&p, ANN, 5);
    bid(&p, BEN, 7);
    party_settle(&p);
    hidden_do(p.resources[ANN], HIDDEN_AGAIN, 0, 0);
    party_settle(&p);
    movex_unbind(p.resources[BEN]);
    match_poll_times(&p.m, 5);
    p.resources[BEN] = movex_bind(p.clients[BEN], &hidden_type, "main");
    bid(&p, BEN, 8);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, BEN)->seats[BEN].bid, 8);
    ck_assert_int_eq(seen(&p, ANN)->seats[BEN].bid, 0);
    ck_assert(seen(&p, ANN)->seats[BEN].moved);
    bid(&p, ANN, 5);
    party_finish(&p);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        two_players_either_first,
        both_at_once,
        without_a_reveal_each_keeps_its_own,
        the_same_twice_before_the_other,
        a_further_round,
        a_public_action_between_the_halves,
        of_four_players_some_have_hidden,
        refused_in_the_public_view_alone,
        refused_in_another_hiders_view_and_overturned,
        a_hidden_action_is_overturned_by_an_earlier_one,
        what_its_author_could_see_is_refused_at_once,
        under_a_condition_that_holds_already,
        by_the_masters_own_dispatch,
        by_time,
        by_one_who_joins,
        by_one_who_leaves,
        a_reveal_while_an_author_is_away,
        a_watcher_takes_a_missed_reveal_as_an_entry,
        an_author_that_is_gone_keeps_its_id,
        an_author_comes_back_before_the_reveal,
        an_author_that_binds_anew_is_told_nothing_wrong,
        late_joiners_at_every_point,
        kicked_while_hiding,
        expelled_while_hiding,
        a_state_is_put_while_something_is_hidden,
        a_pair_that_waited_for_the_connection,
        a_pair_before_the_first_state,
    };
    Suite *suite = suite_create("hidden");
    TCase *tcase = tcase_create("hidden");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    for (size_t i = 0; i < sizeof everywhere / sizeof everywhere[0]; i++)
        tcase_add_loop_test(tcase, everywhere[i], 0, MATCH_CARRIERS);
    tcase_add_test(tcase, public_ones_are_put_back_on_top);
    tcase_add_test(tcase, a_pair_that_a_reveal_overtook);
    return movex_test_main(suite);
}
