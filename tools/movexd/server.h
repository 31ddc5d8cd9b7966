/* One master with its emitters, as movexd runs it, and what it says about it in the log. */
#ifndef MOVEXD_SERVER_H
#define MOVEXD_SERVER_H

#include "flusher.h"
#include "games.h"
#include "http.h"
#include "log.h"
#include "options.h"

#include <movex/master.h>

typedef struct movexd_server {
    movex_master     *master;
    movexd_http      *http;    /* NULL: nothing is answered by HTTP */
    movexd_flusher   *flusher; /* NULL: without a store */
    movex_store       store;   /* the master's; its `self` is NULL if there is none */
    movex_io          emitters[MOVEXD_MAX_ADDRESSES]; /* the master's */
    uint32_t          emitter_count;
    bool              pauses;       /* the flusher lets changes come together first */
    bool              useless_data; /* starting has failed, and so it will again: what is kept is not as it should be */
    const movexd_log *log;
    uint64_t          figures_ms;   /* when figures are next logged, in the time of polls */
    uint64_t          dropped_seen; /* events lost that the log has owned up to */
} movexd_server;

/* Makes the master and starts listening. False, with the cause in the log, if that fails. */
bool movexd_server_start(movexd_server *server, const movexd_options *options, const movexd_games *games,
                         const movexd_log *log);

/* Serves what has come, then sleeps for at most `timeout_ms`. */
void movexd_server_step(movexd_server *server, uint32_t timeout_ms);

/* Logs every resource and closes everything. */
void movexd_server_stop(movexd_server *server);

#endif
