/* A real client whose master is driven by hand: whatever that one sends, the client says what is wrong, dials again, and is
   whole once it meets an honest master. */
#include "raw_master.h"
#include "support.h"

#include <string.h>

/* An entry of "ready": by the client itself as `sequence`, with these flags besides, or by slot 1 if that is 0. */
static void write_ready_as(duel *state, uint64_t version, uint64_t sequence, unsigned flags)
{
    const movex_context context = {.author = sequence ? "ann" : "bob", .version = version, .now_ms = 500};
    must_equal(movex_apply(h.rules, state, DUEL_READY, NULL, &context, NULL), MOVEX_ACCEPT);
    const movex_entry_message entry = {.flags = (sequence ? MOVEX_ENTRY_OWN : 0u) | flags,
                                       .number = 3,
                                       .version = version,
                                       .sequence = sequence,
                                       .slot = 1,
                                       .action = DUEL_READY,
                                       .checksum = movex_codec_checksum(movex_rules_state(h.rules), state)};
    movex_write_entry(&s.writer, &entry);
}

static void write_ready(duel *state, uint64_t version, uint64_t sequence)
{
    write_ready_as(state, version, sequence, 0);
}

/* The first steps of every test: the client has a state and two dispatches, 1 and 2, are on their way. */
static void open_match(void)
{
    duel state = {.total = 5};
    start(&duel_type);
    write_welcome(false);
    send_all();
    must(h.bind && !h.asked.resumes);
    write_bound(h.asked.tag, 3, 0, false);
    write_subscriber(0, "ann");
    write_subscriber(1, "bob");
    write_snapshot(&state, 10, 0);
    send_all();
    must(movex_in_sync(h.resource) && movex_version(h.resource) == 10);
    must(movex_dispatch(h.resource, DUEL_READY, NULL) && movex_dispatch(h.resource, DUEL_READY, NULL));
    run(0);
    must_equal(h.dispatches, 2);
}

static const duel healed = {.total = 77, .moves = 1};

static void must_complain(const char *words)
{
    must_complain_and_heal(words, &healed);
}

/* ---- one wrong thing */

START_TEST(every_kind_at_every_time)
{
    for (unsigned kind = 0; kind < 256; kind++) {
        const unsigned char byte = (unsigned char)kind;
        if (_i == 0)
            start(&duel_type);
        else
            open_match();
        send_bytes(&byte, 1); /* none of them is whole */
        must_msg(h.disconnected == 1 && h.error && !h.link, "kind %02x", kind);
        must(strstr(h.text, "malformed or does not belong here"));
        h.hello = false;
        must_heal(&healed);
        finish();
    }
}
END_TEST

START_TEST(second_welcome)
{
    open_match();
    write_welcome(true);
    send_all();
    must_complain("0x20");
}
END_TEST

START_TEST(wrong_tag)
{
    open_match();
    write_bound(h.asked.tag + (uint64_t)_i, 4, 0, false); /* one that was answered; one never given */
    send_all();
    must_complain("0x21");
}
END_TEST

START_TEST(what_belongs_to_the_connection_before)
{
    duel state = {0};
    start(&duel_type);
    write_welcome(false);
    send_all();
    uint64_t tag = h.asked.tag;
    hang_up();
    for (int i = 0; i < 5 && !h.link; i++) run(20000);
    h.disconnected = 0;
    write_bound(tag, 3, 0, false); /* before WELCOME */
    write_snapshot(&state, 1, 0);
    send_all();
    must_complain("0x21");
}
END_TEST

START_TEST(numbers_of_nothing_and_unasked_answers)
{
    duel state = {0};
    open_match();
    switch (_i) {
    case 0: movex_write_bytes(&s.writer, "\x23\x03\0\0", 4); break; /* UNBOUND of what the program has in use */
    case 1: {
        const movex_entry_message entry = {.number = 99, .version = 11, .action = DUEL_READY};
        movex_write_entry(&s.writer, &entry);
        break;
    }
    default: {
        unsigned char          bytes[300];
        movex_snapshot_message snapshot = {.number = 99};
        movex_codec_encode(movex_rules_state(h.rules), &state, bytes, sizeof bytes, &snapshot.state.length, NULL);
        snapshot.state.bytes = bytes;
        movex_write_snapshot(&s.writer, &snapshot);
    }
    }
    send_all();
    must_complain("does not belong here");
}
END_TEST

