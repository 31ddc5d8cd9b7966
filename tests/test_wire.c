/* Messages and channels: what is written comes back, and nothing else is taken. */
#include "channel.h"
#include "meter.h"
#include "support.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

/* ---- messages */

enum { MOST_BYTES = 3000 };

/* Any message; which member is in use says `kind`. */
typedef struct any_message {
    unsigned kind; /* of an entry: with its flags */
    union {
        movex_error_message            error;
        movex_hello_message            hello;
        movex_welcome_message          welcome;
        movex_bind_message             bind;
        movex_bound_message            bound;
        movex_bind_refused_message     bind_refused;
        movex_unbound_message          unbound;
        movex_dispatch_message         dispatch;
        movex_dispatch_private_message dispatch_private;
        movex_overturned_message       overturned;
        movex_snapshot_message         snapshot;
        movex_outcome_message          outcome;
        movex_subscriber_message       subscriber;
        movex_entry_message            entry;
        movex_dispatch_sealed_message  dispatch_sealed;
        movex_open_message             open;
        movex_sealed_message           sealed;
        movex_sealed_entry_message     sealed_entry;
        movex_sealed_step_message      step;
        uint32_t                       number;
    } of;
} any_message;

static const unsigned kinds[] = {
    MOVEX_MESSAGE_ERROR, MOVEX_MESSAGE_HELLO, MOVEX_MESSAGE_BIND, MOVEX_MESSAGE_UNBIND, MOVEX_MESSAGE_RESYNC,
    MOVEX_MESSAGE_UNBOUND, MOVEX_MESSAGE_DISPATCH, MOVEX_MESSAGE_WELCOME, MOVEX_MESSAGE_BOUND,
    MOVEX_MESSAGE_BIND_REFUSED, MOVEX_MESSAGE_SNAPSHOT, MOVEX_MESSAGE_OUTCOME, MOVEX_MESSAGE_SUBSCRIBER,
    MOVEX_MESSAGE_DISPATCH_PRIVATE, MOVEX_MESSAGE_OVERTURNED, MOVEX_MESSAGE_DISPATCH_SEALED, MOVEX_MESSAGE_OPEN,
    MOVEX_MESSAGE_SEALED, MOVEX_MESSAGE_SEALED_ENTRY, MOVEX_MESSAGE_CLOSING, MOVEX_MESSAGE_OPENING,
    MOVEX_MESSAGE_DEADLINE,
    /* Entries: bits 0x05 never together; then with a patch, with halves, with both; bit 0x20 with 0x01 alone. */
    0x40, 0x41, 0x42, 0x43, 0x44, 0x46, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4e, 0x50, 0x51, 0x52, 0x53, 0x54, 0x56, 0x58,
    0x59, 0x5a, 0x5b, 0x5c, 0x5e, 0x61, 0x63, 0x69, 0x6b, 0x71, 0x73, 0x79, 0x7b};

static char          letters[512];
static unsigned char blob[1024];
static unsigned char record_bytes[2048]; /* of the message that was made last */

static uint64_t any_number(uint64_t *random)
{
    return meter_random(random) >> meter_below(random, 64);
}

static uint32_t any_index(uint64_t *random)
{
    return (uint32_t)any_number(random);
}

static movex_wire_text any_text(uint64_t *random, uint32_t most)
{
    uint32_t length =
        meter_below(random, 3) ? meter_below(random, most < 9 ? most + 1 : 9) : meter_below(random, most + 1);
    return (movex_wire_text){letters + meter_below(random, 200), length};
}

static movex_wire_bytes any_bytes(uint64_t *random)
{
    return (movex_wire_bytes){blob + meter_below(random, 500), meter_below(random, meter_below(random, 4) ? 10 : 500)};
}

static int any_reason(uint64_t *random)
{
    uint32_t choice = meter_below(random, 4);
    return choice == 0 ? -(int)meter_below(random, 65) : choice == 1 ? INT32_MAX : (int)(any_index(random) & INT32_MAX);
}

static movex_status any_status(uint64_t *random)
{
    return (movex_status) - (int)(1 + meter_below(random, 255));
}

static void any_token(uint64_t *random, unsigned char *token)
{
    for (int i = 0; i < MOVEX_TOKEN_SIZE; i++) token[i] = (unsigned char)meter_random(random);
}

static any_message any_handshake(uint64_t *random, unsigned kind)
{
    any_message m = {.kind = kind};
    if (kind == MOVEX_MESSAGE_HELLO) {
        m.of.hello = (movex_hello_message){MOVEX_PROTOCOL_VERSION,
                                           MOVEX_IO_MIN_FRAME + (any_number(random) >> 1),
                                           any_text(random, MOVEX_INFO_MAX),
                                           any_text(random, MOVEX_INFO_MAX),
                                           any_text(random, MOVEX_INFO_MAX),
                                           meter_below(random, 2) == 0,
                                           {0}};
        if (m.of.hello.resumes) any_token(random, m.of.hello.token);
    } else {
        m.of.welcome = (movex_welcome_message){.protocol = MOVEX_PROTOCOL_VERSION,
                                               .max_frame = MOVEX_IO_MIN_FRAME + any_index(random),
                                               .epoch = any_number(random),
                                               .now_ms = any_number(random),
                                               .pending = 1 + any_index(random) / 2,
                                               .resumed = meter_below(random, 2) == 0};
        any_token(random, m.of.welcome.token);
    }
    return m;
}

