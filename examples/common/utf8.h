/* As much of UTF-8 as a terminal needs: where characters end, and how wide they are. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at the start of `text`, which has `length` > 0 bytes, and its code: 0 if no character begins
   so; more than `length` if its end is missing. */
size_t utf8_step(const char *text, size_t length, uint32_t *code);

/* How many columns of a terminal a character takes: 0, 1 or 2. */
unsigned utf8_columns(uint32_t code);

/* How many columns `length` bytes of text take. Sequences that set a style (ECMA-48's, ended by m) take none. */
unsigned utf8_width(const char *text, size_t length);

/* How many bytes of text fit into so many columns: up to the last space if there is one, for words to stay whole. At
   least one character, if there is any. */
size_t utf8_fitting(const char *text, size_t length, unsigned columns);

/* Copies what is safe to show on a terminal: anything else (control characters, which could start an escape sequence,
   and what is not UTF-8) becomes a question mark. Cuts what does not fit into `size` > 0 bytes. Returns the length. */
size_t utf8_copy_shown(char *into, size_t size, const char *text);

#endif
