/* What stands in a journal: every record is read as it was written, in one form only, and nothing else is. */
#include "meter.h"
#include "support.h"

#include "../src/core/journal.h"

#include <string.h>

enum { ROOM = 512, MOST = 32 };

typedef struct sample {
    size_t        length;
    unsigned char bytes[ROOM];
} sample;

static sample samples[MOST];
static int    sample_count;

static movex_wire_text text_of(const char *text)
{
    return (movex_wire_text){text, (uint32_t)strlen(text)};
}

static void add(const unsigned char *bytes, const movex_writer *writer)
{
    sample *s = &samples[sample_count++];
    s->length = (size_t)(writer->at - bytes);
    must(sample_count <= MOST && s->length <= ROOM);
    memcpy(s->bytes, bytes, s->length);
}

/* Writes what was read. */
static void write_again(movex_writer *writer, const movex_journal_record *record)
{
    switch (record->kind) {
    case MOVEX_JOURNAL_RESOURCE: movex_journal_write_resource(writer, &record->of.resource); break;
    case MOVEX_JOURNAL_STATE: movex_journal_write_state(writer, &record->of.state); break;
    case MOVEX_JOURNAL_ENTRY: movex_journal_write_entry(writer, &record->of.entry); break;
    case MOVEX_JOURNAL_SUBSCRIBED: movex_journal_write_subscribed(writer, &record->of.subscribed); break;
    case MOVEX_JOURNAL_UNSUBSCRIBED:
    case MOVEX_JOURNAL_REFUSED:
    case MOVEX_JOURNAL_OVERTURNED: movex_journal_write_dispatch(writer, record->kind, &record->of.dispatch); break;
    case MOVEX_JOURNAL_HIDING: movex_journal_write_hiding(writer, &record->of.hiding); break;
    case MOVEX_JOURNAL_HIDER:
    case MOVEX_JOURNAL_FULL: movex_journal_write_hider(writer, record->kind, &record->of.hider); break;
    case MOVEX_JOURNAL_PAIR: movex_journal_write_pair(writer, &record->of.pair); break;
    case MOVEX_JOURNAL_REVEALED: movex_journal_write_revealed(writer, &record->of.revealed); break;
    case MOVEX_JOURNAL_SEALED: movex_journal_write_sealed(writer, record->of.sealed); break;
    case MOVEX_JOURNAL_FORFEITED: movex_journal_write_forfeited(writer, &record->of.forfeited); break;
    case MOVEX_JOURNAL_CLOSING:
    case MOVEX_JOURNAL_OPENING:
    case MOVEX_JOURNAL_DEADLINE: movex_journal_write_step(writer, &record->of.step); break;
    case MOVEX_JOURNAL_ROOM: movex_journal_write_room(writer, record->of.room); break;
    case MOVEX_JOURNAL_SESSIONS: movex_journal_write_sessions(writer); break;
    case MOVEX_JOURNAL_START: movex_journal_write_start(writer, &record->of.start); break;
    case MOVEX_JOURNAL_SESSION: movex_journal_write_session(writer, &record->of.session); break;
    case MOVEX_JOURNAL_SESSION_OVER:
    case MOVEX_JOURNAL_SESSION_ENDED: movex_journal_write_session_end(writer, record->kind, record->of.number); break;
    }
}

#define add_record(write, ...)                                                                                         \
    do {                                                                                                               \
        unsigned char bytes_[ROOM];                                                                                    \
        movex_writer  writer_ = movex_writer_over(bytes_, sizeof bytes_);                                              \
        write(&writer_, __VA_ARGS__);                                                                                  \
        add(bytes_, &writer_);                                                                                         \
    } while (0)

static const movex_journal_half half = {.action = 300, .payload = {"abc", 3}};
static const movex_journal_half drawn = {.action = 2, .payload = {"", 0}, .drew = true, .seed = 77};

static void add_entries(void)
{
    const movex_journal_entry own = {.elapsed_ms = 5, .author = {"", 0}, .shown = half, .checksum = 9};
    movex_journal_entry       entry = own;
    add_record(movex_journal_write_entry, &entry);
    entry.author = text_of("ann");
    entry.shown = drawn;
    entry.reveals = true;
    add_record(movex_journal_write_entry, &entry);
    entry = own;
    entry.session = 1000;
    entry.subscription = 3;
    entry.sequence = 200;
    add_record(movex_journal_write_entry, &entry);
    entry.hides = true;
    entry.hidden = drawn;
    add_record(movex_journal_write_entry, &entry);
    entry.shown = drawn;
    entry.hidden = half;
    entry.reveals = true;
    add_record(movex_journal_write_entry, &entry);
    entry.hides = entry.reveals = false;
    entry.seals = true;
    memset(entry.commitment, 9, sizeof entry.commitment);
    add_record(movex_journal_write_entry, &entry);
}

