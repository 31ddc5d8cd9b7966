#define _POSIX_C_SOURCE 200809L

#include "table.h"

#include <movex/system.h>
#include <movex/text.h>

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* How long the loop sleeps when nothing comes. */
#define SLEEP_MS 20

/* How many spectators are named. */
#define NAMED_SPECTATORS 5

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

const char *table_self(const game_table *table)
{
    return table->options.name;
}

const void *table_state(const game_table *table)
{
    return movex_state(table->at.resource);
}

bool table_has_person(const game_table *table)
{
    return !table->options.plays_by_itself;
}

bool table_shows_people(const game_table *table)
{
    return table->screen.in_place || table_has_person(table);
}

static void end(game_table *table, int code)
{
    table->over = true;
    table->code = code;
}

void table_dispatched(game_table *table, movex_ticket ticket)
{
    if (!ticket) screen_message(&table->screen, "not possible now: %s", movex_client_error(table->at.client)->text);
}

void table_dispatch(game_table *table, uint32_t action, const void *payload)
{
    table_dispatched(table, movex_dispatch(table->at.resource, action, payload));
}

const char *table_absence(const game_table *table, const char *name)
{
    movex_subscriber subscriber;
    if (!table_shows_people(table)) return "";
    for (uint32_t i = 0; movex_subscriber_at(table->at.resource, i, &subscriber); i++)
        if (movex_text_equals(subscriber.id, name)) return subscriber.away ? ", away" : "";
    return ", gone";
}

void table_put_spectators(game_table *table, bool (*plays)(const void *state, const char *name))
{
    game_screen     *screen = &table->screen;
    movex_subscriber subscriber;
    uint32_t         count = 0;
    if (!table_shows_people(table)) return;
    for (uint32_t i = 0; movex_subscriber_at(table->at.resource, i, &subscriber); i++) {
        if (plays(table_state(table), subscriber.id)) continue;
        if (count++ < NAMED_SPECTATORS)
            screen_put(screen, "%s%s%s", count == 1 ? "  watching: " : ", ", subscriber.id,
                       subscriber.away ? " (away)" : "");
    }
    if (count > NAMED_SPECTATORS) screen_put(screen, " and %u more", (unsigned)(count - NAMED_SPECTATORS));
    if (count > 0) screen_put(screen, "\n");
}

/* Others who come and go. */
static void tell_peer(game_table *table, const movex_event *event)
{
    const char *what = event->kind == MOVEX_EVENT_JOINED ? "is here"
                       : event->kind == MOVEX_EVENT_AWAY ? "is away; the seat is kept"
                       : event->kind == MOVEX_EVENT_BACK ? "is back"
                                                         : "has left";
    if (movex_text_equals(event->peer, table_self(table)) || !table_has_person(table)) return;
    screen_message(&table->screen, "%s %s", event->peer, what);
}

static void tell_master(game_table *table, const movex_event *event)
{
    game_screen *screen = &table->screen;
    table->alone_now = false;
    if (movex_text_equals(event->peer, table_self(table))) screen_message(screen, "you are the master now");
    else if (*event->peer) screen_message(screen, "%s is the master now", event->peer);
    else screen_message(screen, "there is no master now");
}

/* What alone is accepted may be undone. */
static void tell_accepted(game_table *table, const movex_event *event)
{
    if (event->provisional && !table->alone_now)
        screen_message(&table->screen, "you are alone: what is done now counts unless others have gone on as well");
    table->alone_now = event->provisional;
}

/* What happens in a room of peers, who are members whatever they have bound. True if that is all there is to say. */
static bool tell_room(game_table *table, const movex_event *event)
{
    game_screen *screen = &table->screen;
    switch (event->kind) {
    case MOVEX_EVENT_MASTER: tell_master(table, event); return true;
    case MOVEX_EVENT_MEMBER_JOINED:
    case MOVEX_EVENT_MEMBER_LEFT:
        if (movex_text_equals(event->peer, table_self(table))) return true;
        screen_message(screen, "%s %s", event->peer,
                       event->kind == MOVEX_EVENT_MEMBER_JOINED ? "has come into the room" : "is out of the room");
        return true;
    case MOVEX_EVENT_PEER_REFUSED:
        screen_message(screen, "%s cannot play here: %s", *event->peer ? event->peer : "somebody", dial_reason(event));
        return true;
    case MOVEX_EVENT_ACCEPTED: tell_accepted(table, event); return true;
    case MOVEX_EVENT_UNDONE: screen_message(screen, "undone, for others have gone on as well: look at the table"); return true;
    case MOVEX_EVENT_CLOSED: screen_message(screen, "this cannot go on: %s", dial_reason(event)); return true;
    case MOVEX_EVENT_CONNECTED:
    case MOVEX_EVENT_DISCONNECTED: return true; /* of the way to the master, who is told of */
    default: return false;
    }
}

