/* The contract of stores, against each of them: by cases, and by a model over thousands of random changes with failures and
   power cuts. */
#include "disks.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 1 << 20 };

static unsigned char bytes[ROOM];
static disk          d;

static void expect(movex_store_file file, const char *text)
{
    for (size_t piece = 1; piece <= 64; piece = piece * 4) {
        int64_t length = disk_read(&d, file, bytes, ROOM, piece);
        if (!text) {
            must_equal(length, -1);
        } else {
            must_equal(length, (int64_t)strlen(text));
            must_msg(memcmp(bytes, text, strlen(text)) == 0, "not %s", text);
        }
    }
}

static movex_store_file named(const char *name)
{
    return disk_file_of(&d, name, strlen(name));
}

static uint64_t append(movex_store_file file, const char *text)
{
    return disk_append(&d, file, text, strlen(text));
}

static uint64_t replace(movex_store_file file, const char *text)
{
    return disk_replace(&d, file, text, strlen(text));
}

static uint64_t durable(void)
{
    return d.store.ops->durable(d.store.self);
}

static void reopen(void)
{
    disk_close(&d);
    disk_open(&d);
}

/* ---- cases */

START_TEST(changes_are_numbered_taken_and_then_durable)
{
    disk_make(&d, _i, 1);
    disk_open(&d);
    movex_store_file a = named("a"), b = named("b");
    must(a != b && a == named("a"));
    expect(a, NULL);
    must_equal(append(a, "one"), 1);
    must_equal(append(b, "x"), 2);
    must_equal(append(a, "two"), 3);
    expect(a, "onetwo");
    must_equal(durable(), 0);
    must_equal(d.store.ops->taken(d.store.self), 3);
    disk_flush(&d);
    must_equal(durable(), 3);
    must_equal(append(a, "three"), 4);
    must_equal(durable(), 3);
    expect(a, "onetwothree");
    reopen();
    expect(named("a"), "onetwo");
    expect(named("b"), "x");
    must_equal(d.store.ops->taken(d.store.self), 0);
    disk_end(&d);
}
END_TEST

START_TEST(replace_and_remove_keep_their_place_among_appends)
{
    disk_make(&d, _i, 1);
    disk_open(&d);
    movex_store_file a = named("a"), b = named("b");
    append(a, "lost");
    replace(a, "base");
    append(a, "+1");
    expect(a, "base+1");
    disk_flush(&d);
    expect(a, "base+1");
    append(a, "+2");
    replace(a, "");
    expect(a, "");
    append(b, "b");
    disk_flush(&d);
    expect(a, "");
    append(a, "new");
    disk_flush(&d);
    append(a, "gone");
    disk_remove(&d, a);
    must_equal(d.store.ops->append(d.store.self, a, "x", 1, NULL), MOVEX_ERR_NOT_FOUND);
    a = named("a");
    expect(a, NULL);
    append(a, "again");
    expect(a, "again");
    disk_remove(&d, b);
    disk_flush(&d);
    expect(a, "again");
    reopen();
    expect(named("a"), "again");
    expect(named("b"), NULL);
    disk_end(&d);
}
END_TEST

START_TEST(a_file_that_is_made_again_before_the_flush_is_new)
{
    disk_make(&d, _i, 1);
    disk_open(&d);
    append(named("a"), "old");
    disk_flush(&d);
    disk_remove(&d, named("a"));
    append(named("a"), "n");
    uint64_t last = disk_remove(&d, named("a"));
    must_equal(disk_remove(&d, named("a")), last); /* not there: nothing to number */
    must_equal(disk_remove(&d, named("never")), last);
    append(named("a"), "new");
    disk_flush(&d);
    expect(named("a"), "new");
    disk_remove(&d, named("a"));
    disk_flush(&d);
    append(named("a"), "newer"); /* its record is still that of the one that was removed */
    disk_flush(&d);
    expect(named("a"), "newer");
    must_equal(d.store.ops->reserve(d.store.self, 100, 3), MOVEX_OK);
    disk_remove(&d, named("a"));
    movex_store_file a = named("a");
    disk_flush(&d);
    append(a, "newest"); /* reserved and opened before it was gone */
    disk_flush(&d);
    reopen();
    expect(named("a"), "newest");
    disk_end(&d);
}
END_TEST

