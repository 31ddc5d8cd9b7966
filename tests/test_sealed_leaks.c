/* What is sealed reaches nobody before it is opened, the master least of all: two runs that differ in it alone put the same bytes on
   the network at the same times, on every link and in both directions, but for the 32 bytes of each commitment. */
#include "hidden_game.h"
#include "meter.h"
#include "support.h"

#include "seal.h"

#include <movex/client.h>
#include <movex/leak.h>
#include <movex/master.h>
#include <movex/mock.h>

#include <stdlib.h>
#include <string.h>

enum { ANN, BEN, CID, DAN, CLIENTS };
enum { MOST_BYTES = 1 << 20, MOST_COMMITMENTS = 64 };
static const char *const names[CLIENTS] = {"ann", "ben", "cid", "dan"};

static movex_type sealed_type;

/* All that was sent, until the first opening was. */
typedef struct recording {
    unsigned char bytes[MOST_BYTES];
    size_t        length;
    bool          over;
    unsigned char commitments[MOST_COMMITMENTS][MOVEX_COMMITMENT_SIZE];
    size_t        commitment_count;
    uint64_t      frames, to_master, opened; /* opened: frames from then on */
} recording;

static recording runs[2];

static void put(recording *run, const void *bytes, size_t length)
{
    must(run->length + length <= MOST_BYTES);
    memcpy(run->bytes + run->length, bytes, length);
    run->length += length;
}

/* Looks for what only clients send: commitments, and openings. */
static void look(recording *run, const movex_mock_frame *frame)
{
    movex_reader reader = movex_reader_over(frame->data, frame->length);
    while (movex_reader_left(&reader)) {
        movex_dispatch_sealed_message sealed;
        movex_dispatch_message        dispatch;
        movex_hello_message           hello;
        movex_bind_message            bind;
        uint32_t                      number;
        switch (movex_read_u8(&reader)) {
        case MOVEX_MESSAGE_HELLO: must(movex_read_hello(&reader, &hello)); break;
        case MOVEX_MESSAGE_BIND: must(movex_read_bind(&reader, &bind)); break;
        case MOVEX_MESSAGE_FORGET:
        case MOVEX_MESSAGE_GOODBYE: break;
        case MOVEX_MESSAGE_DISPATCH: must(movex_read_dispatch(&reader, &dispatch)); break;
        case MOVEX_MESSAGE_UNBIND: must(movex_read_numbered(&reader, &number)); break;
        case MOVEX_MESSAGE_DISPATCH_SEALED:
            must(movex_read_dispatch_sealed(&reader, &sealed));
            must(run->commitment_count < MOST_COMMITMENTS);
            memcpy(run->commitments[run->commitment_count++], sealed.commitment, MOVEX_COMMITMENT_SIZE);
            break;
        case MOVEX_MESSAGE_OPEN: run->over = true; return;
        default: ck_abort_msg("a client has sent something else");
        }
    }
}

static void tap(void *user, const movex_mock_frame *frame)
{
    recording *run = user;
    if (frame->kind == MOVEX_IO_MESSAGE && frame->by_dialler && !run->over) look(run, frame);
    if (run->over) {
        run->opened++;
        return;
    }
    run->frames++;
    run->to_master += frame->by_dialler;
    const uint64_t numbers[] = {frame->kind, frame->sent_ms, frame->due_ms, frame->length, frame->link};
    put(run, numbers, sizeof numbers);
    put(run, frame->from, strlen(frame->from) + 1);
    put(run, frame->to, strlen(frame->to) + 1);
    if (frame->length) put(run, frame->data, frame->length);
}

static void mask(recording *run)
{
    for (size_t at = 0; at + MOVEX_COMMITMENT_SIZE <= run->length; at++)
        for (size_t i = 0; i < run->commitment_count; i++)
            if (memcmp(run->bytes + at, run->commitments[i], MOVEX_COMMITMENT_SIZE) == 0)
                memset(run->bytes + at, 0, MOVEX_COMMITMENT_SIZE);
}

/* ---- the play */

typedef struct play {
    movex_mock     *net;
    movex_master   *master;
    movex_client   *clients[CLIENTS];
    movex_resource *bound[CLIENTS];
    uint64_t        now_ms;
} play;

static play    p;
static int32_t raise_by = 4; /* of cid */

static void poll_for(uint64_t ms)
{
    for (uint64_t end = p.now_ms + ms; p.now_ms < end;) {
        movex_event event;
        movex_mock_poll(p.net, ++p.now_ms);
        for (int i = 0; i < CLIENTS; i++) {
            if (!p.clients[i]) continue;
            movex_client_poll(p.clients[i], p.now_ms);
            while (movex_client_next(p.clients[i], &event)) must(event.kind != MOVEX_EVENT_MISMATCH);
        }
        movex_master_poll(p.master, p.now_ms);
    }
}

static void join(int i)
{
    p.clients[i] = movex_client_new(&(movex_client_config){
        .id = names[i], .io = movex_mock_connect_as(p.net, names[i]), .seed = 7, .reconnect_min_ms = 5});
    p.bound[i] = movex_bind(p.clients[i], &sealed_type, "main");
}

