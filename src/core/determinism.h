/* The twin of rules that are checked: a second run of every action. */
#ifndef MOVEX_CORE_DETERMINISM_H
#define MOVEX_CORE_DETERMINISM_H

#include <movex/determinism.h>

typedef struct movex_twin movex_twin;

/* Nothing if there is none. */
void movex_twin_free(movex_rules *rules);

/* Runs the reducer, and once more on a copy; returns the answer of the first. The rules have a twin. */
int movex_twin_reduce(const movex_rules *rules, void *state, const movex_action *action, const movex_context *context);

#endif
