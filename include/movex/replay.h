/** @file replay.h
 *  A replay: goes through the journal of one resource (docs/journal.md) again, entry by entry, and shows what anybody could see
 *  at any version.
 *
 *      movex_replay *replay = movex_replay_new(&(movex_replay_config){
 *          .types = MOVEX_TYPES(&rps_type), .bytes = bytes, .length = length, .error = &error });
 *      while (movex_replay_step(replay) == MOVEX_OK) look_at(replay);
 *
 *  It runs the same code as a master that starts again, so it finds what that would find: every record's checksum is
 *  checked, and every state's. Without the type of the resource, records can be listed, and no states are made.
 *
 *  A replay stands before the first record when it is new. Going forwards replays; going backwards replays from the file's
 *  beginning. The file is only read. It may grow meanwhile: what has come is seen after a rewind; but once a store has begun
 *  it anew, open another replay.
 *
 *  Threads: one replay is used by one thread at a time. */
#ifndef MOVEX_REPLAY_H
#define MOVEX_REPLAY_H

#include <movex/allocator.h>
#include <movex/determinism.h>
#include <movex/export.h>
#include <movex/store.h>
#include <movex/type.h>

/** One journal that is gone through. */
typedef struct movex_replay movex_replay;

/** Settings of a replay. Zero means the default. Copied, but not what they point to. */
typedef struct movex_replay_config {
    const movex_type *const *types; /**< of which one is the resource's, by its name; default: none, and records are only listed */
    const void              *bytes;  /**< the journal: the content of a file; it must outlive the replay */
    size_t                   length; /**< of bytes */
    movex_store              store;  /**< or a file of a store, which stays the caller's and must outlive the replay */
    const char              *file;   /**< its name there, such as "rps:table-1" */
    movex_determinism *determinism; /**< every action is run twice, and what differs is told here (determinism.h). Default: off */
    movex_allocator    allocator;   /**< for all that the replay holds */
    movex_error       *error;       /**< filled if movex_replay_new fails; may be NULL; not kept */
} movex_replay_config;

/** What a record is; docs/journal.md says what each means. */
typedef enum movex_replay_kind {
    MOVEX_REPLAY_RESOURCE = 0x01,      /**< the first: type, name (the resource's id), type_version, fingerprint */
    MOVEX_REPLAY_STATE = 0x02,         /**< the public state at a version: checksum, bytes */
    MOVEX_REPLAY_ENTRY = 0x03,         /**< one version more */
    MOVEX_REPLAY_SUBSCRIBED = 0x04,    /**< name is the client's */
    MOVEX_REPLAY_UNSUBSCRIBED = 0x05,  /**< name is the client's */
    MOVEX_REPLAY_REFUSED = 0x06,       /**< reason */
    MOVEX_REPLAY_HIDING = 0x07,        /**< from: the version before the first hidden entry */
    MOVEX_REPLAY_HIDER = 0x08,         /**< name, and bytes: what it sees */
    MOVEX_REPLAY_FULL = 0x09,          /**< bytes: what there would be if all were revealed */
    MOVEX_REPLAY_PAIR = 0x0a,          /**< from: the version that the entry has made; name; hidden */
    MOVEX_REPLAY_REVEALED = 0x0b,      /**< from: the version that the entry has made; name */
    MOVEX_REPLAY_OVERTURNED = 0x0c,    /**< reason; from: the version of the reveal that has shown it, or 0 */
    MOVEX_REPLAY_SEALED = 0x0d,        /**< bytes: what is sealed, and all entries since (docs/journal.md) */
    MOVEX_REPLAY_FORFEITED = 0x0e,     /**< from: the version that the entry has made; reason */
    MOVEX_REPLAY_CLOSING = 0x0f,       /**< one version more: what is sealed is to be opened; number: until when, master time */
    MOVEX_REPLAY_OPENING = 0x10,       /**< one version more: name has opened what it has sealed; number: so many halves */
    MOVEX_REPLAY_DEADLINE = 0x11,      /**< one version more: the time for that is over */
    MOVEX_REPLAY_ROOM = 0x12,          /**< name: of the room in which everything hidden is sealed */
    MOVEX_REPLAY_SESSIONS = 0x20,      /**< the first of the file of the sessions */
    MOVEX_REPLAY_START = 0x21,         /**< a master has started; number: its epoch */
    MOVEX_REPLAY_SESSION = 0x22,       /**< session, name */
    MOVEX_REPLAY_SESSION_OVER = 0x23,  /**< session, name */
    MOVEX_REPLAY_SESSION_ENDED = 0x24  /**< session, name */
} movex_replay_kind;