/* ann and ben sit; what they do hidden hangs on the secret; what they show does not. dan comes while something is sealed, and
   everybody loses the connection once. */
static void play_round(unsigned secret, const movex_leak_run *leak)
{
    p.now_ms = 0;
    movex_master_config config = {.types = MOVEX_TYPES(&sealed_type), .seed = 5};
    if (leak) config.observer = leak->observer;
    p.master = movex_master_new(&config);
    movex_master_attach(p.master, movex_mock_listen(p.net));
    for (int i = 0; i < DAN; i++) join(i);
    poll_for(100);
    for (int i = 0; i < 2; i++) {
        hidden_do(p.bound[i], HIDDEN_SIT, (uint8_t)i, 0);
        poll_for(100);
    }
    hidden_do(p.bound[CID], HIDDEN_SETUP, 0, 2);
    poll_for(100);
    hidden_hide(p.bound[ANN], HIDDEN_DRAW, ANN, secret ? 'x' : 'a');
    if (secret == 0)
        hidden_hide(p.bound[ANN], HIDDEN_STAMP, ANN, 0); /* draws */
    else
        hidden_hide(p.bound[ANN], HIDDEN_STAKE, ANN, (int32_t)secret);
    poll_for(100);
    hidden_do(p.bound[CID], HIDDEN_RAISE, 0, raise_by);
    hidden_do(p.bound[BEN], HIDDEN_ROLL, 0, 0);
    poll_for(100);
    for (int i = 0; i < DAN; i++) movex_mock_cut(p.net, names[i]);
    poll_for(300);
    join(DAN);
    poll_for(100);
    hidden_hide(p.bound[ANN], HIDDEN_BID, ANN, secret ? 50 : 1);
    poll_for(100);
    if (leak) movex_leak_may_show(leak);
    hidden_hide(p.bound[BEN], HIDDEN_BID, BEN, secret ? 20 : 30);
    poll_for(300);
    for (int i = 0; i < CLIENTS; i++) {
        const hidden_table *table = movex_state(p.bound[i]);
        must_equal(table->seats[ANN].bid, secret ? 50 : 1);
        must_equal(table->winner, secret ? ANN : BEN);
    }
    for (int i = 0; i < CLIENTS; i++) {
        movex_client_free(p.clients[i]);
        p.clients[i] = NULL;
    }
    movex_master_free(p.master);
}

static void record(int which, unsigned secret)
{
    runs[which] = (recording){.length = 0};
    p.net = movex_mock_new(&(movex_mock_config){.seed = 3, .latency_ms = {2, 30}, .tap = tap, .user = &runs[which]});
    play_round(secret, NULL);
    movex_mock_free(p.net);
    must(runs[which].over && runs[which].opened > 10 && runs[which].commitment_count >= 4);
    must(runs[which].frames > 60 && runs[which].to_master > 15);
}

static bool are_alike(void)
{
    return runs[0].length == runs[1].length && memcmp(runs[0].bytes, runs[1].bytes, runs[0].length) == 0;
}

static void set_up(void)
{
    sealed_type = hidden_type;
    sealed_type.sealed = true;
}

START_TEST(only_commitments_differ)
{
    set_up();
    record(0, 0);
    for (unsigned secret = 1; secret < 6; secret++) {
        record(1, secret);
        must(!are_alike()); /* what is masked is what differs */
        must_equal(runs[0].length, runs[1].length);
        recording first = runs[0];
        mask(&runs[0]);
        mask(&runs[1]);
        must(are_alike());
        runs[0] = first;
    }
}
END_TEST

/* Where something else hangs on the secret, it is found; and the same secret under the same salts is the same. */
START_TEST(other_differences_are_found)
{
    set_up();
    record(0, 0);
    record(1, 0);
    must(are_alike());
    raise_by = 5;
    record(1, 0);
    raise_by = 4;
    mask(&runs[0]);
    mask(&runs[1]);
    must(!are_alike());
}
END_TEST

static void play_leak(void *user, const movex_leak_run *run)
{
    (void)user;
    p.net = run->net;
    play_round(run->secret ? 3 : 0, run);
}

/* The leak checker says the same of what the master sends to those who may not know. */
START_TEST(the_leak_checker_knows_commitments)
{
    static const char *const viewers[] = {"ben", "cid", "dan", NULL};
    movex_leak_report        report;
    set_up();
    movex_leak_config config = {.play = play_leak, .viewers = viewers, .network = {.seed = 3, .latency_ms = {2, 30}}};
    must_equal(movex_leak_check(&config, &report), MOVEX_OK);
    must_msg(report.verdict == MOVEX_LEAK_SHOWN, "%d: %s", (int)report.verdict, report.text);
    must(report.frames > 30);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sealed leaks");
    TCase *tests = tcase_create("sealed leaks");
    tcase_add_test(tests, only_commitments_differ);
    tcase_add_test(tests, other_differences_are_found);
    tcase_add_test(tests, the_leak_checker_knows_commitments);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
