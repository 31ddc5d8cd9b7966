/* What a proposal costs three members once they are warm: no allocation, and one message to and from each of the others. */
#include "raft_internal.h"

#include "meter.h"
#include "support.h"

#include <movex/store_memory.h>

enum { MEMBERS = 3, WARM = 400, PROPOSALS = 300, CONTENT = 200 };

static struct {
    meter               meters[MEMBERS];
    movex_raft         *members[MEMBERS];
    movex_store_memory *disks[MEMBERS];
    movex_store         stores[MEMBERS];
    uint64_t            now_ms, told[MEMBERS], messages, bytes;
} w;

static movex_raft_member member_of(uint32_t at)
{
    movex_raft_member member = {.number = at + 1, .name = "m?"};
    member.name[1] = (char)('a' + at);
    return member;
}

static void start(bool with_disks)
{
    memset(&w, 0, sizeof w);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        if (with_disks) w.disks[i] = movex_store_memory_new(NULL);
        if (with_disks) w.stores[i] = movex_store_memory_open(w.disks[i]);
        w.members[i] = movex_raft_new(&(movex_raft_config){.self = member_of(i),
                                                           .founders = MEMBERS,
                                                           .seed = i,
                                                           .store = w.stores[i],
                                                           .allocator = meter_allocator(&w.meters[i])});
        must(w.members[i]);
    }
    for (uint32_t i = 0; i < MEMBERS; i++)
        for (uint32_t j = 0; j < MEMBERS; j++) {
            movex_raft_member other = member_of(j);
            if (i != j) must_equal(movex_raft_meet(w.members[i], &other, 0, MEMBERS, NULL), MOVEX_OK);
        }
}

static void end(void)
{
    for (uint32_t i = 0; i < MEMBERS; i++) {
        movex_raft_check(w.members[i]);
        movex_raft_free(w.members[i]);
        must(w.meters[i].blocks == 0 && w.meters[i].wrong == 0);
        if (w.stores[i].ops) w.stores[i].ops->destroy(w.stores[i].self);
        movex_store_memory_free(w.disks[i]);
    }
}

/* All messages go to where they should, until there are none. */
static void pass(void)
{
    for (bool some = true; some;) {
        some = false;
        for (uint32_t i = 0; i < MEMBERS; i++) {
            const void *message;
            size_t      length;
            uint64_t    to;
            while (movex_raft_send(w.members[i], &to, &message, &length)) {
                some = true;
                w.messages++;
                w.bytes += length;
                must_equal(movex_raft_receive(w.members[to - 1], i + 1, message, length), MOVEX_OK);
            }
            movex_raft_event event;
            while (movex_raft_next(w.members[i], &event))
                if (event.kind == MOVEX_RAFT_ENTRY) w.told[i] = event.index;
        }
        if (!w.stores[0].ops) continue;
        for (uint32_t i = 0; i < MEMBERS; i++) movex_raft_poll(w.members[i], w.now_ms); /* flushes */
    }
}

static void live(uint32_t ms)
{
    for (uint32_t i = 0; i < MEMBERS; i++) movex_raft_poll(w.members[i], w.now_ms);
    pass();
    w.now_ms += ms;
}

static movex_raft *await_master(void)
{
    for (int round = 0; round < 1000; round++) {
        live(10);
        for (uint32_t i = 0; i < MEMBERS; i++)
            if (movex_raft_master(w.members[i]) == i + 1) return w.members[i];
    }
    must(false);
    return NULL;
}

static void propose(movex_raft *master, int times)
{
    unsigned char content[CONTENT] = {0};
    for (int i = 0; i < times; i++) {
        uint64_t index = movex_raft_propose(master, content, sizeof content);
        must(index > 0);
        pass();
        must(movex_raft_committed(master) >= index && w.told[movex_raft_number(master) - 1] >= index);
    }
}

static uint64_t allocations(void)
{
    uint64_t taken = 0;
    for (uint32_t i = 0; i < MEMBERS; i++) taken += w.meters[i].taken;
    return taken;
}

START_TEST(a_proposal_allocates_nothing)
{
    start(_i);
    movex_raft *master = await_master();
    propose(master, WARM);
    live(100);
    live(100);
    for (uint32_t i = 0; i < MEMBERS; i++)
        must_equal(movex_raft_compact(w.members[i], w.told[i], "snapshot", 8), MOVEX_OK);
    live(100);
    live(0); /* so that no sign of life is due meanwhile */
    uint64_t before = allocations(), messages = w.messages, bytes = w.bytes;
    propose(master, PROPOSALS);
    must_equal(allocations(), before);
    must_equal(w.messages - messages, PROPOSALS * 4);                  /* one to each other, and one from each */
    must(w.bytes - bytes <= (uint64_t)PROPOSALS * 2 * (CONTENT + 80)); /* the content once to each */
    end();
}
END_TEST

/* Many at once go in few messages. */
START_TEST(proposals_that_come_together_go_together)
{
    start(false);
    movex_raft *master = await_master();
    propose(master, 10);
    uint64_t messages = w.messages, index = 0;
    for (int i = 0; i < 100; i++) index = movex_raft_propose(master, "some content", 12);
    pass();
    must_equal(movex_raft_committed(master), index);
    must_equal(w.messages - messages, 4);
    end();
}
END_TEST

/* A member is small, whatever it may have to say to whom. */
START_TEST(a_member_is_small)
{
    start(false);
    must(w.meters[0].bytes < 64 << 10);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft cost");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, a_proposal_allocates_nothing, 0, 2);
    tcase_add_test(all, proposals_that_come_together_go_together);
    tcase_add_test(all, a_member_is_small);
    return movex_test_main(suite);
}
