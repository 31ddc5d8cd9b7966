#include "secrets_inside.h"

const char *secrets_name(int client)
{
    static const char *const names[SECRETS_CLIENTS] = {"c0", "c1", "c2", "c3", "c4", "c5"};
    return names[client];
}

const char *secrets_viewer(int viewer)
{
    return viewer < SECRETS_CLIENTS ? secrets_name(viewer) : viewer == SECRETS_PUBLIC ? "" : NULL;
}

/* ---- starting and ending */

void secrets_start_client(secrets_run *r, int i)
{
    r->clients[i] = movex_client_new(&(movex_client_config){.id = secrets_name(i),
                                                            .io = movex_mock_connect_as(r->net, secrets_name(i)),
                                                            .reconnect_min_ms = 5,
                                                            .reconnect_max_ms = 60,
                                                            .handshake_ms = 600,
                                                            .allocator = meter_allocator(&r->of_clients)});
    require(r, r->clients[i]);
    r->bound[i] = NULL;
    r->flipped[i] = (secrets_flipped){0};
}

/* Of a client that is about to be freed. */
static void count_events(const secrets_run *r, const movex_client *client)
{
    movex_stats stats = movex_client_stats(client);
    r->events->reconnects += stats.connects ? stats.connects - 1 : 0;
    r->events->resumes += stats.resumes;
    r->events->snapshots += stats.snapshots;
    r->events->refusals += stats.refused;
    r->events->expiries += stats.expired;
    r->events->patches += stats.patches;
    r->events->folds += stats.reveals > stats.patches ? stats.reveals - stats.patches : 0;
}

static const movex_type *const types[] = {&secrets_plain_type, &secrets_dealt_type, &secrets_redacted_type,
                                          &secrets_audience_type, NULL};

static uint32_t journal_bytes(const secrets_run *r, uint64_t *random)
{
    uint32_t drawn = meter_below(random, 2) ? 4096 : 0;
    return r->journal_bytes ? r->journal_bytes : drawn;
}

static void start_master(secrets_run *r)
{
    uint64_t            random = r->seed; /* the same each time it starts */
    uint64_t            now_ms = movex_mock_clock(r->net, MOVEX_MOCK_MASTER);
    movex_error         error = {.text = ""};
    movex_master_config config = {.types = types,
                                  .seed = r->seed,
                                  .start_time_ms = meter_below(&random, 2) ? 1000000 + now_ms : 0,
                                  .grace_ms = meter_below(&random, 4) ? 3000 : 100,
                                  .limits = {.backlog_bytes = r->slow ? 128 : 0,
                                             .history = meter_below(&random, 2) ? 128 : 4096,
                                             .history_bytes = 1 << 20,
                                             .hidden = meter_below(&random, 4) || r->watched ? 0 : 3,
                                             .journal_bytes = journal_bytes(r, &random)},
                                  .observer = {.ordered = secrets_ordered, .user = r},
                                  .flushed_elsewhere = r->disk != NULL,
                                  .allocator = meter_allocator(&r->of_master),
                                  .error = &error};
    if (r->storms) secrets_storm_master(r, &config);
    if (r->disk) config.store = r->store = movex_store_memory_open(r->disk);
    r->master = movex_master_new(&config);
    must_msg(r->master, "seed %llu: %s", (unsigned long long)r->seed, error.text);
    require(r, movex_master_attach(r->master, movex_mock_listen(r->net)) == MOVEX_OK);
}

