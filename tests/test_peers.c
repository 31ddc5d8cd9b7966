/* Rooms of peers: by hand, one promise at a time. Random runs are in test_peer_runs.c. */
#include "meter.h"
#include "peer_world.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static peer_world w;

/* As the header says: an election takes at most twice election_ms when nobody competes, and some tries more if they do. */
enum { ELECTED_MS = 1500, SETTLED_MS = 5000 };

static void start(uint32_t count, unsigned with_store, const movex_peer_config *config)
{
    peer_world_start(&w, count, with_store, config);
    uint32_t took = peer_world_await_settled(&w, SETTLED_MS);
    must_msg(took != UINT32_MAX, "%u peers have not begun", (unsigned)count);
}

static void act_all(uint32_t times)
{
    for (uint32_t n = 0; n < times; n++) {
        for (uint32_t i = 0; i < w.count; i++) peer_world_act(&w, i);
        peer_world_run(&w, 2);
    }
}

static void settle(void)
{
    must(peer_world_await_settled(&w, SETTLED_MS) != UINT32_MAX);
    peer_world_must_be_whole(&w);
}

static uint32_t other_than(uint32_t seat)
{
    return (seat + 1) % w.count;
}

START_TEST(a_room_begins_and_all_play)
{
    start((uint32_t)_i, 0, NULL);
    act_all(20);
    settle();
    for (uint32_t i = 0; i < w.count; i++) must_equal(w.seats[i].accepted, 20);
    must_equal(movex_version(w.seats[0].at), 20u * w.count);
    peer_world_end(&w);
}
END_TEST

/* Nobody is master before a majority has met. */
START_TEST(a_minority_does_not_begin)
{
    peer_world_start(&w, 5, 0, NULL);
    for (uint32_t i = 2; i < 5; i++) peer_world_kill(&w, i);
    peer_world_run(&w, 5000);
    must_equal(peer_world_master(&w), -1);
    must(peer_world_act(&w, 0));
    peer_world_run(&w, 1000);
    must_equal(w.seats[0].accepted, 0); /* it stays pending */
    peer_world_enter(&w, 2);
    must(peer_world_await_master(&w, 4000) != UINT32_MAX);
    peer_world_run(&w, 300);
    must_equal(w.seats[0].accepted, 1);
    peer_world_enter(&w, 3);
    peer_world_enter(&w, 4);
    settle();
    peer_world_end(&w);
}
END_TEST

START_TEST(the_match_outlives_its_master)
{
    start(3, 0, NULL);
    act_all(10);
    int first = peer_world_master(&w);
    for (uint32_t i = 0; i < 3; i++) peer_world_act(&w, i);
    peer_world_kill(&w, (uint32_t)first);
    for (uint32_t i = 0; i < 3; i++) peer_world_act(&w, i);
    uint32_t took = peer_world_await_master(&w, ELECTED_MS);
    must_msg(took != UINT32_MAX, "no master after %u ms", ELECTED_MS);
    must(peer_world_master(&w) != first);
    act_all(10);
    peer_world_enter(&w, (uint32_t)first); /* a new member, of the same name */
    settle();
    act_all(10);
    settle();
    peer_world_end(&w);
}
END_TEST

/* 3 to 2 by the rule of silence, and the next one may go as well once both have come back. */
START_TEST(the_silent_are_removed)
{
    movex_member member;
    start(3, 0, &(movex_peer_config){.silent_ms = 2000});
    peer_world_kill(&w, 2);
    act_all(10);
    peer_world_run(&w, 4000);
    must(movex_peer_member_at(w.seats[0].peer, 1, &member) && !movex_peer_member_at(w.seats[0].peer, 2, &member));
    settle();
    act_all(10);
    peer_world_enter(&w, 2);
    settle();
    must(movex_peer_member_at(w.seats[0].peer, 2, &member));
    peer_world_end(&w);
}
END_TEST

/* Who was away for too long is a member again when it is back, and its client goes on as if nothing had been. */
START_TEST(who_was_removed_comes_again)
{
    start(3, 0, &(movex_peer_config){.silent_ms = 1500});
    act_all(5);
    uint32_t away = other_than((uint32_t)peer_world_master(&w));
    uint64_t number = w.seats[away].peer->number;
    if (_i) peer_world_part(&w, away, true);
    else peer_world_pause(&w, away, true);
    peer_world_act(&w, away);
    act_all(5);
    peer_world_run(&w, 6000);
    if (_i) peer_world_part(&w, away, false);
    else peer_world_pause(&w, away, false);
    must(peer_world_await_settled(&w, 10000) != UINT32_MAX);
    must(w.seats[away].peer->number != number);
    peer_world_must_be_whole(&w);
    act_all(5);
    settle();
    peer_world_end(&w);
}
END_TEST

