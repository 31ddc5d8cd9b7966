/* Which sockets are looked at, with epoll: a turn costs what is active, not what is connected. libwebsockets polls all of its
   sockets in each pass (lws_service); here a pass is the exception, and lws_service_fd serves one socket.

   Open links are watched for what comes, as long as it is there (level-triggered), as each is read in parts. All other sockets,
   those that shake hands or come to their end and the listening one, are watched for changes alone (edge-triggered): what
   libwebsockets wants of them it does not tell, and waiting for what it does not want would be to spin. A change is a reason
   to have a look: what the socket is ready for is asked, libwebsockets is told, and a few times more as long as it is ready.

   That a connection wants to write is learnt from a callback that is meant for something else: libwebsockets 4 asks
   LWS_CALLBACK_GET_THREAD_ID whenever it has changed what it would poll a socket for (lib/core-net/pollfd.c). That too
   is a reason to have a look. To be told that one can write without having asked for it does no harm.

   Once per sweep (websocket_link.c) there is a pass all the same: for the timeouts of libwebsockets, and in case that something
   was wanted of which nothing was noticed. */
#define _POSIX_C_SOURCE 200809L
#include "websocket_internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { READY_AT_ONCE = 128, LOOKS_IN_A_ROW = 4 };

/* A socket to have a look at. It may be another connection's by then, or none: that does no harm. */
typedef struct movex_ws_look {
    int        fd;
    movex_link number; /* of an open link; 0: something else */
    unsigned   before; /* looks since there was a reason */
} movex_ws_look;

static movex_link number_of(const movex_ws_link *link)
{
    return link && link->state == MOVEX_WS_OPEN ? link->number : 0;
}

static movex_ws_link *open_link(movex_ws *ws, movex_link number)
{
    movex_ws_slot *slot = number ? movex_ws_find(ws, number) : NULL;
    return slot && slot->link && slot->link->state == MOVEX_WS_OPEN ? slot->link : NULL;
}

/* What an event tells: the socket, and the link that was open on it. */
static bool control(movex_ws *ws, int operation, int fd, movex_link number, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)number << 32 | (uint32_t)fd};
    return epoll_ctl(ws->epoll, operation, fd, &event) == 0;
}

static void look_at(movex_ws *ws, int fd, movex_link number, unsigned before)
{
    movex_ws_look look = {fd, number, before};
    if (movex_ws_reserve(&ws->config.allocator, &ws->looks, sizeof look)) {
        memcpy(ws->looks.data + ws->looks.end, &look, sizeof look);
        ws->looks.end += sizeof look;
    } else {
        ws->pass_due = true;
    }
}

void movex_ws_watch(movex_ws *ws, int fd)
{
    const uint32_t changes = EPOLLIN | EPOLLOUT | EPOLLET;
    if (!control(ws, EPOLL_CTL_ADD, fd, 0, changes) && errno == EEXIST) control(ws, EPOLL_CTL_MOD, fd, 0, changes);
    look_at(ws, fd, 0, 0);
}

/* For what comes, and for room to write if that is waited for. */
static void watch_open(movex_ws_link *link, bool writing)
{
    int      fd = (int)lws_get_socket_fd(link->wsi);
    uint32_t events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
    link->waits_to_write = writing;
    if (!control(link->ws, EPOLL_CTL_MOD, fd, link->number, events))
        control(link->ws, EPOLL_CTL_ADD, fd, link->number, events);
}

void movex_ws_watch_link(movex_ws_link *link)
{
    watch_open(link, false);
}

void movex_ws_watch_changed(movex_ws *ws, struct lws *wsi)
{
    if (ws->epoll < 0) return;
    int        fd = (int)lws_get_socket_fd(wsi);
    movex_link number = number_of(lws_get_opaque_user_data(wsi));
    if (fd < 0) return;
    if (number)
        look_at(ws, fd, number, 0);
    else
        movex_ws_watch(ws, fd);
}

static void serve(movex_ws *ws, int fd, short ready)
{
    struct lws_pollfd readable = {.fd = fd, .events = LWS_POLLIN | LWS_POLLOUT, .revents = ready};
    lws_service_fd(ws->context, &readable);
}

