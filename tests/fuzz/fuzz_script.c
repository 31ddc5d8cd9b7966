/* A script of operations against a master and two to four clients over the mock network, with a hostile link beside them.
   After each step the masters' and clients' own invariants are checked; at the end the network heals, everything comes to rest,
   and then all must see what the master says that they see. Honest clients never find a mismatch, and each dispatch has one
   outcome. */
#include "client_internal.h"
#include "fuzz.h"
#include "master_internal.h"
#include "table_game.h"
#include "wire_check.h"

#include <movex/mock.h>

#include <stdio.h>
#include <stdlib.h>

/* An operation: what, two numbers, and one more. The first record is the configuration. */
const size_t fuzz_record_size = 4;

enum { MOST_CLIENTS = 4, MOST_OPERATIONS = 160, MOST_TICKETS = 1024, HOSTILE = MOST_CLIENTS };

typedef struct player {
    char            id[MOVEX_NAME_SIZE];
    unsigned        life; /* how many clients there were in its place */
    movex_client   *client;
    movex_resource *bound[TABLE_TYPES];
    uint8_t         outcomes[MOST_TICKETS]; /* by ticket */
    movex_ticket    last_ticket;
    bool            lost_session; /* expelled: its outcomes are told as EXPIRED */
} player;

typedef struct hostile {
    movex_io   io;
    movex_link link; /* 0: none */
    uint64_t   sequence;
    uint32_t   number; /* of the last BOUND */
} hostile;

typedef struct world {
    fuzz_memory   memory;
    uint64_t      now_ms, epoch, digest, wire; /* digests: of events, and of what went over the network */
    movex_mock   *net;
    movex_master *master;
    movex_limits  limits;
    uint32_t      grace_ms;
    int           player_count;
    player        players[MOST_CLIENTS];
    hostile       hostile;
    movex_rules  *rules[TABLE_TYPES];
    bool          held;
} world;

static const char *name_of(int type)
{
    return table_types[type]->name;
}

/* ---- making */

static void see_frame(void *user, const movex_mock_frame *frame)
{
    world *w = user;
    w->wire = fuzz_digest_text(w->wire, frame->from);
    w->wire = fuzz_digest_number(w->wire, frame->due_ms);
    if (frame->kind != MOVEX_IO_MESSAGE) return;
    w->wire = fuzz_digest(w->wire, frame->data, frame->length);
    if (strcmp(frame->from, "evil") != 0) wire_require_frame(frame->data, frame->length);
}

static void see_entry(void *user, movex_master *master, const movex_ordered *entry)
{
    world       *w = user;
    movex_hosted hosted;
    fuzz_require(movex_master_find(master, entry->type, entry->id, &hosted));
    fuzz_require(hosted.version == entry->version && (!entry->reveals || hosted.hidden == 0));
    w->digest = fuzz_digest_number(w->digest, entry->digest);
}

static void start_master(world *w)
{
    movex_master_config config = {.types = table_types,
                                  .seed = 7 + w->epoch,
                                  .epoch = ++w->epoch,
                                  .grace_ms = w->grace_ms,
                                  .limits = w->limits,
                                  .observer = {see_entry, w},
                                  .allocator = fuzz_allocator(&w->memory)};
    w->master = movex_master_new(&config);
    fuzz_require(w->master && movex_master_attach(w->master, movex_mock_listen(w->net)) == MOVEX_OK);
}

static void start_client(world *w, int i)
{
    player *p = &w->players[i];
    *p = (player){.life = p->life + 1};
    snprintf(p->id, sizeof p->id, "p%d.%u", i, p->life); /* an id that has hidden something is not free at once */
    p->client = movex_client_new(&(movex_client_config){.id = p->id,
                                                        .info = "x",
                                                        .io = movex_mock_connect_as(w->net, p->id),
                                                        .limits = {.pending = w->limits.pending},
                                                        .reconnect_min_ms = 5,
                                                        .reconnect_max_ms = 60,
                                                        .handshake_ms = 600,
                                                        .allocator = fuzz_allocator(&w->memory)});
    fuzz_require(p->client);
}

