/* How states and records are printed. */
#ifndef MOVEX_TOOL_SHOW_H
#define MOVEX_TOOL_SHOW_H

#include <movex/replay.h>

#include <stdio.h>

/* A text as a string of JSON. */
void show_string(FILE *out, const char *text);

/* A state or payload as JSON. */
void show_json(FILE *out, const movex_codec *codec, const void *state);

/* A record in a line, without its end: "alice: append {"number":5}, checksum 0123456789abcdef". */
void show_record(FILE *out, const movex_replay *replay, const movex_replay_record *record);

/* The same as an object of JSON. */
void show_record_json(FILE *out, const movex_replay *replay, const movex_replay_record *record);

/* At most eight fields in which two states differ: "turn: 2 -> 3". Nothing if there are none. */
void show_changes(FILE *out, const movex_codec *codec, const void *before, const void *after);

#endif
