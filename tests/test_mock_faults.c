/* The faults of the mock emitter, each by itself and by hand: what exactly it does to frames. */
#include "meter.h"
#include "support.h"

#include <movex/mock.h>

#include <string.h>

enum { AGAIN = 0 }; /* no event */

typedef struct pair {
    movex_mock *net;
    movex_io    master, alice;
    movex_link  link;
    meter       memory;
} pair;

static int send_text(movex_io io, movex_link link, const char *text)
{
    return io.ops->send(io.self, link, text, strlen(text) + 1);
}

/* The kind of the next event, which must have that text (NULL: any), or AGAIN. */
static int next(movex_io io, const char *text)
{
    movex_io_event event = {0};
    if (io.ops->recv(io.self, &event) != MOVEX_OK) return AGAIN;
    if (text) ck_assert_str_eq(event.kind == MOVEX_IO_MESSAGE ? (const char *)event.data : event.text, text);
    return event.kind;
}

static int count_messages(movex_io io)
{
    int count = 0;
    for (int kind; (kind = next(io, NULL)) != AGAIN;) count += kind == MOVEX_IO_MESSAGE;
    return count;
}

static movex_link dial(pair *p)
{
    movex_link link = 0;
    ck_assert_int_eq(p->alice.ops->open(p->alice.self, NULL, &link), MOVEX_OK);
    return link;
}

static void start(pair *p, movex_mock_config config)
{
    movex_mock_faults faults = config.faults;
    movex_mock_range  latency = config.latency_ms;
    memset(p, 0, sizeof *p);
    config.allocator = meter_allocator(&p->memory);
    config.faults = (movex_mock_faults){0};
    config.latency_ms = (movex_mock_range){0, 0};
    p->net = movex_mock_new(&config);
    p->master = movex_mock_listen(p->net);
    p->alice = movex_mock_connect_as(p->net, "alice");
    ck_assert_int_eq(p->master.ops->listen(p->master.self), MOVEX_OK);
    p->link = dial(p);
    movex_mock_poll(p->net, 0);
    ck_assert_int_eq(next(p->alice, "master"), MOVEX_IO_OPENED);
    ck_assert_int_eq(next(p->master, "alice"), MOVEX_IO_OPENED);
    movex_mock_set_faults(p->net, &faults);
    movex_mock_set_latency(p->net, latency);
}

static void stop(pair *p)
{
    p->alice.ops->destroy(p->alice.self);
    p->master.ops->destroy(p->master.self);
    movex_mock_free(p->net);
    ck_assert_uint_eq(p->memory.blocks, 0);
}

START_TEST(one_direction_dies_and_the_other_lives)
{
    pair p;
    start(&p, (movex_mock_config){.queue_bytes = 20});
    ck_assert_uint_eq(movex_mock_mute(p.net, "alice"), 1);
    ck_assert_uint_eq(movex_mock_mute(p.net, "alice"), 0); /* it is already */
    ck_assert_int_eq(send_text(p.alice, p.link, "into nothing"), MOVEX_OK);
    ck_assert_int_eq(send_text(p.alice, p.link, "and no more"), MOVEX_ERR_AGAIN); /* nothing is acknowledged */
    ck_assert_int_eq(send_text(p.master, p.link, "heard"), MOVEX_OK);
    movex_mock_poll(p.net, 1000000);
    ck_assert_int_eq(next(p.alice, "heard"), MOVEX_IO_MESSAGE);
    ck_assert_int_eq(next(p.alice, NULL), AGAIN);
    ck_assert_int_eq(next(p.master, NULL), AGAIN);
    ck_assert_uint_eq(movex_mock_cut(p.net, "master"), 1);
    movex_mock_poll(p.net, 1000000);
    ck_assert_int_eq(next(p.alice, "the connection was cut"), MOVEX_IO_CLOSED);
    ck_assert_int_eq(next(p.master, "the connection was cut"), MOVEX_IO_CLOSED);
    ck_assert_uint_eq(movex_mock_statistics(p.net).half_open, 1);
    ck_assert_uint_eq(movex_mock_statistics(p.net).frames_lost, 1);
    stop(&p);
}
END_TEST

