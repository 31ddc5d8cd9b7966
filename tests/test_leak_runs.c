/* Nothing leaks (I3) over seeded random runs: each is played twice, with other hidden moves and other decks of the clients who may
   know them, and with moves that are hidden in one run and not in the other. The leak checker compares all that the master sends
   to the others. Three of five runs show nothing of what is secret; in the others it is revealed now and then, and from there on
   they cannot be compared. A failure names its seed; MOVEX_TEST_SEED runs that one alone. */
#include "meter.h"
#include "secrets_run.h"
#include "support.h"

#include <movex/leak.h>

typedef struct pair_of_runs {
    uint64_t       seed;
    int            watched;
    secrets_events events;
} pair_of_runs;

static void play(void *user, const movex_leak_run *run)
{
    static secrets_run r;
    pair_of_runs      *pair = user;
    memset(&r, 0, sizeof r);
    r.seed = pair->seed;
    r.secret = run->secret;
    r.watched = pair->watched;
    r.quiet = pair->seed / 4 % 5 < 3;
    r.events = &pair->events;
    r.net = run->net;
    r.lent = true;
    r.observer = run->observer;
    movex_leak_may_show(run);
    secrets_play(&r, 100);
}

/* Clients 0 and 1 may know; all others that there are may not. */
static movex_leak_verdict check_seed(pair_of_runs *pair, uint64_t seed)
{
    static const char *const names[] = {"c2", "c3", "c4", "c5", NULL};
    uint64_t                 random = seed * 2654435761u + 1; /* as the run draws how many there are */
    int                      clients = 2 + (int)meter_below(&random, SECRETS_CLIENTS - 1);
    const char              *viewers[5] = {NULL};
    for (int i = 2; i < clients; i++) viewers[i - 2] = names[i - 2];
    if (clients == 2) viewers[0] = "c1";
    pair->seed = seed;
    pair->watched = clients == 2 ? 1 : 2;
    movex_leak_config config = {.play = play, .user = pair, .viewers = viewers, .network = {.seed = seed}};
    movex_leak_report report;
    int               status = movex_leak_check(&config, &report);
    must_msg(status == MOVEX_OK && report.verdict <= MOVEX_LEAK_SHOWN, "seed %llu: %s", (unsigned long long)seed,
             report.text);
    must(report.frames > 0);
    return report.verdict;
}

enum { SEEDS_AT_ONCE = 40 };

START_TEST(nothing_leaks)
{
    const char         *one = getenv("MOVEX_TEST_SEED");
    static pair_of_runs pair;
    int                 comparable = 0;
    if (one) {
        if (_i == 0) check_seed(&pair, strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t k = 1; k <= SEEDS_AT_ONCE; k++)
        comparable += check_seed(&pair, (uint64_t)_i * SEEDS_AT_ONCE + k) == MOVEX_LEAK_NONE;
    ck_assert_int_ge(comparable, SEEDS_AT_ONCE / 2);
    ck_assert_int_lt(comparable, SEEDS_AT_ONCE); /* else nothing was revealed */
    ck_assert_uint_gt(pair.events.hidden, 100);
    ck_assert_uint_gt(pair.events.patches, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leak runs");
    TCase *tcase = tcase_create("seeds");
    tcase_set_timeout(tcase, 600);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, nothing_leaks, 0, movex_test_is_long() ? 50 : 5); /* forties */
    return movex_test_main(suite);
}
