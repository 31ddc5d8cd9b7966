/* W2: a state of 1, 16 or 256 KiB, of which each action touches one element; two clients in one process, one of which
   dispatches. In the second run of each the action declares what it touches. In the third the other client is a diverged viewer:
   it has hidden something that stays so while the workload runs. Verified: both end with the state that a plain C program
   computes, and so, while they differ, does the master for each; every dispatch was answered once, and nothing was allocated once
   warm. */
#include "bench.h"
#include "count.h"

#include <movex/local.h>
#include <movex/movex.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 2, ACTIONS_BETWEEN_LOOKS = 256, WARM_UP = 2048 };

#define CELLS(kib) ((kib)*1024 / sizeof(uint32_t))

typedef struct {
    uint32_t cell[CELLS(1)];
} field_1;
typedef struct {
    uint32_t cell[CELLS(16)];
} field_16;
typedef struct {
    uint32_t cell[CELLS(256)];
} field_256;
typedef struct {
    uint32_t index, value;
} touch;

enum { TOUCH, SEALED, OPEN };
enum { SEAL, FIRST_CELL }; /* the first cell is not touched: when it is set, what is hidden is revealed */

MOVEX_SCHEMA(field_1_schema, field_1, MOVEX_ARRAY(field_1, cell));
MOVEX_SCHEMA(field_16_schema, field_16, MOVEX_ARRAY(field_16, cell));
MOVEX_SCHEMA(field_256_schema, field_256, MOVEX_ARRAY(field_256, cell));
MOVEX_SCHEMA(touch_schema, touch, MOVEX_FIELD(touch, index), MOVEX_FIELD(touch, value));

/* All three states are an array and nothing else. */
static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    uint32_t *cells = state;
    (void)context;
    if (action->type == TOUCH) {
        const touch *t = action->payload;
        cells[t->index] += t->value;
    }
    if (action->type == OPEN) cells[SEAL] = 1;
    return MOVEX_ACCEPT;
}

static bool is_open(const void *public_state)
{
    return ((const uint32_t *)public_state)[SEAL] != 0;
}

static void declare(const void *state, const movex_action *action, movex_touch *touched)
{
    const touch *t = action->payload;
    MOVEX_TOUCHES(touched, ((const uint32_t *)state)[t->index]);
}

static const movex_action_type open_actions[] = {[TOUCH] = {.name = "touch", .payload = &touch_schema}};
static const movex_action_type declaring_actions[] = {
    [TOUCH] = {.name = "touch", .payload = &touch_schema, .touches = declare}};
static const movex_action_type hiding_actions[] = {
    [TOUCH] = {.name = "touch", .payload = &touch_schema, .hidden_as = "sealed"},
    [SEALED] = {.name = "sealed"},
    [OPEN] = {.name = "open"},
};

#define TYPE_OPEN(kib)                                                                                                 \
    {                                                                                                                  \
        .name = "field-" #kib, .state = &field_##kib##_schema, .actions = open_actions,                                \
        .action_count = MOVEX_COUNT_OF(open_actions), .reduce = reduce                                                 \
    }
#define TYPE_DECLARING(kib)                                                                                            \
    {                                                                                                                  \
        .name = "declaring-" #kib, .state = &field_##kib##_schema, .actions = declaring_actions,                       \
        .action_count = MOVEX_COUNT_OF(declaring_actions), .reduce = reduce                                            \
    }
#define TYPE_HIDING(kib)                                                                                               \
    {                                                                                                                  \
        .name = "hiding-" #kib, .state = &field_##kib##_schema, .actions = hiding_actions,                             \
        .action_count = MOVEX_COUNT_OF(hiding_actions), .reduce = reduce, .can_reconcile = is_open                     \
    }

