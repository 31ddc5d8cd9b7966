/* Structs that use every macro of movex/schema.h on every kind, described once for both languages: compiled as C
   (cpp_samples.c) and as C++ (test_cpp.cpp), the tables must be the same. */
#ifndef MOVEX_TESTS_CPP_SAMPLES_H
#define MOVEX_TESTS_CPP_SAMPLES_H

#include <movex/game.h>
#include <movex/type.h>

typedef enum cpp_suit { CPP_CLUBS, CPP_HEARTS, CPP_SPADES, CPP_SUITS } cpp_suit;

static const char *const cpp_suit_names[] = {"clubs", "hearts", "spades"};

/* A member of each kind, of a shape that DECLARATOR writes; and what describes them. */
#define CPP_MEMBERS(DECLARE)                                                                                           \
    DECLARE(bool, flag)                                                                                                \
    DECLARE(uint8_t, u8)                                                                                               \
    DECLARE(uint16_t, u16)                                                                                             \
    DECLARE(uint32_t, u32)                                                                                             \
    DECLARE(uint64_t, u64)                                                                                             \
    DECLARE(int8_t, i8)                                                                                                \
    DECLARE(int16_t, i16)                                                                                              \
    DECLARE(int32_t, i32)                                                                                              \
    DECLARE(int64_t, i64)                                                                                              \
    DECLARE(float, ratio)                                                                                              \
    DECLARE(double, real)
#define CPP_DESCRIBED(MACRO, type)                                                                                     \
    MACRO(type, flag), MACRO(type, u8), MACRO(type, u16), MACRO(type, u32), MACRO(type, u64), MACRO(type, i8),         \
        MACRO(type, i16), MACRO(type, i32), MACRO(type, i64), MACRO(type, ratio), MACRO(type, real)

#define CPP_SINGLE(kind, name) kind name;
#define CPP_ARRAY(kind, name) kind name[3];
#define CPP_GRID(kind, name) kind name[2][4];
#define CPP_LIST(kind, name)                                                                                           \
    kind     name[5];                                                                                                  \
    uint16_t name##_count;
#define CPP_DESCRIBE_LIST(type, name) MOVEX_LIST(type, name, name##_count)

typedef struct cpp_singles {
    CPP_MEMBERS(CPP_SINGLE)
    char     name[7];
    cpp_suit trump;
    uint8_t  small_trump;
    uint16_t wide;
    uint32_t widest;
} cpp_singles;

typedef struct cpp_arrays {
    CPP_MEMBERS(CPP_ARRAY)
    char     names[3][7];
    cpp_suit deck[4];
    uint8_t  small_deck[4];
} cpp_arrays;

typedef struct cpp_grids {
    CPP_MEMBERS(CPP_GRID)
    cpp_suit deck[3][2];
    uint16_t wide_deck[2][3];
} cpp_grids;

typedef struct cpp_lists {
    CPP_MEMBERS(CPP_LIST)
    uint8_t  name_count;
    char     names[3][7];
    cpp_suit deck[4];
    uint32_t deck_count;
} cpp_lists;

typedef struct cpp_nested {
    cpp_singles one;
    cpp_arrays  some[2];
    uint8_t     list_count;
    cpp_lists   lists[2];
    cpp_grids   grids;
} cpp_nested;

/* What C++ may write with an enum class of one byte. */
typedef struct cpp_classy {
    uint8_t suit;
    uint8_t suits[3];
} cpp_classy;

MOVEX_SCHEMA(cpp_singles_schema, cpp_singles, CPP_DESCRIBED(MOVEX_FIELD, cpp_singles), MOVEX_TEXT(cpp_singles, name),
             MOVEX_NAMED_ENUM(cpp_singles, trump, cpp_suit_names), MOVEX_ENUM(cpp_singles, small_trump, CPP_SUITS),
             MOVEX_ENUM(cpp_singles, wide, 300), MOVEX_ENUM(cpp_singles, widest, 70000));
MOVEX_SCHEMA(cpp_arrays_schema, cpp_arrays, CPP_DESCRIBED(MOVEX_ARRAY, cpp_arrays), MOVEX_TEXTS(cpp_arrays, names),
             MOVEX_ENUMS(cpp_arrays, deck, CPP_SUITS), MOVEX_ENUMS(cpp_arrays, small_deck, 200));
MOVEX_SCHEMA(cpp_grids_schema, cpp_grids, CPP_DESCRIBED(MOVEX_GRID, cpp_grids),
             MOVEX_ENUM_GRID(cpp_grids, deck, CPP_SUITS), MOVEX_ENUM_GRID(cpp_grids, wide_deck, 300));
MOVEX_SCHEMA(cpp_lists_schema, cpp_lists, CPP_DESCRIBED(CPP_DESCRIBE_LIST, cpp_lists),
             MOVEX_TEXT_LIST(cpp_lists, names, name_count), MOVEX_ENUM_LIST(cpp_lists, deck, deck_count, CPP_SUITS));
MOVEX_SCHEMA(cpp_nested_schema, cpp_nested, MOVEX_STRUCT(cpp_nested, one, cpp_singles_schema),
             MOVEX_STRUCTS(cpp_nested, some, cpp_arrays_schema),
             MOVEX_STRUCT_LIST(cpp_nested, lists, list_count, cpp_lists_schema),
             MOVEX_STRUCT(cpp_nested, grids, cpp_grids_schema));

MOVEX_BEGIN_DECLARATIONS

/* The same schemas as C has made them. */
extern const movex_schema *const c_singles_schema, *const c_arrays_schema, *const c_grids_schema, *const c_lists_schema,
    *const c_nested_schema, *const c_classy_schema;

/* The type and the program of examples/counter.c. */
extern const movex_type counter_type_in_c;
int                     counter_in_c(void);

/* What the C++ half exports for movexd, as a C program finds it. */
const movex_game *game_seen_by_c(void);

MOVEX_END_DECLARATIONS

#endif
