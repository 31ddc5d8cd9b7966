/* A master with two honest clients and one who sends pairs that he should not: each is refused, or ends his link with the right
   words, and they notice nothing of it. */
#include "bluff_game.h"
#include "master_internal.h"
#include "raw_link.h"
#include "support.h"

#include <string.h>

static match           m;
static raw             r;
static script          s;
static movex_resource *seats[2]; /* bluff:one, as the honest clients have bound it; ann sits at 1, mallory at 0 */
static uint64_t        sequence; /* mallory's last */

/* Half a pair: an action with its canonical encoding. */
typedef struct half {
    uint32_t    action;
    const char *payload;
    size_t      length;
} half;

static const half bid_of_8 = {BLUFF_BID, "\0\x08", 2}, ready = {BLUFF_READY, "\0", 1};

static void write_pair(uint64_t number, const half *hidden, const half *shown, uint64_t revealed)
{
    script_dispatch_private(&s, &(movex_dispatch_private_message){
                                    .hidden = {r.number, number, hidden->action, {hidden->payload, hidden->length}},
                                    .revealed = revealed,
                                    .shown_action = shown->action,
                                    .shown_payload = {shown->payload, shown->length},
                                });
}

/* What becomes of the next pair: the reason. */
static int pair(const half *hidden, const half *shown, uint64_t revealed)
{
    uint32_t outcomes = r.outcomes, entries = r.entries;
    write_pair(++sequence, hidden, shown, revealed);
    script_send(&s, &r);
    raw_take(&r, &m);
    must_msg(!r.error && !r.closed, "%s", r.text);
    if (r.entries > entries) return MOVEX_ACCEPT;
    must(r.outcomes == outcomes + 1 && r.sequence == sequence);
    return r.reason;
}

static movex_hosted hosted_now(const movex_type *type)
{
    movex_hosted hosted;
    must(movex_master_find(m.master, type, "one", &hosted));
    return hosted;
}

static void enter_type(const movex_master_config *config, const movex_type *type)
{
    movex_master_config mine = config ? *config : (movex_master_config){0};
    mine.types = MOVEX_TYPES(&duel_type, &bluff_type, &hands_type);
    match_start(&m, &mine);
    raw_dial(&r, &m);
    script_start(&s);
    script_hello(&s, "mallory", NULL);
    script_bind_type(&s, type, "one", NULL);
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.welcome && r.bound == 1 && r.snapshots == 1 && !r.error);
    sequence = 0;
}

static void enter(const movex_master_config *config)
{
    enter_type(config, &bluff_type);
    script_dispatch(&s, r.number, ++sequence, BLUFF_SIT, "", 0);
    script_send(&s, &r);
    raw_take(&r, &m);
    for (int i = 0; i < 2; i++) seats[i] = movex_bind(m.clients[i], &bluff_type, "one");
    match_run(&m, 1);
    must(movex_dispatch(seats[0], BLUFF_SIT, NULL));
    match_run(&m, 1);
    must_equal(movex_version(seats[1]), 2);
    raw_take(&r, &m);
}

/* The honest ones hold what the public may know, and go on. */
static void finish(void)
{
    for (int i = 0; i < 2 && seats[i]; i++) {
        movex_hosted hosted = hosted_now(&bluff_type);
        must(movex_in_sync(seats[i]) && movex_version(seats[i]) == hosted.version);
        if (i == 1) must_equal(movex_checksum(seats[i]), hosted.checksum);
    }
    raw_end(&r);
    match_must_go_on(&m);
    match_end(&m);
}

static void must_be_told(movex_status status, const char *words)
{
    raw_must_be_told(&r, &m, status, words);
}

static uint64_t honest_frames(void)
{
    return movex_client_stats(m.clients[0]).frames_received + movex_client_stats(m.clients[1]).frames_received;
}

/* ---- refused */

