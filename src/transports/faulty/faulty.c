/* The faulty emitter's table of functions, and its time. */
#include "faulty_internal.h"

#include <movex/text.h>

enum { DEFAULT_QUEUE_BYTES = 1 << 20 };

static int faulty_open(void *self, const char *address, movex_link *number)
{
    faulty_io *io = self;
    bool       fails = io->refuses || movex_dice_chance(&io->dice, io->faults.dial_failure_per_mille);
    movex_link inner = 0;
    int        status = fails ? MOVEX_OK : io->inner.ops->open(io->inner.self, address, &inner);
    if (status != MOVEX_OK) return status;
    faulty_link *link = movex_faulty_link_new(io, inner);
    if (!link) {
        if (inner) io->inner.ops->close(io->inner.self, inner);
        return MOVEX_ERR_MEMORY;
    }
    io->stats.failed_dials += fails;
    if (fails) movex_faulty_tell_closed(io, link, "dialling failed");
    *number = link->number;
    return MOVEX_OK;
}

static int faulty_send(void *self, movex_link number, const void *frame, size_t length)
{
    faulty_io   *io = self;
    faulty_link *link = movex_faulty_find(io, number);
    if (!link) return MOVEX_ERR_CLOSED;
    if (length == 0 || length > io->ops.max_frame) return MOVEX_ERR_ARGUMENT;
    if (!link->open) return MOVEX_ERR_AGAIN;
    bool full = link->bytes[FAULTY_GOING] > 0 && link->bytes[FAULTY_GOING] + length > io->queue_bytes;
    if (full && !link->cut) return MOVEX_ERR_AGAIN;
    if (movex_dice_chance(&io->dice, io->again_per_mille)) {
        io->stats.refused++;
        return MOVEX_ERR_AGAIN;
    }
    if (link->cut || link->mute || !link->inner) {
        io->stats.frames_lost++;
        link->bytes[FAULTY_GOING] += length; /* nobody acknowledges it */
        return MOVEX_OK;
    }
    if (!movex_faulty_set_out(io, link, FAULTY_GOING, frame, length)) return MOVEX_ERR_MEMORY;
    movex_faulty_provoke(io, link, FAULTY_GOING);
    movex_faulty_flush(io, false);
    return MOVEX_OK;
}

/* ---- receiving */

static void take_opened(faulty_io *io, const movex_io_event *event)
{
    faulty_link *link = movex_faulty_find_inner(io, event->link);
    if (!link) link = movex_faulty_link_new(io, event->link);
    if (!link) {
        io->inner.ops->close(io->inner.self, event->link);
        return;
    }
    if (event->text) movex_text_set(link->address, event->text);
    if (!link->cut) link->opened_ms = movex_faulty_due(io, &link->last_ms[FAULTY_COMING]);
}

static void take_message(faulty_io *io, const movex_io_event *event)
{
    faulty_link *link = movex_faulty_find_inner(io, event->link);
    if (!link || !link->owned || link->cut || link->deaf) {
        io->stats.frames_lost++;
        return;
    }
    if (movex_faulty_set_out(io, link, FAULTY_COMING, event->data, event->length))
        movex_faulty_provoke(io, link, FAULTY_COMING);
    else
        movex_faulty_cut_link(io, link, false, 0); /* a frame may be lost only with its link */
}

static void take_closed(faulty_io *io, const movex_io_event *event)
{
    faulty_link *link = movex_faulty_find_inner(io, event->link);
    if (!link) return;
    link->inner = 0;
    if (!link->deaf) movex_faulty_tell_closed(io, link, event->text ? event->text : "the connection was lost");
    link->hang_up_ms = io->now_ms;
}

static size_t waiting_bytes(const faulty_io *io)
{
    size_t bytes = 0;
    for (const faulty_link *link = io->links; link; link = link->next) bytes += link->bytes[FAULTY_COMING];
    return bytes;
}

static void pull(faulty_io *io)
{
    movex_io_event event;
    while (!movex_faulty_is_stalled(io) && waiting_bytes(io) < io->queue_bytes) {
        event = (movex_io_event){0};
        if (io->inner.ops->recv(io->inner.self, &event) != MOVEX_OK) return;
        switch (event.kind) {
        case MOVEX_IO_OPENED: take_opened(io, &event); break;
        case MOVEX_IO_MESSAGE: take_message(io, &event); break;
        case MOVEX_IO_CLOSED: take_closed(io, &event); break;
        }
    }
}

static bool give_opened(faulty_io *io, movex_io_event *event)
{
    faulty_link *link = io->links;
    while (link && !(link->owned && link->opened_ms <= io->now_ms)) link = link->next;
    if (!link) return false;
    link->opened_ms = UINT64_MAX;
    link->open = true;
    movex_text_set(io->text, link->address);
    *event = (movex_io_event){.kind = MOVEX_IO_OPENED, .link = link->number, .text = io->text};
    return true;
}

static bool give_message(faulty_io *io, movex_io_event *event)
{
    faulty_parcel *before = NULL, *parcel = io->queues[FAULTY_COMING].first;
    for (; parcel && parcel->due_ms > io->now_ms; parcel = parcel->next) before = parcel;
    if (!parcel) return false;
    movex_faulty_take_out(io, FAULTY_COMING, before, parcel);
    io->lent = parcel;
    io->stats.frames_passed++;
    *event = (movex_io_event){
        .kind = MOVEX_IO_MESSAGE, .link = parcel->link->number, .data = parcel + 1, .length = parcel->length};
    return true;
}

