/* Matches over the local and the websocket emitter, with a faulty and a checked one around them: what goes wrong is survived, and
   nobody in between breaks the contract. */
#include "meter.h"
#include "row_game.h"
#include "support.h"

#include <movex/checked.h>
#include <movex/faulty.h>
#include <movex/local.h>
#include <movex/system.h>
#ifdef HAVE_WEBSOCKET
#include <movex/websocket.h>
#endif

#include <stdio.h>
#include <string.h>

enum { PLAYERS = 2, MOST_TICKETS = 4096 };

typedef struct match {
    bool            websocket;
    movex_local    *local;
    movex_master   *master;
    movex_io        served, faulty[PLAYERS]; /* served: the checked one of the master */
    movex_io        checked[PLAYERS];
    movex_client   *clients[PLAYERS];
    movex_resource *rows[PLAYERS];
    uint8_t         outcomes[PLAYERS][MOST_TICKETS];
    uint32_t        dispatched[PLAYERS];
    uint64_t        random, now_ms;
    meter           memory;
} match;

static uint64_t draw(match *m, uint64_t bound)
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    return (z ^ z >> 31) % bound;
}

static void accuse(void *user, const char *what)
{
    (void)user;
    ck_abort_msg("%s", what);
}

static const movex_checked_config strict = {.report = accuse};

static movex_io listen_io(match *m, char *url, size_t size)
{
#ifdef HAVE_WEBSOCKET
    if (m->websocket) {
        movex_io io = movex_ws_listen("127.0.0.1:0");
        m->served = movex_checked(io, &strict);
        ck_assert_int_eq(movex_master_attach(m->master, m->served), MOVEX_OK);
        snprintf(url, size, "ws://127.0.0.1:%u", (unsigned)movex_ws_port(io));
        return io;
    }
#endif
    (void)url;
    (void)size;
    m->served = movex_checked(movex_local_listen(m->local), &strict);
    ck_assert_int_eq(movex_master_attach(m->master, m->served), MOVEX_OK);
    return m->served;
}

static movex_io dial_io(match *m, const char *url)
{
#ifdef HAVE_WEBSOCKET
    if (m->websocket) return movex_ws_connect(url);
#endif
    (void)url;
    return movex_local_dial(m->local);
}

static void begin(match *m, bool websocket, movex_faulty_config config)
{
    static const char *const names[PLAYERS] = {"ann", "ben"};
    char                     url[64] = "";
    memset(m, 0, sizeof *m);
    m->websocket = websocket;
    m->random = config.seed;
    m->now_ms = websocket ? movex_system_now_ms() : 0;
    m->local = movex_local_new(NULL);
    m->master = movex_master_new(
        &(movex_master_config){.types = MOVEX_TYPES(&row_type), .seed = 1, .entropy = movex_system_entropy});
    listen_io(m, url, sizeof url);
    config.allocator = meter_allocator(&m->memory);
    for (int i = 0; i < PLAYERS; i++) {
        config.seed = config.seed * 31 + (uint64_t)i;
        m->faulty[i] = movex_faulty(movex_checked(dial_io(m, url), &strict), &config);
        m->checked[i] = movex_checked(m->faulty[i], &strict);
        m->clients[i] = movex_client_new(&(movex_client_config){
            .id = names[i], .io = m->checked[i], .reconnect_min_ms = 5, .reconnect_max_ms = 50, .handshake_ms = 2000});
        m->rows[i] = movex_bind(m->clients[i], &row_type, "main");
    }
}

static void end(match *m)
{
    for (int i = 0; i < PLAYERS; i++) movex_client_free(m->clients[i]);
    movex_master_free(m->master);
    movex_local_free(m->local);
    ck_assert_uint_eq(m->memory.blocks, 0);
}

static void drain(match *m, int i)
{
    for (movex_event event; movex_client_next(m->clients[i], &event);) {
        ck_assert_msg(event.kind != MOVEX_EVENT_EXPIRED && event.kind != MOVEX_EVENT_MISMATCH &&
                          event.kind != MOVEX_EVENT_CLOSED,
                      "%s", event.text);
        if (event.ticket) m->outcomes[i][event.ticket]++;
    }
}

