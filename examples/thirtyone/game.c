#include "game.h"

#include <movex/text.h>

#include <string.h>

static const char *const phase_names[] = {"open", "dealing", "taking", "discarding", "showdown", "shown", "over"};

MOVEX_SCHEMA(seat_schema, thirtyone_seat, MOVEX_TEXT(thirtyone_seat, player), MOVEX_FIELD(thirtyone_seat, lives),
             MOVEX_FIELD(thirtyone_seat, lost), MOVEX_ENUM_LIST(thirtyone_seat, hand, count, CARDS_VALUES));
MOVEX_SCHEMA(thirtyone_schema, thirtyone, MOVEX_STRUCTS(thirtyone, seats, seat_schema),
             MOVEX_NAMED_ENUM(thirtyone, phase, phase_names), MOVEX_FIELD(thirtyone, turn),
             MOVEX_FIELD(thirtyone, dealer), MOVEX_FIELD(thirtyone, knocker), MOVEX_FIELD(thirtyone, shower),
             MOVEX_ENUM(thirtyone, picked, CARDS_VALUES), MOVEX_ENUM_LIST(thirtyone, stock, stock_count, CARDS_VALUES),
             MOVEX_ENUM_LIST(thirtyone, pile, pile_count, CARDS_VALUES), MOVEX_FIELD(thirtyone, game),
             MOVEX_FIELD(thirtyone, round), MOVEX_TEXT(thirtyone, winner));
MOVEX_SCHEMA(discard_schema, thirtyone_discard, MOVEX_FIELD(thirtyone_discard, card));

/* ---- looking at a table ---- */

int thirtyone_seat_of(const thirtyone *table, const char *name)
{
    if (!*name) return -1; /* an empty seat is nobody's */
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++)
        if (movex_text_equals(table->seats[seat].player, name)) return seat;
    return -1;
}

unsigned thirtyone_seated(const thirtyone *table)
{
    unsigned count = 0;
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) count += table->seats[seat].player[0] != '\0';
    return count;
}

unsigned thirtyone_alive(const thirtyone *table)
{
    unsigned count = 0;
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) count += table->seats[seat].lives > 0;
    return count;
}

bool thirtyone_is_playing(const thirtyone *table)
{
    return table->phase != THIRTYONE_OPEN && table->phase != THIRTYONE_OVER;
}

bool thirtyone_is_turn_of(const thirtyone *table, int seat)
{
    return (table->phase == THIRTYONE_TAKING || table->phase == THIRTYONE_DISCARDING) && table->turn == seat;
}

static unsigned points_of(uint8_t card)
{
    unsigned rank = cards_rank(card);
    return rank == 1 ? 11 : rank > 10 ? 10 : rank;
}

unsigned thirtyone_points(const thirtyone_seat *seat)
{
    unsigned points[CARDS_SUITS] = {0}, best = 0;
    for (unsigned i = 0; i < seat->count; i++)
        if (seat->hand[i] != CARDS_HIDDEN && seat->hand[i] != CARDS_NONE)
            points[cards_suit(seat->hand[i])] += points_of(seat->hand[i]);
    for (unsigned suit = 0; suit < CARDS_SUITS; suit++)
        if (points[suit] > best) best = points[suit];
    return best;
}

uint8_t thirtyone_top(const thirtyone *table)
{
    return table->pile_count > 0 ? table->pile[table->pile_count - 1] : CARDS_NONE;
}

/* The next who is in the game, after `seat`. */
static uint8_t next_alive(const thirtyone *table, unsigned seat)
{
    for (unsigned step = 1; step <= THIRTYONE_SEATS; step++) {
        unsigned other = (seat + step) % THIRTYONE_SEATS;
        if (table->seats[other].lives > 0) return (uint8_t)other;
    }
    return (uint8_t)seat;
}

/* ---- moving cards ----

   On the master every card is in one place. But a client tries its actions on what a master has sent, and that may be any
   table: whoever takes a card looks first whether there is one, and whoever lays one down, whether there is room. */

static uint8_t take_top(uint8_t *cards, uint8_t *count)
{
    uint8_t card = cards[--*count];
    cards[*count] = CARDS_NONE;
    return card;
}

