/* Naming the fields in which two states differ. */
#include "codec_internal.h"

#include <assert.h>
#include <string.h>

typedef struct explaining {
    movex_format text;
    const char  *before, *between, *other; /* what stands before the first value, and, one after the other, between the two */
    uint32_t     most;                     /* fields to name */
    uint32_t     count;
} explaining;

static void explain_struct(explaining *e, const movex_node *node, const unsigned char *here, const unsigned char *there,
                           const movex_path *parent);

/* One differing element; a side on which the list is too short to have it is NULL. */
static void explain_element(explaining *e, const movex_member *member, const unsigned char *here,
                            const unsigned char *there, const movex_path *path)
{
    if (e->count++ >= e->most) return;
    if (e->count > 1) movex_format_text(&e->text, "; ");
    movex_path_format(&e->text, path);
    movex_format_text(&e->text, e->before);
    if (here)
        movex_json_element(&e->text, member, here);
    else
        movex_format_text(&e->text, "none");
    movex_format_text(&e->text, e->between);
    movex_format_text(&e->text, e->other);
    movex_format_text(&e->text, " ");
    if (there)
        movex_json_element(&e->text, member, there);
    else
        movex_format_text(&e->text, "none");
}

static uint32_t usable_count(const movex_field *field, const unsigned char *memory)
{
    uint32_t count = movex_member_count(field, memory);
    return count < field->capacity ? count : field->capacity;
}

static void explain_member(explaining *e, const movex_member *member, const unsigned char *here,
                           const unsigned char *there, const movex_path *parent)
{
    const movex_field *field = member->field;
    uint32_t           here_count = usable_count(field, here), there_count = usable_count(field, there);
    uint32_t           count = here_count > there_count ? here_count : there_count;
    movex_path         path = {.parent = parent, .field = field};
    for (; path.index < count; path.index++) {
        size_t               offset = field->offset + (size_t)path.index * field->element_size;
        const unsigned char *mine = path.index < here_count ? here + offset : NULL;
        const unsigned char *theirs = path.index < there_count ? there + offset : NULL;
        bool                 both = mine && theirs;
        if (both && memcmp(mine, theirs, field->element_size) == 0) continue;
        if (both && member->node)
            explain_struct(e, member->node, mine, theirs, &path);
        else
            explain_element(e, member, mine, theirs, &path);
    }
}

static void explain_struct(explaining *e, const movex_node *node, const unsigned char *here, const unsigned char *there,
                           const movex_path *parent)
{
    for (uint32_t i = 0; i < node->member_count; i++) explain_member(e, &node->members[i], here, there, parent);
}

static uint32_t explain(explaining *e, const movex_codec *codec, const void *here, const void *there)
{
    explain_struct(e, codec->root, here, there, NULL);
    if (e->count > e->most) {
        if (e->most) movex_format_text(&e->text, "; ");
        movex_format_unsigned(&e->text, e->count - e->most);
        movex_format_text(&e->text, " more");
    }
    return e->count;
}

uint32_t movex_codec_explain(const movex_codec *codec, const void *here, const void *there, const char *other,
                             uint32_t most, char *text, size_t capacity)
{
    assert(here && there && other && (text || !capacity));
    explaining e = {
        .text = movex_format_into(text, capacity), .before = ": here ", .between = ", ", .other = other, .most = most};
    return explain(&e, codec, here, there);
}

uint32_t movex_codec_changes(const movex_codec *codec, const void *before, const void *after, uint32_t most, char *text,
                             size_t capacity)
{
    assert(before && after && (text || !capacity));
    explaining e = {
        .text = movex_format_into(text, capacity), .before = ": ", .between = " ", .other = "->", .most = most};
    return explain(&e, codec, before, after);
}
