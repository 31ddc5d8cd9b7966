/* From a schema to a node: every check that later operations rely on is here. */
#include "bytes.h"
#include "codec_internal.h"
#include "hash.h"
#include "memory.h"

#include <assert.h>
#include <string.h>

/* The table of alignments; measured, because alignof says what the compiler prefers, not what a struct gets, on some. */
#define ALIGNMENT_PROBE(name, type)                                                                                    \
    typedef struct name {                                                                                              \
        char first;                                                                                                    \
        type value;                                                                                                    \
    } name
ALIGNMENT_PROBE(probe_16, uint16_t);
ALIGNMENT_PROBE(probe_32, uint32_t);
ALIGNMENT_PROBE(probe_64, uint64_t);
ALIGNMENT_PROBE(probe_float, float);
ALIGNMENT_PROBE(probe_double, double);
_Static_assert(sizeof(bool) == 1, "a bool is one byte");

/* What the checks and their errors are about. */
typedef struct compiling {
    movex_codec        *codec;
    const movex_schema *schema;
    movex_error        *error;
} compiling;

/* "struct room, member text: ", to be gone on with; `field` NULL: the struct itself. */
static movex_format schema_error(const compiling *at, const movex_field *field)
{
    movex_error *error = at->error;
    const char  *name = at->schema && at->schema->name ? at->schema->name : "(unnamed)";
    movex_format format = movex_format_into(error ? error->text : NULL, error ? sizeof error->text : 0);
    if (error) error->status = MOVEX_ERR_SCHEMA;
    /* A schema's name is the type as it is spelled in the source. */
    movex_format_text(&format, strncmp(name, "struct ", 7) == 0 ? "" : "struct ");
    movex_format_text(&format, name);
    if (field) {
        movex_format_text(&format, ", member ");
        movex_format_text(&format, field->name ? field->name : "(unnamed)");
    }
    movex_format_text(&format, ": ");
    return format;
}

static int refuse(const compiling *at, const movex_field *field, const char *why)
{
    movex_format format = schema_error(at, field);
    movex_format_text(&format, why);
    return MOVEX_ERR_SCHEMA;
}

static int refuse_naming(const compiling *at, const movex_field *field, const char *why, const char *other)
{
    movex_format format = schema_error(at, field);
    movex_format_text(&format, why);
    movex_format_text(&format, other);
    return MOVEX_ERR_SCHEMA;
}

static bool is_identifier(const char *name)
{
    if (!name || !*name || (*name >= '0' && *name <= '9')) return false;
    for (; *name; name++) {
        bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || *name == '_';
        if (!letter && !(*name >= '0' && *name <= '9')) return false;
    }
    return true;
}

static int check_schema(const compiling *at)
{
    const movex_schema *schema = at->schema;
    if (!schema) return refuse(at, NULL, "there is no schema");
    if (!schema->name || !*schema->name) return refuse(at, NULL, "a schema needs the name of its struct");
    if (!schema->fields || !schema->field_count) return refuse(at, NULL, "no member is described");
    if (!schema->size || schema->size > MOVEX_CODEC_MAX_SIZE)
        return refuse(at, NULL, "its size is 0 or above the limit");
    bool power = schema->alignment && !(schema->alignment & (schema->alignment - 1));
    if (!power || schema->size % schema->alignment)
        return refuse(at, NULL, "its alignment is not a power of two that divides its size");
    if (schema->field_count > schema->size) return refuse(at, NULL, "more members than bytes");
    return MOVEX_OK;
}

static int check_enum(const compiling *at, const movex_field *field)
{
    uint32_t size = field->element_size;
    if (size != 1 && size != 2 && size != 4 && size != 8) return refuse(at, field, "an enum has 1, 2, 4 or 8 bytes");
    if (!field->value_count) return refuse(at, field, "an enum without values");
    if (size < 8 && field->value_count > UINT64_C(1) << 8 * size)
        return refuse(at, field, "more values than its width can hold");
    for (uint64_t i = 0; field->value_names && i < field->value_count; i++)
        if (!field->value_names[i]) return refuse(at, field, "a value without a name");
    return MOVEX_OK;
}

