/* W4: counters over websockets on the loopback interface. The server is a process of its own, of which the processor time is
   told; all clients are in another. Verified after each run: see crowd_verify. */
#include "bench.h"
#include "crowd.h"
#include "server.h"

#include <stdlib.h>

enum { MOST_LATENCIES = 1 << 20 };

typedef struct result {
    double cpu_s; /* of the server, per 100,000 actions */
    double actions_per_s;
    double deliveries_per_s;
} result;

static result play(const bench_options *options, crowd *c, server *s)
{
    crowd_play(c, options->seconds / 10); /* until all is warm */
    c->latency_count = 0;
    double   cpu = server_seconds(s), started = bench_now();
    uint64_t actions = crowd_play(c, options->seconds);
    double   seconds = bench_now() - started;
    cpu = server_seconds(s) - cpu;
    uint32_t each = c->plan.ring ? 2 : c->plan.clients / c->plan.resources;
    return (result){.cpu_s = cpu / (double)actions * 100000,
                    .actions_per_s = (double)actions / seconds,
                    .deliveries_per_s = (double)actions * each / seconds};
}

static void report(const bench_options *options, const char *what, const char *unit, double value, double goal,
                   bool at_most)
{
    bench_report(options, &(bench_row){"w4", what, unit, value, goal, at_most});
}

/* `threads`: masters and services of the server. */
static result run(const bench_options *options, crowd_plan plan, uint32_t threads)
{
    server s;
    crowd  c;
    server_start_spread(&s, "w4", &crowd_counter, threads);
    crowd_start(&c, "w4", s.url, plan);
    result measured = play(options, &c, &s);
    crowd_verify(&c);
    crowd_end(&c);
    server_stop(&s);
    return measured;
}

static int ascending(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static void run_latency(const bench_options *options)
{
    server s;
    crowd  c;
    server_start(&s, "w4", &crowd_counter, 0);
    crowd_start(&c, "w4", s.url, (crowd_plan){.clients = 2, .resources = 1, .window = 1});
    c.latency_capacity = MOST_LATENCIES;
    c.latencies = malloc(MOST_LATENCIES * sizeof *c.latencies);
    if (!c.latencies) bench_fail("w4", "out of memory");
    play(options, &c, &s);
    crowd_verify(&c);
    qsort(c.latencies, c.latency_count, sizeof *c.latencies, ascending);
    double p50 = c.latencies[c.latency_count / 2], p99 = c.latencies[c.latency_count / 100 * 99];
    report(options, "dispatch to answer, one in flight, half of them within", "ms", p50 * 1000, 0.09, true);
    report(options, "dispatch to answer, one in flight, 99 % within", "ms", p99 * 1000, 0.3, true);
    crowd_end(&c);
    server_stop(&s);
}

int main(int argc, char **argv)
{
    bench_options options = bench_parse(argc, argv, "counters over websockets, the server in a process of its own",
                                        (bench_options){.window = 1, .seconds = 1});
    bench_begin(&options, "W4: websockets on the loopback interface");
    result few = run(&options, (crowd_plan){.clients = 20, .resources = 10, .window = 1}, 1);
    report(&options, "20 clients, 10 resources of 2: server, 100,000 actions", "CPU s", few.cpu_s, 1.2, true);
    report(&options, "20 clients, 10 resources of 2", "actions/s", few.actions_per_s, 85000, false);
    result many = run(&options, (crowd_plan){.clients = 100, .resources = 10, .window = 1}, 1);
    report(&options, "100 clients, 10 resources of 10: server, 100,000 actions", "CPU s", many.cpu_s, 6, true);
    result piped = run(&options, (crowd_plan){.clients = 16, .resources = 16, .ring = true, .window = 64}, 1);
    report(&options, "16 clients, 64 actions in flight each, 16 resources of 2", "deliveries/s", piped.deliveries_per_s,
           2000000, false);
    run_latency(&options);
    result spread = run(&options, (crowd_plan){.clients = 20, .resources = 10, .window = 1}, 2);
    report(&options, "20 clients, 10 resources, 2 masters and services on threads", "CPU s", spread.cpu_s, 0, true);
    report(&options, "the same", "actions/s", spread.actions_per_s, 0, false);
    return 0;
}
