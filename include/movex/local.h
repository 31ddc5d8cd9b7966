/** @file local.h
 *  The local emitter: clients in the same process as their master. For single player, bots and tests.
 *
 *  Threads: the master and all its local clients are used by one thread. */
#ifndef MOVEX_LOCAL_H
#define MOVEX_LOCAL_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/io.h>
#include <movex/master.h>

/** The meeting point of one listening emitter and those that dial it. */
typedef struct movex_local movex_local;

MOVEX_BEGIN_DECLARATIONS

/** A client's emitter that reaches `master`. NULL `self` if master is NULL or memory ran out. Clients and master may be
 *  freed in any order. */
MOVEX_API movex_io movex_local_connect(movex_master *master);

/** The two halves, for those who want them apart. A meeting point lives until it and all its emitters are freed.
 *  `allocator` may be NULL. NULL if memory ran out. */
MOVEX_API movex_local *movex_local_new(const movex_allocator *allocator);
/** Gives up the meeting point; its emitters go on. NULL is ignored. */
MOVEX_API void movex_local_free(movex_local *local);
/** The listening emitter. There may be one at a time; else, or for NULL, `self` is NULL. */
MOVEX_API movex_io movex_local_listen(movex_local *local);
/** An emitter that dials the listening one; each `open` makes a new link. */
MOVEX_API movex_io movex_local_dial(movex_local *local);

MOVEX_END_DECLARATIONS

#endif
