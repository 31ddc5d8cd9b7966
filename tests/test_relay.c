/* The relay and its emitter over a mock network: who meets whom, and what happens to those who are late, slow, hostile or lost. */
#include "relay_world.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static relay_world world;

static void start(const movexd_relay_config *config)
{
    world.memory = (meter){0};
    world_start(&world, &(movex_mock_config){.seed = 1}, config);
}

static void expect_cause(const world_member *member, const char *part)
{
    must_msg(strstr(member->cause, part), "%s: '%s' does not say '%s'", member->name, member->cause, part);
}

/* ---- meeting */

START_TEST(members_meet_without_dialling)
{
    start(NULL);
    world_member *alice = world_join(&world, "table", NULL, "alice", true);
    world_run(&world, 5);
    ck_assert_uint_eq(world_links(alice), 0);
    world_member *bob = world_join(&world, "table", NULL, "bob", true);
    world_run(&world, 5);
    ck_assert_int_eq(world_send(alice, "bob", "hello"), MOVEX_OK);
    ck_assert_int_eq(world_send(bob, "alice", "welcome"), MOVEX_OK);
    world_run(&world, 5);
    ck_assert_str_eq(world_find(bob, "alice")->last, "hello");
    ck_assert_str_eq(world_find(alice, "bob")->last, "welcome");
    ck_assert_uint_eq(alice->opened + bob->opened, 2);
    /* What was sent before a close comes; who closes is told nothing, the other once. */
    world_send(alice, "bob", "last words");
    movex_link old = world_link_to(bob, "alice");
    world_close(alice, "bob");
    world_run(&world, 5);
    ck_assert_uint_eq(bob->received, 2);
    ck_assert_uint_eq(bob->last_closed, old);
    expect_cause(bob, "the other side closed the connection");
    ck_assert_uint_eq(alice->closed, 0);
    ck_assert_int_eq(bob->io.ops->send(bob->io.self, old, "x", 1), MOVEX_ERR_CLOSED);
    /* And again, by name. */
    movex_link link;
    ck_assert_int_eq(world_open(bob, "alice", &link), MOVEX_OK);
    ck_assert_int_eq(bob->io.ops->send(bob->io.self, link, "x", 1), MOVEX_ERR_AGAIN);
    world_run(&world, 5);
    ck_assert_uint_eq(world_link_to(bob, "alice"), link);
    ck_assert_int_eq(world_open(alice, "bob", &link), MOVEX_ERR_EXISTS);
    world_remove(alice);
    world_run(&world, 5);
    expect_cause(bob, "the other side has left the room");
    ck_assert_uint_eq(world_links(bob), 0);
    world_stop(&world);
}
END_TEST

START_TEST(rooms_and_tokens_do_not_mix)
{
    const char *const tokens[] = {"gold", "silver"};
    start(&(movexd_relay_config){.tokens = tokens, .token_count = 2});
    world_member *a = world_join(&world, "one", "gold", "a", true), *b = world_join(&world, "one", "gold", "b", true);
    world_member *c = world_join(&world, "two", "gold", "a", true), *d = world_join(&world, "one", "silver", "a", true);
    world_member *stranger = world_join(&world, "one", "gol", "stranger", true);
    world_open(stranger, NULL, NULL);
    world_run(&world, 10);
    ck_assert(world_link_to(a, "b") && world_link_to(b, "a"));
    ck_assert_uint_eq(world_links(a) + world_links(b), 2);
    ck_assert_uint_eq(world_links(c) + world_links(d), 0);
    expect_cause(stranger, "the token is not accepted");
    ck_assert_uint_eq(stranger->closed, 1);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).rooms, 3);
    world_stop(&world);
}
END_TEST

START_TEST(many_members_form_a_mesh)
{
    enum { MEMBERS = 32 };
    start(NULL);
    world_member *members[MEMBERS];
    char          names[MEMBERS][16];
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(names[i], sizeof names[i], "m%d", i);
        members[i] = world_join(&world, "hall", NULL, names[i], true);
        if (i % 3 == 0) world_run(&world, 1);
    }
    world_run(&world, 10);
    for (int i = 0; i < MEMBERS; i++)
        for (int k = 0; k < MEMBERS; k++)
            if (i != k) ck_assert_int_eq(world_send(members[i], names[k], names[i]), MOVEX_OK);
    world_run(&world, 10);
    for (int i = 0; i < MEMBERS; i++) {
        must_equal(world_links(members[i]), MEMBERS - 1);
        for (int k = 0; k < MEMBERS; k++)
            if (i != k) must(strcmp(world_find(members[i], names[k])->last, names[k]) == 0);
        must_equal(members[i]->received, MEMBERS - 1);
    }
    movexd_relay_stats stats = movexd_relay_statistics(world.relay);
    ck_assert_uint_eq(stats.members, MEMBERS);
    ck_assert_uint_ge(stats.frames, MEMBERS * (MEMBERS - 1));
    world_stop(&world);
}
END_TEST

