/* A registered type: the game's description with its codecs. */
#ifndef MOVEX_CORE_RULES_H
#define MOVEX_CORE_RULES_H

#include <movex/client.h>
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
    uint32_t         *hidden_as;   /* action_count: what each may be hidden as, or MOVEX_NO_ACTION; NULL: none can be hidden */
    bool              single;      /* all see the same, always: nothing can be hidden, and all can compute it */
    bool              patched;     /* clients cannot always compute their views: redact, or an action of the master's alone */
    uint32_t          fold_limit;  /* entries since its base that a client keeps, to fold them again at a reveal; 0: none */
    uint64_t          fingerprint;
    bool              sealed;      /* pairs are sealed */
    uint64_t          agreement;   /* the fingerprint, and the room's name if there is one: what both sides must agree on */
    char              room[MOVEX_SEALED_ROOM_MAX + 1]; /* in which everything hidden is sealed; "": none */
    struct movex_twin *twin;       /* runs every action once more (determinism.h), or NULL */
    movex_allocator   allocator;
};

/* Seals all pairs of the type, in the room of that name (NULL: nothing changes). MOVEX_OK; MOVEX_ERR_ARGUMENT for a name that is
   none; or MOVEX_ERR_SCHEMA, with the reason, for a type with secrets that only the master may know. */
int movex_rules_seal(movex_rules *rules, const char *room, movex_error *error);

/* True for an action that clients may not dispatch. */
bool movex_rules_is_reserved(const movex_rules *rules, uint32_t action);

/* True for an action that clients do not try before the master has accepted it. */
bool movex_rules_is_predicted(const movex_rules *rules, uint32_t action);

/* True if the type allows an action to be hidden as another one, as far as payloads (settled) are not asked. */
bool movex_rules_may_hide(const movex_rules *rules, uint32_t hidden, uint32_t shown);

/* Whether the payload of the one covers that of the other. */
bool movex_rules_covers(const movex_rules *rules, const movex_action *hidden, const movex_action *shown);

/* Redacts a settled state in place for a viewer; what comes out is settled. */
void movex_rules_redact(const movex_rules *rules, void *state, const char *viewer);

/* Settles `payload`, a copy, of an action that the type has: MOVEX_OK; MOVEX_ERR_ARGUMENT if there is one where there should
   be none, or none where there should be one; MOVEX_ERR_INVALID_STATE. With a text that names action and field. */
int movex_rules_take_payload(const movex_rules *rules, uint32_t action, const void *payload, void *copy, movex_error *error);

/* Runs the reducer, and makes one of the library's refusals of whatever it returns that is neither acceptance nor a
   game's reason. */
int movex_rules_reduce(const movex_rules *rules, void *state, uint32_t action, const void *payload,
                       const movex_context *context);

#endif