static void lay_on(uint8_t *cards, uint8_t *count, uint8_t card)
{
    cards[(*count)++] = card;
}

/* Takes a card out of a hand. Somebody who sees only the backs takes any of them: whoever discards a card has had it.
   */
static bool take_from_hand(thirtyone_seat *seat, uint8_t card)
{
    uint8_t *place = memchr(seat->hand, card, seat->count);
    if (!place) place = memchr(seat->hand, CARDS_HIDDEN, seat->count);
    if (!place) return false;
    memmove(place, place + 1, (size_t)(seat->hand + seat->count - place - 1));
    seat->hand[--seat->count] = CARDS_NONE;
    return true;
}

static void pick_up_all_cards(thirtyone *table)
{
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        memset(table->seats[seat].hand, CARDS_NONE, sizeof table->seats[seat].hand);
        table->seats[seat].count = 0;
    }
    memset(table->pile, CARDS_NONE, sizeof table->pile);
    table->pile_count = 0;
    cards_fill(table->stock);
    table->stock_count = CARDS_IN_DECK;
}

/* ---- what the dealer does: on the master alone, for the cards are his ---- */

static void deal(thirtyone *table, const movex_context *context)
{
    pick_up_all_cards(table);
    cards_shuffle(table->stock, table->stock_count, context);
    for (int i = 0; i < THIRTYONE_HAND; i++)
        for (int seat = 0; seat < THIRTYONE_SEATS; seat++)
            if (table->seats[seat].lives > 0)
                lay_on(table->seats[seat].hand, &table->seats[seat].count, take_top(table->stock, &table->stock_count));
    lay_on(table->pile, &table->pile_count, take_top(table->stock, &table->stock_count));
    table->dealer = next_alive(table, table->dealer);
    table->turn = next_alive(table, table->dealer);
    table->phase = THIRTYONE_TAKING;
}

/* Makes a stock of all that was discarded but the top card. */
static void turn_pile_over(thirtyone *table, const movex_context *context)
{
    uint8_t top = take_top(table->pile, &table->pile_count);
    while (table->pile_count > 0) lay_on(table->stock, &table->stock_count, take_top(table->pile, &table->pile_count));
    lay_on(table->pile, &table->pile_count, top);
    cards_shuffle(table->stock, table->stock_count, context);
}

/* Who has fewer points than all others, or as few as some. */
static unsigned find_lowest(const thirtyone *table, bool is_lowest[THIRTYONE_SEATS])
{
    unsigned least = THIRTYONE_BEST + 1, count = 0;
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++)
        if (table->seats[seat].lives > 0 && thirtyone_points(&table->seats[seat]) < least)
            least = thirtyone_points(&table->seats[seat]);
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        is_lowest[seat] = table->seats[seat].lives > 0 && thirtyone_points(&table->seats[seat]) == least;
        count += is_lowest[seat];
    }
    return count;
}

/* How many lives a seat loses. */
static unsigned loss_of(const thirtyone *table, int seat, bool is_lowest, unsigned lowest_count)
{
    if (table->seats[seat].lives == 0) return 0;
    if (table->shower != THIRTYONE_NOBODY) return seat != table->shower;
    if (!is_lowest) return 0;
    if (seat == table->knocker) return lowest_count == 1 ? 2 : 0;
    return lowest_count == thirtyone_alive(table) ? 0 : 1; /* all are alike: nobody is the lowest */
}

static void end_game(thirtyone *table)
{
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++)
        if (table->seats[seat].lives > 0) movex_text_set(table->winner, table->seats[seat].player);
    table->phase = THIRTYONE_OVER;
}

/* Looks at the hands; from now on they lie open. */
static void judge(thirtyone *table)
{
    bool     is_lowest[THIRTYONE_SEATS];
    unsigned lowest_count = find_lowest(table, is_lowest), loss[THIRTYONE_SEATS];
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) loss[seat] = loss_of(table, seat, is_lowest[seat], lowest_count);
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        thirtyone_seat *loser = &table->seats[seat];
        loser->lost = (uint8_t)(loss[seat] < loser->lives ? loss[seat] : loser->lives);
        loser->lives = (uint8_t)(loser->lives - loser->lost);
    }
    table->phase = THIRTYONE_SHOWN;
    if (thirtyone_alive(table) <= 1) end_game(table);
}