START_TEST(who_has_a_store_comes_back_as_itself)
{
    start(3, 7, NULL);
    act_all(10);
    for (uint32_t n = 0; n < 6; n++) {
        uint32_t seat = n % 3;
        uint64_t number = w.seats[seat].peer->number;
        peer_world_kill(&w, seat);
        peer_world_run(&w, 100);
        peer_world_enter(&w, seat);
        must_equal(w.seats[seat].peer->number, number);
        act_all(5);
        settle();
    }
    /* All at once: what was accepted is there. */
    for (uint32_t i = 0; i < 3; i++) peer_world_kill(&w, i);
    peer_world_run(&w, 1000);
    for (uint32_t i = 0; i < 3; i++) peer_world_enter(&w, i);
    settle();
    act_all(5);
    settle();
    peer_world_end(&w);
}
END_TEST

/* Leaving on purpose: the others have a master before they could have missed one. */
START_TEST(a_master_that_leaves_hands_over)
{
    start(3, 0, NULL);
    act_all(5);
    int      first = peer_world_master(&w);
    uint32_t other = other_than((uint32_t)first);
    w.seats[first].leaving = true;
    movex_peer_leave(w.seats[first].peer);
    uint32_t gap = 0, longest = 0;
    for (uint32_t ms = 0; ms < 500; ms++) {
        uint64_t before = w.seats[other].accepted;
        peer_world_act(&w, other);
        peer_world_run(&w, 1);
        gap = w.seats[other].accepted == before ? gap + 1 : 0;
        if (gap > longest) longest = gap;
    }
    must(!w.seats[first].peer);
    must_msg(longest < 100, "nothing was accepted for %u ms", (unsigned)longest);
    settle();
    movex_member member;
    must(movex_peer_member_at(w.seats[other].peer, 1, &member) && !movex_peer_member_at(w.seats[other].peer, 2, &member));
    peer_world_end(&w);
}
END_TEST

/* Each hands over to somebody who leaves as well: they must not do so for ever. */
START_TEST(all_may_leave_at_once)
{
    uint32_t left = 0, waited = 0;
    w.seed = w.random = (uint64_t)_i;
    start(2 + (uint32_t)_i % 4, 0, NULL);
    act_all(5);
    settle();
    for (uint32_t i = 0; i < w.count; i++) {
        w.seats[i].leaving = true;
        movex_peer_leave(w.seats[i].peer);
        peer_world_run(&w, (uint32_t)_i / 4 * 7);
    }
    for (; left < w.count && waited < 2000; waited++) {
        peer_world_run(&w, 1);
        left = 0;
        for (uint32_t i = 0; i < w.count; i++) left += !w.seats[i].peer;
    }
    must_msg(left == w.count, "%u of %u have left", (unsigned)left, (unsigned)w.count);
    peer_world_end(&w);
}
END_TEST

/* A new life of somebody takes the place of the last one: that one's going is told before its coming, wherever they stand. */
START_TEST(who_comes_again_is_there_at_the_end)
{
    movex_event event;
    movex_peer  peer = {.member_count = 2};
    peer.members[_i] = (peer_member){.member = {.number = 2, .name = "bob"}, .is_member = true};
    peer.members[1 - _i] = (peer_member){.member = {.number = 1, .name = "bob"}, .told = true};
    must(movex_peer_next(&peer, &event));
    must_equal(event.kind, MOVEX_EVENT_MEMBER_LEFT);
    must(movex_peer_next(&peer, &event));
    must_equal(event.kind, MOVEX_EVENT_MEMBER_JOINED);
    must(strcmp(event.peer, "bob") == 0);
    must_equal(peer.member_count, 1);
}
END_TEST

START_TEST(without_a_majority_all_waits)
{
    start(3, 0, NULL);
    act_all(5);
    settle();
    uint64_t version = movex_version(w.seats[0].at);
    for (uint32_t i = 0; i < 3; i++) peer_world_part(&w, i, true);
    for (uint32_t i = 0; i < 3; i++) must(peer_world_act(&w, i));
    peer_world_run(&w, 3000);
    for (uint32_t i = 0; i < 3; i++) {
        must_equal(movex_version(w.seats[i].at), version);
        must_equal(w.seats[i].waiting, 1);
        must(!movex_peer_is_master(w.seats[i].peer));
    }
    for (uint32_t i = 0; i < 3; i++) peer_world_part(&w, i, false);
    settle();
    must_equal(movex_version(w.seats[0].at), version + 3);
    peer_world_end(&w);
}
END_TEST

