#include "record.h"

#include "bytes.h"
#include "hash.h"

enum { PIECE = 65536 }; /* bytes read at once, at least */

const char *movex_record_state_text(movex_record_state state)
{
    switch (state) {
    case MOVEX_RECORD_WHOLE: return "a whole record";
    case MOVEX_RECORD_MORE: return "more bytes are needed";
    case MOVEX_RECORD_END: return "the end";
    case MOVEX_RECORD_TORN: return "a record that is cut off";
    case MOVEX_RECORD_CORRUPT: return "bytes that are no record";
    case MOVEX_RECORD_TOO_LONG: return "a record that is too long";
    case MOVEX_RECORD_UNREADABLE: return "the file cannot be read";
    }
    return "unknown";
}

static uint32_t load_u32(const unsigned char *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void store_u32(unsigned char *b, uint32_t value)
{
    for (int i = 0; i < 4; i++) b[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t header_hash(uint32_t length, uint64_t offset, uint64_t seed)
{
    unsigned char bytes[12];
    store_u32(bytes, length);
    movex_store_u64(bytes + 4, offset);
    return movex_xxh64(bytes, sizeof bytes, seed);
}

void movex_record_seal(unsigned char *record, uint32_t length, uint64_t offset, uint64_t seed)
{
    assert(length > 0);
    uint64_t hash = header_hash(length, offset, seed);
    store_u32(record, length);
    store_u32(record + 4, (uint32_t)hash);
    movex_store_u64(record + MOVEX_RECORD_HEADER + length, movex_xxh64(record + MOVEX_RECORD_HEADER, length, hash));
}

static movex_record_state want(size_t needed, bool last, size_t *size)
{
    if (last) return MOVEX_RECORD_TORN;
    *size = needed;
    return MOVEX_RECORD_MORE;
}

movex_record_state movex_record_read(const unsigned char *bytes, size_t length, bool last, uint64_t offset,
                                     uint64_t seed, uint32_t most, const unsigned char **payload, size_t *size)
{
    *size = 0;
    if (length == 0 && last) return MOVEX_RECORD_END;
    if (length < MOVEX_RECORD_HEADER) return want(MOVEX_RECORD_HEADER, last, size);
    uint32_t stated = load_u32(bytes);
    uint64_t hash = header_hash(stated, offset, seed);
    if (stated == 0 || load_u32(bytes + 4) != (uint32_t)hash) return MOVEX_RECORD_CORRUPT;
    if (stated > most || stated > MOVEX_RECORD_MOST) return MOVEX_RECORD_TOO_LONG;
    if (length < (size_t)stated + MOVEX_RECORD_FRAME) return want((size_t)stated + MOVEX_RECORD_FRAME, last, size);
    const unsigned char *start = bytes + MOVEX_RECORD_HEADER;
    if (movex_load_u64(start + stated) != movex_xxh64(start, stated, hash)) return MOVEX_RECORD_CORRUPT;
    *payload = start;
    *size = stated;
    return MOVEX_RECORD_WHOLE;
}

/* ---- a file of a store */

movex_record_scan movex_record_scan_from(movex_store store, movex_store_file file, uint64_t offset, uint64_t seed,
                                         uint32_t most, const movex_allocator *allocator)
{
    return (movex_record_scan){.store = store,
                               .file = file,
                               .allocator = allocator,
                               .seed = seed,
                               .most = most,
                               .state = MOVEX_RECORD_MORE,
                               .offset = offset};
}

void movex_record_scan_end(movex_record_scan *scan)
{
    movex_buffer_free(&scan->buffer, scan->allocator);
    scan->used = 0;
}

static bool fail(movex_record_scan *scan, int status)
{
    scan->state = MOVEX_RECORD_UNREADABLE;
    scan->status = status;
    return false;
}

/* Has `needed` bytes from `offset` on in the buffer, or all that there are. */
static bool fill(movex_record_scan *scan, size_t needed)
{
    movex_buffer *buffer = &scan->buffer;
    if (scan->used > 0) memmove(buffer->bytes, buffer->bytes + scan->used, buffer->length - scan->used);
    buffer->length -= scan->used;
    scan->used = 0;
    if (needed < PIECE) needed = PIECE;
    while (!scan->last && buffer->length < needed) {
        /* Piece by piece: a length may promise more than the file has. */
        size_t got = 0, want = needed - buffer->length < PIECE ? needed - buffer->length : PIECE;
        if (!movex_buffer_reserve(buffer, scan->allocator, want)) return fail(scan, MOVEX_ERR_MEMORY);
        int status = scan->store.ops->read(scan->store.self, scan->file, scan->offset + buffer->length,
                                           buffer->bytes + buffer->length, want, &got);
        if (status != MOVEX_OK) return fail(scan, status);
        scan->last = got == 0;
        buffer->length += got;
    }
    return true;
}

/* What begins at `offset`; more is read as long as it is needed. */
static movex_record_state look(movex_record_scan *scan, const unsigned char **payload, size_t *size)
{
    for (;;) {
        movex_record_state state = movex_record_read(scan->buffer.bytes ? scan->buffer.bytes + scan->used : NULL,
                                                     scan->buffer.length - scan->used, scan->last, scan->offset,
                                                     scan->seed, scan->most, payload, size);
        if (state != MOVEX_RECORD_MORE) return state;
        if (!fill(scan, *size)) return MOVEX_RECORD_UNREADABLE;
    }
}

movex_record_state movex_record_scan_next(movex_record_scan *scan, const unsigned char **payload, size_t *length)
{
    size_t size = 0;
    if (scan->state != MOVEX_RECORD_WHOLE && scan->state != MOVEX_RECORD_MORE) return scan->state;
    scan->state = look(scan, payload, &size);
    if (scan->state != MOVEX_RECORD_WHOLE) return scan->state;
    *length = size;
    scan->used += size + MOVEX_RECORD_FRAME;
    scan->offset += size + MOVEX_RECORD_FRAME;
    return scan->state;
}

bool movex_record_scan_beyond(movex_record_scan *scan, uint64_t *offset)
{
    const unsigned char *payload;
    size_t               size;
    uint64_t             stopped_at = scan->offset;
    movex_record_state   stopped = scan->state, state;
    if (stopped != MOVEX_RECORD_CORRUPT && stopped != MOVEX_RECORD_TORN) return false;
    do {
        if (scan->buffer.length == scan->used) { /* the end */
            state = MOVEX_RECORD_END;
            break;
        }
        scan->used++;
        scan->offset++;
        state = look(scan, &payload, &size);
    } while (state != MOVEX_RECORD_WHOLE && state != MOVEX_RECORD_END && state != MOVEX_RECORD_UNREADABLE);
    *offset = scan->offset;
    scan->offset = stopped_at; /* `next` gives nothing more, so the buffer need not fit */
    if (state != MOVEX_RECORD_UNREADABLE) scan->state = stopped;
    return state == MOVEX_RECORD_WHOLE;
}
