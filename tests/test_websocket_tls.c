/* The websocket emitter over TLS: whom it trusts, what it says when it does not, and peers that speak something else. What
   two emitters do over any carrier is in test_websocket.c. */
#define _POSIX_C_SOURCE 200809L
#include "certificates.h"
#include "support.h"

#include <movex/io.h>
#include <movex/status.h>
#include <movex/system.h>
#include <movex/websocket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_MS 10000 /* no test waits for longer than this */

static char url[64];

static movex_ws_config serving(const char *name)
{
    static char pem[32], key[32];
    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    return (movex_ws_config){
        .address = "127.0.0.1:0", .certificate_file = certificate(pem), .key_file = certificate(key)};
}

static movex_io listening(movex_ws_config config)
{
    movex_io io = movex_ws_new(&config);
    ck_assert_ptr_nonnull(io.self);
    ck_assert_int_eq(io.ops->listen(io.self), MOVEX_OK);
    snprintf(url, sizeof url, "wss://127.0.0.1:%u", movex_ws_port(io));
    return io;
}

static movex_io trusting(const char *authority)
{
    movex_io io = movex_ws_new(&(movex_ws_config){.ca_file = authority ? certificate(authority) : NULL});
    ck_assert_ptr_nonnull(io.self);
    return io;
}

static void destroy(movex_io io)
{
    io.ops->destroy(io.self);
}

/* The next event of `io`; what `other` reports meanwhile is passed over. */
static movex_io_event next(movex_io io, movex_io other)
{
    movex_io_event event, passed;
    uint64_t       until = movex_system_now_ms() + PATIENCE_MS;
    while (movex_system_now_ms() < until) {
        if (io.ops->recv(io.self, &event) == MOVEX_OK) return event;
        while (other.self != io.self && other.ops->recv(other.self, &passed) == MOVEX_OK) continue;
        io.ops->wait(io.self, 1);
    }
    ck_abort_msg("nothing came within %d ms", PATIENCE_MS);
}

static movex_link dial(movex_io client)
{
    movex_link link = 0;
    ck_assert_int_eq(client.ops->open(client.self, url, &link), MOVEX_OK);
    return link;
}

/* Dials; a `text` of NULL: it opens, else it is closed with a text that has this in it. */
static void expect_dialling(movex_io client, movex_io server, const char *text)
{
    movex_link     link = dial(client);
    movex_io_event event = next(client, server);
    ck_assert_uint_eq(event.link, link);
    if (!text) {
        ck_assert_msg(event.kind == MOVEX_IO_OPENED, "not opened: %s", event.text);
        client.ops->close(client.self, link);
        return;
    }
    ck_assert_int_eq(event.kind, MOVEX_IO_CLOSED);
    ck_assert_msg(strstr(event.text, text), "'%s' does not say '%s'", event.text, text);
}

START_TEST(whom_to_trust)
{
    static const struct {
        const char *server, *authority, *text; /* text NULL: trusted */
    } cases[] = {
        {"good", "authority.pem", NULL},
        {"between", "authority.pem", NULL},
        {"alone", "alone.pem", NULL},
        {"good", "other.pem", "is not trusted: it is signed by nobody who is trusted here"},
        {"good", NULL, "is not trusted: it is signed by nobody who is trusted here"},
        {"alone", "authority.pem", "is not trusted: self"},
        {"elsewhere", "authority.pem", "is not trusted: it is not for 127.0.0.1"},
        {"expired", "authority.pem", "is not trusted: certificate has expired"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        movex_io server = listening(serving(cases[i].server)), client = trusting(cases[i].authority);
        expect_dialling(client, server, cases[i].text);
        expect_dialling(client, server, cases[i].text);
        destroy(client);
        destroy(server);
    }
}
END_TEST

START_TEST(host_names)
{
    movex_io server = listening(serving("good")), client = trusting("authority.pem");
    unsigned port = movex_ws_port(server);
    snprintf(url, sizeof url, "wss://localhost:%u/some/path", port);
    expect_dialling(client, server, NULL);
    snprintf(url, sizeof url, "wss://127.0.0.2:%u",
             port); /* another address of this machine, and not in the certificate */
    movex_ws_config all = serving("good");
    all.address = ":0";
    movex_io everywhere = listening(all);
    snprintf(url, sizeof url, "wss://127.0.0.2:%u", movex_ws_port(everywhere));
    expect_dialling(client, everywhere, "is not for 127.0.0.2");
    destroy(everywhere);
    destroy(server);
    movex_ws_config six = serving("good");
    six.address = "[::1]:0";
    server = movex_ws_new(&six);
    if (server.ops->listen(server.self) == MOVEX_OK) { /* not every machine has IPv6 */
        snprintf(url, sizeof url, "wss://[::1]:%u", movex_ws_port(server));
        expect_dialling(client, server, NULL);
    }
    destroy(server);
    server = listening(serving("elsewhere"));
    snprintf(url, sizeof url, "wss://localhost:%u", movex_ws_port(server));
    expect_dialling(client, server, "is not for localhost");
    destroy(server);
    destroy(client);
}
END_TEST

START_TEST(verification_skipped)
{
    static const char *const servers[] = {"good", "alone", "elsewhere", "expired", "between"};
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        movex_io server = listening(serving(servers[i]));
        movex_io client = movex_ws_new(&(movex_ws_config){.insecure_skip_verification = true});
        expect_dialling(client, server, NULL);
        destroy(client);
        destroy(server);
    }
}
END_TEST

