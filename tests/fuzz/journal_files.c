#include "journal_files.h"

#include "hash.h"
#include "record.h"
#include "rules.h"

#include <movex/text.h>

#include <string.h>

typedef struct maker {
    journal_files *all;
    journal_file  *file;
    fuzz_input    *input;
    unsigned char  state[4096];
} maker;

const char *journal_person(uint32_t number)
{
    static const char *const names[JOURNAL_PEOPLE] = {"p0", "p1", "p2", "p3"};
    return names[number % JOURNAL_PEOPLE];
}

static movex_wire_text text_of(const char *text)
{
    return (movex_wire_text){text, (uint32_t)strlen(text)};
}

static movex_wire_text person(maker *m)
{
    return text_of(journal_person(fuzz_u8(m->input)));
}

/* ---- files */

static const char *const file_names[] = {"sessions", "open:one", "duel:one", "cards:one",
                                         "eyes:one", "duel:two", "gone:one", "cards:one"};

static void begin_file(maker *m)
{
    uint32_t         which = fuzz_below(m->input, sizeof file_names / sizeof *file_names + 1);
    movex_store_name name = {0};
    if (which < sizeof file_names / sizeof *file_names) {
        name.length = strlen(file_names[which]);
        memcpy(name.bytes, file_names[which], name.length);
    } else {
        name.length = 1 + fuzz_below(m->input, MOVEX_STORE_NAME_MAX);
        for (size_t i = 0; i < name.length; i++) name.bytes[i] = fuzz_u8(m->input);
    }
    m->file = NULL;
    for (uint32_t i = 0; i < m->all->count; i++) {
        const movex_store_name *other = &m->all->files[i].name;
        if (other->length == name.length && memcmp(other->bytes, name.bytes, name.length) == 0)
            m->file = &m->all->files[i];
    }
    if (m->file || m->all->count == JOURNAL_FILES) return;
    m->file = &m->all->files[m->all->count++];
    m->file->name = name;
    m->file->seed = movex_xxh64(name.bytes, name.length, MOVEX_JOURNAL_FORMAT);
    m->file->type = -1;
}

/* A writer over the payload of the next record; there is room for what an input can hold. */
static movex_writer begin(maker *m)
{
    journal_file *file = m->file;
    return movex_writer_over(file->bytes + file->length + MOVEX_RECORD_HEADER, JOURNAL_ROOM - file->length - 64);
}

static void end(maker *m, const movex_writer *writer)
{
    journal_file *file = m->file;
    size_t        length = (size_t)(writer->at - (file->bytes + file->length)) - MOVEX_RECORD_HEADER;
    if (length == 0) return;
    file->last = file->length;
    movex_record_seal(file->bytes + file->length, (uint32_t)length, file->length, file->seed);
    file->length += length + MOVEX_RECORD_FRAME;
}

/* ---- states */

/* The first state, with something changed. */
static void vary(maker *m, table *state)
{
    uint8_t what = fuzz_u8(m->input), value = fuzz_u8(m->input);
    movex_rules_init(m->all->rules[m->file->type < 0 ? 1 : m->file->type], state);
    state->opened = what & 1;
    state->seats[0].locked = what & 2;
    state->count = what >> 2 & 3;
    state->items[0] = state->count ? value : 0;
    for (int i = 1; i < state->count; i++) state->items[i] = value;
    for (int i = state->count; i < TABLE_ITEMS; i++) state->items[i] = 0;
    state->deck_count = what >> 4 & 3;
    for (int i = 0; i < state->deck_count; i++) state->deck[i] = (uint8_t)(value + i);
    if (what & 64) movex_text_set(state->seats[value % TABLE_SEATS].who, journal_person(value));
    state->due_ms = what & 128 ? value : 0;
}

static movex_wire_bytes encode(maker *m, const table *state)
{
    size_t length = 0;
    fuzz_require(movex_codec_encode(movex_rules_state(m->all->rules[1]), state, m->state, sizeof m->state, &length,
                                    NULL) == MOVEX_OK);
    return (movex_wire_bytes){m->state, length};
}

static void write_state(maker *m, movex_writer *writer)
{
    journal_file       *file = m->file;
    movex_journal_state state = {.version = fuzz_u8(m->input), .now_ms = fuzz_u8(m->input)};
    state.revealed = fuzz_below(m->input, 4) ? 0 : state.version;
    vary(m, &file->shown);
    file->full = file->shown;
    file->version = state.version;
    file->now_ms = state.now_ms;
    file->hides = false;
    state.state = encode(m, &file->shown);
    state.checksum = movex_codec_checksum(movex_rules_state(m->all->rules[1]), &file->shown);
    movex_journal_write_state(writer, &state);
}

