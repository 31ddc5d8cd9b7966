#define _POSIX_C_SOURCE 200809L

#include "step.h"

#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { INPUT_SIZE = 64 };

typedef enum wish { NEXT, PREVIOUS, GO_TO, STATE, HELP, QUIT } wish;

typedef struct stepping {
    journal           *opened;
    const char        *viewer; /* as arguments_viewer */
    const movex_codec *codec;
    void              *before, *now; /* states as the viewer might see them */
    uint64_t           shown;        /* the version of `now` */
    uint64_t           first, last;
    bool               has_keys; /* a terminal: keys without Enter */
    struct termios     as_it_was;
} stepping;

static const char keys[] = "n or space: next   p: previous   a number and Enter: that version   s: state   q: quit\n";

/* ---- keys and lines */

static void take_keys(stepping *s)
{
    s->has_keys = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &s->as_it_was) == 0;
    if (!s->has_keys) return;
    struct termios raw = s->as_it_was;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG); /* Ctrl-C is a key: the terminal is given back as it was */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
}

static void give_keys_back(const stepping *s)
{
    if (s->has_keys) tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->as_it_was);
}

static wish meaning(const char *word, uint64_t *version)
{
    switch (word[0]) {
    case 0:
    case 'n':
    case ' ': return NEXT;
    case 'p': return PREVIOUS;
    case 's': return STATE;
    case 'q': return QUIT;
    }
    if (word[0] < '0' || word[0] > '9') return HELP;
    *version = strtoull(word, NULL, 10);
    return GO_TO;
}

/* What has been asked for by a line of a pipe. */
static wish read_line(uint64_t *version)
{
    char line[INPUT_SIZE];
    if (!fgets(line, sizeof line, stdin)) return QUIT;
    line[strcspn(line, "\n")] = 0;
    return meaning(line, version);
}

static int read_key(void)
{
    unsigned char key;
    return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

/* The arrows: right and down go on, left and up go back. */
static wish read_arrow(void)
{
    if (read_key() != '[') return HELP;
    int key = read_key();
    return key == 'C' || key == 'B' ? NEXT : key == 'D' || key == 'A' ? PREVIOUS : HELP;
}

/* A number, of which the first digit has been typed. */
static wish read_number(int key, uint64_t *version)
{
    char   digits[INPUT_SIZE];
    size_t length = 0;
    for (; key != '\n' && key != '\r'; key = read_key()) {
        bool rubs_out = key == 0x7f || key == '\b';
        if (rubs_out && length) {
            length--;
            fputs("\b \b", stdout);
        } else if (key >= '0' && key <= '9' && length < sizeof digits - 1) {
            digits[length++] = (char)key;
            putchar(key);
        } else if (!rubs_out) {
            length = 0;
            break;
        }
        fflush(stdout);
    }
    putchar('\n');
    digits[length] = 0;
    *version = strtoull(digits, NULL, 10);
    return length ? GO_TO : HELP;
}

static wish ask(const stepping *s, uint64_t *version)
{
    char word[2] = "";
    fflush(stdout);
    if (!s->has_keys) return read_line(version);
    int key = read_key();
    if (key == 0x1b) return read_arrow();
    if (key >= '0' && key <= '9') return read_number(key, version);
    word[0] = key == '\n' || key == '\r' ? 'n' : key == 3 || key == 4 ? 'q' : (char)key;
    return meaning(word, version);
}

/* ---- showing */

static int look(stepping *s)
{
    void *kept = s->before;
    s->before = s->now;
    s->now = kept;
    s->shown = movex_replay_at(s->opened->replay).version;
    return movex_replay_view(s->opened->replay, s->viewer, s->now, NULL);
}

static void show_version(stepping *s, uint64_t from)
{
    movex_replay_record made;
    if (!movex_replay_made_by(s->opened->replay, &made)) return;
    printf("version %" PRIu64 " of %" PRIu64 " to %" PRIu64 ", at %" PRIu64 " ms: ", made.version, s->first, s->last,
           made.now_ms);
    show_record(stdout, s->opened->replay, &made);
    putchar('\n');
    if (from == s->shown || movex_codec_equal(s->codec, s->before, s->now)) return;
    if (from + 1 == s->shown)
        fputs("  ", stdout);
    else
        printf("  since version %" PRIu64 ": ", from);
    show_changes(stdout, s->codec, s->before, s->now);
    putchar('\n');
}

static int go_to(stepping *s, uint64_t version)
{
    uint64_t from = s->shown;
    int      status = movex_replay_seek(s->opened->replay, version);
    if (status != MOVEX_OK && status != MOVEX_ERR_NOT_FOUND) return status;
    if (status == MOVEX_ERR_NOT_FOUND) printf("%s\n", movex_replay_error(s->opened->replay)->text);
    if (status == MOVEX_ERR_NOT_FOUND) status = movex_replay_seek(s->opened->replay, from);
    if (status == MOVEX_OK && version != from) status = look(s);
    if (status == MOVEX_OK) show_version(s, from);
    return status;
}

static int step(stepping *s, wish asked, uint64_t version)
{
    switch (asked) {
    case NEXT:
        if (s->shown < s->last) return go_to(s, s->shown + 1);
        puts("this is the last version");
        break;
    case PREVIOUS:
        if (s->shown > s->first) return go_to(s, s->shown - 1);
        puts("this is the first version");
        break;
    case GO_TO:
        if (version >= s->first && version <= s->last) return go_to(s, version);
        printf("there are the versions %" PRIu64 " to %" PRIu64 "\n", s->first, s->last);
        break;
    case STATE:
        show_json(stdout, s->codec, s->now);
        putchar('\n');
        break;
    default: fputs(keys, stdout);
    }
    return MOVEX_OK;
}

/* ---- the whole */

/* Goes to the end first, so that the last version is known; what is wrong behind it is said, and the rest can be looked
   at. */
static bool survey(stepping *s, int *code)
{
    movex_replay *replay = s->opened->replay;
    *code = movex_replay_finish(replay) == MOVEX_OK ? journal_end(s->opened) : journal_complain(s->opened);
    movex_replay_position at = movex_replay_at(replay);
    s->first = at.first;
    s->last = at.version;
    return at.stands;
}

static int go_through(stepping *s)
{
    wish     asked = HELP;
    uint64_t version = 0;
    int      code;
    if (!survey(s, &code)) return FAILURE;
    printf("%s: versions %" PRIu64 " to %" PRIu64 "\n", movex_replay_name(s->opened->replay), s->first, s->last);
    int status = movex_replay_seek(s->opened->replay, s->first);
    if (status == MOVEX_OK) status = look(s);
    if (status == MOVEX_OK) show_version(s, s->shown);
    for (; status == MOVEX_OK && asked != QUIT; asked = ask(s, &version)) status = step(s, asked, version);
    return status == MOVEX_OK ? code : journal_complain(s->opened);
}

int step_through(journal *opened, const char *viewer)
{
    const movex_rules *rules = movex_replay_rules(opened->replay);
    if (!rules) {
        fputs("movex: --step needs the game\n", stderr);
        return WRONG_USAGE;
    }
    stepping s = {.opened = opened, .viewer = viewer, .codec = movex_rules_state(rules)};
    size_t   size = movex_rules_type(rules)->state->size;
    int      code = FAILURE;
    s.before = malloc(size);
    s.now = malloc(size);
    if (s.before && s.now) {
        take_keys(&s);
        code = go_through(&s);
        give_keys_back(&s);
    }
    free(s.before);
    free(s.now);
    return code;
}
