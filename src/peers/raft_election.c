#include "raft_internal.h"

void movex_raft_wait(movex_raft *raft)
{
    raft->due_ms = raft->now_ms + raft->config.election_ms + movex_splitmix64(&raft->random) % raft->config.election_ms;
}

bool movex_raft_has_master(const movex_raft *raft)
{
    if (raft->role == MOVEX_RAFT_MASTER) return true;
    return raft->master && !raft->master_lost && raft->now_ms - raft->master_ms < raft->config.election_ms;
}

static void forget_votes(movex_raft *raft)
{
    for (uint32_t i = 0; i < raft->other_count; i++) {
        raft->others[i].voted = raft->others[i].ask_due = raft->others[i].append_due = raft->others[i].stand_due =
            false;
        raft->others[i].piece_sent = false;
    }
}

bool movex_raft_step_down(movex_raft *raft, uint64_t term)
{
    assert(term >= raft->term);
    if (term > raft->term) {
        raft->term = term;
        raft->voted_for = 0;
        if (!movex_raft_store_state(raft)) raft->failed = true;
        raft->master = 0;
    }
    if (raft->role == MOVEX_RAFT_MASTER) raft->master = 0;
    if (raft->role != MOVEX_RAFT_FOLLOWER) {
        forget_votes(raft);
        movex_raft_wait(raft);
    }
    raft->role = MOVEX_RAFT_FOLLOWER;
    raft->alone = raft->trial = raft->handed_over = false;
    raft->handing_to = raft->term_index = 0;
    return !raft->failed;
}

static void become_master(movex_raft *raft, bool alone)
{
    bool begins = raft->membership.count == 0;
    raft->role = MOVEX_RAFT_MASTER;
    raft->alone = alone;
    raft->trial = raft->handed_over = raft->master_lost = false;
    raft->master = raft->self.number;
    raft->begun_ms = raft->now_ms;
    raft->handing_to = 0;
    raft->term_index = movex_raft_last(raft) + 1;
    for (uint32_t i = 0; i < raft->other_count; i++) {
        raft_other *other = &raft->others[i];
        other->next = movex_raft_last(raft) + 1;
        other->probing = true;
        other->match = other->piece = 0;
        other->piece_sent = false;
        other->heard_ms = raft->now_ms;
        other->append_due = other->met;
    }
    if (alone) {
        if (!raft->branch) raft->branch = movex_raft_last(raft);
        if (!movex_raft_store_state(raft)) raft->failed = true;
    }
    bool ok = begins ? movex_raft_found(raft) : movex_raft_log_add(raft, raft->term, MOVEX_RAFT_NOTHING, "", 0);
    for (uint32_t i = 0; i < raft->other_count; i++) raft->others[i].voted = raft->others[i].ask_due = false;
    if (!ok) movex_raft_step_down(raft, raft->term);
}

void movex_raft_stand(movex_raft *raft, bool trial)
{
    movex_raft_wait(raft);
    if (raft->term >= MOVEX_RAFT_NUMBER_MOST) return; /* somebody has lied: there is no term after it */
    forget_votes(raft);
    raft->role = MOVEX_RAFT_CANDIDATE;
    raft->trial = trial;
    raft->master = 0;
    if (trial) raft->handed_over = false; /* the master's wish was for one election */
    if (!trial) {
        raft->term++;
        raft->voted_for = raft->self.number;
        if (!movex_raft_store_state(raft)) {
            raft->failed = true;
            return;
        }
    }
    bool founds = movex_raft_is_founder(raft);
    for (uint32_t i = 0; i < raft->other_count; i++) {
        raft_other *other = &raft->others[i];
        other->ask_due =
            other->met && (founds ? other->founds : movex_raft_is_member(&raft->membership, other->member.number));
    }
    movex_raft_count_votes(raft);
}

