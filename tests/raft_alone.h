/* One member of Raft by itself: what others say is what the test says in their names. Its number is 1 and its name "m1"; the others
   are 2, "m2", and so on; all are members of a room from the first entry on. */
#ifndef MOVEX_TESTS_RAFT_ALONE_H
#define MOVEX_TESTS_RAFT_ALONE_H

#include "raft_internal.h"

#include "meter.h"

#include <movex/store_memory.h>

enum { RAFT_ALONE_ROOM = 77, RAFT_ALONE_BYTES = 16384 };

typedef struct raft_alone {
    movex_raft         *raft;
    movex_raft_config   config; /* what is zero is filled in */
    movex_store_memory *disk;   /* NULL: none */
    movex_store         store;
    uint32_t            count;  /* of members */
    uint64_t            now_ms;
    unsigned char       bytes[RAFT_ALONE_BYTES]; /* the message that was made last */
    size_t              length;
} raft_alone;

movex_raft_member     raft_alone_member(uint64_t number);
movex_raft_membership raft_alone_membership(uint32_t count);
movex_raft_message    raft_alone_head(movex_raft_message_kind kind, uint64_t term);

/* Makes it, and has it meet the others. False, and nothing there, if there was no memory. */
bool raft_alone_start(raft_alone *a, uint32_t count);
/* Makes it once more, of what the disk has. */
bool raft_alone_again(raft_alone *a);
void raft_alone_end(raft_alone *a);
void raft_alone_poll(raft_alone *a, uint64_t ms);

/* Makes a message: of an APPEND with `count` entries, the first of index `message.index` + 1; of index 1 is the membership, others
   have some content. They are of the term `entry_term`. */
void raft_alone_make(raft_alone *a, movex_raft_message message, uint32_t count, uint64_t entry_term);
/* Makes it, and has it said by that one; what movex_raft_receive says. */
int raft_alone_say(raft_alone *a, uint64_t from, movex_raft_message message, uint32_t count, uint64_t entry_term);
/* All that it has to say goes away; how many messages of that kind there were, and the last of them (without what it points to). */
uint32_t raft_alone_hear(raft_alone *a, movex_raft_message_kind kind, movex_raft_message *last);
/* Follows 2 in a term, and holds so many entries of it, committed up to an index. */
void raft_alone_follow(raft_alone *a, uint64_t term, uint32_t entries, uint64_t committed);
/* Is elected by all others, in the next term; what is due is not said yet. */
void raft_alone_lead(raft_alone *a);

#endif
