/* A master with a store and no memory: whichever allocation fails, nothing breaks, nothing leaks, and nothing is lost that
   somebody was told of. And whoever does not get a master does not keep its store. */
#include "journal_world.h"
#include "support.h"

#include <string.h>

static journal_world w;

/* A table with two players, one of whom has hidden something, and somebody who has ended with something hidden. */
static void play(void)
{
    for (int i = 0; i < 3; i++) {
        if (!w.clients[i]) journal_join(&w, i);
        journal_run(&w, 60);
        hidden_do(w.bound[i], HIDDEN_SIT, (uint8_t)i, 0);
        journal_run(&w, 30);
    }
    for (int i = 0; i < 2; i++) hidden_hide(w.bound[i], HIDDEN_BID, (uint8_t)i, 10 + i);
    journal_run(&w, 30);
    hidden_do(w.bound[0], HIDDEN_ROLL, 0, 0);
    hidden_do(w.bound[2], HIDDEN_ROLL, 0, 0);
    journal_run(&w, 30);
}

static uint64_t checksum_for(const char *viewer)
{
    uint64_t checksum;
    must(movex_master_view(w.master, w.type, "main", viewer, NULL, &checksum) == MOVEX_OK);
    return checksum;
}

START_TEST(recovery_bears_every_failed_allocation)
{
    static const char *const viewers[] = {"c0", "c1", "", NULL};
    uint64_t                 before[4];
    journal_start(&w, &hidden_watched_type, &(movex_master_config){.limits = {.journal_bytes = _i ? 1 : 0}});
    play();
    journal_leave(&w, 1);
    journal_settle(&w);
    for (int k = 0; k < 4; k++) before[k] = checksum_for(viewers[k]);
    journal_stop(&w);
    uint64_t fail_at = 0;
    bool     opened = false;
    while (!opened) {
        w.memory.taken = w.memory.failed = 0;
        w.memory.fail_at = ++fail_at;
        opened = journal_try_open(&w);
        if (opened && w.memory.failed) { /* what failed could be done without */
            w.memory.fail_at = 0;
            for (int k = 0; k < 4; k++) must_equal(checksum_for(viewers[k]), before[k]);
            journal_stop(&w);
            opened = false;
        } else if (!opened) {
            must(w.memory.failed == 1);
            must(w.error.status == MOVEX_ERR_MEMORY || w.error.status == MOVEX_ERR_STORE);
        }
        must(fail_at < 1000);
    }
    must(fail_at > 40);
    w.memory.fail_at = 0;
    for (int k = 0; k < 4; k++) must_equal(checksum_for(viewers[k]), before[k]);
    journal_settle(&w);
    journal_end(&w);
}
END_TEST

enum { CHUNK = 25 };

/* One allocation of the master's fails; then it is killed. What was accepted is there. */
static bool play_with_failure(uint64_t fail_at)
{
    journal_start(&w, &hidden_watched_type, &(movex_master_config){.limits = {.journal_bytes = 600}});
    w.memory.taken = 0;
    w.memory.fail_at = fail_at;
    play();
    bool failed = w.memory.failed > 0;
    w.memory.fail_at = 0;
    uint64_t version = 0;
    uint32_t accepted = w.accepted[0] + w.accepted[1] + w.accepted[2];
    for (int i = 0; i < 3; i++)
        if (movex_version(w.bound[i]) > version) version = movex_version(w.bound[i]);
    journal_kill(&w);
    journal_open(&w);
    must_equal(w.memory.wrong, 0);
    must(journal_hosted(&w).version >= version && version >= accepted);
    movex_master_resource_check(movex_master_resource_named(w.master, w.type, "main"));
    journal_settle(&w);
    must(failed || w.accepted[0] + w.accepted[1] + w.accepted[2] == 7);
    journal_end(&w);
    return failed;
}

START_TEST(a_session_bears_every_failed_allocation)
{
    bool failed = true;
    for (uint64_t n = 1; failed && n <= CHUNK; n++) failed = play_with_failure((uint64_t)_i * CHUNK + n);
    if (_i == 0) must(failed);
}
END_TEST

/* ---- stores of masters that are not made */

static void must_not_be_made(movex_master_config config, movex_status status)
{
    movex_error error;
    config.error = &error;
    config.store = movex_store_memory_open(w.disk);
    must(config.store.self);
    must(!movex_master_new(&config));
    must_equal(error.status, status);
    movex_store again = movex_store_memory_open(w.disk); /* there is one at a time */
    must(again.self);
    again.ops->destroy(again.self);
}

static int no_entropy(void *user, void *bytes, size_t length)
{
    (void)user, (void)bytes, (void)length;
    return MOVEX_ERR_SYSTEM;
}

START_TEST(the_store_of_a_master_that_is_not_made_is_destroyed)
{
    meter           memory = {.fail_at = 1};
    movex_allocator partly = {.user = &memory};
    partly.release = meter_allocator(&memory).release;
    journal_start(&w, &row_type, NULL);
    journal_stop(&w);
    must_not_be_made((movex_master_config){.types = NULL}, MOVEX_ERR_ARGUMENT);
    must_not_be_made((movex_master_config){.types = MOVEX_TYPES(&row_type, &row_type)}, MOVEX_ERR_SCHEMA);
    must_not_be_made((movex_master_config){.types = MOVEX_TYPES(&row_type), .entropy = no_entropy}, MOVEX_ERR_SYSTEM);
    must_not_be_made((movex_master_config){.types = MOVEX_TYPES(&row_type), .allocator = partly}, MOVEX_ERR_ARGUMENT);
    must_not_be_made((movex_master_config){.types = MOVEX_TYPES(&row_type), .allocator = meter_allocator(&memory)},
                     MOVEX_ERR_MEMORY);
    journal_end(&w);
}
END_TEST

START_TEST(a_store_that_is_not_whole_is_refused)
{
    movex_error error;
    journal_start(&w, &row_type, NULL);
    journal_stop(&w);
    movex_store     whole = movex_store_memory_open(w.disk);
    movex_store_ops ops = *whole.ops;
    ops.flush = NULL;
    movex_master_config config = {
        .types = MOVEX_TYPES(&row_type), .store = {.ops = &ops, .self = whole.self}, .error = &error};
    must(!movex_master_new(&config));
    must_equal(error.status, MOVEX_ERR_ARGUMENT);
    config.store = (movex_store){.ops = &ops}; /* one that could not be made */
    must(!movex_master_new(&config));
    must_equal(error.status, MOVEX_ERR_MEMORY);
    journal_open(&w);
    journal_end(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal memory");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 200);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, recovery_bears_every_failed_allocation, 0, 2);
    tcase_add_loop_test(tests, a_session_bears_every_failed_allocation, 0, 8);
    tcase_add_test(tests, the_store_of_a_master_that_is_not_made_is_destroyed);
    tcase_add_test(tests, a_store_that_is_not_whole_is_refused);
    return movex_test_main(suite);
}
