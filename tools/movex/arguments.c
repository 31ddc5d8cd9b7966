#include "arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char movex_help[] = "movex - looks into journals, and plays from the shell\n"
                          "\n"
                          "usage: movex replay FILE [GAME.so] [OPTION]...   check a journal, show a version of it\n"
                          "       movex log FILE [GAME.so]                  every record of a journal in a line\n"
                          "       movex diff A B [GAME.so]                  where two journals or saved states part\n"
                          "       movex connect URL TYPE:ID GAME.so         watch and play at a movexd (in a build\n"
                          "                                                 with websockets)\n"
                          "\n"
                          "FILE is a journal as movexd --data keeps it. In the place of FILE, a directory and\n"
                          "TYPE:ID (or sessions) may be given. GAME.so exports the game's types; without it only\n"
                          "records are shown. Files are only read, so a movexd may be writing them meanwhile.\n"
                          "\n"
                          "movex COMMAND --help tells the options of a command; movex --version the version.\n";

static const char replay_help[] = "usage: movex replay FILE [GAME.so] [OPTION]...\n"
                                  "       movex replay DIRECTORY TYPE:ID [GAME.so] [OPTION]...\n"
                                  "\n"
                                  "Plays a journal again, checks every checksum in it, and prints the last version\n"
                                  "with its checksum. Without GAME.so it checks the records alone.\n"
                                  "\n"
                                  "  --to VERSION   go to that version and print the state then, as JSON\n"
                                  "  --as VIEWER    print it as that client might see it\n"
                                  "  --public       print it as everybody might see it (what --to does by itself)\n"
                                  "  --all          print all that the master knew, with what was hidden\n"
                                  "  --json         print all in one line of JSON\n"
                                  "  --quiet        print nothing but the state that was asked for\n"
                                  "  --step         go through it by hand: n next, p previous, a number and Enter,\n"
                                  "                 s state, q quit\n"
                                  "\n"
                                  "exit status: 0 if all is right, 1 if not, 2 for a wrong command line, 3 if all is\n"
                                  "right but its end is torn, as a crash leaves it\n";

static const char log_help[] = "usage: movex log FILE [GAME.so]\n"
                               "       movex log DIRECTORY TYPE:ID [GAME.so]\n"
                               "\n"
                               "Prints every record in a line: where it begins, the version, what it is. With\n"
                               "GAME.so, with the names of actions and their payloads as JSON.\n"
                               "\n"
                               "  --json         a line of JSON for each\n"
                               "\n"
                               "exit status: 0 if the records are whole, 1 if one is damaged, 2 for a wrong command\n"
                               "line, 3 if the end is torn, as a crash leaves it\n";

static const char diff_help[] = "usage: movex diff A B [GAME.so]\n"
                                "\n"
                                "A and B are two journals, or two saved states (movex_rules_save). Prints the first\n"
                                "version at which they differ, what made it in each, and with GAME.so the fields\n"
                                "that differ, with both values.\n"
                                "\n"
                                "  --quiet        print nothing\n"
                                "\n"
                                "exit status: 0 if they are the same, 1 if they differ, 2 for trouble\n";

#ifdef HAVE_WEBSOCKET
static const char connect_help[] = "usage: movex connect URL TYPE:ID GAME.so [OPTION]...\n"
                                   "\n"
                                   "Binds a resource at ws://HOST:PORT or wss://HOST:PORT, and prints what happens to\n"
                                   "it. Dispatches the lines of standard input, and leaves at its end:\n"
                                   "\n"
                                   "  append {\"number\": 5}       an action, with its payload as JSON\n"
                                   "  append number=5            the same\n"
                                   "  throw hand=rock as thrown  hidden from others, who are shown another action\n"
                                   "  state                      prints the state\n"
                                   "\n"
                                   "  --id NAME          who this is; default: movex-PID\n"
                                   "  --credentials TEXT what proves it\n"
                                   "  --ca FILE          trust these certificates (PEM) for wss://\n"
                                   "  --watch            read no input; go on until a signal ends it\n"
                                   "  --once             print only refusals, and at the end the state\n"
                                   "  --json             a line of JSON for everything\n"
                                   "\n"
                                   "exit status: 0 if all was accepted, 1 if something was not, or failed, 2 for a\n"
                                   "wrong command line\n";
