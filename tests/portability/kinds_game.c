#include "kinds_game.h"

#include <movex/text.h>

#include <math.h>
#include <string.h>

static const char *const mood_names[KINDS_MOODS] = {"calm", "lively", "wild"};

MOVEX_SCHEMA(body_schema, kinds_body, MOVEX_TEXT(kinds_body, name), MOVEX_FIELD(kinds_body, bright),
             MOVEX_FIELD(kinds_body, mass), MOVEX_ARRAY(kinds_body, position), MOVEX_ARRAY(kinds_body, speed),
             MOVEX_NAMED_ENUM(kinds_body, mood, mood_names));
MOVEX_SCHEMA(kinds_schema, kinds, MOVEX_FIELD(kinds, u8), MOVEX_FIELD(kinds, u16), MOVEX_FIELD(kinds, u32),
             MOVEX_FIELD(kinds, u64), MOVEX_FIELD(kinds, i8), MOVEX_FIELD(kinds, i16), MOVEX_FIELD(kinds, i32),
             MOVEX_FIELD(kinds, i64), MOVEX_FIELD(kinds, open), MOVEX_ARRAY(kinds, switches),
             MOVEX_FIELD(kinds, one_float), MOVEX_ARRAY(kinds, doubles), MOVEX_GRID(kinds, grid),
             MOVEX_LIST(kinds, samples, sample_count), MOVEX_TEXT(kinds, owner),
             MOVEX_TEXT_LIST(kinds, lines, line_count), MOVEX_STRUCT_LIST(kinds, bodies, body_count, body_schema),
             MOVEX_ENUM(kinds, mood, KINDS_MOODS), MOVEX_ENUM_GRID(kinds, moods, KINDS_MOODS),
             MOVEX_FIELD(kinds, due_ms), MOVEX_FIELD(kinds, waits), MOVEX_FIELD(kinds, secret),
             MOVEX_FIELD(kinds, last));
MOVEX_SCHEMA(move_schema, kinds_move, MOVEX_FIELD(kinds_move, x), MOVEX_FIELD(kinds_move, y),
             MOVEX_FIELD(kinds_move, a), MOVEX_FIELD(kinds_move, b), MOVEX_FIELD(kinds_move, big),
             MOVEX_ARRAY(kinds_move, three), MOVEX_TEXT(kinds_move, text), MOVEX_FIELD(kinds_move, mood));

static int set(kinds *k, const kinds_move *m)
{
    k->doubles[m->a % 3] = m->x;
    k->one_float = m->y;
    memcpy(k->grid[m->b % 3], m->three, sizeof m->three);
    if (k->sample_count < KINDS_SAMPLES) k->samples[k->sample_count++] = m->x;
    return MOVEX_ACCEPT;
}

static int integers(kinds *k, const kinds_move *m)
{
    uint64_t big = (uint64_t)m->big;
    k->u64 = (k->u64 ^ big >> m->a % 64) * UINT64_C(6364136223846793005) + m->b;
    k->u32 = k->u32 * 2654435761u + (uint32_t)big;
    k->u16 = (uint16_t)(k->u16 + big);
    k->u8 = (uint8_t)(k->u8 - m->b);
    k->i64 = m->b ? m->big / m->b : m->big % 1000;
    k->i32 = (int32_t)((k->i64 % 2000000011 + k->i32) / 2);
    k->i16 = (int16_t)(k->i32 % 30011);
    k->i8 = (int8_t)(k->i32 % 127);
    k->last++;
    return MOVEX_ACCEPT;
}

/* A float's product, added: rounded twice, and never in a wider type. */
static int multiply(kinds *k, const kinds_move *m)
{
    float  sum = k->one_float;
    double wide = k->doubles[m->a % 3];
    for (int i = 0; i < 3; i++) {
        sum = sum * m->three[i] + k->grid[i][m->b % 3] * m->y;
        wide = wide * m->x - (double)m->three[i] * k->doubles[i];
        k->grid[m->b % 3][i] = m->three[i] * m->y - k->grid[i][i] / (m->y + 1.0f);
    }
    k->one_float = sum;
    k->doubles[m->a % 3] = wide;
    return MOVEX_ACCEPT;
}

static void pull(kinds_body *body, const kinds_body *other)
{
    double dx = (double)other->position[0] - (double)body->position[0];
    double dy = (double)other->position[1] - (double)body->position[1];
    double distance = sqrt(dx * dx + dy * dy + 0.01);
    double force = other->mass / (distance * distance * distance);
    body->speed[0] += dx * force * 0.01;
    body->speed[1] += dy * force * 0.01;
}