static void start(secrets_run *r)
{
    r->type = types[r->seed % 4];
    r->random = r->seed * 2654435761u + 1;
    r->client_count = 2 + (int)secrets_below(r, SECRETS_CLIENTS - 1);
    uint32_t          slowest = secrets_below(r, 2) ? 1 + secrets_below(r, 120) : secrets_below(r, 10);
    uint32_t          fastest = secrets_below(r, 10), cuts = secrets_below(r, 3) ? secrets_below(r, 60) : 0;
    movex_mock_config net = {.seed = r->seed, .queue_bytes = r->slow ? 128 : 0};
    net.faults =
        (movex_mock_faults){.cut_per_mille = cuts, .stall_per_mille = r->slow ? 30 : 0, .stall_ms = {100, 1500}};
    movex_store_memory_config disk = {.seed = r->seed, .flush_ms = r->restarts ? secrets_below(r, 20) : 0};
    if (r->storms) net = secrets_storm_net(r);
    if (r->storms) disk = secrets_storm_disk(r);
    net.latency_ms = (movex_mock_range){fastest, slowest};
    net.allocator = meter_allocator(&r->of_rest);
    if (r->storms) disk.allocator = net.allocator;
    if (!r->net) r->net = movex_mock_new(&net);
    movex_mock_set_latency(r->net, net.latency_ms);
    movex_mock_set_faults(r->net, &net.faults);
    if (r->restarts || r->storms) r->disk = movex_store_memory_new(&disk);
    start_master(r);
    r->start_bytes = r->of_master.bytes;
    r->rules = movex_rules_new(r->type, NULL, NULL);
    movex_rules_init(r->rules, &r->base);
    uint64_t first = movex_codec_checksum(movex_rules_state(r->rules), &r->base);
    for (int i = 0; i < SECRETS_VIEWERS; i++) r->checksums[0][i] = first;
    for (int i = 0; i < r->client_count; i++) secrets_start_client(r, i);
}

static void count_faults(const secrets_run *r)
{
    movex_mock_stats         net = movex_mock_statistics(r->net);
    movex_store_memory_stats disk = movex_store_memory_statistics(r->disk);
    r->events->half_open += net.half_open;
    r->events->lingering += net.lingering;
    r->events->stalls += net.stalls;
    r->events->jumps += net.jumps;
    r->events->failed_dials += net.failed_dials;
    r->events->failed_flushes += disk.failed_flushes;
}

static void end(secrets_run *r)
{
    count_faults(r);
    for (int i = 0; i < r->client_count; i++) {
        count_events(r, r->clients[i]);
        movex_client_free(r->clients[i]);
        r->clients[i] = NULL;
        r->bound[i] = NULL;
    }
    require(r, r->of_clients.blocks == 0 && r->of_clients.wrong == 0);
    if (r->storms) secrets_check_emptied(r);
    r->events->gave_way += movex_master_stats(r->master).gave_way;
    movex_master_free(r->master);
    require(r, r->of_master.blocks == 0 && r->of_master.wrong == 0);
    if (r->ended) r->ended(r);
    r->master = NULL;
    if (r->stopped) r->stopped(r);
    movex_store_memory_free(r->disk);
    if (!r->lent) movex_mock_free(r->net);
    require(r, r->of_rest.blocks == 0 && r->of_rest.wrong == 0);
    movex_rules_free(r->rules);
}

/* ---- time */

void secrets_crash_master(secrets_run *r)
{
    if (!r->disk || !r->master) return;
    if (r->storms && secrets_below(r, 2)) movex_mock_crash(r->net, MOVEX_MOCK_MASTER, secrets_below(r, 300));
    movex_store_memory_crash(r->disk);
    movex_master_free(r->master);
    r->master = NULL;
    r->starts_ms = r->now_ms + secrets_below(r, 100);
    r->events->restarts++;
    if (r->stopped) r->stopped(r);
}

static void start_again(secrets_run *r)
{
    start_master(r);
    require(r, r->master->config.epoch > r->epoch);
    const movex_master_resource *resource = secrets_hosted(r);
    secrets_go_back(r, resource ? resource->log.version : 0);
    if (resource) secrets_check_views(r);
}

static void poll_all(secrets_run *r, uint32_t ms)
{
    r->now_ms += ms;
    movex_mock_poll(r->net, r->now_ms);
    secrets_recover(r, false);
    if (!r->master && r->now_ms >= r->starts_ms) start_again(r);
    if (r->disk && r->master) {
        movex_store_memory_poll(r->disk, r->now_ms);
        if (!r->own_flush && secrets_below(r, 3)) r->store.ops->flush(r->store.self);
    }
    if (r->master && secrets_below(r, 8)) movex_master_poll(r->master, movex_mock_clock(r->net, MOVEX_MOCK_MASTER));
    for (int i = 0; i < r->client_count; i++)
        if (secrets_below(r, 6) && r->clients[i])
            movex_client_poll(r->clients[i], movex_mock_clock(r->net, secrets_name(i)));
    secrets_check(r);
}

