/* As test_memory.c, with what happens seldom: in turn, each allocation fails in a match with a wake, people who come and go,
   a state that is corrupted and healed, one that is put in another's place, a kick, an action of the master's own, a removal,
   and a state that is saved and loaded. */
#include "clock_game.h"
#include "meter.h"
#include "support.h"

#include <movex/local.h>

#include <string.h>

/* The program under test: it tries again what failed for want of memory. */
static struct {
    meter           meter;
    movex_allocator allocator;
    movex_master   *master;
    movex_client   *clients[2];
    movex_resource *resources[2];
    uint64_t        now_ms;
    uint32_t        dispatched[2], outcomes[2], mismatches, removed;
    uint32_t        told;     /* failures that were said */
    bool            removing; /* REMOVED is expected */
} p;

/* What may fail for want of memory, once, is tried once more. */
#define twice(status)                                                                                                  \
    do {                                                                                                               \
        int status_ = (status);                                                                                        \
        if (status_ == MOVEX_ERR_MEMORY) {                                                                             \
            p.told++;                                                                                                  \
            status_ = (status);                                                                                        \
        }                                                                                                              \
        must_equal(status_, MOVEX_OK);                                                                                 \
    } while (0)

static void must_be_memory(const movex_error *error)
{
    must_msg(error->status == MOVEX_ERR_MEMORY && error->text[0], "%d: %s", (int)error->status, error->text);
    p.told++;
}

static void make_master(void)
{
    movex_error         error = {.status = MOVEX_OK};
    movex_master_config config = {
        .types = MOVEX_TYPES(&clock_type), .allocator = p.allocator, .grace_ms = 600000, .error = &error};
    p.master = movex_master_new(&config);
    if (p.master) return;
    must_be_memory(&error);
    must_equal(p.meter.blocks, 0);
    p.master = movex_master_new(&config);
    must(p.master);
}

static void make_client(int i)
{
    for (int k = 0; k < 2 && !p.clients[i]; k++) {
        movex_error         error = {.status = MOVEX_OK};
        movex_client_config config = {
            .id = i ? "bob" : "ann", .io = movex_local_connect(p.master), .allocator = p.allocator, .error = &error};
        p.clients[i] = movex_client_new(&config);
        if (!p.clients[i]) must_be_memory(&error);
    }
    must(p.clients[i]);
}

static void bind_clock(int i)
{
    p.resources[i] = movex_bind(p.clients[i], &clock_type, "one");
    if (p.resources[i]) return;
    must_be_memory(movex_client_error(p.clients[i]));
    p.resources[i] = movex_bind(p.clients[i], &clock_type, "one");
    must(p.resources[i]);
}

static void rebind(int i)
{
    movex_unbind(p.resources[i]);
    bind_clock(i);
}

