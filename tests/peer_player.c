/* One peer that plays the tally game as fast as it can, in a process of its own, so that it can be killed. It notes in a file what
 * it learns:
 *
 *     A VERSION ID       its dispatch of that id was accepted; "a" if at that version or before, since a snapshot has come
 *     S VERSION CHAIN    that version is confirmed
 *     L VERSION ENTRY    what has made it, as tally_game.h has it
 *
 * and says
 *
 *     bound                         when it has come to the table
 *     linked N                      to so many members, itself included; whenever that changes
 *     master NAME TERM              who is; "-": nobody
 *     on TERM MS                    the first dispatch that was accepted since the last of these, when: by the system's monotonic clock
 *     at VERSION CHECKSUM           if it rests: it has all answers, and holds that, which is another one than it has said
 *     done accepted=N resyncs=N     the last it says
 *
 * Commands come as lines: "rest", and "go". At the end of the input it leaves the room and ends. Whatever must not happen ends the program
 * with code 1 and a line on stderr.
 *
 *     usage: peer_player NAME FILE WINDOW FIRST_ID HOST:PORT PEER...    at that address, with the peers at those
 *            peer_player NAME FILE WINDOW FIRST_ID ws://HOST:PORT       with those at that relay
 *
 * FIRST_ID is greater than all ids that another process of the same name has ever given. */
#define _POSIX_C_SOURCE 200809L
#include "tally_game.h"

#include <movex/peer.h>
#include <movex/relay.h>
#include <movex/system.h>
#include <movex/websocket.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM_SIZE = 3, MOST_WINDOW = 64, LEAVE_MS = 10000 };

typedef struct {
    movex_ticket ticket; /* 0: free */
    uint64_t     id;
} doing;

static movex_peer     *peer;
static movex_resource *table;
static FILE           *notes;
static doing           doings[MOST_WINDOW];
static uint32_t        window, waiting;
static uint64_t        last_id;
static uint64_t        seen, said; /* versions: noted, and told, last */
static uint64_t        new_term;   /* of a master by whom nothing was accepted yet; 0: there is none */
static uint64_t        snapshots;  /* that had come at the last look */
static uint32_t        linked;
static bool            bound, closed;

static void give_up(const char *what, const char *text)
{
    fprintf(stderr, "peer_player: %s: %s\n", what, text);
    exit(1);
}

static void act(void)
{
    const tally_id id = {++last_id};
    doing         *free_one = doings;
    while (free_one->ticket) free_one++;
    *free_one = (doing){movex_dispatch(table, TALLY_MARK, &id), id.id};
    if (!free_one->ticket) give_up("cannot dispatch", movex_client_error(movex_peer_client(peer))->text);
    waiting++;
}

static void note_accepted(const movex_event *event, bool exact)
{
    doing *done = doings;
    while (done < doings + MOST_WINDOW && done->ticket != event->ticket) done++;
    if (done == doings + MOST_WINDOW) give_up("an outcome that nobody waits for", event->text);
    if (event->provisional) give_up("provisional", "and a majority is there");
    fprintf(notes, "%c %" PRIu64 " %" PRIu64 "\n", exact ? 'A' : 'a', event->version, done->id);
    if (new_term) printf("on %" PRIu64 " %" PRIu64 "\n", new_term, movex_system_now_ms());
    new_term = 0;
    done->ticket = 0;
    waiting--;
}

static void take_events(void)
{
    movex_event event;
    uint64_t    come = movex_client_stats(movex_peer_client(peer)).snapshots;
    bool        exact = come == snapshots;
    snapshots = come;
    while (movex_peer_next(peer, &event)) {
        switch (event.kind) {
        case MOVEX_EVENT_MASTER:
            printf("master %s %" PRIu64 "\n", *event.peer ? event.peer : "-", event.term);
            new_term = *event.peer ? event.term : 0;
            break;
        case MOVEX_EVENT_BOUND:
            if (!bound) printf("bound\n");
            bound = true;
            break;
        case MOVEX_EVENT_ACCEPTED: note_accepted(&event, exact); break;
        case MOVEX_EVENT_REFUSED: give_up("refused", event.text); break;
        case MOVEX_EVENT_EXPIRED: give_up("a dispatch has expired", event.text); break;
        case MOVEX_EVENT_UNDONE: give_up("undone", event.text); break;
        case MOVEX_EVENT_MISMATCH: give_up("out of sync", event.text); break;
        case MOVEX_EVENT_BIND_REFUSED:
        case MOVEX_EVENT_REMOVED: give_up("thrown out", event.text); break;
        case MOVEX_EVENT_CLOSED:
            if (event.status != MOVEX_OK) give_up("thrown out", event.text);
            closed = true;
            break;
        default: break;
        }
    }
}

