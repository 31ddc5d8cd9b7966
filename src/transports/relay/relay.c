/* The relay emitter's life, its MovexIO functions, and its connection to the relay. */
#include "relay_internal.h"

#include <movex/text.h>

#include <string.h>

enum {
    DEFAULT_LINKS = 256,
    MOST_LINKS = 65536,
    MOST_PER_RECV = 256 /* frames that one recv takes in without an event, so that it comes to an end */
};

/* ---- the connection */

static int dial_relay(relay_io *io)
{
    if (io->connection != RELAY_AWAY) return MOVEX_OK;
    movex_link link = 0;
    int        status = io->inner.ops->open(io->inner.self, NULL, &link);
    if (status != MOVEX_OK) return status;
    io->inner_link = link;
    io->connection = RELAY_DIALLING;
    return MOVEX_OK;
}

static void lose_relay(relay_io *io, const char *what, const char *cause)
{
    char text[RELAY_TEXT_SIZE];
    movex_text_set(text, what);
    if (cause) movex_text_copy(text + strlen(text), sizeof text - strlen(text), cause);
    if (io->inner_link) io->inner.ops->close(io->inner.self, io->inner_link);
    io->inner_link = 0;
    io->connection = RELAY_AWAY;
    io->join_due = false;
    io->own_number = io->credit = io->most_credit = 0;
    movex_relay_lose_all(io, text);
}

static void say_join(relay_io *io)
{
    unsigned char       frame[MOVEX_RELAY_MOST_MESSAGE];
    movex_relay_message join = {.kind = MOVEX_RELAY_JOIN, .version = MOVEX_RELAY_VERSION, .key = io->key};
    movex_text_set(join.room, io->room);
    movex_text_set(join.token, io->token);
    movex_text_set(join.name, io->name);
    size_t length = movex_relay_write(&join, frame);
    if (io->inner.ops->send(io->inner.self, io->inner_link, frame, length) == MOVEX_OK) io->join_due = false;
}

int movex_relay_transmit(relay_io *io, const unsigned char *frame, size_t length)
{
    size_t cost = length + MOVEX_RELAY_FRAME_COST;
    if (cost > io->credit) return MOVEX_ERR_AGAIN;
    int status = io->inner.ops->send(io->inner.self, io->inner_link, frame, length);
    if (status == MOVEX_OK) io->credit -= (uint32_t)cost;
    return status;
}

/* ---- what comes from the relay; NULL, or what is wrong with it */

static const char *take_joined(relay_io *io, const movex_relay_message *message)
{
    if (io->connection != RELAY_JOINING || io->join_due) return "it let in who had not asked";
    if (message->bytes < io->scratch_size + MOVEX_RELAY_FRAME_COST)
        return "its credit is too little for the longest frame";
    io->connection = RELAY_JOINED;
    io->own_number = message->number;
    io->key = message->key;
    io->credit = io->most_credit = message->bytes;
    movex_relay_take_joined(io);
    return NULL;
}

static const char *take_credit(relay_io *io, const movex_relay_message *message)
{
    if (message->bytes > io->most_credit - io->credit) return "it gave more credit than there is";
    io->credit += message->bytes;
    return NULL;
}

static bool take_message(relay_io *io, const movex_io_event *inner, movex_io_event *event)
{
    movex_relay_message message;
    const char         *wrong = NULL;
    bool                told = false;
    if (!movex_relay_read(inner->data, inner->length, &message)) {
        wrong = "a message is malformed";
    } else {
        switch (message.kind) {
        case MOVEX_RELAY_JOIN: wrong = "it wants to join"; break;
        case MOVEX_RELAY_JOINED: wrong = take_joined(io, &message); break;
        case MOVEX_RELAY_CREDIT: wrong = take_credit(io, &message); break;
        case MOVEX_RELAY_REFUSED:
            lose_relay(io, "sent away by the relay: ", movex_relay_reason_text(message.reason));
            return false;
        case MOVEX_RELAY_PEER:
        case MOVEX_RELAY_GONE:
        case MOVEX_RELAY_DATA:
        case MOVEX_RELAY_OPEN:
        case MOVEX_RELAY_CLOSE: wrong = movex_relay_take_member(io, &message, event, &told); break;
        }
    }
    if (wrong) lose_relay(io, "the relay is given up: ", wrong);
    return told;
}

