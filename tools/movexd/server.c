#include "server.h"

#include "answer.h"
#include "data.h"
#include "listen.h"

#include <movex/store_file.h>
#include <movex/system.h>
#include <movex/websocket.h>

#include <string.h>
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#include <malloc.h>
#define MALLOC_TELLS
#endif

/* How often figures are logged at level debug. */
#define FIGURES_PAUSE_MS 10000

/* Bytes that malloc keeps unused before it is asked to give them back. */
#define WORTH_GIVING_BACK ((size_t)4 << 20)

/* How each kind of event is logged. */
static const struct {
    const char  *name;
    movexd_level level;
} event_lines[] = {
    [MOVEX_MASTER_CONNECTED] = {"connected", MOVEXD_INFO},
    [MOVEX_MASTER_AWAY] = {"away", MOVEXD_INFO},
    [MOVEX_MASTER_LEFT] = {"left", MOVEXD_INFO},
    [MOVEX_MASTER_REJECTED] = {"rejected", MOVEXD_WARNING},
    [MOVEX_MASTER_CREATED] = {"created", MOVEXD_INFO},
    [MOVEX_MASTER_SUBSCRIBED] = {"subscribed", MOVEXD_INFO},
    [MOVEX_MASTER_UNSUBSCRIBED] = {"unsubscribed", MOVEXD_INFO},
    [MOVEX_MASTER_REMOVED] = {"removed", MOVEXD_INFO},
    [MOVEX_MASTER_RECOVERED] = {"torn", MOVEXD_WARNING}, /* the others are counted, see log_recovered */
    [MOVEX_MASTER_STORE] = {"store", MOVEXD_ERROR},
};

static void log_begin(movexd_line *line, movexd_level level, const char *event)
{
    movexd_line_begin(line, movex_system_unix_ms(), level, event);
}

static int attach(void *user, movex_io io)
{
    return movex_master_attach(user, io);
}

static bool listen_on(movexd_server *server, const movexd_options *options, const char *address)
{
    movex_ws_config config = {0};
    movex_io        io = movexd_listen(server->log, options, address, &config, attach, server->master);
    if (!io.self) return false;
    server->emitters[server->emitter_count++] = io;
    return true;
}

static bool attach_to_spread(movexd_server *server)
{
    movex_io io = movex_spread_master(server->spread, server->shard);
    int      status = movex_master_attach(server->master, io);
    if (status != MOVEX_OK) {
        movexd_log_failure(server->log, "start-failed", NULL, NULL, movex_status_text(status));
        return false;
    }
    server->emitters[server->emitter_count++] = io;
    return true;
}

/* The thread that asks is the one that serves. */
static void ask_here(void *user, uint32_t master, movexd_question *question, void *argument)
{
    const movexd_server *server = user;
    (void)master;
    question(argument, server->master, server->store);
}

bool movexd_server_answer(void *user, movexd_answer *answer, uint64_t uptime_s, const char *path)
{
    return movexd_answer_make(answer, user, uptime_s, path);
}

void movexd_server_ask(movexd_server *server, movexd_question *question, void *argument)
{
    movexd_asked asked = {.question = question, .argument = argument};
    movex_io     io = server->emitters[0];
    pthread_mutex_init(&asked.lock, NULL);
    pthread_cond_init(&asked.done, NULL);
    atomic_store(&server->asked, &asked);
    io.ops->wake(io.self);
    pthread_mutex_lock(&asked.lock);
    while (!asked.answered) pthread_cond_wait(&asked.done, &asked.lock);
    pthread_mutex_unlock(&asked.lock);
    pthread_cond_destroy(&asked.done);
    pthread_mutex_destroy(&asked.lock);
}

static void answer_asked(movexd_server *server)
{
    movexd_asked *asked = atomic_exchange(&server->asked, NULL);
    if (!asked) return;
    asked->question(asked->argument, server->master, server->store);
    pthread_mutex_lock(&asked->lock);
    asked->answered = true;
    pthread_cond_signal(&asked->done);
    pthread_mutex_unlock(&asked->lock);
}

