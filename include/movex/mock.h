/** @file mock.h
 *  The mock emitter: a network that exists in memory and in virtual time, for tests of a game. See docs/testing.md.
 *
 *  A network delays frames and cuts links as real ones do, but draws all of it from a seed, and time passes only when
 *  movex_mock_poll says so: a minute of play takes milliseconds, and whatever goes wrong goes wrong again with the same
 *  seed. Or the test takes over: it holds what is sent, looks at it, and releases it in an order of its choosing.
 *
 *  How it behaves:
 *  - Frames of one link and direction arrive in the order in which they were sent; across links, anything can happen.
 *  - Dialling takes one latency, after which both sides are told. Nobody there: CLOSED after one latency.
 *  - A cut loses what is on its way, from some point on in each direction: the frames before that point still arrive.
 *    Each side learns of it after a latency of its own; what it sends until then is lost, and it is not told so.
 *  - A closed link delivers what was sent before.
 *  - A half-open link is dead in one direction and alive in the other, and nobody is told, until it is cut. What is sent in the
 *    dead direction is taken and lost, and fills the queue.
 *  - A cut may linger: one end learns of it at once, and dials again; the other does not notice for a while, and takes late
 *    what was sent before the cut, beside the new link.
 *  - A stalled receiver takes nothing for a while: what comes fills the queue, until send says MOVEX_ERR_AGAIN.
 *  - A corrupted frame arrives with bits flipped, or without its end. Real networks end a link instead, nearly always.
 *  - Each name has a clock (movex_mock_clock) which jumps ahead of virtual time when it is told to, and never goes back.
 *
 *  One run is one sequence of calls: the same seed and the same calls in the same order give the same frames at the
 *  same times.
 *
 *  Who owns what: the program owns the network (movex_mock_free). An emitter belongs to the master or client that takes
 *  it. They may be freed in any order.
 *
 *  Threads: a network and all its emitters are used by one thread. Different networks are independent. */
#ifndef MOVEX_MOCK_H
#define MOVEX_MOCK_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/io.h>

/** The name of the emitter that movex_mock_listen makes. */
#define MOVEX_MOCK_MASTER "master"
/** Room for the name of an emitter, its final zero included. */
#define MOVEX_MOCK_NAME_SIZE 32

/** A network: emitters, their links, and what is on its way between them. */
typedef struct movex_mock movex_mock;

/** How long something takes; each time a value from `min` to `max` is drawn, all equally likely. A `max` less than
 *  `min` counts as `min`. */
typedef struct movex_mock_range {
    uint32_t min; /**< milliseconds of virtual time */
    uint32_t max; /**< milliseconds of virtual time */
} movex_mock_range;

/** Something that one end of a link has sent. What it points to is lent: for the call of a tap, else until the next
 *  call on the network or an emitter of it. */
typedef struct movex_mock_frame {
    movex_io_kind kind;   /**< OPENED: a dial; MESSAGE: a frame; CLOSED: the news, for `to`, that the link is gone */
    movex_link    link;   /**< as both ends know it; used again for another link once both have done with it */
    uint64_t      number; /**< counts everything that was ever sent over the network, from 1 */
    const char   *from;   /**< name of the sender */
    const char   *to;     /**< name of the receiver */
    bool          by_dialler; /**< direction: true if the sender is the end that has dialled the link */
    bool          corrupted;  /**< MESSAGE: `data` and `length` are not what was sent, but what will arrive */
    const void   *data;       /**< MESSAGE: the bytes; else NULL */
    size_t        length;     /**< MESSAGE: how many; else 0 */
    const char   *text;       /**< CLOSED: the cause; else NULL */
    uint64_t      sent_ms;    /**< virtual time at which it was sent */
    uint64_t      due_ms;     /**< virtual time at which it arrives if nothing stops it; UINT64_MAX: never, it is
                                   lost */
} movex_mock_frame;

/** Chances of faults. Zero: it does not happen; from 1,000 on, it always does. */
typedef struct movex_mock_faults {
    uint32_t         cut_per_mille;          /**< that a frame that is sent cuts its link */
    uint32_t         dial_failure_per_mille; /**< that a dial fails */
    uint32_t         half_open_per_mille;    /**< that a frame that is sent is about the last that arrives in its direction */
    movex_mock_range half_open_ms;      /**< until such a link is cut; default 10,000 */
    uint32_t         linger_per_mille;  /**< that a cut lingers */
    movex_mock_range linger_ms;         /**< until the other end learns of such a cut; default 0 to 2,000 */
    uint32_t         corrupt_per_mille; /**< that a frame arrives corrupted */
    uint32_t         stall_per_mille;   /**< that a frame that is sent stalls its receiver */
    movex_mock_range stall_ms;          /**< how long; default 0 to 2,000 */
    uint32_t         jump_per_mille;    /**< that the clock of whoever sends a frame jumps ahead */
    movex_mock_range jump_ms;           /**< how far; default 0 to 60,000 */
} movex_mock_faults;

