/* The wire format: every message as a struct, with its encoding and its strict decoding (docs/wire.md is the norm).

   A frame is a row of messages, without anything between them. A message is one byte that names it, and its fields; a
   `number` is an unsigned LEB128, a `text` a number and as many bytes. What a decoded struct points to lies in the frame. */
#ifndef MOVEX_CORE_WIRE_H
#define MOVEX_CORE_WIRE_H

#include "bytes.h"

#include <movex/client.h>

#define MOVEX_PROTOCOL_VERSION 2
#define MOVEX_TOKEN_SIZE 16
#define MOVEX_COMMITMENT_SIZE 32
#define MOVEX_SALT_SIZE 32

typedef enum movex_message_kind {
    /* both ways */
    MOVEX_MESSAGE_CHUNK = 0x01, /* a part of a message that is longer than a frame */
    MOVEX_MESSAGE_ERROR = 0x02, /* why the sender closes the link; the last message */
    /* client to master */
    MOVEX_MESSAGE_HELLO = 0x10, /* who this is; the first message */
    MOVEX_MESSAGE_BIND,
    MOVEX_MESSAGE_UNBIND,
    MOVEX_MESSAGE_DISPATCH,
    MOVEX_MESSAGE_RESYNC,  /* asks for a snapshot */
    MOVEX_MESSAGE_GOODBYE, /* the session ends */
    MOVEX_MESSAGE_FORGET,  /* what the session has bound before, and not on this link, is not wanted any more */
    MOVEX_MESSAGE_DISPATCH_PRIVATE, /* a pair */
    MOVEX_MESSAGE_DISPATCH_SEALED,  /* a pair, of whose hidden half there is a commitment */
    MOVEX_MESSAGE_OPEN,             /* the hidden halves of what the sender has sealed */
    /* master to client */
    MOVEX_MESSAGE_WELCOME = 0x20, /* answers HELLO */
    MOVEX_MESSAGE_BOUND,          /* answers BIND */
    MOVEX_MESSAGE_BIND_REFUSED,   /* answers BIND */
    MOVEX_MESSAGE_UNBOUND,        /* answers UNBIND, or says that the master has ended the subscription */
    MOVEX_MESSAGE_SNAPSHOT,
    MOVEX_MESSAGE_OUTCOME, /* of a dispatch that made no entry, or whose entry is in the state already */
    MOVEX_MESSAGE_SUBSCRIBER,
    MOVEX_MESSAGE_OVERTURNED, /* a dispatch of the receiver's that was accepted has no effect, as a reveal has shown */
    MOVEX_MESSAGE_SEALED,       /* belongs to the SNAPSHOT that follows: what is sealed in it, or was forfeited before it */
    MOVEX_MESSAGE_SEALED_ENTRY, /* a pair of which there is a commitment */
    MOVEX_MESSAGE_CLOSING,      /* what is sealed is to be opened */
    MOVEX_MESSAGE_OPENING,      /* somebody has opened what it has sealed */
    MOVEX_MESSAGE_DEADLINE,     /* the time for that is over */
    MOVEX_MESSAGE_ENTRY = 0x40 /* to 0x7f: an entry of the log, with flags in the low bits */
} movex_message_kind;

/* A text within a frame; not zero-terminated, without zero bytes. */
typedef struct movex_wire_text {
    const char *bytes;
    uint32_t    length;
} movex_wire_text;

typedef struct movex_wire_bytes {
    const void *bytes;
    size_t      length;
} movex_wire_bytes;

typedef struct movex_chunk_message {
    bool             last;
    movex_wire_bytes part; /* not empty */
} movex_chunk_message;

typedef struct movex_error_message {
    movex_status    status;
    int             reason; /* of the hook that decided, else 0 */
    movex_wire_text text;   /* at most MOVEX_ERROR_TEXT_SIZE - 1 bytes */
} movex_error_message;

typedef struct movex_hello_message {
    uint64_t        protocol;
    uint64_t        max_frame; /* bytes of the longest frame that the client takes, at least MOVEX_IO_MIN_FRAME */
    movex_wire_text id, info, credentials;
    bool            resumes; /* a token follows */
    unsigned char   token[MOVEX_TOKEN_SIZE];
} movex_hello_message;

typedef struct movex_welcome_message {
    uint64_t      protocol;
    uint64_t      max_frame; /* bytes of the longest frame that the master takes */
    uint64_t      epoch;
    uint64_t      now_ms;  /* master time */
    uint64_t      pending; /* most dispatches unanswered on one resource, at least 1 */
    bool          resumed; /* the session of the token goes on; else it is a new one */
    unsigned char token[MOVEX_TOKEN_SIZE];
} movex_welcome_message;

