/* The mock emitter by itself: its contract, its faults, its memory, and holding by hand. */
#include "meter.h"
#include "support.h"

#include <movex/mock.h>

#include <stdio.h>
#include <string.h>

typedef struct pair {
    movex_mock *net;
    movex_io    master, alice;
    movex_link  link; /* alice's, and the master's by the same number */
} pair;

static int send_text(movex_io io, movex_link link, const char *text)
{
    return io.ops->send(io.self, link, text, strlen(text) + 1);
}

static int receive(movex_io io, movex_io_event *event)
{
    *event = (movex_io_event){0};
    return io.ops->recv(io.self, event);
}

static void expect(movex_io io, movex_io_kind kind, const char *text)
{
    movex_io_event event;
    ck_assert_int_eq(receive(io, &event), MOVEX_OK);
    ck_assert_int_eq(event.kind, kind);
    ck_assert_str_eq(kind == MOVEX_IO_MESSAGE ? (const char *)event.data : event.text, text);
}

static void expect_nothing(movex_io io)
{
    movex_io_event event;
    ck_assert_int_eq(receive(io, &event), MOVEX_ERR_AGAIN);
}

/* How many messages have come, until there are no more events. */
static int count_messages(movex_io io, bool *closed)
{
    int count = 0;
    for (movex_io_event event; receive(io, &event) == MOVEX_OK;) {
        count += event.kind == MOVEX_IO_MESSAGE;
        if (closed && event.kind == MOVEX_IO_CLOSED) *closed = true;
    }
    return count;
}

static movex_link dial(movex_io io, const char *address)
{
    movex_link link = 0;
    ck_assert_int_eq(io.ops->open(io.self, address, &link), MOVEX_OK);
    ck_assert_uint_ne(link, 0);
    return link;
}

static void end(movex_io io)
{
    io.ops->destroy(io.self);
}

static void start(pair *p, movex_mock_config config)
{
    p->net = movex_mock_new(&config);
    p->master = movex_mock_listen(p->net);
    p->alice = movex_mock_connect_as(p->net, "alice");
    ck_assert_int_eq(p->master.ops->listen(p->master.self), MOVEX_OK);
    p->link = dial(p->alice, NULL);
}

/* Both are connected at time 0. */
static void start_connected(pair *p, movex_mock_config config)
{
    movex_mock_range latency = config.latency_ms;
    config.latency_ms = (movex_mock_range){0, 0};
    start(p, config);
    movex_mock_poll(p->net, 0);
    movex_mock_set_latency(p->net, latency);
    expect(p->alice, MOVEX_IO_OPENED, "master");
    expect(p->master, MOVEX_IO_OPENED, "alice");
}

static void stop(pair *p)
{
    end(p->alice);
    end(p->master);
    movex_mock_free(p->net);
}

START_TEST(frames_arrive_in_order_and_then_the_end)
{
    pair p;
    start_connected(&p, (movex_mock_config){0});
    ck_assert(p.alice.ops->in_process);
    ck_assert_int_eq(send_text(p.alice, p.link, "one"), MOVEX_OK);
    ck_assert_int_eq(send_text(p.alice, p.link, "two"), MOVEX_OK);
    ck_assert_int_eq(send_text(p.master, p.link, "back"), MOVEX_OK);
    expect_nothing(p.master); /* time has not been moved */
    movex_mock_poll(p.net, 0);
    expect(p.master, MOVEX_IO_MESSAGE, "one");
    expect(p.master, MOVEX_IO_MESSAGE, "two");
    expect_nothing(p.master);
    expect(p.alice, MOVEX_IO_MESSAGE, "back");
    send_text(p.alice, p.link, "bye");
    p.alice.ops->close(p.alice.self, p.link);
    ck_assert_int_eq(send_text(p.alice, p.link, "late"), MOVEX_ERR_CLOSED);
    ck_assert_int_eq(send_text(p.master, p.link, "does not know yet"), MOVEX_OK);
    movex_mock_poll(p.net, 0);
    expect(p.master, MOVEX_IO_MESSAGE, "bye");
    expect(p.master, MOVEX_IO_CLOSED, "the other side closed the connection");
    expect_nothing(p.master);
    expect_nothing(p.alice); /* closing a link oneself brings no CLOSED */
    ck_assert_int_eq(send_text(p.master, p.link, "late"), MOVEX_ERR_CLOSED);
    ck_assert_uint_eq(movex_mock_statistics(p.net).frames_lost, 1);
    ck_assert_uint_eq(movex_mock_statistics(p.net).frames_delivered, 4);
    ck_assert_uint_eq(dial(p.alice, NULL), p.link); /* a number that is free again */
    stop(&p);
}
END_TEST

