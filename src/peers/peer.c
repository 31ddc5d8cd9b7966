#include "peer_internal.h"

#include "../core/hash.h"
#include "../core/io.h"
#include "../core/random.h"
#include "../core/rules.h"
#include "../core/store.h"

#include <movex/system.h>

#include <assert.h>

enum {
    DEFAULT_ELECTION_MS = 300,
    DEFAULT_SILENT_MS = 10000,
    LEAST_DEAD_MS = 2000,     /* a link on which nothing came for so long is closed; at the least */
    QUEUE_BYTES = 1 << 20,    /* that may wait on one link */
    RECONNECT_MIN_MS = 4, RECONNECT_MAX_MS = 250, /* of the client, within the process or to a peer who is linked already */
    DEFAULT_UNDOABLE = 1024,
    MOST_ROUNDS = 8           /* of one poll: what comes is answered, and the answers are taken */
};

/* ---- making */

static int check_texts(const movex_peer_config *config, movex_error *error)
{
    static const char unclean[] = " too long, or not clean UTF-8";
    const struct {
        const char *name, *text;
        size_t      least, most;
    } texts[] = {
        {"room", config->room ? config->room : "", 1, MOVEX_ROOM_NAME_MAX},
        {"address", config->address ? config->address : "", 0, MOVEX_ADDRESS_MAX},
        {"info", config->info ? config->info : "", 0, MOVEX_INFO_MAX},
        {"credentials", config->credentials ? config->credentials : "", 0, MOVEX_INFO_MAX},
    };
    const char *fault = movex_name_fault(config->id);
    if (fault) return movex_error_set(error, MOVEX_ERR_ARGUMENT, "id: it ", fault, NULL);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t length = strlen(texts[i].text);
        if (length < texts[i].least || length > texts[i].most || !movex_text_is_clean(texts[i].text, length))
            return movex_error_set(error, MOVEX_ERR_ARGUMENT, texts[i].name, ": it is ", length ? "" : "missing,", unclean, NULL);
    }
    for (uint32_t i = 0; i < config->peer_count; i++)
        if (config->peers[i] && strlen(config->peers[i]) > MOVEX_ADDRESS_MAX)
            return movex_error_set(error, MOVEX_ERR_ARGUMENT, "peers: ", config->peers[i], " is longer than an address", NULL);
    for (uint32_t i = 0; i < config->peer_count; i++)
        if (config->peers[i] && !movex_text_is_clean(config->peers[i], strlen(config->peers[i])))
            return movex_error_set(error, MOVEX_ERR_ARGUMENT, "peers: an address is not clean UTF-8", NULL);
    return MOVEX_OK;
}

/* The master is a player: what a type keeps from players it would know. */
static int check_type(const movex_type *type, movex_error *error)
{
    if (type->redact)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "types: ", type->name,
                               " has a redact hook, and so secrets that a peer who is master would see", NULL);
    for (uint32_t i = 0; i < type->action_count; i++)
        if (type->actions[i].flags & MOVEX_MASTER_ONLY)
            return movex_error_set(error, MOVEX_ERR_ARGUMENT, "types: ", type->name, ": ", type->actions[i].name,
                                   " is MOVEX_MASTER_ONLY, and a peer who is master would see it", NULL);
    return MOVEX_OK;
}

static int check_config(const movex_peer_config *config, movex_error *error)
{
    int status = movex_io_check(config->io);
    if (status == MOVEX_ERR_MEMORY)
        return movex_error_set(error, MOVEX_ERR_MEMORY, "io: the emitter could not be made", NULL);
    if (status != MOVEX_OK) return movex_error_set(error, MOVEX_ERR_ARGUMENT, "io: its table is not complete", NULL);
    if (config->store.ops && movex_store_check(config->store) != MOVEX_OK)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "store: it is not whole, or could not be made", NULL);
    if (config->peer_count > 0 && !config->peers)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "peers: there is a count and no list", NULL);
    if (config->peer_count >= MOVEX_ROOM_MAX || config->room_size > MOVEX_ROOM_MAX)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "peers: more than a room may have", NULL);
    if (!config->types || !config->types[0])
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "types: the list is empty", NULL);
    status = check_texts(config, error);
    for (uint32_t i = 0; status == MOVEX_OK && config->types[i]; i++) {
        movex_rules *rules = movex_rules_new(config->types[i], &config->allocator, error);
        status = rules ? check_type(config->types[i], error) : (int)error->status;
        movex_rules_free(rules);
    }
    return status;
}

