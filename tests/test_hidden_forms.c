/* How a reveal comes to a client: as the hidden halves, with which it folds again, or as a difference; and what random values
   have to do with it. And the errors of a program that hides what cannot be hidden. */
#include "hidden_game.h"
#include "party.h"

#include <string.h>

enum { ANN, BEN, CID, DAN };

static const hidden_table *seen(const party *p, int who)
{
    return movex_state(p->resources[who]);
}

static void start_with(party *p, movex_limits limits, int clients, int players)
{
    party_start_with(p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(&hidden_type), .limits = limits},
                     &hidden_type, clients);
    for (int i = 0; i < players; i++) hidden_do(p->resources[i], HIDDEN_SIT, (uint8_t)i, 0);
    party_settle(p);
}

static void start(party *p, int clients, int players)
{
    start_with(p, (movex_limits){0}, clients, players);
}

static uint64_t patches(const party *p, int who)
{
    return movex_client_stats(p->clients[who]).patches;
}

static void reveal(party *p)
{
    hidden_do(p->resources[p->count - 1], HIDDEN_TIME_UP, 0, 0);
    party_settle(p);
}

/* ---- forms */

START_TEST(a_few_halves_come_as_they_are)
{
    party p;
    start(&p, 3, 2);
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
    party_settle(&p);
    reveal(&p);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(patches(&p, i), 0);
    ck_assert_int_eq(seen(&p, CID)->log[0], 'a');
    party_finish(&p);
}
END_TEST

/* Many that come to little: what differs is shorter for who has not hidden them. */
START_TEST(many_halves_come_as_what_differs)
{
    party p;
    start(&p, 3, 2);
    hidden_hide(p.resources[BEN], HIDDEN_WRITE, BEN, 'b');
    for (int i = 0; i < 20; i++) {
        hidden_hide(p.resources[ANN], HIDDEN_DRAW, ANN, 'a');
        hidden_hide(p.resources[ANN], HIDDEN_DISCARD, ANN, 0);
    }
    party_settle(&p);
    uint64_t received = movex_client_stats(p.clients[CID]).bytes_received;
    reveal(&p);
    received = movex_client_stats(p.clients[CID]).bytes_received - received;
    ck_assert_uint_eq(patches(&p, CID), 1);
    ck_assert_uint_eq(patches(&p, BEN), 1);
    ck_assert_uint_lt(received, 41 * 8); /* a name for each, and one letter */
    ck_assert_int_eq(seen(&p, ANN)->log[0], 'b');
    party_finish(&p);
}
END_TEST

START_TEST(who_has_come_later_gets_what_differs)
{
    party p;
    start(&p, 2, 2);
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
    party_settle(&p);
    int late = party_join(&p, "zoe");
    reveal(&p);
    ck_assert_uint_eq(patches(&p, late), 1);
    ck_assert_uint_eq(patches(&p, BEN), 0);
    ck_assert_int_eq(party_events(&p, late, MOVEX_EVENT_REVEALED, NULL), 1);
    /* From here on it can fold as all others can. */
    hidden_do(p.resources[ANN], HIDDEN_AGAIN, 0, 0);
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'c');
    party_settle(&p);
    reveal(&p);
    ck_assert_uint_eq(patches(&p, late), 1);
    party_finish(&p);
}
END_TEST

/* So many entries since the base: up to 256 a client keeps them, and a reveal comes as halves. */
static void reveal_after(int entries, bool folds)
{
    party p;
    start(&p, 3, 2);
    int late = party_join(&p, "zoe"); /* its base is here */
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
    party_settle(&p);
    for (int i = 0; i < entries - 2; i++) {
        hidden_do(p.resources[i % 2], HIDDEN_RAISE, 0, 1);
        if (i % 50 == 0) party_settle(&p);
    }
    party_settle(&p);
    reveal(&p);
    ck_assert_uint_eq(patches(&p, late), folds ? 0 : 1);
    ck_assert_int_eq(seen(&p, late)->log[0], 'a');
    ck_assert_uint_eq(movex_client_stats(p.clients[late]).connects, 1);
    party_finish(&p);
}

