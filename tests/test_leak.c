/* The leak checker: it finds what is planted, finds nothing in honest games whatever happens while something is hidden, and
   calls nothing a leak that follows from what may be known. */
#include "leak_games.h"
#include "meter.h"
#include "support.h"

#include <movex/leak.h>
#include <movex/text.h>

#include <stdio.h>
#include <string.h>

/* ---- a table: alice keeps the secret; bob plays against her; carol looks on */

enum { ALICE, BOB, CAROL, SEATS };
static const char *const names[SEATS] = {"alice", "bob", "carol"};

typedef struct table {
    const movex_leak_run *run;
    const movex_type     *type;
    movex_master         *master;
    movex_client         *clients[SEATS];
    movex_resource       *games[SEATS];
    uint64_t              seed, now_ms;
} table;

/* A schedule: what happens once all have bound the game. */
typedef struct scene {
    const movex_type *type;
    void (*plays)(table *t);
    uint64_t seed; /* of what the schedule chooses */
} scene;

static void step(table *t)
{
    movex_mock_poll(t->run->net, t->now_ms);
    movex_master_poll(t->master, t->now_ms);
    for (int i = 0; i < SEATS; i++) movex_client_poll(t->clients[i], t->now_ms);
    t->now_ms++;
}

static void steps(table *t, int count)
{
    while (count-- > 0) step(t);
}

static void come(table *t, int who)
{
    t->clients[who] = movex_client_new(&(movex_client_config){.id = names[who],
                                                              .io = movex_mock_connect_as(t->run->net, names[who]),
                                                              .reconnect_min_ms = 5,
                                                              .reconnect_max_ms = 50});
}

static void bind(table *t, int who)
{
    t->games[who] = movex_bind(t->clients[who], t->type, "main");
}

static void leave(table *t, int who)
{
    movex_client_free(t->clients[who]);
    t->clients[who] = NULL;
    t->games[who] = NULL;
}

static void play(void *user, const movex_leak_run *run)
{
    const scene *s = user;
    table        t = {.run = run, .type = s->type, .seed = s->seed};
    t.master = movex_master_new(&(movex_master_config){
        .types = MOVEX_TYPES(s->type), .seed = 7 + s->seed, .observer = run->observer, .grace_ms = 200});
    movex_master_attach(t.master, movex_mock_listen(run->net));
    for (int i = 0; i < SEATS; i++) come(&t, i);
    bind(&t, ALICE);
    bind(&t, BOB);
    steps(&t, 8);
    s->plays(&t);
    for (int i = 0; i < SEATS; i++) leave(&t, i);
    movex_master_free(t.master);
}

static const char *const bob_and_carol[] = {"bob", "carol", NULL}, *const carol_alone[] = {"carol", NULL};

static movex_leak_report check_for(const char *const *viewers, movex_mock_config network, scene s)
{
    movex_leak_report report;
    int               status = movex_leak_check(
                      &(movex_leak_config){.play = play, .user = &s, .viewers = viewers, .network = network}, &report);
    ck_assert_msg(status == MOVEX_OK, "seed %d: %s", (int)network.seed, report.text);
    ck_assert_uint_gt(report.all_frames, 0);
    if (getenv("MOVEX_TEST_VERBOSE")) printf("# %d %s\n", report.verdict, report.text);
    return report;
}

static movex_leak_report check(const movex_type *type, void (*plays)(table *t))
{
    return check_for(bob_and_carol, (movex_mock_config){0}, (scene){.type = type, .plays = plays});
}

static void check_found(movex_leak_report report, int line, movex_leak_verdict verdict, const char *viewer,
                        const char *text)
{
    ck_assert_msg(report.verdict == verdict, "line %d: %d: %s", line, report.verdict, report.text);
    ck_assert_msg(strcmp(report.viewer, viewer) == 0, "line %d: %s", line, report.text);
    ck_assert_msg(strstr(report.text, text), "line %d: not \"%s\" but: %s", line, text, report.text);
}
#define expect(report, verdict, viewer, text) check_found(report, __LINE__, verdict, viewer, text)

static void check_none(movex_leak_report report, int line)
{
    check_found(report, line, MOVEX_LEAK_NONE, "", "");
    ck_assert_uint_eq(report.comparable, report.viewers);
    ck_assert_uint_eq(report.bytes, report.all_bytes);
    ck_assert_uint_eq(report.frames, report.all_frames);
}
#define expect_none(report) check_none(report, __LINE__)

/* ---- rock, paper, scissors */

