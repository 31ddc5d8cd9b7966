/** @file master.h
 *  A master: orders the actions of its resources, keeps their authoritative states, tells every subscriber.
 *
 *  A program attaches emitters, polls the master with its own time (`now_ms`, which never runs backwards) and may drain its
 *  events. Nothing blocks; nothing calls back but the types' functions and the hooks of the configuration, which must not
 *  call the master. Whatever a client sends, it can harm nobody but itself.
 *
 *  Threads: one master, with its emitters, is used by one thread at a time. */
#ifndef MOVEX_MASTER_H
#define MOVEX_MASTER_H

#include <movex/allocator.h>
#include <movex/determinism.h>
#include <movex/io.h>
#include <movex/limits.h>
#include <movex/stats.h>
#include <movex/store.h>
#include <movex/type.h>

/** One master: its resources, its clients' sessions and its emitters. */
typedef struct movex_master movex_master;

/** What a client says of itself when it connects. Lent for the call of the hook. */
typedef struct movex_hello {
    const char *id;          /**< who it says it is: a name */
    const char *info;        /**< what others are to be told of it; may be empty */
    const char *credentials; /**< what should prove its id; may be empty */
    const char *address;     /**< where it comes from, as the emitter says; "" if it does not */
} movex_hello;

/** Who may bring a resource into being. */
typedef enum movex_creation {
    MOVEX_CREATION_BY_BINDING = 0, /**< any client, by binding it */
    MOVEX_CREATION_BY_MASTER       /**< only the program, by movex_master_create */
} movex_creation;

/** When a master with a store tells others of what has happened. */
typedef enum movex_sync {
    MOVEX_SYNC_ALWAYS = 0, /**< once it is durable: what was acked or forwarded is never lost. All that has happened in one
                                poll costs one flush */
    MOVEX_SYNC_INTERVAL,   /**< at once; the store is flushed every `sync_interval_ms`, and a crash loses what came after */
    MOVEX_SYNC_NEVER       /**< at once; the store is flushed when the master is freed, and by whoever else does it */
} movex_sync;

/** What a client asks for when it binds. Lent for the call. */
typedef struct movex_bind_request {
    const char       *client_id; /**< the verified id of who asks */
    const movex_type *type;      /**< of the resource */
    const char       *id;        /**< of the resource */
    bool              creates;   /**< the resource is not there yet; never so for an observer */
} movex_bind_request;

/** An entry that has just been ordered, as an observer is told of it. Lent for the call. */
typedef struct movex_ordered {
    const movex_type *type;    /**< with `id`, the resource */
    const char       *id;      /**< of the resource */
    uint64_t          version; /**< that the entry has made */
    const char       *author;  /**< a client's id, or "" for the master */
    uint32_t          action;  /**< what everybody may know that it was; meaningless if `replaced` */
    bool              hides;   /**< it has a hidden half, which is not revealed: `action` is what is shown of it */
    bool              reveals; /**< with it, all that was hidden has been revealed */
    bool              replaced; /**< no entry: the program has replaced the state */
    bool              unseals; /**< no action: what is sealed is to be opened, was opened by `author`, or its time is over;
                                    `action` is meaningless */
    const void       *commitment; /**< 32 bytes: to what its author does, of an entry with a sealed half; else NULL */
    uint64_t          digest;  /**< 64 bits of all that everybody may know of it: author, shown action and payload, time, and
                                    what was revealed; but not `commitment`, which tells nothing */
} movex_ordered;

/** Somebody who is told of every entry of a master, such as a recorder or a test. It may read the master (movex_master_view,
 *  movex_master_find) and must not change it. */
typedef struct movex_observer {
    /** Called right after each entry was ordered, before anything of it is sent. NULL: nobody is told. */
    void (*ordered)(void *user, movex_master *master, const movex_ordered *entry);
    /** Called when a client has bound a resource, also if it comes back to it, before it is sent anything of it. NULL: nobody
     *  is told. */
    void (*bound)(void *user, movex_master *master, const movex_bind_request *request);
    void *user; /**< handed to it as it is */
} movex_observer;

