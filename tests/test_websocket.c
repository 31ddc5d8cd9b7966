/* The websocket emitter: two of them in one process over the loopback interface, and peers that speak by hand. With the
   argument --tls, what two emitters do is tested over TLS. */
#define _POSIX_C_SOURCE 200809L
#include "certificates.h"
#ifdef __linux__
#include "polls.h"
#endif
#include "support.h"

#include <movex/io.h>
#include <movex/status.h>
#include <movex/system.h>
#include <movex/websocket.h>

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000 /* no test waits for longer than this */

/* --- memory that is counted, so that what is left is seen without a sanitizer too */

typedef struct counted {
    size_t   blocks, bytes; /* handed out now */
    uint64_t calls;         /* allocations and reallocations so far */
    uint64_t fail_from;     /* the call from which on all fail; 0: none */
} counted;

static bool fails(counted *memory)
{
    memory->calls++;
    return memory->fail_from && memory->calls >= memory->fail_from;
}

static void *counted_allocate(void *user, size_t size)
{
    counted *memory = user;
    void    *block = fails(memory) ? NULL : malloc(size);
    if (block) memory->blocks++, memory->bytes += size;
    return block;
}

static void *counted_reallocate(void *user, void *block, size_t old_size, size_t new_size)
{
    counted *memory = user;
    void    *moved = fails(memory) ? NULL : realloc(block, new_size);
    if (!moved) return NULL;
    if (!block) memory->blocks++;
    memory->bytes += new_size - old_size;
    return moved;
}

static void counted_release(void *user, void *block, size_t size)
{
    counted *memory = user;
    memory->blocks--;
    memory->bytes -= size;
    free(block);
}

static movex_allocator counting(counted *memory)
{
    return (movex_allocator){counted_allocate, counted_reallocate, counted_release, memory};
}

/* --- two emitters */

static char url[64];
static bool over_tls;

/* With what the carrier of this run needs. */
static movex_ws_config carried(movex_ws_config config)
{
    if (!over_tls) return config;
    config.certificate_file = certificate("good.pem");
    config.key_file = certificate("good.key");
    config.ca_file = certificate("authority.pem");
    return config;
}

static void aim_at(movex_io io)
{
    snprintf(url, sizeof url, "%s://127.0.0.1:%u", over_tls ? "wss" : "ws", movex_ws_port(io));
}

static movex_io listener(movex_ws_config config)
{
    if (!config.address) config.address = "127.0.0.1:0";
    config = carried(config);
    movex_io io = movex_ws_new(&config);
    ck_assert_ptr_nonnull(io.self);
    ck_assert_int_eq(io.ops->listen(io.self), MOVEX_OK);
    ck_assert_uint_ne(movex_ws_port(io), 0);
    aim_at(io);
    return io;
}

static movex_io dialler(movex_ws_config config)
{
    config.url = url;
    config = carried(config);
    movex_io io = movex_ws_new(&config);
    ck_assert_ptr_nonnull(io.self);
    return io;
}

static void destroy(movex_io io)
{
    io.ops->destroy(io.self);
}

static movex_link dial(movex_io io)
{
    movex_link link = 0;
    ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_OK);
    ck_assert_uint_ne(link, 0);
    return link;
}

/* The next event of `io`, while `other` (may be the same) is driven too and must report nothing. */
static movex_io_event next(movex_io io, movex_io other)
{
    movex_io_event event, unexpected;
    uint64_t       until = movex_system_now_ms() + PATIENCE_MS;
    while (movex_system_now_ms() < until) {
        if (io.ops->recv(io.self, &event) == MOVEX_OK) return event;
        if (other.self != io.self) ck_assert_int_eq(other.ops->recv(other.self, &unexpected), MOVEX_ERR_AGAIN);
        io.ops->wait(io.self, 1);
    }
    ck_abort_msg("nothing came within %d ms", PATIENCE_MS);
}

static movex_io_event expect(movex_io io, movex_io other, movex_io_kind kind)
{
    movex_io_event event = next(io, other);
    ck_assert_msg(event.kind == kind, "event %d instead of %d: %s", event.kind, kind, event.text ? event.text : "-");
    return event;
}

static void expect_nothing(movex_io io, unsigned duration_ms)
{
    movex_io_event event;
    uint64_t       until = movex_system_now_ms() + duration_ms;
    while (movex_system_now_ms() < until) {
        ck_assert_int_eq(io.ops->recv(io.self, &event), MOVEX_ERR_AGAIN);
        io.ops->wait(io.self, 5);
    }
}

static void expect_text(movex_io_event event, const char *part)
{
    ck_assert_ptr_nonnull(event.text);
    ck_assert_msg(strstr(event.text, part), "'%s' does not say '%s'", event.text, part);
}

/* Dials and waits for both ends. */
static movex_link join(movex_io client, movex_io server, movex_link *server_side)
{
    movex_link     link = dial(client);
    movex_io_event event;
    uint64_t       until = movex_system_now_ms() + PATIENCE_MS;
    bool           here = false, there = false;
    while (!(here && there)) {
        ck_assert_uint_lt(movex_system_now_ms(), until);
        if (!here && client.ops->recv(client.self, &event) == MOVEX_OK) {
            ck_assert_msg(event.kind == MOVEX_IO_OPENED, "not opened: %s", event.text);
            ck_assert_uint_eq(event.link, link);
            here = true;
        }
        if (!there && server.ops->recv(server.self, &event) == MOVEX_OK) {
            ck_assert_int_eq(event.kind, MOVEX_IO_OPENED);
            ck_assert_uint_ne(event.link, 0);
            if (server_side) *server_side = event.link;
            there = true;
        }
    }
    return link;
}

static void fill(unsigned char *bytes, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++) bytes[i] = (unsigned char)((i * 31 + (i >> 8) + seed * 97) & 0xff);
}

static int send_filled(movex_io io, movex_link link, size_t length, unsigned seed)
{
    unsigned char *frame = malloc(length);
    fill(frame, length, seed);
    int status = io.ops->send(io.self, link, frame, length);
    free(frame);
    return status;
}

static void check_filled(movex_io_event event, movex_link link, size_t length, unsigned seed)
{
    unsigned char *frame = malloc(length);
    fill(frame, length, seed);
    ck_assert_int_eq(event.kind, MOVEX_IO_MESSAGE);
    ck_assert_uint_eq(event.link, link);
    ck_assert_uint_eq(event.length, length);
    ck_assert_mem_eq(event.data, frame, length);
    free(frame);
}

