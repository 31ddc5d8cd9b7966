#include "payload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 256, TOKEN_SIZE = 64 };

typedef struct parser {
    const char *at;
    char        path[PATH_SIZE]; /* of the field that is being read */
    char       *problem;
    size_t      problem_size;
    bool        bare; /* words without quotes are texts and names */
} parser;

static bool read_struct(parser *p, const movex_schema *schema, unsigned char *memory);

static bool fail(parser *p, const char *format, ...)
{
    va_list arguments;
    int     length = snprintf(p->problem, p->problem_size, "%s%s", p->path, *p->path ? ": " : "");
    va_start(arguments, format);
    if (length >= 0 && (size_t)length < p->problem_size)
        vsnprintf(p->problem + length, p->problem_size - (size_t)length, format, arguments);
    va_end(arguments);
    return false;
}

static void skip_spaces(parser *p)
{
    p->at += strspn(p->at, " \t\r\n");
}

static bool take(parser *p, char letter)
{
    if (!p->bare) skip_spaces(p);
    if (*p->at != letter) return false;
    p->at++;
    return true;
}

/* ---- texts */

static bool add_utf8(char *text, size_t size, size_t *length, uint32_t code)
{
    unsigned char bytes[4];
    size_t        count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = count; i-- > 1; code >>= 6) bytes[i] = (unsigned char)(0x80 | (code & 0x3f));
    bytes[0] = (unsigned char)(count == 1 ? code : (0xf00u >> count & 0xff) | code);
    if (*length + count >= size) return false;
    memcpy(text + *length, bytes, count);
    *length += count;
    return true;
}

static bool read_hex(parser *p, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF", *found = *p->at ? strchr(digits, *p->at) : NULL;
        if (!found) return false;
        *value = *value << 4 | (uint32_t)((found - digits) % 16);
    }
    return true;
}

/* What follows a backslash: a code point. */
static bool read_escape(parser *p, uint32_t *code)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char              letter = *p->at;
    const char       *found = letter ? strchr(names, letter) : NULL;
    uint32_t          low;
    if (found) *code = (unsigned char)meanings[found - names];
    if (letter) p->at++;
    if (found) return true;
    if (letter != 'u' || !read_hex(p, code)) return false;
    if (*code < 0xd800 || *code > 0xdfff) return *code != 0;
    if (*code > 0xdbff || p->at[0] != '\\' || p->at[1] != 'u') return false;
    p->at += 2;
    if (!read_hex(p, &low) || low < 0xdc00 || low > 0xdfff) return false;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* A string, with its zero, in `size` bytes. */
static bool read_string(parser *p, char *text, size_t size)
{
    size_t length = 0;
    for (p->at++; *p->at != '"';) {
        uint32_t code;
        if (!*p->at) return fail(p, "a string without an end");
        if (*p->at != '\\') {
            if (length + 1 >= size) return fail(p, "longer than %zu bytes", size - 1);
            text[length++] = *p->at++;
            continue;
        }
        p->at++;
        if (!read_escape(p, &code)) return fail(p, "\\ with what does not follow it in JSON");
        if (!add_utf8(text, size, &length, code)) return fail(p, "longer than %zu bytes", size - 1);
    }
    p->at++;
    text[length] = 0;
    return true;
}

/* Up to what ends a value: for numbers and the like; with `bare`, up to a space. */
static bool read_word(parser *p, const char *ends, char *text, size_t size)
{
    size_t length = strcspn(p->at, ends);
    if (length >= size) return fail(p, "longer than %zu bytes", size - 1);
    memcpy(text, p->at, length);
    text[length] = 0;
    p->at += length;
    return true;
}

static bool read_text(parser *p, char *text, size_t size)
{
    if (*p->at == '"') return read_string(p, text, size);
    return p->bare ? read_word(p, " \t", text, size) : fail(p, "needs a text in quotes");
}

/* A number or a name, as text. */
static bool read_token(parser *p, char *text)
{
    if (*p->at == '"') return read_string(p, text, TOKEN_SIZE);
    return read_word(p, p->bare ? " \t" : " \t\r\n,]}", text, TOKEN_SIZE);
}

/* ---- numbers */

static void put_integer(unsigned char *memory, uint32_t size, uint64_t value)
{
    uint8_t  as8 = (uint8_t)value;
    uint16_t as16 = (uint16_t)value;
    uint32_t as32 = (uint32_t)value;
    if (size == 1) memcpy(memory, &as8, 1);
    if (size == 2) memcpy(memory, &as16, 2);
    if (size == 4) memcpy(memory, &as32, 4);
    if (size == 8) memcpy(memory, &value, 8);
}