/* The same room, by way of another emitter of the relay, whose links have the same numbers. */
START_TEST(emitters_of_one_relay_share_its_rooms)
{
    start(NULL);
    movex_mock *other = movex_mock_new(NULL);
    ck_assert_int_eq(movexd_relay_attach(world.relay, movex_mock_listen(other)), MOVEX_OK);
    world_member *a = world_join(&world, "r", NULL, "a", true);
    world_member *b =
        world_join_with(&world, (movex_relay_config){.io = movex_mock_connect(other), .room = "r", .name = "b"}, true);
    for (int i = 0; i < 10; i++) {
        movex_mock_poll(other, 0);
        world_run(&world, 1);
    }
    ck_assert_int_eq(world_send(a, "b", "hello"), MOVEX_OK);
    for (int i = 0; i < 5; i++) {
        movex_mock_poll(other, 0);
        world_run(&world, 1);
    }
    ck_assert_str_eq(world_find(b, "a")->last, "hello");
    world_stop(&world);
    movex_mock_free(other);
}
END_TEST

START_TEST(dials)
{
    movex_link link, other;
    start(NULL);
    world_member *client = world_join(&world, "r", NULL, "client", false);
    ck_assert_int_eq(world_open(client, "client", &link), MOVEX_ERR_ADDRESS);
    ck_assert_int_eq(world_open(client, "a name that is longer than it may be", &link), MOVEX_ERR_ADDRESS);
    ck_assert_int_eq(world_open(client, "server", &link), MOVEX_OK);
    ck_assert_int_eq(world_open(client, "server", &other), MOVEX_ERR_EXISTS);
    world_run(&world, 10);
    ck_assert_uint_eq(client->last_closed, link);
    expect_cause(client, "nobody of that name is in the room");
    ck_assert_int_eq(world_open(client, "server", &link), MOVEX_ERR_CLOSED); /* it is known at once now */
    /* Whoever comes; and one who takes no links. */
    ck_assert_int_eq(world_open(client, NULL, &link), MOVEX_OK);
    world_run(&world, 10);
    ck_assert_uint_eq(client->closed, 1);
    world_member *passive = world_join(&world, "r", NULL, "passive", false);
    ck_assert_int_eq(world_open(passive, "nobody", NULL), MOVEX_OK);
    world_run(&world, 10);
    ck_assert_uint_eq(client->last_closed, link);
    expect_cause(client, "the other side takes no links");
    ck_assert_int_eq(world_open(client, NULL, &link), MOVEX_OK); /* he is there without a link, so he is it again */
    world_run(&world, 10);
    ck_assert_uint_eq(client->closed, 3);
    /* Two who dial each other and listen both not. */
    ck_assert_int_eq(world_open(client, "passive", &link), MOVEX_OK);
    ck_assert_int_eq(world_open(passive, "client", &other), MOVEX_OK);
    world_run(&world, 10);
    ck_assert_uint_eq(world_link_to(client, "passive"), link);
    ck_assert_uint_eq(world_link_to(passive, "client"), other);
    /* A server that listens: nobody gets a link who has not dialled. */
    world_member *server = world_join(&world, "r", NULL, "server", true);
    world_run(&world, 10);
    ck_assert_uint_eq(world_links(server), 0);
    ck_assert_int_eq(world_open(client, NULL, &link), MOVEX_OK);
    world_run(&world, 10);
    ck_assert_uint_eq(world_link_to(client, "server"), link);
    ck_assert_uint_eq(world_links(server), 1);
    /* Closed and dialled again at once. */
    world_close(client, "server");
    ck_assert_int_eq(world_open(client, "server", &link), MOVEX_OK);
    world_run(&world, 10);
    ck_assert_uint_eq(world_link_to(client, "server"), link);
    ck_assert_uint_eq(server->closed, 1);
    /* Who begins to listen meets those who do. */
    ck_assert_int_eq(passive->io.ops->listen(passive->io.self), MOVEX_OK);
    ck_assert_int_eq(passive->io.ops->listen(passive->io.self), MOVEX_ERR_EXISTS);
    world_run(&world, 10);
    ck_assert(world_link_to(passive, "server"));
    world_stop(&world);
}
END_TEST

