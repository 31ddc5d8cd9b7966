#include "journal.h"

#include "name.h"
#include "wire_fields.h"

enum { /* flags of an ENTRY */
       BY_MASTER = 1u << 0,
       HIDES = 1u << 1,
       REVEALS = 1u << 2,
       SHOWN_DREW = 1u << 3,
       HIDDEN_DREW = 1u << 4,
       SEALS = 1u << 5,
       ENTRY_FLAGS = 0x3f
};

/* ---- parts */

static void write_half(movex_writer *writer, const movex_journal_half *half)
{
    movex_write_number(writer, half->action);
    movex_write_wire_blob(writer, half->payload);
    if (half->drew) movex_write_u64(writer, half->seed);
}

static movex_journal_half read_half(movex_reader *reader, bool drew)
{
    movex_journal_half half = {.drew = drew, .action = movex_read_wire_index(reader)};
    half.payload = movex_read_wire_blob(reader);
    if (drew) half.seed = movex_read_u64(reader);
    return half;
}

/* Numbers that are counted up: so high that none ever comes there, and one more still fits. */
static uint64_t read_count(movex_reader *reader)
{
    return movex_read_number_to(reader, INT64_MAX);
}

static movex_wire_text read_name(movex_reader *reader)
{
    movex_wire_text name = movex_read_wire_text(reader, MOVEX_NAME_MAX);
    if (name.length == 0) reader->failed = true;
    return name;
}

/* ---- resources */

void movex_journal_write_resource(movex_writer *writer, const movex_journal_resource *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_RESOURCE);
    movex_write_number(writer, record->format);
    movex_write_wire_text(writer, record->type);
    movex_write_wire_text(writer, record->id);
    movex_write_number(writer, record->type_version);
    movex_write_u64(writer, record->fingerprint);
}

static void read_resource(movex_reader *reader, movex_journal_resource *record)
{
    record->format = read_count(reader);
    record->type = read_name(reader);
    record->id = read_name(reader);
    record->type_version = read_count(reader);
    record->fingerprint = movex_read_u64(reader);
}

void movex_journal_write_state(movex_writer *writer, const movex_journal_state *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_STATE);
    movex_write_number(writer, record->version);
    movex_write_number(writer, record->now_ms);
    movex_write_number(writer, record->revealed);
    movex_write_u64(writer, record->checksum);
    movex_write_wire_blob(writer, record->state);
}

static void read_state(movex_reader *reader, movex_journal_state *record)
{
    record->version = read_count(reader);
    record->now_ms = read_count(reader);
    record->revealed = movex_read_number_to(reader, record->version);
    record->checksum = movex_read_u64(reader);
    record->state = movex_read_wire_blob(reader);
}

void movex_journal_write_entry(movex_writer *writer, const movex_journal_entry *record)
{
    bool master = record->session == 0;
    movex_write_u8(writer, MOVEX_JOURNAL_ENTRY);
    movex_write_u8(writer,
                   (uint8_t)((master ? BY_MASTER : 0) | (record->hides ? HIDES : 0) | (record->reveals ? REVEALS : 0) |
                             (record->shown.drew ? SHOWN_DREW : 0) |
                             (record->hides && record->hidden.drew ? HIDDEN_DREW : 0) | (record->seals ? SEALS : 0)));
    movex_write_number(writer, record->elapsed_ms);
    if (master) {
        movex_write_wire_text(writer, record->author);
    } else {
        movex_write_number(writer, record->session);
        movex_write_number(writer, record->subscription);
        movex_write_number(writer, record->sequence);
    }
    write_half(writer, &record->shown);
    if (record->hides) write_half(writer, &record->hidden);
    if (record->seals) movex_write_bytes(writer, record->commitment, MOVEX_COMMITMENT_SIZE);
    movex_write_u64(writer, record->checksum);
}

