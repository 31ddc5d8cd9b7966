/* A master and its store: nothing leaves before it is durable, nothing is lost to a disk that is full or fails, and
   files do not
   grow for ever. */
#include "journal_world.h"
#include "support.h"

#include "master_keep.h"

#include <string.h>

static journal_world w;
static journal_bytes older;

static uint64_t changes(void)
{
    return movex_store_memory_statistics(w.disk).changes;
}

static uint64_t flushes(void)
{
    return movex_store_memory_statistics(w.disk).flushes;
}

static void start(const movex_type *type, int clients, const movex_master_config *config)
{
    journal_start(&w, type, config);
    for (int i = 0; i < clients; i++) {
        journal_join(&w, i);
        journal_settle(&w);
    }
}

/* ---- nothing leaves before */

/* Until a held flush is let go, not one frame of the master's comes; then `done` comes true. */
static void must_wait_for_the_store(void)
{
    uint64_t frames = w.frames;
    journal_run(&w, 30);
    must_equal(w.frames, frames);
    must_equal(movex_store_memory_release(w.disk), MOVEX_OK);
    journal_run(&w, 1);
    must(w.frames > frames);
    movex_store_memory_hold(w.disk, false);
    movex_store_memory_release(w.disk);
    journal_settle(&w);
    movex_store_memory_hold(w.disk, true);
}

START_TEST(nothing_leaves_before_it_is_durable)
{
    start(&hidden_watched_type, 2, NULL);
    movex_store_memory_hold(w.disk, true);
    hidden_do(w.bound[0], HIDDEN_SIT, 0, 0); /* an ack, and a forward */
    must_wait_for_the_store();
    hidden_hide(w.bound[0], HIDDEN_BID, 0, 5);
    must_wait_for_the_store();
    hidden_do(w.bound[1], HIDDEN_TIME_UP, 0, 0); /* a reveal */
    must_wait_for_the_store();
    hidden_table state;
    must_equal(movex_master_view(w.master, w.type, "main", "", &state, NULL), MOVEX_OK);
    must_equal(movex_master_put(w.master, w.type, "main", &state), MOVEX_OK); /* a snapshot */
    must_wait_for_the_store();
    journal_join(&w, 2); /* WELCOME, and what follows it */
    must_wait_for_the_store();
    must_equal(movex_master_kick(w.master, w.type, "main", "c2", NULL), MOVEX_OK);
    uint64_t frames = w.frames;
    journal_run(&w, 10);
    must_equal(w.frames, frames);
    journal_end(&w);
}
END_TEST

START_TEST(a_session_is_durable_before_its_welcome)
{
    start(&row_type, 1, NULL);
    movex_store_memory_hold(w.disk, true);
    journal_join(&w, 1);
    journal_run(&w, 10);
    must(movex_client_connection(w.clients[1]) != MOVEX_CONNECTION_OPEN);
    must_equal(w.master->sessions.count, 2);
    movex_store_memory_release(w.disk);
    movex_store_memory_hold(w.disk, false);
    journal_run(&w, 2);
    must_equal(movex_client_connection(w.clients[1]), MOVEX_CONNECTION_OPEN);
    journal_kill(&w);
    journal_open(&w);
    must_equal(w.master->sessions.count, 2);
    journal_settle(&w);
    must_equal(w.expired[1], 0);
    journal_end(&w);
}
END_TEST

START_TEST(one_flush_serves_all_of_a_poll)
{
    start(&row_type, 4, NULL);
    uint64_t before = flushes();
    for (int i = 0; i < 4; i++)
        for (int n = 0; n < 2; n++) journal_append(&w, i, n);
    journal_settle(&w);
    must_equal(journal_row(&w)->count, 8);
    must_equal(flushes(), before + 1);
    journal_end(&w);
}
END_TEST

START_TEST(refusals_cost_the_disk_nothing)
{
    start(&row_type, 2, NULL);
    movex_dispatch(w.bound[1], ROW_CLAIM, NULL);
    journal_settle(&w);
    uint64_t before = changes();
    for (int n = 0; n < 100; n++) {
        for (int k = 0; k < 100; k++) must(movex_dispatch(w.bound[0], ROW_CLAIM, NULL));
        journal_settle(&w);
    }
    must_equal(w.refused[0], 10000);
    must_equal(changes(), before);
    journal_end(&w);
}
END_TEST

/* ---- disks that are full, or fail */

