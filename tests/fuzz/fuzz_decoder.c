/* The decoders: what is accepted is canonical (it encodes to the same bytes), what is refused has an error text
   and changes nothing, and no byte is read that is not there. The first byte says which one. */
#include "bytes.h"
#include "codec_samples.h"
#include "forge.h"
#include "number.h"
#include "wire_check.h"

#include <movex/type.h>

#include <stdlib.h>

const size_t fuzz_record_size = 1;

enum { SCHEMAS = 6 }; /* of the samples: the last two are too large to be fast */

static movex_codec *codecs[SCHEMAS];
static movex_rules *rules;
static forge        forged;
static uint64_t     digest;

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    (void)state, (void)action, (void)context;
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {{.name = "nothing"}};

static void prepare(void)
{
    static movex_type type = {.name = "arena", .actions = actions, .action_count = 1, .reduce = reduce};
    if (rules) return;
    for (size_t i = 0; i < SCHEMAS; i++) {
        codecs[i] = movex_codec_new(samples[i].schema, NULL, NULL);
        fuzz_require(codecs[i]);
    }
    for (size_t i = 0; i < TABLE_TYPES; i++) {
        forged.rules[i] = movex_rules_new(table_types[i], NULL, NULL);
        fuzz_require(forged.rules[i]);
    }
    type.state = &sample_arena_schema;
    rules = movex_rules_new(&type, NULL, NULL);
    fuzz_require(rules);
}

/* ---- what all share */

static size_t size_of(const movex_codec *codec)
{
    return movex_codec_schema(codec)->size;
}

static void *state_room(const movex_codec *codec)
{
    void *state = malloc(size_of(codec));
    if (!state) abort();
    memset(state, 0xa5, size_of(codec));
    return state;
}

static void require_refusal(int status, const movex_error *error)
{
    fuzz_require(status < 0 && error->status == (movex_status)status);
    fuzz_require(error->text[0] && memchr(error->text, 0, sizeof error->text));
    digest = fuzz_digest_text(digest, error->text);
}

static unsigned char *encode(const movex_codec *codec, const void *state, size_t *length)
{
    fuzz_require(movex_codec_encode(codec, state, NULL, 0, length, NULL) != MOVEX_OK || *length == 0);
    fuzz_require(*length <= movex_codec_max_encoded(codec));
    unsigned char *bytes = malloc(*length ? *length : 1);
    if (!bytes) abort();
    fuzz_require(movex_codec_encode(codec, state, bytes, *length, length, NULL) == MOVEX_OK);
    return bytes;
}

/* A settled state that the input's next number names. */
static void *make_state(const movex_codec *codec, fuzz_input *input)
{
    void         *state = state_room(codec);
    sample_random random = {fuzz_u32(input)};
    sample_randomize(movex_codec_schema(codec), state, &random);
    fuzz_require(movex_codec_settle(codec, state, NULL) == MOVEX_OK);
    return state;
}

/* Another one, some fields away from it. */
static void *change_state(const movex_codec *codec, const void *state, fuzz_input *input)
{
    void         *changed = fuzz_copy(state, size_of(codec));
    uint8_t       times = fuzz_u8(input);
    sample_random random = {times};
    for (uint8_t i = 0; i < times % 16; i++) sample_mutate(movex_codec_schema(codec), changed, &random);
    if (movex_codec_settle(codec, changed, NULL) != MOVEX_OK) memcpy(changed, state, size_of(codec));
    return changed;
}

/* The bytes with changes that the rest of the input names, in a block of exactly their size. */
static unsigned char *edit(const unsigned char *bytes, size_t *length, fuzz_input *input)
{
    size_t         room = *length + fuzz_left(input) + 1, count = *length;
    unsigned char *edited = malloc(room);
    if (!edited) abort();
    if (count) memcpy(edited, bytes, count);
    while (fuzz_left(input) >= 4) {
        uint8_t what = fuzz_u8(input);
        size_t  at = fuzz_u8(input) | (size_t)fuzz_u8(input) << 8;
        uint8_t value = fuzz_u8(input);
        at = count ? at % count : 0;
        if (what % 4 == 0 && count) {
            edited[at] = value;
        } else if (what % 4 == 1 && count) {
            edited[at] ^= (unsigned char)(1u << value % 8);
        } else if (what % 4 == 2) {
            memmove(edited + at + 1, edited + at, count++ - at);
            edited[at] = value;
        } else if (count) {
            size_t out = value % 16 + 1u < count - at ? value % 16 + 1u : count - at;
            memmove(edited + at, edited + at + out, count - at - out);
            count -= out;
        }
    }
    unsigned char *exact = fuzz_copy(edited, count);
    free(edited);
    *length = count;
    return exact;
}

