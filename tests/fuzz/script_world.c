#include "script_world.h"

#include "random.h"
#include "wire_check.h"

#include <stdio.h>

/* ---- making */

static void see_frame(void *user, const movex_mock_frame *frame)
{
    world *w = user;
    w->wire = fuzz_digest_text(w->wire, frame->from);
    w->wire = fuzz_digest_number(w->wire, frame->due_ms);
    if (frame->kind != MOVEX_IO_MESSAGE) return;
    w->wire = fuzz_digest(w->wire, frame->data, frame->length);
    if (strcmp(frame->from, "evil") != 0) wire_require_frame(frame->data, frame->length);
}

static void see_entry(void *user, movex_master *master, const movex_ordered *entry)
{
    world       *w = user;
    movex_hosted hosted;
    fuzz_require(movex_master_find(master, entry->type, entry->id, &hosted));
    fuzz_require(hosted.version == entry->version && (!entry->reveals || hosted.hidden == 0));
    w->digest = fuzz_digest_number(w->digest, entry->digest);
}

void script_start_master(world *w)
{
    w->memory.fails_in = 0;
    movex_master_config config = {.types = table_types,
                                  .seed = 7 + w->epoch,
                                  .epoch = ++w->epoch,
                                  .grace_ms = w->grace_ms,
                                  .limits = w->limits,
                                  .observer = {.ordered = see_entry, .user = w},
                                  .allocator = fuzz_allocator(&w->memory)};
    w->master = movex_master_new(&config);
    fuzz_require(w->master && movex_master_attach(w->master, movex_mock_listen(w->net)) == MOVEX_OK);
}

static void start_client(world *w, int i)
{
    player *p = &w->players[i];
    w->memory.fails_in = 0;
    *p = (player){.life = p->life + 1};
    snprintf(p->id, sizeof p->id, "p%d.%u", i, p->life); /* an id that has hidden something is not free at once */
    p->client = movex_client_new(&(movex_client_config){.id = p->id,
                                                        .info = "x",
                                                        .io = movex_mock_connect_as(w->net, p->id),
                                                        .limits = {.pending = w->limits.pending},
                                                        .reconnect_min_ms = 5,
                                                        .reconnect_max_ms = 60,
                                                        .handshake_ms = 600,
                                                        .allocator = fuzz_allocator(&w->memory)});
    fuzz_require(p->client);
}

void script_start(world *w, fuzz_input *input)
{
    uint8_t a = fuzz_u8(input), b = fuzz_u8(input), c = fuzz_u8(input), d = fuzz_u8(input);
    w->player_count = 2 + a % 3;
    w->grace_ms = a & 4 ? 200 : 30000;
    w->limits.history = b & 1 ? 4 : 256;
    w->limits.history_bytes = b & 2 ? 64 : 1 << 16;
    w->limits.hidden = b & 4 ? 2 : 0;
    w->limits.hiders = b & 8 ? 2 : 0;
    w->limits.pending = b & 16 ? 3 : 64;
    w->net = movex_mock_new(&(movex_mock_config){.seed = d,
                                                 .latency_ms = {c % 8, c % 8 + (c & 8 ? c : 0)},
                                                 .cut_per_mille = a & 8 ? d % 64 : 0,
                                                 .dial_failure_per_mille = a & 16 ? 200 : 0,
                                                 .max_frame = b & 32 ? MOVEX_IO_MIN_FRAME : 0,
                                                 .tap = see_frame,
                                                 .user = w,
                                                 .allocator = fuzz_allocator(&w->network_memory)});
    fuzz_require(w->net);
    script_start_master(w);
    for (int i = 0; i < TABLE_TYPES; i++) {
        w->rules[i] = movex_rules_new(table_types[i], NULL, NULL);
        fuzz_require(w->rules[i]);
    }
    for (int i = 0; i < w->player_count; i++) start_client(w, i);
    w->hostile.io = movex_mock_connect_as(w->net, "evil");
}

/* ---- what must hold at any time */

static void take_outcome(player *p, const movex_event *event)
{
    fuzz_require(event->ticket > 0 && event->ticket <= p->last_ticket);
    fuzz_require(++p->outcomes[event->ticket] == 1);
}

/* It can only be unbound, and then be bound again. */
static void forget(player *p, const movex_resource *resource)
{
    for (int k = 0; k < TABLE_TYPES; k++) {
        if (p->bound[k] != resource) continue;
        movex_unbind(p->bound[k]);
        p->bound[k] = NULL;
    }
}

