/* Actions that declare what they touch: all comes out as where the state is compared, whatever they do; what they change and do
   not name is found; a flipped bit is found within 256 messages; and it costs what is touched. */
#include "match.h"

#include <stdio.h>
#include <string.h>

enum { CELLS = 20000, NAMES = 20, NAME_SIZE = 40, MOST_MESSAGES = 256 };
enum { TOO_MUCH = 7 };

typedef struct label {
    uint8_t  tag; /* padding behind it */
    uint32_t worth;
    char     text[NAME_SIZE];
    bool     is_set;
} label;

typedef struct field {
    uint32_t cell[CELLS];
    uint16_t label_count;
    label    labels[NAMES];
    uint64_t sum;
} field;

typedef struct set {
    uint32_t index, value;
} set;

typedef struct text {
    char text[NAME_SIZE];
} text;

MOVEX_SCHEMA(label_schema, label, MOVEX_FIELD(label, tag), MOVEX_FIELD(label, worth), MOVEX_TEXT(label, text),
             MOVEX_FIELD(label, is_set));
MOVEX_SCHEMA(field_schema, field, MOVEX_ARRAY(field, cell), MOVEX_STRUCT_LIST(field, labels, label_count, label_schema),
             MOVEX_FIELD(field, sum));
MOVEX_SCHEMA(set_schema, set, MOVEX_FIELD(set, index), MOVEX_FIELD(set, value));
MOVEX_SCHEMA(text_schema, text, MOVEX_TEXT(text, text));

/* Those from FAR on do not keep to what they declare. */
enum { SET, PUSH, POP, NAME, BREAK, CROP, ANYTHING, PAD, IDLE, FAR, NEAR, WIPE, SPOIL, ACTIONS };

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    field      *f = state;
    const set  *s = action->payload;
    const text *t = action->payload;
    (void)context;
    switch (action->type) {
    case SET:
        f->cell[s->index % CELLS] = s->value;
        f->sum += s->value;
        return s->value % 16 == 1 ? TOO_MUCH : MOVEX_ACCEPT; /* late, so that there is something to restore */
    case PUSH:
        if (f->label_count == NAMES) return MOVEX_REFUSE;
        memcpy(f->labels[f->label_count].text, t->text, NAME_SIZE);
        f->labels[f->label_count++].is_set = true;
        return MOVEX_ACCEPT;
    case POP: /* leaves slots behind, which are cleared */
        f->label_count /= 2;
        return MOVEX_ACCEPT;
    case NAME: /* leaves the tail of a longer text behind */
        if (!f->label_count) return MOVEX_REFUSE;
        f->labels[0].text[strlen(t->text)] = '\0';
        memcpy(f->labels[0].text, t->text, strlen(t->text));
        return MOVEX_ACCEPT;
    case BREAK: /* what the schema forbids */
        f->cell[s->index % CELLS] = s->value;
        f->label_count = NAMES + 1;
        return MOVEX_ACCEPT;
    case CROP: /* the same, after slots have been left behind */
        if (f->label_count < 2) return MOVEX_REFUSE;
        f->label_count /= 2;
        memset(f->labels[0].text, 'x', NAME_SIZE);
        return MOVEX_ACCEPT;
    case ANYTHING:
        f->cell[s->index % CELLS]++;
        f->cell[(s->index + CELLS / 2) % CELLS]++;
        return MOVEX_ACCEPT;
    case PAD: /* what lies between members may come to hold anything, as when a struct is assigned */
        f->cell[0]++;
        for (int i = 0; i < f->label_count; i++) ((unsigned char *)&f->labels[i].tag)[1] ^= (unsigned char)f->cell[0];
        return MOVEX_ACCEPT;
    case IDLE: return MOVEX_ACCEPT;
    case FAR: /* names the first cell, and changes another one as well */
        f->cell[0]++;
        f->cell[CELLS / 2] = 4711;
        return MOVEX_ACCEPT;
    case NEAR: /* names its neighbour */
        f->cell[1] = 4711;
        return MOVEX_ACCEPT;
    case WIPE: /* leaves slots behind, and clears them itself */
        f->label_count = 0;
        memset(f->labels, 0, sizeof f->labels);
        return MOVEX_ACCEPT;
    case SPOIL: /* names the first cell, changes another one, and refuses */
        f->cell[CELLS / 2] = 4711;
        return TOO_MUCH;
    }
    return MOVEX_REFUSE;
}

static void touch_set(const void *state, const movex_action *action, movex_touch *touch)
{
    const field *f = state;
    const set   *s = action->payload;
    MOVEX_TOUCHES(touch, f->cell[s->index % CELLS]);
    MOVEX_TOUCHES(touch, f->sum);
}