/* Many emitters made while the handshakes of others are under way. */
START_TEST(many_clients_at_once)
{
    enum { clients = 20 };
    movex_io server = listening(serving("good")), client[clients];
    bool     open[clients] = {false};
    uint64_t until = movex_system_now_ms() + PATIENCE_MS;
    for (int i = 0; i < clients; i++) {
        client[i] = trusting("authority.pem");
        dial(client[i]);
    }
    for (int opened = 0; opened < clients;) {
        movex_io_event event;
        ck_assert_uint_lt(movex_system_now_ms(), until);
        while (server.ops->recv(server.self, &event) == MOVEX_OK) continue;
        for (int i = 0; i < clients; i++) {
            if (open[i] || client[i].ops->recv(client[i].self, &event) != MOVEX_OK) continue;
            ck_assert_msg(event.kind == MOVEX_IO_OPENED, "not opened: %s", event.text);
            open[i] = true;
            opened++;
        }
    }
    for (int i = 0; i < clients; i++) destroy(client[i]);
    destroy(server);
}
END_TEST

START_TEST(plain_and_tls_do_not_mix)
{
    movex_io tls = listening(serving("good"));
    movex_io plain = movex_ws_listen("127.0.0.1:0"), client = trusting("authority.pem");
    ck_assert_int_eq(plain.ops->listen(plain.self), MOVEX_OK);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u", movex_ws_port(tls));
    expect_dialling(client, tls,
                    "the other side hung up during the handshake: it may be full, or speak something else");
    snprintf(url, sizeof url, "wss://127.0.0.1:%u", movex_ws_port(plain));
    movex_link     link = dial(client);
    movex_io_event event = next(client, plain);
    ck_assert_uint_eq(event.link, link);
    ck_assert_int_eq(event.kind, MOVEX_IO_CLOSED);
    ck_assert_msg(strstr(event.text, "TLS"), "'%s'", event.text);
    /* Both go on as if nothing had been. */
    expect_dialling(client, plain, "TLS");
    snprintf(url, sizeof url, "wss://127.0.0.1:%u", movex_ws_port(tls));
    expect_dialling(client, tls, NULL);
    destroy(client);
    destroy(plain);
    destroy(tls);
}
END_TEST

