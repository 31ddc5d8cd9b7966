/* Encoding, decoding, settling, checksum, copy, equality, JSON. */
#include "codec_samples.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>

/* What one random run works with. */
typedef struct bench {
    const movex_schema *schema;
    movex_codec        *codec;
    sample_random       random;
    unsigned char      *state, *other;
    unsigned char      *bytes, *more_bytes;
    size_t              size, room;
    movex_error         error;
} bench;

static bench bench_of(const sample *of, uint64_t seed)
{
    bench b = {.schema = of->schema, .random = {.state = seed}, .size = of->schema->size};
    b.codec = movex_codec_new(b.schema, NULL, &b.error);
    ck_assert_msg(b.codec != NULL, "%s", b.error.text);
    b.room = movex_codec_max_encoded(b.codec) + b.size + 200;
    b.state = malloc(b.size);
    b.other = malloc(b.size);
    b.bytes = malloc(b.room);
    b.more_bytes = malloc(b.room);
    return b;
}

static void bench_free(bench *b)
{
    movex_codec_free(b->codec);
    free(b->state);
    free(b->other);
    free(b->bytes);
    free(b->more_bytes);
}

static void random_settled(bench *b)
{
    sample_randomize(b->schema, b->state, &b->random);
    ck_assert_msg(movex_codec_settle(b->codec, b->state, &b->error) == MOVEX_OK, "%s", b->error.text);
}

START_TEST(settling_and_checksum_agree_with_the_naive_image)
{
    for (size_t s = 0; s < sample_count; s++) {
        bench b = bench_of(&samples[s], s + 1);
        for (unsigned run = 0; run < samples[s].weight; run++) {
            sample_randomize(b.schema, b.state, &b.random);
            size_t length = sample_image(b.schema, b.state, b.bytes);
            ck_assert_int_eq(movex_codec_settle(b.codec, b.state, &b.error), MOVEX_OK);
            ck_assert_uint_eq(sample_image(b.schema, b.state, b.more_bytes), length);
            ck_assert(memcmp(b.bytes, b.more_bytes, length) == 0);
            ck_assert_uint_eq(movex_codec_checksum(b.codec, b.state), sample_checksum(b.bytes, length));
            /* Settled: again changes nothing. Unused slots and tails are zero in memory too. */
            memcpy(b.other, b.state, b.size);
            ck_assert_int_eq(movex_codec_settle(b.codec, b.state, NULL), MOVEX_OK);
            ck_assert(memcmp(b.other, b.state, b.size) == 0);
        }
        bench_free(&b);
    }
}
END_TEST

START_TEST(encoding_agrees_with_the_naive_one_and_decodes)
{
    for (size_t s = 0; s < sample_count; s++) {
        bench b = bench_of(&samples[s], s + 100);
        for (unsigned run = 0; run < samples[s].weight; run++) {
            size_t length, again;
            random_settled(&b);
            ck_assert_int_eq(movex_codec_encode(b.codec, b.state, b.bytes, b.room, &length, &b.error), MOVEX_OK);
            ck_assert_uint_le(length, movex_codec_max_encoded(b.codec));
            ck_assert_uint_eq(sample_encode(b.schema, b.state, b.more_bytes), length);
            ck_assert(memcmp(b.bytes, b.more_bytes, length) == 0);
            memset(b.other, 0xa5, b.size);
            ck_assert_msg(movex_codec_decode(b.codec, b.other, b.bytes, length, &b.error) == MOVEX_OK, "%s",
                          b.error.text);
            ck_assert(movex_codec_equal(b.codec, b.state, b.other));
            ck_assert_uint_eq(movex_codec_checksum(b.codec, b.state), movex_codec_checksum(b.codec, b.other));
            ck_assert_int_eq(movex_codec_encode(b.codec, b.other, b.more_bytes, b.room, &again, NULL), MOVEX_OK);
            ck_assert(again == length && memcmp(b.bytes, b.more_bytes, length) == 0);
            /* Decoding and copying leave the same memory, padding and all. */
            movex_codec_copy(b.codec, b.more_bytes, b.state);
            ck_assert(memcmp(b.more_bytes, b.other, b.size) == 0);
        }
        bench_free(&b);
    }
}
END_TEST

