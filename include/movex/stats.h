/** @file stats.h
 *  What a master or a client has done and holds. Counters grow for ever; the lower group says what is so now. */
#ifndef MOVEX_STATS_H
#define MOVEX_STATS_H

#include <stdint.h>

/** Figures of one master or one client; where a figure has no meaning on that side it is 0. */
typedef struct movex_stats {
    uint64_t actions;         /**< dispatched by this client / received by this master */
    uint64_t accepted;        /**< of them, accepted by the master */
    uint64_t refused;         /**< of them, refused */
    uint64_t expired;         /**< client: of them, ended with an unknown outcome */
    uint64_t repeats;         /**< master: dispatches that came again after a reconnect, answered and not applied */
    uint64_t forwards;        /**< entries of others sent to subscribers / received */
    uint64_t mismatches;      /**< client: entries after which the checksum or the version was not the master's */
    uint64_t resyncs;         /**< snapshots asked for because of a mismatch */
    uint64_t snapshots;       /**< snapshots sent / received, planned ones and resyncs */
    uint64_t gave_way;        /**< master: times that entries gave way to a snapshot, for a subscriber that is slow */
    uint64_t reveals;         /**< master: reveals / client: reveals that have come */
    uint64_t forfeits;        /**< sealed entries that were not opened, or are not what was sealed, at these reveals */
    uint64_t patches;         /**< differences made / received: where a client could not compute its view, and reveals */
    uint64_t resumes;         /**< resources that went on after a reconnect without a snapshot */
    uint64_t connects;        /**< sessions opened or resumed */
    uint64_t protocol_errors; /**< links closed because of what came in */
    uint64_t frames_sent;          /**< handed to emitters */
    uint64_t frames_received;      /**< taken from emitters */
    uint64_t bytes_sent;           /**< of these frames */
    uint64_t bytes_received;       /**< of these frames */
    uint64_t reduces;                    /**< calls of reducers */
    uint64_t bytes_hashed;               /**< for checksums */
    uint64_t events_dropped;             /**< master: events lost because nobody drained them */

    uint64_t links;         /**< connections */
    uint64_t sessions;      /**< master: connected and away */
    uint64_t resources;     /**< bound / held */
    uint64_t subscriptions; /**< master: of all sessions to all resources */
    uint64_t hidden;        /**< master: entries with a half that is not revealed, sealed ones included */
    uint64_t pending;       /**< client: dispatches whose outcome is not known or not drained */
    uint64_t queued_bytes;  /**< waiting to be sent */
} movex_stats;

#endif
