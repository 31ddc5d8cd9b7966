/* A master that is kept in a memory store, with clients over the mock network, to be stopped, killed and started
   again. */
#ifndef MOVEX_TESTS_JOURNAL_WORLD_H
#define MOVEX_TESTS_JOURNAL_WORLD_H

#include "hidden_game.h"
#include "master_internal.h"
#include "meter.h"
#include "row_game.h"

#include <movex/mock.h>
#include <movex/store_memory.h>

enum { JOURNAL_CLIENTS = 4, JOURNAL_FILE_ROOM = 1 << 16 };

typedef struct journal_world {
    movex_store_memory  *disk;
    movex_store          store;
    movex_mock          *net;
    const movex_type    *type; /* what clients bind, with the id "main" */
    movex_master_config  config;
    movex_master        *master; /* NULL: stopped */
    movex_error          error;  /* why it did not start */
    movex_client        *clients[JOURNAL_CLIENTS];
    movex_resource      *bound[JOURNAL_CLIENTS];
    uint32_t             accepted[JOURNAL_CLIENTS], refused[JOURNAL_CLIENTS], expired[JOURNAL_CLIENTS];
    int                  reason[JOURNAL_CLIENTS]; /* of the last that was refused */
    uint32_t             events[32];              /* of the master, by kind */
    movex_status         status; /* of the last event MOVEX_MASTER_STORE or REJECTED */
    char                 text[128]; /* of the last RECOVERED that had one */
    uint64_t             now_ms, frames; /* messages that the master has sent */
    meter                memory; /* the master's */
    uint32_t             undoable; /* of clients that join */
    movex_ticket         undone[16]; /* tickets of UNDONE, in order */
    uint32_t             undone_count;
} journal_world;

typedef struct journal_bytes {
    size_t        length;
    unsigned char bytes[JOURNAL_FILE_ROOM];
} journal_bytes;

/* A running master of row_type, hidden_type and hidden_watched_type. `config` (or NULL) adds to it. */
void journal_start(journal_world *w, const movex_type *type, const movex_master_config *config);
/* Starts a stopped one again; false, with w->error, if it fails. */
bool journal_try_open(journal_world *w);
/* The same; it must succeed. */
void journal_open(journal_world *w);
void journal_stop(journal_world *w);
/* Kills it: of what was not flushed, a part is lost. */
void journal_kill(journal_world *w);
void journal_end(journal_world *w);

/* Client `i`, "c0" to "c3", comes and binds; nothing is polled. */
void journal_join(journal_world *w, int i);
/* Closes the game: says goodbye. */
void journal_leave(journal_world *w, int i);
/* Polls everybody so often, a millisecond each. */
void journal_run(journal_world *w, int polls);
/* The master alone, once. */
void journal_poll_master(journal_world *w);
/* Everybody is in sync with the master, and nothing is pending. */
void journal_settle(journal_world *w);
bool journal_is_settled(const journal_world *w);

movex_ticket journal_append(journal_world *w, int i, int number);
const row   *journal_row(const journal_world *w);
/* The master's resource, which is there. */
movex_hosted journal_hosted(const journal_world *w);

/* ---- files, while no master runs */

void journal_read_file(journal_world *w, const char *name, journal_bytes *file);
void journal_write_file(journal_world *w, const char *name, const journal_bytes *file);
/* Where its records begin, and the end: their count. */
int journal_records(const char *name, const journal_bytes *file, size_t *starts, int room);

#endif
