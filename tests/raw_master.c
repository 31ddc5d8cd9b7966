#include "raw_master.h"

#include "support.h"

#include <string.h>

struct raw_master h;
script            s;

static void take_open(movex_reader *reader)
{
    movex_open_message   open;
    movex_opening_record record;
    must(movex_read_open(reader, &open));
    h.opens++;
    h.closing = open.closing;
    h.opened = open.records.count;
    movex_reader records = movex_reader_over(open.records.bytes.bytes, open.records.bytes.length);
    if (movex_next_opening_record(&records, &record)) memcpy(h.salt, record.salt, sizeof h.salt);
}

static void take_client_message(movex_reader *reader)
{
    unsigned               kind = movex_read_u8(reader);
    movex_hello_message    hello;
    movex_dispatch_message dispatch;
    movex_error_message    error;
    uint32_t               number;
    switch (kind) {
    case MOVEX_MESSAGE_HELLO:
        must(movex_read_hello(reader, &hello) && !h.hello);
        h.hello = true;
        break;
    case MOVEX_MESSAGE_BIND:
        must(movex_read_bind(reader, &h.asked));
        h.bind = true;
        break;
    case MOVEX_MESSAGE_DISPATCH:
        must(movex_read_dispatch(reader, &dispatch));
        if (h.dispatches++ == 0) h.first_sequence = dispatch.sequence;
        break;
    case MOVEX_MESSAGE_DISPATCH_PRIVATE: must(movex_read_dispatch_private(reader, &h.pair)); break;
    case MOVEX_MESSAGE_DISPATCH_SEALED:
        must(movex_read_dispatch_sealed(reader, &h.sealed));
        h.sealings++;
        break;
    case MOVEX_MESSAGE_OPEN: take_open(reader); break;
    case MOVEX_MESSAGE_ERROR:
        must(movex_read_error(reader, &error) && error.text.length > 0);
        memcpy(h.error_text, error.text.bytes, error.text.length);
        h.error = true;
        break;
    case MOVEX_MESSAGE_FORGET: break;
    default:
        must(kind == MOVEX_MESSAGE_RESYNC || kind == MOVEX_MESSAGE_UNBIND);
        must(movex_read_numbered(reader, &number));
        h.resyncs += kind == MOVEX_MESSAGE_RESYNC;
    }
}

static void take_from_client(void)
{
    movex_io_event event = {0};
    while (h.io.ops->recv(h.io.self, &event) == MOVEX_OK) {
        if (event.kind == MOVEX_IO_CLOSED) h.link = 0;
        if (event.kind == MOVEX_IO_OPENED) {
            h.link = event.link;
            h.hello = h.bind = h.error = false;
            h.dispatches = h.resyncs = h.sealings = h.opens = 0;
        }
        if (event.kind != MOVEX_IO_MESSAGE) continue;
        movex_reader reader = movex_reader_over(event.data, event.length);
        while (movex_reader_left(&reader)) take_client_message(&reader);
    }
}

static void drain(void)
{
    movex_event event;
    while (movex_client_next(h.client, &event)) {
        must(event.text);
        h.accepted += event.kind == MOVEX_EVENT_ACCEPTED;
        h.refused += event.kind == MOVEX_EVENT_REFUSED;
        h.expired += event.kind == MOVEX_EVENT_EXPIRED;
        h.mismatched += event.kind == MOVEX_EVENT_MISMATCH;
        h.removed += event.kind == MOVEX_EVENT_REMOVED;
        h.revealed += event.kind == MOVEX_EVENT_REVEALED;
        h.overturned += event.kind == MOVEX_EVENT_OVERTURNED;
        must(event.kind != MOVEX_EVENT_OVERTURNED || event.ticket != 0);
        if (event.kind == MOVEX_EVENT_FORFEITED) {
            h.forfeited++;
            h.forfeit = event.reason;
            strcpy(h.forfeiter, event.peer);
        }
        if (event.kind == MOVEX_EVENT_MISMATCH) strcpy(h.mismatch, event.text);
        if (event.kind != MOVEX_EVENT_DISCONNECTED && event.kind != MOVEX_EVENT_CLOSED) continue;
        must_msg(event.text[0] && event.status != MOVEX_OK, "no cause is given");
        h.disconnected += event.kind == MOVEX_EVENT_DISCONNECTED;
        h.closed += event.kind == MOVEX_EVENT_CLOSED;
        strcpy(h.text, event.text);
    }
}

void run(uint32_t add_ms)
{
    h.now_ms += add_ms;
    for (int i = 0; i < 3; i++) {
        movex_client_poll(h.client, h.now_ms);
        take_from_client();
        drain();
    }
}

