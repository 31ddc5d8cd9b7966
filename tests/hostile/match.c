/* Honest players of the row game who go on while others attack the server, and tell how long their actions take.
 *
 *     usage: hostile_match URL PLAYERS
 *
 * Two tables; each player dispatches one action, waits for its outcome, and pauses. Each line of standard input is answered
 * by one line of JSON with what has happened since the last; at its end the players stop and compare what they hold. */
#define _POSIX_C_SOURCE 200809L

#include "../row_game.h"

#include <movex/system.h>
#include <movex/websocket.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PLAYERS = 64, TABLES = 2, PAUSE_MS = 15, SETTLE_MS = 5000 };
enum { SLOTS = 100000, SLOT_US = 100 }; /* of the histogram: ten seconds; the last slot is for what takes longer */

typedef struct player {
    movex_client   *client;
    movex_resource *resource;
    movex_ticket    ticket;        /* 0: none is open */
    uint64_t        dispatched_us; /* when that one was */
    uint64_t        next_ms;       /* when the next one is due */
    uint32_t        moves;
} player;

static player   players[MOST_PLAYERS];
static uint32_t player_count;

/* Since the last report. */
static uint32_t waits[SLOTS];
static uint64_t answered, longest_us, disconnects, oddities;

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void count_wait(uint64_t us)
{
    uint64_t slot = us / SLOT_US;
    waits[slot < SLOTS ? slot : SLOTS - 1]++;
    answered++;
    if (us > longest_us) longest_us = us;
}

/* The wait, in milliseconds, that this share of the answers did not exceed. */
static double quantile(double share)
{
    uint64_t seen = 0;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        seen += waits[slot];
        if ((double)seen >= share * (double)answered) return (slot + 1) * SLOT_US / 1000.0;
    }
    return 0;
}

static void take_events(player *p)
{
    movex_event event;
    while (movex_client_next(p->client, &event)) {
        switch (event.kind) {
        case MOVEX_EVENT_ACCEPTED:
        case MOVEX_EVENT_REFUSED:
            if (event.ticket != p->ticket) continue;
            count_wait(now_us() - p->dispatched_us);
            p->ticket = 0;
            break;
        case MOVEX_EVENT_DISCONNECTED: disconnects++; break;
        case MOVEX_EVENT_MISMATCH:
        case MOVEX_EVENT_CLOSED:
        case MOVEX_EVENT_EXPIRED:
        case MOVEX_EVENT_BIND_REFUSED:
        case MOVEX_EVENT_REMOVED:
            fprintf(stderr, "hostile_match: event %d: %s\n", (int)event.kind, event.text);
            oddities++;
            p->ticket = 0;
            break;
        default: break;
        }
    }
}

/* Actions that do not commute, so that any order but the master's would show. */
static void act(player *p, uint64_t now_ms)
{
    uint32_t              move = p->moves++;
    row_append            append = {.number = (int32_t)move};
    row_swap              swap = {.a = 0, .b = (uint8_t)(move % 3)};
    const void           *payloads[ROW_ACTIONS] = {[ROW_APPEND] = &append, [ROW_SWAP] = &swap};
    static const uint32_t turns[] = {ROW_APPEND, ROW_SWAP, ROW_DRAW, ROW_APPEND, ROW_TAKE, ROW_STAMP};
    uint32_t              action = turns[move % (sizeof turns / sizeof *turns)];
    p->dispatched_us = now_us();
    p->ticket = movex_dispatch(p->resource, action, payloads[action]); /* 0: refused here already, as the row is full */
    movex_client_flush(p->client);
    p->next_ms = now_ms + PAUSE_MS;
}

static void step(bool dispatching)
{
    for (uint32_t i = 0; i < player_count; i++) {
        player  *p = &players[i];
        uint64_t now_ms = movex_system_now_ms();
        movex_client_poll(p->client, now_ms);
        take_events(p);
        if (dispatching && !p->ticket && movex_in_sync(p->resource) && now_ms >= p->next_ms) act(p, now_ms);
    }
}