/* Up to `count` records, of which the first is at most `most` back. */
static movex_wire_records any_records(uint64_t *random, bool halves, uint64_t most, uint32_t count)
{
    movex_writer       writer = movex_writer_over(record_bytes, sizeof record_bytes);
    movex_wire_records records = {.bytes = {record_bytes, 0}};
    while (records.count < count) {
        movex_reveal_record record = {.back = most - any_number(random) % (most / (count - records.count) + 1)};
        if (halves) {
            record.known = meter_below(random, 3) == 0;
            record.action = any_index(random);
            record.payload = (movex_wire_bytes){blob + meter_below(random, 500), meter_below(random, 30)};
            record.seeded = meter_below(random, 2) == 0;
            record.seed = meter_random(random);
        } else {
            record.author = (movex_wire_text){letters + meter_below(random, 200), 1 + meter_below(random, 31)};
        }
        movex_write_reveal_record(&writer, halves, &record);
        records.count++;
        if (record.back == 0) break;
        most = record.back - 1;
    }
    records.bytes.length = (size_t)(writer.at - record_bytes);
    return records;
}

static any_message any_entry(uint64_t *random, unsigned flags)
{
    any_message m = {.kind = MOVEX_MESSAGE_ENTRY | flags};
    bool        patched = flags & MOVEX_ENTRY_PATCHED, reveals = flags & MOVEX_ENTRY_REVEALS;
    m.of.entry = (movex_entry_message){.flags = flags,
                                       .number = any_index(random),
                                       .version = any_number(random),
                                       .elapsed_ms = any_number(random),
                                       .checksum = meter_random(random)};
    if (flags & MOVEX_ENTRY_OWN) {
        if (!(flags & MOVEX_ENTRY_NEXT)) m.of.entry.sequence = any_number(random);
    } else {
        if (flags & MOVEX_ENTRY_BY_NAME)
            m.of.entry.author = any_text(random, MOVEX_NAME_MAX);
        else
            m.of.entry.slot = any_index(random);
        m.of.entry.action = any_index(random);
        m.of.entry.payload = any_bytes(random);
    }
    if (flags & MOVEX_ENTRY_SEEDED) m.of.entry.seed = meter_random(random);
    if (patched) m.of.entry.patch = any_bytes(random);
    if (patched && !reveals) m.of.entry.patch.length |= 1;
    if (reveals && m.of.entry.version == 0) m.of.entry.version = 1;
    if (reveals) m.of.entry.records = any_records(random, !patched, m.of.entry.version - 1, 1 + meter_below(random, 6));
    return m;
}

static any_message any_binding(uint64_t *random, unsigned kind)
{
    any_message m = {.kind = kind};
    uint64_t    tag = any_number(random);
    if (kind == MOVEX_MESSAGE_BIND) {
        m.of.bind = (movex_bind_message){.tag = tag,
                                         .type = any_text(random, MOVEX_INFO_MAX),
                                         .id = any_text(random, MOVEX_INFO_MAX),
                                         .fingerprint = meter_random(random),
                                         .resumes = meter_below(random, 2) == 0};
        if (!m.of.bind.resumes) return m;
        m.of.bind.epoch = any_number(random);
        m.of.bind.version = any_number(random);
        m.of.bind.checksum = meter_random(random);
        m.of.bind.answered = any_number(random);
        m.of.bind.base = m.of.bind.version - any_number(random) % (m.of.bind.version / 2 + 1);
        m.of.bind.revealed = m.of.bind.version / (1 + meter_below(random, 3));
    } else if (kind == MOVEX_MESSAGE_BOUND) {
        m.of.bound = (movex_bound_message){.tag = tag,
                                           .number = any_index(random),
                                           .subscription = any_number(random) | 1,
                                           .sequence = any_number(random),
                                           .subscribers = any_number(random),
                                           .resumed = meter_below(random, 2) == 0};
    } else {
        m.of.bind_refused = (movex_bind_refused_message){tag, any_status(random), any_reason(random),
                                                         any_text(random, MOVEX_ERROR_TEXT_SIZE - 1)};
    }
    return m;
}

static any_message any_snapshot(uint64_t *random, uint32_t number)
{
    any_message m = {.kind = MOVEX_MESSAGE_SNAPSHOT};
    m.of.snapshot = (movex_snapshot_message){.number = number,
                                             .version = any_number(random),
                                             .now_ms = any_number(random),
                                             .checksum = meter_random(random),
                                             .sequence = any_number(random),
                                             .state = any_bytes(random)};
    m.of.snapshot.revealed = m.of.snapshot.version / (1 + meter_below(random, 3));
    if (m.of.snapshot.revealed)
        m.of.snapshot.records = any_records(random, false, m.of.snapshot.revealed - 1, meter_below(random, 4));
    return m;
}

static any_message any_pair(uint64_t *random, uint32_t number)
{
    any_message m = {.kind = MOVEX_MESSAGE_DISPATCH_PRIVATE};
    m.of.dispatch_private = (movex_dispatch_private_message){
        .hidden = {number, any_number(random), any_index(random), any_bytes(random)},
        .revealed = any_number(random),
        .shown_action = any_index(random),
        .shown_payload = any_bytes(random),
    };
    return m;
}

static void any_commitment(uint64_t *random, unsigned char *commitment)
{
    for (int i = 0; i < MOVEX_COMMITMENT_SIZE; i++) commitment[i] = (unsigned char)meter_random(random);
}

static movex_wire_records any_openings(uint64_t *random)
{
    movex_writer       writer = movex_writer_over(record_bytes, sizeof record_bytes);
    movex_wire_records records = {.bytes = {record_bytes, 0}};
    uint64_t           back = 1000 + any_index(random);
    for (uint32_t count = meter_below(random, 5); records.count < count; records.count++) {
        const movex_opening_record record = {back,
                                             blob + meter_below(random, 500),
                                             any_index(random),
                                             {blob + meter_below(random, 500), meter_below(random, 30)}};
        movex_write_opening_record(&writer, &record);
        back -= 1 + meter_below(random, 200);
    }
    records.bytes.length = (size_t)(writer.at - record_bytes);
    return records;
}

