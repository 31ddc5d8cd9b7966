/* The inside of a client, shared by its files:

     client.c           making, freeing, polling; the connection: dialling, handshake, loss
     client_receive.c   frames in: each message to what it is about
     client_resource.c  a resource: binding, dispatching, reading
     client_replica.c   its states: confirmed, and local on top of it; snapshots, entries, mismatches
     client_undone.c    accepted dispatches that a master has lost
     client_sealed.c    what is sealed: rounds, from the first commitment to the reveal
     client_secrets.c   what this client has sealed itself, until it is opened
     client_fold.c      reveals: folding again from a base, whose reveal it was, what it has overturned
     client_events.c    draining what has happened, in order
     client_peers.c     the subscribers that the master tells of
     client_pending.c   dispatches whose outcome is not known or not drained
     client_clock.c     the estimate of the master's clock
     client_send.c      messages out

   Each calls those below it alone.

   All resources of a client share its one connection. What the master calls a resource (its number) holds for one
   connection; what the client calls it while binding (its tag) holds for one BIND. */
#ifndef MOVEX_CORE_CLIENT_INTERNAL_H
#define MOVEX_CORE_CLIENT_INTERNAL_H

#include "channel.h"
#include "list.h"
#include "log.h"
#include "map.h"
#include "memory.h"
#include "name.h"
#include "sealed.h"
#include "view.h"
#include "wire.h"

#include <movex/client.h>

/* ---- what has events to be drained */

typedef enum movex_source_kind {
    MOVEX_SOURCE_CLIENT,
    MOVEX_SOURCE_RESOURCE,
    MOVEX_SOURCE_PENDING,
    MOVEX_SOURCE_OVERTURNED,
    MOVEX_SOURCE_FORFEITED,
    MOVEX_SOURCE_UNDONE,
    MOVEX_SOURCE_PEER
} movex_source_kind;

/* The first member of a client, a resource, a pending dispatch and a peer; a resource has one more for what reveals have
   overturned, one for what was forfeited, and one for what was undone. In client.sources while it has something. */
typedef struct movex_source {
    movex_node             node; /* first member */
    movex_source_kind      kind;
    struct movex_resource *resource; /* that it belongs to, or NULL */
} movex_source;

/* ---- pending dispatches */

typedef enum movex_pending_state {
    MOVEX_PENDING_FREE,
    MOVEX_PENDING_HELD,    /* waits for the first state, to be predicted on */
    MOVEX_PENDING_UNSENT,  /* predicted; waits for the connection */
    MOVEX_PENDING_SENT,    /* waits for the master's answer */
    MOVEX_PENDING_ANSWERED /* waits to be drained */
} movex_pending_state;

/* In resource.free, in resource.pending (HELD, UNSENT, SENT: in the order of dispatching), or ANSWERED. */
typedef struct movex_pending_dispatch {
    movex_source        source; /* first member */
    movex_node          order;
    movex_pending_state state;
    movex_ticket        ticket;
    uint64_t            sequence; /* from SENT on */
    uint64_t            sent_ms;  /* from SENT on: time of the poll after which it was sent first or again */
    uint64_t            revealed; /* shown: the version of the last reveal that its author had seen */
    uint32_t            action;
    uint32_t            shown;   /* the action that others see in its stead, or MOVEX_NO_ACTION */
    movex_event_kind    outcome; /* ANSWERED */
    int                 reason;  /* ANSWERED */
    uint64_t            version; /* ANSWERED, accepted: that holds it */
    bool                provisional; /* ANSWERED, accepted: by one who may be alone */
    void               *payload; /* room for a settled struct behind this one */
    void               *shown_payload; /* the same; NULL if the type has no pairs */
    struct movex_secret *secret; /* of a pair that is sealed, until there is an outcome; else NULL */
} movex_pending_dispatch;

/* Pending dispatches are made by the block and stay where they are. */
typedef struct movex_pending_block {
    struct movex_pending_block *next;
    size_t                      size; /* bytes, this header included */
} movex_pending_block;

