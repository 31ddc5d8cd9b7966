/* Raft alone over seeded random runs: one to seven members over a network that loses, doubles, delays and reorders single messages;
   they are killed, with disks that lose torn ends and without, paused, cut off, leave and come again. What must hold stands in
   raft_net.h; when calm comes, all agree. A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "raft_net.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

enum { ALL_SEEDS = 20000, USUAL_SEEDS = 600, HUNDRED = 100, STEPS = 150, REST_MS = 60000 };

static struct {
    uint64_t runs, kills, returns, apart, paused, left, cuts, masters, entries, restored, rest_ms, longest_ms;
} so_far;

static void kill(raft_net *n, uint32_t seat)
{
    if (!n->seats[seat].raft || (!n->seats[seat].disk && !raft_net_can_spare(n, seat))) return;
    raft_net_kill(n, seat);
    so_far.kills++;
}

static void enter_somebody(raft_net *n)
{
    for (uint32_t i = 0; i < n->count; i++) {
        if (n->seats[i].raft || (i >= n->config.founders && !n->last_committed)) continue;
        raft_net_enter(n, i);
        so_far.returns++;
        return;
    }
}

/* A room whose last member leaves is over. */
static uint32_t others_staying(const raft_net *n, uint32_t seat)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        const raft_seat *s = &n->seats[i];
        count += i != seat && s->raft && !s->leaving && movex_raft_is_member(&s->raft->committed_membership, s->number);
    }
    return count;
}

static void fault(raft_net *n)
{
    uint32_t   seat = meter_below(&n->random, n->count);
    raft_seat *s = &n->seats[seat];
    switch (meter_below(&n->random, 10)) {
    case 0:
    case 1: kill(n, seat); break;
    case 2:
    case 3: enter_somebody(n); break;
    case 4:
        raft_net_apart(n, seat, !s->apart);
        so_far.apart++;
        break;
    case 5:
        s->paused = !s->paused;
        so_far.paused++;
        break;
    case 6:
        raft_net_link(n, seat, meter_below(&n->random, n->count), false);
        so_far.cuts++;
        break;
    case 7:
        if (!s->raft || s->leaving || !s->raft->membership.count || others_staying(n, seat) < 2 ||
            !raft_net_can_spare(n, seat))
            break;
        s->leaving = true;
        movex_raft_leave(s->raft);
        so_far.left++;
        break;
    case 8:
        if (raft_net_master(n) >= 0) kill(n, (uint32_t)raft_net_master(n));
        break;
    default:
        for (uint32_t i = 0; i < n->count; i++) raft_net_apart(n, i, false);
        break;
    }
}

static void calm(raft_net *n)
{
    n->loss = n->doubling = n->lateness = 0;
    for (uint32_t ms = 0; ms < REST_MS; ms += 5) {
        for (uint32_t i = 0; i < n->count; i++) {
            raft_net_apart(n, i, false);
            n->seats[i].paused = false;
            if (!n->seats[i].raft && (i < n->config.founders || n->last_committed)) raft_net_enter(n, i);
        }
        if (raft_net_is_calm(n)) {
            so_far.rest_ms += ms;
            if (ms > so_far.longest_ms) so_far.longest_ms = ms;
            return;
        }
        raft_net_run(n, 5);
    }
    must_msg(false, "seed %llu: no calm after %d ms", (unsigned long long)n->seed, REST_MS);
}

static void run(uint64_t seed)
{
    raft_net *n = calloc(1, sizeof *n);
    n->seed = n->random = seed;
    uint32_t founders = 1 + meter_below(&n->random, 7), count = founders + meter_below(&n->random, 3);
    n->config.silent_ms = 1000 + meter_below(&n->random, 5000);
    n->config.message_bytes = 200 + meter_below(&n->random, 1500);
    n->loss = meter_below(&n->random, 3) ? meter_below(&n->random, 200) : 0;
    n->doubling = meter_below(&n->random, 200);
    n->lateness = meter_below(&n->random, 100);
    n->latency_ms = meter_below(&n->random, 30);
    n->flush_ms = meter_below(&n->random, 2) ? meter_below(&n->random, 40) : 0;
    raft_net_start(n, founders, count, (unsigned)meter_random(&n->random));
    raft_net_run(n, meter_below(&n->random, 2000));
    for (int step = 0; step < STEPS; step++) {
        for (uint32_t i = 0; i < count; i++)
            if (n->seats[i].raft && !n->seats[i].paused && n->seats[i].raft->role == MOVEX_RAFT_MASTER)
                for (uint32_t k = meter_below(&n->random, 4); k > 0; k--) raft_net_propose(n, i);
        if (meter_below(&n->random, 10) == 0) raft_net_compact(n, meter_below(&n->random, n->count));
        if (meter_below(&n->random, 3) == 0) fault(n);
        raft_net_run(n, 1 + meter_below(&n->random, 100));
    }
    calm(n);
    so_far.runs++;
    so_far.entries += n->last_committed;
    for (uint32_t i = 0; i < count; i++) {
        so_far.masters += n->seats[i].masters;
        so_far.restored += n->seats[i].restored;
    }
    raft_net_end(n);
    free(n);
}

