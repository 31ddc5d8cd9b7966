/* What a member of Raft holds: beside a snapshot that comes, over a restart, and in a file that says something else than it wrote;
   and what it says to who leaves. */
#include "raft_alone.h"
#include "support.h"

#include "hash.h"
#include "record.h"

#include <string.h>

static raft_alone a;

static void begin(bool with_disk)
{
    memset(&a, 0, sizeof a);
    if (with_disk) a.disk = movex_store_memory_new(&(movex_store_memory_config){.seed = 3});
    must(raft_alone_start(&a, 3));
}

static void end(void)
{
    raft_alone_end(&a);
    movex_store_memory_free(a.disk);
}

/* All that is told until nothing is: how many entries, and the last of them. */
static uint32_t told(uint64_t *last, uint64_t *restored)
{
    movex_raft_event event;
    uint32_t         count = 0;
    *last = *restored = 0;
    while (movex_raft_next(a.raft, &event)) {
        if (event.kind == MOVEX_RAFT_RESTORED) *restored = event.index;
        if (event.kind != MOVEX_RAFT_ENTRY) continue;
        count++;
        *last = event.index;
    }
    return count;
}

static int send_snapshot(uint64_t term, uint64_t index, uint64_t index_term)
{
    movex_raft_message piece = raft_alone_head(MOVEX_RAFT_PIECE, term);
    piece.index = index;
    piece.index_term = index_term;
    piece.total = 4;
    piece.membership = raft_alone_membership(3);
    piece.membership_index = 1;
    piece.bytes = (movex_wire_bytes){"snap", 4};
    return raft_alone_say(&a, 2, piece, 0, 0);
}

/* ---- snapshots that come */

/* What it has said that it holds may be committed by that; a snapshot of before must not take it away (Raft paper, figure 13,
   step 6). */
START_TEST(what_follows_a_snapshot_stays)
{
    uint64_t           last, restored;
    movex_raft_message answer;
    begin(_i);
    raft_alone_follow(&a, 1, 10, 5);
    must_equal(told(&last, &restored), 4);
    raft_alone_poll(&a, 1);
    must_equal(raft_alone_hear(&a, MOVEX_RAFT_APPENDED, &answer), 1);
    must(answer.granted && answer.index == 10);
    must_equal(send_snapshot(1, 8, 1), MOVEX_OK);
    must_equal(movex_raft_last(a.raft), 10);
    must_equal(movex_raft_committed(a.raft), 8);
    must_equal(told(&last, &restored), 0);
    must_equal(restored, 8);
    if (_i) { /* also by its store */
        raft_alone_poll(&a, 1);
        raft_alone_end(&a);
        must(raft_alone_again(&a));
        must_equal(movex_raft_last(a.raft), 10);
        must_equal(told(&last, &restored), 0);
        must_equal(restored, 8);
        raft_alone_poll(&a, 1);
    }
    movex_raft_message append = raft_alone_head(MOVEX_RAFT_APPEND, 1);
    append.index = 10;
    append.index_term = 1;
    append.committed = 10;
    must_equal(movex_raft_meet(a.raft, &(movex_raft_member){.number = 2, .name = "m2"}, RAFT_ALONE_ROOM, 3, NULL),
               MOVEX_OK);
    must_equal(raft_alone_say(&a, 2, append, 0, 0), MOVEX_OK);
    must_equal(told(&last, &restored), 2);
    must_equal(last, 10);
    end();
}
END_TEST

/* What differs from a snapshot goes. */
START_TEST(what_contradicts_a_snapshot_goes)
{
    uint64_t last, restored;
    begin(false);
    raft_alone_follow(&a, 1, 10, 5);
    must_equal(send_snapshot(3, 8, 2), MOVEX_OK);
    must_equal(movex_raft_last(a.raft), 8);
    must_equal(movex_raft_committed(a.raft), 8);
    must_equal(told(&last, &restored), 0);
    must_equal(restored, 8);
    end();
}
END_TEST