START_TEST(a_frame_is_lent_until_the_next_recv)
{
    pair           p;
    movex_io_event event;
    start_connected(&p, (movex_mock_config){0});
    send_text(p.alice, p.link, "kept");
    movex_mock_poll(p.net, 0);
    ck_assert_int_eq(receive(p.master, &event), MOVEX_OK);
    end(p.alice);
    ck_assert_str_eq(event.data, "kept");
    p.master.ops->close(p.master.self, p.link);
    ck_assert_str_eq(event.data, "kept");
    expect_nothing(p.master);
    end(p.master);
    movex_mock_free(p.net);
}
END_TEST

START_TEST(dialling_finds_who_listens)
{
    movex_mock *net = movex_mock_new(NULL);
    movex_io    north = movex_mock_listen_as(net, "north"), south = movex_mock_listen_as(net, "south");
    movex_io    client = movex_mock_connect(net), other = movex_mock_connect_to(net, "other", "south");
    movex_io    second = movex_mock_listen_as(net, "north");
    ck_assert_int_eq(north.ops->listen(north.self), MOVEX_OK);
    ck_assert_int_eq(south.ops->listen(south.self), MOVEX_OK);
    ck_assert_int_eq(second.ops->listen(second.self), MOVEX_ERR_ADDRESS_IN_USE);
    dial(client, NULL); /* nobody is MOVEX_MOCK_MASTER */
    dial(client, "north");
    dial(other, NULL);
    dial(north, "south"); /* who listens can dial as well */
    movex_link link;
    ck_assert_int_eq(north.ops->open(north.self, "north", &link), MOVEX_ERR_ADDRESS);
    movex_mock_poll(net, 0);
    expect(client, MOVEX_IO_CLOSED, "nobody listens at this address");
    expect(client, MOVEX_IO_OPENED, "north");
    expect(north, MOVEX_IO_OPENED, "client1");
    expect(north, MOVEX_IO_OPENED, "south");
    expect(other, MOVEX_IO_OPENED, "south");
    expect(south, MOVEX_IO_OPENED, "other");
    expect(south, MOVEX_IO_OPENED, "north");
    expect_nothing(client);
    ck_assert_uint_eq(movex_mock_statistics(net).dials, 4);
    ck_assert_uint_eq(movex_mock_statistics(net).failed_dials, 1);
    end(north);
    ck_assert_int_eq(second.ops->listen(second.self), MOVEX_OK);
    movex_io all[] = {south, client, other, second};
    for (int i = 0; i < 4; i++) end(all[i]);
    movex_mock_free(net);
}
END_TEST

