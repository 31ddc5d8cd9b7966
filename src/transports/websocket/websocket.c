/* The websocket emitter's life and its MovexIO functions. */
#include "websocket_internal.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_FRAME 65536u
#define MOST_FRAME (16u << 20)
#define DEFAULT_QUEUE (1u << 20)
#define DEFAULT_LINKS 10000u
#define DEFAULT_LINKS_DIALLING 64u /* of an emitter that does not listen */
/* How often one recv reads on, a few KiB each time, where a frame has come in part. */
#define READS_PER_RECV 256
/* Passes in which destroy lets closing handshakes begin. */
#define PASSES_AT_END 2

static int ws_open(void *self, const char *address, movex_link *number)
{
    movex_ws    *ws = self;
    movex_ws_url url;
    if (ws->config_status != MOVEX_OK) return ws->config_status;
    if (!movex_ws_parse_url(address ? address : ws->config.url, &url)) return MOVEX_ERR_ADDRESS;
    int status = url.tls ? movex_ws_tls_dialler_new(ws) : MOVEX_OK;
    if (status != MOVEX_OK) return status;
    movex_ws_link *link = movex_ws_link_new(ws, NULL, MOVEX_WS_DIALLING);
    if (!link) return MOVEX_ERR_MEMORY;
    status = url.tls ? movex_ws_tls_link(link, url.host) : MOVEX_OK;
    if (status == MOVEX_OK) status = movex_ws_take_slot(ws, link);
    if (status != MOVEX_OK) {
        movex_ws_link_free(link);
        return status;
    }
    *number = link->number;
    movex_ws_pipe pipe = movex_ws_pipe_hold(ws);
    status = movex_ws_dial(ws, &url, link);
    movex_ws_pipe_release(pipe);
    return status;
}

static int ws_send(void *self, movex_link number, const void *frame, size_t length)
{
    movex_ws      *ws = self;
    movex_ws_slot *slot = movex_ws_find(ws, number);
    if (length == 0 || length > ws->config.max_frame) return MOVEX_ERR_ARGUMENT;
    if (!slot || !slot->link) return MOVEX_ERR_CLOSED;
    if (slot->link->state != MOVEX_WS_OPEN) return MOVEX_ERR_AGAIN;
    movex_ws_pipe pipe = movex_ws_pipe_hold(ws);
    int           status = movex_ws_link_send(slot->link, frame, length);
    movex_ws_pipe_release(pipe);
    return status;
}

/* One look at what is ready, and as many more at those whose frame has come in part as that gets on. */
static bool service(movex_ws *ws, movex_io_event *event)
{
    ws->progress = false;
    movex_ws_service(ws, 0);
    for (int reads = 0; !movex_ws_take_event(ws, event); reads++) {
        if (reads == READS_PER_RECV || !ws->progress) return false;
        ws->progress = false;
        movex_ws_read_partial(ws);
    }
    return true;
}

static int ws_recv(void *self, movex_io_event *event)
{
    movex_ws *ws = self;
    movex_ws_end_loan(ws);
    if (movex_ws_take_event(ws, event)) return MOVEX_OK;
    if (ws->looked) { /* asking again what there is would cost as much as to send something */
        ws->looked = false;
        return MOVEX_ERR_AGAIN;
    }
    movex_ws_pipe pipe = movex_ws_pipe_hold(ws);
    bool          found = service(ws, event);
    movex_ws_pipe_release(pipe);
    return found ? MOVEX_OK : MOVEX_ERR_AGAIN;
}

static void ws_close(void *self, movex_link number)
{
    movex_ws      *ws = self;
    movex_ws_slot *slot = movex_ws_find(ws, number);
    if (!slot) return;
    movex_ws_link *link = slot->link;
    movex_ws_free_slot(ws, slot);
    if (!link) return;
    bool open = link->state == MOVEX_WS_OPEN;
    link->state = MOVEX_WS_ENDING;
    link->since = lws_now_usecs();
    if (!open) {
        movex_ws_link_kill(link, "");
        return;
    }
    movex_ws_watch(ws, (int)lws_get_socket_fd(link->wsi));
    lws_callback_on_writable(link->wsi);
}

static int ws_listen(void *self)
{
    movex_ws *ws = self;
    if (ws->config_status != MOVEX_OK) return ws->config_status;
    return ws->listener ? MOVEX_ERR_EXISTS : movex_ws_server_new(ws);
}

