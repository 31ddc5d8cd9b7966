/* What strangers say to a relay, and a relay to its members.

   The first byte says which: bytes as one message; frames to a relay, beside honest members; frames from a relay to a member.
   What is read as a message is written as the same bytes. Nothing leaks; whoever breaks the protocol loses that link alone;
   the honest ones notice nothing; a member keeps the contract of an emitter whatever its relay says. */
#include "fuzz.h"

#include "../../src/transports/relay/relay_internal.h"
#include "../../tools/movexd/relay.h"

#include <movex/checked.h>
#include <movex/mock.h>

#include <stdlib.h>
#include <string.h>

const size_t fuzz_record_size = 1;

static uint64_t digest;

/* ---- one message */

static void read_message(fuzz_input *input)
{
    size_t              length = fuzz_left(input);
    unsigned char      *bytes = fuzz_copy(input->at, length), again[MOVEX_RELAY_MOST_MESSAGE];
    movex_relay_message message;
    bool                sound = movex_relay_read(bytes, length, &message);
    digest = fuzz_digest_number(digest, sound);
    if (sound && !(message.kind == MOVEX_RELAY_JOIN && message.version != MOVEX_RELAY_VERSION)) {
        size_t written = movex_relay_write(&message, again);
        bool   data = message.kind == MOVEX_RELAY_DATA;
        fuzz_require(written + (data ? message.length : 0) == length && memcmp(again, bytes, written) == 0);
        if (data) fuzz_require(message.data == bytes + written);
    }
    free(bytes);
}

/* ---- a world */

typedef struct world {
    fuzz_memory   memory;
    movex_mock   *net;
    movexd_relay *relay;
    uint64_t      now_ms;
    uint8_t       random;
} world;

typedef struct player {
    movex_io   io, inside;
    movex_link link; /* the last that was opened */
    uint32_t   opened, closed, frames;
} player;

static void accuse(void *user, const char *what)
{
    (void)user;
    fuzz_fail(what, 0, "the contract of an emitter");
}

static int no_entropy(void *user, void *bytes, size_t length)
{
    memset(bytes, ++((world *)user)->random, length);
    return MOVEX_OK;
}

static player make_player(world *w, const char *name)
{
    player made = {0};
    made.inside = movex_relay(&(movex_relay_config){.io = movex_mock_connect_as(w->net, name),
                                                    .room = "r",
                                                    .name = name,
                                                    .max_links = 8,
                                                    .allocator = fuzz_allocator(&w->memory)});
    made.io = movex_checked(made.inside, &(movex_checked_config){.report = accuse});
    fuzz_require(made.io.self && made.io.ops->listen(made.io.self) == MOVEX_OK);
    return made;
}

static void poll_player(player *p)
{
    movex_io_event event;
    while (p->io.ops->recv(p->io.self, &event) == MOVEX_OK) {
        digest = fuzz_digest_number(digest, event.kind);
        digest = fuzz_digest_text(digest, event.text);
        if (event.length) digest = fuzz_digest(digest, event.data, event.length);
        p->opened += event.kind == MOVEX_IO_OPENED;
        p->closed += event.kind == MOVEX_IO_CLOSED;
        p->frames += event.kind == MOVEX_IO_MESSAGE;
        if (event.kind == MOVEX_IO_OPENED) p->link = event.link;
    }
    movex_relay_check(p->inside.self);
}

/* ---- strangers at a relay */

static void run(world *w, player *players, int ms)
{
    for (int i = 0; i < ms; i++) {
        movex_mock_poll(w->net, ++w->now_ms);
        movexd_relay_poll(w->relay, w->now_ms);
        movexd_relay_check(w->relay);
        poll_player(&players[0]);
        poll_player(&players[1]);
    }
}

static movex_link dial(movex_io io)
{
    movex_link link = 0;
    fuzz_require(io.ops->open(io.self, NULL, &link) == MOVEX_OK);
    return link;
}

/* A frame of the input, or a JOIN of somebody's. */
static size_t next_frame(fuzz_input *input, unsigned char *frame)
{
    uint8_t             kind = fuzz_u8(input);
    size_t              length = 0, wanted = kind % 64;
    movex_relay_message join = {.kind = MOVEX_RELAY_JOIN, .version = MOVEX_RELAY_VERSION, .key = kind, .room = "r"};
    join.name[0] = (char)('a' + kind % 4);
    if (kind >= 192) return movex_relay_write(&join, frame);
    while (length < wanted && fuzz_left(input)) frame[length++] = fuzz_u8(input);
    return length;
}

