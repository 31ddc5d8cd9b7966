/* Properties over seeded random runs of public, private, redacted, confirm and master-only actions, by 2 to 6 clients who come
   and go over a network that delays and cuts. At every version:

     I1  whoever holds a version of a view holds the checksum of that view at that version
     I2  every view of the master's equals its fold from the base, computed again from scratch
     I4  no mismatch, no resync, no protocol error; what a client shows is confirmed with pending on top
     I6  one accepted dispatch, one entry; every ticket one outcome; and an overturned one is told once
         the reveal comes with the entry after which the public state asks for it, names what it revealed, and revealed it all

   A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "secrets_run.h"
#include "support.h"

static void run_seed(uint64_t seed, bool slow, secrets_events *events)
{
    static secrets_run run;
    memset(&run, 0, sizeof run);
    run.seed = seed;
    run.events = events;
    run.slow = slow;
    secrets_play(&run, 150);
}

enum { SEEDS_AT_ONCE = 20 };

START_TEST(everybody_sees_what_is_theirs_to_see)
{
    const char    *one = getenv("MOVEX_TEST_SEED");
    secrets_events events = {0};
    if (one) {
        if (_i == 0) run_seed(strtoull(one, NULL, 10), false, &events);
        return;
    }
    for (uint64_t k = 1; k <= SEEDS_AT_ONCE; k++) run_seed((uint64_t)_i * SEEDS_AT_ONCE + k, false, &events);
    ck_assert_uint_gt(events.reconnects, 30); /* what is usual is twice that and more */
    ck_assert_uint_gt(events.snapshots, 80);
    ck_assert_uint_gt(events.refusals, 250);
    ck_assert_uint_gt(events.reveals, 40);
    ck_assert_uint_gt(events.hidden, 80);
    ck_assert_uint_gt(events.folds, 4);
    ck_assert_uint_gt(events.patches, 100);
    ck_assert_uint_gt(events.overtaken, 50);
    ck_assert_uint_gt(events.diverged, 250);
}
END_TEST

/* Entries give way to snapshots, outcomes do not, and nobody is thrown out. */
START_TEST(so_it_is_for_those_who_are_slow)
{
    const char    *one = getenv("MOVEX_TEST_SEED");
    secrets_events events = {0};
    if (one) {
        if (_i == 0) run_seed(strtoull(one, NULL, 10), true, &events);
        return;
    }
    for (uint64_t k = 1; k <= SEEDS_AT_ONCE; k++) run_seed((uint64_t)_i * SEEDS_AT_ONCE + k, true, &events);
    ck_assert_uint_gt(events.gave_way, 10);
    ck_assert_uint_gt(events.refusals, 250);
    ck_assert_uint_gt(events.hidden, 100);
    ck_assert_uint_gt(events.patches, 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("views");
    TCase *tcase = tcase_create("seeds");
    tcase_set_timeout(tcase, 600);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, everybody_sees_what_is_theirs_to_see, 0, movex_test_is_long() ? 100 : 10);
    tcase_add_loop_test(tcase, so_it_is_for_those_who_are_slow, 0, movex_test_is_long() ? 50 : 5);
    return movex_test_main(suite);
}