START_TEST(a_client_folds_what_it_has_kept)
{
    reveal_after(2, true);
    reveal_after(255, true);
    reveal_after(256, true);
    reveal_after(257, false);
    reveal_after(400, false);
}
END_TEST

/* Who was away, and whose missed entries are not kept any more, gets a snapshot, and is told as well. */
START_TEST(a_short_history)
{
    party p;
    start_with(&p, (movex_limits){.history = 2}, 3, 2);
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
    party_settle(&p);
    for (int who = 0; who < 3; who++) match_cut(&p.m, p.clients[who]);
    movex_master_poll(p.m.master, ++p.m.now_ms);
    for (int i = 0; i < 4; i++)
        movex_master_dispatch(p.m.master, &hidden_type, "main", HIDDEN_RAISE, &(hidden_amount){1}, NULL);
    movex_master_dispatch(p.m.master, &hidden_type, "main", HIDDEN_TIME_UP, NULL, NULL);
    for (int who = 0; who < 3; who++) ck_assert_int_eq(party_events(&p, who, MOVEX_EVENT_REVEALED, NULL), 0);
    party_settle(&p);
    for (int who = 0; who < 3; who++) {
        movex_revealed revealed;
        ck_assert_uint_eq(movex_client_stats(p.clients[who]).snapshots, 2);
        ck_assert_int_eq(party_events(&p, who, MOVEX_EVENT_REVEALED, NULL), 1);
        ck_assert(movex_revealed_at(p.resources[who], 0, &revealed));
        ck_assert_str_eq(revealed.author, "ann");
        ck_assert(!movex_revealed_at(p.resources[who], 1, &revealed));
        ck_assert_int_eq(seen(&p, who)->log[0], 'a');
    }
    /* Cut once more, it is told nothing twice. */
    match_cut(&p.m, p.clients[CID]);
    match_poll_times(&p.m, 3);
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, CID, MOVEX_EVENT_REVEALED, NULL), 0);
    party_finish(&p);
}
END_TEST

/* What an author that was away had done openly, and what was overturned of it: with a snapshot, or with entries. */
START_TEST(overturned_while_away)
{
    for (uint32_t history = 2; history <= 100; history += 98) {
        party       p;
        movex_event event;
        start_with(&p, (movex_limits){.history = history}, 3, 2);
        hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 8);
        party_settle(&p);
        movex_ticket ticket = hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, -5);
        party_settle(&p);
        party_events(&p, BEN, MOVEX_EVENT_ACCEPTED, NULL);
        match_cut(&p.m, p.clients[BEN]);
        movex_master_poll(p.m.master, ++p.m.now_ms);
        for (int i = 0; i < 3; i++)
            movex_master_dispatch(p.m.master, &hidden_type, "main", HIDDEN_RAISE, &(hidden_amount){1}, NULL);
        movex_master_dispatch(p.m.master, &hidden_type, "main", HIDDEN_TIME_UP, NULL, NULL);
        party_settle(&p);
        ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_OVERTURNED, &event), 1);
        ck_assert_uint_eq(event.ticket, ticket);
        ck_assert_int_eq(event.reason, HIDDEN_POOR);
        ck_assert_int_eq(seen(&p, BEN)->pot, 5);
        party_finish(&p);
    }
}
END_TEST

/* An action whose acceptance and reveal both came while its author was away: its ticket's outcome, then what became of it. */
START_TEST(accepted_and_overturned_while_away)
{
    for (uint32_t history = 1; history <= 100; history += 99) {
        party       p;
        movex_event event;
        start_with(&p, (movex_limits){.history = history}, 3, 2);
        hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 8);
        party_settle(&p);
        party_events(&p, BEN, MOVEX_EVENT_ACCEPTED, NULL);
        movex_ticket ticket = hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, -5);
        party_poll(&p, BEN);
        party_poll_master(&p); /* it was heard, and its answer is lost */
        match_cut(&p.m, p.clients[BEN]);
        movex_master_poll(p.m.master, ++p.m.now_ms);
        movex_master_dispatch(p.m.master, &hidden_type, "main", HIDDEN_TIME_UP, NULL, NULL);
        party_settle(&p);
        int accepted = 0, overturned = 0;
        while (movex_client_next(p.clients[BEN], &event)) {
            if (event.kind == MOVEX_EVENT_ACCEPTED && event.ticket == ticket) accepted++;
            if (event.kind == MOVEX_EVENT_OVERTURNED && event.ticket == ticket) overturned++;
        }
        ck_assert_int_eq(accepted, 1);
        ck_assert_int_eq(overturned, 1);
        ck_assert_int_eq(seen(&p, BEN)->pot, 2);
        party_finish(&p);
    }
}
END_TEST

