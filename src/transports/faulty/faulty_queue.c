/* Links of the faulty emitter, and the frames that are delayed on them. */
#include "faulty_internal.h"

#include <string.h>

void *movex_faulty_allocate(const movex_allocator *allocator, size_t size)
{
    void *block = allocator->allocate(allocator->user, size);
    return block ? memset(block, 0, size) : NULL;
}

static void release(faulty_io *io, void *block, size_t size)
{
    io->allocator.release(io->allocator.user, block, size);
}

/* ---- links */

faulty_link *movex_faulty_link_new(faulty_io *io, movex_link inner)
{
    faulty_link *link = movex_faulty_allocate(&io->allocator, sizeof *link);
    if (!link) return NULL;
    do io->last_number++;
    while (io->last_number == 0 || movex_faulty_find(io, io->last_number));
    link->number = io->last_number;
    link->inner = inner;
    link->owned = true;
    link->opened_ms = link->closed_ms = link->cut_at_ms = link->hang_up_ms = UINT64_MAX;
    link->next = io->links;
    io->links = link;
    return link;
}

faulty_link *movex_faulty_find(const faulty_io *io, movex_link number)
{
    faulty_link *link = io->links;
    while (link && !(link->owned && link->number == number)) link = link->next;
    return link;
}

faulty_link *movex_faulty_find_inner(const faulty_io *io, movex_link inner)
{
    faulty_link *link = io->links;
    while (link && link->inner != inner) link = link->next;
    return link;
}

void movex_faulty_link_done(faulty_io *io, faulty_link *link)
{
    if (link->owned || link->inner) return;
    movex_faulty_lose(io, link, FAULTY_COMING, 0);
    movex_faulty_lose(io, link, FAULTY_GOING, 0);
    faulty_link **at = &io->links;
    while (*at != link) at = &(*at)->next;
    *at = link->next;
    release(io, link, sizeof *link);
}

/* ---- frames */

bool movex_faulty_set_out(faulty_io *io, faulty_link *link, int direction, const void *frame, size_t length)
{
    faulty_parcel *parcel = io->allocator.allocate(io->allocator.user, sizeof *parcel + length);
    faulty_queue  *queue = &io->queues[direction];
    if (!parcel) return false;
    *parcel = (faulty_parcel){.link = link, .length = length, .capacity = length};
    memcpy(parcel + 1, frame, length);
    movex_faulty_spoil(io, parcel);
    parcel->due_ms = movex_faulty_due(io, &link->last_ms[direction]);
    if (queue->last)
        queue->last->next = parcel;
    else
        queue->first = parcel;
    queue->last = parcel;
    link->bytes[direction] += parcel->capacity;
    link->count[direction]++;
    return true;
}

void movex_faulty_parcel_free(faulty_io *io, faulty_parcel *parcel)
{
    if (parcel) release(io, parcel, sizeof *parcel + parcel->capacity);
}

void movex_faulty_take_out(faulty_io *io, int direction, faulty_parcel *before, faulty_parcel *parcel)
{
    faulty_queue *queue = &io->queues[direction];
    if (before)
        before->next = parcel->next;
    else
        queue->first = parcel->next;
    if (queue->last == parcel) queue->last = before;
    parcel->link->bytes[direction] -= parcel->capacity;
    parcel->link->count[direction]--;
}

void movex_faulty_lose(faulty_io *io, faulty_link *link, int direction, uint64_t kept)
{
    faulty_parcel *before = NULL, *parcel = io->queues[direction].first, *next;
    for (; parcel; parcel = next) {
        next = parcel->next;
        if (parcel->link != link || kept > 0) {
            if (parcel->link == link) kept--;
            before = parcel;
            continue;
        }
        movex_faulty_take_out(io, direction, before, parcel);
        movex_faulty_parcel_free(io, parcel);
        io->stats.frames_lost++;
    }
}

/* ---- going out */

/* Whether the queue has an earlier parcel of the same link: the inner emitter had no room for it. */
static bool is_behind(const faulty_io *io, const faulty_parcel *parcel)
{
    const faulty_parcel *other = io->queues[FAULTY_GOING].first;
    while (other != parcel && other->link != parcel->link) other = other->next;
    return other != parcel;
}

static void send_due(faulty_io *io, bool all)
{
    faulty_parcel *before = NULL, *parcel = io->queues[FAULTY_GOING].first, *next;
    for (; parcel; parcel = next) {
        next = parcel->next;
        bool is_due = (all || parcel->due_ms <= io->now_ms) && !is_behind(io, parcel);
        int  status = MOVEX_ERR_AGAIN;
        if (is_due)
            status = parcel->link->inner
                         ? io->inner.ops->send(io->inner.self, parcel->link->inner, parcel + 1, parcel->length)
                         : MOVEX_ERR_CLOSED;
        if (status == MOVEX_ERR_AGAIN) {
            before = parcel;
            continue;
        }
        if (status == MOVEX_OK)
            io->stats.frames_passed++;
        else
            io->stats.frames_lost++;
        movex_faulty_take_out(io, FAULTY_GOING, before, parcel);
        movex_faulty_parcel_free(io, parcel);
    }
}

void movex_faulty_flush(faulty_io *io, bool all)
{
    send_due(io, all);
    for (faulty_link *link = io->links, *next; link; link = next) {
        next = link->next;
        bool is_due = link->hang_up_ms != UINT64_MAX && link->hang_up_ms <= io->now_ms;
        if (!is_due || (link->count[FAULTY_GOING] > 0 && !link->cut)) continue;
        if (link->inner) io->inner.ops->close(io->inner.self, link->inner);
        link->inner = 0;
        link->hang_up_ms = UINT64_MAX;
        movex_faulty_link_done(io, link);
    }
}