/** Settings of a master. Zero means the default. Copied, the list of types included (the types themselves are not). */
typedef struct movex_master_config {
    const movex_type *const *types; /**< required: MOVEX_TYPES(&a, &b), a list ended by NULL */
    movex_creation           creation; /**< default: by binding */
    movex_limits             limits;   /**< what bounds memory, and hostile clients */
    uint32_t                 grace_ms; /**< how long a session outlives its connection; default 30,000 */
    uint32_t                 idle_ms;  /**< how long a resource lives without subscribers; default 0: as long as the master */
    uint32_t                 handshake_ms; /**< how long a link may take to say HELLO; default 10,000 */
    uint32_t                 stall_ms; /**< how long a link may take nothing of what waits for it; default 30,000 */
    uint64_t                 epoch; /**< greater at every start of this master, if it should be told apart; default 1, or with a
                                         store one more than at the last start */
    uint64_t                 start_time_ms; /**< master time at the first poll; default: the time given to that poll */
    uint64_t                 seed; /**< where session tokens and random seeds come from if there is no `entropy`: for tests */

    /** Fills `bytes` with what nobody can guess; MOVEX_OK or a failure. Called once, by movex_master_new. Required for
     *  emitters that leave the process (movex_system_entropy). */
    int (*entropy)(void *user, void *bytes, size_t length);
    /** Decides whether a client is who it says: MOVEX_ACCEPT, or a reason (given to the client). Default: anybody is. */
    int (*authenticate)(void *user, const movex_hello *hello);
    /** Whom `authenticate` accepts is proven to be who it says: an id that belongs to a session may come without the token of
     *  it, which then begins anew. Default: the token is asked for. */
    bool ids_are_proven;
    /** Decides whether a client may subscribe to a resource: MOVEX_ACCEPT, or a reason (given to the client). */
    int (*may_bind)(void *user, const movex_bind_request *request);
    void *user; /**< handed to the hooks as it is */
    movex_observer observer; /**< told of every entry; default: nobody */

    const char *sealed_room; /**< the name of a room in which all pairs are sealed, 1 to 64 bytes (MOVEX_SEALED_ROOM_MAX); its clients must
                                  have the same. A type with `redact` or MOVEX_MASTER_ONLY actions is refused then. Copied.
                                  Default NULL: as each type says */
    uint32_t    seal_ms;     /**< how long the authors of what is sealed have to open it, once its time has come, in master time,
                                  unless their type says; default 10,000 */

    movex_determinism *determinism; /**< for tests: every action is run twice, and what differs is told here (determinism.h); it must
                                         outlive the master. Default NULL: off */

    movex_store store; /**< where sessions and resources are kept: movex_master_new takes up what is there. Owned from now on,
                            also on failure; default: nowhere */
    movex_sync  sync;  /**< when others are told; default: always when it is durable */
    uint32_t    sync_interval_ms;  /**< of MOVEX_SYNC_INTERVAL; default 1,000 */
    bool        flushed_elsewhere; /**< another thread flushes the store, and wakes the master's emitter after it; the master
                                        never does, so its poll does not wait for a disk */

    uint32_t shards; /**< this is one of so many masters of a server (spread.h), each of which has a part of the resources; default 0:
                          the only one */
    uint32_t shard;  /**< which of them, from 0 on */

    movex_allocator allocator; /**< for all that the master holds, but not its emitters */
    movex_error    *error; /**< filled if movex_master_new fails; may be NULL; not kept */
} movex_master_config;

/** A resource as its master holds it. Lent until the next call on the master that is not a mere reading one. */
typedef struct movex_hosted {
    const movex_type *type;        /**< with `id`, its name */
    const char       *id;          /**< unique among those of the type */
    const void       *state;       /**< read only: the public state, in which hidden actions are what is shown of them, but with
                                        all that `redact` would blank. To show it to others, see movex_master_view */
    const movex_rules *rules; /**< of the type; they live as long as the master */
    uint64_t          version;     /**< entries of its log so far */
    uint64_t          checksum;    /**< of that state */
    uint32_t          hidden;      /**< entries with a half that is not revealed */
    uint32_t          subscribers; /**< those who are away included */
} movex_hosted;