START_TEST(names_are_any_bytes_and_walked_in_order)
{
    static const struct {
        const char *bytes;
        size_t      length;
    } sorted[] = {{"\0", 1}, {"\0\n", 2}, {"%41", 3},  {".", 1},  {"..", 2},           {"../x", 4},     {"/", 1},
                  {"A", 1},  {"a", 1},    {"a\0b", 3}, {"ab", 2}, {"rps:table/1", 11}, {"\xc3\xa4", 2}, {"\xff", 1}};
    enum { COUNT = sizeof sorted / sizeof *sorted };
    char longest[MOVEX_STORE_NAME_MAX + 1];
    memset(longest, 0xff, sizeof longest);
    disk_make(&d, _i, 1);
    disk_open(&d);
    for (size_t i = COUNT; i-- > 0;)
        disk_append(&d, disk_file_of(&d, sorted[i].bytes, sorted[i].length), sorted[i].bytes, sorted[i].length);
    disk_append(&d, disk_file_of(&d, longest, MOVEX_STORE_NAME_MAX), longest, MOVEX_STORE_NAME_MAX);
    named("never written");
    movex_store_file file;
    must_equal(d.store.ops->open(d.store.self, longest, MOVEX_STORE_NAME_MAX + 1, &file), MOVEX_ERR_ARGUMENT);
    must_equal(d.store.ops->open(d.store.self, "", 0, &file), MOVEX_ERR_ARGUMENT);
    for (int round = 0; round < 2; round++) {
        movex_store_name name = {0};
        for (size_t i = 0; i < COUNT; i++) {
            must_equal(d.store.ops->next(d.store.self, &name), MOVEX_OK);
            must_equal(name.length, sorted[i].length);
            must(memcmp(name.bytes, sorted[i].bytes, name.length) == 0);
            file = disk_file_of(&d, name.bytes, name.length);
            must_equal(disk_read(&d, file, bytes, ROOM, 8), (int64_t)name.length);
            must(memcmp(bytes, sorted[i].bytes, name.length) == 0);
        }
        must_equal(d.store.ops->next(d.store.self, &name), MOVEX_OK);
        must_equal(name.length, MOVEX_STORE_NAME_MAX);
        must_equal(d.store.ops->next(d.store.self, &name), MOVEX_ERR_NOT_FOUND);
        disk_flush(&d);
        reopen();
    }
    disk_end(&d);
}
END_TEST

/* As a master does that is flushed by another thread: before it takes anything in it asks for far more than it then needs. */
START_TEST(asking_for_much_and_taking_little_wastes_little)
{
    enum { MUCH = 64 << 10, LITTLE = 100, TIMES = 100000 };
    disk_make(&d, _i, 1);
    disk_open(&d);
    movex_store_file a = named("a");
    for (int i = 0; i < TIMES; i++) {
        must_equal(d.store.ops->reserve(d.store.self, MUCH, 1), MOVEX_OK);
        disk_append(&d, a, bytes, LITTLE);
    }
    disk_end(&d);
}
END_TEST

START_TEST(what_is_reserved_is_taken_and_what_waits_is_bounded)
{
    enum { WAITING = 100000, LENGTH = 1000 };
    disk_make(&d, _i, 1);
    if (_i == DISK_MEMORY) {
        movex_store_memory_free(d.memory);
        d.memory = movex_store_memory_new(&(movex_store_memory_config){.waiting_bytes = WAITING});
    }
    d.waiting_bytes = WAITING;
    disk_open(&d);
    movex_store_file a = named("a");
    must_equal(d.store.ops->reserve(d.store.self, WAITING, 1), MOVEX_ERR_LIMIT);
    must_equal(d.store.ops->reserve(d.store.self, SIZE_MAX, 1), MOVEX_ERR_LIMIT);
    must_equal(d.store.ops->reserve(d.store.self, 1, UINT32_MAX), MOVEX_ERR_LIMIT);
    must_equal(d.store.ops->reserve(d.store.self, 1, 0), MOVEX_ERR_ARGUMENT);
    must_equal(d.store.ops->replace(d.store.self, a, bytes, WAITING, NULL), MOVEX_ERR_LIMIT);
    uint64_t taken = 0;
    for (int round = 0; round < 3; round++) {
        int status, rounds = 0;
        while ((status = d.store.ops->reserve(d.store.self, 3 * LENGTH, 3)) == MOVEX_OK) {
            for (int i = 0; i < 3; i++) must_equal(disk_append(&d, a, bytes, LENGTH), ++taken);
            must(++rounds < 100);
        }
        must_equal(status, MOVEX_ERR_AGAIN);
        must(rounds > 15);
        must_equal(d.store.ops->status(d.store.self, NULL), MOVEX_OK);
        disk_flush(&d);
    }
    reopen();
    must_equal(disk_read(&d, named("a"), bytes, ROOM, 4096), (int64_t)(taken * LENGTH));
    disk_end(&d);
}
END_TEST

