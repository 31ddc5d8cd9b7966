/* What seldom happens to what is hidden: corrupted memory, lost answers, messages longer than a frame, actions that are hidden
   as themselves or confirmed first, views that there is no room for. */
#include "cards_game.h"
#include "hidden_party.h"
#include "meter.h"

#include <movex/mock.h>

#include <string.h>

static void start_type(party *p, const movex_type *type, movex_limits limits)
{
    party_start_with(p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(type), .limits = limits}, type, 3);
    for (int i = 0; i < 2; i++) hidden_do(p->resources[i], HIDDEN_SIT, (uint8_t)i, 0);
    party_settle(p);
}

static void start(party *p)
{
    start_type(p, &hidden_type, (movex_limits){0});
}

/* A stray pointer. */
static void corrupt(const movex_resource *resource)
{
    union {
        const void   *read_only;
        hidden_table *state;
    } confirmed = {.read_only = movex_confirmed_state(resource)};
    confirmed.state->pot ^= 0x40;
}

START_TEST(who_has_hidden_something_is_healed_with_its_own_view)
{
    party p;
    start(&p);
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
    party_settle(&p);
    corrupt(p.resources[ANN]);
    hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 1);
    match_until(&p.m, movex_client_stats(p.clients[ANN]).resyncs == 1);
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'b'); /* nothing pending is lost */
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_MISMATCH, NULL), 1);
    ck_assert(memcmp(hidden_seen(&p, ANN)->log, "ab", 2) == 0);
    ck_assert(memcmp(hidden_seen(&p, BEN)->log, "??", 2) == 0);
    hidden_reveal(&p);
    ck_assert(memcmp(hidden_seen(&p, BEN)->log, "ab", 2) == 0);
    p.resyncs = 1;
    party_finish(&p);
}
END_TEST

/* Found by the reveal itself, or on the way to being healed when it comes: it is told of once. */
START_TEST(a_reveal_meets_a_corrupted_state)
{
    for (int who = 0; who < 3; who++)
        for (int found = 0; found < 2; found++) {
            party p;
            start(&p);
            hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
            party_settle(&p);
            corrupt(p.resources[who]);
            if (found) hidden_do(p.resources[CID], HIDDEN_RAISE, 0, 1);
            hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
            party_settle(&p);
            /* By halves the state is folded from what is sound, and healed with it. */
            uint64_t resyncs = movex_client_stats(p.clients[who]).resyncs;
            ck_assert_uint_le(resyncs, 1);
            if (found) ck_assert_uint_eq(resyncs, 1);
            ck_assert_int_eq(hidden_seen(&p, who)->log[0], 'a');
            ck_assert_int_eq(party_events(&p, who, MOVEX_EVENT_REVEALED, NULL), 1);
            p.resyncs = resyncs;
            party_finish(&p);
        }
}
END_TEST

/* The pair was heard, and revealed, and its author knows of neither. */
START_TEST(a_pair_whose_answer_was_lost)
{
    for (int again = 0; again < 2; again++) {
        party       p;
        movex_event event;
        start(&p);
        party_events(&p, ANN, MOVEX_EVENT_ACCEPTED, NULL);
        movex_ticket ticket = hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
        party_poll(&p, ANN);
        if (again) party_poll_master(&p); /* else it has never come there */
        match_cut(&p.m, p.clients[ANN]);
        party_poll_master(&p);
        if (again) movex_master_dispatch(p.m.master, &hidden_type, "main", HIDDEN_TIME_UP, NULL, NULL);
        party_settle(&p);
        ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_ACCEPTED, &event), 1);
        ck_assert_uint_eq(event.ticket, ticket);
        ck_assert_int_eq(hidden_seen(&p, ANN)->written, 1);
        ck_assert_int_eq(hidden_seen(&p, BEN)->log[0], again ? 'a' : HIDDEN_UNKNOWN);
        party_finish(&p);
    }
}
END_TEST

/* Two masters that cannot be told apart come to the same version of the same state, but have revealed at another one. Who goes
   from the one to the other must not be taken for one that has seen the reveal. */