static void write_begin(maker *m)
{
    movex_writer           writer = begin(m);
    uint8_t                what = fuzz_u8(m->input);
    int                    type = what % TABLE_TYPES;
    movex_journal_resource resource = {.format = 1 + (what == 255), .type_version = 1};
    m->file->type = type;
    resource.type = text_of(what == 254 ? "gone" : table_types[type]->name);
    resource.id = text_of(what & 64 ? "two" : "one");
    resource.fingerprint = movex_rules_fingerprint(m->all->rules[type]) + (what == 253);
    movex_journal_write_resource(&writer, &resource);
    end(m, &writer);
    writer = begin(m);
    write_state(m, &writer);
    end(m, &writer);
}

/* ---- entries, whose checksums are made right */

static int apply(const maker *m, table *state, const movex_journal_half *half, const movex_context *context)
{
    const movex_rules *rules = m->all->rules[m->file->type];
    union {
        table_move move;
        table_lock lock;
    } payload;
    movex_random_source random = {.seed = half->seed};
    movex_context       own = *context;
    table               scratch;
    own.random = &random;
    if (half->action >= TABLE_ACTIONS) return MOVEX_REFUSE;
    const movex_codec *codec = movex_rules_payload(rules, half->action);
    if (codec && movex_codec_decode(codec, &payload, half->payload.bytes, half->payload.length, NULL) != MOVEX_OK)
        return MOVEX_REFUSE;
    return movex_apply(rules, state, half->action, codec ? &payload : NULL, &own, &scratch);
}

static void make_right(maker *m, movex_journal_entry *entry)
{
    journal_file     *file = m->file;
    const movex_type *type = table_types[file->type];
    char              author[MOVEX_NAME_SIZE] = {0};
    movex_context     context = {.author = author, .version = ++file->version};
    if (entry->session)
        movex_text_set(author, m->all->people[entry->session % JOURNAL_SESSIONS]);
    else if (entry->author.length < sizeof author)
        memcpy(author, entry->author.bytes, entry->author.length);
    file->now_ms += entry->elapsed_ms;
    context.now_ms = file->now_ms;
    file->hides = file->hides || entry->hides;
    apply(m, &file->shown, &entry->shown, &context);
    apply(m, &file->full, entry->hides ? &entry->hidden : &entry->shown, &context);
    entry->reveals = file->hides && type->can_reconcile && type->can_reconcile(&file->shown);
    if (entry->reveals || !file->hides) {
        if (entry->reveals) file->shown = file->full;
        file->full = file->shown;
        file->hides = false;
    }
    entry->checksum = movex_codec_checksum(movex_rules_state(m->all->rules[1]), &file->shown);
}

static movex_wire_bytes make_payload(maker *m, uint32_t action, unsigned char bytes[64])
{
    uint8_t            value = fuzz_u8(m->input);
    const movex_codec *codec = movex_rules_payload(m->all->rules[1], action);
    table_move         move = {.id = value * 2654435761u, .a = value % 7, .b = value / 7 % 8};
    table_lock         lock = {.seat = value % 4, .value = value / 4};
    bool               locks = action == TABLE_LOCK || action == TABLE_READY;
    size_t             length = 0;
    if (!codec) return (movex_wire_bytes){"", 0};
    if (value & 1) movex_text_set(move.text, "a");
    movex_codec_encode(codec, locks ? (const void *)&lock : &move, bytes, 64, &length, NULL);
    return (movex_wire_bytes){bytes, length};
}

static movex_journal_half make_half(maker *m, uint32_t action, bool drew, unsigned char bytes[64])
{
    return (movex_journal_half){
        .action = action, .payload = make_payload(m, action, bytes), .drew = drew, .seed = drew ? action : 0};
}

static void write_entry(maker *m, movex_writer *writer)
{
    static const uint32_t as[TABLE_ACTIONS] = {
        [TABLE_LOCK] = TABLE_READY, [TABLE_GAMBLE] = TABLE_DRAW, [TABLE_STEAL] = TABLE_SWAP};
    unsigned char       shown[64], hidden[64];
    uint8_t             flags = fuzz_u8(m->input);
    uint32_t            action = fuzz_below(m->input, TABLE_ACTIONS);
    movex_journal_entry entry = {.elapsed_ms = fuzz_u8(m->input)};
    entry.session = fuzz_u8(m->input) % JOURNAL_SESSIONS;
    entry.subscription = flags & 64 ? fuzz_u8(m->input) : 1;
    entry.sequence = fuzz_u8(m->input);
    entry.author = text_of(flags & 1 ? journal_person(flags >> 2) : "");
    entry.hides = as[action] && entry.session && flags & 2;
    entry.shown = make_half(m, entry.hides ? as[action] : action, flags & 8, shown);
    if (entry.hides) entry.hidden = make_half(m, action, flags & 16, hidden);
    if (m->file->type >= 0) make_right(m, &entry);
    movex_journal_write_entry(writer, &entry);
}

