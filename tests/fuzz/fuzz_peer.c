/* What others say to peers.

   The first byte says which: bytes as one message; frames of a stranger who has not said who it is, or has, to three who play; or of a
   member to two, which lies in what it says as Raft. What is read as a message is written as the same bytes. Nothing crashes, leaks,
   goes round for ever or grows without bound. A stranger is noticed by nobody. A liar who is a member may stop or spoil the room: that
   is not promised; but each peer goes on, or says why it does not. */
#include "fuzz.h"

#include "../tally_game.h"

#include "raft_wire.h"

#include <movex/mock.h>
#include <movex/peer.h>

#include "peer_wire.h"

#include <stdlib.h>
#include <string.h>

const size_t fuzz_record_size = 1;

enum { HONEST = 3, MOST_FRAME = 4096, STEP_MS = 10, MOST_BYTES = 48 << 20, LIAR = 777 };

static uint64_t digest;

/* ---- one message */

static void read_raft(fuzz_input *input)
{
    size_t             length = fuzz_left(input);
    unsigned char     *bytes = fuzz_copy(input->at, length), *again = malloc(2 * length + 8192);
    movex_raft_message message;
    movex_reader       reader = movex_reader_over(bytes, length);
    bool               sound = movex_read_raft_message(&reader, &message);
    digest = fuzz_digest_number(digest, sound);
    if (!again) abort();
    if (sound) {
        movex_writer writer = movex_writer_over(again, 2 * length + 8192);
        movex_write_raft_message(&writer, &message);
        movex_reader          entries = movex_reader_over(message.entries.bytes, message.entries.length);
        movex_raft_wire_entry entry;
        for (uint32_t i = 0; i < message.count; i++) {
            fuzz_require(movex_read_raft_entry(&entries, &entry));
            movex_write_raft_entry(&writer, &entry);
        }
        fuzz_require((size_t)(writer.at - again) == length && memcmp(again, bytes, length) == 0);
    }
    free(again);
    free(bytes);
}

static void read_hello(fuzz_input *input)
{
    size_t           length = fuzz_left(input);
    unsigned char   *bytes = fuzz_copy(input->at, length), again[MOVEX_PEER_HELLO_MOST];
    movex_peer_hello hello;
    movex_reader     reader = movex_reader_over(bytes, length);
    bool             sound = movex_read_peer_hello(&reader, &hello) && movex_reader_left(&reader) == 0;
    digest = fuzz_digest_number(digest, sound);
    if (sound && hello.protocol == MOVEX_PEER_PROTOCOL_VERSION) {
        movex_writer writer = movex_writer_over(again, sizeof again);
        movex_write_peer_hello(&writer, &hello);
        fuzz_require((size_t)(writer.at - again) == length + 1 && memcmp(again + 1, bytes, length) == 0);
    }
    free(bytes);
}

/* ---- a room, and somebody else */

typedef struct world {
    fuzz_memory     memory;
    movex_mock     *net;
    movex_peer     *peers[HONEST];
    movex_resource *at[HONEST];
    uint32_t        count, accepted[HONEST];
    uint64_t        now_ms;
    movex_io        other; /* the emitter of who lies */
    movex_link      link;  /* that it has to the first peer; 0: none */
    bool            greeted;
    uint64_t        room; /* as the first peer has said */
} world;

static const char *const names[] = {"a", "b", "c"};

static void make_peer(world *w, uint32_t i)
{
    static const movex_type *const types[] = {&tally_type, NULL};
    const char                    *addresses[HONEST];
    uint32_t                       n = 0;
    for (uint32_t k = 0; k < HONEST; k++)
        if (k != i) addresses[n++] = names[k];
    w->peers[i] = movex_peer_new(&(movex_peer_config){
        .id = names[i],
        .room = "r",
        .types = types,
        .io = movex_mock_listen_as(w->net, names[i]),
        .peers = addresses,
        .peer_count = n,
        .room_size = HONEST,
        .seed = i + 1,
        .silent_ms = 4000,
        .heartbeat_ms = 20,
        .election_ms = 100,
        .founding_ms = 100,
        .allocator = fuzz_allocator(&w->memory),
    });
    fuzz_require(w->peers[i]);
    w->at[i] = movex_bind(movex_peer_client(w->peers[i]), &tally_type, "main");
    fuzz_require(w->at[i]);
}