START_TEST(events_come_in_order)
{
    movex_io       server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){0});
    movex_link     there, here = dial(client);
    movex_io_event event = expect(server, client, MOVEX_IO_OPENED);
    there = event.link;
    expect_text(event, "127.0.0.1:");
    event = expect(client, server, MOVEX_IO_OPENED);
    ck_assert_uint_eq(event.link, here);
    ck_assert_str_eq(event.text, strstr(url, "//") + 2);

    for (unsigned i = 1; i <= 300; i++) ck_assert_int_eq(send_filled(client, here, i, i), MOVEX_OK);
    client.ops->close(client.self, here);
    for (unsigned i = 1; i <= 300; i++) check_filled(next(server, client), there, i, i);
    event = expect(server, client, MOVEX_IO_CLOSED);
    ck_assert_uint_eq(event.link, there);
    expect_text(event, "the other side closed the connection");
    ck_assert_int_eq(send_filled(server, there, 10, 0), MOVEX_ERR_CLOSED);
    ck_assert_int_eq(send_filled(client, here, 10, 0), MOVEX_ERR_CLOSED);
    expect_nothing(client, 20);
    destroy(client);
    destroy(server);
}
END_TEST

START_TEST(both_ways_at_once)
{
    movex_io   server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){0});
    movex_link there, here = join(client, server, &there);
    unsigned   sent = 0, up = 0, down = 0;
    while (up < 2000 || down < 2000) {
        movex_io_event event;
        if (sent < 2000) {
            ck_assert_int_eq(send_filled(client, here, 1 + sent % 700, sent), MOVEX_OK);
            ck_assert_int_eq(send_filled(server, there, 1 + sent % 900, sent + 1), MOVEX_OK);
            sent++;
        }
        while (server.ops->recv(server.self, &event) == MOVEX_OK) check_filled(event, there, 1 + up % 700, up), up++;
        while (client.ops->recv(client.self, &event) == MOVEX_OK)
            check_filled(event, here, 1 + down % 900, down + 1), down++;
    }
    destroy(server);
    destroy(client);
}
END_TEST

START_TEST(many_links)
{
    enum { links = 150 };
    movex_io   server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){.max_links = links});
    movex_link here[links], there[links];
    bool       seen[links] = {false};
    for (int i = 0; i < links; i++) here[i] = join(client, server, &there[i]);
    movex_link one_more;
    ck_assert_int_eq(client.ops->open(client.self, NULL, &one_more), MOVEX_ERR_LIMIT);
    for (int i = 0; i < links; i++) ck_assert_int_eq(send_filled(server, there[i], 40, (unsigned)i), MOVEX_OK);
    for (int n = 0; n < links; n++) {
        movex_io_event event = expect(client, server, MOVEX_IO_MESSAGE);
        int            i = 0;
        while (i < links && here[i] != event.link) i++;
        ck_assert_int_lt(i, links);
        ck_assert(!seen[i]);
        seen[i] = true;
        check_filled(event, here[i], 40, (unsigned)i);
    }
    destroy(client);
    for (int n = 0; n < links; n++) expect_text(expect(server, server, MOVEX_IO_CLOSED), "the other side closed");
    destroy(server);
}
END_TEST

/* A mesh: each of them listens, and each dials all, itself as well. Every link carries frames both ways. */
START_TEST(one_emitter_listens_and_dials)
{
    enum { members = 3, all = members * members };
    movex_io   io[members];
    movex_link dialled[members][members];
    uint32_t   opened[members] = {0}, taken[members] = {0}, answers[members] = {0};
    char       urls[members][sizeof url];
    for (int i = 0; i < members; i++) {
        io[i] = listener((movex_ws_config){0});
        memcpy(urls[i], url, sizeof url);
    }
    for (int i = 0; i < all; i++)
        ck_assert_int_eq(io[i / members].ops->open(io[i / members].self, urls[i % members],
                                                   &dialled[i / members][i % members]),
                         MOVEX_OK);
    uint64_t until = movex_system_now_ms() + PATIENCE_MS;
    for (int done = 0; done < members;) {
        ck_assert_uint_lt(movex_system_now_ms(), until);
        done = 0;
        for (int i = 0; i < members; i++) {
            movex_io_event event;
            while (io[i].ops->recv(io[i].self, &event) == MOVEX_OK) {
                int k = 0;
                while (k < members && dialled[i][k] != event.link) k++;
                ck_assert_msg(event.kind != MOVEX_IO_CLOSED, "closed: %s", event.text);
                if (event.kind == MOVEX_IO_OPENED) {
                    opened[i]++;
                    if (k < members) ck_assert_int_eq(send_filled(io[i], event.link, 100, 7), MOVEX_OK);
                    continue;
                }
                check_filled(event, event.link, 100, k < members ? 8 : 7);
                if (k < members)
                    answers[i]++;
                else
                    taken[i]++;
                if (k == members) ck_assert_int_eq(send_filled(io[i], event.link, 100, 8), MOVEX_OK);
            }
            done += opened[i] == 2 * members && taken[i] == members && answers[i] == members;
            io[i].ops->wait(io[i].self, 1);
        }
    }
    for (int i = 0; i < members; i++) destroy(io[i]);
}
END_TEST

START_TEST(large_frames_are_exact)
{
    const size_t sizes[] = {1, 125, 126, 127, 1023, 1024, 1040, 4095, 4096, 4112, 65535, 65536, 65537, 300000, 1 << 20};
    movex_ws_config config = {.max_frame = 1 << 20};
    movex_io        server = listener(config), client = dialler(config);
    movex_link      there, here = join(client, server, &there);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_int_eq(send_filled(client, here, sizes[i], 1), MOVEX_OK);
        check_filled(next(server, client), there, sizes[i], 1);
        ck_assert_int_eq(send_filled(server, there, sizes[i], 2), MOVEX_OK);
        check_filled(next(client, server), here, sizes[i], 2);
    }
    ck_assert_int_eq(send_filled(server, there, config.max_frame + 1, 2), MOVEX_ERR_ARGUMENT);
    ck_assert_int_eq(server.ops->send(server.self, there, "", 0), MOVEX_ERR_ARGUMENT);
    destroy(server);
    destroy(client);
}
END_TEST

START_TEST(longer_frames_close_the_link)
{
    movex_io       server = listener((movex_ws_config){.max_frame = 1000});
    movex_io       client = dialler((movex_ws_config){.max_frame = 5000});
    movex_link     there, here = join(client, server, &there);
    movex_io_event event;
    ck_assert_int_eq(send_filled(client, here, 1000, 3), MOVEX_OK);
    check_filled(next(server, client), there, 1000, 3);
    ck_assert_int_eq(send_filled(client, here, 1001, 3), MOVEX_OK);
    event = next(server, server);
    ck_assert_int_eq(event.kind, MOVEX_IO_CLOSED);
    ck_assert_str_eq(event.text, "a frame longer than 1000 bytes");
    event = expect(client, server, MOVEX_IO_CLOSED);
    ck_assert_uint_eq(event.link, here);
    ck_assert_str_eq(event.text, "the other side closed the connection: a frame longer than 1000 bytes");
    destroy(client);
    destroy(server);
}
END_TEST

