/* As test_memory.c, with what is hidden: in turn, each allocation of master and clients fails while players hide, reveal, lose
   their connections and come back, while states are put, and while cards are shuffled, dealt and chosen. Nothing crashes,
   nothing leaks, the failure is said, and all comes to the same end. */
#include "cards_game.h"
#include "cuttable.h"
#include "hidden_game.h"
#include "meter.h"
#include "support.h"

#include <movex/local.h>

#include <string.h>

enum { ANN, BEN, CID, CLIENTS };
enum { MOST_TICKETS = 256, MOST_TRIES = 50 };
static const char *const names[CLIENTS] = {"ann", "ben", "cid"};

/* The program under test: it tries again what failed for want of memory. */
static struct {
    meter             meter;
    movex_allocator   allocator;
    const movex_type *type;
    movex_master     *master;
    movex_client     *clients[CLIENTS];
    movex_io          ios[CLIENTS];
    movex_resource   *resources[CLIENTS];
    uint64_t          now_ms;
    uint8_t           dispatched[CLIENTS][MOST_TICKETS], outcomes[CLIENTS][MOST_TICKETS];
    uint32_t          revealed[CLIENTS], overturned[CLIENTS], refused[CLIENTS];
    uint32_t          told; /* failures that were said */
} p;

static void must_be_memory(const movex_error *error)
{
    must_msg(error->status == MOVEX_ERR_MEMORY && error->text[0], "%d: %s", (int)error->status, error->text);
    p.told++;
}

static void make_master(void)
{
    movex_error         error = {.status = MOVEX_OK};
    movex_master_config config = {
        .types = MOVEX_TYPES(p.type), .allocator = p.allocator, .grace_ms = 600000, .error = &error};
    p.master = movex_master_new(&config);
    if (p.master) return;
    must_be_memory(&error);
    must_equal(p.meter.blocks, 0);
    p.master = movex_master_new(&config);
    must(p.master);
}

static void bind_table(int i)
{
    for (int k = 0; k < MOST_TRIES; k++) {
        p.resources[i] = movex_bind(p.clients[i], p.type, "one");
        if (p.resources[i]) return;
        must_be_memory(movex_client_error(p.clients[i]));
    }
    must(p.resources[i]);
}

static void make_client(int i)
{
    for (int k = 0; k < 2 && !p.clients[i]; k++) {
        movex_error         error = {.status = MOVEX_OK};
        movex_io            io = movex_local_connect(p.master);
        movex_client_config config = {.id = names[i], .allocator = p.allocator, .error = &error};
        config.io = p.ios[i] = io.self ? cuttable(io) : io;
        p.clients[i] = movex_client_new(&config);
        if (!p.clients[i]) must_be_memory(&error);
    }
    must(p.clients[i]);
    bind_table(i);
}

static void drain(int i)
{
    movex_event event;
    while (movex_client_next(p.clients[i], &event)) {
        must(event.kind != MOVEX_EVENT_CLOSED && event.kind != MOVEX_EVENT_MISMATCH &&
             event.kind != MOVEX_EVENT_EXPIRED && event.kind != MOVEX_EVENT_REMOVED);
        if (event.kind == MOVEX_EVENT_ACCEPTED || event.kind == MOVEX_EVENT_REFUSED) {
            must_equal(p.outcomes[i][event.ticket], 0); /* one, and one alone */
            p.outcomes[i][event.ticket] = 1;
        }
        p.refused[i] += event.kind == MOVEX_EVENT_REFUSED;
        p.revealed[i] += event.kind == MOVEX_EVENT_REVEALED;
        p.overturned[i] += event.kind == MOVEX_EVENT_OVERTURNED;
        if (event.kind == MOVEX_EVENT_DISCONNECTED) {
            must(event.text[0]);
            p.told++;
        }
        if (event.kind == MOVEX_EVENT_BIND_REFUSED) { /* the program's to try again */
            must_msg(event.status == MOVEX_ERR_MEMORY, "%s", event.text);
            p.told++;
            movex_unbind(p.resources[i]);
            bind_table(i);
        }
    }
}

