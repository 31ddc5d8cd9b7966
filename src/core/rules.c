#include "rules.h"

#include "bytes.h"
#include "codec_internal.h"
#include "determinism.h"
#include "floats.h"
#include "format.h"
#include "hash.h"
#include "memory.h"
#include "name.h"

#include <assert.h>
#include <string.h>

static int fault(movex_error *error, const movex_type *type, const char *what, const char *name, const char *problem)
{
    const char *type_name = type->name ? type->name : "?";
    return movex_error_set(error, MOVEX_ERR_SCHEMA, "type ", type_name, ": ", what, name, problem, NULL);
}

static int check_names(const movex_type *type, movex_error *error)
{
    const char *problem = movex_name_fault(type->name);
    if (problem) return fault(error, type, "its name ", problem, "");
    if (!type->state) return fault(error, type, "it has no state schema", "", "");
    if (!type->reduce) return fault(error, type, "it has no reducer", "", "");
    if (!type->actions || type->action_count == 0) return fault(error, type, "it has no actions", "", "");
    if (type->action_count > MOVEX_MAX_ACTIONS) return fault(error, type, "it has more than 1024 actions", "", "");

    for (uint32_t i = 0; i < type->action_count; i++) {
        const movex_action_type *action = &type->actions[i];
        problem = movex_name_fault(action->name);
        if (problem) return fault(error, type, "the name of an action ", problem, " (a gap in the table?)");
        if (action->flags & ~(uint32_t)(MOVEX_CONFIRM | MOVEX_MASTER_ONLY))
            return fault(error, type, "action ", action->name, ": unknown flags");
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(action->name, type->actions[k].name) == 0)
                return fault(error, type, "two actions are named ", action->name, "");
    }
    return MOVEX_OK;
}

/* The action of that name, which clients may not dispatch; it must be there and have no payload. */
static int find_reserved(const movex_type *type, const char *role, const char *name, uint32_t *action,
                         movex_error *error)
{
    *action = MOVEX_NO_ACTION;
    if (!name) return MOVEX_OK;
    for (uint32_t i = 0; i < type->action_count; i++) {
        if (strcmp(type->actions[i].name, name) != 0) continue;
        *action = i;
        if (type->actions[i].payload) return fault(error, type, role, name, " is an action with a payload");
        return MOVEX_OK;
    }
    return fault(error, type, role, name, " is the name of no action");
}

static int find_all_reserved(movex_rules *rules, movex_error *error)
{
    const movex_type *type = rules->type;
    int               status = find_reserved(type, "wake: ", type->wake, &rules->wake, error);
    if (status == MOVEX_OK) status = find_reserved(type, "joined: ", type->joined, &rules->joined, error);
    if (status == MOVEX_OK) status = find_reserved(type, "left: ", type->left, &rules->left, error);
    if (status == MOVEX_OK && !type->wake != !type->wakes_at)
        return fault(error, type, "wake and wakes_at are set together or not at all", "", "");
    return status;
}

static uint32_t find_action(const movex_type *type, const char *name)
{
    for (uint32_t i = 0; i < type->action_count; i++)
        if (strcmp(type->actions[i].name, name) == 0) return i;
    return MOVEX_NO_ACTION;
}

static bool is_masters_own(const movex_rules *rules, uint32_t action)
{
    return rules->type->actions[action].flags & MOVEX_MASTER_ONLY || movex_rules_is_reserved(rules, action);
}