static int ws_wait(void *self, uint32_t timeout_ms)
{
    movex_ws     *ws = self;
    lws_usec_t    end = lws_now_usecs() + (lws_usec_t)timeout_ms * LWS_US_PER_MS;
    bool          goes_on = true; /* no signal, to which the program may want to see */
    bool          served = false;
    movex_ws_pipe pipe = movex_ws_pipe_hold(ws);
    while (!movex_ws_has_event(ws) && !ws->room && !atomic_load(&ws->woken) && goes_on && lws_now_usecs() < end) {
        goes_on = movex_ws_service(ws, end);
        served = true;
    }
    ws->looked = served && movex_ws_has_event(ws); /* else a frame may have come in part */
    movex_ws_pipe_release(pipe);
    atomic_store(&ws->woken, false);
    ws->room = false;
    return MOVEX_OK;
}

static void ws_wake(void *self)
{
    movex_ws *ws = self;
    atomic_store(&ws->woken, true);
    movex_ws_ring(ws);
}

/* The texts of a configuration, which are copied. */
enum { TEXTS = 5 };
static const char **text_at(movex_ws_config *config, unsigned index)
{
    const char **const texts[TEXTS] = {&config->url, &config->address, &config->certificate_file, &config->key_file,
                                       &config->ca_file};
    return texts[index];
}

/* Puts copies in place of the texts; false if memory ran out, and then those without a copy are NULL. */
static bool copy_texts(movex_ws *ws)
{
    const movex_allocator *allocator = &ws->config.allocator;
    bool                   whole = true;
    for (unsigned i = 0; i < TEXTS; i++) {
        const char **text = text_at(&ws->config, i);
        if (!*text) continue;
        size_t size = strlen(*text) + 1;
        char  *copy = allocator->allocate(allocator->user, size);
        if (copy) memcpy(copy, *text, size);
        *text = copy;
        whole = whole && copy;
    }
    return whole;
}

static void release_emitter(movex_ws *ws)
{
    const movex_allocator allocator = ws->config.allocator;
    movex_ws_drop(&allocator, &ws->events);
    movex_ws_drop(&allocator, &ws->kept);
    movex_ws_drop(&allocator, &ws->scratch);
    if (ws->slots) allocator.release(allocator.user, ws->slots, ws->slot_count * sizeof *ws->slots);
    SSL_CTX_free(ws->client_tls);
    SSL_CTX_free(ws->server_tls);
    for (unsigned i = 0; i < TEXTS; i++) {
        const char *text = *text_at(&ws->config, i);
        if (text) allocator.release(allocator.user, (void *)(uintptr_t)text, strlen(text) + 1);
    }
    allocator.release(allocator.user, ws, sizeof *ws);
}

static void close_all(movex_ws *ws, movex_ws_link *link)
{
    for (movex_ws_link *next; link; link = next) {
        next = link->next;
        ws_close(ws, link->number);
    }
}

static void ws_destroy(void *self)
{
    movex_ws     *ws = self;
    movex_ws_pipe pipe = movex_ws_pipe_hold(ws);
    movex_ws_end_loan(ws);
    ws->dying = true;
    if (ws->context) {
        close_all(ws, ws->links);
        close_all(ws, ws->partial);
        for (int pass = 0; pass < PASSES_AT_END; pass++) lws_service(ws->context, -1);
        lws_sul_cancel(&ws->sweep_timer);
        movex_ws_watch_end(ws);
        lws_context_destroy(ws->context);
    }
    for (movex_ws_link *link; (link = ws->links ? ws->links : ws->partial) != NULL;) {
        link->wsi = NULL; /* gone with the context */
        movex_ws_link_free(link);
    }
    movex_ws_pipe_release(pipe);
    release_emitter(ws);
}

static const movex_io_ops operations = {
    .name = "websocket",
    .open = ws_open,
    .send = ws_send,
    .recv = ws_recv,
    .close = ws_close,
    .destroy = ws_destroy,
    .listen = ws_listen,
    .wait = ws_wait,
    .wake = ws_wake,
};

static void default_to(uint32_t *setting, uint32_t value)
{
    if (*setting == 0) *setting = value;
}