/** One half of an entry. */
typedef struct movex_replay_half {
    uint32_t    action;  /**< index into the type's table */
    const char *name;    /**< of the action; "" without the type */
    const void *payload; /**< as the type's struct; NULL if it has none, without the type, or if the bytes are not of its form */
    const void *bytes;   /**< the payload's canonical encoding */
    size_t      length;  /**< of bytes */
    bool        drew;    /**< random values, from `seed` */
    uint64_t    seed;    /**< see drew */
} movex_replay_half;

/** A record; what its kind does not have is 0 or "". Lent until the next call on the replay that is not a mere reading one. */
typedef struct movex_replay_record {
    movex_replay_kind kind;    /**< which says what the others mean */
    uint64_t          offset;  /**< where it begins in the file */
    uint64_t          size;    /**< bytes that it takes there */
    uint64_t          version; /**< ENTRY, CLOSING, OPENING, DEADLINE: that it makes; STATE: that it has; others: that they come after */
    uint64_t          now_ms;  /**< master time of that version */
    uint64_t          checksum; /**< STATE, and what makes a version: of the public state then */
    const char       *name;    /**< ENTRY: its author's id, "" for the master; others: see their kinds */
    uint64_t          session; /**< the number of a client's session; 0: the master's own */
    uint64_t          subscription; /**< the session's number for it; with session and sequence it names a dispatch */
    uint64_t          sequence;     /**< of the subscription's dispatches */
    bool              hides;   /**< ENTRY: it has a hidden half */
    bool              seals;   /**< ENTRY: it has a sealed half, of which there is a commitment */
    bool              reveals; /**< ENTRY: with it, all that was hidden was revealed */
    movex_replay_half shown;   /**< ENTRY */
    movex_replay_half hidden;  /**< ENTRY that hides, PAIR */
    int               reason;  /**< REFUSED, OVERTURNED, FORFEITED */
    uint64_t          from;    /**< see the kinds */
    uint64_t          number;  /**< see the kinds */
    const char       *type;    /**< RESOURCE: the name of the type */
    uint64_t          type_version; /**< RESOURCE */
    uint64_t          fingerprint;  /**< RESOURCE: of the type's rules */
    const void       *bytes;   /**< STATE, HIDER, FULL: a state's canonical encoding; SEALED */
    size_t            length;  /**< of bytes */
} movex_replay_record;

/** Where a replay stands. */
typedef struct movex_replay_position {
    uint64_t version;  /**< of the state that it shows */
    uint64_t checksum; /**< of the public state, before redaction, as the journal has it */
    uint64_t now_ms;   /**< master time of that version */
    uint64_t first;    /**< the first version that the file has */
    uint64_t offset;   /**< bytes of the file that have been gone through */
    uint64_t records;  /**< that have been gone through */
    uint32_t hidden;   /**< entries with a half that is not revealed; 0 without the type */
    bool     stands;   /**< on a version: not before the first, nor in the file of the sessions */
    bool     at_end;   /**< nothing follows but what is torn */
    uint64_t torn;     /**< at the end: bytes behind the last whole record, which a crash has torn, or which are being written */
} movex_replay_position;

MOVEX_BEGIN_DECLARATIONS

