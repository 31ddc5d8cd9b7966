#include "raft_internal.h"

enum { LARGEST_KEPT = 1 << 20 };

uint64_t movex_raft_last(const movex_raft *raft)
{
    return raft->log.snapshot_index + raft->log.count;
}

const raft_entry *movex_raft_entry_at(const movex_raft *raft, uint64_t index)
{
    const raft_log *log = &raft->log;
    if (index <= log->snapshot_index || index > movex_raft_last(raft)) return NULL;
    return &log->entries[index - log->snapshot_index - 1];
}

uint64_t movex_raft_term_at(const movex_raft *raft, uint64_t index)
{
    const raft_entry *entry = movex_raft_entry_at(raft, index);
    if (entry) return entry->term;
    return index == raft->log.snapshot_index ? raft->log.snapshot_term : 0;
}

const void *movex_raft_content(const movex_raft *raft, const raft_entry *entry)
{
    return raft->log.bytes.bytes ? raft->log.bytes.bytes + entry->at : NULL;
}

static void read_membership(const movex_raft *raft, const raft_entry *entry, movex_raft_membership *membership)
{
    movex_reader reader = movex_reader_over(movex_raft_content(raft, entry), entry->length);
    bool         sound = movex_read_raft_membership(&reader, membership);
    assert(sound); /* it was written here, or was checked when it came */
    (void)sound;
}

void movex_raft_log_membership(const movex_raft *raft, uint64_t up_to, movex_raft_membership *membership,
                               uint64_t *index)
{
    for (uint64_t i = up_to; i > raft->log.snapshot_index; i--) {
        const raft_entry *entry = movex_raft_entry_at(raft, i);
        if (entry->kind != MOVEX_RAFT_MEMBERSHIP) continue;
        read_membership(raft, entry, membership);
        *index = i;
        return;
    }
    *membership = raft->log.snapshot_membership;
    *index = raft->log.snapshot_membership_index;
}

bool movex_raft_log_add(movex_raft *raft, uint64_t term, movex_raft_entry_kind kind, const void *bytes, size_t length)
{
    raft_log *log = &raft->log;
    if (movex_raft_last(raft) >= MOVEX_RAFT_NUMBER_MOST)
        return false; /* somebody has lied: there is no index after it */
    if (!movex_grow(&raft->allocator, &log->entries, &log->capacity, sizeof *log->entries, log->count + 1, 64) ||
        !movex_buffer_reserve(&log->bytes, &raft->allocator, length))
        return false;
    raft_entry *entry = &log->entries[log->count];
    *entry = (raft_entry){.term = term, .kind = kind, .at = log->bytes.length, .length = length};
    if (!movex_raft_store_entry(raft, entry, bytes)) return false;
    if (length) memcpy(log->bytes.bytes + entry->at, bytes, length);
    log->bytes.length += length;
    log->count++;
    if (kind != MOVEX_RAFT_MEMBERSHIP) return true;
    read_membership(raft, entry, &raft->membership);
    raft->membership_index = movex_raft_last(raft);
    movex_raft_know_members(raft);
    return true;
}

bool movex_raft_log_cut(movex_raft *raft, uint64_t last)
{
    raft_log *log = &raft->log;
    assert(last >= raft->committed);
    if (last >= movex_raft_last(raft)) return true;
    if (!movex_raft_store_cut(raft, last)) return false;
    log->count = (uint32_t)(last - log->snapshot_index);
    const raft_entry *end = log->count ? &log->entries[log->count - 1] : NULL;
    log->bytes.length = end ? end->at + end->length : 0;
    if (raft->membership_index <= last) return true;
    movex_raft_log_membership(raft, last, &raft->membership, &raft->membership_index);
    movex_raft_know_members(raft);
    return true;
}

void movex_raft_log_compact(movex_raft *raft, uint64_t index, uint64_t term, movex_buffer *bytes,
                            const movex_raft_membership *membership, uint64_t membership_index)
{
    raft_log *log = &raft->log;
    assert(index > log->snapshot_index && term > 0);
    bool     follows = movex_raft_term_at(raft, index) == term;
    uint32_t gone = follows ? (uint32_t)(index - log->snapshot_index) : log->count;
    size_t   bytes_gone = gone < log->count ? log->entries[gone].at : log->bytes.length;
    movex_buffer_free(&log->snapshot, &raft->allocator);
    log->snapshot = *bytes;
    *bytes = (movex_buffer){0};
    log->snapshot_index = index;
    log->snapshot_term = term;
    log->snapshot_membership = *membership;
    log->snapshot_membership_index = membership_index;
    log->count -= gone;
    if (log->count) memmove(log->entries, log->entries + gone, log->count * sizeof *log->entries);
    for (uint32_t i = 0; i < log->count; i++) log->entries[i].at -= bytes_gone;
    log->bytes.length -= bytes_gone;
    if (log->bytes.length)
        memmove(log->bytes.bytes, log->bytes.bytes + bytes_gone, log->bytes.length);
    else if (log->bytes.capacity > LARGEST_KEPT)
        movex_buffer_free(&log->bytes, &raft->allocator);
}

void movex_raft_log_clear(movex_raft *raft)
{
    raft_log *log = &raft->log;
    movex_buffer_free(&log->snapshot, &raft->allocator);
    log->snapshot_membership = (movex_raft_membership){0};
    log->snapshot_index = log->snapshot_term = log->snapshot_membership_index = 0;
    log->count = 0;
    log->bytes.length = 0;
}

void movex_raft_log_free(movex_raft *raft)
{
    raft_log *log = &raft->log;
    movex_release(&raft->allocator, log->entries, log->capacity * sizeof *log->entries);
    movex_buffer_free(&log->bytes, &raft->allocator);
    movex_buffer_free(&log->snapshot, &raft->allocator);
}