/* Fills in defaults. What is out of range is said by open and listen, as there is nobody to say it to here. */
static int complete_config(movex_ws_config *config)
{
    default_to(&config->max_frame, DEFAULT_FRAME);
    default_to(&config->queue_bytes, DEFAULT_QUEUE);
    default_to(&config->max_links, config->address ? DEFAULT_LINKS : DEFAULT_LINKS_DIALLING);
    default_to(&config->ping_seconds, 20);
    default_to(&config->hangup_seconds, 30);
    default_to(&config->connect_seconds, 10);
    bool sound = config->max_frame >= MOVEX_IO_MIN_FRAME && config->max_frame <= MOST_FRAME &&
                 config->max_links <= MOVEX_WS_MAX_LINKS && config->hangup_seconds > config->ping_seconds &&
                 config->hangup_seconds <= UINT16_MAX && config->connect_seconds <= UINT16_MAX &&
                 !config->certificate_file == !config->key_file;
    if (sound) return MOVEX_OK;
    config->max_frame = DEFAULT_FRAME; /* so that the table of functions is one that a library takes */
    config->max_links = DEFAULT_LINKS_DIALLING;
    config->ping_seconds = config->connect_seconds = 10;
    config->hangup_seconds = 30;
    return MOVEX_ERR_ARGUMENT;
}

static int wrong(movex_error *error, movex_status status, const char *text)
{
    if (error) {
        error->status = status;
        snprintf(error->text, sizeof error->text, "%s", text);
    }
    return status;
}

/* Why complete_config refuses. */
static const char *out_of_range(const movex_ws_config *config)
{
    if (config->max_frame && (config->max_frame < MOVEX_IO_MIN_FRAME || config->max_frame > MOST_FRAME))
        return "max_frame must be from 256 to 16,777,216 bytes";
    if (config->max_links > MOVEX_WS_MAX_LINKS) return "max_links must be at most 1,000,000";
    if (!config->certificate_file != !config->key_file)
        return "certificate_file and key_file are needed both, or neither of them";
    if (config->connect_seconds > UINT16_MAX || config->hangup_seconds > UINT16_MAX)
        return "connect_seconds and hangup_seconds must be at most 65,535";
    return "hangup_seconds must be more than ping_seconds (30 and 20 by default)";
}

int movex_ws_check(const movex_ws_config *config, movex_error *error)
{
    movex_ws_config completed = *config;
    movex_ws_url    url;
    SSL_CTX        *tls = NULL;
    int             status = MOVEX_OK;
    if (complete_config(&completed) != MOVEX_OK) return wrong(error, MOVEX_ERR_ARGUMENT, out_of_range(config));
    if (config->url && !movex_ws_parse_url(config->url, &url))
        return wrong(error, MOVEX_ERR_ADDRESS, "the url is not of the form ws://host[:port][/path] or wss://...");
    if (config->address && !movex_ws_parse_address(config->address, &url))
        return wrong(error, MOVEX_ERR_ADDRESS, "the address is not of the form host:port, [ipv6]:port or :port");
    if (config->certificate_file) status = movex_ws_tls_server(config, &tls, error);
    SSL_CTX_free(tls);
    if (status != MOVEX_OK || !config->ca_file) return status;
    status = movex_ws_tls_client(config, &tls, error);
    SSL_CTX_free(tls);
    return status;
}

movex_io movex_ws_new(const movex_ws_config *config)
{
    movex_allocator allocator = config->allocator.allocate ? config->allocator : movex_allocator_default();
    movex_io        none = {.ops = &operations};
    movex_ws       *ws = allocator.allocate(allocator.user, sizeof *ws);
    if (!ws) return none;
    memset(ws, 0, sizeof *ws);
    atomic_init(&ws->woken, false);
    ws->epoll = ws->alarm = -1;
    ws->config = *config;
    ws->config.allocator = allocator;
    ws->config_status = complete_config(&ws->config);
    ws->ops = operations;
    ws->ops.max_frame = ws->config.max_frame;
    if (!copy_texts(ws) || movex_ws_context_new(ws) != MOVEX_OK || !movex_ws_watch_start(ws)) {
        ws_destroy(ws);
        return none;
    }
    movex_ws_sweep_start(ws);
    return (movex_io){.ops = &ws->ops, .self = ws};
}

movex_io movex_ws_connect(const char *url)
{
    return movex_ws_new(&(movex_ws_config){.url = url});
}

movex_io movex_ws_listen(const char *address)
{
    return movex_ws_new(&(movex_ws_config){.address = address});
}

uint16_t movex_ws_port(movex_io io)
{
    if (!io.self || !io.ops || io.ops->open != ws_open) return 0;
    return ((const movex_ws *)io.self)->port;
}