/* The server takes nothing, so the client's queue must fill, and what the client has been told was taken must come. */
START_TEST(back_pressure_loses_nothing)
{
    counted         memory = {0};
    movex_ws_config config = {.queue_bytes = 100000, .allocator = counting(&memory)};
    movex_io        server = listener((movex_ws_config){0}), client = dialler(config);
    movex_link      there, here = join(client, server, &there);
    unsigned        sent = 0, got = 0;
    while (send_filled(client, here, 30000, sent) == MOVEX_OK) ck_assert_uint_lt(sent++, 5000);
    ck_assert_int_eq(send_filled(client, here, 30000, sent), MOVEX_ERR_AGAIN);
    ck_assert_uint_lt(memory.bytes, 100000 * 4);

    /* Whole megabytes later, both ways of noticing room: wait returns, and send takes frames again. */
    uint64_t until = movex_system_now_ms() + PATIENCE_MS;
    unsigned room = 0;
    while (room < 20) {
        movex_io_event event;
        ck_assert_uint_lt(movex_system_now_ms(), until);
        if (server.ops->recv(server.self, &event) == MOVEX_OK) check_filled(event, there, 30000, got), got++;
        client.ops->wait(client.self, 0);
        ck_assert_int_eq(client.ops->recv(client.self, &event), MOVEX_ERR_AGAIN);
        if (send_filled(client, here, 30000, sent) == MOVEX_OK) sent++, room++;
    }
    client.ops->close(client.self, here);
    while (got < sent) check_filled(next(server, client), there, 30000, got), got++;
    expect(server, client, MOVEX_IO_CLOSED);
    destroy(client);
    destroy(server);
    ck_assert_uint_eq(memory.blocks, 0);
}
END_TEST

#ifdef __linux__
/* Idle links are not looked at when others do something; but for one look at all each second. */
START_TEST(a_turn_costs_what_is_active)
{
    enum { idle = 100, frames = 1000 };
    movex_io   server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){.max_links = idle + 1});
    movex_link there, here;
    for (int i = 0; i < idle; i++) join(client, server, NULL);
    here = join(client, server, &there);
    uint64_t before = polls_so_far.descriptors;
    for (unsigned i = 0; i < frames; i++) {
        ck_assert_int_eq(send_filled(client, here, 20, i), MOVEX_OK);
        check_filled(next(server, client), there, 20, i);
        ck_assert_int_eq(send_filled(server, there, 20, i), MOVEX_OK);
        check_filled(next(client, server), here, 20, i);
    }
    ck_assert_uint_lt(polls_so_far.descriptors - before, frames * idle / 10);
    destroy(client);
    destroy(server);
}
END_TEST

/* That a full socket takes something again is noticed by itself, and not at the next look at all. */
START_TEST(room_is_noticed)
{
    enum { frames = 1000 };
    movex_io   server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){.queue_bytes = 100000});
    movex_link there, here = join(client, server, &there);
    unsigned   sent = 0, got = 0, times = 0, without_pass = 0;
    while (sent < frames) {
        uint64_t before = polls_so_far.passes;
        while (sent < frames && send_filled(client, here, 30000, sent) == MOVEX_OK) sent++;
        unsigned waiting = sent;
        while (got < sent && sent == waiting) {
            check_filled(next(server, client), there, 30000, got), got++;
            sent += sent < frames && send_filled(client, here, 30000, sent) == MOVEX_OK;
        }
        times++;
        without_pass += polls_so_far.passes == before;
    }
    client.ops->close(client.self, here);
    while (got < sent) check_filled(next(server, client), there, 30000, got), got++;
    expect(server, client, MOVEX_IO_CLOSED);
    ck_assert_uint_gt(times, 4);
    ck_assert_uint_gt(without_pass, times / 2);
    destroy(client);
    destroy(server);
}
END_TEST
#endif

/* A slow program's unread bytes stay with the sender: what the receiver holds is bounded, whatever is sent. */
START_TEST(a_slow_receiver_stops_the_sender)
{
    counted  memory = {0};
    movex_io server = listener((movex_ws_config){.allocator = counting(&memory)}),
             client = dialler((movex_ws_config){0});
    movex_link there, here = join(client, server, &there);
    unsigned   sent = 0, got = 0;
    for (int i = 0; i < 2000; i++) {
        movex_io_event event;
        while (send_filled(client, here, 2000, sent) == MOVEX_OK) sent++;
        ck_assert_int_eq(client.ops->recv(client.self, &event), MOVEX_ERR_AGAIN);
        server.ops->wait(server.self, 1);
        ck_assert_uint_lt(memory.bytes, 200000);
        if (i < 1900) continue;
        ck_assert_int_eq(server.ops->recv(server.self, &event), MOVEX_OK);
        check_filled(event, there, 2000, got), got++;
    }
    ck_assert_uint_gt(sent, 500);
    while (got < sent) {
        movex_io_event event = next(server, client);
        check_filled(event, there, 2000, got), got++;
    }
    destroy(server);
    destroy(client);
    ck_assert_uint_eq(memory.blocks, 0);
}
END_TEST

/* What recv lends stays as it is until the next recv, whatever happens in between. */
START_TEST(lent_frames_stay)
{
    movex_io       server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){0});
    movex_link     there, here = join(client, server, &there);
    unsigned char  expected[5000];
    movex_io_event event;
    fill(expected, sizeof expected, 7);
    ck_assert_int_eq(send_filled(client, here, sizeof expected, 7), MOVEX_OK);
    event = next(server, client);
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_int_eq(send_filled(client, here, 20000, i), MOVEX_OK);
        server.ops->wait(server.self, 5);
    }
    server.ops->send(server.self, there, "x", 1);
    server.ops->close(server.self, there);
    server.ops->wait(server.self, 5);
    ck_assert_uint_eq(event.length, sizeof expected);
    ck_assert_mem_eq(event.data, expected, sizeof expected);
    destroy(client);
    destroy(server);
}
END_TEST

/* A program's own close brings no CLOSED and no more messages, but delivers what was sent. The queue is larger than what
   a socket takes at once when it has room again. */
