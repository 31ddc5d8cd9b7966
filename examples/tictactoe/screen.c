#define _POSIX_C_SOURCE 200809L

#include "screen.h"

#include "game.h"

#include <movex/text.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Styles of ECMA-48 terminals. */
#define PLAIN "\033[0m"
#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[1;31m"
#define GREEN "\033[1;32m"
#define BLUE "\033[1;34m"
#define HOME_AND_CLEAR "\033[H\033[2J\033[3J"

/* How many spectators are named. */
enum { NAMED_SPECTATORS = 5 };

/* A frame in the making. */
typedef struct tictactoe_canvas {
    const tictactoe_screen *screen;
    const movex_resource   *resource;
    const tictactoe        *table;
    const char             *name;
    size_t                  length;
    char                    text[SCREEN_FRAME_SIZE];
} tictactoe_canvas;

static void put(tictactoe_canvas *canvas, const char *format, ...)
{
    va_list arguments;
    size_t  room = sizeof canvas->text - canvas->length;
    va_start(arguments, format);
    int length = vsnprintf(canvas->text + canvas->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) canvas->length += (size_t)length < room ? (size_t)length : room - 1;
}

/* Text in a style, where the screen has styles. */
static void put_styled(tictactoe_canvas *canvas, const char *style, const char *text)
{
    if (canvas->screen->in_place) {
        put(canvas, "%s%s%s", style, text, PLAIN);
    } else {
        put(canvas, "%s", text);
    }
}

static void put_mark(tictactoe_canvas *canvas, tictactoe_mark mark)
{
    put_styled(canvas, mark == TICTACTOE_X ? RED : BLUE, mark == TICTACTOE_X ? "X" : "O");
}

static void put_row(tictactoe_canvas *canvas, int row)
{
    put(canvas, "  ");
    for (int i = row * 3; i < row * 3 + 3; i++) {
        char number[] = {(char)('1' + i), '\0'};
        put(canvas, i % 3 ? " | " : " ");
        if (canvas->table->cell[i] == TICTACTOE_EMPTY) {
            put_styled(canvas, DIM, number);
        } else {
            put_mark(canvas, (tictactoe_mark)canvas->table->cell[i]);
        }
    }
}

static bool shows_people(const tictactoe_canvas *canvas)
{
    return canvas->screen->in_place || canvas->screen->prompt;
}

/* What is to be said of somebody's presence; "" if he is there. */
static const char *absence(const tictactoe_canvas *canvas, const char *name)
{
    movex_subscriber subscriber;
    if (!shows_people(canvas)) return "";
    for (uint32_t i = 0; movex_subscriber_at(canvas->resource, i, &subscriber); i++)
        if (movex_text_equals(subscriber.id, name)) return subscriber.away ? ", away" : "";
    return ", gone";
}

static void put_player(tictactoe_canvas *canvas, int seat)
{
    const char *player = canvas->table->player[seat];
    put(canvas, "    ");
    put_mark(canvas, tictactoe_mark_of(seat));
    put(canvas, " ");
    if (!*player) {
        put_styled(canvas, DIM, "(free)");
        return;
    }
    put_styled(canvas, tictactoe_is_turn_of(canvas->table, seat) ? BOLD : PLAIN, player);
    bool own = movex_text_equals(player, canvas->name) && !movex_text_equals(player, "you");
    put(canvas, "%s%s", own ? " (you)" : "", absence(canvas, player));
}

static void put_status(tictactoe_canvas *canvas)
{
    const tictactoe *table = canvas->table;
    bool             won = table->result == TICTACTOE_X_WON || table->result == TICTACTOE_O_WON;
    int              seat = won ? (table->result == TICTACTOE_O_WON) : table->turn;
    bool             own = tictactoe_seat_of(table, canvas->name) == seat;
    char             text[MOVEX_NAME_SIZE + 16];
    if (table->result == TICTACTOE_DRAWN) {
        snprintf(text, sizeof text, "a draw");
    } else if (won) {
        snprintf(text, sizeof text, own ? "you have won" : "%s has won", table->player[seat]);
    } else if (!tictactoe_is_full(table)) {
        bool seated = tictactoe_seat_of(table, canvas->name) >= 0;
        snprintf(text, sizeof text, seated ? "waiting for a second player" : "a seat is free");
        own = false;
    } else {
        snprintf(text, sizeof text, own ? "your turn" : "%s's turn", table->player[seat]);
    }
    put(canvas, "  ");
    put_styled(canvas, own ? GREEN : BOLD, text);
    put(canvas, "\n");
}

