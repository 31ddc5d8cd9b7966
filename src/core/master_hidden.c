/* What is hidden in a resource: who has hidden it, and the folds of the log that come of it. One state while nothing is; then
   one more for each hider, and the full one, kept up to date entry by entry. */
#include "master_internal.h"

#include <movex/text.h>

enum {
    MOST_SPARES = 64, /* hiders of one type that are kept for later */
    FIRST_PAIRS = 4,
};

/* ---- reading */

movex_hider *movex_hider_find(const movex_master_resource *resource, const char *id)
{
    const movex_hidden *hidden = resource->hidden;
    for (uint32_t i = 0; hidden && i < hidden->hider_count; i++)
        if (!hidden->hiders[i]->session->unlisted && strcmp(hidden->hiders[i]->session->id, id) == 0)
            return hidden->hiders[i];
    return NULL;
}

movex_hider *movex_hider_of(const movex_master_resource *resource, const movex_session *session)
{
    const movex_hidden *hidden = resource->hidden;
    for (uint32_t i = 0; hidden && i < hidden->hider_count; i++)
        if (hidden->hiders[i]->session == session) return hidden->hiders[i];
    return NULL;
}

const movex_view *movex_hidden_view(const movex_master_resource *resource, const movex_hider *hider)
{
    return hider ? &hider->view : &resource->view;
}

const movex_view *movex_hidden_full(const movex_master_resource *resource)
{
    const movex_hidden *hidden = resource->hidden;
    if (!hidden || hidden->hider_count == 0) return &resource->view;
    return hidden->full ? &hidden->full->view : &hidden->hiders[0]->view;
}

uint32_t movex_hidden_count(const movex_master_resource *resource)
{
    uint32_t sealed = resource->sealed ? resource->sealed->sealed_count : 0;
    return sealed + (resource->hidden ? resource->hidden->next.pair_count : 0);
}

/* ---- hiders */

/* A hider of nobody's, whose view is the same as `like`; NULL if there is no memory. */
static movex_hider *hider_new(movex_master *master, const movex_master_resource *resource, const movex_view *like)
{
    movex_spares *spares = movex_spares_of(master, resource);
    movex_hider  *hider = (movex_hider *)(void *)spares->hiders.first;
    if (hider) {
        movex_list_remove(&hider->spare);
        spares->hider_count--;
    } else {
        hider = movex_allocate(&master->allocator, sizeof *hider);
        if (hider && !movex_view_init(&hider->view, resource->rules, true, &master->allocator)) {
            movex_release(&master->allocator, hider, sizeof *hider);
            hider = NULL;
        }
        if (!hider) return NULL;
    }
    movex_view_match(&hider->view, like);
    return hider;
}

static void free_hider(movex_master *master, movex_hider *hider)
{
    movex_view_free(&hider->view, &master->allocator);
    movex_release(&master->allocator, hider, sizeof *hider);
}

/* Keeps it for later, or frees it. */
static void let_go(movex_master *master, movex_master_resource *resource, movex_hider *hider)
{
    movex_spares *spares = movex_spares_of(master, resource);
    master->stats.bytes_hashed += hider->view.hashes.bytes_hashed;
    hider->view.hashes.bytes_hashed = 0;
    hider->session = NULL;
    hider->hidden = 0;
    if (spares->hider_count >= MOST_SPARES) {
        free_hider(master, hider);
        return;
    }
    movex_list_append(&spares->hiders, &hider->spare);
    spares->hider_count++;
}

/* Those of its type. */
movex_spares *movex_spares_of(const movex_master *master, const movex_master_resource *resource)
{
    uint32_t i = 0;
    while (master->rules[i] != resource->rules) i++;
    return &master->spares[i];
}

void movex_spares_free(movex_master *master, movex_spares *spares)
{
    for (movex_node *node; (node = spares->hiders.first) != NULL;) {
        movex_list_remove(node);
        free_hider(master, (movex_hider *)(void *)node);
    }
    for (movex_node *node; (node = spares->audiences.first) != NULL;) {
        movex_list_remove(node);
        movex_audience_free(master, (movex_audience *)(void *)node);
    }
}

/* All subscriptions of that session to the resource, which is one at the most. */
static movex_subscription *subscription_of(const movex_master_resource *resource, const movex_session *session)
{
    return movex_map_get(&session->by_number, resource->number, NULL, NULL);
}

