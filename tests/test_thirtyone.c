/* The rules of the example thirty-one, applied without master or client, what each viewer may see, and its bot. */
#include "support.h"

#include "../examples/thirtyone/bot.h"
#include "../examples/thirtyone/game.h"

#include <movex/codec.h>
#include <movex/text.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAMES = 40, MOST_MOVES = 4000 };

static movex_rules       *rules;
static const movex_codec *codec;
static thirtyone          table;
static uint64_t           seed; /* of the entry that comes next */

static const char *const names[] = {"ann", "ben", "cid", "dot", "eva", "fay"};

/* Every card is in one place. */
static void check_cards(const thirtyone *t)
{
    unsigned seen[CARDS_IN_DECK + 1] = {0}, count = 0;
    for (unsigned i = 0; i < t->stock_count; i++) seen[t->stock[i]]++, count++;
    for (unsigned i = 0; i < t->pile_count; i++) seen[t->pile[i]]++, count++;
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++)
        for (unsigned i = 0; i < t->seats[seat].count; i++) seen[t->seats[seat].hand[i]]++, count++;
    if (t->game == 0) {
        ck_assert_uint_eq(count, 0);
        return;
    }
    for (unsigned card = 1; card <= CARDS_IN_DECK; card++)
        if (seen[card] > 1) ck_abort_msg("card %u lies in %u places", card, seen[card]);
    ck_assert_uint_eq(seen[CARDS_NONE], 0);
    if (t->phase != THIRTYONE_DEALING) ck_assert_uint_eq(count, CARDS_IN_DECK);
}

static int apply(thirtyone *t, const char *author, uint32_t action, const void *payload)
{
    thirtyone           before = *t, scratch;
    movex_random_source random = {.seed = ++seed};
    movex_context       context = {.author = author, .version = 1, .random = &random};
    int                 reason = movex_apply(rules, t, action, payload, &context, &scratch);
    if (reason != MOVEX_ACCEPT) ck_assert(movex_codec_equal(codec, &before, t));
    if (random.draws > 0 && !(thirtyone_type.actions[action].flags & MOVEX_MASTER_ONLY))
        ck_abort_msg("action %u: whoever knows its seed knows the cards", action);
    return reason;
}

static int act(const char *author, uint32_t action)
{
    return apply(&table, author, action, NULL);
}

static int discard(const char *author, uint8_t card)
{
    return apply(&table, author, THIRTYONE_DISCARD, &(thirtyone_discard){card});
}

/* A card by its name, such as "10S". */
static uint8_t card(const char *name)
{
    char other[4];
    for (uint8_t i = 1; i <= CARDS_IN_DECK; i++) {
        cards_name(i, other);
        if (strcmp(name, other) == 0) return i;
    }
    ck_abort_msg("no card %s", name);
    return CARDS_NONE;
}

/* The players' hands are these, "" for one who is out; the first has the turn, and the open card is `open`. The other
   cards are the stock. */
static void set_table(const char *const hands[], unsigned players, const char *open)
{
    bool used[CARDS_IN_DECK + 1] = {false};
    memset(&table, 0, sizeof table);
    movex_rules_init(rules, &table);
    table.game = table.round = 1;
    table.phase = THIRTYONE_TAKING;
    for (unsigned seat = 0; seat < players; seat++) {
        char text[32], *rest = text;
        movex_text_set(table.seats[seat].player, names[seat]);
        snprintf(text, sizeof text, "%s", hands[seat]);
        table.seats[seat].lives = *text ? THIRTYONE_LIVES : 0;
        for (char *word = strtok(rest, " "); word; word = strtok(NULL, " "))
            table.seats[seat].hand[table.seats[seat].count++] = card(word);
        for (unsigned i = 0; i < table.seats[seat].count; i++) used[table.seats[seat].hand[i]] = true;
    }
    table.pile[table.pile_count++] = card(open);
    used[table.pile[0]] = true;
    for (uint8_t i = 1; i <= CARDS_IN_DECK; i++)
        if (!used[i]) table.stock[table.stock_count++] = i;
    check_cards(&table);
}

