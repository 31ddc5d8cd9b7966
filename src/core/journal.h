/* What stands in a journal: every record as a struct, with its encoding and its strict decoding (docs/journal.md is the norm).

   A journal is a file of a store, a row of records, each framed and checksummed by record.h. A record is one byte that names
   it, and its fields, of the kinds that messages are made of. What a decoded struct points to lies in the record.

   A resource's file:  RESOURCE, a snapshot, and what has happened since. A snapshot is STATE, then, if something is hidden,
                       HIDING, a HIDER for each, FULL, a PAIR for each; REVEALED, FORFEITED; SEALED, if something is;
                       SUBSCRIBED, REFUSED, OVERTURNED for each. ROOM comes right after the first STATE.
   The sessions' file: SESSIONS, then START at each start of the master, and what has happened to sessions. */
#ifndef MOVEX_CORE_JOURNAL_H
#define MOVEX_CORE_JOURNAL_H

#include "wire.h"

#define MOVEX_JOURNAL_FORMAT 1

typedef enum movex_journal_kind {
    MOVEX_JOURNAL_RESOURCE = 0x01,     /* the first record of a resource's file */
    MOVEX_JOURNAL_STATE = 0x02,        /* the state at a version: a snapshot begins, or the state was replaced */
    MOVEX_JOURNAL_ENTRY = 0x03,        /* one version more */
    MOVEX_JOURNAL_SUBSCRIBED = 0x04,   /* a subscription begins, or is at this */
    MOVEX_JOURNAL_UNSUBSCRIBED = 0x05, /* it has ended */
    MOVEX_JOURNAL_REFUSED = 0x06,      /* a dispatch made no entry */
    MOVEX_JOURNAL_HIDING = 0x07,       /* snapshot: something is hidden */
    MOVEX_JOURNAL_HIDER = 0x08,        /* snapshot: somebody who has hidden something, with the view that comes of it */
    MOVEX_JOURNAL_FULL = 0x09,         /* snapshot: the view in which everything is revealed */
    MOVEX_JOURNAL_PAIR = 0x0a,         /* snapshot: a hidden half */
    MOVEX_JOURNAL_REVEALED = 0x0b,     /* snapshot: an entry that the last reveal has revealed */
    MOVEX_JOURNAL_OVERTURNED = 0x0c,   /* snapshot: a dispatch that was accepted, and that the full view refuses */

    MOVEX_JOURNAL_SEALED = 0x0d,       /* snapshot: what is sealed, and all entries since */
    MOVEX_JOURNAL_FORFEITED = 0x0e,    /* snapshot: an entry that the last reveal has let stand as it was shown */
    MOVEX_JOURNAL_CLOSING = 0x0f,      /* one version more: what is sealed is to be opened */
    MOVEX_JOURNAL_OPENING = 0x10,      /* one version more: somebody has opened what it has sealed */
    MOVEX_JOURNAL_DEADLINE = 0x11,     /* one version more: the time for that is over */
    MOVEX_JOURNAL_ROOM = 0x12,         /* snapshot: everything hidden is sealed, in a room of that name */

    MOVEX_JOURNAL_SESSIONS = 0x20,      /* the first record of the sessions' file */
    MOVEX_JOURNAL_START = 0x21,         /* the master has started */
    MOVEX_JOURNAL_SESSION = 0x22,       /* a session begins, or is at this */
    MOVEX_JOURNAL_SESSION_OVER = 0x23,  /* it has ended, and is kept for its token alone */
    MOVEX_JOURNAL_SESSION_ENDED = 0x24, /* nothing of it is kept */
} movex_journal_kind;

typedef struct movex_journal_resource {
    uint64_t        format;
    movex_wire_text type, id;
    uint64_t        type_version;
    uint64_t        fingerprint; /* of the type's rules */
} movex_journal_resource;

typedef struct movex_journal_state {
    uint64_t         version, now_ms;
    uint64_t         revealed; /* the version of the last reveal, or put; 0: none */
    uint64_t         checksum; /* of the state */
    movex_wire_bytes state;    /* the public one: its canonical encoding */
} movex_journal_state;

/* One half of what an entry has done. */
typedef struct movex_journal_half {
    uint32_t         action;
    movex_wire_bytes payload; /* canonical encoding */
    bool             drew;    /* random values, in some view */
    uint64_t         seed;    /* of them */
} movex_journal_half;

typedef struct movex_journal_entry {
    uint64_t           elapsed_ms;                      /* since the entry before */
    uint64_t           session, subscription, sequence; /* of the dispatch; session 0: the master's own */
    movex_wire_text    author;                          /* session 0: in whose name; may be empty */
    movex_journal_half shown, hidden;
    bool               hides;
    bool               reveals;  /* with it, all that was hidden was revealed */
    uint64_t           checksum; /* of the public state after it */
    bool               seals;    /* there is a commitment to what its author does; not together with `hides` */
    unsigned char      commitment[MOVEX_COMMITMENT_SIZE];
} movex_journal_entry;

