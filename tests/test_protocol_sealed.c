/* Sealed pairs by hand: a client that opens what it has not sealed, or what it must not, and a master that has others open too early,
   or tells of openings that are none. Nobody gets anything out of it but the loss of what it has sealed itself, or of its link. */
#include "bluff_game.h"
#include "master_internal.h"
#include "raw_master.h"
#include "seal.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static movex_type sealed_type; /* bluff_type, sealed */

static void set_up(void)
{
    sealed_type = bluff_type;
    sealed_type.sealed = true;
}

/* ---- commitments */

static void must_be_hex(const unsigned char *bytes, size_t length, const char *expected)
{
    char text[80];
    for (size_t i = 0; i < length; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    ck_assert_str_eq(text, expected);
}

/* As Python's hashlib has them, by docs/wire.md, section 6. */
START_TEST(commitments_are_as_documented)
{
    unsigned char salt[MOVEX_SALT_SIZE], commitment[MOVEX_COMMITMENT_SIZE];
    for (unsigned i = 0; i < sizeof salt; i++) salt[i] = (unsigned char)i;
    movex_seal seal = {.room = "attic",
                       .type = "rps",
                       .id = "table-1",
                       .author = "ann",
                       .subscription = 1,
                       .sequence = 7,
                       .salt = salt,
                       .action = 2,
                       .payload = {"\x03", 1}};
    movex_seal_commit(&seal, commitment);
    must_be_hex(commitment, sizeof commitment, "7349dcf3780d96e0a6367d5a9187e4213b8191eaa71382c61251682f1e9d2c8f");
    seal.room = "";
    seal.payload = (movex_wire_bytes){"", 0};
    movex_seal_commit(&seal, commitment);
    must_be_hex(commitment, sizeof commitment, "b57e8325989f0e1df076b417700cee7b60f6e1fd3e680b23188be909ff76a9ab");
    ck_assert_uint_eq(movex_seal_seed(UINT64_C(0x0123456789abcdef), salt), UINT64_C(0xd1dc0f120d4ec974));
}
END_TEST

/* Each part counts. */
START_TEST(commitments_are_bound_to_everything)
{
    unsigned char    salt[MOVEX_SALT_SIZE] = {1}, other[MOVEX_SALT_SIZE] = {2};
    unsigned char    all[10][MOVEX_COMMITMENT_SIZE];
    const movex_seal seal = {"attic", "rps", "one", "ann", 1, 7, salt, 2, {"\x03", 1}};
    movex_seal       seals[10];
    for (int i = 0; i < 10; i++) seals[i] = seal;
    seals[1].room = "cellar";
    seals[2].type = "dice";
    seals[3].id = "two";
    seals[4].author = "ben";
    seals[5].subscription = 2;
    seals[6].sequence = 8;
    seals[7].salt = other;
    seals[8].action = 3;
    seals[9].payload = (movex_wire_bytes){"\x04", 1};
    for (int i = 0; i < 10; i++) movex_seal_commit(&seals[i], all[i]);
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < i; k++) ck_assert_msg(memcmp(all[i], all[k], sizeof all[i]) != 0, "%d and %d", i, k);
}
END_TEST

/* ---- a client by hand: mallory, who sits at 0; ann sits at 1 */

static match           m;
static raw             r;
static script          t;
static movex_resource *seats[2]; /* bluff:one, as the honest clients have bound it */
static uint64_t        sequence; /* mallory's last */
static unsigned char   salt[MOVEX_SALT_SIZE];

static void flush(void)
{
    script_send(&t, &r);
    raw_take(&r, &m);
}

static void enter(void)
{
    set_up();
    const movex_master_config config = {.types = MOVEX_TYPES(&duel_type, &sealed_type, &hands_type), .seal_ms = 5000};
    match_start(&m, &config);
    raw_dial(&r, &m);
    script_start(&t);
    script_hello(&t, "mallory", NULL);
    script_bind_type(&t, &sealed_type, "one", NULL);
    flush();
    must(r.welcome && r.bound == 1 && r.snapshots == 1);
    sequence = 0;
    script_dispatch(&t, r.number, ++sequence, BLUFF_SIT, "", 0);
    flush();
    for (int i = 0; i < 2; i++) seats[i] = movex_bind(m.clients[i], &sealed_type, "one");
    match_run(&m, 1);
    must(movex_dispatch(seats[0], BLUFF_SIT, NULL));
    match_run(&m, 1);
    raw_take(&r, &m);
}

static movex_hosted hosted(void)
{
    movex_hosted found;
    must(movex_master_find(m.master, &sealed_type, "one", &found));
    return found;
}

static void finish_by_hand(void)
{
    for (int i = 0; i < 2; i++) {
        must(movex_in_sync(seats[i]));
        must_equal(movex_version(seats[i]), hosted().version);
        must_equal(movex_checksum(seats[i]), hosted().checksum);
    }
    raw_end(&r);
    match_must_go_on(&m);
    match_end(&m);
}

