/* Links driven by hand, to a master in whose resources two honest clients play. */
#include "fuzz_handshake.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINKS = 4 };

#ifdef TABLE_SEALED
enum { PAIR = MOVEX_MESSAGE_DISPATCH_SEALED, OPENING = MOVEX_MESSAGE_OPEN };
#else
enum { PAIR = MOVEX_MESSAGE_DISPATCH_PRIVATE, OPENING = MOVEX_MESSAGE_DISPATCH_PRIVATE };
#endif

typedef struct raw {
    movex_io   io;
    movex_link link; /* 0: none */
    forge      forge;
} raw;

static void start_link(handshake *h, raw *r, int i)
{
    char name[16];
    snprintf(name, sizeof name, "evil%d", i);
    memset(r, 0, sizeof *r);
    r->io = movex_mock_connect_as(h->net, name);
    for (int k = 0; k < TABLE_TYPES; k++) r->forge.rules[k] = h->rules[k];
}

static void take(handshake *h, raw *r)
{
    movex_io_event event;
    while (r->io.ops->recv(r->io.self, &event) == MOVEX_OK) {
        if (event.link != r->link) continue;
        if (event.kind == MOVEX_IO_CLOSED) r->link = 0;
        if (event.kind != MOVEX_IO_MESSAGE) continue;
        unsigned char *frame = fuzz_copy(event.data, event.length);
        fuzz_require(r->forge.errors == 0); /* an ERROR is the last message */
        forge_learn(&r->forge, frame, event.length);
        h->digest = fuzz_digest(h->digest, frame, event.length);
        free(frame);
    }
    /* Who is told of an error is hung up upon. */
    if (!r->link) r->forge.errors = 0;
}

static void poll(handshake *h, raw *links, uint32_t ms)
{
    handshake_poll(h, ms);
    for (int i = 0; i < LINKS; i++) take(h, &links[i]);
}

static void dial(raw *r)
{
    r->forge.errors = 0;
    r->forge.length = 0;
    r->forge.sequence = 0;
    if (r->io.ops->open(r->io.self, NULL, &r->link) != MOVEX_OK) r->link = 0;
}

static void send(raw *r, fuzz_input *record)
{
    for (uint8_t edits = fuzz_u8(record) % 4; edits > 0; edits--)
        forge_edit(r->forge.frame, &r->forge.length, sizeof r->forge.frame, record);
    if (!r->link || !r->forge.length) return;
    unsigned char *frame = fuzz_copy(r->forge.frame, r->forge.length); /* borrowed for the call, so the size is exact */
    r->io.ops->send(r->io.self, r->link, frame, r->forge.length);
    free(frame);
    r->forge.length = 0;
}

/* HELLO and BIND, as an honest client sends them. */
static void enter(handshake *h, raw *links, int i)
{
    static const uint8_t none[1];
    const uint8_t        hello[] = {0, (uint8_t)(2 + i % 2)}, bind[] = {(uint8_t)i, 1}; /* as forge.c takes them */
    raw                 *r = &links[i];
    fuzz_input           no_input = {none, none}, hello_input = {hello, hello + sizeof hello};
    fuzz_input           bind_input = {bind, bind + sizeof bind};
    dial(r);
    forge_write(&r->forge, MOVEX_MESSAGE_HELLO, &hello_input);
    forge_write(&r->forge, MOVEX_MESSAGE_BIND, &bind_input);
    send(r, &no_input);
    for (int n = 0; n < 3; n++) poll(h, links, 1);
}

static void operate(handshake *h, raw *links, fuzz_input *record)
{
    static const unsigned char kinds[] = {MOVEX_MESSAGE_HELLO,
                                          MOVEX_MESSAGE_BIND,
                                          MOVEX_MESSAGE_DISPATCH,
                                          PAIR,
                                          MOVEX_MESSAGE_DISPATCH,
                                          MOVEX_MESSAGE_UNBIND,
                                          MOVEX_MESSAGE_RESYNC,
                                          MOVEX_MESSAGE_CHUNK,
                                          OPENING,
                                          MOVEX_MESSAGE_FORGET,
                                          MOVEX_MESSAGE_ERROR,
                                          MOVEX_MESSAGE_GOODBYE,
                                          MOVEX_MESSAGE_HELLO,
                                          MOVEX_MESSAGE_BIND};
    uint8_t                    what = fuzz_u8(record), which = fuzz_u8(record);
    raw                       *r = &links[which % LINKS];
    if (!r->link) dial(r);
    switch (what % 16) {
    case 8: send(r, record); break;
    case 9: forge_raw(&r->forge, record->at, fuzz_left(record)); break;
    case 10: poll(h, links, fuzz_u8(record)); break;
    case 11: handshake_move(h, record); break;
    case 12:
        r->io.ops->close(r->io.self, r->link);
        r->link = 0;
        break;
    case 13: movex_mock_cut_link(h->net, r->link); break;
    case 14: forge_write(&r->forge, fuzz_u8(record), record); break;
    case 15: poll(h, links, 100u * fuzz_u8(record)); break;
    default: forge_write(&r->forge, kinds[fuzz_u8(record) % sizeof kinds], record);
    }
    if (which & 0x80) send(r, record);
    if (which & 0x40) poll(h, links, 1);
}

void handshake_master(handshake *h, uint8_t steps, fuzz_input *input)
{
    static raw links[LINKS];
    for (int i = 0; i < LINKS; i++) start_link(h, &links[i], i);
    for (int i = 0; i < steps % (LINKS + 1); i++) enter(h, links, i);
    for (int n = 0; n < HANDSHAKE_MOST_OPERATIONS && fuzz_left(input); n++) {
        fuzz_input record = handshake_record(input);
        operate(h, links, &record);
    }
    for (int n = 0; n < 4; n++) poll(h, links, 1);
    for (int i = 0; i < LINKS; i++) {
        fuzz_require(links[i].forge.errors == 0); /* else the link is closed by now */
        links[i].io.ops->destroy(links[i].io.self);
    }
    handshake_must_agree(h);
    for (int n = 0; n < 10; n++) handshake_poll(h, 1000); /* their sessions end */
    fuzz_require(movex_master_stats(h->master).links == HANDSHAKE_HONEST);
    handshake_must_agree(h);
}
