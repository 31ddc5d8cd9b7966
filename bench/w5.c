/* W5: bytes of a small action on the wire: the dispatch, its author's answer and what the other client is sent. Counted where
   clients send and receive, without what a transport adds. Verified: both end with every action. */
#include "bench.h"

#include <movex/local.h>
#include <movex/movex.h>

#include <stdio.h>

enum { CLIENTS = 2, WARM_UP = 200, ACTIONS = 10000 };

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
    movex_client   *clients[CLIENTS];
    movex_resource *counters[CLIENTS];
    uint64_t        now_ms;
} world;

static void poll_all(world *w)
{
    w->now_ms++;
    for (int i = 0; i < CLIENTS; i++) movex_client_flush(w->clients[i]);
    movex_master_poll(w->master, w->now_ms);
    for (int i = 0; i < CLIENTS; i++) {
        movex_client_poll(w->clients[i], w->now_ms);
        for (movex_event event; movex_client_next(w->clients[i], &event);) {}
    }
}

static void start(world *w)
{
    *w = (world){.master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&counter_type)})};
    for (int i = 0; i < CLIENTS; i++) {
        w->clients[i] =
            movex_client_new(&(movex_client_config){.id = i ? "ben" : "ann", .io = movex_local_connect(w->master)});
        w->counters[i] = movex_bind(w->clients[i], &counter_type, "main");
        if (!w->counters[i]) bench_fail("w5", "out of memory");
        while (!movex_in_sync(w->counters[i])) {
            movex_client_poll(w->clients[i], w->now_ms);
            poll_all(w);
        }
    }
}

static void play(world *w, int count)
{
    for (int i = 0; i < count; i++) {
        if (!movex_dispatch(w->counters[0], 0, NULL)) bench_fail("w5", "a dispatch was not taken");
        poll_all(w);
    }
}

static void report(const bench_options *options, const char *what, double bytes, double goal)
{
    bench_report(options, &(bench_row){"w5", what, "bytes", bytes / ACTIONS, goal, true});
}

int main(int argc, char **argv)
{
    static world  w;
    bench_options options =
        bench_parse(argc, argv, "bytes of a small action on the wire", (bench_options){.window = 1, .seconds = 1});
    movex_stats before[CLIENTS], after[CLIENTS];
    start(&w);
    play(&w, WARM_UP); /* numbers that grow take two bytes from now on */
    for (int i = 0; i < CLIENTS; i++) before[i] = movex_client_stats(w.clients[i]);
    play(&w, ACTIONS);
    for (int i = 0; i < CLIENTS; i++) {
        after[i] = movex_client_stats(w.clients[i]);
        if (((const counter *)movex_state(w.counters[i]))->count != WARM_UP + ACTIONS)
            bench_fail("w5", "an action is missing");
        if (after[i].frames_received - before[i].frames_received != ACTIONS || after[i].mismatches)
            bench_fail("w5", "an action was not one frame, or a client lost sync");
    }
    if (after[1].bytes_sent != before[1].bytes_sent) bench_fail("w5", "who does nothing has sent something");
    bench_begin(&options, "W5: bytes of a small action, with its checksum");
    report(&options, "up: the dispatch", (double)(after[0].bytes_sent - before[0].bytes_sent), 6);
    report(&options, "back: its author's answer", (double)(after[0].bytes_received - before[0].bytes_received), 14);
    report(&options, "on: what each other subscriber is sent",
           (double)(after[1].bytes_received - before[1].bytes_received), 16);
    for (int i = 0; i < CLIENTS; i++) movex_client_free(w.clients[i]);
    movex_master_free(w.master);
    return 0;
}