/* ---- peers */

/* A subscriber of a resource. `told` is what events have said of it, `presence` what is so: the difference is an event. A
   peer that has LEFT is kept only until that is told. */
typedef struct movex_peer_record {
    movex_source   source; /* first member */
    movex_node     stale;
    movex_presence presence, told;
    uint32_t       slot;
    char           id[MOVEX_NAME_SIZE];
    char           info[MOVEX_INFO_MAX + 1];
} movex_peer_record;

/* ---- reveals */

/* An own dispatch that was accepted, as it may still be overturned. */
typedef struct movex_own {
    uint64_t     sequence;
    movex_ticket ticket;
    bool         overturned; /* and this is not drained */
    int          reason;
} movex_own;

/* Of a resource whose type has pairs. While `whole`, entries are all since `base_version`, as this client has seen them, and
     what confirmed holds == base with entries applied, in order  */
typedef struct movex_fold {
    bool            whole;
    uint64_t        base_version;
    movex_view      base;     /* made with the first snapshot of a type that can be folded */
    movex_log       entries;  /* since base; an own one with its hidden half */
    uint64_t        revealed; /* the version of the last reveal; 0: none */
    movex_own      *owned;    /* a ring of the newest */
    uint32_t        owned_capacity; /* 0 or a power of two */
    uint64_t        owned_count;    /* ever */
    uint32_t        overturned;     /* of them, not drained */
    movex_source    source;         /* of these: behind their outcomes, and what the reveal has announced */
    movex_revealed *names;    /* of the last reveal; their authors lie in `authors` */
    uint32_t        name_count, name_capacity;
    movex_buffer    authors;  /* MOVEX_NAME_SIZE each */
} movex_fold;

/* ---- what is sealed */

/* What this client has sealed: it keeps it until the reveal has told of it, over all losses of its connection. */
typedef struct movex_secret movex_secret;

typedef struct movex_forfeit {
    uint64_t version;
    int      reason;
    char     author[MOVEX_NAME_SIZE];
} movex_forfeit;

/* Of a resource whose type is sealed. round is the master's, at the version of confirmed.
     has_own  =>  own is the round's fold as this client has acted; else that is confirmed */
typedef struct movex_sealing {
    movex_sealed round;
    movex_view   own;
    bool         has_own;
    bool         opened;  /* OPEN was sent on this connection */
    bool         is_read; /* a round has come for the SNAPSHOT of `read_version` */
    bool         lost;    /* the round is not whole: the next BIND has a snapshot sent */
    uint64_t     read_version;
    void        *payload; /* for the one that is being looked at */
    movex_list   secrets; /* movex_secret.node, oldest first */
    uint32_t     secret_count;
    movex_forfeit *forfeits; /* of the last reveal */
    uint32_t     forfeit_count, forfeit_capacity;
    uint32_t     forfeits_told; /* of them, drained */
    bool         forfeits_came; /* before a SNAPSHOT, behind which they are told */
    movex_source source;        /* of these */
} movex_sealing;

/* ---- what may be undone */

/* An own dispatch that was accepted, and may be lost by its master. */
typedef struct movex_accepted {
    uint64_t     sequence;
    movex_ticket ticket; /* 0: none */
    bool         provisional;
    bool         undone; /* and this is not drained */
} movex_accepted;

typedef struct movex_remembered {
    movex_accepted *accepted; /* a ring of the newest */
    uint32_t        capacity; /* 0 or a power of two */
    uint64_t        count;    /* ever */
    uint32_t        undone;   /* of them, not drained */
    movex_source    source;   /* of these: behind their outcomes */
} movex_remembered;

/* ---- resources */

