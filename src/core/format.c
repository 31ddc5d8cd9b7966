#include "format.h"

#include <stdarg.h>
#include <string.h>

movex_format movex_format_into(char *text, size_t capacity)
{
    if (capacity) text[0] = '\0';
    return (movex_format){.text = text, .capacity = capacity};
}

void movex_format_bytes(movex_format *format, const char *bytes, size_t length)
{
    if (format->length + 1 < format->capacity) {
        size_t room = format->capacity - 1 - format->length;
        size_t fits = length < room ? length : room;
        memcpy(format->text + format->length, bytes, fits);
        format->text[format->length + fits] = '\0';
    }
    format->length += length;
}

void movex_format_text(movex_format *format, const char *text)
{
    if (text) movex_format_bytes(format, text, strlen(text));
}

void movex_format_unsigned(movex_format *format, uint64_t value)
{
    char   digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    movex_format_bytes(format, digits + at, sizeof digits - at);
}

void movex_format_signed(movex_format *format, int64_t value)
{
    if (value < 0) movex_format_text(format, "-");
    movex_format_unsigned(format, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void movex_format_hex(movex_format *format, uint64_t value, unsigned digits)
{
    while (digits-- > 0) movex_format_bytes(format, &"0123456789abcdef"[value >> 4 * digits & 15], 1);
}

int movex_error_set(movex_error *error, movex_status status, const char *first, ...)
{
    if (!error) return status;
    movex_format format = movex_format_into(error->text, sizeof error->text);
    va_list      texts;
    error->status = status;
    va_start(texts, first);
    for (const char *text = first; text; text = va_arg(texts, const char *)) movex_format_text(&format, text);
    va_end(texts);
    return status;
}
