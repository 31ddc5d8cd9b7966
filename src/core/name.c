#include "name.h"

#include <movex/type.h>

#include <stdint.h>
#include <string.h>

/* The length of the UTF-8 sequence at `b`, or 0 if it is not well formed (Unicode 15, table 3-7). */
static size_t sequence(const unsigned char *b, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, length;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                 {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    if (b[0] < 0x80) return 1;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (b[0] < forms[i].first_low || b[0] > forms[i].first_high) continue;
        if (left < forms[i].length || b[1] < forms[i].second_low || b[1] > forms[i].second_high) return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if (b[k] < 0x80 || b[k] > 0xbf) return 0;
        return forms[i].length;
    }
    return 0;
}

bool movex_text_is_clean(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t at = 0, step; at < length; at += step) {
        step = sequence(bytes + at, length - at);
        bool control =
            bytes[at] < 0x20 || bytes[at] == 0x7f || (step == 2 && bytes[at] == 0xc2 && bytes[at + 1] < 0xa0);
        if (step == 0 || control) return false;
    }
    return true;
}

const char *movex_name_fault_in(const char *bytes, size_t length)
{
    if (length == 0) return "is empty";
    if (length > MOVEX_NAME_MAX) return "is longer than 31 bytes";
    if (!movex_text_is_clean(bytes, length)) return "is not UTF-8 without control characters";
    return NULL;
}

const char *movex_name_fault(const char *name)
{
    return name ? movex_name_fault_in(name, strlen(name)) : "is missing";
}