typedef struct movex_bind_message {
    uint64_t        tag; /* the client's name for the request */
    movex_wire_text type, id;
    uint64_t        fingerprint;
    uint64_t        subscription; /* that it goes on with, as BOUND called it; 0: a new one */
    bool            resumes; /* the client holds a confirmed state: the rest follows */
    uint64_t        epoch, version, checksum;
    uint64_t        answered; /* the last sequence whose outcome the client knows */
    uint64_t        base;     /* from this version on the client can fold again: at most `version` */
    uint64_t        revealed; /* the version of the last reveal that the client has seen, at most `version`; 0: none */
} movex_bind_message;

typedef struct movex_bound_message {
    uint64_t tag;
    uint32_t number;   /* the master's name for the resource, used by all later messages */
    uint64_t subscription; /* the session's name for this subscription, never used again; at least 1 */
    uint64_t sequence; /* the last of this subscriber's dispatches that the master has handled */
    uint64_t subscribers; /* how many SUBSCRIBER messages follow: all there are */
    bool     resumed;  /* then the entries that the client missed follow; else a snapshot does */
} movex_bound_message;

typedef struct movex_bind_refused_message {
    uint64_t        tag;
    movex_status    status;
    int             reason; /* of the may_bind hook, else 0 */
    movex_wire_text text;
} movex_bind_refused_message;

typedef struct movex_unbound_message {
    uint32_t        number;
    movex_status    status; /* MOVEX_OK: as was asked for */
    movex_wire_text text;
} movex_unbound_message;

typedef struct movex_dispatch_message {
    uint32_t         number;
    uint64_t         sequence; /* one more than the one before; the first is 1 */
    uint32_t         action;
    movex_wire_bytes payload; /* canonical encoding */
} movex_dispatch_message;

typedef struct movex_dispatch_private_message {
    movex_dispatch_message hidden;   /* what its author does */
    uint64_t               revealed; /* the version of the last reveal that the author had seen; 0: none */
    uint32_t               shown_action;
    movex_wire_bytes       shown_payload; /* canonical encoding */
} movex_dispatch_private_message;

/* Records of a reveal, one after the other, as movex_write_reveal_record writes them. */
typedef struct movex_wire_records {
    uint64_t         count;
    movex_wire_bytes bytes;
} movex_wire_records;

/* One entry of which a reveal says something. In the form of names only author is there, in that of halves the rest. */
typedef struct movex_reveal_record {
    uint64_t         back;   /* versions before the one that names it: less from record to record */
    movex_wire_text  author; /* names: of the entry */
    bool             known;  /* halves: the receiver has the half itself, its own; nothing follows */
    uint32_t         action; /* halves: of the hidden half */
    movex_wire_bytes payload; /* halves: canonical encoding */
    bool             seeded; /* halves: it drew random values */
    uint64_t         seed;   /* seeded */
} movex_reveal_record;

typedef struct movex_snapshot_message {
    uint32_t           number;
    uint64_t           version, now_ms, checksum;
    uint64_t           sequence; /* the last of the receiver's dispatches that it includes */
    uint64_t           revealed; /* the version of the last reveal; 0: none */
    movex_wire_records records;  /* names: of that reveal, if the receiver has missed it; back from `revealed` */
    movex_wire_bytes   state;    /* canonical encoding */
} movex_snapshot_message;

typedef struct movex_outcome_message {
    uint32_t number;
    uint64_t sequence;
    int      reason; /* MOVEX_ACCEPT: its entry is in the receiver's state already */
} movex_outcome_message;

typedef struct movex_overturned_message {
    uint32_t number;
    uint64_t sequence;
    int      reason; /* why the reducer refuses it now; not MOVEX_ACCEPT */
} movex_overturned_message;

typedef enum movex_presence { MOVEX_PRESENCE_LEFT, MOVEX_PRESENCE_HERE, MOVEX_PRESENCE_AWAY } movex_presence;

typedef struct movex_subscriber_message {
    uint32_t        number;
    uint32_t        slot; /* short name of the subscriber, by which entries name their authors; used again after LEFT */
    movex_presence  presence;
    bool            named; /* id and info follow: the slot has a new holder */
    movex_wire_text id, info;
} movex_subscriber_message;