static movex_stats sum_of_stats(void)
{
    movex_stats sum = {0};
    for (uint32_t i = 0; i < player_count; i++) {
        movex_stats stats = movex_client_stats(players[i].client);
        sum.mismatches += stats.mismatches;
        sum.resyncs += stats.resyncs;
        sum.expired += stats.expired;
    }
    return sum;
}

/* An action that is open counts with the time it has taken so far, so that a server that stands still is seen. */
static uint64_t longest_open_us(void)
{
    uint64_t longest = 0, now = now_us();
    for (uint32_t i = 0; i < player_count; i++)
        if (players[i].ticket && now - players[i].dispatched_us > longest) longest = now - players[i].dispatched_us;
    return longest;
}

static void report(bool agreed)
{
    movex_stats stats = sum_of_stats();
    uint64_t    open_us = longest_open_us();
    printf("{\"answered\":%" PRIu64 ",\"p50\":%.1f,\"p99\":%.1f,\"longest\":%.1f,\"mismatches\":%" PRIu64
           ",\"resyncs\":%" PRIu64 ",\"expired\":%" PRIu64 ",\"disconnects\":%" PRIu64 ",\"oddities\":%" PRIu64
           ",\"agreed\":%s}\n",
           answered, quantile(0.5), quantile(0.99), (double)(longest_us > open_us ? longest_us : open_us) / 1000.0,
           stats.mismatches, stats.resyncs, stats.expired, disconnects, oddities, agreed ? "true" : "false");
    fflush(stdout);
    memset(waits, 0, sizeof waits);
    answered = longest_us = disconnects = oddities = 0;
}

/* Takes what standard input has: false at its end. */
static bool take_commands(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char          bytes[64];
    if (poll(&input, 1, 1) <= 0) return true;
    ssize_t length = read(STDIN_FILENO, bytes, sizeof bytes);
    for (ssize_t i = 0; i < length; i++)
        if (bytes[i] == '\n') report(true);
    return length > 0;
}

/* Whether all players of a table hold the same version and state, now that nobody plays. */
static bool all_agree(void)
{
    for (uint32_t i = TABLES; i < player_count; i++) {
        const player *one = &players[i], *other = &players[i % TABLES];
        if (one->ticket || other->ticket || movex_version(one->resource) != movex_version(other->resource) ||
            movex_checksum(one->resource) != movex_checksum(other->resource))
            return false;
    }
    return true;
}

static bool start(const char *url)
{
    for (uint32_t i = 0; i < player_count; i++) {
        char id[32], table[32];
        snprintf(id, sizeof id, "honest-%u", (unsigned)i);
        snprintf(table, sizeof table, "table-%u", (unsigned)(i % TABLES));
        players[i].client = movex_client_new(&(movex_client_config){.id = id, .io = movex_ws_connect(url)});
        if (players[i].client) players[i].resource = movex_bind(players[i].client, &row_type, table);
        if (!players[i].resource) return false;
    }
    return true;
}

int main(int argument_count, char **arguments)
{
    player_count = argument_count == 3 ? (uint32_t)atoi(arguments[2]) : 0;
    if (player_count < TABLES || player_count > MOST_PLAYERS) {
        fprintf(stderr, "usage: hostile_match URL PLAYERS (%d to %d)\n", TABLES, MOST_PLAYERS);
        return 2;
    }
    if (!start(arguments[1])) return 1;
    /* For those who attack, who have no reducer: by what they can bind. */
    printf("%016" PRIx64 "\n", movex_rules_fingerprint(movex_resource_rules(players[0].resource)));
    fflush(stdout);
    while (take_commands()) step(true);
    bool agreed = false;
    for (uint64_t end_ms = movex_system_now_ms() + SETTLE_MS; !agreed && movex_system_now_ms() < end_ms;) {
        step(false);
        movex_system_sleep_ms(1);
        agreed = all_agree();
    }
    report(agreed);
    for (uint32_t i = 0; i < player_count; i++) movex_client_free(players[i].client);
    return agreed ? 0 : 1;
}
