#include "peer_mesh_internal.h"

#include <movex/text.h>

#include <assert.h>

mesh_link *movex_mesh_link_new(movex_mesh *mesh, movex_link number, bool by_us)
{
    movex_io io = mesh->config.io;
    if (mesh->link_count == MOST_LINKS || !movex_grow(&mesh->allocator, &mesh->links, &mesh->link_capacity,
                                                      sizeof(mesh_link *), mesh->link_count + 1, 4))
        return NULL;
    mesh_link *link = movex_allocate(&mesh->allocator, sizeof *link);
    if (!link) return NULL;
    link->by_us = by_us;
    link->serial = ++mesh->links_made;
    link->heard_ms = link->said_ms = mesh->now_ms;
    link->channel = (movex_channel){
        .io = io,
        .link = number,
        .max_frame = io.ops->max_frame,
        .max_message = MOVEX_PEER_HELLO_MOST, /* of a stranger; more when it is known */
        .max_queue = SIZE_MAX / 4, /* what may wait is decided before it is queued */
        .stats = &mesh->stats,
    };
    mesh->links[mesh->link_count++] = link;
    return link;
}

void movex_mesh_link_free(movex_mesh *mesh, mesh_link *link)
{
    uint32_t i = 0;
    while (mesh->links[i] != link) i++;
    mesh->links[i] = mesh->links[--mesh->link_count];
    movex_channel_free(&link->channel, &mesh->allocator);
    movex_release(&mesh->allocator, link, sizeof *link);
}

mesh_link *movex_mesh_link_find(const movex_mesh *mesh, movex_link number)
{
    for (uint32_t i = 0; i < mesh->link_count; i++)
        if (mesh->links[i]->channel.link == number && mesh->links[i]->state != MESH_ENDED) return mesh->links[i];
    return NULL;
}

mesh_link *movex_mesh_link_to(const movex_mesh *mesh, uint64_t number)
{
    for (uint32_t i = 0; i < mesh->link_count; i++)
        if (mesh->links[i]->state == MESH_MET && mesh->links[i]->peer.member.number == number) return mesh->links[i];
    return NULL;
}

movex_writer movex_mesh_message(movex_mesh *mesh, size_t length)
{
    mesh->scratch.length = 0;
    if (!movex_buffer_reserve(&mesh->scratch, &mesh->allocator, length)) return (movex_writer){0};
    return movex_writer_over(mesh->scratch.bytes, mesh->scratch.capacity);
}

void movex_mesh_link_send(movex_mesh *mesh, mesh_link *link, const movex_writer *writer)
{
    link->said_ms = mesh->now_ms;
    if (!writer->at || movex_channel_append(&link->channel, &mesh->allocator, mesh->scratch.bytes,
                                            (size_t)(writer->at - mesh->scratch.bytes)) != MOVEX_OK)
        movex_mesh_link_end(mesh, link, false);
}

/* ---- closing */

void movex_mesh_link_end(movex_mesh *mesh, mesh_link *link, bool told)
{
    mesh_address *address = movex_mesh_address_of(mesh, link->channel.link);
    if (link->state == MESH_ENDED) return;
    if (!told) mesh->config.io.ops->close(mesh->config.io.self, link->channel.link);
    if (address && link->by_us) movex_mesh_dial_failed(mesh, address);
    link->lost_due = link->state == MESH_MET && !link->met_due;
    link->met_due = false;
    link->state = MESH_ENDED;
}

void movex_mesh_link_refuse(movex_mesh *mesh, mesh_link *link, movex_status status, const char *text)
{
    movex_writer writer = movex_mesh_message(mesh, MOVEX_PEER_OVERHEAD + MOVEX_ERROR_TEXT_SIZE);
    if (writer.at) {
        movex_write_peer_sorry(&writer, status, text);
        movex_mesh_link_send(mesh, link, &writer);
        movex_channel_flush(&link->channel, &mesh->allocator);
    }
    link->refused = true;
    link->status = status;
    movex_text_set(link->text, text);
    movex_mesh_link_end(mesh, link, false);
}

/* ---- greeting */

static movex_wire_text text_of(const char *text)
{
    return (movex_wire_text){text, (uint32_t)strlen(text)};
}

void movex_mesh_link_greet(movex_mesh *mesh, mesh_link *link)
{
    const movex_mesh_config *config = &mesh->config;
    const mesh_address      *dialled = link->by_us ? movex_mesh_address_of(mesh, link->channel.link) : NULL;
    movex_peer_hello         hello = {
        .protocol = MOVEX_PEER_PROTOCOL_VERSION,
        .room_name = text_of(config->room_name),
        .room = mesh->room,
        .room_size = config->room_size,
        .survivor_goes_on = config->survivor_goes_on,
        .number = config->number,
        .id = text_of(config->id),
        .address = text_of(mesh->address),
        .dialled = text_of(dialled ? dialled->text : ""),
        .credentials = text_of(config->credentials),
        .max_frame = config->io.ops->max_frame,
    };
    for (uint32_t i = 0; i < mesh->link_count && hello.known < MOVEX_ROOM_MAX; i++) {
        const mesh_link *other = mesh->links[i];
        const char      *address = other->state == MESH_MET ? movex_mesh_address_at(mesh, &other->peer) : "";
        if (address[0]) hello.addresses[hello.known++] = text_of(address);
    }
    movex_writer writer = movex_mesh_message(mesh, MOVEX_PEER_HELLO_MOST);
    link->state = MESH_GREETING;
    if (writer.at) movex_write_peer_hello(&writer, &hello);
    movex_mesh_link_send(mesh, link, &writer);
}