static void drain(world *w, uint32_t i)
{
    movex_event event;
    while (movex_peer_next(w->peers[i], &event)) {
        digest = fuzz_digest_number(digest, event.kind);
        w->accepted[i] += event.kind == MOVEX_EVENT_ACCEPTED;
        if (event.kind == MOVEX_EVENT_CLOSED) fuzz_require(event.text[0]);
    }
}

static void greet(world *w)
{
    unsigned char    bytes[MOVEX_PEER_HELLO_MOST];
    movex_writer     writer = movex_writer_over(bytes, sizeof bytes);
    movex_peer_hello hello = {.protocol = MOVEX_PEER_PROTOCOL_VERSION,
                              .room_name = {"r", 1},
                              .room = w->room,
                              .room_size = HONEST,
                              .number = LIAR,
                              .id = {"c", 1},
                              .dialled = {"a", 1},
                              .max_frame = MOST_FRAME};
    if (w->count == HONEST) hello.id = (movex_wire_text){"x", 1};
    movex_write_peer_hello(&writer, &hello);
    w->other.ops->send(w->other.self, w->link, bytes, (size_t)(writer.at - bytes));
}

/* What the other one hears; it dials again whenever its link is gone. */
static void listen(world *w)
{
    movex_io_event event;
    while (w->other.ops->recv(w->other.self, &event) == MOVEX_OK) {
        if (event.kind == MOVEX_IO_CLOSED && event.link == w->link) w->link = 0;
        if (event.kind == MOVEX_IO_OPENED && event.link == w->link && w->greeted) greet(w);
        if (event.kind != MOVEX_IO_MESSAGE) continue;
        movex_peer_hello hello;
        movex_reader     reader = movex_reader_over(event.data, event.length);
        if (movex_read_u8(&reader) == MOVEX_PEER_HELLO && movex_read_peer_hello(&reader, &hello)) w->room = hello.room;
    }
}

static void run(world *w, uint32_t ms)
{
    for (uint32_t t = 0; t < ms; t += STEP_MS) {
        w->now_ms += STEP_MS;
        movex_mock_poll(w->net, w->now_ms);
        for (uint32_t i = 0; i < w->count; i++) {
            movex_peer_poll(w->peers[i], w->now_ms);
            drain(w, i);
        }
        listen(w);
        if (!w->link) fuzz_require(w->other.ops->open(w->other.self, "a", &w->link) == MOVEX_OK);
        fuzz_require(w->memory.bytes < MOST_BYTES);
    }
}

static void begin(world *w, uint32_t honest, bool greeted)
{
    w->net = movex_mock_new(&(movex_mock_config){.max_frame = MOST_FRAME});
    w->count = honest;
    w->greeted = greeted;
    for (uint32_t i = 0; i < honest; i++) make_peer(w, i);
    w->other = movex_mock_connect_to(w->net, "other", "a");
    fuzz_require(w->other.self);
    uint32_t ready = 0;
    for (int i = 0; i < 100 && ready < honest; i++) {
        run(w, STEP_MS);
        ready = 0;
        for (uint32_t k = 0; k < honest; k++) ready += movex_in_sync(w->at[k]);
    }
    fuzz_require(ready == honest);
}

static void end(world *w)
{
    for (uint32_t i = 0; i < w->count; i++) movex_peer_free(w->peers[i]);
    w->other.ops->destroy(w->other.self);
    movex_mock_free(w->net);
    fuzz_require(w->memory.blocks == 0);
}

