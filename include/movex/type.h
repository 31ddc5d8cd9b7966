/** @file type.h
 *  What a game describes: a resource type with its state, its actions and its one reducer.
 *
 *  All of it is constant and usually static. The library keeps the pointers, so a type must outlive the masters and clients
 *  that use it. A type may be used by many of them, on many threads, at once: its functions read and write nothing but what
 *  they are given. */
#ifndef MOVEX_TYPE_H
#define MOVEX_TYPE_H

#include <movex/allocator.h>
#include <movex/codec.h>
#include <movex/export.h>
#include <movex/schema.h>
#include <movex/status.h>

/** The longest name of a type, an action, a client or a resource, in bytes, without the final zero. Names are UTF-8
 *  without control characters, and not empty. */
#define MOVEX_NAME_MAX 31
/** Room for any name. */
#define MOVEX_NAME_SIZE (MOVEX_NAME_MAX + 1)
/** The most action types of one resource type. */
#define MOVEX_MAX_ACTIONS 1024

/** An action as a reducer sees it. */
typedef struct movex_action {
    uint32_t    type;    /**< index into the type's table of actions */
    const void *payload; /**< the struct that its schema describes, settled; NULL if it has none */
} movex_action;

/** Where random values come from: a seed, and how far it has been used. A program fills in the seed only, and only where it
 *  applies actions itself (movex_apply). */
typedef struct movex_random_source {
    uint64_t seed;  /**< of the entry, or of one half of a pair; whoever has it knows every value */
    uint64_t draws; /**< values drawn so far */
} movex_random_source;

/** What the master adds to an action. While a client predicts, these are its best guess; when the master's answer comes, the
 *  same reducer runs again with the master's values. */
typedef struct movex_context {
    const char          *author;  /**< the verified id of the client that dispatched; "" for the master itself */
    uint64_t             version; /**< that the resource has once this action is accepted; the first is 1 */
    uint64_t             now_ms;  /**< master time; never less than that of the entry before */
    movex_random_source *random;  /**< for movex_random; NULL: every draw is 0 */
} movex_context;

/** Flags of an action type. */
enum {
    /** Not tried on the client before the master has accepted it: its answer depends on what the author may not know, or
     *  must not be shown before it is certain (claiming a seat). */
    MOVEX_CONFIRM = 1u << 0,
    /** The reducer runs on the master alone, and every client gets what has changed in its view: payload, random draws and
     *  intermediate values never leave the master (shuffling, dealing). Not tried on the client either. Not to be part of a
     *  pair. */
    MOVEX_MASTER_ONLY = 1u << 1
};

/** What an action is going to change, see movex_action_type.touches. */
typedef struct movex_touch movex_touch;

/** One kind of action. */
typedef struct movex_action_type {
    const char         *name;    /**< unique within its type */
    const movex_schema *payload; /**< of its payload, or NULL if it has none */
    uint32_t            flags;   /**< MOVEX_CONFIRM, MOVEX_MASTER_ONLY, or 0 */
    const char         *hidden_as; /**< the name of the action that may be shown to others in its stead until the reveal
                                        (movex_dispatch_private); NULL: it cannot be hidden. Whatever that one does, this one must
                                        do as well: at the reveal it replaces it */

    /** Optional, for large states: names, by MOVEX_TOUCHES, every part of the state that the reducer may change if it is given
     *  this action now, so that the library need not compare all of the state to find out. Called before the reducer, whether
     *  that is going to accept or not: check the payload here as well, and name also what it writes before it refuses. To name
     *  too much costs time and nothing else. Slots of lists that a smaller count leaves behind, and what follows a text's end, are
     *  to be named by those alone who clear them by themselves. Pure. Without effect on states of 4 KiB and less, which are
     *  sooner compared. What is changed and not named is found by movex_determinism, to the byte; a build of the library with
     *  assertions also refuses the action, with MOVEX_REFUSED_UNDECLARED, where it is far from what is named. */
    void (*touches)(const void *state, const movex_action *action, movex_touch *touch);
} movex_action_type;

/** In `touches`: an lvalue of the state may be changed, such as MOVEX_TOUCHES(touch, board->cell[index]). */
#define MOVEX_TOUCHES(touch, lvalue) movex_touches(touch, &(lvalue), sizeof(lvalue))

