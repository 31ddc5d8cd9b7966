/* A master with two honest clients and one who sends what he should not: he is told what is wrong, they notice nothing. */
#include "client_internal.h"
#include "raw_link.h"
#include "support.h"

#include <movex/text.h>

#include <string.h>

static match  m;
static raw    r;
static script s;

static void begin(const movex_master_config *config)
{
    match_start(&m, config);
    raw_dial(&r, &m);
    script_start(&s);
}

static void finish(void)
{
    raw_end(&r);
    match_must_go_on(&m);
    match_end(&m);
}

/* HELLO and BIND of the honest clients' resource. */
static void enter(const movex_master_config *config)
{
    begin(config);
    script_hello(&s, "mallory", NULL);
    script_bind(&s, "duel", "one");
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.welcome && r.bound == 1 && r.snapshots == 1 && !r.error);
}

static void must_be_told(movex_status status, const char *words)
{
    raw_must_be_told(&r, &m, status, words);
}

static void must_be_refused(movex_status status, const char *words)
{
    raw_take(&r, &m);
    must_msg(r.refused && !r.error && !r.closed, "no BIND_REFUSED: %s", r.text);
    must_msg(r.status == status, "status %d: %s", (int)r.status, r.text);
    must_msg(strstr(r.text, words), "\"%s\" does not say \"%s\"", r.text, words);
}

/* ---- HELLO */

START_TEST(every_kind_before_hello)
{
    match_start(&m, NULL);
    for (unsigned kind = 0; kind < 256; kind++) {
        raw_dial(&r, &m);
        const unsigned char bytes[] = {(unsigned char)kind, 1, 1, 1, 1};
        raw_send(&r, bytes, sizeof bytes);
        raw_take(&r, &m);
        must_msg(r.closed, "kind %02x", kind);
        bool silent = kind == MOVEX_MESSAGE_ERROR || kind == MOVEX_MESSAGE_GOODBYE;
        must_msg(r.error != silent, "kind %02x", kind);
        if (!silent && kind != MOVEX_MESSAGE_HELLO && kind != MOVEX_MESSAGE_CHUNK) must(strstr(r.text, "HELLO"));
        raw_end(&r);
    }
    match_must_go_on(&m);
    match_end(&m);
}
END_TEST

/* Where ids are proven, who comes without a token takes the place of who had the id; else nobody does. */
START_TEST(a_proven_id_comes_anew)
{
    raw second;
    enter(&(movex_master_config){.ids_are_proven = _i == 1});
    script_dispatch(&s, r.number, 1, DUEL_NEVER, NULL, 0);
    script_send(&s, &r);
    raw_take(&r, &m);
    must_equal(r.outcomes, 1);
    raw_dial(&second, &m);
    script_hello(&s, "mallory", NULL);
    script_send(&s, &second);
    raw_take(&second, &m);
    if (_i == 0) {
        must(second.error && second.status == MOVEX_ERR_ID_IN_USE && !second.welcome && !r.closed);
    } else {
        raw_take(&r, &m);
        must(second.welcome && r.closed && memcmp(second.token, r.token, sizeof r.token) != 0);
        must_equal(movex_master_stats(m.master).sessions, 3);
        must_equal(movex_master_stats(m.master).subscriptions, 2);
        script_bind(&s, "duel", "one");
        script_send(&s, &second);
        raw_take(&second, &m);
        must_equal(second.bound, 1);
        script_dispatch(&s, second.number, 1, DUEL_NEVER, NULL, 0); /* sequences begin anew */
        script_send(&s, &second);
        raw_take(&second, &m);
        must_equal(second.outcomes, 1);
    }
    raw_end(&second);
    finish();
}
END_TEST

START_TEST(every_kind_after_hello)
{
    match_start(&m, NULL);
    for (unsigned kind = 0; kind < 256; kind++) {
        char name[24] = "mallory00";
        name[7] = (char)('a' + kind / 16), name[8] = (char)('a' + kind % 16);
        raw_dial(&r, &m);
        script_start(&s);
        script_hello(&s, name, NULL);
        movex_write_u8(&s.writer, (uint8_t)kind);
        script_send(&s, &r);
        raw_take(&r, &m);
        bool silent = kind == MOVEX_MESSAGE_ERROR || kind == MOVEX_MESSAGE_GOODBYE;
        bool whole = kind == MOVEX_MESSAGE_FORGET; /* the only one without fields that says nothing of leaving */
        must_msg(r.closed != whole && (r.welcome || silent), "kind %02x", kind);
        if (whole) {
            raw_end(&r);
            continue;
        }
        must_msg(r.error != silent, "kind %02x", kind);
        if (!silent)
            must_msg(r.status == (kind == MOVEX_MESSAGE_HELLO ? MOVEX_ERR_PROTOCOL : MOVEX_ERR_MALFORMED), "%s",
                     r.text);
        raw_end(&r);
    }
    match_must_go_on(&m);
    match_end(&m);
}
END_TEST

