/* Peers: acknowledged actions in rooms of 3 and 5, all of whom play with some actions in flight; and how long a room is without a
   master when that is killed. The links are the mock's, in virtual time, so the first is what the library costs, on one core for
   all peers of the room together, and the second what its times come to: links take a millisecond.
   Verified: all peers hold the same state, in which every acknowledged action is counted once. */
#include "bench.h"

#include <movex/mock.h>
#include <movex/peer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PEERS = 5, COUNT = 0, KILLS = 200 };

typedef struct counts {
    uint64_t of[MOST_PEERS];
} counts;

typedef struct whose {
    uint8_t peer;
} whose;

MOVEX_SCHEMA(counts_schema, counts, MOVEX_ARRAY(counts, of));
MOVEX_SCHEMA(whose_schema, whose, MOVEX_FIELD(whose, peer));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    const whose *by = action->payload;
    (void)context;
    if (by->peer >= MOST_PEERS) return MOVEX_REFUSE;
    ((counts *)state)->of[by->peer]++;
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {[COUNT] = {.name = "count", .payload = &whose_schema}};
static const movex_type        counts_type = {
           .name = "counts", .state = &counts_schema, .actions = actions, .action_count = 1, .reduce = reduce};
static const movex_type *const types[] = {&counts_type, NULL};
static const char *const       names[MOST_PEERS] = {"p0", "p1", "p2", "p3", "p4"};

typedef struct room {
    uint32_t        count, window;
    movex_mock     *net;
    movex_peer     *peers[MOST_PEERS]; /* NULL: killed */
    movex_resource *bound[MOST_PEERS];
    uint64_t        acked[MOST_PEERS], unknown[MOST_PEERS];
    uint32_t        in_flight[MOST_PEERS];
    uint64_t        now_ms, lives;
} room;

static void enter(room *r, uint32_t i)
{
    const char *others[MOST_PEERS];
    uint32_t    n = 0;
    for (uint32_t k = 0; k < r->count; k++)
        if (k != i) others[n++] = names[k];
    r->peers[i] = movex_peer_new(&(movex_peer_config){.id = names[i],
                                                      .room = "bench",
                                                      .types = types,
                                                      .io = movex_mock_listen_as(r->net, names[i]),
                                                      .peers = others,
                                                      .peer_count = n,
                                                      .seed = ++r->lives});
    if (!r->peers[i]) bench_fail("peers", "a peer could not be made");
    r->bound[i] = movex_bind(movex_peer_client(r->peers[i]), &counts_type, "main");
}

static void leave(room *r, uint32_t i, uint32_t silence_ms)
{
    movex_mock_crash(r->net, names[i], silence_ms);
    movex_peer_free(r->peers[i]);
    r->peers[i] = NULL;
    r->unknown[i] += r->in_flight[i];
    r->in_flight[i] = 0;
}

static void turn(room *r, bool plays)
{
    const whose *payload;
    movex_mock_poll(r->net, ++r->now_ms);
    for (uint32_t i = 0; i < r->count; i++) {
        if (!r->peers[i]) continue;
        whose self = {(uint8_t)i};
        payload = &self;
        if (movex_peer_poll(r->peers[i], r->now_ms) != MOVEX_OK) bench_fail("peers", "a peer has given up");
        for (movex_event event; movex_peer_next(r->peers[i], &event);) {
            if (event.kind == MOVEX_EVENT_REFUSED || event.kind == MOVEX_EVENT_MISMATCH)
                bench_fail("peers", "an action was refused, or there was a mismatch");
            if (event.kind == MOVEX_EVENT_ACCEPTED) r->acked[i]++, r->in_flight[i]--;
            if (event.kind == MOVEX_EVENT_EXPIRED) r->unknown[i]++, r->in_flight[i]--;
        }
        while (plays && r->in_flight[i] < r->window && movex_dispatch(r->bound[i], COUNT, payload)) r->in_flight[i]++;
    }
}

static int master_of(const room *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->peers[i] && movex_peer_is_master(r->peers[i])) return (int)i;
    return -1;
}