START_TEST(removal_is_told_and_leaves_the_handle)
{
    const movex_unbound_message unbound = {3, MOVEX_ERR_DENIED, {"off", 3}},
                                nothing = {99, MOVEX_ERR_DENIED, {"off", 3}};
    open_match();
    movex_write_unbound(&s.writer, &nothing);
    movex_write_unbound(&s.writer, &unbound);
    write_outcome(1, 0); /* of what is gone: late, no fault */
    send_all();
    run(1);
    must(h.removed == 1 && h.expired == 2 && h.disconnected == 0 && h.link);
    must(movex_version(h.resource) == 10 && movex_dispatch(h.resource, DUEL_READY, NULL) == 0);
    must_equal(movex_client_error(h.client)->status, MOVEX_ERR_NOT_BOUND);
    movex_unbind(h.resource);
    run(1);
    run(1);
    must_equal(movex_client_stats(h.client).resources, 0);
    finish();
}
END_TEST

START_TEST(bad_snapshot)
{
    unsigned char          bytes[300];
    duel                   state = {.total = 6};
    movex_snapshot_message snapshot = {.number = 3, .version = 11};
    open_match();
    const movex_codec *codec = movex_rules_state(h.rules);
    movex_codec_encode(codec, &state, bytes, sizeof bytes, &snapshot.state.length, NULL);
    snapshot.state.bytes = bytes;
    snapshot.checksum = movex_codec_checksum(codec, &state) + (_i == 0);
    if (_i == 1) snapshot.state.length--;
    if (_i == 2) bytes[16] = 2; /* a bool: behind total, moves and amount */
    movex_write_snapshot(&s.writer, &snapshot);
    send_all();
    must_complain(_i == 0 ? "does not have its checksum" : _i == 1 ? "author" : "last.loud");
}
END_TEST

START_TEST(slots_out_of_range)
{
    open_match();
    write_subscriber(_i ? UINT32_MAX : 1 << 20, "eve");
    send_all();
    must_complain("0x26");
}
END_TEST

START_TEST(name_of_a_subscriber)
{
    open_match();
    write_subscriber(2, _i ? "\n" : "");
    send_all();
    must_complain("0x26");
}
END_TEST

START_TEST(entry_of_nobody)
{
    const movex_entry_message cases[] = {
        {.number = 3, .version = 11, .slot = 7, .action = DUEL_READY},
        {.number = 3, .version = 11, .slot = 1, .action = DUEL_ACTIONS},
        {.number = 3, .version = 11, .slot = 1, .action = DUEL_READY, .payload = {"x", 1}},
        {.number = 3, .version = 11, .slot = 1, .action = DUEL_MOVE, .payload = {"\1\0\0\0\2\0\0\0", 8}},
        {.number = 3, .version = 11, .flags = MOVEX_ENTRY_OWN, .sequence = 3},
        {.number = 3, .version = 11, .flags = MOVEX_ENTRY_OWN, .sequence = 0},
        {.number = 3, .version = 11, .flags = MOVEX_ENTRY_OWN | MOVEX_ENTRY_NEXT}, /* of sequence 3 */
    };
    static const char *const words[] = {"not known",
                                        "not known",
                                        "ENTRY",
                                        "loud",
                                        "what was not dispatched",
                                        "what was not dispatched",
                                        "what was not dispatched"};
    open_match();
    if (cases[_i].flags & MOVEX_ENTRY_NEXT) { /* both are answered, the second first */
        write_outcome(2, 5);
        write_outcome(1, 5);
    }
    movex_write_entry(&s.writer, &cases[_i]);
    send_all();
    must_complain(words[_i]);
}
END_TEST

START_TEST(outcome_of_what_was_not_dispatched)
{
    open_match();
    write_outcome(_i ? 3 : 0, 5);
    send_all();
    must_complain("0x25");
}
END_TEST

START_TEST(endless_chunks)
{
    unsigned char chunk[1003] = {MOVEX_MESSAGE_CHUNK, 0, 0xe7, 0x07};
    open_match();
    for (int i = 0; i < 8; i++) send_bytes(chunk, sizeof chunk);
    must_complain("limit");
}
END_TEST

START_TEST(refusal_of_the_connection)
{
    const movex_error_message denied = {MOVEX_ERR_DENIED, 42, {"go away", 7}},
                              busy = {MOVEX_ERR_LIMIT, 0, {"later", 5}}, mute = {MOVEX_ERR_LIMIT, 0, {"", 0}};
    open_match();
    movex_write_error(&s.writer, _i == 0 ? &denied : _i == 1 ? &busy : &mute);
    send_all();
    if (_i) {
        must_complain(_i == 1 ? "later" : "a configured limit is reached");
        return;
    }
    must(h.closed == 1 && strcmp(h.text, "go away") == 0);
    must_equal(movex_client_poll(h.client, h.now_ms), MOVEX_ERR_DENIED);
    must_equal(h.expired, 2);
    run(100000);
    must(!h.link);
    finish();
}
END_TEST

