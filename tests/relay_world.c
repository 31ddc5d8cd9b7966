#include "relay_world.h"

#include "../src/transports/relay/relay_internal.h"

#include <movex/text.h>

#include <stdio.h>
#include <string.h>

static void accuse(void *user, const char *what)
{
    world_member *member = user;
    ck_abort_msg("at %llu ms: %s: %s", (unsigned long long)member->world->now_ms, member->name, what);
}

static int draw_entropy(void *user, void *bytes, size_t length)
{
    static uint64_t state = 1;
    unsigned char  *at = bytes;
    (void)user;
    for (size_t i = 0; i < length; i++) at[i] = (unsigned char)meter_random(&state);
    return MOVEX_OK;
}

static void note(void *user, const movexd_relay_event *event)
{
    static const char *const kinds[] = {"", "joined", "left", "rejected"};
    relay_world             *world = user;
    world->joined += event->kind == MOVEXD_RELAY_JOINED;
    world->left += event->kind == MOVEXD_RELAY_LEFT;
    world->rejected += event->kind == MOVEXD_RELAY_REJECTED;
    snprintf(world->told, sizeof world->told, "%s %s/%s: %s", kinds[event->kind], event->room, event->name,
             event->cause);
}

void world_start_relay(relay_world *world, const movexd_relay_config *config)
{
    movexd_relay_config made = config ? *config : (movexd_relay_config){0};
    if (!made.max_rooms) made.max_rooms = 100;
    if (!made.max_members) made.max_members = 32;
    if (!made.bytes_per_second) made.bytes_per_second = 1 << 20;
    if (!made.join_ms) made.join_ms = 10000;
    made.entropy = draw_entropy;
    made.report = note;
    made.user = world;
    made.allocator = meter_allocator(&world->memory);
    world->relay = movexd_relay_new(&made);
    if (!world->relay) return;
    int status = movexd_relay_attach(world->relay, movex_mock_listen(world->net));
    must(status == MOVEX_OK || (status == MOVEX_ERR_MEMORY && world->memory.failed > 0));
    if (status == MOVEX_OK) return;
    world_stop_relay(world);
}

void world_stop_relay(relay_world *world)
{
    movexd_relay_free(world->relay);
    world->relay = NULL;
}

void world_start(relay_world *world, const movex_mock_config *net, const movexd_relay_config *config)
{
    *world = (relay_world){.memory = world->memory};
    world->net = movex_mock_new(net);
    world_start_relay(world, config);
}

void world_stop(relay_world *world)
{
    for (int i = 0; i < WORLD_MEMBERS; i++) world_remove(&world->members[i]);
    world_stop_relay(world);
    movex_mock_free(world->net);
    must_equal(world->memory.blocks, 0);
    must_equal(world->memory.wrong, 0);
}

world_member *world_join_with(relay_world *world, movex_relay_config config, bool listens)
{
    int i = 0;
    while (world->members[i].io.self) i++;
    world_member *member = &world->members[i];
    *member = (world_member){.world = world};
    movex_text_set(member->name, config.name);
    if (!config.io.self) config.io = movex_mock_connect_as(world->net, config.name);
    config.allocator = meter_allocator(&world->memory);
    member->unchecked = movex_relay(&config);
    member->io = movex_checked(member->unchecked, &(movex_checked_config){.report = accuse, .user = member});
    if (!member->io.self) return NULL;
    if (listens) {
        int status = member->io.ops->listen(member->io.self);
        must_msg(status == MOVEX_OK, "%s: listen: %s", member->name, movex_status_name(status));
    }
    return member;
}

world_member *world_join(relay_world *world, const char *room, const char *token, const char *name, bool listens)
{
    return world_join_with(world, (movex_relay_config){.room = room, .token = token, .name = name}, listens);
}

void world_remove(world_member *member)
{
    if (member->io.self) member->io.ops->destroy(member->io.self);
    *member = (world_member){.world = member->world};
}

