/* A whole match in which, in turn, each allocation fails: nothing crashes, nothing leaks, the failure is said, and the match
   comes to the same end. */
#include "client_internal.h"
#include "raw_link.h"
#include "support.h"

#include <string.h>

enum { MOVES = 12 };

/* The program under test: it tries again what failed for want of memory. */
static struct {
    meter           meter;
    movex_allocator allocator;
    movex_master   *master;
    movex_client   *clients[2];
    movex_resource *resources[2];
    uint64_t        now_ms;
    uint32_t        dispatched[2], accepted[2], told; /* told: failures that were said */
} p;

static void make_master(void)
{
    for (int i = 0; i < 2 && !p.master; i++) {
        movex_error         error = {.status = MOVEX_OK};
        movex_master_config config = {
            .types = MOVEX_TYPES(&duel_type), .allocator = p.allocator, .grace_ms = 600000, .error = &error};
        config.limits.history = 4;
        p.master = movex_master_new(&config);
        if (p.master) break;
        must_msg(error.status == MOVEX_ERR_MEMORY && error.text[0], "%d: %s", (int)error.status, error.text);
        must_equal(p.meter.blocks, 0);
        p.told++;
    }
    must(p.master);
}

static void make_client(int i)
{
    for (int k = 0; k < 2 && !p.clients[i]; k++) {
        movex_error         error = {.status = MOVEX_OK};
        movex_client_config config = {
            .id = i ? "bob" : "ann", .io = movex_local_connect(p.master), .allocator = p.allocator, .error = &error};
        p.clients[i] = movex_client_new(&config);
        if (p.clients[i]) break;
        must_msg(error.status == MOVEX_ERR_MEMORY && error.text[0], "%d: %s", (int)error.status, error.text);
        p.told++;
    }
    must(p.clients[i]);
    for (int k = 0; k < 2 && !p.resources[i]; k++) {
        p.resources[i] = movex_bind(p.clients[i], &duel_type, "one");
        if (p.resources[i]) break;
        must_equal(movex_client_error(p.clients[i])->status, MOVEX_ERR_MEMORY);
        p.told++;
    }
    must(p.resources[i]);
}

static void drain(int i)
{
    movex_event event;
    while (movex_client_next(p.clients[i], &event)) {
        must(event.kind != MOVEX_EVENT_CLOSED && event.kind != MOVEX_EVENT_MISMATCH);
        must(event.kind != MOVEX_EVENT_REFUSED && event.kind != MOVEX_EVENT_EXPIRED);
        p.accepted[i] += event.kind == MOVEX_EVENT_ACCEPTED;
        if (event.kind == MOVEX_EVENT_DISCONNECTED) {
            must(event.text[0]);
            p.told++;
        }
        if (event.kind == MOVEX_EVENT_BIND_REFUSED) { /* the program's to try again */
            must_msg(event.status == MOVEX_ERR_MEMORY, "%s", event.text);
            p.told++;
            movex_unbind(p.resources[i]);
            p.resources[i] = NULL;
            make_client(i);
        }
    }
}

static void run(uint32_t add_ms)
{
    movex_master_event event;
    p.now_ms += add_ms;
    movex_master_poll(p.master, p.now_ms);
    while (movex_master_next(p.master, &event)) must(event.text);
    for (int i = 0; i < 2; i++) {
        must_equal(movex_client_poll(p.clients[i], p.now_ms), MOVEX_OK);
        drain(i);
    }
}

static bool is_settled(void)
{
    bool settled = true;
    for (int i = 0; i < 2; i++)
        settled = settled && movex_in_sync(p.resources[i]) && movex_pending(p.resources[i]) == 0;
    return settled;
}

static void settle(void)
{
    for (int i = 0; i < 400 && !is_settled(); i++) run(100);
    for (int i = 0; i < 2; i++)
        must_msg(movex_in_sync(p.resources[i]) && movex_pending(p.resources[i]) == 0,
                 "after a failure the match does not go on: client %d, connection %d, pending %u, %s", i,
                 (int)movex_client_connection(p.clients[i]), movex_pending(p.resources[i]), p.clients[i]->text);
    run(1);
    run(1);
}

