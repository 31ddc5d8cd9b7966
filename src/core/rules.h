/* A registered type: the game's description with its codecs. */
#ifndef MOVEX_CORE_RULES_H
#define MOVEX_CORE_RULES_H

#include <movex/codec.h>
#include <movex/type.h>

#define MOVEX_NO_ACTION UINT32_MAX

struct movex_rules {
    const movex_type *type;
    movex_codec      *state;
    movex_codec     **payloads;    /* action_count; NULL where an action has none */
    size_t            max_payload; /* bytes of the largest payload's struct */
    size_t            max_encoded; /* bytes of the longest payload's encoding */
    uint32_t          wake, joined, left; /* actions that are the master's alone, or MOVEX_NO_ACTION */
    uint64_t          fingerprint;
    movex_allocator   allocator;
};

/* True for an action that clients may not dispatch. */
bool movex_rules_is_reserved(const movex_rules *rules, uint32_t action);

/* Settles `payload`, a copy, of an action that the type has: MOVEX_OK; MOVEX_ERR_ARGUMENT if there is one where there should
   be none, or none where there should be one; MOVEX_ERR_INVALID_STATE. With a text that names action and field. */
int movex_rules_take_payload(const movex_rules *rules, uint32_t action, const void *payload, void *copy, movex_error *error);

/* Runs the reducer, and makes one of the library's refusals of whatever it returns that is neither acceptance nor a
   game's reason. */
int movex_rules_reduce(const movex_rules *rules, void *state, uint32_t action, const void *payload,
                       const movex_context *context);

#endif