/* Flags of an entry, in the low bits of its first byte. */
enum {
    MOVEX_ENTRY_OWN = 1u << 0,      /* the receiver's own dispatch: a sequence stands for author, action and payload */
    MOVEX_ENTRY_SEEDED = 1u << 1,   /* random values were drawn: their seed follows */
    MOVEX_ENTRY_BY_NAME = 1u << 2,  /* the author's id instead of its slot: the master's own, or one who may have left */
    MOVEX_ENTRY_PATCHED = 1u << 3,  /* a difference follows, from what the receiver has computed to what it is to hold */
    MOVEX_ENTRY_REVEALS = 1u << 4,  /* all that was hidden is revealed with it: PATCHED, by the difference; else by halves */
    MOVEX_ENTRY_NEXT = 1u << 5,     /* OWN: no sequence follows, it is the one after the greatest that was told on this link */
    MOVEX_ENTRY_FLAGS = 0x3f        /* the bits in use */
};

typedef struct movex_entry_message {
    unsigned         flags;
    uint32_t         number;
    uint64_t         version;
    uint64_t         elapsed_ms; /* master time since the entry before */
    uint64_t         sequence;   /* OWN; written and read unless NEXT */
    uint32_t         slot;       /* neither OWN nor BY_NAME */
    movex_wire_text  author;     /* BY_NAME; may be empty: the master itself */
    uint32_t         action;     /* not OWN */
    movex_wire_bytes payload;    /* not OWN; empty if the action is the master's alone */
    uint64_t         seed;       /* SEEDED */
    uint64_t         checksum;   /* of the receiver's view after the entry, its patch and its reveal */
    movex_wire_bytes patch;      /* PATCHED: a difference, as movex_codec_patch takes it */
    movex_wire_records records;  /* REVEALS: names if PATCHED, else halves; at least one; back from `version` */
} movex_entry_message;

/* ---- sealed pairs */

typedef struct movex_dispatch_sealed_message {
    movex_dispatch_message shown;
    uint64_t               revealed; /* the version of the last reveal that the author had seen; 0: none */
    unsigned char          commitment[MOVEX_COMMITMENT_SIZE];
} movex_dispatch_sealed_message;

/* One half that is opened. */
typedef struct movex_opening_record {
    uint64_t             back; /* versions before CLOSING: less from record to record, at least 1 */
    const unsigned char *salt; /* MOVEX_SALT_SIZE bytes */
    uint32_t             action;
    movex_wire_bytes     payload; /* canonical encoding */
} movex_opening_record;

typedef struct movex_open_message {
    uint32_t           number;
    uint64_t           closing; /* the version of CLOSING */
    movex_wire_records records; /* openings; those that are not there are forfeited */
} movex_open_message;

typedef struct movex_sealed_entry_message {
    uint32_t         number;
    uint64_t         version;
    uint64_t         elapsed_ms; /* master time since the entry before */
    movex_wire_text  author;     /* not empty */
    uint64_t         subscription, sequence; /* of the dispatch */
    uint32_t         action; /* that is shown */
    movex_wire_bytes payload;
    uint64_t         seed; /* of the entry */
    unsigned char    commitment[MOVEX_COMMITMENT_SIZE];
    uint64_t         checksum; /* of the public state after it */
} movex_sealed_entry_message;

/* CLOSING, OPENING or DEADLINE: a version in which no action is done, but perhaps all that was sealed. */
typedef struct movex_sealed_step_message {
    movex_message_kind kind;
    uint32_t           number;
    uint64_t           version, elapsed_ms;
    uint64_t           deadline_ms; /* CLOSING: master time */
    movex_wire_text    author;      /* OPENING; not empty */
    movex_wire_records records;     /* OPENING */
    bool               reveals;     /* OPENING: it was the last; DEADLINE: always */
    uint64_t           checksum;    /* of the public state after it and its reveal */
} movex_sealed_step_message;

/* An entry that was sealed, and for which what was shown of it stands. */
typedef struct movex_forfeit_record {
    uint64_t        back; /* versions before that of SEALED */
    movex_wire_text author;
    int             reason; /* not MOVEX_ACCEPT */
} movex_forfeit_record;

typedef struct movex_sealed_message {
    uint32_t           number;
    uint64_t           version;  /* of the SNAPSHOT that follows */
    movex_wire_records forfeits; /* of the last reveal, if the receiver may have missed it; forfeit records */
    movex_wire_bytes   round;    /* movex_sealed_write; empty: nothing is sealed */
} movex_sealed_message;

/* An upper bound of what any message takes besides its texts and bytes. */
#define MOVEX_MESSAGE_OVERHEAD 128

/* Writing: the writer has room. The byte that names the message is written too. Chunks are written where messages are
   split, in channel.c. */
