/* What a member of Raft holds: beside a snapshot that comes, over a restart, and in a file that says something else than it wrote. */
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
    must_equal(movex_raft_meet(a.raft, &(movex_raft_member){.number = 2, .name = "m2"}, RAFT_ALONE_ROOM, 3, NULL), MOVEX_OK);
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

int main(void)
{
    Suite *suite = suite_create("raft kept");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, what_follows_a_snapshot_stays, 0, 2);
    tcase_add_test(all, what_contradicts_a_snapshot_goes);
    tcase_add_test(all, a_snapshot_is_durable_before_that_is_said);
    return movex_test_main(suite);
}
