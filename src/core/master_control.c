/* What the program itself does to its master's resources and clients, and what it may read of them. */
#include "master_internal.h"
#include "master_keep.h"

#include "format.h"

/* ---- resources */

static int create(movex_master *master, const movex_type *type, const char *id, movex_master_resource **resource)
{
    if (!master || movex_name_fault(id)) return MOVEX_ERR_ARGUMENT;
    const movex_rules *rules = movex_master_rules(master, type);
    return rules ? movex_master_resource_new(master, rules, id, resource) : MOVEX_ERR_UNKNOWN_TYPE;
}

int movex_master_create(movex_master *master, const movex_type *type, const char *id)
{
    movex_master_resource *resource;
    if (movex_master_resource_named(master, type, id)) return MOVEX_ERR_EXISTS;
    return create(master, type, id, &resource);
}

int movex_master_put(movex_master *master, const movex_type *type, const char *id, const void *state)
{
    movex_master_resource *resource = movex_master_resource_named(master, type, id);
    bool                   made = !resource;
    if (!state) return MOVEX_ERR_ARGUMENT;
    if (made) {
        int status = create(master, type, id, &resource);
        if (status != MOVEX_OK) return status;
    }
    size_t most = movex_codec_max_encoded(resource->rules->state);
    int    status = movex_keep_reserve(master, 1, most) ? MOVEX_OK : MOVEX_ERR_STORE;
    master->encoded.length = 0;
    if (status == MOVEX_OK && !movex_buffer_reserve(&master->encoded, &master->allocator, most))
        status = MOVEX_ERR_MEMORY;
    if (status == MOVEX_OK) status = movex_view_put(&resource->view, state);
    if (status != MOVEX_OK && made) movex_master_resource_free(master, resource);
    if (status != MOVEX_OK) return status;
    movex_log_skip(&resource->log, movex_master_time(master));
    movex_master_resource_replaced(master, resource);
    resource->revealed = resource->log.version;
    movex_keep_state(master, resource);
    movex_master_resource_schedule(master, resource);
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *subscription = resource->company->subscribers[i];
        if (!subscription || !subscription->live) continue;
        movex_subscription_silence(master, subscription); /* later entries are of no use before it */
        movex_subscription_owe_snapshot(master, subscription);
    }
    movex_master_observe_put(master, resource);
    return MOVEX_OK;
}

int movex_master_remove(movex_master *master, const movex_type *type, const char *id, const char *text)
{
    movex_master_resource *resource = movex_master_resource_named(master, type, id);
    if (!resource) return MOVEX_ERR_NOT_FOUND;
    if (!movex_keep_reserve(master, 1, 0)) return MOVEX_ERR_STORE;
    resource->removing = true;
    while (resource->company->subscriber_count)
        movex_subscription_revoke(master, resource->company->subscribers[resource->company->slots - 1],
                                  MOVEX_ERR_NOT_FOUND, text ? text : "the resource was removed");
    movex_master_resource_free(master, resource);
    return MOVEX_OK;
}

static movex_hosted describe(const movex_master_resource *resource)
{
    return (movex_hosted){
        .type = resource->rules->type,
        .rules = resource->rules,
        .id = resource->id,
        .state = resource->view.state,
        .version = resource->log.version,
        .checksum = resource->view.hashes.checksum,
        .hidden = movex_hidden_count(resource),
        .subscribers = resource->company->subscriber_count,
    };
}

/* What a viewer may know, before redaction. */
static const movex_view *view_for(const movex_master_resource *resource, const char *viewer)
{
    if (!viewer) return movex_hidden_full(resource);
    return movex_hidden_view(resource, movex_hider_find(resource, viewer));
}

