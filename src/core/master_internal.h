/* The inside of a master, shared by its files:

     master.c           making, freeing, polling; attached emitters; reading
     master_control.c   what the program itself does to resources and clients
     master_link.c      one connection: frames in, messages to whom they concern, flushing, closing
     master_session.c   who is connected or away: HELLO, resuming, the grace period, leaving
     master_bind.c      a session's subscriptions: BIND, UNBIND, snapshots, catching up
     master_order.c     dispatches become entries of a resource's log, and its subscribers are told
     master_refusals.c  dispatches that became none
     master_resource.c  a resource: creation, removal, when it wants to be woken
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
#include "list.h"
#include "log.h"
#include "map.h"
#include "memory.h"
#include "name.h"
#include "view.h"
#include "wire.h"

#include <movex/master.h>

typedef struct movex_attached {
    movex_io  io;
    movex_map links; /* by the emitter's number: movex_master_link */
} movex_attached;

typedef struct movex_master_link {
    movex_node            greeting; /* in master.greeting until HELLO, by opened_ms */
    movex_node            due;      /* in master.due while something waits to be sent, or the link has failed */
    movex_list            owed;     /* movex_subscription.owed: snapshots to be sent as its queue allows */
    movex_attached       *attached;
    struct movex_session *session; /* NULL before HELLO */
    movex_channel         channel;
    uint64_t              opened_ms; /* given time */
    int                    refusal;  /* the reason that the authenticate hook gave, else 0 */
    movex_status          failure;   /* why it is to be closed at the next flush; MOVEX_OK: it is not */
    char                  address[64];
} movex_master_link;

typedef struct movex_session {
    movex_node         away; /* in master.away while it has no link, by away_ms */
    movex_master_link *link; /* NULL: away */
    uint64_t           number;  /* never used again; entries name their author's session by it */
    uint64_t           away_ms; /* given time at which it lost its link */
    bool               heard;   /* a message has followed HELLO, or its token has come back: the client has its WELCOME */
    movex_list         subscriptions; /* movex_subscription.of_session */
    movex_map          by_number;     /* by the resource's number: movex_subscription */
    uint64_t           subscriptions_made;
    unsigned char      token[MOVEX_TOKEN_SIZE];
    char               id[MOVEX_NAME_SIZE];
    char               info[MOVEX_INFO_MAX + 1];
} movex_session;

/* A dispatch that made no entry: what to answer when it comes again. */
typedef struct movex_refused {
    uint64_t sequence;
    int      reason;
} movex_refused;

typedef struct movex_subscription {
    movex_node                    of_session; /* first member */
    movex_node                    owed;       /* in link.owed while it is to be sent a snapshot */
    uint64_t                      serial;     /* the session's name for it, never used again */
    movex_session                *session;
    struct movex_master_resource *resource;
    uint32_t                      slot;     /* resource->subscribers[slot] == this */
    bool                          live;     /* gets the resource's messages; its session has a link, or is ending */
    uint64_t                      sequence; /* the last of its dispatches that was handled */
    movex_refused                *refused;  /* a ring of the newest refusals */
    uint32_t                      refused_capacity; /* 0 or a power of two */
    uint64_t                      refused_count;    /* ever; the newest min(count, capacity) are kept */
} movex_subscription;