/* ---- two, of whom each may go on */

START_TEST(the_survivor_goes_on)
{
    start(2, 0, &(movex_peer_config){.survivor_goes_on = true});
    act_all(5);
    settle();
    must_equal(w.seats[0].provisional + w.seats[1].provisional, 0);
    uint32_t dead = (uint32_t)_i;
    peer_world_kill(&w, dead);
    act_all(5);
    peer_world_run(&w, 1500);
    must_equal(w.seats[1 - dead].accepted, 10);
    must(w.seats[1 - dead].provisional >= 5);
    peer_world_enter(&w, dead);
    settle();
    must_equal(w.seats[1 - dead].undone, 0); /* nobody else has gone on */
    act_all(5);
    settle();
    peer_world_end(&w);
}
END_TEST

START_TEST(one_of_two_branches_is_undone)
{
    start(2, 0, &(movex_peer_config){.survivor_goes_on = true});
    act_all(5);
    settle();
    uint64_t common = w.seats[0].accepted;
    peer_world_part(&w, 0, true);
    peer_world_part(&w, 1, true);
    peer_world_run(&w, 4000);
    for (uint32_t n = 0; n < 4; n++) {
        must(peer_world_act(&w, 0) && peer_world_act(&w, 1));
        peer_world_run(&w, 5);
    }
    must_equal(w.seats[0].accepted, common + 4);
    must_equal(w.seats[1].accepted, common + 4);
    peer_world_part(&w, 0, false);
    peer_world_part(&w, 1, false);
    must(peer_world_await_settled(&w, SETTLED_MS) != UINT32_MAX);
    must_equal(w.seats[0].undone + w.seats[1].undone, 4); /* of one of them all, of the other none */
    must(w.seats[0].undone == 0 || w.seats[1].undone == 0);
    peer_world_must_be_whole(&w);
    act_all(5);
    settle();
    peer_world_end(&w);
}
END_TEST

/* ---- who does not belong */

static void must_fail(movex_peer_config config, movex_status status, const char *words)
{
    static const movex_type *const types[] = {&tally_type, NULL};
    movex_error                    error = {.text = ""};
    movex_mock                    *net = movex_mock_new(NULL);
    if (!config.types) config.types = types;
    if (!config.io.ops) config.io = movex_mock_listen_as(net, "x");
    config.seed = 1;
    config.error = &error;
    must(!movex_peer_new(&config));
    must_msg(error.status == status && strstr(error.text, words), "%d: %s", (int)error.status, error.text);
    movex_mock_free(net);
}

static void redact(void *state, const char *viewer)
{
    (void)state, (void)viewer;
}

START_TEST(bad_settings_are_named)
{
    movex_type              secret = tally_type;
    const movex_type *const secrets[] = {&secret, NULL}, *const nothing[] = {NULL};
    movex_action_type       actions[TALLY_ACTIONS];
    char                    longer[200] = {0};
    secret.redact = redact;
    memset(longer, 'a', sizeof longer - 1);
    must_fail((movex_peer_config){.room = "r"}, MOVEX_ERR_ARGUMENT, "id:");
    must_fail((movex_peer_config){.id = longer, .room = "r"}, MOVEX_ERR_ARGUMENT, "id:");
    must_fail((movex_peer_config){.id = "a"}, MOVEX_ERR_ARGUMENT, "room:");
    must_fail((movex_peer_config){.id = "a", .room = longer}, MOVEX_ERR_ARGUMENT, "room:");
    must_fail((movex_peer_config){.id = "a", .room = "r", .types = nothing}, MOVEX_ERR_ARGUMENT, "types:");
    must_fail((movex_peer_config){.id = "a", .room = "r", .types = secrets}, MOVEX_ERR_ARGUMENT, "redact");
    must_fail((movex_peer_config){.id = "a", .room = "r", .room_size = 17}, MOVEX_ERR_ARGUMENT, "peers:");
    must_fail((movex_peer_config){.id = "a", .room = "r", .peer_count = 1}, MOVEX_ERR_ARGUMENT, "peers:");
    must_fail((movex_peer_config){.id = "a", .room = "r", .peer_count = 1, .peers = (const char *[]){longer}},
              MOVEX_ERR_ARGUMENT, "address");
    secret = tally_type;
    memcpy(actions, secret.actions, sizeof actions);
    actions[TALLY_OPEN].flags |= MOVEX_MASTER_ONLY;
    secret.actions = actions;
    must_fail((movex_peer_config){.id = "a", .room = "r", .types = secrets}, MOVEX_ERR_ARGUMENT, "MASTER_ONLY");
}
END_TEST

