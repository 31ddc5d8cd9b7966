/* What goes wrong in the mock network, by chance and by hand. */
#include "mock_internal.h"

#include <string.h>

/* ---- chances */

static void fall_back(movex_mock_range *range, uint32_t min, uint32_t max)
{
    if (range->min == 0 && range->max == 0) *range = (movex_mock_range){min, max};
}

void movex_mock_take_faults(movex_mock *net, const movex_mock_faults *faults)
{
    net->faults = faults ? *faults : (movex_mock_faults){0};
    fall_back(&net->faults.half_open_ms, 10000, 10000);
    fall_back(&net->faults.linger_ms, 0, 2000);
    fall_back(&net->faults.stall_ms, 0, 2000);
    fall_back(&net->faults.jump_ms, 0, 60000);
}

void movex_mock_set_faults(movex_mock *net, const movex_mock_faults *faults)
{
    if (net) movex_mock_take_faults(net, faults);
}

/* ---- half-open links */

mock_link *movex_mock_first_doomed(const movex_mock *net)
{
    mock_link *first = NULL;
    for (uint32_t i = 0; net->doomed && i < net->link_capacity; i++) {
        mock_link *link = net->links[i];
        if (link && link->cut_at_ms != UINT64_MAX && (!first || link->cut_at_ms < first->cut_at_ms)) first = link;
    }
    return first;
}

void movex_mock_spare(mock_link *link)
{
    if (link->cut_at_ms != UINT64_MAX) link->net->doomed--;
    link->cut_at_ms = UINT64_MAX;
}

static bool make_deaf(mock_end *end)
{
    if (!end->link->open || end->link->cut || !end->emitter || end->closing || end->deaf) return false;
    movex_mock_lose_some(end);
    end->deaf = true;
    end->link->net->stats.half_open++;
    return true;
}

static void doom(mock_link *link, uint64_t cut_at_ms)
{
    if (link->cut_at_ms == UINT64_MAX) link->net->doomed++;
    if (cut_at_ms < link->cut_at_ms) link->cut_at_ms = cut_at_ms;
}

/* ---- stalls */

static void stall(mock_emitter *emitter, uint64_t until_ms)
{
    movex_mock *net = emitter->net;
    if (until_ms <= net->now_ms) return;
    net->stats.stalls++;
    net->stalls = true;
    if (until_ms > emitter->stalled_until_ms) emitter->stalled_until_ms = until_ms;
}

void movex_mock_end_stalls(movex_mock *net)
{
    if (!net->stalls) return;
    net->stalls = false;
    for (mock_emitter *emitter = net->emitters; emitter; emitter = emitter->next) {
        if (emitter->stalled_until_ms <= net->now_ms) emitter->stalled_until_ms = 0;
        if (emitter->stalled_until_ms) net->stalls = true;
    }
}

uint64_t movex_mock_stall_deadline(const movex_mock *net)
{
    uint64_t deadline = UINT64_MAX;
    for (const mock_emitter *emitter = net->stalls ? net->emitters : NULL; emitter; emitter = emitter->next) {
        uint64_t until_ms = emitter->stalled_until_ms;
        if (until_ms && emitter->inbox.first && until_ms < deadline) deadline = until_ms;
    }
    return deadline;
}

/* ---- by chance */

static void cut_by_chance(mock_link *link, uint64_t *dice)
{
    movex_mock *net = link->net;
    if (!movex_dice_chance(dice, net->faults.linger_per_mille)) {
        movex_mock_cut_now(link);
        return;
    }
    mock_end *told = &link->ends[movex_dice_below(dice, 2)];
    movex_mock_cut_lingering_now(link, told, movex_dice_range(dice, net->faults.linger_ms));
}

static void jump(movex_mock *net, mock_party *party, uint64_t ms)
{
    party->ahead_ms += ms;
    net->stats.jumps++;
}