/** A kind of resource. */
typedef struct movex_type {
    const char              *name;    /**< unique among the types of a master */
    uint32_t                 version; /**< of its rules: raise it when the reducer changes; both sides must agree */
    const movex_schema      *state;   /**< of its state */
    const movex_action_type *actions; /**< indexed by movex_action.type */
    uint32_t                 action_count; /**< 1 to MOVEX_MAX_ACTIONS */

    /** Changes the state in place and returns MOVEX_ACCEPT, or a reason > 0 of the game's own (MOVEX_REFUSE where there is
     *  none to give): then the library restores the state, whatever was written. It reads nothing but its arguments, and does
     *  the same on every machine. A payload's values fit its schema but may be anything else: check them. */
    int (*reduce)(void *state, const movex_action *action, const movex_context *context);

    /** Optional: fills a new state, which is all zero. Pure as well: the client shows it until the first snapshot. */
    void (*init)(void *state);

    /** Optional, with `wake`: at which master time the state next wants the action `wake`; 0 for never. Pure. Time passes by
     *  entries of the log alone: the master dispatches the action when it is due, at most once per resource and poll, at
     *  context time max(due, last entry's). If it is refused, it is not tried again before the next version. */
    uint64_t (*wakes_at)(const void *state);

    /** Optional: names of actions without payload that only the master dispatches (never hidden ones): when wakes_at says so (author ""), when a
     *  client has subscribed, and when it is no longer subscribed (author: that client). */
    const char *wake;
    const char *joined; /**< see `wake` */
    const char *left;   /**< see `wake` */

    /** Optional: derives what depends on the time of reading, such as a running clock, on a copy of the state each time that
     *  a client's state is read (movex_state); context: the reader's id, the version, and the client's estimate of master
     *  time. What it writes is never stored, sent or hashed. */
    void (*transform)(void *state, const movex_context *context);

    /** For types with hidden actions: whether the time has come to reveal them. Asked of the public state (in which hidden
     *  actions are what is shown of them) after every accepted action while something is hidden; if true, everything that
     *  was hidden so far is revealed, to all, in the order of the log. Pure. */
    bool (*can_reconcile)(const void *public_state);

    /** Optional, with `hidden_as`: whether `shown` may stand for `hidden` as far as their payloads go (the same seat, the same
     *  price). Both sides ask. Pure. */
    bool (*covers)(const movex_action *hidden, const movex_action *shown);

    /** Optional: blanks what `viewer` must not see (the deck, other hands) in a copy of the state. Runs on the master alone, whose
     *  clients then hold what it leaves, and get what differs where they cannot compute it. `viewer` is a client's id, or "" for
     *  the public: nobody in particular. Pure; must leave what the schema allows, else an empty state is shown. */
    void (*redact)(void *state, const char *viewer);

    /** Optional, with `redact`: a number for what `viewer` may see of `state`: where two numbers are equal, so are the redacted
     *  states (all spectators: 0, the player of seat n: n + 1). Each is then computed, kept and encoded once, however many
     *  hold it. Without it every subscriber costs a state. Pure. */
    uint64_t (*audience)(const void *state, const char *viewer);

    /** With `hidden_as`: pairs are *sealed*. The master too gets nothing of a hidden half but a commitment, until can_reconcile
     *  holds; then each author opens what it has sealed, and all check it (docs/secrets.md). Not together with `redact` or
     *  MOVEX_MASTER_ONLY. In a room of peers all types are sealed, whatever this says. */
    bool sealed;
    /** With `sealed`: how long the authors have to open, in milliseconds of master time; 0: what the master's configuration
     *  says. */
    uint32_t seal_ms;
} movex_type;

/** A client as a subscriber of a resource. */
typedef struct movex_subscriber {
    const char *id;   /**< its client's */
    const char *info; /**< what the client has said of itself; "" if nothing */
    bool        away; /**< has lost its connection and may come back */
} movex_subscriber;

/** A list of types for a configuration: MOVEX_TYPES(&rps_type, &chat_type). It lives to the end of the enclosing block; in C++,
 *  until the thread comes to the same place again. */
#ifdef __cplusplus
#define MOVEX_TYPES(...) (movex_detail::type_list([] {}, __VA_ARGS__))
#else
#define MOVEX_TYPES(...) ((const movex_type *const[]){__VA_ARGS__, NULL})
#endif