START_TEST(a_peer_by_default)
{
    start(NULL);
    world_member *client =
        world_join_with(&world, (movex_relay_config){.room = "r", .name = "client", .peer = "server"}, false);
    world_join(&world, "r", NULL, "other", true);
    world_member *server = world_join(&world, "r", NULL, "server", true);
    world_run(&world, 5);
    world_open(client, NULL, NULL);
    world_run(&world, 5);
    ck_assert_uint_eq(world_links(client), 1);
    ck_assert(world_link_to(client, "server") && world_link_to(server, "client"));
    world_stop(&world);
}
END_TEST

START_TEST(settings_out_of_range)
{
    static char              long_text[200];
    const movex_relay_config wrong[] = {
        {.room = NULL, .name = "a"},
        {.room = "", .name = "a"},
        {.room = "r", .name = NULL},
        {.room = "r", .name = "two\nlines"},
        {.room = long_text, .name = "a"},
        {.room = "r", .name = "a", .token = long_text},
        {.room = "r", .name = "a", .peer = long_text},
        {.room = "r", .name = "a", .max_links = 65537},
    };
    memset(long_text, 'x', sizeof long_text - 1);
    start(NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        movex_relay_config config = wrong[i];
        movex_link         link;
        config.io = movex_mock_connect(world.net);
        movex_io io = movex_relay(&config);
        ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_ERR_ARGUMENT);
        ck_assert_int_eq(io.ops->listen(io.self), MOVEX_ERR_ARGUMENT);
        ck_assert_uint_ge(io.ops->max_frame, MOVEX_IO_MIN_FRAME);
        io.ops->destroy(io.self);
    }
    ck_assert_ptr_null(movex_relay(&(movex_relay_config){.room = "r", .name = "a"}).self);
    movex_mock *narrow = movex_mock_new(&(movex_mock_config){.max_frame = MOVEX_IO_MIN_FRAME});
    movex_io    io = movex_relay(&(movex_relay_config){.io = movex_mock_connect(narrow), .room = "r", .name = "a"});
    ck_assert_int_eq(io.ops->listen(io.self), MOVEX_ERR_ARGUMENT);
    io.ops->destroy(io.self);
    movex_mock_free(narrow);
    world_stop(&world);
}
END_TEST

/* The longest frames, between emitters whose own are as short as they may be. */
START_TEST(the_longest_frames)
{
    char frame[MOVEX_IO_MIN_FRAME + 2] = {0};
    world.memory = (meter){0};
    world_start(&world, &(movex_mock_config){.max_frame = MOVEX_IO_MIN_FRAME + MOVEX_RELAY_HEADER}, NULL);
    world_member *a = world_join(&world, "r", NULL, "a", true), *b = world_join(&world, "r", NULL, "b", true);
    world_run(&world, 5);
    ck_assert_uint_eq(a->io.ops->max_frame, MOVEX_IO_MIN_FRAME);
    memset(frame, 'x', MOVEX_IO_MIN_FRAME);
    ck_assert_int_eq(world_send(a, "b", frame), MOVEX_OK);
    world_run(&world, 5);
    ck_assert_uint_eq(b->received, 1);
    movex_io io = a->unchecked;
    ck_assert_int_eq(io.ops->send(io.self, 1, frame, MOVEX_IO_MIN_FRAME + 1), MOVEX_ERR_ARGUMENT);
    world_stop(&world);
}
END_TEST

/* ---- limits */

START_TEST(rooms_and_members_are_bounded)
{
    start(&(movexd_relay_config){.max_rooms = 2, .max_members = 2});
    world_join(&world, "one", NULL, "a", true);
    world_join(&world, "one", NULL, "b", true);
    world_run(&world, 5);
    world_member *third = world_join(&world, "one", NULL, "c", true);
    world_open(third, NULL, NULL);
    world_run(&world, 5);
    expect_cause(third, "the room is full");
    world_member *d = world_join(&world, "two", NULL, "d", true), *e = world_join(&world, "three", NULL, "e", true);
    world_run(&world, 5);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).rooms, 2);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).sent_away, 2);
    world_remove(d);
    world_run(&world, 5);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).rooms, 1);
    world_open(e, NULL, NULL); /* room for another room */
    world_run(&world, 5);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).rooms, 2);
    ck_assert_uint_eq(world.rejected, 2);
    world_stop(&world);
}
END_TEST

