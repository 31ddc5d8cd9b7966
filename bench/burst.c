/* What is asked of everybody: that nothing is lost where much comes at once, and that nobody downloads a state again for it. One
   client dispatches 1,000 actions as fast as it may; ten clients write at once. Actions do not commute. Verified: all hold the
   state that the master does, which has as many actions as were dispatched; every dispatch was answered once; nobody has lost sync. */
#include "bench.h"

#include <movex/local.h>
#include <movex/movex.h>

#include <stdio.h>

enum { MOST_CLIENTS = 10, ACTIONS = 1000 };

typedef struct {
    uint64_t digest; /* of all that was written, in order */
    uint32_t count;
} record;

typedef struct {
    uint32_t value;
} entry;

MOVEX_SCHEMA(record_schema, record, MOVEX_FIELD(record, digest), MOVEX_FIELD(record, count));
MOVEX_SCHEMA(entry_schema, entry, MOVEX_FIELD(entry, value));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    record      *r = state;
    const entry *e = action->payload;
    (void)context;
    r->digest = r->digest * 6364136223846793005u + e->value; /* Knuth's, good enough to tell orders apart */
    r->count++;
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {{.name = "write", .payload = &entry_schema}};
static const movex_type        record_type = {
           .name = "record", .state = &record_schema, .actions = actions, .action_count = 1, .reduce = reduce};

typedef struct world {
    movex_master   *master;
    movex_client   *clients[MOST_CLIENTS];
    movex_resource *records[MOST_CLIENTS];
    uint32_t        count;
    uint64_t        now_ms, dispatched, accepted, others; /* other outcomes */
} world;

static void poll_all(world *w)
{
    w->now_ms++;
    for (uint32_t i = 0; i < w->count; i++) movex_client_flush(w->clients[i]);
    movex_master_poll(w->master, w->now_ms);
    for (uint32_t i = 0; i < w->count; i++) {
        movex_client_poll(w->clients[i], w->now_ms);
        for (movex_event event; movex_client_next(w->clients[i], &event);) {
            w->accepted += event.kind == MOVEX_EVENT_ACCEPTED;
            w->others += event.kind == MOVEX_EVENT_REFUSED || event.kind == MOVEX_EVENT_EXPIRED;
        }
    }
}

static void start(world *w, uint32_t clients)
{
    *w = (world){.count = clients,
                 .master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&record_type)})};
    for (uint32_t i = 0; i < clients; i++) {
        char id[] = {'c', (char)('0' + i), 0};
        w->clients[i] = movex_client_new(&(movex_client_config){.id = id, .io = movex_local_connect(w->master)});
        w->records[i] = movex_bind(w->clients[i], &record_type, "main");
        if (!w->records[i]) bench_fail("burst", "out of memory");
    }
    for (uint32_t i = 0; i < clients; i++)
        while (!movex_in_sync(w->records[i])) poll_all(w);
}

/* As many as may be unanswered, then the next when there is room again: movex_dispatch says so. */
static void write_all(world *w, uint32_t each)
{
    uint32_t written[MOST_CLIENTS] = {0};
    for (uint64_t all = (uint64_t)each * w->count; w->dispatched < all; poll_all(w)) {
        for (uint32_t i = 0; i < w->count; i++)
            for (; written[i] < each; written[i]++) {
                entry e = {i * each + written[i]};
                if (!movex_dispatch(w->records[i], 0, &e)) break;
                w->dispatched++;
            }
    }
}

/* Returns how many of the actions are not in the state. */
static uint64_t settle(world *w)
{
    record   held;
    uint64_t checksum;
    for (uint32_t i = 0; i < w->count; i++)
        while (movex_pending(w->records[i])) poll_all(w);
    if (movex_master_view(w->master, &record_type, "main", NULL, &held, &checksum) != MOVEX_OK)
        bench_fail("burst", "the master has no such state");
    for (uint32_t i = 0; i < w->count; i++) {
        const record *seen = movex_state(w->records[i]);
        if (movex_client_stats(w->clients[i]).mismatches) bench_fail("burst", "a client lost sync");
        if (movex_checksum(w->records[i]) != checksum || seen->digest != held.digest || seen->count != held.count)
            bench_fail("burst", "a client does not hold what the master does");
    }
    if (w->accepted != held.count || w->accepted + w->others != w->dispatched)
        bench_fail("burst", "a dispatch has not one outcome");
    return w->dispatched - held.count;
}

/* Besides the one with which each began. */
static uint64_t downloads(const world *w)
{
    uint64_t snapshots = 0;
    for (uint32_t i = 0; i < w->count; i++) snapshots += movex_client_stats(w->clients[i]).snapshots;
    return snapshots - w->count;
}

static void end(world *w)
{
    for (uint32_t i = 0; i < w->count; i++) movex_client_free(w->clients[i]);
    movex_master_free(w->master);
}

static void report(const bench_options *options, const char *what, const char *unit, uint64_t value)
{
    bench_report(options, &(bench_row){"burst", what, unit, (double)value, .at_most = true, .nothing = true});
}

int main(int argc, char **argv)
{
    static world  one, ten;
    bench_options options = bench_parse(argc, argv, "what is lost or downloaded again where much comes at once",
                                        (bench_options){.window = 1, .seconds = 1});
    start(&one, 1);
    write_all(&one, ACTIONS);
    uint64_t lost = settle(&one);
    end(&one);
    start(&ten, MOST_CLIENTS);
    write_all(&ten, ACTIONS / MOST_CLIENTS);
    uint64_t lost_of_ten = settle(&ten), again = downloads(&ten);
    end(&ten);
    bench_begin(&options, "Burst: much at once");
    report(&options, "a burst of 1,000 dispatches by one client: lost", "actions", lost);
    report(&options, "10 writers at once, 1,000 actions: lost", "actions", lost_of_ten);
    report(&options, "10 writers at once, 1,000 actions: downloads of a state", "snapshots", again);
    return 0;
}
