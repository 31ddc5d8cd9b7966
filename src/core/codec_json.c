/* A state as text for people and tools. A state that is not settled is printed as far as it makes sense. */
#include "codec_internal.h"
#include "number.h"

#include <assert.h>
#include <string.h>

static void json_struct(movex_format *format, const movex_node *node, const unsigned char *memory);

/* Bytes of the UTF-8 character at the start of `text`, which has `left` > 0 bytes; 0 if there is none (RFC 3629: no
   overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t utf8_length(const unsigned char *text, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        unsigned char length;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                 {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    if (text[0] < 0x80) return 1;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (text[0] < forms[i].first_low || text[0] > forms[i].first_high) continue;
        if (left < forms[i].length || text[1] < forms[i].second_low || text[1] > forms[i].second_high) return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if ((text[k] & 0xc0) != 0x80) return 0;
        return forms[i].length;
    }
    return 0;
}

static void json_character(movex_format *format, unsigned char character)
{
    if (character == '"' || character == '\\') {
        const char escaped[2] = {'\\', (char)character};
        movex_format_bytes(format, escaped, 2);
    } else if (character == '\n') {
        movex_format_text(format, "\\n");
    } else if (character < 0x20 || character == 0x7f) {
        movex_format_text(format, "\\u");
        movex_format_hex(format, character, 4);
    } else {
        movex_format_bytes(format, (const char *)&character, 1);
    }
}

static void json_text(movex_format *format, const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    movex_format_text(format, "\"");
    while (length) {
        size_t character = utf8_length(at, length);
        if (character > 1)
            movex_format_bytes(format, (const char *)at, character);
        else if (character == 1)
            json_character(format, *at);
        else
            movex_format_text(format, "\xef\xbf\xbd"); /* U+FFFD */
        if (!character) character = 1;
        at += character;
        length -= character;
    }
    movex_format_text(format, "\"");
}

/* JSON has no word for these, so they are strings. */
static void json_real(movex_format *format, unsigned kind, const unsigned char *memory)
{
    char         digits[40];
    movex_format text = movex_format_into(digits, sizeof digits);
    if (kind == MOVEX_KIND_FLOAT) {
        float value;
        memcpy(&value, memory, sizeof value);
        movex_format_float(&text, value);
    } else {
        double value;
        memcpy(&value, memory, sizeof value);
        movex_format_double(&text, value);
    }
    assert(text.length < sizeof digits);
    char last = digits[text.length - 1];
    bool number = last >= '0' && last <= '9';
    if (number)
        movex_format_text(format, digits);
    else
        json_text(format, digits, text.length);
}

/* Two's complement of `size` bytes, without relying on how the host converts. */
static int64_t sign_extend(uint64_t value, uint32_t size)
{
    uint64_t sign = UINT64_C(1) << (8 * size - 1);
    uint64_t magnitude = value & (sign - 1);
    return value & sign ? -(int64_t)(sign - 1 - magnitude) - 1 : (int64_t)magnitude;
}

static void json_enum(movex_format *format, const movex_field *field, uint64_t value)
{
    if (field->value_names && value < field->value_count)
        json_text(format, field->value_names[value], strlen(field->value_names[value]));
    else
        movex_format_unsigned(format, value);
}

void movex_json_element(movex_format *format, const movex_member *member, const unsigned char *memory)
{
    const movex_field *field = member->field;
    uint32_t           size = field->element_size;
    if (member->node) {
        json_struct(format, member->node, memory);
        return;
    }
    if (field->kind == MOVEX_KIND_TEXT) {
        const unsigned char *end = memchr(memory, 0, size);
        json_text(format, (const char *)memory, end ? (size_t)(end - memory) : size);
        return;
    }
    uint64_t value = movex_load_host(memory, size);
    switch (field->kind) {
    case MOVEX_KIND_BOOL: movex_format_text(format, value ? "true" : "false"); break;
    case MOVEX_KIND_FLOAT:
    case MOVEX_KIND_DOUBLE: json_real(format, field->kind, memory); break;
    case MOVEX_KIND_INT8:
    case MOVEX_KIND_INT16:
    case MOVEX_KIND_INT32:
    case MOVEX_KIND_INT64: movex_format_signed(format, sign_extend(value, size)); break;
    case MOVEX_KIND_ENUM: json_enum(format, field, value); break;
    default: movex_format_unsigned(format, value);
    }
}

static void json_elements(movex_format *format, const movex_member *member, const unsigned char *memory, uint32_t count)
{
    const movex_field *field = member->field;
    movex_format_text(format, "[");
    for (uint32_t i = 0; i < count; i++) {
        if (i) movex_format_text(format, ",");
        if (field->columns && i % field->columns == 0) movex_format_text(format, "[");
        movex_json_element(format, member, memory + (size_t)i * field->element_size);
        if (field->columns && (i + 1) % field->columns == 0) movex_format_text(format, "]");
    }
    movex_format_text(format, "]");
}

static void json_struct(movex_format *format, const movex_node *node, const unsigned char *memory)
{
    movex_format_text(format, "{");
    for (uint32_t i = 0; i < node->member_count; i++) {
        const movex_member *member = &node->members[i];
        const movex_field  *field = member->field;
        uint32_t            count = movex_member_count(field, memory);
        movex_format_text(format, i ? ",\"" : "\"");
        movex_format_text(format, field->name);
        movex_format_text(format, "\":");
        if (field->shape == MOVEX_SHAPE_SINGLE)
            movex_json_element(format, member, memory + field->offset);
        else
            json_elements(format, member, memory + field->offset, count < field->capacity ? count : field->capacity);
    }
    movex_format_text(format, "}");
}

size_t movex_codec_json(const movex_codec *codec, const void *state, char *text, size_t capacity)
{
    assert(state && (text || !capacity));
    movex_format format = movex_format_into(text, capacity);
    json_struct(&format, codec->root, state);
    return format.length;
}
