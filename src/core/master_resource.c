#include "master_internal.h"

#include "format.h"

#include <movex/text.h>

/* ---- finding, making, freeing */

typedef struct resource_name {
    const movex_rules *rules;
    const char        *id;
} resource_name;

static bool has_name(const void *value, const void *wanted)
{
    const movex_master_resource *resource = value;
    const resource_name         *name = wanted;
    return resource->rules == name->rules && strcmp(resource->id, name->id) == 0;
}

static uint64_t key_of(const movex_master *master, const movex_rules *rules, const char *id)
{
    /* Types have fingerprints of their own, so the same id under two types gives two keys. */
    return movex_siphash(master->table_key, id, strlen(id)) ^ rules->fingerprint;
}

movex_master_resource *movex_master_resource_find(const movex_master *master, const movex_rules *rules, const char *id)
{
    const resource_name name = {rules, id};
    return movex_map_get(&master->by_name, key_of(master, rules, id), has_name, &name);
}

/* Gives it the lowest free number: they stay short on the wire. */
static bool take_number(movex_master *master, movex_master_resource *resource)
{
    uint32_t number = master->free_number;
    while (number < master->resource_slots && master->resources[number]) number++;
    if (!movex_grow(&master->allocator, &master->resources, &master->resource_capacity, sizeof *master->resources,
                    number + 1, 8))
        return false;
    if (number == master->resource_slots) master->resource_slots++;
    master->resources[number] = resource;
    master->free_number = number + 1;
    resource->number = number;
    return true;
}

static void give_number_back(movex_master *master, const movex_master_resource *resource)
{
    master->resources[resource->number] = NULL;
    if (resource->number < master->free_number) master->free_number = resource->number;
}

int movex_master_resource_new(movex_master *master, const movex_rules *rules, const char *id,
                              movex_master_resource **made)
{
    if (master->by_name.count >= master->config.limits.resources) return MOVEX_ERR_LIMIT;
    movex_master_resource *resource = movex_allocate(&master->allocator, sizeof *resource);
    if (!resource) return MOVEX_ERR_MEMORY;
    resource->rules = rules;
    movex_text_set(resource->id, id);
    movex_log_init(&resource->log, master->config.limits.history, master->config.limits.history_bytes);

    bool viewed = movex_view_init(&resource->view, rules, true, &master->allocator);
    bool numbered = viewed && take_number(master, resource);
    bool named = numbered && movex_map_put(&master->by_name, &master->allocator, key_of(master, rules, id), resource);
    if (!named) {
        if (numbered) give_number_back(master, resource);
        if (viewed) movex_view_free(&resource->view, &master->allocator);
        movex_release(&master->allocator, resource, sizeof *resource);
        return MOVEX_ERR_MEMORY;
    }
    resource->idle_ms = master->now_ms;
    movex_list_append(&master->idle, &resource->idle);
    movex_master_record_event(master, MOVEX_MASTER_CREATED, NULL, resource, MOVEX_OK, NULL);
    *made = resource;
    return MOVEX_OK;
}

void movex_master_resource_free(movex_master *master, movex_master_resource *resource)
{
    assert(resource->subscriber_count == 0);
    movex_master_record_event(master, MOVEX_MASTER_REMOVED, NULL, resource, MOVEX_OK, NULL);
    movex_list_remove(&resource->idle);
    give_number_back(master, resource);
    movex_map_remove(&master->by_name, key_of(master, resource->rules, resource->id), resource);
    master->stats.bytes_hashed += resource->view.hashes.bytes_hashed;
    movex_view_free(&resource->view, &master->allocator);
    movex_log_free(&resource->log, &master->allocator);
    movex_release(&master->allocator, resource->subscribers, resource->slot_capacity * sizeof *resource->subscribers);
    movex_release(&master->allocator, resource, sizeof *resource);
}

/* ---- entries */

