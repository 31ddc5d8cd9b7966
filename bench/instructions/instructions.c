/* A fixed number of turns of one main path, for script/instructions, which counts the instructions that they take: so that a
   count is the same each time, it depends on the arguments alone. Verified as in the benchmarks: all hold the same, and nobody
   has lost sync. */
#include "../bench.h"

#include <movex/faulty.h>
#include <movex/local.h>
#include <movex/movex.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_CLIENTS = 64, CELLS = 4096, FEW_CELLS = 256, MANY_CELLS = 65536, MOST_POLLS = 64, LONGEST_PAUSE_MS = 10000 };

/* ---- the games */

typedef struct {
    int64_t count;
} counter;

MOVEX_SCHEMA(counter_schema, counter, MOVEX_FIELD(counter, count));

static int count_up(void *state, const movex_action *action, const movex_context *context)
{
    (void)action, (void)context;
    ((counter *)state)->count++;
    return MOVEX_ACCEPT;
}

static const movex_action_type increment[] = {{.name = "increment"}};
static const movex_type        counter_type = {
           .name = "counter", .state = &counter_schema, .actions = increment, .action_count = 1, .reduce = count_up};

typedef struct {
    uint32_t cell[CELLS];
} field;
typedef struct {
    uint32_t cell[FEW_CELLS];
} small_field;
typedef struct {
    uint32_t cell[MANY_CELLS];
} large_field;
typedef struct {
    uint32_t index, value;
} touch;

MOVEX_SCHEMA(field_schema, field, MOVEX_ARRAY(field, cell));
MOVEX_SCHEMA(small_field_schema, small_field, MOVEX_ARRAY(small_field, cell));
MOVEX_SCHEMA(large_field_schema, large_field, MOVEX_ARRAY(large_field, cell));
MOVEX_SCHEMA(touch_schema, touch, MOVEX_FIELD(touch, index), MOVEX_FIELD(touch, value));

static int set_cell(void *state, const movex_action *action, const movex_context *context)
{
    const touch *t = action->payload;
    (void)context;
    ((uint32_t *)state)[t->index] += t->value; /* all three states are an array and nothing else */
    return MOVEX_ACCEPT;
}

static void declare_cell(const void *state, const movex_action *action, movex_touch *touched)
{
    const touch *t = action->payload;
    MOVEX_TOUCHES(touched, ((const uint32_t *)state)[t->index]);
}

static const movex_action_type set[] = {{.name = "set", .payload = &touch_schema}};
static const movex_type        field_type = {
           .name = "field", .state = &field_schema, .actions = set, .action_count = 1, .reduce = set_cell};
static const movex_type small_field_type = {
    .name = "small", .state = &small_field_schema, .actions = set, .action_count = 1, .reduce = set_cell};
static const movex_action_type set_declared[] = {{.name = "set", .payload = &touch_schema, .touches = declare_cell}};
static const movex_type        large_field_type = {
           .name = "large", .state = &large_field_schema, .actions = set_declared, .action_count = 1, .reduce = set_cell};

/* examples/rps.c */
enum { SIT, SUBMIT, READY, AGAIN };
enum { FIRST_MOVE = 2, MOVES = 3 };
extern const movex_type rps_type;
movex_ticket            play(movex_resource *game, uint8_t seat, uint8_t move);

/* ---- a master and its clients */

typedef struct world {
    const movex_type *type;
    movex_master     *master;
    movex_local      *local;
    movex_io          network; /* of the first client, if it is unsteady */
    movex_client     *clients[MOST_CLIENTS];
    movex_resource   *resources[MOST_CLIENTS];
    uint32_t          count;
    uint64_t          now_ms, accepted;
} world;

static _Noreturn void fail(const char *why)
{
    bench_fail("instructions", why);
}

static void poll_all(world *w)
{
    w->now_ms++;
    for (uint32_t i = 0; i < w->count; i++) movex_client_flush(w->clients[i]);
    movex_master_poll(w->master, w->now_ms);
    for (uint32_t i = 0; i < w->count; i++) movex_client_poll(w->clients[i], w->now_ms);
    for (uint32_t i = 0; i < w->count; i++)
        for (movex_event event; movex_client_next(w->clients[i], &event);)
            w->accepted += event.kind == MOVEX_EVENT_ACCEPTED;
}

