#include "raft_internal.h"

enum { LET_GO_MS = 100, LEAVING_MS = 10 * LET_GO_MS };

raft_other *movex_raft_find(movex_raft *raft, uint64_t number)
{
    for (uint32_t i = 0; number && i < raft->other_count; i++)
        if (raft->others[i].member.number == number) return &raft->others[i];
    return NULL;
}

bool movex_raft_is_member(const movex_raft_membership *membership, uint64_t number)
{
    for (uint32_t i = 0; number && i < membership->count; i++)
        if (membership->members[i].number == number) return true;
    return false;
}

bool movex_raft_was_removed(const movex_raft *raft, const raft_other *other)
{
    uint64_t number = other->member.number;
    return other->was_member && raft->committed >= raft->membership_index && raft->committed_membership.count > 0 &&
           !movex_raft_is_member(&raft->committed_membership, number);
}

bool movex_raft_is_founder(const movex_raft *raft)
{
    return raft->membership.count == 0 && !raft->joins && movex_raft_last(raft) == 0;
}

/* ---- who is known */

/* A place for one more; of those who are neither met nor members, one has to make room. */
static raft_other *make(movex_raft *raft)
{
    uint32_t at = raft->other_count;
    for (uint32_t i = 0; i < raft->other_count && at == MOST_OTHERS; i++)
        if (!raft->others[i].met && !movex_raft_is_member(&raft->membership, raft->others[i].member.number)) at = i;
    if (at == MOST_OTHERS) return NULL;
    if (at == raft->other_count) raft->other_count++;
    raft->others[at] =
        (raft_other){.next = movex_raft_last(raft) + 1, .heard_ms = raft->now_ms, .parted_ms = raft->now_ms};
    return &raft->others[at];
}

static void forget(movex_raft *raft, raft_other *other)
{
    *other = raft->others[--raft->other_count];
}

void movex_raft_know_members(movex_raft *raft)
{
    if (movex_raft_is_member(&raft->membership, raft->self.number)) raft->was_member = true;
    for (uint32_t i = 0; i < raft->membership.count; i++) {
        const movex_raft_member *member = &raft->membership.members[i];
        if (!member->number || member->number == raft->self.number) continue;
        raft_other *other = movex_raft_find(raft, member->number);
        if (!other) other = make(raft);
        assert(other); /* there are more places than links and members */
        if (other && !other->met) other->member = *member;
    }
}

int movex_raft_meet(movex_raft *raft, const movex_raft_member *member, uint64_t room, uint32_t founders,
                    movex_error *error)
{
    uint64_t own_room = raft->committed_membership.room;
    if (!member->number || member->number == raft->self.number || strcmp(member->name, raft->self.name) == 0)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "it has the number or the name of this member", NULL);
    for (uint32_t i = 0; i < raft->membership.count; i++)
        if (raft->membership.members[i].number == member->number &&
            strcmp(raft->membership.members[i].name, member->name) != 0)
            return movex_error_set(error, MOVEX_ERR_ARGUMENT, "it has the number of another member", NULL);
    if (own_room && room && room != own_room)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "it is of another room", NULL);
    if (!own_room && !room && founders != raft->config.founders)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "it begins a room of another size", NULL);
    for (uint32_t i = raft->other_count; i-- > 0;) { /* an older self of it is no more */
        raft_other *older = &raft->others[i];
        bool        same = strcmp(older->member.name, member->name) == 0 && older->member.number != member->number;
        if (!same) continue;
        raft->cautious = true;
        older->met = older->voted = false;
        if (!movex_raft_is_member(&raft->membership, older->member.number)) forget(raft, older);
    }
    raft_other *other = movex_raft_find(raft, member->number);
    if (!other) other = make(raft);
    if (!other) return movex_error_set(error, MOVEX_ERR_LIMIT, "there are too many links", NULL);
    other->member = *member;
    other->met = true;
    other->founds = room == 0;
    other->heard_ms = raft->now_ms;
    other->next = movex_raft_last(raft) + 1;
    other->probing = true;
    other->piece = 0;
    other->piece_sent = false;
    other->leaving = false; /* it may have started again, and says so if it still does */
    other->ask_due = other->vote_due = other->appended_due = other->taken_due = other->stand_due = other->let_go_due =
        false;
    other->append_due = raft->role == MOVEX_RAFT_MASTER;
    if (room && !own_room) raft->joins = true;
    return MOVEX_OK;
}

void movex_raft_part(movex_raft *raft, uint64_t number)
{
    raft_other *other = movex_raft_find(raft, number);
    if (!other) return;
    other->met = false;
    other->parted_ms = raft->now_ms;
    if (raft->master == number && raft->role == MOVEX_RAFT_FOLLOWER) {
        /* No need to wait for the silence; but not all at once. */
        raft->master_lost = true;
        uint64_t soon = raft->now_ms + movex_splitmix64(&raft->random) % raft->config.election_ms;
        if (soon < raft->due_ms) raft->due_ms = soon;
    }
    if (!movex_raft_is_member(&raft->membership, number)) forget(raft, other);
}