static void start(world *w, fuzz_input *input)
{
    uint8_t a = fuzz_u8(input), b = fuzz_u8(input), c = fuzz_u8(input), d = fuzz_u8(input);
    w->player_count = 2 + a % 3;
    w->grace_ms = a & 4 ? 200 : 30000;
    w->limits.history = b & 1 ? 4 : 256;
    w->limits.history_bytes = b & 2 ? 64 : 1 << 16;
    w->limits.hidden = b & 4 ? 2 : 0;
    w->limits.hiders = b & 8 ? 2 : 0;
    w->limits.pending = b & 16 ? 3 : 64;
    w->net = movex_mock_new(&(movex_mock_config){.seed = d,
                                                 .latency_ms = {c % 8, c % 8 + (c & 8 ? c : 0)},
                                                 .cut_per_mille = a & 8 ? d % 64 : 0,
                                                 .dial_failure_per_mille = a & 16 ? 200 : 0,
                                                 .max_frame = b & 32 ? MOVEX_IO_MIN_FRAME : 0,
                                                 .tap = see_frame,
                                                 .user = w,
                                                 .allocator = fuzz_allocator(&w->memory)});
    fuzz_require(w->net);
    start_master(w);
    for (int i = 0; i < TABLE_TYPES; i++) {
        w->rules[i] = movex_rules_new(table_types[i], NULL, NULL);
        fuzz_require(w->rules[i]);
    }
    for (int i = 0; i < w->player_count; i++) start_client(w, i);
    w->hostile.io = movex_mock_connect_as(w->net, "evil");
}

/* ---- what must hold at any time */

static void take_outcome(player *p, const movex_event *event)
{
    fuzz_require(event->ticket > 0 && event->ticket <= p->last_ticket);
    fuzz_require(++p->outcomes[event->ticket] == 1);
}

static void drain(world *w, player *p)
{
    for (movex_event event; movex_client_next(p->client, &event);) {
        w->digest = fuzz_digest_number(w->digest, (uint64_t)event.kind << 32 | event.ticket);
        w->digest = fuzz_digest_number(w->digest, event.version ^ (uint64_t)(uint32_t)event.reason << 32);
        w->digest = fuzz_digest_text(w->digest, event.text);
        fuzz_require(event.text && event.kind != MOVEX_EVENT_MISMATCH);
        switch (event.kind) {
        case MOVEX_EVENT_ACCEPTED:
        case MOVEX_EVENT_REFUSED:
        case MOVEX_EVENT_EXPIRED: take_outcome(p, &event); break;
        case MOVEX_EVENT_REMOVED: /* kicked, or the resource was removed: it can be bound again */
            for (int k = 0; k < TABLE_TYPES; k++)
                if (p->bound[k] == event.resource) {
                    movex_unbind(p->bound[k]);
                    p->bound[k] = NULL;
                }
            break;
        case MOVEX_EVENT_CLOSED: fuzz_require(event.status == MOVEX_ERR_DENIED && p->lost_session); break;
        case MOVEX_EVENT_BIND_REFUSED: fuzz_require(!"a client is refused what it may bind"); break;
        default: break;
        }
    }
}

static void check(world *w)
{
    movex_hosted hosted;
    for (uint32_t cursor = 0; movex_master_each(w->master, &cursor, &hosted);)
        movex_master_resource_check(movex_master_resource_named(w->master, hosted.type, hosted.id));
    for (int i = 0; i < w->player_count; i++) {
        player *p = &w->players[i];
        drain(w, p);
        movex_stats stats = movex_client_stats(p->client);
        fuzz_require(stats.mismatches == 0 && stats.resyncs == 0 && stats.protocol_errors == 0);
        for (int k = 0; k < TABLE_TYPES; k++)
            if (p->bound[k]) movex_replica_check(p->bound[k]);
    }
    fuzz_require(w->memory.bytes < 8u << 20);
}