static void sit(table *t)
{
    bind(t, CAROL);
    movex_dispatch(t->games[ALICE], DUEL_SIT, NULL);
    steps(t, 3);
    movex_dispatch(t->games[BOB], DUEL_SIT, NULL);
    steps(t, 3);
}

static uint8_t secret_move(const table *t)
{
    return t->run->secret ? DUEL_PAPER : DUEL_ROCK;
}

static void hide(table *t, int who, uint8_t what)
{
    uint8_t seat = (uint8_t)who;
    movex_dispatch_private(t->games[who], DUEL_SUBMIT, &(duel_submit){seat, what}, DUEL_READY,
                           &(duel_ready){.seat = seat});
    steps(t, 3);
}

static void note(table *t, int who)
{
    movex_dispatch(t->games[who], DUEL_NOTE, NULL);
    steps(t, 3);
}

static void hides_a_move(table *t)
{
    sit(t);
    hide(t, ALICE, secret_move(t));
    note(t, BOB);
}

static void reveals(table *t)
{
    hides_a_move(t);
    movex_leak_may_show(t->run);
    hide(t, BOB, DUEL_SCISSORS);
}

static void reveals_too_early(table *t)
{
    hides_a_move(t);
    hide(t, BOB, DUEL_SCISSORS);
    movex_leak_may_show(t->run);
}

START_TEST(hidden_moves_do_not_show)
{
    movex_leak_report report = check(&duel_type, hides_a_move);
    expect_none(report);
    ck_assert_uint_eq(report.viewers, 2);
    ck_assert_uint_gt(report.frames, 12);
    ck_assert_uint_gt(report.bytes, 300);
    ck_assert_str_eq(report.text, "");
}
END_TEST

START_TEST(after_the_reveal_nothing_is_compared)
{
    movex_leak_report report = check(&duel_type, reveals), before = check(&duel_type, hides_a_move);
    expect(report, MOVEX_LEAK_SHOWN, "bob", "its view differs");
    ck_assert_msg(strstr(report.text, "duel:main version 5, ready by bob"), "%s", report.text);
    ck_assert_uint_eq(report.comparable, 0);
    ck_assert_uint_le(report.bytes, before.bytes + 10); /* all up to it */
    ck_assert_uint_gt(report.frames, 12);
    ck_assert_uint_lt(report.frames, report.all_frames);
    expect(check(&duel_type, reveals_too_early), MOVEX_LEAK_FOUND, "bob", "before the secret may show");
}
END_TEST

/* With the one secret alice hides a move, with the other she does openly what would be shown of it. */
static void hide_or_not(table *t, uint8_t extra)
{
    const duel_ready shown = {.extra = extra};
    if (t->run->secret)
        movex_dispatch_private(t->games[ALICE], DUEL_SUBMIT, &(duel_submit){0, DUEL_PAPER}, DUEL_READY, &shown);
    else
        movex_dispatch(t->games[ALICE], DUEL_READY, &shown);
}

/* A forward does not tell whether its entry has a hidden half, nor does anything later. */
static void may_hide_nothing(table *t)
{
    sit(t);
    movex_dispatch(t->games[ALICE], DUEL_NOTE, NULL); /* both leave in one frame */
    hide_or_not(t, 0);
    steps(t, 3);
    hide_or_not(t, DUEL_DICE);
    steps(t, 3);
    note(t, BOB);
    note(t, ALICE);
    movex_mock_cut(t->run->net, "bob");
    steps(t, 2);
    hide_or_not(t, 0);
    note(t, CAROL);
    steps(t, 100); /* he is back, and has missed something */
    leave(t, CAROL);
    come(t, CAROL);
    bind(t, CAROL);
    steps(t, 20);
    movex_mock_cut(t->run->net, "alice");
    steps(t, 100);
    leave(t, ALICE);
    steps(t, 300);
}

START_TEST(nobody_is_told_whether_anything_is_hidden)
{
    expect_none(check(&duel_type, may_hide_nothing));
}
END_TEST

/* In one of the runs the hidden half draws random values. */
static void gambles(table *t)
{
    sit(t);
    movex_dispatch_private(t->games[ALICE], DUEL_GAMBLE, &(duel_submit){0, (uint8_t)t->run->secret}, DUEL_READY,
                           &(duel_ready){.seat = 0});
    steps(t, 3);
    note(t, BOB); /* which draws as well, in all views */
    note(t, ALICE);
}

START_TEST(nobody_is_told_what_the_hidden_half_draws)
{
    expect_none(check(&duel_type, gambles));
}
END_TEST

