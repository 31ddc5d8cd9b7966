/* What goes wrong in a storm besides what the network does by itself; what is bounded; and bits that flip. */
#include "secrets_inside.h"

enum { STORM_LINKS = 64, STORM_PENDING = 48, STORM_QUEUE = 6000, STORM_FRAME = 65536 };

/* ---- the settings */

movex_mock_config secrets_storm_net(secrets_run *r)
{
    bool calm = secrets_below(r, 8) == 0; /* but for what strikes by hand */
    return (movex_mock_config){
        .seed = r->seed,
        .max_frame = secrets_below(r, 2) ? MOVEX_IO_MIN_FRAME : STORM_FRAME,
        .queue_bytes = secrets_below(r, 2) ? 1500 : 0,
        .faults = {.cut_per_mille = calm ? 0 : secrets_below(r, 25),
                   .dial_failure_per_mille = secrets_below(r, 300),
                   .half_open_per_mille = calm ? 0 : secrets_below(r, 12),
                   .half_open_ms = {20, 400},
                   .linger_per_mille = secrets_below(r, 1000),
                   .linger_ms = {0, 400},
                   .stall_per_mille = calm ? 0 : secrets_below(r, 12),
                   .stall_ms = {0, 200},
                   .jump_per_mille = calm ? 0 : secrets_below(r, 6),
                   .jump_ms = {0, secrets_below(r, 2) ? 100 : 4000}},
    };
}

movex_store_memory_config secrets_storm_disk(secrets_run *r)
{
    r->own_flush = secrets_below(r, 2);
    return (movex_store_memory_config){.seed = r->seed,
                                       .flush_ms = secrets_below(r, 3) ? secrets_below(r, 20) : 0,
                                       .flush_failure_per_mille = secrets_below(r, 2) ? secrets_below(r, 60) : 0,
                                       .waiting_bytes = secrets_below(r, 3) ? 1 << 20 : 16 << 10};
}

void secrets_storm_master(secrets_run *r, movex_master_config *config)
{
    uint64_t random = r->seed + 1; /* the same each time it starts */
    config->grace_ms = meter_below(&random, 4) ? 800 : 100;
    config->handshake_ms = 1000;
    config->flushed_elsewhere = !r->own_flush;
    config->limits = (movex_limits){
        .queue_bytes = meter_below(&random, 3) ? 0 : STORM_QUEUE,
        .pending = meter_below(&random, 2) ? 0 : STORM_PENDING,
        .links = STORM_LINKS,
        .sessions = SECRETS_CLIENTS,
        .resources = 1,
        .subscribers = SECRETS_CLIENTS,
        .binds = 1,
        .history = meter_below(&random, 3) ? 128 : 8,
        .history_bytes = meter_below(&random, 3) ? 0 : 300,
        .hidden = meter_below(&random, 3) ? 0 : 3,
        .hiders = meter_below(&random, 3) ? 0 : 2,
        .journal_bytes = meter_below(&random, 3) ? 4096 : 1,
    };
}

/* ---- what goes wrong */

static void crash_client(secrets_run *r, int i)
{
    if (!r->clients[i] || r->flipped[i].is) return;
    movex_mock_crash(r->net, secrets_name(i), secrets_below(r, 400));
    secrets_free_client(r, i);
    r->client_starts_ms[i] = r->now_ms + secrets_below(r, 400);
    r->events->crashes++;
}

static void part(secrets_run *r, int i)
{
    if (movex_mock_partition(r->net, secrets_name(i), true) != MOVEX_OK) return;
    r->apart_ms[i] = r->now_ms + 1 + secrets_below(r, 500);
    r->events->partitions++;
}

static void fill_disk(secrets_run *r)
{
    movex_store_memory_stats disk = movex_store_memory_statistics(r->disk);
    movex_store_memory_set_capacity(r->disk, disk.bytes + 1 + secrets_below(r, 400));
    r->disk_fails_ms = r->now_ms + 1 + secrets_below(r, 400);
}