static void add_sealed(void)
{
    unsigned char                 openings[100], salt[MOVEX_SALT_SIZE] = {4};
    movex_writer                  writer = movex_writer_over(openings, sizeof openings);
    const movex_opening_record    opening = {3, salt, 2, {"ab", 2}};
    const movex_journal_forfeited forfeited = {300, MOVEX_REFUSED_COMMITMENT};
    movex_journal_step step = {.kind = MOVEX_JOURNAL_CLOSING, .elapsed_ms = 3, .deadline_ms = 500, .checksum = 7};
    movex_write_opening_record(&writer, &opening);
    add_record(movex_journal_write_room, text_of("attic"));
    add_record(movex_journal_write_forfeited, &forfeited);
    add_record(movex_journal_write_sealed, (movex_wire_bytes){"round", 5});
    add_record(movex_journal_write_step, &step);
    step.kind = MOVEX_JOURNAL_DEADLINE;
    add_record(movex_journal_write_step, &step);
    step.kind = MOVEX_JOURNAL_OPENING;
    step.author = text_of("ann");
    add_record(movex_journal_write_step, &step);
    step.records = (movex_wire_records){1, {openings, (size_t)(writer.at - openings)}};
    add_record(movex_journal_write_step, &step);
}

static void add_samples(void)
{
    const movex_journal_resource   resource = {1, text_of("rps"), text_of("table:1"), 300, 0x1122334455667788};
    const movex_journal_state      state = {1000, UINT64_C(1) << 50, 999, 7, {"state", 5}};
    const movex_journal_subscribed subscribed = {1, 2, text_of("ann"), 0};
    const movex_journal_dispatch   dispatch = {1, 2, 3, MOVEX_REFUSED_BEFORE_RESTART, 500};
    const movex_journal_hiding     hiding = {400, true};
    const movex_journal_hider      hider = {12, text_of("ben"), {"fold", 4}};
    movex_journal_pair             pair = {9, 1, 2, 3, text_of("ben"), drawn};
    const movex_journal_revealed   revealed = {8, text_of("ann")};
    const movex_journal_start      start = {3, 4};
    movex_journal_session          session = {5, text_of("ann"), text_of("tr\xc3\xa8s"), "0123456789abcde"};
    sample_count = 0;
    add_record(movex_journal_write_resource, &resource);
    add_record(movex_journal_write_state, &state);
    add_entries();
    add_sealed();
    add_record(movex_journal_write_subscribed, &subscribed);
    add_record(movex_journal_write_dispatch, MOVEX_JOURNAL_UNSUBSCRIBED, &dispatch);
    add_record(movex_journal_write_dispatch, MOVEX_JOURNAL_REFUSED, &dispatch);
    add_record(movex_journal_write_dispatch, MOVEX_JOURNAL_OVERTURNED, &dispatch);
    add_record(movex_journal_write_hiding, &hiding);
    add_record(movex_journal_write_hider, MOVEX_JOURNAL_HIDER, &hider);
    add_record(movex_journal_write_hider, MOVEX_JOURNAL_FULL, &hider);
    add_record(movex_journal_write_pair, &pair);
    pair.hidden = half;
    add_record(movex_journal_write_pair, &pair);
    add_record(movex_journal_write_revealed, &revealed);
    add_record(movex_journal_write_start, &start);
    add_record(movex_journal_write_session, &session);
    session.info = text_of("");
    add_record(movex_journal_write_session, &session);
    add_record(movex_journal_write_session_end, MOVEX_JOURNAL_SESSION_OVER, 300);
    add_record(movex_journal_write_session_end, MOVEX_JOURNAL_SESSION_ENDED, 300);
    unsigned char bytes[ROOM];
    movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
    movex_journal_write_sessions(&writer);
    add(bytes, &writer);
}

