/** @file relay.h
 *  The relay emitter: links between peers that cannot reach each other, all through one relay (`movexd --relay`) that they can.
 *  See docs/relay.md.
 *
 *  It is an emitter over another one, usually a websocket's, by which it dials the relay once and joins a room under a name.
 *  Each other member of the room is one link at the most. Once `listen` has been called, members that listen as well have
 *  links to each other as soon as both are there, without dialling: each side gets OPENED, with the other's name as text, and
 *  CLOSED when the other goes, closes the link or is lost.
 *
 *  `open` dials a member by name. Without an address it dials `peer`; without that, whoever is there without a link or comes
 *  next, for as long as that takes. MOVEX_ERR_EXISTS: there is a link to that member. MOVEX_ERR_CLOSED: the room is joined,
 *  and nobody of that name is there.
 *
 *  Whenever the emitter is not in its room, `open` and `listen` dial the relay. It reads no clock and dials by itself at no
 *  other time: when the relay is lost, or refuses, all links and dials end in CLOSED, and the next `open`, after whatever
 *  pause its caller keeps, joins the room again. Who listens without a dial that waits is told of no loss while nobody
 *  else is in the room; so keep one: `open` without an address.
 *
 *  The relay tells how much a member may send, and says when it may send more; until then `send` returns MOVEX_ERR_AGAIN.
 *
 *  The relay sees all frames and could change them. It is trusted with what the frames hold, as a server is.
 *
 *  Who owns what: it owns the inner emitter. Threads: as the inner emitter. */
#ifndef MOVEX_RELAY_H
#define MOVEX_RELAY_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/io.h>

#define MOVEX_RELAY_NAME_MAX 31   /**< bytes of a member's name */
#define MOVEX_RELAY_ROOM_MAX 63   /**< bytes of a room's name */
#define MOVEX_RELAY_TOKEN_MAX 127 /**< bytes of a token */
/** Bytes that a frame has on its way besides its own: by so much frames are shorter than those of the inner emitter. */
#define MOVEX_RELAY_HEADER 5

/** Settings of a relay emitter. Zero means the default. Copied. Texts have no control characters. */
typedef struct movex_relay_config {
    movex_io        io;        /**< reaches the relay when `open` is given no address, such as movex_ws_connect(url); owned from now
                                    on, also on failure; carries frames of MOVEX_IO_MIN_FRAME + MOVEX_RELAY_HEADER bytes or more */
    const char     *room;      /**< which room; 1 to MOVEX_RELAY_ROOM_MAX bytes */
    const char     *name;      /**< what the others know this member by; 1 to MOVEX_RELAY_NAME_MAX bytes; one in a room at a time */
    const char     *token;     /**< by which the relay lets it in; who has another is in another room; NULL: "" */
    const char     *peer;      /**< whom `open` dials when it is given no address; NULL: whoever is there, or comes */
    uint32_t        max_links; /**< other members and dials at once, up to 65,536; a room with more is left; default 256 */
    movex_allocator allocator; /**< for the emitter, but not for the inner one */
} movex_relay_config;

MOVEX_BEGIN_DECLARATIONS

/** A relay emitter. Nothing is dialled before `listen` or `open`, which also say what is wrong with the settings:
 *  MOVEX_ERR_ARGUMENT. NULL `self` if `io` could not be made or its table is not complete, or memory ran out. Owned by whoever
 *  takes it. */
MOVEX_API movex_io movex_relay(const movex_relay_config *config);

MOVEX_END_DECLARATIONS

#endif
