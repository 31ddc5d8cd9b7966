/* What the documents promise, one promise to a test: who is sent a seed, where time comes from, when a client dials
   again, when there is something to do, what limits and figures say. Over the mock network; a tap reads the wire. */
#include "clock_game.h"
#include "row_game.h"
#include "support.h"
#include "wire.h"

#include <movex/mock.h>
#include <movex/movex.h>

#include <stdio.h>
#include <string.h>

enum { MOST_PEOPLE = 8, MOST_SEEN = 64, LATENCY_MS = 7 };

static const movex_type *const types[] = {&clock_type, &row_type, NULL};

/* ---- a world: a master, its clients, and a tap between them */

/* An entry that has left the master. */
typedef struct seen_entry {
    unsigned flags;
    uint64_t version;
    char     to[MOVEX_MOCK_NAME_SIZE];
} seen_entry;

typedef struct world {
    movex_mock   *net;
    movex_io      master_io;
    movex_master *master;
    movex_client *people[MOST_PEOPLE];
    movex_io      ios[MOST_PEOPLE];
    int           count;
    uint64_t      now_ms;
    uint32_t      jumps;
    bool          asleep;                /* the master is not polled */
    uint64_t      dialled_ms[MOST_SEEN]; /* when a dial was made */
    uint32_t      dials;
    movex_link    last_link;          /* that was dialled */
    seen_entry    entries[MOST_SEEN]; /* since forget */
    uint32_t      entry_count;
    uint64_t      pending;                   /* of the last WELCOME */
    unsigned char frames[MOST_PEOPLE][8192]; /* the last from the master to each, by the number in its name */
    size_t        frame_lengths[MOST_PEOPLE];
    uint32_t      frame_counts[MOST_PEOPLE];
} world;

/* Reads one message of the master's behind its kind, and remembers what tests ask about. */
static bool look(world *w, unsigned kind, movex_reader *reader, const char *to)
{
    union {
        movex_error_message        error;
        movex_welcome_message      welcome;
        movex_bound_message        bound;
        movex_bind_refused_message refused;
        movex_unbound_message      unbound;
        movex_snapshot_message     snapshot;
        movex_outcome_message      outcome;
        movex_subscriber_message   subscriber;
        movex_entry_message        entry;
    } m;
    switch (kind) {
    case MOVEX_MESSAGE_ERROR: return movex_read_error(reader, &m.error);
    case MOVEX_MESSAGE_BOUND: return movex_read_bound(reader, &m.bound);
    case MOVEX_MESSAGE_BIND_REFUSED: return movex_read_bind_refused(reader, &m.refused);
    case MOVEX_MESSAGE_UNBOUND: return movex_read_unbound(reader, &m.unbound);
    case MOVEX_MESSAGE_SNAPSHOT: return movex_read_snapshot(reader, &m.snapshot);
    case MOVEX_MESSAGE_OUTCOME: return movex_read_outcome(reader, &m.outcome);
    case MOVEX_MESSAGE_SUBSCRIBER: return movex_read_subscriber(reader, &m.subscriber);
    case MOVEX_MESSAGE_WELCOME:
        if (!movex_read_welcome(reader, &m.welcome)) return false;
        w->pending = m.welcome.pending;
        return true;
    default: break;
    }
    if (kind < MOVEX_MESSAGE_ENTRY || !movex_read_entry(reader, kind & MOVEX_ENTRY_FLAGS, &m.entry)) return false;
    if (w->entry_count == MOST_SEEN) return true;
    seen_entry *seen = &w->entries[w->entry_count++];
    *seen = (seen_entry){.flags = kind & MOVEX_ENTRY_FLAGS, .version = m.entry.version};
    movex_text_set(seen->to, to);
    return true;
}

static void tap(void *user, const movex_mock_frame *frame)
{
    world *w = user;
    if (frame->kind == MOVEX_IO_OPENED) w->last_link = frame->link;
    if (frame->kind != MOVEX_IO_MESSAGE || frame->by_dialler) return;
    int i = frame->to[1] - '0';
    w->frame_counts[i]++;
    w->frame_lengths[i] = frame->length;
    ck_assert_uint_le(frame->length, sizeof w->frames[i]);
    memcpy(w->frames[i], frame->data, frame->length);
    for (movex_reader reader = movex_reader_over(frame->data, frame->length); movex_reader_left(&reader);)
        ck_assert(look(w, movex_read_u8(&reader), &reader, frame->to));
}