static bool read_unsigned(parser *p, const char *token, uint64_t most, uint64_t *value)
{
    char *end = NULL;
    errno = 0;
    *value = *token >= '0' && *token <= '9' ? strtoull(token, &end, 10) : 0;
    if (!end || *end) return fail(p, "needs a whole number, not '%s'", token);
    if (errno || *value > most)
        return fail(p, "needs a number from 0 to %llu, not %s", (unsigned long long)most, token);
    return true;
}

static bool read_signed(parser *p, const char *token, uint32_t size, uint64_t *value)
{
    char   *end = NULL;
    int64_t most = size == 8 ? INT64_MAX : (INT64_C(1) << (8 * size - 1)) - 1;
    errno = 0;
    bool      number = (*token >= '0' && *token <= '9') || (*token == '-' && token[1] >= '0' && token[1] <= '9');
    long long read = number ? strtoll(token, &end, 10) : 0;
    *value = (uint64_t)read;
    if (!end || *end) return fail(p, "needs a whole number, not '%s'", token);
    if (errno || read > most || read < -most - 1)
        return fail(p, "needs a number from %lld to %lld, not %s", (long long)(-most - 1), (long long)most, token);
    return true;
}

static bool read_real(parser *p, const char *token, const movex_field *field, unsigned char *memory)
{
    char  *end = NULL;
    double value = *token ? strtod(token, &end) : 0;
    float  narrow = (float)value;
    if (!end || *end) return fail(p, "needs a number, not '%s'", token);
    if (field->kind == MOVEX_KIND_FLOAT)
        memcpy(memory, &narrow, sizeof narrow);
    else
        memcpy(memory, &value, sizeof value);
    return true;
}

static bool read_enum(parser *p, const char *token, const movex_field *field, uint64_t *value)
{
    for (uint64_t i = 0; field->value_names && i < field->value_count; i++) {
        *value = i;
        if (strcmp(field->value_names[i], token) == 0) return true;
    }
    if (*token >= '0' && *token <= '9') return read_unsigned(p, token, field->value_count - 1, value);
    return fail(p, "has no value '%s'", token);
}

static bool read_scalar(parser *p, const movex_field *field, unsigned char *memory)
{
    char     token[TOKEN_SIZE];
    uint64_t value = 0;
    bool     read = read_token(p, token);
    if (!read) return false;
    uint32_t size = field->element_size;
    switch (field->kind) {
    case MOVEX_KIND_BOOL: {
        bool yes = strcmp(token, "true") == 0;
        if (!yes && strcmp(token, "false") != 0) return fail(p, "needs true or false, not '%s'", token);
        memcpy(memory, &yes, sizeof yes);
        return true;
    }
    case MOVEX_KIND_FLOAT:
    case MOVEX_KIND_DOUBLE: return read_real(p, token, field, memory);
    case MOVEX_KIND_INT8:
    case MOVEX_KIND_INT16:
    case MOVEX_KIND_INT32:
    case MOVEX_KIND_INT64: read = read_signed(p, token, size, &value); break;
    case MOVEX_KIND_ENUM: read = read_enum(p, token, field, &value); break;
    default: read = read_unsigned(p, token, UINT64_MAX >> (64 - 8 * size), &value);
    }
    if (read) put_integer(memory, size, value);
    return read;
}

/* ---- fields */

static bool read_element(parser *p, const movex_field *field, unsigned char *memory)
{
    if (!p->bare) skip_spaces(p);
    if (field->kind == MOVEX_KIND_STRUCT) return read_struct(p, field->schema, memory);
    if (field->kind == MOVEX_KIND_TEXT) return read_text(p, (char *)memory, field->element_size);
    return read_scalar(p, field, memory);
}

static size_t extend(parser *p, const char *format, ...)
{
    va_list arguments;
    size_t  length = strlen(p->path);
    va_start(arguments, format);
    vsnprintf(p->path + length, sizeof p->path - length, format, arguments);
    va_end(arguments);
    return length;
}

