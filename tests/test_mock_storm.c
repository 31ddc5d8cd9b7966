/* The mock emitter under everything at once, with memory that may run out: thousands of random calls, of which the
   contract must hold, and which a seed must repeat. */
#include "meter.h"
#include "support.h"

#include <movex/mock.h>

#include <string.h>

enum { STORM_EMITTERS = 5, STORM_LINKS = 256 };

/* What one emitter knows of one link. */
typedef struct storm_link {
    bool     dialled, open;
    bool     heard;          /* of the peer's first frame, whose `from` is known then */
    uint32_t from;           /* the peer's name for its end */
    uint32_t own;            /* this end's name */
    uint32_t sent, received; /* frames */
} storm_link;

typedef struct storm {
    movex_mock *net;
    movex_io    ios[STORM_EMITTERS];
    storm_link  links[STORM_EMITTERS][STORM_LINKS];
    uint64_t    random;
    uint32_t    ends; /* named so far */
    uint64_t    received;
    uint64_t    trace;                 /* a hash of everything that was sent and received */
    uint64_t    highest;               /* number that the tap has seen */
    bool        apart[STORM_EMITTERS]; /* that name may be partitioned */
    bool        held;
} storm;

static void hash(storm *s, uint64_t value)
{
    s->trace = (s->trace ^ value) * 0x100000001b3u; /* FNV-1a by words */
}

static void storm_tap(void *user, const movex_mock_frame *frame)
{
    storm *s = user;
    must_equal(frame->number, s->highest + 1);
    s->highest++;
    must(frame->from[0] && frame->to[0]);
    must((frame->kind == MOVEX_IO_MESSAGE) == (frame->data != NULL));
    must((frame->kind == MOVEX_IO_CLOSED) == (frame->text != NULL));
    must(frame->due_ms >= frame->sent_ms);
    hash(s, frame->kind);
    hash(s, frame->link);
    hash(s, frame->due_ms);
    hash(s, frame->length);
}

static void storm_receive(storm *s, uint32_t i)
{
    movex_io_event event;
    if (s->ios[i].ops->recv(s->ios[i].self, &event) != MOVEX_OK) return;
    must(event.link > 0 && event.link < STORM_LINKS);
    storm_link *link = &s->links[i][event.link];
    hash(s, event.kind * 100 + i);
    if (event.kind == MOVEX_IO_OPENED) {
        must(!link->open);
        if (!link->dialled) *link = (storm_link){.own = ++s->ends};
        link->open = true;
        return;
    }
    must(link->open || (link->dialled && event.kind == MOVEX_IO_CLOSED));
    if (event.kind == MOVEX_IO_CLOSED) {
        *link = (storm_link){0};
        return;
    }
    uint32_t words[2];
    must(event.length >= sizeof words);
    memcpy(words, event.data, sizeof words);
    if (!link->heard) link->from = words[0];
    link->heard = true;
    must_equal(words[0], link->from);
    must_equal(words[1], link->received); /* nothing is missing before the end, nothing comes twice */
    link->received++;
    s->received++;
}

static void storm_send(storm *s, uint32_t i, uint32_t number)
{
    storm_link *link = &s->links[i][number];
    if (!link->open) return;
    uint32_t words[100] = {link->own, link->sent};
    size_t   length = 2 * sizeof(uint32_t) + meter_below(&s->random, 300);
    int      status = s->ios[i].ops->send(s->ios[i].self, number, words, length);
    must(status == MOVEX_OK || status == MOVEX_ERR_AGAIN || status == MOVEX_ERR_MEMORY);
    if (status == MOVEX_OK) link->sent++;
}

static void storm_dial(storm *s, uint32_t i)
{
    movex_link number;
    int        status = s->ios[i].ops->open(s->ios[i].self, meter_below(&s->random, 2) ? "peer0" : "peer1", &number);
    must(status == MOVEX_OK || status == MOVEX_ERR_MEMORY || (status == MOVEX_ERR_ADDRESS && i < 2));
    if (status != MOVEX_OK) return;
    must(number < STORM_LINKS);
    must(!s->links[i][number].dialled && !s->links[i][number].open);
    s->links[i][number] = (storm_link){.dialled = true, .own = ++s->ends};
}

static void storm_make(storm *s, uint32_t i)
{
    const char name[] = {'p', 'e', 'e', 'r', (char)('0' + i), 0};
    memset(s->links[i], 0, sizeof s->links[i]);
    do s->ios[i] = movex_mock_listen_as(s->net, name);
    while (!s->ios[i].self); /* its memory may run out, too */
    if (i < 2) must_equal(s->ios[i].ops->listen(s->ios[i].self), MOVEX_OK);
}