START_TEST(padding_does_not_count)
{
    for (size_t s = 0; s < sample_count; s++) {
        bench b = bench_of(&samples[s], s + 200);
        random_settled(&b);
        uint64_t checksum = movex_codec_checksum(b.codec, b.state);
        memcpy(b.other, b.state, b.size);
        sample_scribble(b.schema, b.other, &b.random);
        ck_assert(movex_codec_equal(b.codec, b.state, b.other));
        ck_assert_uint_eq(movex_codec_checksum(b.codec, b.other), checksum);
        char text[64];
        ck_assert_uint_eq(movex_codec_explain(b.codec, b.state, b.other, "there", 3, text, sizeof text), 0);
        ck_assert_str_eq(text, "");
        bench_free(&b);
    }
}
END_TEST

START_TEST(equal_means_equal_images)
{
    for (size_t s = 0; s < sample_count; s++) {
        bench    b = bench_of(&samples[s], s + 300);
        unsigned differed = 0, runs = samples[s].weight * 20;
        random_settled(&b);
        for (unsigned run = 0; run < runs; run++) {
            char text[200];
            memcpy(b.other, b.state, b.size);
            sample_mutate(b.schema, b.other, &b.random);
            ck_assert_int_eq(movex_codec_settle(b.codec, b.other, &b.error), MOVEX_OK);
            size_t length = sample_image(b.schema, b.state, b.bytes);
            sample_image(b.schema, b.other, b.more_bytes);
            bool same = memcmp(b.bytes, b.more_bytes, length) == 0;
            ck_assert_int_eq(movex_codec_equal(b.codec, b.state, b.other), same);
            ck_assert_int_eq(movex_codec_explain(b.codec, b.state, b.other, "there", 2, text, sizeof text) == 0, same);
            if (!same) differed++;
            if (run % 4 == 0) memcpy(b.state, b.other, b.size);
        }
        ck_assert_uint_gt(differed, runs / 4);
        bench_free(&b);
    }
}
END_TEST

/* A copy of exactly that size, so that reading past its end is found by the sanitizers. */
static int decode_exactly(bench *b, const unsigned char *bytes, size_t length)
{
    unsigned char *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    memset(b->other, 0x5a, b->size);
    int status = movex_codec_decode(b->codec, b->other, copy, length, &b->error);
    free(copy);
    return status;
}

static void check_refused(bench *b, int status)
{
    ck_assert_int_eq(status, MOVEX_ERR_MALFORMED);
    ck_assert_int_eq(b->error.status, MOVEX_ERR_MALFORMED);
    ck_assert_uint_gt(strlen(b->error.text), 10);
    ck_assert(b->other[0] == 0 && memcmp(b->other, b->other + 1, b->size - 1) == 0);
}

START_TEST(every_truncation_and_every_extension_is_refused)
{
    for (size_t s = 0; samples[s].weight >= 50; s++) {
        bench  b = bench_of(&samples[s], s + 400);
        size_t length;
        for (int run = 0; run < 5; run++) {
            random_settled(&b);
            ck_assert_int_eq(movex_codec_encode(b.codec, b.state, b.bytes, b.room, &length, NULL), MOVEX_OK);
            for (size_t cut = 0; cut < length; cut++) check_refused(&b, decode_exactly(&b, b.bytes, cut));
            b.bytes[length] = 0;
            check_refused(&b, decode_exactly(&b, b.bytes, length + 1));
            ck_assert_ptr_nonnull(strstr(b.error.text, "1 byte after the end"));
        }
        bench_free(&b);
    }
}
END_TEST