void movex_write_error(movex_writer *writer, const movex_error_message *message);
void movex_write_hello(movex_writer *writer, const movex_hello_message *message);
void movex_write_welcome(movex_writer *writer, const movex_welcome_message *message);
void movex_write_bind(movex_writer *writer, const movex_bind_message *message);
void movex_write_bound(movex_writer *writer, const movex_bound_message *message);
void movex_write_bind_refused(movex_writer *writer, const movex_bind_refused_message *message);
void movex_write_unbound(movex_writer *writer, const movex_unbound_message *message);
void movex_write_dispatch(movex_writer *writer, const movex_dispatch_message *message);
void movex_write_dispatch_private(movex_writer *writer, const movex_dispatch_private_message *message);
void movex_write_snapshot(movex_writer *writer, const movex_snapshot_message *message);
void movex_write_outcome(movex_writer *writer, const movex_outcome_message *message);
void movex_write_overturned(movex_writer *writer, const movex_overturned_message *message);
void movex_write_subscriber(movex_writer *writer, const movex_subscriber_message *message);
void movex_write_entry(movex_writer *writer, const movex_entry_message *message);
void movex_write_dispatch_sealed(movex_writer *writer, const movex_dispatch_sealed_message *message);
void movex_write_open(movex_writer *writer, const movex_open_message *message);
void movex_write_sealed_entry(movex_writer *writer, const movex_sealed_entry_message *message);
void movex_write_sealed_step(movex_writer *writer, const movex_sealed_step_message *message);
void movex_write_sealed(movex_writer *writer, const movex_sealed_message *message);
/* UNBIND and RESYNC: the kind and the resource's number. GOODBYE and FORGET: the kind alone. */
void movex_write_numbered(movex_writer *writer, movex_message_kind kind, uint32_t number);

/* Reading: behind the byte that names the message. False if it is not exactly of that form; then its content is
   undefined. Lengths and ranges are checked here; what a number refers to is its receiver's to check. */
bool movex_read_chunk(movex_reader *reader, movex_chunk_message *message);
bool movex_read_error(movex_reader *reader, movex_error_message *message);
bool movex_read_hello(movex_reader *reader, movex_hello_message *message);
bool movex_read_welcome(movex_reader *reader, movex_welcome_message *message);
bool movex_read_bind(movex_reader *reader, movex_bind_message *message);
bool movex_read_bound(movex_reader *reader, movex_bound_message *message);
bool movex_read_bind_refused(movex_reader *reader, movex_bind_refused_message *message);
bool movex_read_unbound(movex_reader *reader, movex_unbound_message *message);
bool movex_read_dispatch(movex_reader *reader, movex_dispatch_message *message);
bool movex_read_dispatch_private(movex_reader *reader, movex_dispatch_private_message *message);
bool movex_read_snapshot(movex_reader *reader, movex_snapshot_message *message);
bool movex_read_outcome(movex_reader *reader, movex_outcome_message *message);
bool movex_read_overturned(movex_reader *reader, movex_overturned_message *message);
bool movex_read_subscriber(movex_reader *reader, movex_subscriber_message *message);
bool movex_read_entry(movex_reader *reader, unsigned flags, movex_entry_message *message);
bool movex_read_numbered(movex_reader *reader, uint32_t *number);
bool movex_read_dispatch_sealed(movex_reader *reader, movex_dispatch_sealed_message *message);
bool movex_read_open(movex_reader *reader, movex_open_message *message);
bool movex_read_sealed_entry(movex_reader *reader, movex_sealed_entry_message *message);
bool movex_read_sealed_step(movex_reader *reader, movex_message_kind kind, movex_sealed_step_message *message);
bool movex_read_sealed(movex_reader *reader, movex_sealed_message *message);

/* The most bytes of a record besides its payload. */
#define MOVEX_RECORD_OVERHEAD 64
void movex_write_reveal_record(movex_writer *writer, bool halves, const movex_reveal_record *record);
/* Checks that `records` are `count` records of that form, whose `back` goes down, and starts at `most` at the most. */
bool movex_records_are_sound(const movex_wire_records *records, bool halves, uint64_t most);
/* The next record of a reader over sound records; false at the end. */
bool movex_next_reveal_record(movex_reader *reader, bool halves, movex_reveal_record *record);

/* Of openings, which are records with their count in front; the payload of each is room for itself. */
void movex_write_opening_record(movex_writer *writer, const movex_opening_record *record);
void movex_write_openings(movex_writer *writer, const movex_wire_records *records);
/* False if they are not sound. */
bool movex_read_openings(movex_reader *reader, movex_wire_records *records);
bool movex_next_opening_record(movex_reader *reader, movex_opening_record *record);
void movex_write_forfeit(movex_writer *writer, const movex_forfeit_record *record);
bool movex_next_forfeit(movex_reader *reader, movex_forfeit_record *record);

#endif
