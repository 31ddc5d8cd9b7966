/* Writing messages to scratch, and queueing them on links. What goes wrong closes the link at the next flush. */
#include "master_internal.h"

movex_writer movex_master_message(movex_master *master, size_t extra)
{
    master->scratch.length = 0;
    if (!movex_buffer_reserve(&master->scratch, &master->allocator, MOVEX_MESSAGE_OVERHEAD + extra))
        return (movex_writer){NULL, NULL};
    return movex_writer_over(master->scratch.bytes, master->scratch.capacity);
}

bool movex_master_begin(movex_master *master, movex_master_link *link, size_t extra, movex_writer *writer)
{
    *writer = movex_master_message(master, extra);
    if (!writer->at) movex_master_fail(master, link, MOVEX_ERR_MEMORY);
    return writer->at != NULL;
}

void movex_master_fail(movex_master *master, movex_master_link *link, movex_status status)
{
    if (link->failure == MOVEX_OK) link->failure = status;
    if (!link->due.list) movex_list_append(&master->due, &link->due);
}

void movex_master_send(movex_master *master, movex_master_link *link, const movex_writer *writer)
{
    if (link->failure != MOVEX_OK) return;
    size_t length = (size_t)(writer->at - master->scratch.bytes);
    int    status = movex_channel_append(&link->channel, &master->allocator, master->scratch.bytes, length);
    if (status != MOVEX_OK) link->failure = (movex_status)status;
    if (!link->due.list) movex_list_append(&master->due, &link->due);
}