static void poll_hostile(world *w)
{
    hostile       *h = &w->hostile;
    movex_io_event event;
    while (h->io.ops->recv(h->io.self, &event) == MOVEX_OK) {
        if (event.link != h->link) continue;
        if (event.kind == MOVEX_IO_CLOSED) h->link = 0;
        if (event.kind != MOVEX_IO_MESSAGE) continue;
        movex_reader        reader = movex_reader_over(event.data, event.length);
        movex_bound_message bound;
        if (movex_read_u8(&reader) == MOVEX_MESSAGE_BOUND && movex_read_bound(&reader, &bound)) h->number = bound.number;
    }
}

/* Who is left out by `absent` is not polled. */
static void poll(world *w, uint32_t ms, unsigned absent)
{
    w->now_ms += ms;
    movex_mock_poll(w->net, w->now_ms);
    if (!(absent & 1)) movex_master_poll(w->master, w->now_ms);
    for (int i = 0; i < w->player_count; i++)
        if (!(absent >> (i + 1) & 1)) movex_client_poll(w->players[i].client, w->now_ms);
    poll_hostile(w);
    check(w);
}

/* ---- what honest players do */

static movex_resource *bind(player *p, int type)
{
    if (!p->bound[type] && movex_client_connection(p->client) != MOVEX_CONNECTION_CLOSED)
        p->bound[type] = movex_bind(p->client, table_types[type], "one");
    return p->bound[type];
}

/* A payload for an action that has one. */
static const void *make_payload(int type, uint32_t action, uint8_t value, table_move *move, table_lock *lock)
{
    static const char *const texts[] = {"", "a", "eleven byte", "\xc3\xa9\xff"};
    *move = (table_move){.id = value * 2654435761u, .a = value % 7, .b = value / 7 % 8};
    *lock = (table_lock){.seat = value % 4, .value = value / 4};
    strcpy(move->text, texts[value % 4]);
    if (!table_types[type]->actions[action].payload) return NULL;
    return action == TABLE_LOCK || action == TABLE_READY ? (const void *)lock : move;
}

static void take_ticket(player *p, movex_ticket ticket)
{
    if (!ticket) {
        fuzz_require(movex_client_error(p->client)->text[0]);
        return;
    }
    fuzz_require(ticket == p->last_ticket + 1 && ticket < MOST_TICKETS);
    p->last_ticket = ticket;
}

static void dispatch(player *p, int type, uint8_t which, uint8_t value)
{
    table_move  move;
    table_lock  lock;
    uint32_t    action = which % TABLE_ACTIONS;
    const void *payload = make_payload(type, action, value, &move, &lock);
    if (bind(p, type)) take_ticket(p, movex_dispatch(p->bound[type], action, payload));
}

/* A pair: mostly one that the type allows. */
static void dispatch_private(player *p, int type, uint8_t which, uint8_t value)
{
    static const uint32_t pairs[][2] = {{TABLE_LOCK, TABLE_READY},
                                        {TABLE_GAMBLE, TABLE_DRAW},
                                        {TABLE_STEAL, TABLE_SWAP},
                                        {TABLE_LOCK, TABLE_READY},
                                        {TABLE_APPEND, TABLE_SWAP}};
    table_move            move, shown_move;
    table_lock            lock, shown_lock;
    uint32_t              action = pairs[which % 5][0], shown = pairs[which % 5][1];
    uint8_t               shown_value = which & 64 ? (uint8_t)(value + which) : value;
    const void           *payload = make_payload(type, action, value, &move, &lock);
    const void           *shown_payload = make_payload(type, shown, shown_value, &shown_move, &shown_lock);
    if (!bind(p, type)) return;
    take_ticket(p, movex_dispatch_private(p->bound[type], action, payload, shown, shown_payload));
}