static void touch_push(const void *state, const movex_action *action, movex_touch *touch)
{
    const field *f = state;
    (void)action;
    MOVEX_TOUCHES(touch, f->label_count);
    if (f->label_count < NAMES) MOVEX_TOUCHES(touch, f->labels[f->label_count]);
}

static void touch_count(const void *state, const movex_action *action, movex_touch *touch)
{
    (void)action;
    MOVEX_TOUCHES(touch, ((const field *)state)->label_count);
}

static void touch_crop(const void *state, const movex_action *action, movex_touch *touch)
{
    touch_count(state, action, touch);
    MOVEX_TOUCHES(touch, ((const field *)state)->labels[0].text);
}

static void touch_name(const void *state, const movex_action *action, movex_touch *touch)
{
    const text *t = action->payload;
    movex_touches(touch, ((const field *)state)->labels[0].text, strlen(t->text) + 1);
}

static void touch_broken(const void *state, const movex_action *action, movex_touch *touch)
{
    touch_count(state, action, touch);
    touch_set(state, action, touch);
}

/* What lies elsewhere stands for everything, if in part only. */
static void touch_anything(const void *state, const movex_action *action, movex_touch *touch)
{
    static const uint32_t elsewhere = 0;
    const field          *f = state;
    switch (((const set *)action->payload)->index % 4) {
    case 0: MOVEX_TOUCHES(touch, elsewhere); break;
    case 1: movex_touches(touch, f + 1, 1); break;
    case 2: movex_touches(touch, &f->sum, sizeof *f); break;
    case 3: movex_touches(touch, f->cell, SIZE_MAX); break;
    }
}

static void touch_nothing(const void *state, const movex_action *action, movex_touch *touch)
{
    movex_touches(touch, state, 0);
    (void)action;
}

static void touch_first(const void *state, const movex_action *action, movex_touch *touch)
{
    (void)action;
    MOVEX_TOUCHES(touch, ((const field *)state)->cell[0]);
}

static const movex_action_type declaring[ACTIONS] = {
    [SET] = {.name = "set", .payload = &set_schema, .touches = touch_set},
    [PUSH] = {.name = "push", .payload = &text_schema, .touches = touch_push},
    [POP] = {.name = "pop", .touches = touch_count},
    [NAME] = {.name = "name", .payload = &text_schema, .touches = touch_name},
    [BREAK] = {.name = "break", .payload = &set_schema, .touches = touch_broken},
    [CROP] = {.name = "crop", .touches = touch_crop},
    [ANYTHING] = {.name = "anything", .payload = &set_schema, .touches = touch_anything},
    [PAD] = {.name = "pad", .touches = touch_first},
    [IDLE] = {.name = "idle", .touches = touch_nothing},
    [FAR] = {.name = "far", .touches = touch_first},
    [NEAR] = {.name = "near", .touches = touch_first},
    [WIPE] = {.name = "wipe", .touches = touch_count},
    [SPOIL] = {.name = "spoil", .touches = touch_first},
};
static const movex_action_type silent[ACTIONS] = {
    [SET] = {.name = "set", .payload = &set_schema},
    [PUSH] = {.name = "push", .payload = &text_schema},
    [POP] = {.name = "pop"},
    [NAME] = {.name = "name", .payload = &text_schema},
    [BREAK] = {.name = "break", .payload = &set_schema},
    [CROP] = {.name = "crop"},
    [ANYTHING] = {.name = "anything", .payload = &set_schema},
    [PAD] = {.name = "pad"},
    [IDLE] = {.name = "idle"},
    [FAR] = {.name = "far"},
    [NEAR] = {.name = "near"},
    [WIPE] = {.name = "wipe"},
    [SPOIL] = {.name = "spoil"},
};
static const movex_type declared_type = {
    .name = "declared", .state = &field_schema, .actions = declaring, .action_count = ACTIONS, .reduce = reduce};
static const movex_type compared_type = {
    .name = "compared", .state = &field_schema, .actions = silent, .action_count = ACTIONS, .reduce = reduce};
static const movex_type *const types[] = {&declared_type, &compared_type, NULL};

static uint64_t next_random(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u; /* Knuth's, good enough to scatter */
    return *random >> 33;
}

/* ---- the same comes out */

