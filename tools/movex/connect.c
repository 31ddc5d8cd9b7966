/* movex connect: watches a resource of a movexd, and plays, from the shell. */
#define _POSIX_C_SOURCE 200809L

#include "journal.h"
#include "player.h"

#include <movex/system.h>
#include <movex/websocket.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SLEEP_MS = 20,       /* of the loop, when nothing comes */
    CONNECT_MS = 10000,  /* how long the first connection may take */
    FAREWELL_MS = 15000, /* how long answers may take at the end of the input */
    MOST_PENDING = 32,   /* dispatches on their way at once; no line is read before */
    LINE_SIZE = 1 << 17  /* bytes of the longest line */
};

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
    (void)number;
    stopped = 1;
}

typedef struct input {
    char  *bytes; /* LINE_SIZE */
    size_t length;
    bool   ended;
} input;

/* ---- starting */

static const movex_type *find_type(const movexd_games *games, const char *name, const char **id)
{
    for (uint32_t i = 0; i < games->type_count; i++) {
        size_t length = strlen(games->types[i]->name);
        *id = name + length + 1;
        if (strncmp(name, games->types[i]->name, length) == 0 && name[length] == ':') return games->types[i];
    }
    fprintf(stderr, "movex: %s: the game has no such type; TYPE:ID is needed, and it has", name);
    for (uint32_t i = 0; i < games->type_count; i++) fprintf(stderr, " %s", games->types[i]->name);
    fputc('\n', stderr);
    return NULL;
}

static bool make_room(player *p)
{
    size_t largest = 1;
    for (uint32_t i = 0; i < p->type->action_count; i++) {
        const movex_schema *payload = p->type->actions[i].payload;
        if (payload && payload->size > largest) largest = payload->size;
    }
    p->state = malloc(p->type->state->size);
    for (int i = 0; i < 2; i++) p->payloads[i] = malloc(largest);
    return p->state && p->payloads[0] && p->payloads[1];
}

static bool dial(player *p, const char *url, const char *id)
{
    char            name[MOVEX_NAME_SIZE];
    movex_error     error = {.text = ""};
    movex_ws_config config = {.url = url, .ca_file = p->given->ca_file};
    snprintf(name, sizeof name, "movex-%ld", (long)getpid());
    if (movex_ws_check(&config, &error) == MOVEX_OK)
        p->client = movex_client_new(&(movex_client_config){.id = p->given->id ? p->given->id : name,
                                                            .credentials = p->given->credentials,
                                                            .io = movex_ws_new(&config),
                                                            .entropy = movex_system_entropy,
                                                            .error = &error});
    if (p->client) p->resource = movex_bind(p->client, p->type, id);
    if (p->resource) return true;
    fprintf(stderr, "movex: %s\n", p->client ? movex_client_error(p->client)->text : error.text);
    return false;
}

/* ---- going on */

static void take_event(player *p, const movex_event *event)
{
    player_event(p, event);
    switch (event->kind) {
    case MOVEX_EVENT_CONNECTED: p->connected = true; break;
    case MOVEX_EVENT_BOUND: p->bound = true; break;
    case MOVEX_EVENT_REFUSED:
    case MOVEX_EVENT_EXPIRED:
    case MOVEX_EVENT_OVERTURNED:
    case MOVEX_EVENT_MISMATCH: p->failed = true; break;
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_REMOVED: p->over = p->failed = true; break;
    default: break;
    }
}

/* Dispatches the lines that are there, as long as not too many are on their way. */
static void take_lines(player *p, input *in)
{
    char *end;
    while (movex_pending(p->resource) < MOST_PENDING && (end = memchr(in->bytes, '\n', in->length)) != NULL) {
        size_t taken = (size_t)(end - in->bytes) + 1;
        *end = 0;
        player_line(p, in->bytes);
        memmove(in->bytes, in->bytes + taken, in->length -= taken);
    }
    if (in->length == LINE_SIZE - 1) {
        fputs("movex: a line that is too long\n", stderr);
        p->over = p->failed = true;
    }
}

static void read_input(player *p, input *in)
{
    struct pollfd asked = {.fd = STDIN_FILENO, .events = POLLIN};
    take_lines(p, in);
    if (in->ended || in->length == LINE_SIZE - 1 || movex_pending(p->resource) >= MOST_PENDING) return;
    if (poll(&asked, 1, 0) <= 0) return;
    ssize_t got = read(STDIN_FILENO, in->bytes + in->length, LINE_SIZE - 1 - in->length);
    if (got > 0) in->length += (size_t)got;
    in->ended = got <= 0;
    if (in->ended && in->length && in->bytes[in->length - 1] != '\n') in->bytes[in->length++] = '\n';
    take_lines(p, in);
}

static bool is_done(const player *p, const input *in)
{
    return p->bound && in->ended && in->length == 0 && movex_pending(p->resource) == 0;
}

/* A time has run out: says so. */
static void give_up(player *p, const char *why)
{
    fflush(stdout);
    fprintf(stderr, "movex: %s\n", why);
    p->over = p->failed = true;
}

static void go_on(player *p, input *in)
{
    uint64_t started_ms = movex_system_now_ms(), ended_ms = 0;
    while (!p->over && !stopped) {
        uint64_t    now_ms = movex_system_now_ms();
        movex_event event;
        movex_client_poll(p->client, now_ms);
        while (movex_client_next(p->client, &event)) take_event(p, &event);
        if (p->bound && !p->given->watch && !p->over) read_input(p, in);
        if (!p->given->watch && is_done(p, in)) break;
        if (in->ended && !ended_ms) ended_ms = now_ms;
        if (!p->over && !p->connected && now_ms - started_ms > CONNECT_MS) give_up(p, "no connection");
        if (!p->over && ended_ms && now_ms - ended_ms > FAREWELL_MS) give_up(p, "no answer to what was dispatched");
        fflush(stdout);
        if (ferror(stdout)) p->over = true;
        movex_client_flush(p->client);
        if (!p->over) movex_client_wait(p->client, SLEEP_MS);
    }
    if (p->given->once && p->bound && !p->over) player_state(p);
}

static bool play(player *p)
{
    const char *id;
    input       in = {.bytes = malloc(LINE_SIZE)};
    p->type = find_type(&p->games, p->name, &id);
    bool started = p->type && in.bytes && make_room(p) && dial(p, p->given->operands[0], id);
    if (started) go_on(p, &in);
    movex_client_free(p->client);
    free(in.bytes);
    free(p->state);
    for (int i = 0; i < 2; i++) free(p->payloads[i]);
    return started && !p->failed;
}

int command_connect(const arguments *given)
{
    player           p = {.given = given, .name = given->operands[1]};
    struct sigaction stop = {.sa_handler = on_stop};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    bool played = journal_load(&p.games, given->operands[2]) && play(&p);
    movexd_games_free(&p.games);
    return played ? SUCCESS : FAILURE;
}
