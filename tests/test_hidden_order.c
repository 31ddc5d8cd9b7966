/* Every order in which the frames of a small match can arrive, one by one: whatever it is, all see what they may know at each
   step, every dispatch has one outcome, and a reveal is told once. */
#include "hidden_game.h"
#include "meter.h"
#include "support.h"

#include <movex/mock.h>

#include <string.h>

enum { ANN, BEN, CLIENTS };
enum { MOST_STEPS = 64, MOST_RUNS = 20000 };
static const char *const names[CLIENTS] = {"ann", "ben"};

/* A choice at each step: which of those frames that can arrive next does. */
typedef struct schedule {
    uint32_t chosen[MOST_STEPS], of[MOST_STEPS];
    uint32_t steps;
} schedule;

static struct {
    movex_mock     *net;
    movex_master   *master;
    movex_client   *clients[CLIENTS];
    movex_resource *resources[CLIENTS];
    uint64_t        now_ms;
    uint32_t        accepted[CLIENTS], refused[CLIENTS], revealed[CLIENTS];
} p;

/* What a client holds is what the master says it may know, at that version; if it is the newest. */
static void check(int who)
{
    movex_hosted hosted;
    uint64_t     checksum;
    if (!movex_in_sync(p.resources[who])) return; /* it has just come */
    must(movex_master_find(p.master, &hidden_type, "main", &hosted));
    if (movex_version(p.resources[who]) != hosted.version) return;
    must_equal(movex_master_view(p.master, &hidden_type, "main", names[who], NULL, &checksum), MOVEX_OK);
    must_equal(movex_checksum(p.resources[who]), checksum);
}

static void poll_client(int who)
{
    movex_event event;
    must_equal(movex_client_poll(p.clients[who], p.now_ms), MOVEX_OK);
    while (movex_client_next(p.clients[who], &event)) {
        must(event.kind != MOVEX_EVENT_MISMATCH && event.kind != MOVEX_EVENT_DISCONNECTED);
        p.accepted[who] += event.kind == MOVEX_EVENT_ACCEPTED;
        p.revealed[who] += event.kind == MOVEX_EVENT_REVEALED;
        if (event.kind != MOVEX_EVENT_REFUSED) continue;
        must_equal(event.reason, MOVEX_REFUSED_OVERTAKEN);
        p.refused[who]++;
    }
    check(who);
}

static void poll_all(int times)
{
    while (times-- > 0) {
        movex_mock_poll(p.net, ++p.now_ms);
        movex_master_poll(p.master, p.now_ms);
        for (int i = 0; i < CLIENTS; i++) poll_client(i);
    }
}

static void start(void)
{
    memset(&p, 0, sizeof p);
    p.net = movex_mock_new(NULL);
    p.master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&hidden_type)});
    must_equal(movex_master_attach(p.master, movex_mock_listen(p.net)), MOVEX_OK);
    for (int i = 0; i < CLIENTS; i++) {
        p.clients[i] =
            movex_client_new(&(movex_client_config){.id = names[i], .io = movex_mock_connect_as(p.net, names[i])});
        p.resources[i] = movex_bind(p.clients[i], &hidden_type, "main");
    }
    poll_all(6);
    for (int i = 0; i < CLIENTS; i++) hidden_do(p.resources[i], HIDDEN_SIT, (uint8_t)i, 0);
    hidden_do(p.resources[ANN], HIDDEN_SETUP, 0, 2);
    poll_all(6);
    memset(p.accepted, 0, sizeof p.accepted);
}

static bool goes_before(const movex_mock_frame *earlier, const movex_mock_frame *later)
{
    return earlier->link == later->link && earlier->by_dialler == later->by_dialler;
}

/* Those held that can arrive next: the first of each link and direction. */
static uint32_t candidates(uint32_t *indexes)
{
    movex_mock_frame frame, earlier;
    uint32_t         count = 0;
    for (uint32_t i = 0; movex_mock_held(p.net, i, &frame); i++) {
        bool first = true;
        for (uint32_t k = 0; k < i && movex_mock_held(p.net, k, &earlier); k++)
            first = first && !goes_before(&earlier, &frame);
        if (first) indexes[count++] = i;
    }
    return count;
}

/* Lets one frame arrive, and its receiver be polled. */
static void step(schedule *s)
{
    uint32_t         indexes[MOST_STEPS], count = candidates(indexes);
    movex_mock_frame frame;
    must(s->steps < MOST_STEPS && count > 0);
    uint32_t choice = s->chosen[s->steps] < count ? s->chosen[s->steps] : 0;
    s->of[s->steps++] = count;
    must(movex_mock_held(p.net, indexes[choice], &frame));
    int who = frame.by_dialler ? -1 : strcmp(frame.to, names[ANN]) == 0 ? ANN : BEN;
    must_equal(movex_mock_release(p.net, indexes[choice]), MOVEX_OK);
    p.now_ms++;
    if (who < 0)
        movex_master_poll(p.master, p.now_ms);
    else
        poll_client(who);
}