/* The bytes that an element of this kind has, or 0 if the table is free to say. */
static uint32_t size_of_kind(unsigned kind)
{
    switch (kind) {
    case MOVEX_KIND_BOOL:
    case MOVEX_KIND_UINT8:
    case MOVEX_KIND_INT8: return 1;
    case MOVEX_KIND_UINT16:
    case MOVEX_KIND_INT16: return 2;
    case MOVEX_KIND_UINT32:
    case MOVEX_KIND_INT32:
    case MOVEX_KIND_FLOAT: return 4;
    case MOVEX_KIND_UINT64:
    case MOVEX_KIND_INT64:
    case MOVEX_KIND_DOUBLE: return 8;
    default: return 0;
    }
}

static int check_kind(const compiling *at, const movex_field *field)
{
    uint32_t size = size_of_kind(field->kind);
    if (size && field->element_size != size) return refuse(at, field, "its element size is not that of its kind");
    switch (field->kind) {
    case MOVEX_KIND_ENUM: return check_enum(at, field);
    case MOVEX_KIND_TEXT:
        return field->element_size ? MOVEX_OK : refuse(at, field, "a text needs room for its final zero");
    case MOVEX_KIND_STRUCT:
        if (!field->schema) return refuse(at, field, "a struct without a schema");
        if (field->element_size != field->schema->size)
            return refuse(at, field, "its element size is not the size of the struct");
        return MOVEX_OK;
    default: return size ? MOVEX_OK : refuse(at, field, "unknown kind");
    }
}

static int check_list(const compiling *at, const movex_field *field)
{
    uint32_t size = field->count_size;
    if (!is_identifier(field->count_name)) return refuse(at, field, "its counter's name is not a plain identifier");
    if (size != 1 && size != 2 && size != 4) return refuse(at, field, "a counter has 1, 2 or 4 bytes");
    if (size < 4 && field->capacity >= UINT32_C(1) << 8 * size)
        return refuse_naming(at, field, "more elements than can be counted by ", field->count_name);
    if ((uint64_t)field->count_offset + size > at->schema->size)
        return refuse_naming(at, field, "outside the struct: its counter ", field->count_name);
    for (const movex_field *other = at->schema->fields; other < field; other++)
        if (other->shape == MOVEX_SHAPE_LIST && other->count_offset == field->count_offset)
            return refuse_naming(at, field, "its counter already counts ", other->name);
    return MOVEX_OK;
}

static int check_shape(const compiling *at, const movex_field *field)
{
    if (!field->capacity) return refuse(at, field, "no room for any element");
    if (field->columns && (field->shape != MOVEX_SHAPE_ARRAY || field->capacity % field->columns))
        return refuse(at, field, "a grid is an array of whole rows");
    if ((uint64_t)field->offset + (uint64_t)field->element_size * field->capacity > at->schema->size)
        return refuse(at, field, "outside the struct");
    switch (field->shape) {
    case MOVEX_SHAPE_SINGLE:
        return field->capacity == 1 ? MOVEX_OK : refuse(at, field, "a single member with more than one element");
    case MOVEX_SHAPE_ARRAY: return MOVEX_OK;
    case MOVEX_SHAPE_LIST: return check_list(at, field);
    default: return refuse(at, field, "unknown shape");
    }
}

static int check_field(const compiling *at, const movex_field *field)
{
    if (!is_identifier(field->name)) return refuse(at, field, "its name is not a plain identifier");
    for (const movex_field *other = at->schema->fields; other < field; other++)
        if (strcmp(other->name, field->name) == 0) return refuse(at, field, "described twice");
    int status = check_kind(at, field);
    return status ? status : check_shape(at, field);
}