/* True if the owner has to be told something: `event`. */
static bool take(relay_io *io, const movex_io_event *inner, movex_io_event *event)
{
    if (inner->link != io->inner_link) {
        if (inner->kind == MOVEX_IO_OPENED) io->inner.ops->close(io->inner.self, inner->link);
        return false;
    }
    switch (inner->kind) {
    case MOVEX_IO_OPENED:
        io->connection = RELAY_JOINING;
        io->join_due = true;
        return false;
    case MOVEX_IO_MESSAGE: return take_message(io, inner, event);
    case MOVEX_IO_CLOSED:
        io->inner_link = 0;
        lose_relay(io, "the relay: ", inner->text ? inner->text : "the connection was lost");
        return false;
    }
    return false;
}

static void say_what_is_due(relay_io *io)
{
    if (io->join_due) say_join(io);
    if (io->owed) movex_relay_say_owed(io);
}

/* ---- the table */

static int relay_open(void *self, const char *address, movex_link *link)
{
    relay_io *io = self;
    if (io->config_status != MOVEX_OK) return io->config_status;
    if (!address) address = io->peer;
    bool anybody = !*address;
    if (!movex_relay_text_is_sound(address, 0, MOVEX_RELAY_NAME_MAX) || strcmp(address, io->name) == 0)
        return MOVEX_ERR_ADDRESS;
    const relay_pair *pair = anybody ? NULL : movex_relay_find_name(io, address);
    if (pair && pair->link) return MOVEX_ERR_EXISTS;
    if (!anybody && !pair && io->connection == RELAY_JOINED) return MOVEX_ERR_CLOSED;
    int status = movex_relay_dial(io, address, link);
    if (status != MOVEX_OK) return status;
    status = dial_relay(io);
    if (status != MOVEX_OK) movex_relay_hang_up(io, movex_relay_find_link(io, *link));
    say_what_is_due(io);
    return status;
}

static int relay_send(void *self, movex_link link, const void *frame, size_t length)
{
    relay_io   *io = self;
    relay_pair *pair = movex_relay_find_link(io, link);
    if (length == 0 || length > io->ops.max_frame) return MOVEX_ERR_ARGUMENT;
    if (!pair || pair->state == RELAY_LOST) return MOVEX_ERR_CLOSED;
    if (pair->state != RELAY_OPEN) return MOVEX_ERR_AGAIN;
    say_what_is_due(io);
    if (pair->owes_open) return MOVEX_ERR_AGAIN;
    movex_relay_write_header(io->scratch, MOVEX_RELAY_DATA, pair->member);
    memcpy(io->scratch + MOVEX_RELAY_HEADER, frame, length);
    return movex_relay_transmit(io, io->scratch, MOVEX_RELAY_HEADER + length);
}

static int relay_recv(void *self, movex_io_event *event)
{
    relay_io *io = self;
    for (int i = 0; i < MOST_PER_RECV; i++) {
        movex_io_event inner = {0};
        if (movex_relay_give_lost(io, event)) return MOVEX_OK;
        say_what_is_due(io);
        if (io->inner.ops->recv(io->inner.self, &inner) != MOVEX_OK) return MOVEX_ERR_AGAIN;
        if (take(io, &inner, event)) return MOVEX_OK;
    }
    return MOVEX_ERR_AGAIN;
}

static void relay_close(void *self, movex_link link)
{
    relay_io   *io = self;
    relay_pair *pair = movex_relay_find_link(io, link);
    if (!pair) return;
    movex_relay_hang_up(io, pair);
    say_what_is_due(io);
}

static void relay_destroy(void *self)
{
    relay_io       *io = self;
    movex_allocator allocator = io->allocator;
    if (io->inner_link) io->inner.ops->close(io->inner.self, io->inner_link);
    io->inner.ops->destroy(io->inner.self);
    if (io->pairs) allocator.release(allocator.user, io->pairs, io->pair_capacity * sizeof *io->pairs);
    if (io->scratch) allocator.release(allocator.user, io->scratch, io->scratch_size);
    allocator.release(allocator.user, io, sizeof *io);
}