/* Resolves what actions may be hidden as. */
static int find_hidden(movex_rules *rules, movex_error *error)
{
    const movex_type *type = rules->type;
    for (uint32_t i = 0; i < type->action_count; i++) {
        const movex_action_type *action = &type->actions[i];
        if (!action->hidden_as) continue;
        uint32_t shown = find_action(type, action->hidden_as);
        if (shown == MOVEX_NO_ACTION)
            return fault(error, type, "hidden_as: ", action->hidden_as, " is the name of no action");
        if (is_masters_own(rules, i))
            return fault(error, type, "hidden_as: only the master runs or dispatches ", action->name, "");
        if (is_masters_own(rules, shown))
            return fault(error, type, "hidden_as: only the master runs or dispatches ", action->hidden_as, "");
        if (!rules->hidden_as)
            rules->hidden_as = movex_allocate(&rules->allocator, type->action_count * sizeof(uint32_t));
        if (!rules->hidden_as)
            return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        rules->hidden_as[i] = shown;
    }
    /* Zero is an action as well: what was not named is none. */
    for (uint32_t i = 0; rules->hidden_as && i < type->action_count; i++)
        if (!type->actions[i].hidden_as) rules->hidden_as[i] = MOVEX_NO_ACTION;
    if (rules->hidden_as && !type->can_reconcile)
        return fault(error, type, "it has actions that can be hidden, but no can_reconcile, so they would stay so", "",
                     "");
    if (type->covers && !rules->hidden_as)
        return fault(error, type, "it has covers, but no action that can be hidden (hidden_as)", "", "");
    if (type->audience && !type->redact) return fault(error, type, "it has an audience, but no redact", "", "");
    return MOVEX_OK;
}

enum { MOST_FOLDED = 256, MOST_FOLDED_BYTES = 16384 };

/* How the views of the type come to its clients (docs/wire.md, section 6). */
static void find_ways(movex_rules *rules)
{
    rules->patched = rules->type->redact != NULL;
    for (uint32_t i = 0; i < rules->type->action_count; i++)
        if (rules->type->actions[i].flags & MOVEX_MASTER_ONLY) rules->patched = true;
    rules->single = !rules->patched && !rules->hidden_as;
    if (rules->patched || !rules->hidden_as) return;
    size_t entries = MOST_FOLDED_BYTES / (rules->max_encoded ? rules->max_encoded : 1);
    rules->fold_limit = entries < MOST_FOLDED ? (uint32_t)entries : MOST_FOLDED;
}

/* What is sealed is computed by all alike, and the master is one of them. */
static int check_sealed(const movex_rules *rules, movex_error *error)
{
    const movex_type *type = rules->type;
    if (type->redact)
        return fault(error, type, "it is sealed, and has redact: its master would know what no player may", "", "");
    for (uint32_t i = 0; i < type->action_count; i++)
        if (type->actions[i].flags & MOVEX_MASTER_ONLY)
            return fault(error, type, "it is sealed, and its master alone would run ", type->actions[i].name, "");
    return MOVEX_OK;
}

static int find_sealed(const movex_rules *rules, movex_error *error)
{
    const movex_type *type = rules->type;
    if (type->sealed && !rules->hidden_as)
        return fault(error, type, "it is sealed, but has no action that can be hidden (hidden_as)", "", "");
    if (type->seal_ms && !type->sealed) return fault(error, type, "it has seal_ms, but is not sealed", "", "");
    return type->sealed ? check_sealed(rules, error) : MOVEX_OK;
}

static void take_sealed(movex_rules *rules)
{
    rules->sealed = rules->hidden_as != NULL;
    rules->fold_limit = 0; /* sealed.h has its own way to do entries again */
}

int movex_rules_seal(movex_rules *rules, const char *room, movex_error *error)
{
    size_t length = room ? strlen(room) : 0;
    if (!room) return MOVEX_OK;
    if (length == 0 || length > MOVEX_SEALED_ROOM_MAX)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "sealed_room: its name is empty, or longer than 64 bytes",
                               NULL);
    int status = check_sealed(rules, error);
    if (status != MOVEX_OK) return status;
    memcpy(rules->room, room, length + 1);
    rules->agreement = movex_xxh64(room, length, rules->fingerprint);
    take_sealed(rules);
    return MOVEX_OK;
}

static int make_codecs(movex_rules *rules, movex_error *error)
{
    const movex_type *type = rules->type;
    rules->state = movex_codec_new(type->state, &rules->allocator, error);
    if (!rules->state) return MOVEX_ERR_SCHEMA;
    rules->payloads = movex_allocate(&rules->allocator, type->action_count * sizeof(movex_codec *));
    if (!rules->payloads) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);

    for (uint32_t i = 0; i < type->action_count; i++) {
        const movex_schema *schema = type->actions[i].payload;
        if (!schema) continue;
        movex_codec *codec = movex_codec_new(schema, &rules->allocator, error);
        if (!codec) return MOVEX_ERR_SCHEMA;
        rules->payloads[i] = codec;
        size_t encoded = movex_codec_max_encoded(codec);
        if (schema->size > rules->max_payload) rules->max_payload = schema->size;
        if (encoded > rules->max_encoded) rules->max_encoded = encoded;
    }
    return MOVEX_OK;
}