/* ---- a room begins */

bool movex_raft_may_found(const movex_raft *raft)
{
    uint32_t met = 1;
    for (uint32_t i = 0; i < raft->other_count; i++) met += raft->others[i].met && raft->others[i].founds;
    bool waited = !raft->cautious && raft->now_ms - raft->begun_ms >= raft->config.founding_ms;
    return met >= raft->config.founders || waited;
}

static bool add_membership(movex_raft *raft, const movex_raft_membership *membership)
{
    unsigned char bytes[MOVEX_RAFT_MEMBERSHIP_MOST];
    movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_raft_membership(&writer, membership);
    return movex_raft_log_add(raft, raft->term, MOVEX_RAFT_MEMBERSHIP, bytes, (size_t)(writer.at - bytes));
}

bool movex_raft_found(movex_raft *raft)
{
    movex_raft_membership membership = {
        .room = movex_splitmix64(&raft->random) | 1, .count = 1, .members = {raft->self}};
    for (int voted = 1; voted >= 0; voted--)
        for (uint32_t i = 0; i < raft->other_count && membership.count < raft->config.founders; i++) {
            const raft_other *other = &raft->others[i];
            if (other->met && other->founds && other->voted == voted)
                membership.members[membership.count++] = other->member;
        }
    membership.count = raft->config.founders; /* the rest are seats that wait */
    return add_membership(raft, &membership);
}

/* ---- a master tends to its members */

/* It says so again and again: what came late, of a life before this one, is forgotten. */
static bool is_leaving(const movex_raft *raft, const raft_other *other)
{
    return other->leaving && raft->now_ms - other->leaving_ms < LEAVING_MS;
}

static void remove_at(movex_raft_membership *membership, uint32_t at)
{
    for (uint32_t i = at + 1; i < membership->count; i++) membership->members[i - 1] = membership->members[i];
    membership->members[--membership->count] = (movex_raft_member){0};
}

static bool is_heard_of(movex_raft *raft, uint64_t number)
{
    const raft_other *other = movex_raft_find(raft, number);
    return other && other->met && raft->now_ms - other->heard_ms < raft->config.election_ms;
}

/* A majority of that membership, without the one of that number, is here: nobody goes, and nobody comes, where that would have the
   rest wait. */
static bool goes_on(movex_raft *raft, const movex_raft_membership *membership, uint64_t without)
{
    uint32_t here = 0, count = membership->count - movex_raft_is_member(membership, without);
    for (uint32_t i = 0; i < membership->count; i++) {
        uint64_t number = membership->members[i].number;
        here += number && number != without && (number == raft->self.number || is_heard_of(raft, number));
    }
    return here >= count / 2 + 1;
}

static bool remove_number(movex_raft *raft, uint64_t number)
{
    movex_raft_membership next = raft->membership;
    for (uint32_t i = 0; i < next.count; i++)
        if (next.members[i].number == number) {
            remove_at(&next, i);
            return next.count > 0 && add_membership(raft, &next);
        }
    return false;
}

static bool let_go(movex_raft *raft)
{
    for (uint32_t i = 0; i < raft->other_count; i++) {
        const raft_other *other = &raft->others[i];
        if (is_leaving(raft, other) && movex_raft_is_member(&raft->membership, other->member.number) &&
            goes_on(raft, &raft->membership, other->member.number))
            return remove_number(raft, other->member.number);
    }
    return false;
}

/* Its place, if another life of it has one; a seat that waits for somebody; or one more. */
static bool take_in(movex_raft *raft, const raft_other *comer)
{
    movex_raft_membership next = raft->membership;
    uint32_t              at = next.count;
    for (uint32_t i = 0; i < next.count; i++)
        if (next.members[i].number && strcmp(next.members[i].name, comer->member.name) == 0) {
            remove_at(&next, i); /* and then it is added: one change at a time */
            return next.count > 0 && add_membership(raft, &next);
        }
    if (raft->alone && next.count > 1) return false; /* the other one could know nothing of it */
    for (uint32_t i = 0; i < next.count && at == next.count; i++)
        if (!next.members[i].number) at = i;
    if (at == MOVEX_RAFT_MOST_MEMBERS) return false;
    if (at == next.count) next.count++;
    next.members[at] = comer->member;
    return goes_on(raft, &next, 0) && add_membership(raft, &next);
}

static bool take_in_somebody(movex_raft *raft)
{
    for (uint32_t i = 0; i < raft->other_count; i++) {
        const raft_other *other = &raft->others[i];
        if (!other->met || is_leaving(raft, other) || movex_raft_is_member(&raft->membership, other->member.number))
            continue;
        if (movex_raft_was_removed(raft, other)) continue;
        /* It holds what is committed, as others do (thesis, 4.2.1). */
        if (other->match >= raft->committed && take_in(raft, other)) return true;
    }
    return false;
}

