/* Link numbers, and the queue of what recv has to report.

   A number is a slot's index + 1 in its low 20 bits and a generation above, so a number that was given back is told from
   the next user of its slot. Events of links that the program has closed meanwhile are passed over. */
#include "websocket_internal.h"

#include <assert.h>
#include <string.h>

#define SLOT_BITS 20
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
#define NO_SLOT UINT32_MAX

typedef struct movex_ws_record {
    movex_io_kind kind;
    movex_link    number;
    size_t        length; /* bytes of data that follow */
} movex_ws_record;

static size_t record_size(size_t length)
{
    const size_t unit = _Alignof(max_align_t);
    return (sizeof(movex_ws_record) + length + unit - 1) / unit * unit;
}

bool movex_ws_reserve(const movex_allocator *allocator, movex_ws_bytes *bytes, size_t more)
{
    size_t held = movex_ws_held(bytes);
    if (held == 0) bytes->start = bytes->end = 0;
    if (bytes->capacity - bytes->end >= more) return true;
    /* Moving is worth it if it frees at least as much as it copies; so each byte is moved once on average. */
    if (bytes->start >= held && bytes->capacity - held >= more) {
        memmove(bytes->data, bytes->data + bytes->start, held);
        bytes->start = 0;
        bytes->end = held;
        return true;
    }
    size_t capacity = bytes->capacity < 512 ? 512 : bytes->capacity;
    while (capacity - bytes->end < more) {
        if (capacity > SIZE_MAX / 2) return false;
        capacity *= 2;
    }
    unsigned char *data = allocator->reallocate(allocator->user, bytes->data, bytes->capacity, capacity);
    if (!data) return false;
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

void movex_ws_drop(const movex_allocator *allocator, movex_ws_bytes *bytes)
{
    if (bytes->data) allocator->release(allocator->user, bytes->data, bytes->capacity);
    *bytes = (movex_ws_bytes){0};
}

movex_ws_slot *movex_ws_find(movex_ws *ws, movex_link number)
{
    uint32_t index = (number & SLOT_MASK) - 1; /* number 0 gives an index past any slot */
    if (index >= ws->slot_count) return NULL;
    movex_ws_slot *slot = &ws->slots[index];
    return slot->used && slot->number == number ? slot : NULL;
}

static bool grow_slots(movex_ws *ws)
{
    const movex_allocator *allocator = &ws->config.allocator;
    uint32_t               old = ws->slot_count, most = ws->config.max_links;
    uint32_t               count = old ? old * 2 : 8;
    if (count > most) count = most;
    movex_ws_slot *slots =
        allocator->reallocate(allocator->user, ws->slots, old * sizeof *slots, count * sizeof *slots);
    if (!slots) return false;
    for (uint32_t i = old; i < count; i++) slots[i] = (movex_ws_slot){.next_free = i + 1 < count ? i + 1 : NO_SLOT};
    ws->slots = slots;
    ws->slot_count = count;
    ws->first_free = old;
    ws->last_free = count - 1;
    return true;
}

int movex_ws_take_slot(movex_ws *ws, movex_ws_link *link)
{
    if (ws->slots_used == ws->config.max_links) return MOVEX_ERR_LIMIT;
    if (ws->slots_used == ws->slot_count && !grow_slots(ws)) return MOVEX_ERR_MEMORY;
    uint32_t       index = ws->first_free;
    movex_ws_slot *slot = &ws->slots[index];
    ws->first_free = slot->next_free;
    ws->slots_used++;
    slot->number = ((slot->number & ~SLOT_MASK) + SLOT_MASK + 1) | (index + 1);
    slot->used = true;
    slot->link = link;
    link->number = slot->number;
    return MOVEX_OK;
}

void movex_ws_free_slot(movex_ws *ws, movex_ws_slot *slot)
{
    uint32_t index = (uint32_t)(slot - ws->slots);
    assert(slot->used);
    if (slot->unreported) ws->unreported--;
    slot->used = slot->unreported = false;
    slot->link = NULL;
    slot->next_free = NO_SLOT;
    if (ws->slots_used == ws->slot_count)
        ws->first_free = index;
    else
        ws->slots[ws->last_free].next_free = index;
    ws->last_free = index;
    ws->slots_used--;
}

/* Room for a record behind the others, without moving what is lent. */
static bool reserve_record(movex_ws *ws, size_t size)
{
    const movex_allocator *allocator = &ws->config.allocator;
    if (!ws->lent) return movex_ws_reserve(allocator, &ws->events, size);
    if (ws->events.capacity - ws->events.end >= size) return true;
    movex_ws_bytes fresh = {0};
    size_t         held = movex_ws_held(&ws->events);
    if (!movex_ws_reserve(allocator, &fresh, held + size)) return false;
    memcpy(fresh.data, ws->events.data + ws->events.start, held);
    fresh.end = held;
    ws->kept = ws->events;
    ws->events = fresh;
    ws->lent = false;
    return true;
}

bool movex_ws_report(movex_ws *ws, movex_io_kind kind, movex_link number, const void *data, size_t length)
{
    movex_ws_record record = {.kind = kind, .number = number, .length = length};
    size_t          size = record_size(length);
    if (ws->dying) return true;
    if (!reserve_record(ws, size)) return false;
    unsigned char *at = ws->events.data + ws->events.end;
    memcpy(at, &record, sizeof record);
    if (length) memcpy(at + sizeof record, data, length);
    ws->events.end += size;
    return true;
}

void movex_ws_report_closed(movex_ws *ws, movex_link number, const char *text)
{
    if (movex_ws_report(ws, MOVEX_IO_CLOSED, number, text, strlen(text) + 1)) return;
    movex_ws_slot *slot = movex_ws_find(ws, number);
    slot->unreported = true;
    ws->unreported++;
}

void movex_ws_end_loan(movex_ws *ws)
{
    ws->lent = false;
    if (ws->kept.data) movex_ws_drop(&ws->config.allocator, &ws->kept);
}

bool movex_ws_has_event(const movex_ws *ws)
{
    return ws->events.start < ws->events.end || ws->unreported > 0;
}

/* A CLOSED for which there was no memory. */
static bool take_unreported(movex_ws *ws, movex_io_event *event)
{
    if (ws->unreported == 0) return false;
    movex_ws_slot *slot = ws->slots;
    while (!slot->unreported) slot++;
    *event = (movex_io_event){.kind = MOVEX_IO_CLOSED, .link = slot->number, .text = "out of memory"};
    movex_ws_free_slot(ws, slot);
    return true;
}

bool movex_ws_take_event(movex_ws *ws, movex_io_event *event)
{
    movex_ws_record record;
    while (ws->events.start < ws->events.end) {
        const unsigned char *at = ws->events.data + ws->events.start;
        memcpy(&record, at, sizeof record);
        ws->events.start += record_size(record.length);
        movex_ws_slot *slot = movex_ws_find(ws, record.number);
        if (!slot) continue;
        const void *data = at + sizeof record;
        *event = (movex_io_event){.kind = record.kind, .link = record.number};
        if (record.kind == MOVEX_IO_MESSAGE) {
            event->data = data;
            event->length = record.length;
        } else {
            event->text = data;
        }
        if (record.kind == MOVEX_IO_CLOSED) movex_ws_free_slot(ws, slot);
        ws->lent = true;
        return true;
    }
    return take_unreported(ws, event);
}
