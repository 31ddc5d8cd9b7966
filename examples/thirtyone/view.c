#include "view.h"

#include "../common/utf8.h"

#include <movex/text.h>

#include <string.h>

enum { CARD_SIZE = 8 };

/* A card as the screen can show it: "10S", or with the suit's symbol. */
static void show_card(const game_screen *screen, uint8_t card, char text[CARD_SIZE])
{
    static const char *const suits[] = {"\xe2\x99\xa0", "\xe2\x99\xa5", "\xe2\x99\xa6", "\xe2\x99\xa3"};
    cards_name(card, text);
    if (!screen->in_unicode || card == CARDS_NONE || card > CARDS_IN_DECK) return;
    memcpy(text + strlen(text) - 1, suits[cards_suit(card)], sizeof "\xe2\x99\xa0");
}

static bool is_red(uint8_t card)
{
    return cards_suit(card) == 1 || cards_suit(card) == 2;
}

static void put_card(game_screen *screen, uint8_t card)
{
    char text[CARD_SIZE];
    show_card(screen, card, text);
    const char *style = card > CARDS_IN_DECK ? SCREEN_DIM : is_red(card) ? SCREEN_RED : SCREEN_BOLD;
    screen_put_styled(screen, style, text);
}

static const thirtyone *table_of(const game_table *table)
{
    return table_state(table);
}

static int own_seat(const game_table *table)
{
    return thirtyone_seat_of(table_of(table), table_self(table));
}

/* A hand; the cards of one's own, when one is to be discarded, with their numbers. */
static void put_hand(game_table *table, int seat)
{
    const thirtyone      *state = table_of(table);
    const thirtyone_seat *shown = &state->seats[seat];
    bool                  own = seat == own_seat(table);
    bool                  numbered =
        own && state->phase == THIRTYONE_DISCARDING && thirtyone_is_turn_of(state, seat) && table_has_person(table);
    for (unsigned i = 0; i < shown->count; i++) {
        screen_put(&table->screen, i ? "  " : "");
        if (numbered) screen_put(&table->screen, "%u:", i + 1);
        put_card(&table->screen, shown->hand[i]);
    }
    if (shown->count > 0 && shown->hand[0] != CARDS_HIDDEN)
        screen_put(&table->screen, "   = %u", thirtyone_points(shown));
}

static void put_lives(game_table *table, const thirtyone_seat *seat)
{
    char lives[THIRTYONE_LIVES + 1] = "---";
    memset(lives, '*', seat->lives < THIRTYONE_LIVES ? seat->lives : THIRTYONE_LIVES);
    screen_put(&table->screen, " %s  ", lives);
}

/* Columns of the longest name. */
static unsigned name_columns(const thirtyone *state)
{
    unsigned most = 0;
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        const char *name = state->seats[seat].player;
        unsigned    columns = utf8_width(name, strlen(name));
        if (columns > most) most = columns;
    }
    return most;
}

static void put_seat(game_table *table, int seat)
{
    const thirtyone      *state = table_of(table);
    const thirtyone_seat *shown = &state->seats[seat];
    game_screen          *screen = &table->screen;
    bool                  turn = thirtyone_is_turn_of(state, seat), own = seat == own_seat(table);
    if (!shown->player[0]) return;
    screen_put_styled(screen, SCREEN_GREEN, turn ? "  > " : "    ");
    screen_put_padded(screen, own ? SCREEN_BOLD : SCREEN_PLAIN, shown->player, name_columns(state));
    if (thirtyone_is_playing(state) || state->phase == THIRTYONE_OVER) put_lives(table, shown);
    put_hand(table, seat);
    if (shown->lost > 0 && (state->phase == THIRTYONE_SHOWN || state->phase == THIRTYONE_OVER))
        screen_put(screen, shown->lives == 0 ? ", out" : ", -%u", (unsigned)shown->lost);
    else if (shown->lives == 0 && thirtyone_is_playing(state))
        screen_put_styled(screen, SCREEN_DIM, "out");
    if (seat == state->knocker && thirtyone_is_playing(state)) screen_put_styled(screen, SCREEN_BLUE, "  knocked");
    screen_put(screen, "%s\n", table_absence(table, shown->player));
}

static void put_piles(game_table *table)
{
    const thirtyone *state = table_of(table);
    game_screen     *screen = &table->screen;
    if (state->pile_count + state->stock_count == 0) return;
    screen_put(screen, "\n  stock: %u cards   discard pile: ", (unsigned)state->stock_count);
    if (state->pile_count > 0) put_card(screen, thirtyone_top(state));
    screen_put(screen, "\n");
}

