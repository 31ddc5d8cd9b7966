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

static bool start_client(simulation_match *match, simulation_client *player)
{
    movex_client_config config = {
        .id = player->id,
        .io = movex_mock_connect_as(match->net, player->id),
        .reconnect_min_ms = RECONNECT_MIN_MS,
        .reconnect_max_ms = RECONNECT_MAX_MS,
        .determinism = match->config->skips_determinism ? NULL : &match->determinism,
        .allocator = match->config->allocator,
    };
    player->client = movex_client_new(&config);
    player->starts_ms = UINT64_MAX;
    if (player->client) player->resource = movex_bind(player->client, match->config->type, resource_id);
    if (player->client && !player->resource)
        fail(match, SIMULATION_GAVE_UP, "bind", movex_client_error(player->client)->text);
    return player->resource != NULL;
}

static bool add_client(simulation_match *match, uint32_t index)
{
    simulation_client *player = &match->clients[index];
    movex_format       format = movex_format_into(player->id, sizeof player->id);
    movex_format_text(&format, "player");
    movex_format_unsigned(&format, (uint64_t)index + 1);
    player->stalled_until_ms = player->cut_at_ms = UINT64_MAX;
    return start_client(match, player);
}

static bool start_master(simulation_match *match)
{
    const movex_simulation_config *config = match->config;
    movex_error                    error = {.status = MOVEX_OK};
    movex_master_config            master = {
                   .types = (const movex_type *const[]){config->type, NULL},
                   .seed = match->seed,
                   .grace_ms = config->grace_ms,
                   .determinism = config->skips_determinism ? NULL : &match->determinism,
                   .allocator = config->allocator,
                   .error = &error,
    };
    match->starts_ms = UINT64_MAX;
    if (match->disk) master.store = movex_store_memory_open(match->disk);
    match->master = movex_master_new(&master);
    if (error.status != MOVEX_OK && error.status != MOVEX_ERR_MEMORY) fail(match, SIMULATION_GAVE_UP, "", error.text);
    return match->master && movex_master_attach(match->master, movex_mock_listen(match->net)) == MOVEX_OK;
}

static bool make_disk(simulation_match *match)
{
    const movex_simulation_config *config = match->config;
    movex_store_memory_config      disk = {
             .seed = match->seed, .flush_ms = config->flush_ms, .allocator = config->allocator};
    if (!config->master_crash_per_mille) return true;
    match->disk = movex_store_memory_new(&disk);
    return match->disk != NULL;
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
    match->seed = seed;
    match->net = movex_mock_new(&network);
    bool there = match->net && make_disk(match) && start_master(match);
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
        player->client = NULL;
        if (player->seen) allocator->release(allocator->user, player->seen, player->seen_size);
    }
    movex_master_free(match->master);
    movex_store_memory_free(match->disk);
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
    case MOVEX_EVENT_REMOVED:
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED: fail(match, SIMULATION_GAVE_UP, player->id, event->text); break;
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
    uint64_t    version = player->resource ? movex_version(player->resource) : 0;
    if (version > match->told) match->told = version;
    if (changed && match->config->check && player->resource)
        fault = match->config->check(match->config->user, movex_state(player->resource));
    if (fault) fail(match, SIMULATION_CHECK, player->id, fault);
}

/* ---- crashes */

/* Its tickets are counted anew, and what it had not heard of has no outcome. */
static void crash_client(simulation_match *match, simulation_client *player, uint32_t ms)
{
    if (!player->client) return;
    drain(match, player);
    add_stats(match, player);
    movex_mock_crash(match->net, player->id, ms);
    movex_client_free(player->client);
    player->client = NULL;
    player->resource = NULL;
    player->starts_ms = match->now_ms + ms;
    player->outcomes = 0;
    if (player->seen) memset(player->seen, 0, player->seen_size);
    match->crashes++;
}

static void crash_master(simulation_match *match, uint32_t ms)
{
    if (!match->master || !match->disk) return;
    movex_mock_crash(match->net, MOVEX_MOCK_MASTER, ms);
    movex_store_memory_crash(match->disk);
    movex_master_free(match->master);
    match->master = NULL;
    match->starts_ms = match->now_ms + ms;
    match->crashes++;
    match->restarts++;
}

/* Those whose time has come start again. */
static void start_again(simulation_match *match)
{
    movex_hosted hosted = {.version = 0};
    if (match->starts_ms <= match->now_ms) {
        bool started = start_master(match);
        if (!started) fail(match, SIMULATION_MEMORY, "", movex_status_text(MOVEX_ERR_MEMORY));
        if (started) movex_master_find(match->master, match->config->type, resource_id, &hosted);
        if (started && hosted.version < match->told)
            fail(match, SIMULATION_LOST, MOVEX_MOCK_MASTER,
                 "after a crash, something is lost that a player was told of");
    }
    for (uint32_t i = 0; i < match->config->players; i++)
        if (match->clients[i].starts_ms <= match->now_ms && !start_client(match, &match->clients[i]))
            fail(match, SIMULATION_MEMORY, "", movex_status_text(MOVEX_ERR_MEMORY));
}

/* ---- steps */

static void act(simulation_match *match, uint32_t index, uint64_t seed)
{
    simulation_client *player = &match->clients[index];
    if (!player->client) return;
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
    case MOVEX_SIMULATION_CRASH:
        if (of_player)
            crash_client(match, player, step->ms);
        else
            crash_master(match, step->ms);
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
    movex_store_memory_poll(match->disk, match->now_ms);
    start_again(match);
    if (match->master) movex_master_poll(match->master, movex_mock_clock(match->net, MOVEX_MOCK_MASTER));
    for (movex_master_event event; match->master && movex_master_next(match->master, &event);) {}
    for (uint32_t i = 0; i < match->config->players; i++) {
        simulation_client *player = &match->clients[i];
        find_out(match, player);
        if (!player->client) continue;
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
    next = sooner(next, sooner(match->starts_ms, movex_store_memory_deadline(match->disk)));
    if (match->master)
        next = sooner(next, in_virtual_time(match, MOVEX_MOCK_MASTER, movex_master_deadline(match->master)));
    for (uint32_t i = 0; i < match->config->players; i++) {
        const simulation_client *player = &match->clients[i];
        if (player->client)
            next = sooner(next, in_virtual_time(match, player->id, movex_client_deadline(player->client)));
        next = sooner(next, player->starts_ms);
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
        if (!player->client) return false;
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
        bool there = match->master && movex_master_find(match->master, match->config->type, resource_id, &hosted);
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