START_TEST(what_decodes_is_canonical)
{
    unsigned taken = 0, refused = 0;
    for (size_t s = 0; samples[s].weight >= 50; s++) {
        bench  b = bench_of(&samples[s], s + 500);
        size_t length, again;
        for (int run = 0; run < 2; run++) {
            random_settled(&b);
            ck_assert_int_eq(movex_codec_encode(b.codec, b.state, b.bytes, b.room, &length, NULL), MOVEX_OK);
            for (size_t at = 0; at < length; at++) {
                unsigned char whole = b.bytes[at];
                for (unsigned value = 0; value < 256; value += length < 500 ? 1 : 1 + sample_below(&b.random, 32)) {
                    b.bytes[at] = (unsigned char)value;
                    int status = decode_exactly(&b, b.bytes, length);
                    if (status) {
                        check_refused(&b, status);
                        refused++;
                        continue;
                    }
                    taken++;
                    ck_assert_int_eq(movex_codec_encode(b.codec, b.other, b.more_bytes, b.room, &again, NULL),
                                     MOVEX_OK);
                    ck_assert(again == length && memcmp(b.bytes, b.more_bytes, length) == 0);
                    memcpy(b.state, b.other, b.size);
                    ck_assert_int_eq(movex_codec_settle(b.codec, b.state, NULL), MOVEX_OK);
                    ck_assert(memcmp(b.state, b.other, b.size) == 0);
                }
                b.bytes[at] = whole;
            }
        }
        bench_free(&b);
    }
    ck_assert_uint_gt(taken, 1000);
    ck_assert_uint_gt(refused, 1000);
}
END_TEST

START_TEST(random_bytes_do_no_harm)
{
    for (size_t s = 0; samples[s].weight >= 50; s++) {
        bench b = bench_of(&samples[s], s + 600);
        for (int run = 0; run < 2000; run++) {
            size_t length = sample_below(&b.random, 200), again;
            for (size_t i = 0; i < length; i++)
                b.bytes[i] = (unsigned char)(sample_next(&b.random) & sample_next(&b.random));
            int status = decode_exactly(&b, b.bytes, length);
            if (status) {
                check_refused(&b, status);
                continue;
            }
            ck_assert_int_eq(movex_codec_encode(b.codec, b.other, b.more_bytes, b.room, &again, NULL), MOVEX_OK);
            ck_assert(again == length && memcmp(b.bytes, b.more_bytes, length) == 0);
        }
        bench_free(&b);
    }
}
END_TEST

START_TEST(encoding_into_too_little_room_says_how_much_it_takes)
{
    for (size_t s = 0; samples[s].weight >= 50; s++) {
        bench  b = bench_of(&samples[s], s + 700);
        size_t length, needed;
        random_settled(&b);
        ck_assert_int_eq(movex_codec_encode(b.codec, b.state, b.bytes, b.room, &length, NULL), MOVEX_OK);
        for (size_t room = 0; room < length; room++) {
            unsigned char *exact = malloc(room ? room : 1);
            b.error = (movex_error){MOVEX_OK, ""};
            ck_assert_int_eq(movex_codec_encode(b.codec, b.state, exact, room, &needed, &b.error), MOVEX_ERR_LIMIT);
            ck_assert_int_eq(b.error.status, MOVEX_ERR_LIMIT);
            ck_assert_uint_eq(needed, length);
            free(exact);
        }
        ck_assert_int_eq(movex_codec_encode(b.codec, b.state, b.more_bytes, length, &needed, NULL), MOVEX_OK);
        ck_assert(memcmp(b.bytes, b.more_bytes, length) == 0);
        bench_free(&b);
    }
}
END_TEST

/* --- Fixed examples: what may never change, on no machine. --- */

typedef enum stage { STAGE_WAIT, STAGE_PLAY, STAGE_END } stage;

typedef struct line {
    uint16_t author;
    char     text[6];
} line;

typedef struct room {
    bool     open;
    uint32_t turn;
    uint8_t  board[2][3];
    stage    now;
    uint8_t  line_count;
    line     lines[3];
    double   clock;
    float    speed;
    int16_t  score;
} room;

static const char *const stage_names[] = {"wait", "play", "end"};