static const struct {
    movex_type open, declaring, hiding;
    double     goal, declared_goal; /* actions/s; 0: none */
} types[] = {
    {TYPE_OPEN(1), TYPE_DECLARING(1), TYPE_HIDING(1), 1500000, 0},
    {TYPE_OPEN(16), TYPE_DECLARING(16), TYPE_HIDING(16), 600000, 1200000},
    {TYPE_OPEN(256), TYPE_DECLARING(256), TYPE_HIDING(256), 30000, 1000000},
};

/* ---- two clients and a master */

typedef struct world {
    const movex_type *type;
    movex_master     *master;
    movex_client     *clients[CLIENTS];
    movex_resource   *fields[CLIENTS];
    uint64_t          now_ms, answered;
    count             masters, others; /* memory */
    uint32_t          cells;
    uint32_t         *expected, *seen; /* what a plain C program holds; what the master shows */
    uint64_t          random;
} world;

static void poll_all(world *w)
{
    w->now_ms++;
    movex_client_flush(w->clients[0]);
    movex_master_poll(w->master, w->now_ms);
    for (int i = 0; i < CLIENTS; i++) movex_client_poll(w->clients[i], w->now_ms);
    for (movex_event event; movex_client_next(w->clients[0], &event);)
        w->answered += event.kind == MOVEX_EVENT_ACCEPTED;
}

static void start(world *w, const movex_type *type)
{
    *w = (world){.type = type, .cells = type->state->size / (uint32_t)sizeof(uint32_t), .random = 1};
    w->expected = calloc(w->cells, sizeof *w->expected);
    w->seen = calloc(w->cells, sizeof *w->seen);
    w->master =
        movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(type), .allocator = count_allocator(&w->masters)});
    for (int i = 0; i < CLIENTS; i++) {
        w->clients[i] = movex_client_new(&(movex_client_config){
            .id = i ? "ben" : "ann", .io = movex_local_connect(w->master), .allocator = count_allocator(&w->others)});
        w->fields[i] = movex_bind(w->clients[i], type, "main");
        if (!w->fields[i] || !w->expected || !w->seen) bench_fail("w2", "out of memory");
    }
    for (int i = 0; i < CLIENTS; i++)
        while (!movex_in_sync(w->fields[i])) poll_all(w);
}

static void end(world *w)
{
    for (int i = 0; i < CLIENTS; i++) movex_client_free(w->clients[i]);
    movex_master_free(w->master);
    free(w->expected);
    free(w->seen);
}

static void act(world *w, uint32_t window)
{
    for (uint32_t k = 0; k < window; k++) {
        w->random = w->random * 6364136223846793005u + 1442695040888963407u; /* Knuth's, good enough to scatter */
        touch t = {FIRST_CELL + (uint32_t)(w->random >> 33) % (w->cells - FIRST_CELL), k + 1};
        if (!movex_dispatch(w->fields[0], TOUCH, &t)) bench_fail("w2", "a dispatch was not taken");
        w->expected[t.index] += t.value;
    }
    poll_all(w);
}

static uint64_t play(world *w, const bench_options *options, double *seconds)
{
    uint64_t done = 0;
    double   started = bench_now(), now;
    do {
        for (uint32_t i = 0; i < ACTIONS_BETWEEN_LOOKS; i += options->window, done += options->window)
            act(w, options->window);
        now = bench_now();
    } while (now < started + options->seconds);
    *seconds = now - started;
    return done;
}

/* ---- a diverged viewer */

static const touch hidden_touch = {FIRST_CELL, 1000000007};

/* Returns the bytes that it costs the master. */
static uint64_t hide(world *w)
{
    uint64_t before = w->masters.bytes;
    if (!movex_dispatch_private(w->fields[1], TOUCH, &hidden_touch, SEALED, NULL))
        bench_fail("w2", "a pair was not taken");
    movex_client_flush(w->clients[1]);
    poll_all(w);
    if (movex_pending(w->fields[1]) || movex_version(w->fields[0]) != 1) bench_fail("w2", "a pair was not ordered");
    return w->masters.bytes - before;
}