void movex_mock_provoke(mock_end *receiver)
{
    mock_link    *link = receiver->link;
    movex_mock   *net = link->net;
    mock_emitter *sender = movex_mock_other(receiver)->emitter;
    uint64_t     *dice = &receiver->dice;
    if (movex_dice_chance(dice, net->faults.jump_per_mille))
        jump(net, sender->party, movex_dice_range(dice, net->faults.jump_ms));
    if (movex_dice_chance(dice, net->faults.stall_per_mille))
        stall(receiver->emitter, net->now_ms + movex_dice_range(dice, net->faults.stall_ms));
    if (movex_dice_chance(dice, net->faults.half_open_per_mille) && make_deaf(receiver))
        doom(link, net->now_ms + movex_dice_range(dice, net->faults.half_open_ms));
    if (movex_dice_chance(dice, net->faults.cut_per_mille)) cut_by_chance(link, dice);
}

void movex_mock_spoil(mock_emitter *emitter, mock_end *receiver, mock_parcel *parcel)
{
    movex_mock *net = emitter->net;
    uint64_t   *dice = &receiver->dice;
    bool        by_hand = emitter->to_corrupt > 0;
    if (by_hand) emitter->to_corrupt--;
    if (!by_hand && !movex_dice_chance(dice, net->faults.corrupt_per_mille)) return;
    parcel->corrupted = true;
    parcel->length = movex_dice_corrupt(dice, parcel->bytes, parcel->length);
    net->stats.frames_corrupted++;
}

/* ---- by hand: the links of a name */

/* An end that has closed still counts while the other one cannot hear of it. */
static bool is_of(const mock_end *end, const char *name)
{
    return (end->emitter || movex_mock_other(end)->deaf) && strcmp(end->name, name) == 0;
}

/* Does something to each link that has an end of that name, and says to how many; `end` is that end. */
static uint32_t each_link(movex_mock *net, const char *name, bool (*act)(mock_end *end, uint64_t value), uint64_t value)
{
    uint32_t count = 0;
    for (uint32_t i = 0; net && name && i < net->link_capacity; i++) {
        mock_link *link = net->links[i];
        int        which = link && is_of(&link->ends[0], name) ? 0 : 1;
        if (link && is_of(&link->ends[which], name) && act(&link->ends[which], value)) count++;
    }
    return count;
}

static bool cut_end(mock_end *end, uint64_t value)
{
    (void)value;
    return movex_mock_cut_now(end->link);
}

static bool linger_end(mock_end *end, uint64_t late_ms)
{
    return movex_mock_cut_lingering_now(end->link, end, late_ms);
}

static bool deafen_end(mock_end *end, uint64_t value)
{
    (void)value;
    return make_deaf(end);
}

static bool mute_end(mock_end *end, uint64_t value)
{
    (void)value;
    return make_deaf(movex_mock_other(end));
}

uint32_t movex_mock_cut(movex_mock *net, const char *name)
{
    return each_link(net, name, cut_end, 0);
}

uint32_t movex_mock_cut_lingering(movex_mock *net, const char *name, uint32_t late_ms)
{
    return each_link(net, name, linger_end, late_ms);
}

uint32_t movex_mock_deafen(movex_mock *net, const char *name)
{
    return each_link(net, name, deafen_end, 0);
}

uint32_t movex_mock_mute(movex_mock *net, const char *name)
{
    return each_link(net, name, mute_end, 0);
}

bool movex_mock_cut_link(movex_mock *net, movex_link number)
{
    mock_link *link = net && number && number <= net->link_capacity ? net->links[number - 1] : NULL;
    return link && movex_mock_cut_now(link);
}

/* ---- by hand: the emitters of a name */

/* The next emitter of that name behind `emitter`, or the first (NULL). */
static mock_emitter *next_of(const movex_mock *net, const char *name, const mock_emitter *emitter)
{
    mock_emitter *next = emitter ? emitter->next : net && name ? net->emitters : NULL;
    while (next && (next->crashed || strcmp(next->name, name) != 0)) next = next->next;
    return next;
}