START_TEST(the_same_state_after_another_reveal)
{
    party        p;
    hidden_table first = {.winner = -1, .seats = {{.name = "ann"}, {.name = "ben"}}};
    party_start(&p, MATCH_LOCAL, &hidden_type, 2);
    for (int time = 0; time < 2; time++) {
        const uint32_t then[2] = {time ? HIDDEN_NOTHING : HIDDEN_TIME_UP, time ? HIDDEN_TIME_UP : HIDDEN_NOTHING};
        ck_assert_int_eq(movex_master_put(p.m.master, &hidden_type, "main", &first), MOVEX_OK);
        match_until(&p.m, movex_in_sync(p.resources[ANN]) && movex_version(p.resources[ANN]) == 1);
        hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 0);
        for (int i = 0; i < 2; i++) hidden_do(p.resources[ANN], then[i], ANN, 0);
        match_until(&p.m, movex_version(p.resources[ANN]) == 4 && movex_pending(p.resources[ANN]) == 0);
        ck_assert_uint_eq(movex_master_stats(p.m.master).reveals, 1);
        if (time == 1) break;
        party_settle(&p);
        party_lose(&p, BEN);
        match_restart(&p.m, (movex_master_config){.types = MOVEX_TYPES(&hidden_type)});
        match_cut(&p.m, p.clients[ANN]);
    }
    party_find_again(&p, BEN);
    party_settle(&p);
    hidden_hide(p.resources[BEN], HIDDEN_STAKE, BEN, 0);
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_REFUSED, NULL), 0);
    party_finish(&p);
}
END_TEST

/* Nothing is kept of who has hidden something, and gone, once the resource goes. */
START_TEST(a_resource_goes_with_what_is_hidden_in_it)
{
    for (int idle = 0; idle < 2; idle++) {
        party p;
        meter memory = {0};
        party_start_with(&p, MATCH_LOCAL,
                         (movex_master_config){.types = MOVEX_TYPES(&hidden_type),
                                               .idle_ms = idle ? 50 : 0,
                                               .allocator = meter_allocator(&memory)},
                         &hidden_type, 3);
        hidden_sit_down(&p, 2, 0);
        hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
        hidden_hide(p.resources[BEN], HIDDEN_WRITE, BEN, 'b');
        party_settle(&p);
        party_leave(&p, ANN);
        match_poll_times(&p.m, 3);
        ck_assert_uint_eq(movex_master_stats(p.m.master).sessions, 3); /* her id is hers */
        if (idle) {
            movex_unbind(p.resources[BEN]);
            movex_unbind(p.resources[CID]);
            match_sleep(&p.m, 200);
        } else {
            ck_assert_int_eq(movex_master_remove(p.m.master, &hidden_type, "main", NULL), MOVEX_OK);
        }
        match_poll_times(&p.m, 5);
        ck_assert_uint_eq(movex_master_stats(p.m.master).resources, 0);
        ck_assert_uint_eq(movex_master_stats(p.m.master).hidden, 0);
        ck_assert_uint_eq(movex_master_stats(p.m.master).sessions, 2);
        match_end(&p.m);
        ck_assert_uint_eq(memory.blocks, 0);
    }
}
END_TEST

/* ---- other types */

static movex_action_type changed[HIDDEN_ACTIONS];

/* The game with another table of actions. */
static movex_type changed_type(void)
{
    movex_type type = hidden_type;
    memcpy(changed, hidden_type.actions, sizeof changed);
    type.actions = changed;
    return type;
}

START_TEST(hidden_as_itself)
{
    party      p;
    movex_type type = changed_type();
    changed[HIDDEN_WRITE].hidden_as = "write";
    start_type(&p, &type, (movex_limits){0});
    ck_assert_uint_ne(movex_dispatch_private(p.resources[ANN], HIDDEN_WRITE, &(hidden_deed){ANN, 'x'}, HIDDEN_WRITE,
                                             &(hidden_deed){ANN, 'o'}),
                      0);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, ANN)->log[0], 'x');
    ck_assert_int_eq(hidden_seen(&p, CID)->log[0], 'o');
    hidden_do(p.resources[BEN], HIDDEN_WRITE, BEN, 'b'); /* openly */
    hidden_reveal(&p);
    ck_assert(memcmp(hidden_seen(&p, CID)->log, "xb", 2) == 0);
    party_finish(&p);
}
END_TEST

