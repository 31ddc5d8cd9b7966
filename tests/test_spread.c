/* One server of several masters and services (movex/spread.h), driven by one thread over local emitters; at the end by threads. */
#include "cuttable.h"
#include "meter.h"
#include "support.h"

#include <movex/local.h>
#include <movex/movex.h>
#include <movex/spread.h>
#include <movex/system.h>

#include <stdio.h>
#include <string.h>

enum { MASTERS = 3, SERVICES = 2, MOST_CLIENTS = 6, PAGES = 12, FRAME = 256, PATIENCE = 20000 };

typedef struct {
    uint32_t writes;
    uint8_t  bytes[2000];
} page;
typedef struct {
    uint8_t bytes[1000]; /* longer than a frame */
} write_long;
typedef struct {
    uint8_t value;
} write_short;

enum { WRITE_LONG, WRITE_SHORT };

MOVEX_SCHEMA(page_schema, page, MOVEX_FIELD(page, writes), MOVEX_ARRAY(page, bytes));
MOVEX_SCHEMA(write_long_schema, write_long, MOVEX_ARRAY(write_long, bytes));
MOVEX_SCHEMA(write_short_schema, write_short, MOVEX_FIELD(write_short, value));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    page *p = state;
    (void)context;
    p->writes++;
    if (action->type == WRITE_LONG)
        memcpy(p->bytes, action->payload, sizeof(write_long));
    else
        p->bytes[p->writes % sizeof p->bytes] ^= ((const write_short *)action->payload)->value;
    return MOVEX_ACCEPT;
}

static const movex_action_type actions[] = {
    [WRITE_LONG] = {.name = "write long", .payload = &write_long_schema},
    [WRITE_SHORT] = {.name = "write short", .payload = &write_short_schema},
};
static const movex_type page_type = {
    .name = "page", .state = &page_schema, .actions = actions, .action_count = 2, .reduce = reduce};

/* Two put something in, and nobody sees what before both have. */
typedef struct {
    uint32_t puts, sum;
} vault;

enum { PUT, NOD };

MOVEX_SCHEMA(vault_schema, vault, MOVEX_FIELD(vault, puts), MOVEX_FIELD(vault, sum));

static int reduce_vault(void *state, const movex_action *action, const movex_context *context)
{
    vault *v = state;
    (void)context;
    v->puts++;
    if (action->type == PUT) v->sum += ((const write_short *)action->payload)->value;
    return MOVEX_ACCEPT;
}

static bool is_full(const void *state)
{
    return ((const vault *)state)->puts == 2;
}

static const movex_action_type vault_actions[] = {
    [PUT] = {.name = "put", .payload = &write_short_schema, .hidden_as = "nod"},
    [NOD] = {.name = "nod"},
};
static const movex_type vault_type = {.name = "vault",
                                      .state = &vault_schema,
                                      .actions = vault_actions,
                                      .action_count = 2,
                                      .reduce = reduce_vault,
                                      .can_reconcile = is_full,
                                      .sealed = true};

typedef struct world {
    meter           memory; /* of spread and masters */
    movex_spread   *spread;
    movex_master   *masters[MASTERS];
    movex_local    *locals[SERVICES];
    movex_client   *clients[MOST_CLIENTS];
    movex_io        ios[MOST_CLIENTS];
    movex_resource *pages[MOST_CLIENTS][PAGES];
    uint64_t        now_ms;
} world;

static const char *page_id(int i)
{
    static char ids[PAGES][24];
    snprintf(ids[i], sizeof ids[i], "page-%d", i);
    return ids[i];
}