static const char *keep(char **at, const char *text)
{
    char  *kept = *at;
    size_t size = strlen(text) + 1;
    memcpy(kept, text, size);
    *at += size;
    return kept;
}

static bool copy_config(movex_peer *peer, const movex_peer_config *config)
{
    movex_peer_config *copy = &peer->config;
    *copy = *config;
    copy->error = NULL;
    copy->allocator = peer->allocator;
    copy->info = config->info ? config->info : "";
    copy->address = config->address ? config->address : "";
    copy->credentials = config->credentials ? config->credentials : "";
    if (!copy->election_ms) copy->election_ms = DEFAULT_ELECTION_MS;
    if (!copy->silent_ms) copy->silent_ms = DEFAULT_SILENT_MS;
    if (!copy->room_size) copy->room_size = config->peer_count + 1;
    while (config->types[peer->type_count]) peer->type_count++;
    peer->types = movex_allocate(&peer->allocator, (peer->type_count + 1) * sizeof *peer->types);
    peer->texts_size = strlen(copy->id) + strlen(copy->room) + strlen(copy->info) + strlen(copy->address) +
                       strlen(copy->credentials) + 5;
    peer->texts = movex_allocate(&peer->allocator, peer->texts_size);
    if (!peer->types || !peer->texts) return false;
    for (uint32_t i = 0; i < peer->type_count; i++) peer->types[i] = config->types[i];
    char *at = peer->texts;
    copy->id = keep(&at, copy->id);
    copy->room = keep(&at, copy->room);
    copy->info = keep(&at, copy->info);
    copy->address = keep(&at, copy->address);
    copy->credentials = keep(&at, copy->credentials);
    copy->types = NULL;
    peer->seed = movex_xxh64(copy->id, strlen(copy->id), copy->seed);
    return true;
}

int movex_peer_draw(void *user, void *bytes, size_t length)
{
    movex_peer              *peer = user;
    const movex_peer_config *config = &peer->config;
    unsigned char           *at = bytes;
    if (config->entropy) return config->entropy(config->user, bytes, length);
    if (!config->seed) return movex_system_entropy(NULL, bytes, length);
    for (; length > 0; length--) *at++ = (unsigned char)movex_splitmix64(&peer->seed);
    return MOVEX_OK;
}

static uint32_t dead_ms(const movex_peer *peer)
{
    uint32_t of_elections = peer->config.election_ms < UINT32_MAX / 8 ? peer->config.election_ms * 4 : UINT32_MAX / 2;
    return of_elections > LEAST_DEAD_MS ? of_elections : LEAST_DEAD_MS;
}

static bool make_mesh(movex_peer *peer, const movex_peer_config *given, movex_error *error)
{
    const movex_peer_config *config = &peer->config;
    const movex_mesh_config  mesh = {
        .io = config->io,
        .id = config->id,
        .room_name = config->room,
        .address = config->address,
        .credentials = config->credentials,
        .number = peer->number,
        .room_size = config->room_size,
        .survivor_goes_on = config->survivor_goes_on,
        .addresses = given->peers,
        .address_count = given->peer_count,
        .dead_ms = dead_ms(peer),
        .queue_bytes = QUEUE_BYTES,
        .max_message = 64u << 20,
        .authenticate = config->authenticate,
        .user = config->user,
        .seed = peer->number,
        .allocator = peer->allocator,
    };
    peer->config.io = (movex_io){0}; /* the mesh has it */
    peer->mesh = movex_mesh_new(&mesh, error);
    return peer->mesh != NULL;
}