START_TEST(bad_arguments_make_nothing)
{
    movex_mock *net = movex_mock_new(NULL);
    ck_assert_ptr_null(movex_mock_listen(NULL).self);
    ck_assert_ptr_null(movex_mock_connect(NULL).self);
    ck_assert_ptr_null(movex_mock_connect_as(net, "").self);
    ck_assert_ptr_null(movex_mock_connect_as(net, NULL).self);
    ck_assert_ptr_null(movex_mock_connect_as(net, "a name of more than thirty-one bytes").self);
    ck_assert_int_eq(movex_mock_partition(net, "nobody", true), MOVEX_ERR_NOT_FOUND);
    ck_assert_uint_eq(movex_mock_cut(net, "nobody"), 0);
    ck_assert(!movex_mock_cut_link(net, 0));
    ck_assert(!movex_mock_cut_link(net, 1));
    ck_assert_uint_eq(movex_mock_deadline(NULL), UINT64_MAX);
    movex_mock_free(net);

    pair p;
    start_connected(&p, (movex_mock_config){.max_frame = 256});
    char frame[257] = {0};
    ck_assert_uint_eq(p.alice.ops->max_frame, 256);
    ck_assert_int_eq(p.alice.ops->send(p.alice.self, p.link, frame, 257), MOVEX_ERR_ARGUMENT);
    ck_assert_int_eq(p.alice.ops->send(p.alice.self, p.link, frame, 256), MOVEX_OK);
    stop(&p);
}
END_TEST

START_TEST(a_full_queue_says_so)
{
    pair p;
    start_connected(&p, (movex_mock_config){.queue_bytes = 10});
    ck_assert_int_eq(send_text(p.alice, p.link, "longer than ten"), MOVEX_OK); /* one always has room */
    ck_assert_int_eq(send_text(p.alice, p.link, "1"), MOVEX_ERR_AGAIN);
    movex_mock_poll(p.net, 0);
    ck_assert_int_eq(send_text(p.alice, p.link, "1"), MOVEX_ERR_AGAIN); /* arrived, not taken */
    expect(p.master, MOVEX_IO_MESSAGE, "longer than ten");
    for (int i = 0; i < 5; i++) ck_assert_int_eq(send_text(p.alice, p.link, "1"), MOVEX_OK);
    ck_assert_int_eq(send_text(p.alice, p.link, "1"), MOVEX_ERR_AGAIN);
    ck_assert_int_eq(send_text(p.master, p.link, "the other way is free"), MOVEX_OK);
    stop(&p);
}
END_TEST

START_TEST(latency_stays_within_its_bounds)
{
    pair     p;
    uint64_t earliest = UINT64_MAX, latest = 0;
    start(&p, (movex_mock_config){.seed = (uint64_t)_i, .latency_ms = {20, 60}});
    ck_assert_int_eq(send_text(p.alice, p.link, "before it is open"), MOVEX_ERR_AGAIN);
    movex_mock_poll(p.net, 19);
    expect_nothing(p.alice);
    movex_mock_poll(p.net, 60);
    expect(p.alice, MOVEX_IO_OPENED, "master");
    expect(p.master, MOVEX_IO_OPENED, "alice");
    uint64_t now_ms = 60;
    for (int i = 0; i < 400; i++) {
        send_text(p.alice, p.link, "x");
        uint64_t due_ms = movex_mock_deadline(p.net), took = due_ms - now_ms;
        ck_assert_uint_ge(took, 20);
        ck_assert_uint_le(took, 60);
        if (took < earliest) earliest = took;
        if (took > latest) latest = took;
        movex_mock_poll(p.net, due_ms - 1);
        expect_nothing(p.master);
        movex_mock_poll(p.net, now_ms = due_ms);
        expect(p.master, MOVEX_IO_MESSAGE, "x");
        ck_assert_uint_eq(movex_mock_deadline(p.net), UINT64_MAX);
    }
    ck_assert_uint_eq(earliest, 20);
    ck_assert_uint_eq(latest, 60);
    stop(&p);
}
END_TEST

/* `user` is room for one due time per link. */
static void check_due(void *user, const movex_mock_frame *frame)
{
    uint64_t *last_ms = (uint64_t *)user + frame->link;
    ck_assert_uint_ge(frame->due_ms, *last_ms);
    *last_ms = frame->due_ms;
}

