/* One link: frames put together, frames that wait, silence, and the end. */
#define _POSIX_C_SOURCE 200809L
#include "websocket_internal.h"

#include <stdio.h>
#include <string.h>

static const char out_of_memory[] = "out of memory";

static lws_usec_t seconds(uint32_t count)
{
    return (lws_usec_t)count * LWS_US_PER_SEC;
}

static void insert(movex_ws_link **list, movex_ws_link *link)
{
    link->previous = NULL;
    link->next = *list;
    if (*list) (*list)->previous = link;
    *list = link;
}

static void take_out(movex_ws_link *link)
{
    movex_ws *ws = link->ws;
    if (link->previous)
        link->previous->next = link->next;
    else if (ws->links == link)
        ws->links = link->next;
    else
        ws->partial = link->next;
    if (link->next) link->next->previous = link->previous;
}

movex_ws_link *movex_ws_link_new(movex_ws *ws, struct lws *wsi, movex_ws_state state)
{
    const movex_allocator *allocator = &ws->config.allocator;
    movex_ws_link         *link = allocator->allocate(allocator->user, sizeof *link);
    if (!link) return NULL;
    *link = (movex_ws_link){.ws = ws, .wsi = wsi, .state = state, .since = lws_now_usecs()};
    insert(&ws->links, link);
    if (wsi) lws_set_opaque_user_data(wsi, link);
    return link;
}

void movex_ws_link_free(movex_ws_link *link)
{
    const movex_allocator *allocator = &link->ws->config.allocator;
    if (link->wsi) {
        lws_set_opaque_user_data(link->wsi, NULL);
        if (link->state == MOVEX_WS_OPEN) movex_ws_watch(link->ws, (int)lws_get_socket_fd(link->wsi));
    }
    take_out(link);
    movex_ws_drop(allocator, &link->incoming);
    movex_ws_drop(allocator, &link->outgoing);
    if (link->tls) allocator->release(allocator->user, link->tls, sizeof *link->tls);
    allocator->release(allocator->user, link, sizeof *link);
}

void movex_ws_link_lost(movex_ws_link *link, const char *text)
{
    movex_ws_slot *slot = link->state == MOVEX_WS_ENDING ? NULL : movex_ws_find(link->ws, link->number);
    if (slot) {
        slot->link = NULL;
        movex_ws_report_closed(link->ws, link->number, text);
    }
    movex_ws_link_free(link);
}

