/* A member of a room at a relay, for tests with real processes: relay_member URL ROOM TOKEN NAME OTHERS. Once it has links to so
   many others it sends FRAMES frames to each, and says "mesh" when as many have come from each, whole and in order. When the
   relay is lost it says "lost: CAUSE", comes again, and so on, until its input ends. */
#define _POSIX_C_SOURCE 200809L
#include <movex/checked.h>
#include <movex/relay.h>
#include <movex/system.h>
#include <movex/websocket.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES = 200, MOST_OTHERS = 8, PAUSE_MS = 200 };

typedef struct other {
    movex_link link; /* 0: free */
    uint32_t   sent, received;
} other;

static other    others[MOST_OTHERS];
static uint32_t wanted;
static bool     told;
static uint64_t dial_ms; /* when to dial; UINT64_MAX: a dial waits */

static void accuse(void *user, const char *what)
{
    (void)user;
    printf("broken: %s\n", what);
    exit(EXIT_FAILURE);
}

static other *find(movex_link link)
{
    for (int i = 0; i < MOST_OTHERS; i++)
        if (others[i].link == link) return &others[i];
    return NULL;
}

/* Frames of all lengths, the longest included. */
static size_t frame_of(movex_io io, uint32_t number, unsigned char *frame)
{
    size_t length = number % 50 == 0 ? io.ops->max_frame : 1 + number * 37 % 3000;
    memset(frame, (int)(number % 251), length);
    return length;
}

static void take_frame(movex_io io, const movex_io_event *event, unsigned char *frame)
{
    other *from = find(event->link);
    size_t length = frame_of(io, from->received++, frame);
    if (event->length == length && memcmp(event->data, frame, length) == 0) return;
    printf("broken: frame %u\n", (unsigned)from->received);
    exit(EXIT_FAILURE);
}

static void take(movex_io io, const movex_io_event *event, unsigned char *frame)
{
    other *of = find(event->link);
    switch (event->kind) {
    case MOVEX_IO_OPENED:
        of = find(0);
        *of = (other){.link = event->link};
        printf("opened: %s\n", event->text);
        break;
    case MOVEX_IO_MESSAGE: take_frame(io, event, frame); break;
    case MOVEX_IO_CLOSED:
        printf("lost: %s\n", event->text);
        if (of) *of = (other){0};
        told = false;
        dial_ms = movex_system_now_ms() + PAUSE_MS;
        break;
    }
}

static void send_frames(movex_io io, unsigned char *frame)
{
    uint32_t links = 0, whole = 0;
    for (int i = 0; i < MOST_OTHERS; i++) links += others[i].link != 0;
    for (int i = 0; links >= wanted && i < MOST_OTHERS; i++) {
        other *to = &others[i];
        while (to->link && to->sent < FRAMES &&
               io.ops->send(io.self, to->link, frame, frame_of(io, to->sent, frame)) == MOVEX_OK)
            to->sent++;
        whole += to->link && to->sent == FRAMES && to->received == FRAMES;
    }
    if (whole == wanted && !told) printf("mesh\n");
    told = told || whole == wanted;
}

int main(int argc, char **argv)
{
    if (argc != 6) return 2;
    movex_io io = movex_relay(
        &(movex_relay_config){.io = movex_ws_connect(argv[1]), .room = argv[2], .token = argv[3], .name = argv[4]});
    io = movex_checked(io, &(movex_checked_config){.report = accuse});
    unsigned char *frame = malloc(io.ops->max_frame);
    wanted = (uint32_t)atoi(argv[5]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (io.ops->listen(io.self) != MOVEX_OK) return EXIT_FAILURE;
    for (struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN}; poll(&input, 1, 0) == 0;) {
        movex_io_event event;
        movex_link     link;
        if (movex_system_now_ms() >= dial_ms && io.ops->open(io.self, NULL, &link) == MOVEX_OK) dial_ms = UINT64_MAX;
        while (io.ops->recv(io.self, &event) == MOVEX_OK) take(io, &event, frame);
        send_frames(io, frame);
        io.ops->wait(io.self, 20);
    }
    io.ops->destroy(io.self);
    free(frame);
    return EXIT_SUCCESS;
}
