/* Links of the mock network: how parcels set out, arrive and are lost. */
#include "mock_internal.h"

#include <movex/text.h>
#include <string.h>

/* ---- finding and making */

mock_end *movex_mock_other(const mock_end *end)
{
    return &end->link->ends[end == &end->link->ends[0]];
}

mock_end *movex_mock_find_end(const mock_emitter *emitter, movex_link number)
{
    const movex_mock *net = emitter->net;
    mock_link        *link = number && number <= net->link_capacity ? net->links[number - 1] : NULL;
    for (int i = 0; link && i < 2; i++)
        if (link->ends[i].emitter == emitter) return &link->ends[i];
    return NULL;
}

static void *grow(movex_mock *net, void *block, size_t old_count, size_t new_count)
{
    size_t each = sizeof(void *);
    return net->allocator.reallocate(net->allocator.user, block, old_count * each, new_count * each);
}

static uint32_t free_number(movex_mock *net)
{
    uint32_t index = 0;
    while (index < net->link_capacity && net->links[index]) index++;
    if (index < net->link_capacity) return index + 1;
    uint32_t grown = net->link_capacity ? net->link_capacity * 2 : 4;
    if (net->schedule_capacity < 2 * (size_t)grown) {
        mock_end **schedule = grow(net, net->schedule, net->schedule_capacity, 2 * (size_t)grown);
        if (!schedule) return 0;
        net->schedule = schedule;
        net->schedule_capacity = 2 * (size_t)grown;
    }
    mock_link **links = grow(net, net->links, net->link_capacity, grown);
    if (!links) return 0;
    memset(links + net->link_capacity, 0, (grown - net->link_capacity) * sizeof *links);
    net->links = links;
    net->link_capacity = grown;
    return index + 1;
}

static void set_up_end(mock_end *end, mock_link *link, mock_emitter *emitter, const char *name)
{
    end->link = link;
    end->emitter = emitter;
    end->apart = emitter && emitter->apart;
    end->opened = (mock_parcel){.kind = MOVEX_IO_OPENED, .to = end};
    end->closed = (mock_parcel){.kind = MOVEX_IO_CLOSED, .to = end};
    movex_text_set(end->name, name);
}

mock_link *movex_mock_link_new(mock_emitter *dialler, mock_emitter *listener, const char *address)
{
    movex_mock *net = dialler->net;
    uint32_t    number = free_number(net);
    mock_link  *link = number ? movex_mock_allocate(&net->allocator, sizeof *link) : NULL;
    if (!link) return NULL;
    link->net = net;
    link->number = number;
    link->cut_at_ms = UINT64_MAX;
    set_up_end(&link->ends[0], link, dialler, dialler->name);
    set_up_end(&link->ends[1], link, listener, address);
    for (int i = 0; i < 2; i++) link->ends[i].dice = movex_dice_draw(&dialler->party->dice);
    net->links[number - 1] = link;
    return link;
}

/* ---- on the way */

void movex_mock_describe(const mock_parcel *parcel, movex_mock_frame *frame)
{
    const mock_end *to = parcel->to, *from = movex_mock_other(to);
    *frame = (movex_mock_frame){
        .kind = parcel->kind,
        .link = to->link->number,
        .number = parcel->number,
        .from = from->name,
        .to = to->name,
        .by_dialler = from == &to->link->ends[0],
        .data = parcel->kind == MOVEX_IO_MESSAGE ? parcel->bytes : NULL,
        .length = parcel->length,
        .corrupted = parcel->corrupted,
        .text = parcel->text,
        .sent_ms = parcel->sent_ms,
        .due_ms = parcel->due_ms,
    };
}

void movex_mock_set_out(mock_end *end, mock_parcel *parcel)
{
    movex_mock *net = end->link->net;
    uint64_t    due_ms = net->now_ms + movex_dice_range(&end->dice, net->latency_ms);
    if (due_ms < end->last_due_ms) due_ms = end->last_due_ms;
    end->last_due_ms = due_ms;
    end->bytes += parcel->length;
    parcel->to = end;
    parcel->number = ++net->sent;
    parcel->sent_ms = net->now_ms;
    parcel->due_ms = due_ms;
    parcel->older = net->newest;
    parcel->newer = NULL;
    if (net->newest)
        net->newest->newer = parcel;
    else
        net->oldest = parcel;
    net->newest = parcel;
    net->on_the_way++;
    movex_mock_push(&end->coming, parcel);
    movex_mock_reschedule(end);
    if (!net->tap) return;
    movex_mock_frame frame;
    movex_mock_describe(parcel, &frame);
    net->tap(net->user, &frame);
}

static mock_parcel *take_first(mock_end *end)
{
    movex_mock  *net = end->link->net;
    mock_parcel *parcel = movex_mock_pop(&end->coming);
    if (parcel->older)
        parcel->older->newer = parcel->newer;
    else
        net->oldest = parcel->newer;
    if (parcel->newer)
        parcel->newer->older = parcel->older;
    else
        net->newest = parcel->older;
    parcel->older = parcel->newer = NULL;
    net->on_the_way--;
    return parcel;
}

static void lose(mock_end *end, mock_parcel *parcel)
{
    movex_mock *net = end->link->net;
    if (parcel->kind == MOVEX_IO_MESSAGE) net->stats.frames_lost++;
    end->bytes -= parcel->length;
    movex_mock_keep_parcel(net, parcel);
}