typedef enum movex_binding {
    MOVEX_BINDING_WAITING,  /* for the connection */
    MOVEX_BINDING_ASKED,    /* BIND is sent */
    MOVEX_BINDING_RECEIVING, /* BOUND has come, its snapshot has not */
    MOVEX_BINDING_LIVE,     /* follows the master */
    MOVEX_BINDING_REFUSED,
    MOVEX_BINDING_UNBINDING, /* UNBIND is sent or due: late outcomes may come */
    MOVEX_BINDING_GONE       /* unbound; freed when its outcomes are drained */
} movex_binding;

enum { /* movex_resource.news */
    MOVEX_NEWS_BOUND = 1u << 0,
    MOVEX_NEWS_REFUSED = 1u << 1,
    MOVEX_NEWS_MISMATCH = 1u << 2,
    MOVEX_NEWS_CHANGED = 1u << 3,
    MOVEX_NEWS_REMOVED = 1u << 4,
    MOVEX_NEWS_REVEALED = 1u << 5
};

/*   pending_count == length of pending;  pending_count + answered_count <= the limit of pending
     not in client.stale  =>  what movex_state shows == confirmed with pending applied on top, in order */
struct movex_resource {
    movex_source       source; /* first member */
    movex_node         of_client;
    movex_node         stale; /* in client.stale while not rebased */
    movex_node         tagged; /* in client.tagged while an answer to BIND may come */
    movex_client      *client;
    const movex_rules *rules;
    char               id[MOVEX_NAME_SIZE];
    uint32_t           binds; /* movex_bind less movex_unbind */
    movex_binding      binding;
    uint64_t           tag;
    uint32_t           number; /* the master's; from RECEIVING on */

    bool       asked;        /* this session of the master may know of it */
    uint64_t   subscription; /* the session's name for it, once BOUND has told; 0 before */
    bool       unbind_due; /* UNBINDING: UNBIND is sent when BOUND has told the number */
    bool       has_state; /* a snapshot has come once: confirmed is the master's */
    bool       resyncing; /* a mismatch was found, its snapshot has not come */
    bool       gap;       /* while resyncing: an entry is missing, later ones cannot be applied */
    bool       predicted; /* local is in use: some pending dispatch is applied on it */
    uint64_t   epoch, version, entry_ms; /* of confirmed; entry_ms is the master time of its last entry */
    uint64_t   answered;  /* the last sequence whose outcome is known */
    uint64_t   told_sequence; /* the greatest that the master has named since, and with, the last BOUND (MOVEX_ENTRY_NEXT) */
    uint64_t   sequence;  /* the last one given to a dispatch */
    movex_view confirmed;
    movex_view local;       /* made when the first dispatch is predicted */
    movex_touched *drift;   /* made with it, of a state that is not small: where it and confirmed may differ */
    void      *transformed; /* what movex_state lends of a type with `transform`, else NULL */
    movex_fold fold;
    movex_sealing *sealing; /* NULL: its type is not sealed */
    movex_remembered remembered;

    movex_list           pending; /* movex_pending_dispatch.order */
    movex_list           free;    /* movex_pending_dispatch.order */
    movex_pending_block *blocks;
    uint32_t             pending_count, answered_count, block_total; /* block_total: dispatches in all blocks */

    movex_peer_record **peers; /* by slot; NULL: free */
    uint32_t            peer_slots, peer_capacity;
    movex_list          stale_peers; /* movex_peer_record.stale: of the last connection, not seen again yet */
    uint64_t            peers_due;   /* of a new list, still to come; at 0 whoever is stale has left */

    unsigned     news; /* MOVEX_NEWS_...: not drained */
    movex_status refusal_status;
    int          refusal_reason;
    char        *text; /* MOVEX_ERROR_TEXT_SIZE bytes for the last mismatch or refusal; made when first needed */
};

/* ---- the client */

typedef enum movex_phase {
    MOVEX_PHASE_WAITING, /* until dial_ms */
    MOVEX_PHASE_DIALLING,
    MOVEX_PHASE_GREETING, /* HELLO is sent */
    MOVEX_PHASE_OPEN,
    MOVEX_PHASE_CLOSED
} movex_phase;