/* Bob's note is an entry that alice's view refuses in one of the runs. */
static void is_refused_in_one_view(table *t)
{
    hides_a_move(t);
    note(t, BOB);
    note(t, CAROL);
    hide(t, BOB, DUEL_ROCK); /* never reached by carol, who is gone, nor shown before it may */
}

static void is_refused_in_one_view_without_reveal(table *t)
{
    hides_a_move(t);
    note(t, BOB);
    note(t, CAROL);
    movex_mock_cut(t->run->net, "carol");
    steps(t, 100);
}

START_TEST(a_refusal_in_one_view_does_not_show)
{
    expect_none(check(&duel_touchy_type, is_refused_in_one_view_without_reveal));
    expect(check(&duel_touchy_type, is_refused_in_one_view), MOVEX_LEAK_FOUND, "bob", "before the secret may show");
}
END_TEST

/* The reason tells what was hidden, and its author alone gets it. */
static void hides_nonsense(table *t)
{
    sit(t);
    hide(t, ALICE, t->run->secret ? 9 : 17);
    note(t, BOB);
}

static void hides_nonsense_or_not(table *t)
{
    sit(t);
    hide(t, ALICE, t->run->secret ? 9 : DUEL_ROCK);
    note(t, BOB);
}

START_TEST(a_refused_hidden_half_shows_nothing)
{
    expect_none(check(&duel_blind_type, hides_nonsense));
    expect(check(&duel_blind_type, hides_nonsense_or_not), MOVEX_LEAK_FOUND, "bob", "the public log differs");
}
END_TEST

static void everything_happens(table *t)
{
    movex_mock *net = t->run->net;
    sit(t);
    hide(t, ALICE, secret_move(t));
    movex_mock_cut(net, "alice");
    steps(t, 4);
    note(t, BOB);
    steps(t, 100); /* she is back, and gets a snapshot of her own view */
    movex_unbind(t->games[CAROL]);
    steps(t, 5);
    note(t, ALICE);
    bind(t, CAROL);
    steps(t, 5);
    movex_mock_cut(net, "bob");
    steps(t, 100);
    movex_unbind(t->games[ALICE]);
    steps(t, 5);
    note(t, BOB);
    bind(t, ALICE);
    steps(t, 5);
    leave(t, ALICE); /* and her session ends, while something is hidden */
    steps(t, 300);
    note(t, CAROL);
    come(t, ALICE);
    steps(t, 100); /* without her token she is not let in */
}

START_TEST(nothing_shows_while_all_come_and_go)
{
    for (uint32_t max_frame = 0; max_frame <= MOVEX_IO_MIN_FRAME; max_frame += MOVEX_IO_MIN_FRAME)
        expect_none(check_for(bob_and_carol, (movex_mock_config){.max_frame = max_frame},
                              (scene){.type = &duel_type, .plays = everything_happens}));
}
END_TEST

static void is_replaced(table *t)
{
    const duel empty = {.player = {"alice", "bob"}};
    hides_a_move(t);
    movex_master_put(t->master, t->type, "main", &empty); /* what was hidden is never shown */
    steps(t, 5);
    hide(t, BOB, DUEL_ROCK);
    hide(t, ALICE, DUEL_ROCK);
}

static void is_replaced_by_the_secret(table *t)
{
    const duel told = {.player = {"alice", "bob"}, .notes = t->run->secret};
    sit(t);
    movex_master_put(t->master, t->type, "main", &told);
    steps(t, 5);
}

START_TEST(a_state_that_is_put_is_an_entry)
{
    expect_none(check(&duel_type, is_replaced));
    expect(check(&duel_type, is_replaced_by_the_secret), MOVEX_LEAK_FOUND, "bob", "its view differs");
}
END_TEST

/* ---- cards */

/* Only what alice draws, and what is left, differs. */
static void deal(table *t)
{
    static const cards_order orders[2] = {{{1, 2, 3, 4, 50, 60, 7, 8}}, {{2, 1, 4, 3, 60, 50, 7, 8}}};
    bind(t, CAROL);
    movex_dispatch(t->games[ALICE], CARDS_SIT, NULL);
    steps(t, 3);
    movex_dispatch(t->games[BOB], CARDS_SIT, NULL);
    steps(t, 3);
    movex_master_dispatch(t->master, t->type, "main", CARDS_SHUFFLE, &orders[t->run->secret], NULL);
    for (int i = 0; i < 4; i++) {
        movex_dispatch(t->games[i < 2 ? BOB : ALICE], CARDS_DRAW, NULL);
        steps(t, 3);
    }
    movex_mock_cut(t->run->net, "bob");
    steps(t, 100);
}

