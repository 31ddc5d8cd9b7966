/* Sealed pairs from end to end: nobody but their author knows them before all are opened, everybody checks what is opened, and what is
   not opened in time stands as it was shown. */
#include "hidden_party.h"

#include <movex/replay.h>
#include <movex/store_memory.h>
#include <movex/system.h>

#include <string.h>

enum { SEAL_MS = 400 };

static movex_type sealed_type; /* hidden_type, sealed */

static void set_up(void)
{
    sealed_type = hidden_watched_type;
    sealed_type.name = "sealed";
    sealed_type.sealed = true;
    sealed_type.seal_ms = SEAL_MS;
    sealed_type.joined = sealed_type.left = NULL;
}

/* `players` sit; all is to be opened once `needed` have moved. */
static void start(party *p, int clients, int players, int needed)
{
    set_up();
    party_start(p, MATCH_LOCAL, &sealed_type, clients);
    hidden_sit_down(p, players, needed);
}

static const hidden_table *confirmed(const party *p, int who)
{
    return movex_confirmed_state(p->resources[who]);
}

/* What happened, drained from all: `kind` for each. */
static int count_events(party *p, int who, movex_event_kind kind, movex_event *last)
{
    return party_events(p, who, kind, last);
}

static void drain_all(party *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->clients[i]) party_events(p, i, MOVEX_EVENT_REVEALED, NULL);
}

/* ---- the course of a round */

START_TEST(a_round_is_sealed_opened_and_revealed)
{
    party       p;
    movex_event event;
    start(&p, 3, 2, 2);
    uint64_t before = party_hosted(&p).version;
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, ANN)->seats[ANN].bid, 3); /* she sees what she has done */
    ck_assert_int_eq(confirmed(&p, ANN)->seats[ANN].bid, 0);   /* the master does not know it */
    ck_assert_int_eq(hidden_seen(&p, BEN)->seats[ANN].bid, 0);
    ck_assert(hidden_seen(&p, CID)->seats[ANN].moved);
    ck_assert_int_eq(hidden_view(&p, NULL).seats[ANN].bid, 0); /* whoever asks */
    ck_assert_uint_eq(party_hosted(&p).hidden, 1);
    drain_all(&p);
    hidden_bid(&p, BEN, 5);
    party_settle(&p);
    ck_assert_uint_eq(party_hosted(&p).version, before + 5); /* two pairs, CLOSING, two openings */
    ck_assert_uint_eq(party_hosted(&p).hidden, 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(hidden_seen(&p, i)->seats[ANN].bid, 3);
        ck_assert_int_eq(hidden_seen(&p, i)->seats[BEN].bid, 5);
        ck_assert_int_eq(hidden_seen(&p, i)->winner, BEN);
        movex_revealed revealed;
        ck_assert(movex_revealed_at(p.resources[i], 0, &revealed));
        ck_assert_uint_eq(revealed.version, before + 1);
        ck_assert_str_eq(revealed.author, "ann");
        ck_assert(movex_revealed_at(p.resources[i], 1, &revealed));
        ck_assert_str_eq(revealed.author, "ben");
        ck_assert(!movex_revealed_at(p.resources[i], 2, &revealed));
        ck_assert_int_eq(count_events(&p, i, MOVEX_EVENT_REVEALED, &event), 1);
        ck_assert_uint_eq(event.version, before + 5);
    }
    ck_assert_uint_eq(movex_master_stats(p.m.master).forfeits, 0);
    party_finish(&p);
}
END_TEST

/* Each wins once, so each round begins from what the last has left. */
START_TEST(rounds_follow_each_other)
{
    party p;
    start(&p, 3, 2, 2);
    for (int round = 1; round <= 5; round++) {
        hidden_bid(&p, ANN, round);
        hidden_bid(&p, BEN, 6 - round);
        party_settle(&p);
        ck_assert_int_eq(hidden_seen(&p, CID)->winner, round > 3 ? ANN : round < 3 ? BEN : ANN);
        hidden_do(p.resources[CID], HIDDEN_AGAIN, 0, 0);
        party_settle(&p);
        ck_assert_int_eq(hidden_seen(&p, ANN)->rounds, round);
    }
    party_finish(&p);
}
END_TEST

START_TEST(public_actions_go_on_meanwhile)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0);
    party_settle(&p);
    hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 4);
    hidden_do(p.resources[ANN], HIDDEN_RAISE, 0, 2);
    hidden_do(p.resources[BEN], HIDDEN_ROLL, 0, 0); /* draws once for each who has drawn: in the end for ann */
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, BEN)->pot, 16);
    ck_assert_uint_ne(hidden_seen(&p, ANN)->seats[ANN].luck, 0);
    ck_assert_uint_ne(hidden_seen(&p, ANN)->rolled, 0);
    ck_assert_uint_eq(hidden_seen(&p, BEN)->rolled, 0);
    uint64_t luck = hidden_seen(&p, ANN)->seats[ANN].luck, rolled = hidden_seen(&p, ANN)->rolled;
    hidden_bid(&p, BEN, 1);
    party_settle(&p);
    for (int i = 0; i < 3; i++) { /* what she has drawn is what all have drawn for her */
        ck_assert_uint_eq(hidden_seen(&p, i)->seats[ANN].luck, luck);
        ck_assert_uint_eq(hidden_seen(&p, i)->rolled, rolled);
        ck_assert_int_eq(hidden_seen(&p, i)->winner, ANN);
    }
    party_finish(&p);
}
END_TEST