struct movex_client {
    movex_source    source; /* first member */
    movex_allocator allocator;
    movex_limits    limits;
    movex_determinism *determinism; /* where rules tell what they find, or NULL */
    movex_io        io;
    char            id[MOVEX_NAME_SIZE], info[MOVEX_INFO_MAX + 1], credentials[MOVEX_INFO_MAX + 1];
    uint32_t        reconnect_min_ms, reconnect_max_ms, handshake_ms;
    const char     *sealed_room; /* in `room`, or NULL */
    char            room[MOVEX_SEALED_ROOM_MAX + 1];
    int           (*entropy)(void *user, void *bytes, size_t length);
    void           *user;
    uint64_t        seed;        /* of salts, where there is no entropy */
    uint64_t        salts_made;
    uint32_t        undoable;    /* 0, or a power of two: accepted dispatches that are remembered of each resource */
    bool            provisional; /* what is accepted now may be undone */

    movex_phase   phase;
    movex_status  failure;        /* why the connection was lost last, or was given up */
    int           failure_reason; /* that the master's hook gave, else 0 */
    movex_channel channel; /* from DIALLING on */
    uint64_t      dial_ms;      /* WAITING: when to dial */
    uint64_t      give_up_ms;   /* DIALLING, GREETING: when to stop trying */
    uint32_t      pause_ms;     /* before the next dial */
    uint64_t      jitter;       /* SplitMix64 state for pauses */
    uint64_t      now_ms;       /* of the last poll */
    bool          broken;       /* the connection is to be dropped at the end of the poll; text says why */
    bool          broken_for_good;

    bool          has_token;
    unsigned char token[MOVEX_TOKEN_SIZE];
    uint64_t      epoch;
    uint32_t      pending_limit; /* the smaller of both sides' */
    bool          clock_known;
    uint64_t      clock_low_ms;  /* master time - now_ms, modulo 2^64: at least this, since no message arrives before it is sent */
    uint64_t      clock_room_ms; /* and at most so much more, since no answer is older than its question */
    uint64_t      greeted_ms;    /* when HELLO was sent */

    movex_rules **rules;
    uint32_t      rules_count, rules_capacity;
    movex_list    resources; /* movex_resource.of_client */
    movex_list    stale;     /* movex_resource.stale: to be rebased at the end of the poll */
    movex_list    tagged;    /* movex_resource.tagged, in the order in which they have been asked for */
    movex_map     by_name;   /* by hash of type and id: all resources; several may have the same name */
    movex_map     by_number; /* of this connection */
    uint32_t      resource_count;
    uint32_t      gone; /* resources that are GONE and not freed yet */
    uint64_t      last_tag;
    movex_ticket  last_ticket;
    movex_buffer  scratch; /* for the message that is being written */
    movex_buffer  encoded; /* for the payload that is being sent */
    void         *payload; /* for the payload that has come in */
    size_t        payload_size;

    movex_list  sources; /* movex_source.node: has something to be drained, oldest first */
    bool        paced;         /* some dispatches are UNSENT because too much waits to be sent already */
    bool        connected_due;    /* CONNECTED is to be told when everything bound is in sync */
    bool        news_connected, news_disconnected, news_closed;
    char        text[MOVEX_ERROR_TEXT_SIZE]; /* why disconnected or closed, with failure */
    char        drained_text[MOVEX_ERROR_TEXT_SIZE];
    movex_peer_record *drained_peer; /* told to have left; freed at the next call */
    movex_stats stats;
    movex_error error;
};

/* ---- what all of them do */

/* `source` has something to be drained. */
static inline void movex_client_announce(movex_client *client, movex_source *source)
{
    if (!source->node.list) movex_list_append(&client->sources, &source->node);
}

static inline void movex_resource_announce(movex_resource *resource, unsigned news)
{
    resource->news |= news;
    movex_client_announce(resource->client, &resource->source);
}