static void guess(table *t)
{
    deal(t);
    movex_dispatch(t->games[BOB], CARDS_GUESS, &(cards_guess){4});
    steps(t, 3);
}

START_TEST(decks_and_hands_do_not_show)
{
    expect_none(check(&cards_type, guess));
    expect_none(check(&cards_shared_type, guess));
}
END_TEST

START_TEST(planted_leaks_of_cards_are_found)
{
    expect_none(check(&cards_forgetful_type, deal)); /* the last card is the same: nothing to tell */
    static const char *const alice_too[] = {"alice", "bob", "carol", NULL};
    expect(check_for(alice_too, (movex_mock_config){0}, (scene){.type = &cards_type, .plays = deal}), MOVEX_LEAK_FOUND,
           "alice", "its view differs");
    expect(check(&cards_confused_type, deal), MOVEX_LEAK_FOUND, "bob", "differs at byte ");
    expect(check(&cards_talkative_type, guess), MOVEX_LEAK_FOUND, "bob", "differs at byte ");
    expect(check(&cards_generous_type, guess), MOVEX_LEAK_FOUND, "bob", "the public log differs");
    expect(check(&cards_open_type, deal), MOVEX_LEAK_FOUND, "bob", "its view differs");
}
END_TEST

static void shuffle(table *t)
{
    cards_order order = {{1, 2, 3, 4, 5, 6, 7, (uint8_t)t->run->secret}}; /* or nothing, as if it were redacted */
    bind(t, CAROL);
    movex_master_dispatch(t->master, t->type, "main", CARDS_SHUFFLE, &order, NULL);
    steps(t, 5);
}

START_TEST(a_field_that_is_not_redacted_is_found)
{
    expect_none(check(&cards_type, shuffle));
    expect(check(&cards_forgetful_type, shuffle), MOVEX_LEAK_FOUND, "bob", "cards:main version 1, shuffle");
}
END_TEST

/* ---- planted in the schedule */

static void tells_by_the_shown_half(table *t)
{
    sit(t);
    movex_dispatch_private(t->games[ALICE], DUEL_SUBMIT, &(duel_submit){0, secret_move(t)}, DUEL_READY,
                           &(duel_ready){.seat = 0, .extra = secret_move(t)});
    steps(t, 3);
}

static void tells_by_leaving(table *t)
{
    hides_a_move(t);
    if (t->run->secret)
        movex_unbind(t->games[ALICE]);
    else
        movex_bind(t->clients[ALICE], t->type, "another");
    steps(t, 5);
}

static void tells_by_silence(table *t)
{
    hides_a_move(t);
    if (t->run->secret) note(t, ALICE);
    steps(t, 5);
}

static void is_cut_off(table *t)
{
    hides_a_move(t);
    if (t->run->secret) movex_mock_cut(t->run->net, "bob");
    steps(t, 100);
}

static void is_known_to_bob(table *t)
{
    sit(t);
    movex_dispatch(t->games[BOB], DUEL_NOTE, NULL);
    if (t->run->secret) movex_dispatch(t->games[BOB], DUEL_NOTE, NULL);
    steps(t, 5);
}

START_TEST(planted_leaks_of_the_schedule_are_found)
{
    expect(check(&duel_type, tells_by_the_shown_half), MOVEX_LEAK_FOUND, "bob", "the public log differs");
    expect(check(&duel_type, tells_by_leaving), MOVEX_LEAK_FOUND, "bob", "is sent with secret 1 alone");
    expect(check(&duel_type, tells_by_silence), MOVEX_LEAK_INCOMPARABLE, "bob", "others send");
    expect(check(&duel_type, is_cut_off), MOVEX_LEAK_INCOMPARABLE, "bob", "others send, or are lost");
    expect(check(&duel_type, is_known_to_bob), MOVEX_LEAK_FOUND, "carol", "the public log");
    ck_assert_msg(check_for((const char *const[]){"bob", NULL}, (movex_mock_config){0},
                            (scene){.type = &duel_type, .plays = is_known_to_bob})
                          .verdict == MOVEX_LEAK_INCOMPARABLE,
                  "what he has done himself he may know");
}
END_TEST

/* ---- resources that the viewer has not bound */

static void acts_elsewhere(table *t)
{
    movex_resource *own = movex_bind(t->clients[ALICE], t->type, "own");
    sit(t);
    for (int i = 0; i < 3; i++) {
        movex_dispatch(own, DUEL_NOTE, NULL);
        if (t->run->secret) movex_dispatch(own, DUEL_NOTE, NULL);
        steps(t, 3);
    }
    note(t, BOB);
}