/* Any action behind any other: only what the type allows gets further. Nobody is told anything. */
START_TEST(any_action_behind_any_other)
{
    static const half all_bluff[BLUFF_ACTIONS] = {{BLUFF_SIT, "", 0},
                                                  {BLUFF_BID, "\0\x08", 2},
                                                  {BLUFF_READY, "\0", 1},
                                                  {BLUFF_STEAL, "\1\1", 2},
                                                  {BLUFF_AGAIN, "", 0}};
    static const half all_hands[HANDS_ACTIONS] = {
        {HANDS_SIT, "", 0}, {HANDS_SHUFFLE, "\1", 1}, {HANDS_DRAW, "", 0}, {HANDS_PICK, "\1", 1}, {HANDS_PASS, "", 0}};
    static const half all_duel[DUEL_ACTIONS] = {
        {DUEL_MOVE, "\1\0\0\0\0\0\0\0", 8}, {DUEL_READY, "", 0}, {DUEL_NEVER, "", 0}};
    static const struct {
        const movex_type *type;
        const half       *all;
        uint32_t          count, hidden, shown; /* the pair that is allowed, and refused by the reducer then */
        int               reason;
    } games[] = {
        {&bluff_type, all_bluff, BLUFF_ACTIONS, BLUFF_BID, BLUFF_READY, BLUFF_NOT_YOURS},
        {&hands_type, all_hands, HANDS_ACTIONS, HANDS_PICK, HANDS_PASS,
         HANDS_NOT_SEATED},                                     /* one is the master's alone */
        {&duel_type, all_duel, DUEL_ACTIONS, UINT32_MAX, 0, 0}, /* hides nothing */
    };
    enter_type(NULL, games[_i].type);
    uint64_t     frames = honest_frames();
    movex_hosted before = hosted_now(games[_i].type);
    for (uint32_t hidden = 0; hidden < games[_i].count; hidden++)
        for (uint32_t shown = 0; shown < games[_i].count; shown++) {
            bool allowed = hidden == games[_i].hidden && shown == games[_i].shown;
            int  reason = pair(&games[_i].all[hidden], &games[_i].all[shown], 0);
            must_msg(reason == (allowed ? games[_i].reason : MOVEX_REFUSED_PAIR), "%u as %u: %d", hidden, shown,
                     reason);
        }
    movex_hosted after = hosted_now(games[_i].type);
    must(after.version == before.version && after.checksum == before.checksum && after.hidden == 0);
    must_equal(honest_frames(), frames);
    finish();
}
END_TEST

START_TEST(what_does_not_fit_or_comes_too_late)
{
    static const half bid_of_101 = {BLUFF_BID, "\0\x65", 2}, of_another = {BLUFF_BID, "\1\x08", 2},
                      other_ready = {BLUFF_READY, "\1", 1}, nobodys = {BLUFF_BID, "\7\x08", 2},
                      nobody_ready = {BLUFF_READY, "\7", 1};
    enter(NULL);
    uint64_t frames = honest_frames();
    must_equal(pair(&bid_of_8, &other_ready, 0), MOVEX_REFUSED_PAIR);
    must_equal(pair(&of_another, &other_ready, 0), BLUFF_NOT_YOURS);
    must_equal(pair(&nobodys, &nobody_ready, 0), BLUFF_NOT_YOURS);
    must_equal(pair(&bid_of_101, &ready, 0), BLUFF_TOO_MUCH);
    must_equal(pair(&bid_of_8, &ready, 1), MOVEX_REFUSED_OVERTAKEN);
    must_equal(pair(&bid_of_8, &ready, 2), MOVEX_REFUSED_OVERTAKEN);
    must_equal(pair(&bid_of_8, &ready, UINT64_MAX), MOVEX_REFUSED_OVERTAKEN);
    must(honest_frames() == frames && hosted_now(&bluff_type).version == 2 && hosted_now(&bluff_type).hidden == 0);

    must_equal(pair(&bid_of_8, &ready, 0), MOVEX_ACCEPT);
    must_equal(hosted_now(&bluff_type).hidden, 1);
    must(movex_dispatch_private(seats[0], BLUFF_BID, &(bluff_bid){1, 4}, BLUFF_READY, &(bluff_ready){1}));
    match_run(&m, 1);
    raw_take(&r, &m);
    must(hosted_now(&bluff_type).version == 4 && r.flags & MOVEX_ENTRY_REVEALS);
    must_equal(movex_checksum(seats[0]), movex_checksum(seats[1]));
    must_equal(r.checksum, movex_checksum(seats[1]));
    must_equal(pair(&bid_of_8, &ready, 0), MOVEX_REFUSED_OVERTAKEN);
    must_equal(pair(&bid_of_8, &ready, 3), MOVEX_REFUSED_OVERTAKEN);
    must_equal(pair(&bid_of_8, &ready, 4), MOVEX_ACCEPT); /* revealed at once: both have bid */
    must(r.flags & MOVEX_ENTRY_REVEALS && hosted_now(&bluff_type).hidden == 0);
    finish();
}
END_TEST

