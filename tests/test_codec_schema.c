/* What registration finds, by name; fingerprints; running out of memory. */
#include "codec_samples.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct inner {
    uint32_t a;
    uint8_t  b;
} inner;

typedef struct outer {
    uint16_t turn;
    uint8_t  items_count;
    uint32_t items[4];
    inner    pair;
    char     name[8];
    uint64_t seed;
} outer;

static const movex_field  inner_fields[] = {MOVEX_FIELD(inner, a), MOVEX_FIELD(inner, b)};
static const movex_schema inner_table = {"inner", sizeof(inner), alignof(inner), 2, inner_fields};
typedef inner             inner_table_struct;

enum { TURN, ITEMS, PAIR, NAME, SEED, FIELDS };

/* A right table, to be spoiled. */
static movex_field  fields[FIELDS];
static movex_schema schema;

static void reset_table(void)
{
    const movex_field right[FIELDS] = {MOVEX_FIELD(outer, turn), MOVEX_LIST(outer, items, items_count),
                                       MOVEX_STRUCT(outer, pair, inner_table), MOVEX_TEXT(outer, name),
                                       MOVEX_FIELD(outer, seed)};
    memcpy(fields, right, sizeof fields);
    schema = (movex_schema){"outer", sizeof(outer), alignof(outer), FIELDS, fields};
}

static void check_error(const char *expected)
{
    movex_error  error = {MOVEX_OK, ""};
    movex_codec *codec = movex_codec_new(&schema, NULL, &error);
    ck_assert_msg(codec == NULL, "taken, but expected: %s", expected);
    ck_assert_int_eq(error.status, MOVEX_ERR_SCHEMA);
    ck_assert_str_eq(error.text, expected);
    ck_assert_ptr_null(movex_codec_new(&schema, NULL, NULL));
    reset_table();
}

static void check_right(void)
{
    movex_error  error = {MOVEX_OK, ""};
    movex_codec *codec = movex_codec_new(&schema, NULL, &error);
    ck_assert_msg(codec != NULL, "%s", error.text);
    movex_codec_free(codec);
}

START_TEST(a_right_table)
{
    reset_table();
    check_right();
    movex_codec_free(NULL);
}
END_TEST

START_TEST(structs)
{
    movex_error error;
    reset_table();
    ck_assert_ptr_null(movex_codec_new(NULL, NULL, &error));
    ck_assert_str_eq(error.text, "struct (unnamed): there is no schema");
    schema.name = NULL;
    check_error("struct (unnamed): a schema needs the name of its struct");
    schema.field_count = 0;
    check_error("struct outer: no member is described");
    schema.fields = NULL;
    check_error("struct outer: no member is described");
    schema.size = 0;
    check_error("struct outer: its size is 0 or above the limit");
    schema.size = MOVEX_CODEC_MAX_SIZE + 8;
    check_error("struct outer: its size is 0 or above the limit");
    schema.alignment = 0;
    check_error("struct outer: its alignment is not a power of two that divides its size");
    schema.alignment = 3;
    check_error("struct outer: its alignment is not a power of two that divides its size");
    schema.size = 3;
    schema.alignment = 1;
    check_error("struct outer: more members than bytes");
    schema.name = "struct outer"; /* as the macro spells a type that has no typedef */
    fields[TURN].kind = 0;
    check_error("struct outer, member turn: unknown kind");
}
END_TEST

START_TEST(members)
{
    reset_table();
    fields[SEED].name = NULL;
    check_error("struct outer, member (unnamed): its name is not a plain identifier");
    fields[SEED].name = "pair.seed";
    check_error("struct outer, member pair.seed: its name is not a plain identifier");
    fields[SEED].name = "";
    check_error("struct outer, member : its name is not a plain identifier");
    fields[SEED].name = "3d";
    check_error("struct outer, member 3d: its name is not a plain identifier");
    fields[SEED].name = "turn";
    check_error("struct outer, member turn: described twice");
    fields[SEED].kind = 99;
    check_error("struct outer, member seed: unknown kind");
    fields[SEED].element_size = 4;
    check_error("struct outer, member seed: its element size is not that of its kind");
    fields[SEED].shape = 0;
    check_error("struct outer, member seed: unknown shape");
    fields[SEED].capacity = 0;
    check_error("struct outer, member seed: no room for any element");
    fields[NAME].capacity = 2;
    check_error("struct outer, member name: a single member with more than one element");
    fields[SEED].offset = UINT32_MAX;
    check_error("struct outer, member seed: outside the struct");
    fields[ITEMS].capacity = UINT32_MAX;
    check_error("struct outer, member items: outside the struct");
    fields[NAME].element_size = 0;
    check_error("struct outer, member name: a text needs room for its final zero");
    fields[ITEMS].columns = 2;
    check_error("struct outer, member items: a grid is an array of whole rows");
    fields[ITEMS].shape = MOVEX_SHAPE_ARRAY;
    fields[ITEMS].columns = 3;
    check_error("struct outer, member items: a grid is an array of whole rows");
    fields[PAIR].schema = NULL;
    check_error("struct outer, member pair: a struct without a schema");
    fields[PAIR].element_size = 4;
    check_error("struct outer, member pair: its element size is not the size of the struct");
}
END_TEST

