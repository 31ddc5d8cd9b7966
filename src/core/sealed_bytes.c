/* A round as bytes: for those who come into it by a snapshot, and for a journal (docs/wire.md, "A round"). */
#include "sealed.h"

#include "format.h"
#include "name.h"
#include "wire_fields.h"

enum { MARK_SEALED = 1u << 0, MARK_OPENED = 1u << 1, ENTRY_BYTES = 160, AUTHOR_BYTES = 64 };

/* ---- writing */

size_t movex_sealed_max_written(const movex_sealed *sealed)
{
    return 64 + movex_codec_max_encoded(sealed->rules->state) + sealed->author_count * (size_t)AUTHOR_BYTES +
           sealed->count * (size_t)ENTRY_BYTES + sealed->bytes.length;
}

/* The length of the encoding comes before it. */
static void write_base(movex_writer *writer, const movex_sealed *sealed)
{
    const movex_codec *codec = sealed->rules->state;
    size_t             length = 0, most = movex_codec_max_encoded(codec);
    unsigned char     *start = writer->at;
    assert((size_t)(writer->end - start) >= MOVEX_MAX_NUMBER + most);
    int status = movex_codec_encode(codec, sealed->base.state, start + MOVEX_MAX_NUMBER, most, &length, NULL);
    assert(status == MOVEX_OK); /* a view is always settled */
    (void)status;
    movex_write_number(writer, length);
    memmove(writer->at, start + MOVEX_MAX_NUMBER, length);
    writer->at += length;
}

static movex_wire_bytes bytes_at(const movex_sealed *sealed, uint32_t at, uint32_t length)
{
    return length ? (movex_wire_bytes){sealed->bytes.bytes + at, length} : (movex_wire_bytes){"", 0};
}

static void write_entry(movex_writer *writer, const movex_sealed *sealed, const movex_sealed_entry *entry,
                        bool sessions)
{
    bool opened = entry->opening > MOVEX_OPENING_OWN; /* what its author alone knows is not told */
    movex_write_number(writer, entry->version - sealed->base_version);
    movex_write_number(writer, entry->now_ms - sealed->base_ms);
    movex_write_number(writer, entry->author);
    movex_write_number(writer, entry->action);
    movex_write_wire_blob(writer, bytes_at(sealed, entry->payload_at, entry->payload_length));
    movex_write_u64(writer, entry->seed);
    movex_write_u8(writer, (uint8_t)((entry->sealed ? MARK_SEALED : 0) | (opened ? MARK_OPENED : 0)));
    if (sessions) {
        movex_write_number(writer, entry->session);
        movex_write_number(writer, entry->subscription);
        movex_write_number(writer, entry->sequence);
    }
    if (!entry->sealed) return;
    if (!sessions) {
        movex_write_number(writer, entry->subscription);
        movex_write_number(writer, entry->sequence);
    }
    movex_write_bytes(writer, entry->commitment, MOVEX_COMMITMENT_SIZE);
    if (!opened) return;
    movex_write_bytes(writer, entry->salt, MOVEX_SALT_SIZE);
    movex_write_number(writer, entry->hidden_action);
    movex_write_wire_blob(writer, bytes_at(sealed, entry->hidden_at, entry->hidden_length));
}

void movex_sealed_write(movex_writer *writer, const movex_sealed *sealed, bool sessions)
{
    movex_write_number(writer, sealed->base_version);
    movex_write_number(writer, sealed->base_ms);
    write_base(writer, sealed);
    movex_write_number(writer, sealed->closing ? sealed->closing - sealed->base_version : 0);
    if (sealed->closing) movex_write_number(writer, sealed->deadline_ms);
    movex_write_number(writer, sealed->author_count);
    for (uint32_t i = 0; i < sealed->author_count; i++) {
        const movex_sealed_author *author = &sealed->authors[i];
        movex_write_wire_text(writer, (movex_wire_text){author->id, (uint32_t)strlen(author->id)});
        movex_write_u8(writer, author->opened);
        if (sessions) movex_write_number(writer, author->session_number);
    }
    movex_write_number(writer, sealed->count);
    for (uint32_t i = 0; i < sealed->count; i++) write_entry(writer, sealed, &sealed->entries[i], sessions);
}

/* ---- reading */

