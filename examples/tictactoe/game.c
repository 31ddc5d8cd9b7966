#include "game.h"

#include <movex/text.h>

#include <string.h>

static const char *const result_names[] = {"open", "x_won", "o_won", "drawn"};

MOVEX_SCHEMA(tictactoe_schema, tictactoe, MOVEX_TEXTS(tictactoe, player), MOVEX_ENUMS(tictactoe, cell, TICTACTOE_MARKS),
             MOVEX_ENUM(tictactoe, turn, TICTACTOE_SEATS), MOVEX_ENUM(tictactoe, starter, TICTACTOE_SEATS),
             MOVEX_NAMED_ENUM(tictactoe, result, result_names), MOVEX_FIELD(tictactoe, round),
             MOVEX_ARRAY(tictactoe, wins), MOVEX_FIELD(tictactoe, draws));
MOVEX_SCHEMA(place_schema, tictactoe_place, MOVEX_FIELD(tictactoe_place, cell));

int tictactoe_seat_of(const tictactoe *table, const char *name)
{
    if (!*name) return -1; /* an empty seat is nobody's */
    for (int seat = 0; seat < TICTACTOE_SEATS; seat++)
        if (movex_text_equals(table->player[seat], name)) return seat;
    return -1;
}

bool tictactoe_is_full(const tictactoe *table)
{
    return table->player[0][0] && table->player[1][0];
}

bool tictactoe_is_turn_of(const tictactoe *table, int seat)
{
    return tictactoe_is_full(table) && table->result == TICTACTOE_OPEN && table->turn == seat;
}

tictactoe_mark tictactoe_mark_of(int seat)
{
    return seat == 0 ? TICTACTOE_X : TICTACTOE_O;
}

bool tictactoe_has_line(const uint8_t cell[TICTACTOE_CELLS], tictactoe_mark mark)
{
    static const uint8_t lines[][3] = {{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {0, 3, 6},
                                       {1, 4, 7}, {2, 5, 8}, {0, 4, 8}, {2, 4, 6}};
    for (uint32_t i = 0; i < MOVEX_COUNT_OF(lines); i++)
        if (cell[lines[i][0]] == mark && cell[lines[i][1]] == mark && cell[lines[i][2]] == mark) return true;
    return false;
}

static void begin_round(tictactoe *table, uint8_t starter)
{
    memset(table->cell, TICTACTOE_EMPTY, sizeof table->cell);
    table->result = TICTACTOE_OPEN;
    table->starter = table->turn = starter;
}

static int sit(tictactoe *table, const char *author)
{
    if (tictactoe_seat_of(table, author) >= 0) return TICTACTOE_SEATED_ALREADY;
    if (tictactoe_is_full(table)) return TICTACTOE_TABLE_FULL;
    movex_text_set(table->player[table->player[0][0] ? 1 : 0], author);
    return MOVEX_ACCEPT;
}

static int place(tictactoe *table, uint8_t cell, const char *author)
{
    int seat = tictactoe_seat_of(table, author);
    if (seat < 0) return TICTACTOE_NOT_SEATED;
    if (!tictactoe_is_full(table)) return TICTACTOE_NO_OPPONENT;
    if (table->result != TICTACTOE_OPEN) return TICTACTOE_ROUND_OVER;
    if (table->turn != seat) return TICTACTOE_NOT_YOUR_TURN;
    if (cell >= TICTACTOE_CELLS) return TICTACTOE_NO_SUCH_CELL;
    if (table->cell[cell] != TICTACTOE_EMPTY) return TICTACTOE_CELL_TAKEN;

    table->cell[cell] = (uint8_t)tictactoe_mark_of(seat);
    table->turn = (uint8_t)(1 - seat);
    if (tictactoe_has_line(table->cell, tictactoe_mark_of(seat))) {
        table->result = seat == 0 ? TICTACTOE_X_WON : TICTACTOE_O_WON;
        table->wins[seat]++;
    } else if (!memchr(table->cell, TICTACTOE_EMPTY, sizeof table->cell)) {
        table->result = TICTACTOE_DRAWN;
        table->draws++;
    }
    return MOVEX_ACCEPT;
}

static int again(tictactoe *table, const char *author)
{
    if (tictactoe_seat_of(table, author) < 0) return TICTACTOE_NOT_SEATED;
    if (table->result == TICTACTOE_OPEN) return TICTACTOE_STILL_PLAYING;
    table->round++;
    begin_round(table, (uint8_t)(1 - table->starter));
    return MOVEX_ACCEPT;
}

static int stand(tictactoe *table, const char *author)
{
    int seat = tictactoe_seat_of(table, author);
    if (seat < 0) return TICTACTOE_NOT_SEATED;
    movex_text_set(table->player[seat], "");
    memset(table->wins, 0, sizeof table->wins); /* the score was between these two */
    table->draws = 0;
    table->round = 1;
    begin_round(table, 0);
    return MOVEX_ACCEPT;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    switch (action->type) {
    case TICTACTOE_SIT: return sit(state, context->author);
    case TICTACTOE_PLACE: return place(state, ((const tictactoe_place *)action->payload)->cell, context->author);
    case TICTACTOE_AGAIN: return again(state, context->author);
    case TICTACTOE_STAND: return stand(state, context->author);
    default: return MOVEX_REFUSE;
    }
}

static void init(void *state)
{
    tictactoe *table = state;
    table->round = 1;
}

const char *tictactoe_reason_text(int reason)
{
    switch (reason) {
    case TICTACTOE_TABLE_FULL: return "both seats are taken";
    case TICTACTOE_SEATED_ALREADY: return "you sit here already";
    case TICTACTOE_NOT_SEATED: return "you have no seat at this table";
    case TICTACTOE_NO_OPPONENT: return "nobody sits opposite yet";
    case TICTACTOE_ROUND_OVER: return "this round is over";
    case TICTACTOE_NOT_YOUR_TURN: return "not your turn";
    case TICTACTOE_NO_SUCH_CELL: return "there is no such cell";
    case TICTACTOE_CELL_TAKEN: return "that cell is taken";
    case TICTACTOE_STILL_PLAYING: return "this round is not over";
    default: return movex_refusal_text(reason);
    }
}

static const movex_action_type actions[] = {
    [TICTACTOE_SIT] = {.name = "sit", .flags = MOVEX_CONFIRM},
    [TICTACTOE_PLACE] = {.name = "place", .payload = &place_schema},
    [TICTACTOE_AGAIN] = {.name = "again"},
    [TICTACTOE_STAND] = {.name = "stand"},
};

const movex_type tictactoe_type = {
    .name = "tictactoe",
    .version = 1,
    .state = &tictactoe_schema,
    .actions = actions,
    .action_count = MOVEX_COUNT_OF(actions),
    .reduce = reduce,
    .init = init,
};