static movex_wire_records any_forfeits(uint64_t *random)
{
    movex_writer       writer = movex_writer_over(record_bytes, sizeof record_bytes);
    movex_wire_records records = {.bytes = {record_bytes, 0}};
    for (uint32_t count = meter_below(random, 5); records.count < count; records.count++) {
        movex_forfeit_record record = {meter_below(random, 1000), any_text(random, MOVEX_NAME_MAX), any_reason(random)};
        if (!record.author.length) record.author.length = 1;
        if (record.reason == MOVEX_ACCEPT) record.reason = MOVEX_REFUSED_COMMITMENT;
        movex_write_forfeit(&writer, &record);
    }
    records.bytes.length = (size_t)(writer.at - record_bytes);
    return records;
}

/* What belongs to sealed pairs. */
static any_message any_sealed(uint64_t *random, unsigned kind, uint32_t number)
{
    any_message m = {.kind = kind};
    if (kind == MOVEX_MESSAGE_DISPATCH_SEALED) {
        m.of.dispatch_sealed = (movex_dispatch_sealed_message){
            {number, any_number(random), any_index(random), any_bytes(random)}, any_number(random), {0}};
        any_commitment(random, m.of.dispatch_sealed.commitment);
    } else if (kind == MOVEX_MESSAGE_OPEN) {
        m.of.open = (movex_open_message){number, any_number(random), any_openings(random)};
    } else if (kind == MOVEX_MESSAGE_SEALED) {
        m.of.sealed =
            (movex_sealed_message){number, 1000 + any_number(random) / 2, any_forfeits(random), any_bytes(random)};
    } else if (kind == MOVEX_MESSAGE_SEALED_ENTRY) {
        m.of.sealed_entry = (movex_sealed_entry_message){.number = number,
                                                         .version = any_number(random),
                                                         .elapsed_ms = any_number(random),
                                                         .author = any_text(random, MOVEX_NAME_MAX),
                                                         .subscription = any_number(random) | 1,
                                                         .sequence = any_number(random) | 1,
                                                         .action = any_index(random),
                                                         .payload = any_bytes(random),
                                                         .seed = meter_random(random),
                                                         .checksum = meter_random(random)};
        if (!m.of.sealed_entry.author.length) m.of.sealed_entry.author.length = 1;
        any_commitment(random, m.of.sealed_entry.commitment);
    } else {
        m.of.step = (movex_sealed_step_message){.kind = (movex_message_kind)kind,
                                                .number = number,
                                                .version = any_number(random),
                                                .elapsed_ms = any_number(random),
                                                .reveals = kind == MOVEX_MESSAGE_DEADLINE,
                                                .checksum = meter_random(random)};
        if (kind == MOVEX_MESSAGE_CLOSING) m.of.step.deadline_ms = any_number(random);
        if (kind != MOVEX_MESSAGE_OPENING) return m;
        m.of.step.author = any_text(random, MOVEX_NAME_MAX);
        if (!m.of.step.author.length) m.of.step.author.length = 1;
        m.of.step.records = any_openings(random);
        m.of.step.reveals = meter_below(random, 2) == 0;
    }
    return m;
}

static any_message random_message(uint64_t *random, unsigned kind)
{
    any_message m = {.kind = kind};
    uint32_t    number = any_index(random);
    if (kind >= MOVEX_MESSAGE_ENTRY) return any_entry(random, kind & MOVEX_ENTRY_FLAGS);
    switch (kind) {
    case MOVEX_MESSAGE_HELLO:
    case MOVEX_MESSAGE_WELCOME: return any_handshake(random, kind);
    case MOVEX_MESSAGE_BIND:
    case MOVEX_MESSAGE_BOUND:
    case MOVEX_MESSAGE_BIND_REFUSED: return any_binding(random, kind);
    case MOVEX_MESSAGE_ERROR:
        m.of.error =
            (movex_error_message){any_status(random), any_reason(random), any_text(random, MOVEX_ERROR_TEXT_SIZE - 1)};
        break;
    case MOVEX_MESSAGE_DISPATCH:
        m.of.dispatch = (movex_dispatch_message){number, any_number(random), any_index(random), any_bytes(random)};
        break;
    case MOVEX_MESSAGE_SNAPSHOT: return any_snapshot(random, number);
    case MOVEX_MESSAGE_DISPATCH_PRIVATE: return any_pair(random, number);
    case MOVEX_MESSAGE_DISPATCH_SEALED:
    case MOVEX_MESSAGE_OPEN:
    case MOVEX_MESSAGE_SEALED:
    case MOVEX_MESSAGE_SEALED_ENTRY:
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE: return any_sealed(random, kind, number);
    case MOVEX_MESSAGE_OVERTURNED:
        m.of.overturned = (movex_overturned_message){number, any_number(random), any_reason(random)};
        if (m.of.overturned.reason == MOVEX_ACCEPT) m.of.overturned.reason = MOVEX_REFUSE;
        break;
    case MOVEX_MESSAGE_OUTCOME:
        m.of.outcome = (movex_outcome_message){number, any_number(random), any_reason(random)};
        break;
    case MOVEX_MESSAGE_SUBSCRIBER:
        m.of.subscriber = (movex_subscriber_message){.number = number,
                                                     .slot = any_index(random),
                                                     .presence = (movex_presence)meter_below(random, 3),
                                                     .named = meter_below(random, 2) == 0};
        if (!m.of.subscriber.named) break;
        m.of.subscriber.id = any_text(random, MOVEX_NAME_MAX);
        m.of.subscriber.info = any_text(random, MOVEX_INFO_MAX);
        break;
    case MOVEX_MESSAGE_UNBOUND:
        m.of.unbound = (movex_unbound_message){number, meter_below(random, 2) ? MOVEX_OK : any_status(random),
                                               any_text(random, MOVEX_ERROR_TEXT_SIZE - 1)};
        break;
    default: m.of.number = number;
    }
    return m;
}

