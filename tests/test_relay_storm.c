/* Random runs of a relay and its members over a network with faults, from seeds. Whatever happens, a link that has opened carries
   what its other end has sent over that link, from the first frame on, in order and without a gap; the checker around each
   emitter finds nothing; and once the weather is calm, everybody has a link to everybody. Where frames are
   corrupted, which real networks do not do, the contract alone has to be kept. */
#include "relay_world.h"
#include "support.h"

#include <movex/faulty.h>

#include <stdio.h>
#include <string.h>

enum { MEMBERS = 6, STEPS = 3000 };

/* What a frame carries. */
typedef struct stamp {
    char     from[8], to[8];
    uint32_t life;   /* counts the links of the sender */
    uint32_t number; /* of the frame over its link, from 0 on */
} stamp;

/* What a member sends over a link, and what has come. */
typedef struct flow {
    movex_link link;
    uint32_t   life, sent, other_life, received;
} flow;

static relay_world world;
static flow        flows[MEMBERS][WORLD_LINKS];
static uint32_t    lives, last_life[MEMBERS][MEMBERS];
static uint64_t    dice;
static bool        corrupts;

static int index_of(const char *name)
{
    return name[1] - '0';
}

static flow *flow_of(world_member *member, movex_link link)
{
    flow *mine = flows[index_of(member->name)], *free_one = NULL;
    for (int i = 0; i < WORLD_LINKS; i++) {
        if (mine[i].link == link) return &mine[i];
        bool there = false;
        for (int k = 0; k < WORLD_LINKS; k++)
            there = there || (mine[i].link && member->links[k].number == mine[i].link);
        if (!there) free_one = &mine[i];
    }
    *free_one = (flow){.link = link, .life = ++lives};
    return free_one;
}

static void check_frame(world_member *member, world_link *link, const movex_io_event *event)
{
    stamp got;
    if (corrupts) return;
    flow *of = flow_of(member, link->number);
    must(event->length == sizeof got);
    memcpy(&got, event->data, sizeof got);
    must_msg(strcmp(got.from, link->peer) == 0 && strcmp(got.to, member->name) == 0, "%s to %s came from %s to %s",
             got.from, got.to, link->peer, member->name);
    uint32_t *last = &last_life[index_of(member->name)][index_of(got.from)];
    if (of->received == 0) {
        must_msg(got.life > *last, "%s: a frame of an old link from %s", member->name, got.from);
        of->other_life = *last = got.life;
    }
    must_msg(got.life == of->other_life && got.number == of->received, "%s from %s: life %u/%u, number %u/%u",
             member->name, got.from, got.life, of->other_life, got.number, of->received);
    of->received++;
}

static void send_some(world_member *member)
{
    world_link *link = &member->links[meter_below(&dice, MEMBERS + 1)];
    if (!link->number || index_of(link->peer) >= MEMBERS) return;
    flow *of = flow_of(member, link->number);
    stamp made = {.life = of->life, .number = of->sent};
    memcpy(made.from, member->name, 3);
    memcpy(made.to, link->peer, 3);
    int status = member->io.ops->send(member->io.self, link->number, &made, sizeof made);
    of->sent += status == MOVEX_OK;
    must(status == MOVEX_OK || status == MOVEX_ERR_AGAIN || status == MOVEX_ERR_CLOSED || status == MOVEX_ERR_MEMORY);
}

static void name_of(int i, char *name)
{
    memcpy(name, (const char[]){'m', (char)('0' + i), 0}, 3);
}

/* Numbers of dials that are neither opened nor closed yet; closing one now and then. */
static void dial(world_member *member)
{
    char       name[8];
    movex_link link = 0;
    name_of((int)meter_below(&dice, MEMBERS + 1), name); /* also itself, and one that is not there */
    int status = world_open(member, meter_below(&dice, 2) ? name : NULL, &link);
    if (status == MOVEX_OK && meter_below(&dice, 4) == 0) member->io.ops->close(member->io.self, link);
}

typedef struct weather {
    movex_mock_config net;
    bool              listens; /* all of them, or every other one */
    uint32_t          fail_one_in;
    uint32_t          again_per_mille; /* chance that a member's network has no room */
} weather;

static void make_member(int i, const weather *of)
{
    char     name[8];
    movex_io io = movex_mock_connect_as(world.net, (name_of(i, name), name));
    if (of->again_per_mille)
        io = movex_faulty(io, &(movex_faulty_config){.seed = (uint64_t)i, .again_per_mille = of->again_per_mille});
    must(world_join_with(&world, (movex_relay_config){.io = io, .room = "r", .token = "t", .name = name},
                         of->listens || i % 2 == 0) != NULL);
}

