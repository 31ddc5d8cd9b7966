/* Tic-tac-toe in the terminal: alone against the machine, with the master in this process, or against others at a
   movexd. */
#define _POSIX_C_SOURCE 200809L

#include "game.h"
#include "opponent.h"
#include "options.h"
#include "screen.h"

#include <movex/client.h>
#include <movex/local.h>
#include <movex/master.h>
#include <movex/system.h>
#include <movex/text.h>
#ifdef HAVE_WEBSOCKET
#include <movex/websocket.h>
#endif

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { DONE = 0, FAILURE = 1, WRONG_USAGE = 2 };

#define PROMPT "1-9 place, n new round, s sit or stand, q quit >"
#define MACHINE_NAME "machine"

/* How long the loop sleeps when nothing comes. */
#define SLEEP_MS 20

typedef struct tictactoe_program {
    tictactoe_options options;
    tictactoe_screen  screen;
    movex_master     *master; /* alone only */
    movex_client     *client;
    movex_resource   *table;
    opponent          self;           /* --auto only: plays in the person's place */
    movex_client     *machine_client; /* alone only */
    opponent          machine;        /* alone only */
    bool              connected;
    bool              bound; /* the first state has come */
    bool              over;  /* to be left, with this code */
    int               code;
    size_t            typed_length; /* bytes of a line that has not ended */
    char              typed[32];
} tictactoe_program;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void end(tictactoe_program *program, int code)
{
    program->over = true;
    program->code = code;
}

static bool set_up_alone(tictactoe_program *program)
{
    movex_error error;
    program->master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&tictactoe_type), .error = &error});
    if (!program->master) {
        fprintf(stderr, "tictactoe: %s\n", error.text);
        return false;
    }
    program->machine_client = movex_client_new(
        &(movex_client_config){.id = MACHINE_NAME, .io = movex_local_connect(program->master), .error = &error});
    if (!program->machine_client) {
        fprintf(stderr, "tictactoe: %s\n", error.text);
        return false;
    }
    program->machine = (opponent){.table = movex_bind(program->machine_client, &tictactoe_type, program->options.table),
                                  .name = MACHINE_NAME,
                                  .pause_ms = program->options.pause_ms};
    return true;
}

/* The emitter by which the master is reached. */
static movex_io dial(const tictactoe_program *program)
{
    if (!program->options.url) return movex_local_connect(program->master);
#ifdef HAVE_WEBSOCKET
    movex_ws_config config = {.url = program->options.url, .ca_file = program->options.ca_file};
    movex_error     error;
    if (movex_ws_check(&config, &error) == MOVEX_OK) return movex_ws_new(&config);
    fprintf(stderr, "tictactoe: %s\n", error.text);
    return (movex_io){0};
#else
    fprintf(stderr, "tictactoe: this build has no websockets; it can only be played alone\n");
    return (movex_io){0};
#endif
}

static bool set_up(tictactoe_program *program)
{
    movex_error              error;
    const tictactoe_options *options = &program->options;
    if (!options->url && !set_up_alone(program)) return false;
    movex_io io = dial(program);
    if (!io.ops) return false;
    program->client = movex_client_new(&(movex_client_config){.id = options->name, .io = io, .error = &error});
    if (!program->client) {
        fprintf(stderr, "tictactoe: %s\n", error.text);
        return false;
    }
    program->table = movex_bind(program->client, &tictactoe_type, options->table);
    if (!program->table) {
        fprintf(stderr, "tictactoe: %s\n", movex_client_error(program->client)->text);
        return false;
    }
    program->self = (opponent){
        .table = program->table, .name = options->name, .rounds = options->rounds, .pause_ms = options->pause_ms};
    return true;
}

static void tear_down(tictactoe_program *program)
{
    movex_client_free(program->client);
    movex_client_free(program->machine_client);
    movex_master_free(program->master);
}

/* Dispatches an action and says so if that is not possible. Its outcome comes as an event. */
static void dispatch(tictactoe_program *program, uint32_t action, const void *payload)
{
    if (!movex_dispatch(program->table, action, payload))
        screen_message(&program->screen, "not possible now: %s", movex_client_error(program->client)->text);
}

