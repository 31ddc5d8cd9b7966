#include "sealed.h"

#include "format.h"

#include <movex/text.h>

#include <assert.h>
#include <string.h>

enum { FIRST_ENTRIES = 8, FIRST_AUTHORS = 4 };

void movex_sealed_init(movex_sealed *sealed, const movex_rules *rules, const char *id)
{
    *sealed = (movex_sealed){.rules = rules, .id = id};
}

void movex_sealed_free(movex_sealed *sealed, const movex_allocator *allocator)
{
    movex_view_free(&sealed->base, allocator);
    movex_view_free(&sealed->work, allocator);
    movex_release(allocator, sealed->entries, sealed->capacity * sizeof *sealed->entries);
    movex_release(allocator, sealed->authors, sealed->author_capacity * sizeof *sealed->authors);
    movex_buffer_free(&sealed->bytes, allocator);
}

void movex_sealed_end(movex_sealed *sealed)
{
    sealed->count = sealed->author_count = sealed->sealed_count = 0;
    sealed->bytes.length = sealed->claimed = 0;
    sealed->due = false;
    sealed->closing = sealed->deadline_ms = 0;
}

/* ---- growing */

bool movex_sealed_reserve(movex_sealed *sealed, const movex_allocator *allocator, size_t payload_length)
{
    if (!sealed->base.rules && !movex_view_init(&sealed->base, sealed->rules, false, allocator)) return false;
    if (!sealed->work.rules && !movex_view_init(&sealed->work, sealed->rules, false, allocator)) return false;
    return payload_length <= UINT32_MAX - sealed->bytes.length && /* entries note places in 32 bits */
           movex_grow(allocator, &sealed->entries, &sealed->capacity, sizeof *sealed->entries, sealed->count + 1,
                      FIRST_ENTRIES) &&
           movex_grow(allocator, &sealed->authors, &sealed->author_capacity, sizeof *sealed->authors,
                      sealed->author_count + 1, FIRST_AUTHORS) &&
           movex_buffer_reserve(&sealed->bytes, allocator, payload_length);
}

size_t movex_sealed_claim(const movex_sealed *sealed, size_t payload_length, bool seals)
{
    return payload_length + (seals ? sealed->rules->max_encoded : 0);
}

void movex_sealed_begin(movex_sealed *sealed, const movex_view *state, uint64_t version, uint64_t now_ms)
{
    assert(sealed->count == 0);
    movex_view_follow(&sealed->base, state);
    sealed->base_version = version;
    sealed->base_ms = now_ms;
}

static uint32_t author_index(movex_sealed *sealed, const char *id)
{
    uint32_t i = 0;
    while (i < sealed->author_count && strcmp(sealed->authors[i].id, id) != 0) i++;
    if (i < sealed->author_count) return i;
    sealed->authors[sealed->author_count++] = (movex_sealed_author){0};
    movex_text_set(sealed->authors[i].id, id);
    return i;
}

static uint32_t put_bytes(movex_sealed *sealed, movex_wire_bytes bytes)
{
    uint32_t at = (uint32_t)sealed->bytes.length;
    if (bytes.length) memcpy(sealed->bytes.bytes + at, bytes.bytes, bytes.length);
    sealed->bytes.length += bytes.length;
    return at;
}

movex_sealed_entry *movex_sealed_add(movex_sealed *sealed, const movex_sealed_entry *entry, const char *author,
                                     movex_wire_bytes payload)
{
    movex_sealed_entry *kept = &sealed->entries[sealed->count++];
    *kept = *entry;
    kept->author = author_index(sealed, author);
    kept->payload_at = put_bytes(sealed, payload);
    kept->payload_length = (uint32_t)payload.length;
    kept->opening = MOVEX_OPENING_NONE;
    sealed->claimed += movex_sealed_claim(sealed, payload.length, entry->sealed);
    if (!entry->sealed) return kept;
    sealed->sealed_count++;
    sealed->authors[kept->author].sealed++;
    return kept;
}

void movex_sealed_look(movex_sealed *sealed, const void *public_state)
{
    if (!sealed->due) sealed->due = sealed->rules->type->can_reconcile(public_state);
}

void movex_sealed_close(movex_sealed *sealed, uint64_t version, uint64_t deadline_ms)
{
    sealed->closing = version;
    sealed->deadline_ms = deadline_ms;
}

