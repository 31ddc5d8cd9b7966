#include "crowd.h"

#include "bench.h"

#include <movex/system.h>
#include <movex/websocket.h>

#include <stdio.h>
#include <stdlib.h>

enum { LONGEST_WAIT_S = 60, TURN_MS = 10, CONNECTING_AT_ONCE = 64 };

typedef struct {
    int64_t count;
} counter;

MOVEX_SCHEMA(counter_schema, counter, MOVEX_FIELD(counter, count));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    (void)action, (void)context;
    ((counter *)state)->count++;
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {{.name = "increment"}};
const movex_type               crowd_counter = {
                  .name = "counter", .state = &counter_schema, .actions = actions, .action_count = 1, .reduce = reduce};

static uint32_t subscribers(const crowd_plan *plan)
{
    return plan->ring ? 2 : plan->clients / plan->resources;
}

static crowd_member *leader_of(const crowd *c, uint32_t resource)
{
    return &c->members[c->plan.ring ? resource : resource * subscribers(&c->plan)];
}

static void bind(crowd *c, crowd_member *member, uint32_t slot, uint32_t resource)
{
    char id[24];
    snprintf(id, sizeof id, "%u", (unsigned)resource);
    member->bound[slot] = movex_bind(member->client, &crowd_counter, id);
    if (!member->bound[slot]) bench_fail(c->benchmark, "out of memory");
}

static void join(crowd *c, uint32_t index)
{
    const crowd_plan *plan = &c->plan;
    crowd_member     *member = &c->members[index];
    char              id[24];
    snprintf(id, sizeof id, "client-%u", (unsigned)index);
    member->client = movex_client_new(&(movex_client_config){.id = id, .io = hub_client(c->hub, index, c->url)});
    if (!member->client) bench_fail(c->benchmark, "out of memory");
    if (index >= plan->clients) return;
    uint32_t first = plan->ring ? index : index / subscribers(plan);
    bind(c, member, 0, first);
    if (plan->ring) bind(c, member, 1, (index + 1) % plan->clients);
    member->leads = leader_of(c, first) == member;
}

static bool is_there(const crowd_member *member)
{
    if (movex_client_connection(member->client) != MOVEX_CONNECTION_OPEN) return false;
    for (int i = 0; i < CROWD_MOST_BOUND; i++)
        if (member->bound[i] && !movex_in_sync(member->bound[i])) return false;
    return true;
}

static void dispatch(crowd *c, crowd_member *member)
{
    if (!movex_dispatch(member->bound[0], 0, NULL)) bench_fail(c->benchmark, "a dispatch was not taken");
    member->dispatched++;
    if (c->latencies) member->sent = bench_now();
}

static void take_outcome(crowd *c, crowd_member *member)
{
    member->answered++;
    if (c->latencies && c->latency_count < c->latency_capacity)
        c->latencies[c->latency_count++] = bench_now() - member->sent;
}

static void attend(crowd *c, crowd_member *member)
{
    uint64_t before = member->dispatched;
    movex_client_poll(member->client, movex_system_now_ms());
    for (movex_event event; movex_client_next(member->client, &event);) {
        if (event.kind == MOVEX_EVENT_CLOSED || event.kind == MOVEX_EVENT_DISCONNECTED ||
            event.kind == MOVEX_EVENT_REFUSED)
            bench_fail(c->benchmark, event.text);
        if (event.kind == MOVEX_EVENT_ACCEPTED) take_outcome(c, member);
    }
    while (c->playing && member->leads && member->dispatched - member->answered < c->plan.window) dispatch(c, member);
    if (member->dispatched != before) movex_client_flush(member->client);
}

/* Attends to those for whom something comes, for a moment at most. */
static void turn(crowd *c)
{
    int32_t next = hub_next(c->hub);
    if (next < 0) hub_wait(c->hub, TURN_MS);
    for (; next >= 0; next = hub_next(c->hub)) attend(c, &c->members[next]);
}

static void wait_for(crowd *c, bool (*done)(const crowd_member *), crowd_member *member)
{
    double until = bench_now() + LONGEST_WAIT_S;
    while (!done(member)) {
        if (bench_now() > until) bench_fail(c->benchmark, "something does not come");
        turn(c);
    }
}