void movex_session_reveal(movex_master *master, movex_session *session)
{
    session->hiding--;
    bool done = session->over && session->hiding == 0 && !master->recovering; /* while it recovers, more may follow */
    if (done && !session->away.list) movex_list_append(&master->over, &session->away);
}

/* Its session may have ended, and is kept for its token no longer. */
static void forget_session(movex_master *master, movex_master_resource *resource, movex_hider *hider)
{
    movex_subscription *subscription = subscription_of(resource, hider->session);
    if (subscription) subscription->hider = NULL;
    movex_session_reveal(master, hider->session);
}

/* ---- preparing */

static bool prepare_hidden(movex_master *master, movex_master_resource *resource)
{
    if (!resource->hidden) resource->hidden = movex_allocate(&master->allocator, sizeof *resource->hidden);
    return resource->hidden != NULL;
}

/* A new hider for the session, last in the list, and the full view if it is needed from now on. */
static int add_hider(movex_master *master, movex_master_resource *resource, movex_subscription *subscription)
{
    movex_hidden *hidden = resource->hidden;
    if (hidden->hider_count >= master->config.limits.hiders && !master->recovering) return MOVEX_ERR_LIMIT;
    if (!movex_grow(&master->allocator, &hidden->hiders, &hidden->hider_capacity, sizeof *hidden->hiders,
                    hidden->hider_count + 1, 2))
        return MOVEX_ERR_MEMORY;
    bool         second = hidden->hider_count == 1;
    movex_hider *hider = hider_new(master, resource, &resource->view);
    movex_hider *full = second && hider ? hider_new(master, resource, &hidden->hiders[0]->view) : NULL;
    if (!hider || (second && !full)) {
        if (hider) let_go(master, resource, hider);
        return MOVEX_ERR_MEMORY;
    }
    if (second) hidden->full = full;
    if (hidden->hider_count == 0) {
        hidden->base = resource->log.version;
        hidden->foldable = resource->rules->fold_limit > 0;
    }
    hidden->hiders[hidden->hider_count++] = hider;
    hider->session = subscription->session;
    hider->session->hiding++;
    subscription->hider = hider;
    return MOVEX_OK;
}

int movex_hidden_prepare(movex_master *master, movex_subscription *subscription, size_t payload_length)
{
    movex_master_resource *resource = subscription->resource;
    if (!prepare_hidden(master, resource)) return MOVEX_ERR_MEMORY;
    movex_hidden     *hidden = resource->hidden;
    movex_disclosure *next = &hidden->next;
    bool              full = subscription->hider && subscription->hider->hidden >= master->config.limits.hidden;
    if (full && !master->recovering) return MOVEX_ERR_LIMIT;
    if (payload_length > UINT32_MAX - hidden->payloads.length)
        return MOVEX_ERR_LIMIT; /* pairs note places in 32 bits */
    if (!movex_audience_may_part(master, subscription)) return MOVEX_ERR_LIMIT;
    if (!movex_grow(&master->allocator, &next->pairs, &next->pair_capacity, sizeof *next->pairs, next->pair_count + 1,
                    FIRST_PAIRS))
        return MOVEX_ERR_MEMORY;
    if (!movex_buffer_reserve(&hidden->payloads, &master->allocator, payload_length)) return MOVEX_ERR_MEMORY;
    return subscription->hider ? MOVEX_OK : add_hider(master, resource, subscription);
}

void movex_hidden_withdraw(movex_master *master, movex_subscription *subscription)
{
    movex_master_resource *resource = subscription->resource;
    movex_hidden          *hidden = resource->hidden;
    movex_hider           *hider = subscription->hider;
    if (hider->hidden > 0) return;
    assert(hidden->hiders[hidden->hider_count - 1] == hider); /* it has just come */
    forget_session(master, resource, hider);
    let_go(master, resource, hider);
    if (--hidden->hider_count != 1) return;
    let_go(master, resource, hidden->full);
    hidden->full = NULL;
}

/* ---- applying */

int movex_hidden_apply(movex_master *master, movex_view *view, movex_half *half, const movex_context *context,
                       bool *drew)
{
    movex_random_source random = {.seed = half->seed};
    movex_context       own = *context;
    own.random = &random;
    master->stats.reduces++;
    int answer = movex_view_apply(view, half->action, half->payload, &own, NULL);
    *drew = random.draws > 0;
    half->drew = half->drew || *drew;
    return answer;
}

