#include "view.h"

#include "format.h"
#include "memory.h"

#include <assert.h>
#include <string.h>

static size_t state_size(const movex_view *view)
{
    return view->rules->type->state->size;
}

static size_t hash_size(const movex_view *view)
{
    return movex_codec_block_count(view->rules->state) * sizeof *view->hashes.blocks;
}

bool movex_view_init(movex_view *view, const movex_rules *rules, bool hashed, const movex_allocator *allocator)
{
    *view = (movex_view){.rules = rules};
    view->state = movex_allocate(allocator, state_size(view));
    view->backup = movex_allocate(allocator, state_size(view));
    if (hashed) view->hashes.blocks = movex_allocate(allocator, hash_size(view));
    if (!view->state || !view->backup || (hashed && !view->hashes.blocks)) {
        movex_view_free(view, allocator);
        return false;
    }
    movex_rules_init(rules, view->state);
    memcpy(view->backup, view->state, state_size(view));
    if (hashed) movex_codec_hash(rules->state, view->state, &view->hashes);
    return true;
}

void movex_view_free(movex_view *view, const movex_allocator *allocator)
{
    if (!view->rules) return;
    movex_release(allocator, view->state, state_size(view));
    movex_release(allocator, view->backup, state_size(view));
    movex_release(allocator, view->hashes.blocks, hash_size(view));
    *view = (movex_view){0};
}

/* ---- actions that declare what they touch */

enum { MOST_COMPARED = 4096 }; /* bytes of a state that is sooner compared */

static bool is_declared(const movex_view *view, uint32_t action)
{
    return view->rules->type->actions[action].touches && state_size(view) > MOST_COMPARED;
}

static void declare(const movex_view *view, uint32_t action, const void *payload, movex_touched *touched)
{
    const movex_action what = {.type = action, .payload = payload};
    movex_touch        touch = {.state = view->state, .size = (uint32_t)state_size(view), .touched = touched};
    movex_touched_start(touched, touch.size);
    view->rules->type->actions[action].touches(view->state, &what, &touch);
}

static void restore(const movex_view *view, const movex_touched *touched)
{
    movex_codec_share(view->rules->state, view->backup, view->state, touched);
}

#ifndef NDEBUG
/* True if something has changed that is not touched, refused or not; then all is as it was. Of what lies between the members
   nobody is accused. */
static bool has_undeclared(const movex_view *view, uint32_t action, const movex_touched *touched, movex_error *error)
{
    const movex_codec *codec = view->rules->state;
    unsigned char     *state = view->state, *backup = view->backup;
    uint32_t           size = touched->size, to;
    bool               found = false;
    for (uint32_t at = 0; !found && at < size; at = to) { /* what lies before the next run of what is touched */
        uint32_t from = at;
        if (!movex_touched_next(touched, &from, &to)) from = to = size;
        found = memcmp(state + at, backup + at, from - at) != 0 && movex_codec_differ(codec, state, backup, at, from);
    }
    if (!found) return false;
    movex_error cause = {.text = "unused slots, or what follows the end of a text"};
    char        fields[MOVEX_ERROR_TEXT_SIZE] = {0};
    restore(view, touched);
    if (movex_codec_settle(codec, state, &cause) == MOVEX_OK)
        movex_codec_explain(codec, state, backup, "before", 3, fields, sizeof fields);
    movex_error_set(error, MOVEX_ERR_INVALID_STATE, view->rules->type->actions[action].name,
                    " changed what its touches does not name: ", fields[0] ? fields : cause.text, NULL);
    memcpy(state, backup, size);
    return true;
}
#endif

static int apply_declared(movex_view *view, uint32_t action, const void *payload, const movex_context *context,
                          movex_error *error)
{
    movex_touched touched;
    declare(view, action, payload, &touched);
    int answer = movex_rules_reduce(view->rules, view->state, action, payload, context);
#ifndef NDEBUG
    if (has_undeclared(view, action, &touched, error)) return MOVEX_REFUSED_UNDECLARED;
#endif
    movex_touched_sweep(&touched, &view->sweep);
    if (answer == MOVEX_ACCEPT &&
        movex_codec_commit_touched(view->rules->state, view->backup, view->state, view->hashes.blocks ? &view->hashes : NULL,
                                   &touched, view->moved, error) != MOVEX_OK)
        answer = MOVEX_REFUSED_INVALID_STATE;
    if (answer != MOVEX_ACCEPT) restore(view, &touched);
    return answer;
}

/* ---- all */

int movex_view_apply(movex_view *view, uint32_t action, const void *payload, const movex_context *context,
                     movex_error *error)
{
    const movex_codec *codec = view->rules->state;
    movex_hashes      *hashes = view->hashes.blocks ? &view->hashes : NULL;
    if (is_declared(view, action)) return apply_declared(view, action, payload, context, error);
    int answer = movex_rules_reduce(view->rules, view->state, action, payload, context);
    if (answer == MOVEX_ACCEPT &&
        movex_codec_commit(codec, view->backup, view->state, hashes, NULL, view->moved, error) != MOVEX_OK)
        answer = MOVEX_REFUSED_INVALID_STATE;
    if (answer != MOVEX_ACCEPT) movex_codec_restore(codec, view->backup, view->state);
    return answer;
}

