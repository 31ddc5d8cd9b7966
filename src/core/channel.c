#include "channel.h"

#include <assert.h>

enum {
    HEADER = 4,               /* bytes before each waiting frame */
    CHUNK_OVERHEAD = 12,      /* bytes of a CHUNK besides its part, at most */
    LARGEST_KEPT = 256 << 10, /* bytes of a buffer that is kept when nothing is in it */
};

size_t movex_channel_waiting(const movex_channel *channel)
{
    return (channel->holds ? channel->ready : channel->out.length) - channel->start;
}

bool movex_channel_is_behind(movex_channel *channel, const movex_allocator *allocator, size_t most)
{
    if (movex_channel_waiting(channel) <= most + channel->allowance) return false;
    /* A link that is lost says so at its next flush. */
    movex_channel_flush(channel, allocator);
    return movex_channel_waiting(channel) > most + channel->allowance;
}

void movex_channel_allow(movex_channel *channel)
{
    channel->allowance = movex_channel_queued(channel);
}

static uint32_t frame_length(const movex_channel *channel, size_t at)
{
    uint32_t length;
    memcpy(&length, channel->out.bytes + at, HEADER);
    return length;
}

static void set_frame_length(movex_channel *channel, size_t at, size_t length)
{
    uint32_t stored = (uint32_t)length;
    memcpy(channel->out.bytes + at, &stored, HEADER);
}

/* Appends to the last frame, or to a new one; the room is there. */
static void pack(movex_channel *channel, const void *bytes, size_t length)
{
    movex_buffer *out = &channel->out;
    size_t        used = channel->open < out->length ? frame_length(channel, channel->open) : 0;
    if (used == 0 || used + length > channel->max_frame) {
        channel->open = out->length;
        out->length += HEADER;
        used = 0;
    }
    memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
    set_frame_length(channel, channel->open, used + length);
}

static void pack_chunks(movex_channel *channel, const unsigned char *message, size_t length)
{
    size_t part = channel->max_frame - CHUNK_OVERHEAD;
    for (size_t at = 0; at < length; at += part) {
        bool          last = length - at <= part;
        size_t        size = last ? length - at : part;
        unsigned char header[CHUNK_OVERHEAD];
        movex_writer  writer = movex_writer_over(header, sizeof header);
        movex_write_u8(&writer, MOVEX_MESSAGE_CHUNK);
        movex_write_u8(&writer, last);
        movex_write_number(&writer, size);
        /* Header and part must not be torn: a frame of their own holds both. */
        channel->open = channel->out.length;
        pack(channel, header, (size_t)(writer.at - header));
        pack(channel, message + at, size);
    }
}

int movex_channel_append(movex_channel *channel, const movex_allocator *allocator, const void *message, size_t length)
{
    assert(length > 0);
    /* A link that is lost says so at its next flush; what matters here is whether there is room now. */
    size_t most = channel->max_queue + channel->allowance;
    if (movex_channel_queued(channel) > most) movex_channel_flush(channel, allocator);
    if (movex_channel_queued(channel) > most) return MOVEX_ERR_LIMIT;
    bool   whole = length <= channel->max_frame;
    size_t frames = whole ? 1 : length / (channel->max_frame - CHUNK_OVERHEAD) + 1;
    if (!movex_buffer_reserve(&channel->out, allocator, length + frames * (HEADER + CHUNK_OVERHEAD)))
        return MOVEX_ERR_MEMORY;
    if (whole)
        pack(channel, message, length);
    else
        pack_chunks(channel, message, length);
    return MOVEX_OK;
}

void movex_channel_mark(movex_channel *channel)
{
    channel->mark = channel->open = channel->out.length; /* what comes next starts a frame of its own */
}

void movex_channel_release(movex_channel *channel)
{
    channel->ready = channel->mark;
}

void movex_channel_drop_held(movex_channel *channel)
{
    if (!channel->holds) return;
    channel->out.length = channel->open = channel->mark = channel->ready;
}

int movex_channel_flush(movex_channel *channel, const movex_allocator *allocator)
{
    int    status = MOVEX_OK;
    size_t end = channel->holds ? channel->ready : channel->out.length;
    if (channel->out.length == 0) {
        channel->allowance = 0;
        return MOVEX_OK;
    }
    while (channel->start < end) {
        size_t               length = frame_length(channel, channel->start);
        const unsigned char *frame = channel->out.bytes + channel->start + HEADER;
        status = channel->io.ops->send(channel->io.self, channel->link, frame, length);
        if (status != MOVEX_OK) break;
        channel->torn = frame[0] == MOVEX_MESSAGE_CHUNK && frame[1] == 0;
        channel->start += HEADER + length;
        channel->moved = true;
        channel->stats->frames_sent++;
        channel->stats->bytes_sent += length;
    }
    if (channel->start == channel->out.length) {
        if (channel->out.capacity > LARGEST_KEPT) movex_buffer_free(&channel->out, allocator);
        channel->start = channel->open = channel->out.length = channel->ready = channel->mark = 0;
    } else if (channel->start > channel->out.capacity / 2) {
        size_t left = movex_channel_queued(channel);
        memmove(channel->out.bytes, channel->out.bytes + channel->start, left);
        channel->open -= channel->start;
        if (channel->holds) {
            channel->ready -= channel->start;
            channel->mark -= channel->start;
        }
        channel->start = 0;
        channel->out.length = left;
    }
    if (channel->allowance > movex_channel_queued(channel)) channel->allowance = movex_channel_queued(channel);
    return status == MOVEX_ERR_AGAIN ? MOVEX_OK : status;
}

int movex_channel_assemble(movex_channel *channel, const movex_allocator *allocator, movex_reader *reader,
                           movex_reader *message)
{
    movex_chunk_message chunk;
    movex_buffer       *assembly = &channel->assembly;
    if (assembly->length == 0 && assembly->capacity > LARGEST_KEPT) movex_buffer_free(assembly, allocator);
    if (!movex_read_chunk(reader, &chunk)) return MOVEX_ERR_MALFORMED;
    if (chunk.part.length > channel->max_message - assembly->length) return MOVEX_ERR_LIMIT;
    if (!movex_buffer_reserve(assembly, allocator, chunk.part.length)) return MOVEX_ERR_MEMORY;
    memcpy(assembly->bytes + assembly->length, chunk.part.bytes, chunk.part.length);
    assembly->length += chunk.part.length;
    if (!chunk.last) return MOVEX_ERR_AGAIN;
    *message = movex_reader_over(assembly->bytes, assembly->length);
    assembly->length = 0;
    return MOVEX_OK;
}

void movex_channel_free(movex_channel *channel, const movex_allocator *allocator)
{
    movex_buffer_free(&channel->out, allocator);
    movex_buffer_free(&channel->assembly, allocator);
}

void movex_channel_check(const movex_channel *channel)
{
    assert(channel->start <= channel->open && channel->open <= channel->out.length);
    size_t at = channel->start;
    while (at < channel->out.length) {
        assert(frame_length(channel, at) > 0 && frame_length(channel, at) <= channel->max_frame);
        at += HEADER + frame_length(channel, at);
    }
    assert(at == channel->out.length);
    assert(!channel->holds || (channel->start <= channel->ready && channel->ready <= channel->mark));
    assert(channel->mark <= channel->out.length);
}
