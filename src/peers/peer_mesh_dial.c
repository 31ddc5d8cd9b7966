#include "peer_mesh_internal.h"

#include "../core/random.h"

#include <movex/text.h>

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 3000 };

static mesh_address *find(movex_mesh *mesh, const char *text)
{
    for (uint32_t i = 0; i < mesh->address_count; i++)
        if (strcmp(mesh->addresses[i].text, text) == 0) return &mesh->addresses[i];
    return NULL;
}

void movex_mesh_add_address(movex_mesh *mesh, const char *text, bool is_learned)
{
    mesh_address *known = find(mesh, text);
    if (known || mesh->address_count == MOST_ADDRESSES) return;
    mesh_address *address = &mesh->addresses[mesh->address_count++];
    *address = (mesh_address){.is_learned = is_learned, .dial_ms = mesh->now_ms, .pause_ms = FIRST_PAUSE_MS};
    movex_text_set(address->text, text);
}

mesh_address *movex_mesh_address_of(movex_mesh *mesh, movex_link link)
{
    for (uint32_t i = 0; i < mesh->address_count; i++)
        if (mesh->addresses[i].link == link) return &mesh->addresses[i];
    return NULL;
}

const char *movex_mesh_address_at(const movex_mesh *mesh, const movex_mesh_peer *peer)
{
    if (peer->member.address[0]) return peer->member.address;
    for (uint32_t i = 0; i < mesh->address_count; i++)
        if (mesh->addresses[i].number == peer->member.number) return mesh->addresses[i].text;
    return "";
}

/* Nobody is reached there, and nobody who was reached there has another link. */
static bool is_wanted(const movex_mesh *mesh, const mesh_address *address)
{
    if (address->is_self || address->link) return false;
    return !(address->number && movex_mesh_link_to(mesh, address->number));
}

void movex_mesh_dial_failed(movex_mesh *mesh, mesh_address *address)
{
    uint32_t pause_ms = address->pause_ms, half = pause_ms / 2;
    address->link = 0;
    address->dial_ms = mesh->now_ms + half + movex_splitmix64(&mesh->jitter) % (pause_ms - half + 1);
    address->pause_ms = pause_ms < LONGEST_PAUSE_MS / 2 ? pause_ms * 2 : LONGEST_PAUSE_MS;
    if (address->is_learned && pause_ms == LONGEST_PAUSE_MS) *address = mesh->addresses[--mesh->address_count];
}

static void dial(movex_mesh *mesh, mesh_address *address)
{
    movex_io   io = mesh->config.io;
    movex_link number = 0;
    mesh_link *link = NULL;
    int        status = io.ops->open(io.self, address->text[0] ? address->text : NULL, &number);
    if (status == MOVEX_OK) link = movex_mesh_link_new(mesh, number, true);
    if (status == MOVEX_OK && !link) io.ops->close(io.self, number);
    if (!link) {
        movex_mesh_dial_failed(mesh, address);
        return;
    }
    address->link = number;
}

void movex_mesh_dial(movex_mesh *mesh)
{
    for (uint32_t i = mesh->address_count; i-- > 0;) /* one that is forgotten is replaced by the last */
        if (is_wanted(mesh, &mesh->addresses[i]) && mesh->addresses[i].dial_ms <= mesh->now_ms)
            dial(mesh, &mesh->addresses[i]);
}

uint64_t movex_mesh_dial_ms(const movex_mesh *mesh)
{
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < mesh->address_count; i++)
        if (is_wanted(mesh, &mesh->addresses[i]) && mesh->addresses[i].dial_ms < first)
            first = mesh->addresses[i].dial_ms;
    return first;
}

void movex_mesh_learn(movex_mesh *mesh, const char *address)
{
    if (address[0] && strcmp(address, mesh->address) != 0) movex_mesh_add_address(mesh, address, true);
}