START_TEST(a_torn_end_is_cut_off)
{
    uint64_t size;
    disk_make(&d, _i, 1);
    disk_open(&d);
    movex_store_file a = named("a");
    must_equal(d.store.ops->truncate(d.store.self, a, 0), MOVEX_ERR_NOT_FOUND);
    append(a, "whole|torn");
    must_equal(d.store.ops->truncate(d.store.self, a, 5), MOVEX_ERR_AGAIN);
    disk_flush(&d);
    reopen();
    a = named("a");
    must_equal(d.store.ops->truncate(d.store.self, a, 11), MOVEX_ERR_ARGUMENT);
    must_equal(d.store.ops->truncate(d.store.self, a, 6), MOVEX_OK);
    must_equal(d.store.ops->size(d.store.self, a, &size), MOVEX_OK);
    must_equal(size, 6);
    append(a, "next");
    disk_flush(&d);
    reopen();
    expect(named("a"), "whole|next");
    disk_end(&d);
}
END_TEST

START_TEST(a_store_that_fails_says_so_refuses_and_recovers)
{
    movex_error error = {0};
    disk_make(&d, _i, 1);
    disk_open(&d);
    movex_store_file a = named("a");
    append(a, "kept");
    disk_flush(&d);
    must_equal(d.store.ops->reserve(d.store.self, 100, 2), MOVEX_OK);
    uint64_t number = append(a, "+waits");
    disk_set_faults(&d, 1);
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_SYSTEM);
    must_equal(d.store.ops->status(d.store.self, &error), MOVEX_ERR_SYSTEM);
    must_equal(error.status, MOVEX_ERR_SYSTEM);
    must(strlen(error.text) > 10);
    must_equal(durable(), number - 1);
    must_equal(append(a, "+reserved"), number + 1); /* promised before it failed */
    must_equal(d.store.ops->reserve(d.store.self, 1, 1), MOVEX_ERR_SYSTEM);
    must_equal(d.store.ops->replace(d.store.self, a, bytes, 200, NULL), MOVEX_ERR_SYSTEM);
    disk_set_faults(&d, 0);
    expect(a, "kept+waits+reserved");
    disk_flush(&d);
    must_equal(d.store.ops->status(d.store.self, &error), MOVEX_OK);
    must_equal(d.store.ops->reserve(d.store.self, 1, 1), MOVEX_OK);
    reopen();
    expect(named("a"), "kept+waits+reserved");
    disk_end(&d);
}
END_TEST

START_TEST(more_files_than_handles)
{
    enum { FILES = 300 };
    char name[32];
    disk_make(&d, _i, 1);
    d.handles = 4;
    disk_open(&d);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof name, "game:%d", i);
            append(named(name), round == 0 ? "0" : round == 1 ? "1" : "2");
        }
        disk_flush(&d);
    }
    reopen();
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "game:%d", i);
        expect(named(name), "012");
    }
    disk_end(&d);
}
END_TEST

START_TEST(nothing_is_allocated_once_warm)
{
    meter m = {0};
    disk_make(&d, _i, 1);
    d.allocator = meter_allocator(&m);
    movex_store_memory_free(d.memory);
    d.memory = NULL;
    disk_open(&d);
    movex_store_file a = named("a"), b = named("b");
    for (int i = 0; i < 3000; i++) {
        if (i == 1000) m.taken = 0;
        replace(a, "a state of some length");
        append(b, "b");
        if (i % 7 == 0) disk_flush(&d);
    }
    must(m.taken <= 2); /* the memory store's own file grows, by doubling */
    disk_end(&d);
    must(m.blocks == 0 && m.bytes == 0 && m.wrong == 0);
}
END_TEST

