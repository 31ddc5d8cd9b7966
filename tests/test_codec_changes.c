/* What changes cost and carry: differences, patches, commits. */
#include "codec_samples.h"
#include "support.h"

#include "../src/core/bytes.h"
#include "../src/core/codec_commit.h"

#include <stdlib.h>

typedef struct bench {
    const movex_schema *schema;
    movex_codec        *codec;
    sample_random       random;
    unsigned char      *state, *work, *third, *fourth;
    unsigned char      *bytes, *image;
    size_t              size, room, image_size;
    movex_hashes        hashes, scratch_hashes;
    movex_error         error;
} bench;

static bench bench_of(const sample *of, uint64_t seed)
{
    bench b = {.schema = of->schema, .random = {.state = seed}, .size = of->schema->size};
    b.codec = movex_codec_new(b.schema, NULL, &b.error);
    ck_assert_msg(b.codec != NULL, "%s", b.error.text);
    b.room = 2 * b.size + 100;
    unsigned char **blocks[] = {&b.state, &b.work, &b.third, &b.fourth};
    for (size_t i = 0; i < 4; i++) *blocks[i] = calloc(1, b.size);
    b.bytes = malloc(b.room);
    b.image = malloc(b.room);
    b.image_size = sample_image(b.schema, b.state, b.image);
    ck_assert_uint_eq(movex_codec_block_count(b.codec), (b.image_size + 255) / 256);
    b.hashes.blocks = calloc(movex_codec_block_count(b.codec), sizeof(uint64_t));
    b.scratch_hashes.blocks = calloc(movex_codec_block_count(b.codec), sizeof(uint64_t));
    return b;
}

static void bench_free(bench *b)
{
    movex_codec_free(b->codec);
    void *blocks[] = {b->state, b->work,  b->third,         b->fourth,
                      b->bytes, b->image, b->hashes.blocks, b->scratch_hashes.blocks};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) free(blocks[i]);
}

static void random_settled(bench *b, unsigned char *state)
{
    sample_randomize(b->schema, state, &b->random);
    ck_assert_msg(movex_codec_settle(b->codec, state, &b->error) == MOVEX_OK, "%s", b->error.text);
}

/* Makes `work` a settled neighbour of `state`. */
static void random_neighbour(bench *b, unsigned changes)
{
    memcpy(b->work, b->state, b->size);
    for (unsigned i = 0; i < changes; i++) sample_mutate(b->schema, b->work, &b->random);
    sample_scribble(b->schema, b->work, &b->random);
    ck_assert_int_eq(movex_codec_settle(b->codec, b->work, NULL), MOVEX_OK);
}

/* --- Differences. --- */

/* The difference by its definition, from two whole images. */
static size_t naive_difference(const unsigned char *from, const unsigned char *to, size_t size, unsigned char *bytes)
{
    movex_writer writer = movex_writer_over(bytes, SIZE_MAX / 4);
    size_t       written = 0;
    for (size_t at = 0; at < size; at++) {
        if (from[at] == to[at]) continue;
        size_t end = at + 1;
        for (size_t k = end; k < size && k < end + 3; k++)
            if (from[k] != to[k]) end = k + 1;
        movex_write_number(&writer, at - written);
        movex_write_number(&writer, end - at);
        movex_write_bytes(&writer, to + at, end - at);
        written = end;
        at = end - 1;
    }
    return (size_t)(writer.at - bytes);
}