static void sync_all(world *w)
{
    bool in_sync = false;
    for (int polls = 0; !in_sync; polls++) {
        if (polls == MOST_POLLS) fail("somebody does not come into sync");
        poll_all(w);
        in_sync = true;
        for (uint32_t i = 0; i < w->count; i++)
            if (w->resources[i] && !movex_in_sync(w->resources[i])) in_sync = false;
    }
}

static void start(world *w, const movex_type *type, uint32_t clients, bool unsteady)
{
    *w = (world){.type = type, .count = clients, .local = movex_local_new(NULL)};
    w->master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(type)});
    if (movex_master_attach(w->master, movex_local_listen(w->local)) != MOVEX_OK) fail("out of memory");
    for (uint32_t i = 0; i < clients; i++) {
        char     id[] = {'c', (char)('0' + i / 10), (char)('0' + i % 10), 0};
        movex_io io = movex_local_dial(w->local);
        if (i == 0 && unsteady) w->network = io = movex_faulty(io, NULL);
        w->clients[i] = movex_client_new(&(movex_client_config){.id = id, .io = io});
        w->resources[i] = movex_bind(w->clients[i], type, "main");
        if (!w->resources[i]) fail("out of memory");
    }
    sync_all(w);
}

static void end(world *w, uint64_t accepted)
{
    if (w->accepted != accepted) fail("a dispatch has not one outcome");
    for (uint32_t i = 0; i < w->count; i++) {
        if (movex_pending(w->resources[i]) || movex_checksum(w->resources[i]) != movex_checksum(w->resources[0]) ||
            memcmp(movex_state(w->resources[i]), movex_state(w->resources[0]), w->type->state->size) != 0)
            fail("two clients hold different states");
        if (movex_client_stats(w->clients[i]).mismatches) fail("a client lost sync");
    }
    for (uint32_t i = 0; i < w->count; i++) movex_client_free(w->clients[i]);
    movex_master_free(w->master);
    movex_local_free(w->local);
}

/* ---- the paths */

static void dispatch(world *w, uint32_t from, uint32_t action, const void *payload)
{
    if (!movex_dispatch(w->resources[from], action, payload)) fail("a dispatch was not taken");
}

static void count_among(uint32_t clients, uint32_t turns)
{
    static world w;
    start(&w, &counter_type, clients, false);
    for (uint32_t i = 0; i < turns; i++) {
        dispatch(&w, 0, 0, NULL);
        poll_all(&w);
    }
    if (((const counter *)movex_state(w.resources[0]))->count != turns) fail("an action is missing");
    end(&w, turns);
}

static void count_alone(uint32_t turns)
{
    count_among(1, turns);
}

static void count_among_2(uint32_t turns)
{
    count_among(2, turns);
}

static void count_among_64(uint32_t turns)
{
    count_among(64, turns);
}

/* 16 in flight. */
static void count_ahead(uint32_t turns)
{
    static world w;
    start(&w, &counter_type, 2, false);
    for (uint32_t i = 0; i < turns; i++) {
        dispatch(&w, 0, 0, NULL);
        if (i % 16 == 15) poll_all(&w);
    }
    poll_all(&w);
    end(&w, turns);
}

static void play_rounds(uint32_t turns)
{
    static world w;
    start(&w, &rps_type, 2, false);
    for (uint32_t i = 0; i < 2; i++) {
        dispatch(&w, i, SIT, NULL);
        poll_all(&w);
    }
    for (uint32_t i = 0; i < turns; i++) {
        for (uint8_t seat = 0; seat < 2; seat++) {
            if (!play(w.resources[seat], seat, (uint8_t)(FIRST_MOVE + (i + seat) % MOVES)))
                fail("a move was not taken");
            poll_all(&w);
        }
        dispatch(&w, 0, AGAIN, NULL);
        poll_all(&w);
    }
    if (movex_master_stats(w.master).reveals != turns) fail("a round has not one reveal");
    end(&w, 2 + 3 * (uint64_t)turns);
}

