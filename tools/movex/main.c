#define _POSIX_C_SOURCE 200809L

#include "arguments.h"

#include <movex/export.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int wrong_usage(const char *problem, const char *try)
{
    fprintf(stderr, "movex: %s\nTry 'movex %s--help'.\n", problem, try);
    return WRONG_USAGE;
}

static int run(const command *of, int count, char **words)
{
    char      problem[256], try[32];
    arguments given;
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++) {
        if (strcmp(words[i], "--help") != 0 && strcmp(words[i], "-h") != 0) continue;
        fputs(of->help, stdout);
        return SUCCESS;
    }
    snprintf(try, sizeof try, "%s ", of->name);
    if (!arguments_parse(&given, of, count, words, problem, sizeof problem)) return wrong_usage(problem, try);
    int code = of->run(&given);
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    return code ? code : FAILURE;
}

int main(int count, char **words)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* whoever reads the output may go away */
    if (count < 2) return wrong_usage("name a command: replay, log, diff or connect", "");
    if (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0) {
        fputs(movex_help, stdout);
        return SUCCESS;
    }
    if (strcmp(words[1], "--version") == 0) {
        printf("movex %s\n", movex_version_text());
        return SUCCESS;
    }
    for (const command *of = movex_commands; of->name; of++)
        if (strcmp(of->name, words[1]) == 0) return run(of, count - 2, words + 2);
    return wrong_usage("there is no such command", "");
}
