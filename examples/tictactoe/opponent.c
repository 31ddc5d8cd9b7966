#include "opponent.h"

#include <string.h>

/* A cell in which three of that mark in a row can be had at once, or -1. */
static int winning_cell(const tictactoe *table, tictactoe_mark mark)
{
    for (int i = 0; i < TICTACTOE_CELLS; i++) {
        uint8_t cell[TICTACTOE_CELLS];
        if (table->cell[i] != TICTACTOE_EMPTY) continue;
        memcpy(cell, table->cell, sizeof cell);
        cell[i] = (uint8_t)mark;
        if (tictactoe_has_line(cell, mark)) return i;
    }
    return -1;
}

/* A number that depends on name, round and board (FNV-1a, Fowler, Noll and Vo 1991). */
static uint32_t taste(const tictactoe *table, const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
    for (int i = 0; i < TICTACTOE_CELLS; i++) hash = (hash ^ table->cell[i]) * 16777619u;
    return (hash ^ table->round) * 16777619u;
}

uint8_t opponent_choose(const tictactoe *table, int seat, const char *name)
{
    uint8_t  free_cells[TICTACTOE_CELLS];
    uint32_t free_count = 0;
    int      winning = winning_cell(table, tictactoe_mark_of(seat));
    if (winning >= 0) return (uint8_t)winning;
    int threatened = winning_cell(table, tictactoe_mark_of(1 - seat));
    if (threatened >= 0) return (uint8_t)threatened;

    for (uint8_t i = 0; i < TICTACTOE_CELLS; i++)
        if (table->cell[i] == TICTACTOE_EMPTY) free_cells[free_count++] = i;
    return free_count ? free_cells[(taste(table, name) >> 8) % free_count] : 0;
}

/* What it would do now: an action, or -1 for nothing. */
static int intend(const game_robot *robot)
{
    const tictactoe *table = movex_state(robot->at.resource);
    int              seat = tictactoe_seat_of(table, robot->name);
    if (seat < 0) return tictactoe_is_full(table) ? -1 : TICTACTOE_SIT;
    if (tictactoe_is_turn_of(table, seat)) return TICTACTOE_PLACE;
    bool wants_more = table->result != TICTACTOE_OPEN && table->round < robot->rounds;
    return wants_more && seat == 0 ? TICTACTOE_AGAIN : -1;
}

static bool is_urgent(int action)
{
    return action == TICTACTOE_SIT;
}

static void act(const game_robot *robot, int action)
{
    const tictactoe *table = movex_state(robot->at.resource);
    if (action == TICTACTOE_PLACE) {
        int             seat = tictactoe_seat_of(table, robot->name);
        tictactoe_place where = {opponent_choose(table, seat, robot->name)};
        movex_dispatch(robot->at.resource, TICTACTOE_PLACE, &where);
    } else {
        movex_dispatch(robot->at.resource, (uint32_t)action, NULL);
    }
}

static bool is_done(const game_robot *robot)
{
    const tictactoe *table = movex_confirmed_state(robot->at.resource);
    return table->result != TICTACTOE_OPEN && table->round >= robot->rounds;
}

const robot_mind opponent_mind = {.intend = intend, .act = act, .is_urgent = is_urgent, .is_done = is_done};