START_TEST(differences_agree_with_the_definition_and_patch)
{
    for (size_t s = 0; s < sample_count; s++) {
        bench          b = bench_of(&samples[s], s + 1);
        unsigned char *other_image = malloc(b.room), *naive = malloc(b.room);
        for (unsigned run = 0; run < samples[s].weight * 4; run++) {
            size_t length, needed;
            if (run % 16 == 0) random_settled(&b, b.state);
            random_neighbour(&b, sample_below(&b.random, 4));
            if (run % 32 == 1) random_settled(&b, b.work);
            sample_image(b.schema, b.state, b.image);
            sample_image(b.schema, b.work, other_image);
            size_t expected = naive_difference(b.image, other_image, b.image_size, naive);
            ck_assert_int_eq(movex_codec_difference(b.codec, b.state, b.work, b.bytes, b.room, &length), MOVEX_OK);
            ck_assert_uint_eq(length, expected);
            ck_assert(memcmp(b.bytes, naive, length) == 0);
            ck_assert_int_eq(length == 0, movex_codec_equal(b.codec, b.state, b.work));
            if (length) {
                size_t         room = sample_below(&b.random, (uint32_t)length);
                unsigned char *exact = malloc(room + 1);
                ck_assert_int_eq(movex_codec_difference(b.codec, b.state, b.work, exact, room, &needed),
                                 MOVEX_ERR_LIMIT);
                ck_assert_uint_eq(needed, length);
                free(exact);
            }
            memcpy(b.third, b.state, b.size);
            ck_assert_msg(movex_codec_patch(b.codec, b.third, b.fourth, b.bytes, length, &b.error) == MOVEX_OK, "%s",
                          b.error.text);
            ck_assert(movex_codec_equal(b.codec, b.third, b.work));
        }
        free(other_image);
        free(naive);
        bench_free(&b);
    }
}
END_TEST

/* Applies a copy of exactly that size; a refusal must leave no trace, a success a settled state. */
static int patch_exactly(bench *b, const unsigned char *bytes, size_t length)
{
    unsigned char *copy = malloc(length ? length : 1);
    if (length) memcpy(copy, bytes, length);
    memcpy(b->third, b->state, b->size);
    b->error.text[0] = '\0';
    int status = movex_codec_patch(b->codec, b->third, b->fourth, copy, length, &b->error);
    free(copy);
    if (status) {
        ck_assert_int_eq(status, MOVEX_ERR_MALFORMED);
        ck_assert(b->error.status == MOVEX_ERR_MALFORMED && b->error.text[0]);
        ck_assert(memcmp(b->third, b->state, b->size) == 0);
    } else {
        memcpy(b->fourth, b->third, b->size);
        ck_assert_int_eq(movex_codec_settle(b->codec, b->fourth, NULL), MOVEX_OK);
        ck_assert(memcmp(b->third, b->fourth, b->size) == 0);
    }
    return status;
}

START_TEST(hostile_patches)
{
    unsigned taken = 0, refused = 0;
    for (size_t s = 0; samples[s].weight >= 50; s++) {
        bench b = bench_of(&samples[s], s + 50);
        for (unsigned run = 0; run < 30; run++) {
            size_t length;
            random_settled(&b, b.state);
            random_neighbour(&b, 3);
            ck_assert_int_eq(movex_codec_difference(b.codec, b.state, b.work, b.bytes, b.room, &length), MOVEX_OK);
            if (length > 400) length = 400; /* cut, which is hostile too */
            for (size_t at = 0; at < length; at++) {
                unsigned char whole = b.bytes[at];
                for (int i = 0; i < 6; i++) {
                    b.bytes[at] = i ? (unsigned char)sample_next(&b.random) : whole + 1u;
                    if (patch_exactly(&b, b.bytes, length))
                        refused++;
                    else
                        taken++;
                }
                b.bytes[at] = whole;
                patch_exactly(&b, b.bytes, at);
            }
        }
        for (unsigned run = 0; run < 1000; run++) {
            size_t length = sample_below(&b.random, 24);
            for (size_t i = 0; i < length; i++) b.bytes[i] = (unsigned char)sample_below(&b.random, i % 2 ? 256 : 20);
            patch_exactly(&b, b.bytes, length);
        }
        bench_free(&b);
    }
    ck_assert_uint_gt(taken, 1000);
    ck_assert_uint_gt(refused, 1000);
}
END_TEST

typedef struct line {
    uint16_t author;
    char     text[6];
} line;

typedef struct table {
    uint8_t count;
    line    lines[3];
    uint8_t cells[2][2];
    bool    open;
} table;

MOVEX_SCHEMA(line_schema, line, MOVEX_FIELD(line, author), MOVEX_TEXT(line, text));
MOVEX_SCHEMA(table_schema, table, MOVEX_STRUCT_LIST(table, lines, count, line_schema), MOVEX_ENUM_GRID(table, cells, 3),
             MOVEX_FIELD(table, open));