static void look(void)
{
    uint64_t     version = movex_version(table);
    const tally *t = movex_confirmed_state(table);
    if (!t || version == seen) return;
    if (version < seen) give_up("went back", "a version that was confirmed is gone");
    fprintf(notes, "S %" PRIu64 " %016" PRIx64 "\n", version, t->chain);
    if (version > seen + TALLY_LOG) seen = version - TALLY_LOG;
    while (seen < version) {
        seen++;
        fprintf(notes, "L %" PRIu64 " %016" PRIx64 "\n", seen, t->log[seen % TALLY_LOG]);
    }
}

static void look_around(void)
{
    movex_member member;
    uint32_t     count = 0;
    for (uint32_t i = 0; movex_peer_member_at(peer, i, &member); i++) count += member.linked;
    if (count != linked) printf("linked %" PRIu32 "\n", count);
    linked = count;
}

static void turn(bool acts)
{
    if (movex_peer_poll(peer, movex_system_now_ms()) != MOVEX_OK) take_events();
    take_events();
    look_around();
    look();
    while (acts && bound && waiting < window) act();
    if (!acts && bound && waiting == 0 && movex_in_sync(table) && movex_version(table) != said) {
        said = movex_version(table);
        printf("at %" PRIu64 " %016" PRIx64 "\n", said, movex_checksum(table));
    }
    fflush(stdout);
    fflush(notes); /* what is not written dies with the process */
    movex_peer_wait(peer, 1);
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

static movex_io make_io(const char *name, const char *address)
{
    if (!strstr(address, "://")) return movex_ws_listen(address);
    return movex_relay(&(movex_relay_config){.io = movex_ws_connect(address), .room = "tally", .name = name});
}

static void begin(char **arguments, int count)
{
    const char *peers[ROOM_SIZE] = {NULL};
    movex_error error;
    uint32_t    peer_count = 0;
    for (int i = 6; i < count && peer_count < ROOM_SIZE; i++) peers[peer_count++] = arguments[i];
    peer = movex_peer_new(&(movex_peer_config){
        .id = arguments[1],
        .room = "tally",
        .types = MOVEX_TYPES(&tally_type),
        .io = make_io(arguments[1], arguments[5]),
        .peers = peers,
        .peer_count = peer_count ? peer_count : 1, /* at a relay: whoever is there */
        .room_size = ROOM_SIZE,
        .error = &error,
    });
    if (!peer) give_up("cannot begin", error.text);
    table = movex_bind(movex_peer_client(peer), &tally_type, "main");
    if (!table) give_up("cannot bind", movex_client_error(movex_peer_client(peer))->text);
}

static void end(void)
{
    movex_stats stats = movex_peer_stats(peer);
    uint64_t    give_up_ms = movex_system_now_ms() + LEAVE_MS;
    movex_peer_leave(peer);
    while (!closed && movex_system_now_ms() < give_up_ms) turn(false);
    if (!closed) give_up("cannot leave", "nobody has agreed");
    movex_peer_free(peer);
    fclose(notes);
    printf("done accepted=%" PRIu64 " resyncs=%" PRIu64 "\n", stats.accepted, stats.resyncs);
}

int main(int argument_count, char **arguments)
{
    bool acts = true;
    if (argument_count < 6) {
        fprintf(stderr, "usage: peer_player NAME FILE WINDOW FIRST_ID HOST:PORT|ws://HOST:PORT [PEER...]\n");
        return 2;
    }
    notes = fopen(arguments[2], "w");
    window = (uint32_t)atoi(arguments[3]);
    last_id = strtoull(arguments[4], NULL, 10) - 1;
    if (!notes || window < 1 || window > MOST_WINDOW) return 2;
    begin(arguments, argument_count);
    for (char command; (command = next_command()) != 'e';) {
        if (command) acts = command == 'g';
        if (command == 'r') said = 0;
        turn(acts);
    }
    end();
    return 0;
}