START_TEST(a_full_disk_loses_nothing)
{
    start(&hidden_watched_type, 2, NULL);
    for (int i = 0; i < 2; i++) hidden_do(w.bound[i], HIDDEN_SIT, (uint8_t)i, 0);
    journal_settle(&w);
    must(movex_dispatch(w.bound[0], HIDDEN_SETUP, &(hidden_setup){.in_ms = 300}));
    journal_settle(&w);
    uint32_t accepted = w.accepted[0];
    uint64_t turn = movex_version(w.bound[0]);
    movex_store_memory_set_capacity(w.disk, movex_store_memory_statistics(w.disk).bytes);
    hidden_do(w.bound[0], HIDDEN_ROLL, 0, 0); /* taken, and not kept yet */
    journal_run(&w, 3);
    must_equal(w.events[MOVEX_MASTER_STORE], 1);
    must_equal(w.status, MOVEX_ERR_SYSTEM);
    hidden_do(w.bound[1], HIDDEN_ROLL, 0, 0); /* refused, and told so once anything can be told */
    journal_join(&w, 2);
    journal_leave(&w, 1);
    uint64_t version = journal_hosted(&w).version;
    journal_run(&w, 2000); /* past the wake, and all grace */
    must_equal(journal_hosted(&w).version, version);
    must_equal(w.accepted[0], accepted);
    must_equal(movex_version(w.bound[0]), turn);
    must(movex_client_connection(w.clients[2]) != MOVEX_CONNECTION_OPEN);
    must_equal(w.master->sessions.count, 2);
    must_equal(w.events[MOVEX_MASTER_STORE], 1);
    must_equal(w.events[MOVEX_MASTER_LEFT], 0);

    movex_store_memory_set_capacity(w.disk, 0);
    journal_run(&w, 400);
    must_equal(w.events[MOVEX_MASTER_STORE], 2);
    must_equal(w.status, MOVEX_OK);
    journal_settle(&w); /* c2 has come in by itself */
    must_equal(w.accepted[0], accepted + 1);
    must_equal(w.events[MOVEX_MASTER_LEFT], 1);
    must(((const hidden_table *)movex_state(w.bound[0]))->time_is_up); /* it was woken */
    movex_hosted before = journal_hosted(&w);
    journal_kill(&w);
    journal_open(&w);
    must_equal(journal_hosted(&w).checksum, before.checksum);
    journal_settle(&w);
    journal_end(&w);
}
END_TEST

START_TEST(what_cannot_be_kept_is_refused)
{
    start(&row_type, 2, NULL);
    movex_store_memory_fail(w.disk, 6);
    journal_append(&w, 0, 1);
    journal_run(&w, 3);
    must_equal(w.events[MOVEX_MASTER_STORE], 1);
    journal_append(&w, 1, 2);
    journal_run(&w, 3);
    must_equal(movex_master_dispatch(w.master, w.type, "main", ROW_TAKE, NULL, NULL), MOVEX_ERR_STORE);
    must_equal(movex_master_kick(w.master, w.type, "main", "c1", NULL), MOVEX_ERR_STORE);
    must_equal(movex_master_expel(w.master, "c1", NULL), MOVEX_ERR_STORE);
    must_equal(movex_master_remove(w.master, w.type, "main", NULL), MOVEX_ERR_STORE);
    must_equal(movex_master_put(w.master, w.type, "main", journal_row(&w)), MOVEX_ERR_STORE);
    must_equal(movex_master_create(w.master, w.type, "other"), MOVEX_ERR_STORE);
    must_equal(journal_hosted(&w).version, 1);
    must_equal(w.refused[1], 0); /* nobody is told of anything before what came before it is durable */
    journal_run(&w, 1000);
    must_equal(w.accepted[0], 1);
    must_equal(w.refused[1], 1);
    must_equal(w.reason[1], MOVEX_REFUSED_NOT_KEPT);
    must_equal(w.events[MOVEX_MASTER_STORE], 2);
    journal_append(&w, 1, 3);
    journal_settle(&w);
    must_equal(w.accepted[1], 1);
    journal_end(&w);
}
END_TEST

