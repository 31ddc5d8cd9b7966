/** @file io.h
 *  MovexIO: the table of functions by which frames leave and enter. An emitter is one implementation of it.
 *
 *  The library asks, the emitter answers: nothing calls back, so nothing re-enters. An emitter moves whole frames over
 *  ordered links and knows nothing of games; sessions, acknowledgement, resume and resync are the library's.
 *
 *  A link is one connection, named by a number other than 0 that the emitter gives. One emitter may hold many links, so a
 *  server, a client and a mesh have the same shape. A link's events come in this order: one OPENED, any number of MESSAGE,
 *  and one CLOSED, after which its number may be used again. Closing a link oneself brings no CLOSED.
 *
 *  Threads: one emitter is used by one thread at a time; `wake` alone may be called from any other. */
#ifndef MOVEX_IO_H
#define MOVEX_IO_H

#include <movex/export.h>
#include <movex/status.h>

#include <stddef.h>
#include <stdint.h>

/** The smallest `max_frame` that an emitter may declare, in bytes. */
#define MOVEX_IO_MIN_FRAME 256

/** One connection of one emitter; 0 is none. */
typedef uint32_t movex_link;

/** What has happened to a link. */
typedef enum movex_io_kind {
    MOVEX_IO_OPENED = 1, /**< a link that was dialled is there, or somebody has dialled this emitter */
    MOVEX_IO_MESSAGE,    /**< a whole frame has come */
    MOVEX_IO_CLOSED      /**< a link is gone, or could not be opened */
} movex_io_kind;

/** What an emitter has to report. */
typedef struct movex_io_event {
    movex_io_kind kind;   /**< what has happened */
    movex_link    link;   /**< to which link; never 0 */
    const void   *data;   /**< MESSAGE: the frame, lent until the next recv */
    size_t        length; /**< MESSAGE: 1 to max_frame bytes */
    const char   *text;   /**< OPENED: the other side's address; CLOSED: the cause; may be NULL; lent until the next recv */
} movex_io_event;

/** The functions of an emitter. `self` is movex_io.self. Members from `listen` on are optional (NULL). */
typedef struct movex_io_ops {
    const char *name;      /**< for logs, such as "websocket" */
    size_t      max_frame; /**< bytes of the longest frame it carries, at least MOVEX_IO_MIN_FRAME */

    /** Dials `address` (NULL: the one it was made with) and names the new link. MOVEX_OK means that OPENED or CLOSED will
     *  follow; a failure means that no link was made. Called again after a loss: this is how a client reconnects. */
    int (*open)(void *self, const char *address, movex_link *link);
    /** Borrows a frame of 1 to max_frame bytes for the call and takes all of it (MOVEX_OK) or nothing: MOVEX_ERR_AGAIN
     *  when its queue is full, MOVEX_ERR_CLOSED when the link is gone (CLOSED follows, if it has not come yet). */
    int (*send)(void *self, movex_link link, const void *frame, size_t length);
    /** Fills the next event, or returns MOVEX_ERR_AGAIN when there is none. Never blocks. */
    int (*recv)(void *self, movex_io_event *event);
    /** Ends a link after delivering what send took, as far as that is possible. A number that is gone is ignored. */
    void (*close)(void *self, movex_link link);
    /** Ends all links and frees the emitter. `self` is never NULL. */
    void (*destroy)(void *self);

    /** Starts accepting links. Called once, by movex_master_attach; its failure is the attach's. */
    int (*listen)(void *self);
    /** Sleeps until recv has an event, a full queue has room, somebody calls wake, or `timeout_ms` have passed. */
    int (*wait)(void *self, uint32_t timeout_ms);
    /** A descriptor that becomes readable when recv should be called, or -1. */
    int (*fd)(void *self);
    /** Ends a wait that another thread is in. */
    void (*wake)(void *self);

    bool in_process; /**< no byte leaves the process (local, mock): a master then needs no entropy hook */
} movex_io_ops;

/** An emitter. Whoever takes one (movex_master_attach, movex_client_new) destroys it, also when taking it fails. An
 *  emitter that could not be made has a NULL `self`. */
typedef struct movex_io {
    const movex_io_ops *ops;  /**< static: it outlives every emitter of its kind */
    void               *self; /**< handed to each of them; NULL if the emitter could not be made */
} movex_io;

#endif