START_TEST(links_are_ordered_and_independent)
{
    pair     p;
    uint64_t due_ms[3] = {0};
    start_connected(&p, (movex_mock_config){.seed = 3, .latency_ms = {1, 1000}, .tap = check_due, .user = due_ms});
    movex_io bob = movex_mock_connect_as(p.net, "bob");
    movex_mock_set_latency(p.net, (movex_mock_range){0, 0});
    movex_link link = dial(bob, NULL);
    movex_mock_poll(p.net, 0);
    movex_mock_set_latency(p.net, (movex_mock_range){1, 1000});
    expect(p.master, MOVEX_IO_OPENED, "bob");
    for (int i = 0; i < 200; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        send_text(p.alice, p.link, text);
        send_text(bob, link, text);
    }
    int  next[2] = {0, 0}, overtaken = 0;
    bool all_came = false;
    for (uint64_t now_ms = 1; now_ms <= 1000; now_ms++) {
        movex_mock_poll(p.net, now_ms);
        for (movex_io_event event; receive(p.master, &event) == MOVEX_OK;) {
            int *expected = &next[event.link == link];
            ck_assert_int_eq(atoi(event.data), (*expected)++);
        }
        overtaken += next[0] > next[1];
        all_came = next[0] == 200 && next[1] == 200;
    }
    ck_assert(all_came);
    ck_assert_int_gt(overtaken, 0); /* sent second, there first */
    ck_assert_uint_gt(due_ms[link], 900);
    end(bob);
    stop(&p);
}
END_TEST

START_TEST(a_cut_loses_all_after_some_point)
{
    bool partial[2] = {false, false};
    for (uint64_t seed = 0; seed < 100; seed++) {
        pair p;
        bool closed[2] = {false, false};
        start_connected(&p, (movex_mock_config){.seed = seed, .latency_ms = {10, 20}});
        for (int i = 0; i < 8; i++) {
            send_text(p.alice, p.link, "up");
            send_text(p.master, p.link, "down");
        }
        ck_assert(movex_mock_cut_link(p.net, p.link));
        ck_assert(!movex_mock_cut_link(p.net, p.link));
        ck_assert_uint_eq(movex_mock_cut(p.net, "alice"), 0);
        ck_assert_int_eq(send_text(p.alice, p.link, "into nothing"), MOVEX_OK);
        movex_mock_poll(p.net, 9);
        expect_nothing(p.alice);
        movex_mock_poll(p.net, 20);
        int kept[2] = {count_messages(p.master, &closed[0]), count_messages(p.alice, &closed[1])};
        ck_assert(closed[0] && closed[1]);
        for (int i = 0; i < 2; i++) partial[i] = partial[i] || (kept[i] > 0 && kept[i] < 8);
        movex_mock_stats stats = movex_mock_statistics(p.net);
        ck_assert_uint_eq(stats.cuts, 1);
        ck_assert_uint_eq(stats.frames_sent, 17);
        ck_assert_uint_eq(stats.frames_delivered, (uint64_t)(kept[0] + kept[1]));
        ck_assert_uint_eq(stats.frames_lost, 17 - stats.frames_delivered);
        stop(&p);
    }
    ck_assert(partial[0] && partial[1]);
}
END_TEST