START_TEST(more_members_than_one_takes)
{
    start(NULL);
    world_member *few = world_join_with(&world, (movex_relay_config){.room = "r", .name = "few", .max_links = 2}, true);
    world_join(&world, "r", NULL, "a", true);
    world_join(&world, "r", NULL, "b", true);
    world_run(&world, 5);
    ck_assert_uint_eq(world_links(few), 2);
    ck_assert_int_eq(world_open(few, NULL, NULL), MOVEX_ERR_LIMIT);
    world_join(&world, "r", NULL, "c", true);
    world_run(&world, 5);
    expect_cause(few, "more members than max_links");
    ck_assert_uint_eq(world_links(few), 0);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).members, 3);
    world_stop(&world);
}
END_TEST

START_TEST(who_is_late_or_idle_is_sent_away)
{
    movex_io            io;
    movex_relay_message message;
    start(&(movexd_relay_config){.join_ms = 500, .idle_ms = 2000});
    world_raw(&world, &io, "mute");
    world_run(&world, 400);
    ck_assert(!world_raw_read(io, &message));
    world_run(&world, 200);
    ck_assert(world_raw_read(io, &message) && message.kind == MOVEX_RELAY_REFUSED);
    ck_assert_uint_eq(message.reason, MOVEX_RELAY_REASON_LATE);
    ck_assert_str_eq(world.told, "rejected /: no room was joined in time");
    io.ops->destroy(io.self);
    world_member *a = world_join(&world, "r", NULL, "a", true), *b = world_join(&world, "r", NULL, "b", true);
    for (int i = 0; i < 10; i++) {
        world_run(&world, 500);
        ck_assert_int_eq(world_send(a, i < 3 ? "b" : "nobody", "x"), i < 3 ? MOVEX_OK : MOVEX_ERR_CLOSED);
        if (i < 3) ck_assert_int_eq(world_send(b, "a", "x"), MOVEX_OK);
    }
    expect_cause(a, "nothing was sent for too long");
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).members, 0);
    world_stop(&world);
}
END_TEST

START_TEST(a_name_belongs_to_who_has_it)
{
    start(NULL);
    world_member *a = world_join(&world, "r", NULL, "a", true), *b = world_join(&world, "r", NULL, "b", true);
    world_run(&world, 5);
    world_member *other = world_join(&world, "r", NULL, "a", false);
    world_open(other, NULL, NULL);
    world_run(&world, 5);
    expect_cause(other, "a member of that name is in the room");
    ck_assert(world_link_to(a, "b"));
    /* Its own connection is dead, which the relay does not know yet: the same one comes again, and has its name at once. */
    movex_mock_cut_lingering(world.net, "a", 5000);
    world_run(&world, 5);
    ck_assert_uint_eq(world_links(a), 0);
    ck_assert_int_eq(world_open(a, NULL, NULL), MOVEX_OK);
    world_run(&world, 20);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).sent_away, 2);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).members, 2);
    ck_assert(world_link_to(a, "b") && world_link_to(b, "a"));
    ck_assert_uint_eq(b->closed, 1);
    world_stop(&world);
}
END_TEST

/* One takes nothing: it is sent away alone, and those who send to it and others lose nothing. */
START_TEST(who_does_not_read_is_sent_away_alone)
{
    char filler[1001] = {0};
    world.memory = (meter){0};
    world_start(&world, &(movex_mock_config){.queue_bytes = 20000}, NULL);
    world_member *a = world_join(&world, "r", NULL, "a", true), *b = world_join(&world, "r", NULL, "b", true);
    world_join(&world, "r", NULL, "sleeper", true);
    memset(filler, 'x', sizeof filler - 1);
    world_run(&world, 5);
    movex_mock_stall(world.net, "sleeper", true);
    uint32_t sent = 0;
    for (int i = 0; i < 100; i++) {
        sent += world_send(a, "b", filler) == MOVEX_OK;
        if (world_find(a, "sleeper")) ck_assert_int_eq(world_send(a, "sleeper", filler), MOVEX_OK);
        world_run(&world, 2);
        if (i == 15) ck_assert(world_link_to(a, "sleeper"));
    }
    ck_assert_uint_eq(sent, 100);
    ck_assert_uint_eq(b->received, 100);
    ck_assert(!world_link_to(a, "sleeper") && !world_link_to(b, "sleeper"));
    expect_cause(a, "the other side has left the room");
    ck_assert_str_eq(world.told, "left r/sleeper: what was sent to it was not taken fast enough");
    world_stop(&world);
}
END_TEST

