/* The mock network as its owner sees it: making, time, holding. */
#include "mock_internal.h"

#include <string.h>

enum { DEFAULT_QUEUE_BYTES = 1 << 20, DEFAULT_MAX_FRAME = 65536 };

/* ---- making */

movex_mock *movex_mock_new(const movex_mock_config *config)
{
    const movex_mock_config defaults = {0};
    if (!config) config = &defaults;
    movex_allocator allocator = config->allocator.allocate ? config->allocator : movex_allocator_default();
    movex_mock     *net = movex_mock_allocate(&allocator, sizeof *net);
    if (!net) return NULL;
    net->allocator = allocator;
    net->references = 1;
    net->ops = movex_mock_ops;
    net->ops.max_frame = config->max_frame ? config->max_frame : DEFAULT_MAX_FRAME;
    net->random = config->seed;
    net->latency_ms = config->latency_ms;
    movex_mock_take_faults(net, &config->faults);
    if (net->faults.cut_per_mille < config->cut_per_mille) net->faults.cut_per_mille = config->cut_per_mille;
    if (net->faults.dial_failure_per_mille < config->dial_failure_per_mille)
        net->faults.dial_failure_per_mille = config->dial_failure_per_mille;
    net->queue_bytes = config->queue_bytes ? config->queue_bytes : DEFAULT_QUEUE_BYTES;
    net->tap = config->tap;
    net->user = config->user;
    return net;
}

void movex_mock_free(movex_mock *net)
{
    if (!net) return;
    net->tap = NULL;
    movex_mock_drop(net);
}

static bool is_name(const char *name)
{
    return name && name[0] && strlen(name) < MOVEX_MOCK_NAME_SIZE;
}

static mock_party *party_of(movex_mock *net, const char *name)
{
    mock_party *party = net->parties;
    while (party && strcmp(party->name, name) != 0) party = party->next;
    if (party) return party;
    party = movex_mock_allocate(&net->allocator, sizeof *party);
    if (!party) return NULL;
    strcpy(party->name, name);
    party->dice = movex_dice_draw(&net->random);
    party->next = net->parties;
    return net->parties = party;
}

static movex_io emitter_new(movex_mock *net, const char *name, const char *address)
{
    mock_party   *party = net && is_name(name) && is_name(address) ? party_of(net, name) : NULL;
    mock_emitter *emitter = NULL;
    if (party) emitter = movex_mock_allocate(&net->allocator, sizeof *emitter);
    if (!emitter) return (movex_io){.ops = &movex_mock_ops};
    emitter->net = net;
    emitter->party = party;
    strcpy(emitter->name, name);
    strcpy(emitter->address, address);
    emitter->next = net->emitters;
    net->emitters = emitter;
    net->references++;
    return (movex_io){.ops = &net->ops, .self = emitter};
}

movex_io movex_mock_listen(movex_mock *net)
{
    return movex_mock_listen_as(net, MOVEX_MOCK_MASTER);
}

movex_io movex_mock_listen_as(movex_mock *net, const char *name)
{
    return emitter_new(net, name, MOVEX_MOCK_MASTER);
}

movex_io movex_mock_connect(movex_mock *net)
{
    char     name[MOVEX_MOCK_NAME_SIZE] = "client", digits[10];
    size_t   count = 0, length = strlen(name);
    uint32_t number = net ? ++net->connects : 0;
    do digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0) name[length++] = digits[--count];
    return movex_mock_connect_as(net, name);
}

movex_io movex_mock_connect_as(movex_mock *net, const char *name)
{
    return movex_mock_connect_to(net, name, MOVEX_MOCK_MASTER);
}

movex_io movex_mock_connect_to(movex_mock *net, const char *name, const char *address)
{
    return emitter_new(net, name, address);
}

/* ---- time */

static uint64_t next_arrival(const movex_mock *net)
{
    return net->scheduled > 0 ? net->schedule[0]->coming.first->due_ms : UINT64_MAX;
}

static uint64_t next_cut(const movex_mock *net)
{
    const mock_link *doomed = movex_mock_first_doomed(net);
    return doomed ? doomed->cut_at_ms : UINT64_MAX;
}

void movex_mock_poll(movex_mock *net, uint64_t now_ms)
{
    if (!net) return;
    if (now_ms > net->now_ms) net->now_ms = now_ms;
    net->step++;
    movex_mock_end_stalls(net);
    while (!net->held) {
        uint64_t arrival_ms = next_arrival(net), cut_ms = next_cut(net);
        if (net->doomed && cut_ms <= net->now_ms && cut_ms < arrival_ms)
            movex_mock_cut_now(movex_mock_first_doomed(net));
        else if (net->scheduled > 0 && arrival_ms <= net->now_ms)
            movex_mock_arrive(net->schedule[0]);
        else
            return;
    }
}

uint64_t movex_mock_deadline(const movex_mock *net)
{
    if (!net) return UINT64_MAX;
    uint64_t deadline = movex_mock_stall_deadline(net);
    if (net->held) return deadline;
    if (next_arrival(net) < deadline) deadline = next_arrival(net);
    return next_cut(net) < deadline ? next_cut(net) : deadline;
}

movex_mock_stats movex_mock_statistics(const movex_mock *net)
{
    if (!net) return (movex_mock_stats){0};
    movex_mock_stats stats = net->stats;
    stats.frames_on_the_way = stats.frames_sent - stats.frames_delivered - stats.frames_lost;
    return stats;
}

void movex_mock_set_latency(movex_mock *net, movex_mock_range latency_ms)
{
    if (net) net->latency_ms = latency_ms;
}

/* ---- by hand */

void movex_mock_hold(movex_mock *net, bool held)
{
    if (net) net->held = held;
}

uint32_t movex_mock_held_count(const movex_mock *net)
{
    return net && net->held ? net->on_the_way : 0;
}

static mock_parcel *held_at(const movex_mock *net, uint32_t index)
{
    if (index >= movex_mock_held_count(net)) return NULL;
    mock_parcel *parcel = net->oldest;
    while (index-- > 0) parcel = parcel->newer;
    return parcel;
}

bool movex_mock_held(const movex_mock *net, uint32_t index, movex_mock_frame *frame)
{
    const mock_parcel *parcel = held_at(net, index);
    if (parcel) movex_mock_describe(parcel, frame);
    return parcel != NULL;
}

int movex_mock_release(movex_mock *net, uint32_t index)
{
    const mock_parcel *parcel = held_at(net, index);
    if (!parcel || parcel->to->coming.first != parcel) return MOVEX_ERR_ARGUMENT;
    if (movex_mock_is_stopped(parcel->to)) return MOVEX_ERR_AGAIN;
    net->step++;
    movex_mock_arrive(parcel->to);
    return MOVEX_OK;
}

uint32_t movex_mock_release_all(movex_mock *net)
{
    uint32_t released = 0;
    if (!net || !net->held) return 0;
    net->step++;
    for (mock_parcel *parcel = net->oldest, *newer; parcel; parcel = newer) {
        newer = parcel->newer;
        if (movex_mock_is_stopped(parcel->to)) continue;
        movex_mock_arrive(parcel->to);
        released++;
    }
    return released;
}
