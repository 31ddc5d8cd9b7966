/* A relay and its members over a mock network: each member is the relay emitter, with a checker around it, and takes note of
   what it is told. */
#ifndef MOVEX_TESTS_RELAY_WORLD_H
#define MOVEX_TESTS_RELAY_WORLD_H

#include "meter.h"

#include "../src/transports/relay/relay_protocol.h"
#include "../tools/movexd/relay.h"

#include <movex/checked.h>
#include <movex/mock.h>
#include <movex/relay.h>

#include <stdbool.h>

enum { WORLD_MEMBERS = 40, WORLD_LINKS = 64 };

/* A link of a member, from OPENED to CLOSED. */
typedef struct world_link {
    movex_link number; /* 0: free */
    char       peer[MOVEX_RELAY_NAME_MAX + 1];
    uint32_t   received; /* frames */
    char       last[64]; /* the last frame, if it was text */
} world_link;

struct relay_world;

typedef struct world_member {
    struct relay_world *world;
    char                name[MOVEX_RELAY_NAME_MAX + 1];
    movex_io            io;        /* checked; its `self` is NULL if the member is not there */
    movex_io            unchecked; /* the relay emitter itself */
    world_link          links[WORLD_LINKS];
    uint32_t            opened, closed, received; /* events so far */
    movex_link          last_closed;
    char                cause[256]; /* of the last CLOSED */
    bool                deaf;       /* takes no events */
} world_member;

typedef struct relay_world {
    movex_mock         *net;
    movexd_relay       *relay;
    world_member        members[WORLD_MEMBERS];
    uint64_t            now_ms;
    meter               memory; /* of all but the network */
    uint32_t            joined, left, rejected; /* events of the relay */
    char                told[256];              /* the last of them: "KIND room/name: cause" */
    bool                names_lie;              /* frames are corrupted: two members may seem to have one name */
    /* Optional: is shown each frame, before it is counted. */
    void (*on_frame)(world_member *member, world_link *link, const movex_io_event *event);
} relay_world;

/* What a relay has where `config` has zeros: 100 rooms of 32, 1 MiB a second, 10 s to join. */
void world_start(relay_world *world, const movex_mock_config *net, const movexd_relay_config *config);
void world_stop(relay_world *world);
/* Starts or stops the relay alone. */
void world_start_relay(relay_world *world, const movexd_relay_config *config);
void world_stop_relay(relay_world *world);

/* A member of a room; `listens`: calls listen at once. NULL: there was no memory. */
world_member *world_join(relay_world *world, const char *room, const char *token, const char *name, bool listens);
world_member *world_join_with(relay_world *world, movex_relay_config config, bool listens);
void          world_remove(world_member *member);

/* Time goes on in steps of a millisecond, and everybody is polled at each. Checks what must hold. */
void world_run(relay_world *world, uint32_t ms);

/* The link of a member to another one, or NULL. */
world_link *world_find(world_member *member, const char *peer);
/* 0 if there is none. */
movex_link world_link_to(world_member *member, const char *peer);
int        world_open(world_member *member, const char *address, movex_link *link);
int        world_send(world_member *member, const char *peer, const char *text);
void       world_close(world_member *member, const char *peer);
/* How many links a member has. */
uint32_t world_links(const world_member *member);

/* Who speaks to the relay by hand: frames as they are. */
movex_link world_raw(relay_world *world, movex_io *io, const char *name);
/* Reads one message; false if there is none. A closed link is `kind` 0. */
bool       world_raw_read(movex_io io, movex_relay_message *message);
int        world_raw_say(movex_io io, movex_link link, const movex_relay_message *message);

#endif