START_TEST(enums)
{
    static const char *const names[] = {"a", NULL, "c"};
    reset_table();
    fields[TURN].kind = MOVEX_KIND_ENUM;
    check_error("struct outer, member turn: an enum without values");
    fields[TURN].kind = MOVEX_KIND_ENUM;
    fields[TURN].value_count = 65537;
    check_error("struct outer, member turn: more values than its width can hold");
    fields[TURN].kind = MOVEX_KIND_ENUM;
    fields[TURN].value_count = 65536;
    check_right();
    fields[TURN].element_size = 3;
    check_error("struct outer, member turn: an enum has 1, 2, 4 or 8 bytes");
    fields[TURN].kind = MOVEX_KIND_ENUM;
    fields[TURN].value_count = 3;
    fields[TURN].value_names = names;
    check_error("struct outer, member turn: a value without a name");
    fields[SEED].kind = MOVEX_KIND_ENUM;
    fields[SEED].value_count = UINT64_MAX;
    check_right();
    reset_table();
}
END_TEST

typedef struct lists {
    uint8_t count;
    uint8_t many[256];
    uint8_t few[255];
} lists;

START_TEST(counters)
{
    reset_table();
    fields[ITEMS].count_name = NULL;
    check_error("struct outer, member items: its counter's name is not a plain identifier");
    fields[ITEMS].count_size = 8;
    check_error("struct outer, member items: a counter has 1, 2 or 4 bytes");
    fields[ITEMS].count_offset = sizeof(outer);
    check_error("struct outer, member items: outside the struct: its counter items_count");
    fields[ITEMS].count_offset = 0;
    check_error("struct outer, member items: its counter overlaps member turn");
    fields[SEED] = (movex_field)MOVEX_FIELD(outer, items_count);
    check_error("struct outer, member items_count: needs no entry: it is the counter of items");
    fields[SEED] = (movex_field)MOVEX_FIELD(outer, items_count);
    fields[SEED].name = "another";
    fields[SEED].kind = MOVEX_KIND_UINT16;
    fields[SEED].element_size = 2;
    check_error("struct outer, member another: overlaps the counter items_count");

    const movex_field narrow[] = {MOVEX_LIST(lists, many, count), MOVEX_ARRAY(lists, few)};
    schema = (movex_schema){"lists", sizeof(lists), alignof(lists), 2, narrow};
    check_error("struct lists, member many: more elements than can be counted by count");
    const movex_field shared[] = {MOVEX_LIST(lists, few, count), MOVEX_LIST(lists, many, count)};
    schema = (movex_schema){"lists", sizeof(lists), alignof(lists), 2, shared};
    check_error("struct lists, member many: more elements than can be counted by count");
    movex_field halves[] = {MOVEX_LIST(lists, few, count), MOVEX_LIST(lists, many, count)};
    halves[1].capacity = 255;
    schema = (movex_schema){"lists", sizeof(lists), alignof(lists), 2, halves};
    check_error("struct lists, member many: its counter already counts few");
    const movex_field right[] = {MOVEX_LIST(lists, few, count), MOVEX_ARRAY(lists, many)};
    schema = (movex_schema){"lists", sizeof(lists), alignof(lists), 2, right};
    check_right();
    reset_table();
}
END_TEST

