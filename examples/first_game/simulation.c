/* A test of Nim in a few lines: hundreds of matches over a bad network, see docs/testing.md.

   usage: simulation */
#include "nim.h"

#include <movex/simulation.h>
#include <stdio.h>

static void act(movex_simulation_player *player)
{
    const nim *table = movex_state(player->resource);
    uint8_t    heap = (uint8_t)movex_simulation_draw(player, NIM_HEAPS);
    uint8_t    stones = (uint8_t)(1 + movex_simulation_draw(player, 3));
    if (table->phase == NIM_WAITING) movex_dispatch(player->resource, NIM_SIT, NULL);
    if (table->phase == NIM_PLAYING) movex_dispatch(player->resource, NIM_TAKE, &(nim_take){heap, stones});
    if (table->phase == NIM_OVER) movex_dispatch(player->resource, NIM_AGAIN, NULL);
}

static const char *check(void *user, const void *state)
{
    const nim *table = state;
    (void)user;
    int stones = 0;
    for (int i = 0; i < NIM_HEAPS; i++) stones += table->stones[i];
    return table->phase == NIM_OVER && stones > 0 ? "the game is over, and there are stones left" : NULL;
}

static void print(void *user, const char *line)
{
    fprintf(user, "%s\n", line);
}

int main(void)
{
    movex_simulation_report report;
    movex_simulation_config config = {
        .type = &nim_type,
        .players = 3, /* one looks on */
        .act = act,
        .check = check,
        .faults = {.cut_per_mille = 50, .half_open_per_mille = 10, .stall_per_mille = 10},
    };
    bool passed = movex_simulate(&config, &report);
    if (!passed) puts(report.text);
    if (report.failed) movex_simulation_replay(&config, &report, print, stdout);
    movex_simulation_report_free(&report);
    return passed ? 0 : 1;
}
