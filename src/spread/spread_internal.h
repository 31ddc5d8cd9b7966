/* A spread from within. Who knows what:
     spread.c          the whole, and which master has what
     spread_queue.c    records from thread to thread
     spread_master.c   the emitter of a master
     spread_service.c  a service: its connections, and what comes for them from masters
     spread_route.c    what comes from a client, and to which masters it goes

   A connection of a service is a link of each master. Both ends close it with one CLOSED; a master that hears of the other's
   first answers GONE. So a service knows of each master when it has forgotten a connection, and uses its number again only when
   all have. */
#ifndef MOVEX_SPREAD_INTERNAL_H
#define MOVEX_SPREAD_INTERNAL_H

#include "../core/bytes.h"
#include "../core/list.h"
#include "../core/map.h"
#include "spread_queue.h"
#include "../core/wire.h"

#include <movex/spread.h>

#define MOVEX_SPREAD_NOBODY UINT32_MAX

/* The emitter of one master. */
typedef struct movex_spread_shard {
    movex_spread      *spread;
    uint32_t           index;
    movex_io_ops       ops; /* its own copy, as max_frame is a setting */
    movex_spread_queue inbox;
    movex_buffer       taken; /* of the inbox */
    size_t             at;    /* in taken: the next record */
    movex_map          links; /* by their number: movex_spread_link */
} movex_spread_shard;

typedef struct movex_spread_link {
    uint32_t number;  /* connection * services + service + 1 */
    uint32_t waiting; /* bytes that have gone to the service, and not to the client as far as is known */
} movex_spread_link;

/* One client's connection, until all masters have forgotten it. */
typedef struct movex_spread_connection {
    movex_node       backlogged; /* first member; in service.backlogged while something is in `backlog` */
    uint32_t         index;      /* what masters call it */
    movex_link       outer;      /* of the service's emitter; 0: it is closed */
    uint64_t         told;       /* a bit for each master that was told of its end */
    uint64_t         forgotten;  /* a bit for each master that has no link for it (any more) */
    uint64_t         welcomed;   /* a bit for each master whose WELCOME has come */
    uint32_t         home;       /* MOVEX_SPREAD_NOBODY before HELLO */
    uint32_t         torn;       /* which master has sent a part of a message, and not the last one; or NOBODY */
    movex_buffer     hello; /* what the client has said to its home; for the others */
    movex_buffer     held;  /* what it has said since, while its home has not answered, or another master than a BIND is for */
    movex_buffer     parts; /* of a message in chunks whose master is not known yet */
    uint32_t         binds;   /* that are not answered */
    uint32_t         binds_at; /* by that master */
    bool             heard;   /* its home knows that it has its WELCOME */
    uint32_t         chunked; /* to which master the other chunks go; or NOBODY */
    movex_buffer     backlog; /* records of frames with their bytes, which the emitter has not taken yet */
    uint32_t         sent[]; /* bytes of each master that have gone to the client, and it was not told */
} movex_spread_connection;

typedef struct movex_spread_service {
    movex_spread             *spread;
    uint32_t                  index;
    movex_io                  io; /* NULL self: none yet */
    movex_spread_queue        inbox;
    movex_buffer              taken;
    movex_spread_connection **connections; /* by index; NULL: free */
    uint32_t                  connection_capacity, first_free; /* none is free before first_free */
    movex_map                 by_outer; /* by the emitter's number: movex_spread_connection */
    movex_list                backlogged;
    bool                      crowded; /* too much waits for a master: nothing more is read for now */
} movex_spread_service;

struct movex_spread {
    movex_spread_config   config; /* defaults filled in */
    movex_spread_shard   *shards;
    movex_spread_service *services;
};

/* --- spread.c */

uint32_t movex_spread_hash(uint32_t masters, const void *type, size_t type_length, const void *id, size_t id_length);

/* --- spread_master.c */

bool movex_spread_shard_init(movex_spread_shard *shard, movex_spread *spread, uint32_t index);
void movex_spread_shard_end(movex_spread_shard *shard);

/* --- spread_service.c */

bool movex_spread_service_init(movex_spread_service *service, movex_spread *spread, uint32_t index);
void movex_spread_service_end(movex_spread_service *service);

/* Hands a frame on to a master. False if memory ran out. */
bool movex_spread_to_master(movex_spread_service *service, const movex_spread_connection *connection, uint32_t shard,
                            const void *frame, size_t length);

/* --- spread_route.c */

/* Takes what a client has sent. False if the connection is to be ended, as memory ran out or it does not wait for its WELCOME. */
bool movex_spread_route(movex_spread_service *service, movex_spread_connection *connection, const void *frame,
                        size_t length);
/* Takes note of what a master answers. False as above. */
bool movex_spread_answered(movex_spread_service *service, movex_spread_connection *connection, uint32_t shard,
                           const unsigned char *frame, size_t length);
/* Takes the first frame from a master, which may be a WELCOME: `*frame` and `*length` are what is left for the client. False as
   above. */
bool movex_spread_welcome(movex_spread_service *service, movex_spread_connection *connection, uint32_t shard,
                          const unsigned char **frame, size_t *length);

#endif
