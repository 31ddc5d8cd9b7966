/* A script of operations against a master and two to four clients over the mock network, with a hostile link
   beside them. After each poll the master's and the clients' own invariants are checked; at the end the network
   heals, everything comes to rest, and then all must see what the master says that they see. Honest clients
   never find a mismatch, and each dispatch has one outcome. */
#include "script_world.h"

/* An operation: what, two numbers, and one more. The first record is the configuration. */
const size_t fuzz_record_size = 4;

enum { MOST_OPERATIONS = 160 };

/* ---- what honest players do */

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
    fuzz_require(ticket == p->last_ticket + 1 && ticket < SCRIPT_TICKETS);
    p->last_ticket = ticket;
}

static void dispatch(world *w, player *p, int type, uint8_t which, uint8_t value)
{
    table_move  move;
    table_lock  lock;
    uint32_t    action = which % TABLE_ACTIONS;
    const void *payload = make_payload(type, action, value, &move, &lock);
    if (script_bind(w, p, type)) take_ticket(p, movex_dispatch(p->bound[type], action, payload));
}

/* A pair: mostly one that the type allows. */
static void dispatch_private(world *w, player *p, int type, uint8_t which, uint8_t value)
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
    if (!script_bind(w, p, type)) return;
    take_ticket(p, movex_dispatch_private(p->bound[type], action, payload, shown, shown_payload));
}

/* Trying changes nothing, and a fork is what is shown. */
static void try_all(world *w, player *p, int type)
{
    table               forked, tried;
    table_move          move;
    table_lock          lock;
    movex_resource     *resource = script_bind(w, p, type);
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
    fuzz_require(movex_master_put(w->master, table_types[type], "one", &state) == MOVEX_OK || w->memory_failed);
}

static void dispatch_as_master(world *w, int type, uint8_t which, uint8_t value)
{
    table_move  move;
    table_lock  lock;
    uint32_t    action = which % TABLE_ACTIONS;
    int         reason = 0;
    const void *payload = make_payload(type, action, value, &move, &lock);
    int         status = movex_master_dispatch(w->master, table_types[type], "one", action, payload, &reason);
    fuzz_require(status == MOVEX_OK || status == MOVEX_ERR_NOT_FOUND ||
                 (status == MOVEX_ERR_MEMORY && w->memory_failed));
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
    script_start_master(w);
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
                                           .id = text_of("evil"),
                                           .info = text_of(""),
                                           .credentials = text_of("")};
        movex_write_hello(&writer, &hello);
        const movex_bind_message bind_it = {.tag = 1,
                                            .type = text_of(table_types[type]->name),
                                            .id = text_of("one"),
                                            .fingerprint = movex_rules_fingerprint(w->rules[type])};
        movex_write_bind(&writer, &bind_it);
        break;
    }
    case 2:
        h->io.ops->close(h->io.self, h->link);
        h->link = 0;
        return;
    case 3: movex_write_numbered(&writer, (movex_message_kind)(MOVEX_MESSAGE_UNBIND + a % 7), h->number); break;
    case 4: /* any bytes */
        for (int i = 0; i < 4; i++) movex_write_u8(&writer, (uint8_t)(a >> i) ^ b);
        break;
    default: {
        const void *it = make_payload(type, action, b, &move, &lock);
        if (it)
            movex_codec_encode(movex_rules_payload(w->rules[type], action), it, payload, sizeof payload, &length, NULL);
        movex_dispatch_message one = {h->number, ++h->sequence, action, {payload, length}};
        if (what % 8 == 5) {
            movex_write_dispatch(&writer, &one);
        } else {
            const movex_dispatch_private_message pair = {
                one, a & 128 ? b : 0, a & 1 ? TABLE_READY : TABLE_DRAW, {payload, length}};
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
    FAIL,
    BE_HOSTILE,
    OPERATIONS
};

static void operate(world *w, uint8_t what, uint8_t who, uint8_t a, uint8_t b)
{
    int     i = who % w->player_count, type = who / SCRIPT_CLIENTS % TABLE_TYPES;
    player *p = &w->players[i];
    switch (what % OPERATIONS) {
    case DISPATCH:
    case DISPATCH_MORE: dispatch(w, p, type, a, b); break;
    case PRIVATE:
    case PRIVATE_MORE: dispatch_private(w, p, type, a, b); break;
    case BIND: script_bind(w, p, type); break;
    case UNBIND: unbind(p, type); break;
    case POLL: script_poll(w, a % 16, 0); break;
    case POLL_SOME: script_poll(w, a % 64, b); break;
    case POLL_LONG: script_poll(w, a * 100u, b & 1); break;
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
    case KICK:
        w->ended = true;
        movex_master_kick(w->master, table_types[type], "one", p->id, "enough");
        break;
    case EXPEL: expel(w, i); break;
    case REMOVE:
        w->ended = true;
        movex_master_remove(w->master, table_types[type], "one", NULL);
        break;
    case REPLACE: script_replace(w, i); break;
    case RESTART: restart_master(w); break;
    case TRY: try_all(w, p, type); break;
    case FLUSH: movex_client_flush(p->client); break;
    case FAIL:
        w->memory.fails_in = 1 + a % 64u;
        w->memory_failed = true;
        break;
    case BE_HOSTILE: be_hostile(w, what / OPERATIONS, a, b); break;
    }
}

uint64_t fuzz_run(const uint8_t *bytes, size_t length)
{
    static world w;
    fuzz_input   input = {bytes, bytes + length};
    memset(&w, 0, sizeof w);
    script_start(&w, &input);
    int type = length ? 1 + bytes[0] / 32 % 3 : 1;
    for (int i = 0; i < w.player_count; i++) script_bind(&w, &w.players[i], type);
    for (int n = 0; n < MOST_OPERATIONS && fuzz_left(&input); n++) {
        uint8_t what = fuzz_u8(&input), who = fuzz_u8(&input), a = fuzz_u8(&input), b = fuzz_u8(&input);
        operate(&w, what, who, a, b);
    }
    script_come_to_rest(&w);
    script_check_views(&w);
    script_end(&w);
    return fuzz_digest_number(w.digest, w.wire);
}