START_TEST(pairs_to_what_is_not_bound)
{
    enter(NULL);
    uint32_t number = r.number;
    r.number = 12345;
    write_pair(1, &bid_of_8, &ready, 0);
    script_send(&s, &r);
    raw_take(&r, &m);
    must(!r.error && r.outcomes == 1 && r.reason == MOVEX_REFUSED_NOT_BOUND);
    r.number = number;
    movex_write_numbered(&s.writer, MOVEX_MESSAGE_UNBIND, r.number);
    write_pair(2, &bid_of_8, &ready, 0);
    script_send(&s, &r);
    raw_take(&r, &m);
    must(!r.error && r.outcomes == 2 && r.reason == MOVEX_REFUSED_NOT_BOUND && hosted_now(&bluff_type).hidden == 0);
    finish();
}
END_TEST

/* ---- repeats */

START_TEST(repeats_are_answered_and_not_applied)
{
    enter(NULL);
    must_equal(pair(&bid_of_8, &ready, 0), MOVEX_ACCEPT);
    must_equal(pair(&ready, &bid_of_8, 0), MOVEX_REFUSED_PAIR);
    movex_hosted before = hosted_now(&bluff_type);
    uint64_t     frames = honest_frames();
    for (int i = 0; i < 20; i++) {
        uint64_t again = sequence - 1 + (uint64_t)i % 2;
        if (i % 4 < 2)
            write_pair(again, &bid_of_8, &ready, 0);
        else
            script_dispatch(&s, r.number, again, BLUFF_AGAIN, "", 0); /* as another kind of dispatch */
        script_send(&s, &r);
        raw_take(&r, &m);
        must(!r.error && r.sequence == again && r.reason == (i % 2 ? MOVEX_REFUSED_PAIR : MOVEX_ACCEPT));
    }
    movex_hosted after = hosted_now(&bluff_type);
    must(after.version == before.version && after.checksum == before.checksum && after.hidden == 1);
    must_equal(honest_frames(), frames);
    finish();
}
END_TEST

/* ---- what ends a link */

typedef struct bad_pair {
    uint64_t     ahead; /* of the sequence */
    half         hidden, shown;
    movex_status status;
    const char  *words;
} bad_pair;

