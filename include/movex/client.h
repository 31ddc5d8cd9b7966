/** @file client.h
 *  A client: binds resources, dispatches actions optimistically, follows the master.
 *
 *  A program polls the client with its own time (`now_ms`, which never runs backwards), drains its events and reads its
 *  resources. Nothing blocks, nothing calls back but reducers, and nothing happens between calls. After a lost
 *  connection the client dials again by itself; resources stay valid, and dispatches made meanwhile are sent later.
 *
 *  What a function or an event lends (states, names, texts) lives until the next call on that client or its resources that
 *  is not a mere reading one.
 *
 *  Threads: one client is used by one thread at a time. */
#ifndef MOVEX_CLIENT_H
#define MOVEX_CLIENT_H

#include <movex/allocator.h>
#include <movex/determinism.h>
#include <movex/io.h>
#include <movex/limits.h>
#include <movex/stats.h>
#include <movex/type.h>

/** One client: its connection, its session and what it has bound. */
typedef struct movex_client movex_client;

/** A resource as one client has bound it. */
typedef struct movex_resource movex_resource;

/** Names one dispatch of a client; 0 is none. */
typedef uint32_t movex_ticket;

/** The longest `info` and `credentials`, in bytes. */
#define MOVEX_INFO_MAX 255

/** The longest name of a room in which everything hidden is sealed, in bytes. */
#define MOVEX_SEALED_ROOM_MAX 64

/** Settings of a client. Zero means the default. Copied, texts included. */
typedef struct movex_client_config {
    const char     *id;          /**< required: who this is, 1 to MOVEX_NAME_MAX bytes; the author of its actions */
    const char     *info;        /**< what other subscribers are told with the id (a nickname, a colour); default "" */
    const char     *credentials; /**< for the master's `authenticate` hook alone; default "" */
    movex_io        io;          /**< required: by which the master is reached; owned from now on, also on failure */
    movex_limits    limits;           /**< those that are a client's */
    uint32_t        reconnect_min_ms; /**< the first pause before dialling again; it doubles each time; default 250 */
    uint32_t        reconnect_max_ms; /**< and grows no longer than this; default 10,000 */
    uint32_t        handshake_ms;     /**< how long opening a link and its handshake may take; default 10,000 */
    uint32_t        undoable; /**< of each resource, how many of the newest accepted dispatches are remembered, so that UNDONE can be
                                   told of them if a master comes back without them; default 0 */
    movex_determinism *determinism;   /**< for tests: every action is run twice, and what differs is told here (determinism.h); it
                                           must outlive the client. Default NULL: off */
    const char     *sealed_room; /**< the name of a room in which all pairs are sealed, 1 to MOVEX_SEALED_ROOM_MAX bytes; the master must
                                      have the same. Commitments are bound to it. Default NULL: as each type says */
    /** Fills `bytes` with what nobody can guess; MOVEX_OK or a failure. Called for each pair that is sealed. Required to bind
     *  types that are sealed over emitters that leave the process (movex_system_entropy). */
    int (*entropy)(void *user, void *bytes, size_t length);
    void           *user; /**< handed to it as it is */
    uint64_t        seed; /**< where salts come from if there is no `entropy`: for tests */
    movex_allocator allocator;        /**< for all that the client holds, but not its emitter */
    movex_error    *error; /**< filled if movex_client_new fails; may be NULL; not kept */
} movex_client_config;

/** Where the connection stands. */
typedef enum movex_connection {
    MOVEX_CONNECTION_DIALLING = 1, /**< not connected; tries, or waits before the next try */
    MOVEX_CONNECTION_OPEN,         /**< the master has let this client in */
    MOVEX_CONNECTION_CLOSED        /**< given up for good, see the CLOSED event */
} movex_connection;

