#include "log.h"

#include "memory.h"

#include <assert.h>
#include <string.h>

enum { FIRST_ENTRIES = 8, FIRST_BYTES = 128 };

void movex_log_init(movex_log *log, uint32_t limit, uint32_t arena_limit)
{
    *log = (movex_log){.limit = limit, .arena_limit = arena_limit};
}

void movex_log_free(movex_log *log, const movex_allocator *allocator)
{
    movex_release(allocator, log->entries, log->capacity * sizeof *log->entries);
    movex_release(allocator, log->arena, log->arena_capacity);
    *log = (movex_log){0};
}

static movex_entry *place_of(movex_entry *entries, uint32_t capacity, uint64_t version)
{
    return &entries[version & (capacity - 1)];
}

/* One of those kept, the oldest of which is 0. */
static movex_entry *at(const movex_log *log, uint32_t index)
{
    return place_of(log->entries, log->capacity, log->version - log->count + 1 + index);
}

static uint32_t bytes_of(const movex_entry *entry)
{
    return entry->author_length + entry->payload_length + entry->reveal_length;
}

/* Room for one more entry: grows up to the limit, and then, or without memory, drops the oldest. */
static bool make_entry_room(movex_log *log, const movex_allocator *allocator)
{
    if (log->limit == 0) return false;
    if (log->count == log->limit) log->count--;
    if (log->count < log->capacity) return true;

    uint32_t     grown = log->capacity ? log->capacity * 2 : FIRST_ENTRIES;
    movex_entry *entries = movex_allocate(allocator, grown * sizeof *entries);
    if (!entries) {
        if (log->count) log->count--;
        return log->capacity > 0;
    }
    for (uint64_t version = log->version; version > log->version - log->count; version--)
        *place_of(entries, grown, version) = *place_of(log->entries, log->capacity, version);
    movex_release(allocator, log->entries, log->capacity * sizeof *entries);
    log->entries = entries;
    log->capacity = grown;
    return true;
}

/* A larger arena, with what is kept moved to its start. */
static bool grow_arena(movex_log *log, const movex_allocator *allocator, uint32_t length)
{
    if (log->arena_capacity >= log->arena_limit) return false;
    uint64_t grown = log->arena_capacity ? (uint64_t)log->arena_capacity * 2 : FIRST_BYTES;
    while (grown < (uint64_t)log->arena_capacity + length) grown *= 2;
    if (grown > log->arena_limit) grown = log->arena_limit;
    unsigned char *arena = movex_allocate(allocator, (size_t)grown);
    if (!arena) return false;

    uint32_t head = 0;
    for (uint32_t i = 0; i < log->count; i++) {
        movex_entry *entry = at(log, i);
        if (bytes_of(entry)) memcpy(arena + head, log->arena + entry->at, bytes_of(entry));
        entry->at = head;
        head += bytes_of(entry);
    }
    movex_release(allocator, log->arena, log->arena_capacity);
    log->arena = arena;
    log->arena_capacity = (uint32_t)grown;
    log->head = head;
    return true;
}

/* Where `length` bytes fit in one piece without touching what is kept. The arena is never filled to the last byte, so that
   head == the oldest entry's start always means that nothing is kept from there on. */
static bool find_space(movex_log *log, uint32_t length)
{
    if (log->count == 0) log->head = 0;
    uint32_t oldest = log->count ? at(log, 0)->at : 0;
    bool     wrapped = log->count && log->head < oldest;
    if (wrapped) return length < oldest - log->head;
    if (length <= log->arena_capacity - log->head) return true;
    if (length >= oldest) return false;
    log->head = 0;
    return true;
}

static bool make_byte_room(movex_log *log, const movex_allocator *allocator, uint32_t length)
{
    while (!find_space(log, length))
        if (!grow_arena(log, allocator, length)) {
            if (log->count == 0) return false;
            log->count--;
        }
    return true;
}

void movex_log_append(movex_log *log, const movex_allocator *allocator, const movex_entry *entry, const char *author,
                      const void *payload, const void *reveal)
{
    assert(entry->now_ms >= log->now_ms);
    uint32_t length = bytes_of(entry);
    bool fits = length < log->arena_limit && make_entry_room(log, allocator) && make_byte_room(log, allocator, length);
    log->version++;
    log->now_ms = entry->now_ms;
    log->count = fits ? log->count + 1 : 0;
    if (!fits) return;
    movex_entry *kept = place_of(log->entries, log->capacity, log->version);
    *kept = *entry;
    kept->at = log->head;
    if (entry->author_length) memcpy(log->arena + log->head, author, entry->author_length);
    log->head += entry->author_length;
    if (entry->payload_length) memcpy(log->arena + log->head, payload, entry->payload_length);
    log->head += entry->payload_length;
    if (entry->reveal_length) memcpy(log->arena + log->head, reveal, entry->reveal_length);
    log->head += entry->reveal_length;
}

void movex_log_clear(movex_log *log)
{
    log->count = 0;
}

void movex_log_skip(movex_log *log, uint64_t now_ms)
{
    log->version++;
    log->count = 0;
    if (now_ms > log->now_ms) log->now_ms = now_ms;
}

const movex_entry *movex_log_find(const movex_log *log, uint64_t version)
{
    if (version > log->version || log->version - version >= log->count) return NULL;
    return place_of(log->entries, log->capacity, version);
}

const char *movex_log_author(const movex_log *log, const movex_entry *entry)
{
    return log->arena ? (const char *)log->arena + entry->at : ""; /* no bytes have come yet */
}

const void *movex_log_payload(const movex_log *log, const movex_entry *entry)
{
    return log->arena ? log->arena + entry->at + entry->author_length : (const unsigned char *)"";
}

const void *movex_log_reveal(const movex_log *log, const movex_entry *entry)
{
    return log->arena ? log->arena + entry->at + entry->author_length + entry->payload_length
                      : (const unsigned char *)"";
}

void movex_log_check(const movex_log *log)
{
    assert(log->count <= log->capacity && log->count <= log->limit && log->head <= log->arena_capacity);
    uint32_t wraps = 0;
    for (uint32_t i = 0; i < log->count; i++) {
        const movex_entry *entry = at(log, i);
        assert(entry->at + bytes_of(entry) <= log->arena_capacity);
        if (i == 0) continue;
        const movex_entry *before = at(log, i - 1);
        assert(entry->now_ms >= before->now_ms);
        if (entry->at < before->at + bytes_of(before)) wraps++;
    }
    assert(wraps <= 1);
    (void)wraps;
}