static void step(match *m)
{
    m->now_ms = m->websocket ? movex_system_now_ms() : m->now_ms + 1;
    if (m->websocket) movex_client_wait(m->clients[0], 1);
    movex_master_poll(m->master, m->now_ms);
    for (int i = 0; i < PLAYERS; i++) {
        movex_faulty_poll(m->faulty[i], m->now_ms);
        movex_client_poll(m->clients[i], m->now_ms);
        drain(m, i);
    }
}

static void act(match *m, int i)
{
    const row_append number = {(int32_t)draw(m, 1000)};
    const row_swap   which = {(uint8_t)draw(m, 6), (uint8_t)draw(m, 6)};
    const bool       appends = draw(m, 2);
    movex_ticket     ticket =
        movex_dispatch(m->rows[i], appends ? ROW_APPEND : ROW_SWAP, appends ? (const void *)&number : &which);
    ck_assert_uint_gt(ticket, 0);
    ck_assert_uint_eq(ticket, ++m->dispatched[i]);
}

static bool at_rest(const match *m)
{
    movex_hosted hosted;
    if (!movex_master_find(m->master, &row_type, "main", &hosted)) return false;
    for (int i = 0; i < PLAYERS; i++)
        if (!movex_in_sync(m->rows[i]) || movex_pending(m->rows[i]) || movex_version(m->rows[i]) != hosted.version)
            return false;
    return true;
}

static void come_to_rest(match *m)
{
    movex_hosted hosted;
    for (int i = 0; i < PLAYERS; i++) movex_faulty_set_faults(m->faulty[i], NULL);
    for (uint64_t limit = m->now_ms + 30000; !at_rest(m); step(m)) ck_assert_uint_lt(m->now_ms, limit);
    ck_assert(movex_master_find(m->master, &row_type, "main", &hosted));
    for (int i = 0; i < PLAYERS; i++) {
        ck_assert_uint_eq(movex_checksum(m->rows[i]), hosted.checksum);
        ck_assert_uint_eq(movex_client_stats(m->clients[i]).mismatches, 0);
        ck_assert_uint_eq(movex_client_stats(m->clients[i]).resyncs, 0);
        for (uint32_t ticket = 1; ticket <= m->dispatched[i]; ticket++) ck_assert_uint_eq(m->outcomes[i][ticket], 1);
    }
}

static void play(match *m, uint64_t ms)
{
    for (uint64_t start = m->now_ms, last = 0; m->now_ms < start + ms; step(m)) {
        if (m->now_ms == last) continue;
        last = m->now_ms;
        for (int i = 0; i < PLAYERS; i++)
            if (draw(m, 10) == 0) act(m, i);
    }
}

static const movex_faulty_config rough = {
    .latency_ms = {0, 20},
    .faults = {.cut_per_mille = 20,
               .dial_failure_per_mille = 100,
               .half_open_per_mille = 8,
               .half_open_ms = {10, 200},
               .linger_per_mille = 400,
               .linger_ms = {0, 100},
               .stall_per_mille = 10,
               .stall_ms = {0, 50}},
    .again_per_mille = 100,
    .queue_bytes = 3000,
};

static void add(movex_faulty_stats *sum, const match *m)
{
    for (int i = 0; i < PLAYERS; i++) {
        movex_faulty_stats stats = movex_faulty_statistics(m->faulty[i]);
        sum->failed_dials += stats.failed_dials;
        sum->cuts += stats.cuts;
        sum->lingering += stats.lingering;
        sum->half_open += stats.half_open;
        sum->stalls += stats.stalls;
        sum->refused += stats.refused;
        sum->frames_lost += stats.frames_lost;
    }
}

START_TEST(local_matches_survive)
{
    static match       m;
    movex_faulty_stats sum = {0};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        movex_faulty_config config = rough;
        config.seed = seed;
        begin(&m, false, config);
        play(&m, 1500);
        come_to_rest(&m);
        add(&sum, &m);
        end(&m);
    }
    ck_assert_uint_gt(sum.failed_dials, 20);
    ck_assert_uint_gt(sum.cuts, 300);
    ck_assert_uint_gt(sum.lingering, 100);
    ck_assert_uint_gt(sum.half_open, 50);
    ck_assert_uint_gt(sum.stalls, 50);
    ck_assert_uint_gt(sum.refused, 300);
    ck_assert_uint_gt(sum.frames_lost, 100);
}
END_TEST

