#include "cuttable.h"

#include <stdlib.h>

typedef struct cuttable_io {
    movex_io     inner;
    movex_io_ops ops; /* the inner's, with what is cut in place of its own */
    movex_link   link;
    bool         cut; /* CLOSED is to be reported */
    bool         refuse;
    uint64_t     passed[2], limit[2]; /* bytes: from the master, to it */
} cuttable_io;

/* True if a frame may pass; else the link is cut. */
static bool pass(cuttable_io *io, bool upwards, size_t length)
{
    if (io->limit[upwards] == UINT64_MAX || io->passed[upwards] + length <= io->limit[upwards]) {
        io->passed[upwards] += length;
        return true;
    }
    io->limit[upwards] = UINT64_MAX;
    cuttable_cut((movex_io){.self = io});
    return false;
}

static int cuttable_open(void *self, const char *address, movex_link *link)
{
    cuttable_io *io = self;
    if (io->refuse) return MOVEX_ERR_CLOSED;
    int status = io->inner.ops->open(io->inner.self, address, link);
    io->link = status == MOVEX_OK ? *link : 0;
    return status;
}

static int cuttable_send(void *self, movex_link link, const void *frame, size_t length)
{
    cuttable_io *io = self;
    if (!io->cut && !pass(io, true, length)) return MOVEX_OK; /* taken, and lost */
    return io->cut ? MOVEX_ERR_CLOSED : io->inner.ops->send(io->inner.self, link, frame, length);
}

static int cuttable_recv(void *self, movex_io_event *event)
{
    cuttable_io *io = self;
    if (io->cut) {
        io->cut = false;
        *event = (movex_io_event){.kind = MOVEX_IO_CLOSED, .link = io->link, .text = "cut"};
        io->link = 0;
        return MOVEX_OK;
    }
    int status = io->inner.ops->recv(io->inner.self, event);
    if (status == MOVEX_OK && event->kind == MOVEX_IO_MESSAGE && !pass(io, false, event->length))
        return cuttable_recv(self, event);
    if (status == MOVEX_OK && event->kind == MOVEX_IO_CLOSED) io->link = 0;
    return status;
}

static void cuttable_close(void *self, movex_link link)
{
    cuttable_io *io = self;
    if (!io->cut) io->inner.ops->close(io->inner.self, link);
    io->cut = false;
    io->link = 0;
}

static void cuttable_destroy(void *self)
{
    cuttable_io *io = self;
    io->inner.ops->destroy(io->inner.self);
    free(io);
}

movex_io cuttable(movex_io inner)
{
    cuttable_io *io = calloc(1, sizeof *io);
    io->inner = inner;
    io->limit[0] = io->limit[1] = UINT64_MAX;
    io->ops = (movex_io_ops){
        .name = "cuttable",
        .max_frame = inner.ops->max_frame,
        .open = cuttable_open,
        .send = cuttable_send,
        .recv = cuttable_recv,
        .close = cuttable_close,
        .destroy = cuttable_destroy,
        .in_process = inner.ops->in_process,
    };
    return (movex_io){.ops = &io->ops, .self = io};
}

void cuttable_cut(movex_io self)
{
    cuttable_io *io = self.self;
    if (!io->link) return;
    io->inner.ops->close(io->inner.self, io->link);
    io->cut = true;
}

void cuttable_cut_after(movex_io self, bool upwards, uint64_t bytes)
{
    ((cuttable_io *)self.self)->limit[upwards] = bytes;
}

uint64_t cuttable_passed(movex_io self, bool upwards)
{
    return ((const cuttable_io *)self.self)->passed[upwards];
}

void cuttable_refuse(movex_io self, bool refuse)
{
    ((cuttable_io *)self.self)->refuse = refuse;
}