/* What is pending lies on top of what its author has sealed. */
START_TEST(predictions_go_on_from_what_was_sealed)
{
    party p;
    start(&p, 2, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_DRAW, ANN, 'a');
    party_settle(&p);
    hidden_hide(p.resources[ANN], HIDDEN_DRAW, ANN, 'b');
    ck_assert_uint_eq(hidden_seen(&p, ANN)->seats[ANN].count, 2);
    ck_assert_int_eq(hidden_seen(&p, ANN)->seats[ANN].hand[0], 'a');
    ck_assert_int_eq(movex_try(p.resources[ANN], HIDDEN_DISCARD, &(hidden_place){ANN}), MOVEX_ACCEPT);
    party_settle(&p);
    hidden_hide(p.resources[ANN], HIDDEN_DISCARD, ANN, 0); /* the first; others see the last go */
    party_settle(&p);
    hidden_table fork;
    movex_fork(p.resources[ANN], &fork);
    ck_assert_uint_eq(fork.seats[ANN].count, 1);
    ck_assert_int_eq(fork.seats[ANN].hand[0], 'b');
    ck_assert_int_eq(hidden_seen(&p, BEN)->seats[ANN].hand[0], HIDDEN_UNKNOWN);
    hidden_bid(&p, ANN, 1);
    hidden_bid(&p, BEN, 2);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, BEN)->seats[ANN].hand[0], 'b');
    party_finish(&p);
}
END_TEST

START_TEST(a_pair_whose_time_has_come_already_is_opened_at_once)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
    party_settle(&p);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, CID)->seats[ANN].bid, 3);
    party_finish(&p);
}
END_TEST

/* ---- what stands as it was shown */

/* Everybody is told of that forfeit, and of no other. */
static void must_be_forfeited(party *p, const char *author, uint64_t version, int reason)
{
    for (int i = 0; i < p->count; i++) {
        int forfeits = 0, reveals = 0;
        if (!p->clients[i] || movex_client_connection(p->clients[i]) != MOVEX_CONNECTION_OPEN) continue;
        for (movex_event event; movex_client_next(p->clients[i], &event);) {
            reveals += event.kind == MOVEX_EVENT_REVEALED;
            if (event.kind != MOVEX_EVENT_FORFEITED) continue;
            forfeits++;
            ck_assert_int_eq(reveals, 1); /* which comes before it */
            ck_assert_str_eq(event.peer, author);
            ck_assert_uint_eq(event.version, version);
            ck_assert_int_eq(event.reason, reason);
            ck_assert_str_eq(event.text, movex_refusal_text(reason));
        }
        ck_assert_msg(forfeits == 1, "%s was told of %d forfeits", p->names[i], forfeits);
    }
}

START_TEST(what_is_not_opened_in_time_is_forfeited)
{
    party       p;
    movex_event event;
    start(&p, 3, 2, 2);
    hidden_bid(&p, ANN, 3);
    movex_ticket ticket = hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 5);
    while (party_hosted(&p).hidden < 2) {
        party_poll(&p, ANN);
        party_poll(&p, BEN);
        party_poll_master(&p);
    }
    uint64_t version = party_hosted(&p).version; /* ben has not been told of CLOSING, which is logged */
    party_lose(&p, BEN);
    movex_resource *ben = p.resources[BEN];
    p.resources[BEN] = NULL; /* he is not waited for */
    uint64_t begun = p.m.now_ms;
    match_until(&p.m, party_hosted(&p).hidden == 0);
    ck_assert_uint_ge(p.m.now_ms - begun, SEAL_MS - 20);
    ck_assert_uint_le(p.m.now_ms - begun, SEAL_MS + 20);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, CID)->seats[ANN].bid, 3); /* hers is opened all the same */
    ck_assert_int_eq(hidden_seen(&p, CID)->seats[BEN].bid, 0);
    ck_assert(hidden_seen(&p, CID)->seats[BEN].moved);
    must_be_forfeited(&p, "ben", version - 1, MOVEX_REFUSED_NOT_OPENED);
    ck_assert_uint_eq(movex_master_stats(p.m.master).forfeits, 1);
    party_find_again(&p, BEN);
    p.resources[BEN] = ben;
    party_settle(&p);
    int forfeits = 0, overturned = 0;
    while (movex_client_next(p.clients[BEN], &event)) {
        if (event.kind == MOVEX_EVENT_FORFEITED) {
            forfeits++;
            ck_assert_str_eq(event.peer, "ben");
        }
        if (event.kind != MOVEX_EVENT_OVERTURNED) continue;
        overturned++;
        ck_assert_uint_eq(event.ticket, ticket);
        ck_assert_int_eq(event.reason, MOVEX_REFUSED_NOT_OPENED);
    }
    ck_assert_int_eq(forfeits, 1);
    ck_assert_int_eq(overturned, 1);
    party_finish(&p);
}
END_TEST

START_TEST(who_comes_back_in_time_opens)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    party_lose(&p, ANN);
    movex_resource *ann = p.resources[ANN];
    p.resources[ANN] = NULL;
    hidden_bid(&p, BEN, 5);
    match_until(&p.m, hidden_seen(&p, CID)->seats[BEN].moved && !movex_pending(p.resources[BEN]));
    match_sleep(&p.m, 40);
    ck_assert_uint_eq(party_hosted(&p).hidden, 2);
    party_find_again(&p, ANN);
    p.resources[ANN] = ann;
    match_until(&p.m, party_hosted(&p).hidden == 0);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, CID)->seats[ANN].bid, 3);
    ck_assert_uint_eq(movex_master_stats(p.m.master).forfeits, 0);
    party_finish(&p);
}
END_TEST

