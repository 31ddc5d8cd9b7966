#include "client_internal.h"

#include "format.h"

enum { FIRST_BLOCK = 8, LARGEST_BLOCK = 256 }; /* dispatches made at once */

static size_t round_up(size_t size)
{
    size_t alignment = _Alignof(max_align_t);
    return (size + alignment - 1) / alignment * alignment;
}

static bool make_block(movex_resource *resource)
{
    movex_client *client = resource->client;
    uint32_t      count = resource->block_total ? resource->block_total : FIRST_BLOCK;
    if (count > LARGEST_BLOCK) count = LARGEST_BLOCK;
    size_t header = round_up(sizeof(movex_pending_block)), slot = round_up(sizeof(movex_pending_dispatch));
    size_t payload = round_up(resource->rules->max_payload);
    bool   pairs = resource->rules->hidden_as != NULL;
    size_t stride = slot + (pairs ? 2 * payload : payload);
    size_t size = header + count * stride;
    movex_pending_block *block = movex_allocate(&client->allocator, size);
    if (!block) return false;
    *block = (movex_pending_block){.next = resource->blocks, .size = size};
    resource->blocks = block;
    resource->block_total += count;
    for (uint32_t i = 0; i < count; i++) {
        unsigned char          *at = (unsigned char *)block + header + i * stride;
        movex_pending_dispatch *dispatch = (movex_pending_dispatch *)(void *)at;
        dispatch->source = (movex_source){.kind = MOVEX_SOURCE_PENDING, .resource = resource};
        dispatch->payload = at + slot;
        dispatch->shown_payload = pairs ? at + slot + payload : NULL;
        movex_list_append(&resource->free, &dispatch->order);
    }
    return true;
}

/* Copies the payloads, if the type allows them, and as a pair. */
static int take_payloads(const movex_resource *resource, movex_pending_dispatch *dispatch, const void *payload,
                         const void *shown_payload)
{
    const movex_rules *rules = resource->rules;
    const movex_type  *type = rules->type;
    movex_error       *error = &resource->client->error;
    int                status = movex_rules_take_payload(rules, dispatch->action, payload, dispatch->payload, error);
    if (status != MOVEX_OK || dispatch->shown == MOVEX_NO_ACTION) return status;
    const char *hidden_name = type->actions[dispatch->action].name, *shown_name = type->actions[dispatch->shown].name;
    if (!movex_rules_may_hide(rules, dispatch->action, dispatch->shown))
        return movex_error_set(error, MOVEX_ERR_DENIED, "action ", hidden_name, " may not be hidden as ", shown_name,
                               NULL);
    status = movex_rules_take_payload(rules, dispatch->shown, shown_payload, dispatch->shown_payload, error);
    if (status != MOVEX_OK) return status;
    const movex_action hidden = {dispatch->action, payload ? dispatch->payload : NULL};
    const movex_action shown = {dispatch->shown, shown_payload ? dispatch->shown_payload : NULL};
    if (movex_rules_covers(rules, &hidden, &shown)) return MOVEX_OK;
    return movex_error_set(error, MOVEX_ERR_DENIED, "this ", shown_name, " may not stand for this ", hidden_name, NULL);
}