/* ---- finding */

movex_sealed_entry *movex_sealed_find(const movex_sealed *sealed, uint64_t version)
{
    uint32_t low = 0, high = sealed->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sealed->entries[middle].version < version)
            low = middle + 1;
        else
            high = middle;
    }
    movex_sealed_entry *entry = low < sealed->count ? &sealed->entries[low] : NULL;
    return entry && entry->version == version && entry->sealed ? entry : NULL;
}

movex_sealed_author *movex_sealed_author_of(const movex_sealed *sealed, const char *id)
{
    for (uint32_t i = 0; i < sealed->author_count; i++)
        if (sealed->authors[i].sealed && strcmp(sealed->authors[i].id, id) == 0) return &sealed->authors[i];
    return NULL;
}

/* ---- openings */

/* Decodes a payload; false if it is none of that action's. */
static bool decode(const movex_sealed *sealed, uint32_t action, movex_wire_bytes bytes, void *payload,
                   movex_error *cause)
{
    const movex_codec *codec = movex_rules_payload(sealed->rules, action);
    movex_text_set(cause->text, "no such action, or one without a payload");
    if (action >= sealed->rules->type->action_count) return false;
    if (!codec) return bytes.length == 0;
    return movex_codec_decode(codec, payload, bytes.bytes, bytes.length, cause) == MOVEX_OK;
}

int movex_sealed_check_opening(const movex_sealed *sealed, const char *author, const movex_wire_records *records,
                               void *payload, movex_error *error)
{
    movex_reader               reader = movex_reader_over(records->bytes.bytes, records->bytes.length);
    movex_opening_record       record;
    movex_error                cause;
    const movex_sealed_author *who = movex_sealed_author_of(sealed, author);
    if (!sealed->closing || !who || who->opened)
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "there is nothing for its author to open", NULL);
    while (movex_next_opening_record(&reader, &record)) {
        const movex_sealed_entry *entry =
            record.back < sealed->closing ? movex_sealed_find(sealed, sealed->closing - record.back) : NULL;
        if (!entry || &sealed->authors[entry->author] != who)
            return movex_error_set(error, MOVEX_ERR_MALFORMED, "a half that its author has not sealed", NULL);
        if (!decode(sealed, record.action, record.payload, payload, &cause))
            return movex_error_set(error, MOVEX_ERR_MALFORMED, "the payload of a half: ", cause.text, NULL);
    }
    return MOVEX_OK;
}

static movex_wire_bytes bytes_at(const movex_sealed *sealed, uint32_t at, uint32_t length)
{
    return length ? (movex_wire_bytes){sealed->bytes.bytes + at, length} : (movex_wire_bytes){"", 0};
}

/* Whether the half that was kept with an entry is what was sealed, and may have been. `payloads`: room. */
static movex_opening judge(const movex_sealed *sealed, const movex_sealed_entry *entry, void *const payloads[2])
{
    const movex_rules     *rules = sealed->rules;
    const movex_wire_bytes hidden = bytes_at(sealed, entry->hidden_at, entry->hidden_length);
    const movex_wire_bytes shown = bytes_at(sealed, entry->payload_at, entry->payload_length);
    const movex_seal       seal = {
              .room = rules->room,
              .type = rules->type->name,
              .id = sealed->id,
              .author = sealed->authors[entry->author].id,
              .subscription = entry->subscription,
              .sequence = entry->sequence,
              .salt = entry->salt,
              .action = entry->hidden_action,
              .payload = hidden,
    };
    unsigned char commitment[MOVEX_COMMITMENT_SIZE];
    movex_error   cause;
    movex_seal_commit(&seal, commitment);
    if (memcmp(commitment, entry->commitment, sizeof commitment) != 0) return MOVEX_OPENING_WRONG;
    if (!movex_rules_may_hide(rules, entry->hidden_action, entry->action)) return MOVEX_OPENING_UNFIT;
    bool decoded = decode(sealed, entry->hidden_action, hidden, payloads[0], &cause) &&
                   decode(sealed, entry->action, shown, payloads[1], &cause);
    assert(decoded); /* both were, when they came */
    (void)decoded;
    const movex_action half = {entry->hidden_action, rules->payloads[entry->hidden_action] ? payloads[0] : NULL};
    const movex_action other = {entry->action, rules->payloads[entry->action] ? payloads[1] : NULL};
    return movex_rules_covers(rules, &half, &other) ? MOVEX_OPENING_GIVEN : MOVEX_OPENING_UNFIT;
}