static size_t write_message(const any_message *m, unsigned char *bytes)
{
    movex_writer writer = movex_writer_over(bytes, MOST_BYTES);
    if (m->kind >= MOVEX_MESSAGE_ENTRY)
        movex_write_entry(&writer, &m->of.entry);
    else
        switch (m->kind) {
        case MOVEX_MESSAGE_ERROR: movex_write_error(&writer, &m->of.error); break;
        case MOVEX_MESSAGE_HELLO: movex_write_hello(&writer, &m->of.hello); break;
        case MOVEX_MESSAGE_BIND: movex_write_bind(&writer, &m->of.bind); break;
        case MOVEX_MESSAGE_DISPATCH: movex_write_dispatch(&writer, &m->of.dispatch); break;
        case MOVEX_MESSAGE_WELCOME: movex_write_welcome(&writer, &m->of.welcome); break;
        case MOVEX_MESSAGE_BOUND: movex_write_bound(&writer, &m->of.bound); break;
        case MOVEX_MESSAGE_BIND_REFUSED: movex_write_bind_refused(&writer, &m->of.bind_refused); break;
        case MOVEX_MESSAGE_UNBOUND: movex_write_unbound(&writer, &m->of.unbound); break;
        case MOVEX_MESSAGE_SNAPSHOT: movex_write_snapshot(&writer, &m->of.snapshot); break;
        case MOVEX_MESSAGE_OUTCOME: movex_write_outcome(&writer, &m->of.outcome); break;
        case MOVEX_MESSAGE_OVERTURNED: movex_write_overturned(&writer, &m->of.overturned); break;
        case MOVEX_MESSAGE_DISPATCH_PRIVATE: movex_write_dispatch_private(&writer, &m->of.dispatch_private); break;
        case MOVEX_MESSAGE_SUBSCRIBER: movex_write_subscriber(&writer, &m->of.subscriber); break;
        case MOVEX_MESSAGE_DISPATCH_SEALED: movex_write_dispatch_sealed(&writer, &m->of.dispatch_sealed); break;
        case MOVEX_MESSAGE_OPEN: movex_write_open(&writer, &m->of.open); break;
        case MOVEX_MESSAGE_SEALED: movex_write_sealed(&writer, &m->of.sealed); break;
        case MOVEX_MESSAGE_SEALED_ENTRY: movex_write_sealed_entry(&writer, &m->of.sealed_entry); break;
        case MOVEX_MESSAGE_CLOSING:
        case MOVEX_MESSAGE_OPENING:
        case MOVEX_MESSAGE_DEADLINE: movex_write_sealed_step(&writer, &m->of.step); break;
        default: movex_write_numbered(&writer, (movex_message_kind)m->kind, m->of.number);
        }
    return (size_t)(writer.at - bytes);
}

/* Reads one message, its first byte included. */
static bool read_message(movex_reader *reader, any_message *m)
{
    *m = (any_message){.kind = movex_read_u8(reader)};
    if (m->kind >= MOVEX_MESSAGE_ENTRY) return movex_read_entry(reader, m->kind & MOVEX_ENTRY_FLAGS, &m->of.entry);
    switch (m->kind) {
    case MOVEX_MESSAGE_ERROR: return movex_read_error(reader, &m->of.error);
    case MOVEX_MESSAGE_HELLO: return movex_read_hello(reader, &m->of.hello);
    case MOVEX_MESSAGE_BIND: return movex_read_bind(reader, &m->of.bind);
    case MOVEX_MESSAGE_DISPATCH: return movex_read_dispatch(reader, &m->of.dispatch);
    case MOVEX_MESSAGE_WELCOME: return movex_read_welcome(reader, &m->of.welcome);
    case MOVEX_MESSAGE_BOUND: return movex_read_bound(reader, &m->of.bound);
    case MOVEX_MESSAGE_BIND_REFUSED: return movex_read_bind_refused(reader, &m->of.bind_refused);
    case MOVEX_MESSAGE_SNAPSHOT: return movex_read_snapshot(reader, &m->of.snapshot);
    case MOVEX_MESSAGE_OUTCOME: return movex_read_outcome(reader, &m->of.outcome);
    case MOVEX_MESSAGE_OVERTURNED: return movex_read_overturned(reader, &m->of.overturned);
    case MOVEX_MESSAGE_DISPATCH_PRIVATE: return movex_read_dispatch_private(reader, &m->of.dispatch_private);
    case MOVEX_MESSAGE_SUBSCRIBER: return movex_read_subscriber(reader, &m->of.subscriber);
    case MOVEX_MESSAGE_UNBOUND: return movex_read_unbound(reader, &m->of.unbound);
    case MOVEX_MESSAGE_UNBIND: return movex_read_numbered(reader, &m->of.number);
    case MOVEX_MESSAGE_RESYNC: return movex_read_numbered(reader, &m->of.number);
    case MOVEX_MESSAGE_DISPATCH_SEALED: return movex_read_dispatch_sealed(reader, &m->of.dispatch_sealed);
    case MOVEX_MESSAGE_OPEN: return movex_read_open(reader, &m->of.open);
    case MOVEX_MESSAGE_SEALED: return movex_read_sealed(reader, &m->of.sealed);
    case MOVEX_MESSAGE_SEALED_ENTRY: return movex_read_sealed_entry(reader, &m->of.sealed_entry);
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE: return movex_read_sealed_step(reader, (movex_message_kind)m->kind, &m->of.step);
    }
    return false;
}