MOVEX_SCHEMA(line_schema, line, MOVEX_FIELD(line, author), MOVEX_TEXT(line, text));
MOVEX_SCHEMA(room_schema, room, MOVEX_FIELD(room, turn), MOVEX_FIELD(room, open), MOVEX_ENUM_GRID(room, board, 3),
             MOVEX_NAMED_ENUM(room, now, stage_names), MOVEX_STRUCT_LIST(room, lines, line_count, line_schema),
             MOVEX_FIELD(room, clock), MOVEX_FIELD(room, speed), MOVEX_FIELD(room, score));

static const sample room_sample = {"room", &room_schema, 1};

static room fixed_room(void)
{
    room r;
    memset(&r, 0xee, sizeof r); /* padding, unused slots and tails hold anything */
    r.open = true;
    r.turn = 258;
    memcpy(r.board, "\0\1\2\2\1\0", 6);
    r.now = STAGE_PLAY;
    r.line_count = 2;
    r.lines[0].author = 7;
    strcpy(r.lines[0].text, "hi");
    r.lines[1].author = 513;
    strcpy(r.lines[1].text, "\xc3\xa9!");
    r.clock = (double)NAN;
    r.speed = -1.5f;
    r.score = -2;
    return r;
}

static const unsigned char room_encoding[] = {0x02, 0x01, 0x00, 0x00,                         /* turn */
                                              0x01,                                           /* open */
                                              0x00, 0x01, 0x02, 0x02, 0x01, 0x00,             /* board */
                                              0x01, 0x00, 0x00, 0x00,                         /* now */
                                              0x02,                                           /* two lines */
                                              0x07, 0x00, 0x02, 'h',  'i',                    /* lines[0] */
                                              0x01, 0x02, 0x03, 0xc3, 0xa9, '!',              /* lines[1] */
                                              0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f, /* clock */
                                              0x00, 0x00, 0xc0, 0xbf,                         /* speed */
                                              0xfe, 0xff};                                    /* score */

static const unsigned char room_image[] = {0x01,                                           /* open */
                                           0x02, 0x01, 0x00, 0x00,                         /* turn */
                                           0x00, 0x01, 0x02, 0x02, 0x01, 0x00,             /* board */
                                           0x01, 0x00, 0x00, 0x00,                         /* now */
                                           0x02,                                           /* line_count */
                                           0x07, 0x00, 'h',  'i',  0x00, 0x00, 0x00, 0x00, /* lines[0] */
                                           0x01, 0x02, 0xc3, 0xa9, '!',  0x00, 0x00, 0x00, /* lines[1] */
                                           0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* lines[2] */
                                           0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f, /* clock */
                                           0x00, 0x00, 0xc0, 0xbf,                         /* speed */
                                           0xfe, 0xff};                                    /* score */

START_TEST(fixed_encoding_and_checksum)
{
    bench  b = bench_of(&room_sample, 1);
    room   r = fixed_room(), back;
    size_t length;
    ck_assert_int_eq(movex_codec_settle(b.codec, &r, &b.error), MOVEX_OK);
    ck_assert_int_eq(movex_codec_encode(b.codec, &r, b.bytes, b.room, &length, &b.error), MOVEX_OK);
    ck_assert_uint_eq(length, sizeof room_encoding);
    ck_assert_mem_eq(b.bytes, room_encoding, length);
    ck_assert_uint_eq(movex_codec_checksum(b.codec, &r), sample_checksum(room_image, sizeof room_image));
    ck_assert_uint_eq(movex_codec_checksum(b.codec, &r), UINT64_C(0x7515ab17e0e9de4e));
    ck_assert_uint_eq(movex_codec_fingerprint(b.codec), UINT64_C(0x84c204697a9c6f34));
    ck_assert_int_eq(movex_codec_decode(b.codec, &back, room_encoding, sizeof room_encoding, &b.error), MOVEX_OK);
    ck_assert(movex_codec_equal(b.codec, &r, &back));
    ck_assert_ptr_eq(movex_codec_schema(b.codec), &room_schema);
    bench_free(&b);
}
END_TEST