static void touch_cells(const movex_type *type, uint32_t turns)
{
    static world w;
    start(&w, type, 2, false);
    for (uint32_t i = 0; i < turns; i++) {
        touch t = {i * 2654435761u % (type->state->size / (uint32_t)sizeof(uint32_t)), i + 1};
        dispatch(&w, 0, 0, &t);
        poll_all(&w);
    }
    end(&w, turns);
}

static void touch_1_kib(uint32_t turns)
{
    touch_cells(&small_field_type, turns);
}

static void touch_16_kib(uint32_t turns)
{
    touch_cells(&field_type, turns);
}

/* And declares what it touches. */
static void touch_256_kib(uint32_t turns)
{
    touch_cells(&large_field_type, turns);
}

/* Leaves and comes back, to a state of 16 KiB. */
static void take_snapshots(uint32_t turns)
{
    static world w;
    start(&w, &field_type, 2, false);
    for (uint32_t i = 0; i < turns; i++) {
        movex_unbind(w.resources[0]);
        w.resources[0] = NULL;
        poll_all(&w);
        poll_all(&w);
        w.resources[0] = movex_bind(w.clients[0], &field_type, "main");
        if (!w.resources[0]) fail("out of memory");
        sync_all(&w);
    }
    if (movex_client_stats(w.clients[0]).snapshots != turns + 1) fail("not each has come as a snapshot");
    end(&w, 0);
}

/* Loses the connection, misses an action, and comes back. */
static void resume(uint32_t turns)
{
    static world w;
    start(&w, &counter_type, 2, true);
    dispatch(&w, 1, 0, NULL); /* before the first entry there is nothing to go on from */
    poll_all(&w);
    for (uint32_t i = 0; i < turns; i++) {
        if (movex_faulty_cut(w.network) != 1) fail("there was no link to be cut");
        dispatch(&w, 1, 0, NULL);
        poll_all(&w);
        w.now_ms += LONGEST_PAUSE_MS;
        sync_all(&w);
    }
    if (movex_client_stats(w.clients[0]).snapshots != 1) fail("a client was not resumed");
    if (((const counter *)movex_state(w.resources[0]))->count != turns + 1) fail("an action is missing");
    end(&w, turns + 1);
}

/* Each is counted over `more` turns after `warm` ones, after which nothing grows any more: not the log either, which keeps 1,024
   entries. */
static const struct {
    const char *name;
    void (*run)(uint32_t turns);
    uint32_t warm, more;
} paths[] = {
    {"dispatch-1", count_alone, 1040, 500},
    {"dispatch-2", count_among_2, 1040, 500},
    {"dispatch-64", count_among_64, 1040, 100},
    {"dispatch-2-ahead", count_ahead, 1040, 500},
    {"private-round", play_rounds, 1040, 200},
    {"state-1-kib", touch_1_kib, 1040, 500},
    {"state-16-kib", touch_16_kib, 1040, 500},
    {"declared-256-kib", touch_256_kib, 1040, 500},
    {"snapshot-16-kib", take_snapshots, 100, 100},
    {"resume", resume, 1040, 200},
};

/* What script/instructions asks for: whether the counts can be compared with others. */
static void print_build(void)
{
#if defined NDEBUG && defined __OPTIMIZE__ && !defined __SANITIZE_ADDRESS__
    puts("release");
#else
    puts("another");
#endif
}

static void print_compiler(void)
{
#if defined __clang__
    puts("clang " __clang_version__);
#elif defined __GNUC__
    puts("gcc " __VERSION__);
#else
    puts("another compiler");
#endif
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    long        turns = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (argc == 2 && strcmp(what, "--build") == 0)
        print_build();
    else if (argc == 2 && strcmp(what, "--compiler") == 0)
        print_compiler();
    else if (argc > 1 && turns <= 0)
        return fprintf(stderr, "usage: instructions [PATH TURNS]\n"), 2;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (argc == 1) printf("%s %u %u\n", paths[i].name, (unsigned)paths[i].warm, (unsigned)paths[i].more);
        if (argc == 3 && strcmp(what, paths[i].name) == 0) paths[i].run((uint32_t)turns);
    }
    return 0;
}