movex_pending_dispatch *movex_pending_new(movex_resource *resource, uint32_t action, const void *payload,
                                          uint32_t shown, const void *shown_payload)
{
    movex_client *client = resource->client;
    if (resource->pending_count + resource->answered_count >= client->pending_limit) {
        movex_error_set(&client->error, MOVEX_ERR_LIMIT,
                        "too many dispatches are unanswered, or their outcomes not drained", NULL);
        return NULL;
    }
    if (!resource->free.first && !make_block(resource)) {
        movex_error_set(&client->error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        return NULL;
    }
    movex_pending_dispatch *dispatch = movex_pending_of(resource->free.first);
    dispatch->action = action;
    dispatch->shown = shown;
    if (take_payloads(resource, dispatch, payload, shown_payload) != MOVEX_OK) return NULL;
    movex_list_remove(&dispatch->order);
    movex_list_append(&resource->pending, &dispatch->order);
    resource->pending_count++;
    dispatch->state = MOVEX_PENDING_HELD;
    dispatch->revealed = resource->fold.revealed;
    dispatch->sequence = 0;
    dispatch->ticket = ++client->last_ticket;
    if (dispatch->ticket == 0) dispatch->ticket = ++client->last_ticket; /* it has gone round; 0 is none */
    client->stats.actions++;
    client->stats.pending++;
    return dispatch;
}

void movex_pending_cancel(movex_pending_dispatch *dispatch)
{
    movex_resource *resource = dispatch->source.resource;
    movex_list_remove(&dispatch->order);
    movex_list_append(&resource->free, &dispatch->order);
    dispatch->state = MOVEX_PENDING_FREE;
    if (dispatch->secret) movex_secrets_answered(dispatch, false);
    resource->pending_count--;
    resource->client->last_ticket = dispatch->ticket - 1; /* it was the last */
    resource->client->stats.actions--;
    resource->client->stats.pending--;
}

void movex_pending_answer(movex_pending_dispatch *dispatch, movex_event_kind outcome, int reason, uint64_t version)
{
    movex_resource *resource = dispatch->source.resource;
    movex_stats    *stats = &resource->client->stats;
    if (outcome == MOVEX_EVENT_ACCEPTED) stats->accepted++;
    if (outcome == MOVEX_EVENT_REFUSED) stats->refused++;
    if (outcome == MOVEX_EVENT_EXPIRED) stats->expired++;
    movex_list_remove(&dispatch->order);
    resource->pending_count--;
    resource->answered_count++;
    dispatch->state = MOVEX_PENDING_ANSWERED;
    dispatch->outcome = outcome;
    dispatch->reason = reason;
    dispatch->version = version;
    dispatch->provisional = outcome == MOVEX_EVENT_ACCEPTED && resource->client->provisional;
    if (dispatch->secret) movex_secrets_answered(dispatch, outcome != MOVEX_EVENT_REFUSED);
    if (outcome == MOVEX_EVENT_ACCEPTED) movex_undone_remember(resource, dispatch->sequence, dispatch->ticket);
    movex_client_announce(resource->client, &dispatch->source);
}

void movex_pending_release(movex_pending_dispatch *dispatch)
{
    movex_resource *resource = dispatch->source.resource;
    assert(dispatch->state == MOVEX_PENDING_ANSWERED);
    dispatch->state = MOVEX_PENDING_FREE;
    movex_list_append(&resource->free, &dispatch->order);
    resource->answered_count--;
    resource->client->stats.pending--;
}

movex_pending_dispatch *movex_pending_sent(const movex_resource *resource, uint64_t sequence)
{
    /* Nearly always the first: only after a reconnect are refusals told before what was accepted. */
    for (movex_node *node = resource->pending.first; node; node = node->next) {
        movex_pending_dispatch *dispatch = movex_pending_of(node);
        if (dispatch->state != MOVEX_PENDING_SENT || dispatch->sequence > sequence) return NULL;
        if (dispatch->sequence == sequence) return dispatch;
    }
    return NULL;
}

void movex_pending_expire(movex_resource *resource, bool all)
{
    for (movex_node *node = resource->pending.first, *next; node; node = next) {
        movex_pending_dispatch *dispatch = movex_pending_of(node);
        next = node->next;
        if (all || dispatch->state == MOVEX_PENDING_SENT)
            movex_pending_answer(dispatch, MOVEX_EVENT_EXPIRED, MOVEX_ACCEPT, 0);
    }
    movex_replica_touch(resource);
}

void movex_pending_free(movex_resource *resource)
{
    resource->client->stats.pending -= resource->pending_count + resource->answered_count;
    while (resource->blocks) {
        movex_pending_block *block = resource->blocks;
        resource->blocks = block->next;
        movex_release(&resource->client->allocator, block, block->size);
    }
}