static void sit_if_free(tictactoe_program *program)
{
    const tictactoe *table = movex_state(program->table);
    if (tictactoe_seat_of(table, program->options.name) >= 0) return;
    if (tictactoe_is_full(table)) {
        screen_message(&program->screen, "both seats are taken: you watch");
    } else if (!program->options.plays_by_itself) {
        dispatch(program, TICTACTOE_SIT, NULL);
    }
}

/* Others who come and go. A player without a person says so only while it matters. */
static void show_peer(tictactoe_program *program, const movex_event *event)
{
    const tictactoe *table = movex_state(program->table);
    bool             matters = !program->options.plays_by_itself || table->result == TICTACTOE_OPEN;
    if (movex_text_equals(event->peer, program->options.name)) return;
    switch (event->kind) {
    case MOVEX_EVENT_JOINED:
        if (!program->options.plays_by_itself) screen_message(&program->screen, "%s is here", event->peer);
        break;
    case MOVEX_EVENT_AWAY:
        if (matters) screen_message(&program->screen, "%s is away; the seat is kept", event->peer);
        break;
    case MOVEX_EVENT_BACK:
        if (matters) screen_message(&program->screen, "%s is back", event->peer);
        break;
    default:
        if (matters) screen_message(&program->screen, "%s has left", event->peer);
        break;
    }
}

/* Why a connection ended, or never was. */
static const char *words_of(const movex_event *event)
{
    return *event->text ? event->text : movex_status_text(event->status);
}

static void handle_event(tictactoe_program *program, const movex_event *event)
{
    tictactoe_screen *screen = &program->screen;
    switch (event->kind) {
    case MOVEX_EVENT_CONNECTED:
        program->connected = true;
        if (program->options.url) screen_message(screen, "connected to %s", program->options.url);
        break;
    case MOVEX_EVENT_DISCONNECTED:
        screen_message(screen, "%s: %s; dialling again", program->connected ? "connection lost" : "no connection",
                       words_of(event));
        program->connected = false;
        break;
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_REMOVED:
        screen_message(screen, "the server says no: %s", words_of(event));
        end(program, FAILURE);
        break;
    case MOVEX_EVENT_BOUND:
        program->bound = true;
        sit_if_free(program);
        break;
    case MOVEX_EVENT_REFUSED:
        screen_message(screen, "%s", event->reason > 0 ? tictactoe_reason_text(event->reason) : event->text);
        break;
    case MOVEX_EVENT_EXPIRED: screen_message(screen, "no answer came to what you did: look at the board"); break;
    case MOVEX_EVENT_JOINED:
    case MOVEX_EVENT_AWAY:
    case MOVEX_EVENT_BACK:
    case MOVEX_EVENT_LEFT: show_peer(program, event); break;
    case MOVEX_EVENT_MISMATCH: screen_message(screen, "this build had computed another game: %s", event->text); break;
    default: break; /* the table has changed: it is drawn anyway */
    }
}

static void obey(tictactoe_program *program, const char *line)
{
    const tictactoe *table = movex_state(program->table);
    char             command = line[0];
    if (command && line[1]) command = '?';
    screen_clear_messages(&program->screen); /* they were about what came before */
    if (command == 'q') {
        end(program, DONE);
    } else if (command == 'n') {
        dispatch(program, TICTACTOE_AGAIN, NULL);
    } else if (command == 's') {
        bool seated = tictactoe_seat_of(table, program->options.name) >= 0;
        dispatch(program, seated ? TICTACTOE_STAND : TICTACTOE_SIT, NULL);
    } else if (command >= '1' && command <= '9') {
        dispatch(program, TICTACTOE_PLACE, &(tictactoe_place){(uint8_t)(command - '1')});
    } else if (command) {
        screen_message(&program->screen, "type the number of a cell (1-9), n, s or q");
    }
    program->screen.frame[0] = '\0'; /* what was typed stands on the screen: draw it anew */
}