/** @cond */
#ifdef __cplusplus
namespace movex_detail {
/* C++ has no compound literals. `Place` is the type of a lambda, which is another one wherever one is written. */
template <typename Place, typename... Types> const movex_type *const *type_list(Place, Types... types)
{
    static thread_local const movex_type *list[sizeof...(Types) + 1];
    const movex_type *const given[] = {types..., nullptr};
    for (size_t i = 0; i <= sizeof...(Types); i++) list[i] = given[i];
    return list;
}
} // namespace movex_detail
#endif
/** @endcond */

MOVEX_BEGIN_DECLARATIONS

/** The next random value of an entry: 64 bits, the same on every machine that may know them. SplitMix64 (Steele, Lea and
 *  Flood 2014) over the entry's seed. To be called by reducers only. */
MOVEX_API uint64_t movex_random(const movex_context *context);

/** In `touches`: `size` bytes of the state, from `part` on, may be changed. What does not lie within the state stands for all
 *  of it. */
MOVEX_API void movex_touches(movex_touch *touch, const void *part, size_t size);

/** A random value from 0 to `bound` - 1, each equally likely (Lemire 2019); 0 if bound is 0. */
MOVEX_API uint32_t movex_random_below(const movex_context *context, uint32_t bound);

/** A type that has been checked and made ready for use: its codecs and its fingerprint. Constant once made, so many
 *  threads may use one at once. Masters and clients make their own; a program needs one to apply actions by itself. */
typedef struct movex_rules movex_rules;

/** Checks a type's description (names, schemas, table of actions, the state that `init` makes) and makes it ready. NULL
 *  with MOVEX_ERR_SCHEMA and a text that names what is wrong and where, or with MOVEX_ERR_MEMORY. `allocator` may be NULL
 *  (malloc), `error` too. The type must outlive the rules. */
MOVEX_API movex_rules *movex_rules_new(const movex_type *type, const movex_allocator *allocator, movex_error *error);

/** Frees rules; NULL is ignored. */
MOVEX_API void movex_rules_free(movex_rules *rules);

/** The type that they were made from. */
MOVEX_API const movex_type *movex_rules_type(const movex_rules *rules);

/** The codec of the type's state. */
MOVEX_API const movex_codec *movex_rules_state(const movex_rules *rules);

/** The codec of an action's payload; NULL if it has none, or there is no such action. */
MOVEX_API const movex_codec *movex_rules_payload(const movex_rules *rules, uint32_t action);

/** 64 bits that differ when two descriptions differ in anything that both sides must agree on. */
MOVEX_API uint64_t movex_rules_fingerprint(const movex_rules *rules);

/** Fills a new state as the master would: zeros, then the type's `init`. */
MOVEX_API void movex_rules_init(const movex_rules *rules, void *state);

/** Applies one action to a state, without master or client: for bots, search and tests. Allocates nothing.
 *  @param rules    of the state's type
 *  @param state    settled; if the action is accepted, changed and settled again
 *  @param action   index into the type's table
 *  @param payload  settled; NULL if the action has none
 *  @param context  author, version, time and random source; NULL: author "", version 1, time 0, every draw 0
 *  @param scratch  room for one more state, by which a refused action leaves `state` as it was; NULL: a refused state is
 *                  left as the reducer left it, to be thrown away
 *  @return MOVEX_ACCEPT, or the reason for which it was refused */
MOVEX_API int movex_apply(const movex_rules *rules, void *state, uint32_t action, const void *payload,
                          const movex_context *context, void *scratch);

/** The most bytes that movex_rules_save writes. */
MOVEX_API size_t movex_rules_max_saved(const movex_rules *rules);

/** Writes a settled state with what is needed to recognise it (the type's name, its schema's fingerprint, a checksum), for
 *  files and databases. MOVEX_ERR_LIMIT if `capacity` is less than movex_rules_max_saved. */
MOVEX_API int movex_rules_save(const movex_rules *rules, const void *state, void *bytes, size_t capacity, size_t *length);

/** Reads what movex_rules_save has written. MOVEX_ERR_MALFORMED, MOVEX_ERR_UNKNOWN_TYPE (another type's), or
 *  MOVEX_ERR_FINGERPRINT (the state's schema has changed since), each with a text; `state` is then undefined. */
MOVEX_API int movex_rules_load(const movex_rules *rules, void *state, const void *bytes, size_t length, movex_error *error);

MOVEX_END_DECLARATIONS

#endif
