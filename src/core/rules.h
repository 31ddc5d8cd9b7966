/* A registered type: the game's description with its codecs. */
#ifndef MOVEX_CORE_RULES_H
#define MOVEX_CORE_RULES_H

#include <movex/codec.h>
#include <movex/type.h>

struct movex_rules {
    const movex_type *type;
    movex_codec      *state;
    movex_codec     **payloads;    /* action_count; NULL where an action has none */
    size_t            max_payload; /* bytes of the largest payload's struct */
    size_t            max_encoded; /* bytes of the longest payload's encoding */
    uint64_t          fingerprint;
    movex_allocator   allocator;
};

/* Runs the reducer, and makes one of the library's refusals of whatever it returns that is neither acceptance nor a
   game's reason. */
int movex_rules_reduce(const movex_rules *rules, void *state, uint32_t action, const void *payload,
                       const movex_context *context);

#endif
