/* Recordings: what a master has kept, as a directory of the file store's layout for each run, and an index of them all:

     DIRECTORY/index          a line for each file: "RUN FILE"
     DIRECTORY/RUN/FILE       such as kinds-3-1/kinds%3ar.journal

   They are written and read with the C library alone, so that this goes wherever a C compiler does. */
#ifndef MOVEX_TESTS_PORTABILITY_RECORDING_H
#define MOVEX_TESTS_PORTABILITY_RECORDING_H

#include <movex/store_memory.h>

#include <stdbool.h>
#include <stdio.h>

enum { RECORDING_NAME = 320 };

typedef struct recording {
    const char *directory;
    FILE       *index;
    char        run[RECORDING_NAME], file[RECORDING_NAME]; /* the index's line that comes next, while reading */
    bool        more;
} recording;

/* Anything that goes wrong ends the program with a message. */
void recording_create(recording *r, const char *directory);
/* Keeps what is durable on a disk that no store is open over. */
void recording_keep(recording *r, const char *run, movex_store_memory *disk);
void recording_open(recording *r, const char *directory);
/* A disk with the next run's files, and its name; NULL after the last. */
movex_store_memory *recording_next(recording *r, char run[RECORDING_NAME]);
void                recording_close(recording *r);

_Noreturn void recording_fail(const char *what, const char *name);

#endif