static void all_play(world *w)
{
    static uint64_t id;
    if (!w->accepted[0]) id = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        uint32_t before = w->accepted[i];
        fuzz_require(movex_dispatch(w->at[i], TALLY_MARK, &(tally_id){++id}));
        for (int k = 0; k < 100 && w->accepted[i] == before; k++) run(w, STEP_MS);
        fuzz_require(w->accepted[i] == before + 1);
    }
}

/* ---- frames */

static size_t some_bytes(fuzz_input *input, unsigned char *frame, size_t length)
{
    size_t wanted = fuzz_u8(input);
    while (wanted-- > 0 && fuzz_left(input)) frame[length++] = fuzz_u8(input);
    return length;
}

/* A message about a tunnel, or anything but what is Raft's. */
static size_t tunnel_frame(fuzz_input *input, unsigned char *frame)
{
    static const unsigned char begins[] = {
        0x01,          MOVEX_PEER_SORRY, MOVEX_PEER_PING,     MOVEX_PEER_OPEN,       MOVEX_PEER_OPENED,
        MOVEX_PEER_UP, MOVEX_PEER_DOWN,  MOVEX_PEER_CLOSE_UP, MOVEX_PEER_CLOSE_DOWN, MOVEX_PEER_HELLO};
    movex_writer writer = movex_writer_over(frame, MOST_FRAME);
    uint8_t      kind = begins[fuzz_below(input, sizeof begins)], tunnel = fuzz_below(input, 4);
    if (kind == 0x01 || kind == MOVEX_PEER_HELLO || kind == MOVEX_PEER_SORRY) { /* as it comes */
        movex_write_u8(&writer, kind);
        return some_bytes(input, frame, 1);
    }
    if (kind == MOVEX_PEER_PING) {
        movex_write_u8(&writer, kind);
        return 1;
    }
    unsigned char inside[256];
    size_t        length = kind == MOVEX_PEER_UP || kind == MOVEX_PEER_DOWN ? some_bytes(input, inside, 0) : 0;
    movex_write_peer_tunnel(&writer, (movex_peer_message_kind)kind,
                            &(movex_peer_tunnel_message){tunnel, {inside, length}});
    return (size_t)(writer.at - frame);
}

static void write_entries(fuzz_input *input, movex_writer *writer, movex_raft_message *message)
{
    static const unsigned char change[] = {1, 1, 'f', 1, 'x'};
    unsigned char              inside[MOVEX_RAFT_MEMBERSHIP_MOST];
    uint64_t                   term = message->index_term ? message->index_term : 1;
    message->count = fuzz_below(input, 4);
    for (uint32_t i = 0; i < message->count; i++) {
        movex_raft_wire_entry entry = {
            term + fuzz_below(input, 3), (movex_raft_entry_kind)(1 + fuzz_below(input, 3)), {"", 0}};
        term = entry.term;
        if (entry.kind == MOVEX_RAFT_CONTENT) entry.bytes = (movex_wire_bytes){change, sizeof change};
        if (entry.kind == MOVEX_RAFT_MEMBERSHIP) {
            movex_raft_membership membership = {.room = 1 + fuzz_below(input, 3),
                                                .count = 1 + fuzz_below(input, MOVEX_RAFT_MOST_MEMBERS)};
            for (uint32_t k = 0; k < membership.count; k++)
                membership.members[k] = (movex_raft_member){.number = k ? 1000 + k : LIAR, .name = {(char)('c' + k)}};
            movex_writer to = movex_writer_over(inside, sizeof inside);
            movex_write_raft_membership(&to, &membership);
            entry.bytes = (movex_wire_bytes){inside, (size_t)(to.at - inside)};
        }
        movex_write_raft_entry(writer, &entry);
    }
}

