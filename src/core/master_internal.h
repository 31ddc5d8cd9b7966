/* The inside of a master, shared by its files:

     master.c           making, freeing, polling; attached emitters; reading
     master_control.c   what the program itself does to resources and clients
     master_rate.c      what comes faster than it may waits
     master_address.c   how many come from one address
     master_link.c      one connection: frames in, messages to whom they concern, flushing, closing
     master_session.c   who is connected or away: HELLO, resuming, the grace period, leaving
     master_bind.c      a session's subscriptions: BIND, UNBIND, snapshots, catching up
     master_order.c     dispatches become entries of a resource's log
     master_tell.c      its subscribers are told, each what it may know
     master_audience.c  what clients hold that cannot compute their views
     master_reveal.c    what is hidden becomes known
     master_sealed.c    what is sealed: rounds, from the first commitment to the reveal
     master_sealed_tell.c  what is sealed is told
     master_hidden.c    what is hidden: who has hidden it, and the views that come of it
     master_recover.c   what a store has kept is taken up again
     master_records.c   a journal's records, one by one (recovery.h)
     master_refusals.c  dispatches that became none
     master_overturned.c  dispatches that a reveal has shown to have no effect
     master_resource.c  a resource: creation, removal, when it wants to be woken
     master_keep.c      what happens is written to the store (master_keep.h)
     master_send.c      messages out
     master_events.c    the ring of events for the program

   Each calls those below it alone.

   Links, sessions and resources know each other so:

     link 1 -- 0..1 session 1 -- * subscription * -- 1 resource

   A link without a session has not said HELLO; a session without a link is away; a subscription is `live` from the moment
   that its session's present link has been given the resource's state. */
#ifndef MOVEX_CORE_MASTER_INTERNAL_H
#define MOVEX_CORE_MASTER_INTERNAL_H

#include "channel.h"
#include "hash.h"
#include "heap.h"
#include "journal.h"
#include "list.h"
#include "log.h"
#include "map.h"
#include "memory.h"
#include "name.h"
#include "sealed.h"
#include "view.h"
#include "wire.h"

#include <movex/master.h>

typedef struct movex_attached {
    movex_io     io;
    movex_map    links; /* by the emitter's number: movex_master_link */
    movex_limits limits; /* for those who come by it */
    bool         rated;  /* there is a limit to how fast they may send */
} movex_attached;

/* What one may still send now, in thousandths, as of `filled_ms`; below 0 what it has sent ahead. */
typedef struct movex_budget {
    int64_t  messages, bytes, binds;
    uint64_t filled_ms; /* given time */
    bool     begun;
} movex_budget;

/* How many have come from somewhere; it is freed when none is left. */
typedef struct movex_address {
    uint32_t links, sessions;
    char     host[64];
} movex_address;

typedef struct movex_master_link {
    movex_node            greeting; /* in master.greeting until HELLO, by opened_ms */
    movex_node            due;      /* in master.due while something waits to be sent, or the link has failed */
    movex_list            owed;     /* movex_subscription.owed: snapshots to be sent as its queue allows */
    movex_attached       *attached;
    struct movex_session *session; /* NULL before HELLO */
    movex_channel         channel;
    uint64_t              opened_ms; /* given time */
    int                    refusal;  /* the reason that the authenticate hook gave, else 0 */
    uint64_t              took_ms;   /* stalls: given time at which it has taken something last */
    bool                  stalls;    /* something waits for it to take */
    movex_status          failure;   /* why it is to be closed at the next flush; MOVEX_OK: it is not */
    char                  address[64];
    movex_address        *from; /* NULL: nobody says */
    movex_budget          budget;  /* before HELLO; then the session's counts */
    movex_node            waiting; /* in master.waiting while it has sent more than it may for now */
    movex_buffer          inbox;   /* frames that wait for that, each behind its length */
    size_t                inbox_start;
    uint64_t              held_for; /* the number that must be durable before what is marked may be sent */
} movex_master_link;

typedef struct movex_session {
    movex_node         away; /* in master.away while it has no link, by away_ms; in master.over once it can be freed; in master.lost
                                   while it is unlisted and has not ended */
    movex_master_link *link; /* NULL: away */
    uint64_t           number;  /* never used again; entries name their author's session by it */
    uint64_t           away_ms; /* given time at which it lost its link */
    bool               anew;    /* begun anew, and no message has followed: the client may not have been told */
    bool               heard;   /* a message has followed HELLO, or its token has come back: the client has its WELCOME */
    uint32_t           hiding; /* resources in which it has hidden something that is not revealed */
    bool               over;   /* it has ended, and is kept for its token alone, while hiding > 0 */
    bool               ending; /* its subscriptions end because it does */
    bool               unlisted; /* not in master.sessions: it was recovered, and another one has its id since */
    movex_list         subscriptions; /* movex_subscription.of_session */
    movex_map          by_number;     /* by the resource's number: movex_subscription */
    uint64_t           subscriptions_made;
    movex_list         created; /* movex_master_resource.created: what it has brought into being */
    uint32_t           created_count;
    movex_address     *from; /* of its last link; NULL: nobody says */
    movex_budget       budget;
    unsigned char      token[MOVEX_TOKEN_SIZE];
    char               id[MOVEX_NAME_SIZE];
    char              *info;    /* NULL: "", as most have none; see movex_session_info */
} movex_session;