static const sample table_sample = {"table", &table_schema, 1};

/* The image: count 0; lines 1, 9, 17; cells 25; open 29; 30 bytes in all. Two lines are in use: "one" and "two". */
START_TEST(patches_are_refused_by_name)
{
    static const struct {
        const char *bytes;
        size_t      length;
        const char *text;
    } cases[] = {{"\x00\x01\x01", 3, "lines[1]: an unused element is not zero"},
                 {"\x00\x01\x04", 3, "lines: 4 elements, room for 3"},
                 {"\x11\x01\x01", 3, "lines[2]: an unused element is not zero"},
                 {"\x08\x01z", 3, "lines[0].text: bytes after the end of the text are not zero"},
                 {"\x03\x06zzzzzz", 8, "lines[0].text: a text without its final zero"},
                 {"\x1c\x01\x03", 3, "cells[1][1]: 3 is not one of 3 values"},
                 {"\x1d\x01\x02", 3, "open: 2 is neither 0 nor 1"},
                 {"\x1e\x01\x01", 3, "a difference: a run that is cut off or outside the state"},
                 {"\x1d\x02\x01\x01", 4, "a difference: a run that is cut off or outside the state"},
                 {"\x1d\x01", 2, "a difference: a run that is cut off or outside the state"},
                 {"\x1d", 1, "a difference: a run that is cut off or outside the state"},
                 {"\x9d\x00\x01\x01", 4, "a difference: a run that is cut off or outside the state"},
                 {"\x05\x00", 2, "a difference: a run of no bytes"},
                 {"\x01\x01\x05\x02\x01z", 6, "a difference: two runs that should be one"}};
    bench  b = bench_of(&table_sample, 1);
    table *t = (table *)(void *)b.state;
    t->count = 2;
    strcpy(t->lines[0].text, "one");
    strcpy(t->lines[1].text, "two");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(patch_exactly(&b, (const unsigned char *)cases[i].bytes, cases[i].length),
                         MOVEX_ERR_MALFORMED);
        ck_assert_str_eq(b.error.text, cases[i].text);
    }
    ck_assert_int_eq(movex_codec_patch(b.codec, b.state, b.third, "\x05\x00", 2, NULL), MOVEX_ERR_MALFORMED);
    ck_assert_int_eq(patch_exactly(&b, (const unsigned char *)"\x01\x01\x05\x03\x01z", 6), MOVEX_OK);
    ck_assert_int_eq(patch_exactly(&b, NULL, 0), MOVEX_OK);
    bench_free(&b);
}
END_TEST

START_TEST(a_fixed_difference)
{
    bench  b = bench_of(&table_sample, 1);
    table *from = (table *)(void *)b.state, *to = (table *)(void *)b.work;
    size_t length;
    to->count = 1;
    to->lines[0].author = 0x0102;
    strcpy(to->lines[0].text, "hi");
    to->cells[0][1] = 2;
    to->open = true;
    ck_assert_int_eq(movex_codec_difference(b.codec, from, to, b.bytes, b.room, &length), MOVEX_OK);
    static const unsigned char expected[] = {0, 5, 1, 2, 1, 'h', 'i', 21, 1, 2, 2, 1, 1};
    /* The cell and the flag are 2 bytes apart, so they are one run. */
    static const unsigned char merged[] = {0, 5, 1, 2, 1, 'h', 'i', 21, 4, 2, 0, 0, 1};
    ck_assert_uint_eq(length, sizeof merged);
    ck_assert_mem_eq(b.bytes, merged, length);
    ck_assert_int_eq(patch_exactly(&b, expected, sizeof expected), MOVEX_ERR_MALFORMED);
    bench_free(&b);
}
END_TEST

/* --- Commits. --- */

static void check_hashes(bench *b, bool naive)
{
    movex_codec_hash(b->codec, b->state, &b->scratch_hashes);
    ck_assert_uint_eq(b->hashes.checksum, b->scratch_hashes.checksum);
    ck_assert(
        memcmp(b->hashes.blocks, b->scratch_hashes.blocks, movex_codec_block_count(b->codec) * sizeof(uint64_t)) == 0);
    ck_assert_uint_eq(b->hashes.checksum, movex_codec_checksum(b->codec, b->state));
    if (!naive) return;
    size_t length = sample_image(b->schema, b->state, b->image);
    ck_assert_uint_eq(b->hashes.checksum, sample_checksum(b->image, length));
}

