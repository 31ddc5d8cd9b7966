#include "secrets_inside.h"

#include "random.h"

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

void secrets_drain(secrets_run *r, int i)
{
    for (movex_event event; movex_client_next(r->clients[i], &event);) {
        require(r, event.kind != MOVEX_EVENT_MISMATCH || r->flips);
        require(r, event.kind != MOVEX_EVENT_CLOSED && event.kind != MOVEX_EVENT_BIND_REFUSED);
        require(r, event.kind != MOVEX_EVENT_REMOVED);
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
            if (event.kind == MOVEX_EVENT_REFUSED && event.reason == MOVEX_REFUSED_NOT_KEPT) r->events->unkept++;
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
    if (!r->clients[i]) return;
    secrets_drain(r, i);
    const movex_resource *resource = r->bound[i];
    movex_stats           stats = movex_client_stats(r->clients[i]);
    follow_subscription(r, i);
    require(r, stats.mismatches <= r->flipped[i].flips && stats.resyncs == stats.mismatches);
    require(r, stats.protocol_errors == 0);
    if (r->clients[i]->epoch > r->epoch) r->epoch = r->clients[i]->epoch;
    if (!resource || secrets_is_flipped(r, i)) return;
    movex_replica_check(resource);
    if (!resource->has_state) return;
    require(r, movex_version(resource) <= r->version);
    if (movex_version(resource) > r->told) r->told = movex_version(resource);
    require(r, movex_checksum(resource) == r->checksums[movex_version(resource)][i]);
    check_local(r, resource);
    check_names(r, resource);
}

void secrets_check(secrets_run *r)
{
    movex_master_resource *resource = r->master ? secrets_hosted(r) : NULL;
    if (resource) movex_master_resource_check(resource);
    for (int i = 0; i < r->client_count; i++) check_client(r, i);
    secrets_check_bounds(r);
    for (uint32_t id = 0; id < r->move_count; id++) {
        const secrets_dispatched *move = &r->moves[id];
        require(r, move->in_log <= 1);
        if (move->fate == SECRETS_ACCEPTED) require(r, move->in_log == 1);
        if (move->fate == SECRETS_REFUSED) require(r, move->in_log == 0);
    }
}