/* A dispatch that made no entry: what to answer when it comes again. */
typedef struct movex_refused {
    uint64_t sequence;
    int      reason;
} movex_refused;

/* A dispatch that was accepted, and that the full view refuses. */
typedef struct movex_overturned {
    uint64_t sequence;
    uint64_t revealed; /* the version of the reveal that has shown it; 0: none yet */
    int      reason;
} movex_overturned;

typedef struct movex_subscription {
    movex_node                    of_session; /* first member */
    movex_node                    owed;       /* in link.owed while it is to be sent a snapshot */
    movex_node                    crowded;    /* in master.crowded while it is to be revoked: there is no room for its view */
    uint64_t                      serial;     /* the session's name for it, never used again */
    movex_session                *session;
    struct movex_master_resource *resource;
    uint32_t                      slot;     /* resource->company->subscribers[slot] == this */
    bool                          live;     /* gets the resource's messages; its session has a link, or is ending */
    uint64_t                      sequence; /* the last of its dispatches that was handled */
    uint64_t                      answered; /* of those that were accepted, its client knows up to this one */
    uint64_t                      told_sequence; /* the greatest that its client was told since, and with, the last BOUND */
    uint64_t                      base;     /* from this version on its client can fold again; <= log.version */
    uint64_t                      revealed; /* the version of the last reveal that its client has been told of */
    uint64_t                      told; /* that of the last one of which it has also been told what was overturned */
    struct movex_hider           *hider;    /* what its client has hidden here, or NULL */
    struct movex_audience        *audience; /* live, of a patched type: with whom it shares what it holds; else NULL */
    struct movex_audience        *next_audience; /* while an entry is told: to which it goes */
    bool                          is_told;       /* while an entry is told */
    movex_refused                *refused;  /* a ring of the newest refusals */
    uint32_t                      refused_capacity; /* 0 or a power of two */
    uint64_t                      refused_count;    /* ever; the newest min(count, capacity) are kept */
    movex_overturned             *overturned;       /* the same, of what was overturned */
    uint32_t                      overturned_capacity;
    uint64_t                      overturned_count;
} movex_subscription;

/* ---- what is hidden */

/* One half of a pair, or a public action. */
typedef struct movex_half {
    uint32_t         action;
    const void      *payload; /* settled, or NULL */
    movex_wire_bytes encoded; /* the payload's encoding */
    uint64_t         seed;    /* of its random values */
    bool             drew;    /* some, in some view */
} movex_half;

/* What is done. */
typedef struct movex_deed {
    movex_half shown;  /* to everybody; of a public action all there is */
    movex_half hidden; /* what the author does, if `hides` */
    bool       hides;
    const unsigned char *commitment; /* to what the author does, which nobody else knows; NULL: none */
    bool       replayed; /* it comes from a journal: it has its seeds */
} movex_deed;

/* Somebody who has hidden something that is not revealed yet, and so sees a state of its own: the fold of the log with its own
   hidden halves in place of what is shown. `full` of movex_hidden is one that sees all of them, and is nobody. */
typedef struct movex_hider {
    movex_node     spare; /* first member; in movex_spares.hiders while it is unused */
    movex_view     view;
    movex_session *session; /* whose id it is; it keeps its token until the reveal */
    uint32_t       hidden;  /* entries; 0 only while its first is tried */
    int            answer;  /* of the view's reducer to the entry that is being ordered */
    bool           drew;    /* random values, in that */
} movex_hider;

/* An entry with a hidden half. */
typedef struct movex_pair {
    uint64_t version;
    uint64_t session, subscription, sequence; /* of the dispatch */
    uint64_t seed;                            /* of the hidden half */
    uint32_t action;            /* of the hidden half */
    uint32_t payload_at, payload_length; /* bytes, in movex_hidden.payloads */
    bool     drew;                       /* random values, in the full view */
    int      forfeit; /* sealed, in what was revealed last: MOVEX_ACCEPT, or why what was shown stands */
    char     author[MOVEX_NAME_SIZE];
} movex_pair;

/* What one reveal is about. */
typedef struct movex_disclosure {
    movex_pair *pairs; /* in the order of the log */
    uint32_t    pair_count, pair_capacity;
} movex_disclosure;

/* Made when something is hidden in a resource first.
     sum of hider.hidden == next.pair_count;  hider_count == 0  <=>  next.pair_count == 0  (but while a pair is tried)
     full != NULL  <=>  hider_count >= 2: the only hider's view is the full one  (movex_hidden_check) */
typedef struct movex_hidden {
    movex_hider    **hiders;
    uint32_t         hider_count, hider_capacity;
    movex_hider     *full;
    uint64_t         base;     /* hider_count > 0: the version before the first hidden entry */
    bool             foldable; /* clients have all random seeds that they need to fold again with the hidden halves alone */
    movex_disclosure next;     /* what the next reveal will be about */
    movex_disclosure last;     /* what the last reveal was about, for those who have missed it */
    movex_buffer     payloads; /* of the hidden halves in `next` */
} movex_hidden;