/* ben takes from the pot what ann has staked: by what is shown both can be done, in her own view she could not. */
START_TEST(what_its_author_could_not_do_is_forfeited)
{
    party       p;
    movex_event event;
    start(&p, 3, 2, 2);
    hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, -5);
    party_poll(&p, BEN);
    movex_ticket ticket = hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 8);
    ck_assert_uint_ne(ticket, 0);
    ck_assert_int_eq(hidden_seen(&p, ANN)->pot, 2);
    party_settle(&p);
    uint64_t version = party_hosted(&p).version;
    ck_assert_int_eq(hidden_seen(&p, ANN)->pot, 5); /* what she tried is seen to have come to nothing */
    drain_all(&p);
    hidden_bid(&p, ANN, 1);
    hidden_bid(&p, BEN, 2);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, CID)->pot, 5);
    ck_assert_int_eq(hidden_seen(&p, CID)->seats[ANN].bid, 1);
    int overturned = 0;
    must_be_forfeited(&p, "ann", version, HIDDEN_POOR);
    (void)event, (void)overturned, (void)ticket;
    party_finish(&p);
}
END_TEST

/* The other way round: his taking was accepted, and when her stake is opened there is not enough for it. */
START_TEST(what_the_reveal_leaves_no_room_for_is_overturned)
{
    party       p;
    movex_event event;
    start(&p, 3, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 8);
    party_settle(&p);
    movex_ticket ticket = hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, -5);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, BEN)->pot, 5);
    hidden_bid(&p, ANN, 1);
    hidden_bid(&p, BEN, 2);
    party_settle(&p);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(hidden_seen(&p, i)->pot, 2);
    ck_assert_int_eq(count_events(&p, BEN, MOVEX_EVENT_OVERTURNED, &event), 1);
    ck_assert_uint_eq(event.ticket, ticket);
    ck_assert_int_eq(event.reason, HIDDEN_POOR);
    ck_assert_int_eq(count_events(&p, ANN, MOVEX_EVENT_FORFEITED, NULL), 0);
    party_finish(&p);
}
END_TEST

/* A client that has come anew under the same id does not know what the one before it has sealed. */
START_TEST(who_has_lost_its_secrets_keeps_nobody_waiting)
{
    party p;
    set_up();
    party_start_with(&p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(&sealed_type), .ids_are_proven = true},
                     &sealed_type, 3);
    hidden_sit_down(&p, 2, 2);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    uint64_t version = party_hosted(&p).version;
    party_leave(&p, ANN);
    int anew = party_join(&p, "ann");
    party_settle(&p);
    drain_all(&p);
    hidden_bid(&p, BEN, 5);
    uint64_t begun = p.m.now_ms;
    party_settle(&p);
    ck_assert_uint_lt(p.m.now_ms - begun, SEAL_MS / 2);
    ck_assert_int_eq(hidden_seen(&p, anew)->seats[ANN].bid, 0);
    ck_assert_int_eq(hidden_seen(&p, anew)->seats[BEN].bid, 5);
    must_be_forfeited(&p, "ann", version, MOVEX_REFUSED_NOT_OPENED);
    party_finish(&p);
}
END_TEST

/* ---- who comes late, or is away for a while */

START_TEST(late_joiners_can_check_everything)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 4);
    party_settle(&p);
    int dan = party_join(&p, "dan"); /* something is sealed */
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, dan)->seats[ANN].bid, 0);
    movex_resource *ann = p.resources[ANN];
    party_lose(&p, ANN);
    p.resources[ANN] = NULL;
    hidden_bid(&p, BEN, 5);
    match_until(&p.m, hidden_seen(&p, CID)->seats[BEN].moved && !movex_pending(p.resources[BEN]));
    match_sleep(&p.m, 50);
    int eve = party_join(&p, "eve"); /* he has opened, she has not */
    party_find_again(&p, ANN);
    p.resources[ANN] = ann;
    match_until(&p.m, party_hosted(&p).hidden == 0);
    party_settle(&p);
    for (int i = 0; i < p.count; i++) ck_assert_int_eq(hidden_seen(&p, i)->winner, BEN);
    ck_assert_int_eq(count_events(&p, eve, MOVEX_EVENT_FORFEITED, NULL), 0);
    (void)dan;
    party_finish(&p);
}
END_TEST

START_TEST(nothing_is_lost_with_a_connection)
{
    party p;
    start(&p, 3, 2, 2);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    for (int i = 0; i < 3; i++) match_cut(&p.m, p.clients[i]);
    match_poll_times(&p.m, 5);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, ANN)->seats[ANN].bid, 3);                                  /* she still sees it */
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(movex_client_stats(p.clients[i]).resumes, 1); /* with no snapshot */
    party_lose(&p, ANN);
    movex_resource *ann = p.resources[ANN];
    p.resources[ANN] = NULL;
    hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 4);
    party_settle(&p);
    party_find_again(&p, ANN);
    p.resources[ANN] = ann;
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, ANN)->seats[ANN].bid, 3); /* and with one */
    ck_assert_int_eq(hidden_seen(&p, ANN)->pot, 14);
    hidden_bid(&p, BEN, 5);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, CID)->seats[ANN].bid, 3);
    party_finish(&p);
}
END_TEST

