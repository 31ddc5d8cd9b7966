#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] = "tictactoe - tic-tac-toe in the terminal\n"
                            "\n"
                            "usage: tictactoe [OPTION]...                        alone, against the machine\n"
                            "       tictactoe [OPTION]... ws://HOST:PORT NAME [TABLE]\n"
                            "                                                    against others, at a movexd\n"
                            "\n"
                            "Whoever comes first to a table (default: table-1) plays X, the next one O, and\n"
                            "all others watch. Type the number of a cell and Enter; n begins a new round, s\n"
                            "sits down or stands up, q quits.\n"
                            "\n"
                            "options:\n"
                            "  --auto          play without a person, then say version and checksum\n"
                            "  --rounds N      how many rounds --auto plays; default 1\n"
                            "  --pause-ms N    how long a machine thinks before it moves; default 700\n"
                            "  --ca FILE       for a server at wss://HOST:PORT: trust the certificates in FILE,\n"
                            "                  in place of those that the system trusts\n"
                            "  --help          print this and exit\n"
                            "\n"
                            "Colours and drawing in place are left out if the output is not a terminal or\n"
                            "NO_COLOR is set. Exit status: 0 after a game or q, 1 if something failed, 2 for\n"
                            "a wrong command line.\n";

static options_command wrong(tictactoe_options *options, const char *what, const char *which)
{
    snprintf(options->problem, sizeof options->problem, "%s%s", what, which);
    return OPTIONS_WRONG_USAGE;
}

static bool parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    if (!text || *text < '0' || *text > '9') return false;
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || value < least || value > most) return false;
    *number = (uint32_t)value;
    return true;
}

/* Reads what is no option: server, name and table, in this order. */
static options_command take_word(tictactoe_options *options, const char *word)
{
    if (!options->url) {
        options->url = word;
    } else if (!options->name) {
        options->name = word;
    } else if (!options->table) {
        options->table = word;
    } else {
        return wrong(options, "too many words: ", word);
    }
    return OPTIONS_PLAY;
}

options_command options_parse(tictactoe_options *options, int argument_count, char **arguments)
{
    memset(options, 0, sizeof *options);
    options->rounds = 1;
    options->pause_ms = 700;
    for (int i = 1; i < argument_count; i++) {
        const char *argument = arguments[i];
        const char *value = i + 1 < argument_count ? arguments[i + 1] : NULL;
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) return OPTIONS_SHOW_HELP;
        if (strcmp(argument, "--auto") == 0) {
            options->plays_by_itself = true;
        } else if (strcmp(argument, "--rounds") == 0) {
            if (!parse_number(value, 1, 1000000, &options->rounds))
                return wrong(options, argument, " needs a number from 1 to 1000000");
            i++;
        } else if (strcmp(argument, "--pause-ms") == 0) {
            if (!parse_number(value, 0, 60000, &options->pause_ms))
                return wrong(options, argument, " needs a number from 0 to 60000");
            i++;
        } else if (strcmp(argument, "--ca") == 0) {
            if (!value) return wrong(options, argument, " needs a file");
            options->ca_file = value;
            i++;
        } else if (argument[0] == '-') {
            return wrong(options, "there is no option ", argument);
        } else if (take_word(options, argument) != OPTIONS_PLAY) {
            return OPTIONS_WRONG_USAGE;
        }
    }
    if (options->url && !options->name) return wrong(options, "a name is needed to play at ", options->url);
    if (!options->name) options->name = "you";
    if (!options->table) options->table = "table-1";
    return OPTIONS_PLAY;
}
