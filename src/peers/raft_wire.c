#include "raft_wire.h"

#include "../core/name.h"
#include "../core/wire_fields.h"

static movex_wire_text text_of(const char *text)
{
    return (movex_wire_text){text, (uint32_t)strlen(text)};
}

/* ---- memberships */

void movex_write_raft_membership(movex_writer *writer, const movex_raft_membership *membership)
{
    movex_write_u64(writer, membership->room);
    movex_write_number(writer, membership->count);
    for (uint32_t i = 0; i < membership->count; i++) {
        const movex_raft_member *member = &membership->members[i];
        movex_write_u64(writer, member->number);
        if (!member->number) continue;
        movex_write_wire_text(writer, text_of(member->name));
        movex_write_wire_text(writer, text_of(member->address));
    }
}

static void read_text(movex_reader *reader, char *into, uint32_t least, uint32_t size)
{
    movex_wire_text text = movex_read_wire_text(reader, size - 1);
    if (text.length < least || !movex_text_is_clean(text.bytes, text.length)) reader->failed = true;
    memcpy(into, text.bytes, text.length);
    memset(into + text.length, 0, size - text.length);
}

static bool comes_twice(const movex_raft_membership *membership, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        const movex_raft_member *a = &membership->members[i], *b = &membership->members[at];
        if (a->number && b->number && (a->number == b->number || strcmp(a->name, b->name) == 0)) return true;
    }
    return false;
}

bool movex_read_raft_membership_of(movex_reader *reader, movex_raft_membership *membership)
{
    *membership = (movex_raft_membership){.room = movex_read_u64(reader)};
    membership->count = (uint32_t)movex_read_number_to(reader, MOVEX_RAFT_MOST_MEMBERS);
    for (uint32_t i = 0; i < membership->count && !reader->failed; i++) {
        movex_raft_member *member = &membership->members[i];
        member->number = movex_read_u64(reader);
        if (!member->number) continue;
        read_text(reader, member->name, 1, sizeof member->name);
        read_text(reader, member->address, 0, sizeof member->address);
        if (comes_twice(membership, i)) reader->failed = true;
    }
    return !reader->failed && membership->count > 0 && membership->room != 0;
}

bool movex_read_raft_membership(movex_reader *reader, movex_raft_membership *membership)
{
    return movex_read_raft_membership_of(reader, membership) && movex_reader_left(reader) == 0;
}

/* ---- entries */

void movex_write_raft_entry(movex_writer *writer, const movex_raft_wire_entry *entry)
{
    movex_write_number(writer, entry->term);
    movex_write_u8(writer, (uint8_t)entry->kind);
    movex_write_wire_blob(writer, entry->bytes);
}

bool movex_read_raft_entry(movex_reader *reader, movex_raft_wire_entry *entry)
{
    entry->term = movex_read_number(reader);
    entry->kind = (movex_raft_entry_kind)movex_read_u8(reader);
    entry->bytes = movex_read_wire_blob(reader);
    if (reader->failed || entry->term == 0) return false;
    switch (entry->kind) {
    case MOVEX_RAFT_NOTHING: return entry->bytes.length == 0;
    case MOVEX_RAFT_CONTENT: return entry->bytes.length > 0;
    case MOVEX_RAFT_MEMBERSHIP: {
        movex_raft_membership membership;
        movex_reader          inside = movex_reader_over(entry->bytes.bytes, entry->bytes.length);
        return movex_read_raft_membership(&inside, &membership);
    }
    }
    return false;
}

/* ---- messages */

