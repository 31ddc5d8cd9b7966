/* Peers without memory: each allocation of one of three fails once, while the room begins, plays, loses its master, removes who was
   silent and takes it in again; and many fail at once. Nobody crashes or leaks; who cannot go on says so; when there is memory again
   the room comes to rest, and nothing that was accepted is lost. */
#include "meter.h"
#include "peer_world.h"
#include "support.h"

#include <movex/text.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REST_MS = 15000, SLICES = 6 };

static const movex_type *const types[] = {&tally_type, NULL};

/* ---- making one */

START_TEST(making_a_peer)
{
    uint64_t fails = 0;
    for (uint64_t at = 1; at < 1000; at++) {
        meter               m = {.fail_at = at};
        movex_error         error = {.status = MOVEX_OK};
        movex_mock         *net = movex_mock_new(NULL);
        movex_store_memory *disk = _i ? movex_store_memory_new(NULL) : NULL;
        movex_peer         *peer = movex_peer_new(&(movex_peer_config){
                    .id = "a",
                    .room = "r",
                    .types = types,
                    .io = movex_mock_listen_as(net, "a"),
                    .peers = (const char *const[]){"b", "c"},
                    .peer_count = 2,
                    .seed = 1,
                    .store = disk ? movex_store_memory_open(disk) : (movex_store){0},
                    .allocator = meter_allocator(&m),
                    .error = &error,
        });
        if (!peer) must_msg(error.status == MOVEX_ERR_MEMORY && error.text[0], "%d: %s", (int)error.status, error.text);
        movex_peer_free(peer);
        must_equal(m.blocks, 0);
        must_equal(m.wrong, 0);
        /* Its name and its store are free again. */
        movex_io    io = movex_mock_listen_as(net, "a");
        movex_store store = disk ? movex_store_memory_open(disk) : (movex_store){0};
        must(io.ops->listen(io.self) == MOVEX_OK && (!disk || store.self));
        io.ops->destroy(io.self);
        if (disk) store.ops->destroy(store.self);
        movex_store_memory_free(disk);
        movex_mock_free(net);
        if (m.failed == 0) break;
        fails++;
    }
    must(fails > 10 && fails < 900);
}
END_TEST

/* ---- a life */

typedef struct life {
    peer_world world;
    meter      meter;
} life;

static void act(life *l)
{
    for (uint32_t i = 0; i < 3; i++) peer_world_act(&l->world, i);
    peer_world_run(&l->world, 5);
}

/* Who has given up, or died, comes again when there is memory. */
static void rest(life *l)
{
    peer_world *w = &l->world;
    for (uint32_t i = 0; i < 3; i++) {
        peer_world_part(w, i, false);
        if (!w->seats[i].peer) peer_world_enter(w, i);
    }
    must_msg(peer_world_await_settled(w, REST_MS) != UINT32_MAX, "allocation %llu, seed %llu: not at rest",
             (unsigned long long)l->meter.fail_at, (unsigned long long)w->seed);
    peer_world_must_be_whole(w);
}

static void begin(life *l, uint64_t seed, bool with_store)
{
    const movex_peer_config config = {.silent_ms = 1500};
    memset(l, 0, sizeof *l);
    l->world.random = l->world.seed = seed;
    l->world.seats[0].allocator = meter_allocator(&l->meter);
    peer_world_start(&l->world, 3, with_store ? 1 : 0, &config);
}

/* `others_die`: so does a master that is another one; then this one must not lose its memory as well. */
static void live(life *l, bool others_die)
{
    peer_world *w = &l->world;
    peer_world_run(w, 700);
    for (int i = 0; i < 6; i++) act(l);
    int master = peer_world_master(w);
    if (others_die && master > 0 && peer_world_can_spare(w, (uint32_t)master)) peer_world_kill(w, (uint32_t)master);
    peer_world_run(w, 900);
    for (int i = 0; i < 4; i++) act(l);
    if (others_die && master > 0 && !w->seats[master].peer) peer_world_enter(w, (uint32_t)master);
    peer_world_run(w, 600);
    peer_world_part(w, 0, true);
    peer_world_run(w, 3500); /* it is removed */
    peer_world_part(w, 0, false);
    peer_world_run(w, 1500); /* and comes as another */
    for (int i = 0; i < 4; i++) act(l);
}

static void end(life *l)
{
    peer_world_end(&l->world);
    must_equal(l->meter.blocks, 0);
    must_equal(l->meter.wrong, 0);
}

/* How many allocations a life without failures takes, after that of making it. */
static uint64_t allocations(life *l, bool with_store, uint64_t *making)
{
    begin(l, 1, with_store);
    *making = l->meter.taken;
    live(l, true);
    rest(l);
    uint64_t taken = l->meter.taken;
    end(l);
    return taken;
}

START_TEST(each_allocation_fails_once)
{
    bool     with_store = _i >= SLICES;
    life    *l = calloc(1, sizeof *l);
    uint64_t making, all = allocations(l, with_store, &making), failed = 0, gave_up = 0;
    for (uint64_t at = making + 1 + (uint64_t)_i % SLICES; at <= all; at += SLICES) {
        begin(l, 1, with_store);
        l->meter.fail_at = at;
        live(l, true);
        failed += l->meter.failed;
        gave_up += l->world.seats[0].gave_up;
        l->meter.fail_at = 0;
        rest(l);
        end(l);
    }
    printf("# %llu allocations of %llu failed, %llu gave up\n", (unsigned long long)failed, (unsigned long long)all,
           (unsigned long long)gave_up);
    fflush(stdout);
    must(failed > 20);
    free(l);
}
END_TEST

START_TEST(many_allocations_fail)
{
    life    *l = calloc(1, sizeof *l);
    uint64_t failed = 0, gave_up = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        begin(l, seed, seed & 1);
        l->meter.random = seed;
        l->meter.fail_one_in = 2 + (uint32_t)seed % 8;
        live(l, false);
        failed += l->meter.failed;
        gave_up += l->world.seats[0].gave_up;
        l->meter.fail_one_in = 0;
        rest(l);
        end(l);
    }
    printf("# %llu allocations failed, %llu gave up\n", (unsigned long long)failed, (unsigned long long)gave_up);
    fflush(stdout);
    must(failed > 300 && gave_up > 30);
    free(l);
}
END_TEST

/* ---- a store that fails */

/* Its owner is no member for as long as nothing can be kept, plays on through the master, and is one again when the disk is better. */
START_TEST(a_disk_that_is_full)
{
    life *l = calloc(1, sizeof *l);
    begin(l, 7, true);
    peer_world *w = &l->world;
    must(peer_world_await_settled(w, 5000) != UINT32_MAX);
    for (int i = 0; i < 6; i++) act(l);
    movex_store_memory_set_capacity(w->seats[0].disk, 1);
    for (int i = 0; i < 6; i++) act(l);
    peer_world_run(w, 6000);
    uint64_t before = w->seats[0].accepted;
    must(w->seats[0].peer && peer_world_act(w, 0));
    peer_world_run(w, 500);
    must_equal(w->seats[0].accepted, before + 1);
    must(peer_world_act(w, 1));
    movex_store_memory_set_capacity(w->seats[0].disk, 0);
    rest(l);
    end(l);
    free(l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer memory");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 600);
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, making_a_peer, 0, 2);
    tcase_add_loop_test(all, each_allocation_fails_once, 0, 2 * SLICES);
    tcase_add_test(all, many_allocations_fail);
    tcase_add_test(all, a_disk_that_is_full);
    return movex_test_main(suite);
}