void movex_ws_link_kill(movex_ws_link *link, const char *text)
{
    movex_ws   *ws = link->ws;
    struct lws *wsi = link->wsi;
    movex_ws_link_lost(link, text);
    ws->pass_due = true;
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

/* Ends the link from within a callback and tells the other side why. Where a client's callback asks for the end, libwebsockets
   4.1 goes on to take apart what it has read, and writes that past the end of its buffer; so such a link is ended at the next
   pass. */
static int refuse(movex_ws_link *link, enum lws_close_status status, const char *text)
{
    unsigned char reason[MOVEX_WS_CLOSE_TEXT_SIZE];
    size_t        length = strnlen(text, sizeof reason);
    memcpy(reason, text, length);
    lws_close_reason(link->wsi, status, reason, length);
    if (lws_get_vhost(link->wsi) != link->ws->server) {
        movex_ws_link_kill(link, text);
        return 0;
    }
    movex_ws_link_lost(link, text);
    return -1;
}

int movex_ws_link_opened(movex_ws_link *link)
{
    char address[MOVEX_WS_ADDRESS_SIZE];
    movex_ws_peer_address(lws_get_socket_fd(link->wsi), address, sizeof address);
    link->state = MOVEX_WS_OPEN;
    link->since = lws_now_usecs();
    movex_ws_watch_link(link);
    if (movex_ws_report(link->ws, MOVEX_IO_OPENED, link->number, address, strlen(address) + 1)) return 0;
    movex_ws_link_lost(link, out_of_memory);
    return -1;
}

static void release_large(movex_ws_link *link, movex_ws_bytes *bytes)
{
    if (bytes->start < bytes->end) return;
    bytes->start = bytes->end = 0;
    if (bytes->capacity > MOVEX_WS_SMALL_BUFFER) movex_ws_drop(&link->ws->config.allocator, bytes);
}

static bool keep_part(movex_ws_link *link, const void *bytes, size_t length)
{
    if (!movex_ws_reserve(&link->ws->config.allocator, &link->incoming, length)) return false;
    if (length) memcpy(link->incoming.data + link->incoming.end, bytes, length);
    link->incoming.end += length;
    take_out(link);
    insert(&link->ws->partial, link);
    return true;
}

/* A long frame comes in many reads. Polling all sockets for each of them would cost each reader what there are links, and
   hand whoever sends slowly on purpose a lever. */
void movex_ws_read_partial(movex_ws *ws)
{
    for (movex_ws_link *link = ws->partial, *next; link; link = next) {
        struct lws_pollfd readable = {.fd = lws_get_socket_fd(link->wsi), .events = LWS_POLLIN, .revents = LWS_POLLIN};
        next = link->next;
        lws_service_fd(ws->context, &readable);
    }
}

int movex_ws_link_received(movex_ws_link *link, const void *bytes, size_t length)
{
    movex_ws *ws = link->ws;
    if (link->state != MOVEX_WS_OPEN) return 0;
    link->since = lws_now_usecs();
    link->pinged = false;
    if (!lws_frame_is_binary(link->wsi))
        return refuse(link, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE,
                      "a text message, where only binary ones are understood");

    size_t most = ws->config.max_frame, held = movex_ws_held(&link->incoming);
    if (length > most - held || lws_remaining_packet_payload(link->wsi) > most - held - length) {
        char text[MOVEX_WS_TEXT_SIZE];
        snprintf(text, sizeof text, "a frame longer than %u bytes", (unsigned)most);
        return refuse(link, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, text);
    }
    bool whole = lws_is_final_fragment(link->wsi);
    if (!whole || held > 0) {
        if (!keep_part(link, bytes, length)) return refuse(link, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, out_of_memory);
        ws->progress = true;
        if (!whole) return 0;
        bytes = link->incoming.data + link->incoming.start;
        length = movex_ws_held(&link->incoming);
        take_out(link);
        insert(&ws->links, link);
    }
    if (length == 0) return refuse(link, LWS_CLOSE_STATUS_PROTOCOL_ERR, "an empty frame");
    if (!movex_ws_report(ws, MOVEX_IO_MESSAGE, link->number, bytes, length))
        return refuse(link, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, out_of_memory);
    link->incoming.start = link->incoming.end;
    release_large(link, &link->incoming);
    return 0;
}

/* Writes the frame that follows LWS_PRE bytes at `room`. libwebsockets puts the header (and a client's mask) in place,
   and keeps a copy of what the socket does not take at once; until that is gone, nothing more may be written. */
static bool write_frame(movex_ws_link *link, unsigned char *room, size_t length, enum lws_write_protocol kind)
{
    return lws_write(link->wsi, room + LWS_PRE, length, kind) >= 0;
}

static bool write_waiting(movex_ws_link *link)
{
    movex_ws_bytes *outgoing = &link->outgoing;
    while (outgoing->start < outgoing->end && !lws_partial_buffered(link->wsi)) {
        unsigned char *room = outgoing->data + outgoing->start;
        uint32_t       length;
        memcpy(&length, room, sizeof length);
        if (!write_frame(link, room, length, LWS_WRITE_BINARY)) return false;
        outgoing->start += LWS_PRE + length;
    }
    if (link->full && movex_ws_held(outgoing) <= link->ws->config.queue_bytes / 2) {
        link->full = false;
        link->ws->room = true;
    }
    release_large(link, outgoing);
    return true;
}

int movex_ws_link_writeable(movex_ws_link *link)
{
    unsigned char ping[LWS_PRE + 1] = {0}; /* one byte, as libwebsockets keeps answers without any to itself */
    if (link->state == MOVEX_WS_DIALLING) return 0;
    if (!write_waiting(link)) {
        movex_ws_link_lost(link, "the connection broke while sending");
        return -1;
    }
    if (link->outgoing.start < link->outgoing.end || lws_partial_buffered(link->wsi)) {
        lws_callback_on_writable(link->wsi);
        return 0;
    }
    if (link->state == MOVEX_WS_ENDING) {
        lws_close_reason(link->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        movex_ws_link_free(link);
        return -1;
    }
    if (link->ping_due) {
        link->ping_due = false;
        if (write_frame(link, ping, 1, LWS_WRITE_PING)) return 0;
        movex_ws_link_lost(link, "the connection broke while sending");
        return -1;
    }
    return 0;
}

/* Text of the other side, so only what a terminal can show safely. */
static void append_shown(char *text, size_t size, const unsigned char *bytes, size_t length)
{
    size_t at = strlen(text);
    for (size_t i = 0; i < length && at + 1 < size; i++)
        text[at++] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?';
    text[at] = '\0';
}

void movex_ws_link_closed_by_peer(movex_ws_link *link, const unsigned char *bytes, size_t length)
{
    char        text[MOVEX_WS_TEXT_SIZE] = "the other side closed the connection";
    unsigned    status = length >= 2 ? (unsigned)(bytes[0] << 8 | bytes[1]) : LWS_CLOSE_STATUS_NORMAL;
    struct lws *wsi = link->wsi;
    if (length > 2) {
        strcat(text, ": ");
        append_shown(text, sizeof text, bytes + 2, length - 2);
    } else if (status != LWS_CLOSE_STATUS_NORMAL && status != LWS_CLOSE_STATUS_GOINGAWAY) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, " with status %u", status);
    }
    movex_ws_link_lost(link, text);
    /* libwebsockets answers the close by itself, for which a peer that reads nothing must not make it wait for ever. */
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, 5);
}