START_TEST(chances_are_what_they_say)
{
    movex_mock *net =
        movex_mock_new(&(movex_mock_config){.seed = 5, .cut_per_mille = 100, .dial_failure_per_mille = 200});
    movex_io master = movex_mock_listen(net), alice = movex_mock_connect(net);
    master.ops->listen(master.self);
    for (int i = 0; i < 5000; i++) {
        movex_link     link = dial(alice, NULL);
        movex_io_event event;
        movex_mock_poll(net, 0);
        ck_assert_int_eq(receive(alice, &event), MOVEX_OK);
        if (event.kind == MOVEX_IO_OPENED) {
            send_text(alice, link, "x");
            alice.ops->close(alice.self, link);
        } else {
            ck_assert_str_eq(event.text, "dialling failed");
        }
        movex_mock_poll(net, 0);
        count_messages(master, NULL);
    }
    movex_mock_stats stats = movex_mock_statistics(net);
    ck_assert_uint_eq(stats.dials, 5000);
    ck_assert_uint_gt(stats.failed_dials, 850);
    ck_assert_uint_lt(stats.failed_dials, 1150);
    ck_assert_uint_gt(stats.cuts, 320);
    ck_assert_uint_lt(stats.cuts, 480);
    movex_mock_set_faults(net, &(movex_mock_faults){.dial_failure_per_mille = 1000});
    dial(alice, NULL);
    ck_assert_uint_eq(movex_mock_statistics(net).failed_dials, stats.failed_dials + 1);
    end(alice);
    end(master);
    movex_mock_free(net);
}
END_TEST

START_TEST(what_is_held_is_released_in_any_order_across_links)
{
    pair             p;
    movex_mock_frame frame;
    start_connected(&p, (movex_mock_config){.latency_ms = {5, 5}});
    movex_io bob = movex_mock_connect_as(p.net, "bob");
    movex_mock_hold(p.net, true);
    movex_link link = dial(bob, NULL);
    send_text(p.alice, p.link, "a1");
    send_text(p.alice, p.link, "a2");
    movex_mock_poll(p.net, UINT32_MAX);
    send_text(p.master, p.link, "m1");
    movex_mock_poll(p.net, UINT64_MAX);
    expect_nothing(p.master);
    ck_assert_uint_eq(movex_mock_deadline(p.net), UINT64_MAX);
    ck_assert_uint_eq(movex_mock_held_count(p.net), 4);

    ck_assert(movex_mock_held(p.net, 0, &frame));
    ck_assert(frame.kind == MOVEX_IO_OPENED && frame.link == link && frame.by_dialler && !frame.data);
    ck_assert_str_eq(frame.from, "bob");
    ck_assert_str_eq(frame.to, "master");
    ck_assert(movex_mock_held(p.net, 3, &frame));
    ck_assert(frame.kind == MOVEX_IO_MESSAGE && frame.link == p.link && !frame.by_dialler && frame.length == 3);
    ck_assert_str_eq(frame.data, "m1");
    ck_assert_str_eq(frame.to, "alice");
    ck_assert_uint_eq(frame.sent_ms, UINT32_MAX);
    ck_assert_uint_eq(frame.due_ms, UINT32_MAX + (uint64_t)5);
    ck_assert(!movex_mock_held(p.net, 4, &frame));

    ck_assert_int_eq(movex_mock_release(p.net, 2), MOVEX_ERR_ARGUMENT); /* a2 is behind a1 */
    ck_assert_int_eq(movex_mock_release(p.net, 4), MOVEX_ERR_ARGUMENT);
    ck_assert_int_eq(movex_mock_release(p.net, 3), MOVEX_OK);
    ck_assert_int_eq(movex_mock_release(p.net, 1), MOVEX_OK);
    expect(p.alice, MOVEX_IO_MESSAGE, "m1");
    expect(p.master, MOVEX_IO_MESSAGE, "a1");
    expect_nothing(p.master);
    ck_assert_int_eq(movex_mock_release(p.net, 1), MOVEX_OK);
    expect(p.master, MOVEX_IO_MESSAGE, "a2");
    ck_assert_uint_eq(movex_mock_release_all(p.net), 1);
    expect(p.master, MOVEX_IO_OPENED, "bob");
    expect(bob, MOVEX_IO_OPENED, "master");

    send_text(bob, link, "last");
    movex_mock_hold(p.net, false);
    ck_assert_uint_eq(movex_mock_held_count(p.net), 0);
    movex_mock_poll(p.net, UINT64_MAX);
    expect(p.master, MOVEX_IO_MESSAGE, "last");
    end(bob);
    stop(&p);
}
END_TEST

