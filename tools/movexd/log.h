/* The server's log: one line per event, as `key=value` pairs (logfmt), on one stream.

       2026-11-20T20:13:44.123Z level=info event=subscribed peer=alice resource=tictactoe:table-1 version=3

   Values come from strangers. One that has anything but plain printable characters is quoted, and what could end the
   quotes, the line or the terminal's peace is escaped, so that nobody can forge a line or a field. */
#ifndef MOVEXD_LOG_H
#define MOVEXD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum movexd_level { MOVEXD_ERROR, MOVEXD_WARNING, MOVEXD_INFO, MOVEXD_DEBUG } movexd_level;

typedef struct movexd_log {
    FILE        *stream;
    movexd_level level; /* lines above it are not written */
} movexd_log;

/* Bytes of one line; values that do not fit are cut and end in "...". */
#define MOVEXD_LINE_SIZE 8192

/* A line in the making. */
typedef struct movexd_line {
    size_t length; /* bytes used of text */
    bool   full;   /* something has been cut; nothing is added any more */
    char   text[MOVEXD_LINE_SIZE];
} movexd_line;

/* The level of that name; false if there is none. */
bool movexd_level_parse(const char *name, movexd_level *level);

/* Starts a line with time (milliseconds since 1970), level and event. */
void movexd_line_begin(movexd_line *line, uint64_t unix_ms, movexd_level level, const char *event);
/* Adds a field. Keys are the program's own and need no escaping. A NULL or empty value is left out. */
void movexd_line_text(movexd_line *line, const char *key, const char *value);
void movexd_line_number(movexd_line *line, const char *key, uint64_t value);
void movexd_line_checksum(movexd_line *line, uint64_t checksum);
/* Adds `resource=TYPE:ID`; left out if type is NULL or empty. */
void movexd_line_resource(movexd_line *line, const char *type, const char *id);

/* A whole line of level error, now: what has failed, of what (`key` may be NULL), and why. */
void movexd_log_failure(const movexd_log *log, const char *event, const char *key, const char *value, const char *cause);

/* True if lines of that level are written. */
bool movexd_log_wants(const movexd_log *log, movexd_level level);
/* Ends the line and writes it in one piece. */
void movexd_log_write(const movexd_log *log, movexd_line *line);

#endif