static void look_at_open(movex_ws *ws, movex_ws_link *link, movex_ws_look look, short ready)
{
    bool partial = lws_partial_buffered(link->wsi);
    if (!(ready & (POLLOUT | POLLERR | POLLHUP))) {
        if (!link->waits_to_write) watch_open(link, true);
        return;
    }
    serve(ws, look.fd, (short)(ready & ~POLLIN));      /* that something has come is seen without looking */
    if (partial) look_at(ws, look.fd, look.number, 0); /* what was left of one write goes alone */
}

static void take_look(movex_ws *ws, movex_ws_look look)
{
    struct pollfd  asked = {.fd = look.fd, .events = POLLIN | POLLOUT};
    movex_ws_link *link = open_link(ws, look.number);
    if (poll(&asked, 1, 0) != 1 || asked.revents & POLLNVAL) {
        if (link) look_at_open(ws, link, look, 0);
        return;
    }
    if (link) {
        look_at_open(ws, link, look, asked.revents);
    } else if (look.before < LOOKS_IN_A_ROW) {
        serve(ws, look.fd, asked.revents);
        look_at(ws, look.fd, 0, look.before + 1);
    }
}

/* Takes the looks that there are; those that come of them are for the next time. */
static void take_looks(movex_ws *ws)
{
    movex_ws_look look;
    for (size_t count = movex_ws_held(&ws->looks) / sizeof look; count > 0; count--) {
        memcpy(&look, ws->looks.data + ws->looks.start, sizeof look);
        ws->looks.start += sizeof look;
        take_look(ws, look);
    }
}

static void take_ready(movex_ws *ws, const struct epoll_event *event)
{
    int            fd = (int)(uint32_t)event->data.u64;
    movex_ws_link *link = open_link(ws, (movex_link)(event->data.u64 >> 32));
    uint64_t       rings;
    if (fd == ws->alarm) {
        if (read(fd, &rings, sizeof rings) < 0) return;
    } else if (!link) {
        look_at(ws, fd, 0, 0);
    } else {
        short ready = (short)(event->events & (EPOLLIN | EPOLLERR | EPOLLHUP));
        if (event->events & EPOLLOUT) {
            watch_open(link, false);
            look_at(ws, fd, link->number, 0);
        }
        if (ready) serve(ws, fd, ready);
    }
}

static void pass(movex_ws *ws, lws_usec_t now)
{
    ws->pass_due = false;
    ws->next_pass = now + movex_ws_sweep_interval(ws);
    lws_service(ws->context, -1); /* in libwebsockets 4.1, only a negative time does not block */
}

/* Milliseconds, rounded up. */
static int sleep_ms(const movex_ws *ws, lws_usec_t now, lws_usec_t until)
{
    if (movex_ws_held(&ws->looks) > 0 || until <= now) return 0;
    lws_usec_t end = until < ws->next_pass ? until : ws->next_pass;
    return end > now ? (int)((end - now + LWS_US_PER_MS - 1) / LWS_US_PER_MS) : 0;
}

bool movex_ws_service(movex_ws *ws, lws_usec_t until)
{
    struct epoll_event ready[READY_AT_ONCE];
    lws_usec_t         now = lws_now_usecs();
    if (now >= ws->next_pass || !lws_service_adjust_timeout(ws->context, 1, 0)) ws->pass_due = true;
    if (ws->pass_due) {
        pass(ws, now);
        return true;
    }
    int count = epoll_wait(ws->epoll, ready, READY_AT_ONCE, sleep_ms(ws, now, until));
    if (count < 0) return errno != EINTR;
    for (int i = 0; i < count; i++) take_ready(ws, &ready[i]);
    take_looks(ws);
    return true;
}

void movex_ws_ring(movex_ws *ws)
{
    const uint64_t once = 1;
    while (write(ws->alarm, &once, sizeof once) < 0 && errno == EINTR) continue;
}

bool movex_ws_watch_start(movex_ws *ws)
{
    /* In its first pass libwebsockets asks for the thread once for all; only then it asks when something changes. */
    lws_service(ws->context, -1);
    ws->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ws->epoll = epoll_create1(EPOLL_CLOEXEC);
    return ws->alarm >= 0 && ws->epoll >= 0 && control(ws, EPOLL_CTL_ADD, ws->alarm, 0, EPOLLIN);
}

void movex_ws_watch_end(movex_ws *ws)
{
    if (ws->alarm >= 0) close(ws->alarm);
    if (ws->epoll >= 0) close(ws->epoll);
    ws->epoll = ws->alarm = -1;
    movex_ws_drop(&ws->config.allocator, &ws->looks);
}
