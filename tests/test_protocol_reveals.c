/* A real client whose master is driven by hand, and sends reveals, patches and halves that are not so: the client says what is
   wrong and dials again, or asks for a snapshot, and is whole once it meets an honest master. */
#include "bluff_game.h"
#include "raw_master.h"
#include "support.h"

#include <string.h>

/* ---- bluff: the client, ann, sits at 0, bob at 1 */

static bluff truth; /* as she sees it */

static const bluff healed_bluff = {.player = {"ann", "bob"}, .purse = {77, 7}, .rounds = 9};
static const hands healed_hands = {.player = {"ann"}, .left = 3};

static void open_resource(const movex_type *type, const void *state)
{
    start(type);
    write_welcome(false);
    send_all();
    must(h.bind && !h.asked.resumes);
    write_bound(h.asked.tag, 3, 0, false);
    write_subscriber(0, "ann");
    write_subscriber(1, "bob");
    write_snapshot(state, 10, 0);
    send_all();
    must(movex_in_sync(h.resource) && movex_version(h.resource) == 10);
}

/* The client is in version 10 and has a pair on its way, as sequence 1. */
static void open_bluff(void)
{
    truth = (bluff){.player = {"ann", "bob"}, .purse = {100, 100}};
    open_resource(&bluff_type, &truth);
    must(movex_dispatch_private(h.resource, BLUFF_BID, &(bluff_bid){0, 8}, BLUFF_READY, &(bluff_ready){0}));
    run(0);
    must(h.pair.hidden.sequence == 1 && h.pair.revealed == 0 && h.pair.hidden.action == BLUFF_BID);
}

static uint64_t checksum_of(const void *state)
{
    return movex_codec_checksum(movex_rules_state(h.rules), state);
}

static void apply(uint32_t action, const void *payload, const char *author, uint64_t version)
{
    movex_random_source random = {.seed = 99};
    const movex_context context = {.author = author, .version = version, .now_ms = 500, .random = &random};
    must_equal(movex_apply(h.rules, &truth, action, payload, &context, NULL), MOVEX_ACCEPT);
}

static movex_entry_message own_bid(void)
{
    return (movex_entry_message){.flags = MOVEX_ENTRY_OWN, .number = 3, .version = 11, .sequence = 1};
}

/* Version 11: her pair, which is accepted. */
static void accept_pair(void)
{
    movex_entry_message entry = own_bid();
    apply(BLUFF_BID, &(bluff_bid){0, 8}, "ann", 11);
    entry.checksum = checksum_of(&truth);
    movex_write_entry(&s.writer, &entry);
    send_all();
    must(movex_in_sync(h.resource) && movex_version(h.resource) == 11 && h.accepted == 1);
}

typedef struct records {
    unsigned char      bytes[256];
    movex_wire_records records;
} records;

static void add(records *to, bool halves, const movex_reveal_record *record)
{
    movex_writer writer = movex_writer_over(to->bytes, sizeof to->bytes);
    writer.at += to->records.bytes.length;
    movex_write_reveal_record(&writer, halves, record);
    to->records.bytes.bytes = to->bytes;
    to->records.bytes.length = (size_t)(writer.at - to->bytes);
    to->records.count++;
}

static const movex_reveal_record known = {.back = 1, .known = true};
static const movex_reveal_record bid_of_4 = {.action = BLUFF_BID, .payload = {"\1\4", 2}};

/* Version 12: bob is ready, which reveals; complete but for what is revealed. */
static movex_entry_message reveal(void)
{
    return (movex_entry_message){.flags = MOVEX_ENTRY_REVEALS | MOVEX_ENTRY_SEEDED,
                                 .number = 3,
                                 .version = 12,
                                 .slot = 1,
                                 .action = BLUFF_READY,
                                 .payload = {"\1", 1},
                                 .seed = 5};
}