/* People are called p0, p1 and so on. */
static movex_client *world_person(world *w, movex_client_config config)
{
    char name[3] = {'p', (char)('0' + w->count), '\0'};
    config.id = name;
    config.io = w->ios[w->count] = movex_mock_connect_as(w->net, name);
    return w->people[w->count++] = movex_client_new(&config);
}

static void world_start(world *w, movex_master_config config, int people)
{
    memset(w, 0, sizeof *w);
    config.types = types;
    w->net =
        movex_mock_new(&(movex_mock_config){.latency_ms = {LATENCY_MS, LATENCY_MS}, .seed = 3, .tap = tap, .user = w});
    w->master = movex_master_new(&config);
    w->master_io = movex_mock_listen(w->net);
    ck_assert_int_eq(movex_master_attach(w->master, w->master_io), MOVEX_OK);
    while (w->count < people) world_person(w, (movex_client_config){0});
}

static void world_end(world *w)
{
    for (int i = 0; i < w->count; i++) movex_client_free(w->people[i]);
    movex_master_free(w->master);
    movex_mock_free(w->net);
}

static void world_poll(world *w)
{
    movex_mock_poll(w->net, w->now_ms);
    for (int i = 0; i < w->count; i++) movex_client_poll(w->people[i], w->now_ms);
    if (!w->asleep) movex_master_poll(w->master, w->now_ms);
    uint64_t dials = movex_mock_statistics(w->net).dials; /* failed ones included */
    while (w->dials < dials && w->dials < MOST_SEEN) w->dialled_ms[w->dials++] = w->now_ms;
}

/* To the next moment at which anybody has said that there will be something to do; never by a step of its own. */
static void world_jump(world *w)
{
    uint64_t next = movex_mock_deadline(w->net), other = movex_master_deadline(w->master);
    if (other < next && !w->asleep) next = other;
    for (int i = 0; i < w->count; i++) {
        other = movex_client_deadline(w->people[i]);
        if (other < next) next = other;
    }
    ck_assert_msg(next != UINT64_MAX, "nobody has anything to do any more");
    ck_assert_msg(++w->jumps < 2000, "too many jumps, at %llu ms", (unsigned long long)w->now_ms);
    if (next > w->now_ms) w->now_ms = next;
    world_poll(w);
}

#define world_until(w, condition)                                                                                      \
    for ((w)->jumps = 0; !(condition);) world_jump(w)

/* A poll, and all that comes of it, without a thought of deadlines. */
static void world_settle(world *w)
{
    for (int i = 0; i < 8 * LATENCY_MS; i++) {
        w->now_ms++;
        world_poll(w);
    }
}

static void bind_all(world *w, movex_resource **resources)
{
    for (int i = 0; i < w->count; i++) resources[i] = movex_bind(w->people[i], &row_type, "main");
    world_settle(w);
    for (int i = 0; i < w->count; i++) ck_assert(movex_in_sync(resources[i]));
    w->entry_count = 0;
}

static const seen_entry *entry_to(const world *w, int person, uint64_t version)
{
    for (uint32_t i = 0; i < w->entry_count; i++)
        if (w->entries[i].to[1] == '0' + person && w->entries[i].version == version) return &w->entries[i];
    ck_abort_msg("p%d was not sent entry %llu", person, (unsigned long long)version);
    return NULL;
}

/* ---- seeds */

START_TEST(a_seed_is_sent_only_if_it_was_drawn)
{
    world           w;
    movex_resource *r[2];
    world_start(&w, (movex_master_config){0}, 2);
    bind_all(&w, r);
    movex_dispatch(r[0], ROW_STAMP, NULL);
    movex_dispatch(r[0], ROW_DRAW, NULL);
    world_settle(&w);
    ck_assert_int_eq(movex_master_dispatch(w.master, &row_type, "main", ROW_STAMP, NULL, NULL), MOVEX_OK);
    ck_assert_int_eq(movex_master_dispatch(w.master, &row_type, "main", ROW_DRAW, NULL, NULL), MOVEX_OK);
    world_settle(&w);
    ck_assert_uint_eq(entry_to(&w, 0, 1)->flags, MOVEX_ENTRY_OWN | MOVEX_ENTRY_NEXT);
    ck_assert_uint_eq(entry_to(&w, 1, 1)->flags, 0);
    ck_assert_uint_eq(entry_to(&w, 0, 2)->flags, MOVEX_ENTRY_OWN | MOVEX_ENTRY_NEXT | MOVEX_ENTRY_SEEDED);
    ck_assert_uint_eq(entry_to(&w, 1, 2)->flags, MOVEX_ENTRY_SEEDED);
    ck_assert_uint_eq(entry_to(&w, 0, 3)->flags, MOVEX_ENTRY_BY_NAME);
    ck_assert_uint_eq(entry_to(&w, 1, 4)->flags, MOVEX_ENTRY_BY_NAME | MOVEX_ENTRY_SEEDED);
    ck_assert_uint_eq(w.entry_count, 8);
    world_end(&w);
}
END_TEST