START_TEST(a_cut_while_held_loses_what_was_not_released)
{
    pair             p;
    movex_mock_frame frame;
    start_connected(&p, (movex_mock_config){.latency_ms = {100, 100}});
    movex_mock_hold(p.net, true);
    for (int i = 0; i < 5; i++) send_text(p.alice, p.link, i ? "lost" : "there");
    ck_assert_int_eq(movex_mock_release(p.net, 0), MOVEX_OK);
    movex_mock_set_latency(p.net, (movex_mock_range){0, 0});
    ck_assert_uint_eq(movex_mock_cut(p.net, "alice"), 1);
    ck_assert_uint_eq(movex_mock_held_count(p.net), 2); /* the news for both ends */
    ck_assert(movex_mock_held(p.net, 1, &frame) && frame.kind == MOVEX_IO_CLOSED);
    ck_assert_str_eq(frame.text, "the connection was cut");
    ck_assert_uint_eq(frame.due_ms, 0); /* it waits for nothing that is lost */
    movex_mock_release_all(p.net);
    expect(p.master, MOVEX_IO_MESSAGE, "there");
    expect(p.master, MOVEX_IO_CLOSED, "the connection was cut");
    expect(p.alice, MOVEX_IO_CLOSED, "the connection was cut");
    ck_assert_uint_eq(movex_mock_statistics(p.net).frames_lost, 4);

    /* A dial that is cut never reaches who listens. */
    dial(p.alice, NULL);
    ck_assert_uint_eq(movex_mock_cut(p.net, "alice"), 1);
    ck_assert_uint_eq(movex_mock_release_all(p.net), 1);
    expect(p.alice, MOVEX_IO_CLOSED, "the connection was cut");
    expect_nothing(p.master);
    /* Nor does one that was given up. */
    movex_link given_up = dial(p.alice, NULL);
    p.alice.ops->close(p.alice.self, given_up);
    ck_assert_uint_eq(movex_mock_held_count(p.net), 0);
    stop(&p);
}
END_TEST

START_TEST(a_partition_stops_everything_until_it_is_healed)
{
    pair p;
    start_connected(&p, (movex_mock_config){.latency_ms = {10, 10}});
    movex_io   bob = movex_mock_connect_as(p.net, "bob");
    movex_link link = dial(bob, NULL);
    send_text(p.alice, p.link, "on its way");
    ck_assert_int_eq(movex_mock_partition(p.net, "alice", true), MOVEX_OK);
    send_text(p.master, p.link, "down");
    dial(p.alice, NULL);
    movex_mock_poll(p.net, 1000);
    expect(bob, MOVEX_IO_OPENED, "master"); /* the others go on */
    expect(p.master, MOVEX_IO_OPENED, "bob");
    expect_nothing(p.master);
    expect_nothing(p.alice);
    ck_assert_uint_eq(movex_mock_deadline(p.net), UINT64_MAX);
    movex_mock_hold(p.net, true);
    send_text(bob, link, "from bob");
    ck_assert_int_eq(movex_mock_release(p.net, 0), MOVEX_ERR_AGAIN);
    ck_assert_uint_eq(movex_mock_release_all(p.net), 1);
    expect(p.master, MOVEX_IO_MESSAGE, "from bob");
    movex_mock_hold(p.net, false);
    ck_assert_int_eq(movex_mock_partition(p.net, "alice", false), MOVEX_OK);
    movex_mock_poll(p.net, 1000);
    expect(p.master, MOVEX_IO_MESSAGE, "on its way");
    expect(p.master, MOVEX_IO_OPENED, "alice");
    expect(p.alice, MOVEX_IO_MESSAGE, "down");
    expect(p.alice, MOVEX_IO_OPENED, "master");

    /* A cut is noticed all the same, a goodbye is not. */
    movex_mock_partition(p.net, "alice", true);
    send_text(p.alice, p.link, "lost");
    movex_mock_cut_link(p.net, p.link);
    end(p.alice);
    movex_mock_poll(p.net, 2000);
    expect(p.master, MOVEX_IO_CLOSED, "the connection was cut");
    expect_nothing(p.master);
    ck_assert_int_eq(movex_mock_partition(p.net, "alice", false), MOVEX_OK);
    movex_mock_poll(p.net, 2000);
    expect(p.master, MOVEX_IO_CLOSED, "the other side closed the connection");
    end(bob);
    end(p.master);
    movex_mock_free(p.net);
}
END_TEST

