#include "peer_mesh_internal.h"

#include "../core/format.h"
#include "../core/io.h"

#include <movex/text.h>

#include <assert.h>

enum { PINGS_PER_DEATH = 4 };

movex_mesh *movex_mesh_new(const movex_mesh_config *config, movex_error *error)
{
    movex_io    io = config->io;
    movex_mesh *mesh = movex_allocate(&config->allocator, sizeof *mesh);
    if (!mesh) {
        movex_io_destroy(io);
        movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        return NULL;
    }
    mesh->config = *config;
    mesh->config.addresses = NULL;
    mesh->allocator = config->allocator;
    mesh->jitter = config->seed;
    movex_text_set(mesh->address, config->address);
    for (uint32_t i = 0; i < config->address_count; i++)
        movex_mesh_add_address(mesh, config->addresses[i] ? config->addresses[i] : "", false);
    int status = io.ops->listen ? io.ops->listen(io.self) : MOVEX_OK;
    if (status == MOVEX_OK) return mesh;
    movex_error_set(error, (movex_status)status, "io: it cannot listen: ", movex_status_text(status), NULL);
    movex_mesh_free(mesh);
    return NULL;
}

void movex_mesh_free(movex_mesh *mesh)
{
    if (!mesh) return;
    movex_allocator allocator = mesh->allocator;
    while (mesh->link_count) movex_mesh_link_free(mesh, mesh->links[mesh->link_count - 1]);
    movex_release(&allocator, mesh->links, mesh->link_capacity * sizeof(mesh_link *));
    movex_buffer_free(&mesh->scratch, &allocator);
    movex_io_destroy(mesh->config.io);
    movex_release(&allocator, mesh, sizeof *mesh);
}

/* ---- time */

static uint64_t ping_ms(const movex_mesh *mesh)
{
    return mesh->config.dead_ms / PINGS_PER_DEATH;
}

static void ping(movex_mesh *mesh, mesh_link *link)
{
    movex_writer writer = movex_mesh_message(mesh, MOVEX_PEER_OVERHEAD);
    if (writer.at) movex_write_u8(&writer, MOVEX_PEER_PING);
    movex_mesh_link_send(mesh, link, &writer);
}

void movex_mesh_poll(movex_mesh *mesh, uint64_t now_ms)
{
    mesh->now_ms = now_ms;
    mesh->looked = false;
    movex_mesh_dial(mesh);
    for (uint32_t i = 0; i < mesh->link_count; i++) {
        mesh_link *link = mesh->links[i];
        if (link->state == MESH_MET && now_ms - link->said_ms >= ping_ms(mesh)) ping(mesh, link);
    }
}

/* Links on which nothing came for too long are over. Only when all that has come is taken: who was not polled for long must not
   believe that others were silent. */
static void end_silent(movex_mesh *mesh)
{
    mesh->looked = true;
    for (uint32_t i = 0; i < mesh->link_count; i++)
        if (mesh->now_ms - mesh->links[i]->heard_ms >= mesh->config.dead_ms) movex_mesh_link_end(mesh, mesh->links[i], false);
}

uint64_t movex_mesh_deadline(const movex_mesh *mesh)
{
    uint64_t first = movex_mesh_dial_ms(mesh);
    for (uint32_t i = 0; i < mesh->link_count; i++) {
        const mesh_link *link = mesh->links[i];
        uint64_t         dead = link->heard_ms + mesh->config.dead_ms, said = link->said_ms + ping_ms(mesh);
        if (link->state == MESH_ENDED) return mesh->now_ms;
        if (link->state == MESH_MET && said < first) first = said;
        if (dead < first) first = dead;
    }
    return first;
}

/* ---- what has come */

static void opened(movex_mesh *mesh, const movex_io_event *event)
{
    mesh_link *link = movex_mesh_link_find(mesh, event->link);
    if (!link) link = movex_mesh_link_new(mesh, event->link, false);
    if (!link) {
        mesh->config.io.ops->close(mesh->config.io.self, event->link);
        return;
    }
    movex_text_set(link->text, event->text ? event->text : "");
    link->heard_ms = mesh->now_ms;
    movex_mesh_link_greet(mesh, link);
}

/* Takes one event of the emitter's. False if there is none. */
static bool receive(movex_mesh *mesh)
{
    movex_io       io = mesh->config.io;
    movex_io_event event;
    if (io.ops->recv(io.self, &event) != MOVEX_OK) return false;
    if (event.kind == MOVEX_IO_OPENED) {
        opened(mesh, &event);
        return true;
    }
    mesh_link *link = movex_mesh_link_find(mesh, event.link);
    if (link && event.kind == MOVEX_IO_CLOSED) movex_mesh_link_end(mesh, link, true);
    if (link && event.kind == MOVEX_IO_MESSAGE) {
        mesh->stats.frames_received++;
        mesh->stats.bytes_received += event.length;
        link->heard_ms = mesh->now_ms;
        mesh->reading = link;
        mesh->frame = movex_reader_over(event.data, event.length);
    }
    return true;
}