/* Unreadable files, and pairs that are none: `listen`, `open` and movex_ws_check agree, and the text names file and cause. */
START_TEST(files)
{
    const struct {
        const char *pem, *key, *ca, *cause, *file;
        int         status;
    } cases[] = {
        {"none.pem", "good.key", NULL, "No such file", "none.pem", MOVEX_ERR_TLS},
        {"good.pem", "none.key", NULL, "No such file", "none.key", MOVEX_ERR_TLS},
        {"good.key", "good.key", NULL, "certificate cannot be used: there is none in the file", "good.key",
         MOVEX_ERR_TLS},
        {"good.pem", "good.pem", NULL, "key cannot be used: there is none in the file", "good.pem", MOVEX_ERR_TLS},
        {"good.pem", "other.key", NULL, "it is not that of the certificate", "other.key", MOVEX_ERR_TLS},
        {"good.pem", "locked.key", NULL, "without a password", "locked.key", MOVEX_ERR_TLS},
        {"good.pem", NULL, NULL, "both", "certificate_file", MOVEX_ERR_ARGUMENT},
        {NULL, "good.key", NULL, "both", "key_file", MOVEX_ERR_ARGUMENT},
        {NULL, NULL, "none.pem", "No such file", "none.pem", MOVEX_ERR_TLS},
        {NULL, NULL, "good.key", "no certificate in it", "good.key", MOVEX_ERR_TLS},
        {"good.pem", "good.key", "authority.pem", NULL, NULL, MOVEX_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        movex_ws_config config = {.address = "127.0.0.1:0", .url = "wss://127.0.0.1:1"};
        movex_error     error = {MOVEX_OK, ""};
        movex_link      link = 0;
        if (cases[i].pem) config.certificate_file = certificate(cases[i].pem);
        if (cases[i].key) config.key_file = certificate(cases[i].key);
        if (cases[i].ca) config.ca_file = certificate(cases[i].ca);
        ck_assert_int_eq(movex_ws_check(&config, &error), cases[i].status);
        ck_assert_int_eq(movex_ws_check(&config, NULL), cases[i].status);
        movex_io io = movex_ws_new(&config);
        if (cases[i].ca)
            ck_assert_int_eq(io.ops->open(io.self, NULL, &link), cases[i].status);
        else
            ck_assert_int_eq(io.ops->listen(io.self), cases[i].status);
        destroy(io);
        if (cases[i].status == MOVEX_OK) continue;
        ck_assert_int_eq(error.status, cases[i].status);
        ck_assert_msg(strstr(error.text, cases[i].cause), "'%s' does not say '%s'", error.text, cases[i].cause);
        ck_assert_msg(strstr(error.text, cases[i].file), "'%s' does not name '%s'", error.text, cases[i].file);
    }
}
END_TEST

START_TEST(other_settings_are_checked)
{
    const struct {
        movex_ws_config config;
        int             status;
        const char     *text;
    } cases[] = {
        {{.url = "wss://a b"}, MOVEX_ERR_ADDRESS, "url"},
        {{.url = "http://a"}, MOVEX_ERR_ADDRESS, "url"},
        {{.address = "9000"}, MOVEX_ERR_ADDRESS, "address"},
        {{.max_frame = 1}, MOVEX_ERR_ARGUMENT, "max_frame"},
        {{.max_links = 2000000}, MOVEX_ERR_ARGUMENT, "max_links"},
        {{.ping_seconds = 40}, MOVEX_ERR_ARGUMENT, "ping_seconds"},
        {{.connect_seconds = 70000}, MOVEX_ERR_ARGUMENT, "connect_seconds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        movex_error error;
        ck_assert_int_eq(movex_ws_check(&cases[i].config, &error), cases[i].status);
        ck_assert_msg(strstr(error.text, cases[i].text), "'%s' does not name %s", error.text, cases[i].text);
    }
    ck_assert_int_eq(movex_ws_check(&(movex_ws_config){.url = "wss://[::1]/x"}, NULL), MOVEX_OK);
}
END_TEST

/* --- peers that speak by hand, over OpenSSL */

typedef struct tls_peer {
    SSL_CTX *context;
    SSL     *session;
    int      fd;
} tls_peer;

static int mute_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t          length = sizeof address;
    int                fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(url, sizeof url, "wss://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

/* A peer on a socket that does not block: a server with the good certificate, or a client that trusts anybody. */
static tls_peer make_peer(int fd, bool server)
{
    struct timeval brief = {.tv_usec = 20000};
    tls_peer       made = {.fd = fd, .context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())};
    if (server) {
        ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(made.context, certificate("good.pem")), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(made.context, certificate("good.key"), SSL_FILETYPE_PEM), 1);
    }
    made.session = SSL_new(made.context);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
    SSL_set_fd(made.session, fd);
    return made;
}

static void drop(tls_peer *peer)
{
    SSL_free(peer->session);
    SSL_CTX_free(peer->context);
    close(peer->fd);
}

/* Shakes hands and reads a request's or an answer's headers while `io` is driven. */
static void hear_headers(tls_peer *peer, movex_io io, bool server, char *headers, size_t size)
{
    uint64_t       until = movex_system_now_ms() + PATIENCE_MS;
    size_t         length = 0;
    movex_io_event event;
    headers[0] = '\0';
    while (!strstr(headers, "\r\n\r\n")) {
        ck_assert_uint_lt(movex_system_now_ms(), until);
        ck_assert_int_eq(io.ops->recv(io.self, &event), MOVEX_ERR_AGAIN);
        if (!SSL_is_init_finished(peer->session)) {
            if (server)
                SSL_accept(peer->session);
            else
                SSL_connect(peer->session);
            if (SSL_is_init_finished(peer->session) && !server) return;
            continue;
        }
        int got = SSL_read(peer->session, headers + length, (int)(size - 1 - length));
        if (got > 0) length += (size_t)got;
        headers[length] = '\0';
    }
}

/* The answer that makes a websocket of a request, and then `length` bytes, all in one TLS record. */
static void accept_and_send(tls_peer *peer, const char *request, const char *bytes, size_t length)
{
    static char   record[16384];
    char          key[64], accepted[64];
    unsigned char hash[20];
    const char   *given = strstr(request, "Sec-WebSocket-Key: ");
    ck_assert_ptr_nonnull(given);
    int n = snprintf(key, sizeof key, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", given + 19);
    ck_assert_int_eq(EVP_Digest(key, (size_t)n, hash, NULL, EVP_sha1(), NULL), 1);
    EVP_EncodeBlock((unsigned char *)accepted, hash, sizeof hash);
    n = snprintf(record, sizeof record,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: movex.1\r\n\r\n",
                 accepted);
    ck_assert_uint_le((size_t)n + length, sizeof record);
    memcpy(record + n, bytes, length);
    ck_assert_int_eq(SSL_write(peer->session, record, n + (int)length), n + (int)length);
}

/* A server's record that begins with what closes the link and goes on: the rest of it must not keep the client busy. */
START_TEST(what_follows_a_wrong_frame)
{
    static const struct {
        const char *bytes;
        size_t      length;
    } starts[] = {{"\x81\x01x", 3}, {"\x83\x01x", 3}, {"\x82\x00", 2}, {"\xf2\x01x", 3}};
    static char rest[15000];
    int         fd = mute_server();
    movex_io    client = trusting("authority.pem");
    for (size_t i = 0; i < 2 * (sizeof starts / sizeof *starts); i++) {
        bool           at_once = i % 2; /* in the record of the answer, or in the next */
        char           request[2048];
        movex_link     link = dial(client);
        tls_peer       server = make_peer(accept(fd, NULL, NULL), true);
        movex_io_event event;
        memset(rest, 0, sizeof rest);
        memcpy(rest, starts[i / 2].bytes, starts[i / 2].length);
        hear_headers(&server, client, true, request, sizeof request);
        accept_and_send(&server, request, rest, at_once ? sizeof rest : 0);
        ck_assert_int_eq(next(client, client).kind, MOVEX_IO_OPENED);
        if (!at_once) ck_assert_int_eq(SSL_write(server.session, rest, sizeof rest), sizeof rest);
        event = next(client, client);
        ck_assert_int_eq(event.kind, MOVEX_IO_CLOSED);
        ck_assert_uint_eq(event.link, link);
        for (int k = 0; k < 20; k++) {
            ck_assert_int_eq(client.ops->recv(client.self, &event), MOVEX_ERR_AGAIN);
            client.ops->wait(client.self, 1);
        }
        drop(&server);
    }
    close(fd);
    destroy(client);
}
END_TEST

/* Many frames in one record, the last of which nothing follows: none may wait inside OpenSSL for the next to come. */
START_TEST(frames_in_one_record)
{
    static char frames[16000];
    char        request[2048];
    int         fd = mute_server();
    movex_io    client = trusting("authority.pem");
    dial(client);
    tls_peer server = make_peer(accept(fd, NULL, NULL), true);
    for (size_t i = 0; i < sizeof frames; i += 16)
        memcpy(frames + i,
               "\x82\x0e"
               "fourteen bytes",
               16);
    hear_headers(&server, client, true, request, sizeof request);
    accept_and_send(&server, request, frames, 16000);
    ck_assert_int_eq(next(client, client).kind, MOVEX_IO_OPENED);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof frames / 16; i++) {
            movex_io_event event;
            uint64_t       start = movex_system_now_ms();
            if (client.ops->recv(client.self, &event) != MOVEX_OK) {
                client.ops->wait(client.self, 3000);
                ck_assert_uint_lt(movex_system_now_ms() - start, 2500);
                ck_assert_int_eq(client.ops->recv(client.self, &event), MOVEX_OK);
            }
            ck_assert_int_eq(event.kind, MOVEX_IO_MESSAGE);
            ck_assert_uint_eq(event.length, 14);
        }
        if (round < 2) ck_assert_int_eq(SSL_write(server.session, frames, sizeof frames), sizeof frames);
    }
    drop(&server);
    close(fd);
    destroy(client);
}
END_TEST

