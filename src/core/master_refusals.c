/* Dispatches that made no entry: each subscription remembers the newest, to answer those who come back. */
#include "master_internal.h"

enum { FIRST_REFUSED = 4 };

static void send_outcome(movex_master *master, movex_subscription *subscription, uint64_t sequence, int reason)
{
    movex_master_link    *link = subscription->session->link;
    movex_outcome_message message = {subscription->resource->number, sequence, reason};
    movex_writer          writer;
    if (!movex_master_begin(master, link, 0, &writer)) return;
    movex_write_outcome(&writer, &message);
    movex_master_send(master, link, &writer);
    movex_subscription_told(subscription, sequence);
}

bool movex_subscription_prepare(movex_master *master, movex_subscription *subscription)
{
    uint32_t capacity = subscription->refused_capacity;
    if (subscription->refused_count < capacity || capacity >= master->config.limits.pending) return true;
    /* The ring has never gone round while it can still grow, so its order is that of its indices. */
    return movex_grow(&master->allocator, &subscription->refused, &subscription->refused_capacity,
                      sizeof *subscription->refused, capacity + 1, FIRST_REFUSED);
}

uint64_t movex_refused_kept(const movex_subscription *subscription)
{
    uint64_t capacity = subscription->refused_capacity, count = subscription->refused_count;
    return count < capacity ? count : capacity;
}

movex_refused *movex_refused_at(const movex_subscription *subscription, uint64_t index)
{
    return &subscription->refused[index & (subscription->refused_capacity - 1)];
}

void movex_refused_remember(movex_subscription *subscription, uint64_t sequence, int reason)
{
    *movex_refused_at(subscription, subscription->refused_count++) = (movex_refused){sequence, reason};
}

void movex_subscription_refuse(movex_master *master, movex_subscription *subscription, uint64_t sequence, int reason)
{
    movex_refused_remember(subscription, sequence, reason);
    send_outcome(master, subscription, sequence, reason);
}

void movex_subscription_repeat(movex_master *master, movex_subscription *subscription, uint64_t sequence)
{
    int reason = MOVEX_ACCEPT;
    for (uint32_t i = 0; i < subscription->refused_capacity; i++)
        if (subscription->refused[i].sequence == sequence) reason = subscription->refused[i].reason;
    master->stats.repeats++;
    send_outcome(master, subscription, sequence, reason);
}

static bool was_refused(const movex_subscription *subscription, uint64_t sequence)
{
    for (uint32_t i = 0; i < subscription->refused_capacity; i++)
        if (subscription->refused[i].sequence == sequence) return true;
    return false;
}

void movex_subscription_tell_accepted(movex_master *master, movex_subscription *subscription)
{
    uint64_t first = subscription->answered + 1, most = master->config.limits.pending;
    if (subscription->sequence >= first + most) first = subscription->sequence - most + 1; /* none waits for longer */
    for (uint64_t sequence = first; sequence <= subscription->sequence; sequence++)
        if (!was_refused(subscription, sequence)) send_outcome(master, subscription, sequence, MOVEX_ACCEPT);
    subscription->answered = subscription->sequence;
}

/* Answers what the subscriber may not know yet: refusals have left no entry. */
void movex_subscription_tell_refusals(movex_master *master, movex_subscription *subscription, uint64_t answered)
{
    uint64_t end = subscription->refused_count;
    for (uint64_t i = end - movex_refused_kept(subscription); i != end; i++) {
        const movex_refused *refused = movex_refused_at(subscription, i);
        if (refused->sequence > answered) send_outcome(master, subscription, refused->sequence, refused->reason);
    }
}