static void commit_to(const char *author, uint64_t number, uint32_t action, const char *payload, size_t length,
                      unsigned char *commitment)
{
    const movex_seal seal = {.room = "",
                             .type = sealed_type.name,
                             .id = "one",
                             .author = author,
                             .subscription = r.subscription,
                             .sequence = number,
                             .salt = salt,
                             .action = action,
                             .payload = {payload, length}};
    movex_seal_commit(&seal, commitment);
}

/* Mallory shows that he is ready. */
static void seal_with(const unsigned char *commitment)
{
    movex_dispatch_sealed_message message = {
        .shown = {.number = r.number, .sequence = ++sequence, .action = BLUFF_READY, .payload = {"\0", 1}}};
    memcpy(message.commitment, commitment, sizeof message.commitment);
    movex_write_dispatch_sealed(&t.writer, &message);
    flush();
}

static void seal_bid(uint32_t action, const char *payload)
{
    unsigned char commitment[MOVEX_COMMITMENT_SIZE];
    commit_to("mallory", sequence + 1, action, payload, 2, commitment);
    seal_with(commitment);
}

/* ann seals a bid, and it is time to open. */
static void have_ann_bid(void)
{
    must(movex_dispatch_private(seats[0], BLUFF_BID, &(bluff_bid){1, 8}, BLUFF_READY, &(bluff_ready){1}));
    match_run(&m, 1);
    raw_take(&r, &m);
    must(r.closing && r.closings == 1 && r.openings == 1 && !r.reveals); /* she has opened */
}

static void write_opening(uint64_t closing, uint64_t version, const unsigned char *with, uint32_t action,
                          const char *payload, size_t length)
{
    unsigned char              bytes[200];
    movex_writer               writer = movex_writer_over(bytes, sizeof bytes);
    const movex_opening_record record = {closing - version, with, action, {payload, length}};
    movex_open_message         message = {.number = r.number, .closing = closing};
    movex_write_opening_record(&writer, &record);
    message.records = (movex_wire_records){1, {bytes, (size_t)(writer.at - bytes)}};
    movex_write_open(&t.writer, &message);
}

static const bluff *seen(int i)
{
    return movex_state(seats[i]);
}

/* The honest ones are told who has forfeited, and why. */
static void must_forfeit(int reason)
{
    movex_event event;
    for (int i = 0; i < 2; i++) {
        int forfeits = 0;
        while (movex_client_next(m.clients[i], &event)) forfeits += event.kind == MOVEX_EVENT_FORFEITED;
        (void)forfeits; /* match_run has drained them */
    }
    must(hosted().hidden == 0);
    must_equal(movex_master_stats(m.master).forfeits, 1);
    const movex_hidden *hidden = movex_master_resource_named(m.master, &sealed_type, "one")->hidden;
    must_equal(hidden->last.pair_count, 2);
    must_equal(hidden->last.pairs[0].forfeit, reason);
    must_equal(hidden->last.pairs[1].forfeit, MOVEX_ACCEPT);
    for (int i = 0; i < 2; i++) {
        must_equal(movex_client_stats(m.clients[i]).forfeits, 1);
        must_equal(seen(i)->bid[0], BLUFF_READY_BID);
        must_equal(seen(i)->bid[1], 8);
    }
    must(r.overturned == 1);
}

static uint64_t sealed_version(void)
{
    return movex_master_resource_named(m.master, &sealed_type, "one")->sealed->entries[0].version;
}

START_TEST(an_honest_opening_by_hand)
{
    enter();
    seal_bid(BLUFF_BID, "\0\x09");
    have_ann_bid();
    write_opening(r.closing, sealed_version(), salt, BLUFF_BID, "\0\x09", 2);
    flush();
    must(r.openings == 2 && r.reveals && r.overturned == 0);
    must_equal(seen(0)->bid[0], 9);
    must_equal(seen(1)->bid[1], 8);
    must_equal(movex_client_stats(m.clients[0]).forfeits, 0);
    finish_by_hand();
}
END_TEST

START_TEST(another_half_than_was_sealed)
{
    static const struct {
        uint32_t    action;
        const char *payload;
        bool        salted;
    } others[] = {{BLUFF_BID, "\0\x0a", false}, {BLUFF_BID, "\0\x09", true}, {BLUFF_STEAL, "\0\x09", false}};
    unsigned char wrong[MOVEX_SALT_SIZE] = {1};
    enter();
    seal_bid(BLUFF_BID, "\0\x09");
    have_ann_bid();
    write_opening(r.closing, sealed_version(), others[_i].salted ? wrong : salt, others[_i].action, others[_i].payload,
                  2);
    flush();
    must(r.openings == 2 && r.reveals);
    must_forfeit(MOVEX_REFUSED_COMMITMENT);
    finish_by_hand();
}
END_TEST

