/* How fast one may send, how much of it may wait, and how much of a master one may take: reached exactly, and by one more, by
   links driven by hand, while two honest players play on. */
#include "raw_link.h"
#include "support.h"

#include <movex/mock.h>

#include <stdio.h>
#include <string.h>

static match  m;
static raw    r;
static script s;

static void enter(movex_limits limits)
{
    match_start(&m, &(movex_master_config){.limits = limits});
    raw_dial(&r, &m);
    script_start(&s);
    script_hello(&s, "mallory", NULL);
    script_bind(&s, "duel", "one");
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.welcome && r.bound == 1);
}

/* Nobody else has noticed anything. */
static void finish(void)
{
    match_run(&m, 2000);
    match_must_go_on(&m);
    raw_end(&r);
    match_end(&m);
}

/* Sends so many dispatches, from this sequence on, in one frame; their bytes. */
static size_t send_dispatches(uint64_t from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) script_dispatch(&s, r.number, from + i, DUEL_NEVER, NULL, 0);
    size_t length = script_length(&s);
    script_send(&s, &r);
    return length;
}

static uint32_t answered(uint64_t now_ms)
{
    m.now_ms = now_ms;
    raw_take(&r, &m);
    return r.outcomes;
}

/* Fifty a second: so many at once, then one every 20 ms; the others are not held up. */
START_TEST(messages_wait)
{
    enter((movex_limits){.messages_per_second = 50});
    uint64_t start = m.now_ms + 5000;
    must_equal(answered(start), 0);
    send_dispatches(1, 30);
    send_dispatches(31, 25); /* torn where the second is over */
    must_equal(answered(start), 50);
    must_equal(movex_master_deadline(m.master), start + 20);
    must_equal(answered(start + 19), 50);
    must_equal(answered(start + 20), 51);
    send_dispatches(56, 1);
    must_equal(answered(start + 20), 51);
    must_equal(answered(start + 60), 53);
    match_must_go_on(&m); /* 1 ms and so on later */
    must_equal(answered(start + 119), 55);
    must_equal(answered(start + 120), 56);
    must_equal(movex_master_deadline(m.master), UINT64_MAX);
    must_equal(answered(start + 9000), 56);
    must_equal(r.sequence, 56);
    must(!r.closed);
    finish();
}
END_TEST

START_TEST(bytes_wait)
{
    enter((movex_limits){.bytes_per_second = 600});
    uint64_t start = m.now_ms + 5000;
    must_equal(answered(start), 0);
    size_t   each = send_dispatches(1, 1);
    uint32_t fit = (uint32_t)((600 + each - 1) / each); /* the last goes into debt */
    must_equal(answered(start), 1);
    send_dispatches(2, fit + 1);
    must_equal(answered(start), fit);
    /* As soon as there is something again. */
    uint64_t debt = fit * each - 600, wait_ms = (debt * 1000 + 1 + 599) / 600;
    must_equal(movex_master_deadline(m.master), start + wait_ms);
    if (wait_ms > 1) must_equal(answered(start + wait_ms - 1), fit);
    must_equal(answered(start + wait_ms), fit + 1);
    must_equal(answered(start + 1000), fit + 2);
    finish();
}
END_TEST

/* Also where they are wrapped in chunks. */
START_TEST(binds_wait)
{
    char id[8];
    enter((movex_limits){.binds_per_second = 4});
    uint64_t start = m.now_ms + 5000;
    must_equal(answered(start), 0);
    for (int i = 0; i < 7; i++) {
        snprintf(id, sizeof id, "r%u", (unsigned)i % 100);
        if (_i == 0) {
            script_bind(&s, "duel", id);
            continue;
        }
        script one;
        script_start(&one);
        script_bind(&one, "duel", id);
        movex_write_u8(&s.writer, MOVEX_MESSAGE_CHUNK);
        movex_write_u8(&s.writer, 1);
        movex_write_number(&s.writer, script_length(&one));
        movex_write_bytes(&s.writer, one.bytes, script_length(&one));
    }
    script_send(&s, &r);
    answered(start);
    uint32_t first = 5 + (uint32_t)_i; /* with the one of before; one within a chunk is let through on credit */
    must_equal(r.bound, first);
    uint64_t next = start + 250u * (1u + (uint32_t)_i) - (_i ? 250 : 0);
    must_equal(movex_master_deadline(m.master), next);
    answered(next - 1);
    must_equal(r.bound, first);
    answered(next);
    must_equal(r.bound, first + 1);
    answered(start + 3000);
    must_equal(r.bound, 8);
    finish();
}
END_TEST