typedef struct hello_case {
    const char  *id, *info, *credentials;
    movex_status status;
    const char  *words;
} hello_case;

static const char       long_name[] = "12345678901234567890123456789012";
static const hello_case hello_cases[] = {
    {"", "", "", MOVEX_ERR_ARGUMENT, "id is empty"},
    {long_name, "", "", MOVEX_ERR_ARGUMENT, "longer than 31"},
    {"a\tb", "", "", MOVEX_ERR_ARGUMENT, "client id is not UTF-8"},
    {"\xff", "", "", MOVEX_ERR_ARGUMENT, "client id is not UTF-8"},
    {"mallory", "\n", "", MOVEX_ERR_ARGUMENT, "info"},
    {"mallory", "", "\x80", MOVEX_ERR_ARGUMENT, "credentials"},
    {"ann", "", "", MOVEX_ERR_ID_IN_USE, "ann"},
};

START_TEST(bad_hello)
{
    const hello_case   *c = &hello_cases[_i];
    movex_hello_message hello = {.protocol = MOVEX_PROTOCOL_VERSION, .max_frame = 256};
    begin(NULL);
    hello.id = (movex_wire_text){c->id, (uint32_t)strlen(c->id)};
    hello.info = (movex_wire_text){c->info, (uint32_t)strlen(c->info)};
    hello.credentials = (movex_wire_text){c->credentials, (uint32_t)strlen(c->credentials)};
    movex_write_hello(&s.writer, &hello);
    script_send(&s, &r);
    must_be_told(c->status, c->words);
    finish();
}
END_TEST

START_TEST(hello_of_another_version)
{
    begin(NULL);
    const unsigned char bytes[] = {MOVEX_MESSAGE_HELLO, MOVEX_PROTOCOL_VERSION + 1, 0xff, 0xff};
    raw_send(&r, bytes, sizeof bytes);
    must_be_told(MOVEX_ERR_UNSUPPORTED, "version 2");
    finish();
}
END_TEST

START_TEST(hello_with_too_short_frames)
{
    movex_hello_message hello = {
        .protocol = MOVEX_PROTOCOL_VERSION, .max_frame = MOVEX_IO_MIN_FRAME - 1, .id = {"m", 1}, .info = {"", 0}};
    begin(NULL);
    movex_write_hello(&s.writer, &hello);
    script_send(&s, &r);
    must_be_told(MOVEX_ERR_MALFORMED, "HELLO");
    finish();
}
END_TEST

START_TEST(second_hello)
{
    enter(NULL);
    script_hello(&s, "mallory", r.token);
    script_send(&s, &r);
    must_be_told(MOVEX_ERR_PROTOCOL, "a second one");
    finish();
}
END_TEST

START_TEST(wrong_tokens)
{
    unsigned char token[MOVEX_TOKEN_SIZE];
    enter(NULL);
    memcpy(token, r.token, sizeof token);
    for (int i = 0; i <= MOVEX_TOKEN_SIZE * 8; i++) { /* mallory's own for ann; then mallory's with each bit turned */
        raw thief;
        raw_dial(&thief, &m);
        memcpy(token, r.token, sizeof token);
        if (i) token[(i - 1) / 8] ^= (unsigned char)(1u << (i - 1) % 8);
        script_hello(&s, i ? "mallory" : "ann", token);
        script_send(&s, &thief);
        raw_take(&thief, &m);
        must(thief.error && thief.closed && !thief.welcome && thief.status == MOVEX_ERR_ID_IN_USE);
        raw_end(&thief);
    }
    raw_take(&r, &m);
    must(!r.closed);
    finish();
}
END_TEST

