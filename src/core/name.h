/* Names of types, actions, clients and resources: 1 to MOVEX_NAME_MAX bytes of UTF-8 without control characters. */
#ifndef MOVEX_CORE_NAME_H
#define MOVEX_CORE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* True for well-formed UTF-8 without control characters, so that it can be printed and logged as it is. */
bool movex_text_is_clean(const char *text, size_t length);

/* What is wrong with a name, or NULL. */
const char *movex_name_fault(const char *name);
const char *movex_name_fault_in(const char *bytes, size_t length);

#endif
