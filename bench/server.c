#define _DEFAULT_SOURCE /* prctl */
#define _POSIX_C_SOURCE 200809L
#include "server.h"

#include "bench.h"

#include <movex/movex.h>
#include <movex/spread.h>
#include <movex/system.h>
#include <movex/websocket.h>

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined __linux__
#include <sys/prctl.h>
#endif

enum { MOST_LINKS = 100000, MOST_RESOURCES = 200000, LONGEST_SLEEP_MS = 250 };

/* As many as a benchmark may bring, from one address, as fast as they can. */
static const movex_limits limits = {
    .messages_per_second = MOVEX_UNLIMITED,
    .bytes_per_second = MOVEX_UNLIMITED,
    .binds_per_second = MOVEX_UNLIMITED,
    .links = MOST_LINKS,
    .sessions = MOST_LINKS,
    .resources = MOST_RESOURCES,
    .subscribers = MOST_LINKS,
    .links_per_address = MOVEX_UNLIMITED,
    .sessions_per_address = MOVEX_UNLIMITED,
};

uint32_t server_allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur < UINT32_MAX ? (uint32_t)limit.rlim_cur : UINT32_MAX;
}

static bool create(movex_master *master, const movex_type *type, uint32_t resources)
{
    char id[32];
    int  status = MOVEX_OK;
    for (uint32_t i = 0; i < resources && status == MOVEX_OK; i++) {
        snprintf(id, sizeof id, "idle-%" PRIu32, i);
        status = movex_master_create(master, type, id);
    }
    return status == MOVEX_OK;
}

static void tell_port(int out, uint16_t port)
{
    if (write(out, &port, sizeof port) != (ssize_t)sizeof port) _exit(1);
    close(out);
}

/* ---- with threads */

enum { MOST_THREADS = 16 };

typedef struct spread_thread {
    movex_spread *spread;
    movex_master *master; /* NULL: a service */
    uint32_t      index;
} spread_thread;

static void *run_thread(void *argument)
{
    const spread_thread *self = argument;
    for (movex_master_event event;;) {
        if (!self->master) {
            movex_spread_serve(self->spread, self->index, LONGEST_SLEEP_MS);
            continue;
        }
        movex_master_poll(self->master, movex_system_now_ms());
        while (movex_master_next(self->master, &event)) continue;
        movex_master_wait(self->master, LONGEST_SLEEP_MS);
    }
    return NULL;
}

static void start_thread(spread_thread *which)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_thread, which) != 0) _exit(1);
}

static _Noreturn void serve_spread(const movex_type *type, uint32_t threads, int out)
{
    static spread_thread masters[MOST_THREADS], services[MOST_THREADS];
    char                 address[32] = "127.0.0.1:0";
    uint16_t             port = 0;
    movex_spread        *spread = movex_spread_new(&(movex_spread_config){.masters = threads, .services = threads});
    if (!spread) _exit(1);
    for (uint32_t i = 0; i < threads; i++) {
        movex_io io = movex_ws_new(&(movex_ws_config){.address = address, .max_links = MOST_LINKS, .share_port = true});
        masters[i] = (spread_thread){spread,
                                     movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(type),
                                                                             .shards = threads,
                                                                             .shard = i,
                                                                             .limits = limits,
                                                                             .entropy = movex_system_entropy}),
                                     i};
        services[i] = (spread_thread){spread, NULL, i};
        if (!masters[i].master || movex_master_attach(masters[i].master, movex_spread_master(spread, i)) != MOVEX_OK ||
            movex_spread_attach(spread, i, io) != MOVEX_OK)
            _exit(1);
        port = movex_ws_port(io);
        snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    }
    for (uint32_t i = 0; i < threads; i++) {
        start_thread(&masters[i]);
        start_thread(&services[i]);
    }
    tell_port(out, port);
    for (;;) pause();
}

/* ---- with one */

/* The server's process, until it is killed. Tells its port through `out`. */
static _Noreturn void serve(const movex_type *type, uint32_t resources, int out)
{
    movex_io      io = movex_ws_new(&(movex_ws_config){.address = "127.0.0.1:0", .max_links = MOST_LINKS});
    movex_master *master = movex_master_new(
        &(movex_master_config){.types = MOVEX_TYPES(type), .limits = limits, .entropy = movex_system_entropy});
    if (!master || movex_master_attach(master, io) != MOVEX_OK || !create(master, type, resources)) _exit(1);
    tell_port(out, movex_ws_port(io));
    for (movex_master_event event;;) {
        movex_master_poll(master, movex_system_now_ms());
        while (movex_master_next(master, &event)) continue;
        movex_master_wait(master, LONGEST_SLEEP_MS);
    }
}

static void start(server *s, const char *benchmark, const movex_type *type, uint32_t resources, uint32_t threads)
{
    int      ends[2];
    uint16_t port = 0;
    *s = (struct server){.benchmark = benchmark};
    if (pipe(ends) != 0) bench_fail(benchmark, "no pipe can be made");
    fflush(NULL);
    s->process = fork();
    if (s->process < 0) bench_fail(benchmark, "no process can be made");
    if (s->process == 0) {
#if defined __linux__
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* however the benchmark ends */
#endif
        close(ends[0]);
        if (threads > 1) serve_spread(type, threads, ends[1]);
        serve(type, resources, ends[1]);
    }
    close(ends[1]);
    if (read(ends[0], &port, sizeof port) != (ssize_t)sizeof port) bench_fail(benchmark, "the server does not start");
    close(ends[0]);
    snprintf(s->url, sizeof s->url, "ws://127.0.0.1:%u", (unsigned)port);
}

void server_start(server *s, const char *benchmark, const movex_type *type, uint32_t resources)
{
    start(s, benchmark, type, resources, 1);
}

void server_start_spread(server *s, const char *benchmark, const movex_type *type, uint32_t threads)
{
    start(s, benchmark, type, 0, threads);
}

void server_stop(server *s)
{
    int status = 0;
    kill(s->process, SIGKILL);
    if (waitpid(s->process, &status, 0) != s->process || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        bench_fail(s->benchmark, "the server has ended by itself");
}

double server_seconds(const server *s)
{
    clockid_t       clock;
    struct timespec used;
    if (clock_getcpuclockid(s->process, &clock) != 0 || clock_gettime(clock, &used) != 0)
        bench_fail(s->benchmark, "the server's processor time cannot be told");
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

double server_bytes(const server *s)
{
    char          path[64];
    unsigned long size, resident = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)s->process);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%lu %lu", &size, &resident) != 2)
        bench_fail(s->benchmark, "the server's memory cannot be told");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}