/* A second link of the same session has no second budget. */
START_TEST(a_reconnect_brings_nothing)
{
    enter((movex_limits){.messages_per_second = 50});
    raw      again;
    uint64_t start = m.now_ms + 5000;
    must_equal(answered(start), 0);
    send_dispatches(1, 50);
    must_equal(answered(start), 50);
    raw_dial(&again, &m);
    script_hello(&s, "mallory", r.token);
    script_bind(&s, "duel", "one");
    script_send(&s, &again);
    raw_take(&again, &m);
    must(again.welcome && again.bound == 0);
    m.now_ms = start + 100;
    raw_take(&again, &m);
    must_equal(again.bound, 1);
    raw_end(&again);
    finish();
}
END_TEST

/* Ten frames of so many bytes may wait, each with its header, and not one byte more. */
START_TEST(so_much_may_wait)
{
    enum { FRAME = 40, HEADER = 4, FRAMES = 10 };
    enter(
        (movex_limits){.messages_per_second = 50, .waiting_bytes = FRAMES * (FRAME + HEADER) - HEADER - (uint32_t)_i});
    unsigned char frame[FRAME];
    uint64_t      start = m.now_ms + 5000;
    must_equal(answered(start), 0);
    send_dispatches(1, 50);
    must_equal(answered(start), 50);
    for (int i = 0; i < FRAME; i += 2) { /* which ask for nothing: they are not about anything */
        frame[i] = MOVEX_MESSAGE_RESYNC;
        frame[i + 1] = 99;
    }
    for (int i = 0; i < FRAMES - 1; i++) raw_send(&r, frame, sizeof frame);
    answered(start);
    must(!r.closed);
    raw_send(&r, frame, sizeof frame);
    if (_i) {
        raw_must_be_told(&r, &m, MOVEX_ERR_LIMIT, "wait for its rate");
        must_equal(movex_master_stats(m.master).protocol_errors, 1);
    } else {
        answered(start);
        must(!r.closed);
        answered(start + 4000);
        must(movex_master_deadline(m.master) <= start + 5000);
    }
    finish();
}
END_TEST

/* Whoever goes while something waits takes it with him. */
START_TEST(who_goes_leaves_nothing_behind)
{
    enter((movex_limits){.messages_per_second = 50});
    send_dispatches(1, 90);
    raw_take(&r, &m);
    must(r.outcomes < 50);
    r.io.ops->close(r.io.self, r.link);
    match_run(&m, 0);
    must_equal(movex_master_stats(m.master).links, 2);
    finish();
}
END_TEST

/* Strangers and those within the process: what they may by default, and what nobody limits. */
START_TEST(no_limit_within_the_process)
{
    enter((movex_limits){.messages_per_second = _i ? MOVEX_UNLIMITED : 0, .queue_bytes = 16 << 20});
    for (uint32_t k = 0; k < 100; k++) {
        send_dispatches(k * 100 + 1, 100);
        raw_take(&r, &m);
    }
    must_equal(r.outcomes, 10000);
    finish();
}
END_TEST

/* ---- how much of a master one may take */

START_TEST(resources_that_one_has_made)
{
    enter((movex_limits){.created = 2});
    script_bind(&s, "duel", "two");
    script_bind(&s, "duel", "three");
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.bound == 3 && !r.refused); /* "one" is ann's */
    script_bind(&s, "duel", "four");
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.refused && r.status == MOVEX_ERR_LIMIT && strstr(r.text, "has made as many"));
    must(!r.closed);
    must(movex_bind(m.clients[0], &duel_type, "four") != NULL); /* others may */
    match_run(&m, 1);
    must_equal(movex_master_stats(m.master).resources, 4);
    script_bind(&s, "duel", "four"); /* and what is there anybody may bind */
    script_send(&s, &r);
    raw_take(&r, &m);
    must_equal(r.bound, 4);
    must_equal(movex_master_remove(m.master, &duel_type, "three", NULL), MOVEX_OK); /* makes room */
    script_bind(&s, "duel", "five");
    script_send(&s, &r);
    raw_take(&r, &m);
    must_equal(r.bound, 5);
    finish();
}
END_TEST

