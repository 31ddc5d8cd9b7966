/* The inside of Raft, shared by its files:

     raft.c            making, freeing, polling; what is told; reading
     raft_receive.c    messages in
     raft_send.c       messages out
     raft_members.c    who belongs, who comes, who is removed
     raft_election.c   who is master
     raft_commit.c     what is committed; two who go on alone
     raft_log.c        the entries, and the snapshot before them
     raft_store.c      what is kept
     raft_wire.c       the encoding of messages

   Each calls those below it alone. */
#ifndef MOVEX_PEERS_RAFT_INTERNAL_H
#define MOVEX_PEERS_RAFT_INTERNAL_H

#include "raft_wire.h"

#include "../core/format.h"
#include "../core/memory.h"
#include "../core/random.h"

#include <movex/text.h>

#include <assert.h>

/* Whoever has a link (peer_mesh_internal.h, MOST_LINKS), and the members who have none. */
enum { MOST_OTHERS = 64 + MOVEX_RAFT_MOST_MEMBERS };

/* ---- the log */

typedef struct raft_entry {
    uint64_t              term;
    movex_raft_entry_kind kind;
    size_t                at, length; /* of its content, in raft_log.bytes */
    uint64_t              number;     /* of the store's change that keeps it; 0 without one */
} raft_entry;

/* entries[i] has the index snapshot_index + 1 + i; terms do not fall; bytes hold their contents in order, without gaps.
     last == snapshot_index + count */
typedef struct raft_log {
    raft_entry           *entries;
    uint32_t              count, capacity;
    movex_buffer          bytes;
    uint64_t              snapshot_index, snapshot_term; /* 0: there is none */
    movex_buffer          snapshot;
    movex_raft_membership snapshot_membership;
    uint64_t              snapshot_membership_index; /* <= snapshot_index */
} raft_log;

/* ---- others */

/* What a VOTE, an APPENDED or a PIECE_TAKEN says. */
typedef struct raft_answer {
    uint64_t term;
    uint64_t index;  /* APPENDED, PIECE_TAKEN */
    uint64_t offset; /* PIECE_TAKEN */
    bool     granted, trial;
} raft_answer;

/* Another one: a member, or somebody who was met. Its number or its name differ from those of all others. */
typedef struct raft_other {
    movex_raft_member member;
    bool              met;        /* there is a link */
    bool              founds;     /* met: it is in no room, as far as is known */
    bool              was_member; /* it says so */
    bool              leaving;    /* it wants to be removed, and says so every LET_GO_MS */
    bool              voted;      /* for this member, in this election or trial */
    uint64_t          heard_ms;   /* given time of its last message; or when this one became master */
    uint64_t          parted_ms;  /* not met: given time since when */
    uint64_t          leaving_ms; /* leaving: given time at which it said so last */
    /* of a master */
    uint64_t next;    /* index of the entry that is to be sent next; >= 1 */
    uint64_t match;   /* it holds what this one does, up to here; < next */
    uint64_t sent_ms; /* given time of the last APPEND or PIECE */
    uint64_t piece;   /* offset of the piece of the snapshot that is on its way or due */
    bool     piece_sent;
    bool     probing;  /* where it agrees is not known: one APPEND at a time, until it is */
    uint64_t promised; /* while a part of `appended` is not durable: up to which index it was told */
    /* what is to be said to it */
    bool        ask_due, vote_due, append_due, appended_due, taken_due, stand_due, let_go_due, removed_due;
    raft_answer vote, appended, taken; /* due: what to say; `appended` once it is durable */
} raft_other;

/* ---- the whole */

typedef struct raft_kept {
    movex_store_file file;
    uint64_t         size;    /* bytes of the file */
    uint64_t         number;  /* of the change that keeps term and vote */
    int              failure; /* why something could not be kept, last */
} raft_kept;

/* snapshot_index <= told <= committed <= last;  the membership that counts is the latest in the log, or else the snapshot's
   role MASTER => term_index > 0, which is the index of the first entry of its term */
struct movex_raft {
    movex_raft_config config; /* defaults in place */
    movex_allocator   allocator;
    movex_raft_member self;
    uint64_t          random; /* SplitMix64 */
    uint64_t          now_ms;
    bool              polled;
    raft_kept         kept;

    /* what must not be forgotten */
    uint64_t term, voted_for; /* 0: nobody, in this term */
    raft_log log;
    /* survivor_goes_on: the last index when it went on alone. What came after, the other may not know of, and may have another one of
       the same term; 0: there is nothing such */
    uint64_t branch;
    /* The last index that was not committed by one of two alone: of what comes after, the other may give up everything.
       joint <= committed */
    uint64_t joint;

    uint64_t              committed, told;
    movex_raft_membership membership, committed_membership;
    uint64_t              membership_index, committed_membership_index;

    movex_raft_role role;
    bool            trial;           /* CANDIDATE: it is asked whether there would be votes */
    bool            handed_over;     /* CANDIDATE: the master wants it */
    bool            alone;           /* MASTER, survivor_goes_on: commits by itself */
    uint64_t        master;          /* its number; 0: not known */
    uint64_t        master_ms;       /* given time at which it was heard last */
    bool            master_lost;     /* the link to it has gone since */
    bool            master_is_alone; /* it commits by itself */
    uint64_t        due_ms;          /* of the next election; MASTER: does not matter */
    uint64_t        begun_ms;        /* given time of the first poll, or since which this is master */
    uint64_t        term_index;      /* MASTER */
    uint64_t        handing_to; /* MASTER: number of who is to be the next; 0: nobody. Nothing is proposed meanwhile */
    uint64_t        handing_ms; /* handing_to: given time since when */
    bool            asked_to_stand; /* handing_to */
    uint64_t        let_go_ms;      /* leaving: given time of the last request */
    bool            joins;          /* it has met somebody of a room, or was of one: it founds none */
    bool            was_member;
    bool            cautious; /* a founder that was here before, or has seen that another was: it waits for all */
    bool            leaving;

