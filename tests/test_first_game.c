/* The rules of the guide's game, applied without master or client. */
#include "support.h"

#include "../examples/first_game/nim.h"

#include <movex/codec.h>
#include <movex/text.h>

#include <string.h>

static movex_rules *rules;
static nim          game;

static int act_with_seed(uint64_t seed, const char *author, uint32_t action, const void *payload)
{
    nim                 before = game, scratch;
    movex_random_source random = {.seed = seed};
    movex_context       context = {.author = author, .version = 1, .random = &random};
    int                 answer = movex_apply(rules, &game, action, payload, &context, &scratch);
    if (answer != MOVEX_ACCEPT) ck_assert(movex_codec_equal(movex_rules_state(rules), &before, &game));
    return answer;
}

static int act(const char *author, uint32_t action, const void *payload)
{
    return act_with_seed(1, author, action, payload);
}

static int take(const char *author, unsigned heap, unsigned stones)
{
    return act(author, NIM_TAKE, &(nim_take){.heap = (uint8_t)heap, .stones = (uint8_t)stones});
}

static const char *first(void)
{
    return game.players[game.turn];
}

static const char *second(void)
{
    return game.players[!game.turn];
}

static void set_up(void)
{
    movex_error error = {.text = ""};
    rules = movex_rules_new(&nim_type, NULL, &error);
    ck_assert_msg(rules != NULL, "%s", error.text);
    movex_rules_init(rules, &game);
}

static void tear_down(void)
{
    movex_rules_free(rules);
}

