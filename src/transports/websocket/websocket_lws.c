/* Where libwebsockets calls back, and what it is told at the start.

   It is one context per emitter with a vhost for dialling and, once it listens, one for serving. Everything happens inside
   lws_service, so inside recv and wait, apart from writes that movex_ws_link_send makes itself. */
#define _POSIX_C_SOURCE 200809L
#include "websocket_internal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Bytes that one read takes from a connection; libwebsockets keeps a buffer of this size for each. */
#define DIAL_READ 4096
#define SERVE_READ 384 /* more costs each connection memory, and gains little: see bench/connections.c */
/* Over TLS each read must be able to take a whole record (RFC 8446, 5.1), so that nothing of it ever stays behind in
   OpenSSL: where a connection ends with something left there, libwebsockets 4.1 goes round in circles, for ever with a
   client's, until a timeout with a server's. */
#define TLS_READ 16384
/* Connections taken in one pass, so that a flood of them leaves time for those that are there. */
#define ACCEPTS_PER_PASS 64
/* An emitter that does not listen holds few connections, and gets by with a table of this many. Beyond it, libwebsockets is
   left to its default: a table of all descriptors that the process may have, in which looking one up does not mean searching. */
#define SMALL_TABLE 128

/* What libwebsockets is told when it asks for the thread: it is always the same, and not 0, which means that nobody knows. */
#define ONE_THREAD 1

/* The ports of vhosts; neither makes libwebsockets listen by itself. */
#define DIALLING CONTEXT_PORT_NO_LISTEN
#define SERVING CONTEXT_PORT_NO_LISTEN_SERVER

static const char other_protocol[] = "not a websocket"; /* no token (RFC 6455, 4.1), because of the spaces */

/* Links are watched by movex_ws_sweep_start; this tells libwebsockets not to. */
static const lws_retry_bo_t no_watching = {.secs_since_valid_ping = 0, .secs_since_valid_hangup = 0};

static movex_ws *emitter_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* libwebsockets describes failed dialling in its own terms; this says what a person can act on. */
static const char *dial_failure(const char *reason, size_t length, char *text, size_t size)
{
    char was[96] = "";
    if (reason) snprintf(was, sizeof was, "%.*s", (int)length, reason);
    if (strncmp(was, "connect S", 9) == 0)
        return "the other side hung up during the TLS handshake: it may be full, or speak something else";
    if (strstr(was, "onnect")) return "the connection was refused, or there is no way to that address";
    if (strstr(was, "getaddrinfo")) return "there is no such host";
    if (strncmp(was, "HS: ", 4) == 0) {
        snprintf(text, size, "the other side does not speak " MOVEX_WS_PROTOCOL " (%s)", was + 4);
        return text;
    }
    return "the other side hung up during the handshake: it may be full, or speak something else";
}

/* What every kind of connection can come to. */
static int any_callback(struct lws *wsi, enum lws_callback_reasons reason)
{
    movex_ws      *ws = emitter_of(wsi);
    movex_ws_link *link = lws_get_opaque_user_data(wsi);
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
        if (ws->server && lws_get_vhost(wsi) == ws->server) ws->sockets++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (ws->server && lws_get_vhost(wsi) == ws->server) ws->sockets--;
        if (wsi == ws->listener) ws->listener = NULL;
        /* Each link has ended by now in one of the other ways; if one had not, its owner must still hear of it. */
        if (link && link->wsi == wsi) movex_ws_link_lost(link, "the connection was lost");
        return 0;
    default: return 0;
    }
}

static void adopt(movex_ws *ws, int fd)
{
    if (lws_adopt_socket_vhost(ws->server, fd)) movex_ws_watch(ws, fd); /* if not, it is closed */
}

static int accept_connections(movex_ws *ws)
{
    for (int i = 0; i < ACCEPTS_PER_PASS; i++) {
        int fd = movex_ws_accept((int)lws_get_socket_fd(ws->listener));
        if (fd == -1) return 0;
        if (fd == -2) { /* no descriptors: it stays readable, so stop looking until the next sweep */
            ws->listener_paused = true;
            lws_rx_flow_control(ws->listener, 0);
            return 0;
        }
        /* Connections that have not become links yet need a bound too; they time out by themselves. */
        if (ws->sockets > ws->config.max_links + ws->config.max_links / 4 + 16)
            close(fd);
        else
            adopt(ws, fd);
    }
    movex_ws_watch(ws, (int)lws_get_socket_fd(ws->listener)); /* there may be more */
    return 0;
}

void movex_ws_resume_listener(movex_ws *ws)
{
    if (!ws->listener_paused || !ws->listener) return;
    ws->listener_paused = false;
    lws_rx_flow_control(ws->listener, 1);
}

