/* What has been said and what has happened, line by line, as it is shown. */
#ifndef CHAT_TRANSCRIPT_H
#define CHAT_TRANSCRIPT_H

#include "room.h"

enum { TRANSCRIPT_LINES = 512, TRANSCRIPT_LINE_SIZE = 384 }; /* lines that are kept; bytes of one */

typedef enum transcript_kind {
    TRANSCRIPT_MESSAGE = 1, /* the master has confirmed it */
    TRANSCRIPT_PENDING,     /* one's own, not confirmed yet */
    TRANSCRIPT_NOTICE       /* who comes and goes, what the connection does */
} transcript_kind;

typedef struct transcript_line {
    transcript_kind kind;
    char            text[TRANSCRIPT_LINE_SIZE]; /* safe to show */
} transcript_line;

typedef struct chat_transcript {
    message         last;  /* the newest that was followed; id 0: none */
    uint32_t        count; /* lines kept */
    uint32_t        first; /* place of the oldest in `lines`, which is a ring */
    transcript_line lines[TRANSCRIPT_LINES];
} chat_transcript;

/* How a room continues what one has seen of it. */
typedef enum transcript_sequel {
    TRANSCRIPT_GOES_ON = 1,
    TRANSCRIPT_HAS_A_GAP,  /* more has been said meanwhile than the room keeps */
    TRANSCRIPT_BEGINS_ANEW /* it is another room than before: its master has started again */
} transcript_sequel;

/* From which message of the confirmed room on all is new. */
uint32_t transcript_find_new(const chat_transcript *transcript, const room *seen, transcript_sequel *sequel);

/* Adds a message, and remembers it as the last that was followed. Returns its line. */
const transcript_line *transcript_add_message(chat_transcript *transcript, const message *said);

/* Adds a line about something else; NULL if it only repeats the newest line. */
const transcript_line *transcript_add_notice(chat_transcript *transcript, const char *text);

/* The line `back` lines before the newest (0); `back` is less than `count`. */
const transcript_line *transcript_at(const chat_transcript *transcript, uint32_t back);

/* A message as it is shown: its time of day here, its author, its text. */
void transcript_show_message(transcript_line *line, transcript_kind kind, const message *said);

#endif