static void drain(world *w, player *p)
{
    for (movex_event event; movex_client_next(p->client, &event);) {
        w->digest = fuzz_digest_number(w->digest, (uint64_t)event.kind << 32 | event.ticket);
        w->digest = fuzz_digest_number(w->digest, event.version ^ (uint64_t)(uint32_t)event.reason << 32);
        w->digest = fuzz_digest_text(w->digest, event.text);
        fuzz_require(event.text && event.kind != MOVEX_EVENT_MISMATCH);
        switch (event.kind) {
        case MOVEX_EVENT_ACCEPTED:
        case MOVEX_EVENT_REFUSED:
        case MOVEX_EVENT_EXPIRED: take_outcome(p, &event); break;
        case MOVEX_EVENT_BIND_REFUSED:
            if (event.status == MOVEX_ERR_MEMORY)
                fuzz_require(w->memory_failed);
            else /* of somebody who was away then */
                fuzz_require(w->ended && strstr(event.text, "was ended by the master"));
            forget(p, event.resource);
            break;
        case MOVEX_EVENT_REMOVED: forget(p, event.resource); break; /* kicked, or the resource was removed */
        case MOVEX_EVENT_CLOSED: fuzz_require(event.status == MOVEX_ERR_DENIED && p->lost_session); break;
        default: break;
        }
    }
}

/* The master does not know what this client has done. */
static bool has_sealed(const movex_resource *resource)
{
    return resource->sealing && resource->sealing->has_own;
}

/* What is shown is what the master has confirmed with all that is pending on top, in order; but for the time,
   which has gone on since some of it was predicted. */
static void check_local(const movex_resource *resource)
{
    table    expected, shown, scratch;
    uint64_t version = movex_version(resource);
    if (resource->stale.list) return; /* memory was short: the next poll does it */
    const movex_view *seen = has_sealed(resource) ? &resource->sealing->own : &resource->confirmed;
    memcpy(&expected, seen->state, sizeof expected);
    for (movex_node *node = resource->pending.first; node; node = node->next) {
        const movex_pending_dispatch *dispatch = movex_pending_of(node);
        uint64_t                      seed = dispatch->ticket;
        movex_random_source           random = {.seed = movex_splitmix64(&seed)};
        movex_context                 context = movex_replica_context(resource, ++version, &random);
        bool                          has_payload = movex_rules_payload(resource->rules, dispatch->action) != NULL;
        if (dispatch->state == MOVEX_PENDING_HELD || !movex_rules_is_predicted(resource->rules, dispatch->action))
            continue;
        movex_apply(resource->rules, &expected, dispatch->action, has_payload ? dispatch->payload : NULL, &context,
                    &scratch);
    }
    movex_fork(resource, &shown);
    shown.stamped_ms = expected.stamped_ms;
    shown.due_ms = expected.due_ms;
    fuzz_require(movex_codec_equal(movex_rules_state(resource->rules), &shown, &expected));
}

/* What a player may read. */
static void check_replica(world *w, const movex_resource *resource)
{
    movex_revealed   revealed;
    movex_subscriber subscriber;
    table            local;
    uint32_t         count = 0;
    movex_replica_check(resource);
    check_local(resource);
    movex_fork(resource, &local);
    const table *shown = movex_state(resource);
    fuzz_require(shown->count == local.count && memcmp(shown->cells, local.cells, sizeof local.cells) == 0);
    for (uint32_t i = 0; movex_revealed_at(resource, i, &revealed); i++)
        fuzz_require(revealed.author[0] && revealed.version > 0 && revealed.version <= movex_version(resource));
    while (movex_subscriber_at(resource, count, &subscriber)) {
        fuzz_require(subscriber.id[0]);
        count++;
    }
    fuzz_require(count == movex_subscriber_count(resource));
    w->digest = fuzz_digest_number(w->digest, count);
}

static void check(world *w)
{
    movex_hosted hosted;
    for (uint32_t cursor = 0; movex_master_each(w->master, &cursor, &hosted);)
        movex_master_resource_check(movex_master_resource_named(w->master, hosted.type, hosted.id));
    for (int i = 0; i < w->player_count; i++) {
        player *p = &w->players[i];
        drain(w, p);
        movex_stats stats = movex_client_stats(p->client);
        fuzz_require(stats.mismatches == 0 && stats.resyncs == 0 && stats.protocol_errors == 0);
        for (int k = 0; k < TABLE_TYPES; k++)
            if (p->bound[k]) check_replica(w, p->bound[k]);
        w->digest = fuzz_digest_number(w->digest, movex_client_deadline(p->client));
    }
    w->digest = fuzz_digest_number(w->digest, movex_master_deadline(w->master));
    fuzz_require(w->memory.bytes < 8u << 20);
}

static void poll_hostile(world *w)
{
    hostile       *h = &w->hostile;
    movex_io_event event;
    while (h->io.ops->recv(h->io.self, &event) == MOVEX_OK) {
        if (event.link != h->link) continue;
        if (event.kind == MOVEX_IO_CLOSED) h->link = 0;
        if (event.kind != MOVEX_IO_MESSAGE) continue;
        movex_reader        reader = movex_reader_over(event.data, event.length);
        movex_bound_message bound;
        if (movex_read_u8(&reader) == MOVEX_MESSAGE_BOUND && movex_read_bound(&reader, &bound))
            h->number = bound.number;
    }
}