static const bad_pair bad_pairs[] = {
    {0, {BLUFF_ACTIONS, "", 0}, {BLUFF_READY, "\0", 1}, MOVEX_ERR_MALFORMED, "bluff has no such action"},
    {0, {UINT32_MAX, "", 0}, {BLUFF_READY, "\0", 1}, MOVEX_ERR_MALFORMED, "bluff has no such action"},
    {0, {BLUFF_BID, "\0\x08", 2}, {BLUFF_ACTIONS, "", 0}, MOVEX_ERR_MALFORMED, "bluff has no such action"},
    {0, {BLUFF_BID, "\0\x08", 2}, {UINT32_MAX, "", 0}, MOVEX_ERR_MALFORMED, "bluff has no such action"},
    {0, {BLUFF_BID, "\0", 1}, {BLUFF_READY, "\0", 1}, MOVEX_ERR_MALFORMED, "bid: amount"},
    {0, {BLUFF_BID, "\0\x08\0", 3}, {BLUFF_READY, "\0", 1}, MOVEX_ERR_MALFORMED, "payload of bid"},
    {0, {BLUFF_BID, "", 0}, {BLUFF_READY, "\0", 1}, MOVEX_ERR_MALFORMED, "bid: seat"},
    {0, {BLUFF_BID, "\0\x08", 2}, {BLUFF_READY, "", 0}, MOVEX_ERR_MALFORMED, "ready: seat"},
    {0, {BLUFF_BID, "\0\x08", 2}, {BLUFF_READY, "\0\0", 2}, MOVEX_ERR_MALFORMED, "payload of ready"},
    {0, {BLUFF_AGAIN, "\0", 1}, {BLUFF_READY, "\0", 1}, MOVEX_ERR_MALFORMED, "again has no payload"},
    {0, {BLUFF_BID, "\0\x08", 2}, {BLUFF_AGAIN, "\0", 1}, MOVEX_ERR_MALFORMED, "again has no payload"},
    {1, {BLUFF_BID, "\0\x08", 2}, {BLUFF_READY, "\0", 1}, MOVEX_ERR_PROTOCOL, "sequence"},
    {UINT64_MAX - 1, {BLUFF_BID, "\0\x08", 2}, {BLUFF_READY, "\0", 1}, MOVEX_ERR_PROTOCOL, "sequence"},
};

START_TEST(malformed_pairs)
{
    const bad_pair *c = &bad_pairs[_i];
    enter(NULL);
    write_pair(sequence + 1 + c->ahead, &c->hidden, &c->shown, 0);
    script_send(&s, &r);
    must_be_told(c->status, c->words);
    must(hosted_now(&bluff_type).version == 2 && hosted_now(&bluff_type).hidden == 0);
    finish();
}
END_TEST

/* A pair with each bit turned, and each of its beginnings: an error, or answered for what it is then. */
START_TEST(every_turned_bit_and_every_prefix_of_a_pair)
{
    unsigned char bytes[64];
    uint32_t      errors = 0, answers = 0;
    enter(&(movex_master_config){.grace_ms = 1000});
    write_pair(1, &bid_of_8, &ready, 0);
    size_t length = script_length(&s);
    must(length < sizeof bytes);
    memcpy(bytes, s.bytes, length);
    raw_end(&r);
    for (size_t i = 0; i < length * 9; i++) {
        unsigned char turned[64];
        memcpy(turned, bytes, length);
        if (i < length * 8) turned[i / 8] ^= (unsigned char)(1u << i % 8);
        raw_dial(&r, &m);
        script_start(&s);
        script_hello(&s, "eve", NULL);
        script_bind_type(&s, &bluff_type, "one", NULL);
        script_send(&s, &r);
        raw_take(&r, &m);
        must(r.bound == 1);
        raw_send(&r, turned, i < length * 8 ? length : i - length * 8);
        raw_take(&r, &m);
        /* Behind FORGET the resource's number may be read as ERROR, which is not answered, nor is GOODBYE. */
        bool silent = turned[0] == MOVEX_MESSAGE_GOODBYE || turned[0] == MOVEX_MESSAGE_FORGET;
        must_msg(r.closed == r.error || silent, "%zu: closed %d, %s", i, r.closed, r.text);
        must_msg(!r.error || r.status == MOVEX_ERR_MALFORMED || r.status == MOVEX_ERR_PROTOCOL, "%s", r.text);
        must(r.outcomes == 0 || r.reason != MOVEX_ACCEPT); /* she has no seat */
        errors += r.error;
        answers += r.outcomes;
        raw_end(&r);
        match_run(&m, 0);
        match_run(&m, 2000); /* past the grace period */
        must(hosted_now(&bluff_type).hidden == 0 && hosted_now(&bluff_type).version == 2);
    }
    must_msg(errors > length * 4 && answers > length, "%u errors, %u answers", errors, answers);
    raw_dial(&r, &m);
    finish();
}
END_TEST

