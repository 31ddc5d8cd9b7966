#include "codec_internal.h"
#include "memory.h"

#include <assert.h>
#include <string.h>

movex_codec *movex_codec_new(const movex_schema *schema, const movex_allocator *allocator, movex_error *error)
{
    movex_allocator memory;
    if (!movex_allocator_resolve(allocator, &memory)) {
        movex_error_set(error, MOVEX_ERR_ARGUMENT, "an allocator has all three functions or none", (char *)NULL);
        return NULL;
    }
    movex_codec *codec = movex_allocate(&memory, sizeof *codec);
    if (!codec) {
        movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), (char *)NULL);
        return NULL;
    }
    codec->allocator = memory;
    if (movex_node_compile(codec, schema, 1, &codec->root, error)) {
        movex_codec_free(codec);
        return NULL;
    }
    assert(codec->root && codec->root->image_size > 0 && codec->root->image_size <= codec->root->size);
    return codec;
}

void movex_codec_free(movex_codec *codec)
{
    if (!codec) return;
    const movex_allocator memory = codec->allocator;
    while (codec->nodes) {
        movex_node *node = codec->nodes;
        codec->nodes = node->next;
        movex_release(&memory, node, node->allocated);
    }
    movex_release(&memory, codec, sizeof *codec);
}

const movex_schema *movex_codec_schema(const movex_codec *codec)
{
    return codec->root->schema;
}

uint64_t movex_codec_fingerprint(const movex_codec *codec)
{
    return codec->root->fingerprint;
}

size_t movex_codec_max_encoded(const movex_codec *codec)
{
    return (size_t)codec->root->max_encoded;
}

static bool equal_structs(const movex_node *node, const unsigned char *a, const unsigned char *b)
{
    for (uint32_t i = 0; i < node->stretch_count; i++) {
        const movex_stretch *stretch = &node->stretches[i];
        const unsigned char *left = a + stretch->offset, *right = b + stretch->offset;
        if (memcmp(left, right, (size_t)stretch->stride * stretch->count) == 0) continue;
        if (!stretch->node) return false;
        for (uint32_t k = 0; k < stretch->count; k++, left += stretch->stride, right += stretch->stride)
            if (!equal_structs(stretch->node, left, right)) return false;
    }
    return true;
}

bool movex_codec_equal(const movex_codec *codec, const void *a, const void *b)
{
    assert(a && b);
    return equal_structs(codec->root, a, b);
}

/* `to` is all zero. */
static void copy_struct(const movex_node *node, unsigned char *to, const unsigned char *from)
{
    for (uint32_t i = 0; i < node->stretch_count; i++) {
        const movex_stretch *stretch = &node->stretches[i];
        size_t               offset = stretch->offset;
        if (!stretch->node) {
            memcpy(to + offset, from + offset, (size_t)stretch->stride * stretch->count);
            continue;
        }
        for (uint32_t k = 0; k < stretch->count; k++, offset += stretch->stride)
            copy_struct(stretch->node, to + offset, from + offset);
    }
}

void movex_codec_copy(const movex_codec *codec, void *to, const void *from)
{
    assert(to && from && to != from);
    memset(to, 0, codec->root->size);
    copy_struct(codec->root, to, from);
}
