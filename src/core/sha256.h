/* SHA-256 (FIPS 180-4), for commitments: who has the hash of something with a salt can neither find it nor find another one
   of the same hash. Neither allocates; the same on every machine. */
#ifndef MOVEX_CORE_SHA256_H
#define MOVEX_CORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define MOVEX_SHA256_SIZE 32

/* What has been hashed so far. */
typedef struct movex_sha256 {
    uint32_t      words[8]; /* H of the standard */
    uint64_t      length;   /* bytes so far; length % 64 of them wait in `block` */
    unsigned char block[64];
} movex_sha256;

void movex_sha256_start(movex_sha256 *hash);
void movex_sha256_add(movex_sha256 *hash, const void *bytes, size_t length);
/* A number, as 8 bytes, little-endian. */
void movex_sha256_add_number(movex_sha256 *hash, uint64_t value);
/* Bytes behind their length, so that no two rows of them are one. */
void movex_sha256_add_blob(movex_sha256 *hash, const void *bytes, size_t length);
void movex_sha256_end(movex_sha256 *hash, unsigned char digest[MOVEX_SHA256_SIZE]);

#endif
