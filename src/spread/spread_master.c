/* The emitter of one master: its links are the connections of all services. */
#include "spread_internal.h"

#include <assert.h>

static movex_spread_link *link_of(const movex_spread_shard *shard, movex_link number)
{
    return movex_map_get(&shard->links, number, NULL, NULL);
}

static void tell_service(movex_spread_shard *shard, uint32_t service, const movex_spread_record *record)
{
    bool                was_empty;
    movex_spread_queue *inbox = &shard->spread->services[service].inbox;
    movex_spread_queue_keep_promise(inbox, record, &was_empty);
    if (was_empty) movex_spread_wake(shard->spread, service);
}

static uint32_t service_of(const movex_spread_shard *shard, movex_link number)
{
    return (number - 1) % shard->spread->config.services;
}

static uint32_t connection_of(const movex_spread_shard *shard, movex_link number)
{
    return (number - 1) / shard->spread->config.services;
}

static void say_end(movex_spread_shard *shard, movex_link number, movex_spread_kind kind)
{
    movex_spread_record record = {.kind = kind, .from = shard->index, .connection = connection_of(shard, number)};
    tell_service(shard, service_of(shard, number), &record);
}

static void forget(movex_spread_shard *shard, movex_spread_link *link)
{
    movex_map_remove(&shard->links, link->number, link);
    movex_release(&shard->spread->config.allocator, link, sizeof *link);
}

static bool add_link(movex_spread_shard *shard, movex_link number)
{
    const movex_allocator *allocator = &shard->spread->config.allocator;
    movex_spread_link     *link = movex_allocate(allocator, sizeof *link);
    if (!link) return false;
    link->number = number;
    if (movex_map_put(&shard->links, allocator, number, link)) return true;
    movex_release(allocator, link, sizeof *link);
    return false;
}

/* What a record means for the master: an event, or nothing (false). */
static bool event_of(movex_spread_shard *shard, const movex_spread_record *record, const unsigned char *bytes,
                     movex_io_event *event)
{
    movex_link         number = record->connection * shard->spread->config.services + record->from + 1;
    movex_spread_link *link = link_of(shard, number);
    *event = (movex_io_event){.link = number};
    switch (record->kind) {
    case MOVEX_SPREAD_OPENED:
        event->kind = MOVEX_IO_OPENED;
        event->text = (const char *)bytes;
        if (add_link(shard, number)) return true;
        say_end(shard, number, MOVEX_SPREAD_CLOSED);
        return false;
    case MOVEX_SPREAD_FRAME:
        event->kind = MOVEX_IO_MESSAGE;
        event->data = bytes;
        event->length = record->length;
        return link != NULL;
    case MOVEX_SPREAD_CLOSED:
        if (!link) return false; /* this side has closed it as well, and has said so */
        forget(shard, link);
        say_end(shard, number, MOVEX_SPREAD_GONE);
        event->kind = MOVEX_IO_CLOSED;
        event->text = record->length ? (const char *)bytes : "its service has closed the connection";
        return true;
    case MOVEX_SPREAD_TAKEN:
        if (link) link->waiting -= record->length;
        return false;
    case MOVEX_SPREAD_GONE: break;
    }
    assert(!"a record that no service sends");
    return false;
}

static int shard_recv(void *self, movex_io_event *event)
{
    movex_spread_shard  *shard = self;
    movex_spread_record  record;
    const unsigned char *bytes;
    do {
        while (movex_spread_next(&shard->taken, &shard->at, &record, &bytes))
            if (event_of(shard, &record, bytes, event)) return MOVEX_OK;
        shard->at = 0;
    } while (movex_spread_queue_take(&shard->inbox, &shard->taken));
    return MOVEX_ERR_AGAIN;
}

static int shard_send(void *self, movex_link number, const void *frame, size_t length)
{
    movex_spread_shard *shard = self;
    movex_spread_link  *link = link_of(shard, number);
    bool                was_empty;
    if (!link) return MOVEX_ERR_CLOSED;
    if (length == 0 || length > shard->ops.max_frame) return MOVEX_ERR_ARGUMENT;
    if (link->waiting > 0 && link->waiting + length > shard->spread->config.queue_bytes) return MOVEX_ERR_AGAIN;
    uint32_t            service = service_of(shard, number);
    movex_spread_record record = {.kind = MOVEX_SPREAD_FRAME,
                                  .from = shard->index,
                                  .connection = connection_of(shard, number),
                                  .length = (uint32_t)length};
    if (!movex_spread_queue_put(&shard->spread->services[service].inbox, &record, frame, &was_empty, NULL))
        return MOVEX_ERR_MEMORY;
    link->waiting += (uint32_t)length;
    if (was_empty) movex_spread_wake(shard->spread, service);
    return MOVEX_OK;
}

static void shard_close(void *self, movex_link number)
{
    movex_spread_shard *shard = self;
    movex_spread_link  *link = link_of(shard, number);
    if (!link) return;
    forget(shard, link);
    say_end(shard, number, MOVEX_SPREAD_CLOSED);
}

static int shard_open(void *self, const char *address, movex_link *link)
{
    (void)self, (void)address, (void)link;
    return MOVEX_ERR_UNSUPPORTED;
}

static int shard_listen(void *self)
{
    (void)self;
    return MOVEX_OK;
}

static int shard_wait(void *self, uint32_t timeout_ms)
{
    movex_spread_shard *shard = self;
    if (shard->at < shard->taken.length) return MOVEX_OK;
    movex_spread_queue_wait(&shard->inbox, timeout_ms);
    return MOVEX_OK;
}

static void shard_wake(void *self)
{
    movex_spread_shard *shard = self;
    movex_spread_queue_ring(&shard->inbox);
}

/* Its memory is the spread's. */
static void shard_destroy(void *self)
{
    movex_spread_shard *shard = self;
    for (uint32_t i = 0; i < shard->links.capacity; i++)
        while (shard->links.entries[i].value) {
            const movex_spread_link *link = shard->links.entries[i].value;
            shard_close(shard, link->number);
        }
}

static const movex_io_ops operations = {
    .name = "spread",
    .open = shard_open,
    .send = shard_send,
    .recv = shard_recv,
    .close = shard_close,
    .destroy = shard_destroy,
    .listen = shard_listen,
    .wait = shard_wait,
    .wake = shard_wake,
};

bool movex_spread_shard_init(movex_spread_shard *shard, movex_spread *spread, uint32_t index)
{
    *shard = (movex_spread_shard){.spread = spread, .index = index, .ops = operations};
    shard->ops.max_frame = spread->config.max_frame;
    return movex_spread_queue_init(&shard->inbox, &spread->config.allocator);
}

void movex_spread_shard_end(movex_spread_shard *shard)
{
    const movex_allocator *allocator = &shard->spread->config.allocator;
    for (uint32_t i = 0; i < shard->links.capacity; i++)
        if (shard->links.entries[i].value)
            movex_release(allocator, shard->links.entries[i].value, sizeof(movex_spread_link));
    movex_map_free(&shard->links, allocator);
    movex_buffer_free(&shard->taken, allocator);
    movex_spread_queue_end(&shard->inbox);
}
