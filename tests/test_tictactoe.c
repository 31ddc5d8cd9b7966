/* The rules of the example tic-tac-toe, applied without master or client, and its simple opponent. */
#include "support.h"

#include "../examples/tictactoe/game.h"
#include "../examples/tictactoe/opponent.h"

#include <movex/codec.h>
#include <movex/text.h>

#include <string.h>

static movex_rules *rules;
static tictactoe    table;

static int act(const char *author, uint32_t action, const void *payload)
{
    tictactoe     before = table, scratch;
    movex_context context = {.author = author, .version = 1};
    int           reason = movex_apply(rules, &table, action, payload, &context, &scratch);
    if (reason != MOVEX_ACCEPT) ck_assert(movex_codec_equal(movex_rules_state(rules), &before, &table));
    return reason;
}

static int place(const char *author, unsigned cell)
{
    return act(author, TICTACTOE_PLACE, &(tictactoe_place){(uint8_t)cell});
}

/* Plays the cells (numbered from 0) one after the other, alice and bob in turn; all must be accepted. */
static void play(const char *cells, bool bob_begins)
{
    for (size_t i = 0; cells[i]; i++)
        ck_assert_int_eq(place((i + bob_begins) % 2 ? "bob" : "alice", (unsigned)(cells[i] - '0')), MOVEX_ACCEPT);
}

static void set_up(void)
{
    movex_error error = {.text = ""};
    rules = movex_rules_new(&tictactoe_type, NULL, &error);
    ck_assert_msg(rules != NULL, "%s", error.text);
    movex_rules_init(rules, &table);
}

