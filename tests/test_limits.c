/* Limits: each is reached exactly, and by one more; who goes past it is told, and nobody else notices. */
#include "row_game.h"
#include "support.h"

#include <movex/mock.h>

#include <stdio.h>
#include <string.h>

enum { ANN, BEN, CID, MOST = 8 };

typedef struct table {
    movex_mock     *net;
    movex_master   *master;
    movex_client   *clients[MOST];
    movex_resource *rows[MOST];
    int             count;
    uint64_t        now_ms;
    uint64_t        most_queued; /* bytes, of all links */
} table;

static const char *const names[MOST] = {"ann", "ben", "cid", "dan", "eve", "fay", "gus", "hal"};

static void poll_once(table *t, uint64_t add_ms)
{
    t->now_ms += add_ms;
    movex_mock_poll(t->net, t->now_ms);
    movex_master_poll(t->master, t->now_ms);
    for (int i = 0; i < t->count; i++)
        if (t->clients[i]) movex_client_poll(t->clients[i], t->now_ms);
    uint64_t queued = movex_master_stats(t->master).queued_bytes;
    if (queued > t->most_queued) t->most_queued = queued;
}

static void poll_times(table *t, int times)
{
    for (int i = 0; i < times; i++) poll_once(t, 1);
}

#define poll_until(t, condition)                                                                                       \
    do {                                                                                                               \
        for (int left_ = 5000; !(condition); left_--) {                                                                \
            poll_once((t), 1);                                                                                         \
            ck_assert_msg(left_ > 0, "waited in vain for: %s", #condition);                                            \
        }                                                                                                              \
    } while (0)

static int join(table *t)
{
    int i = t->count++;
    t->clients[i] = movex_client_new(&(movex_client_config){
        .id = names[i], .io = movex_mock_connect_as(t->net, names[i]), .reconnect_min_ms = 10, .reconnect_max_ms = 50});
    t->rows[i] = movex_bind(t->clients[i], &row_type, "main");
    return i;
}

/* So many clients who are in sync. */
static void start(table *t, movex_mock_config net, movex_master_config config, int count)
{
    static const movex_type *const types[] = {&row_type, NULL};
    *t = (table){.net = movex_mock_new(&net)};
    config.types = types;
    t->master = movex_master_new(&config);
    ck_assert_ptr_nonnull(t->master);
    ck_assert_int_eq(movex_master_attach(t->master, movex_mock_listen(t->net)), MOVEX_OK);
    while (count-- > 0) {
        int i = join(t);
        poll_until(t, movex_in_sync(t->rows[i]));
    }
}

static bool at_rest(const table *t)
{
    movex_hosted hosted;
    if (!movex_master_find(t->master, &row_type, "main", &hosted)) return false;
    for (int i = 0; i < t->count; i++)
        if (t->clients[i] &&
            (!movex_in_sync(t->rows[i]) || movex_pending(t->rows[i]) || movex_checksum(t->rows[i]) != hosted.checksum ||
             movex_version(t->rows[i]) != hosted.version))
            return false;
    return true;
}

/* All agree, and nobody lost its connection or its way. */
static void finish(table *t)
{
    poll_until(t, at_rest(t));
    for (int i = 0; i < t->count; i++) {
        if (!t->clients[i]) continue;
        movex_stats stats = movex_client_stats(t->clients[i]);
        ck_assert_uint_eq(stats.mismatches, 0);
        ck_assert_uint_eq(stats.resyncs, 0);
        ck_assert_uint_eq(stats.protocol_errors, 0);
    }
    ck_assert_uint_eq(movex_master_stats(t->master).protocol_errors, 0);
    for (int i = 0; i < t->count; i++) movex_client_free(t->clients[i]);
    movex_master_free(t->master);
    movex_mock_free(t->net);
}

static void say(table *t, int who, uint32_t number)
{
    row_say what = {{0}};
    snprintf(what.text, sizeof what.text, "the word number %010u, which is not short", (unsigned)number);
    ck_assert_uint_ne(movex_dispatch(t->rows[who], ROW_SAY, &what), 0);
}

typedef struct outcomes {
    uint32_t accepted, refused, expired;
} outcomes;

static outcomes count_outcomes(table *t, int who)
{
    outcomes all = {0};
    for (movex_event event; movex_client_next(t->clients[who], &event);) {
        all.accepted += event.kind == MOVEX_EVENT_ACCEPTED;
        all.refused += event.kind == MOVEX_EVENT_REFUSED;
        all.expired += event.kind == MOVEX_EVENT_EXPIRED;
    }
    return all;
}

/* How often the master's log names this, of this client (NULL: of anybody). */
static int count_rejected(table *t, movex_status status, const char *peer, const char *words)
{
    int count = 0;
    for (movex_master_event event; movex_master_next(t->master, &event);)
        count += event.kind == MOVEX_MASTER_REJECTED && event.status == status && strstr(event.text, words) &&
                 (!peer || strcmp(event.peer, peer) == 0);
    return count;
}

/* ---- those who are slow */

enum { BACKLOG = 2048, QUEUE = 64 << 10, PIPE = 2048 };

static const movex_mock_config narrow = {.queue_bytes = PIPE};

static movex_master_config patient(void)
{
    return (movex_master_config){.limits = {.queue_bytes = QUEUE, .backlog_bytes = BACKLOG}, .stall_ms = 60000};
}

/* One does not take anything for a long time, and dispatches all the while; the others play on. */
START_TEST(entries_give_way_to_a_snapshot)
{
    table    t;
    uint32_t dispatched = 0;
    start(&t, narrow, patient(), 3);
    uint64_t snapshots = movex_master_stats(t.master).snapshots;
    ck_assert_int_eq(movex_mock_stall(t.net, "cid", true), MOVEX_OK);
    movex_dispatch(t.rows[ANN], ROW_CLAIM, NULL);
    for (uint32_t i = 0; i < 3000; i++) {
        say(&t, i % 2 ? ANN : BEN, i);
        if (i % 16 == 0 && ++dispatched) say(&t, CID, i);
        if (i % 16 == 8 && ++dispatched)
            movex_dispatch(t.rows[CID], ROW_CLAIM, NULL); /* which he cannot know to be too late */
        poll_times(&t, 2);
        count_outcomes(&t, ANN);
        count_outcomes(&t, BEN);
    }
    /* Outcomes: 2 to 12 bytes each, and a header where the store or a flush has ended a frame. */
    ck_assert_uint_lt(t.most_queued, BACKLOG + 188 * 20 + 256);
    ck_assert_uint_gt(t.most_queued, BACKLOG / 2);
    ck_assert_uint_eq(movex_master_stats(t.master).gave_way, 1);
    ck_assert_uint_eq(movex_pending(t.rows[CID]), dispatched);
    movex_mock_stall(t.net, "cid", false);
    poll_until(&t, at_rest(&t));
    outcomes all = count_outcomes(&t, CID);
    ck_assert_uint_eq(all.accepted, 188);
    ck_assert_uint_eq(all.refused, dispatched - 188);
    ck_assert_uint_eq(all.expired, 0);
    ck_assert_uint_eq(movex_master_stats(t.master).snapshots, snapshots + 1);
    ck_assert_uint_eq(movex_master_stats(t.master).queued_bytes, 0);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(movex_client_stats(t.clients[i]).connects, 1);
    say(&t, ANN, 1); /* entries again */
    poll_until(&t, at_rest(&t));
    ck_assert_uint_eq(movex_master_stats(t.master).snapshots, snapshots + 1);
    finish(&t);
}
END_TEST

/* What it has dispatched is answered, also if it gives the resource up before the snapshot. */
START_TEST(outcomes_come_before_the_end)
{
    table t;
    start(&t, narrow, patient(), 3);
    movex_mock_stall(t.net, "cid", true);
    movex_dispatch(t.rows[ANN], ROW_CLAIM, NULL);
    for (uint32_t i = 0; i < 200; i++) {
        say(&t, ANN, i);
        poll_times(&t, 2);
        count_outcomes(&t, ANN);
    }
    ck_assert_uint_eq(movex_master_stats(t.master).gave_way, 1);
    for (uint32_t i = 0; i < 10; i++) say(&t, CID, i);
    movex_dispatch(t.rows[CID], ROW_CLAIM, NULL);
    poll_times(&t, 10);
    ck_assert_int_eq(movex_master_kick(t.master, &row_type, "main", "cid", "enough"), MOVEX_OK);
    movex_mock_stall(t.net, "cid", false);
    poll_times(&t, 20);
    outcomes all = count_outcomes(&t, CID);
    ck_assert_uint_eq(all.accepted, 10);
    ck_assert_uint_eq(all.refused, 1);
    ck_assert_uint_eq(all.expired, 0);
    movex_client_free(t.clients[CID]);
    t.clients[CID] = NULL;
    finish(&t);
}
END_TEST

/* It takes a little now and then: it stays for as long as it does, and is let go when it does not. */
START_TEST(who_takes_nothing_is_let_go)
{
    table               t;
    movex_master_config config = patient();
    config.stall_ms = 1000;
    config.grace_ms = 60000;
    start(&t, narrow, config, 3);
    for (uint32_t i = 0; i < 5000; i++) {
        movex_mock_stall(t.net, "cid", i % 700 != 699);
        say(&t, ANN, i);
        poll_once(&t, 1);
        count_outcomes(&t, ANN);
    }
    ck_assert_uint_gt(movex_master_stats(t.master).gave_way, 3);
    ck_assert_uint_eq(movex_client_stats(t.clients[CID]).connects, 1);
    movex_mock_stall(t.net, "cid", false);
    poll_until(&t, at_rest(&t));
    ck_assert_int_eq(count_rejected(&t, MOVEX_ERR_TIMEOUT, "cid", "taken nothing"), 0);

    movex_mock_stall(t.net, "cid", true);
    while (movex_master_stats(t.master).queued_bytes == 0) {
        say(&t, ANN, 1);
        poll_once(&t, 1);
        count_outcomes(&t, ANN);
    }
    uint64_t since_ms = t.now_ms; /* from now on it takes nothing of what waits */
    ck_assert_uint_eq(movex_master_deadline(t.master), since_ms + 1000);
    poll_once(&t, 999);
    ck_assert_uint_eq(movex_master_stats(t.master).links, 3);
    poll_once(&t, 1);
    ck_assert_uint_eq(movex_master_stats(t.master).links, 2);
    ck_assert_int_eq(count_rejected(&t, MOVEX_ERR_TIMEOUT, "cid", "taken nothing"), 1);
    movex_mock_stall(t.net, "cid", false);
    poll_until(&t, at_rest(&t)); /* it comes back by itself */
    ck_assert_uint_eq(movex_client_stats(t.clients[CID]).connects, 2);
    ck_assert_uint_eq(movex_client_stats(t.clients[ANN]).connects, 1);
    finish(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, entries_give_way_to_a_snapshot);
    tcase_add_test(tcase, outcomes_come_before_the_end);
    tcase_add_test(tcase, who_takes_nothing_is_let_go);
    return movex_test_main(suite);
}
