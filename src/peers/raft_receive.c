#include "raft_internal.h"

/* ---- answers: what is to be said last stands for what was to be said before */

static void answer_append(movex_raft *raft, raft_other *other, bool granted, uint64_t index)
{
    const raft_answer *before = &other->appended;
    /* Of two refusals the one that goes back further says more. */
    if (other->appended_due && !granted && !before->granted && before->term == raft->term && before->index < index)
        return;
    other->appended = (raft_answer){.term = raft->term, .granted = granted, .index = index};
    other->appended_due = true;
    other->promised = 0;
}

/* ---- elections */

static int take_ask(movex_raft *raft, raft_other *other, const movex_raft_message *ask)
{
    bool belongs =
        raft->membership.count == 0 || movex_raft_is_member(&raft->committed_membership, other->member.number);
    if (!belongs && ask->index < raft->committed_membership_index) {
        other->removed_due = true; /* it does not know, and must not disturb */
        return MOVEX_OK;
    }
    /* Who hears a master asks for none, and hears of no one who does; but for that master's own wish. */
    if (!ask->trial && !ask->handed_over && movex_raft_has_master(raft)) return MOVEX_OK;
    if (!ask->trial && ask->term > raft->term && !movex_raft_step_down(raft, ask->term)) return MOVEX_ERR_MEMORY;
    bool granted = movex_raft_grants(raft, other, ask);
    other->vote =
        (raft_answer){.term = granted && ask->trial ? ask->term : raft->term, .trial = ask->trial, .granted = granted};
    other->vote_due = true;
    return MOVEX_OK;
}

static int take_vote(movex_raft *raft, raft_other *other, const movex_raft_message *vote)
{
    if (vote->term > raft->term && !(vote->trial && vote->granted)) {
        movex_raft_step_down(raft, vote->term);
        return MOVEX_OK;
    }
    bool counts = raft->role == MOVEX_RAFT_CANDIDATE && raft->trial == vote->trial && vote->granted &&
                  vote->term == raft->term + (raft->trial ? 1 : 0);
    if (!counts) return MOVEX_OK;
    other->voted = true;
    movex_raft_count_votes(raft);
    return MOVEX_OK;
}

static int take_stand(movex_raft *raft, const movex_raft_message *message)
{
    bool belongs = movex_raft_is_member(&raft->membership, raft->self.number);
    if (!belongs || message->term != raft->term || raft->role == MOVEX_RAFT_MASTER) return MOVEX_OK;
    raft->handed_over = true;
    movex_raft_stand(raft, false);
    return MOVEX_OK;
}

/* ---- replication */

/* A master speaks: follows it, if it is the one of its term. False if it is not, or that cannot be. */
static bool follow(movex_raft *raft, raft_other *other, const movex_raft_message *message)
{
    const char *name = other->member.name;
    if (message->term < raft->term) {
        answer_append(raft, other, false, 0); /* it learns of the term */
        return false;
    }
    /* Both are, or this one was before it started again: then only two who have gone on alone can be. */
    bool tied = message->term == raft->term &&
                (raft->role == MOVEX_RAFT_MASTER || (raft->branch && raft->voted_for == raft->self.number));
    if (tied && !(raft->config.survivor_goes_on && strcmp(name, raft->self.name) < 0)) {
        if (raft->role != MOVEX_RAFT_MASTER) movex_raft_go_on_alone(raft);
        return false;
    }
    if (raft->branch) movex_raft_undo(raft); /* both have gone on, and this one yields */
    if (raft->failed || !movex_raft_step_down(raft, message->term)) return false;
    raft->master = other->member.number;
    raft->master_is_alone = message->alone;
    raft->master_ms = raft->now_ms;
    raft->master_lost = false;
    movex_raft_wait(raft);
    return true;
}

/* Of a conflict, the master is told where the term of the entry in question begins: all of that term may be another one. */
static uint64_t before_conflict(const movex_raft *raft, uint64_t index)
{
    if (index > movex_raft_last(raft)) return movex_raft_last(raft);
    uint64_t term = movex_raft_term_at(raft, index);
    while (index > raft->committed && movex_raft_term_at(raft, index) == term) index--;
    return index;
}