/* What computes otherwise than others do would make states that they do not have. */
static int check_floats(const movex_rules *rules, movex_error *error)
{
    bool floats = rules->state->root->floats;
    for (uint32_t i = 0; i < rules->type->action_count; i++)
        if (rules->payloads[i] && rules->payloads[i]->root->floats) floats = true;
    const char *problem = floats ? movex_floats_fault() : NULL;
    return problem ? fault(error, rules->type, "it has floats, and ", problem, "") : MOVEX_OK;
}

static uint64_t make_fingerprint(const movex_rules *rules)
{
    const movex_type *type = rules->type;
    uint64_t          print = movex_xxh64(type->name, strlen(type->name), 0);
    print = movex_xxh64_number(movex_xxh64_number(print, type->version), movex_codec_fingerprint(rules->state));
    for (uint32_t i = 0; i < type->action_count; i++) {
        const movex_action_type *action = &type->actions[i];
        print = movex_xxh64(action->name, strlen(action->name), print);
        print = movex_xxh64_number(print, action->flags);
        print = movex_xxh64_number(print, rules->payloads[i] ? movex_codec_fingerprint(rules->payloads[i]) : 0);
        print = movex_xxh64_number(print, rules->hidden_as ? rules->hidden_as[i] : MOVEX_NO_ACTION);
    }
    print = movex_xxh64_number(movex_xxh64_number(movex_xxh64_number(print, rules->wake), rules->joined), rules->left);
    return movex_xxh64_number(print,
                              (type->can_reconcile ? 1u : 0u) | (type->redact ? 2u : 0u) | (type->sealed ? 4u : 0u));
}

static int check_init(const movex_rules *rules, movex_error *error)
{
    size_t size = rules->type->state->size;
    void  *state = movex_allocate(&rules->allocator, size);
    if (!state) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    movex_error found;
    if (rules->type->init) rules->type->init(state);
    int         status = movex_codec_settle(rules->state, state, &found);
    const char *whose = "the state that init makes: ";
    if (status == MOVEX_OK && rules->type->redact) {
        rules->type->redact(state, "");
        status = movex_codec_settle(rules->state, state, &found);
        whose = "the state that redact makes of init's: ";
    }
    movex_release(&rules->allocator, state, size);
    return status == MOVEX_OK ? MOVEX_OK : fault(error, rules->type, whose, found.text, "");
}

movex_rules *movex_rules_new(const movex_type *type, const movex_allocator *allocator, movex_error *error)
{
    movex_allocator resolved;
    if (!type || !movex_allocator_resolve(allocator, &resolved)) {
        movex_error_set(error, MOVEX_ERR_ARGUMENT, type ? "the allocator is only partly set" : "the type is NULL",
                        NULL);
        return NULL;
    }
    if (check_names(type, error) != MOVEX_OK) return NULL;
    movex_rules *rules = movex_allocate(&resolved, sizeof *rules);
    if (!rules) {
        movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        return NULL;
    }
    rules->type = type;
    rules->allocator = resolved;
    if (find_all_reserved(rules, error) != MOVEX_OK || find_hidden(rules, error) != MOVEX_OK ||
        find_sealed(rules, error) != MOVEX_OK || make_codecs(rules, error) != MOVEX_OK ||
        check_floats(rules, error) != MOVEX_OK || check_init(rules, error) != MOVEX_OK) {
        movex_rules_free(rules);
        return NULL;
    }
    find_ways(rules);
    if (type->sealed) take_sealed(rules);
    rules->agreement = rules->fingerprint = make_fingerprint(rules);
    return rules;
}

void movex_rules_free(movex_rules *rules)
{
    if (!rules) return;
    movex_allocator allocator = rules->allocator;
    uint32_t        count = rules->type->action_count;
    for (uint32_t i = 0; rules->payloads && i < count; i++) movex_codec_free(rules->payloads[i]);
    movex_release(&allocator, rules->payloads, count * sizeof(movex_codec *));
    movex_release(&allocator, rules->hidden_as, count * sizeof(uint32_t));
    movex_twin_free(rules);
    movex_codec_free(rules->state);
    movex_release(&allocator, rules, sizeof *rules);
}

