#include "file_internal.h"

#include <string.h>

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void movex_store_file_name(char *text, const store_name *name, const char *suffix)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < name->length; i++) {
        unsigned char c = name->bytes[i];
        if (is_plain(c)) {
            *text++ = (char)c;
        } else {
            *text++ = '%';
            *text++ = digits[c >> 4];
            *text++ = digits[c & 15];
        }
    }
    memcpy(text, suffix, strlen(suffix) + 1);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool movex_store_file_name_of(const char *text, const char *suffix, movex_store_name *name)
{
    size_t length = strlen(text), suffix_length = strlen(suffix);
    name->length = 0;
    if (length <= suffix_length || strcmp(text + length - suffix_length, suffix) != 0) return false;
    for (const char *at = text, *end = text + length - suffix_length; at < end;) {
        unsigned char c = (unsigned char)*at++;
        if (c == '%') {
            int high = at < end ? digit(at[0]) : -1, low = high >= 0 && at + 1 < end ? digit(at[1]) : -1;
            if (low < 0) return false;
            c = (unsigned char)(high << 4 | low);
            at += 2;
            if (is_plain(c)) return false;
        } else if (!is_plain(c)) {
            return false;
        }
        if (name->length == MOVEX_STORE_NAME_MAX) return false;
        name->bytes[name->length++] = c;
    }
    return true;
}