static void tell(game_table *table, const movex_event *event)
{
    game_screen *screen = &table->screen;
    if (table->at.peer && tell_room(table, event)) return;
    switch (event->kind) {
    case MOVEX_EVENT_CONNECTED:
        if (table->options.url) screen_message(screen, "connected to %s", table->options.url);
        break;
    case MOVEX_EVENT_DISCONNECTED:
        screen_message(screen, "%s: %s; dialling again", table->connected ? "connection lost" : "no connection",
                       dial_reason(event));
        break;
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_REMOVED: screen_message(screen, "%s: %s", table->at.peer ? "not possible here" : "the server says no", dial_reason(event)); break;
    case MOVEX_EVENT_REFUSED:
        screen_message(screen, "%s", event->reason > 0 ? table->game->reason_text(event->reason) : event->text);
        break;
    case MOVEX_EVENT_EXPIRED: screen_message(screen, "no answer came to what you did: look at the table"); break;
    case MOVEX_EVENT_JOINED:
    case MOVEX_EVENT_AWAY:
    case MOVEX_EVENT_BACK:
    case MOVEX_EVENT_LEFT: tell_peer(table, event); break;
    case MOVEX_EVENT_MISMATCH: screen_message(screen, "this build had computed another game: %s", event->text); break;
    default: break; /* the table has changed: it is drawn anyway */
    }
}

static void handle_event(game_table *table, const movex_event *event)
{
    if (!table->game->tell || !table->game->tell(table, event)) tell(table, event);
    switch (event->kind) {
    case MOVEX_EVENT_CONNECTED: table->connected = true; break;
    case MOVEX_EVENT_DISCONNECTED: table->connected = false; break;
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_REMOVED: end(table, FAILURE); break;
    case MOVEX_EVENT_BOUND:
        if (!table->bound) table->game->arrive(table);
        table->bound = true;
        break;
    default: break;
    }
}

static void take_line(game_table *table, const char *line)
{
    screen_clear_messages(&table->screen); /* they were about what came before */
    if (strcmp(line, "q") == 0) {
        end(table, DONE);
    } else if (*line && !table->game->obey(table, line)) {
        screen_message(&table->screen, "not understood: %s", line);
    }
    screen_entered(&table->screen);
}

static void take_typed(game_table *table, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length && !table->over; i++) {
        if (bytes[i] == '\n') {
            table->typed[table->typed_length] = '\0';
            table->typed_length = 0;
            take_line(table, table->typed);
        } else if (table->typed_length < sizeof table->typed - 1 && bytes[i] != ' ' && bytes[i] != '\r') {
            table->typed[table->typed_length++] = bytes[i];
        }
    }
}

/* Sleeps until somebody types, at most SLEEP_MS, and takes what was typed. */
static void wait_for_input(game_table *table)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char          bytes[256];
    if (poll(&input, 1, SLEEP_MS) <= 0) return;
    ssize_t length = read(STDIN_FILENO, bytes, sizeof bytes);
    if (length <= 0) {
        end(table, DONE);
    } else {
        take_typed(table, bytes, (size_t)length);
    }
}

static void wait_for_something(game_table *table)
{
    if (table_has_person(table)) {
        wait_for_input(table);
    } else if (!options_alone(&table->options)) {
        dial_wait(&table->at, SLEEP_MS);
    } else {
        movex_system_sleep_ms(1);
    }
}

static void poll_all(game_table *table)
{
    uint64_t    now_ms = movex_system_now_ms();
    movex_event event;
    if (table->master) movex_master_poll(table->master, now_ms);
    dial_poll(&table->at, now_ms);
    while (dial_next(&table->at, &event)) handle_event(table, &event);
    if (!table_has_person(table)) robot_play(&table->self, now_ms);
    for (uint32_t i = 0; i < table->robot_count; i++) {
        game_robot *robot = &table->robots[i];
        movex_client_poll(robot->at.client, now_ms);
        while (movex_client_next(robot->at.client, &event)) continue;
        robot_play(robot, now_ms);
    }
}

/* In a room it may be another one at any time. */
static void put_master(game_table *table)
{
    const movex_peer *peer = table->at.peer;
    if (!peer || !table_shows_people(table)) return;
    const char *master = movex_peer_master(peer);
    screen_put(&table->screen, "  master: %s\n", movex_peer_is_master(peer) ? "you" : *master ? master : "nobody now");
}

/* In place there is always something to draw: messages are shown there only. In plain text there is no table before its
   first state has come. */
static void draw(game_table *table)
{
    if (!table->screen.in_place && !table->bound) return;
    screen_begin(&table->screen);
    bool worth = table->game->compose(table);
    put_master(table);
    if (worth || table->screen.in_place) screen_show(&table->screen, table->game->prompt(table));
}

static void say_where(game_table *table)
{
    const command_options *options = &table->options;
    if (options->url) screen_message(&table->screen, "dialling %s", options->url);
    if (options->room.relay) screen_message(&table->screen, "meeting at %s", options->room.relay);
    if (options->room.listen) screen_message(&table->screen, "listening on port %u", (unsigned)table->at.port);
}