/* The master has named a sequence that it has handled. After a reconnect refusals are told before entries of smaller ones. */
static inline void movex_resource_told(movex_resource *resource, uint64_t sequence)
{
    if (sequence > resource->answered) resource->answered = sequence;
    if (sequence > resource->told_sequence) resource->told_sequence = sequence;
}

/* Has pending put back on top of confirmed at the end of the poll. */
static inline void movex_replica_touch(movex_resource *resource)
{
    if (!resource->predicted && !resource->pending.first && !resource->sealing) /* there is nothing to put back, and was nothing */
        movex_resource_announce(resource, MOVEX_NEWS_CHANGED);
    else if (!resource->stale.list)
        movex_list_append(&resource->client->stale, &resource->stale);
}

/* ---- client_send.c */

movex_writer movex_client_message(movex_client *client, size_t extra);
/* Queues what `writer` has written to scratch. A failure breaks the connection. */
void movex_client_send(movex_client *client, const movex_writer *writer);
/* Has the connection dropped at the next poll's end, to be dialled again unless `for_good`. */
void movex_client_break(movex_client *client, bool for_good, movex_status status, const char *text);
/* A text of the master's for people, at most MOVEX_ERROR_TEXT_SIZE - 1 bytes, without what could confuse a terminal. */
void movex_client_take_text(char text[MOVEX_ERROR_TEXT_SIZE], movex_wire_text from);
/* Sets resource.text to the texts put together; forgets it if there is no memory. */
void movex_resource_say(movex_resource *resource, const char *first, const char *second, const char *third);

/* ---- client_clock.c */

/* What came in proves that the master's clock shows at least this; and at `asked_ms`, in this client's time, it showed no
   more (UINT64_MAX: it answers no question). */
void movex_client_learn_time(movex_client *client, uint64_t master_ms, uint64_t asked_ms);

/* ---- client_receive.c */

void movex_client_receive(movex_client *client, const void *frame, size_t length);

/* ---- client_resource.c */

/* The connection is open (again): asks for the resource, or says that it is not wanted any more. */
void movex_resource_connected(movex_resource *resource, bool resumed);
void movex_resource_disconnected(movex_resource *resource);
void movex_resource_bound(movex_resource *resource, const movex_bound_message *message);
void movex_resource_bind_refused(movex_resource *resource, const movex_bind_refused_message *message);
/* It is unbound, or the master has ended it. */
void movex_resource_gone(movex_resource *resource);
void movex_resource_unbound(movex_resource *resource, const movex_unbound_message *message);
/* Predicts what is held, and sends what is unsent as far as the queue is not too full. */
void movex_resource_send_pending(movex_resource *resource);
void movex_resource_free(movex_resource *resource);
/* Frees those that nothing refers to any more. */
void movex_resource_collect(movex_client *client);

static inline movex_resource *movex_resource_of_client(movex_node *of_client)
{
    return (movex_resource *)(void *)((char *)of_client - offsetof(movex_resource, of_client));
}

static inline movex_resource *movex_resource_of_tagged(movex_node *tagged)
{
    return (movex_resource *)(void *)((char *)tagged - offsetof(movex_resource, tagged));
}

static inline movex_resource *movex_resource_of_stale(movex_node *stale)
{
    return (movex_resource *)(void *)((char *)stale - offsetof(movex_resource, stale));
}

/* Encodes a settled payload behind what is in client.encoded, which has room; codec NULL: none. */
movex_wire_bytes movex_resource_encode(movex_client *client, const movex_codec *codec, const void *payload);
/* A dispatch is being sent: gives it the next sequence. */
void movex_resource_number(movex_resource *resource, movex_pending_dispatch *dispatch);

/* ---- client_fold.c */

