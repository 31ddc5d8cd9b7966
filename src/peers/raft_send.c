#include "raft_internal.h"

enum { PIECE_BEATS = 4 };       /* heartbeats without an answer to a piece, before it is sent again */
enum { MOST_IN_FLIGHT = 4096 }; /* entries that were sent to one and are not answered */

static movex_writer begin(movex_raft *raft, size_t length)
{
    raft->out.length = 0;
    if (!movex_buffer_reserve(&raft->out, &raft->allocator, MOVEX_RAFT_MESSAGE_MOST + length)) return (movex_writer){0};
    return movex_writer_over(raft->out.bytes, raft->out.capacity);
}

static bool end(movex_raft *raft, const movex_writer *writer)
{
    raft->out.length = (size_t)(writer->at - raft->out.bytes);
    return true;
}

static bool write(movex_raft *raft, movex_raft_message message)
{
    movex_writer writer = begin(raft, message.bytes.length + MOVEX_RAFT_MEMBERSHIP_MOST);
    if (!writer.at) return false; /* it counts as lost */
    message.room = raft->membership.room;
    message.settled = raft->committed_membership.room != 0;
    message.was_member = raft->was_member;
    movex_write_raft_message(&writer, &message);
    return end(raft, &writer);
}

/* ---- from a master */

static bool write_append(movex_raft *raft, raft_other *other)
{
    movex_raft_message append = {.kind = MOVEX_RAFT_APPEND,
                                 .room = raft->membership.room,
                                 .settled = raft->committed_membership.room != 0,
                                 .was_member = raft->was_member,
                                 .term = raft->term,
                                 .alone = raft->alone,
                                 .index = other->next - 1,
                                 .index_term = movex_raft_term_at(raft, other->next - 1),
                                 .committed = raft->committed};
    size_t             bytes = 0;
    const raft_entry  *entry;
    while ((entry = movex_raft_entry_at(raft, other->next + append.count)) != NULL && append.count < MOST_IN_FLIGHT) {
        size_t size = entry->length + MOVEX_RAFT_ENTRY_OVERHEAD;
        if (append.count && bytes + size > raft->config.message_bytes) break;
        bytes += size;
        append.count++;
    }
    movex_writer writer = begin(raft, bytes);
    if (!writer.at) return false;
    movex_write_raft_message(&writer, &append);
    for (uint32_t i = 0; i < append.count; i++) {
        entry = movex_raft_entry_at(raft, other->next + i);
        movex_write_raft_entry(
            &writer,
            &(movex_raft_wire_entry){entry->term, entry->kind, {movex_raft_content(raft, entry), entry->length}});
    }
    if (!other->probing) other->next += append.count;
    return end(raft, &writer);
}

static bool write_piece(movex_raft *raft, raft_other *other)
{
    const raft_log *log = &raft->log;
    size_t          left = log->snapshot.length - (size_t)other->piece;
    size_t          size = left < raft->config.message_bytes ? left : raft->config.message_bytes;
    other->piece_sent = true;
    return write(raft, (movex_raft_message){.kind = MOVEX_RAFT_PIECE,
                                            .term = raft->term,
                                            .alone = raft->alone,
                                            .index = log->snapshot_index,
                                            .index_term = log->snapshot_term,
                                            .offset = other->piece,
                                            .total = log->snapshot.length,
                                            .membership = log->snapshot_membership,
                                            .membership_index = log->snapshot_membership_index,
                                            .bytes = {size ? log->snapshot.bytes + other->piece : NULL, size}});
}

static bool waits_for_piece(const movex_raft *raft, const raft_other *other)
{
    return other->next <= raft->log.snapshot_index && other->piece_sent;
}

uint64_t movex_raft_replicate_ms(const movex_raft *raft, const raft_other *other)
{
    return other->sent_ms + (waits_for_piece(raft, other) ? PIECE_BEATS : 1) * (uint64_t)raft->config.heartbeat_ms;
}