static void keep_half(movex_sealed *sealed, movex_sealed_entry *entry, uint32_t action, movex_wire_bytes payload,
                      const unsigned char salt[MOVEX_SALT_SIZE])
{
    entry->hidden_action = action;
    entry->hidden_at = put_bytes(sealed, payload);
    entry->hidden_length = (uint32_t)payload.length;
    memcpy(entry->salt, salt, MOVEX_SALT_SIZE);
}

void movex_sealed_take_half(movex_sealed *sealed, movex_sealed_entry *entry, const movex_opening_record *record,
                            void *const payloads[2])
{
    keep_half(sealed, entry, record->action, record->payload, record->salt);
    entry->opening = judge(sealed, entry, payloads);
}

bool movex_sealed_take_opening(movex_sealed *sealed, const movex_allocator *allocator, const char *author,
                               const movex_wire_records *records, void *const payloads[2], uint64_t *fault)
{
    movex_reader         reader = movex_reader_over(records->bytes.bytes, records->bytes.length);
    movex_opening_record record;
    *fault = 0;
    if (records->bytes.length > UINT32_MAX - sealed->bytes.length) return false;
    if (!movex_buffer_reserve(&sealed->bytes, allocator, records->bytes.length)) return false;
    while (movex_next_opening_record(&reader, &record)) {
        movex_sealed_entry *entry = movex_sealed_find(sealed, sealed->closing - record.back);
        movex_sealed_take_half(sealed, entry, &record, payloads);
        if (entry->opening != MOVEX_OPENING_GIVEN && !*fault) *fault = entry->version;
    }
    movex_sealed_author_of(sealed, author)->opened = true;
    return true;
}

bool movex_sealed_know(movex_sealed *sealed, const movex_allocator *allocator, movex_sealed_entry *entry,
                       uint32_t action, movex_wire_bytes payload, const unsigned char salt[MOVEX_SALT_SIZE])
{
    if (payload.length > UINT32_MAX - sealed->bytes.length) return false;
    if (!movex_buffer_reserve(&sealed->bytes, allocator, payload.length)) return false;
    keep_half(sealed, entry, action, payload, salt);
    entry->opening = MOVEX_OPENING_OWN;
    return true;
}

bool movex_sealed_is_opened(const movex_sealed *sealed)
{
    for (uint32_t i = 0; i < sealed->author_count; i++)
        if (sealed->authors[i].sealed && !sealed->authors[i].opened) return false;
    return true;
}

/* ---- folds */

int movex_sealed_apply(const movex_sealed *sealed, movex_view *view, const movex_sealed_entry *entry, bool hidden,
                       void *payload)
{
    bool                half = hidden && (entry->opening == MOVEX_OPENING_OWN || entry->opening == MOVEX_OPENING_GIVEN);
    uint32_t            action = half ? entry->hidden_action : entry->action;
    movex_wire_bytes    bytes = half ? bytes_at(sealed, entry->hidden_at, entry->hidden_length)
                                     : bytes_at(sealed, entry->payload_at, entry->payload_length);
    movex_random_source random = {.seed = half ? movex_seal_seed(entry->seed, entry->salt) : entry->seed};
    movex_context       context = {
              .author = sealed->authors[entry->author].id,
              .version = entry->version,
              .now_ms = entry->now_ms,
              .random = &random,
    };
    movex_error cause;
    bool        decoded = decode(sealed, action, bytes, payload, &cause);
    assert(decoded); /* it was, when it came */
    (void)decoded;
    return movex_view_apply(view, action, sealed->rules->payloads[action] ? payload : NULL, &context, NULL);
}

int movex_sealed_apply_own(const movex_sealed *sealed, movex_view *view, movex_sealed_entry *entry, void *payload)
{
    bool hidden = entry->opening == MOVEX_OPENING_OWN || entry->opening == MOVEX_OPENING_GIVEN;
    int  answer = movex_sealed_apply(sealed, view, entry, hidden, payload);
    if (hidden && answer != MOVEX_ACCEPT) movex_sealed_apply(sealed, view, entry, false, payload);
    return hidden ? answer : MOVEX_ACCEPT;
}

