#define _POSIX_C_SOURCE 200809L
#include "threads.h"

#include "data.h"
#include "listen.h"

#include <movex/websocket.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a thread sleeps at most when it has nothing to do. */
#define LONGEST_SLEEP_MS 250

/* One thread, and what it runs. */
typedef struct runner {
    movexd_threads *threads;
    uint32_t        index; /* of the master, or of the service */
    pthread_t       thread;
} runner;

struct movexd_threads {
    const movexd_log *log;
    movex_spread     *spread;
    movexd_server     servers[MOVEXD_MAX_THREADS];
    runner            masters[MOVEXD_MAX_THREADS], services[MOVEXD_MAX_SERVICES];
    uint32_t          server_count, service_count;       /* made */
    uint32_t          running_masters, running_services; /* threads */
    movexd_hosts      hosts;
    movexd_http      *http; /* NULL: nothing is answered by HTTP */
    atomic_bool       stops;
};

static void *run_master(void *argument)
{
    runner         *self = argument;
    movexd_threads *threads = self->threads;
    while (!atomic_load(&threads->stops)) movexd_server_step(&threads->servers[self->index], LONGEST_SLEEP_MS);
    return NULL;
}

static void *run_service(void *argument)
{
    runner         *self = argument;
    movexd_threads *threads = self->threads;
    while (!atomic_load(&threads->stops)) movex_spread_serve(threads->spread, self->index, LONGEST_SLEEP_MS);
    return NULL;
}

/* Sharing a port would let another movexd have it as well, and each would get some of the players. */
static int claim(const char *address)
{
    movex_ws_config config = {.address = address};
    if (movex_ws_check(&config, NULL) != MOVEX_OK) return MOVEX_OK; /* movexd_listen says what is wrong */
    movex_io io = movex_ws_new(&config);
    if (!io.self) return MOVEX_ERR_MEMORY;
    int status = io.ops->listen(io.self);
    io.ops->destroy(io.self);
    return status;
}

static int attach(void *user, movex_io io)
{
    movexd_threads *threads = user;
    return movex_spread_attach(threads->spread, threads->service_count, io);
}

/* The services of one address share its port: the first may let the system choose it. */
static bool listen_on(movexd_threads *threads, const movexd_options *options, const char *address)
{
    movex_ws_config config = {.share_port = true};
    char            chosen[512];
    int             status = claim(address);
    if (status != MOVEX_OK) {
        movexd_log_failure(threads->log, "listen-failed", "address", address, movex_status_text(status));
        return false;
    }
    movex_io io = movexd_listen(threads->log, options, address, &config, attach, threads);
    if (!io.self) return false;
    const char *colon = strrchr(address, ':');
    snprintf(chosen, sizeof chosen, "%.*s:%u", colon ? (int)(colon - address) : 0, address,
             (unsigned)movex_ws_port(io));
    config.address = chosen;
    for (threads->service_count++; threads->service_count % options->threads != 0; threads->service_count++) {
        status = attach(threads, movex_ws_new(&config));
        if (status == MOVEX_OK) continue;
        movexd_log_failure(threads->log, "listen-failed", "address", address, movex_status_text(status));
        return false;
    }
    return true;
}

/* Signals are for the thread that waits for them. */
static bool start_thread(movexd_threads *threads, runner *which, uint32_t index, void *(*run)(void *))
{
    sigset_t all, before;
    *which = (runner){.threads = threads, .index = index};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&which->thread, NULL, run, which) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started) movexd_log_failure(threads->log, "start-failed", NULL, NULL, "no thread can be made");
    return started;
}

static bool start_threads(movexd_threads *threads)
{
    for (uint32_t i = 0; i < threads->server_count; i++, threads->running_masters++)
        if (!start_thread(threads, &threads->masters[i], i, run_master)) return false;
    for (uint32_t i = 0; i < threads->service_count; i++, threads->running_services++)
        if (!start_thread(threads, &threads->services[i], i, run_service)) return false;
    return true;
}

static void ask(void *user, uint32_t master, movexd_question *question, void *argument)
{
    movexd_threads *threads = user;
    movexd_server_ask(&threads->servers[master], question, argument);
}

static bool start_all(movexd_threads *threads, const movexd_options *options, const movexd_games *games,
                      bool *useless_data)
{
    char cause[256];
    if (!movexd_data_prepare(options, cause, sizeof cause)) {
        movexd_log_failure(threads->log, "data-failed", "directory", options->data, cause);
        return false;
    }
    threads->spread = movex_spread_new(
        &(movex_spread_config){.masters = options->threads, .services = options->threads * options->address_count});
    if (!threads->spread) {
        movexd_log_failure(threads->log, "start-failed", NULL, NULL, movex_status_text(MOVEX_ERR_MEMORY));
        return false;
    }
    for (uint32_t i = 0; i < options->threads; i++, threads->server_count++) {
        movexd_server *server = &threads->servers[i];
        if (movexd_server_start(server, options, games, threads->log, threads->spread, i)) continue;
        *useless_data = server->useless_data;
        return false;
    }
    for (uint32_t i = 0; i < options->address_count; i++)
        if (!listen_on(threads, options, options->addresses[i])) return false;
    if (!start_threads(threads)) return false;
    threads->hosts = (movexd_hosts){options->threads, ask, threads};
    return movexd_listen_http(threads->log, options->http, movexd_server_answer, &threads->hosts, &threads->http);
}

movexd_threads *movexd_threads_start(const movexd_options *options, const movexd_games *games, const movexd_log *log,
                                     bool *useless_data)
{
    movexd_threads *threads = calloc(1, sizeof *threads);
    *useless_data = false;
    if (!threads) {
        movexd_log_failure(log, "start-failed", NULL, NULL, movex_status_text(MOVEX_ERR_MEMORY));
        return NULL;
    }
    threads->log = log;
    atomic_init(&threads->stops, false);
    if (start_all(threads, options, games, useless_data)) return threads;
    movexd_threads_stop(threads);
    return NULL;
}

void movexd_threads_step(movexd_threads *threads)
{
    uint32_t pause_ms = LONGEST_SLEEP_MS;
    if (threads->http) pause_ms = movexd_http_serve(threads->http, pause_ms);
    const struct timespec pause = {.tv_nsec = (long)pause_ms * 1000000};
    nanosleep(&pause, NULL);
}

void movexd_threads_stop(movexd_threads *threads)
{
    movexd_http_free(threads->http);
    atomic_store(&threads->stops, true);
    for (uint32_t i = 0; i < threads->running_services; i++) {
        movex_spread_wake(threads->spread, i);
        pthread_join(threads->services[i].thread, NULL);
    }
    for (uint32_t i = 0; i < threads->running_masters; i++) {
        movex_io io = threads->servers[i].emitters[0];
        io.ops->wake(io.self);
        pthread_join(threads->masters[i].thread, NULL);
    }
    for (uint32_t i = 0; i < threads->server_count; i++) movexd_server_stop(&threads->servers[i]);
    /* What the masters have said at the end is still to go. */
    for (uint32_t i = 0; i < threads->service_count; i++) movex_spread_serve(threads->spread, i, 0);
    movex_spread_free(threads->spread);
    free(threads);
}
