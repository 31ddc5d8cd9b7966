/* Settling: unused slots and text tails become zero, NaNs and bools canonical; what cannot be made so is an error. */
#include "codec_internal.h"

#include <assert.h>
#include <string.h>

/* Where the walk is: a struct at `base` bytes of the outermost one, of which bytes [from, to) were touched. */
typedef struct place {
    const movex_node *node;
    uint32_t          base;
    uint32_t          from, to;
    const movex_path *parent;
} place;

static int settle_struct(const movex_settling *s, const place *at);

static movex_status fault_status(const movex_settling *s)
{
    return s->strict ? MOVEX_ERR_MALFORMED : MOVEX_ERR_INVALID_STATE;
}

static int refuse_garbage(const movex_settling *s, const movex_path *path, const char *what)
{
    movex_format format = movex_path_error(s->error, fault_status(s), path);
    movex_format_text(&format, what);
    return fault_status(s);
}

static void make_zero(const movex_settling *s, uint32_t offset, uint32_t length)
{
    memset(s->memory + offset, 0, length);
    if (s->touched) movex_touched_mark(s->touched, offset, offset + length);
}

/* Strictly, the image of unused slots must be zero; the padding of structs that were in use is nobody's fault. */
static int clear_slots(const movex_settling *s, const place *at, const movex_member *member, uint32_t from, uint32_t to)
{
    if (from >= to) return MOVEX_OK;
    const movex_field *field = member->field;
    uint32_t           offset = at->base + field->offset + from * field->element_size;
    uint32_t           length = (to - from) * field->element_size;
    if (movex_is_zero(s->memory + offset, length)) return MOVEX_OK;
    movex_path path = {.parent = at->parent, .field = field, .index = from};
    for (; s->strict && path.index < to; path.index++) {
        const unsigned char *element = s->memory + at->base + field->offset + path.index * field->element_size;
        bool                 zero =
            member->node ? movex_image_is_zero(member->node, element) : movex_is_zero(element, field->element_size);
        if (!zero) return refuse_garbage(s, &path, "an unused element is not zero");
    }
    make_zero(s, offset, length);
    return MOVEX_OK;
}

static int settle_scalar(const movex_settling *s, uint32_t offset, const movex_path *path)
{
    const movex_field *field = path->field;
    uint32_t           size = field->element_size;
    uint64_t           value = movex_load_host(s->memory + offset, size);
    if (movex_value_is_canonical(field, value)) return MOVEX_OK;
    if (s->strict || field->kind == MOVEX_KIND_ENUM)
        return movex_path_value_error(s->error, fault_status(s), path, value);
    uint64_t canonical = 1; /* whatever a C program takes for true */
    if (field->kind == MOVEX_KIND_FLOAT) canonical = MOVEX_FLOAT_NAN;
    if (field->kind == MOVEX_KIND_DOUBLE) canonical = MOVEX_DOUBLE_NAN;
    movex_store_host(s->memory + offset, size, canonical);
    if (s->touched) movex_touched_mark(s->touched, offset, offset + size);
    return MOVEX_OK;
}

static int settle_text(const movex_settling *s, uint32_t offset, const movex_path *path)
{
    uint32_t             size = path->field->element_size;
    const unsigned char *text = s->memory + offset;
    const unsigned char *end = memchr(text, 0, size);
    if (!end) return refuse_garbage(s, path, "a text without its final zero");
    uint32_t length = (uint32_t)(end - text);
    if (movex_is_zero(end, size - length)) return MOVEX_OK;
    if (s->strict) return refuse_garbage(s, path, "bytes after the end of the text are not zero");
    make_zero(s, offset + length, size - length);
    return MOVEX_OK;
}