START_TEST(commits_equal_hashing_from_scratch)
{
    for (size_t s = 0; s < sample_count; s++) {
        bench          b = bench_of(&samples[s], s + 100);
        unsigned       runs = samples[s].weight > 5 ? 5000 : samples[s].weight * 150;
        unsigned       changes = 0;
        unsigned char *wanted = malloc(b.room);
        random_settled(&b, b.state);
        memcpy(b.work, b.state, b.size);
        movex_codec_hash(b.codec, b.state, &b.hashes);
        for (unsigned run = 0; run < runs; run++) {
            bool     changed = false, naive = samples[s].weight > 5 || run % 20 == 0;
            uint64_t before = b.hashes.checksum;
            memcpy(b.third, b.state, b.size);
            for (uint32_t i = sample_below(&b.random, 4); i > 0; i--) sample_mutate(b.schema, b.work, &b.random);
            if (samples[s].weight > 5 && run % 3 == 0) sample_scribble(b.schema, b.work, &b.random);
            if (run % 300 == 150) sample_randomize(b.schema, b.work, &b.random);
            size_t length = naive ? sample_image(b.schema, b.work, wanted) : 0;
            ck_assert_msg(movex_codec_commit(b.codec, b.state, b.work, &b.hashes, &changed, NULL, &b.error) == MOVEX_OK,
                          "%s", b.error.text);
            ck_assert(memcmp(b.state, b.work, b.size) == 0);
            check_hashes(&b, naive);
            if (naive) ck_assert(memcmp(b.image, wanted, length) == 0);
            ck_assert_int_eq(changed, !movex_codec_equal(b.codec, b.third, b.state));
            ck_assert_int_eq(changed, before != b.hashes.checksum);
            if (changed) changes++;
            if (!naive) continue;
            memcpy(b.fourth, b.state, b.size); /* settled, as a whole */
            ck_assert_int_eq(movex_codec_settle(b.codec, b.fourth, NULL), MOVEX_OK);
            ck_assert(memcmp(b.fourth, b.state, b.size) == 0);
        }
        ck_assert_uint_gt(changes, runs / 3);
        free(wanted);
        bench_free(&b);
    }
}
END_TEST

START_TEST(commits_without_hashes)
{
    for (size_t s = 0; samples[s].weight >= 50; s++) {
        bench b = bench_of(&samples[s], s + 150);
        random_settled(&b, b.state);
        memcpy(b.work, b.state, b.size);
        for (unsigned run = 0; run < 500; run++) {
            bool changed = true;
            memcpy(b.third, b.state, b.size);
            sample_mutate(b.schema, b.work, &b.random);
            sample_scribble(b.schema, b.work, &b.random);
            ck_assert_int_eq(movex_codec_commit(b.codec, b.state, b.work, NULL, run % 2 ? &changed : NULL, NULL, NULL),
                             MOVEX_OK);
            ck_assert(memcmp(b.state, b.work, b.size) == 0);
            if (run % 2) ck_assert_int_eq(changed, !movex_codec_equal(b.codec, b.third, b.state));
        }
        bench_free(&b);
    }
}
END_TEST

/* A copy that is given what has moved, over one commit or several, is the state again. */
START_TEST(what_has_moved_is_all_that_differs)
{
    for (size_t s = 0; s < sample_count; s++) {
        bench         b = bench_of(&samples[s], s + 170);
        movex_touched moved;
        random_settled(&b, b.state);
        memcpy(b.work, b.state, b.size);
        memcpy(b.third, b.state, b.size);
        movex_touched_start(&moved, b.size);
        for (unsigned run = 0; run < samples[s].weight * 50; run++) {
            sample_mutate(b.schema, b.work, &b.random);
            if (run % 3 == 0) sample_scribble(b.schema, b.work, &b.random);
            ck_assert_int_eq(movex_codec_commit(b.codec, b.state, b.work, NULL, NULL, &moved, NULL), MOVEX_OK);
            if (sample_below(&b.random, 3)) continue;
            movex_codec_share(b.codec, b.state, b.third, &moved);
            ck_assert(memcmp(b.third, b.state, b.size) == 0);
            movex_touched_start(&moved, b.size);
        }
        movex_touched_fill(&moved, b.size);
        memset(b.third, 0xa5, b.size);
        movex_codec_share(b.codec, b.state, b.third, &moved);
        ck_assert(memcmp(b.third, b.state, b.size) == 0);
        bench_free(&b);
    }
}
END_TEST