/** Settings of a network. Zero means the default. Copied. */
typedef struct movex_mock_config {
    uint64_t         seed;          /**< where everything random comes from */
    movex_mock_range latency_ms;    /**< from sending to arriving, drawn for each frame; default 0: the next
                                         movex_mock_poll */
    uint32_t         cut_per_mille; /**< the same as that of `faults`; the greater of the two counts */
    uint32_t         dial_failure_per_mille; /**< the same as that of `faults`; the greater of the two counts */
    movex_mock_faults faults;       /**< chances of what goes wrong */
    uint32_t         queue_bytes; /**< of one link and direction, sent and not taken by the receiver, before send says
                                       MOVEX_ERR_AGAIN; default 1 MiB; one frame always has room */
    uint32_t         max_frame;   /**< bytes of a frame, from MOVEX_IO_MIN_FRAME; default 65,536; a longer message is
                                       sent in chunks, so a short one tests those */

    /** Optional: shown everything that is sent, when it is sent, lost or not; of a dial that fails, the news of it
     *  alone. It must not call the network, its emitters, or a master or client that uses them. Not called any more
     *  once movex_mock_free has been. */
    void (*tap)(void *user, const movex_mock_frame *frame);
    void *user; /**< handed to the tap as it is */

    movex_allocator allocator; /**< for the network and its emitters; must outlive them all */
} movex_mock_config;

/** What a network has done. frames_sent == frames_delivered + frames_lost + frames_on_the_way. */
typedef struct movex_mock_stats {
    uint64_t dials;        /**< calls of `open`, failed ones included */
    uint64_t failed_dials; /**< of them, those that end in CLOSED, without OPENED before */
    uint64_t cuts;        /**< links cut, by chance and by hand; here and below, half-open ones that were found out included */
    uint64_t lingering;   /**< of them, those that lingered */
    uint64_t half_open;   /**< directions that have died alone, by chance and by hand */
    uint64_t stalls;      /**< receivers stalled, by chance and by hand */
    uint64_t jumps;       /**< of clocks, by chance and by hand */
    uint64_t crashes;     /**< emitters crashed */
    uint64_t frames_sent; /**< MESSAGE only, here and below */
    uint64_t bytes_sent;  /**< of these frames */
    uint64_t frames_delivered;  /**< handed to the receiver's emitter, taken or not */
    uint64_t frames_lost;       /**< in a cut, or because the receiver had closed */
    uint64_t frames_on_the_way; /**< now */
    uint64_t frames_corrupted;  /**< of those sent */
} movex_mock_stats;

MOVEX_BEGIN_DECLARATIONS

/** Makes a network, at virtual time 0. `config` may be NULL: no latency, no faults. NULL if memory ran out. */
MOVEX_API movex_mock *movex_mock_new(const movex_mock_config *config);

/** Gives the network up. Emitters that still use it stay usable and hear nothing more. NULL is ignored. */
MOVEX_API void movex_mock_free(movex_mock *net);

/** An emitter for a master, named MOVEX_MOCK_MASTER. A network may have many that listen, but one of each name at a
 *  time: `listen`, and with it movex_master_attach, returns MOVEX_ERR_ADDRESS_IN_USE for a second. NULL `self` if net
 *  is NULL or memory ran out. */
MOVEX_API movex_io movex_mock_listen(movex_mock *net);

/** The same with another name, which is its address: 1 to MOVEX_MOCK_NAME_SIZE - 1 bytes; else `self` is NULL. */
MOVEX_API movex_io movex_mock_listen_as(movex_mock *net, const char *name);

/** An emitter for a client that dials MOVEX_MOCK_MASTER; named "client1", "client2" and so on. NULL `self` if net is
 *  NULL or memory ran out. */
MOVEX_API movex_io movex_mock_connect(movex_mock *net);

/** The same with a name to know it by; names need not differ. */
MOVEX_API movex_io movex_mock_connect_as(movex_mock *net, const char *name);

/** The same for a client that dials the listening emitter of name `address`. */
MOVEX_API movex_io movex_mock_connect_to(movex_mock *net, const char *name, const char *address);

/** Moves virtual time to `now_ms` (milliseconds; an earlier time than before counts as the same) and delivers what is
 *  due, by due time, then in the order of sending. Masters and clients take it at their next poll. */
MOVEX_API void movex_mock_poll(movex_mock *net, uint64_t now_ms);

/** The virtual time of the next delivery, by which a simulation can skip time in which nothing happens (see also
 *  movex_client_deadline and movex_master_deadline). UINT64_MAX if nothing is on its way, or all of it is stopped. */
