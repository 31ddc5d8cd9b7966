/* Which sockets are looked at, where there is no epoll: libwebsockets polls all of them in each pass. */
#include "websocket_internal.h"

#include <errno.h>

static void wait_over(lws_sorted_usec_list_t *timer)
{
    (void)timer; /* that it is due has ended the wait */
}

bool movex_ws_service(movex_ws *ws, lws_usec_t until)
{
    lws_usec_t now = lws_now_usecs();
    if (until <= now) {
        lws_service(ws->context, -1); /* in libwebsockets 4.1, only a negative time does not block */
        return true;
    }
    /* libwebsockets sleeps until its next timer, in whole milliseconds rounded down. */
    lws_sul_schedule(ws->context, 0, &ws->wait_timer, wait_over, until - now + LWS_US_PER_MS - 1);
    errno = 0;
    lws_service(ws->context, 0);
    bool interrupted = errno == EINTR;
    lws_sul_cancel(&ws->wait_timer);
    return !interrupted;
}

void movex_ws_ring(movex_ws *ws)
{
    lws_cancel_service(ws->context);
}

bool movex_ws_watch_start(movex_ws *ws)
{
    (void)ws;
    return true;
}

void movex_ws_watch_end(movex_ws *ws)
{
    (void)ws;
}

void movex_ws_watch(movex_ws *ws, int fd)
{
    (void)ws, (void)fd;
}

void movex_ws_watch_link(movex_ws_link *link)
{
    (void)link;
}

void movex_ws_watch_changed(movex_ws *ws, struct lws *wsi)
{
    (void)ws, (void)wsi;
}
