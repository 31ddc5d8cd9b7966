/* What docs/journal.md promises of a master that is stopped or killed and starts again: line by line of its section
   1. */
#include "journal_world.h"
#include "support.h"

#include "master_keep.h"
#include "record.h"

#include <stdio.h>
#include <string.h>

static journal_world w;

static const char main_file[] = "row:main";

/* Two clients who have appended 1, 2, 3. */
static void start_row(const movex_master_config *config)
{
    journal_start(&w, &row_type, config);
    journal_join(&w, 0);
    journal_join(&w, 1);
    journal_settle(&w);
    for (int n = 1; n <= 3; n++) {
        journal_append(&w, n % 2, n);
        journal_settle(&w);
    }
    must_equal(journal_row(&w)->count, 3);
}

static void must_be_as_before(const movex_hosted *before)
{
    movex_hosted now = journal_hosted(&w);
    must_equal(now.version, before->version);
    must_equal(now.checksum, before->checksum);
    must_equal(now.hidden, before->hidden);
    must_equal(now.subscribers, before->subscribers);
}

/* ---- killed */

START_TEST(all_is_there_after_a_stop)
{
    start_row(NULL);
    movex_hosted before = journal_hosted(&w);
    uint64_t     snapshots = movex_client_stats(w.clients[0]).snapshots;
    journal_stop(&w);
    journal_open(&w);
    must_be_as_before(&before);
    journal_settle(&w);
    must_be_as_before(&before);
    must_equal(w.events[MOVEX_MASTER_RECOVERED], 1);
    must_equal(movex_client_stats(w.clients[0]).snapshots, snapshots); /* it goes on with what it holds */
    must_equal(movex_client_stats(w.clients[0]).resumes, 1);
    journal_append(&w, 0, 4);
    journal_settle(&w);
    must_equal(journal_row(&w)->count, 4);
    must_equal(w.expired[0] + w.expired[1], 0);
    journal_end(&w);
}
END_TEST

START_TEST(who_has_missed_entries_gets_them_after_a_restart)
{
    start_row(NULL);
    must_equal(movex_mock_partition(w.net, "c1", true), MOVEX_OK);
    movex_mock_cut(w.net, "c1");
    journal_append(&w, 0, 4);
    journal_append(&w, 0, 5);
    journal_run(&w, 10);
    uint64_t snapshots = movex_client_stats(w.clients[1]).snapshots;
    journal_kill(&w);
    journal_open(&w);
    movex_mock_partition(w.net, "c1", false);
    journal_settle(&w);
    must_equal(movex_version(w.bound[1]), 5);
    must_equal(movex_client_stats(w.clients[1]).snapshots, snapshots);
    journal_end(&w);
}
END_TEST

START_TEST(what_was_not_flushed_is_lost_and_nobody_was_told)
{
    start_row(NULL);
    movex_store_memory_hold(w.disk, true);
    journal_append(&w, 0, 4);
    journal_append(&w, 1, 5);
    uint32_t accepted = w.accepted[0] + w.accepted[1];
    journal_run(&w, 20);
    must_equal(journal_row(&w)->count, 5); /* the master has it */
    must_equal(w.accepted[0] + w.accepted[1], accepted);
    must_equal(movex_version(w.bound[0]), 3);
    must_equal(movex_version(w.bound[1]), 3);
    journal_kill(&w);
    movex_store_memory_hold(w.disk, false);
    journal_open(&w);
    must(journal_row(&w)->count >= 3);
    journal_settle(&w); /* they send it once more, or are answered */
    must_equal(journal_row(&w)->count, 5);
    must_equal(w.accepted[0] + w.accepted[1], accepted + 2);
    journal_end(&w);
}
END_TEST

/* A refusal between two entries that nobody was told of: its reason is lost. */
START_TEST(what_was_refused_before_a_restart_is_answered)
{
    start_row(NULL);
    movex_dispatch(w.bound[1], ROW_CLAIM, NULL);
    journal_settle(&w);
    uint32_t accepted = w.accepted[0];
    movex_store_memory_hold(w.disk, true);
    movex_dispatch(w.bound[0], ROW_CLAIM, NULL);
    journal_append(&w, 0, 4);
    journal_run(&w, 10);
    must_equal(journal_hosted(&w).version, 5);
    must_equal(movex_store_memory_release(w.disk), MOVEX_OK); /* and the master has no time to tell */
    journal_kill(&w);
    movex_store_memory_hold(w.disk, false);
    journal_open(&w);
    journal_settle(&w);
    must_equal(w.accepted[0], accepted + 1);
    must_equal(w.refused[0], 1);
    must_equal(w.reason[0], MOVEX_REFUSED_BEFORE_RESTART);
    movex_dispatch(w.bound[0], ROW_CLAIM, NULL);
    journal_kill(&w); /* the last of all, and not sent: it is simply tried now */
    journal_open(&w);
    journal_settle(&w);
    must_equal(w.refused[0], 2);
    must_equal(w.reason[0], ROW_TAKEN);
    journal_end(&w);
}
END_TEST

