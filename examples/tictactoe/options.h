/* The command line of tictactoe. */
#ifndef TICTACTOE_OPTIONS_H
#define TICTACTOE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum options_command {
    OPTIONS_PLAY = 1,
    OPTIONS_SHOW_HELP,
    OPTIONS_WRONG_USAGE /* `problem` says what is wrong */
} options_command;

typedef struct tictactoe_options {
    const char *url;   /* of the server; NULL: alone */
    const char *name;  /* of the player */
    const char *table; /* at which table, never NULL */
    const char *ca_file; /* whose certificates a wss:// server may have; NULL: those whom the system trusts */
    bool        plays_by_itself;
    uint32_t    rounds;   /* 1 or more */
    uint32_t    pause_ms; /* before each move of a player without a person */
    char        problem[256];
} tictactoe_options;

extern const char options_help[];

options_command options_parse(tictactoe_options *options, int argument_count, char **arguments);

#endif