/* The version from which the client can fold again. */
uint64_t movex_fold_base(const movex_resource *resource);
/* Confirmed is what it is by a snapshot or a reveal: the base from now on. */
void movex_fold_start(movex_resource *resource);
/* The same, where the base is that state already: it has been folded again. */
void movex_fold_start_here(movex_resource *resource);
/* Keeps an entry: what is to be folded again at a reveal. `context` is that of confirmed. */
void movex_fold_keep(movex_resource *resource, const movex_context *context, uint32_t action, movex_wire_bytes payload);
/* Folds again with the halves of a reveal in place of what was shown, and takes the result as confirmed. MOVEX_OK,
   MOVEX_ERR_MEMORY (the entries are not here), or MOVEX_ERR_MALFORMED. */
int  movex_fold_again(movex_resource *resource, const movex_entry_message *message, movex_error *error);
/* Notes whose entries a reveal, with the entry of that version, has revealed. */
void movex_fold_note(movex_resource *resource, uint64_t version, const movex_wire_records *records, bool halves);
/* The same of one that a snapshot includes, with the names if the client has missed it. */
void movex_fold_reveal_missed(movex_resource *resource, uint64_t version, const movex_wire_records *names);
/* One of them more. Without memory it is not told of. */
void movex_fold_add_name(movex_resource *resource, uint64_t version, const char *author, size_t length);
/* Forgets whose entries the last reveal has revealed. */
void movex_fold_forget_names(movex_resource *resource);
/* An own dispatch was accepted. */
void movex_fold_own(movex_resource *resource, uint64_t sequence, movex_ticket ticket);
/* An own dispatch that was accepted has no effect. */
void movex_fold_overturn(movex_resource *resource, uint64_t sequence, int reason);
/* Takes the next overturned dispatch that is not drained; false if there is none. */
bool movex_fold_next_overturned(movex_resource *resource, movex_ticket *ticket, int *reason);
/* Forgets what belongs to a session that is over. */
void movex_fold_forget_own(movex_resource *resource);
void movex_fold_free(movex_resource *resource);

/* ---- client_sealed.c */

/* False if there is no memory. */
bool movex_sealing_make(movex_resource *resource);
void movex_sealing_free(movex_resource *resource);
void movex_sealing_disconnected(movex_resource *resource);
/* A public entry, which confirmed has: it is a part of the round, if one is open. */
void movex_sealing_keep(movex_resource *resource, const movex_context *context, uint32_t action, movex_wire_bytes payload);
void movex_sealing_entry(movex_resource *resource, const movex_sealed_entry_message *message);
void movex_sealing_step(movex_resource *resource, const movex_sealed_step_message *message);
/* What belongs to the snapshot that follows; and that snapshot, which confirmed has: false if they do not fit (then the
   connection is broken). */
void movex_sealing_read(movex_resource *resource, const movex_sealed_message *message);
bool movex_sealing_snapshot(movex_resource *resource, uint64_t version);
/* Takes the next forfeit that is not drained; false if there is none. */
bool movex_sealing_next_forfeit(movex_resource *resource, const movex_forfeit **forfeit);

static inline bool movex_sealing_is_open(const movex_resource *resource)
{
    return resource->sealing && movex_sealed_is_open(&resource->sealing->round);
}

/* What this client sees, before what is pending. */
static inline movex_view *movex_sealing_view(movex_resource *resource)
{
    return resource->sealing && resource->sealing->has_own ? &resource->sealing->own : &resource->confirmed;
}

/* ---- client_secrets.c */

/* Of a new dispatch of a pair: MOVEX_OK; or MOVEX_ERR_MEMORY or MOVEX_ERR_SYSTEM, with client.error. */
int  movex_secrets_make(movex_resource *resource, movex_pending_dispatch *dispatch);
/* The dispatch has an outcome, or is taken back; `kept`: it is in the log, or may be. */
void movex_secrets_answered(movex_pending_dispatch *dispatch, bool kept);
/* Sends it with a commitment. False if there is no memory. */
bool movex_secrets_send(movex_resource *resource, movex_pending_dispatch *dispatch);
/* If the entry is one that this client has sealed, it knows its half from now on. False if there is no memory. */
bool movex_secrets_know(movex_resource *resource, movex_sealed_entry *entry);
/* Opens what this client has sealed, if it is time and it has not yet. */
void movex_secrets_open(movex_resource *resource);
/* A round is over, or another one has come. */
void movex_secrets_age(movex_resource *resource);
void movex_secrets_free(movex_resource *resource);