static void fill_sources(void)
{
    uint64_t random = 11;
    for (size_t i = 0; i < sizeof letters; i++) letters[i] = (char)(1 + meter_below(&random, 255));
    for (size_t i = 0; i < sizeof blob; i++) blob[i] = (unsigned char)meter_random(&random);
}

static bool same_dispatch(const movex_dispatch_message *a, const movex_dispatch_message *b)
{
    return a->number == b->number && a->sequence == b->sequence && a->action == b->action &&
           a->payload.length == b->payload.length;
}

static bool same_records(const movex_wire_records *a, const movex_wire_records *b)
{
    return a->count == b->count && (a->count == 0 || (a->bytes.length == b->bytes.length &&
                                                      memcmp(a->bytes.bytes, b->bytes.bytes, a->bytes.length) == 0));
}

/* Scalars are compared as they were put in; the whole by writing what was read. */
static void must_agree(const any_message *a, const any_message *b)
{
    must_equal(a->kind, b->kind);
    switch (a->kind) {
    case MOVEX_MESSAGE_ERROR:
        must(a->of.error.status == b->of.error.status && a->of.error.reason == b->of.error.reason);
        break;
    case MOVEX_MESSAGE_DISPATCH: must(same_dispatch(&a->of.dispatch, &b->of.dispatch)); break;
    case MOVEX_MESSAGE_DISPATCH_PRIVATE:
        must(same_dispatch(&a->of.dispatch_private.hidden, &b->of.dispatch_private.hidden));
        must_equal(a->of.dispatch_private.revealed, b->of.dispatch_private.revealed);
        must_equal(a->of.dispatch_private.shown_action, b->of.dispatch_private.shown_action);
        must_equal(a->of.dispatch_private.shown_payload.length, b->of.dispatch_private.shown_payload.length);
        break;
    case MOVEX_MESSAGE_DISPATCH_SEALED:
        must(same_dispatch(&a->of.dispatch_sealed.shown, &b->of.dispatch_sealed.shown));
        must_equal(a->of.dispatch_sealed.revealed, b->of.dispatch_sealed.revealed);
        must(memcmp(a->of.dispatch_sealed.commitment, b->of.dispatch_sealed.commitment, MOVEX_COMMITMENT_SIZE) == 0);
        break;
    case MOVEX_MESSAGE_OPEN:
        must(a->of.open.number == b->of.open.number && a->of.open.closing == b->of.open.closing);
        must(same_records(&a->of.open.records, &b->of.open.records));
        break;
    case MOVEX_MESSAGE_SEALED:
        must(a->of.sealed.number == b->of.sealed.number && a->of.sealed.version == b->of.sealed.version);
        must(same_records(&a->of.sealed.forfeits, &b->of.sealed.forfeits));
        must_equal(a->of.sealed.round.length, b->of.sealed.round.length);
        break;
    case MOVEX_MESSAGE_SEALED_ENTRY: {
        const movex_sealed_entry_message *x = &a->of.sealed_entry, *y = &b->of.sealed_entry;
        must(x->number == y->number && x->version == y->version && x->elapsed_ms == y->elapsed_ms);
        must(x->subscription == y->subscription && x->sequence == y->sequence && x->action == y->action);
        must(x->seed == y->seed && x->checksum == y->checksum && x->author.length == y->author.length);
        must(memcmp(x->commitment, y->commitment, MOVEX_COMMITMENT_SIZE) == 0);
        break;
    }
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE: {
        const movex_sealed_step_message *x = &a->of.step, *y = &b->of.step;
        must(x->number == y->number && x->version == y->version && x->elapsed_ms == y->elapsed_ms);
        must(x->deadline_ms == y->deadline_ms && x->reveals == y->reveals && x->checksum == y->checksum);
        must(x->author.length == y->author.length && same_records(&x->records, &y->records));
        break;
    }
    case MOVEX_MESSAGE_OVERTURNED:
        must(a->of.overturned.number == b->of.overturned.number && a->of.overturned.reason == b->of.overturned.reason);
        must_equal(a->of.overturned.sequence, b->of.overturned.sequence);
        break;
    case MOVEX_MESSAGE_SNAPSHOT:
        must(a->of.snapshot.version == b->of.snapshot.version && a->of.snapshot.now_ms == b->of.snapshot.now_ms);
        must(a->of.snapshot.checksum == b->of.snapshot.checksum && a->of.snapshot.sequence == b->of.snapshot.sequence);
        must_equal(a->of.snapshot.revealed, b->of.snapshot.revealed);
        must(same_records(&a->of.snapshot.records, &b->of.snapshot.records));
        break;
    case MOVEX_MESSAGE_OUTCOME:
        must(a->of.outcome.sequence == b->of.outcome.sequence && a->of.outcome.reason == b->of.outcome.reason);
        break;
    case MOVEX_MESSAGE_BIND:
        must(a->of.bind.fingerprint == b->of.bind.fingerprint && a->of.bind.version == b->of.bind.version);
        must(a->of.bind.epoch == b->of.bind.epoch && a->of.bind.answered == b->of.bind.answered);
        must_equal(a->of.bind.subscription, b->of.bind.subscription);
        must(a->of.bind.base == b->of.bind.base && a->of.bind.revealed == b->of.bind.revealed);
        break;
    case MOVEX_MESSAGE_UNBOUND:
        must(a->of.unbound.number == b->of.unbound.number && a->of.unbound.status == b->of.unbound.status);
        break;
    case MOVEX_MESSAGE_UNBIND:
    case MOVEX_MESSAGE_RESYNC: must_equal(a->of.number, b->of.number); break;
    }
    if (a->kind < MOVEX_MESSAGE_ENTRY) return;
    const movex_entry_message *x = &a->of.entry, *y = &b->of.entry;
    must(x->flags == y->flags && x->number == y->number && x->version == y->version && x->elapsed_ms == y->elapsed_ms);
    must(x->sequence == y->sequence && x->slot == y->slot && x->action == y->action && x->seed == y->seed);
    must(x->checksum == y->checksum && x->author.length == y->author.length && x->payload.length == y->payload.length);
    must(x->patch.length == y->patch.length && same_records(&x->records, &y->records));
}