/* A dispatch whose connection is lost before it was answered is sealed anew, for the place where it comes to be. */
START_TEST(what_was_not_answered_is_sent_again)
{
    party p;
    start(&p, 3, 2, 2);
    for (int cut = 0; cut < 4; cut++) {
        hidden_bid(&p, ANN, 3 + cut);
        for (int i = 0; i < cut; i++) i % 2 ? party_poll_master(&p) : party_poll(&p, ANN);
        match_cut(&p.m, p.clients[ANN]);
        match_poll_times(&p.m, 8);
        party_settle(&p);
        hidden_bid(&p, BEN, 1);
        party_settle(&p);
        for (int i = 0; i < 3; i++) ck_assert_int_eq(hidden_seen(&p, i)->seats[ANN].bid, 3 + cut);
        hidden_do(p.resources[CID], HIDDEN_AGAIN, 0, 0);
        party_settle(&p);
    }
    ck_assert_uint_eq(movex_master_stats(p.m.master).forfeits, 0);
    party_finish(&p);
}
END_TEST

START_TEST(a_state_that_is_put_drops_what_was_sealed)
{
    party        p;
    hidden_table table;
    start(&p, 3, 2, 2);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    table = hidden_view(&p, "");
    table.pot = 77;
    ck_assert_int_eq(movex_master_put(p.m.master, &sealed_type, "main", &table), MOVEX_OK);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, ANN)->seats[ANN].bid, 0);
    ck_assert_int_eq(hidden_seen(&p, ANN)->pot, 77);
    hidden_do(p.resources[CID], HIDDEN_AGAIN, 0, 0);
    party_settle(&p);
    hidden_bid(&p, ANN, 4);
    hidden_bid(&p, BEN, 2);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, CID)->seats[ANN].bid, 4);
    ck_assert_uint_eq(movex_master_stats(p.m.master).forfeits, 0);
    party_finish(&p);
}
END_TEST

START_TEST(who_leaves_keeps_its_id_until_the_reveal)
{
    party       p;
    movex_event event;
    start(&p, 3, 2, 2);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    party_leave(&p, ANN);
    match_poll_times(&p.m, 3);
    movex_client *thief = match_client(&p.m, "ann");
    match_until(&p.m, match_event(thief, MOVEX_EVENT_DISCONNECTED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_ID_IN_USE);
    hidden_bid(&p, BEN, 5);
    match_until(&p.m, party_hosted(&p).hidden == 0); /* at the deadline */
    match_until(&p.m, match_event(thief, MOVEX_EVENT_CONNECTED, &event));
    match_leave(&p.m, thief);
    party_finish(&p);
}
END_TEST

/* ---- limits and refusals */

static int outcome(party *p, int who, movex_ticket ticket)
{
    for (movex_event event; movex_client_next(p->clients[who], &event);) {
        if (event.ticket != ticket) continue;
        if (event.kind == MOVEX_EVENT_ACCEPTED) return MOVEX_ACCEPT;
        if (event.kind == MOVEX_EVENT_REFUSED) return event.reason;
    }
    ck_abort_msg("no outcome");
}

START_TEST(as_much_is_kept_as_may_be)
{
    party p;
    set_up();
    party_start_with(&p, MATCH_LOCAL,
                     (movex_master_config){.types = MOVEX_TYPES(&sealed_type), .limits = {.sealed = 4, .hidden = 2}},
                     &sealed_type, 3);
    hidden_sit_down(&p, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0);
    hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0);
    party_settle(&p);
    movex_ticket third = hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0);
    party_settle(&p);
    ck_assert_int_eq(outcome(&p, ANN, third), MOVEX_REFUSED_TOO_MANY_HIDDEN); /* of one client */
    hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 1);
    hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 1);
    party_settle(&p);
    movex_ticket more = hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 1);
    movex_ticket hers = hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 1);
    party_settle(&p);
    ck_assert_int_eq(outcome(&p, CID, more), MOVEX_REFUSED_TOO_MANY_SEALED);
    ck_assert_int_eq(outcome(&p, BEN, hers), MOVEX_REFUSED_TOO_MANY_SEALED);
    for (int i = 0; i < 6; i++) { /* the master's own may come to as much again */
        int reason;
        ck_assert_int_eq(
            movex_master_dispatch(p.m.master, &sealed_type, "main", HIDDEN_RAISE, &(hidden_amount){1}, &reason),
            MOVEX_OK);
        ck_assert_int_eq(reason, i < 4 ? MOVEX_ACCEPT : MOVEX_REFUSED_TOO_MANY_SEALED);
    }
    party_settle(&p);
    party_finish(&p);
}
END_TEST

START_TEST(bytes_are_bounded_too)
{
    party p;
    set_up();
    party_start_with(&p, MATCH_LOCAL,
                     (movex_master_config){.types = MOVEX_TYPES(&sealed_type), .limits = {.sealed_bytes = 30}},
                     &sealed_type, 3);
    hidden_sit_down(&p, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0); /* 1 byte, and the longest payload: 12 */
    party_settle(&p);
    int accepted = 0;
    for (int reason = MOVEX_ACCEPT; reason == MOVEX_ACCEPT; accepted++) {
        movex_ticket ticket = hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 1); /* 4 bytes */
        party_settle(&p);
        reason = outcome(&p, CID, ticket);
        if (reason != MOVEX_ACCEPT) ck_assert_int_eq(reason, MOVEX_REFUSED_TOO_MANY_SEALED);
        if (reason != MOVEX_ACCEPT) break;
    }
    ck_assert_int_eq(accepted, 4);
    party_finish(&p);
}
END_TEST