/* What ann has sealed, and opened before him, is hers alone: it is bound to her name. */
START_TEST(what_somebody_else_has_sealed)
{
    enter();
    must(movex_dispatch_private(seats[0], BLUFF_BID, &(bluff_bid){1, 8}, BLUFF_READY, &(bluff_ready){1}));
    match_run(&m, 1);
    raw_take(&r, &m);
    const movex_sealed *round = movex_master_resource_named(m.master, &sealed_type, "one")->sealed;
    unsigned char       copied[MOVEX_COMMITMENT_SIZE];
    memcpy(copied, round->entries[0].commitment, sizeof copied);
    seal_with(copied);
    raw_take(&r, &m);
    must(r.openings == 1 && round->entries[0].opening == MOVEX_OPENING_GIVEN);
    uint64_t      version = round->entries[1].version;
    unsigned char hers[MOVEX_SALT_SIZE];
    memcpy(hers, round->entries[0].salt, sizeof hers);
    write_opening(r.closing, version, hers, BLUFF_BID, "\x01\x08", 2);
    flush();
    must(r.openings == 2 && r.reveals);
    must_equal(movex_master_stats(m.master).forfeits, 1);
    must_equal(seen(1)->bid[0], BLUFF_READY_BID);
    finish_by_hand();
}
END_TEST

START_TEST(what_may_not_be_hidden_so)
{
    static const struct {
        uint32_t    action;
        const char *payload;
    } unfit[] = {{BLUFF_STEAL, "\0\x05"}, {BLUFF_BID, "\x01\x05"}}; /* no bid; another seat than the one shown */
    enter();
    seal_bid(unfit[_i].action, unfit[_i].payload);
    have_ann_bid();
    write_opening(r.closing, sealed_version(), salt, unfit[_i].action, unfit[_i].payload, 2);
    flush();
    must(r.openings == 2 && r.reveals);
    must_forfeit(MOVEX_REFUSED_PAIR);
    finish_by_hand();
}
END_TEST

START_TEST(what_its_author_could_not_do)
{
    enter();
    seal_bid(BLUFF_BID, "\0\x65"); /* 101 of 100 */
    have_ann_bid();
    write_opening(r.closing, sealed_version(), salt, BLUFF_BID, "\0\x65", 2);
    flush();
    must(r.openings == 2 && r.reveals);
    must_forfeit(BLUFF_TOO_MUCH);
    finish_by_hand();
}
END_TEST

START_TEST(an_opening_of_nothing)
{
    enter();
    seal_bid(BLUFF_BID, "\0\x09");
    have_ann_bid();
    movex_write_open(&t.writer, &(movex_open_message){r.number, r.closing, {0, {"", 0}}});
    flush();
    must(r.openings == 2 && r.reveals);
    must_forfeit(MOVEX_REFUSED_NOT_OPENED);
    finish_by_hand();
}
END_TEST

START_TEST(silence_until_the_deadline)
{
    enter();
    seal_bid(BLUFF_BID, "\0\x09");
    have_ann_bid();
    match_run(&m, 4999);
    must_equal(hosted().hidden, 2);
    match_run(&m, 2);
    raw_take(&r, &m);
    must(r.deadlines == 1 && r.reveals);
    must_forfeit(MOVEX_REFUSED_NOT_OPENED);
    finish_by_hand();
}
END_TEST

/* Before it is time, after it, of another round, of a resource that is not bound, and a second time: nothing happens. */
START_TEST(openings_that_are_late_or_early)
{
    enter();
    seal_bid(BLUFF_BID, "\0\x09");
    uint64_t version = sealed_version();
    write_opening(version + 2, version, salt, BLUFF_BID, "\0\x09", 2);
    flush();
    must_equal(r.openings, 0);
    have_ann_bid();
    write_opening(r.closing + 1, version, salt, BLUFF_BID, "\0\x09", 2);
    flush();
    r.number++;
    write_opening(r.closing, version, salt, BLUFF_BID, "\0\x09", 2);
    r.number--;
    flush();
    must(r.openings == 1 && !r.error);
    uint64_t closing = r.closing;
    write_opening(closing, version, salt, BLUFF_BID, "\0\x09", 2);
    write_opening(closing, version, salt, BLUFF_BID, "\0\x08", 2);
    flush();
    must(r.openings == 2 && r.reveals && !r.error);
    must_equal(seen(0)->bid[0], 9);
    finish_by_hand();
}
END_TEST

START_TEST(openings_that_are_none)
{
    enter();
    seal_bid(BLUFF_BID, "\0\x09");
    have_ann_bid();
    uint64_t version = sealed_version();
    switch (_i) {
    case 0: write_opening(r.closing, version + 1, salt, BLUFF_BID, "\0\x09", 2); break; /* hers */
    case 1: write_opening(r.closing, version - 1, salt, BLUFF_BID, "\0\x09", 2); break; /* nothing sealed */
    case 2: write_opening(r.closing, 0, salt, BLUFF_BID, "\0\x09", 2); break;
    case 3: write_opening(r.closing, version, salt, BLUFF_BID, "\0\x09\0", 3); break; /* no payload of it */
    case 4: write_opening(r.closing, version, salt, BLUFF_AGAIN, "\0", 1); break;     /* which has none */
    case 5: write_opening(r.closing, version, salt, BLUFF_ACTIONS, "", 0); break;
    }
    script_send(&t, &r);
    raw_must_be_told(&r, &m, MOVEX_ERR_MALFORMED, "OPEN: ");
    must_equal(r.openings, 1);
    finish_by_hand();
}
END_TEST

