/* Ordering: dispatches of clients, and what the master dispatches by itself, become the entries of a resource's log, and all
   who are subscribed are told. */
#include "master_internal.h"

#include "format.h"

/* Where an action comes from. */
typedef struct origin {
    const movex_subscription *subscription; /* whose dispatch it answers; NULL: nobody's */
    const char               *author;       /* a client's id, or "" for the master itself */
    uint64_t                  sequence;     /* of the dispatch */
} origin;

/* What is done. */
typedef struct deed {
    uint32_t         action;
    const void      *payload; /* settled, or NULL */
    movex_wire_bytes encoded; /* the payload's encoding */
} deed;

/* ---- telling */

/* Writes an entry as one receiver is to see it, and sends it. */
static void send_entry(movex_master *master, movex_master_link *link, const movex_entry_message *message)
{
    movex_writer writer;
    if (!movex_master_begin(master, link, MOVEX_NAME_SIZE + message->payload.length, &writer)) return;
    movex_write_entry(&writer, message);
    movex_master_send(master, link, &writer);
}

void movex_master_resource_send_entry(movex_master *master, const movex_subscription *subscription, uint64_t version)
{
    const movex_master_resource *resource = subscription->resource;
    const movex_log             *log = &resource->log;
    const movex_entry           *entry = movex_log_find(log, version), *before = movex_log_find(log, version - 1);
    assert(entry && before); /* whoever catches up does so from an entry that is kept */
    bool                own = entry->session == subscription->session->number;
    movex_entry_message message = {
        .flags = (entry->drew ? MOVEX_ENTRY_SEEDED : 0u) | (own ? MOVEX_ENTRY_OWN : MOVEX_ENTRY_BY_NAME),
        .number = resource->number,
        .version = version,
        .elapsed_ms = entry->now_ms - before->now_ms,
        .sequence = entry->sequence,
        .author = {movex_log_author(log, entry), entry->author_length}, /* who may have left */
        .action = entry->action,
        .payload = {movex_log_payload(log, entry), entry->payload_length},
        .seed = entry->seed,
        .checksum = entry->checksum,
    };
    send_entry(master, subscription->session->link, &message);
    if (!own) master->stats.forwards++;
}

/* Tells all live subscribers: the author what became of its dispatch, the others what happened, written once for all. */
static void tell(movex_master *master, const movex_master_resource *resource, const origin *from,
                 const movex_entry_message *entry)
{
    movex_entry_message message = *entry;
    if (from->subscription) {
        message.flags |= MOVEX_ENTRY_OWN;
        /* Else a snapshot is on its way, which says that it includes this one. */
        if (from->subscription->live) send_entry(master, from->subscription->session->link, &message);
        if (resource->subscriber_count == 1) return;
        message.flags &= ~(unsigned)MOVEX_ENTRY_OWN;
        message.slot = from->subscription->slot;
    } else {
        message.flags |= MOVEX_ENTRY_BY_NAME;
        message.author = (movex_wire_text){from->author, (uint32_t)strlen(from->author)};
    }
    movex_writer writer = movex_master_message(master, MOVEX_NAME_SIZE + message.payload.length);
    bool         written = writer.at != NULL;
    if (written) movex_write_entry(&writer, &message);
    for (uint32_t i = 0; i < resource->slots; i++) {
        const movex_subscription *other = resource->subscribers[i];
        if (!other || other == from->subscription || !other->live) continue;
        if (written)
            movex_master_send(master, other->session->link, &writer);
        else
            movex_master_fail(master, other->session->link, MOVEX_ERR_MEMORY); /* it comes back and catches up */
        master->stats.forwards++;
    }
}

/* ---- ordering */

/* The seed of the entry that makes `version`: a keyed one-way function of the resource's name and the version, so that
   nobody can tell it beforehand, and a change to the type's description does not change it. */