static void start(world *w, movex_limits limits)
{
    *w = (world){.now_ms = 1};
    movex_allocator allocator = meter_allocator(&w->memory);
    w->spread = movex_spread_new(&(movex_spread_config){.masters = MASTERS,
                                                        .services = SERVICES,
                                                        .max_frame = FRAME,
                                                        .queue_bytes = 8 * FRAME,
                                                        .allocator = allocator});
    ck_assert_ptr_nonnull(w->spread);
    for (uint32_t i = 0; i < MASTERS; i++) {
        w->masters[i] = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&page_type, &vault_type),
                                                                .shards = MASTERS,
                                                                .shard = i,
                                                                .grace_ms = 500,
                                                                .handshake_ms = 300,
                                                                .limits = limits,
                                                                .entropy = movex_system_entropy,
                                                                .allocator = allocator});
        ck_assert_ptr_nonnull(w->masters[i]);
        ck_assert_int_eq(movex_master_attach(w->masters[i], movex_spread_master(w->spread, i)), MOVEX_OK);
    }
    for (uint32_t i = 0; i < SERVICES; i++) {
        w->locals[i] = movex_local_new(NULL);
        ck_assert_int_eq(movex_spread_attach(w->spread, i, movex_local_listen(w->locals[i])), MOVEX_OK);
    }
}

static void end(world *w)
{
    for (int i = 0; i < MOST_CLIENTS; i++) movex_client_free(w->clients[i]);
    for (uint32_t i = 0; i < MASTERS; i++) movex_master_free(w->masters[i]);
    movex_spread_free(w->spread);
    for (uint32_t i = 0; i < SERVICES; i++) movex_local_free(w->locals[i]);
    ck_assert_uint_eq(w->memory.blocks, 0);
    ck_assert_uint_eq(w->memory.wrong, 0);
}

static void poll_servers(world *w)
{
    for (uint32_t i = 0; i < SERVICES; i++) movex_spread_serve(w->spread, i, 0);
    for (uint32_t i = 0; i < MASTERS; i++) movex_master_poll(w->masters[i], w->now_ms);
}

static void poll_all(world *w)
{
    w->now_ms++;
    for (int i = 0; i < MOST_CLIENTS; i++)
        if (w->clients[i]) movex_client_poll(w->clients[i], w->now_ms);
    poll_servers(w);
}

static void poll_for(world *w, uint64_t ms)
{
    for (uint64_t until = w->now_ms + ms; w->now_ms < until;) poll_all(w);
}

static movex_client *join_as(world *w, int i, const char *id)
{
    w->ios[i] = cuttable(movex_local_dial(w->locals[i % SERVICES]));
    w->clients[i] = movex_client_new(
        &(movex_client_config){.id = id, .io = w->ios[i], .reconnect_min_ms = 5, .entropy = movex_system_entropy});
    ck_assert_ptr_nonnull(w->clients[i]);
    return w->clients[i];
}

static void join(world *w, int i)
{
    char id[24];
    snprintf(id, sizeof id, "client-%d", i);
    join_as(w, i, id);
    for (int k = 0; k < PAGES; k++) {
        w->pages[i][k] = movex_bind(w->clients[i], &page_type, page_id(k));
        ck_assert_ptr_nonnull(w->pages[i][k]);
    }
}

static bool at_rest(const world *w)
{
    for (int i = 0; i < MOST_CLIENTS; i++)
        for (int k = 0; w->clients[i] && k < PAGES; k++) {
            movex_hosted    hosted;
            movex_resource *resource = w->pages[i][k];
            uint32_t        shard = movex_spread_of(w->spread, "page", page_id(k));
            if (!resource) continue;
            if (!movex_master_find(w->masters[shard], &page_type, page_id(k), &hosted)) return false;
            if (!movex_in_sync(resource) || movex_pending(resource) || movex_version(resource) != hosted.version ||
                movex_checksum(resource) != hosted.checksum)
                return false;
        }
    return true;
}

static void settle(world *w)
{
    for (uint64_t until = w->now_ms + PATIENCE; !at_rest(w); poll_all(w))
        ck_assert_msg(w->now_ms < until, "it does not come to rest");
}

static uint64_t count(movex_client *client, movex_event_kind kind)
{
    uint64_t n = 0;
    for (movex_event event; movex_client_next(client, &event);) n += event.kind == kind;
    return n;
}

static void dispatch(world *w, int i, int k, bool is_long, uint8_t value)
{
    write_long  long_one;
    write_short short_one = {value};
    memset(long_one.bytes, value, sizeof long_one.bytes);
    ck_assert_uint_ne(movex_dispatch(w->pages[i][k], is_long ? WRITE_LONG : WRITE_SHORT,
                                     is_long ? (const void *)&long_one : &short_one),
                      0);
}