static bool give_closed(faulty_io *io, movex_io_event *event)
{
    faulty_link *link = io->links;
    while (link && !(link->owned && link->closed_ms <= io->now_ms && link->count[FAULTY_COMING] == 0))
        link = link->next;
    if (!link) return false;
    movex_text_set(io->text, link->cause);
    *event = (movex_io_event){.kind = MOVEX_IO_CLOSED, .link = link->number, .text = io->text};
    link->owned = false;
    movex_faulty_link_done(io, link);
    return true;
}

static int faulty_recv(void *self, movex_io_event *event)
{
    faulty_io *io = self;
    movex_faulty_parcel_free(io, io->lent);
    io->lent = NULL;
    if (movex_faulty_is_stalled(io)) return MOVEX_ERR_AGAIN;
    pull(io);
    movex_faulty_flush(io, false);
    bool given = give_opened(io, event) || give_message(io, event) || give_closed(io, event);
    return given ? MOVEX_OK : MOVEX_ERR_AGAIN;
}

/* ---- closing */

static void faulty_close(void *self, movex_link number)
{
    faulty_io   *io = self;
    faulty_link *link = movex_faulty_find(io, number);
    if (!link) return;
    /* Over a link that is dead in this direction, the other side does not hear of it before that is found out. */
    bool unheard = link->mute && link->cut_at_ms != UINT64_MAX;
    if (link->hang_up_ms == UINT64_MAX) link->hang_up_ms = unheard ? link->cut_at_ms : io->now_ms;
    link->owned = false;
    link->cut_at_ms = UINT64_MAX;
    movex_faulty_lose(io, link, FAULTY_COMING, 0);
    movex_faulty_flush(io, false);
}

static void faulty_destroy(void *self)
{
    faulty_io *io = self;
    movex_faulty_flush(io, true);
    movex_faulty_parcel_free(io, io->lent);
    io->inner.ops->destroy(io->inner.self);
    while (io->links) {
        io->links->owned = false;
        io->links->inner = 0;
        movex_faulty_link_done(io, io->links);
    }
    movex_allocator allocator = io->allocator;
    allocator.release(allocator.user, io, sizeof *io);
}

/* ---- optional functions */

static int faulty_listen(void *self)
{
    faulty_io *io = self;
    return io->inner.ops->listen(io->inner.self);
}

static int faulty_wait(void *self, uint32_t timeout_ms)
{
    faulty_io *io = self;
    uint64_t   deadline = movex_faulty_deadline((movex_io){.self = self});
    uint64_t   left = deadline > io->now_ms ? deadline - io->now_ms : 0;
    return io->inner.ops->wait(io->inner.self, left < timeout_ms ? (uint32_t)left : timeout_ms);
}

static int faulty_fd(void *self)
{
    faulty_io *io = self;
    return io->inner.ops->fd(io->inner.self);
}

static void faulty_wake(void *self)
{
    faulty_io *io = self;
    io->inner.ops->wake(io->inner.self);
}

/* ---- making, and time */

static bool is_complete(movex_io io)
{
    return io.ops && io.self && io.ops->open && io.ops->send && io.ops->recv && io.ops->close && io.ops->destroy;
}

static const movex_io_ops faulty_ops = {
    .name = "faulty",
    .open = faulty_open,
    .send = faulty_send,
    .recv = faulty_recv,
    .close = faulty_close,
    .destroy = faulty_destroy,
};

movex_io movex_faulty(movex_io inner, const movex_faulty_config *config)
{
    const movex_faulty_config defaults = {0};
    if (!config) config = &defaults;
    movex_allocator allocator = config->allocator.allocate ? config->allocator : movex_allocator_default();
    faulty_io      *io = is_complete(inner) ? movex_faulty_allocate(&allocator, sizeof *io) : NULL;
    if (!io) {
        if (inner.ops && inner.self && inner.ops->destroy) inner.ops->destroy(inner.self);
        return (movex_io){.ops = &faulty_ops};
    }
    io->inner = inner;
    io->allocator = allocator;
    io->ops = faulty_ops;
    io->ops.max_frame = inner.ops->max_frame;
    io->ops.in_process = inner.ops->in_process;
    if (inner.ops->listen) io->ops.listen = faulty_listen;
    if (inner.ops->wait) io->ops.wait = faulty_wait;
    if (inner.ops->fd) io->ops.fd = faulty_fd;
    if (inner.ops->wake) io->ops.wake = faulty_wake;
    io->dice = config->seed;
    io->latency_ms = config->latency_ms;
    io->faults = config->faults;
    io->again_per_mille = config->again_per_mille;
    io->queue_bytes = config->queue_bytes ? config->queue_bytes : DEFAULT_QUEUE_BYTES;
    return (movex_io){.ops = &io->ops, .self = io};
}

void movex_faulty_poll(movex_io faulty, uint64_t now_ms)
{
    faulty_io *io = faulty.self;
    if (now_ms > io->now_ms) io->now_ms = now_ms;
    for (faulty_link *link = io->links; link; link = link->next)
        if (link->cut_at_ms <= io->now_ms) movex_faulty_cut_link(io, link, false, 0);
    movex_faulty_flush(io, false);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t movex_faulty_deadline(movex_io faulty)
{
    const faulty_io *io = faulty.self;
    uint64_t         deadline = UINT64_MAX;
    for (int direction = 0; direction < 2; direction++)
        for (const faulty_parcel *parcel = io->queues[direction].first; parcel; parcel = parcel->next)
            deadline = earlier(deadline, parcel->due_ms);
    for (const faulty_link *link = io->links; link; link = link->next) {
        if (link->owned) deadline = earlier(deadline, earlier(link->opened_ms, link->closed_ms));
        deadline = earlier(deadline, earlier(link->cut_at_ms, link->hang_up_ms));
    }
    if (io->stalled_until_ms > io->now_ms) deadline = earlier(deadline, io->stalled_until_ms);
    return deadline;
}