static bool names_a_state(movex_master_event_kind kind)
{
    return kind == MOVEX_MASTER_SUBSCRIBED || kind == MOVEX_MASTER_UNSUBSCRIBED || kind == MOVEX_MASTER_REMOVED;
}

static void log_hosted(movexd_line *line, const movex_hosted *hosted)
{
    movexd_line_resource(line, hosted->type->name, hosted->id);
    movexd_line_number(line, "version", hosted->version);
    movexd_line_checksum(line, hosted->checksum);
    movexd_line_number(line, "subscribers", hosted->subscribers);
}

/* Each of a spread's masters tells of each client, and of each connection; one of them is listened to. */
static bool is_told_elsewhere(const movexd_server *server, const movex_master_event *event)
{
    bool of_session = event->kind <= MOVEX_MASTER_REJECTED;
    if (!server->spread || !of_session) return false;
    if (*event->peer) return server->shard != movex_spread_home(server->spread, event->peer);
    bool of_all =
        event->status == MOVEX_ERR_CLOSED || event->status == MOVEX_ERR_TIMEOUT || event->status == MOVEX_ERR_LIMIT;
    return of_all && server->shard != 0;
}

static void log_event(const movexd_server *server, const movex_master_event *event)
{
    const movexd_log *log = server->log;
    if (is_told_elsewhere(server, event)) return;
    movexd_level level = event_lines[event->kind].level;
    if (event->kind == MOVEX_MASTER_RECOVERED && !*event->text) return; /* log_recovered has named it */
    if (event->kind == MOVEX_MASTER_STORE && event->status == MOVEX_OK) level = MOVEXD_WARNING;
    if (!movexd_log_wants(log, level)) return;
    movexd_line line;
    log_begin(&line, level, event_lines[event->kind].name);
    movexd_line_text(&line, "peer", event->peer);
    movexd_line_resource(&line, event->type, event->id);
    if (names_a_state(event->kind)) {
        movexd_line_number(&line, "version", event->version);
        movexd_line_checksum(&line, event->checksum);
    }
    if (event->status != MOVEX_OK || event->kind == MOVEX_MASTER_STORE)
        movexd_line_text(&line, "status", movex_status_name(event->status));
    movexd_line_text(&line, event->kind == MOVEX_MASTER_CONNECTED ? "address" : "cause", event->text);
    movexd_log_write(log, &line);
}

static void log_dropped(movexd_server *server, uint64_t dropped)
{
    if (dropped == server->dropped_seen || !movexd_log_wants(server->log, MOVEXD_WARNING)) return;
    movexd_line line;
    log_begin(&line, MOVEXD_WARNING, "events-dropped");
    movexd_line_number(&line, "count", dropped - server->dropped_seen);
    movexd_log_write(server->log, &line);
    server->dropped_seen = dropped;
}

static void log_figures(const movexd_server *server, movexd_level level, const movex_stats *stats)
{
    const movexd_log *log = server->log;
    if (!movexd_log_wants(log, level)) return;
    const struct {
        const char *key;
        uint64_t    value;
    } figures[] = {
        {"links", stats->links},
        {"sessions", stats->sessions},
        {"resources", stats->resources},
        {"subscriptions", stats->subscriptions},
        {"actions", stats->actions},
        {"accepted", stats->accepted},
        {"refused", stats->refused},
        {"snapshots", stats->snapshots},
        {"resumes", stats->resumes},
        {"resyncs", stats->resyncs},
        {"protocol_errors", stats->protocol_errors},
        {"bytes_sent", stats->bytes_sent},
        {"bytes_received", stats->bytes_received},
    };
    movexd_line line;
    log_begin(&line, level, "figures");
    if (server->spread) movexd_line_number(&line, "master", server->shard);
    for (uint32_t i = 0; i < MOVEX_COUNT_OF(figures); i++) movexd_line_number(&line, figures[i].key, figures[i].value);
    movexd_log_write(log, &line);
}

