/* A client that reaches the master through somebody who changes, drops, doubles and invents frames. Once that one
   is honest, on a new link, the client is whole again, or has given up for a reason that it says. */
#include "fuzz_handshake.h"

#include <stdlib.h>

enum { UP, DOWN }; /* to the master; to the client */

typedef struct tampering {
    uint8_t what; /* 0: nothing */
    uint8_t edits[12];
} tampering;

typedef struct relay {
    movex_io        io[2];    /* that dials the master; that the client has dialled */
    movex_link      link[2];  /* to the master; to the client; 0: none */
    forge           forge[2]; /* what goes in that direction */
    tampering       next[2];
    movex_client   *client;
    movex_resource *bound[TABLE_TYPES];
    bool            closed;
} relay;

enum { KEEP, EDIT, DROP, DOUBLE, TAMPERINGS };

static void send(relay *r, int way, const void *frame, size_t length)
{
    if (!r->link[way] || !length) return;
    void *copy = fuzz_copy(frame, length);
    r->io[way].ops->send(r->io[way].self, r->link[way], copy, length);
    free(copy);
}

static void pass(relay *r, int way, const unsigned char *frame, size_t length)
{
    static unsigned char changed[1 << 17];
    tampering            t = r->next[way];
    fuzz_input           edits = {t.edits, t.edits + sizeof t.edits};
    r->next[way].what = KEEP;
    fuzz_require(length < sizeof changed);
    memcpy(changed, frame, length);
    if (t.what == DROP) return;
    if (t.what == EDIT)
        for (uint8_t i = fuzz_u8(&edits) % 3; i < 3; i++) forge_edit(changed, &length, sizeof changed, &edits);
    if (t.what == DOUBLE) send(r, way, changed, length);
    send(r, way, changed, length);
}

static void hang_up(relay *r)
{
    for (int way = UP; way <= DOWN; way++) {
        if (r->link[way]) r->io[way].ops->close(r->io[way].self, r->link[way]);
        r->link[way] = 0;
    }
}

/* Takes what has come from `from`, for the other side. */
static void take(handshake *h, relay *r, int from)
{
    movex_io       io = r->io[from];
    movex_io_event event;
    while (io.ops->recv(io.self, &event) == MOVEX_OK) {
        if (from == DOWN && event.kind == MOVEX_IO_OPENED) { /* the client dials: so is the master dialled */
            hang_up(r);
            r->link[DOWN] = event.link;
            if (r->io[UP].ops->open(r->io[UP].self, NULL, &r->link[UP]) != MOVEX_OK) r->link[UP] = 0;
        }
        if (event.link != r->link[from]) continue;
        if (event.kind == MOVEX_IO_CLOSED) {
            r->link[from] = 0;
            hang_up(r);
        }
        if (event.kind != MOVEX_IO_MESSAGE) continue;
        unsigned char *frame = fuzz_copy(event.data, event.length);
        h->digest = fuzz_digest(h->digest, frame, event.length);
        forge_learn(&r->forge[from], frame, event.length); /* what one side has said is what it can be answered */
        forge_learn(&r->forge[!from], frame, event.length);
        pass(r, !from, frame, event.length);
        free(frame);
    }
}

static void drain(handshake *h, relay *r)
{
    for (movex_event event; movex_client_next(r->client, &event);) {
        h->digest = fuzz_digest_number(h->digest, (uint64_t)event.kind << 32 | event.ticket);
        h->digest = fuzz_digest_text(h->digest, event.text);
        fuzz_require(event.text);
        if (event.kind == MOVEX_EVENT_CLOSED || event.kind == MOVEX_EVENT_DISCONNECTED ||
            event.kind == MOVEX_EVENT_MISMATCH)
            fuzz_require(event.text[0]);
        if (event.kind == MOVEX_EVENT_CLOSED) r->closed = true;
        if (event.kind != MOVEX_EVENT_BIND_REFUSED && event.kind != MOVEX_EVENT_REMOVED) continue;
        for (int k = 0; k < TABLE_TYPES; k++)
            if (r->bound[k] == event.resource) {
                movex_unbind(r->bound[k]);
                r->bound[k] = NULL;
            }
    }
}

static void poll(handshake *h, relay *r, uint32_t ms)
{
    handshake_poll(h, ms);
    take(h, r, UP);
    take(h, r, DOWN);
    int status = movex_client_poll(r->client, h->now_ms);
    drain(h, r);
    fuzz_require((status == MOVEX_OK) == !r->closed);
    handshake_check_channel(&r->client->channel);
    for (int k = 0; k < TABLE_TYPES; k++)
        if (r->bound[k]) movex_replica_check(r->bound[k]);
}

static void bind_all(relay *r)
{
    for (int k = 0; k < TABLE_TYPES; k++)
        if (!r->bound[k]) r->bound[k] = movex_bind(r->client, table_types[k], "one");
}

/* The client's own dispatches, which it will not be told the truth about. */
static void dispatch(relay *r, fuzz_input *record)
{
    uint8_t          type = fuzz_u8(record) % TABLE_TYPES, value = fuzz_u8(record);
    const table_lock lock = {.seat = value % 4, .value = value};
    const table_move move = {.id = value, .a = value % 7, .b = value / 7 % 8};
    if (!r->bound[type]) return;
    if (value & 1)
        movex_dispatch_private(r->bound[type], TABLE_LOCK, &lock, TABLE_READY, &lock);
    else
        movex_dispatch(r->bound[type], fuzz_u8(record) % (TABLE_CLAIM + 1) == TABLE_TAKE ? TABLE_APPEND : TABLE_DRAW,
                       &move);
}

