/* A view: one state as somebody may see it, with its checksum, kept up to date by applying the log's entries in order.

   A view holds its state twice, equal between calls, so that a reducer's changes are found by comparing, and undone when it
   refuses:  state == backup  (movex_view_check). Reducers run on what others read, not on the backup: so what a stray pointer
   does to it counts as a change, is hashed, and shows as a mismatch. Where an action declares what it touches, that alone is
   compared, and a small part of the rest, another one each time: all of it within 256 actions. */
#ifndef MOVEX_CORE_VIEW_H
#define MOVEX_CORE_VIEW_H

#include "codec_commit.h"
#include "rules.h"

typedef struct movex_view {
    const movex_rules *rules;
    void              *state;  /* what others read, and reducers run on */
    void              *backup; /* the same as it was before the reducer that is running */
    movex_hashes       hashes; /* of state; blocks is NULL for a view whose checksum nobody asks for */
    uint32_t           sweep;  /* of a state that is not small: the granule that is compared next where touches are declared */
    movex_touched     *moved;  /* lent: gets what has changed, of a state that is not small; NULL: nobody asks */
} movex_view;

/* An exchange of two views of the same type, at no cost. */
void movex_view_swap(movex_view *a, movex_view *b);

/* A view of the type's initial state. `hashed`: keep its checksum. False, and an empty view, if there is no memory. */
bool movex_view_init(movex_view *view, const movex_rules *rules, bool hashed, const movex_allocator *allocator);

/* An empty view is ignored. */
void movex_view_free(movex_view *view, const movex_allocator *allocator);

/* Applies one action: MOVEX_ACCEPT, or the reason for which the reducer, or the schema, refused it; then nothing has
   changed. With MOVEX_REFUSED_INVALID_STATE, `error` (may be NULL) names the field. */
int movex_view_apply(movex_view *view, uint32_t action, const void *payload, const movex_context *context,
                     movex_error *error);

/* Replaces the state by the one of a canonical encoding, if it has that checksum. On failure, with the field's path, nothing
   has changed. */
int movex_view_load(movex_view *view, const void *bytes, size_t length, uint64_t checksum, movex_error *error);

/* Replaces the state by a copy of another. MOVEX_ERR_INVALID_STATE, and nothing has changed, if it cannot be settled. */
int movex_view_put(movex_view *view, const void *state);

/* Tries an action, and undoes it: what movex_view_apply would return. */
int movex_view_try(movex_view *view, uint32_t action, const void *payload, const movex_context *context);

/* Replaces the state by a settled one of the same type, at the cost of what differs. */
void movex_view_take(movex_view *view, const void *state);

/* Takes over what was written to the state, which is settled, at the cost of what differs. */
void movex_view_settle(movex_view *view);

/* Applies a difference (movex_codec_patch). On failure nothing has changed. */
int movex_view_patch(movex_view *view, const void *bytes, size_t length, movex_error *error);

/* Makes the view, which is hashed, the same as another hashed one of the same type. */
void movex_view_match(movex_view *view, const movex_view *other);

/* Makes the view, which is not hashed, show the same as another of the same type. */
void movex_view_follow(movex_view *view, const movex_view *other);

/* The same, where both have put into one set what has changed in either since they were equal, which is nothing now. */
void movex_view_share(movex_view *view, const movex_view *other);

/* Asserts the invariant of the struct, and the checksum against one from scratch. */
void movex_view_check(const movex_view *view);

#endif