/** What happened; each with the members of movex_master_event that have a meaning for it. */
typedef enum movex_master_event_kind {
    MOVEX_MASTER_CONNECTED = 1, /**< peer has opened a session, or come back to it; text: its address */
    MOVEX_MASTER_AWAY,          /**< peer has lost its connection; text: why */
    MOVEX_MASTER_LEFT,          /**< the session of peer has ended; text: why */
    MOVEX_MASTER_REJECTED,      /**< somebody was not let in, or has gone without saying who (MOVEX_ERR_CLOSED), or a link was
                                     closed for what it sent: status and text; peer if known */
    MOVEX_MASTER_CREATED,       /**< type and id: a resource has come into being */
    MOVEX_MASTER_SUBSCRIBED,    /**< peer has bound it */
    MOVEX_MASTER_UNSUBSCRIBED,  /**< peer is no longer subscribed to it; version and checksum as of then */
    MOVEX_MASTER_REMOVED,       /**< type and id: the resource is gone; its last version and checksum */
    MOVEX_MASTER_RECOVERED,     /**< type and id ("": the sessions): it was in the store; text: what was torn off its end, if
                                     anything was. Of those that were whole, the first 128 are told of; see movex_master_each */
    MOVEX_MASTER_STORE          /**< the store has failed (status, text), or works again (MOVEX_OK) */
} movex_master_event_kind;

/** Something worth a line in a server's log. Texts are lent until the next call on the master. Never NULL. */
typedef struct movex_master_event {
    movex_master_event_kind kind;     /**< which says what the others mean */
    movex_status            status;   /**< REJECTED: the failure; else MOVEX_OK */
    uint64_t                version;  /**< of the resource */
    uint64_t                checksum; /**< of its state */
    const char             *peer;     /**< a client's id */
    const char             *type;     /**< the name of the resource's type */
    const char             *id;       /**< of the resource */
    const char             *text;     /**< for people; may hold what a client has sent: quote it in a log */
} movex_master_event;

MOVEX_BEGIN_DECLARATIONS

/** Makes a master. NULL with config.error filled: MOVEX_ERR_ARGUMENT or MOVEX_ERR_SCHEMA (naming the member, type, struct or
 *  field that is wrong), MOVEX_ERR_SYSTEM (the entropy hook failed, or the store cannot be read), MOVEX_ERR_FINGERPRINT,
 *  MOVEX_ERR_INVALID_STATE (a reducer that makes something else of an action now), MOVEX_ERR_DAMAGED, MOVEX_ERR_UNSUPPORTED or
 *  MOVEX_ERR_LIMIT (of something in the store, with its name), MOVEX_ERR_STORE, or MOVEX_ERR_MEMORY.
 *
 *  Of a master with a store, whatever changes something may also return MOVEX_ERR_STORE: it cannot be kept now, and nothing
 *  has happened. */
MOVEX_API movex_master *movex_master_new(const movex_master_config *config);

/** Closes all links and frees the master with its resources and emitters. Clients find the connection closed. NULL is
 *  ignored. */
MOVEX_API void movex_master_free(movex_master *master);

/** Takes an emitter, which it owns from now on, also on failure, and starts to accept clients on it. MOVEX_OK, what the
 *  emitter's `listen` says (MOVEX_ERR_ADDRESS_IN_USE), MOVEX_ERR_ENTROPY, MOVEX_ERR_ARGUMENT (an emitter with functions
 *  missing or too short frames), or MOVEX_ERR_MEMORY (also for one whose making failed). */
MOVEX_API int movex_master_attach(movex_master *master, movex_io io);

/** Takes what has come, orders and applies it, and sends what is due, one frame a link. Never blocks. */
MOVEX_API void movex_master_poll(movex_master *master, uint64_t now_ms);

/** Sleeps until something arrives, the master has something to do, or `timeout_ms` have passed; at once if no emitter
 *  can wait. With more than one emitter that can, it sleeps on each in turn, 10 ms at the most. */
MOVEX_API void movex_master_wait(movex_master *master, uint32_t timeout_ms);

/** The time at which movex_master_poll will have something to do even if nothing arrives; UINT64_MAX for never. */
MOVEX_API uint64_t movex_master_deadline(const movex_master *master);

/** The next event, oldest first; false when there is none. The newest 256 are kept (see movex_stats.events_dropped). */
MOVEX_API bool movex_master_next(movex_master *master, movex_master_event *event);

/** Figures so far. All zero for NULL. */
MOVEX_API movex_stats movex_master_stats(const movex_master *master);