/* Somebody who wants to bind while the disk fails comes again by himself. */
START_TEST(a_bind_that_cannot_be_kept_is_tried_again)
{
    start(&row_type, 2, NULL);
    movex_store_memory_fail(w.disk, 5);
    journal_append(&w, 0, 1);
    journal_run(&w, 3);
    movex_resource *other = movex_bind(w.clients[1], &row_type, "other");
    journal_run(&w, 100);
    must(!movex_in_sync(other));
    journal_run(&w, 1000);
    must(movex_in_sync(other));
    must_equal(w.expired[1] + w.refused[1], 0);
    journal_end(&w);
}
END_TEST

START_TEST(a_failing_store_lets_the_program_sleep)
{
    start(&row_type, 1, NULL);
    movex_store_memory_set_faults(w.disk, 1000);
    journal_append(&w, 0, 1);
    journal_run(&w, 2);
    journal_leave(&w, 0); /* its session cannot end */
    uint64_t polls = 0, end_ms = w.now_ms + 5000;
    while (w.now_ms < end_ms) {
        uint64_t deadline = movex_master_deadline(w.master);
        must(deadline != UINT64_MAX);
        if (deadline > w.now_ms + 1) w.now_ms = deadline - 1;
        journal_poll_master(&w);
        polls++;
    }
    must_msg(polls < 200, "%llu polls", (unsigned long long)polls);
    movex_store_memory_set_faults(w.disk, 0);
    journal_run(&w, 2500);
    must_equal(w.events[MOVEX_MASTER_LEFT], 1);
    journal_end(&w);
}
END_TEST

/* ---- when it is flushed */

START_TEST(interval_tells_at_once_and_flushes_later)
{
    start(&row_type, 1, &(movex_master_config){.sync = MOVEX_SYNC_INTERVAL, .sync_interval_ms = 200});
    journal_run(&w, 500);
    uint64_t before = flushes();
    movex_store_memory_hold(w.disk, true);
    for (int n = 0; n < 4; n++) journal_append(&w, 0, n);
    journal_run(&w, 3);
    must_equal(w.accepted[0], 4);
    movex_store_memory_hold(w.disk, false);
    must_equal(flushes(), before);
    journal_run(&w, 2);
    movex_store_memory_release(w.disk);
    must_equal(flushes(), before + 1);
    journal_append(&w, 0, 5);
    journal_run(&w, 150);
    must_equal(w.accepted[0], 5);
    must_equal(flushes(), before + 1);
    journal_run(&w, 60);
    must_equal(flushes(), before + 2);
    journal_kill(&w);
    journal_open(&w);
    must_equal(journal_row(&w)->count, 5);
    journal_end(&w);
}
END_TEST

/* Who was told that something is accepted is told when it is lost: what the crash has left decides. */
START_TEST(what_is_lost_is_told_as_undone)
{
    movex_ticket tickets[6];
    journal_start(&w, &row_type, &(movex_master_config){.sync = MOVEX_SYNC_INTERVAL, .sync_interval_ms = 100000});
    w.undoable = 8;
    journal_join(&w, 0);
    journal_run(&w, 20);
    w.store.ops->flush(w.store.self);
    for (int n = 0; n < 6; n++) {
        tickets[n] = journal_append(&w, 0, n);
        journal_run(&w, 4);
        if (n == _i) w.store.ops->flush(w.store.self);
    }
    must_equal(w.accepted[0], 6);
    journal_kill(&w);
    journal_open(&w);
    uint32_t kept = (uint32_t)journal_hosted(&w).version;
    must(kept >= (uint32_t)_i + 1);
    journal_settle(&w);
    must_equal(w.undone_count, 6 - kept);
    for (uint32_t i = 0; i < w.undone_count; i++) must_equal(w.undone[i], tickets[kept + i]);
    must_equal(w.accepted[0] + w.expired[0], 6);
    movex_ticket again = journal_append(&w, 0, 7); /* and what comes after is another one */
    journal_settle(&w);
    must(again && w.accepted[0] == 7);
    must_equal(journal_row(&w)->count, kept + 1);
    must_equal(w.undone_count, 6 - kept);
    journal_end(&w);
}
END_TEST

START_TEST(never_leaves_it_to_the_end)
{
    start(&row_type, 1, &(movex_master_config){.sync = MOVEX_SYNC_NEVER});
    for (int n = 0; n < 4; n++) journal_append(&w, 0, n);
    journal_run(&w, 5000);
    must_equal(w.accepted[0], 4);
    must_equal(flushes(), 0);
    journal_stop(&w);
    must_equal(flushes(), 1);
    journal_open(&w);
    must_equal(journal_row(&w)->count, 4);
    journal_settle(&w);
    journal_end(&w);
}
END_TEST

