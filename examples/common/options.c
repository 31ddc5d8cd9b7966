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

bool options_in_room(const command_options *options)
{
    return options->room.listen || options->room.relay;
}

bool options_alone(const command_options *options)
{
    return !options->url && !options_in_room(options);
}

/* Takes an option that has no value; false if there is no such. */
static bool take_flag(command_options *options, const char *option)
{
    bool *flag = NULL;
    if (options->may_auto && strcmp(option, "--auto") == 0) flag = &options->plays_by_itself;
    if (options->may_peer && strcmp(option, "--survivor") == 0) flag = &options->room.survivor;
    if (flag) *flag = true;
    return flag != NULL;
}

/* Where the value of an option that takes a text belongs, and in `needs` what it is; NULL if there is no such option. */
static const char **find_text(command_options *options, const char *option, const char **needs)
{
    options_room *room = options->may_peer ? &options->room : NULL;
    const struct {
        const char *name, *needs, **value;
    } texts[] = {
        {"--ca", " needs a file", &options->ca_file},
        {"--peer", " needs HOST:PORT, to listen there", room ? &room->listen : NULL},
        {"--relay", " needs the url of a relay", room ? &room->relay : NULL},
        {"--token", " needs the relay's token", room ? &room->token : NULL},
        {"--room", " needs a name", room ? &room->name : NULL},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *needs = texts[i].needs;
        if (texts[i].value && strcmp(texts[i].name, option) == 0) return texts[i].value;
    }
    return NULL;
}

static options_outcome take_number(const command_options *options, const char *option, const char *value)
{
    const options_number *number = find_number(options, option);
    char                  needs[128];
    if (!number) return wrong(options, "there is no option ", option);
    if (parse_number(value, number)) return GO_ON;
    snprintf(needs, sizeof needs, " needs a number%s from %u to %u", number->unit, (unsigned)number->least,
             (unsigned)number->most);
    return wrong(options, option, needs);
}

/* Reads an option, and the value after it if it takes one: `at` is then that value's. */
static options_outcome take_option(command_options *options, char **arguments, int *at)
{
    const char *option = arguments[*at], *value = arguments[*at + 1], *needs; /* after the last stands NULL */
    if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0) return SHOW_HELP;
    if (take_flag(options, option)) return GO_ON;
    ++*at;
    const char **text = find_text(options, option, &needs);
    if (!text) return take_number(options, option, value);
    *text = value;
    return value ? GO_ON : wrong(options, option, needs);
}

/* Takes a word for the next of these members. */
static options_outcome take_next(const command_options *options, const char **members[], int count, int *taken,
                                 const char *word)
{
    if (*taken == count) return wrong(options, "too many words: ", word);
    *members[(*taken)++] = word;
    return GO_ON;
}

/* Reads what is no option: server, name and place, in this order; of a room name and place, and addresses of others. */
static options_outcome take_words(command_options *options, char **words, int count)
{
    options_room   *room = &options->room;
    const char    **members[] = {&options->url, &options->name, &options->place};
    bool            in_room = options_in_room(options);
    int             first = in_room ? 1 : 0, taken = 0;
    options_outcome outcome = GO_ON;
    for (int i = 0; i < count && outcome == GO_ON; i++) {
        bool is_peer = room->listen && strstr(words[i], "://");
        if (!is_peer) {
            outcome = take_next(options, members + first, 3 - first, &taken, words[i]);
        } else if (room->peer_count == MOVEX_ROOM_MAX - 1) {
            outcome = wrong(options, "there are more peers than a room may have: ", words[i]);
        } else {
            room->peers[room->peer_count++] = words[i];
        }
    }
    return outcome;
}

/* What was taken goes together. */
static options_outcome check(command_options *options)
{
    const options_room *room = &options->room;
    char                needed[64];
    if (room->listen && room->relay) return wrong(options, "--peer or --relay, not both", "");
    if (options->name) return GO_ON;
    options->name = "you";
    if (options_alone(options)) return GO_ON;
    snprintf(needed, sizeof needed, "a name is needed to %s %s", options->verb, options->url ? "at " : "with others");
    return wrong(options, needed, options->url ? options->url : "");
}

/* Moves the words to the front of the arguments. */
static options_outcome parse(command_options *options, int argument_count, char **arguments)
{
    int             words = 0;
    options_outcome outcome = GO_ON;
    options->room.name = options->program;
    for (int i = 1; i < argument_count && outcome == GO_ON; i++) {
        if (arguments[i][0] == '-') outcome = take_option(options, arguments, &i);
        else arguments[words++] = arguments[i];
    }
    if (outcome == GO_ON) outcome = take_words(options, arguments, words);
    return outcome == GO_ON ? check(options) : outcome;
}

bool options_take(command_options *options, int argument_count, char **arguments, int *code)
{
    options_outcome outcome = parse(options, argument_count, arguments);
    if (outcome == SHOW_HELP) fputs(options->help, stdout);
    *code = outcome == WRONG ? WRONG_USAGE : DONE;
    return outcome == GO_ON;
}
