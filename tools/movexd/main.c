/* movexd: serves any game that comes as a shared object, or is a relay for peers. */
#define _DEFAULT_SOURCE /* SIGXFSZ */
#define _POSIX_C_SOURCE 200809L

#include "games.h"
#include "log.h"
#include "options.h"
#include "relay_server.h"
#include "server.h"
#include "threads.h"

#include <movex/system.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { CLEAN_STOP = 0, FAILURE = 1, WRONG_USAGE = 2, USELESS_DATA = 3 };

/* How long a signal that arrives just before the sleep may go unnoticed. */
#define LONGEST_SLEEP_MS 250

static volatile sig_atomic_t stop_signal;

static void on_stop_signal(int number)
{
    stop_signal = number;
}

static void handle_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop_signal}; /* without SA_RESTART: a signal ends the sleep */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* whoever reads the log may go away */
    sigaction(SIGXFSZ, &ignore, NULL); /* a store whose files may not grow says so by itself */
}

static void log_simple(const movexd_log *log, movexd_level level, const char *event, const char *key, const char *value,
                       const char *other_key, const char *other_value)
{
    if (!movexd_log_wants(log, level)) return;
    movexd_line line;
    movexd_line_begin(&line, movex_system_unix_ms(), level, event);
    movexd_line_text(&line, key, value);
    movexd_line_text(&line, other_key, other_value);
    movexd_log_write(log, &line);
}

static void log_games(const movexd_log *log, const movexd_games *games)
{
    for (uint32_t i = 0; i < games->loaded_count && movexd_log_wants(log, MOVEXD_INFO); i++) {
        const movexd_loaded *loaded = &games->loaded[i];
        for (uint32_t k = 0; loaded->game->types[k]; k++) {
            movexd_line line;
            movexd_line_begin(&line, movex_system_unix_ms(), MOVEXD_INFO, "game");
            movexd_line_text(&line, "name", loaded->game->name);
            movexd_line_text(&line, "type", loaded->game->types[k]->name);
            movexd_line_number(&line, "type_version", loaded->game->types[k]->version);
            movexd_line_text(&line, "file", loaded->path);
            movexd_log_write(log, &line);
        }
    }
}

static void log_stopped(const movexd_log *log)
{
    log_simple(log, MOVEXD_INFO, "stopped", "signal", stop_signal == SIGINT ? "SIGINT" : "SIGTERM", NULL, NULL);
}

static int run_threads(const movexd_log *log, const movexd_options *options, const movexd_games *games)
{
    bool            useless_data;
    movexd_threads *threads = movexd_threads_start(options, games, log, &useless_data);
    if (!threads) return useless_data ? USELESS_DATA : FAILURE;
    while (!stop_signal) movexd_threads_step(threads);
    movexd_threads_stop(threads);
    log_stopped(log);
    return CLEAN_STOP;
}

static int run(const movexd_log *log, const movexd_options *options, const movexd_games *games)
{
    movexd_server server;
    log_games(log, games);
    if (options->threads > 1) return run_threads(log, options, games);
    if (!movexd_server_start(&server, options, games, log, NULL, 0))
        return server.useless_data ? USELESS_DATA : FAILURE;
    while (!stop_signal) movexd_server_step(&server, LONGEST_SLEEP_MS);
    movexd_server_stop(&server);
    log_stopped(log);
    return CLEAN_STOP;
}

static int run_relay(const movexd_log *log, const movexd_options *options)
{
    movexd_relay_server server;
    if (!movexd_relay_server_start(&server, options, log)) return FAILURE;
    while (!stop_signal) movexd_relay_server_step(&server, LONGEST_SLEEP_MS);
    movexd_relay_server_stop(&server);
    log_stopped(log);
    return CLEAN_STOP;
}

static int serve(const movexd_options *options)
{
    movexd_log     log = {.stream = stderr, .level = options->log_level};
    movexd_games   games;
    movexd_failure failure;
    int            code = FAILURE;
    handle_signals();
    log_simple(&log, MOVEXD_INFO, "starting", "version", movex_version_text(), NULL, NULL);
    if (options->relay.on) return run_relay(&log, options);
    if (movexd_games_load(&games, options->games, options->game_count, &failure)) {
        code = run(&log, options, &games);
    } else {
        log_simple(&log, MOVEXD_ERROR, "load-failed", "file", failure.path, "cause", failure.cause);
    }
    movexd_games_free(&games);
    return code;
}

int main(int argument_count, char **arguments)
{
    movexd_options options;
    switch (movexd_options_parse(&options, argument_count, arguments)) {
    case MOVEXD_SHOW_HELP: fputs(movexd_help, stdout); return CLEAN_STOP;
    case MOVEXD_SHOW_VERSION: printf("movexd %s\n", movex_version_text()); return CLEAN_STOP;
    case MOVEXD_WRONG_USAGE: fprintf(stderr, "movexd: %s\nTry 'movexd --help'.\n", options.problem); return WRONG_USAGE;
    case MOVEXD_SERVE: break;
    }
    return serve(&options);
}
