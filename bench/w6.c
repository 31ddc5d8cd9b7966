/* W6: what "always" costs. Clients count, each for itself; a master keeps it all in a store whose flush takes a millisecond, as
   that of a fast disk does, and nobody is told before it is durable. Once with what comes of all clients in one poll,
   and so in
   one flush; once with a poll and a flush for each action. Verified at the end, after a power cut: another master
   over the same
   store has every action that was acknowledged, and none twice. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include "bench.h"

#include <movex/local.h>
#include <movex/movex.h>
#include <movex/store_memory.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOST_CLIENTS = 1000, CLIENTS = 64, COUNT = 0, FLUSH_NS = 1000000 };

typedef struct tally {
    uint32_t counts[MOST_CLIENTS];
} tally;

typedef struct whose {
    uint16_t client;
} whose;

MOVEX_SCHEMA(tally_schema, tally, MOVEX_ARRAY(tally, counts));
MOVEX_SCHEMA(whose_schema, whose, MOVEX_FIELD(whose, client));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    (void)context;
    const whose *by = action->payload;
    if (by->client >= MOST_CLIENTS) return MOVEX_REFUSE;
    ((tally *)state)->counts[by->client]++;
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {[COUNT] = {.name = "count", .payload = &whose_schema}};

static const movex_type tally_type = {
    .name = "tally", .state = &tally_schema, .actions = actions, .action_count = 1, .reduce = reduce};

/* ---- the store: a memory store whose flush takes its time */

static const movex_store_ops *memory_ops;

static int slow_flush(void *self)
{
    const struct timespec pause = {.tv_nsec = FLUSH_NS};
    if (memory_ops->taken(self) > memory_ops->durable(self)) nanosleep(&pause, NULL);
    return memory_ops->flush(self);
}

static movex_store slow_store(movex_store_memory *disk)
{
    static movex_store_ops ops;
    movex_store            store = movex_store_memory_open(disk);
    memory_ops = store.ops;
    ops = *store.ops;
    ops.flush = slow_flush;
    return (movex_store){.ops = &ops, .self = store.self};
}

/* ---- a run */

typedef struct world {
    uint32_t            count;
    movex_store_memory *disk;
    movex_master       *master;
    movex_client       *clients[MOST_CLIENTS];
    movex_resource     *tallies[MOST_CLIENTS];
    uint32_t            acked[MOST_CLIENTS], dispatched[MOST_CLIENTS];
    uint64_t            now_ms;
} world;

static movex_master *start_master(movex_store store)
{
    movex_error   error = {.text = ""};
    movex_master *master =
        movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&tally_type), .store = store, .error = &error});
    if (!master) bench_fail("w6", error.text);
    return master;
}

static void poll_client(world *w, uint32_t i)
{
    movex_client_poll(w->clients[i], w->now_ms);
    for (movex_event event; movex_client_next(w->clients[i], &event);)
        w->acked[i] += event.kind == MOVEX_EVENT_ACCEPTED;
}

static void poll_all(world *w)
{
    movex_master_poll(w->master, ++w->now_ms);
    for (uint32_t i = 0; i < w->count; i++) poll_client(w, i);
}

static void start(world *w, uint32_t count)
{
    *w = (world){.count = count, .disk = movex_store_memory_new(NULL)};
    w->master = start_master(slow_store(w->disk));
    for (uint32_t i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%" PRIu32, i);
        w->clients[i] = movex_client_new(&(movex_client_config){.id = id, .io = movex_local_connect(w->master)});
        w->tallies[i] = w->clients[i] ? movex_bind(w->clients[i], &tally_type, "main") : NULL;
        if (!w->tallies[i]) bench_fail("w6", "out of memory");
    }
    for (uint32_t i = 0; i < count; i++)
        while (!movex_in_sync(w->tallies[i])) poll_all(w);
}

static void dispatch(world *w, uint32_t i)
{
    if (!movex_dispatch(w->tallies[i], COUNT, &(whose){(uint16_t)i})) bench_fail("w6", "a dispatch was not taken");
    w->dispatched[i]++;
    movex_client_flush(w->clients[i]);
}

