/* The screen: what has been said scrolls in the upper part, and below stand a line about the room and the line that
   is being typed. All of it is drawn anew when something has changed, so nothing that comes in disturbs what is being
   typed. */
#ifndef CHAT_TERMINAL_H
#define CHAT_TERMINAL_H

#include "input.h"
#include "transcript.h"

#include <termios.h>

enum { TERMINAL_MAX_ROWS = 500 };

typedef struct chat_terminal {
    struct termios before; /* as the shell had it */
    unsigned       rows, columns;
    uint32_t       scrolled; /* rows between the bottom and the newest one */
    bool           coloured;
    bool           stale; /* what is shown is not so any more */
} chat_terminal;

/* What is shown besides the transcript. */
typedef struct terminal_view {
    const chat_transcript *transcript;
    const transcript_line *pending; /* below the transcript, dimmed */
    uint32_t               pending_count;
    const char            *status;
    const input_line      *input;
} terminal_view;

/* True if standard input and output are a terminal that can be drawn on. */
bool terminal_is_there(void);

/* Takes over the screen and the keyboard; false if the system refuses. */
bool terminal_open(chat_terminal *terminal);

/* Gives both back as they were. */
void terminal_close(const chat_terminal *terminal);

/* Asks how large the screen is now. */
void terminal_measure(chat_terminal *terminal);

/* Moves by `pages` screens into what was said before, or back if negative. */
void terminal_scroll(chat_terminal *terminal, int pages);

/* Draws all if something has changed. */
void terminal_draw(chat_terminal *terminal, const terminal_view *view);

/* The terminal's bell. */
void terminal_ring(void);

#endif
