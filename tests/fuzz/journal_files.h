/* Files of a store, made of an input: whole records with right checksums, so that what stands in them is reached, and
   damage. */
#ifndef MOVEX_TESTS_FUZZ_JOURNAL_FILES_H
#define MOVEX_TESTS_FUZZ_JOURNAL_FILES_H

#include "fuzz.h"
#include "journal.h"
#include "table_game.h"

#include <movex/store.h>

enum { JOURNAL_FILES = 5, JOURNAL_ROOM = 1 << 15, JOURNAL_PEOPLE = 4, JOURNAL_SESSIONS = 16 };

typedef struct journal_file {
    movex_store_name name;
    uint64_t         seed;
    size_t           length, last; /* bytes; where the last record begins */
    unsigned char    bytes[JOURNAL_ROOM];

    /* of a resource: what its entries come to, so that their checksums can be right */
    int      type; /* < 0: of none */
    uint64_t version, now_ms;
    bool     hides;
    table    shown, full;
} journal_file;

typedef struct journal_files {
    journal_file files[JOURNAL_FILES];
    uint32_t     count;
    movex_rules *rules[TABLE_TYPES];
    char         people[JOURNAL_SESSIONS][MOVEX_NAME_SIZE]; /* by the number of their session; "": not known yet */
} journal_files;

/* Whose name that is: "p0" to "p3". */
const char *journal_person(uint32_t number);

/* Makes files of all of the input. `rules` is filled in already, the rest is zero. */
void journal_make(journal_files *all, fuzz_input *input);

#endif