START_TEST(messages_come_back_and_truncated_ones_are_refused)
{
    uint64_t      random = (uint64_t)_i + 1;
    unsigned char bytes[MOST_BYTES], again[MOST_BYTES];
    fill_sources();
    for (int run = 0; run < 60; run++) {
        any_message  sent = random_message(&random, kinds[_i]), got;
        size_t       length = write_message(&sent, bytes);
        movex_reader reader = movex_reader_over(bytes, length);
        must_msg(read_message(&reader, &got), "kind %02x, run %d", kinds[_i], run);
        must_equal(movex_reader_left(&reader), 0);
        must_agree(&sent, &got);
        must_equal(write_message(&got, again), length);
        must(memcmp(bytes, again, length) == 0);
        for (size_t cut = 1; cut < length; cut++) {
            unsigned char *exact = malloc(cut); /* so that reading past its end is found */
            memcpy(exact, bytes, cut);
            reader = movex_reader_over(exact, cut);
            must_msg(!read_message(&reader, &got), "kind %02x cut at %zu of %zu", kinds[_i], cut, length);
            free(exact);
        }
    }
}
END_TEST

/* Whatever is taken is the one way to write it: so no over-long number, no flag but 0 and 1, no unknown bit gets in. */
START_TEST(what_is_taken_is_canonical)
{
    uint64_t      random = (uint64_t)_i + 77;
    unsigned char bytes[MOST_BYTES], again[MOST_BYTES];
    uint32_t      refused = 0;
    fill_sources();
    for (int run = 0; run < 3000; run++) {
        any_message sent = random_message(&random, kinds[_i]), got;
        size_t      length = write_message(&sent, bytes),
               at = 1 + meter_below(&random, length > 12 ? 12 : (uint32_t)length - 1);
        switch (meter_below(&random, 3)) {
        case 0: bytes[at] ^= (unsigned char)(1u << meter_below(&random, 8)); break;
        case 1: bytes[at] = (unsigned char)meter_random(&random); break;
        default: /* a number that ends here becomes over-long */
            at = meter_below(&random, 2) ? 1 + meter_below(&random, (uint32_t)length - 1) : at;
            memmove(bytes + at + 1, bytes + at, length - at);
            bytes[at] |= 0x80;
            bytes[at + 1] = 0;
            length++;
        }
        movex_reader reader = movex_reader_over(bytes, length);
        if (!read_message(&reader, &got)) {
            refused++;
            continue;
        }
        size_t taken = (size_t)(reader.at - bytes);
        if (got.kind == MOVEX_MESSAGE_HELLO && got.of.hello.protocol != MOVEX_PROTOCOL_VERSION) continue;
        must_equal(write_message(&got, again), taken);
        must_msg(memcmp(bytes, again, taken) == 0, "kind %02x", kinds[_i]);
    }
    must(refused > 100);
}
END_TEST

