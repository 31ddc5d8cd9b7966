/* What the clients of a patched type hold: their views, redacted. They cannot compute them from each other, so the master
   does: it applies each entry to what they hold, as they do, and finds what differs from their redacted new views.

   Subscribers who may know the same share one audience: those of equal numbers, by the type's hook; without the hook each has
   its own. So has every hider. */
#include "master_internal.h"

#include <movex/text.h>

enum { MOST_SPARES = 64 }; /* of one type that are kept for later */

static size_t state_size(const movex_audience *audience)
{
    return audience->held.rules->type->state->size;
}

/* ---- making, freeing */

void movex_audience_free(movex_master *master, movex_audience *audience)
{
    movex_release(&master->allocator, audience->computed, audience->held.rules ? state_size(audience) : 0);
    movex_view_free(&audience->held, &master->allocator);
    movex_release(&master->allocator, audience, sizeof *audience);
}

static movex_audience *make(movex_master *master, const movex_rules *rules)
{
    movex_audience *audience = movex_allocate(&master->allocator, sizeof *audience);
    if (!audience) return NULL;
    bool viewed = movex_view_init(&audience->held, rules, true, &master->allocator);
    if (viewed) audience->computed = movex_allocate(&master->allocator, rules->type->state->size);
    if (audience->computed) return audience;
    movex_audience_free(master, audience);
    return NULL;
}

/* An audience without members or content; NULL, with the link failing, if there is no memory. */
static movex_audience *acquire(movex_master *master, movex_master_resource *resource, movex_master_link *link)
{
    movex_spares   *spares = movex_spares_of(master, resource);
    movex_audience *audience = (movex_audience *)(void *)spares->audiences.first;
    if (audience) {
        movex_list_remove(&audience->node);
        spares->audience_count--;
    } else {
        audience = make(master, resource->rules);
    }
    if (!audience) {
        movex_master_fail(master, link, MOVEX_ERR_MEMORY);
        return NULL;
    }
    audience->members = 0;
    audience->hider = NULL;
    audience->is_new = true;
    movex_list_append(&resource->company->audiences, &audience->node);
    resource->company->audience_count++;
    return audience;
}

static void let_go(movex_master *master, movex_master_resource *resource, movex_audience *audience)
{
    movex_spares *spares = movex_spares_of(master, resource);
    movex_list_remove(&audience->node);
    resource->company->audience_count--;
    master->stats.bytes_hashed += audience->held.hashes.bytes_hashed;
    audience->held.hashes.bytes_hashed = 0;
    if (spares->audience_count >= MOST_SPARES) {
        movex_audience_free(master, audience);
        return;
    }
    movex_list_append(&spares->audiences, &audience->node);
    spares->audience_count++;
}

/* ---- belonging */

/* What a subscriber is to hold: the audience's key. */
typedef struct place {
    const movex_hider *hider;
    uint64_t           number;
    const char        *id;
} place;

static place place_in(const movex_master_resource *resource, const char *id, const movex_hider *hider)
{
    const movex_type *type = resource->rules->type;
    if (hider) return (place){hider, 0, id};
    return (place){NULL, type->audience ? type->audience(resource->view.state, id) : 0, id};
}

static place place_of(const movex_subscription *subscription, const movex_hider *hider)
{
    return place_in(subscription->resource, subscription->session->id, hider);
}

static bool is_at(const movex_audience *audience, const place *at)
{
    const movex_type *type = audience->held.rules->type;
    if (audience->hider != at->hider) return false;
    if (at->hider || !type->redact) return true;
    return type->audience ? audience->number == at->number : strcmp(audience->id, at->id) == 0;
}

static movex_audience *find(const movex_master_resource *resource, const place *at)
{
    for (movex_node *node = resource->company->audiences.first; node; node = node->next) {
        movex_audience *audience = (movex_audience *)(void *)node;
        if (is_at(audience, at)) return audience;
    }
    return NULL;
}

static movex_audience *make_at(movex_master *master, const movex_subscription *subscription, const place *at)
{
    movex_audience *audience = acquire(master, subscription->resource, subscription->session->link);
    if (!audience) return NULL;
    audience->hider = at->hider;
    audience->number = at->number;
    movex_text_set(audience->id, at->id);
    return audience;
}

/* There is no room for what it would hold: nothing more is sent to it, and it is revoked once nothing else is under way. */
static void crowd_out(movex_master *master, movex_subscription *subscription)
{
    subscription->live = false;
    movex_list_remove(&subscription->owed);
    if (!subscription->crowded.list) movex_list_append(&master->crowded, &subscription->crowded);
}

bool movex_audience_has_room(const movex_master *master, const movex_master_resource *resource,
                             const movex_session *session)
{
    if (!resource->rules->patched || resource->company->audience_count < master->config.limits.views) return true;
    place at = place_in(resource, session->id, movex_hider_of(resource, session));
    return find(resource, &at) != NULL;
}

/* Makes what is held what may be known now. */
static void show(movex_audience *audience, const movex_view *view)
{
    const movex_rules *rules = audience->held.rules;
    if (!rules->type->redact) {
        movex_view_take(&audience->held, view->state);
        return;
    }
    movex_codec_restore(rules->state, view->state, audience->held.state);
    movex_rules_redact(rules, audience->held.state, audience->id);
    movex_view_settle(&audience->held);
}

void movex_audience_move(movex_subscription *subscription, movex_audience *to)
{
    if (subscription->audience) subscription->audience->members--;
    if (to) to->members++;
    subscription->audience = to;
}

void movex_audience_leave(movex_master *master, movex_subscription *subscription)
{
    movex_audience *audience = subscription->audience;
    if (!audience) return;
    movex_audience_move(subscription, NULL);
    if (audience->members == 0) let_go(master, subscription->resource, audience);
}

