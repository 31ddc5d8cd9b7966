/* The command line that the examples for the terminal share:

     PROGRAM [OPTION]...                              alone
     PROGRAM [OPTION]... ws://HOST:PORT NAME [PLACE]  with others, at a movexd

   and the options --auto, --ca FILE, --help, and the program's own, each of which takes a number. */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* What programs end with. */
enum { DONE = 0, FAILURE = 1, WRONG_USAGE = 2 };

/* An option that takes a number. */
typedef struct options_number {
    const char *name; /* with its two hyphens */
    const char *unit; /* what the number is one of, for people: " of seconds"; "" for none */
    uint32_t    least, most;
    uint32_t   *value; /* holds the default before */
} options_number;

typedef struct command_options {
    const char           *program; /* its name, in front of what it says of failures */
    const char           *help;
    const char           *verb;      /* what one does there: "play" */
    const char           *place;     /* the default, when options_take is called; then which table or room */
    bool                  may_auto;  /* there is --auto */
    const options_number *numbers;   /* the program's own, ended by one without a name; NULL: none */

    const char *url;     /* of the server; NULL: alone */
    const char *name;    /* of the person, never NULL */
    const char *ca_file; /* whose certificates a wss:// server may have; NULL: those whom the system trusts */
    bool        plays_by_itself; /* --auto */
} command_options;

/* Reads the command line. False if the program is to end with `code` at once: then help, or what is wrong, has been
   printed. */
bool options_take(command_options *options, int argument_count, char **arguments, int *code);

#endif