/* Subscribers of a patched type who hold the same state: their view, redacted. Its checksum is theirs. */
typedef struct movex_audience {
    movex_node         node;  /* first member; in resource.audiences, or in movex_spares.audiences while it is unused */
    const movex_hider *hider; /* whose fold it is, or NULL: the public one */
    uint64_t           number; /* that the type's hook gave */
    char               id[MOVEX_NAME_SIZE]; /* through whose eyes: one of its members */
    movex_view         held;
    void              *computed; /* while an entry is told: what members have made of it by themselves */
    uint32_t           members;
    bool               drew;     /* random values, in that */
    bool               is_new;   /* while an entry is told: nobody held it before */
    bool               is_wanted; /* while an entry is told: somebody is to hold it after */
} movex_audience;

/* Of one type: made, and not in use now, so that nothing is allocated once warm. */
typedef struct movex_spares {
    movex_list hiders, audiences;
    uint32_t   hider_count, audience_count; /* up to a fixed number */
} movex_spares;

/* ---- what is kept */

/* A file of the store, and how far it has been written. */
typedef struct movex_journal_place {
    movex_store_file file;
    uint64_t         seed;     /* of its records */
    uint64_t         size;     /* bytes */
    uint64_t         snapshot; /* bytes of what it was begun with */
} movex_journal_place;

/* ---- resources */

/* What a resource needs besides once a client binds it.
     subscriber_count == subscribers that are not NULL;  no slot below free_slot is free */
typedef struct movex_company {
    struct movex_master_resource *resource;
    movex_node                    created; /* in creator->created */
    struct movex_session         *creator; /* while it is there; NULL: the program, or before a restart */
    uint32_t                      seed_key_for; /* the number that seed_key has been derived for; 0: none yet */
    uint32_t                      subscriber_count;
    movex_sip_key                 seed_key;     /* of the seeds of its entries */
    movex_subscription          **subscribers; /* by slot; NULL: free */
    uint32_t                      slots;       /* in use or free below; <= slot_capacity */
    uint32_t                      slot_capacity;
    uint32_t                      free_slot;
    uint32_t                      audience_count;
    movex_list                    audiences; /* of a patched type: movex_audience.node */
    uint32_t                      wanted_count; /* while an entry is told: audiences that somebody belongs to after it */
} movex_company;

/* Of a resource that may want something at some time. */
typedef struct movex_alarm {
    struct movex_master_resource *resource;
    movex_heap_item               wake;  /* in master.wakes while its state wants to be woken, by master time */
    movex_heap_item               seal;  /* in master.seals while what is sealed waits for something */
    movex_node                    woken; /* while it is being woken */
} movex_alarm;

/* Of a resource whose master has a store. */
typedef struct movex_kept {
    struct movex_master_resource *resource;
    movex_journal_place           journal;
    movex_node                    grown; /* in master.grown since its journal has grown, until the end of the poll */
} movex_kept;

/* Lies in one block with its alarm, its kept and its id, as far as it has them (resource_size).
   log.version is the version of view; log.count entries of it are kept. */
typedef struct movex_master_resource {
    movex_node           idle; /* in master.idle while nobody is subscribed, by idle_ms */
    movex_alarm         *alarm; /* NULL: its type never wants to be woken */
    const movex_rules   *rules;
    uint32_t             number; /* its name on the wire, never used again: a late message cannot hit another one */
    uint32_t             place : 31; /* master->resources[place] == this */
    uint32_t             removing : 1; /* nothing is dispatched in it any more */
    uint64_t             idle_ms; /* given time at which the last subscriber left */
    movex_view           view; /* the public one */
    movex_log            log;
    uint64_t             revealed; /* the version of the last reveal, or put; 0: none */
    movex_hidden        *hidden;   /* NULL: nothing ever was */
    movex_sealed        *sealed;   /* NULL: nothing ever was */
    movex_company       *company;  /* &master.nobody until a client has bound it */
    movex_kept          *kept;    /* NULL: the master has no store */
    char                *id;
} movex_master_resource;

typedef struct movex_master_record {
    movex_master_event_kind kind;
    movex_status            status;
    uint64_t                version, checksum;
    char                    peer[MOVEX_NAME_SIZE], type[MOVEX_NAME_SIZE], id[MOVEX_NAME_SIZE];
    char                    text[96];
} movex_master_record;