#endif

const command movex_commands[] = {
    {"replay", " --to --as --public --all --json --quiet --step ", replay_help, 1, 3, command_replay},
    {"log", " --json ", log_help, 1, 3, command_log},
    {"diff", " --quiet ", diff_help, 2, 3, command_diff},
#ifdef HAVE_WEBSOCKET
    {"connect", " --id --credentials --ca --watch --once --json ", connect_help, 3, 3, command_connect},
#endif
    {NULL, NULL, NULL, 0, 0, NULL},
};

static bool knows(const command *of, const char *option)
{
    char wanted[40];
    snprintf(wanted, sizeof wanted, " %s ", option);
    return strstr(of->options, wanted);
}

static bool parse_version(const char *text, uint64_t *version)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    *version = number;
    return end && !*end && !errno;
}

/* Flags; NULL: it is none. */
static bool *flag_of(arguments *given, const char *option)
{
    if (strcmp(option, "--json") == 0) return &given->json;
    if (strcmp(option, "--quiet") == 0) return &given->quiet;
    if (strcmp(option, "--step") == 0) return &given->step;
    if (strcmp(option, "--once") == 0) return &given->once;
    return strcmp(option, "--watch") == 0 ? &given->watch : NULL;
}

static const char **text_of(arguments *given, const char *option)
{
    if (strcmp(option, "--as") == 0) return &given->viewer;
    if (strcmp(option, "--id") == 0) return &given->id;
    if (strcmp(option, "--ca") == 0) return &given->ca_file;
    return strcmp(option, "--credentials") == 0 ? &given->credentials : NULL;
}

/* Takes the option at `*at`, and its value, if it has one. NULL, or what is wrong with it. */
static const char *take_option(arguments *given, const command *of, int count, char **words, int *at)
{
    char        name[32];
    const char *word = words[(*at)++], *value = strchr(word, '=');
    size_t      length = value ? (size_t)(value - word) : strlen(word);
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), word);
    if (length >= sizeof name || !knows(of, name)) return "there is no such option";
    if (strcmp(name, "--public") == 0 || strcmp(name, "--all") == 0) {
        given->viewing = name[2] == 'p' ? VIEW_PUBLIC : VIEW_ALL;
        return value ? "takes no value" : NULL;
    }
    bool *flag = flag_of(given, name);
    if (flag) *flag = true;
    if (flag) return value ? "takes no value" : NULL;
    if (!value && *at == count) return "needs a value";
    value = value ? value + 1 : words[(*at)++];
    if (strcmp(name, "--to") == 0) {
        given->has_version = true;
        return parse_version(value, &given->version) ? NULL : "needs a version, a number";
    }
    *text_of(given, name) = value;
    if (strcmp(name, "--as") == 0) given->viewing = VIEW_AS;
    return *value ? NULL : "needs a value";
}

bool arguments_parse(arguments *given, const command *of, int count, char **words, char *problem, int problem_size)
{
    bool only_operands = false;
    *given = (arguments){.operand_count = 0};
    for (int at = 0; at < count;) {
        char       *word = words[at];
        const char *wrong = NULL;
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
            at++;
        } else if (!only_operands && word[0] == '-') {
            wrong = take_option(given, of, count, words, &at);
        } else if (given->operand_count == of->most) {
            wrong = "is one name too many";
        } else {
            given->operands[given->operand_count++] = words[at++];
        }
        if (wrong) snprintf(problem, (size_t)problem_size, "%s %s: %s", of->name, word, wrong);
        if (wrong) return false;
    }
    if (given->operand_count < of->fewest) snprintf(problem, (size_t)problem_size, "%s: too few names", of->name);
    return given->operand_count >= of->fewest;
}

const char *arguments_viewer(const arguments *given)
{
    if (given->viewing == VIEW_ALL) return NULL;
    return given->viewing == VIEW_AS ? given->viewer : "";
}
