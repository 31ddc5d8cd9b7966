#include "hub.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LINK_INDEX = (1 << 20) - 1 }; /* a websocket link's number has its slot in these bits, from 1 on */

typedef struct hub_end {
    hub        *hub;
    const char *url;
    movex_link  link; /* 0: none */
} hub_end;

struct hub {
    movex_io_ops   ops;
    movex_io       common;
    hub_end       *ends;
    int32_t       *end_of; /* by slot of a link: the client's index, or -1 */
    uint32_t       capacity;
    movex_io_event event; /* the first that has come, if `waits` */
    bool           waits;
};

static int end_open(void *self, const char *address, movex_link *link)
{
    hub_end *end = self;
    hub     *h = end->hub;
    int      status = h->common.ops->open(h->common.self, address ? address : end->url, link);
    if (status != MOVEX_OK) return status;
    end->link = *link;
    h->end_of[*link & LINK_INDEX] = (int32_t)(end - h->ends);
    return MOVEX_OK;
}

static int end_send(void *self, movex_link link, const void *frame, size_t length)
{
    hub_end *end = self;
    return end->hub->common.ops->send(end->hub->common.self, link, frame, length);
}

/* The first event, if it is for this client. */
static int end_recv(void *self, movex_io_event *event)
{
    hub_end *end = self;
    hub     *h = end->hub;
    if (!h->waits || h->event.link != end->link) return MOVEX_ERR_AGAIN;
    *event = h->event;
    h->waits = false;
    return MOVEX_OK;
}

static void end_close(void *self, movex_link link)
{
    hub_end *end = self;
    if (end->hub->waits && end->hub->event.link == link) end->hub->waits = false;
    end->hub->common.ops->close(end->hub->common.self, link);
    end->link = 0;
}

static void end_destroy(void *self)
{
    hub_end *end = self;
    if (end->link) end_close(end, end->link);
}

hub *hub_new(movex_io common, uint32_t capacity)
{
    hub *made = common.self ? calloc(1, sizeof *made) : NULL;
    if (!made) return NULL;
    made->common = common;
    made->capacity = capacity;
    made->ops = (movex_io_ops){.name = "hub",
                               .max_frame = common.ops->max_frame,
                               .open = end_open,
                               .send = end_send,
                               .recv = end_recv,
                               .close = end_close,
                               .destroy = end_destroy};
    made->ends = calloc(capacity, sizeof *made->ends);
    made->end_of = calloc(capacity + 1, sizeof *made->end_of);
    if (made->ends && made->end_of) return made;
    hub_free(made);
    return NULL;
}

void hub_free(hub *h)
{
    h->common.ops->destroy(h->common.self);
    free(h->ends);
    free(h->end_of);
    free(h);
}

movex_io hub_client(hub *h, uint32_t index, const char *url)
{
    h->ends[index] = (hub_end){.hub = h, .url = url};
    return (movex_io){.ops = &h->ops, .self = &h->ends[index]};
}

/* An event that its client has not taken is passed over: that client has given its link up. */
int32_t hub_next(hub *h)
{
    h->waits = h->common.ops->recv(h->common.self, &h->event) == MOVEX_OK;
    return h->waits ? h->end_of[h->event.link & LINK_INDEX] : -1;
}

void hub_wait(hub *h, uint32_t timeout_ms)
{
    h->common.ops->wait(h->common.self, timeout_ms);
}
