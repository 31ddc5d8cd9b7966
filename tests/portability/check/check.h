/* As much of Check (https://libcheck.github.io/check/) as the tests use, in one header, for machines that have no Check: it
   needs the C library alone. Tests run in one process, one after the other; the first thing that fails ends its test. What
   is printed is TAP. */
#ifndef MOVEX_TESTS_PORTABILITY_CHECK_H
#define MOVEX_TESTS_PORTABILITY_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_MOST_LOOPS = 200, CHECK_MOST_CASES = 20 };

enum { CK_SILENT };

typedef struct TTest {
    const char *name;
    void (*run)(int _i);
} TTest;

typedef struct check_loop {
    const TTest *test;
    int          first, end;
} check_loop;

typedef struct TCase {
    const char *name;
    void (*setup)(void);
    void (*teardown)(void);
    int        loop_count;
    check_loop loops[CHECK_MOST_LOOPS];
} TCase;

typedef struct Suite {
    const char *name;
    int         case_count;
    TCase      *cases[CHECK_MOST_CASES];
} Suite;

typedef struct SRunner {
    Suite *suite;
    int    run, failed;
} SRunner;

/* One of each in a program, wherever this header is read. */
__attribute__((weak)) jmp_buf check_place;
__attribute__((weak)) bool    check_running;

_Noreturn static inline void check_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

_Noreturn static inline void check_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("# %s:%d: ", file, line);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
    if (!check_running) exit(EXIT_FAILURE);
    longjmp(check_place, 1);
}

static inline void *check_make(size_t size)
{
    void *made = calloc(1, size);
    if (!made) abort();
    return made;
}

static inline Suite *suite_create(const char *name)
{
    Suite *suite = check_make(sizeof *suite);
    suite->name = name;
    return suite;
}

static inline TCase *tcase_create(const char *name)
{
    TCase *tcase = check_make(sizeof *tcase);
    tcase->name = name;
    return tcase;
}

static inline void suite_add_tcase(Suite *suite, TCase *tcase)
{
    if (suite->case_count == CHECK_MOST_CASES) abort();
    suite->cases[suite->case_count++] = tcase;
}

static inline void tcase_add_loop_test(TCase *tcase, const TTest *test, int first, int end)
{
    if (tcase->loop_count == CHECK_MOST_LOOPS) abort();
    tcase->loops[tcase->loop_count++] = (check_loop){test, first, end};
}

static inline void tcase_add_test(TCase *tcase, const TTest *test)
{
    tcase_add_loop_test(tcase, test, 0, 1);
}

static inline void tcase_add_checked_fixture(TCase *tcase, void (*setup)(void), void (*teardown)(void))
{
    tcase->setup = setup;
    tcase->teardown = teardown;
}

static inline SRunner *srunner_create(Suite *suite)
{
    SRunner *runner = check_make(sizeof *runner);
    runner->suite = suite;
    return runner;
}

static inline void check_run_one(SRunner *runner, const TCase *tcase, const TTest *test, int i)
{
    volatile bool passed = false;
    check_running = true;
    if (setjmp(check_place) == 0) {
        if (tcase->setup) tcase->setup();
        test->run(i);
        if (tcase->teardown) tcase->teardown();
        passed = true;
    }
    check_running = false;
    runner->run++;
    if (!passed) runner->failed++;
    printf("%s %d - %s:%s:%s:%d\n", passed ? "ok" : "not ok", runner->run, runner->suite->name, tcase->name, test->name,
           i);
    fflush(stdout);
}

static inline void srunner_run_all(SRunner *runner, int mode)
{
    (void)mode;
    for (int c = 0; c < runner->suite->case_count; c++) {
        const TCase *tcase = runner->suite->cases[c];
        for (int l = 0; l < tcase->loop_count; l++)
            for (int i = tcase->loops[l].first; i < tcase->loops[l].end; i++)
                check_run_one(runner, tcase, tcase->loops[l].test, i);
    }
    printf("1..%d\n", runner->run);
}

static inline int srunner_ntests_failed(const SRunner *runner)
{
    return runner->failed;
}

