#include "raw_link.h"

#include <movex/text.h>

#include <stdlib.h>
#include <string.h>

/* ---- the game */

MOVEX_SCHEMA(move_schema, duel_move, MOVEX_FIELD(duel_move, amount), MOVEX_FIELD(duel_move, loud),
             MOVEX_ENUM(duel_move, side, 3), MOVEX_LIST(duel_move, marks, count), MOVEX_TEXT(duel_move, text));
MOVEX_SCHEMA(duel_schema, duel, MOVEX_FIELD(duel, total), MOVEX_FIELD(duel, moves),
             MOVEX_STRUCT(duel, last, move_schema), MOVEX_TEXT(duel, author));

static int duel_reduce(void *state, const movex_action *action, const movex_context *context)
{
    duel            *d = state;
    const duel_move *move = action->payload;
    if (action->type == DUEL_NEVER) return 7;
    if (action->type == DUEL_MOVE && move->amount > 1000) return 5;
    movex_text_copy(d->author, sizeof d->author, context->author);
    d->moves++;
    if (action->type == DUEL_READY) return MOVEX_ACCEPT;
    d->total = d->total + move->amount + (int64_t)movex_random_below(context, 3);
    d->last = *move;
    return MOVEX_ACCEPT;
}

static const movex_action_type duel_actions[DUEL_ACTIONS] = {
    [DUEL_MOVE] = {.name = "move", .payload = &move_schema},
    [DUEL_READY] = {.name = "ready"},
    [DUEL_NEVER] = {.name = "never", .flags = MOVEX_CONFIRM},
};

const movex_type duel_type = {.name = "duel",
                              .version = 1,
                              .state = &duel_schema,
                              .actions = duel_actions,
                              .action_count = DUEL_ACTIONS,
                              .reduce = duel_reduce};

bool duel_equals(const void *a, const void *b)
{
    const duel *x = a, *y = b;
    bool last = x->last.amount == y->last.amount && x->last.loud == y->last.loud && x->last.side == y->last.side &&
                x->last.count == y->last.count && memcmp(x->last.marks, y->last.marks, sizeof x->last.marks) == 0 &&
                memcmp(x->last.text, y->last.text, sizeof x->last.text) == 0;
    return last && x->total == y->total && x->moves == y->moves && memcmp(x->author, y->author, sizeof x->author) == 0;
}

uint64_t type_fingerprint(const movex_type *type)
{
    movex_rules *rules = movex_rules_new(type, NULL, NULL);
    uint64_t     fingerprint = movex_rules_fingerprint(rules);
    movex_rules_free(rules);
    return fingerprint;
}

uint64_t duel_fingerprint(void)
{
    return type_fingerprint(&duel_type);
}

/* ---- the match */

static void drain(match *m)
{
    movex_event event;
    for (int i = 0; i < 2; i++)
        while (movex_client_next(m->clients[i], &event)) {
            m->lost += event.kind == MOVEX_EVENT_DISCONNECTED || event.kind == MOVEX_EVENT_CLOSED;
            must_msg(event.kind != MOVEX_EVENT_MISMATCH, "%s", event.text);
            must(event.kind != MOVEX_EVENT_EXPIRED || m->expires);
        }
}

void match_run(match *m, uint32_t add_ms)
{
    m->now_ms += add_ms;
    for (int round = 0; round < 4; round++) {
        movex_master_poll(m->master, m->now_ms);
        for (int i = 0; i < 2; i++) must_equal(movex_client_poll(m->clients[i], m->now_ms), MOVEX_OK);
        drain(m);
    }
}

void match_start(match *m, const movex_master_config *config)
{
    movex_master_config mine = config ? *config : (movex_master_config){0};
    *m = (match){.local = movex_local_new(NULL), .now_ms = 1000};
    const movex_type *const *usual = MOVEX_TYPES(&duel_type);
    if (!mine.types) mine.types = usual;
    m->master = movex_master_new(&mine);
    must(m->master);
    must_equal(movex_master_attach(m->master, movex_local_listen(m->local)), MOVEX_OK);
    for (int i = 0; i < 2; i++) {
        m->clients[i] =
            movex_client_new(&(movex_client_config){.id = i ? "bob" : "ann", .io = movex_local_dial(m->local)});
        m->resources[i] = movex_bind(m->clients[i], &duel_type, "one");
        must(m->resources[i]);
    }
    match_run(m, 1);
    match_must_go_on(m);
}