START_TEST(own_close_is_silent_and_clean)
{
    movex_io   server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){.queue_bytes = 16 << 20});
    movex_link there, here = join(client, server, &there);
    unsigned   sent = 0, got = 0;
    for (int i = 0; i < 5; i++) ck_assert_int_eq(send_filled(server, there, 100, 0), MOVEX_OK);
    while (send_filled(client, here, 5000, sent) == MOVEX_OK) ck_assert_uint_lt(sent++, 20000);
    client.ops->close(client.self, here);
    client.ops->close(client.self, here);
    client.ops->close(client.self, 0);
    client.ops->close(client.self, 12345);
    expect_nothing(client, 50); /* the sockets are full by now, and a queue still waits behind them */
    while (got < sent) {        /* room for a little at a time, so that the queue goes out in many pieces */
        movex_io_event event;
        if (server.ops->recv(server.self, &event) == MOVEX_OK) check_filled(event, there, 5000, got), got++;
        ck_assert_int_eq(client.ops->recv(client.self, &event), MOVEX_ERR_AGAIN);
    }
    expect(server, client, MOVEX_IO_CLOSED);
    expect_nothing(client, 50);
    destroy(client);
    destroy(server);
}
END_TEST

/* A number that is gone means no later link. */
START_TEST(numbers_are_not_mixed_up)
{
    enum { rounds = 40 };
    movex_io   server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){0});
    movex_link gone[rounds];
    for (int i = 0; i < rounds; i++) {
        movex_link there, here = join(client, server, &there);
        for (int k = 0; k < i; k++) {
            ck_assert_uint_ne(gone[k], here);
            ck_assert_int_eq(send_filled(client, gone[k], 10, 0), MOVEX_ERR_CLOSED);
            client.ops->close(client.self, gone[k]);
        }
        ck_assert_int_eq(send_filled(client, here, 10, 1), MOVEX_OK);
        check_filled(next(server, client), there, 10, 1);
        client.ops->close(client.self, here);
        ck_assert_uint_eq(expect(server, client, MOVEX_IO_CLOSED).link, there);
        gone[i] = here;
    }
    destroy(client);
    destroy(server);
}
END_TEST

/* What a server counts for its bound on connections goes down again: many more than it holds at once may come one by one. */
START_TEST(many_connections_one_by_one)
{
    movex_io server = listener((movex_ws_config){.max_links = 2}), client = dialler((movex_ws_config){0});
    for (int i = 0; i < 60; i++) {
        movex_link there, here = join(client, server, &there);
        client.ops->close(client.self, here);
        ck_assert_uint_eq(expect(server, client, MOVEX_IO_CLOSED).link, there);
    }
    destroy(client);
    destroy(server);
}
END_TEST

START_TEST(dialling_again_after_a_loss)
{
    movex_io   server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){0});
    char       address[32];
    movex_link previous = 0;
    snprintf(address, sizeof address, "127.0.0.1:%u", movex_ws_port(server));
    for (int i = 0; i < 5; i++) {
        movex_link there, here = join(client, server, &there);
        ck_assert_uint_ne(here, previous);
        previous = here;
        ck_assert_int_eq(send_filled(client, here, 10, 1), MOVEX_OK);
        check_filled(next(server, client), there, 10, 1);
        destroy(server);
        ck_assert_uint_eq(expect(client, client, MOVEX_IO_CLOSED).link, here);
        dial(client);
        expect_text(expect(client, client, MOVEX_IO_CLOSED), "refused");
        server = listener((movex_ws_config){.address = address});
    }
    destroy(client);
    destroy(server);
}
END_TEST

START_TEST(dialling_what_is_not_there)
{
    static const struct {
        const char *url, *text;
    } cases[] = {
        {"ws://127.0.0.1:1/", "refused"},
        {"ws://[::1]:1/a/b?c=d", "refused, or there is no way"},
        {"ws://localhost:1", ""},
        {"ws://nonexistent.invalid", "no such host"},
        {"ws://nonexistent.invalid:9000/x", "no such host"},
    };
    movex_io io = dialler((movex_ws_config){.connect_seconds = 2});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        movex_link     link = 0;
        movex_io_event event;
        ck_assert_int_eq(io.ops->open(io.self, cases[i].url, &link), MOVEX_OK);
        event = expect(io, io, MOVEX_IO_CLOSED);
        ck_assert_uint_eq(event.link, link);
        expect_text(event, cases[i].text);
        ck_assert_int_eq(send_filled(io, link, 1, 0), MOVEX_ERR_CLOSED);
    }
    expect_nothing(io, 20);
    destroy(io);
}
END_TEST

START_TEST(bad_urls)
{
    static const char *const urls[] = {
        "",         "ws:",        "ws://",     "ws:///x",   "ws://:9000",      "http://127.0.0.1", "127.0.0.1:9000",
        "ws://a:0", "ws://a:",    "ws://a:x",  "ws://a:1x", "ws://a:65536",    "ws://a:999999",    "ws://u@a:1",
        "ws://a b", "ws://[::1",  "ws://[]:1", "ws://[a]",  "ws://[::1]x",     "ws://a/\r\nHost:", "ws://a/ x",
        "ws://a/#", "ws://+/tmp", "ws://a?x",  "WS://a",    "ws://a\r\nX: y/", "wsss://a",         "ws://a:-1",
    };
    movex_io   io = movex_ws_new(&(movex_ws_config){0});
    movex_link link = 77;
    char       longest[400];
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        ck_assert_msg(io.ops->open(io.self, urls[i], &link) == MOVEX_ERR_ADDRESS, "'%s' was let through", urls[i]);
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "ws://", 5);
    longest[sizeof longest - 1] = '\0';
    ck_assert_int_eq(io.ops->open(io.self, longest, &link), MOVEX_ERR_ADDRESS);
    ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_ERR_ADDRESS);
    ck_assert_int_eq(io.ops->listen(io.self), MOVEX_ERR_ADDRESS);
    expect_nothing(io, 10);
    destroy(io);
}
END_TEST

START_TEST(listen_addresses)
{
    static const char *const bad[] = {"",
                                      "9000",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:x",
                                      "127.0.0.1:70000",
                                      "[::1]",
                                      "[::1:80",
                                      "a b:1",
                                      "127.0.0.1:80/x",
                                      "::1:9000",
                                      "nonexistent.invalid:9000",
                                      "192.0.2.1:9000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        movex_io io = movex_ws_listen(bad[i]);
        ck_assert_msg(io.ops->listen(io.self) == MOVEX_ERR_ADDRESS, "'%s' was let through", bad[i]);
        ck_assert_uint_eq(movex_ws_port(io), 0);
        destroy(io);
    }
    static const char *const good[] = {"127.0.0.1:0", ":0", "localhost:0", "0.0.0.0:0"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        movex_io io = listener((movex_ws_config){.address = good[i]}), client = dialler((movex_ws_config){0});
        join(client, io, NULL);
        ck_assert_int_eq(io.ops->listen(io.self), MOVEX_ERR_EXISTS);
        destroy(client);
        destroy(io);
    }
}
END_TEST

