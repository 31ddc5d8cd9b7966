/* What movex reads as a payload: what the library writes as JSON comes back as it was; fields one by one; and what is
   wrong is said with its place. */
#include "../tools/movex/payload.h"
#include "support.h"

#include <movex/codec.h>

#include <stdio.h>
#include <string.h>

typedef struct point {
    int16_t x, y;
} point;

enum { ROCK, PAPER, SCISSORS };
static const char *const hands[] = {"rock", "paper", "scissors"};

typedef struct all {
    bool     yes;
    uint8_t  u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int8_t   i8;
    int32_t  i32;
    int64_t  i64;
    float    narrow;
    double   wide;
    uint8_t  hand, plain;
    char     text[12];
    uint8_t  grid[2][3];
    uint16_t array[3];
    uint8_t  count;
    uint32_t list[4];
    uint32_t name_count;
    char     names[3][8];
    point    at;
    uint16_t point_count;
    point    points[2];
} all;

MOVEX_SCHEMA(point_schema, point, MOVEX_FIELD(point, x), MOVEX_FIELD(point, y));
MOVEX_SCHEMA(all_schema, all, MOVEX_FIELD(all, yes), MOVEX_FIELD(all, u8), MOVEX_FIELD(all, u16), MOVEX_FIELD(all, u32),
             MOVEX_FIELD(all, u64), MOVEX_FIELD(all, i8), MOVEX_FIELD(all, i32), MOVEX_FIELD(all, i64),
             MOVEX_FIELD(all, narrow), MOVEX_FIELD(all, wide), MOVEX_NAMED_ENUM(all, hand, hands),
             MOVEX_ENUM(all, plain, 3), MOVEX_TEXT(all, text), MOVEX_GRID(all, grid), MOVEX_ARRAY(all, array),
             MOVEX_LIST(all, list, count), MOVEX_TEXT_LIST(all, names, name_count), MOVEX_STRUCT(all, at, point_schema),
             MOVEX_STRUCT_LIST(all, points, point_count, point_schema));

static const all example = {
    .yes = true,
    .u8 = 255,
    .u16 = 65535,
    .u32 = UINT32_MAX,
    .u64 = UINT64_MAX,
    .i8 = -128,
    .i32 = INT32_MIN,
    .i64 = INT64_MIN,
    .narrow = 0.1f,
    .wide = -1e300,
    .hand = SCISSORS,
    .plain = 2,
    .text = "\"\\\n\xc3\xa9\x01",
    .grid = {{1, 2, 3}, {4, 5, 6}},
    .array = {7, 8, 9},
    .count = 3,
    .list = {10, 11, 12},
    .name_count = 2,
    .names = {"a", "b c"},
    .at = {-3, 4},
    .point_count = 1,
    .points = {{5, -6}},
};

static bool parse(const char *text, all *read, const char **rest, char problem[256])
{
    *rest = text;
    problem[0] = 0;
    return payload_parse(&all_schema, rest, read, problem, 256);
}

START_TEST(json_comes_back)
{
    movex_codec *codec = movex_codec_new(&all_schema, NULL, NULL);
    char         text[2048], problem[256];
    const char  *rest;
    all          read;
    ck_assert_uint_lt(movex_codec_json(codec, &example, text, sizeof text), sizeof text);
    ck_assert_msg(parse(text, &read, &rest, problem), "%s in %s", problem, text);
    ck_assert_str_eq(rest, "");
    ck_assert_int_eq(movex_codec_settle(codec, &read, NULL), MOVEX_OK);
    movex_codec_explain(codec, &read, &example, "written", 9, text, sizeof text);
    ck_assert_msg(movex_codec_equal(codec, &read, &example), "%s", text);
    movex_codec_free(codec);
}
END_TEST

START_TEST(fields_one_by_one)
{
    char        problem[256];
    const char *rest;
    all         read;
    ck_assert_msg(
        parse("u8=7 text=hello hand=paper list=[1, 2] at={\"y\": 3} yes=true i8=-1 as x=1", &read, &rest, problem),
        "%s", problem);
    ck_assert_str_eq(rest, "as x=1");
    ck_assert(read.u8 == 7 && strcmp(read.text, "hello") == 0 && read.hand == PAPER && read.count == 2 &&
              read.list[1] == 2);
    ck_assert(read.at.x == 0 && read.at.y == 3 && read.yes && read.i8 == -1);
    ck_assert(parse("text=\"two words\" plain=1", &read, &rest, problem));
    ck_assert(strcmp(read.text, "two words") == 0 && read.plain == 1);
    ck_assert(parse("text=\"\\ud83d\\ude00\"", &read, &rest, problem));
    ck_assert_str_eq(read.text, "\xf0\x9f\x98\x80");
    ck_assert(parse("", &read, &rest, problem) && parse(" { } ", &read, &rest, problem));
}
END_TEST

