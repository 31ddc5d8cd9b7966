/* Connections: what one costs in memory, and what ten thousand idle ones and a hundred thousand idle resources cost those who
   play. The server is a process of its
   own. Verified after each run: see crowd_verify. */
#include "bench.h"
#include "crowd.h"
#include "server.h"

#include <stdio.h>

enum { IDLE = 10000, RESOURCES = 100000, SPARE_DESCRIPTORS = 200, TIMES = 3, MIB = 1 << 20 };

static const crowd_plan playing = {.clients = 20, .resources = 10, .window = 1};

typedef struct world {
    server server;
    crowd  crowd;
    double cpu;   /* of the server in s, for 100,000 actions: the least of several times */
    double bytes; /* that its clients have cost the server */
} world;

static void start(world *w, uint32_t idle, uint32_t resources)
{
    crowd_plan plan = playing;
    plan.idle = idle;
    server_start(&w->server, "connections", &crowd_counter, resources);
    double before = server_bytes(&w->server);
    crowd_start(&w->crowd, "connections", w->server.url, plan);
    w->bytes = server_bytes(&w->server) - before;
    w->cpu = 1e9;
}

static void play(world *w, const bench_options *options)
{
    double   before = server_seconds(&w->server);
    uint64_t actions = crowd_play(&w->crowd, options->seconds / TIMES);
    double   cpu = (server_seconds(&w->server) - before) / (double)actions * 100000;
    if (cpu < w->cpu) w->cpu = cpu;
}

static void end(world *w)
{
    crowd_verify(&w->crowd);
    crowd_end(&w->crowd);
    server_stop(&w->server);
}

static void report(const bench_options *options, const char *what, const char *unit, double value, double goal)
{
    bench_report(options, &(bench_row){"connections", what, unit, value, goal, true});
}

int main(int argc, char **argv)
{
    static world  few, many;
    bench_options options = bench_parse(argc, argv, "what connections cost in memory, and others in time",
                                        (bench_options){.window = 1, .seconds = 1});
    uint32_t      descriptors = server_allow_descriptors();
    uint32_t      idle = options.clients ? options.clients : IDLE;
    char          what[80];
    if (descriptors < idle + SPARE_DESCRIPTORS) {
        fprintf(stderr, "connections: %u descriptors are too few for %u connections; there will be fewer\n",
                (unsigned)descriptors, (unsigned)idle);
        idle = descriptors - SPARE_DESCRIPTORS;
    }
    start(&few, 0, 0);
    start(&many, idle, RESOURCES);
    for (int i = 0; i < TIMES; i++) { /* in turn, as what else the machine does changes */
        play(&few, &options);
        play(&many, &options);
    }
    end(&many);
    end(&few);
    bench_begin(&options, "Connections");
    report(&options, "memory of 1,000 connections", "MiB", many.bytes / MIB / (idle + playing.clients) * 1000, 2.5);
    report(&options, "20 clients, 10 resources of 2: server, 100,000 actions", "CPU s", few.cpu, 0);
    snprintf(what, sizeof what, "the same beside %u idle connections, %u resources", (unsigned)idle,
             (unsigned)RESOURCES);
    report(&options, what, "CPU s", many.cpu, 1.2);
    report(&options, "so many times as much", "", many.cpu / few.cpu, 0);
    return 0;
}
