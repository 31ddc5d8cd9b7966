/* What the two halves of the target `handshake` share: a match between honest clients on the mock network. */
#ifndef MOVEX_TESTS_FUZZ_HANDSHAKE_H
#define MOVEX_TESTS_FUZZ_HANDSHAKE_H

#include "client_internal.h"
#include "forge.h"
#include "master_internal.h"

#include <movex/mock.h>

enum { HANDSHAKE_HONEST = 2 };

typedef struct handshake {
    fuzz_memory     memory, client_memory; /* of master and network; of all clients */
    uint64_t        now_ms, digest;
    movex_mock     *net;
    movex_master   *master;
    movex_client   *clients[HANDSHAKE_HONEST];
    movex_resource *bound[HANDSHAKE_HONEST][TABLE_TYPES];
    movex_rules    *rules[TABLE_TYPES];
} handshake;

void handshake_start(handshake *h);
/* Polls network, master and honest clients, who must not be disturbed. */
void handshake_poll(handshake *h, uint32_t ms);
/* What waits in a channel, either way, is bounded. */
void handshake_check_channel(const movex_channel *channel);
/* An honest client dispatches. */
void handshake_move(handshake *h, fuzz_input *input);
/* The honest ones come to the same end as the master. */
void handshake_must_agree(handshake *h);
/* Everybody else has freed what is his. */
void handshake_end(handshake *h);

/* Raw links to a master; `steps` says how many have been let in before it begins. */
void handshake_master(handshake *h, uint8_t steps, fuzz_input *input);
/* A client whose frames somebody changes on their way; `steps` says how far it has come before it begins. */
void handshake_client(handshake *h, uint8_t steps, fuzz_input *input);

enum { HANDSHAKE_RECORD = 16, HANDSHAKE_MOST_OPERATIONS = 120 };

/* The bytes of one record, taken from the input; at its end there are none. */
fuzz_input handshake_record(fuzz_input *input);

#endif