void crowd_start(crowd *c, const char *benchmark, const char *url, crowd_plan plan)
{
    uint32_t all = plan.clients + plan.idle, capacity = all + 1; /* and one who comes late */
    *c = (struct crowd){.benchmark = benchmark, .url = url, .plan = plan};
    c->hub = hub_new(movex_ws_new(&(movex_ws_config){.max_links = capacity}), capacity);
    c->members = calloc(capacity, sizeof *c->members);
    if (!c->hub || !c->members) bench_fail(benchmark, "out of memory");
    for (uint32_t i = 0; i < all; i++) {
        join(c, i);
        attend(c, &c->members[i]); /* dials */
        if (i >= CONNECTING_AT_ONCE) wait_for(c, is_there, &c->members[i - CONNECTING_AT_ONCE]);
    }
    for (uint32_t i = 0; i < all; i++) wait_for(c, is_there, &c->members[i]);
}

/* How much has been dispatched to the resource with that index. */
static uint64_t dispatched_to(const crowd *c, uint32_t resource)
{
    return leader_of(c, resource)->dispatched;
}

static uint64_t dispatched(const crowd *c)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->plan.clients; i++) sum += c->members[i].dispatched;
    return sum;
}

static uint64_t expected_of(const crowd *c, const crowd_member *member, uint32_t slot)
{
    const crowd_plan *plan = &c->plan;
    uint32_t          index = (uint32_t)(member - c->members);
    return dispatched_to(c, plan->ring ? (index + slot) % plan->clients : index / subscribers(plan));
}

static bool all_is_delivered(const crowd *c)
{
    for (uint32_t i = 0; i < c->plan.clients; i++) {
        const crowd_member *member = &c->members[i];
        if (member->answered < member->dispatched) return false;
        for (uint32_t k = 0; k < CROWD_MOST_BOUND; k++)
            if (member->bound[k] && movex_version(member->bound[k]) < expected_of(c, member, k)) return false;
    }
    return true;
}

uint64_t crowd_play(crowd *c, double seconds)
{
    uint64_t before = dispatched(c);
    double   until = bench_now() + seconds;
    c->playing = true;
    for (uint32_t i = 0; i < c->plan.clients; i++) attend(c, &c->members[i]);
    while (bench_now() < until) turn(c);
    c->playing = false;
    for (until = bench_now() + LONGEST_WAIT_S; !all_is_delivered(c);) {
        if (bench_now() > until) bench_fail(c->benchmark, "an action is lost");
        turn(c);
    }
    return dispatched(c) - before;
}

static void verify_bound(const crowd *c, const movex_resource *resource, uint64_t expected)
{
    const counter *seen = movex_state(resource);
    if ((uint64_t)seen->count != expected || movex_version(resource) != expected)
        bench_fail(c->benchmark, "somebody does not hold every action once");
}

static void verify_latecomer(crowd *c)
{
    uint32_t      index = c->plan.clients + c->plan.idle;
    crowd_member *late = &c->members[index];
    join(c, index);
    for (uint32_t i = 0; i < c->plan.resources; i++) {
        bind(c, late, 0, i);
        attend(c, late);
        wait_for(c, is_there, late);
        verify_bound(c, late->bound[0], dispatched_to(c, i));
        if (movex_checksum(late->bound[0]) != movex_checksum(leader_of(c, i)->bound[0]))
            bench_fail(c->benchmark, "checksums differ");
    }
}

void crowd_verify(crowd *c)
{
    uint64_t delivered = 0;
    for (uint32_t i = 0; i < c->plan.clients; i++) {
        const crowd_member *member = &c->members[i];
        movex_stats         stats = movex_client_stats(member->client);
        delivered += stats.accepted + stats.forwards;
        if (member->answered != member->dispatched) bench_fail(c->benchmark, "a dispatch has not one outcome");
        if (stats.mismatches || stats.resyncs) bench_fail(c->benchmark, "a client lost sync");
        for (uint32_t k = 0; k < CROWD_MOST_BOUND; k++)
            if (member->bound[k]) verify_bound(c, member->bound[k], expected_of(c, member, k));
    }
    if (delivered != dispatched(c) * subscribers(&c->plan))
        bench_fail(c->benchmark, "an entry was not delivered to everybody once");
    verify_latecomer(c);
}

void crowd_end(crowd *c)
{
    for (uint32_t i = 0; i <= c->plan.clients + c->plan.idle; i++) movex_client_free(c->members[i].client);
    hub_free(c->hub);
    free(c->members);
    free(c->latencies);
}
