/** @file text.h
 *  Text in fixed char arrays, the form in which a game's structs hold it. Any thread. */
#ifndef MOVEX_TEXT_H
#define MOVEX_TEXT_H

#include <movex/export.h>

#include <stdbool.h>
#include <stddef.h>

MOVEX_BEGIN_DECLARATIONS

/** Copies `text` (NULL: "") into `array` of `size` > 0 bytes, fills the rest with zeros, and cuts what does not fit at the
 *  start of a UTF-8 character. True if all of it fitted. */
MOVEX_API bool movex_text_copy(char *array, size_t size, const char *text);

/** True if both hold the same text. NULL equals "". */
MOVEX_API bool movex_text_equals(const char *a, const char *b);

MOVEX_END_DECLARATIONS

/** movex_text_copy into a char array whose size the compiler knows; does not compile for a pointer. */
#ifdef __cplusplus
template <size_t Size> inline bool movex_text_set(char (&array)[Size], const char *text)
{
    return movex_text_copy(array, Size, text);
}
#else
#define movex_text_set(array, text) _Generic(&(array), char(*)[]: movex_text_copy)((array), sizeof(array), (text))
#endif

#endif
