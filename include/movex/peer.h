/** @file peer.h
 *  A peer: one of several players who play without a server. All run the same program; one of them is elected master, the
 *  others follow it, and the match outlives any of them. See docs/peers.md.
 *
 *  A program polls the peer with its own time (`now_ms`, which never runs backwards), drains its events, and binds, dispatches
 *  and reads through the peer's one client, as with a server. Whoever is master runs it within its peer; the program notices
 *  by an event alone. Nothing blocks, nothing calls back but reducers and the hooks of the configuration.
 *
 *  What is acknowledged is held by a majority of the room's members, and survives as long as a majority does. Members are
 *  agreed on as entries are: whoever comes is taken in, whoever is silent for too long is removed, one at a time. While fewer
 *  than a majority reach each other, dispatches stay pending.
 *
 *  The master is a player too: movex_dispatch_private is always sealed in a room of peers (docs/secrets.md), and types with
 *  `redact` or MOVEX_MASTER_ONLY actions are refused, since their secrets would be the master's.
 *
 *  Threads: one peer, with its client, is used by one thread at a time. */
#ifndef MOVEX_PEER_H
#define MOVEX_PEER_H

#include <movex/client.h>
#include <movex/master.h>
#include <movex/store.h>

/** One peer of a room: its links to the others, its client, and the master while it is the one. */
typedef struct movex_peer movex_peer;

/** The most members of a room. */
#define MOVEX_ROOM_MAX 16
/** The longest name of a room, in bytes. */
#define MOVEX_ROOM_NAME_MAX 63
/** The longest address of a peer, in bytes. */
#define MOVEX_ADDRESS_MAX 127

/** Settings of a peer. Zero means the default. Copied, texts and lists included (the types themselves are not). */
typedef struct movex_peer_config {
    const char              *id;    /**< required: who this is, 1 to MOVEX_NAME_MAX bytes; the author of its actions. It differs from
                                         that of every other peer of the room */
    const char              *room;  /**< required: the name of the room, 1 to MOVEX_ROOM_NAME_MAX bytes */
    const movex_type *const *types; /**< required: MOVEX_TYPES(&a, &b), a list ended by NULL */
    movex_io                 io;    /**< required: by which others are dialled, and dial; owned from now on, also on failure */
    const char *const *peers;      /**< addresses of others, which are dialled for as long as they are not reached; NULL for one: the
                                        address that the emitter was made with */
    uint32_t           peer_count; /**< of these addresses */
    uint32_t           room_size;  /**< how many peers the room begins with, this one included, up to MOVEX_ROOM_MAX: nobody is master
                                        before a majority of them has met. The same for all; default: `peer_count` + 1 */
    const char *address;     /**< at which others can dial this one; default: what those who have dialled it say */
    const char *info;        /**< what other subscribers are told with the id; default "" */
    const char *credentials; /**< for the `authenticate` hooks of the others; default "" */
    /** Decides whether another peer is who it says, on every link: MOVEX_ACCEPT or a reason. The same on all peers: whoever is
     *  master takes it for proven then. Default: anybody is. */
    int (*authenticate)(void *user, const movex_hello *hello);
    /** Fills `bytes` with what nobody can guess. Default: movex_system_entropy, or with a `seed` what comes from that. */
    int (*entropy)(void *user, void *bytes, size_t length);
    void *user; /**< handed to the hooks as it is */
    uint64_t seed; /**< not 0, for tests: where everything random comes from if there is no `entropy` */

    movex_store store; /**< where this peer's part of the room is kept, so that it comes back as itself. Owned from now on, also on
                            failure; default: nowhere, and a peer that starts again is a new member */
    /** In a room of two, each goes on alone while the other is away. What is accepted meanwhile is *provisional*
     *  (movex_event.provisional): if both have gone on, one side's is undone when they meet, with a MOVEX_EVENT_UNDONE for each
     *  ticket. The same on both. */
    bool     survivor_goes_on;
    uint32_t heartbeat_ms; /**< between signs of life of a master; default 50 */
    uint32_t election_ms;  /**< without one for so long, up to twice that, another is elected; default 300 */
    uint32_t founding_ms;  /**< how long a majority waits for the others before the room begins without them; default 1,000 */
    uint32_t silent_ms;    /**< after which a silent peer is removed; default 10,000; UINT32_MAX: never */

    uint32_t seal_ms;      /**< how long the authors of what is sealed have to open it, in master time, unless their type says;
                                default 10,000 */

    movex_limits       limits;      /**< of its client, and of its master while it is the one */
    movex_determinism *determinism; /**< for tests: as of clients and masters */
    movex_allocator    allocator;   /**< for all that the peer holds, but not its emitter and its store */
    movex_error       *error;       /**< filled if movex_peer_new fails; may be NULL; not kept */
} movex_peer_config;