void movex_raft_count_votes(movex_raft *raft)
{
    bool     founds = movex_raft_is_founder(raft);
    uint32_t votes = founds || movex_raft_is_member(&raft->membership, raft->self.number),
             needed = movex_raft_majority(raft);
    if (founds) needed = raft->config.founders / 2 + 1;
    for (uint32_t i = 0; i < raft->other_count; i++) {
        const raft_other *other = &raft->others[i];
        votes += other->voted && (founds || movex_raft_is_member(&raft->membership, other->member.number));
    }
    if (raft->role != MOVEX_RAFT_CANDIDATE || votes < needed) return;
    if (raft->trial)
        movex_raft_stand(raft, false);
    else if (movex_raft_state_is_durable(raft))
        become_master(raft, false);
}

/* A vote goes to who has all that may be committed: whose last entry has a higher term, or the same and no smaller index. */
static bool is_complete(const movex_raft *raft, const movex_raft_message *ask)
{
    uint64_t last = movex_raft_last(raft), last_term = movex_raft_term_at(raft, last);
    return ask->index_term > last_term || (ask->index_term == last_term && ask->index >= last);
}

bool movex_raft_grants(movex_raft *raft, raft_other *other, const movex_raft_message *ask)
{
    /* Who has nothing would begin the room: that is for founders to decide. One that knows no membership may be of one all the
       same, since it was not reached since then: it votes for who has something. */
    bool begins = ask->index == 0;
    if (begins && !(movex_raft_is_founder(raft) && other->founds && movex_raft_may_found(raft))) return false;
    if (!is_complete(raft, ask)) return false;
    if (ask->trial) return ask->term > raft->term && !movex_raft_has_master(raft);
    if (ask->term != raft->term || raft->role != MOVEX_RAFT_FOLLOWER) return false;
    if (raft->voted_for && raft->voted_for != other->member.number) return false;
    if (!raft->voted_for) {
        raft->voted_for = other->member.number;
        if (!movex_raft_store_state(raft)) {
            raft->failed = true;
            return false;
        }
        movex_raft_wait(raft);
    }
    return true;
}

/* A master that a majority does not hear is none; whether it is heard shows in what is heard of them. */
static bool is_heard(const movex_raft *raft)
{
    uint32_t heard = movex_raft_is_member(&raft->membership, raft->self.number);
    for (uint32_t i = 0; i < raft->other_count; i++) {
        const raft_other *other = &raft->others[i];
        heard += movex_raft_is_member(&raft->membership, other->member.number) &&
                 raft->now_ms - other->heard_ms < 2 * (uint64_t)raft->config.election_ms;
    }
    return heard >= movex_raft_majority(raft);
}

void movex_raft_go_on_alone(movex_raft *raft)
{
    movex_raft_step_down(raft, raft->term);
    movex_raft_stand(raft, false);
    if (!raft->failed && raft->role == MOVEX_RAFT_CANDIDATE) become_master(raft, true);
}

/* One that the last membership does not have may be needed until that is committed (thesis, 4.2.2). */
bool movex_raft_may_stand(const movex_raft *raft)
{
    if (movex_raft_is_founder(raft)) return movex_raft_may_found(raft);
    return movex_raft_is_member(&raft->membership, raft->self.number) ||
           (raft->was_member && raft->committed < raft->membership_index);
}

void movex_raft_elect(movex_raft *raft)
{
    if (raft->role == MOVEX_RAFT_MASTER) {
        if (!raft->alone && movex_raft_may_be_alone(raft)) movex_raft_go_on_alone(raft);
        if (!raft->alone && !is_heard(raft)) movex_raft_step_down(raft, raft->term);
        raft_other *twin = raft->branch ? movex_raft_twin(raft) : NULL;
        if (raft->branch && (!twin || twin->match >= movex_raft_last(raft))) {
            raft->alone = false;
            raft->branch = 0;
            raft->joint = raft->committed;
            if (!movex_raft_store_state(raft)) raft->failed = true;
        }
        return;
    }
    if (raft->role == MOVEX_RAFT_CANDIDATE && !raft->trial)
        movex_raft_count_votes(raft); /* the own vote may be durable by now */
    if (raft->role == MOVEX_RAFT_MASTER || !movex_raft_may_stand(raft) || raft->now_ms < raft->due_ms) return;
    if (movex_raft_may_be_alone(raft))
        movex_raft_go_on_alone(raft);
    else
        movex_raft_stand(raft, true);
}
