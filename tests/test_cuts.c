/* A scripted match of two players, the stream of one cut after every byte in each direction: the match resumes, and ends for
   both as if nothing had happened. A frame that is not whole at the cut is lost; those before it arrive. */
#include "clock_game.h"
#include "cuttable.h"
#include "match.h"
#include "row_game.h"

#include <movex/text.h>

#include <string.h>

static const movex_type *const types[] = {&row_type, &clock_type, NULL};

enum { CUT, WHOLE, PLAYERS }; /* ann, whose stream is cut, and ben, who sees the same */

/* What one player has been told. */
typedef struct told {
    int accepted, refused, joined, left, away, back;
} told;

typedef struct ending {
    row         row;
    clock_state clock;
    uint64_t    row_version, clock_version;
    told        told[PLAYERS];
    uint64_t    cuts;
} ending;

typedef struct script {
    match           m;
    movex_client   *clients[PLAYERS];
    movex_resource *rows[PLAYERS], *clocks[PLAYERS];
    ending         *ending;
} script;

/* ---- what everybody sees */

static void drain(script *s)
{
    for (int i = 0; i < PLAYERS; i++) {
        told *t = &s->ending->told[i];
        for (movex_event event; movex_client_next(s->clients[i], &event);) {
            ck_assert_int_ne(event.kind, MOVEX_EVENT_EXPIRED);
            ck_assert_int_ne(event.kind, MOVEX_EVENT_MISMATCH);
            ck_assert_int_ne(event.kind, MOVEX_EVENT_CLOSED);
            if (i == WHOLE) ck_assert_int_ne(event.kind, MOVEX_EVENT_DISCONNECTED);
            t->accepted += event.kind == MOVEX_EVENT_ACCEPTED;
            t->refused += event.kind == MOVEX_EVENT_REFUSED;
            t->joined += event.kind == MOVEX_EVENT_JOINED;
            t->left += event.kind == MOVEX_EVENT_LEFT;
            t->away += event.kind == MOVEX_EVENT_AWAY;
            t->back += event.kind == MOVEX_EVENT_BACK;
        }
    }
}

static void poll(script *s)
{
    match_poll(&s->m);
    drain(s);
}

/* Until all has been answered, and both see it. Drained meanwhile, so that no event coalesces with another. */
static void rest(script *s)
{
    const movex_resource *all[] = {s->rows[CUT], s->rows[WHOLE], s->clocks[CUT], s->clocks[WHOLE]};
    do {
        poll(s);
        ck_assert_uint_lt(s->m.now_ms, 20000);
    } while (!match_at_rest(&s->m, all, 4));
}

static bool subscribers_are_there(const movex_resource *resource)
{
    movex_subscriber subscriber;
    bool             there = movex_subscriber_count(resource) == PLAYERS;
    for (uint32_t i = 0; there && i < PLAYERS; i++)
        there = movex_subscriber_at(resource, i, &subscriber) && !subscriber.away;
    return there;
}

/* ---- the script: everything but time, which a cut must delay, is the same in every run */

static void dispatch(script *s, int player, uint32_t action, const void *payload)
{
    ck_assert_uint_ne(movex_dispatch(s->rows[player], action, payload), 0);
    poll(s);
}

/* Both at once, where the order does not matter: one says something, the other moves. */
static void move_while_other_speaks(script *s, int mover, const char *said, int count, const int32_t *numbers)
{
    row_say say = {{0}};
    movex_text_set(say.text, said);
    for (int i = 0; i < count; i++) {
        row_append append = {numbers[i]};
        dispatch(s, mover, ROW_APPEND, &append);
        if (i == 0) dispatch(s, !mover, ROW_SAY, &say);
    }
    dispatch(s, mover, ROW_SWAP, &(row_swap){0, 1});
    dispatch(s, mover, ROW_TAKE, NULL);
    rest(s);
}

static void follow_script(script *s)
{
    rest(s);
    move_while_other_speaks(s, CUT, "go on", 3, (const int32_t[]){1, 2, 3});
    move_while_other_speaks(s, WHOLE, "I do", 2, (const int32_t[]){4, 5});
    ck_assert_uint_ne(movex_dispatch(s->clocks[CUT], CLOCK_START, &(clock_start){.in_ms = 12}), 0);
    dispatch(s, CUT, ROW_DRAW, NULL);
    rest(s);
    dispatch(s, WHOLE, ROW_CLAIM, NULL);
    rest(s);
    dispatch(s, CUT, ROW_CLAIM, NULL); /* refused: it is taken */
    dispatch(s, CUT, ROW_APPEND, &(row_append){6});
    dispatch(s, CUT, ROW_SWAP, &(row_swap){0, 0});
    rest(s);
    dispatch(s, WHOLE, ROW_DRAW, NULL);
    dispatch(s, WHOLE, ROW_APPEND, &(row_append){7});
    dispatch(s, CUT, ROW_SWAP, &(row_swap){9, 1}); /* refused before it is sent */
    const clock_state *clock = movex_confirmed_state(s->clocks[WHOLE]);
    for (int i = 0; i < 2000 && clock->rings == 0; i++, clock = movex_confirmed_state(s->clocks[WHOLE])) poll(s);
    rest(s);
}