/** What happened; each with the members of movex_event that have a meaning for it. */
typedef enum movex_event_kind {
    MOVEX_EVENT_CONNECTED = 1, /**< the session is open and everything bound so far is in sync */
    MOVEX_EVENT_DISCONNECTED,  /**< the connection was lost (text: why) or could not be made; it is dialled again */
    MOVEX_EVENT_CLOSED,        /**< the client has given up: status and text say why; it dials no more */
    MOVEX_EVENT_BOUND,         /**< resource: its first state has come */
    MOVEX_EVENT_BIND_REFUSED,  /**< resource: the master refused it (status, reason, text); it can only be unbound */
    MOVEX_EVENT_REMOVED,       /**< resource: the master has removed it, or this subscriber from it (status, text); it can only be
                                    unbound */
    MOVEX_EVENT_CHANGED,       /**< resource: what movex_state shows may be another than before */
    MOVEX_EVENT_ACCEPTED,      /**< ticket: accepted by the master, at this version */
    MOVEX_EVENT_REFUSED,       /**< ticket: refused, with the reason; text has words for the library's own */
    MOVEX_EVENT_EXPIRED,       /**< ticket: its session or its binding ended; outcome unknown, look at the state */
    MOVEX_EVENT_JOINED,        /**< peer (text: its info) has subscribed to the resource, or was there when it was bound */
    MOVEX_EVENT_AWAY,          /**< peer has lost its connection; its seat is kept */
    MOVEX_EVENT_BACK,          /**< peer is back after AWAY */
    MOVEX_EVENT_LEFT,          /**< peer is no longer subscribed to the resource */
    MOVEX_EVENT_REVEALED,      /**< resource: what was hidden has been revealed, with the entry of that version (movex_revealed_at
                                    tells whose; text: the same for people). Events of several reveals coalesce */
    MOVEX_EVENT_OVERTURNED,    /**< ticket: was accepted, but the reveal has shown that its author could not have done it: it has no
                                    effect; or it was sealed and is forfeited: what was shown of it stands. reason: why. Told of a
                                    client's newest 256 */
    MOVEX_EVENT_MISMATCH,      /**< resource: this build had computed another state than the master's: a reducer that is not
                                    deterministic, memory corruption, or another build. text: after which action, and the
                                    first fields that differed, with both values. A snapshot has healed it, and nothing
                                    pending is lost */
    MOVEX_EVENT_UNDONE,        /**< ticket: was accepted, and the master that goes on does not know it: it has no effect, and is not
                                    dispatched again (movex_client_config.undoable) */
    MOVEX_EVENT_MASTER,        /**< peers: `peer` is the master of `term`; "": there is none now */
    MOVEX_EVENT_MEMBER_JOINED, /**< peers: `peer` is a member of the room */
    MOVEX_EVENT_MEMBER_LEFT,   /**< peers: `peer` is no member any more */
    MOVEX_EVENT_FORFEITED,     /**< resource: the entry of that version by `peer` was sealed, and the reveal lets what was shown of it
                                    stand: it was not opened in time, or is not what was sealed, or its author could not have done
                                    it (reason, text). After REVEALED. Those of the last reveal are told */
    MOVEX_EVENT_PEER_REFUSED   /**< peers: somebody was dialled or has dialled, and cannot belong here; `peer` as far as it is known,
                                    status and text say why */
} movex_event_kind;

/** Something that happened. Members without meaning for its kind are 0 or NULL. */
typedef struct movex_event {
    movex_event_kind kind;     /**< which says what the others mean */
    movex_resource  *resource; /**< which this is about */
    movex_ticket     ticket;   /**< whose outcome this is */
    int              reason;   /**< a ::movex_refusal or the game's own */
    movex_status     status;   /**< the failure behind it */
    uint64_t         version;  /**< of the confirmed state; ACCEPTED: that the dispatch has made */
    bool             provisional; /**< ACCEPTED: by one peer alone, and may be undone (movex_peer_config.survivor_goes_on) */
    uint64_t         term;     /**< MASTER: it grows with every election */
    const char      *peer;     /**< a client's id */
    const char      *text; /**< one line for people; never NULL */
} movex_event;

/** An entry whose hidden half has been revealed. Lent as other texts are. */
typedef struct movex_revealed {
    uint64_t    version; /**< that the entry has made */
    const char *author;  /**< the id of the client that had hidden it */
} movex_revealed;

MOVEX_BEGIN_DECLARATIONS

/** Makes a client; it dials at its first poll. NULL with config.error filled: MOVEX_ERR_ARGUMENT (which member), or
 *  MOVEX_ERR_MEMORY. The emitter is destroyed then. */
MOVEX_API movex_client *movex_client_new(const movex_client_config *config);

/** Says goodbye to the master (its session ends at once), frees the client, its resources and its emitter. NULL is ignored. */
MOVEX_API void movex_client_free(movex_client *client);

/** Takes what has come, brings states up to date, sends what is due. Never blocks. MOVEX_OK, or the status with which the
 *  client has given up, for ever. Should be called once a frame, or when movex_client_wait returns. */
MOVEX_API int movex_client_poll(movex_client *client, uint64_t now_ms);

/** Sends what dispatches since the last poll have queued, instead of leaving it to the next poll. */
MOVEX_API void movex_client_flush(movex_client *client);

/** The next event, oldest first; false when there is none. Outcomes wait here until drained, one for each ticket; events of
 *  other kinds that are not drained in time coalesce, so that nothing grows. */
MOVEX_API bool movex_client_next(movex_client *client, movex_event *event);

/** Sleeps until something arrives, the client has something to do, or `timeout_ms` have passed; at once if its emitter
 *  cannot wait. */
MOVEX_API void movex_client_wait(movex_client *client, uint32_t timeout_ms);

/** The time at which movex_client_poll will have something to do even if nothing arrives; UINT64_MAX for never. */
MOVEX_API uint64_t movex_client_deadline(const movex_client *client);

/** The id that it was made with: the author of its actions. */
MOVEX_API const char *movex_client_id(const movex_client *client);

/** Where the connection stands. CLOSED for NULL. */
MOVEX_API movex_connection movex_client_connection(const movex_client *client);

/** What the master's clock shows now, as the answers so far have narrowed it down: right to half the shortest round trip. 0
 *  before the first connection. */
MOVEX_API uint64_t movex_client_master_time(const movex_client *client);

/** Figures so far. All zero for NULL. */
MOVEX_API movex_stats movex_client_stats(const movex_client *client);

