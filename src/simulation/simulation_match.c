/* One match of a simulation: making it, taking its steps, waiting for rest, and looking at what came out. */
#include "simulation_internal.h"

#include "../core/format.h"

#include <movex/text.h>
#include <string.h>

enum { LONGEST_PAUSE_MS = 10, RECONNECT_MIN_MS = 20, RECONNECT_MAX_MS = 500 };

static const char *const resource_id = "simulated";

static void fail(simulation_match *match, simulation_failure failure, const char *who, const char *what)
{
    if (match->failure != SIMULATION_OK) return;
    movex_format format = movex_format_into(match->text, sizeof match->text);
    match->failure = failure;
    movex_format_text(&format, who);
    if (who[0]) movex_format_text(&format, ": ");
    movex_format_text(&format, what);
}

/* ---- making */

static bool add_client(simulation_match *match, uint32_t index)
{
    simulation_client *player = &match->clients[index];
    movex_format       format = movex_format_into(player->id, sizeof player->id);
    movex_format_text(&format, "player");
    movex_format_unsigned(&format, (uint64_t)index + 1);
    player->stalled_until_ms = player->cut_at_ms = UINT64_MAX;
    movex_client_config config = {
        .id = player->id,
        .io = movex_mock_connect_as(match->net, player->id),
        .reconnect_min_ms = RECONNECT_MIN_MS,
        .reconnect_max_ms = RECONNECT_MAX_MS,
        .determinism = match->config->skips_determinism ? NULL : &match->determinism,
        .allocator = match->config->allocator,
    };
    player->client = movex_client_new(&config);
    if (player->client) player->resource = movex_bind(player->client, match->config->type, resource_id);
    if (player->client && !player->resource)
        fail(match, SIMULATION_GAVE_UP, "bind", movex_client_error(player->client)->text);
    return player->resource != NULL;
}

static bool begin(simulation_match *match, uint64_t seed)
{
    const movex_simulation_config *config = match->config;
    movex_mock_config              network = {
                     .seed = seed,
                     .latency_ms = config->latency_ms,
                     .dial_failure_per_mille = config->faults.dial_failure_per_mille,
                     .queue_bytes = config->queue_bytes,
                     .max_frame = config->max_frame,
                     .tap = match->line ? movex_simulation_tell_frame : NULL,
                     .user = match,
                     .allocator = config->allocator,
    };
    movex_error         error = {.status = MOVEX_OK};
    movex_master_config master = {
        .types = (const movex_type *const[]){config->type, NULL},
        .seed = seed,
        .determinism = config->skips_determinism ? NULL : &match->determinism,
        .allocator = config->allocator,
        .error = &error,
    };
    match->net = movex_mock_new(&network);
    match->master = match->net ? movex_master_new(&master) : NULL;
    if (error.status != MOVEX_OK && error.status != MOVEX_ERR_MEMORY) fail(match, SIMULATION_GAVE_UP, "", error.text);
    bool there = match->master && movex_master_attach(match->master, movex_mock_listen(match->net)) == MOVEX_OK;
    for (uint32_t i = 0; there && i < config->players; i++) there = add_client(match, i);
    if (!there) fail(match, SIMULATION_MEMORY, "", movex_status_text(MOVEX_ERR_MEMORY));
    return there;
}

static void add_stats(simulation_match *match, const simulation_client *player)
{
    movex_stats stats = movex_client_stats(player->client);
    match->stats.actions += stats.actions;
    match->stats.accepted += stats.accepted;
}

static void end(simulation_match *match)
{
    const movex_allocator *allocator = &match->config->allocator;
    match->net_stats = movex_mock_statistics(match->net);
    match->line = NULL;
    for (uint32_t i = 0; i < match->config->players; i++) {
        simulation_client *player = &match->clients[i];
        if (player->client) add_stats(match, player);
        movex_client_free(player->client);
        if (player->seen) allocator->release(allocator->user, player->seen, player->seen_size);
    }
    movex_master_free(match->master);
    movex_mock_free(match->net);
}

/* ---- events */

/* False if the ticket has had an outcome already, or memory ran out. */
static bool note_outcome(simulation_match *match, simulation_client *player, movex_ticket ticket)
{
    const movex_allocator *allocator = &match->config->allocator;
    if (ticket >= player->seen_size) {
        uint32_t size = player->seen_size ? player->seen_size : 64;
        while (size <= ticket) size *= 2;
        uint8_t *seen = allocator->reallocate(allocator->user, player->seen, player->seen_size, size);
        if (!seen) {
            fail(match, SIMULATION_MEMORY, "", movex_status_text(MOVEX_ERR_MEMORY));
            return true;
        }
        memset(seen + player->seen_size, 0, size - player->seen_size);
        player->seen = seen;
        player->seen_size = size;
    }
    player->outcomes++;
    return player->seen[ticket]++ == 0;
}

