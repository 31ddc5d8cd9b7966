/* What pairs, reveals and redacted views cost, counted: bytes, hashing, allocations. The states are alike but for a board that
   takes from 100 bytes to 100 KB of them, of which no action touches anything. */
#include "match.h"
#include "meter.h"

#include <stdio.h>
#include <string.h>

enum { SUBMIT, READY, AGAIN, PAINT, ACTIONS };
enum { BOARD_SEATS = 2, PLAYERS = 2, WATCHERS = 2, CLIENTS = PLAYERS + WATCHERS };

/* What the reducer knows; the board lies behind it. */
typedef struct {
    uint8_t  move[BOARD_SEATS];
    uint32_t rounds, secret[BOARD_SEATS];
} board_head;
typedef struct {
    uint8_t seat, move;
} board_submit;
typedef struct {
    uint8_t seat;
} board_ready;
typedef struct {
    uint8_t  seat;
    uint32_t secret;
} board_paint;

MOVEX_SCHEMA(head_schema, board_head, MOVEX_ARRAY(board_head, move), MOVEX_FIELD(board_head, rounds),
             MOVEX_ARRAY(board_head, secret));
MOVEX_SCHEMA(submit_schema, board_submit, MOVEX_FIELD(board_submit, seat), MOVEX_FIELD(board_submit, move));
MOVEX_SCHEMA(ready_schema, board_ready, MOVEX_FIELD(board_ready, seat));
MOVEX_SCHEMA(paint_schema, board_paint, MOVEX_FIELD(board_paint, seat), MOVEX_FIELD(board_paint, secret));

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    board_head *head = state;
    (void)context;
    switch (action->type) {
    case SUBMIT:
        head->move[((const board_submit *)action->payload)->seat % 2] = ((const board_submit *)action->payload)->move;
        break;
    case READY: head->move[((const board_ready *)action->payload)->seat % 2] = 1; break;
    case AGAIN:
        head->rounds++;
        head->move[0] = head->move[1] = 0;
        break;
    case PAINT:
        head->secret[((const board_paint *)action->payload)->seat % 2] ^=
            ((const board_paint *)action->payload)->secret;
        break;
    }
    return MOVEX_ACCEPT;
}

static bool both_have_moved(const void *public_state)
{
    const board_head *head = public_state;
    return head->move[0] && head->move[1];
}

static const char *const names[CLIENTS] = {"p0", "p1", "w0", "w1"};

static void redact(void *state, const char *viewer)
{
    board_head *head = state;
    for (int i = 0; i < BOARD_SEATS; i++)
        if (strcmp(viewer, names[i]) != 0) head->secret[i] = 0;
}

static uint64_t audience(const void *state, const char *viewer)
{
    (void)state;
    for (uint64_t i = 0; i < BOARD_SEATS; i++)
        if (strcmp(viewer, names[i]) == 0) return i + 1;
    return 0;
}

static const movex_action_type actions[ACTIONS] = {
    [SUBMIT] = {.name = "submit", .payload = &submit_schema, .hidden_as = "ready"},
    [READY] = {.name = "ready", .payload = &ready_schema},
    [AGAIN] = {.name = "again"},
    [PAINT] = {.name = "paint", .payload = &paint_schema},
};

