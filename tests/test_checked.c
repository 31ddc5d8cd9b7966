/* The contract checker: each way to break the contract is named, and nobody is accused who keeps it. */
#include "meter.h"
#include "support.h"

#include <movex/checked.h>
#include <movex/mock.h>

#include <string.h>

enum { MOST_EVENTS = 8 };

/* An emitter that reports and returns what it is told to. */
typedef struct puppet {
    movex_io_event events[MOST_EVENTS];
    int            event_count, next;
    movex_link     opens; /* what open names */
    int            open_status, send_status, recv_status;
    movex_link     closed;    /* the last link that was closed */
    unsigned char *scribbles; /* send changes the frame */
    const void    *kept;      /* the last frame, borrowed for too long */
} puppet;

static int puppet_open(void *self, const char *address, movex_link *link)
{
    (void)address;
    *link = ((puppet *)self)->opens;
    return ((puppet *)self)->open_status;
}

static int puppet_send(void *self, movex_link link, const void *frame, size_t length)
{
    puppet *p = self;
    (void)link;
    (void)length;
    if (p->scribbles) *(unsigned char *)(uintptr_t)frame ^= 1;
    return p->send_status;
}

static int puppet_recv(void *self, movex_io_event *event)
{
    puppet *p = self;
    if (p->next == p->event_count) return p->recv_status ? p->recv_status : MOVEX_ERR_AGAIN;
    *event = p->events[p->next++];
    return MOVEX_OK;
}

static void puppet_close(void *self, movex_link link)
{
    ((puppet *)self)->closed = link;
}

static void puppet_destroy(void *self)
{
    ((puppet *)self)->next = -1;
}

static int puppet_listen(void *self)
{
    (void)self;
    return MOVEX_OK;
}

static const movex_io_ops puppet_ops = {.name = "puppet",
                                        .max_frame = 300,
                                        .open = puppet_open,
                                        .send = puppet_send,
                                        .recv = puppet_recv,
                                        .close = puppet_close,
                                        .destroy = puppet_destroy,
                                        .listen = puppet_listen};

static char told[256];

static void report(void *user, const char *what)
{
    ck_assert_ptr_eq(user, told);
    strncpy(told, what, sizeof told - 1);
}

static movex_io over(puppet *p)
{
    told[0] = 0;
    return movex_checked((movex_io){&puppet_ops, p}, &(movex_checked_config){.report = report, .user = told});
}

typedef struct breach {
    const char    *says;
    movex_io_event events[MOST_EVENTS]; /* to the first of kind 0 */
    bool           dials, listens;
} breach;

static const char frame[301] = "frame";

#define OPENED(number)                                                                                                 \
    {                                                                                                                  \
        .kind = MOVEX_IO_OPENED, .link = (number)                                                                      \
    }
#define MESSAGE(number, size)                                                                                          \
    {                                                                                                                  \
        .kind = MOVEX_IO_MESSAGE, .link = (number), .data = frame, .length = (size)                                    \
    }
#define CLOSED(number)                                                                                                 \
    {                                                                                                                  \
        .kind = MOVEX_IO_CLOSED, .link = (number)                                                                      \
    }

static const breach breaches[] = {
    {"emitter puppet: link 7: MESSAGE before OPENED", {MESSAGE(7, 5)}, .dials = true},
    {"emitter puppet: link 7: OPENED for a link that is open", {OPENED(7), OPENED(7)}, .dials = true},
    {"emitter puppet: link 8: OPENED for a link that was not dialled, though it does not listen", {OPENED(8)}},
    {"emitter puppet: an event of link 0", {OPENED(0)}, .listens = true},
    {"emitter puppet: link 9: MESSAGE for a link that there is not, or not any more", {MESSAGE(9, 5)}, .listens = true},
    {"emitter puppet: link 9: MESSAGE for a link that there is not, or not any more",
     {OPENED(9), CLOSED(9), MESSAGE(9, 5)},
     .listens = true},
    {"emitter puppet: link 9: CLOSED for a link that there is not, or not any more",
     {OPENED(9), CLOSED(9), CLOSED(9)},
     .listens = true},
    {"emitter puppet: link 7: MESSAGE of no bytes", {OPENED(7), MESSAGE(7, 0)}, .dials = true},
    {"emitter puppet: link 7: MESSAGE of more than max_frame bytes", {OPENED(7), MESSAGE(7, 301)}, .dials = true},
    {"emitter puppet: link 7: MESSAGE without data",
     {OPENED(7), {.kind = MOVEX_IO_MESSAGE, .link = 7, .length = 3}},
     .dials = true},
    {"emitter puppet: link 7: an event of no kind", {OPENED(7), {.kind = (movex_io_kind)4, .link = 7}}, .dials = true},
};

