#include "master_internal.h"
#include "master_keep.h"

#include "default_limits.h"
#include "format.h"
#include "io.h"
#include "random.h"
#include "store.h"

#include <string.h>

enum {
    DEFAULT_GRACE_MS = 30000,
    DEFAULT_HANDSHAKE_MS = 10000,
    DEFAULT_STALL_MS = 30000,
    DEFAULT_SYNC_INTERVAL_MS = 1000,
    TURN_MS = 10,            /* how long one of several emitters is waited on */
    EVENTS_PER_POLL = 10000, /* taken from one emitter in one poll */
    EVENTS_PER_FLUSH = 64,
    LEAST_WAITING = 1 << 20,
};

/* ---- making */

static int make_keys(movex_master *master, movex_error *error)
{
    uint64_t words[6];
    if (master->config.entropy) {
        unsigned char bytes[sizeof words];
        if (master->config.entropy(master->config.user, bytes, sizeof bytes) != MOVEX_OK)
            return movex_error_set(error, MOVEX_ERR_SYSTEM, "the entropy hook failed", NULL);
        for (size_t i = 0; i < 6; i++) words[i] = movex_load_u64(bytes + 8 * i);
    } else {
        uint64_t state = master->config.seed;
        for (size_t i = 0; i < 6; i++) words[i] = movex_splitmix64(&state);
    }
    master->table_key = (movex_sip_key){words[0], words[1]};
    master->token_key = (movex_sip_key){words[2], words[3]};
    master->seed_key = (movex_sip_key){words[4], words[5]};
    return MOVEX_OK;
}

static int add_rules(movex_master *master, const movex_type *type, movex_error *error)
{
    movex_error  found;
    movex_rules *rules = movex_rules_new(type, &master->allocator, &found);
    if (!rules) return movex_error_set(error, found.status, found.text, NULL);
    for (uint32_t i = 0; i < master->rules_count; i++) {
        if (strcmp(master->rules[i]->type->name, type->name) != 0) continue;
        movex_rules_free(rules);
        return movex_error_set(error, MOVEX_ERR_SCHEMA, "two types are named ", type->name, NULL);
    }
    master->rules[master->rules_count++] = rules;
    if (movex_rules_seal(rules, master->config.sealed_room, &found) != MOVEX_OK)
        return movex_error_set(error, found.status, found.text, NULL);
    if (movex_rules_check_determinism(rules, master->config.determinism) != MOVEX_OK)
        return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    size_t longest = MOVEX_MESSAGE_OVERHEAD + 2 * rules->max_encoded; /* a pair */
    size_t opening =
        MOVEX_MESSAGE_OVERHEAD + master->config.limits.hidden * (MOVEX_RECORD_OVERHEAD + rules->max_encoded);
    if (rules->sealed && opening > longest) longest = opening;
    if (longest > master->max_message) master->max_message = longest;
    if (rules->max_payload > master->payload_size) master->payload_size = rules->max_payload;
    return MOVEX_OK;
}

static int make_rules(movex_master *master, const movex_type *const *types, movex_error *error)
{
    if (master->config.shard >= (master->config.shards ? master->config.shards : 1))
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "shard: it must be less than shards", NULL);
    uint32_t count = 0, capacity = 0;
    while (types && types[count]) count++;
    if (count == 0) return movex_error_set(error, MOVEX_ERR_ARGUMENT, "types: the list is empty", NULL);
    if (!movex_grow(&master->allocator, &master->rules, &capacity, sizeof(movex_rules *), count, count))
        return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    master->rules_capacity = capacity;
    master->spares = movex_allocate(&master->allocator, capacity * sizeof *master->spares);
    if (!master->spares) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    for (uint32_t i = 0; i < count; i++) {
        int status = add_rules(master, types[i], error);
        if (status != MOVEX_OK) return status;
    }
    if (master->max_message > master->config.limits.message_bytes)
        master->max_message = master->config.limits.message_bytes;
    if (!master->config.limits.waiting_bytes)
        master->config.limits.waiting_bytes = LEAST_WAITING + (uint32_t)master->max_message;
    if (master->payload_size) {
        master->payload = movex_allocate(&master->allocator, master->payload_size);
        master->shown_payload = movex_allocate(&master->allocator, master->payload_size);
    }
    if (master->payload_size && !(master->payload && master->shown_payload))
        return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    return MOVEX_OK;
}