static void storm_disturb(storm *s, uint32_t i)
{
    const char name[] = {'p', 'e', 'e', 'r', (char)('0' + i), 0};
    switch (meter_below(&s->random, 8)) {
    case 0: movex_mock_cut(s->net, name); break;
    case 1:
    case 2:
        s->apart[i] = !s->apart[i];
        movex_mock_partition(s->net, name, s->apart[i]);
        break;
    case 3:
    case 4:
        s->held = !s->held;
        movex_mock_hold(s->net, s->held);
        break;
    case 5: movex_mock_release_all(s->net); break;
    case 6: movex_mock_cut_link(s->net, meter_below(&s->random, 12)); break;
    case 7:
        if (meter_below(&s->random, 4)) break;
        s->ios[i].ops->destroy(s->ios[i].self);
        storm_make(s, i);
        break;
    }
}

/* Nothing that is due is left, but for what a partition stops. */
static void storm_poll(storm *s, uint64_t now_ms)
{
    movex_mock_frame frame;
    bool             was_held = s->held;
    movex_mock_poll(s->net, now_ms);
    movex_mock_hold(s->net, true);
    for (uint32_t i = 0; !was_held && movex_mock_held(s->net, i, &frame); i++)
        must(frame.due_ms > now_ms || s->apart[frame.from[4] - '0'] || s->apart[frame.to[4] - '0']);
    movex_mock_hold(s->net, was_held);
}

static void storm_step(storm *s, uint64_t now_ms)
{
    uint32_t i = meter_below(&s->random, STORM_EMITTERS), number = 1 + meter_below(&s->random, 12);
    uint32_t what = meter_below(&s->random, 100), held = movex_mock_held_count(s->net);
    if (what < 35)
        storm_receive(s, i);
    else if (what < 75)
        storm_send(s, i, number);
    else if (what < 83)
        storm_poll(s, now_ms);
    else if (what < 90 && held)
        movex_mock_release(s->net, meter_below(&s->random, held));
    else if (what < 93)
        storm_dial(s, i);
    else if (what < 95) {
        s->ios[i].ops->close(s->ios[i].self, number);
        s->links[i][number] = (storm_link){0};
    } else if (what == 95)
        storm_disturb(s, i);
    movex_mock_stats stats = movex_mock_statistics(s->net);
    must_equal(stats.frames_sent, stats.frames_delivered + stats.frames_lost + stats.frames_on_the_way);
    must(s->received <= stats.frames_delivered);
}

typedef struct storm_result {
    movex_mock_stats stats;
    uint64_t         received, trace;
} storm_result;

static storm_result storm_run(uint64_t seed, uint32_t fail_one_in)
{
    meter  memory = {.fail_one_in = fail_one_in, .random = seed};
    storm *s = calloc(1, sizeof *s);
    s->random = seed;
    do
        s->net = movex_mock_new(&(movex_mock_config){.seed = seed,
                                                     .latency_ms = {(uint32_t)seed % 5, 30},
                                                     .cut_per_mille = 5,
                                                     .dial_failure_per_mille = 50,
                                                     .queue_bytes = 2000,
                                                     .tap = storm_tap,
                                                     .user = s,
                                                     .allocator = meter_allocator(&memory)});
    while (!s->net);
    for (uint32_t i = 0; i < STORM_EMITTERS; i++) storm_make(s, i);
    for (uint64_t step = 0; step < 4000; step++) storm_step(s, step / 8);
    storm_result result = {.stats = movex_mock_statistics(s->net), .received = s->received, .trace = s->trace};
    bool         net_first = seed % 2;
    if (net_first) movex_mock_free(s->net);
    for (uint32_t i = 0; i < STORM_EMITTERS; i++) {
        movex_io io = s->ios[(i + seed) % STORM_EMITTERS];
        io.ops->destroy(io.self);
    }
    if (!net_first) movex_mock_free(s->net);
    must_equal(memory.blocks, 0);
    must_equal(memory.wrong, 0);
    must(!fail_one_in || memory.failed > 0);
    free(s);
    return result;
}

START_TEST(whatever_happens_the_contract_holds)
{
    movex_mock_stats sum = {0};
    uint64_t         received = 0;
    for (uint64_t seed = 0; seed < 150; seed++) {
        storm_result result = storm_run(seed + 1000 * (uint64_t)_i, _i ? 20 : 0);
        sum.cuts += result.stats.cuts;
        sum.frames_lost += result.stats.frames_lost;
        sum.failed_dials += result.stats.failed_dials;
        received += result.received;
    }
    ck_assert_uint_gt(sum.cuts, 150);
    ck_assert_uint_gt(sum.frames_lost, 150);
    ck_assert_uint_gt(received, 8000);
    ck_assert_uint_gt(sum.failed_dials, 20);
}
END_TEST

START_TEST(a_seed_is_a_run)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t trace = storm_run(seed, 0).trace;
        ck_assert_uint_eq(storm_run(seed, 0).trace, trace);
        ck_assert_uint_ne(storm_run(seed + 1, 0).trace, trace);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock storm");
    TCase *tcase = tcase_create("storm");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, whatever_happens_the_contract_holds, 0, 2);
    tcase_add_test(tcase, a_seed_is_a_run);
    return movex_test_main(suite);
}
