/* Reveals as a client takes them. Where the master sends the hidden halves, the client folds the log again from its base, with
   the halves in place of what was shown; so it keeps the base, and the entries since, as long as the type's fold limit. */
#include "client_internal.h"

#include <movex/text.h>

enum { FIRST_OWNED = 8, MOST_OWNED = 256 };

static bool is_foldable(const movex_resource *resource)
{
    return resource->rules->fold_limit > 0;
}

/* ---- the base, and the entries since */

uint64_t movex_fold_base(const movex_resource *resource)
{
    return resource->fold.whole ? resource->fold.base_version : resource->version;
}

void movex_fold_start_here(movex_resource *resource)
{
    movex_fold *fold = &resource->fold;
    movex_log_clear(&fold->entries);
    fold->entries.version = fold->base_version = resource->version;
    fold->entries.now_ms = resource->entry_ms;
    fold->whole = true;
}

void movex_fold_start(movex_resource *resource)
{
    movex_fold            *fold = &resource->fold;
    const movex_allocator *allocator = &resource->client->allocator;
    if (!is_foldable(resource)) return;
    uint32_t limit = resource->rules->fold_limit;
    if (!fold->base.rules) {
        movex_log_init(&fold->entries, limit, limit * (uint32_t)(MOVEX_NAME_MAX + resource->rules->max_encoded) + 1);
        if (!movex_view_init(&fold->base, resource->rules, false, allocator)) return; /* then it cannot fold */
    }
    movex_view_follow(&fold->base, &resource->confirmed);
    movex_fold_start_here(resource);
}

void movex_fold_keep(movex_resource *resource, const movex_context *context, uint32_t action, movex_wire_bytes payload)
{
    movex_fold *fold = &resource->fold;
    if (!fold->whole) return;
    const movex_entry entry = {
        .now_ms = context->now_ms,
        .seed = context->random->seed,
        .action = action,
        .author_length = (uint8_t)strlen(context->author),
        .payload_length = (uint32_t)payload.length,
    };
    if (context->version - fold->base_version <= resource->rules->fold_limit)
        movex_log_append(&fold->entries, &resource->client->allocator, &entry, context->author, payload.bytes, NULL);
    /* Past the limit, or without memory, a reveal comes as a difference. */
    fold->whole = fold->entries.count == context->version - fold->base_version;
    if (!fold->whole) movex_log_clear(&fold->entries);
}

/* Applies one entry to the base, with the half of `record` (NULL: as it was seen). */
static int fold_entry(movex_resource *resource, uint64_t version, const movex_reveal_record *record, movex_error *error)
{
    movex_client      *client = resource->client;
    movex_fold        *fold = &resource->fold;
    const movex_entry *entry = movex_log_find(&fold->entries, version);
    char               author[MOVEX_NAME_SIZE] = {0};
    memcpy(author, movex_log_author(&fold->entries, entry), entry->author_length);

    bool                half = record && !record->known;
    uint32_t            action = half ? record->action : entry->action;
    movex_random_source random = {.seed = half ? record->seed : entry->seed};
    movex_context       context = {.author = author, .version = version, .now_ms = entry->now_ms, .random = &random};
    const movex_codec  *codec = movex_rules_payload(resource->rules, action);
    const void         *bytes = half ? record->payload.bytes : movex_log_payload(&fold->entries, entry);
    size_t              length = half ? record->payload.length : entry->payload_length;
    bool                known = action < resource->rules->type->action_count && (codec || length == 0);
    if (!known || (codec && movex_codec_decode(codec, client->payload, bytes, length, error) != MOVEX_OK))
        return MOVEX_ERR_MALFORMED;
    client->stats.reduces++;
    movex_view_apply(&fold->base, action, codec ? client->payload : NULL, &context, NULL);
    return MOVEX_OK;
}

int movex_fold_again(movex_resource *resource, const movex_entry_message *message, movex_error *error)
{
    movex_fold         *fold = &resource->fold;
    movex_reader        reader = movex_reader_over(message->records.bytes.bytes, message->records.bytes.length);
    movex_reveal_record record;
    bool                more = movex_next_reveal_record(&reader, true, &record);
    error->text[0] = '\0';
    if (!fold->whole || message->version - record.back <= fold->base_version) return MOVEX_ERR_MEMORY;
    fold->whole = false; /* until the base is one again */
    for (uint64_t version = fold->base_version + 1; version <= message->version; version++) {
        bool revealed = more && message->version - record.back == version;
        int  status = fold_entry(resource, version, revealed ? &record : NULL, error);
        if (status != MOVEX_OK) return status;
        if (revealed) more = movex_next_reveal_record(&reader, true, &record);
    }
    movex_view_take(&resource->confirmed, fold->base.state);
    return MOVEX_OK;
}

/* ---- what a reveal was about */

