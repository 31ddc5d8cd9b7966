/* The master, while this peer is the one. It is made anew at each election, from what is committed, as a server that starts again
   is from its store; what it had not got committed is gone with it, and was told to nobody. */
#include "peer_internal.h"

/* Where a link comes from is the peer whose client it is, who was asked for its credentials when it was met. */
static int authenticate(void *user, const movex_hello *hello)
{
    (void)user;
    return strcmp(hello->id, hello->address) == 0 ? MOVEX_ACCEPT : MOVEX_REFUSE;
}

/* Time goes on where the last master's has been, as far as this peer knows; the entries alone do not tell how long ago the last
   one was. */
static uint64_t start_time_ms(const movex_peer *peer)
{
    uint64_t known_ms = movex_client_master_time(peer->client);
    if (known_ms) return known_ms;
    return peer->files.count ? 1 : 0; /* as of the last entry; or as of now */
}

void movex_peer_master_start(movex_peer *peer)
{
    movex_error error;
    movex_peer_master_stop(peer);
    peer->room_store = movex_room_store_new(peer->raft, &peer->files, &peer->allocator);
    if (!peer->room_store) {
        movex_peer_end(peer, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
        return;
    }
    peer->master = movex_master_new(&(movex_master_config){
        .types = peer->types,
        .limits = peer->config.limits,
        .grace_ms = peer->config.silent_ms,
        .epoch = movex_raft_term(peer->raft),
        .start_time_ms = start_time_ms(peer),
        .entropy = movex_peer_draw,
        .sealed_room = peer->config.room, /* the master is a player, and must not read the others' moves */
        .seal_ms = peer->config.seal_ms,
        .authenticate = authenticate,
        .ids_are_proven = true,
        .user = peer,
        .determinism = peer->config.determinism,
        .store = movex_room_store_of(peer->room_store),
        .flushed_elsewhere = true,
        .allocator = peer->allocator,
        .error = &error,
    });
    int status = peer->master ? movex_master_attach(peer->master, movex_tunnels_master_io(peer->tunnels)) : (int)error.status;
    if (peer->master && status != MOVEX_OK) movex_error_set(&error, (movex_status)status, movex_status_text(status), NULL);
    if (status == MOVEX_OK) return;
    if (!peer->master) peer->room_store = NULL; /* it went with it */
    /* Of one who is the master now, the room keeps everything that there is memory for. */
    if (status == MOVEX_ERR_STORE) status = movex_error_set(&error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    movex_peer_end(peer, (movex_status)status, error.text);
}

void movex_peer_master_stop(movex_peer *peer)
{
    movex_master_free(peer->master);
    peer->master = NULL;
    peer->room_store = NULL;
}

void movex_peer_master_poll(movex_peer *peer)
{
    movex_master_event event;
    movex_master_poll(peer->master, peer->now_ms);
    movex_room_store_flush(peer->room_store);
    while (movex_master_next(peer->master, &event)) {} /* what a server would log, members hear of as clients */
}