START_TEST(what_comes_after_its_time_is_refused)
{
    party p;
    start(&p, 3, 2, 1); /* one is enough */
    hidden_bid(&p, ANN, 3);
    party_poll(&p, ANN);
    party_poll_master(&p); /* CLOSING */
    movex_ticket late = hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 5);
    party_settle(&p);
    ck_assert_int_eq(outcome(&p, BEN, late), MOVEX_REFUSED_OVERTAKEN);
    ck_assert_int_eq(hidden_seen(&p, BEN)->seats[BEN].bid, 0);
    party_finish(&p);
}
END_TEST

/* ---- types, rooms, entropy */

START_TEST(rooms_seal_every_type)
{
    movex_event event;
    party       p;
    set_up();
    p = (party){.type = &hidden_type};
    match_start(&p.m, MATCH_LOCAL,
                (movex_master_config){.types = MOVEX_TYPES(&hidden_type), .sealed_room = "attic", .seal_ms = SEAL_MS});
    for (int i = 0; i < 2; i++) {
        p.names[p.count++] = i ? "ben" : "ann";
        p.clients[i] = match_client_with(&p.m, p.names[i], (movex_client_config){.sealed_room = "attic"});
        p.resources[i] = movex_bind(p.clients[i], &hidden_type, "main");
        match_until(&p.m, movex_in_sync(p.resources[i]));
    }
    hidden_sit_down(&p, 2, 2);
    hidden_bid(&p, ANN, 3);
    party_settle(&p);
    ck_assert_int_eq(hidden_view(&p, NULL).seats[ANN].bid, 0);
    static const char *const others[] = {NULL, "cellar"};
    for (int i = 0; i < 2; i++) {
        movex_client *other = match_client_with(&p.m, "cid", (movex_client_config){.sealed_room = others[i]});
        movex_bind(other, &hidden_type, "main");
        match_until(&p.m, match_event(other, MOVEX_EVENT_BIND_REFUSED, &event));
        ck_assert_int_eq(event.status, MOVEX_ERR_FINGERPRINT);
        if (!others[i]) ck_assert_ptr_nonnull(strstr(event.text, "sealed_room"));
        match_leave(&p.m, other);
    }
    hidden_bid(&p, BEN, 5);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, ANN)->winner, BEN);
    party_finish(&p);
}
END_TEST

static void redact(void *state, const char *viewer)
{
    (void)state, (void)viewer;
}

START_TEST(secrets_of_the_masters_cannot_be_sealed)
{
    movex_error       error;
    movex_type        redacted, mastered, plain, timed;
    movex_action_type actions[HIDDEN_ACTIONS];
    set_up();
    redacted = mastered = plain = timed = hidden_type;
    redacted.redact = redact;
    memcpy(actions, hidden_type.actions, sizeof actions);
    actions[HIDDEN_AGAIN].flags = MOVEX_MASTER_ONLY;
    mastered.actions = actions;
    const movex_type        *types[] = {&redacted, &mastered};
    static const char *const words[] = {"redact", "again"};
    for (int i = 0; i < 2; i++) {
        movex_type sealed = *types[i];
        sealed.sealed = true;
        ck_assert_ptr_null(movex_rules_new(&sealed, NULL, &error));
        ck_assert_int_eq(error.status, MOVEX_ERR_SCHEMA);
        ck_assert_ptr_nonnull(strstr(error.text, words[i]));
        ck_assert_ptr_null(movex_master_new(
            &(movex_master_config){.types = MOVEX_TYPES(types[i]), .sealed_room = "attic", .error = &error}));
        ck_assert_int_eq(error.status, MOVEX_ERR_SCHEMA);
        ck_assert_ptr_nonnull(strstr(error.text, words[i]));
        movex_local  *local = movex_local_new(NULL);
        movex_client *client = movex_client_new(
            &(movex_client_config){.id = "ann", .io = movex_local_dial(local), .sealed_room = "attic"});
        ck_assert_ptr_null(movex_bind(client, types[i], "main"));
        ck_assert_int_eq(movex_client_error(client)->status, MOVEX_ERR_SCHEMA);
        ck_assert_ptr_nonnull(strstr(movex_client_error(client)->text, words[i]));
        movex_client_free(client);
        movex_local_free(local);
    }
    plain.actions = &hidden_type.actions[HIDDEN_ROLL];
    plain.action_count = 1;
    plain.can_reconcile = NULL;
    plain.covers = NULL;
    plain.sealed = true;
    ck_assert_ptr_null(movex_rules_new(&plain, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "hidden_as"));
    timed.seal_ms = 5;
    ck_assert_ptr_null(movex_rules_new(&timed, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "seal_ms"));
}
END_TEST

START_TEST(names_of_rooms_are_checked)
{
    static const char long_name[66] = "01234567890123456789012345678901234567890123456789012345678901234";
    movex_error       error;
    const char *const wrong[] = {"", long_name};
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(movex_master_new(
            &(movex_master_config){.types = MOVEX_TYPES(&hidden_type), .sealed_room = wrong[i], .error = &error}));
        ck_assert_int_eq(error.status, MOVEX_ERR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(error.text, "sealed_room"));
        movex_local *local = movex_local_new(NULL);
        ck_assert_ptr_null(movex_client_new(&(movex_client_config){
            .id = "ann", .io = movex_local_dial(local), .sealed_room = wrong[i], .error = &error}));
        ck_assert_int_eq(error.status, MOVEX_ERR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(error.text, "sealed_room"));
        movex_local_free(local);
    }
}
END_TEST

static int no_entropy(void *user, void *bytes, size_t length)
{
    (void)bytes;
    return ++*(int *)user > 1 && length == 32 ? MOVEX_ERR_SYSTEM : MOVEX_OK;
}

