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
static int intention(const opponent *player, const tictactoe *table)
{
    int seat = tictactoe_seat_of(table, player->name);
    if (movex_pending(player->table) > 0) return -1;
    if (seat < 0) return tictactoe_is_full(table) ? -1 : TICTACTOE_SIT;
    if (tictactoe_is_turn_of(table, seat)) return TICTACTOE_PLACE;
    bool wants_more = table->result != TICTACTOE_OPEN && table->round < player->rounds;
    return wants_more && seat == 0 ? TICTACTOE_AGAIN : -1;
}

void opponent_play(opponent *player, uint64_t now_ms)
{
    const tictactoe *table = movex_state(player->table);
    int              action = movex_in_sync(player->table) ? intention(player, table) : -1;
    if (action < 0) {
        player->thinking = false;
        return;
    }
    if (!player->thinking) {
        player->thinking = true;
        player->due_ms = now_ms + (action == TICTACTOE_SIT ? 0 : player->pause_ms);
    }
    if (now_ms < player->due_ms) return;
    player->thinking = false;
    if (action == TICTACTOE_PLACE) {
        int seat = tictactoe_seat_of(table, player->name);
        movex_dispatch(player->table, TICTACTOE_PLACE, &(tictactoe_place){opponent_choose(table, seat, player->name)});
    } else {
        movex_dispatch(player->table, (uint32_t)action, NULL);
    }
}

bool opponent_is_done(const opponent *player)
{
    const tictactoe *table = movex_confirmed_state(player->table);
    return movex_in_sync(player->table) && movex_pending(player->table) == 0 && table->result != TICTACTOE_OPEN &&
           table->round >= player->rounds;
}
