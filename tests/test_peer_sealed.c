/* What is hidden in a room of peers is sealed: the master is a player there. */
#include "meter.h"
#include "peer_world.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static peer_world w;

enum { SETTLED_MS = 5000, SEALED_IDS = 1000 };

static void start(uint32_t count, const movex_peer_config *config)
{
    peer_world_start(&w, count, 0, config);
    must(peer_world_await_settled(&w, SETTLED_MS) != UINT32_MAX);
}

static movex_ticket seal(uint32_t seat, uint64_t id)
{
    return movex_dispatch_private(w.seats[seat].at, TALLY_KEEP, &(tally_id){id}, TALLY_NOD, NULL);
}

static const tally_seat *seat_of(const tally *state, const char *name)
{
    for (int i = 0; i < TALLY_SEATS; i++)
        if (movex_text_equals(state->seats[i].name, name)) return &state->seats[i];
    return NULL;
}

/* Drives the room by hand: the world counts tickets of its own alone. */
typedef struct told {
    uint32_t accepted, overturned, forfeited, revealed;
} told;

static void run(uint32_t ms, told *so_far)
{
    while (ms-- > 0) {
        movex_mock_poll(w.net, ++w.now_ms);
        for (uint32_t i = 0; i < w.count; i++) {
            peer_seat *s = &w.seats[i];
            if (!s->peer || s->paused) continue;
            must_equal(movex_peer_poll(s->peer, w.now_ms + i * 1000003), MOVEX_OK); /* as peer_world_run does */
            for (movex_event event; movex_peer_next(s->peer, &event);) {
                must_msg(event.kind != MOVEX_EVENT_MISMATCH && event.kind != MOVEX_EVENT_REFUSED, "%s", event.text);
                so_far->accepted += event.kind == MOVEX_EVENT_ACCEPTED;
                so_far->overturned += event.kind == MOVEX_EVENT_OVERTURNED;
                so_far->forfeited += event.kind == MOVEX_EVENT_FORFEITED;
                so_far->revealed += event.kind == MOVEX_EVENT_REVEALED;
            }
        }
    }
}

static void must_agree(void)
{
    const peer_seat *first = NULL;
    for (uint32_t i = 0; i < w.count; i++) {
        const peer_seat *s = &w.seats[i];
        if (!s->peer) continue;
        must(movex_in_sync(s->at));
        must(!first || movex_checksum(first->at) == movex_checksum(s->at));
        first = s;
    }
}

/* Each sees its own, nobody another's, not even the master; then all see all. */
START_TEST(sealed_until_all_is_opened)
{
    told so_far = {0};
    start(3, NULL);
    for (uint32_t i = 0; i < 3; i++) must(seal(i, SEALED_IDS + i));
    run(50, &so_far);
    must_equal(so_far.accepted, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const tally *seen = movex_state(w.seats[i].at);
        for (uint32_t k = 0; k < 3; k++) must_equal(seat_of(seen, w.seats[k].name)->last, k == i ? SEALED_IDS + k : 0);
    }
    const movex_peer *master = w.seats[peer_world_master(&w)].peer;
    movex_hosted      hosted;
    must(movex_master_find(master->master, &tally_type, "main", &hosted));
    must_equal(hosted.hidden, 3);
    for (uint32_t k = 0; k < 3; k++) must_equal(seat_of(hosted.state, w.seats[k].name)->last, 0);
    must(movex_dispatch(w.seats[0].at, TALLY_OPEN, NULL));
    run(100, &so_far);
    must_equal(so_far.revealed, 3);
    must_equal(so_far.forfeited + so_far.overturned, 0);
    must_agree();
    for (uint32_t k = 0; k < 3; k++)
        must_equal(seat_of(movex_confirmed_state(w.seats[0].at), w.seats[k].name)->last, SEALED_IDS + k);
    peer_world_end(&w);
}
END_TEST

/* The master dies between sealing and opening (0), or when all is to be opened (1): its own is forfeited, what the others have sealed
   is opened, by another master. */
START_TEST(sealed_outlives_the_master)
{
    told so_far = {0};
    start(3, &(movex_peer_config){.seal_ms = 2000});
    for (uint32_t i = 0; i < 3; i++) must(seal(i, SEALED_IDS + i));
    run(50, &so_far);
    uint32_t dead = (uint32_t)peer_world_master(&w), other = (dead + 1) % 3;
    if (_i) must(movex_dispatch(w.seats[other].at, TALLY_OPEN, NULL));
    if (_i) run(1, &so_far);
    peer_world_kill(&w, dead);
    run(2000, &so_far);
    must(peer_world_master(&w) >= 0);
    if (!_i) must(movex_dispatch(w.seats[other].at, TALLY_OPEN, NULL));
    run(4000, &so_far);
    must_agree();
    const tally *state = movex_confirmed_state(w.seats[other].at);
    for (uint32_t k = 0; k < 3; k++) must_equal(seat_of(state, w.seats[k].name)->last, k == dead ? 0 : SEALED_IDS + k);
    must_equal(so_far.forfeited, 2); /* both who are left are told */
    must_equal(so_far.revealed, 2);
    peer_world_end(&w);
}
END_TEST