static uint64_t seed_of(const movex_master *master, const movex_master_resource *resource, uint64_t version)
{
    unsigned char bytes[8 + 2 * MOVEX_NAME_SIZE];
    movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_u64(&writer, version);
    movex_write_bytes(&writer, resource->rules->type->name, strlen(resource->rules->type->name));
    movex_write_u8(&writer, ':');
    movex_write_bytes(&writer, resource->id, strlen(resource->id));
    return movex_siphash(master->seed_key, bytes, (size_t)(writer.at - bytes));
}

/* Makes the next entry of the log, if the reducer accepts: MOVEX_ACCEPT, or why not. Cannot fail otherwise. */
static int order(movex_master *master, movex_master_resource *resource, const origin *from, const deed *what,
                 uint64_t now_ms)
{
    movex_log          *log = &resource->log;
    uint64_t            version = log->version + 1, before_ms = log->now_ms;
    movex_random_source random = {.seed = seed_of(master, resource, version)};
    if (now_ms < before_ms) now_ms = before_ms;
    movex_context context = {.author = from->author, .version = version, .now_ms = now_ms, .random = &random};

    master->stats.reduces++;
    int answer = movex_view_apply(&resource->view, what->action, what->payload, &context, NULL);
    if (answer != MOVEX_ACCEPT) return answer;
    movex_entry entry = {
        .session = from->subscription ? from->subscription->session->number : 0,
        .sequence = from->sequence,
        .now_ms = now_ms,
        .checksum = resource->view.hashes.checksum,
        .seed = random.seed,
        .action = what->action,
        .drew = random.draws > 0,
        .author_length = (uint8_t)strlen(from->author),
        .payload_length = (uint32_t)what->encoded.length,
    };
    movex_log_append(log, &master->allocator, &entry, from->author, what->encoded.bytes);
    movex_master_resource_schedule(master, resource);
    const movex_entry_message message = {
        .flags = entry.drew ? MOVEX_ENTRY_SEEDED : 0,
        .number = resource->number,
        .version = version,
        .elapsed_ms = now_ms - before_ms,
        .sequence = from->sequence,
        .action = what->action,
        .payload = what->encoded,
        .seed = entry.seed,
        .checksum = entry.checksum,
    };
    tell(master, resource, from, &message);
    return MOVEX_ACCEPT;
}

/* One for each resource that is due now; what is due again after it waits for the next poll. */
void movex_master_wake(movex_master *master)
{
    uint64_t   now_ms = movex_master_time(master);
    movex_list woken = {0};
    for (movex_heap_item *item; (item = movex_heap_first(&master->wakes)) != NULL && item->due <= now_ms;) {
        movex_master_resource *resource = movex_master_resource_of_wake(item);
        movex_heap_remove(&master->wakes, item); /* if it is refused, it is asked again after the next version */
        movex_list_append(&woken, &resource->woken);
    }
    while (woken.first) {
        movex_master_resource *resource = movex_master_resource_of_woken(woken.first);
        const origin           from = {.author = ""};
        const deed             what = {.action = resource->rules->wake, .encoded = {"", 0}};
        movex_list_remove(&resource->woken);
        order(master, resource, &from, &what, resource->wake.due);
    }
}

void movex_master_resource_note(movex_master *master, movex_master_resource *resource, uint32_t action,
                                const char *author)
{
    const origin from = {.author = author};
    const deed   what = {.action = action, .encoded = {"", 0}};
    if (action != MOVEX_NO_ACTION && !resource->removing)
        order(master, resource, &from, &what, movex_master_time(master));
}