/* Connections that are no link (yet): the listening socket, plain http, websockets that do not name the subprotocol. */
static int other_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    (void)in, (void)length;
    switch (reason) {
    case LWS_CALLBACK_GET_THREAD_ID: movex_ws_watch_changed(emitter_of(wsi), wsi); return ONE_THREAD;
    case LWS_CALLBACK_RAW_RX_FILE: return accept_connections(emitter_of(wsi));
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return movex_ws_tls_equip(user, emitter_of(wsi)->server_tls) ? 0 : 1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return -1;
    /* What libwebsockets makes of the method CONNECT: bytes without a form, and without a timeout. */
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX: return -1;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return *(const char *)in == 'w' || *(const char *)in == 'W' ? 0 : -1; /* not h2c */
    case LWS_CALLBACK_HTTP: return lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL) ? -1 : 1;
    case LWS_CALLBACK_WSI_CREATE:
    case LWS_CALLBACK_WSI_DESTROY: return any_callback(wsi, reason);
    default: return 0;
    }
}

static int server_established(struct lws *wsi)
{
    movex_ws      *ws = emitter_of(wsi);
    movex_ws_link *link = movex_ws_link_new(ws, wsi, MOVEX_WS_ENDING);
    if (!link) return -1;
    if (movex_ws_take_slot(ws, link) != MOVEX_OK) {
        movex_ws_link_free(link);
        return -1;
    }
    movex_link number = link->number;
    if (movex_ws_link_opened(link) == 0) return 0;
    /* Nobody was told that it opened, so nobody is told that it closed. */
    movex_ws_free_slot(ws, movex_ws_find(ws, number));
    return -1;
}

/* libwebsockets lets a server pass that does not answer with the subprotocol. */
static bool answer_names_protocol(struct lws *wsi)
{
    char answer[sizeof MOVEX_WS_PROTOCOL + 1];
    int  length = lws_hdr_copy(wsi, answer, sizeof answer, WSI_TOKEN_PROTOCOL);
    return length > 0 && strcmp(answer, MOVEX_WS_PROTOCOL) == 0;
}

static int dial_failed(movex_ws_link *link, const char *reason, size_t length)
{
    char text[MOVEX_WS_TEXT_SIZE];
    bool known = link->tls && link->tls->text[0];
    if (known) snprintf(text, sizeof text, "%s", link->tls->text);
    movex_ws_link_lost(link, known ? text : dial_failure(reason, length, text, sizeof text));
    return 0;
}

/* Whether to go on with what answered. That the certificate was looked at is made sure of here once more, whatever the ways
   by which a handshake may have come to its end. */
static int filter_answer(movex_ws_link *link)
{
    bool trusted = !link->tls || link->tls->verified;
    if (trusted && answer_names_protocol(link->wsi)) return 0;
    movex_ws_link_lost(link, trusted ? "the other side does not speak " MOVEX_WS_PROTOCOL
                                     : "the server's certificate is not trusted: it was not verified");
    return -1;
}

static int heard(movex_ws_link *link)
{
    link->since = lws_now_usecs();
    link->pinged = false;
    return 0;
}

/* Connections that speak the subprotocol. */
static int link_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    (void)user;
    movex_ws_link *link;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return emitter_of(wsi)->slots_used < emitter_of(wsi)->config.max_links ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED: return server_established(wsi);
    case LWS_CALLBACK_WSI_CREATE:
    case LWS_CALLBACK_WSI_DESTROY: return any_callback(wsi, reason);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED: break;
    default: return 0;
    }
    link = lws_get_opaque_user_data(wsi);
    if (!link) return 0; /* let go of already; what is left of it is libwebsockets' */
    link->wsi = wsi;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: return dial_failed(link, in, length);
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH: return filter_answer(link);
    case LWS_CALLBACK_CLIENT_ESTABLISHED: return movex_ws_link_opened(link);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE: return movex_ws_link_received(link, in, length);
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG: return heard(link);
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE: return movex_ws_link_writeable(link);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: movex_ws_link_closed_by_peer(link, in, length); return 0;
    default: movex_ws_link_lost(link, "the connection was lost"); return 0;
    }
}

/* The first protocol gets whatever is not a websocket of ours. Its name must not be one that a peer can ask for. */
static void fill_protocols(const movex_ws *ws, struct lws_protocols protocols[3], size_t read_size)
{
    memset(protocols, 0, 3 * sizeof *protocols);
    protocols[0].name = other_protocol;
    protocols[0].callback = other_callback;
    protocols[1].name = MOVEX_WS_PROTOCOL;
    protocols[1].callback = link_callback;
    protocols[1].rx_buffer_size = read_size;
    protocols[1].tx_packet_size = ws->config.max_frame; /* bytes of one write: a frame in one piece */
}

/* `port`: libwebsockets moves what comes in to the first vhost of the same port once it has read a Host header, so those
   that dial must have another one. */
static struct lws_vhost *new_vhost(movex_ws *ws, const struct lws_protocols *protocols, const char *name, int port,
                                   SSL_CTX *tls)
{
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = port;
    info.protocols = protocols;
    info.vhost_name = name;
    if (tls) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        if (port == SERVING) info.options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
        info.provided_client_ssl_ctx = tls; /* else it would load the system's authorities, also to serve */
        info.alpn = "http/1.1";
    }
    info.http_proxy_address = ""; /* else the environment's http_proxy would be asked to take us there */
    info.retry_and_idle_policy = &no_watching;
    info.timeout_secs = ws->config.connect_seconds;
    info.connect_timeout_secs = ws->config.connect_seconds;
    info.timeout_secs_ah_idle = ws->config.connect_seconds; /* for whoever connects and then asks for nothing */
    return lws_create_vhost(ws->context, &info);
}

