/* Shortest decimals: they read back, no shorter one does, and of those of one length it is the nearest. */
#include "support.h"

#include "../src/core/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void format_double(double value, char text[64])
{
    movex_format format = movex_format_into(text, 64);
    movex_format_double(&format, value);
    ck_assert_uint_lt(format.length, 64);
}

static void format_float(float value, char text[64])
{
    movex_format format = movex_format_into(text, 64);
    movex_format_float(&format, value);
    ck_assert_uint_lt(format.length, 64);
}

START_TEST(fixed_doubles)
{
    static const struct {
        double      value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "-0"},
                 {1, "1"},
                 {-1.5, "-1.5"},
                 {0.1, "0.1"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {100, "100"},
                 {123456789, "123456789"},
                 {1e20, "100000000000000000000"},
                 {1e21, "1e21"},
                 {1.5e300, "1.5e300"},
                 {1e-6, "0.000001"},
                 {1.25e-6, "0.00000125"},
                 {1e-7, "1e-7"},
                 {1e23, "1e23"},
                 {9007199254740993.0, "9007199254740992"},
                 {5e-324, "5e-324"},
                 {DBL_MIN, "2.2250738585072014e-308"},
                 {DBL_MAX, "1.7976931348623157e308"},
                 {2251799813685248.5, "2251799813685248.5"},
                 {9.5367431640625e-7, "9.5367431640625e-7"},
                 {INFINITY, "Infinity"},
                 {-INFINITY, "-Infinity"},
                 {2.2250738585072011e-308, "2.225073858507201e-308"},
                 {0.3, "0.3"},
                 {1e22, "1e22"}};
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        format_double(cases[i].value, text);
        ck_assert_str_eq(text, cases[i].text);
    }
    format_double(NAN, text);
    ck_assert_str_eq(text, "NaN");
}
END_TEST

START_TEST(fixed_floats)
{
    static const struct {
        float       value;
        const char *text;
    } cases[] = {{0.1f, "0.1"},
                 {16777216, "16777216"},
                 {3.14159265f, "3.1415927"},
                 {FLT_MAX, "3.4028235e38"},
                 {FLT_MIN, "1.1754944e-38"},
                 {1e-45f, "1e-45"},
                 {-0.0f, "-0"},
                 {1.0f / 3, "0.33333334"},
                 {1e10f, "10000000000"},
                 {8388608.5f, "8388608"},
                 {-INFINITY, "-Infinity"}};
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        format_float(cases[i].value, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* The digits of a decimal alone, without leading and trailing zeros. Returns how many there are. */
static int significant_digits(const char *text, char digits[1024])
{
    int count = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (*text != '0' || count)) digits[count++] = *text;
    while (count && digits[count - 1] == '0') count--;
    digits[count] = '\0';
    return count;
}

/* True if the exact value lies in the middle between two decimals of so many digits. */
static bool is_tie(double value, int digits)
{
    char text[1024], exact[1024];
    snprintf(text, sizeof text, "%.800e", value);
    return significant_digits(text, exact) == digits + 1 && exact[digits] == '5';
}

static void check_double(double value)
{
    char text[64], other[64], digits[1024], nearest[1024];
    format_double(value, text);
    double back = strtod(text, NULL);
    ck_assert_msg(memcmp(&back, &value, sizeof back) == 0, "%s is not %.17g", text, value);
    int count = significant_digits(text, digits);
    if (count > 1) {
        snprintf(other, sizeof other, "%.*e", count - 2, value);
        ck_assert_msg(strtod(other, NULL) != value, "%s is shorter than %s", other, text);
    }
    snprintf(other, sizeof other, "%.*e", count - 1, value);
    if (strtod(other, NULL) != value || is_tie(value, count)) return;
    significant_digits(other, nearest);
    ck_assert_msg(strcmp(digits, nearest) == 0, "%s is nearer than %s", other, text);
}

START_TEST(random_doubles)
{
    uint64_t seed = 1;
    for (int i = 0; i < 3000; i++) {
        uint64_t bits = next_random(&seed);
        if (i % 5 == 1) bits &= UINT64_C(0x800fffffffffffff); /* subnormal */
        if (i % 5 == 2) bits &= UINT64_C(0xfff0000000000000); /* a power of two */
        if (i % 5 == 3) bits = (bits & UINT64_C(0x801fffffffffffff)) | (UINT64_C(0x3f0) + bits % 64) << 52;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value) && value != 0) check_double(value);
    }
    for (int exponent = -1074; exponent < 1024; exponent++) check_double(ldexp(1, exponent));
}
END_TEST

START_TEST(random_floats)
{
    uint64_t seed = 2;
    char     text[64], shorter[64], digits[1024];
    for (int i = 0; i < 5000; i++) {
        uint32_t bits = (uint32_t)next_random(&seed);
        if (i % 5 == 1) bits &= 0x807fffff;
        if (i % 5 == 2) bits &= 0xff800000;
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value) || value == 0) continue;
        format_float(value, text);
        float back = strtof(text, NULL);
        ck_assert_msg(memcmp(&back, &value, sizeof back) == 0, "%s is not %.9g", text, (double)value);
        int count = significant_digits(text, digits);
        if (count < 2) continue;
        snprintf(shorter, sizeof shorter, "%.*e", count - 2, (double)value);
        ck_assert_msg(strtof(shorter, NULL) != value, "%s is shorter than %s", shorter, text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("number");
    TCase *tests = tcase_create("number");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, fixed_doubles);
    tcase_add_test(tests, fixed_floats);
    tcase_add_test(tests, random_doubles);
    tcase_add_test(tests, random_floats);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