/* Spoils one thing that settling cannot repair; false if there is nothing to spoil. */
static bool spoil(const movex_schema *schema, unsigned char *memory, sample_random *random)
{
    const movex_field *field = &schema->fields[sample_below(random, schema->field_count)];
    uint32_t           count = field->capacity;
    if (field->shape == MOVEX_SHAPE_LIST) {
        unsigned char *counter = memory + field->count_offset;
        uint32_t       wide = field->capacity + 1;
        uint16_t       half = (uint16_t)wide;
        uint8_t        byte = (uint8_t)wide;
        void          *values[] = {NULL, &byte, &half, NULL, &wide};
        void          *value = values[field->count_size];
        bool           fits = field->count_size == 4 || wide < UINT32_C(1) << 8 * field->count_size;
        if (fits && sample_below(random, 2)) {
            memcpy(counter, value, field->count_size);
            return true;
        }
        wide = half = byte = 0;
        memcpy(value, counter, field->count_size);
        count = wide + half + byte; /* one of them */
    }
    if (!count) return false;
    unsigned char *element = memory + field->offset + (size_t)sample_below(random, count) * field->element_size;
    switch (field->kind) {
    case MOVEX_KIND_STRUCT: return spoil(field->schema, element, random);
    case MOVEX_KIND_TEXT: memset(element, 'x', field->element_size); return true;
    case MOVEX_KIND_ENUM: memset(element, 0xff, field->element_size); return true;
    default: return false;
    }
}

START_TEST(a_failed_commit_leaves_no_trace)
{
    for (size_t s = 0; s < sample_count; s++) {
        bench    b = bench_of(&samples[s], s + 200);
        unsigned failed = 0, runs = samples[s].weight > 5 ? 1000 : 40;
        size_t   blocks = movex_codec_block_count(b.codec) * sizeof(uint64_t);
        random_settled(&b, b.state);
        memcpy(b.work, b.state, b.size);
        movex_codec_hash(b.codec, b.state, &b.hashes);
        for (unsigned run = 0; run < runs; run++) {
            bool changed = false;
            memcpy(b.third, b.state, b.size);
            memcpy(b.scratch_hashes.blocks, b.hashes.blocks, blocks);
            uint64_t checksum = b.hashes.checksum;
            sample_mutate(b.schema, b.work, &b.random);
            sample_mutate(b.schema, b.work, &b.random);
            if (!spoil(b.schema, b.work, &b.random)) {
                int status = movex_codec_commit(b.codec, b.state, b.work, &b.hashes, &changed, NULL, &b.error);
                ck_assert_msg(status == MOVEX_OK, "%s: %s", samples[s].name, b.error.text);
                continue;
            }
            failed++;
            ck_assert_int_eq(movex_codec_commit(b.codec, b.state, b.work, &b.hashes, &changed, NULL, &b.error),
                             MOVEX_ERR_INVALID_STATE);
            ck_assert_ptr_nonnull(strstr(b.error.text, ": "));
            ck_assert(memcmp(b.third, b.state, b.size) == 0);
            ck_assert(checksum == b.hashes.checksum && memcmp(b.scratch_hashes.blocks, b.hashes.blocks, blocks) == 0);
            movex_codec_restore(b.codec, b.state, b.work);
            ck_assert(memcmp(b.state, b.work, b.size) == 0);
        }
        bool spoilable = strcmp(samples[s].name, "ocean") != 0; /* mostly bytes, any of which is right */
        ck_assert(!spoilable || failed > runs / 50);
        bench_free(&b);
    }
}
END_TEST