/* That it holds a snapshot is a promise as well. */
START_TEST(a_snapshot_is_durable_before_that_is_said)
{
    movex_raft_message answer;
    begin(true);
    raft_alone_follow(&a, 1, 3, 3);
    raft_alone_poll(&a, 1);
    must_equal(raft_alone_hear(&a, MOVEX_RAFT_APPENDED, &answer), 1);
    movex_store_memory_hold(a.disk, true);
    must_equal(send_snapshot(1, 8, 1), MOVEX_OK);
    raft_alone_poll(&a, 1);
    if (raft_alone_hear(&a, MOVEX_RAFT_APPENDED, &answer)) must(answer.index <= 3);
    must_equal(movex_store_memory_release(a.disk), MOVEX_OK);
    raft_alone_poll(&a, 1);
    must_equal(raft_alone_hear(&a, MOVEX_RAFT_APPENDED, &answer), 1);
    must(answer.granted && answer.index == 8);
    end();
}
END_TEST

/* ---- crashes */

/* Of two who have both gone on, the one that yields may lose its power at any moment of that: what its store has is sound, and it
   comes back with what both have held, or as it was before. */
START_TEST(who_yields_may_crash)
{
    memset(&a, 0, sizeof a);
    a.disk = movex_store_memory_new(&(movex_store_memory_config){.seed = (uint64_t)_i});
    a.config.survivor_goes_on = true;
    must(raft_alone_start(&a, 2));
    raft_alone_follow(&a, 1, 5, 5);
    raft_alone_poll(&a, 1);
    movex_raft_part(a.raft, 2);
    for (int i = 0; i < 20; i++) raft_alone_poll(&a, 100);
    must(movex_raft_is_alone(a.raft) && movex_raft_propose(a.raft, "alone", 5));
    raft_alone_poll(&a, 1);
    must_equal(movex_raft_committed(a.raft), 7);
    movex_raft_member other = raft_alone_member(2);
    must_equal(movex_raft_meet(a.raft, &other, RAFT_ALONE_ROOM, 2, NULL), MOVEX_OK);
    /* Its store knows of what was committed alone, with the term that it hears of. */
    must_equal(raft_alone_say(&a, 2, raft_alone_head(MOVEX_RAFT_APPENDED, movex_raft_term(a.raft) + 5), 0, 0),
               MOVEX_OK);
    raft_alone_poll(&a, 1);
    movex_store_memory_hold(a.disk, true);
    movex_raft_message append = raft_alone_head(MOVEX_RAFT_APPEND, movex_raft_term(a.raft));
    append.index = 5;
    append.index_term = 1;
    append.committed = 5;
    append.alone = true;
    must_equal(raft_alone_say(&a, 2, append, 3, movex_raft_term(a.raft)), MOVEX_OK);
    movex_store_memory_crash(a.disk);
    raft_alone_end(&a);
    movex_store_memory_hold(a.disk, false);
    movex_error error = {.text = ""};
    a.config.error = &error;
    must_msg(raft_alone_again(&a), "%s", error.text);
    movex_raft_check(a.raft);
    must(movex_raft_last(a.raft) >= 5 && movex_raft_term_at(a.raft, 5) == 1);
    end();
}
END_TEST

/* ---- who leaves */

/* How many times 4 is told that it is no member, if it wants to be let go. */
static uint32_t refuse_leaver(bool was_member)
{
    movex_raft_member  four = raft_alone_member(4);
    movex_raft_message let_go = raft_alone_head(MOVEX_RAFT_LET_GO, movex_raft_term(a.raft));
    let_go.was_member = was_member;
    raft_alone_hear(&a, MOVEX_RAFT_REMOVED, NULL);
    must_equal(movex_raft_meet(a.raft, &four, RAFT_ALONE_ROOM, 3, NULL), MOVEX_OK);
    must_equal(raft_alone_say(&a, 4, let_go, 0, 0), MOVEX_OK);
    raft_alone_poll(&a, 1);
    return raft_alone_hear(&a, MOVEX_RAFT_REMOVED, NULL);
}

/* One that comes may be a member by an entry that neither it nor a follower has: if it went then, nobody could count on it, and
   nobody would have let it go. One that was a member knows itself whether that is over. */