MOVEX_API uint64_t movex_mock_deadline(const movex_mock *net);

/** Figures so far. All zero for NULL. */
MOVEX_API movex_mock_stats movex_mock_statistics(const movex_mock *net);

/** Changes the latency of what is sent from now on. */
MOVEX_API void movex_mock_set_latency(movex_mock *net, movex_mock_range latency_ms);

/** Changes the chances of faults from now on. NULL: all of them are 0, so that a test can wait for calm; what has gone wrong
 *  by then stays so, and ends when its time is up. */
MOVEX_API void movex_mock_set_faults(movex_mock *net, const movex_mock_faults *faults);

/** Cuts all links of the emitters of that name; how many there were. While the network is held, or one end is
 *  partitioned, nothing of what was on its way arrives. */
MOVEX_API uint32_t movex_mock_cut(movex_mock *net, const char *name);

/** Cuts one link; false if there is none of that number, or it is cut already. */
MOVEX_API bool movex_mock_cut_link(movex_mock *net, movex_link link);

/** Cuts all links of the emitters of that name so that these learn of it at once, and the other ends only after `late_ms`; how
 *  many there were. What these had sent arrives then, not before, and all of it: late, and beside a new link. */
MOVEX_API uint32_t movex_mock_cut_lingering(movex_mock *net, const char *name, uint32_t late_ms);

/** Makes all open links of the emitters of that name half-open, until they are cut: from some frame on, nothing arrives at them
 *  any more (deafen), or nothing of what they send arrives (mute). How many directions have died. */
MOVEX_API uint32_t movex_mock_deafen(movex_mock *net, const char *name);
/** See movex_mock_deafen. */
MOVEX_API uint32_t movex_mock_mute(movex_mock *net, const char *name);

/** Stalls the emitters of that name: they take nothing (true), until they are let go (false). MOVEX_OK or
 *  MOVEX_ERR_NOT_FOUND. */
MOVEX_API int movex_mock_stall(movex_mock *net, const char *name, bool stalled);

/** Corrupts the next `frames` frames that the emitters of that name send. MOVEX_OK or MOVEX_ERR_NOT_FOUND. */
MOVEX_API int movex_mock_corrupt(movex_mock *net, const char *name, uint32_t frames);

/** The emitters of that name die, as with their process: their links, and what was on its way to them, are gone. The other ends
 *  are not told before `silence_ms` have passed, and what they send until then is lost. The emitters do nothing any more, and
 *  wait to be destroyed with their owner, who cannot even say goodbye; new ones may take the name at once. MOVEX_OK or
 *  MOVEX_ERR_NOT_FOUND. */
MOVEX_API int movex_mock_crash(movex_mock *net, const char *name, uint32_t silence_ms);

/** The clock of that name: virtual time, and as much as it has jumped ahead. For the `now_ms` with which its owner is polled.
 *  Virtual time for a name that there never was. */
MOVEX_API uint64_t movex_mock_clock(const movex_mock *net, const char *name);

/** The clock of that name jumps ahead. MOVEX_OK or MOVEX_ERR_NOT_FOUND. */
MOVEX_API int movex_mock_jump(movex_mock *net, const char *name, uint32_t ms);

/** Stops everything to and from the emitters of that name (true), or lets it go on (false). Links stay up, frames and
 *  dials wait; what became due meanwhile arrives at the next poll. So a long silence can be tested, in which no side is
 *  told of a loss; movex_mock_cut ends links all the same. MOVEX_OK, or MOVEX_ERR_NOT_FOUND if there is no such
 *  emitter. */
MOVEX_API int movex_mock_partition(movex_mock *net, const char *name, bool apart);

/** Holds everything (true): whatever is on its way, and what is sent from now on, waits until it is released. Or lets
 *  go (false): from the next poll on, what is due arrives. */
MOVEX_API void movex_mock_hold(movex_mock *net, bool held);

/** How many frames, dials and news of closed links are held. 0 while nothing is. */
MOVEX_API uint32_t movex_mock_held_count(const movex_mock *net);

/** What is held at `index`, in the order of sending; false past the last. */
MOVEX_API bool movex_mock_held(const movex_mock *net, uint32_t index, movex_mock_frame *frame);

/** Delivers what is held at `index` now; those after it move up. MOVEX_OK; MOVEX_ERR_ARGUMENT if there is no such
 *  index, or something sent earlier over the same link in the same direction is still held (links are ordered);
 *  MOVEX_ERR_AGAIN if one of the two ends is partitioned. */
MOVEX_API int movex_mock_release(movex_mock *net, uint32_t index);

/** Delivers all that is held now, in the order of sending, but for what a partition stops. What the receivers answer is
 *  held again. Returns how many were delivered. */
MOVEX_API uint32_t movex_mock_release_all(movex_mock *net);

MOVEX_END_DECLARATIONS

#endif