START_TEST(another_one_flushes)
{
    journal_start(&w, &row_type, &(movex_master_config){.flushed_elsewhere = true});
    w.store.ops->flush(w.store.self);
    journal_join(&w, 0);
    uint64_t before = flushes();
    for (int n = 0; n < 6; n++) { /* the master alone tells nobody anything */
        journal_run(&w, 20);
        must_equal(flushes(), before + (uint64_t)n);
        w.store.ops->flush(w.store.self);
        if (n == 2) journal_append(&w, 0, 1);
        if (n < 2) must_equal(w.accepted[0], 0);
        if (flushes() == before + (uint64_t)n) before--;
    }
    journal_run(&w, 20);
    must_equal(w.accepted[0], 1);
    journal_end(&w);
}
END_TEST

/* ---- files are begun anew */

static size_t file_size(const char *name)
{
    uint64_t         size = 0;
    movex_store_file file;
    must_equal(w.store.ops->open(w.store.self, name, strlen(name), &file), MOVEX_OK);
    must_equal(w.store.ops->size(w.store.self, file, &size), MOVEX_OK);
    return (size_t)size;
}

START_TEST(a_long_file_is_begun_anew)
{
    start(&row_type, 2, &(movex_master_config){.limits = {.journal_bytes = 1000}});
    size_t first = file_size("row:main"), largest = 0, anew = 0;
    for (int n = 0; n < 400; n++) {
        size_t before = file_size("row:main");
        if (n % 2)
            movex_dispatch(w.bound[1], ROW_TAKE, NULL);
        else
            journal_append(&w, 0, n);
        journal_settle(&w);
        if (file_size("row:main") > largest) largest = file_size("row:main");
        anew += file_size("row:main") < before;
    }
    must(first < 1000 && largest < 3000 && anew > 3);
    movex_hosted before = journal_hosted(&w);
    journal_kill(&w);
    journal_open(&w);
    must_equal(journal_hosted(&w).version, before.version);
    must_equal(journal_hosted(&w).checksum, before.checksum);
    journal_settle(&w);
    must_equal(w.accepted[0] + w.accepted[1], 400);
    must_equal(w.expired[0] + w.expired[1], 0);
    journal_end(&w);
}
END_TEST

/* A file grows by who comes and goes, and by states that are put, without an entry as well. */
START_TEST(a_long_file_without_entries_is_begun_anew)
{
    size_t largest = 0;
    start(&row_type, 2, &(movex_master_config){.limits = {.journal_bytes = 1000}});
    for (int n = 0; n < 200; n++) {
        row state = {.count = 1, .numbers = {n}};
        if (_i)
            must_equal(movex_master_put(w.master, w.type, "main", &state), MOVEX_OK);
        else
            movex_unbind(w.bound[0]);
        journal_run(&w, 5);
        if (!_i) must((w.bound[0] = movex_bind(w.clients[0], w.type, "main")));
        journal_settle(&w);
        if (file_size("row:main") > largest) largest = file_size("row:main");
    }
    must(largest > 800 && largest < 3000); /* one change never makes it much longer */
    journal_kill(&w);
    journal_open(&w);
    must_equal(journal_hosted(&w).version, _i ? 200 : 0);
    journal_settle(&w);
    journal_end(&w);
}
END_TEST

START_TEST(the_file_of_the_sessions_is_begun_anew)
{
    size_t largest = 0, anew = 0;
    start(&row_type, 1, NULL);
    for (int n = 0; n < 2500; n++) {
        size_t before = file_size("sessions");
        journal_join(&w, 1);
        for (int polls = 0; polls < 50 && !movex_in_sync(w.bound[1]); polls++) journal_run(&w, 1);
        must(movex_in_sync(w.bound[1]));
        journal_leave(&w, 1);
        journal_run(&w, 3); /* its goodbye arrives */
        if (file_size("sessions") > largest) largest = file_size("sessions");
        anew += file_size("sessions") < before;
    }
    must(anew > 0 && largest < (80u << 10));
    journal_kill(&w);
    journal_open(&w);
    journal_settle(&w);
    must_equal(w.expired[0], 0);
    must_equal(movex_client_stats(w.clients[0]).resumes, 1);
    must_equal(w.master->sessions_made, 2501);
    journal_end(&w);
}
END_TEST

