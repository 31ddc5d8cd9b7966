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
    bool                    is_long = getenv("MOVEX_TEST_LONG") != NULL;
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
    ck_assert_msg(strstr(report.text, "append") && strstr(report.text, "numbers["), "%s", report.text);
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
    int      lines, cuts, acts, failures;
} heard;

static void hear(void *user, const char *text)
{
    heard *h = user;
    h->lines++;
    for (const char *c = text; *c; c++) h->hash = (h->hash ^ (unsigned char)*c) * 0x100000001b3u;
    h->cuts += strstr(text, " is cut off") != NULL;
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
    tcase_add_test(tcase, a_reducer_that_counts_is_named);
    tcase_add_test(tcase, a_mismatch_is_found_without_running_twice);
    tcase_add_test(tcase, three_steps_are_left_of_hundreds);
    tcase_add_test(tcase, a_fault_that_needs_a_cut_keeps_it);
    tcase_add_test(tcase, who_does_not_come_to_rest_is_found);
    tcase_add_test(tcase, a_wrong_configuration_says_so);
    tcase_add_test(tcase, every_failed_allocation_is_survived);
    return movex_test_main(suite);
}