/* Closing a half-open link reaches nobody; its number stays in use until somebody finds out. */
START_TEST(the_end_of_a_half_open_link_is_lost_as_well)
{
    pair p;
    start(&p, (movex_mock_config){0});
    ck_assert_uint_eq(movex_mock_deafen(p.net, "master"), 1);
    p.alice.ops->close(p.alice.self, p.link);
    movex_mock_poll(p.net, 1);
    ck_assert_int_eq(next(p.master, NULL), AGAIN);
    ck_assert_int_eq(send_text(p.master, p.link, "anybody?"), MOVEX_OK);
    ck_assert_uint_ne(dial(&p), p.link);
    movex_mock_poll(p.net, 2);
    ck_assert_int_eq(next(p.master, "alice"), MOVEX_IO_OPENED);
    ck_assert_int_eq(next(p.alice, "master"), MOVEX_IO_OPENED);
    ck_assert_uint_eq(movex_mock_mute(p.net, "alice"), 1); /* the new one; the old one is already */
    ck_assert_uint_eq(movex_mock_cut(p.net, "alice"), 2);
    movex_mock_poll(p.net, 3);
    ck_assert_int_eq(next(p.master, "the connection was cut"), MOVEX_IO_CLOSED);
    ck_assert_int_eq(next(p.master, "the connection was cut"), MOVEX_IO_CLOSED);
    ck_assert_int_eq(next(p.alice, "the connection was cut"), MOVEX_IO_CLOSED);
    stop(&p);
}
END_TEST

START_TEST(a_half_open_link_is_found_out_in_time)
{
    pair p;
    start(&p, (movex_mock_config){.faults = {.half_open_per_mille = 1000, .half_open_ms = {300, 300}}});
    send_text(p.alice, p.link, "the last or nothing");
    movex_mock_poll(p.net, 0);
    count_messages(p.master);
    ck_assert_uint_eq(movex_mock_deadline(p.net), 300);
    movex_mock_poll(p.net, 299);
    ck_assert_int_eq(next(p.master, NULL), AGAIN);
    movex_mock_poll(p.net, 300);
    ck_assert_int_eq(next(p.master, "the connection was cut"), MOVEX_IO_CLOSED);
    ck_assert_int_eq(next(p.alice, "the connection was cut"), MOVEX_IO_CLOSED);
    ck_assert_uint_eq(movex_mock_deadline(p.net), UINT64_MAX);
    stop(&p);
}
END_TEST

/* What was sent before the cut arrives after what is sent over the next link. */
START_TEST(an_old_link_delivers_beside_the_new_one)
{
    pair p;
    start(&p, (movex_mock_config){.latency_ms = {5, 5}});
    send_text(p.alice, p.link, "old one");
    send_text(p.alice, p.link, "old two");
    ck_assert_uint_eq(movex_mock_cut_lingering(p.net, "alice", 1000), 1);
    ck_assert_uint_eq(movex_mock_cut_lingering(p.net, "alice", 1000), 0);
    movex_mock_poll(p.net, 5);
    ck_assert_int_eq(next(p.alice, "the connection was cut"), MOVEX_IO_CLOSED);
    movex_link again = dial(&p);
    ck_assert_uint_ne(again, p.link);
    movex_mock_poll(p.net, 10);
    ck_assert_int_eq(next(p.alice, "master"), MOVEX_IO_OPENED);
    ck_assert_int_eq(next(p.master, "alice"), MOVEX_IO_OPENED);
    send_text(p.alice, again, "new");
    ck_assert_int_eq(send_text(p.master, p.link, "to the old one"), MOVEX_OK);
    movex_mock_poll(p.net, 1004);
    ck_assert_int_eq(next(p.master, "new"), MOVEX_IO_MESSAGE);
    ck_assert_int_eq(next(p.master, NULL), AGAIN);
    movex_mock_poll(p.net, 1005);
    ck_assert_int_eq(next(p.master, "old one"), MOVEX_IO_MESSAGE);
    ck_assert_int_eq(next(p.master, "old two"), MOVEX_IO_MESSAGE);
    ck_assert_int_eq(next(p.master, "the connection was cut"), MOVEX_IO_CLOSED);
    ck_assert_int_eq(next(p.alice, NULL), AGAIN);
    ck_assert_uint_eq(movex_mock_statistics(p.net).lingering, 1);
    ck_assert_uint_eq(movex_mock_statistics(p.net).frames_lost, 1);
    stop(&p);
}
END_TEST

