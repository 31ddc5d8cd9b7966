/* Whole matches of the guide's game over bad networks, in virtual time (docs/testing.md).
   usage: matches          plays many seeds and says which ones fail
          matches SEED     plays that one and shows everything that is sent */
#include "nim.h"

#include <movex/mock.h>
#include <movex/movex.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 200, A_MINUTE_MS = 60000 };

static const char *const names[] = {"alice", "bob"};

typedef struct table {
    movex_mock     *net;
    movex_master   *master;
    movex_client   *players[NIM_SEATS];
    movex_resource *games[NIM_SEATS]; /* the table, as each player has bound it */
    uint64_t        now_ms;
} table;

static void open_table(table *t, const movex_mock_config *config)
{
    *t = (table){.net = movex_mock_new(config)};
    t->master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&nim_type), .seed = config->seed});
    movex_master_attach(t->master, movex_mock_listen(t->net));
    for (int i = 0; i < NIM_SEATS; i++) {
        movex_io io = movex_mock_connect_as(t->net, names[i]);
        t->players[i] = movex_client_new(&(movex_client_config){.id = names[i], .io = io});
        t->games[i] = movex_bind(t->players[i], &nim_type, "table");
    }
}

static void close_table(table *t)
{
    for (int i = 0; i < NIM_SEATS; i++) movex_client_free(t->players[i]);
    movex_master_free(t->master);
    movex_mock_free(t->net);
}

/* One millisecond: the network delivers what is due, then everybody looks. */
static void step(table *t)
{
    movex_event event;
    movex_mock_poll(t->net, t->now_ms);
    movex_master_poll(t->master, t->now_ms);
    for (int i = 0; i < NIM_SEATS; i++) {
        movex_client_poll(t->players[i], t->now_ms);
        while (movex_client_next(t->players[i], &event)) {}
    }
    t->now_ms++;
}

/* Takes all of the first heap that has any, once it is this player's turn and the last move is answered. */
static void move(const table *t, int player)
{
    const nim *game = movex_state(t->games[player]);
    uint8_t    heap = 0;
    if (movex_pending(t->games[player]) || !nim_is_turn_of(game, names[player])) return;
    while (game->stones[heap] == 0) heap++;
    movex_dispatch(t->games[player], NIM_TAKE, &(nim_take){.heap = heap, .stones = game->stones[heap]});
}

static bool is_over(const table *t, int player)
{
    const nim *game = movex_confirmed_state(t->games[player]);
    return game->phase == NIM_OVER && movex_pending(t->games[player]) == 0;
}

/* Plays a round to its end. NULL, or what is wrong. */
static const char *play(table *t)
{
    for (int i = 0; i < NIM_SEATS; i++) movex_dispatch(t->games[i], NIM_SIT, NULL);
    while (!is_over(t, 0) || !is_over(t, 1)) {
        if (t->now_ms == A_MINUTE_MS) return "the round does not end";
        for (int i = 0; i < NIM_SEATS; i++) move(t, i);
        step(t);
    }
    if (movex_checksum(t->games[0]) != movex_checksum(t->games[1])) return "the players see different tables";
    for (int i = 0; i < NIM_SEATS; i++)
        if (movex_client_stats(t->players[i]).mismatches) return "a player has lost sync";
    return NULL;
}

static void show_frame(void *user, const movex_mock_frame *frame)
{
    static const char *const kinds[] = {
        [MOVEX_IO_OPENED] = "dials", [MOVEX_IO_MESSAGE] = "sends", [MOVEX_IO_CLOSED] = "is gone"};
    (void)user;
    printf("%6" PRIu64 " ms  %s %s, for %s: %zu bytes", frame->sent_ms, frame->from, kinds[frame->kind], frame->to,
           frame->length);
    if (frame->text) printf(" (%s)", frame->text);
    if (frame->due_ms == UINT64_MAX)
        printf(", lost\n");
    else
        printf(", due at %" PRIu64 " ms\n", frame->due_ms);
}

static bool play_seed(uint64_t seed, bool shown)
{
    table             t;
    movex_mock_config network = {
        .seed = seed,
        .latency_ms = {5, 250},
        .cut_per_mille = 20,
        .dial_failure_per_mille = 100,
        .tap = shown ? show_frame : NULL,
    };
    open_table(&t, &network);
    const char *fault = play(&t);
    if (fault) printf("seed %" PRIu64 ": %s\n", seed, fault);
    close_table(&t);
    return !fault;
}

static void step_until_in_sync(table *t)
{
    while (!movex_in_sync(t->games[0]) || !movex_in_sync(t->games[1])) step(t);
}

/* Both want to sit down, alice a moment before bob; but bob's frame overtakes hers. */
static bool the_one_who_arrives_first_sits_first(void)
{
    table            t;
    movex_mock_frame frame;
    open_table(&t, &(movex_mock_config){.seed = 1});
    step_until_in_sync(&t);
    movex_mock_hold(t.net, true);
    movex_dispatch(t.games[0], NIM_SIT, NULL);
    movex_dispatch(t.games[1], NIM_SIT, NULL);
    step(&t); /* both are sent, and wait */

    uint32_t index = 0;
    while (movex_mock_held(t.net, index, &frame) && !movex_text_equals(frame.from, "bob")) index++;
    bool released = movex_mock_release(t.net, index) == MOVEX_OK;
    step(&t); /* the master hears bob */
    movex_mock_hold(t.net, false);
    while (movex_version(t.games[0]) < 2 || movex_version(t.games[1]) < 2) step(&t);

    const nim *game = movex_state(t.games[0]);
    bool good = released && movex_text_equals(game->players[0], "bob") && movex_text_equals(game->players[1], "alice");
    close_table(&t);
    return good;
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 1) return play_seed(strtoull(argv[1], NULL, 10), true) ? EXIT_SUCCESS : EXIT_FAILURE;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) failed += !play_seed(seed, false);
    printf("%d matches, %d failed\n", SEEDS, failed);
    bool by_hand = the_one_who_arrives_first_sits_first();
    printf("by hand: %s\n", by_hand ? "as it should be" : "bob was not first");
    return failed || !by_hand ? EXIT_FAILURE : EXIT_SUCCESS;
}