/* Both halves draw a random value: what is shown tells nothing of the other. */
START_TEST(each_half_draws_its_own)
{
    party              p;
    movex_type         type = changed_type();
    const hidden_place place = {ANN};
    changed[HIDDEN_STAMP].hidden_as = "stamp";
    start_type(&p, &type, (movex_limits){0});
    movex_dispatch_private(p.resources[ANN], HIDDEN_STAMP, &place, HIDDEN_STAMP, &place);
    party_settle(&p);
    uint64_t own = hidden_seen(&p, ANN)->seats[ANN].luck, shown = hidden_seen(&p, BEN)->seats[ANN].luck;
    ck_assert(own && shown && own != shown);
    hidden_reveal(&p);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(hidden_seen(&p, i)->seats[ANN].luck, own);
    party_finish(&p);
}
END_TEST

START_TEST(hidden_and_confirmed)
{
    party       p;
    movex_event event;
    movex_type  type = changed_type();
    changed[HIDDEN_STAKE].flags = MOVEX_CONFIRM;
    start_type(&p, &type, (movex_limits){0});
    hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 3);
    ck_assert_int_eq(hidden_seen(&p, ANN)->pot, 10);
    party_settle(&p);
    ck_assert_int_eq(hidden_seen(&p, ANN)->pot, 7);
    ck_assert_int_eq(hidden_seen(&p, BEN)->pot, 10);
    party_events(&p, ANN, MOVEX_EVENT_ACCEPTED, NULL);
    hidden_hide(p.resources[ANN], HIDDEN_STAKE, ANN, 30); /* refused by the master, to its author alone */
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, ANN, MOVEX_EVENT_REFUSED, &event), 1);
    ck_assert_int_eq(event.reason, HIDDEN_POOR);
    movex_hosted hosted;
    ck_assert(movex_master_find(p.m.master, &type, "main", &hosted));
    ck_assert_uint_eq(hosted.hidden, 1);
    hidden_reveal(&p);
    ck_assert_int_eq(hidden_seen(&p, BEN)->pot, 7);
    party_finish(&p);
}
END_TEST

/* A refused pair is the first of its author's, and of the resource's: nothing is left of it. */
START_TEST(refused_pairs_leave_nothing)
{
    party      p;
    movex_type type = changed_type();
    changed[HIDDEN_STAKE].flags = MOVEX_CONFIRM;
    start_type(&p, &type, (movex_limits){.hiders = 1});
    for (int round = 0; round < 3; round++) {
        for (int who = 0; who < 2; who++) {
            hidden_hide(p.resources[who], HIDDEN_STAKE, (uint8_t)who, 1000);
            party_settle(&p);
            ck_assert_int_eq(party_events(&p, who, MOVEX_EVENT_REFUSED, NULL), 1);
            ck_assert_uint_eq(movex_checksum(p.resources[who]), movex_checksum(p.resources[CID]));
        }
        if (round == 1) hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a'); /* the one who may */
        if (round == 2) hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
        if (round == 1) {
            movex_event event;
            party_settle(&p);
            hidden_hide(p.resources[BEN], HIDDEN_STAKE, BEN, 1000);
            party_settle(&p);
            ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_REFUSED, &event), 1);
            ck_assert_int_eq(event.reason, MOVEX_REFUSED_TOO_MANY_HIDDEN);
            hidden_do(p.resources[CID], HIDDEN_TIME_UP, 0, 0);
            party_settle(&p);
            hidden_do(p.resources[CID], HIDDEN_AGAIN, 0, 0);
        }
    }
    ck_assert_uint_eq(movex_master_stats(p.m.master).hidden, 0);
    party_finish(&p);
}
END_TEST

