#include "relay_server.h"

#include "listen.h"
#include "tokens.h"

#include <movex/system.h>

/* How often figures are logged at level debug. */
#define FIGURES_PAUSE_MS 10000

/* The whole line is the operator's: who knows a room's name can come into it where there are no tokens. */
static void report(void *user, const movexd_relay_event *event)
{
    static const struct {
        const char  *name;
        movexd_level level;
    } lines[] = {[MOVEXD_RELAY_JOINED] = {"joined", MOVEXD_INFO},
                 [MOVEXD_RELAY_LEFT] = {"left", MOVEXD_INFO},
                 [MOVEXD_RELAY_REJECTED] = {"rejected", MOVEXD_WARNING}};
    const movexd_log *log = ((const movexd_relay_server *)user)->log;
    if (!movexd_log_wants(log, lines[event->kind].level)) return;
    movexd_line line;
    movexd_line_begin(&line, movex_system_unix_ms(), lines[event->kind].level, lines[event->kind].name);
    movexd_line_text(&line, "peer", event->name);
    movexd_line_text(&line, "room", event->room);
    if (event->kind != MOVEXD_RELAY_REJECTED) movexd_line_number(&line, "members", event->members);
    movexd_line_text(&line, "address", event->address);
    movexd_line_text(&line, "cause", event->cause);
    movexd_log_write(log, &line);
}

static void log_figures(const movexd_relay_server *server, movexd_level level)
{
    if (!movexd_log_wants(server->log, level)) return;
    movexd_relay_stats stats = movexd_relay_statistics(server->relay);
    movexd_line        line;
    movexd_line_begin(&line, movex_system_unix_ms(), level, "figures");
    movexd_line_number(&line, "links", stats.links);
    movexd_line_number(&line, "rooms", stats.rooms);
    movexd_line_number(&line, "members", stats.members);
    movexd_line_number(&line, "frames", stats.frames);
    movexd_line_number(&line, "bytes", stats.bytes);
    movexd_line_number(&line, "sent_away", stats.sent_away);
    movexd_log_write(server->log, &line);
}

static void log_kind(const movexd_log *log, const movexd_relay_options *options, uint32_t tokens)
{
    movexd_level level = options->token_file ? MOVEXD_INFO : MOVEXD_WARNING;
    if (!movexd_log_wants(log, level)) return;
    movexd_line line;
    movexd_line_begin(&line, movex_system_unix_ms(), level, "relay");
    if (options->token_file)
        movexd_line_number(&line, "tokens", tokens);
    else
        movexd_line_text(&line, "open", "whoever can reach an address may use this relay (--relay-token FILE)");
    movexd_log_write(log, &line);
}

static bool make_relay(movexd_relay_server *server, const movexd_relay_options *options)
{
    char          cause[256];
    movexd_tokens tokens = {0};
    if (options->token_file && !movexd_tokens_read(&tokens, options->token_file, cause, sizeof cause)) {
        movexd_log_failure(server->log, "start-failed", "file", options->token_file, cause);
        return false;
    }
    server->relay = movexd_relay_new(&(movexd_relay_config){.tokens = (const char *const *)tokens.texts,
                                                            .token_count = tokens.count,
                                                            .max_rooms = options->rooms,
                                                            .max_members = options->members,
                                                            .bytes_per_second = options->bytes_per_second,
                                                            .join_ms = options->join_seconds * 1000,
                                                            .idle_ms = options->idle_seconds * 1000,
                                                            .entropy = movex_system_entropy,
                                                            .report = report,
                                                            .user = server});
    if (server->relay)
        log_kind(server->log, options, tokens.count);
    else
        movexd_log_failure(server->log, "start-failed", NULL, NULL, "out of memory or entropy");
    movexd_tokens_free(&tokens);
    return server->relay != NULL;
}

static int attach(void *user, movex_io io)
{
    return movexd_relay_attach(user, io);
}

static bool answer(void *user, movexd_answer *answer, uint64_t uptime_s, const char *path)
{
    movexd_relay_stats stats = movexd_relay_statistics(((const movexd_relay_server *)user)->relay);
    return movexd_answer_relay(answer, &stats, uptime_s, path);
}

bool movexd_relay_server_start(movexd_relay_server *server, const movexd_options *options, const movexd_log *log)
{
    *server = (movexd_relay_server){.log = log, .figures_ms = movex_system_now_ms() + FIGURES_PAUSE_MS};
    if (!make_relay(server, &options->relay)) return false;
    bool started = true;
    for (uint32_t i = 0; started && i < options->address_count; i++) {
        movex_ws_config config = {.max_links = options->relay.links, .queue_bytes = options->relay.queue_bytes};
        started = movexd_listen(log, options, options->addresses[i], &config, attach, server->relay).self != NULL;
    }
    if (started && movexd_listen_http(log, options->http, answer, server, &server->http)) return true;
    movexd_relay_free(server->relay);
    return false;
}

void movexd_relay_server_step(movexd_relay_server *server, uint32_t timeout_ms)
{
    uint64_t now_ms = movex_system_now_ms();
    movexd_relay_poll(server->relay, now_ms);
    if (now_ms >= server->figures_ms) {
        log_figures(server, MOVEXD_DEBUG);
        server->figures_ms = now_ms + FIGURES_PAUSE_MS;
    }
    if (server->http) timeout_ms = movexd_http_serve(server->http, timeout_ms);
    movexd_relay_wait(server->relay, timeout_ms);
}

void movexd_relay_server_stop(movexd_relay_server *server)
{
    log_figures(server, MOVEXD_INFO);
    movexd_http_free(server->http);
    movexd_relay_free(server->relay);
}