static void take_ending(script *s)
{
    ending *e = s->ending;
    memcpy(&e->row, movex_state(s->rows[CUT]), sizeof e->row);
    memcpy(&e->clock, movex_confirmed_state(s->clocks[CUT]), sizeof e->clock);
    ck_assert_uint_eq(e->clock.rings, 1); /* both have its checksum: see rest */
    ck_assert_uint_ne(e->clock.rung_ms, 0);
    e->clock.rung_ms = 0; /* when the clock was started is a matter of the cut */
    e->row_version = movex_version(s->rows[CUT]);
    e->clock_version = movex_version(s->clocks[CUT]);
    e->cuts = movex_client_stats(s->clients[CUT]).connects - 1;
    for (int i = 0; i < PLAYERS; i++) {
        movex_stats stats = movex_client_stats(s->clients[i]);
        ck_assert_uint_eq(stats.mismatches + stats.resyncs + stats.protocol_errors + stats.expired, 0);
        ck_assert(subscribers_are_there(s->rows[i]));
        ck_assert(subscribers_are_there(s->clocks[i]));
    }
    ck_assert_uint_eq(movex_client_stats(s->clients[WHOLE]).connects, 1);
    ck_assert_int_eq(e->told[WHOLE].away, e->told[WHOLE].back);
    ck_assert_int_eq(e->told[CUT].away + e->told[CUT].back, 0);
}

static void play(ending *e, bool upwards, uint64_t bytes, uint64_t *passed)
{
    script s = {.ending = e};
    *e = (ending){0};
    match_start(&s.m, MATCH_LOCAL, (movex_master_config){.types = types, .seed = 1, .entropy = NULL});
    s.clients[WHOLE] = match_client(&s.m, "ben");
    s.rows[WHOLE] = movex_bind(s.clients[WHOLE], &row_type, "main");
    s.clocks[WHOLE] = movex_bind(s.clients[WHOLE], &clock_type, "main");
    while (!movex_in_sync(s.rows[WHOLE]) || !movex_in_sync(s.clocks[WHOLE])) match_poll(&s.m);
    s.clients[CUT] = match_client(&s.m, "ann");
    cuttable_cut_after(s.m.ios[1], upwards, bytes);
    s.rows[CUT] = movex_bind(s.clients[CUT], &row_type, "main");
    s.clocks[CUT] = movex_bind(s.clients[CUT], &clock_type, "main");
    follow_script(&s);
    take_ending(&s);
    *passed = cuttable_passed(s.m.ios[1], upwards);
    match_end(&s.m);
}

/* ---- the test */

static bool same_told(const told *a, const told *b)
{
    return a->accepted == b->accepted && a->refused == b->refused && a->joined == b->joined && a->left == b->left;
}

static bool same(const ending *a, const ending *b)
{
    return memcmp(&a->row, &b->row, sizeof a->row) == 0 && memcmp(&a->clock, &b->clock, sizeof a->clock) == 0 &&
           a->row_version == b->row_version && a->clock_version == b->clock_version &&
           same_told(&a->told[CUT], &b->told[CUT]) && same_told(&a->told[WHOLE], &b->told[WHOLE]);
}

START_TEST(a_cut_after_every_byte_changes_nothing)
{
    ending   whole, cut;
    uint64_t total, passed, lost = 0;
    int      away = 0;
    play(&whole, _i, UINT64_MAX, &total);
    ck_assert_uint_gt(total, 60);
    ck_assert_int_eq(whole.told[CUT].accepted, 10);
    ck_assert_int_eq(whole.told[CUT].refused, 2);
    ck_assert_int_eq(whole.told[WHOLE].accepted, 8);
    ck_assert_int_eq(whole.told[WHOLE].joined, 4); /* both, to both resources */
    for (uint64_t bytes = 0; bytes <= total; bytes++) {
        play(&cut, _i, bytes, &passed);
        ck_assert_msg(same(&whole, &cut),
                      "cut after %llu bytes: versions %llu and %llu, %d accepted, %d refused; not %llu, %llu, %d, %d",
                      (unsigned long long)bytes, (unsigned long long)cut.row_version,
                      (unsigned long long)cut.clock_version, cut.told[CUT].accepted, cut.told[CUT].refused,
                      (unsigned long long)whole.row_version, (unsigned long long)whole.clock_version,
                      whole.told[CUT].accepted, whole.told[CUT].refused);
        lost += cut.cuts;
        away += cut.told[WHOLE].away;
    }
    ck_assert_uint_ge(lost,
                      total / 2); /* the cuts were real; one within HELLO is made up for before anybody is connected */
    ck_assert_int_ge(away, (int)total / 2); /* and the other player saw them */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cuts");
    TCase *tcase = tcase_create("every byte");
    tcase_set_timeout(tcase, 240);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_cut_after_every_byte_changes_nothing, 0, 2);
    return movex_test_main(suite);
}
