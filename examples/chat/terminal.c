#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* struct winsize */

#include "terminal.h"

#include "../common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Control sequences of ECMA-48 terminals, and private ones that all in use today have from xterm. */
#define OTHER_SCREEN "\033[?1049h\033[?7l" /* and no wrapping by the terminal: we know where lines end */
#define OWN_SCREEN "\033[?7h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_ROW "\033[2K"
#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define PLAIN "\033[0m"
#define DIM "\033[2m"
#define INVERSE "\033[7m"
#define CYAN "\033[36m"

#define PROMPT "> "
#define INDENT 2u           /* columns before what continues a line */
#define LEAST_COLUMNS 16u   /* we draw as if there were as many */
#define ROWS_BELOW 2u       /* status and input */
#define PAGE_UP_REACH 4096u /* rows; more than there can be */

/* A row of the upper part. */
typedef struct terminal_row {
    const char     *text;
    size_t          length;
    transcript_kind kind;
    bool            continues; /* the row above */
} terminal_row;

/* The upper part in the making, from below. */
typedef struct terminal_rows {
    uint32_t     skip; /* rows still to be left out, because one has scrolled */
    uint32_t     count, capacity;
    terminal_row rows[TERMINAL_MAX_ROWS]; /* the lowest first */
} terminal_rows;

bool terminal_is_there(void)
{
    const char *name = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && name && strcmp(name, "dumb") != 0;
}

bool terminal_open(chat_terminal *terminal)
{
    const char *no_color = getenv("NO_COLOR");
    memset(terminal, 0, sizeof *terminal);
    if (tcgetattr(STDIN_FILENO, &terminal->before) != 0) return false;

    struct termios raw = terminal->before;
    raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON | ISTRIP);
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped program would leave the shell with this screen */
    raw.c_cc[VQUIT] = _POSIX_VDISABLE;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) return false;
    terminal->coloured = !(no_color && *no_color);
    fputs(OTHER_SCREEN, stdout);
    terminal_measure(terminal);
    return true;
}

void terminal_close(const chat_terminal *terminal)
{
    fputs(OWN_SCREEN SHOW_CURSOR, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
}

void terminal_measure(chat_terminal *terminal)
{
    struct winsize size = {0};
    bool           known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
    terminal->rows = known ? size.ws_row : 24;
    terminal->columns = known ? size.ws_col : 80;
    if (terminal->rows > TERMINAL_MAX_ROWS) terminal->rows = TERMINAL_MAX_ROWS;
    if (terminal->columns < LEAST_COLUMNS) terminal->columns = LEAST_COLUMNS;
    terminal->stale = true;
}

static uint32_t rows_above(const chat_terminal *terminal)
{
    return terminal->rows > ROWS_BELOW ? terminal->rows - ROWS_BELOW : 1;
}

void terminal_scroll(chat_terminal *terminal, int pages)
{
    uint32_t page = rows_above(terminal) > 1 ? rows_above(terminal) - 1 : 1;
    if (pages > 0) {
        if (terminal->scrolled < PAGE_UP_REACH) terminal->scrolled += page;
    } else {
        terminal->scrolled -= terminal->scrolled < page ? terminal->scrolled : page;
    }
    terminal->stale = true;
}

/* Breaks a line into rows and adds those that are in sight, the last first. */
static void add_line(terminal_rows *sight, const transcript_line *line, unsigned columns)
{
    size_t   starts[TRANSCRIPT_LINE_SIZE], length = strlen(line->text), at = 0;
    uint32_t count = 0;
    while (at < length) {
        starts[count] = at;
        at += utf8_fitting(line->text + at, length - at, count > 0 ? columns - INDENT : columns);
        count++;
    }
    for (size_t end = length; count-- > 0 && sight->count < sight->capacity; end = starts[count]) {
        if (sight->skip > 0) {
            sight->skip--;
            continue;
        }
        sight->rows[sight->count++] =
            (terminal_row){line->text + starts[count], end - starts[count], line->kind, count > 0};
    }
}

static void find_rows(const chat_terminal *terminal, const terminal_view *view, terminal_rows *sight)
{
    sight->skip = terminal->scrolled;
    sight->count = 0;
    sight->capacity = rows_above(terminal);
    for (uint32_t i = view->pending_count; i-- > 0;) add_line(sight, &view->pending[i], terminal->columns);
    for (uint32_t back = 0; back < view->transcript->count && sight->count < sight->capacity; back++)
        add_line(sight, transcript_at(view->transcript, back), terminal->columns);
}

static void draw_row(const chat_terminal *terminal, const terminal_row *row)
{
    const char *style = row->kind == TRANSCRIPT_PENDING                        ? DIM
                        : row->kind == TRANSCRIPT_NOTICE && terminal->coloured ? CYAN
                                                                               : "";
    printf("%s%*s%.*s%s", style, row->continues ? (int)INDENT : 0, "", (int)row->length, row->text,
           *style ? PLAIN : "");
}

static void draw_status(const chat_terminal *terminal, const char *status)
{
    const char *text = terminal->scrolled > 0 ? "(PgDn for what is new)" : status;
    size_t      length = utf8_fitting(text, strlen(text), terminal->columns - 1);
    unsigned    used = utf8_width(text, length);
    printf(CLEAR_ROW INVERSE " %.*s%*s" PLAIN "\r\n", (int)length, text, (int)(terminal->columns - 1 - used), "");
}

/* The end of the line that is being typed, as far as there is room: that is where the cursor is. */
static void draw_input(const chat_terminal *terminal, const input_line *input)
{
    unsigned    columns = terminal->columns - (unsigned)strlen(PROMPT) - 1;
    const char *text = input->text;
    size_t      length = input->length;
    unsigned    used = utf8_width(text, length);
    while (used > columns) {
        uint32_t code;
        size_t   step = utf8_step(text, length, &code);
        if (step == 0) step = 1;
        used -= utf8_columns(code);
        text += step;
        length -= step;
    }
    printf(CLEAR_ROW PROMPT "%.*s", (int)length, text);
}

void terminal_draw(chat_terminal *terminal, const terminal_view *view)
{
    terminal_rows sight;
    if (!terminal->stale) return;
    find_rows(terminal, view, &sight);
    if (sight.count < sight.capacity && terminal->scrolled > 0) { /* past the oldest line */
        uint32_t excess = sight.skip + sight.capacity - sight.count;
        terminal->scrolled -= excess < terminal->scrolled ? excess : terminal->scrolled;
        find_rows(terminal, view, &sight);
    }

    fputs(HIDE_CURSOR HOME, stdout);
    for (uint32_t i = sight.capacity; i-- > 0;) {
        fputs(CLEAR_ROW, stdout); /* before the text: after a full row it would take the last character */
        if (i < sight.count) draw_row(terminal, &sight.rows[i]);
        fputs("\r\n", stdout);
    }
    draw_status(terminal, view->status);
    draw_input(terminal, view->input);
    fputs(SHOW_CURSOR, stdout);
    fflush(stdout);
    terminal->stale = false;
}

void terminal_ring(void)
{
    fputc('\a', stdout);
    fflush(stdout);
}