/* The message of an entry, but for what depends on its receiver. */
static movex_entry_message describe(const movex_master_resource *resource, const movex_entry *entry, uint64_t version)
{
    const movex_log   *log = &resource->log;
    const movex_entry *before = movex_log_find(log, version - 1);
    assert(entry && before); /* whoever catches up does so from an entry that is kept */
    return (movex_entry_message){
        .flags = entry->drew ? MOVEX_ENTRY_SEEDED : 0,
        .number = resource->number,
        .version = version,
        .elapsed_ms = entry->now_ms - before->now_ms,
        .sequence = entry->sequence,
        .action = entry->action,
        .author = {movex_log_author(log, entry), entry->author_length},
        .payload = {movex_log_payload(log, entry), entry->payload_length},
        .seed = entry->seed,
        .checksum = entry->checksum,
    };
}

void movex_master_resource_send_entry(movex_master *master, const movex_subscription *subscription, uint64_t version)
{
    const movex_master_resource *resource = subscription->resource;
    const movex_entry           *entry = movex_log_find(&resource->log, version);
    movex_entry_message          message = describe(resource, entry, version);
    bool                         own = entry->session == subscription->session->number;
    message.flags |= own ? MOVEX_ENTRY_OWN : MOVEX_ENTRY_BY_NAME; /* its author may have left */
    movex_writer writer = movex_master_message(master, MOVEX_NAME_SIZE + message.payload.length);
    if (!writer.at) {
        movex_master_fail(master, subscription->session->link, MOVEX_ERR_MEMORY);
        return;
    }
    movex_write_entry(&writer, &message);
    movex_master_send(master, subscription->session->link, &writer);
    if (!own) master->stats.forwards++;
}

/* Tells all live subscribers: the author what became of its dispatch, the others what happened, written once for all. */
static void tell(movex_master *master, const movex_subscription *author, movex_entry_message *message)
{
    const movex_master_resource *resource = author->resource;
    movex_writer                 writer = movex_master_message(master, message->payload.length);
    message->flags |= MOVEX_ENTRY_OWN;
    movex_write_entry(&writer, message);
    movex_master_send(master, author->session->link, &writer);
    if (resource->subscriber_count == 1) return;

    message->flags &= ~(unsigned)MOVEX_ENTRY_OWN;
    writer = movex_master_message(master, message->payload.length);
    movex_write_entry(&writer, message);
    for (uint32_t i = 0; i < resource->slots; i++) {
        const movex_subscription *other = resource->subscribers[i];
        if (!other || other == author || !other->live) continue;
        movex_master_send(master, other->session->link, &writer);
        master->stats.forwards++;
    }
}

/* ---- dispatches */

/* The seed of the entry that makes `version`: a keyed one-way function, so that nobody can tell it beforehand. */
static uint64_t seed_of(const movex_master *master, const movex_master_resource *resource, uint64_t version)
{
    unsigned char bytes[MOVEX_NAME_SIZE + 16];
    size_t        length = strlen(resource->id);
    movex_store_u64(bytes, version);
    movex_store_u64(bytes + 8, resource->rules->fingerprint);
    memcpy(bytes + 16, resource->id, length);
    return movex_siphash(master->seed_key, bytes, 16 + length);
}

/* What is wrong with a dispatch that is none of its author's doing in play: a broken or hostile client. */
static int check_dispatch(movex_master *master, const movex_subscription *subscription,
                          const movex_dispatch_message *message, movex_error *error)
{
    const movex_rules *rules = subscription->resource->rules;
    const movex_type  *type = rules->type;
    if (message->sequence != subscription->sequence + 1)
        return movex_error_set(error, MOVEX_ERR_PROTOCOL, "DISPATCH: a sequence that does not follow the one before", NULL);
    if (message->action >= type->action_count)
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: type ", type->name, " has no such action", NULL);
    const char        *name = type->actions[message->action].name;
    const movex_codec *codec = rules->payloads[message->action];
    movex_error        cause;
    if (!codec && message->payload.length == 0) return MOVEX_OK;
    if (!codec)
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: action ", name, " has no payload", NULL);
    if (movex_codec_decode(codec, master->payload, message->payload.bytes, message->payload.length, &cause) == MOVEX_OK)
        return MOVEX_OK;
    return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: payload of ", name, ": ", cause.text, NULL);
}