START_TEST(a_wrong_event_is_named_and_held_back)
{
    const breach  *b = &breaches[_i];
    puppet         p = {.opens = 7};
    movex_io       io = over(&p);
    movex_link     link = 0, accused = 0;
    movex_io_event event;
    int            good = 0;
    if (b->listens) ck_assert_int_eq(io.ops->listen(io.self), MOVEX_OK);
    if (b->dials) ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_OK);
    while (b->events[p.event_count].kind) p.event_count++;
    memcpy(p.events, b->events, sizeof p.events);
    while (io.ops->recv(io.self, &event) == MOVEX_OK) {
        if (event.text && strcmp(event.text, b->says) == 0)
            accused = event.link;
        else
            good++;
    }
    ck_assert_str_eq(movex_checked_fault(io), b->says);
    ck_assert_str_eq(told, b->says);
    ck_assert_uint_eq(movex_checked_count(io), 1);
    ck_assert_int_eq(good, p.event_count - 1);
    ck_assert_uint_eq(accused, link); /* only who knows the link has to be told */
    ck_assert_uint_eq(p.closed, link);
    if (link) ck_assert_int_eq(io.ops->send(io.self, link, frame, 5), MOVEX_ERR_CLOSED);
    io.ops->destroy(io.self);
    ck_assert_int_eq(p.next, -1);
}
END_TEST

static void open_link(movex_io io, puppet *p)
{
    movex_link     link;
    movex_io_event event;
    p->opens = 7;
    p->events[p->event_count++] = (movex_io_event)OPENED(7);
    ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_OK);
    ck_assert_int_eq(io.ops->recv(io.self, &event), MOVEX_OK);
    ck_assert_uint_eq(movex_checked_count(io), 0);
}

START_TEST(wrong_answers_are_named)
{
    movex_link     link = 0;
    movex_io_event event;
    puppet         p = {.opens = 0};
    movex_io       io = over(&p);
    ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_ERR_SYSTEM);
    ck_assert_str_eq(told, "emitter puppet: open returned MOVEX_OK, but named no link");
    p.open_status = 5;
    ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_ERR_SYSTEM);
    ck_assert_str_eq(told, "emitter puppet: open returned a number that is no status");
    p = (puppet){.opens = 3};
    ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_OK);
    ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_ERR_SYSTEM);
    ck_assert_str_eq(told, "emitter puppet: link 3: open gave it a number that is in use");
    ck_assert_int_eq(io.ops->send(io.self, 3, frame, 5), MOVEX_OK);
    ck_assert_str_eq(told, "emitter puppet: link 3: send took a frame before OPENED was reported");
    p.recv_status = MOVEX_ERR_SYSTEM;
    ck_assert_int_eq(io.ops->recv(io.self, &event), MOVEX_ERR_AGAIN);
    ck_assert_str_eq(told, "emitter puppet: recv returned something else than MOVEX_OK and MOVEX_ERR_AGAIN");
    ck_assert_uint_eq(movex_checked_count(io), 5);
    ck_assert_str_eq(movex_checked_fault(io), "emitter puppet: open returned MOVEX_OK, but named no link");
    io.ops->destroy(io.self);
}
END_TEST

START_TEST(send_keeps_its_word)
{
    movex_io_event event;
    puppet         p = {0};
    movex_io       io = over(&p);
    open_link(io, &p);
    p.send_status = MOVEX_ERR_AGAIN;
    ck_assert_int_eq(io.ops->send(io.self, 7, frame, 5), MOVEX_ERR_AGAIN);
    ck_assert_int_eq(io.ops->send(io.self, 7, frame, 301), MOVEX_ERR_ARGUMENT);
    ck_assert_uint_eq(movex_checked_count(io), 0);
    unsigned char scribbled;
    p.scribbles = &scribbled;
    io.ops->send(io.self, 7, frame, 5);
    ck_assert_str_eq(told, "emitter puppet: link 7: send has changed the frame that it had borrowed");
    p.scribbles = NULL;
    p.send_status = MOVEX_ERR_CLOSED;
    ck_assert_int_eq(io.ops->send(io.self, 7, frame, 5), MOVEX_ERR_CLOSED);
    p.send_status = MOVEX_OK;
    io.ops->send(io.self, 7, frame, 5);
    ck_assert_str_eq(told, "emitter puppet: link 7: send took a frame after it had returned MOVEX_ERR_CLOSED");
    int waits = 0;
    while (io.ops->recv(io.self, &event) != MOVEX_OK) ck_assert_int_lt(waits++, 2000);
    ck_assert_str_eq(event.text, "emitter puppet: link 7: send returned MOVEX_ERR_CLOSED, but CLOSED does not come");
    ck_assert_int_eq(event.kind, MOVEX_IO_CLOSED);
    io.ops->destroy(io.self);
}
END_TEST

