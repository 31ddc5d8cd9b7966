/* The file store with a real operating system: programs that are killed, a disk that is full, locks, names, permissions,
   signals, and a thread that flushes. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "disks.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 20 };

static unsigned char bytes[ROOM];
static disk          d;

static void make(void)
{
    disk_make(&d, DISK_FILE, 1);
}

/* With the system's own calls. */
static void open_real(void)
{
    disk_open(&d);
    ((file_store *)d.store.self)->calls = &movex_store_file_calls;
}

static movex_store_file named(const char *name)
{
    return disk_file_of(&d, name, strlen(name));
}

static void path_of(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", d.directory, name);
}

/* ---- names and the directory */

static void to_text(char *text, const movex_store_name *name)
{
    movex_store_file_name(text, &(store_name){.length = name->length, .bytes = name->bytes}, FILE_SUFFIX);
}

START_TEST(names_in_the_file_system_are_safe_and_reversible)
{
    char             text[FILE_NAME_SIZE], longest[FILE_NAME_SIZE];
    movex_store_name name = {.length = 11, .bytes = "rps:table/1"}, back;
    to_text(text, &name);
    must(strcmp(text, "rps%3atable%2f1.journal") == 0);
    must(movex_store_file_name_of(text, FILE_SUFFIX, &back) && back.length == 11);
    must(memcmp(back.bytes, name.bytes, 11) == 0);
    for (int c = 0; c < 256; c++) {
        name = (movex_store_name){.length = 2, .bytes = {(unsigned char)c, '.'}};
        to_text(text, &name);
        for (const char *at = text; *at; at++) must(strchr("abcdefghijklmnopqrstuvwxyz0123456789_-%.", *at));
        must(movex_store_file_name_of(text, FILE_SUFFIX, &back) && back.length == 2 && back.bytes[0] == c);
        must(!movex_store_file_name_of(text, FILE_NEW_SUFFIX, &back));
    }
    name.length = MOVEX_STORE_NAME_MAX;
    memset(name.bytes, '/', MOVEX_STORE_NAME_MAX);
    to_text(longest, &name);
    must(strlen(longest) < sizeof longest && strlen(longest) <= 255);
    must(movex_store_file_name_of(longest, FILE_SUFFIX, &back) && back.length == MOVEX_STORE_NAME_MAX);
    static const char *const foreign[] = {"x",           ".journal",  "A.journal",   "a b.journal",
                                          "%6.journal",  "%.journal", "%61.journal", "%2F.journal",
                                          "%zz.journal", "lock",      "a.journal~"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        must_msg(!movex_store_file_name_of(foreign[i], FILE_SUFFIX, &back), "%s", foreign[i]);
    char too_long[400];
    memset(too_long, 'a', sizeof too_long);
    strcpy(too_long + MOVEX_STORE_NAME_MAX + 1, FILE_SUFFIX);
    must(!movex_store_file_name_of(too_long, FILE_SUFFIX, &back));
}
END_TEST

START_TEST(what_is_not_its_own_is_left_alone_and_what_is_half_written_goes)
{
    char             path[200];
    movex_store_name name = {0};
    make();
    for (int i = 0; i < 3; i++) {
        path_of(path, sizeof path, i == 0 ? "notes.txt" : i == 1 ? "a.new" : "A.journal");
        FILE *file = fopen(path, "w");
        must(file && fputs("x", file) > 0 && fclose(file) == 0);
    }
    path_of(path, sizeof path, "b.journal");
    must(mkdir(path, 0700) == 0);
    open_real();
    must_equal(d.store.ops->next(d.store.self, &name), MOVEX_ERR_NOT_FOUND);
    disk_append(&d, named("a"), "1", 1);
    disk_flush(&d);
    disk_append(&d, named("b"), "1", 1);
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_SYSTEM);
    must(rmdir(path) == 0);
    disk_flush(&d);
    path_of(path, sizeof path, "a.new");
    must(access(path, F_OK) != 0);
    path_of(path, sizeof path, "notes.txt");
    must(access(path, F_OK) == 0);
    disk_end(&d);
}
END_TEST