static int found(bool any)
{
    return any ? MOVEX_OK : MOVEX_ERR_NOT_FOUND;
}

int movex_mock_stall(movex_mock *net, const char *name, bool stalled)
{
    mock_emitter *first = next_of(net, name, NULL);
    for (mock_emitter *emitter = first; emitter; emitter = next_of(net, name, emitter)) {
        if (stalled)
            stall(emitter, UINT64_MAX);
        else
            emitter->stalled_until_ms = 0;
    }
    return found(first != NULL);
}

int movex_mock_corrupt(movex_mock *net, const char *name, uint32_t frames)
{
    mock_emitter *first = next_of(net, name, NULL);
    for (mock_emitter *emitter = first; emitter; emitter = next_of(net, name, emitter)) emitter->to_corrupt += frames;
    return found(first != NULL);
}

/* The other end learns of it when its system gives up. */
static void lose_dead_end(mock_end *end, uint64_t silence_ms)
{
    mock_end *peer = movex_mock_other(end);
    bool      dialled = end == &end->link->ends[0];
    if (peer->emitter && dialled && !end->link->open) {
        movex_mock_leave(peer);
    } else if (peer->emitter && !peer->closing) {
        uint64_t told_ms = end->link->net->now_ms + silence_ms;
        movex_mock_lose_some(peer);
        if (peer->last_due_ms < told_ms) peer->last_due_ms = told_ms;
        movex_mock_tell_closed(peer, "the connection was lost", true);
    }
    movex_mock_leave(end);
}

int movex_mock_crash(movex_mock *net, const char *name, uint32_t silence_ms)
{
    mock_emitter *first = next_of(net, name, NULL);
    for (mock_emitter *emitter = first; emitter; emitter = next_of(net, name, emitter)) {
        for (movex_link number = 1; number <= net->link_capacity; number++) {
            mock_end *end = movex_mock_find_end(emitter, number);
            if (end) lose_dead_end(end, silence_ms);
        }
        emitter->crashed = true;
        emitter->listening = false;
        net->stats.crashes++;
    }
    return found(first != NULL);
}

static mock_party *find_party(const movex_mock *net, const char *name)
{
    mock_party *party = net && name ? net->parties : NULL;
    while (party && strcmp(party->name, name) != 0) party = party->next;
    return party;
}

uint64_t movex_mock_clock(const movex_mock *net, const char *name)
{
    const mock_party *party = find_party(net, name);
    return (net ? net->now_ms : 0) + (party ? party->ahead_ms : 0);
}

int movex_mock_jump(movex_mock *net, const char *name, uint32_t ms)
{
    mock_party *party = find_party(net, name);
    if (party) jump(net, party, ms);
    return found(party != NULL);
}

/* The ends of links are marked as well as the emitters: what an emitter sent before it closed can be stopped, too. */
static bool set_apart(mock_link *link, const char *name, bool apart)
{
    bool found = false;
    for (int i = 0; i < 2; i++) {
        if (strcmp(link->ends[i].name, name) != 0) continue;
        link->ends[i].apart = apart;
        found = true;
    }
    for (int i = 0; found && i < 2; i++) movex_mock_reschedule(&link->ends[i]);
    return found;
}

int movex_mock_partition(movex_mock *net, const char *name, bool apart)
{
    bool found = false;
    if (!net || !name) return MOVEX_ERR_NOT_FOUND;
    for (mock_emitter *emitter = net->emitters; emitter; emitter = emitter->next) {
        if (strcmp(emitter->name, name) != 0) continue;
        emitter->apart = apart;
        found = true;
    }
    for (uint32_t i = 0; i < net->link_capacity; i++)
        if (net->links[i] && set_apart(net->links[i], name, apart)) found = true;
    return found ? MOVEX_OK : MOVEX_ERR_NOT_FOUND;
}
