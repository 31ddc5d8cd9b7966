/* What a relay and its members say to each other, for both of them (docs/relay.md is the norm). A frame is one message.

   Reading is the only door for what a stranger sends: lengths, ranges and texts are checked here, once. What a number refers to
   is its receiver's to check. */
#ifndef MOVEX_RELAY_PROTOCOL_H
#define MOVEX_RELAY_PROTOCOL_H

#include <movex/relay.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MOVEX_RELAY_VERSION = 1,
    MOVEX_RELAY_FRAME_COST = 32, /* of a member's credit, for each frame besides its bytes */
    /* Bytes of the longest message but DATA: a JOIN with the longest texts. */
    MOVEX_RELAY_MOST_MESSAGE = 1 + 1 + 8 + 3 + MOVEX_RELAY_ROOM_MAX + MOVEX_RELAY_TOKEN_MAX + MOVEX_RELAY_NAME_MAX
};
_Static_assert((int)MOVEX_RELAY_MOST_MESSAGE <= MOVEX_IO_MIN_FRAME, "every emitter carries every message");

typedef enum movex_relay_kind {
    MOVEX_RELAY_JOIN = 1, /* the member's first: version, key, room, token, name */
    MOVEX_RELAY_JOINED,   /* that it is in, behind a PEER for each that was there: number, key, bytes */
    MOVEX_RELAY_REFUSED,  /* that it is out, or not let in: reason; the link is closed then */
    MOVEX_RELAY_PEER,     /* another member: number, name */
    MOVEX_RELAY_GONE,     /* is not there any more: number */
    MOVEX_RELAY_CREDIT,   /* may send more: bytes */
    MOVEX_RELAY_DATA,     /* to and from another member: number, data */
    MOVEX_RELAY_OPEN,     /* the same: a link, dialled or accepted: number */
    MOVEX_RELAY_CLOSE     /* the same: refused or closed: number */
} movex_relay_kind;

/* Why a member is refused or sent away: X(name, value, text). */
#define MOVEX_RELAY_REASON_LIST(X)                                                                                     \
    X(MALFORMED, 1, "a message that is malformed or not allowed there")                                                \
    X(VERSION, 2, "it speaks another version of the protocol")                                                         \
    X(TOKEN, 3, "the token is not accepted")                                                                           \
    X(NAME, 4, "a member of that name is in the room")                                                                 \
    X(ROOM_FULL, 5, "the room is full")                                                                                \
    X(RELAY_FULL, 6, "there are as many rooms as may be, or it is out of memory")                                      \
    X(LATE, 7, "no room was joined in time")                                                                           \
    X(IDLE, 8, "nothing was sent for too long")                                                                        \
    X(CREDIT, 9, "more was sent than allowed")                                                                         \
    X(SLOW, 10, "what was sent to it was not taken fast enough")                                                       \
    X(REPLACED, 11, "the same member has come again over another connection")                                          \
    X(STOPPING, 12, "the relay stops")

typedef enum movex_relay_reason {
#define MOVEX_RELAY_REASON_ENUM(name, value, text) MOVEX_RELAY_REASON_##name = (value),
    MOVEX_RELAY_REASON_LIST(MOVEX_RELAY_REASON_ENUM)
#undef MOVEX_RELAY_REASON_ENUM
} movex_relay_reason;

/* Static. Any number is one that a later version may give. */
const char *movex_relay_reason_text(unsigned reason);

/* A message. What its kind does not have is undefined. */
typedef struct movex_relay_message {
    movex_relay_kind     kind;
    uint8_t              version; /* JOIN; of any other than MOVEX_RELAY_VERSION nothing more is known */
    uint8_t              reason;  /* REFUSED; 1 or more */
    uint32_t             number;  /* of a member, in its room; 1 or more. JOINED: the receiver's own. On the way to the relay:
                                     to whom; from it: from whom */
    uint32_t             bytes;   /* 1 or more. JOINED: the most credit, and what there is; CREDIT: how much more */
    uint64_t             key;     /* JOINED: proves who it is on the next connection; JOIN: that of the last one, or any */
    const unsigned char *data;    /* DATA; lent */
    size_t               length;  /* DATA; 1 or more */
    char                 room[MOVEX_RELAY_ROOM_MAX + 1];   /* JOIN */
    char                 token[MOVEX_RELAY_TOKEN_MAX + 1]; /* JOIN; may be "" */
    char                 name[MOVEX_RELAY_NAME_MAX + 1];   /* JOIN, PEER */
} movex_relay_message;

/* False if the frame is not exactly one message; then its content is undefined. Texts are filled up with zeros. */
bool movex_relay_read(const void *frame, size_t length, movex_relay_message *message);

/* Writes any message but DATA over MOVEX_RELAY_MOST_MESSAGE bytes; returns how many they are. */
size_t movex_relay_write(const movex_relay_message *message, unsigned char *frame);

/* Writes what comes before the bytes of DATA, MOVEX_RELAY_HEADER bytes; or changes the number of DATA, OPEN and CLOSE. */
void movex_relay_write_header(unsigned char *frame, movex_relay_kind kind, uint32_t number);

/* Whether a text can be a room (1 to `most` bytes) or the like: no control characters. */
bool movex_relay_text_is_sound(const char *text, size_t least, size_t most);

#endif