static void set_up(void)
{
    movex_error error = {.text = ""};
    rules = movex_rules_new(&thirtyone_type, NULL, &error);
    ck_assert_msg(rules != NULL, "%s", error.text);
    codec = movex_rules_state(rules);
    seed = 0;
    movex_rules_init(rules, &table);
}

static void tear_down(void)
{
    movex_rules_free(rules);
}

static void seat_players(unsigned players)
{
    for (unsigned i = 0; i < players; i++) ck_assert_int_eq(act(names[i], THIRTYONE_SIT), MOVEX_ACCEPT);
}

START_TEST(seats_are_given_in_order)
{
    ck_assert_int_eq(act("ann", THIRTYONE_NEXT), THIRTYONE_NOT_SEATED);
    seat_players(1);
    ck_assert_int_eq(act("ann", THIRTYONE_SIT), THIRTYONE_SEATED_ALREADY);
    ck_assert_int_eq(act("ann", THIRTYONE_NEXT), THIRTYONE_TOO_FEW);
    for (unsigned i = 1; i < THIRTYONE_SEATS; i++) ck_assert_int_eq(act(names[i], THIRTYONE_SIT), MOVEX_ACCEPT);
    ck_assert_int_eq(act("gus", THIRTYONE_SIT), THIRTYONE_TABLE_FULL);
    ck_assert_int_eq(thirtyone_seat_of(&table, "fay"), 5);
    ck_assert_int_eq(thirtyone_seat_of(&table, ""), -1);
    ck_assert_int_eq(act("cid", THIRTYONE_STAND), MOVEX_ACCEPT);
    ck_assert_int_eq(act("gus", THIRTYONE_SIT), MOVEX_ACCEPT);
    ck_assert_int_eq(thirtyone_seat_of(&table, "gus"), 2);
}
END_TEST