static void set_up_round(void)
{
    set_up();
    ck_assert_int_eq(act("alice", NIM_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(act("bob", NIM_SIT, NULL), MOVEX_ACCEPT);
}

/* Whoever begins takes everything that the other leaves. */
static void set_up_over(void)
{
    set_up_round();
    const char *winner = first(), *loser = second();
    ck_assert_int_eq(take(winner, 0, 3), MOVEX_ACCEPT);
    ck_assert_int_eq(take(loser, 1, 4), MOVEX_ACCEPT);
    ck_assert_int_eq(take(winner, 2, 5), MOVEX_ACCEPT);
}

START_TEST(a_round_begins_with_the_second_player)
{
    ck_assert_int_eq(game.phase, NIM_WAITING);
    ck_assert_int_eq(act("alice", NIM_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(game.phase, NIM_WAITING);
    ck_assert_int_eq(take("alice", 0, 1), NIM_NOT_PLAYING);
    ck_assert_int_eq(act("bob", NIM_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(game.phase, NIM_PLAYING);
    ck_assert_int_eq(game.stones[0], 3);
    ck_assert_int_eq(game.stones[1], 4);
    ck_assert_int_eq(game.stones[2], 5);
}
END_TEST

START_TEST(a_seat_is_given_once)
{
    ck_assert_int_eq(act("alice", NIM_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(act("alice", NIM_SIT, NULL), NIM_ALREADY_SEATED);
    ck_assert_int_eq(act("bob", NIM_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_int_eq(act("carol", NIM_SIT, NULL), NIM_NO_FREE_SEAT);
    ck_assert_int_eq(game.player_count, 2);
}
END_TEST

START_TEST(a_seat_holds_the_longest_name)
{
    char name[MOVEX_NAME_SIZE] = {0};
    memset(name, 'a', MOVEX_NAME_MAX);
    ck_assert_int_eq(act(name, NIM_SIT, NULL), MOVEX_ACCEPT);
    ck_assert_str_eq(game.players[0], name);
}
END_TEST

START_TEST(the_seed_decides_who_begins)
{
    unsigned begins[NIM_SEATS] = {0};
    for (uint64_t seed = 0; seed < 100; seed++) {
        movex_rules_init(rules, &game);
        ck_assert_int_eq(act_with_seed(seed, "alice", NIM_SIT, NULL), MOVEX_ACCEPT);
        ck_assert_int_eq(act_with_seed(seed, "bob", NIM_SIT, NULL), MOVEX_ACCEPT);
        begins[game.turn]++;
    }
    ck_assert_uint_gt(begins[0], 20);
    ck_assert_uint_gt(begins[1], 20);
}
END_TEST

START_TEST(taking_passes_the_turn)
{
    const char *who = first();
    ck_assert(nim_is_turn_of(&game, who) && !nim_is_turn_of(&game, second()) && !nim_is_turn_of(&game, "carol"));
    ck_assert_int_eq(take(who, 1, 2), MOVEX_ACCEPT);
    ck_assert_int_eq(game.stones[1], 2);
    ck_assert_str_eq(second(), who);
    ck_assert_int_eq(game.phase, NIM_PLAYING);
}
END_TEST

START_TEST(what_is_not_allowed_changes_nothing)
{
    ck_assert_int_eq(take(second(), 0, 1), NIM_NOT_YOUR_TURN);
    ck_assert_int_eq(take("carol", 0, 1), NIM_NOT_YOUR_TURN);
    ck_assert_int_eq(take(first(), NIM_HEAPS, 1), NIM_NO_SUCH_HEAP);
    ck_assert_int_eq(take(first(), 255, 1), NIM_NO_SUCH_HEAP);
    ck_assert_int_eq(take(first(), 0, 0), NIM_NOT_THAT_MANY_STONES);
    ck_assert_int_eq(take(first(), 0, 4), NIM_NOT_THAT_MANY_STONES);
    ck_assert_int_eq(act(first(), NIM_AGAIN, NULL), NIM_NOT_OVER);
    ck_assert_int_eq(act(first(), NIM_AGAIN + 1, NULL), MOVEX_REFUSED_UNKNOWN_ACTION);
}
END_TEST

START_TEST(the_last_stone_wins)
{
    const char *winner = game.players[game.winner];
    ck_assert_int_eq(game.phase, NIM_OVER);
    ck_assert_int_eq(game.winner, game.turn);
    ck_assert_int_eq(take(winner, 0, 1), NIM_NOT_PLAYING);
    ck_assert(!nim_is_turn_of(&game, "alice") && !nim_is_turn_of(&game, "bob"));
}
END_TEST

START_TEST(who_asks_for_another_round_does_not_begin)
{
    ck_assert_int_eq(act("carol", NIM_AGAIN, NULL), NIM_NOT_SEATED);
    ck_assert_int_eq(act("alice", NIM_AGAIN, NULL), MOVEX_ACCEPT);
    ck_assert_str_eq(first(), "bob");
    ck_assert_int_eq(game.phase, NIM_PLAYING);
    ck_assert_int_eq(game.stones[2], 5);
    ck_assert_int_eq(act("bob", NIM_AGAIN, NULL), NIM_NOT_OVER);
}
END_TEST

/* Any sequence of legal moves ends, with a winner, after 12 stones at the most. */
START_TEST(every_round_ends)
{
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        movex_random_source random = {.seed = seed};
        movex_context       dice = {.random = &random};
        int                 moves = 0;
        movex_rules_init(rules, &game);
        ck_assert_int_eq(act_with_seed(seed, "alice", NIM_SIT, NULL), MOVEX_ACCEPT);
        ck_assert_int_eq(act_with_seed(seed, "bob", NIM_SIT, NULL), MOVEX_ACCEPT);
        for (int tries = 0; game.phase == NIM_PLAYING && tries < 10000; tries++)
            moves += take(first(), movex_random_below(&dice, 4), movex_random_below(&dice, 7)) == MOVEX_ACCEPT;
        ck_assert_msg(game.phase == NIM_OVER && moves >= 3 && moves <= 12, "seed %u: %d moves", (unsigned)seed, moves);
    }
}
END_TEST

START_TEST(every_reason_has_words)
{
    for (int reason = NIM_NO_FREE_SEAT; reason <= NIM_NOT_THAT_MANY_STONES; reason++)
        for (int other = NIM_NO_FREE_SEAT; other < reason; other++)
            ck_assert_str_ne(nim_reason_text(reason), nim_reason_text(other));
    ck_assert_str_eq(nim_reason_text(MOVEX_REFUSED_NOT_BOUND), movex_refusal_text(MOVEX_REFUSED_NOT_BOUND));
}
END_TEST

static void add_case(Suite *suite, const char *name, void (*fixture)(void), const TTest *const *tests, size_t count)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, fixture, tear_down);
    for (size_t i = 0; i < count; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    const TTest *const sitting[] = {
        a_round_begins_with_the_second_player, a_seat_is_given_once, a_seat_holds_the_longest_name,
        the_seed_decides_who_begins,           every_round_ends,     every_reason_has_words};
    const TTest *const round[] = {taking_passes_the_turn, what_is_not_allowed_changes_nothing};
    const TTest *const over[] = {the_last_stone_wins, who_asks_for_another_round_does_not_begin};

    Suite *suite = suite_create("first game");
    add_case(suite, "sitting", set_up, sitting, MOVEX_COUNT_OF(sitting));
    add_case(suite, "round", set_up_round, round, MOVEX_COUNT_OF(round));
    add_case(suite, "over", set_up_over, over, MOVEX_COUNT_OF(over));
    return movex_test_main(suite);
}
