/** @file status.h
 *  How functions report failure, and the reasons for which an action is refused.
 *
 *  A function that can fail returns a ::movex_status: MOVEX_OK is 0, failures are negative. Where a failure has more to
 *  say than its code (which member of which struct), it also fills a ::movex_error that the caller owns.
 *  Everything here is safe to call from any thread. */
#ifndef MOVEX_STATUS_H
#define MOVEX_STATUS_H

#include <movex/export.h>

#include <stdbool.h>

/** Every status: X(name, value, text). The one list from which the enum and both texts are made. */
#define MOVEX_STATUS_LIST(X)                                                                                           \
    X(OK, 0, "ok")                                                                                                     \
    X(ERR_AGAIN, -1, "not now: nothing to read, or no room to write")                                                  \
    X(ERR_CLOSED, -2, "the connection is closed")                                                                      \
    X(ERR_TIMEOUT, -3, "no answer in time")                                                                            \
    X(ERR_MEMORY, -4, "out of memory")                                                                                 \
    X(ERR_ARGUMENT, -5, "an argument or a configuration value is not valid")                                           \
    X(ERR_LIMIT, -6, "a configured limit is reached")                                                                  \
    X(ERR_SCHEMA, -7, "a schema or a resource type is described wrongly")                                              \
    X(ERR_MALFORMED, -8, "bytes that are truncated, unknown or not canonical")                                         \
    X(ERR_INVALID_STATE, -9, "a value that its schema does not allow")                                                 \
    X(ERR_PROTOCOL, -10, "a message that the protocol does not allow here")                                            \
    X(ERR_UNSUPPORTED, -11, "a protocol version that this build does not speak")                                       \
    X(ERR_DENIED, -12, "not allowed")                                                                                  \
    X(ERR_ID_IN_USE, -13, "this client id belongs to another session")                                                 \
    X(ERR_UNKNOWN_TYPE, -14, "no such resource type here")                                                             \
    X(ERR_FINGERPRINT, -15, "this resource type is described differently on the two sides")                            \
    X(ERR_NOT_FOUND, -16, "no such resource")                                                                          \
    X(ERR_EXISTS, -17, "there is one already")                                                                         \
    X(ERR_NOT_BOUND, -18, "the resource is not bound")                                                                 \
    X(ERR_ADDRESS, -19, "this address is not understood or cannot be used")                                            \
    X(ERR_ADDRESS_IN_USE, -20, "this address is in use by another program")                                            \
    X(ERR_ENTROPY, -21, "an emitter that leaves the process needs the entropy hook (see movex/system.h)")              \
    X(ERR_SYSTEM, -22, "the operating system refused")                                                                 \
    X(ERR_TLS, -23, "a file of certificates or a key cannot be used")                                                  \
    X(ERR_STORE, -24, "what happens cannot be kept now: the store has failed, or is full")                             \
    X(ERR_DAMAGED, -25, "what was kept is damaged")

/** The outcome of a call: MOVEX_OK or a negative MOVEX_ERR_... */
typedef enum movex_status {
#define MOVEX_STATUS_ENUM(name, value, text) MOVEX_##name = (value),
    MOVEX_STATUS_LIST(MOVEX_STATUS_ENUM)
#undef MOVEX_STATUS_ENUM
} movex_status;

/** Every refusal of the library's own: X(name, value, text). A game's own reasons are positive. */
#define MOVEX_REFUSAL_LIST(X)                                                                                          \
    X(ACCEPT, 0, "accepted")                                                                                           \
    X(REFUSE, -1, "refused without a reason of the game's own")                                                        \
    X(REFUSED_INVALID_STATE, -2, "the reducer left a value that the schema does not allow")                            \
    X(REFUSED_RESERVED, -3, "only the master may dispatch this action")                                                \
    X(REFUSED_NOT_BOUND, -4, "its author is not subscribed to the resource")                                           \
    X(REFUSED_UNKNOWN_ACTION, -5, "the resource type has no such action")                                              \
    X(REFUSED_INVALID_PAYLOAD, -6, "the payload is one that its schema does not allow")                                \
    X(REFUSED_PAIR, -7, "this action may not be hidden behind the one that was to be shown")                           \
    X(REFUSED_OVERTAKEN, -8, "what was hidden has been revealed since: it would have been another move")               \
    X(REFUSED_TOO_MANY_HIDDEN, -9, "as many actions are hidden as may be")                                             \
    X(REFUSED_NOT_KEPT, -10, "it cannot be kept: the master's store has failed, or is full")                           \
    X(REFUSED_BEFORE_RESTART, -11, "it was refused before the master started again, which does not know why")           \
    X(REFUSED_NOT_OPENED, -12, "it was sealed, and its author has not opened it in time")                              \
    X(REFUSED_COMMITMENT, -13, "it was sealed, and what its author has opened is something else")                      \
    X(REFUSED_TOO_MANY_SEALED, -14, "as many actions are kept as may be while something is sealed")                    \
    X(REFUSED_UNDECLARED, -15, "it changed something that its touches does not name")

/** What a reducer returns (MOVEX_ACCEPT, MOVEX_REFUSE, or the game's own reason > 0), and the library's own reasons. */
typedef enum movex_refusal {
#define MOVEX_REFUSAL_ENUM(name, value, text) MOVEX_##name = (value),
    MOVEX_REFUSAL_LIST(MOVEX_REFUSAL_ENUM)
#undef MOVEX_REFUSAL_ENUM
} movex_refusal;

/** Bytes of movex_error.text, its final zero included. */
#define MOVEX_ERROR_TEXT_SIZE 256

/** A failure with its explanation. Owned by the caller; filled only when the call fails. */
typedef struct movex_error {
    movex_status status;                      /**< the same as the call returned, if it returns one */
    char         text[MOVEX_ERROR_TEXT_SIZE]; /**< one line, cut to fit; names what is wrong and where */
} movex_error;

MOVEX_BEGIN_DECLARATIONS

/** A status as a sentence without a full stop; "unknown status" for any other number. Static. */
MOVEX_API const char *movex_status_text(int status);

/** A status as the name it has in the code, such as "MOVEX_ERR_MEMORY". Static. */
MOVEX_API const char *movex_status_name(int status);

/** True for a failure that trying again later may cure (a lost connection, a timeout, a full queue); false for one that
 *  will come again until somebody changes something (a wrong address, another protocol version, a refused credential). */
MOVEX_API bool movex_status_is_temporary(int status);

/** Why an action was refused, where the library has the words; "refused for a reason of the game's own" for a
 *  positive reason. Static. */
MOVEX_API const char *movex_refusal_text(int reason);

MOVEX_END_DECLARATIONS

#endif
