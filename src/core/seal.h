/* The commitment to a hidden half: SHA-256 of all that it is bound to, its salt, and itself. Who has it can neither tell which of
   three moves it stands for (the salt is as long as the hash, and unknown), nor have it stand for two. */
#ifndef MOVEX_CORE_SEAL_H
#define MOVEX_CORE_SEAL_H

#include "wire.h"

/* What a commitment is bound to. */
typedef struct movex_seal {
    const char          *room, *type, *id, *author; /* room: "" if there is none */
    uint64_t             subscription, sequence;    /* of the dispatch */
    const unsigned char *salt;                      /* MOVEX_SALT_SIZE bytes */
    uint32_t             action;                    /* of the hidden half */
    movex_wire_bytes     payload;                   /* canonical encoding */
} movex_seal;

void movex_seal_commit(const movex_seal *seal, unsigned char commitment[MOVEX_COMMITMENT_SIZE]);

/* The seed of a hidden half's random values. Its author has chosen the salt before it could know the entry's seed, and who makes
   the seed does not know the salt. */
uint64_t movex_seal_seed(uint64_t seed, const unsigned char salt[MOVEX_SALT_SIZE]);

#endif
