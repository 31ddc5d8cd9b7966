/* Raft's messages: each is read as it was written, and whatever is not exactly one is refused and changes nothing. */
#include "raft_alone.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

static raft_alone a;

/* ---- good ones */

static movex_raft_message of(movex_raft_message_kind kind)
{
    movex_raft_message message = raft_alone_head(kind, 300);
    switch (kind) {
    case MOVEX_RAFT_ASK:
        message.index = 1000;
        message.index_term = 299;
        message.trial = message.handed_over = true;
        break;
    case MOVEX_RAFT_APPEND:
        message.index = 12;
        message.index_term = 3;
        message.committed = 1 << 20;
        message.alone = true;
        break;
    case MOVEX_RAFT_APPENDED:
    case MOVEX_RAFT_REMOVED:
        message.index = 70000;
        message.granted = kind == MOVEX_RAFT_APPENDED;
        break;
    case MOVEX_RAFT_PIECE:
        message.index = 12;
        message.index_term = 3;
        message.total = 10;
        message.membership = raft_alone_membership(3);
        message.membership.members[1] = (movex_raft_member){0}; /* a seat that waits */
        message.membership_index = 11;
        message.bytes = (movex_wire_bytes){"0123456789", 10};
        break;
    case MOVEX_RAFT_PIECE_TAKEN:
        message.index = 12;
        message.offset = 200;
        break;
    default: break;
    }
    return message;
}

/* Number i of the good messages is in a.bytes; false if there are no more. */
static bool make_good(uint32_t i)
{
    movex_raft_message message;
    if (i < MOVEX_RAFT_REMOVED) {
        raft_alone_make(&a, of((movex_raft_message_kind)(i + 1)), 0, 0);
        return true;
    }
    switch (i - MOVEX_RAFT_REMOVED) {
    case 0: raft_alone_make(&a, of(MOVEX_RAFT_APPEND), 3, 7); return true;
    case 1:
        message = of(MOVEX_RAFT_APPEND);
        message.index = message.index_term = 0;
        raft_alone_make(&a, message, 2, 300); /* the first is a membership */
        return true;
    case 2:
        message = of(MOVEX_RAFT_PIECE);
        message.offset = 4;
        message.bytes.length = 6;
        raft_alone_make(&a, message, 0, 0);
        return true;
    case 3:
        message = of(MOVEX_RAFT_PIECE);
        message.total = message.bytes.length = 0;
        raft_alone_make(&a, message, 0, 0);
        return true;
    case 4: /* nothing is known of any room */
        raft_alone_make(&a, (movex_raft_message){.kind = MOVEX_RAFT_VOTE, .trial = true}, 0, 0);
        return true;
    default: return false;
    }
}

static bool read_one(const void *bytes, size_t length, movex_raft_message *message)
{
    movex_reader reader = movex_reader_over(bytes, length);
    return movex_read_raft_message(&reader, message);
}

/* What was read is written as the same bytes. */
static void must_be_canonical(const unsigned char *bytes, size_t length)
{
    static unsigned char again[RAFT_ALONE_BYTES];
    movex_raft_message   message;
    movex_writer         writer = movex_writer_over(again, sizeof again);
    must(read_one(bytes, length, &message));
    movex_write_raft_message(&writer, &message);
    movex_reader entries = movex_reader_over(message.entries.bytes, message.entries.length);
    for (uint32_t i = 0; i < message.count; i++) {
        movex_raft_wire_entry entry;
        must(movex_read_raft_entry(&entries, &entry));
        movex_write_raft_entry(&writer, &entry);
    }
    must(movex_reader_left(&entries) == 0 && (size_t)(writer.at - again) == length &&
         memcmp(again, bytes, length) == 0);
}

