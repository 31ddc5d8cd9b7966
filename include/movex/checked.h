/** @file checked.h
 *  An emitter around another one which checks that it keeps the contract of movex/io.h, and says in words what it has broken. For
 *  whoever writes an emitter. See docs/emitters.md.
 *
 *  What it checks: links have numbers other than 0, and none twice; a link's events are one OPENED, MESSAGEs, one
 *  CLOSED, and none after the link was closed; frames have 1 to max_frame bytes; what was lent stays as it was until
 *  the next recv; functions return what they may; after `send` has said MOVEX_ERR_CLOSED it takes nothing, and CLOSED
 *  comes. Each frame is handed to `send` in a block of its own which is overwritten and freed afterwards, so that an
 *  emitter which keeps it is found out. A frame that `send` has taken in part, or refused and carried all the same,
 *  shows at the other end alone, as a frame there that is malformed or comes twice: play a game over it.
 *
 *  What is broken is said to `report`, and kept for movex_checked_fault. An event that breaks the contract is held
 *  back; the link is closed, and its CLOSED has the same words.
 *
 *  Who owns what: it owns the inner emitter. A master or client that takes it owns it; its functions below may be used
 *  until then, and until that owner is freed.
 *
 *  Threads: as the inner emitter. */
#ifndef MOVEX_CHECKED_H
#define MOVEX_CHECKED_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/io.h>

/** Settings of a checked emitter. Zero means the default. Copied. */
typedef struct movex_checked_config {
    /** Optional: told each time that the contract is broken. It must not call the emitter. */
    void (*report)(void *user, const char *what);
    void *user; /**< handed to it as it is */
    movex_allocator allocator; /**< for the checker, but not for the inner emitter */
} movex_checked_config;

MOVEX_BEGIN_DECLARATIONS

/** Wraps an emitter, which it owns from now on, also on failure. `config` may be NULL. NULL `self` if `inner` could not
 *  be made or its table is not complete (the report says what is missing), or memory ran out. */
MOVEX_API movex_io movex_checked(movex_io inner, const movex_checked_config *config);

/** What was broken first; "" if nothing was. */
MOVEX_API const char *movex_checked_fault(movex_io checked);

/** How often the contract was broken. */
MOVEX_API uint32_t movex_checked_count(movex_io checked);

MOVEX_END_DECLARATIONS

#endif