#ifdef HAVE_WEBSOCKET
START_TEST(websocket_matches_survive)
{
    static match       m;
    movex_faulty_stats sum = {0};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        movex_faulty_config config = rough;
        config.seed = seed;
        begin(&m, true, config);
        play(&m, 1000);
        come_to_rest(&m);
        add(&sum, &m);
        end(&m);
    }
    ck_assert_uint_gt(sum.cuts, 5);
    ck_assert_uint_gt(sum.refused, 20);
}
END_TEST
#endif

/* One fault at a time, by hand, while a match goes on. */
START_TEST(each_fault_by_hand)
{
    static match m;
    for (int fault = 0; fault < 6; fault++) {
        begin(&m, false, (movex_faulty_config){.seed = 9, .latency_ms = {1, 5}});
        while (!at_rest(&m)) step(&m);
        movex_io io = m.faulty[0];
        act(&m, 0);
        act(&m, 1);
        switch (fault) {
        case 0: ck_assert_uint_eq(movex_faulty_cut(io), 1); break;
        case 1: ck_assert_uint_eq(movex_faulty_cut_lingering(io, 60), 1); break;
        case 2: ck_assert_uint_eq(movex_faulty_deafen(io), 1); break;
        case 3: ck_assert_uint_eq(movex_faulty_mute(io), 1); break;
        case 4: movex_faulty_stall(io, true); break;
        default: movex_faulty_cut(io); movex_faulty_refuse(io, true);
        }
        play(&m, 300);
        bool silent = fault >= 2;
        if (silent) ck_assert(!at_rest(&m));
        if (fault == 2 || fault == 3) ck_assert_uint_eq(movex_faulty_cut(io), 1);
        movex_faulty_stall(io, false);
        movex_faulty_refuse(io, false);
        come_to_rest(&m);
        end(&m);
    }
}
END_TEST

/* The first byte of a frame says what it is: whoever gets one that is broken there closes the link. */
START_TEST(corrupted_frames_are_answered_by_closing)
{
    static match m;
    begin(&m, false, (movex_faulty_config){.seed = 4});
    while (!at_rest(&m)) step(&m);
    uint64_t errors = 0;
    for (int i = 0; i < 50; i++) {
        row_say say = {"what ann is told of arrives broken"};
        say.text[0] = (char)('A' + i % 26);
        ck_assert_uint_gt(movex_dispatch(m.rows[1], ROW_SAY, &say), 0);
        movex_faulty_corrupt(m.faulty[0], 1);
        for (int k = 0; k < 100; k++) {
            movex_event event;
            m.now_ms++;
            movex_master_poll(m.master, m.now_ms);
            for (int who = 0; who < PLAYERS; who++) {
                movex_client_poll(m.clients[who], m.now_ms);
                movex_faulty_poll(m.faulty[who], m.now_ms);
                while (movex_client_next(m.clients[who], &event))
                    if (event.ticket) m.outcomes[who][event.ticket]++;
            }
        }
        errors = movex_client_stats(m.clients[0]).protocol_errors + movex_client_stats(m.clients[0]).mismatches;
    }
    ck_assert_uint_eq(movex_faulty_statistics(m.faulty[0]).frames_corrupted, 50);
    ck_assert_uint_gt(errors, 30);
    ck_assert(at_rest(&m));
    end(&m);
}
END_TEST

START_TEST(a_failing_allocation_costs_a_link_at_most)
{
    for (int fail_at = 1; fail_at < 60; fail_at++) {
        static match m;
        begin(&m, false, (movex_faulty_config){.seed = 2, .latency_ms = {0, 3}});
        m.memory.fail_at = m.memory.taken + (uint64_t)fail_at;
        play(&m, 400);
        come_to_rest(&m);
        end(&m);
    }
    meter               memory = {.fail_at = 1};
    movex_faulty_config config = {.allocator = meter_allocator(&memory)};
    movex_local        *local = movex_local_new(NULL);
    ck_assert_ptr_null(movex_faulty(movex_local_dial(local), &config).self);
    ck_assert_ptr_null(movex_faulty((movex_io){0}, NULL).self);
    movex_local_free(local);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faulty emitters");
    TCase *tcase = tcase_create("faulty");
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, local_matches_survive);
#ifdef HAVE_WEBSOCKET
    tcase_add_test(tcase, websocket_matches_survive);
#endif
    tcase_add_test(tcase, each_fault_by_hand);
    tcase_add_test(tcase, corrupted_frames_are_answered_by_closing);
    tcase_add_test(tcase, a_failing_allocation_costs_a_link_at_most);
    return movex_test_main(suite);
}