/* An honest member that has more to send than it may waits, and gets the rate that is allowed. */
START_TEST(what_is_too_much_waits)
{
    enum { RATE = 100000, FRAME = 1000, SECONDS = 10 };
    char     filler[FRAME + 1] = {0};
    uint64_t taken = 0, cost = FRAME + MOVEX_RELAY_HEADER + MOVEX_RELAY_FRAME_COST;
    world.memory = (meter){0};
    world_start(&world, &(movex_mock_config){.latency_ms = {5, 5}, .max_frame = 2000},
                &(movexd_relay_config){.bytes_per_second = RATE});
    world_member *a = world_join(&world, "r", NULL, "a", true), *b = world_join(&world, "r", NULL, "b", true);
    memset(filler, 'x', FRAME);
    world_run(&world, 50);
    for (int ms = 0; ms < SECONDS * 1000; ms++) {
        while (world_send(a, "b", filler) == MOVEX_OK) taken++;
        world_run(&world, 1);
    }
    world_run(&world, 50);
    ck_assert_uint_eq(b->received, taken);
    ck_assert_uint_le(taken * cost, RATE * (SECONDS + 1));
    ck_assert_uint_ge(taken * cost, RATE * SECONDS);
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).sent_away, 0);
    world_stop(&world);
}
END_TEST

/* ---- the relay is lost, and comes again */

START_TEST(after_a_loss_open_joins_again)
{
    start(NULL);
    world_member *members[3];
    const char   *names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) members[i] = world_join(&world, "r", NULL, names[i], true);
    world_run(&world, 5);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) ck_assert_uint_eq(world_links(members[i]), 2);
        if (round == 0) movex_mock_cut(world.net, MOVEX_MOCK_MASTER);
        if (round > 0) world_stop_relay(&world);
        world_run(&world, 5);
        for (int i = 0; i < 3; i++) ck_assert_uint_eq(world_links(members[i]), 0);
        if (round == 1) expect_cause(members[0], "sent away by the relay: the relay stops");
        if (round > 0) { /* dialling a relay that is not there ends in CLOSED, as any dial */
            movex_link link;
            ck_assert_int_eq(world_open(members[0], NULL, &link), MOVEX_OK);
            world_run(&world, 5);
            ck_assert_uint_eq(members[0]->last_closed, link);
            world_start_relay(&world, NULL);
        }
        for (int i = 0; i < 3; i++) ck_assert_int_eq(world_open(members[i], NULL, NULL), MOVEX_OK);
        world_run(&world, 10);
    }
    world_stop(&world);
}
END_TEST

/* ---- hostile members and relays */

static const movex_relay_message join = {
    .kind = MOVEX_RELAY_JOIN, .version = MOVEX_RELAY_VERSION, .room = "r", .name = "mallory"};

typedef struct attack {
    const char        *what;
    movex_relay_reason reason;
    bool               joins;
    unsigned char      frame[8];
    size_t             length;
} attack;

static const attack attacks[] = {
    {"an unknown kind", MOVEX_RELAY_REASON_MALFORMED, false, {77}, 1},
    {"data before joining", MOVEX_RELAY_REASON_MALFORMED, false, {MOVEX_RELAY_DATA, 1, 0, 0, 0, 1}, 6},
    {"half a join", MOVEX_RELAY_REASON_MALFORMED, false, {MOVEX_RELAY_JOIN, MOVEX_RELAY_VERSION, 1, 2}, 4},
    {"another version", MOVEX_RELAY_REASON_VERSION, false, {MOVEX_RELAY_JOIN, 2, 'x'}, 3},
    {"a relay's message", MOVEX_RELAY_REASON_MALFORMED, true, {MOVEX_RELAY_GONE, 1, 0, 0, 0}, 5},
    {"credit for the relay", MOVEX_RELAY_REASON_MALFORMED, true, {MOVEX_RELAY_CREDIT, 1, 0, 0, 0}, 5},
    {"data without bytes", MOVEX_RELAY_REASON_MALFORMED, true, {MOVEX_RELAY_DATA, 1, 0, 0, 0}, 5},
    {"data to nobody's number", MOVEX_RELAY_REASON_MALFORMED, true, {MOVEX_RELAY_DATA, 0, 0, 0, 0, 1}, 6},
    {"a byte too many", MOVEX_RELAY_REASON_MALFORMED, true, {MOVEX_RELAY_OPEN, 1, 0, 0, 0, 1}, 6},
};

