/* Whole games of thirty-one over the mock network, by bots, with latency, cuts, a spectator, and somebody who leaves:
   all who may see the same hold the same, nobody holds what he must not, no card is lost, and the game ends. */
#include "support.h"

#include "../examples/thirtyone/bot.h"
#include "../examples/thirtyone/game.h"

#include <movex/mock.h>
#include <movex/movex.h>

#include <string.h>

/* As ck_assert, which writes to a file each time, for what is asked a million times. */
#define check(m, condition)                                                                                            \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg("seed %llu at %llu: %s", (unsigned long long)(m)->seed, (unsigned long long)(m)->now_ms,      \
                         #condition);                                                                                  \
    } while (0)

enum { SEEDS = 200, LONG_SEEDS = 2000, MOST_MS = 2000000, STEP_MS = 20, SPECTATOR = THIRTYONE_SEATS };

typedef struct match {
    uint64_t      seed, now_ms;
    movex_mock   *net;
    movex_master *master;
    game_robot    players[THIRTYONE_SEATS + 1]; /* the last one watches */
    unsigned      count;
    unsigned      leaves; /* the seat of who leaves; SPECTATOR for nobody */
    uint64_t      versions_compared, accepted;
    uint64_t      counted;                       /* the version of which the cards were counted last */
    uint64_t      compared[THIRTYONE_SEATS + 1]; /* that of which each one's view was compared last */
} match;

static const char *const names[] = {"ann", "ben", "cid", "dot", "eva", "fay", "gus"};

static void join(match *m, unsigned i)
{
    game_robot *player = &m->players[i];
    *player = (game_robot){.mind = &bot_mind, .name = names[i], .pause_ms = 300};
    if (i != SPECTATOR) player->rounds = 1;
    player->company = m->count;
    player->at.client = movex_client_new(&(movex_client_config){.id = names[i],
                                                                .io = movex_mock_connect_as(m->net, names[i]),
                                                                .reconnect_min_ms = 10,
                                                                .reconnect_max_ms = 200});
    player->at.resource = movex_bind(player->at.client, &thirtyone_type, "main");
    ck_assert_ptr_nonnull(player->at.resource);
}

static void begin(match *m, uint64_t seed)
{
    movex_mock_config network = {.seed = seed, .latency_ms = {5, 250}, .cut_per_mille = 20};
    *m = (match){.seed = seed, .count = 2 + (unsigned)(seed % 5), .leaves = SPECTATOR};
    m->net = movex_mock_new(&network);
    m->master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&thirtyone_type), .seed = seed});
    ck_assert_int_eq(movex_master_attach(m->master, movex_mock_listen(m->net)), MOVEX_OK);
    for (unsigned i = 0; i < m->count; i++) join(m, i);
    join(m, SPECTATOR);
    if (seed % 3 == 0 && m->count > 2) m->leaves = (unsigned)(seed / 3 % m->count);
}

static void end(match *m)
{
    for (unsigned i = 0; i <= SPECTATOR; i++) movex_client_free(m->players[i].at.client);
    movex_master_free(m->master);
    movex_mock_free(m->net);
}

static bool hands_are_open(const thirtyone *table)
{
    return table->phase == THIRTYONE_SHOWN || table->phase == THIRTYONE_OVER || table->phase == THIRTYONE_DEALING;
}

/* What a client holds, confirmed or not, has nothing in it that it must not know; and of its own hand, all. */
static void check_knowledge(const match *m, const game_robot *player, const thirtyone *held)
{
    for (unsigned i = 0; i < held->stock_count; i++) check(m, held->stock[i] == CARDS_HIDDEN);
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        bool own = strcmp(held->seats[seat].player, player->name) == 0;
        for (unsigned i = 0; i < held->seats[seat].count; i++) {
            bool hidden = held->seats[seat].hand[i] == CARDS_HIDDEN;
            check(m, hidden == !(own || hands_are_open(held)));
        }
    }
}

/* Every card is in one place, as the master has it. */
static void check_cards(const match *m, const thirtyone *truth)
{
    unsigned seen[CARDS_VALUES] = {0}, count = truth->stock_count + truth->pile_count;
    for (unsigned i = 0; i < truth->stock_count; i++) seen[truth->stock[i]]++;
    for (unsigned i = 0; i < truth->pile_count; i++) seen[truth->pile[i]]++;
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++)
        for (unsigned i = 0; i < truth->seats[seat].count; i++, count++) seen[truth->seats[seat].hand[i]]++;
    for (unsigned card = 1; card <= CARDS_IN_DECK; card++) check(m, seen[card] <= 1);
    check(m, count == (truth->round > 1 || truth->phase > THIRTYONE_DEALING ? CARDS_IN_DECK : 0));
}

