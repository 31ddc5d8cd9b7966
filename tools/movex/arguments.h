/* The command line of movex. */
#ifndef MOVEX_TOOL_ARGUMENTS_H
#define MOVEX_TOOL_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

enum { SUCCESS = 0, FAILURE = 1, WRONG_USAGE = 2, TORN = 3 }; /* exit codes */

enum { MOST_OPERANDS = 4 };

typedef enum viewing { VIEW_DEFAULT, VIEW_AS, VIEW_PUBLIC, VIEW_ALL } viewing;

typedef struct arguments {
    char       *operands[MOST_OPERANDS];
    int         operand_count;
    bool        has_version;
    uint64_t    version; /* --to */
    viewing     viewing;
    const char *viewer; /* --as */
    const char *id, *credentials, *ca_file;
    bool        json, quiet, step, once, watch;
} arguments;

typedef struct command {
    const char *name, *options, *help; /* options: those that it knows, with spaces around each */
    int         fewest, most;          /* operands */
    int (*run)(const arguments *given);
} command;

extern const char movex_help[];
extern const command movex_commands[]; /* ended by one without a name */

/* Reads what follows the name of a command. False if it is wrong; `problem` says how. */
bool arguments_parse(arguments *given, const command *of, int count, char **words, char *problem, int problem_size);

/* Whose view is asked for: an id, "" for the public, NULL for everything. */
const char *arguments_viewer(const arguments *given);

int command_replay(const arguments *given);
int command_log(const arguments *given);
int command_diff(const arguments *given);
int command_connect(const arguments *given);

#endif