static void attack(fuzz_input *input)
{
    world w = {0};
    w.net = movex_mock_new(NULL);
    w.relay = movexd_relay_new(&(movexd_relay_config){.max_rooms = 3,
                                                      .max_members = 4,
                                                      .bytes_per_second = 1000,
                                                      .join_ms = 500,
                                                      .entropy = no_entropy,
                                                      .user = &w,
                                                      .allocator = fuzz_allocator(&w.memory)});
    fuzz_require(w.relay && movexd_relay_attach(w.relay, movex_mock_listen(w.net)) == MOVEX_OK);
    player     players[2] = {make_player(&w, "x"), make_player(&w, "y")};
    movex_io   stranger = movex_mock_connect_as(w.net, "stranger");
    movex_link link = dial(stranger), between[2];
    run(&w, players, 10);
    for (int i = 0; i < 2; i++) between[i] = players[i].link;
    while (fuzz_left(input)) {
        unsigned char  frame[MOVEX_RELAY_MOST_MESSAGE];
        movex_io_event event;
        size_t         length = next_frame(input, frame);
        if (length) stranger.ops->send(stranger.self, link, frame, length);
        run(&w, players, 2);
        while (stranger.ops->recv(stranger.self, &event) == MOVEX_OK)
            if (event.kind == MOVEX_IO_CLOSED) link = dial(stranger);
    }
    for (int i = 0; i < 2; i++) {
        uint32_t before = players[!i].frames;
        fuzz_require(players[i].io.ops->send(players[i].io.self, between[i], "x", 1) == MOVEX_OK);
        run(&w, players, 5);
        fuzz_require(players[!i].frames == before + 1);
    }
    for (int i = 0; i < 2; i++) players[i].io.ops->destroy(players[i].io.self);
    stranger.ops->destroy(stranger.self);
    movexd_relay_free(w.relay);
    movex_mock_free(w.net);
    fuzz_require(w.memory.blocks == 0);
}

/* ---- a relay that lies */

static void answer(fuzz_input *input, movex_io relay, movex_link link)
{
    static const unsigned char joined[] = {MOVEX_RELAY_JOINED, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 16, 0};
    unsigned char              frame[MOVEX_RELAY_MOST_MESSAGE];
    uint8_t                    kind = fuzz_u8(input);
    size_t                     length = 0, wanted = kind % 64;
    if (kind >= 192) {
        relay.ops->send(relay.self, link, joined, sizeof joined);
        return;
    }
    while (length < wanted && fuzz_left(input)) frame[length++] = fuzz_u8(input);
    if (length) relay.ops->send(relay.self, link, frame, length);
}

static void use(fuzz_input *input, player *p)
{
    static const char *const names[] = {NULL, "a", "b", "x"};
    movex_link               link = 0;
    switch (fuzz_below(input, 8)) {
    case 0: p->io.ops->close(p->io.self, p->link); break;
    case 1: p->io.ops->open(p->io.self, names[fuzz_below(input, 4)], &link); break;
    case 2: p->io.ops->send(p->io.self, p->link, "frame", 5); break;
    default: break;
    }
}

static void lie(fuzz_input *input)
{
    world w = {0};
    w.net = movex_mock_new(NULL);
    movex_io relay = movex_mock_listen(w.net);
    fuzz_require(relay.ops->listen(relay.self) == MOVEX_OK);
    player     p = make_player(&w, "x");
    movex_link link = 0;
    while (fuzz_left(input)) {
        movex_io_event event;
        movex_mock_poll(w.net, ++w.now_ms);
        while (relay.ops->recv(relay.self, &event) == MOVEX_OK)
            if (event.kind != MOVEX_IO_MESSAGE) link = event.kind == MOVEX_IO_OPENED ? event.link : 0;
        if (link) answer(input, relay, link);
        movex_mock_poll(w.net, ++w.now_ms);
        w.memory.fails_in = fuzz_below(input, 8) == 7;
        poll_player(&p);
        use(input, &p);
        w.memory.fails_in = 0;
    }
    p.io.ops->destroy(p.io.self);
    relay.ops->destroy(relay.self);
    movex_mock_free(w.net);
    fuzz_require(w.memory.blocks == 0);
}

uint64_t fuzz_run(const uint8_t *bytes, size_t length)
{
    fuzz_input input = {bytes, bytes + length};
    digest = fuzz_u8(&input) % 3;
    if (digest == 0)
        read_message(&input);
    else if (digest == 1)
        attack(&input);
    else
        lie(&input);
    return digest;
}
