/* Simulations: a good game passes with everything going wrong, planted faults are found, and shrunk to the fewest steps. */
#include "meter.h"
#include "row_game.h"
#include "support.h"

#include <movex/simulation.h>

#include <string.h>

static void play_row(movex_simulation_player *player)
{
    const row_append number = {(int32_t)movex_simulation_draw(player, 1000)};
    const row_swap   which = {(uint8_t)movex_simulation_draw(player, 6), (uint8_t)movex_simulation_draw(player, 6)};
    const row_say    say = {"something to say"};
    uint32_t         action = movex_simulation_draw(player, ROW_ACTIONS);
    const void      *payload = NULL;
    if (action == ROW_APPEND) payload = &number;
    if (action == ROW_SWAP) payload = &which;
    if (action == ROW_SAY) payload = &say;
    ck_assert_uint_gt(movex_dispatch(player->resource, action, payload), 0);
}

static const movex_mock_faults all_faults = {
    .cut_per_mille = 40,
    .dial_failure_per_mille = 100,
    .half_open_per_mille = 15,
    .half_open_ms = {100, 3000},
    .linger_per_mille = 400,
    .linger_ms = {0, 1500},
    .stall_per_mille = 20,
    .stall_ms = {0, 1000},
    .jump_per_mille = 10,
    .jump_ms = {0, 40000}, /* longer than a session outlives its connection */
};

/* 500 matches; MOVEX_TEST_LONG: ten times as many. */
START_TEST(a_good_game_passes)
{
    bool                    is_long = movex_test_is_long();
    movex_simulation_report report;
    movex_simulation_config config = {.type = &row_type,
                                      .players = 3,
                                      .act = play_row,
                                      .seeds = is_long ? 500 : 50,
                                      .first_seed = 1 + (uint64_t)_i * 1000,
                                      .faults = all_faults,
                                      .queue_bytes = _i % 2 ? 500 : 0,
                                      .max_frame = _i % 3 ? 0 : MOVEX_IO_MIN_FRAME};
    bool                    passed = movex_simulate(&config, &report);
    ck_assert_msg(passed, "%s", report.text);
    ck_assert_str_eq(report.text, "");
    ck_assert_uint_eq(report.runs, config.seeds);
    ck_assert_uint_gt(report.actions, 200 * report.runs);
    ck_assert_uint_gt(report.accepted, 100 * report.runs);
    ck_assert_uint_gt(report.cuts, report.runs);
    ck_assert_uint_gt(report.lingering, report.runs / 2);
    ck_assert_uint_gt(report.half_open, report.runs / 2);
    ck_assert_uint_gt(report.stalls, report.runs);
    ck_assert_uint_gt(report.jumps, report.runs / 2);
    movex_simulation_report_free(&report);
}
END_TEST

/* Masters and players crash and start again, over a store that is slow, or at once durable. */
START_TEST(a_good_game_survives_crashes)
{
    movex_simulation_report report;
    movex_simulation_config config = {.type = &row_type,
                                      .players = 3,
                                      .act = play_row,
                                      .seeds = movex_test_is_long() ? 500 : 50,
                                      .first_seed = 1 + (uint64_t)_i * 1000,
                                      .faults = all_faults,
                                      .player_crash_per_mille = 15,
                                      .master_crash_per_mille = 15,
                                      .flush_ms = _i % 2 ? 20 : 0,
                                      .grace_ms = _i % 3 ? 2000 : 0};
    ck_assert_msg(movex_simulate(&config, &report), "%s", report.text);
    ck_assert_uint_gt(report.restarts, 2 * report.runs);
    ck_assert_uint_gt(report.crashes, report.restarts + 2 * report.runs);
    ck_assert_uint_gt(report.accepted, 20 * report.runs);
    movex_simulation_report_free(&report);
}
END_TEST

/* ---- hidden moves, and a secret of the master's: a view for each */