void script_poll(world *w, uint32_t ms, unsigned absent)
{
    w->now_ms += ms;
    movex_mock_poll(w->net, w->now_ms);
    if (!(absent & 1)) movex_master_poll(w->master, w->now_ms);
    for (int i = 0; i < w->player_count; i++)
        if (!(absent >> (i + 1) & 1)) movex_client_poll(w->players[i].client, w->now_ms);
    poll_hostile(w);
    check(w);
}

movex_resource *script_bind(world *w, player *p, int type)
{
    w->used[type] = true;
    if (!p->bound[type] && movex_client_connection(p->client) != MOVEX_CONNECTION_CLOSED)
        p->bound[type] = movex_bind(p->client, table_types[type], "one");
    return p->bound[type];
}

void script_replace(world *w, int i)
{
    drain(w, &w->players[i]);
    movex_client_free(w->players[i].client);
    start_client(w, i);
}

/* ---- the end */

static bool is_at_rest(const world *w)
{
    movex_hosted hosted;
    for (int i = 0; i < w->player_count; i++)
        for (int k = 0; k < TABLE_TYPES; k++) {
            const movex_resource *resource = w->players[i].bound[k];
            if (!w->used[k]) continue;
            if (!resource || !movex_in_sync(resource) || movex_pending(resource)) return false;
            if (!movex_master_find(w->master, table_types[k], "one", &hosted)) return false;
            if (movex_version(resource) != hosted.version) return false;
        }
    return true;
}

/* Who was expelled comes as somebody else, and all bind what anybody has. */
static void gather(world *w)
{
    for (int i = 0; i < w->player_count; i++) {
        if (movex_client_connection(w->players[i].client) == MOVEX_CONNECTION_CLOSED) script_replace(w, i);
        for (int k = 0; k < TABLE_TYPES; k++) fuzz_require(!w->used[k] || script_bind(w, &w->players[i], k));
    }
}

void script_come_to_rest(world *w)
{
    w->memory.fails_in = 0;
    movex_mock_set_faults(w->net, NULL);
    movex_mock_hold(w->net, false);
    for (int i = 0; i < w->player_count; i++) movex_mock_partition(w->net, w->players[i].id, false);
    if (w->hostile.link) w->hostile.io.ops->close(w->hostile.io.self, w->hostile.link);
    w->hostile.link = 0;
    int calm = 0; /* polls for which it has been at rest: for longer than anything takes on its way */
    for (int n = 0; n < 600 && calm < 10; n++) {
        gather(w);
        script_poll(w, 40, 0);
        calm = is_at_rest(w) ? calm + 1 : 0;
    }
    fuzz_require(calm == 10);
}

/* All know the same of who is there. */
static void check_subscribers(const world *w, const movex_resource *resource, int type)
{
    movex_subscriber here, there;
    movex_hosted     hosted;
    fuzz_require(movex_master_find(w->master, table_types[type], "one", &hosted));
    fuzz_require(movex_subscriber_count(resource) == hosted.subscribers);
    for (uint32_t i = 0; movex_subscriber_at(resource, i, &here); i++) {
        uint32_t at = 0;
        while (movex_master_subscriber_at(w->master, table_types[type], "one", at, &there) &&
               strcmp(here.id, there.id) != 0)
            at++;
        fuzz_require(at < hosted.subscribers && here.away == there.away);
    }
}

void script_check_views(world *w)
{
    for (int k = 0; k < TABLE_TYPES; k++) {
        const movex_codec *codec = movex_rules_state(w->rules[k]);
        for (int i = 0; w->used[k] && i < w->player_count; i++) {
            const player *p = &w->players[i];
            table         state;
            uint64_t      checksum;
            fuzz_require(movex_master_view(w->master, table_types[k], "one", p->id, &state, &checksum) == MOVEX_OK);
            fuzz_require(movex_checksum(p->bound[k]) == checksum);
            fuzz_require(movex_codec_equal(codec, movex_confirmed_state(p->bound[k]), &state));
            check_subscribers(w, p->bound[k], k);
            table local;
            movex_fork(p->bound[k], &local);
            if (!has_sealed(p->bound[k]))
                fuzz_require(movex_codec_equal(codec, &local, &state)); /* nothing is pending */
            w->digest = fuzz_digest_number(w->digest, checksum);
        }
    }
    for (int i = 0; i < w->player_count; i++) {
        player *p = &w->players[i];
        for (movex_ticket ticket = 1; ticket <= p->last_ticket; ticket++) fuzz_require(p->outcomes[ticket] == 1);
        fuzz_require(movex_client_stats(p->client).pending == 0);
    }
}

void script_end(world *w)
{
    for (int i = 0; i < w->player_count; i++) movex_client_free(w->players[i].client);
    movex_master_free(w->master);
    w->hostile.io.ops->destroy(w->hostile.io.self);
    movex_mock_free(w->net);
    for (int i = 0; i < TABLE_TYPES; i++) movex_rules_free(w->rules[i]);
    fuzz_require(w->memory.blocks == 0 && w->memory.bytes == 0 && w->network_memory.blocks == 0);
}