/* Trying changes nothing, and a fork is what is shown. */
static void try_all(world *w, player *p, int type)
{
    table               forked, tried;
    table_move          move;
    table_lock          lock;
    movex_resource     *resource = bind(p, type);
    const movex_codec  *codec = movex_rules_state(w->rules[type]);
    movex_random_source random = {.seed = 1};
    movex_context       context = {p->id, 1, w->now_ms, &random};
    if (!resource) return;
    movex_fork(resource, &forked);
    uint64_t before = movex_codec_checksum(codec, &forked);
    for (uint32_t action = 0; action < TABLE_ACTIONS; action++) {
        const void *payload = make_payload(type, action, (uint8_t)before, &move, &lock);
        int         answer = movex_try(resource, action, payload);
        w->digest = fuzz_digest_number(w->digest, (uint64_t)(uint32_t)answer);
        movex_apply(movex_resource_rules(resource), &forked, action, payload, &context, &tried);
    }
    movex_fork(resource, &forked);
    fuzz_require(movex_codec_checksum(codec, &forked) == before);
}

static void replace(world *w, int i)
{
    drain(w, &w->players[i]);
    movex_client_free(w->players[i].client);
    start_client(w, i);
}

static void unbind(player *p, int type)
{
    movex_unbind(p->bound[type]); /* NULL is ignored */
    p->bound[type] = NULL;
}

/* ---- what the master's program does */

static void put(world *w, int type, uint8_t value)
{
    table state;
    if (movex_master_view(w->master, table_types[type], "one", value & 1 ? "" : NULL, &state, NULL) != MOVEX_OK)
        movex_rules_init(w->rules[type], &state);
    state.cells[value % TABLE_CELLS]++;
    if (value & 2) state.opened = false;
    fuzz_require(movex_master_put(w->master, table_types[type], "one", &state) == MOVEX_OK);
}

static void dispatch_as_master(world *w, int type, uint8_t which, uint8_t value)
{
    table_move  move;
    table_lock  lock;
    uint32_t    action = which % TABLE_ACTIONS;
    int         reason = 0;
    const void *payload = make_payload(type, action, value, &move, &lock);
    int         status = movex_master_dispatch(w->master, table_types[type], "one", action, payload, &reason);
    fuzz_require(status == MOVEX_OK || status == MOVEX_ERR_NOT_FOUND);
    w->digest = fuzz_digest_number(w->digest, (uint64_t)(uint32_t)reason);
}

static void expel(world *w, int i)
{
    player *p = &w->players[i];
    if (movex_master_expel(w->master, p->id, "out") == MOVEX_OK) p->lost_session = true;
}

/* Nothing is remembered: what was dispatched before expires. */
static void restart_master(world *w)
{
    movex_master_free(w->master);
    start_master(w);
}

/* ---- what the hostile one does */

static void send_hostile(world *w, const void *frame, size_t length)
{
    if (w->hostile.link) w->hostile.io.ops->send(w->hostile.io.self, w->hostile.link, frame, length);
}

static movex_wire_text text_of(const char *text)
{
    return (movex_wire_text){text, (uint32_t)strlen(text)};
}

