/* The types whose runs are recorded. */
#ifndef MOVEX_TESTS_RECORDED_TYPES_H
#define MOVEX_TESTS_RECORDED_TYPES_H

#include <movex/type.h>

extern const movex_type *const recorded_types[]; /* ended by NULL; the first two are those of kinds_game.h */

#endif