static void drain(int i)
{
    movex_event event;
    while (movex_client_next(p.clients[i], &event)) {
        must(event.kind != MOVEX_EVENT_CLOSED && event.kind != MOVEX_EVENT_REFUSED &&
             event.kind != MOVEX_EVENT_EXPIRED);
        p.outcomes[i] += event.kind == MOVEX_EVENT_ACCEPTED;
        p.mismatches += event.kind == MOVEX_EVENT_MISMATCH;
        if (event.kind == MOVEX_EVENT_DISCONNECTED) {
            must(event.text[0]);
            p.told++;
        }
        if (event.kind == MOVEX_EVENT_BIND_REFUSED) { /* the program's to try again */
            must_msg(event.status == MOVEX_ERR_MEMORY, "%s", event.text);
            p.told++;
            rebind(i);
        }
        if (event.kind == MOVEX_EVENT_REMOVED) {
            must(p.removing);
            p.removed++;
            rebind(i);
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

static movex_hosted truth(void)
{
    movex_hosted hosted;
    must(movex_master_find(p.master, &clock_type, "one", &hosted));
    return hosted;
}

static bool is_settled(int i)
{
    movex_hosted hosted;
    return movex_in_sync(p.resources[i]) && movex_pending(p.resources[i]) == 0 &&
           movex_master_find(p.master, &clock_type, "one", &hosted) &&
           movex_version(p.resources[i]) == hosted.version && p.outcomes[i] == p.dispatched[i];
}

/* Until both hold the master's state, and see both. */
static void settle(void)
{
    for (int i = 0; i < 400 && !(is_settled(0) && is_settled(1)); i++) run(100);
    run(1);
    run(1);
    movex_hosted hosted = truth();
    for (int i = 0; i < 2; i++) {
        must_msg(is_settled(i), "after a failure the match does not go on: client %d, connection %d, pending %u", i,
                 (int)movex_client_connection(p.clients[i]), movex_pending(p.resources[i]));
        must_equal(movex_checksum(p.resources[i]), hosted.checksum);
        must(movex_codec_equal(movex_rules_state(hosted.rules), movex_confirmed_state(p.resources[i]), hosted.state));
        must_equal(movex_subscriber_count(p.resources[i]), 2);
        const clock_state *shown = movex_state(p.resources[i]), *held = hosted.state;
        must_equal(shown->rings, held->rings + 1000); /* transformed once, whatever could not be allocated */
    }
    const clock_state *state = hosted.state;
    must_equal(state->came - state->went, state->present);
    must_equal(hosted.subscribers, 2);
}

static void dispatch(int i, uint32_t action, const clock_start *start)
{
    movex_ticket ticket = movex_dispatch(p.resources[i], action, start);
    if (!ticket) {
        must_be_memory(movex_client_error(p.clients[i]));
        ticket = movex_dispatch(p.resources[i], action, start);
    }
    must(ticket);
    p.dispatched[i]++;
}

/* ---- what happens */

static const clock_state *state_now(void)
{
    settle();
    return truth().state;
}

static void it_rings(void)
{
    dispatch(0, CLOCK_START, &(clock_start){.in_ms = 1000});
    for (int i = 0; i < 100 && ((const clock_state *)truth().state)->rings == 0; i++) run(100);
    must_equal(state_now()->rings, 1);
}

/* A stray pointer: what a client believes confirmed is another state. */
static void one_is_corrupted_and_healed(void)
{
    union {
        const void  *read_only;
        clock_state *state;
    } confirmed = {.read_only = movex_confirmed_state(p.resources[1])};
    confirmed.state->came ^= 0x40;
    dispatch(1, CLOCK_SET, &(clock_start){.deaf = 0});
    dispatch(0, CLOCK_SET, &(clock_start){.deaf = 0});
    settle();
    must(p.mismatches <= 1); /* none, if a failure has brought a snapshot before it was found */
}

static void another_state_is_put(const clock_state *state)
{
    uint64_t before = truth().version;
    int      status = movex_master_put(p.master, &clock_type, "one", state);
    if (status == MOVEX_ERR_MEMORY) {
        p.told++;
        must_equal(truth().version, before); /* nothing has happened */
        status = movex_master_put(p.master, &clock_type, "one", state);
    }
    must_equal(status, MOVEX_OK);
    must_equal(truth().version, before + 1);
    must_equal(state_now()->rings, state->rings);
}

/* One is kicked and comes again. */
static void one_is_kicked(void)
{
    uint32_t went = state_now()->went, came = state_now()->came;
    p.removing = true;
    p.removed = 0;
    twice(movex_master_kick(p.master, &clock_type, "one", "bob", "out"));
    for (int i = 0; i < 400 && p.removed == 0; i++) run(100);
    settle();
    p.removing = false;
    must_equal(p.removed, 1);
    must_equal(state_now()->went, went + 1);
    must_equal(state_now()->came, came + 1);
}

static void the_master_acts(void)
{
    uint64_t before = truth().version;
    int      reason = -1;
    twice(movex_master_dispatch(p.master, &clock_type, "one", CLOCK_SET, &(clock_start){.deaf = -3}, &reason));
    must_equal(reason, MOVEX_ACCEPT);
    must_equal(truth().version, before + 1);
    must_equal(state_now()->deaf, -3);
}

static void it_is_removed_and_made_anew(void)
{
    p.removing = true;
    p.removed = 0;
    twice(movex_master_remove(p.master, &clock_type, "one", "over"));
    for (int i = 0; i < 400 && p.removed < 2; i++) run(100);
    settle();
    p.removing = false;
    must_equal(p.removed, 2);
    must_equal(state_now()->deaf, 0);
    must_equal(state_now()->present, 2);
}

/* Into a file and out of it, by rules of its own. */
static void it_is_saved_and_loaded(void)
{
    unsigned char bytes[512];
    size_t        length = 0;
    clock_state   loaded;
    movex_error   error = {.status = MOVEX_OK};
    movex_rules  *rules = movex_rules_new(&clock_type, &p.allocator, &error);
    if (!rules) {
        must_be_memory(&error);
        rules = movex_rules_new(&clock_type, &p.allocator, &error);
    }
    must(rules && movex_rules_max_saved(rules) <= sizeof bytes);
    must_equal(movex_rules_save(rules, truth().state, bytes, sizeof bytes, &length), MOVEX_OK);
    twice(movex_rules_load(rules, &loaded, bytes, length, &error));
    must(movex_codec_equal(movex_rules_state(rules), &loaded, truth().state));
    movex_rules_free(rules);
    loaded.rings = 77;
    another_state_is_put(&loaded);
}

/* Putting a state where there is no resource makes one. */
static void another_is_made_by_a_put(void)
{
    clock_state  state = {.rings = 5};
    movex_hosted hosted;
    int          status = movex_master_put(p.master, &clock_type, "two", &state);
    if (status == MOVEX_ERR_MEMORY) {
        p.told++;
        must(!movex_master_find(p.master, &clock_type, "two", &hosted));
        status = movex_master_put(p.master, &clock_type, "two", &state);
    }
    must_equal(status, MOVEX_OK);
    must(movex_master_find(p.master, &clock_type, "two", &hosted));
    must_equal(((const clock_state *)hosted.state)->rings, 5);
    must_equal(hosted.subscribers, 0);
}

static void play(uint64_t fail_at)
{
    memset(&p, 0, sizeof p);
    p.meter.fail_at = fail_at;
    p.allocator = meter_allocator(&p.meter);
    p.now_ms = 1;
    make_master();
    for (int i = 0; i < 2; i++) make_client(i);
    for (int i = 0; i < 2; i++) bind_clock(i);
    must_equal(state_now()->present, 2);
    it_rings();
    one_is_corrupted_and_healed();
    clock_state another = *state_now();
    another.rings = 40;
    another_state_is_put(&another);
    one_is_kicked();
    the_master_acts();
    it_is_removed_and_made_anew();
    it_is_saved_and_loaded();
    another_is_made_by_a_put();
    for (int i = 0; i < 2; i++) dispatch(i, CLOCK_SET, &(clock_start){.deaf = i});
    settle();
    must_equal(p.outcomes[0] + p.outcomes[1], 5);
    movex_client_free(p.clients[0]);
    movex_master_free(p.master);
    movex_client_free(p.clients[1]);
    must_msg(p.meter.blocks == 0 && p.meter.bytes == 0, "%llu blocks leak", (unsigned long long)p.meter.blocks);
    must_equal(p.meter.wrong, 0);
}

START_TEST(every_allocation_fails_once)
{
    uint64_t count, told = 0, found = 0;
    play(0);
    count = p.meter.taken;
    must_msg(count > 60, "%llu allocations", (unsigned long long)count);
    must_equal(p.told, 0);
    must_equal(p.mismatches, 1);
    for (uint64_t i = 1; i <= count; i++) {
        play(i);
        must_equal(p.meter.failed, 1);
        told += p.told > 0;
        found += p.mismatches;
    }
    must(told > count / 2);  /* most were said; some are made up for in silence */
    must(found > count / 2); /* most did not keep the mismatch from being found */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory of what is seldom");
    TCase *cases = tcase_create("memory");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, every_allocation_fails_once);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