static bool remove_somebody_silent(movex_raft *raft)
{
    uint64_t silent_ms = raft->config.silent_ms;
    if (silent_ms == UINT32_MAX || raft->alone || raft->now_ms - raft->begun_ms < silent_ms) return false;
    for (uint32_t i = 0; i < raft->membership.count; i++) {
        uint64_t          number = raft->membership.members[i].number;
        const raft_other *other = movex_raft_find(raft, number);
        if (number == raft->self.number || (other && raft->now_ms - other->heard_ms < silent_ms)) continue;
        movex_raft_membership next = raft->membership;
        remove_at(&next, i);
        return goes_on(raft, &next, 0) && add_membership(raft, &next);
    }
    return false;
}

/* Who was chosen is asked to stand once it has everything; and another one is chosen if nothing comes of it. */
static void go_on_handing_over(movex_raft *raft)
{
    raft_other *to = movex_raft_find(raft, raft->handing_to);
    if (!to || !to->met || raft->now_ms - raft->handing_ms >= raft->config.election_ms) {
        raft->handing_to = 0;
    } else if (!raft->asked_to_stand && to->match >= movex_raft_last(raft)) {
        to->stand_due = raft->asked_to_stand = true;
    }
}

/* Somebody comes who can have the room, once it is a member. */
static bool is_awaited(const movex_raft *raft)
{
    for (uint32_t i = 0; i < raft->other_count; i++)
        if (raft->others[i].met && !is_leaving(raft, &raft->others[i])) return true;
    return false;
}

/* Chooses who is most advanced. Nothing is added meanwhile (thesis, 3.10). */
static void hand_over(movex_raft *raft)
{
    raft_other *best = NULL;
    for (uint32_t i = 0; i < raft->other_count; i++) {
        raft_other *other = &raft->others[i];
        if (!other->met || is_leaving(raft, other) || !movex_raft_is_member(&raft->membership, other->member.number))
            continue;
        if (!best || other->match > best->match) best = other;
    }
    if (!best) {
        if (raft->membership.count == 1 && !is_awaited(raft)) movex_raft_go(raft, "it was the last of its room");
        return;
    }
    raft->handing_to = best->member.number;
    raft->handing_ms = raft->now_ms;
    raft->asked_to_stand = false;
    go_on_handing_over(raft);
}

/* The last membership that there is does not have it any more. */
static bool is_gone(const movex_raft *raft)
{
    return raft->was_member && raft->committed_membership.count > 0 && raft->committed >= raft->membership_index &&
           !movex_raft_is_member(&raft->committed_membership, raft->self.number);
}

/* All are told, whoever is or will be master: nobody hands over to one that leaves as well. True when it was time for that. */
static bool ask_to_be_let_go(movex_raft *raft)
{
    if (!raft->leaving || raft->now_ms - raft->let_go_ms < LET_GO_MS) return false;
    raft->let_go_ms = raft->now_ms;
    for (uint32_t i = 0; i < raft->other_count; i++) raft->others[i].let_go_due = raft->others[i].met;
    return true;
}

void movex_raft_tend_members(movex_raft *raft)
{
    if (is_gone(raft))
        movex_raft_go(raft, raft->leaving ? "it has left" : "it was silent for too long, and was removed");
    if (raft->is_out) return;
    bool leaves = ask_to_be_let_go(raft);
    if (raft->role != MOVEX_RAFT_MASTER) return;
    /* One change at a time, and the first when something of the own term is committed (Ongaro 2015). */
    if (raft->handing_to) go_on_handing_over(raft);
    if (raft->committed < raft->term_index || raft->committed < raft->membership_index) return;
    if (!raft->handing_to && leaves &&
        (raft->membership.count == 1 || goes_on(raft, &raft->membership, raft->self.number)))
        hand_over(raft);
    if (raft->handing_to || raft->role != MOVEX_RAFT_MASTER) return;
    if (!let_go(raft) && !take_in_somebody(raft)) remove_somebody_silent(raft);
}

void movex_raft_go(movex_raft *raft, const char *text)
{
    if (raft->is_out) return;
    movex_raft_step_down(raft, raft->term);
    raft->left_due = raft->is_out = true;
    raft->left_text = text;
}

void movex_raft_leave(movex_raft *raft)
{
    raft->leaving = true;
    raft->let_go_ms = raft->now_ms - LET_GO_MS;
    if (raft->membership.count == 0)
        movex_raft_go(raft, "it has left before it was a member");
    else if (raft->role == MOVEX_RAFT_MASTER && raft->membership.count == 1 && !is_awaited(raft))
        movex_raft_go(raft, "it was the last of its room");
}
