#include "codec_samples.h"

#include <stdlib.h>
#include <xxhash.h>

static const char *const colour_names[] = {"red", "green", "blue"};

MOVEX_SCHEMA(kinds_schema, sample_kinds, MOVEX_NAMED_ENUM(sample_kinds, colour, colour_names),
             MOVEX_FIELD(sample_kinds, u64), MOVEX_FIELD(sample_kinds, flag), MOVEX_FIELD(sample_kinds, real),
             MOVEX_FIELD(sample_kinds, u8), MOVEX_FIELD(sample_kinds, i8), MOVEX_FIELD(sample_kinds, u16),
             MOVEX_FIELD(sample_kinds, i16), MOVEX_FIELD(sample_kinds, u32), MOVEX_FIELD(sample_kinds, i32),
             MOVEX_FIELD(sample_kinds, i64), MOVEX_TEXT(sample_kinds, name), MOVEX_FIELD(sample_kinds, ratio),
             MOVEX_ENUM(sample_kinds, move, 4), MOVEX_ENUM(sample_kinds, wide, 300));
const movex_schema sample_kinds_schema = {"sample_kinds", sizeof(sample_kinds), alignof(sample_kinds),
                                          MOVEX_COUNT_OF(kinds_schema_fields), kinds_schema_fields};

MOVEX_SCHEMA(message_schema, sample_message, MOVEX_FIELD(sample_message, id), MOVEX_TEXT(sample_message, author),
             MOVEX_TEXT(sample_message, text));

MOVEX_SCHEMA(shapes_schema, sample_shapes, MOVEX_LIST(sample_shapes, small, small_count),
             MOVEX_ARRAY(sample_shapes, floats), MOVEX_GRID(sample_shapes, board),
             MOVEX_ENUM_GRID(sample_shapes, cells, 3), MOVEX_ENUMS(sample_shapes, marks, 3),
             MOVEX_TEXTS(sample_shapes, names), MOVEX_TEXT_LIST(sample_shapes, lines, line_count),
             MOVEX_ENUM_LIST(sample_shapes, deck, deck_count, 3), MOVEX_ARRAY(sample_shapes, flags),
             MOVEX_LIST(sample_shapes, reals, real_count));

MOVEX_SCHEMA(item_schema, sample_item, MOVEX_FIELD(sample_item, kind), MOVEX_TEXT(sample_item, label),
             MOVEX_FIELD(sample_item, weight), MOVEX_FIELD(sample_item, worn));

MOVEX_SCHEMA(player_schema, sample_player, MOVEX_FIELD(sample_player, id), MOVEX_FIELD(sample_player, x),
             MOVEX_STRUCT_LIST(sample_player, items, item_count, item_schema), MOVEX_ARRAY(sample_player, hits),
             MOVEX_LIST(sample_player, tags, tag_count), MOVEX_ENUM(sample_player, team, 2));

MOVEX_SCHEMA(arena_schema, sample_arena, MOVEX_FIELD(sample_arena, turn),
             MOVEX_STRUCT_LIST(sample_arena, players, player_count, player_schema),
             MOVEX_STRUCT_LIST(sample_arena, messages, message_count, message_schema),
             MOVEX_STRUCTS(sample_arena, loot, item_schema), MOVEX_STRUCT(sample_arena, prize, item_schema));
const movex_schema sample_arena_schema = {"sample_arena", sizeof(sample_arena), alignof(sample_arena),
                                          MOVEX_COUNT_OF(arena_schema_fields), arena_schema_fields};

MOVEX_SCHEMA(world_schema, sample_world, MOVEX_FIELD(sample_world, tick),
             MOVEX_STRUCT_LIST(sample_world, items, item_count, item_schema), MOVEX_ARRAY(sample_world, cells),
             MOVEX_TEXTS(sample_world, names), MOVEX_FIELD(sample_world, last));

MOVEX_SCHEMA(ocean_schema, sample_ocean, MOVEX_LIST(sample_ocean, water, water_count),
             MOVEX_STRUCT_LIST(sample_ocean, fish, fish_count, item_schema));

/* As a packed struct would be: integers that straddle every chunk and block. Made by hand, because C has no packed structs. */
static const movex_field packed_fields[] = {
    {"first", MOVEX_KIND_UINT8, MOVEX_SHAPE_SINGLE, 0, 1, 1, 0, NULL, 0, 0, 0, NULL, NULL},
    {"words", MOVEX_KIND_UINT32, MOVEX_SHAPE_ARRAY, 1, 4, 200, 0, NULL, 0, 0, 0, NULL, NULL},
    {"reals", MOVEX_KIND_DOUBLE, MOVEX_SHAPE_LIST, 801, 8, 100, 0, "count", 1601, 2, 0, NULL, NULL}};
static const movex_schema packed_schema = {"packed", 1603, 1, 3, packed_fields};

const sample samples[] = {{"kinds", &kinds_schema, 100},   {"message", &message_schema, 100},
                          {"shapes", &shapes_schema, 100}, {"item", &item_schema, 100},
                          {"arena", &arena_schema, 50},    {"packed", &packed_schema, 50},
                          {"world", &world_schema, 5},     {"ocean", &ocean_schema, 1}};