/* The dealer is called when there is something to do for him, at once (see wakes_at). */
static bool dealer_is_needed(const thirtyone *table)
{
    if (table->phase == THIRTYONE_TAKING) return table->stock_count == 0 && table->pile_count > 1;
    return table->phase == THIRTYONE_DEALING || table->phase == THIRTYONE_SHOWDOWN;
}

static int dealer(thirtyone *table, const movex_context *context)
{
    if (!dealer_is_needed(table)) return THIRTYONE_NOTHING_TO_DO;
    if (table->phase == THIRTYONE_DEALING)
        deal(table, context);
    else if (table->phase == THIRTYONE_TAKING)
        turn_pile_over(table, context);
    else
        judge(table);
    return MOVEX_ACCEPT;
}

/* ---- what players do ---- */

static int sit(thirtyone *table, const char *author)
{
    if (thirtyone_seat_of(table, author) >= 0) return THIRTYONE_SEATED_ALREADY;
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        if (table->seats[seat].player[0]) continue;
        movex_text_set(table->seats[seat].player, author);
        return MOVEX_ACCEPT;
    }
    return THIRTYONE_TABLE_FULL;
}

static void begin_game(thirtyone *table)
{
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++)
        table->seats[seat].lives = table->seats[seat].player[0] ? THIRTYONE_LIVES : 0;
    table->dealer = THIRTYONE_SEATS - 1; /* the one before the first */
    table->round = 0;
    table->game++;
}

static void begin_round(thirtyone *table)
{
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) table->seats[seat].lost = 0;
    table->knocker = table->shower = THIRTYONE_NOBODY;
    table->picked = CARDS_NONE;
    table->round++;
    table->phase = THIRTYONE_DEALING;
}

static int next(thirtyone *table, const char *author)
{
    if (thirtyone_seat_of(table, author) < 0) return THIRTYONE_NOT_SEATED;
    if (thirtyone_is_playing(table) && table->phase != THIRTYONE_SHOWN) return THIRTYONE_STILL_PLAYING;
    if (!thirtyone_is_playing(table)) {
        if (thirtyone_seated(table) < 2) return THIRTYONE_TOO_FEW;
        begin_game(table);
    }
    begin_round(table);
    return MOVEX_ACCEPT;
}

/* Why `seat` may not take a card or knock now. */
static int may_take(const thirtyone *table, int seat)
{
    if (seat < 0) return THIRTYONE_NOT_SEATED;
    if (table->phase != THIRTYONE_TAKING && table->phase != THIRTYONE_DISCARDING) return THIRTYONE_NOT_PLAYING;
    if (table->turn != seat) return THIRTYONE_NOT_YOUR_TURN;
    if (table->phase == THIRTYONE_DISCARDING) return THIRTYONE_DISCARD_FIRST;
    if (table->seats[seat].count > THIRTYONE_HAND) return THIRTYONE_DISCARD_FIRST;
    return MOVEX_ACCEPT;
}

static int draw(thirtyone *table, int seat)
{
    int reason = may_take(table, seat);
    if (reason != MOVEX_ACCEPT) return reason;
    if (table->stock_count == 0) return THIRTYONE_STOCK_EMPTY;
    lay_on(table->seats[seat].hand, &table->seats[seat].count, take_top(table->stock, &table->stock_count));
    table->phase = THIRTYONE_DISCARDING;
    return MOVEX_ACCEPT;
}

static int pick(thirtyone *table, int seat)
{
    int reason = may_take(table, seat);
    if (reason != MOVEX_ACCEPT) return reason;
    if (table->pile_count == 0) return THIRTYONE_PILE_EMPTY; /* the one before took the only card, and left */
    table->picked = take_top(table->pile, &table->pile_count);
    lay_on(table->seats[seat].hand, &table->seats[seat].count, table->picked);
    table->phase = THIRTYONE_DISCARDING;
    return MOVEX_ACCEPT;
}

/* The turn goes on; when it comes to the knocker, it was the last. */
static void pass_turn(thirtyone *table)
{
    table->turn = next_alive(table, table->turn);
    table->phase = table->turn == table->knocker ? THIRTYONE_SHOWDOWN : THIRTYONE_TAKING;
}