/* ---- states */

/* Every function that takes a settled state. */
static void use_state(const movex_codec *codec, const void *state)
{
    size_t         length, needed = movex_codec_json(codec, state, NULL, 0);
    unsigned char *bytes = encode(codec, state, &length);
    void          *again = state_room(codec), *copy = state_room(codec);
    char          *text = malloc(needed + 1);
    if (!text) abort();
    fuzz_require(movex_codec_decode(codec, again, bytes, length, NULL) == MOVEX_OK);
    fuzz_require(movex_codec_equal(codec, again, state));
    fuzz_require(movex_codec_checksum(codec, again) == movex_codec_checksum(codec, state));
    movex_codec_copy(codec, copy, state);
    fuzz_require(memcmp(copy, again, size_of(codec)) == 0); /* both have zeros as padding */
    fuzz_require(movex_codec_settle(codec, copy, NULL) == MOVEX_OK);
    fuzz_require(memcmp(copy, again, size_of(codec)) == 0);
    fuzz_require(movex_codec_json(codec, state, text, needed + 1) == needed);
    fuzz_require(strlen(text) == needed && text[0] == '{' && text[needed - 1] == '}');
    fuzz_require(movex_codec_explain(codec, again, state, "it", 4, NULL, 0) == 0);
    digest = fuzz_digest(digest, text, needed);
    digest = fuzz_digest_number(digest, movex_codec_checksum(codec, state));
    free(text);
    free(copy);
    free(again);
    free(bytes);
}

/* Two settled states: difference, patch and explanation must agree. */
static void compare_states(const movex_codec *codec, const void *from, const void *to, size_t capacity)
{
    size_t length, written;
    int    status = movex_codec_difference(codec, from, to, NULL, 0, &length);
    fuzz_require(status == (length ? MOVEX_ERR_LIMIT : MOVEX_OK));
    unsigned char *bytes = malloc(length ? length : 1);
    void          *patched = fuzz_copy(from, size_of(codec)), *scratch = state_room(codec);
    if (!bytes) abort();
    fuzz_require(movex_codec_difference(codec, from, to, bytes, length, &written) == MOVEX_OK && written == length);
    fuzz_require(movex_codec_patch(codec, patched, scratch, bytes, length, NULL) == MOVEX_OK);
    fuzz_require(movex_codec_equal(codec, patched, to) && movex_codec_equal(codec, from, to) == (length == 0));

    char    *text = malloc(capacity ? capacity : 1);
    uint32_t count = movex_codec_explain(codec, from, to, "there", (uint32_t)capacity % 5, text, capacity);
    fuzz_require((count > 0) == (length > 0));
    if (capacity) digest = fuzz_digest_text(digest, text);
    free(text);
    free(scratch);
    free(patched);
    free(bytes);
}

static void try_decode(const movex_codec *codec, const unsigned char *bytes, size_t length)
{
    movex_error error = {.status = MOVEX_OK};
    void       *state = state_room(codec);
    int         status = movex_codec_decode(codec, state, bytes, length, &error);
    if (status == MOVEX_OK) {
        size_t         encoded_length;
        unsigned char *encoded = encode(codec, state, &encoded_length);
        fuzz_require(encoded_length == length && memcmp(encoded, bytes, length) == 0);
        free(encoded);
        use_state(codec, state);
    } else {
        require_refusal(status, &error);
        fuzz_require(status == MOVEX_ERR_MALFORMED);
        for (size_t i = 0; i < size_of(codec); i++) fuzz_require(((unsigned char *)state)[i] == 0);
    }
    free(state);
}

static void decode_edited(const movex_codec *codec, fuzz_input *input)
{
    size_t         length;
    void          *state = make_state(codec, input);
    unsigned char *bytes = encode(codec, state, &length), *edited = edit(bytes, &length, input);
    try_decode(codec, edited, length);
    free(edited);
    free(bytes);
    free(state);
}

