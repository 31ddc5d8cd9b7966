/** @file spread.h
 *  One server of many masters: resources are spread over masters, each on a thread of its own, and connections over service
 *  threads; they share nothing but queues. A client notices nothing of it: it has one connection, one session and one token.
 *
 *  The masters are made with the same configuration, but for `shards` and `shard` (movex_master_config), and attach what
 *  movex_spread_master returns. A service thread attaches an emitter to which clients connect, and calls movex_spread_serve
 *  in a loop; what comes goes to the master that has the resource, as its type and id tell, and back.
 *
 *  Each master has a session for each client, under the client's one token. The first to be asked is the client's home, which
 *  decides whether it is let in. What limits count (limits.h), each master counts for itself.
 *
 *  Threads: movex_spread_new and movex_spread_free are called while there is no other thread that uses it; a master's emitter by
 *  the thread of the master; a service's functions by the thread of that service; the rest by any. The library makes no thread
 *  itself. Not available on Windows. */
#ifndef MOVEX_SPREAD_H
#define MOVEX_SPREAD_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/io.h>

#include <stdbool.h>
#include <stdint.h>

/** The most masters, and the most services. */
#define MOVEX_SPREAD_MAX 64

/** What masters and services share. */
typedef struct movex_spread movex_spread;

/** Settings. Copied. */
typedef struct movex_spread_config {
    uint32_t        masters;     /**< required: 1 to MOVEX_SPREAD_MAX */
    uint32_t        services;    /**< required: 1 to MOVEX_SPREAD_MAX */
    uint32_t        max_frame;   /**< bytes of a frame, both ways: at most what the services' emitters carry; default 65,536 */
    uint32_t        queue_bytes; /**< on their way from one master to one connection, past which that master keeps them; at
                                      least four frames; default 1 MiB */
    uint32_t        inbox_bytes; /**< on their way to one master, past which services read nothing more; default 8 MiB */
    movex_allocator allocator;   /**< used by all threads at once; default: malloc */
} movex_spread_config;

MOVEX_BEGIN_DECLARATIONS

/** NULL if a setting is out of range or memory ran out. */
MOVEX_API movex_spread *movex_spread_new(const movex_spread_config *config);

/** After all masters are freed. Ends the services with their connections. NULL is ignored. */
MOVEX_API void movex_spread_free(movex_spread *spread);

/** The emitter by which master `shard` meets all connections. To be attached once to that master. */
MOVEX_API movex_io movex_spread_master(movex_spread *spread, uint32_t shard);

/** Takes an emitter, which the service owns from now on, also on failure, and starts to accept clients on it. One for each
 *  service. MOVEX_OK, what its `listen` says, MOVEX_ERR_ARGUMENT (it carries shorter frames) or
 *  MOVEX_ERR_EXISTS. */
MOVEX_API int movex_spread_attach(movex_spread *spread, uint32_t service, movex_io io);

/** Hands on what has come, both ways, and sleeps until more comes, or `timeout_ms` have passed. */
MOVEX_API void movex_spread_serve(movex_spread *spread, uint32_t service, uint32_t timeout_ms);

/** Ends the sleep of a service. */
MOVEX_API void movex_spread_wake(movex_spread *spread, uint32_t service);

/** The master of a resource. */
MOVEX_API uint32_t movex_spread_of(const movex_spread *spread, const char *type, const char *id);

/** The home of a client: the master whose events tell of its coming and going; the others' tell the same. */
MOVEX_API uint32_t movex_spread_home(const movex_spread *spread, const char *client_id);

MOVEX_END_DECLARATIONS

#endif
