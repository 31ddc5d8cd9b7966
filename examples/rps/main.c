/* Rock, paper, scissors in the terminal: alone against the machine, with the master in this process, or against
   somebody at a movexd. The machine is a client of its own and knows no more than its client does: that you have moved,
   not what. */
#include "../common/table.h"

#include <movex/system.h>

#include <string.h>

movex_ticket play(movex_resource *game, uint8_t seat, uint8_t move);

/* The game itself, which stands in one file, without a header. */
#include "../rps.c"

static const char help[] = "rps - rock, paper, scissors in the terminal\n"
                           "\n"
                           "usage: rps [OPTION]...                        alone, against the machine\n"
                           "       rps [OPTION]... ws://HOST:PORT NAME [TABLE]\n"
                           "                                              against somebody, at a movexd\n"
                           "       rps [OPTION]... --peer HOST:PORT NAME [TABLE] [ws://HOST:PORT]...\n"
                           "       rps [OPTION]... --relay ws://HOST:PORT NAME [TABLE]\n"
                           "                                              against others, without a server\n"
                           "\n"
                           "The first two who come to a table (default: table-1) play, all others watch. Type\n"
                           "r, p or s and Enter: your move stays hidden until the other one has moved too; you\n"
                           "may change it until then. n begins a new round, q quits.\n"
                           "\n"
                           "Without a server, one of the players is master, and another one is when that one\n"
                           "is gone. --peer listens at HOST:PORT, and dials others at the addresses behind\n"
                           "the table; with --relay all meet at a relay (movexd --relay).\n"
                           "\n"
                           "options:\n"
                           "  --auto          play without a person, then say version and checksum\n"
                           "  --rounds N      how many rounds --auto plays; default 1\n"
                           "  --pause-ms N    how long a machine thinks before it moves; default 700\n"
                           "  --room NAME     without a server: which room, the same for all; default rps\n"
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

static const char *const move_names[] = {"", "hidden", "rock", "paper", "scissors"};

/* Of this program, not of the game: what it has seen. */
static unsigned rounds_seen;

static int seat_of(const rps *game, const char *name)
{
    for (int seat = 0; seat < 2; seat++)
        if (*name && movex_text_equals(game->player[seat], name)) return seat;
    return -1;
}

static bool is_full(const rps *game)
{
    return game->player[0][0] && game->player[1][0];
}

/* The seat that has won; -1 for none, or a draw. */
static int winning_seat(const rps *game)
{
    for (int seat = 0; seat < 2; seat++)
        if (game->winner != NOBODY && game->winner != DRAW && game->move[seat] == game->winner) return seat;
    return -1;
}

static const char *reason_text(int reason)
{
    switch (reason) {
    case NOT_YOUR_SEAT: return "you have no seat at this table";
    case TABLE_FULL: return "both seats are taken";
    case NOT_A_MOVE: return "there is no such move";
    case GAME_OVER: return "this round is over";
    case STILL_PLAYING: return "this round is not over";
    default: return movex_refusal_text(reason);
    }
}

/* ---- a player without a person ---- */

static int intend(const game_robot *robot)
{
    const rps *game = movex_state(robot->at.resource);
    int        seat = seat_of(game, robot->name);
    if (seat < 0) return is_full(game) ? -1 : SIT;
    if (!is_full(game)) return -1;
    if (!game->winner) return game->move[seat] == NOBODY ? SUBMIT : -1;
    return robot->rounds > rounds_seen && seat == 0 ? AGAIN : -1;
}

static uint8_t any_move(void)
{
    uint8_t byte;
    do { /* 255 is a multiple of three, so all moves are as likely */
        if (movex_system_entropy(NULL, &byte, 1) != MOVEX_OK) byte = (uint8_t)movex_system_now_ms();
    } while (byte == 255);
    return (uint8_t)(ROCK + byte % 3);
}

static void act(const game_robot *robot, int action)
{
    movex_resource *game = robot->at.resource;
    if (action == SUBMIT) {
        play(game, (uint8_t)seat_of(movex_state(game), robot->name), any_move());
    } else {
        movex_dispatch(game, (uint32_t)action, NULL);
    }
}

static bool is_urgent(int action)
{
    return action == SIT;
}

static bool is_done(const game_robot *robot)
{
    const rps *game = movex_confirmed_state(robot->at.resource);
    return game->winner && rounds_seen >= robot->rounds;
}

/* ---- what a person sees ---- */

static void put_player(game_table *table, int seat)
{
    enum { NAME_COLUMNS = 16 };
    const rps   *game = table_state(table);
    game_screen *screen = &table->screen;
    uint8_t      move = game->move[seat];
    const char  *style = move == HIDDEN || !move ? SCREEN_DIM : seat == winning_seat(game) ? SCREEN_GREEN : SCREEN_BOLD;
    bool         own = seat == seat_of(game, table_self(table));
    screen_put(screen, "  ");
    if (!game->player[seat][0]) {
        screen_put_styled(screen, SCREEN_DIM, "(free)\n");
        return;
    }
    screen_put_padded(screen, own ? SCREEN_BOLD : SCREEN_PLAIN, game->player[seat], NAME_COLUMNS);
    screen_put_styled(screen, style, move ? move_names[move] : "-");
    if (own && move > HIDDEN && !game->winner) screen_put_styled(screen, SCREEN_DIM, " (hidden from others)");
    screen_put(screen, "%s\n", table_absence(table, game->player[seat]));
}