static void send_entry(const movex_entry_message *entry)
{
    movex_write_entry(&s.writer, entry);
    send_all();
}

static void must_complain(const char *words)
{
    must_complain_and_heal(words, &healed_bluff);
}

/* The mismatch is told, and healed on the same link. */
static void must_resync(const void *state, uint64_t version)
{
    must(h.resyncs == 1 && !movex_in_sync(h.resource) && h.disconnected == 0);
    write_snapshot(state, version, 1);
    send_all();
    must(h.mismatched == 1 && movex_in_sync(h.resource) && movex_version(h.resource) == version);
    must(movex_codec_equal(movex_rules_state(h.rules), movex_confirmed_state(h.resource), state));
    finish();
}

/* ---- as it should be */

START_TEST(a_reveal_by_halves)
{
    static const movex_reveal_record bid_of_5 = {
        .action = BLUFF_BID, .payload = {"\1\5", 2}, .seeded = true, .seed = 99}; /* odd ones draw */
    records             r = {0};
    movex_entry_message entry = reveal();
    movex_revealed      revealed;
    open_bluff();
    accept_pair();
    add(&r, true, &known);
    add(&r, true, _i ? &bid_of_5 : &bid_of_4);
    apply(BLUFF_BID, &(bluff_bid){1, _i ? 5 : 4}, "bob", 12);
    entry.records = r.records;
    entry.checksum = checksum_of(&truth);
    send_entry(&entry);
    must(movex_in_sync(h.resource) && h.revealed == 1 && h.mismatched == 0 && h.overturned == 0);
    must(movex_revealed_at(h.resource, 0, &revealed) && revealed.version == 11 && strcmp(revealed.author, "ann") == 0);
    must(movex_revealed_at(h.resource, 1, &revealed) && revealed.version == 12 && strcmp(revealed.author, "bob") == 0);
    movex_overturned_message overturned = {3, 1, BLUFF_TOO_MUCH};
    movex_write_overturned(&s.writer, &overturned);
    send_all();
    must(h.overturned == 1 && h.disconnected == 0);
    must(movex_dispatch_private(h.resource, BLUFF_BID, &(bluff_bid){0, 8}, BLUFF_READY, &(bluff_ready){0}));
    run(0);
    must(h.pair.hidden.sequence == 2 && h.pair.revealed == 12);
    finish();
}
END_TEST

/* ---- halves that are none */

START_TEST(halves_of_what_is_no_action)
{
    static const movex_reveal_record cases[] = {
        {.action = BLUFF_ACTIONS},
        {.action = UINT32_MAX},
        {.action = BLUFF_BID, .payload = {"\1", 1}},
        {.action = BLUFF_BID, .payload = {"\1\4\0", 3}},
        {.action = BLUFF_AGAIN, .payload = {"\0", 1}},
    };
    records             r = {0};
    movex_entry_message entry = reveal();
    open_bluff();
    accept_pair();
    add(&r, true, &known);
    add(&r, true, &cases[_i]);
    entry.records = r.records;
    send_entry(&entry);
    must_complain("a reveal of what is no action");
}
END_TEST

/* Records that are out of order, or name what cannot be an entry, are no message at all. */
START_TEST(records_that_are_not_sound)
{
    static const movex_reveal_record later[] = {{.back = 0, .known = true},
                                                {.back = 1, .known = true},
                                                {.back = 5, .known = true}},
                                     too_far = {.back = 12, .known = true};
    records             r = {0};
    movex_entry_message entry = reveal();
    open_bluff();
    accept_pair();
    if (_i < 3) {
        add(&r, true, &known);
        if (_i == 0) add(&r, true, &bid_of_4);
        add(&r, true, &later[_i]);
    } else if (_i == 3) {
        add(&r, true, &too_far);
    } else if (_i == 4) { /* more than are counted */
        add(&r, true, &known);
        add(&r, true, &bid_of_4);
        r.records.count = 1;
    } /* else none at all */
    entry.records = r.records;
    send_entry(&entry);
    must_complain("malformed or does not belong here (0x52)");
}
END_TEST

