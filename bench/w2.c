/* W2: a state of 1, 16 or 256 KiB, of which each action touches one element; two clients in one process, one of which
   dispatches. Verified: both end with the master's state, which is the one that a plain C program computes, every dispatch
   was answered once, and nothing was allocated once warm. */
#include "bench.h"
#include "count.h"

#include <movex/local.h>
#include <movex/movex.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 2, ACTIONS_BETWEEN_LOOKS = 256, WARM_UP = 2048 };

#define CELLS(kib) ((kib) * 1024 / sizeof(uint32_t))

typedef struct { uint32_t cell[CELLS(1)]; } field_1;
typedef struct { uint32_t cell[CELLS(16)]; } field_16;
typedef struct { uint32_t cell[CELLS(256)]; } field_256;
typedef struct { uint32_t index, value; } touch;

MOVEX_SCHEMA(field_1_schema, field_1, MOVEX_ARRAY(field_1, cell));
MOVEX_SCHEMA(field_16_schema, field_16, MOVEX_ARRAY(field_16, cell));
MOVEX_SCHEMA(field_256_schema, field_256, MOVEX_ARRAY(field_256, cell));
MOVEX_SCHEMA(touch_schema, touch, MOVEX_FIELD(touch, index), MOVEX_FIELD(touch, value));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    const touch *t = action->payload;
    (void)context;
    ((uint32_t *)state)[t->index] += t->value; /* all three states are an array and nothing else */
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {{.name = "touch", .payload = &touch_schema}};
static const movex_type types[] = {
    {.name = "field-1", .state = &field_1_schema, .actions = actions, .action_count = 1, .reduce = reduce},
    {.name = "field-16", .state = &field_16_schema, .actions = actions, .action_count = 1, .reduce = reduce},
    {.name = "field-256", .state = &field_256_schema, .actions = actions, .action_count = 1, .reduce = reduce},
};

/* ---- the run */

typedef struct world {
    movex_master   *master;
    movex_client   *clients[CLIENTS];
    movex_resource *fields[CLIENTS];
    uint64_t        now_ms, allocations, answered;
    uint32_t        cells;
    uint32_t       *expected; /* what a plain C program holds */
    uint64_t        random;
} world;

static void poll_all(world *w)
{
    w->now_ms++;
    movex_client_poll(w->clients[0], w->now_ms);
    movex_master_poll(w->master, w->now_ms);
    for (int i = 0; i < CLIENTS; i++) movex_client_poll(w->clients[i], w->now_ms);
    for (movex_event event; movex_client_next(w->clients[0], &event);) w->answered += event.kind == MOVEX_EVENT_ACCEPTED;
}

static void start(world *w, const movex_type *type)
{
    movex_allocator allocator = count_allocator(&w->allocations);
    *w = (world){.cells = type->state->size / (uint32_t)sizeof(uint32_t), .random = 1};
    w->expected = calloc(w->cells, sizeof *w->expected);
    w->master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(type), .allocator = allocator});
    for (int i = 0; i < CLIENTS; i++) {
        w->clients[i] = movex_client_new(&(movex_client_config){
            .id = i ? "ben" : "ann", .io = movex_local_connect(w->master), .allocator = allocator});
        w->fields[i] = movex_bind(w->clients[i], type, "main");
        if (!w->fields[i] || !w->expected) bench_fail("w2", "out of memory");
    }
    for (int i = 0; i < CLIENTS; i++)
        while (!movex_in_sync(w->fields[i])) poll_all(w);
}

static void end(world *w)
{
    for (int i = 0; i < CLIENTS; i++) movex_client_free(w->clients[i]);
    movex_master_free(w->master);
    free(w->expected);
}

static void act(world *w, uint32_t window)
{
    for (uint32_t k = 0; k < window; k++) {
        w->random = w->random * 6364136223846793005u + 1442695040888963407u; /* Knuth's, good enough to scatter */
        touch t = {(uint32_t)(w->random >> 33) % w->cells, (uint32_t)k + 1};
        if (!movex_dispatch(w->fields[0], 0, &t)) bench_fail("w2", "a dispatch was not taken");
        w->expected[t.index] += t.value;
    }
    poll_all(w);
}

static uint64_t play(world *w, const bench_options *options, double *seconds)
{
    uint64_t done = 0;
    double   started = bench_now(), now;
    do {
        for (uint32_t i = 0; i < ACTIONS_BETWEEN_LOOKS; i += options->window, done += options->window) act(w, options->window);
        now = bench_now();
    } while (now < started + options->seconds);
    *seconds = now - started;
    return done;
}

static void verify(const world *w, uint64_t dispatched, uint64_t warm_allocations)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (memcmp(movex_state(w->fields[i]), w->expected, w->cells * sizeof *w->expected) != 0)
            bench_fail("w2", "a client does not hold what a plain program computes");
        if (movex_client_stats(w->clients[i]).mismatches) bench_fail("w2", "a client lost sync");
        if (movex_checksum(w->fields[i]) != movex_checksum(w->fields[0])) bench_fail("w2", "checksums differ");
    }
    if (w->answered != dispatched) bench_fail("w2", "a dispatch has not one outcome");
    if (w->allocations != warm_allocations) bench_fail("w2", "something was allocated once warm");
}

static void run(const movex_type *type, const bench_options *options)
{
    static world w;
    double       seconds;
    start(&w, type);
    for (uint32_t i = 0; i < WARM_UP; i += options->window) act(&w, options->window);
    uint64_t warm = w.answered, warm_allocations = w.allocations;
    uint64_t dispatched = play(&w, options, &seconds);
    verify(&w, warm + dispatched, warm_allocations);
    unsigned kib = type->state->size / 1024;
    end(&w);
    double actions_per_s = (double)dispatched / seconds;
    if (options->json)
        printf("{\"workload\":\"w2\",\"state_kib\":%u,\"clients\":%d,\"window\":%u,\"actions\":%" PRIu64
               ",\"seconds\":%.3f,\"actions_per_s\":%.0f,\"deliveries_per_s\":%.0f,\"allocations_per_action\":0}\n",
               kib, CLIENTS, (unsigned)options->window, dispatched, seconds, actions_per_s, actions_per_s * CLIENTS);
    else
        printf("%9u %7u %14.0f %14.0f\n", kib, (unsigned)options->window, actions_per_s, actions_per_s * CLIENTS);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bench_options options = bench_parse(argc, argv, "a state of 1, 16, 256 KiB, one element touched, two clients",
                                        (bench_options){.window = 1, .seconds = 1});
    if (options.clients && options.clients != CLIENTS) {
        fprintf(stderr, "w2: left out: it has 2 clients, always\n");
        return 0;
    }
    if (!options.json)
        printf("W2: one element touched, 2 clients\n%9s %7s %14s %14s\n", "state KiB", "window", "actions/s", "deliveries/s");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) run(&types[i], &options);
    return 0;
}