static uint32_t alignment_of(const movex_piece *piece)
{
    const movex_field *field = piece->member->field;
    uint32_t           size = piece->is_counter ? field->count_size : field->element_size;
    if (!piece->is_counter) {
        if (field->kind == MOVEX_KIND_TEXT) return 1;
        if (field->kind == MOVEX_KIND_STRUCT) return field->schema->alignment;
        if (field->kind == MOVEX_KIND_FLOAT) return offsetof(probe_float, value);
        if (field->kind == MOVEX_KIND_DOUBLE) return offsetof(probe_double, value);
    }
    switch (size) {
    case 1: return 1;
    case 2: return offsetof(probe_16, value);
    case 4: return offsetof(probe_32, value);
    default: return offsetof(probe_64, value);
    }
}

static const char *piece_name(const movex_piece *piece)
{
    return piece->is_counter ? piece->member->field->count_name : piece->member->field->name;
}

/* Puts a piece where its offset belongs. Tables mostly have the struct's order already, so this is rarely a move. */
static void insert_piece(movex_node *node, movex_piece piece)
{
    uint32_t at = node->piece_count++;
    for (; at > 0 && node->pieces[at - 1].offset > piece.offset; at--) node->pieces[at] = node->pieces[at - 1];
    node->pieces[at] = piece;
}

/* Of an element. */
static bool is_inert(const movex_member *member)
{
    return member->node ? member->node->inert : movex_kind_is_integer(member->field->kind);
}

static void collect_pieces(movex_node *node)
{
    for (uint32_t i = 0; i < node->member_count; i++) {
        const movex_member *member = &node->members[i];
        const movex_field  *field = member->field;
        bool                is_list = field->shape == MOVEX_SHAPE_LIST;
        const movex_piece   elements = {
              .member = member,
              .inert = !is_list && is_inert(member),
              .offset = field->offset,
              .size = field->element_size * field->capacity,
        };
        insert_piece(node, elements);
        if (is_list)
            insert_piece(node, (movex_piece){.member = member,
                                             .is_counter = true,
                                             .offset = field->count_offset,
                                             .size = field->count_size});
    }
}

static int refuse_overlap(const compiling *at, const movex_piece *first, const movex_piece *second)
{
    if (first->offset == second->offset && first->size == second->size && first->is_counter != second->is_counter) {
        const movex_piece *counter = first->is_counter ? first : second;
        const movex_piece *other = first->is_counter ? second : first;
        return refuse_naming(at, other->member->field, "needs no entry: it is the counter of ",
                             counter->member->field->name);
    }
    movex_format format = schema_error(at, second->member->field);
    movex_format_text(&format, second->is_counter ? "its counter overlaps " : "overlaps ");
    movex_format_text(&format, first->is_counter ? "the counter " : "member ");
    movex_format_text(&format, piece_name(first));
    return MOVEX_ERR_SCHEMA;
}

/* A piece NULL: the struct's start or end. */
static int refuse_gap(const compiling *at, uint32_t bytes, const movex_piece *before, const movex_piece *after)
{
    movex_format format = schema_error(at, NULL);
    movex_format_unsigned(&format, bytes);
    movex_format_text(&format, bytes == 1 ? " byte " : " bytes ");
    movex_format_text(&format, !before ? "before " : after ? "between " : "after ");
    if (before) movex_format_text(&format, piece_name(before));
    if (before && after) movex_format_text(&format, " and ");
    if (after) movex_format_text(&format, piece_name(after));
    movex_format_text(&format, bytes == 1 ? " belongs" : " belong");
    movex_format_text(&format, " to no field (a forgotten member?)");
    return MOVEX_ERR_SCHEMA;
}

/* No overlap, and no gap that alignment does not explain: `end` rounded up to the next piece's alignment is that piece. */
static int check_pieces(const compiling *at, const movex_node *node)
{
    uint32_t           end = 0;
    const movex_piece *before = NULL;
    for (uint32_t i = 0; i < node->piece_count; i++) {
        const movex_piece *piece = &node->pieces[i];
        if (piece->offset < end) return refuse_overlap(at, before, piece);
        uint32_t gap = piece->offset - end;
        if (gap && (gap >= alignment_of(piece) || piece->offset % alignment_of(piece)))
            return refuse_gap(at, gap, before, piece);
        end = piece->offset + piece->size;
        before = piece;
    }
    uint32_t tail = node->size - end;
    return tail >= node->schema->alignment ? refuse_gap(at, tail, before, NULL) : MOVEX_OK;
}

