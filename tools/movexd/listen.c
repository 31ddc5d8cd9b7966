#include "listen.h"

#include <movex/system.h>

#include <stdio.h>
#include <string.h>

/* The address that was asked for, with the port that the system chose in place of a 0. */
static void log_listening(const movexd_log *log, const char *address, uint16_t port, bool tls)
{
    const char *colon = strrchr(address, ':');
    char        text[512];
    snprintf(text, sizeof text, "%.*s:%u", colon ? (int)(colon - address) : 0, address, (unsigned)port);
    movexd_line line;
    movexd_line_begin(&line, movex_system_unix_ms(), MOVEXD_INFO, "listening");
    movexd_line_text(&line, "address", text);
    movexd_line_text(&line, "tls", tls ? "yes" : NULL);
    if (movexd_log_wants(log, MOVEXD_INFO)) movexd_log_write(log, &line);
}

movex_io movexd_listen(const movexd_log *log, const movexd_options *options, const char *address,
                       movex_ws_config *config, movexd_attach *attach, void *user)
{
    movex_io    none = {0};
    movex_error error;
    config->address = address;
    config->certificate_file = options->certificate_file;
    config->key_file = options->key_file;
    if (movex_ws_check(config, &error) != MOVEX_OK) {
        movexd_log_failure(log, "listen-failed", "address", address, error.text);
        return none;
    }
    movex_io io = movex_ws_new(config);
    int      status = attach(user, io);
    if (status != MOVEX_OK) {
        movexd_log_failure(log, "listen-failed", "address", address, movex_status_text(status));
        return none;
    }
    log_listening(log, address, movex_ws_port(io), options->certificate_file != NULL);
    return io;
}

bool movexd_listen_http(const movexd_log *log, const char *address, movexd_http_answer *answer, void *user,
                        movexd_http **http)
{
    char cause[256];
    *http = NULL;
    if (!address) return true;
    *http = movexd_http_new(address, answer, user, cause, sizeof cause);
    if (!*http) {
        movexd_log_failure(log, "http-failed", "address", address, cause);
        return false;
    }
    if (!movexd_log_wants(log, MOVEXD_INFO)) return true;
    movexd_line line;
    movexd_line_begin(&line, movex_system_unix_ms(), MOVEXD_INFO, "http");
    movexd_line_text(&line, "address", movexd_http_address(*http));
    movexd_log_write(log, &line);
    return true;
}