START_TEST(overlaps_and_forgotten_members)
{
    reset_table();
    fields[NAME].offset = offsetof(outer, pair) + 4;
    check_error("struct outer, member name: overlaps member pair");
    fields[SEED].offset = offsetof(outer, items);
    check_error("struct outer, member seed: overlaps member items");
    memmove(fields + PAIR, fields + NAME, 2 * sizeof *fields);
    schema.field_count = FIELDS - 1;
    check_error("struct outer: 8 bytes between items and name belong to no field (a forgotten member?)");
    schema.field_count = FIELDS - 1; /* without seed */
    char expected[120];              /* i386 aligns seed to 4 bytes, others to 8 */
    snprintf(expected, sizeof expected, "struct outer: %u bytes after name belong to no field (a forgotten member?)",
             (unsigned)(sizeof(outer) - offsetof(outer, name) - sizeof(((outer *)0)->name)));
    check_error(expected);
    memmove(fields, fields + 1, (FIELDS - 1) * sizeof *fields);
    schema.field_count = FIELDS - 1; /* without turn */
    check_error("struct outer: 2 bytes before items_count belong to no field (a forgotten member?)");
    fields[ITEMS] = fields[SEED];
    schema.field_count = FIELDS - 1;
    check_error("struct outer: 18 bytes between turn and pair belong to no field (a forgotten member?)");
}
END_TEST

/* Structs nested in each other, `depth` deep, the innermost being `inner`. */
#define LAYERS (MOVEX_CODEC_MAX_DEPTH + 1)
static movex_field  layer_fields[LAYERS];
static movex_schema layers[LAYERS];

static const movex_schema *nest(unsigned depth)
{
    for (unsigned i = 0; i + 1 < depth; i++) {
        layer_fields[i] = (movex_field)MOVEX_STRUCT(outer, pair, inner_table);
        layer_fields[i].offset = 0;
        layer_fields[i].schema = i + 2 < depth ? &layers[i + 1] : &inner_table;
        layers[i] = (movex_schema){"layer", sizeof(inner), alignof(inner), 1, &layer_fields[i]};
    }
    return &layers[0];
}

START_TEST(depth)
{
    movex_error  error;
    movex_codec *codec = movex_codec_new(nest(MOVEX_CODEC_MAX_DEPTH), NULL, &error);
    ck_assert_msg(codec != NULL, "%s", error.text);
    movex_codec_free(codec);
    ck_assert_ptr_null(movex_codec_new(nest(MOVEX_CODEC_MAX_DEPTH + 1), NULL, &error));
    ck_assert_str_eq(error.text, "struct layer, member pair: structs are nested too deep");
    layer_fields[3].schema = &layers[1];
    ck_assert_ptr_null(movex_codec_new(&layers[0], NULL, &error));
    ck_assert_str_eq(error.text, "struct layer, member pair: a struct that contains itself");

    /* The same struct, once at a depth that is fine and once too deep. */
    typedef struct two {
        inner first, second;
    } two;
    const movex_schema *deep = nest(MOVEX_CODEC_MAX_DEPTH);
    movex_field         both[] = {MOVEX_STRUCT(two, first, inner_table), MOVEX_STRUCT(two, second, inner_table)};
    both[0].schema = &layers[1];
    both[1].schema = deep;
    movex_schema top = {"two", sizeof(two), alignof(two), 2, both};
    ck_assert_ptr_null(movex_codec_new(&top, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "nested too deep"));
}
END_TEST

/* --- Fingerprints: each change of what both sides must agree on gives another. --- */

static uint64_t fingerprint(const movex_schema *of)
{
    movex_error  error;
    movex_codec *codec = movex_codec_new(of, NULL, &error);
    ck_assert_msg(codec != NULL, "%s", error.text);
    uint64_t result = movex_codec_fingerprint(codec);
    movex_codec_free(codec);
    return result;
}

static uint64_t seen[32];
static size_t   seen_count;

static void check_new_fingerprint(void)
{
    uint64_t print = fingerprint(&schema);
    for (size_t i = 0; i < seen_count; i++) ck_assert_msg(seen[i] != print, "number %zu as number %zu", seen_count, i);
    seen[seen_count++] = print;
    reset_table();
}

