/* Somebody with secrets, over a websocket: hides a bid of 4242 in hidden:t, and takes two cards in cards:t. Then says
 *
 *     ready CHECKSUM CHECKSUM CARD CARD
 *
 * with the checksums of the two as one who only watches has them, and the cards in hand; and is gone when its standard input
 * ends.
 *
 *     usage: hidden_player URL */
#include "cards_game.h"
#include "hidden_game.h"

#include <movex/system.h>
#include <movex/websocket.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 15000 };
enum { PLAYER, WATCHER, CLIENTS };

static movex_client   *clients[CLIENTS];
static movex_resource *bids[CLIENTS], *tables[CLIENTS];

/* Until both have so much, and nothing waits for an answer. */
static void run_until(uint64_t bid_version, uint64_t card_version)
{
    uint64_t give_up_ms = movex_system_now_ms() + PATIENCE_MS;
    bool     waits = true;
    while (waits) {
        waits = false;
        for (int i = 0; i < CLIENTS; i++) {
            movex_event event;
            movex_client_poll(clients[i], movex_system_now_ms());
            while (movex_client_next(clients[i], &event)) {
                if (event.kind != MOVEX_EVENT_REFUSED && event.kind != MOVEX_EVENT_CLOSED) continue;
                fprintf(stderr, "hidden_player: %d %s\n", event.reason, event.text);
                exit(1);
            }
            waits = waits || movex_version(bids[i]) < bid_version || movex_version(tables[i]) < card_version;
            movex_client_wait(clients[i], 5);
        }
        if (movex_system_now_ms() < give_up_ms) continue;
        fprintf(stderr, "hidden_player: nothing has come\n");
        exit(1);
    }
}

int main(int argument_count, char **arguments)
{
    static const char *const names[CLIENTS] = {"ann", "watcher"};
    if (argument_count != 2) {
        fprintf(stderr, "usage: hidden_player URL\n");
        return 2;
    }
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = movex_client_new(&(movex_client_config){.id = names[i], .io = movex_ws_connect(arguments[1])});
        bids[i] = movex_bind(clients[i], &hidden_type, "t");
        tables[i] = movex_bind(clients[i], &cards_type, "t");
        if (!bids[i] || !tables[i]) return 1;
    }
    hidden_do(bids[PLAYER], HIDDEN_SIT, 0, 0);
    hidden_hide(bids[PLAYER], HIDDEN_BID, 0, 4242);
    movex_dispatch(tables[PLAYER], CARDS_SIT, &(cards_place){0});
    movex_dispatch(tables[PLAYER], CARDS_SHUFFLE, &(cards_shuffle){.first = 200});
    for (int i = 0; i < 2; i++) movex_dispatch(tables[PLAYER], CARDS_TAKE, NULL);
    run_until(2, 4);
    const hidden_table *own = movex_state(bids[PLAYER]);
    const cards        *table = movex_state(tables[PLAYER]);
    if (own->seats[0].bid != 4242 || table->seats[0].count != 2) return 1;
    printf("ready %016" PRIx64 " %016" PRIx64 " %d %d\n", movex_checksum(bids[WATCHER]),
           movex_checksum(tables[WATCHER]), table->seats[0].hand[0], table->seats[0].hand[1]);
    fflush(stdout);
    while (getchar() != EOF) {}
    for (int i = 0; i < CLIENTS; i++) movex_client_free(clients[i]);
    return 0;
}
