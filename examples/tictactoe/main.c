/* Tic-tac-toe in the terminal: alone against the machine, with the master in this process, or against others at a
   movexd. */
#include "../common/table.h"
#include "game.h"
#include "opponent.h"

#include <movex/text.h>

#include <string.h>

static const char help[] = "tictactoe - tic-tac-toe in the terminal\n"
                           "\n"
                           "usage: tictactoe [OPTION]...                        alone, against the machine\n"
                           "       tictactoe [OPTION]... ws://HOST:PORT NAME [TABLE]\n"
                           "                                                    against others, at a movexd\n"
                           "       tictactoe [OPTION]... --peer HOST:PORT NAME [TABLE] [ws://HOST:PORT]...\n"
                           "       tictactoe [OPTION]... --relay ws://HOST:PORT NAME [TABLE]\n"
                           "                                                    against others, without a server\n"
                           "\n"
                           "Whoever comes first to a table (default: table-1) plays X, the next one O, and\n"
                           "all others watch. Type the number of a cell and Enter; n begins a new round, s\n"
                           "sits down or stands up, q quits.\n"
                           "\n"
                           "Without a server, one of the players is master, and another one is when that one\n"
                           "is gone. --peer listens at HOST:PORT, and dials others at the addresses behind\n"
                           "the table; with --relay all meet at a relay (movexd --relay).\n"
                           "\n"
                           "options:\n"
                           "  --auto          play without a person, then say version and checksum\n"
                           "  --rounds N      how many rounds --auto plays; default 1\n"
                           "  --pause-ms N    how long a machine thinks before it moves; default 700\n"
                           "  --room NAME     without a server: which room, the same for all; default tictactoe\n"
                           "  --players N     how many the room begins with, the same for all; default 1 more\n"
                           "                  than there are addresses, and 2 at a relay\n"
                           "  --survivor      of two, each goes on alone while the other is away; the same for\n"
                           "                  all\n"
                           "  --silent-seconds N\n"
                           "                  who is gone for so long is out of the room, though not of the\n"
                           "                  game; default 10\n"
                           "  --token TEXT    the relay's token\n"
                           "  --ca FILE       for a server at wss://HOST:PORT: trust the certificates in FILE,\n"
                           "                  in place of those that the system trusts\n"
                           "  --help          print this and exit\n"
                           "\n"
                           "Colours and drawing in place are left out if the output is not a terminal or\n"
                           "NO_COLOR is set. Exit status: 0 after a game or q, 1 if something failed, 2 for\n"
                           "a wrong command line.\n";

static void put_mark(game_screen *screen, tictactoe_mark mark)
{
    screen_put_styled(screen, mark == TICTACTOE_X ? SCREEN_RED : SCREEN_BLUE, mark == TICTACTOE_X ? "X" : "O");
}

static void put_row(game_screen *screen, const tictactoe *board, int row)
{
    screen_put(screen, "  ");
    for (int i = row * 3; i < row * 3 + 3; i++) {
        char number[] = {(char)('1' + i), '\0'};
        screen_put(screen, i % 3 ? " | " : " ");
        if (board->cell[i] == TICTACTOE_EMPTY) {
            screen_put_styled(screen, SCREEN_DIM, number);
        } else {
            put_mark(screen, (tictactoe_mark)board->cell[i]);
        }
    }
}

static void put_player(game_table *table, int seat)
{
    const tictactoe *board = table_state(table);
    game_screen     *screen = &table->screen;
    const char      *player = board->player[seat];
    screen_put(screen, "    ");
    put_mark(screen, tictactoe_mark_of(seat));
    screen_put(screen, " ");
    if (!*player) {
        screen_put_styled(screen, SCREEN_DIM, "(free)");
        return;
    }
    screen_put_styled(screen, tictactoe_is_turn_of(board, seat) ? SCREEN_BOLD : SCREEN_PLAIN, player);
    bool own = movex_text_equals(player, table_self(table)) && !movex_text_equals(player, "you");
    screen_put(screen, "%s%s", own ? " (you)" : "", table_absence(table, player));
}

