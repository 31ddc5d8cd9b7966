/* Messages between peers, and of Raft: what is written comes back, and nothing else is taken. */
#include "meter.h"
#include "peer_wire.h"
#include "raft_wire.h"
#include "support.h"

#include <movex/text.h>

#include <stdlib.h>
#include <string.h>

enum { MOST = 16384 };

static unsigned char bytes[MOST], again[MOST];
static char          letters[4096];

/* ---- the peers' own */

static movex_peer_hello a_hello(void)
{
    return (movex_peer_hello){.protocol = MOVEX_PEER_PROTOCOL_VERSION,
                              .room_name = {"room", 4},
                              .room = 7,
                              .room_size = 3,
                              .number = 9,
                              .id = {"id", 2},
                              .address = {"here", 4},
                              .dialled = {"there", 5},
                              .credentials = {"secret", 6},
                              .max_frame = 65536,
                              .known = 2,
                              .addresses = {{"a", 1}, {"b", 1}}};
}

static size_t write_hello(const movex_peer_hello *hello)
{
    movex_writer writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_peer_hello(&writer, hello);
    return (size_t)(writer.at - bytes);
}

static bool read_hello(size_t length, movex_peer_hello *hello)
{
    unsigned char *copy = malloc(length ? length : 1); /* so that reading past its end is found */
    memcpy(copy, bytes, length);
    movex_reader reader = movex_reader_over(copy, length);
    bool         sound = movex_read_u8(&reader) == MOVEX_PEER_HELLO && movex_read_peer_hello(&reader, hello) &&
                 !movex_reader_left(&reader);
    free(copy);
    return sound;
}

static bool takes(movex_peer_hello hello)
{
    movex_peer_hello found;
    return read_hello(write_hello(&hello), &found);
}

