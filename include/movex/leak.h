/** @file leak.h
 *  A leak checker: proves over the mock network that what a game hides does not leave the master. See docs/testing.md.
 *
 *  It plays one schedule twice, with two secrets (another hidden move, another deck), and compares every byte that the master
 *  sends to those who may not know. What they may learn is what they have sent themselves, the public part of the log, and
 *  their own views; so as long as these are the same in both runs, the bytes must be the same too. The first thing that
 *  differs, for each watched client, decides:
 *
 *  - a frame to it: a **leak**;
 *  - a frame from it, the public log, or what it may know: from there on the runs are **incomparable** (the schedule let the
 *    secret show, as at a reveal). All before was the same.
 *
 *  Threads: as the network that it makes. */
#ifndef MOVEX_LEAK_H
#define MOVEX_LEAK_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/master.h>
#include <movex/mock.h>

/** How two runs compare for one client. */
typedef enum movex_leak_verdict {
    MOVEX_LEAK_NONE = 0,     /**< comparable to the end, and every byte the same */
    MOVEX_LEAK_INCOMPARABLE, /**< the same as far as they could be compared */
    MOVEX_LEAK_FOUND         /**< the master has sent bytes that depend on the secret */
} movex_leak_verdict;

/** What a run is played with. Lent for the call of `play`. */
typedef struct movex_leak_run {
    unsigned       secret;   /**< 0 in the first run, 1 in the second */
    movex_mock    *net;      /**< a new network, at virtual time 0; the checker frees it */
    movex_observer observer; /**< for movex_master_config.observer: without it nothing can be compared */
} movex_leak_run;

/** What is to be checked. Copied. */
typedef struct movex_leak_config {
    /** Plays the schedule: makes a master and clients on `run->net`, the clients under their ids as names
     *  (movex_mock_connect_as), plays, and frees them. But for what hangs on `run->secret` it must do the same each time. */
    void (*play)(void *user, const movex_leak_run *run);
    void *user; /**< handed to it as it is */

    const char *const *viewers; /**< required: ids of the clients that may not know the secret, ended by NULL */
    movex_mock_config  network; /**< of both networks; its tap is called as well */
    movex_allocator    allocator; /**< for what the checker records */
} movex_leak_config;

/** What was found, of the client for which it is worst. */
typedef struct movex_leak_report {
    movex_leak_verdict verdict;
    char               viewer[MOVEX_NAME_SIZE]; /**< whose */
    uint64_t           frames; /**< that the master sent to all watched clients and that were compared */
    uint64_t           bytes;  /**< of these frames */
    char               text[MOVEX_ERROR_TEXT_SIZE]; /**< one line for people: what differed first, and where */
} movex_leak_report;

MOVEX_BEGIN_DECLARATIONS

/** Plays both runs and compares them. MOVEX_OK with the report filled, whatever the verdict; MOVEX_ERR_ARGUMENT (no `play`, no
 *  viewers, or the observer was not used) or MOVEX_ERR_MEMORY. */
MOVEX_API int movex_leak_check(const movex_leak_config *config, movex_leak_report *report);

MOVEX_END_DECLARATIONS

#endif