START_TEST(the_dealer_deals)
{
    unsigned players = 2 + (unsigned)_i;
    seat_players(players);
    ck_assert_int_eq(act("", THIRTYONE_DEALER), THIRTYONE_NOTHING_TO_DO);
    ck_assert_int_eq(act("ben", THIRTYONE_NEXT), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ann", THIRTYONE_NEXT), THIRTYONE_STILL_PLAYING);
    ck_assert_int_eq(act("ann", THIRTYONE_DRAW), THIRTYONE_NOT_PLAYING);
    thirtyone same = table, other = table;
    ck_assert_uint_ne(thirtyone_type.wakes_at(&table), 0);
    ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
    ck_assert_uint_eq(thirtyone_type.wakes_at(&table), 0);
    check_cards(&table);
    for (unsigned seat = 0; seat < players; seat++) ck_assert_uint_eq(table.seats[seat].count, THIRTYONE_HAND);
    ck_assert_uint_eq(table.pile_count, 1);
    ck_assert_uint_eq(table.stock_count, CARDS_IN_DECK - 1 - players * THIRTYONE_HAND);
    ck_assert_uint_eq(table.turn, 1 % players);
    seed--;
    ck_assert_int_eq(apply(&same, "", THIRTYONE_DEALER, NULL), MOVEX_ACCEPT);
    ck_assert(movex_codec_equal(codec, &table, &same));
    ck_assert_int_eq(apply(&other, "", THIRTYONE_DEALER, NULL), MOVEX_ACCEPT);
    ck_assert(!movex_codec_equal(codec, &table, &other));
}
END_TEST

START_TEST(a_turn)
{
    set_table((const char *[]){"AS 2S 3S", "KH QH 5D", "2C 3C 4C"}, 3, "9H");
    ck_assert_int_eq(act("gus", THIRTYONE_DRAW), THIRTYONE_NOT_SEATED);
    ck_assert_int_eq(act("ben", THIRTYONE_DRAW), THIRTYONE_NOT_YOUR_TURN);
    ck_assert_int_eq(discard("ann", card("AS")), THIRTYONE_TAKE_FIRST);
    uint8_t top = table.stock[table.stock_count - 1];
    ck_assert_int_eq(act("ann", THIRTYONE_DRAW), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.seats[0].hand[3], top);
    ck_assert_int_eq(act("ann", THIRTYONE_DRAW), THIRTYONE_DISCARD_FIRST);
    ck_assert_int_eq(act("ann", THIRTYONE_PICK), THIRTYONE_DISCARD_FIRST);
    ck_assert_int_eq(act("ann", THIRTYONE_KNOCK), THIRTYONE_DISCARD_FIRST);
    ck_assert_int_eq(discard("ben", card("KH")), THIRTYONE_NOT_YOUR_TURN);
    ck_assert_int_eq(discard("ann", card("KH")), THIRTYONE_NOT_YOUR_CARD);
    ck_assert_int_eq(discard("ann", CARDS_NONE), THIRTYONE_NOT_YOUR_CARD);
    ck_assert_int_eq(discard("ann", CARDS_HIDDEN), THIRTYONE_NOT_YOUR_CARD);
    ck_assert_int_eq(discard("ann", 255), THIRTYONE_NOT_YOUR_CARD);
    ck_assert_int_eq(discard("ann", card("2S")), MOVEX_ACCEPT);
    ck_assert_uint_eq(thirtyone_top(&table), card("2S"));
    ck_assert_uint_eq(table.turn, 1);
    check_cards(&table);

    ck_assert_int_eq(act("ben", THIRTYONE_PICK), MOVEX_ACCEPT);
    ck_assert_int_eq(discard("ben", card("2S")), THIRTYONE_JUST_PICKED);
    ck_assert_int_eq(discard("ben", card("5D")), MOVEX_ACCEPT);
    ck_assert_int_eq(act("cid", THIRTYONE_PICK), MOVEX_ACCEPT);
    ck_assert_int_eq(discard("cid", card("2C")), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.turn, 0);
    check_cards(&table);
}
END_TEST

START_TEST(after_a_knock_all_others_have_one_turn)
{
    set_table((const char *[]){"AS KS 3S", "KH QH 5D", "", "2C 3C 4C"}, 4, "9H");
    ck_assert_int_eq(act("cid", THIRTYONE_KNOCK), THIRTYONE_NOT_YOUR_TURN);
    ck_assert_int_eq(act("ann", THIRTYONE_KNOCK), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ben", THIRTYONE_KNOCK), THIRTYONE_KNOCKED_ALREADY);
    ck_assert_int_eq(act("ben", THIRTYONE_PICK), MOVEX_ACCEPT);
    ck_assert_int_eq(discard("ben", card("5D")), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.turn, 3); /* cid is out */
    ck_assert_int_eq(act("dot", THIRTYONE_PICK), MOVEX_ACCEPT);
    ck_assert_int_eq(discard("dot", card("4C")), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.phase, THIRTYONE_SHOWDOWN);
    ck_assert_int_eq(act("dot", THIRTYONE_DRAW), THIRTYONE_NOT_PLAYING);
    ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.phase, THIRTYONE_SHOWN);
    ck_assert_uint_eq(table.seats[3].lives, THIRTYONE_LIVES - 1);
    ck_assert_uint_eq(table.seats[2].lost, 0);
    ck_assert_int_eq(act("cid", THIRTYONE_NEXT), MOVEX_ACCEPT);
    ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.round, 2);
    ck_assert_uint_eq(table.seats[2].count, 0);
}
END_TEST