/* Of entries before her base she has kept nothing. */
START_TEST(halves_of_entries_that_are_not_kept)
{
    const movex_reveal_record before = {.back = (uint64_t)_i + 2, .known = true};
    records                   r = {0};
    movex_entry_message       entry = reveal();
    open_bluff();
    accept_pair();
    add(&r, true, &before); /* version 10 or 9 */
    entry.records = r.records;
    send_entry(&entry);
    must_msg(strstr(h.text, "are not kept"), "%s", h.text);
    must_complain("are not kept");
}
END_TEST

/* One that names an entry with another half than it had, or leaves one out, shows in the checksum. */
START_TEST(halves_that_are_another_entrys)
{
    static const movex_reveal_record others[] = {
        {.back = 1, .action = BLUFF_BID, .payload = {"\0\7", 2}}, /* not what she had done */
        {.back = 1, .action = BLUFF_BID, .payload = {"\1\4", 2}}, /* not her seat */
        {.back = 0, .known = true},                               /* bob's is none of hers */
    };
    records             r = {0};
    movex_entry_message entry = reveal();
    open_bluff();
    accept_pair();
    add(&r, true, &others[_i]);
    if (_i < 2) add(&r, true, &bid_of_4);
    apply(BLUFF_BID, &(bluff_bid){1, 4}, "bob", 12);
    entry.records = r.records;
    entry.checksum = checksum_of(&truth);
    send_entry(&entry);
    must_resync(&truth, 12);
}
END_TEST

/* To a client of a type that hides nothing, or computes nothing, halves never go. */
START_TEST(halves_to_a_client_that_never_folds)
{
    records                   r = {0};
    const duel                state = {.total = 5}, healed = {.total = 77};
    const hands               table = {.player = {"ann"}};
    const movex_reveal_record half = {.action = DUEL_READY}, pass = {.action = HANDS_PASS};
    open_resource(_i ? &hands_type : &duel_type, _i ? (const void *)&table : &state);
    add(&r, true, _i ? &pass : &half);
    send_entry(&(movex_entry_message){.flags = MOVEX_ENTRY_REVEALS,
                                      .number = 3,
                                      .version = 11,
                                      .slot = 1,
                                      .action = _i ? (uint32_t)HANDS_PASS : (uint32_t)DUEL_READY,
                                      .records = r.records});
    must_complain_and_heal("are not kept", _i ? (const void *)&healed_hands : &healed);
}
END_TEST

/* ---- patches */

typedef struct patch_case {
    const char *bytes;
    size_t      length;
} patch_case;

static const patch_case bad_patches[] = {
    {"\0", 1},            /* cut off */
    {"\0\0", 2},          /* a run of nothing */
    {"\0\5ab", 4},        /* a run that is cut off */
    {"\xff\x7f\1z", 4},   /* outside of the state */
    {"\0\1a\1\1n", 6},    /* two runs that should be one */
    {"\0\1\0\x20\1x", 6}, /* behind a text's end */
    {"\x80\0\1z", 4},     /* a number that is not in its shortest form */
};

/* It counts as a checksum that differs, so it is healed on the link. */
START_TEST(a_patch_that_breaks_the_schema)
{
    const patch_case   *c = &bad_patches[_i % 7];
    records             r = {0};
    movex_entry_message entry = reveal();
    bool                reveals = _i < 7;
    open_bluff();
    accept_pair();
    const movex_reveal_record ann = {.back = 1, .author = {"ann", 3}};
    add(&r, false, &ann);
    entry.flags |= MOVEX_ENTRY_PATCHED;
    if (!reveals) entry.flags &= ~(unsigned)MOVEX_ENTRY_REVEALS;
    if (reveals) entry.records = r.records;
    entry.patch = (movex_wire_bytes){c->bytes, c->length};
    const movex_context context = {
        .author = "bob", .version = 12, .now_ms = 500, .random = &(movex_random_source){.seed = 5}};
    must_equal(movex_apply(h.rules, &truth, BLUFF_READY, &(bluff_ready){1}, &context, NULL), MOVEX_ACCEPT);
    entry.checksum = checksum_of(&truth); /* as if it had been left out */
    send_entry(&entry);
    must_resync(&healed_bluff, 12);
}
END_TEST

