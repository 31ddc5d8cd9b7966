#include "bytes.h"
#include "codec_internal.h"

#include <assert.h>
#include <string.h>

/* `memory` is all zero, so that what the bytes do not mention (unused slots, tails, padding) is zero at the end. */
typedef struct decoding {
    movex_reader reader;
    movex_error *error;
} decoding;

static int decode_struct(decoding *in, const movex_node *node, unsigned char *memory, const movex_path *parent);

static int refuse(const decoding *in, const movex_path *path, const char *why)
{
    movex_format format = movex_path_error(in->error, MOVEX_ERR_MALFORMED, path);
    movex_format_text(&format, why);
    return MOVEX_ERR_MALFORMED;
}

static int refuse_end(const decoding *in, const movex_path *path)
{
    return refuse(in, path, "the bytes end here");
}

static int refuse_number(const decoding *in, const movex_path *path)
{
    return refuse(in, path, "a length that is cut off or not in its shortest form");
}

static int decode_scalars(decoding *in, unsigned char *memory, uint32_t count, movex_path *path)
{
    const movex_field   *field = path->field;
    uint32_t             size = field->element_size;
    size_t               left = movex_reader_left(&in->reader);
    const unsigned char *bytes = movex_read_bytes(&in->reader, (size_t)size * count);
    if (!bytes) {
        path->index = (uint32_t)(left / size);
        return refuse_end(in, path);
    }
    if (count > 1 && movex_kind_is_integer(field->kind) && (size == 1 || movex_host_is_little())) {
        memcpy(memory, bytes, (size_t)size * count);
        return MOVEX_OK;
    }
    for (path->index = 0; path->index < count; path->index++, memory += size, bytes += size) {
        uint64_t value = movex_load_little(bytes, size);
        if (!movex_value_is_canonical(field, value))
            return movex_path_value_error(in->error, MOVEX_ERR_MALFORMED, path, value);
        movex_store_host(memory, size, value);
    }
    return MOVEX_OK;
}

static int decode_texts(decoding *in, unsigned char *memory, uint32_t count, movex_path *path)
{
    uint32_t size = path->field->element_size;
    for (path->index = 0; path->index < count; path->index++, memory += size) {
        uint64_t length = movex_read_number(&in->reader);
        if (in->reader.failed) return refuse_number(in, path);
        if (length >= size) return movex_path_text_error(in->error, MOVEX_ERR_MALFORMED, path, length);
        const unsigned char *bytes = movex_read_bytes(&in->reader, (size_t)length);
        if (!bytes) return refuse_end(in, path);
        if (!length) continue;
        if (memchr(bytes, 0, (size_t)length)) return refuse(in, path, "a zero byte inside the text");
        memcpy(memory, bytes, (size_t)length);
    }
    return MOVEX_OK;
}

static int decode_count(decoding *in, const movex_path *path, unsigned char *memory, uint32_t *count)
{
    const movex_field *field = path->field;
    uint64_t           number = movex_read_number(&in->reader);
    if (in->reader.failed) {
        movex_path whole = {.parent = path->parent, .field = field, .index = MOVEX_WHOLE_MEMBER};
        return refuse_number(in, &whole);
    }
    if (number > field->capacity) return movex_path_count_error(in->error, MOVEX_ERR_MALFORMED, path, number);
    *count = (uint32_t)number;
    movex_store_host(memory + field->count_offset, field->count_size, number);
    return MOVEX_OK;
}

static int decode_member(decoding *in, const movex_member *member, unsigned char *memory, const movex_path *parent)
{
    const movex_field *field = member->field;
    unsigned char     *elements = memory + field->offset;
    movex_path         path = {.parent = parent, .field = field};
    uint32_t           count = field->capacity;
    int                status = MOVEX_OK;
    if (field->shape == MOVEX_SHAPE_LIST) status = decode_count(in, &path, memory, &count);
    if (status) return status;
    if (field->kind == MOVEX_KIND_TEXT) return decode_texts(in, elements, count, &path);
    if (!member->node) return decode_scalars(in, elements, count, &path);
    for (; path.index < count; path.index++, elements += field->element_size) {
        status = decode_struct(in, member->node, elements, &path);
        if (status) return status;
    }
    return MOVEX_OK;
}

static int decode_struct(decoding *in, const movex_node *node, unsigned char *memory, const movex_path *parent)
{
    for (uint32_t i = 0; i < node->member_count; i++) {
        int status = decode_member(in, &node->members[i], memory, parent);
        if (status) return status;
    }
    return MOVEX_OK;
}

static int refuse_rest(const decoding *in)
{
    movex_error *error = in->error;
    size_t       left = movex_reader_left(&in->reader);
    movex_format format = movex_format_into(error ? error->text : NULL, error ? sizeof error->text : 0);
    if (error) error->status = MOVEX_ERR_MALFORMED;
    movex_format_unsigned(&format, left);
    movex_format_text(&format, left == 1 ? " byte" : " bytes");
    movex_format_text(&format, " after the end of the state");
    return MOVEX_ERR_MALFORMED;
}

int movex_codec_decode(const movex_codec *codec, void *state, const void *bytes, size_t length, movex_error *error)
{
    assert(state && (bytes || !length));
    decoding in = {.reader = movex_reader_over(bytes, length), .error = error};
    memset(state, 0, codec->root->size);
    int status = decode_struct(&in, codec->root, state, NULL);
    if (!status && movex_reader_left(&in.reader)) status = refuse_rest(&in);
    if (status) memset(state, 0, codec->root->size);
    return status;
}