/* Who loses what: hands, the knocker's seat, lives lost by each. */
START_TEST(the_lowest_lose)
{
    static const struct {
        const char *hands[4];
        int         knocker;
        uint8_t     lost[4];
    } cases[] = {
        {{"AS KS 2S", "KH QH 5D", "2C 3C 4C", "9D 8D 7D"}, 0, {0, 0, 1, 0}},
        {{"AS KS 2S", "KH 9H 5D", "2C 3C 4C", "4D 3D 2D"}, 0, {0, 0, 1, 1}}, /* both are lowest */
        {{"2S 3S 4S", "KH QH 5D", "AC 3C 4C", "9D 8D 7D"}, 0, {2, 0, 0, 0}}, /* the knocker, alone */
        {{"2S 3S 4S", "2H 3H 4H", "AC 3C 4C", "9D 8D 7D"}, 0, {0, 1, 0, 0}}, /* the knocker shares it */
        {{"2S 3S 4S", "2H 3H 4H", "2C 3C 4C", "2D 3D 4D"}, 0, {0, 0, 0, 0}}, /* all are alike */
        {{"AS 2H 3C", "KS 2C", "", "5S 6S"}, 1, {0, 2, 0, 0}},               /* each by the best suit alone */
        {{"AS 10D 10C", "", "KH 10S 9C", ""}, 0, {0, 0, 1, 0}},
    };
    set_table((const char *[]){cases[_i].hands[0], cases[_i].hands[1], cases[_i].hands[2], cases[_i].hands[3]}, 4,
              "JH");
    table.phase = THIRTYONE_SHOWDOWN;
    table.knocker = (uint8_t)cases[_i].knocker;
    ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
    for (int seat = 0; seat < 4; seat++) {
        ck_assert_msg(table.seats[seat].lost == cases[_i].lost[seat], "seat %d lost %u", seat,
                      (unsigned)table.seats[seat].lost);
        if (cases[_i].hands[seat][0])
            ck_assert_uint_eq(table.seats[seat].lives, THIRTYONE_LIVES - cases[_i].lost[seat]);
    }
}
END_TEST

START_TEST(thirty_one_beats_all)
{
    set_table((const char *[]){"2S 3S 4S", "KH QH AH", "AC KC QC", "9D 8D"}, 4, "JD");
    ck_assert_int_eq(act("ann", THIRTYONE_SHOW), THIRTYONE_NO_31);
    ck_assert_int_eq(act("gus", THIRTYONE_SHOW), THIRTYONE_NOT_SEATED);
    table.seats[3].lives = 1;
    ck_assert_int_eq(act("ben", THIRTYONE_SHOW), MOVEX_ACCEPT); /* it is ann's turn */
    ck_assert_int_eq(act("cid", THIRTYONE_SHOW), THIRTYONE_NOT_PLAYING);
    ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.seats[1].lives, THIRTYONE_LIVES);
    ck_assert_uint_eq(table.seats[2].lost, 1); /* with 31 too, but later */
    ck_assert_uint_eq(table.seats[3].lives, 0);
    ck_assert_uint_eq(table.phase, THIRTYONE_SHOWN);

    set_table((const char *[]){"KS AS 4H", "2H 3H 4D"}, 2, "QS");
    table.seats[1].lives = 1;
    ck_assert_int_eq(act("ann", THIRTYONE_PICK), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ann", THIRTYONE_SHOW), THIRTYONE_DISCARD_FIRST);
    ck_assert_int_eq(discard("ann", card("4H")), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ann", THIRTYONE_SHOW), MOVEX_ACCEPT);
    ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.phase, THIRTYONE_OVER);
    ck_assert_str_eq(table.winner, "ann");
    ck_assert_int_eq(act("ben", THIRTYONE_NEXT), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.game, 2);
    ck_assert_uint_eq(table.seats[1].lives, THIRTYONE_LIVES);
}
END_TEST

START_TEST(an_empty_stock_is_made_of_the_pile)
{
    set_table((const char *[]){"2S 3S 4S", "KH QH 2H"}, 2, "JD");
    while (table.stock_count > 1) table.pile[table.pile_count++] = table.stock[--table.stock_count];
    table.stock[1] = CARDS_NONE;
    memset(table.stock + 1, 0, sizeof table.stock - 1);
    uint8_t last = table.stock[0];
    ck_assert_int_eq(act("ann", THIRTYONE_DRAW), MOVEX_ACCEPT);
    ck_assert_uint_eq(thirtyone_type.wakes_at(&table), 0); /* not before somebody needs it */
    ck_assert_int_eq(discard("ann", last), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ben", THIRTYONE_DRAW), THIRTYONE_STOCK_EMPTY);
    ck_assert_uint_ne(thirtyone_type.wakes_at(&table), 0);
    ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.pile_count, 1);
    ck_assert_uint_eq(thirtyone_top(&table), last);
    ck_assert_uint_eq(table.turn, 1);
    check_cards(&table);
    ck_assert_int_eq(act("ben", THIRTYONE_DRAW), MOVEX_ACCEPT);
}
END_TEST