START_TEST(one_program_at_a_time)
{
    movex_error error = {0};
    make();
    movex_store_file_config config = {.directory = d.directory};
    open_real();
    movex_store second = movex_store_file_open(&config, &error);
    must(!second.self && error.status == MOVEX_ERR_ADDRESS_IN_USE && strstr(error.text, d.directory));
    pid_t child = fork();
    if (child == 0) {
        second = movex_store_file_open(&config, &error);
        _exit(!second.self && error.status == MOVEX_ERR_ADDRESS_IN_USE ? 0 : 1);
    }
    int result = -1;
    must(waitpid(child, &result, 0) == child && result == 0);
    disk_close(&d);
    open_real();
    disk_end(&d);
}
END_TEST

START_TEST(a_directory_that_cannot_be_used_is_a_clear_error)
{
    char        path[200];
    movex_error error = {0};
    make();
    path_of(path, sizeof path, "made");
    movex_store store = movex_store_file_open(&(movex_store_file_config){.directory = path}, &error);
    must(store.self != NULL);
    store.ops->destroy(store.self);
    path_of(path, sizeof path, "made/lock");
    must(!movex_store_file_open(&(movex_store_file_config){.directory = path}, &error).self);
    must(error.status == MOVEX_ERR_SYSTEM && strstr(error.text, "not a directory") && strstr(error.text, path));
    must(unlink(path) == 0);
    path_of(path, sizeof path, "no/such");
    must(!movex_store_file_open(&(movex_store_file_config){.directory = path}, &error).self);
    must(strstr(error.text, "no such file"));
    must(!movex_store_file_open(&(movex_store_file_config){.directory = ""}, &error).self);
    must(error.status == MOVEX_ERR_ARGUMENT);
    must(!movex_store_file_open(NULL, NULL).self);
    path_of(path, sizeof path, "made");
    if (geteuid() != 0) { /* whom permissions do not bind */
        must(chmod(path, 0500) == 0);
        must(!movex_store_file_open(&(movex_store_file_config){.directory = path}, &error).self);
        must(strstr(error.text, "permission denied"));
    }
    must(rmdir(path) == 0);
    disk_open(&d);
    disk_append(&d, named("a"), "1", 1);
    disk_set_faults(&d, 1);
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_SYSTEM);
    must_equal(d.store.ops->status(d.store.self, &error), MOVEX_ERR_SYSTEM);
    must(strstr(error.text, "permission denied: cannot open") && strstr(error.text, "/a.journal"));
    disk_end(&d);
}
END_TEST

START_TEST(more_files_than_are_allowed_are_refused)
{
    movex_error error = {0};
    make();
    open_real();
    disk_append(&d, named("a"), "1", 1);
    disk_append(&d, named("b"), "1", 1);
    disk_flush(&d);
    disk_close(&d);
    movex_store_file_config config = {.directory = d.directory, .files = 1};
    must(!movex_store_file_open(&config, &error).self && error.status == MOVEX_ERR_LIMIT);
    config.files = 2;
    movex_store_file file;
    d.store = movex_store_file_open(&config, &error);
    must_equal(d.store.ops->open(d.store.self, "c", 1, &file), MOVEX_ERR_LIMIT);
    disk_remove(&d, named("a"));
    disk_flush(&d);
    must_equal(d.store.ops->open(d.store.self, "c", 1, &file), MOVEX_OK);
    disk_end(&d);
}
END_TEST

/* ---- each call fails once */

