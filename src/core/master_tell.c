/* Telling subscribers what was ordered: each what it may know, and written once for all who may know the same. */
#include "master_internal.h"

/* ---- what all messages of an entry have in common */

/* `own`: the receiver is its author. `drew`: random values were drawn in the receiver's view. */
static movex_entry_message message_for(const movex_telling *telling, bool own, bool drew)
{
    movex_entry_message message = telling->entry;
    if (own) {
        message.flags |= MOVEX_ENTRY_OWN;
        if (message.sequence == telling->author->told_sequence + 1) message.flags |= MOVEX_ENTRY_NEXT;
    } else if (telling->author) {
        message.slot = telling->author->slot;
    } else {
        message.flags |= MOVEX_ENTRY_BY_NAME;
        message.author = (movex_wire_text){telling->name, (uint32_t)strlen(telling->name)};
    }
    if (drew) message.flags |= MOVEX_ENTRY_SEEDED;
    message.seed = own && telling->deed->hides ? telling->deed->hidden.seed : telling->deed->shown.seed;
    return message;
}

static movex_writer write_message(movex_master *master, const movex_entry_message *message)
{
    movex_writer writer = movex_master_message(master, MOVEX_NAME_SIZE + message->payload.length +
                                                           message->patch.length + message->records.bytes.length);
    if (writer.at) movex_write_entry(&writer, message);
    return writer;
}

/* Sends what was written, or, without memory, closes the link: its client comes back and catches up. */
static void send_written(movex_master *master, movex_subscription *subscription, const movex_writer *writer, bool own)
{
    if (writer->at)
        movex_master_send(master, subscription->session->link, writer);
    else
        movex_master_fail(master, subscription->session->link, MOVEX_ERR_MEMORY);
    if (!own) master->stats.forwards++;
}

/* It has been told of a reveal: its client folds from there on. */
static void note_reveal(movex_master *master, movex_subscription *subscription, uint64_t version)
{
    subscription->base = version;
    movex_overturned_tell(master, subscription);
}

/* ---- types whose clients compute their views themselves */

static bool can_fold(const movex_subscription *subscription, const movex_reveal *reveal, uint64_t version)
{
    return subscription->base <= reveal->from &&
           version - subscription->base <= subscription->resource->rules->fold_limit;
}

/* For those who see the fold of `hider` (NULL: the public one). No writer if there is no memory. */
static movex_writer write_view(movex_master *master, const movex_master_resource *resource,
                               const movex_telling *telling, const movex_hider *hider, bool own, bool folds)
{
    const movex_reveal *reveal = telling->reveal;
    movex_entry_message message = message_for(telling, own, hider ? hider->drew : telling->drew);
    const movex_view   *view = reveal ? &resource->view : movex_hidden_view(resource, hider);
    message.checksum = view->hashes.checksum;
    if (reveal) {
        const movex_view *before = !hider ? reveal->before : hider == reveal->full ? view : &hider->view;
        if (!movex_reveal_write(master, resource, reveal, hider, folds, before->state, view->state, &message))
            return (movex_writer){NULL, NULL};
        master->stats.patches += message.flags & MOVEX_ENTRY_PATCHED ? 1 : 0;
    }
    return write_message(master, &message);
}

static bool is_alone(const movex_subscription *subscription, const movex_telling *telling)
{
    return subscription->hider || subscription == telling->author;
}

/* All who see the public view and can, or cannot, fold: one message. */
static void tell_public(movex_master *master, movex_master_resource *resource, const movex_telling *telling, bool folds)
{
    const movex_reveal *reveal = telling->reveal;
    movex_writer        writer = {NULL, NULL};
    bool                written = false;
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other || !other->live || is_alone(other, telling)) continue;
        if (reveal && can_fold(other, reveal, telling->entry.version) != folds) continue;
        if (!written) writer = write_view(master, resource, telling, NULL, false, folds);
        written = true;
        send_written(master, other, &writer, false);
    }
}

static void tell_views(movex_master *master, movex_master_resource *resource, const movex_telling *telling)
{
    const movex_reveal *reveal = telling->reveal;
    bool                alone = resource->company->subscriber_count == 1 && telling->author;
    bool                hiders = resource->hidden && resource->hidden->hider_count > 0;
    /* Without any, the author alone is told apart. */
    uint32_t first = hiders || !telling->author ? 0 : telling->author->slot;
    uint32_t end = hiders ? resource->company->slots : telling->author ? first + 1 : 0;
    for (uint32_t i = first; i < end; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other || !other->live || !is_alone(other, telling)) continue;
        bool         own = other == telling->author;
        bool         folds = reveal && can_fold(other, reveal, telling->entry.version);
        movex_writer writer = write_view(master, resource, telling, other->hider, own, folds);
        send_written(master, other, &writer, own);
    }
    if (!alone) tell_public(master, resource, telling, true);
    if (!alone && reveal) tell_public(master, resource, telling, false);
}

/* ---- types whose clients are sent what they cannot compute */

/* From what the members of `from` have computed to what those of `to` are to hold. */
static movex_writer write_patched(movex_master *master, const movex_master_resource *resource,
                                  const movex_telling *telling, const movex_audience *from, const movex_audience *to,
                                  bool own)
{
    const void         *computed = from->computed, *state = to->held.state;
    movex_entry_message message = message_for(telling, own, from->drew);
    bool                written;
    message.checksum = to->held.hashes.checksum;
    if (telling->reveal) {
        written = movex_reveal_write(master, resource, telling->reveal, NULL, false, computed, state, &message);
    } else {
        written = movex_reveal_difference(master, resource->rules->state, computed, state, &message);
        if (message.patch.length) message.flags |= MOVEX_ENTRY_PATCHED;
    }
    if (!written) return (movex_writer){NULL, NULL};
    master->stats.patches += message.flags & MOVEX_ENTRY_PATCHED ? 1 : 0;
    return write_message(master, &message);
}