/* OPEN and DISPATCH_SEALED cut after each byte, and OPEN with records that are not in order. */
START_TEST(messages_that_are_cut)
{
    for (int kind = 0; kind < 2; kind++)
        for (size_t length = 1, whole = 2; length < whole; length++) {
            unsigned char commitment[MOVEX_COMMITMENT_SIZE] = {7};
            enter();
            movex_dispatch_sealed_message message = {
                .shown = {.number = r.number, .sequence = 2, .action = BLUFF_READY, .payload = {"\0", 1}}};
            memcpy(message.commitment, commitment, sizeof commitment);
            if (kind)
                write_opening(9, 8, salt, BLUFF_BID, "\0\x09", 2);
            else
                movex_write_dispatch_sealed(&t.writer, &message);
            whole = script_length(&t);
            t.writer.at = t.bytes + length;
            script_send(&t, &r);
            raw_must_be_told(&r, &m, MOVEX_ERR_MALFORMED, kind ? "OPEN" : "DISPATCH_SEALED");
            finish_by_hand();
        }
}
END_TEST

START_TEST(openings_in_the_wrong_order)
{
    unsigned char        bytes[200];
    movex_writer         writer = movex_writer_over(bytes, sizeof bytes);
    movex_opening_record record = {2, salt, BLUFF_BID, {"\0\x09", 2}};
    const uint64_t       second[] = {2, 3, 0};
    enter();
    movex_write_opening_record(&writer, &record);
    record.back = second[_i % 3];
    movex_write_opening_record(&writer, &record);
    movex_open_message message = {r.number, 9, {_i < 3 ? 2 : 3, {bytes, (size_t)(writer.at - bytes)}}};
    if (_i == 3) record.back = 1;
    movex_write_open(&t.writer, &message);
    script_send(&t, &r);
    raw_must_be_told(&r, &m, MOVEX_ERR_MALFORMED, "OPEN");
    finish_by_hand();
}
END_TEST

START_TEST(pairs_of_the_wrong_kind)
{
    enter();
    if (_i) {
        script_dispatch_private(&t, &(movex_dispatch_private_message){
                                        .hidden = {r.number, 2, BLUFF_BID, {"\0\x09", 2}},
                                        .shown_action = BLUFF_READY,
                                        .shown_payload = {"\0", 1},
                                    });
        script_send(&t, &r);
        raw_must_be_told(&r, &m, MOVEX_ERR_PROTOCOL, "are sealed");
    } else {
        script_bind_type(&t, &duel_type, "one", NULL);
        flush();
        movex_write_dispatch_sealed(&t.writer, &(movex_dispatch_sealed_message){
                                                   .shown = {.number = r.number, .sequence = 1, .action = DUEL_READY}});
        script_send(&t, &r);
        raw_must_be_told(&r, &m, MOVEX_ERR_PROTOCOL, "are not sealed");
    }
    finish_by_hand();
}
END_TEST

START_TEST(what_nothing_is_hidden_as)
{
    enter();
    movex_dispatch_sealed_message message = {
        .shown = {.number = r.number, .sequence = ++sequence, .action = BLUFF_BID, .payload = {"\0\x09", 2}}};
    movex_write_dispatch_sealed(&t.writer, &message);
    flush();
    must(r.outcomes == 1 && r.reason == MOVEX_REFUSED_PAIR && r.sealed_entries == 0);
    message.shown = (movex_dispatch_message){r.number, ++sequence, BLUFF_READY, {"\0", 1}};
    message.revealed = 1; /* a reveal that there never was */
    movex_write_dispatch_sealed(&t.writer, &message);
    flush();
    must(r.outcomes == 2 && r.reason == MOVEX_REFUSED_OVERTAKEN && r.sealed_entries == 0);
    must_equal(hosted().hidden, 0);
    finish_by_hand();
}
END_TEST

/* ---- a master by hand; the client, ann, sits at 0, bob at 1 */

static bluff               truth; /* as everybody sees it */
static const bluff         healed = {.player = {"ann", "bob"}, .purse = {77, 7}, .rounds = 9};
static const unsigned char bobs_salt[MOVEX_SALT_SIZE] = {9, 9, 9};

static void apply_ready(const char *author, uint8_t seat, uint64_t version)
{
    movex_random_source random = {.seed = 99};
    const movex_context context = {.author = author, .version = version, .now_ms = 500, .random = &random};
    must_equal(movex_apply(h.rules, &truth, BLUFF_READY, &(bluff_ready){seat}, &context, NULL), MOVEX_ACCEPT);
}