int movex_master_show(const movex_master *master, const movex_master_resource *resource, const movex_view *view,
                      const char *viewer, void *state, uint64_t *checksum)
{
    const movex_codec *codec = resource->rules->state;
    const movex_type  *type = resource->rules->type;
    bool               redacts = viewer && type->redact;
    if (!redacts) {
        if (state) movex_codec_copy(codec, state, view->state);
        if (checksum) *checksum = view->hashes.checksum;
        return MOVEX_OK;
    }
    void *copy = state ? state : movex_allocate(&master->allocator, type->state->size);
    if (!copy) return MOVEX_ERR_MEMORY;
    movex_codec_copy(codec, copy, view->state);
    movex_rules_redact(resource->rules, copy, viewer);
    if (checksum) *checksum = movex_codec_checksum(codec, copy);
    if (!state) movex_release(&master->allocator, copy, type->state->size);
    return MOVEX_OK;
}

int movex_master_view(const movex_master *master, const movex_type *type, const char *id, const char *viewer,
                      void *state, uint64_t *checksum)
{
    const movex_master_resource *resource = movex_master_resource_named(master, type, id);
    if (!resource) return MOVEX_ERR_NOT_FOUND;
    return movex_master_show(master, resource, view_for(resource, viewer), viewer, state, checksum);
}

bool movex_master_find(const movex_master *master, const movex_type *type, const char *id, movex_hosted *hosted)
{
    const movex_master_resource *resource = movex_master_resource_named(master, type, id);
    if (resource) *hosted = describe(resource);
    return resource != NULL;
}

bool movex_master_each(const movex_master *master, uint32_t *cursor, movex_hosted *hosted)
{
    while (master && *cursor < master->resource_slots) {
        const movex_master_resource *resource = master->resources[(*cursor)++];
        if (!resource) continue;
        *hosted = describe(resource);
        return true;
    }
    return false;
}

/* ---- clients */

static movex_subscription *find_subscription(const movex_master *master, const movex_type *type, const char *id,
                                             const char *client_id)
{
    const movex_master_resource *resource = movex_master_resource_named(master, type, id);
    const movex_session         *session = resource ? movex_session_find(master, client_id) : NULL;
    return session ? movex_map_get(&session->by_number, resource->number, NULL, NULL) : NULL;
}

int movex_master_kick(movex_master *master, const movex_type *type, const char *id, const char *client_id,
                      const char *text)
{
    movex_subscription *subscription = find_subscription(master, type, id, client_id);
    if (!subscription) return MOVEX_ERR_NOT_FOUND;
    if (!movex_keep_reserve(master, 2, 0)) return MOVEX_ERR_STORE;
    movex_subscription_revoke(master, subscription, MOVEX_ERR_DENIED, text ? text : "taken off by the master");
    return MOVEX_OK;
}

int movex_master_expel(movex_master *master, const char *client_id, const char *text)
{
    movex_session *session = master ? movex_session_find(master, client_id) : NULL;
    const char    *why = text ? text : "sent away by the master";
    if (!session || session->over) return MOVEX_ERR_NOT_FOUND;
    if (!movex_keep_reserve_end(master, session)) return MOVEX_ERR_STORE;
    if (session->link) {
        movex_master_link *link = session->link;
        link->session = NULL; /* so that closing it is not a loss */
        session->link = NULL;
        for (movex_node *node = session->subscriptions.first; node; node = node->next)
            movex_subscription_silence(master, (movex_subscription *)(void *)node);
        movex_master_link_close(master, link, MOVEX_ERR_DENIED, 0, why);
    }
    movex_session_end(master, session, why);
    return MOVEX_OK;
}

bool movex_master_subscriber_at(const movex_master *master, const movex_type *type, const char *id, uint32_t index,
                                movex_subscriber *subscriber)
{
    const movex_master_resource *resource = movex_master_resource_named(master, type, id);
    for (uint32_t i = 0; resource && i < resource->company->slots; i++) {
        const movex_subscription *found = resource->company->subscribers[i];
        if (!found || index-- > 0) continue;
        *subscriber =
            (movex_subscriber){found->session->id, movex_session_info(found->session), found->session->link == NULL};
        return true;
    }
    return false;
}
