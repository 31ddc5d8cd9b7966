#include "peer_internal.h"

#include <movex/text.h>

void movex_peer_end(movex_peer *peer, movex_status status, const char *text)
{
    if (peer->over) return;
    peer->over = peer->news_closed = true;
    peer->failure = status;
    movex_text_set(peer->closed_text, text);
}

void movex_peer_note_master(movex_peer *peer, const char *id)
{
    movex_text_set(peer->master_id, id);
    peer->news_master = true;
}

void movex_peer_note_refused(movex_peer *peer, const char *id, movex_status status, const char *text)
{
    movex_text_set(peer->refused_id, id);
    movex_text_set(peer->refused_text, text);
    peer->refused_status = status;
    peer->news_refused = true;
}

static peer_member *find(movex_peer *peer, uint64_t number)
{
    for (uint32_t i = 0; i < peer->member_count; i++)
        if (peer->members[i].member.number == number) return &peer->members[i];
    return NULL;
}

/* A place for one more; if all are taken, somebody is forgotten whose leaving was not drained. */
static peer_member *make(movex_peer *peer)
{
    uint32_t i = 0;
    if (peer->member_count < MOST_KNOWN) return &peer->members[peer->member_count++];
    while (peer->members[i].is_member) i++;
    return &peer->members[i];
}

void movex_peer_note_members(movex_peer *peer)
{
    for (uint32_t i = 0; i < peer->member_count; i++) peer->members[i].is_member = false;
    for (uint32_t i = 0; i < movex_raft_member_count(peer->raft); i++) {
        const movex_raft_member *member = movex_raft_member_at(peer->raft, i);
        if (!member->number) continue; /* a seat that nobody has taken yet */
        peer_member *known = find(peer, member->number);
        if (!known) {
            known = make(peer);
            *known = (peer_member){0};
        }
        known->member = *member;
        known->is_member = true;
        movex_mesh_learn(peer->mesh, member->address);
    }
}

static bool tell_member(movex_peer *peer, peer_member *known, movex_event *event)
{
    bool joined = known->is_member;
    known->told = joined;
    movex_text_set(peer->lent_id, known->member.name);
    if (!joined) *known = peer->members[--peer->member_count];
    *event = (movex_event){.kind = joined ? MOVEX_EVENT_MEMBER_JOINED : MOVEX_EVENT_MEMBER_LEFT,
                           .peer = peer->lent_id,
                           .text = ""};
    return true;
}

/* Who has left first: who comes again, with the same id and another number, is there at the end. */
static bool next_member(movex_peer *peer, movex_event *event)
{
    peer_member *joined = NULL;
    for (uint32_t i = 0; i < peer->member_count; i++) {
        peer_member *known = &peer->members[i];
        if (known->told && !known->is_member) return tell_member(peer, known, event);
        if (!known->told && known->is_member && !joined) joined = known;
    }
    return joined && tell_member(peer, joined, event);
}

bool movex_peer_next(movex_peer *peer, movex_event *event)
{
    if (!peer) return false;
    if (next_member(peer, event)) return true;
    if (peer->news_refused) {
        peer->news_refused = false;
        *event = (movex_event){.kind = MOVEX_EVENT_PEER_REFUSED,
                               .peer = peer->refused_id,
                               .status = peer->refused_status,
                               .text = peer->refused_text};
        return true;
    }
    bool another = strcmp(peer->told_id, peer->master_id) != 0 || peer->told_term != movex_peer_term(peer);
    if (peer->news_master && another) {
        peer->news_master = false;
        peer->told_term = movex_peer_term(peer);
        movex_text_set(peer->told_id, peer->master_id);
        *event = (movex_event){.kind = MOVEX_EVENT_MASTER, .peer = peer->told_id, .term = peer->told_term, .text = ""};
        return true;
    }
    if (movex_client_next(peer->client, event)) return true;
    if (!peer->news_closed) return false;
    peer->news_closed = false;
    *event = (movex_event){.kind = MOVEX_EVENT_CLOSED, .status = peer->failure, .text = peer->closed_text};
    return true;
}