START_TEST(nor_to_those_who_come_back)
{
    world           w;
    movex_resource *r[2];
    world_start(&w, (movex_master_config){0}, 2);
    bind_all(&w, r);
    movex_dispatch(r[1], ROW_STAMP, NULL); /* who holds no entry at all gets a snapshot */
    world_settle(&w);
    ck_assert_uint_eq(movex_mock_cut(w.net, "p1"), 1);
    movex_dispatch(r[0], ROW_STAMP, NULL);
    movex_dispatch(r[0], ROW_DRAW, NULL);
    movex_dispatch(r[1], ROW_STAMP, NULL);
    world_poll(&w); /* lost with the link, and sent again */
    world_until(&w, movex_in_sync(r[1]) && movex_version(r[1]) == 4);
    ck_assert_uint_eq(movex_client_stats(w.people[1]).resumes, 1);
    ck_assert_uint_eq(entry_to(&w, 1, 2)->flags, MOVEX_ENTRY_BY_NAME);
    ck_assert_uint_eq(entry_to(&w, 1, 3)->flags, MOVEX_ENTRY_BY_NAME | MOVEX_ENTRY_SEEDED);
    ck_assert_uint_eq(entry_to(&w, 1, 4)->flags, MOVEX_ENTRY_OWN | MOVEX_ENTRY_NEXT);
    world_end(&w);
}
END_TEST

/* ---- entropy */

typedef struct dummy {
    uint32_t destroyed, listened;
} dummy;

static int dummy_open(void *self, const char *address, movex_link *link)
{
    (void)self, (void)address, (void)link;
    return MOVEX_ERR_CLOSED;
}

static int dummy_send(void *self, movex_link link, const void *frame, size_t length)
{
    (void)self, (void)link, (void)frame, (void)length;
    return MOVEX_ERR_CLOSED;
}

static int dummy_recv(void *self, movex_io_event *event)
{
    (void)self, (void)event;
    return MOVEX_ERR_AGAIN;
}

static void dummy_close(void *self, movex_link link)
{
    (void)self, (void)link;
}

static void dummy_destroy(void *self)
{
    ((dummy *)self)->destroyed++;
}

static int dummy_listen(void *self)
{
    ((dummy *)self)->listened++;
    return MOVEX_OK;
}

static const movex_io_ops dummy_ops = {.name = "dummy",
                                       .max_frame = 1024,
                                       .open = dummy_open,
                                       .send = dummy_send,
                                       .recv = dummy_recv,
                                       .close = dummy_close,
                                       .destroy = dummy_destroy,
                                       .listen = dummy_listen};

typedef struct entropy_source {
    uint32_t calls;
    int      status;
} entropy_source;

static int entropy(void *user, void *bytes, size_t length)
{
    entropy_source *source = user;
    source->calls++;
    memset(bytes, 0x5a, length);
    return source->status;
}

START_TEST(without_entropy_nothing_leaves_the_process)
{
    dummy          outside = {0};
    entropy_source source = {.status = MOVEX_OK};
    movex_master  *master = movex_master_new(&(movex_master_config){.types = types, .seed = 1});
    ck_assert_int_eq(movex_master_attach(master, (movex_io){&dummy_ops, &outside}), MOVEX_ERR_ENTROPY);
    ck_assert_uint_eq(outside.destroyed, 1);
    ck_assert_uint_eq(outside.listened, 0);
    ck_assert_ptr_null(movex_master_emitter(master, &dummy_ops).self);
    movex_master_poll(master, 1);
    movex_master_free(master);
    ck_assert_uint_eq(outside.destroyed, 1);

    outside = (dummy){0};
    master = movex_master_new(&(movex_master_config){.types = types, .entropy = entropy, .user = &source});
    ck_assert_uint_eq(source.calls, 1);
    ck_assert_int_eq(movex_master_attach(master, (movex_io){&dummy_ops, &outside}), MOVEX_OK);
    ck_assert_uint_eq(outside.destroyed, 0);
    ck_assert_uint_eq(outside.listened, 1);
    movex_master_free(master);
    ck_assert_uint_eq(outside.destroyed, 1);
    ck_assert_uint_eq(source.calls, 1);
}
END_TEST