/* Redacted, she is told what she holds; a half of what is the master's alone never comes. */
START_TEST(what_only_the_master_may_know)
{
    const hands         table = {.player = {"ann"}};
    movex_entry_message entry = {.number = 3, .version = 11, .slot = 1, .action = HANDS_SHUFFLE};
    open_resource(&hands_type, &table);
    if (_i == 0) entry.payload = (movex_wire_bytes){"x", 1};
    if (_i == 1) entry.checksum = 1;
    send_entry(&entry);
    if (_i == 0) {
        must_complain_and_heal("ENTRY", &healed_hands);
        return;
    }
    must_resync(&healed_hands, 11);
}
END_TEST

/* ---- overturned */

START_TEST(overturned_that_was_never_accepted)
{
    static const uint64_t sequences[] = {0, 1, 2, UINT64_MAX,
                                         0}; /* none, on its way, to come, never, forgotten places */
    open_bluff();
    if (_i == 4) accept_pair();
    movex_write_overturned(&s.writer, &(movex_overturned_message){3, sequences[_i], BLUFF_TOO_MUCH});
    send_all();
    must_equal(h.overturned, 0);
    must_complain("0x27");
}
END_TEST

START_TEST(overturned_of_nothing_and_for_nothing)
{
    open_bluff();
    accept_pair();
    movex_write_overturned(&s.writer, &(movex_overturned_message){_i ? 3 : 99, 1, _i ? MOVEX_ACCEPT : BLUFF_TOO_MUCH});
    send_all();
    must_equal(h.overturned, 0);
    must_complain("0x27");
}
END_TEST

/* Refused before; known no more: nothing comes of it. */
START_TEST(overturned_that_was_refused_or_is_forgotten)
{
    open_bluff();
    write_outcome(1, 7);
    movex_write_overturned(&s.writer, &(movex_overturned_message){3, 1, BLUFF_TOO_MUCH});
    send_all();
    must(h.refused == 1 && h.overturned == 0 && h.disconnected == 0 && movex_in_sync(h.resource));
    finish();
}
END_TEST

/* ---- snapshots */

START_TEST(a_snapshot_whose_names_are_not_so)
{
    static const struct {
        uint64_t            revealed;
        movex_reveal_record name;
    } cases[] = {
        {12, {.back = 0, .author = {"bob", 3}}}, /* after its version */
        {5, {.back = 5, .author = {"bob", 3}}},  /* of version 0 */
        {0, {.back = 0, .author = {"bob", 3}}},  /* of no reveal */
        {5, {.back = 1, .author = {"", 0}}},     /* of nobody */
    };
    unsigned char          bytes[300];
    records                r = {0};
    movex_snapshot_message snapshot = {.number = 3, .version = 11, .now_ms = 500, .revealed = cases[_i].revealed};
    open_bluff();
    const movex_codec *codec = movex_rules_state(h.rules);
    must_equal(movex_codec_encode(codec, &truth, bytes, sizeof bytes, &snapshot.state.length, NULL), MOVEX_OK);
    snapshot.state.bytes = bytes;
    snapshot.checksum = movex_codec_checksum(codec, &truth);
    add(&r, false, &cases[_i].name);
    snapshot.records = r.records;
    movex_write_snapshot(&s.writer, &snapshot);
    send_all();
    must_complain("0x24");
}
END_TEST

/* ---- an endless row of reveals: nothing of them stays */