START_TEST(ipv6)
{
    movex_io       server = movex_ws_listen("[::1]:0"), client = movex_ws_connect("ws://[::1]:1");
    movex_io_event event;
    movex_link     link;
    if (server.ops->listen(server.self) == MOVEX_OK) { /* not every machine has it */
        snprintf(url, sizeof url, "ws://[::1]:%u/path", movex_ws_port(server));
        ck_assert_int_eq(client.ops->open(client.self, url, &link), MOVEX_OK);
        event = expect(server, client, MOVEX_IO_OPENED);
        expect_text(event, "[::1]:");
        expect(client, server, MOVEX_IO_OPENED);
    }
    destroy(client);
    destroy(server);
}
END_TEST

START_TEST(address_in_use)
{
    movex_io first = listener((movex_ws_config){0});
    char     address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", movex_ws_port(first));
    movex_io second = movex_ws_listen(address);
    ck_assert_int_eq(second.ops->listen(second.self), MOVEX_ERR_ADDRESS_IN_USE);
    destroy(first);
    ck_assert_int_eq(second.ops->listen(second.self), MOVEX_OK);
    ck_assert_uint_eq(movex_ws_port(second), (unsigned)atoi(address + 10));
    destroy(second);
}
END_TEST

START_TEST(settings_out_of_range)
{
    static const movex_ws_config bad[] = {
        {.max_frame = 255},     {.max_frame = (16 << 20) + 1}, {.max_links = 1000001},     {.ping_seconds = 30},
        {.hangup_seconds = 20}, {.connect_seconds = 100000},   {.hangup_seconds = 100000},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        movex_ws_config config = bad[i];
        movex_link      link;
        config.address = "127.0.0.1:0";
        movex_io io = movex_ws_new(&config);
        ck_assert_ptr_nonnull(io.self);
        ck_assert_uint_ge(io.ops->max_frame, MOVEX_IO_MIN_FRAME);
        ck_assert_int_eq(io.ops->open(io.self, "ws://127.0.0.1:1", &link), MOVEX_ERR_ARGUMENT);
        ck_assert_int_eq(io.ops->listen(io.self), MOVEX_ERR_ARGUMENT);
        destroy(io);
    }
    ck_assert_uint_eq(movex_ws_port((movex_io){0}), 0);
}
END_TEST

START_TEST(further_links_are_turned_away)
{
    movex_io   server = listener((movex_ws_config){.max_links = 2}), client = dialler((movex_ws_config){0});
    movex_link there, first = join(client, server, &there);
    join(client, server, NULL);
    movex_link third = dial(client);
    ck_assert_uint_eq(expect(client, server, MOVEX_IO_CLOSED).link, third);
    client.ops->close(client.self, first);
    ck_assert_uint_eq(expect(server, client, MOVEX_IO_CLOSED).link, there);
    join(client, server, NULL);
    destroy(client);
    destroy(server);
}
END_TEST

static void *wake_later(void *io)
{
    movex_io *emitter = io;
    movex_system_sleep_ms(100);
    emitter->ops->wake(emitter->self);
    return NULL;
}

START_TEST(wake_ends_wait)
{
    movex_io  io = listener((movex_ws_config){0});
    pthread_t thread;
    for (int i = 0; i < 3; i++) {
        uint64_t start = movex_system_now_ms();
        ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, &io), 0);
        ck_assert_int_eq(io.ops->wait(io.self, 5000), MOVEX_OK);
        ck_assert_uint_lt(movex_system_now_ms() - start, 2000);
        ck_assert_uint_ge(movex_system_now_ms() - start, 90);
        pthread_join(thread, NULL);
    }
    io.ops->wake(io.self); /* a wake that comes before the wait is not lost, and counts once */
    uint64_t start = movex_system_now_ms();
    io.ops->wait(io.self, 5000);
    ck_assert_uint_lt(movex_system_now_ms() - start, 1000);
    start = movex_system_now_ms();
    io.ops->wait(io.self, 120);
    ck_assert_uint_ge(movex_system_now_ms() - start, 119);
    ck_assert_uint_lt(movex_system_now_ms() - start, 1000);
    destroy(io);
}
END_TEST

START_TEST(wait_ends_when_something_comes)
{
    movex_io       server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){0});
    movex_link     there, here = join(client, server, &there);
    movex_io_event event;
    uint64_t       start = movex_system_now_ms();
    ck_assert_int_eq(send_filled(client, here, 50, 1), MOVEX_OK);
    server.ops->wait(server.self, 5000);
    ck_assert_uint_lt(movex_system_now_ms() - start, 1000);
    ck_assert_int_eq(server.ops->recv(server.self, &event), MOVEX_OK);
    check_filled(event, there, 50, 1);
    destroy(server);
    destroy(client);
}
END_TEST

START_TEST(nothing_is_left)
{
    counted         memory = {0};
    movex_ws_config config = {.allocator = counting(&memory)};
    movex_io        server = listener(config), client = dialler(config);
    movex_link      there, here = join(client, server, &there);
    join(client, server, NULL);
    for (int i = 0; i < 300; i++) send_filled(client, here, 60000, 1), send_filled(server, there, 60000, 1);
    dial(client);
    server.ops->wait(server.self, 20);
    destroy(client);
    destroy(server);
    ck_assert_uint_eq(memory.blocks, 0);
    ck_assert_uint_eq(memory.bytes, 0);
    ck_assert_uint_gt(memory.calls, 5);
}
END_TEST

START_TEST(no_allocation_once_warm)
{
    counted         memory = {0};
    movex_ws_config config = {.allocator = counting(&memory)};
    movex_io        server = listener(config), client = dialler(config);
    movex_link      there, here = join(client, server, &there);
    uint64_t        calls = 0;
    for (unsigned i = 0; i < 200; i++) {
        ck_assert_int_eq(send_filled(client, here, 300, i), MOVEX_OK);
        check_filled(next(server, client), there, 300, i);
        ck_assert_int_eq(send_filled(server, there, 300, i), MOVEX_OK);
        check_filled(next(client, server), here, 300, i);
        if (i == 5) calls = memory.calls;
    }
    ck_assert_uint_eq(memory.calls, calls);
    destroy(server);
    destroy(client);
}
END_TEST

