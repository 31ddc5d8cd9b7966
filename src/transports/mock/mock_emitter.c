/* The table of functions of the mock's emitters. */
#include "mock_internal.h"

#include <string.h>

static mock_emitter *listener_of(const movex_mock *net, const char *name)
{
    mock_emitter *emitter = net->emitters;
    while (emitter && !(emitter->listening && strcmp(emitter->name, name) == 0)) emitter = emitter->next;
    return emitter;
}

static int mock_listen(void *self)
{
    mock_emitter *emitter = self;
    if (emitter->crashed) return MOVEX_ERR_CLOSED;
    if (listener_of(emitter->net, emitter->name)) return MOVEX_ERR_ADDRESS_IN_USE;
    emitter->listening = true;
    return MOVEX_OK;
}

static int mock_open(void *self, const char *address, movex_link *number)
{
    mock_emitter *emitter = self;
    movex_mock   *net = emitter->net;
    if (emitter->crashed) return MOVEX_ERR_CLOSED;
    if (!address) address = emitter->address;
    if (strlen(address) >= MOVEX_MOCK_NAME_SIZE || strcmp(address, emitter->name) == 0) return MOVEX_ERR_ADDRESS;
    mock_emitter *listener = listener_of(net, address);
    bool          fails = movex_dice_chance(&emitter->party->dice, net->faults.dial_failure_per_mille);
    mock_link    *link = movex_mock_link_new(emitter, fails ? NULL : listener, address);
    if (!link) return MOVEX_ERR_MEMORY;
    net->stats.dials++;
    *number = link->number;
    if (fails || !listener) {
        net->stats.failed_dials++;
        movex_mock_tell_closed(&link->ends[0], fails ? "dialling failed" : "nobody listens at this address", fails);
    } else {
        movex_mock_set_out(&link->ends[1], &link->ends[1].opened);
    }
    return MOVEX_OK;
}

/* Nobody will receive it, and the sender cannot know. What goes to a deaf end is never acknowledged, and fills the queue. */
static void send_into_nothing(mock_end *receiver, const void *frame, size_t length)
{
    movex_mock *net = receiver->link->net;
    net->stats.frames_lost++;
    net->sent++;
    if (receiver->deaf) receiver->bytes += length;
    if (!net->tap) return;
    const mock_parcel parcel = {.kind = MOVEX_IO_MESSAGE,
                                .to = receiver,
                                .number = net->sent,
                                .sent_ms = net->now_ms,
                                .due_ms = UINT64_MAX,
                                .length = length};
    movex_mock_frame  shown;
    movex_mock_describe(&parcel, &shown);
    shown.data = frame;
    net->tap(net->user, &shown);
}

static int mock_send(void *self, movex_link number, const void *frame, size_t length)
{
    mock_emitter *emitter = self;
    movex_mock   *net = emitter->net;
    mock_end     *end = movex_mock_find_end(emitter, number);
    if (!end) return MOVEX_ERR_CLOSED;
    mock_end *receiver = movex_mock_other(end);
    bool      gone = end->link->cut || end->closing || !receiver->emitter;
    bool      lost = gone || receiver->deaf;
    if (length == 0 || length > net->ops.max_frame) return MOVEX_ERR_ARGUMENT;
    if (!end->link->open) return gone ? MOVEX_ERR_CLOSED : MOVEX_ERR_AGAIN;
    bool full = receiver->bytes > 0 && receiver->bytes + length > net->queue_bytes;
    if (full && !gone) return MOVEX_ERR_AGAIN;
    mock_parcel *parcel = lost ? NULL : movex_mock_take_parcel(net, length);
    if (!lost && !parcel) return MOVEX_ERR_MEMORY;
    net->stats.frames_sent++;
    net->stats.bytes_sent += length;
    if (lost) {
        send_into_nothing(receiver, frame, length);
        return MOVEX_OK;
    }
    memcpy(parcel->bytes, frame, length);
    movex_mock_spoil(emitter, receiver, parcel);
    movex_mock_set_out(receiver, parcel);
    movex_mock_provoke(receiver);
    return MOVEX_OK;
}

static void take_back_lent(mock_emitter *emitter)
{
    if (emitter->lent) movex_mock_keep_parcel(emitter->net, emitter->lent);
    emitter->lent = NULL;
}

static int mock_recv(void *self, movex_io_event *event)
{
    mock_emitter *emitter = self;
    take_back_lent(emitter);
    mock_parcel *parcel = emitter->stalled_until_ms ? NULL : movex_mock_pop(&emitter->inbox);
    if (!parcel) return MOVEX_ERR_AGAIN;
    mock_end *end = parcel->to;
    *event = (movex_io_event){.kind = parcel->kind, .link = end->link->number};
    switch (parcel->kind) {
    case MOVEX_IO_OPENED:
        /* The peer, with its name, may be gone before the next recv. */
        memcpy(emitter->peer, movex_mock_other(end)->name, sizeof emitter->peer);
        event->text = emitter->peer;
        break;
    case MOVEX_IO_MESSAGE:
        end->bytes -= parcel->length;
        event->data = parcel->bytes;
        event->length = parcel->length;
        emitter->lent = parcel;
        break;
    case MOVEX_IO_CLOSED:
        event->text = parcel->text;
        movex_mock_leave(end);
        break;
    }
    return MOVEX_OK;
}

static void mock_close(void *self, movex_link number)
{
    mock_end *end = movex_mock_find_end(self, number);
    if (end) movex_mock_close_end(end);
}

static void mock_destroy(void *self)
{
    mock_emitter *emitter = self;
    movex_mock   *net = emitter->net;
    take_back_lent(emitter);
    for (uint32_t number = 1; number <= net->link_capacity; number++) mock_close(emitter, number);
    mock_emitter **at = &net->emitters;
    while (*at != emitter) at = &(*at)->next;
    *at = emitter->next;
    movex_mock_release_block(&net->allocator, emitter, sizeof *emitter);
    movex_mock_drop(net);
}

const movex_io_ops movex_mock_ops = {
    .name = "mock",
    .open = mock_open,
    .send = mock_send,
    .recv = mock_recv,
    .close = mock_close,
    .destroy = mock_destroy,
    .listen = mock_listen,
    .in_process = true,
};
