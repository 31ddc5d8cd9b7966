/* W1: a counter in one process. One client dispatches, all follow. Verified: every client ends with the master's state, and
   every dispatch was accepted, counted and answered once. */
#include "bench.h"

#include <movex/local.h>
#include <movex/movex.h>

#include <stdio.h>

enum { MOST_CLIENTS = 1000, ACTIONS_BETWEEN_LOOKS = 1024 };

typedef struct {
    int64_t count;
} counter;

MOVEX_SCHEMA(counter_schema, counter, MOVEX_FIELD(counter, count));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    (void)action, (void)context;
    ((counter *)state)->count++;
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {{.name = "increment"}};
static const movex_type        counter_type = {
           .name = "counter", .state = &counter_schema, .actions = actions, .action_count = 1, .reduce = reduce};

typedef struct world {
    movex_master   *master;
    movex_client   *clients[MOST_CLIENTS];
    movex_resource *counters[MOST_CLIENTS];
    uint32_t        count;
    uint64_t        now_ms;
} world;

static void poll_all(world *w)
{
    w->now_ms++;
    movex_client_poll(w->clients[0], w->now_ms);
    movex_master_poll(w->master, w->now_ms);
    for (uint32_t i = 0; i < w->count; i++) movex_client_poll(w->clients[i], w->now_ms);
}

static void start(world *w, uint32_t clients)
{
    *w = (world){.count = clients,
                 .master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&counter_type)})};
    for (uint32_t i = 0; i < clients; i++) {
        char id[24];
        snprintf(id, sizeof id, "client-%u", (unsigned)i);
        w->clients[i] = movex_client_new(&(movex_client_config){.id = id, .io = movex_local_connect(w->master)});
        w->counters[i] = movex_bind(w->clients[i], &counter_type, "main");
        if (!w->counters[i]) bench_fail("w1", "out of memory");
    }
    for (uint32_t i = 0; i < clients; i++)
        while (!movex_in_sync(w->counters[i])) poll_all(w);
}

static void end(world *w)
{
    for (uint32_t i = 0; i < w->count; i++) movex_client_free(w->clients[i]);
    movex_master_free(w->master);
}

static uint64_t drain(movex_client *client)
{
    uint64_t accepted = 0;
    for (movex_event event; movex_client_next(client, &event);) accepted += event.kind == MOVEX_EVENT_ACCEPTED;
    return accepted;
}

/* Dispatches until the time is over, `window` at a time; returns how many. */
static uint64_t play(world *w, const bench_options *options, uint64_t *answered)
{
    uint64_t done = 0;
    double   until = bench_now() + options->seconds;
    do {
        for (uint32_t i = 0; i < ACTIONS_BETWEEN_LOOKS; i += options->window) {
            for (uint32_t k = 0; k < options->window; k++) done += movex_dispatch(w->counters[0], 0, NULL) != 0;
            poll_all(w);
            *answered += drain(w->clients[0]);
        }
    } while (bench_now() < until);
    return done;
}

static void verify(const world *w, uint64_t dispatched, uint64_t answered, uint64_t delivered)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const counter *seen = movex_state(w->counters[i]);
        if ((uint64_t)seen->count != dispatched) bench_fail("w1", "a client does not hold every action");
        if (movex_checksum(w->counters[i]) != movex_checksum(w->counters[0])) bench_fail("w1", "checksums differ");
        if (movex_client_stats(w->clients[i]).mismatches) bench_fail("w1", "a client lost sync");
    }
    if (answered != dispatched) bench_fail("w1", "a dispatch has not one outcome");
    if (delivered != dispatched * w->count) bench_fail("w1", "an entry was not delivered to everybody once");
}

/* With few clients it is actions that count, with many, deliveries. */
static void report(const bench_options *options, uint32_t clients, double actions_per_s, double deliveries_per_s)
{
    char   actions_of[64], deliveries_of[64];
    bool   plain = options->window == 1; /* as the goals want it */
    double actions_goal = plain && clients == 2 ? 2500000 : 0, deliveries_goal = plain && clients == 64 ? 15000000 : 0;
    snprintf(actions_of, sizeof actions_of, clients == 1 ? "1 client" : "%u clients", (unsigned)clients);
    snprintf(deliveries_of, sizeof deliveries_of, "%u clients", (unsigned)clients);
    if (clients < 64) bench_report(options, &(bench_row){"w1", actions_of, "actions/s", actions_per_s, actions_goal});
    if (clients > 2)
        bench_report(options, &(bench_row){"w1", deliveries_of, "deliveries/s", deliveries_per_s, deliveries_goal});
}

static void run(uint32_t clients, const bench_options *options)
{
    static world w;
    uint64_t     answered = 0, delivered = 0;
    start(&w, clients);
    double   started = bench_now();
    uint64_t dispatched = play(&w, options, &answered);
    double   seconds = bench_now() - started;
    for (uint32_t i = 0; i < clients; i++) {
        movex_stats stats = movex_client_stats(w.clients[i]);
        delivered += stats.accepted + stats.forwards;
    }
    verify(&w, dispatched, answered, delivered);
    end(&w);
    report(options, clients, (double)dispatched / seconds, (double)delivered / seconds);
}

int main(int argc, char **argv)
{
    static const uint32_t standard[] = {1, 2, 8, 64};
    bench_options options = bench_parse(argc, argv, "a counter in one process; one client dispatches, all follow",
                                        (bench_options){.window = 1, .seconds = 1});
    bench_begin(&options, "W1: a counter in one process; one client dispatches, all follow");
    if (options.clients) run(options.clients, &options);
    for (size_t i = 0; !options.clients && i < sizeof standard / sizeof standard[0]; i++) run(standard[i], &options);
    return 0;
}
