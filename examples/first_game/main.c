/* The program of docs/first-game.md: a master and two clients in one process, without threads and without a network, so
   that each step can be looked at. */
#include "nim.h"

#include <movex/local.h>
#include <movex/movex.h>

#include <inttypes.h>
#include <stdio.h>

typedef struct nim_player {
    const char     *name;
    movex_client   *client; /* NULL: has not come yet */
    movex_resource *table;
} nim_player;

typedef struct nim_world {
    uint64_t      now_ms;
    movex_master *master;
    nim_player    alice, bob;
} nim_world;

static void show(const char *name, const char *what, const nim *game)
{
    static const char *const phases[] = {"waiting", "playing", "over"};
    printf("  %s %s %u %u %u, %s", name, what, game->stones[0], game->stones[1], game->stones[2], phases[game->phase]);
    if (game->phase == NIM_PLAYING) printf(", turn of %s", game->players[game->turn]);
    if (game->phase == NIM_OVER) printf(", won by %s", game->players[game->winner]);
    printf("\n");
}

static void show_event(const nim_player *player, const movex_event *event)
{
    switch (event->kind) {
    case MOVEX_EVENT_ACCEPTED:
        printf("  %s: ticket %" PRIu32 " accepted, version %" PRIu64 "\n", player->name, event->ticket, event->version);
        break;
    case MOVEX_EVENT_REFUSED:
        printf("  %s: ticket %" PRIu32 " refused: %s\n", player->name, event->ticket, nim_reason_text(event->reason));
        break;
    case MOVEX_EVENT_EXPIRED:
        printf("  %s: ticket %" PRIu32 " has no known outcome\n", player->name, event->ticket);
        break;
    case MOVEX_EVENT_BOUND: printf("  %s: the table is here\n", player->name); break;
    case MOVEX_EVENT_JOINED: printf("  %s: %s is here\n", player->name, event->peer); break;
    case MOVEX_EVENT_LEFT: printf("  %s: %s has left\n", player->name, event->peer); break;
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_MISMATCH: printf("  %s: %s\n", player->name, event->text); break;
    default: break; /* the others matter when there is a network, or a screen to draw */
    }
}

static void poll_player(const nim_player *player, uint64_t now_ms)
{
    movex_event event;
    if (!player->client) return;
    movex_client_poll(player->client, now_ms);
    while (movex_client_next(player->client, &event)) show_event(player, &event);
}

/* A game calls this once a frame. Here time passes only when we say so. */
static void step(nim_world *world)
{
    world->now_ms += 10;
    movex_master_poll(world->master, world->now_ms);
    poll_player(&world->alice, world->now_ms);
    poll_player(&world->bob, world->now_ms);
}

/* More than enough for everything that is on its way to arrive. */
static void let_everything_arrive(nim_world *world)
{
    for (int i = 0; i < 10; i++) step(world);
}

static bool come(nim_world *world, nim_player *player, const char *name)
{
    movex_error error = {.text = ""};
    player->name = name;
    player->client =
        movex_client_new(&(movex_client_config){.id = name, .io = movex_local_connect(world->master), .error = &error});
    if (!player->client) {
        fprintf(stderr, "%s cannot come: %s\n", name, error.text);
        return false;
    }
    player->table = movex_bind(player->client, &nim_type, "table-1");
    if (!player->table) fprintf(stderr, "%s cannot bind: %s\n", name, movex_client_error(player->client)->text);
    return player->table != NULL;
}

/* Outcomes come later, as events. Nothing was dispatched if there is no ticket. */
static void act(const nim_player *player, uint32_t action, const void *payload)
{
    movex_ticket ticket = movex_dispatch(player->table, action, payload);
    if (ticket)
        printf("  %s: ticket %" PRIu32 " for %s\n", player->name, ticket, nim_type.actions[action].name);
    else
        printf("  %s: not dispatched: %s\n", player->name, movex_client_error(player->client)->text);
}

static bool meet(nim_world *world)
{
    printf("alice comes and sits down\n");
    if (!come(world, &world->alice, "alice")) return false;
    act(&world->alice, NIM_SIT, NULL);
    let_everything_arrive(world);

    printf("bob comes and sits down\n");
    if (!come(world, &world->bob, "bob")) return false;
    act(&world->bob, NIM_SIT, NULL);
    let_everything_arrive(world);
    show("both", "see", movex_state(world->bob.table));
    return true;
}

static void play_optimistically(nim_world *world)
{
    const nim        *game = movex_state(world->alice.table);
    const nim_player *first = nim_is_turn_of(game, "alice") ? &world->alice : &world->bob;
    const nim_player *second = first == &world->alice ? &world->bob : &world->alice;

    printf("%s takes three stones from the first heap\n", first->name);
    act(first, NIM_TAKE, &(nim_take){.heap = 0, .stones = 3});
    show(first->name, "sees", movex_state(first->table));
    show(first->name, "knows", movex_confirmed_state(first->table));
    show(second->name, "sees", movex_state(second->table));
    let_everything_arrive(world);
    show(second->name, "sees", movex_state(second->table));

    printf("%s tries to move again\n", first->name);
    act(first, NIM_TAKE, &(nim_take){.heap = 1, .stones = 1});
    let_everything_arrive(world);

    printf("%s takes the second heap, %s the third\n", second->name, first->name);
    act(second, NIM_TAKE, &(nim_take){.heap = 1, .stones = 4});
    let_everything_arrive(world);
    act(first, NIM_TAKE, &(nim_take){.heap = 2, .stones = 5});
    let_everything_arrive(world);
    show("both", "see", movex_state(second->table));
}

static void ask_at_the_same_time(nim_world *world)
{
    printf("both ask for another round, at the same time\n");
    act(&world->alice, NIM_AGAIN, NULL);
    act(&world->bob, NIM_AGAIN, NULL);
    show("alice", "sees", movex_state(world->alice.table));
    show("bob", "sees", movex_state(world->bob.table));
    let_everything_arrive(world);
    show("alice", "sees", movex_state(world->alice.table));
    show("bob", "sees", movex_state(world->bob.table));
}

static void compare(const nim_world *world)
{
    movex_hosted hosted;
    if (!movex_master_find(world->master, &nim_type, "table-1", &hosted)) return;
    bool agree =
        movex_checksum(world->alice.table) == hosted.checksum && movex_checksum(world->bob.table) == hosted.checksum;
    printf("version %" PRIu64 ", checksums %s\n", hosted.version, agree ? "agree" : "differ");
}

int main(void)
{
    movex_error error = {.text = ""};
    nim_world   world = {0};
    world.master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&nim_type), .error = &error});
    if (!world.master) {
        fprintf(stderr, "no master: %s\n", error.text);
        return 1;
    }
    bool met = meet(&world);
    if (met) {
        play_optimistically(&world);
        ask_at_the_same_time(&world);
        compare(&world);
    }
    movex_client_free(world.alice.client);
    movex_client_free(world.bob.client);
    movex_master_free(world.master);
    return met ? 0 : 1;
}