static void put_status(game_table *table)
{
    const tictactoe *board = table_state(table);
    bool             won = board->result == TICTACTOE_X_WON || board->result == TICTACTOE_O_WON;
    int              seat = won ? (board->result == TICTACTOE_O_WON) : board->turn;
    bool             own = tictactoe_seat_of(board, table_self(table)) == seat;
    char             text[MOVEX_NAME_SIZE + 16];
    if (board->result == TICTACTOE_DRAWN) {
        snprintf(text, sizeof text, "a draw");
    } else if (won) {
        snprintf(text, sizeof text, own ? "you have won" : "%s has won", board->player[seat]);
    } else if (!tictactoe_is_full(board)) {
        bool seated = tictactoe_seat_of(board, table_self(table)) >= 0;
        snprintf(text, sizeof text, seated ? "waiting for a second player" : "a seat is free");
        own = false;
    } else {
        snprintf(text, sizeof text, own ? "your turn" : "%s's turn", board->player[seat]);
    }
    screen_put(&table->screen, "  ");
    screen_put_styled(&table->screen, own ? SCREEN_GREEN : SCREEN_BOLD, text);
    screen_put(&table->screen, "\n");
}

static bool plays(const void *state, const char *name)
{
    return tictactoe_seat_of(state, name) >= 0;
}

/* Without a person there is nothing to show before the table is full: two players' outputs are then alike, line by
   line. */
static bool compose(game_table *table)
{
    const tictactoe *board = table_state(table);
    game_screen     *screen = &table->screen;
    screen_put(screen, "\n  ");
    screen_put_styled(screen, SCREEN_BOLD, movex_resource_id(table->at.resource));
    screen_put(screen, ", round %u\n\n", (unsigned)board->round);
    put_row(screen, board, 0);
    screen_put(screen, " "); /* a row is narrower than a line by one */
    put_player(table, 0);
    screen_put(screen, "\n  ---+---+---");
    put_player(table, 1);
    screen_put(screen, "\n");
    put_row(screen, board, 1);
    screen_put(screen, "\n  ---+---+---");
    screen_put(screen, "    wins %u : %u", (unsigned)board->wins[0], (unsigned)board->wins[1]);
    if (board->draws > 0) screen_put(screen, ", draws %u", (unsigned)board->draws);
    screen_put(screen, "\n");
    put_row(screen, board, 2);
    screen_put(screen, "\n\n");
    put_status(table);
    table_put_spectators(table, plays);
    return table_has_person(table) || tictactoe_is_full(board);
}

static const char *prompt(const game_table *table)
{
    (void)table;
    return "1-9 place, n new round, s sit or stand, q quit";
}

static void arrive(game_table *table)
{
    const tictactoe *board = table_state(table);
    if (tictactoe_seat_of(board, table_self(table)) >= 0) return;
    if (tictactoe_is_full(board)) {
        screen_message(&table->screen, "both seats are taken: you watch");
    } else if (table_has_person(table)) {
        table_dispatch(table, TICTACTOE_SIT, NULL);
    }
}

static bool obey(game_table *table, const char *line)
{
    bool seated = tictactoe_seat_of(table_state(table), table_self(table)) >= 0;
    if (line[1]) return false;
    switch (line[0]) {
    case 'n': table_dispatch(table, TICTACTOE_AGAIN, NULL); return true;
    case 's': table_dispatch(table, seated ? TICTACTOE_STAND : TICTACTOE_SIT, NULL); return true;
    default: break;
    }
    if (line[0] < '1' || line[0] > '9') return false;
    table_dispatch(table, TICTACTOE_PLACE, &(tictactoe_place){(uint8_t)(line[0] - '1')});
    return true;
}

int main(int argument_count, char **arguments)
{
    static const char *const robots[] = {"machine", NULL};
    const table_game         game = {
                .name = "tictactoe",
                .help = help,
                .type = &tictactoe_type,
                .mind = &opponent_mind,
                .robots = robots,
                .robot_count = 1,
                .may_peer = true,
                .reason_text = tictactoe_reason_text,
                .compose = compose,
                .prompt = prompt,
                .arrive = arrive,
                .obey = obey,
    };
    return table_main(&game, argument_count, arguments);
}
