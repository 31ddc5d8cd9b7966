#include "raft_alone.h"

#include <movex/text.h>

#include <string.h>

movex_raft_member raft_alone_member(uint64_t number)
{
    movex_raft_member member = {.number = number, .name = "m?"};
    member.name[1] = (char)('0' + number);
    return member;
}

movex_raft_membership raft_alone_membership(uint32_t count)
{
    movex_raft_membership membership = {.room = RAFT_ALONE_ROOM, .count = count};
    for (uint32_t i = 0; i < count; i++) membership.members[i] = raft_alone_member(i + 1);
    return membership;
}

movex_raft_message raft_alone_head(movex_raft_message_kind kind, uint64_t term)
{
    return (movex_raft_message){
        .kind = kind, .room = RAFT_ALONE_ROOM, .settled = true, .was_member = true, .term = term};
}

/* ---- its life */

bool raft_alone_again(raft_alone *a)
{
    a->store = a->disk ? movex_store_memory_open(a->disk) : (movex_store){0};
    a->config.store = a->store;
    a->config.self = raft_alone_member(1);
    if (!a->config.founders) a->config.founders = a->count;
    a->raft = movex_raft_new(&a->config);
    return a->raft != NULL;
}

bool raft_alone_start(raft_alone *a, uint32_t count)
{
    a->count = count;
    if (!a->config.seed) a->config.seed = 7;
    if (!a->config.allocator.allocate) a->config.allocator = movex_allocator_default();
    if (!raft_alone_again(a)) return false;
    for (uint64_t number = 2; number <= count; number++) {
        movex_raft_member member = raft_alone_member(number);
        must_equal(movex_raft_meet(a->raft, &member, 0, a->config.founders, NULL), MOVEX_OK);
    }
    raft_alone_poll(a, 1000);
    return true;
}

void raft_alone_end(raft_alone *a)
{
    movex_raft_free(a->raft);
    if (a->store.ops) a->store.ops->destroy(a->store.self);
    a->raft = NULL;
    a->store = (movex_store){0};
}

void raft_alone_poll(raft_alone *a, uint64_t ms)
{
    a->now_ms += ms;
    movex_raft_poll(a->raft, a->now_ms);
    movex_raft_check(a->raft);
}

/* ---- messages */

static void write_entry(movex_writer *writer, const raft_alone *a, uint64_t index, uint64_t term)
{
    unsigned char         bytes[MOVEX_RAFT_MEMBERSHIP_MOST];
    movex_writer          inside = movex_writer_over(bytes, sizeof bytes);
    movex_raft_membership membership = raft_alone_membership(a->count);
    if (index == 1)
        movex_write_raft_membership(&inside, &membership);
    else
        movex_write_u64(&inside, index);
    movex_write_raft_entry(writer, &(movex_raft_wire_entry){term,
                                                            index == 1 ? MOVEX_RAFT_MEMBERSHIP : MOVEX_RAFT_CONTENT,
                                                            {bytes, (size_t)(inside.at - bytes)}});
}

void raft_alone_make(raft_alone *a, movex_raft_message message, uint32_t count, uint64_t entry_term)
{
    movex_writer writer = movex_writer_over(a->bytes, sizeof a->bytes);
    message.count = count;
    movex_write_raft_message(&writer, &message);
    for (uint32_t i = 0; i < count; i++) write_entry(&writer, a, message.index + 1 + i, entry_term);
    a->length = (size_t)(writer.at - a->bytes);
}

int raft_alone_say(raft_alone *a, uint64_t from, movex_raft_message message, uint32_t count, uint64_t entry_term)
{
    raft_alone_make(a, message, count, entry_term);
    int status = movex_raft_receive(a->raft, from, a->bytes, a->length);
    movex_raft_check(a->raft);
    return status;
}

uint32_t raft_alone_hear(raft_alone *a, movex_raft_message_kind kind, movex_raft_message *last)
{
    const void *bytes;
    size_t      length;
    uint64_t    to;
    uint32_t    count = 0;
    while (movex_raft_send(a->raft, &to, &bytes, &length)) {
        movex_raft_message message;
        movex_reader       reader = movex_reader_over(bytes, length);
        must(movex_read_raft_message(&reader, &message));
        if (message.kind != kind) continue;
        count++;
        if (last) *last = message;
    }
    return count;
}

void raft_alone_follow(raft_alone *a, uint64_t term, uint32_t entries, uint64_t committed)
{
    movex_raft_message append = raft_alone_head(MOVEX_RAFT_APPEND, term);
    append.committed = committed;
    must_equal(raft_alone_say(a, 2, append, entries, term), MOVEX_OK);
    must_equal(movex_raft_last(a->raft), entries);
    must_equal(movex_raft_committed(a->raft), committed);
}

void raft_alone_lead(raft_alone *a)
{
    movex_raft_stand(a->raft, false);
    raft_alone_poll(a, 1);
    for (uint64_t number = 2; number <= a->count; number++) {
        movex_raft_message vote = raft_alone_head(MOVEX_RAFT_VOTE, movex_raft_term(a->raft));
        vote.granted = true;
        must_equal(raft_alone_say(a, number, vote, 0, 0), MOVEX_OK);
    }
    must(movex_raft_role_of(a->raft) == MOVEX_RAFT_MASTER);
}