/* The checksum of what has just been written to the state; of a hashed view its hashes are then that state's. */
static uint64_t hash_state(movex_view *view)
{
    const movex_codec *codec = view->rules->state;
    if (!view->hashes.blocks) return movex_codec_checksum(codec, view->state);
    movex_codec_hash(codec, view->state, &view->hashes);
    return view->hashes.checksum;
}

int movex_view_load(movex_view *view, const void *bytes, size_t length, uint64_t checksum, movex_error *error)
{
    int status = movex_codec_decode(view->rules->state, view->state, bytes, length, error);
    if (status != MOVEX_OK) {
        memcpy(view->state, view->backup, state_size(view));
        return status;
    }
    if (hash_state(view) != checksum) {
        memcpy(view->state, view->backup, state_size(view));
        hash_state(view);
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "the state does not have its checksum", NULL);
    }
    memcpy(view->backup, view->state, state_size(view));
    if (view->moved) movex_touched_fill(view->moved, (uint32_t)state_size(view));
    return MOVEX_OK;
}

int movex_view_put(movex_view *view, const void *state)
{
    assert(!view->moved);
    memcpy(view->state, state, state_size(view));
    int status = movex_codec_settle(view->rules->state, view->state, NULL);
    if (status == MOVEX_OK) movex_codec_copy(view->rules->state, view->backup, view->state);
    memcpy(view->state, view->backup, state_size(view));
    if (status == MOVEX_OK && view->hashes.blocks) movex_codec_hash(view->rules->state, view->state, &view->hashes);
    return status;
}

void movex_view_settle(movex_view *view)
{
    int status = movex_codec_commit(view->rules->state, view->backup, view->state,
                                    view->hashes.blocks ? &view->hashes : NULL, NULL, view->moved, NULL);
    assert(status == MOVEX_OK); /* it is settled */
    (void)status;
}

void movex_view_take(movex_view *view, const void *state)
{
    movex_codec_restore(view->rules->state, state, view->state);
    movex_view_settle(view);
}

int movex_view_patch(movex_view *view, const void *bytes, size_t length, movex_error *error)
{
    const movex_codec *codec = view->rules->state;
    int                status = movex_codec_patch_over(codec, view->backup, view->state, bytes, length, error);
    if (status == MOVEX_OK)
        status = movex_codec_commit(codec, view->backup, view->state, view->hashes.blocks ? &view->hashes : NULL, NULL,
                                    view->moved, error);
    if (status != MOVEX_OK) movex_codec_restore(codec, view->backup, view->state);
    return status;
}

void movex_view_match(movex_view *view, const movex_view *other)
{
    assert(view->hashes.blocks && other->hashes.blocks && view->rules == other->rules && !view->moved);
    uint64_t bytes_hashed = view->hashes.bytes_hashed;
    movex_codec_restore(view->rules->state, other->state, view->state);
    movex_codec_restore(view->rules->state, other->state, view->backup);
    memcpy(view->hashes.blocks, other->hashes.blocks, hash_size(view));
    view->hashes.checksum = other->hashes.checksum;
    view->hashes.bytes_hashed = bytes_hashed;
}

void movex_view_swap(movex_view *a, movex_view *b)
{
    movex_view kept = *a;
    *a = *b;
    *b = kept;
}

int movex_view_try(movex_view *view, uint32_t action, const void *payload, const movex_context *context)
{
    int answer = movex_rules_reduce(view->rules, view->state, action, payload, context);
    if (answer == MOVEX_ACCEPT && movex_codec_settle(view->rules->state, view->state, NULL) != MOVEX_OK)
        answer = MOVEX_REFUSED_INVALID_STATE;
    movex_codec_restore(view->rules->state, view->backup, view->state);
    return answer;
}

void movex_view_follow(movex_view *view, const movex_view *other)
{
    assert(!view->hashes.blocks && view->rules == other->rules);
    movex_codec_restore(view->rules->state, other->state, view->state);
    movex_codec_restore(view->rules->state, other->state, view->backup);
}

void movex_view_share(movex_view *view, const movex_view *other)
{
    const movex_codec *codec = view->rules->state;
    assert(!view->hashes.blocks && view->rules == other->rules && view->moved == other->moved);
    /* Of its backup: what has happened to its state alone may be put right without having moved anything. */
    movex_codec_share(codec, other->backup, view->state, view->moved);
    movex_codec_share(codec, other->backup, view->backup, view->moved);
    if (view->moved) movex_touched_start(view->moved, (uint32_t)state_size(view));
}

void movex_view_check(const movex_view *view)
{
    assert(movex_codec_equal(view->rules->state, view->state, view->backup));
    assert(!view->hashes.blocks || view->hashes.checksum == movex_codec_checksum(view->rules->state, view->state));
    (void)view;
}