/* The next one in order; false after the last. */
static bool next(schedule *s)
{
    while (s->steps > 0) {
        uint32_t last = s->steps - 1;
        if (++s->chosen[last] < s->of[last]) {
            memset(s->chosen + s->steps, 0, (MOST_STEPS - s->steps) * sizeof *s->chosen);
            s->steps = 0;
            return true;
        }
        s->chosen[last] = 0;
        s->steps--;
    }
    return false;
}

static void flush(int who)
{
    movex_client_flush(p.clients[who]);
}

static void finish(uint32_t dispatched, uint32_t reveals)
{
    movex_mock_hold(p.net, false);
    poll_all(6);
    for (int i = 0; i < CLIENTS; i++) {
        const hidden_table *table = movex_state(p.resources[i]);
        must_equal(movex_pending(p.resources[i]), 0);
        must_equal(movex_client_stats(p.clients[i]).mismatches, 0);
        must_equal(movex_client_stats(p.clients[i]).snapshots, 1);
        must_equal(p.revealed[i], reveals);
        must_equal(table->seats[ANN].bid, 5);
        must_equal(table->seats[BEN].bid, 7);
        must_equal(table->winner, BEN);
    }
    must_equal(p.accepted[ANN] + p.accepted[BEN] + p.refused[ANN] + p.refused[BEN], dispatched);
    must_equal(movex_master_stats(p.master).reveals, reveals);
    movex_master_free(p.master);
    for (int i = 0; i < CLIENTS; i++) movex_client_free(p.clients[i]);
    movex_mock_free(p.net);
}

/* Both hide a bid; ann hides a word as well, which is revealed with them, or comes too late. */
START_TEST(two_bids_and_a_word)
{
    static schedule s;
    uint32_t        runs = 0, overtaken = 0;
    do {
        start();
        movex_mock_hold(p.net, true);
        hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
        flush(ANN);
        hidden_hide(p.resources[ANN], HIDDEN_WRITE, ANN, 'x');
        flush(ANN);
        hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 7);
        flush(BEN);
        while (movex_mock_held_count(p.net)) step(&s);
        overtaken += p.refused[ANN];
        const hidden_table *table = movex_state(p.resources[BEN]);
        must_equal(table->written, 1 - p.refused[ANN]);
        must_equal(p.refused[BEN], 0);
        finish(3, 1);
        runs++;
    } while (next(&s) && runs < MOST_RUNS);
    must_msg(runs > 50 && runs < MOST_RUNS, "%u runs", runs);
    must(overtaken > 0 && overtaken < runs);
}
END_TEST

/* As before, with public actions of both in between, that the reveal must not lose. */
START_TEST(bids_and_public_actions)
{
    static schedule s;
    uint32_t        runs = 0;
    do {
        start();
        movex_mock_hold(p.net, true);
        hidden_hide(p.resources[ANN], HIDDEN_BID, ANN, 5);
        hidden_do(p.resources[ANN], HIDDEN_RAISE, 0, 1); /* in one frame with it */
        flush(ANN);
        hidden_do(p.resources[BEN], HIDDEN_RAISE, 0, 10);
        flush(BEN);
        hidden_hide(p.resources[BEN], HIDDEN_BID, BEN, 7);
        flush(BEN);
        while (movex_mock_held_count(p.net)) {
            step(&s);
            const hidden_table *own = movex_state(p.resources[ANN]), *other = movex_state(p.resources[BEN]);
            must_equal(own->seats[ANN].bid, 5); /* what one has done oneself is always there */
            must(own->pot == 11 || own->pot == 21);
            must_equal(other->seats[BEN].bid, 7);
            must(other->pot == 20 || other->pot == 21);
        }
        for (int i = 0; i < CLIENTS; i++) must_equal(((const hidden_table *)movex_state(p.resources[i]))->pot, 21);
        finish(4, 1);
        runs++;
    } while (next(&s) && runs < MOST_RUNS);
    must_msg(runs > 50 && runs < MOST_RUNS, "%u runs", runs);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hidden order");
    TCase *tcase = tcase_create("order");
    tcase_set_timeout(tcase, 240);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, two_bids_and_a_word);
    tcase_add_test(tcase, bids_and_public_actions);
    return movex_test_main(suite);
}
