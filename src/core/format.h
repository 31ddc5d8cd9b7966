/* Building one line of text in a fixed array, without stdio and without locale. What does not fit is counted, not written,
   so that a caller can learn the size; the array always ends in a zero. */
#ifndef MOVEX_CORE_FORMAT_H
#define MOVEX_CORE_FORMAT_H

#include <movex/status.h>

#include <stddef.h>
#include <stdint.h>

typedef struct movex_format {
    char  *text;     /* NULL if capacity is 0 */
    size_t capacity; /* bytes of text, the final zero included */
    size_t length;   /* bytes appended, whether they fitted or not */
} movex_format;

movex_format movex_format_into(char *text, size_t capacity);
void         movex_format_text(movex_format *format, const char *text); /* NULL: nothing */
void         movex_format_bytes(movex_format *format, const char *bytes, size_t length);
void         movex_format_unsigned(movex_format *format, uint64_t value);
void         movex_format_signed(movex_format *format, int64_t value);
void         movex_format_hex(movex_format *format, uint64_t value, unsigned digits);

/* Fills `error` (NULL: nothing) with the status and the texts put together; ends at the first NULL. Returns the status. */
int movex_error_set(movex_error *error, movex_status status, const char *first, ...);

#endif