static void run(game_table *table)
{
    say_where(table);
    while (!table->over && !interrupted) {
        poll_all(table);
        draw(table);
        if (!table_has_person(table) && table->bound && robot_is_done(&table->self)) end(table, DONE);
        if (!table->over) wait_for_something(table);
    }
}

static void say_how_it_ended(const game_table *table)
{
    const game_screen *screen = &table->screen;
    if (screen->in_place) fputs("\n", stdout);
    if (!table_has_person(table) && table->over && table->code == DONE) {
        if (table->game->conclude) {
            table->game->conclude(table);
        } else {
            printf("%s: version %" PRIu64 ", checksum %016" PRIx64 "\n", table_self(table),
                   movex_version(table->at.resource), movex_checksum(table->at.resource));
        }
    }
    /* In place, messages are shown with the table: without one, and at the end, they would be lost. */
    fflush(stdout);
    if (screen->in_place && table->code == FAILURE && screen->message_count > 0)
        fprintf(stderr, "%s: %s\n", table->game->name, screen->messages[screen->message_count - 1]);
}

/* At a server there may be others of the same name: a robot's then names its owner as well, cut to fit. */
static const char *name_robot(game_table *table, uint32_t i)
{
    char        name[TABLE_LINE_SIZE + 2 * MOVEX_NAME_SIZE];
    bool        at_server = table->options.url != NULL;
    const char *owner = at_server ? table_self(table) : "";
    snprintf(name, sizeof name, "%s%s%.*s", table->game->robots[i], at_server ? "-" : "", MOVEX_NAME_MAX, owner);
    movex_text_set(table->robot_names[i], name);
    return table->robot_names[i];
}

/* The robots are clients of their own, at the same master as the person. */
static bool set_up_robots(game_table *table)
{
    for (uint32_t i = 0; i < table->robot_count; i++) {
        game_robot *robot = &table->robots[i];
        robot->mind = table->game->mind;
        robot->name = name_robot(table, i);
        robot->pause_ms = table->pause_ms;
        if (!dial(&robot->at, &table->options, table->master, robot->name, table->game->type)) return false;
    }
    return true;
}

static bool set_up(game_table *table)
{
    const command_options *options = &table->options;
    if (options_alone(options) && !(table->master = dial_alone(options, table->game->type))) return false;
    if (!dial(&table->at, options, table->master, options->name, table->game->type)) return false;
    table->self = (game_robot){.mind = table->game->mind,
                               .at = table->at,
                               .name = options->name,
                               .rounds = table->rounds,
                               .company = table->players,
                               .pause_ms = table->pause_ms};
    return set_up_robots(table);
}

static void tear_down(game_table *table)
{
    dial_end(&table->at);
    for (uint32_t i = 0; i < table->robot_count; i++) dial_end(&table->robots[i].at);
    movex_master_free(table->master);
}

static uint32_t count_names(const char *const *names)
{
    uint32_t count = 0;
    while (names[count]) count++;
    return count;
}

/* Reads the command line; false if the program is to end at once. */
static bool take_options(game_table *table, int argument_count, char **arguments)
{
    const table_game    *game = table->game;
    const uint32_t       unset = UINT32_MAX, most = count_names(game->robots);
    options_room        *room = &table->options.room;
    const options_number numbers[] = {
        {"--rounds", "", 1, 1000000, &table->rounds},
        {"--pause-ms", "", 0, 60000, &table->pause_ms},
        {game->may_choose_robots ? "--bots" : "", "", 0, most, &table->robot_count},
        {game->may_choose_robots ? "--players" : "", "", 2, most + 1, &table->players},
        {game->may_peer ? "--players" : "", "", 1, MOVEX_ROOM_MAX, &room->size},
        {game->may_peer ? "--silent-seconds" : "", "", 1, 3600, &room->silent_seconds},
        {0},
    };
    table->rounds = 1;
    table->pause_ms = 700;
    table->robot_count = unset;
    table->options = (command_options){.program = game->name,
                                       .help = game->help,
                                       .verb = "play",
                                       .place = "table-1",
                                       .may_auto = true,
                                       .may_peer = game->may_peer,
                                       .numbers = numbers};
    if (!options_take(&table->options, argument_count, arguments, &table->code)) return false;
    bool alone = options_alone(&table->options);
    if (table->robot_count == unset) table->robot_count = alone ? game->robot_count : 0;
    if (!table->players) table->players = alone ? table->robot_count + 1 : 2;
    table->options.numbers = NULL; /* they were of this call */
    return true;
}

int table_main(const table_game *game, int argument_count, char **arguments)
{
    static game_table table; /* large */
    struct sigaction  interrupt = {.sa_handler = on_interrupt};
    table.game = game;
    if (!take_options(&table, argument_count, arguments)) return table.code;
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &interrupt, NULL);
    screen_open(&table.screen, stdout, table_has_person(&table));
    if (set_up(&table)) {
        run(&table);
        say_how_it_ended(&table);
    } else {
        table.code = FAILURE;
    }
    tear_down(&table);
    return table.code;
}
