/* W3: rock, paper, scissors in one process, with the rules of examples/rps.c: two pairs and a reveal each round, then the next
   round begins. Verified in every round: before the reveal each player sees its own move and that the other has moved; after it
   both agree, with the winner that a plain C program finds. Verified in the rounds between those that are timed: so do the
   master's public view and its full one. Verified at the end: every dispatch was accepted and answered once, every reveal was told
   once, nobody lost sync, and nothing was allocated once warm. */
#include "bench.h"
#include "count.h"

#include <movex/local.h>
#include <movex/movex.h>

#include <stdio.h>
#include <string.h>

enum { PLAYERS = 2, TIMED = 256, UNTIMED = 32, WARM_UP = 2048 }; /* rounds, in turn */

/* As examples/rps.c has them; its struct is checked against the schema. */
enum { NOBODY, HIDDEN, ROCK, PAPER, SCISSORS, DRAW };
enum { SIT, SUBMIT, READY, AGAIN };

typedef struct {
    char    player[PLAYERS][32];
    uint8_t move[PLAYERS];
    uint8_t winner;
} rps;

extern const movex_type rps_type;
movex_ticket            play(movex_resource *game, uint8_t seat, uint8_t move);

typedef struct world {
    movex_master   *master;
    movex_client   *clients[PLAYERS];
    movex_resource *games[PLAYERS]; /* by seat */
    uint64_t        now_ms, accepted, revealed;
    count           memory;
    uint64_t        random;
} world;

static void poll_all(world *w)
{
    w->now_ms++;
    for (int i = 0; i < PLAYERS; i++) movex_client_flush(w->clients[i]);
    movex_master_poll(w->master, w->now_ms);
    for (int i = 0; i < PLAYERS; i++) {
        movex_client_poll(w->clients[i], w->now_ms);
        for (movex_event event; movex_client_next(w->clients[i], &event);) {
            w->accepted += event.kind == MOVEX_EVENT_ACCEPTED;
            w->revealed += event.kind == MOVEX_EVENT_REVEALED;
        }
    }
}

static void start(world *w)
{
    movex_allocator allocator = count_allocator(&w->memory);
    *w = (world){.random = 1};
    w->master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&rps_type), .allocator = allocator});
    for (int i = 0; i < PLAYERS; i++) {
        w->clients[i] = movex_client_new(&(movex_client_config){
            .id = i ? "ben" : "ann", .io = movex_local_connect(w->master), .allocator = allocator});
        w->games[i] = movex_bind(w->clients[i], &rps_type, "main");
        if (!w->games[i]) bench_fail("w3", "out of memory");
        while (!movex_in_sync(w->games[i])) {
            movex_client_poll(w->clients[i], w->now_ms);
            poll_all(w);
        }
        if (!movex_dispatch(w->games[i], SIT, NULL)) bench_fail("w3", "a dispatch was not taken");
        poll_all(w);
    }
    const rps *game = movex_state(w->games[0]);
    if (rps_type.state->size != sizeof *game || !movex_text_equals(game->player[0], "ann") ||
        !movex_text_equals(game->player[1], "ben"))
        bench_fail("w3", "the players are not seated");
}

static void end(world *w)
{
    for (int i = 0; i < PLAYERS; i++) movex_client_free(w->clients[i]);
    movex_master_free(w->master);
}

/* ---- verifying */

static void expect(const rps *seen, uint8_t move_0, uint8_t move_1, uint8_t winner)
{
    if (seen->move[0] != move_0 || seen->move[1] != move_1 || seen->winner != winner)
        bench_fail("w3", "a view is not what its viewer may know");
}

/* The master's view for a player, or "" for the public, or NULL for the full one; its checksum. */
static uint64_t master_view(const world *w, const char *viewer, rps *state)
{
    uint64_t checksum;
    if (movex_master_view(w->master, &rps_type, "main", viewer, state, &checksum) != MOVEX_OK)
        bench_fail("w3", "the master has no such view");
    return checksum;
}

/* `seat` has moved; the other has not yet. */
static void verify_hidden(const world *w, int seat, uint8_t move, bool with_master)
{
    uint8_t own[PLAYERS] = {NOBODY, NOBODY}, shown[PLAYERS] = {NOBODY, NOBODY};
    rps     full, public;
    own[seat] = move;
    shown[seat] = HIDDEN;
    expect(movex_state(w->games[seat]), own[0], own[1], NOBODY);
    expect(movex_state(w->games[!seat]), shown[0], shown[1], NOBODY);
    if (!with_master) return;
    uint64_t full_checksum = master_view(w, NULL, &full), public_checksum = master_view(w, "", &public);
    expect(&full, own[0], own[1], NOBODY);
    expect(&public, shown[0], shown[1], NOBODY);
    if (movex_checksum(w->games[seat]) != full_checksum || movex_checksum(w->games[!seat]) != public_checksum)
        bench_fail("w3", "checksums differ while a move is hidden");
}