enum { DUEL_SEATS = 3, DUEL_NONE = 0, DUEL_HIDDEN = 1 };
enum { DUEL_SIT, DUEL_MOVE, DUEL_READY, DUEL_AGAIN, DUEL_DEAL, DUEL_ACTIONS };

typedef struct {
    char     names[DUEL_SEATS][32];
    uint8_t  moves[DUEL_SEATS];
    uint32_t rounds, sum;
    uint64_t secret;
} duel;

typedef struct {
    uint8_t seat, move;
} duel_move;
typedef struct {
    uint8_t seat;
} duel_ready;

MOVEX_SCHEMA(duel_schema, duel, MOVEX_TEXTS(duel, names), MOVEX_ARRAY(duel, moves), MOVEX_FIELD(duel, rounds),
             MOVEX_FIELD(duel, sum), MOVEX_FIELD(duel, secret));
MOVEX_SCHEMA(duel_move_schema, duel_move, MOVEX_FIELD(duel_move, seat), MOVEX_FIELD(duel_move, move));
MOVEX_SCHEMA(duel_ready_schema, duel_ready, MOVEX_FIELD(duel_ready, seat));

static int duel_set(duel *d, const movex_context *context, uint8_t seat, uint8_t move)
{
    if (seat >= DUEL_SEATS || !movex_text_equals(d->names[seat], context->author)) return 1;
    d->moves[seat] = move;
    return MOVEX_ACCEPT;
}