/* CLOSING, OPENING or DEADLINE. */
typedef struct movex_journal_step {
    movex_journal_kind kind;
    uint64_t           elapsed_ms;  /* since the entry before */
    uint64_t           deadline_ms; /* CLOSING: master time */
    movex_wire_text    author;      /* OPENING */
    movex_wire_records records;     /* OPENING: openings, back from CLOSING */
    uint64_t           checksum;    /* of the public state after it, and its reveal */
} movex_journal_step;

typedef struct movex_journal_forfeited {
    uint64_t version;
    int      reason; /* not MOVEX_ACCEPT */
} movex_journal_forfeited;

typedef struct movex_journal_subscribed {
    uint64_t        session, subscription;
    movex_wire_text id;       /* the session's */
    uint64_t        sequence; /* the last of its dispatches that was handled */
} movex_journal_subscribed;

/* UNSUBSCRIBED without sequence and reason; REFUSED without revealed. */
typedef struct movex_journal_dispatch {
    uint64_t session, subscription, sequence;
    bool     with_session; /* UNSUBSCRIBED: its session has ended, which the sessions' file may not know */
    int      reason;
    uint64_t revealed; /* OVERTURNED: the version of the reveal that has shown it; 0: none yet */
} movex_journal_dispatch;

typedef struct movex_journal_hiding {
    uint64_t base;     /* the version before the first hidden entry */
    bool     foldable; /* clients have all random seeds that they need */
} movex_journal_hiding;

typedef struct movex_journal_hider {
    uint64_t         session; /* FULL: 0, and no id */
    movex_wire_text  id;
    movex_wire_bytes state;
} movex_journal_hider;

typedef struct movex_journal_pair {
    uint64_t           version, session, subscription, sequence;
    movex_wire_text    author;
    movex_journal_half hidden;
} movex_journal_pair;

typedef struct movex_journal_revealed {
    uint64_t        version;
    movex_wire_text author;
} movex_journal_revealed;

typedef struct movex_journal_start {
    uint64_t epoch;
    uint64_t sessions; /* that were ever made */
} movex_journal_start;

typedef struct movex_journal_session {
    uint64_t        number;
    movex_wire_text id, info;
    unsigned char   token[MOVEX_TOKEN_SIZE];
} movex_journal_session;

/* An upper bound of what any record takes besides its texts, payloads and states. */
#define MOVEX_JOURNAL_OVERHEAD 128

/* Writing: the writer has room. The byte that names the record is written too. */
void movex_journal_write_resource(movex_writer *writer, const movex_journal_resource *record);
void movex_journal_write_state(movex_writer *writer, const movex_journal_state *record);
void movex_journal_write_entry(movex_writer *writer, const movex_journal_entry *record);
void movex_journal_write_subscribed(movex_writer *writer, const movex_journal_subscribed *record);
/* UNSUBSCRIBED, REFUSED or OVERTURNED. */
void movex_journal_write_dispatch(movex_writer *writer, movex_journal_kind kind, const movex_journal_dispatch *record);
void movex_journal_write_hiding(movex_writer *writer, const movex_journal_hiding *record);
/* HIDER or FULL. */
void movex_journal_write_hider(movex_writer *writer, movex_journal_kind kind, const movex_journal_hider *record);
void movex_journal_write_pair(movex_writer *writer, const movex_journal_pair *record);
void movex_journal_write_revealed(movex_writer *writer, const movex_journal_revealed *record);
void movex_journal_write_sealed(movex_writer *writer, movex_wire_bytes round);
void movex_journal_write_forfeited(movex_writer *writer, const movex_journal_forfeited *record);
void movex_journal_write_step(movex_writer *writer, const movex_journal_step *record);
void movex_journal_write_room(movex_writer *writer, movex_wire_text room);
void movex_journal_write_sessions(movex_writer *writer);
void movex_journal_write_start(movex_writer *writer, const movex_journal_start *record);
void movex_journal_write_session(movex_writer *writer, const movex_journal_session *record);
/* SESSION_OVER or SESSION_ENDED. */
void movex_journal_write_session_end(movex_writer *writer, movex_journal_kind kind, uint64_t number);

/* Any record, as it was read. */
typedef struct movex_journal_record {
    movex_journal_kind kind;
    union {
        movex_journal_resource   resource;
        movex_journal_state      state;
        movex_journal_entry      entry;
        movex_journal_subscribed subscribed;
        movex_journal_dispatch   dispatch;
        movex_journal_hiding     hiding;
        movex_journal_hider      hider;
        movex_journal_pair       pair;
        movex_journal_revealed   revealed;
        movex_wire_bytes         sealed; /* movex_sealed_write */
        movex_journal_forfeited  forfeited;
        movex_journal_step       step;
        movex_wire_text          room;
        movex_journal_start      start;
        movex_journal_session    session;
        uint64_t                 number; /* of a session */
        uint64_t                 format; /* SESSIONS */
    } of;
} movex_journal_record;

/* Reads a whole record; false if it is not exactly of one of these forms. What a number refers to is the caller's to check. */
bool movex_journal_read(const void *bytes, size_t length, movex_journal_record *record);

#endif