START_TEST(right_token_takes_over)
{
    raw second;
    enter(NULL);
    raw_dial(&second, &m);
    script_hello(&s, "mallory", r.token);
    script_send(&s, &second);
    raw_take(&second, &m);
    raw_take(&r, &m);
    must(second.welcome && !second.closed && r.closed && !r.error);
    raw_end(&second);
    finish();
}
END_TEST

START_TEST(no_hello_in_time)
{
    begin(NULL);
    match_run(&m, 9999);
    raw_take(&r, &m);
    must(!r.closed);
    match_run(&m, 1);
    must_be_told(MOVEX_ERR_TIMEOUT, "no HELLO in time");
    finish();
}
END_TEST

static int nobody(void *user, const movex_hello *hello)
{
    (void)user;
    return strcmp(hello->id, "mallory") == 0 ? 42 : MOVEX_ACCEPT;
}

START_TEST(not_let_in)
{
    begin(&(movex_master_config){.authenticate = nobody});
    script_hello(&s, "mallory", NULL);
    script_send(&s, &r);
    must_be_told(MOVEX_ERR_DENIED, "mallory");
    must_equal(r.reason, 42);
    finish();
}
END_TEST

/* ---- BIND, UNBIND, RESYNC */

START_TEST(bad_bind)
{
    static const struct {
        const char  *type, *id;
        movex_status status;
        const char  *words;
    } cases[] = {
        {"chess", "one", MOVEX_ERR_UNKNOWN_TYPE, "chess"},
        {"", "one", MOVEX_ERR_ARGUMENT, "type's name is empty"},
        {"du\x01l", "one", MOVEX_ERR_ARGUMENT, "type's name"},
        {"duel", "", MOVEX_ERR_ARGUMENT, "id is empty"},
        {"duel", "12345678901234567890123456789012", MOVEX_ERR_ARGUMENT, "longer than 31"},
        {"duel", "\xc3", MOVEX_ERR_ARGUMENT, "id is not UTF-8"},
    };
    enter(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        r.refused = false;
        script_bind(&s, cases[i].type, cases[i].id);
        script_send(&s, &r);
        must_be_refused(cases[i].status, cases[i].words);
    }
    movex_bind_message other = {.tag = 7, .type = {"duel", 4}, .id = {"two", 3}, .fingerprint = duel_fingerprint() ^ 1};
    movex_write_bind(&s.writer, &other);
    script_send(&s, &r);
    must_be_refused(MOVEX_ERR_FINGERPRINT, "described differently");
    finish();
}
END_TEST

START_TEST(bind_twice)
{
    enter(NULL);
    script_bind(&s, "duel", "one");
    script_send(&s, &r);
    must_be_refused(MOVEX_ERR_EXISTS, "duel:one is bound already");
    finish();
}
END_TEST

/* An honest client that changes its mind before the master has answered. */
START_TEST(unbind_and_bind_again_at_once)
{
    match_start(&m, NULL);
    movex_resource *first = movex_bind(m.clients[0], &duel_type, "two");
    if (_i & 1) match_run(&m, 1);
    movex_unbind(first);
    if (_i & 2) movex_client_flush(m.clients[0]);
    movex_resource *second = movex_bind(m.clients[0], &duel_type, "two");
    match_run(&m, 1);
    must(second && movex_in_sync(second));
    must(movex_dispatch(second, DUEL_READY, NULL));
    match_run(&m, 1);
    must(movex_version(second) == 1 && movex_subscriber_count(second) == 1);
    match_must_go_on(&m);
    match_end(&m);
}
END_TEST

/* The same while the connection is down. */
START_TEST(unbind_and_bind_again_without_a_connection)
{
    match_start(&m, NULL);
    movex_resource *first = movex_bind(m.clients[0], &duel_type, "two");
    match_run(&m, 1);
    must(movex_dispatch(first, DUEL_READY, NULL));
    match_run(&m, 1);
    m.clients[0]->io.ops->close(m.clients[0]->io.self, m.clients[0]->channel.link);
    must(movex_dispatch(first, DUEL_READY, NULL));
    movex_client_flush(m.clients[0]);
    movex_unbind(first);
    movex_resource *second = movex_bind(m.clients[0], &duel_type, "two");
    m.expires = true;
    match_run(&m, 1);
    match_run(&m, 20000);
    match_run(&m, 1);
    must(movex_in_sync(second) && movex_version(second) == 1);
    must(movex_dispatch(second, DUEL_READY, NULL));
    match_run(&m, 1);
    must(movex_version(second) == 2 && movex_pending(second) == 0 && m.lost == 1);
    m.lost = 0;
    match_must_go_on(&m);
    match_end(&m);
}
END_TEST