    raft_other others[MOST_OTHERS];
    uint32_t   other_count, next_other; /* next_other: to whom something is said first */

    movex_buffer       incoming; /* of a snapshot whose last piece has not come */
    movex_raft_message incoming_head;
    movex_buffer       out; /* the message that is lent */

    /* what was told last, and what is to be told */
    uint64_t    told_master, told_term, told_membership_index;
    bool        undone_due, restored_due, left_due, is_out;
    bool        failed; /* there was no memory for what must be remembered: it does nothing any more */
    const char *left_text;
};

/* ---- raft_store.c: each returns false if it cannot be kept */

int  movex_raft_store_open(movex_raft *raft, movex_error *error);
bool movex_raft_store_state(movex_raft *raft);
bool movex_raft_store_entry(movex_raft *raft, raft_entry *entry, const void *bytes);
bool movex_raft_store_cut(movex_raft *raft, uint64_t last);
/* All that is there, in place of all that was. */
bool movex_raft_store_all(movex_raft *raft);
/* Up to which index, and whether term and vote, would survive a crash. */
uint64_t movex_raft_durable_index(const movex_raft *raft);
bool     movex_raft_state_is_durable(const movex_raft *raft);
void     movex_raft_store_flush(movex_raft *raft);

/* ---- raft_log.c */

/* NULL if it is not in the log (any more). */
const raft_entry *movex_raft_entry_at(const movex_raft *raft, uint64_t index);
/* Of an entry, or of the snapshot's last; 0: not known. */
uint64_t    movex_raft_term_at(const movex_raft *raft, uint64_t index);
const void *movex_raft_content(const movex_raft *raft, const raft_entry *entry);
/* Adds one; its membership counts from now on. False, and nothing has changed, if there is no memory or it cannot be kept. */
bool movex_raft_log_add(movex_raft *raft, uint64_t term, movex_raft_entry_kind kind, const void *bytes, size_t length);
/* Takes all after `last` away. */
bool movex_raft_log_cut(movex_raft *raft, uint64_t last);
/* The snapshot in `bytes`, which is taken over, stands for all up to an entry of that index and term. What follows that entry
   stays; if it is not in the log, nothing does. */
void movex_raft_log_compact(movex_raft *raft, uint64_t index, uint64_t term, movex_buffer *bytes,
                            const movex_raft_membership *membership, uint64_t membership_index);
/* Nothing is left. */
void movex_raft_log_clear(movex_raft *raft);
/* What the log says of the membership, up to an index. */
void movex_raft_log_membership(const movex_raft *raft, uint64_t up_to, movex_raft_membership *membership,
                               uint64_t *index);
void movex_raft_log_free(movex_raft *raft);

/* ---- raft_commit.c */

/* How many must hold an entry. */
uint32_t movex_raft_majority(const movex_raft *raft);
/* Master: commits what a majority holds. */
void movex_raft_commit(movex_raft *raft);
void movex_raft_commit_to(movex_raft *raft, uint64_t index);
/* The other of two, with whom each may go on alone; NULL: it is not so. `any`: also if it was never met. */
raft_other *movex_raft_twin(movex_raft *raft);
bool        movex_raft_may_be_alone(movex_raft *raft);
/* What was committed here alone is given up, for that of the other. */
void movex_raft_undo(movex_raft *raft);

/* ---- raft_election.c */

void movex_raft_wait(movex_raft *raft); /* draws when the next election is due */
/* Follows, in a term that may be a new one; false if that cannot be kept. */
bool movex_raft_step_down(movex_raft *raft, uint64_t term);
void movex_raft_stand(movex_raft *raft, bool trial);
void movex_raft_count_votes(movex_raft *raft);
/* Whether that candidate gets a vote, or would. */
bool movex_raft_grants(movex_raft *raft, raft_other *other, const movex_raft_message *ask);
/* It is a member, or may begin a room. */
bool movex_raft_may_stand(const movex_raft *raft);
void movex_raft_elect(movex_raft *raft);
/* Of two, the other one is not there, or yields: a term of one's own, in which one commits alone. */
void movex_raft_go_on_alone(movex_raft *raft);
bool movex_raft_has_master(const movex_raft *raft); /* it was heard not long ago */

/* ---- raft_send.c */

/* Given time at which that one is to get a sign of life, or its piece of the snapshot once more. */
uint64_t movex_raft_replicate_ms(const movex_raft *raft, const raft_other *other);

/* ---- raft_members.c */

raft_other *movex_raft_find(movex_raft *raft, uint64_t number);
bool        movex_raft_is_member(const movex_raft_membership *membership, uint64_t number);
/* The others of the membership that counts are all in `others`. */
void movex_raft_know_members(movex_raft *raft);
/* It was a member, and is none by what is committed. It may learn that at any moment, and be another one then: its number is not
   used again. */
bool movex_raft_was_removed(const movex_raft *raft, const raft_other *other);
/* Founder: all are there, or there was time enough. */
bool movex_raft_may_found(const movex_raft *raft);
bool movex_raft_is_founder(const movex_raft *raft);
/* Master of a room that begins: its first membership. */
bool movex_raft_found(movex_raft *raft);
/* Master: takes in, removes, hands over. */
void movex_raft_tend_members(movex_raft *raft);
void movex_raft_go(movex_raft *raft, const char *text);

#endif
