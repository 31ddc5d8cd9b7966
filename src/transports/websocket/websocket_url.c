/* Taking urls and listening addresses apart. What is let through here goes into a request's header, so only what a host
   and a path may hold (RFC 3986) passes. */
#include "websocket_internal.h"

#include <stdio.h>
#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool copy_host(const char *start, size_t length, const char *also, movex_ws_url *url)
{
    if (length == 0 || length >= sizeof url->host) return false;
    for (size_t i = 0; i < length; i++)
        if (!is_alphanumeric(start[i]) && !strchr(also, start[i])) return false;
    memcpy(url->host, start, length);
    url->host[length] = '\0';
    return true;
}

/* "host", "[ipv6]" or nothing; returns what follows, or NULL. */
static const char *parse_host(const char *text, movex_ws_url *url, bool *bracketed)
{
    *bracketed = text[0] == '[';
    if (*bracketed) {
        const char *end = strchr(text, ']');
        if (!end || !copy_host(text + 1, (size_t)(end - text) - 1, ":.%", url)) return NULL;
        return strchr(url->host, ':') ? end + 1 : NULL;
    }
    size_t length = strcspn(text, ":/?#");
    url->host[0] = '\0';
    if (length && !copy_host(text, length, "-._", url)) return NULL;
    return text + length;
}

/* Digits of a number up to 65535; returns what follows, or NULL. */
static const char *parse_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    size_t   digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5) return NULL;
    for (size_t i = 0; i < digits; i++) value = value * 10 + (uint32_t)(text[i] - '0');
    if (value > UINT16_MAX) return NULL;
    *port = (uint16_t)value;
    return text + digits;
}

static bool path_is_sound(const char *path)
{
    for (; *path; path++)
        if (*path <= ' ' || *path > '~' || *path == '#') return false;
    return true;
}

bool movex_ws_parse_url(const char *text, movex_ws_url *url)
{
    bool bracketed;
    if (!text) return false;
    url->tls = strncmp(text, "wss://", 6) == 0;
    if (!url->tls && strncmp(text, "ws://", 5) != 0) return false;
    const char *at = parse_host(text + (url->tls ? 6 : 5), url, &bracketed);
    if (!at || !url->host[0]) return false;
    url->port = url->tls ? 443 : 80;
    if (*at == ':') {
        at = parse_port(at + 1, &url->port);
        if (!at || url->port == 0) return false;
    }
    if (*at && *at != '/') return false;
    url->path = *at ? at : "/";
    if (!path_is_sound(url->path)) return false;
    snprintf(url->authority, sizeof url->authority, bracketed ? "[%s]:%u" : "%s:%u", url->host, url->port);
    return true;
}

bool movex_ws_parse_address(const char *text, movex_ws_url *url)
{
    bool        bracketed;
    const char *at = text ? parse_host(text, url, &bracketed) : NULL;
    if (!at || *at != ':') return false;
    at = parse_port(at + 1, &url->port);
    url->tls = false;
    url->path = "/";
    url->authority[0] = '\0';
    return at && !*at;
}