/* True if the struct's memory is its image. */
static bool is_dense(const movex_node *node)
{
    return node->stretch_count == 1 && node->stretches[0].stride == 1 && node->stretches[0].count == node->size;
}

static void add_stretch(movex_node *node, movex_stretch stretch)
{
    bool bytes = stretch.node ? is_dense(stretch.node) : stretch.stride == 1 || movex_host_is_little();
    if (bytes) {
        stretch.count *= stretch.stride;
        stretch.stride = stretch.image_stride = 1;
        stretch.node = NULL;
    }
    if (bytes && node->stretch_count) {
        movex_stretch *last = &node->stretches[node->stretch_count - 1];
        if (last->stride == 1 && !last->node && last->offset + last->count == stretch.offset) {
            last->count += stretch.count;
            return;
        }
    }
    node->stretches[node->stretch_count++] = stretch;
}

/* Places every piece in the image, in the order of memory. */
static void lay_out_image(movex_node *node)
{
    for (uint32_t i = 0; i < node->piece_count; i++) {
        const movex_piece *piece = &node->pieces[i];
        movex_member      *member = &node->members[piece->member - node->members];
        const movex_field *field = member->field;
        movex_stretch      stretch = {.offset = piece->offset, .image_offset = node->image_size};
        if (piece->is_counter) {
            member->count_image_offset = node->image_size;
            stretch.stride = stretch.image_stride = field->count_size;
            stretch.count = 1;
        } else {
            member->image_offset = node->image_size;
            stretch.stride = field->element_size;
            stretch.image_stride = member->image_element_size;
            stretch.count = field->capacity;
            stretch.node = member->node;
            if (field->kind == MOVEX_KIND_TEXT) { /* bytes, whatever the host */
                stretch.count *= stretch.stride;
                stretch.stride = stretch.image_stride = 1;
            }
        }
        node->image_size += stretch.image_stride * stretch.count;
        add_stretch(node, stretch);
    }
    assert(node->image_size > 0 && node->image_size <= node->size);
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return text ? movex_xxh64(text, strlen(text), movex_xxh64_number(hash, 1)) : movex_xxh64_number(hash, 0);
}

/* Places in the image count too: two sides whose structs have another order have other images and other checksums. */
static uint64_t mix_member(uint64_t hash, const movex_member *member)
{
    const movex_field *field = member->field;
    const uint64_t     numbers[] = {field->kind,
                                    field->shape,
                                    field->capacity,
                                    field->columns,
                                    member->image_offset,
                                    member->image_element_size,
                                field->shape == MOVEX_SHAPE_LIST ? field->count_size : 0,
                                    member->count_image_offset};
    hash = mix_text(hash, field->name);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) hash = movex_xxh64_number(hash, numbers[i]);
    hash = mix_text(hash, field->shape == MOVEX_SHAPE_LIST ? field->count_name : NULL);
    hash = movex_xxh64_number(hash, field->kind == MOVEX_KIND_ENUM ? field->value_count : 0);
    const char *const *names = field->kind == MOVEX_KIND_ENUM ? field->value_names : NULL;
    for (uint64_t i = 0; names && i < field->value_count; i++) hash = mix_text(hash, names[i]);
    return movex_xxh64_number(hash, member->node ? member->node->fingerprint : 0);
}

static uint64_t max_encoded_member(const movex_member *member)
{
    const movex_field *field = member->field;
    uint64_t           element = field->element_size;
    if (field->kind == MOVEX_KIND_TEXT) element = movex_number_size(field->element_size - 1) + field->element_size - 1;
    if (member->node) element = member->node->max_encoded;
    return element * field->capacity + (field->shape == MOVEX_SHAPE_LIST ? movex_number_size(field->capacity) : 0);
}