/* A state with so large a board, and its types: plain and redacted. */
#define BOARD(size)                                                                                                    \
    typedef struct {                                                                                                   \
        board_head head;                                                                                               \
        uint8_t    cells[size];                                                                                        \
    } board##size;                                                                                                     \
    MOVEX_SCHEMA(board##size##_schema, board##size, MOVEX_STRUCT(board##size, head, head_schema),                      \
                 MOVEX_ARRAY(board##size, cells));                                                                     \
    static void init##size(void *state)                                                                                \
    {                                                                                                                  \
        for (uint32_t i = 0; i < (size); i++) ((board##size *)state)->cells[i] = (uint8_t)(i * 7 + 1);                 \
    }                                                                                                                  \
    static const movex_type plain##size = {.name = "board",                                                            \
                                           .state = &board##size##_schema,                                             \
                                           .actions = actions,                                                         \
                                           .action_count = ACTIONS,                                                    \
                                           .reduce = reduce,                                                           \
                                           .init = init##size,                                                         \
                                           .can_reconcile = both_have_moved};                                          \
    static const movex_type redacted##size = {.name = "board",                                                         \
                                              .state = &board##size##_schema,                                          \
                                              .actions = actions,                                                      \
                                              .action_count = ACTIONS,                                                 \
                                              .reduce = reduce,                                                        \
                                              .init = init##size,                                                      \
                                              .can_reconcile = both_have_moved,                                        \
                                              .redact = redact,                                                        \
                                              .audience = audience}

BOARD(100);
BOARD(1000);
BOARD(10000);
BOARD(100000);

enum { SIZES = 4 };
static const movex_type *const plain[SIZES] = {&plain100, &plain1000, &plain10000, &plain100000};
static const movex_type *const redacted[SIZES] = {&redacted100, &redacted1000, &redacted10000, &redacted100000};

/* ---- measuring */

typedef struct bench {
    meter           meter;
    movex_master   *master;
    movex_client   *clients[CLIENTS];
    movex_resource *resources[CLIENTS];
    uint64_t        now_ms;
} bench;

typedef struct cost {
    uint64_t up, down;            /* bytes of frames: dispatched by all clients, told to all */
    uint64_t hashed, seen_hashed; /* bytes, by the master, by all clients */
    uint64_t reduces, patches;    /* of the master */
    uint64_t allocations;         /* of all */
} cost;

static cost total(const bench *b)
{
    movex_stats stats = movex_master_stats(b->master);
    cost        c = {.up = stats.bytes_received,
                     .down = stats.bytes_sent,
                     .hashed = stats.bytes_hashed,
                     .reduces = stats.reduces,
                     .patches = stats.patches,
                     .allocations = b->meter.taken};
    for (int i = 0; i < CLIENTS; i++) c.seen_hashed += movex_client_stats(b->clients[i]).bytes_hashed;
    return c;
}

static cost since(const bench *b, cost before)
{
    cost now = total(b);
    return (cost){now.up - before.up,
                  now.down - before.down,
                  now.hashed - before.hashed,
                  now.seen_hashed - before.seen_hashed,
                  now.reduces - before.reduces,
                  now.patches - before.patches,
                  now.allocations - before.allocations};
}

static void settle(bench *b)
{
    for (int turn = 0; turn < 3; turn++) {
        ++b->now_ms;
        for (int i = 0; i < CLIENTS; i++) movex_client_poll(b->clients[i], b->now_ms);
        movex_master_poll(b->master, b->now_ms);
    }
    for (int i = 0; i < CLIENTS; i++) {
        movex_event event;
        while (movex_client_next(b->clients[i], &event))
            must(event.kind != MOVEX_EVENT_MISMATCH && event.kind != MOVEX_EVENT_DISCONNECTED &&
                 event.kind != MOVEX_EVENT_REFUSED);
        must_equal(movex_pending(b->resources[i]), 0);
    }
}

static void start(bench *b, const movex_type *type)
{
    *b = (bench){.now_ms = 1};
    movex_allocator counted = meter_allocator(&b->meter);
    b->master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(type), .allocator = counted});
    for (int i = 0; i < CLIENTS; i++) {
        b->clients[i] = movex_client_new(
            &(movex_client_config){.id = names[i], .io = movex_local_connect(b->master), .allocator = counted});
        b->resources[i] = movex_bind(b->clients[i], type, "main");
        must(b->resources[i]);
    }
    for (int i = 0; i < 5; i++) settle(b);
    for (int i = 0; i < CLIENTS; i++) must(movex_in_sync(b->resources[i]));
}