START_TEST(a_large_fixed_checksum)
{
    for (size_t s = 0; s < sample_count; s++) {
        if (strcmp(samples[s].name, "world") != 0) continue;
        bench b = bench_of(&samples[s], 1);
        memset(b.state, 0, b.size);
        sample_world *world = (sample_world *)(void *)b.state;
        world->tick = 9;
        world->item_count = 2400;
        for (uint32_t i = 0; i < 2400; i++) {
            world->items[i].kind = (uint16_t)(i * 7);
            world->items[i].weight = (float)i / 4;
            world->items[i].worn = i % 3 == 0;
            memcpy(world->items[i].label, "abc", (size_t)i % 4);
        }
        for (uint32_t i = 0; i < 3000; i++) world->cells[i] = i * 2654435761u;
        ck_assert_int_eq(movex_codec_settle(b.codec, world, NULL), MOVEX_OK);
        ck_assert_uint_eq(movex_codec_checksum(b.codec, world),
                          sample_checksum(b.bytes, sample_image(b.schema, world, b.bytes)));
        ck_assert_uint_eq(movex_codec_checksum(b.codec, world), UINT64_C(0xec79c06dc6bbeeab));
        bench_free(&b);
    }
}
END_TEST

/* The example of docs/encoding.md. */
typedef struct documented_message {
    uint16_t author;
    char     text[6];
} documented_message;

typedef struct documented {
    bool               open;
    uint32_t           turn;
    documented_message messages[3];
    uint8_t            message_count;
} documented;

MOVEX_SCHEMA(documented_message_schema, documented_message, MOVEX_FIELD(documented_message, author),
             MOVEX_TEXT(documented_message, text));
MOVEX_SCHEMA(documented_schema, documented, MOVEX_FIELD(documented, turn), MOVEX_FIELD(documented, open),
             MOVEX_STRUCT_LIST(documented, messages, message_count, documented_message_schema));
static const sample documented_sample = {"documented", &documented_schema, 1};

START_TEST(the_documented_example)
{
    static const unsigned char encoding[] = {2, 1, 0, 0, 1, 2, 7, 0, 2, 'h', 'i', 1, 2, 3, 'y', 'o', '!'};
    static const unsigned char difference[] = {1, 1, 3, 11, 5, 0, 0, 0, 0, 0, 11, 1, 1};
    bench                      b = bench_of(&documented_sample, 1);
    documented d = {.open = true, .turn = 258, .messages = {{7, "hi"}, {513, "yo!"}}, .message_count = 2};
    documented next = d;
    size_t     length;
    ck_assert_int_eq(movex_codec_encode(b.codec, &d, b.bytes, b.room, &length, NULL), MOVEX_OK);
    ck_assert_uint_eq(length, sizeof encoding);
    ck_assert_mem_eq(b.bytes, encoding, length);
    ck_assert_uint_eq(movex_codec_checksum(b.codec, &d), UINT64_C(0xa52876a7944734fb));
    ck_assert_uint_eq(movex_codec_fingerprint(b.codec), UINT64_C(0xa9e2d9b69946b3f9));
    next.turn = 259;
    next.message_count = 1;
    ck_assert_int_eq(movex_codec_settle(b.codec, &next, NULL), MOVEX_OK);
    ck_assert_int_eq(movex_codec_difference(b.codec, &d, &next, b.bytes, b.room, &length), MOVEX_OK);
    ck_assert_uint_eq(length, sizeof difference);
    ck_assert_mem_eq(b.bytes, difference, length);
    ck_assert_uint_eq(movex_codec_checksum(b.codec, &next), UINT64_C(0xaf4432ce64dd6d90));
    bench_free(&b);
}
END_TEST