static int fly(kinds *k)
{
    if (k->body_count < 2) return 1;
    for (int step = 0; step < 20; step++) {
        for (int i = 0; i < k->body_count; i++)
            for (int other = 0; other < k->body_count; other++)
                if (other != i) pull(&k->bodies[i], &k->bodies[other]);
        for (int i = 0; i < k->body_count; i++) {
            kinds_body *body = &k->bodies[i];
            for (int axis = 0; axis < 2; axis++)
                body->position[axis] = body->position[axis] * 0.999f + (float)body->speed[axis] * 0.01f;
            body->mass = body->mass * (1 - 1e-6) + (double)sqrtf(body->position[0] * body->position[0]) * 1e-7;
        }
    }
    return MOVEX_ACCEPT;
}

static int shrink(kinds *k, const kinds_move *m)
{
    for (int i = 0; i < 3; i++) k->doubles[i] = k->doubles[i] / 3e150 * 1e10;
    for (int i = 0; i < 3; i++) k->grid[i][m->a % 3] = k->grid[i][m->a % 3] * 1e-20f / 7.0f;
    for (int i = 0; i < k->sample_count; i++) k->samples[i] *= 1e-120 * (i + 1);
    k->one_float = -k->one_float * 1e-19f;
    return MOVEX_ACCEPT;
}

static int convert(kinds *k, const kinds_move *m)
{
    double all = (double)k->u64 + (double)m->big;
    k->one_float = (float)k->u64 / (float)((int64_t)k->u32 - 7);
    k->doubles[m->a % 3] = all;
    k->grid[1][1] = (float)all;
    k->grid[2][2] = (float)m->x;
    if (m->x > -1e18 && m->x < 1e18) k->i64 = (int64_t)m->x;
    if (m->y > -3e4f && m->y < 3e4f) k->i16 = (int16_t)m->y;
    k->open = m->x < (double)m->y;
    k->switches[m->b % 5] = m->x != m->x || m->y == 0;
    return MOVEX_ACCEPT;
}

static int add(kinds *k, const kinds_move *m)
{
    if (k->body_count == KINDS_BODIES) return 1;
    kinds_body *body = &k->bodies[k->body_count++];
    memset(body, 0, sizeof *body);
    body->bright = m->a & 1;
    body->mass = 1.0 + m->b / 7.0;
    body->position[0] = m->a * 0.1f;
    body->position[1] = m->b / 3.0f;
    body->mood = m->mood % KINDS_MOODS;
    movex_text_set(body->name, m->text);
    return MOVEX_ACCEPT;
}

/* What is past the count stays as it is: clearing it is the library's. */
static int remove_body(kinds *k, const kinds_move *m)
{
    if (k->body_count == 0) return 2;
    k->bodies[m->a % k->body_count] = k->bodies[k->body_count - 1];
    k->body_count--;
    k->sample_count /= 2;
    return MOVEX_ACCEPT;
}

static int say(kinds *k, const kinds_move *m, const movex_context *context)
{
    if (k->line_count == KINDS_LINES) {
        memmove(k->lines[0], k->lines[1], sizeof k->lines - sizeof k->lines[0]);
        k->line_count--;
    }
    movex_text_set(k->lines[k->line_count], m->text);
    k->line_count++;
    movex_text_set(k->owner, context->author);
    k->secret = m->x;
    return MOVEX_ACCEPT;
}

static int choose(kinds *k, const kinds_move *m)
{
    if (m->mood >= KINDS_MOODS + 1) return 3;
    k->mood = (kinds_mood)(m->mood % KINDS_MOODS);
    k->moods[m->a % 2][m->b % 3] = m->mood; /* one too many is refused by the library */
    k->switches[m->b % 5] = m->a & 1;
    k->due_ms = 0;
    return MOVEX_ACCEPT;
}

static int draw(kinds *k, const kinds_move *m, const movex_context *context)
{
    k->doubles[m->a % 3] = (double)(movex_random(context) >> 11) / 9007199254740992.0;
    k->u32 ^= movex_random_below(context, 1000003);
    k->due_ms = context->now_ms + 40 + movex_random_below(context, 100);
    return MOVEX_ACCEPT;
}

