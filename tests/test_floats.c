/* A type with floats is refused where they are computed otherwise than elsewhere; one without is not. */
#include "support.h"

#include <movex/type.h>

#include <fenv.h>
#include <string.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

typedef struct whole {
    int32_t value;
} whole;
typedef struct part {
    float value;
} part;
typedef struct nested {
    int32_t value;
    part    parts[2];
} nested;

MOVEX_SCHEMA(whole_schema, whole, MOVEX_FIELD(whole, value));
MOVEX_SCHEMA(part_schema, part, MOVEX_FIELD(part, value));
MOVEX_SCHEMA(nested_schema, nested, MOVEX_FIELD(nested, value), MOVEX_STRUCTS(nested, parts, part_schema));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    (void)state, (void)action, (void)context;
    return MOVEX_ACCEPT;
}

static movex_error error;

static bool is_taken(const movex_schema *state, const movex_schema *payload)
{
    const movex_action_type action = {.name = "act", .payload = payload};
    const movex_type type = {.name = "game", .state = state, .actions = &action, .action_count = 1, .reduce = reduce};
    movex_rules     *rules = movex_rules_new(&type, NULL, &error);
    movex_rules_free(rules);
    return rules != NULL;
}

/* Whole numbers do not care. */
static void check_refused(const char *problem)
{
    ck_assert(is_taken(&whole_schema, &whole_schema));
    ck_assert(!is_taken(&nested_schema, NULL));
    ck_assert_int_eq(error.status, MOVEX_ERR_SCHEMA);
    ck_assert_msg(strstr(error.text, problem) != NULL, "%s", error.text);
    ck_assert(!is_taken(&whole_schema, &part_schema));
}

START_TEST(as_it_should_be)
{
    ck_assert(is_taken(&whole_schema, NULL));
    ck_assert(is_taken(&nested_schema, &part_schema));
}
END_TEST

START_TEST(other_ways_of_rounding)
{
    static const int ways[] = {
#ifdef FE_UPWARD
        FE_UPWARD,
#endif
#ifdef FE_DOWNWARD
        FE_DOWNWARD,
#endif
#ifdef FE_TOWARDZERO
        FE_TOWARDZERO,
#endif
        FE_TONEAREST};
    for (size_t i = 0; i + 1 < sizeof ways / sizeof *ways; i++) {
        if (fesetround(ways[i]) != 0 || fegetround() != ways[i]) continue; /* there is none here, as on wasm32 */
        check_refused("it has floats, and this thread does not round to nearest");
        fesetround(FE_TONEAREST);
    }
    ck_assert(is_taken(&nested_schema, NULL));
}
END_TEST

#ifdef __SSE2__
START_TEST(small_ones_taken_for_zero)
{
    static const unsigned ways[] = {0x8000, 0x0040, 0x8040}; /* results; operands; both */
    unsigned              before = _mm_getcsr();
    for (int i = 0; i < 3; i++) {
        _mm_setcsr(before | ways[i]);
        check_refused("it has floats, and this thread takes the smallest of them for zero");
        _mm_setcsr(before);
    }
    ck_assert(is_taken(&nested_schema, NULL));
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("floats");
    TCase *tcase = tcase_create("floats");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, as_it_should_be);
    tcase_add_test(tcase, other_ways_of_rounding);
#ifdef __SSE2__
    tcase_add_test(tcase, small_ones_taken_for_zero);
#endif
    return movex_test_main(suite);
}