int movex_ws_context_new(movex_ws *ws)
{
    struct lws_context_creation_info info;
    struct sigaction                 pipe_action;
    bool                             small = !ws->config.address && ws->config.max_links <= SMALL_TABLE;
    memset(&info, 0, sizeof info);
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT; /* which url will be dialled is not known yet */
    info.user = ws;
    info.pt_serv_buf_size = TLS_READ + LWS_PRE;
    info.timeout_secs = ws->config.connect_seconds;
    info.connect_timeout_secs = ws->config.connect_seconds;
    if (small) info.fd_limit_per_thread = ws->config.max_links + 16; /* and some that are on their way out */

    lws_set_log_level(0, NULL); /* for all of the process; a library does not print */
    /* Making a context sets SIGPIPE to be ignored. It writes with MSG_NOSIGNAL, and movex_ws_pipe_hold sees to TLS, so the
       program may have it as it was. */
    bool saved = sigaction(SIGPIPE, NULL, &pipe_action) == 0;
    ws->context = lws_create_context(&info);
    if (saved) sigaction(SIGPIPE, &pipe_action, NULL);
    if (!ws->context) return MOVEX_ERR_MEMORY;

    fill_protocols(ws, ws->dial_protocols, DIAL_READ);
    ws->dialler = new_vhost(ws, ws->dial_protocols, "dial", DIALLING, NULL);
    return ws->dialler ? MOVEX_OK : MOVEX_ERR_MEMORY;
}

int movex_ws_server_new(movex_ws *ws)
{
    movex_ws_url          address;
    lws_sock_file_fd_type descriptor;
    int                   fd;
    uint16_t              port;
    int                   status;
    if (!movex_ws_parse_address(ws->config.address, &address)) return MOVEX_ERR_ADDRESS;
    if (ws->config.certificate_file && !ws->server_tls) {
        status = movex_ws_tls_server(&ws->config, &ws->server_tls, NULL);
        if (status != MOVEX_OK) return status;
        ws->uses_tls = true;
    }
    status = movex_ws_listen_socket(&address, ws->config.share_port, &fd, &port);
    if (status != MOVEX_OK) return status;
    fill_protocols(ws, ws->serve_protocols, ws->server_tls ? TLS_READ : SERVE_READ);
    if (!ws->server) ws->server = new_vhost(ws, ws->serve_protocols, "serve", SERVING, ws->server_tls);
    memset(&descriptor, 0, sizeof descriptor);
    descriptor.filefd = fd;
    if (ws->server)
        ws->listener =
            lws_adopt_descriptor_vhost(ws->server, LWS_ADOPT_RAW_FILE_DESC, descriptor, other_protocol, NULL);
    if (!ws->listener) {
        close(fd);
        return MOVEX_ERR_MEMORY;
    }
    movex_ws_watch(ws, fd);
    ws->port = port;
    return MOVEX_OK;
}

int movex_ws_tls_dialler_new(movex_ws *ws)
{
    if (ws->tls_dialler) return MOVEX_OK;
    if (!ws->client_tls) {
        int status = movex_ws_tls_client(&ws->config, &ws->client_tls, NULL);
        if (status != MOVEX_OK) return status;
        SSL_CTX_set_app_data(ws->client_tls, ws);
        ws->uses_tls = true;
    }
    fill_protocols(ws, ws->tls_dial_protocols, TLS_READ);
    ws->tls_dialler = new_vhost(ws, ws->tls_dial_protocols, "dial-tls", DIALLING, ws->client_tls);
    return ws->tls_dialler ? MOVEX_OK : MOVEX_ERR_MEMORY;
}

int movex_ws_dial(movex_ws *ws, const movex_ws_url *url, movex_ws_link *link)
{
    struct lws_client_connect_info info;
    movex_link                     number = link->number;
    memset(&info, 0, sizeof info);
    info.context = ws->context;
    info.vhost = url->tls ? ws->tls_dialler : ws->dialler;
    info.address = url->host;
    info.port = url->port;
    info.path = url->path;
    info.host = url->authority;
    info.protocol = info.local_protocol_name = MOVEX_WS_PROTOCOL;
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    if (url->tls)
        info.ssl_connection |= LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK; /* done by websocket_tls.c */
    info.retry_and_idle_policy = &no_watching;
    info.opaque_user_data = link;
    ws->dialling = link;
    struct lws *wsi = lws_client_connect_via_info(&info);
    ws->dialling = NULL;
    /* A callback may have ended the link meanwhile; then its number leads to no link any more. */
    movex_ws_slot *slot = movex_ws_find(ws, number);
    if (slot && slot->link == link) {
        link->wsi = wsi;
        if (!wsi)
            movex_ws_link_lost(link, movex_ws_is_numeric(url->host)
                                         ? "the connection was refused, or there is no way to that address"
                                         : "there is no such host, or no way to it");
    }
    return MOVEX_OK;
}