/* `[` and elements up to `]`, from the element `first` of the field on, at most `most`; of a grid, a row. */
static bool read_elements(parser *p, const movex_field *field, unsigned char *memory, uint32_t first, uint32_t most,
                          uint32_t *count)
{
    *count = 0;
    if (!take(p, '[')) return fail(p, "needs an array, in [ ]");
    if (take(p, ']')) return true;
    do {
        uint32_t at = first + *count;
        if (*count == most) return fail(p, "has more than %lu elements", (unsigned long)most);
        size_t length = extend(p, "[%lu]", (unsigned long)*count);
        if (!read_element(p, field, memory + (size_t)at * field->element_size)) return false;
        p->path[length] = 0;
        ++*count;
    } while (take(p, ','));
    return take(p, ']') || fail(p, "needs , or ] behind an element");
}

static bool read_rows(parser *p, const movex_field *field, unsigned char *memory)
{
    uint32_t rows = field->capacity / field->columns, count;
    if (!take(p, '[')) return fail(p, "needs an array of rows, in [ ]");
    for (uint32_t row = 0; row < rows; row++) {
        size_t length = extend(p, "[%lu]", (unsigned long)row);
        if (row && !take(p, ',')) return fail(p, "is missing");
        if (!read_elements(p, field, memory, row * field->columns, field->columns, &count)) return false;
        if (count < field->columns) return fail(p, "needs %lu elements", (unsigned long)field->columns);
        p->path[length] = 0;
    }
    return take(p, ']') || fail(p, "needs a ] behind its %lu rows", (unsigned long)rows);
}

static bool read_field(parser *p, const movex_field *field, unsigned char *memory)
{
    unsigned char *start = memory + field->offset;
    uint32_t       count = 0;
    bool           bare = p->bare;
    if (field->shape == MOVEX_SHAPE_SINGLE && field->kind != MOVEX_KIND_STRUCT) return read_element(p, field, start);
    p->bare = false;
    bool read = field->shape == MOVEX_SHAPE_SINGLE ? read_element(p, field, start)
                : field->columns                   ? read_rows(p, field, start)
                                                   : read_elements(p, field, start, 0, field->capacity, &count);
    p->bare = bare;
    if (!read) return false;
    if (field->shape == MOVEX_SHAPE_LIST) put_integer(memory + field->count_offset, field->count_size, count);
    if (field->shape == MOVEX_SHAPE_ARRAY && !field->columns && count < field->capacity)
        return fail(p, "needs %lu elements", (unsigned long)field->capacity);
    return true;
}

static bool read_named(parser *p, const movex_schema *schema, const char *name, char sign, unsigned char *memory)
{
    size_t length = extend(p, "%s%s", *p->path ? "." : "", name);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const movex_field *field = &schema->fields[i];
        if (strcmp(field->name, name) != 0) continue;
        if (!take(p, sign)) return fail(p, "needs a %c and a value", sign);
        if (!read_field(p, field, memory)) return false;
        p->path[length] = 0;
        return true;
    }
    return fail(p, "there is no such field in %s", schema->name);
}

static bool read_struct(parser *p, const movex_schema *schema, unsigned char *memory)
{
    char name[PATH_SIZE];
    if (!take(p, '{')) return fail(p, "needs an object, in { }");
    if (take(p, '}')) return true;
    do {
        skip_spaces(p);
        if (*p->at != '"') return fail(p, "needs the name of a field, in quotes");
        if (!read_string(p, name, sizeof name) || !read_named(p, schema, name, ':', memory)) return false;
    } while (take(p, ','));
    return take(p, '}') || fail(p, "needs , or } behind a value");
}

/* `number=5 name=carol`, up to a word that has no `=`. */
static bool read_words(parser *p, const movex_schema *schema, unsigned char *memory)
{
    char name[TOKEN_SIZE];
    p->bare = true;
    for (;;) {
        skip_spaces(p);
        size_t length = strcspn(p->at, "= \t");
        if (p->at[length] != '=') return true;
        if (!read_word(p, "=", name, sizeof name) || !read_named(p, schema, name, '=', memory)) return false;
        if (*p->at && *p->at != ' ' && *p->at != '\t') return fail(p, "a space is needed before '%s'", p->at);
    }
}

bool payload_parse(const movex_schema *schema, const char **text, void *payload, char *problem, size_t problem_size)
{
    parser p = {.at = *text, .problem = problem, .problem_size = problem_size};
    memset(payload, 0, schema->size);
    skip_spaces(&p);
    bool read = *p.at == '{' ? read_struct(&p, schema, payload) : read_words(&p, schema, payload);
    *text = p.at;
    return read;
}