START_TEST(epochs_grow)
{
    start_row(NULL);
    for (uint64_t epoch = 1; epoch < 5; epoch++) {
        must_equal(w.master->config.epoch, epoch);
        if (epoch % 2)
            journal_kill(&w);
        else
            journal_stop(&w);
        journal_open(&w);
        journal_settle(&w);
    }
    w.config.epoch = 100;
    journal_stop(&w);
    journal_open(&w);
    must_equal(w.master->config.epoch, 100);
    w.config.epoch = 7;
    journal_stop(&w);
    journal_open(&w);
    must_equal(w.master->config.epoch, 101);
    journal_end(&w);
}
END_TEST

/* ---- torn and damaged files */

static journal_bytes kept, changed;

START_TEST(a_torn_record_is_cut_off)
{
    size_t starts[64];
    start_row(NULL);
    journal_stop(&w);
    journal_read_file(&w, main_file, &kept);
    int count = journal_records(main_file, &kept, starts, 63);
    must_equal(count, 2 + 2 + 3); /* the snapshot, two who came, three entries */
    for (size_t cut = starts[count - 1] + 1; cut < starts[count]; cut++) {
        changed = kept;
        changed.length = cut;
        if (cut % 3 == 0) memset(changed.bytes + cut - 1, 0, 1); /* bytes that were never written are zeros */
        journal_write_file(&w, main_file, &changed);
        w.text[0] = 0;
        journal_open(&w);
        journal_poll_master(&w);
        must(strstr(w.text, "cut off"));
        must_equal(journal_hosted(&w).version, 2);
        must_equal(journal_row(&w)->count, 2);
        must_equal(journal_hosted(&w).subscribers, 2);
        journal_stop(&w);
        journal_read_file(&w, main_file, &changed);
        must_equal(changed.length, starts[count - 1]);
    }
    journal_end(&w);
}
END_TEST

START_TEST(a_torn_session_was_never_told_of)
{
    size_t starts[64];
    journal_start(&w, &row_type, NULL);
    journal_join(&w, 0);
    journal_settle(&w);
    journal_leave(&w, 0);
    journal_run(&w, 4);
    journal_join(&w, 1);
    w.bound[1] = NULL;
    movex_client_poll(w.clients[1], w.now_ms);
    journal_run(&w, 4);
    journal_stop(&w);
    journal_read_file(&w, "sessions", &kept);
    int count = journal_records("sessions", &kept, starts, 63);
    must_equal(count, 2 + 2 + 1); /* the beginning, c0 came and left, c1 came */
    for (size_t cut = starts[count - 1] + 1; cut < starts[count]; cut++) {
        changed = kept;
        changed.length = cut;
        journal_write_file(&w, "sessions", &changed);
        journal_open(&w);
        must(strstr(w.master->records[w.master->record_first].text, "cut off"));
        must_equal(w.master->sessions.count, 0);
        journal_stop(&w);
    }
    journal_end(&w);
}
END_TEST

START_TEST(damage_in_the_middle_is_named)
{
    static const char *const files[] = {main_file, "sessions"};
    static journal_bytes     others[2];
    start_row(NULL);
    journal_stop(&w);
    for (int k = 0; k < 2; k++) journal_read_file(&w, files[k], &others[k]);
    for (int k = 0; k < 2; k++) {
        size_t starts[64];
        int    count = journal_records(files[k], &others[k], starts, 63);
        for (int i = 0; i < count - 1; i++) {
            for (size_t at = starts[i]; at < starts[i + 1]; at++) {
                char byte[32];
                changed = others[k];
                changed.bytes[at] ^= (unsigned char)(1u << at % 8);
                journal_write_file(&w, files[k], &changed);
                must(!journal_try_open(&w));
                must_equal(w.error.status, MOVEX_ERR_DAMAGED);
                snprintf(byte, sizeof byte, "byte %u:", (unsigned)starts[i]);
                must_msg(strstr(w.error.text, files[k]) && strstr(w.error.text, byte), "%s", w.error.text);
                journal_read_file(&w, files[k], &kept);
                must(kept.length == changed.length && memcmp(kept.bytes, changed.bytes, kept.length) == 0);
            }
        }
        journal_write_file(&w, files[k], &others[k]);
    }
    journal_open(&w);
    journal_end(&w);
}
END_TEST