static void read_entry(movex_reader *reader, movex_journal_entry *record)
{
    uint8_t flags = movex_read_u8(reader);
    if (flags & ~(unsigned)ENTRY_FLAGS) reader->failed = true;
    record->hides = flags & HIDES;
    record->reveals = flags & REVEALS;
    record->seals = flags & SEALS;
    record->elapsed_ms = read_count(reader);
    if (flags & BY_MASTER) {
        record->author = movex_read_wire_text(reader, MOVEX_NAME_MAX);
    } else {
        record->session = read_count(reader);
        record->subscription = read_count(reader);
        record->sequence = read_count(reader);
    }
    bool dispatched = record->session && record->subscription && record->sequence;
    if (!(flags & BY_MASTER) && !dispatched) reader->failed = true;
    if (flags & HIDDEN_DREW && !(flags & HIDES)) reader->failed = true;
    if (flags & (HIDES | SEALS) && flags & BY_MASTER) reader->failed = true;
    if (record->seals && (record->hides || record->reveals || !(flags & SHOWN_DREW))) reader->failed = true;
    record->shown = read_half(reader, flags & SHOWN_DREW);
    if (record->hides) record->hidden = read_half(reader, flags & HIDDEN_DREW);
    const unsigned char *commitment = record->seals ? movex_read_bytes(reader, MOVEX_COMMITMENT_SIZE) : NULL;
    if (commitment) memcpy(record->commitment, commitment, MOVEX_COMMITMENT_SIZE);
    record->checksum = movex_read_u64(reader);
}

/* ---- subscriptions and their dispatches */

void movex_journal_write_subscribed(movex_writer *writer, const movex_journal_subscribed *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_SUBSCRIBED);
    movex_write_number(writer, record->session);
    movex_write_number(writer, record->subscription);
    movex_write_wire_text(writer, record->id);
    movex_write_number(writer, record->sequence);
}

static void read_subscribed(movex_reader *reader, movex_journal_subscribed *record)
{
    record->session = read_count(reader);
    record->subscription = read_count(reader);
    record->id = read_name(reader);
    record->sequence = read_count(reader);
    if (!record->session || !record->subscription) reader->failed = true;
}

void movex_journal_write_dispatch(movex_writer *writer, movex_journal_kind kind, const movex_journal_dispatch *record)
{
    movex_write_u8(writer, (uint8_t)kind);
    movex_write_number(writer, record->session);
    movex_write_number(writer, record->subscription);
    if (kind == MOVEX_JOURNAL_UNSUBSCRIBED) {
        movex_write_u8(writer, record->with_session);
        return;
    }
    movex_write_number(writer, record->sequence);
    movex_write_wire_reason(writer, record->reason);
    if (kind == MOVEX_JOURNAL_OVERTURNED) movex_write_number(writer, record->revealed);
}

static void read_dispatch(movex_reader *reader, movex_journal_kind kind, movex_journal_dispatch *record)
{
    record->session = read_count(reader);
    record->subscription = read_count(reader);
    if (!record->session || !record->subscription) reader->failed = true;
    if (kind == MOVEX_JOURNAL_UNSUBSCRIBED) {
        record->with_session = movex_read_wire_flag(reader);
        return;
    }
    record->sequence = read_count(reader);
    record->reason = movex_read_wire_reason(reader);
    if (!record->sequence || record->reason == MOVEX_ACCEPT) reader->failed = true;
    if (kind == MOVEX_JOURNAL_OVERTURNED) record->revealed = read_count(reader);
}

/* ---- what is hidden */

void movex_journal_write_hiding(movex_writer *writer, const movex_journal_hiding *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_HIDING);
    movex_write_number(writer, record->base);
    movex_write_u8(writer, record->foldable);
}

static void read_hiding(movex_reader *reader, movex_journal_hiding *record)
{
    record->base = read_count(reader);
    record->foldable = movex_read_wire_flag(reader);
}

void movex_journal_write_hider(movex_writer *writer, movex_journal_kind kind, const movex_journal_hider *record)
{
    movex_write_u8(writer, (uint8_t)kind);
    if (kind == MOVEX_JOURNAL_HIDER) {
        movex_write_number(writer, record->session);
        movex_write_wire_text(writer, record->id);
    }
    movex_write_wire_blob(writer, record->state);
}