struct movex_master {
    movex_master_config     config; /* limits and times resolved; its pointers to types and error are not kept */
    movex_allocator         allocator;
    movex_sip_key           table_key, token_key, seed_key;
    movex_rules           **rules;
    movex_spares           *spares; /* as many as rules_capacity */
    uint32_t                rules_count, rules_capacity;
    movex_attached        **attached;
    uint32_t                attached_count, attached_capacity;
    movex_map               sessions;     /* by hash of the id */
    movex_map               by_name;      /* by hash of type and id: movex_master_resource */
    movex_master_resource **resources;    /* by place; NULL: free */
    uint32_t                resource_slots, resource_capacity;
    uint32_t                free_place;     /* no free place is below it */
    movex_company           nobody;         /* of those that no client has bound yet; never changed */
    uint32_t                resources_made; /* the last number given */
    uint32_t                link_count;
    uint64_t                sessions_made;
    size_t                  max_message; /* bytes of the longest message that a client may send */
    movex_list              greeting, due, away, idle, over, lost, grown, crowded, waiting;
    movex_map               addresses; /* by hash of the host: movex_address */
    movex_heap              wakes; /* movex_alarm.wake; room for all that may be woken */
    movex_heap              seals; /* movex_master_resource.seal; the same */
    bool                    polled;
    bool                    unread;    /* the last poll has left something with an emitter */
    uint64_t                now_ms;    /* given time of the last poll */
    uint64_t                offset_ms; /* master time = given time + offset, modulo 2^64 */
    uint64_t                recovered_ms; /* master time of the latest entry that was recovered */
    movex_journal_place     journal;      /* of the sessions */
    movex_buffer            record;       /* for the record that is being written */
    uint64_t                flushed_ms;   /* given time at which the store was flushed last */
    bool                    recovering;   /* what happens is in the store already */
    movex_status            store_status; /* as the last event has told it */
    bool                    closing;      /* nothing is removed from the store any more */
    movex_buffer            scratch;   /* for the message that is being written */
    movex_buffer            encoded;   /* for the payload of a dispatch of the program's own */
    movex_buffer            patch;     /* for the difference that is being sent */
    movex_buffer            receiver_records; /* for those of the reveal that is being sent */
    movex_buffer            public_records;   /* the same, for those who have hidden nothing */
    void                   *payload;   /* for the payload that is being handled: max_payload of all types, or NULL */
    void                   *shown_payload; /* the same, for what is shown of a pair */
    size_t                  payload_size;
    movex_stats             stats;
    movex_master_record    *records; /* a ring */
    uint32_t                record_first, record_count, record_capacity;
    movex_master_record     drained; /* the one whose texts are lent */
};

/* ---- master_send.c */

/* A writer over scratch with room for a message with `extra` bytes of texts and payloads; NULL `at` if there is no memory. */
movex_writer movex_master_message(movex_master *master, size_t extra);
/* The same for a message to one link, which is closed at the next flush if there is no memory: then false. */
bool movex_master_begin(movex_master *master, movex_master_link *link, size_t extra, movex_writer *writer);
/* Queues the message that `writer` has written to scratch. A failure closes the link at the next flush. */
void movex_master_send(movex_master *master, movex_master_link *link, const movex_writer *writer);
/* Closes the link at the next flush: what it should have been sent could not be. */
void movex_master_fail(movex_master *master, movex_master_link *link, movex_status status);

/* ---- master_rate.c */

/* False if the next message, of that kind, has to wait. */
bool movex_rate_allows(movex_master *master, movex_master_link *link, uint8_t kind);
/* Counts a message that was taken. */
void movex_rate_spend(movex_master_link *link, size_t bytes);
/* The same of a BIND, wherever it was in. */
void movex_rate_spend_bind(movex_master_link *link);
/* Keeps a frame, or what is left of one: MOVEX_OK, MOVEX_ERR_LIMIT or MOVEX_ERR_MEMORY. */
int  movex_rate_wait(movex_master *master, movex_master_link *link, const void *frame, size_t length);
/* The first frame that waits. */
movex_reader movex_rate_first(const movex_master_link *link);
/* All but the last `left` bytes of it were taken. */
void movex_rate_taken(movex_master *master, movex_master_link *link, size_t left);
/* The given time at which the first of those that wait may go on; UINT64_MAX: none waits. */
uint64_t movex_rate_due_ms(const movex_master *master);

static inline movex_master_link *movex_master_link_of_waiting(movex_node *node)
{
    return (movex_master_link *)(void *)((char *)node - offsetof(movex_master_link, waiting));
}

/* ---- master_address.c */

/* One more link from there: MOVEX_OK, MOVEX_ERR_LIMIT or MOVEX_ERR_MEMORY. */
int  movex_address_add_link(movex_master *master, movex_master_link *link);
void movex_address_remove_link(movex_master *master, movex_master_link *link);
/* False if no more sessions may come from where the link does. */
bool movex_address_has_room(const movex_master_link *link, const movex_session *session);
/* The session is where the link comes from, or (NULL) nowhere. */
void movex_address_move_session(movex_master *master, movex_session *session, const movex_master_link *link);

/* ---- master_link.c */

void movex_master_link_opened(movex_master *master, movex_attached *attached, const movex_io_event *event);
void movex_master_link_received(movex_master *master, movex_attached *attached, const movex_io_event *event);
void movex_master_link_lost(movex_master *master, movex_attached *attached, const movex_io_event *event);
/* Takes what has waited for its rate, as far as that allows now. */
void movex_master_take_waiting(movex_master *master);
/* Says why (status MOVEX_OK: nothing is said), closes and frees it; its session, if any, is away from now on. */
void movex_master_link_close(movex_master *master, movex_master_link *link, int status, int reason, const char *text);
/* Frees it without a word; the emitter is done with it. Its session is left alone. */
void movex_master_link_free(movex_master *master, movex_master_link *link);
/* Sends what is due on all links, and closes those that have failed. */
void movex_master_flush(movex_master *master);
/* The given time at which a link will have taken nothing for too long; UINT64_MAX: none waits. */
uint64_t movex_master_stall_ms(const movex_master *master);

/* ---- master_session.c */