static uint64_t sum(const world *w, size_t offset)
{
    uint64_t n = 0;
    for (int i = 0; i < MASTERS; i++) {
        movex_stats stats = movex_master_stats(w->masters[i]);
        uint64_t    value;
        memcpy(&value, (const char *)&stats + offset, sizeof value);
        n += value;
    }
    return n;
}
#define SUM(w, member) sum((w), offsetof(movex_stats, member))

static void must_be_in_sync(const world *w)
{
    for (int i = 0; i < MOST_CLIENTS; i++) {
        if (!w->clients[i]) continue;
        movex_stats stats = movex_client_stats(w->clients[i]);
        ck_assert_uint_eq(stats.mismatches, 0);
        ck_assert_uint_eq(stats.resyncs, 0);
    }
    ck_assert_uint_eq(SUM(w, protocol_errors), 0);
}

START_TEST(settings_out_of_range)
{
    movex_error         error = {.status = MOVEX_OK};
    movex_master_config master = {.types = MOVEX_TYPES(&page_type), .shards = 2, .shard = 2, .error = &error};
    ck_assert_ptr_null(movex_master_new(&master));
    ck_assert_int_eq(error.status, MOVEX_ERR_ARGUMENT);
    ck_assert_str_eq(error.text, "shard: it must be less than shards");
    const movex_spread_config wrong[] = {
        {.masters = 0, .services = 1},
        {.masters = 1, .services = MOVEX_SPREAD_MAX + 1},
        {.masters = 1, .services = 1, .max_frame = MOVEX_IO_MIN_FRAME - 1},
        {.masters = 1, .services = 1, .max_frame = 1000, .queue_bytes = 3999},
    };
    for (size_t i = 0; i < MOVEX_COUNT_OF(wrong); i++) ck_assert_ptr_null(movex_spread_new(&wrong[i]));
    movex_spread *spread = movex_spread_new(&(movex_spread_config){.masters = MOVEX_SPREAD_MAX, .services = 1});
    ck_assert_ptr_nonnull(spread);
    ck_assert_ptr_null(movex_spread_master(spread, MOVEX_SPREAD_MAX).self);
    movex_local *local = movex_local_new(NULL);
    ck_assert_int_eq(movex_spread_attach(spread, 0, (movex_io){0}), MOVEX_ERR_ARGUMENT);
    ck_assert_int_eq(movex_spread_attach(spread, 0, movex_local_listen(local)), MOVEX_OK);
    ck_assert_int_eq(movex_spread_attach(spread, 0, movex_local_dial(local)), MOVEX_ERR_EXISTS);
    movex_spread_free(spread);
    movex_spread_free(NULL);
    movex_local_free(local);
}
END_TEST

/* Long actions and snapshots in chunks, from several masters at once over one connection. */
START_TEST(all_masters_have_a_part)
{
    world w;
    start(&w, (movex_limits){0});
    for (int i = 0; i < MOST_CLIENTS; i++) join(&w, i);
    settle(&w);
    uint64_t accepted[MOST_CLIENTS] = {0}, random = 1;
    for (int n = 0; n < 2000; n++) {
        int i = (int)meter_below(&random, MOST_CLIENTS), k = (int)meter_below(&random, PAGES);
        dispatch(&w, i, k, meter_below(&random, 4) == 0, (uint8_t)n);
        if (n % 8 == 0) poll_all(&w);
        accepted[i] += count(w.clients[i], MOVEX_EVENT_ACCEPTED);
    }
    settle(&w);
    uint64_t all = 0;
    for (int i = 0; i < MOST_CLIENTS; i++) all += accepted[i] + count(w.clients[i], MOVEX_EVENT_ACCEPTED);
    ck_assert_uint_eq(all, 2000);
    ck_assert_uint_eq(SUM(&w, accepted), 2000);
    for (int i = 0; i < MASTERS; i++) {
        movex_stats stats = movex_master_stats(w.masters[i]);
        ck_assert_uint_gt(stats.resources, 0);
        ck_assert_uint_gt(stats.accepted, 0);
        ck_assert_uint_eq(stats.sessions, MOST_CLIENTS);
    }
    ck_assert_uint_eq(SUM(&w, resources), PAGES);
    must_be_in_sync(&w);
    end(&w);
}
END_TEST

