/* Nothing that the master of a game of thirty-one sends tells what is hidden: two games with other cards, where nobody
   may know them, look the same, byte by byte. */
#include "support.h"

#include "../examples/thirtyone/game.h"

#include <movex/leak.h>
#include <movex/mock.h>
#include <movex/movex.h>

#include <string.h>

static const char *const names[] = {"ann", "ben", "cid"};

/* Two tables that differ in what nobody but ann may know: which of two cards she holds, and which lies on the stock for
   her to draw. She discards another one, and the hands are not shown. */
static thirtyone table_with_secret(unsigned secret)
{
    thirtyone table = {
        .phase = THIRTYONE_TAKING, .knocker = THIRTYONE_NOBODY, .shower = THIRTYONE_NOBODY, .game = 1, .round = 1};
    uint8_t  deck[CARDS_IN_DECK];
    unsigned next = 0;
    cards_fill(deck);
    if (secret) {
        uint8_t card = deck[0];
        deck[0] = deck[CARDS_IN_DECK - 1];
        deck[CARDS_IN_DECK - 1] = card;
    }
    for (int seat = 0; seat < 2; seat++) {
        movex_text_set(table.seats[seat].player, names[seat]);
        table.seats[seat].lives = THIRTYONE_LIVES;
        for (; table.seats[seat].count < THIRTYONE_HAND; table.seats[seat].count++)
            table.seats[seat].hand[table.seats[seat].count] = deck[next++];
    }
    table.pile[table.pile_count++] = deck[next++];
    while (next < CARDS_IN_DECK) table.stock[table.stock_count++] = deck[next++];
    return table;
}

static const uint8_t discarded_by[] = {2, 5}; /* ann's and ben's second card */

static void play_secret(const movex_type *type, const movex_leak_run *run)
{
    movex_master *master =
        movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(type), .observer = run->observer});
    thirtyone       start = table_with_secret(run->secret);
    movex_client   *clients[3];
    movex_resource *tables[3];
    ck_assert_int_eq(movex_master_attach(master, movex_mock_listen(run->net)), MOVEX_OK);
    ck_assert_int_eq(movex_master_put(master, type, "main", &start), MOVEX_OK);
    for (int i = 0; i < 3; i++) {
        clients[i] =
            movex_client_new(&(movex_client_config){.id = names[i], .io = movex_mock_connect_as(run->net, names[i])});
        tables[i] = movex_bind(clients[i], type, "main");
    }
    for (uint64_t now_ms = 0; now_ms < 3000; now_ms++) {
        movex_mock_poll(run->net, now_ms);
        movex_master_poll(master, now_ms);
        for (int i = 0; i < 3; i++) movex_client_poll(clients[i], now_ms);
        for (int i = 0; i < 2; i++) {
            if (now_ms == 500u + 1000u * (unsigned)i) movex_dispatch(tables[i], THIRTYONE_DRAW, NULL);
            if (now_ms == 1000u + 1000u * (unsigned)i)
                movex_dispatch(tables[i], THIRTYONE_DISCARD, &(thirtyone_discard){discarded_by[i]});
        }
    }
    const thirtyone *seen = movex_state(tables[2]);
    ck_assert_uint_eq(seen->pile_count, 3);
    ck_assert_uint_eq(seen->turn, 0);
    for (int i = 0; i < 3; i++) movex_client_free(clients[i]);
    movex_master_free(master);
}

static void play_type(void *user, const movex_leak_run *run)
{
    play_secret(user, run);
}

static movex_leak_report leaks_of(movex_type *type)
{
    static const char *const viewers[] = {"ben", "cid", NULL};
    movex_leak_report        report;
    movex_leak_config        config = {
               .play = play_type, .user = type, .viewers = viewers, .network = {.seed = 1, .latency_ms = {1, 40}}};
    ck_assert_int_eq(movex_leak_check(&config, &report), MOVEX_OK);
    return report;
}

static void redact_stock_alone(void *state, const char *viewer)
{
    thirtyone *table = state;
    (void)viewer;
    memset(table->stock, CARDS_HIDDEN, table->stock_count);
}

static void redact_nothing(void *state, const char *viewer)
{
    (void)state;
    (void)viewer;
}

START_TEST(what_is_hidden_does_not_leave)
{
    movex_type        type = thirtyone_type;
    movex_leak_report report = leaks_of(&type);
    ck_assert_msg(report.verdict == MOVEX_LEAK_NONE, "%s", report.text);
    ck_assert_uint_gt(report.frames, 10);

    /* The checker sees what a game forgets. */
    type.redact = redact_nothing;
    type.audience = NULL;
    ck_assert_int_eq(leaks_of(&type).verdict, MOVEX_LEAK_FOUND);
    type.redact = redact_stock_alone;
    ck_assert_int_eq(leaks_of(&type).verdict, MOVEX_LEAK_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thirtyone leaks");
    TCase *cases = tcase_create("leaks");
    tcase_add_test(cases, what_is_hidden_does_not_leave);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
