/* Running every action twice, see movex/determinism.h. The first run is the real one; the second, the twin, works on a copy. */
#include "determinism.h"

#include "codec_internal.h"
#include "memory.h"
#include "rules.h"
#include "touched.h"

#include <string.h>

enum {
    GUARD = 64, /* bytes before and behind the copy, that nobody may write; keeps its alignment */
    STACK = 2048,
    FIRST_POISON = 0x5a,
    SECOND_POISON = 0xc3
};

struct movex_twin {
    movex_determinism *found;
    size_t             size;    /* bytes of a state */
    unsigned char     *copy;    /* GUARD, the twin's state, GUARD */
    unsigned char     *result;  /* what the first run has left, settled */
    unsigned char     *payload; /* the twin's, padding poisoned */
    unsigned char     *before;  /* the state before the first run, then with what that has done to what was declared */
    unsigned char     *exact;   /* what was declared (movex_touch) */
};

/* ---- memory */

/* Copies what the schema describes, and leaves what lies between it. */
static void copy_members(const movex_node *node, unsigned char *to, const unsigned char *from)
{
    for (uint32_t i = 0; i < node->piece_count; i++) {
        const movex_piece  *piece = &node->pieces[i];
        const movex_member *member = piece->member;
        if (piece->is_counter || !member->node) {
            memcpy(to + piece->offset, from + piece->offset, piece->size);
            continue;
        }
        uint32_t each = member->field->element_size;
        for (uint32_t at = piece->offset; at < piece->offset + piece->size; at += each)
            copy_members(member->node, to + at, from + at);
    }
}

static void copy_poisoned(const movex_codec *codec, unsigned char *to, const void *from)
{
    memset(to, SECOND_POISON, codec->root->size);
    copy_members(codec->root, to, from);
}

#if defined(__GNUC__)
__attribute__((noinline, no_sanitize_address)) /* the true stack, and not a sanitizer's */
#endif
/* Fills what a reducer will find on the stack where it initialises nothing. */
static void
poison_stack(unsigned char poison)
{
    volatile unsigned char bytes[STACK];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = poison;
}

static void free_twin(const movex_rules *rules, movex_twin *twin)
{
    if (!twin) return;
    movex_release(&rules->allocator, twin->copy, twin->size + (size_t)2 * GUARD);
    movex_release(&rules->allocator, twin->result, twin->size);
    movex_release(&rules->allocator, twin->before, twin->size);
    movex_release(&rules->allocator, twin->exact, twin->size);
    movex_release(&rules->allocator, twin->payload, rules->max_payload);
    movex_release(&rules->allocator, twin, sizeof *twin);
}

void movex_twin_free(movex_rules *rules)
{
    free_twin(rules, rules->twin);
    rules->twin = NULL;
}

static movex_twin *make_twin(const movex_rules *rules, movex_determinism *found)
{
    movex_twin *twin = movex_allocate(&rules->allocator, sizeof *twin);
    if (!twin) return NULL;
    twin->found = found;
    twin->size = rules->type->state->size;
    twin->copy = movex_allocate(&rules->allocator, twin->size + (size_t)2 * GUARD);
    twin->result = movex_allocate(&rules->allocator, twin->size);
    twin->before = movex_allocate(&rules->allocator, twin->size);
    twin->exact = movex_allocate(&rules->allocator, twin->size);
    if (rules->max_payload) twin->payload = movex_allocate(&rules->allocator, rules->max_payload);
    if (twin->copy && twin->result && twin->before && twin->exact && (twin->payload || !rules->max_payload)) return twin;
    free_twin(rules, twin);
    return NULL;
}

int movex_rules_check_determinism(movex_rules *rules, movex_determinism *found)
{
    movex_twin *twin = found ? make_twin(rules, found) : NULL;
    if (found && !twin) return MOVEX_ERR_MEMORY;
    movex_twin_free(rules);
    rules->twin = twin;
    return MOVEX_OK;
}

/* ---- findings */

/* Counts a finding, and starts its text if it is the first. */
static movex_format begin_finding(const movex_rules *rules, uint32_t action)
{
    movex_determinism *found = rules->twin->found;
    movex_format       format = movex_format_into(found->text, found->findings++ == 0 ? sizeof found->text : 0);
    movex_format_text(&format, "type ");
    movex_format_text(&format, rules->type->name);
    movex_format_text(&format, ", action ");
    movex_format_text(&format, rules->type->actions[action].name);
    movex_format_text(&format, ": ");
    return format;
}

static void find(const movex_rules *rules, uint32_t action, const char *what)
{
    movex_format format = begin_finding(rules, action);
    movex_format_text(&format, what);
}

static void find_answers(const movex_rules *rules, uint32_t action, int first, int second)
{
    movex_format format = begin_finding(rules, action);
    movex_format_text(&format, "run twice, it returned ");
    movex_format_signed(&format, first);
    movex_format_text(&format, ", then ");
    movex_format_signed(&format, second);
}

static void find_states(const movex_rules *rules, uint32_t action, const void *first, const void *second)
{
    char         fields[MOVEX_ERROR_TEXT_SIZE];
    movex_format format = begin_finding(rules, action);
    movex_codec_explain(rules->state, first, second, "second run", 3, fields, sizeof fields);
    movex_format_text(&format, "run twice, it left ");
    movex_format_text(&format, fields);
}

static bool is_all(const unsigned char *bytes, size_t length, unsigned char value)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != value) return false;
    return true;
}

/* ---- running */