/* Memory runs out at the i-th request: no crash, nothing left, and each link that was dialled ends in an event. */
START_TEST(memory_runs_out)
{
    counted         memory = {.fail_from = (uint64_t)_i + 1}, other = {0};
    movex_ws_config failing = {.url = "ws://127.0.0.1:1", .address = "127.0.0.1:0", .allocator = counting(&memory)};
    failing = carried(failing);
    movex_io peer = listener((movex_ws_config){.allocator = counting(&other)}), io = movex_ws_new(&failing);
    if (io.self) {
        movex_link     link, back;
        movex_io_event event;
        bool           dialled = io.ops->open(io.self, url, &link) == MOVEX_OK, over = !dialled;
        if (io.ops->listen(io.self) == MOVEX_OK) {
            aim_at(io);
            ck_assert_int_eq(peer.ops->open(peer.self, url, &back), MOVEX_OK);
        }
        for (int i = 0; i < 60; i++) {
            while (io.ops->recv(io.self, &event) == MOVEX_OK) {
                if (event.kind == MOVEX_IO_OPENED) io.ops->send(io.self, event.link, "hello", 5);
                if (dialled && event.link == link) over = over || event.kind != MOVEX_IO_MESSAGE;
            }
            while (peer.ops->recv(peer.self, &event) == MOVEX_OK)
                if (event.kind == MOVEX_IO_OPENED) send_filled(peer, event.link, 9000, 1);
            io.ops->wait(io.self, 1);
        }
        ck_assert(over);
        destroy(io);
    }
    destroy(peer);
    ck_assert_uint_eq(memory.blocks, 0);
    ck_assert_uint_eq(other.blocks, 0);
}
END_TEST

static void on_pipe(int signal)
{
    (void)signal;
}

START_TEST(signals_are_left_alone)
{
    struct sigaction before = {.sa_handler = on_pipe}, after;
    ck_assert_int_eq(sigaction(SIGPIPE, &before, NULL), 0);
    movex_io server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){0});
    join(client, server, NULL);
    ck_assert_int_eq(sigaction(SIGPIPE, NULL, &after), 0);
    ck_assert(after.sa_handler == on_pipe);
    destroy(server);
    destroy(client);
}
END_TEST

START_TEST(a_proxy_of_the_environment_is_not_asked)
{
    ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    movex_io server = listener((movex_ws_config){0}), client = dialler((movex_ws_config){0});
    join(client, server, NULL);
    destroy(server);
    destroy(client);
}
END_TEST

/* --- peers that speak by hand */