/* ---- without an end */

START_TEST(endless_pairs_are_bounded)
{
    meter metered = {0};
    enter(&(movex_master_config){.limits = {.hidden = 5}, .allocator = meter_allocator(&metered)});
    static const half bid_of_1 = {BLUFF_BID, "\0\1", 2};
    for (int i = 0; i < 5; i++) must_equal(pair(&bid_of_1, &ready, 0), MOVEX_ACCEPT);
    uint64_t frames = honest_frames();
    for (int i = 0; i < 2000; i++) must_equal(pair(&bid_of_1, &ready, 0), MOVEX_REFUSED_TOO_MANY_HIDDEN);
    size_t bytes = metered.bytes;
    for (int i = 0; i < 3000; i++) must_equal(pair(&bid_of_1, &ready, 0), MOVEX_REFUSED_TOO_MANY_HIDDEN);
    must_msg(metered.bytes == bytes, "%zu bytes, then %zu", bytes, (size_t)metered.bytes);
    must_equal(honest_frames(), frames);
    must(hosted_now(&bluff_type).hidden == 5 && hosted_now(&bluff_type).version == 7);
    must(movex_dispatch_private(seats[0], BLUFF_BID, &(bluff_bid){1, 4}, BLUFF_READY, &(bluff_ready){1}));
    match_run(&m, 1);
    must(hosted_now(&bluff_type).hidden == 0 && ((const bluff *)movex_state(seats[1]))->purse[0] == 95);
    finish();
}
END_TEST

/* Where a payload lies is noted in 32 bits: as if so many bytes of them were hidden already that one more does not fit. */
START_TEST(payloads_are_bounded_whatever_the_limits)
{
    enter(NULL);
    must_equal(pair(&bid_of_8, &ready, 0), MOVEX_ACCEPT);
    movex_buffer *payloads = &movex_master_resource_named(m.master, &bluff_type, "one")->hidden->payloads;
    movex_buffer  before = *payloads;
    payloads->capacity = payloads->length = UINT32_MAX - 1;
    must_equal(pair(&bid_of_8, &ready, 0), MOVEX_REFUSED_TOO_MANY_HIDDEN);
    *payloads = before;
    must_equal(pair(&bid_of_8, &ready, 0), MOVEX_ACCEPT);
    finish();
}
END_TEST

/* As many clients as `hiders` may hide something at once, whether they are still there or not. */
START_TEST(endless_hiders_are_bounded)
{
    static const char *const names[] = {"mallory", "oscar", "trudy"};
    static const half        pass = {HANDS_PASS, "", 0};
    raw                      other[3];
    uint64_t                 sent[3] = {0};
    enter_type(&(movex_master_config){.limits = {.hiders = 2}}, &hands_type);
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            raw_dial(&r, &m);
            script_hello(&s, names[i], NULL);
            script_bind_type(&s, &hands_type, "one", NULL);
            script_send(&s, &r);
            raw_take(&r, &m);
        }
        script_dispatch(&s, r.number, ++sent[i], HANDS_SIT, "", 0);
        if (i == 0) script_dispatch(&s, r.number, ++sent[i], HANDS_SHUFFLE, "\1", 1);
        script_dispatch(&s, r.number, ++sent[i], HANDS_DRAW, "", 0);
        script_send(&s, &r);
        raw_take(&r, &m);
        must(r.outcomes == 0);
        other[i] = r;
    }
    for (int i = 0; i < 3; i++) {
        int reason = HANDS_NO_CARD;
        r = other[i], sequence = sent[i];
        raw_take(&r, &m);
        for (char card = 1; card <= HANDS_CARDS && reason == HANDS_NO_CARD; card++)
            reason = pair(&(half){HANDS_PICK, &card, 1}, &pass, 0);
        must_equal(reason, i < 2 ? MOVEX_ACCEPT : MOVEX_REFUSED_TOO_MANY_HIDDEN);
        other[i] = r, sent[i] = sequence;
    }
    movex_write_numbered(&s.writer, MOVEX_MESSAGE_GOODBYE, 0);
    script_send(&s, &other[0]);
    r = other[2];
    raw_take(&r, &m);
    for (int i = 0; i < 500; i++)
        must_equal(pair(&(half){HANDS_PICK, "\1", 1}, &pass, 0), MOVEX_REFUSED_TOO_MANY_HIDDEN);
    must_equal(hosted_now(&hands_type).hidden, 2);
    raw_end(&other[0]);
    raw_end(&other[1]);
    finish();
}
END_TEST