movex_audience *movex_audience_join(movex_master *master, movex_subscription *subscription)
{
    movex_master_resource *resource = subscription->resource;
    place                  at = place_of(subscription, subscription->hider);
    movex_audience        *audience = find(resource, &at);
    if (!audience && subscription->audience && subscription->audience->members == 1)
        movex_audience_leave(master, subscription); /* what it alone has held makes room */
    if (!audience && resource->company->audience_count >= master->config.limits.views) {
        movex_audience_leave(master, subscription);
        crowd_out(master, subscription);
        return NULL;
    }
    if (!audience) audience = make_at(master, subscription, &at);
    if (!audience) return NULL;
    if (audience->is_new) show(audience, movex_hidden_view(resource, audience->hider));
    audience->is_new = false;
    if (subscription->audience == audience) return audience;
    movex_audience_leave(master, subscription);
    movex_audience_move(subscription, audience);
    return audience;
}

bool movex_audience_may_part(const movex_master *master, const movex_subscription *subscription)
{
    const movex_audience *shared = subscription->audience;
    return !shared || subscription->hider || shared->members == 1 ||
           subscription->resource->company->audience_count < master->config.limits.views;
}

void movex_audience_part(movex_master *master, movex_subscription *subscription)
{
    movex_audience *shared = subscription->audience;
    if (!shared || shared->hider == subscription->hider) return;
    if (shared->members == 1) { /* it was its alone already */
        shared->hider = subscription->hider;
        movex_text_set(shared->id, subscription->session->id);
        return;
    }
    movex_audience *own = acquire(master, subscription->resource, subscription->session->link);
    if (!own) {
        subscription->live = false; /* its link fails; it comes back and gets a snapshot */
        movex_audience_leave(master, subscription);
        return;
    }
    own->hider = subscription->hider;
    own->is_new = false;
    movex_text_set(own->id, subscription->session->id);
    movex_view_match(&own->held, &shared->held);
    movex_audience_leave(master, subscription);
    movex_audience_move(subscription, own);
}

/* ---- telling an entry */

void movex_audience_compute(movex_master *master, movex_master_resource *resource, const movex_hider *author,
                            movex_deed *deed, const movex_context *context)
{
    const movex_codec *codec = resource->rules->state;
    bool               masters = resource->rules->type->actions[deed->shown.action].flags & MOVEX_MASTER_ONLY;
    resource->company->wanted_count = 0;
    for (movex_node *node = resource->company->audiences.first; node; node = node->next) {
        movex_audience *audience = (movex_audience *)(void *)node;
        movex_half     *half = deed->hides && audience->hider == author ? &deed->hidden : &deed->shown;
        audience->drew = audience->is_wanted = false;
        if (!masters) movex_hidden_apply(master, &audience->held, half, context, &audience->drew);
        movex_codec_restore(codec, audience->held.state, audience->computed);
    }
}

static void want(movex_subscription *subscription, movex_audience *audience)
{
    subscription->next_audience = audience;
    if (audience->is_wanted) return;
    movex_text_set(audience->id, subscription->session->id); /* through the eyes of somebody who is there */
    audience->is_wanted = true;
    subscription->resource->company->wanted_count++;
}

bool movex_audience_stay(movex_subscription *subscription, const movex_hider *hider)
{
    place at = place_of(subscription, hider);
    if (!is_at(subscription->audience, &at)) return false;
    want(subscription, subscription->audience);
    return true;
}

/* What is not wanted any more goes after the telling; so only what is wanted counts. */
bool movex_audience_next(movex_master *master, movex_subscription *subscription, const movex_hider *hider)
{
    movex_master_resource *resource = subscription->resource;
    place                  at = place_of(subscription, hider);
    movex_audience        *audience = find(resource, &at);
    bool more = (!audience || !audience->is_wanted) && resource->company->wanted_count >= master->config.limits.views;
    if (more) crowd_out(master, subscription);
    if (!audience && !more) audience = make_at(master, subscription, &at);
    if (audience && !more) {
        want(subscription, audience);
        return true;
    }
    subscription->live = false;
    movex_audience_move(subscription, NULL); /* others may come to it: movex_audience_settle lets it go */
    return false;
}

void movex_audience_update(movex_master_resource *resource)
{
    for (movex_node *node = resource->company->audiences.first; node; node = node->next) {
        movex_audience *audience = (movex_audience *)(void *)node;
        if (audience->is_wanted) show(audience, movex_hidden_view(resource, audience->hider));
    }
}

void movex_audience_settle(movex_master *master, movex_master_resource *resource)
{
    for (movex_node *node = resource->company->audiences.first, *next; node; node = next) {
        movex_audience *audience = (movex_audience *)(void *)node;
        next = node->next;
        audience->is_new = audience->is_wanted = false;
        if (audience->members == 0) let_go(master, resource, audience);
    }
}

void movex_audience_check(const movex_master_resource *resource)
{
    uint32_t count = 0;
    for (const movex_node *node = resource->company->audiences.first; node; node = node->next, count++) {
        const movex_audience *audience = (const movex_audience *)(const void *)node;
        uint32_t              members = 0;
        for (uint32_t i = 0; i < resource->company->slots; i++) {
            const movex_subscription *subscription = resource->company->subscribers[i];
            if (!subscription || subscription->audience != audience) continue;
            assert(audience->hider == subscription->hider);
            members++;
        }
        assert(members > 0 && members == audience->members && !audience->is_new && !audience->is_wanted);
        movex_view_check(&audience->held);
        (void)members;
    }
    assert(count == resource->company->audience_count);
    (void)count;
}