static void run(uint32_t add_ms)
{
    movex_master_event event;
    p.now_ms += add_ms;
    movex_master_poll(p.master, p.now_ms);
    while (movex_master_next(p.master, &event)) must(event.text);
    for (int i = 0; i < CLIENTS; i++) {
        must_equal(movex_client_poll(p.clients[i], p.now_ms), MOVEX_OK);
        drain(i);
    }
}

static movex_hosted hosted(void)
{
    movex_hosted found;
    must(movex_master_find(p.master, p.type, "one", &found));
    return found;
}

static bool is_settled(void)
{
    movex_hosted found;
    if (!movex_master_find(p.master, p.type, "one", &found)) return false;
    for (int i = 0; i < CLIENTS; i++)
        if (!movex_in_sync(p.resources[i]) || movex_pending(p.resources[i]) ||
            movex_version(p.resources[i]) != found.version)
            return false;
    return true;
}

static void check_view(int i, const movex_codec *codec)
{
    union {
        hidden_table table;
        cards        cards;
    } state;
    uint64_t checksum;
    char     text[256];
    must_equal(movex_master_view(p.master, p.type, "one", names[i], &state, &checksum), MOVEX_OK);
    uint32_t differ =
        movex_codec_explain(codec, movex_confirmed_state(p.resources[i]), &state, "master", 4, text, sizeof text);
    must_msg(differ == 0, "%s: %s", names[i], text);
    must_equal(movex_checksum(p.resources[i]), checksum);
}

/* Until all hold what they may know. */
static void settle(void)
{
    run(1);
    for (int i = 0; i < 400 && !is_settled(); i++) run(100);
    for (int i = 0; i < CLIENTS; i++)
        must_msg(is_settled(), "after a failure the match does not go on: %s, connection %d, pending %u, version %llu",
                 names[i], (int)movex_client_connection(p.clients[i]), movex_pending(p.resources[i]),
                 (unsigned long long)movex_version(p.resources[i]));
    run(1);
    run(1);
    for (int i = 0; i < CLIENTS; i++) check_view(i, movex_rules_state(hosted().rules));
}

/* A dispatch, tried again while there is no memory. */
#define ask(i, dispatch)                                                                                               \
    do {                                                                                                               \
        movex_ticket ticket_ = (dispatch);                                                                             \
        for (int tries_ = 0; !ticket_ && tries_ < MOST_TRIES; tries_++) {                                              \
            must_be_memory(movex_client_error(p.clients[i]));                                                          \
            ticket_ = (dispatch);                                                                                      \
        }                                                                                                              \
        must(ticket_ &&ticket_ < MOST_TICKETS);                                                                        \
        p.dispatched[i][ticket_] = 1;                                                                                  \
    } while (0)

/* The same of what returns a status. */
#define persist(status)                                                                                                \
    do {                                                                                                               \
        int status_ = (status);                                                                                        \
        for (int tries_ = 0; status_ == MOVEX_ERR_MEMORY && tries_ < MOST_TRIES; tries_++) {                           \
            p.told++;                                                                                                  \
            status_ = (status);                                                                                        \
        }                                                                                                              \
        must_equal(status_, MOVEX_OK);                                                                                 \
    } while (0)

static void must_have(const char *what, const uint32_t *counts, uint32_t ann, uint32_t ben, uint32_t cid)
{
    must_msg(counts[ANN] == ann && counts[BEN] == ben && counts[CID] == cid,
             "%s: %u, %u, %u instead of %u, %u, %u, failing %llu", what, counts[ANN], counts[BEN], counts[CID], ann,
             ben, cid, (unsigned long long)p.meter.fail_at);
}

/* Loses the connection of one, who does not come back before found(). */
static void lose(int i)
{
    cuttable_cut(p.ios[i]);
    cuttable_refuse(p.ios[i], true);
    run(1);
    run(1);
}

static void find_again(int i)
{
    cuttable_refuse(p.ios[i], false);
    settle();
}

/* ---- bids and a pot */

static void open_deed(int i, uint32_t action, int32_t value)
{
    ask(i, hidden_do(p.resources[i], action, (uint8_t)i, value));
}

static void hide(int i, uint32_t action, int32_t value)
{
    ask(i, hidden_hide(p.resources[i], action, (uint8_t)i, value));
}