START_TEST(salts_come_from_the_hook)
{
    party p;
    int   calls = 0;
    set_up();
    p = (party){.type = &sealed_type};
    match_start_types(&p.m, MATCH_LOCAL, MOVEX_TYPES(&sealed_type));
    p.names[p.count++] = "ann";
    p.clients[0] = match_client_with(&p.m, "ann", (movex_client_config){.entropy = no_entropy, .user = &calls});
    p.resources[0] = movex_bind(p.clients[0], &sealed_type, "main");
    match_until(&p.m, movex_in_sync(p.resources[0]));
    hidden_sit_down(&p, 1, 0);
    hidden_bid(&p, ANN, 1);
    ck_assert_int_eq(calls, 1);
    ck_assert_uint_eq(hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 3), 0);
    ck_assert_int_eq(movex_client_error(p.clients[ANN])->status, MOVEX_ERR_SYSTEM);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, ANN)->seats[ANN].bid, 1);
    party_finish(&p);
}
END_TEST

#ifdef HAVE_WEBSOCKET
START_TEST(salts_must_not_be_guessed_outside)
{
    match m;
    set_up();
    match_start_types(&m, MATCH_WEBSOCKET, MOVEX_TYPES(&sealed_type, &hidden_type));
    movex_client *client = match_client(&m, "ann");
    ck_assert_ptr_null(movex_bind(client, &sealed_type, "main"));
    ck_assert_int_eq(movex_client_error(client)->status, MOVEX_ERR_ENTROPY);
    ck_assert_ptr_nonnull(strstr(movex_client_error(client)->text, "movex_client_config.entropy"));
    ck_assert_ptr_nonnull(movex_bind(client, &hidden_type, "main"));
    client = match_client_with(&m, "ben", (movex_client_config){.entropy = movex_system_entropy});
    movex_resource *resource = movex_bind(client, &sealed_type, "main");
    match_until(&m, movex_in_sync(resource));
    match_end(&m);
}
END_TEST
#endif

/* ---- restarts */

typedef struct kept {
    movex_store_memory *disk;
    party               p;
} kept;

static const movex_type *const kept_types[] = {&sealed_type, NULL};

/* The master crashes and starts again; with `snapshot`, from a journal that has just been begun anew. */
static void restart(kept *k)
{
    movex_master_free(k->p.m.master);
    movex_master_config config = {
        .types = kept_types, .store = movex_store_memory_open(k->disk), .limits = {.journal_bytes = 1}};
    movex_error error = {.text = ""};
    config.error = &error;
    k->p.m.master = movex_master_new(&config);
    ck_assert_msg(k->p.m.master != NULL, "%s", error.text);
    ck_assert_int_eq(movex_master_attach(k->p.m.master, movex_local_listen(k->p.m.local)), MOVEX_OK);
}

static void start_kept(kept *k)
{
    set_up();
    k->disk = movex_store_memory_new(&(movex_store_memory_config){.seed = 3});
    party_start_with(&k->p, MATCH_LOCAL,
                     (movex_master_config){.types = kept_types, .store = movex_store_memory_open(k->disk)},
                     &sealed_type, 3);
    hidden_sit_down(&k->p, 2, 2);
}

static void end_kept(kept *k)
{
    party_finish(&k->p);
    movex_store_memory_free(k->disk);
}

/* A round whose master is restarted after each poll from the `first` one on, `times` times. */
static void play_restarted(int first, int times)
{
    kept k;
    start_kept(&k);
    party *p = &k.p;
    hidden_bid(p, ANN, 3);
    hidden_hide(p->resources[ANN], HIDDEN_STAMP, ANN, 0);
    hidden_do(p->resources[CID], HIDDEN_RAISE, 0, 2);
    hidden_bid(p, BEN, 5);
    for (int i = 0; i < first + times; i++) {
        match_poll(&p->m);
        if (i >= first) restart(&k);
    }
    match_until(&p->m, party_hosted(p).hidden == 0 && hidden_view(p, "").seats[BEN].moved);
    party_settle(p);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(hidden_seen(p, i)->seats[ANN].bid, 3);
        ck_assert_int_eq(hidden_seen(p, i)->seats[BEN].bid, 5);
        ck_assert_int_eq(hidden_seen(p, i)->pot, 12);
        ck_assert_uint_ne(hidden_seen(p, i)->seats[ANN].luck, 0);
    }
    restart(&k);
    party_settle(p);
    end_kept(&k);
}

START_TEST(a_master_that_starts_again_goes_on)
{
    play_restarted(_i / 3, _i % 3 + 1);
}
END_TEST

START_TEST(a_deadline_outlives_its_master)
{
    kept k;
    start_kept(&k);
    party *p = &k.p;
    hidden_bid(p, ANN, 3);
    party_settle(p);
    uint64_t version = party_hosted(p).version;
    drain_all(p);
    party_lose(p, ANN);
    movex_resource *ann = p->resources[ANN];
    p->resources[ANN] = NULL;
    hidden_bid(p, BEN, 5);
    match_until(&p->m, hidden_seen(p, CID)->seats[BEN].moved && !movex_pending(p->resources[BEN]));
    restart(&k);
    ck_assert_uint_eq(party_hosted(p).hidden, 2);
    match_until(&p->m, party_hosted(p).hidden == 0);
    restart(&k); /* who has forfeited is in the journal */
    party_settle(p);
    must_be_forfeited(p, "ann", version, MOVEX_REFUSED_NOT_OPENED);
    restart(&k);
    party_find_again(p, ANN);
    p->resources[ANN] = ann;
    party_settle(p);
    int overturned = 0, forfeited = 0, revealed = 0;
    for (movex_event event; movex_client_next(p->clients[ANN], &event);) {
        revealed += event.kind == MOVEX_EVENT_REVEALED;
        if (event.kind == MOVEX_EVENT_FORFEITED) ck_assert_int_eq(revealed, 1);
        overturned += event.kind == MOVEX_EVENT_OVERTURNED && event.reason == MOVEX_REFUSED_NOT_OPENED;
        forfeited += event.kind == MOVEX_EVENT_FORFEITED && event.version == version;
    }
    ck_assert_int_eq(overturned, 1);
    ck_assert_int_eq(forfeited, 1);
    end_kept(&k);
}
END_TEST

