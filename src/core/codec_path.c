#include "codec_internal.h"

static void format_index(movex_format *format, uint32_t index)
{
    movex_format_text(format, "[");
    movex_format_unsigned(format, index);
    movex_format_text(format, "]");
}

void movex_path_format(movex_format *format, const movex_path *path)
{
    const movex_field *field = path->field;
    if (path->parent) {
        movex_path_format(format, path->parent);
        movex_format_text(format, ".");
    }
    movex_format_text(format, field->name);
    if (field->shape == MOVEX_SHAPE_SINGLE || path->index == MOVEX_WHOLE_MEMBER) return;
    if (field->columns) {
        format_index(format, path->index / field->columns);
        format_index(format, path->index % field->columns);
    } else {
        format_index(format, path->index);
    }
}

movex_format movex_path_error(movex_error *error, movex_status status, const movex_path *path)
{
    movex_format format = movex_format_into(error ? error->text : NULL, error ? sizeof error->text : 0);
    if (!error) return format;
    error->status = status;
    movex_path_format(&format, path);
    movex_format_text(&format, ": ");
    return format;
}

int movex_path_value_error(movex_error *error, movex_status status, const movex_path *path, uint64_t value)
{
    movex_format format = movex_path_error(error, status, path);
    switch (path->field->kind) {
    case MOVEX_KIND_BOOL:
        movex_format_unsigned(&format, value);
        movex_format_text(&format, " is neither 0 nor 1");
        break;
    case MOVEX_KIND_ENUM:
        movex_format_unsigned(&format, value);
        movex_format_text(&format, " is not one of ");
        movex_format_unsigned(&format, path->field->value_count);
        movex_format_text(&format, path->field->value_count == 1 ? " value" : " values");
        break;
    default: movex_format_text(&format, "a NaN that is not the canonical one");
    }
    return status;
}

int movex_path_count_error(movex_error *error, movex_status status, const movex_path *path, uint64_t count)
{
    movex_path   whole = {.parent = path->parent, .field = path->field, .index = MOVEX_WHOLE_MEMBER};
    movex_format format = movex_path_error(error, status, &whole);
    movex_format_unsigned(&format, count);
    movex_format_text(&format, count == 1 ? " element, room for " : " elements, room for ");
    movex_format_unsigned(&format, path->field->capacity);
    return status;
}

int movex_path_text_error(movex_error *error, movex_status status, const movex_path *path, uint64_t length)
{
    movex_format format = movex_path_error(error, status, path);
    movex_format_unsigned(&format, length);
    movex_format_text(&format, length == 1 ? " byte, room for " : " bytes, room for ");
    movex_format_unsigned(&format, path->field->element_size - 1);
    return status;
}