START_TEST(entropy_that_fails_makes_no_master)
{
    movex_error         error = {.status = MOVEX_OK};
    entropy_source      source = {.status = MOVEX_ERR_SYSTEM};
    movex_master_config config = {.types = types, .entropy = entropy, .user = &source, .error = &error};
    ck_assert_ptr_null(movex_master_new(&config));
    ck_assert_int_eq(error.status, MOVEX_ERR_SYSTEM);
    ck_assert_str_eq(error.text, "the entropy hook failed");
}
END_TEST

/* Byte `index` of what an entropy hook gives is 1, all others are 0. */
static int one_byte(void *user, void *bytes, size_t length)
{
    memset(bytes, 0, length);
    ((unsigned char *)bytes)[*(const size_t *)user] = 1;
    return MOVEX_OK;
}

/* What the first entry of a resource draws. */
static uint64_t drawn_first(movex_master *master, const char *id)
{
    movex_hosted hosted;
    ck_assert_int_eq(movex_master_create(master, &row_type, id), MOVEX_OK);
    ck_assert_int_eq(movex_master_dispatch(master, &row_type, id, ROW_DRAW, NULL, NULL), MOVEX_OK);
    ck_assert(movex_master_find(master, &row_type, id, &hosted));
    ck_assert_uint_eq(hosted.version, 1);
    return ((const row *)hosted.state)->drawn;
}

/* Of one resource, of one master: not of the next one of that name, either, which anybody could have watched before. */
START_TEST(random_values_do_not_come_again)
{
    enum { BYTES = 48, MOST = BYTES + 4 };
    uint64_t drawn[MOST], again;
    int      count = 0;
    for (size_t index = 0; index < BYTES; index++) {
        movex_master_config config = {.types = types, .entropy = one_byte, .user = &index};
        movex_master       *master = movex_master_new(&config), *twin = movex_master_new(&config);
        again = drawn_first(twin, "main");
        drawn[count] = drawn_first(master, "main");
        ck_assert_uint_eq(again, drawn[count]); /* all that it depends on is known here */
        if (index >= 32) count++;               /* the bytes before are for other keys */
        if (index == BYTES - 1) {
            drawn[count++] = drawn_first(master, "other");
            ck_assert_int_eq(movex_master_remove(master, &row_type, "main", NULL), MOVEX_OK);
            drawn[count++] = drawn_first(master, "main");
        }
        movex_master_free(master);
        movex_master_free(twin);
    }
    ck_assert_int_eq(count, 18);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++) ck_assert_uint_ne(drawn[i], drawn[j]);
}
END_TEST

/* ---- time */

static const clock_state *the_clock(const movex_master *master)
{
    movex_hosted hosted;
    ck_assert(movex_master_find(master, &clock_type, "main", &hosted));
    return hosted.state;
}

static movex_master *clock_master(uint64_t now_ms, uint32_t in_ms, uint32_t every_ms)
{
    movex_master *master = movex_master_new(&(movex_master_config){.types = types});
    movex_master_poll(master, now_ms);
    ck_assert_int_eq(movex_master_create(master, &clock_type, "main"), MOVEX_OK);
    clock_start start = {.in_ms = in_ms, .every_ms = every_ms};
    ck_assert_int_eq(movex_master_dispatch(master, &clock_type, "main", CLOCK_START, &start, NULL), MOVEX_OK);
    return master;
}

START_TEST(wakes_happen_when_they_were_due)
{
    movex_master *master = clock_master(1000, 500, 10);
    movex_master_poll(master, 1499);
    ck_assert_uint_eq(the_clock(master)->rings, 0);
    for (uint32_t i = 0; i < 10; i++) { /* a late poll, and then as often as there is something to do */
        ck_assert_uint_eq(movex_master_deadline(master), i ? 1595 : 1500);
        movex_master_poll(master, 1595);
        ck_assert_uint_eq(the_clock(master)->rings, i + 1);
        ck_assert_uint_eq(the_clock(master)->rung_ms, 1500 + 10 * i);
    }
    ck_assert_uint_eq(movex_master_deadline(master), 1600);
    movex_master_poll(master, 1595);
    ck_assert_uint_eq(the_clock(master)->rings, 10);
    movex_master_free(master);
}
END_TEST