static void describe(const game_table *table, char *text, size_t size)
{
    const thirtyone *state = table_of(table);
    const char      *name = state->seats[state->turn].player;
    bool             own = own_seat(table) == state->turn;
    switch (state->phase) {
    case THIRTYONE_OPEN: snprintf(text, size, "waiting for the cards: %u here", thirtyone_seated(state)); break;
    case THIRTYONE_TAKING: snprintf(text, size, own ? "your turn" : "%s's turn", name); break;
    case THIRTYONE_DISCARDING: snprintf(text, size, own ? "which card do you discard?" : "%s's turn", name); break;
    case THIRTYONE_DEALING: snprintf(text, size, "the cards are dealt"); break;
    case THIRTYONE_SHOWDOWN: snprintf(text, size, "the hands are shown"); break;
    case THIRTYONE_SHOWN:
        if (state->shower == THIRTYONE_NOBODY)
            snprintf(text, size, "the round is over");
        else
            snprintf(text, size, "%s had 31", state->seats[state->shower].player);
        break;
    default:
        own = movex_text_equals(state->winner, table_self(table));
        snprintf(text, size, own ? "you have won the game" : "%s has won the game", state->winner);
        break;
    }
}

static bool plays(const void *state, const char *name)
{
    return thirtyone_seat_of(state, name) >= 0;
}

bool view_compose(game_table *table)
{
    const thirtyone *state = table_of(table);
    game_screen     *screen = &table->screen;
    char             text[MOVEX_NAME_SIZE + 32];
    screen_put(screen, "\n  ");
    screen_put_styled(screen, SCREEN_BOLD, movex_resource_id(table->at.resource));
    if (state->game > 0) screen_put(screen, ", game %u, round %u", (unsigned)state->game, (unsigned)state->round);
    screen_put(screen, "\n\n");
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) put_seat(table, seat);
    put_piles(table);
    screen_put(screen, "\n  ");
    describe(table, text, sizeof text);
    screen_put_styled(screen, thirtyone_is_turn_of(state, own_seat(table)) ? SCREEN_GREEN : SCREEN_BOLD, text);
    screen_put(screen, "\n");
    table_put_spectators(table, plays);
    return table_has_person(table) || state->phase != THIRTYONE_OPEN;
}

const char *view_prompt(const game_table *table)
{
    const thirtyone *state = table_of(table);
    int              seat = own_seat(table);
    if (seat < 0) return thirtyone_seated(state) < THIRTYONE_SEATS ? "s sit down, q quit" : "q quit";
    if (state->phase == THIRTYONE_OPEN) return "n deal, s stand up, q quit";
    if (state->phase == THIRTYONE_SHOWN) return "n next round, s stand up, q quit";
    if (state->phase == THIRTYONE_OVER) return "n new game, s stand up, q quit";
    bool has_31 = thirtyone_points(&state->seats[seat]) == THIRTYONE_BEST && state->seats[seat].count == THIRTYONE_HAND;
    if (has_31) return "31 show your hand, q quit";
    if (!thirtyone_is_turn_of(state, seat)) return "wait for the others, or s stand up, q quit";
    if (state->phase == THIRTYONE_DISCARDING) return "1-4 discard, q quit";
    return state->knocker == THIRTYONE_NOBODY ? "d draw, t take the open card, k knock, q quit"
                                              : "d draw, t take the open card, q quit";
}

/* Lives that were lost, when the hands are shown. */
static void narrate_losses(game_table *table)
{
    const thirtyone *now = table_of(table);
    for (int seat = 0; seat < THIRTYONE_SEATS; seat++) {
        const thirtyone_seat *loser = &now->seats[seat];
        if (loser->lost == 0) continue;
        screen_message(&table->screen, "%s %s %s%s", loser->player, seat == own_seat(table) ? "lose" : "loses",
                       loser->lost == 1 ? "a life" : "two lives", loser->lives == 0 ? " and is out" : "");
    }
}

/* What the player whose turn it was has done. */
static void narrate_turn(game_table *table, const thirtyone *before)
{
    const thirtyone *now = table_of(table);
    const char      *name = before->seats[before->turn].player;
    game_screen     *screen = &table->screen;
    char             card[CARD_SIZE];
    if (before->phase == THIRTYONE_TAKING && now->phase == THIRTYONE_DISCARDING && now->turn == before->turn) {
        show_card(screen, now->picked, card);
        screen_message(screen, now->picked ? "%s takes the %s" : "%s draws a card", name, card);
    }
    if (before->phase == THIRTYONE_DISCARDING && now->pile_count == before->pile_count + 1) {
        show_card(screen, thirtyone_top(now), card);
        screen_message(screen, "%s discards the %s", name, card);
    }
    if (now->knocker != before->knocker && now->knocker == before->turn)
        screen_message(screen, "%s knocks: one more turn for the others", name);
}

void view_narrate(game_table *table, const thirtyone *before)
{
    const thirtyone *now = table_of(table);
    bool             same_round = now->round == before->round && now->game == before->game;
    bool             shown = now->phase == THIRTYONE_SHOWN || now->phase == THIRTYONE_OVER;
    if (same_round && before->turn != own_seat(table)) narrate_turn(table, before);
    if (same_round && shown && now->phase != before->phase) narrate_losses(table);
}
