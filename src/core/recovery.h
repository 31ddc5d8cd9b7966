/* A journal that is gone through once more, record by record: by a master that starts again (master_recover.c), and by
   a replay (replay.c), which has a master of its own. */
#ifndef MOVEX_CORE_RECOVERY_H
#define MOVEX_CORE_RECOVERY_H

#include "master_internal.h"
#include "record.h"

/* One file of it. */
typedef struct movex_recovery {
    movex_master          *master;   /* `recovering` is set; NULL: records are read, and none is taken */
    movex_map             *sessions; /* by number, those that have ended included */
    movex_store_name       name;     /* of the file */
    movex_record_scan      scan;
    movex_master_resource *resource; /* NULL: not made yet, or the sessions' file */
    bool                   skipped;  /* of a type that is not served */
    bool                   takes_room; /* the room in which things are sealed is that of the journal, whichever it is */
    uint64_t               records;  /* taken so far */
    uint8_t                part;     /* of the file: that of the last record (part_of) */
    const unsigned char   *payload;  /* of the record that was read last, lent until the next one is read */
    size_t                 length;   /* of it */
    uint64_t               version;  /* of the resource before that record */
    uint64_t               at;       /* where the record begins that was read last; at the end: behind the last */
    movex_error            cause;    /* of what is wrong */
} movex_recovery;

/* Starts at the beginning of a file whose records have that seed. */
void movex_recovery_open(movex_recovery *recovery, movex_store store, movex_store_file file, uint64_t seed,
                         const movex_allocator *allocator);
/* Reads the next record, which is lent until the next call. MOVEX_OK; MOVEX_ERR_AGAIN: there is none, and scan.state
   says why; or MOVEX_ERR_DAMAGED, with `cause`, for one of no known form. */
int movex_recovery_read(movex_recovery *recovery, movex_journal_record *record);
/* Takes that record. MOVEX_OK, or what is wrong, with `cause`. */
int movex_recovery_take(movex_recovery *recovery, const movex_journal_record *record);
/* After MOVEX_ERR_AGAIN: MOVEX_OK if the file ends where it should, or where a crash has torn it (scan.state); or what
   is wrong, with `cause`. */
int movex_recovery_end(movex_recovery *recovery);
/* What is wrong with a resource, as a whole, after its last record. */
int movex_recovery_check(movex_recovery *recovery);
/* Fills `error` with `cause`, and where it is: "rps:main, byte 4711: ... (after version 12)". Returns the cause's status. */
int movex_recovery_fail(const movex_recovery *recovery, const char *before, movex_error *error);
void movex_recovery_close(movex_recovery *recovery);

/* The text, if it is a name, with a zero at its end; else false. */
bool movex_recovery_take_name(movex_wire_text text, char name[MOVEX_NAME_SIZE]);

#endif
