#define _POSIX_C_SOURCE 200809L
#include "spread_queue.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static size_t size_of(const movex_spread_record *record)
{
    const size_t unit = _Alignof(movex_spread_record);
    size_t       bytes = record->kind == MOVEX_SPREAD_TAKEN ? 0 : record->length;
    return sizeof *record + (bytes + unit - 1) / unit * unit;
}

bool movex_spread_queue_init(movex_spread_queue *queue, const movex_allocator *allocator)
{
    pthread_condattr_t attributes;
    *queue = (movex_spread_queue){.allocator = allocator};
    if (pthread_condattr_init(&attributes) != 0) return false;
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&queue->filled, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (!made) return false;
    if (pthread_mutex_init(&queue->lock, NULL) == 0) return true;
    pthread_cond_destroy(&queue->filled);
    return false;
}

void movex_spread_queue_end(movex_spread_queue *queue)
{
    movex_buffer_free(&queue->records, queue->allocator);
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->filled);
}

bool movex_spread_queue_promise(movex_spread_queue *queue, uint32_t records)
{
    size_t more = records * sizeof(movex_spread_record);
    pthread_mutex_lock(&queue->lock);
    bool kept = movex_buffer_reserve(&queue->records, queue->allocator, queue->promised + more);
    if (kept) queue->promised += more;
    pthread_mutex_unlock(&queue->lock);
    return kept;
}

void movex_spread_queue_forgive(movex_spread_queue *queue, uint32_t records)
{
    pthread_mutex_lock(&queue->lock);
    assert(queue->promised >= records * sizeof(movex_spread_record));
    queue->promised -= records * sizeof(movex_spread_record);
    pthread_mutex_unlock(&queue->lock);
}

/* The room is there. */
static bool append(movex_spread_queue *queue, const movex_spread_record *record, const void *bytes)
{
    unsigned char *at = queue->records.bytes + queue->records.length;
    bool           was_empty = queue->records.length == 0;
    memcpy(at, record, sizeof *record);
    if (bytes && record->length) memcpy(at + sizeof *record, bytes, record->length);
    queue->records.length += size_of(record);
    if (was_empty) pthread_cond_signal(&queue->filled);
    return was_empty;
}

bool movex_spread_queue_put(movex_spread_queue *queue, const movex_spread_record *record, const void *bytes,
                            bool *was_empty, size_t *held)
{
    pthread_mutex_lock(&queue->lock);
    bool room = movex_buffer_reserve(&queue->records, queue->allocator, size_of(record) + queue->promised);
    bool first = room && append(queue, record, bytes);
    if (was_empty) *was_empty = first;
    if (held) *held = queue->records.length;
    pthread_mutex_unlock(&queue->lock);
    return room;
}

void movex_spread_queue_keep_promise(movex_spread_queue *queue, const movex_spread_record *record, bool *was_empty)
{
    assert(record->length == 0);
    pthread_mutex_lock(&queue->lock);
    assert(queue->promised >= sizeof *record);
    queue->promised -= sizeof *record;
    bool first = append(queue, record, NULL);
    if (was_empty) *was_empty = first;
    pthread_mutex_unlock(&queue->lock);
}

bool movex_spread_queue_take(movex_spread_queue *queue, movex_buffer *taken)
{
    taken->length = 0;
    pthread_mutex_lock(&queue->lock);
    bool takes = queue->records.length > 0 && movex_buffer_reserve(taken, queue->allocator, queue->promised);
    if (takes) {
        movex_buffer swapped = queue->records;
        queue->records = *taken;
        *taken = swapped;
    }
    pthread_mutex_unlock(&queue->lock);
    return takes;
}

size_t movex_spread_queue_held(movex_spread_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t held = queue->records.length;
    pthread_mutex_unlock(&queue->lock);
    return held;
}

void movex_spread_queue_wait(movex_spread_queue *queue, uint32_t timeout_ms)
{
    struct timespec until = {0};
    int             result = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(timeout_ms / 1000);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&queue->lock);
    while (queue->records.length == 0 && !queue->rung && result == 0)
        result = pthread_cond_timedwait(&queue->filled, &queue->lock, &until);
    queue->rung = false;
    pthread_mutex_unlock(&queue->lock);
}

void movex_spread_queue_ring(movex_spread_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->rung = true;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

bool movex_spread_next(const movex_buffer *taken, size_t *at, movex_spread_record *record, const unsigned char **bytes)
{
    if (*at >= taken->length) return false;
    memcpy(record, taken->bytes + *at, sizeof *record);
    *bytes = taken->bytes + *at + sizeof *record;
    *at += size_of(record);
    return true;
}