void secrets_strike(secrets_run *r)
{
    int         i = (int)secrets_below(r, (uint32_t)r->client_count);
    const char *name = secrets_below(r, 3) ? secrets_name(i) : MOVEX_MOCK_MASTER;
    switch (secrets_below(r, 9)) {
    case 0:
    case 1: crash_client(r, i); break;
    case 2: secrets_crash_master(r); break;
    case 3: part(r, i); break;
    case 4: fill_disk(r); break;
    case 5: movex_store_memory_fail(r->disk, 1 + secrets_below(r, 4)); break;
    case 6: movex_mock_jump(r->net, name, secrets_below(r, secrets_below(r, 2) ? 50 : 5000)); break;
    case 7: movex_mock_cut_lingering(r->net, secrets_name(i), secrets_below(r, 500)); break;
    case 8: movex_mock_cut(r->net, name); break;
    }
}

void secrets_recover(secrets_run *r, bool calm)
{
    for (int i = 0; i < r->client_count; i++) {
        if (r->apart_ms[i] && (calm || r->apart_ms[i] <= r->now_ms)) {
            movex_mock_partition(r->net, secrets_name(i), false);
            r->apart_ms[i] = 0;
        }
        if (!r->clients[i] && (calm || r->client_starts_ms[i] <= r->now_ms)) secrets_start_client(r, i);
    }
    if (r->disk_fails_ms && (calm || r->disk_fails_ms <= r->now_ms)) {
        movex_store_memory_set_capacity(r->disk, 0);
        r->disk_fails_ms = 0;
    }
    if (!calm) return;
    movex_store_memory_fail(r->disk, 0);
    movex_store_memory_set_faults(r->disk, 0);
}

/* ---- I8: what is bounded */

/* Of a state, by how much it is larger than the usual ones; and how many copies of one all that is there may need. */
enum { MORE_OF_STATE = 4 * (SECRETS_CELLS - 160), COPIES = 64 };

/* Bytes for which no run has a need, however long it is: twice what the hungriest of 5,000 has taken, and more. */
enum { MOST_OF_MASTER = (320 << 10) + COPIES * MORE_OF_STATE, MOST_OF_CLIENTS = (480 << 10) + COPIES * MORE_OF_STATE };

static void check_channels(secrets_run *r)
{
    const movex_map *links = &r->master->attached[0]->links;
    for (uint32_t i = 0; i < links->capacity; i++) {
        const movex_master_link *link = links->entries[i].value;
        if (!link) continue;
        size_t queued = movex_channel_queued(&link->channel);
        require(r, queued <= link->channel.max_queue + link->channel.max_frame +
                                 2 * MORE_OF_STATE); /* a snapshot may be in it */
        require(r, link->channel.assembly.length <= link->channel.max_message);
    }
}

/* What a poll adds to a journal, with a state or two that were put. */
enum { MOST_OF_POLL = (6 << 10) + 4 * MORE_OF_STATE };

/* A journal grows by one poll beyond where it is begun anew; while the store fails, not at all beyond what it has taken. */
static void check_journal(secrets_run *r, const movex_master_resource *resource)
{
    const movex_journal_place *place = &resource->kept->journal;
    uint64_t                   most = 4 * place->snapshot;
    if (most < r->master->config.limits.journal_bytes) most = r->master->config.limits.journal_bytes;
    require(r, place->size <= most + MOST_OF_POLL);
}

void secrets_check_bounds(secrets_run *r)
{
    if (!r->storms) return;
    require(r, r->of_master.bytes <= MOST_OF_MASTER);
    require(r, r->of_clients.bytes <= MOST_OF_CLIENTS);
    if (!r->master) return;
    movex_stats                  stats = movex_master_stats(r->master);
    const movex_master_resource *resource = secrets_hosted(r);
    require(r, stats.links <= STORM_LINKS && stats.sessions <= SECRETS_CLIENTS && stats.resources <= 1);
    check_channels(r);
    if (resource) check_journal(r, resource);
    if (resource) require(r, resource->log.count <= r->master->config.limits.history);
}