static void take_typed(tictactoe_program *program, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length && !program->over; i++) {
        if (bytes[i] == '\n') {
            program->typed[program->typed_length] = '\0';
            program->typed_length = 0;
            obey(program, program->typed);
        } else if (program->typed_length < sizeof program->typed - 1 && bytes[i] != ' ' && bytes[i] != '\r') {
            program->typed[program->typed_length++] = bytes[i];
        }
    }
}

/* Sleeps until somebody types, at most SLEEP_MS, and takes what was typed. */
static void wait_for_input(tictactoe_program *program)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char          bytes[256];
    if (poll(&input, 1, SLEEP_MS) <= 0) return;
    ssize_t length = read(STDIN_FILENO, bytes, sizeof bytes);
    if (length <= 0) {
        end(program, DONE);
    } else {
        take_typed(program, bytes, (size_t)length);
    }
}

static void poll_all(tictactoe_program *program)
{
    uint64_t    now_ms = movex_system_now_ms();
    movex_event event;
    if (program->master) movex_master_poll(program->master, now_ms);
    movex_client_poll(program->client, now_ms);
    while (movex_client_next(program->client, &event)) handle_event(program, &event);
    if (program->options.plays_by_itself) opponent_play(&program->self, now_ms);

    if (!program->machine_client) return;
    movex_client_poll(program->machine_client, now_ms);
    while (movex_client_next(program->machine_client, &event)) continue;
    opponent_play(&program->machine, now_ms);
}

/* In place there is always something to draw: messages are shown there only. In plain text there is no table before its
   first state has come; and none before it is full if nobody types: two players' outputs are then alike, line by
   line. */
static bool has_something_to_draw(const tictactoe_program *program)
{
    if (program->screen.in_place) return true;
    return program->bound && (program->screen.prompt || tictactoe_is_full(movex_state(program->table)));
}

static void run(tictactoe_program *program)
{
    if (program->options.url) screen_message(&program->screen, "dialling %s", program->options.url);
    while (!program->over && !interrupted) {
        poll_all(program);
        if (has_something_to_draw(program)) screen_draw(&program->screen, program->table, program->options.name);
        if (program->options.plays_by_itself && program->bound && opponent_is_done(&program->self)) end(program, DONE);
        if (program->over) break;
        if (!program->options.plays_by_itself) {
            wait_for_input(program);
        } else if (program->options.url) {
            movex_client_wait(program->client, SLEEP_MS);
        } else {
            movex_system_sleep_ms(1);
        }
    }
}

static void say_how_it_ended(const tictactoe_program *program)
{
    if (program->screen.in_place) fputs("\n", stdout);
    if (program->options.plays_by_itself && program->over && program->code == DONE)
        printf("%s: version %" PRIu64 ", checksum %016" PRIx64 "\n", program->options.name,
               movex_version(program->table), movex_checksum(program->table));
    /* In place, messages are shown with the table: without one, and at the end, they would be lost. */
    if (program->screen.in_place && program->code == FAILURE && program->screen.message_count > 0)
        fprintf(stderr, "tictactoe: %s\n", program->screen.messages[program->screen.message_count - 1]);
}

int main(int argument_count, char **arguments)
{
    tictactoe_program program = {0};
    struct sigaction  interrupt = {.sa_handler = on_interrupt};
    switch (options_parse(&program.options, argument_count, arguments)) {
    case OPTIONS_SHOW_HELP: fputs(options_help, stdout); return DONE;
    case OPTIONS_WRONG_USAGE:
        fprintf(stderr, "tictactoe: %s\nTry 'tictactoe --help'.\n", program.options.problem);
        return WRONG_USAGE;
    case OPTIONS_PLAY: break;
    }
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &interrupt, NULL);
    screen_open(&program.screen, stdout, program.options.plays_by_itself ? NULL : PROMPT);
    if (set_up(&program)) {
        run(&program);
        say_how_it_ended(&program);
    } else {
        program.code = FAILURE;
    }
    tear_down(&program);
    return program.code;
}