/* The session of a client, or NULL. */
movex_session *movex_session_find(const movex_master *master, const char *id);
int  movex_session_hello(movex_master *master, movex_master_link *link, movex_reader *reader, movex_error *error);
void movex_session_lost_link(movex_master *master, movex_session *session, const char *text);
/* Its link is gone for good: ends it, or, if that cannot be kept now, has it away until it can. */
void movex_session_leave(movex_master *master, movex_session *session, const char *text);
/* Ends it: its subscriptions are taken back. It has no link any more. There is room for that in the store. `text`: why. */
void movex_session_end(movex_master *master, movex_session *session, const char *text);
/* Frees those that are over and have nothing hidden any more. */
void movex_session_collect(movex_master *master);
/* A session as the store has kept it; the caller fills in number, token and info. NULL if there is no memory. */
movex_session *movex_session_recover(movex_master *master, const char *id);
/* One that only resources know of; it is ended at the next poll. NULL if there is no memory. */
movex_session *movex_session_recover_lost(movex_master *master, uint64_t number, const char *id);
/* It had ended, and its resources may not have been told: it is ended at the next poll. */
void movex_session_lose(movex_master *master, movex_session *session);
/* Ends what is lost, as far as that can be kept. */
void movex_session_end_lost(movex_master *master);
/* All that are recovered: they are away now. False if there is no memory. */
bool movex_session_recovered(movex_master *master, const movex_map *by_number);
/* Frees it and its subscriptions, with nobody told. */
void movex_session_free(movex_master *master, movex_session *session);
/* What others are told of it with its id; never NULL. */
const char *movex_session_info(const movex_session *session);
/* False if memory ran out; then it is as it was. */
bool movex_session_set_info(movex_master *master, movex_session *session, const void *text, size_t length);

/* ---- master_bind.c */

/* Its link is gone: nothing is sent to it any more. */
void movex_subscription_silence(movex_master *master, movex_subscription *subscription);
/* Where the subscriber's link is too slow for all entries, nothing more is sent to it but a snapshot, when it is less slow. */
void movex_subscription_give_way(movex_master *master, movex_subscription *subscription);
/* Has a snapshot sent with the next flush, or as soon after as the link's queue allows; one, however often it is asked. */
void movex_subscription_owe_snapshot(movex_master *master, movex_subscription *subscription);
/* Sends the snapshot that is owed. */
void movex_subscription_send_snapshot(movex_master *master, movex_subscription *subscription);
/* A subscription as the store has kept it. NULL if there is no memory. */
movex_subscription *movex_subscription_recover(movex_master *master, movex_session *session,
                                               struct movex_master_resource *resource, uint64_t serial, uint64_t sequence);
/* Tells the subscriber (status MOVEX_OK: as it asked), if it is connected, that the subscription has ended, and ends it. */
void movex_subscription_revoke(movex_master *master, movex_subscription *subscription, movex_status status, const char *text);
int  movex_subscription_bind(movex_master *master, movex_session *session, movex_reader *reader, movex_error *error);
/* Revokes those for whose views there is no room. */
void movex_subscription_revoke_crowded(movex_master *master);
/* Ends those that are not bound on the session's present link: MOVEX_OK or MOVEX_ERR_STORE. */
int  movex_subscription_forget(movex_master *master, movex_session *session);
int  movex_subscription_unbind(movex_master *master, movex_session *session, uint32_t number);
int  movex_subscription_resync(movex_master *master, movex_session *session, uint32_t number);
/* Takes it from its resource and its session, and frees it, with nobody told. */
void movex_subscription_free(movex_master *master, movex_subscription *subscription);
/* The same, with the others told. */
void movex_subscription_end(movex_master *master, movex_subscription *subscription);
/* Tells all other live subscribers that this one is there, away or gone; with its name if it is new. */
void movex_subscription_announce(movex_master *master, const movex_subscription *subscription, movex_presence presence,
                                 bool named);


/* Its client is told of a dispatch of that sequence, which is handled, on its session's present link. */
static inline void movex_subscription_told(movex_subscription *subscription, uint64_t sequence)
{
    assert(sequence <= subscription->sequence);
    if (sequence > subscription->told_sequence) subscription->told_sequence = sequence;
}

static inline movex_subscription *movex_subscription_of_crowded(movex_node *node)
{
    return (movex_subscription *)(void *)((char *)node - offsetof(movex_subscription, crowded));
}

static inline movex_subscription *movex_subscription_of_owed(movex_node *node)
{
    return (movex_subscription *)(void *)((char *)node - offsetof(movex_subscription, owed));
}

/* ---- master_resource.c */

movex_master_resource *movex_master_resource_find(const movex_master *master, const movex_rules *rules, const char *id);
/* MOVEX_OK, MOVEX_ERR_LIMIT or MOVEX_ERR_MEMORY. */
int  movex_master_resource_new(movex_master *master, const movex_rules *rules, const char *id,
                               movex_master_resource **resource);
/* The session has brought it into being, for which it may not ask without end; or that does not count any more. */
/* A client binds it: it has a company of its own from now on. False if there is no memory. */
bool movex_master_resource_meet(movex_master *master, movex_master_resource *resource);
/* The session has brought it into being. The same. */
bool movex_master_resource_own(movex_master *master, movex_master_resource *resource, movex_session *creator);
void movex_master_resource_disown(movex_master_resource *resource);
/* It has no subscribers. */
void movex_master_resource_free(movex_master *master, movex_master_resource *resource);
/* Its state is another one: what was hidden is dropped, and never shown. */
void movex_master_resource_replaced(movex_master *master, movex_master_resource *resource);
/* The rules of one of the master's types, or NULL. */
const movex_rules *movex_master_rules(const movex_master *master, const movex_type *type);
/* The resource of that type and id, or NULL. */
movex_master_resource *movex_master_resource_named(const movex_master *master, const movex_type *type, const char *id);
void movex_master_resource_check(const movex_master_resource *resource);
/* Of all its views, so far. */
uint64_t movex_master_resource_bytes_hashed(const movex_master_resource *resource);
/* Asks the state when it wants to be woken. */
void movex_master_resource_schedule(movex_master *master, movex_master_resource *resource);