/* Decodes the fixed encoding with one byte replaced. */
START_TEST(decoding_errors_name_the_field)
{
    static const struct {
        size_t        at;
        unsigned char value;
        const char   *text;
    } cases[] = {{4, 2, "open: 2 is neither 0 nor 1"},
                 {9, 3, "board[1][1]: 3 is not one of 3 values"},
                 {12, 1, "now: 257 is not one of 3 values"},
                 {15, 4, "lines: 4 elements, room for 3"},
                 {15, 0x80, "lines: 896 elements, room for 3"},
                 {18, 6, "lines[0].text: 6 bytes, room for 5"},
                 {18, 0x82, "lines[0].text: 13314 bytes, room for 5"},
                 {25, 0, "lines[1].text: a zero byte inside the text"},
                 {27, 1, "clock: a NaN that is not the canonical one"},
                 {15, 3, "speed: the bytes end here"}};
    bench         b = bench_of(&room_sample, 1);
    unsigned char bytes[sizeof room_encoding];
    room          r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(bytes, room_encoding, sizeof bytes);
        bytes[cases[i].at] = cases[i].value;
        ck_assert_int_eq(movex_codec_decode(b.codec, &r, bytes, sizeof bytes, &b.error), MOVEX_ERR_MALFORMED);
        ck_assert_str_eq(b.error.text, cases[i].text);
    }
    static const struct {
        size_t      length;
        const char *text;
    } cuts[] = {{0, "turn: the bytes end here"},
                {10, "board[1][2]: the bytes end here"},
                {15, "lines: a length that is cut off or not in its shortest form"},
                {18, "lines[0].text: a length that is cut off or not in its shortest form"},
                {20, "lines[0].text: the bytes end here"},
                {22, "lines[1].author: the bytes end here"}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        ck_assert_int_eq(movex_codec_decode(b.codec, &r, room_encoding, cuts[i].length, &b.error), MOVEX_ERR_MALFORMED);
        ck_assert_str_eq(b.error.text, cuts[i].text);
        ck_assert_int_eq(movex_codec_decode(b.codec, &r, room_encoding, cuts[i].length, NULL), MOVEX_ERR_MALFORMED);
    }
    bench_free(&b);
}
END_TEST

START_TEST(settling_refuses_what_it_cannot_repair)
{
    bench  b = bench_of(&room_sample, 1);
    room   r = fixed_room();
    size_t length;
    r.line_count = 4;
    ck_assert_int_eq(movex_codec_settle(b.codec, &r, &b.error), MOVEX_ERR_INVALID_STATE);
    ck_assert_str_eq(b.error.text, "lines: 4 elements, room for 3");
    ck_assert_int_eq(movex_codec_encode(b.codec, &r, b.bytes, b.room, &length, &b.error), MOVEX_ERR_INVALID_STATE);

    r = fixed_room();
    memset(r.lines[1].text, 'x', sizeof r.lines[1].text);
    ck_assert_int_eq(movex_codec_settle(b.codec, &r, &b.error), MOVEX_ERR_INVALID_STATE);
    ck_assert_str_eq(b.error.text, "lines[1].text: a text without its final zero");
    r.clock = 1;
    ck_assert_int_eq(movex_codec_encode(b.codec, &r, b.bytes, b.room, &length, &b.error), MOVEX_ERR_INVALID_STATE);
    ck_assert_str_eq(b.error.text, "lines[1].text: 6 bytes, room for 5");

    r = fixed_room();
    memset(r.lines[2].text, 'x', sizeof r.lines[2].text); /* an unused slot: no fault */
    ck_assert_int_eq(movex_codec_settle(b.codec, &r, &b.error), MOVEX_OK);
    r.board[1][2] = 9;
    ck_assert_int_eq(movex_codec_settle(b.codec, &r, &b.error), MOVEX_ERR_INVALID_STATE);
    ck_assert_str_eq(b.error.text, "board[1][2]: 9 is not one of 3 values");
    ck_assert_int_eq(movex_codec_settle(b.codec, &r, NULL), MOVEX_ERR_INVALID_STATE);
    ck_assert_int_eq(movex_codec_encode(b.codec, &r, b.bytes, b.room, &length, &b.error), MOVEX_ERR_INVALID_STATE);
    ck_assert_str_eq(b.error.text, "board[1][2]: 9 is not one of 3 values");
    bench_free(&b);
}
END_TEST

