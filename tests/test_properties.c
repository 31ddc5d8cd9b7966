/* Properties over seeded random runs: 2 to 6 clients, 1 to 3 resources, actions that do not commute, refusals that depend on
   the state, wakes, coming and going, over a network that delays, reorders across links, and cuts. At every step:

     I1  whoever holds a version holds the checksum that the master had at that version
     I2  the master's state is the fold of its log, computed again from scratch by movex_apply
     I4  no mismatch, no resync, no protocol error
         what a client shows is what the master has confirmed, with its pending actions on top, in order
     I6  a dispatch is in the log once if it was accepted, never if it was refused, at most once if that is not known; every
         ticket has one outcome

   and at rest all hold the same bytes. In each hundred of runs enough must have happened to prove it. A failure names its
   seed; MOVEX_TEST_SEED runs that one alone. */
#include "client_internal.h"
#include "master_internal.h"
#include "meter.h"
#include "random.h"
#include "support.h"

#include <movex/mock.h>
#include <movex/text.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- the game */

enum { APPEND, SWAP, TAKE, DRAW, STAMP, CLAIM, TICK, ENTER, LEAVE, ACTIONS };
enum { FULL = 1, EMPTY, TAKEN };
enum { ROOM = 8 };

typedef struct {
    uint8_t  count;
    uint32_t items[ROOM];
    uint64_t drawn, stamped_ms, due_ms;
    uint32_t ticks, present;
    char     owner[16];
    uint32_t cells[200]; /* makes it larger than a block of its image, so that changes are found by comparing */
} pile;

typedef struct {
    uint32_t id;
    uint8_t  a, b;
} move;

MOVEX_SCHEMA(pile_schema, pile, MOVEX_LIST(pile, items, count), MOVEX_FIELD(pile, drawn), MOVEX_FIELD(pile, stamped_ms),
             MOVEX_FIELD(pile, due_ms), MOVEX_FIELD(pile, ticks), MOVEX_FIELD(pile, present), MOVEX_TEXT(pile, owner),
             MOVEX_ARRAY(pile, cells));