static inline movex_master_resource *movex_master_resource_of_created(movex_node *node)
{
    return ((movex_company *)(void *)((char *)node - offsetof(movex_company, created)))->resource;
}

static inline movex_master_resource *movex_master_resource_of_wake(movex_heap_item *item)
{
    return ((movex_alarm *)(void *)((char *)item - offsetof(movex_alarm, wake)))->resource;
}

static inline movex_master_resource *movex_master_resource_of_woken(movex_node *node)
{
    return ((movex_alarm *)(void *)((char *)node - offsetof(movex_alarm, woken)))->resource;
}

static inline movex_master_resource *movex_master_resource_of_seal(movex_heap_item *item)
{
    return ((movex_alarm *)(void *)((char *)item - offsetof(movex_alarm, seal)))->resource;
}

/* ---- master_control.c */

/* Copies a view as `viewer` may know it, as movex_master_view does. */
int movex_master_show(const movex_master *master, const movex_master_resource *resource, const movex_view *view,
                      const char *viewer, void *state, uint64_t *checksum);

/* ---- master_recover.c */

/* Takes up what the store has kept: MOVEX_OK, or what is wrong, and where. */
int movex_master_recover(movex_master *master, movex_error *error);

static inline movex_master_resource *movex_master_resource_of_grown(movex_node *node)
{
    return ((movex_kept *)(void *)((char *)node - offsetof(movex_kept, grown)))->resource;
}

/* ---- master_refusals.c */

/* The refusals that are remembered are those from refused_count - kept on. */
uint64_t       movex_refused_kept(const movex_subscription *subscription);
movex_refused *movex_refused_at(const movex_subscription *subscription, uint64_t index);
/* Remembers, after movex_subscription_prepare, that a dispatch was refused, with nobody told. */
void movex_refused_remember(movex_subscription *subscription, uint64_t sequence, int reason);

/* Makes sure that one more refusal can be remembered. False if there is no memory. */
bool movex_subscription_prepare(movex_master *master, movex_subscription *subscription);
/* Remembers, after movex_subscription_prepare, that a dispatch was refused, and tells its author. */
void movex_subscription_refuse(movex_master *master, movex_subscription *subscription, uint64_t sequence, int reason);
/* Answers a dispatch that was handled before. */
void movex_subscription_repeat(movex_master *master, movex_subscription *subscription, uint64_t sequence);
/* Answers what was accepted and could not be told by an entry or a snapshot: the subscription ends before that. */
void movex_subscription_tell_accepted(movex_master *master, movex_subscription *subscription);
/* Answers what its client may not know yet, after `answered`. */
void movex_subscription_tell_refusals(movex_master *master, movex_subscription *subscription, uint64_t answered);

/* ---- master_overturned.c */

/* As of refusals. */
uint64_t          movex_overturned_kept(const movex_subscription *subscription);
movex_overturned *movex_overturned_at(const movex_subscription *subscription, uint64_t index);

/* Makes sure that one more can be remembered. False if there is no memory. */
bool movex_overturned_prepare(movex_master *master, movex_subscription *subscription);
/* The same for `more`, up to as many as are remembered. */
bool movex_overturned_reserve(movex_master *master, movex_subscription *subscription, uint32_t more);
/* After movex_overturned_prepare: a dispatch was accepted that the full view refuses. */
void movex_overturned_remember(movex_subscription *subscription, uint64_t sequence, int reason);
/* A reveal, with the entry of that version, has shown what was remembered. */
void movex_overturned_reveal(movex_master_resource *resource, uint64_t version);
/* What no reveal has shown never will be. */
void movex_overturned_drop(movex_master_resource *resource);
/* Tells a subscriber what the reveals have overturned of which its client may not have been told; it has been after. */
void movex_overturned_tell(movex_master *master, movex_subscription *subscription);
/* A digest of what the last reveal has overturned. */
uint64_t movex_overturned_digest(const movex_master_resource *resource, uint64_t so_far);

/* ---- master_hidden.c */

/* What the client of that id has hidden in the resource, or NULL. */
movex_hider *movex_hider_find(const movex_master_resource *resource, const char *id);
/* The same of a session. */
movex_hider *movex_hider_of(const movex_master_resource *resource, const movex_session *session);
/* The fold that a subscriber of that hider (NULL: none) sees, before redaction. */
const movex_view *movex_hidden_view(const movex_master_resource *resource, const movex_hider *hider);
/* The view in which everything is revealed. */
const movex_view *movex_hidden_full(const movex_master_resource *resource);
uint32_t movex_hidden_count(const movex_master_resource *resource);
/* Makes sure that a pair of the subscriber's can be kept, and gives it a hider: MOVEX_OK, MOVEX_ERR_LIMIT or MOVEX_ERR_MEMORY. */
int  movex_hidden_prepare(movex_master *master, movex_subscription *subscription, size_t payload_length);
/* A pair was not accepted: takes its hider back, if it was its first. */
void movex_hidden_withdraw(movex_master *master, movex_subscription *subscription);
/* Applies one half to a view, as the entry of `context`: MOVEX_ACCEPT, or why it has no effect there. */
int  movex_hidden_apply(movex_master *master, movex_view *view, movex_half *half, const movex_context *context, bool *drew);
/* The author's view has accepted the deed: brings all the others up to date, and remembers what a reveal will need. `drew`:
   random values were drawn in the public view. `author` is NULL for the master's own. */