static inline void srunner_free(SRunner *runner)
{
    for (int c = 0; c < runner->suite->case_count; c++) free(runner->suite->cases[c]);
    free(runner->suite);
    free(runner);
}

/* Somebody else keeps the time, and TAP is all that is printed. */
#define tcase_set_timeout(tcase, seconds) ((void)(tcase), (void)(seconds))
#define srunner_set_tap(runner, path) ((void)(runner), (void)(path))

#define START_TEST(name)                                                                                               \
    static void              name##_body(int _i);                                                                      \
    static const TTest       name##_test = {#name, name##_body};                                                       \
    static const TTest      *name = &name##_test;                                                                      \
    static void              name##_body(int _i)                                                                       \
    {                                                                                                                  \
        (void)_i;
#define END_TEST }

#define ck_abort_msg(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(condition, ...) ((condition) ? (void)0 : check_fail(__FILE__, __LINE__, __VA_ARGS__))
#define ck_assert(condition) ck_assert_msg(condition, "%s", #condition)

#define CHECK_NUMBERS_(type, format, a, op, b)                                                                         \
    do {                                                                                                               \
        type check_a_ = (a), check_b_ = (b);                                                                           \
        ck_assert_msg(check_a_ op check_b_, "%s %s %s: %s is %" format ", %s is %" format, #a, #op, #b, #a, check_a_,  \
                      #b, check_b_);                                                                                   \
    } while (0)
#define ck_assert_int_eq(a, b) CHECK_NUMBERS_(intmax_t, "jd", a, ==, b)
#define ck_assert_int_ne(a, b) CHECK_NUMBERS_(intmax_t, "jd", a, !=, b)
#define ck_assert_int_lt(a, b) CHECK_NUMBERS_(intmax_t, "jd", a, <, b)
#define ck_assert_int_le(a, b) CHECK_NUMBERS_(intmax_t, "jd", a, <=, b)
#define ck_assert_int_gt(a, b) CHECK_NUMBERS_(intmax_t, "jd", a, >, b)
#define ck_assert_int_ge(a, b) CHECK_NUMBERS_(intmax_t, "jd", a, >=, b)
#define ck_assert_uint_eq(a, b) CHECK_NUMBERS_(uintmax_t, "ju", a, ==, b)
#define ck_assert_uint_ne(a, b) CHECK_NUMBERS_(uintmax_t, "ju", a, !=, b)
#define ck_assert_uint_lt(a, b) CHECK_NUMBERS_(uintmax_t, "ju", a, <, b)
#define ck_assert_uint_le(a, b) CHECK_NUMBERS_(uintmax_t, "ju", a, <=, b)
#define ck_assert_uint_gt(a, b) CHECK_NUMBERS_(uintmax_t, "ju", a, >, b)
#define ck_assert_uint_ge(a, b) CHECK_NUMBERS_(uintmax_t, "ju", a, >=, b)
#define ck_assert_ptr_eq(a, b) ck_assert((a) == (b))
#define ck_assert_ptr_null(a) ck_assert((a) == NULL)
#define ck_assert_ptr_nonnull(a) ck_assert((a) != NULL)
#define ck_assert_mem_eq(a, b, size) ck_assert_msg(memcmp(a, b, size) == 0, "%s and %s are not the same bytes", #a, #b)
#define ck_assert_mem_ne(a, b, size) ck_assert_msg(memcmp(a, b, size) != 0, "%s and %s are the same bytes", #a, #b)
#define CHECK_TEXTS_(a, op, b)                                                                                         \
    do {                                                                                                               \
        const char *check_a_ = (a), *check_b_ = (b);                                                                   \
        ck_assert_msg(check_a_ && check_b_ && strcmp(check_a_, check_b_) op 0, "%s %s %s: \"%s\", \"%s\"", #a, #op,    \
                      #b, check_a_ ? check_a_ : "NULL", check_b_ ? check_b_ : "NULL");                                 \
    } while (0)
#define ck_assert_str_eq(a, b) CHECK_TEXTS_(a, ==, b)
#define ck_assert_str_ne(a, b) CHECK_TEXTS_(a, !=, b)

#endif