/* The same of the second who would have hidden something, as he does in the end. */
START_TEST(refused_pairs_of_a_second)
{
    party      p;
    meter      memory = {0};
    movex_type type = changed_type();
    changed[HIDDEN_STAKE].flags = MOVEX_CONFIRM;
    party_start_with(&p, MATCH_LOCAL,
                     (movex_master_config){.types = MOVEX_TYPES(&type), .allocator = meter_allocator(&memory)}, &type,
                     3);
    for (int i = 0; i < 2; i++) hidden_do(p.resources[i], HIDDEN_SIT, (uint8_t)i, 0);
    hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'a');
    party_settle(&p);
    for (int i = 0; i < 3; i++) {
        hidden_hide(p.resources[BEN], HIDDEN_STAKE, BEN, 1000);
        hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'b' + i);
        party_settle(&p);
    }
    hidden_hide(p.resources[BEN], HIDDEN_WRITE, BEN, 'z');
    party_settle(&p);
    hidden_reveal(&p);
    ck_assert(memcmp(hidden_seen(&p, CID)->log, "abcdz", 5) == 0);
    party_finish(&p);
    ck_assert_uint_eq(memory.blocks, 0);
    ck_assert_uint_eq(memory.wrong, 0);
}
END_TEST

/* ---- cards */

START_TEST(alone_at_the_table)
{
    party p;
    party_start(&p, MATCH_LOCAL, &cards_type, 2);
    movex_dispatch(p.resources[ANN], CARDS_SIT, &(cards_place){ANN});
    party_settle(&p);
    movex_master_dispatch(p.m.master, &cards_type, "main", CARDS_SHUFFLE, &(cards_shuffle){.first = 1}, NULL);
    movex_master_dispatch(p.m.master, &cards_type, "main", CARDS_DEAL, &(cards_deal){4}, NULL);
    party_settle(&p);
    for (uint64_t round = 1; round <= 3; round++) { /* who chooses alone is revealed at once */
        movex_dispatch_private(p.resources[ANN], CARDS_CHOOSE, &(cards_pick){ANN, 0}, CARDS_CHOSEN,
                               &(cards_place){ANN});
        party_settle(&p);
        ck_assert_int_ne(((const cards *)movex_state(p.resources[BEN]))->seats[ANN].choice, 0);
        ck_assert_uint_eq(movex_master_stats(p.m.master).reveals, round);
        movex_dispatch(p.resources[BEN], CARDS_NEXT, NULL);
        party_settle(&p);
    }
    party_finish(&p);
}
END_TEST

/* There is room for two views: the public one and ann's. What she hides makes hers another one, and no third. */
START_TEST(what_is_hidden_needs_no_more_room)
{
    party p;
    party_start_with(&p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(&cards_type), .limits = {.views = 2}},
                     &cards_type, 3);
    movex_dispatch(p.resources[ANN], CARDS_SIT, &(cards_place){ANN});
    party_settle(&p);
    movex_master_dispatch(p.m.master, &cards_type, "main", CARDS_SHUFFLE, &(cards_shuffle){.first = 1}, NULL);
    movex_master_dispatch(p.m.master, &cards_type, "main", CARDS_DEAL, &(cards_deal){4}, NULL);
    party_settle(&p);
    for (int round = 0; round < 3; round++) {
        movex_dispatch_private(p.resources[ANN], CARDS_CHOOSE, &(cards_pick){ANN, 0}, CARDS_CHOSEN,
                               &(cards_place){ANN});
        party_settle(&p);
        movex_dispatch(p.resources[BEN], CARDS_NEXT, NULL);
        party_settle(&p);
    }
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(movex_client_stats(p.clients[i]).connects, 1);
    ck_assert_uint_eq(movex_master_stats(p.m.master).snapshots, 3);
    ck_assert_int_eq(((const cards *)movex_state(p.resources[CID]))->played, 3);
    party_finish(&p);
}
END_TEST

