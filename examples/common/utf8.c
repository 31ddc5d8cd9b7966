#include "utf8.h"

#include <stdbool.h>
#include <string.h>

size_t utf8_step(const char *text, size_t length, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length: anything below has a shorter form */
    const unsigned char  *bytes = (const unsigned char *)text;
    size_t                whole = bytes[0] < 0x80                        ? 1
                                  : bytes[0] >= 0xc2 && bytes[0] <= 0xdf ? 2
                                  : bytes[0] >= 0xe0 && bytes[0] <= 0xef ? 3
                                  : bytes[0] >= 0xf0 && bytes[0] <= 0xf4 ? 4
                                                                         : 0;
    if (whole < 2) {
        *code = bytes[0];
        return whole;
    }
    *code = bytes[0] & (0x7fu >> whole);
    for (size_t i = 1; i < whole; i++) {
        if (i == length) return whole;
        if ((bytes[i] & 0xc0) != 0x80) return 0;
        *code = *code << 6 | (bytes[i] & 0x3f);
    }
    if (*code < least[whole] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff)) return 0;
    return whole;
}

/* The ranges of Unicode 15 that matter: combining marks and joiners; East Asian Width W and F, and emoji. */
unsigned utf8_columns(uint32_t code)
{
    static const struct {
        uint32_t first, last;
        unsigned columns;
    } ranges[] = {{0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0},   {0x064b, 0x065f, 0},
                  {0x0e34, 0x0e3a, 0},   {0x0e47, 0x0e4e, 0},   {0x1100, 0x115f, 2},   {0x1ab0, 0x1aff, 0},
                  {0x1dc0, 0x1dff, 0},   {0x200b, 0x200f, 0},   {0x202a, 0x202e, 0},   {0x2060, 0x2064, 0},
                  {0x2066, 0x2069, 0},   {0x20d0, 0x20ff, 0},   {0x231a, 0x231b, 2},   {0x2e80, 0x303e, 2},
                  {0x3041, 0xa4cf, 2},   {0xa960, 0xa97c, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
                  {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
                  {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1faff, 2},
                  {0x20000, 0x3fffd, 2}, {0xe0001, 0xe01ef, 0}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && code >= ranges[i].first; i++)
        if (code <= ranges[i].last) return ranges[i].columns;
    return 1;
}

/* Bytes of what stands at the start of a text, a character or a sequence that sets a style, and its columns. */
static size_t step_over(const char *text, size_t length, bool *is_space, unsigned *columns)
{
    uint32_t    code;
    const char *end = length > 1 && text[0] == '\033' ? memchr(text, 'm', length) : NULL;
    *is_space = *text == ' ';
    *columns = 0;
    if (end) return (size_t)(end - text) + 1;
    size_t step = utf8_step(text, length, &code);
    *columns = utf8_columns(code);
    return step == 0 ? 1 : step < length ? step : length;
}

unsigned utf8_width(const char *text, size_t length)
{
    unsigned width = 0;
    for (size_t at = 0; at < length;) {
        unsigned columns;
        bool     is_space;
        at += step_over(text + at, length - at, &is_space, &columns);
        width += columns;
    }
    return width;
}

size_t utf8_fitting(const char *text, size_t length, unsigned columns)
{
    size_t   at = 0, after_space = 0;
    unsigned used = 0;
    while (at < length) {
        unsigned wide;
        bool     is_space;
        size_t   step = step_over(text + at, length - at, &is_space, &wide);
        if (used + wide > columns) return after_space ? after_space : at ? at : step;
        used += wide;
        at += step;
        if (is_space) after_space = at;
    }
    return length;
}

size_t utf8_copy_shown(char *into, size_t size, const char *text)
{
    size_t length = 0, left = strlen(text);
    while (left > 0) {
        uint32_t code;
        size_t   step = utf8_step(text, left, &code);
        /* Marks that turn the direction of text could make one message look as if somebody else had written it. */
        bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
        bool shown = step > 0 && step <= left && code >= 0x20 && !(code >= 0x7f && code <= 0x9f) && !turns;
        if (step == 0 || step > left) step = 1;
        size_t room = shown ? step : 1;
        if (length + room >= size) break;
        memcpy(into + length, shown ? text : "?", room);
        length += room;
        text += step;
        left -= step;
    }
    into[length] = '\0';
    return length;
}
