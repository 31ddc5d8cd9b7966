#define _POSIX_C_SOURCE 200809L
#include "http.h"

#include <movex/system.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_CONNECTIONS 32u
#define MOST_HELD ((size_t)256 << 20)
#define MOST_HEADERS 4096
#define QUIET_SECONDS 10
/* How long a question may wait to be noticed, and the next part of an answer to be sent. */
#define QUIET_MS 50
#define BUSY_MS 2
#define CHUNK 65536u
/* Passes over the sockets in one call, so that a long answer is not sent at the pace of the program's loop. */
#define PASSES 64

_Static_assert(MOVEXD_ANSWER_ROOM >= LWS_PRE, "libwebsockets needs this much room before what it writes");

/* An answer on its way. */
typedef struct request {
    movexd_answer answer;
    size_t        sent; /* bytes of the text */
} request;

struct movexd_http {
    movexd_http_answer  *answer;
    void                *user;
    uint64_t             started_ms;
    int                  listener;
    struct lws_context  *context;
    struct lws_vhost    *vhost;
    struct lws_protocols protocols[2];
    uint32_t             connections, answering;
    size_t               held;      /* bytes of all answers */
    bool                 moved;     /* something happened in the last pass */
    char                 host[256]; /* as it was given, without brackets */
    char                 address[300];
};

/* --- listening */

/* Takes "[HOST]:PORT", "HOST:PORT", ":PORT" or "PORT" apart. */
static bool parse_address(const char *text, char *host, size_t size, const char **port)
{
    const char *colon = strrchr(text, ':');
    size_t      length = colon ? (size_t)(colon - text) : 0;
    *port = colon ? colon + 1 : text;
    if (!**port || strspn(*port, "0123456789") != strlen(*port) || strlen(*port) > 5 || atol(*port) > 65535)
        return false;
    if (length == 0) return snprintf(host, size, "127.0.0.1") > 0;
    if (text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return false;
    }
    if (length == 0 || length >= size) return false;
    memcpy(host, text, length);
    host[length] = '\0';
    return true;
}

static int listen_on(const struct addrinfo *info, char *port, size_t size)
{
    struct sockaddr_storage own;
    socklen_t               length = sizeof own;
    int                     on = 1, fd = socket(info->ai_family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, 16) == 0 &&
        getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
        getnameinfo((struct sockaddr *)&own, length, NULL, 0, port, (socklen_t)size, NI_NUMERICSERV) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool start_listening(movexd_http *http, const char *address, char *cause, size_t cause_size)
{
    struct addrinfo  hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    const char      *wanted;
    char             port[8];
    if (!parse_address(address, http->host, sizeof http->host, &wanted)) {
        snprintf(cause, cause_size, "%s", "not of the form PORT, :PORT, HOST:PORT or [IPV6]:PORT");
        return false;
    }
    int code = getaddrinfo(http->host, wanted, &hints, &found);
    if (code != 0) {
        snprintf(cause, cause_size, "%s", gai_strerror(code));
        return false;
    }
    http->listener = listen_on(found, port, sizeof port);
    if (http->listener < 0) snprintf(cause, cause_size, "%s", strerror(errno));
    freeaddrinfo(found);
    if (http->listener < 0) return false;
    snprintf(http->address, sizeof http->address, strchr(http->host, ':') ? "[%s]:%s" : "%s:%s", http->host, port);
    return true;
}

static void accept_connections(movexd_http *http)
{
    while (http->connections < MOST_CONNECTIONS) { /* others wait with the system */
        int fd = accept(http->listener, NULL, NULL);
        if (fd < 0) return;
        if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
            lws_adopt_socket_vhost(http->vhost, fd);
        else
            close(fd);
    }
}

/* --- answering */

/* Whether a browser may have been led here under a name of somebody else's (DNS rebinding): then the host it names is
   neither an address nor one that we know. */
static bool host_is_ours(const movexd_http *http, struct lws *wsi)
{
    struct in6_addr any;
    char            text[300];
    int             length = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HOST);
    if (length <= 0) return false;
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (!end) return false;
        *end = '\0';
        return inet_pton(AF_INET6, text + 1, &any) == 1;
    }
    text[strcspn(text, ":")] = '\0';
    return inet_pton(AF_INET, text, &any) == 1 || strcasecmp(text, "localhost") == 0 ||
           strcasecmp(text, http->host) == 0;
}

static bool write_headers(struct lws *wsi, const movexd_answer *answer)
{
    unsigned char buffer[LWS_PRE + 1024], *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer;
    static const unsigned char no_store[] = "no-store", close_it[] = "close", allow[] = "GET, HEAD",
                               nosniff[] = "nosniff";
    return lws_add_http_common_headers(wsi, answer->status, "application/json", answer->length, &at, end) == 0 &&
           lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL, no_store, 8, &at, end) == 0 &&
           lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, close_it, 5, &at, end) == 0 &&
           lws_add_http_header_by_name(wsi, (const unsigned char *)"x-content-type-options:", nosniff, 7, &at, end) ==
               0 &&
           (answer->status != 405 ||
            lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_ALLOW, allow, 9, &at, end) == 0) &&
           lws_finalize_write_http_header(wsi, start, &at, end) == 0;
}