void movex_fold_add_name(movex_resource *resource, uint64_t version, const char *author, size_t length)
{
    movex_fold            *fold = &resource->fold;
    const movex_allocator *allocator = &resource->client->allocator;
    if (!movex_grow(allocator, &fold->names, &fold->name_capacity, sizeof *fold->names, fold->name_count + 1, 4))
        return;
    if (!movex_buffer_reserve(&fold->authors, allocator, MOVEX_NAME_SIZE)) return;
    char *place = (char *)fold->authors.bytes + fold->authors.length;
    memset(place, 0, MOVEX_NAME_SIZE);
    memcpy(place, author, length);
    fold->authors.length += MOVEX_NAME_SIZE;
    fold->names[fold->name_count++].version = version;
}

void movex_fold_forget_names(movex_resource *resource)
{
    resource->fold.name_count = 0;
    resource->fold.authors.length = 0;
}

void movex_fold_note(movex_resource *resource, uint64_t version, const movex_wire_records *records, bool halves)
{
    movex_fold         *fold = &resource->fold;
    movex_reader        reader = movex_reader_over(records->bytes.bytes, records->bytes.length);
    movex_reveal_record record;
    movex_fold_forget_names(resource);
    while (movex_next_reveal_record(&reader, halves, &record)) {
        const movex_entry *entry = halves ? movex_log_find(&fold->entries, version - record.back) : NULL;
        if (entry)
            movex_fold_add_name(resource, version - record.back, movex_log_author(&fold->entries, entry),
                                entry->author_length);
        else if (!halves)
            movex_fold_add_name(resource, version - record.back, record.author.bytes, record.author.length);
    }
    resource->client->stats.reveals++;
    movex_resource_announce(resource, MOVEX_NEWS_REVEALED);
}

void movex_fold_reveal_missed(movex_resource *resource, uint64_t version, const movex_wire_records *names)
{
    movex_fold *fold = &resource->fold;
    if (names->count)
        movex_fold_note(resource, version, names, false);
    else if (version != fold->revealed)
        movex_fold_forget_names(resource); /* the state was replaced, and what was hidden dropped */
    fold->revealed = version;
}

bool movex_revealed_at(const movex_resource *resource, uint32_t index, movex_revealed *revealed)
{
    if (!resource || index >= resource->fold.name_count) return false;
    *revealed = resource->fold.names[index];
    revealed->author = (const char *)resource->fold.authors.bytes + (size_t)index * MOVEX_NAME_SIZE;
    return true;
}

/* ---- own dispatches that may be overturned */

void movex_fold_own(movex_resource *resource, uint64_t sequence, movex_ticket ticket)
{
    movex_fold *fold = &resource->fold;
    if (!resource->rules->hidden_as) return;
    if (fold->owned_count >= fold->owned_capacity && fold->owned_capacity < MOST_OWNED &&
        !movex_grow(&resource->client->allocator, &fold->owned, &fold->owned_capacity, sizeof *fold->owned,
                    fold->owned_capacity + 1, FIRST_OWNED) &&
        fold->owned_capacity == 0)
        return; /* should it be overturned, its ticket is not known */
    movex_own *own = &fold->owned[fold->owned_count++ & (fold->owned_capacity - 1)];
    if (own->overturned) fold->overturned--;
    *own = (movex_own){.sequence = sequence, .ticket = ticket};
}

void movex_fold_overturn(movex_resource *resource, uint64_t sequence, int reason)
{
    movex_fold *fold = &resource->fold;
    for (uint32_t i = 0; i < fold->owned_capacity; i++) {
        movex_own *own = &fold->owned[i];
        if (own->sequence != sequence || own->overturned) continue;
        own->overturned = true;
        own->reason = reason;
        fold->overturned++;
        /* Last in the row: its outcome comes before it, and so does the reveal. */
        fold->source.kind = MOVEX_SOURCE_OVERTURNED;
        fold->source.resource = resource;
        movex_list_remove(&fold->source.node);
        movex_client_announce(resource->client, &fold->source);
        return;
    }
}

bool movex_fold_next_overturned(movex_resource *resource, movex_ticket *ticket, int *reason)
{
    movex_fold *fold = &resource->fold;
    movex_own  *first = NULL;
    for (uint32_t i = 0; fold->overturned && i < fold->owned_capacity; i++) {
        movex_own *own = &fold->owned[i];
        if (own->overturned && (!first || own->sequence < first->sequence)) first = own;
    }
    if (!first) return false;
    *ticket = first->ticket;
    *reason = first->reason;
    first->overturned = false;
    first->sequence = 0; /* it may be told again, by a master who does not know that it was */
    fold->overturned--;
    return true;
}

void movex_fold_forget_own(movex_resource *resource)
{
    movex_fold *fold = &resource->fold;
    for (uint32_t i = 0; i < fold->owned_capacity; i++)
        if (!fold->owned[i].overturned) fold->owned[i].sequence = 0; /* never one of a dispatch */
}

void movex_fold_free(movex_resource *resource)
{
    movex_fold            *fold = &resource->fold;
    const movex_allocator *allocator = &resource->client->allocator;
    movex_view_free(&fold->base, allocator);
    movex_log_free(&fold->entries, allocator);
    movex_release(allocator, fold->owned, fold->owned_capacity * sizeof *fold->owned);
    movex_release(allocator, fold->names, fold->name_capacity * sizeof *fold->names);
    movex_buffer_free(&fold->authors, allocator);
}