START_TEST(endless_reveals)
{
    uint64_t bytes = 0;
    open_bluff();
    accept_pair();
    for (uint64_t version = 12; version < 3000; version++) {
        records                   r = {0};
        movex_entry_message       entry = reveal();
        const movex_reveal_record name = {.back = 1, .author = {"a name of thirty-one bytes long", 31}};
        add(&r, false, &name);
        truth.bid[1] = BLUFF_READY_BID;
        const movex_context context = {
            .author = "bob", .version = version, .now_ms = 500, .random = &(movex_random_source){.seed = 5}};
        must_equal(movex_apply(h.rules, &truth, BLUFF_READY, &(bluff_ready){1}, &context, NULL), MOVEX_ACCEPT);
        entry.flags |= MOVEX_ENTRY_PATCHED;
        entry.version = version;
        entry.records = r.records;
        entry.checksum = checksum_of(&truth);
        send_entry(&entry);
        if (version == 100) bytes = h.memory.bytes;
    }
    const movex_stats stats = movex_client_stats(h.client);
    must(stats.reveals == 2988 && stats.mismatches == 0 && movex_in_sync(h.resource));
    must_equal(h.memory.bytes, bytes);
    finish();
}
END_TEST

/* ---- a valid reveal, cut and turned */

START_TEST(every_turned_bit_of_a_reveal)
{
    unsigned char bytes[256];
    uint32_t      noticed = 0;
    size_t        length = 1;
    for (size_t bit = 0; bit < length * 8; bit++) {
        records             r = {0};
        movex_entry_message entry = reveal();
        open_bluff();
        accept_pair();
        add(&r, true, &known);
        add(&r, true, &bid_of_4);
        apply(BLUFF_BID, &(bluff_bid){1, 4}, "bob", 12);
        entry.records = r.records;
        entry.checksum = checksum_of(&truth);
        movex_write_entry(&s.writer, &entry);
        length = script_length(&s);
        must(length < sizeof bytes);
        memcpy(bytes, s.bytes, length);
        script_start(&s);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        send_bytes(bytes, length);
        noticed += h.disconnected + h.closed > 0 || h.resyncs > 0;
        must((h.disconnected + h.closed > 0) == (h.link == 0));
        must(h.closed == 0 || bit == 4); /* without REVEALS, the number of records is read as ERROR */
        h.hello = false;
        if (h.closed == 0) must_heal(&healed_bluff);
        finish();
    }
    /* What bob was shown to do is replaced: nobody misses its payload, nor its seed. */
    must_msg(noticed == length * 8 - 8 - 64, "%u of %zu", noticed, length * 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol, reveals at the client");
    TCase *cases = tcase_create("protocol, reveals at the client");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, a_reveal_by_halves, 0, 2);
    tcase_add_loop_test(cases, halves_of_what_is_no_action, 0, 5);
    tcase_add_loop_test(cases, records_that_are_not_sound, 0, 6);
    tcase_add_loop_test(cases, halves_of_entries_that_are_not_kept, 0, 2);
    tcase_add_loop_test(cases, halves_that_are_another_entrys, 0, 3);
    tcase_add_loop_test(cases, halves_to_a_client_that_never_folds, 0, 2);
    tcase_add_loop_test(cases, a_patch_that_breaks_the_schema, 0, 14);
    tcase_add_loop_test(cases, what_only_the_master_may_know, 0, 2);
    tcase_add_loop_test(cases, overturned_that_was_never_accepted, 0, 5);
    tcase_add_loop_test(cases, overturned_of_nothing_and_for_nothing, 0, 2);
    tcase_add_test(cases, overturned_that_was_refused_or_is_forgotten);
    tcase_add_loop_test(cases, a_snapshot_whose_names_are_not_so, 0, 4);
    tcase_add_test(cases, endless_reveals);
    tcase_add_test(cases, every_turned_bit_of_a_reveal);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
