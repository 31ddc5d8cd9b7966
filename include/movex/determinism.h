/** @file determinism.h
 *  Finding reducers that are not deterministic, before players do: every action is run twice, and what comes out is compared. For
 *  tests; off unless asked for (movex_master_config.determinism, movex_client_config.determinism,
 *  movex_rules_check_determinism), and then it costs nothing.
 *
 *  The two runs have the same state, payload, context and random values, but not the same memory: padding and the stack
 *  below the reducer hold other bytes, and everything lies elsewhere. So a reducer is found which reads padding or
 *  uninitialised variables, compares addresses, counts in a variable of its own, reads a clock that moves on, changes
 *  its payload, or writes outside the state. Unused slots of lists and what follows a text's end are not changed: they
 *  are zero on every machine, and a reducer may count on it. A reducer that is wrong in the same way twice is not
 *  found: see movex_stats.mismatches.
 *
 *  Where an action declares what it touches (movex_action_type.touches), one that changes anything else is found as well, to
 *  the byte.
 *
 *  Threads: rules that are checked are used by one thread at a time, unlike others. */
#ifndef MOVEX_DETERMINISM_H
#define MOVEX_DETERMINISM_H

#include <movex/export.h>
#include <movex/status.h>
#include <movex/type.h>

/** What was found. Starts as all zero; filled in as actions are run. One may be shared by many masters, clients and
 *  rules on one thread. */
typedef struct movex_determinism {
    uint64_t runs;     /**< actions that were run twice */
    uint64_t findings; /**< of them, those in which the two runs differed, or something was written that must not be, or was
                            not declared */
    char     text[MOVEX_ERROR_TEXT_SIZE]; /**< the first finding, with type, action and fields: "type row, action append: run twice,
                                               it left numbers[1]: here 7, second run 9" */
} movex_determinism;

MOVEX_BEGIN_DECLARATIONS

/** From now on, every action that is run by these rules is run twice, and what is found is told to `found`, which must
 *  outlive the rules. NULL: no more. MOVEX_OK, or MOVEX_ERR_MEMORY and nothing has changed. */
MOVEX_API int movex_rules_check_determinism(movex_rules *rules, movex_determinism *found);

MOVEX_END_DECLARATIONS

#endif