static void be_hostile(world *w, uint8_t what, uint8_t a, uint8_t b)
{
    unsigned char bytes[512], payload[64];
    movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
    hostile      *h = &w->hostile;
    int           type = b % TABLE_TYPES;
    table_move    move;
    table_lock    lock;
    uint32_t      action = a % TABLE_ACTIONS;
    size_t        length = 0;
    if (!h->link) {
        h->sequence = 0;
        if (h->io.ops->open(h->io.self, NULL, &h->link) != MOVEX_OK) h->link = 0;
        return;
    }
    switch (what % 8) {
    case 0:
    case 1: {
        const movex_hello_message hello = {.protocol = MOVEX_PROTOCOL_VERSION,
                                           .max_frame = 65536,
                                           .id = text_of(b & 16 ? w->players[0].id : "evil"),
                                           .info = text_of(""),
                                           .credentials = text_of("")};
        movex_write_hello(&writer, &hello);
        const movex_bind_message bind_it = {.tag = 1,
                                            .type = text_of(name_of(type)),
                                            .id = text_of("one"),
                                            .fingerprint = movex_rules_fingerprint(w->rules[type])};
        movex_write_bind(&writer, &bind_it);
        break;
    }
    case 2: h->io.ops->close(h->io.self, h->link); h->link = 0; return;
    case 3: movex_write_numbered(&writer, (movex_message_kind)(MOVEX_MESSAGE_UNBIND + a % 7), h->number); break;
    case 4: /* any bytes */
        for (int i = 0; i < 4; i++) movex_write_u8(&writer, (uint8_t)(a >> i) ^ b);
        break;
    default: {
        const void *it = make_payload(type, action, b, &move, &lock);
        if (it) movex_codec_encode(movex_rules_payload(w->rules[type], action), it, payload, sizeof payload, &length, NULL);
        movex_dispatch_message one = {h->number, ++h->sequence, action, {payload, length}};
        if (what % 8 == 5) {
            movex_write_dispatch(&writer, &one);
        } else {
            const movex_dispatch_private_message pair = {one, a & 128 ? b : 0, a & 1 ? TABLE_READY : TABLE_DRAW, {payload, length}};
            movex_write_dispatch_private(&writer, &pair);
        }
    }
    }
    send_hostile(w, bytes, (size_t)(writer.at - bytes));
}

/* ---- the script */

enum {
    DISPATCH,
    DISPATCH_MORE,
    PRIVATE,
    PRIVATE_MORE,
    BIND,
    UNBIND,
    POLL,
    POLL_SOME,
    POLL_LONG,
    CUT,
    HOLD,
    RELEASE,
    PARTITION,
    PUT,
    AS_MASTER,
    KICK,
    EXPEL,
    REMOVE,
    REPLACE,
    RESTART,
    TRY,
    FLUSH,
    BE_HOSTILE,
    OPERATIONS
};

static void operate(world *w, uint8_t what, uint8_t who, uint8_t a, uint8_t b)
{
    int     i = who % w->player_count, type = who / MOST_CLIENTS % TABLE_TYPES;
    player *p = &w->players[i];
    switch (what % OPERATIONS) {
    case DISPATCH:
    case DISPATCH_MORE: dispatch(p, type, a, b); break;
    case PRIVATE:
    case PRIVATE_MORE: dispatch_private(p, type, a, b); break;
    case BIND: bind(p, type); break;
    case UNBIND: unbind(p, type); break;
    case POLL: poll(w, a % 16, 0); break;
    case POLL_SOME: poll(w, a % 64, b); break;
    case POLL_LONG: poll(w, a * 100u, b & 1); break;
    case CUT: movex_mock_cut(w->net, p->id); break;
    case HOLD:
        w->held = !w->held;
        movex_mock_hold(w->net, w->held);
        break;
    case RELEASE:
        for (int n = 0; n <= b % 8; n++) movex_mock_release(w->net, a);
        break;
    case PARTITION: movex_mock_partition(w->net, p->id, a & 1); break;
    case PUT: put(w, type, a); break;
    case AS_MASTER: dispatch_as_master(w, type, a, b); break;
    case KICK: movex_master_kick(w->master, table_types[type], "one", p->id, "enough"); break;
    case EXPEL: expel(w, i); break;
    case REMOVE: movex_master_remove(w->master, table_types[type], "one", NULL); break;
    case REPLACE: replace(w, i); break;
    case RESTART: restart_master(w); break;
    case TRY: try_all(w, p, type); break;
    case FLUSH: movex_client_flush(p->client); break;
    case BE_HOSTILE: be_hostile(w, what / OPERATIONS, a, b); break;
    }
}

/* ---- the end */