static int take_entries(movex_raft *raft, const movex_raft_message *append)
{
    movex_reader          reader = movex_reader_over(append->entries.bytes, append->entries.length);
    movex_raft_wire_entry entry;
    uint64_t              index = append->index;
    for (uint32_t i = 0; i < append->count; i++) {
        if (!movex_read_raft_entry(&reader, &entry)) return MOVEX_ERR_MALFORMED;
        index++;
        if (index <= raft->committed || movex_raft_term_at(raft, index) == entry.term) continue;
        if (entry.term < movex_raft_term_at(raft, index - 1)) return MOVEX_ERR_MALFORMED; /* that cannot follow */
        if (index <= movex_raft_last(raft) && !movex_raft_log_cut(raft, index - 1)) return MOVEX_ERR_MEMORY;
        if (!movex_raft_log_add(raft, entry.term, entry.kind, entry.bytes.bytes, entry.bytes.length))
            return MOVEX_ERR_MEMORY;
    }
    return MOVEX_OK;
}

static int take_append(movex_raft *raft, raft_other *other, const movex_raft_message *append)
{
    if (!follow(raft, other, append)) return raft->failed ? MOVEX_ERR_MEMORY : MOVEX_OK;
    /* What is committed is the same everywhere, also if it is not in the log any more. */
    bool agrees = append->index <= raft->committed || movex_raft_term_at(raft, append->index) == append->index_term;
    if (append->index > movex_raft_last(raft)) agrees = false;
    if (!agrees) {
        answer_append(raft, other, false, before_conflict(raft, append->index));
        return MOVEX_OK;
    }
    int status = take_entries(raft, append);
    if (status != MOVEX_OK) return status;
    uint64_t held = append->index + append->count;
    if (held < raft->committed) held = raft->committed;
    movex_raft_commit_to(raft, append->committed < held ? append->committed : held);
    if (!append->alone) raft->joint = raft->committed;
    answer_append(raft, other, true, held);
    return MOVEX_OK;
}

static int take_appended(movex_raft *raft, raft_other *other, const movex_raft_message *appended)
{
    if (appended->term > raft->term) {
        movex_raft_step_down(raft, appended->term);
        return MOVEX_OK;
    }
    if (raft->role != MOVEX_RAFT_MASTER || appended->term != raft->term || appended->index > movex_raft_last(raft))
        return MOVEX_OK;
    other->piece_sent = false;
    if (movex_raft_was_removed(raft, other)) other->removed_due = true;
    if (appended->granted) {
        if (appended->index > other->match) other->match = appended->index;
        if (other->probing || other->next <= other->match) other->next = other->match + 1;
        other->probing = false;
        other->piece = 0;
        movex_raft_commit(raft);
    } else if (appended->index < other->next) {
        other->next = appended->index > other->match ? appended->index + 1 : other->match + 1;
        other->probing = other->append_due = true;
    }
    return MOVEX_OK;
}

/* ---- snapshots */

static int take_snapshot(movex_raft *raft, raft_other *other)
{
    movex_raft_message *head = &raft->incoming_head;
    /* What it holds beyond may be committed by its saying so: that stays (Raft paper, figure 13). */
    movex_raft_log_compact(raft, head->index, head->index_term, &raft->incoming, &head->membership,
                           head->membership_index);
    raft->committed = raft->told = head->index;
    if (!head->alone) raft->joint = head->index;
    raft->committed_membership = head->membership;
    raft->committed_membership_index = head->membership_index;
    movex_raft_log_membership(raft, movex_raft_last(raft), &raft->membership, &raft->membership_index);
    movex_raft_know_members(raft);
    raft->restored_due = true;
    if (!movex_raft_store_all(raft)) {
        raft->failed = true;
        return MOVEX_ERR_MEMORY;
    }
    answer_append(raft, other, true, raft->committed);
    return MOVEX_OK;
}

