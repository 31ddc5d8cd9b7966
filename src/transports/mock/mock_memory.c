/* What a mock network is made of: its memory, parcels used again, queues. */
#include "mock_internal.h"

#include <assert.h>
#include <string.h>

void *movex_mock_allocate(const movex_allocator *allocator, size_t size)
{
    void *block = allocator->allocate(allocator->user, size);
    return block ? memset(block, 0, size) : NULL;
}

void movex_mock_release_block(const movex_allocator *allocator, void *block, size_t size)
{
    if (block) allocator->release(allocator->user, block, size);
}

static size_t room(uint32_t size)
{
    return (size_t)MOCK_SMALLEST_PARCEL << size;
}

void movex_mock_drop(movex_mock *net)
{
    if (--net->references > 0) return;
    assert(net->on_the_way == 0 && !net->emitters);
    movex_allocator allocator = net->allocator;
    for (uint32_t size = 0; size < MOCK_PARCEL_SIZES; size++) {
        for (mock_parcel *parcel = net->spare[size], *next; parcel; parcel = next) {
            next = parcel->next;
            movex_mock_release_block(&allocator, parcel, sizeof *parcel + room(size));
        }
    }
    for (mock_party *party = net->parties, *next; party; party = next) {
        next = party->next;
        movex_mock_release_block(&allocator, party, sizeof *party);
    }
    movex_mock_release_block(&allocator, net->links, net->link_capacity * sizeof(mock_link *));
    movex_mock_release_block(&allocator, net->schedule, net->schedule_capacity * sizeof(mock_end *));
    movex_mock_release_block(&allocator, net, sizeof *net);
}

mock_parcel *movex_mock_take_parcel(movex_mock *net, size_t length)
{
    uint32_t size = 0;
    while (room(size) < length)
        if (++size == MOCK_PARCEL_SIZES) return NULL;
    mock_parcel *parcel = net->spare[size];
    if (parcel)
        net->spare[size] = parcel->next;
    else
        parcel = net->allocator.allocate(net->allocator.user, sizeof *parcel + room(size));
    if (!parcel) return NULL;
    *parcel =
        (mock_parcel){.kind = MOVEX_IO_MESSAGE, .size = size, .length = length, .bytes = (unsigned char *)(parcel + 1)};
    return parcel;
}

void movex_mock_keep_parcel(movex_mock *net, mock_parcel *parcel)
{
    if (parcel->kind != MOVEX_IO_MESSAGE) return;
    parcel->next = net->spare[parcel->size];
    net->spare[parcel->size] = parcel;
}

void movex_mock_push(mock_queue *queue, mock_parcel *parcel)
{
    parcel->next = NULL;
    if (queue->last)
        queue->last->next = parcel;
    else
        queue->first = parcel;
    queue->last = parcel;
}

mock_parcel *movex_mock_pop(mock_queue *queue)
{
    mock_parcel *parcel = queue->first;
    if (!parcel) return NULL;
    queue->first = parcel->next;
    if (!queue->first) queue->last = NULL;
    parcel->next = NULL;
    return parcel;
}