static void read_hider(movex_reader *reader, movex_journal_kind kind, movex_journal_hider *record)
{
    if (kind == MOVEX_JOURNAL_HIDER) {
        record->session = read_count(reader);
        record->id = read_name(reader);
        if (!record->session) reader->failed = true;
    }
    record->state = movex_read_wire_blob(reader);
}

void movex_journal_write_pair(movex_writer *writer, const movex_journal_pair *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_PAIR);
    movex_write_number(writer, record->version);
    movex_write_number(writer, record->session);
    movex_write_number(writer, record->subscription);
    movex_write_number(writer, record->sequence);
    movex_write_wire_text(writer, record->author);
    movex_write_u8(writer, record->hidden.drew);
    write_half(writer, &record->hidden);
}

static void read_pair(movex_reader *reader, movex_journal_pair *record)
{
    record->version = read_count(reader);
    record->session = read_count(reader);
    record->subscription = read_count(reader);
    record->sequence = read_count(reader);
    record->author = read_name(reader);
    bool drew = movex_read_wire_flag(reader);
    record->hidden = read_half(reader, drew);
    if (!record->session || !record->version) reader->failed = true;
}

void movex_journal_write_revealed(movex_writer *writer, const movex_journal_revealed *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_REVEALED);
    movex_write_number(writer, record->version);
    movex_write_wire_text(writer, record->author);
}

static void read_revealed(movex_reader *reader, movex_journal_revealed *record)
{
    record->version = read_count(reader);
    record->author = read_name(reader);
}

/* ---- what is sealed */

void movex_journal_write_sealed(movex_writer *writer, movex_wire_bytes round)
{
    movex_write_u8(writer, MOVEX_JOURNAL_SEALED);
    movex_write_wire_blob(writer, round);
}

void movex_journal_write_forfeited(movex_writer *writer, const movex_journal_forfeited *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_FORFEITED);
    movex_write_number(writer, record->version);
    movex_write_wire_reason(writer, record->reason);
}

static void read_forfeited(movex_reader *reader, movex_journal_forfeited *record)
{
    record->version = read_count(reader);
    record->reason = movex_read_wire_reason(reader);
    if (record->reason == MOVEX_ACCEPT) reader->failed = true;
}

void movex_journal_write_step(movex_writer *writer, const movex_journal_step *record)
{
    movex_write_u8(writer, (uint8_t)record->kind);
    movex_write_number(writer, record->elapsed_ms);
    if (record->kind == MOVEX_JOURNAL_CLOSING) movex_write_number(writer, record->deadline_ms);
    if (record->kind == MOVEX_JOURNAL_OPENING) {
        movex_write_wire_text(writer, record->author);
        movex_write_openings(writer, &record->records);
    }
    movex_write_u64(writer, record->checksum);
}

static void read_step(movex_reader *reader, movex_journal_kind kind, movex_journal_step *record)
{
    *record = (movex_journal_step){.kind = kind, .elapsed_ms = read_count(reader)};
    if (kind == MOVEX_JOURNAL_CLOSING) record->deadline_ms = read_count(reader);
    if (kind == MOVEX_JOURNAL_OPENING) {
        record->author = read_name(reader);
        if (!movex_read_openings(reader, &record->records)) reader->failed = true;
    }
    record->checksum = movex_read_u64(reader);
}

void movex_journal_write_room(movex_writer *writer, movex_wire_text room)
{
    movex_write_u8(writer, MOVEX_JOURNAL_ROOM);
    movex_write_wire_text(writer, room);
}

static void read_room(movex_reader *reader, movex_wire_text *room)
{
    *room = movex_read_wire_text(reader, MOVEX_SEALED_ROOM_MAX);
    if (room->length == 0) reader->failed = true;
}

/* ---- sessions */

void movex_journal_write_sessions(movex_writer *writer)
{
    movex_write_u8(writer, MOVEX_JOURNAL_SESSIONS);
    movex_write_number(writer, MOVEX_JOURNAL_FORMAT);
}