static int discard(thirtyone *table, int seat, uint8_t card)
{
    if (seat < 0) return THIRTYONE_NOT_SEATED;
    if (table->phase == THIRTYONE_TAKING && table->turn == seat) return THIRTYONE_TAKE_FIRST;
    if (table->phase != THIRTYONE_DISCARDING) return THIRTYONE_NOT_PLAYING;
    if (table->turn != seat) return THIRTYONE_NOT_YOUR_TURN;
    if (card == CARDS_NONE || card > CARDS_IN_DECK) return THIRTYONE_NOT_YOUR_CARD;
    if (card == table->picked) return THIRTYONE_JUST_PICKED;
    if (table->pile_count == CARDS_IN_DECK) return THIRTYONE_NOT_YOUR_CARD; /* all are there */
    if (!take_from_hand(&table->seats[seat], card)) return THIRTYONE_NOT_YOUR_CARD;
    lay_on(table->pile, &table->pile_count, card);
    table->picked = CARDS_NONE;
    pass_turn(table);
    return MOVEX_ACCEPT;
}

static int knock(thirtyone *table, int seat)
{
    int reason = may_take(table, seat);
    if (reason != MOVEX_ACCEPT) return reason;
    if (table->knocker != THIRTYONE_NOBODY) return THIRTYONE_KNOCKED_ALREADY;
    table->knocker = (uint8_t)seat;
    pass_turn(table);
    return MOVEX_ACCEPT;
}

static int show(thirtyone *table, int seat)
{
    if (seat < 0) return THIRTYONE_NOT_SEATED;
    if (table->phase != THIRTYONE_TAKING && table->phase != THIRTYONE_DISCARDING) return THIRTYONE_NOT_PLAYING;
    if (table->seats[seat].lives == 0) return THIRTYONE_NOT_PLAYING;
    if (table->seats[seat].count > THIRTYONE_HAND) return THIRTYONE_DISCARD_FIRST;
    if (thirtyone_points(&table->seats[seat]) != THIRTYONE_BEST) return THIRTYONE_NO_31;
    table->shower = (uint8_t)seat;
    table->phase = THIRTYONE_SHOWDOWN;
    return MOVEX_ACCEPT;
}

/* The cards of somebody who leaves go under the stock, unseen. */
static void put_under_stock(thirtyone *table, thirtyone_seat *seat)
{
    unsigned room = CARDS_IN_DECK - table->stock_count, count = seat->count < room ? seat->count : room;
    memmove(table->stock + count, table->stock, table->stock_count);
    memcpy(table->stock, seat->hand, count);
    table->stock_count = (uint8_t)(table->stock_count + count);
}

static int stand(thirtyone *table, int seat)
{
    if (seat < 0) return THIRTYONE_NOT_SEATED;
    bool was_alive = table->seats[seat].lives > 0, had_turn = thirtyone_is_turn_of(table, seat);
    put_under_stock(table, &table->seats[seat]);
    table->seats[seat] = (thirtyone_seat){0};
    if (!was_alive || !thirtyone_is_playing(table)) return MOVEX_ACCEPT;
    if (seat == table->knocker) table->knocker = THIRTYONE_NOBODY;
    if (seat == table->shower) table->shower = THIRTYONE_NOBODY;
    if (thirtyone_alive(table) <= 1) {
        end_game(table);
    } else if (had_turn) {
        table->picked = CARDS_NONE;
        pass_turn(table);
    }
    return MOVEX_ACCEPT;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    thirtyone *table = state;
    int        seat = thirtyone_seat_of(table, context->author);
    switch (action->type) {
    case THIRTYONE_SIT: return sit(table, context->author);
    case THIRTYONE_NEXT: return next(table, context->author);
    case THIRTYONE_DRAW: return draw(table, seat);
    case THIRTYONE_PICK: return pick(table, seat);
    case THIRTYONE_DISCARD: return discard(table, seat, ((const thirtyone_discard *)action->payload)->card);
    case THIRTYONE_KNOCK: return knock(table, seat);
    case THIRTYONE_SHOW: return show(table, seat);
    case THIRTYONE_STAND:
    case THIRTYONE_GONE: return stand(table, seat);
    case THIRTYONE_DEALER: return dealer(table, context);
    default: return MOVEX_REFUSE;
    }
}