START_TEST(who_leaves_gives_up_his_cards)
{
    set_table((const char *[]){"AS 2S 3S", "KH QH 5D", "2C 3C 4C"}, 3, "9H");
    ck_assert_int_eq(act("ann", THIRTYONE_PICK), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ann", THIRTYONE_STAND), MOVEX_ACCEPT);
    check_cards(&table);
    ck_assert_uint_eq(table.turn, 1);
    ck_assert_uint_eq(table.phase, THIRTYONE_TAKING);
    ck_assert_uint_eq(table.picked, CARDS_NONE);
    ck_assert_int_eq(act("gus", THIRTYONE_SIT), MOVEX_ACCEPT); /* he plays in the next game */
    ck_assert_int_eq(act("gus", THIRTYONE_DRAW), THIRTYONE_NOT_YOUR_TURN);
    ck_assert_int_eq(act("ben", THIRTYONE_PICK), THIRTYONE_PILE_EMPTY); /* he has taken the open card with him */

    ck_assert_int_eq(act("ben", THIRTYONE_KNOCK), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ben", THIRTYONE_GONE), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.phase, THIRTYONE_OVER);
    ck_assert_str_eq(table.winner, "cid");
    check_cards(&table);

    /* The knock of somebody who has left counts no more: else it would never be his turn again. */
    set_table((const char *[]){"AS 2S 3S", "KH QH 5D", "2C 3C 4C"}, 3, "9H");
    ck_assert_int_eq(act("ann", THIRTYONE_KNOCK), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ann", THIRTYONE_GONE), MOVEX_ACCEPT);
    ck_assert_int_eq(act("ben", THIRTYONE_KNOCK), MOVEX_ACCEPT);
    ck_assert_int_eq(act("cid", THIRTYONE_DRAW), MOVEX_ACCEPT);
    ck_assert_int_eq(discard("cid", card("2C")), MOVEX_ACCEPT);
    ck_assert_uint_eq(table.phase, THIRTYONE_SHOWDOWN);
}
END_TEST

/* ---- what may be seen ---- */

static thirtyone view_of(const thirtyone *truth, const char *viewer)
{
    thirtyone view = *truth;
    thirtyone_type.redact(&view, viewer);
    ck_assert_int_eq(movex_codec_settle(codec, &view, NULL), MOVEX_OK);
    return view;
}

/* The stock is hidden, and so are other hands until they are shown; nothing else is another than it is. */
static void check_view(const thirtyone *truth, const char *viewer)
{
    thirtyone view = view_of(truth, viewer);
    bool open = truth->phase == THIRTYONE_SHOWN || truth->phase == THIRTYONE_OVER || truth->phase == THIRTYONE_DEALING;
    for (unsigned i = 0; i < view.stock_count; i++)
        if (view.stock[i] != CARDS_HIDDEN) ck_abort_msg("%s sees the stock", viewer);
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        bool known = open || strcmp(truth->seats[seat].player, viewer) == 0;
        for (unsigned i = 0; i < view.seats[seat].count; i++)
            if (view.seats[seat].hand[i] != (known ? truth->seats[seat].hand[i] : CARDS_HIDDEN))
                ck_abort_msg("%s and the hand of seat %d", viewer, seat);
        memcpy(view.seats[seat].hand, truth->seats[seat].hand, sizeof view.seats[seat].hand);
    }
    memcpy(view.stock, truth->stock, sizeof view.stock);
    ck_assert(movex_codec_equal(codec, &view, truth));
}

/* Equal numbers, equal views: what the master relies on to compute each once. */
static void check_audiences(const thirtyone *truth, unsigned players)
{
    for (unsigned i = 0; i <= players; i++) {
        const char *viewer = i < players ? names[i] : "gus";
        check_view(truth, viewer);
        for (unsigned j = 0; j < i; j++) {
            thirtyone a = view_of(truth, viewer), b = view_of(truth, names[j]);
            bool      same = thirtyone_type.audience(truth, viewer) == thirtyone_type.audience(truth, names[j]);
            if (same) ck_assert(movex_codec_equal(codec, &a, &b));
        }
    }
}

/* Whoever does not know the cards sees the same come of an action as who does: no difference has to be sent. */
static void check_same_in_views(const thirtyone *before, const thirtyone *after, const char *author, bot_move move,
                                unsigned players)
{
    thirtyone_discard payload = {move.card};
    for (unsigned i = 0; i <= players; i++) {
        const char *viewer = i < players ? names[i] : "gus";
        thirtyone   view = view_of(before, viewer), expected = view_of(after, viewer);
        const void *with = move.action == THIRTYONE_DISCARD ? &payload : NULL;
        if (move.action == THIRTYONE_DRAW && strcmp(viewer, author) == 0) continue; /* the card is news to him */
        if (move.action == THIRTYONE_SHOW && strcmp(viewer, author) != 0) continue; /* so is the hand to them */
        if (move.action == THIRTYONE_PICK && strcmp(viewer, author) != 0) {
            ck_assert_int_eq(apply(&view, author, THIRTYONE_PICK, NULL), MOVEX_ACCEPT);
            view = view_of(&view, viewer); /* they have seen the card, but need not remember where it is */
        } else {
            ck_assert_int_eq(apply(&view, author, (uint32_t)move.action, with), MOVEX_ACCEPT);
        }
        ck_assert_msg(movex_codec_equal(codec, &view, &expected), "%s after action %d of %s", viewer, move.action,
                      author);
    }
}

/* ---- the bot ---- */

START_TEST(the_bot_knows_what_it_does)
{
    set_table((const char *[]){"AS 2S 9H", "KH QH AH"}, 2, "KS");
    ck_assert_int_eq(bot_choose(rules, &table, "ann").action, THIRTYONE_PICK);
    ck_assert_int_eq(bot_choose(rules, &table, "ben").action, THIRTYONE_SHOW);
    ck_assert_int_eq(bot_choose(rules, &table, "gus").action, -1);
    ck_assert_int_eq(act("ann", THIRTYONE_PICK), MOVEX_ACCEPT);
    bot_move move = bot_choose(rules, &table, "ann");
    ck_assert_int_eq(move.action, THIRTYONE_DISCARD);
    ck_assert_uint_eq(move.card, card("9H"));

    set_table((const char *[]){"AS 2D 9H", "KH QH 2H"}, 2, "KC");
    ck_assert_int_eq(bot_choose(rules, &table, "ann").action, THIRTYONE_DRAW);
    ck_assert_int_eq(bot_choose(rules, &table, "ben").action, -1);
    set_table((const char *[]){"AS KS 9S", "KH QH 2H"}, 2, "KC");
    ck_assert_int_eq(bot_choose(rules, &table, "ann").action, THIRTYONE_KNOCK);
    table.knocker = 1;
    ck_assert_int_eq(bot_choose(rules, &table, "ann").action, THIRTYONE_DRAW);
}
END_TEST

/* One step of a game: what the bots, each by its own view, or the dealer want. False when it is over. */
static bool step(unsigned players)
{
    if (thirtyone_type.wakes_at(&table)) {
        ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
        return true;
    }
    for (unsigned i = 0; i < players; i++) {
        thirtyone known = view_of(&table, names[i]), before = table;
        bot_move  move = bot_choose(rules, &known, names[i]);
        if (move.action < 0) continue;
        thirtyone_discard payload = {move.card};
        ck_assert_int_eq(apply(&table, names[i], (uint32_t)move.action, move.card ? &payload : NULL), MOVEX_ACCEPT);
        check_same_in_views(&before, &table, names[i], move, players);
        return true;
    }
    if (table.phase == THIRTYONE_OVER) return false;
    ck_assert_int_eq(act("ann", THIRTYONE_NEXT), MOVEX_ACCEPT);
    return true;
}

/* Whole games by bots that see no more than they may: they end, no card is lost, and nobody sees what he must not. */
START_TEST(games_end)
{
    unsigned players = 2 + (unsigned)_i % 5, moves = 0;
    seed = (uint64_t)_i << 32;
    seat_players(players);
    while (step(players)) {
        check_cards(&table);
        check_audiences(&table, players);
        ck_assert_uint_lt(++moves, MOST_MOVES);
    }
    ck_assert_uint_eq(thirtyone_alive(&table), 1);
    ck_assert_str_ne(table.winner, "");
    ck_assert_uint_ge(table.round, players > 2 ? 3 : 2);
}
END_TEST

/* ---- hostile players */

static uint32_t random_below(uint64_t *random, uint32_t bound)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u; /* Knuth's, good enough to scatter */
    return (uint32_t)(*random >> 33) % bound;
}

/* Who comes does anything at any time, and leaves when it hurts. */
START_TEST(whatever_players_do_the_game_goes_on)
{
    uint64_t random = (uint64_t)_i;
    unsigned players = 2 + (unsigned)_i % 5, refused = 0, empty = 0;
    for (int turn = 0; turn < 3000; turn++) {
        if (thirtyone_type.wakes_at(&table)) ck_assert_int_eq(act("", THIRTYONE_DEALER), MOVEX_ACCEPT);
        const char *author = names[random_below(&random, players)];
        uint32_t    action = random_below(&random, THIRTYONE_GONE);
        if (action == THIRTYONE_STAND && random_below(&random, 4)) action = THIRTYONE_SIT;
        if (table.phase == THIRTYONE_DISCARDING && table.pile_count == 0 && random_below(&random, 4) == 0) {
            author = table.seats[table.turn].player; /* with the only open card */
            action = THIRTYONE_STAND;
        }
        if (action == THIRTYONE_DISCARD)
            refused += discard(author, (uint8_t)random_below(&random, CARDS_VALUES)) != MOVEX_ACCEPT;
        else
            refused += act(author, action) != MOVEX_ACCEPT;
        check_cards(&table);
        empty += table.phase == THIRTYONE_TAKING && table.pile_count == 0;
    }
    ck_assert_uint_gt(refused, 100);
    ck_assert_uint_gt(table.game, 3);
    ck_assert(players == 2 || empty > 0); /* of two, who leaves has lost */
}
END_TEST

/* Whatever fits the schema: a master that lies can show that to its clients, who then try their actions on it. */
static void make_up(thirtyone *t, uint64_t *random)
{
    unsigned char *bytes = (unsigned char *)t;
    uint8_t        full = random_below(random, 2) ? 0 : 255;
    for (size_t i = 0; i < sizeof *t; i++) bytes[i] = (unsigned char)random_below(random, CARDS_VALUES);
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        thirtyone_seat *s = &t->seats[seat];
        memset(s->player, 0, sizeof s->player);
        if (random_below(random, 4)) movex_text_set(s->player, names[random_below(random, THIRTYONE_SEATS)]);
        s->lives = (uint8_t)random_below(random, 4);
        s->count = full ? THIRTYONE_HAND + 1 : (uint8_t)random_below(random, THIRTYONE_HAND + 2);
    }
    t->phase = (uint8_t)random_below(random, THIRTYONE_PHASES);
    t->turn = (uint8_t)random_below(random, random_below(random, 4) ? THIRTYONE_SEATS : 256);
    t->dealer = (uint8_t)random_below(random, 256);
    t->knocker = (uint8_t)random_below(random, random_below(random, 2) ? THIRTYONE_SEATS : 256);
    t->shower = (uint8_t)random_below(random, random_below(random, 2) ? THIRTYONE_SEATS : 256);
    t->stock_count = (uint8_t)random_below(random, CARDS_IN_DECK + 1);
    t->pile_count = (uint8_t)random_below(random, CARDS_IN_DECK + 1);
    if (random_below(random, 3) == 0) t->stock_count = full ? CARDS_IN_DECK : 0;
    if (random_below(random, 3) == 0) t->pile_count = full ? CARDS_IN_DECK : (uint8_t)random_below(random, 2);
    memset(t->winner, 0, sizeof t->winner);
    ck_assert_int_eq(movex_codec_settle(codec, t, NULL), MOVEX_OK);
}