void movex_mock_arrive(mock_end *end)
{
    mock_parcel *parcel = take_first(end);
    movex_mock_reschedule(end);
    if (parcel->kind == MOVEX_IO_MESSAGE) end->link->net->stats.frames_delivered++;
    movex_mock_push(&end->emitter->inbox, parcel);
    if (parcel->kind != MOVEX_IO_OPENED) return;
    mock_end *dialler = movex_mock_other(end);
    end->link->open = true;
    movex_mock_push(&dialler->emitter->inbox, &dialler->opened);
}

/* ---- the end of a link */

/* Loses what is coming to an end, but for the first `kept`. */
static void lose_after(mock_end *end, uint64_t kept)
{
    mock_queue keep = {NULL, NULL};
    end->last_due_ms = 0;
    while (end->coming.first && kept-- > 0) {
        mock_parcel *parcel = movex_mock_pop(&end->coming);
        end->last_due_ms = parcel->due_ms;
        movex_mock_push(&keep, parcel);
    }
    while (end->coming.first) lose(end, take_first(end));
    end->coming = keep;
    movex_mock_reschedule(end);
}

static void drop_from_inbox(mock_end *end)
{
    mock_queue *inbox = &end->emitter->inbox, kept = {NULL, NULL};
    for (mock_parcel *parcel; (parcel = movex_mock_pop(inbox)) != NULL;) {
        if (parcel->to == end)
            movex_mock_keep_parcel(end->link->net, parcel);
        else
            movex_mock_push(&kept, parcel);
    }
    *inbox = kept;
}

void movex_mock_leave(mock_end *end)
{
    mock_link  *link = end->link;
    movex_mock *net = link->net;
    lose_after(end, 0);
    drop_from_inbox(end);
    end->emitter = NULL;
    if (movex_mock_other(end)->emitter) return;
    movex_mock_spare(link);
    net->links[link->number - 1] = NULL;
    movex_mock_release_block(&net->allocator, link, sizeof *link);
}

void movex_mock_tell_closed(mock_end *end, const char *text, bool unaided)
{
    end->closing = true;
    end->closed.text = text;
    end->closed.unaided = unaided;
    movex_mock_set_out(end, &end->closed);
}

static bool is_on_the_way(const mock_end *end, const mock_parcel *parcel)
{
    return end->coming.last == parcel;
}

/* How many of the frames that are coming survive a cut. */
static uint64_t draw_kept(mock_end *end)
{
    movex_mock *net = end->link->net;
    if (net->held || end->apart || movex_mock_other(end)->apart) return 0;
    uint64_t count = 0;
    for (const mock_parcel *parcel = end->coming.first; parcel; parcel = parcel->next)
        count += parcel->kind == MOVEX_IO_MESSAGE;
    return movex_dice_below(&end->dice, count + 1);
}

void movex_mock_lose_some(mock_end *end)
{
    lose_after(end, draw_kept(end));
}

static void mark_cut(mock_link *link)
{
    link->cut = true;
    link->net->stats.cuts++;
    movex_mock_spare(link);
}

/* An end learns that its link is cut. */
static void tell_cut(mock_end *end)
{
    bool told = end->closing && !is_on_the_way(end, &end->closed);
    if (!end->emitter || told) return;
    movex_mock_lose_some(end);
    movex_mock_tell_closed(end, "the connection was cut", true);
}

bool movex_mock_cut_now(mock_link *link)
{
    if (link->cut) return false;
    mark_cut(link);
    /* The listening side never hears of a dial that did not arrive. */
    if (!link->open && link->ends[1].emitter) movex_mock_leave(&link->ends[1]);
    tell_cut(&link->ends[0]);
    tell_cut(&link->ends[1]);
    return true;
}

/* All that is coming to an end comes so much later. */
static void postpone(mock_end *end, uint64_t late_ms)
{
    uint64_t due_ms = end->link->net->now_ms;
    if (end->last_due_ms > due_ms) due_ms = end->last_due_ms;
    end->last_due_ms = due_ms + late_ms;
    for (mock_parcel *parcel = end->coming.first; parcel; parcel = parcel->next) parcel->due_ms += late_ms;
    movex_mock_reschedule(end);
}

bool movex_mock_cut_lingering_now(mock_link *link, mock_end *told, uint64_t late_ms)
{
    mock_end *late = movex_mock_other(told);
    if (link->cut) return false;
    if (!link->open || !told->emitter || !late->emitter || late->closing) return movex_mock_cut_now(link);
    mark_cut(link);
    link->net->stats.lingering++;
    tell_cut(told);
    postpone(late, late_ms);
    movex_mock_tell_closed(late, "the connection was cut", true);
    return true;
}

void movex_mock_close_end(mock_end *end)
{
    mock_end *peer = movex_mock_other(end);
    bool      dialled = end == &end->link->ends[0];
    if (peer->emitter && dialled && !end->link->open)
        movex_mock_leave(peer);
    else if (peer->emitter && !peer->closing && !peer->deaf)
        movex_mock_tell_closed(peer, MOCK_CLOSED_BY_PEER, false);
    movex_mock_leave(end);
}
