/* The command line that the examples for the terminal share:

     PROGRAM [OPTION]...                              alone
     PROGRAM [OPTION]... ws://HOST:PORT NAME [PLACE]  with others, at a movexd
     PROGRAM [OPTION]... --peer HOST:PORT NAME [PLACE] [ws://HOST:PORT]...
                                                      with others, without a server: listens, and dials them
     PROGRAM [OPTION]... --relay ws://HOST:PORT NAME [PLACE]
                                                      the same for those who meet at a relay

   and the options --auto, --ca FILE, --help, of rooms --room NAME, --survivor, --token TEXT, and the program's own,
   each of which takes a number. */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <movex/peer.h>

#include <stdbool.h>
#include <stdint.h>

/* What programs end with. */
enum { DONE = 0, FAILURE = 1, WRONG_USAGE = 2 };

/* An option that takes a number. */
typedef struct options_number {
    const char *name; /* with its two hyphens; "": there is no such option here */
    const char *unit; /* what the number is one of, for people: " of seconds"; "" for none */
    uint32_t    least, most;
    uint32_t   *value; /* holds the default before */
} options_number;

/* How to play without a server. */
typedef struct options_room {
    const char *listen;                    /* --peer: where others dial this one; NULL: not so */
    const char *relay;                     /* --relay: the url of one; NULL: not so */
    const char *token;                     /* --token: by which the relay lets one in; NULL: any */
    const char *name;                      /* --room; default: the program's name */
    const char *peers[MOVEX_ROOM_MAX - 1]; /* addresses of others */
    uint32_t    peer_count;
    uint32_t    size;     /* --players: how many it begins with; 0: those whose addresses are given, and oneself */
    uint32_t    silent_seconds; /* --silent-seconds: after which somebody silent is out of the room; 0: the library's default */
    bool        survivor; /* --survivor: of two, each goes on alone */
} options_room;

typedef struct command_options {
    const char           *program; /* its name, in front of what it says of failures */
    const char           *help;
    const char           *verb;      /* what one does there: "play" */
    const char           *place;     /* the default, when options_take is called; then which table or room */
    bool                  may_auto;  /* there is --auto */
    bool                  may_peer;  /* there are --peer and --relay, and what belongs to them */
    const options_number *numbers;   /* the program's own, ended by one without a name; NULL: none */

    const char *url;     /* of the server; NULL: alone, or in a room */
    const char *name;    /* of the person, never NULL */
    const char *ca_file; /* whose certificates a wss:// server may have; NULL: those whom the system trusts */
    bool        plays_by_itself; /* --auto */
    options_room room;
} command_options;

/* True if it is to be played without a server. */
bool options_in_room(const command_options *options);

/* True if it is to be played alone. */
bool options_alone(const command_options *options);

/* Reads the command line. False if the program is to end with `code` at once: then help, or what is wrong, has been
   printed. */
bool options_take(command_options *options, int argument_count, char **arguments, int *code);

#endif