/* While something is hidden: each view is what it was. */
START_TEST(hidden_things_are_kept_over_a_new_beginning)
{
    static const char *const viewers[] = {"c0", "c1", "c2", "", NULL};
    uint64_t                 before[5], now;
    start(&hidden_watched_type, 3, &(movex_master_config){.limits = {.journal_bytes = 1}});
    for (int i = 0; i < 3; i++) hidden_do(w.bound[i], HIDDEN_SIT, (uint8_t)i, 0);
    journal_settle(&w);
    for (int i = 0; i < 2; i++) hidden_hide(w.bound[i], HIDDEN_BID, (uint8_t)i, 10 + i);
    for (int n = 0; n < 100; n++) {
        hidden_hide(w.bound[n % 2], HIDDEN_STAMP, (uint8_t)(n % 2), 0);
        hidden_do(w.bound[2], HIDDEN_ROLL, 0, 0);
        journal_settle(&w);
        if (n % 10) continue;
        for (int k = 0; k < 5; k++)
            must_equal(movex_master_view(w.master, w.type, "main", viewers[k], NULL, &before[k]), MOVEX_OK);
        uint32_t hidden = journal_hosted(&w).hidden;
        journal_kill(&w);
        journal_open(&w);
        must_equal(journal_hosted(&w).hidden, hidden);
        for (int k = 0; k < 5; k++) {
            must_equal(movex_master_view(w.master, w.type, "main", viewers[k], NULL, &now), MOVEX_OK);
            must_equal(now, before[k]);
        }
        movex_master_resource_check(movex_master_resource_named(w.master, w.type, "main"));
    }
    hidden_do(w.bound[2], HIDDEN_TIME_UP, 0, 0);
    journal_settle(&w);
    must_equal(journal_hosted(&w).hidden, 0);
    const hidden_table *table = movex_state(w.bound[2]);
    must(table->seats[0].bid == 10 && table->seats[1].bid == 11);
    journal_end(&w);
}
END_TEST

/* What was refused is in a snapshot, since its log is not. */
START_TEST(refusals_are_kept_over_a_new_beginning)
{
    start(&row_type, 2, NULL);
    movex_dispatch(w.bound[1], ROW_CLAIM, NULL);
    journal_settle(&w);
    movex_store_memory_hold(w.disk, true);
    movex_dispatch(w.bound[0], ROW_CLAIM, NULL);
    journal_append(&w, 0, 1);
    journal_run(&w, 10);
    must(movex_keep_snapshot(w.master, movex_master_resource_named(w.master, w.type, "main")));
    movex_store_memory_release(w.disk);
    w.store.ops->flush(w.store.self);
    movex_store_memory_release(w.disk); /* and the master has no time to tell */
    journal_kill(&w);
    movex_store_memory_hold(w.disk, false);
    journal_open(&w);
    journal_settle(&w);
    must_equal(w.accepted[0], 1);
    must_equal(w.refused[0], 1);
    must_equal(w.reason[0], ROW_TAKEN);
    journal_end(&w);
}
END_TEST

/* ---- sessions */

START_TEST(nobody_takes_an_id_after_a_restart)
{
    start(&row_type, 1, NULL);
    movex_mock_partition(w.net, "c0", true);
    movex_mock_cut(w.net, "c0");
    journal_run(&w, 900); /* most of its grace */
    journal_kill(&w);
    journal_open(&w);
    movex_client *thief =
        movex_client_new(&(movex_client_config){.id = "c0", .io = movex_mock_connect_as(w.net, "thief")});
    for (int n = 0; n < 900; n++) {
        movex_client_poll(thief, w.now_ms);
        journal_run(&w, 1);
        must(movex_client_connection(thief) != MOVEX_CONNECTION_OPEN);
    }
    movex_mock_partition(w.net, "c0", false); /* grace has begun anew with the restart */
    journal_run(&w, 50);
    must_equal(w.events[MOVEX_MASTER_LEFT], 0);
    must_equal(movex_client_connection(w.clients[0]), MOVEX_CONNECTION_OPEN);
    must_equal(movex_client_stats(w.clients[0]).resumes, 1);
    movex_client_free(thief);
    journal_settle(&w);
    /* And nobody comes: then it ends, with all that it had. */
    movex_mock_partition(w.net, "c0", true);
    movex_mock_cut(w.net, "c0");
    journal_run(&w, 5);
    journal_kill(&w);
    journal_open(&w);
    journal_run(&w, 990);
    must_equal(w.events[MOVEX_MASTER_LEFT], 0);
    journal_run(&w, 20);
    must_equal(w.events[MOVEX_MASTER_LEFT], 1);
    must_equal(journal_hosted(&w).subscribers, 0);
    journal_end(&w);
}
END_TEST