static int make_parts(movex_peer *peer, const movex_peer_config *given, movex_error *error)
{
    const movex_peer_config *config = &peer->config;
    if (!copy_config(peer, given)) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    int status = movex_peer_join(peer, false, error);
    if (status != MOVEX_OK) return status;
    if (!make_mesh(peer, given, error)) return error->status;
    movex_mesh_set_room(peer->mesh, movex_raft_room(peer->raft));
    peer->tunnels = movex_tunnels_new(peer->mesh, config->id, peer->number, &peer->allocator);
    if (!peer->tunnels) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    uint32_t undoable = config->limits.pending ? config->limits.pending : DEFAULT_UNDOABLE;
    peer->client = movex_client_new(&(movex_client_config){
        .id = config->id,
        .info = config->info,
        .io = movex_tunnels_client_io(peer->tunnels),
        .limits = config->limits,
        .reconnect_min_ms = RECONNECT_MIN_MS,
        .reconnect_max_ms = RECONNECT_MAX_MS,
        .handshake_ms = UINT32_MAX / 2, /* while there is no master there is nothing to give up */
        .undoable = config->survivor_goes_on ? undoable : 0,
        .sealed_room = config->room,
        .entropy = movex_peer_draw,
        .user = peer,
        .determinism = config->determinism,
        .allocator = peer->allocator,
        .error = error,
    });
    return peer->client ? MOVEX_OK : (int)error->status;
}

static void destroy_given(const movex_peer_config *config)
{
    movex_io_destroy(config->io);
    movex_store_destroy(config->store);
}

movex_peer *movex_peer_new(const movex_peer_config *config)
{
    movex_error       found = {.status = MOVEX_OK};
    movex_peer_config resolved;
    if (!config) return NULL;
    resolved = *config;
    int status = movex_allocator_resolve(&config->allocator, &resolved.allocator)
                     ? check_config(&resolved, &found)
                     : movex_error_set(&found, MOVEX_ERR_ARGUMENT, "allocator: only partly set", NULL);
    movex_peer *peer = status == MOVEX_OK ? movex_allocate(&resolved.allocator, sizeof *peer) : NULL;
    if (!peer) {
        if (status == MOVEX_OK) movex_error_set(&found, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        destroy_given(config);
    } else {
        peer->allocator = resolved.allocator;
        status = make_parts(peer, &resolved, &found);
        if (status == MOVEX_OK) return peer;
        movex_peer_free(peer);
    }
    if (config->error) *config->error = found;
    return NULL;
}

void movex_peer_free(movex_peer *peer)
{
    if (!peer) return;
    movex_allocator allocator = peer->allocator;
    movex_client_free(peer->client);
    movex_peer_master_stop(peer);
    movex_tunnels_free(peer->tunnels);
    movex_mesh_free(peer->mesh);
    movex_raft_free(peer->raft);
    movex_files_free(&peer->files, &allocator);
    movex_buffer_free(&peer->snapshot, &allocator);
    destroy_given(&peer->config);
    movex_release(&allocator, peer->types, (peer->type_count + 1) * sizeof *peer->types);
    movex_release(&allocator, peer->texts, peer->texts_size);
    movex_release(&allocator, peer, sizeof *peer);
}

/* ---- polling */

static void met(movex_peer *peer, const movex_mesh_event *event)
{
    movex_error error;
    uint64_t    room = movex_raft_room(peer->raft);
    /* How many have begun it matters to those alone who begin it. */
    bool     begins = room == 0 && event->peer->room == 0;
    uint32_t size = begins ? event->peer->room_size : peer->config.room_size;
    if (movex_raft_meet(peer->raft, &event->peer->member, event->peer->room, size, &error) == MOVEX_OK) {
        movex_tunnels_met(peer->tunnels, event->number);
        return;
    }
    movex_mesh_refuse(peer->mesh, event->number, error.status, error.text);
}

static void take(movex_peer *peer, const movex_mesh_event *event)
{
    switch (event->kind) {
    case MOVEX_MESH_MET: met(peer, event); break;
    case MOVEX_MESH_LOST:
        movex_raft_part(peer->raft, event->number);
        movex_tunnels_lost(peer->tunnels, event->number);
        break;
    case MOVEX_MESH_RAFT:
        if (movex_raft_receive(peer->raft, event->number, event->bytes.bytes, event->bytes.length) == MOVEX_ERR_MALFORMED)
            movex_mesh_refuse(peer->mesh, event->number, MOVEX_ERR_MALFORMED, "it has sent what is no message of Raft's");
        break;
    case MOVEX_MESH_TUNNEL: movex_tunnels_take(peer->tunnels, event); break;
    case MOVEX_MESH_REFUSED: movex_peer_note_refused(peer, event->id, event->status, event->text); break;
    }
}

/* What has come goes through Raft to the files and the master, and to the client. True if that has brought something to be taken
   by another round. */
static bool round_of(movex_peer *peer)
{
    movex_mesh_event event;
    while (movex_mesh_next(peer->mesh, &event)) take(peer, &event);
    movex_raft_poll(peer->raft, peer->now_ms);
    bool news = movex_peer_follow(peer);
    if (peer->over) return false;
    movex_client_poll(peer->client, peer->now_ms);
    if (peer->master) movex_peer_master_poll(peer);
    news |= movex_peer_follow(peer); /* of one alone, all is committed at once */
    if (peer->over) return false;
    movex_peer_say(peer);
    movex_mesh_flush(peer->mesh);
    return news || movex_tunnels_have_news(peer->tunnels);
}

int movex_peer_poll(movex_peer *peer, uint64_t now_ms)
{
    if (!peer) return MOVEX_ERR_ARGUMENT;
    if (now_ms > peer->now_ms) peer->now_ms = now_ms;
    if (!peer->over) movex_raft_tell_time(peer->raft, peer->now_ms);
    if (!peer->over) movex_mesh_poll(peer->mesh, peer->now_ms);
    for (int i = 0; i < MOST_ROUNDS && !peer->over && round_of(peer); i++) {}
    if (peer->over && peer->master) movex_peer_master_stop(peer);
    return peer->over ? (int)peer->failure : MOVEX_OK;
}

uint64_t movex_peer_deadline(const movex_peer *peer)
{
    if (!peer || peer->over) return UINT64_MAX;
    if (movex_tunnels_have_news(peer->tunnels)) return peer->now_ms;
    uint64_t       first = movex_mesh_deadline(peer->mesh);
    const uint64_t others[] = {movex_raft_deadline(peer->raft), movex_client_deadline(peer->client),
                               movex_master_deadline(peer->master)};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] < first) first = others[i];
    return first;
}

