/* The listening socket. It is made here and handed to libwebsockets, whose own way of listening does not say why it failed
   and, for some causes, tries again later instead of failing. */
#define _DEFAULT_SOURCE /* SO_REUSEPORT */
#define _POSIX_C_SOURCE 200809L
#include "websocket_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int status_of(int error)
{
    switch (error) {
    case EADDRINUSE: return MOVEX_ERR_ADDRESS_IN_USE;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT: return MOVEX_ERR_ADDRESS;
    case ENOMEM: return MOVEX_ERR_MEMORY;
    default: return MOVEX_ERR_SYSTEM;
    }
}

static bool prepare(int socket)
{
    int flags = fcntl(socket, F_GETFL);
    return flags >= 0 && fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(socket, F_SETFD, FD_CLOEXEC) == 0;
}

static bool set_option(int socket, int level, int option, int value)
{
    return setsockopt(socket, level, option, &value, sizeof value) == 0;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
}

static bool share_port(int socket)
{
#ifdef SO_REUSEPORT
    return set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
#else
    (void)socket;
    errno = ENOTSUP;
    return false;
#endif
}

/* `both`: an IPv6 socket that takes IPv4 connections too. */
static int listen_on(const struct addrinfo *info, bool both, bool shared, int *socket_out, uint16_t *port_out)
{
    struct sockaddr_storage own = {0};
    socklen_t               length = sizeof own;
    int                     fd = socket(info->ai_family, SOCK_STREAM, 0);
    if (fd < 0) return status_of(errno);
    bool done = prepare(fd) && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) && (!shared || share_port(fd)) &&
                (info->ai_family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !both)) &&
                bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0 &&
                getsockname(fd, (struct sockaddr *)&own, &length) == 0;
    if (!done) {
        int status = status_of(errno);
        close(fd);
        return status;
    }
    *socket_out = fd;
    *port_out = port_of(&own);
    return MOVEX_OK;
}

static int look_up(const char *host, uint16_t port, int family, int flags, struct addrinfo **found)
{
    char            service[8];
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    snprintf(service, sizeof service, "%u", (unsigned)port);
    return getaddrinfo(host, service, &hints, found);
}

int movex_ws_listen_socket(const movex_ws_url *address, bool shared, int *socket_out, uint16_t *port_out)
{
    bool        all = !address->host[0];
    const int   families[] = {AF_INET6, AF_INET};
    const char *host = all ? NULL : address->host;
    int         status = MOVEX_ERR_ADDRESS;
    /* All interfaces: one IPv6 socket for both, or IPv4 alone where the machine has no IPv6. A name: its first address. */
    for (int i = all ? 0 : 1; i < 2; i++) {
        struct addrinfo *found = NULL;
        if (look_up(host, address->port, all ? families[i] : AF_UNSPEC, AI_PASSIVE, &found) != 0) continue;
        status = listen_on(found, all, shared, socket_out, port_out);
        freeaddrinfo(found);
        if (status != MOVEX_ERR_ADDRESS) return status;
    }
    return status;
}

int movex_ws_accept(int listening)
{
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        if (fd >= 0) {
            /* Frames are whole when they are sent, so waiting for more of them would only cost time. */
            if (prepare(fd) && set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1)) return fd;
            close(fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            return -2;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return -1;
        }
    }
}

void movex_ws_peer_address(int socket, char *text, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t               length = sizeof address;
    char                    host[INET6_ADDRSTRLEN] = "";
    text[0] = '\0';
    if (getpeername(socket, (struct sockaddr *)&address, &length) != 0) return;
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)&address;
        inet_ntop(AF_INET, &ipv4->sin_addr, host, sizeof host);
        snprintf(text, size, "%s:%u", host, (unsigned)port_of(&address));
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)&address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr); /* an IPv4 peer of a socket for both */
        if (mapped)
            inet_ntop(AF_INET, &ipv6->sin6_addr.s6_addr[12], host, sizeof host);
        else
            inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof host);
        snprintf(text, size, mapped ? "%s:%u" : "[%s]:%u", host, (unsigned)port_of(&address));
    }
}

bool movex_ws_is_numeric(const char *host)
{
    struct addrinfo *found = NULL;
    if (look_up(host, 0, AF_UNSPEC, AI_NUMERICHOST, &found) != 0) return false;
    freeaddrinfo(found);
    return true;
}