START_TEST(numbers_in_messages_are_in_shortest_form_and_in_range)
{
    static const struct {
        const char *what;
        size_t      length;
        const char *bytes;
        bool        good;
    } cases[] = {
        {"UNBIND 5", 2, "\x12\x05", true},
        {"UNBIND, 5 in two bytes", 3, "\x12\x85\x00", false},
        {"UNBIND, 2^32 - 1", 6, "\x12\xff\xff\xff\xff\x0f", true},
        {"UNBIND, 2^32", 6, "\x12\x80\x80\x80\x80\x10", false},
        {"OUTCOME", 4, "\x25\x01\x02\x03", true},
        {"OUTCOME, sequence in two bytes", 5, "\x25\x01\x82\x00\x03", false},
        {"OUTCOME, reason -64", 4, "\x25\x01\x02\x7f", true},
        {"OUTCOME, reason -65", 5, "\x25\x01\x02\x81\x01", false},
        {"OUTCOME, reason past int", 8, "\x25\x01\x02\x80\x80\x80\x80\x10", false},
        {"SUBSCRIBER", 5, "\x26\x01\x02\x01\x00", true},
        {"SUBSCRIBER, presence 3", 5, "\x26\x01\x02\x03\x00", false},
        {"SUBSCRIBER, named 2", 5, "\x26\x01\x02\x01\x02", false},
        {"SUBSCRIBER, id with a zero", 9, "\x26\x01\x02\x01\x01\x02\x61\x00\x00", false},
        {"ERROR", 5, "\x02\x08\x00\x01x", true},
        {"ERROR, status ok", 5, "\x02\x00\x00\x01x", false},
        {"ERROR, status 256", 6, "\x02\x80\x02\x00\x01x", false},
        {"ENTRY, own by name", 13,
         "\x45\x01\x02\x03\x04"
         "12345678",
         false},
        {"ENTRY, own and next", 12,
         "\x61\x01\x02\x03"
         "12345678",
         true},
        {"ENTRY, next and not own", 15,
         "\x60\x01\x02\x03\x04\x05\x00"
         "12345678",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        movex_reader reader = movex_reader_over(cases[i].bytes, cases[i].length);
        any_message  got;
        must_msg(read_message(&reader, &got) == cases[i].good, "%s", cases[i].what);
    }
}
END_TEST

/* ---- channels, over an emitter that keeps what it is given, and is full at random */

typedef struct sink {
    uint64_t       random;
    uint32_t       full_one_in; /* 0: never; 1: always */
    unsigned char *bytes;       /* frames, each behind its length */
    size_t         length, capacity;
    uint32_t       frames;
    size_t         largest;
} sink;

static int sink_send(void *self, movex_link link, const void *frame, size_t length)
{
    sink *s = self;
    must(link == 9 && length > 0);
    if (s->full_one_in && meter_below(&s->random, s->full_one_in) == 0) return MOVEX_ERR_AGAIN;
    if (s->length + length + sizeof length > s->capacity) {
        s->capacity = (s->length + length + sizeof length) * 2;
        s->bytes = realloc(s->bytes, s->capacity);
    }
    memcpy(s->bytes + s->length, &length, sizeof length);
    memcpy(s->bytes + s->length + sizeof length, frame, length);
    s->length += sizeof length + length;
    s->frames++;
    if (length > s->largest) s->largest = length;
    return MOVEX_OK;
}

static const movex_io_ops sink_ops = {.name = "sink", .max_frame = 1 << 20, .send = sink_send};

typedef struct pipeline {
    sink            way;
    movex_stats     stats;
    movex_allocator allocator;
    movex_channel   out, in;
} pipeline;

static void pipeline_init(pipeline *p, size_t max_frame, uint64_t seed)
{
    *p = (pipeline){.way = {.random = seed}, .allocator = movex_allocator_default()};
    p->out = (movex_channel){.io = {&sink_ops, &p->way},
                             .link = 9,
                             .max_frame = max_frame,
                             .max_message = 1 << 20,
                             .max_queue = 1 << 22,
                             .stats = &p->stats};
    p->in = p->out;
}

static void pipeline_free(pipeline *p)
{
    movex_channel_free(&p->out, &p->allocator);
    movex_channel_free(&p->in, &p->allocator);
    free(p->way.bytes);
}

/* A test message: its kind, a number, its length, and bytes that follow from both. */
static size_t make_message(unsigned char *bytes, uint32_t number, size_t body)
{
    movex_dispatch_message message = {.number = number, .sequence = body, .payload = {NULL, 0}};
    unsigned char         *filler = malloc(body + 1);
    for (size_t i = 0; i < body; i++) filler[i] = (unsigned char)(number * 31 + i * 7);
    message.payload = (movex_wire_bytes){filler, body};
    movex_writer writer = movex_writer_over(bytes, body + MOVEX_MESSAGE_OVERHEAD);
    movex_write_dispatch(&writer, &message);
    free(filler);
    return (size_t)(writer.at - bytes);
}

static void take_one(movex_reader *reader, uint32_t *expected)
{
    movex_dispatch_message message;
    must_equal(movex_read_u8(reader), MOVEX_MESSAGE_DISPATCH);
    must(movex_read_dispatch(reader, &message));
    must_equal(message.number, *expected);
    must_equal(message.sequence, message.payload.length);
    const unsigned char *bytes = message.payload.bytes;
    for (size_t i = 0; i < message.payload.length; i++) must(bytes[i] == (unsigned char)(message.number * 31 + i * 7));
    ++*expected;
}

/* Takes every frame as a receiver does; the messages come in order from `*expected` on. */
static void take_frames(pipeline *p, uint32_t *expected)
{
    for (size_t at = 0, length; at < p->way.length; at += sizeof length + length) {
        memcpy(&length, p->way.bytes + at, sizeof length);
        must(length <= p->out.max_frame);
        movex_reader frame = movex_reader_over(p->way.bytes + at + sizeof length, length), message;
        while (movex_reader_left(&frame)) {
            if (frame.at[0] != MOVEX_MESSAGE_CHUNK) {
                take_one(&frame, expected);
                continue;
            }
            movex_read_u8(&frame);
            int status = movex_channel_assemble(&p->in, &p->allocator, &frame, &message);
            must(status == MOVEX_OK || status == MOVEX_ERR_AGAIN);
            if (status == MOVEX_ERR_AGAIN) continue;
            take_one(&message, expected);
            must_equal(movex_reader_left(&message), 0);
        }
    }
    p->way.length = 0;
}

START_TEST(channel_keeps_order_and_bytes)
{
    static const size_t frames[] = {256, 257, 300, 1000, 4096, 65536};
    uint64_t            random = (uint64_t)_i;
    pipeline            p;
    unsigned char      *bytes = malloc(200000 + MOVEX_MESSAGE_OVERHEAD);
    uint32_t            sent = 0, expected = 0;
    pipeline_init(&p, frames[_i % 6], random);
    p.way.full_one_in = _i % 3 ? 2 + meter_below(&random, 4) : 0;
    for (int step = 0; step < 400; step++) {
        uint32_t size = meter_below(&random, 12);
        size_t   body = size == 0   ? meter_below(&random, 20000)
                        : size == 1 ? p.out.max_frame - 14 + meter_below(&random, 28) /* about a frame */
                                    : meter_below(&random, 60);
        size_t   length = make_message(bytes, sent++, body);
        must_equal(movex_channel_append(&p.out, &p.allocator, bytes, length), MOVEX_OK);
        movex_channel_check(&p.out);
        if (meter_below(&random, 5)) continue;
        must_equal(movex_channel_flush(&p.out, &p.allocator), MOVEX_OK);
        movex_channel_check(&p.out);
        if (meter_below(&random, 2)) take_frames(&p, &expected);
    }
    p.way.full_one_in = 0;
    must_equal(movex_channel_flush(&p.out, &p.allocator), MOVEX_OK);
    must_equal(movex_channel_queued(&p.out), 0);
    take_frames(&p, &expected);
    must_equal(expected, sent);
    must_equal(p.stats.frames_sent, p.way.frames);
    pipeline_free(&p);
    free(bytes);
}
END_TEST

START_TEST(many_messages_make_few_frames)
{
    pipeline      p;
    unsigned char bytes[200];
    uint32_t      expected = 0;
    size_t        total = 0;
    pipeline_init(&p, 1000, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        size_t length = make_message(bytes, i, 10);
        total += length;
        must_equal(movex_channel_append(&p.out, &p.allocator, bytes, length), MOVEX_OK);
    }
    must_equal(movex_channel_flush(&p.out, &p.allocator), MOVEX_OK);
    must(p.way.frames <= total / (1000 - 20) + 1);
    must_equal(p.stats.bytes_sent, total);
    take_frames(&p, &expected);
    must_equal(expected, 1000);
    pipeline_free(&p);
}
END_TEST

START_TEST(a_full_queue_takes_no_more)
{
    pipeline      p;
    unsigned char bytes[400];
    uint32_t      sent = 0, expected = 0;
    pipeline_init(&p, 256, 1);
    p.way.full_one_in = 1;
    p.out.max_queue = 5000;
    for (;; sent++) {
        size_t length = make_message(bytes, sent, 100), before = movex_channel_queued(&p.out);
        int    status = movex_channel_append(&p.out, &p.allocator, bytes, length);
        movex_channel_check(&p.out);
        if (status == MOVEX_OK) continue;
        must_equal(status, MOVEX_ERR_LIMIT);
        must_equal(movex_channel_queued(&p.out), before);
        must(before > 5000 && before < 5400);
        break;
    }
    must_equal(movex_channel_flush(&p.out, &p.allocator), MOVEX_OK);
    must_equal(p.way.frames, 0);
    p.way.full_one_in = 0;
    must_equal(movex_channel_flush(&p.out, &p.allocator), MOVEX_OK);
    take_frames(&p, &expected);
    must_equal(expected, sent);
    pipeline_free(&p);
}
END_TEST

START_TEST(appending_without_memory_queues_nothing)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        meter          m = {.fail_one_in = 3, .random = seed};
        pipeline       p;
        uint64_t       random = seed;
        uint32_t       sent = 0, expected = 0;
        unsigned char *bytes = malloc(50000);
        pipeline_init(&p, 256, seed);
        movex_allocator failing = meter_allocator(&m);
        for (int step = 0; step < 40; step++) {
            size_t length = make_message(bytes, sent, meter_below(&random, 40000)),
                   before = movex_channel_queued(&p.out);
            int status = movex_channel_append(&p.out, &failing, bytes, length);
            movex_channel_check(&p.out);
            must(status == MOVEX_OK || (status == MOVEX_ERR_MEMORY && movex_channel_queued(&p.out) == before));
            if (status == MOVEX_OK) sent++;
        }
        must_equal(movex_channel_flush(&p.out, &failing), MOVEX_OK);
        take_frames(&p, &expected);
        must_equal(expected, sent);
        movex_channel_free(&p.out, &failing);
        must_equal(m.blocks + m.bytes + m.wrong, 0);
        pipeline_free(&p);
        free(bytes);
    }
}
END_TEST

