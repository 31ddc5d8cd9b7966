/* Seeded random runs in which everything goes wrong that can: 2 to 6 clients go on with public, private, redacted, confirm and
   master-only actions while

     frames are late, links are cut, half-open, cut for one side alone, receivers stall, dials fail, clients are cut off for a
     while, frames are short and queues small; clocks of clients and of the master jump;
     the master crashes, with what was not flushed lost and torn; clients crash, and come again under the same id;
     the disk is full, or fails to flush; who flushes it is the master itself, or somebody else;
     history, journal, queues, what may be hidden and pending are small.

   Besides I1, I2, I4, I6 and I7 at every version (test_views.c, test_restarts.c):

     I7  what a client was told of is there after a crash, though the disk had failed and the client has crashed as well
     I8  links, sessions, queues, journal and memory keep within their bounds, and all that clients have cost comes back

   And in runs of their own bits flip in what clients hold (I5): found with the next message for the resource, or written over by
   it; healed by one resync at most, with pending kept; for views of hiders and redacted ones as well.

   A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "secrets_run.h"
#include "support.h"

enum { SEEDS_AT_ONCE = 25, FLIPS = 1000000 /* seeds of runs with flips are from here on */ };

static void run_seed(uint64_t seed, secrets_events *events)
{
    static secrets_run run;
    memset(&run, 0, sizeof run);
    run.seed = seed;
    run.events = events;
    run.flips = seed > FLIPS;
    run.storms = !run.flips || seed % 8 >= 4;
    secrets_play(&run, 100);
}

/* False if one seed is asked for, which is run if it is among these. */
static bool run_seeds(uint64_t first, secrets_events *events)
{
    const char *one = getenv("MOVEX_TEST_SEED");
    uint64_t    wanted = one ? strtoull(one, NULL, 10) : 0;
    for (uint64_t seed = first + 1; seed <= first + SEEDS_AT_ONCE; seed++)
        if (!one || seed == wanted) run_seed(seed, events);
    return !one;
}

START_TEST(nothing_is_lost_and_all_is_bounded)
{
    secrets_events e = {0};
    if (!run_seeds((uint64_t)_i * SEEDS_AT_ONCE, &e)) return;
    ck_assert_uint_gt(e.restarts, 25); /* what is usual is twice that and more */
    ck_assert_uint_gt(e.undone, 1);
    ck_assert_uint_gt(e.crashes, 30);
    ck_assert_uint_gt(e.failed_flushes, 30);
    ck_assert_uint_gt(e.lingering, 3);
    ck_assert_uint_gt(e.jumps, 15);
    ck_assert_uint_gt(e.failed_dials, 100);
    ck_assert_uint_gt(e.partitions, 15);
    ck_assert_uint_gt(e.half_open + e.stalls, 0);
    ck_assert_uint_gt(e.reconnects, 20);
    ck_assert_uint_gt(e.snapshots, 50);
    ck_assert_uint_gt(e.refusals, 80);
    ck_assert_uint_gt(e.hidden, 25);
    ck_assert_uint_gt(e.reveals, 10);
    ck_assert_uint_gt(e.patches, 15);
}
END_TEST

START_TEST(flipped_bits_are_found_and_healed)
{
    secrets_events e = {0};
    if (!run_seeds(FLIPS + (uint64_t)_i * SEEDS_AT_ONCE, &e)) return;
    ck_assert_uint_gt(e.flips, 40); /* usual is twice that and more */
    ck_assert_uint_gt(e.healed, 20);
}
END_TEST

int main(void)
{
    int    chunks = movex_test_is_long() ? 200 : 20;
    Suite *suite = suite_create("storms");
    TCase *tcase = tcase_create("seeds");
    tcase_set_timeout(tcase, 600);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, nothing_is_lost_and_all_is_bounded, 0, chunks);
    tcase_add_loop_test(tcase, flipped_bits_are_found_and_healed, 0, chunks / 5);
    return movex_test_main(suite);
}
