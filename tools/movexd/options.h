/* The command line of movexd. */
#ifndef MOVEXD_OPTIONS_H
#define MOVEXD_OPTIONS_H

#include "log.h"

#include <stdint.h>

#define MOVEXD_MAX_ADDRESSES 16
#define MOVEXD_MAX_THREADS 32
#define MOVEXD_MAX_SERVICES 64 /* addresses times threads */
#define MOVEXD_DEFAULT_ADDRESS "127.0.0.1:9000"

typedef enum movexd_command {
    MOVEXD_SERVE = 1,
    MOVEXD_SHOW_HELP,
    MOVEXD_SHOW_VERSION,
    MOVEXD_WRONG_USAGE /* `problem` says what is wrong */
} movexd_command;

/* When players are told of what has happened. */
typedef enum movexd_sync {
    MOVEXD_SYNC_ALWAYS,   /* once it is on the disk */
    MOVEXD_SYNC_INTERVAL, /* at once; the disk has it a while later */
    MOVEXD_SYNC_NEVER     /* once the operating system has it, which writes it to the disk when it likes */
} movexd_sync;

/* A relay in place of games. */
typedef struct movexd_relay_options {
    bool        on;
    const char *token_file;       /* NULL: any token is accepted */
    uint32_t    rooms, members;   /* in all; of a room */
    uint32_t    links;            /* connections at once, of each address */
    uint32_t    bytes_per_second; /* that a member may send */
    uint32_t    queue_bytes;      /* that wait for a member */
    uint32_t    join_seconds;     /* how long joining may take */
    uint32_t    idle_seconds;     /* how long a member may send nothing; 0: for ever */
} movexd_relay_options;

typedef struct movexd_options {
    const char  *addresses[MOVEXD_MAX_ADDRESSES]; /* where to listen */
    uint32_t     address_count;                   /* 1 or more */
    const char  *certificate_file;                /* PEM, for TLS on all addresses; NULL: none */
    const char  *key_file;                        /* given if and only if certificate_file is */
    const char  *http;                            /* where to answer by HTTP; NULL: nowhere */
    const char  *data;                            /* the directory of the store; NULL: none */
    movexd_sync  sync;                            /* of the store */
    bool         sync_given;                      /* on the command line */
    uint32_t     sync_ms;                         /* MOVEXD_SYNC_INTERVAL: how much later; more than 0 */
    char *const *games;                           /* paths of shared objects, as they were given */
    uint32_t     game_count;                      /* 1 or more; a relay: 0 */
    uint32_t     threads;                         /* 1: one for everything; more: so many masters, and so many services */
    uint32_t     idle_ms;                         /* life of a resource without subscribers; 0: for ever */
    uint32_t     grace_ms;                        /* life of a session without connection; more than 0 */
    movexd_level log_level;
    movexd_relay_options relay;
    const char          *of_games, *of_relay; /* the last option given that is of the one or the other alone; NULL: none */
    char                 problem[256];
} movexd_options;

extern const char movexd_help[];

/* Reads the command line and says what to do. Moves the names of games to the front of `arguments`, so that options and
   games may come in any order; an option that was read is overwritten then. */
movexd_command movexd_options_parse(movexd_options *options, int argument_count, char **arguments);

#endif
