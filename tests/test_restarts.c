/* Restarts over seeded random runs: a master that is kept in a store crashes, with what was not flushed yet lost and torn, and
   starts again, while 2 to 6 clients go on with public, private, redacted, confirm and master-only actions. Besides what
   test_views.c checks at every version:

     I7  whatever somebody was told of, by an outcome or an entry, is there after the crash; and all that is there is as it was
     I6  no dispatch is in the log twice; every ticket has one outcome

   A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "secrets_run.h"
#include "support.h"

#include <stdio.h>

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
    ck_assert_uint_gt(events.undone, 1);
}
END_TEST

/* Of ever so many resources that are as they were, the few that are not are told of. */
START_TEST(torn_ends_are_told_of_among_many_resources)
{
    enum { MANY = 1000, TOLD = 128 };
    movex_store_memory *disk = movex_store_memory_new(NULL);
    movex_master_config config = {.types = MOVEX_TYPES(&secrets_plain_type)};
    config.store = movex_store_memory_open(disk);
    movex_master *master = movex_master_new(&config);
    for (int i = 0; i < MANY; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        ck_assert_int_eq(movex_master_create(master, &secrets_plain_type, id), MOVEX_OK);
    }
    movex_master_free(master);

    movex_store      store = movex_store_memory_open(disk);
    movex_store_name name = {0};
    uint64_t         number;
    for (int i = 0; store.ops->next(store.self, &name) == MOVEX_OK; i++) { /* the sessions' file is the last */
        movex_store_file file;
        ck_assert_int_eq(store.ops->open(store.self, name.bytes, name.length, &file), MOVEX_OK);
        if (i >= MANY - 2) ck_assert_int_eq(store.ops->append(store.self, file, "torn", 4, &number), MOVEX_OK);
    }
    ck_assert_int_eq(store.ops->flush(store.self), MOVEX_OK);
    store.ops->destroy(store.self);

    config.store = movex_store_memory_open(disk);
    master = movex_master_new(&config);
    movex_master_event event;
    int                whole = 0, torn = 0;
    while (movex_master_next(master, &event)) {
        ck_assert_int_eq(event.kind, MOVEX_MASTER_RECOVERED);
        if (*event.text)
            torn++;
        else
            whole++;
    }
    movex_stats stats = movex_master_stats(master);
    ck_assert_int_eq(torn, 3);
    ck_assert_int_ge(whole, TOLD - 1);
    ck_assert_uint_eq(stats.events_dropped, 0);
    ck_assert_uint_eq(stats.resources, MANY);
    movex_master_free(master);
    movex_store_memory_free(disk);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("restarts");
    TCase *tcase = tcase_create("seeds");
    tcase_set_timeout(tcase, 600);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, torn_ends_are_told_of_among_many_resources);
    tcase_add_loop_test(tcase, nothing_that_was_told_is_lost, 0, movex_test_is_long() ? 100 : 10);
    return movex_test_main(suite);
}