/* Entries, the next piece of the snapshot before them, or a sign of life. */
static bool replicate(movex_raft *raft, raft_other *other)
{
    bool is_due = raft->now_ms >= movex_raft_replicate_ms(raft, other);
    if (other->next <= raft->log.snapshot_index) {
        if (other->piece_sent && !is_due) return false;
        other->sent_ms = raft->now_ms;
        other->append_due = false;
        return write_piece(raft, other);
    }
    bool more = !other->probing && other->next <= movex_raft_last(raft) && other->next - other->match <= MOST_IN_FLIGHT;
    if (!more && !is_due && !other->append_due) return false;
    other->sent_ms = raft->now_ms;
    other->append_due = false;
    return write_append(raft, other);
}

/* ---- from anybody */

static bool write_ask(movex_raft *raft)
{
    uint64_t last = movex_raft_last(raft);
    return write(raft, (movex_raft_message){.kind = MOVEX_RAFT_ASK,
                                            .term = raft->term + (raft->trial ? 1 : 0),
                                            .trial = raft->trial,
                                            .handed_over = raft->handed_over,
                                            .index = last,
                                            .index_term = movex_raft_term_at(raft, last)});
}

static bool take(bool *due)
{
    bool was = *due;
    *due = false;
    return was;
}

static bool write_answer(movex_raft *raft, movex_raft_message_kind kind, const raft_answer *answer)
{
    return write(raft, (movex_raft_message){.kind = kind,
                                            .term = answer->term,
                                            .trial = answer->trial,
                                            .granted = answer->granted,
                                            .index = answer->index,
                                            .offset = answer->offset});
}

/* An answer promises what was taken: that must be durable. Until all of it is, the part that is. */
static bool write_appended(movex_raft *raft, raft_other *other)
{
    uint64_t    durable = movex_raft_durable_index(raft);
    raft_answer answer = other->appended;
    bool        whole = !answer.granted || durable >= answer.index;
    if (!movex_raft_state_is_durable(raft) || answer.term != raft->term) return false;
    if (!whole) answer.index = durable;
    other->appended_due = !whole;
    if (!whole && answer.index <= other->promised) return false;
    other->promised = answer.index;
    return write_answer(raft, MOVEX_RAFT_APPENDED, &answer);
}

static bool say(movex_raft *raft, raft_other *other)
{
    if (take(&other->removed_due))
        return write(raft, (movex_raft_message){.kind = MOVEX_RAFT_REMOVED,
                                                .term = raft->term,
                                                .index = raft->committed_membership_index});
    if (other->ask_due && raft->role == MOVEX_RAFT_CANDIDATE && movex_raft_state_is_durable(raft)) {
        other->ask_due = false;
        return write_ask(raft);
    }
    if (other->vote_due && movex_raft_state_is_durable(raft)) {
        other->vote_due = false;
        return write_answer(raft, MOVEX_RAFT_VOTE, &other->vote);
    }
    if (other->appended_due && write_appended(raft, other)) return true;
    if (take(&other->taken_due)) return write_answer(raft, MOVEX_RAFT_PIECE_TAKEN, &other->taken);
    if (take(&other->let_go_due))
        return write(raft, (movex_raft_message){.kind = MOVEX_RAFT_LET_GO, .term = raft->term});
    if (raft->role != MOVEX_RAFT_MASTER) return false;
    /* Who has elected itself must not do so twice in one term, if it starts again. */
    if (raft->alone && !movex_raft_state_is_durable(raft)) return false;
    /* Who is in no room is told of this one; who is of it, or comes, gets what it needs. */
    if (replicate(raft, other)) return true;
    if (take(&other->stand_due)) return write(raft, (movex_raft_message){.kind = MOVEX_RAFT_STAND, .term = raft->term});
    return false;
}

bool movex_raft_send(movex_raft *raft, uint64_t *to, const void **message, size_t *length)
{
    if (raft->failed || raft->is_out) return false;
    for (uint32_t i = 0; i < raft->other_count; i++) {
        raft_other *other = &raft->others[(raft->next_other + i) % raft->other_count];
        if (!other->met || !say(raft, other)) continue;
        raft->next_other = (raft->next_other + i) % raft->other_count;
        *to = other->member.number;
        *message = raft->out.bytes;
        *length = raft->out.length;
        return true;
    }
    return false;
}
