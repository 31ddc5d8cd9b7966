/* A chat room in the terminal: alone, with the master in this process, or with others at a movexd. */
#define _POSIX_C_SOURCE 200809L

#include "../common/dial.h"
#include "input.h"
#include "room.h"
#include "terminal.h"
#include "transcript.h"

#include <movex/system.h>
#include <movex/text.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLEEP_MS 20      /* of the loop, when nothing comes */
#define UNANSWERED 64    /* lines of a pipe on their way at once; more are not read before */
#define FAREWELL_MS 1000 /* for what is on its way when a person leaves */
#define NOTICE_SIZE 320  /* bytes */
#define READ_SIZE 256    /* bytes; with one line in two of them, still fewer than may be pending */

static const char help[] = "chat - a chat room in the terminal\n"
                           "\n"
                           "usage: chat                                     alone, to try it\n"
                           "       chat [OPTION]... ws://HOST:PORT NAME [ROOM]\n"
                           "                                                with others, at a movexd; wss:// for TLS\n"
                           "\n"
                           "Whoever comes to a room (default: lobby) sees its last 100 messages. Type a line\n"
                           "and Enter to say it; it is dim until the server has confirmed it. PgUp and PgDn\n"
                           "show what was said before, Ctrl-U clears the line, Ctrl-C leaves.\n"
                           "\n"
                           "If standard input or output is not a terminal, every line of the input is said,\n"
                           "messages go to standard output and everything else to standard error; at the end\n"
                           "of the input it leaves when all that was said is answered.\n"
                           "\n"
                           "options:\n"
                           "  --ca FILE       trust these certificates (PEM) for wss://, not the system's\n"
                           "  --wait SECONDS  at the end of the input, how long to wait for answers; default 15\n"
                           "  --help          print this and exit\n"
                           "\n"
                           "Exit status: 0 when all that was said is in the room, 1 if something failed, 2 for\n"
                           "a wrong command line.\n";

typedef struct chat_program {
    command_options options;
    uint32_t        wait_seconds; /* at the end of the input, for answers */
    movex_master   *master;       /* alone only */
    movex_client   *client;
    movex_resource *resource;
    chat_transcript transcript;
    chat_terminal   terminal;
    input_line      input;
    char            typed[sizeof(((say *)0)->text) + 1]; /* not in place: a line that has not ended */
    size_t          typed_length;
    bool            in_place;
    bool            connected;
    bool            bound; /* the first state has come */
    bool            leaving;
    uint64_t        leave_by_ms;
    bool            over; /* to be left, with this code */
    int             code;
} chat_program;

static volatile sig_atomic_t interrupted, resized;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void on_resize(int number)
{
    (void)number;
    resized = 1;
}

static void end(chat_program *program, int code)
{
    program->over = true;
    program->code = code;
}