/* Wherever the byte lies: at the edge of a chunk, of a block, of an integer that straddles two of them. */
START_TEST(a_change_of_any_one_byte_is_found)
{
    for (size_t s = 0; samples[s].weight >= 50; s++) {
        bench    b = bench_of(&samples[s], s + 250);
        unsigned found = 0;
        random_settled(&b, b.state);
        memcpy(b.work, b.state, b.size);
        movex_codec_hash(b.codec, b.state, &b.hashes);
        for (size_t at = 0; at < b.size; at++) {
            size_t length;
            bool   changed;
            b.work[at] ^= 1;
            if (movex_codec_settle(b.codec, b.work, NULL)) {
                memcpy(b.work, b.state, b.size);
                continue;
            }
            bool same = movex_codec_equal(b.codec, b.state, b.work);
            if (!same) found++;
            ck_assert_int_eq(movex_codec_difference(b.codec, b.state, b.work, b.bytes, b.room, &length), MOVEX_OK);
            memcpy(b.third, b.state, b.size);
            ck_assert_int_eq(movex_codec_patch(b.codec, b.third, b.fourth, b.bytes, length, &b.error), MOVEX_OK);
            ck_assert_msg(movex_codec_equal(b.codec, b.third, b.work), "%s, byte %zu", samples[s].name, at);
            ck_assert_int_eq(movex_codec_commit(b.codec, b.state, b.work, &b.hashes, &changed, NULL, NULL), MOVEX_OK);
            ck_assert(changed == !same);
            check_hashes(&b, at % 16 == 0);
        }
        ck_assert_uint_gt(found, b.size / 8);
        bench_free(&b);
    }
}
END_TEST

/* The promise behind it all: what is hashed is what changed. */
START_TEST(one_change_costs_one_block)
{
    for (size_t s = 0; s < sample_count; s++) {
        if (strcmp(samples[s].name, "world") != 0) continue;
        bench         b = bench_of(&samples[s], 1);
        bool          changed;
        sample_world *world = (sample_world *)(void *)b.work;
        movex_codec_hash(b.codec, b.state, &b.hashes);
        ck_assert_uint_eq(b.hashes.bytes_hashed, b.image_size);
        ck_assert_int_eq(movex_codec_commit(b.codec, b.state, b.work, &b.hashes, &changed, NULL, NULL), MOVEX_OK);
        ck_assert(!changed && b.hashes.bytes_hashed == b.image_size);
        world->cells[77] = 5;
        ck_assert_int_eq(movex_codec_commit(b.codec, b.state, b.work, &b.hashes, &changed, NULL, NULL), MOVEX_OK);
        ck_assert(changed && b.hashes.bytes_hashed <= b.image_size + 512);
        sample_scribble(b.schema, world, &b.random);
        size_t hashed = (size_t)b.hashes.bytes_hashed;
        ck_assert_int_eq(movex_codec_commit(b.codec, b.state, b.work, &b.hashes, &changed, NULL, NULL), MOVEX_OK);
        ck_assert(!changed && b.hashes.bytes_hashed == hashed);
        bench_free(&b);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_changes");
    TCase *differences = tcase_create("differences");
    tcase_set_timeout(differences, 120);
    tcase_add_test(differences, differences_agree_with_the_definition_and_patch);
    tcase_add_test(differences, hostile_patches);
    tcase_add_test(differences, patches_are_refused_by_name);
    tcase_add_test(differences, a_fixed_difference);
    suite_add_tcase(suite, differences);
    TCase *commits = tcase_create("commits");
    tcase_set_timeout(commits, 120);
    tcase_add_test(commits, commits_equal_hashing_from_scratch);
    tcase_add_test(commits, commits_without_hashes);
    tcase_add_test(commits, what_has_moved_is_all_that_differs);
    tcase_add_test(commits, a_failed_commit_leaves_no_trace);
    tcase_add_test(commits, a_change_of_any_one_byte_is_found);
    tcase_add_test(commits, one_change_costs_one_block);
    suite_add_tcase(suite, commits);
    return movex_test_main(suite);
}
