/* Restarts over seeded random runs: a master that is kept in a store crashes, with what was not flushed yet lost and torn, and
   starts again, while 2 to 6 clients go on with public, private, redacted, confirm and master-only actions. Besides what
   test_views.c checks at every version:

     I7  whatever somebody was told of, by an outcome or an entry, is there after the crash; and all that is there is as it was
     I6  no dispatch is in the log twice; every ticket has one outcome

   A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "secrets_run.h"
#include "support.h"

static void run_seed(uint64_t seed, secrets_events *events)
{
    static secrets_run run;
    memset(&run, 0, sizeof run);
    run.seed = seed;
    run.events = events;
    run.restarts = true;
    secrets_play(&run, 150);
}

enum { SEEDS_AT_ONCE = 20 };

START_TEST(nothing_that_was_told_is_lost)
{
    const char    *one = getenv("MOVEX_TEST_SEED");
    secrets_events events = {0};
    if (one) {
        if (_i == 0) run_seed(strtoull(one, NULL, 10), &events);
        return;
    }
    for (uint64_t k = 1; k <= SEEDS_AT_ONCE; k++) run_seed((uint64_t)_i * SEEDS_AT_ONCE + k, &events);
    ck_assert_uint_gt(events.restarts, 10);
    ck_assert_uint_gt(events.undone, 4);
}
END_TEST

int main(void)
{
    const char *wanted = getenv("MOVEX_TEST_LONG");
    Suite      *suite = suite_create("restarts");
    TCase      *tcase = tcase_create("seeds");
    tcase_set_timeout(tcase, 600);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, nothing_that_was_told_is_lost, 0, wanted && *wanted ? 100 : 10);
    return movex_test_main(suite);
}
