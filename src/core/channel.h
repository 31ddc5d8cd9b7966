/* One link as a row of messages: packs what is due into as few frames as it takes, splits what is longer than a frame, and
   puts together what came in parts. Knows the emitter's table and the wire's CHUNK, nothing of sessions. */
#ifndef MOVEX_CORE_CHANNEL_H
#define MOVEX_CORE_CHANNEL_H

#include "memory.h"
#include "wire.h"

#include <movex/io.h>
#include <movex/stats.h>

/* Frames that wait to be sent lie in `out`, each behind its length (4 bytes, the machine's own order).
     start <= open <= out.length;   open == out.length, or the last frame starts at `open` and can still grow
     holds  =>  start <= ready <= mark <= out.length, all at the ends of frames, and what lies behind ready is not sent
     allowance <= what waits, at the last flush */
typedef struct movex_channel {
    movex_io     io;
    movex_link   link;
    size_t       max_frame;   /* bytes: the smaller of what the emitter carries and what the other side takes */
    size_t       max_message; /* bytes put together from chunks */
    size_t       max_queue;   /* bytes waiting, besides the allowance, past which nothing more is taken */
    size_t       allowance;   /* of them, those that were waiting when the last snapshot was queued and still are */
    movex_buffer out;
    size_t       start;     /* in out: of the first frame that is not sent */
    size_t       open;      /* in out: of the last frame */
    bool         moved;     /* the emitter has taken something; whoever looks sets it back */
    bool         torn;      /* what was sent last was not the last CHUNK of its message */
    bool         holds;     /* some of it may not be sent yet */
    size_t       ready, mark; /* in out */
    movex_buffer assembly;  /* of a message whose last chunk has not come */
    movex_stats *stats;     /* frames and bytes are counted here */
} movex_channel;

/* Bytes that wait to be sent. */
static inline size_t movex_channel_queued(const movex_channel *channel)
{
    return channel->out.length - channel->start;
}

/* Of them, those that wait for the other side alone, to take them. */
size_t movex_channel_waiting(const movex_channel *channel);
/* True if more than `most` bytes wait for the other side, the allowance aside, even after it has been offered them. */
bool movex_channel_is_behind(movex_channel *channel, const movex_allocator *allocator, size_t most);
/* What waits now does not count any more: it is a snapshot, of which there is one at a time. */
void movex_channel_allow(movex_channel *channel);

/* Queues one whole message. MOVEX_ERR_LIMIT if too much is waiting already, or MOVEX_ERR_MEMORY; then nothing of it is
   queued, and the link is of no more use. */
int movex_channel_append(movex_channel *channel, const movex_allocator *allocator, const void *message, size_t length);

/* Marks the end of what waits; movex_channel_release lets go all before the last mark. */
void movex_channel_mark(movex_channel *channel);
void movex_channel_release(movex_channel *channel);
/* Throws away what was not let go. */
void movex_channel_drop_held(movex_channel *channel);

/* Sends what waits and is not held, as far as the emitter takes it. MOVEX_OK also when some is left; a failure other than
   MOVEX_ERR_AGAIN means that the link is lost. */
int movex_channel_flush(movex_channel *channel, const movex_allocator *allocator);

/* Takes a CHUNK. MOVEX_ERR_AGAIN while more must come; MOVEX_OK when a message is whole: `message` then reads it, valid until
   the next chunk. MOVEX_ERR_LIMIT, MOVEX_ERR_MALFORMED or MOVEX_ERR_MEMORY. */
int movex_channel_assemble(movex_channel *channel, const movex_allocator *allocator, movex_reader *reader,
                           movex_reader *message);

void movex_channel_free(movex_channel *channel, const movex_allocator *allocator);

/* Asserts the invariants of the struct. */
void movex_channel_check(const movex_channel *channel);

#endif