/* The message with one thing changed: taken up to a limit, and refused by one more. */
#define must_take(member, value) must_take_it(true, member, value)
#define must_refuse(member, value) must_take_it(false, member, value)
#define must_take_it(taken, member, value)                                                                             \
    do {                                                                                                               \
        movex_peer_hello changed_ = a_hello();                                                                         \
        changed_.member = value;                                                                                       \
        must_msg(takes(changed_) == taken, "%s = %s", #member, #value);                                                \
    } while (0)
#define text(length) ((movex_wire_text){letters, length})

START_TEST(hello_has_limits)
{
    must(takes(a_hello()));
    must_take(room_name, text(1));
    must_take(room_name, text(MOVEX_ROOM_NAME_MAX));
    must_refuse(room_name, text(0));
    must_refuse(room_name, text(MOVEX_ROOM_NAME_MAX + 1));
    must_take(room, 0);
    must_take(room_size, 1);
    must_take(room_size, MOVEX_ROOM_MAX);
    must_refuse(room_size, 0);
    must_refuse(room_size, MOVEX_ROOM_MAX + 1);
    must_refuse(number, 0);
    must_take(number, UINT64_MAX);
    must_take(id, text(MOVEX_NAME_MAX));
    must_refuse(id, text(0));
    must_refuse(id, text(MOVEX_NAME_MAX + 1));
    must_take(address, text(0));
    must_take(address, text(MOVEX_ADDRESS_MAX));
    must_refuse(address, text(MOVEX_ADDRESS_MAX + 1));
    must_take(dialled, text(0));
    must_take(dialled, text(MOVEX_ADDRESS_MAX));
    must_refuse(dialled, text(MOVEX_ADDRESS_MAX + 1));
    must_take(credentials, text(0));
    must_take(credentials, text(MOVEX_INFO_MAX));
    must_refuse(credentials, text(MOVEX_INFO_MAX + 1));
    must_take(max_frame, MOVEX_IO_MIN_FRAME);
    must_refuse(max_frame, MOVEX_IO_MIN_FRAME - 1);
    must_take(max_frame, UINT64_MAX);
    must_take(addresses[0], text(MOVEX_ADDRESS_MAX));
    must_refuse(addresses[0], text(MOVEX_ADDRESS_MAX + 1));
    must_refuse(addresses[1], text(0));
    must_take(known, 0);
    static const char *const unclean[] = {"a\nb", "\x7f", "\xc3", "\xff", "a\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof unclean / sizeof unclean[0]; i++) {
        movex_wire_text bad = {unclean[i], (uint32_t)strlen(unclean[i])};
        must_refuse(room_name, bad);
        must_refuse(id, bad);
        must_refuse(address, bad);
        must_refuse(dialled, bad);
        must_refuse(credentials, bad);
        must_refuse(addresses[0], bad);
    }
    must_refuse(id, ((movex_wire_text){"a\0b", 3}));
}
END_TEST

START_TEST(hello_comes_back)
{
    movex_peer_hello hello = a_hello(), found;
    hello.known = MOVEX_ROOM_MAX;
    for (uint32_t i = 0; i < hello.known; i++) hello.addresses[i] = text(MOVEX_ADDRESS_MAX);
    hello.room_name = text(MOVEX_ROOM_NAME_MAX);
    hello.id = text(MOVEX_NAME_MAX);
    hello.address = hello.dialled = text(MOVEX_ADDRESS_MAX);
    hello.credentials = text(MOVEX_INFO_MAX);
    hello.max_frame = UINT64_MAX;
    hello.survivor_goes_on = true;
    size_t length = write_hello(&hello);
    must(length <= MOVEX_PEER_HELLO_MOST);
    memcpy(again, bytes, length);
    must(read_hello(length, &found));
    for (size_t i = 0; i < length; i++) must(!read_hello(i, &found));
    must(!read_hello(length + 1, &found));
    hello.known = MOVEX_ROOM_MAX; /* one more address than there may be: its count is the byte before them */
    size_t at = length - MOVEX_ROOM_MAX * (1 + MOVEX_ADDRESS_MAX) - 1;
    must_equal(bytes[at], MOVEX_ROOM_MAX);
    bytes[at]++;
    must(!read_hello(length + 1, &found));
    bytes[at]--;
    bytes[1] = 2; /* another version: no more is read */
    must(read_hello(length, &found) && found.protocol == 2);
    must(read_hello(2, &found) && found.protocol == 2);
}
END_TEST

static bool read_other(unsigned kind, const unsigned char *from, size_t length)
{
    unsigned char            *copy = malloc(length ? length : 1);
    movex_peer_tunnel_message message;
    movex_wire_bytes          raft;
    movex_wire_text           words;
    movex_status              status;
    if (length) memcpy(copy, from, length);
    movex_reader reader = movex_reader_over(copy, length);
    bool         sound = movex_read_u8(&reader) == kind;
    if (kind == MOVEX_PEER_SORRY)
        sound = movex_read_peer_sorry(&reader, &status, &words) && sound;
    else if (kind == MOVEX_PEER_RAFT)
        sound = movex_read_peer_raft(&reader, &raft) && sound;
    else
        sound = movex_read_peer_tunnel(&reader, (movex_peer_message_kind)kind, &message) && sound;
    sound = sound && movex_reader_left(&reader) == 0;
    free(copy);
    return sound;
}

START_TEST(other_messages_have_one_form)
{
    movex_writer writer;
    for (unsigned kind = MOVEX_PEER_OPEN; kind <= MOVEX_PEER_CLOSE_DOWN; kind++) {
        bool carries = kind == MOVEX_PEER_UP || kind == MOVEX_PEER_DOWN;
        writer = movex_writer_over(bytes, sizeof bytes);
        movex_write_peer_tunnel(&writer, (movex_peer_message_kind)kind,
                                &(movex_peer_tunnel_message){300, {carries ? "abc" : "", carries ? 3 : 0}});
        size_t length = (size_t)(writer.at - bytes);
        for (size_t i = 0; i <= length + 1; i++) must_equal(read_other(kind, bytes, i), i == length);
        writer = movex_writer_over(bytes, sizeof bytes);
        movex_write_peer_tunnel(&writer, (movex_peer_message_kind)kind, &(movex_peer_tunnel_message){0, {"abc", 3}});
        must(!read_other(kind, bytes, (size_t)(writer.at - bytes))); /* tunnel 0 */
        if (!carries) continue;
        writer = movex_writer_over(bytes, sizeof bytes);
        movex_write_peer_tunnel(&writer, (movex_peer_message_kind)kind, &(movex_peer_tunnel_message){1, {"", 0}});
        must(!read_other(kind, bytes, (size_t)(writer.at - bytes))); /* a frame of nothing */
    }
    writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_peer_raft(&writer, "abc", 3);
    for (size_t i = 0; i <= 6; i++) must_equal(read_other(MOVEX_PEER_RAFT, bytes, i), i == 5);
    writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_peer_sorry(&writer, MOVEX_ERR_DENIED, "no");
    size_t length = (size_t)(writer.at - bytes);
    for (size_t i = 0; i <= length + 1; i++) must_equal(read_other(MOVEX_PEER_SORRY, bytes, i), i == length);
    for (uint32_t most = MOVEX_ERROR_TEXT_SIZE - 1; most <= MOVEX_ERROR_TEXT_SIZE; most++) {
        writer = movex_writer_over(bytes, sizeof bytes);
        movex_write_u8(&writer, MOVEX_PEER_SORRY);
        movex_write_number(&writer, 255 + (most == MOVEX_ERROR_TEXT_SIZE));
        movex_write_number(&writer, most);
        movex_write_bytes(&writer, letters, most);
        must_equal(read_other(MOVEX_PEER_SORRY, bytes, (size_t)(writer.at - bytes)), most == MOVEX_ERROR_TEXT_SIZE - 1);
    }
}
END_TEST

/* ---- Raft's */

static movex_raft_membership a_membership(uint32_t count)
{
    movex_raft_membership membership = {.room = 5, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        membership.members[i].number = 100 + i;
        membership.members[i].name[0] = (char)('a' + i);
        movex_text_set(membership.members[i].address, "somewhere");
    }
    return membership;
}

/* An APPEND with what is in `entries` behind it. */
static size_t write_raft(movex_raft_message message, const void *entries, size_t size)
{
    movex_writer writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_raft_message(&writer, &message);
    if (size) movex_write_bytes(&writer, entries, size);
    return (size_t)(writer.at - bytes);
}

static bool read_raft(size_t length, movex_raft_message *message)
{
    static unsigned char *copy; /* what was read last points into it */
    free(copy);
    copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    movex_reader reader = movex_reader_over(copy, length);
    return movex_read_raft_message(&reader, message);
}

static bool is_taken(movex_raft_message message)
{
    movex_raft_message found;
    return read_raft(write_raft(message, NULL, 0), &found);
}

static movex_raft_message a_message(unsigned kind)
{
    movex_raft_message message = {
        .kind = (movex_raft_message_kind)kind, .room = 5, .term = 9, .index = 300, .index_term = 8};
    if (kind == MOVEX_RAFT_PIECE) {
        message.total = 10;
        message.membership = a_membership(3);
        message.membership_index = 299;
        message.bytes = (movex_wire_bytes){"12345", 5};
    }
    return message;
}

START_TEST(raft_messages_have_one_form)
{
    for (unsigned kind = MOVEX_RAFT_ASK; kind <= MOVEX_RAFT_REMOVED; kind++) {
        movex_raft_message message = a_message(kind), found;
        size_t             length = write_raft(message, NULL, 0);
        memset(bytes + length, 0, 2);
        memcpy(again, bytes, length);
        must_msg(read_raft(length, &found), "kind %u", kind);
        must_equal(write_raft(found, NULL, 0), length);
        must(memcmp(bytes, again, length) == 0);
        for (size_t i = 0; i < length; i++)
            must_msg(!read_raft(i, &found), "kind %u, %zu bytes of %zu", kind, i, length);
        must_msg(!read_raft(length + 1, &found), "kind %u and a byte more", kind);
        bytes[10] = 64; /* behind kind, room and a term of one byte: flags */
        must(!read_raft(length, &found));
        message.term = MOVEX_RAFT_NUMBER_MOST;
        must(is_taken(message));
        message.term++;
        must(!is_taken(message));
        message = a_message(kind);
        message.settled = true;
        must(is_taken(message));
        message.room = 0;
        must(!is_taken(message));
    }
    bytes[0] = 0;
    movex_raft_message found;
    must(!read_raft(20, &found));
    bytes[0] = MOVEX_RAFT_REMOVED + 1;
    must(!read_raft(20, &found));
    const unsigned indexed[] = {MOVEX_RAFT_ASK,   MOVEX_RAFT_APPEND,      MOVEX_RAFT_APPENDED,
                                MOVEX_RAFT_PIECE, MOVEX_RAFT_PIECE_TAKEN, MOVEX_RAFT_REMOVED};
    for (size_t i = 0; i < sizeof indexed / sizeof indexed[0]; i++) {
        movex_raft_message message = a_message(indexed[i]);
        message.index = MOVEX_RAFT_NUMBER_MOST;
        must(is_taken(message));
        message.index++;
        must_msg(!is_taken(message), "kind %u", indexed[i]);
    }
}
END_TEST

static bool append_is_taken(uint64_t term, uint64_t index_term, const movex_raft_wire_entry *entries, uint32_t count,
                            uint32_t said)
{
    unsigned char      row[4096];
    movex_writer       writer = movex_writer_over(row, sizeof row);
    movex_raft_message found;
    for (uint32_t i = 0; i < count; i++) movex_write_raft_entry(&writer, &entries[i]);
    return read_raft(
        write_raft(
            (movex_raft_message){
                .kind = MOVEX_RAFT_APPEND, .term = term, .index = 5, .index_term = index_term, .count = said},
            row, (size_t)(writer.at - row)),
        &found);
}

START_TEST(entries_are_checked_one_by_one)
{
    unsigned char         membership[MOVEX_RAFT_MEMBERSHIP_MOST];
    movex_writer          writer = movex_writer_over(membership, sizeof membership);
    movex_raft_membership written = a_membership(3);
    movex_write_raft_membership(&writer, &written);
    size_t                      size = (size_t)(writer.at - membership);
    const movex_raft_wire_entry sound[] = {{3, MOVEX_RAFT_NOTHING, {"", 0}},
                                           {3, MOVEX_RAFT_CONTENT, {"x", 1}},
                                           {4, MOVEX_RAFT_MEMBERSHIP, {membership, size}}};
    must(append_is_taken(4, 3, sound, 3, 3));
    must(!append_is_taken(4, 3, sound, 3, 2));
    must(!append_is_taken(4, 3, sound, 3, 4));
    must(!append_is_taken(3, 3, sound, 3, 3)); /* a term after that of its master */
    must(!append_is_taken(4, 4, sound, 3, 3)); /* and one before that of the entry before */
    const movex_raft_wire_entry bad[] = {
        {0, MOVEX_RAFT_CONTENT, {"x", 1}},      {3, MOVEX_RAFT_NOTHING, {"x", 1}},
        {3, MOVEX_RAFT_CONTENT, {"", 0}},       {3, MOVEX_RAFT_MEMBERSHIP, {membership, size - 1}},
        {3, (movex_raft_entry_kind)0, {"", 0}}, {3, (movex_raft_entry_kind)4, {"x", 1}}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        must_msg(!append_is_taken(4, 0, &bad[i], 1, 1), "entry %zu", i);
    const movex_raft_wire_entry falling[] = {sound[2], sound[1]};
    must(!append_is_taken(4, 3, falling, 2, 2));
    movex_raft_message last = {.kind = MOVEX_RAFT_APPEND, .term = 4, .index = MOVEX_RAFT_NUMBER_MOST, .count = 1},
                       found;
    writer = movex_writer_over(again, sizeof again);
    movex_write_raft_entry(&writer, &sound[0]);
    must(!read_raft(write_raft(last, again, (size_t)(writer.at - again)), &found));
    last.index--;
    must(read_raft(write_raft(last, again, (size_t)(writer.at - again)), &found));
}
END_TEST

static bool membership_is_taken(const movex_raft_membership *membership)
{
    movex_raft_membership found;
    movex_writer          writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_raft_membership(&writer, membership);
    size_t       length = (size_t)(writer.at - bytes);
    movex_reader reader = movex_reader_over(bytes, length);
    bool         sound = movex_read_raft_membership(&reader, &found);
    if (sound) must(memcmp(&found, membership, sizeof found) == 0 && length <= MOVEX_RAFT_MEMBERSHIP_MOST);
    for (size_t i = 0; sound && i < length; i++) {
        reader = movex_reader_over(bytes, i);
        must(!movex_read_raft_membership(&reader, &found));
    }
    return sound;
}

START_TEST(memberships_have_limits)
{
    movex_raft_membership most = a_membership(MOVEX_RAFT_MOST_MEMBERS), bad;
    memset(most.members[3].name, 'n', MOVEX_NAME_MAX);
    memset(most.members[3].address, 'a', MOVEX_RAFT_ADDRESS_SIZE - 1);
    must(membership_is_taken(&most));
    most.members[5] = (movex_raft_member){0}; /* seats that wait */
    most.members[6] = (movex_raft_member){0};
    must(membership_is_taken(&most));
    bad = a_membership(0);
    must(!membership_is_taken(&bad));
    bad = a_membership(3);
    bad.room = 0;
    must(!membership_is_taken(&bad));
    bad = a_membership(3);
    bad.members[2].number = bad.members[0].number;
    must(!membership_is_taken(&bad));
    bad = a_membership(3);
    bad.members[2].name[0] = bad.members[0].name[0];
    must(!membership_is_taken(&bad));
    bad = a_membership(3);
    bad.members[1].name[0] = 0;
    must(!membership_is_taken(&bad));
    bad = a_membership(3);
    bad.members[1].name[0] = '\n';
    must(!membership_is_taken(&bad));
    bad = a_membership(3);
    bad.members[1].address[0] = '\x01';
    must(!membership_is_taken(&bad));
    bad = a_membership(16);
    movex_writer writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_raft_membership(&writer, &bad);
    bytes[8] = 17;
    movex_write_u64(&writer, 0);
    movex_reader reader = movex_reader_over(bytes, (size_t)(writer.at - bytes));
    must(!movex_read_raft_membership(&reader, &bad));
}
END_TEST

START_TEST(pieces_have_limits)
{
    movex_raft_message piece = a_message(MOVEX_RAFT_PIECE);
    must(is_taken(piece));
    piece.membership_index = 301;
    must(!is_taken(piece));
    piece = a_message(MOVEX_RAFT_PIECE);
    piece.total = 4;
    must(!is_taken(piece));
    piece.total = 5;
    must(is_taken(piece));
    piece.index = 0;
    piece.membership_index = 0;
    must(!is_taken(piece));
    piece = a_message(MOVEX_RAFT_PIECE);
    piece.index_term = 0;
    must(!is_taken(piece));
    piece.index_term = 10;
    must(!is_taken(piece));
    piece = a_message(MOVEX_RAFT_PIECE);
    piece.offset = 5; /* and so no membership */
    must(is_taken(piece));
    piece.offset = 6;
    must(!is_taken(piece));
    piece.offset = 11;
    piece.bytes.length = 0;
    must(!is_taken(piece));
    piece.offset = 10;
    must(is_taken(piece));
    piece.total = MOVEX_RAFT_SNAPSHOT_MOST;
    must(is_taken(piece));
    piece.total++;
    must(!is_taken(piece));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer wire");
    TCase *all = tcase_create("all");
    memset(letters, 'x', sizeof letters);
    suite_add_tcase(suite, all);
    tcase_add_test(all, hello_has_limits);
    tcase_add_test(all, hello_comes_back);
    tcase_add_test(all, other_messages_have_one_form);
    tcase_add_test(all, raft_messages_have_one_form);
    tcase_add_test(all, entries_are_checked_one_by_one);
    tcase_add_test(all, memberships_have_limits);
    tcase_add_test(all, pieces_have_limits);
    return movex_test_main(suite);
}