static void take_text(char *into, size_t size, movex_wire_text text)
{
    assert(text.length < size);
    memcpy(into, text.bytes, text.length);
    memset(into + text.length, 0, size - text.length);
}

/* Another life of it is linked. If that is over, its link ends soon. */
static bool has_namesake(const movex_mesh *mesh, const mesh_link *link, uint64_t number)
{
    for (uint32_t i = 0; i < mesh->link_count; i++) {
        const mesh_link *other = mesh->links[i];
        if (other->state == MESH_MET && other->peer.member.number != number &&
            strcmp(other->peer.member.name, link->peer.member.name) == 0)
            return true;
    }
    return false;
}

/* Why it cannot belong to this room, or NULL. */
static const char *fault_of(movex_mesh *mesh, mesh_link *link, const movex_peer_hello *hello, movex_status *status)
{
    const movex_mesh_config *config = &mesh->config;
    char                     room_name[MOVEX_ROOM_NAME_MAX + 1], credentials[MOVEX_INFO_MAX + 1];
    *status = MOVEX_ERR_UNSUPPORTED;
    if (hello->protocol != MOVEX_PEER_PROTOCOL_VERSION) return "it speaks another version of the peers' protocol";
    take_text(room_name, sizeof room_name, hello->room_name);
    take_text(credentials, sizeof credentials, hello->credentials);
    take_text(link->peer.member.name, sizeof link->peer.member.name, hello->id);
    *status = MOVEX_ERR_DENIED;
    if (strcmp(room_name, config->room_name) != 0) return "it is of a room of another name";
    if (hello->survivor_goes_on != config->survivor_goes_on)
        return "survivor_goes_on is true on one side and false on the other";
    if (mesh->room && hello->room && mesh->room != hello->room) return "its room has the same name and is another one";
    if (!(mesh->room || hello->room) && hello->room_size != config->room_size)
        return "the two sides expect different numbers of peers (room_size)";
    *status = MOVEX_ERR_ID_IN_USE;
    if (strcmp(link->peer.member.name, config->id) == 0) return "both sides have the same id";
    if (has_namesake(mesh, link, hello->number)) return "there is another one of its id";
    *status = MOVEX_ERR_DENIED;
    const movex_hello asks = {link->peer.member.name, "", credentials, link->text};
    if (config->authenticate && config->authenticate(config->user, &asks) != MOVEX_ACCEPT) return "it was not let in";
    return NULL;
}

/* Both sides keep the same one of two links: that which the peer of the smaller number has dialled, or else the first. */
static bool is_better(const movex_mesh *mesh, const mesh_link *link, const mesh_link *than)
{
    bool smaller_is_us = mesh->config.number < link->peer.member.number;
    return link->by_us != than->by_us && link->by_us == smaller_is_us;
}

static void meet(movex_mesh *mesh, mesh_link *link)
{
    mesh_link    *first = movex_mesh_link_to(mesh, link->peer.member.number);
    mesh_address *dialled = link->by_us ? movex_mesh_address_of(mesh, link->channel.link) : NULL;
    if (dialled) {
        dialled->number = link->peer.member.number;
        dialled->pause_ms = 100;
    }
    if (first && !is_better(mesh, link, first)) {
        movex_mesh_link_end(mesh, link, false);
        return;
    }
    if (first) movex_mesh_link_end(mesh, first, false);
    link->state = MESH_MET;
    link->channel.max_message = mesh->config.max_message;
    link->met_due = true;
}

void movex_mesh_link_greeted(movex_mesh *mesh, mesh_link *link, const movex_peer_hello *hello)
{
    movex_raft_member *member = &link->peer.member;
    mesh_address      *dialled = link->by_us ? movex_mesh_address_of(mesh, link->channel.link) : NULL;
    movex_status       status;
    char               told[MOVEX_ADDRESS_MAX + 1];
    if (hello->number == mesh->config.number) { /* it has dialled itself */
        if (dialled) dialled->is_self = true;
        movex_mesh_link_end(mesh, link, false);
        return;
    }
    const char *fault = fault_of(mesh, link, hello, &status);
    if (fault) {
        movex_mesh_link_refuse(mesh, link, status, fault);
        return;
    }
    member->number = hello->number;
    take_text(member->address, sizeof member->address, hello->address);
    link->peer.room = hello->room;
    link->peer.room_size = hello->room_size;
    if (hello->max_frame < link->channel.max_frame) link->channel.max_frame = (size_t)hello->max_frame;
    take_text(told, sizeof told, hello->dialled);
    if (!mesh->address[0]) movex_text_set(mesh->address, told);
    meet(mesh, link);
    if (!member->address[0]) movex_text_set(member->address, movex_mesh_address_at(mesh, &link->peer));
    for (uint32_t i = 0; i < hello->known; i++) {
        take_text(told, sizeof told, hello->addresses[i]);
        movex_mesh_learn(mesh, told);
    }
    movex_mesh_learn(mesh, member->address);
}