/* The first two records are written together: no crash leaves one alone, or a part. */
START_TEST(a_lost_beginning_is_damage)
{
    static const char *const files[] = {main_file, "sessions"};
    start_row(NULL);
    journal_stop(&w);
    for (int k = 0; k < 2; k++) {
        size_t starts[64];
        journal_read_file(&w, files[k], &kept);
        journal_records(files[k], &kept, starts, 63);
        for (size_t cut = 1; cut < starts[2]; cut++) {
            changed = kept;
            changed.length = cut;
            journal_write_file(&w, files[k], &changed);
            must(!journal_try_open(&w));
            must_equal(w.error.status, MOVEX_ERR_DAMAGED);
            must(strstr(w.error.text, files[k]));
        }
        journal_write_file(&w, files[k], &kept);
    }
    journal_open(&w);
    must_equal(journal_row(&w)->count, 3);
    journal_end(&w);
}
END_TEST

/* Its records get the checksums of where they stand, so that only what they say can be wrong. */
static void seal_all(journal_bytes *file, const char *name)
{
    for (size_t at = 0; at < file->length;) {
        uint32_t payload = file->bytes[at] | (uint32_t)file->bytes[at + 1] << 8;
        movex_record_seal(file->bytes + at, payload, at, movex_keep_seed(name, strlen(name)));
        at += payload + MOVEX_RECORD_FRAME;
    }
}

/* `file` becomes `kept` with its record `from` once more, before record `to`. */
static void insert(journal_bytes *file, const char *name, const size_t *starts, int from, int to)
{
    size_t length = starts[from + 1] - starts[from];
    memcpy(file->bytes, kept.bytes, starts[to]);
    memcpy(file->bytes + starts[to], kept.bytes + starts[from], length);
    memcpy(file->bytes + starts[to] + length, kept.bytes + starts[to], kept.length - starts[to]);
    file->length = kept.length + length;
    seal_all(file, name);
}

/* A record that stands where none of its kind may, or is of another file. */
START_TEST(misplaced_records_are_refused)
{
    size_t starts[64];
    start_row(NULL);
    journal_stop(&w);
    journal_read_file(&w, main_file, &kept);
    int count = journal_records(main_file, &kept, starts, 63);
    for (int from = 0; from < count; from++) {
        for (int to = 0; to < count; to++) {
            insert(&changed, main_file, starts, from, to);
            journal_write_file(&w, main_file, &changed);
            must_msg(!journal_try_open(&w), "record %d before %d", from, to);
            must(w.error.status == MOVEX_ERR_DAMAGED || w.error.status == MOVEX_ERR_INVALID_STATE);
            if (from >= 4 && to > from) must_equal(w.error.status, MOVEX_ERR_DAMAGED); /* its sequence has been */
        }
    }
    journal_write_file(&w, "hidden:main", &kept);
    journal_write_file(&w, main_file, &kept);
    must(!journal_try_open(&w));
    must_equal(w.error.status, MOVEX_ERR_DAMAGED);
    must(strstr(w.error.text, "hidden:main"));
    journal_end(&w);
}
END_TEST