/* ---- the tree of names */

enum { NAMES = 5000 };

/* Its depth; the levels must be as names.h has them. */
static int check_tree(const store_name *root)
{
    if (!root) return 0;
    uint32_t left = root->left ? root->left->level : 0, right = root->right ? root->right->level : 0;
    uint32_t beyond = root->right && root->right->right ? root->right->right->level : 0;
    must(root->level == left + 1 && (root->level == right + 1 || root->level == right) && beyond < root->level);
    int a = check_tree(root->left), b = check_tree(root->right);
    return 1 + (a > b ? a : b);
}

START_TEST(the_tree_of_names_stays_flat)
{
    static store_name    all[NAMES];
    static unsigned char texts[NAMES][2];
    static bool          there[NAMES];
    store_name          *root = NULL;
    uint64_t             random = 9;
    int                  count = 0;
    for (int i = 0; i < NAMES; i++) { /* in order: the worst for a tree that does not turn */
        texts[i][0] = (unsigned char)(i / 256);
        texts[i][1] = (unsigned char)(i % 256);
        all[i] = (store_name){.length = 2, .bytes = texts[i]};
        root = movex_store_names_add(root, &all[i]);
        there[i] = true;
        count++;
    }
    for (int step = 0; step < 4000; step++) {
        uint32_t i = meter_below(&random, NAMES);
        root = there[i] ? movex_store_names_remove(root, &all[i]) : movex_store_names_add(root, &all[i]);
        there[i] = !there[i];
        count += there[i] ? 1 : -1;
        must((movex_store_names_find(root, texts[i], 2) == &all[i]) == there[i]);
        if (step % 50 == 0) must(check_tree(root) <= 26); /* 2 * log2(5000) */
    }
    int walked = 0;
    for (const store_name *at = movex_store_names_after(root, NULL, 0); at; walked++)
        at = movex_store_names_after(root, at->bytes, at->length);
    must_equal(walked, count);
}
END_TEST

/* ---- every allocation fails once */

static bool use_all(meter *m)
{
    d.allocator = meter_allocator(m);
    if (!disk_try_open(&d)) return false;
    bool good = true;
    for (int i = 0; i < 40 && good; i++) {
        char             name[2] = {(char)('a' + i % 20), 0};
        movex_store_file file;
        uint64_t         number;
        good = d.store.ops->open(d.store.self, name, 1, &file) == MOVEX_OK;
        if (good && i == 5) good = d.store.ops->replace(d.store.self, file, bytes, 100000, &number) == MOVEX_OK;
        if (good) good = d.store.ops->append(d.store.self, file, name, 1, &number) == MOVEX_OK;
        if (good && i % 5 == 0) good = d.store.ops->flush(d.store.self) == MOVEX_OK;
        if (good && i % 7 == 6) good = d.store.ops->remove(d.store.self, file, &number) == MOVEX_OK;
    }
    if (good && d.memory) {
        movex_store_memory_crash(d.memory);
        disk_close(&d);
        good = disk_try_open(&d);
    }
    uint64_t before = d.store.self ? durable() : 0;
    m->fail_at = 0;
    if (d.store.self) must_equal(d.store.ops->flush(d.store.self), MOVEX_OK); /* nothing that waited is lost */
    if (d.store.self) must(durable() >= before);
    return good;
}

START_TEST(it_survives_without_memory)
{
    for (uint64_t at = 1;; at++) {
        meter m = {.fail_at = at};
        disk_make(&d, _i, at);
        movex_store_memory_free(d.memory);
        d.memory = NULL;
        bool good = use_all(&m);
        disk_end(&d);
        must_msg(m.blocks == 0 && m.bytes == 0 && m.wrong == 0, "allocation %llu", (unsigned long long)at);
        must(good || m.failed > 0);
        if (m.failed == 0) {
            must(at > 5);
            break;
        }
    }
}
END_TEST

/* ---- a model */

enum { FILES = 5, VERSIONS = 600, LARGEST = 6000 };

/* What a file was after each of its changes since the one that is known to be durable. */
typedef struct version {
    int64_t        length; /* -1: it did not exist */
    uint64_t       number; /* of the change that made it */
    bool           by_append;
    unsigned char *content;
} version;