static void put_spectators(tictactoe_canvas *canvas)
{
    movex_subscriber subscriber;
    uint32_t         count = 0;
    for (uint32_t i = 0; movex_subscriber_at(canvas->resource, i, &subscriber); i++) {
        if (tictactoe_seat_of(canvas->table, subscriber.id) >= 0) continue;
        if (count++ < NAMED_SPECTATORS)
            put(canvas, "%s%s%s", count == 1 ? "  watching: " : ", ", subscriber.id, subscriber.away ? " (away)" : "");
    }
    if (count > NAMED_SPECTATORS) put(canvas, " and %u more", (unsigned)(count - NAMED_SPECTATORS));
    if (count > 0) put(canvas, "\n");
}

static void compose(tictactoe_canvas *canvas)
{
    const tictactoe *table = canvas->table;
    put(canvas, "\n  ");
    put_styled(canvas, BOLD, movex_resource_id(canvas->resource));
    put(canvas, ", round %u\n\n", (unsigned)table->round);
    put_row(canvas, 0);
    put(canvas, " "); /* a row is narrower than a line by one */
    put_player(canvas, 0);
    put(canvas, "\n  ---+---+---");
    put_player(canvas, 1);
    put(canvas, "\n");
    put_row(canvas, 1);
    put(canvas, "\n  ---+---+---");
    put(canvas, "    wins %u : %u", (unsigned)table->wins[0], (unsigned)table->wins[1]);
    if (table->draws > 0) put(canvas, ", draws %u", (unsigned)table->draws);
    put(canvas, "\n");
    put_row(canvas, 2);
    put(canvas, "\n\n");
    put_status(canvas);
    if (shows_people(canvas)) put_spectators(canvas);
}

void screen_open(tictactoe_screen *screen, FILE *stream, const char *prompt)
{
    const char *terminal = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    memset(screen, 0, sizeof *screen);
    screen->stream = stream;
    screen->prompt = prompt;
    screen->in_place = isatty(fileno(stream)) && terminal && strcmp(terminal, "dumb") != 0 && !(no_color && *no_color);
}

void screen_message(tictactoe_screen *screen, const char *format, ...)
{
    char    text[SCREEN_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (screen->message_count > 0 && strcmp(text, screen->messages[screen->message_count - 1]) == 0) return;
    if (screen->message_count == SCREEN_MESSAGES)
        memmove(screen->messages, screen->messages + 1, --screen->message_count * sizeof screen->messages[0]);
    memcpy(screen->messages[screen->message_count++], text, sizeof text);
    screen->stale = true;
    if (screen->in_place) return;
    fprintf(screen->stream, "%s\n", text);
    fflush(screen->stream);
}

void screen_clear_messages(tictactoe_screen *screen)
{
    screen->message_count = 0;
    screen->stale = true;
}

void screen_draw(tictactoe_screen *screen, const movex_resource *table, const char *name)
{
    tictactoe_canvas canvas = {.screen = screen, .resource = table, .table = movex_state(table), .name = name};
    compose(&canvas);
    bool same = strcmp(canvas.text, screen->frame) == 0;
    if (same && !(screen->in_place && screen->stale)) return;

    memcpy(screen->frame, canvas.text, canvas.length + 1);
    if (screen->in_place) fputs(HOME_AND_CLEAR, screen->stream);
    fputs(canvas.text, screen->stream);
    if (screen->in_place) {
        fputs("\n", screen->stream);
        for (uint32_t i = 0; i < screen->message_count; i++) fprintf(screen->stream, "  %s\n", screen->messages[i]);
        if (screen->prompt) fprintf(screen->stream, "\n  %s ", screen->prompt);
    }
    fflush(screen->stream);
    screen->stale = false;
}
