/* Properties of rooms of peers over seeded random runs: 3 to 7 peers who play all the time, while they are killed, come again with
   their store or without, are cut off, paused, leave and come back, over a network that delays and cuts. What is checked at every
   step stands in peer_world.h; at rest all agree, and what was accepted is in the state, once. A majority of the members always
   survives with its memory. A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "meter.h"
#include "peer_world.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

enum { ALL_SEEDS = 5000, USUAL_SEEDS = 500, HUNDRED = 100, STEPS = 150, REST_MS = 30000 };

/* What has happened, over a hundred runs: enough to prove something. */
typedef struct tally_of_runs {
    uint64_t runs, kills, returns, parts, pauses, cuts, leaves, masters, accepted, unknown, opened, forfeited, untold,
        rest_ms, longest_rest_ms;
} tally_of_runs;

static void maybe_kill(peer_world *w, tally_of_runs *so_far, uint32_t seat)
{
    if (!w->seats[seat].disk && !peer_world_can_spare(w, seat)) return;
    if (!w->seats[seat].peer) return;
    peer_world_kill(w, seat);
    so_far->kills++;
}

static void fault(peer_world *w, tally_of_runs *so_far)
{
    uint32_t   seat = meter_below(&w->random, w->count);
    peer_seat *s = &w->seats[seat];
    switch (meter_below(&w->random, 12)) {
    case 0:
    case 1: maybe_kill(w, so_far, seat); break;
    case 2:
    case 3:
    case 4:
        for (uint32_t i = 0; i < w->count; i++) {
            uint32_t at = (seat + i) % w->count;
            if (w->seats[at].peer) continue;
            peer_world_enter(w, at);
            so_far->returns++;
            break;
        }
        break;
    case 5:
        peer_world_part(w, seat, !s->apart);
        so_far->parts++;
        break;
    case 6:
        if (peer_world_master(w) >= 0) peer_world_part(w, (uint32_t)peer_world_master(w), true);
        so_far->parts++;
        break;
    case 7:
        peer_world_pause(w, seat, !s->paused);
        so_far->pauses++;
        break;
    case 8: so_far->cuts += movex_mock_cut(w->net, s->name); break;
    case 9:
        if (peer_world_master(w) >= 0) maybe_kill(w, so_far, (uint32_t)peer_world_master(w));
        break;
    case 10:
        if (!s->peer || s->leaving || !peer_world_can_spare(w, seat)) break;
        s->leaving = true;
        movex_peer_leave(s->peer);
        so_far->leaves++;
        break;
    default:
        for (uint32_t i = 0; i < w->count; i++) peer_world_part(w, i, false);
        break;
    }
}

static void calm(peer_world *w, tally_of_runs *so_far)
{
    movex_mock_set_faults(w->net, NULL);
    for (uint32_t i = 0; i < w->count; i++) {
        peer_world_part(w, i, false);
        peer_world_pause(w, i, false);
        if (!w->seats[i].peer) peer_world_enter(w, i);
    }
    /* Who was leaving may still do so; then it comes again. */
    for (uint32_t ms = 0; ms < REST_MS; ms++) {
        bool leaving = false;
        for (uint32_t i = 0; i < w->count; i++) {
            if (!w->seats[i].peer) peer_world_enter(w, i);
            leaving = leaving || w->seats[i].leaving;
        }
        if (!leaving && peer_world_is_settled(w)) {
            so_far->rest_ms += ms;
            if (ms > so_far->longest_rest_ms) so_far->longest_rest_ms = ms;
            return;
        }
        peer_world_run(w, 1);
    }
    must_msg(false, "seed %llu: not at rest after %d ms", (unsigned long long)w->seed, REST_MS);
}