/* Two who cannot play together are told why, on both sides, and go on alone. */
static void must_not_meet(movex_peer_config a, movex_peer_config b, movex_status status, const char *words)
{
    static const movex_type *const types[] = {&tally_type, NULL};
    movex_mock                    *net = movex_mock_new(NULL);
    movex_peer_config              configs[2] = {a, b};
    movex_peer                    *peers[2];
    static const char *const       names[] = {"one", "two"};
    int                            told = 0;
    for (int i = 0; i < 2; i++) {
        if (!configs[i].id) configs[i].id = names[i];
        if (!configs[i].room) configs[i].room = "r";
        configs[i].types = types;
        configs[i].seed = (uint64_t)i + 1;
        configs[i].io = movex_mock_listen_as(net, names[i]);
        configs[i].peers = &names[1 - i];
        configs[i].peer_count = 1;
        must(peers[i] = movex_peer_new(&configs[i]));
    }
    for (uint64_t ms = 0; ms < 300; ms++) {
        movex_mock_poll(net, ms);
        for (int i = 0; i < 2; i++) {
            must_equal(movex_peer_poll(peers[i], ms), MOVEX_OK);
            for (movex_event event; movex_peer_next(peers[i], &event);) {
                if (event.kind != MOVEX_EVENT_PEER_REFUSED) continue;
                must_msg(event.status == status && strstr(event.text, words), "%d: %s", (int)event.status, event.text);
                told |= 1 << i;
            }
            must(!movex_peer_is_master(peers[i]));
        }
    }
    must_equal(told, 3);
    for (int i = 0; i < 2; i++) movex_peer_free(peers[i]);
    movex_mock_free(net);
}

static int nobody(void *user, const movex_hello *hello)
{
    (void)user;
    return strcmp(hello->credentials, "open sesame") == 0 ? MOVEX_ACCEPT : 7;
}

START_TEST(who_does_not_belong_is_told_why)
{
    must_not_meet((movex_peer_config){.room = "r"}, (movex_peer_config){.room = "s"}, MOVEX_ERR_DENIED, "another name");
    must_not_meet((movex_peer_config){.id = "x"}, (movex_peer_config){.id = "x"}, MOVEX_ERR_ID_IN_USE, "same id");
    must_not_meet((movex_peer_config){.room_size = 2}, (movex_peer_config){.room_size = 3}, MOVEX_ERR_DENIED, "room_size");
    must_not_meet((movex_peer_config){.survivor_goes_on = true}, (movex_peer_config){.survivor_goes_on = false},
                  MOVEX_ERR_DENIED, "survivor_goes_on");
    must_not_meet((movex_peer_config){.authenticate = nobody, .credentials = "open sesame"},
                  (movex_peer_config){.authenticate = nobody, .credentials = "please"}, MOVEX_ERR_DENIED, "let in");
}
END_TEST

/* A build whose game is another one cannot play, and says so; should it be elected, it gives up, and the others go on. */
START_TEST(another_build_gives_up)
{
    static movex_type              newer;
    static const movex_type *const types[] = {&newer, NULL};
    bool                           refused = false, closed = false;
    newer = tally_type;
    newer.version = 7;
    start(3, 7, NULL);
    act_all(3);
    movex_peer *other = movex_peer_new(&(movex_peer_config){
        .id = "other",
        .room = "friday",
        .types = types,
        .io = movex_mock_listen_as(w.net, "other"),
        .peers = (const char *const[]){"p0", "p1", "p2"},
        .peer_count = 3,
        .seed = 9,
    });
    must(other && movex_bind(movex_peer_client(other), &newer, "main"));
    for (int ms = 0; ms < 60000 && !closed; ms++) {
        /* The master leaves once the other one is a member, until it is the other one's turn. */
        if (ms % 1000 == 999 && peer_world_master(&w) >= 0 && !movex_peer_is_master(other)) peer_world_kill(&w, (uint32_t)peer_world_master(&w));
        if (ms % 1000 == 998)
            for (uint32_t i = 0; i < 3; i++)
                if (!w.seats[i].peer) peer_world_enter(&w, i);
        peer_world_run(&w, 1);
        movex_peer_poll(other, w.now_ms);
        for (movex_event event; movex_peer_next(other, &event);) {
            if (event.kind == MOVEX_EVENT_BIND_REFUSED) refused = refused || event.status == MOVEX_ERR_FINGERPRINT;
            if (event.kind != MOVEX_EVENT_CLOSED) continue;
            closed = true;
            must_msg(event.status == MOVEX_ERR_FINGERPRINT && strstr(event.text, "tally"), "%s", event.text);
        }
    }
    must(refused);
    must(closed); /* it came to be elected, sooner or later */
    movex_peer_free(other);
    for (uint32_t i = 0; i < 3; i++)
        if (!w.seats[i].peer) peer_world_enter(&w, i);
    must(peer_world_await_master(&w, 5000) != UINT32_MAX);
    peer_world_end(&w);
}
END_TEST