static void act(int i, const weather *of)
{
    world_member *member = &world.members[i];
    switch (meter_below(&dice, 100)) {
    case 0:
    case 1:
    case 2: dial(member); break;
    case 3: {
        world_link *link = &member->links[meter_below(&dice, MEMBERS)];
        if (!link->number) break;
        member->io.ops->close(member->io.self, link->number);
        *link = (world_link){0};
        break;
    }
    case 4:
        if (meter_below(&dice, 20)) break;
        world_remove(member);
        memset(flows[i], 0, sizeof flows[i]);
        make_member(i, of);
        break;
    default: send_some(member);
    }
}

static void settle(bool listens)
{
    movex_mock_set_faults(world.net, NULL);
    world.memory.fail_one_in = 0;
    world_run(&world, 12000); /* until all that is half-open is found out, or silent for long */
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < MEMBERS; i++) {
            char name[8];
            for (int k = 0; k < MEMBERS; k++) {
                name_of(k, name);
                if (k != i && !world_find(&world.members[i], name)) world_open(&world.members[i], name, NULL);
            }
        }
        world_run(&world, 500);
    }
    for (int i = 0; i < MEMBERS; i++)
        must_msg(!listens || corrupts || world_links(&world.members[i]) == MEMBERS - 1, "m%d has %u links: %s", i,
                 world_links(&world.members[i]), world.members[i].cause);
}

static const weather weathers[] = {
    {.net = {.latency_ms = {0, 20}}, .listens = true},
    {.net = {.latency_ms = {0, 20}, .faults = {.cut_per_mille = 5, .dial_failure_per_mille = 100}}, .listens = true},
    {.net = {.latency_ms = {0, 50},
             .faults =
                 {.cut_per_mille = 5, .linger_per_mille = 500, .half_open_per_mille = 2, .half_open_ms = {100, 1000}}},
     .listens = true},
    {.net = {.latency_ms = {0, 20},
             .faults = {.stall_per_mille = 5, .stall_ms = {0, 100}, .cut_per_mille = 1},
             .queue_bytes = 3000},
     .listens = true},
    {.net = {.latency_ms = {0, 20}, .faults = {.cut_per_mille = 2}}, .listens = false},
    {.net = {.latency_ms = {0, 20}, .faults = {.corrupt_per_mille = 20, .cut_per_mille = 2}}, .listens = true},
    {.net = {.latency_ms = {0, 20}, .faults = {.cut_per_mille = 2}}, .listens = true, .fail_one_in = 50},
    {.net = {.latency_ms = {0, 20}, .faults = {.cut_per_mille = 2}}, .listens = true, .again_per_mille = 300},
};

static void play(const weather *of, uint64_t seed)
{
    movex_mock_config net = of->net;
    uint32_t          received = 0;
    net.seed = seed;
    dice = seed * 77 + 1;
    lives = 0;
    corrupts = of->net.faults.corrupt_per_mille > 0;
    memset(flows, 0, sizeof flows);
    memset(last_life, 0, sizeof last_life);
    world.memory = (meter){0};
    world_start(&world, &net, &(movexd_relay_config){.bytes_per_second = 30000});
    world.on_frame = check_frame;
    world.names_lie = corrupts;
    for (int i = 0; i < MEMBERS; i++) make_member(i, of);
    world.memory.random = seed;
    for (int step = 0; step < STEPS; step++) {
        world.memory.fail_one_in = 0; /* making emitters is another test's */
        for (int i = 0; i < MEMBERS; i++) act(i, of);
        world.memory.fail_one_in = of->fail_one_in;
        if (step % 100 == 0)
            for (int i = 0; i < MEMBERS; i++)
                if (world_links(&world.members[i]) == 0) world_open(&world.members[i], NULL, NULL);
        world_run(&world, 2);
    }
    for (int i = 0; i < MEMBERS; i++) received += world.members[i].received;
    must_msg(received > 100, "only %u frames came", received);
    fprintf(stderr, "# %u frames, %u links, %u joined, %u left\n", received, lives, world.joined, world.left);
    settle(of->listens);
    world_stop(&world);
}

START_TEST(whatever_happens_links_keep_their_word)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        fprintf(stderr, "# weather %d, seed %d\n", _i, (int)seed);
        play(&weathers[_i], seed);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("relay storms");
    TCase *tcase = tcase_create("storms");
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, whatever_happens_links_keep_their_word, 0, (int)(sizeof weathers / sizeof *weathers));
    return movex_test_main(suite);
}