/** Opens a journal and reads whose it is; nothing else is checked yet. NULL with config.error filled: MOVEX_ERR_ARGUMENT,
 *  MOVEX_ERR_NOT_FOUND (no such file), MOVEX_ERR_DAMAGED (it begins with no record of a journal's, or is empty),
 *  MOVEX_ERR_UNSUPPORTED (another format), MOVEX_ERR_UNKNOWN_TYPE (types were given, and it is of none of them),
 *  MOVEX_ERR_SCHEMA, MOVEX_ERR_MEMORY, or what the store says. The name of a file that is given as bytes is not needed: it is
 *  found from the first record, which proves it. */
MOVEX_API movex_replay *movex_replay_new(const movex_replay_config *config);

/** Frees a replay; NULL is ignored. */
MOVEX_API void movex_replay_free(movex_replay *replay);

/** The file's name in its store, such as "rps:table-1" (with a colon, even if the type's name has one), or "sessions". */
MOVEX_API const char *movex_replay_name(const movex_replay *replay);

/** The type's name; "" for the file of the sessions. */
MOVEX_API const char *movex_replay_type_name(const movex_replay *replay);

/** The rules of its type, which live as long as the replay; NULL without the type. */
MOVEX_API const movex_rules *movex_replay_rules(const movex_replay *replay);

/** Goes on by one record, and tells what it is (`record` may be NULL). MOVEX_OK; MOVEX_ERR_AGAIN: there are no more, see
 *  movex_replay_position; or what is wrong, which movex_replay_error names with byte, version and what differs:
 *  MOVEX_ERR_DAMAGED, MOVEX_ERR_FINGERPRINT (the type is described differently now), MOVEX_ERR_INVALID_STATE (the reducer, or
 *  can_reconcile, makes something else of an entry now), MOVEX_ERR_MALFORMED, MOVEX_ERR_MEMORY. After a failure it goes no
 *  further, but can be rewound, and seek versions before it. */
MOVEX_API int movex_replay_next(movex_replay *replay, movex_replay_record *record);

/** Goes on to the next version that the file has, and through all that belongs to it; from the start, to the first. As
 *  movex_replay_next. */
MOVEX_API int movex_replay_step(movex_replay *replay);

/** Goes to a version, forwards or backwards. MOVEX_ERR_NOT_FOUND if the file does not have it (then it stands at its last, or
 *  first, version); otherwise as movex_replay_next. */
MOVEX_API int movex_replay_seek(movex_replay *replay, uint64_t version);

/** Goes to the end: every checksum has been checked then. MOVEX_OK, or as movex_replay_next. */
MOVEX_API int movex_replay_finish(movex_replay *replay);

/** Stands before the first record again. */
MOVEX_API void movex_replay_rewind(movex_replay *replay);

/** Where it stands. */
MOVEX_API movex_replay_position movex_replay_at(const movex_replay *replay);

/** What has made the version at which it stands: an ENTRY, a STATE, or a step of what was sealed. False if it stands on none. */
MOVEX_API bool movex_replay_made_by(movex_replay *replay, movex_replay_record *record);

/** Copies the state at the version at which it stands, as `viewer` might know it then, into `state` and its checksum into
 *  `checksum` (either may be NULL): as movex_master_view, with "" for the public and NULL for everything.
 *  MOVEX_ERR_NOT_FOUND without the type, or where it stands on no version; MOVEX_ERR_MEMORY; or, after an entry that could not be
 *  replayed, what was wrong with it. */
MOVEX_API int movex_replay_view(const movex_replay *replay, const char *viewer, void *state, uint64_t *checksum);

/** What was wrong at the last failure. Never NULL. */
MOVEX_API const movex_error *movex_replay_error(const movex_replay *replay);

/** A kind as docs/journal.md has it, such as "ENTRY". Static. */
MOVEX_API const char *movex_replay_kind_name(movex_replay_kind kind);

MOVEX_END_DECLARATIONS

#endif