/* Runs are not empty, and so far apart that they could not be one. */
static void require_runs(const unsigned char *bytes, size_t length)
{
    movex_reader reader = movex_reader_over(bytes, length);
    for (bool first = true; movex_reader_left(&reader); first = false) {
        uint64_t gap = movex_read_number(&reader), run = movex_read_number(&reader);
        fuzz_require((first || gap >= 3) && run > 0 && movex_read_bytes(&reader, (size_t)run));
    }
}

static void try_patch(const movex_codec *codec, const void *state, const unsigned char *bytes, size_t length)
{
    movex_error error = {.status = MOVEX_OK};
    void       *patched = fuzz_copy(state, size_of(codec)), *scratch = state_room(codec);
    int         status = movex_codec_patch(codec, patched, scratch, bytes, length, &error);
    if (status == MOVEX_OK) {
        require_runs(bytes, length);
        use_state(codec, patched);
        compare_states(codec, state, patched, length % 300);
    } else {
        require_refusal(status, &error);
        fuzz_require(memcmp(patched, state, size_of(codec)) == 0);
    }
    free(scratch);
    free(patched);
}

static void patch_raw(const movex_codec *codec, fuzz_input *input)
{
    void          *state = make_state(codec, input);
    size_t         length = fuzz_left(input);
    unsigned char *bytes = fuzz_copy(input->at, length);
    try_patch(codec, state, bytes, length);
    free(bytes);
    free(state);
}

static void patch_edited(const movex_codec *codec, fuzz_input *input)
{
    size_t         length;
    void          *from = make_state(codec, input), *to = change_state(codec, from, input);
    unsigned char *bytes = malloc(2 * movex_codec_max_encoded(codec) + 4 * size_of(codec));
    fuzz_require(bytes);
    fuzz_require(movex_codec_difference(codec, from, to, bytes, 2 * movex_codec_max_encoded(codec) + 4 * size_of(codec),
                                        &length) == MOVEX_OK);
    compare_states(codec, from, to, fuzz_u8(input));
    unsigned char *edited = edit(bytes, &length, input);
    try_patch(codec, from, edited, length);
    free(edited);
    free(bytes);
    free(to);
    free(from);
}

/* A struct as a broken reducer may leave it: made, then with bytes of the input in it. */
static void settle(const movex_codec *codec, fuzz_input *input)
{
    movex_error    error = {.status = MOVEX_OK};
    unsigned char *state = make_state(codec, input);
    while (fuzz_left(input) >= 3) {
        size_t at = (fuzz_u8(input) | (size_t)fuzz_u8(input) << 8) % size_of(codec);
        state[at] = fuzz_u8(input);
    }
    int status = movex_codec_settle(codec, state, &error);
    if (status == MOVEX_OK) {
        use_state(codec, state);
    } else {
        require_refusal(status, &error);
        fuzz_require(status == MOVEX_ERR_INVALID_STATE);
    }
    free(state);
}

/* ---- messages */

enum { FIELDS = 40 }; /* bytes of the input from which a message is made */

/* Messages of all kinds with changes; the first byte says how many are made, the rest are the changes. */
static void read_edited(fuzz_input *input)
{
    forge f = {.number = 3, .version = 20, .known = {1, 5, 20, 21}};
    memcpy(f.rules, forged.rules, sizeof f.rules);
    for (uint8_t count = 1 + fuzz_u8(input) % 3; count > 0; count--) {
        fuzz_input fields = {input->at, input->at + (fuzz_left(input) < FIELDS ? fuzz_left(input) : FIELDS)};
        input->at = fields.end;
        forge_write(&f, fuzz_u8(&fields) % 0x60, &fields);
    }
    size_t         length = f.length;
    unsigned char *edited = edit(f.frame, &length, input);
    digest = wire_check_frame(edited, length, digest);
    free(edited);
}

/* ---- saved states */