/* The first connection is dead, and the master, which was started again meanwhile, has not noticed. */
START_TEST(a_second_connection_takes_over_after_a_restart)
{
    start(&row_type, 2, NULL);
    journal_kill(&w);
    journal_open(&w);
    journal_settle(&w);
    must(movex_mock_cut_lingering(w.net, "c0", 500) > 0);
    journal_run(&w, 40);
    must_equal(movex_client_connection(w.clients[0]), MOVEX_CONNECTION_OPEN);
    must_equal(w.events[MOVEX_MASTER_LEFT], 0);
    journal_append(&w, 0, 1);
    journal_settle(&w);
    must_equal(w.master->sessions.count, 2);
    journal_end(&w);
}
END_TEST

START_TEST(what_the_program_does_is_kept)
{
    movex_hosted hosted;
    row          state = {.count = 1, .numbers = {9}};
    start(&row_type, 3, &(movex_master_config){.idle_ms = 100});
    must_equal(movex_master_put(w.master, w.type, "main", &state), MOVEX_OK);
    must_equal(movex_master_create(w.master, w.type, "gone"), MOVEX_OK);
    must_equal(movex_master_create(w.master, w.type, "idle"), MOVEX_OK);
    must_equal(movex_master_remove(w.master, w.type, "gone", NULL), MOVEX_OK);
    must_equal(movex_master_kick(w.master, w.type, "main", "c1", NULL), MOVEX_OK);
    must_equal(movex_master_expel(w.master, "c2", NULL), MOVEX_OK);
    journal_run(&w, 50);
    journal_kill(&w);
    journal_open(&w);
    must_equal(journal_row(&w)->numbers[0], 9);
    must_equal(journal_hosted(&w).version, 1);
    must_equal(journal_hosted(&w).subscribers, 1);
    must_equal(w.master->sessions.count, 2);
    must(!movex_master_find(w.master, w.type, "gone", &hosted));
    must(movex_master_find(w.master, w.type, "idle", &hosted));
    journal_run(&w, 200);
    must(!movex_master_find(w.master, w.type, "idle", &hosted)); /* nobody came */
    journal_kill(&w);
    journal_open(&w);
    must(!movex_master_find(w.master, w.type, "idle", &hosted));
    journal_end(&w);
}
END_TEST

/* The sessions' file is behind the resources': a session that it does not know gives its number to nobody. */
START_TEST(a_session_that_only_a_resource_knows_has_ended)
{
    start(&row_type, 1, NULL);
    journal_stop(&w);
    journal_read_file(&w, "sessions", &older);
    journal_open(&w);
    journal_join(&w, 1);
    journal_settle(&w);
    journal_append(&w, 1, 5);
    journal_settle(&w);
    journal_stop(&w);
    journal_write_file(&w, "sessions", &older);
    journal_open(&w);
    journal_settle(&w); /* c1 is let in anew */
    must_equal(w.expired[1], 0);
    must_equal(journal_hosted(&w).subscribers, 2);
    for (int n = 0; n < 3; n++) {
        journal_append(&w, 1, n);
        journal_settle(&w);
        journal_kill(&w);
        journal_open(&w);
        journal_settle(&w);
    }
    must_equal(journal_row(&w)->count, 4);
    journal_end(&w);
}
END_TEST

/* Somebody whose session was over comes back and begins anew; the sessions' file is behind the resource's, which
   knows. His token
   still holds. */
START_TEST(who_began_anew_keeps_the_token)
{
    start(&hidden_watched_type, 2, NULL);
    hidden_do(w.bound[0], HIDDEN_SIT, 0, 0);
    journal_settle(&w);
    hidden_hide(w.bound[0], HIDDEN_BID, 0, 7);
    journal_settle(&w);
    movex_mock_partition(w.net, "c0", true);
    movex_mock_cut(w.net, "c0");
    journal_run(&w, 1100);
    must_equal(w.events[MOVEX_MASTER_LEFT], 1);
    journal_stop(&w);
    journal_read_file(&w, "sessions", &older);
    journal_open(&w);
    movex_mock_partition(w.net, "c0", false);
    journal_settle(&w);
    must_equal(((const hidden_table *)movex_state(w.bound[0]))->seats[0].bid, 7);
    must(movex_keep_snapshot(w.master, movex_master_resource_named(w.master, w.type, "main")));
    journal_stop(&w);
    journal_write_file(&w, "sessions", &older);
    journal_open(&w);
    journal_settle(&w);
    must_equal(movex_client_connection(w.clients[0]), MOVEX_CONNECTION_OPEN);
    must_equal(((const hidden_table *)movex_state(w.bound[0]))->seats[0].bid, 7);
    must_equal(journal_hosted(&w).subscribers, 2);
    journal_end(&w);
}
END_TEST

