#include "peer_files.h"

#include "../core/wire_fields.h"

#include <assert.h>

static int compare(const movex_store_name *a, const void *name, size_t length)
{
    size_t shorter = a->length < length ? a->length : length;
    int    order = memcmp(a->bytes, name, shorter);
    return order ? order : (a->length > length) - (a->length < length);
}

/* The index of the first file whose name is not less. */
static uint32_t place_of(const movex_room_files *files, const void *name, size_t length)
{
    uint32_t low = 0, high = files->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(&files->files[middle].name, name, length) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool is_at(const movex_room_files *files, uint32_t place, const void *name, size_t length)
{
    return place < files->count && compare(&files->files[place].name, name, length) == 0;
}

const movex_room_file *movex_files_find(const movex_room_files *files, const void *name, size_t length)
{
    uint32_t place = place_of(files, name, length);
    return is_at(files, place, name, length) ? &files->files[place] : NULL;
}

const movex_room_file *movex_files_after(const movex_room_files *files, const movex_store_name *name)
{
    uint32_t place = place_of(files, name->bytes, name->length);
    if (is_at(files, place, name->bytes, name->length)) place++;
    return place < files->count ? &files->files[place] : NULL;
}

/* ---- changes */

void movex_write_change(movex_writer *writer, const movex_change *change)
{
    movex_write_u8(writer, (uint8_t)change->kind);
    movex_write_wire_blob(writer, change->name);
    if (change->kind != MOVEX_CHANGE_REMOVE) movex_write_wire_blob(writer, change->bytes);
}

static bool read_change(movex_reader *reader, movex_change *change)
{
    uint8_t kind = movex_read_u8(reader);
    change->kind = (movex_change_kind)kind;
    change->name = movex_read_wire_blob(reader);
    change->bytes = kind == MOVEX_CHANGE_REMOVE ? (movex_wire_bytes){"", 0} : movex_read_wire_blob(reader);
    return !reader->failed && kind >= MOVEX_CHANGE_APPEND && kind <= MOVEX_CHANGE_REMOVE && change->name.length > 0 &&
           change->name.length <= MOVEX_STORE_NAME_MAX;
}

static movex_room_file *make(movex_room_files *files, const movex_allocator *allocator, uint32_t place,
                             movex_wire_bytes name)
{
    if (!movex_grow(allocator, &files->files, &files->capacity, sizeof *files->files, files->count + 1, 4)) return NULL;
    movex_room_file *file = &files->files[place];
    memmove(file + 1, file, (files->count - place) * sizeof *file);
    files->count++;
    *file = (movex_room_file){.name.length = name.length};
    memcpy(file->name.bytes, name.bytes, name.length);
    return file;
}

static void drop(movex_room_files *files, const movex_allocator *allocator, uint32_t place)
{
    movex_room_file *file = &files->files[place];
    files->bytes -= file->content.length;
    movex_buffer_free(&file->content, allocator);
    files->count--;
    memmove(file, file + 1, (files->count - place) * sizeof *file);
}

static int apply(movex_room_files *files, const movex_allocator *allocator, const movex_change *change)
{
    uint32_t         place = place_of(files, change->name.bytes, change->name.length);
    bool             known = is_at(files, place, change->name.bytes, change->name.length);
    movex_room_file *file = known ? &files->files[place] : NULL;
    if (change->kind == MOVEX_CHANGE_REMOVE) {
        if (known) drop(files, allocator, place);
        return MOVEX_OK;
    }
    if (!known) file = make(files, allocator, place, change->name);
    if (!file) return MOVEX_ERR_MEMORY;
    if (change->kind == MOVEX_CHANGE_REPLACE) {
        files->bytes -= file->content.length;
        movex_buffer_free(&file->content, allocator);
    }
    if (change->bytes.length == 0) return MOVEX_OK;
    if (!movex_buffer_reserve(&file->content, allocator, change->bytes.length)) return MOVEX_ERR_MEMORY;
    memcpy(file->content.bytes + file->content.length, change->bytes.bytes, change->bytes.length);
    file->content.length += change->bytes.length;
    files->bytes += change->bytes.length;
    return MOVEX_OK;
}

int movex_files_apply(movex_room_files *files, const movex_allocator *allocator, const void *entry, size_t length)
{
    movex_reader reader = movex_reader_over(entry, length);
    movex_change change;
    int          status = MOVEX_OK;
    while (status == MOVEX_OK && movex_reader_left(&reader) && read_change(&reader, &change))
        status = apply(files, allocator, &change);
    return status;
}

/* ---- snapshots: a file is one REPLACE */

bool movex_files_save(const movex_room_files *files, const movex_allocator *allocator, movex_buffer *buffer)
{
    size_t most = (size_t)files->bytes + files->count * (size_t)MOVEX_CHANGE_OVERHEAD;
    if (!movex_buffer_reserve(buffer, allocator, most + 1)) return false;
    movex_writer writer = movex_writer_over(buffer->bytes + buffer->length, buffer->capacity - buffer->length);
    for (uint32_t i = 0; i < files->count; i++) {
        const movex_room_file *file = &files->files[i];
        movex_write_change(&writer, &(movex_change){.kind = MOVEX_CHANGE_REPLACE,
                                                    .name = {file->name.bytes, file->name.length},
                                                    .bytes = {file->content.bytes, file->content.length}});
    }
    buffer->length = (size_t)(writer.at - buffer->bytes);
    return true;
}

int movex_files_load(movex_room_files *files, const movex_allocator *allocator, const void *bytes, size_t length)
{
    movex_reader reader = movex_reader_over(bytes, length);
    movex_change change;
    int          status = MOVEX_OK;
    movex_files_free(files, allocator);
    while (status == MOVEX_OK && movex_reader_left(&reader))
        status = read_change(&reader, &change) ? apply(files, allocator, &change) : MOVEX_ERR_MALFORMED;
    if (status != MOVEX_OK) movex_files_free(files, allocator);
    return status;
}

void movex_files_free(movex_room_files *files, const movex_allocator *allocator)
{
    while (files->count) drop(files, allocator, files->count - 1);
    movex_release(allocator, files->files, files->capacity * sizeof *files->files);
    *files = (movex_room_files){0};
}

void movex_files_check(const movex_room_files *files)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < files->count; i++) {
        const movex_store_name *name = &files->files[i].name;
        assert(i == 0 || compare(&files->files[i - 1].name, name->bytes, name->length) < 0);
        bytes += files->files[i].content.length;
        (void)name;
    }
    assert(bytes == files->bytes);
    (void)bytes;
}