void start(const movex_type *type)
{
    memset(&h, 0, sizeof h);
    h.now_ms = 1;
    h.local = movex_local_new(NULL);
    h.io = movex_local_listen(h.local);
    h.rules = movex_rules_new(type, NULL, NULL);
    h.client = movex_client_new(&(movex_client_config){.id = "ann",
                                                       .io = movex_local_dial(h.local),
                                                       .limits = {.message_bytes = 5000},
                                                       .allocator = meter_allocator(&h.memory)});
    h.resource = movex_bind(h.client, type, "one");
    script_start(&s);
    run(0);
    must(h.link && h.hello);
}

void finish(void)
{
    movex_client_free(h.client);
    must(h.memory.blocks == 0 && h.memory.bytes == 0 && h.memory.wrong == 0);
    movex_rules_free(h.rules);
    h.io.ops->destroy(h.io.self);
    movex_local_free(h.local);
}

void send_all(void)
{
    if (h.link && script_length(&s)) h.io.ops->send(h.io.self, h.link, s.bytes, script_length(&s));
    script_start(&s);
    run(0);
}

void send_bytes(const void *bytes, size_t length)
{
    movex_write_bytes(&s.writer, bytes, length);
    send_all();
}

void hang_up(void)
{
    h.io.ops->close(h.io.self, h.link);
    h.link = 0;
    h.hello = h.bind = false;
    run(0);
}

/* ---- what an honest master would write */

void write_welcome(bool resumed)
{
    const movex_welcome_message welcome = {.protocol = MOVEX_PROTOCOL_VERSION,
                                           .max_frame = 65536,
                                           .epoch = 1,
                                           .now_ms = 500,
                                           .pending = 100,
                                           .resumed = resumed,
                                           .token = {1, 2, 3}};
    movex_write_welcome(&s.writer, &welcome);
}

void write_bound(uint64_t tag, uint32_t number, uint64_t sequence, bool resumed)
{
    const movex_bound_message bound = {
        .tag = tag, .number = number, .subscription = 1, .sequence = sequence, .resumed = resumed};
    movex_write_bound(&s.writer, &bound);
}

void write_subscriber(uint32_t slot, const char *id)
{
    const movex_subscriber_message subscriber = {.number = 3,
                                                 .slot = slot,
                                                 .presence = MOVEX_PRESENCE_HERE,
                                                 .named = true,
                                                 .id = {id, (uint32_t)strlen(id)},
                                                 .info = {"", 0}};
    movex_write_subscriber(&s.writer, &subscriber);
}

void write_snapshot(const void *state, uint64_t version, uint64_t sequence)
{
    unsigned char          bytes[300];
    movex_snapshot_message snapshot = {.number = 3, .version = version, .now_ms = 500, .sequence = sequence};
    const movex_codec     *codec = movex_rules_state(h.rules);
    must_equal(movex_codec_encode(codec, state, bytes, sizeof bytes, &snapshot.state.length, NULL), MOVEX_OK);
    snapshot.state.bytes = bytes;
    snapshot.checksum = movex_codec_checksum(codec, state);
    movex_write_snapshot(&s.writer, &snapshot);
}

void write_outcome(uint64_t sequence, int reason)
{
    const movex_outcome_message outcome = {3, sequence, reason};
    movex_write_outcome(&s.writer, &outcome);
}

/* Serves the client, on its next connection, as an honest master that has forgotten the session. */
void must_heal(const void *state)
{
    if (h.link) hang_up();
    for (int i = 0; i < 10 && !h.hello; i++) run(20000);
    must_msg(h.link && h.hello, "it does not dial again");
    write_welcome(false);
    send_all();
    must_msg(h.bind, "it does not bind again: %s", h.text);
    write_bound(h.asked.tag, 3, 0, false);
    write_snapshot(state, 20, 0);
    send_all();
    must_msg(h.link && movex_in_sync(h.resource) && movex_version(h.resource) == 20, "it is not in sync again: %s",
             h.text);
    must(movex_codec_equal(movex_rules_state(h.rules), movex_confirmed_state(h.resource), state));
}

void must_complain_and_heal(const char *words, const void *state)
{
    run(0);
    must_msg(h.disconnected == 1 && h.closed == 0, "%u DISCONNECTED, %u CLOSED", h.disconnected, h.closed);
    must_msg(strstr(h.text, words), "\"%s\" does not say \"%s\"", h.text, words);
    h.hello = false;
    must_heal(state);
    finish();
}
