/* Differences between two states, as runs of image bytes (docs/encoding.md). A run starts and ends with a byte that differs
   and never has MERGE or more bytes in a row inside it that do not; so two states have one difference. */
#include "bytes.h"
#include "codec_internal.h"
#include "sink.h"

#include <assert.h>
#include <string.h>

/* Runs nearer to each other than this are one: two numbers would take as much as the bytes between. */
#define MERGE 3u

typedef struct differencing {
    const movex_node    *node;
    const unsigned char *to;
    movex_sink           sink;
    uint32_t             start, end; /* the run that is being gathered, in image bytes; none if start == end */
    uint32_t             written;    /* the end of the last run in the sink */
} differencing;

static void flush_run(differencing *d)
{
    if (d->start == d->end) return;
    movex_sink_number(&d->sink, d->start - d->written);
    movex_sink_number(&d->sink, d->end - d->start);
    unsigned char *place = movex_sink_claim(&d->sink, d->end - d->start);
    if (place) movex_image_read(d->node, d->to, d->start, d->end, place);
    d->written = d->start = d->end;
}

static void add_position(differencing *d, uint32_t position)
{
    if (d->start != d->end && position - d->end < MERGE) {
        d->end = position + 1;
        return;
    }
    flush_run(d);
    d->start = position;
    d->end = position + 1;
}

/* Gathers the differing bytes of image range [at, end), block by block. */
static void compare_images(differencing *d, const unsigned char *from, uint32_t at, uint32_t end)
{
    unsigned char from_buffer[MOVEX_CODEC_BLOCK], to_buffer[MOVEX_CODEC_BLOCK];
    while (at < end) {
        uint32_t             length = end - at < MOVEX_CODEC_BLOCK ? end - at : MOVEX_CODEC_BLOCK;
        const unsigned char *a = movex_image_view(d->node, from, at, at + length, from_buffer);
        const unsigned char *b = movex_image_view(d->node, d->to, at, at + length, to_buffer);
        for (uint32_t i = 0; i < length; i++)
            if (a[i] != b[i]) add_position(d, at + i);
        at += length;
    }
}

int movex_codec_difference(const movex_codec *codec, const void *from, const void *to, void *bytes, size_t capacity,
                           size_t *length)
{
    assert(from && to && length && (bytes || !capacity));
    const movex_node *node = codec->root;
    differencing      d = {.node = node, .to = to, .sink = {.bytes = bytes, .capacity = capacity}};
    uint32_t          end, done = 0; /* image bytes compared: an integer may straddle two ranges of memory */
    for (uint32_t start = 0; movex_next_difference(from, to, node->size, &start, &end); start = end) {
        uint32_t first = movex_image_position(node, start, false);
        uint32_t last = movex_image_position(node, end, true);
        compare_images(&d, from, first > done ? first : done, last);
        if (last > done) done = last;
    }
    flush_run(&d);
    *length = d.sink.length;
    return *length <= capacity ? MOVEX_OK : MOVEX_ERR_LIMIT;
}

static int refuse(movex_error *error, const char *why)
{
    return movex_error_set(error, MOVEX_ERR_MALFORMED, "a difference: ", why, (char *)NULL);
}

/* Writes the runs into `memory`, whatever they make of it. */
static int apply_runs(const movex_node *node, unsigned char *memory, movex_reader *reader, movex_error *error)
{
    uint32_t at = 0;
    for (bool first = true; movex_reader_left(reader); first = false) {
        uint64_t             gap = movex_read_number_to(reader, node->image_size - at);
        uint64_t             length = movex_read_number_to(reader, node->image_size - at - gap);
        const unsigned char *bytes = movex_read_bytes(reader, (size_t)length);
        if (reader->failed) return refuse(error, "a run that is cut off or outside the state");
        if (!length) return refuse(error, "a run of no bytes");
        if (!first && gap < MERGE) return refuse(error, "two runs that should be one");
        at += (uint32_t)gap;
        movex_image_write(node, memory, at, at + (uint32_t)length, bytes);
        at += (uint32_t)length;
    }
    return MOVEX_OK;
}

int movex_codec_patch_over(const movex_codec *codec, const void *state, void *work, const void *bytes, size_t length,
                           movex_error *error)
{
    assert(state && work && state != work && (bytes || !length));
    movex_reader reader = movex_reader_over(bytes, length);
    int          status = apply_runs(codec->root, work, &reader, error);
    if (status) return status;
    movex_settling settling = {.old = state, .memory = work, .strict = true, .error = error};
    return movex_settle_changes(&settling, codec->root);
}

int movex_codec_patch(const movex_codec *codec, void *state, void *scratch, const void *bytes, size_t length,
                      movex_error *error)
{
    memcpy(scratch, state, codec->root->size);
    int status = movex_codec_patch_over(codec, state, scratch, bytes, length, error);
    if (!status) movex_codec_restore(codec, scratch, state);
    return status;
}