START_TEST(on_any_table_any_action_is_refused_or_fine)
{
    uint64_t   random = (uint64_t)_i;
    unsigned   accepted = 0;
    thirtyone *made = malloc(sizeof *made),
              *tried = malloc(sizeof *tried); /* so that AddressSanitizer sees what is beside */
    ck_assert(made && tried);
    for (int run = 0; run < 300; run++) {
        make_up(made, &random);
        for (uint32_t action = 0; action <= THIRTYONE_DEALER; action++) {
            for (int who = 0; who <= THIRTYONE_SEATS; who++) {
                thirtyone_discard laid = {(uint8_t)random_below(&random, 256)};
                const char       *author = who < THIRTYONE_SEATS ? names[who] : "";
                *tried = *made;
                int answer = apply(tried, author, action, action == THIRTYONE_DISCARD ? &laid : NULL);
                ck_assert_int_ne(answer, MOVEX_REFUSED_INVALID_STATE);
                accepted += answer == MOVEX_ACCEPT;
                thirtyone_type.wakes_at(tried);
                thirtyone_type.redact(tried, names[0]);
            }
        }
        /* The dealer ends what he begins: else he would be called for ever. */
        int calls = 0;
        for (*tried = *made; thirtyone_type.wakes_at(tried); calls++) {
            ck_assert_int_lt(calls, 3);
            if (apply(tried, "", THIRTYONE_DEALER, NULL) != MOVEX_ACCEPT) break;
        }
    }
    ck_assert_uint_gt(accepted, 1000);
    free(made);
    free(tried);
}
END_TEST