/* In a block of exactly that size, so that AddressSanitizer sees the end. */
static bool reads(const unsigned char *bytes, size_t length, movex_journal_record *record)
{
    static unsigned char *kept; /* a record points into it */
    free(kept);
    kept = malloc(length ? length : 1);
    memcpy(kept, bytes, length);
    return movex_journal_read(kept, length, record);
}

START_TEST(each_is_read_as_it_was_written)
{
    movex_journal_record record;
    uint64_t             kinds = 0;
    add_samples();
    for (int i = 0; i < sample_count; i++) {
        unsigned char bytes[ROOM];
        movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
        must(reads(samples[i].bytes, samples[i].length, &record));
        must_equal(record.kind, samples[i].bytes[0]);
        write_again(&writer, &record);
        must_equal((size_t)(writer.at - bytes), samples[i].length);
        must(memcmp(bytes, samples[i].bytes, samples[i].length) == 0);
        kinds |= UINT64_C(1) << record.kind;
    }
    must_equal(kinds, 0x1f0007fffe); /* all there are */
}
END_TEST

START_TEST(fields_are_what_they_were)
{
    movex_journal_record record;
    add_samples();
    must(reads(samples[5].bytes, samples[5].length, &record));
    const movex_journal_entry *entry = &record.of.entry;
    must(entry->hides && !entry->reveals && !entry->shown.drew && entry->hidden.drew);
    must(entry->session == 1000 && entry->subscription == 3 && entry->sequence == 200 && entry->elapsed_ms == 5);
    must(entry->shown.action == 300 && entry->shown.payload.length == 3);
    must(memcmp(entry->shown.payload.bytes, "abc", 3) == 0);
    must(entry->hidden.action == 2 && entry->hidden.payload.length == 0 && entry->hidden.seed == 77);
    must_equal(entry->checksum, 9);
    must(reads(samples[1].bytes, samples[1].length, &record));
    must(record.of.state.version == 1000 && record.of.state.now_ms == UINT64_C(1) << 50);
    must(record.of.state.revealed == 999 && record.of.state.checksum == 7 && record.of.state.state.length == 5);
}
END_TEST

START_TEST(none_is_read_cut_off_or_with_more_behind_it)
{
    movex_journal_record record;
    add_samples();
    for (int i = 0; i < sample_count; i++) {
        unsigned char longer[ROOM + 1] = {0};
        memcpy(longer, samples[i].bytes, samples[i].length);
        for (size_t cut = 0; cut < samples[i].length; cut++) must(!reads(samples[i].bytes, cut, &record));
        must(!reads(longer, samples[i].length + 1, &record));
    }
}
END_TEST

/* What any changed byte makes of a record is no record, or one that is written the same way. */
START_TEST(there_is_one_form_only)
{
    movex_journal_record record;
    add_samples();
    for (int i = 0; i < sample_count; i++) {
        sample changed = samples[i];
        for (size_t at = 0; at < changed.length; at++) {
            for (int value = 0; value < 256; value++) {
                unsigned char bytes[2 * ROOM];
                movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
                changed.bytes[at] = (unsigned char)value;
                if (!reads(changed.bytes, changed.length, &record)) continue;
                if (record.kind == MOVEX_JOURNAL_SESSIONS) continue; /* whose format the reader looks at */
                write_again(&writer, &record);
                must_equal((size_t)(writer.at - bytes), changed.length);
                must(memcmp(bytes, changed.bytes, changed.length) == 0);
            }
            changed.bytes[at] = samples[i].bytes[at];
        }
    }
}
END_TEST

/* Bytes of an entry with those flags that is right but for what they say together. */
static size_t entry_with(unsigned flags, unsigned char *bytes)
{
    movex_writer writer = movex_writer_over(bytes, ROOM);
    movex_write_u8(&writer, MOVEX_JOURNAL_ENTRY);
    movex_write_u8(&writer, (uint8_t)flags);
    movex_write_number(&writer, 1);
    for (int i = 0; i < (flags & 1 ? 0 : 3); i++) movex_write_number(&writer, 1);
    if (flags & 1) movex_write_number(&writer, 0); /* no name */
    for (int i = 0; i < (flags & 2 ? 2 : 1); i++) {
        movex_write_number(&writer, 1);
        movex_write_number(&writer, 0);
        if (flags & (i ? 0x10u : 8u)) movex_write_u64(&writer, 4);
    }
    for (int i = 0; flags & 0x20 && i < MOVEX_COMMITMENT_SIZE; i++) movex_write_u8(&writer, 6);
    movex_write_u64(&writer, 5);
    return (size_t)(writer.at - bytes);
}