/* 300 are overturned: the newest 256 are told, in their order. */
START_TEST(many_are_overturned)
{
    party       p;
    movex_event event;
    enum { ALL = 300, TOLD = 256 };
    start(&p, 3, 2);
    hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, ALL);
    party_settle(&p);
    hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, ALL + 10);
    party_settle(&p);
    movex_ticket last = 0;
    for (int i = 0; i < ALL; i++) {
        last = hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, -1);
        if (i % 20 == 0) party_settle(&p);
    }
    party_settle(&p);
    party_events(&p, BEN, MOVEX_EVENT_ACCEPTED, NULL);
    reveal(&p);
    int told = 0;
    while (movex_client_next(p.clients[BEN], &event)) {
        if (event.kind != MOVEX_EVENT_OVERTURNED) continue;
        ck_assert_uint_eq(event.ticket, last - TOLD + 1 + (movex_ticket)told);
        told++;
    }
    ck_assert_int_eq(told, TOLD);
    ck_assert_int_eq(seen(&p, CID)->pot, 0);
    party_finish(&p);
}
END_TEST

/* ---- random values */

START_TEST(each_half_has_its_own_random_values)
{
    party p;
    start(&p, 3, 2);
    hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0);
    hidden_hide(p.resources[BEN], HIDDEN_STAMP, BEN, 0);
    party_settle(&p);
    uint64_t ann = seen(&p, ANN)->seats[ANN].luck, ben = seen(&p, BEN)->seats[BEN].luck;
    ck_assert(ann && ben && ann != ben);
    reveal(&p);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(patches(&p, i), 0); /* the seeds came with the halves */
        ck_assert_uint_eq(seen(&p, i)->seats[ANN].luck, ann);
        ck_assert_uint_eq(seen(&p, i)->seats[BEN].luck, ben);
    }
    party_finish(&p);
}
END_TEST

/* A public action draws a value in the view of who has hidden something, and none where nothing is known of it; the seed does
   not go where it was not drawn, so the reveal comes as what differs. */
START_TEST(drawn_in_one_view_alone)
{
    party p;
    start(&p, 3, 2);
    hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0);
    party_settle(&p);
    hidden_do(p.resources[CID], HIDDEN_ROLL, 0, 0);
    party_settle(&p);
    ck_assert_uint_ne(seen(&p, ANN)->rolled, 0);
    ck_assert_uint_eq(seen(&p, BEN)->rolled, 0);
    uint64_t rolled = seen(&p, ANN)->rolled;
    reveal(&p);
    ck_assert_uint_eq(patches(&p, CID), 1);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(seen(&p, i)->rolled, rolled);
    /* The next one comes as halves again. */
    hidden_do(p.resources[ANN], HIDDEN_AGAIN, 0, 0);
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
    hidden_do(p.resources[ANN], HIDDEN_ROLL, 0, 0); /* now all draw */
    party_settle(&p);
    reveal(&p);
    ck_assert_uint_eq(patches(&p, CID), 1);
    party_finish(&p);
}
END_TEST

/* Drawn by all, and then again after the reveal has changed what is drawn. */
START_TEST(drawn_otherwise_after_the_reveal)
{
    party p;
    start(&p, 3, 3);
    hidden_do(p.resources[CID], HIDDEN_STAMP, CID, 0); /* openly: all draw from now on */
    party_settle(&p);
    hidden_hide(p.resources[ANN], HIDDEN_STAMP, ANN, 0);
    party_settle(&p);
    hidden_do(p.resources[BEN], HIDDEN_ROLL, 0, 0); /* ann draws twice, the others once */
    party_settle(&p);
    ck_assert_uint_ne(seen(&p, ANN)->rolled, seen(&p, BEN)->rolled);
    uint64_t rolled = seen(&p, ANN)->rolled;
    reveal(&p);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(seen(&p, i)->rolled, rolled);
    ck_assert_uint_eq(patches(&p, BEN), 0);
    party_finish(&p);
}
END_TEST

