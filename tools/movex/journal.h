/* What the commands look into: a journal as a file, with the game's types if they are given. */
#ifndef MOVEX_TOOL_JOURNAL_H
#define MOVEX_TOOL_JOURNAL_H

#include "arguments.h"
#include "games.h"

#include <movex/replay.h>

#include <stddef.h>

typedef struct journal {
    unsigned char *bytes; /* of the file */
    size_t         length;
    movexd_games   games;
    movex_replay  *replay;
} journal;

/* Reads a whole file, as it is now. NULL, and it has been said why, if that fails; to be freed. */
unsigned char *journal_read(const char *path, size_t *length);

/* Loads a game; NULL: none. False, and it has been said why, if that fails. */
bool journal_load(movexd_games *games, char *path);

/* Opens what the first operands name, FILE or DIRECTORY TYPE:ID, with the game that follows, if one does. False, and it
   has been said why, if that fails; close it in either case. */
bool journal_open(journal *opened, const arguments *given);

/* Opens what has been read of a file, with games that may be somebody else's. False, and it has been said why, if that
   fails. */
bool journal_start(journal *opened, const char *path, const movexd_games *games);

void journal_close(journal *opened);

/* Says what was wrong with it, on standard error. FAILURE. */
int journal_complain(const journal *opened);

/* Says that its end is torn, if it is. TORN or SUCCESS. */
int journal_end(const journal *opened);

#endif
