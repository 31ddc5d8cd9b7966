/* Thirty-one in the terminal: alone against bots, with the master in this process, or with others at a movexd. */
#include "bot.h"
#include "view.h"

static const char help[] = "thirtyone - a card game for two to six in the terminal\n"
                           "\n"
                           "usage: thirtyone [OPTION]...                        alone, against bots\n"
                           "       thirtyone [OPTION]... ws://HOST:PORT NAME [TABLE]\n"
                           "                                                    with others, at a movexd\n"
                           "\n"
                           "Hold as many points as possible in one suit: an ace is 11, king, queen and jack\n"
                           "are 10. In your turn draw from the stock (d) or take the open card (t), then\n"
                           "discard one (its number); or knock (k): the others have one more turn, and then\n"
                           "the lowest hand loses one of three lives. A knocker who is lowest alone loses\n"
                           "two. Who has 31 may show it at any time (31), and all others lose a life.\n"
                           "\n"
                           "Type a command and Enter: n deals, s sits down or stands up, q quits.\n"
                           "\n"
                           "options:\n"
                           "  --auto          play without a person, then say who has won\n"
                           "  --bots N        bring so many bots, up to 5; default 3 alone, else 0\n"
                           "  --players N     how many --auto waits for before the first deal; default 2, or\n"
                           "                  all if it plays alone\n"
                           "  --rounds N      how many games --auto plays; default 1\n"
                           "  --pause-ms N    how long a bot thinks before it moves; default 700\n"
                           "  --ca FILE       for a server at wss://HOST:PORT: trust the certificates in FILE,\n"
                           "                  in place of those that the system trusts\n"
                           "  --help          print this and exit\n"
                           "\n"
                           "Colours and drawing in place are left out if the output is not a terminal or\n"
                           "NO_COLOR is set. Exit status: 0 after a game or q, 1 if something failed, 2 for\n"
                           "a wrong command line.\n";

/* The table as it was when we last looked at it. */
static thirtyone seen;

static void arrive(game_table *table)
{
    const thirtyone *state = table_state(table);
    seen = *state;
    if (thirtyone_seat_of(state, table_self(table)) >= 0) return;
    if (thirtyone_seated(state) == THIRTYONE_SEATS) {
        screen_message(&table->screen, "all seats are taken: you watch");
    } else if (table_has_person(table)) {
        table_dispatch(table, THIRTYONE_SIT, NULL);
    }
}

static bool discard(game_table *table, char number)
{
    const thirtyone *state = table_state(table);
    int              seat = thirtyone_seat_of(state, table_self(table));
    unsigned         i = (unsigned)(number - '1');
    if (seat < 0 || i >= state->seats[seat].count) return false;
    table_dispatch(table, THIRTYONE_DISCARD, &(thirtyone_discard){state->seats[seat].hand[i]});
    return true;
}

static bool obey(game_table *table, const char *line)
{
    bool seated = thirtyone_seat_of(table_state(table), table_self(table)) >= 0;
    if (line[0] == '3' && line[1] == '1' && !line[2]) {
        table_dispatch(table, THIRTYONE_SHOW, NULL);
        return true;
    }
    if (line[1]) return false;
    switch (line[0]) {
    case 'd': table_dispatch(table, THIRTYONE_DRAW, NULL); return true;
    case 't': table_dispatch(table, THIRTYONE_PICK, NULL); return true;
    case 'k': table_dispatch(table, THIRTYONE_KNOCK, NULL); return true;
    case 'n': table_dispatch(table, THIRTYONE_NEXT, NULL); return true;
    case 's': table_dispatch(table, seated ? THIRTYONE_STAND : THIRTYONE_SIT, NULL); return true;
    case '1':
    case '2':
    case '3':
    case '4': return discard(table, line[0]);
    default: return false;
    }
}

/* Says what has happened at the table. Of several --auto players all ask for the next round, and one is heard: that is
   no news. */
static bool tell(game_table *table, const movex_event *event)
{
    if (event->kind == MOVEX_EVENT_REFUSED && !table_has_person(table)) return true;
    if (event->kind != MOVEX_EVENT_CHANGED && event->kind != MOVEX_EVENT_ACCEPTED) return false;
    view_narrate(table, &seen);
    seen = *(const thirtyone *)table_state(table);
    return true;
}

/* Others may have left already, so the table is not the same for all who say this. */
static void conclude(const game_table *table)
{
    const thirtyone *state = table_state(table);
    printf("%s: %s has won game %u after %u rounds\n", table_self(table), state->winner, (unsigned)state->game,
           (unsigned)state->round);
}

int main(int argument_count, char **arguments)
{
    static const char *const robots[] = {"ann", "ben", "cid", "dot", "eva", NULL};
    const table_game         game = {
                .name = "thirtyone",
                .help = help,
                .type = &thirtyone_type,
                .mind = &bot_mind,
                .robots = robots,
                .robot_count = 3,
                .may_choose_robots = true,
                .reason_text = thirtyone_reason_text,
                .compose = view_compose,
                .prompt = view_prompt,
                .arrive = arrive,
                .obey = obey,
                .tell = tell,
                .conclude = conclude,
    };
    return table_main(&game, argument_count, arguments);
}