static void use(uint64_t fail_at)
{
    make();
    d.handles = 2;
    disk_open(&d);
    faults.calls = 0;
    faults.fail_at = fail_at;
    for (int i = 0; i < 30; i++) {
        char name[2] = {(char)('a' + i % 4), 0};
        int  status = d.store.ops->reserve(d.store.self, 20, 2);
        if (status == MOVEX_OK && i % 9 == 8) disk_remove(&d, named(name));
        if (status == MOVEX_OK && i % 5 == 4) disk_replace(&d, named(name), "base", 4);
        if (status == MOVEX_OK) disk_append(&d, named(name), name, 1);
        if (status != MOVEX_OK || i % 3 == 2) {
            bool failed = d.store.ops->flush(d.store.self) != MOVEX_OK;
            must(!failed || (faults.failed == 1 && d.store.ops->status(d.store.self, NULL) != MOVEX_OK));
            if (failed) disk_flush(&d);
        }
        if (status != MOVEX_OK) i--; /* refused: again */
    }
    disk_flush(&d);
}

static void note_contents(unsigned char *all, int64_t *lengths)
{
    disk_close(&d);
    disk_open(&d);
    for (int i = 0; i < 4; i++)
        lengths[i] = disk_read(&d, named((char[]){(char)('a' + i), 0}), all + i * 1000, 1000, 1000);
}

START_TEST(after_each_call_that_fails_the_next_flush_makes_it_good)
{
    static unsigned char expected[4000], seen[4000];
    int64_t              lengths[4], seen_lengths[4];
    use(0);
    uint64_t calls = faults.calls;
    must(calls > 60);
    note_contents(expected, lengths);
    disk_end(&d);
    for (uint64_t at = 1; at <= calls; at++) {
        use(at);
        must_equal(faults.failed, 1);
        note_contents(seen, seen_lengths);
        for (int i = 0; i < 4; i++) must_equal(seen_lengths[i], lengths[i]);
        must_msg(memcmp(seen, expected, sizeof seen) == 0, "call %llu", (unsigned long long)at);
        disk_end(&d);
    }
}
END_TEST

START_TEST(after_a_failed_sync_the_end_is_cut_off_before_it_is_written_again)
{
    make();
    disk_open(&d);
    disk_append(&d, named("a"), "1", 1);
    disk_flush(&d);
    disk_append(&d, named("a"), "2", 1);
    faults.fail_at = faults.calls + 2; /* after the write */
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_SYSTEM);
    uint64_t before = faults.truncated;
    disk_flush(&d);
    must_equal(faults.truncated, before + 1);
    disk_append(&d, named("a"), "3", 1);
    disk_flush(&d);
    must_equal(faults.truncated, before + 1);
    must_equal(disk_read(&d, named("a"), bytes, ROOM, 10), 3);
    must(memcmp(bytes, "123", 3) == 0);
    disk_end(&d);
}
END_TEST

/* ---- a full disk */

START_TEST(a_file_that_may_not_grow_is_told_of_and_written_once_it_may)
{
    movex_error error = {0};
    make();
    open_real();
    movex_store_file a = named("a");
    memset(bytes, 'x', 3000);
    disk_append(&d, a, bytes, 3000);
    disk_flush(&d);
    must(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    struct rlimit limit;
    must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 4096;
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    disk_append(&d, a, bytes, 3000); /* a part of it is written */
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_SYSTEM);
    must_equal(d.store.ops->status(d.store.self, &error), MOVEX_ERR_SYSTEM);
    must(strstr(error.text, "too large") && strstr(error.text, "a.journal"));
    must_equal(d.store.ops->durable(d.store.self), 1);
    must_equal(d.store.ops->reserve(d.store.self, 1, 1), MOVEX_ERR_SYSTEM);
    limit.rlim_cur = before;
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    disk_flush(&d);
    disk_close(&d);
    open_real();
    must_equal(disk_read(&d, named("a"), bytes, ROOM, 512), 6000);
    for (int i = 0; i < 6000; i++) must(bytes[i] == 'x');
    disk_end(&d);
}
END_TEST

/* ---- programs that are killed */

enum { KILL_FILES = 3, RECORD = 50 };