static void rounds_of_bids(void)
{
    open_deed(ANN, HIDDEN_SIT, 0);
    open_deed(BEN, HIDDEN_SIT, 0);
    open_deed(CID, HIDDEN_SETUP, 2);
    settle();
    for (int round = 1; round <= 2; round++) {
        hide(ANN, HIDDEN_BID, 5);
        settle();
        open_deed(CID, HIDDEN_RAISE, 1);
        hide(BEN, HIDDEN_BID, 7);
        settle();
        open_deed(CID, HIDDEN_AGAIN, 0);
        settle();
        must_have("reveals", p.revealed, (uint32_t)round, (uint32_t)round, (uint32_t)round);
    }
}

/* cid, who watches, and then ben, who has hidden something himself, are away while all is revealed. */
static void reveals_while_away(void)
{
    hide(ANN, HIDDEN_WRITE, 'a');
    hide(ANN, HIDDEN_STAMP, 0);
    settle();
    lose(CID);
    open_deed(ANN, HIDDEN_TIME_UP, 0);
    run(1);
    run(1);
    find_again(CID);
    open_deed(CID, HIDDEN_AGAIN, 0);
    settle();
    must_have("reveals", p.revealed, 3, 3, 3);

    hide(ANN, HIDDEN_STAKE, 8);
    settle();
    open_deed(BEN, HIDDEN_RAISE, -8); /* overturned: there are 12 */
    settle();
    hide(BEN, HIDDEN_WRITE, 'b');
    settle();
    lose(BEN);
    open_deed(CID, HIDDEN_TIME_UP, 0);
    run(1);
    run(1);
    find_again(BEN);
    open_deed(CID, HIDDEN_AGAIN, 0);
    settle();
    must_have("reveals", p.revealed, 4, 4, 4);
}

/* Much that comes to little, so that the reveal is what differs. */
static void a_difference(void)
{
    for (int i = 0; i < 8; i++) {
        hide(ANN, HIDDEN_DRAW, 'a');
        hide(ANN, HIDDEN_DISCARD, 0);
    }
    settle();
    open_deed(CID, HIDDEN_TIME_UP, 0);
    settle();
    open_deed(CID, HIDDEN_AGAIN, 0);
    settle();
    must_have("reveals", p.revealed, 5, 5, 5);
}

static void a_put(void)
{
    hide(ANN, HIDDEN_BID, 1);
    settle();
    hidden_table state = *(const hidden_table *)hosted().state;
    state.pot = 77;
    state.seats[ANN].moved = false;
    persist(movex_master_put(p.master, p.type, "one", &state));
    settle();
    hide(ANN, HIDDEN_BID, 2);
    settle();
    must_equal(hosted().hidden, 1);
    hide(BEN, HIDDEN_BID, 3);
    settle();
    must_have("reveals", p.revealed, 6, 6, 6);
}

static void play_bids(void)
{
    rounds_of_bids();
    reveals_while_away();
    a_difference();
    a_put();
    const hidden_table *end = hosted().state;
    must_equal(end->pot, 77);
    must_equal(end->seats[ANN].bid, 2);
    must_equal(end->seats[BEN].bid, 3);
    must_equal(end->written, 2);
    if (!p.meter.fail_one_in) must_have("overturned", p.overturned, 0, 1, 0); /* else its ticket may not be known */
}

/* Nobody is there while all is revealed for the first time. */
static void play_alone(void)
{
    open_deed(ANN, HIDDEN_SIT, 0);
    hide(ANN, HIDDEN_WRITE, 'a');
    settle();
    for (int i = 0; i < CLIENTS; i++) lose(i);
    persist(movex_master_dispatch(p.master, p.type, "one", HIDDEN_TIME_UP, NULL, NULL));
    for (int i = 0; i < CLIENTS; i++) cuttable_refuse(p.ios[i], false);
    settle();
    must_have("reveals", p.revealed, 1, 1, 1);
    hide(ANN, HIDDEN_WRITE, 'b');
    settle();
    must_have("reveals", p.revealed, 2, 2, 2);
}

/* ---- sealed bids */

enum { SEAL_MS = 300000 }; /* longer than it may take to come back when much fails */

static movex_type sealed_type;

static void seal_type(void)
{
    sealed_type = hidden_type;
    sealed_type.sealed = true;
    sealed_type.seal_ms = SEAL_MS;
}