/* All see the same, and what one hides would make a view of its own: with room for so many views, and for one less. */
START_TEST(no_room_for_what_is_hidden)
{
    for (uint32_t views = 2; views > 0; views--) {
        party       p;
        movex_type  type = cards_open_type;
        movex_event event = {0};
        party_start_with(&p, MATCH_LOCAL,
                         (movex_master_config){.types = MOVEX_TYPES(&type), .limits = {.views = views}}, &type, 3);
        for (int i = 0; i < 2; i++) movex_dispatch(p.resources[i], CARDS_SIT, &(cards_place){(uint8_t)i});
        party_settle(&p);
        movex_master_dispatch(p.m.master, &type, "main", CARDS_SHUFFLE, &(cards_shuffle){.first = 1}, NULL);
        movex_master_dispatch(p.m.master, &type, "main", CARDS_DEAL, &(cards_deal){4}, NULL);
        party_settle(&p);
        party_events(&p, ANN, MOVEX_EVENT_ACCEPTED, NULL);
        movex_dispatch_private(p.resources[ANN], CARDS_CHOOSE, &(cards_pick){ANN, 0}, CARDS_CHOSEN,
                               &(cards_place){ANN});
        party_settle(&p);
        ck_assert_int_eq(party_events(&p, ANN, views == 2 ? MOVEX_EVENT_ACCEPTED : MOVEX_EVENT_REFUSED, &event), 1);
        if (views == 1) ck_assert_int_eq(event.reason, MOVEX_REFUSED_TOO_MANY_HIDDEN);
        movex_dispatch_private(p.resources[BEN], CARDS_CHOOSE, &(cards_pick){BEN, 0}, CARDS_CHOSEN,
                               &(cards_place){BEN});
        party_settle(&p);
        ck_assert_int_eq(party_events(&p, BEN, MOVEX_EVENT_REFUSED, &event), 1);
        ck_assert_int_eq(event.reason, MOVEX_REFUSED_TOO_MANY_HIDDEN);
        for (int i = 0; i < 3; i++) ck_assert_uint_eq(movex_client_stats(p.clients[i]).connects, 1);
        party_finish(&p);
    }
}
END_TEST

/* ---- long messages */

/* Frames of 256 bytes: reveals, differences and snapshots come in chunks. */
START_TEST(longer_than_a_frame)
{
    static const char *const names[] = {"ann", "ben", "cid"};
    uint64_t                 now_ms = 0;
    movex_client            *clients[3];
    movex_resource          *resources[3];
    movex_mock              *net = movex_mock_new(&(movex_mock_config){.max_frame = 256});
    movex_master            *master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&hidden_type)});
    ck_assert_int_eq(movex_master_attach(master, movex_mock_listen(net)), MOVEX_OK);
    for (int i = 0; i < 3; i++) {
        clients[i] = movex_client_new(&(movex_client_config){.id = names[i], .io = movex_mock_connect(net)});
        resources[i] = movex_bind(clients[i], &hidden_type, "main");
    }
    for (int turn = 0; turn < 400; turn++) {
        movex_mock_poll(net, ++now_ms);
        movex_master_poll(master, now_ms);
        for (int i = 0; i < 3; i++) movex_client_poll(clients[i], now_ms);
        if (turn == 20) hidden_do(resources[ANN], HIDDEN_SIT, ANN, 0);
        if (turn >= 40 && turn < 100) hidden_hide(resources[ANN], HIDDEN_WRITE, ANN, turn);
        if (turn == 200) hidden_do(resources[CID], HIDDEN_TIME_UP, 0, 0);
        for (int i = 0; i < 3; i++)
            for (movex_event event; movex_client_next(clients[i], &event);)
                ck_assert_int_ne(event.kind, MOVEX_EVENT_REFUSED);
    }
    for (int i = 0; i < 3; i++) {
        const hidden_table *table = movex_state(resources[i]);
        movex_revealed      last;
        ck_assert_int_eq(table->written, 60);
        ck_assert_int_eq(table->log[59], 99);
        ck_assert(movex_revealed_at(resources[i], 59, &last));
        ck_assert(!movex_revealed_at(resources[i], 60, &last));
        ck_assert_uint_eq(movex_client_stats(clients[i]).mismatches, 0);
        ck_assert_uint_eq(movex_client_stats(clients[i]).connects, 1);
    }
    for (int i = 0; i < 3; i++) movex_client_free(clients[i]);
    movex_master_free(master);
    movex_mock_free(net);
}
END_TEST

/* ---- cut in between */

typedef struct net_party {
    movex_mock     *net;
    movex_master   *master;
    movex_client   *clients[3];
    movex_resource *resources[3];
    uint64_t        now_ms;
    uint32_t        overturned[256]; /* how often ben was told, by ticket */
    uint32_t        told;
} net_party;

static void poll_over_net(net_party *n)
{
    movex_mock_poll(n->net, ++n->now_ms);
    movex_master_poll(n->master, n->now_ms);
    for (int i = 0; i < 3; i++) {
        movex_client_poll(n->clients[i], n->now_ms);
        for (movex_event event; movex_client_next(n->clients[i], &event);) {
            if (i != BEN || event.kind != MOVEX_EVENT_OVERTURNED) continue;
            ck_assert_uint_lt(event.ticket, 256);
            n->overturned[event.ticket]++;
            n->told++;
        }
    }
}