static void log_events(movexd_server *server)
{
    movex_master_event event;
    bool               any = false;
    for (; movex_master_next(server->master, &event); any = true) log_event(server, &event);
    if (!any) return; /* nor was one dropped; and the figures go through all resources and links */
    movex_stats stats = movex_master_stats(server->master);
    log_dropped(server, stats.events_dropped);
}

/* --- what is kept */

static bool prepare_data(const movexd_server *server, const movexd_options *options)
{
    char cause[256];
    if (movexd_data_prepare(options, cause, sizeof cause)) return true;
    movexd_log_failure(server->log, "data-failed", "directory", options->data, cause);
    return false;
}

static bool open_store(movexd_server *server, const movexd_options *options)
{
    movex_error error;
    char        directory[MOVEXD_PATH_SIZE];
    if (!options->data) return true;
    if (!movexd_data_directory(options, server->shard, directory)) {
        movexd_log_failure(server->log, "data-failed", "directory", options->data, "its path is too long");
        return false;
    }
    server->store = movex_store_file_open(
        &(movex_store_file_config){.directory = directory, .no_sync = options->sync == MOVEXD_SYNC_NEVER}, &error);
    if (server->store.self) return true;
    movexd_log_failure(server->log, "data-failed", "directory", directory, error.text);
    return false;
}

/* A failure that comes again until somebody changes the files or the games. */
static bool is_about_content(movex_status status)
{
    return status == MOVEX_ERR_DAMAGED || status == MOVEX_ERR_FINGERPRINT || status == MOVEX_ERR_INVALID_STATE ||
           status == MOVEX_ERR_UNSUPPORTED;
}

static bool make_master(movexd_server *server, const movexd_options *options, const movexd_games *games)
{
    movex_error error;
    uint64_t    unix_ms = movex_system_unix_ms();
    server->master = movex_master_new(&(movex_master_config){
        .types = games->types,
        .shards = server->spread ? options->threads : 0,
        .shard = server->shard,
        .grace_ms = options->grace_ms,
        .idle_ms = options->idle_ms,
        .epoch = unix_ms,
        .start_time_ms = unix_ms,
        .entropy = movex_system_entropy,
        .store = server->store,
        /* Where the system alone has to have it, that costs next to nothing: nobody is told before. */
        .sync = options->sync == MOVEXD_SYNC_INTERVAL ? MOVEX_SYNC_INTERVAL : MOVEX_SYNC_ALWAYS,
        .flushed_elsewhere = true,
        .error = &error,
    });
    if (server->master) return true;
    server->useless_data = options->data && is_about_content(error.status);
    if (options->data)
        movexd_log_failure(server->log, "data-failed", "directory", options->data, error.text);
    else
        movexd_log_failure(server->log, "start-failed", NULL, NULL, error.text);
    return false;
}

static void log_recovered(movexd_server *server, const movexd_options *options, uint64_t took_ms)
{
    static const char *const syncs[] = {"always", "interval", "never"};
    movex_hosted             hosted;
    movexd_line              line;
    uint32_t                 cursor = 0;
    if (!options->data || !movexd_log_wants(server->log, MOVEXD_INFO)) return;
    while (movex_master_each(server->master, &cursor, &hosted)) {
        log_begin(&line, MOVEXD_INFO, "recovered");
        log_hosted(&line, &hosted);
        movexd_log_write(server->log, &line);
    }
    movex_stats stats = movex_master_stats(server->master);
    log_begin(&line, MOVEXD_INFO, "data");
    movexd_line_text(&line, "directory", options->data);
    if (server->spread) movexd_line_number(&line, "master", server->shard);
    movexd_line_text(&line, "sync", syncs[options->sync]);
    movexd_line_number(&line, "resources", stats.resources);
    movexd_line_number(&line, "sessions", stats.sessions);
    movexd_line_number(&line, "took_ms", took_ms);
    movexd_log_write(server->log, &line);
}