START_TEST(but_never_before_the_entry_before)
{
    movex_master *master = clock_master(1000, 500, 10);
    clock_start   none = {0};
    movex_master_poll(master, 1550);
    ck_assert_uint_eq(the_clock(master)->rung_ms, 1500);
    ck_assert_int_eq(movex_master_dispatch(master, &clock_type, "main", CLOCK_SET, &none, NULL),
                     MOVEX_OK);                                             /* at 1550 */
    const uint64_t expected[] = {1550, 1550, 1550, 1550, 1550, 1560, 1570}; /* due: 1510, 1520 and so on */
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        movex_master_poll(master, 1700);
        ck_assert_uint_eq(the_clock(master)->rung_ms, expected[i]);
    }
    movex_master_free(master);
}
END_TEST

START_TEST(master_time_never_runs_backwards)
{
    movex_master  *master = clock_master(1000, 500, 0);
    movex_hosted   hosted;
    const uint64_t given[] = {1000, 500, 999, 1200, 1, 1200, 0, 1201},
                   expected[] = {1000, 1000, 1000, 1200, 1200, 1200, 1200, 1201};
    ck_assert_int_eq(movex_master_create(master, &row_type, "main"), MOVEX_OK);
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        movex_master_poll(master, given[i]);
        ck_assert_uint_eq(movex_master_time(master), expected[i]);
        ck_assert_int_eq(movex_master_dispatch(master, &row_type, "main", ROW_STAMP, NULL, NULL), MOVEX_OK);
        ck_assert(movex_master_find(master, &row_type, "main", &hosted));
        ck_assert_uint_eq(((const row *)hosted.state)->stamp_ms, expected[i]);
    }
    ck_assert_uint_eq(the_clock(master)->rings, 0);
    movex_master_poll(master, 1500);
    movex_master_poll(master, 600);
    ck_assert_uint_eq(the_clock(master)->rings, 1);
    ck_assert_uint_eq(the_clock(master)->rung_ms, 1500);
    movex_master_free(master);
}
END_TEST

/* ---- dialling again */

/* The pauses between dials that fail after one latency, from dial `first` on, double from `pause_ms`. */
static void assert_back_off(const world *w, uint32_t first, uint32_t count, uint64_t pause_ms, uint64_t most_ms)
{
    ck_assert_uint_lt(first + count, w->dials);
    for (uint32_t i = first; i < first + count; i++) {
        uint64_t paused = w->dialled_ms[i + 1] - w->dialled_ms[i] - LATENCY_MS;
        ck_assert_uint_ge(paused, pause_ms / 2);
        ck_assert_uint_le(paused, pause_ms);
        pause_ms = pause_ms * 2 < most_ms ? pause_ms * 2 : most_ms;
    }
}

START_TEST(pauses_between_dials_double_up_to_their_most)
{
    world w;
    world_start(&w, (movex_master_config){0}, 0);
    movex_client   *a = world_person(&w, (movex_client_config){.handshake_ms = 500});
    movex_resource *r = movex_bind(a, &row_type, "main");
    movex_mock_set_faults(w.net, &(movex_mock_faults){.dial_failure_per_mille = 1000});
    world_until(&w, w.dials == 12);
    assert_back_off(&w, 0, 11, 250, 10000);

    movex_mock_set_faults(w.net, NULL); /* a link alone is no success: the master says nothing on it */
    w.asleep = true;
    world_until(&w, w.dials == 14);
    uint64_t paused = w.dialled_ms[13] - w.dialled_ms[12] - 500;
    ck_assert_uint_ge(paused, 5000);
    ck_assert_uint_le(paused, 10000);

    w.asleep = false;
    world_until(&w, movex_in_sync(r));
    uint32_t first = w.dials;
    movex_mock_set_faults(w.net, &(movex_mock_faults){.dial_failure_per_mille = 1000});
    uint64_t cut_ms = w.now_ms;
    ck_assert_uint_eq(movex_mock_cut(w.net, "p0"), 1);
    world_until(&w, w.dials == first + 8);
    ck_assert_uint_ge(w.dialled_ms[first] - cut_ms, LATENCY_MS + 125);
    ck_assert_uint_le(w.dialled_ms[first] - cut_ms, LATENCY_MS + 250);
    assert_back_off(&w, first, 7, 500, 10000);
    world_end(&w);
}
END_TEST