static void acts_elsewhere_and_is_followed(table *t)
{
    acts_elsewhere(t);
    movex_bind(t->clients[CAROL], t->type, "own");
    steps(t, 5);
}

/* The states are the same in the end, but how they came about is not. */
static void has_another_past(table *t)
{
    movex_resource *own = movex_bind(t->clients[ALICE], t->type, "own");
    sit(t);
    movex_dispatch(own, DUEL_SIT, NULL);
    steps(t, 5);
    movex_dispatch(own, DUEL_READY, &(duel_ready){.extra = (uint8_t)t->run->secret});
    steps(t, 5);
    movex_bind(t->clients[CAROL], t->type, "own");
    steps(t, 5);
}

static void was_put_at_another_time(table *t)
{
    const duel empty = {.notes = 1};
    sit(t);
    if (t->run->secret) movex_master_put(t->master, t->type, "own", &empty);
    steps(t, 5);
    if (!t->run->secret) movex_master_put(t->master, t->type, "own", &empty);
    steps(t, 5);
    movex_bind(t->clients[CAROL], t->type, "own");
    steps(t, 5);
}

START_TEST(what_is_bound_has_a_past)
{
    expect(check(&duel_type, has_another_past), MOVEX_LEAK_INCOMPARABLE, "carol", "another past");
    expect(check(&duel_type, was_put_at_another_time), MOVEX_LEAK_INCOMPARABLE, "carol", "another past");
}
END_TEST

START_TEST(what_happens_elsewhere_does_not_count)
{
    expect_none(check(&duel_type, acts_elsewhere));
    expect(check_for(carol_alone, (movex_mock_config){0}, (scene){&duel_type, acts_elsewhere_and_is_followed, 0}),
           MOVEX_LEAK_FOUND, "carol", "its view differs");
    expect_none(check_for((const char *const[]){"bob", NULL}, (movex_mock_config){0},
                          (scene){&duel_type, acts_elsewhere_and_is_followed, 0}));
}
END_TEST

/* ---- a bad network */

static void act(table *t, int who, uint64_t *random)
{
    uint32_t number = meter_below(random, 4);
    if (t->type->redact && number == 0 && who == ALICE)
        movex_dispatch(t->games[who], CARDS_DRAW, NULL); /* bob would see which card it is */
    else if (t->type->redact)
        movex_dispatch(t->games[who], CARDS_GUESS, &(cards_guess){(uint8_t)number});
    else
        movex_dispatch(t->games[who], DUEL_NOTE, NULL);
}

static void toggle(table *t, int who)
{
    if (t->games[who])
        movex_unbind(t->games[who]), t->games[who] = NULL;
    else
        bind(t, who);
}

static void plays_at_random(table *t)
{
    static const cards dealt[2] = {
        {.left = 3, .deck = {1, 2, 3}, .hands = {{"alice", 2, {50, 60}}, {"bob", 1, {7}}}},
        {.left = 3, .deck = {2, 1, 0}, .hands = {{"alice", 2, {60, 50}}, {"bob", 1, {7}}}},
    };
    uint64_t random = t->seed;
    bool     hides = !t->type->redact;
    if (hides)
        sit(t);
    else
        movex_master_put(t->master, t->type, "main", &dealt[t->run->secret]);
    for (int i = 0; i < 40; i++) {
        int      who = (int)meter_below(&random, SEATS);
        uint32_t what = meter_below(&random, 10);
        if (i == 30) movex_leak_may_show(t->run);
        if (what < 5 && t->games[who]) act(t, who, &random);
        if (what == 5) movex_mock_cut(t->run->net, names[who]);
        if (what == 6) toggle(t, who);
        if (hides && i == 5 && t->games[ALICE]) hide(t, ALICE, secret_move(t));
        if (hides && i > 30 && t->games[BOB]) hide(t, BOB, DUEL_SCISSORS);
        steps(t, (int)meter_below(&random, 30));
    }
}

enum { SEEDS = 150 };