/* A master need not give a reason in words; the program is still told one. */
START_TEST(refusal_without_words)
{
    const movex_error_message denied = {MOVEX_ERR_DENIED, 0, {"", 0}};
    open_match();
    movex_write_error(&s.writer, &denied);
    send_all();
    must(h.closed == 1 && strcmp(h.text, movex_status_text(MOVEX_ERR_DENIED)) == 0);
    finish();
}
END_TEST

START_TEST(no_welcome_in_time)
{
    start(&duel_type);
    run(9999);
    must_equal(h.disconnected, 0);
    run(1);
    must_complain("in time");
}
END_TEST

/* ---- a mismatch is no fault of the link: it is healed on it */

START_TEST(wrong_checksum_is_healed_by_a_snapshot)
{
    duel state = {.total = 5};
    open_match();
    const movex_entry_message entry = {.number = 3, .version = 11, .slot = 1, .action = DUEL_READY, .checksum = 1};
    movex_write_entry(&s.writer, &entry);
    send_all();
    must(h.resyncs == 1 && !movex_in_sync(h.resource) && h.disconnected == 0);
    state.moves = 9;
    write_snapshot(&state, 11, 0);
    send_all();
    must(h.mismatched == 1 && movex_in_sync(h.resource) && movex_pending(h.resource) == 2);
    finish();
}
END_TEST

/* After a reconnect, the refusal of 2 is told before the entry of 1. On the next one, the client must know both. */
START_TEST(answers_out_of_order_are_all_remembered)
{
    duel state = {.total = 5};
    open_match();
    hang_up();
    for (int i = 0; i < 5 && !h.hello; i++) run(20000);
    write_welcome(true);
    send_all();
    must(h.asked.resumes && h.asked.answered == 0);
    write_bound(h.asked.tag, 3, 2, true);
    write_outcome(2, 7);
    write_subscriber(0, "ann");
    write_ready(&state, 11, 1);
    send_all();
    must(h.accepted == 1 && h.refused == 1 && movex_in_sync(h.resource));
    hang_up();
    for (int i = 0; i < 5 && !h.hello; i++) run(20000);
    write_welcome(true);
    send_all();
    must(h.bind && h.asked.resumes);
    must_equal(h.asked.answered, 2);
    finish();
}
END_TEST

/* What was told last, each way it can be: the next is one more. The other dispatch has its answer already. */
START_TEST(next_is_counted_from_what_was_told)
{
    static const struct {
        uint32_t accepted, refused;
    } expected[] = {{2, 0}, {1, 1}, {2, 0}, {2, 0}, {1, 1}};
    duel state = {.total = 5};
    open_match();
    switch (_i) {
    case 0: /* BOUND said 0; then an entry */
        write_ready_as(&state, 11, 1, MOVEX_ENTRY_NEXT);
        write_ready_as(&state, 12, 2, MOVEX_ENTRY_NEXT);
        break;
    case 1:
        write_outcome(1, 7);
        write_ready_as(&state, 11, 2, MOVEX_ENTRY_NEXT);
        break;
    case 2: /* an entry that names its sequence */
        write_ready_as(&state, 11, 1, 0);
        write_ready_as(&state, 12, 2, MOVEX_ENTRY_NEXT);
        break;
    case 3:
        state.moves = 1;
        write_snapshot(&state, 11, 1);
        write_ready_as(&state, 12, 2, MOVEX_ENTRY_NEXT);
        break;
    default: /* counted anew from BOUND, on a link on which nothing else was told */
        write_outcome(1, 7);
        send_all();
        hang_up();
        for (int i = 0; i < 5 && !h.hello; i++) run(20000);
        write_welcome(true);
        send_all();
        write_bound(h.asked.tag, 3, 1, true);
        write_subscriber(0, "ann");
        write_ready_as(&state, 11, 2, MOVEX_ENTRY_NEXT);
    }
    send_all();
    must_equal(h.accepted, expected[_i].accepted);
    must_equal(h.refused, expected[_i].refused);
    must(h.resyncs == 0 && h.link && movex_pending(h.resource) == 0);
    finish();
}
END_TEST

/* ---- a valid exchange, cut and turned */

/* All of it in one row; the client has dispatched 1 and 2 before. Two frames: up to the snapshot, and the rest. */
static size_t exchange(unsigned char *bytes, size_t *first)
{
    duel state = {.total = 5};
    script_start(&s);
    write_welcome(false);
    write_bound(1, 3, 0, false);
    write_subscriber(0, "ann");
    write_subscriber(1, "bob");
    write_snapshot(&state, 10, 0);
    *first = script_length(&s);
    write_ready(&state, 11, 0);
    write_ready_as(&state, 12, 1, MOVEX_ENTRY_NEXT);
    write_outcome(2, 7);
    write_ready(&state, 13, 0);
    size_t length = script_length(&s);
    memcpy(bytes, s.bytes, length);
    script_start(&s);
    return length;
}

