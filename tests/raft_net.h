/* Raft alone: members and a network of single messages, which are lost, doubled, late and out of order, in virtual time. What must
   hold is checked after every step:

     of each term there is at most one master
     logs that have an entry of the same index and term are the same up to it
     who follows a master holds what it has told that one
     what one has committed, all commit; who is master of the latest term has all of it
     each tells the same entries in the same order, each once; a snapshot stands for those before it

   Of two who may each go on alone (survivor_goes_on) a term and an index may have two of all that; then less is checked. */
#ifndef MOVEX_TESTS_RAFT_NET_H
#define MOVEX_TESTS_RAFT_NET_H

#include "raft_internal.h"

#include "meter.h"

#include <movex/store_memory.h>

enum { RAFT_SEATS = 9, RAFT_ENTRIES = 1 << 13, RAFT_TERMS = 1 << 12, RAFT_MESSAGES = 1 << 14 };

typedef struct raft_seat {
    char                name[16];
    movex_raft         *raft; /* NULL: dead */
    uint64_t            number;
    movex_store_memory *disk; /* NULL: it has no memory beyond its life */
    movex_store         store;
    bool                apart, paused, leaving, left, anew;
    uint64_t            told, chain; /* index of the last entry told; digest of all told */
    uint64_t            checked;     /* committed up to there is compared */
    uint32_t            undone, restored, masters, entered;
} raft_seat;

typedef struct raft_packet {
    uint64_t       from, to, due_ms;
    unsigned char *bytes;
    size_t         length;
} raft_packet;

typedef struct raft_net {
    raft_seat         seats[RAFT_SEATS];
    uint32_t          count;
    movex_raft_config config;
    movex_allocator   allocator; /* of who is entered from now on */
    bool              branches;  /* survivor_goes_on */
    uint64_t          now_ms, random, seed, numbers;
    bool              linked[RAFT_SEATS][RAFT_SEATS];
    uint32_t          loss, doubling, lateness; /* per mille of messages */
    uint32_t          latency_ms;
    uint32_t          flush_ms; /* of the disks of who is entered from now on */
    bool              may_fail; /* there may be no memory: who cannot go on is killed, and has a disk */
    bool              by_hand;  /* nothing is delivered but by the test, and no links come by themselves */
    raft_packet       packets[RAFT_MESSAGES];
    uint32_t          packet_count;
    uint64_t          sent[MOVEX_RAFT_REMOVED + 1]; /* by kind */
    uint64_t          committed_term[RAFT_ENTRIES], committed_digest[RAFT_ENTRIES], chain[RAFT_ENTRIES], last_committed;
    uint64_t          committed_in[RAFT_ENTRIES]; /* the term of who was first seen to have committed it: not that of the entry */
    uint64_t          master_of[RAFT_TERMS];
    uint64_t          proposed, room, gave_up;
} raft_net;

/* `founders` seats of `count`; all begin to live that are founders. */
void raft_net_start(raft_net *n, uint32_t founders, uint32_t count, unsigned with_disk);
void raft_net_end(raft_net *n);
void raft_net_enter(raft_net *n, uint32_t seat);
void raft_net_kill(raft_net *n, uint32_t seat);
void raft_net_link(raft_net *n, uint32_t a, uint32_t b, bool linked);
void raft_net_apart(raft_net *n, uint32_t seat, bool apart);
void raft_net_run(raft_net *n, uint32_t ms);
/* Takes what they have to say: by hand it is then in `packets`. */
void raft_net_collect(raft_net *n, uint32_t seat);
/* Delivers packet `i`, and forgets it. */
void raft_net_deliver(raft_net *n, uint32_t i);
void raft_net_drain(raft_net *n, uint32_t seat);
void raft_net_check(raft_net *n);
uint64_t raft_net_propose(raft_net *n, uint32_t seat);
/* It has a snapshot stand for all that it has told of. */
void raft_net_compact(raft_net *n, uint32_t seat);
/* The master of the latest term among the living, or -1. */
int  raft_net_master(const raft_net *n);
/* A majority of the members, with their memory, would be left without that one. */
bool raft_net_can_spare(const raft_net *n, uint32_t seat);
/* All alive are members of the same committed membership and have the same committed log. */
bool raft_net_is_calm(const raft_net *n);
/* Whether that came within so many ms. */
uint32_t raft_net_await_calm(raft_net *n, uint32_t most_ms);

#endif