typedef struct model {
    version  versions[FILES][VERSIONS];
    int      count[FILES]; /* at least 1: the first is durable */
    uint64_t seed, random;
} model;

static const char *const model_names[FILES] = {"a", "A", "rps:table/1", "sessions", "\xff/.."};

static uint32_t below(model *m, uint32_t bound)
{
    return meter_below(&m->random, bound);
}

static version *newest(model *m, int i)
{
    return &m->versions[i][m->count[i] - 1];
}

static void add_version(model *m, int i, uint64_t number, bool by_append, const void *content, int64_t length)
{
    must(m->count[i] < VERSIONS);
    version *v = &m->versions[i][m->count[i]++];
    *v = (version){.length = length, .number = number, .by_append = by_append, .content = malloc(LARGEST)};
    if (length > 0) memcpy(v->content, content, (size_t)length);
}

/* The first `count` are known to be superseded on disk. */
static void drop_versions(model *m, int i, int count)
{
    for (int k = 0; k < count; k++) free(m->versions[i][k].content);
    m->count[i] -= count;
    memmove(m->versions[i], m->versions[i] + count, (size_t)m->count[i] * sizeof(version));
}

static void note_durable(model *m)
{
    for (int i = 0; i < FILES; i++) {
        int known = 0;
        while (known + 1 < m->count[i] && m->versions[i][known + 1].number <= durable()) known++;
        drop_versions(m, i, known);
    }
}

static void change(model *m, int i)
{
    static unsigned char content[LARGEST];
    movex_store_file     file = named(model_names[i]);
    const version       *v = newest(m, i);
    size_t               length = 1 + below(m, below(m, 10) == 0 ? 2000 : 40);
    uint64_t             number = 0;
    int64_t              old = v->length < 0 ? 0 : v->length;
    uint32_t             what = below(m, 12);
    if (what == 0) {
        int status = d.store.ops->remove(d.store.self, file, &number);
        if (status == MOVEX_OK && v->length >= 0) add_version(m, i, number, false, NULL, -1);
        return;
    }
    bool by_append = what > 2 && old + (int64_t)length <= LARGEST;
    if (by_append && old) memcpy(content, v->content, (size_t)old);
    int64_t start = by_append ? old : 0;
    for (size_t k = 0; k < length; k++) content[start + (int64_t)k] = (unsigned char)(1 + below(m, 255));
    int status = by_append ? d.store.ops->append(d.store.self, file, content + start, length, &number)
                           : d.store.ops->replace(d.store.self, file, content, length, &number);
    if (status == MOVEX_OK)
        add_version(m, i, number, by_append, content, start + (int64_t)length);
    else
        must(d.store.ops->status(d.store.self, NULL) == status);
}

static void check_taken(model *m, int i)
{
    const version *v = newest(m, i);
    int64_t        length = disk_read(&d, named(model_names[i]), bytes, ROOM, 1 + below(m, 3000));
    must_msg(length == v->length && (length <= 0 || memcmp(bytes, v->content, (size_t)length) == 0),
             "seed %llu: file %d is not what it was made", (unsigned long long)m->seed, i);
}

static bool may_remain(model *m, int i, int64_t length)
{
    for (int k = 0; k < m->count[i]; k++) {
        const version *v = &m->versions[i][k];
        int64_t        kept = v->length < 0 ? 0 : v->length, most = -1;
        bool           begins_so = length >= kept && (kept == 0 || memcmp(bytes, v->content, (size_t)kept) == 0);
        if (v->length == length && (length < 0 || begins_so)) return true;
        for (int a = k + 1; a < m->count[i] && m->versions[i][a].by_append; a++) most = m->versions[i][a].length;
        if (begins_so && length <= most) return true; /* torn, or what was appended has come wrongly */
    }
    return false;
}

/* After a crash: each file is what one of its versions was, perhaps with a torn append; what it is counts from now on. */
static void look_again(model *m)
{
    for (int i = 0; i < FILES; i++) {
        int64_t length = disk_read(&d, named(model_names[i]), bytes, ROOM, 4096);
        must_msg(may_remain(m, i, length), "seed %llu: file %d has %lld bytes that it never had",
                 (unsigned long long)m->seed, i, (long long)length);
        if (length > LARGEST / 2) {
            length = below(m, LARGEST / 2);
            must_equal(d.store.ops->truncate(d.store.self, named(model_names[i]), (uint64_t)length), MOVEX_OK);
        }
        add_version(m, i, 0, false, bytes, length);
        drop_versions(m, i, m->count[i] - 1);
    }
}