void movex_journal_write_start(movex_writer *writer, const movex_journal_start *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_START);
    movex_write_number(writer, record->epoch);
    movex_write_number(writer, record->sessions);
}

static void read_start(movex_reader *reader, movex_journal_start *record)
{
    record->epoch = read_count(reader);
    record->sessions = read_count(reader);
}

void movex_journal_write_session(movex_writer *writer, const movex_journal_session *record)
{
    movex_write_u8(writer, MOVEX_JOURNAL_SESSION);
    movex_write_number(writer, record->number);
    movex_write_wire_text(writer, record->id);
    movex_write_wire_text(writer, record->info);
    movex_write_bytes(writer, record->token, MOVEX_TOKEN_SIZE);
}

static void read_session(movex_reader *reader, movex_journal_session *record)
{
    record->number = read_count(reader);
    record->id = read_name(reader);
    record->info = movex_read_wire_text(reader, MOVEX_INFO_MAX);
    if (!movex_text_is_clean(record->info.bytes, record->info.length)) reader->failed = true;
    const unsigned char *token = movex_read_bytes(reader, MOVEX_TOKEN_SIZE);
    if (token) memcpy(record->token, token, MOVEX_TOKEN_SIZE);
    if (!record->number) reader->failed = true;
}

void movex_journal_write_session_end(movex_writer *writer, movex_journal_kind kind, uint64_t number)
{
    movex_write_u8(writer, (uint8_t)kind);
    movex_write_number(writer, number);
}

/* ---- any */

bool movex_journal_read(const void *bytes, size_t length, movex_journal_record *record)
{
    movex_reader reader = movex_reader_over(bytes, length);
    *record = (movex_journal_record){.kind = (movex_journal_kind)movex_read_u8(&reader)};
    switch (record->kind) {
    case MOVEX_JOURNAL_RESOURCE: read_resource(&reader, &record->of.resource); break;
    case MOVEX_JOURNAL_STATE: read_state(&reader, &record->of.state); break;
    case MOVEX_JOURNAL_ENTRY: read_entry(&reader, &record->of.entry); break;
    case MOVEX_JOURNAL_SUBSCRIBED: read_subscribed(&reader, &record->of.subscribed); break;
    case MOVEX_JOURNAL_UNSUBSCRIBED:
    case MOVEX_JOURNAL_REFUSED:
    case MOVEX_JOURNAL_OVERTURNED: read_dispatch(&reader, record->kind, &record->of.dispatch); break;
    case MOVEX_JOURNAL_HIDING: read_hiding(&reader, &record->of.hiding); break;
    case MOVEX_JOURNAL_HIDER:
    case MOVEX_JOURNAL_FULL: read_hider(&reader, record->kind, &record->of.hider); break;
    case MOVEX_JOURNAL_PAIR: read_pair(&reader, &record->of.pair); break;
    case MOVEX_JOURNAL_REVEALED: read_revealed(&reader, &record->of.revealed); break;
    case MOVEX_JOURNAL_SEALED: record->of.sealed = movex_read_wire_blob(&reader); break;
    case MOVEX_JOURNAL_FORFEITED: read_forfeited(&reader, &record->of.forfeited); break;
    case MOVEX_JOURNAL_CLOSING:
    case MOVEX_JOURNAL_OPENING:
    case MOVEX_JOURNAL_DEADLINE: read_step(&reader, record->kind, &record->of.step); break;
    case MOVEX_JOURNAL_ROOM: read_room(&reader, &record->of.room); break;
    case MOVEX_JOURNAL_SESSIONS: record->of.format = read_count(&reader); break;
    case MOVEX_JOURNAL_START: read_start(&reader, &record->of.start); break;
    case MOVEX_JOURNAL_SESSION: read_session(&reader, &record->of.session); break;
    case MOVEX_JOURNAL_SESSION_OVER:
    case MOVEX_JOURNAL_SESSION_ENDED: record->of.number = read_count(&reader); break;
    default: return false;
    }
    return !reader.failed && movex_reader_left(&reader) == 0;
}