/* The answer to a request whose headers are here. */
static bool make_answer(movexd_http *http, struct lws *wsi, const char *path, bool *bodyless, movexd_answer *answer)
{
    uint64_t uptime_s = (movex_system_now_ms() - http->started_ms) / 1000;
    *bodyless = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) <= 0)
        return movexd_answer_error(answer, 400, "the request names no host");
    if (!host_is_ours(http, wsi))
        return movexd_answer_error(answer, 403, "this host name is not one that movexd was told of (--http HOST:PORT)");
    if (!*bodyless && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
        return movexd_answer_error(answer, 405, "only GET and HEAD are understood");
    bool made = http->answer(http->user, answer, uptime_s, path);
    if (!made || answer->capacity <= MOST_HELD - http->held) return made;
    movexd_answer_free(answer);
    return movexd_answer_error(answer, 503, "too many long answers are on their way");
}

/* Returns what the callback is to return: other than 0 closes the connection. */
static int answer_request(movexd_http *http, struct lws *wsi, const char *path)
{
    movexd_answer answer;
    bool          bodyless;
    if (lws_get_opaque_user_data(wsi)) return -1; /* one request for each connection */
    if (!make_answer(http, wsi, path, &bodyless, &answer)) return -1;
    request *made = write_headers(wsi, &answer) && !bodyless ? malloc(sizeof *made) : NULL;
    if (!made) {
        movexd_answer_free(&answer);
        return -1; /* closing sends what libwebsockets still has of the headers */
    }
    *made = (request){.answer = answer};
    http->answering++;
    http->held += answer.capacity;
    lws_set_opaque_user_data(wsi, made);
    lws_callback_on_writable(wsi);
    return 0;
}

static int write_more(movexd_http *http, struct lws *wsi)
{
    request *on = lws_get_opaque_user_data(wsi);
    if (!on) return 0;
    size_t left = on->answer.length - on->sent, length = left < CHUNK ? left : CHUNK;
    bool   last = length == left;
    int    written = lws_write(wsi, on->answer.bytes + MOVEXD_ANSWER_ROOM + on->sent, length,
                            last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (written < 0) return -1;
    http->moved = true;
    on->sent += length; /* libwebsockets keeps what the socket has not taken, and asks again once that is gone */
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, QUIET_SECONDS);
    if (last) return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

static void forget(movexd_http *http, struct lws *wsi)
{
    request *on = lws_get_opaque_user_data(wsi);
    http->connections--;
    http->moved = true;
    if (!on) return;
    http->answering--;
    http->held -= on->answer.capacity;
    movexd_answer_free(&on->answer);
    free(on);
    lws_set_opaque_user_data(wsi, NULL);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    movexd_http *http = lws_context_user(lws_get_context(wsi));
    (void)user, (void)length;
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE: http->connections++; return 0;
    case LWS_CALLBACK_WSI_DESTROY: forget(http, wsi); return 0;
    case LWS_CALLBACK_HTTP: http->moved = true; return answer_request(http, wsi, in);
    case LWS_CALLBACK_HTTP_WRITEABLE: return write_more(http, wsi);
    /* Nothing but HTTP/1, and not the method CONNECT, of which libwebsockets makes bytes without a form or a timeout. */
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return -1;
    default: return 0;
    }
}

/* --- life */

static bool make_context(movexd_http *http)
{
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
    info.user = http;
    info.max_http_header_data = MOST_HEADERS;
    info.max_http_header_pool = MOST_CONNECTIONS;
    info.timeout_secs = QUIET_SECONDS;
    lws_set_log_level(0, NULL);
    http->context = lws_create_context(&info);
    if (!http->context) return false;
    http->protocols[0].name = "http";
    http->protocols[0].callback = on_event;
    http->protocols[0].tx_packet_size = CHUNK;
    info.options = 0;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = http->protocols;
    info.vhost_name = "http";
    info.server_string = "movexd";
    info.timeout_secs_ah_idle = QUIET_SECONDS;
    http->vhost = lws_create_vhost(http->context, &info);
    return http->vhost != NULL;
}

movexd_http *movexd_http_new(const char *address, movexd_http_answer *answer, void *user, char *cause,
                             size_t cause_size)
{
    movexd_http *http = calloc(1, sizeof *http);
    snprintf(cause, cause_size, "%s", movex_status_text(MOVEX_ERR_MEMORY));
    if (!http) return NULL;
    http->answer = answer;
    http->user = user;
    http->started_ms = movex_system_now_ms();
    http->listener = -1;
    if (start_listening(http, address, cause, cause_size) && make_context(http)) return http;
    movexd_http_free(http);
    return NULL;
}

const char *movexd_http_address(const movexd_http *http)
{
    return http->address;
}

/* True if somebody waits for more of an answer. */
static bool serve(movexd_http *http)
{
    accept_connections(http);
    if (http->connections == 0) return false;
    for (int pass = 0; pass < PASSES; pass++) {
        http->moved = false;
        lws_service(http->context, -1); /* a negative time does not block */
        if (!http->moved) break;
    }
    return http->connections > 0;
}

uint32_t movexd_http_serve(movexd_http *http, uint32_t timeout_ms)
{
    uint32_t pause_ms = serve(http) ? BUSY_MS : QUIET_MS;
    return timeout_ms < pause_ms ? timeout_ms : pause_ms;
}

void movexd_http_free(movexd_http *http)
{
    if (!http) return;
    if (http->context) lws_context_destroy(http->context);
    if (http->listener >= 0) close(http->listener);
    free(http);
}
