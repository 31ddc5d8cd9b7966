/* The image: every member at a fixed place, little-endian, without padding. It is never built as a whole; these functions
   read, write and lend any range of it. */
#include "codec_internal.h"
#include "hash.h"

#include <assert.h>
#include <string.h>

static uint32_t stretch_image_size(const movex_stretch *stretch)
{
    return stretch->image_stride * stretch->count;
}

/* The stretch that holds image byte `position`, which is inside the image. */
static const movex_stretch *stretch_at_image(const movex_node *node, uint32_t position)
{
    uint32_t low = 0, high = node->stretch_count; /* stretch `low` starts at or before position, `high` after it */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (node->stretches[middle].image_offset <= position)
            low = middle;
        else
            high = middle;
    }
    return &node->stretches[low];
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Bytes [from, to) of one stretch's image, element by element. */
static void read_elements(const movex_stretch *stretch, const unsigned char *memory, uint32_t from, uint32_t to,
                          unsigned char *bytes)
{
    while (from < to) {
        uint32_t             index = from / stretch->image_stride;
        uint32_t             start = index * stretch->image_stride;
        uint32_t             end = least(to, start + stretch->image_stride);
        const unsigned char *element = memory + stretch->offset + (size_t)index * stretch->stride;
        if (stretch->node) {
            movex_image_read(stretch->node, element, from - start, end - start, bytes);
        } else {
            unsigned char little[8];
            movex_store_little(little, stretch->stride, movex_load_host(element, stretch->stride));
            memcpy(bytes, little + (from - start), end - from);
        }
        bytes += end - from;
        from = end;
    }
}

void movex_image_read(const movex_node *node, const unsigned char *memory, uint32_t from, uint32_t to,
                      unsigned char *bytes)
{
    assert(from <= to && to <= node->image_size);
    if (from == to) return;
    for (const movex_stretch *stretch = stretch_at_image(node, from); from < to; stretch++) {
        uint32_t start = stretch->image_offset;
        uint32_t end = least(to, start + stretch_image_size(stretch));
        if (!stretch->node && stretch->stride == 1)
            memcpy(bytes, memory + stretch->offset + (from - start), end - from);
        else
            read_elements(stretch, memory, from - start, end - start, bytes);
        bytes += end - from;
        from = end;
    }
}

/* Where one byte of the image lies in memory, and how far the two run side by side. */
typedef struct image_run {
    uint32_t offset; /* of the byte, or of the integer that it belongs to */
    uint32_t length; /* image bytes from here on that lie there, > 0 */
    uint32_t width;  /* bytes of the integer, to be swapped; 1: memory holds the image's bytes */
    uint32_t skip;   /* image bytes of the integer before this one */
} image_run;

static image_run find_run(const movex_node *node, uint32_t position)
{
    uint32_t base = 0;
    for (;;) {
        const movex_stretch *stretch = stretch_at_image(node, position);
        uint32_t             within = position - stretch->image_offset;
        uint32_t             index = within / stretch->image_stride;
        base += stretch->offset + index * stretch->stride;
        if (!stretch->node) {
            uint32_t skip = within % stretch->image_stride;
            uint32_t left = stretch->stride == 1 ? stretch_image_size(stretch) - within : stretch->stride - skip;
            return (image_run){.offset = base, .length = left, .width = stretch->stride, .skip = skip};
        }
        position = within - index * stretch->image_stride;
        node = stretch->node;
    }
}

void movex_image_write(const movex_node *node, unsigned char *memory, uint32_t from, uint32_t to,
                       const unsigned char *bytes)
{
    assert(from <= to && to <= node->image_size);
    while (from < to) {
        image_run run = find_run(node, from);
        uint32_t  length = least(run.length, to - from);
        if (run.width == 1) {
            memcpy(memory + run.offset, bytes, length);
        } else {
            unsigned char little[8];
            movex_store_little(little, run.width, movex_load_host(memory + run.offset, run.width));
            memcpy(little + run.skip, bytes, length);
            movex_store_host(memory + run.offset, run.width, movex_load_little(little, run.width));
        }
        bytes += length;
        from += length;
    }
}