/* A message of Raft's that is well-formed, as far as chance lets it be. */
static size_t raft_frame(fuzz_input *input, unsigned char *frame, const world *w)
{
    static const uint64_t jumps[] = {0, 1, 2, 3, 5, 9, 1000, MOVEX_RAFT_NUMBER_MOST - 1, MOVEX_RAFT_NUMBER_MOST};
    unsigned char         bytes[MOST_FRAME], row[MOST_FRAME];
    uint8_t               flags = fuzz_u8(input);
    movex_raft_message    message = {.kind = (movex_raft_message_kind)(1 + fuzz_below(input, MOVEX_RAFT_REMOVED)),
                                     .room = w->room ? w->room : fuzz_below(input, 2),
                                     .trial = flags & 1,
                                     .handed_over = flags & 2,
                                     .granted = flags & 4,
                                     .alone = flags & 8,
                                     .was_member = flags & 32};
    message.settled = message.room && flags & 16;
    message.term = movex_peer_term(w->peers[0]) + jumps[fuzz_below(input, 9)];
    if (message.term > MOVEX_RAFT_NUMBER_MOST) message.term = MOVEX_RAFT_NUMBER_MOST;
    message.index = jumps[fuzz_below(input, 9)];
    message.index_term = fuzz_below(input, 4);
    message.committed = jumps[fuzz_below(input, 9)];
    message.offset = fuzz_below(input, 8);
    message.total = fuzz_below(input, 16);
    unsigned char content[16] = {0};
    message.bytes = (movex_wire_bytes){content, fuzz_below(input, 16)};
    if (message.kind == MOVEX_RAFT_PIECE && message.offset == 0) {
        message.membership =
            (movex_raft_membership){.room = message.room | 1, .count = 1, .members = {{.number = LIAR, .name = "c"}}};
        message.membership_index = message.index;
    }
    movex_writer entries = movex_writer_over(row, sizeof row), writer = movex_writer_over(bytes, sizeof bytes);
    if (message.kind == MOVEX_RAFT_APPEND) write_entries(input, &entries, &message);
    movex_write_raft_message(&writer, &message);
    size_t length = (size_t)(entries.at - row);
    if (length > (size_t)(writer.end - writer.at) - 64) return 0;
    movex_write_bytes(&writer, row, length);
    movex_writer out = movex_writer_over(frame, MOST_FRAME);
    movex_write_peer_raft(&out, bytes, (size_t)(writer.at - bytes));
    return (size_t)(out.at - frame);
}

static void attack(fuzz_input *input, bool greeted)
{
    world w = {0};
    begin(&w, HONEST, greeted);
    all_play(&w);
    while (fuzz_left(input)) {
        unsigned char frame[MOST_FRAME];
        size_t        length = greeted ? tunnel_frame(input, frame) : some_bytes(input, frame, 0);
        if (length && w.link) w.other.ops->send(w.other.self, w.link, frame, length);
        run(&w, STEP_MS);
    }
    all_play(&w);
    end(&w);
}

static void lie(fuzz_input *input)
{
    world w = {0};
    begin(&w, HONEST - 1, true);
    while (fuzz_left(input)) {
        unsigned char frame[MOST_FRAME + 64];
        uint8_t       kind = fuzz_below(input, 8);
        size_t        length = kind == 7 ? tunnel_frame(input, frame) : kind == 6 ? 0 : raft_frame(input, frame, &w);
        if (length && w.link) w.other.ops->send(w.other.self, w.link, frame, length);
        run(&w, kind == 6 ? 10 * STEP_MS : STEP_MS);
        movex_dispatch(w.at[1], TALLY_MARK, &(tally_id){w.now_ms});
    }
    run(&w, 500);
    end(&w);
}

uint64_t fuzz_run(const uint8_t *bytes, size_t length)
{
    fuzz_input input = {bytes, bytes + length};
    digest = fuzz_u8(&input) % 5;
    switch (digest) {
    case 0: read_raft(&input); break;
    case 1: read_hello(&input); break;
    case 2: attack(&input, false); break;
    case 3: attack(&input, true); break;
    default: lie(&input); break;
    }
    return digest;
}
