/* A player for a movexd that serves nim.so: sits down, plays one round by itself, says how it ended.

     nim-player ws://127.0.0.1:9000 alice */
#include "nim.h"

#include <movex/client.h>
#include <movex/system.h>
#include <movex/websocket.h>

#include <inttypes.h>
#include <stdio.h>

/* False when the client has given up. */
static bool show_event(const movex_event *event)
{
    switch (event->kind) {
    case MOVEX_EVENT_CONNECTED: printf("connected\n"); break;
    case MOVEX_EVENT_DISCONNECTED: printf("no connection (%s); dialling again\n", event->text); break;
    case MOVEX_EVENT_JOINED: printf("%s is here\n", event->peer); break;
    case MOVEX_EVENT_AWAY: printf("%s is away; the seat is kept\n", event->peer); break;
    case MOVEX_EVENT_BACK: printf("%s is back\n", event->peer); break;
    case MOVEX_EVENT_LEFT: printf("%s has left\n", event->peer); break;
    case MOVEX_EVENT_ACCEPTED: printf("accepted, version %" PRIu64 "\n", event->version); break;
    case MOVEX_EVENT_REFUSED: printf("refused: %s\n", nim_reason_text(event->reason)); break;
    case MOVEX_EVENT_EXPIRED: printf("no answer will come any more\n"); break;
    case MOVEX_EVENT_MISMATCH: printf("computed another state than the master: %s\n", event->text); break;
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_REMOVED:
    case MOVEX_EVENT_CLOSED: fprintf(stderr, "%s\n", event->text); return false;
    default: break; /* what a table shows says it all; nothing is hidden in this game, and there are no peers */
    }
    return true;
}

/* One stone from the first heap that has any. */
static void move(movex_resource *table)
{
    const nim *game = movex_state(table);
    nim_take   what = {.heap = 0, .stones = 1};
    while (game->stones[what.heap] == 0) what.heap++;
    printf("taking a stone from heap %d\n", what.heap + 1);
    movex_dispatch(table, NIM_TAKE, &what);
}

static bool is_over(const movex_resource *table)
{
    const nim *game = movex_confirmed_state(table);
    return movex_in_sync(table) && game->phase == NIM_OVER && movex_pending(table) == 0;
}

static bool play(movex_client *client, movex_resource *table, const char *name)
{
    movex_event event;
    movex_dispatch(table, NIM_SIT, NULL);
    while (!is_over(table)) {
        movex_client_wait(client, 50);
        movex_client_poll(client, movex_system_now_ms());
        while (movex_client_next(client, &event))
            if (!show_event(&event)) return false;
        if (movex_in_sync(table) && nim_is_turn_of(movex_state(table), name)) move(table);
    }
    return true;
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 3) {
        fprintf(stderr, "usage: nim-player URL NAME\n");
        return 2;
    }
    const char     *name = arguments[2];
    movex_error     error = {.text = ""};
    movex_resource *table = NULL;
    movex_client   *client =
        movex_client_new(&(movex_client_config){.id = name, .io = movex_ws_connect(arguments[1]), .error = &error});
    if (!client) fprintf(stderr, "%s\n", error.text);
    if (client) table = movex_bind(client, &nim_type, "table-1");
    if (client && !table) fprintf(stderr, "%s\n", movex_client_error(client)->text);

    bool played = table && play(client, table, name);
    if (played) {
        const nim *game = movex_confirmed_state(table);
        printf("won by %s; version %" PRIu64 ", checksum %016" PRIx64 "\n", game->players[game->winner],
               movex_version(table), movex_checksum(table));
    }
    movex_client_free(client);
    return played ? 0 : 1;
}
