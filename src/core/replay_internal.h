/* The inside of a replay: a recovery into a master of its own, which nobody else knows. */
#ifndef MOVEX_CORE_REPLAY_INTERNAL_H
#define MOVEX_CORE_REPLAY_INTERNAL_H

#include "recovery.h"

#include <movex/replay.h>

/* A client, by the number of its session: entries name their authors by it. */
typedef struct movex_replay_client {
    uint64_t session;
    char     id[MOVEX_NAME_SIZE];
} movex_replay_client;

struct movex_replay {
    movex_allocator       allocator;
    const unsigned char  *bytes; /* of a journal that is given so */
    size_t                length;
    movex_store           store; /* over them, or the caller's */
    movex_store_file      file;
    uint64_t              seed;
    char                  name[MOVEX_STORE_NAME_MAX + 1], type[MOVEX_NAME_SIZE], id[MOVEX_NAME_SIZE];
    movex_master         *master;   /* NULL: records are listed only */
    movex_map             sessions; /* of the recovery */
    movex_recovery        recovery;
    movex_map             clients; /* by session: movex_replay_client */
    movex_journal_record  held;    /* read, and not taken yet */
    bool                  is_held;
    movex_buffer          made;                    /* the record that has made the version at which it stands */
    uint64_t              made_at;                 /* where it begins */
    char                  author[MOVEX_NAME_SIZE]; /* of the record that was told of last */
    char                  room[MOVEX_SEALED_ROOM_MAX + 1];
    void                 *payloads[2];             /* shown, hidden */
    size_t                payload_size;
    movex_replay_position at;
    int                   failed;  /* why it goes no further; MOVEX_OK: it does */
    bool                  spoiled; /* it has failed within a record: the state is that of no version */
    movex_error           error;
};

/* ---- replay_tell.c */

/* Remembers the client that a record speaks of. False if there is no memory. */
bool movex_replay_know_client(movex_replay *replay, const movex_journal_record *record);
/* What a record says; but for where it stands in the file, and what comes of those before. */
void movex_replay_tell(movex_replay *replay, const movex_journal_record *record, movex_replay_record *told);

#endif
