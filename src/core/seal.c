#include "seal.h"

#include "sha256.h"

static void add_text(movex_sha256 *hash, const char *text)
{
    movex_sha256_add_blob(hash, text, strlen(text));
}

void movex_seal_commit(const movex_seal *seal, unsigned char commitment[MOVEX_COMMITMENT_SIZE])
{
    movex_sha256 hash;
    movex_sha256_start(&hash);
    add_text(&hash, "movex sealed pair");
    add_text(&hash, seal->room);
    add_text(&hash, seal->type);
    add_text(&hash, seal->id);
    add_text(&hash, seal->author);
    movex_sha256_add_number(&hash, seal->subscription);
    movex_sha256_add_number(&hash, seal->sequence);
    movex_sha256_add_blob(&hash, seal->salt, MOVEX_SALT_SIZE);
    movex_sha256_add_number(&hash, seal->action);
    movex_sha256_add_blob(&hash, seal->payload.bytes, seal->payload.length);
    movex_sha256_end(&hash, commitment);
}

uint64_t movex_seal_seed(uint64_t seed, const unsigned char salt[MOVEX_SALT_SIZE])
{
    movex_sha256  hash;
    unsigned char digest[MOVEX_SHA256_SIZE];
    movex_sha256_start(&hash);
    add_text(&hash, "movex sealed seed");
    movex_sha256_add_number(&hash, seed);
    movex_sha256_add_blob(&hash, salt, MOVEX_SALT_SIZE);
    movex_sha256_end(&hash, digest);
    return movex_load_u64(digest);
}