static int run(const movex_rules *rules, void *state, const movex_action *action, const movex_context *context,
               unsigned char poison)
{
    poison_stack(poison);
    return rules->type->reduce(state, action, context);
}

/* Compares two states that were left by an accepted action. */
static void compare_states(const movex_rules *rules, uint32_t action, const void *first, unsigned char *second)
{
    movex_twin *twin = rules->twin;
    movex_error here, there;
    memcpy(twin->result, first, twin->size);
    int status = movex_codec_settle(rules->state, twin->result, &here);
    int other = movex_codec_settle(rules->state, second, &there);
    if (status == MOVEX_OK && other == MOVEX_OK) {
        if (!movex_codec_equal(rules->state, twin->result, second)) find_states(rules, action, twin->result, second);
    } else if (status != other || strcmp(here.text, there.text) != 0) {
        movex_format format = begin_finding(rules, action);
        movex_format_text(&format, "run twice, it left a state that cannot be once, or another one: ");
        movex_format_text(&format, status != MOVEX_OK ? here.text : there.text);
    }
}

/* ---- what an action declares */

static void note_declared(const movex_rules *rules, const void *state, const movex_action *action)
{
    movex_twin *twin = rules->twin;
    movex_touch touch = {.state = state, .size = (uint32_t)twin->size, .exact = twin->exact};
    memset(twin->exact, 0, twin->size);
    memcpy(twin->before, state, twin->size);
    rules->type->actions[action->type].touches(state, action, &touch);
    if (memcmp(twin->before, state, twin->size) != 0) find(rules, action->type, "its touches changes the state");
}

/* The fields in which two states differ when they are settled; false if they cannot be, or do not. */
static bool explain_settled(const movex_rules *rules, unsigned char *here, unsigned char *there, const char *label,
                            char *fields, size_t room)
{
    if (movex_codec_settle(rules->state, here, NULL) != MOVEX_OK) return false;
    if (movex_codec_settle(rules->state, there, NULL) != MOVEX_OK) return false;
    if (movex_codec_equal(rules->state, here, there)) return false;
    movex_codec_explain(rules->state, here, there, label, 3, fields, room);
    return true;
}

/* What an action leaves is what was there before it, but for what it has declared. That holds of every member, in use or not, and
   of one that refuses, too: nothing else is settled or restored. */
static void compare_declared(const movex_rules *rules, uint32_t action, const void *state, bool accepted)
{
    movex_twin          *twin = rules->twin;
    const unsigned char *after = state;
    unsigned char       *spoilt = twin->copy + GUARD; /* the state before, with what was done to what is not declared */
    char                 fields[MOVEX_ERROR_TEXT_SIZE];
    memcpy(twin->result, state, twin->size);
    for (size_t i = 0; i < twin->size; i++)
        if (twin->exact[i]) twin->result[i] = twin->before[i];
    memcpy(spoilt, twin->before, twin->size);
    copy_members(rules->state->root, spoilt, twin->result);
    if (memcmp(spoilt, twin->before, twin->size) == 0) return;
    for (size_t i = 0; accepted && i < twin->size; i++)
        if (twin->exact[i]) spoilt[i] = twin->before[i] = after[i];
    bool found =
        explain_settled(rules, spoilt, twin->before, accepted ? "as declared" : "before", fields, sizeof fields);
    movex_format format = begin_finding(rules, action);
    movex_format_text(&format,
                      !found ? "it wrote where its touches names nothing, such as unused slots, or behind a text's end"
                      : accepted ? "it changed what its touches does not name: "
                                 : "it changed, before it refused, what its touches does not name: ");
    if (found) movex_format_text(&format, fields);
}

int movex_twin_reduce(const movex_rules *rules, void *state, const movex_action *action, const movex_context *context)
{
    movex_twin         *twin = rules->twin;
    unsigned char      *copy = twin->copy + GUARD;
    const movex_codec  *codec = action->payload ? rules->payloads[action->type] : NULL;
    movex_random_source source = context->random ? *context->random : (movex_random_source){0};
    movex_context       again = *context;
    movex_action        second = *action;
    uint64_t            kept = 0, findings = twin->found->findings;
    bool                declares = rules->type->actions[action->type].touches != NULL;
    if (declares) note_declared(rules, state, action);
    if (context->random) again.random = &source;
    memset(twin->copy, SECOND_POISON, twin->size + (size_t)2 * GUARD);
    copy_members(rules->state->root, copy, state);
    if (codec) {
        copy_poisoned(codec, twin->payload, action->payload);
        second.payload = twin->payload;
        kept = movex_codec_checksum(codec, action->payload);
    }
    int answer = run(rules, state, action, context, FIRST_POISON);
    int other = run(rules, copy, &second, &again, SECOND_POISON);

    uint32_t type = action->type;
    twin->found->runs++;
    if (!is_all(twin->copy, GUARD, SECOND_POISON) || !is_all(copy + twin->size, GUARD, SECOND_POISON))
        find(rules, type, "it writes outside the state");
    else if (codec && (movex_codec_checksum(codec, action->payload) != kept ||
                       movex_codec_checksum(codec, twin->payload) != kept))
        find(rules, type, "it changes its payload");
    else if (answer != other)
        find_answers(rules, type, answer, other);
    else if (context->random && source.draws != context->random->draws)
        find(rules, type, "run twice, it drew another number of random values");
    else if (answer == MOVEX_ACCEPT)
        compare_states(rules, type, state, copy);
    if (declares && twin->found->findings == findings) compare_declared(rules, type, state, answer == MOVEX_ACCEPT);
    return answer;
}