/* log.version is the version of view; log.count entries of it are kept. */
typedef struct movex_master_resource {
    movex_node           idle; /* in master.idle while nobody is subscribed, by idle_ms */
    movex_heap_item      wake;  /* in master.wakes while its state wants to be woken, by master time */
    movex_node           woken; /* while it is being woken */
    const movex_rules   *rules;
    uint32_t             number; /* its name on the wire, never used again: a late message cannot hit another one */
    uint32_t             place;  /* master->resources[place] == this */
    uint64_t             idle_ms; /* given time at which the last subscriber left */
    movex_view           view;
    movex_log            log;
    movex_subscription **subscribers; /* by slot; NULL: free */
    uint32_t             slots;       /* in use or free below; <= slot_capacity */
    uint32_t             slot_capacity;
    uint32_t             subscriber_count;
    bool                 removing; /* nothing is dispatched in it any more */
    char                 id[MOVEX_NAME_SIZE];
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
    uint32_t                rules_count, rules_capacity;
    movex_attached        **attached;
    uint32_t                attached_count, attached_capacity;
    movex_map               sessions;     /* by hash of the id */
    movex_map               by_name;      /* by hash of type and id: movex_master_resource */
    movex_master_resource **resources;    /* by place; NULL: free */
    uint32_t                resource_slots, resource_capacity;
    uint32_t                free_place;     /* no free place is below it */
    uint32_t                resources_made; /* the last number given */
    uint32_t                link_count;
    uint64_t                sessions_made;
    size_t                  max_message; /* bytes of the longest message that a client may send */
    movex_list              greeting, due, away, idle;
    movex_heap              wakes; /* movex_master_resource.wake; room for all resources */
    bool                    polled;
    bool                    unread;    /* the last poll has left something with an emitter */
    uint64_t                now_ms;    /* given time of the last poll */
    uint64_t                offset_ms; /* master time = given time + offset, modulo 2^64 */
    movex_buffer            scratch;   /* for the message that is being written */
    movex_buffer            encoded;   /* for the payload of a dispatch of the program's own */
    void                   *payload;   /* for the payload that is being handled: max_payload of all types, or NULL */
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


/* ---- master_link.c */

void movex_master_link_opened(movex_master *master, movex_attached *attached, const movex_io_event *event);
void movex_master_link_received(movex_master *master, movex_attached *attached, const movex_io_event *event);
void movex_master_link_lost(movex_master *master, movex_attached *attached, const movex_io_event *event);
/* Says why (status MOVEX_OK: nothing is said), closes and frees it; its session, if any, is away from now on. */
void movex_master_link_close(movex_master *master, movex_master_link *link, int status, int reason, const char *text);
/* Frees it without a word; the emitter is done with it. Its session is left alone. */
void movex_master_link_free(movex_master *master, movex_master_link *link);
/* Sends what is due on all links, and closes those that have failed. */
void movex_master_flush(movex_master *master);

/* ---- master_session.c */

/* The session of a client, or NULL. */
movex_session *movex_session_find(const movex_master *master, const char *id);
int  movex_session_hello(movex_master *master, movex_master_link *link, movex_reader *reader, movex_error *error);
void movex_session_lost_link(movex_master *master, movex_session *session, const char *text);
/* Ends it: its subscriptions are taken back. It has no link any more. */
void movex_session_end(movex_master *master, movex_session *session);
/* Frees it and its subscriptions, with nobody told. */
void movex_session_free(movex_master *master, movex_session *session);

/* ---- master_bind.c */

/* Its link is gone: nothing is sent to it any more. */
void movex_subscription_silence(movex_subscription *subscription);
/* Has a snapshot sent with the next flush, or as soon after as the link's queue allows; one, however often it is asked. */
void movex_subscription_owe_snapshot(movex_master *master, movex_subscription *subscription);
/* Sends the snapshot that is owed. */
void movex_subscription_send_snapshot(movex_master *master, movex_subscription *subscription);
/* Tells the subscriber (status MOVEX_OK: as it asked), if it is connected, that the subscription has ended, and ends it. */
void movex_subscription_revoke(movex_master *master, movex_subscription *subscription, movex_status status, const char *text);
int  movex_subscription_bind(movex_master *master, movex_session *session, movex_reader *reader, movex_error *error);
/* Ends those that are not bound on the session's present link. */
void movex_subscription_forget(movex_master *master, movex_session *session);
int  movex_subscription_unbind(movex_master *master, movex_session *session, uint32_t number);
int  movex_subscription_resync(movex_master *master, movex_session *session, uint32_t number);
/* Takes it from its resource and its session, and frees it, with nobody told. */
void movex_subscription_free(movex_master *master, movex_subscription *subscription);
/* The same, with the others told. */
void movex_subscription_end(movex_master *master, movex_subscription *subscription);
/* Tells all other live subscribers that this one is there, away or gone; with its name if it is new. */
void movex_subscription_announce(movex_master *master, const movex_subscription *subscription, movex_presence presence,
                                 bool named);


static inline movex_subscription *movex_subscription_of_owed(movex_node *node)
{
    return (movex_subscription *)(void *)((char *)node - offsetof(movex_subscription, owed));
}

/* ---- master_resource.c */

movex_master_resource *movex_master_resource_find(const movex_master *master, const movex_rules *rules, const char *id);
/* MOVEX_OK, MOVEX_ERR_LIMIT or MOVEX_ERR_MEMORY. */
int  movex_master_resource_new(movex_master *master, const movex_rules *rules, const char *id,
                               movex_master_resource **resource);
/* It has no subscribers. */
void movex_master_resource_free(movex_master *master, movex_master_resource *resource);
/* The rules of one of the master's types, or NULL. */
const movex_rules *movex_master_rules(const movex_master *master, const movex_type *type);
/* The resource of that type and id, or NULL. */
movex_master_resource *movex_master_resource_named(const movex_master *master, const movex_type *type, const char *id);
void movex_master_resource_check(const movex_master_resource *resource);
/* Asks the state when it wants to be woken. */
void movex_master_resource_schedule(movex_master *master, movex_master_resource *resource);

static inline movex_master_resource *movex_master_resource_of_wake(movex_heap_item *item)
{
    return (movex_master_resource *)(void *)((char *)item - offsetof(movex_master_resource, wake));
}

static inline movex_master_resource *movex_master_resource_of_woken(movex_node *node)
{
    return (movex_master_resource *)(void *)((char *)node - offsetof(movex_master_resource, woken));
}

/* ---- master_refusals.c */

/* Makes sure that one more refusal can be remembered. False if there is no memory. */
bool movex_subscription_prepare(movex_master *master, movex_subscription *subscription);
/* Remembers, after movex_subscription_prepare, that a dispatch was refused, and tells its author. */
void movex_subscription_refuse(movex_master *master, movex_subscription *subscription, uint64_t sequence, int reason);
/* Answers a dispatch that was handled before. */
void movex_subscription_repeat(movex_master *master, movex_subscription *subscription, uint64_t sequence);
/* Answers what its client may not know yet, after `answered`. */
void movex_subscription_tell_refusals(movex_master *master, const movex_subscription *subscription, uint64_t answered);

/* ---- master_order.c */

int  movex_master_resource_dispatch(movex_master *master, movex_session *session, movex_reader *reader, movex_error *error);
/* Writes entry `version`, which is kept, to scratch as `subscription` is to see it, and sends it. */
void movex_master_resource_send_entry(movex_master *master, const movex_subscription *subscription, uint64_t version);
/* Dispatches an action of the master's own (MOVEX_NO_ACTION: none) in the name of a client that has come or gone. */
void movex_master_resource_note(movex_master *master, movex_master_resource *resource, uint32_t action, const char *author);
/* Wakes what is due. */
void movex_master_wake(movex_master *master);

/* ---- master_events.c */

/* Texts may be NULL. */
void movex_master_record_event(movex_master *master, movex_master_event_kind kind, const char *peer,
                               const movex_master_resource *resource, movex_status status, const char *text);

#endif