static int raw_connect(movex_io server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(movex_ws_port(server))};
    int                fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void raw_write(int fd, const void *bytes, size_t length)
{
    ck_assert_int_eq(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* Reads while the server is driven: until `until` is seen (NULL: until the connection ends). Bytes read. */
static size_t raw_read(int fd, movex_io server, char *into, size_t size, const char *until)
{
    uint64_t deadline = movex_system_now_ms() + PATIENCE_MS;
    size_t   length = 0;
    for (;;) {
        struct pollfd  ready = {.fd = fd, .events = POLLIN};
        movex_io_event event;
        ck_assert_uint_lt(movex_system_now_ms(), deadline);
        ck_assert_int_eq(server.ops->recv(server.self, &event), MOVEX_ERR_AGAIN);
        if (poll(&ready, 1, 1) != 1) continue;
        ssize_t got = recv(fd, into + length, size - 1 - length, 0);
        if (got <= 0) return length;
        length += (size_t)got;
        into[length] = '\0';
        if (until && strstr(into, until)) return length;
    }
}

static size_t raw_request(int fd, movex_io server, const char *more, char *answer, size_t size)
{
    char request[512];
    int  length = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", more);
    raw_write(fd, request, (size_t)length);
    return raw_read(fd, server, answer, size, "\r\n\r\n");
}

#define UPGRADE                                                                                                        \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                                       \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static int raw_join(movex_io server, movex_link *link)
{
    char answer[1024];
    int  fd = raw_connect(server);
    char request[] = "GET /any HTTP/1.1\r\nHost: x\r\n" UPGRADE "Sec-WebSocket-Protocol: other, movex.1\r\n\r\n";
    raw_write(fd, request, sizeof request - 1);
    *link = expect(server, server, MOVEX_IO_OPENED).link;
    raw_read(fd, server, answer, sizeof answer, "\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, "101"));
    ck_assert_ptr_nonnull(strstr(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    ck_assert_ptr_nonnull(strstr(answer, "movex.1"));
    return fd;
}

/* A client's frame with the mask 0: header and payload. */
static void raw_frame(int fd, unsigned first_byte, const void *payload, size_t length)
{
    unsigned char frame[2100] = {(unsigned char)first_byte};
    size_t        at = 2;
    ck_assert_uint_le(length, 2000);
    if (length < 126) {
        frame[1] = (unsigned char)(0x80 | length);
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
        at = 4;
    }
    at += 4;
    if (length) memcpy(frame + at, payload, length);
    raw_write(fd, frame, at + length);
}

START_TEST(fragments_are_joined)
{
    movex_io       server = listener((movex_ws_config){0});
    movex_link     link;
    int            fd = raw_join(server, &link);
    movex_io_event event;
    raw_frame(fd, 0x02, "one ", 4);
    raw_frame(fd, 0x00, "", 0);
    raw_frame(fd, 0x89, "ping", 4);
    raw_frame(fd, 0x00, "two ", 4);
    expect_nothing(server, 30);
    raw_frame(fd, 0x80, "three", 5);
    raw_frame(fd, 0x82, "next", 4);
    event = expect(server, server, MOVEX_IO_MESSAGE);
    ck_assert_uint_eq(event.length, 13);
    ck_assert_mem_eq(event.data, "one two three", 13);
    event = expect(server, server, MOVEX_IO_MESSAGE);
    ck_assert_mem_eq(event.data, "next", 4);
    close(fd);
    expect_text(expect(server, server, MOVEX_IO_CLOSED), "the connection was lost");
    destroy(server);
}
END_TEST

START_TEST(frames_byte_by_byte)
{
    movex_io          server = listener((movex_ws_config){0});
    movex_link        link;
    int               fd = raw_join(server, &link);
    static const char frames[] = "\x82\x83"
                                 "abcd"
                                 "\x00\x01\x02"
                                 "\x82\x81"
                                 "\0\0\0\0"
                                 "z";
    for (size_t i = 0; i < sizeof frames - 1; i++) {
        raw_write(fd, frames + i, 1);
        server.ops->wait(server.self, 2);
    }
    movex_io_event event = expect(server, server, MOVEX_IO_MESSAGE);
    ck_assert_uint_eq(event.length, 3);
    ck_assert_mem_eq(event.data, "aca", 3);
    event = expect(server, server, MOVEX_IO_MESSAGE);
    ck_assert_mem_eq(event.data, "z", 1);
    close(fd);
    destroy(server);
}
END_TEST

/* Each hostile input ends its own link with a text that names the cause, and no other. */
START_TEST(hostile_frames_close_their_link)
{
    static const struct {
        const char *bytes;
        size_t      length;
        const char *text;
    } cases[] = {
        {"\x81\x83\0\0\0\0abc", 9, "a text message"},
        {"\x82\x80\0\0\0\0", 6, "an empty frame"},
        {"\x82\xff\0\0\0\0\0\1\0\1\0\0\0\0", 14, "a frame longer than 65536 bytes"},
        {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 15, "a frame longer than 65536 bytes"},
        {"\x83\x81\0\0\0\0x", 7, "lost"},
        {"\x80\x81\0\0\0\0x", 7, "lost"},
        {"\xf2\x81\0\0\0\0x", 7, "lost"},
        {"\x88\x82\0\0\0\0\x03\xe8", 8, "the other side closed the connection"},
        {"\x88\x87\0\0\0\0\x03\xe9"
         "a\x1b[31",
         13, "the other side closed the connection: a?[31"},
    };
    movex_io   server = listener((movex_ws_config){0});
    movex_link good, bad;
    int        good_fd = raw_join(server, &good);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = raw_join(server, &bad);
        raw_write(fd, cases[i].bytes, cases[i].length);
        /* A header alone says nothing to the emitter yet: its first byte must come. */
        if (cases[i].length == 14) raw_write(fd, "x", 1);
        movex_io_event event = expect(server, server, MOVEX_IO_CLOSED);
        ck_assert_uint_eq(event.link, bad);
        expect_text(event, cases[i].text);
        close(fd);
    }
    raw_frame(good_fd, 0x82, "still here", 10);
    ck_assert_uint_eq(expect(server, server, MOVEX_IO_MESSAGE).link, good);
    close(good_fd);
    destroy(server);
}
END_TEST

/* Fragments of allowed size whose sum is not: the bound is on the frame, and memory stays within it. */
START_TEST(endless_fragments)
{
    counted       memory = {0};
    movex_io      server = listener((movex_ws_config){.max_frame = 4000, .allocator = counting(&memory)});
    movex_link    link;
    int           fd = raw_join(server, &link);
    unsigned char part[1000] = {0};
    raw_frame(fd, 0x02, part, sizeof part);
    for (int i = 0; i < 3; i++) raw_frame(fd, 0x00, part, sizeof part);
    expect_nothing(server, 30);
    raw_frame(fd, 0x00, part, 1);
    expect_text(expect(server, server, MOVEX_IO_CLOSED), "a frame longer than 4000 bytes");
    ck_assert_uint_lt(memory.bytes, 30000);
    close(fd);
    destroy(server);
    ck_assert_uint_eq(memory.blocks, 0);
}
END_TEST

START_TEST(other_protocols_are_refused)
{
    static const char *const requests[] = {
        UPGRADE, UPGRADE "Sec-WebSocket-Protocol: chat\r\n", UPGRADE "Sec-WebSocket-Protocol: other\r\n",
        UPGRADE "Sec-WebSocket-Protocol: movex.10\r\n", UPGRADE "Sec-WebSocket-Protocol: movex\r\n"};
    movex_io server = listener((movex_ws_config){0});
    char     answer[2048] = "";
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int fd = raw_connect(server);
        raw_request(fd, server, requests[i], answer, sizeof answer);
        ck_assert_ptr_null(strstr(answer, "101"));
        close(fd);
    }
    int fd = raw_connect(server);
    raw_request(fd, server, "", answer, sizeof answer);
    ck_assert_ptr_nonnull(strstr(answer, "404"));
    close(fd);
    fd = raw_connect(server);
    raw_write(fd, "\x16\x03\x01 nonsense\r\n\r\n", 16);
    raw_read(fd, server, answer, sizeof answer, NULL);
    close(fd);
    destroy(server);
}
END_TEST

static bool is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

START_TEST(silent_peers_are_closed)
{
    movex_ws_config config = {.ping_seconds = 1, .hangup_seconds = 2, .connect_seconds = 1};
    movex_io        server = listener(config), client = dialler((movex_ws_config){0});
    movex_link      silent, lively, there;
    int             fd = raw_join(server, &silent);
    lively = join(client, server, &there);
    int            dumb = raw_connect(server); /* never asks for anything */
    uint64_t       start = movex_system_now_ms();
    movex_io_event event = next(server, client);
    ck_assert_int_eq(event.kind, MOVEX_IO_CLOSED);
    ck_assert_msg(event.link == silent, "link %u: %s", (unsigned)event.link, event.text);
    ck_assert_str_eq(event.text, "the other side has been silent for 2 s");
    ck_assert_uint_ge(movex_system_now_ms() - start, 1500);
    ck_assert_uint_lt(movex_system_now_ms() - start, 5000);
    unsigned char ping[2] = {0};
    ck_assert_int_eq(recv(fd, ping, 2, 0), 2);
    ck_assert_uint_eq(ping[0], 0x89);
    ck_assert(is_closed(dumb));
    for (int i = 0; i < 150; i++) { /* a peer that answers pings stays, though nothing is said */
        ck_assert_int_eq(server.ops->recv(server.self, &event), MOVEX_ERR_AGAIN);
        ck_assert_int_eq(client.ops->recv(client.self, &event), MOVEX_ERR_AGAIN);
        server.ops->wait(server.self, 20);
    }
    ck_assert_int_eq(send_filled(client, lively, 10, 1), MOVEX_OK);
    check_filled(next(server, client), there, 10, 1);
    close(fd);
    close(dumb);
    destroy(client);
    destroy(server);
}
END_TEST

/* A program that does nothing for long (a debugger, a suspended laptop) does not lose its links by that. */
START_TEST(a_pause_is_not_silence)
{
    movex_ws_config config = {.ping_seconds = 1, .hangup_seconds = 2};
    movex_io        server = listener(config), client = dialler(config);
    movex_link      there, here = join(client, server, &there);
    movex_system_sleep_ms(3500);
    expect_nothing(server, 50);
    ck_assert_int_eq(send_filled(client, here, 10, 1), MOVEX_OK);
    check_filled(next(server, client), there, 10, 1);
    destroy(client);
    destroy(server);
}
END_TEST

/* A socket that listens and does nothing more; `url` leads to it. */
static int mute_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t          length = sizeof address;
    int                fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

/* A listening socket where nobody takes connections, or answers what is no websocket. */
START_TEST(dialling_a_mute_or_another_server)
{
    int        fd = mute_server();
    movex_io   client = dialler((movex_ws_config){.connect_seconds = 1});
    uint64_t   start = movex_system_now_ms();
    movex_link link = dial(client);
    ck_assert_uint_eq(expect(client, client, MOVEX_IO_CLOSED).link, link);
    ck_assert_uint_lt(movex_system_now_ms() - start, 4000);
    close(accept(fd, NULL, NULL));

    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
        "nonsense\r\n\r\n",
        "",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        char           request[2048] = "";
        movex_io_event event;
        link = dial(client);
        int peer = accept(fd, NULL, NULL);
        raw_read(peer, client, request, sizeof request, "\r\n\r\n");
        ck_assert_ptr_nonnull(strstr(request, "movex.1"));
        raw_write(peer, answers[i], strlen(answers[i]));
        shutdown(peer, SHUT_WR);
        event = expect(client, client, MOVEX_IO_CLOSED);
        ck_assert_uint_eq(event.link, link);
        ck_assert_uint_gt(strlen(event.text), 20);
        close(peer);
    }
    close(fd);
    destroy(client);
}
END_TEST

/* A server that answers correctly but for the subprotocol, and one that answers with it. */
START_TEST(dialling_a_server_of_another_protocol)
{
    static const char *const protocols[] = {"", "Sec-WebSocket-Protocol: chat\r\n",
                                            "Sec-WebSocket-Protocol: movex.1\r\n"};
    movex_io                 client;
    int                      fd = mute_server();
    client = dialler((movex_ws_config){0});
    for (int i = 0; i < 3; i++) {
        char           request[2048] = "", key[128], hash[20], accepted[64], answer[512];
        movex_io_event event;
        dial(client);
        int peer = accept(fd, NULL, NULL);
        raw_read(peer, client, request, sizeof request, "\r\n\r\n");
        const char *given = strstr(request, "Sec-WebSocket-Key: ");
        ck_assert_ptr_nonnull(given);
        int length = snprintf(key, sizeof key, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", given + 19);
        lws_SHA1((unsigned char *)key, (size_t)length, (unsigned char *)hash);
        lws_b64_encode_string(hash, sizeof hash, accepted, sizeof accepted);
        length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                          accepted, protocols[i]);
        raw_write(peer, answer, (size_t)length);
        event = next(client, client);
        if (i < 2) {
            ck_assert_int_eq(event.kind, MOVEX_IO_CLOSED);
            expect_text(event, "does not speak movex.1");
        } else {
            ck_assert_int_eq(event.kind, MOVEX_IO_OPENED);
        }
        close(peer);
    }
    close(fd);
    destroy(client);
}
END_TEST

/* Closing what is still being dialled, at once and later, leaves nothing behind and reports nothing. */
START_TEST(closing_while_dialling)
{
    counted  memory = {0};
    movex_io server = listener((movex_ws_config){0}),
             client = dialler((movex_ws_config){.allocator = counting(&memory)});
    for (int i = 0; i < 30; i++) {
        movex_io_event event;
        movex_link     link = dial(client);
        for (int k = 0; k < i % 4; k++) {
            if (client.ops->recv(client.self, &event) == MOVEX_OK) ck_assert_int_eq(event.kind, MOVEX_IO_OPENED);
            while (server.ops->recv(server.self, &event) == MOVEX_OK) continue;
        }
        client.ops->close(client.self, link);
        ck_assert_int_eq(client.ops->recv(client.self, &event), MOVEX_ERR_AGAIN);
    }
    expect_nothing(client, 20);
    destroy(client);
    destroy(server);
    ck_assert_uint_eq(memory.blocks, 0);
}
END_TEST

START_TEST(clock_and_entropy)
{
    unsigned char first[64] = {0}, second[64] = {0};
    uint64_t      start = movex_system_now_ms();
    movex_system_sleep_ms(30);
    ck_assert_uint_ge(movex_system_now_ms() - start, 29);
    ck_assert_uint_gt(movex_system_unix_ms(), UINT64_C(1600000000000));
    ck_assert_int_eq(movex_system_entropy(NULL, first, sizeof first), MOVEX_OK);
    ck_assert_int_eq(movex_system_entropy(NULL, second, sizeof second), MOVEX_OK);
    ck_assert_mem_ne(first, second, sizeof first);
    ck_assert_int_eq(movex_system_entropy(NULL, NULL, 0), MOVEX_OK);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests, size_t count)
{
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 60);
    for (size_t i = 0; i < count; i++) tcase_add_test(group, tests[i]);
    suite_add_tcase(suite, group);
}

/* What two emitters do, over whatever carries them. */
static void add_pair(Suite *suite)
{
    const TTest *const links[] = {events_come_in_order,
                                  both_ways_at_once,
                                  many_links,
                                  many_connections_one_by_one,
                                  one_emitter_listens_and_dials,
                                  large_frames_are_exact,
                                  longer_frames_close_the_link,
                                  back_pressure_loses_nothing,
                                  a_slow_receiver_stops_the_sender,
                                  lent_frames_stay,
                                  own_close_is_silent_and_clean,
                                  numbers_are_not_mixed_up,
                                  further_links_are_turned_away,
                                  closing_while_dialling,
                                  a_pause_is_not_silence,
                                  dialling_again_after_a_loss,
                                  address_in_use,
                                  a_proxy_of_the_environment_is_not_asked};
    const TTest *const rest[] = {wake_ends_wait, wait_ends_when_something_comes, nothing_is_left,
                                 no_allocation_once_warm, signals_are_left_alone};
    add(suite, "links", links, sizeof links / sizeof *links);
#ifdef __linux__
    const TTest *const turns[] = {a_turn_costs_what_is_active, room_is_noticed};
    add(suite, "turns", turns, sizeof turns / sizeof *turns);
#endif
    add(suite, "waiting and memory", rest, sizeof rest / sizeof *rest);
    TCase *sweep = tcase_create("memory runs out");
    tcase_set_timeout(sweep, 60);
    tcase_add_loop_test(sweep, memory_runs_out, 0, 30);
    suite_add_tcase(suite, sweep);
}

static void add_plain(Suite *suite)
{
    const TTest *const addresses[] = {dialling_what_is_not_there,
                                      bad_urls,
                                      listen_addresses,
                                      ipv6,
                                      settings_out_of_range,
                                      dialling_a_mute_or_another_server,
                                      dialling_a_server_of_another_protocol,
                                      clock_and_entropy};
    const TTest *const peers[] = {fragments_are_joined, frames_byte_by_byte,         hostile_frames_close_their_link,
                                  endless_fragments,    other_protocols_are_refused, silent_peers_are_closed};
    add(suite, "addresses and the system", addresses, sizeof addresses / sizeof *addresses);
    add(suite, "peers by hand", peers, sizeof peers / sizeof *peers);
}

int main(int argument_count, char **arguments)
{
    Suite *suite = suite_create("websocket");
    over_tls = argument_count > 1 && strcmp(arguments[1], "--tls") == 0;
    add_pair(suite);
    if (!over_tls) {
        add_plain(suite);
        return movex_test_main(suite);
    }
    if (!certificates_make()) return certificates_skip();
    int status = movex_test_main(suite);
    certificates_remove();
    return status;
}