START_TEST(numbers_of_nothing)
{
    enter(NULL);
    movex_write_numbered(&s.writer, MOVEX_MESSAGE_RESYNC, 12345);
    movex_write_numbered(&s.writer, MOVEX_MESSAGE_UNBIND, 12345);
    script_dispatch(&s, 12345, 1, DUEL_READY, NULL, 0);
    script_send(&s, &r);
    raw_take(&r, &m);
    must(!r.error && !r.closed && r.unbound == 1 && r.snapshots == 1);
    must(r.outcomes == 1 && r.reason == MOVEX_REFUSED_NOT_BOUND);
    movex_write_numbered(&s.writer, MOVEX_MESSAGE_UNBIND, r.number);
    script_dispatch(&s, r.number, 1, DUEL_READY, NULL, 0);
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.unbound == 2 && r.outcomes == 2 && r.reason == MOVEX_REFUSED_NOT_BOUND);
    finish();
}
END_TEST

/* ---- DISPATCH */

START_TEST(repeats_are_answered_and_not_applied)
{
    movex_hosted before, after;
    enter(NULL);
    script_dispatch(&s, r.number, 1, DUEL_READY, NULL, 0);
    script_dispatch(&s, r.number, 2, DUEL_NEVER, NULL, 0);
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.entries >= 1 && r.outcomes == 1 && r.sequence == 2 && r.reason == 7);
    movex_master_find(m.master, &duel_type, "one", &before);
    for (uint64_t sequence = 1; sequence <= 2; sequence++) {
        script_dispatch(&s, r.number, sequence, DUEL_READY, NULL, 0);
        script_send(&s, &r);
        raw_take(&r, &m);
        must(!r.error && r.sequence == sequence && r.reason == (sequence == 1 ? MOVEX_ACCEPT : 7));
    }
    movex_master_find(m.master, &duel_type, "one", &after);
    must(before.version == after.version && before.checksum == after.checksum);
    finish();
}
END_TEST

typedef struct dispatch_case {
    uint64_t     sequence;
    uint32_t     action;
    size_t       length;
    const char  *payload;
    movex_status status;
    const char  *words;
} dispatch_case;

static const dispatch_case dispatch_cases[] = {
    {0, DUEL_READY, 0, "", MOVEX_ERR_PROTOCOL, "sequence"},
    {2, DUEL_READY, 0, "", MOVEX_ERR_PROTOCOL, "sequence"},
    {UINT64_MAX, DUEL_READY, 0, "", MOVEX_ERR_PROTOCOL, "sequence"},
    {1, DUEL_ACTIONS, 0, "", MOVEX_ERR_MALFORMED, "duel has no such action"},
    {1, UINT32_MAX, 0, "", MOVEX_ERR_MALFORMED, "duel has no such action"},
    {1, DUEL_READY, 1, "x", MOVEX_ERR_MALFORMED, "ready has no payload"},
    {1, DUEL_MOVE, 0, "", MOVEX_ERR_MALFORMED, "move: amount"},
    {1, DUEL_MOVE, 7, "\1\0\0\0\0\0\0", MOVEX_ERR_MALFORMED, "move: text"},
    {1, DUEL_MOVE, 9, "\1\0\0\0\0\0\0\0\0", MOVEX_ERR_MALFORMED, "payload of move"},
    {1, DUEL_MOVE, 8, "\1\0\0\0\2\0\0\0", MOVEX_ERR_MALFORMED, "move: loud"},
    {1, DUEL_MOVE, 8, "\1\0\0\0\0\3\0\0", MOVEX_ERR_MALFORMED, "move: side"},
    {1, DUEL_MOVE, 13, "\1\0\0\0\0\0\5\0\0\0\0\0\0", MOVEX_ERR_MALFORMED, "move: marks"},
    {1, DUEL_MOVE, 10, "\1\0\0\0\0\0\0\2a\0", MOVEX_ERR_MALFORMED, "move: text"},
    {1, DUEL_MOVE, 16, "\1\0\0\0\0\0\0\10aaaaaaaa", MOVEX_ERR_MALFORMED, "move: text"},
};