static void take_event(simulation_match *match, simulation_client *player, const movex_event *event)
{
    if (match->line) movex_simulation_tell_event(match, player, event);
    switch (event->kind) {
    case MOVEX_EVENT_ACCEPTED:
    case MOVEX_EVENT_REFUSED:
    case MOVEX_EVENT_EXPIRED:
        if (!note_outcome(match, player, event->ticket))
            fail(match, SIMULATION_OUTCOME, player->id, "one dispatch has had two outcomes");
        break;
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_REMOVED: fail(match, SIMULATION_GAVE_UP, player->id, event->text); break;
    case MOVEX_EVENT_MISMATCH: fail(match, SIMULATION_MISMATCH, player->id, event->text); break;
    default: break;
    }
}

static void drain(simulation_match *match, simulation_client *player)
{
    bool changed = false;
    for (movex_event event; movex_client_next(player->client, &event);) {
        take_event(match, player, &event);
        changed = true;
    }
    const char *fault = NULL;
    if (changed && match->config->check)
        fault = match->config->check(match->config->user, movex_state(player->resource));
    if (fault) fail(match, SIMULATION_CHECK, player->id, fault);
}

/* ---- steps */

static void act(simulation_match *match, uint32_t index, uint64_t seed)
{
    simulation_client      *player = &match->clients[index];
    movex_simulation_player who = {
        .index = index,
        .client = player->client,
        .resource = player->resource,
        .now_ms = movex_mock_clock(match->net, player->id),
        .random = seed,
        .user = match->config->user,
    };
    match->config->act(&who);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void take_step(simulation_match *match, const movex_simulation_step *step)
{
    bool               of_player = step->player < match->config->players;
    simulation_client *player = &match->clients[of_player ? step->player : 0];
    if (match->line) movex_simulation_tell_step(match, step);
    switch (step->kind) {
    case MOVEX_SIMULATION_ACT: act(match, step->player, step->value); break;
    case MOVEX_SIMULATION_CUT: movex_mock_cut(match->net, player->id); break;
    case MOVEX_SIMULATION_LINGER: movex_mock_cut_lingering(match->net, player->id, step->ms); break;
    case MOVEX_SIMULATION_DEAFEN:
    case MOVEX_SIMULATION_MUTE: {
        bool     deafens = step->kind == MOVEX_SIMULATION_DEAFEN;
        uint32_t died = deafens ? movex_mock_deafen(match->net, player->id) : movex_mock_mute(match->net, player->id);
        if (died) player->cut_at_ms = sooner(player->cut_at_ms, match->now_ms + step->ms);
        break;
    }
    case MOVEX_SIMULATION_STALL:
        movex_mock_stall(match->net, player->id, true);
        player->stalled_until_ms = match->now_ms + step->ms;
        break;
    case MOVEX_SIMULATION_JUMP:
        movex_mock_jump(match->net, of_player ? player->id : MOVEX_MOCK_MASTER, step->ms);
        break;
    }
}

/* Ends what its time is up for. */
static void find_out(simulation_match *match, simulation_client *player)
{
    if (player->cut_at_ms <= match->now_ms) {
        movex_mock_cut(match->net, player->id);
        player->cut_at_ms = UINT64_MAX;
    }
    if (player->stalled_until_ms <= match->now_ms) {
        movex_mock_stall(match->net, player->id, false);
        player->stalled_until_ms = UINT64_MAX;
    }
}

/* ---- time */

static void poll(simulation_match *match)
{
    movex_mock_poll(match->net, match->now_ms);
    movex_master_poll(match->master, movex_mock_clock(match->net, MOVEX_MOCK_MASTER));
    for (movex_master_event event; movex_master_next(match->master, &event);) {}
    for (uint32_t i = 0; i < match->config->players; i++) {
        simulation_client *player = &match->clients[i];
        find_out(match, player);
        movex_client_poll(player->client, movex_mock_clock(match->net, player->id));
        drain(match, player);
    }
}

/* A deadline by somebody's clock, as virtual time. */
static uint64_t in_virtual_time(const simulation_match *match, const char *name, uint64_t deadline)
{
    uint64_t ahead = movex_mock_clock(match->net, name) - match->now_ms;
    if (deadline == UINT64_MAX) return deadline;
    return deadline > ahead ? deadline - ahead : 0;
}

/* The next time at which there may be something to do. What waits for room in a queue has no deadline, so it is never far. */
static uint64_t next_time(const simulation_match *match)
{
    uint64_t next = sooner(match->now_ms + LONGEST_PAUSE_MS, movex_mock_deadline(match->net));
    next = sooner(next, in_virtual_time(match, MOVEX_MOCK_MASTER, movex_master_deadline(match->master)));
    for (uint32_t i = 0; i < match->config->players; i++) {
        const simulation_client *player = &match->clients[i];
        next = sooner(next, in_virtual_time(match, player->id, movex_client_deadline(player->client)));
        next = sooner(next, sooner(player->stalled_until_ms, player->cut_at_ms));
    }
    return next > match->now_ms ? next : match->now_ms + 1;
}

static void play_steps(simulation_match *match, const simulation_schedule *schedule)
{
    uint32_t next = 0;
    while (match->failure == SIMULATION_OK && (next < schedule->count || match->now_ms == 0)) {
        for (; next < schedule->count && schedule->steps[next].at_ms <= match->now_ms; next++)
            take_step(match, &schedule->steps[next]);
        poll(match);
        uint64_t then = next_time(match);
        match->now_ms =
            next < schedule->count && schedule->steps[next].at_ms < then ? schedule->steps[next].at_ms : then;
    }
}

/* ---- rest */

static bool is_at_rest(const simulation_match *match, const movex_hosted *hosted)
{
    for (uint32_t i = 0; i < match->config->players; i++) {
        const simulation_client *player = &match->clients[i];
        const movex_resource    *seen = player->resource;
        if (player->stalled_until_ms != UINT64_MAX || player->cut_at_ms != UINT64_MAX) return false;
        if (!movex_in_sync(seen) || movex_pending(seen) || movex_version(seen) != hosted->version) return false;
    }
    return true;
}

static void come_to_rest(simulation_match *match)
{
    movex_hosted hosted;
    uint64_t     limit_ms = match->now_ms + match->config->rest_ms;
    movex_mock_set_faults(match->net, NULL);
    while (match->failure == SIMULATION_OK) {
        poll(match);
        bool there = movex_master_find(match->master, match->config->type, resource_id, &hosted);
        if (there && is_at_rest(match, &hosted)) return;
        if (match->now_ms > limit_ms) fail(match, SIMULATION_NO_REST, "", "they do not come to rest");
        match->now_ms = next_time(match);
    }
}

static void check_client(simulation_match *match, const simulation_client *player)
{
    uint64_t    checksum = 0;
    movex_stats stats = movex_client_stats(player->client);
    int status = movex_master_view(match->master, match->config->type, resource_id, player->id, NULL, &checksum);
    if (status != MOVEX_OK)
        fail(match, SIMULATION_MEMORY, player->id, movex_status_text(status));
    else if (checksum != movex_checksum(player->resource))
        fail(match, SIMULATION_DISAGREE, player->id, "at rest, its state is not the one that the master has for it");
    if (stats.mismatches || stats.resyncs) fail(match, SIMULATION_MISMATCH, player->id, "it has lost sync");
    if (stats.protocol_errors)
        fail(match, SIMULATION_GAVE_UP, player->id, "it was sent what the protocol does not allow");
    if (player->outcomes != stats.actions) fail(match, SIMULATION_OUTCOME, player->id, "a dispatch has had no outcome");
}

simulation_failure movex_simulation_play(simulation_match *match, const movex_simulation_config *config, uint64_t seed,
                                         const simulation_schedule *schedule)
{
    match->config = config;
    if (begin(match, seed)) {
        play_steps(match, schedule);
        come_to_rest(match);
        for (uint32_t i = 0; match->failure == SIMULATION_OK && i < config->players; i++)
            check_client(match, &match->clients[i]);
    }
    /* It explains the others, which come of it. */
    if (match->determinism.findings && match->failure != SIMULATION_MEMORY) {
        match->failure = SIMULATION_OK;
        fail(match, SIMULATION_NOT_DETERMINISTIC, "", match->determinism.text);
    }
    if (match->line && match->failure != SIMULATION_OK) movex_simulation_tell_failure(match);
    end(match);
    return match->failure;
}