/* ---- limits */

START_TEST(so_many_may_be_hidden)
{
    party       p;
    movex_event event;
    start_with(&p, (movex_limits){.hidden = 3, .hiders = 2}, 4, 4);
    for (int i = 0; i < 3; i++) hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a' + i);
    party_settle(&p);
    party_events(&p, ANN, MOVEX_EVENT_ACCEPTED, NULL);
    movex_ticket ticket = hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'x');
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_REFUSED, &event), 1);
    ck_assert_uint_eq(event.ticket, ticket);
    ck_assert_int_eq(event.reason, MOVEX_REFUSED_TOO_MANY_HIDDEN);
    ck_assert_int_eq(seen(&p, ANN)->written, 3);

    hidden_hide(p.resources[BEN], HIDDEN_WRITE, BEN, 'b');
    party_settle(&p);
    hidden_hide(p.resources[CID], HIDDEN_WRITE, CID, 'c'); /* the third who hides */
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, CID, MOVEX_EVENT_REFUSED, &event), 1);
    ck_assert_int_eq(event.reason, MOVEX_REFUSED_TOO_MANY_HIDDEN);
    ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_REFUSED, NULL), 0);
    ck_assert_uint_eq(movex_master_stats(p.m.master).hidden, 4);
    reveal(&p);
    hidden_do(p.resources[ANN], HIDDEN_AGAIN, 0, 0);
    hidden_hide(p.resources[CID], HIDDEN_WRITE, CID, 'c'); /* there is room again */
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, CID, MOVEX_EVENT_REFUSED, NULL), 0);
    party_finish(&p);
}
END_TEST

/* ---- errors of the program */

static void must_fail(const party *p, movex_ticket ticket, movex_status status, const char *words, const char *more)
{
    const movex_error *error = movex_client_error(p->clients[ANN]);
    ck_assert_uint_eq(ticket, 0);
    ck_assert_msg(error->status == status && strstr(error->text, words) && strstr(error->text, more), "%d: %s",
                  (int)error->status, error->text);
}

START_TEST(what_cannot_be_hidden)
{
    party              p;
    movex_resource    *r;
    const hidden_deed  deed = {ANN, 5};
    const hidden_place own = {ANN}, other = {BEN};
    start(&p, 2, 2);
    r = p.resources[ANN];
    must_fail(&p, movex_dispatch_private(r, HIDDEN_RAISE, &(hidden_amount){5}, HIDDEN_NOTHING, &own), MOVEX_ERR_DENIED,
              "raise", "nothing");
    must_fail(&p, movex_dispatch_private(r, HIDDEN_BID, &deed, HIDDEN_NOTHING, &own), MOVEX_ERR_DENIED, "bid",
              "nothing");
    must_fail(&p, movex_dispatch_private(r, HIDDEN_BID, &deed, HIDDEN_BID, &deed), MOVEX_ERR_DENIED, "bid", "bid");
    must_fail(&p, movex_dispatch_private(r, HIDDEN_BID, &deed, HIDDEN_MOVED, &other), MOVEX_ERR_DENIED, "bid", "moved");
    must_fail(&p, movex_dispatch_private(r, HIDDEN_BID, &deed, HIDDEN_MOVED, NULL), MOVEX_ERR_ARGUMENT, "moved",
              "payload");
    must_fail(&p, movex_dispatch_private(r, HIDDEN_BID, NULL, HIDDEN_MOVED, &own), MOVEX_ERR_ARGUMENT, "bid",
              "payload");
    must_fail(&p, movex_dispatch_private(r, HIDDEN_BID, &deed, HIDDEN_ACTIONS, NULL), MOVEX_ERR_ARGUMENT, "hidden", "");
    must_fail(&p, movex_dispatch_private(r, HIDDEN_ACTIONS, NULL, HIDDEN_MOVED, &own), MOVEX_ERR_ARGUMENT, "hidden",
              "");
    ck_assert_uint_eq(movex_pending(r), 0);
    ck_assert_uint_eq(movex_dispatch_private(NULL, HIDDEN_BID, &deed, HIDDEN_MOVED, &own), 0);
    hidden_hide(r, HIDDEN_WRITE, ANN, 'a'); /* all is as it was */
    party_finish(&p);
}
END_TEST