/* One of those that keep to what they declare, to both resources. */
static void act(movex_resource *const both[2], uint64_t *random)
{
    uint32_t    action = (uint32_t)(next_random(random) % FAR);
    set         s = {(uint32_t)next_random(random), (uint32_t)next_random(random)};
    text        t = {{0}};
    const void *payload = action == SET || action == BREAK || action == ANYTHING ? (const void *)&s : NULL;
    memset(t.text, 'a' + (int)(next_random(random) % 26), next_random(random) % NAME_SIZE);
    if (action == PUSH || action == NAME) payload = &t;
    for (int i = 0; i < 2; i++) ck_assert_uint_ne(movex_dispatch(both[i], action, payload), 0);
}

static uint64_t drain(movex_client *client)
{
    uint64_t refused = 0;
    for (movex_event event; movex_client_next(client, &event);) refused += event.kind == MOVEX_EVENT_REFUSED;
    return refused;
}

START_TEST(declared_or_compared_the_same_comes_out)
{
    match    m;
    uint64_t random = (uint64_t)_i, refused = 0;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *ann = match_client(&m, "ann"), *ben = match_client(&m, "ben");
    movex_resource *of_ann[2] = {movex_bind(ann, &declared_type, "f"), movex_bind(ann, &compared_type, "f")};
    movex_resource *of_ben[2] = {movex_bind(ben, &declared_type, "f"), movex_bind(ben, &compared_type, "f")};
    for (int i = 0; i < 2; i++) match_until(&m, movex_in_sync(of_ann[i]) && movex_in_sync(of_ben[i]));
    for (int turn = 0; turn < 150; turn++) {
        for (uint64_t left = next_random(&random) % 4; left; left--) act(of_ann, &random);
        if (next_random(&random) % 2) act(of_ben, &random);
        const field *predicted = movex_state(of_ann[0]);
        ck_assert(movex_codec_equal(movex_rules_state(movex_resource_rules(of_ann[0])), predicted, movex_state(of_ann[1])));
        match_until(&m, !movex_pending(of_ann[0]) && !movex_pending(of_ann[1]) && !movex_pending(of_ben[0]) &&
                            !movex_pending(of_ben[1]) && movex_version(of_ann[0]) == movex_version(of_ben[0]));
        match_poll(&m);
        ck_assert_uint_eq(movex_version(of_ann[0]), movex_version(of_ann[1]));
        for (int i = 0; i < 2; i++) {
            ck_assert_uint_eq(movex_checksum(of_ann[i]), movex_checksum(of_ann[0]));
            ck_assert_uint_eq(movex_checksum(of_ben[i]), movex_checksum(of_ann[0]));
        }
        refused += drain(ann) + drain(ben);
    }
    ck_assert_uint_gt(refused, 20); /* of both kinds: by the reducer, and for what the schema forbids */
    ck_assert_uint_eq(movex_client_stats(ann).mismatches + movex_client_stats(ben).mismatches, 0);
    const movex_codec *codec = movex_rules_state(movex_resource_rules(of_ann[0]));
    ck_assert_uint_eq(movex_codec_checksum(codec, movex_confirmed_state(of_ann[0])), movex_checksum(of_ann[0]));
    match_end(&m);
}
END_TEST

START_TEST(it_costs_what_is_touched)
{
    enum { TURNS = 300 };
    match m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *ann = match_client(&m, "ann");
    movex_resource *resource = movex_bind(ann, &declared_type, "f");
    match_until(&m, movex_in_sync(resource));
    uint64_t before = movex_master_stats(m.master).bytes_hashed;
    for (uint32_t i = 0; i < TURNS; i++) {
        movex_dispatch(resource, SET, &(set){i * 61, 2});
        match_until(&m, movex_version(resource) == i + 1);
    }
    /* The block of the cell and that of the sum. */
    ck_assert_uint_le(movex_master_stats(m.master).bytes_hashed - before, TURNS * 2 * MOVEX_CODEC_BLOCK);
    match_end(&m);
}
END_TEST

/* ---- what is not named is found */

#define FINDING(name) "type declared, action " name
static const char *const findings[ACTIONS] = {
    [FAR] = FINDING("far: it changed what its touches does not name: cell[10000]: here 4711, as declared 0"),
    [NEAR] = FINDING("near: it changed what its touches does not name: cell[1]: here 4711, as declared 0"),
    [WIPE] = FINDING("wipe: it wrote where its touches names nothing, such as unused slots, or behind a text's end"),
    [SPOIL] = FINDING(
        "spoil: it changed, before it refused, what its touches does not name: cell[10000]: here 4711, before 0"),
};