/* The other side does not speak as it should: the link is of no more use. */
static bool malformed(movex_mesh *mesh, mesh_link *link)
{
    mesh->stats.protocol_errors++;
    movex_mesh_link_refuse(mesh, link, MOVEX_ERR_MALFORMED, "it has sent what is no message of peers");
    return false;
}

static bool take_sorry(movex_mesh *mesh, mesh_link *link, movex_reader *reader)
{
    movex_status    status;
    movex_wire_text text;
    if (!movex_read_peer_sorry(reader, &status, &text)) return malformed(mesh, link);
    memcpy(link->text, text.bytes, text.length);
    link->text[text.length] = 0;
    link->refused = true;
    link->status = status;
    movex_mesh_link_end(mesh, link, false);
    return false;
}

static bool take_tunnel(movex_mesh *mesh, mesh_link *link, movex_peer_message_kind kind, movex_reader *reader,
                        movex_mesh_event *event)
{
    *event = (movex_mesh_event){.kind = MOVEX_MESH_TUNNEL, .number = link->peer.member.number, .message = kind};
    return movex_read_peer_tunnel(reader, kind, &event->tunnel) || malformed(mesh, link);
}

/* Takes one message. True if it is something for the caller. */
static bool take_message(movex_mesh *mesh, mesh_link *link, movex_reader *reader, movex_mesh_event *event)
{
    movex_peer_hello hello;
    uint8_t          kind = movex_read_u8(reader);
    if (kind == MOVEX_PEER_SORRY) return take_sorry(mesh, link, reader);
    if (kind == MOVEX_PEER_HELLO && link->state == MESH_GREETING && movex_read_peer_hello(reader, &hello)) {
        movex_mesh_link_greeted(mesh, link, &hello);
        return false;
    }
    if (link->state != MESH_MET) return malformed(mesh, link);
    switch (kind) {
    case MOVEX_PEER_PING: return false;
    case MOVEX_PEER_RAFT:
        *event = (movex_mesh_event){.kind = MOVEX_MESH_RAFT, .number = link->peer.member.number};
        return movex_read_peer_raft(reader, &event->bytes) || malformed(mesh, link);
    case MOVEX_PEER_OPEN:
    case MOVEX_PEER_OPENED:
    case MOVEX_PEER_UP:
    case MOVEX_PEER_DOWN:
    case MOVEX_PEER_CLOSE_UP:
    case MOVEX_PEER_CLOSE_DOWN: return take_tunnel(mesh, link, (movex_peer_message_kind)kind, reader, event);
    default: return malformed(mesh, link);
    }
}

/* The next message of the frame that is being read; a part of one is put to those before it. */
static bool take_next(movex_mesh *mesh, movex_mesh_event *event)
{
    mesh_link *link = mesh->reading;
    if (mesh->assembled) {
        bool found = take_message(mesh, link, &mesh->message, event);
        mesh->assembled = false;
        if (link->state != MESH_ENDED && movex_reader_left(&mesh->message)) return malformed(mesh, link);
        return found;
    }
    if (mesh->frame.at[0] != MOVEX_MESSAGE_CHUNK) return take_message(mesh, link, &mesh->frame, event);
    movex_read_u8(&mesh->frame);
    int status = movex_channel_assemble(&link->channel, &mesh->allocator, &mesh->frame, &mesh->message);
    mesh->assembled = status == MOVEX_OK;
    if (status == MOVEX_ERR_MEMORY) movex_mesh_link_end(mesh, link, false);
    if (status != MOVEX_OK && status != MOVEX_ERR_AGAIN && status != MOVEX_ERR_MEMORY) malformed(mesh, link);
    return false;
}

/* What has become of links is told before what they bring: LOST before MET of the same peer. */
static bool take_change(movex_mesh *mesh, movex_mesh_event *event)
{
    for (uint32_t i = 0; i < mesh->link_count; i++) {
        mesh_link *link = mesh->links[i];
        if (link->state != MESH_ENDED) continue;
        if (link->refused) {
            link->refused = false;
            *event = (movex_mesh_event){.kind = MOVEX_MESH_REFUSED,
                                        .id = link->peer.member.name,
                                        .status = link->status,
                                        .text = link->text};
            return true;
        }
        mesh->told = link;
        if (!link->lost_due) return false;
        *event = (movex_mesh_event){.kind = MOVEX_MESH_LOST, .number = link->peer.member.number};
        return true;
    }
    for (uint32_t i = 0; i < mesh->link_count; i++) {
        mesh_link *link = mesh->links[i];
        if (!link->met_due) continue;
        link->met_due = false;
        *event = (movex_mesh_event){.kind = MOVEX_MESH_MET, .number = link->peer.member.number, .peer = &link->peer};
        return true;
    }
    return false;
}