START_TEST(a_stalled_receiver_fills_the_queue)
{
    pair p;
    start(&p, (movex_mock_config){.queue_bytes = 25});
    ck_assert_int_eq(movex_mock_stall(p.net, "nobody", true), MOVEX_ERR_NOT_FOUND);
    ck_assert_int_eq(movex_mock_stall(p.net, "master", true), MOVEX_OK);
    ck_assert_int_eq(send_text(p.alice, p.link, "ten bytes"), MOVEX_OK);
    ck_assert_int_eq(send_text(p.alice, p.link, "ten bytes"), MOVEX_OK);
    ck_assert_int_eq(send_text(p.alice, p.link, "ten bytes"), MOVEX_ERR_AGAIN);
    movex_mock_poll(p.net, 5);
    ck_assert_int_eq(next(p.master, NULL), AGAIN);
    ck_assert_int_eq(movex_mock_stall(p.net, "master", false), MOVEX_OK);
    ck_assert_int_eq(count_messages(p.master), 2);
    ck_assert_int_eq(send_text(p.alice, p.link, "ten bytes"), MOVEX_OK);
    stop(&p);
}
END_TEST

START_TEST(a_stall_by_chance_ends)
{
    pair p;
    start(&p, (movex_mock_config){.faults = {.stall_per_mille = 1000, .stall_ms = {70, 70}}});
    send_text(p.alice, p.link, "slowly");
    movex_mock_poll(p.net, 0);
    ck_assert_int_eq(next(p.master, NULL), AGAIN);
    ck_assert_uint_eq(movex_mock_deadline(p.net), 70);
    movex_mock_poll(p.net, 69);
    ck_assert_int_eq(next(p.master, NULL), AGAIN);
    movex_mock_poll(p.net, 70);
    ck_assert_int_eq(next(p.master, "slowly"), MOVEX_IO_MESSAGE);
    ck_assert_uint_eq(movex_mock_deadline(p.net), UINT64_MAX);
    ck_assert_uint_eq(movex_mock_statistics(p.net).stalls, 1);
    stop(&p);
}
END_TEST

/* Bits or the end: never the same as before, never longer, never empty. */
START_TEST(a_corrupted_frame_is_another_one)
{
    static const unsigned char sent[40] = {1, 2, 3};
    pair                       p;
    int                        shortened = 0, flipped = 0;
    start(&p, (movex_mock_config){.seed = 3});
    ck_assert_int_eq(movex_mock_corrupt(p.net, "nobody", 1), MOVEX_ERR_NOT_FOUND);
    ck_assert_int_eq(movex_mock_corrupt(p.net, "alice", 200), MOVEX_OK);
    for (int i = 0; i < 201; i++) {
        movex_io_event event = {0};
        ck_assert_int_eq(p.alice.ops->send(p.alice.self, p.link, sent, sizeof sent), MOVEX_OK);
        movex_mock_poll(p.net, 0);
        ck_assert_int_eq(p.master.ops->recv(p.master.self, &event), MOVEX_OK);
        ck_assert(event.length >= 1 && event.length <= sizeof sent);
        bool same = memcmp(event.data, sent, event.length) == 0;
        shortened += event.length < sizeof sent;
        flipped += event.length == sizeof sent && !same;
        ck_assert(event.length == sizeof sent || same);
    }
    ck_assert_int_gt(shortened, 60);
    ck_assert_int_gt(flipped, 60);
    ck_assert_int_ge(shortened + flipped, 195); /* two flips of one bit are none */
    ck_assert_int_le(shortened + flipped, 200);
    ck_assert_uint_eq(movex_mock_statistics(p.net).frames_corrupted, 200);
    stop(&p);
}
END_TEST

