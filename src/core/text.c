#include <movex/text.h>

#include <assert.h>
#include <string.h>

/* The longest sequence of continuation bytes in UTF-8. */
#define MAX_CONTINUATION 3

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The most bytes of `text`, at most `room`, that end where a character starts. Text that is not UTF-8 is cut at `room`. */
static size_t fitting_length(const char *text, size_t room)
{
    for (size_t back = 0; back <= MAX_CONTINUATION && back <= room; back++)
        if (!is_continuation(text[room - back])) return room - back;
    return room;
}

bool movex_text_copy(char *array, size_t size, const char *text)
{
    assert(array && size > 0);
    if (!text) text = "";
    size_t whole = strlen(text);
    size_t length = whole < size ? whole : fitting_length(text, size - 1);
    memmove(array, text, length); /* a text may be copied onto itself */
    memset(array + length, 0, size - length);
    return length == whole;
}

bool movex_text_equals(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}
