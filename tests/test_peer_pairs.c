/* Two peers of whom each may go on alone, over seeded random runs: they are cut off, paused, killed with their store and without.
   At rest both agree; what was told as undone is what is not in the state, was told as provisional before, and everything else that
   was accepted is in it, once. Nobody is away for longer than a master keeps its session: whose session has ended is told of all
   that was provisional as undone (docs/peers.md). A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "meter.h"
#include "peer_world.h"
#include "raft_internal.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

enum { ALL_SEEDS = 5000, USUAL_SEEDS = 500, HUNDRED = 100, STEPS = 120, REST_MS = 30000 };

static struct {
    uint64_t runs, kills, apart, pauses, cuts, accepted, provisional, undone, rest_ms, longest_rest_ms;
} so_far;

/* It can be lost with its memory: the other one is a member, and holds all that is certain. */
static bool can_forget(const peer_world *w, uint32_t seat)
{
    const peer_seat *s = &w->seats[seat], *other = &w->seats[1 - seat];
    if (s->disk) return true;
    if (!other->peer || !s->peer) return false;
    const movex_raft *theirs = other->peer->raft;
    return movex_raft_is_member(&theirs->committed_membership, other->peer->number) &&
           movex_raft_is_member(&theirs->membership, other->peer->number) &&
           theirs->committed >= s->peer->raft->committed_membership_index &&
           s->peer->raft->membership_index <= theirs->membership_index;
}

static void fault(peer_world *w)
{
    uint32_t   seat = meter_below(&w->random, 2);
    peer_seat *s = &w->seats[seat];
    switch (meter_below(&w->random, 9)) {
    case 0:
        if (!s->peer || !can_forget(w, seat)) break;
        peer_world_kill(w, seat);
        so_far.kills++;
        break;
    case 1:
    case 2:
        for (uint32_t i = 0; i < 2; i++)
            if (!w->seats[i].peer) peer_world_enter(w, i);
        break;
    case 3:
    case 4:
        peer_world_part(w, seat, !s->apart);
        so_far.apart++;
        break;
    case 5:
        peer_world_pause(w, seat, !s->paused);
        so_far.pauses++;
        break;
    case 6: so_far.cuts += movex_mock_cut(w->net, s->name); break;
    default:
        for (uint32_t i = 0; i < 2; i++) {
            peer_world_part(w, i, false);
            peer_world_pause(w, i, false);
        }
        break;
    }
}

static void calm(peer_world *w)
{
    movex_mock_set_faults(w->net, NULL);
    for (uint32_t i = 0; i < 2; i++) {
        peer_world_part(w, i, false);
        peer_world_pause(w, i, false);
        if (!w->seats[i].peer) peer_world_enter(w, i);
    }
    uint32_t ms = peer_world_await_settled(w, REST_MS);
    must_msg(ms != UINT32_MAX, "seed %llu: not at rest after %d ms", (unsigned long long)w->seed, REST_MS);
    so_far.rest_ms += ms;
    if (ms > so_far.longest_rest_ms) so_far.longest_rest_ms = ms;
    peer_world_run(w, 100); /* what is left to be told */
}

static void run(uint64_t seed)
{
    peer_world *w = calloc(1, sizeof *w);
    w->random = w->seed = seed;
    w->net = movex_mock_new(&(movex_mock_config){
        .seed = seed,
        .latency_ms = {0, meter_below(&w->random, 20)},
        .faults = {.cut_per_mille = meter_below(&w->random, 3), .dial_failure_per_mille = meter_below(&w->random, 200)},
    });
    const movex_peer_config config = {.survivor_goes_on = true, .silent_ms = 60000};
    peer_world_start(w, 2, meter_below(&w->random, 4), &config);
    peer_world_run(w, 1000 + meter_below(&w->random, 2000));
    for (int step = 0; step < STEPS; step++) {
        for (uint32_t i = 0; i < 2; i++)
            if (meter_below(&w->random, 3)) peer_world_act(w, i);
        if (meter_below(&w->random, 5) == 0) fault(w);
        peer_world_run(w, 1 + meter_below(&w->random, 150));
    }
    calm(w);
    peer_world_must_be_whole(w);
    for (uint32_t i = 0; i < 2; i++) {
        so_far.accepted += w->seats[i].accepted;
        so_far.provisional += w->seats[i].provisional;
        so_far.undone += w->seats[i].undone;
    }
    so_far.runs++;
    peer_world_end(w);
    free(w);
}

START_TEST(pairs)
{
    const char *alone = getenv("MOVEX_TEST_SEED");
    uint64_t    first = (uint64_t)_i * HUNDRED, last = first + HUNDRED;
    if (alone) {
        if (_i) return;
        first = strtoull(alone, NULL, 0);
        last = first + 1;
    }
    for (uint64_t seed = first; seed < last; seed++) run(seed);
    printf("# seeds %llu to %llu: %llu accepted, %llu of them provisional, %llu undone, %llu kills, %llu cut off, %llu "
           "paused; rest after "
           "%llu ms, %llu at the most\n",
           (unsigned long long)first, (unsigned long long)last - 1, (unsigned long long)so_far.accepted,
           (unsigned long long)so_far.provisional, (unsigned long long)so_far.undone, (unsigned long long)so_far.kills,
           (unsigned long long)so_far.apart, (unsigned long long)so_far.pauses,
           (unsigned long long)(so_far.rest_ms / so_far.runs), (unsigned long long)so_far.longest_rest_ms);
    fflush(stdout);
    if (alone) return;
    must(so_far.kills > HUNDRED && so_far.apart > HUNDRED && so_far.pauses > HUNDRED && so_far.accepted > 50 * HUNDRED);
    must(so_far.provisional > 10 * HUNDRED && so_far.undone > HUNDRED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer pairs");
    TCase *all = tcase_create("pairs");
    tcase_set_timeout(all, 1200);
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, pairs, 0, (movex_test_is_long() ? ALL_SEEDS : USUAL_SEEDS) / HUNDRED);
    return movex_test_main(suite);
}
