/* What the benchmarks share: their command line, their clock, their output. A benchmark verifies its result and ends with a
   failure if it is wrong; its figures count for nothing then. */
#ifndef MOVEX_BENCH_BENCH_H
#define MOVEX_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bench_options {
    bool     json;    /* one JSON object a line instead of a table */
    uint32_t clients; /* 0: the benchmark's own choice of several */
    uint32_t window;  /* actions in flight */
    double   seconds; /* of each run, about */
} bench_options;

/* Reads the command line; prints help or what is wrong with it and ends the program. `what`: one line about the
   benchmark. */
bench_options bench_parse(int argc, char **argv, const char *what, bench_options defaults);

/* Seconds of a clock that does not jump. */
double bench_now(void);

/* Ends the program with a failure and the reason. */
_Noreturn void bench_fail(const char *benchmark, const char *why);

#endif