static void finish(bench *b)
{
    for (int i = 0; i < CLIENTS; i++) {
        uint64_t checksum;
        must_equal(
            movex_master_view(b->master, movex_resource_type(b->resources[i]), "main", names[i], NULL, &checksum),
            MOVEX_OK);
        must_equal(checksum, movex_checksum(b->resources[i]));
        must_equal(movex_client_stats(b->clients[i]).mismatches, 0);
        movex_client_free(b->clients[i]);
    }
    movex_master_free(b->master);
    must_equal(b->meter.blocks, 0);
}

static void submit(bench *b, uint8_t seat, uint8_t move)
{
    must(movex_dispatch_private(b->resources[seat], SUBMIT, &(board_submit){seat, move}, READY, &(board_ready){seat}));
    settle(b);
}

static void play_round(bench *b, uint32_t round)
{
    submit(b, 0, (uint8_t)(1 + round % 3));
    submit(b, 1, (uint8_t)(1 + round % 2));
    must(movex_dispatch(b->resources[2], AGAIN, NULL));
    settle(b);
}

static void must_be_alike(const cost *costs, const char *what, int from)
{
    for (int i = from + 1; i < SIZES; i++) {
        const cost *a = &costs[from], *b = &costs[i];
        must_msg(a->up == b->up && a->down == b->down && a->reduces == b->reduces && a->patches == b->patches,
                 "%s: with another size of the state it is %llu and %llu bytes instead of %llu and %llu", what,
                 (unsigned long long)b->up, (unsigned long long)b->down, (unsigned long long)a->up,
                 (unsigned long long)a->down);
    }
}

/* The hashing of two blocks of each view that changes (MOVEX_CODEC_BLOCK): the action's place may straddle two. */
static void must_hash_little(const cost *costs, const char *what, uint64_t views)
{
    for (int i = 0; i < SIZES; i++) {
        uint64_t most = views * 2 * MOVEX_CODEC_BLOCK;
        must_msg(costs[i].hashed <= most && costs[i].seen_hashed <= CLIENTS * 2 * 2 * MOVEX_CODEC_BLOCK,
                 "%s: %llu and %llu bytes are hashed", what, (unsigned long long)costs[i].hashed,
                 (unsigned long long)costs[i].seen_hashed);
    }
}

/* ---- pairs */

START_TEST(P10_a_pair_costs_what_the_action_costs)
{
    cost first[SIZES], second[SIZES], open[SIZES];
    for (int i = 0; i < SIZES; i++) {
        bench b;
        start(&b, plain[i]);
        play_round(&b, 1);
        cost before = total(&b);
        submit(&b, 0, 3);
        first[i] = since(&b, before);
        before = total(&b);
        submit(&b, 1, 2); /* with the reveal */
        second[i] = since(&b, before);
        before = total(&b);
        must(movex_dispatch(b.resources[2], AGAIN, NULL));
        settle(&b);
        open[i] = since(&b, before);
        finish(&b);
    }
    must_be_alike(first, "a pair", 0);
    must_be_alike(second, "a pair with its reveal", 0);
    must_hash_little(first, "a pair", 2);                  /* the author's view and the public one */
    must_hash_little(second, "a pair with its reveal", 4); /* both authors', the public and the full one */
    must_hash_little(open, "a public action", 1);
    /* A few dozen bytes each: the ancestor sent the state with every pair. */
    must(first[0].up <= 24);
    must(first[0].down <= 40 * CLIENTS);
    must(second[0].down <= 72 * CLIENTS);
    must(first[0].down >= open[0].down); /* it is counted */
}
END_TEST