/* Appends records that count from 0 in each file, and tells through the pipe what is durable. */
static void write_for_ever(int pipe_end)
{
    uint32_t counts[KILL_FILES] = {0}, told[KILL_FILES];
    for (uint32_t round = 0;; round++) {
        for (int i = 0; i < KILL_FILES * 5; i++) {
            uint32_t      which = (uint32_t)i % KILL_FILES;
            unsigned char record[RECORD];
            memset(record, (int)(counts[which] % 251), sizeof record);
            disk_append(&d, named((char[]){(char)('a' + which), 0}), record, sizeof record);
            counts[which]++;
        }
        if (round % 10 == 9) { /* the same anew, all at once */
            static unsigned char all[ROOM];
            if (counts[0] * RECORD > ROOM) _exit(3);
            for (uint32_t k = 0; k < counts[0]; k++) memset(all + k * RECORD, (int)(k % 251), RECORD);
            disk_replace(&d, named("a"), all, counts[0] * RECORD);
        }
        disk_flush(&d);
        memcpy(told, counts, sizeof told);
        if (write(pipe_end, told, sizeof told) != sizeof told) _exit(2);
    }
}

static void check_what_is_left(const uint32_t *told)
{
    for (uint32_t which = 0; which < KILL_FILES; which++) {
        int64_t length = disk_read(&d, named((char[]){(char)('a' + which), 0}), bytes, ROOM, 4096);
        must_msg(told[which] == 0 || length >= (int64_t)told[which] * RECORD, "file %u: %lld bytes, of %u records",
                 which, (long long)length, told[which]);
        for (int64_t k = 0; k < length; k++) must(bytes[k] == (unsigned char)(k / RECORD % 251));
    }
}

