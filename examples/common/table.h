/* A game at a table, played in the terminal: alone, with the master and the other players in this process, against others at a
   movexd, or with others without a server. What the games have in common is here: the command line, connections, what is said of them, the
   loop. A game adds its rules, a view of its table, its keys, and how a player without a person plays it. */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include "robot.h"
#include "screen.h"

enum { TABLE_MOST_ROBOTS = 8, TABLE_LINE_SIZE = 32 };

typedef struct game_table game_table;

/* What a game adds. */
typedef struct table_game {
    const char        *name; /* of the program */
    const char        *help;
    const movex_type  *type;
    const robot_mind  *mind;
    const char *const *robots;      /* the names of those who play against somebody who is alone, ended by NULL */
    uint32_t           robot_count; /* how many of them do, unless told otherwise */
    bool               may_choose_robots; /* by --bots; also at a movexd. And --players: how many --auto waits for */
    bool               may_peer; /* by --peer and --relay: the game has no secrets that a player who is master would see */

    /* Words for one of the game's own reasons to refuse. */
    const char *(*reason_text)(int reason);
    /* Draws the table. False if it is not worth showing: then it is shown only where it is drawn in place. */
    bool (*compose)(game_table *table);
    /* What can be typed now. */
    const char *(*prompt)(const game_table *table);
    /* The first state has come: sits down, or says why not. */
    void (*arrive)(game_table *table);
    /* Does what was typed: a line, without spaces. False if it is not understood. */
    bool (*obey)(game_table *table, const char *line);
    /* Optional: says what an event means in this game. True if that is all there is to say. */
    bool (*tell)(game_table *table, const movex_event *event);
    /* Optional: prints how it ended, after --auto. Without it, version and checksum are printed. */
    void (*conclude)(const game_table *table);
} table_game;

/* The program. */
struct game_table {
    const table_game *game;
    command_options           options;
    uint32_t          rounds, pause_ms, robot_count, players; /* as the options have them */
    game_screen            screen;
    movex_master     *master; /* alone only */
    game_connection        at;     /* of the person, or of --auto */
    game_robot             self;   /* --auto only: plays in the person's place */
    game_robot             robots[TABLE_MOST_ROBOTS];
    char              robot_names[TABLE_MOST_ROBOTS][MOVEX_NAME_SIZE];
    bool              connected;
    bool              alone_now; /* in a room: what is accepted is provisional, and that was said */
    bool              bound; /* the first state has come */
    bool              over;  /* to be left, with this code */
    int               code;
    size_t            typed_length; /* bytes of a line that has not ended */
    char              typed[TABLE_LINE_SIZE];
};

/* The whole program. */
int table_main(const table_game *game, int argument_count, char **arguments);

/* For the game's functions: who one is, the state, whether a person plays. */
const char *table_self(const game_table *table);
const void *table_state(const game_table *table);
bool        table_has_person(const game_table *table);

/* Dispatches an action and says so if that is not possible. Its outcome comes as an event. */
void table_dispatch(game_table *table, uint32_t action, const void *payload);
/* The same for what a ticket was asked for otherwise (a pair). */
void table_dispatched(game_table *table, movex_ticket ticket);

/* What is to be said of somebody's presence, behind the name; "" if he is there. */
const char *table_absence(const game_table *table, const char *name);

/* True if people are shown: in plain text without a person the game alone is, so that two players' outputs can be read
   side by side. */
bool table_shows_people(const game_table *table);

/* Draws a line about those who are here and do not play. */
void table_put_spectators(game_table *table, bool (*plays)(const void *state, const char *name));

#endif
