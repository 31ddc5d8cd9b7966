#include "master_internal.h"
#include "master_keep.h"

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

const movex_rules *movex_master_rules(const movex_master *master, const movex_type *type)
{
    for (uint32_t i = 0; type && i < master->rules_count; i++)
        if (master->rules[i]->type == type) return master->rules[i];
    return NULL;
}

movex_master_resource *movex_master_resource_named(const movex_master *master, const movex_type *type, const char *id)
{
    const movex_rules *rules = master && id ? movex_master_rules(master, type) : NULL;
    return rules ? movex_master_resource_find(master, rules, id) : NULL;
}

static bool take_place(movex_master *master, movex_master_resource *resource)
{
    uint32_t place = master->free_place;
    while (place < master->resource_slots && master->resources[place]) place++;
    if (!movex_grow(&master->allocator, &master->resources, &master->resource_capacity, sizeof *master->resources,
                    place + 1, 8))
        return false;
    if (place == master->resource_slots) master->resource_slots++;
    master->resources[place] = resource;
    master->free_place = place + 1;
    resource->place = place;
    return true;
}

static void give_place_back(movex_master *master, const movex_master_resource *resource)
{
    master->resources[resource->place] = NULL;
    if (resource->place < master->free_place) master->free_place = resource->place;
}

static bool may_wake(const movex_rules *rules)
{
    return rules->type->wakes_at || rules->hidden_as; /* or wait for what is sealed */
}

static size_t resource_size(const movex_master *master, const movex_rules *rules, const char *id)
{
    size_t size = sizeof(movex_master_resource) + strlen(id) + 1;
    if (may_wake(rules)) size += sizeof(movex_alarm);
    if (movex_keep_is_used(master)) size += sizeof(movex_kept);
    return size;
}

/* A resource with all that lies in its block; NULL if there is no memory. */
static movex_master_resource *allocate_resource(movex_master *master, const movex_rules *rules, const char *id)
{
    _Static_assert(sizeof(movex_master_resource) % _Alignof(movex_alarm) == 0, "an alarm may follow");
    _Static_assert(sizeof(movex_alarm) % _Alignof(movex_kept) == 0, "what is kept may follow");
    _Static_assert(sizeof(movex_master_resource) % _Alignof(movex_kept) == 0, "or come at once");
    movex_master_resource *resource = movex_allocate(&master->allocator, resource_size(master, rules, id));
    if (!resource) return NULL;
    unsigned char *behind = (unsigned char *)(resource + 1);
    if (may_wake(rules)) {
        resource->alarm = (movex_alarm *)(void *)behind;
        resource->alarm->resource = resource;
        behind += sizeof *resource->alarm;
    }
    if (movex_keep_is_used(master)) {
        resource->kept = (movex_kept *)(void *)behind;
        resource->kept->resource = resource;
        behind += sizeof *resource->kept;
    }
    resource->id = (char *)behind;
    memcpy(behind, id, strlen(id) + 1);
    resource->rules = rules;
    resource->company = &master->nobody;
    return resource;
}

static void release_resource(movex_master *master, movex_master_resource *resource)
{
    movex_release(&master->allocator, resource, resource_size(master, resource->rules, resource->id));
}

/* Whatever it may come to want has room in the master's heaps. */
static bool reserve_heaps(movex_master *master, const movex_rules *rules)
{
    uint32_t all = master->by_name.count + 1;
    return (!rules->type->wakes_at || movex_heap_reserve(&master->wakes, &master->allocator, all)) &&
           (!rules->hidden_as || movex_heap_reserve(&master->seals, &master->allocator, all));
}

int movex_master_resource_new(movex_master *master, const movex_rules *rules, const char *id,
                              movex_master_resource **made)
{
    if (master->by_name.count >= master->config.limits.resources) return MOVEX_ERR_LIMIT;
    uint32_t shards = master->config.shards ? master->config.shards : 1;
    if (master->resources_made == UINT32_MAX / shards - 1) return MOVEX_ERR_LIMIT;
    movex_master_resource *resource = allocate_resource(master, rules, id);
    if (!resource) return MOVEX_ERR_MEMORY;
    movex_log_init(&resource->log, master->config.limits.history, master->config.limits.history_bytes);

    bool viewed = movex_view_init(&resource->view, rules, true, &master->allocator);
    bool placed = viewed && reserve_heaps(master, rules) && take_place(master, resource);
    bool named = placed && movex_map_put(&master->by_name, &master->allocator, key_of(master, rules, id), resource);
    if (!named) {
        if (placed) give_place_back(master, resource);
        if (viewed) movex_view_free(&resource->view, &master->allocator);
        release_resource(master, resource);
        return MOVEX_ERR_MEMORY;
    }
    int kept = movex_keep_resource(master, resource);
    if (kept != MOVEX_OK) {
        movex_map_remove(&master->by_name, key_of(master, rules, id), resource);
        give_place_back(master, resource);
        movex_view_free(&resource->view, &master->allocator);
        release_resource(master, resource);
        return kept;
    }
    resource->number = ++master->resources_made * shards + master->config.shard;
    resource->idle_ms = master->now_ms;
    movex_list_append(&master->idle, &resource->idle);
    movex_master_resource_schedule(master, resource);
    if (!master->recovering) movex_master_record_event(master, MOVEX_MASTER_CREATED, NULL, resource, MOVEX_OK, NULL);
    *made = resource;
    return MOVEX_OK;
}

