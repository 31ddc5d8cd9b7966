#include "options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] = "chat - a chat room in the terminal\n"
                            "\n"
                            "usage: chat                                     alone, to try it\n"
                            "       chat [OPTION]... ws://HOST:PORT NAME [ROOM]\n"
                            "                                                with others, at a movexd; wss:// for TLS\n"
                            "\n"
                            "Whoever comes to a room (default: lobby) sees its last 100 messages. Type a line\n"
                            "and Enter to say it; it is dim until the server has confirmed it. PgUp and PgDn\n"
                            "show what was said before, Ctrl-U clears the line, Ctrl-C leaves.\n"
                            "\n"
                            "If standard input or output is not a terminal, every line of the input is said,\n"
                            "messages go to standard output and everything else to standard error; at the end\n"
                            "of the input it leaves when all that was said is answered.\n"
                            "\n"
                            "options:\n"
                            "  --ca FILE       trust these certificates (PEM) for wss://, not the system's\n"
                            "  --wait SECONDS  at the end of the input, how long to wait for answers; default 15\n"
                            "  --help          print this and exit\n"
                            "\n"
                            "Exit status: 0 when all that was said is in the room, 1 if something failed, 2 for\n"
                            "a wrong command line.\n";

static options_command wrong(chat_options *options, const char *what, const char *which)
{
    snprintf(options->problem, sizeof options->problem, "%s%s", what, which);
    return OPTIONS_WRONG_USAGE;
}

static bool parse_seconds(const char *text, unsigned *seconds)
{
    if (!text || *text < '0' || *text > '9') return false;
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || value < 1 || value > 3600) return false;
    *seconds = (unsigned)value;
    return true;
}

/* Reads what is no option: server, name and room, in this order. */
static options_command take_word(chat_options *options, const char *word)
{
    if (!options->url) {
        options->url = word;
    } else if (!options->name) {
        options->name = word;
    } else if (!options->room) {
        options->room = word;
    } else {
        return wrong(options, "too many words: ", word);
    }
    return OPTIONS_CHAT;
}

options_command options_parse(chat_options *options, int argument_count, char **arguments)
{
    memset(options, 0, sizeof *options);
    options->wait_seconds = 15;
    for (int i = 1; i < argument_count; i++) {
        const char *argument = arguments[i];
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) return OPTIONS_SHOW_HELP;
        if (strcmp(argument, "--ca") == 0) {
            if (++i == argument_count) return wrong(options, argument, " needs a file");
            options->ca_file = arguments[i];
        } else if (strcmp(argument, "--wait") == 0) {
            if (!parse_seconds(arguments[++i], &options->wait_seconds)) /* after the last stands NULL */
                return wrong(options, argument, " needs a number of seconds from 1 to 3600");
        } else if (argument[0] == '-') {
            return wrong(options, "there is no option ", argument);
        } else if (take_word(options, argument) != OPTIONS_CHAT) {
            return OPTIONS_WRONG_USAGE;
        }
    }
    if (options->url && !options->name) return wrong(options, "a name is needed to chat at ", options->url);
    if (!options->name) options->name = "you";
    if (!options->room) options->room = "lobby";
    return OPTIONS_CHAT;
}