static int duel_reduce(void *state, const movex_action *action, const movex_context *context)
{
    duel *d = state;
    switch (action->type) {
    case DUEL_SIT:
        for (int i = 0; i < DUEL_SEATS; i++) {
            if (movex_text_equals(d->names[i], context->author)) return 2;
            if (d->names[i][0]) continue;
            movex_text_set(d->names[i], context->author);
            return MOVEX_ACCEPT;
        }
        return 3;
    case DUEL_MOVE: {
        const duel_move *m = action->payload;
        return m->move > DUEL_HIDDEN ? duel_set(d, context, m->seat, m->move) : 4;
    }
    case DUEL_READY: return duel_set(d, context, ((const duel_ready *)action->payload)->seat, DUEL_HIDDEN);
    case DUEL_AGAIN:
        for (int i = 0; i < DUEL_SEATS; i++)
            if (d->moves[i] <= DUEL_HIDDEN) return 5;
        for (int i = 0; i < DUEL_SEATS; i++) d->sum = d->sum * 31 + d->moves[i];
        memset(d->moves, 0, sizeof d->moves);
        d->rounds++;
        return MOVEX_ACCEPT;
    case DUEL_DEAL: d->secret = movex_random(context); return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static bool duel_can_reconcile(const void *state)
{
    const duel *d = state;
    return d->moves[0] && d->moves[1] && d->moves[2];
}

static bool duel_covers(const movex_action *hidden, const movex_action *shown)
{
    return ((const duel_move *)hidden->payload)->seat == ((const duel_ready *)shown->payload)->seat;
}

static void duel_redact(void *state, const char *viewer)
{
    duel *d = state;
    if (!movex_text_equals(d->names[0], viewer) || !viewer[0]) d->secret = 0;
}

static const movex_action_type duel_actions[DUEL_ACTIONS] = {
    [DUEL_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [DUEL_MOVE] = {.name = "move", .payload = &duel_move_schema, .hidden_as = "ready"},
    [DUEL_READY] = {.name = "ready", .payload = &duel_ready_schema},
    [DUEL_AGAIN] = {.name = "again"},
    [DUEL_DEAL] = {.name = "deal", .flags = MOVEX_MASTER_ONLY},
};

/* With a secret of the master's: redacted, and dealt by the master alone. Without: as many actions less one. */
static movex_type duel_type(bool with_secret)
{
    return (movex_type){.name = "duel",
                        .state = &duel_schema,
                        .actions = duel_actions,
                        .action_count = with_secret ? DUEL_ACTIONS : DUEL_DEAL,
                        .reduce = duel_reduce,
                        .can_reconcile = duel_can_reconcile,
                        .covers = duel_covers,
                        .redact = with_secret ? duel_redact : NULL};
}

static uint32_t most_rounds;

static void play_duel(movex_simulation_player *player)
{
    const duel *d = movex_state(player->resource);
    bool        with_secret = movex_resource_type(player->resource)->action_count == DUEL_ACTIONS;
    duel_move   mine = {0, (uint8_t)(2 + movex_simulation_draw(player, 3))};
    duel_ready  shown = {0};
    for (uint8_t i = 0; i < DUEL_SEATS; i++)
        if (movex_text_equals(d->names[i], movex_client_id(player->client))) mine.seat = shown.seat = i;
    if (with_secret && movex_simulation_draw(player, 4) == 0) movex_dispatch(player->resource, DUEL_DEAL, NULL);
    if (d->rounds > most_rounds) most_rounds = d->rounds;
    switch (movex_simulation_draw(player, 4)) {
    case 0: movex_dispatch(player->resource, DUEL_SIT, NULL); break;
    case 1: movex_dispatch(player->resource, DUEL_AGAIN, NULL); break;
    default: movex_dispatch_private(player->resource, DUEL_MOVE, &mine, DUEL_READY, &shown);
    }
}

START_TEST(every_view_is_right)
{
    bool                    with_secret = _i % 2;
    movex_type              type = duel_type(with_secret);
    movex_simulation_report report;
    movex_simulation_config config = {.type = &type,
                                      .players = 4, /* one has no seat */
                                      .act = play_duel,
                                      .seeds = movex_test_is_long() ? 500 : 50,
                                      .first_seed = 1 + (uint64_t)_i * 1000,
                                      .faults = all_faults};
    most_rounds = 0;
    if (_i >= 2) config.faults.jump_per_mille = 0; /* sessions live on, so that more is revealed */
    ck_assert_msg(movex_simulate(&config, &report), "%s", report.text);
    ck_assert_uint_gt(report.accepted, 50 * report.runs);
    ck_assert_uint_gt(report.cuts, 2 * report.runs);
    ck_assert_uint_gt(most_rounds, 3);
    movex_simulation_report_free(&report);
}
END_TEST

/* A client comes back after its session has ended, but is known because of what it has hidden. The WELCOME that says so is lost: it
   must hear the same again, and not be taken for somebody whose subscriptions have been taken from him. */
START_TEST(a_new_session_whose_welcome_is_lost_is_new_the_next_time)
{
    static const char *const names[] = {"ann", "ben", "cid"};
    movex_type               type = duel_type(false);
    movex_mock              *net = movex_mock_new(NULL);
    movex_master   *master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&type), .grace_ms = 1000});
    movex_client   *clients[3];
    movex_resource *duels[3];
    movex_event     event;
    uint64_t        now_ms = 0;
    bool            welcome_lost = false;
    ck_assert_int_eq(movex_master_attach(master, movex_mock_listen(net)), MOVEX_OK);
    for (int i = 0; i < 3; i++) {
        clients[i] = movex_client_new(&(movex_client_config){
            .id = names[i], .io = movex_mock_connect_as(net, names[i]), .reconnect_min_ms = 100});
        duels[i] = movex_bind(clients[i], &type, "d");
        movex_dispatch(duels[i], DUEL_SIT, NULL);
    }
    for (; now_ms < 20000; now_ms++) {
        if (now_ms == 100) {
            for (uint8_t seat = 0; seat < DUEL_SEATS; seat++)
                if (movex_text_equals(((const duel *)movex_state(duels[1]))->names[seat], "ben"))
                    ck_assert_uint_gt(movex_dispatch_private(duels[1], DUEL_MOVE, &(duel_move){seat, 3}, DUEL_READY,
                                                             &(duel_ready){seat}),
                                      0);
        }
        if (now_ms == 200) {
            movex_mock_cut(net, "ben");
            movex_mock_partition(net, "ben", true);
        }
        if (now_ms == 5000) movex_mock_partition(net, "ben", false); /* its session is over */
        movex_mock_poll(net, now_ms);
        movex_master_poll(master, now_ms);
        for (movex_master_event said; movex_master_next(master, &said);) {
            if (now_ms < 5000 || welcome_lost || said.kind != MOVEX_MASTER_CONNECTED) continue;
            movex_mock_hold(net, true); /* what is on its way is lost */
            movex_mock_cut(net, "ben");
            movex_mock_hold(net, false);
            welcome_lost = true;
        }
        for (int i = 0; i < 3; i++) {
            movex_client_poll(clients[i], now_ms);
            while (movex_client_next(clients[i], &event)) ck_assert_int_ne(event.kind, MOVEX_EVENT_REMOVED);
        }
    }
    ck_assert(welcome_lost);
    ck_assert(movex_in_sync(duels[1]));
    ck_assert_uint_eq(movex_subscriber_count(duels[0]), 3);
    for (int i = 0; i < 3; i++) movex_client_free(clients[i]);
    movex_master_free(master);
    movex_mock_free(net);
}
END_TEST