static int wait(kinds *k)
{
    k->waits = k->waits >= 4 ? 1 : (uint8_t)(k->waits + 1);
    return MOVEX_ACCEPT;
}

static int push(kinds *k, const kinds_move *m)
{
    if (k->body_count == 0) return 4;
    k->bodies[m->a % k->body_count].speed[m->b % 2] += m->b / 9.0 - 10.0;
    return wait(k);
}

static int tick(kinds *k)
{
    k->due_ms = 0;
    k->u64++;
    return k->body_count > 1 ? fly(k) : MOVEX_ACCEPT;
}

static int reduce(void *state, const movex_action *action, const movex_context *context)
{
    kinds            *k = state;
    const kinds_move *m = action->payload;
    switch (action->type) {
    case KINDS_SET: return set(k, m);
    case KINDS_INTEGERS: return integers(k, m);
    case KINDS_MULTIPLY: return multiply(k, m);
    case KINDS_FLY: return fly(k);
    case KINDS_SHRINK: return shrink(k, m);
    case KINDS_CONVERT: return convert(k, m);
    case KINDS_ADD: return add(k, m);
    case KINDS_REMOVE: return remove_body(k, m);
    case KINDS_SAY: return say(k, m, context);
    case KINDS_CHOOSE: return choose(k, m);
    case KINDS_DRAW: return draw(k, m, context);
    case KINDS_WAIT: return wait(k);
    case KINDS_PUSH: return push(k, m);
    case KINDS_STIR: k->secret += (double)movex_random_below(context, 100) * m->x; return MOVEX_ACCEPT;
    case KINDS_TICK: return tick(k);
    case KINDS_JOINED: movex_text_set(k->owner, context->author); return MOVEX_ACCEPT;
    }
    return MOVEX_REFUSE;
}

static void init(void *state)
{
    kinds *k = state;
    for (int i = 0; i < 3; i++) k->doubles[i] = 1.0 / (i + 3);
    for (int i = 0; i < 9; i++) k->grid[i / 3][i % 3] = 1.0f / (float)(i + 3);
}

static uint64_t wakes_at(const void *state)
{
    return ((const kinds *)state)->due_ms;
}

static bool can_reconcile(const void *public_state)
{
    return ((const kinds *)public_state)->waits >= 4;
}

static void redact(void *state, const char *viewer)
{
    kinds *k = state;
    if (!viewer[0] || !movex_text_equals(k->owner, viewer)) k->secret = -0.0;
}

#define MOVE(label) .name = label, .payload = &move_schema
#define COMMON                                                                                                         \
    [KINDS_SET] = {MOVE("set")}, [KINDS_INTEGERS] = {MOVE("integers")}, [KINDS_MULTIPLY] = {MOVE("multiply")},         \
    [KINDS_FLY] = {MOVE("fly")}, [KINDS_SHRINK] = {MOVE("shrink")}, [KINDS_CONVERT] = {MOVE("convert")},               \
    [KINDS_ADD] = {MOVE("add")}, [KINDS_REMOVE] = {MOVE("remove")}, [KINDS_SAY] = {MOVE("say")},                       \
    [KINDS_CHOOSE] = {MOVE("choose")}, [KINDS_DRAW] = {MOVE("draw")}, [KINDS_WAIT] = {MOVE("wait")},                   \
    [KINDS_PUSH] = {MOVE("push"), .hidden_as = "wait"}

static const movex_action_type actions[KINDS_ACTIONS] = {
    COMMON,
    [KINDS_STIR] = {MOVE("stir"), .flags = MOVEX_MASTER_ONLY},
    [KINDS_TICK] = {.name = "tick"},
    [KINDS_JOINED] = {.name = "joined"},
};

static const movex_action_type open_actions[KINDS_STIR] = {COMMON};

const movex_type kinds_type = {.name = "kinds",
                               .version = 1,
                               .state = &kinds_schema,
                               .actions = actions,
                               .action_count = KINDS_ACTIONS,
                               .reduce = reduce,
                               .init = init,
                               .wakes_at = wakes_at,
                               .wake = "tick",
                               .joined = "joined",
                               .can_reconcile = can_reconcile,
                               .redact = redact};

const movex_type kinds_open_type = {.name = "kinds-open",
                                    .version = 1,
                                    .state = &kinds_schema,
                                    .actions = open_actions,
                                    .action_count = KINDS_STIR,
                                    .reduce = reduce,
                                    .init = init,
                                    .can_reconcile = can_reconcile};