/* What is sealed, opened and revealed goes to the master of its resource and back, while BINDs of others wait as well. */
START_TEST(sealed_pairs_are_opened)
{
    enum { VAULTS = 8 };
    world           w;
    movex_resource *vaults[2][VAULTS];
    write_short     value = {21};
    start(&w, (movex_limits){0});
    for (int i = 0; i < 2; i++) {
        join(&w, i);
        for (int k = 0; k < VAULTS; k++) vaults[i][k] = movex_bind(w.clients[i], &vault_type, page_id(k));
    }
    settle(&w);
    for (int k = 0; k < VAULTS; k++)
        for (int i = 0; i < 2; i++) {
            ck_assert_uint_ne(movex_dispatch_private(vaults[i][k], PUT, &value, NOD, NULL), 0);
            join_as(&w, 2, k % 2 ? "later" : "late"); /* somebody binds what is sealed by one */
            movex_resource *seen = movex_bind(w.clients[2], &vault_type, page_id(k));
            w.pages[2][0] = movex_bind(w.clients[2], &page_type, page_id(0));
            for (uint64_t until = w.now_ms + PATIENCE; !movex_in_sync(seen) || !movex_in_sync(w.pages[2][0]);
                 poll_all(&w))
                ck_assert_uint_lt(w.now_ms, until);
            movex_client_free(w.clients[2]);
            w.clients[2] = NULL;
        }
    for (int k = 0; k < VAULTS; k++)
        for (int i = 0; i < 2; i++)
            for (uint64_t until = w.now_ms + PATIENCE; ((const vault *)movex_state(vaults[i][k]))->sum != 42;
                 poll_all(&w))
                ck_assert_uint_lt(w.now_ms, until);
    ck_assert_uint_eq(SUM(&w, reveals), VAULTS);
    must_be_in_sync(&w);
    end(&w);
}
END_TEST

START_TEST(a_lost_connection_goes_on)
{
    world    w;
    uint64_t random = 7, accepted = 0;
    start(&w, (movex_limits){0});
    for (int i = 0; i < 3; i++) join(&w, i);
    settle(&w);
    for (int k = 0; k < PAGES; k++) dispatch(&w, 0, k, false, 1); /* from version 0 on nobody can go on */
    settle(&w);
    accepted -= PAGES;
    uint64_t snapshots = SUM(&w, snapshots);
    for (int n = 0; n < 300; n++) {
        int i = (int)meter_below(&random, 3);
        dispatch(&w, i, (int)meter_below(&random, PAGES), false, (uint8_t)n);
        if (n % 10 == 5) cuttable_cut(w.ios[i]);
        poll_for(&w, meter_below(&random, 30));
        for (int c = 0; c < 3; c++) accepted += count(w.clients[c], MOVEX_EVENT_ACCEPTED);
    }
    settle(&w);
    for (int c = 0; c < 3; c++) accepted += count(w.clients[c], MOVEX_EVENT_ACCEPTED);
    ck_assert_uint_eq(accepted, 300);
    ck_assert_uint_eq(SUM(&w, accepted), 300 + PAGES);
    ck_assert_uint_eq(SUM(&w, snapshots), snapshots); /* all went on where they were */
    ck_assert_uint_gt(SUM(&w, resumes), 100);
    ck_assert_uint_eq(SUM(&w, sessions), 3 * MASTERS);
    must_be_in_sync(&w);
    end(&w);
}
END_TEST