static uint64_t checksum(void)
{
    return movex_codec_checksum(movex_rules_state(h.rules), &truth);
}

static void commit_bob(unsigned char *commitment)
{
    const movex_seal seal = {"", sealed_type.name, "one", "bob", 4, 6, bobs_salt, BLUFF_BID, {"\x01\x0c", 2}};
    movex_seal_commit(&seal, commitment);
}

static movex_sealed_entry_message ready_of(const char *author, uint8_t seat, uint64_t version)
{
    movex_sealed_entry_message message = {.number = 3,
                                          .version = version,
                                          .author = {author, 3},
                                          .subscription = 1,
                                          .sequence = 1,
                                          .action = BLUFF_READY,
                                          .payload = {seat ? "\x01" : "\0", 1},
                                          .seed = 99};
    memcpy(message.commitment, h.sealed.commitment, sizeof message.commitment);
    if (!seat) return message;
    message.subscription = 4;
    message.sequence = 6;
    commit_bob(message.commitment);
    return message;
}

static void tell_ready(const char *author, uint8_t seat, uint64_t version)
{
    movex_sealed_entry_message message = ready_of(author, seat, version);
    apply_ready(author, seat, version);
    message.checksum = checksum();
    movex_write_sealed_entry(&s.writer, &message);
    send_all();
}

/* In version 10, with a pair on its way, as sequence 1. */
static void open_by_hand(void)
{
    set_up();
    truth = (bluff){.player = {"ann", "bob"}, .purse = {100, 100}};
    start(&sealed_type);
    write_welcome(false);
    send_all();
    must(h.bind && !h.asked.resumes);
    write_bound(h.asked.tag, 3, 0, false);
    write_subscriber(0, "ann");
    write_subscriber(1, "bob");
    write_snapshot(&truth, 10, 0);
    send_all();
    must(movex_in_sync(h.resource) && movex_version(h.resource) == 10);
    must(movex_dispatch_private(h.resource, BLUFF_BID, &(bluff_bid){0, 8}, BLUFF_READY, &(bluff_ready){0}));
    run(0);
    must(h.sealings == 1 && h.sealed.shown.sequence == 1 && h.sealed.shown.action == BLUFF_READY);
}

static void step(movex_message_kind kind, uint64_t version, movex_sealed_step_message message)
{
    message.kind = kind;
    message.number = 3;
    message.version = version;
    if (!message.checksum) message.checksum = checksum();
    movex_write_sealed_step(&s.writer, &message);
    send_all();
}

/* Up to version 13: both are ready, and CLOSING has come; she has opened. */
static void close_by_hand(void)
{
    open_by_hand();
    tell_ready("ann", 0, 11);
    must_equal(h.accepted, 1);
    must_equal(((const bluff *)movex_state(h.resource))->bid[0], 8);
    tell_ready("bob", 1, 12);
    must_equal(h.opens, 0);
    step(MOVEX_MESSAGE_CLOSING, 13, (movex_sealed_step_message){.deadline_ms = 900});
    must(h.opens == 1 && h.closing == 13 && h.opened == 1);
}

static void write_record(movex_wire_records *records, uint64_t back, const unsigned char *with, uint32_t action,
                         const char *payload)
{
    static unsigned char       bytes[100];
    movex_writer               writer = movex_writer_over(bytes, sizeof bytes);
    const movex_opening_record record = {back, with, action, {payload, 2}};
    movex_write_opening_record(&writer, &record);
    *records = (movex_wire_records){1, {bytes, (size_t)(writer.at - bytes)}};
}

/* Version 14: what bob has opened, or what is told as that. */
static void open_bob(const char *payload, bool reveals)
{
    movex_sealed_step_message message = {.author = {"bob", 3}, .reveals = reveals};
    write_record(&message.records, 1, bobs_salt, BLUFF_BID, payload);
    step(MOVEX_MESSAGE_OPENING, 14, message);
}

/* Version 15: what ann has opened. */
static void open_ann(uint64_t sum)
{
    movex_sealed_step_message message = {.author = {"ann", 3}, .reveals = true, .checksum = sum};
    write_record(&message.records, 2, h.salt, BLUFF_BID, "\0\x08");
    step(MOVEX_MESSAGE_OPENING, 15, message);
}

static uint64_t revealed_sum(uint8_t bobs)
{
    bluff               revealed = {.player = {"ann", "bob"}, .purse = {92, (int16_t)(100 - (bobs ? bobs : 0))}};
    movex_random_source random = {.seed = 99};
    movex_context       context = {.author = "bob", .version = 12, .now_ms = 500, .random = &random};
    revealed.bid[0] = 8;
    revealed.at_ms = 500;
    if (bobs)
        revealed.bid[1] = bobs;
    else
        must_equal(movex_apply(h.rules, &revealed, BLUFF_READY, &(bluff_ready){1}, &context, NULL), MOVEX_ACCEPT);
    return movex_codec_checksum(movex_rules_state(h.rules), &revealed);
}