START_TEST(the_determinism_check_names_what_was_not_declared)
{
    static field      state;
    movex_determinism found = {0};
    movex_rules      *rules = movex_rules_new(&declared_type, NULL, NULL);
    uint64_t          random = 1;
    memset(&state, 0, sizeof state);
    ck_assert_int_eq(movex_rules_check_determinism(rules, &found), MOVEX_OK);
    for (uint32_t i = 0; i < 40; i++) { /* nobody is accused who keeps to it */
        set  s = {(uint32_t)next_random(&random), i};
        text t = {{0}};
        memset(t.text, 'x', i % NAME_SIZE);
        movex_apply(rules, &state,
                    i % 4 < 2    ? SET
                    : i % 8 == 2 ? PUSH
                                 : NAME,
                    i % 4 < 2 ? (const void *)&s : (const void *)&t, NULL, NULL);
        if (i % 16 == 15) movex_apply(rules, &state, POP, NULL, NULL, NULL);
    }
    ck_assert_str_eq(found.text, "");
    state.cell[CELLS / 2] = state.cell[1] = 0;
    state.label_count = NAMES;
    for (int i = 0; i < NAMES; i++) memset(state.labels[i].text, 'x', NAME_SIZE - 1);
    movex_apply(rules, &state, (uint32_t)_i, NULL, NULL, NULL);
    ck_assert_str_eq(found.text, findings[_i]);
    ck_assert_uint_eq(found.findings, 1);
    movex_rules_free(rules);
}
END_TEST

#ifndef NDEBUG
static const char *const refusals[] = {
    "far changed what its touches does not name: cell[10000]: here 4711, before 0", NULL,
    "wipe changed what its touches does not name: labels[2].text: here \"a name of so\", before ",
    "spoil changed what its touches does not name: cell[10000]: here 4711, before 0"};

START_TEST(a_build_with_assertions_refuses_what_was_not_declared)
{
    if (!refusals[_i - FAR]) return; /* too near */
    match       m;
    movex_event event;
    int         reason = 0;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *ann = match_client(&m, "ann");
    movex_resource *resource = movex_bind(ann, &declared_type, "f");
    match_until(&m, movex_in_sync(resource));
    text named = {"a name of some length, so that"};
    for (uint32_t i = 1; i <= NAMES; i++) {
        movex_dispatch(resource, PUSH, &named);
        match_until(&m, movex_version(resource) == i);
    }
    movex_ticket ticket = movex_dispatch(resource, (uint32_t)_i, NULL);
    while (movex_client_next(ann, &event))
        if (event.ticket == ticket) reason = event.reason;
    ck_assert_int_eq(reason, MOVEX_REFUSED_UNDECLARED);
    ck_assert_uint_eq(((const field *)movex_state(resource))->cell[0], 0);
    ck_assert_uint_eq(((const field *)movex_state(resource))->cell[CELLS / 2], 0);
    ck_assert_msg(strstr(movex_client_error(ann)->text, refusals[_i - FAR]), "%s", movex_client_error(ann)->text);
    match_end(&m);
}
END_TEST
#endif

/* ---- I5 */

static void flip(const movex_resource *resource, size_t bit)
{
    union {
        const void    *read_only;
        unsigned char *bytes;
    } confirmed = {.read_only = movex_confirmed_state(resource)};
    confirmed.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
}

START_TEST(a_flipped_bit_is_found_within_256_messages)
{
    match m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = movex_bind(a, &declared_type, "f"), *rb = movex_bind(b, &declared_type, "f");
    match_until(&m, movex_in_sync(ra) && movex_in_sync(rb));
    uint64_t random = (uint64_t)_i, found = 0, most = 0;
    for (int run = 0; run < 12; run++) {
        size_t   cell = next_random(&random) % CELLS, messages = 0;
        bool     told = false;
        char     name[32];
        uint32_t before = ((const field *)movex_confirmed_state(ra))->cell[cell];
        flip(rb, offsetof(field, cell) * 8 + cell * 32 + next_random(&random) % 32);
        snprintf(name, sizeof name, "cell[%zu]", cell);
        while (!told) {
            ck_assert_msg(messages < MOST_MESSAGES, "%s: not found after %zu messages", name, messages);
            movex_dispatch(ra, SET, &(set){0, 2});
            messages++;
            match_until(&m, movex_version(rb) == movex_version(ra) && !movex_pending(ra) && movex_in_sync(rb));
            for (movex_event event; movex_client_next(b, &event);) {
                if (event.kind != MOVEX_EVENT_MISMATCH) continue;
                ck_assert_msg(strstr(event.text, name), "%s: %s", name, event.text);
                told = true;
                found++;
            }
            drain(a);
        }
        if (messages > most) most = messages;
        ck_assert_uint_eq(movex_client_stats(b).resyncs, found);
        ck_assert_uint_eq(movex_checksum(rb), movex_checksum(ra));
        ck_assert_uint_eq(((const field *)movex_state(rb))->cell[cell], cell ? before : 2);
    }
#ifdef NDEBUG
    ck_assert_uint_gt(most, 10); /* it is looked at in turn, and not all at once */
#else
    ck_assert_uint_eq(most, 1); /* assertions look at all of it each time */
#endif
    match_end(&m);
}
END_TEST