/* Allocations fail at any time, for all members alike: nobody forgets anything, some give up and start again from their disk, and
   when there is memory again all agree. */
START_TEST(members_without_memory)
{
    uint64_t gave_up = 0, failed = 0;
    for (uint64_t seed = (uint64_t)_i * HUNDRED; seed < (uint64_t)(_i + 1) * HUNDRED; seed++) {
        raft_net *n = calloc(1, sizeof *n);
        meter     m = {.random = seed};
        n->seed = n->random = seed;
        n->may_fail = true;
        n->config.message_bytes = 500;
        n->config.allocator = meter_allocator(&m);
        n->latency_ms = 20;
        raft_net_start(n, 3, 4, 15);
        for (int step = 0; step < 60; step++) {
            m.fail_one_in = meter_below(&n->random, 2) ? 2 + meter_below(&n->random, 60) : 0;
            for (uint32_t i = 0; i < 4; i++)
                if (n->seats[i].raft && n->seats[i].raft->role == MOVEX_RAFT_MASTER) raft_net_propose(n, i);
            raft_net_run(n, 1 + meter_below(&n->random, 150));
            m.fail_one_in = 0;
            if (meter_below(&n->random, 8) == 0) raft_net_kill(n, meter_below(&n->random, 4));
            if (meter_below(&n->random, 3) == 0) enter_somebody(n);
        }
        calm(n);
        gave_up += n->gave_up;
        failed += m.failed;
        raft_net_end(n);
        free(n);
        must_equal(m.blocks, 0);
        must_equal(m.wrong, 0);
    }
    printf("# %llu allocations failed, %llu gave up\n", (unsigned long long)failed, (unsigned long long)gave_up);
    must(failed > HUNDRED && gave_up > 0);
}
END_TEST

START_TEST(members)
{
    const char *alone = getenv("MOVEX_TEST_SEED");
    uint64_t    first = (uint64_t)_i * HUNDRED, last = first + HUNDRED;
    if (alone) {
        if (_i) return;
        first = strtoull(alone, NULL, 0);
        last = first + 1;
    }
    for (uint64_t seed = first; seed < last; seed++) run(seed);
    printf("# seeds %llu to %llu: %llu entries, %llu masters, %llu kills, %llu returns, %llu cut off, %llu paused, "
           "%llu left, %llu snapshots; "
           "calm after %llu ms, %llu at the most\n",
           (unsigned long long)first, (unsigned long long)last - 1, (unsigned long long)so_far.entries,
           (unsigned long long)so_far.masters, (unsigned long long)so_far.kills, (unsigned long long)so_far.returns,
           (unsigned long long)so_far.apart, (unsigned long long)so_far.paused, (unsigned long long)so_far.left,
           (unsigned long long)so_far.restored, (unsigned long long)(so_far.rest_ms / so_far.runs),
           (unsigned long long)so_far.longest_ms);
    fflush(stdout);
    if (alone) return;
    must(so_far.kills > HUNDRED && so_far.returns > HUNDRED && so_far.apart > HUNDRED && so_far.paused > HUNDRED);
    must(so_far.entries > 50 * HUNDRED && so_far.masters > 2 * HUNDRED && so_far.left > HUNDRED / 4 &&
         so_far.restored > HUNDRED);
}
END_TEST

/* Beyond the usual seeds: comers that left on the word of a follower, and ones that a wish from an earlier life kept out. */
START_TEST(members_that_once_failed)
{
    static const uint64_t seeds[] = {4811, 7351, 9575, 11205, 11901, 18052, 18234};
    if (getenv("MOVEX_TEST_SEED")) return;
    for (size_t i = 0; i < MOVEX_COUNT_OF(seeds); i++) run(seeds[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft runs");
    TCase *all = tcase_create("members");
    tcase_set_timeout(all, 1200);
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, members, 0, (movex_test_is_long() ? ALL_SEEDS : USUAL_SEEDS) / HUNDRED);
    tcase_add_test(all, members_that_once_failed);
    tcase_add_loop_test(all, members_without_memory, 0, 2);
    return movex_test_main(suite);
}