static bool start_flusher(movexd_server *server, const movexd_options *options)
{
    if (!options->data) return true;
    server->pauses = options->sync == MOVEXD_SYNC_INTERVAL;
    server->flusher = movexd_flusher_new(server->store, server->pauses ? options->sync_ms : 0, server->emitters,
                                         server->emitter_count);
    if (!server->flusher) movexd_log_failure(server->log, "start-failed", NULL, NULL, "no thread can be made");
    return server->flusher != NULL;
}

/* In its pause the flusher does not see how much waits. At this little room the master takes nothing more. */
static void hurry_flusher(movexd_server *server)
{
    movex_store store = server->store;
    if (server->pauses && store.ops->reserve(store.self, 64 << 10, 1) == MOVEX_ERR_AGAIN)
        movexd_flusher_hurry(server->flusher);
}

/* --- the whole */

bool movexd_server_start(movexd_server *server, const movexd_options *options, const movexd_games *games,
                         const movexd_log *log, movex_spread *spread, uint32_t shard)
{
    uint64_t now_ms = movex_system_now_ms();
    *server = (movexd_server){.spread = spread, .shard = shard, .log = log, .figures_ms = now_ms + FIGURES_PAUSE_MS};
    if (!spread && !prepare_data(server, options)) return false;
    if (!open_store(server, options) || !make_master(server, options, games)) return false;
    log_recovered(server, options, movex_system_now_ms() - now_ms);
    log_events(server);
    bool started = !spread || attach_to_spread(server);
    for (uint32_t i = 0; !spread && started && i < options->address_count; i++)
        started = listen_on(server, options, options->addresses[i]);
    server->hosts = (movexd_hosts){1, ask_here, server};
    if (started &&
        (spread || movexd_listen_http(log, options->http, movexd_server_answer, &server->hosts, &server->http)) &&
        start_flusher(server, options))
        return true;
    movexd_http_free(server->http);
    movex_master_free(server->master);
    return false;
}

/* What many connections took stays with malloc once they are gone, in pages between what is still used. Where malloc tells how
   much that is, it is asked to give them back. What it gave back before is counted in, and costs next to nothing. What other threads
   have left it does not tell. */
static void give_memory_back(bool of_threads)
{
#ifdef MALLOC_TELLS
    if (of_threads || mallinfo2().fordblks >= WORTH_GIVING_BACK) malloc_trim(0);
#else
    (void)of_threads;
#endif
}

void movexd_server_step(movexd_server *server, uint32_t timeout_ms)
{
    uint64_t now_ms = movex_system_now_ms();
    movex_master_poll(server->master, now_ms);
    answer_asked(server);
    hurry_flusher(server);
    log_events(server);
    if (now_ms >= server->figures_ms) {
        movex_stats stats = movex_master_stats(server->master);
        log_figures(server, MOVEXD_DEBUG, &stats);
        if (server->shard == 0) give_memory_back(server->spread != NULL);
        server->figures_ms = now_ms + FIGURES_PAUSE_MS;
    }
    /* The wait is for players; whoever asks by HTTP is seen to in between. */
    if (server->http) timeout_ms = movexd_http_serve(server->http, timeout_ms);
    movex_master_wait(server->master, timeout_ms);
}

void movexd_server_stop(movexd_server *server)
{
    log_events(server);
    movex_hosted hosted;
    uint32_t     cursor = 0;
    while (movexd_log_wants(server->log, MOVEXD_INFO) && movex_master_each(server->master, &cursor, &hosted)) {
        movexd_line line;
        log_begin(&line, MOVEXD_INFO, "resource");
        log_hosted(&line, &hosted);
        movexd_log_write(server->log, &line);
    }
    movex_stats stats = movex_master_stats(server->master);
    log_figures(server, MOVEXD_INFO, &stats);
    movexd_http_free(server->http);
    movexd_flusher_free(server->flusher);
    movex_master_free(server->master); /* flushes what is left */
    server->master = NULL;
}
