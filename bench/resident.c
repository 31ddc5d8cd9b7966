/* Resident resources: what those that nobody touches cost those who play, and in memory. One client has bound them all, and plays
   with one. Verified: it ends with every action, each was answered once, and the others are as they were. */
#include "bench.h"
#include "count.h"

#include <movex/local.h>
#include <movex/movex.h>

#include <stdio.h>

enum { FEW = 100, SOME = 5000, MANY = 100000, TIMES = 5, ACTIONS_BETWEEN_LOOKS = 256, KIB = 1 << 10, MIB = 1 << 20 };

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
    movex_client   *client;
    movex_resource *active, *last;
    uint32_t        resources;
    uint64_t        now_ms, dispatched, accepted;
    count           masters, clients; /* memory */
    double          unbound;          /* bytes of the master's for each resource before anybody has bound it */
    double          bound[2];         /* and after that, also of the client's */
    double          start_s;          /* binding them all */
    double          actions_per_s;    /* the most of several times */
} world;

static const char *name_of(uint32_t i)
{
    static char name[16];
    snprintf(name, sizeof name, "room-%u", (unsigned)i);
    return name;
}

static void poll_all(world *w)
{
    w->now_ms++;
    movex_client_flush(w->client);
    movex_master_poll(w->master, w->now_ms);
    movex_client_poll(w->client, w->now_ms);
    for (movex_event event; movex_client_next(w->client, &event);) w->accepted += event.kind == MOVEX_EVENT_ACCEPTED;
}

static void start(world *w, uint32_t resources)
{
    movex_limits limits = {.resources = resources, .binds = resources, .queue_bytes = 64 * MIB};
    *w = (world){.resources = resources};
    w->master = movex_master_new(&(movex_master_config){
        .types = MOVEX_TYPES(&counter_type), .limits = limits, .allocator = count_allocator(&w->masters)});
    uint64_t before = w->masters.bytes;
    for (uint32_t i = 0; i < resources; i++)
        if (movex_master_create(w->master, &counter_type, name_of(i)) != MOVEX_OK)
            bench_fail("resident", "a resource could not be made");
    w->unbound = (double)(w->masters.bytes - before) / resources;
    w->client = movex_client_new(&(movex_client_config){.id = "ann",
                                                        .io = movex_local_connect(w->master),
                                                        .limits = limits,
                                                        .allocator = count_allocator(&w->clients)});
    double started = bench_now();
    for (uint32_t i = 0; i < resources; i++) {
        w->last = movex_bind(w->client, &counter_type, name_of(i));
        if (!w->last) bench_fail("resident", "a resource could not be bound");
        if (i == 0) w->active = w->last;
    }
    while (!movex_in_sync(w->last)) poll_all(w);
    poll_all(w);
    w->start_s = bench_now() - started;
    w->bound[0] = (double)(w->masters.bytes - before) / resources;
    w->bound[1] = (double)w->clients.bytes / resources;
}

static void play(world *w, const bench_options *options)
{
    uint64_t before = w->dispatched;
    double   started = bench_now(), seconds;
    do {
        for (uint32_t i = 0; i < ACTIONS_BETWEEN_LOOKS; i++) {
            w->dispatched += movex_dispatch(w->active, 0, NULL) != 0;
            poll_all(w);
        }
        seconds = bench_now() - started;
    } while (seconds < options->seconds / TIMES);
    double actions_per_s = (double)(w->dispatched - before) / seconds;
    if (actions_per_s > w->actions_per_s) w->actions_per_s = actions_per_s;
}

static void end(world *w)
{
    movex_stats stats = movex_client_stats(w->client);
    if ((uint64_t)((const counter *)movex_state(w->active))->count != w->dispatched || w->accepted != w->dispatched)
        bench_fail("resident", "an action is missing, or was not answered once");
    if (((const counter *)movex_state(w->last))->count != 0 || movex_version(w->last) != 0)
        bench_fail("resident", "another resource has changed");
    if (stats.mismatches || stats.snapshots != w->resources || stats.resources != w->resources)
        bench_fail("resident", "the client does not hold every resource in sync");
    movex_client_free(w->client);
    movex_master_free(w->master);
    if (w->masters.bytes || w->clients.bytes) bench_fail("resident", "memory was not given back");
}

static void report(const bench_options *options, const char *what, const char *unit, double value, double goal,
                   bool at_most)
{
    bench_report(options, &(bench_row){"resident", what, unit, value, goal, at_most});
}

int main(int argc, char **argv)
{
    static const uint32_t counts[] = {FEW, SOME, MANY};
    enum { WORLDS = sizeof counts / sizeof counts[0] };
    static world  worlds[WORLDS];
    bench_options options =
        bench_parse(argc, argv, "what resources cost that nobody touches", (bench_options){.window = 1, .seconds = 1});
    for (int i = 0; i < WORLDS; i++) start(&worlds[i], counts[i]);
    for (int k = 0; k < TIMES; k++) /* in turn, as what else the machine does changes */
        for (int i = 0; i < WORLDS; i++) play(&worlds[i], &options);
    for (int i = 0; i < WORLDS; i++) end(&worlds[i]);

    bench_begin(&options, "Resident resources: one client has bound all, and plays with one");
    for (int i = 0; i < WORLDS; i++) {
        char what[64];
        snprintf(what, sizeof what, "%u resources", (unsigned)counts[i]);
        report(&options, what, "actions/s", worlds[i].actions_per_s, 0, false);
    }
    report(&options, "100 against 100,000: so many times faster", "", worlds[0].actions_per_s / worlds[2].actions_per_s,
           1.1, true);
    report(&options, "binding 100,000 against 100, for each: times slower", "",
           worlds[2].start_s / MANY / (worlds[0].start_s / FEW), 0, true);
    report(&options, "1,000 small resources that nobody has bound: master", "MiB", worlds[1].unbound * 1000 / MIB, 0.3,
           true);
    report(&options, "1,000 that one client has bound: master", "MiB", worlds[1].bound[0] * 1000 / MIB, 0, true);
    report(&options, "the same: client", "MiB", worlds[1].bound[1] * 1000 / MIB, 0, true);
    return 0;
}