/* Nothing is left of the frame, or its link is over. */
static void end_of_frame(movex_mesh *mesh)
{
    bool more = mesh->assembled || movex_reader_left(&mesh->frame) > 0;
    if (!mesh->reading || (mesh->reading->state != MESH_ENDED && more)) return;
    mesh->reading = NULL;
    mesh->assembled = false;
}

static void forget_told(movex_mesh *mesh)
{
    if (mesh->told) movex_mesh_link_free(mesh, mesh->told);
    mesh->told = NULL;
}

bool movex_mesh_next(movex_mesh *mesh, movex_mesh_event *event)
{
    for (;;) {
        end_of_frame(mesh);
        forget_told(mesh);
        if (take_change(mesh, event)) return true;
        if (mesh->told) continue;
        if (mesh->reading) {
            if (take_next(mesh, event)) return true;
        } else if (!receive(mesh)) {
            if (mesh->looked) return false;
            end_silent(mesh);
        }
    }
}

/* ---- sending */

void movex_mesh_flush(movex_mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->link_count; i++) {
        mesh_link *link = mesh->links[i];
        bool       is_open = link->state == MESH_GREETING || link->state == MESH_MET;
        if (is_open && movex_channel_queued(&link->channel) &&
            movex_channel_flush(&link->channel, &mesh->allocator) != MOVEX_OK)
            movex_mesh_link_end(mesh, link, false);
    }
}

bool movex_mesh_is_linked(const movex_mesh *mesh, uint64_t number)
{
    return movex_mesh_link_to(mesh, number) != NULL;
}

const char *movex_mesh_id(const movex_mesh *mesh, uint64_t number)
{
    const mesh_link *link = movex_mesh_link_to(mesh, number);
    return link ? link->peer.member.name : NULL;
}

static bool is_full(const movex_mesh *mesh, const mesh_link *link)
{
    return movex_channel_queued(&link->channel) > mesh->config.queue_bytes;
}

void movex_mesh_send_raft(movex_mesh *mesh, uint64_t to, const void *message, size_t length)
{
    mesh_link *link = movex_mesh_link_to(mesh, to);
    if (!link || is_full(mesh, link)) return;
    movex_writer writer = movex_mesh_message(mesh, length + MOVEX_PEER_OVERHEAD);
    if (writer.at) movex_write_peer_raft(&writer, message, length);
    movex_mesh_link_send(mesh, link, &writer);
}

int movex_mesh_send_tunnel(movex_mesh *mesh, uint64_t to, movex_peer_message_kind kind,
                           const movex_peer_tunnel_message *message)
{
    mesh_link *link = movex_mesh_link_to(mesh, to);
    if (!link) return MOVEX_ERR_CLOSED;
    if (message->frame.length && is_full(mesh, link)) return MOVEX_ERR_AGAIN;
    movex_writer writer = movex_mesh_message(mesh, message->frame.length + MOVEX_PEER_OVERHEAD);
    if (writer.at) movex_write_peer_tunnel(&writer, kind, message);
    movex_mesh_link_send(mesh, link, &writer);
    return link->state == MESH_ENDED ? MOVEX_ERR_CLOSED : MOVEX_OK;
}

void movex_mesh_refuse(movex_mesh *mesh, uint64_t number, movex_status status, const char *text)
{
    mesh_link *link = movex_mesh_link_to(mesh, number);
    if (link) movex_mesh_link_refuse(mesh, link, status, text);
}

void movex_mesh_renew(movex_mesh *mesh, uint64_t number)
{
    mesh->config.number = number;
    for (uint32_t i = 0; i < mesh->link_count; i++) movex_mesh_link_end(mesh, mesh->links[i], false);
}

void movex_mesh_set_room(movex_mesh *mesh, uint64_t room)
{
    mesh->room = room;
}

const char *movex_mesh_address(const movex_mesh *mesh)
{
    return mesh->address;
}

size_t movex_mesh_tunnel_frame(const movex_mesh *mesh)
{
    size_t most = mesh->config.io.ops->max_frame;
    return most >= MOVEX_IO_MIN_FRAME + MOVEX_PEER_OVERHEAD ? most - MOVEX_PEER_OVERHEAD : MOVEX_IO_MIN_FRAME;
}

movex_io movex_mesh_io(const movex_mesh *mesh)
{
    return mesh->config.io;
}

movex_stats movex_mesh_stats(const movex_mesh *mesh)
{
    movex_stats stats = mesh->stats;
    for (uint32_t i = 0; i < mesh->link_count; i++) {
        stats.links += mesh->links[i]->state == MESH_MET;
        stats.queued_bytes += movex_channel_queued(&mesh->links[i]->channel);
    }
    return stats;
}

void movex_mesh_check(const movex_mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->link_count; i++) {
        const mesh_link *link = mesh->links[i];
        movex_channel_check(&link->channel);
        assert(link->state != MESH_MET || movex_mesh_link_to(mesh, link->peer.member.number) == link);
        assert(!link->met_due || link->state == MESH_MET);
        (void)link;
    }
}