void movex_sealed_fold(movex_sealed *sealed, const char *author, void *payload)
{
    movex_view_follow(&sealed->work, &sealed->base);
    for (uint32_t i = 0; i < sealed->count; i++) {
        movex_sealed_entry *entry = &sealed->entries[i];
        bool                own = entry->sealed && strcmp(sealed->authors[entry->author].id, author) == 0;
        if (own)
            movex_sealed_apply_own(sealed, &sealed->work, entry, payload);
        else
            movex_sealed_apply(sealed, &sealed->work, entry, false, payload);
    }
}

bool movex_sealed_verify(movex_sealed *sealed, void *payload)
{
    movex_view_follow(&sealed->work, &sealed->base);
    sealed->due = false;
    for (uint32_t i = 0; i < sealed->count; i++) {
        const movex_sealed_entry *entry = &sealed->entries[i];
        if (sealed->closing && entry->version > sealed->closing && !sealed->due) return false;
        if (entry->sealed && sealed->due) return false;
        movex_sealed_apply(sealed, &sealed->work, entry, false, payload);
        movex_sealed_look(sealed, sealed->work.state);
    }
    return sealed->due || !sealed->closing;
}

/* One author's own view: what is refused there is forfeited. */
static void judge_author(movex_sealed *sealed, uint32_t author, void *payload)
{
    movex_view_follow(&sealed->work, &sealed->base);
    for (uint32_t i = 0; i < sealed->count; i++) {
        movex_sealed_entry *entry = &sealed->entries[i];
        if (!entry->sealed || entry->author != author) {
            movex_sealed_apply(sealed, &sealed->work, entry, false, payload);
            continue;
        }
        entry->reason = entry->opening == MOVEX_OPENING_GIVEN
                            ? movex_sealed_apply_own(sealed, &sealed->work, entry, payload)
                        : entry->opening == MOVEX_OPENING_WRONG ? MOVEX_REFUSED_COMMITMENT
                        : entry->opening == MOVEX_OPENING_UNFIT ? MOVEX_REFUSED_PAIR
                                                                : MOVEX_REFUSED_NOT_OPENED;
        if (entry->opening != MOVEX_OPENING_GIVEN) movex_sealed_apply(sealed, &sealed->work, entry, false, payload);
    }
}

uint32_t movex_sealed_reveal(movex_sealed *sealed, void *payload)
{
    uint32_t forfeits = 0;
    for (uint32_t i = 0; i < sealed->author_count; i++)
        if (sealed->authors[i].sealed) judge_author(sealed, i, payload);
    movex_view_follow(&sealed->work, &sealed->base);
    for (uint32_t i = 0; i < sealed->count; i++) {
        movex_sealed_entry *entry = &sealed->entries[i];
        bool                forfeited = entry->sealed && entry->reason != MOVEX_ACCEPT;
        bool                hidden = entry->sealed && !forfeited;
        entry->answer = movex_sealed_apply(sealed, &sealed->work, entry, hidden, payload);
        forfeits += forfeited;
    }
    return forfeits;
}

/* ---- checking */

void movex_sealed_check(const movex_sealed *sealed)
{
    uint32_t sum = 0, found = 0;
    uint64_t before = sealed->base_version;
    for (uint32_t i = 0; i < sealed->author_count; i++) {
        sum += sealed->authors[i].sealed;
        assert(!sealed->authors[i].opened || sealed->closing);
    }
    for (uint32_t i = 0; i < sealed->count; i++) {
        const movex_sealed_entry *entry = &sealed->entries[i];
        found += entry->sealed;
        assert(entry->version > before && entry->author < sealed->author_count);
        assert(entry->payload_at + entry->payload_length <= sealed->bytes.length);
        before = entry->version;
    }
    assert(sum == found && found == sealed->sealed_count);
    assert(sealed->count == 0 || sealed->entries[0].sealed);
    assert(sealed->count == 0 || sealed->entries[0].version == sealed->base_version + 1);
    assert(!sealed->closing || sealed->due);
    (void)sum, (void)found, (void)before;
}
