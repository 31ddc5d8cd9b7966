/* What the benchmarks share: their command line, their clock, their output. A benchmark verifies its result and ends with a
   failure if it is wrong; its figures count for nothing then. */
#ifndef MOVEX_BENCH_BENCH_H
#define MOVEX_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct bench_options {
    bool     json;    /* one JSON object a line instead of a table */
    FILE    *file;    /* takes the same JSON besides the table; NULL: none */
    uint32_t clients; /* 0: the benchmark's own choice of several */
    uint32_t window;  /* actions in flight */
    double   seconds; /* of each run, about */
} bench_options;

/* Reads the command line; prints help or what is wrong with it and ends the program. `what`: one line about the
   benchmark. */
bench_options bench_parse(int argc, char **argv, const char *what, bench_options defaults);

/* A figure, and the goal that it is held against. */
typedef struct bench_row {
    const char *workload; /* such as "w4" */
    const char *what;     /* which of its figures, for people; no character that JSON would escape */
    const char *unit;     /* of value and goal */
    double      value;
    double      goal;     /* 0: none, unless `nothing` */
    bool        at_most;  /* the goal is not to be exceeded; else it is to be reached */
    bool        nothing;  /* the goal is 0: there is to be nothing of it */
} bench_row;

/* Begins a table: its title and its columns. */
void bench_begin(const bench_options *options, const char *title);
/* Prints a line of it, with the factor by which the goal is met: 1 or more if it is. */
void bench_report(const bench_options *options, const bench_row *row);
/* One line of JSON, as the options want it, for figures besides the rows. */
#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
void bench_json(const bench_options *options, const char *format, ...);

/* Seconds of a clock that does not jump. */
double bench_now(void);

/* Ends the program with a failure and the reason. */
_Noreturn void bench_fail(const char *benchmark, const char *why);

#endif