/* The records of a snapshot have an order, and it is whole when another part begins. */
START_TEST(a_snapshot_in_disorder_is_refused)
{
    static const char name[] = "hidden-watched:main";
    size_t            starts[64];
    unsigned          kinds = 0;
    journal_start(&w, &hidden_watched_type, &(movex_master_config){.limits = {.journal_bytes = 1}});
    for (int i = 0; i < 3; i++) {
        journal_join(&w, i);
        journal_settle(&w);
        hidden_do(w.bound[i], HIDDEN_SIT, (uint8_t)i, 0);
        journal_settle(&w);
    }
    for (int i = 0; i < 3; i++) hidden_hide(w.bound[i], HIDDEN_BID, (uint8_t)i, 10 + i);
    hidden_do(w.bound[2], HIDDEN_ROLL, 0, 0);
    journal_settle(&w);
    must(movex_keep_snapshot(w.master, movex_master_resource_named(w.master, w.type, "main")));
    journal_stop(&w);
    journal_read_file(&w, name, &kept);
    int count = journal_records(name, &kept, starts, 63);
    must_equal(count, 2 + 1 + 3 + 1 + 3 + 3);
    for (int i = 1; i < count - 3; i++) { /* moved behind all: what stood there stands before it */
        size_t length = starts[i + 1] - starts[i];
        insert(&changed, name, starts, i, count);
        memmove(changed.bytes + starts[i], changed.bytes + starts[i + 1], changed.length - starts[i + 1]);
        changed.length -= length;
        seal_all(&changed, name);
        kinds |= 1u << kept.bytes[starts[i] + MOVEX_RECORD_HEADER];
        journal_write_file(&w, name, &changed);
        must_msg(!journal_try_open(&w), "record %d of %d", i, count);
        must_equal(w.error.status, MOVEX_ERR_DAMAGED);
    }
    must_equal(kinds, 1u << MOVEX_JOURNAL_STATE | 1u << MOVEX_JOURNAL_HIDING | 1u << MOVEX_JOURNAL_HIDER |
                          1u << MOVEX_JOURNAL_FULL | 1u << MOVEX_JOURNAL_PAIR);
    journal_write_file(&w, name, &kept);
    journal_open(&w);
    must_equal(journal_hosted(&w).hidden, 3);
    journal_settle(&w);
    journal_end(&w);
}
END_TEST

/* ---- other rules */

START_TEST(another_description_is_refused)
{
    start_row(NULL);
    journal_stop(&w);
    w.config.types = MOVEX_TYPES(&row_newer_type);
    must(!journal_try_open(&w));
    must_equal(w.error.status, MOVEX_ERR_FINGERPRINT);
    must(strstr(w.error.text, main_file));
    w.config.types = NULL;
    journal_open(&w);
    must_equal(journal_row(&w)->count, 3);
    journal_end(&w);
}
END_TEST

START_TEST(another_reducer_is_refused)
{
    start_row(NULL);
    journal_stop(&w);
    w.config.types = MOVEX_TYPES(&row_wrong_type);
    must(!journal_try_open(&w));
    must_equal(w.error.status, MOVEX_ERR_INVALID_STATE);
    must_msg(strstr(w.error.text, main_file) && strstr(w.error.text, "another state"), "%s", w.error.text);
    w.config.types = NULL;
    journal_open(&w);
    must_equal(journal_row(&w)->count, 3);
    journal_end(&w);
}
END_TEST

START_TEST(a_type_that_is_not_served_is_left_alone)
{
    movex_hosted hosted;
    start_row(NULL);
    movex_hosted before = journal_hosted(&w);
    journal_stop(&w);
    journal_read_file(&w, main_file, &kept);
    w.config.types = MOVEX_TYPES(&hidden_type);
    uint32_t rejected = w.events[MOVEX_MASTER_REJECTED];
    journal_open(&w);
    must(!movex_master_each(w.master, &(uint32_t){0}, &hosted));
    movex_mock_partition(w.net, "c0", true);
    movex_mock_partition(w.net, "c1", true);
    journal_run(&w, 1);
    must_equal(w.events[MOVEX_MASTER_REJECTED], rejected + 1);
    must_equal(w.status, MOVEX_ERR_UNKNOWN_TYPE);
    journal_stop(&w);
    journal_read_file(&w, main_file, &changed);
    must(kept.length == changed.length && memcmp(kept.bytes, changed.bytes, kept.length) == 0);
    w.config.types = NULL;
    journal_open(&w);
    must_be_as_before(&before);
    movex_mock_partition(w.net, "c0", false);
    movex_mock_partition(w.net, "c1", false);
    journal_settle(&w);
    journal_end(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 100);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, all_is_there_after_a_stop);
    tcase_add_test(tests, who_has_missed_entries_gets_them_after_a_restart);
    tcase_add_test(tests, what_was_not_flushed_is_lost_and_nobody_was_told);
    tcase_add_test(tests, what_was_refused_before_a_restart_is_answered);
    tcase_add_test(tests, epochs_grow);
    tcase_add_test(tests, a_torn_record_is_cut_off);
    tcase_add_test(tests, a_torn_session_was_never_told_of);
    tcase_add_test(tests, damage_in_the_middle_is_named);
    tcase_add_test(tests, a_lost_beginning_is_damage);
    tcase_add_test(tests, misplaced_records_are_refused);
    tcase_add_test(tests, a_snapshot_in_disorder_is_refused);
    tcase_add_test(tests, another_description_is_refused);
    tcase_add_test(tests, another_reducer_is_refused);
    tcase_add_test(tests, a_type_that_is_not_served_is_left_alone);
    return movex_test_main(suite);
}
