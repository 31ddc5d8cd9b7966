/* Raft, one promise at a time, with messages passed by hand. Random runs are in test_raft_runs.c. */
#include "raft_net.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static raft_net n;

enum { ANY = -1, CALM_MS = 5000 };

static movex_raft *raft_of(uint32_t seat)
{
    return n.seats[seat].raft;
}

/* A room in which all agree; from then on by hand. */
static void start(uint32_t count, unsigned with_disk)
{
    raft_net_start(&n, count, count, with_disk);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    n.by_hand = true;
}

static void end(void)
{
    raft_net_check(&n);
    raft_net_end(&n);
    memset(&n, 0, sizeof n);
}

static void poll(uint32_t seat)
{
    movex_raft_poll(raft_of(seat), n.now_ms + seat * 1000003);
    raft_net_drain(&n, seat);
    raft_net_collect(&n, seat);
}

static bool is_for(const raft_packet *packet, int from, int to, int kind)
{
    return (from == ANY || packet->from == n.seats[from].number) && (to == ANY || packet->to == n.seats[to].number) &&
           (kind == ANY || packet->bytes[0] == kind);
}

/* Delivers what is on its way, in order; what is answered waits. How many messages. */
static uint32_t pass(int from, int to, int kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n.packet_count;) {
        if (!is_for(&n.packets[i], from, to, kind)) {
            i++;
            continue;
        }
        raft_packet packet = n.packets[i]; /* it becomes the last, which takes the place of the one that goes */
        memmove(&n.packets[i], &n.packets[i + 1], (n.packet_count - i - 1) * sizeof packet);
        n.packets[n.packet_count - 1] = packet;
        raft_net_deliver(&n, n.packet_count - 1);
        count++;
    }
    for (uint32_t i = 0; i < n.count; i++) {
        raft_net_drain(&n, i);
        raft_net_collect(&n, i);
    }
    return count;
}

static uint32_t waiting(int from, int to, int kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n.packet_count; i++) count += is_for(&n.packets[i], from, to, kind);
    return count;
}

static void lose(int from, int to, int kind)
{
    for (uint32_t i = n.packet_count; i-- > 0;) {
        if (!is_for(&n.packets[i], from, to, kind)) continue;
        free(n.packets[i].bytes);
        n.packets[i] = n.packets[--n.packet_count];
    }
}

static void lose_all(void)
{
    lose(ANY, ANY, ANY);
}

/* Stands for election and gets the votes of those of `voters`, a bit for each, who believe in no master any more. */
static void elect(uint32_t seat, unsigned voters)
{
    for (uint32_t i = 0; i < n.count; i++) {
        if (!(voters >> i & 1)) continue;
        raft_of(i)->master = 0;
        movex_raft_step_down(raft_of(i), raft_of(i)->term);
    }
    movex_raft_stand(raft_of(seat), false);
    poll(seat); /* its vote for itself is durable then */
    for (uint32_t i = 0; i < n.count; i++) {
        if (i == seat || !(voters >> i & 1)) continue;
        pass((int)seat, (int)i, MOVEX_RAFT_ASK);
        poll(i);
        pass((int)i, (int)seat, MOVEX_RAFT_VOTE);
    }
    lose(ANY, ANY, MOVEX_RAFT_ASK);
}

static bool is_master(uint32_t seat)
{
    return raft_of(seat)->role == MOVEX_RAFT_MASTER;
}

static void link_all(uint32_t seat)
{
    for (uint32_t i = 0; i < n.count; i++)
        if (i != seat && n.seats[i].raft) raft_net_link(&n, seat, i, true);
}

static void restart(uint32_t seat)
{
    raft_net_kill(&n, seat);
    raft_net_enter(&n, seat);
    poll(seat);
    link_all(seat);
}

static void write_to(uint32_t seat, uint64_t from, movex_raft_message message)
{
    static unsigned char bytes[MOVEX_RAFT_MESSAGE_MOST + MOVEX_RAFT_MEMBERSHIP_MOST];
    movex_writer         writer = movex_writer_over(bytes, sizeof bytes);
    message.room = raft_of(seat)->membership.room;
    movex_write_raft_message(&writer, &message);
    must_equal(movex_raft_receive(raft_of(seat), from, bytes, (size_t)(writer.at - bytes)), MOVEX_OK);
    raft_net_drain(&n, seat);
    raft_net_collect(&n, seat);
}

/* ---- elections and commitment */

/* The Raft paper's figure 8: an entry of an earlier term that a majority holds is not committed by that, since another one may still
   take its place. */