/* ---- what is undone without anybody having noticed */

enum { LOCK, UNLOCK, USE, WRITE, SECRET_ACTIONS };

/* `sum` is a lock here: 0, or who has unlocked it may use it, whom the others may not know. */
static int reduce_secret(void *state, const movex_action *action, const movex_context *context)
{
    field     *f = state;
    const set *s = action->payload;
    (void)context;
    if (action->type == WRITE) f->cell[s->index % CELLS] = s->value;
    if (action->type == UNLOCK) f->sum = 1;
    return action->type == USE && f->sum == 0 ? MOVEX_REFUSE : MOVEX_ACCEPT;
}

static bool never(const void *state)
{
    (void)state;
    return false;
}

static void touch_secret(const void *state, const movex_action *action, movex_touch *touch)
{
    const field *f = state;
    const set   *s = action->payload;
    if (action->type == WRITE) MOVEX_TOUCHES(touch, f->cell[s->index % CELLS]);
    MOVEX_TOUCHES(touch, f->sum);
}

#define SECRET_TABLE(hook)                                                                                             \
    {[LOCK] = {.name = "lock", hook},                                                                                  \
     [UNLOCK] = {.name = "unlock", .hidden_as = "lock", hook},                                                         \
     [USE] = {.name = "use", hook},                                                                                    \
     [WRITE] = {.name = "write", .payload = &set_schema, hook}}
static const movex_action_type secret_declaring[SECRET_ACTIONS] = SECRET_TABLE(.touches = touch_secret);
static const movex_action_type secret_silent[SECRET_ACTIONS] = SECRET_TABLE(.touches = NULL);
#define SECRET_TYPE(label, table)                                                                                      \
    {.name = label, .state = &field_schema, .actions = table, .action_count = SECRET_ACTIONS, .reduce = reduce_secret, \
     .can_reconcile = never}
static const movex_type secret_types[] = {SECRET_TYPE("declared", secret_declaring),
                                          SECRET_TYPE("compared", secret_silent)};

/* A bit flips in what ben holds, and he predicts an action on top; then comes an entry that is refused in his view, so that the
   bit is put right, and nobody is told. What he is shown later, with another action on top, must not have it either. */
START_TEST(what_is_put_right_is_right_in_what_is_shown)
{
    enum { FLIPPED = 3 };
    match             m;
    const movex_type *type = &secret_types[_i];
    match_start_types(&m, MATCH_LOCAL, MOVEX_TYPES(type));
    movex_client   *ann = match_client(&m, "ann"), *ben = match_client(&m, "ben");
    movex_resource *ra = movex_bind(ann, type, "f"), *rb = movex_bind(ben, type, "f");
    match_until(&m, movex_in_sync(ra) && movex_in_sync(rb));
    movex_dispatch_private(ra, UNLOCK, NULL, LOCK, NULL);
    match_until(&m, movex_version(rb) == 1 && movex_version(ra) == 1);

    movex_dispatch(ra, USE, NULL);
    flip(rb, FLIPPED * 32 + 5);
    movex_dispatch(rb, WRITE, &(set){CELLS / 2, 7});
    match_until(&m, movex_version(rb) == 3 && !movex_pending(rb) && movex_version(ra) == 3);
    movex_dispatch(rb, WRITE, &(set){CELLS - 1, 8});
    ck_assert_uint_eq(((const field *)movex_state(rb))->cell[CELLS - 1], 8);
    ck_assert_uint_eq(((const field *)movex_state(rb))->cell[FLIPPED], 0);
    match_end(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("touches");
    TCase *tcase = tcase_create("declared touches");
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, declared_or_compared_the_same_comes_out, 0, 8);
    tcase_add_test(tcase, it_costs_what_is_touched);
    tcase_add_loop_test(tcase, the_determinism_check_names_what_was_not_declared, FAR, ACTIONS);
#ifndef NDEBUG
    tcase_add_loop_test(tcase, a_build_with_assertions_refuses_what_was_not_declared, FAR, ACTIONS);
#endif
    tcase_add_loop_test(tcase, a_flipped_bit_is_found_within_256_messages, 0, 3);
    tcase_add_loop_test(tcase, what_is_put_right_is_right_in_what_is_shown, 0, 2);
    return movex_test_main(suite);
}
