#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void usage(FILE *out, const char *program, const char *what)
{
    fprintf(out,
            "%s - %s\n\nusage: %s [--clients N] [--window N] [--seconds S] [--json[=FILE]]\n\n"
            "  --clients N  so many clients, instead of one run each with 1, 2, 8 and 64\n"
            "  --window N   actions in flight at once; default 1\n"
            "  --seconds S  about how long each run takes; default 1\n"
            "  --json       one JSON object a line instead of tables\n"
            "  --json=FILE  the same at the end of FILE, besides the tables\n",
            program, what, program);
}

static double number_of(const char *program, const char *option, const char *text, double most)
{
    char  *end = NULL;
    double value = text ? strtod(text, &end) : 0;
    if (text && *text && !*end && value > 0 && value <= most) return value;
    fprintf(stderr, "%s: %s: a number above 0, %g at most, is wanted\n", program, option, most);
    exit(2);
}

static uint32_t count_of(const char *program, const char *option, const char *text)
{
    enum { MOST = 1000 };
    char         *end = NULL;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    if (text && *text >= '0' && *text <= '9' && !*end && value > 0 && value <= MOST) return (uint32_t)value;
    fprintf(stderr, "%s: %s: a whole number from 1 to %d is wanted\n", program, option, MOST);
    exit(2);
}

static FILE *file_of(const char *program, const char *path)
{
    FILE *file = fopen(path, "a");
    if (file) return file;
    fprintf(stderr, "%s: %s cannot be written\n", program, path);
    exit(2);
}

bench_options bench_parse(int argc, char **argv, const char *what, bench_options defaults)
{
    const char   *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
    bench_options options = defaults;
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(option, "--json") == 0) {
            options.json = true;
        } else if (strncmp(option, "--json=", 7) == 0) {
            options.file = file_of(program, option + 7);
        } else if (strcmp(option, "--help") == 0) {
            usage(stdout, program, what);
            exit(0);
        } else if (strcmp(option, "--clients") == 0) {
            options.clients = count_of(program, option, value);
            i++;
        } else if (strcmp(option, "--window") == 0) {
            options.window = count_of(program, option, value);
            i++;
        } else if (strcmp(option, "--seconds") == 0) {
            options.seconds = number_of(program, option, value, 3600);
            i++;
        } else {
            fprintf(stderr, "%s: %s is no option (see --help)\n", program, option);
            exit(2);
        }
    }
    return options;
}

void bench_begin(const bench_options *options, const char *title)
{
    if (options->json) return;
    printf("%s\n%-58s %14s %14s %7s  %s\n", title, "", "measured", "goal", "factor", "unit");
}

static double factor_of(const bench_row *row)
{
    if (row->nothing) return row->value == 0;
    if (row->value <= 0) return 0;
    return row->at_most ? row->goal / row->value : row->value / row->goal;
}

/* With as many digits as say something. */
static const char *number_text(double number, char *text, size_t size)
{
    snprintf(text, size, "%.*f", number == 0 || number >= 100 ? 0 : number >= 10 ? 1 : number >= 1 ? 2 : 3, number);
    return text;
}

void bench_report(const bench_options *options, const bench_row *row)
{
    char value[32], goal[32] = "", factor[32] = "";
    number_text(row->value, value, sizeof value);
    if (row->goal > 0 || row->nothing) {
        number_text(row->goal, goal, sizeof goal);
        snprintf(factor, sizeof factor, "%.2f", factor_of(row));
    }
    bench_json(options, "{\"workload\":\"%s\",\"what\":\"%s\",\"unit\":\"%s\",\"value\":%.6g%s%s%s%s}", row->workload,
               row->what, row->unit, row->value, *goal ? ",\"goal\":" : "", goal, *goal ? ",\"factor\":" : "", factor);
    if (!options->json) printf("%-58s %14s %14s %7s  %s\n", row->what, value, goal, factor, row->unit);
    fflush(stdout);
}

void bench_json(const bench_options *options, const char *format, ...)
{
    FILE *const files[] = {options->json ? stdout : NULL, options->file};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (!files[i]) continue;
        va_list arguments;
        va_start(arguments, format);
        vfprintf(files[i], format, arguments);
        va_end(arguments);
        fputc('\n', files[i]);
        fflush(files[i]);
    }
}

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_fail(const char *benchmark, const char *why)
{
    fprintf(stderr, "%s: WRONG RESULT: %s\n", benchmark, why);
    exit(1);
}
