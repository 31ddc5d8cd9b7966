/* What a player sees: the table and the latest messages. On a terminal it is drawn in place and in colour; elsewhere (a
   pipe, NO_COLOR, TERM=dumb) every change is printed below the last, as plain text. */
#ifndef TICTACTOE_SCREEN_H
#define TICTACTOE_SCREEN_H

#include <movex/client.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { SCREEN_MESSAGES = 4, SCREEN_MESSAGE_SIZE = 320, SCREEN_FRAME_SIZE = 4096 }; /* lines, bytes, bytes */

typedef struct tictactoe_screen {
    FILE       *stream;
    const char *prompt;   /* shown below all else in place; NULL: nobody types */
    bool        in_place; /* draws over what it drew before, in colour */
    bool        stale;    /* there are messages that have not been drawn; only in place */
    uint32_t    message_count;
    char        messages[SCREEN_MESSAGES][SCREEN_MESSAGE_SIZE]; /* the newest, oldest first */
    char        frame[SCREEN_FRAME_SIZE];                       /* as it was drawn last */
} tictactoe_screen;

void screen_open(tictactoe_screen *screen, FILE *stream, const char *prompt);

/* Shows a line for the player; one that says the same as the last is left out. */
void screen_message(tictactoe_screen *screen, const char *format, ...);

/* Forgets what has been said so far. */
void screen_clear_messages(tictactoe_screen *screen);

/* Draws the table as `name` sees it, if anything has changed. In plain text without a prompt it shows the game alone,
   not who comes and goes, so that two players' outputs can be read side by side. */
void screen_draw(tictactoe_screen *screen, const movex_resource *table, const char *name);

#endif