START_TEST(bad_dispatch)
{
    const dispatch_case *c = &dispatch_cases[_i];
    movex_hosted         before, after;
    enter(NULL);
    movex_master_find(m.master, &duel_type, "one", &before);
    script_dispatch(&s, r.number, c->sequence, c->action, c->payload, c->length);
    script_send(&s, &r);
    must_be_told(c->status, c->words);
    must(strstr(r.text, "DISPATCH"));
    movex_master_find(m.master, &duel_type, "one", &after);
    must_equal(before.version, after.version);
    finish();
}
END_TEST

/* ---- CHUNK, GOODBYE, ERROR */

START_TEST(chunks_of_every_kind)
{
    static const unsigned char within[] = {MOVEX_MESSAGE_CHUNK, 1, 4, MOVEX_MESSAGE_CHUNK, 1, 1, MOVEX_MESSAGE_GOODBYE};
    static const unsigned char rest[] = {MOVEX_MESSAGE_CHUNK, 1, 3, MOVEX_MESSAGE_RESYNC, 0, 0};
    static const unsigned char none[] = {MOVEX_MESSAGE_CHUNK, 1, 0};
    static const unsigned char flag[] = {MOVEX_MESSAGE_CHUNK, 2, 1, 1};
    static const unsigned char torn[] = {MOVEX_MESSAGE_CHUNK, 0, 1, MOVEX_MESSAGE_RESYNC, MOVEX_MESSAGE_RESYNC, 0};
    const unsigned char *const frames[] = {within, rest, none, flag, torn};
    const size_t               lengths[] = {sizeof within, sizeof rest, sizeof none, sizeof flag, sizeof torn};
    enter(NULL);
    raw_send(&r, frames[_i], lengths[_i]);
    must_be_told(_i % 4 ? MOVEX_ERR_MALFORMED : MOVEX_ERR_PROTOCOL, _i == 1 ? "put together from chunks" : "CHUNK");
    finish();
}
END_TEST

START_TEST(endless_chunks)
{
    unsigned char chunk[1003] = {MOVEX_MESSAGE_CHUNK, 0, 0xe8, 0x07}; /* 1000 bytes follow, three less are there */
    enter(&(movex_master_config){.limits = {.message_bytes = 20000}});
    chunk[2] = 0xe7; /* 999 */
    for (int i = 0; i < 30; i++) raw_send(&r, chunk, sizeof chunk);
    must_be_told(MOVEX_ERR_LIMIT, "more bytes than allowed");
    finish();
}
END_TEST

START_TEST(a_message_in_small_chunks_is_taken)
{
    script whole;
    begin(NULL);
    script_start(&whole);
    script_hello(&whole, "mallory", NULL);
    for (size_t i = 0, length = script_length(&whole); i < length; i++) {
        const unsigned char chunk[] = {MOVEX_MESSAGE_CHUNK, i + 1 == length, 1, whole.bytes[i]};
        raw_send(&r, chunk, sizeof chunk);
    }
    raw_take(&r, &m);
    must(r.welcome && !r.error);
    finish();
}
END_TEST

START_TEST(goodbye_and_error_end_it)
{
    enter(NULL);
    must_equal(movex_subscriber_count(m.resources[0]), 3);
    const movex_error_message complaint = {MOVEX_ERR_MALFORMED, 0, {"x", 1}};
    if (_i)
        movex_write_error(&s.writer, &complaint);
    else
        movex_write_numbered(&s.writer, MOVEX_MESSAGE_GOODBYE, 0);
    script_dispatch(&s, r.number, 1, DUEL_READY, NULL, 0); /* what follows is not read */
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.closed && !r.error);
    must_equal(movex_subscriber_count(m.resources[0]), _i ? 3 : 2); /* after an error the session waits */
    finish();
}
END_TEST

/* ---- limits */

START_TEST(too_many_links)
{
    raw more;
    begin(&(movex_master_config){.limits = {.links = 3}});
    raw_dial(&more, &m);
    raw_take(&more, &m);
    must(more.closed && more.error && more.status == MOVEX_ERR_LIMIT && strstr(more.text, "connections"));
    raw_send(&more, "\x10", 1); /* to a link that is closed */
    raw_end(&more);
    raw_end(&r);
    raw_dial(&r, &m);
    raw_take(&r, &m);
    must(r.opened && !r.closed);
    finish();
}
END_TEST