static void must_refuse(const movex_type *type, const char *words, const char *more)
{
    movex_error error = {.status = MOVEX_OK};
    ck_assert_ptr_null(movex_rules_new(type, NULL, &error));
    ck_assert_msg(error.status == MOVEX_ERR_SCHEMA && strstr(error.text, type->name) && strstr(error.text, words) &&
                      strstr(error.text, more),
                  "%d: %s", (int)error.status, error.text);
    error = (movex_error){.status = MOVEX_OK};
    ck_assert_ptr_null(movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(type), .error = &error}));
    ck_assert_msg(error.status == MOVEX_ERR_SCHEMA && strstr(error.text, words), "%d: %s", (int)error.status,
                  error.text);
}

static uint64_t nobody(const void *state, const char *viewer)
{
    (void)state;
    return (uint64_t)viewer[0];
}

START_TEST(types_that_are_described_wrongly)
{
    movex_action_type actions[HIDDEN_ACTIONS];
    movex_type        type = hidden_watched_type;
    memcpy(actions, hidden_type.actions, sizeof actions);
    type.actions = actions;

    type.can_reconcile = NULL;
    must_refuse(&type, "can_reconcile", "hidden");
    type.can_reconcile = hidden_type.can_reconcile;

    actions[HIDDEN_BID].hidden_as = "no such";
    must_refuse(&type, "hidden_as", "no such");
    actions[HIDDEN_BID].hidden_as = "wake";
    must_refuse(&type, "hidden_as", "wake");
    actions[HIDDEN_BID].hidden_as = "came";
    must_refuse(&type, "hidden_as", "came");
    actions[HIDDEN_BID].hidden_as = "went";
    must_refuse(&type, "hidden_as", "went");
    actions[HIDDEN_BID].hidden_as = "moved";
    actions[HIDDEN_WAKE].hidden_as = "moved";
    must_refuse(&type, "hidden_as", "wake");
    actions[HIDDEN_WAKE].hidden_as = NULL;
    actions[HIDDEN_MOVED].flags = MOVEX_MASTER_ONLY;
    must_refuse(&type, "hidden_as", "moved");
    actions[HIDDEN_MOVED].flags = 0;
    actions[HIDDEN_BID].flags = MOVEX_MASTER_ONLY;
    must_refuse(&type, "hidden_as", "bid");
    actions[HIDDEN_BID].flags = 0;
    type.audience = nobody;
    must_refuse(&type, "audience", "redact");
    type.audience = NULL;

    for (int i = 0; i < HIDDEN_ACTIONS; i++) actions[i].hidden_as = NULL;
    must_refuse(&type, "covers", "hidden_as");
    type.covers = NULL;
    movex_rules *rules = movex_rules_new(&type, NULL, NULL);
    ck_assert_ptr_nonnull(rules); /* can_reconcile alone does no harm */
    movex_rules_free(rules);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_few_halves_come_as_they_are,
        many_halves_come_as_what_differs,
        who_has_come_later_gets_what_differs,
        a_client_folds_what_it_has_kept,
        a_short_history,
        overturned_while_away,
        accepted_and_overturned_while_away,
        many_are_overturned,
        each_half_has_its_own_random_values,
        drawn_in_one_view_alone,
        drawn_otherwise_after_the_reveal,
        so_many_may_be_hidden,
        what_cannot_be_hidden,
        types_that_are_described_wrongly,
    };
    Suite *suite = suite_create("hidden forms");
    TCase *tcase = tcase_create("forms");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tcase, tests[i]);
    return movex_test_main(suite);
}
