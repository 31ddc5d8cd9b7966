#include "codec_internal.h"
#include "sink.h"

#include <assert.h>
#include <string.h>

typedef struct encoding {
    movex_sink   sink;
    movex_error *error;
} encoding;

static int encode_struct(encoding *out, const movex_node *node, const unsigned char *memory, const movex_path *parent);

static int encode_scalars(encoding *out, const unsigned char *memory, uint32_t count, movex_path *path)
{
    const movex_field *field = path->field;
    uint32_t           size = field->element_size;
    if (count > 1 && movex_kind_is_integer(field->kind) && (size == 1 || movex_host_is_little())) {
        movex_sink_put(&out->sink, memory, (size_t)size * count);
        return MOVEX_OK;
    }
    for (path->index = 0; path->index < count; path->index++, memory += size) {
        uint64_t value = movex_load_host(memory, size);
        if (!movex_value_is_canonical(field, value))
            return movex_path_value_error(out->error, MOVEX_ERR_INVALID_STATE, path, value);
        unsigned char *place = movex_sink_claim(&out->sink, size);
        if (place) movex_store_little(place, size, value);
    }
    return MOVEX_OK;
}

static int encode_texts(encoding *out, const unsigned char *memory, uint32_t count, movex_path *path)
{
    uint32_t size = path->field->element_size;
    for (path->index = 0; path->index < count; path->index++, memory += size) {
        const unsigned char *end = memchr(memory, 0, size);
        if (!end) return movex_path_text_error(out->error, MOVEX_ERR_INVALID_STATE, path, size);
        movex_sink_number(&out->sink, (uint64_t)(end - memory));
        movex_sink_put(&out->sink, memory, (size_t)(end - memory));
    }
    return MOVEX_OK;
}

static int encode_member(encoding *out, const movex_member *member, const unsigned char *memory,
                         const movex_path *parent)
{
    const movex_field   *field = member->field;
    const unsigned char *elements = memory + field->offset;
    movex_path           path = {.parent = parent, .field = field};
    uint32_t             count = field->capacity;
    if (field->shape == MOVEX_SHAPE_LIST) {
        count = movex_member_count(field, memory);
        if (count > field->capacity) return movex_path_count_error(out->error, MOVEX_ERR_INVALID_STATE, &path, count);
        movex_sink_number(&out->sink, count);
    }
    if (field->kind == MOVEX_KIND_TEXT) return encode_texts(out, elements, count, &path);
    if (!member->node) return encode_scalars(out, elements, count, &path);
    for (; path.index < count; path.index++, elements += field->element_size) {
        int status = encode_struct(out, member->node, elements, &path);
        if (status) return status;
    }
    return MOVEX_OK;
}

static int encode_struct(encoding *out, const movex_node *node, const unsigned char *memory, const movex_path *parent)
{
    for (uint32_t i = 0; i < node->member_count; i++) {
        int status = encode_member(out, &node->members[i], memory, parent);
        if (status) return status;
    }
    return MOVEX_OK;
}

int movex_codec_encode(const movex_codec *codec, const void *state, void *bytes, size_t capacity, size_t *length,
                       movex_error *error)
{
    assert(state && length && (bytes || !capacity));
    encoding out = {.sink = {.bytes = bytes, .capacity = capacity}, .error = error};
    int      status = encode_struct(&out, codec->root, state, NULL);
    *length = status ? 0 : out.sink.length;
    if (status) return status;
    assert(*length <= codec->root->max_encoded);
    if (*length <= capacity) return MOVEX_OK;
    return movex_error_set(error, MOVEX_ERR_LIMIT, "the encoding takes more room than there is", (char *)NULL);
}