static void check_everybody(match *m)
{
    movex_hosted hosted;
    if (!movex_master_find(m->master, &thirtyone_type, "main", &hosted)) return;
    if (hosted.version != m->counted) check_cards(m, hosted.state);
    m->counted = hosted.version;
    for (unsigned i = 0; i <= SPECTATOR; i++) {
        const game_robot *player = &m->players[i];
        if (!player->at.client) continue;
        if (!movex_in_sync(player->at.resource) || movex_version(player->at.resource) != hosted.version) continue;
        if (m->compared[i] == hosted.version) continue;
        m->compared[i] = hosted.version;
        uint64_t checksum = 0;
        ck_assert_int_eq(movex_master_view(m->master, &thirtyone_type, "main", player->name, NULL, &checksum),
                         MOVEX_OK);
        check(m, movex_checksum(player->at.resource) == checksum);
        m->versions_compared++;
    }
}

static void drain(match *m, const game_robot *player)
{
    for (movex_event event; movex_client_next(player->at.client, &event);) {
        check(m, event.kind != MOVEX_EVENT_EXPIRED && event.kind != MOVEX_EVENT_CLOSED);
        check(m, event.kind != MOVEX_EVENT_MISMATCH);
        m->accepted += event.kind == MOVEX_EVENT_ACCEPTED;
    }
}

static void step(match *m)
{
    m->now_ms += STEP_MS;
    movex_mock_poll(m->net, m->now_ms);
    movex_master_poll(m->master, m->now_ms);
    for (unsigned i = 0; i <= SPECTATOR; i++) {
        game_robot *player = &m->players[i];
        if (!player->at.client) continue;
        movex_client_poll(player->at.client, m->now_ms);
        drain(m, player);
        if (i != SPECTATOR) robot_play(player, m->now_ms);
        check_knowledge(m, player, movex_confirmed_state(player->at.resource));
        check_knowledge(m, player, movex_state(player->at.resource));
    }
    check_everybody(m);
}

static void leave(match *m)
{
    game_robot      *player = &m->players[m->leaves];
    const thirtyone *table = movex_confirmed_state(m->players[SPECTATOR].at.resource);
    if (!player->at.client || m->leaves == SPECTATOR || table->phase != THIRTYONE_DISCARDING) return;
    movex_client_free(player->at.client);
    player->at.client = NULL;
}

static bool all_are_done(const match *m)
{
    movex_hosted hosted;
    if (!movex_master_find(m->master, &thirtyone_type, "main", &hosted)) return false;
    for (unsigned i = 0; i <= SPECTATOR; i++) {
        const game_robot *player = &m->players[i];
        if (!player->at.client) continue;
        if (!robot_is_done(player) || movex_version(player->at.resource) != hosted.version) return false;
    }
    return true;
}

static void check_end(const match *m)
{
    const movex_resource *watched = m->players[SPECTATOR].at.resource;
    for (unsigned i = 0; i <= SPECTATOR; i++) {
        const game_robot *player = &m->players[i];
        if (!player->at.client) continue;
        movex_stats stats = movex_client_stats(player->at.client);
        ck_assert_uint_eq(stats.mismatches, 0);
        ck_assert_uint_eq(stats.resyncs, 0);
        /* The hands lie open, so all see the same. */
        ck_assert_uint_eq(movex_checksum(player->at.resource), movex_checksum(watched));
    }
    const thirtyone *table = movex_confirmed_state(watched);
    ck_assert_str_ne(table->winner, "");
    ck_assert_uint_eq(thirtyone_alive(table), 1);
    if (m->leaves != SPECTATOR) ck_assert_int_eq(thirtyone_seat_of(table, names[m->leaves]), -1);
    ck_assert_uint_gt(m->versions_compared, 50);
    ck_assert_uint_gt(m->accepted, 20);
}

static void play(uint64_t seed)
{
    match m;
    begin(&m, seed);
    for (; !all_are_done(&m); step(&m)) {
        if (m.now_ms > 5000) leave(&m);
        check(&m, m.now_ms < MOST_MS);
    }
    check_end(&m);
    end(&m);
}

START_TEST(games_over_a_bad_network)
{
    unsigned seeds = movex_test_is_long() ? LONG_SEEDS : SEEDS;
    for (uint64_t seed = (uint64_t)_i + 1; seed <= seeds; seed += 4) play(seed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thirtyone matches");
    TCase *cases = tcase_create("matches");
    tcase_set_timeout(cases, 1200);
    tcase_add_loop_test(cases, games_over_a_bad_network, 0, 4);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