/* Elements [first, end), which are in use. */
static int settle_elements(const movex_settling *s, const place *at, const movex_member *member, uint32_t first,
                           uint32_t end)
{
    const movex_field *field = member->field;
    movex_path         path = {.parent = at->parent, .field = field, .index = first};
    for (; path.index < end; path.index++) {
        uint32_t within = field->offset + path.index * field->element_size;
        uint32_t offset = at->base + within;
        int      status;
        if (member->node) {
            place inner = {.node = member->node, .base = offset, .parent = &path};
            inner.from = at->from > within ? at->from - within : 0;
            inner.to = at->to - within < field->element_size ? at->to - within : field->element_size;
            status = settle_struct(s, &inner);
        } else if (field->kind == MOVEX_KIND_TEXT) {
            status = settle_text(s, offset, &path);
        } else {
            status = settle_scalar(s, offset, &path);
        }
        if (status) return status;
    }
    return MOVEX_OK;
}

/* The count of a member's used elements, checked. */
static int used_elements(const movex_settling *s, const place *at, const movex_field *field, uint32_t *count)
{
    *count = movex_member_count(field, s->memory + at->base);
    if (*count <= field->capacity) return MOVEX_OK;
    movex_path path = {.parent = at->parent, .field = field};
    return movex_path_count_error(s->error, fault_status(s), &path, *count);
}

static int settle_piece(const movex_settling *s, const place *at, const movex_piece *piece)
{
    const movex_member *member = piece->member;
    const movex_field  *field = member->field;
    uint32_t            count;
    int                 status = used_elements(s, at, field, &count);
    if (status) return status;
    if (piece->is_counter) { /* a smaller count leaves slots behind, which may lie outside of what was touched */
        uint32_t before = s->old ? movex_member_count(field, s->old + at->base) : 0;
        return clear_slots(s, at, member, count, before);
    }
    bool     inert = member->node ? member->node->inert : movex_kind_is_integer(field->kind);
    uint32_t first = at->from > piece->offset ? (at->from - piece->offset) / field->element_size : 0;
    uint32_t end = at->to - piece->offset < piece->size
                       ? (at->to - piece->offset + field->element_size - 1) / field->element_size
                       : field->capacity;
    if (!inert) status = settle_elements(s, at, member, first, end < count ? end : count);
    return status ? status : clear_slots(s, at, member, first > count ? first : count, end);
}

/* The first piece that ends after byte `offset`. */
static const movex_piece *first_piece(const movex_node *node, uint32_t offset)
{
    uint32_t low = 0, high = node->piece_count; /* the pieces before `low` end at or before offset */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (node->pieces[middle].offset + node->pieces[middle].size <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return node->pieces + low;
}

static int settle_struct(const movex_settling *s, const place *at)
{
    if (at->node->inert) return MOVEX_OK;
    const movex_piece *end = at->node->pieces + at->node->piece_count;
    for (const movex_piece *piece = first_piece(at->node, at->from); piece < end && piece->offset < at->to; piece++) {
        if (piece->inert) continue;
        int status = settle_piece(s, at, piece);
        if (status) return status;
    }
    return MOVEX_OK;
}

int movex_settle_range(const movex_settling *settling, const movex_node *node, uint32_t from, uint32_t to)
{
    assert(from < to && to <= node->size);
    place whole = {.node = node, .from = from, .to = to};
    return settle_struct(settling, &whole);
}

int movex_settle_changes(const movex_settling *settling, const movex_node *node)
{
    assert(settling->old);
    uint32_t to;
    for (uint32_t from = 0; movex_next_difference(settling->old, settling->memory, node->size, &from, &to); from = to) {
        if (settling->touched) movex_touched_mark(settling->touched, from, to);
        int status = movex_settle_range(settling, node, from, to);
        if (status) return status;
    }
    return MOVEX_OK;
}

int movex_codec_settle(const movex_codec *codec, void *state, movex_error *error)
{
    assert(state);
    movex_settling settling = {.memory = state, .error = error};
    return movex_settle_range(&settling, codec->root, 0, codec->root->size);
}
