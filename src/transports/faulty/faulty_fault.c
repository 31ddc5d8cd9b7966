/* What the faulty emitter does to links, by chance and by hand. */
#include "faulty_internal.h"

#include <movex/text.h>

static bool strikes(faulty_io *io, uint32_t per_mille)
{
    return movex_dice_chance(&io->dice, per_mille);
}

static movex_mock_range either(movex_mock_range range, uint32_t min, uint32_t max)
{
    return range.min || range.max ? range : (movex_mock_range){min, max};
}

uint64_t movex_faulty_due(faulty_io *io, uint64_t *last_ms)
{
    uint64_t due_ms = io->now_ms + movex_dice_range(&io->dice, io->latency_ms);
    if (due_ms < *last_ms) due_ms = *last_ms;
    return *last_ms = due_ms;
}

void movex_faulty_tell_closed(faulty_io *io, faulty_link *link, const char *cause)
{
    if (!link->owned || link->closed_ms != UINT64_MAX) return;
    movex_text_set(link->cause, cause);
    link->closed_ms = movex_faulty_due(io, &link->last_ms[FAULTY_COMING]);
}

static uint64_t some(faulty_io *io, uint32_t count)
{
    return movex_dice_below(&io->dice, (uint64_t)count + 1);
}

void movex_faulty_cut_link(faulty_io *io, faulty_link *link, bool lingers, uint64_t late_ms)
{
    if (link->cut || !link->owned) return;
    link->cut = true;
    link->cut_at_ms = UINT64_MAX;
    io->stats.cuts++;
    io->stats.lingering += lingers;
    movex_faulty_lose(io, link, FAULTY_COMING, some(io, link->count[FAULTY_COMING]));
    if (!lingers) movex_faulty_lose(io, link, FAULTY_GOING, some(io, link->count[FAULTY_GOING]));
    link->hang_up_ms = io->now_ms + (lingers ? late_ms : 0);
    if (lingers) {
        faulty_parcel *parcel = io->queues[FAULTY_GOING].first;
        for (; parcel; parcel = parcel->next)
            if (parcel->link == link) parcel->due_ms = link->hang_up_ms;
    }
    if (link->open || link->opened_ms != UINT64_MAX)
        movex_faulty_tell_closed(io, link, "the connection was cut");
    else
        movex_faulty_tell_closed(io, link, "dialling failed");
}

static bool kill_direction(faulty_io *io, faulty_link *link, int direction)
{
    bool *dead = direction == FAULTY_GOING ? &link->mute : &link->deaf;
    if (!link->owned || !link->open || link->cut || *dead) return false;
    *dead = true;
    io->stats.half_open++;
    return true;
}

void movex_faulty_provoke(faulty_io *io, faulty_link *link, int direction)
{
    const movex_mock_faults *faults = &io->faults;
    if (direction == FAULTY_COMING && strikes(io, faults->stall_per_mille)) {
        io->stalled_until_ms = io->now_ms + movex_dice_range(&io->dice, either(faults->stall_ms, 0, 2000));
        io->stats.stalls++;
    }
    if (strikes(io, faults->half_open_per_mille) && kill_direction(io, link, direction))
        link->cut_at_ms = io->now_ms + movex_dice_range(&io->dice, either(faults->half_open_ms, 10000, 10000));
    if (!strikes(io, faults->cut_per_mille)) return;
    bool lingers = strikes(io, faults->linger_per_mille);
    movex_faulty_cut_link(io, link, lingers, movex_dice_range(&io->dice, either(faults->linger_ms, 0, 2000)));
}

void movex_faulty_spoil(faulty_io *io, faulty_parcel *parcel)
{
    bool by_hand = io->to_corrupt > 0;
    if (by_hand) io->to_corrupt--;
    if (!by_hand && !strikes(io, io->faults.corrupt_per_mille)) return;
    parcel->length = movex_dice_corrupt(&io->dice, (unsigned char *)(parcel + 1), parcel->length);
    io->stats.frames_corrupted++;
}

bool movex_faulty_is_stalled(const faulty_io *io)
{
    return io->stalled || io->stalled_until_ms > io->now_ms;
}

/* ---- by hand */

void movex_faulty_set_latency(movex_io faulty, movex_mock_range latency_ms)
{
    ((faulty_io *)faulty.self)->latency_ms = latency_ms;
}

void movex_faulty_set_faults(movex_io faulty, const movex_mock_faults *faults)
{
    faulty_io *io = faulty.self;
    io->faults = faults ? *faults : (movex_mock_faults){0};
    if (!faults) io->again_per_mille = 0;
}

movex_faulty_stats movex_faulty_statistics(movex_io faulty)
{
    return ((const faulty_io *)faulty.self)->stats;
}

static uint32_t cut_all(faulty_io *io, bool lingers, uint64_t late_ms)
{
    uint64_t before = io->stats.cuts;
    for (faulty_link *link = io->links; link; link = link->next) movex_faulty_cut_link(io, link, lingers, late_ms);
    movex_faulty_flush(io, false);
    return (uint32_t)(io->stats.cuts - before);
}

uint32_t movex_faulty_cut(movex_io faulty)
{
    return cut_all(faulty.self, false, 0);
}

uint32_t movex_faulty_cut_lingering(movex_io faulty, uint32_t late_ms)
{
    return cut_all(faulty.self, true, late_ms);
}

static uint32_t kill_all(faulty_io *io, int direction)
{
    uint32_t count = 0;
    for (faulty_link *link = io->links; link; link = link->next) count += kill_direction(io, link, direction);
    return count;
}

uint32_t movex_faulty_deafen(movex_io faulty)
{
    return kill_all(faulty.self, FAULTY_COMING);
}

uint32_t movex_faulty_mute(movex_io faulty)
{
    return kill_all(faulty.self, FAULTY_GOING);
}

void movex_faulty_stall(movex_io faulty, bool stalled)
{
    faulty_io *io = faulty.self;
    io->stats.stalls += stalled && !io->stalled;
    io->stalled = stalled;
    if (!stalled) io->stalled_until_ms = 0;
}

void movex_faulty_corrupt(movex_io faulty, uint32_t frames)
{
    ((faulty_io *)faulty.self)->to_corrupt += frames;
}

void movex_faulty_refuse(movex_io faulty, bool refuses)
{
    ((faulty_io *)faulty.self)->refuses = refuses;
}