/* Half a handshake, nonsense, and nothing at all: the server goes on, and lets go of each in time. */
START_TEST(half_handshakes)
{
    movex_ws_config config = serving("good");
    config.connect_seconds = 1;
    movex_io                 server = listening(config), client = trusting("authority.pem");
    static const char *const starts[] = {"", "\x16\x03\x01", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "\x16\x03\x01\xff\xff nonsense"};
    int                      fds[4];
    for (int i = 0; i < 4; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(movex_ws_port(server))};
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
        ck_assert_int_eq(connect(fds[i], (struct sockaddr *)&address, sizeof address), 0);
        ck_assert_int_eq(send(fds[i], starts[i], strlen(starts[i]), MSG_NOSIGNAL), (ssize_t)strlen(starts[i]));
    }
    expect_dialling(client, server, NULL);
    uint64_t until = movex_system_now_ms() + PATIENCE_MS;
    for (int i = 0; i < 4; i++) {
        char           bytes[256];
        movex_io_event event;
        for (ssize_t got = 1; got != 0;) {
            ck_assert_uint_lt(movex_system_now_ms(), until);
            while (server.ops->recv(server.self, &event) == MOVEX_OK) ck_assert_int_ne(event.kind, MOVEX_IO_MESSAGE);
            server.ops->wait(server.self, 5);
            got = recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT);
            if (got < 0 && errno == ECONNRESET) got = 0;
        }
        close(fds[i]);
    }
    destroy(client);
    destroy(server);
}
END_TEST

