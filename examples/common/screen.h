/* What a player sees: the table, the latest messages, and what can be typed. On a terminal it is drawn in place and in
   colour, and what is being typed stays; elsewhere (a pipe, NO_COLOR, TERM=dumb) every change is printed below the
   last, as plain text. */
#ifndef COMMON_SCREEN_H
#define COMMON_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SCREEN_MESSAGES = 4, SCREEN_MESSAGE_SIZE = 320, SCREEN_FRAME_SIZE = 4096 }; /* lines, bytes, bytes */

/* Styles of ECMA-48 terminals. */
#define SCREEN_PLAIN "\033[0m"
#define SCREEN_BOLD "\033[1m"
#define SCREEN_DIM "\033[2m"
#define SCREEN_RED "\033[1;31m"
#define SCREEN_GREEN "\033[1;32m"
#define SCREEN_BLUE "\033[1;34m"

typedef struct game_screen {
    FILE    *stream;
    bool     is_typed_at; /* there is a person */
    bool     in_place;    /* draws over what it drew before, in colour */
    bool     in_unicode;  /* symbols beyond ASCII can be shown */
    unsigned rows, columns;
    uint32_t message_count;
    char     messages[SCREEN_MESSAGES][SCREEN_MESSAGE_SIZE]; /* the newest, oldest first */
    size_t   length;
    char     frame[SCREEN_FRAME_SIZE]; /* in the making */
    char     shown[SCREEN_FRAME_SIZE]; /* as it was shown last; "" for nothing */
    char     prompt[SCREEN_MESSAGE_SIZE];
    unsigned prompt_row; /* in place: where what is typed stands; 0: to be drawn anew */
    bool     stale;      /* in place: messages have come or gone */
} game_screen;

void screen_open(game_screen *screen, FILE *stream, bool is_typed_at);

/* Shows a line for the player; one that says the same as the last is left out. */
void screen_message(game_screen *screen, const char *format, ...);

/* Forgets what has been said so far. */
void screen_clear_messages(game_screen *screen);

/* Begins a frame, which is made by what follows. */
void screen_begin(game_screen *screen);
void screen_put(game_screen *screen, const char *format, ...);
/* Text in a style, where the screen has styles. */
void screen_put_styled(game_screen *screen, const char *style, const char *text);
/* Text in at least so many columns. */
void screen_put_padded(game_screen *screen, const char *style, const char *text, unsigned columns);

/* Shows the frame if it is another than the last. `prompt` says what can be typed. */
void screen_show(game_screen *screen, const char *prompt);

/* A line was entered: the cursor is elsewhere, so all is to be drawn anew. */
void screen_entered(game_screen *screen);

#endif
