/* The C half of test_cpp.cpp. */
#include "cpp_samples.h"

/* The example itself, under names of its own. */
#define main counter_in_c
#define counter_type counter_type_in_c
#include "../examples/counter.c"

MOVEX_SCHEMA(cpp_classy_schema, cpp_classy, MOVEX_ENUM(cpp_classy, suit, CPP_SUITS),
             MOVEX_ENUMS(cpp_classy, suits, CPP_SUITS));

const movex_schema *const c_singles_schema = &cpp_singles_schema;
const movex_schema *const c_arrays_schema = &cpp_arrays_schema;
const movex_schema *const c_grids_schema = &cpp_grids_schema;
const movex_schema *const c_lists_schema = &cpp_lists_schema;
const movex_schema *const c_nested_schema = &cpp_nested_schema;
const movex_schema *const c_classy_schema = &cpp_classy_schema;

extern const movex_game movex_game_exports;

const movex_game *game_seen_by_c(void)
{
    return &movex_game_exports;
}