/* ---- planted faults */

static uint32_t counter;

/* Every twentieth append, on whichever machine, adds one more. */
static int reduce_wrongly(void *state, const movex_action *action, const movex_context *context)
{
    row *r = state;
    int  answer = row_type.reduce(state, action, context);
    if (answer == MOVEX_ACCEPT && action->type == ROW_APPEND && ++counter % 20 == 0) r->numbers[r->count - 1]++;
    return answer;
}

static movex_type wrong_type(void)
{
    movex_type type = row_type;
    type.reduce = reduce_wrongly;
    counter = 0;
    return type;
}

START_TEST(a_reducer_that_counts_is_named)
{
    movex_type              type = wrong_type();
    movex_simulation_report report;
    movex_simulation_config config = {.type = &type, .act = play_row, .faults = all_faults};
    ck_assert(!movex_simulate(&config, &report));
    ck_assert(report.failed);
    ck_assert_msg(strstr(report.text, "type row, action append: run twice, it left numbers[") != NULL, "%s",
                  report.text);
    movex_simulation_report_free(&report);
}
END_TEST

START_TEST(a_mismatch_is_found_without_running_twice)
{
    movex_type              type = wrong_type();
    movex_simulation_report report;
    movex_simulation_config config = {.type = &type, .act = play_row, .skips_determinism = true};
    ck_assert(!movex_simulate(&config, &report));
    /* The fields are named as well, unless what differed has been taken off again before the snapshot came. */
    ck_assert_msg(strstr(report.text, "after append by player") != NULL, "%s", report.text);
    movex_simulation_report_free(&report);
}
END_TEST

/* A rule that three appends break, wherever they are among hundreds of steps. */
static const char *check_count(void *user, const void *state)
{
    (void)user;
    return ((const row *)state)->count >= 3 ? "three are too many" : NULL;
}

START_TEST(three_steps_are_left_of_hundreds)
{
    movex_simulation_report report;
    movex_simulation_config config = {
        .type = &row_type, .act = play_row, .check = check_count, .faults = all_faults, .seeds = 5};
    ck_assert(!movex_simulate(&config, &report));
    ck_assert_uint_gt(report.drawn, 100);
    ck_assert_uint_eq(report.step_count, 3);
    ck_assert_uint_gt(report.shrink_runs, 3);
    ck_assert_uint_le(report.shrink_runs, 2000);
    for (uint32_t i = 0; i < 3; i++) ck_assert_int_eq(report.steps[i].kind, MOVEX_SIMULATION_ACT);
    ck_assert_msg(strstr(report.text, "three are too many") && strstr(report.text, "3 steps of "), "%s", report.text);
    movex_simulation_report_free(&report);
}
END_TEST