void movex_peer_wait(movex_peer *peer, uint32_t timeout_ms)
{
    if (!peer || peer->over) return;
    movex_io io = movex_mesh_io(peer->mesh);
    uint64_t due = movex_peer_deadline(peer), left = due > peer->now_ms ? due - peer->now_ms : 0;
    if (left < timeout_ms) timeout_ms = (uint32_t)left;
    if (timeout_ms && io.ops->wait) io.ops->wait(io.self, timeout_ms);
}

void movex_peer_leave(movex_peer *peer)
{
    if (!peer || peer->over || peer->leaving) return;
    peer->leaving = true;
    movex_raft_leave(peer->raft);
}

/* ---- reading */

movex_client *movex_peer_client(movex_peer *peer)
{
    return peer ? peer->client : NULL;
}

const char *movex_peer_id(const movex_peer *peer)
{
    return peer->config.id;
}

const char *movex_peer_master(const movex_peer *peer)
{
    return peer->master_id;
}

bool movex_peer_is_master(const movex_peer *peer)
{
    return peer && peer->master;
}

uint64_t movex_peer_term(const movex_peer *peer)
{
    return movex_raft_term(peer->raft);
}

bool movex_peer_member_at(const movex_peer *peer, uint32_t index, movex_member *member)
{
    for (uint32_t i = 0; peer && i < movex_raft_member_count(peer->raft); i++) {
        const movex_raft_member *found = movex_raft_member_at(peer->raft, i);
        if (!found->number || index-- > 0) continue;
        *member = (movex_member){
            .id = found->name,
            .address = found->address,
            .linked = found->number == peer->number || movex_mesh_is_linked(peer->mesh, found->number),
            .master = peer->master_id[0] && strcmp(found->name, peer->master_id) == 0,
        };
        return true;
    }
    return false;
}

movex_stats movex_peer_stats(const movex_peer *peer)
{
    if (!peer) return (movex_stats){0};
    movex_stats stats = movex_client_stats(peer->client), mesh = movex_mesh_stats(peer->mesh);
    stats.links = mesh.links;
    stats.frames_sent = mesh.frames_sent;
    stats.frames_received = mesh.frames_received;
    stats.bytes_sent = mesh.bytes_sent;
    stats.bytes_received = mesh.bytes_received;
    stats.queued_bytes = mesh.queued_bytes;
    stats.protocol_errors += mesh.protocol_errors;
    return stats;
}