/* ---- what happens */

/* The value is what a pair of runs differs in, where nobody who is watched can know it. */
static secrets_move draw_move(secrets_run *r, bool secret)
{
    secrets_move move = {.id = r->move_count, .a = (uint8_t)secrets_below(r, 6), .b = (uint8_t)secrets_below(r, 6)};
    uint32_t     one = secrets_below(r, 1000), other = secrets_below(r, 1000);
    move.value = secret && r->secret ? other : one;
    return move;
}

/* Hidden ones are more likely than others, and what makes all known less. */
static uint32_t draw_action(secrets_run *r)
{
    uint32_t action = secrets_below(r, SECRETS_TICK);
    if (action == SECRETS_OPEN && secrets_below(r, 4)) action = SECRETS_SWAP;
    if (secrets_below(r, 3) == 0) action = SECRETS_HIDE_APPEND + secrets_below(r, 4);
    if (secrets_below(r, 6) == 0) action = secrets_below(r, 2) ? SECRETS_BID : SECRETS_HIDE_BID;
    return action;
}

static void dispatch(secrets_run *r, int i)
{
    bool     may_hide = r->watched == 0 || i < r->watched;
    uint32_t action = draw_action(r), shown = secrets_shown_for(action);
    bool     masters = r->type->actions[action].flags & MOVEX_MASTER_ONLY;
    bool     hides = shown < SECRETS_ACTIONS && secrets_below(r, 8) != 0;
    bool     marks = action >= SECRETS_MARK && action <= SECRETS_HIDE_DRAW;
    bool     telling = action == SECRETS_OPEN || action == SECRETS_PLAY || (marks && ++r->marks >= SECRETS_MARKS);
    if (!r->bound[i] || r->move_count == SECRETS_MOVES || ((masters || hides) && !may_hide)) return;
    if (r->quiet && telling) return;
    /* Bids are refused for what they are; and without redact all see what the master alone has done. */
    bool         secret = hides ? action != SECRETS_HIDE_BID : masters && r->type->redact;
    secrets_move move = draw_move(r, secret), seen = move;
    movex_ticket ticket;
    seen.value = secrets_below(r, 1000);
    movex_try(r->bound[i], action, &move);
    /* Whether it hides at all is a secret as well, where both are accepted. */
    if (r->secret && hides && action == SECRETS_HIDE_DRAW && seen.b > 2) {
        hides = false;
        action = shown;
        move = seen;
    }
    ticket = hides ? movex_dispatch_private(r->bound[i], action, &move, shown, &seen)
                   : movex_dispatch(r->bound[i], action, &move);
    if (ticket)
        r->moves[r->move_count++] = (secrets_dispatched){.ticket = ticket, .client = i, .fate = SECRETS_PENDING};
}

static void toggle(secrets_run *r, int i)
{
    if (r->flipped[i].is || !r->clients[i]) return;
    if (r->bound[i]) {
        movex_unbind(r->bound[i]);
        r->bound[i] = NULL;
    } else {
        r->bound[i] = movex_bind(r->clients[i], r->type, secrets_id);
        require(r, r->bound[i]);
    }
}

void secrets_free_client(secrets_run *r, int i)
{
    secrets_drain(r, i);
    count_events(r, r->clients[i]);
    movex_client_free(r->clients[i]);
    r->clients[i] = NULL;
    r->bound[i] = NULL;
    for (uint32_t id = 0; id < r->move_count; id++) {
        if (r->moves[id].client != i) continue;
        if (r->moves[id].fate == SECRETS_PENDING) r->moves[id].fate = SECRETS_UNKNOWN;
        r->moves[id].client = -1; /* its tickets are counted anew */
    }
}

/* Leaves for good, as somebody who closes the game, and comes again, as soon as the name is free. */
static void replace(secrets_run *r, int i)
{
    if (!r->clients[i]) return;
    secrets_free_client(r, i);
    secrets_start_client(r, i);
}