START_TEST(settling_repairs_the_rest)
{
    bench         b = bench_of(&room_sample, 1);
    room          r = fixed_room();
    size_t        length;
    unsigned char two = 2;
    uint64_t      nan = UINT64_C(0xfff4000000000001);
    memcpy(&r.open, &two, 1); /* no C program means anything but true by it */
    memcpy(&r.clock, &nan, sizeof nan);
    ck_assert_int_eq(movex_codec_encode(b.codec, &r, b.bytes, b.room, &length, &b.error), MOVEX_ERR_INVALID_STATE);
    ck_assert_str_eq(b.error.text, "open: 2 is neither 0 nor 1");
    ck_assert_int_eq(movex_codec_settle(b.codec, &r, NULL), MOVEX_OK);
    ck_assert_mem_eq(&r.open, "\1", 1);
    ck_assert_mem_eq(r.lines[0].text, "hi\0\0\0", 6);
    ck_assert_mem_eq(&r.lines[2], "\0\0\0\0\0\0\0", 8);
    ck_assert_int_eq(movex_codec_encode(b.codec, &r, b.bytes, b.room, &length, NULL), MOVEX_OK);
    ck_assert_mem_eq(b.bytes, room_encoding, sizeof room_encoding);
    bench_free(&b);
}
END_TEST

/* --- For people. --- */

START_TEST(json)
{
    bench b = bench_of(&room_sample, 1);
    room  r = fixed_room();
    char  text[400], small[10];
    ck_assert_int_eq(movex_codec_settle(b.codec, &r, NULL), MOVEX_OK);
    strcpy(r.lines[0].text, "\"\\\n\x01\xff");
    const char *expected =
        "{\"turn\":258,\"open\":true,\"board\":[[0,1,2],[2,1,0]],\"now\":\"play\",\"lines\":["
        "{\"author\":7,\"text\":\"\\\"\\\\\\n\\u0001\xef\xbf\xbd\"},{\"author\":513,\"text\":\"\xc3\xa9!\"}],"
        "\"clock\":\"NaN\",\"speed\":-1.5,\"score\":-2}";
    ck_assert_uint_eq(movex_codec_json(b.codec, &r, text, sizeof text), strlen(expected));
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(movex_codec_json(b.codec, &r, small, sizeof small), strlen(expected));
    ck_assert_str_eq(small, "{\"turn\":2");
    ck_assert_uint_eq(movex_codec_json(b.codec, &r, NULL, 0), strlen(expected));
    bench_free(&b);
}
END_TEST

START_TEST(json_of_all_kinds)
{
    movex_codec *codec = movex_codec_new(&sample_kinds_schema, NULL, NULL);
    sample_kinds k;
    char         text[600];
    memset(&k, 0, sizeof k);
    k.u64 = UINT64_MAX;
    k.real = (double)-INFINITY;
    k.i8 = -128;
    k.u16 = 65535;
    k.i16 = -32768;
    k.i32 = INT32_MIN;
    k.i64 = INT64_MIN;
    k.ratio = 0.1f;
    k.colour = SAMPLE_BLUE;
    k.move = 3;
    strcpy(k.name, "\xe0\x80\xe2\x82\xac"); /* an overlong start, then a euro sign */
    movex_codec_json(codec, &k, text, sizeof text);
    ck_assert_str_eq(text, "{\"colour\":\"blue\",\"u64\":18446744073709551615,\"flag\":false,\"real\":\"-Infinity\","
                           "\"u8\":0,\"i8\":-128,\"u16\":65535,\"i16\":-32768,\"u32\":0,\"i32\":-2147483648,"
                           "\"i64\":-9223372036854775808,\"name\":\"\xef\xbf\xbd\xef\xbf\xbd\xe2\x82\xac\","
                           "\"ratio\":0.1,\"move\":3,\"wide\":0}");
    k.colour = (sample_colour)7; /* not a valid state, but it can be looked at */
    memset(k.name, 'n', sizeof k.name);
    movex_codec_json(codec, &k, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "{\"colour\":7,"));
    ck_assert_ptr_nonnull(strstr(text, "\"name\":\"nnnnnnn\","));
    movex_codec_free(codec);
}
END_TEST

