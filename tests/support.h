/* What all tests share. Each test is a program of its own that prints TAP. */
#ifndef MOVEX_TESTS_SUPPORT_H
#define MOVEX_TESTS_SUPPORT_H

#include <check.h>

#include <stdbool.h>
#include <stdlib.h>

/* What needs many seeds or minutes is to be run in full (script/test --long). */
static inline bool movex_test_is_long(void)
{
    const char *wanted = getenv("MOVEX_TEST_LONG");
    return wanted && *wanted;
}

/* Runs a suite, one process per test unless CK_FORK=no; returns the exit status for main. */
static inline int movex_test_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