/* ---- who may know what ---- */

static void hide(uint8_t *cards, unsigned count)
{
    memset(cards, CARDS_HIDDEN, count);
}

/* From the end of a round until the cards are dealt anew. */
static bool hands_lie_open(const thirtyone *table)
{
    return table->phase == THIRTYONE_SHOWN || table->phase == THIRTYONE_OVER || table->phase == THIRTYONE_DEALING;
}

/* Nobody sees the stock, and only its owner a hand. How many cards there are is seen by all. */
static void redact(void *state, const char *viewer)
{
    thirtyone *table = state;
    hide(table->stock, table->stock_count);
    if (hands_lie_open(table)) return;
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++)
        if (seat != thirtyone_seat_of(table, viewer)) hide(table->seats[seat].hand, table->seats[seat].count);
}

/* Those who have no seat all see the same, and so do all while the hands lie open. */
static uint64_t audience(const void *state, const char *viewer)
{
    const thirtyone *table = state;
    return hands_lie_open(table) ? 0 : (uint64_t)(thirtyone_seat_of(table, viewer) + 1);
}

/* ---- the type ---- */

static void init(void *state)
{
    thirtyone *table = state;
    table->knocker = table->shower = THIRTYONE_NOBODY;
}

/* The dealer does what he has to do at once: time 1 has always come. */
static uint64_t wakes_at(const void *state)
{
    return dealer_is_needed(state) ? 1 : 0;
}

static const movex_action_type actions[] = {
    /* Who was first at the last seat, and which card lies on the stock, only the master knows. */
    [THIRTYONE_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [THIRTYONE_DRAW] = {.name = "draw", .flags = MOVEX_CONFIRM},
    /* These are seen at once by those who do them: all that they need is known to them. */
    [THIRTYONE_NEXT] = {.name = "next"},
    [THIRTYONE_PICK] = {.name = "pick"},
    [THIRTYONE_DISCARD] = {.name = "discard", .payload = &discard_schema},
    [THIRTYONE_KNOCK] = {.name = "knock"},
    [THIRTYONE_SHOW] = {.name = "show"},
    [THIRTYONE_STAND] = {.name = "stand"},
    /* By the master. What shuffling draws must never leave it. */
    [THIRTYONE_GONE] = {.name = "gone"},
    [THIRTYONE_DEALER] = {.name = "dealer", .flags = MOVEX_MASTER_ONLY},
};

const movex_type thirtyone_type = {
    .name = "thirtyone",
    .version = 1,
    .state = &thirtyone_schema,
    .actions = actions,
    .action_count = MOVEX_COUNT_OF(actions),
    .reduce = reduce,
    .init = init,
    .wakes_at = wakes_at,
    .wake = "dealer",
    .left = "gone",
    .redact = redact,
    .audience = audience,
};

const char *thirtyone_reason_text(int reason)
{
    switch (reason) {
    case THIRTYONE_TABLE_FULL: return "all seats are taken";
    case THIRTYONE_SEATED_ALREADY: return "you sit here already";
    case THIRTYONE_NOT_SEATED: return "you have no seat at this table";
    case THIRTYONE_TOO_FEW: return "two are needed at least";
    case THIRTYONE_STILL_PLAYING: return "this round is not over";
    case THIRTYONE_NOT_PLAYING: return "this is not the time for it";
    case THIRTYONE_NOT_YOUR_TURN: return "not your turn";
    case THIRTYONE_DISCARD_FIRST: return "discard one of your four cards first";
    case THIRTYONE_TAKE_FIRST: return "take a card first";
    case THIRTYONE_STOCK_EMPTY: return "the stock is empty for a moment";
    case THIRTYONE_NOT_YOUR_CARD: return "you do not hold that card";
    case THIRTYONE_JUST_PICKED: return "you have just taken that one: discard another";
    case THIRTYONE_KNOCKED_ALREADY: return "somebody has knocked already: take a card";
    case THIRTYONE_NO_31: return "that is not 31";
    case THIRTYONE_PILE_EMPTY: return "there is no open card: take one from the stock";
    case THIRTYONE_NOTHING_TO_DO: return "there is nothing to do for the dealer";
    default: return movex_refusal_text(reason);
    }
}