/** A member of a room. Lent until the next poll. */
typedef struct movex_member {
    const char *id;      /**< its peer's */
    const char *address; /**< at which it can be dialled; "" if nobody knows */
    bool        linked;  /**< there is a link to it; true for this peer itself */
    bool        master;  /**< it is the master, as far as this peer knows */
} movex_member;

MOVEX_BEGIN_DECLARATIONS

/** Makes a peer, which listens from now on and dials at its first poll. NULL with config.error filled: MOVEX_ERR_ARGUMENT
 *  (which member; also a type that keeps secrets for a master), MOVEX_ERR_SCHEMA, what the emitter's `listen` says
 *  (MOVEX_ERR_ADDRESS_IN_USE), MOVEX_ERR_SYSTEM (no entropy), MOVEX_ERR_STORE, MOVEX_ERR_DAMAGED or MOVEX_ERR_UNSUPPORTED (of the
 *  store), or MOVEX_ERR_MEMORY. Emitter and store are destroyed then. */
MOVEX_API movex_peer *movex_peer_new(const movex_peer_config *config);

/** Frees the peer with its client, its master, its emitter and its store, without a word to the others, as if its process had
 *  died; movex_peer_leave comes before, if there is time. NULL is ignored. */
MOVEX_API void movex_peer_free(movex_peer *peer);

/** Takes what has come from others, elects, orders, brings states up to date, sends what is due. Never blocks. MOVEX_OK, or the
 *  status with which the peer has given up for good (as MOVEX_EVENT_CLOSED says). Should be called once a frame, or when
 *  movex_peer_wait returns, and in any case more often than `heartbeat_ms`. */
MOVEX_API int movex_peer_poll(movex_peer *peer, uint64_t now_ms);

/** The next event of the peer or of its client, oldest first of each; false when there is none. */
MOVEX_API bool movex_peer_next(movex_peer *peer, movex_event *event);

/** The peer's client, through which everything is bound. It lives as long as the peer, which polls and drains it. */
MOVEX_API movex_client *movex_peer_client(movex_peer *peer);

/** Sleeps until something arrives, the peer has something to do, or `timeout_ms` have passed; at once if its emitter cannot
 *  wait. */
MOVEX_API void movex_peer_wait(movex_peer *peer, uint32_t timeout_ms);

/** The time at which movex_peer_poll will have something to do even if nothing arrives; UINT64_MAX for never. */
MOVEX_API uint64_t movex_peer_deadline(const movex_peer *peer);

/** Leaves the room on purpose: a master hands over first, so that nobody waits, and then the others take this one off the
 *  members. Go on polling until MOVEX_EVENT_CLOSED (MOVEX_OK) has come; while no majority is reachable it does not. */
MOVEX_API void movex_peer_leave(movex_peer *peer);

/** The id that it was made with. */
MOVEX_API const char *movex_peer_id(const movex_peer *peer);
/** The id of the master, as far as this peer knows; "" while there is none. */
MOVEX_API const char *movex_peer_master(const movex_peer *peer);
/** True while this peer is the master. */
MOVEX_API bool movex_peer_is_master(const movex_peer *peer);
/** The term: it grows with every election. */
MOVEX_API uint64_t movex_peer_term(const movex_peer *peer);
/** The member at `index`; false past the last. There are none before the room has begun. */
MOVEX_API bool movex_peer_member_at(const movex_peer *peer, uint32_t index, movex_member *member);
/** Figures of its client, with `links`, and frames and bytes of all links to other peers. All zero for NULL. */
MOVEX_API movex_stats movex_peer_stats(const movex_peer *peer);

MOVEX_END_DECLARATIONS

#endif
