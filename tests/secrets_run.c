#include "secrets_run.h"

#include "client_internal.h"
#include "master_internal.h"
#include "meter.h"
#include "random.h"
#include "support.h"

#include <movex/text.h>

#include <stdio.h>

static const char resource_id[] = "r";

#define require(r, condition)                                                                                          \
    must_msg(condition, "seed %llu, type %s, at %llu ms, version %llu: %s", (unsigned long long)(r)->seed,             \
             (r)->type->name, (unsigned long long)(r)->now_ms, (unsigned long long)(r)->version, #condition)

static uint32_t below(secrets_run *r, uint32_t bound)
{
    return meter_below(&r->random, bound);
}

static const char *name_of(int client)
{
    static const char *const names[SECRETS_CLIENTS] = {"c0", "c1", "c2", "c3", "c4", "c5"};
    return names[client];
}

const char *secrets_viewer(int viewer)
{
    return viewer < SECRETS_CLIENTS ? name_of(viewer) : viewer == SECRETS_PUBLIC ? "" : NULL;
}

static movex_master_resource *resource_of(const secrets_run *r)
{
    return movex_master_resource_named(r->master, r->type, resource_id);
}

/* ---- the account: views folded from scratch */

/* Whose view: a client's id, "" for the public one, NULL for the one in which everything is revealed. */
static const secrets_half *pick(const secrets_noted *entry, const char *viewer)
{
    bool knows = !viewer || (viewer[0] && strcmp(viewer, entry->author) == 0);
    return entry->hides && knows ? &entry->hidden : &entry->shown;
}

/* MOVEX_ACCEPT, or why it has no effect there. */
static int fold_one(const secrets_run *r, secrets *state, const secrets_noted *entry, const char *viewer)
{
    const secrets_half *half = pick(entry, viewer);
    movex_random_source random = {.seed = half->seed};
    movex_context       context = {entry->author, entry->version, entry->now_ms, &random};
    secrets             scratch;
    return movex_apply(r->rules, state, half->action, half->has_payload ? &half->payload : NULL, &context, &scratch);
}

static void fold(const secrets_run *r, const char *viewer, secrets *state)
{
    *state = r->base;
    for (uint32_t i = 0; i < r->noted_count; i++) fold_one(r, state, &r->noted[i], viewer);
}

static bool has_hidden(const secrets_run *r, const char *viewer)
{
    for (uint32_t i = 0; i < r->noted_count; i++)
        if (r->noted[i].hides && (!viewer || strcmp(r->noted[i].author, viewer) == 0)) return true;
    return false;
}

/* What a viewer is to hold, of the fold that it may know. */
static void show(const secrets_run *r, const char *viewer, secrets *state)
{
    if (!viewer || !r->type->redact) return;
    r->type->redact(state, viewer);
    movex_codec_settle(movex_rules_state(r->rules), state, NULL);
}

/* The master agrees with the account in what `viewer` may know. */
static void check_view(secrets_run *r, const char *viewer, uint64_t *checksum)
{
    const movex_codec *codec = movex_rules_state(r->rules);
    secrets            expected, held;
    uint64_t           said;
    fold(r, viewer, &expected);
    show(r, viewer, &expected);
    require(r, movex_master_view(r->master, r->type, resource_id, viewer, &held, &said) == MOVEX_OK);
    require(r, movex_codec_equal(codec, &held, &expected));
    *checksum = movex_codec_checksum(codec, &expected);
    require(r, said == *checksum);
}

static void check_views(secrets_run *r)
{
    for (int i = 0; i < SECRETS_VIEWERS; i++) check_view(r, secrets_viewer(i), &r->checksums[r->version][i]);
    for (int i = 0; i < SECRETS_CLIENTS; i++) r->events->diverged += has_hidden(r, name_of(i));
}

/* ---- the account: what is ordered */

static secrets_half decode_half(secrets_run *r, uint32_t action, const void *bytes, size_t length, uint64_t seed)
{
    secrets_half       half = {.action = action, .seed = seed};
    const movex_codec *codec = movex_rules_payload(r->rules, action);
    half.has_payload = codec != NULL;
    if (r->type->actions[action].flags & MOVEX_MASTER_ONLY)
        half.payload = secrets_master_only;
    else if (codec)
        require(r, movex_codec_decode(codec, &half.payload, bytes, length, NULL) == MOVEX_OK);
    return half;
}

static secrets_half hidden_half(secrets_run *r, const movex_master_resource *resource, const movex_entry *entry)
{
    const movex_hidden     *hidden = resource->hidden;
    const movex_disclosure *of = entry->reveals ? &hidden->last : &hidden->next;
    const movex_pair       *pair = &of->pairs[of->pair_count - 1];
    require(r, pair->version == r->version);
    return decode_half(r, pair->action, hidden->payloads.bytes + pair->payload_at, pair->payload_length, pair->seed);
}

static void count_dispatch(secrets_run *r, const secrets_noted *noted, int by)
{
    const secrets_half *half = noted->hides ? &noted->hidden : &noted->shown;
    if (!noted->dispatched) return;
    require(r, half->has_payload && half->payload.id < r->move_count);
    r->moves[half->payload.id].in_log += (uint32_t)by;
}

/* All that was hidden is known from here on: the base moves up. */
static void reveal(secrets_run *r)
{
    secrets state = r->base;
    r->revealed_count = 0;
    for (uint32_t i = 0; i < r->noted_count; i++) {
        const secrets_noted *entry = &r->noted[i];
        int                  answer = fold_one(r, &state, entry, NULL);
        if (entry->hides) {
            memcpy(r->revealed_authors[r->revealed_count], entry->author, MOVEX_NAME_SIZE);
            r->revealed_names[r->revealed_count++].version = entry->version;
        }
        if (answer == MOVEX_ACCEPT || !entry->dispatched) continue;
        r->moves[(entry->hides ? &entry->hidden : &entry->shown)->payload.id].overturned = true;
        r->events->overturned++;
    }
    r->base = state;
    r->noted_count = 0;
    r->revealed = r->version;
    r->events->reveals++;
}

static void check_acceptance(secrets_run *r, const secrets_noted *noted)
{
    secrets own, public_state;
    fold(r, has_hidden(r, noted->author) || noted->hides ? noted->author : "", &own);
    fold(r, "", &public_state);
    require(r, fold_one(r, &own, noted, noted->dispatched ? noted->author : "") == MOVEX_ACCEPT);
    r->events->noops += fold_one(r, &public_state, noted, "") != MOVEX_ACCEPT;
}

/* The account goes on by one version. */
static void account(secrets_run *r, const secrets_event *event)
{
    secrets public_state;
    if (event->put) {
        r->base = event->state;
        r->noted_count = 0;
        r->revealed = r->version;
        r->revealed_count = 0;
        return;
    }
    require(r, r->noted_count < SECRETS_NOTED);
    r->noted[r->noted_count++] = event->entry;
    bool any = has_hidden(r, NULL);
    fold(r, "", &public_state);
    if (any && r->type->can_reconcile(&public_state)) reveal(r);
    if (any || !r->noted_count) return;
    r->base = public_state; /* nobody can see it otherwise any more */
    r->noted_count = 0;
}

/* Told of every entry, right after it was ordered. */
static void ordered(void *user, movex_master *master, const movex_ordered *told)
{
    secrets_run                 *r = user;
    const movex_master_resource *resource = movex_master_resource_named(master, told->type, told->id);
    require(r, resource && told->version == r->version + 1 && told->version < SECRETS_VERSIONS);
    r->version = told->version;
    secrets_event *event = &r->history[told->version];
    *event = (secrets_event){.put = told->replaced, .state = r->put_state};
    if (!told->replaced) {
        const movex_entry *entry = movex_log_find(&resource->log, told->version);
        secrets_noted     *noted = &event->entry;
        require(r, entry);
        *noted = (secrets_noted){.version = told->version,
                                 .now_ms = entry->now_ms,
                                 .dispatched = entry->session != 0,
                                 .hides = entry->hides};
        memcpy(noted->author, movex_log_author(&resource->log, entry), entry->author_length);
        noted->shown =
            decode_half(r, entry->action, movex_log_payload(&resource->log, entry), entry->payload_length, entry->seed);
        if (entry->hides) noted->hidden = hidden_half(r, resource, entry);
        if (entry->hides) require(r, noted->shown.seed != noted->hidden.seed);
        check_acceptance(r, noted);
        count_dispatch(r, noted, 1);
        r->events->hidden += noted->hides;
        require(r, told->reveals == entry->reveals);
    }
    uint64_t revealed = r->revealed;
    account(r, event);
    if (!told->replaced) require(r, told->reveals == (r->revealed != revealed));
    check_views(r);
    if (r->observer.ordered) r->observer.ordered(r->observer.user, master, told);
}

/* The master has forgotten what came after `version`: nobody may have been told of it. */
static void go_back(secrets_run *r, uint64_t version)
{
    require(r, version <= r->version);
    for (int i = 0; i < r->client_count; i++)
        if (r->bound[i] && r->bound[i]->has_state) require(r, movex_version(r->bound[i]) <= version);
    for (uint64_t undone = version + 1; undone <= r->version; undone++) {
        if (!r->history[undone].put) count_dispatch(r, &r->history[undone].entry, -1);
        r->events->undone++;
    }
    movex_rules_init(r->rules, &r->base);
    r->noted_count = r->revealed_count = 0;
    r->revealed = 0;
    for (r->version = 1; r->version <= version; r->version++) account(r, &r->history[r->version]);
    r->version = version;
}

/* ---- starting and ending */

static void start_client(secrets_run *r, int i)
{
    r->clients[i] = movex_client_new(&(movex_client_config){.id = name_of(i),
                                                            .io = movex_mock_connect_as(r->net, name_of(i)),
                                                            .reconnect_min_ms = 5,
                                                            .reconnect_max_ms = 60,
                                                            .handshake_ms = 600});
    require(r, r->clients[i]);
    r->bound[i] = NULL;
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
    uint64_t    random = r->seed; /* the same each time it starts */
    movex_error error = {.text = ""};
    if (r->disk) r->store = movex_store_memory_open(r->disk);
    r->master =
        movex_master_new(&(movex_master_config){.types = types,
                                                .seed = r->seed,
                                                .start_time_ms = meter_below(&random, 2) ? 1000000 + r->now_ms : 0,
                                                .grace_ms = meter_below(&random, 4) ? 3000 : 100,
                                                .limits = {.backlog_bytes = r->slow ? 128 : 0,
                                                           .history = meter_below(&random, 2) ? 128 : 4096,
                                                           .history_bytes = 1 << 20,
                                                           .hidden = meter_below(&random, 4) || r->watched ? 0 : 3,
                                                           .journal_bytes = journal_bytes(r, &random)},
                                                .observer = {.ordered = ordered, .user = r},
                                                .store = r->store,
                                                .flushed_elsewhere = r->disk != NULL,
                                                .error = &error});
    must_msg(r->master, "seed %llu: %s", (unsigned long long)r->seed, error.text);
    require(r, movex_master_attach(r->master, movex_mock_listen(r->net)) == MOVEX_OK);
}

static void start(secrets_run *r)
{
    r->type = types[r->seed % 4];
    r->random = r->seed * 2654435761u + 1;
    r->client_count = 2 + (int)below(r, SECRETS_CLIENTS - 1);
    uint32_t slowest = below(r, 2) ? 1 + below(r, 120) : below(r, 10);
    uint32_t fastest = below(r, 10), cuts = below(r, 3) ? below(r, 60) : 0;
    if (!r->net) r->net = movex_mock_new(&(movex_mock_config){.seed = r->seed, .queue_bytes = r->slow ? 128 : 0});
    movex_mock_set_latency(r->net, (movex_mock_range){fastest, slowest});
    movex_mock_set_faults(
        r->net,
        &(movex_mock_faults){.cut_per_mille = cuts, .stall_per_mille = r->slow ? 30 : 0, .stall_ms = {100, 1500}});
    if (r->restarts)
        r->disk = movex_store_memory_new(&(movex_store_memory_config){.seed = r->seed, .flush_ms = below(r, 20)});
    start_master(r);
    r->rules = movex_rules_new(r->type, NULL, NULL);
    movex_rules_init(r->rules, &r->base);
    uint64_t first = movex_codec_checksum(movex_rules_state(r->rules), &r->base);
    for (int i = 0; i < SECRETS_VIEWERS; i++) r->checksums[0][i] = first;
    for (int i = 0; i < r->client_count; i++) start_client(r, i);
}

static void end(secrets_run *r)
{
    for (int i = 0; i < r->client_count; i++) {
        count_events(r, r->clients[i]);
        movex_client_free(r->clients[i]);
    }
    r->events->gave_way += movex_master_stats(r->master).gave_way;
    movex_master_free(r->master);
    if (r->ended) r->ended(r);
    r->master = NULL;
    if (r->stopped) r->stopped(r);
    movex_store_memory_free(r->disk);
    if (!r->lent) movex_mock_free(r->net);
    movex_rules_free(r->rules);
}

/* ---- what must hold */

/* What a client shows, computed again: but for the time, which has gone on since some of it was predicted. */
static void check_local(secrets_run *r, const movex_resource *resource)
{
    secrets        expected;
    const secrets *shown = movex_state(resource);
    uint64_t       version = movex_version(resource);
    memcpy(&expected, movex_confirmed_state(resource), sizeof expected);
    for (movex_node *node = resource->pending.first; node; node = node->next) {
        const movex_pending_dispatch *dispatch = movex_pending_of(node);
        uint64_t                      seed = dispatch->ticket;
        movex_random_source           random = {.seed = movex_splitmix64(&seed)};
        movex_context                 context = movex_replica_context(resource, ++version, &random);
        secrets                       scratch;
        if (!(r->type->actions[dispatch->action].flags & (MOVEX_CONFIRM | MOVEX_MASTER_ONLY)))
            movex_apply(r->rules, &expected, dispatch->action, dispatch->payload, &context, &scratch);
    }
    expected.stamped_ms = shown->stamped_ms;
    expected.due_ms = shown->due_ms;
    require(r, movex_codec_equal(movex_rules_state(r->rules), shown, &expected));
}

/* Whoever knows of the last reveal, knows whose it was. */
static void check_names(secrets_run *r, const movex_resource *resource)
{
    movex_revealed told;
    if (resource->fold.revealed != r->revealed || resource->fold.name_count == 0) return;
    for (uint32_t i = 0; i < r->revealed_count; i++) {
        require(r, movex_revealed_at(resource, i, &told));
        require(r, told.version == r->revealed_names[i].version);
        require(r, strcmp(told.author, r->revealed_authors[i]) == 0);
    }
    require(r, !movex_revealed_at(resource, r->revealed_count, &told));
}

static secrets_dispatched *find_move(secrets_run *r, int client, movex_ticket ticket)
{
    for (uint32_t id = 0; id < r->move_count; id++)
        if (r->moves[id].client == client && r->moves[id].ticket == ticket) return &r->moves[id];
    return NULL;
}

static void drain(secrets_run *r, int i)
{
    for (movex_event event; movex_client_next(r->clients[i], &event);) {
        require(r, event.kind != MOVEX_EVENT_MISMATCH && event.kind != MOVEX_EVENT_CLOSED);
        secrets_dispatched *move = event.ticket ? find_move(r, i, event.ticket) : NULL;
        if (event.ticket) require(r, move);
        if (event.kind == MOVEX_EVENT_OVERTURNED) {
            require(r, move->overturned && !move->told_overturned && move->fate == SECRETS_ACCEPTED);
            move->told_overturned = true;
        } else if (move) {
            require(r, move->fate == SECRETS_PENDING);
            move->fate = event.kind == MOVEX_EVENT_ACCEPTED  ? SECRETS_ACCEPTED
                         : event.kind == MOVEX_EVENT_REFUSED ? SECRETS_REFUSED
                                                             : SECRETS_UNKNOWN;
            if (event.kind == MOVEX_EVENT_REFUSED && event.reason == MOVEX_REFUSED_OVERTAKEN) r->events->overtaken++;
        }
    }
}

/* With a subscription ends what its client is told of what it has dispatched. */
static void follow_subscription(secrets_run *r, int i)
{
    uint64_t now = (r->bound[i] ? r->bound[i]->subscription : 0) ^ movex_load_u64(r->clients[i]->token);
    if (now == r->subscriptions[i]) return;
    r->subscriptions[i] = now;
    for (uint32_t id = 0; id < r->move_count; id++)
        if (r->moves[id].client == i && r->moves[id].in_log) r->moves[id].forgotten = true;
}

static void check_client(secrets_run *r, int i)
{
    const movex_resource *resource = r->bound[i];
    movex_stats           stats = movex_client_stats(r->clients[i]);
    drain(r, i);
    follow_subscription(r, i);
    require(r, stats.mismatches == 0 && stats.resyncs == 0 && stats.protocol_errors == 0);
    if (!resource) return;
    movex_replica_check(resource);
    if (!resource->has_state) return;
    require(r, movex_version(resource) <= r->version);
    require(r, movex_checksum(resource) == r->checksums[movex_version(resource)][i]);
    check_local(r, resource);
    check_names(r, resource);
}

static void check(secrets_run *r)
{
    movex_master_resource *resource = r->master ? resource_of(r) : NULL;
    if (resource) movex_master_resource_check(resource);
    for (int i = 0; i < r->client_count; i++) check_client(r, i);
    for (uint32_t id = 0; id < r->move_count; id++) {
        const secrets_dispatched *move = &r->moves[id];
        require(r, move->in_log <= 1);
        if (move->fate == SECRETS_ACCEPTED) require(r, move->in_log == 1);
        if (move->fate == SECRETS_REFUSED) require(r, move->in_log == 0);
    }
}

/* Whatever was not durable is gone, and torn. */
static void crash(secrets_run *r)
{
    if (!r->disk || !r->master) return;
    movex_store_memory_crash(r->disk);
    movex_master_free(r->master);
    r->master = NULL;
    r->starts_ms = r->now_ms + below(r, 100);
    r->events->restarts++;
    if (r->stopped) r->stopped(r);
}

static void start_again(secrets_run *r)
{
    start_master(r);
    const movex_master_resource *resource = resource_of(r);
    go_back(r, resource ? resource->log.version : 0);
    if (resource) check_views(r);
}

static void poll_all(secrets_run *r, uint32_t ms)
{
    r->now_ms += ms;
    movex_mock_poll(r->net, r->now_ms);
    if (!r->master && r->now_ms >= r->starts_ms) start_again(r);
    if (r->disk && r->master) {
        movex_store_memory_poll(r->disk, r->now_ms);
        if (below(r, 3)) r->store.ops->flush(r->store.self);
    }
    if (r->master && below(r, 8)) movex_master_poll(r->master, r->now_ms);
    for (int i = 0; i < r->client_count; i++)
        if (below(r, 6)) movex_client_poll(r->clients[i], r->now_ms);
    check(r);
}

/* ---- what happens */

/* The value is what a pair of runs differs in, where nobody who is watched can know it. */
static secrets_move draw_move(secrets_run *r, bool secret)
{
    secrets_move move = {.id = r->move_count, .a = (uint8_t)below(r, 6), .b = (uint8_t)below(r, 6)};
    uint32_t     one = below(r, 1000), other = below(r, 1000);
    move.value = secret && r->secret ? other : one;
    return move;
}

/* Hidden ones are more likely than others, and what makes all known less. */
static uint32_t draw_action(secrets_run *r)
{
    uint32_t action = below(r, SECRETS_TICK);
    if (action == SECRETS_OPEN && below(r, 4)) action = SECRETS_SWAP;
    if (below(r, 3) == 0) action = SECRETS_HIDE_APPEND + below(r, 4);
    if (below(r, 6) == 0) action = below(r, 2) ? SECRETS_BID : SECRETS_HIDE_BID;
    return action;
}

static void dispatch(secrets_run *r, int i)
{
    bool     may_hide = r->watched == 0 || i < r->watched;
    uint32_t action = draw_action(r), shown = secrets_shown_for(action);
    bool     masters = r->type->actions[action].flags & MOVEX_MASTER_ONLY;
    bool     hides = shown < SECRETS_ACTIONS && below(r, 8) != 0;
    bool     marks = action >= SECRETS_MARK && action <= SECRETS_HIDE_DRAW;
    bool     telling = action == SECRETS_OPEN || action == SECRETS_PLAY || (marks && ++r->marks >= SECRETS_MARKS);
    if (!r->bound[i] || r->move_count == SECRETS_MOVES || ((masters || hides) && !may_hide)) return;
    if (r->quiet && telling) return;
    /* Bids are refused for what they are; and without redact all see what the master alone has done. */
    bool         secret = hides ? action != SECRETS_HIDE_BID : masters && r->type->redact;
    secrets_move move = draw_move(r, secret), seen = move;
    movex_ticket ticket;
    seen.value = below(r, 1000);
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
    if (r->bound[i]) {
        movex_unbind(r->bound[i]);
        r->bound[i] = NULL;
    } else {
        r->bound[i] = movex_bind(r->clients[i], r->type, resource_id);
        require(r, r->bound[i]);
    }
}

/* Leaves for good, as somebody who closes the game, and comes again, as soon as the name is free. */
static void replace(secrets_run *r, int i)
{
    drain(r, i);
    count_events(r, r->clients[i]);
    movex_client_free(r->clients[i]);
    start_client(r, i);
    for (uint32_t id = 0; id < r->move_count; id++) {
        if (r->moves[id].client != i) continue;
        if (r->moves[id].fate == SECRETS_PENDING) r->moves[id].fate = SECRETS_UNKNOWN;
        r->moves[id].client = -1; /* its tickets are counted anew */
    }
}

/* The program replaces the state by the public one: what is hidden is dropped. */
static void put(secrets_run *r)
{
    if (!r->master || !resource_of(r)) return;
    fold(r, "", &r->put_state);
    require(r, movex_master_put(r->master, r->type, resource_id, &r->put_state) == MOVEX_OK);
}

static void release_some(secrets_run *r)
{
    for (uint32_t n = below(r, 12); n > 0 && movex_mock_held_count(r->net); n--)
        movex_mock_release(r->net, below(r, movex_mock_held_count(r->net)));
}

static void step(secrets_run *r)
{
    int      i = (int)below(r, (uint32_t)r->client_count);
    uint32_t what = below(r, 100);
    if (what < 70) {
        for (uint32_t n = 1 + below(r, 3); n > 0; n--) dispatch(r, i);
    } else if (what < 77) {
        toggle(r, i);
    } else if (what < 79) {
        if (!r->watched) replace(r, i); /* it could not come back before a reveal */
    } else if (what < 82) {
        movex_mock_cut(r->net, name_of(i));
    } else if (what < 83) {
        put(r);
    } else if (what < 84) {
        crash(r);
    } else if (what < 86 && !r->watched) { /* how much is held is a secret */
        r->held = !r->held;
        movex_mock_hold(r->net, r->held);
    }
    if (r->held) release_some(r);
    poll_all(r, below(r, 3) ? below(r, 20) : 0);
}

/* ---- the end */

static bool is_at_rest(const secrets_run *r)
{
    for (int i = 0; i < r->client_count; i++) {
        const movex_resource *resource = r->bound[i];
        if (!resource || !movex_in_sync(resource) || movex_pending(resource)) return false;
        if (movex_version(resource) != r->version) return false;
    }
    return true;
}

/* A name with something hidden is kept for its owner; so nothing may stay hidden. */
static void reveal_all(secrets_run *r)
{
    secrets_move what = {.id = SECRETS_MOVES};
    movex_hosted hosted;
    if (!r->master || !movex_master_find(r->master, r->type, resource_id, &hosted) || hosted.hidden == 0) return;
    movex_master_dispatch(r->master, r->type, resource_id, SECRETS_OPEN, &what, NULL);
}

static void come_to_rest(secrets_run *r)
{
    movex_mock_set_faults(r->net, &(movex_mock_faults){0});
    movex_mock_hold(r->net, false);
    for (int i = 0; i < r->client_count; i++)
        if (!r->bound[i]) toggle(r, i);
    for (int i = 0; i < 3000 && !is_at_rest(r); i++) {
        if (!r->quiet) reveal_all(r);
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