/* What a master keeps to use it again: of which there is never more than was in use at once. */
static size_t bytes_to_spare(const secrets_run *r)
{
    const movex_master *master = r->master;
    size_t              view = 2 * sizeof(secrets) + 256, bytes = 4096; /* grown tables of a few entries */
    for (uint32_t i = 0; i < master->rules_count; i++) {
        bytes += master->spares[i].hider_count * (sizeof(movex_hider) + view);
        bytes += master->spares[i].audience_count * (sizeof(movex_audience) + view + sizeof(secrets));
        must(master->spares[i].hider_count <= SECRETS_CLIENTS + 1 &&
             master->spares[i].audience_count <= 3 * SECRETS_CLIENTS);
    }
    bytes += master->scratch.capacity + master->encoded.capacity + master->patch.capacity + master->record.capacity;
    bytes += master->receiver_records.capacity + master->public_records.capacity;
    bytes += master->record_capacity * sizeof *master->records;
    return bytes;
}

void secrets_check_emptied(secrets_run *r)
{
    const movex_type *type = r->type;
    for (int i = 0; i < 3000 && movex_master_stats(r->master).sessions; i++) {
        r->now_ms += 10;
        movex_mock_poll(r->net, r->now_ms);
        movex_store_memory_poll(r->disk, r->now_ms);
        if (!r->own_flush) r->store.ops->flush(r->store.self);
        movex_master_poll(r->master, movex_mock_clock(r->net, MOVEX_MOCK_MASTER));
    }
    require(r, movex_master_remove(r->master, type, secrets_id, NULL) == MOVEX_OK);
    movex_stats stats = movex_master_stats(r->master);
    require(r, stats.sessions == 0 && stats.links == 0 && stats.resources == 0 && stats.queued_bytes == 0);
    require(r, !r->master->lost.first && !r->master->over.first && !r->master->grown.first);
    require(r, r->of_master.bytes <= r->start_bytes + bytes_to_spare(r));
}

/* ---- I5: bits that flip */

/* True if the bit counts: the state is another one that the schema allows. */
static bool is_canonical(const movex_codec *codec, const secrets *before, const secrets *after)
{
    unsigned char bytes[2 * sizeof(secrets)];
    size_t        length;
    if (movex_codec_max_encoded(codec) > sizeof bytes) return false;
    if (movex_codec_encode(codec, after, bytes, sizeof bytes, &length, NULL) != MOVEX_OK) return false;
    return movex_codec_checksum(codec, before) != movex_codec_checksum(codec, after);
}

void secrets_flip(secrets_run *r, int i)
{
    const movex_resource *resource = r->bound[i];
    const movex_codec    *codec = movex_rules_state(r->rules);
    uint32_t              bit = secrets_below(r, 8 * sizeof(secrets));
    secrets               after;
    if (!resource || !resource->has_state || resource->resyncing || r->flipped[i].is) return;
    unsigned char *bytes = resource->confirmed.state;
    memcpy(&after, bytes, sizeof after);
    ((unsigned char *)&after)[bit / 8] ^= (unsigned char)(1u << bit % 8);
    if (!is_canonical(codec, resource->confirmed.state, &after)) return;
    bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    r->flipped[i].is = true;
    r->flipped[i].found = false;
    r->flipped[i].version = movex_version(resource);
    r->flipped[i].snapshots = movex_client_stats(r->clients[i]).snapshots;
    r->flipped[i].flips++;
    r->events->flips++;
}

/* The versions after which it has been noticed: where touches are declared, and no assertions look at all of it. */
#if defined(SECRETS_LARGE) && defined(NDEBUG)
enum { MOST_UNNOTICED = 256 };
#else
enum { MOST_UNNOTICED = 0 };
#endif

bool secrets_is_flipped(secrets_run *r, int i)
{
    const movex_resource *resource = r->bound[i];
    secrets_flipped      *flipped = &r->flipped[i];
    if (!flipped->is) return false;
    uint64_t snapshots = movex_client_stats(r->clients[i]).snapshots;
    if (resource->resyncing) flipped->found = true;
    bool any = movex_version(resource) != flipped->version || snapshots != flipped->snapshots;
    if (resource->resyncing || !any) return true;
    /* It was found, or has been written over before anybody looked: what is held is right, every bit of it. */
    bool right = movex_codec_checksum(movex_rules_state(r->rules), movex_confirmed_state(resource)) ==
                 r->checksums[movex_version(resource)][i];
    bool late = snapshots != flipped->snapshots || movex_version(resource) - flipped->version > MOST_UNNOTICED;
    if (!right && !late) return true;
    require(r, right);
    r->events->healed += flipped->found;
    flipped->is = false;
    return false;
}