void movex_write_raft_message(movex_writer *writer, const movex_raft_message *message)
{
    unsigned flags = (message->trial ? 1u : 0) | (message->handed_over ? 2u : 0) | (message->granted ? 4u : 0) |
                     (message->alone ? 8u : 0) | (message->settled ? 16u : 0) |
                     (message->was_member ? 32u : 0);
    movex_write_u8(writer, (uint8_t)message->kind);
    movex_write_u64(writer, message->room);
    movex_write_number(writer, message->term);
    movex_write_u8(writer, (uint8_t)flags);
    switch (message->kind) {
    case MOVEX_RAFT_ASK:
        movex_write_number(writer, message->index);
        movex_write_number(writer, message->index_term);
        break;
    case MOVEX_RAFT_APPEND:
        movex_write_number(writer, message->index);
        movex_write_number(writer, message->index_term);
        movex_write_number(writer, message->committed);
        movex_write_number(writer, message->count);
        break;
    case MOVEX_RAFT_APPENDED:
    case MOVEX_RAFT_REMOVED: movex_write_number(writer, message->index); break;
    case MOVEX_RAFT_PIECE:
        movex_write_number(writer, message->index);
        movex_write_number(writer, message->index_term);
        movex_write_number(writer, message->offset);
        movex_write_number(writer, message->total);
        if (message->offset == 0) {
            movex_write_number(writer, message->membership_index);
            movex_write_raft_membership(writer, &message->membership);
        }
        movex_write_wire_blob(writer, message->bytes);
        break;
    case MOVEX_RAFT_PIECE_TAKEN:
        movex_write_number(writer, message->index);
        movex_write_number(writer, message->offset);
        break;
    case MOVEX_RAFT_VOTE:
    case MOVEX_RAFT_STAND:
    case MOVEX_RAFT_LET_GO: break;
    }
}

static void read_append(movex_reader *reader, movex_raft_message *message)
{
    message->index = movex_read_number(reader);
    message->index_term = movex_read_number(reader);
    message->committed = movex_read_number(reader);
    message->count = movex_read_wire_index(reader);
    message->entries = (movex_wire_bytes){reader->at, movex_reader_left(reader)};
    movex_raft_wire_entry entry;
    uint64_t              term = message->index_term;
    for (uint32_t i = 0; i < message->count && !reader->failed; i++) {
        if (!movex_read_raft_entry(reader, &entry) || entry.term < term || entry.term > message->term) reader->failed = true;
        term = entry.term;
    }
    if (message->index > MOVEX_RAFT_NUMBER_MOST - message->count) reader->failed = true;
}

static void read_piece(movex_reader *reader, movex_raft_message *message)
{
    message->index = movex_read_number(reader);
    message->index_term = movex_read_number(reader);
    message->offset = movex_read_number(reader);
    message->total = movex_read_number_to(reader, MOVEX_RAFT_SNAPSHOT_MOST);
    if (message->offset == 0) {
        message->membership_index = movex_read_number_to(reader, message->index);
        if (!movex_read_raft_membership_of(reader, &message->membership)) reader->failed = true;
    }
    message->bytes = movex_read_wire_blob(reader);
    if (message->index == 0 || message->index_term == 0 || message->index_term > message->term ||
        message->offset > message->total || message->bytes.length > message->total - message->offset)
        reader->failed = true;
}

bool movex_read_raft_message(movex_reader *reader, movex_raft_message *message)
{
    *message = (movex_raft_message){.kind = (movex_raft_message_kind)movex_read_u8(reader)};
    message->room = movex_read_u64(reader);
    message->term = movex_read_number(reader);
    uint8_t flags = movex_read_u8(reader);
    message->trial = flags & 1;
    message->handed_over = flags & 2;
    message->granted = flags & 4;
    message->alone = flags & 8;
    message->settled = flags & 16;
    message->was_member = flags & 32;
    switch (message->kind) {
    case MOVEX_RAFT_ASK:
        message->index = movex_read_number(reader);
        message->index_term = movex_read_number(reader);
        break;
    case MOVEX_RAFT_APPEND: read_append(reader, message); break;
    case MOVEX_RAFT_APPENDED:
    case MOVEX_RAFT_REMOVED: message->index = movex_read_number(reader); break;
    case MOVEX_RAFT_PIECE: read_piece(reader, message); break;
    case MOVEX_RAFT_PIECE_TAKEN:
        message->index = movex_read_number(reader);
        message->offset = movex_read_number(reader);
        break;
    case MOVEX_RAFT_VOTE:
    case MOVEX_RAFT_STAND:
    case MOVEX_RAFT_LET_GO: break;
    default: reader->failed = true; break;
    }
    return !reader->failed && movex_reader_left(reader) == 0 && flags < 64 && (message->room || !message->settled) && message->term <= MOVEX_RAFT_NUMBER_MOST &&
           message->index <= MOVEX_RAFT_NUMBER_MOST;
}
