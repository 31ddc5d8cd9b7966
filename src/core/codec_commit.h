/* What a view needs of a codec: taking over a state that a reducer has just written, at the cost of what it changed.

   Two copies of one state are equal between calls: `work`, on which reducers run (a view's state), and `state`, which is as it
   was before (a view's backup). After a reducer the work is either committed (settled, hashed where it changed, and the
   changed bytes copied into state) or restored from state. Changes are found by comparing; padding may be found changed, but
   is never hashed. */
#ifndef MOVEX_CORE_CODEC_COMMIT_H
#define MOVEX_CORE_CODEC_COMMIT_H

#include <movex/codec.h>

/* The hashes of a state's image, block by block.
   checksum = sum of blocks[i] over all i, modulo 2^64; blocks[i] = XXH64(block i, seed i). */
typedef struct movex_hashes {
    uint64_t *blocks;       /* movex_codec_block_count of them, owned by the view */
    uint64_t  checksum;
    uint64_t  bytes_hashed; /* ever, for the statistics */
} movex_hashes;

/* Which parts of a state were touched, to a granule of a power of two of bytes. */
#define MOVEX_TOUCHED_WORDS 64
typedef struct movex_touched {
    unsigned shift;      /* log2 of the bytes of a granule, at least 8 */
    uint32_t word_count; /* in use, for all granules of the state */
    uint64_t words[MOVEX_TOUCHED_WORDS]; /* a bit for each granule */
} movex_touched;

/* Nothing, or all, of a state of that size. */
void movex_touched_start(movex_touched *touched, uint32_t size);
void movex_touched_fill(movex_touched *touched, uint32_t size);

size_t movex_codec_block_count(const movex_codec *codec);

/* Hashes a settled state from scratch. */
void movex_codec_hash(const movex_codec *codec, const void *state, movex_hashes *hashes);

/* Settles `work` where it differs from `state`, brings `hashes` (NULL: none are kept) up to date and copies what changed
   into `state`: then both are equal. `state` was settled and `hashes` were its own. `changed` (NULL: not asked) says whether
   anything that is encoded differs. `moved` (NULL: not asked) gets, besides what is in it, all that is copied. On MOVEX_ERR_INVALID_STATE, with the field's path, nothing has happened to `state` and
   `hashes`, and `work` must be restored. Neither depends on what padding holds. */
int movex_codec_commit(const movex_codec *codec, void *state, void *work, movex_hashes *hashes, bool *changed,
                       movex_touched *moved, movex_error *error);

/* Applies a difference to `work`, which equals the settled `state`; what comes out is settled. On MOVEX_ERR_MALFORMED `work`
   must be restored. */
int movex_codec_patch_over(const movex_codec *codec, const void *state, void *work, const void *bytes, size_t length,
                           movex_error *error);

/* Makes `work` equal to `state` again, copying only what differs. */
void movex_codec_restore(const movex_codec *codec, const void *state, void *work);

/* Makes `copy` equal to `state`, where they can differ in what is `moved` alone. */
void movex_codec_share(const movex_codec *codec, const void *state, void *copy, const movex_touched *moved);

/* True of a state of one block: its parts are not told apart, and `moved` stays as it is. */
bool movex_codec_is_small(const movex_codec *codec);

#endif