START_TEST(a_crash_is_silent_for_a_while)
{
    pair p;
    start(&p, (movex_mock_config){0});
    send_text(p.alice, p.link, "on its way");
    ck_assert_int_eq(movex_mock_crash(p.net, "master", 500), MOVEX_OK);
    ck_assert_int_eq(movex_mock_crash(p.net, "master", 500), MOVEX_ERR_NOT_FOUND); /* dead already */
    movex_io again = movex_mock_listen(p.net);
    ck_assert_int_eq(again.ops->listen(again.self), MOVEX_OK);
    ck_assert_int_eq(p.master.ops->listen(p.master.self), MOVEX_ERR_CLOSED);
    ck_assert_int_eq(send_text(p.master, p.link, "goodbye"), MOVEX_ERR_CLOSED);
    p.master.ops->close(p.master.self, p.link);
    ck_assert_int_eq(send_text(p.alice, p.link, "to the dead"), MOVEX_OK);
    movex_mock_poll(p.net, 499);
    ck_assert_int_eq(next(p.alice, NULL), AGAIN);
    ck_assert_int_eq(next(again, NULL), AGAIN);
    movex_mock_poll(p.net, 500);
    ck_assert_int_eq(next(p.alice, "the connection was lost"), MOVEX_IO_CLOSED);
    ck_assert_uint_eq(movex_mock_statistics(p.net).frames_lost, 2);
    dial(&p);
    movex_mock_poll(p.net, 501);
    ck_assert_int_eq(next(again, "alice"), MOVEX_IO_OPENED);
    again.ops->destroy(again.self);
    stop(&p);
}
END_TEST

START_TEST(clocks_jump_ahead_alone)
{
    pair p;
    start(&p, (movex_mock_config){0});
    movex_mock_poll(p.net, 100);
    ck_assert_uint_eq(movex_mock_clock(p.net, "alice"), 100);
    ck_assert_int_eq(movex_mock_jump(p.net, "alice", 3600000), MOVEX_OK);
    ck_assert_int_eq(movex_mock_jump(p.net, "nobody", 1), MOVEX_ERR_NOT_FOUND);
    ck_assert_uint_eq(movex_mock_clock(p.net, "alice"), 3600100);
    ck_assert_uint_eq(movex_mock_clock(p.net, "master"), 100);
    p.alice.ops->destroy(p.alice.self);
    p.alice = movex_mock_connect_as(p.net, "alice"); /* the machine's clock, not the program's */
    ck_assert_uint_eq(movex_mock_clock(p.net, "alice"), 3600100);
    ck_assert_uint_eq(movex_mock_statistics(p.net).jumps, 1);
    stop(&p);
}
END_TEST

START_TEST(chances_strike_as_often_as_they_say)
{
    pair p;
    start(&p, (movex_mock_config){.seed = 5,
                                  .faults = {.cut_per_mille = 100,
                                             .linger_per_mille = 500,
                                             .half_open_per_mille = 50,
                                             .half_open_ms = {20, 50},
                                             .stall_per_mille = 50,
                                             .jump_per_mille = 50,
                                             .corrupt_per_mille = 50}});
    int sent = 0;
    for (uint64_t now_ms = 0; sent < 10000; now_ms += 10) {
        movex_link link = dial(&p);
        movex_mock_poll(p.net, now_ms);
        if (send_text(p.alice, link, "a frame") == MOVEX_OK) sent++;
        movex_mock_poll(p.net, now_ms);
        count_messages(p.master);
        count_messages(p.alice);
        p.alice.ops->close(p.alice.self, link);
    }
    movex_mock_stats stats = movex_mock_statistics(p.net);
    ck_assert(stats.cuts > 800 && stats.cuts < 1900); /* with half-open ones that were found out */
    ck_assert(stats.lingering > 400 && stats.lingering < 600);
    ck_assert(stats.half_open > 400 && stats.half_open < 600);
    ck_assert(stats.stalls > 400 && stats.stalls < 600);
    ck_assert(stats.jumps > 400 && stats.jumps < 600);
    ck_assert(stats.frames_corrupted > 400 && stats.frames_corrupted < 600);
    stop(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults of the mock");
    TCase *tcase = tcase_create("faults");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, one_direction_dies_and_the_other_lives);
    tcase_add_test(tcase, the_end_of_a_half_open_link_is_lost_as_well);
    tcase_add_test(tcase, a_half_open_link_is_found_out_in_time);
    tcase_add_test(tcase, an_old_link_delivers_beside_the_new_one);
    tcase_add_test(tcase, a_stalled_receiver_fills_the_queue);
    tcase_add_test(tcase, a_stall_by_chance_ends);
    tcase_add_test(tcase, a_corrupted_frame_is_another_one);
    tcase_add_test(tcase, a_crash_is_silent_for_a_while);
    tcase_add_test(tcase, clocks_jump_ahead_alone);
    tcase_add_test(tcase, chances_strike_as_often_as_they_say);
    return movex_test_main(suite);
}
