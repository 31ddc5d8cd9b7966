#include "master_internal.h"
#include "master_keep.h"

#include "format.h"

#include <movex/text.h>

/* ---- opening and closing */

/* Tells somebody for whom there is no room; nothing is kept of him. */
static void turn_away(movex_master *master, movex_attached *attached, movex_link link, movex_status status,
                      const char *why)
{
    const movex_error_message message = {status, 0, {why, (uint32_t)strlen(why)}};
    unsigned char             bytes[MOVEX_MESSAGE_OVERHEAD + MOVEX_ERROR_TEXT_SIZE];
    movex_writer              writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_error(&writer, &message);
    attached->io.ops->send(attached->io.self, link, bytes, (size_t)(writer.at - bytes));
    attached->io.ops->close(attached->io.self, link);
    movex_master_record_event(master, MOVEX_MASTER_REJECTED, NULL, NULL, status, why);
}

void movex_master_link_opened(movex_master *master, movex_attached *attached, const movex_io_event *event)
{
    movex_master_link *link = NULL;
    bool               room = master->link_count < master->config.limits.links;
    if (!movex_map_get(&attached->links, event->link, NULL, NULL) && room)
        link = movex_allocate(&master->allocator, sizeof *link);
    if (link && !movex_map_put(&attached->links, &master->allocator, event->link, link)) {
        movex_release(&master->allocator, link, sizeof *link);
        link = NULL;
    }
    if (!link) {
        if (room)
            turn_away(master, attached, event->link, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
        else
            turn_away(master, attached, event->link, MOVEX_ERR_LIMIT, "the master has as many connections as it may");
        return;
    }
    movex_text_set(link->address, event->text);
    link->attached = attached;
    int counted = movex_address_add_link(master, link);
    if (counted != MOVEX_OK) {
        const char *why = counted == MOVEX_ERR_LIMIT ? "there are as many connections from its address as there may be"
                                                     : movex_status_text(counted);
        movex_map_remove(&attached->links, event->link, link);
        movex_release(&master->allocator, link, sizeof *link);
        turn_away(master, attached, event->link, (movex_status)counted, why);
        return;
    }
    link->opened_ms = master->now_ms;
    link->channel = (movex_channel){
        .io = attached->io,
        .link = event->link,
        .max_frame = attached->io.ops->max_frame,
        .max_message = master->max_message,
        .max_queue = master->config.limits.queue_bytes,
        .holds = movex_keep_is_used(master) && master->config.sync == MOVEX_SYNC_ALWAYS,
        .stats = &master->stats,
    };
    movex_list_append(&master->greeting, &link->greeting);
    master->link_count++;
}

void movex_master_link_free(movex_master *master, movex_master_link *link)
{
    movex_list_remove(&link->greeting);
    movex_list_remove(&link->due);
    while (link->owed.first) movex_list_remove(link->owed.first);
    movex_list_remove(&link->waiting);
    movex_buffer_free(&link->inbox, &master->allocator);
    movex_address_remove_link(master, link);
    movex_map_remove(&link->attached->links, link->channel.link, link);
    movex_channel_free(&link->channel, &master->allocator);
    movex_release(&master->allocator, link, sizeof *link);
    master->link_count--;
}

/* Closes and frees a link; what becomes of its session is the caller's to say. */
static movex_session *hang_up(movex_master *master, movex_master_link *link)
{
    movex_session *session = link->session;
    movex_io       io = link->attached->io;
    io.ops->close(io.self, link->channel.link);
    movex_master_link_free(master, link);
    return session;
}

void movex_master_link_close(movex_master *master, movex_master_link *link, int status, int reason, const char *text)
{
    if (status != MOVEX_OK) {
        char why[MOVEX_ERROR_TEXT_SIZE];
        movex_text_set(why, text ? text : movex_status_text(status));
        movex_error_message message = {(movex_status)status, reason, {why, (uint32_t)strlen(why)}};
        movex_writer        writer = movex_master_message(master, sizeof why);
        movex_channel_drop_held(&link->channel); /* whoever comes back is told again */
        if (writer.at) {
            movex_write_error(&writer, &message);
            movex_master_send(master, link, &writer);
            movex_channel_mark(&link->channel);
            movex_channel_release(&link->channel);
            movex_channel_flush(&link->channel, &master->allocator);
        }
        movex_master_record_event(master, MOVEX_MASTER_REJECTED, link->session ? link->session->id : NULL, NULL,
                                  message.status, why);
    }
    movex_session *session = hang_up(master, link);
    if (session) movex_session_lost_link(master, session, text ? text : movex_status_text(status));
}

void movex_master_link_lost(movex_master *master, movex_attached *attached, const movex_io_event *event)
{
    movex_master_link *link = movex_map_get(&attached->links, event->link, NULL, NULL);
    if (!link) return;
    movex_session *session = link->session;
    const char    *text = event->text ? event->text : "the connection was lost";
    bool           stranger = !session && link->failure == MOVEX_OK; /* else its session has moved on to another link */
    movex_master_link_free(master, link);
    if (session)
        movex_session_lost_link(master, session, text);
    else if (stranger)
        movex_master_record_event(master, MOVEX_MASTER_REJECTED, NULL, NULL, MOVEX_ERR_CLOSED, text);
}

/* ---- sending */

/* Lets go what everybody may be told of by now, and holds what has come since until the store has it. */
static void hold_what_is_not_kept(movex_master *master, movex_master_link *link)
{
    movex_channel *channel = &link->channel;
    if (!channel->holds) return;
    if (movex_keep_has(master, link->held_for)) movex_channel_release(channel);
    if (channel->ready != channel->mark) return;
    movex_channel_mark(channel);
    link->held_for = movex_keep_taken(master);
    if (movex_keep_has(master, link->held_for)) movex_channel_release(channel);
}

static bool may_be_sent_a_snapshot(const movex_master *master, const movex_channel *channel)
{
    return movex_channel_waiting(channel) <= master->config.limits.backlog_bytes / 2 &&
           movex_channel_queued(channel) <= channel->max_queue / 2;
}

/* Sends what is due on a link, and the snapshots that it is owed as long as it takes what is sent. */
static int send_what_is_due(movex_master *master, movex_master_link *link)
{
    int status = link->failure;
    hold_what_is_not_kept(master, link);
    if (status == MOVEX_OK) status = movex_channel_flush(&link->channel, &master->allocator);
    while (status == MOVEX_OK && link->owed.first && may_be_sent_a_snapshot(master, &link->channel)) {
        movex_subscription_send_snapshot(master, movex_subscription_of_owed(link->owed.first));
        hold_what_is_not_kept(master, link);
        status = link->failure == MOVEX_OK ? movex_channel_flush(&link->channel, &master->allocator) : link->failure;
    }
    return status;
}

/* The same, and MOVEX_ERR_TIMEOUT if it has taken nothing for too long. */
static int flush_link(movex_master *master, movex_master_link *link)
{
    int status = send_what_is_due(master, link);
    if (!link->stalls || link->channel.moved) link->took_ms = master->now_ms;
    link->stalls = movex_channel_waiting(&link->channel) > 0;
    link->channel.moved = false;
    bool late = link->stalls && master->now_ms - link->took_ms >= master->config.stall_ms;
    return status == MOVEX_OK && late ? MOVEX_ERR_TIMEOUT : status;
}

uint64_t movex_master_stall_ms(const movex_master *master)
{
    uint64_t first = UINT64_MAX;
    for (const movex_node *node = master->due.first; node; node = node->next) {
        const movex_master_link *link =
            (const movex_master_link *)(const void *)((const char *)node - offsetof(movex_master_link, due));
        if (link->stalls && link->took_ms < first) first = link->took_ms;
    }
    return first < UINT64_MAX - master->config.stall_ms ? first + master->config.stall_ms : UINT64_MAX;
}

/* Says why, if the emitter has room for that, before what it has not taken: nothing of it will come any more. */
static void say_last(movex_master *master, movex_master_link *link, movex_status status, const char *why)
{
    const movex_error_message message = {status, 0, {why, (uint32_t)strlen(why)}};
    unsigned char             bytes[MOVEX_MESSAGE_OVERHEAD + MOVEX_ERROR_TEXT_SIZE];
    movex_writer              writer = movex_writer_over(bytes, sizeof bytes);
    movex_io                  io = link->attached->io;
    movex_write_error(&writer, &message);
    if (!link->channel.torn) io.ops->send(io.self, link->channel.link, bytes, (size_t)(writer.at - bytes));
    movex_master_record_event(master, MOVEX_MASTER_REJECTED, link->session ? link->session->id : NULL, NULL, status,
                              why);
}

static void lose(movex_master *master, movex_master_link *link, int status)
{
    bool        full = status == MOVEX_ERR_LIMIT, stalled = status == MOVEX_ERR_TIMEOUT;
    const char *text = full      ? "it does not take what is sent to it"
                       : stalled ? "it has taken nothing for too long"
                                 : movex_status_text(status);
    if (full || stalled) say_last(master, link, (movex_status)status, text);
    movex_session *session = hang_up(master, link);
    if (session) movex_session_lost_link(master, session, text);
}

/* A link whose emitter is full stays due; it comes again at the next poll. */
void movex_master_flush(movex_master *master)
{
    bool lost;
    do {
        lost = false;
        movex_subscription_revoke_crowded(master);
        for (movex_node *node = master->due.first, *next; node; node = next) {
            movex_master_link *link = (movex_master_link *)(void *)((char *)node - offsetof(movex_master_link, due));
            int                status = flush_link(master, link);
            next = node->next;
            if (status != MOVEX_OK) {
                lose(master, link, status);
                lost = true; /* others have been told of it */
            } else if (!movex_channel_queued(&link->channel) && !link->owed.first) {
                movex_list_remove(node);
            }
        }
    } while (lost);
}

/* ---- receiving */

static int malformed(movex_error *error, const char *message)
{
    return movex_error_set(error, MOVEX_ERR_MALFORMED, message, ": truncated, or not of its form", NULL);
}

static int take_numbered(movex_master *master, movex_session *session, uint8_t kind, movex_reader *reader,
                         movex_error *error)
{
    uint32_t number;
    if (!movex_read_numbered(reader, &number)) return malformed(error, "UNBIND or RESYNC");
    return kind == MOVEX_MESSAGE_UNBIND ? movex_subscription_unbind(master, session, number)
                                        : movex_subscription_resync(master, session, number);
}

static int take_message(movex_master *master, movex_master_link *link, movex_reader *reader, movex_error *error);

static int take_chunk(movex_master *master, movex_master_link *link, movex_reader *reader, movex_error *error)
{
    movex_reader message;
    int          status = movex_channel_assemble(&link->channel, &master->allocator, reader, &message);
    if (status == MOVEX_ERR_AGAIN) return MOVEX_OK;
    if (status == MOVEX_ERR_MALFORMED) return malformed(error, "CHUNK");
    if (status == MOVEX_ERR_LIMIT)
        return movex_error_set(error, MOVEX_ERR_LIMIT, "CHUNK: a message of more bytes than allowed", NULL);
    if (status != MOVEX_OK) return movex_error_set(error, (movex_status)status, movex_status_text(status), NULL);
    if (movex_reader_left(&message) && message.at[0] == MOVEX_MESSAGE_CHUNK)
        return movex_error_set(error, MOVEX_ERR_PROTOCOL, "CHUNK: within a CHUNK", NULL);
    status = take_message(master, link, &message, error);
    if (status == MOVEX_OK && movex_reader_left(&message))
        return malformed(error, "a message put together from chunks");
    return status;
}

/* One message. MOVEX_ERR_CLOSED: the link is to be closed without a word. */
static int take_message(movex_master *master, movex_master_link *link, movex_reader *reader, movex_error *error)
{
    uint8_t kind = movex_read_u8(reader);
    if (kind != MOVEX_MESSAGE_CHUNK && link->channel.assembly.length)
        return movex_error_set(error, MOVEX_ERR_PROTOCOL, "CHUNK: another message comes before the last part", NULL);
    if (kind == MOVEX_MESSAGE_CHUNK) return take_chunk(master, link, reader, error);
    if (kind == MOVEX_MESSAGE_ERROR || kind == MOVEX_MESSAGE_GOODBYE) return MOVEX_ERR_CLOSED;
    if (kind == MOVEX_MESSAGE_HELLO) {
        if (link->session) return movex_error_set(error, MOVEX_ERR_PROTOCOL, "HELLO: a second one", NULL);
        return movex_session_hello(master, link, reader, error);
    }
    if (!link->session) return movex_error_set(error, MOVEX_ERR_PROTOCOL, "the first message must be HELLO", NULL);
    link->session->heard = true;
    link->session->anew = false;
    switch (kind) {
    case MOVEX_MESSAGE_BIND: return movex_subscription_bind(master, link->session, reader, error);
    case MOVEX_MESSAGE_FORGET: return movex_subscription_forget(master, link->session);
    case MOVEX_MESSAGE_UNBIND:
    case MOVEX_MESSAGE_RESYNC: return take_numbered(master, link->session, kind, reader, error);
    case MOVEX_MESSAGE_DISPATCH: return movex_master_resource_dispatch(master, link->session, reader, error);
    case MOVEX_MESSAGE_DISPATCH_PRIVATE:
        return movex_master_resource_dispatch_private(master, link->session, reader, error);
    case MOVEX_MESSAGE_DISPATCH_SEALED:
        return movex_master_resource_dispatch_sealed(master, link->session, reader, error);
    case MOVEX_MESSAGE_OPEN: return movex_round_open(master, link->session, reader, error);
    }
    char         name[3];
    movex_format format = movex_format_into(name, sizeof name);
    movex_format_hex(&format, kind, 2);
    return movex_error_set(error, MOVEX_ERR_MALFORMED, "no message that a client may send starts with 0x", name, NULL);
}

static void say_goodbye(movex_master *master, movex_master_link *link)
{
    movex_session *session = hang_up(master, link);
    if (session) movex_session_leave(master, session, "the client said goodbye");
}

/* A message could not be taken: the link is closed, and freed. */
static void refuse_message(movex_master *master, movex_master_link *link, bool goodbye, int status,
                           const movex_error *error)
{
    if (goodbye) {
        say_goodbye(master, link);
    } else if (status == MOVEX_ERR_CLOSED) {
        movex_master_link_close(master, link, MOVEX_OK, 0, "the client closed it");
    } else {
        bool explained = error->status == (movex_status)status;
        /* Nobody misbehaves who is not let in, or comes back before the loss of his connection has been noticed. */
        bool innocent = status == MOVEX_ERR_DENIED || status == MOVEX_ERR_MEMORY || status == MOVEX_ERR_ID_IN_USE ||
                        status == MOVEX_ERR_STORE;
        if (!innocent) master->stats.protocol_errors++;
        movex_master_link_close(master, link, status, link->refusal, explained ? error->text : NULL);
    }
}

/* Takes the messages of a frame, as far as their rate allows; the rest is left to the reader. False if the link is gone. */
static bool take_frame(movex_master *master, movex_master_link *link, movex_reader *reader)
{
    bool rated = link->attached->rated;
    while (movex_reader_left(reader) && link->failure == MOVEX_OK) {
        movex_error          error;
        const unsigned char *start = reader->at;
        if (rated && !movex_rate_allows(master, link, start[0])) break;
        error.status = MOVEX_OK;
        int status = take_message(master, link, reader, &error);
        if (status != MOVEX_OK) {
            refuse_message(master, link, start[0] == MOVEX_MESSAGE_GOODBYE, status, &error);
            return false;
        }
        if (rated) movex_rate_spend(link, (size_t)(reader->at - start));
    }
    return true;
}

void movex_master_link_received(movex_master *master, movex_attached *attached, const movex_io_event *event)
{
    movex_master_link *link = movex_map_get(&attached->links, event->link, NULL, NULL);
    if (!link) return;
    master->stats.frames_received++;
    master->stats.bytes_received += event->length;
    movex_reader reader = movex_reader_over(event->data, event->length);
    if (!link->waiting.list && !take_frame(master, link, &reader)) return;
    if (!movex_reader_left(&reader) || link->failure != MOVEX_OK) return;
    int status = movex_rate_wait(master, link, reader.at, movex_reader_left(&reader));
    if (status == MOVEX_OK) return;
    if (status == MOVEX_ERR_LIMIT) master->stats.protocol_errors++;
    movex_master_link_close(master, link, status, 0,
                            status == MOVEX_ERR_LIMIT ? "more has come than may wait for its rate" : NULL);
}

void movex_master_take_waiting(movex_master *master)
{
    for (movex_node *node = master->waiting.first, *next; node; node = next) {
        movex_master_link *link = movex_master_link_of_waiting(node);
        next = node->next;
        for (bool goes_on = true; goes_on && link->failure == MOVEX_OK && !movex_keep_is_behind(master);) {
            movex_reader reader = movex_rate_first(link);
            if (!take_frame(master, link, &reader)) break;
            size_t left = movex_reader_left(&reader);
            movex_rate_taken(master, link, left);
            goes_on = left == 0 && link->waiting.list;
        }
    }
}