START_TEST(what_is_lent_must_stay)
{
    static char mutable[] = "lent";
    movex_io_event event;
    puppet         p = {0};
    movex_io       io = over(&p);
    open_link(io, &p);
    p.events[p.event_count++] =
        (movex_io_event){.kind = MOVEX_IO_MESSAGE, .link = 7, .data = mutable, .length = sizeof mutable};
    ck_assert_int_eq(io.ops->recv(io.self, &event), MOVEX_OK);
    ck_assert_ptr_eq(event.data, mutable);
    mutable[1] = 'o';
    io.ops->recv(io.self, &event);
    ck_assert_str_eq(told, "emitter puppet: a frame that recv had lent was changed before the next recv");
    io.ops->destroy(io.self);
}
END_TEST

START_TEST(a_table_must_be_complete)
{
    puppet       p = {0};
    movex_io_ops ops = puppet_ops;
    ops.max_frame = 255;
    movex_checked_config config = {.report = report, .user = told};
    ck_assert_ptr_null(movex_checked((movex_io){&ops, &p}, &config).self);
    ck_assert_int_eq(p.next, -1); /* it was destroyed */
    ck_assert_str_eq(told, "emitter puppet: max_frame is less than MOVEX_IO_MIN_FRAME");
    ops.recv = NULL;
    ck_assert_ptr_null(movex_checked((movex_io){&ops, &p}, &config).self);
    ck_assert_str_eq(told, "emitter puppet: recv is missing");
    movex_io none = movex_checked((movex_io){0}, NULL);
    ck_assert_ptr_null(none.self);
    ck_assert_str_eq(movex_checked_fault(none), "");
    ck_assert_ptr_null(movex_checked((movex_io){&puppet_ops, NULL}, &config).self);
}
END_TEST

/* A number that was given back may be used again, and a failing allocation makes the checker blind, not wrong. */
START_TEST(a_good_emitter_is_not_accused)
{
    for (int fail_at = 1; fail_at < 8; fail_at++) {
        meter                memory = {.fail_at = fail_at < 7 ? fail_at : 0};
        movex_mock          *net = movex_mock_new(&(movex_mock_config){.seed = 1, .faults = {.cut_per_mille = 100}});
        movex_checked_config config = {.report = report, .user = told, .allocator = meter_allocator(&memory)};
        told[0] = 0;
        movex_io master = movex_mock_listen(net), alice = movex_checked(movex_mock_connect(net), &config);
        master.ops->listen(master.self);
        for (int i = 0; alice.self && i < 300; i++) {
            movex_link     links[6] = {0};
            movex_io_event event;
            for (int k = 0; k < 6; k++) ck_assert_int_eq(alice.ops->open(alice.self, NULL, &links[k]), MOVEX_OK);
            for (int round = 0; round < 3; round++) {
                movex_mock_poll(net, 0);
                for (movex_io_event there; master.ops->recv(master.self, &there) == MOVEX_OK;)
                    if (there.kind == MOVEX_IO_MESSAGE) master.ops->send(master.self, there.link, "back", 4);
                while (alice.ops->recv(alice.self, &event) == MOVEX_OK)
                    if (event.kind == MOVEX_IO_OPENED) alice.ops->send(alice.self, event.link, frame, 5);
            }
            for (int k = 0; k < 6; k++) alice.ops->close(alice.self, links[k]);
        }
        if (alice.self) ck_assert_uint_eq(movex_checked_count(alice), 0);
        ck_assert_str_eq(told, "");
        if (alice.self) alice.ops->destroy(alice.self);
        master.ops->destroy(master.self);
        movex_mock_free(net);
        ck_assert_uint_eq(memory.blocks, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checked emitters");
    TCase *tcase = tcase_create("checked");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_wrong_event_is_named_and_held_back, 0, (int)(sizeof breaches / sizeof *breaches));
    tcase_add_test(tcase, wrong_answers_are_named);
    tcase_add_test(tcase, send_keeps_its_word);
    tcase_add_test(tcase, what_is_lent_must_stay);
    tcase_add_test(tcase, a_table_must_be_complete);
    tcase_add_test(tcase, a_good_emitter_is_not_accused);
    return movex_test_main(suite);
}
