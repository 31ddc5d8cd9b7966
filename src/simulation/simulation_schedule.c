/* Schedules: drawing one from a seed, and finding the fewest steps of it that still fail. */
#include "simulation_internal.h"

#include <stdlib.h>
#include <string.h>

static bool grow(const movex_allocator *allocator, simulation_schedule *schedule)
{
    if (schedule->count < schedule->capacity) return true;
    uint32_t               capacity = schedule->capacity ? schedule->capacity * 2 : 64;
    size_t                 each = sizeof *schedule->steps;
    movex_simulation_step *steps =
        allocator->reallocate(allocator->user, schedule->steps, schedule->capacity * each, (size_t)capacity * each);
    if (!steps) return false;
    schedule->steps = steps;
    schedule->capacity = capacity;
    return true;
}

static movex_mock_range either(movex_mock_range range, uint32_t min, uint32_t max)
{
    return range.min || range.max ? range : (movex_mock_range){min, max};
}

/* Adds a fault, if it strikes. */
static bool add_fault(const movex_simulation_config *config, uint64_t *dice, simulation_schedule *schedule,
                      uint32_t per_mille, movex_simulation_step step, movex_mock_range range)
{
    bool strikes = movex_dice_chance(dice, per_mille);
    step.ms = (uint32_t)movex_dice_range(dice, range);
    if (!strikes) return true;
    if (!grow(&config->allocator, schedule)) return false;
    schedule->steps[schedule->count++] = step;
    return true;
}

/* What happens in one turn of a player. */
static bool add_turn(const movex_simulation_config *config, uint64_t *dice, simulation_schedule *schedule,
                     uint32_t player, uint64_t at_ms)
{
    const movex_mock_faults *faults = &config->faults;
    movex_mock_range         half_open = either(faults->half_open_ms, 10000, 10000);
    movex_simulation_step    step = {.at_ms = at_ms, .player = player, .kind = MOVEX_SIMULATION_ACT};
    step.value = movex_dice_draw(dice);
    if (!grow(&config->allocator, schedule)) return false;
    schedule->steps[schedule->count++] = step;

    step.value = 0;
    bool lingers = movex_dice_chance(dice, faults->linger_per_mille);
    step.kind = lingers ? MOVEX_SIMULATION_LINGER : MOVEX_SIMULATION_CUT;
    movex_mock_range late = lingers ? either(faults->linger_ms, 0, 2000) : (movex_mock_range){0, 0};
    if (!add_fault(config, dice, schedule, faults->cut_per_mille, step, late)) return false;
    step.kind = movex_dice_below(dice, 2) ? MOVEX_SIMULATION_DEAFEN : MOVEX_SIMULATION_MUTE;
    if (!add_fault(config, dice, schedule, faults->half_open_per_mille, step, half_open)) return false;
    step.kind = MOVEX_SIMULATION_STALL;
    if (!add_fault(config, dice, schedule, faults->stall_per_mille, step, either(faults->stall_ms, 0, 2000)))
        return false;
    step.kind = MOVEX_SIMULATION_JUMP;
    if (movex_dice_below(dice, 2)) step.player = config->players;
    if (!add_fault(config, dice, schedule, faults->jump_per_mille, step, either(faults->jump_ms, 0, 60000)))
        return false;
    /* Nothing is drawn for them in simulations without: these stay what they were. */
    step.kind = MOVEX_SIMULATION_CRASH;
    step.player = player;
    uint32_t chance = config->player_crash_per_mille;
    if (chance && !add_fault(config, dice, schedule, chance, step, config->crash_ms)) return false;
    step.player = config->players;
    chance = config->master_crash_per_mille;
    return !chance || add_fault(config, dice, schedule, chance, step, config->crash_ms);
}

static int compare(const void *first, const void *second)
{
    const movex_simulation_step *a = first, *b = second;
    if (a->at_ms != b->at_ms) return a->at_ms < b->at_ms ? -1 : 1;
    if (a->player != b->player) return a->player < b->player ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return a->ms < b->ms ? -1 : a->ms > b->ms;
}

bool movex_simulation_make_schedule(const movex_simulation_config *config, uint64_t seed, simulation_schedule *schedule)
{
    uint64_t dice = seed;
    *schedule = (simulation_schedule){0};
    for (uint32_t player = 0; player < config->players; player++) {
        uint64_t at_ms = movex_dice_below(&dice, 2 * (uint64_t)config->act_ms);
        for (; at_ms < config->play_ms; at_ms += 1 + movex_dice_below(&dice, 2 * (uint64_t)config->act_ms)) {
            if (add_turn(config, &dice, schedule, player, at_ms)) continue;
            movex_simulation_free_schedule(&config->allocator, schedule);
            return false;
        }
    }
    if (schedule->count > 1) qsort(schedule->steps, schedule->count, sizeof *schedule->steps, compare);
    return true;
}

void movex_simulation_free_schedule(const movex_allocator *allocator, simulation_schedule *schedule)
{
    if (schedule->steps)
        allocator->release(allocator->user, schedule->steps, schedule->capacity * sizeof *schedule->steps);
    *schedule = (simulation_schedule){0};
}

/* ---- shrinking */

static bool still_fails(const movex_simulation_config *config, uint64_t seed, simulation_failure failure,
                        const simulation_schedule *schedule)
{
    simulation_match match = {.line = NULL};
    return movex_simulation_play(&match, config, seed, schedule) == failure;
}

/* Tries without each piece of `size` steps, from the last to the first; true if one could be left out. `spare` has room for all
   steps. */
static bool leave_out(const movex_simulation_config *config, uint64_t seed, simulation_failure failure,
                      simulation_schedule *schedule, movex_simulation_step *spare, uint32_t size, uint32_t *runs)
{
    bool shorter = false;
    for (uint32_t end = schedule->count; end > 0 && *runs > 0;) {
        uint32_t            start = end > size ? end - size : 0;
        simulation_schedule without = {.steps = spare, .count = schedule->count - (end - start)};
        memcpy(spare, schedule->steps, start * sizeof *spare);
        memcpy(spare + start, schedule->steps + end, (schedule->count - end) * sizeof *spare);
        --*runs;
        if (still_fails(config, seed, failure, &without)) {
            memcpy(schedule->steps, spare, without.count * sizeof *spare);
            schedule->count = without.count;
            shorter = true;
        }
        end = start;
    }
    return shorter;
}

/* Delta debugging (Zeller and Hildebrandt 2002), without the test of the pieces themselves: a fault needs what came before it. */
uint32_t movex_simulation_shrink(const movex_simulation_config *config, uint64_t seed, simulation_failure failure,
                                 simulation_schedule *schedule, uint32_t runs)
{
    const movex_allocator *allocator = &config->allocator;
    uint32_t               left = runs;
    size_t                 size = (size_t)schedule->count * sizeof(movex_simulation_step);
    movex_simulation_step *spare = size ? allocator->allocate(allocator->user, size) : NULL;
    if (!spare) return 0;
    for (uint32_t piece = (schedule->count + 1) / 2; piece > 1; piece = (piece + 1) / 2) {
        while (schedule->count > piece && leave_out(config, seed, failure, schedule, spare, piece, &left)) {}
    }
    while (leave_out(config, seed, failure, schedule, spare, 1, &left)) {}
    allocator->release(allocator->user, spare, size);
    return runs - left;
}