START_TEST(fingerprints)
{
    static const char *const names[] = {"a", "b"}, *const other_names[] = {"b", "a"};
    reset_table();
    check_new_fingerprint();
    ck_assert_uint_eq(fingerprint(&schema), seen[0]);
    schema.name = "renamed";
    ck_assert_uint_eq(fingerprint(&schema), seen[0]);
    reset_table();
    fields[TURN].name = "turns";
    check_new_fingerprint();
    fields[TURN].kind = MOVEX_KIND_INT16;
    check_new_fingerprint();
    fields[ITEMS].kind = MOVEX_KIND_FLOAT;
    check_new_fingerprint();
    fields[ITEMS].count_name = "n";
    check_new_fingerprint();
    fields[NAME].element_size = 1;
    fields[NAME].capacity = 8;
    fields[NAME].shape = MOVEX_SHAPE_ARRAY;
    check_new_fingerprint();
    fields[NAME].element_size = 4;
    fields[NAME].capacity = 2;
    fields[NAME].shape = MOVEX_SHAPE_ARRAY;
    check_new_fingerprint();
    movex_field swapped = fields[TURN];
    fields[TURN] = fields[SEED];
    fields[SEED] = swapped;
    check_new_fingerprint();
    for (uint64_t values = 2; values < 4; values++) {
        fields[TURN].kind = MOVEX_KIND_ENUM;
        fields[TURN].value_count = values;
        check_new_fingerprint();
    }
    for (int i = 0; i < 2; i++) {
        fields[TURN].kind = MOVEX_KIND_ENUM;
        fields[TURN].value_count = 2;
        fields[TURN].value_names = i ? names : other_names;
        check_new_fingerprint();
    }
    for (uint32_t columns = 0; columns < 4; columns++) {
        const movex_field grid[] = {
            {"cells", MOVEX_KIND_UINT8, MOVEX_SHAPE_ARRAY, 0, 1, 12, columns, NULL, 0, 0, 0, NULL, NULL}};
        schema = (movex_schema){"grid", 12, 1, 1, grid};
        check_new_fingerprint();
    }
    /* A nested struct's member of another name. */
    movex_field renamed[] = {MOVEX_FIELD(inner, a), MOVEX_FIELD(inner, b)};
    renamed[1].name = "c";
    const movex_schema nested = {"inner", sizeof(inner), alignof(inner), 2, renamed};
    fields[PAIR].schema = &nested;
    check_new_fingerprint();
    ck_assert_uint_eq(seen_count, 17);
}
END_TEST

/* --- Memory. --- */

typedef struct counting {
    size_t blocks, bytes; /* in use */
    size_t calls, fail_at;
} counting;

static void *count_allocate(void *user, size_t size)
{
    counting *c = user;
    if (c->calls++ == c->fail_at) return NULL;
    c->blocks++;
    c->bytes += size;
    return malloc(size);
}

static void *count_reallocate(void *user, void *block, size_t old_size, size_t new_size)
{
    (void)user;
    (void)block;
    (void)old_size;
    (void)new_size;
    ck_abort_msg("a codec does not grow");
    return NULL;
}

static void count_release(void *user, void *block, size_t size)
{
    counting *c = user;
    c->blocks--;
    c->bytes -= size;
    free(block);
}

START_TEST(every_failed_allocation_is_survived)
{
    size_t refused = 0;
    for (size_t at = 0;; at++) {
        counting        c = {.fail_at = at};
        movex_allocator allocator = {count_allocate, count_reallocate, count_release, &c};
        movex_error     error = {MOVEX_OK, ""};
        movex_codec    *codec = movex_codec_new(&sample_arena_schema, &allocator, &error);
        if (codec) {
            ck_assert_uint_gt(c.blocks, 0);
            movex_codec_free(codec);
            ck_assert_uint_eq(c.blocks, 0);
            ck_assert_uint_eq(c.bytes, 0);
            break;
        }
        refused++;
        ck_assert_int_eq(error.status, MOVEX_ERR_MEMORY);
        ck_assert_uint_eq(c.blocks, 0);
        ck_assert_uint_eq(c.bytes, 0);
    }
    ck_assert_uint_eq(refused, 5); /* the codec and four distinct structs */
}
END_TEST

START_TEST(a_wrong_schema_leaks_nothing)
{
    counting        c = {.fail_at = SIZE_MAX};
    movex_allocator allocator = {count_allocate, count_reallocate, count_release, &c};
    movex_error     error;
    reset_table();
    fields[SEED].offset = 0;
    ck_assert_ptr_null(movex_codec_new(&schema, &allocator, &error));
    ck_assert_uint_eq(c.blocks, 0);
    allocator.release = NULL;
    ck_assert_ptr_null(movex_codec_new(&schema, &allocator, &error));
    ck_assert_int_eq(error.status, MOVEX_ERR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_schema");
    TCase *errors = tcase_create("errors");
    tcase_add_test(errors, a_right_table);
    tcase_add_test(errors, structs);
    tcase_add_test(errors, members);
    tcase_add_test(errors, enums);
    tcase_add_test(errors, counters);
    tcase_add_test(errors, overlaps_and_forgotten_members);
    tcase_add_test(errors, depth);
    suite_add_tcase(suite, errors);
    TCase *rest = tcase_create("fingerprint_and_memory");
    tcase_add_test(rest, fingerprints);
    tcase_add_test(rest, every_failed_allocation_is_survived);
    tcase_add_test(rest, a_wrong_schema_leaks_nothing);
    suite_add_tcase(suite, rest);
    return movex_test_main(suite);
}
