/* One master with its emitters, as movexd runs it, and what it says about it in the log. */
#ifndef MOVEXD_SERVER_H
#define MOVEXD_SERVER_H

#include "flusher.h"
#include "games.h"
#include "http.h"
#include "log.h"
#include "options.h"

#include <movex/master.h>
#include <movex/spread.h>

#include <pthread.h>
#include <stdatomic.h>

/* A question of another thread, which waits until it is answered. */
typedef struct movexd_asked {
    movexd_question *question;
    void            *argument;
    pthread_mutex_t  lock; /* of `answered` */
    pthread_cond_t   done;
    bool             answered;
} movexd_asked;

typedef struct movexd_server {
    movex_master     *master;
    movexd_hosts      hosts;   /* this one alone */
    movexd_http      *http;    /* NULL: nothing is answered by HTTP */
    movexd_flusher   *flusher; /* NULL: without a store */
    movex_store       store;   /* the master's; its `self` is NULL if there is none */
    movex_spread     *spread;  /* NULL: there is one master for all */
    uint32_t          shard;   /* which of its masters this is; else 0 */
    movex_io          emitters[MOVEXD_MAX_ADDRESSES]; /* the master's */
    uint32_t          emitter_count;
    bool              pauses;       /* the flusher lets changes come together first */
    bool              useless_data; /* starting has failed, and so it will again: what is kept is not as it should be */
    const movexd_log *log;
    _Atomic(movexd_asked *) asked; /* what another thread wants to know of the master; NULL: nothing */
    uint64_t          figures_ms;   /* when figures are next logged, in the time of polls */
    uint64_t          dropped_seen; /* events lost that the log has owned up to */
} movexd_server;

/* Makes the master and starts listening; one of a spread's masters does not listen by itself. False, with the cause in the log, if
   that fails. */
bool movexd_server_start(movexd_server *server, const movexd_options *options, const movexd_games *games,
                         const movexd_log *log, movex_spread *spread, uint32_t shard);

/* A movexd_http_answer; `user` is the movexd_hosts that are asked. */
bool movexd_server_answer(void *user, movexd_answer *answer, uint64_t uptime_s, const char *path);
/* Has a question answered by the thread that serves; from another thread, one at a time, while that one runs. */
void movexd_server_ask(movexd_server *server, movexd_question *question, void *argument);

/* Serves what has come, then sleeps for at most `timeout_ms`. */
void movexd_server_step(movexd_server *server, uint32_t timeout_ms);

/* Logs every resource and closes everything. */
void movexd_server_stop(movexd_server *server);

#endif