/* Says something that is not a message. */
static void notice(chat_program *program, const char *format, ...)
{
    char    text[NOTICE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const transcript_line *line = transcript_add_notice(&program->transcript, text);
    if (line && !program->in_place) fprintf(stderr, "%s\n", line->text);
    program->terminal.stale = true;
}

/* Shows what the master has confirmed since the last look. */
static void follow_room(chat_program *program)
{
    transcript_sequel sequel;
    const room       *seen = movex_confirmed_state(program->resource);
    uint32_t          first = transcript_find_new(&program->transcript, seen, &sequel);
    if (sequel == TRANSCRIPT_HAS_A_GAP)
        notice(program, "more has been said than is kept: something may be missing here");
    if (sequel == TRANSCRIPT_BEGINS_ANEW) {
        notice(program, "the server has begun this room anew");
        program->transcript.last = (message){0};
    }
    for (uint32_t i = first; i < seen->count; i++) {
        const transcript_line *line = transcript_add_message(&program->transcript, &seen->messages[i]);
        if (!program->in_place) puts(line->text);
    }
    if (!program->in_place) fflush(stdout);
    program->terminal.stale = true;
}

static void show_peer(chat_program *program, const movex_event *event)
{
    const char *what = event->kind == MOVEX_EVENT_JOINED ? "is here"
                       : event->kind == MOVEX_EVENT_AWAY ? "is away"
                       : event->kind == MOVEX_EVENT_BACK ? "is back"
                                                         : "has left";
    if (!movex_text_equals(event->peer, program->options.name)) notice(program, "%s %s", event->peer, what);
}

static void fail_to_say(chat_program *program, const char *why)
{
    notice(program, "not said: %s", why);
    if (!program->in_place) program->code = FAILURE;
}

static void handle_event(chat_program *program, const movex_event *event)
{
    switch (event->kind) {
    case MOVEX_EVENT_CONNECTED:
        program->connected = true;
        if (program->options.url) notice(program, "connected to %s", program->options.url);
        break;
    case MOVEX_EVENT_DISCONNECTED:
        notice(program, "%s: %s; dialling again", program->connected ? "connection lost" : "no connection",
               dial_reason(event));
        program->connected = false;
        break;
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_REMOVED:
        notice(program, "the server says no: %s", dial_reason(event));
        end(program, FAILURE);
        break;
    case MOVEX_EVENT_BOUND:
        program->bound = true;
        follow_room(program);
        break;
    case MOVEX_EVENT_CHANGED:
    case MOVEX_EVENT_ACCEPTED: follow_room(program); break;
    case MOVEX_EVENT_REFUSED:
        fail_to_say(program, event->reason == EMPTY_TEXT ? "there is nothing in it" : event->text);
        break;
    case MOVEX_EVENT_EXPIRED: fail_to_say(program, "no answer came, but it may be in the room"); break;
    case MOVEX_EVENT_JOINED:
    case MOVEX_EVENT_AWAY:
    case MOVEX_EVENT_BACK:
    case MOVEX_EVENT_LEFT: show_peer(program, event); break;
    case MOVEX_EVENT_MISMATCH: notice(program, "this build had computed another room: %s", event->text); break;
    default: break;
    }
}

/* Says a line; its outcome comes as an event. */
static void say_text(chat_program *program, const char *text)
{
    say said;
    movex_text_set(said.text, text);
    if (!movex_dispatch(program->resource, SAY, &said)) fail_to_say(program, movex_client_error(program->client)->text);
    program->terminal.stale = true;
}

static void leave(chat_program *program)
{
    program->leaving = true;
    uint32_t patience_ms = program->in_place ? FAREWELL_MS : program->wait_seconds * 1000;
    program->leave_by_ms = movex_system_now_ms() + patience_ms;
}

static void take_key(chat_program *program, char byte)
{
    chat_terminal *terminal = &program->terminal;
    switch (input_take(&program->input, byte)) {
    case INPUT_CHANGED: terminal->stale = true; break;
    case INPUT_FULL: terminal_ring(); break;
    case INPUT_ENTERED:
        if (program->input.length > 0) say_text(program, program->input.text);
        input_clear(&program->input);
        terminal->scrolled = 0;
        terminal->stale = true;
        break;
    case INPUT_PAGE_UP: terminal_scroll(terminal, 1); break;
    case INPUT_PAGE_DOWN: terminal_scroll(terminal, -1); break;
    case INPUT_REDRAW: terminal_measure(terminal); break;
    case INPUT_LEAVE: leave(program); break;
    default: break;
    }
}

/* Says what was typed up to a message's length, and keeps the rest. */
static void say_typed(chat_program *program)
{
    char text[sizeof(((say *)0)->text)];
    program->typed[program->typed_length] = '\0';
    movex_text_set(text, program->typed);
    size_t length = strlen(text);
    if (length > 0) say_text(program, text);
    program->typed_length -= length;
    memmove(program->typed, program->typed + length, program->typed_length);
}

/* A byte of input that is not a terminal. A line that is too long is said in pieces. */
static void take_byte(chat_program *program, char byte)
{
    bool control = (unsigned char)byte < 0x20 || byte == 0x7f;
    if (byte == '\n') {
        say_typed(program);
        return;
    }
    if (control && byte != '\t') return;
    if (program->typed_length == sizeof program->typed - 1) say_typed(program);
    program->typed[program->typed_length++] = byte == '\t' ? ' ' : byte;
}

static void end_of_input(chat_program *program)
{
    if (!program->in_place) say_typed(program);
    leave(program);
}

/* Sleeps until somebody types, at most SLEEP_MS, and takes what was typed. */
static void wait_for_input(chat_program *program)
{
    bool          listening = !program->leaving && (program->in_place || movex_pending(program->resource) < UNANSWERED);
    struct pollfd input = {.fd = listening ? STDIN_FILENO : -1, .events = POLLIN};
    char          bytes[READ_SIZE];
    if (poll(&input, 1, SLEEP_MS) <= 0) return;
    ssize_t length = read(STDIN_FILENO, bytes, sizeof bytes);
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (length <= 0) {
        end_of_input(program);
        return;
    }
    for (ssize_t i = 0; i < length; i++) {
        if (program->in_place) {
            take_key(program, bytes[i]);
        } else {
            take_byte(program, bytes[i]);
        }
    }
}

/* One's own messages that the master has not confirmed: they follow the confirmed ones. Returns how many. */
static uint32_t show_pending(const chat_program *program, transcript_line *lines)
{
    const room *seen = movex_state(program->resource);
    uint64_t    confirmed = movex_version(program->resource);
    uint32_t    count = 0;
    for (uint32_t i = 0; i < seen->count; i++)
        if (seen->messages[i].id > confirmed)
            transcript_show_message(&lines[count++], TRANSCRIPT_PENDING, &seen->messages[i]);
    return count;
}

static void draw(chat_program *program)
{
    transcript_line pending[MOVEX_COUNT_OF(((room *)0)->messages)];
    char            status[NOTICE_SIZE];
    const room     *seen = movex_state(program->resource);
    uint32_t        unanswered = movex_pending(program->resource);
    const char     *connection = !program->options.url ? "alone" : program->connected ? "connected" : "dialling";
    int length = snprintf(status, sizeof status, "%s: %s", movex_resource_id(program->resource), connection);
    if (program->bound)
        length += snprintf(status + length, sizeof status - (size_t)length, ", %u present", (unsigned)seen->present);
    if (unanswered > 0)
        snprintf(status + length, sizeof status - (size_t)length, ", %u on the way", (unsigned)unanswered);
    terminal_view view = {
        .transcript = &program->transcript, .pending = pending, .status = status, .input = &program->input};
    view.pending_count = show_pending(program, pending);
    terminal_draw(&program->terminal, &view);
}

static void poll_all(chat_program *program)
{
    uint64_t    now_ms = movex_system_now_ms();
    movex_event event;
    if (program->master) movex_master_poll(program->master, now_ms);
    movex_client_poll(program->client, now_ms);
    while (movex_client_next(program->client, &event)) {
        handle_event(program, &event);
        if (program->leaving && program->connected && !program->in_place) leave(program); /* it goes on */
    }
}

/* Who leaves waits for the answers to what was said, but not for ever. */
static void leave_if_done(chat_program *program)
{
    if (!program->leaving || program->over) return;
    if (program->bound && movex_pending(program->resource) == 0) {
        end(program, program->code);
    } else if (movex_system_now_ms() >= program->leave_by_ms) {
        if (!program->in_place) notice(program, "no answer from the server: given up");
        end(program, program->in_place ? DONE : FAILURE);
    }
}

static void run(chat_program *program)
{
    if (program->options.url) notice(program, "dialling %s as %s", program->options.url, program->options.name);
    while (!program->over && !interrupted) {
        poll_all(program);
        leave_if_done(program);
        if (program->over) break;
        if (program->in_place && resized) terminal_measure(&program->terminal);
        resized = 0;
        if (program->in_place) draw(program);
        wait_for_input(program);
    }
    if (!program->over && movex_pending(program->resource) > 0) program->code = FAILURE; /* interrupted */
}

static bool set_up(chat_program *program)
{
    const command_options *options = &program->options;
    game_connection        at = {0};
    if (!options->url && !(program->master = dial_alone(options, &room_type))) return false;
    bool dialled = dial(&at, options, program->master, options->name, &room_type);
    program->client = at.client;
    program->resource = at.resource;
    return dialled;
}

static void catch_signals(void)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt}, resize = {.sa_handler = on_resize};
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &interrupt, NULL);
    sigaction(SIGHUP, &interrupt, NULL);
#ifdef SIGWINCH /* in no POSIX before 2024 */
    sigaction(SIGWINCH, &resize, NULL);
#else
    (void)resize;
#endif
}

/* In place, the reason for a failure is gone with the screen: here it is once more. */
static void chat(chat_program *program)
{
    program->in_place = terminal_is_there() && terminal_open(&program->terminal);
    run(program);
    if (!program->in_place) return;
    terminal_close(&program->terminal);
    if (program->over && program->code == FAILURE)
        fprintf(stderr, "chat: %s\n", transcript_at(&program->transcript, 0)->text + 2);
}

int main(int argument_count, char **arguments)
{
    static chat_program  program; /* large */
    const options_number numbers[] = {{"--wait", " of seconds", 1, 3600, &program.wait_seconds}, {0}};
    program.wait_seconds = 15;
    program.options =
        (command_options){.program = "chat", .help = help, .verb = "chat", .place = "lobby", .numbers = numbers};
    if (!options_take(&program.options, argument_count, arguments, &program.code)) return program.code;
    catch_signals();
    if (set_up(&program)) {
        chat(&program);
    } else {
        program.code = FAILURE;
    }
    movex_client_free(program.client);
    movex_master_free(program.master);
    return program.code;
}