START_TEST(an_honest_master_by_hand)
{
    close_by_hand();
    open_bob("\x01\x0c", false);
    open_ann(revealed_sum(12));
    must(h.revealed == 1 && h.forfeited == 0 && h.mismatched == 0 && h.resyncs == 0);
    must_equal(((const bluff *)movex_state(h.resource))->bid[1], 12);
    finish();
}
END_TEST

/* The master tells her of another bid than bob's: she sees that it is not what was sealed, whatever the checksum. */
START_TEST(an_opening_that_the_master_has_made_up)
{
    close_by_hand();
    open_bob("\x01\x0d", false);
    open_ann(revealed_sum(_i ? 13 : 0));
    must(h.revealed == 1 && h.forfeited == 1 && h.forfeit == MOVEX_REFUSED_COMMITMENT);
    must(strcmp(h.forfeiter, "bob") == 0);
    must_equal(h.resyncs, (uint32_t)_i); /* if the master goes by it, she does not go along */
    if (_i) {
        write_snapshot(&healed, 15, 1);
        send_all();
        must_equal(h.mismatched, 1);
        must_msg(strstr(h.mismatch, "bob has sealed in version 12 is another one"), "%s", h.mismatch);
    }
    finish();
}
END_TEST

/* Each is answered by a closed link with the right words; and nothing is opened. */
START_TEST(steps_before_their_time)
{
    static const char *const words[] = {"not to be opened yet", "not to be opened yet", "not to be opened yet",
                                        "what was not dispatched"};
    open_by_hand();
    if (_i == 1) tell_ready("ann", 0, 11);
    if (_i == 0) step(MOVEX_MESSAGE_CLOSING, 11, (movex_sealed_step_message){.deadline_ms = 900});
    if (_i == 1)
        step(MOVEX_MESSAGE_CLOSING, 12, (movex_sealed_step_message){.deadline_ms = 900}); /* bob is not ready */
    if (_i == 2) step(MOVEX_MESSAGE_DEADLINE, 11, (movex_sealed_step_message){.elapsed_ms = 5});
    if (_i == 3) {
        movex_sealed_entry_message message = ready_of("ann", 0, 11);
        message.sequence = 2;
        movex_write_sealed_entry(&s.writer, &message);
        send_all();
    }
    must_equal(h.opens, 0);
    must_complain_and_heal(words[_i], &healed);
}
END_TEST

START_TEST(steps_out_of_their_order)
{
    static const char *const words[] = {"already",        "DEADLINE: before", "when all was to be opened",
                                        "not in time",    "its time",         "nothing for its author",
                                        "has not sealed", "payload"};
    close_by_hand();
    movex_sealed_step_message  opening = {.author = {"bob", 3}};
    movex_sealed_entry_message more = ready_of("bob", 1, 14);
    switch (_i) {
    case 0: step(MOVEX_MESSAGE_CLOSING, 14, (movex_sealed_step_message){.deadline_ms = 900}); break;
    case 1: step(MOVEX_MESSAGE_DEADLINE, 14, (movex_sealed_step_message){.elapsed_ms = 399}); break;
    case 2:
        more.sequence++;
        movex_write_sealed_entry(&s.writer, &more);
        send_all();
        break;
    case 3:
        open_bob("\x01\x0c", false);
        opening.author = (movex_wire_text){"ann", 3};
        write_record(&opening.records, 2, h.salt, BLUFF_BID, "\0\x08");
        step(MOVEX_MESSAGE_OPENING, 15, opening); /* the last, and it reveals nothing */
        break;
    case 4: open_bob("\x01\x0c", true); break; /* not the last */
    case 5:
        opening.author = (movex_wire_text){"cid", 3};
        write_record(&opening.records, 1, bobs_salt, BLUFF_BID, "\x01\x0c");
        step(MOVEX_MESSAGE_OPENING, 14, opening);
        break;
    case 6:
        write_record(&opening.records, 2, bobs_salt, BLUFF_BID, "\x01\x0c");
        step(MOVEX_MESSAGE_OPENING, 14, opening);
        break;
    case 7:
        write_record(&opening.records, 1, bobs_salt, BLUFF_AGAIN, "\x01\x0c");
        step(MOVEX_MESSAGE_OPENING, 14, opening);
        break;
    }
    must_complain_and_heal(words[_i], &healed);
}
END_TEST

START_TEST(a_deadline_in_time)
{
    close_by_hand();
    open_bob("\x01\x0c", false);
    movex_sealed_step_message deadline = {.elapsed_ms = 400};
    bluff                     revealed = {.player = {"ann", "bob"}, .purse = {100, 88}, .bid = {255, 12}, .at_ms = 500};
    movex_random_source       random = {.seed = 99};
    movex_context             context = {.author = "ann", .version = 11, .now_ms = 500, .random = &random};
    must_equal(movex_apply(h.rules, &revealed, BLUFF_READY, &(bluff_ready){0}, &context, NULL), MOVEX_ACCEPT);
    deadline.checksum = movex_codec_checksum(movex_rules_state(h.rules), &revealed);
    step(MOVEX_MESSAGE_DEADLINE, 15, deadline);
    must(h.forfeited == 1 && h.forfeit == MOVEX_REFUSED_NOT_OPENED && strcmp(h.forfeiter, "ann") == 0);
    must_equal(h.resyncs, 0);
    finish();
}
END_TEST

