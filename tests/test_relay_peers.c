/* Peers who meet at a relay alone: they elect, play and go on when the relay, or one of them, is gone for a while. */
#include "row_game.h"
#include "support.h"

#include "../tools/movexd/relay.h"

#include <movex/checked.h>
#include <movex/mock.h>
#include <movex/peer.h>
#include <movex/relay.h>

#include <stdio.h>
#include <string.h>

enum { PEERS = 3, PATIENCE_MS = 20000 };

static struct {
    movex_mock     *net;
    movexd_relay   *relay;
    movex_peer     *peers[PEERS];
    movex_resource *rows[PEERS];
    uint64_t        now_ms;
    uint32_t        accepted; /* outcomes */
} w;

static const movex_type *const types[] = {&row_type, NULL};

static void accuse(void *user, const char *what)
{
    (void)user;
    ck_abort_msg("%s", what);
}

static int entropy(void *user, void *bytes, size_t length)
{
    static unsigned char last;
    (void)user;
    memset(bytes, ++last, length);
    return MOVEX_OK;
}

static void start_relay(void)
{
    w.relay = movexd_relay_new(&(movexd_relay_config){
        .max_rooms = 1, .max_members = PEERS, .bytes_per_second = 1 << 20, .join_ms = 1000, .entropy = entropy});
    ck_assert_int_eq(movexd_relay_attach(w.relay, movex_mock_listen(w.net)), MOVEX_OK);
}

static void enter(int i)
{
    static const char *const names[PEERS] = {"alice", "bob", "carol"};
    static const char *const at_the_relay[1] = {NULL};
    movex_io                 io = movex_relay(
                        &(movex_relay_config){.io = movex_mock_connect_as(w.net, names[i]), .room = "friday-night", .name = names[i]});
    w.peers[i] = movex_peer_new(&(movex_peer_config){.id = names[i],
                                                     .room = "friday-night",
                                                     .types = types,
                                                     .io = movex_checked(io, &(movex_checked_config){.report = accuse}),
                                                     .peers = at_the_relay,
                                                     .peer_count = 1,
                                                     .room_size = PEERS,
                                                     .seed = w.now_ms * PEERS + (uint64_t)i + 1});
    ck_assert_ptr_nonnull(w.peers[i]);
    w.rows[i] = movex_bind(movex_peer_client(w.peers[i]), &row_type, "row");
}

static void start(void)
{
    memset(&w, 0, sizeof w);
    w.now_ms = 1000;
    w.net = movex_mock_new(&(movex_mock_config){.seed = 1, .latency_ms = {1, 10}});
    start_relay();
    for (int i = 0; i < PEERS; i++) enter(i);
}

static void end(void)
{
    for (int i = 0; i < PEERS; i++) movex_peer_free(w.peers[i]);
    movexd_relay_free(w.relay);
    movex_mock_free(w.net);
}

static void run(uint32_t ms)
{
    for (uint64_t until = w.now_ms + ms; w.now_ms < until; w.now_ms++) {
        movex_mock_poll(w.net, w.now_ms);
        if (w.relay) movexd_relay_poll(w.relay, w.now_ms);
        for (int i = 0; i < PEERS; i++) {
            if (!w.peers[i]) continue;
            ck_assert_int_eq(movex_peer_poll(w.peers[i], w.now_ms), MOVEX_OK);
            for (movex_event event; movex_peer_next(w.peers[i], &event);) {
                ck_assert_msg(event.kind != MOVEX_EVENT_CLOSED, "%d: %s", i, event.text);
                w.accepted += event.kind == MOVEX_EVENT_ACCEPTED;
            }
        }
    }
}

/* All who are there hold the same, and have so many outcomes between them. */
static bool agree(uint32_t accepted)
{
    const movex_resource *first = NULL;
    for (int i = 0; i < PEERS; i++) {
        if (!w.peers[i]) continue;
        if (!movex_in_sync(w.rows[i]) || movex_pending(w.rows[i]) || movex_version(w.rows[i]) < accepted) return false;
        if (!first) first = w.rows[i];
        if (movex_version(w.rows[i]) != movex_version(first) || movex_checksum(w.rows[i]) != movex_checksum(first))
            return false;
    }
    return w.accepted == accepted;
}

static void act_and_agree(uint32_t *total)
{
    for (int i = 0; i < PEERS; i++)
        if (w.peers[i] && movex_dispatch(w.rows[i], ROW_DRAW, NULL)) ++*total;
    for (int waited = 0; !agree(*total); waited += 10) {
        ck_assert_msg(waited < PATIENCE_MS, "waited in vain: %u of %u", (unsigned)w.accepted, (unsigned)*total);
        run(10);
    }
}

START_TEST(they_play_and_survive_the_relay)
{
    uint32_t total = 0;
    start();
    act_and_agree(&total);
    act_and_agree(&total);
    ck_assert_uint_eq(total, 2 * PEERS);
    for (int round = 0; round < 3; round++) {
        movexd_relay_free(w.relay);
        w.relay = NULL;
        run(500);
        for (int i = 0; i < PEERS; i++) /* stays pending until they meet again */
            if (movex_dispatch(w.rows[i], ROW_STAMP, NULL)) total++;
        run(2000);
        start_relay();
        act_and_agree(&total);
    }
    movex_mock_cut(w.net, MOVEX_MOCK_MASTER);
    act_and_agree(&total);
    ck_assert_uint_eq(total, 9 * PEERS);
    end();
}
END_TEST

START_TEST(they_play_and_survive_each_other)
{
    uint32_t total = 0;
    start();
    act_and_agree(&total);
    for (int i = 0; i < PEERS; i++) {
        movex_peer_free(w.peers[i]);
        w.peers[i] = NULL;
        act_and_agree(&total);
        enter(i);
        act_and_agree(&total);
    }
    ck_assert_uint_eq(total, (1 + 3) * PEERS + 3 * (PEERS - 1));
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peers at a relay");
    TCase *tcase = tcase_create("peers");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, they_play_and_survive_the_relay);
    tcase_add_test(tcase, they_play_and_survive_each_other);
    return movex_test_main(suite);
}
