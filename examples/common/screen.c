#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* struct winsize */

#include "screen.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Control sequences of ECMA-48 terminals, and private ones that all in use today have. */
#define HOME "\033[H"
#define HOME_AND_CLEAR "\033[H\033[2J\033[3J"
#define CLEAR_REST_OF_ROW "\033[K"
#define SAVE_CURSOR "\0337"
#define RESTORE_CURSOR "\0338"

#define LEAST_COLUMNS 20u /* we draw as if there were as many */
#define ROOM_TO_TYPE 10u  /* columns beside the prompt, its margin included */

static void append(game_screen *screen, const char *format, va_list arguments)
{
    size_t room = sizeof screen->frame - screen->length;
    int    length = vsnprintf(screen->frame + screen->length, room, format, arguments);
    if (length > 0) screen->length += (size_t)length < room ? (size_t)length : room - 1;
}

void screen_begin(game_screen *screen)
{
    screen->length = 0;
    screen->frame[0] = '\0';
}

void screen_put(game_screen *screen, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append(screen, format, arguments);
    va_end(arguments);
}

void screen_put_styled(game_screen *screen, const char *style, const char *text)
{
    if (screen->in_place) {
        screen_put(screen, "%s%s%s", style, text, SCREEN_PLAIN);
    } else {
        screen_put(screen, "%s", text);
    }
}

void screen_put_padded(game_screen *screen, const char *style, const char *text, unsigned columns)
{
    unsigned width = utf8_width(text, strlen(text));
    screen_put_styled(screen, style, text);
    if (width < columns) screen_put(screen, "%*s", (int)(columns - width), "");
}

static bool is_set(const char *value)
{
    return value && *value;
}

/* What the locale says of characters, without taking it on. */
static bool has_unicode(void)
{
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (is_set(value)) return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
    }
    return false;
}

static void measure(game_screen *screen)
{
    struct winsize size = {0};
    bool           known = ioctl(fileno(screen->stream), TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
    unsigned       rows = known ? size.ws_row : 24, columns = known ? size.ws_col : 80;
    if (columns < LEAST_COLUMNS) columns = LEAST_COLUMNS;
    if (rows != screen->rows || columns != screen->columns) screen_entered(screen);
    screen->rows = rows;
    screen->columns = columns;
}

void screen_open(game_screen *screen, FILE *stream, bool is_typed_at)
{
    const char *terminal = getenv("TERM");
    memset(screen, 0, sizeof *screen);
    screen->stream = stream;
    screen->is_typed_at = is_typed_at;
    screen->in_place =
        isatty(fileno(stream)) && terminal && strcmp(terminal, "dumb") != 0 && !is_set(getenv("NO_COLOR"));
    screen->in_unicode = screen->in_place && has_unicode();
}

void screen_message(game_screen *screen, const char *format, ...)
{
    char    said[SCREEN_MESSAGE_SIZE], text[SCREEN_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    utf8_copy_shown(text, sizeof text, said);
    if (screen->message_count > 0 && strcmp(text, screen->messages[screen->message_count - 1]) == 0) return;
    if (screen->message_count == SCREEN_MESSAGES)
        memmove(screen->messages, screen->messages + 1, --screen->message_count * sizeof screen->messages[0]);
    memcpy(screen->messages[screen->message_count++], text, sizeof text);
    screen->stale = true;
    if (screen->in_place) return;
    fprintf(screen->stream, "%s\n", text);
    fflush(screen->stream);
}

void screen_clear_messages(game_screen *screen)
{
    screen->message_count = 0;
    screen->stale = true;
}

void screen_entered(game_screen *screen)
{
    screen->shown[0] = '\0';
    screen->prompt_row = 0;
}

/* Lines, broken where the window ends: returns how many rows they take. Draws them if `draws`. */
static unsigned put_lines(const game_screen *screen, const char *text, const char *indent, bool draws)
{
    unsigned rows = 0, columns = screen->columns - 1 - (unsigned)strlen(indent);
    while (*text) {
        size_t line = strcspn(text, "\n"), fits = utf8_fitting(text, line, columns);
        if (draws) fprintf(screen->stream, "%s%.*s%s\n", indent, (int)fits, text, CLEAR_REST_OF_ROW);
        text += fits;
        if (fits == line && *text == '\n') text++;
        rows++;
    }
    return rows;
}

/* The frame, an empty row, the messages in as many rows as all of them need at least, and an empty row. */
static unsigned put_upper(const game_screen *screen, bool draws)
{
    unsigned rows = put_lines(screen, screen->frame, "", draws) + put_lines(screen, "\n", "", draws), said = 0;
    for (uint32_t i = 0; i < screen->message_count; i++) said += put_lines(screen, screen->messages[i], "  ", draws);
    for (; said < SCREEN_MESSAGES; said++) put_lines(screen, "\n", "", draws);
    return rows + said + put_lines(screen, "\n", "", draws);
}

/* Where the row of what is typed stays the same, it is left alone: somebody may be typing. */
static void show_in_place(game_screen *screen, const char *prompt)
{
    unsigned row = put_upper(screen, false) + 1;
    unsigned below = put_lines(screen, prompt, "  ", false);
    bool     stays = screen->is_typed_at && screen->prompt_row == row && strcmp(screen->prompt, prompt) == 0;
    fputs(stays ? SAVE_CURSOR HOME : HOME_AND_CLEAR, screen->stream);
    put_upper(screen, true);
    if (stays) {
        fputs(RESTORE_CURSOR, screen->stream);
    } else if (screen->is_typed_at) {
        if (utf8_width(prompt, strlen(prompt)) + ROOM_TO_TYPE < screen->columns) {
            fprintf(screen->stream, "  %s > ", prompt);
        } else { /* too long for one row: what is typed stands in the next */
            put_lines(screen, prompt, "  ", true);
            fputs("  > ", screen->stream);
            below++;
        }
    }
    screen->prompt_row = row + below < screen->rows ? row : 0; /* what has scrolled away cannot be drawn over */
    snprintf(screen->prompt, sizeof screen->prompt, "%s", prompt);
}

void screen_show(game_screen *screen, const char *prompt)
{
    if (screen->in_place) measure(screen);
    bool same = strcmp(screen->frame, screen->shown) == 0;
    if (same && !(screen->in_place && (screen->stale || strcmp(screen->prompt, prompt) != 0))) return;
    memcpy(screen->shown, screen->frame, screen->length + 1);
    if (screen->in_place) {
        show_in_place(screen, prompt);
    } else {
        fputs(screen->frame, screen->stream);
    }
    fflush(screen->stream);
    screen->stale = false;
}