/* ---- memory */

START_TEST(every_failed_allocation_is_survived)
{
    uint64_t fail_at = 0, failed;
    do {
        meter       memory = {.fail_at = ++fail_at};
        movex_mock *net = movex_mock_new(&(movex_mock_config){.allocator = meter_allocator(&memory)});
        movex_io    master = movex_mock_listen(net), alice = movex_mock_connect(net);
        movex_link  link = 0;
        char        frame[3000] = {0};
        if (master.self) master.ops->listen(master.self);
        for (int i = 0; alice.self && i < 6; i++) {
            int status = alice.ops->open(alice.self, NULL, &link);
            ck_assert(status == MOVEX_OK || (status == MOVEX_ERR_MEMORY && memory.failed));
            movex_mock_poll(net, 0);
            for (size_t length = 1; length < sizeof frame; length *= 4) {
                status = alice.ops->send(alice.self, link, frame, length);
                ck_assert(status == MOVEX_OK || memory.failed);
            }
            movex_mock_cut_link(net, link);
            movex_mock_poll(net, 0);
        }
        movex_mock_free(net);
        if (alice.self) end(alice);
        if (master.self) end(master);
        ck_assert_uint_eq(memory.blocks, 0);
        failed = memory.failed;
    } while (failed);
    ck_assert_uint_gt(fail_at, 12); /* network, two emitters, links, frames */
}
END_TEST

START_TEST(nothing_is_allocated_once_it_is_warm)
{
    meter memory = {0};
    pair  p;
    start_connected(&p, (movex_mock_config){.allocator = meter_allocator(&memory)});
    for (int i = 0, taken = 0; i < 1000; i++) {
        for (int k = 0; k < 10; k++) send_text(p.alice, p.link, "again and again, over the same link");
        movex_mock_poll(p.net, 0);
        ck_assert_int_eq(count_messages(p.master, NULL), 10);
        if (i == 0) taken = (int)memory.taken;
        ck_assert_int_eq((int)memory.taken, taken);
    }
    stop(&p);
    ck_assert_uint_eq(memory.blocks, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock");
    TCase *tcase = tcase_create("mock");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, frames_arrive_in_order_and_then_the_end);
    tcase_add_test(tcase, a_frame_is_lent_until_the_next_recv);
    tcase_add_test(tcase, dialling_finds_who_listens);
    tcase_add_test(tcase, bad_arguments_make_nothing);
    tcase_add_test(tcase, a_full_queue_says_so);
    tcase_add_loop_test(tcase, latency_stays_within_its_bounds, 0, 4);
    tcase_add_test(tcase, links_are_ordered_and_independent);
    tcase_add_test(tcase, a_cut_loses_all_after_some_point);
    tcase_add_test(tcase, chances_are_what_they_say);
    tcase_add_test(tcase, what_is_held_is_released_in_any_order_across_links);
    tcase_add_test(tcase, a_cut_while_held_loses_what_was_not_released);
    tcase_add_test(tcase, a_partition_stops_everything_until_it_is_healed);
    tcase_add_test(tcase, every_failed_allocation_is_survived);
    tcase_add_test(tcase, nothing_is_allocated_once_it_is_warm);
    return movex_test_main(suite);
}