/* ---- client_undone.c */

/* A dispatch was accepted. */
void movex_undone_remember(movex_resource *resource, uint64_t sequence, movex_ticket ticket);
/* The subscription goes on, and the master has handled no dispatch after `sequence`. */
void movex_undone_compare(movex_resource *resource, uint64_t sequence);
/* The subscription has ended: nobody can tell any more, but what is provisional counts as lost. */
void movex_undone_forget(movex_resource *resource);
/* Takes the next that is not drained; false if there is none. */
bool movex_undone_next(movex_resource *resource, movex_ticket *ticket);
void movex_undone_free(movex_resource *resource);

/* ---- client_replica.c */

void movex_replica_snapshot(movex_resource *resource, const movex_snapshot_message *message);
void movex_replica_entry(movex_resource *resource, const movex_entry_message *message);
/* False if entries are missing before that version; a snapshot is on its way then. */
bool movex_replica_follows(movex_resource *resource, uint64_t version);
/* Confirmed is what comes of `what` by `author` (""), and should have that checksum; else a snapshot is asked for. */
void movex_replica_compare(movex_resource *resource, const char *author, const char *what, uint64_t checksum,
                           const char *fault);
/* The best guess at what the master will add to a dispatch that makes `version`. */
movex_context movex_replica_context(const movex_resource *resource, uint64_t version, movex_random_source *random);
/* Applies a new dispatch on local, unless it is not to be predicted. False if there is no memory; else `answer` is
   MOVEX_ACCEPT, or why it was refused. */
bool movex_replica_predict(movex_resource *resource, const movex_pending_dispatch *dispatch, int *answer);
/* Frees both states. */
void movex_replica_free(movex_resource *resource);
/* Puts pending back on top of confirmed, if either has changed. False if there is no memory. */
bool movex_replica_rebase(movex_resource *resource);
void movex_replica_check(const movex_resource *resource);

/* ---- client_pending.c */

/* A free slot, as last of pending, HELD, with ticket and copies of the payloads; NULL with client.error. `shown` is
   MOVEX_NO_ACTION for a public one. */
movex_pending_dispatch *movex_pending_new(movex_resource *resource, uint32_t action, const void *payload, uint32_t shown,
                                          const void *shown_payload);
/* Takes it from pending; its outcome waits to be drained. */
void movex_pending_answer(movex_pending_dispatch *dispatch, movex_event_kind outcome, int reason, uint64_t version);
/* Takes it back, as if it had never been. */
void movex_pending_cancel(movex_pending_dispatch *dispatch);
/* Its outcome has been drained. */
void movex_pending_release(movex_pending_dispatch *dispatch);
/* The one that waits for the master's answer to that sequence, or NULL. */
movex_pending_dispatch *movex_pending_sent(const movex_resource *resource, uint64_t sequence);
/* All that are SENT (or all, if `all`) expire. */
void movex_pending_expire(movex_resource *resource, bool all);
void movex_pending_free(movex_resource *resource);

static inline movex_pending_dispatch *movex_pending_of(movex_node *order)
{
    return (movex_pending_dispatch *)(void *)((char *)order - offsetof(movex_pending_dispatch, order));
}

/* ---- client_peers.c */

/* False if there is no memory. */
bool movex_peers_update(movex_resource *resource, const movex_subscriber_message *message);
/* The holder of a slot, or NULL. */
const movex_peer_record *movex_peers_find(const movex_resource *resource, uint32_t slot);
/* A new list of `count` subscribers comes: whoever is not in it has left. */
void movex_peers_begin(movex_resource *resource, uint64_t count);
void movex_peers_free(movex_resource *resource);

/* ---- client_events.c */

/* Frees the peer whose departure was told last. */
void movex_client_forget_drained(movex_client *client);

#endif