void match_must_go_on(match *m)
{
    movex_hosted hosted;
    for (int i = 0; i < 2; i++) {
        m->amount = m->amount % 900 + 1;
        duel_move move = {.amount = m->amount, .side = 1, .count = 2, .marks = {1, 2}, .text = "hi"};
        must(movex_dispatch(m->resources[i], DUEL_MOVE, &move));
        match_run(m, 1);
    }
    must(movex_master_find(m->master, &duel_type, "one", &hosted));
    const duel *truth = hosted.state;
    must_equal(truth->last.amount, m->amount);
    must(strcmp(truth->author, "bob") == 0);
    must_equal(m->lost, 0);
    for (int i = 0; i < 2; i++) {
        must(movex_in_sync(m->resources[i]) && movex_pending(m->resources[i]) == 0);
        must_equal(movex_version(m->resources[i]), hosted.version);
        must_equal(movex_checksum(m->resources[i]), hosted.checksum);
        must(duel_equals(movex_state(m->resources[i]), truth));
        must_equal(movex_client_stats(m->clients[i]).mismatches, 0);
    }
}

void match_end(match *m)
{
    for (int i = 0; i < 2; i++) movex_client_free(m->clients[i]);
    movex_master_free(m->master);
    movex_local_free(m->local);
}

/* ---- the link */

void raw_dial(raw *r, match *m)
{
    *r = (raw){.io = movex_local_dial(m->local)};
    must_equal(r->io.ops->open(r->io.self, NULL, &r->link), MOVEX_OK);
    raw_take(r, m);
}

void raw_send(raw *r, const void *frame, size_t length)
{
    if (length) r->io.ops->send(r->io.self, r->link, frame, length);
}

static void take_text(raw *r, movex_status status, int reason, movex_wire_text text)
{
    r->status = status;
    r->reason = reason;
    memset(r->text, 0, sizeof r->text);
    memcpy(r->text, text.bytes, text.length);
}

/* The master's messages, as far as a hostile client gets them; what the master sends is well formed. */
static void take_message(raw *r, movex_reader *reader)
{
    unsigned                   kind = movex_read_u8(reader);
    movex_unbound_message      unbound;
    movex_error_message        error;
    movex_welcome_message      welcome;
    movex_bound_message        bound;
    movex_bind_refused_message refused;
    movex_snapshot_message     snapshot;
    movex_outcome_message      outcome;
    movex_subscriber_message   subscriber;
    movex_entry_message        entry;
    movex_overturned_message   overturned;
    movex_sealed_message       sealed;
    movex_sealed_entry_message sealed_entry;
    movex_sealed_step_message  step;
    bool                       good = false;
    switch (kind) {
    case MOVEX_MESSAGE_ERROR:
        r->error = good = movex_read_error(reader, &error);
        if (good) take_text(r, error.status, error.reason, error.text);
        break;
    case MOVEX_MESSAGE_WELCOME:
        r->welcome = good = movex_read_welcome(reader, &welcome);
        if (good) memcpy(r->token, welcome.token, sizeof r->token);
        break;
    case MOVEX_MESSAGE_BOUND:
        good = movex_read_bound(reader, &bound);
        r->bound++;
        r->number = bound.number;
        r->subscription = bound.subscription;
        break;
    case MOVEX_MESSAGE_BIND_REFUSED:
        r->refused = good = movex_read_bind_refused(reader, &refused);
        if (good) take_text(r, refused.status, refused.reason, refused.text);
        break;
    case MOVEX_MESSAGE_UNBOUND:
        good = movex_read_unbound(reader, &unbound);
        r->unbound++;
        break;
    case MOVEX_MESSAGE_SNAPSHOT:
        good = movex_read_snapshot(reader, &snapshot);
        r->snapshots++;
        r->version = snapshot.version;
        r->checksum = snapshot.checksum;
        break;
    case MOVEX_MESSAGE_OUTCOME:
        good = movex_read_outcome(reader, &outcome);
        r->outcomes++;
        r->sequence = outcome.sequence;
        r->reason = outcome.reason;
        break;
    case MOVEX_MESSAGE_OVERTURNED:
        good = movex_read_overturned(reader, &overturned);
        r->overturned++;
        break;
    case MOVEX_MESSAGE_SEALED:
        good = movex_read_sealed(reader, &sealed);
        r->rounds++;
        break;
    case MOVEX_MESSAGE_SEALED_ENTRY:
        good = movex_read_sealed_entry(reader, &sealed_entry);
        r->sealed_entries++;
        r->version = sealed_entry.version;
        break;
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE:
        good = movex_read_sealed_step(reader, (movex_message_kind)kind, &step);
        r->closings += kind == MOVEX_MESSAGE_CLOSING;
        r->openings += kind == MOVEX_MESSAGE_OPENING;
        r->deadlines += kind == MOVEX_MESSAGE_DEADLINE;
        r->reveals = step.reveals;
        r->version = step.version;
        if (kind == MOVEX_MESSAGE_CLOSING) r->closing = step.version;
        break;
    case MOVEX_MESSAGE_SUBSCRIBER: good = movex_read_subscriber(reader, &subscriber); break;
    default:
        good = kind >= MOVEX_MESSAGE_ENTRY && movex_read_entry(reader, kind & MOVEX_ENTRY_FLAGS, &entry);
        r->entries++;
        r->flags = kind & MOVEX_ENTRY_FLAGS;
        if (!good) break;
        r->version = entry.version;
        r->checksum = entry.checksum;
    }
    must_msg(good, "the master sent a message %02x that is not well formed", kind);
}

