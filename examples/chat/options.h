/* The command line of chat. */
#ifndef CHAT_OPTIONS_H
#define CHAT_OPTIONS_H

typedef enum options_command {
    OPTIONS_CHAT = 1,
    OPTIONS_SHOW_HELP,
    OPTIONS_WRONG_USAGE /* `problem` says what is wrong */
} options_command;

typedef struct chat_options {
    const char *url;     /* of the server; NULL: alone */
    const char *name;    /* never NULL */
    const char *room;    /* never NULL */
    const char *ca_file; /* whose certificates a wss:// server may have; NULL: those whom the system trusts */
    unsigned    wait_seconds; /* at the end of the input, for answers */
    char        problem[256];
} chat_options;

extern const char options_help[];

options_command options_parse(chat_options *options, int argument_count, char **arguments);

#endif