START_TEST(entries_of_what_the_type_does_not_have)
{
    open_by_hand();
    movex_sealed_entry_message message = ready_of("bob", 1, 11);
    if (_i == 0) message.action = BLUFF_ACTIONS;
    if (_i == 1) message.payload.length = 0;
    if (_i == 2) message.action = BLUFF_AGAIN;
    movex_write_sealed_entry(&s.writer, &message);
    send_all();
    must_complain_and_heal("SEALED_ENTRY", &healed);
}
END_TEST

/* ---- rounds that come with a snapshot */

/* That of version 13, as a master has it. */
static size_t write_round(unsigned char *bytes, size_t capacity, unsigned fault)
{
    movex_sealed    round;
    movex_view      view;
    movex_allocator allocator;
    bluff           base = {.player = {"ann", "bob"}, .purse = {100, 100}};
    must(movex_allocator_resolve(&(movex_allocator){0}, &allocator));
    movex_sealed_init(&round, h.rules, "one");
    must(movex_view_init(&view, h.rules, false, &allocator));
    if (fault == 1) base.purse[1]++;
    movex_view_take(&view, &base);
    for (uint8_t seat = 0; seat < 2; seat++) {
        movex_sealed_entry_message ready = ready_of(seat ? "bob" : "ann", seat, 11u + seat);
        movex_sealed_entry         entry = {.version = ready.version,
                                            .now_ms = 500,
                                            .seed = 99,
                                            .subscription = ready.subscription,
                                            .sequence = ready.sequence,
                                            .action = ready.action,
                                            .sealed = true};
        memcpy(entry.commitment, ready.commitment, sizeof entry.commitment);
        must(movex_sealed_reserve(&round, &allocator, 1));
        if (!seat) movex_sealed_begin(&round, &view, 10, 500);
        movex_sealed_add(&round, &entry, seat ? "bob" : "ann", ready.payload);
        if (fault == 2 && seat == 0) movex_sealed_close(&round, 12, 900); /* bob is not ready yet: his is 13 */
        if (fault == 2) round.entries[seat].version = seat ? 13 : 11;
    }
    if (fault != 2) movex_sealed_close(&round, 13, 900);
    movex_writer writer = movex_writer_over(bytes, capacity);
    movex_sealed_write(&writer, &round, false);
    movex_view_free(&view, &allocator);
    movex_sealed_free(&round, &allocator);
    return (size_t)(writer.at - bytes);
}

static void send_round(const unsigned char *bytes, size_t length)
{
    movex_write_sealed(&s.writer, &(movex_sealed_message){3, 13, {0, {"", 0}}, {bytes, length}});
    write_snapshot(&truth, 13, 1);
    send_all();
}

static void come_to_round(void)
{
    open_by_hand();
    apply_ready("ann", 0, 11);
    apply_ready("bob", 1, 12);
}

START_TEST(a_round_that_comes_with_a_snapshot)
{
    unsigned char bytes[1000];
    come_to_round();
    send_round(bytes, write_round(bytes, sizeof bytes, 0));
    must(h.accepted == 1 && h.opens == 1 && h.closing == 13 && h.opened == 1);
    must_equal(((const bluff *)movex_state(h.resource))->bid[0], 8);
    open_bob("\x01\x0c", false);
    open_ann(revealed_sum(12));
    must(h.revealed == 1 && h.mismatched == 0 && h.resyncs == 0);
    finish();
}
END_TEST

START_TEST(a_round_that_does_not_make_its_snapshot)
{
    unsigned char bytes[1000];
    come_to_round();
    send_round(bytes, write_round(bytes, sizeof bytes, (unsigned)_i + 1));
    must_equal(h.opens, 0);
    must_complain_and_heal("SEALED: ", &healed);
}
END_TEST