/* A late one that knows a single address hears of the others from it, and is taken in. */
START_TEST(one_address_is_enough)
{
    static const movex_type *const types[] = {&tally_type, NULL};
    movex_member                   member;
    start(3, 0, NULL);
    act_all(5);
    movex_peer *late = movex_peer_new(&(movex_peer_config){
        .id = "late",
        .room = "friday",
        .types = types,
        .io = movex_mock_listen_as(w.net, "late"),
        .peers = (const char *const[]){w.seats[other_than((uint32_t)peer_world_master(&w))].name},
        .peer_count = 1,
        .seed = 9,
    });
    must(late);
    movex_resource *at = movex_bind(movex_peer_client(late), &tally_type, "main");
    for (int ms = 0; ms < 3000; ms++) {
        peer_world_run(&w, 1);
        must_equal(movex_peer_poll(late, w.now_ms), MOVEX_OK);
    }
    must(movex_in_sync(at) && movex_checksum(at) == movex_checksum(w.seats[0].at));
    must(movex_peer_member_at(w.seats[0].peer, 3, &member));
    for (uint32_t i = 0; movex_peer_member_at(late, i, &member); i++) must_msg(member.linked, "%s", member.id);
    movex_peer_free(late);
    peer_world_end(&w);
}
END_TEST

/* What an action of a follower costs a room of three over the network, beyond what silence costs: one entry to each follower, an
   answer of each, the dispatch and its acknowledgement, and a forward to the others. */
START_TEST(an_action_costs_few_frames)
{
    start(3, 0, NULL);
    act_all(5);
    settle();
    uint32_t follower = other_than((uint32_t)peer_world_master(&w));
    peer_world_run(&w, 1000);
    movex_mock_stats before = movex_mock_statistics(w.net);
    peer_world_run(&w, 2000);
    movex_mock_stats calm = movex_mock_statistics(w.net);
    for (int i = 0; i < 100; i++) {
        must(peer_world_act(&w, follower));
        peer_world_run(&w, 20);
    }
    movex_mock_stats busy = movex_mock_statistics(w.net);
    uint64_t still = calm.frames_sent - before.frames_sent, frames = busy.frames_sent - calm.frames_sent;
    uint64_t bytes = busy.bytes_sent - calm.bytes_sent, still_bytes = calm.bytes_sent - before.bytes_sent;
    printf("# 2 s of silence: %llu frames, %llu bytes; 100 actions in 2 s: %llu frames, %llu bytes\n", (unsigned long long)still,
           (unsigned long long)still_bytes, (unsigned long long)frames, (unsigned long long)bytes);
    fflush(stdout);
    must(still <= 2 * 2 * 2000 / 50 + 40);     /* a heartbeat and its answer, to each of two; and pings */
    must(frames <= 100 * 9 && bytes <= 100 * 1000);
    must_equal(w.seats[follower].waiting, 0);
    peer_world_end(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peers");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, a_room_begins_and_all_play, 1, 8);
    tcase_add_test(all, a_minority_does_not_begin);
    tcase_add_test(all, the_match_outlives_its_master);
    tcase_add_test(all, the_silent_are_removed);
    tcase_add_loop_test(all, who_was_removed_comes_again, 0, 2);
    tcase_add_test(all, who_has_a_store_comes_back_as_itself);
    tcase_add_test(all, a_master_that_leaves_hands_over);
    tcase_add_loop_test(all, all_may_leave_at_once, 0, 20);
    tcase_add_loop_test(all, who_comes_again_is_there_at_the_end, 0, 2);
    tcase_add_test(all, without_a_majority_all_waits);
    tcase_add_loop_test(all, the_survivor_goes_on, 0, 2);
    tcase_add_test(all, one_of_two_branches_is_undone);
    tcase_add_test(all, bad_settings_are_named);
    tcase_add_test(all, who_does_not_belong_is_told_why);
    tcase_add_test(all, another_build_gives_up);
    tcase_add_test(all, one_address_is_enough);
    tcase_add_test(all, an_action_costs_few_frames);
    return movex_test_main(suite);
}