static void run(uint64_t seed, tally_of_runs *so_far)
{
    peer_world w = {.random = seed, .seed = seed};
    uint32_t   count = 3 + meter_below(&w.random, 5);
    w.net = movex_mock_new(&(movex_mock_config){
        .seed = seed,
        .latency_ms = {0, meter_below(&w.random, 20)},
        .faults = {.cut_per_mille = meter_below(&w.random, 3), .dial_failure_per_mille = meter_below(&w.random, 200)},
    });
    movex_peer_config config = {.silent_ms = 1000 + meter_below(&w.random, 4000),
                                .seal_ms = 200 + meter_below(&w.random, 1500)};
    peer_world_start(&w, count, (unsigned)meter_random(&w.random) & (unsigned)meter_random(&w.random), &config);
    peer_world_run(&w, meter_below(&w.random, 3000));
    for (int step = 0; step < STEPS; step++) {
        for (uint32_t i = 0; i < count; i++)
            if (meter_below(&w.random, 3) == 0)
                peer_world_seal(&w, i);
            else if (meter_below(&w.random, 2))
                peer_world_act(&w, i);
        if (meter_below(&w.random, 4) == 0) fault(&w, so_far);
        peer_world_run(&w, 1 + meter_below(&w.random, 60));
    }
    calm(&w, so_far);
    peer_world_open(&w, REST_MS);
    calm(&w, so_far);
    peer_world_must_be_whole(&w);
    for (uint32_t i = 0; i < count; i++) {
        so_far->accepted += w.seats[i].accepted;
        so_far->unknown += w.seats[i].unknown;
        so_far->masters += w.seats[i].masters;
        so_far->opened += w.seats[i].opened;
        so_far->forfeited += w.seats[i].forfeited;
        so_far->untold += w.seats[i].untold;
    }
    so_far->runs++;
    peer_world_end(&w);
}

START_TEST(rooms)
{
    tally_of_runs so_far = {0};
    const char   *alone = getenv("MOVEX_TEST_SEED");
    uint64_t      first = (uint64_t)_i * HUNDRED, last = first + HUNDRED;
    if (alone) {
        if (_i) return;
        first = strtoull(alone, NULL, 0);
        last = first + 1;
    }
    for (uint64_t seed = first; seed < last; seed++) run(seed, &so_far);
    printf("# seeds %llu to %llu: %llu accepted, %llu of it sealed, %llu forfeited, %llu of which nobody was told, "
           "%llu unknown, %llu kills, %llu returns, %llu cut off, %llu paused, %llu left; rest after %llu ms, "
           "%llu at the most\n",
           (unsigned long long)first, (unsigned long long)last - 1, (unsigned long long)so_far.accepted,
           (unsigned long long)so_far.opened, (unsigned long long)so_far.forfeited, (unsigned long long)so_far.untold,
           (unsigned long long)so_far.unknown, (unsigned long long)so_far.kills, (unsigned long long)so_far.returns,
           (unsigned long long)so_far.parts, (unsigned long long)so_far.pauses, (unsigned long long)so_far.leaves,
           (unsigned long long)(so_far.rest_ms / so_far.runs), (unsigned long long)so_far.longest_rest_ms);
    if (alone) return;
    must(so_far.opened > 10 * HUNDRED && so_far.forfeited > HUNDRED && so_far.untold < HUNDRED);
    must(so_far.kills > HUNDRED && so_far.returns > HUNDRED / 2 && so_far.parts > HUNDRED && so_far.pauses > HUNDRED);
    must(so_far.accepted > 50 * HUNDRED && so_far.masters > 5 * HUNDRED && so_far.leaves > HUNDRED / 4);
}
END_TEST

/* Beyond the usual seeds: a session that had got its id back ended without a record of that, and the next start refused the file. */
START_TEST(rooms_that_once_failed)
{
    static const uint64_t seeds[] = {878, 3642};
    tally_of_runs         so_far = {0};
    if (getenv("MOVEX_TEST_SEED")) return;
    for (size_t i = 0; i < MOVEX_COUNT_OF(seeds); i++) run(seeds[i], &so_far);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer runs");
    TCase *all = tcase_create("rooms");
    tcase_set_timeout(all, 1200);
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, rooms, 0, (movex_test_is_long() ? ALL_SEEDS : USUAL_SEEDS) / HUNDRED);
    tcase_add_test(all, rooms_that_once_failed);
    return movex_test_main(suite);
}
