/* A client at the shell: what it dispatches, and what it prints of what happens. */
#ifndef MOVEX_TOOL_PLAYER_H
#define MOVEX_TOOL_PLAYER_H

#include "arguments.h"
#include "games.h"

#include <movex/client.h>

typedef struct player {
    const arguments *given;
    movexd_games     games;
    const movex_type *type;
    const char      *name; /* of the resource, TYPE:ID */
    movex_client    *client;
    movex_resource  *resource;
    void            *state;       /* the confirmed one, as it was printed last */
    void            *payloads[2]; /* room for any payload: the action's, and what is shown of it */
    uint64_t         version;     /* of state */
    movex_ticket     first;       /* of its dispatches, which are counted from 1 */
    bool             connected, bound;
    bool             over;   /* nothing more is to be had */
    bool             failed; /* something was refused, or went wrong */
} player;

/* player_show.c: prints an event; and the state. */
void player_event(player *p, const movex_event *event);
void player_state(const player *p);

/* player_line.c: does what a line asks for. */
void player_line(player *p, const char *line);

#endif