START_TEST(a_comer_that_leaves_is_let_go_by_a_master)
{
    begin(false);
    raft_alone_follow(&a, 1, 3, 3);
    must_equal(refuse_leaver(false), 0);
    must_equal(refuse_leaver(true), 1);
    raft_alone_lead(&a);
    must_equal(refuse_leaver(false), 1);
    end();
}
END_TEST

static void say_appended(uint64_t from)
{
    movex_raft_message appended = raft_alone_head(MOVEX_RAFT_APPENDED, movex_raft_term(a.raft));
    appended.granted = true;
    appended.was_member = from != 4;
    appended.index = movex_raft_last(a.raft);
    must_equal(raft_alone_say(&a, from, appended, 0, 0), MOVEX_OK);
}

/* A wish that came late, from a life that is over: whoever has it says so again and again. */
START_TEST(who_does_not_repeat_that_it_leaves_is_taken_in)
{
    begin(false);
    raft_alone_follow(&a, 1, 3, 3);
    raft_alone_lead(&a);
    must_equal(refuse_leaver(false), 1);
    for (int tenths = 1; tenths <= 11; tenths++) {
        say_appended(2);
        say_appended(4);
        raft_alone_poll(&a, 100);
        must(movex_raft_is_member(&a.raft->membership, 4) == (tenths >= 10));
    }
    end();
}
END_TEST

/* ---- files that say something else than was written */

/* Records with right checksums: what they say is what is tried. */
typedef struct kept_record {
    enum { HEAD = 1, STATE, ENTRY, CUT } kind;
    /* HEAD: index and term of a snapshot; STATE: term, branch, committed, and up to where by both; ENTRY: term; CUT: last */
    uint64_t a, b, c, d;
} kept_record;

static size_t write_record(unsigned char *at, uint64_t offset, const kept_record *record)
{
    unsigned char        *payload = at + MOVEX_RECORD_HEADER;
    movex_writer          writer = movex_writer_over(payload, 4096);
    movex_raft_membership membership = raft_alone_membership(3);
    movex_write_u8(&writer, (uint8_t)record->kind);
    switch (record->kind) {
    case HEAD:
        movex_write_u8(&writer, 1);
        movex_write_u64(&writer, 1);
        movex_write_number(&writer, 2);
        movex_write_bytes(&writer, "m1", 2);
        movex_write_u8(&writer, 0);
        movex_write_number(&writer, record->a);
        if (!record->a) break;
        movex_write_number(&writer, record->b);
        movex_write_number(&writer, 1);
        movex_write_raft_membership(&writer, &membership);
        movex_write_bytes(&writer, "snap", 4);
        break;
    case STATE:
        movex_write_number(&writer, record->a);
        movex_write_u64(&writer, 2);
        movex_write_number(&writer, record->b);
        movex_write_number(&writer, record->d);
        movex_write_number(&writer, record->c);
        break;
    case ENTRY:
        movex_write_raft_entry(&writer, &(movex_raft_wire_entry){record->a, MOVEX_RAFT_CONTENT, {"entry", 5}});
        break;
    case CUT: movex_write_number(&writer, record->a); break;
    }
    size_t length = (size_t)(writer.at - payload);
    movex_record_seal(at, (uint32_t)length, offset, movex_xxh64("raft", 4, 1));
    return length + MOVEX_RECORD_FRAME;
}

static void write_file(const kept_record *records, uint32_t count)
{
    unsigned char    bytes[16384];
    size_t           length = 0;
    movex_store_file file;
    uint64_t         number;
    for (uint32_t i = 0; i < count; i++) length += write_record(bytes + length, length, &records[i]);
    movex_store store = movex_store_memory_open(a.disk);
    must_equal(store.ops->open(store.self, "raft", 4, &file), MOVEX_OK);
    must_equal(store.ops->replace(store.self, file, bytes, length, &number), MOVEX_OK);
    must_equal(store.ops->flush(store.self), MOVEX_OK);
    store.ops->destroy(store.self);
}