START_TEST(too_many_sessions)
{
    begin(&(movex_master_config){.limits = {.sessions = 2}});
    script_hello(&s, "mallory", NULL);
    script_send(&s, &r);
    must_be_told(MOVEX_ERR_LIMIT, "sessions");
    finish();
}
END_TEST

START_TEST(too_many_of_the_rest)
{
    static const movex_limits limits[] = {{.resources = 1}, {.subscribers = 3}, {.binds = 1}};
    static const char *const  words[] = {"duel:two cannot be made", "duel:one has as many subscribers",
                                         "resources bound"};
    raw                       more;
    enter(&(movex_master_config){.limits = limits[_i]});
    if (_i == 1) {
        raw_dial(&more, &m);
        script_hello(&s, "eve", NULL);
        script_bind(&s, "duel", "one");
        script_send(&s, &more);
        raw_take(&more, &m);
        must(more.refused && more.status == MOVEX_ERR_LIMIT && strstr(more.text, words[_i]));
        raw_end(&more);
    } else {
        script_bind(&s, "duel", "two");
        script_send(&s, &r);
        must_be_refused(MOVEX_ERR_LIMIT, words[_i]);
    }
    finish();
}
END_TEST

START_TEST(who_never_reads_is_closed)
{
    movex_master_event event;
    bool               told = false;
    enter(&(movex_master_config){.limits = {.queue_bytes = 2000}});
    for (int i = 0; i < 60000 && !told; i++) { /* each asks for a few bytes and takes none */
        for (int k = 0; k < 200; k++) script_dispatch(&s, 9999, 1, DUEL_READY, NULL, 0);
        script_send(&s, &r);
        match_run(&m, 0);
        must(movex_master_stats(m.master).queued_bytes < 200000);
        while (movex_master_next(m.master, &event))
            told |= event.kind == MOVEX_MASTER_AWAY && strstr(event.text, "does not take") != NULL;
    }
    must(told);
    finish();
}
END_TEST

/* What the log says of a link that has ended: the first event of that kind since the last call. */
static movex_master_event first_event(movex_master_event_kind kind)
{
    static char        text[MOVEX_ERROR_TEXT_SIZE];
    movex_master_event event, found = {0};
    while (movex_master_next(m.master, &event)) {
        if (event.kind != kind || found.kind) continue;
        found = event;
        movex_text_set(text, event.text);
        found.text = text;
    }
    return found;
}

START_TEST(who_leaves_is_told_of_with_the_cause)
{
    begin(NULL);
    first_event(MOVEX_MASTER_REJECTED);
    raw_end(&r); /* without a HELLO */
    match_run(&m, 0);
    movex_master_event event = first_event(MOVEX_MASTER_REJECTED);
    must(event.status == MOVEX_ERR_CLOSED && event.peer[0] == 0 && event.text[0]);

    raw_dial(&r, &m); /* with a HELLO and not a word more: its session is nobody's */
    script_hello(&s, "mallory", NULL);
    script_send(&s, &r);
    raw_take(&r, &m);
    must(r.welcome);
    raw_end(&r);
    match_run(&m, 0);
    event = first_event(MOVEX_MASTER_LEFT);
    must(strcmp(event.text, "") != 0);

    raw_dial(&r, &m);
    finish();
}
END_TEST

/* ---- a valid exchange, cut and turned */

static void write_exchange(uint32_t number)
{
    unsigned char move[8];
    script_start(&s);
    script_hello(&s, "mallory", NULL);
    script_bind(&s, "duel", "one");
    script_dispatch(&s, number, 1, DUEL_MOVE, move, script_move(move, 3));
    script_dispatch(&s, number, 2, DUEL_READY, NULL, 0);
    movex_write_numbered(&s.writer, MOVEX_MESSAGE_RESYNC, number);
    script_dispatch(&s, number, 3, DUEL_NEVER, NULL, 0);
    movex_write_numbered(&s.writer, MOVEX_MESSAGE_UNBIND, number);
}

static void play(const unsigned char *bytes, size_t length)
{
    raw_dial(&r, &m);
    raw_send(&r, bytes, length);
    raw_take(&r, &m);
    raw_end(&r);
    match_run(&m, 0);
    match_run(&m, 2000); /* past the grace period */
    must_equal(movex_master_stats(m.master).sessions, 2);
}