START_TEST(messages_are_read_as_they_were_written)
{
    uint32_t count = 0;
    a.count = 3;
    for (; make_good(count); count++) must_be_canonical(a.bytes, a.length);
    must(count == MOVEX_RAFT_REMOVED + 5);
    for (int kind = MOVEX_RAFT_ASK; kind <= MOVEX_RAFT_REMOVED; kind++) {
        movex_raft_message message = of((movex_raft_message_kind)kind), read;
        raft_alone_make(&a, message, 0, 0);
        must(read_one(a.bytes, a.length, &read));
        must(read.kind == message.kind && read.room == message.room && read.term == message.term &&
             read.trial == message.trial);
        must(read.handed_over == message.handed_over && read.granted == message.granted && read.alone == message.alone);
        must(read.settled == message.settled && read.was_member == message.was_member && read.index == message.index);
        must(read.index_term == message.index_term && read.committed == message.committed &&
             read.total == message.total);
        must(read.offset == message.offset && read.membership_index == message.membership_index);
        must(memcmp(&read.membership, &message.membership, sizeof read.membership) == 0);
        must(read.bytes.length == message.bytes.length &&
             (!read.bytes.length || memcmp(read.bytes.bytes, message.bytes.bytes, read.bytes.length) == 0));
    }
}
END_TEST

/* ---- bad ones */

/* It is refused, from a block of exactly that size, and the member is what it was, to the bit. */
static void must_refuse(const unsigned char *bytes, size_t length)
{
    static struct movex_raft before;
    unsigned char           *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    memcpy(&before, a.raft, sizeof before);
    must_equal(movex_raft_receive(a.raft, 2, copy, length), MOVEX_ERR_MALFORMED);
    must(memcmp(&before, a.raft, sizeof before) == 0);
    free(copy);
}

static void start(void)
{
    memset(&a, 0, sizeof a);
    must(raft_alone_start(&a, 3));
    raft_alone_follow(&a, 2, 5, 4);
}

START_TEST(what_is_cut_or_longer_is_refused)
{
    start();
    must_refuse(a.bytes, 0);
    for (uint32_t i = 0; make_good(i); i++) {
        for (size_t length = 1; length < a.length; length++) must_refuse(a.bytes, length);
        a.bytes[a.length] = 0;
        must_refuse(a.bytes, a.length + 1);
    }
    raft_alone_end(&a);
}
END_TEST

/* Each byte as each other: it is refused, or it is another message in its one form. */
START_TEST(there_is_one_form)
{
    start();
    uint32_t refused = 0;
    for (uint32_t i = 0; make_good(i); i++)
        for (size_t at = 0; at < a.length; at++) {
            unsigned char      good = a.bytes[at];
            movex_raft_message message;
            for (unsigned value = 0; value < 256; value++) {
                a.bytes[at] = (unsigned char)value;
                if (read_one(a.bytes, a.length, &message)) {
                    must_be_canonical(a.bytes, a.length);
                } else {
                    refused++;
                    if (value == (good ^ 1u)) must_refuse(a.bytes, a.length);
                }
            }
            a.bytes[at] = good;
        }
    must(refused > 10000);
    raft_alone_end(&a);
}
END_TEST

static void must_refuse_message(movex_raft_message message, uint32_t count, uint64_t entry_term)
{
    raft_alone_make(&a, message, count, entry_term);
    must_refuse(a.bytes, a.length);
}

START_TEST(fields_have_bounds)
{
    const uint64_t     far = MOVEX_RAFT_NUMBER_MOST + 1;
    movex_raft_message message;
    start();
    for (int kind = MOVEX_RAFT_ASK; kind <= MOVEX_RAFT_REMOVED; kind++) {
        message = of((movex_raft_message_kind)kind);
        message.term = far;
        must_refuse_message(message, 0, 0);
        message = of((movex_raft_message_kind)kind);
        message.room = 0; /* and settled */
        must_refuse_message(message, 0, 0);
        message = of((movex_raft_message_kind)kind);
        message.index = far;
        bool has_index = kind != MOVEX_RAFT_VOTE && kind != MOVEX_RAFT_STAND && kind != MOVEX_RAFT_LET_GO;
        if (has_index) must_refuse_message(message, 0, 0);
        raft_alone_make(&a, of((movex_raft_message_kind)kind), 0, 0);
        a.bytes[0] = (unsigned char)(kind == MOVEX_RAFT_ASK ? 0 : MOVEX_RAFT_REMOVED + kind);
        must_refuse(a.bytes, a.length);
    }
    /* flags that there are not; they lie behind a term of two bytes */
    for (unsigned flag = 64; flag < 256; flag *= 2) {
        raft_alone_make(&a, of(MOVEX_RAFT_VOTE), 0, 0);
        a.bytes[a.length - 1] = (unsigned char)(a.bytes[a.length - 1] | flag);
        must_refuse(a.bytes, a.length);
    }
    raft_alone_end(&a);
}
END_TEST

