#include "raft_internal.h"

enum {
    DEFAULT_HEARTBEAT_MS = 50,
    DEFAULT_ELECTION_MS = 300,
    DEFAULT_FOUNDING_MS = 1000,
    DEFAULT_SILENT_MS = 10000,
    DEFAULT_MESSAGE_BYTES = 32 << 10
};

static void fall_back(uint32_t *value, uint32_t otherwise)
{
    if (!*value) *value = otherwise;
}

/* Takes up what was kept. */
static void begin(movex_raft *raft)
{
    raft->told = raft->log.snapshot_index;
    raft->restored_due = raft->told > 0;
    movex_raft_log_membership(raft, raft->committed, &raft->committed_membership, &raft->committed_membership_index);
    movex_raft_log_membership(raft, movex_raft_last(raft), &raft->membership, &raft->membership_index);
    movex_raft_know_members(raft);
}

movex_raft *movex_raft_new(const movex_raft_config *config)
{
    movex_error found = {.status = MOVEX_OK};
    bool        sound = config->self.number && config->founders >= 1 && config->founders <= MOVEX_RAFT_MOST_MEMBERS;
    movex_raft *raft = sound ? movex_allocate(&config->allocator, sizeof *raft) : NULL;
    if (!sound)
        movex_error_set(&found, MOVEX_ERR_ARGUMENT, "raft: no number, or no count of founders", NULL);
    else if (!raft)
        movex_error_set(&found, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    if (raft) {
        raft->config = *config;
        raft->config.error = NULL;
        raft->allocator = config->allocator;
        raft->self = config->self;
        raft->random = config->seed;
        raft->joins = config->anew;
        fall_back(&raft->config.heartbeat_ms, DEFAULT_HEARTBEAT_MS);
        fall_back(&raft->config.election_ms, DEFAULT_ELECTION_MS);
        fall_back(&raft->config.founding_ms, DEFAULT_FOUNDING_MS);
        fall_back(&raft->config.silent_ms, DEFAULT_SILENT_MS);
        if (!raft->config.message_bytes) raft->config.message_bytes = DEFAULT_MESSAGE_BYTES;
        if (movex_raft_store_open(raft, &found) == MOVEX_OK) begin(raft);
    }
    if (found.status == MOVEX_OK) return raft;
    movex_raft_free(raft);
    if (config->error) *config->error = found;
    return NULL;
}

void movex_raft_free(movex_raft *raft)
{
    if (!raft) return;
    movex_raft_log_free(raft);
    movex_buffer_free(&raft->incoming, &raft->allocator);
    movex_buffer_free(&raft->out, &raft->allocator);
    movex_release(&raft->allocator, raft, sizeof *raft);
}

/* ---- time */

void movex_raft_tell_time(movex_raft *raft, uint64_t now_ms)
{
    if (raft->polled && now_ms > raft->now_ms) raft->now_ms = now_ms;
}

void movex_raft_poll(movex_raft *raft, uint64_t now_ms)
{
    if (now_ms > raft->now_ms || !raft->polled) raft->now_ms = now_ms;
    if (!raft->polled) {
        raft->polled = true;
        raft->begun_ms = raft->now_ms;
        for (uint32_t i = 0; i < raft->other_count; i++) raft->others[i].heard_ms = raft->others[i].parted_ms = now_ms;
        movex_raft_wait(raft);
        if (movex_raft_is_founder(raft) && raft->config.founders == 1) raft->due_ms = raft->now_ms;
    }
    if (raft->is_out || raft->failed) return;
    movex_raft_elect(raft);
    movex_raft_commit(raft);
    movex_raft_tend_members(raft);
    movex_raft_store_flush(raft);
    movex_raft_commit(raft); /* of one alone, what was flushed is committed */
}

/* Of one that is no master: the next election, if it may stand, and what is to come before it may. */
static uint64_t election_ms(const movex_raft *raft)
{
    uint64_t heartbeat = raft->now_ms + raft->config.heartbeat_ms, due = raft->due_ms;
    if (movex_raft_is_founder(raft) && !movex_raft_may_found(raft)) {
        uint64_t found = raft->begun_ms + raft->config.founding_ms;
        if (raft->cautious || found < due) found = due; /* it waits for others, however long */
        due = found > raft->now_ms ? found : UINT64_MAX;
    } else if (due <= raft->now_ms) {
        due = movex_raft_may_stand(raft) ? raft->now_ms + 1 : UINT64_MAX;
    }
    /* A request to be let go is repeated; who waits for its store looks whether it has come. */
    bool waits =
        raft->leaving || !movex_raft_state_is_durable(raft) || movex_raft_durable_index(raft) < movex_raft_last(raft);
    return waits && heartbeat < due ? heartbeat : due;
}

uint64_t movex_raft_deadline(const movex_raft *raft)
{
    uint64_t first = raft->now_ms + raft->config.heartbeat_ms; /* who is silent, and whether it is still heard itself */
    if (raft->is_out || raft->failed) return UINT64_MAX;
    if (!raft->polled) return 0;
    if (raft->role != MOVEX_RAFT_MASTER) return election_ms(raft);
    for (uint32_t i = 0; i < raft->other_count; i++) {
        const raft_other *other = &raft->others[i];
        uint64_t          due = movex_raft_replicate_ms(raft, other);
        if (other->met && due < first) first = due;
    }
    return first > raft->now_ms ? first : raft->now_ms + 1;
}

/* ---- telling */

static bool tell_entry(movex_raft *raft, movex_raft_event *event)
{
    while (raft->told < raft->committed) {
        const raft_entry *entry = movex_raft_entry_at(raft, ++raft->told);
        if (entry->kind != MOVEX_RAFT_CONTENT) continue;
        *event = (movex_raft_event){.kind = MOVEX_RAFT_ENTRY,
                                    .index = raft->told,
                                    .term = entry->term,
                                    .bytes = movex_raft_content(raft, entry),
                                    .length = entry->length};
        return true;
    }
    return false;
}

/* Itself is master once an entry of its own term is committed. */
static uint64_t known_master(const movex_raft *raft)
{
    if (raft->role == MOVEX_RAFT_MASTER) return raft->committed >= raft->term_index ? raft->self.number : 0;
    return raft->role == MOVEX_RAFT_FOLLOWER ? raft->master : 0;
}

bool movex_raft_next(movex_raft *raft, movex_raft_event *event)
{
    *event = (movex_raft_event){0};
    uint64_t master = known_master(raft);
    if (raft->undone_due) {
        raft->undone_due = false;
        event->kind = MOVEX_RAFT_UNDONE;
    } else if (raft->restored_due) {
        raft->restored_due = false;
        *event = (movex_raft_event){.kind = MOVEX_RAFT_RESTORED,
                                    .index = raft->log.snapshot_index,
                                    .bytes = raft->log.snapshot.bytes,
                                    .length = raft->log.snapshot.length};
    } else if (tell_entry(raft, event)) {
        return true;
    } else if (raft->told_membership_index != raft->committed_membership_index) {
        raft->told_membership_index = raft->committed_membership_index;
        event->kind = MOVEX_RAFT_MEMBERS;
    } else if (raft->told_master != master || (master && raft->told_term != raft->term)) {
        raft->told_master = master;
        raft->told_term = raft->term;
        *event = (movex_raft_event){.kind = MOVEX_RAFT_MASTERED, .number = master, .term = raft->term};
    } else if (raft->left_due) {
        raft->left_due = false;
        *event = (movex_raft_event){.kind = MOVEX_RAFT_LEFT, .text = raft->left_text};
    } else {
        return false;
    }
    return true;
}

/* ---- changing */

uint64_t movex_raft_propose(movex_raft *raft, const void *bytes, size_t length)
{
    if (known_master(raft) != raft->self.number || raft->handing_to || raft->failed || length == 0) return 0;
    if (!movex_raft_log_add(raft, raft->term, MOVEX_RAFT_CONTENT, bytes, length)) return 0;
    movex_raft_store_flush(raft);
    movex_raft_commit(raft);
    return movex_raft_last(raft);
}

int movex_raft_compact(movex_raft *raft, uint64_t index, const void *snapshot, size_t length)
{
    movex_buffer          bytes = {0};
    movex_raft_membership membership;
    uint64_t              membership_index;
    if (index <= raft->log.snapshot_index || index > raft->told) return MOVEX_OK;
    if (!movex_buffer_reserve(&bytes, &raft->allocator, length)) return MOVEX_ERR_MEMORY;
    if (length) memcpy(bytes.bytes, snapshot, length);
    bytes.length = length;
    movex_raft_log_membership(raft, index, &membership, &membership_index);
    movex_raft_log_compact(raft, index, movex_raft_term_at(raft, index), &bytes, &membership, membership_index);
    for (uint32_t i = 0; i < raft->other_count; i++) { /* a snapshot that is on its way is another one now */
        raft->others[i].piece = 0;
        raft->others[i].piece_sent = false;
    }
    return movex_raft_store_all(raft) ? MOVEX_OK : raft->kept.failure;
}

/* ---- reading */

movex_raft_role movex_raft_role_of(const movex_raft *raft)
{
    return raft->role;
}

uint64_t movex_raft_number(const movex_raft *raft)
{
    return raft->self.number;
}

uint64_t movex_raft_room(const movex_raft *raft)
{
    return raft->committed_membership.room;
}

uint64_t movex_raft_term(const movex_raft *raft)
{
    return raft->term;
}

uint64_t movex_raft_master(const movex_raft *raft)
{
    return known_master(raft);
}

uint64_t movex_raft_committed(const movex_raft *raft)
{
    return raft->committed;
}

size_t movex_raft_log_bytes(const movex_raft *raft)
{
    return raft->log.bytes.length + raft->log.count * sizeof(raft_entry);
}

bool movex_raft_is_alone(const movex_raft *raft)
{
    return raft->alone;
}

bool movex_raft_is_provisional(const movex_raft *raft)
{
    return raft->alone || (raft->role == MOVEX_RAFT_FOLLOWER && raft->master && raft->master_is_alone);
}

int movex_raft_failure(const movex_raft *raft)
{
    if (!raft->failed) return MOVEX_OK;
    return raft->kept.failure != MOVEX_OK ? raft->kept.failure : MOVEX_ERR_MEMORY;
}

uint32_t movex_raft_member_count(const movex_raft *raft)
{
    return raft->committed_membership.count;
}

const movex_raft_member *movex_raft_member_at(const movex_raft *raft, uint32_t index)
{
    return index < raft->committed_membership.count ? &raft->committed_membership.members[index] : NULL;
}

void movex_raft_check(const movex_raft *raft)
{
    const raft_log *log = &raft->log;
    size_t          at = 0;
    uint64_t        term = log->snapshot_term;
    for (uint32_t i = 0; i < log->count; i++) {
        assert(log->entries[i].at == at && log->entries[i].term >= term);
        at += log->entries[i].length;
        term = log->entries[i].term;
    }
    assert(at == log->bytes.length && term <= raft->term);
    assert(log->snapshot_index <= raft->told && raft->told <= raft->committed &&
           raft->committed <= movex_raft_last(raft));
    assert(raft->committed_membership_index <= raft->committed && raft->membership_index <= movex_raft_last(raft));
    assert(raft->role != MOVEX_RAFT_MASTER || raft->term_index > 0);
    assert(raft->joint <= raft->committed && raft->branch <= movex_raft_last(raft) && (!raft->alone || raft->branch));
    for (uint32_t i = 0; i < raft->other_count; i++) {
        const raft_other *other = &raft->others[i];
        assert(other->next >= 1 && (raft->role != MOVEX_RAFT_MASTER || other->match < other->next));
        for (uint32_t j = 0; j < i; j++) assert(other->member.number != raft->others[j].member.number);
        (void)other;
    }
    (void)at, (void)term;
}