static void remember_pair(movex_hidden *hidden, movex_hider *hider, const movex_subscription *author, uint64_t sequence,
                          const movex_half *half, uint64_t version, bool drew)
{
    movex_pair *pair = &hidden->next.pairs[hidden->next.pair_count++];
    *pair = (movex_pair){
        .version = version,
        .session = hider->session->number,
        .subscription = author->serial,
        .sequence = sequence,
        .seed = half->seed,
        .action = half->action,
        .payload_at = (uint32_t)hidden->payloads.length,
        .payload_length = (uint32_t)half->encoded.length,
        .drew = drew,
    };
    movex_text_set(pair->author, hider->session->id);
    if (half->encoded.length)
        memcpy(hidden->payloads.bytes + hidden->payloads.length, half->encoded.bytes, half->encoded.length);
    hidden->payloads.length += half->encoded.length;
    hider->hidden++;
}

/* What the full view makes of the deed: where there is only one hider, that one's view is it. */
static movex_hider *bring_full(movex_master *master, movex_hidden *hidden, movex_half *half,
                               const movex_context *context)
{
    movex_hider *full = hidden->full;
    if (!full) return hidden->hiders[0];
    full->answer = movex_hidden_apply(master, &full->view, half, context, &full->drew);
    return full;
}

void movex_hidden_spread(movex_master *master, movex_master_resource *resource, movex_subscription *author,
                         uint64_t sequence, movex_deed *deed, const movex_context *context, bool *drew)
{
    movex_hidden *hidden = resource->hidden;
    if (!hidden || hidden->hider_count == 0) return;
    movex_hider *own = author ? author->hider : NULL;
    bool         all_drew = true; /* that is: all who see what is shown */
    if (own) movex_hidden_apply(master, &resource->view, &deed->shown, context, drew);
    for (uint32_t i = 0; i < hidden->hider_count; i++) {
        movex_hider *hider = hidden->hiders[i];
        if (hider != own) hider->answer = movex_hidden_apply(master, &hider->view, &deed->shown, context, &hider->drew);
        all_drew = all_drew && hider->drew;
    }
    const movex_hider *full = bring_full(master, hidden, deed->hides ? &deed->hidden : &deed->shown, context);
    if (deed->hides) {
        remember_pair(hidden, own, author, sequence, &deed->hidden, context->version, full->drew);
        all_drew = own->drew; /* the others get its seed with it */
    } else {
        all_drew = all_drew && *drew;
    }
    if (full->drew && !all_drew) hidden->foldable = false;
    if (author && full->answer != MOVEX_ACCEPT) movex_overturned_remember(author, sequence, full->answer);
}

/* ---- recovering */

movex_hidden *movex_hidden_recover(movex_master *master, movex_master_resource *resource)
{
    return prepare_hidden(master, resource) ? resource->hidden : NULL;
}

int movex_hidden_recover_hider(movex_master *master, movex_master_resource *resource, movex_session *session,
                               movex_view **view)
{
    movex_hidden *hidden = resource->hidden;
    if (!session && hidden->full) return MOVEX_ERR_PROTOCOL;
    if (!movex_grow(&master->allocator, &hidden->hiders, &hidden->hider_capacity, sizeof *hidden->hiders,
                    hidden->hider_count + 1, 2))
        return MOVEX_ERR_MEMORY;
    movex_hider *hider = hider_new(master, resource, &resource->view);
    if (!hider) return MOVEX_ERR_MEMORY;
    *view = &hider->view;
    hider->session = session;
    if (session) session->hiding++;
    if (session)
        hidden->hiders[hidden->hider_count++] = hider;
    else
        hidden->full = hider;
    return MOVEX_OK;
}

static bool keep_pair(movex_master *master, movex_disclosure *disclosure, const movex_pair *pair)
{
    if (!movex_grow(&master->allocator, &disclosure->pairs, &disclosure->pair_capacity, sizeof *disclosure->pairs,
                    disclosure->pair_count + 1, FIRST_PAIRS))
        return false;
    disclosure->pairs[disclosure->pair_count++] = *pair;
    return true;
}