/* Every bit of a round flipped, and a round cut after every byte: it is taken as another sound one, or refused with words. */
START_TEST(rounds_that_are_damaged)
{
    unsigned char   bytes[1000], copy[1000];
    movex_allocator allocator;
    movex_sealed    round;
    char            payloads[2][64];
    movex_error     error;
    come_to_round();
    size_t length = write_round(bytes, sizeof bytes, 0), refused = 0;
    must(movex_allocator_resolve(&(movex_allocator){0}, &allocator));
    movex_sealed_init(&round, h.rules, "one");
    void *const rooms[2] = {payloads[0], payloads[1]};
    for (size_t i = 0; i < length; i++) {
        memcpy(copy, bytes, length);
        must(movex_sealed_read(&round, &allocator, (movex_wire_bytes){copy, i}, false, 13, 512, rooms, &error) ==
             MOVEX_ERR_MALFORMED);
        must(!movex_sealed_is_open(&round));
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (unsigned char)(1u << bit);
            int status =
                movex_sealed_read(&round, &allocator, (movex_wire_bytes){copy, length}, false, 13, 512, rooms, &error);
            must(status == MOVEX_OK || status == MOVEX_ERR_MALFORMED);
            refused += status != MOVEX_OK;
            if (status == MOVEX_OK && movex_sealed_verify(&round, payloads[0])) {
                movex_sealed_check(&round);
                movex_sealed_reveal(&round, payloads[0]);
            }
            copy[i] ^= (unsigned char)(1u << bit);
        }
    }
    must(refused > length);
    for (uint64_t version = 11; version < 16; version++) { /* which its entries and steps lead to */
        int status = movex_sealed_read(&round, &allocator, (movex_wire_bytes){bytes, length}, false, version, 512,
                                       rooms, &error);
        must((status == MOVEX_OK) == (version == 13));
    }
    must(movex_sealed_read(&round, &allocator, (movex_wire_bytes){bytes, length}, false, 13, 1, rooms, &error) ==
         MOVEX_ERR_MALFORMED); /* more than may be */
    movex_sealed_free(&round, &allocator);
    finish();
}
END_TEST

START_TEST(entries_between_a_round_and_its_snapshot)
{
    unsigned char bytes[1000];
    come_to_round();
    size_t length = write_round(bytes, sizeof bytes, 0);
    movex_write_sealed(&s.writer, &(movex_sealed_message){3, 13, {0, {"", 0}}, {bytes, length}});
    movex_sealed_entry_message message = ready_of("bob", 1, 11);
    movex_write_sealed_entry(&s.writer, &message);
    send_all();
    must_equal(h.opens, 0);
    must_complain_and_heal("does not belong here", &healed);
}
END_TEST

/* The link is lost between the two: what she holds is no version of anything, and she must get another snapshot. */
START_TEST(a_round_whose_snapshot_is_lost)
{
    unsigned char bytes[1000];
    come_to_round();
    size_t length = write_round(bytes, sizeof bytes, 0);
    movex_write_sealed(&s.writer, &(movex_sealed_message){3, 13, {0, {"", 0}}, {bytes, length}});
    send_all();
    hang_up();
    for (int i = 0; i < 10 && !h.hello; i++) run(20000);
    write_welcome(true);
    send_all();
    must(h.bind && h.asked.resumes && h.asked.version == 10);
    bluff held = {.player = {"ann", "bob"}, .purse = {100, 100}};
    must(h.asked.checksum != movex_codec_checksum(movex_rules_state(h.rules), &held));
    write_bound(h.asked.tag, 3, 1, false);
    send_round(bytes, length);
    must(h.accepted == 1 && h.opens == 1 && h.opened == 1);
    must_equal(((const bluff *)movex_state(h.resource))->bid[0], 8);
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol");
    TCase *tests = tcase_create("sealed");
    tcase_add_test(tests, commitments_are_as_documented);
    tcase_add_test(tests, commitments_are_bound_to_everything);
    tcase_add_test(tests, an_honest_opening_by_hand);
    tcase_add_loop_test(tests, another_half_than_was_sealed, 0, 3);
    tcase_add_test(tests, what_somebody_else_has_sealed);
    tcase_add_loop_test(tests, what_may_not_be_hidden_so, 0, 2);
    tcase_add_test(tests, what_its_author_could_not_do);
    tcase_add_test(tests, an_opening_of_nothing);
    tcase_add_test(tests, silence_until_the_deadline);
    tcase_add_test(tests, openings_that_are_late_or_early);
    tcase_add_loop_test(tests, openings_that_are_none, 0, 6);
    tcase_add_test(tests, messages_that_are_cut);
    tcase_add_loop_test(tests, openings_in_the_wrong_order, 0, 4);
    tcase_add_loop_test(tests, pairs_of_the_wrong_kind, 0, 2);
    tcase_add_test(tests, what_nothing_is_hidden_as);
    tcase_add_test(tests, an_honest_master_by_hand);
    tcase_add_loop_test(tests, an_opening_that_the_master_has_made_up, 0, 2);
    tcase_add_loop_test(tests, steps_before_their_time, 0, 4);
    tcase_add_loop_test(tests, steps_out_of_their_order, 0, 8);
    tcase_add_test(tests, a_deadline_in_time);
    tcase_add_loop_test(tests, entries_of_what_the_type_does_not_have, 0, 3);
    tcase_add_test(tests, a_round_that_comes_with_a_snapshot);
    tcase_add_loop_test(tests, a_round_that_does_not_make_its_snapshot, 0, 2);
    tcase_add_test(tests, rounds_that_are_damaged);
    tcase_add_test(tests, entries_between_a_round_and_its_snapshot);
    tcase_add_test(tests, a_round_whose_snapshot_is_lost);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
