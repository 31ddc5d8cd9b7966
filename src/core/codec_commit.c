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

/* Compares one block of the two images and hashes it anew if it differs. */
static void update_block(commit *c, uint32_t index)
{
    unsigned char        old_buffer[MOVEX_CODEC_BLOCK], new_buffer[MOVEX_CODEC_BLOCK];
    uint32_t             from = index * MOVEX_CODEC_BLOCK;
    uint32_t             left = c->node->image_size - from;
    uint32_t             length = left < MOVEX_CODEC_BLOCK ? left : MOVEX_CODEC_BLOCK;
    const unsigned char *old_block = movex_image_view(c->node, c->state, from, from + length, old_buffer);
    const unsigned char *new_block = movex_image_view(c->node, c->work, from, from + length, new_buffer);
    if (memcmp(old_block, new_block, length) == 0) return;
    c->changed = true;
    if (!c->hashes) return;
    uint64_t hash = movex_xxh64(new_block, length, index);
    c->hashes->checksum += hash - c->hashes->blocks[index];
    c->hashes->blocks[index] = hash;
    c->hashes->bytes_hashed += length;
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

/* Calls `visit` for every chunk of a touched granule in which state and work differ. */
static void visit_changes(commit *c, const movex_touched *touched, void (*visit)(commit *, uint32_t, uint32_t))
{
    for (uint32_t word = 0; word < MOVEX_TOUCHED_WORDS; word++) {
        if (!touched->words[word]) continue;
        for (uint32_t bit = 0; bit < 64; bit++) {
            if (!(touched->words[word] >> bit & 1)) continue;
            uint64_t at = (uint64_t)(word * 64 + bit) << touched->shift;
            uint64_t end = at + (UINT64_C(1) << touched->shift);
            for (; at < end && at < c->node->size; at += MOVEX_CHUNK) {
                uint32_t from = (uint32_t)at, length = movex_chunk_size(c->node->size, from);
                if (memcmp(c->state + from, c->work + from, length) != 0) visit(c, from, from + length);
            }
        }
    }
}

static void copy_range(commit *c, uint32_t from, uint32_t to)
{
    memcpy(c->state + from, c->work + from, to - from);
}

static int commit_large(commit *c, bool compare, movex_error *error)
{
    movex_touched  touched;
    movex_settling settling = {.old = c->state, .memory = c->work, .touched = &touched, .error = error};
    movex_touched_start(&touched, c->node->size);
    int status = movex_settle_changes(&settling, c->node);
    if (status) return status;
    if (compare) visit_changes(c, &touched, update_range);
    visit_changes(c, &touched, copy_range);
    return MOVEX_OK;
}

static bool differ(const unsigned char *a, const unsigned char *b)
{
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left != right;
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

int movex_codec_commit(const movex_codec *codec, void *state, void *work, movex_hashes *hashes, bool *changed,
                       movex_error *error)
{
    assert(state && work && state != work);
    commit c = {.node = codec->root, .state = state, .work = work, .hashes = hashes};
    bool   compare = hashes || changed;
    int    status = codec->root->size <= 2 * MOVEX_CODEC_BLOCK && codec->root->image_size <= MOVEX_CODEC_BLOCK
                        ? commit_small(&c, compare, error)
                        : commit_large(&c, compare, error);
    if (status) return status;
    if (changed) *changed = c.changed;
    check_commit(codec, &c);
    return MOVEX_OK;
}

void movex_codec_restore(const movex_codec *codec, const void *state, void *work)
{
    const unsigned char *from_state = state;
    unsigned char       *to_work = work;
    uint32_t             size = codec->root->size, to;
    assert(state && work && state != work);
    if (size <= MOVEX_CHUNK) { /* sooner copied than compared */
        memcpy(work, state, size);
        return;
    }
    for (uint32_t from = 0; movex_next_difference(from_state, to_work, size, &from, &to); from = to)
        memcpy(to_work + from, from_state + from, to - from);
#ifdef MOVEX_PARANOID
    assert(memcmp(state, work, size) == 0);
#endif
}