/* All come from "local". */
START_TEST(links_of_an_address)
{
    raw more;
    enter((movex_limits){.links_per_address = 3});
    raw_dial(&more, &m);
    raw_must_be_told(&more, &m, MOVEX_ERR_LIMIT, "connections from its address");
    raw_end(&more);
    raw_end(&r);
    match_run(&m, 1);
    raw_dial(&r, &m);
    must(r.opened && !r.closed);
    finish();
}
END_TEST

START_TEST(sessions_of_an_address)
{
    raw more;
    enter((movex_limits){.sessions_per_address = 3});
    raw_dial(&more, &m);
    script_hello(&s, "eve", NULL);
    script_send(&s, &more);
    raw_must_be_told(&more, &m, MOVEX_ERR_LIMIT, "sessions from its address");
    raw_end(&more);
    raw_dial(&more, &m); /* a session that comes back is none more */
    script_hello(&s, "mallory", r.token);
    script_send(&s, &more);
    raw_take(&more, &m);
    must(more.welcome);
    static const unsigned char goodbye[] = {MOVEX_MESSAGE_GOODBYE};
    raw_send(&more, goodbye, 1);
    match_run(&m, 1);
    raw_end(&more);
    raw_dial(&more, &m);
    script_hello(&s, "eve", NULL);
    script_send(&s, &more);
    raw_take(&more, &m);
    must(more.welcome);
    raw_end(&more);
    finish();
}
END_TEST

static void take_from_afar(movex_mock *net, raw *far)
{
    for (int round = 0; round < 4; round++) {
        raw_take(far, &m);
        movex_mock_poll(net, m.now_ms);
    }
}

/* A session whose second connection is refused keeps its first, and ends in time when that is lost. */
START_TEST(no_room_where_it_comes_back_from)
{
    raw         other;
    movex_mock *net = movex_mock_new(NULL);
    enter((movex_limits){.sessions_per_address = 3});
    must_equal(movex_master_attach(m.master, movex_mock_listen(net)), MOVEX_OK);
    raw far = {.io = movex_mock_connect_as(net, "far")};
    must_equal(far.io.ops->open(far.io.self, NULL, &far.link), MOVEX_OK);
    take_from_afar(net, &far);
    script_hello(&s, "eve", NULL);
    script_send(&s, &far);
    take_from_afar(net, &far);
    must(far.welcome);
    script_bind(&s, "duel", "one"); /* its token has come */
    script_send(&s, &far);
    take_from_afar(net, &far);
    must(far.bound);

    raw_dial(&other, &m);
    script_hello(&s, "eve", far.token);
    script_send(&s, &other);
    raw_must_be_told(&other, &m, MOVEX_ERR_LIMIT, "sessions from its address");
    raw_end(&other);
    take_from_afar(net, &far);
    must(!far.closed);
    must_equal(movex_master_stats(m.master).links, 4);
    raw_end(&far);
    movex_mock_poll(net, m.now_ms);
    match_run(&m, 1);
    must_equal(movex_master_stats(m.master).sessions, 4); /* away */
    match_run(&m, 60000);
    must_equal(movex_master_stats(m.master).sessions, 3);
    finish();
    movex_mock_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rates");
    TCase *tcase = tcase_create("rates");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, messages_wait);
    tcase_add_test(tcase, bytes_wait);
    tcase_add_loop_test(tcase, binds_wait, 0, 2);
    tcase_add_test(tcase, a_reconnect_brings_nothing);
    tcase_add_loop_test(tcase, so_much_may_wait, 0, 2);
    tcase_add_test(tcase, who_goes_leaves_nothing_behind);
    tcase_add_loop_test(tcase, no_limit_within_the_process, 0, 2);
    tcase_add_test(tcase, resources_that_one_has_made);
    tcase_add_test(tcase, links_of_an_address);
    tcase_add_test(tcase, sessions_of_an_address);
    tcase_add_test(tcase, no_room_where_it_comes_back_from);
    return movex_test_main(suite);
}
