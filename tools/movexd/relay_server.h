/* One relay with its emitters, as movexd runs it, and what it says about it in the log. */
#ifndef MOVEXD_RELAY_SERVER_H
#define MOVEXD_RELAY_SERVER_H

#include "http.h"
#include "log.h"
#include "options.h"
#include "relay.h"

typedef struct movexd_relay_server {
    movexd_relay     *relay;
    movexd_http      *http; /* NULL: nothing is answered by HTTP */
    const movexd_log *log;
    uint64_t          figures_ms; /* when figures are next logged, in the time of polls */
} movexd_relay_server;

/* Makes the relay and starts listening. False, with the cause in the log, if that fails. */
bool movexd_relay_server_start(movexd_relay_server *server, const movexd_options *options, const movexd_log *log);

/* Serves what has come, then sleeps for at most `timeout_ms`. */
void movexd_relay_server_step(movexd_relay_server *server, uint32_t timeout_ms);

/* Logs the figures and closes everything. */
void movexd_relay_server_stop(movexd_relay_server *server);

#endif