START_TEST(a_bad_network_makes_no_leak)
{
    const movex_type *type = (const movex_type *[]){&duel_type, &cards_type, &cards_shared_type}[_i];
    uint64_t          comparable = 0, viewers = 0, bytes = 0, all_bytes = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        movex_mock_config network = {
            .seed = seed,
            .latency_ms = {(uint32_t)(seed % 5), (uint32_t)(seed % 40)},
            .cut_per_mille = (uint32_t)(seed % 4) * 15,
            .dial_failure_per_mille = (uint32_t)(seed % 3) * 50,
            .max_frame = seed % 2 ? MOVEX_IO_MIN_FRAME : 0,
            .faults = {.corrupt_per_mille = seed % 7 ? 0 : 20,
                       .half_open_per_mille = seed % 5 ? 0 : 10,
                       .linger_per_mille = 300,
                       .stall_per_mille = seed % 6 ? 0 : 20,
                       .stall_ms = {0, 100}},
        };
        movex_leak_report report =
            check_for(bob_and_carol, network, (scene){.type = type, .plays = plays_at_random, .seed = seed});
        ck_assert_msg(report.verdict != MOVEX_LEAK_FOUND, "seed %d: %s", (int)seed, report.text);
        comparable += report.comparable;
        viewers += report.viewers;
        bytes += report.bytes;
        all_bytes += report.all_bytes;
    }
    if (getenv("MOVEX_TEST_VERBOSE"))
        printf("# %d of %d to the end, %d of %d bytes\n", (int)comparable, (int)viewers, (int)bytes, (int)all_bytes);
    ck_assert_uint_gt(2 * bytes, all_bytes);
    ck_assert_uint_gt(2 * comparable, viewers);
    if (_i == 0) ck_assert_uint_lt(comparable, viewers); /* some come to the reveal */
}
END_TEST

/* ---- the rule itself, with frames by hand beside a master */

typedef enum sending { NOTHING, ONE, OTHER, LONGER, THE_END } sending;

/* What a made-up master sends bob, and when the inputs differ: in steps. */
typedef struct made_up {
    sending  first[2];     /* in step 2, by run */
    sending  second[2];    /* in step 4 */
    int      differs;      /* the step in which the public log differs; 0: never */
    bool     sends_late;   /* the frames leave after the observer was told in their step */
    bool     agrees_after; /* bob sends something, the same in both runs, at the end of each step */
    bool     differs_last; /* it differs only after that */
    bool     dan_sends;    /* in step 4, in one run, before an entry that both runs have */
    unsigned dans_run;
    int      may_show; /* step; 0: from the start */
} made_up;

static void send(movex_io io, movex_link link, sending what)
{
    const char *bytes = what == LONGER ? "abcdef" : what == OTHER ? "abX" : "abc";
    if (what == THE_END)
        io.ops->close(io.self, link);
    else if (what)
        ck_assert_int_eq(io.ops->send(io.self, link, bytes, strlen(bytes)), MOVEX_OK);
}

static void play_made_up(void *user, const movex_leak_run *run)
{
    const made_up *m = user;
    movex_master  *master = movex_master_new(
         &(movex_master_config){.types = MOVEX_TYPES(&duel_type), .seed = 1, .observer = run->observer});
    movex_io by_hand = movex_mock_listen_as(run->net, "by hand"),
             bob = movex_mock_connect_to(run->net, "bob", "by hand"),
             dan = movex_mock_connect_to(run->net, "dan", "by hand");
    movex_io_event event;
    movex_link     link, other;
    movex_master_attach(master, movex_mock_listen(run->net));
    movex_client *client =
        movex_client_new(&(movex_client_config){.id = "bob", .io = movex_mock_connect_as(run->net, "bob")});
    movex_bind(client, &duel_type, "main");
    for (uint64_t now_ms = 0; now_ms < 10; now_ms++) {
        movex_mock_poll(run->net, now_ms);
        movex_master_poll(master, now_ms);
        movex_client_poll(client, now_ms);
    }
    by_hand.ops->listen(by_hand.self);
    ck_assert_int_eq(bob.ops->open(bob.self, NULL, &link), MOVEX_OK);
    ck_assert_int_eq(dan.ops->open(dan.self, NULL, &other), MOVEX_OK);
    for (int i = 0; i < 6; i++) {
        movex_mock_poll(run->net, (uint64_t)(10 + i));
        while (by_hand.ops->recv(by_hand.self, &event) == MOVEX_OK) {}
        while (bob.ops->recv(bob.self, &event) == MOVEX_OK) {}
        while (dan.ops->recv(dan.self, &event) == MOVEX_OK) {}
        if (i == m->may_show) movex_leak_may_show(run);
        sending what = i == 2 ? m->first[run->secret] : i == 4 ? m->second[run->secret] : NOTHING;
        if (!m->sends_late) send(by_hand, link, what);
        if (m->dan_sends && i == 4 && run->secret == m->dans_run) send(dan, other, ONE);
        bool differs = i && i == m->differs && run->secret;
        if ((differs && !m->differs_last) || (m->dan_sends && i == 4))
            movex_master_dispatch(master, &duel_type, "main", DUEL_NOTE, NULL, NULL);
        if (m->sends_late) send(by_hand, link, what);
        if (m->agrees_after && i) send(bob, link, ONE);
        if (differs && m->differs_last) movex_master_dispatch(master, &duel_type, "main", DUEL_NOTE, NULL, NULL);
    }
    movex_io ios[] = {bob, dan, by_hand};
    movex_client_free(client);
    movex_master_free(master);
    for (int i = 0; i < 3; i++) ios[i].ops->destroy(ios[i].self);
}

