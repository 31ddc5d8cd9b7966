/* Players of the tally game over websockets, who do as much as they can, through whatever happens to their server, and note in
 * a file what they learn:
 *
 *     A RESOURCE VERSION CLIENT ACTION ID    a dispatch was accepted
 *     R RESOURCE CLIENT ACTION ID REASON     a dispatch was refused
 *     S RESOURCE VERSION CHAIN CLIENT        that version is confirmed
 *     L RESOURCE VERSION ENTRY               what has made it, as tally_game.h has it, told once
 *
 * Of what was accepted before a snapshot that has come since, the version of the snapshot is known: "a" in the place of "A".
 *
 * Commands come as lines: "rest" stops them, and once everybody has all answers and the same states says "at VERSION CHECKSUM
 * RESOURCE" for each resource, and "resting"; "go" goes on. At the end of the input they stop. Whatever must not happen
 * ends the program with code 1 and a line on stderr.
 *
 *     usage: tally_player URL FILE CLIENTS RESOURCES WINDOW */
#define _POSIX_C_SOURCE 200809L
#include "tally_game.h"

#include <movex/system.h>
#include <movex/websocket.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CLIENTS = TALLY_SEATS, MOST_RESOURCES = 16, MOST_WINDOW = 256, PATIENCE_MS = 30000 };

typedef struct {
    movex_ticket ticket; /* 0: free */
    uint32_t     action;
    uint64_t     id;
} doing;

typedef struct {
    movex_resource *resource;
    uint64_t        ids;  /* so many were given */
    uint64_t        seen; /* the version that was noted last */
    uint32_t        waiting;
    doing           doings[MOST_WINDOW];
} place;

typedef struct {
    movex_client *client;
    uint64_t      snapshots; /* that had come at the last look */
    place         places[MOST_RESOURCES];
} player;

static player   players[MOST_CLIENTS];
static int      player_count, resource_count;
static uint64_t told[MOST_RESOURCES]; /* up to which version the log is noted */
static uint32_t window;
static FILE    *notes;
static uint64_t dice = 88172645463325252u;

static uint64_t roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    return dice ^= dice << 17;
}

static void give_up(const player *p, const char *what, const char *text)
{
    fflush(notes);
    fprintf(stderr, "tally_player: %s: %s: %s\n", movex_client_id(p->client), what, text);
    exit(1);
}

static void act(player *p, place *at, uint32_t action)
{
    const tally_id id = {action == TALLY_OPEN ? 0 : ++at->ids};
    doing         *free_one = at->doings;
    while (free_one->ticket) free_one++;
    movex_ticket ticket = action == TALLY_KEEP
                              ? movex_dispatch_private(at->resource, action, &id, TALLY_NOD, NULL)
                              : movex_dispatch(at->resource, action, action == TALLY_OPEN ? NULL : &id);
    if (!ticket) give_up(p, "cannot dispatch", movex_client_error(p->client)->text);
    *free_one = (doing){ticket, action, id.id};
    at->waiting++;
}

static void note_outcome(player *p, const movex_event *event, bool exact)
{
    int i = 0;
    while (p->places[i].resource != event->resource) i++;
    place *at = &p->places[i];
    doing *done = at->doings;
    while (done < at->doings + MOST_WINDOW && done->ticket != event->ticket) done++;
    if (done == at->doings + MOST_WINDOW) give_up(p, "an outcome that nobody waits for", event->text);
    if (event->kind == MOVEX_EVENT_ACCEPTED)
        fprintf(notes, "%c %d %" PRIu64 " %s %" PRIu32 " %" PRIu64 "\n", exact ? 'A' : 'a', i, event->version,
                movex_client_id(p->client), done->action, done->id);
    else
        fprintf(notes, "R %d %s %" PRIu32 " %" PRIu64 " %d\n", i, movex_client_id(p->client), done->action, done->id,
                event->reason);
    done->ticket = 0;
    at->waiting--;
}

static void take_events(player *p)
{
    movex_event event;
    uint64_t    snapshots = movex_client_stats(p->client).snapshots;
    bool        exact = snapshots == p->snapshots;
    p->snapshots = snapshots;
    while (movex_client_next(p->client, &event)) {
        switch (event.kind) {
        case MOVEX_EVENT_ACCEPTED:
        case MOVEX_EVENT_REFUSED: note_outcome(p, &event, exact); break;
        case MOVEX_EVENT_EXPIRED: give_up(p, "a dispatch has expired", event.text); break;
        case MOVEX_EVENT_OVERTURNED: give_up(p, "a dispatch was overturned", event.text); break;
        case MOVEX_EVENT_MISMATCH: give_up(p, "out of sync", event.text); break;
        case MOVEX_EVENT_BIND_REFUSED:
        case MOVEX_EVENT_REMOVED:
        case MOVEX_EVENT_CLOSED: give_up(p, "thrown out", event.text); break;
        default: break;
        }
    }
}

