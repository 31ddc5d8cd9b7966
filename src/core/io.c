#include "io.h"

int movex_io_check(movex_io io)
{
    if (!io.ops) return MOVEX_ERR_ARGUMENT;
    if (!io.self) return MOVEX_ERR_MEMORY;
    bool complete = io.ops->name && io.ops->open && io.ops->send && io.ops->recv && io.ops->close && io.ops->destroy;
    return complete && io.ops->max_frame >= MOVEX_IO_MIN_FRAME ? MOVEX_OK : MOVEX_ERR_ARGUMENT;
}

void movex_io_destroy(movex_io io)
{
    if (io.ops && io.self && io.ops->destroy) io.ops->destroy(io.self);
}