/* A game that goes wrong if somebody acts while he is not connected. */
static void play_alone(movex_simulation_player *player)
{
    row_say say = {"together"};
    if (movex_client_connection(player->client) != MOVEX_CONNECTION_OPEN && player->now_ms > 1000)
        movex_text_set(say.text, "alone");
    movex_dispatch(player->resource, ROW_SAY, &say);
}

static const char *check_alone(void *user, const void *state)
{
    (void)user;
    return strcmp(((const row *)state)->said, "alone") == 0 ? "nobody may be alone" : NULL;
}

typedef struct heard {
    uint64_t hash;
    int      lines, cuts, acts, failures, crashes;
} heard;

static void hear(void *user, const char *text)
{
    heard *h = user;
    h->lines++;
    for (const char *c = text; *c; c++) h->hash = (h->hash ^ (unsigned char)*c) * 0x100000001b3u;
    h->cuts += strstr(text, " is cut off") != NULL;
    h->crashes += strstr(text, ": master crashes; starts again in ") != NULL;
    h->acts += strstr(text, " acts") != NULL;
    h->failures += strstr(text, "FAILED: player") != NULL && strstr(text, "nobody may be alone") != NULL;
}

START_TEST(a_fault_that_needs_a_cut_keeps_it)
{
    movex_simulation_report report, again;
    movex_simulation_config config = {.type = &row_type,
                                      .act = play_alone,
                                      .check = check_alone,
                                      .faults = {.cut_per_mille = 20, .linger_per_mille = 300, .stall_per_mille = 20}};
    ck_assert(!movex_simulate(&config, &report));
    ck_assert_uint_eq(report.step_count, 2);
    bool cut = report.steps[0].kind == MOVEX_SIMULATION_CUT || report.steps[0].kind == MOVEX_SIMULATION_LINGER;
    ck_assert(cut && report.steps[1].kind == MOVEX_SIMULATION_ACT);
    ck_assert_uint_eq(report.steps[0].player, report.steps[1].player);

    heard first = {0}, second = {0};
    ck_assert(movex_simulation_replay(&config, &report, hear, &first));
    ck_assert(movex_simulation_replay(&config, &report, hear, &second));
    ck_assert_mem_eq(&first, &second, sizeof first);
    ck_assert_int_gt(first.lines, 20);
    ck_assert_int_eq(first.cuts, 1);
    ck_assert_int_eq(first.acts, 1);
    ck_assert_int_eq(first.failures, 1);

    ck_assert(!movex_simulate(&config, &again));
    ck_assert_str_eq(again.text, report.text);
    ck_assert_uint_eq(again.step_count, report.step_count);
    for (uint32_t i = 0; i < report.step_count; i++) {
        const movex_simulation_step *a = &again.steps[i], *b = &report.steps[i];
        ck_assert(a->at_ms == b->at_ms && a->kind == b->kind && a->player == b->player && a->value == b->value);
    }
    movex_simulation_report_free(&again);
    movex_simulation_report_free(&report);
}
END_TEST

START_TEST(a_fault_that_needs_a_crash_keeps_it)
{
    movex_simulation_report report, again;
    movex_simulation_config config = {
        .type = &row_type, .act = play_alone, .check = check_alone, .master_crash_per_mille = 20, .flush_ms = 5};
    ck_assert(!movex_simulate(&config, &report));
    ck_assert_uint_gt(report.drawn, 100);
    /* One crash or two, of which neither can be left out by itself. */
    uint32_t crashes = report.step_count - 1;
    ck_assert(crashes == 1 || crashes == 2);
    for (uint32_t i = 0; i < crashes; i++) {
        ck_assert_int_eq(report.steps[i].kind, MOVEX_SIMULATION_CRASH);
        ck_assert_uint_eq(report.steps[i].player, 2); /* the master */
    }
    ck_assert_int_eq(report.steps[crashes].kind, MOVEX_SIMULATION_ACT);
    ck_assert_uint_gt(report.restarts, 0);

    heard told = {0};
    ck_assert(movex_simulation_replay(&config, &report, hear, &told));
    ck_assert_int_eq(told.crashes, (int)crashes);
    ck_assert_int_eq(told.failures, 1);
    ck_assert(!movex_simulate(&config, &again));
    ck_assert_str_eq(again.text, report.text);
    movex_simulation_report_free(&again);
    movex_simulation_report_free(&report);
}
END_TEST

