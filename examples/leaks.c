// A game's own leak test: whatever alice hides, neither her opponent nor a spectator can tell before both have moved.
#include <movex/leak.h>
#include <movex/movex.h>
#include <stdio.h>

enum { ROCK = 2, PAPER, SCISSORS }; // as rps.c has them
extern const movex_type rps_type;
extern movex_ticket     play(movex_resource *game, uint8_t seat, uint8_t move);

static void play_round(void *user, const movex_leak_run *run)
{
    static const char *const names[] = {"alice", "bob", "carol"};
    movex_client            *clients[3];
    movex_resource          *games[3];
    movex_master            *master =
        movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&rps_type), .seed = 1, .observer = run->observer});
    movex_master_attach(master, movex_mock_listen(run->net));
    for (int i = 0; i < 3; i++) {
        movex_io io = movex_mock_connect_as(run->net, names[i]);
        clients[i] = movex_client_new(&(movex_client_config){.id = names[i], .io = io});
        games[i] = movex_bind(clients[i], &rps_type, "main");
    }
    for (uint64_t now_ms = 0; now_ms < 5000; now_ms++) {
        if (now_ms == 1000) movex_dispatch(games[0], 0, NULL); // sit
        if (now_ms == 2000) movex_dispatch(games[1], 0, NULL);
        if (now_ms == 3000) play(games[0], 0, run->secret ? PAPER : ROCK);
        if (now_ms == 4000) movex_leak_may_show(run);
        if (now_ms == 4000) play(games[1], 1, SCISSORS);
        movex_mock_poll(run->net, now_ms);
        movex_master_poll(master, now_ms);
        for (int i = 0; i < 3; i++) movex_client_poll(clients[i], now_ms);
    }
    for (int i = 0; i < 3; i++) movex_client_free(clients[i]);
    movex_master_free(master);
    (void)user;
}

int main(void)
{
    static const char *const viewers[] = {"bob", "carol", NULL};
    movex_leak_config        config = {.play = play_round, .viewers = viewers, .network = {.latency_ms = {5, 50}}};
    movex_leak_report        report;
    int                      status = movex_leak_check(&config, &report);

    bool good = status == MOVEX_OK && report.verdict <= MOVEX_LEAK_SHOWN;
    printf("%s: %s\n", good ? "no leak" : "LEAK", report.text);
    return good ? 0 : 1;
}