/* What is being read, and how. */
typedef struct source {
    movex_reader           reader;
    movex_sealed          *sealed;
    const movex_allocator *allocator;
    bool                   sessions;
    bool                   no_memory;
    uint64_t               now_ms; /* of the entry before */
    uint64_t               version;
    void *const           *payloads;
} source;

static bool is_payload(const source *s, uint32_t action, movex_wire_bytes bytes)
{
    const movex_rules *rules = s->sealed->rules;
    const movex_codec *codec = movex_rules_payload(rules, action);
    if (action >= rules->type->action_count) return false;
    if (!codec) return bytes.length == 0;
    return movex_codec_decode(codec, s->payloads[0], bytes.bytes, bytes.length, NULL) == MOVEX_OK;
}

static bool read_base(source *s)
{
    movex_sealed    *sealed = s->sealed;
    movex_wire_bytes state = movex_read_wire_blob(&s->reader);
    if (s->reader.failed) return false;
    if (!movex_sealed_reserve(sealed, s->allocator, 0)) {
        s->no_memory = true;
        return false;
    }
    movex_view *base = &sealed->base;
    int         status = movex_codec_decode(sealed->rules->state, base->state, state.bytes, state.length, NULL);
    if (status != MOVEX_OK) movex_codec_restore(sealed->rules->state, base->backup, base->state);
    movex_view_settle(base);
    s->no_memory = status == MOVEX_ERR_MEMORY;
    return status == MOVEX_OK;
}

/* The first name is of whoever has sealed the first entry, so none is empty but that of the master. */
static bool read_author(source *s)
{
    movex_sealed   *sealed = s->sealed;
    movex_wire_text id = movex_read_wire_text(&s->reader, MOVEX_NAME_MAX);
    bool            opened = movex_read_wire_flag(&s->reader);
    uint64_t        number = s->sessions ? movex_read_number_to(&s->reader, INT64_MAX) : 0;
    if (s->reader.failed || (id.length && movex_name_fault_in(id.bytes, id.length))) return false;
    for (uint32_t i = 0; i < sealed->author_count; i++)
        if (strlen(sealed->authors[i].id) == id.length && memcmp(sealed->authors[i].id, id.bytes, id.length) == 0)
            return false;
    if (!movex_grow(s->allocator, &sealed->authors, &sealed->author_capacity, sizeof *sealed->authors,
                    sealed->author_count + 1, 4)) {
        s->no_memory = true;
        return false;
    }
    movex_sealed_author *author = &sealed->authors[sealed->author_count++];
    *author = (movex_sealed_author){.opened = opened, .session_number = number};
    memcpy(author->id, id.bytes, id.length);
    return true;
}

/* The opening that has come for an entry, behind its commitment. */
typedef struct opened_half {
    movex_opening_record record;
    bool                 there;
} opened_half;

static bool read_entry(source *s, movex_sealed_entry *entry, movex_wire_bytes *payload, opened_half *half)
{
    const movex_sealed *sealed = s->sealed;
    movex_reader       *reader = &s->reader;
    *entry = (movex_sealed_entry){.version = sealed->base_version + movex_read_number_to(reader, INT32_MAX)};
    entry->now_ms = sealed->base_ms + movex_read_number_to(reader, INT64_MAX);
    entry->author = (uint32_t)movex_read_number_to(reader, UINT32_MAX);
    entry->action = movex_read_wire_index(reader);
    *payload = movex_read_wire_blob(reader);
    entry->seed = movex_read_u64(reader);
    uint8_t marks = movex_read_u8(reader);
    entry->sealed = marks & MARK_SEALED;
    if (s->sessions) entry->session = movex_read_number_to(reader, INT64_MAX);
    if (s->sessions || entry->sealed) {
        entry->subscription = movex_read_number_to(reader, INT64_MAX);
        entry->sequence = movex_read_number_to(reader, INT64_MAX);
    }
    const unsigned char *bytes = entry->sealed ? movex_read_bytes(reader, MOVEX_COMMITMENT_SIZE) : NULL;
    if (bytes) memcpy(entry->commitment, bytes, MOVEX_COMMITMENT_SIZE);
    half->there = marks & MARK_OPENED;
    if (half->there) half->record.salt = movex_read_bytes(reader, MOVEX_SALT_SIZE);
    if (half->there) half->record.action = movex_read_wire_index(reader);
    if (half->there) half->record.payload = movex_read_wire_blob(reader);
    bool marked = marks <= (MARK_SEALED | MARK_OPENED) && marks != MARK_OPENED;
    bool known = entry->author < sealed->author_count && is_payload(s, entry->action, *payload);
    bool dispatched = !entry->sealed || (entry->subscription && entry->sequence);
    return !reader->failed && marked && known && dispatched && (!s->sessions || !entry->sealed || entry->session);
}