static void load_edited(fuzz_input *input)
{
    movex_error        error = {.status = MOVEX_OK};
    const movex_codec *codec = movex_rules_state(rules);
    size_t             length, again_length, room = movex_rules_max_saved(rules);
    void              *state = make_state(codec, input);
    unsigned char     *saved = malloc(room), *again = malloc(room);
    fuzz_require(saved && again);
    fuzz_require(movex_rules_save(rules, state, saved, room, &length) == MOVEX_OK);
    unsigned char *edited = edit(saved, &length, input);
    int            status = movex_rules_load(rules, state, edited, length, &error);
    if (status == MOVEX_OK) {
        fuzz_require(movex_rules_save(rules, state, again, room, &again_length) == MOVEX_OK);
        fuzz_require(again_length == length && memcmp(again, edited, length) == 0);
    } else {
        require_refusal(status, &error);
    }
    free(edited);
    free(again);
    free(saved);
    free(state);
}

/* ---- numbers */

static void read_numbers(const unsigned char *bytes, size_t length)
{
    for (movex_reader reader = movex_reader_over(bytes, length); movex_reader_left(&reader);) {
        unsigned char        written[MOVEX_MAX_NUMBER];
        movex_writer         writer = movex_writer_over(written, sizeof written);
        const unsigned char *start = reader.at;
        uint64_t             value = movex_read_number(&reader);
        if (reader.failed) return;
        movex_write_number(&writer, value);
        size_t size = (size_t)(reader.at - start);
        fuzz_require(size == movex_number_size(value) && size == (size_t)(writer.at - written));
        fuzz_require(memcmp(start, written, size) == 0);
        digest = fuzz_digest_number(digest, value);
    }
}

/* What is printed reads back as the same value, and nothing shorter than needed is cut off. */
static void print_numbers(fuzz_input *input)
{
    while (fuzz_left(input) >= 8) {
        char     text[40];
        double   value;
        float    narrow;
        uint64_t bits = fuzz_u32(input) | (uint64_t)fuzz_u32(input) << 32;
        uint32_t low = (uint32_t)bits;
        memcpy(&value, &bits, sizeof value);
        memcpy(&narrow, &low, sizeof narrow);
        movex_format format = movex_format_into(text, sizeof text);
        movex_format_double(&format, value);
        fuzz_require(format.length < sizeof text);
        digest = fuzz_digest_text(digest, text);
        double read = strtod(text, NULL);
        fuzz_require(value != value ? read != read : memcmp(&read, &value, sizeof read) == 0);
        format = movex_format_into(text, sizeof text);
        movex_format_float(&format, narrow);
        fuzz_require(format.length < sizeof text);
        float narrow_read = strtof(text, NULL);
        fuzz_require(narrow != narrow ? narrow_read != narrow_read : memcmp(&narrow_read, &narrow, sizeof narrow) == 0);
    }
}

/* ---- which */

enum {
    DECODE,
    DECODE_EDITED,
    PATCH,
    PATCH_EDITED,
    SETTLE,
    WIRE,
    WIRE_EDITED,
    LOAD,
    LOAD_EDITED,
    NUMBERS,
    PRINTED,
    KINDS
};

uint64_t fuzz_run(const uint8_t *bytes, size_t length)
{
    fuzz_input         input = {bytes, bytes + length};
    uint8_t            first = fuzz_u8(&input);
    const movex_codec *codec;
    prepare();
    digest = first;
    codec = codecs[first / KINDS % SCHEMAS];
    unsigned char *rest = fuzz_copy(input.at, fuzz_left(&input));
    switch (first % KINDS) {
    case DECODE: try_decode(codec, rest, fuzz_left(&input)); break;
    case DECODE_EDITED: decode_edited(codec, &input); break;
    case PATCH: patch_raw(codec, &input); break;
    case PATCH_EDITED: patch_edited(codec, &input); break;
    case SETTLE: settle(codec, &input); break;
    case WIRE: digest = wire_check_frame(rest, fuzz_left(&input), digest); break;
    case WIRE_EDITED: read_edited(&input); break;
    case LOAD: {
        movex_error error = {.status = MOVEX_OK};
        void       *state = state_room(movex_rules_state(rules));
        int         status = movex_rules_load(rules, state, rest, fuzz_left(&input), &error);
        if (status != MOVEX_OK) require_refusal(status, &error);
        free(state);
        break;
    }
    case LOAD_EDITED: load_edited(&input); break;
    case NUMBERS: read_numbers(rest, fuzz_left(&input)); break;
    case PRINTED: print_numbers(&input); break;
    }
    free(rest);
    return digest;
}