START_TEST(payloads_are_what_a_pair_costs_more)
{
    bench b;
    start(&b, plain[1]);
    play_round(&b, 1);
    cost before = total(&b);
    submit(&b, 0, 2);
    cost private_one = since(&b, before);
    before = total(&b);
    must(movex_dispatch(b.resources[2], READY, &(board_ready){0}));
    settle(&b);
    cost public_one = since(&b, before);
    /* Up: the second action, its payload, and the reveal that it follows; down: nothing, it is told like any other. */
    must(private_one.up > public_one.up);
    must(private_one.up <= public_one.up + sizeof(board_submit) + 12);
    must_equal(private_one.down, public_one.down);
    finish(&b);
}
END_TEST

/* However long something stays hidden, an entry is reduced once in each view. */
START_TEST(views_are_kept_and_not_made_again)
{
    for (int kind = 0; kind < 2; kind++) {
        bench    b;
        uint64_t first = 0;
        start(&b, kind ? redacted[0] : plain[0]);
        submit(&b, 0, 2);
        for (int n = 0; n < 50; n++) {
            cost before = total(&b);
            must(movex_dispatch(b.resources[2], READY, &(board_ready){0}));
            settle(&b);
            uint64_t reduces = since(&b, before).reduces;
            if (n == 0) first = reduces;
            must_equal(reduces, first);
        }
        must(first > 1);
        finish(&b);
    }
}
END_TEST

START_TEST(nothing_is_allocated_once_warm)
{
    for (int i = 0; i < 2 * SIZES; i++) {
        bench b;
        start(&b, i < SIZES ? plain[i] : redacted[i - SIZES]);
        for (uint32_t round = 0; round < 600; round++) play_round(&b, round); /* the history has filled up */
        cost before = total(&b);
        for (uint32_t round = 0; round < 50; round++) play_round(&b, round);
        must_equal(since(&b, before).allocations, 0);
        must_equal(movex_master_stats(b.master).reveals, 650);
        finish(&b);
    }
}
END_TEST

/* ---- redacted views */

START_TEST(a_redacted_view_costs_what_differs)
{
    cost paints[SIZES], reveals[SIZES], opens[SIZES];
    for (int i = 0; i < SIZES; i++) {
        bench b;
        start(&b, redacted[i]);
        play_round(&b, 1);
        cost before = total(&b);
        must(movex_dispatch(b.resources[0], PAINT, &(board_paint){0, 0x01020304}));
        settle(&b);
        paints[i] = since(&b, before);
        before = total(&b);
        submit(&b, 0, 3);
        must_equal(since(&b, before).patches, 0); /* its author has done what it holds, the others what is shown */
        submit(&b, 1, 2);
        reveals[i] = since(&b, before);
        before = total(&b);
        must(movex_dispatch(b.resources[2], AGAIN, NULL));
        settle(&b);
        opens[i] = since(&b, before);
        finish(&b);
    }
    /* How far into the state a difference lies costs a byte or two more. */
    for (int i = 0; i < SIZES; i++) {
        must(paints[i].up == paints[0].up && reveals[i].up == reveals[0].up);
        must(paints[i].down <= paints[0].down + 4 * CLIENTS);
        must(reveals[i].down <= reveals[0].down + 4 * CLIENTS);
        must_equal(paints[i].patches, 2); /* the other player's and the watchers': equal ones are made once */
        must_equal(opens[i].patches, 0);  /* all can compute it */
        must(paints[i].down <= 48 * CLIENTS);
    }
    must_be_alike(opens, "a public action", 0);
    /* Of the truth and of three who see it differently, each twice: as computed, and as it is to be. */
    must_hash_little(paints, "what is blanked", 1 + 2 * 3);
    must_hash_little(opens, "a public action", 1 + 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hidden cost");
    TCase *tcase = tcase_create("cost");
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, P10_a_pair_costs_what_the_action_costs);
    tcase_add_test(tcase, payloads_are_what_a_pair_costs_more);
    tcase_add_test(tcase, views_are_kept_and_not_made_again);
    tcase_add_test(tcase, nothing_is_allocated_once_warm);
    tcase_add_test(tcase, a_redacted_view_costs_what_differs);
    return movex_test_main(suite);
}