/* Older than TLS 1.2 is not spoken. */
START_TEST(old_versions_are_refused)
{
    movex_io           server = listening(serving("good"));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(movex_ws_port(server))};
    for (int version = TLS1_VERSION; version <= TLS1_3_VERSION; version++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        tls_peer       client = make_peer(fd, false);
        movex_io_event event;
        SSL_CTX_set_security_level(client.context, 0);
        SSL_set_security_level(client.session, 0);
        SSL_set_min_proto_version(client.session, version);
        SSL_set_max_proto_version(client.session, version);
        for (int i = 0; i < 20 && !SSL_is_init_finished(client.session); i++) {
            ck_assert_int_eq(server.ops->recv(server.self, &event), MOVEX_ERR_AGAIN);
            SSL_connect(client.session);
        }
        ck_assert_int_eq(SSL_is_init_finished(client.session), version >= TLS1_2_VERSION);
        drop(&client);
    }
    destroy(server);
}
END_TEST

static volatile sig_atomic_t pipes;

static void on_pipe(int signal)
{
    (void)signal;
    pipes++;
}

/* A peer that is gone without a word while much is written to it. The handler shows what would have ended the program. */
START_TEST(writing_to_a_dead_peer)
{
    struct sigaction action = {.sa_handler = on_pipe}, after;
    sigset_t         mask;
    ck_assert_int_eq(sigaction(SIGPIPE, &action, NULL), 0);
    movex_io server = listening(serving("good"));
    for (int round = 0; round < 5; round++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(movex_ws_port(server))};
        struct linger      at_once = {.l_onoff = 1};
        int                fd = socket(AF_INET, SOCK_STREAM, 0);
        static char        headers[1024], frame[60000];
        static const char  request[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                       "Sec-WebSocket-Protocol: movex.1\r\n\r\n";
        movex_io_event     event;
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        tls_peer client = make_peer(fd, false);
        hear_headers(&client, server, false, headers, sizeof headers);
        SSL_write(client.session, request, sizeof request - 1);
        event = next(server, server);
        ck_assert_int_eq(event.kind, MOVEX_IO_OPENED);
        movex_link link = event.link;
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        drop(&client); /* a reset: the second write to such a socket raises SIGPIPE */
        for (int i = 0; i < 5; i++) server.ops->send(server.self, link, frame, sizeof frame);
        server.ops->close(server.self, link);
        while (server.ops->recv(server.self, &event) == MOVEX_OK) continue;
    }
    destroy(server);
    ck_assert_int_eq(pipes, 0);
    ck_assert_int_eq(sigaction(SIGPIPE, NULL, &after), 0);
    ck_assert(after.sa_handler == on_pipe);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    ck_assert_int_eq(sigismember(&mask, SIGPIPE), 0);
    raise(SIGPIPE); /* it is the program's again */
    ck_assert_int_eq(pipes, 1);
}
END_TEST

int main(void)
{
    Suite             *suite = suite_create("websocket over TLS");
    TCase             *group = tcase_create("TLS");
    const TTest *const tests[] = {whom_to_trust,
                                  host_names,
                                  verification_skipped,
                                  many_clients_at_once,
                                  files,
                                  half_handshakes,
                                  plain_and_tls_do_not_mix,
                                  other_settings_are_checked,
                                  old_versions_are_refused,
                                  writing_to_a_dead_peer,
                                  what_follows_a_wrong_frame,
                                  frames_in_one_record};
    if (!certificates_make()) return certificates_skip();
    tcase_set_timeout(group, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(group, tests[i]);
    suite_add_tcase(suite, group);
    int status = movex_test_main(suite);
    certificates_remove();
    return status;
}