int movex_master_dispatch(movex_master *master, const movex_type *type, const char *id, uint32_t action,
                          const void *payload, int *reason)
{
    movex_master_resource *resource = movex_master_resource_named(master, type, id);
    if (!resource) return MOVEX_ERR_NOT_FOUND;
    if (action >= type->action_count) return MOVEX_ERR_ARGUMENT;
    const movex_codec *codec = resource->rules->payloads[action];
    int                status = movex_rules_take_payload(resource->rules, action, payload, master->payload, NULL);
    if (status != MOVEX_OK) return status;
    deed what = {.action = action, .payload = codec ? master->payload : NULL, .encoded = {"", 0}};
    if (codec) {
        size_t most = movex_codec_max_encoded(codec);
        master->encoded.length = 0;
        if (!movex_buffer_reserve(&master->encoded, &master->allocator, most)) return MOVEX_ERR_MEMORY;
        what.encoded.bytes = master->encoded.bytes;
        status = movex_codec_encode(codec, master->payload, master->encoded.bytes, most, &what.encoded.length, NULL);
        if (status != MOVEX_OK) return status;
    }
    const origin from = {.author = ""};
    int          answer = order(master, resource, &from, &what, movex_master_time(master));
    if (reason) *reason = answer;
    return MOVEX_OK;
}

/* ---- dispatches of clients */

/* What is wrong with a dispatch that is none of its author's doing in play: a broken or hostile client. */
static int check_dispatch(movex_master *master, const movex_subscription *subscription,
                          const movex_dispatch_message *message, movex_error *error)
{
    const movex_rules *rules = subscription->resource->rules;
    const movex_type  *type = rules->type;
    if (message->sequence != subscription->sequence + 1)
        return movex_error_set(error, MOVEX_ERR_PROTOCOL, "DISPATCH: a sequence that does not follow the one before",
                               NULL);
    if (message->action >= type->action_count)
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: type ", type->name, " has no such action", NULL);
    const char        *name = type->actions[message->action].name;
    const movex_codec *codec = rules->payloads[message->action];
    movex_error        cause;
    if (!codec && message->payload.length == 0) return MOVEX_OK;
    if (!codec) return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: action ", name, " has no payload", NULL);
    if (movex_codec_decode(codec, master->payload, message->payload.bytes, message->payload.length, &cause) == MOVEX_OK)
        return MOVEX_OK;
    return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: payload of ", name, ": ", cause.text, NULL);
}

/* A checked dispatch: an entry, or a refusal that is remembered. */
static void take(movex_master *master, movex_subscription *author, const movex_dispatch_message *message)
{
    movex_master_resource *resource = author->resource;
    const movex_rules     *rules = resource->rules;
    const origin           from = {author, author->session->id, message->sequence};
    const deed             what = {
                    .action = message->action,
                    .payload = rules->payloads[message->action] ? master->payload : NULL,
                    .encoded = message->payload,
    };
    author->sequence = message->sequence;
    int answer = MOVEX_REFUSED_RESERVED;
    if (!movex_rules_is_reserved(rules, message->action))
        answer = order(master, resource, &from, &what, movex_master_time(master));
    if (answer == MOVEX_ACCEPT) {
        master->stats.accepted++;
    } else {
        master->stats.refused++;
        movex_subscription_refuse(master, author, message->sequence, answer);
    }
}

static void refuse_stranger(movex_master *master, movex_session *session, const movex_dispatch_message *message)
{
    movex_outcome_message outcome = {message->number, message->sequence, MOVEX_REFUSED_NOT_BOUND};
    movex_writer          writer;
    master->stats.refused++;
    if (!movex_master_begin(master, session->link, 0, &writer)) return;
    movex_write_outcome(&writer, &outcome);
    movex_master_send(master, session->link, &writer);
}

int movex_master_resource_dispatch(movex_master *master, movex_session *session, movex_reader *reader,
                                   movex_error *error)
{
    movex_dispatch_message message;
    if (!movex_read_dispatch(reader, &message))
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: truncated, or not of its form", NULL);
    movex_subscription *subscription = movex_map_get(&session->by_number, message.number, NULL, NULL);
    master->stats.actions++;
    if (!subscription || !(subscription->live || subscription->owed.list)) {
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
    if (!movex_subscription_prepare(master, subscription))
        return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    take(master, subscription, &message);
    return MOVEX_OK;
}
