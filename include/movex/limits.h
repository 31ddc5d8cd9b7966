/** @file limits.h
 *  What bounds memory and hostile peers. Part of the configurations of masters and clients; zero means the default. */
#ifndef MOVEX_LIMITS_H
#define MOVEX_LIMITS_H

#include <stdint.h>

/** For a rate or a count per address: none. */
#define MOVEX_UNLIMITED UINT32_MAX

/** Limits. Each is the most that is allowed; reaching one is an error for whoever asks for more, and nobody else. */
typedef struct movex_limits {
    uint32_t message_bytes; /**< of one message put together from chunks, such as a snapshot; default 16 MiB */
    uint32_t queue_bytes;   /**< waiting to be sent on one link, besides snapshots; past it the link is closed; default 4 MiB */
    uint32_t backlog_bytes; /**< master: waiting on one link that does not take them, past which entries give way to one
                                 snapshot; at most half of `queue_bytes`; default 256 KiB */
    uint32_t pending;       /**< dispatches of one client on one resource that are unanswered, or whose outcome is not
                                 drained; the smaller of the two sides' counts; default 1,024 */
    /** master: what is taken from one client a second; what comes faster waits. Up to a second's worth may come at once. No
     *  limit by default for emitters within the process, nor with MOVEX_UNLIMITED. */
    uint32_t messages_per_second; /**< default 4,000 */
    uint32_t bytes_per_second;    /**< of these messages; default 1 MiB */
    uint32_t binds_per_second;    /**< of them, those that bind, and so may bring a resource into being; default 1,024 */
    uint32_t waiting_bytes; /**< master: come over one link and waiting for its rate; past it the link is closed; default 1 MiB
                                 and the longest message */
    uint32_t links;         /**< master: connections at once; default 10,000 */
    uint32_t sessions;      /**< master: sessions, connected or away; default 20,000 */
    uint32_t resources;     /**< master: resources at once; default 100,000 */
    /** master: of one address, as the emitter tells it, its port aside. By default half of `links` and of `sessions`; no limit
     *  by default for emitters within the process, nor with MOVEX_UNLIMITED. */
    uint32_t links_per_address;
    uint32_t sessions_per_address; /**< the same, of sessions: of those who are away, the last that they came from */
    uint32_t created;       /**< master: resources that one session has brought into being and that are still there; default
                                 1,024 */
    uint32_t subscribers;   /**< master: subscribers of one resource; default 10,000 */
    uint32_t binds;         /**< resources that one client has bound; default 1,024 */
    uint32_t history;       /**< master: entries that a resource keeps for those who come back; default 1,024 */
    uint32_t history_bytes; /**< master: of their payloads, per resource; default 64 KiB */
    uint32_t hidden;        /**< master: actions that one client has hidden in one resource, not revealed; default 64 */
    uint32_t hiders;        /**< master: clients at once who have hidden something in one resource, each of whom costs a state;
                                 default 64 */
    uint32_t journal_bytes; /**< master: of a resource's journal, past which it is begun anew with a snapshot, if it is also
                                 four times as long as that; default 1 MiB */
    uint32_t views;         /**< master: different redacted states of one resource, each of which costs three; default 1,024 */
    uint32_t sealed;        /**< entries of one resource that are kept while something in it is sealed, so that it can be done again
                                 when it is opened; default 256. Past it dispatches are refused; what the master dispatches by
                                 itself may come to as much again. A client's must not be less than its master's */
    uint32_t sealed_bytes;  /**< the same, of their payloads, with the longest for each that is sealed; default 64 KiB */
} movex_limits;

#endif