void raw_take(raw *r, match *m)
{
    movex_io_event event = {0};
    match_run(m, 0);
    while (r->io.ops->recv(r->io.self, &event) == MOVEX_OK) {
        if (event.kind == MOVEX_IO_OPENED) r->opened = true;
        if (event.kind == MOVEX_IO_CLOSED) r->closed = true;
        if (event.kind != MOVEX_IO_MESSAGE) continue;
        movex_reader reader = movex_reader_over(event.data, event.length);
        while (movex_reader_left(&reader)) take_message(r, &reader);
    }
}

void raw_must_be_told(raw *r, match *m, movex_status status, const char *words)
{
    raw_take(r, m);
    must_msg(r->error && r->closed, "no ERROR, or not closed");
    must_msg(r->status == status, "status %d: %s", (int)r->status, r->text);
    must_msg(strstr(r->text, words), "\"%s\" does not say \"%s\"", r->text, words);
}

void raw_end(raw *r)
{
    r->io.ops->close(r->io.self, r->link);
    r->io.ops->destroy(r->io.self);
}

/* ---- messages */

void script_start(script *s)
{
    s->writer = movex_writer_over(s->bytes, sizeof s->bytes);
}

size_t script_length(const script *s)
{
    return (size_t)(s->writer.at - s->bytes);
}

static movex_wire_text text_of(const char *text)
{
    return (movex_wire_text){text, (uint32_t)strlen(text)};
}

void script_hello(script *s, const char *id, const unsigned char *token)
{
    movex_hello_message hello = {.protocol = MOVEX_PROTOCOL_VERSION,
                                 .max_frame = 65536,
                                 .id = text_of(id),
                                 .info = text_of("i"),
                                 .credentials = text_of(""),
                                 .resumes = token != NULL};
    if (token) memcpy(hello.token, token, sizeof hello.token);
    movex_write_hello(&s->writer, &hello);
}

void script_bind_type(script *s, const movex_type *type, const char *id, const movex_bind_message *held)
{
    movex_bind_message bind = held ? *held : (movex_bind_message){0};
    bind.tag = 1;
    bind.type = text_of(type->name);
    bind.id = text_of(id);
    bind.fingerprint = type_fingerprint(type);
    bind.resumes = held != NULL;
    movex_write_bind(&s->writer, &bind);
}

void script_dispatch_private(script *s, const movex_dispatch_private_message *message)
{
    movex_write_dispatch_private(&s->writer, message);
}

void script_bind(script *s, const char *type, const char *id)
{
    movex_bind_message bind = {.tag = 1, .type = text_of(type), .id = text_of(id), .fingerprint = duel_fingerprint()};
    movex_write_bind(&s->writer, &bind);
}

void script_dispatch(script *s, uint32_t number, uint64_t sequence, uint32_t action, const void *payload, size_t length)
{
    movex_dispatch_message dispatch = {number, sequence, action, {payload, length}};
    movex_write_dispatch(&s->writer, &dispatch);
}

size_t script_move(unsigned char *bytes, int32_t amount)
{
    const uint32_t      bits = (uint32_t)amount;
    const unsigned char encoded[8] = {bits & 0xff, bits >> 8 & 0xff, bits >> 16 & 0xff, bits >> 24, 0, 0, 0, 0};
    memcpy(bytes, encoded, sizeof encoded);
    return sizeof encoded;
}

void script_send(script *s, raw *r)
{
    raw_send(r, s->bytes, script_length(s));
    script_start(s);
}