bool movex_master_resource_meet(movex_master *master, movex_master_resource *resource)
{
    if (resource->company != &master->nobody) return true;
    movex_company *company = movex_allocate(&master->allocator, sizeof *company);
    if (!company) return false;
    company->resource = resource;
    resource->company = company;
    return true;
}

bool movex_master_resource_own(movex_master *master, movex_master_resource *resource, movex_session *creator)
{
    if (!movex_master_resource_meet(master, resource)) return false;
    resource->company->creator = creator;
    creator->created_count++;
    movex_list_append(&creator->created, &resource->company->created);
    return true;
}

void movex_master_resource_disown(movex_master_resource *resource)
{
    movex_company *company = resource->company;
    if (!company->creator) return;
    company->creator->created_count--;
    company->creator = NULL;
    movex_list_remove(&company->created);
}

static void free_company(movex_master *master, movex_company *company)
{
    if (company == &master->nobody) return;
    movex_release(&master->allocator, company->subscribers, company->slot_capacity * sizeof *company->subscribers);
    movex_release(&master->allocator, company, sizeof *company);
}

void movex_master_resource_free(movex_master *master, movex_master_resource *resource)
{
    assert(resource->company->subscriber_count == 0);
    movex_master_record_event(master, MOVEX_MASTER_REMOVED, NULL, resource, MOVEX_OK, NULL);
    movex_keep_removal(master, resource);
    movex_list_remove(&resource->idle);
    movex_master_resource_disown(resource);
    if (resource->alarm) movex_heap_remove(&master->wakes, &resource->alarm->wake);
    give_place_back(master, resource);
    movex_map_remove(&master->by_name, key_of(master, resource->rules, resource->id), resource);
    movex_hidden_free(master, resource);
    movex_round_free(master, resource);
    master->stats.bytes_hashed += resource->view.hashes.bytes_hashed;
    movex_view_free(&resource->view, &master->allocator);
    movex_log_free(&resource->log, &master->allocator);
    free_company(master, resource->company);
    release_resource(master, resource);
}

void movex_master_resource_replaced(movex_master *master, movex_master_resource *resource)
{
    movex_hidden_end(master, resource);
    movex_round_drop(master, resource);
    movex_overturned_drop(resource);
    if (resource->hidden) resource->hidden->last.pair_count = 0;
}

/* ---- time */

uint64_t movex_master_time(const movex_master *master)
{
    return master ? master->now_ms + master->offset_ms : 0;
}

void movex_master_resource_schedule(movex_master *master, movex_master_resource *resource)
{
    const movex_type *type = resource->rules->type;
    if (!type->wakes_at) return;
    uint64_t due = type->wakes_at(resource->view.state);
    if (due)
        movex_heap_set(&master->wakes, &resource->alarm->wake, due);
    else
        movex_heap_remove(&master->wakes, &resource->alarm->wake);
}

uint64_t movex_master_resource_bytes_hashed(const movex_master_resource *resource)
{
    const movex_hidden *hidden = resource->hidden;
    uint64_t            sum = resource->view.hashes.bytes_hashed;
    for (uint32_t i = 0; hidden && i < hidden->hider_count; i++) sum += hidden->hiders[i]->view.hashes.bytes_hashed;
    if (hidden && hidden->full) sum += hidden->full->view.hashes.bytes_hashed;
    for (const movex_node *node = resource->company->audiences.first; node; node = node->next)
        sum += ((const movex_audience *)(const void *)node)->held.hashes.bytes_hashed;
    return sum;
}

void movex_master_resource_check(const movex_master_resource *resource)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        const movex_subscription *subscription = resource->company->subscribers[i];
        if (!subscription) continue;
        assert(subscription->slot == i && subscription->resource == resource);
        assert(!subscription->live || subscription->session->link);
        assert(subscription->hider == movex_hider_of(resource, subscription->session));
        assert((subscription->audience != NULL) == (subscription->live && resource->rules->patched));
        count++;
    }
    assert(count == resource->company->subscriber_count && (count > 0) != (resource->idle.list != NULL));
    (void)count;
    movex_view_check(&resource->view);
    movex_hidden_check(resource);
    movex_round_check(resource);
    movex_audience_check(resource);
    movex_log_check(&resource->log);
}
