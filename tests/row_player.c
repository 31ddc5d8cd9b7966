/* A player of the row game who does what its standard input says, over a websocket: for tests with other clients.
 *
 *     usage: row_player URL NAME ID
 *
 * Commands, one a line: append NUMBER, swap A B, take, draw, stamp, claim, say TEXT (each answered by "accepted VERSION" or
 * "refused REASON"), wait VERSION (answered by "state VERSION CHECKSUM MISMATCHES" once that version is confirmed). */
#include "row_game.h"

#include <movex/system.h>
#include <movex/websocket.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 15000 };

typedef struct {
    movex_client   *client;
    movex_resource *resource;
    movex_event     outcome; /* kind 0: none has come */
} player;

static void take_events(player *p)
{
    movex_event event;
    while (movex_client_next(p->client, &event)) {
        if (event.kind == MOVEX_EVENT_ACCEPTED || event.kind == MOVEX_EVENT_REFUSED) p->outcome = event;
        if (event.kind == MOVEX_EVENT_CLOSED || event.kind == MOVEX_EVENT_EXPIRED ||
            event.kind == MOVEX_EVENT_BIND_REFUSED || event.kind == MOVEX_EVENT_MISMATCH) {
            fprintf(stderr, "row_player: event %d: %s\n", (int)event.kind, event.text);
            exit(1);
        }
    }
}

/* Polls until the version is confirmed, or, for UINT64_MAX, until an outcome has come. */
static void run_until(player *p, uint64_t version)
{
    uint64_t give_up_ms = movex_system_now_ms() + PATIENCE_MS;
    for (;;) {
        movex_client_poll(p->client, movex_system_now_ms());
        take_events(p);
        if (version == UINT64_MAX ? p->outcome.kind != 0
                                  : movex_in_sync(p->resource) && movex_version(p->resource) >= version)
            return;
        if (movex_system_now_ms() > give_up_ms) {
            fprintf(stderr, "row_player: nothing has come\n");
            exit(1);
        }
        movex_client_wait(p->client, 20);
    }
}

static movex_ticket dispatch(player *p, const char *command, const char *rest)
{
    static const char *const names[ROW_ACTIONS] = {"append", "swap", "take", "draw", "stamp", "claim", "say"};
    row_say                  say;
    movex_text_set(say.text, rest);
    char       *second = NULL;
    long        first = strtol(rest, &second, 10);
    row_append  append = {.number = (int32_t)first};
    row_swap    swap = {.a = (uint8_t)first, .b = (uint8_t)strtol(second, NULL, 10)};
    const void *payloads[ROW_ACTIONS] = {[ROW_APPEND] = &append, [ROW_SWAP] = &swap, [ROW_SAY] = &say};
    for (uint32_t i = 0; i < ROW_ACTIONS; i++) {
        if (strcmp(command, names[i]) != 0) continue;
        return movex_dispatch(p->resource, i, payloads[i]);
    }
    fprintf(stderr, "row_player: unknown command %s\n", command);
    exit(1);
}

static void act(player *p, const char *command, const char *rest)
{
    if (strcmp(command, "wait") == 0) {
        run_until(p, strtoull(rest, NULL, 10));
        printf("state %" PRIu64 " %016" PRIx64 " %" PRIu64 "\n", movex_version(p->resource),
               movex_checksum(p->resource), movex_client_stats(p->client).mismatches);
        return;
    }
    p->outcome = (movex_event){0};
    if (!dispatch(p, command, rest)) {
        fprintf(stderr, "row_player: %s\n", movex_client_error(p->client)->text);
        exit(1);
    }
    run_until(p, UINT64_MAX);
    if (p->outcome.kind == MOVEX_EVENT_ACCEPTED)
        printf("accepted %" PRIu64 "\n", p->outcome.version);
    else
        printf("refused %d\n", p->outcome.reason);
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 4) {
        fprintf(stderr, "usage: row_player URL NAME ID\n");
        return 2;
    }
    player p = {.client = movex_client_new(
                    &(movex_client_config){.id = arguments[2], .info = "in C", .io = movex_ws_connect(arguments[1])})};
    p.resource = movex_bind(p.client, &row_type, arguments[3]);
    if (!p.resource) return 1;
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *rest = strchr(line, ' ');
        if (rest) *rest++ = 0;
        act(&p, line, rest ? rest : line + strlen(line));
        fflush(stdout);
    }
    movex_client_free(p.client);
    return 0;
}