static void put_status(game_table *table)
{
    const rps *game = table_state(table);
    int        seat = seat_of(game, table_self(table)), winner = winning_seat(game);
    char       text[MOVEX_NAME_SIZE + 32];
    if (!is_full(game)) {
        snprintf(text, sizeof text, seat >= 0 ? "waiting for a second player" : "a seat is free");
    } else if (game->winner == DRAW) {
        snprintf(text, sizeof text, "a draw");
    } else if (game->winner) {
        snprintf(text, sizeof text, seat == winner ? "you have won" : "%s has won", game->player[winner]);
    } else if (seat < 0) {
        snprintf(text, sizeof text, "they choose");
    } else {
        snprintf(text, sizeof text, game->move[seat] ? "waiting for %s" : "your move", game->player[1 - seat]);
    }
    screen_put(&table->screen, "\n  ");
    screen_put_styled(&table->screen, seat >= 0 && seat == winner ? SCREEN_GREEN : SCREEN_BOLD, text);
    screen_put(&table->screen, "\n");
}

static bool plays(const void *state, const char *name)
{
    return seat_of(state, name) >= 0;
}

static bool compose(game_table *table)
{
    screen_put(&table->screen, "\n  ");
    screen_put_styled(&table->screen, SCREEN_BOLD, movex_resource_id(table->at.resource));
    screen_put(&table->screen, "\n\n");
    for (int seat = 0; seat < 2; seat++) put_player(table, seat);
    put_status(table);
    table_put_spectators(table, plays);
    return table_has_person(table) || is_full(table_state(table));
}

static const char *prompt(const game_table *table)
{
    const rps *game = table_state(table);
    if (seat_of(game, table_self(table)) < 0) return is_full(game) ? "q quit" : "sit to sit down, q quit";
    return game->winner ? "n next round, q quit" : "r rock, p paper, s scissors, q quit";
}

static void arrive(game_table *table)
{
    const rps *game = table_state(table);
    if (seat_of(game, table_self(table)) >= 0) return;
    if (is_full(game)) {
        screen_message(&table->screen, "both seats are taken: you watch");
    } else if (table_has_person(table)) {
        table_dispatch(table, SIT, NULL);
    }
}

static bool obey(game_table *table, const char *line)
{
    const rps *game = table_state(table);
    int        seat = seat_of(game, table_self(table));
    if (strcmp(line, "sit") == 0 && seat < 0) {
        table_dispatch(table, SIT, NULL);
        return true;
    }
    static const char keys[] = "rps";
    const char       *which = line[0] && !line[1] ? strchr(keys, line[0]) : NULL;
    if (which && seat < 0) {
        screen_message(&table->screen, "%s", reason_text(NOT_YOUR_SEAT));
    } else if (which) {
        table_dispatched(table, play(table->at.resource, (uint8_t)seat, (uint8_t)(ROCK + (which - keys))));
    } else if (strcmp(line, "n") == 0) {
        table_dispatch(table, AGAIN, NULL);
    } else {
        return false;
    }
    return true;
}

/* Says who had hidden a move, and which; once for each, also if he has changed his mind before. */
static void tell_reveal(game_table *table)
{
    const rps     *game = table_state(table);
    bool           had_hidden[2] = {false, false};
    movex_revealed revealed;
    rounds_seen++;
    for (uint32_t i = 0; movex_revealed_at(table->at.resource, i, &revealed); i++)
        for (int seat = 0; seat < 2; seat++)
            if (movex_text_equals(game->player[seat], revealed.author)) had_hidden[seat] = true;
    for (int seat = 0; seat < 2; seat++)
        if (had_hidden[seat] && game->winner)
            screen_message(&table->screen, "%s had hidden: %s", game->player[seat], move_names[game->move[seat]]);
}

static bool tell(game_table *table, const movex_event *event)
{
    switch (event->kind) {
    case MOVEX_EVENT_REVEALED: tell_reveal(table); return true;
    case MOVEX_EVENT_OVERTURNED:
        screen_message(&table->screen, "what you did has no effect: %s", reason_text(event->reason));
        return true;
    default: return false;
    }
}

int main(int argument_count, char **arguments)
{
    static const char *const robots[] = {"machine", NULL};
    static const robot_mind  mind = {.intend = intend, .act = act, .is_urgent = is_urgent, .is_done = is_done};
    const table_game         game = {
                .name = "rps",
                .help = help,
                .type = &rps_type,
                .mind = &mind,
                .robots = robots,
                .robot_count = 1,
                .may_peer = true,
                .reason_text = reason_text,
                .compose = compose,
                .prompt = prompt,
                .arrive = arrive,
                .obey = obey,
                .tell = tell,
    };
    return table_main(&game, argument_count, arguments);
}