const size_t sample_count = sizeof samples / sizeof *samples;

uint64_t sample_next(sample_random *random) /* splitmix64 */
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t sample_below(sample_random *random, uint32_t limit)
{
    return (uint32_t)(sample_next(random) >> 32) % limit;
}

static void random_bytes(unsigned char *bytes, size_t length, sample_random *random)
{
    for (size_t i = 0; i < length; i++) bytes[i] = (unsigned char)sample_next(random);
}

static void store(unsigned char *memory, uint32_t size, uint64_t value)
{
    uint8_t  u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;
    memcpy(memory,
           size == 1   ? (void *)&u8
           : size == 2 ? (void *)&u16
           : size == 4 ? (void *)&u32
                       : (void *)&value,
           size);
}

static uint64_t load(const unsigned char *memory, uint32_t size)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    switch (size) {
    case 1: return *memory;
    case 2: return memcpy(&u16, memory, 2), u16;
    case 4: return memcpy(&u32, memory, 4), u32;
    default: return memcpy(&u64, memory, 8), u64;
    }
}

static void randomize_real(const movex_field *field, unsigned char *memory, sample_random *random)
{
    static const uint64_t odd[] = {0,
                                   UINT64_C(0x8000000000000000),
                                   UINT64_C(0x7ff0000000000000),
                                   UINT64_C(0xfff0000000000000),
                                   UINT64_C(0x7ff0000000000001),
                                   UINT64_C(0xfff8000000001234),
                                   UINT64_C(0x7ff8000000000000),
                                   UINT64_C(0x3ff8000000000000)};
    static const uint32_t odd_float[] = {0,          0x80000000, 0x7f800000, 0xff800000,
                                         0x7f800001, 0xffc01234, 0x7fc00000, 0x3fc00000};
    uint32_t              pick = sample_below(random, 16);
    uint64_t              value = sample_next(random);
    if (pick < 8) value = field->kind == MOVEX_KIND_FLOAT ? odd_float[pick] : odd[pick];
    store(memory, field->element_size, value);
}

static void randomize_element(const movex_field *field, unsigned char *memory, sample_random *random)
{
    switch (field->kind) {
    case MOVEX_KIND_BOOL: *memory = (unsigned char)sample_below(random, 2); break;
    case MOVEX_KIND_FLOAT:
    case MOVEX_KIND_DOUBLE: randomize_real(field, memory, random); break;
    case MOVEX_KIND_ENUM: store(memory, field->element_size, sample_next(random) % field->value_count); break;
    case MOVEX_KIND_TEXT:
        random_bytes(memory, field->element_size, random);
        memory[sample_below(random, field->element_size)] = 0;
        break;
    case MOVEX_KIND_STRUCT: sample_randomize(field->schema, memory, random); break;
    default: random_bytes(memory, field->element_size, random);
    }
}

static uint32_t used(const movex_field *field, const unsigned char *memory)
{
    return field->shape == MOVEX_SHAPE_LIST ? (uint32_t)load(memory + field->count_offset, field->count_size)
                                            : field->capacity;
}

void sample_randomize(const movex_schema *schema, void *state, sample_random *random)
{
    unsigned char *memory = state;
    random_bytes(memory, schema->size, random);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const movex_field *field = &schema->fields[i];
        if (field->shape == MOVEX_SHAPE_LIST)
            store(memory + field->count_offset, field->count_size, sample_below(random, field->capacity + 1));
        for (uint32_t k = 0; k < used(field, memory); k++)
            randomize_element(field, memory + field->offset + (size_t)k * field->element_size, random);
    }
}

void sample_mutate(const movex_schema *schema, void *state, sample_random *random)
{
    unsigned char     *memory = state;
    const movex_field *field = &schema->fields[sample_below(random, schema->field_count)];
    uint32_t           count = used(field, memory);
    if (field->shape == MOVEX_SHAPE_LIST && sample_below(random, 3) == 0) {
        uint32_t next = sample_below(random, 2) ? sample_below(random, field->capacity + 1)
                                                : (count ? count - sample_below(random, 2) : 1);
        store(memory + field->count_offset, field->count_size, next);
        for (uint32_t k = count; k < next; k++) { /* what is new is either zero, as settling has left it, or written */
            unsigned char *element = memory + field->offset + (size_t)k * field->element_size;
            if (sample_below(random, 2))
                randomize_element(field, element, random);
            else
                memset(element, 0, field->element_size);
        }
        return;
    }
    bool garbage = sample_below(random, 8) == 0; /* in a slot that may be unused */
    if (!garbage && !count) return;
    uint32_t       index = sample_below(random, garbage ? field->capacity : count);
    unsigned char *element = memory + field->offset + (size_t)index * field->element_size;
    if (index < count && field->kind == MOVEX_KIND_STRUCT && sample_below(random, 4))
        sample_mutate(field->schema, element, random);
    else if (index < count && field->kind == MOVEX_KIND_TEXT && sample_below(random, 2))
        element[sample_below(random, field->element_size)] = 0; /* shorter by one byte; the rest is left behind */
    else
        randomize_element(field, element, random);
}