const unsigned char *movex_image_view(const movex_node *node, const unsigned char *memory, uint32_t from, uint32_t to,
                                      unsigned char *buffer)
{
    assert(from < to);
    const movex_stretch *first = node->stretches;
    if (movex_image_is_memory(node)) return memory + first->offset + from;
    image_run run = find_run(node, from);
    if (run.width == 1 && run.length >= to - from) return memory + run.offset;
    movex_image_read(node, memory, from, to, buffer);
    return buffer;
}

bool movex_image_is_zero(const movex_node *node, const unsigned char *memory)
{
    for (uint32_t i = 0; i < node->stretch_count; i++) {
        const movex_stretch *stretch = &node->stretches[i];
        const unsigned char *element = memory + stretch->offset;
        if (movex_is_zero(element, (size_t)stretch->stride * stretch->count)) continue;
        if (!stretch->node) return false;
        for (uint32_t k = 0; k < stretch->count; k++, element += stretch->stride)
            if (!movex_image_is_zero(stretch->node, element)) return false;
    }
    return true;
}

uint32_t movex_image_position(const movex_node *node, uint32_t offset, bool up)
{
    uint32_t position = 0;
    for (;;) {
        uint32_t low = 0, high = node->stretch_count; /* the stretches before `low` start at or before offset */
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (node->stretches[middle].offset <= offset)
                low = middle + 1;
            else
                high = middle;
        }
        if (!low) return position;
        const movex_stretch *stretch = &node->stretches[low - 1];
        uint32_t             index = (offset - stretch->offset) / stretch->stride;
        position += stretch->image_offset;
        if (index >= stretch->count) return position + stretch_image_size(stretch);
        position += index * stretch->image_stride;
        offset = (offset - stretch->offset) % stretch->stride;
        if (!offset) return position;
        if (!stretch->node) return position + (up ? stretch->image_stride : 0);
        node = stretch->node;
    }
}

bool movex_next_difference(const unsigned char *a, const unsigned char *b, uint32_t size, uint32_t *from, uint32_t *to)
{
    const uint32_t stride = 16 * MOVEX_CHUNK; /* fewer calls where nothing differs, which is nearly everywhere */
    uint32_t       at = *from;
    assert(at % MOVEX_CHUNK == 0 || at == size);
    while (at < size && size - at >= stride && memcmp(a + at, b + at, stride) == 0) at += stride;
    while (at < size && memcmp(a + at, b + at, movex_chunk_size(size, at)) == 0) at += movex_chunk_size(size, at);
    if (at >= size) return false;
    *from = at;
    while (at < size && memcmp(a + at, b + at, movex_chunk_size(size, at)) != 0) at += movex_chunk_size(size, at);
    *to = at;
    return true;
}

/* Hashes every block; `blocks` may be NULL. Returns the checksum. */
static uint64_t hash_blocks(const movex_node *node, const unsigned char *memory, uint64_t *blocks)
{
    unsigned char buffer[MOVEX_CODEC_BLOCK];
    uint64_t      checksum = 0;
    uint32_t      index = 0;
    for (uint32_t at = 0; at < node->image_size; at += MOVEX_CODEC_BLOCK, index++) {
        uint32_t             end = least(node->image_size, at + MOVEX_CODEC_BLOCK);
        const unsigned char *block = movex_image_view(node, memory, at, end, buffer);
        uint64_t             hash = movex_xxh64(block, end - at, index);
        if (blocks) blocks[index] = hash;
        checksum += hash;
    }
    assert(index == movex_block_count(node));
    return checksum;
}

uint64_t movex_codec_checksum(const movex_codec *codec, const void *state)
{
    assert(state);
    return hash_blocks(codec->root, state, NULL);
}

size_t movex_codec_block_count(const movex_codec *codec)
{
    return movex_block_count(codec->root);
}

void movex_codec_hash(const movex_codec *codec, const void *state, movex_hashes *hashes)
{
    assert(state && hashes && hashes->blocks);
    hashes->checksum = hash_blocks(codec->root, state, hashes->blocks);
    hashes->bytes_hashed += codec->root->image_size;
}