/** Why the last movex_bind or movex_dispatch on this client returned nothing. Never NULL. */
MOVEX_API const movex_error *movex_client_error(const movex_client *client);

/** Binds the resource `id` of a type, creating it on the master if it is not there and the master's configuration allows
 *  that. Returns at once; until the first snapshot (BOUND) its state is the type's `init`. Binding what is bound already
 *  returns the same resource, to be unbound as often. NULL with movex_client_error: a wrong name, a type described wrongly,
 *  a limit, or memory. */
MOVEX_API movex_resource *movex_bind(movex_client *client, const movex_type *type, const char *id);

/** Takes back one movex_bind. With the last, the master forgets this subscriber, what was not sent expires, and once the
 *  outcomes are drained the resource is freed: do not use it after. NULL is ignored. */
MOVEX_API void movex_unbind(movex_resource *resource);

/** Dispatches an action: the reducer runs on the local state at once; if it accepts, the action is sent to the master, and
 *  exactly one outcome event for the ticket follows. `payload` (NULL if the action has none) is copied. Returns the ticket,
 *  or 0 if nothing was dispatched, with movex_client_error: no such action, a payload that its schema does not allow
 *  (MOVEX_ERR_INVALID_STATE, with the path), pending full (MOVEX_ERR_LIMIT), bind refused, or memory. */
MOVEX_API movex_ticket movex_dispatch(movex_resource *resource, uint32_t action, const void *payload);

/** Dispatches a pair: `action` is what this client does and sees at once, `shown` (with `shown_payload`) is what everybody else
 *  sees of it until the reveal, when it is replaced by `action`. The type says which action may be hidden as which
 *  (movex_action_type.hidden_as, movex_type.covers). Returns the ticket, or 0 as movex_dispatch does, and for a pair that the
 *  type does not allow (MOVEX_ERR_DENIED). If a reveal overtakes the pair, or, of what is sealed, its time to be opened has come
 *  before, it is refused (MOVEX_REFUSED_OVERTAKEN), and nobody has seen either half. Of a type that is sealed only `shown` leaves
 *  this client, with a commitment to the other half; the client opens it by itself when its time has come. */
MOVEX_API movex_ticket movex_dispatch_private(movex_resource *resource, uint32_t action, const void *payload,
                                              uint32_t shown, const void *shown_payload);

/** The local state: what the master has confirmed, with pending actions applied on top; for a type with `transform`, a copy
 *  made by this call. Read only. NULL for NULL. */
MOVEX_API const void *movex_state(const movex_resource *resource);

/** Tries an action on the local state without dispatching it, for buttons that should be grey: MOVEX_ACCEPT, or why it would be
 *  refused here (MOVEX_REFUSED_NOT_BOUND for NULL, MOVEX_REFUSED_INVALID_PAYLOAD for a payload that its schema does not
 *  allow). Nothing changes. Of a MOVEX_MASTER_ONLY action only the master can tell: MOVEX_ACCEPT. */
MOVEX_API int movex_try(movex_resource *resource, uint32_t action, const void *payload);

/** Copies the local state, as movex_state has it but for `transform`, into `state`, which has room for one: for search, with
 *  movex_apply and movex_resource_rules. */
MOVEX_API void movex_fork(const movex_resource *resource, void *state);

/** The entry at `index` of those that the last reveal has revealed, oldest first; false past the last. */
MOVEX_API bool movex_revealed_at(const movex_resource *resource, uint32_t index, movex_revealed *revealed);

/** The rules of the resource's type. They live as long as the client. */
MOVEX_API const movex_rules *movex_resource_rules(const movex_resource *resource);

/** The state that the master has confirmed, without `transform`. Where something of this client's is sealed the master knows it as
 *  what is shown of it, and so does this state; movex_state shows what this client has done. */
MOVEX_API const void *movex_confirmed_state(const movex_resource *resource);

/** The version of the confirmed state; 0 before the first action. */
MOVEX_API uint64_t movex_version(const movex_resource *resource);

/** The checksum of the confirmed state. All who hold the same version of the same view have the same. */
MOVEX_API uint64_t movex_checksum(const movex_resource *resource);

/** True while the confirmed state follows the master's; false before the first snapshot, while a resync is awaited, and
 *  without a connection. */
MOVEX_API bool movex_in_sync(const movex_resource *resource);

/** Dispatches of this resource that the master has not answered. */
MOVEX_API uint32_t movex_pending(const movex_resource *resource);

/** The id that it was bound by. */
MOVEX_API const char *movex_resource_id(const movex_resource *resource);
/** The type that it was bound with. */
MOVEX_API const movex_type *movex_resource_type(const movex_resource *resource);
/** The client that has bound it. */
MOVEX_API movex_client *movex_resource_client(const movex_resource *resource);

/** How many subscribers the resource has, this client included. */
MOVEX_API uint32_t movex_subscriber_count(const movex_resource *resource);

/** The subscriber at `index`, in the order of their joining; false past the last. */
MOVEX_API bool movex_subscriber_at(const movex_resource *resource, uint32_t index, movex_subscriber *subscriber);

MOVEX_END_DECLARATIONS

#endif