movex_master *movex_master_new(const movex_master_config *config)
{
    movex_allocator allocator;
    movex_error    *error = config ? config->error : NULL;
    bool            resolved = config && movex_allocator_resolve(&config->allocator, &allocator);
    movex_master   *master = resolved ? movex_allocate(&allocator, sizeof *master) : NULL;
    if (!master) {
        if (config) movex_store_destroy(config->store);
        if (resolved) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL), NULL;
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "allocator: only partly set", NULL), NULL;
    }
    master->allocator = allocator;
    master->config = *config;
    master->config.types = NULL;
    master->config.error = NULL;
    master->config.limits = movex_limits_resolve(&config->limits);
    master->max_message = MOVEX_MESSAGE_OVERHEAD + 3 * (MOVEX_INFO_MAX + 1); /* HELLO */
    if (!config->grace_ms) master->config.grace_ms = DEFAULT_GRACE_MS;
    if (!config->handshake_ms) master->config.handshake_ms = DEFAULT_HANDSHAKE_MS;
    if (!config->stall_ms) master->config.stall_ms = DEFAULT_STALL_MS;
    if (!config->sync_interval_ms) master->config.sync_interval_ms = DEFAULT_SYNC_INTERVAL_MS;
    master->offset_ms = config->start_time_ms;
    if (make_keys(master, error) != MOVEX_OK || make_rules(master, config->types, error) != MOVEX_OK ||
        movex_master_recover(master, error) != MOVEX_OK) {
        movex_master_free(master);
        return NULL;
    }
    master->config.sealed_room = NULL; /* the rules have it */
    return master;
}

static void free_attached(movex_master *master, movex_attached *attached)
{
    for (uint32_t i = 0; i < attached->links.capacity; i++)
        while (attached->links.capacity && attached->links.entries[i].value)
            movex_master_link_free(master, attached->links.entries[i].value);
    movex_map_free(&attached->links, &master->allocator);
    movex_io_destroy(attached->io);
    movex_release(&master->allocator, attached, sizeof *attached);
}

void movex_master_free(movex_master *master)
{
    if (!master) return;
    movex_allocator allocator = master->allocator;
    movex_store     store = master->config.store;
    master->closing = true;
    if (master->journal.file && !master->recovering) store.ops->flush(store.self);
    movex_master_flush(master);
    for (uint32_t i = 0; i < master->attached_count; i++) free_attached(master, master->attached[i]);
    for (uint32_t i = 0; i < master->resource_slots; i++)
        if (master->resources[i]) movex_master_resource_replaced(master, master->resources[i]);
    for (uint32_t i = 0; i < master->sessions.capacity; i++)
        while (master->sessions.entries[i].value) movex_session_free(master, master->sessions.entries[i].value);
    while (master->lost.first) movex_session_free(master, (movex_session *)(void *)master->lost.first);
    while (master->over.first) movex_session_free(master, (movex_session *)(void *)master->over.first);
    for (uint32_t i = 0; i < master->resource_slots; i++)
        if (master->resources[i]) movex_master_resource_free(master, master->resources[i]);
    for (uint32_t i = 0; master->spares && i < master->rules_capacity; i++)
        movex_spares_free(master, &master->spares[i]);
    for (uint32_t i = 0; i < master->rules_count; i++) movex_rules_free(master->rules[i]);

    movex_map_free(&master->sessions, &allocator);
    movex_map_free(&master->by_name, &allocator);
    movex_map_free(&master->addresses, &allocator);
    movex_release(&allocator, master->attached, master->attached_capacity * sizeof *master->attached);
    movex_release(&allocator, master->resources, master->resource_capacity * sizeof *master->resources);
    movex_release(&allocator, master->rules, master->rules_capacity * sizeof *master->rules);
    movex_release(&allocator, master->spares, master->rules_capacity * sizeof *master->spares);
    movex_release(&allocator, master->records, master->record_capacity * sizeof *master->records);
    movex_release(&allocator, master->payload, master->payload_size);
    movex_release(&allocator, master->shown_payload, master->payload_size);
    movex_buffer_free(&master->scratch, &allocator);
    movex_buffer_free(&master->encoded, &allocator);
    movex_buffer_free(&master->patch, &allocator);
    movex_buffer_free(&master->receiver_records, &allocator);
    movex_buffer_free(&master->public_records, &allocator);
    movex_buffer_free(&master->record, &allocator);
    movex_heap_free(&master->wakes, &allocator);
    movex_heap_free(&master->seals, &allocator);
    movex_store_destroy(store);
    movex_release(&allocator, master, sizeof *master);
}