START_TEST(who_does_not_come_to_rest_is_found)
{
    movex_simulation_report report;
    movex_simulation_config config = {
        .type = &row_type, .act = play_row, .seeds = 1, .rest_ms = 1, .latency_ms = {50, 50}, .play_ms = 100};
    ck_assert(!movex_simulate(&config, &report));
    ck_assert_msg(strstr(report.text, "0 steps of ") && strstr(report.text, "they do not come to rest"), "%s",
                  report.text);
    ck_assert_ptr_null(report.steps);
    movex_simulation_report_free(&report);
}
END_TEST

START_TEST(a_wrong_configuration_says_so)
{
    movex_simulation_report report;
    movex_type              nameless = row_type;
    nameless.name = NULL;
    ck_assert(!movex_simulate(NULL, &report));
    ck_assert_str_eq(report.text, "a simulation needs a type and somebody who acts");
    ck_assert(!movex_simulate(&(movex_simulation_config){.type = &row_type, .act = play_row, .players = 65}, &report));
    ck_assert(!report.failed);
    ck_assert(!movex_simulate(&(movex_simulation_config){.type = &nameless, .act = play_row}, &report));
    ck_assert_msg(strstr(report.text, "name") != NULL, "%s", report.text);
    movex_simulation_report_free(&report);
}
END_TEST

/* A match that lacks memory says so, or goes on without what it lacked; nothing is leaked. */
START_TEST(every_failed_allocation_is_survived)
{
    uint64_t total = 0, said = 0;
    for (uint64_t fail_at = 1; fail_at < 400; fail_at += 3) {
        meter                   memory = {.fail_at = fail_at};
        movex_simulation_report report;
        movex_simulation_config config = {.type = &row_type,
                                          .act = play_alone,
                                          .check = check_alone,
                                          .seeds = 1,
                                          .play_ms = 1500,
                                          .shrink_runs = 20,
                                          .faults = {.cut_per_mille = 100},
                                          .player_crash_per_mille = fail_at % 2 ? 0 : 20,
                                          .master_crash_per_mille = fail_at % 2 ? 0 : 20,
                                          .allocator = meter_allocator(&memory)};
        said += !movex_simulate(&config, &report) && !report.failed;
        movex_simulation_report_free(&report);
        ck_assert_uint_eq(memory.blocks, 0);
        ck_assert_uint_eq(memory.wrong, 0);
        total++;
    }
    ck_assert_uint_gt(total, 100);
    ck_assert_uint_gt(said, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulations");
    TCase *tcase = tcase_create("simulation");
    tcase_set_timeout(tcase, 1200);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_good_game_passes, 0, 10);
    tcase_add_loop_test(tcase, a_good_game_survives_crashes, 0, 6);
    tcase_add_loop_test(tcase, every_view_is_right, 0, 4);
    tcase_add_test(tcase, a_new_session_whose_welcome_is_lost_is_new_the_next_time);
    tcase_add_test(tcase, a_reducer_that_counts_is_named);
    tcase_add_test(tcase, a_mismatch_is_found_without_running_twice);
    tcase_add_test(tcase, three_steps_are_left_of_hundreds);
    tcase_add_test(tcase, a_fault_that_needs_a_cut_keeps_it);
    tcase_add_test(tcase, a_fault_that_needs_a_crash_keeps_it);
    tcase_add_test(tcase, who_does_not_come_to_rest_is_found);
    tcase_add_test(tcase, a_wrong_configuration_says_so);
    tcase_add_test(tcase, every_failed_allocation_is_survived);
    return movex_test_main(suite);
}
