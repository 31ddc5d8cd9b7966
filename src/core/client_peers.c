#include "client_internal.h"

/* The difference between what is so and what was told is an event; without one, a peer that has left is forgotten. */
static void changed(movex_resource *resource, movex_peer_record *peer)
{
    movex_client *client = resource->client;
    if (peer->presence != peer->told) {
        movex_client_announce(client, &peer->source);
        return;
    }
    movex_list_remove(&peer->source.node);
    if (peer->presence == MOVEX_PRESENCE_LEFT) movex_release(&client->allocator, peer, sizeof *peer);
}

static void leave(movex_resource *resource, movex_peer_record *peer)
{
    movex_list_remove(&peer->stale);
    peer->presence = MOVEX_PRESENCE_LEFT;
    changed(resource, peer);
}

static movex_peer_record *at(const movex_resource *resource, uint32_t slot)
{
    return slot < resource->peer_slots ? resource->peers[slot] : NULL;
}

static bool is_named(const movex_peer_record *peer, movex_wire_text id)
{
    return strlen(peer->id) == id.length && memcmp(peer->id, id.bytes, id.length) == 0;
}

static void set_text(char *into, size_t size, movex_wire_text text)
{
    memset(into, 0, size);
    memcpy(into, text.bytes, text.length);
}

static movex_peer_record *take_stale(movex_resource *resource, movex_wire_text id)
{
    for (movex_node *node = resource->stale_peers.first; node; node = node->next) {
        movex_peer_record *peer = (movex_peer_record *)(void *)((char *)node - offsetof(movex_peer_record, stale));
        if (!is_named(peer, id)) continue;
        movex_list_remove(node);
        return peer;
    }
    return NULL;
}

static movex_peer_record *make(movex_resource *resource, const movex_subscriber_message *message)
{
    movex_client *client = resource->client;
    if (!movex_grow(&client->allocator, &resource->peers, &resource->peer_capacity, sizeof *resource->peers,
                    message->slot + 1, 4))
        return NULL;
    movex_peer_record *peer = take_stale(resource, message->id);
    if (!peer) peer = movex_allocate(&client->allocator, sizeof *peer);
    if (!peer) return NULL;
    peer->source.kind = MOVEX_SOURCE_PEER;
    peer->source.resource = resource;
    peer->slot = message->slot;
    set_text(peer->id, sizeof peer->id, message->id);
    set_text(peer->info, sizeof peer->info, message->info);
    resource->peers[message->slot] = peer;
    if (message->slot >= resource->peer_slots) resource->peer_slots = message->slot + 1;
    return peer;
}

static void end_list(movex_resource *resource)
{
    for (movex_node *node; (node = resource->stale_peers.first) != NULL;)
        leave(resource, (movex_peer_record *)(void *)((char *)node - offsetof(movex_peer_record, stale)));
}

bool movex_peers_update(movex_resource *resource, const movex_subscriber_message *message)
{
    movex_peer_record *peer = at(resource, message->slot);
    if (message->named && peer) {
        resource->peers[message->slot] = NULL;
        leave(resource, peer);
    }
    if (message->named) peer = make(resource, message);
    if (!peer) return !message->named; /* of a slot without a holder there is nothing to say */
    peer->presence = message->presence;
    if (peer->presence == MOVEX_PRESENCE_LEFT) resource->peers[message->slot] = NULL;
    changed(resource, peer);
    if (resource->peers_due && --resource->peers_due == 0) end_list(resource);
    return true;
}

void movex_peers_begin(movex_resource *resource, uint64_t count)
{
    for (uint32_t i = 0; i < resource->peer_slots; i++) {
        movex_peer_record *peer = resource->peers[i];
        resource->peers[i] = NULL;
        if (peer) movex_list_append(&resource->stale_peers, &peer->stale);
    }
    resource->peer_slots = 0;
    resource->peers_due = count;
    if (count == 0) end_list(resource);
}

const movex_peer_record *movex_peers_find(const movex_resource *resource, uint32_t slot)
{
    return at(resource, slot);
}

void movex_peers_free(movex_resource *resource)
{
    movex_client *client = resource->client;
    movex_peers_begin(resource, 0); /* now only the events know those who are told of */
    for (movex_node *node = client->sources.first, *next; node; node = next) {
        movex_source *source = (movex_source *)(void *)node;
        next = node->next;
        if (source->kind != MOVEX_SOURCE_PEER || source->resource != resource) continue;
        movex_list_remove(node);
        movex_release(&client->allocator, source, sizeof(movex_peer_record));
    }
    movex_release(&client->allocator, resource->peers, resource->peer_capacity * sizeof *resource->peers);
    resource->peers = NULL;
    resource->peer_capacity = resource->peer_slots = 0;
}

/* ---- reading */

static bool is_listed(const movex_peer_record *peer)
{
    return peer && peer->presence != MOVEX_PRESENCE_LEFT;
}

uint32_t movex_subscriber_count(const movex_resource *resource)
{
    uint32_t count = 0;
    for (uint32_t i = 0; resource && i < resource->peer_slots; i++) count += is_listed(resource->peers[i]);
    return count;
}

bool movex_subscriber_at(const movex_resource *resource, uint32_t index, movex_subscriber *subscriber)
{
    for (uint32_t i = 0; resource && i < resource->peer_slots; i++) {
        const movex_peer_record *peer = resource->peers[i];
        if (!is_listed(peer) || index-- > 0) continue;
        *subscriber = (movex_subscriber){peer->id, peer->info, peer->presence == MOVEX_PRESENCE_AWAY};
        return true;
    }
    return false;
}