/* Orders a checked dispatch: accepted, it is the next entry of the log. What could fail has been made sure of. */
static void order(movex_master *master, movex_subscription *author, const movex_dispatch_message *dispatch)
{
    movex_master_resource *resource = author->resource;
    const movex_session   *session = author->session;
    bool                   has_payload = resource->rules->payloads[dispatch->action] != NULL;
    uint64_t               version = resource->log.version + 1, before_ms = resource->log.now_ms;
    uint64_t               now_ms = movex_master_now(master);
    movex_random_source    random = {.seed = seed_of(master, resource, version)};
    if (now_ms < before_ms) now_ms = before_ms;
    movex_context context = {.author = session->id, .version = version, .now_ms = now_ms, .random = &random};

    author->sequence = dispatch->sequence;
    master->stats.reduces++;
    int answer = movex_view_apply(&resource->view, dispatch->action, has_payload ? master->payload : NULL, &context, NULL);
    if (answer != MOVEX_ACCEPT) {
        master->stats.refused++;
        movex_subscription_refuse(master, author, dispatch->sequence, answer);
        return;
    }
    movex_entry entry = {
        .session = session->number,
        .sequence = dispatch->sequence,
        .now_ms = now_ms,
        .checksum = resource->view.hashes.checksum,
        .seed = random.seed,
        .action = dispatch->action,
        .drew = random.draws > 0,
        .author_length = (uint8_t)strlen(session->id),
        .payload_length = (uint32_t)dispatch->payload.length,
    };
    movex_log_append(&resource->log, &master->allocator, &entry, session->id, dispatch->payload.bytes);
    movex_entry_message message = {
        .flags = entry.drew ? MOVEX_ENTRY_SEEDED : 0,
        .number = resource->number,
        .version = version,
        .elapsed_ms = now_ms - before_ms,
        .sequence = dispatch->sequence,
        .slot = author->slot,
        .action = dispatch->action,
        .payload = dispatch->payload,
        .seed = entry.seed,
        .checksum = entry.checksum,
    };
    master->stats.accepted++;
    tell(master, author, &message);
}

static void refuse_stranger(movex_master *master, movex_session *session, const movex_dispatch_message *message)
{
    movex_outcome_message outcome = {message->number, message->sequence, MOVEX_REFUSED_NOT_BOUND};
    movex_writer          writer = movex_master_message(master, 0);
    master->stats.refused++;
    if (!writer.at) {
        movex_master_fail(master, session->link, MOVEX_ERR_MEMORY);
        return;
    }
    movex_write_outcome(&writer, &outcome);
    movex_master_send(master, session->link, &writer);
}

int movex_master_resource_dispatch(movex_master *master, movex_session *session, movex_reader *reader, movex_error *error)
{
    movex_dispatch_message message;
    if (!movex_read_dispatch(reader, &message))
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: truncated, or not of its form", NULL);
    movex_subscription *subscription = movex_map_get(&session->by_number, message.number, NULL, NULL);
    master->stats.actions++;
    if (!subscription || !subscription->live) {
        /* No attack, if the resource was removed meanwhile. */
        refuse_stranger(master, session, &message);
        return MOVEX_OK;
    }
    if (message.sequence && message.sequence <= subscription->sequence) {
        movex_subscription_repeat(master, subscription, message.sequence);
        return MOVEX_OK;
    }
    int status = check_dispatch(master, subscription, &message, error);
    if (status != MOVEX_OK) return status;
    bool room = movex_subscription_prepare(master, subscription) &&
                movex_master_message(master, message.payload.length).at != NULL;
    if (!room) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    order(master, subscription, &message);
    return MOVEX_OK;
}

void movex_master_resource_check(const movex_master_resource *resource)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < resource->slots; i++) {
        const movex_subscription *subscription = resource->subscribers[i];
        if (!subscription) continue;
        assert(subscription->slot == i && subscription->resource == resource);
        assert(!subscription->live || subscription->session->link);
        count++;
    }
    assert(count == resource->subscriber_count && (count > 0) != (resource->idle.list != NULL));
    (void)count;
    movex_view_check(&resource->view);
    movex_log_check(&resource->log);
}