static void play(const unsigned char *bytes, size_t first, size_t length)
{
    start(&duel_type);
    must(movex_dispatch(h.resource, DUEL_READY, NULL) && movex_dispatch(h.resource, DUEL_READY, NULL));
    send_bytes(bytes, length < first ? length : first);
    if (length > first) send_bytes(bytes + first, length - first);
    if (!h.link) h.hello = false;
}

START_TEST(every_prefix_of_an_exchange)
{
    unsigned char bytes[1024];
    uint32_t      complaints = 0;
    start(&duel_type);
    size_t first, length = exchange(bytes, &first);
    finish();
    for (size_t cut = 1; cut <= length; cut++) {
        play(bytes, first, cut);
        complaints += h.disconnected;
        must_equal(h.closed, 0);
        if (cut == length)
            must(h.disconnected == 0 && movex_version(h.resource) == 13 && h.accepted == 1 && h.refused == 1);
        h.hello = false;
        must_heal(&healed);
        must_equal(h.accepted + h.refused + h.expired + movex_pending(h.resource), 2);
        finish();
    }
    must_equal(complaints, length - 9); /* all but the cuts between two messages, and the whole */
}
END_TEST

START_TEST(every_turned_bit_of_an_exchange)
{
    unsigned char bytes[1024], turned[1024];
    uint32_t      noticed = 0;
    start(&duel_type);
    size_t first, length = exchange(bytes, &first);
    finish();
    for (size_t bit = 0; bit < length * 8; bit++) {
        memcpy(turned, bytes, length);
        turned[bit / 8] ^= (unsigned char)(1u << bit % 8);
        play(turned, first, length);
        noticed += h.disconnected > 0 || h.resyncs > 0;
        must_equal(h.closed, 0);
        must((h.disconnected > 0) == (h.link == 0));
        h.hello = false;
        must_heal(&healed);
        must_equal(h.accepted + h.refused + h.expired + movex_pending(h.resource), 2);
        finish();
    }
    must_msg(noticed > length * 4, "%u of %zu", noticed, length * 8);
}
END_TEST

START_TEST(noise)
{
    uint64_t      random = (uint64_t)_i + 1;
    unsigned char bytes[1024], turned[1024];
    start(&duel_type);
    size_t first, length = exchange(bytes, &first);
    finish();
    for (int i = 0; i < 300; i++) {
        memcpy(turned, bytes, length);
        for (uint32_t k = 1 + meter_below(&random, 5); k > 0; k--)
            turned[meter_below(&random, (uint32_t)length)] = (unsigned char)meter_random(&random);
        play(turned, first, length);
        h.hello = false;
        if (h.closed + h.removed == 0) must_heal(&healed); /* an ERROR or an UNBOUND may have come about */
        finish();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol, at the client");
    TCase *cases = tcase_create("protocol, at the client");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, every_kind_at_every_time, 0, 2);
    tcase_add_test(cases, second_welcome);
    tcase_add_loop_test(cases, wrong_tag, 0, 2);
    tcase_add_test(cases, what_belongs_to_the_connection_before);
    tcase_add_loop_test(cases, numbers_of_nothing_and_unasked_answers, 0, 3);
    tcase_add_test(cases, removal_is_told_and_leaves_the_handle);
    tcase_add_loop_test(cases, bad_snapshot, 0, 3);
    tcase_add_loop_test(cases, slots_out_of_range, 0, 2);
    tcase_add_loop_test(cases, name_of_a_subscriber, 0, 2);
    tcase_add_loop_test(cases, entry_of_nobody, 0, 7);
    tcase_add_loop_test(cases, next_is_counted_from_what_was_told, 0, 5);
    tcase_add_loop_test(cases, outcome_of_what_was_not_dispatched, 0, 2);
    tcase_add_test(cases, endless_chunks);
    tcase_add_loop_test(cases, refusal_of_the_connection, 0, 3);
    tcase_add_test(cases, refusal_without_words);
    tcase_add_test(cases, no_welcome_in_time);
    tcase_add_test(cases, wrong_checksum_is_healed_by_a_snapshot);
    tcase_add_test(cases, answers_out_of_order_are_all_remembered);
    tcase_add_test(cases, every_prefix_of_an_exchange);
    tcase_add_test(cases, every_turned_bit_of_an_exchange);
    tcase_add_loop_test(cases, noise, 0, 5);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