/* ---- deadlines */

START_TEST(whoever_jumps_from_deadline_to_deadline_misses_nothing)
{
    world w;
    world_start(&w, (movex_master_config){.grace_ms = 3000, .idle_ms = 5000, .handshake_ms = 4000}, 2);
    movex_resource *a = movex_bind(w.people[0], &clock_type, "main"), *b = movex_bind(w.people[1], &clock_type, "main");
    world_until(&w, movex_in_sync(a) && movex_in_sync(b) && the_clock(w.master)->came == 2);

    movex_dispatch(a, CLOCK_START, &(clock_start){.in_ms = 70000});
    world_poll(&w);
    world_until(&w, movex_pending(a) == 0);
    uint64_t due = the_clock(w.master)->due_ms;
    ck_assert_uint_eq(movex_mock_cut(w.net, "p0"), 1); /* and it is back long before the clock rings */
    world_until(&w, !movex_in_sync(a));
    world_until(&w, movex_in_sync(a));
    ck_assert_uint_le(w.now_ms, 2000);
    world_until(&w, the_clock(w.master)->rings == 1);
    ck_assert_uint_eq(w.now_ms, due);
    world_until(&w, ((const clock_state *)movex_confirmed_state(b))->rings == 1);
    ck_assert_uint_eq(w.now_ms, due + LATENCY_MS);

    ck_assert_uint_eq(movex_mock_cut(w.net, "p1"), 1); /* and it stays away */
    movex_mock_set_faults(w.net, &(movex_mock_faults){.dial_failure_per_mille = 1000});
    uint64_t away_ms = w.now_ms + LATENCY_MS;
    world_until(&w, the_clock(w.master)->went == 1);
    ck_assert_uint_eq(w.now_ms, away_ms + 3000);
    ck_assert_str_eq(the_clock(w.master)->last, "p1");

    movex_client_free(w.people[1]);
    movex_client_free(w.people[0]);
    w.count = 0;
    uint64_t     left_ms = w.now_ms + LATENCY_MS;
    movex_hosted hosted;
    world_until(&w, !movex_master_find(w.master, &clock_type, "main", &hosted));
    ck_assert_uint_eq(w.now_ms, left_ms + 5000);

    movex_io   silent = movex_mock_connect_as(w.net, "p7"); /* dials, and never says HELLO */
    movex_link link;
    movex_mock_set_faults(w.net, NULL);
    ck_assert_int_eq(silent.ops->open(silent.self, NULL, &link), MOVEX_OK);
    uint64_t opened_ms = w.now_ms + LATENCY_MS;
    world_until(&w, movex_master_stats(w.master).links == 1);
    world_until(&w, movex_master_stats(w.master).links == 0);
    ck_assert_uint_eq(w.now_ms, opened_ms + 4000);
    silent.ops->destroy(silent.self);
    world_end(&w);
}
END_TEST

/* ---- limits */

START_TEST(a_client_keeps_to_its_binds)
{
    world w;
    world_start(&w, (movex_master_config){0}, 0);
    movex_client   *a = world_person(&w, (movex_client_config){.limits = {.binds = 2}});
    movex_resource *one = movex_bind(a, &row_type, "one"), *two = movex_bind(a, &row_type, "two");
    world_settle(&w);
    uint64_t sent = movex_mock_statistics(w.net).frames_sent;
    ck_assert_ptr_null(movex_bind(a, &row_type, "three"));
    ck_assert_int_eq(movex_client_error(a)->status, MOVEX_ERR_LIMIT);
    ck_assert_ptr_eq(movex_bind(a, &row_type, "two"), two); /* the same is none more */
    movex_unbind(two);
    world_settle(&w);
    ck_assert_uint_eq(movex_mock_statistics(w.net).frames_sent, sent);
    ck_assert_uint_eq(movex_master_stats(w.master).resources, 2);
    ck_assert(movex_in_sync(one) && movex_in_sync(two));
    movex_unbind(one);
    world_settle(&w);
    ck_assert_ptr_nonnull(movex_bind(a, &row_type, "three"));
    world_end(&w);
}
END_TEST