const movex_type *movex_rules_type(const movex_rules *rules)
{
    return rules->type;
}

bool movex_rules_is_reserved(const movex_rules *rules, uint32_t action)
{
    return action == rules->wake || action == rules->joined || action == rules->left;
}

bool movex_rules_is_predicted(const movex_rules *rules, uint32_t action)
{
    return !(rules->type->actions[action].flags & (MOVEX_CONFIRM | MOVEX_MASTER_ONLY));
}

bool movex_rules_may_hide(const movex_rules *rules, uint32_t hidden, uint32_t shown)
{
    return rules->hidden_as && shown != MOVEX_NO_ACTION && rules->hidden_as[hidden] == shown;
}

bool movex_rules_covers(const movex_rules *rules, const movex_action *hidden, const movex_action *shown)
{
    return !rules->type->covers || rules->type->covers(hidden, shown);
}

void movex_rules_redact(const movex_rules *rules, void *state, const char *viewer)
{
    if (!rules->type->redact) return;
    rules->type->redact(state, viewer);
    /* A redact that breaks the schema is a fault of the game's: rather nothing is shown than too much. */
    if (movex_codec_settle(rules->state, state, NULL) != MOVEX_OK) memset(state, 0, rules->type->state->size);
}

int movex_rules_take_payload(const movex_rules *rules, uint32_t action, const void *payload, void *copy,
                             movex_error *error)
{
    const char        *name = rules->type->actions[action].name;
    const movex_codec *codec = rules->payloads[action];
    movex_error        cause;
    if (!codec && payload)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "action ", name, " has no payload, but one was given", NULL);
    if (!codec) return MOVEX_OK;
    if (!payload)
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "action ", name, " has a payload, but none was given", NULL);
    memcpy(copy, payload, movex_codec_schema(codec)->size);
    int status = movex_codec_settle(codec, copy, &cause);
    if (status == MOVEX_OK) return MOVEX_OK;
    return movex_error_set(error, (movex_status)status, "payload of ", name, ": ", cause.text, NULL);
}

const movex_codec *movex_rules_state(const movex_rules *rules)
{
    return rules->state;
}

const movex_codec *movex_rules_payload(const movex_rules *rules, uint32_t action)
{
    return action < rules->type->action_count ? rules->payloads[action] : NULL;
}

uint64_t movex_rules_fingerprint(const movex_rules *rules)
{
    return rules->fingerprint;
}

void movex_rules_init(const movex_rules *rules, void *state)
{
    memset(state, 0, rules->type->state->size);
    if (rules->type->init) rules->type->init(state);
    int status = movex_codec_settle(rules->state, state, NULL);
    assert(status == MOVEX_OK); /* it was when the rules were made, and init reads nothing else */
    (void)status;
}

int movex_rules_reduce(const movex_rules *rules, void *state, uint32_t action, const void *payload,
                       const movex_context *context)
{
    const movex_action what = {.type = action, .payload = payload};
    int                answer =
        rules->twin ? movex_twin_reduce(rules, state, &what, context) : rules->type->reduce(state, &what, context);
    return answer < 0 ? MOVEX_REFUSE : answer;
}

int movex_apply(const movex_rules *rules, void *state, uint32_t action, const void *payload,
                const movex_context *context, void *scratch)
{
    static const movex_context nobody = {.author = "", .version = 1};
    size_t                     size = rules->type->state->size;
    if (action >= rules->type->action_count) return MOVEX_REFUSED_UNKNOWN_ACTION;
    if (scratch) memcpy(scratch, state, size);
    int answer = movex_rules_reduce(rules, state, action, payload, context ? context : &nobody);
    if (answer == MOVEX_ACCEPT && movex_codec_settle(rules->state, state, NULL) != MOVEX_OK)
        answer = MOVEX_REFUSED_INVALID_STATE;
    if (answer != MOVEX_ACCEPT && scratch) memcpy(state, scratch, size);
    return answer;
}