static movex_leak_report check_made_up(made_up m)
{
    static const char *const bob[] = {"bob", NULL};
    movex_leak_report        report;
    ck_assert_int_eq(movex_leak_check(&(movex_leak_config){.play = play_made_up, .user = &m, .viewers = bob}, &report),
                     MOVEX_OK);
    if (getenv("MOVEX_TEST_VERBOSE")) printf("# %d %s\n", report.verdict, report.text);
    return report;
}

START_TEST(the_first_frame_that_differs_is_named)
{
    movex_leak_report report = check_made_up((made_up){.first = {ONE, ONE}, .second = {ONE, OTHER}});
    expect(report, MOVEX_LEAK_FOUND, "bob", "at 14 ms differs at byte 2 of 3; nothing was ordered before");
    report = check_made_up((made_up){.second = {ONE, LONGER}});
    expect(report, MOVEX_LEAK_FOUND, "bob", "at 14 ms differs at byte 3, and has 3 or 6 bytes");
    report = check_made_up((made_up){.first = {NOTHING, ONE}});
    expect(report, MOVEX_LEAK_FOUND, "bob", "at 12 ms is sent with secret 1 alone");
    report = check_made_up((made_up){.first = {ONE, NOTHING}, .second = {NOTHING, ONE}});
    expect(report, MOVEX_LEAK_FOUND, "bob", "at 12 ms is sent at 14 ms with secret 1");
    report = check_made_up((made_up){.second = {NOTHING, THE_END}});
    expect(report, MOVEX_LEAK_FOUND, "bob", "the end of its link, number 9 at 14 ms is sent with secret 1 alone");
    expect_none(check_made_up((made_up){.second = {THE_END, THE_END}}));
    expect_none(check_made_up((made_up){.first = {LONGER, LONGER}, .second = {OTHER, OTHER}}));
}
END_TEST

START_TEST(what_leaves_before_inputs_differ_is_compared)
{
    for (int late = 0; late < 2; late++) {
        made_up m = {.second = {ONE, OTHER}, .sends_late = late};
        /* Later than the frame: it is a leak, though the log differs in the end. */
        m.differs = 5;
        expect(check_made_up(m), MOVEX_LEAK_FOUND, "bob", "differs at byte 2");
        /* Earlier: it may follow from the log. */
        m.differs = 3;
        expect(check_made_up(m), MOVEX_LEAK_SHOWN, "bob", "from 13 ms");
        /* In the same step: an entry that is missing may be why it was sent. */
        m.differs = 4;
        expect(check_made_up(m), MOVEX_LEAK_SHOWN, "bob", "from 14 ms");
    }
}
END_TEST

START_TEST(what_inputs_agree_after_is_compared)
{
    made_up m = {.second = {NOTHING, ONE}, .agrees_after = true};
    expect(check_made_up(m), MOVEX_LEAK_FOUND, "bob", "is sent with secret 1 alone");
    m.differs = 5;
    expect(check_made_up(m), MOVEX_LEAK_FOUND, "bob", "is sent with secret 1 alone");
    m.differs = 4;
    expect(check_made_up(m), MOVEX_LEAK_SHOWN, "bob", "the public log differs");
    m.differs_last = true;
    expect(check_made_up(m), MOVEX_LEAK_FOUND, "bob", "is sent with secret 1 alone");
    m.differs_last = false;
    m.may_show = 5; /* later than that */
    expect(check_made_up(m), MOVEX_LEAK_FOUND, "bob", "the public log differs");
}
END_TEST

START_TEST(an_entry_that_only_comes_later_is_not_missing)
{
    for (unsigned run = 0; run < 2; run++)
        expect(check_made_up((made_up){.dan_sends = true, .dans_run = run, .may_show = 5}), MOVEX_LEAK_INCOMPARABLE,
               "bob", "others send");
}
END_TEST

/* ---- what it must be given */

static void play_unobserved(void *user, const movex_leak_run *run)
{
    movex_leak_run blind = *run;
    blind.observer = (movex_observer){0};
    play(user, &blind);
}