/* An APPEND of what `entries` writes. */
static void must_refuse_entries(uint32_t count, const movex_raft_wire_entry *entries, uint32_t written)
{
    movex_raft_message message = of(MOVEX_RAFT_APPEND);
    movex_writer       writer = movex_writer_over(a.bytes, sizeof a.bytes);
    message.count = count;
    movex_write_raft_message(&writer, &message);
    for (uint32_t i = 0; i < written; i++) movex_write_raft_entry(&writer, &entries[i]);
    must_refuse(a.bytes, (size_t)(writer.at - a.bytes));
}

START_TEST(entries_are_sound)
{
    const movex_wire_bytes some = {"x", 1}, none = {"", 0};
    start();
#define refuse(count, ...)                                                                                             \
    must_refuse_entries(count, (const movex_raft_wire_entry[]){__VA_ARGS__},                                           \
                        sizeof((const movex_raft_wire_entry[]){__VA_ARGS__}) / sizeof(movex_raft_wire_entry))
    refuse(1, {0, MOVEX_RAFT_CONTENT, some});
    refuse(1, {2, MOVEX_RAFT_CONTENT, some});   /* earlier than the entry before */
    refuse(1, {301, MOVEX_RAFT_CONTENT, some}); /* later than the master's term */
    refuse(2, {5, MOVEX_RAFT_CONTENT, some}, {4, MOVEX_RAFT_CONTENT, some});
    refuse(1, {5, (movex_raft_entry_kind)0, some});
    refuse(1, {5, (movex_raft_entry_kind)4, some});
    refuse(1, {5, MOVEX_RAFT_NOTHING, some});
    refuse(1, {5, MOVEX_RAFT_CONTENT, none});
    refuse(1, {5, MOVEX_RAFT_MEMBERSHIP, none});
    refuse(1, {5, MOVEX_RAFT_MEMBERSHIP, some});
    refuse(2, {5, MOVEX_RAFT_CONTENT, some});
    refuse(0, {5, MOVEX_RAFT_CONTENT, some});
    refuse(UINT32_MAX, {5, MOVEX_RAFT_CONTENT, some});
#undef refuse
    movex_raft_message message = of(MOVEX_RAFT_APPEND);
    message.index = MOVEX_RAFT_NUMBER_MOST - 1;
    must_refuse_message(message, 2, 7);
    message.index = message.index_term = 0;
    must_refuse_message(message, 2, 0);
    raft_alone_end(&a);
}
END_TEST

static void must_refuse_membership(movex_raft_membership membership)
{
    unsigned char      bytes[MOVEX_RAFT_MEMBERSHIP_MOST + 1024];
    movex_writer       writer = movex_writer_over(bytes, sizeof bytes);
    movex_raft_message message = of(MOVEX_RAFT_PIECE);
    message.membership = membership;
    must_refuse_message(message, 0, 0);
    movex_write_raft_membership(&writer, &membership);
    must_refuse_entries(1, &(movex_raft_wire_entry){5, MOVEX_RAFT_MEMBERSHIP, {bytes, (size_t)(writer.at - bytes)}}, 1);
}

