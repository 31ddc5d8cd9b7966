/* Which end is next to receive something: a binary heap of ends. Room for all ends is made together with the links, so
   that nothing here can fail. */
#include "mock_internal.h"

#include <assert.h>

static bool is_sooner(const mock_end *a, const mock_end *b)
{
    const mock_parcel *first = a->coming.first, *second = b->coming.first;
    return first->due_ms != second->due_ms ? first->due_ms < second->due_ms : first->number < second->number;
}

static void put(movex_mock *net, size_t place, mock_end *end)
{
    net->schedule[place - 1] = end;
    end->place = place;
}

static void move_up(movex_mock *net, mock_end *end)
{
    size_t place = end->place;
    for (; place > 1 && is_sooner(end, net->schedule[place / 2 - 1]); place /= 2)
        put(net, place, net->schedule[place / 2 - 1]);
    put(net, place, end);
}

static void move_down(movex_mock *net, mock_end *end)
{
    size_t place = end->place;
    for (;;) {
        size_t child = 2 * place;
        if (child > net->scheduled) break;
        if (child < net->scheduled && is_sooner(net->schedule[child], net->schedule[child - 1])) child++;
        if (!is_sooner(net->schedule[child - 1], end)) break;
        put(net, place, net->schedule[child - 1]);
        place = child;
    }
    put(net, place, end);
}

static void take_out(movex_mock *net, mock_end *end)
{
    size_t    place = end->place;
    mock_end *last = net->schedule[--net->scheduled];
    end->place = 0;
    if (last == end) return;
    put(net, place, last);
    move_up(net, last);
    move_down(net, last);
}

bool movex_mock_is_stopped(const mock_end *end)
{
    return (end->apart || movex_mock_other(end)->apart) && !end->coming.first->unaided;
}

void movex_mock_reschedule(mock_end *end)
{
    movex_mock *net = end->link->net;
    if (!end->coming.first || movex_mock_is_stopped(end)) {
        if (end->place) take_out(net, end);
        return;
    }
    if (!end->place) {
        assert(net->scheduled < net->schedule_capacity);
        put(net, ++net->scheduled, end);
    }
    move_up(net, end);
    move_down(net, end);
}