START_TEST(mistakes_are_told)
{
    scene             s = {.type = &duel_type, .plays = hides_a_move};
    movex_leak_report report;
    movex_leak_config config = {.play = play, .user = &s, .viewers = bob_and_carol};
    movex_leak_config none = config, silent = config, blind = config, stranger = config;
    none.viewers = &bob_and_carol[2];
    silent.play = NULL;
    blind.play = play_unobserved;
    stranger.viewers = (const char *const[]){"bob", "caroline", NULL};
    ck_assert_int_eq(movex_leak_check(NULL, &report), MOVEX_ERR_ARGUMENT);
    ck_assert_int_eq(movex_leak_check(&none, &report), MOVEX_ERR_ARGUMENT);
    ck_assert_int_eq(movex_leak_check(&silent, &report), MOVEX_ERR_ARGUMENT);
    ck_assert_int_eq(movex_leak_check(&blind, &report), MOVEX_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(report.text, "observer"));
    ck_assert_int_eq(movex_leak_check(&stranger, &report), MOVEX_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(report.text, "caroline has never dialled"));
    ck_assert_int_eq(movex_leak_check(&config, NULL), MOVEX_OK);
}
END_TEST

static void count_frame(void *user, const movex_mock_frame *frame)
{
    uint64_t *count = user;
    *count += frame->kind == MOVEX_IO_MESSAGE;
}

START_TEST(the_tap_of_the_program_is_called_as_well)
{
    uint64_t          count = 0;
    movex_leak_report report = check_for(bob_and_carol, (movex_mock_config){.tap = count_frame, .user = &count},
                                         (scene){.type = &duel_type, .plays = hides_a_move});
    ck_assert_uint_gt(count, 2 * report.all_frames);
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    scene    s = {.type = &duel_type, .plays = reveals};
    uint64_t fail_at = 0;
    meter    memory;
    do {
        movex_leak_report report;
        memory = (meter){.fail_at = ++fail_at};
        int status = movex_leak_check(
            &(movex_leak_config){
                .play = play, .user = &s, .viewers = bob_and_carol, .allocator = meter_allocator(&memory)},
            &report);
        ck_assert_int_eq(status, memory.failed ? MOVEX_ERR_MEMORY : MOVEX_OK);
        ck_assert_uint_eq(memory.blocks, 0);
        ck_assert_uint_eq(memory.wrong, 0);
    } while (memory.failed);
    ck_assert_uint_gt(fail_at, 15);
    memory = (meter){.fail_at = 1};
    movex_leak_config config = {
        .play = play, .user = &s, .viewers = bob_and_carol, .network = {.allocator = meter_allocator(&memory)}};
    ck_assert_int_eq(movex_leak_check(&config, NULL), MOVEX_ERR_MEMORY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leak");
    TCase *games = tcase_create("games"), *rule = tcase_create("rule");
    tcase_set_timeout(games, 120);
    tcase_set_timeout(rule, 60);
    suite_add_tcase(suite, games);
    suite_add_tcase(suite, rule);
    tcase_add_test(games, hidden_moves_do_not_show);
    tcase_add_test(games, after_the_reveal_nothing_is_compared);
    tcase_add_test(games, nobody_is_told_whether_anything_is_hidden);
    tcase_add_test(games, nobody_is_told_what_the_hidden_half_draws);
    tcase_add_test(games, a_refusal_in_one_view_does_not_show);
    tcase_add_test(games, a_refused_hidden_half_shows_nothing);
    tcase_add_test(games, nothing_shows_while_all_come_and_go);
    tcase_add_test(games, a_state_that_is_put_is_an_entry);
    tcase_add_test(games, decks_and_hands_do_not_show);
    tcase_add_test(games, planted_leaks_of_cards_are_found);
    tcase_add_test(games, a_field_that_is_not_redacted_is_found);
    tcase_add_test(games, planted_leaks_of_the_schedule_are_found);
    tcase_add_test(games, what_is_bound_has_a_past);
    tcase_add_test(games, what_happens_elsewhere_does_not_count);
    tcase_add_loop_test(games, a_bad_network_makes_no_leak, 0, 3);
    tcase_add_test(rule, the_first_frame_that_differs_is_named);
    tcase_add_test(rule, what_leaves_before_inputs_differ_is_compared);
    tcase_add_test(rule, what_inputs_agree_after_is_compared);
    tcase_add_test(rule, an_entry_that_only_comes_later_is_not_missing);
    tcase_add_test(rule, mistakes_are_told);
    tcase_add_test(rule, the_tap_of_the_program_is_called_as_well);
    tcase_add_test(rule, every_failed_allocation_is_survived);
    return movex_test_main(suite);
}