/* The program replaces the state by the public one: what is hidden is dropped. */
static void put(secrets_run *r)
{
    if (!r->master || !secrets_hosted(r)) return;
    secrets_fold(r, "", &r->put_state);
    int status = movex_master_put(r->master, r->type, secrets_id, &r->put_state);
    require(r, status == MOVEX_OK || (r->storms && status == MOVEX_ERR_STORE));
}

static void release_some(secrets_run *r)
{
    for (uint32_t n = secrets_below(r, 12); n > 0 && movex_mock_held_count(r->net); n--)
        movex_mock_release(r->net, secrets_below(r, movex_mock_held_count(r->net)));
}

static void step(secrets_run *r)
{
    int      i = (int)secrets_below(r, (uint32_t)r->client_count);
    uint32_t what = secrets_below(r, 100);
    if (what < 70) {
        for (uint32_t n = 1 + secrets_below(r, 3); n > 0; n--) dispatch(r, i);
    } else if (what < 77) {
        toggle(r, i);
    } else if (what < 79) {
        if (!r->watched) replace(r, i); /* it could not come back before a reveal */
    } else if (what < 82) {
        movex_mock_cut(r->net, secrets_name(i));
    } else if (what < 83) {
        put(r);
    } else if (what < 84) {
        secrets_crash_master(r);
    } else if (what < 86 && !r->watched) { /* how much is held is a secret */
        r->held = !r->held;
        movex_mock_hold(r->net, r->held);
    }
    if (r->storms && secrets_below(r, 6) == 0) secrets_strike(r);
    if (r->flips && secrets_below(r, 3) == 0) secrets_flip(r, i);
    if (r->held) release_some(r);
    poll_all(r, secrets_below(r, 3) ? secrets_below(r, 20) : 0);
}

/* ---- the end */

static bool is_at_rest(const secrets_run *r)
{
    movex_hosted hosted;
    if (!r->master || !movex_master_find(r->master, r->type, secrets_id, &hosted)) return false;
    if (hosted.hidden && !r->quiet) return false;
    for (int i = 0; i < r->client_count; i++) {
        const movex_resource *resource = r->bound[i];
        if (!resource || !movex_in_sync(resource) || movex_pending(resource)) return false;
        if (movex_version(resource) != r->version || r->flipped[i].is) return false;
    }
    return true;
}

/* A name with something hidden is kept for its owner; so nothing may stay hidden. */
static void reveal_all(secrets_run *r)
{
    secrets_move what = {.id = SECRETS_MOVES};
    movex_hosted hosted;
    bool         flipped = false; /* and not found before something comes */
    for (int i = 0; i < r->client_count; i++) flipped = flipped || r->flipped[i].is;
    if (!r->master || !movex_master_find(r->master, r->type, secrets_id, &hosted)) return;
    if (hosted.hidden == 0 && !flipped) return;
    movex_master_dispatch(r->master, r->type, secrets_id, SECRETS_OPEN, &what, NULL);
}

static void come_to_rest(secrets_run *r)
{
    movex_mock_set_faults(r->net, &(movex_mock_faults){0});
    movex_mock_hold(r->net, false);
    secrets_recover(r, true);
    for (int i = 0; i < r->client_count; i++)
        if (!r->bound[i]) toggle(r, i);
    for (int i = 0; i < 3000 && !is_at_rest(r); i++) {
        if (!r->quiet && i % 16 == 0) reveal_all(r); /* or it would go on for ever */
        poll_all(r, 10);
    }
    for (int i = 0; i < 100; i++) poll_all(r, 10); /* what nobody is bound to any more ends as well */
    require(r, is_at_rest(r));
    for (uint32_t id = 0; id < r->move_count; id++) {
        const secrets_dispatched *move = &r->moves[id];
        require(r, move->fate != SECRETS_PENDING);
        if (move->client >= 0 && move->fate == SECRETS_ACCEPTED && !move->forgotten)
            require(r, move->told_overturned == move->overturned);
    }
}

void secrets_play(secrets_run *r, int steps)
{
    start(r);
    for (int i = 0; i < r->client_count; i++) toggle(r, i);
    for (int i = 0; i < steps; i++) step(r);
    come_to_rest(r);
    end(r);
}