/* Each of the clients does one thing: with a flush for all of it, or one for each. */
static void play_round(world *w, bool grouped)
{
    for (uint32_t i = 0; i < w->count; i++) {
        dispatch(w, i);
        if (grouped) continue;
        movex_master_poll(w->master, ++w->now_ms);
        poll_client(w, i);
        if (w->acked[i] != w->dispatched[i]) bench_fail("w6", "an action was not acknowledged after its flush");
    }
    if (grouped) movex_master_poll(w->master, ++w->now_ms);
    for (uint32_t i = 0; i < w->count; i++) poll_client(w, i);
}

static uint64_t acks_of(const world *w)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < w->count; i++) sum += w->acked[i];
    return sum;
}

/* Something more is dispatched and not flushed, and the power is cut. */
static void verify(world *w)
{
    tally state;
    for (uint32_t i = 0; i < w->count; i++) dispatch(w, i);
    movex_store_memory_crash(w->disk);
    movex_master_free(w->master);
    for (uint32_t i = 0; i < w->count; i++) movex_client_free(w->clients[i]);
    movex_master *again = start_master(movex_store_memory_open(w->disk));
    if (movex_master_view(again, &tally_type, "main", NULL, &state, NULL) != MOVEX_OK)
        bench_fail("w6", "the journal has lost all");
    for (uint32_t i = 0; i < MOST_CLIENTS; i++) {
        if (state.counts[i] < w->acked[i]) bench_fail("w6", "the journal has lost an acknowledged action");
        if (state.counts[i] > w->dispatched[i]) bench_fail("w6", "the journal has an action twice");
    }
    movex_master_free(again);
    movex_store_memory_free(w->disk);
}

typedef struct figures {
    uint64_t acks, flushes;
    double   seconds;
} figures;

static figures measure(const bench_options *options, uint32_t count, bool grouped)
{
    static world w;
    start(&w, count);
    play_round(&w, true); /* warms up */
    figures f = {.acks = acks_of(&w), .flushes = movex_store_memory_statistics(w.disk).flushes};
    double  started = bench_now();
    while (f.seconds < options->seconds) {
        play_round(&w, grouped);
        f.seconds = bench_now() - started;
    }
    f.acks = acks_of(&w) - f.acks;
    f.flushes = movex_store_memory_statistics(w.disk).flushes - f.flushes;
    for (uint32_t i = 0; i < count; i++)
        if (w.acked[i] != w.dispatched[i]) bench_fail("w6", "a dispatch has not one outcome");
    if (!grouped && f.flushes != f.acks) bench_fail("w6", "an action has not one flush");
    verify(&w);
    return f;
}

int main(int argc, char **argv)
{
    bench_options options =
        bench_parse(argc, argv, "a journal whose flush takes 1 ms: one for all clients, and one for each action",
                    (bench_options){.window = 1, .seconds = 1});
    uint32_t count = options.clients ? options.clients : CLIENTS;
    if (options.window != 1) {
        fprintf(stderr, "w6: left out: each client has one action in flight, always\n");
        return 0;
    }
    figures each = measure(&options, count, false), grouped = measure(&options, count, true);
    double  each_per_s = (double)each.acks / each.seconds, grouped_per_s = (double)grouped.acks / grouped.seconds;
    double  times = grouped_per_s / each_per_s;
    if (!options.clients && times < 10) bench_fail("w6", "one flush for all is not 10 times as fast");
    char what[80];
    bench_begin(&options, "W6: a journal whose flush takes 1 ms; nobody is told before it");
    snprintf(what, sizeof what, "%" PRIu32 " clients, a flush for what comes of all", count);
    bench_report(&options, &(bench_row){"w6", what, "acks/s", grouped_per_s, 0, false});
    bench_report(&options, &(bench_row){"w6", "so many with each flush", "acks",
                                        (double)grouped.acks / (double)grouped.flushes, 0, false});
    snprintf(what, sizeof what, "%" PRIu32 " clients, a flush for each", count);
    bench_report(&options, &(bench_row){"w6", what, "acks/s", each_per_s, 0, false});
    bench_report(&options, &(bench_row){"w6", "one flush for all is so many times as fast", "", times, 10, false});
    return 0;
}
