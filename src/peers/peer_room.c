#include "peer_internal.h"

enum {
    LEAST_LOG = 1 << 20, /* bytes of Raft's log, past which a snapshot takes its place ... */
    LOG_FACTOR = 4       /* ... if it is also so many times as long as that */
};

int movex_peer_join(movex_peer *peer, bool anew, movex_error *error)
{
    const movex_peer_config *config = &peer->config;
    movex_raft_config        raft = {
        .founders = config->room_size,
        .heartbeat_ms = config->heartbeat_ms,
        .election_ms = config->election_ms,
        .founding_ms = config->founding_ms,
        .silent_ms = config->silent_ms,
        .survivor_goes_on = config->survivor_goes_on,
        .anew = anew,
        .store = config->store,
        .allocator = peer->allocator,
        .error = error,
    };
    int status = movex_peer_draw(peer, &raft.seed, sizeof raft.seed);
    while (status == MOVEX_OK && raft.self.number == 0)
        status = movex_peer_draw(peer, &raft.self.number, sizeof raft.self.number);
    if (status != MOVEX_OK) return movex_error_set(error, (movex_status)status, "entropy: the hook failed", NULL);
    movex_text_set(raft.self.name, config->id);
    movex_text_set(raft.self.address, peer->mesh ? movex_mesh_address(peer->mesh) : config->address);
    peer->raft = movex_raft_new(&raft);
    if (!peer->raft) return error->status;
    peer->number = movex_raft_number(peer->raft);
    return MOVEX_OK;
}

/* ---- what Raft tells */

/* What is committed is more than a snapshot of what it comes to: that takes its place. */
static void compact(movex_peer *peer)
{
    size_t log = movex_raft_log_bytes(peer->raft);
    if (log <= LEAST_LOG || log <= LOG_FACTOR * peer->files.bytes) return;
    peer->snapshot.length = 0;
    /* A failure is no harm: it is tried again when the next entry has come. */
    if (movex_files_save(&peer->files, &peer->allocator, &peer->snapshot))
        movex_raft_compact(peer->raft, peer->applied, peer->snapshot.bytes, peer->snapshot.length);
    movex_buffer_free(&peer->snapshot, &peer->allocator);
}

static void take_entry(movex_peer *peer, const movex_raft_event *event)
{
    int status = movex_files_apply(&peer->files, &peer->allocator, event->bytes, event->length);
    if (status != MOVEX_OK) movex_peer_end(peer, (movex_status)status, movex_status_text(status));
    peer->applied = event->index;
    if (peer->room_store) movex_room_store_committed(peer->room_store, event->index);
}

static void take_snapshot(movex_peer *peer, const movex_raft_event *event)
{
    int status = movex_files_load(&peer->files, &peer->allocator, event->bytes, event->length);
    if (status == MOVEX_ERR_MALFORMED) movex_peer_end(peer, MOVEX_ERR_MALFORMED, "room: the master's snapshot is none");
    if (status == MOVEX_ERR_MEMORY) movex_peer_end(peer, MOVEX_ERR_MEMORY, movex_status_text(status));
    peer->applied = event->index;
}

static const char *name_of(const movex_peer *peer, uint64_t number)
{
    if (number == peer->number) return peer->config.id;
    for (uint32_t i = 0; i < movex_raft_member_count(peer->raft); i++) {
        const movex_raft_member *member = movex_raft_member_at(peer->raft, i);
        if (number && member->number == number) return member->name;
    }
    const char *met = number ? movex_mesh_id(peer->mesh, number) : NULL;
    return met ? met : "";
}

static void take_master(movex_peer *peer, const movex_raft_event *event)
{
    movex_peer_master_stop(peer);
    movex_tunnels_set_master(peer->tunnels, event->number);
    if (event->number == peer->number) movex_peer_master_start(peer);
    movex_peer_note_master(peer, name_of(peer, event->number));
}

static void take_members(movex_peer *peer)
{
    movex_mesh_set_room(peer->mesh, movex_raft_room(peer->raft));
    movex_peer_note_members(peer);
}

/* It was silent for too long, and is no member any more: it comes again as a new one. */
static void come_again(movex_peer *peer)
{
    movex_error error;
    movex_raft *before = peer->raft;
    movex_peer_master_stop(peer);
    movex_tunnels_set_master(peer->tunnels, 0);
    movex_peer_note_master(peer, "");
    int status = movex_peer_join(peer, true, &error);
    if (status != MOVEX_OK) {
        peer->raft = before; /* which is read from, and does nothing any more */
        movex_peer_end(peer, (movex_status)status, error.text);
        return;
    }
    movex_raft_free(before);
    movex_files_free(&peer->files, &peer->allocator);
    movex_mesh_renew(peer->mesh, peer->number);
    movex_tunnels_renew(peer->tunnels, peer->number);
    movex_peer_note_members(peer);
}

/* Takes one event; false if there is none. */
static bool follow(movex_peer *peer, bool *news)
{
    movex_raft_event event;
    if (!movex_raft_next(peer->raft, &event)) return false;
    switch (event.kind) {
    case MOVEX_RAFT_ENTRY: take_entry(peer, &event); break;
    case MOVEX_RAFT_RESTORED: take_snapshot(peer, &event); break;
    case MOVEX_RAFT_MASTERED: take_master(peer, &event); break;
    case MOVEX_RAFT_MEMBERS: take_members(peer); return true;
    case MOVEX_RAFT_UNDONE: movex_peer_master_stop(peer); break;
    case MOVEX_RAFT_LEFT:
        if (peer->leaving) movex_peer_end(peer, MOVEX_OK, "left the room");
        else come_again(peer);
        break;
    }
    *news = true;
    return true;
}

/* It could not keep what it must not forget, and would be another one: that is not for it to hide. */
static void give_up(movex_peer *peer)
{
    movex_store store = peer->config.store;
    movex_error error = {.status = MOVEX_OK};
    int         status = movex_raft_failure(peer->raft);
    bool        says_why = status != MOVEX_ERR_MEMORY && store.ops->status(store.self, &error) == status;
    movex_peer_end(peer, (movex_status)status, says_why ? error.text : movex_status_text((movex_status)status));
}

bool movex_peer_follow(movex_peer *peer)
{
    bool news = false;
    while (!peer->over && follow(peer, &news)) {}
    if (!peer->over && movex_raft_failure(peer->raft) != MOVEX_OK) give_up(peer);
    if (peer->over) return false;
    /* Who it is may be known later than that there is one. */
    if (!peer->master_id[0] && movex_raft_master(peer->raft)) {
        const char *name = name_of(peer, movex_raft_master(peer->raft));
        if (name[0]) movex_peer_note_master(peer, name);
    }
    movex_client_set_provisional(peer->client, movex_raft_is_provisional(peer->raft));
    compact(peer);
    return news;
}

void movex_peer_say(movex_peer *peer)
{
    const void *message;
    size_t      length;
    uint64_t    to;
    while (movex_raft_send(peer->raft, &to, &message, &length)) movex_mesh_send_raft(peer->mesh, to, message, length);
}