/* Whether a member can be made of that file: if not, it says why, and the same again; if so, it is sound, and the same again. */
static bool is_taken(const kept_record *records, uint32_t count)
{
    movex_error error = {.text = ""};
    bool        taken = false;
    for (int again = 0; again < 2; again++) {
        memset(&a, 0, sizeof a);
        a.disk = movex_store_memory_new(NULL);
        a.config.error = &error;
        write_file(records, count);
        taken = raft_alone_start(&a, 3);
        if (taken) {
            uint64_t last = movex_raft_last(a.raft), committed = movex_raft_committed(a.raft),
                     term = movex_raft_term(a.raft);
            movex_raft_check(a.raft);
            raft_alone_end(&a);
            must(raft_alone_again(&a));
            must(movex_raft_last(a.raft) == last && movex_raft_committed(a.raft) == committed &&
                 movex_raft_term(a.raft) == term);
        } else {
            must_equal(error.status, MOVEX_ERR_DAMAGED);
            must_msg(strcmp(error.text, "store: raft: it is damaged") == 0, "%s", error.text);
        }
        end();
    }
    return taken;
}

#define file_of(...)                                                                                                   \
    (const kept_record[]){__VA_ARGS__}, sizeof((const kept_record[]){__VA_ARGS__}) / sizeof(kept_record)

START_TEST(a_file_makes_sense)
{
    must(is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {ENTRY, 1, 0, 0}, {ENTRY, 3, 0, 0}, {STATE, 3, 1, 2, 1})));
    must(is_taken(file_of({HEAD, 8, 2, 0}, {STATE, 3, 0, 8}, {ENTRY, 2, 0, 0}, {CUT, 8, 0, 0}, {ENTRY, 3, 0, 0})));
    must(is_taken(file_of({HEAD, 0, 0, 0})));
    /* without a beginning, and with two */
    must(!is_taken(file_of({STATE, 3, 0, 0}, {ENTRY, 1, 0, 0})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {HEAD, 0, 0, 0})));
    /* a term that nobody knows of, and that runs backwards */
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {ENTRY, 1, 0, 0})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {ENTRY, 0, 0, 0})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {ENTRY, 4, 0, 0})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {ENTRY, 2, 0, 0}, {ENTRY, 1, 0, 0})));
    must(!is_taken(file_of({HEAD, 8, 2, 0}, {STATE, 3, 0, 8}, {ENTRY, 1, 0, 0})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {STATE, 2, 0, 0})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, UINT64_MAX, 0, 0})));
    must(!is_taken(file_of({HEAD, 8, 4, 0}, {STATE, 3, 0, 8})));
    must(!is_taken(file_of({HEAD, 8, 0, 0}, {STATE, 3, 0, 8})));
    must(!is_taken(file_of({HEAD, UINT64_MAX, 1, 0}, {STATE, 3, 0, UINT64_MAX})));
    /* committed, and gone; or not there; or less than what the snapshot stands for; or of a branch */
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {ENTRY, 1, 0, 0}, {STATE, 3, 0, 1}, {CUT, 0, 0, 0})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 1})));
    must(!is_taken(file_of({HEAD, 8, 2, 0}, {STATE, 3, 0, 7})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {ENTRY, 1, 0, 0}, {STATE, 3, 2, 1, 0})));
    must(!is_taken(file_of({HEAD, 0, 0, 0}, {STATE, 3, 0, 0}, {ENTRY, 1, 0, 0}, {STATE, 3, 1, 0, 1})));
    /* cut where nothing is */
    must(!is_taken(file_of({HEAD, 8, 2, 0}, {STATE, 3, 0, 8}, {CUT, 7, 0, 0})));
    must(!is_taken(file_of({HEAD, 8, 2, 0}, {STATE, 3, 0, 3}, {CUT, 5, 0, 0})));
    must(!is_taken(file_of({HEAD, 8, 2, 0}, {STATE, 3, 0, 8}, {CUT, 9, 0, 0})));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft kept");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, what_follows_a_snapshot_stays, 0, 2);
    tcase_add_test(all, what_contradicts_a_snapshot_goes);
    tcase_add_test(all, a_snapshot_is_durable_before_that_is_said);
    tcase_add_loop_test(all, who_yields_may_crash, 0, 40);
    tcase_add_test(all, a_comer_that_leaves_is_let_go_by_a_master);
    tcase_add_test(all, who_does_not_repeat_that_it_leaves_is_taken_in);
    tcase_add_test(all, a_file_makes_sense);
    return movex_test_main(suite);
}