/* By the distance in the circle of the three moves. */
static uint8_t winner_of(const uint8_t move[PLAYERS])
{
    unsigned ahead = (move[0] + 3u - move[1]) % 3;
    return ahead == 0 ? DRAW : move[ahead == 1 ? 0 : 1];
}

static void verify_all(const world *w, const uint8_t move[PLAYERS], uint8_t winner, bool with_master)
{
    rps full, public;
    for (int i = 0; i < PLAYERS; i++) expect(movex_state(w->games[i]), move[0], move[1], winner);
    if (movex_checksum(w->games[0]) != movex_checksum(w->games[1])) bench_fail("w3", "the players' checksums differ");
    if (!with_master) return;
    uint64_t checksum = master_view(w, NULL, &full);
    if (master_view(w, "", &public) != checksum) bench_fail("w3", "the master's checksums differ after a reveal");
    expect(&full, move[0], move[1], winner);
    if (memcmp(&full, &public, sizeof full) != 0) bench_fail("w3", "the master's views differ after a reveal");
    for (int i = 0; i < PLAYERS; i++) {
        if (memcmp(movex_state(w->games[i]), &full, sizeof full) != 0) bench_fail("w3", "a client holds another state");
        if (movex_checksum(w->games[i]) != checksum) bench_fail("w3", "a client's checksum differs");
    }
}

/* ---- the run */

static uint8_t any_move(world *w)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u; /* Knuth's, good enough to scatter */
    return (uint8_t)(ROCK + (w->random >> 33) % 3);
}

static void play_round(world *w, int first, bool with_master)
{
    static const uint8_t none[PLAYERS] = {NOBODY, NOBODY};
    uint8_t              move[PLAYERS] = {any_move(w), any_move(w)};
    if (!play(w->games[first], (uint8_t)first, move[first])) bench_fail("w3", "a pair was not taken");
    poll_all(w);
    verify_hidden(w, first, move[first], with_master);

    if (!play(w->games[!first], (uint8_t)!first, move[!first])) bench_fail("w3", "a pair was not taken");
    expect(movex_state(w->games[!first]), first == 0 ? HIDDEN : move[0], first == 0 ? move[1] : HIDDEN, NOBODY);
    poll_all(w);
    verify_all(w, move, winner_of(move), with_master);

    if (!movex_dispatch(w->games[first], AGAIN, NULL)) bench_fail("w3", "a dispatch was not taken");
    poll_all(w);
    verify_all(w, none, NOBODY, with_master);
}

static void verify_end(const world *w, uint64_t rounds, uint64_t warm_allocations)
{
    for (int i = 0; i < PLAYERS; i++) {
        movex_stats stats = movex_client_stats(w->clients[i]);
        if (stats.mismatches || stats.resyncs || stats.snapshots != 1) bench_fail("w3", "a client lost sync");
        if (stats.reveals != rounds) bench_fail("w3", "a client was not told of every reveal once");
    }
    if (w->accepted != PLAYERS + 3 * rounds) bench_fail("w3", "a dispatch has not one outcome");
    if (w->revealed != PLAYERS * rounds) bench_fail("w3", "a reveal has not one event");
    if (movex_master_stats(w->master).reveals != rounds) bench_fail("w3", "a round has not one reveal");
    if (w->memory.allocations != warm_allocations) bench_fail("w3", "something was allocated once warm");
}

static void run(const bench_options *options)
{
    static world w;
    uint64_t     timed = 0, untimed = WARM_UP;
    double       seconds = 0;
    start(&w);
    for (int i = 0; i < WARM_UP; i++) play_round(&w, i & 1, true);
    uint64_t warm_allocations = w.memory.allocations;
    do {
        for (int i = 0; i < UNTIMED; i++) play_round(&w, i & 1, true);
        double started = bench_now();
        for (int i = 0; i < TIMED; i++) play_round(&w, i & 1, false);
        seconds += bench_now() - started;
        untimed += UNTIMED;
        timed += TIMED;
    } while (seconds < options->seconds);
    verify_end(&w, untimed + timed, warm_allocations);
    double bytes = (double)movex_master_stats(w.master).bytes_sent / (double)(untimed + timed);
    end(&w);
    bench_begin(options, "W3: rock, paper, scissors: 2 pairs and a reveal a round, 2 players");
    bench_report(options, &(bench_row){"w3", "2 players", "rounds/s", (double)timed / seconds, 400000});
    bench_report(options, &(bench_row){"w3", "what the master sends for a round", "bytes", bytes, 0, true});
}

int main(int argc, char **argv)
{
    bench_options options =
        bench_parse(argc, argv, "rock, paper, scissors: two pairs and a reveal a round, two players",
                    (bench_options){.window = 1, .seconds = 1});
    if (options.clients && options.clients != PLAYERS) {
        fprintf(stderr, "w3: left out: it has 2 clients, always\n");
        return 0;
    }
    if (options.window != 1) {
        fprintf(stderr, "w3: left out: it has one action in flight, always\n");
        return 0;
    }
    run(&options);
    return 0;
}