/* So many of the frames that are held for ben arrive; then he is cut off. */
static void let_through(net_party *n, int count)
{
    movex_mock_frame frame;
    for (uint32_t i = 0; count > 0 && movex_mock_held(n->net, i, &frame);) {
        if (frame.kind == MOVEX_IO_MESSAGE && strcmp(frame.to, "ben") == 0) {
            ck_assert_int_eq(movex_mock_release(n->net, i), MOVEX_OK);
            count--;
        } else {
            i++;
        }
    }
    ck_assert_int_eq(count, 0);
    poll_over_net(n);
    ck_assert_uint_eq(movex_mock_cut(n->net, "ben"), 1);
    movex_mock_hold(n->net, false);
}

/* What has become of ben's dispatches takes more frames than come through: what is missing comes with him. `_i` frames do. */
START_TEST(cut_off_while_it_is_told_what_is_overturned)
{
    static const char *const names[] = {"ann", "ben", "cid"};
    enum { ALL = 100 };
    net_party n = {.net = movex_mock_new(&(movex_mock_config){.max_frame = 256})};
    n.master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&hidden_type)});
    ck_assert_int_eq(movex_master_attach(n.master, movex_mock_listen(n.net)), MOVEX_OK);
    for (int i = 0; i < 3; i++) {
        n.clients[i] =
            movex_client_new(&(movex_client_config){.id = names[i], .io = movex_mock_connect_as(n.net, names[i])});
        n.resources[i] = movex_bind(n.clients[i], &hidden_type, "main");
    }
    for (int turn = 0; turn < 50; turn++) {
        if (turn == 10) hidden_do(n.resources[ANN], HIDDEN_SIT, ANN, 0);
        if (turn == 20) hidden_do(n.resources[ANN], HIDDEN_RAISE, 0, ALL);
        if (turn == 30) hidden_hide(n.resources[ANN], HIDDEN_STAKE, ANN, ALL + 10); /* all there is */
        for (int k = 0; turn == 40 && k < ALL; k++) ck_assert(hidden_do(n.resources[BEN], HIDDEN_RAISE, 0, -1) != 0);
        poll_over_net(&n);
    }
    ck_assert_uint_eq(movex_pending(n.resources[BEN]), 0);
    movex_mock_hold(n.net, true);
    movex_master_dispatch(n.master, &hidden_type, "main", HIDDEN_TIME_UP, NULL, NULL);
    movex_master_poll(n.master, ++n.now_ms);
    let_through(&n, _i);
    ck_assert_uint_lt(n.told, ALL);
    for (int turn = 0; turn < 2000; turn++) poll_over_net(&n);
    ck_assert_uint_eq(n.told, ALL);
    for (uint32_t ticket = 1; ticket <= ALL; ticket++) ck_assert_uint_eq(n.overturned[ticket], 1);
    ck_assert_uint_eq(movex_client_stats(n.clients[BEN]).connects, 2);
    ck_assert_uint_eq(movex_checksum(n.resources[BEN]), movex_checksum(n.resources[CID]));
    for (int i = 0; i < 3; i++) movex_client_free(n.clients[i]);
    movex_master_free(n.master);
    movex_mock_free(n.net);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_has_hidden_something_is_healed_with_its_own_view,
        a_reveal_meets_a_corrupted_state,
        a_pair_whose_answer_was_lost,
        the_same_state_after_another_reveal,
        a_resource_goes_with_what_is_hidden_in_it,
        hidden_as_itself,
        each_half_draws_its_own,
        hidden_and_confirmed,
        refused_pairs_leave_nothing,
        refused_pairs_of_a_second,
        alone_at_the_table,
        what_is_hidden_needs_no_more_room,
        no_room_for_what_is_hidden,
        longer_than_a_frame,
    };
    Suite *suite = suite_create("hidden rare");
    TCase *tcase = tcase_create("rare");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, cut_off_while_it_is_told_what_is_overturned, 0, 2);
    return movex_test_main(suite);
}
