/* What a view needs of a codec: taking over a state that a reducer has just written, at the cost of what it changed.

   Two copies of one state are equal between calls: `work`, on which reducers run (a view's state), and `state`, which is as it
   was before (a view's backup). After a reducer the work is either committed (settled, hashed where it changed, and the
   changed bytes copied into state) or restored from state. Changes are found by comparing; padding may be found changed, but
   is never hashed. */
#ifndef MOVEX_CORE_CODEC_COMMIT_H
#define MOVEX_CORE_CODEC_COMMIT_H

#include "touched.h"

#include <movex/codec.h>

/* The hashes of a state's image, block by block.
   checksum = sum of blocks[i] over all i, modulo 2^64; blocks[i] = XXH64(block i, seed i). */
typedef struct movex_hashes {
    uint64_t *blocks;       /* movex_codec_block_count of them, owned by the view */
    uint64_t  checksum;
    uint64_t  bytes_hashed; /* ever, for the statistics */
} movex_hashes;

size_t movex_codec_block_count(const movex_codec *codec);

/* Hashes a settled state from scratch. */
void movex_codec_hash(const movex_codec *codec, const void *state, movex_hashes *hashes);

/* Settles `work` where it differs from `state`, brings `hashes` (NULL: none are kept) up to date and copies what changed
   into `state`: then both are equal. `state` was settled and `hashes` were its own. `changed` (NULL: not asked) says whether
   anything that is encoded differs. `moved` (NULL: not asked) gets, besides what is in it, all that is copied. On
   MOVEX_ERR_INVALID_STATE, with the field's path, nothing has happened to `state` and `hashes`, and `work` must be restored.
   Neither depends on what padding holds. */
int movex_codec_commit(const movex_codec *codec, void *state, void *work, movex_hashes *hashes, bool *changed,
                       movex_touched *moved, movex_error *error);

/* The same of a state that is not small, in which nothing else can differ than what is `touched`, at the cost of that; `moved`
   gets what does. On failure all that is touched then must be restored: also what has been cleared elsewhere. */
int movex_codec_commit_touched(const movex_codec *codec, void *state, void *work, movex_hashes *hashes,
                               movex_touched *touched, movex_touched *moved, movex_error *error);

/* Applies a difference to `work`, which equals the settled `state`; what comes out is settled. On MOVEX_ERR_MALFORMED `work`
   must be restored. */
int movex_codec_patch_over(const movex_codec *codec, const void *state, void *work, const void *bytes, size_t length,
                           movex_error *error);

/* Makes `work` equal to `state` again, copying only what differs. */
void movex_codec_restore(const movex_codec *codec, const void *state, void *work);

/* Makes `copy` equal to `state`, where they can differ in what is `moved` alone. */
void movex_codec_share(const movex_codec *codec, const void *state, void *copy, const movex_touched *moved);

/* True if what the schema describes of bytes [from, to), which are not none, is another in two states, settled or not. */
bool movex_codec_differ(const movex_codec *codec, const void *a, const void *b, uint32_t from, uint32_t to);

/* True of a state of one block: its parts are not told apart, and `moved` stays as it is. */
bool movex_codec_is_small(const movex_codec *codec);

#endif
