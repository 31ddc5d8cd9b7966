#include "kinds_run.h"

#include "meter.h"

#include <movex/client.h>
#include <movex/master.h>
#include <movex/mock.h>
#include <movex/text.h>

#include <string.h>

const char *const kinds_clients[KINDS_CLIENTS] = {"c0", "c1", "c2"};

typedef struct kinds_run {
    const movex_type   *type;
    uint64_t            seed, random, now_ms;
    movex_mock         *net;
    movex_store_memory *disk;
    movex_master       *master;
    movex_client       *clients[KINDS_CLIENTS];
    movex_resource     *bound[KINDS_CLIENTS];
    uint64_t            checksums[KINDS_CLIENTS + 2]; /* of what each may know, when the master was last stopped */
} kinds_run;

#define require(r, condition)                                                                                          \
    must_msg(condition, "seed %llu, type %s, at %llu ms: %s", (unsigned long long)(r)->seed, (r)->type->name,          \
             (unsigned long long)(r)->now_ms, #condition)

static void start_master(kinds_run *r)
{
    movex_error error = {.text = ""};
    r->master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(r->type),
                                                        .seed = r->seed,
                                                        .limits = {.journal_bytes = r->seed % 2 ? 4096 : 0},
                                                        .store = movex_store_memory_open(r->disk),
                                                        .error = &error});
    must_msg(r->master, "seed %llu: %s", (unsigned long long)r->seed, error.text);
    require(r, movex_master_attach(r->master, movex_mock_listen(r->net)) == MOVEX_OK);
}

static void read_checksums(const kinds_run *r, uint64_t checksums[KINDS_CLIENTS + 2])
{
    for (int i = 0; i < KINDS_CLIENTS + 2; i++) {
        const char *viewer = i < KINDS_CLIENTS ? kinds_clients[i] : i == KINDS_CLIENTS ? "" : NULL;
        require(r, movex_master_view(r->master, r->type, "r", viewer, NULL, &checksums[i]) == MOVEX_OK);
    }
}

static void poll_all(kinds_run *r, uint32_t ms)
{
    r->now_ms += ms;
    movex_mock_poll(r->net, r->now_ms);
    movex_store_memory_poll(r->disk, r->now_ms);
    movex_master_poll(r->master, r->now_ms);
    for (int i = 0; i < KINDS_CLIENTS; i++) {
        movex_client_poll(r->clients[i], r->now_ms);
        for (movex_event event; movex_client_next(r->clients[i], &event);)
            require(r, event.kind != MOVEX_EVENT_MISMATCH && event.kind != MOVEX_EVENT_CLOSED);
    }
}

/* Any bits: NaNs of every kind, infinities, values that are barely there; or something near to what games use. */
static double draw_double(kinds_run *r)
{
    static const double edges[] = {0.0, -0.0, 1e308, -1e-308, 5e-324, 1e-310, 0.1, 1e16, 2147483648.5};
    uint64_t            bits = meter_random(&r->random);
    double              value;
    if (meter_below(&r->random, 3)) return ((double)(bits >> 11) / 9007199254740992.0 - 0.5) * 1000;
    if (meter_below(&r->random, 2)) return edges[bits % (sizeof edges / sizeof *edges)];
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float draw_float(kinds_run *r)
{
    uint32_t bits = (uint32_t)meter_random(&r->random);
    float    value;
    if (meter_below(&r->random, 4)) return (float)(bits >> 8) / 16777216.0f * 4 - 2;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void draw_move(kinds_run *r, kinds_move *m)
{
    memset(m, 0, sizeof *m);
    m->a = (uint8_t)meter_below(&r->random, 256);
    m->b = (uint8_t)meter_below(&r->random, 256);
    m->x = draw_double(r);
    m->y = draw_float(r);
    m->big = (int64_t)meter_random(&r->random) >> meter_below(&r->random, 60);
    for (int i = 0; i < 3; i++) m->three[i] = draw_float(r);
    m->mood = (uint8_t)meter_below(&r->random, KINDS_MOODS + 1);
    size_t length = meter_below(&r->random, sizeof m->text);
    for (size_t i = 0; i < length; i++) m->text[i] = (char)(1 + meter_below(&r->random, 255));
}

static void dispatch(kinds_run *r)
{
    uint32_t        action = meter_below(&r->random, r->type->action_count < KINDS_TICK ? KINDS_STIR : KINDS_TICK);
    movex_resource *resource = r->bound[meter_below(&r->random, KINDS_CLIENTS)];
    kinds_move      move, shown;
    if (meter_below(&r->random, 6) == 0) action = KINDS_MULTIPLY;
    if (action == KINDS_SHRINK && meter_below(&r->random, 3)) action = KINDS_FLY;
    draw_move(r, &move);
    draw_move(r, &shown);
    if (action == KINDS_PUSH && meter_below(&r->random, 8))
        movex_dispatch_private(resource, action, &move, KINDS_WAIT, &shown);
    else
        movex_dispatch(resource, action, &move);
}

static void start(kinds_run *r)
{
    r->net = movex_mock_new(&(movex_mock_config){.seed = r->seed});
    r->disk = movex_store_memory_new(&(movex_store_memory_config){.seed = r->seed, .flush_ms = r->seed % 4});
    require(r, r->net && r->disk);
    movex_mock_set_latency(r->net, (movex_mock_range){1, 12});
    start_master(r);
    require(r, movex_master_create(r->master, r->type, "r") == MOVEX_OK);
    for (int i = 0; i < KINDS_CLIENTS; i++) {
        r->clients[i] = movex_client_new(&(movex_client_config){
            .id = kinds_clients[i], .io = movex_mock_connect_as(r->net, kinds_clients[i]), .reconnect_max_ms = 50});
        require(r, r->clients[i]);
        r->bound[i] = movex_bind(r->clients[i], r->type, "r");
        require(r, r->bound[i]);
    }
}

/* Everything that there is to write is durable. */
static void settle(kinds_run *r)
{
    for (int i = 0; i < 60; i++) poll_all(r, 10);
    read_checksums(r, r->checksums);
}

static void check_restart(kinds_run *r)
{
    uint64_t checksums[KINDS_CLIENTS + 2];
    start_master(r);
    read_checksums(r, checksums);
    require(r, memcmp(checksums, r->checksums, sizeof checksums) == 0);
}

void kinds_play(const movex_type *type, uint64_t seed, int steps, void (*stopped)(void *user, movex_store_memory *disk),
                void *user)
{
    kinds_run run = {.type = type, .seed = seed, .random = seed * 77 + 5}, *r = &run;
    start(r);
    for (int i = 0; i < 20; i++) poll_all(r, 5);
    for (int step = 1; step <= steps; step++) {
        for (uint32_t n = meter_below(&r->random, 3); n > 0; n--) dispatch(r);
        poll_all(r, meter_below(&r->random, 15));
        if (step % 200 != 0 && step != steps) continue;
        bool clean = step == steps || meter_below(&r->random, 2);
        if (clean)
            settle(r);
        else
            movex_store_memory_crash(r->disk);
        movex_master_free(r->master);
        stopped(user, r->disk);
        if (clean)
            check_restart(r);
        else
            start_master(r);
    }
    for (int i = 0; i < KINDS_CLIENTS; i++) movex_client_free(r->clients[i]);
    movex_master_free(r->master);
    movex_store_memory_free(r->disk);
    movex_mock_free(r->net);
}