static void operate(handshake *h, relay *r, fuzz_input *record)
{
    static const unsigned char kinds[] = {MOVEX_MESSAGE_WELCOME,      MOVEX_MESSAGE_BOUND,      MOVEX_MESSAGE_SNAPSHOT,
                                          MOVEX_MESSAGE_ENTRY,        MOVEX_MESSAGE_OUTCOME,    MOVEX_MESSAGE_UNBOUND,
                                          MOVEX_MESSAGE_SUBSCRIBER,   MOVEX_MESSAGE_OVERTURNED, MOVEX_MESSAGE_CHUNK,
                                          MOVEX_MESSAGE_ERROR,        MOVEX_MESSAGE_ENTRY,      MOVEX_MESSAGE_ENTRY,
                                          MOVEX_MESSAGE_BIND_REFUSED, MOVEX_MESSAGE_ENTRY};
    uint8_t                    what = fuzz_u8(record), which = fuzz_u8(record);
    int                        way = which & 1 ? UP : DOWN;
    forge                     *f = &r->forge[way];
    switch (what % 12) {
    case 0:
    case 1:
    case 2: {
        unsigned kind = kinds[fuzz_u8(record) % sizeof kinds];
        if (kind == MOVEX_MESSAGE_ENTRY) kind |= which >> 1 & 0x1f; /* NEXT: see forge.c */
        forge_write(f, kind, record);
        break;
    }
    case 3: forge_write(f, fuzz_u8(record), record); break;
    case 4: forge_raw(f, record->at, fuzz_left(record)); break;
    case 5:
    case 6:
        r->next[way].what = fuzz_u8(record) % TAMPERINGS;
        for (size_t i = 0; i < sizeof r->next[way].edits; i++) r->next[way].edits[i] = fuzz_u8(record);
        break;
    case 7:
        if (which & 2)
            handshake_move(h, record);
        else
            dispatch(r, record);
        break;
    case 8: poll(h, r, fuzz_u8(record)); break;
    case 9: hang_up(r); break;
    case 10: bind_all(r); break;
    case 11: poll(h, r, 100u * fuzz_u8(record)); break;
    }
    if (which & 0x80) {
        send(r, way, f->frame, f->length);
        f->length = 0;
    }
    if (which & 0x40) poll(h, r, 1 + what / 12u * 3); /* long enough to dial again, or not */
}

static bool is_whole(const handshake *h, const relay *r)
{
    for (int k = 0; k < TABLE_TYPES; k++) {
        const movex_resource *resource = r->bound[k];
        movex_hosted          hosted;
        if (!resource || !movex_in_sync(resource) || movex_pending(resource)) return false;
        if (!movex_master_find(h->master, table_types[k], "one", &hosted)) return false;
        if (movex_version(resource) != hosted.version) return false;
    }
    return true;
}

/* Who has lost its token, and has hidden something, does not get its id back before that is revealed. */
static void reveal_all(handshake *h)
{
    for (int k = 0; k < TABLE_TYPES; k++) {
        movex_hosted hosted;
        if (movex_master_find(h->master, table_types[k], "one", &hosted) && hosted.hidden > 0)
            fuzz_require(movex_master_dispatch(h->master, table_types[k], "one", TABLE_OPEN, NULL, NULL) == MOVEX_OK);
    }
}

static void recover(handshake *h, relay *r)
{
    reveal_all(h);
    hang_up(r);
    memset(r->next, 0, sizeof r->next);
    for (int n = 0; n < 600 && !r->closed && (n < 5 || !is_whole(h, r));
         n++) { /* first it finds out that it is cut off */
        bind_all(r);
        poll(h, r, 20);
    }
    fuzz_require(r->closed || is_whole(h, r));
    for (int k = 0; k < TABLE_TYPES && !r->closed; k++) {
        uint64_t checksum;
        fuzz_require(movex_master_view(h->master, table_types[k], "one", "carol", NULL, &checksum) == MOVEX_OK);
        fuzz_require(movex_checksum(r->bound[k]) == checksum);
    }
}

void handshake_client(handshake *h, uint8_t steps, fuzz_input *input)
{
    static relay r;
    memset(&r, 0, sizeof r);
    r.io[UP] = movex_mock_connect_as(h->net, "relay");
    r.io[DOWN] = movex_mock_listen_as(h->net, "between");
    fuzz_require(r.io[DOWN].ops->listen(r.io[DOWN].self) == MOVEX_OK);
    for (int way = UP; way <= DOWN; way++)
        for (int k = 0; k < TABLE_TYPES; k++) r.forge[way].rules[k] = h->rules[k];
    r.client = movex_client_new(&(movex_client_config){.id = "carol",
                                                       .io = movex_mock_connect_to(h->net, "carol", "between"),
                                                       .limits = {.message_bytes = 20000, .pending = 16},
                                                       .reconnect_min_ms = 5,
                                                       .reconnect_max_ms = 60,
                                                       .handshake_ms = 600,
                                                       .allocator = fuzz_allocator(&h->client_memory)});
    fuzz_require(r.client);
    bind_all(&r);
    for (int n = 0; n < steps % 24; n++) poll(h, &r, 1);
    for (int n = 0; n < HANDSHAKE_MOST_OPERATIONS && fuzz_left(input); n++) {
        fuzz_input record = handshake_record(input);
        operate(h, &r, &record);
    }
    recover(h, &r);
    movex_client_free(r.client);
    for (int way = UP; way <= DOWN; way++) r.io[way].ops->destroy(r.io[way].self);
    handshake_must_agree(h);
}