/* All has been opened, or its time is over. */
static void reveal_all(void)
{
    for (int i = 0; i < 400 && hosted().hidden; i++) run(100);
    must_equal(hosted().hidden, 0);
    settle();
}

static void a_sealed_round(void)
{
    hide(ANN, HIDDEN_BID, 5);
    hide(ANN, HIDDEN_STAMP, 0);
    settle();
    open_deed(CID, HIDDEN_RAISE, 1);
    settle();
    hide(BEN, HIDDEN_BID, 7);
    reveal_all();
    must_have("reveals", p.revealed, 1, 1, 1);
    const hidden_table *table = hosted().state;
    must(table->winner == BEN && table->seats[ANN].luck != 0);
    open_deed(CID, HIDDEN_AGAIN, 0);
    settle();
}

/* cid misses an entry, and ben the call to open. */
static void a_sealed_round_with_losses(void)
{
    hide(BEN, HIDDEN_BID, 3);
    settle();
    lose(CID);
    hide(BEN, HIDDEN_WRITE, 'b');
    run(1);
    run(1);
    find_again(CID);
    lose(BEN);
    hide(ANN, HIDDEN_BID, 4);
    run(1);
    run(1);
    run(1);
    cuttable_refuse(p.ios[BEN], false);
    reveal_all();
    must_have("reveals", p.revealed, 2, 2, 2);
    must_equal(((const hidden_table *)hosted().state)->winner, ANN);
    must_equal(movex_master_stats(p.master).forfeits, 0);
    open_deed(CID, HIDDEN_AGAIN, 0);
    settle();
}

static void a_forfeit(void)
{
    hide(ANN, HIDDEN_WRITE, 'a');
    settle();
    lose(ANN);
    open_deed(CID, HIDDEN_TIME_UP, 0);
    for (int i = 0; i < 100 && hosted().hidden; i++) run(SEAL_MS / 10);
    cuttable_refuse(p.ios[ANN], false);
    reveal_all();
    must_have("reveals", p.revealed, 3, 3, 3);
    must_equal(movex_master_stats(p.master).forfeits, 1);
    const hidden_table *end = hosted().state;
    must(end->written == 2 && end->log[0] == 'b' && end->log[1] == HIDDEN_UNKNOWN);
    if (!p.meter.fail_one_in) must_have("overturned", p.overturned, 1, 0, 0);
}

static void play_sealed(void)
{
    open_deed(ANN, HIDDEN_SIT, 0);
    open_deed(BEN, HIDDEN_SIT, 0);
    open_deed(CID, HIDDEN_SETUP, 2);
    settle();
    a_sealed_round();
    a_sealed_round_with_losses();
    a_forfeit();
}

/* ---- cards */

static void choose(int i)
{
    const cards_pick  pick = {(uint8_t)i, 0};
    const cards_place place = {(uint8_t)i};
    ask(i, movex_dispatch_private(p.resources[i], CARDS_CHOOSE, &pick, CARDS_CHOSEN, &place));
}

static void order(uint32_t action, const void *payload)
{
    int reason = MOVEX_REFUSE;
    persist(movex_master_dispatch(p.master, p.type, "one", action, payload, &reason));
    must_equal(reason, MOVEX_ACCEPT);
    settle();
}

static void play_cards(void)
{
    ask(ANN, movex_dispatch(p.resources[ANN], CARDS_SIT, &(cards_place){ANN}));
    ask(BEN, movex_dispatch(p.resources[BEN], CARDS_SIT, &(cards_place){BEN}));
    settle();
    order(CARDS_SHUFFLE, &(cards_shuffle){.first = 100});
    order(CARDS_DEAL, &(cards_deal){3});
    choose(ANN);
    settle();
    lose(ANN);
    choose(BEN);
    run(1);
    run(1);
    find_again(ANN);
    must_have("reveals", p.revealed, 1, 1, 1);
    ask(CID, movex_dispatch(p.resources[CID], CARDS_NEXT, NULL));
    settle();
    ask(CID, movex_dispatch(p.resources[CID], CARDS_SIT, &(cards_place){CID})); /* sees another state from now on */
    settle();
    ask(CID, movex_dispatch(p.resources[CID], CARDS_TAKE, NULL));
    settle();
    for (int i = CLIENTS - 1; i >= 0; i--) {
        choose(i);
        settle();
    }
    must_have("reveals", p.revealed, 2, 2, 2);
    persist(movex_master_view(p.master, p.type, "one", "", NULL, &(uint64_t){0}));
    const cards *end = hosted().state;
    must_equal(end->left, CARDS_DECK - 7);
    must_equal(end->played, 2);
    for (int i = 0; i < CLIENTS; i++) must(end->seats[i].choice >= 100);
}