int movex_hidden_recover_pair(movex_master *master, movex_master_resource *resource, const movex_pair *pair,
                              movex_wire_bytes payload)
{
    movex_hidden *hidden = resource->hidden;
    movex_hider  *hider = NULL;
    movex_pair    kept = *pair;
    uint64_t before = hidden && hidden->next.pair_count ? hidden->next.pairs[hidden->next.pair_count - 1].version : 0;
    for (uint32_t i = 0; hidden && i < hidden->hider_count; i++)
        if (strcmp(hidden->hiders[i]->session->id, pair->author) == 0) hider = hidden->hiders[i];
    if (!hider || payload.length > UINT32_MAX - hidden->payloads.length) return MOVEX_ERR_PROTOCOL;
    bool first = hidden->next.pair_count == 0;
    if (first ? pair->version != hidden->base + 1 : pair->version <= before) return MOVEX_ERR_PROTOCOL;
    if (pair->version > resource->log.version) return MOVEX_ERR_PROTOCOL;
    kept.payload_at = (uint32_t)hidden->payloads.length;
    kept.payload_length = (uint32_t)payload.length;
    if (!movex_buffer_reserve(&hidden->payloads, &master->allocator, payload.length)) return MOVEX_ERR_MEMORY;
    if (!keep_pair(master, &hidden->next, &kept)) return MOVEX_ERR_MEMORY;
    if (payload.length) memcpy(hidden->payloads.bytes + hidden->payloads.length, payload.bytes, payload.length);
    hidden->payloads.length += payload.length;
    hider->hidden++;
    return MOVEX_OK;
}

bool movex_hidden_recover_revealed(movex_master *master, movex_master_resource *resource, const movex_pair *pair)
{
    return prepare_hidden(master, resource) && keep_pair(master, &resource->hidden->last, pair);
}

bool movex_hidden_is_sound(const movex_master_resource *resource)
{
    const movex_hidden *hidden = resource->hidden;
    if (!hidden) return true;
    for (uint32_t i = 0; i < hidden->hider_count; i++)
        if (hidden->hiders[i]->hidden == 0) return false;
    if ((hidden->full != NULL) != (hidden->hider_count >= 2)) return false;
    return hidden->hider_count == 0 || hidden->base < resource->log.version;
}

/* ---- ending */

void movex_hidden_end(movex_master *master, movex_master_resource *resource)
{
    movex_hidden *hidden = resource->hidden;
    if (!hidden) return;
    for (uint32_t i = 0; i < hidden->hider_count; i++) {
        forget_session(master, resource, hidden->hiders[i]);
        let_go(master, resource, hidden->hiders[i]);
    }
    if (hidden->full) let_go(master, resource, hidden->full);
    hidden->full = NULL;
    hidden->hider_count = 0;
    hidden->next.pair_count = 0;
    hidden->payloads.length = 0;
}

static void free_disclosure(movex_master *master, movex_disclosure *disclosure)
{
    movex_release(&master->allocator, disclosure->pairs, disclosure->pair_capacity * sizeof *disclosure->pairs);
}

void movex_hidden_free(movex_master *master, movex_master_resource *resource)
{
    movex_hidden *hidden = resource->hidden;
    if (!hidden) return;
    movex_hidden_end(master, resource);
    free_disclosure(master, &hidden->next);
    free_disclosure(master, &hidden->last);
    movex_buffer_free(&hidden->payloads, &master->allocator);
    movex_release(&master->allocator, hidden->hiders, hidden->hider_capacity * sizeof *hidden->hiders);
    movex_release(&master->allocator, hidden, sizeof *hidden);
    resource->hidden = NULL;
}

void movex_hidden_check(const movex_master_resource *resource)
{
    const movex_hidden *hidden = resource->hidden;
    uint32_t            count = 0;
    if (!hidden) return;
    for (uint32_t i = 0; i < hidden->hider_count; i++) {
        assert(hidden->hiders[i]->hidden > 0 && hidden->hiders[i]->session->hiding > 0);
        movex_view_check(&hidden->hiders[i]->view);
        count += hidden->hiders[i]->hidden;
    }
    assert(count == hidden->next.pair_count && (count > 0) == (hidden->hider_count > 0));
    assert((hidden->full != NULL) == (hidden->hider_count >= 2));
    assert(hidden->hider_count == 0 || hidden->base < resource->log.version);
    if (hidden->full) movex_view_check(&hidden->full->view);
    (void)count;
}