START_TEST(flags_of_an_entry_agree)
{
    int right = 0;
    for (unsigned flags = 0; flags < 256; flags++) {
        unsigned char        bytes[ROOM];
        movex_journal_record record;
        size_t               length = entry_with(flags, bytes);
        bool                 known = flags < 0x40, hides = flags & 2, seals = flags & 0x20;
        bool                 agree = !(flags & 0x10 && !hides) && !(hides && flags & 1);
        if (seals) agree = agree && !hides && (flags & 0x0d) == 8; /* drawn, by a client, and no reveal */
        must_equal(reads(bytes, length, &record), known && agree);
        right += known && agree;
    }
    must_equal(right, 17);
}
END_TEST

static bool reads_numbers(movex_journal_kind kind, const uint64_t *numbers, int count)
{
    unsigned char        bytes[ROOM];
    movex_journal_record record;
    movex_writer         writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_u8(&writer, (uint8_t)kind);
    for (int i = 0; i < count; i++) movex_write_number(&writer, numbers[i]);
    return reads(bytes, (size_t)(writer.at - bytes), &record);
}

START_TEST(numbers_that_cannot_be_are_refused)
{
    const uint64_t high = (uint64_t)INT64_MAX + 1;
    must(reads_numbers(MOVEX_JOURNAL_START, (uint64_t[]){INT64_MAX, 1}, 2));
    must(!reads_numbers(MOVEX_JOURNAL_START, (uint64_t[]){high, 1}, 2));
    must(!reads_numbers(MOVEX_JOURNAL_START, (uint64_t[]){1, UINT64_MAX}, 2));
    must(!reads_numbers(MOVEX_JOURNAL_SESSION_ENDED, (uint64_t[]){high}, 1));
    must(reads_numbers(MOVEX_JOURNAL_UNSUBSCRIBED, (uint64_t[]){1, 1, 0}, 3));
    must(!reads_numbers(MOVEX_JOURNAL_UNSUBSCRIBED, (uint64_t[]){0, 1, 0}, 3));
    must(!reads_numbers(MOVEX_JOURNAL_UNSUBSCRIBED, (uint64_t[]){1, 0, 0}, 3));
    must(!reads_numbers(MOVEX_JOURNAL_UNSUBSCRIBED, (uint64_t[]){1, high, 0}, 3));
    must(!reads_numbers(MOVEX_JOURNAL_UNSUBSCRIBED, (uint64_t[]){1, 1, 2}, 3)); /* no flag */
    must(reads_numbers(MOVEX_JOURNAL_REFUSED, (uint64_t[]){1, 1, 1, 2}, 4));
    must(!reads_numbers(MOVEX_JOURNAL_REFUSED, (uint64_t[]){1, 1, 0, 2}, 4));
    must(!reads_numbers(MOVEX_JOURNAL_REFUSED, (uint64_t[]){1, 1, 1, 0}, 4)); /* accepted */
    must(!reads_numbers(MOVEX_JOURNAL_HIDING, (uint64_t[]){1, 2}, 2));        /* no flag */
}
END_TEST

START_TEST(texts_that_cannot_be_are_refused)
{
    movex_journal_session session = {1, text_of("ann"), text_of("a\nb"), {0}};
    unsigned char         bytes[ROOM];
    movex_journal_record  record;
    movex_writer          writer = movex_writer_over(bytes, sizeof bytes);
    movex_journal_write_session(&writer, &session);
    must(!reads(bytes, (size_t)(writer.at - bytes), &record));
    session.info = text_of("ab");
    session.id = text_of("");
    writer = movex_writer_over(bytes, sizeof bytes);
    movex_journal_write_session(&writer, &session);
    must(!reads(bytes, (size_t)(writer.at - bytes), &record));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal records");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, each_is_read_as_it_was_written);
    tcase_add_test(tests, fields_are_what_they_were);
    tcase_add_test(tests, none_is_read_cut_off_or_with_more_behind_it);
    tcase_add_test(tests, there_is_one_form_only);
    tcase_add_test(tests, flags_of_an_entry_agree);
    tcase_add_test(tests, numbers_that_cannot_be_are_refused);
    tcase_add_test(tests, texts_that_cannot_be_are_refused);
    return movex_test_main(suite);
}