START_TEST(sessions_end_everywhere)
{
    world w;
    start(&w, (movex_limits){0});
    for (int i = 0; i < 3; i++) join(&w, i);
    settle(&w);
    movex_client_free(w.clients[0]); /* says goodbye */
    w.clients[0] = NULL;
    poll_for(&w, 5);
    ck_assert_uint_eq(SUM(&w, sessions), 2 * MASTERS);
    ck_assert_uint_eq(SUM(&w, links), 2 * MASTERS);
    ck_assert_uint_eq(SUM(&w, subscriptions), 2 * PAGES);

    cuttable_refuse(w.ios[1], true); /* the other one is lost, and its grace period ends */
    cuttable_cut(w.ios[1]);
    poll_for(&w, 50);
    ck_assert_uint_eq(SUM(&w, sessions), 2 * MASTERS);
    ck_assert_uint_eq(SUM(&w, links), MASTERS);
    poll_for(&w, 600);
    ck_assert_uint_eq(SUM(&w, sessions), MASTERS);
    cuttable_refuse(w.ios[1], false); /* and comes anew */
    settle(&w);
    ck_assert_uint_eq(SUM(&w, sessions), 2 * MASTERS);
    must_be_in_sync(&w);

    for (uint32_t i = 0; i < MASTERS; i++) movex_master_expel(w.masters[i], "client-2", "go"); /* crossing ends */
    poll_for(&w, 20);
    ck_assert_uint_eq(SUM(&w, links), MASTERS);
    end(&w);
}
END_TEST

START_TEST(what_is_not_wanted_ends_everywhere)
{
    world w;
    start(&w, (movex_limits){0});
    join(&w, 0);
    settle(&w);
    cuttable_refuse(w.ios[0], true);
    cuttable_cut(w.ios[0]);
    poll_for(&w, 20);
    for (int k = 1; k < PAGES; k++) {
        movex_unbind(w.pages[0][k]);
        w.pages[0][k] = NULL;
    }
    ck_assert_uint_eq(SUM(&w, subscriptions), PAGES);
    cuttable_refuse(w.ios[0], false);
    settle(&w);
    poll_for(&w, 20);
    ck_assert_uint_eq(SUM(&w, subscriptions), 1);
    must_be_in_sync(&w);
    end(&w);
}
END_TEST

START_TEST(an_id_belongs_to_one)
{
    world       w;
    movex_event event = {0};
    start(&w, (movex_limits){0});
    join(&w, 0);
    settle(&w);
    join_as(&w, 1, "client-0");
    poll_for(&w, 50);
    while (event.kind != MOVEX_EVENT_DISCONNECTED) ck_assert(movex_client_next(w.clients[1], &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_ID_IN_USE);
    settle(&w);
    ck_assert_uint_eq(SUM(&w, links), MASTERS);
    dispatch(&w, 0, 0, false, 1);
    settle(&w);
    end(&w);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
    world          w;
    movex_link     link = 0;
    movex_io_event event;
    start(&w, (movex_limits){0});
    movex_io io = movex_local_dial(w.locals[0]);
    ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_OK);
    poll_for(&w, 10);
    ck_assert_uint_eq(SUM(&w, links), MASTERS);
    poll_for(&w, 400);
    ck_assert_uint_eq(SUM(&w, links), 0);
    bool closed = false;
    while (io.ops->recv(io.self, &event) == MOVEX_OK) closed |= event.kind == MOVEX_IO_CLOSED;
    ck_assert(closed);
    io.ops->destroy(io.self);
    end(&w);
}
END_TEST