static void look(player *p, int i)
{
    place   *at = &p->places[i];
    uint64_t version = movex_version(at->resource);
    if (version == at->seen) return;
    if (version < at->seen) give_up(p, "went back", movex_resource_id(at->resource));
    at->seen = version;
    const tally *t = movex_confirmed_state(at->resource);
    fprintf(notes, "S %d %" PRIu64 " %016" PRIx64 " %s\n", i, version, t->chain, movex_client_id(p->client));
    if (version > told[i] + TALLY_LOG) told[i] = version - TALLY_LOG;
    while (told[i] < version) {
        told[i]++;
        fprintf(notes, "L %d %" PRIu64 " %016" PRIx64 "\n", i, told[i], t->log[told[i] % TALLY_LOG]);
    }
}

static void turn(player *p, bool acts)
{
    movex_client_poll(p->client, movex_system_now_ms());
    take_events(p);
    for (int i = 0; i < resource_count; i++) {
        place *at = &p->places[i];
        look(p, i);
        while (acts && at->waiting < window) act(p, at, roll() % 3 ? TALLY_MARK : TALLY_KEEP);
    }
    movex_client_flush(p->client);
}

static void everybody(bool acts)
{
    for (int k = 0; k < player_count; k++) turn(&players[k], acts);
    movex_client_wait(players[roll() % (uint64_t)player_count].client, 1);
}

/* Nobody waits for anything, and all hold the same. */
static bool is_calm(void)
{
    for (int i = 0; i < resource_count; i++) {
        for (int k = 0; k < player_count; k++) {
            const place *at = &players[k].places[i];
            if (at->waiting || !movex_in_sync(at->resource)) return false;
            if (movex_version(at->resource) != movex_version(players[0].places[i].resource)) return false;
        }
    }
    return true;
}

static void calm_down(void)
{
    uint64_t give_up_ms = movex_system_now_ms() + PATIENCE_MS;
    while (!is_calm()) {
        everybody(false);
        if (movex_system_now_ms() > give_up_ms) give_up(&players[0], "never at rest", "somebody waits, or is behind");
    }
}

static void rest(void)
{
    calm_down();
    /* So that nothing is hidden and all have the same view. */
    for (int i = 0; i < resource_count; i++) act(&players[0], &players[0].places[i], TALLY_OPEN);
    calm_down();
    for (int i = 0; i < resource_count; i++) {
        const movex_resource *first = players[0].places[i].resource;
        for (int k = 1; k < player_count; k++)
            if (movex_checksum(players[k].places[i].resource) != movex_checksum(first))
                give_up(&players[k], "another state", movex_resource_id(first));
        printf("at %" PRIu64 " %016" PRIx64 " %s\n", movex_version(first), movex_checksum(first),
               movex_resource_id(first));
    }
    fflush(notes);
    printf("resting\n");
    fflush(stdout);
}

/* A command that has come, or 0; the end of the input is one as well. */
static char next_command(void)
{
    char          line[16];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 0) <= 0) return 0;
    ssize_t length = read(STDIN_FILENO, line, sizeof line); /* the next one is sent after an answer */
    return length > 0 ? line[0] : 'e';
}

static void begin(const char *url)
{
    for (int k = 0; k < player_count; k++) {
        char name[16], id[16];
        snprintf(name, sizeof name, "p%d", k);
        players[k].client = movex_client_new(&(movex_client_config){
            .id = name, .io = movex_ws_connect(url), .reconnect_min_ms = 20, .reconnect_max_ms = 100});
        if (!players[k].client) exit(1);
        for (int i = 0; i < resource_count; i++) {
            snprintf(id, sizeof id, "r%d", i);
            players[k].places[i].resource = movex_bind(players[k].client, &tally_type, id);
            if (!players[k].places[i].resource) exit(1);
        }
    }
}

static void end(void)
{
    movex_stats all = {0};
    for (int k = 0; k < player_count; k++) {
        movex_stats one = movex_client_stats(players[k].client);
        all.accepted += one.accepted;
        all.refused += one.refused;
        all.connects += one.connects;
        all.resumes += one.resumes;
        all.snapshots += one.snapshots;
        all.resyncs += one.resyncs;
        movex_client_free(players[k].client);
    }
    fclose(notes);
    printf("done accepted=%" PRIu64 " refused=%" PRIu64 " connects=%" PRIu64 " resumes=%" PRIu64 " snapshots=%" PRIu64
           " resyncs=%" PRIu64 "\n",
           all.accepted, all.refused, all.connects, all.resumes, all.snapshots, all.resyncs);
}

int main(int argument_count, char **arguments)
{
    bool acts = true;
    if (argument_count != 6) {
        fprintf(stderr, "usage: tally_player URL FILE CLIENTS RESOURCES WINDOW\n");
        return 2;
    }
    notes = fopen(arguments[2], "w");
    player_count = atoi(arguments[3]);
    resource_count = atoi(arguments[4]);
    window = (uint32_t)atoi(arguments[5]);
    if (!notes || player_count < 1 || player_count > MOST_CLIENTS || resource_count < 1 ||
        resource_count > MOST_RESOURCES || window < 1 || window > MOST_WINDOW)
        return 2;
    begin(arguments[1]);
    for (char command; (command = next_command()) != 'e';) {
        if (command == 'r') rest();
        if (command) acts = command == 'g';
        everybody(acts);
    }
    end();
    return 0;
}