/* All, but the author, who go from the same audience to the same as this one: one message. */
static void tell_alike(movex_master *master, movex_master_resource *resource, const movex_telling *telling,
                       uint32_t first)
{
    const movex_subscription *one = resource->company->subscribers[first];
    movex_writer writer = write_patched(master, resource, telling, one->audience, one->next_audience, false);
    for (uint32_t i = first; i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other || other->is_told || other->audience != one->audience || other->next_audience != one->next_audience)
            continue;
        other->is_told = true;
        send_written(master, other, &writer, false);
    }
}

static void find_next_audiences(movex_master *master, movex_master_resource *resource, const movex_telling *telling)
{
    bool all_stay = true;
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other) continue;
        other->is_told = !other->live;
        other->next_audience = NULL;
        if (other->live && !movex_audience_stay(other, telling->reveal ? NULL : other->hider)) all_stay = false;
    }
    for (uint32_t i = 0; !all_stay && i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other || !other->live || other->next_audience) continue;
        other->is_told = !movex_audience_next(master, other, telling->reveal ? NULL : other->hider);
    }
    movex_audience_update(resource);
}

static void tell_audiences(movex_master *master, movex_master_resource *resource, const movex_telling *telling)
{
    find_next_audiences(master, resource, telling);
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other || other->is_told || other != telling->author) continue;
        movex_writer writer = write_patched(master, resource, telling, other->audience, other->next_audience, true);
        other->is_told = true;
        send_written(master, other, &writer, true);
    }
    for (uint32_t i = 0; i < resource->company->slots; i++)
        if (resource->company->subscribers[i] && !resource->company->subscribers[i]->is_told)
            tell_alike(master, resource, telling, i);
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        /* Who has no next one has stayed so long, as others may go to where it was. */
        if (other && other->audience) movex_audience_move(other, other->next_audience);
    }
    movex_audience_settle(master, resource);
}

/* ---- both */

/* All get their turn at the next flush by their places: written below in another order, which hangs on who hides something. Who
   is too far behind gives way. */
void movex_master_make_way(movex_master *master, movex_master_resource *resource)
{
    size_t backlog = master->config.limits.backlog_bytes;
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other || !other->live) continue;
        movex_master_link *link = other->session->link;
        if (!link->due.list) movex_list_append(&master->due, &link->due);
        if (movex_channel_queued(&link->channel) > backlog) movex_subscription_give_way(master, other);
    }
}

/* A commitment is told to all alike, its author among them. */
static void tell_sealed(movex_master *master, movex_master_resource *resource, const movex_telling *telling)
{
    movex_writer writer = {NULL, NULL};
    bool         written = false;
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other || !other->live) continue;
        if (!written) writer = movex_round_write_entry(master, resource, telling);
        written = true;
        send_written(master, other, &writer, other == telling->author);
    }
}

void movex_master_tell(movex_master *master, movex_master_resource *resource, const movex_telling *telling)
{
    movex_master_make_way(master, resource);
    if (telling->deed->commitment)
        tell_sealed(master, resource, telling);
    else if (resource->rules->patched)
        tell_audiences(master, resource, telling);
    else
        tell_views(master, resource, telling);
    movex_subscription *author = telling->author ? resource->company->subscribers[telling->author->slot] : NULL;
    if (author && author->live) {
        author->answered = telling->entry.sequence;
        movex_subscription_told(author, telling->entry.sequence);
    }
    for (uint32_t i = 0; telling->reveal && i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (other && other->live) note_reveal(master, other, telling->entry.version);
    }
}

void movex_master_tell_again(movex_master *master, movex_subscription *subscription, uint64_t version)
{
    const movex_master_resource *resource = subscription->resource;
    const movex_log             *log = &resource->log;
    const movex_entry           *entry = movex_log_find(log, version), *before = movex_log_find(log, version - 1);
    assert(entry && before); /* whoever catches up does so from an entry that is kept */
    bool own = entry->session == subscription->session->number && entry->subscription == subscription->serial;
    movex_entry_message message = {
        .flags = (entry->drew ? MOVEX_ENTRY_SEEDED : 0u) | (own ? MOVEX_ENTRY_OWN : MOVEX_ENTRY_BY_NAME) |
                 (entry->reveals ? MOVEX_ENTRY_REVEALS : 0u),
        .number = resource->number,
        .version = version,
        .elapsed_ms = entry->now_ms - before->now_ms,
        .sequence = entry->sequence,
        .author = {movex_log_author(log, entry), entry->author_length}, /* who may have left */
        .action = entry->action,
        .payload = {movex_log_payload(log, entry), entry->payload_length},
        .seed = entry->seed,
        .checksum = entry->checksum,
        .records = {entry->reveal_count, {movex_log_reveal(log, entry), entry->reveal_length}},
    };
    movex_writer writer = write_message(master, &message);
    send_written(master, subscription, &writer, own);
    if (own && entry->sequence > subscription->answered) subscription->answered = entry->sequence;
    if (own) movex_subscription_told(subscription, entry->sequence);
    if (entry->reveals) subscription->base = version;
}