START_TEST(hostile_members_lose_their_link_alone)
{
    const attack       *of = &attacks[_i];
    movex_io            io;
    movex_relay_message message;
    start(NULL);
    world_member *a = world_join(&world, "r", NULL, "a", true), *b = world_join(&world, "r", NULL, "b", true);
    movex_link    link = world_raw(&world, &io, "mallory");
    if (of->joins) world_raw_say(io, link, &join);
    world_run(&world, 5);
    if (of->joins)
        while (world_raw_read(io, &message)) ck_assert(message.kind != 0);
    io.ops->send(io.self, link, of->frame, of->length);
    world_run(&world, 5);
    must_msg(world_raw_read(io, &message) && message.kind == MOVEX_RELAY_REFUSED, "%s", of->what);
    ck_assert_uint_eq(message.reason, of->reason);
    ck_assert(world_raw_read(io, &message) && message.kind == 0);
    ck_assert_int_eq(world_send(a, "b", "still here"), MOVEX_OK);
    world_run(&world, 5);
    ck_assert_str_eq(world_find(b, "a")->last, "still here");
    ck_assert_uint_eq(movexd_relay_statistics(world.relay).members, 2);
    io.ops->destroy(io.self);
    world_stop(&world);
}
END_TEST

/* Whatever one member says to another, over no link or out of turn, hurts nobody; and who ignores its credit is sent away. */
START_TEST(hostile_peers)
{
    enum { ROUNDS = 2000 };
    movex_io            io;
    movex_relay_message message;
    uint64_t            dice = 7;
    start(&(movexd_relay_config){.bytes_per_second = 1 << 20});
    world_member *a = world_join(&world, "r", NULL, "a", true);
    movex_link    link = world_raw(&world, &io, "mallory");
    world_raw_say(io, link, &join);
    for (int i = 0; i < ROUNDS; i++) {
        const unsigned char kinds[] = {MOVEX_RELAY_DATA, MOVEX_RELAY_OPEN, MOVEX_RELAY_CLOSE};
        unsigned char       frame[6] = {0};
        movex_relay_kind    kind = (movex_relay_kind)kinds[meter_below(&dice, 3)];
        movex_relay_write_header(frame, kind, 1 + meter_below(&dice, 3)); /* also itself, and one that is not there */
        io.ops->send(io.self, link, frame, kind == MOVEX_RELAY_DATA ? 6 : 5);
        if (meter_below(&dice, 5) == 0) world_run(&world, 1);
        if (world_find(a, "mallory") && meter_below(&dice, 3) == 0) world_close(a, "mallory");
        while (world_raw_read(io, &message)) ck_assert(message.kind != MOVEX_RELAY_REFUSED);
    }
    ck_assert_uint_gt(a->opened, 20);
    ck_assert_uint_gt(a->received, 20);
    static unsigned char flood[60000] = {MOVEX_RELAY_DATA, 1};
    for (int i = 0; i < 30; i++) {
        io.ops->send(io.self, link, flood, sizeof flood);
        world_run(&world, 1);
    }
    ck_assert_str_eq(world.told, "left r/mallory: more was sent than allowed");
    io.ops->destroy(io.self);
    world_stop(&world);
}
END_TEST

#define FRAME(...) {__VA_ARGS__}, sizeof((unsigned char[]){__VA_ARGS__})
#define JOINED MOVEX_RELAY_JOINED, 9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 16, 0
#define PEER_B MOVEX_RELAY_PEER, 2, 0, 0, 0, 1, 'b'

typedef struct lie {
    const char *says;
    struct {
        unsigned char bytes[24];
        size_t        length;
    } frames[4];
} lie;

static const lie lies[] = {
    {"a message is malformed", {{FRAME(0)}}},
    {"a message is malformed", {{FRAME(MOVEX_RELAY_JOINED, 1, 0)}}},
    {"it wants to join", {{FRAME(MOVEX_RELAY_JOIN, 2)}}},
    {"it let in who had not asked", {{FRAME(JOINED)}, {FRAME(JOINED)}}},
    {"its credit is too little for the longest frame",
     {{FRAME(MOVEX_RELAY_JOINED, 9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 4, 0, 1, 0)}}},
    {"it told of a member that is not there", {{FRAME(MOVEX_RELAY_GONE, 2, 0, 0, 0)}}},
    {"it told of a member that is not there", {{FRAME(PEER_B)}, {FRAME(MOVEX_RELAY_OPEN, 2, 0, 0, 0)}}},
    {"it told of a member that is not there", {{FRAME(JOINED)}, {FRAME(MOVEX_RELAY_DATA, 2, 0, 0, 0, 1)}}},
    {"it told of a member that it had told of", {{FRAME(PEER_B)}, {FRAME(PEER_B)}}},
    {"it told of a member that it had told of", {{FRAME(JOINED)}, {FRAME(MOVEX_RELAY_PEER, 9, 0, 0, 0, 1, 'b')}}},
    {"it gave more credit than there is", {{FRAME(JOINED)}, {FRAME(MOVEX_RELAY_CREDIT, 1, 0, 0, 0)}}},
    {"for a reason that this version does not know", {{FRAME(MOVEX_RELAY_REFUSED, 200)}}},
};

