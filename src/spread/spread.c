/* A spread as a whole, and which master has what. */
#include "spread_internal.h"

#include <string.h>

#define DEFAULT_FRAME 65536u
#define DEFAULT_QUEUE (1u << 20)
#define DEFAULT_INBOX (8u << 20)

static bool complete(movex_spread_config *config)
{
    if (!config->max_frame) config->max_frame = DEFAULT_FRAME;
    if (!config->queue_bytes) config->queue_bytes = DEFAULT_QUEUE;
    if (!config->inbox_bytes) config->inbox_bytes = DEFAULT_INBOX;
    return config->masters >= 1 && config->masters <= MOVEX_SPREAD_MAX && config->services >= 1 &&
           config->services <= MOVEX_SPREAD_MAX && config->max_frame >= MOVEX_IO_MIN_FRAME &&
           config->queue_bytes / 4 >=
               config->max_frame; /* what a master was not told of is never all that it may send */
}

movex_spread *movex_spread_new(const movex_spread_config *config)
{
    movex_spread_config completed = *config;
    if (!movex_allocator_resolve(&config->allocator, &completed.allocator) || !complete(&completed)) return NULL;
    const movex_allocator *allocator = &completed.allocator;
    movex_spread          *spread = movex_allocate(allocator, sizeof *spread);
    if (!spread) return NULL;
    spread->config = completed;
    spread->shards = movex_allocate(allocator, completed.masters * sizeof *spread->shards);
    spread->services = movex_allocate(allocator, completed.services * sizeof *spread->services);
    bool made = spread->shards && spread->services;
    for (uint32_t i = 0; made && i < completed.masters; i++)
        made = movex_spread_shard_init(&spread->shards[i], spread, i);
    for (uint32_t i = 0; made && i < completed.services; i++)
        made = movex_spread_service_init(&spread->services[i], spread, i);
    if (made) return spread;
    movex_spread_free(spread);
    return NULL;
}

void movex_spread_free(movex_spread *spread)
{
    if (!spread) return;
    movex_allocator allocator = spread->config.allocator;
    /* What was not made yet does not know the whole. */
    for (uint32_t i = 0; spread->services && i < spread->config.services; i++)
        if (spread->services[i].spread) movex_spread_service_end(&spread->services[i]);
    for (uint32_t i = 0; spread->shards && i < spread->config.masters; i++)
        if (spread->shards[i].spread) movex_spread_shard_end(&spread->shards[i]);
    movex_release(&allocator, spread->services, spread->config.services * sizeof *spread->services);
    movex_release(&allocator, spread->shards, spread->config.masters * sizeof *spread->shards);
    movex_release(&allocator, spread, sizeof *spread);
}

movex_io movex_spread_master(movex_spread *spread, uint32_t shard)
{
    if (!spread || shard >= spread->config.masters) return (movex_io){0};
    return (movex_io){.ops = &spread->shards[shard].ops, .self = &spread->shards[shard]};
}

uint32_t movex_spread_hash(uint32_t masters, const void *type, size_t type_length, const void *id, size_t id_length)
{
    uint64_t seed = movex_xxh64(type, type_length, type_length);
    return (uint32_t)(movex_xxh64(id, id_length, seed) % masters);
}

uint32_t movex_spread_of(const movex_spread *spread, const char *type, const char *id)
{
    return movex_spread_hash(spread->config.masters, type, strlen(type), id, strlen(id));
}

uint32_t movex_spread_home(const movex_spread *spread, const char *client_id)
{
    return movex_spread_hash(spread->config.masters, NULL, 0, client_id, strlen(client_id));
}