/** Makes a resource in the state of its type's `init`. MOVEX_OK, MOVEX_ERR_EXISTS (and the one that is there is untouched),
 *  MOVEX_ERR_UNKNOWN_TYPE, MOVEX_ERR_ARGUMENT (the id), MOVEX_ERR_LIMIT or MOVEX_ERR_MEMORY. */
MOVEX_API int movex_master_create(movex_master *master, const movex_type *type, const char *id);

/** The resource of that type and id; false if there is none. */
MOVEX_API bool movex_master_find(const movex_master *master, const movex_type *type, const char *id, movex_hosted *hosted);

/** Copies the state of a resource, as `viewer` may know it, into `state` (room for one; NULL: not wanted) and its checksum into
 *  `checksum` (NULL: not wanted): for bots, tools and tests. `viewer` is the id of a client, which sees what it has hidden
 *  itself (but not what it has sealed, which the master does not know); or "" for the public; or NULL for everything that the
 *  master knows: nothing redacted, and what is hidden as if it were revealed. MOVEX_OK, MOVEX_ERR_NOT_FOUND or MOVEX_ERR_MEMORY. */
MOVEX_API int movex_master_view(const movex_master *master, const movex_type *type, const char *id, const char *viewer,
                                void *state, uint64_t *checksum);

/** Makes a resource in the given state (settled), or, if it is there, replaces its state: a new version, of which all
 *  subscribers get a snapshot. What was hidden is dropped and never shown. MOVEX_OK, or as movex_master_create but for MOVEX_ERR_EXISTS, or MOVEX_ERR_INVALID_STATE. */
MOVEX_API int movex_master_put(movex_master *master, const movex_type *type, const char *id, const void *state);

/** Removes a resource; its subscribers are told (REMOVED, with `text`, which may be NULL). MOVEX_OK or MOVEX_ERR_NOT_FOUND. */
MOVEX_API int movex_master_remove(movex_master *master, const movex_type *type, const char *id, const char *text);

/** Dispatches an action of the master's own, author "". MOVEX_OK: it was ordered, and `reason` (may be NULL) is MOVEX_ACCEPT or
 *  why it was refused. Else MOVEX_ERR_NOT_FOUND, MOVEX_ERR_ARGUMENT (no such action, or a payload where there is none),
 *  MOVEX_ERR_INVALID_STATE (a payload that its schema does not allow) or MOVEX_ERR_MEMORY, and nothing has happened. */
MOVEX_API int movex_master_dispatch(movex_master *master, const movex_type *type, const char *id, uint32_t action,
                                    const void *payload, int *reason);

/** Takes a client off a resource's subscribers; it is told (REMOVED, with `text`, which may be NULL). MOVEX_OK, or
 *  MOVEX_ERR_NOT_FOUND if there is no such resource or subscriber. It may bind again, unless may_bind says no. */
MOVEX_API int movex_master_kick(movex_master *master, const movex_type *type, const char *id, const char *client_id,
                                const char *text);

/** Ends a client's session and closes its connection; it is told (CLOSED, MOVEX_ERR_DENIED, with `text`, which may be NULL).
 *  MOVEX_OK or MOVEX_ERR_NOT_FOUND. It may come again, unless authenticate says no. */
MOVEX_API int movex_master_expel(movex_master *master, const char *client_id, const char *text);

/** The subscriber at `index` of a resource, in the order of their places; false past the last. */
MOVEX_API bool movex_master_subscriber_at(const movex_master *master, const movex_type *type, const char *id,
                                          uint32_t index, movex_subscriber *subscriber);

/** Master time at the last poll. */
MOVEX_API uint64_t movex_master_time(const movex_master *master);

/** Walks over all resources: `cursor` starts at 0; false at the end. The order is that of their creation, as far as room
 *  was not used again. */
MOVEX_API bool movex_master_each(const movex_master *master, uint32_t *cursor, movex_hosted *hosted);

/** The attached emitter whose functions are `ops`, or one with a NULL `self`. For emitters that connect to a master within
 *  the process. */
MOVEX_API movex_io movex_master_emitter(const movex_master *master, const movex_io_ops *ops);

/** The allocator that the master was given. */
MOVEX_API const movex_allocator *movex_master_allocator(const movex_master *master);

MOVEX_END_DECLARATIONS

#endif