/* ---- sweeps */

static void play(const movex_type *type, void (*match)(void), uint64_t fail_at, uint32_t fail_one_in, uint64_t seed)
{
    memset(&p, 0, sizeof p);
    p.type = type;
    p.allocator = meter_allocator(&p.meter);
    p.meter.fail_at = fail_at;
    p.now_ms = 1;
    make_master();
    for (int i = 0; i < CLIENTS; i++) make_client(i);
    settle();
    p.meter.random = seed;
    p.meter.fail_one_in = fail_one_in;
    match();
    p.meter.fail_one_in = 0;
    for (int i = 0; i < CLIENTS; i++) {
        must(memcmp(p.dispatched[i], p.outcomes[i], MOST_TICKETS) == 0); /* one for each */
        must_equal(p.refused[i], 0);
        must_equal(movex_client_stats(p.clients[i]).mismatches, 0);
        if (i != ANN) movex_client_free(p.clients[i]);
    }
    movex_master_free(p.master);
    movex_client_free(p.clients[ANN]);
    must_msg(p.meter.blocks == 0 && p.meter.bytes == 0, "%llu blocks leak", (unsigned long long)p.meter.blocks);
    must_equal(p.meter.wrong, 0);
}

static void sweep(const movex_type *type, void (*match)(void), uint64_t at_least)
{
    play(type, match, 0, 0, 0);
    uint64_t count = p.meter.taken, told = 0, usual = p.told;
    must_msg(count >= at_least, "%llu allocations", (unsigned long long)count);
    for (uint64_t i = 1; i <= count; i++) {
        play(type, match, i, 0, 0);
        must_equal(p.meter.failed, 1);
        told += p.told > usual;
    }
    must_msg(told > count / 3, "of %llu failures %llu are told", (unsigned long long)count, (unsigned long long)told);
}

START_TEST(every_allocation_fails_once_while_players_seal)
{
    seal_type();
    sweep(&sealed_type, play_sealed, 100);
}
END_TEST

START_TEST(every_allocation_fails_once_while_players_bid)
{
    sweep(&hidden_type, play_bids, 100);
}
END_TEST

START_TEST(every_allocation_fails_once_while_nobody_is_there)
{
    sweep(&hidden_type, play_alone, 40);
}
END_TEST

START_TEST(every_allocation_fails_once_while_cards_are_played)
{
    sweep(&cards_type, play_cards, 100);
}
END_TEST

START_TEST(every_allocation_fails_once_with_a_view_for_each)
{
    sweep(&cards_each_type, play_cards, 100);
}
END_TEST

/* Many at once, at random. */
START_TEST(allocations_fail_at_random)
{
    uint32_t one_in = 12 + (uint32_t)_i % 60;
    play(&hidden_type, play_bids, 0, one_in, (uint64_t)_i);
    play(&hidden_type, play_alone, 0, one_in, (uint64_t)_i);
    seal_type();
    play(&sealed_type, play_sealed, 0, one_in, (uint64_t)_i);
    play(&cards_type, play_cards, 0, one_in, (uint64_t)_i);
    play(&cards_each_type, play_cards, 0, one_in, (uint64_t)_i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hidden memory");
    TCase *cases = tcase_create("memory");
    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, every_allocation_fails_once_while_players_bid);
    tcase_add_test(cases, every_allocation_fails_once_while_players_seal);
    tcase_add_test(cases, every_allocation_fails_once_while_nobody_is_there);
    tcase_add_test(cases, every_allocation_fails_once_while_cards_are_played);
    tcase_add_test(cases, every_allocation_fails_once_with_a_view_for_each);
    tcase_add_loop_test(cases, allocations_fail_at_random, 0, 120);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