void movex_hidden_spread(movex_master *master, movex_master_resource *resource, movex_subscription *author,
                         uint64_t sequence, movex_deed *deed, const movex_context *context, bool *drew);
/* What the store has kept of it, part by part; false or NULL if there is no memory, or MOVEX_ERR_MEMORY, or
   MOVEX_ERR_PROTOCOL for what cannot be. `session` NULL: the full view. */
movex_hidden *movex_hidden_recover(movex_master *master, movex_master_resource *resource);
int  movex_hidden_recover_hider(movex_master *master, movex_master_resource *resource, movex_session *session, movex_view **view);
int  movex_hidden_recover_pair(movex_master *master, movex_master_resource *resource, const movex_pair *pair,
                               movex_wire_bytes payload);
bool movex_hidden_recover_revealed(movex_master *master, movex_master_resource *resource, const movex_pair *pair);
/* True if all parts are there (movex_hidden_check). */
bool movex_hidden_is_sound(const movex_master_resource *resource);
/* Nothing is hidden any more: lets all hiders go. */
void movex_hidden_end(movex_master *master, movex_master_resource *resource);
void movex_hidden_free(movex_master *master, movex_master_resource *resource);
movex_spares *movex_spares_of(const movex_master *master, const movex_master_resource *resource);
void movex_spares_free(movex_master *master, movex_spares *spares);
void movex_hidden_check(const movex_master_resource *resource);

/* Something that a session has hidden is revealed or dropped: it may have ended, and be kept for that alone. */
void movex_session_reveal(movex_master *master, movex_session *session);

/* ---- master_reveal.c */

/* A reveal that is being told. */
typedef struct movex_reveal {
    uint64_t           from;   /* the version before the first entry that is revealed */
    const movex_view  *before; /* the public view, as it was */
    const movex_hider *full;   /* the hider whose view was the full one already, or NULL */
    bool               foldable; /* halves may be sent to those who have the entries since `from` */
    movex_wire_records halves; /* foldable: for those who have hidden nothing; in master.public_records */
} movex_reveal;

/* True if it is time. */
bool movex_reveal_is_due(const movex_master_resource *resource);
/* The public view becomes the full one. The hiders stay, with what they have seen until now, until movex_hidden_end. */
movex_reveal movex_reveal_start(movex_master *master, movex_master_resource *resource, uint64_t version);
/* Completes a message to those who see the fold of `hider` (NULL: the public one): with halves if `can_fold` and that is
   shorter, else with names and the difference of `from` to `to`. False if there is no memory. */
bool movex_reveal_write(movex_master *master, const movex_master_resource *resource, const movex_reveal *reveal,
                        const movex_hider *hider, bool can_fold, const void *from, const void *to, movex_entry_message *message);
/* Puts what turns one state into the other into master.patch and the message. False if there is no memory. */
bool movex_reveal_difference(movex_master *master, const movex_codec *codec, const void *from, const void *to,
                             movex_entry_message *message);
/* The names of the last reveal, into master.receiver_records. False if there is no memory. */
bool movex_reveal_names(movex_master *master, const movex_master_resource *resource, movex_wire_records *names);
/* A digest of what a reveal makes known, for observers. */
uint64_t movex_reveal_digest(const movex_master_resource *resource, uint64_t so_far);

/* ---- master_audience.c */

/* False if one more subscriber, of that session, would need a view for which there is no room. */
bool movex_audience_has_room(const movex_master *master, const movex_master_resource *resource, const movex_session *session);
/* The same for what a subscriber who has hidden nothing yet would hold alone from now on. */
bool movex_audience_may_part(const movex_master *master, const movex_subscription *subscription);
/* The audience that a subscriber belongs to now, with its state; NULL if there is no memory (its link fails) or no room (it
   is crowded, and will be revoked). */
movex_audience *movex_audience_join(movex_master *master, movex_subscription *subscription);
void movex_audience_leave(movex_master *master, movex_subscription *subscription);
/* The subscriber has become a hider: what it holds is its alone from now on. */
void movex_audience_part(movex_master *master, movex_subscription *subscription);
/* Computes what all members make of an entry by themselves. `author`: whose it is, or NULL. */
void movex_audience_compute(movex_master *master, movex_master_resource *resource, const movex_hider *author,
                            movex_deed *deed, const movex_context *context);
/* Finds the audience that a live subscriber, who sees the fold of that hider (NULL: the public one), belongs to after the
   entry: first for all who stay where they are, then for all others. False if there is no memory (its link fails) or no room
   (it is crowded); then it belongs to none. */
bool movex_audience_stay(movex_subscription *subscription, const movex_hider *hider);
bool movex_audience_next(movex_master *master, movex_subscription *subscription, const movex_hider *hider);
/* Brings what all wanted audiences hold up to date with their views. */
void movex_audience_update(movex_master_resource *resource);
void movex_audience_move(movex_subscription *subscription, movex_audience *to);
/* Lets those go that nobody belongs to, and makes ready for the next entry. */
void movex_audience_settle(movex_master *master, movex_master_resource *resource);
void movex_audience_free(movex_master *master, movex_audience *audience);
void movex_audience_check(const movex_master_resource *resource);