/* ---- what leaves the peers before the openings */

enum { MOST_FRAMES = 4000, MOST_BYTES = 1 << 20 };

typedef struct tape {
    uint32_t      frames;
    size_t        bytes, lengths[MOST_FRAMES];
    unsigned char all[MOST_BYTES];
    bool          runs;
} tape;

static void record(void *user, const movex_mock_frame *frame)
{
    tape *t = user;
    if (!t->runs || frame->kind != MOVEX_IO_MESSAGE) return;
    must(t->frames < MOST_FRAMES && t->bytes + frame->length <= MOST_BYTES);
    t->lengths[t->frames++] = frame->length;
    memcpy(t->all + t->bytes, frame->data, frame->length);
    t->bytes += frame->length;
}

typedef struct source {
    uint64_t random;
    uint8_t  other_salts;
} source;

/* Salts are what is drawn 32 bytes at once. */
static int draw(void *user, void *bytes, size_t length)
{
    source        *s = user;
    unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        at[i] = (unsigned char)((unsigned char)meter_random(&s->random) ^ (length == 32 ? s->other_salts : 0));
    return MOVEX_OK;
}

static void play(tape *t, uint64_t first_id, uint8_t other_salts)
{
    source s = {.random = 5, .other_salts = other_salts};
    told   so_far = {0};
    *t = (tape){0};
    w = (peer_world){.net = movex_mock_new(&(movex_mock_config){.tap = record, .user = t}), .random = 7};
    peer_world_start(&w, 3, 0, &(movex_peer_config){.entropy = draw, .user = &s});
    must(peer_world_await_settled(&w, SETTLED_MS) != UINT32_MAX);
    t->runs = true;
    for (uint32_t turn = 0; turn < 5; turn++) { /* with the sixth all would be opened */
        must(seal(turn % 3, first_id + turn));
        run(20, &so_far);
        must(movex_dispatch(w.seats[turn % 3].at, TALLY_MARK, &(tally_id){1 + turn}));
        run(20, &so_far);
    }
    must_equal(so_far.revealed, 0);
    t->runs = false;
    peer_world_end(&w);
    w.net = NULL;
}

/* Where the frames of two runs that differ in sealed moves alone differ, there they also differ if only the salts do: it is
   commitments, and checks over records with commitments in them. Their number and lengths are the same. */
START_TEST(nothing_else_depends_on_what_is_sealed)
{
    static tape one, other_moves, other_salts;
    size_t      differ = 0;
    play(&one, 1000, 0);
    play(&other_moves, 1200, 0);
    play(&other_salts, 1000, 0x5a);
    must(one.frames > 50);
    must_equal(one.frames, other_moves.frames);
    must_equal(one.frames, other_salts.frames);
    for (uint32_t i = 0; i < one.frames; i++) {
        must_equal(one.lengths[i], other_moves.lengths[i]);
        must_equal(one.lengths[i], other_salts.lengths[i]);
    }
    for (size_t i = 0, run_of = 0; i < one.bytes; i++) {
        bool moves = one.all[i] != other_moves.all[i], salts = one.all[i] != other_salts.all[i];
        differ += moves;
        /* One byte in 256 happens to be the same: what surrounds it tells. */
        run_of = moves || salts ? run_of + 1 : 0;
        bool near = salts || (i > 0 && one.all[i - 1] != other_salts.all[i - 1]) ||
                    (i + 1 < one.bytes && one.all[i + 1] != other_salts.all[i + 1]);
        must_msg(!moves || near, "byte %zu depends on the move and not on the salt", i);
        must_msg(run_of <= 32 + 8, "%zu bytes in a row differ", run_of);
    }
    must(differ > 32 * 5); /* the commitments do */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer sealed");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    suite_add_tcase(suite, all);
    tcase_add_test(all, sealed_until_all_is_opened);
    tcase_add_loop_test(all, sealed_outlives_the_master, 0, 2);
    tcase_add_test(all, nothing_else_depends_on_what_is_sealed);
    return movex_test_main(suite);
}