START_TEST(a_lying_relay_is_given_up)
{
    const lie *of = &lies[_i];
    world.memory = (meter){0};
    world_start(&world, NULL, NULL);
    world_stop_relay(&world);
    movex_io       relay = movex_mock_listen(world.net);
    movex_io_event event;
    relay.ops->listen(relay.self);
    world_member *a = world_join(&world, "r", NULL, "a", true);
    world_open(a, NULL, NULL);
    world_run(&world, 3);
    ck_assert(relay.ops->recv(relay.self, &event) == MOVEX_OK && event.kind == MOVEX_IO_OPENED);
    movex_link link = event.link;
    ck_assert(relay.ops->recv(relay.self, &event) == MOVEX_OK && event.kind == MOVEX_IO_MESSAGE);
    for (int i = 0; of->frames[i].length; i++)
        relay.ops->send(relay.self, link, of->frames[i].bytes, of->frames[i].length);
    world_run(&world, 3);
    expect_cause(a, of->says);
    ck_assert_uint_eq(a->closed, 1);
    relay.ops->destroy(relay.self);
    world_stop(&world);
}
END_TEST

/* ---- messages */

static const movex_relay_message messages[] = {
    {.kind = MOVEX_RELAY_JOIN, .version = 1, .key = 0x123456789abcdef, .room = "room", .token = "secret", .name = "me"},
    {.kind = MOVEX_RELAY_JOIN, .version = 1, .room = "r", .name = "\xc3\xa9"},
    {.kind = MOVEX_RELAY_JOINED, .number = 0x12345678, .key = UINT64_MAX, .bytes = UINT32_MAX},
    {.kind = MOVEX_RELAY_REFUSED, .reason = 255},
    {.kind = MOVEX_RELAY_PEER, .number = 1, .name = "somebody"},
    {.kind = MOVEX_RELAY_GONE, .number = 3},
    {.kind = MOVEX_RELAY_CREDIT, .bytes = 4},
    {.kind = MOVEX_RELAY_OPEN, .number = 5},
    {.kind = MOVEX_RELAY_CLOSE, .number = 6},
};

START_TEST(messages_are_read_as_written_and_no_others)
{
    const movex_relay_message *of = &messages[_i];
    movex_relay_message        read = {0};
    unsigned char              frame[MOVEX_RELAY_MOST_MESSAGE + 1] = {0}, again[MOVEX_RELAY_MOST_MESSAGE];
    size_t                     length = movex_relay_write(of, frame);
    ck_assert(movex_relay_read(frame, length, &read));
    ck_assert_mem_eq(&read, of, sizeof read);
    ck_assert_uint_eq(movex_relay_write(&read, again), length);
    ck_assert_mem_eq(again, frame, length);
    for (size_t cut = 0; cut < length; cut++) ck_assert(!movex_relay_read(frame, cut, &read));
    ck_assert(!movex_relay_read(frame, length + 1, &read));
}
END_TEST