static world_link *find_number(world_member *member, movex_link number)
{
    for (int i = 0; i < WORLD_LINKS; i++)
        if (member->links[i].number == number) return &member->links[i];
    return NULL;
}

static void take(world_member *member, const movex_io_event *event)
{
    world_link *link = find_number(member, event->kind == MOVEX_IO_OPENED ? 0 : event->link);
    switch (event->kind) {
    case MOVEX_IO_OPENED:
        member->opened++;
        must(link && (member->world->names_lie || !world_find(member, event->text)));
        *link = (world_link){.number = event->link};
        movex_text_set(link->peer, event->text);
        break;
    case MOVEX_IO_MESSAGE:
        must(link != NULL);
        if (member->world->on_frame) member->world->on_frame(member, link, event);
        member->received++;
        link->received++;
        memset(link->last, 0, sizeof link->last);
        if (event->length < sizeof link->last) memcpy(link->last, event->data, event->length);
        break;
    case MOVEX_IO_CLOSED:
        member->closed++;
        member->last_closed = event->link;
        movex_text_set(member->cause, event->text);
        if (link) *link = (world_link){0};
        break;
    }
}

static void poll_member(world_member *member)
{
    movex_io_event event;
    while (!member->deaf && member->io.ops->recv(member->io.self, &event) == MOVEX_OK) take(member, &event);
    movex_relay_check(member->unchecked.self);
}

void world_run(relay_world *world, uint32_t ms)
{
    for (uint32_t i = 0; i <= ms; i++) {
        movex_mock_poll(world->net, world->now_ms);
        if (world->relay) {
            movexd_relay_poll(world->relay, world->now_ms);
            movexd_relay_check(world->relay);
        }
        for (int k = 0; k < WORLD_MEMBERS; k++)
            if (world->members[k].io.self) poll_member(&world->members[k]);
        if (i < ms) world->now_ms++;
    }
}

world_link *world_find(world_member *member, const char *peer)
{
    for (int i = 0; i < WORLD_LINKS; i++)
        if (member->links[i].number && strcmp(member->links[i].peer, peer) == 0) return &member->links[i];
    return NULL;
}

movex_link world_link_to(world_member *member, const char *peer)
{
    world_link *link = world_find(member, peer);
    return link ? link->number : 0;
}

int world_open(world_member *member, const char *address, movex_link *link)
{
    movex_link ignored;
    return member->io.ops->open(member->io.self, address, link ? link : &ignored);
}

int world_send(world_member *member, const char *peer, const char *text)
{
    return member->io.ops->send(member->io.self, world_link_to(member, peer), text, strlen(text));
}

void world_close(world_member *member, const char *peer)
{
    world_link *link = world_find(member, peer);
    member->io.ops->close(member->io.self, link->number);
    *link = (world_link){0};
}

uint32_t world_links(const world_member *member)
{
    uint32_t count = 0;
    for (int i = 0; i < WORLD_LINKS; i++) count += member->links[i].number != 0;
    return count;
}

/* ---- by hand */

movex_link world_raw(relay_world *world, movex_io *io, const char *name)
{
    movex_link     link = 0;
    movex_io_event event;
    *io = movex_mock_connect_as(world->net, name);
    must(io->ops->open(io->self, NULL, &link) == MOVEX_OK);
    world_run(world, 1);
    must(io->ops->recv(io->self, &event) == MOVEX_OK && event.kind == MOVEX_IO_OPENED);
    world_run(world, 1);
    return link;
}

bool world_raw_read(movex_io io, movex_relay_message *message)
{
    movex_io_event event;
    *message = (movex_relay_message){0};
    if (io.ops->recv(io.self, &event) != MOVEX_OK) return false;
    if (event.kind == MOVEX_IO_MESSAGE) must(movex_relay_read(event.data, event.length, message));
    return true;
}

int world_raw_say(movex_io io, movex_link link, const movex_relay_message *message)
{
    unsigned char frame[MOVEX_RELAY_MOST_MESSAGE];
    size_t        length = movex_relay_write(message, frame);
    return io.ops->send(io.self, link, frame, length);
}
