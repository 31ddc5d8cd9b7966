/* What a script runs in: a master, two to four honest clients and a hostile link, on the
   mock network. */
#ifndef MOVEX_TESTS_FUZZ_SCRIPT_WORLD_H
#define MOVEX_TESTS_FUZZ_SCRIPT_WORLD_H

#include "client_internal.h"
#include "fuzz.h"
#include "master_internal.h"
#include "table_game.h"

#include <movex/mock.h>

enum { SCRIPT_CLIENTS = 4, SCRIPT_TICKETS = 1024 };

typedef struct player {
    char            id[MOVEX_NAME_SIZE];
    unsigned        life; /* how many clients there were in its place */
    movex_client   *client;
    movex_resource *bound[TABLE_TYPES];
    uint8_t         outcomes[SCRIPT_TICKETS]; /* by ticket */
    movex_ticket    last_ticket;
    bool            lost_session; /* expelled: its outcomes are told as EXPIRED */
} player;

typedef struct hostile {
    movex_io   io;
    movex_link link; /* 0: none */
    uint64_t   sequence;
    uint32_t   number; /* of the last BOUND */
} hostile;

typedef struct world {
    fuzz_memory   memory, network_memory; /* of master and clients; of the network, which never fails */
    uint64_t      now_ms, epoch, digest, wire; /* digests: of events, and of what went over the network */
    movex_mock   *net;
    movex_master *master;
    movex_limits  limits;
    uint32_t      grace_ms;
    int           player_count;
    player        players[SCRIPT_CLIENTS];
    hostile       hostile;
    movex_rules  *rules[TABLE_TYPES];
    bool          held, memory_failed;
    bool          ended; /* somebody was kicked, or a resource removed */
    bool          used[TABLE_TYPES]; /* by somebody, some time */
} world;

/* By what the first four bytes of the input say. */
void script_start(world *w, fuzz_input *input);
/* In place of the one that was freed: nothing is remembered. */
void script_start_master(world *w);
/* Somebody leaves, and somebody else comes. */
void script_replace(world *w, int i);
/* NULL if that client has given up. */
movex_resource *script_bind(world *w, player *p, int type);

/* Afterwards all that must hold at any time is checked. Who is named by a bit in `absent` (the lowest: the master)
   is not polled. */
void script_poll(world *w, uint32_t ms, unsigned absent);

/* The network heals, all bind what anybody has bound, and nothing is on its way any more. */
void script_come_to_rest(world *w);
/* What a player holds is what the master says that it may know, and each dispatch has had one outcome. */
void script_check_views(world *w);
void script_end(world *w);

#endif