/* Marks the bytes that belong to fields. */
static void cover(const movex_schema *schema, unsigned char *map)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const movex_field *field = &schema->fields[i];
        if (field->shape == MOVEX_SHAPE_LIST) memset(map + field->count_offset, 1, field->count_size);
        for (uint32_t k = 0; k < field->capacity; k++) {
            unsigned char *element = map + field->offset + (size_t)k * field->element_size;
            if (field->kind == MOVEX_KIND_STRUCT)
                cover(field->schema, element);
            else
                memset(element, 1, field->element_size);
        }
    }
}

void sample_scribble(const movex_schema *schema, void *state, sample_random *random)
{
    unsigned char *map = calloc(1, schema->size), *memory = state;
    cover(schema, map);
    for (uint32_t i = 0; i < schema->size; i++)
        if (!map[i]) memory[i] = (unsigned char)sample_next(random);
    free(map);
}

static unsigned char *put_little(unsigned char *out, uint32_t size, uint64_t value)
{
    for (uint32_t i = 0; i < size; i++) *out++ = (unsigned char)(value >> 8 * i);
    return out;
}

static uint64_t canonical_value(const movex_field *field, const unsigned char *memory)
{
    uint64_t value = load(memory, field->element_size);
    if (field->kind == MOVEX_KIND_FLOAT && (value & 0x7f800000) == 0x7f800000 && (value & 0x7fffff)) return 0x7fc00000;
    if (field->kind == MOVEX_KIND_DOUBLE && (value & UINT64_C(0x7ff0000000000000)) == UINT64_C(0x7ff0000000000000) &&
        (value & UINT64_C(0xfffffffffffff)))
        return UINT64_C(0x7ff8000000000000);
    return value;
}

static unsigned char *image_member(const movex_field *field, const unsigned char *memory, unsigned char *out)
{
    for (uint32_t k = 0; k < field->capacity; k++) {
        const unsigned char *element = memory + field->offset + (size_t)k * field->element_size;
        unsigned char       *start = out;
        if (field->kind == MOVEX_KIND_STRUCT) {
            out += sample_image(field->schema, element, out);
        } else if (field->kind == MOVEX_KIND_TEXT) {
            memset(out, 0, field->element_size);
            for (uint32_t i = 0; i < field->element_size && element[i]; i++) out[i] = element[i];
            out += field->element_size;
        } else {
            out = put_little(out, field->element_size, canonical_value(field, element));
        }
        if (k >= used(field, memory)) memset(start, 0, (size_t)(out - start));
    }
    return out;
}

/* Members and counters by ascending offset, found by looking for the next one each time. */
size_t sample_image(const movex_schema *schema, const void *state, unsigned char *bytes)
{
    const unsigned char *memory = state;
    unsigned char       *out = bytes;
    for (int64_t last = -1;;) {
        const movex_field *next = NULL;
        bool               counter = false;
        int64_t            least = INT64_MAX;
        for (uint32_t i = 0; i < schema->field_count; i++) {
            const movex_field *field = &schema->fields[i];
            if (field->offset > last && field->offset < least) next = field, counter = false, least = field->offset;
            if (field->shape == MOVEX_SHAPE_LIST && field->count_offset > last && field->count_offset < least)
                next = field, counter = true, least = field->count_offset;
        }
        if (!next) return (size_t)(out - bytes);
        if (counter)
            out = put_little(out, next->count_size, load(memory + next->count_offset, next->count_size));
        else
            out = image_member(next, memory, out);
        last = least;
    }
}

static unsigned char *put_number(unsigned char *out, uint64_t value)
{
    while (value > 127) {
        *out++ = (unsigned char)(value % 128 + 128);
        value /= 128;
    }
    *out++ = (unsigned char)value;
    return out;
}

size_t sample_encode(const movex_schema *schema, const void *state, unsigned char *bytes)
{
    const unsigned char *memory = state;
    unsigned char       *out = bytes;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const movex_field *field = &schema->fields[i];
        if (field->shape == MOVEX_SHAPE_LIST) out = put_number(out, used(field, memory));
        for (uint32_t k = 0; k < used(field, memory); k++) {
            const unsigned char *element = memory + field->offset + (size_t)k * field->element_size;
            if (field->kind == MOVEX_KIND_STRUCT) {
                out += sample_encode(field->schema, element, out);
            } else if (field->kind == MOVEX_KIND_TEXT) {
                size_t length = strlen((const char *)element);
                out = put_number(out, length);
                memcpy(out, element, length);
                out += length;
            } else {
                out = put_little(out, field->element_size, canonical_value(field, element));
            }
        }
    }
    return (size_t)(out - bytes);
}

uint64_t sample_checksum(const unsigned char *image, size_t length)
{
    uint64_t sum = 0;
    for (size_t at = 0, index = 0; at < length; at += 256, index++)
        sum += XXH64(image + at, length - at < 256 ? length - at : 256, index);
    return sum;
}
