#include "raft_internal.h"

uint32_t movex_raft_majority(const movex_raft *raft)
{
    return raft->membership.count / 2 + 1;
}

/* Up to where a majority holds the log: of what each member holds, in falling order, the one that makes the majority full. Seats
   that nobody has taken hold nothing. */
static uint64_t held_by_majority(movex_raft *raft)
{
    uint64_t held[MOVEX_RAFT_MOST_MEMBERS];
    uint32_t count = raft->membership.count;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t          number = raft->membership.members[i].number;
        const raft_other *other = movex_raft_find(raft, number);
        uint64_t index = number == raft->self.number ? movex_raft_durable_index(raft) : other ? other->match : 0;
        uint32_t at = i;
        for (; at > 0 && held[at - 1] < index; at--) held[at] = held[at - 1];
        held[at] = index;
    }
    return count ? held[movex_raft_majority(raft) - 1] : 0;
}

void movex_raft_commit_to(movex_raft *raft, uint64_t index)
{
    if (index <= raft->committed) return;
    raft->committed = index;
    if (!movex_raft_is_provisional(raft)) raft->joint = index;
    uint64_t before = raft->committed_membership_index;
    if (before == raft->membership_index) return;
    movex_raft_log_membership(raft, index, &raft->committed_membership, &raft->committed_membership_index);
    /* So that one who starts again knows what is settled, and may go on alone. Without it, it waits to be told once more. */
    if (raft->committed_membership_index != before) movex_raft_store_state(raft);
}

/* An entry of an earlier term is committed by one of the master's own after it, and not by being held (Raft paper, 5.4.2). */
void movex_raft_commit(movex_raft *raft)
{
    if (raft->role != MOVEX_RAFT_MASTER) return;
    uint64_t index = raft->alone ? movex_raft_durable_index(raft) : held_by_majority(raft);
    if (index >= raft->term_index) movex_raft_commit_to(raft, index);
}

/* ---- two who may go on alone */

raft_other *movex_raft_twin(movex_raft *raft)
{
    const movex_raft_membership *membership = &raft->membership;
    if (!raft->config.survivor_goes_on || membership->count != 2 ||
        !movex_raft_is_member(membership, raft->self.number))
        return NULL;
    const movex_raft_member *twin = &membership->members[membership->members[0].number == raft->self.number];
    return twin->number ? movex_raft_find(raft, twin->number) : NULL;
}

/* The other one is not there: its link is gone, and did not come back, or it says nothing. Not for who is leaving: the other may
   have let it go already, and so go on by right. */
bool movex_raft_may_be_alone(movex_raft *raft)
{
    const raft_other *twin = movex_raft_twin(raft);
    uint64_t          now = raft->now_ms;
    /* A membership that is not committed may come to nothing; unless this one alone can commit it. */
    const movex_raft_membership *sure = &raft->committed_membership;
    bool                         settled = raft->committed >= raft->membership_index ||
                   (sure->count == 1 && movex_raft_is_member(sure, raft->self.number));
    if (!twin || raft->leaving || !settled) return false;
    if (twin->met) return now - twin->heard_ms >= 2 * (uint64_t)raft->config.election_ms;
    return now - twin->parted_ms >= raft->config.election_ms && now - twin->heard_ms >= raft->config.election_ms;
}

/* The snapshot stands for more than both have held: nothing is left to go back to. */
static void undo_all(movex_raft *raft)
{
    movex_raft_log_clear(raft);
    raft->committed = raft->joint = 0;
    raft->membership = raft->committed_membership = (movex_raft_membership){.room = raft->membership.room};
    raft->membership_index = raft->committed_membership_index = 0;
    raft->joins = true;
}

/* What both have for certain stays committed; what was there before this one went on alone stays in the log, since the other may have
   been promised it: should that one be lost before it has told of the rest, it is not lost with it. */
static bool undo_branch(movex_raft *raft)
{
    raft->committed = raft->joint;
    /* In this order, so that a crash between the two leaves nothing cut off that is said to be committed. */
    if (raft->branch < movex_raft_last(raft) &&
        !(movex_raft_store_state(raft) && movex_raft_log_cut(raft, raft->branch)))
        return false;
    movex_raft_log_membership(raft, raft->committed, &raft->committed_membership, &raft->committed_membership_index);
    return true;
}

void movex_raft_undo(movex_raft *raft)
{
    if (raft->log.snapshot_index > raft->joint)
        undo_all(raft);
    else if (!undo_branch(raft))
        raft->failed = true;
    raft->told = raft->log.snapshot_index;
    raft->told_membership_index = 0;
    raft->branch = 0;
    raft->alone = false;
    raft->undone_due = raft->restored_due = true;
    movex_buffer_free(&raft->incoming, &raft->allocator);
    if (!movex_raft_store_all(raft)) raft->failed = true;
}