START_TEST(figure_8)
{
    n.config.message_bytes = 1; /* one entry at a time */
    start(5, 31);
    elect(0, 0x1f);
    must(is_master(0));
    for (int i = 0; i < 20; i++) {
        pass(ANY, ANY, ANY);
        for (uint32_t k = 0; k < 5; k++) poll(k);
    }
    uint64_t common = raft_of(0)->committed;
    must_equal(common, movex_raft_last(raft_of(0)));
    lose_all();
    must(movex_raft_propose(raft_of(0), "x", 1) == common + 1);
    raft_net_collect(&n, 0);
    must(pass(0, 1, MOVEX_RAFT_APPEND) > 0); /* (a): two hold it */
    lose_all();
    raft_net_kill(&n, 0);
    elect(4, 0x1c); /* (b): another one leads, with an entry of its own, and dies */
    must(is_master(4) && movex_raft_last(raft_of(4)) == common + 1);
    poll(4);
    lose_all();
    raft_net_kill(&n, 4);
    raft_net_enter(&n, 0);
    poll(0);
    link_all(0);
    raft_of(0)->term = raft_of(2)->term; /* as if it had heard of that term */
    elect(
        0,
        0x07); /* (c): the first leads again; the second has its own first entry as well, a third the one before alone */
    must(is_master(0) && movex_raft_last(raft_of(0)) == common + 2);
    poll(0);
    must(pass(0, 1, MOVEX_RAFT_APPEND) > 0);
    poll(1);
    must(pass(1, 0, MOVEX_RAFT_APPENDED) > 0);
    for (int i = 0; i < 10 && movex_raft_last(raft_of(2)) < common + 1; i++) {
        n.now_ms += 60;
        pass(0, 2, MOVEX_RAFT_APPEND);
        poll(2);
        pass(2, 0, MOVEX_RAFT_APPENDED);
        poll(0);
    }
    must_equal(movex_raft_last(raft_of(2)), common + 1);
    uint32_t holders = 1, own = 1;
    for (uint32_t i = 0; i < raft_of(0)->other_count; i++) {
        holders += raft_of(0)->others[i].match >= common + 1;
        own += raft_of(0)->others[i].match >= common + 2;
    }
    must(holders == 3 && own == 2);
    must(raft_of(0)->committed <= common); /* held by a majority, and not committed */
    lose_all();
    raft_net_kill(&n, 0);
    raft_net_enter(&n, 4);
    poll(4);
    link_all(4);
    raft_of(4)->term = raft_of(2)->term;
    elect(4, 0x1c); /* (d): the other one leads, and its entry takes that place everywhere */
    must(is_master(4));
    for (int i = 0; i < 40; i++) {
        n.now_ms += 20;
        for (uint32_t k = 1; k < 5; k++) poll(k);
        pass(ANY, ANY, ANY);
    }
    for (uint32_t k = 1; k < 5; k++) must_equal(raft_of(k)->committed, movex_raft_last(raft_of(4)));
    end();
}
END_TEST

/* A vote goes to a last entry of a higher term, or of the same term and no smaller index; and once in a term. */
START_TEST(votes_go_to_who_has_all)
{
    raft_net_start(&n, 3, 3, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    for (int i = 0; i < 5; i++) raft_net_propose(&n, (uint32_t)raft_net_master(&n));
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    n.by_hand = true;
    movex_raft *raft = raft_of(0);
    uint64_t    last = movex_raft_last(raft), term = movex_raft_term_at(raft, last);
    const struct {
        uint64_t index, index_term;
        bool     granted;
    } asks[] = {{last, term, true},
                {last + 1, term, true},
                {last - 1, term + 1, true},
                {last - 1, term, false},
                {last + 9, term - 1, false}};
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        lose_all();
        movex_raft_step_down(raft, raft->term + 1);
        write_to(0, n.seats[1].number,
                 (movex_raft_message){.kind = MOVEX_RAFT_ASK,
                                      .term = raft->term + 1,
                                      .index = asks[i].index,
                                      .index_term = asks[i].index_term});
        must_equal(raft->voted_for, asks[i].granted ? n.seats[1].number : 0);
        must_equal(waiting(0, 1, MOVEX_RAFT_VOTE), 1);
        if (!asks[i].granted) continue;
        write_to(0, n.seats[2].number,
                 (movex_raft_message){.kind = MOVEX_RAFT_ASK,
                                      .term = raft->term,
                                      .index = asks[i].index + 5,
                                      .index_term = asks[i].index_term});
        must_equal(raft->voted_for, n.seats[1].number);
    }
    end();
}
END_TEST