static void check_walk(model *m)
{
    movex_store_name name = {0};
    int              walked = 0, there = 0;
    for (int i = 0; i < FILES; i++) there += newest(m, i)->length >= 0;
    while (d.store.ops->next(d.store.self, &name) == MOVEX_OK) walked++;
    must_equal(walked, there);
}

static void run_model(int kind, uint64_t seed, bool with_faults)
{
    static model m;
    m = (model){.seed = seed, .random = seed};
    disk_make(&d, kind, seed);
    d.handles = 1 + below(&m, 6);
    faults.short_one_in = 3;
    disk_open(&d);
    for (int i = 0; i < FILES; i++) add_version(&m, i, 0, false, NULL, -1);
    for (int step = 0; step < 400; step++) {
        uint32_t what = below(&m, 100);
        if (with_faults && kind == DISK_FILE) faults.fail_one_in = below(&m, 3) ? 0 : 1 + below(&m, 12);
        if (with_faults && kind == DISK_MEMORY) disk_set_faults(&d, below(&m, 3) ? 0 : 1 + below(&m, 4));
        if (what < 80) {
            change(&m, (int)below(&m, FILES));
        } else if (what < 92) {
            uint64_t before = durable();
            int      status = d.store.ops->flush(d.store.self);
            must(durable() >= before);
            must((status == MOVEX_OK) == (durable() == d.store.ops->taken(d.store.self)) || status != MOVEX_OK);
            note_durable(&m);
        } else if (what < 97) {
            faults.fail_one_in = 0;
            check_taken(&m, (int)below(&m, FILES));
            check_walk(&m);
        } else {
            faults.fail_one_in = 0;
            disk_crash(&d);
            disk_open(&d);
            look_again(&m);
            check_walk(&m);
        }
    }
    for (int i = 0; i < FILES; i++) drop_versions(&m, i, m.count[i]);
    disk_end(&d);
}

static void run_models(int kind, bool with_faults)
{
    const char *seed = getenv("MOVEX_TEST_SEED");
    uint64_t    first = seed ? strtoull(seed, NULL, 10) : 1, count = seed ? 1 : movex_test_is_long() ? 2000 : 60;
    for (uint64_t s = first; s < first + count; s++) {
        run_model(kind, s, with_faults);
    }
    must(!with_faults || kind == DISK_MEMORY || faults.failed > 0);
}

START_TEST(whatever_happens_a_file_is_what_it_was_once)
{
    run_models(_i, false);
}
END_TEST

START_TEST(nor_is_anything_lost_by_failures)
{
    run_models(_i, true);
}
END_TEST

/* ---- the memory store's own */

START_TEST(a_flush_takes_its_time_or_waits_to_be_told)
{
    d = (disk){.kind = DISK_MEMORY};
    d.memory = movex_store_memory_new(&(movex_store_memory_config){.flush_ms = 5});
    disk_open(&d);
    must(movex_store_memory_open(d.memory).self == NULL);
    movex_store_file a = named("a");
    append(a, "1");
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_AGAIN);
    must_equal(movex_store_memory_deadline(d.memory), 5);
    append(a, "2");
    movex_store_memory_poll(d.memory, 4);
    must_equal(durable(), 0);
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_AGAIN); /* one after the other */
    movex_store_memory_poll(d.memory, 5);
    must_equal(durable(), 1);
    movex_store_memory_hold(d.memory, true);
    must_equal(movex_store_memory_release(d.memory), MOVEX_ERR_NOT_FOUND);
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_AGAIN);
    movex_store_memory_poll(d.memory, 100);
    must_equal(durable(), 1);
    must_equal(movex_store_memory_release(d.memory), MOVEX_OK);
    must_equal(durable(), 2);
    must_equal(movex_store_memory_statistics(d.memory).flushes, 2);
    must_equal(movex_store_memory_statistics(d.memory).bytes, 2);
    disk_end(&d);
}
END_TEST