/* A reveal is not durable, and its author's id is somebody else's by then, who has hidden something as well: neither
   takes the
   id from the other for ever. Whoever waits to be told cannot come there. */
START_TEST(two_have_hidden_something_under_one_id)
{
    start(&hidden_watched_type, 2, NULL);
    hidden_do(w.bound[0], HIDDEN_SIT, 0, 0);
    journal_settle(&w);
    hidden_hide(w.bound[0], HIDDEN_BID, 0, 7);
    journal_settle(&w);
    journal_stop(&w);
    journal_read_file(&w, "hidden-watched:main", &older);
    journal_open(&w);
    journal_settle(&w);
    hidden_do(w.bound[1], HIDDEN_TIME_UP, 0, 0);
    journal_settle(&w);
    journal_leave(&w, 0);
    journal_run(&w, 10);
    journal_join(&w, 0); /* somebody else, of the same name */
    movex_resource *other = movex_bind(w.clients[0], w.type, "other");
    journal_settle(&w);
    hidden_do(other, HIDDEN_SIT, 0, 0);
    journal_run(&w, 10);
    must(hidden_hide(other, HIDDEN_BID, 0, 8));
    journal_run(&w, 10);
    journal_stop(&w);
    journal_write_file(&w, "hidden-watched:main", &older);
    for (int n = 0; n < 3; n++) {
        journal_open(&w);
        journal_run(&w, 40);
        must_equal(journal_hosted(&w).hidden, 1);
        movex_master_resource_check(movex_master_resource_named(w.master, w.type, "other"));
        if (n == 2) must_equal(movex_master_dispatch(w.master, w.type, "main", HIDDEN_TIME_UP, NULL, NULL), MOVEX_OK);
        if (n == 2) journal_run(&w, 40);
        journal_stop(&w);
    }
    journal_open(&w);
    must_equal(journal_hosted(&w).hidden, 0);
    journal_end(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal store");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 100);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, nothing_leaves_before_it_is_durable);
    tcase_add_test(tests, a_session_is_durable_before_its_welcome);
    tcase_add_test(tests, one_flush_serves_all_of_a_poll);
    tcase_add_test(tests, refusals_cost_the_disk_nothing);
    tcase_add_test(tests, a_full_disk_loses_nothing);
    tcase_add_test(tests, what_cannot_be_kept_is_refused);
    tcase_add_test(tests, a_bind_that_cannot_be_kept_is_tried_again);
    tcase_add_test(tests, a_failing_store_lets_the_program_sleep);
    tcase_add_test(tests, interval_tells_at_once_and_flushes_later);
    tcase_add_loop_test(tests, what_is_lost_is_told_as_undone, 0, 6);
    tcase_add_test(tests, never_leaves_it_to_the_end);
    tcase_add_test(tests, another_one_flushes);
    tcase_add_test(tests, a_long_file_is_begun_anew);
    tcase_add_loop_test(tests, a_long_file_without_entries_is_begun_anew, 0, 2);
    tcase_add_test(tests, the_file_of_the_sessions_is_begun_anew);
    tcase_add_test(tests, refusals_are_kept_over_a_new_beginning);
    tcase_add_test(tests, hidden_things_are_kept_over_a_new_beginning);
    tcase_add_test(tests, nobody_takes_an_id_after_a_restart);
    tcase_add_test(tests, a_second_connection_takes_over_after_a_restart);
    tcase_add_test(tests, what_the_program_does_is_kept);
    tcase_add_test(tests, a_session_that_only_a_resource_knows_has_ended);
    tcase_add_test(tests, who_began_anew_keeps_the_token);
    tcase_add_test(tests, two_have_hidden_something_under_one_id);
    return movex_test_main(suite);
}