static bool is_float(uint8_t kind)
{
    return kind == MOVEX_KIND_FLOAT || kind == MOVEX_KIND_DOUBLE;
}

static void summarize(movex_node *node)
{
    node->inert = true;
    node->height = 1;
    node->fingerprint = movex_xxh64_number(0, node->member_count);
    for (uint32_t i = 0; i < node->member_count; i++) {
        const movex_member *member = &node->members[i];
        node->max_encoded += max_encoded_member(member);
        node->fingerprint = mix_member(node->fingerprint, member);
        if (!is_inert(member) || member->field->shape == MOVEX_SHAPE_LIST) node->inert = false;
        if (is_float(member->field->kind) || (member->node && member->node->floats)) node->floats = true;
        if (member->node && member->node->height >= node->height) node->height = member->node->height + 1;
    }
    node->plain = node->inert && node->image_size == node->size && movex_image_is_memory(node);
}

/* One block holds the node and its tables, all of which need a pointer's alignment. */
static movex_node *allocate_node(const compiling *at)
{
    uint64_t fields = at->schema->field_count;
    uint64_t size =
        sizeof(movex_node) + fields * (sizeof(movex_member) + 2 * sizeof(movex_piece) + 2 * sizeof(movex_stretch));
    if (size > SIZE_MAX) return NULL;
    movex_node *node = movex_allocate(&at->codec->allocator, (size_t)size);
    if (!node) return NULL;
    node->schema = at->schema;
    node->next = at->codec->nodes;
    node->allocated = (size_t)size;
    node->size = at->schema->size;
    node->member_count = at->schema->field_count;
    node->members = (movex_member *)(void *)(node + 1);
    node->pieces = (movex_piece *)(void *)(node->members + fields);
    node->stretches = (movex_stretch *)(void *)(node->pieces + 2 * fields);
    at->codec->nodes = node;
    return node;
}

/* The node of a nested struct, made now or already there. */
static int compile_nested(const compiling *at, const movex_field *field, unsigned depth, const movex_node **nested)
{
    for (const movex_node *node = at->codec->nodes; node; node = node->next) {
        if (node->schema != field->schema) continue;
        if (!node->ready) return refuse(at, field, "a struct that contains itself");
        if (depth + node->height > MOVEX_CODEC_MAX_DEPTH) return refuse(at, field, "structs are nested too deep");
        *nested = node;
        return MOVEX_OK;
    }
    if (depth == MOVEX_CODEC_MAX_DEPTH) return refuse(at, field, "structs are nested too deep");
    return movex_node_compile(at->codec, field->schema, depth + 1, nested, at->error);
}

static int compile_members(const compiling *at, movex_node *node, unsigned depth)
{
    for (uint32_t i = 0; i < node->member_count; i++) {
        const movex_field *field = &at->schema->fields[i];
        movex_member      *member = &node->members[i];
        *member = (movex_member){.field = field, .image_element_size = field->element_size};
        if (field->kind != MOVEX_KIND_STRUCT) continue;
        int status = compile_nested(at, field, depth, &member->node);
        if (status) return status;
        member->image_element_size = member->node->image_size;
    }
    return MOVEX_OK;
}

int movex_node_compile(movex_codec *codec, const movex_schema *schema, unsigned depth, const movex_node **node,
                       movex_error *error)
{
    compiling at = {.codec = codec, .schema = schema, .error = error};
    int       status = check_schema(&at);
    for (uint32_t i = 0; !status && i < schema->field_count; i++) status = check_field(&at, &schema->fields[i]);
    if (status) return status;
    movex_node *made = allocate_node(&at);
    if (!made) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), (char *)NULL);
    status = compile_members(&at, made, depth);
    if (status) return status;
    collect_pieces(made);
    status = check_pieces(&at, made);
    if (status) return status;
    lay_out_image(made);
    summarize(made);
    made->ready = true;
    *node = made;
    return MOVEX_OK;
}