START_TEST(every_reason_has_words)
{
    for (int reason = THIRTYONE_TABLE_FULL; reason <= THIRTYONE_PILE_EMPTY; reason++) {
        ck_assert_str_ne(thirtyone_reason_text(reason), movex_refusal_text(reason));
        for (int other = THIRTYONE_TABLE_FULL; other < reason; other++)
            ck_assert_str_ne(thirtyone_reason_text(reason), thirtyone_reason_text(other));
    }
    ck_assert_str_eq(thirtyone_reason_text(MOVEX_REFUSED_RESERVED), movex_refusal_text(MOVEX_REFUSED_RESERVED));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thirtyone");
    TCase *cases = tcase_create("rules");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, seats_are_given_in_order);
    tcase_add_loop_test(cases, the_dealer_deals, 0, 5);
    tcase_add_test(cases, a_turn);
    tcase_add_test(cases, after_a_knock_all_others_have_one_turn);
    tcase_add_loop_test(cases, the_lowest_lose, 0, 7);
    tcase_add_test(cases, thirty_one_beats_all);
    tcase_add_test(cases, an_empty_stock_is_made_of_the_pile);
    tcase_add_test(cases, who_leaves_gives_up_his_cards);
    tcase_add_test(cases, the_bot_knows_what_it_does);
    tcase_add_loop_test(cases, games_end, 0, GAMES);
    tcase_add_loop_test(cases, whatever_players_do_the_game_goes_on, 0, 10);
    tcase_add_loop_test(cases, on_any_table_any_action_is_refused_or_fine, 0, 4);
    tcase_add_test(cases, every_reason_has_words);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
