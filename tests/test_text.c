/* Text in fixed arrays. */
#include "support.h"

#include <movex/text.h>

#include <string.h>

START_TEST(copies_and_fills_with_zeros)
{
    char array[8];
    memset(array, 'x', sizeof array);
    ck_assert(movex_text_copy(array, sizeof array, "abc"));
    ck_assert_mem_eq(array, "abc\0\0\0\0\0", 8);
    ck_assert(movex_text_copy(array, sizeof array, "1234567"));
    ck_assert_mem_eq(array, "1234567", 8);
    ck_assert(movex_text_copy(array, sizeof array, NULL));
    ck_assert_mem_eq(array, "\0\0\0\0\0\0\0\0", 8);
    ck_assert(movex_text_set(array, "abc"));
    ck_assert(movex_text_set(array, array));
    ck_assert_mem_eq(array, "abc\0\0\0\0\0", 8);
}
END_TEST

START_TEST(cuts_where_a_character_starts)
{
    static const struct {
        const char *text;
        size_t      size;
        const char *cut;
    } cases[] = {{"12345678", 8, "1234567"},
                 {"ab\xc3\xa9", 4, "ab"}, /* e acute does not fit as a whole */
                 {"ab\xc3\xa9", 5, "ab\xc3\xa9"},
                 {"a\xf0\x9f\x98\x80", 5, "a"}, /* four bytes, three of which would fit */
                 {"a\xf0\x9f\x98\x80z", 6, "a\xf0\x9f\x98\x80"},
                 {"\xe2\x82\xac", 3, ""},
                 {"\x80\x80\x80\x80\x80\x80\x80", 6, "\x80\x80\x80\x80\x80"}, /* not UTF-8: cut anywhere */
                 {"abc", 1, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char array[16];
        memset(array, 'x', sizeof array);
        bool fitted = movex_text_copy(array, cases[i].size, cases[i].text);
        ck_assert_str_eq(array, cases[i].cut);
        ck_assert_int_eq(fitted, strcmp(cases[i].cut, cases[i].text) == 0);
        for (size_t k = strlen(cases[i].cut); k < cases[i].size; k++) ck_assert_int_eq(array[k], 0);
        for (size_t k = cases[i].size; k < sizeof array; k++) ck_assert_int_eq(array[k], 'x');
    }
}
END_TEST

START_TEST(equality)
{
    ck_assert(movex_text_equals("a", "a"));
    ck_assert(!movex_text_equals("a", "b"));
    ck_assert(!movex_text_equals("a", NULL));
    ck_assert(movex_text_equals(NULL, ""));
    ck_assert(movex_text_equals("", NULL));
    ck_assert(movex_text_equals(NULL, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, copies_and_fills_with_zeros);
    tcase_add_test(tests, cuts_where_a_character_starts);
    tcase_add_test(tests, equality);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