static bool is_settled(const room *r)
{
    movex_member member;
    for (uint32_t i = 0; i < r->count; i++) {
        if (!r->peers[i] || !movex_in_sync(r->bound[i]) || r->in_flight[i]) return false;
        if (!movex_peer_member_at(r->peers[i], r->count - 1, &member)) return false;
        if (movex_version(r->bound[i]) != movex_version(r->bound[0]) ||
            movex_checksum(r->bound[i]) != movex_checksum(r->bound[0]))
            return false;
    }
    return master_of(r) >= 0;
}

static void settle(room *r)
{
    for (int ms = 0; ms < 20000; ms++) {
        if (is_settled(r)) return;
        turn(r, false);
    }
    bench_fail("peers", "the room does not come to rest");
}

static void start(room *r, uint32_t count, uint32_t window)
{
    *r = (room){.count = count, .window = window};
    r->net = movex_mock_new(&(movex_mock_config){.latency_ms = {1, 1}, .queue_bytes = 16u << 20});
    if (!r->net) bench_fail("peers", "no memory");
    for (uint32_t i = 0; i < count; i++) enter(r, i);
    settle(r);
}

static void end(room *r)
{
    settle(r);
    const counts *state = movex_confirmed_state(r->bound[0]);
    for (uint32_t i = 0; i < r->count; i++)
        if (state->of[i] < r->acked[i] || state->of[i] > r->acked[i] + r->unknown[i])
            bench_fail("peers", "what was acknowledged is not what is in the state");
    for (uint32_t i = 0; i < r->count; i++) movex_peer_free(r->peers[i]);
    movex_mock_free(r->net);
}

static double acks_per_second(uint32_t count, const bench_options *options)
{
    room     r;
    uint64_t before = 0, after = 0;
    start(&r, count, options->window);
    for (int ms = 0; ms < 50; ms++) turn(&r, true);
    for (uint32_t i = 0; i < count; i++) before += r.acked[i];
    double begun = bench_now(), took = 0;
    do {
        for (int ms = 0; ms < 20; ms++) turn(&r, true);
        took = bench_now() - begun;
    } while (took < options->seconds);
    for (uint32_t i = 0; i < count; i++) after += r.acked[i];
    end(&r);
    return (double)(after - before) / took;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Kills the master while all play, and starts it again as a new member, time and again. The others are told that its links are
   gone after so long. */
static void losses(uint32_t count, uint32_t silence_ms, uint32_t *median, uint32_t *worst)
{
    static uint32_t times[KILLS];
    room            r;
    start(&r, count, 4);
    for (uint32_t k = 0; k < KILLS; k++) {
        for (uint32_t ms = 0; ms < 20 + k * 7 % 50; ms++) turn(&r, true);
        int dead = master_of(&r);
        leave(&r, (uint32_t)dead, silence_ms);
        times[k] = 0;
        while (master_of(&r) < 0) {
            turn(&r, true);
            if (++times[k] > 10000) bench_fail("peers", "nobody becomes master");
        }
        enter(&r, (uint32_t)dead);
        settle(&r);
    }
    end(&r);
    qsort(times, KILLS, sizeof times[0], by_size);
    *median = times[KILLS / 2];
    *worst = times[KILLS - 1];
}

int main(int argc, char **argv)
{
    const bench_options options = bench_parse(
        argc, argv, "peers: acknowledged actions in rooms of 3 and 5, and the time from the loss of a master to the next",
        (bench_options){.window = 64, .seconds = 1});
    bench_begin(&options, "Peers");
    for (uint32_t count = 3; count <= MOST_PEERS; count += 2) {
        char     what[64];
        uint32_t median, worst;
        snprintf(what, sizeof what, "room of %u, %u in flight each", (unsigned)count, (unsigned)options.window);
        bench_report(&options, &(bench_row){"peers", what, "acks/s", acks_per_second(count, &options), 0, false});
        for (int silent = 0; silent < 2; silent++) {
            const char *how = silent ? "silent loss" : "loss";
            losses(count, silent ? 3000 : 0, &median, &worst);
            snprintf(what, sizeof what, "room of %u, %s to new master, median", (unsigned)count, how);
            bench_report(&options, &(bench_row){"peers", what, "ms", median, 2000, true});
            snprintf(what, sizeof what, "room of %u, %s to new master, worst of %d", (unsigned)count, how, KILLS);
            bench_report(&options, &(bench_row){"peers", what, "ms", worst, 2000, true});
        }
    }
    return 0;
}