/* A master that has lost what was not durable makes another entry in its place, which leaves the same public state: only the
   commitments differ. */
START_TEST(another_history_after_a_crash)
{
    kept k;
    start_kept(&k);
    party *p = &k.p;
    movex_master_free(p->m.master); /* all so far is durable, and nothing is from now on */
    movex_master_config config = {.types = kept_types,
                                  .store = movex_store_memory_open(k.disk),
                                  .sync = MOVEX_SYNC_INTERVAL,
                                  .sync_interval_ms = 1000000};
    p->m.master = movex_master_new(&config);
    ck_assert_ptr_nonnull(p->m.master);
    ck_assert_int_eq(movex_master_attach(p->m.master, movex_local_listen(p->m.local)), MOVEX_OK);
    party_settle(p);
    uint64_t version = party_hosted(p).version, checksum = party_hosted(p).checksum;
    hidden_hide(p->resources[ANN], HIDDEN_STAMP, ANN, 0);
    party_settle(p);
    ck_assert_uint_eq(party_hosted(p).version, version + 1);
    movex_resource *ann = p->resources[ANN], *cid = p->resources[CID];
    party_lose(p, ANN);
    party_lose(p, CID);
    p->resources[ANN] = p->resources[CID] = NULL;
    movex_store_memory_crash(k.disk);
    restart(&k);
    ck_assert_uint_eq(party_hosted(p).version, version);
    hidden_hide(p->resources[BEN], HIDDEN_STAMP, BEN, 0);
    party_settle(p);
    ck_assert_uint_eq(party_hosted(p).version, version + 1);
    ck_assert_uint_eq(party_hosted(p).checksum, checksum);
    party_find_again(p, ANN);
    party_find_again(p, CID);
    p->resources[ANN] = ann;
    p->resources[CID] = cid;
    party_settle(p);
    hidden_bid(p, ANN, 3);
    hidden_bid(p, BEN, 5);
    party_settle(p);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(hidden_seen(p, i)->seats[ANN].luck, 0);
        ck_assert_uint_ne(hidden_seen(p, i)->seats[BEN].luck, 0);
        ck_assert_int_eq(hidden_seen(p, i)->winner, BEN);
    }
    end_kept(&k);
}
END_TEST

/* ---- journals */

/* What a journal is about: of each kind how many, and where it ends. */
typedef struct told {
    uint32_t kinds[256], seals, halves;
    uint64_t checksum, version;
} told;

static told go_through(movex_store store, const movex_type *type)
{
    told                records = {.halves = 0};
    movex_error         error = {.text = ""};
    movex_replay_config config = {
        .types = type ? MOVEX_TYPES(type) : NULL, .store = store, .file = "sealed:main", .error = &error};
    movex_replay *replay = movex_replay_new(&config);
    ck_assert_msg(replay != NULL, "%s", error.text);
    int status;
    for (movex_replay_record record; (status = movex_replay_next(replay, &record)) == MOVEX_OK;) {
        ck_assert_str_ne(movex_replay_kind_name(record.kind), "unknown");
        records.kinds[record.kind]++;
        records.seals += record.seals;
        if (record.kind == MOVEX_REPLAY_OPENING) records.halves += (uint32_t)record.number;
        if (record.kind == MOVEX_REPLAY_ROOM) ck_assert_str_eq(record.name, "attic");
        if (record.kind == MOVEX_REPLAY_FORFEITED) ck_assert_int_eq(record.reason, MOVEX_REFUSED_NOT_OPENED);
    }
    ck_assert_msg(status == MOVEX_ERR_AGAIN, "%s", movex_replay_error(replay)->text);
    records.version = movex_replay_at(replay).version;
    records.checksum = movex_replay_at(replay).checksum;
    if (type) { /* and backwards */
        for (uint64_t version = records.version; version + 1 > movex_replay_at(replay).first && version > 0;
             version--) {
            if (version < movex_replay_at(replay).first) break;
            ck_assert_int_eq(movex_replay_seek(replay, version), MOVEX_OK);
            movex_replay_record made;
            ck_assert(movex_replay_made_by(replay, &made));
            uint64_t checksum;
            ck_assert_int_eq(movex_replay_view(replay, NULL, NULL, &checksum), MOVEX_OK);
            ck_assert_uint_eq(checksum, made.checksum);
        }
    }
    movex_replay_free(replay);
    return records;
}