START_TEST(what_was_durable_survives_a_kill)
{
    uint64_t random = 11;
    for (int kills = movex_test_is_long() ? 300 : 30; kills > 0; kills--) {
        int      ends[2];
        uint32_t told[KILL_FILES] = {0}, next[KILL_FILES];
        make();
        must(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            open_real();
            write_for_ever(ends[1]);
        }
        close(ends[1]);
        struct timespec pause = {.tv_nsec = 1000000 + (long)meter_below(&random, 40000000)};
        nanosleep(&pause, NULL);
        must(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
        while (read(ends[0], next, sizeof next) == sizeof next) memcpy(told, next, sizeof told);
        close(ends[0]);
        open_real();
        check_what_is_left(told);
        disk_end(&d);
    }
}
END_TEST

/* ---- a thread that flushes */

enum { CHANGES = 20000 };

static atomic_bool ended;
static atomic_uint flushes;

static void *flush_until_ended(void *unused)
{
    while (!atomic_load(&ended)) {
        if (d.store.ops->wait(d.store.self, 1000) == MOVEX_OK && d.store.ops->flush(d.store.self) == MOVEX_OK)
            atomic_fetch_add(&flushes, 1);
    }
    return unused;
}

/* What comes by while the owner works: its numbers, its reads, its allocator are its own. */
static void change_and_look(uint64_t *random, int i)
{
    char             name[3] = {(char)('a' + meter_below(random, 20)), (char)('a' + meter_below(random, 5)), 0};
    movex_store_file file = named(name);
    int              status;
    while ((status = d.store.ops->reserve(d.store.self, 1000, 1)) == MOVEX_ERR_AGAIN) sched_yield();
    must_equal(status, MOVEX_OK);
    uint32_t what = meter_below(random, 50);
    if (what == 0)
        disk_remove(&d, file);
    else if (what < 4)
        disk_replace(&d, file, bytes, meter_below(random, 1000));
    else
        disk_append(&d, file, bytes, 1 + meter_below(random, 200));
    must_equal(d.store.ops->taken(d.store.self) >= d.store.ops->durable(d.store.self), true);
    if (i % 10 == 0) (void)disk_read(&d, named(name), bytes + ROOM / 2, ROOM / 2, 4096);
}

START_TEST(one_thread_flushes_while_the_other_goes_on)
{
    static int64_t lengths[100];
    meter          m = {0};
    uint64_t       random = 3, deadline = 0;
    pthread_t      thread;
    make();
    d.handles = 8;
    d.allocator = meter_allocator(&m); /* without a lock: used by one thread alone */
    open_real();
    must(pthread_create(&thread, NULL, flush_until_ended, NULL) == 0);
    for (int i = 0; i < CHANGES; i++) change_and_look(&random, i);
    for (; d.store.ops->durable(d.store.self) < d.store.ops->taken(d.store.self); deadline++) {
        must(deadline < 20000);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    atomic_store(&ended, true);
    d.store.ops->wake(d.store.self);
    must(pthread_join(thread, NULL) == 0);
    must(atomic_load(&flushes) > 1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            int64_t length =
                disk_read(&d, named((char[]){(char)('a' + i / 5), (char)('a' + i % 5), 0}), bytes, ROOM, 4096);
            must(round == 0 || lengths[i] == length);
            lengths[i] = length;
        }
        disk_close(&d);
        disk_open(&d);
    }
    disk_end(&d);
    must(m.blocks == 0 && m.wrong == 0);
}
END_TEST

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(a_wait_ends_for_work_a_wake_or_time)
{
    make();
    disk_open(&d);
    int64_t start = now_ms();
    must_equal(d.store.ops->wait(d.store.self, 20), MOVEX_ERR_TIMEOUT);
    must(now_ms() - start >= 19);
    d.store.ops->wake(d.store.self);
    must_equal(d.store.ops->wait(d.store.self, 60000), MOVEX_OK);
    disk_append(&d, named("a"), "1", 1);
    must_equal(d.store.ops->wait(d.store.self, 60000), MOVEX_OK);
    disk_set_faults(&d, 1);
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_SYSTEM);
    must_equal(d.store.ops->wait(d.store.self, 20), MOVEX_ERR_TIMEOUT); /* not round and round while it fails */
    disk_set_faults(&d, 0);
    disk_flush(&d);
    must_equal(d.store.ops->wait(d.store.self, 1), MOVEX_ERR_TIMEOUT);
    disk_end(&d);
}
END_TEST

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

START_TEST(signals_do_not_disturb_it)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    struct itimerval often = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500}, never = {0};
    make();
    open_real();
    must(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (int i = 0; i < 40; i++) {
        disk_append(&d, named("a"), bytes, 100000 / 40);
        disk_replace(&d, named("b"), bytes, 50000);
        disk_flush(&d);
    }
    must(setitimer(ITIMER_REAL, &never, NULL) == 0);
    must_equal(disk_read(&d, named("a"), bytes, ROOM, 4096), 100000);
    disk_end(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file store");
    TCase *tests = tcase_create("file store");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, names_in_the_file_system_are_safe_and_reversible);
    tcase_add_test(tests, what_is_not_its_own_is_left_alone_and_what_is_half_written_goes);
    tcase_add_test(tests, one_program_at_a_time);
    tcase_add_test(tests, a_directory_that_cannot_be_used_is_a_clear_error);
    tcase_add_test(tests, more_files_than_are_allowed_are_refused);
    tcase_add_test(tests, after_each_call_that_fails_the_next_flush_makes_it_good);
    tcase_add_test(tests, after_a_failed_sync_the_end_is_cut_off_before_it_is_written_again);
    tcase_add_test(tests, a_file_that_may_not_grow_is_told_of_and_written_once_it_may);
    tcase_add_test(tests, what_was_durable_survives_a_kill);
    tcase_add_test(tests, one_thread_flushes_while_the_other_goes_on);
    tcase_add_test(tests, a_wait_ends_for_work_a_wake_or_time);
    tcase_add_test(tests, signals_do_not_disturb_it);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