START_TEST(what_no_message_may_have)
{
    movex_relay_message message;
    unsigned char       frame[MOVEX_RELAY_MOST_MESSAGE];
    const unsigned char zero_number[] = {MOVEX_RELAY_GONE, 0, 0, 0, 0}, zero_bytes[] = {MOVEX_RELAY_CREDIT, 0, 0, 0, 0};
    const unsigned char no_reason[] = {MOVEX_RELAY_REFUSED, 0}, no_name[] = {MOVEX_RELAY_PEER, 1, 0, 0, 0, 0};
    const unsigned char line[] = {MOVEX_RELAY_PEER, 1, 0, 0, 0, 1, '\n'}, nul[] = {MOVEX_RELAY_PEER, 1, 0, 0, 0, 1, 0};
    ck_assert(!movex_relay_read(zero_number, sizeof zero_number, &message));
    ck_assert(!movex_relay_read(zero_bytes, sizeof zero_bytes, &message));
    ck_assert(!movex_relay_read(no_reason, sizeof no_reason, &message));
    ck_assert(!movex_relay_read(no_name, sizeof no_name, &message));
    ck_assert(!movex_relay_read(line, sizeof line, &message));
    ck_assert(!movex_relay_read(nul, sizeof nul, &message));
    /* A JOIN with the longest texts; and one byte more. */
    movex_relay_message longest = {.kind = MOVEX_RELAY_JOIN, .version = MOVEX_RELAY_VERSION};
    memset(longest.room, 'r', MOVEX_RELAY_ROOM_MAX);
    memset(longest.token, 't', MOVEX_RELAY_TOKEN_MAX);
    memset(longest.name, 'n', MOVEX_RELAY_NAME_MAX);
    ck_assert_uint_eq(movex_relay_write(&longest, frame), sizeof frame);
    ck_assert(movex_relay_read(frame, sizeof frame, &message));
    unsigned char too_long[40] = {MOVEX_RELAY_PEER, 1, 0, 0, 0, MOVEX_RELAY_NAME_MAX + 1};
    memset(too_long + 6, 'n', MOVEX_RELAY_NAME_MAX + 1);
    ck_assert(!movex_relay_read(too_long, 6 + MOVEX_RELAY_NAME_MAX + 1, &message));
}
END_TEST

/* ---- memory */

static void play_without_memory(uint64_t fail_at, uint32_t fail_one_in)
{
    const char *const tokens[] = {"t"};
    world.memory = (meter){.fail_at = fail_at, .fail_one_in = fail_one_in, .random = fail_at};
    world_start(&world, NULL, &(movexd_relay_config){.tokens = tokens, .token_count = 1});
    if (world.relay) {
        world_member *members[6];
        char          names[6][16];
        for (int i = 0; i < 6; i++) {
            snprintf(names[i], sizeof names[i], "m%d", i);
            members[i] = world_join(&world, "r", "t", names[i], true);
            world_run(&world, 2);
        }
        for (int round = 0; round < 10; round++) { /* who was sent away for want of memory comes again */
            for (int i = 0; i < 6; i++)
                if (members[i] && !world_links(members[i])) world_open(members[i], NULL, NULL);
            world_run(&world, 5);
        }
        for (int i = 0; i < 6 && !fail_one_in; i++)
            if (members[i]) must_msg(world_links(members[i]) >= 4, "fail_at %d: %d", (int)fail_at, (int)i);
    }
    world_stop(&world);
}

START_TEST(memory_runs_out_once)
{
    uint64_t fail_at = 1;
    do {
        play_without_memory(fail_at, 0);
        fail_at++;
    } while (world.memory.failed > 0);
    ck_assert_uint_gt(fail_at, 15);
    for (uint64_t seed = 1; seed < 40; seed++) play_without_memory(seed, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("relay");
    TCase *tcase = tcase_create("relay");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, members_meet_without_dialling);
    tcase_add_test(tcase, rooms_and_tokens_do_not_mix);
    tcase_add_test(tcase, many_members_form_a_mesh);
    tcase_add_test(tcase, emitters_of_one_relay_share_its_rooms);
    tcase_add_test(tcase, dials);
    tcase_add_test(tcase, a_peer_by_default);
    tcase_add_test(tcase, settings_out_of_range);
    tcase_add_test(tcase, the_longest_frames);
    tcase_add_test(tcase, rooms_and_members_are_bounded);
    tcase_add_test(tcase, more_members_than_one_takes);
    tcase_add_test(tcase, who_is_late_or_idle_is_sent_away);
    tcase_add_test(tcase, a_name_belongs_to_who_has_it);
    tcase_add_test(tcase, who_does_not_read_is_sent_away_alone);
    tcase_add_test(tcase, what_is_too_much_waits);
    tcase_add_test(tcase, after_a_loss_open_joins_again);
    tcase_add_loop_test(tcase, hostile_members_lose_their_link_alone, 0, (int)(sizeof attacks / sizeof *attacks));
    tcase_add_test(tcase, hostile_peers);
    tcase_add_loop_test(tcase, a_lying_relay_is_given_up, 0, (int)(sizeof lies / sizeof *lies));
    tcase_add_loop_test(tcase, messages_are_read_as_written_and_no_others, 0,
                        (int)(sizeof messages / sizeof *messages));
    tcase_add_test(tcase, what_no_message_may_have);
    tcase_add_test(tcase, memory_runs_out_once);
    return movex_test_main(suite);
}