/* ---- what a BIND may say of reveals */

static void come_back(const movex_bind_message *held)
{
    unsigned char token[MOVEX_TOKEN_SIZE];
    memcpy(token, r.token, sizeof token);
    raw_end(&r);
    raw_dial(&r, &m);
    script_start(&s);
    script_hello(&s, "mallory", token);
    script_bind_type(&s, &bluff_type, "one", held);
    script_send(&s, &r);
    raw_take(&r, &m);
}

START_TEST(a_base_or_a_reveal_that_is_not_so)
{
    enter(NULL);
    movex_hosted             hosted = hosted_now(&bluff_type);
    const movex_bind_message held = {.subscription = 1,
                                     .epoch = 1,
                                     .version = 2,
                                     .checksum = hosted.checksum,
                                     .base = 2},
                             cases[] = {{.base = 3}, {.revealed = 3}, {.base = UINT64_MAX}, {.revealed = UINT64_MAX}};
    if (_i < 4) {
        movex_bind_message wrong = held;
        wrong.base = cases[_i].base ? cases[_i].base : 2;
        wrong.revealed = cases[_i].revealed;
        come_back(&wrong);
        must_be_told(MOVEX_ERR_MALFORMED, "BIND");
        finish();
        return;
    }
    /* Who says that he can fold from where he holds nothing gets halves, and has only himself to blame. */
    movex_bind_message liar = held;
    liar.base = 0;
    come_back(&liar);
    must(!r.error && r.bound == 1 && r.snapshots == 0);
    must_equal(pair(&bid_of_8, &ready, 0), MOVEX_ACCEPT);
    must(movex_dispatch_private(seats[0], BLUFF_BID, &(bluff_bid){1, 4}, BLUFF_READY, &(bluff_ready){1}));
    match_run(&m, 1);
    raw_take(&r, &m);
    must(r.flags & MOVEX_ENTRY_REVEALS && !(r.flags & MOVEX_ENTRY_PATCHED));
    must_equal(movex_checksum(seats[0]), movex_checksum(seats[1]));
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol, pairs at the master");
    TCase *cases = tcase_create("protocol, pairs at the master");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, any_action_behind_any_other, 0, 3);
    tcase_add_test(cases, what_does_not_fit_or_comes_too_late);
    tcase_add_test(cases, pairs_to_what_is_not_bound);
    tcase_add_test(cases, repeats_are_answered_and_not_applied);
    tcase_add_loop_test(cases, malformed_pairs, 0, (int)(sizeof bad_pairs / sizeof bad_pairs[0]));
    tcase_add_test(cases, every_turned_bit_and_every_prefix_of_a_pair);
    tcase_add_test(cases, endless_pairs_are_bounded);
    tcase_add_test(cases, payloads_are_bounded_whatever_the_limits);
    tcase_add_test(cases, endless_hiders_are_bounded);
    tcase_add_loop_test(cases, a_base_or_a_reveal_that_is_not_so, 0, 5);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
