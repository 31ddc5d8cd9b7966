#include "input.h"

#include "../common/utf8.h"

#include <string.h>

/* Keys, as terminals send them (ECMA-48, and what xterm made of it). */
enum { CTRL_D = 4, CTRL_H = 8, CTRL_L = 12, CTRL_U = 21, CTRL_W = 23, ESCAPE = 27, DELETE = 127 };
enum { PAGE_UP_NUMBER = 5, PAGE_DOWN_NUMBER = 6 };

void input_clear(input_line *line)
{
    memset(line->text, 0, sizeof line->text);
    line->length = 0;
}

static void cut_to(input_line *line, size_t length)
{
    memset(line->text + length, 0, line->length - length);
    line->length = length;
}

static size_t start_of_last_character(const input_line *line)
{
    size_t start = line->length;
    while (start > 0 && (line->text[--start] & 0xc0) == 0x80) continue;
    return start;
}

static void erase_character(input_line *line)
{
    uint32_t code;
    do { /* with the marks that stand on it */
        size_t start = start_of_last_character(line);
        utf8_step(line->text + start, line->length - start, &code);
        cut_to(line, start);
    } while (utf8_columns(code) == 0 && line->length > 0);
}

static void erase_word(input_line *line)
{
    size_t length = line->length;
    while (length > 0 && line->text[length - 1] == ' ') length--;
    while (length > 0 && line->text[length - 1] != ' ') length--;
    cut_to(line, length);
}

static input_outcome take_control(input_line *line, unsigned char byte)
{
    switch (byte) {
    case '\r':
    case '\n': return INPUT_ENTERED;
    case CTRL_D: return line->length == 0 ? INPUT_LEAVE : INPUT_NOTHING;
    case CTRL_L: return INPUT_REDRAW;
    case CTRL_H:
    case DELETE:
        if (line->length > 0) erase_character(line);
        return INPUT_CHANGED;
    case CTRL_U: cut_to(line, 0); return INPUT_CHANGED;
    case CTRL_W: erase_word(line); return INPUT_CHANGED;
    case ESCAPE:
        line->mode = INPUT_ESCAPE;
        line->number = 0;
        line->number_ended = false;
        return INPUT_NOTHING;
    default: return INPUT_NOTHING;
    }
}

/* Escape sequences are followed to their end, so that those of unknown keys leave nothing in the line. */
static input_outcome take_escaped(input_line *line, unsigned char byte)
{
    if (line->mode == INPUT_ESCAPE) {
        line->mode = byte == '[' ? INPUT_SEQUENCE : byte == 'O' ? INPUT_FUNCTION : INPUT_TEXT;
        return INPUT_NOTHING;
    }
    if (line->mode == INPUT_SEQUENCE && byte >= 0x20 && byte < 0x40) {
        if (byte < '0' || byte > '9') line->number_ended = true;
        if (!line->number_ended && line->number < 1000) line->number = line->number * 10 + (unsigned)(byte - '0');
        return INPUT_NOTHING;
    }
    bool paged = line->mode == INPUT_SEQUENCE && byte == '~';
    line->mode = INPUT_TEXT;
    if (paged && line->number == PAGE_UP_NUMBER) return INPUT_PAGE_UP;
    if (paged && line->number == PAGE_DOWN_NUMBER) return INPUT_PAGE_DOWN;
    return INPUT_NOTHING;
}

static input_outcome take_character(input_line *line, char byte)
{
    uint32_t code;
    line->part[line->part_length++] = byte;
    size_t step = utf8_step(line->part, line->part_length, &code);
    if (step > line->part_length) return INPUT_NOTHING;
    size_t length = line->part_length;
    line->part_length = 0;
    if (step == 0 || (code >= 0x80 && code < 0xa0)) return INPUT_NOTHING; /* no character, or one that controls */
    if (line->length + length >= sizeof line->text) return INPUT_FULL;
    memcpy(line->text + line->length, line->part, length);
    line->length += length;
    return INPUT_CHANGED;
}

input_outcome input_take(input_line *line, char byte)
{
    unsigned char value = (unsigned char)byte;
    if (line->mode != INPUT_TEXT) return take_escaped(line, value);
    if (value >= 0x20 && value != DELETE) return take_character(line, byte);
    line->part_length = 0; /* the character before has no end */
    return take_control(line, value);
}