static void reveal(world *w)
{
    if (!movex_dispatch(w->fields[0], OPEN, NULL)) bench_fail("w2", "a dispatch was not taken");
    w->expected[SEAL] = 1;
    poll_all(w);
    if (movex_master_stats(w->master).reveals != 1) bench_fail("w2", "nothing was revealed");
}

/* ---- verifying */

/* The client at `i` and the master, for it, hold what is expected. */
static void verify_view(const world *w, int i)
{
    uint64_t checksum;
    if (memcmp(movex_state(w->fields[i]), w->expected, w->cells * sizeof *w->expected) != 0)
        bench_fail("w2", "a client does not hold what a plain program computes");
    if (movex_master_view(w->master, w->type, "main", i ? "ben" : "ann", w->seen, &checksum) != MOVEX_OK ||
        memcmp(w->seen, w->expected, w->cells * sizeof *w->expected) != 0)
        bench_fail("w2", "the master does not hold what a plain program computes");
    if (movex_checksum(w->fields[i]) != checksum) bench_fail("w2", "checksums differ");
    movex_stats stats = movex_client_stats(w->clients[i]);
    if (stats.mismatches || stats.resyncs) bench_fail("w2", "a client lost sync");
}

static void verify(world *w, bool diverged)
{
    verify_view(w, 0);
    if (diverged) w->expected[hidden_touch.index] += hidden_touch.value;
    verify_view(w, 1);
}

/* ---- the run */

typedef struct result {
    double   actions_per_s;
    uint64_t bytes; /* of the master's, for a diverged viewer */
} result;

static result run(const movex_type *type, bool diverged, const bench_options *options)
{
    static world w;
    double       seconds;
    start(&w, type);
    uint64_t bytes = diverged ? hide(&w) : 0;
    for (uint32_t i = 0; i < WARM_UP; i += options->window) act(&w, options->window);
    uint64_t warm = w.answered, warm_allocations = w.masters.allocations + w.others.allocations;
    uint64_t dispatched = play(&w, options, &seconds);
    if (w.masters.allocations + w.others.allocations != warm_allocations)
        bench_fail("w2", "something was allocated once warm");
    if (w.answered != warm + dispatched) bench_fail("w2", "a dispatch has not one outcome");
    verify(&w, diverged);
    if (diverged) {
        reveal(&w);
        verify(&w, false);
    }
    end(&w);
    return (result){(double)dispatched / seconds, bytes};
}

static void report(const bench_options *options, unsigned kib, const char *how, const char *unit, double value,
                   double goal, bool at_most)
{
    char what[64];
    snprintf(what, sizeof what, "%u KiB%s", kib, how);
    bench_report(options, &(bench_row){"w2", what, unit, value, options->window == 1 ? goal : 0, at_most});
}

int main(int argc, char **argv)
{
    bench_options options = bench_parse(argc, argv, "a state of 1, 16, 256 KiB, one element touched, two clients",
                                        (bench_options){.window = 1, .seconds = 1});
    if (options.clients && options.clients != CLIENTS) {
        fprintf(stderr, "w2: left out: it has 2 clients, always\n");
        return 0;
    }
    bench_begin(&options, "W2: a state of which each action touches one element, 2 clients");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        unsigned kib = types[i].open.state->size / 1024;
        result   open = run(&types[i].open, false, &options), declared = run(&types[i].declaring, false, &options),
               diverged = run(&types[i].hiding, true, &options);
        report(&options, kib, "", "actions/s", open.actions_per_s, types[i].goal, false);
        report(&options, kib, ", declared", "actions/s", declared.actions_per_s, types[i].declared_goal, false);
        report(&options, kib, ", with a diverged viewer: times slower", "", open.actions_per_s / diverged.actions_per_s,
               0, true);
        report(&options, kib, ", what that viewer costs the master", "bytes", (double)diverged.bytes, 0, true);
    }
    return 0;
}
