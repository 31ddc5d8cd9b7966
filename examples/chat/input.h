/* The line that is being typed on a terminal whose own editing is off. */
#ifndef CHAT_INPUT_H
#define CHAT_INPUT_H

#include "room.h"

/* What a byte that came in has done. */
typedef enum input_outcome {
    INPUT_NOTHING = 1, /* a part of something longer, or of no meaning here */
    INPUT_CHANGED,     /* the line is another */
    INPUT_FULL,        /* the character does not fit any more */
    INPUT_ENTERED,     /* the line is complete: to be taken, and cleared */
    INPUT_PAGE_UP,
    INPUT_PAGE_DOWN,
    INPUT_REDRAW, /* Ctrl-L */
    INPUT_LEAVE   /* Ctrl-D on an empty line */
} input_outcome;

/* All zero to begin with. */
typedef struct input_line {
    size_t length; /* bytes; whole characters only */
    char   text[sizeof(((say *)0)->text)];
    size_t part_length; /* bytes of a character whose end has not come */
    char   part[4];
    enum { INPUT_TEXT, INPUT_ESCAPE, INPUT_SEQUENCE, INPUT_FUNCTION } mode; /* within which escape sequence */
    unsigned number; /* first number of the escape sequence */
    bool     number_ended;
} input_line;

/* Takes a byte from the keyboard. */
input_outcome input_take(input_line *line, char byte);

/* Makes the line empty. */
void input_clear(input_line *line);

#endif