/* ---- other records */

static void write_dispatch(maker *m, movex_writer *writer, movex_journal_kind kind)
{
    movex_journal_dispatch record = {.session = fuzz_u8(m->input), .subscription = fuzz_u8(m->input)};
    if (kind == MOVEX_JOURNAL_UNSUBSCRIBED) {
        record.with_session = record.session > 128; /* what is stored reads as before */
    } else {
        record.sequence = fuzz_u8(m->input);
        record.reason = 1 + fuzz_below(m->input, 4);
        record.revealed = fuzz_below(m->input, 8);
    }
    movex_journal_write_dispatch(writer, kind, &record);
}

static void write_session(maker *m, movex_writer *writer)
{
    movex_journal_session session = {.number = fuzz_u8(m->input), .id = person(m), .info = text_of("x")};
    session.token[0] = (unsigned char)session.number;
    movex_journal_write_session(writer, &session);
}

static void write_subscribed(maker *m, movex_writer *writer)
{
    movex_journal_subscribed record = {
        .session = fuzz_u8(m->input), .subscription = fuzz_u8(m->input), .id = person(m)};
    char *known = m->all->people[record.session % JOURNAL_SESSIONS];
    record.sequence = fuzz_u8(m->input);
    if (!known[0]) memcpy(known, record.id.bytes, record.id.length);
    movex_journal_write_subscribed(writer, &record);
}

static void write_hider(maker *m, movex_writer *writer)
{
    uint8_t             what = fuzz_u8(m->input);
    bool                full = what == 255;
    movex_journal_hider record = {.session = what, .id = text_of(journal_person(fuzz_u8(m->input)))};
    table               state;
    vary(m, &state);
    m->file->full = state;
    m->file->hides = true;
    record.state = encode(m, &state);
    movex_journal_write_hider(writer, full ? MOVEX_JOURNAL_FULL : MOVEX_JOURNAL_HIDER, &record);
}

static void write_pair(maker *m, movex_writer *writer)
{
    unsigned char      bytes[64];
    movex_journal_pair record = {.version = fuzz_u8(m->input), .session = fuzz_u8(m->input), .subscription = 1};
    record.sequence = fuzz_u8(m->input);
    record.author = person(m);
    record.hidden = make_half(m, fuzz_below(m->input, TABLE_ACTIONS + 1), fuzz_u8(m->input) & 1, bytes);
    movex_journal_write_pair(writer, &record);
}

/* Follows what a record of any bytes says of its file, so that entries after it can be right. */
static void follow(maker *m, const movex_journal_record *record)
{
    journal_file      *file = m->file;
    const movex_codec *codec = movex_rules_state(m->all->rules[1]);
    movex_wire_bytes   state = {NULL, 0};
    movex_wire_text    id = record->of.subscribed.id;
    switch (record->kind) {
    case MOVEX_JOURNAL_RESOURCE:
        for (int i = 0; i < TABLE_TYPES; i++)
            if (movex_rules_fingerprint(m->all->rules[i]) == record->of.resource.fingerprint) file->type = i;
        break;
    case MOVEX_JOURNAL_STATE:
        state = record->of.state.state;
        file->version = record->of.state.version;
        file->now_ms = record->of.state.now_ms;
        file->hides = false;
        break;
    case MOVEX_JOURNAL_HIDER:
    case MOVEX_JOURNAL_FULL:
        state = record->of.hider.state;
        file->hides = true;
        break;
    case MOVEX_JOURNAL_SUBSCRIBED: {
        char *name = m->all->people[record->of.subscribed.session % JOURNAL_SESSIONS];
        if (id.length < MOVEX_NAME_SIZE && !name[0]) memcpy(name, id.bytes, id.length);
        break;
    }
    default: break;
    }
    if (state.bytes) movex_codec_decode(codec, &file->full, state.bytes, state.length, NULL);
    if (record->kind == MOVEX_JOURNAL_STATE) file->shown = file->full;
}

