/** @file leak.h
 *  A leak checker: proves over the mock network that what a game hides does not leave the master. See docs/testing.md.
 *
 *  It plays one schedule twice, with two secrets (another hidden move, another deck), and compares all that the master sends to
 *  those who may not know: every byte, and when. What they may learn from is
 *
 *  - what they have sent themselves;
 *  - the public log and their own view (movex_master_view) of what they have bound;
 *  - what the network does, and when others connect, send something or are lost, but not what they send.
 *
 *  As long as these are the same in both runs, what the master sends must be the same, but for the commitments to what is sealed,
 *  32 bytes each, which are taken for alike. From where they first differ nothing can
 *  be compared, and the game may let that happen only once the schedule has called movex_leak_may_show.
 *
 *  Threads: as the network that it makes. */
#ifndef MOVEX_LEAK_H
#define MOVEX_LEAK_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/master.h>
#include <movex/mock.h>

/** How two runs compare, for one client or for all that are watched. */
typedef enum movex_leak_verdict {
    MOVEX_LEAK_NONE = 0,     /**< comparable to the end, and all the same */
    MOVEX_LEAK_SHOWN,        /**< the same until the secret showed, which it might by then */
    MOVEX_LEAK_INCOMPARABLE, /**< the same until the schedule, or the network, did something else, before the secret might show:
                                  the rest has not been compared */
    MOVEX_LEAK_FOUND         /**< somebody can tell the secrets apart: the master has sent other bytes, or the game has shown
                                  it, in the public log or a view, before it may */
} movex_leak_verdict;

/** What a run is played with. Lent for the call of `play`. */
typedef struct movex_leak_run {
    unsigned       secret;   /**< 0 in the first run, 1 in the second */
    movex_mock    *net;      /**< a new network, at virtual time 0; the checker frees it */
    movex_observer observer; /**< for movex_master_config.observer of every master: without it nothing can be compared */
    struct movex_leak_record *record; /**< the checker's own */
} movex_leak_run;

/** What is to be checked. Copied. */
typedef struct movex_leak_config {
    /** Plays the schedule: makes a master and clients on `run->net`, the clients under their ids as names
     *  (movex_mock_connect_as), plays, and frees them. But for what hangs on `run->secret` it must do the same each time:
     *  whoever leaves because of a bad hand tells all. */
    void (*play)(void *user, const movex_leak_run *run);
    void *user; /**< handed to it as it is */

    const char *const *viewers; /**< required: ids of the clients that may not know the secret, ended by NULL */
    movex_mock_config  network; /**< of both networks; its tap is called as well */
    movex_allocator    allocator; /**< for what the checker records */
} movex_leak_config;

/** What was found. */
typedef struct movex_leak_report {
    movex_leak_verdict verdict;    /**< the worst of all viewers' */
    uint32_t           viewers;    /**< how many were watched */
    uint32_t           comparable; /**< of them, those with MOVEX_LEAK_NONE */
    uint64_t           frames;     /**< sent to them in the first run, and the same in the second as far as it was compared */
    uint64_t           bytes;      /**< of these frames */
    uint64_t           all_frames; /**< sent to them in the first run */
    uint64_t           all_bytes;  /**< of these frames */
    char               viewer[MOVEX_NAME_SIZE]; /**< the first for whom it is worst; "" with MOVEX_LEAK_NONE */
    char text[MOVEX_ERROR_TEXT_SIZE]; /**< one line for people: what differed first for that viewer, and where */
} movex_leak_report;

MOVEX_BEGIN_DECLARATIONS

/** Plays both runs and compares them. MOVEX_OK with the report filled, whatever the verdict. Else only its text is:
 *  MOVEX_ERR_ARGUMENT (no `play`, no viewers, a viewer who has never dialled, or a run in which no master was given the
 *  observer, or nobody has bound anything) or MOVEX_ERR_MEMORY. */
MOVEX_API int movex_leak_check(const movex_leak_config *config, movex_leak_report *report);

/** To be called by `play`, just before it does what lets the secret show, as the last move before a reveal. From then on the
 *  public log and the views may differ; bytes still may not differ before these do. A test that does not know when its game
 *  shows what calls it first. */
MOVEX_API void movex_leak_may_show(const movex_leak_run *run);

MOVEX_END_DECLARATIONS

#endif