/* Nothing waits, so the frame goes straight to the socket: a frame sent in a poll is out in the same poll. */
static int send_now(movex_ws_link *link, const void *frame, size_t length)
{
    movex_ws_bytes *scratch = &link->ws->scratch;
    scratch->start = scratch->end = 0;
    if (!movex_ws_reserve(&link->ws->config.allocator, scratch, LWS_PRE + length)) {
        movex_ws_link_kill(link, out_of_memory);
        return MOVEX_ERR_CLOSED;
    }
    memcpy(scratch->data + LWS_PRE, frame, length);
    if (write_frame(link, scratch->data, length, LWS_WRITE_BINARY)) return MOVEX_OK;
    movex_ws_link_kill(link, "the connection broke while sending");
    return MOVEX_ERR_CLOSED;
}

int movex_ws_link_send(movex_ws_link *link, const void *frame, size_t length)
{
    movex_ws_bytes *outgoing = &link->outgoing;
    size_t          held = movex_ws_held(outgoing), limit = link->ws->config.queue_bytes;
    uint32_t        stored = (uint32_t)length;
    if (held == 0 && !lws_partial_buffered(link->wsi)) return send_now(link, frame, length);
    if (held > 0 && (held > limit || LWS_PRE + length > limit - held)) {
        link->full = true;
        return MOVEX_ERR_AGAIN;
    }
    if (!movex_ws_reserve(&link->ws->config.allocator, outgoing, LWS_PRE + length)) {
        movex_ws_link_kill(link, out_of_memory);
        return MOVEX_ERR_CLOSED;
    }
    memcpy(outgoing->data + outgoing->end, &stored, sizeof stored);
    memcpy(outgoing->data + outgoing->end + LWS_PRE, frame, length);
    outgoing->end += LWS_PRE + length;
    lws_callback_on_writable(link->wsi);
    return MOVEX_OK;
}

static void sweep_link(movex_ws_link *link, lws_usec_t now)
{
    const movex_ws_config *config = &link->ws->config;
    lws_usec_t             silent = now - link->since;
    char                   text[MOVEX_WS_TEXT_SIZE];
    if (link->state != MOVEX_WS_OPEN) {
        if (silent < seconds(config->connect_seconds)) return;
        snprintf(text, sizeof text, "no connection within %u s", (unsigned)config->connect_seconds);
        movex_ws_link_kill(link, text);
    } else if (silent >= seconds(config->hangup_seconds)) {
        snprintf(text, sizeof text, "the other side has been silent for %u s", (unsigned)config->hangup_seconds);
        movex_ws_link_kill(link, text);
    } else if (silent >= seconds(config->ping_seconds) && !link->pinged) {
        link->pinged = link->ping_due = true;
        lws_callback_on_writable(link->wsi);
    }
}

/* How often links are looked at: a quarter of the shortest setting, but no more rarely than each second. */
lws_usec_t movex_ws_sweep_interval(const movex_ws *ws)
{
    uint32_t shortest = ws->config.ping_seconds;
    if (ws->config.connect_seconds < shortest) shortest = ws->config.connect_seconds;
    return shortest < 4 ? seconds(shortest) / 4 : seconds(1);
}

static void sweep_list(movex_ws_link *link, lws_usec_t now, lws_usec_t excused)
{
    for (movex_ws_link *next; link; link = next) {
        next = link->next;
        link->since += excused;
        if (link->since > now) link->since = now;
        sweep_link(link, now);
    }
}

/* One look at all links instead of a timer for each: libwebsockets keeps timers in a sorted list, in which putting one
   back costs as much as there are links. Time in which the program did not call is nobody's silence. */
static void sweep(lws_sorted_usec_list_t *timer)
{
    movex_ws  *ws = lws_container_of(timer, movex_ws, sweep_timer);
    lws_usec_t now = lws_now_usecs(), interval = movex_ws_sweep_interval(ws), away = now - ws->swept - interval;
    sweep_list(ws->links, now, away > interval ? away : 0);
    sweep_list(ws->partial, now, away > interval ? away : 0);
    movex_ws_resume_listener(ws);
    ws->swept = now;
    lws_sul_schedule(ws->context, 0, timer, sweep, interval);
}

void movex_ws_sweep_start(movex_ws *ws)
{
    ws->swept = lws_now_usecs();
    lws_sul_schedule(ws->context, 0, &ws->sweep_timer, sweep, movex_ws_sweep_interval(ws));
}