MOVEX_SCHEMA(move_schema, move, MOVEX_FIELD(move, id), MOVEX_FIELD(move, a), MOVEX_FIELD(move, b));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    pile       *p = state;
    const move *m = action->payload;
    switch (action->type) {
    case APPEND:
        if (p->count == ROOM) return FULL;
        p->items[p->count++] = m->id;
        return MOVEX_ACCEPT;
    case SWAP: {
        if (m->a >= p->count || m->b >= p->count) return EMPTY;
        uint32_t kept = p->items[m->a];
        p->items[m->a] = p->items[m->b];
        p->items[m->b] = kept;
        return MOVEX_ACCEPT;
    }
    case TAKE:
        if (p->count == 0) return EMPTY;
        memmove(p->items, p->items + 1, --p->count * sizeof *p->items);
        return MOVEX_ACCEPT;
    case DRAW:
        p->drawn = p->drawn * 31 + movex_random(context);
        p->cells[m->id * 31 % 200] += m->id;
        if (m->a & 1) p->drawn ^= movex_random_below(context, 1000);
        return MOVEX_ACCEPT;
    case STAMP:
        p->stamped_ms = context->now_ms ^ context->version << 32;
        p->due_ms = context->now_ms + 10 + m->a; /* asks to be woken */
        return MOVEX_ACCEPT;
    case CLAIM:
        if (p->owner[0] && !movex_text_equals(p->owner, context->author)) return TAKEN;
        if (p->owner[0])
            movex_text_set(p->owner, "");
        else
            movex_text_set(p->owner, context->author);
        return MOVEX_ACCEPT;
    case TICK:
        p->ticks++;
        p->due_ms = p->ticks % 3 ? p->due_ms + 7 : 0;
        if (p->count) p->items[0] ^= p->ticks;
        return MOVEX_ACCEPT;
    case ENTER: p->present++; return MOVEX_ACCEPT;
    case LEAVE: p->present--; return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static uint64_t wakes_at(const void *state)
{
    return ((const pile *)state)->due_ms;
}

static const movex_action_type actions[ACTIONS] = {
    [APPEND] = {.name = "append", .payload = &move_schema},
    [SWAP] = {.name = "swap", .payload = &move_schema},
    [TAKE] = {.name = "take", .payload = &move_schema},
    [DRAW] = {.name = "draw", .payload = &move_schema},
    [STAMP] = {.name = "stamp", .payload = &move_schema},
    [CLAIM] = {.name = "claim", .payload = &move_schema, .flags = MOVEX_CONFIRM},
    [TICK] = {.name = "tick"},
    [ENTER] = {.name = "enter"},
    [LEAVE] = {.name = "leave"},
};
static const movex_type pile_type = {
    .name = "pile",
    .state = &pile_schema,
    .actions = actions,
    .action_count = ACTIONS,
    .reduce = reduce,
    .wakes_at = wakes_at,
    .wake = "tick",
    .joined = "enter",
    .left = "leave",
};
static const movex_type *const types[] = {&pile_type, NULL};

/* ---- the run */

enum { MOST_CLIENTS = 6, MOST_RESOURCES = 3, MOST_MOVES = 4096, MOST_VERSIONS = 8192, STEPS = 120 };

typedef enum fate { UNDISPATCHED, OPEN, ACCEPTED, REFUSED, UNKNOWN } fate;

typedef struct dispatched { /* by the id in its payload */
    movex_ticket ticket;
    int          client;
    fate         fate;
    uint32_t     in_log;
} dispatched;

typedef struct mirror { /* a resource, folded from its log */
    char     id[16];
    pile     state;
    uint64_t version;
    uint64_t put_version; /* the last that was made without an entry */
    uint64_t checksums[MOST_VERSIONS];
} mirror;

/* What has happened to the clients: runs in which it does not happen prove nothing about it. */
typedef struct events {
    uint64_t reconnects, resumes, snapshots, refusals, expiries;
} events;

typedef struct run {
    uint64_t        seed, random, now_ms;
    events         *events; /* of all runs so far */
    movex_mock     *net;
    movex_master   *master;
    movex_rules    *rules;
    int             client_count, resource_count;
    movex_client   *clients[MOST_CLIENTS];
    movex_resource *bound[MOST_CLIENTS][MOST_RESOURCES];
    mirror          mirrors[MOST_RESOURCES];
    dispatched      moves[MOST_MOVES];
    uint32_t        move_count;
    bool            held;
} run;

static run *world; /* of the run that is going on: a test is a process of its own */

#define require(condition)                                                                                             \
    must_msg(condition, "seed %llu, at %llu ms: %s", (unsigned long long)world->seed,                                  \
             (unsigned long long)world->now_ms, #condition)

static uint32_t below(run *r, uint32_t bound)
{
    return meter_below(&r->random, bound);
}

static void start_client(run *r, int i)
{
    char id[16];
    snprintf(id, sizeof id, "c%d", i);
    r->clients[i] = movex_client_new(&(movex_client_config){.id = id,
                                                            .io = movex_mock_connect_as(r->net, id),
                                                            .reconnect_min_ms = 5,
                                                            .reconnect_max_ms = 60,
                                                            .handshake_ms = 600});
    require(r->clients[i]);
    memset(r->bound[i], 0, sizeof r->bound[i]);
}

/* Of a client that is about to be freed. */
static void count_events(const run *r, const movex_client *client)
{
    movex_stats stats = movex_client_stats(client);
    r->events->reconnects += stats.connects ? stats.connects - 1 : 0;
    r->events->resumes += stats.resumes;
    r->events->snapshots += stats.snapshots;
    r->events->refusals += stats.refused;
    r->events->expiries += stats.expired;
}

static void start(run *r, uint64_t seed, events *counted)
{
    *r = (run){.seed = seed, .random = seed * 2654435761u + 1, .events = counted};
    world = r;
    r->client_count = 2 + (int)below(r, MOST_CLIENTS - 1);
    r->resource_count = 1 + (int)below(r, MOST_RESOURCES);
    uint32_t slowest = below(r, 4) ? 1 + below(r, 120) : 0;
    r->net = movex_mock_new(&(movex_mock_config){.seed = seed,
                                                 .latency_ms = {below(r, 10), slowest},
                                                 .cut_per_mille = below(r, 3) ? below(r, 60) : 0,
                                                 .max_frame = below(r, 2) ? MOVEX_IO_MIN_FRAME : 0});
    r->master = movex_master_new(
        &(movex_master_config){.types = types,
                               .seed = seed,
                               .start_time_ms = below(r, 2) ? 1000000 : 0,
                               .grace_ms = below(r, 4) ? 3000 : 100,
                               .limits = {.history = below(r, 2) ? 128 : 4096, .history_bytes = 1 << 20}});
    require(movex_master_attach(r->master, movex_mock_listen(r->net)) == MOVEX_OK);
    r->rules = movex_rules_new(&pile_type, NULL, NULL);
    for (int i = 0; i < r->resource_count; i++) {
        snprintf(r->mirrors[i].id, sizeof r->mirrors[i].id, "r%d", i);
        movex_rules_init(r->rules, &r->mirrors[i].state);
        r->mirrors[i].checksums[0] = movex_codec_checksum(movex_rules_state(r->rules), &r->mirrors[i].state);
    }
    for (int i = 0; i < r->client_count; i++) start_client(r, i);
}

static void end(run *r)
{
    for (int i = 0; i < r->client_count; i++) {
        count_events(r, r->clients[i]);
        movex_client_free(r->clients[i]);
    }
    movex_master_free(r->master);
    movex_mock_free(r->net);
    movex_rules_free(r->rules);
}

/* ---- what must hold */

/* Folds what is new in the log, and counts which dispatches are in it. */
static void follow(run *r, mirror *m)
{
    movex_master_resource *resource = movex_master_resource_named(r->master, &pile_type, m->id);
    const movex_codec     *state = movex_rules_state(r->rules);
    if (!resource) return;
    movex_master_resource_check(resource);
    while (m->version < resource->log.version) {
        const movex_entry *entry = movex_log_find(&resource->log, ++m->version);
        require(m->version < MOST_VERSIONS);
        if (m->version == m->put_version) {
            m->checksums[m->version] = m->checksums[m->version - 1];
            continue;
        }
        require(entry);
        char author[MOVEX_NAME_SIZE] = {0};
        move payload;
        memcpy(author, movex_log_author(&resource->log, entry), entry->author_length);
        movex_random_source random = {.seed = entry->seed};
        movex_context       context = {author, m->version, entry->now_ms, &random};
        const movex_codec  *codec = movex_rules_payload(r->rules, entry->action);
        if (codec) {
            require(movex_codec_decode(codec, &payload, movex_log_payload(&resource->log, entry), entry->payload_length,
                                       NULL) == MOVEX_OK);
            require(payload.id < r->move_count);
            r->moves[payload.id].in_log++;
        }
        require(movex_apply(r->rules, &m->state, entry->action, codec ? &payload : NULL, &context, NULL) ==
                MOVEX_ACCEPT);
        require(entry->drew == (random.draws > 0));
        m->checksums[m->version] = movex_codec_checksum(state, &m->state);
        require(m->checksums[m->version] == entry->checksum);
    }
    require(movex_codec_equal(state, &m->state, resource->view.state));
}

/* What a client shows, computed again: but for the time, which has gone on since some of it was predicted. */
static void check_local(const run *r, const movex_resource *resource)
{
    pile        expected;
    const pile *shown = movex_state(resource);
    uint64_t    version = movex_version(resource);
    memcpy(&expected, movex_confirmed_state(resource), sizeof expected);
    for (movex_node *node = resource->pending.first; node; node = node->next) {
        const movex_pending_dispatch *dispatch = movex_pending_of(node);
        uint64_t                      seed = dispatch->ticket;
        movex_random_source           random = {.seed = movex_splitmix64(&seed)};
        movex_context                 context = movex_replica_context(resource, ++version, &random);
        pile                          scratch;
        if (dispatch->action != CLAIM) /* CLAIM waits for the master */
            movex_apply(r->rules, &expected, dispatch->action, dispatch->payload, &context, &scratch);
    }
    require(shown->count == expected.count && memcmp(shown->items, expected.items, sizeof expected.items) == 0);
    require(shown->drawn == expected.drawn && strcmp(shown->owner, expected.owner) == 0);
}

static void drain(run *r, int i)
{
    for (movex_event event; movex_client_next(r->clients[i], &event);) {
        bool outcome = event.kind == MOVEX_EVENT_ACCEPTED || event.kind == MOVEX_EVENT_REFUSED ||
                       event.kind == MOVEX_EVENT_EXPIRED;
        require(event.kind != MOVEX_EVENT_MISMATCH && event.kind != MOVEX_EVENT_CLOSED);
        if (!outcome) continue;
        uint32_t id = 0;
        while (id < r->move_count && (r->moves[id].client != i || r->moves[id].ticket != event.ticket)) id++;
        require(id < r->move_count);
        require(r->moves[id].fate == OPEN);
        r->moves[id].fate = event.kind == MOVEX_EVENT_ACCEPTED  ? ACCEPTED
                            : event.kind == MOVEX_EVENT_REFUSED ? REFUSED
                                                                : UNKNOWN;
    }
}

static void check(run *r)
{
    for (int i = 0; i < r->resource_count; i++) follow(r, &r->mirrors[i]);
    for (int i = 0; i < r->client_count; i++) {
        drain(r, i);
        movex_stats stats = movex_client_stats(r->clients[i]);
        require(stats.mismatches == 0 && stats.resyncs == 0 && stats.protocol_errors == 0);
        for (int k = 0; k < r->resource_count; k++) {
            const movex_resource *resource = r->bound[i][k];
            if (!resource) continue;
            movex_replica_check(resource);
            if (!resource->has_state) continue;
            require(movex_version(resource) <= r->mirrors[k].version);
            require(movex_checksum(resource) == r->mirrors[k].checksums[movex_version(resource)]);
            check_local(r, resource);
        }
    }
    for (uint32_t id = 0; id < r->move_count; id++) {
        const dispatched *d = &r->moves[id];
        require(d->in_log <= 1);
        if (d->fate == ACCEPTED) require(d->in_log == 1);
        if (d->fate == REFUSED) require(d->in_log == 0);
    }
}

static void poll_all(run *r, uint32_t ms)
{
    r->now_ms += ms;
    movex_mock_poll(r->net, r->now_ms);
    if (below(r, 8)) movex_master_poll(r->master, r->now_ms);
    for (int i = 0; i < r->client_count; i++)
        if (below(r, 6)) movex_client_poll(r->clients[i], r->now_ms);
    check(r);
}

/* ---- what happens */

static void dispatch(run *r, int i, int k)
{
    if (!r->bound[i][k] || r->move_count == MOST_MOVES) return;
    uint32_t     id = r->move_count;
    move         m = {.id = id, .a = (uint8_t)below(r, 6), .b = (uint8_t)below(r, 6)};
    movex_ticket ticket = movex_dispatch(r->bound[i][k], below(r, TICK), &m);
    if (ticket) r->moves[r->move_count++] = (dispatched){.ticket = ticket, .client = i, .fate = OPEN};
}

static void toggle(run *r, int i, int k)
{
    char id[16];
    snprintf(id, sizeof id, "r%d", k);
    if (r->bound[i][k]) {
        movex_unbind(r->bound[i][k]);
        r->bound[i][k] = NULL;
    } else {
        r->bound[i][k] = movex_bind(r->clients[i], &pile_type, id);
        require(r->bound[i][k]);
    }
}

/* Leaves for good, as somebody who closes the game, and somebody else comes. */
static void replace(run *r, int i)
{
    drain(r, i);
    for (uint32_t id = 0; id < r->move_count; id++)
        if (r->moves[id].client == i && r->moves[id].fate == OPEN) r->moves[id].fate = UNKNOWN;
    count_events(r, r->clients[i]);
    movex_client_free(r->clients[i]);
    start_client(r, i);
    for (uint32_t id = 0; id < r->move_count; id++)
        if (r->moves[id].client == i) r->moves[id].client = -1; /* its tickets are counted anew */
}

/* The program replaces a state by the same: a version without an entry, of which all get a snapshot, and before which nobody
   can catch up. */
static void put(run *r, int k)
{
    mirror *m = &r->mirrors[k];
    pile    state = m->state;
    if (!movex_master_resource_named(r->master, &pile_type, m->id)) return;
    m->put_version = m->version + 1; /* all before has been followed */
    require(movex_master_put(r->master, &pile_type, m->id, &state) == MOVEX_OK);
}

static void release_some(run *r)
{
    for (uint32_t n = below(r, 12); n > 0 && movex_mock_held_count(r->net); n--)
        movex_mock_release(r->net, below(r, movex_mock_held_count(r->net)));
}

static void step(run *r)
{
    int      i = (int)below(r, (uint32_t)r->client_count), k = (int)below(r, (uint32_t)r->resource_count);
    uint32_t what = below(r, 100);
    if (what < 60) {
        for (uint32_t n = 1 + below(r, 4); n > 0; n--) dispatch(r, i, k);
    } else if (what < 70) {
        toggle(r, i, k);
    } else if (what < 72) {
        replace(r, i);
    } else if (what < 75) {
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        movex_mock_cut(r->net, id);
    } else if (what < 77) {
        put(r, k);
    } else if (what < 80) {
        r->held = !r->held;
        movex_mock_hold(r->net, r->held);
    }
    if (r->held) release_some(r);
    poll_all(r, below(r, 3) ? below(r, 20) : 0);
}

static bool is_at_rest(const run *r)
{
    for (int i = 0; i < r->client_count; i++)
        for (int k = 0; k < r->resource_count; k++) {
            const movex_resource *resource = r->bound[i][k];
            const mirror         *m = &r->mirrors[k];
            if (!resource) continue;
            if (!movex_in_sync(resource) || movex_pending(resource) || movex_version(resource) != m->version)
                return false;
        }
    return true;
}

static void come_to_rest(run *r)
{
    const movex_codec *state = movex_rules_state(r->rules);
    movex_mock_set_faults(r->net, NULL);
    movex_mock_hold(r->net, false);
    for (int i = 0; i < r->client_count; i++)
        for (int k = 0; k < r->resource_count; k++)
            if (!r->bound[i][k]) toggle(r, i, k);
    for (int i = 0; i < 3000 && !is_at_rest(r); i++) poll_all(r, 10);
    require(is_at_rest(r));
    for (int i = 0; i < 100; i++) poll_all(r, 10); /* what nobody is bound to any more ends as well */
    require(is_at_rest(r));
    for (int i = 0; i < r->client_count; i++)
        for (int k = 0; k < r->resource_count; k++) {
            require(movex_codec_equal(state, movex_state(r->bound[i][k]), &r->mirrors[k].state));
            require(movex_codec_equal(state, movex_confirmed_state(r->bound[i][k]), &r->mirrors[k].state));
        }
    for (int k = 0; k < r->resource_count; k++) /* nobody was left asleep */
        require(r->mirrors[k].state.due_ms == 0 || r->mirrors[k].state.due_ms > movex_master_time(r->master));
    for (uint32_t id = 0; id < r->move_count; id++) require(r->moves[id].fate != OPEN || r->moves[id].client < 0);
}

static void run_seed(uint64_t seed, events *counted)
{
    static run r;
    start(&r, seed, counted);
    for (int i = 0; i < r.client_count; i++) toggle(&r, i, 0);
    for (int i = 0; i < STEPS; i++) step(&r);
    come_to_rest(&r);
    end(&r);
}

enum { SEEDS_AT_ONCE = 100 };

START_TEST(optimism_never_desyncs)
{
    const char *one = getenv("MOVEX_TEST_SEED");
    events      counted = {0};
    if (one) {
        if (_i == 0) run_seed(strtoull(one, NULL, 10), &counted);
        return;
    }
    for (uint64_t k = 1; k <= SEEDS_AT_ONCE; k++) run_seed((uint64_t)_i * SEEDS_AT_ONCE + k, &counted);
    ck_assert_uint_gt(counted.reconnects, 200); /* what is usual is twice that and more */
    ck_assert_uint_gt(counted.resumes, 80);
    ck_assert_uint_gt(counted.snapshots, 800);
    ck_assert_uint_gt(counted.refusals, 900);
    ck_assert_uint_gt(counted.expiries, 300);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("properties");
    TCase *tcase = tcase_create("seeds");
    tcase_set_timeout(tcase, 600);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, optimism_never_desyncs, 0, movex_test_is_long() ? 200 : 20); /* hundreds */
    return movex_test_main(suite);
}
