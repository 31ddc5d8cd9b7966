/* Taking over what a reducer wrote, at the cost of what it changed: one comparison of memory, then work on the chunks that
   differ. */
#include "codec_internal.h"
#include "hash.h"

#include <assert.h>
#include <string.h>

typedef struct commit {
    const movex_node *node;
    unsigned char    *state;
    unsigned char    *work;
    movex_hashes     *hashes;     /* NULL: none are kept */
    uint32_t          next_block; /* blocks before this one have been looked at */
    bool              changed;
} commit;

static void hash_block(commit *c, uint32_t index, const unsigned char *bytes, uint32_t length)
{
    c->changed = true;
    if (!c->hashes) return;
    uint64_t hash = movex_xxh64(bytes, length, index);
    c->hashes->checksum += hash - c->hashes->blocks[index];
    c->hashes->blocks[index] = hash;
    c->hashes->bytes_hashed += length;
}

/* Compares one block of the two images and hashes it anew if it differs. */
static void update_block(commit *c, uint32_t index)
{
    unsigned char        old_buffer[MOVEX_CODEC_BLOCK], new_buffer[MOVEX_CODEC_BLOCK];
    uint32_t             from = index * MOVEX_CODEC_BLOCK;
    uint32_t             left = c->node->image_size - from;
    uint32_t             length = left < MOVEX_CODEC_BLOCK ? left : MOVEX_CODEC_BLOCK;
    const unsigned char *old_block = movex_image_view(c->node, c->state, from, from + length, old_buffer);
    const unsigned char *new_block = movex_image_view(c->node, c->work, from, from + length, new_buffer);
    if (memcmp(old_block, new_block, length) != 0) hash_block(c, index, new_block, length);
}

/* The blocks that hold what lies in memory [from, to). Ranges come in order, so blocks do too. */
static void update_range(commit *c, uint32_t from, uint32_t to)
{
    uint32_t start = movex_image_position(c->node, from, false);
    uint32_t end = movex_image_position(c->node, to, true);
    if (start >= end) return; /* padding alone */
    uint32_t block = start / MOVEX_CODEC_BLOCK;
    if (block < c->next_block) block = c->next_block;
    for (; block <= (end - 1) / MOVEX_CODEC_BLOCK; block++) update_block(c, block);
    if (c->next_block < block) c->next_block = block;
}

_Static_assert(MOVEX_CHUNK == MOVEX_CODEC_BLOCK, "a chunk of a plain state is a block");
_Static_assert(MOVEX_CHUNK == 1u << 8, "the smallest granule is a chunk");

/* Takes over the chunks of a granule in which state and work differ. A block is looked at before anything of it is copied: with
   the first of its chunks that differs. */
static void take_granule(commit *c, bool compare, uint64_t at, uint64_t size)
{
    bool one = size == MOVEX_CHUNK; /* that is known to differ */
    for (uint64_t end = at + size; at < end && at < c->node->size; at += MOVEX_CHUNK) {
        uint32_t from = (uint32_t)at, length = movex_chunk_size(c->node->size, from);
        if (!one && memcmp(c->state + from, c->work + from, length) == 0) continue;
        if (c->node->plain) /* the chunk is a block */
            hash_block(c, from / MOVEX_CODEC_BLOCK, c->work + from, length);
        else if (compare)
            update_range(c, from, from + length);
        memcpy(c->state + from, c->work + from, length);
    }
}

static void take_touched(commit *c, bool compare, const movex_touched *touched, movex_touched *moved)
{
    for (uint32_t word = 0; word < touched->word_count; word++) {
        if (!touched->words[word]) continue;
        for (uint64_t bits = touched->words[word]; bits; bits &= bits - 1) {
            uint64_t at = (uint64_t)(word * 64 + movex_lowest_bit(bits)) << touched->shift;
            take_granule(c, compare, at, UINT64_C(1) << touched->shift);
        }
        if (moved) moved->words[word] |= touched->words[word];
    }
}