static void move(int i)
{
    duel_move    made = {.amount = (int32_t)p.dispatched[i] + 1, .count = 4, .marks = {1, 2, 3, 4}, .text = "1234567"};
    movex_ticket ticket = movex_dispatch(p.resources[i], DUEL_MOVE, &made);
    if (!ticket) {
        must_equal(movex_client_error(p.clients[i])->status, MOVEX_ERR_MEMORY);
        p.told++;
        ticket = movex_dispatch(p.resources[i], DUEL_MOVE, &made);
    }
    must(ticket);
    p.dispatched[i]++;
}

/* Cuts the link under the client, which finds out when it sends. */
static void cut(int i)
{
    movex_client *client = p.clients[i];
    client->io.ops->close(client->io.self, client->channel.link);
}

static void check_end(void)
{
    movex_hosted hosted;
    must(movex_master_find(p.master, &duel_type, "one", &hosted));
    const duel *truth = hosted.state;
    must_equal(hosted.version, 2 * MOVES);
    must_equal(truth->moves, 2 * MOVES);
    for (int i = 0; i < 2; i++) {
        must_equal(p.accepted[i], MOVES);
        must_equal(movex_version(p.resources[i]), hosted.version);
        must_equal(movex_checksum(p.resources[i]), hosted.checksum);
        must(duel_equals(movex_state(p.resources[i]), truth));
        must_equal(movex_client_stats(p.clients[i]).mismatches, 0);
        must_equal(movex_subscriber_count(p.resources[i]), 2);
    }
}

static void play(uint64_t fail_at)
{
    memset(&p, 0, sizeof p);
    p.meter.fail_at = fail_at;
    p.allocator = meter_allocator(&p.meter);
    p.now_ms = 1;
    make_master();
    for (int i = 0; i < 2; i++) make_client(i);
    settle();
    for (int round = 0; round < MOVES; round++) {
        for (int i = 0; i < 2; i++) move(i);
        if (round == 3 || round == 8) {
            cut(round == 8);
            run(1);
            continue; /* the next moves are made without a connection; after the second cut more than the log keeps */
        }
        if (round % 2) run(10);
    }
    settle();
    check_end();
    uint64_t failed = p.meter.failed;
    must_msg(failed == 0 || fail_at, "nothing was to fail");
    movex_client_free(p.clients[0]);
    movex_master_free(p.master);
    movex_client_free(p.clients[1]);
    must_msg(p.meter.blocks == 0 && p.meter.bytes == 0, "%llu blocks leak", (unsigned long long)p.meter.blocks);
    must_equal(p.meter.wrong, 0);
}

START_TEST(every_allocation_fails_once)
{
    play(0);
    uint64_t count = p.meter.taken, told = 0;
    must_msg(count > 60, "%llu allocations", (unsigned long long)count);
    for (uint64_t i = 1; i <= count; i++) {
        play(i);
        must_equal(p.meter.failed, 1);
        told += p.told > 2; /* the two cuts are told in any case */
    }
    must(told > count / 3);
}
END_TEST

/* Many at once, at random, until the memory is there again. */
START_TEST(allocations_fail_at_random)
{
    memset(&p, 0, sizeof p);
    p.allocator = meter_allocator(&p.meter);
    p.meter.random = (uint64_t)_i;
    make_master();
    for (int i = 0; i < 2; i++) make_client(i);
    settle();
    p.meter.fail_one_in = 2 + (uint32_t)_i % 7;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 2; i++) {
            duel_move made = {.amount = 1};
            if (p.dispatched[i] < MOVES - 1 && movex_dispatch(p.resources[i], DUEL_MOVE, &made)) p.dispatched[i]++;
        }
        if (round % 10 == 0 && movex_in_sync(p.resources[round % 20 == 0])) cut(round % 20 == 0);
        run(30);
    }
    p.meter.fail_one_in = 0;
    for (int i = 0; i < 2; i++) /* at least one each: so that both notice what has been cut */
        while (p.dispatched[i] < MOVES) move(i);
    run(1);
    settle();
    check_end();
    movex_master_free(p.master);
    for (int i = 0; i < 2; i++) movex_client_free(p.clients[i]);
    must(p.meter.blocks == 0 && p.meter.bytes == 0 && p.meter.wrong == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *cases = tcase_create("memory");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, every_allocation_fails_once);
    tcase_add_loop_test(cases, allocations_fail_at_random, 0, 30);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