static bool take_entry(source *s, const movex_sealed_entry *entry, movex_wire_bytes payload, const opened_half *half)
{
    movex_sealed              *sealed = s->sealed;
    const movex_sealed_author *author = &sealed->authors[entry->author];
    uint64_t before = sealed->count ? sealed->entries[sealed->count - 1].version : sealed->base_version;
    if (entry->version <= before || entry->version == sealed->closing || entry->version > s->version) return false;
    if (sealed->count == 0 && !(entry->sealed && entry->version == sealed->base_version + 1)) return false;
    if (entry->now_ms < s->now_ms || (entry->sealed && !author->id[0])) return false;
    if (half->there && !(author->opened && is_payload(s, half->record.action, half->record.payload))) return false;
    s->now_ms = entry->now_ms;
    s->no_memory = !movex_sealed_reserve(sealed, s->allocator, payload.length + half->record.payload.length);
    if (s->no_memory) return false;
    char name[MOVEX_NAME_SIZE];
    memcpy(name, sealed->authors[entry->author].id, sizeof name); /* they may have moved */
    movex_sealed_entry *kept = movex_sealed_add(sealed, entry, name, payload);
    if (!half->there) return true;
    /* What it is worth is found as when it came. */
    movex_sealed_take_half(sealed, kept, &half->record, s->payloads);
    return true;
}

static bool read_round(source *s, uint32_t most)
{
    movex_sealed *sealed = s->sealed;
    movex_reader *reader = &s->reader;
    sealed->base_version = movex_read_number_to(reader, INT64_MAX);
    sealed->base_ms = s->now_ms = movex_read_number_to(reader, INT64_MAX);
    if (!read_base(s)) return false;
    uint64_t closing = movex_read_number_to(reader, INT32_MAX);
    if (closing) sealed->closing = sealed->base_version + closing;
    if (closing) sealed->deadline_ms = movex_read_number_to(reader, INT64_MAX);
    uint32_t authors = (uint32_t)movex_read_number_to(reader, most), opened = 0;
    if (reader->failed || sealed->closing > s->version) return false;
    for (uint32_t i = 0; i < authors; i++)
        if (!read_author(s)) return false;
    uint32_t count = (uint32_t)movex_read_number_to(reader, most);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        movex_sealed_entry entry;
        movex_wire_bytes   payload;
        opened_half        half = {.there = false};
        if (!read_entry(s, &entry, &payload, &half) || !take_entry(s, &entry, payload, &half)) return false;
    }
    for (uint32_t i = 0; i < sealed->author_count; i++) {
        const movex_sealed_author *author = &sealed->authors[i];
        opened += author->opened;
        if (author->opened && !(author->sealed && sealed->closing)) return false;
    }
    /* Each version of the log is an entry that does something, CLOSING, or an opening. */
    uint64_t versions = sealed->count + (sealed->closing ? UINT64_C(1) : 0) + opened;
    return !reader->failed && movex_reader_left(reader) == 0 && sealed->count > 0 &&
           s->version == sealed->base_version + versions;
}

int movex_sealed_read(movex_sealed *sealed, const movex_allocator *allocator, movex_wire_bytes bytes, bool sessions,
                      uint64_t version, uint32_t most, void *const payloads[2], movex_error *error)
{
    source s = {
        .reader = movex_reader_over(bytes.bytes, bytes.length),
        .sealed = sealed,
        .allocator = allocator,
        .sessions = sessions,
        .version = version,
        .payloads = payloads,
    };
    movex_sealed_end(sealed);
    if (read_round(&s, most)) return MOVEX_OK;
    movex_sealed_end(sealed);
    if (s.no_memory) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    return movex_error_set(error, MOVEX_ERR_MALFORMED, "a round of sealed entries that is none", NULL);
}