static int relay_listen(void *self)
{
    relay_io *io = self;
    if (io->config_status != MOVEX_OK) return io->config_status;
    if (io->listening) return MOVEX_ERR_EXISTS;
    int status = dial_relay(io);
    /* A relay that cannot be reached now is one that was lost: the next open dials it. */
    if (status != MOVEX_OK && !movex_status_is_temporary(status)) return status;
    io->listening = true;
    if (io->connection == RELAY_JOINED) movex_relay_greet_all(io);
    say_what_is_due(io);
    return MOVEX_OK;
}

static int relay_wait(void *self, uint32_t timeout_ms)
{
    relay_io *io = self;
    return io->lost ? MOVEX_OK : io->inner.ops->wait(io->inner.self, timeout_ms);
}

static int relay_fd(void *self)
{
    relay_io *io = self;
    return io->inner.ops->fd(io->inner.self);
}

static void relay_wake(void *self)
{
    relay_io *io = self;
    io->inner.ops->wake(io->inner.self);
}

/* ---- making */

static const movex_io_ops relay_ops = {
    .name = "relay",
    .max_frame = MOVEX_IO_MIN_FRAME,
    .open = relay_open,
    .send = relay_send,
    .recv = relay_recv,
    .close = relay_close,
    .destroy = relay_destroy,
    .listen = relay_listen,
};

static bool is_complete(movex_io io)
{
    return io.ops && io.self && io.ops->open && io.ops->send && io.ops->recv && io.ops->close && io.ops->destroy;
}

static int take_config(relay_io *io, const movex_relay_config *config)
{
    const char *token = config->token ? config->token : "", *peer = config->peer ? config->peer : "";
    if (config->io.ops->max_frame < MOVEX_IO_MIN_FRAME + MOVEX_RELAY_HEADER || config->max_links > MOST_LINKS ||
        !movex_relay_text_is_sound(config->room, 1, MOVEX_RELAY_ROOM_MAX) ||
        !movex_relay_text_is_sound(config->name, 1, MOVEX_RELAY_NAME_MAX) ||
        !movex_relay_text_is_sound(token, 0, MOVEX_RELAY_TOKEN_MAX) ||
        !movex_relay_text_is_sound(peer, 0, MOVEX_RELAY_NAME_MAX))
        return MOVEX_ERR_ARGUMENT;
    movex_text_set(io->room, config->room);
    movex_text_set(io->name, config->name);
    movex_text_set(io->token, token);
    movex_text_set(io->peer, peer);
    io->ops.max_frame = config->io.ops->max_frame - MOVEX_RELAY_HEADER;
    return MOVEX_OK;
}

static void set_functions(relay_io *io)
{
    const movex_io_ops *inner = io->inner.ops;
    io->ops = relay_ops;
    io->ops.in_process = inner->in_process;
    if (inner->wait) io->ops.wait = relay_wait;
    if (inner->fd) io->ops.fd = relay_fd;
    if (inner->wake) io->ops.wake = relay_wake;
}

movex_io movex_relay(const movex_relay_config *config)
{
    movex_allocator allocator = config->allocator.allocate ? config->allocator : movex_allocator_default();
    movex_io        inner = config->io, none = {.ops = &relay_ops};
    relay_io       *io = is_complete(inner) ? allocator.allocate(allocator.user, sizeof *io) : NULL;
    if (!io) {
        if (inner.ops && inner.self && inner.ops->destroy) inner.ops->destroy(inner.self);
        return none;
    }
    *io = (relay_io){.inner = inner, .allocator = allocator};
    set_functions(io);
    io->max_links = config->max_links ? config->max_links : DEFAULT_LINKS;
    io->config_status = take_config(io, config);
    io->scratch_size = inner.ops->max_frame;
    io->scratch = allocator.allocate(allocator.user, io->scratch_size);
    if (!io->scratch) {
        relay_destroy(io);
        return none;
    }
    return (movex_io){.ops = &io->ops, .self = io};
}