START_TEST(a_crash_ends_the_store_but_not_the_disk)
{
    bool torn = false, whole = false, lost = false;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        disk_make(&d, DISK_MEMORY, seed);
        disk_open(&d);
        append(named("a"), "durable");
        disk_flush(&d);
        append(named("a"), "|maybe");
        movex_store old = d.store;
        movex_store_memory_hold(d.memory, seed % 2);
        must_equal(old.ops->flush(old.self) == MOVEX_ERR_AGAIN, seed % 2);
        if (seed % 2 == 0) append(named("a"), "-later");
        movex_store_memory_crash(d.memory);
        must_equal(old.ops->flush(old.self), MOVEX_ERR_CLOSED);
        must_equal(old.ops->status(old.self, NULL), MOVEX_ERR_CLOSED);
        must_equal(old.ops->append(old.self, 1, "x", 1, NULL), MOVEX_ERR_CLOSED);
        int64_t sure = seed % 2 ? 7 : 13;
        must_equal(old.ops->durable(old.self), seed % 2 ? 1 : 2);
        must_equal(old.ops->taken(old.self), seed % 2 ? 2 : 3);
        disk_open(&d);
        int64_t length = disk_read(&d, named("a"), bytes, ROOM, 100);
        must(length >= sure && length <= sure + 6 && memcmp(bytes, "durable|maybe", (size_t)sure) == 0);
        torn = torn || (length > sure && length < sure + 6);
        whole = whole || (length == sure + 6 && memcmp(bytes, "durable|maybe-later", (size_t)length) == 0);
        lost = lost || length == sure;
        old.ops->destroy(old.self);
        disk_end(&d);
    }
    must(torn && whole && lost);
}
END_TEST

START_TEST(a_full_disk_keeps_what_it_has)
{
    d = (disk){.kind = DISK_MEMORY};
    d.memory = movex_store_memory_new(&(movex_store_memory_config){.capacity = 10});
    disk_open(&d);
    movex_store_file a = named("a");
    append(a, "12345678");
    disk_flush(&d);
    append(a, "901");
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_SYSTEM);
    must_equal(d.store.ops->reserve(d.store.self, 1, 1), MOVEX_ERR_SYSTEM);
    must_equal(durable(), 1);
    movex_store_memory_set_capacity(d.memory, 11);
    movex_store_memory_fail(d.memory, 1);
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_SYSTEM);
    disk_flush(&d);
    expect(a, "12345678901");
    movex_store_memory_free(d.memory);
    d.memory = NULL;
    must_equal(d.store.ops->flush(d.store.self), MOVEX_ERR_CLOSED);
    disk_end(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("each store");
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, changes_are_numbered_taken_and_then_durable, 0, DISK_KINDS);
    tcase_add_loop_test(tests, replace_and_remove_keep_their_place_among_appends, 0, DISK_KINDS);
    tcase_add_loop_test(tests, a_file_that_is_made_again_before_the_flush_is_new, 0, DISK_KINDS);
    tcase_add_loop_test(tests, names_are_any_bytes_and_walked_in_order, 0, DISK_KINDS);
    tcase_add_loop_test(tests, asking_for_much_and_taking_little_wastes_little, 0, DISK_KINDS);
    tcase_add_loop_test(tests, what_is_reserved_is_taken_and_what_waits_is_bounded, 0, DISK_KINDS);
    tcase_add_loop_test(tests, a_torn_end_is_cut_off, 0, DISK_KINDS);
    tcase_add_loop_test(tests, a_store_that_fails_says_so_refuses_and_recovers, 0, DISK_KINDS);
    tcase_add_loop_test(tests, more_files_than_handles, 0, DISK_KINDS);
    tcase_add_loop_test(tests, nothing_is_allocated_once_warm, 0, DISK_KINDS);
    tcase_add_loop_test(tests, it_survives_without_memory, 0, DISK_KINDS);
    tcase_add_loop_test(tests, whatever_happens_a_file_is_what_it_was_once, 0, DISK_KINDS);
    tcase_add_loop_test(tests, nor_is_anything_lost_by_failures, 0, DISK_KINDS);
    tcase_add_test(tests, the_tree_of_names_stays_flat);
    tcase_add_test(tests, a_flush_takes_its_time_or_waits_to_be_told);
    tcase_add_test(tests, a_crash_ends_the_store_but_not_the_disk);
    tcase_add_test(tests, a_full_disk_keeps_what_it_has);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
