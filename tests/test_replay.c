/* Replays of what random runs have kept (test_restarts.c): at every version, forwards and backwards, each viewer sees
   what the run's own account says; damage, torn ends, other rules and missing memory are said, and nothing is made up.

   A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "secrets_run.h"
#include "support.h"

#include "meter.h"

#include <movex/replay.h>

#include <stdio.h>

enum { ROOM = 4 << 20 };

/* What the last run has kept in the resource's file, and in the sessions'. */
static unsigned char journal[ROOM], sessions[ROOM];
static size_t        journal_length, sessions_length;
static char          journal_file[MOVEX_STORE_NAME_MAX + 1];
static secrets_run   run;

#define require(condition)                                                                                             \
    must_msg(condition, "seed %llu, type %s: %s", (unsigned long long)run.seed, run.type->name, #condition)

/* ---- against the account of a run */

/* A viewer is shown the right state, which has the right checksum. */
static void check_version(movex_replay *replay)
{
    const movex_codec    *codec = movex_rules_state(movex_replay_rules(replay));
    movex_replay_position at = movex_replay_at(replay);
    require(at.stands && at.version <= run.version);
    for (int i = 0; i < SECRETS_VIEWERS; i++) {
        uint64_t checksum = 0;
        secrets  state;
        require(movex_replay_view(replay, secrets_viewer(i), &state, &checksum) == MOVEX_OK);
        must_msg(checksum == run.checksums[at.version][i],
                 "seed %llu, type %s, version %llu of %llu to %llu, viewer %d: %016llx, not %016llx",
                 (unsigned long long)run.seed, run.type->name, (unsigned long long)at.version,
                 (unsigned long long)at.first, (unsigned long long)run.version, i, (unsigned long long)checksum,
                 (unsigned long long)run.checksums[at.version][i]);
        require(checksum == movex_codec_checksum(codec, &state));
    }
}

static void check_half(const secrets_half *expected, const movex_replay_half *half)
{
    require(half->action == expected->action);
    require(strcmp(half->name, run.type->actions[half->action].name) == 0);
    if (!expected->has_payload || run.type->actions[half->action].flags & MOVEX_MASTER_ONLY) return;
    require(half->payload && memcmp(half->payload, &expected->payload, sizeof expected->payload) == 0);
    if (half->drew) require(half->seed == expected->seed);
}

static void check_entry(movex_replay *replay, uint64_t version)
{
    const secrets_event *event = &run.history[version];
    movex_replay_record  made;
    require(movex_replay_made_by(replay, &made) && made.version == version);
    if (event->put) {
        require(made.kind == MOVEX_REPLAY_STATE);
    } else if (made.kind == MOVEX_REPLAY_ENTRY) { /* else the file begins with it */
        require(made.now_ms == event->entry.now_ms && made.hides == event->entry.hides);
        require(strcmp(made.name, event->entry.author) == 0 && (made.session != 0) == event->entry.dispatched);
        check_half(&event->entry.shown, &made.shown);
        if (made.hides) check_half(&event->entry.hidden, &made.hidden);
    }
}

static movex_replay *open_replay(const movex_replay_config *given, movex_error *error)
{
    movex_replay_config config = *given;
    config.error = error;
    error->text[0] = 0;
    return movex_replay_new(&config);
}

static void go_through(movex_replay *replay)
{
    uint64_t next = 0;
    while (movex_replay_step(replay) == MOVEX_OK) {
        movex_replay_position at = movex_replay_at(replay);
        require(at.version == next || next == 0);
        if (next == 0) require(at.first == at.version);
        check_version(replay);
        if (at.version) check_entry(replay, at.version);
        next = at.version + 1;
    }
    must_msg(movex_replay_error(replay)->status == MOVEX_OK, "seed %llu: %s", (unsigned long long)run.seed,
             movex_replay_error(replay)->text);
    require(movex_replay_at(replay).at_end && movex_replay_at(replay).torn == 0);
    require(movex_replay_at(replay).version == run.version);
    require(movex_replay_at(replay).offset == journal_length);
}

static void jump_about(movex_replay *replay)
{
    movex_replay_position end = movex_replay_at(replay);
    uint64_t              random = run.seed;
    for (int i = 0; i < 12; i++) {
        uint64_t version = end.first + meter_below(&random, (uint32_t)(end.version - end.first + 1));
        require(movex_replay_seek(replay, version) == MOVEX_OK);
        require(movex_replay_at(replay).version == version);
        check_version(replay);
        if (version) check_entry(replay, version);
    }
    require(movex_replay_seek(replay, end.version + 1) == MOVEX_ERR_NOT_FOUND);
    require(movex_replay_at(replay).version == end.version);
    check_version(replay);
}

/* Without the type: the same versions and checksums, and who has done what. */
static void list_records(void)
{
    movex_error   error;
    movex_replay *replay = open_replay(&(movex_replay_config){.bytes = journal, .length = journal_length}, &error);
    movex_replay_record record;
    uint64_t            offset = 0;
    require(replay && !movex_replay_rules(replay));
    while (movex_replay_next(replay, &record) == MOVEX_OK) {
        require(record.offset == offset);
        offset += record.size;
        if (record.kind != MOVEX_REPLAY_ENTRY) continue;
        const secrets_noted *noted = &run.history[record.version].entry;
        require(strcmp(record.name, noted->author) == 0 && record.now_ms == noted->now_ms);
        require(record.shown.action == noted->shown.action && record.hides == noted->hides && !record.shown.payload);
    }
    require(offset == journal_length && movex_replay_at(replay).at_end);
    require(movex_replay_at(replay).version == run.version);
    require(movex_replay_view(replay, "", NULL, NULL) == MOVEX_ERR_NOT_FOUND);
    movex_replay_free(replay);
}

static size_t read_file(movex_store store, const char *name, unsigned char *bytes)
{
    movex_store_file file;
    size_t           length = 0, got = 0;
    require(store.ops->open(store.self, name, strlen(name), &file) == MOVEX_OK);
    do {
        require(store.ops->read(store.self, file, length, bytes + length, ROOM - length, &got) == MOVEX_OK);
        length += got;
    } while (got);
    require(length < ROOM);
    return length;
}

static void keep(secrets_run *r)
{
    movex_store store = movex_store_memory_open(r->disk);
    snprintf(journal_file, sizeof journal_file, "%s:r", r->type->name);
    journal_length = read_file(store, journal_file, journal);
    sessions_length = read_file(store, "sessions", sessions);
    movex_error   error;
    movex_replay *replay = open_replay(
        &(movex_replay_config){.types = MOVEX_TYPES(r->type), .store = store, .file = journal_file}, &error);
    must_msg(replay, "seed %llu: %s", (unsigned long long)r->seed, error.text);
    require(strcmp(movex_replay_name(replay), journal_file) == 0);
    go_through(replay);
    movex_replay_free(replay);
    store.ops->destroy(store.self);
}

static void play(uint64_t seed, uint32_t journal_bytes, int steps)
{
    static secrets_events events;
    memset(&run, 0, sizeof run);
    run.seed = seed;
    run.events = &events;
    run.restarts = true;
    run.journal_bytes = journal_bytes;
    run.ended = keep;
    secrets_play(&run, steps);
}

static void replay_seed(uint64_t seed)
{
    movex_error error;
    play(seed, seed % 3 ? 1 << 20 : 0, 80);
    movex_replay *replay = open_replay(
        &(movex_replay_config){.types = MOVEX_TYPES(run.type), .bytes = journal, .length = journal_length}, &error);
    must_msg(replay, "seed %llu: %s", (unsigned long long)seed, error.text);
    go_through(replay);
    jump_about(replay);
    movex_replay_rewind(replay);
    go_through(replay);
    movex_replay_free(replay);
    list_records();
}

enum { SEEDS_AT_ONCE = 10 };

START_TEST(every_version_is_as_it_was)
{
    const char *one = getenv("MOVEX_TEST_SEED");
    if (one) {
        if (_i == 0) replay_seed(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t k = 1; k <= SEEDS_AT_ONCE; k++) replay_seed((uint64_t)_i * SEEDS_AT_ONCE + k);
}
END_TEST

/* ---- damage */

/* Goes to the end; the status. Whatever it shows on its way is right. */
static int finish(const unsigned char *bytes, size_t length, movex_replay_position *at, movex_error *error)
{
    movex_replay *replay =
        open_replay(&(movex_replay_config){.types = MOVEX_TYPES(run.type), .bytes = bytes, .length = length}, error);
    *at = (movex_replay_position){0};
    if (!replay) return error->status;
    int status;
    while ((status = movex_replay_step(replay)) == MOVEX_OK) {
        uint64_t checksum;
        *at = movex_replay_at(replay);
        require(movex_replay_view(replay, NULL, NULL, &checksum) == MOVEX_OK);
        require(checksum == run.checksums[at->version][SECRETS_EVERYTHING]);
    }
    *at = movex_replay_at(replay);
    *error = *movex_replay_error(replay);
    movex_replay_free(replay);
    return status;
}

START_TEST(every_byte_counts)
{
    static unsigned char  copy[ROOM];
    movex_replay_position at;
    movex_error           error;
    uint64_t              random = 1;
    play(2, 1 << 20, 30);
    memcpy(copy, journal, journal_length);
    for (int i = 0; i < 300; i++) {
        size_t where = meter_below(&random, (uint32_t)journal_length);
        copy[where] ^= (unsigned char)(1 << meter_below(&random, 8));
        int status = finish(copy, journal_length, &at, &error);
        copy[where] = journal[where];
        if (status == MOVEX_ERR_AGAIN) {
            require(at.torn > 0 && at.offset <= where); /* the last record: no other way to know */
        } else {
            require(status == MOVEX_ERR_DAMAGED);
            require(strstr(error.text, "no journal") || strstr(error.text, ", byte "));
        }
    }
    require(finish(copy, journal_length, &at, &error) == MOVEX_ERR_AGAIN && at.torn == 0);
}
END_TEST

START_TEST(a_torn_end_is_said)
{
    movex_replay_position at;
    movex_error           error;
    play(1, 1 << 20, 30);
    for (size_t length = 0; length <= journal_length; length += length + 500 < journal_length ? 37 : 1) {
        int status = finish(journal, length, &at, &error);
        if (status == MOVEX_ERR_AGAIN)
            require(at.at_end && at.offset + at.torn == length);
        else /* in the first record, or a snapshot of something hidden is not whole */
            require(status == MOVEX_ERR_DAMAGED);
    }
    require(at.version == run.version && at.torn == 0);
}
END_TEST

/* ---- other rules */

static int (*reduce_before)(void *state, const movex_action *action, const movex_context *context);

static int reduce_otherwise(void *state, const movex_action *action, const movex_context *context)
{
    int answer = reduce_before(state, action, context);
    if (answer == MOVEX_ACCEPT && context->version == 20) ((secrets *)state)->pot++;
    return answer;
}

static int refuse(void *state, const movex_action *action, const movex_context *context)
{
    return context->version == 20 ? MOVEX_REFUSE : reduce_before(state, action, context);
}

START_TEST(other_rules_are_found)
{
    movex_error         error;
    movex_replay_record made;
    play(8, 1 << 20, 60); /* of the plain type */
    movex_type other = *run.type;
    reduce_before = other.reduce;
    for (int i = 0; i < 2; i++) {
        other.reduce = i ? refuse : reduce_otherwise;
        movex_replay *replay = open_replay(
            &(movex_replay_config){.types = MOVEX_TYPES(&other), .bytes = journal, .length = journal_length}, &error);
        require(replay);
        require(movex_replay_finish(replay) == MOVEX_ERR_INVALID_STATE);
        const char *text = movex_replay_error(replay)->text;
        must_msg(strstr(text, i ? "refuses it now" : "another state of it now: its checksum is "), "%s", text);
        must_msg(strstr(text, "byte ") && strstr(text, " (after version 19)") && strstr(text, " by c"), "%s", text);
        require(movex_replay_step(replay) == MOVEX_ERR_INVALID_STATE);
        require(movex_replay_view(replay, "", NULL, NULL) == MOVEX_ERR_INVALID_STATE);
        require(movex_replay_seek(replay, 19) == MOVEX_OK);
        check_version(replay);
        require(movex_replay_made_by(replay, &made) && made.version == 19);
        movex_replay_free(replay);
    }
    other.version++; /* described differently */
    movex_replay *replay = open_replay(
        &(movex_replay_config){.types = MOVEX_TYPES(&other), .bytes = journal, .length = journal_length}, &error);
    require(replay && movex_replay_finish(replay) == MOVEX_ERR_FINGERPRINT);
    movex_replay_free(replay);
}
END_TEST

/* ---- opening */

START_TEST(wrong_openings)
{
    movex_error error;
    play(4, 1 << 20, 10);
    const movex_replay_config whole = {.types = MOVEX_TYPES(run.type), .bytes = journal, .length = journal_length};
    movex_replay_config       config = whole;
    require(!movex_replay_new(NULL));
    config.bytes = NULL;
    require(!open_replay(&config, &error) && error.status == MOVEX_ERR_ARGUMENT);
    config = whole;
    config.file = "secrets:r";
    require(!open_replay(&config, &error) && error.status == MOVEX_ERR_ARGUMENT);
    config = whole;
    config.length = 0;
    require(!open_replay(&config, &error) && error.status == MOVEX_ERR_DAMAGED && strstr(error.text, "no journal"));
    config = whole;
    config.types = MOVEX_TYPES(run.type == &secrets_plain_type ? &secrets_dealt_type : &secrets_plain_type);
    require(!open_replay(&config, &error) && error.status == MOVEX_ERR_UNKNOWN_TYPE);
    must_msg(strstr(error.text, run.type->name), "%s", error.text);
    movex_replay_free(NULL);
}
END_TEST

START_TEST(sessions_are_listed)
{
    movex_error         error;
    movex_replay_record record;
    int                 starts = 0, began = 0;
    play(3, 1 << 20, 40);
    movex_replay *replay = open_replay(
        &(movex_replay_config){.types = MOVEX_TYPES(run.type), .bytes = sessions, .length = sessions_length}, &error);
    must_msg(replay, "%s", error.text);
    ck_assert_str_eq(movex_replay_name(replay), "sessions");
    while (movex_replay_next(replay, &record) == MOVEX_OK) {
        starts += record.kind == MOVEX_REPLAY_START;
        began += record.kind == MOVEX_REPLAY_SESSION;
        if (record.kind == MOVEX_REPLAY_SESSION) require(record.name[0] == 'c' && record.session);
    }
    require(starts == 1 && began >= run.client_count - 1 && movex_replay_at(replay).at_end);
    require(!movex_replay_at(replay).stands);
    movex_replay_free(replay);
}
END_TEST

/* ---- memory */

static bool go_with(meter *memory)
{
    movex_error   error;
    movex_replay *replay = open_replay(&(movex_replay_config){.types = MOVEX_TYPES(run.type),
                                                              .bytes = journal,
                                                              .length = journal_length,
                                                              .allocator = meter_allocator(memory)},
                                       &error);
    if (!replay) {
        must_msg(error.status == MOVEX_ERR_MEMORY, "%s", error.text);
        return false;
    }
    int status = movex_replay_finish(replay);
    if (status == MOVEX_OK) status = movex_replay_seek(replay, movex_replay_at(replay).first);
    must_msg(status == MOVEX_OK || status == MOVEX_ERR_MEMORY, "%s", movex_replay_error(replay)->text);
    movex_replay_free(replay);
    return status == MOVEX_OK;
}

START_TEST(without_memory_nothing_is_lost)
{
    for (uint64_t seed = 1; seed <= 4; seed++) { /* of each type */
        play(seed, 1 << 20, 12);
        for (uint64_t k = 1;; k++) {
            meter memory = {.fail_at = k};
            bool  done = go_with(&memory);
            require(memory.blocks == 0 && memory.wrong == 0);
            if (done && memory.taken < k) break;
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");
    tcase_set_timeout(tcase, 600);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, every_version_is_as_it_was, 0, movex_test_is_long() ? 100 : 6);
    tcase_add_test(tcase, every_byte_counts);
    tcase_add_test(tcase, a_torn_end_is_said);
    tcase_add_test(tcase, other_rules_are_found);
    tcase_add_test(tcase, wrong_openings);
    tcase_add_test(tcase, sessions_are_listed);
    tcase_add_test(tcase, without_memory_nothing_is_lost);
    return movex_test_main(suite);
}