/* Of any bytes; entries may be made right. */
static void write_any(maker *m, movex_writer *writer, bool right)
{
    movex_journal_record record;
    size_t               length = fuzz_u8(m->input);
    length += (size_t)fuzz_u8(m->input) << 8;
    const uint8_t *bytes = m->input->at;
    if (length > fuzz_left(m->input)) length = fuzz_left(m->input);
    m->input->at += length;
    bool known = length > 0 && movex_journal_read(bytes, length, &record);
    if (known) follow(m, &record);
    if (known && record.kind == MOVEX_JOURNAL_ENTRY && right && m->file->type >= 0) {
        make_right(m, &record.of.entry);
        movex_journal_write_entry(writer, &record.of.entry);
    } else {
        movex_write_bytes(writer, bytes, length);
    }
}

static void write_start(maker *m)
{
    const movex_journal_start start = {fuzz_u8(m->input), fuzz_u8(m->input)};
    movex_writer              writer = begin(m);
    movex_journal_write_sessions(&writer);
    end(m, &writer);
    writer = begin(m);
    movex_journal_write_start(&writer, &start);
    end(m, &writer);
}

/* ---- damage */

static void damage(maker *m)
{
    journal_file *file = m->file;
    uint8_t       what = fuzz_u8(m->input), more = fuzz_u8(m->input);
    size_t        at = what & 1 ? file->last + more : (size_t)more << 2;
    if (what & 2 && file->length > more) {
        file->length -= more; /* torn */
    } else if (what & 4) {
        for (int i = 0; i < more % 64; i++) file->bytes[file->length++] = fuzz_u8(m->input);
    } else if (at < file->length) {
        file->bytes[at] ^= (unsigned char)(1 + (what >> 3));
    }
}

/* ---- the input */

enum {
    FILE_NEXT,
    ANY,
    ANY_RIGHT,
    START,
    BEGIN,
    ENTRY,
    ENTRY_MORE,
    SESSION,
    OVER,
    ENDED,
    SUBSCRIBED,
    UNSUBSCRIBED,
    REFUSED,
    OVERTURNED,
    HIDING,
    HIDER,
    PAIR,
    REVEALED,
    STATE,
    DAMAGE,
    KINDS
};

static void write_one(maker *m, uint32_t kind)
{
    movex_writer writer = begin(m);
    switch (kind) {
    case ANY:
    case ANY_RIGHT: write_any(m, &writer, kind == ANY_RIGHT); break;
    case ENTRY:
    case ENTRY_MORE: write_entry(m, &writer); break;
    case SESSION: write_session(m, &writer); break;
    case OVER: movex_journal_write_session_end(&writer, MOVEX_JOURNAL_SESSION_OVER, fuzz_u8(m->input)); break;
    case ENDED: movex_journal_write_session_end(&writer, MOVEX_JOURNAL_SESSION_ENDED, fuzz_u8(m->input)); break;
    case SUBSCRIBED: write_subscribed(m, &writer); break;
    case UNSUBSCRIBED: write_dispatch(m, &writer, MOVEX_JOURNAL_UNSUBSCRIBED); break;
    case REFUSED: write_dispatch(m, &writer, MOVEX_JOURNAL_REFUSED); break;
    case OVERTURNED: write_dispatch(m, &writer, MOVEX_JOURNAL_OVERTURNED); break;
    case HIDING: {
        const movex_journal_hiding hiding = {fuzz_u8(m->input), fuzz_u8(m->input) & 1};
        movex_journal_write_hiding(&writer, &hiding);
        break;
    }
    case HIDER: write_hider(m, &writer); break;
    case PAIR: write_pair(m, &writer); break;
    case REVEALED: {
        const movex_journal_revealed revealed = {fuzz_u8(m->input), person(m)};
        movex_journal_write_revealed(&writer, &revealed);
        break;
    }
    default: write_state(m, &writer); break;
    }
    end(m, &writer);
}

void journal_make(journal_files *all, fuzz_input *input)
{
    maker m = {.all = all, .input = input};
    begin_file(&m);
    while (m.file && fuzz_left(input)) {
        uint32_t kind = fuzz_below(input, KINDS);
        if (m.file->length + 4096 + fuzz_left(input) > JOURNAL_ROOM) break;
        switch (kind) {
        case FILE_NEXT: begin_file(&m); break;
        case START: write_start(&m); break;
        case BEGIN: write_begin(&m); break;
        case DAMAGE: damage(&m); break;
        default: write_one(&m, kind);
        }
    }
}