START_TEST(the_smaller_pending_counts)
{
    world           w;
    movex_resource *r[1];
    world_start(&w, (movex_master_config){.limits = {.pending = _i ? 3 : 5}}, 0);
    movex_client *a = world_person(&w, (movex_client_config){.limits = {.pending = _i ? 5 : 3}});
    bind_all(&w, r);
    ck_assert_uint_eq(w.pending, _i ? 3 : 5);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) ck_assert_uint_ne(movex_dispatch(r[0], ROW_STAMP, NULL), 0);
        ck_assert_uint_eq(movex_dispatch(r[0], ROW_STAMP, NULL), 0);
        ck_assert_int_eq(movex_client_error(a)->status, MOVEX_ERR_LIMIT);
        world_settle(&w);
        ck_assert_uint_eq(movex_version(r[0]), 3 * (uint64_t)(round + 1));
        ck_assert_uint_eq(movex_dispatch(r[0], ROW_STAMP, NULL), 0); /* their outcomes have not been drained */
        for (movex_event event; movex_client_next(a, &event);) continue;
        movex_client_poll(a, w.now_ms);
    }
    world_end(&w);
}
END_TEST

/* ---- frames and figures */

START_TEST(one_frame_for_each_link_and_poll)
{
    world           w;
    movex_resource *r[5];
    world_start(&w, (movex_master_config){0}, 5);
    bind_all(&w, r);
    uint64_t before = movex_master_stats(w.master).frames_sent, mine = movex_client_stats(w.people[0]).frames_sent;
    memset(w.frame_counts, 0, sizeof w.frame_counts);
    for (int i = 0; i < 100; i++) ck_assert_uint_ne(movex_dispatch(r[0], i % 3 ? ROW_STAMP : ROW_DRAW, NULL), 0);
    movex_client_flush(w.people[0]);
    ck_assert_uint_eq(movex_client_stats(w.people[0]).frames_sent - mine, 1);
    w.now_ms += LATENCY_MS;
    movex_mock_poll(w.net, w.now_ms);
    movex_master_poll(w.master, w.now_ms);
    ck_assert_uint_eq(movex_master_stats(w.master).frames_sent - before, 5);
    for (int i = 0; i < 5; i++) ck_assert_uint_eq(w.frame_counts[i], 1);
    ck_assert_uint_ge(w.frame_lengths[1], 100 * 10);
    for (int i = 2; i < 5; i++) {
        ck_assert_uint_eq(w.frame_lengths[i], w.frame_lengths[1]);
        ck_assert_mem_eq(w.frames[i], w.frames[1], w.frame_lengths[1]);
    }
    world_settle(&w);
    for (int i = 0; i < 5; i++) ck_assert_uint_eq(movex_version(r[i]), 100);
    ck_assert_uint_eq(movex_master_stats(w.master).forwards, 400);
    world_end(&w);
}
END_TEST

START_TEST(both_sides_count_the_same_frames)
{
    world           w;
    movex_resource *r[3];
    world_start(&w, (movex_master_config){0}, 3);
    bind_all(&w, r);
    for (int i = 0; i < 30; i++) {
        movex_dispatch(r[i % 3], ROW_DRAW, NULL);
        world_poll(&w);
    }
    world_settle(&w);
    movex_stats master = movex_master_stats(w.master), people = {0};
    for (int i = 0; i < 3; i++) {
        movex_stats one = movex_client_stats(w.people[i]);
        people.frames_sent += one.frames_sent;
        people.frames_received += one.frames_received;
        people.bytes_sent += one.bytes_sent;
        people.bytes_received += one.bytes_received;
        people.forwards += one.forwards;
    }
    ck_assert_uint_gt(people.frames_sent, 3);
    ck_assert_uint_eq(people.forwards, 60);
    ck_assert_uint_eq(master.forwards, 60);
    ck_assert_uint_eq(master.frames_received, people.frames_sent);
    ck_assert_uint_eq(master.bytes_received, people.bytes_sent);
    ck_assert_uint_eq(people.frames_received, master.frames_sent);
    ck_assert_uint_eq(people.bytes_received, master.bytes_sent);
    ck_assert_uint_eq(movex_mock_statistics(w.net).frames_sent, master.frames_sent + people.frames_sent);
    world_end(&w);
}
END_TEST