START_TEST(chunks_are_bounded_and_well_formed)
{
    pipeline            p;
    unsigned char       chunk[120] = {0, 100}; /* not the last; 100 bytes follow */
    const unsigned char empty[] = {1, 0}, torn[] = {0, 5, 1, 2}, flag[] = {2, 1, 7};
    movex_reader        message, reader;
    pipeline_init(&p, 256, 1);
    p.in.max_message = 1050;
    for (int i = 0; i < 10; i++) {
        reader = movex_reader_over(chunk, 102);
        must_equal(movex_channel_assemble(&p.in, &p.allocator, &reader, &message), MOVEX_ERR_AGAIN);
    }
    reader = movex_reader_over(chunk, 102);
    must_equal(movex_channel_assemble(&p.in, &p.allocator, &reader, &message), MOVEX_ERR_LIMIT);
    reader = movex_reader_over(empty, sizeof empty);
    must_equal(movex_channel_assemble(&p.in, &p.allocator, &reader, &message), MOVEX_ERR_MALFORMED);
    reader = movex_reader_over(torn, sizeof torn);
    must_equal(movex_channel_assemble(&p.in, &p.allocator, &reader, &message), MOVEX_ERR_MALFORMED);
    reader = movex_reader_over(flag, sizeof flag);
    must_equal(movex_channel_assemble(&p.in, &p.allocator, &reader, &message), MOVEX_ERR_MALFORMED);
    pipeline_free(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *cases = tcase_create("wire");
    int    kind_count = (int)(sizeof kinds / sizeof kinds[0]);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, messages_come_back_and_truncated_ones_are_refused, 0, kind_count);
    tcase_add_loop_test(cases, what_is_taken_is_canonical, 0, kind_count);
    tcase_add_test(cases, numbers_in_messages_are_in_shortest_form_and_in_range);
    tcase_add_loop_test(cases, channel_keeps_order_and_bytes, 0, 30);
    tcase_add_test(cases, many_messages_make_few_frames);
    tcase_add_test(cases, a_full_queue_takes_no_more);
    tcase_add_test(cases, appending_without_memory_queues_nothing);
    tcase_add_test(cases, chunks_are_bounded_and_well_formed);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
