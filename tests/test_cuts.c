/* The stream of a scripted match, cut after every byte in each direction: the match resumes, and ends as if nothing had
   happened. A frame that is not whole at the cut is lost; those before it arrive. */
#include "cuttable.h"
#include "match.h"
#include "row_game.h"

#include <string.h>

static const movex_type *const types[] = {&row_type, NULL};

typedef struct ending {
    row      state;
    uint64_t version;
    int      accepted, refused;
    uint64_t cuts;
} ending;

static void drain(movex_client *client, ending *e)
{
    for (movex_event event; movex_client_next(client, &event);) {
        ck_assert_int_ne(event.kind, MOVEX_EVENT_EXPIRED);
        ck_assert_int_ne(event.kind, MOVEX_EVENT_MISMATCH);
        ck_assert_int_ne(event.kind, MOVEX_EVENT_CLOSED);
        e->accepted += event.kind == MOVEX_EVENT_ACCEPTED;
        e->refused += event.kind == MOVEX_EVENT_REFUSED;
    }
}

/* The script: everything but time, which a cut must delay, is the same in every run. */
static void play(ending *e, bool upwards, uint64_t bytes, uint64_t *passed)
{
    static const struct {
        uint32_t action;
        row_swap swap;
        int32_t  number;
    } script[] = {{ROW_APPEND, {0, 0}, 1}, {ROW_APPEND, {0, 0}, 2}, {ROW_SWAP, {0, 1}, 0},  {ROW_TAKE, {0, 0}, 0},
                  {ROW_APPEND, {0, 0}, 3}, {ROW_CLAIM, {0, 0}, 0},  {ROW_APPEND, {0, 0}, 4}, {ROW_DRAW, {0, 0}, 0},
                  {ROW_CLAIM, {0, 0}, 0},  {ROW_APPEND, {0, 0}, 5}, {ROW_SWAP, {0, 1}, 0},  {ROW_SWAP, {9, 1}, 0}};
    enum { MOVES = sizeof script / sizeof script[0] };
    match m;
    *e = (ending){0};
    match_start(&m, MATCH_LOCAL, (movex_master_config){.types = types, .seed = 1, .entropy = NULL});
    movex_client *a = match_client(&m, "ann");
    cuttable_cut_after(m.ios[0], upwards, bytes);
    movex_resource *r = movex_bind(a, &row_type, "main");
    for (int i = 0; i < MOVES; i++) {
        union {
            row_append append;
            row_swap   swap;
        } payload = {.append = {script[i].number}};
        if (script[i].action == ROW_SWAP) payload.swap = script[i].swap;
        bool has_payload = script[i].action == ROW_APPEND || script[i].action == ROW_SWAP;
        ck_assert_uint_ne(movex_dispatch(r, script[i].action, has_payload ? &payload : NULL), 0);
        match_poll(&m);
        drain(a, e);
    }
    match_until(&m, movex_in_sync(r) && movex_pending(r) == 0);
    match_poll_times(&m, 3);
    drain(a, e);
    movex_hosted hosted;
    ck_assert(movex_master_find(m.master, &row_type, "main", &hosted));
    ck_assert_uint_eq(hosted.checksum, movex_checksum(r));
    memcpy(&e->state, movex_state(r), sizeof e->state);
    e->version = movex_version(r);
    e->cuts = movex_client_stats(a).connects - 1;
    ck_assert_uint_eq(movex_client_stats(a).mismatches + movex_client_stats(a).resyncs, 0);
    *passed = cuttable_passed(m.ios[0], upwards);
    match_end(&m);
}

static bool same(const ending *a, const ending *b)
{
    row left = a->state, right = b->state;
    return memcmp(&left, &right, sizeof left) == 0 && a->version == b->version && a->accepted == b->accepted &&
           a->refused == b->refused;
}

START_TEST(a_cut_after_every_byte_changes_nothing)
{
    ending   whole, cut;
    uint64_t total, passed, lost = 0;
    play(&whole, _i, UINT64_MAX, &total);
    ck_assert_uint_gt(total, 60);
    ck_assert_int_eq(whole.accepted + whole.refused, 12);
    for (uint64_t bytes = 0; bytes <= total; bytes++) {
        play(&cut, _i, bytes, &passed);
        ck_assert_msg(same(&whole, &cut), "cut after %llu bytes: version %llu, %d accepted, %d refused; not %llu, %d, %d",
                      (unsigned long long)bytes, (unsigned long long)cut.version, cut.accepted, cut.refused,
                      (unsigned long long)whole.version, whole.accepted, whole.refused);
        lost += cut.cuts;
    }
    ck_assert_uint_ge(lost, total / 2); /* the cuts were real; one within HELLO is made up for before anybody is connected */
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