START_TEST(every_prefix_of_an_exchange)
{
    unsigned char bytes[512];
    match_start(&m, &(movex_master_config){.grace_ms = 1000});
    write_exchange(1);
    size_t length = script_length(&s);
    must(length < sizeof bytes);
    memcpy(bytes, s.bytes, length);
    for (size_t cut = 1; cut <= length; cut++) {
        play(bytes, cut);
        bool whole = r.error == false;
        must_msg(whole || strstr(r.text, "truncated"), "cut at %zu: %s", cut, r.text);
        must(r.closed == r.error);
        if (cut == length) must(r.welcome && r.bound == 1 && r.snapshots == 0 && r.outcomes == 3 && r.unbound == 1);
        if (cut % 8 == 0) match_must_go_on(&m);
    }
    match_must_go_on(&m);
    match_end(&m);
}
END_TEST

START_TEST(every_turned_bit_of_an_exchange)
{
    unsigned char bytes[512];
    uint32_t      errors = 0;
    match_start(&m, &(movex_master_config){.grace_ms = 1000, .idle_ms = 1000});
    write_exchange(1);
    size_t length = script_length(&s);
    for (size_t bit = 0; bit < length * 8; bit++) {
        memcpy(bytes, s.bytes, length);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        play(bytes, length);
        must(r.closed == r.error || !r.error);
        if (r.error) must_msg(r.text[0], "bit %zu", bit);
        errors += r.error;
        match_must_go_on(&m);
    }
    must(errors > length * 2);
    must_equal(movex_master_stats(m.master).resources, 1);
    match_end(&m);
}
END_TEST

START_TEST(noise)
{
    uint64_t random = (uint64_t)_i + 1;
    match_start(&m, &(movex_master_config){.grace_ms = 1000, .idle_ms = 1000, .limits = {.message_bytes = 5000}});
    for (int run = 0; run < 400; run++) {
        unsigned char bytes[700];
        write_exchange(1);
        size_t length = script_length(&s);
        memcpy(bytes, s.bytes, length);
        for (uint32_t k = meter_below(&random, 6); k > 0; k--)
            bytes[meter_below(&random, (uint32_t)length)] = (unsigned char)meter_random(&random);
        size_t from = meter_below(&random, 3) ? 0 : meter_below(&random, (uint32_t)length);
        play(bytes + from, length - from);
    }
    match_must_go_on(&m);
    match_end(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol, at the master");
    TCase *cases = tcase_create("protocol, at the master");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, every_kind_before_hello);
    tcase_add_test(cases, every_kind_after_hello);
    tcase_add_loop_test(cases, a_proven_id_comes_anew, 0, 2);
    tcase_add_loop_test(cases, bad_hello, 0, (int)(sizeof hello_cases / sizeof hello_cases[0]));
    tcase_add_test(cases, hello_of_another_version);
    tcase_add_test(cases, hello_with_too_short_frames);
    tcase_add_test(cases, second_hello);
    tcase_add_test(cases, wrong_tokens);
    tcase_add_test(cases, right_token_takes_over);
    tcase_add_test(cases, no_hello_in_time);
    tcase_add_test(cases, not_let_in);
    tcase_add_test(cases, bad_bind);
    tcase_add_test(cases, bind_twice);
    tcase_add_loop_test(cases, unbind_and_bind_again_at_once, 0, 4);
    tcase_add_test(cases, unbind_and_bind_again_without_a_connection);
    tcase_add_test(cases, numbers_of_nothing);
    tcase_add_test(cases, repeats_are_answered_and_not_applied);
    tcase_add_loop_test(cases, bad_dispatch, 0, (int)(sizeof dispatch_cases / sizeof dispatch_cases[0]));
    tcase_add_loop_test(cases, chunks_of_every_kind, 0, 5);
    tcase_add_test(cases, endless_chunks);
    tcase_add_test(cases, a_message_in_small_chunks_is_taken);
    tcase_add_loop_test(cases, goodbye_and_error_end_it, 0, 2);
    tcase_add_test(cases, too_many_links);
    tcase_add_test(cases, too_many_sessions);
    tcase_add_loop_test(cases, too_many_of_the_rest, 0, 3);
    tcase_add_test(cases, who_never_reads_is_closed);
    tcase_add_test(cases, who_leaves_is_told_of_with_the_cause);
    tcase_add_test(cases, every_prefix_of_an_exchange);
    tcase_add_test(cases, every_turned_bit_of_an_exchange);
    tcase_add_loop_test(cases, noise, 0, 5);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