/* Of a state whose chunks are blocks, and of which nothing has to be settled. */
static void commit_plain_large(commit *c, movex_touched *moved)
{
    uint32_t to;
    for (uint32_t from = 0; movex_next_difference(c->state, c->work, c->node->size, &from, &to); from = to) {
        if (moved) movex_touched_mark(moved, from, to);
        for (uint32_t at = from; at < to; at += MOVEX_CHUNK)
            hash_block(c, at / MOVEX_CODEC_BLOCK, c->work + at, movex_chunk_size(c->node->size, at));
        memcpy(c->state + from, c->work + from, to - from);
    }
}

static int commit_large(commit *c, bool compare, movex_touched *moved, movex_error *error)
{
    movex_touched  touched;
    movex_settling settling = {.old = c->state, .memory = c->work, .touched = &touched, .error = error};
    if (c->node->plain) {
        commit_plain_large(c, moved);
        return MOVEX_OK;
    }
    movex_touched_start(&touched, c->node->size);
    int status = movex_settle_changes(&settling, c->node);
    if (status) return status;
    take_touched(c, compare, &touched, moved);
    return MOVEX_OK;
}

static bool differ(const unsigned char *a, const unsigned char *b)
{
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left != right;
}

/* A number and no more: a counter, a clock. */
static void commit_word(commit *c)
{
    if (!differ(c->state, c->work)) return;
    c->changed = true;
    memcpy(c->state, c->work, sizeof(uint64_t));
    if (!c->hashes) return;
    c->hashes->checksum = c->hashes->blocks[0] = movex_xxh64_of_8(c->work, 0);
    c->hashes->bytes_hashed += sizeof(uint64_t);
}

/* All of a block whose memory is its image, of which nothing has to be settled. */
static void commit_plain(commit *c)
{
    uint32_t size = c->node->size;
    if (size == sizeof(uint64_t)) {
        commit_word(c);
        return;
    }
    if (memcmp(c->state, c->work, size) == 0) return;
    hash_block(c, 0, c->work, size);
    memcpy(c->state, c->work, size);
}

/* Where state and work differ: [from, to), empty if nowhere. */
static void find_changes(const commit *c, uint32_t *from, uint32_t *to)
{
    const uint32_t word = sizeof(uint64_t);
    uint32_t       start = 0, end = c->node->size;
    while (end - start >= word && !differ(c->state + start, c->work + start)) start += word;
    while (end - start >= word && !differ(c->state + end - word, c->work + end - word)) end -= word;
    while (start < end && c->state[start] == c->work[start]) start++;
    while (start < end && c->state[end - 1] == c->work[end - 1]) end--;
    *from = start;
    *to = end;
}

static int commit_small(commit *c, bool compare, movex_error *error)
{
    if (c->node->plain) {
        commit_plain(c);
        return MOVEX_OK;
    }
    movex_settling settling = {.old = c->state, .memory = c->work, .error = error};
    uint32_t       from, to;
    find_changes(c, &from, &to);
    if (from == to) return MOVEX_OK;
    int status = movex_settle_range(&settling, c->node, from, to);
    if (status) return status;
    if (compare) update_block(c, 0);
    memcpy(c->state, c->work, c->node->size);
    return MOVEX_OK;
}

/* The post-condition, in full. Too slow for anything but tests. */
static void check_commit(const movex_codec *codec, const commit *c)
{
#ifdef MOVEX_PARANOID
    movex_settling settling = {.memory = c->work, .strict = true};
    int            status = movex_settle_range(&settling, codec->root, 0, codec->root->size);
    assert(status == MOVEX_OK);
    assert(memcmp(c->state, c->work, codec->root->size) == 0);
    assert(!c->hashes || c->hashes->checksum == movex_codec_checksum(codec, c->state));
    (void)status;
#else
    (void)codec;
    (void)c;
#endif
}