static bool is_at_rest(const world *w)
{
    movex_hosted hosted;
    for (int i = 0; i < w->player_count; i++)
        for (int k = 0; k < TABLE_TYPES; k++) {
            const movex_resource *resource = w->players[i].bound[k];
            if (!resource || !movex_in_sync(resource) || movex_pending(resource)) return false;
            if (!movex_master_find(w->master, table_types[k], "one", &hosted)) return false;
            if (movex_version(resource) != hosted.version) return false;
        }
    return true;
}

/* Who was expelled comes as somebody else, and all bind everything. */
static void gather(world *w)
{
    for (int i = 0; i < w->player_count; i++) {
        if (movex_client_connection(w->players[i].client) == MOVEX_CONNECTION_CLOSED) replace(w, i);
        for (int k = 0; k < TABLE_TYPES; k++) fuzz_require(bind(&w->players[i], k));
    }
}

static void come_to_rest(world *w)
{
    movex_mock_set_faults(w->net, 0, 0);
    movex_mock_hold(w->net, false);
    for (int i = 0; i < w->player_count; i++) movex_mock_partition(w->net, w->players[i].id, false);
    if (w->hostile.link) w->hostile.io.ops->close(w->hostile.io.self, w->hostile.link);
    w->hostile.link = 0;
    for (int n = 0; n < 400 && (n < 20 || !is_at_rest(w)); n++) {
        gather(w);
        poll(w, 20, 0);
    }
    fuzz_require(is_at_rest(w));
    for (int n = 0; n < 5; n++) poll(w, 10, 0);
    fuzz_require(is_at_rest(w));
}

/* What a player holds is what the master says that it may know, and all who may know the same hold the same. */
static void check_views(world *w)
{
    for (int k = 0; k < TABLE_TYPES; k++) {
        const movex_codec *codec = movex_rules_state(w->rules[k]);
        for (int i = 0; i < w->player_count; i++) {
            const player *p = &w->players[i];
            table         state;
            uint64_t      checksum;
            fuzz_require(movex_master_view(w->master, table_types[k], "one", p->id, &state, &checksum) == MOVEX_OK);
            fuzz_require(movex_checksum(p->bound[k]) == checksum);
            fuzz_require(movex_codec_equal(codec, movex_confirmed_state(p->bound[k]), &state));
            table local;
            movex_fork(p->bound[k], &local);
            fuzz_require(movex_codec_equal(codec, &local, &state)); /* nothing is pending */
            w->digest = fuzz_digest_number(w->digest, checksum);
        }
    }
    for (int i = 0; i < w->player_count; i++) {
        player *p = &w->players[i];
        for (movex_ticket ticket = 1; ticket <= p->last_ticket; ticket++) fuzz_require(p->outcomes[ticket] == 1);
        fuzz_require(movex_client_stats(p->client).pending == 0);
    }
}

static void end(world *w)
{
    for (int i = 0; i < w->player_count; i++) movex_client_free(w->players[i].client);
    movex_master_free(w->master);
    w->hostile.io.ops->destroy(w->hostile.io.self);
    movex_mock_free(w->net);
    for (int i = 0; i < TABLE_TYPES; i++) movex_rules_free(w->rules[i]);
    fuzz_require(w->memory.blocks == 0 && w->memory.bytes == 0);
}

uint64_t fuzz_run(const uint8_t *bytes, size_t length)
{
    static world w;
    fuzz_input   input = {bytes, bytes + length};
    memset(&w, 0, sizeof w);
    start(&w, &input);
    for (int i = 0; i < w.player_count; i++) bind(&w.players[i], 1 + i % 2);
    for (int n = 0; n < MOST_OPERATIONS && fuzz_left(&input); n++) {
        uint8_t what = fuzz_u8(&input), who = fuzz_u8(&input), a = fuzz_u8(&input), b = fuzz_u8(&input);
        operate(&w, what, who, a, b);
        check(&w);
    }
    come_to_rest(&w);
    check_views(&w);
    end(&w);
    return fuzz_digest_number(w.digest, w.wire);
}
