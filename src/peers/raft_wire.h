/* What Raft's members say to each other: every message as a struct, with its encoding and its strict decoding (docs/peers.md). */
#ifndef MOVEX_PEERS_RAFT_WIRE_H
#define MOVEX_PEERS_RAFT_WIRE_H

#include "raft.h"

#include "../core/wire.h"

typedef enum movex_raft_message_kind {
    MOVEX_RAFT_ASK = 1,   /* for a vote, or whether there would be one */
    MOVEX_RAFT_VOTE,      /* answers ASK */
    MOVEX_RAFT_APPEND,    /* entries, or none: a sign of life */
    MOVEX_RAFT_APPENDED,  /* answers APPEND, and the last piece of a snapshot */
    MOVEX_RAFT_PIECE,     /* of a snapshot */
    MOVEX_RAFT_PIECE_TAKEN, /* answers PIECE, but the last */
    MOVEX_RAFT_STAND,     /* the receiver is to stand for election now: the master hands over */
    MOVEX_RAFT_LET_GO,    /* the sender wants to be removed */
    MOVEX_RAFT_REMOVED    /* the receiver is no member any more */
} movex_raft_message_kind;

typedef enum movex_raft_entry_kind {
    MOVEX_RAFT_NOTHING = 1, /* a new master's first */
    MOVEX_RAFT_CONTENT,
    MOVEX_RAFT_MEMBERSHIP
} movex_raft_entry_kind;

/* Who belongs to a room. `members` with the number 0 are seats that nobody has taken yet. */
typedef struct movex_raft_membership {
    uint64_t          room;
    uint32_t          count; /* 0: not known; up to MOVEX_RAFT_MOST_MEMBERS */
    movex_raft_member members[MOVEX_RAFT_MOST_MEMBERS];
} movex_raft_membership;

typedef struct movex_raft_message {
    movex_raft_message_kind kind;
    uint64_t                room; /* of the sender; 0: none yet */
    bool     was_member;  /* the sender has been one: if it is none any more, it is to come as another */
    bool     settled;     /* a membership of that room is committed; else it may come to nothing */
    uint64_t                term; /* of the sender; ASK, VOTE of a trial: the one that would be */
    bool     trial;       /* ASK, VOTE: nobody votes, it is only asked */
    bool     handed_over; /* ASK: the master wants it */
    bool     granted;     /* VOTE; APPENDED: the entries before were there */
    bool     alone;       /* APPEND, PIECE: the master may commit by itself */
    uint64_t index;       /* ASK: of the last entry; APPEND: of the entry before; APPENDED: of the last that is held, or, if not granted,
                              of one before which all may be the same; PIECE: that it includes; REMOVED: of the membership without it */
    uint64_t index_term;  /* ASK, APPEND, PIECE: of that entry */
    uint64_t committed;   /* APPEND */
    uint32_t count;       /* APPEND: entries */
    movex_wire_bytes entries; /* APPEND: of them, one after the other */
    uint64_t         offset, total; /* PIECE: where it begins, bytes of the whole snapshot; PIECE_TAKEN: offset of the next */
    movex_raft_membership membership; /* PIECE at offset 0 */
    uint64_t         membership_index; /* the same */
    movex_wire_bytes bytes; /* PIECE */
} movex_raft_message;

typedef struct movex_raft_wire_entry {
    uint64_t              term;
    movex_raft_entry_kind kind;
    movex_wire_bytes      bytes;
} movex_raft_wire_entry;

/* Terms and indices stay below it, so that one more is always one more. */
#define MOVEX_RAFT_NUMBER_MOST (UINT64_MAX / 2)
/* Bytes of a snapshot. */
#define MOVEX_RAFT_SNAPSHOT_MOST ((uint64_t)1 << 30)

enum {
    MOVEX_RAFT_MESSAGE_MOST = 128, /* bytes of a message besides entries, bytes and membership */
    MOVEX_RAFT_ENTRY_OVERHEAD = 24,
    MOVEX_RAFT_MEMBERSHIP_MOST = 16 + MOVEX_RAFT_MOST_MEMBERS * (8 + MOVEX_NAME_SIZE + MOVEX_RAFT_ADDRESS_SIZE + 4)
};

/* APPEND: without its entries, which follow. */
void movex_write_raft_message(movex_writer *writer, const movex_raft_message *message);
void movex_write_raft_entry(movex_writer *writer, const movex_raft_wire_entry *entry);
void movex_write_raft_membership(movex_writer *writer, const movex_raft_membership *membership);

/* False if it is not exactly of that form; entries are checked one by one. */
bool movex_read_raft_message(movex_reader *reader, movex_raft_message *message);
/* The next entry of an APPEND that was read. */
bool movex_read_raft_entry(movex_reader *reader, movex_raft_wire_entry *entry);
/* No number and no name comes twice. The first: exactly one, to the end. */
bool movex_read_raft_membership(movex_reader *reader, movex_raft_membership *membership);
bool movex_read_raft_membership_of(movex_reader *reader, movex_raft_membership *membership);

#endif