START_TEST(explanations)
{
    bench b = bench_of(&room_sample, 1);
    room  here = fixed_room(), there;
    char  text[300], small[12];
    ck_assert_int_eq(movex_codec_settle(b.codec, &here, NULL), MOVEX_OK);
    there = here;
    ck_assert_uint_eq(movex_codec_explain(b.codec, &here, &there, "there", 9, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    there.turn = 9;
    there.board[1][0] = 0;
    there.now = STAGE_END;
    strcpy(there.lines[1].text, "no");
    ck_assert_uint_eq(movex_codec_explain(b.codec, &here, &there, "there", 9, text, sizeof text), 4);
    ck_assert_str_eq(text, "turn: here 258, there 9; board[1][0]: here 2, there 0; now: here \"play\", there \"end\"; "
                           "lines[1].text: here \"\xc3\xa9!\", there \"no\"");
    ck_assert_uint_eq(movex_codec_changes(b.codec, &here, &there, 9, text, sizeof text), 4);
    ck_assert_str_eq(text, "turn: 258 -> 9; board[1][0]: 2 -> 0; now: \"play\" -> \"end\"; "
                           "lines[1].text: \"\xc3\xa9!\" -> \"no\"");
    ck_assert_uint_eq(movex_codec_explain(b.codec, &there, &here, "there", 1, text, sizeof text), 4);
    ck_assert_str_eq(text, "turn: here 9, there 258; 3 more");
    ck_assert_uint_eq(movex_codec_explain(b.codec, &there, &here, "there", 0, text, sizeof text), 4);
    ck_assert_str_eq(text, "4 more");
    ck_assert_uint_eq(movex_codec_explain(b.codec, &there, &here, "there", 4, small, sizeof small), 4);
    ck_assert_str_eq(small, "turn: here ");
    there = here;
    there.line_count = 1;
    ck_assert_int_eq(movex_codec_settle(b.codec, &there, NULL), MOVEX_OK);
    ck_assert_uint_eq(movex_codec_explain(b.codec, &here, &there, "there", 4, text, sizeof text), 1);
    ck_assert_str_eq(text, "lines[1]: here {\"author\":513,\"text\":\"\xc3\xa9!\"}, there none");
    bench_free(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec");
    TCase *random = tcase_create("random");
    tcase_set_timeout(random, 120);
    tcase_add_test(random, settling_and_checksum_agree_with_the_naive_image);
    tcase_add_test(random, encoding_agrees_with_the_naive_one_and_decodes);
    tcase_add_test(random, padding_does_not_count);
    tcase_add_test(random, equal_means_equal_images);
    tcase_add_test(random, every_truncation_and_every_extension_is_refused);
    tcase_add_test(random, what_decodes_is_canonical);
    tcase_add_test(random, random_bytes_do_no_harm);
    tcase_add_test(random, encoding_into_too_little_room_says_how_much_it_takes);
    suite_add_tcase(suite, random);
    TCase *fixed = tcase_create("fixed");
    tcase_add_test(fixed, fixed_encoding_and_checksum);
    tcase_add_test(fixed, a_large_fixed_checksum);
    tcase_add_test(fixed, the_documented_example);
    tcase_add_test(fixed, decoding_errors_name_the_field);
    tcase_add_test(fixed, settling_refuses_what_it_cannot_repair);
    tcase_add_test(fixed, settling_repairs_the_rest);
    tcase_add_test(fixed, json);
    tcase_add_test(fixed, json_of_all_kinds);
    tcase_add_test(fixed, explanations);
    suite_add_tcase(suite, fixed);
    return movex_test_main(suite);
}