static const struct {
    const char *text, *problem;
} wrong[] = {
    {"{\"u8\":256}", "u8: needs a number from 0 to 255, not 256"},
    {"u16=65536", "u16: needs a number from 0 to 65535, not 65536"},
    {"u32=-1", "u32: needs a whole number, not '-1'"},
    {"u64=18446744073709551616", "u64: needs a number from 0 to 18446744073709551615, not 18446744073709551616"},
    {"i8=-129", "i8: needs a number from -128 to 127, not -129"},
    {"i32=2147483648", "i32: needs a number from -2147483648 to 2147483647, not 2147483648"},
    {"i64=9223372036854775808",
     "i64: needs a number from -9223372036854775808 to 9223372036854775807, not 9223372036854775808"},
    {"u8=1.5", "u8: needs a whole number, not '1.5'"},
    {"yes=1", "yes: needs true or false, not '1'"},
    {"wide=x", "wide: needs a number, not 'x'"},
    {"hand=well", "hand: has no value 'well'"},
    {"plain=3", "plain: needs a number from 0 to 2, not 3"},
    {"text=123456789012", "text: longer than 11 bytes"},
    {"{\"text\":\"\\x\"}", "text: \\ with what does not follow it in JSON"},
    {"{\"text\":\"\\ud800\"}", "text: \\ with what does not follow it in JSON"},
    {"{\"text\":\"\\u0000\"}", "text: \\ with what does not follow it in JSON"},
    {"{\"text\":\"", "text: a string without an end"},
    {"{\"text\":5}", "text: needs a text in quotes"},
    {"{\"list\":[1,2,3,4,5]}", "list: has more than 4 elements"},
    {"{\"list\":[1,x]}", "list[1]: needs a whole number, not 'x'"},
    {"{\"list\":5}", "list: needs an array, in [ ]"},
    {"{\"list\":[1 2]}", "list: needs , or ] behind an element"},
    {"{\"array\":[1,2]}", "array: needs 3 elements"},
    {"{\"grid\":[[1,2,3]]}", "grid[1]: is missing"},
    {"{\"grid\":[[1,2],[3,4,5]]}", "grid[0]: needs 3 elements"},
    {"{\"points\":[{\"x\":1},{\"z\":2}]}", "points[1].z: there is no such field in point"},
    {"{\"at\":[1,2]}", "at: needs an object, in { }"},
    {"{\"u8\" 5}", "u8: needs a : and a value"},
    {"{u8:5}", "needs the name of a field, in quotes"},
    {"{\"u8\":5", "needs , or } behind a value"},
    {"list=[1]2", "a space is needed before '2'"},
    {"nothing=1", "nothing: there is no such field in all"},
};

START_TEST(what_is_wrong_is_said)
{
    char        problem[256];
    const char *rest;
    all         read;
    ck_assert_msg(!parse(wrong[_i].text, &read, &rest, problem), "%s is taken", wrong[_i].text);
    ck_assert_str_eq(problem, wrong[_i].problem);
}
END_TEST

START_TEST(cut_anywhere)
{
    movex_codec *codec = movex_codec_new(&all_schema, NULL, NULL);
    char         text[2048], problem[256];
    const char  *rest;
    all          read;
    size_t       length = movex_codec_json(codec, &example, text, sizeof text);
    while (length-- > 1) {
        text[length] = 0;
        ck_assert_msg(!parse(text, &read, &rest, problem) && problem[0], "%s", text);
        ck_assert(rest <= text + length);
    }
    movex_codec_free(codec);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("movex parts");
    TCase *tcase = tcase_create("payload");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, json_comes_back);
    tcase_add_test(tcase, fields_one_by_one);
    tcase_add_loop_test(tcase, what_is_wrong_is_said, 0, (int)MOVEX_COUNT_OF(wrong));
    tcase_add_test(tcase, cut_anywhere);
    return movex_test_main(suite);
}