int movex_master_attach(movex_master *master, movex_io io)
{
    int status = master ? movex_io_check(io) : MOVEX_ERR_ARGUMENT;
    if (status == MOVEX_OK && !io.ops->in_process && !master->config.entropy) status = MOVEX_ERR_ENTROPY;
    if (status == MOVEX_OK && !movex_grow(&master->allocator, &master->attached, &master->attached_capacity,
                                          sizeof *master->attached, master->attached_count + 1, 2))
        status = MOVEX_ERR_MEMORY;
    movex_attached *attached = status == MOVEX_OK ? movex_allocate(&master->allocator, sizeof *attached) : NULL;
    if (status == MOVEX_OK && !attached) status = MOVEX_ERR_MEMORY;
    if (status == MOVEX_OK && io.ops->listen) status = io.ops->listen(io.self);
    if (status != MOVEX_OK) {
        if (attached) movex_release(&master->allocator, attached, sizeof *attached);
        movex_io_destroy(io);
        return status;
    }
    attached->io = io;
    attached->limits = movex_limits_of_emitter(&master->config.limits, io.ops->in_process);
    attached->rated = attached->limits.messages_per_second != MOVEX_UNLIMITED ||
                      attached->limits.bytes_per_second != MOVEX_UNLIMITED ||
                      attached->limits.binds_per_second != MOVEX_UNLIMITED;
    master->attached[master->attached_count++] = attached;
    return MOVEX_OK;
}

/* ---- polling */

/* Takes what has come, up to a budget, so that neither the program waits for a flood nor others are flooded with what comes
   of it; the rest stays with the emitter, which holds its senders back. */
static void receive(movex_master *master, movex_attached *attached)
{
    movex_io_event event;
    uint64_t       budget = master->config.limits.queue_bytes / 16 + attached->io.ops->max_frame, taken = 0;
    for (uint32_t i = 0; i < EVENTS_PER_POLL && taken < budget; i++) {
        event = (movex_io_event){0};
        if (movex_keep_is_behind(master)) break;
        if (attached->io.ops->recv(attached->io.self, &event) != MOVEX_OK) return;
        switch (event.kind) {
        case MOVEX_IO_OPENED: movex_master_link_opened(master, attached, &event); break;
        case MOVEX_IO_MESSAGE: movex_master_link_received(master, attached, &event); break;
        case MOVEX_IO_CLOSED: movex_master_link_lost(master, attached, &event); break;
        }
        taken += event.length;
        if (i % EVENTS_PER_FLUSH == EVENTS_PER_FLUSH - 1) movex_master_flush(master);
    }
    master->unread = true;
}

static uint64_t earlier(uint64_t deadline, uint64_t from_ms, uint64_t after_ms)
{
    uint64_t end = after_ms < UINT64_MAX - from_ms ? from_ms + after_ms : UINT64_MAX;
    return end < deadline ? end : deadline;
}

/* Each list is in the order of its times, which all have the same distance to their ends: only the first can be due. */
static void end_what_is_over(movex_master *master)
{
    uint64_t now = master->now_ms;
    for (movex_node *node; (node = master->greeting.first) != NULL;) {
        movex_master_link *link = (movex_master_link *)(void *)node;
        if (now - link->opened_ms < master->config.handshake_ms) break;
        movex_master_link_close(master, link, MOVEX_ERR_TIMEOUT, 0, "no HELLO in time");
    }
    for (movex_node *node; (node = master->away.first) != NULL;) {
        movex_session *session = (movex_session *)(void *)node;
        if (now - session->away_ms < master->config.grace_ms || !movex_keep_reserve_end(master, session)) break;
        movex_session_end(master, session, "its grace period is over");
    }
    movex_session_end_lost(master);
    movex_session_collect(master);
    for (movex_node *node; master->config.idle_ms && (node = master->idle.first) != NULL;) {
        movex_master_resource *resource = (movex_master_resource *)(void *)node;
        if (now - resource->idle_ms < master->config.idle_ms || !movex_keep_reserve(master, 1, 0)) break;
        movex_master_resource_free(master, resource);
    }
}

void movex_master_poll(movex_master *master, uint64_t now_ms)
{
    if (!master) return;
    if (!master->polled) {
        /* Until now the time was 0, and master time the offset alone. */
        if (master->config.start_time_ms) master->offset_ms = master->config.start_time_ms - now_ms;
        if (now_ms + master->offset_ms < master->recovered_ms) master->offset_ms = master->recovered_ms - now_ms;
        for (movex_node *node = master->away.first; node;
             node = node->next) /* recovered: they may come back from now on */
            ((movex_session *)(void *)node)->away_ms = now_ms;
        for (movex_node *node = master->idle.first; node; node = node->next)
            ((movex_master_resource *)(void *)node)->idle_ms = now_ms;
        master->polled = true;
    }
    if (now_ms > master->now_ms) master->now_ms = now_ms;
    master->unread = false;
    movex_master_take_waiting(master);
    for (uint32_t i = 0; i < master->attached_count; i++) receive(master, master->attached[i]);
    movex_round_pass(master);
    movex_master_wake(master);
    end_what_is_over(master);
    movex_keep_sync(master);
    movex_master_flush(master);
}

