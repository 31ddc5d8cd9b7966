/* Dispatches that were accepted and that the full view refuses: at the reveal they turn out to have no effect. Each subscription
   remembers its newest, to tell its client then, or when it comes back. */
#include "master_internal.h"

#include "hash.h"

enum { FIRST_OVERTURNED = 4, MOST_OVERTURNED = 256 };

movex_overturned *movex_overturned_at(const movex_subscription *subscription, uint64_t index)
{
    return &subscription->overturned[index & (subscription->overturned_capacity - 1)];
}

uint64_t movex_overturned_kept(const movex_subscription *subscription)
{
    uint64_t capacity = subscription->overturned_capacity, count = subscription->overturned_count;
    return count < capacity ? count : capacity;
}

bool movex_overturned_prepare(movex_master *master, movex_subscription *subscription)
{
    uint32_t capacity = subscription->overturned_capacity;
    if (subscription->overturned_count < capacity || capacity >= MOST_OVERTURNED) return true;
    /* The ring has never gone round while it can still grow, so its order is that of its indices. */
    return movex_grow(&master->allocator, &subscription->overturned, &subscription->overturned_capacity,
                      sizeof *subscription->overturned, capacity + 1, FIRST_OVERTURNED);
}

bool movex_overturned_reserve(movex_master *master, movex_subscription *subscription, uint32_t more)
{
    uint64_t needed = subscription->overturned_count + more;
    uint32_t capacity = subscription->overturned_capacity;
    if (needed > MOST_OVERTURNED) needed = MOST_OVERTURNED;
    return needed <= capacity ||
           movex_grow(&master->allocator, &subscription->overturned, &subscription->overturned_capacity,
                      sizeof *subscription->overturned, (uint32_t)needed, FIRST_OVERTURNED);
}

void movex_overturned_remember(movex_subscription *subscription, uint64_t sequence, int reason)
{
    *movex_overturned_at(subscription, subscription->overturned_count++) =
        (movex_overturned){.sequence = sequence, .reason = reason};
}

/* The index of the first that no reveal has told of. */
static uint64_t first_untold(const movex_subscription *subscription)
{
    uint64_t first = subscription->overturned_count;
    uint64_t oldest = first - movex_overturned_kept(subscription);
    while (first > oldest && movex_overturned_at(subscription, first - 1)->revealed == 0) first--;
    return first;
}

void movex_overturned_reveal(movex_master_resource *resource, uint64_t version)
{
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *subscription = resource->company->subscribers[i];
        if (!subscription) continue;
        for (uint64_t k = first_untold(subscription); k != subscription->overturned_count; k++)
            movex_overturned_at(subscription, k)->revealed = version;
    }
}

void movex_overturned_drop(movex_master_resource *resource)
{
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *subscription = resource->company->subscribers[i];
        if (subscription) subscription->overturned_count = first_untold(subscription);
    }
}

void movex_overturned_tell(movex_master *master, movex_subscription *subscription)
{
    movex_master_link *link = subscription->session->link;
    uint64_t           known = subscription->told, end = subscription->overturned_count;
    subscription->revealed = subscription->told = subscription->resource->revealed;
    for (uint64_t k = end - movex_overturned_kept(subscription); k != end; k++) {
        const movex_overturned        *overturned = movex_overturned_at(subscription, k);
        const movex_overturned_message message = {subscription->resource->number, overturned->sequence,
                                                  overturned->reason};
        movex_writer                   writer;
        if (overturned->revealed <= known) continue;
        if (!movex_master_begin(master, link, 0, &writer)) return;
        movex_write_overturned(&writer, &message);
        movex_master_send(master, link, &writer);
    }
}

uint64_t movex_overturned_digest(const movex_master_resource *resource, uint64_t digest)
{
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        const movex_subscription *subscription = resource->company->subscribers[i];
        uint64_t                  end = subscription ? subscription->overturned_count : 0;
        for (uint64_t k = subscription ? end - movex_overturned_kept(subscription) : 0; k != end; k++) {
            const movex_overturned *overturned = movex_overturned_at(subscription, k);
            if (overturned->revealed != resource->revealed) continue;
            digest = movex_xxh64_number(movex_xxh64_number(digest, i), overturned->sequence);
            digest = movex_xxh64_number(digest, (uint64_t)overturned->reason);
        }
    }
    return digest;
}