/* Whatever comes from a stranger, the others play on, and nothing stays of him. */
START_TEST(strangers_harm_nobody)
{
    static const unsigned char hello[] = {0x10, 2, 0x80, 0x80, 0x04, 1, 'x', 0, 0, 0};
    world                      w;
    uint64_t                   random = (uint64_t)_i + 1;
    start(&w, (movex_limits){0});
    join(&w, 0);
    settle(&w);
    uint64_t blocks = w.memory.blocks;
    for (int n = 0; n < 200; n++) {
        movex_io       io = movex_local_dial(w.locals[n % SERVICES]);
        movex_link     link = 0;
        movex_io_event event;
        ck_assert_int_eq(io.ops->open(io.self, NULL, &link), MOVEX_OK);
        if (meter_below(&random, 4)) io.ops->send(io.self, link, hello, sizeof hello);
        for (int frames = (int)meter_below(&random, 6); frames > 0; frames--) {
            unsigned char bytes[FRAME];
            uint32_t      length = 1 + meter_below(&random, sizeof bytes);
            for (uint32_t i = 0; i < length; i++) bytes[i] = (unsigned char)meter_below(&random, 256);
            if (meter_below(&random, 2)) bytes[0] = (unsigned char)(0x10 + meter_below(&random, 8));
            if (meter_below(&random, 4) == 0) { /* a part of a message */
                bytes[0] = 1;
                bytes[1] = (unsigned char)meter_below(&random, 2);
                bytes[2] = (unsigned char)(length < 4 ? 1 : length < 100 ? length - 3 : 80);
            }
            io.ops->send(io.self, link, bytes, length);
            if (meter_below(&random, 2)) poll_all(&w);
            while (io.ops->recv(io.self, &event) == MOVEX_OK) continue;
        }
        poll_for(&w, 1 + meter_below(&random, 5));
        io.ops->destroy(io.self);
        dispatch(&w, 0, n % PAGES, false, (uint8_t)n);
    }
    settle(&w);
    poll_for(&w, 1500);
    ck_assert_uint_eq(SUM(&w, links), MASTERS);
    ck_assert_uint_eq(SUM(&w, sessions), MASTERS);
    movex_stats stats = movex_client_stats(w.clients[0]);
    ck_assert_uint_eq(stats.accepted, 200);
    ck_assert_uint_eq(stats.mismatches + stats.resyncs, 0);
    ck_assert_uint_lt(w.memory.blocks, blocks + 500); /* its entries */
    end(&w);
}
END_TEST

/* What was refused because there was no memory. */
static void bind_again(world *w, int i)
{
    for (movex_event event; movex_client_next(w->clients[i], &event);)
        for (int k = 0; event.kind == MOVEX_EVENT_BIND_REFUSED && k < PAGES; k++)
            if (w->pages[i][k] == event.resource) {
                ck_assert_int_eq(event.status, MOVEX_ERR_MEMORY);
                movex_unbind(event.resource);
                w->pages[i][k] = movex_bind(w->clients[i], &page_type, page_id(k));
                break;
            }
}

/* Each allocation fails once; then everything goes on. */
START_TEST(memory_runs_out)
{
    for (uint64_t n = 1;; n++) {
        world w;
        start(&w, (movex_limits){0});
        w.memory.fail_at = w.memory.taken + n;
        for (int i = 0; i < 2; i++) join(&w, i);
        poll_for(&w, 10);
        static const write_long long_one;
        movex_dispatch(w.pages[0][0], WRITE_LONG, &long_one); /* taken, unless its page was refused */
        cuttable_cut(w.ios[1]);
        poll_for(&w, 30);
        bool done = w.memory.failed == 0;
        w.memory.fail_at = 0;
        bool gone = false;
        for (int i = 0; i < 2; i++) {
            bind_again(&w, i);
            gone |= movex_client_connection(w.clients[i]) == MOVEX_CONNECTION_CLOSED;
        }
        if (!gone) settle(&w);
        end(&w);
        if (done) break;
    }
}
END_TEST

int main(int argument_count, char **arguments)
{
    (void)argument_count, (void)arguments;
    Suite             *suite = suite_create("spread");
    const TTest *const tests[] = {settings_out_of_range,   all_masters_have_a_part,
                                  sealed_pairs_are_opened, a_lost_connection_goes_on,
                                  sessions_end_everywhere, what_is_not_wanted_ends_everywhere,
                                  an_id_belongs_to_one,    nobody_waits_for_ever};
    TCase             *together = tcase_create("together"), *strangers = tcase_create("strangers");
    tcase_set_timeout(together, 60);
    for (size_t i = 0; i < MOVEX_COUNT_OF(tests); i++) tcase_add_test(together, tests[i]);
    suite_add_tcase(suite, together);
    tcase_set_timeout(strangers, 120);
    tcase_add_loop_test(strangers, strangers_harm_nobody, 0, 10);
    tcase_add_test(strangers, memory_runs_out);
    suite_add_tcase(suite, strangers);
    return movex_test_main(suite);
}