/* Of one block; then all of it is compared and copied. */
static bool is_small(const movex_node *node)
{
    return node->size <= 2 * MOVEX_CODEC_BLOCK && node->image_size <= MOVEX_CODEC_BLOCK;
}

int movex_codec_commit(const movex_codec *codec, void *state, void *work, movex_hashes *hashes, bool *changed,
                       movex_touched *moved, movex_error *error)
{
    assert(state && work && state != work);
    commit c = {.node = codec->root, .state = state, .work = work, .hashes = hashes};
    bool   compare = hashes || changed;
    int    status = is_small(codec->root) ? commit_small(&c, compare, error) : commit_large(&c, compare, moved, error);
    if (status) return status;
    if (changed) *changed = c.changed;
    check_commit(codec, &c);
    return MOVEX_OK;
}

int movex_codec_commit_touched(const movex_codec *codec, void *state, void *work, movex_hashes *hashes,
                               movex_touched *touched, movex_touched *moved, movex_error *error)
{
    commit         c = {.node = codec->root, .state = state, .work = work, .hashes = hashes};
    movex_touched  changed;
    movex_settling settling = {.old = state, .memory = work, .touched = &changed, .error = error};
    uint32_t       to, end;
    int            status = MOVEX_OK;
    assert(state && work && state != work && !is_small(codec->root));
    movex_touched_start(&changed, codec->root->size);
    for (uint32_t from = 0; movex_touched_next(touched, &from, &to); from = to)
        for (; !status && movex_next_difference(c.state, c.work, to, &from, &end); from = end) {
            movex_touched_mark(&changed, from, end);
            status = movex_settle_range(&settling, codec->root, from, end);
        }
    if (status)
        movex_touched_add(touched, &changed);
    else
        take_touched(&c, hashes != NULL, &changed, moved);
    return status;
}

void movex_codec_restore(const movex_codec *codec, const void *state, void *work)
{
    const unsigned char *from_state = state;
    unsigned char       *to_work = work;
    uint32_t             size = codec->root->size, to;
    assert(state && work && state != work);
    if (is_small(codec->root)) { /* sooner copied than compared */
        memcpy(work, state, size);
        return;
    }
    for (uint32_t from = 0; movex_next_difference(from_state, to_work, size, &from, &to); from = to)
        memcpy(to_work + from, from_state + from, to - from);
#ifdef MOVEX_PARANOID
    assert(memcmp(state, work, size) == 0);
#endif
}

bool movex_codec_differ(const movex_codec *codec, const void *a, const void *b, uint32_t from, uint32_t to)
{
    unsigned char     of_a[MOVEX_CODEC_BLOCK], of_b[MOVEX_CODEC_BLOCK];
    const movex_node *node = codec->root;
    uint32_t          end = movex_image_position(node, to, true);
    for (uint32_t at = movex_image_position(node, from, false), next; at < end; at = next) {
        next = end - at < MOVEX_CODEC_BLOCK ? end : at + MOVEX_CODEC_BLOCK;
        if (memcmp(movex_image_view(node, a, at, next, of_a), movex_image_view(node, b, at, next, of_b), next - at) !=
            0)
            return true;
    }
    return false;
}

bool movex_codec_is_small(const movex_codec *codec)
{
    return is_small(codec->root);
}

void movex_codec_share(const movex_codec *codec, const void *state, void *copy, const movex_touched *moved)
{
    const unsigned char *from = state;
    unsigned char       *to = copy;
    uint32_t             size = codec->root->size;
    if (is_small(codec->root)) {
        memcpy(to, from, size);
        return;
    }
    uint32_t end;
    for (uint32_t at = 0; movex_touched_next(moved, &at, &end); at = end) memcpy(to + at, from + at, end - at);
#ifdef MOVEX_PARANOID
    assert(memcmp(state, copy, size) == 0);
#endif
}
