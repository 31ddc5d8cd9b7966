/* Accepted dispatches are remembered, the newest of each resource, for a master that comes back without some of them: one that
   had not made them durable, or that of two peers which both went on alone whose entries were given up. */
#include "client_internal.h"
#include "client_peer.h"

enum { FIRST_REMEMBERED = 16 };

void movex_undone_remember(movex_resource *resource, uint64_t sequence, movex_ticket ticket)
{
    movex_client      *client = resource->client;
    movex_remembered  *ring = &resource->remembered;
    if (!client->undoable) return;
    if (ring->count >= ring->capacity && ring->capacity < client->undoable &&
        !movex_grow(&client->allocator, &ring->accepted, &ring->capacity, sizeof *ring->accepted, ring->capacity + 1,
                    FIRST_REMEMBERED) &&
        ring->capacity == 0)
        return; /* should it be undone, its ticket is not known */
    movex_accepted *accepted = &ring->accepted[ring->count++ & (ring->capacity - 1)];
    if (accepted->undone) ring->undone--;
    *accepted = (movex_accepted){.sequence = sequence, .ticket = ticket, .provisional = client->provisional};
}

static void undo(movex_resource *resource, movex_accepted *accepted)
{
    movex_remembered *ring = &resource->remembered;
    accepted->undone = true;
    ring->undone++;
    /* Last in the row: its outcome comes before it. */
    ring->source.kind = MOVEX_SOURCE_UNDONE;
    ring->source.resource = resource;
    movex_list_remove(&ring->source.node);
    movex_client_announce(resource->client, &ring->source);
}

void movex_undone_compare(movex_resource *resource, uint64_t sequence)
{
    movex_remembered *ring = &resource->remembered;
    for (uint32_t i = 0; i < ring->capacity; i++) {
        movex_accepted *accepted = &ring->accepted[i];
        if (accepted->ticket && !accepted->undone && accepted->sequence > sequence) undo(resource, accepted);
    }
}

void movex_undone_forget(movex_resource *resource)
{
    movex_remembered *ring = &resource->remembered;
    for (uint32_t i = 0; i < ring->capacity; i++) {
        movex_accepted *accepted = &ring->accepted[i];
        if (!accepted->ticket || accepted->undone) continue;
        if (accepted->provisional) undo(resource, accepted);
        else *accepted = (movex_accepted){0};
    }
}

bool movex_undone_next(movex_resource *resource, movex_ticket *ticket)
{
    movex_remembered *ring = &resource->remembered;
    movex_accepted   *first = NULL;
    for (uint32_t i = 0; ring->undone && i < ring->capacity; i++) {
        movex_accepted *accepted = &ring->accepted[i];
        if (accepted->undone && (!first || accepted->ticket - first->ticket > UINT32_MAX / 2)) first = accepted;
    }
    if (!first) return false;
    *ticket = first->ticket;
    *first = (movex_accepted){0};
    ring->undone--;
    return true;
}

void movex_undone_free(movex_resource *resource)
{
    movex_remembered *ring = &resource->remembered;
    movex_release(&resource->client->allocator, ring->accepted, ring->capacity * sizeof *ring->accepted);
}

void movex_client_set_provisional(movex_client *client, bool provisional)
{
    client->provisional = provisional;
}