START_TEST(memberships_are_sound)
{
    movex_raft_membership membership;
    start();
#define refuse(change)                                                                                                 \
    do {                                                                                                               \
        membership = raft_alone_membership(3);                                                                         \
        change;                                                                                                        \
        must_refuse_membership(membership);                                                                            \
    } while (0)
    refuse(membership.room = 0);
    refuse(membership.count = 0);
    refuse(membership.members[2].number = 1);
    refuse(strcpy(membership.members[2].name, "m1"));
    refuse(membership.members[2].name[0] = 0);
    refuse(membership.members[2].name[0] = '\n');
    refuse(memcpy(membership.members[2].name, "\xff\xff", 2));
    refuse(membership.members[2].address[0] = '\t');
#undef refuse
    /* one more than there can be, and a name that is too long: no struct can say that */
    raft_alone_make(&a, of(MOVEX_RAFT_PIECE), 0, 0);
    unsigned char *count = a.bytes + a.length - 11 - (8 + 3 + 1) * 2 - 8 - 1;
    must_equal(*count, 3);
    *count = MOVEX_RAFT_MOST_MEMBERS + 1;
    must_refuse(a.bytes, a.length);
    *count = 3;
    must_equal(count[9], 2);
    count[9] = MOVEX_NAME_MAX + 1;
    must_refuse(a.bytes, a.length);
    raft_alone_end(&a);
}
END_TEST

START_TEST(pieces_are_sound)
{
    movex_raft_message message;
    start();
#define refuse(change)                                                                                                 \
    do {                                                                                                               \
        message = of(MOVEX_RAFT_PIECE);                                                                                \
        change;                                                                                                        \
        must_refuse_message(message, 0, 0);                                                                            \
    } while (0)
    refuse(message.index = message.membership_index = 0);
    refuse(message.index_term = 0);
    refuse(message.index_term = 301);
    refuse(message.total = 9);
    refuse(message.offset = 11);
    refuse(message.offset = 1);
    refuse(message.membership_index = 13);
    refuse(message.total = MOVEX_RAFT_SNAPSHOT_MOST + 1);
#undef refuse
    raft_alone_end(&a);
}
END_TEST

/* ---- what is a message, and cannot be true */

/* Whoever says so gets nowhere: what is committed stays, and what follows is in order. */
START_TEST(lies_change_nothing_that_is_committed)
{
    movex_raft_event event;
    start();
    while (movex_raft_next(a.raft, &event)) {}
    movex_raft_message append = raft_alone_head(MOVEX_RAFT_APPEND, 9);
    append.index = 2;
    append.index_term = 1; /* it is of term 2 */
    must_equal(raft_alone_say(&a, 3, append, 3, 1),
               MOVEX_ERR_MALFORMED); /* ends behind what is committed, and is of before */
    must_equal(movex_raft_last(a.raft), 5);
    must_equal(movex_raft_term_at(a.raft, 5), 2);
    append.index = 0;
    append.index_term = 0;
    append.committed = MOVEX_RAFT_NUMBER_MOST;
    must_equal(raft_alone_say(&a, 3, append, 4, 1), MOVEX_OK);
    must_equal(movex_raft_committed(a.raft), 4);
    must_equal(movex_raft_term_at(a.raft, 4), 2);
    must(!movex_raft_next(a.raft, &event) || event.kind != MOVEX_RAFT_ENTRY);
    must_equal(movex_raft_receive(a.raft, 99, a.bytes, a.length), MOVEX_OK); /* of somebody who was never met */
    raft_alone_end(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft wire");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    suite_add_tcase(suite, all);
    tcase_add_test(all, messages_are_read_as_they_were_written);
    tcase_add_test(all, what_is_cut_or_longer_is_refused);
    tcase_add_test(all, there_is_one_form);
    tcase_add_test(all, fields_have_bounds);
    tcase_add_test(all, entries_are_sound);
    tcase_add_test(all, memberships_are_sound);
    tcase_add_test(all, pieces_are_sound);
    tcase_add_test(all, lies_change_nothing_that_is_committed);
    return movex_test_main(suite);
}
