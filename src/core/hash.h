/* The two hashes of the library. Neither allocates; both give the same on every machine. */
#ifndef MOVEX_CORE_HASH_H
#define MOVEX_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH64 (Yann Collet, https://github.com/Cyan4973/xxHash, specification 0.1.1): fast, not cryptographic. For checksums and
   fingerprints. */
uint64_t movex_xxh64(const void *bytes, size_t length, uint64_t seed);

/* The same of 8 bytes. */
uint64_t movex_xxh64_of_8(const void *bytes, uint64_t seed);

/* The same of one number, in a row of them. */
uint64_t movex_xxh64_number(uint64_t so_far, uint64_t value);

/* SipHash-2-4 (Aumasson and Bernstein 2012): a keyed one-way function of short inputs. For what a stranger must not be able
   to predict: random seeds, and the tables whose keys strangers choose. */
typedef struct movex_sip_key {
    uint64_t k0, k1;
} movex_sip_key;

uint64_t movex_siphash(movex_sip_key key, const void *bytes, size_t length);

#endif