static void set_up_seated(void)
{
    set_up();
    ck_assert_int_eq(act("alice", TICTACTOE_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(act("bob", TICTACTOE_SIT, NULL), MOVEX_ACCEPT);
}

static void tear_down(void)
{
    movex_rules_free(rules);
}

START_TEST(seats_are_given_in_order)
{
    ck_assert_uint_eq(table.round, 1);
    ck_assert(!tictactoe_is_full(&table));
    ck_assert_int_eq(act("alice", TICTACTOE_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(act("alice", TICTACTOE_SIT, NULL), TICTACTOE_SEATED_ALREADY);
    ck_assert_int_eq(place("alice", 0), TICTACTOE_NO_OPPONENT);
    ck_assert_int_eq(place("bob", 0), TICTACTOE_NOT_SEATED);
    ck_assert_int_eq(act("bob", TICTACTOE_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(act("carol", TICTACTOE_SIT, NULL), TICTACTOE_TABLE_FULL);
    ck_assert_int_eq(tictactoe_seat_of(&table, "alice"), 0);
    ck_assert_int_eq(tictactoe_seat_of(&table, "bob"), 1);
    ck_assert_int_eq(tictactoe_seat_of(&table, "carol"), -1);
    ck_assert_int_eq(tictactoe_seat_of(&table, ""), -1);
}
END_TEST

START_TEST(wrong_moves_are_refused)
{
    ck_assert_int_eq(place("carol", 0), TICTACTOE_NOT_SEATED);
    ck_assert_int_eq(place("bob", 0), TICTACTOE_NOT_YOUR_TURN);
    ck_assert_int_eq(place("alice", 9), TICTACTOE_NO_SUCH_CELL);
    ck_assert_int_eq(place("alice", 255), TICTACTOE_NO_SUCH_CELL);
    ck_assert_int_eq(place("alice", 4), MOVEX_ACCEPT);
    ck_assert_int_eq(place("alice", 5), TICTACTOE_NOT_YOUR_TURN);
    ck_assert_int_eq(place("bob", 4), TICTACTOE_CELL_TAKEN);
    ck_assert_int_eq(act("bob", TICTACTOE_AGAIN, NULL), TICTACTOE_STILL_PLAYING);
    ck_assert_int_eq(act("carol", TICTACTOE_AGAIN, NULL), TICTACTOE_NOT_SEATED);
    ck_assert_int_eq(act("carol", TICTACTOE_STAND, NULL), TICTACTOE_NOT_SEATED);
}
END_TEST

/* Each of the eight lines, for both marks, with the other's marks in `others`, which is no line. */
START_TEST(every_line_wins)
{
    static const char *const lines[] = {"012", "345", "678", "036", "147", "258", "048", "246"};
    static const char *const others[] = {"347", "017", "013", "148", "038", "037", "125", "017"};
    const char              *line = lines[_i / 2], *other = others[_i / 2];
    bool                     x_wins = _i % 2 == 0;
    if (x_wins) {
        play((char[]){line[0], other[0], line[1], other[1], line[2], '\0'}, false);
    } else {
        play((char[]){other[0], line[0], other[1], line[1], other[2], line[2], '\0'}, false);
    }
    ck_assert_uint_eq(table.result, x_wins ? TICTACTOE_X_WON : TICTACTOE_O_WON);
    ck_assert_uint_eq(table.wins[0], x_wins);
    ck_assert_uint_eq(table.wins[1], !x_wins);
    for (unsigned cell = 0; cell < TICTACTOE_CELLS; cell++) {
        ck_assert_int_eq(place("alice", cell), TICTACTOE_ROUND_OVER);
        ck_assert_int_eq(place("bob", cell), TICTACTOE_ROUND_OVER);
    }
}
END_TEST

START_TEST(a_full_board_is_a_draw_unless_the_last_mark_wins)
{
    play("012435768", false);
    ck_assert_uint_eq(table.result, TICTACTOE_DRAWN);
    ck_assert_uint_eq(table.draws, 1);
    ck_assert_int_eq(act("bob", TICTACTOE_AGAIN, NULL), MOVEX_ACCEPT);
    play("015263748", true); /* the last mark makes 6 7 8 */
    ck_assert_uint_eq(table.result, TICTACTOE_O_WON);
    ck_assert_uint_eq(table.draws, 1);
}
END_TEST

START_TEST(the_other_begins_the_next_round)
{
    play("03142", false);
    ck_assert_uint_eq(table.result, TICTACTOE_X_WON);
    ck_assert_int_eq(act("alice", TICTACTOE_AGAIN, NULL), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.round, 2);
    ck_assert_uint_eq(table.result, TICTACTOE_OPEN);
    ck_assert_int_eq(place("alice", 0), TICTACTOE_NOT_YOUR_TURN);
    ck_assert_int_eq(place("bob", 0), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.cell[0], TICTACTOE_O);
}
END_TEST

START_TEST(standing_up_voids_the_round_and_frees_the_seat)
{
    play("0314", false);
    ck_assert_int_eq(act("alice", TICTACTOE_STAND, NULL), MOVEX_ACCEPT);
    for (int i = 0; i < TICTACTOE_CELLS; i++) ck_assert_uint_eq(table.cell[i], TICTACTOE_EMPTY);
    ck_assert_int_eq(place("bob", 0), TICTACTOE_NO_OPPONENT);
    ck_assert_int_eq(act("carol", TICTACTOE_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(tictactoe_seat_of(&table, "carol"), 0);
    ck_assert_int_eq(place("carol", 0), MOVEX_ACCEPT);
}
END_TEST

/* Random play from a fixed seed per loop: every round ends after 5 to 9 marks, with the result that a recount gives. */
START_TEST(random_rounds_end)
{
    uint32_t dice = 2463534242u + (uint32_t)_i;
    unsigned marks = 0;
    for (unsigned tries = 0; table.result == TICTACTOE_OPEN; tries++) {
        ck_assert_uint_lt(tries, 10000);
        dice ^= dice << 13, dice ^= dice >> 17, dice ^= dice << 5; /* xorshift (Marsaglia 2003) */
        if (place(dice & 1 ? "alice" : "bob", (dice >> 8) % 12) == MOVEX_ACCEPT) marks++;
    }
    bool x = tictactoe_has_line(table.cell, TICTACTOE_X), o = tictactoe_has_line(table.cell, TICTACTOE_O);
    ck_assert(!(x && o));
    ck_assert_uint_eq(table.result, x ? TICTACTOE_X_WON : o ? TICTACTOE_O_WON : TICTACTOE_DRAWN);
    ck_assert(marks >= 5 && marks <= 9 && (x || o || marks == 9));
}
END_TEST

START_TEST(the_opponent_wins_and_blocks)
{
    table.cell[0] = table.cell[1] = TICTACTOE_X;
    table.cell[3] = table.cell[4] = TICTACTOE_O;
    ck_assert_uint_eq(opponent_choose(&table, 0, "alice"), 2);
    ck_assert_uint_eq(opponent_choose(&table, 1, "alice"), 5);
    table.cell[5] = TICTACTOE_X;
    ck_assert_uint_eq(opponent_choose(&table, 1, "alice"), 2);
}
END_TEST

/* Two opponents bring every round to its end by moves that are all accepted, and names make a difference. */
START_TEST(opponents_finish_their_rounds)
{
    const char *const names[] = {"alice", "bob"};
    unsigned          first_cells[TICTACTOE_CELLS] = {0}, different = 0;
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned marks = 0; table.result == TICTACTOE_OPEN; marks++) {
            uint8_t cell = opponent_choose(&table, table.turn, names[table.turn]);
            ck_assert_uint_lt(marks, 9);
            if (marks == 0) first_cells[cell]++;
            ck_assert_int_eq(place(names[table.turn], cell), MOVEX_ACCEPT);
        }
        ck_assert_int_eq(act("alice", TICTACTOE_AGAIN, NULL), MOVEX_ACCEPT);
    }
    for (int i = 0; i < TICTACTOE_CELLS; i++) different += first_cells[i] > 0;
    ck_assert_uint_gt(different, 3);
    ck_assert_uint_eq(table.wins[0] + table.wins[1] + table.draws, 200);
}
END_TEST

START_TEST(every_reason_has_words)
{
    for (int reason = TICTACTOE_TABLE_FULL; reason <= TICTACTOE_STILL_PLAYING; reason++) {
        ck_assert_str_ne(tictactoe_reason_text(reason), movex_refusal_text(reason));
        for (int other = TICTACTOE_TABLE_FULL; other < reason; other++)
            ck_assert_str_ne(tictactoe_reason_text(reason), tictactoe_reason_text(other));
    }
    ck_assert_str_eq(tictactoe_reason_text(MOVEX_REFUSED_RESERVED), movex_refusal_text(MOVEX_REFUSED_RESERVED));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tictactoe");
    TCase *empty = tcase_create("an empty table");
    tcase_add_checked_fixture(empty, set_up, tear_down);
    tcase_add_test(empty, seats_are_given_in_order);
    tcase_add_test(empty, every_reason_has_words);
    suite_add_tcase(suite, empty);

    TCase *seated = tcase_create("a full table");
    tcase_add_checked_fixture(seated, set_up_seated, tear_down);
    tcase_add_test(seated, wrong_moves_are_refused);
    tcase_add_loop_test(seated, every_line_wins, 0, 16);
    tcase_add_test(seated, a_full_board_is_a_draw_unless_the_last_mark_wins);
    tcase_add_test(seated, the_other_begins_the_next_round);
    tcase_add_test(seated, standing_up_voids_the_round_and_frees_the_seat);
    tcase_add_loop_test(seated, random_rounds_end, 0, 50);
    tcase_add_test(seated, the_opponent_wins_and_blocks);
    tcase_add_test(seated, opponents_finish_their_rounds);
    suite_add_tcase(suite, seated);
    return movex_test_main(suite);
}