/* ---- master_tell.c */

/* An entry that was ordered, as all who are subscribed are to be told of it. */
typedef struct movex_telling {
    movex_entry_message       entry;  /* what is the same for all */
    const movex_subscription *author; /* whose dispatch it answers; NULL: nobody's */
    const char               *name;   /* of the author; "" for the master itself */
    const movex_deed         *deed;
    const movex_reveal       *reveal; /* that belongs to it, or NULL */
    bool                      drew;   /* random values were drawn in the public view */
} movex_telling;

void movex_master_tell(movex_master *master, movex_master_resource *resource, const movex_telling *telling);
/* Everybody is to be sent something, in the order of their places; who is too slow is to get a snapshot instead. */
void movex_master_make_way(movex_master *master, movex_master_resource *resource);
/* Sends entry `version`, which is kept, to a subscriber that sees the public view. */
void movex_master_tell_again(movex_master *master, movex_subscription *subscription, uint64_t version);

/* ---- master_sealed.c */

/* Makes a resource's round. False if there is no memory. */
bool movex_round_make(movex_master *master, movex_master_resource *resource);
/* What was sealed is dropped, and never opened. */
void movex_round_drop(movex_master *master, movex_master_resource *resource);
void movex_round_free(movex_master *master, movex_master_resource *resource);
/* Whether a pair may be sealed now: MOVEX_ACCEPT, or why not. */
int  movex_round_may_seal(const movex_master *master, const movex_subscription *author, uint64_t revealed, uint32_t shown_action);
/* Room in memory for a deed, in a round that is open or is opened by it. False if there is none. */
bool movex_round_reserve(movex_master *master, movex_master_resource *resource, movex_subscription *author,
                         const movex_deed *deed);
/* A deed is about to be tried, of a resource that has a round: MOVEX_ACCEPT, or why it cannot be kept. */
int  movex_round_prepare(movex_master *master, movex_master_resource *resource, movex_subscription *author,
                         const movex_deed *deed);
/* It was accepted. */
void movex_round_note(movex_master *master, movex_master_resource *resource, const movex_subscription *author,
                      uint64_t sequence, movex_deed *deed, const movex_context *context);
/* Closes and reveals what is due. */
void movex_round_pass(movex_master *master);
/* OPEN. */
int  movex_round_open(movex_master *master, movex_session *session, movex_reader *reader, movex_error *error);
/* A step that a journal has kept: MOVEX_OK, or what is wrong. */
int  movex_round_redo(movex_master *master, movex_master_resource *resource, const char *author,
                      const movex_journal_step *recorded, movex_error *error);
/* A round that a journal's snapshot has kept; its authors' sessions are for the caller to find. MOVEX_OK, or what is wrong. */
int  movex_round_recover(movex_master *master, movex_master_resource *resource, movex_wire_bytes bytes, movex_error *error);
void movex_round_check(const movex_master_resource *resource);

/* ---- master_sealed_tell.c */

/* The message of an entry with a commitment; no writer if there is no memory. */
movex_writer movex_round_write_entry(movex_master *master, const movex_master_resource *resource,
                                     const movex_telling *telling);
/* Sends what belongs to the snapshot that follows. False if there is no memory. */
bool movex_round_send(movex_master *master, const movex_subscription *subscription);

/* ---- master_order.c */

/* Orders again what a journal has kept. MOVEX_OK, MOVEX_ERR_MEMORY, MOVEX_ERR_MALFORMED, or MOVEX_ERR_INVALID_STATE: it comes
   to something else now. `author` is whose dispatch it is, NULL for the master's own, in the name of `name`. */
int  movex_master_resource_redo(movex_master *master, movex_master_resource *resource, movex_subscription *author,
                                const char *name, const movex_journal_entry *entry, movex_error *error);
/* Whether a half that a journal has kept is one of the type's: MOVEX_OK, MOVEX_ERR_DAMAGED or MOVEX_ERR_MEMORY. */
int  movex_master_resource_check_half(movex_master *master, const movex_master_resource *resource,
                                      const movex_journal_half *recorded, movex_error *error);
int  movex_master_resource_dispatch(movex_master *master, movex_session *session, movex_reader *reader, movex_error *error);
int  movex_master_resource_dispatch_private(movex_master *master, movex_session *session, movex_reader *reader,
                                            movex_error *error);
int  movex_master_resource_dispatch_sealed(movex_master *master, movex_session *session, movex_reader *reader,
                                           movex_error *error);
/* Tells the observer that the state was replaced. */
void movex_master_observe_put(movex_master *master, const movex_master_resource *resource);
/* Dispatches an action of the master's own (MOVEX_NO_ACTION: none) in the name of a client that has come or gone. */
void movex_master_resource_note(movex_master *master, movex_master_resource *resource, uint32_t action, const char *author);
/* Wakes what is due. */
void movex_master_wake(movex_master *master);

/* ---- master_events.c */

/* Texts may be NULL. */
void movex_master_record_event(movex_master *master, movex_master_event_kind kind, const char *peer,
                               const movex_master_resource *resource, movex_status status, const char *text);

#endif