/* The given time of what is due first, if that is earlier. */
static uint64_t earliest(const movex_master *master, const movex_heap *heap, uint64_t deadline)
{
    if (!movex_heap_first(heap)) return deadline;
    uint64_t due = movex_heap_first(heap)->due, now = movex_master_time(master);
    return earlier(deadline, master->now_ms, due > now ? due - now : 0);
}

uint64_t movex_master_deadline(const movex_master *master)
{
    uint64_t deadline = UINT64_MAX;
    if (!master) return deadline;
    if (master->unread) return master->now_ms;
    if (movex_keep_due_ms(master) != UINT64_MAX) deadline = earlier(deadline, movex_keep_due_ms(master), 0);
    deadline = earliest(master, &master->wakes, deadline);
    deadline = earliest(master, &master->seals, deadline);
    deadline = earlier(deadline, movex_master_stall_ms(master), 0);
    deadline = earlier(deadline, movex_rate_due_ms(master), 0);
    if (master->greeting.first) {
        const movex_master_link *link = (const movex_master_link *)(const void *)master->greeting.first;
        deadline = earlier(deadline, link->opened_ms, master->config.handshake_ms);
    }
    if (master->away.first) {
        const movex_session *session = (const movex_session *)(const void *)master->away.first;
        deadline = earlier(deadline, session->away_ms, master->config.grace_ms);
    }
    if (master->idle.first && master->config.idle_ms) {
        const movex_master_resource *resource = (const movex_master_resource *)(const void *)master->idle.first;
        deadline = earlier(deadline, resource->idle_ms, master->config.idle_ms);
    }
    uint64_t retry_ms = movex_keep_retry_ms(master); /* before that nothing of it could be kept */
    return deadline < retry_ms ? retry_ms : deadline;
}

void movex_master_wait(movex_master *master, uint32_t timeout_ms)
{
    if (!master) return;
    movex_keep_sync(master); /* what the program has caused since the last poll */
    movex_master_flush(master);
    uint64_t deadline = movex_master_deadline(master);
    uint64_t left = deadline > master->now_ms ? deadline - master->now_ms : 0;
    uint32_t waiters = 0;
    if (left < timeout_ms) timeout_ms = (uint32_t)left;
    for (uint32_t i = 0; i < master->attached_count; i++) waiters += master->attached[i]->io.ops->wait != NULL;
    if (waiters > 1 && timeout_ms > TURN_MS) timeout_ms = TURN_MS;
    for (uint32_t i = 0; i < master->attached_count; i++) {
        movex_io io = master->attached[i]->io;
        if (io.ops->wait) io.ops->wait(io.self, timeout_ms && timeout_ms < waiters ? 1 : timeout_ms / waiters);
    }
}

/* ---- reading */

movex_stats movex_master_stats(const movex_master *master)
{
    if (!master) return (movex_stats){0};
    movex_stats stats = master->stats;
    for (uint32_t i = 0; i < master->resource_slots; i++) {
        const movex_master_resource *resource = master->resources[i];
        if (!resource) continue;
        stats.bytes_hashed += movex_master_resource_bytes_hashed(resource);
        stats.hidden += movex_hidden_count(resource);
    }
    for (uint32_t i = 0; i < master->attached_count; i++) {
        const movex_map *links = &master->attached[i]->links;
        for (uint32_t k = 0; k < links->capacity; k++) {
            const movex_master_link *link = links->entries[k].value;
            if (link) stats.queued_bytes += movex_channel_queued(&link->channel);
        }
    }
    stats.links = master->link_count;
    stats.sessions = master->sessions.count;
    stats.resources = master->by_name.count;
    return stats;
}

movex_io movex_master_emitter(const movex_master *master, const movex_io_ops *ops)
{
    for (uint32_t i = 0; master && i < master->attached_count; i++)
        if (master->attached[i]->io.ops == ops) return master->attached[i]->io;
    return (movex_io){0};
}

const movex_allocator *movex_master_allocator(const movex_master *master)
{
    return master ? &master->allocator : NULL;
}