START_TEST(events_that_nobody_drains_are_counted)
{
    movex_master      *master = movex_master_new(&(movex_master_config){.types = types});
    movex_master_event event;
    char               id[16];
    for (int i = 0; i < 300; i++) {
        ck_assert_uint_eq(movex_master_stats(master).events_dropped, i < 256 ? 0 : (uint64_t)i - 256);
        snprintf(id, sizeof id, "r%d", i);
        ck_assert_int_eq(movex_master_create(master, &row_type, id), MOVEX_OK);
    }
    for (int i = 44; i < 300; i++) { /* the newest are kept */
        snprintf(id, sizeof id, "r%d", i);
        ck_assert(movex_master_next(master, &event));
        ck_assert_int_eq(event.kind, MOVEX_MASTER_CREATED);
        ck_assert_str_eq(event.id, id);
    }
    ck_assert(!movex_master_next(master, &event));
    ck_assert_uint_eq(movex_master_stats(master).events_dropped, 44);
    movex_master_free(master);
}
END_TEST

START_TEST(a_dispatch_that_comes_again_is_counted_and_answered)
{
    world           w;
    movex_resource *r[1];
    world_start(&w, (movex_master_config){0}, 1);
    bind_all(&w, r);
    movex_dispatch(r[0], ROW_STAMP, NULL);
    world_settle(&w);
    ck_assert_uint_eq(movex_master_stats(w.master).repeats, 0);
    unsigned char          bytes[MOVEX_MESSAGE_OVERHEAD];
    movex_writer           writer = movex_writer_over(bytes, sizeof bytes);
    movex_dispatch_message again = {.number = 1, .sequence = 1, .action = ROW_STAMP, .payload = {"", 0}};
    movex_write_dispatch(&writer, &again);
    size_t length = (size_t)(writer.at - bytes);
    ck_assert_int_eq(w.ios[0].ops->send(w.ios[0].self, w.last_link, bytes, length), MOVEX_OK);
    uint32_t frames = w.frame_counts[0];
    w.now_ms += LATENCY_MS;
    movex_mock_poll(w.net, w.now_ms);
    movex_master_poll(w.master, w.now_ms); /* alone: the client has not sent it, and would not have the answer */
    ck_assert_uint_eq(w.frame_counts[0], frames + 1);
    movex_stats stats = movex_master_stats(w.master);
    ck_assert_uint_eq(stats.repeats, 1);
    ck_assert_uint_eq(stats.actions, 2);
    ck_assert_uint_eq(stats.accepted, 1);
    ck_assert_uint_eq(stats.links, 1);
    ck_assert_uint_eq(movex_version(r[0]), 1);
    world_end(&w);
}
END_TEST

START_TEST(everything_knows_what_it_belongs_to)
{
    world           w;
    movex_resource *r[2];
    world_start(&w, (movex_master_config){0}, 2);
    bind_all(&w, r);
    ck_assert_str_eq(movex_client_id(w.people[0]), "p0");
    ck_assert_str_eq(movex_client_id(w.people[1]), "p1");
    ck_assert_ptr_null(movex_client_id(NULL));
    for (int i = 0; i < 2; i++) ck_assert_ptr_eq(movex_resource_client(r[i]), w.people[i]);
    ck_assert_ptr_eq(movex_resource_type(r[1]), &row_type);
    ck_assert_ptr_eq(movex_rules_type(movex_resource_rules(r[0])), &row_type);
    ck_assert_str_eq(movex_version_text(), MOVEX_VERSION);
    world_end(&w);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_seed_is_sent_only_if_it_was_drawn,
        nor_to_those_who_come_back,
        without_entropy_nothing_leaves_the_process,
        entropy_that_fails_makes_no_master,
        random_values_do_not_come_again,
        wakes_happen_when_they_were_due,
        but_never_before_the_entry_before,
        master_time_never_runs_backwards,
        pauses_between_dials_double_up_to_their_most,
        whoever_jumps_from_deadline_to_deadline_misses_nothing,
        a_client_keeps_to_its_binds,
        one_frame_for_each_link_and_poll,
        both_sides_count_the_same_frames,
        events_that_nobody_drains_are_counted,
        a_dispatch_that_comes_again_is_counted_and_answered,
        everything_knows_what_it_belongs_to,
    };
    Suite *suite = suite_create("promises");
    TCase *tcase = tcase_create("of the documents");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, the_smaller_pending_counts, 0, 2);
    return movex_test_main(suite);
}