/* Who comes back disturbs nobody: it asks first, and they say that they hear a master. */
START_TEST(who_comes_back_disturbs_nobody)
{
    raft_net_start(&n, 3, 3, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    uint32_t master = (uint32_t)raft_net_master(&n), away = (master + 1) % 3;
    uint64_t term = raft_of(master)->term;
    raft_net_apart(&n, away, true);
    raft_net_run(&n, 5000);
    must_equal(raft_of(away)->term, term); /* it does not even count up */
    raft_net_apart(&n, away, false);
    raft_net_run(&n, 2000);
    must(is_master(master) && raft_of(master)->term == term);
    must(raft_net_is_calm(&n));
    end();
}
END_TEST

/* Nor does one that asks without asking before, unless the master wants it. */
START_TEST(who_hears_a_master_votes_for_nobody)
{
    start(3, 0);
    uint32_t           master = (uint32_t)raft_net_master(&n), other = (master + 1) % 3, asker = (master + 2) % 3;
    uint64_t           term = raft_of(master)->term, last = movex_raft_last(raft_of(other));
    movex_raft_message ask = {.kind = MOVEX_RAFT_ASK, .term = term + 5, .index = last + 9, .index_term = term};
    write_to(other, n.seats[asker].number, ask);
    write_to(master, n.seats[asker].number, ask);
    must(raft_of(other)->term == term && raft_of(master)->term == term && is_master(master));
    ask.handed_over = true;
    write_to(other, n.seats[asker].number, ask);
    must_equal(raft_of(other)->voted_for, n.seats[asker].number);
    end();
}
END_TEST

/* A vote of an earlier life does not count for the one after it, which has forgotten it. */
START_TEST(an_amnesiac_has_no_old_number)
{
    start(3, 0);
    uint32_t master = (uint32_t)raft_net_master(&n), dead = (master + 1) % 3, other = (master + 2) % 3;
    uint64_t old = n.seats[dead].number;
    lose_all();
    raft_net_kill(&n, dead);
    raft_net_kill(&n, master);
    raft_net_enter(&n, dead); /* without its memory */
    must(n.seats[dead].number != old);
    poll(dead);
    link_all(dead);
    raft_of(other)->master = 0;
    movex_raft_stand(raft_of(other), false);
    poll(other);
    must_equal(waiting((int)other, (int)dead, MOVEX_RAFT_ASK), 0); /* it is no member */
    write_to(other, n.seats[dead].number,
             (movex_raft_message){.kind = MOVEX_RAFT_VOTE, .term = raft_of(other)->term, .granted = true});
    must(!is_master(other));
    end();
}
END_TEST

/* ---- membership */

static uint32_t memberships(const movex_raft *raft, uint64_t after)
{
    uint32_t count = 0;
    for (uint64_t i = after + 1; i <= movex_raft_last(raft); i++)
        count += movex_raft_entry_at(raft, i)->kind == MOVEX_RAFT_MEMBERSHIP;
    return count;
}

/* Ongaro's correction of 2015: a new master changes no membership before an entry of its own term is committed; and then one at a
   time. */
START_TEST(one_change_at_a_time)
{
    raft_net_start(&n, 4, 6, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    n.by_hand = true;
    uint32_t master = ((uint32_t)raft_net_master(&n) + 1) % 4;
    raft_net_enter(&n, 4);
    raft_net_enter(&n, 5);
    poll(4);
    poll(5);
    link_all(4);
    link_all(5);
    lose_all();
    elect(master, 0x0f);
    must(is_master(master));
    poll(master);
    uint64_t before = movex_raft_last(raft_of(master));
    for (int i = 0; i < 10; i++) { /* both who come have all there is */
        n.now_ms += 20;
        poll(master);
        pass((int)master, 4, ANY);
        pass((int)master, 5, ANY);
        poll(4);
        poll(5);
        pass(4, (int)master, ANY);
        pass(5, (int)master, ANY);
    }
    must_equal(movex_raft_last(raft_of(4)), before);
    must_equal(raft_of(master)->committed, before - 1); /* its own first entry is not committed */
    must_equal(memberships(raft_of(master), before), 0);
    for (int i = 0; i < 4; i++) pass((int)master, ANY, ANY);
    for (uint32_t i = 0; i < 6; i++) poll(i);
    lose((int)4, ANY, ANY);
    lose((int)5, ANY, ANY);
    pass(ANY, (int)master, ANY);
    poll(master);
    must_equal(raft_of(master)->committed, before);
    must_equal(memberships(raft_of(master), before), 1);
    for (int i = 0; i < 5; i++) poll(master);
    must_equal(memberships(raft_of(master), before), 1);
    end();
}
END_TEST

/* A member that was removed while it was away learns it when it asks, by a message or by the log. */
START_TEST(who_was_removed_learns_it)
{
    n.config.silent_ms = 1500;
    raft_net_start(&n, 3, 3, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    uint32_t master = (uint32_t)raft_net_master(&n), away = (master + 1) % 3;
    raft_net_apart(&n, away, true);
    raft_net_run(&n, 4000);
    must_equal(raft_of(master)->committed_membership.count, 2);
    n.by_hand = true;
    lose_all();
    n.seats[away].apart = false;
    raft_of(away)->master = 0;
    movex_raft_stand(raft_of(away), true);
    raft_net_collect(&n, away);
    uint32_t other = (master + 2) % 3;
    must_equal(pass((int)away, (int)other, MOVEX_RAFT_ASK), 1);
    must_equal(pass((int)other, (int)away, MOVEX_RAFT_REMOVED), 1);
    must(n.seats[away].left);
    end();
}
END_TEST

/* It is not taken in again under its old number while it does not know yet: once it does, it is another one. */
START_TEST(who_was_removed_comes_as_another)
{
    n.config.silent_ms = 1500;
    n.config.message_bytes = 1;
    raft_net_start(&n, 3, 3, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    uint32_t master = (uint32_t)raft_net_master(&n), away = (master + 1) % 3, other = (master + 2) % 3;
    raft_net_apart(&n, away, true);
    raft_net_run(&n, 4000);
    must_equal(raft_of(master)->committed_membership.count, 2);
    uint64_t last = movex_raft_last(raft_of(master));
    n.by_hand = true;
    lose_all();
    n.seats[away].apart = false;
    for (int i = 0; i < 10; i++) { /* it holds all there is, and has not heard that it is committed */
        n.now_ms += 20;
        poll(master);
        pass((int)master, (int)other, ANY);
        poll(other);
        pass((int)other, (int)master, ANY);
    }
    for (uint64_t at = movex_raft_last(raft_of(away)); at < last; at++) {
        const raft_entry *entry = movex_raft_entry_at(raft_of(master), at + 1);
        must(movex_raft_log_add(raft_of(away), entry->term, entry->kind, movex_raft_content(raft_of(master), entry),
                                entry->length));
    }
    raft_of(away)->master = n.seats[master].number;
    lose((int)master, (int)away, ANY);
    write_to(master, n.seats[away].number,
             (movex_raft_message){.kind = MOVEX_RAFT_APPENDED,
                                  .term = raft_of(master)->term,
                                  .granted = true,
                                  .was_member = true,
                                  .index = last});
    for (int i = 0; i < 5; i++) poll(master);
    must_equal(movex_raft_last(raft_of(master)), last);
    must_equal(pass((int)master, (int)away, MOVEX_RAFT_REMOVED), 1);
    must(n.seats[away].left);
    end();
}
END_TEST

/* The first entry of a room was never committed: another room has begun meanwhile, and takes its place. */
START_TEST(a_room_that_did_not_begin_gives_way)
{
    raft_net_start(&n, 3, 3, 0);
    n.by_hand = true;
    for (uint32_t i = 0; i < 3; i++) poll(i);
    for (uint32_t i = 0; i < 3; i++) link_all(i);
    movex_raft_stand(raft_of(0), false);
    raft_net_collect(&n, 0);
    pass(0, 1, MOVEX_RAFT_ASK);
    pass(1, 0, MOVEX_RAFT_VOTE);
    must(is_master(0) && movex_raft_room(raft_of(0)) == 0);
    lose_all();
    raft_of(1)->term = 1;
    raft_of(1)->master = 0;
    movex_raft_step_down(raft_of(1), 2);
    movex_raft_stand(raft_of(1), false);
    raft_net_collect(&n, 1);
    pass(1, 2, MOVEX_RAFT_ASK);
    pass(2, 1, MOVEX_RAFT_VOTE);
    must(is_master(1));
    lose(ANY, 0, ANY);
    n.by_hand = false;
    n.seats[0].apart = true;
    raft_net_run(&n, 500);
    must(movex_raft_room(raft_of(1)) != 0);
    n.seats[0].apart = false;
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    for (uint32_t i = 0; i < 3; i++) must(movex_raft_room(raft_of(i)) == movex_raft_room(raft_of(1)));
    must(raft_net_is_calm(&n));
    end();
}
END_TEST

/* The last member hands the room to who is at the door. */
START_TEST(the_last_one_leaves_the_room_to_who_comes)
{
    raft_net_start(&n, 1, 2, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    for (int i = 0; i < 5; i++) raft_net_propose(&n, 0);
    raft_net_run(&n, 50);
    uint64_t chain = n.seats[0].chain;
    raft_net_enter(&n, 1);
    raft_net_link(&n, 0, 1, true);
    n.seats[0].leaving = true;
    movex_raft_leave(raft_of(0));
    raft_net_run(&n, 2000);
    must(!n.seats[0].raft && n.seats[1].chain == chain && is_master(1));
    end();
}
END_TEST

/* ---- what is durable */

/* A vote leaves when it would survive a crash, and not before. */
START_TEST(a_vote_is_durable_before_it_leaves)
{
    start(3, 7);
    uint32_t voter = ((uint32_t)raft_net_master(&n) + 1) % 3, asker = (voter + 1) % 3;
    lose_all();
    raft_of(voter)->master = 0;
    movex_store_memory_hold(n.seats[voter].disk, true);
    write_to(voter, n.seats[asker].number,
             (movex_raft_message){.kind = MOVEX_RAFT_ASK,
                                  .term = raft_of(voter)->term + 1,
                                  .index = movex_raft_last(raft_of(voter)),
                                  .index_term = raft_of(voter)->term});
    must_equal(raft_of(voter)->voted_for, n.seats[asker].number);
    for (int i = 0; i < 3; i++) poll(voter);
    must_equal(waiting((int)voter, ANY, MOVEX_RAFT_VOTE), 0);
    must_equal(movex_store_memory_release(n.seats[voter].disk), MOVEX_OK);
    raft_net_collect(&n, voter);
    must_equal(waiting((int)voter, (int)asker, MOVEX_RAFT_VOTE), 1);
    restart(voter);
    must_equal(raft_of(voter)->voted_for, n.seats[asker].number);
    end();
}
END_TEST

/* A candidate's vote for itself as well: it asks for others, and counts it, only then. */
START_TEST(a_candidate_has_a_durable_vote)
{
    start(3, 7);
    uint32_t seat = ((uint32_t)raft_net_master(&n) + 1) % 3;
    lose_all();
    movex_store_memory_hold(n.seats[seat].disk, true);
    movex_raft_stand(raft_of(seat), false);
    for (int i = 0; i < 3; i++) poll(seat);
    must_equal(waiting((int)seat, ANY, MOVEX_RAFT_ASK), 0);
    must_equal(movex_store_memory_release(n.seats[seat].disk), MOVEX_OK);
    poll(seat);
    must_equal(waiting((int)seat, ANY, MOVEX_RAFT_ASK), 2);
    end();
}
END_TEST

/* The answer to entries names those that would survive a crash. */
START_TEST(an_answer_promises_what_is_durable)
{
    start(3, 7);
    uint32_t master = (uint32_t)raft_net_master(&n), other = (master + 1) % 3;
    uint64_t before = movex_raft_last(raft_of(other));
    lose_all();
    movex_store_memory_hold(n.seats[other].disk, true);
    must(movex_raft_propose(raft_of(master), "a", 1));
    raft_net_collect(&n, master);
    must_equal(pass((int)master, (int)other, MOVEX_RAFT_APPEND), 1);
    poll(other); /* the flush begins */
    must(movex_raft_propose(raft_of(master), "b", 1));
    raft_net_collect(&n, master);
    must_equal(pass((int)master, (int)other, MOVEX_RAFT_APPEND), 1);
    must_equal(movex_raft_last(raft_of(other)), before + 2);
    uint64_t third = 3 - master - other;
    lose((int)third, ANY, ANY);
    pass((int)other, (int)master, MOVEX_RAFT_APPENDED); /* of what was there before */
    must_equal(raft_of(master)->committed, before);
    must_equal(movex_store_memory_release(n.seats[other].disk), MOVEX_OK);
    raft_net_collect(&n, other);
    must_equal(pass((int)other, (int)master, MOVEX_RAFT_APPENDED), 1);
    must_equal(raft_of(master)->committed, before + 1);
    poll(other);
    must_equal(movex_store_memory_release(n.seats[other].disk), MOVEX_OK);
    raft_net_collect(&n, other);
    must_equal(pass((int)other, (int)master, MOVEX_RAFT_APPENDED), 1);
    must_equal(raft_of(master)->committed, before + 2);
    end();
}
END_TEST

/* The master's own part of a majority counts when it is durable. */
START_TEST(a_master_counts_itself_when_it_is_durable)
{
    start(2, 3);
    uint32_t master = (uint32_t)raft_net_master(&n);
    uint64_t before = movex_raft_last(raft_of(master));
    lose_all();
    movex_store_memory_hold(n.seats[master].disk, true);
    must(movex_raft_propose(raft_of(master), "a", 1));
    raft_net_collect(&n, master);
    pass((int)master, ANY, MOVEX_RAFT_APPEND);
    poll(1 - master);
    must(pass((int)(1 - master), (int)master, MOVEX_RAFT_APPENDED) > 0);
    must_equal(raft_of(master)->committed, before);
    must_equal(movex_store_memory_release(n.seats[master].disk), MOVEX_OK);
    poll(master);
    must_equal(raft_of(master)->committed, before + 1);
    end();
}
END_TEST

/* Who starts again from its store knows what was settled. */
START_TEST(what_was_settled_is_kept)
{
    start(3, 7);
    uint64_t room = movex_raft_room(raft_of(0));
    restart(0);
    must(room && movex_raft_room(raft_of(0)) == room);
    must_equal(raft_of(0)->committed_membership.count, 3);
    end();
}
END_TEST

/* ---- snapshots */

START_TEST(a_snapshot_comes_in_pieces)
{
    n.config.message_bytes = 500;
    raft_net_start(&n, 2, 3, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    uint32_t      master = (uint32_t)raft_net_master(&n);
    unsigned char snapshot[3000] = {0};
    raft_net_propose(&n, master);
    raft_net_run(&n, 100);
    memcpy(snapshot, &n.seats[master].told, 8);
    memcpy(snapshot + 8, &n.seats[master].chain, 8);
    must_equal(movex_raft_compact(raft_of(master), n.seats[master].told, snapshot, sizeof snapshot), MOVEX_OK);
    n.by_hand = true;
    lose_all();
    raft_net_enter(&n, 2);
    poll(2);
    raft_net_link(&n, master, 2, true);
    uint32_t pieces = 0, lost = 0;
    for (int i = 0; i < 200 && n.seats[2].restored == 0; i++) {
        n.now_ms += 20;
        poll(master);
        poll(1 - master);
        pass((int)master, (int)(1 - master), ANY);
        pass((int)(1 - master), (int)master, ANY);
        pass((int)master, 2, MOVEX_RAFT_APPEND);
        if (waiting((int)master, 2, MOVEX_RAFT_PIECE) && i % 4 == 1) {
            lose((int)master, 2, MOVEX_RAFT_PIECE);
            lost++;
        }
        pieces += pass((int)master, 2, MOVEX_RAFT_PIECE);
        if (n.seats[2].restored)
            lose(2, ANY, ANY); /* the last answer is lost */
        else
            pass(2, (int)master, ANY);
    }
    must(n.seats[2].restored == 1 && pieces == 6 && lost > 0);
    uint64_t sent = n.sent[MOVEX_RAFT_PIECE];
    for (int i = 0; i < 20; i++) {
        n.now_ms += 20;
        poll(master);
        pass(ANY, ANY, ANY);
    }
    must(n.sent[MOVEX_RAFT_PIECE] <= sent + 1); /* not all of it once more */
    must(raft_of(2)->committed >= raft_of(2)->log.snapshot_index && n.seats[2].chain == n.seats[master].chain);
    end();
}
END_TEST

/* ---- two, of whom each may go on */

static void start_two(unsigned with_disk)
{
    n.config.survivor_goes_on = true;
    raft_net_start(&n, 2, 2, with_disk);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    raft_net_propose(&n, (uint32_t)raft_net_master(&n));
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
}

static void both_go_on(void)
{
    for (uint32_t i = 0; i < 2; i++) raft_net_apart(&n, i, true);
    raft_net_run(&n, 2000);
    must(raft_of(0)->alone && raft_of(1)->alone);
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t k = 0; k <= i; k++) must(raft_net_propose(&n, i));
}

/* Who yields goes back to what both have held, and no further: it can go on with that if the other one is lost at once. */
START_TEST(who_yields_keeps_what_both_have_held)
{
    start_two(_i ? 3 : 0);
    uint64_t common = raft_of(0)->committed, chain = n.seats[0].chain;
    both_go_on();
    for (uint32_t i = 0; i < 2; i++) raft_net_apart(&n, i, false);
    n.by_hand = true;
    lose_all();
    uint32_t loser = raft_of(0)->term < raft_of(1)->term || (raft_of(0)->term == raft_of(1)->term) ? 0 : 1;
    if (raft_of(0)->term == raft_of(1)->term) loser = 1; /* m0 is the smaller name */
    n.now_ms += 100;
    poll(0);
    poll(1);
    lose_all();
    write_to(loser, n.seats[1 - loser].number,
             (movex_raft_message){.kind = MOVEX_RAFT_APPEND,
                                  .term = raft_of(1 - loser)->term,
                                  .alone = true,
                                  .index = movex_raft_last(raft_of(1 - loser)),
                                  .index_term = raft_of(1 - loser)->term});
    must_equal(n.seats[loser].undone, 1);
    must_equal(raft_of(loser)->committed, common);
    must_equal(n.seats[loser].chain, chain);
    lose_all();
    raft_net_kill(&n, 1 - loser);
    n.by_hand = false;
    raft_net_run(&n, 3000);
    must(raft_of(loser)->alone && raft_net_propose(&n, loser));
    end();
}
END_TEST

/* An entry that one of two has acknowledged is certain for the other, also if it was not told so before both went on. */
START_TEST(who_yields_keeps_what_it_has_promised)
{
    start_two(0);
    uint32_t master = (uint32_t)raft_net_master(&n), other = 1 - master;
    n.by_hand = true;
    lose_all();
    uint64_t index = raft_net_propose(&n, master);
    raft_net_collect(&n, master);
    must(index && pass((int)master, (int)other, MOVEX_RAFT_APPEND) > 0);
    lose((int)master, ANY, ANY);
    must(pass((int)other, (int)master, MOVEX_RAFT_APPENDED) > 0);
    must(raft_of(master)->committed == index && raft_of(master)->joint == index && raft_of(other)->committed < index);
    lose_all();
    uint64_t term = movex_raft_term_at(raft_of(other), index);
    movex_raft_go_on_alone(raft_of(other));
    poll(other);
    for (int i = 0; i < 3; i++) { /* a later term */
        movex_raft_go_on_alone(raft_of(master));
        poll(master);
    }
    must(raft_net_propose(&n, other) && raft_of(other)->committed > index);
    lose_all();
    write_to(other, n.seats[master].number,
             (movex_raft_message){.kind = MOVEX_RAFT_APPEND,
                                  .term = raft_of(master)->term,
                                  .alone = true,
                                  .index = 99,
                                  .index_term = raft_of(master)->term});
    must_equal(n.seats[other].undone, 1);
    must(movex_raft_last(raft_of(other)) == index && movex_raft_term_at(raft_of(other), index) == term);
    must(raft_of(other)->committed < index);
    end();
}
END_TEST

/* What a follower is told by a master who is alone, that one may give up: it is not what both have held. */
START_TEST(what_one_alone_tells_is_not_certain)
{
    start_two(0);
    uint32_t master = (uint32_t)raft_net_master(&n), other = 1 - master;
    uint64_t joint = raft_of(other)->joint;
    must_equal(joint, raft_of(other)->committed);
    n.by_hand = true;
    lose_all();
    movex_raft_go_on_alone(raft_of(master));
    poll(master);
    must(raft_net_propose(&n, master));
    n.now_ms += 100;
    poll(master);
    for (int i = 0; i < 4; i++) {
        pass((int)master, (int)other, MOVEX_RAFT_APPEND);
        if (raft_of(other)->committed > joint) break;
        pass((int)other, (int)master, MOVEX_RAFT_APPENDED);
        n.now_ms += 60;
        poll(master);
    }
    must(raft_of(other)->committed > joint);
    if (raft_of(master)->branch) must_equal(raft_of(other)->joint, joint);
    end();
}
END_TEST

/* Who came as the second is lost before it has acknowledged that: the first, which is the only one that is sure, goes on. */
START_TEST(a_survivor_goes_on_when_who_comes_is_lost)
{
    start_two(0);
    raft_net_kill(&n, 1);
    raft_net_run(&n, 2000);
    must(raft_of(0)->alone);
    raft_net_enter(&n, 1);
    raft_net_link(&n, 0, 1, true);
    for (int i = 0; i < 400 && !(raft_of(0)->membership.count == 2 &&
                                 movex_raft_is_member(&raft_of(0)->membership, n.seats[1].number));
         i++)
        raft_net_run(&n, 5);
    must(raft_of(0)->committed < raft_of(0)->membership_index);
    raft_net_kill(&n, 1);
    raft_net_run(&n, 3000);
    must(raft_net_propose(&n, 0) != 0);
    end();
}
END_TEST

/* One that has gone on alone, starts again from its store and leads by both votes has nothing to give up any more. */
START_TEST(a_branch_that_both_hold_is_none)
{
    start_two(3);
    raft_net_apart(&n, 1, true);
    raft_net_run(&n, 2000);
    must(raft_of(0)->branch && raft_net_propose(&n, 0));
    raft_net_run(&n, 20);
    raft_net_kill(&n, 0);
    raft_net_kill(&n, 1);
    raft_net_enter(&n, 0);
    raft_net_enter(&n, 1);
    must(raft_of(0)->branch != 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    raft_net_run(&n, 100);
    must(!raft_of(0)->branch && raft_of(0)->joint == raft_of(0)->committed);
    end();
}
END_TEST

START_TEST(both_agree_when_they_meet)
{
    start_two(_i ? 3 : 0);
    both_go_on();
    for (uint32_t i = 0; i < 2; i++) raft_net_apart(&n, i, false);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    raft_net_run(&n, 100);
    must_equal(n.seats[0].undone + n.seats[1].undone, 1);
    must(!raft_of(0)->branch && !raft_of(1)->branch);
    end();
}
END_TEST

/* One that has gone on alone, and starts again from its store when both are of one term: one of the two yields, not both. */
START_TEST(a_tie_is_a_tie_after_a_restart)
{
    start_two(3);
    both_go_on();
    uint64_t term = raft_of(0)->term > raft_of(1)->term ? raft_of(0)->term : raft_of(1)->term;
    for (uint32_t i = 0; i < 2; i++)
        while (raft_of(i)->term < term) { /* as chance could have it */
            movex_raft_go_on_alone(raft_of(i));
            poll(i);
        }
    raft_net_run(&n, 100);
    uint32_t again = (uint32_t)_i;
    raft_net_kill(&n, again);
    raft_net_enter(&n, again);
    n.seats[0].apart = n.seats[1].apart = false;
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    must_equal(n.seats[0].undone, 0);
    must_equal(n.seats[1].undone, 1);
    end();
}
END_TEST

START_TEST(a_survivor_starts_again_from_its_store)
{
    start_two(3);
    uint64_t chain = n.seats[0].chain;
    raft_net_kill(&n, 1);
    raft_net_kill(&n, 0);
    raft_net_enter(&n, 0);
    raft_net_run(&n, 3000);
    must(raft_of(0)->alone && n.seats[0].chain == chain);
    must(raft_net_propose(&n, 0));
    end();
}
END_TEST

/* The other one may have let it go already, and be the only member by right. */
START_TEST(who_is_leaving_does_not_go_on_alone)
{
    start_two(0);
    uint32_t master = (uint32_t)raft_net_master(&n), other = 1 - master;
    n.by_hand = true;
    n.seats[other].leaving = true;
    movex_raft_leave(raft_of(other));
    n.now_ms += 20;
    poll(other);
    must_equal(pass((int)other, (int)master, MOVEX_RAFT_LET_GO), 1);
    poll(master);
    must_equal(raft_of(master)->committed_membership.count, 1);
    lose_all();
    n.by_hand = false;
    raft_net_apart(&n, other, true);
    raft_net_run(&n, 3000);
    must(!is_master(other));
    must(raft_net_propose(&n, master));
    raft_net_apart(&n, other, false);
    raft_net_run(&n, 1000);
    must(n.seats[other].left || !raft_of(other));
    must_equal(n.seats[master].undone, 0);
    end();
}
END_TEST

/* A term of one's own leaves when one would still know of it after a crash. */
START_TEST(a_term_of_ones_own_is_durable_before_it_leaves)
{
    start_two(3);
    for (uint32_t i = 0; i < 2; i++) raft_net_apart(&n, i, true);
    n.by_hand = true;
    lose_all();
    movex_store_memory_hold(n.seats[0].disk, true);
    movex_raft_go_on_alone(raft_of(0));
    must(raft_of(0)->alone);
    for (int i = 0; i < 3; i++) {
        n.now_ms += 100;
        poll(0);
    }
    must_equal(waiting(0, 1, MOVEX_RAFT_APPEND), 0);
    must_equal(movex_store_memory_release(n.seats[0].disk), MOVEX_OK);
    n.now_ms += 100;
    poll(0);
    must(waiting(0, 1, MOVEX_RAFT_APPEND) > 0);
    end();
}
END_TEST

/* What a master tells while it is alone may be undone, also for who hears of it. */
START_TEST(a_follower_knows_that_its_master_is_alone)
{
    start_two(0);
    uint32_t master = (uint32_t)raft_net_master(&n), other = 1 - master;
    raft_net_apart(&n, other, true);
    n.seats[other].paused = true;
    raft_net_run(&n, 2000);
    must(raft_of(master)->alone && raft_net_propose(&n, master));
    n.by_hand = true;
    lose_all();
    n.now_ms += 100;
    poll(master);
    must(!movex_raft_is_provisional(raft_of(other)));
    pass((int)master, (int)other, MOVEX_RAFT_APPEND);
    must(movex_raft_is_provisional(raft_of(other)));
    n.by_hand = false;
    n.seats[other].apart = n.seats[other].paused = false;
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    raft_net_run(&n, 100);
    must(!movex_raft_is_provisional(raft_of(other)) && !raft_of(master)->branch);
    end();
}
END_TEST

/* ---- time */

/* Whoever has nothing to do is not asked to look again at once, for ever. */
static void must_lie_ahead(void)
{
    for (int step = 0; step < 400; step++) {
        raft_net_run(&n, 5);
        for (uint32_t i = 0; i < n.count; i++)
            if (n.seats[i].raft) must(movex_raft_deadline(raft_of(i)) > raft_of(i)->now_ms);
    }
}

START_TEST(deadlines_lie_ahead)
{
    raft_net_start(&n, 3, 4, 2);
    raft_net_kill(&n, 2);
    must_lie_ahead();
    raft_net_kill(&n, 0); /* a majority is gone: who is left has nothing to do but to stand again */
    raft_net_enter(&n, 3);
    must_lie_ahead();
    movex_raft *comer = raft_of(3);
    must(comer->role == MOVEX_RAFT_FOLLOWER && movex_raft_deadline(comer) == UINT64_MAX);
    end();
}
END_TEST

/* Who is polled rarely, and finds what its master has said meanwhile, does not believe it lost. */
START_TEST(who_is_polled_rarely_misses_nobody)
{
    start(3, 0);
    uint32_t master = (uint32_t)raft_net_master(&n), other = (master + 1) % 3, third = (master + 2) % 3;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 40; i++) {
            n.now_ms += 50;
            poll(master);
            poll(third);
            pass((int)master, (int)third, ANY);
            pass((int)third, (int)master, ANY);
        }
        movex_raft_tell_time(raft_of(other), n.now_ms + other * 1000003);
        pass((int)master, (int)other, ANY);
        poll(other);
        must(raft_of(other)->role == MOVEX_RAFT_FOLLOWER && raft_of(other)->master == n.seats[master].number);
        pass((int)other, (int)master, ANY);
    }
    end();
}
END_TEST

/* A clock that jumps by hours brings an election at the most. */
START_TEST(a_clock_may_jump)
{
    raft_net_start(&n, 3, 3, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    n.now_ms += 5 * 3600 * 1000;
    for (uint32_t i = 0; i < n.packet_count; i++) n.packets[i].due_ms = 0;
    raft_net_run(&n, 1000);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    for (uint32_t i = 0; i < 3; i++) must(raft_of(i)->term < 5);
    end();
}
END_TEST

/* ---- what is sent */

/* A master that has nothing new speaks once in a heartbeat to each, and is answered once. */
START_TEST(silence_costs_a_heartbeat)
{
    raft_net_start(&n, 3, 3, 0);
    must(raft_net_await_calm(&n, CALM_MS) != UINT32_MAX);
    raft_net_run(&n, 200);
    uint64_t appends = n.sent[MOVEX_RAFT_APPEND], answers = n.sent[MOVEX_RAFT_APPENDED];
    raft_net_run(&n, 5000);
    must_equal(n.sent[MOVEX_RAFT_APPEND] - appends, 2 * 5000 / 50);
    must_equal(n.sent[MOVEX_RAFT_APPENDED] - answers, 2 * 5000 / 50);
    for (int kind = MOVEX_RAFT_PIECE; kind <= MOVEX_RAFT_REMOVED; kind++) must_equal(n.sent[kind], 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    suite_add_tcase(suite, all);
    tcase_add_test(all, figure_8);
    tcase_add_test(all, votes_go_to_who_has_all);
    tcase_add_test(all, who_comes_back_disturbs_nobody);
    tcase_add_test(all, who_hears_a_master_votes_for_nobody);
    tcase_add_test(all, an_amnesiac_has_no_old_number);
    tcase_add_test(all, one_change_at_a_time);
    tcase_add_test(all, who_was_removed_learns_it);
    tcase_add_test(all, who_was_removed_comes_as_another);
    tcase_add_test(all, a_room_that_did_not_begin_gives_way);
    tcase_add_test(all, the_last_one_leaves_the_room_to_who_comes);
    tcase_add_test(all, a_vote_is_durable_before_it_leaves);
    tcase_add_test(all, a_candidate_has_a_durable_vote);
    tcase_add_test(all, an_answer_promises_what_is_durable);
    tcase_add_test(all, a_master_counts_itself_when_it_is_durable);
    tcase_add_test(all, what_was_settled_is_kept);
    tcase_add_test(all, a_snapshot_comes_in_pieces);
    tcase_add_loop_test(all, who_yields_keeps_what_both_have_held, 0, 2);
    tcase_add_test(all, who_yields_keeps_what_it_has_promised);
    tcase_add_test(all, what_one_alone_tells_is_not_certain);
    tcase_add_test(all, a_survivor_goes_on_when_who_comes_is_lost);
    tcase_add_test(all, a_branch_that_both_hold_is_none);
    tcase_add_loop_test(all, both_agree_when_they_meet, 0, 2);
    tcase_add_loop_test(all, a_tie_is_a_tie_after_a_restart, 0, 2);
    tcase_add_test(all, a_survivor_starts_again_from_its_store);
    tcase_add_test(all, who_is_leaving_does_not_go_on_alone);
    tcase_add_test(all, a_term_of_ones_own_is_durable_before_it_leaves);
    tcase_add_test(all, a_follower_knows_that_its_master_is_alone);
    tcase_add_test(all, deadlines_lie_ahead);
    tcase_add_test(all, who_is_polled_rarely_misses_nobody);
    tcase_add_test(all, a_clock_may_jump);
    tcase_add_test(all, silence_costs_a_heartbeat);
    return movex_test_main(suite);
}
