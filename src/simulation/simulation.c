/* Simulations: one match for each seed, and what is reported of them. */
#include "simulation_internal.h"

#include "../core/format.h"

#include <string.h>

/* The configuration with its defaults; false, with report.text, if it is wrong. */
static bool resolve(const movex_simulation_config *config, movex_simulation_config *resolved,
                    movex_simulation_report *report)
{
    const char *fault = NULL;
    *report = (movex_simulation_report){.runs = 0};
    if (!config || !config->type || !config->act) fault = "a simulation needs a type and somebody who acts";
    if (config && config->players > SIMULATION_MOST_PLAYERS) fault = "a simulation has 64 players at most";
    if (fault) {
        movex_format format = movex_format_into(report->text, sizeof report->text);
        movex_format_text(&format, fault);
        return false;
    }
    *resolved = *config;
    if (!resolved->players) resolved->players = 2;
    if (!resolved->seeds) resolved->seeds = 100;
    if (!resolved->first_seed) resolved->first_seed = 1;
    if (!resolved->play_ms) resolved->play_ms = 5000;
    if (!resolved->act_ms) resolved->act_ms = 50;
    if (!resolved->rest_ms) resolved->rest_ms = 120000;
    if (!resolved->shrink_runs) resolved->shrink_runs = 2000;
    if (!resolved->latency_ms.min && !resolved->latency_ms.max) resolved->latency_ms = (movex_mock_range){1, 100};
    if (!resolved->crash_ms.min && !resolved->crash_ms.max) resolved->crash_ms = (movex_mock_range){0, 2000};
    if (!resolved->allocator.allocate) resolved->allocator = movex_allocator_default();
    report->allocator = resolved->allocator;
    return true;
}

static void count(movex_simulation_report *report, const simulation_match *match)
{
    report->runs++;
    report->actions += match->stats.actions;
    report->accepted += match->stats.accepted;
    report->cuts += match->net_stats.cuts;
    report->lingering += match->net_stats.lingering;
    report->half_open += match->net_stats.half_open;
    report->stalls += match->net_stats.stalls;
    report->jumps += match->net_stats.jumps;
    report->crashes += match->crashes;
    report->restarts += match->restarts;
}

static void describe(movex_simulation_report *report, const char *what)
{
    movex_format format = movex_format_into(report->text, sizeof report->text);
    movex_format_text(&format, "seed ");
    movex_format_unsigned(&format, report->seed);
    movex_format_text(&format, ", ");
    movex_format_unsigned(&format, report->step_count);
    movex_format_text(&format, report->step_count == 1 ? " step of " : " steps of ");
    movex_format_unsigned(&format, report->drawn);
    movex_format_text(&format, ": ");
    movex_format_text(&format, what);
}

/* Keeps the fewest steps of a schedule that fails. */
static void report_failure(const movex_simulation_config *config, movex_simulation_report *report, uint64_t seed,
                           const simulation_match *failed, simulation_schedule *schedule)
{
    report->failed = true;
    report->seed = seed;
    report->drawn = schedule->count;
    report->shrink_runs = movex_simulation_shrink(config, seed, failed->failure, schedule, config->shrink_runs);

    simulation_match last = {.line = NULL}; /* what the fewest steps say */
    movex_simulation_play(&last, config, seed, schedule);
    report->step_count = schedule->count;
    const movex_allocator *allocator = &config->allocator;
    size_t                 size = schedule->count * sizeof *report->steps;
    if (size) report->steps = allocator->allocate(allocator->user, size);
    if (report->steps) memcpy(report->steps, schedule->steps, size);
    if (size && !report->steps) report->step_count = 0;
    describe(report, last.failure == failed->failure ? last.text : failed->text);
}

bool movex_simulate(const movex_simulation_config *config, movex_simulation_report *report)
{
    movex_simulation_config resolved;
    if (!resolve(config, &resolved, report)) return false;
    for (uint32_t i = 0; i < resolved.seeds; i++) {
        uint64_t            seed = resolved.first_seed + i;
        simulation_schedule schedule;
        simulation_match    match = {.line = NULL};
        simulation_failure  failure = SIMULATION_MEMORY;
        if (movex_simulation_make_schedule(&resolved, seed, &schedule))
            failure = movex_simulation_play(&match, &resolved, seed, &schedule);
        count(report, &match);
        if (failure == SIMULATION_MEMORY) {
            movex_format format = movex_format_into(report->text, sizeof report->text);
            movex_format_text(&format, movex_status_text(MOVEX_ERR_MEMORY));
        } else if (failure != SIMULATION_OK) {
            report_failure(&resolved, report, seed, &match, &schedule);
        }
        movex_simulation_free_schedule(&resolved.allocator, &schedule);
        if (failure != SIMULATION_OK) return false;
    }
    return true;
}

bool movex_simulation_replay(const movex_simulation_config *config, const movex_simulation_report *report,
                             void (*line)(void *user, const char *text), void                     *user)
{
    movex_simulation_config   resolved;
    movex_simulation_report   unused;
    simulation_match          match = {.line = line, .user = user};
    const simulation_schedule schedule = {.steps = report->steps, .count = report->step_count};
    if (!report->failed || !resolve(config, &resolved, &unused)) return false;
    return movex_simulation_play(&match, &resolved, report->seed, &schedule) != SIMULATION_OK;
}

uint32_t movex_simulation_draw(movex_simulation_player *player, uint32_t bound)
{
    return bound ? (uint32_t)movex_dice_below(&player->random, bound) : 0;
}

void movex_simulation_report_free(movex_simulation_report *report)
{
    if (report->steps)
        report->allocator.release(report->allocator.user, report->steps, report->step_count * sizeof *report->steps);
    report->steps = NULL;
    report->step_count = 0;
}