static int take_piece(movex_raft *raft, raft_other *other, const movex_raft_message *piece)
{
    movex_raft_message *head = &raft->incoming_head;
    movex_buffer       *incoming = &raft->incoming;
    if (!follow(raft, other, piece)) return raft->failed ? MOVEX_ERR_MEMORY : MOVEX_OK;
    if (piece->index <= raft->committed) { /* the answer to the last piece was lost */
        answer_append(raft, other, true, raft->committed);
        return MOVEX_OK;
    }
    if (piece->offset == 0) {
        movex_buffer_free(incoming, &raft->allocator);
        *head = *piece;
    }
    bool goes_on = head->index == piece->index && head->index_term == piece->index_term &&
                   head->total == piece->total && head->term == piece->term && piece->offset == incoming->length;
    if (goes_on) {
        if (!movex_buffer_reserve(incoming, &raft->allocator, piece->bytes.length)) return MOVEX_ERR_MEMORY;
        if (piece->bytes.length) memcpy(incoming->bytes + incoming->length, piece->bytes.bytes, piece->bytes.length);
        incoming->length += piece->bytes.length;
        if (incoming->length == piece->total) return take_snapshot(raft, other);
    }
    bool same = head->index == piece->index && head->term == piece->term;
    other->taken = (raft_answer){.term = raft->term, .index = piece->index, .offset = same ? incoming->length : 0};
    other->taken_due = true;
    return MOVEX_OK;
}

static int take_piece_taken(movex_raft *raft, raft_other *other, const movex_raft_message *taken)
{
    if (taken->term > raft->term) movex_raft_step_down(raft, taken->term);
    if (raft->role != MOVEX_RAFT_MASTER || taken->term != raft->term) return MOVEX_OK;
    if (taken->index != raft->log.snapshot_index || taken->offset > raft->log.snapshot.length) return MOVEX_OK;
    other->piece = taken->offset;
    other->piece_sent = false;
    return MOVEX_OK;
}

/* ---- membership */

static int take_let_go(movex_raft *raft, raft_other *other, const movex_raft_message *message)
{
    uint64_t number = other->member.number;
    bool     comes = !message->was_member; /* as far as it knows: it may have become one, which its master knows best */
    other->leaving = true;
    other->leaving_ms = raft->now_ms;
    other->removed_due =
        raft->committed_membership.count && !movex_raft_is_member(&raft->committed_membership, number) &&
        (!comes || (raft->role == MOVEX_RAFT_MASTER && !movex_raft_is_member(&raft->membership, number)));
    return MOVEX_OK;
}

static int take_removed(movex_raft *raft, const movex_raft_message *removed)
{
    /* Somebody knows of a later membership than this one does, and is sure of it. */
    bool later = removed->index > raft->membership_index;
    if (raft->membership.count && (later || !movex_raft_is_member(&raft->membership, raft->self.number)))
        movex_raft_go(raft, raft->leaving ? "it has left" : "it was silent for too long, and was removed");
    return MOVEX_OK;
}

int movex_raft_receive(movex_raft *raft, uint64_t from, const void *bytes, size_t length)
{
    movex_raft_message message;
    movex_reader       reader = movex_reader_over(bytes, length);
    raft_other        *other = movex_raft_find(raft, from);
    if (!movex_read_raft_message(&reader, &message)) return MOVEX_ERR_MALFORMED;
    /* A room of which nothing is committed may yet come to nothing, on either side. */
    uint64_t room = raft->committed_membership.room;
    if (!other || raft->is_out || raft->failed || (room && message.settled && room != message.room)) return MOVEX_OK;
    other->heard_ms = raft->now_ms;
    other->was_member = message.was_member;
    if (message.room) other->founds = false;
    if (message.settled && !room) raft->joins = true;
    switch (message.kind) {
    case MOVEX_RAFT_ASK: return take_ask(raft, other, &message);
    case MOVEX_RAFT_VOTE: return take_vote(raft, other, &message);
    case MOVEX_RAFT_APPEND: return take_append(raft, other, &message);
    case MOVEX_RAFT_APPENDED: return take_appended(raft, other, &message);
    case MOVEX_RAFT_PIECE: return take_piece(raft, other, &message);
    case MOVEX_RAFT_PIECE_TAKEN: return take_piece_taken(raft, other, &message);
    case MOVEX_RAFT_STAND: return take_stand(raft, &message);
    case MOVEX_RAFT_LET_GO: return take_let_go(raft, other, &message);
    case MOVEX_RAFT_REMOVED: return take_removed(raft, &message);
    }
    return MOVEX_ERR_MALFORMED;
}