/* Two rounds, of which the second has a forfeit; with _i, the file is begun anew in the midst of the second. */
START_TEST(journals_are_gone_through_again)
{
    kept k;
    set_up();
    k.disk = movex_store_memory_new(&(movex_store_memory_config){.seed = 3});
    movex_error         error = {.text = ""};
    movex_master_config config = {.types = kept_types, .sealed_room = "attic", .error = &error};
    config.store = movex_store_memory_open(k.disk);
    if (_i) config.limits.journal_bytes = 1000;
    party *p = &k.p;
    *p = (party){.type = &sealed_type};
    match_start(&p->m, MATCH_LOCAL, config);
    for (int i = 0; i < 2; i++) {
        p->names[p->count++] = i ? "ben" : "ann";
        p->clients[i] = match_client_with(&p->m, p->names[i], (movex_client_config){.sealed_room = "attic"});
        p->resources[i] = movex_bind(p->clients[i], &sealed_type, "main");
        match_until(&p->m, movex_in_sync(p->resources[i]));
    }
    hidden_sit_down(p, 2, 2);
    for (int i = 0; i < 4; i++) hidden_hide(p->resources[ANN], HIDDEN_STAMP, ANN, 0);
    hidden_bid(p, ANN, 3);
    hidden_bid(p, BEN, 5);
    party_settle(p);
    hidden_do(p->resources[ANN], HIDDEN_AGAIN, 0, 0);
    party_settle(p);
    for (int i = 0; i < 20; i++) hidden_hide(p->resources[BEN], HIDDEN_STAMP, BEN, 0);
    hidden_bid(p, BEN, 5);
    party_settle(p);
    party_lose(p, BEN);
    p->resources[BEN] = NULL;
    hidden_bid(p, ANN, 3);
    match_until(&p->m, party_hosted(p).hidden == 0 && movex_master_stats(p->m.master).forfeits > 0);
    party_settle(p);
    movex_hosted end = party_hosted(p);
    uint64_t     version = end.version, checksum = end.checksum;
    movex_master_free(p->m.master);
    p->m.master = NULL;
    movex_store store = movex_store_memory_open(k.disk);
    told        all = go_through(store, &sealed_type), listed = go_through(store, NULL);
    ck_assert_uint_eq(all.version, version);
    ck_assert_uint_eq(all.checksum, checksum);
    ck_assert_mem_eq(&all, &listed, sizeof all);
    ck_assert_uint_eq(all.kinds[MOVEX_REPLAY_ROOM], 1);
    ck_assert_uint_eq(all.kinds[MOVEX_REPLAY_DEADLINE], 1);
    ck_assert_uint_eq(all.kinds[MOVEX_REPLAY_SEALED], _i);
    if (!_i) ck_assert_uint_eq(all.kinds[MOVEX_REPLAY_CLOSING], 2);
    if (!_i) ck_assert_uint_eq(all.kinds[MOVEX_REPLAY_OPENING], 3);
    if (!_i) ck_assert_uint_eq(all.seals, 28);
    if (!_i) ck_assert_uint_eq(all.halves, 7);
    store.ops->destroy(store.self);
    /* It is of that room, and of no other. */
    static const char *const others[] = {NULL, "cellar"};
    for (int i = 0; i < 2; i++) {
        config.store = movex_store_memory_open(k.disk);
        config.sealed_room = others[i];
        ck_assert_ptr_null(movex_master_new(&config));
        ck_assert_int_eq(error.status, MOVEX_ERR_FINGERPRINT);
        ck_assert_ptr_nonnull(strstr(error.text, "attic"));
    }
    config.store = movex_store_memory_open(k.disk);
    config.sealed_room = "attic";
    p->m.master = movex_master_new(&config);
    ck_assert_msg(p->m.master != NULL, "%s", error.text);
    ck_assert_uint_eq(party_hosted(p).checksum, checksum);
    match_end(&p->m);
    movex_store_memory_free(k.disk);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sealed");
    TCase *tests = tcase_create("sealed");
    tcase_add_test(tests, a_round_is_sealed_opened_and_revealed);
    tcase_add_test(tests, rounds_follow_each_other);
    tcase_add_test(tests, public_actions_go_on_meanwhile);
    tcase_add_test(tests, predictions_go_on_from_what_was_sealed);
    tcase_add_test(tests, a_pair_whose_time_has_come_already_is_opened_at_once);
    tcase_add_test(tests, what_is_not_opened_in_time_is_forfeited);
    tcase_add_test(tests, who_comes_back_in_time_opens);
    tcase_add_test(tests, what_its_author_could_not_do_is_forfeited);
    tcase_add_test(tests, what_the_reveal_leaves_no_room_for_is_overturned);
    tcase_add_test(tests, who_has_lost_its_secrets_keeps_nobody_waiting);
    tcase_add_test(tests, late_joiners_can_check_everything);
    tcase_add_test(tests, nothing_is_lost_with_a_connection);
    tcase_add_test(tests, what_was_not_answered_is_sent_again);
    tcase_add_test(tests, a_state_that_is_put_drops_what_was_sealed);
    tcase_add_test(tests, who_leaves_keeps_its_id_until_the_reveal);
    tcase_add_test(tests, as_much_is_kept_as_may_be);
    tcase_add_test(tests, bytes_are_bounded_too);
    tcase_add_test(tests, what_comes_after_its_time_is_refused);
    tcase_add_test(tests, rooms_seal_every_type);
    tcase_add_test(tests, secrets_of_the_masters_cannot_be_sealed);
    tcase_add_test(tests, names_of_rooms_are_checked);
    tcase_add_test(tests, salts_come_from_the_hook);
#ifdef HAVE_WEBSOCKET
    tcase_add_test(tests, salts_must_not_be_guessed_outside);
#endif
    tcase_add_loop_test(tests, a_master_that_starts_again_goes_on, 0, 18);
    tcase_add_test(tests, a_deadline_outlives_its_master);
    tcase_add_test(tests, another_history_after_a_crash);
    tcase_add_loop_test(tests, journals_are_gone_through_again, 0, 2);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
