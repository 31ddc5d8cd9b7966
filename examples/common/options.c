#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum options_outcome { GO_ON, SHOW_HELP, WRONG } options_outcome;

static options_outcome wrong(const command_options *options, const char *what, const char *which)
{
    fprintf(stderr, "%s: %s%s\nTry '%s --help'.\n", options->program, what, which, options->program);
    return WRONG;
}

static bool parse_number(const char *text, const options_number *number)
{
    if (!text || *text < '0' || *text > '9') return false;
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || value < number->least || value > number->most) return false;
    *number->value = (uint32_t)value;
    return true;
}

static const options_number *find_number(const command_options *options, const char *name)
{
    for (const options_number *number = options->numbers; number && number->name; number++)
        if (strcmp(number->name, name) == 0) return number;
    return NULL;
}

/* Reads an option, and the value after it if it takes one: `at` is then that value's. */
static options_outcome take_option(command_options *options, char **arguments, int *at)
{
    const char *option = arguments[*at], *value = arguments[*at + 1]; /* after the last stands NULL */
    if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0) return SHOW_HELP;
    if (options->may_auto && strcmp(option, "--auto") == 0) {
        options->plays_by_itself = true;
        return GO_ON;
    }
    ++*at;
    if (strcmp(option, "--ca") == 0) {
        options->ca_file = value;
        return value ? GO_ON : wrong(options, option, " needs a file");
    }
    const options_number *number = find_number(options, option);
    if (!number) return wrong(options, "there is no option ", option);
    if (parse_number(value, number)) return GO_ON;
    char needs[128];
    snprintf(needs, sizeof needs, " needs a number%s from %u to %u", number->unit, (unsigned)number->least,
             (unsigned)number->most);
    return wrong(options, option, needs);
}

/* Reads what is no option: server, name and place, in this order. */
static options_outcome take_word(command_options *options, const char *word, int order)
{
    const char **members[] = {&options->url, &options->name, &options->place};
    if (order >= 3) return wrong(options, "too many words: ", word);
    *members[order] = word;
    return GO_ON;
}

static options_outcome parse(command_options *options, int argument_count, char **arguments)
{
    int words = 0;
    for (int i = 1; i < argument_count; i++) {
        bool            is_option = arguments[i][0] == '-';
        options_outcome outcome =
            is_option ? take_option(options, arguments, &i) : take_word(options, arguments[i], words++);
        if (outcome != GO_ON) return outcome;
    }
    if (words == 1) {
        char needed[64];
        snprintf(needed, sizeof needed, "a name is needed to %s at ", options->verb);
        return wrong(options, needed, options->url);
    }
    if (!options->name) options->name = "you";
    return GO_ON;
}

bool options_take(command_options *options, int argument_count, char **arguments, int *code)
{
    options_outcome outcome = parse(options, argument_count, arguments);
    if (outcome == SHOW_HELP) fputs(options->help, stdout);
    *code = outcome == WRONG ? WRONG_USAGE : DONE;
    return outcome == GO_ON;
}
