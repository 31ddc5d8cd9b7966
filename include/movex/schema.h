/** @file schema.h
 *  Describing plain C structs by constant tables, so that the library can encode, compare, hash, print and check them.
 *
 *      typedef struct { uint64_t id; char author[32]; char text[200]; } message;
 *      typedef struct { uint32_t count; message messages[100]; } room;
 *
 *      MOVEX_SCHEMA(message_schema, message, MOVEX_FIELD(message, id), MOVEX_TEXT(message, author), MOVEX_TEXT(message, text));
 *      MOVEX_SCHEMA(room_schema, room, MOVEX_STRUCT_LIST(room, messages, count, message_schema));
 *
 *  The compiler checks every member's type and that a nested schema describes it. What it cannot see (a member that the
 *  table forgets, overlaps, a list's counter that is too narrow) is found by name when the schema is registered: by
 *  movex_codec_new, movex_master_new and movex_bind.
 *
 *  | macro                                        | describes                                                             |
 *  |----------------------------------------------|-----------------------------------------------------------------------|
 *  | MOVEX_FIELD(type, member)                    | a bool, an integer of 8 to 64 bits by its stdint.h name, float, double |
 *  | MOVEX_ARRAY(type, member)                    | a fixed array of these                                                |
 *  | MOVEX_GRID(type, member)                     | a fixed array of two dimensions of these, such as `uint8_t board[8][8]` |
 *  | MOVEX_LIST(type, member, count)              | an array whose sibling `count` says how many elements are in use      |
 *  | MOVEX_ENUM(type, member, values)             | an unsigned integer or C enum whose values are 0 to values - 1        |
 *  | MOVEX_ENUMS, MOVEX_ENUM_GRID, MOVEX_ENUM_LIST | arrays, grids and lists of these                                     |
 *  | MOVEX_NAMED_ENUM(type, member, names)        | the same, its values named by an array of strings (for people's eyes) |
 *  | MOVEX_TEXT(type, member)                     | text in a char array, ended by a zero                                 |
 *  | MOVEX_TEXTS, MOVEX_TEXT_LIST                 | `char name[4][32]`, as a fixed array or as a list                     |
 *  | MOVEX_STRUCT(type, member, schema)           | a nested struct                                                       |
 *  | MOVEX_STRUCTS, MOVEX_STRUCT_LIST             | a fixed array or a list of structs                                    |
 *
 *  A list's counter is a uint8_t, uint16_t or uint32_t member and gets no entry of its own. Pointers, unions, bit-fields
 *  and types whose width differs between machines (long, size_t) have no macro, on purpose: a state means the same
 *  everywhere. */
#ifndef MOVEX_SCHEMA_H
#define MOVEX_SCHEMA_H

#include <movex/export.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <type_traits>
#else
#include <stdalign.h>
#endif

/** @cond */
/* A build that computes floats otherwise than the next one (-ffast-math, the x87's 80 bits) may not describe any: two machines
   would hold different states. docs/portability.md says what to do, and what MOVEX_FLOATS_MAY_DIFFER costs. */
#if defined(MOVEX_FLOATS_MAY_DIFFER)
#elif defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(_M_FP_FAST)
#define MOVEX_FLOATS_DIFFER_
#elif defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#define MOVEX_FLOATS_DIFFER_
#elif defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__
#define MOVEX_FLOATS_DIFFER_
#endif
/** @endcond */

/** What one element of a member is. */
typedef enum movex_kind {
    MOVEX_KIND_BOOL = 1,
    MOVEX_KIND_UINT8,
    MOVEX_KIND_UINT16,
    MOVEX_KIND_UINT32,
    MOVEX_KIND_UINT64,
    MOVEX_KIND_INT8,
    MOVEX_KIND_INT16,
    MOVEX_KIND_INT32,
    MOVEX_KIND_INT64,
    MOVEX_KIND_FLOAT,
    MOVEX_KIND_DOUBLE,
    MOVEX_KIND_ENUM, /**< an unsigned integer of element_size bytes, less than value_count */
    MOVEX_KIND_TEXT, /**< char[element_size], ended by a zero */
    MOVEX_KIND_STRUCT
} movex_kind;

/** How many elements a member has. */
typedef enum movex_shape {
    MOVEX_SHAPE_SINGLE = 1,
    MOVEX_SHAPE_ARRAY, /**< capacity elements, all in use; columns > 0: a grid of rows of that many */
    MOVEX_SHAPE_LIST   /**< capacity elements, of which the sibling counter says how many are in use */
} movex_shape;

/** One member of a struct. Made by the macros below. */
typedef struct movex_field {
    const char                *name;         /**< the member's, in the source */
    uint8_t                    kind;         /**< a ::movex_kind */
    uint8_t                    shape;        /**< a ::movex_shape */
    uint32_t                   offset;       /**< bytes from the start of the struct */
    uint32_t                   element_size; /**< bytes of one element in memory */
    uint32_t                   capacity;     /**< elements of the array; 1 if single */
    uint32_t                   columns;      /**< elements of a row of a grid, else 0 */
    const char                *count_name;   /**< list: the sibling counter, else NULL */
    uint32_t                   count_offset; /**< list: bytes from the start of the struct */
    uint32_t                   count_size;   /**< list: 1, 2 or 4 bytes */
    uint64_t                   value_count;  /**< enum: how many values there are */
    const char *const         *value_names;  /**< enum: value_count names, or NULL */
    const struct movex_schema *schema;       /**< struct: what it looks like */
} movex_field;

/** A struct, described. Made by MOVEX_SCHEMA; constant, without pointers to anything that changes. */
typedef struct movex_schema {
    const char        *name;      /**< the struct's name in the source */
    uint32_t           size;      /**< sizeof the struct */
    uint32_t           alignment; /**< alignof the struct */
    uint32_t           field_count; /**< at least 1 */
    const movex_field *fields;      /**< in the order of the encoding */
} movex_schema;

/** The number of elements of an array. */
#define MOVEX_COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

/** Declares a constant `movex_schema` of this name that describes the struct `type` by the given fields. */
#define MOVEX_SCHEMA(schema_name, type, ...)                                                                           \
    typedef type             schema_name##_struct;                                                                     \
    static const movex_field schema_name##_fields[] = {__VA_ARGS__};                                                   \
    static const movex_schema schema_name = {#type, (uint32_t)sizeof(type), (uint32_t)alignof(type),                   \
                                             MOVEX_COUNT_OF(schema_name##_fields), schema_name##_fields}

/** A bool, an integer of 8 to 64 bits by its stdint.h name, a float or a double. */
#define MOVEX_FIELD(type, member)                                                                                      \
    MOVEX_SINGLE_(type, member, MOVEX_SCALAR_KIND_(MOVEX_MEMBER_(type, member)), 0, NULL, NULL)
/** A fixed array of what MOVEX_FIELD describes. */
#define MOVEX_ARRAY(type, member)                                                                                      \
    MOVEX_ARRAY_(type, member, MOVEX_SCALARS_KIND_(MOVEX_MEMBER_(type, member)), 0, NULL, NULL)
/** A fixed array of two dimensions of what MOVEX_FIELD describes. */
#define MOVEX_GRID(type, member) MOVEX_GRID_(type, member, MOVEX_SCALAR_GRID_KIND_(MOVEX_MEMBER_(type, member)), 0)
/** An array of what MOVEX_FIELD describes, of which the sibling `count` says how many elements are in use. */
#define MOVEX_LIST(type, member, count)                                                                                \
    MOVEX_LIST_(type, member, count, MOVEX_SCALARS_KIND_(MOVEX_MEMBER_(type, member)), 0, NULL)

/** An unsigned integer or C enum whose values are 0 to `values` - 1. */
#define MOVEX_ENUM(type, member, values)                                                                               \
    MOVEX_SINGLE_(type, member, MOVEX_ENUM_KIND_(MOVEX_MEMBER_(type, member)), (values), NULL, NULL)
/** The same, its values named by `names`, an array of strings; as many as there are values. */
#define MOVEX_NAMED_ENUM(type, member, names)                                                                          \
    MOVEX_SINGLE_(type, member, MOVEX_ENUM_KIND_(MOVEX_MEMBER_(type, member)), MOVEX_COUNT_OF(names), names, NULL)
/** A fixed array of what MOVEX_ENUM describes. */
#define MOVEX_ENUMS(type, member, values)                                                                              \
    MOVEX_ARRAY_(type, member, MOVEX_ENUMS_KIND_(MOVEX_MEMBER_(type, member)), (values), NULL, NULL)
/** A fixed array of two dimensions of what MOVEX_ENUM describes. */
#define MOVEX_ENUM_GRID(type, member, values)                                                                          \
    MOVEX_GRID_(type, member, MOVEX_ENUM_GRID_KIND_(MOVEX_MEMBER_(type, member)), (values))
/** A list of what MOVEX_ENUM describes. */
#define MOVEX_ENUM_LIST(type, member, count, values)                                                                   \
    MOVEX_LIST_(type, member, count, MOVEX_ENUMS_KIND_(MOVEX_MEMBER_(type, member)), (values), NULL)

/** Text in a char array, ended by a zero. */
#define MOVEX_TEXT(type, member)                                                                                       \
    MOVEX_SINGLE_(type, member, MOVEX_TEXT_KIND_(MOVEX_MEMBER_(type, member)), 0, NULL, NULL)
/** A fixed array of texts, such as `char names[4][32]`. */
#define MOVEX_TEXTS(type, member)                                                                                      \
    MOVEX_ARRAY_(type, member, MOVEX_TEXTS_KIND_(MOVEX_MEMBER_(type, member)), 0, NULL, NULL)
/** A list of texts. */
#define MOVEX_TEXT_LIST(type, member, count)                                                                           \
    MOVEX_LIST_(type, member, count, MOVEX_TEXTS_KIND_(MOVEX_MEMBER_(type, member)), 0, NULL)

/** A nested struct that `schema` describes. */
#define MOVEX_STRUCT(type, member, schema)                                                                             \
    MOVEX_SINGLE_(type, member, MOVEX_STRUCT_KIND_(MOVEX_MEMBER_(type, member), schema##_struct), 0, NULL, &(schema))
/** A fixed array of structs that `schema` describes. */
#define MOVEX_STRUCTS(type, member, schema)                                                                            \
    MOVEX_ARRAY_(type, member, MOVEX_STRUCTS_KIND_(MOVEX_MEMBER_(type, member), schema##_struct), 0, NULL, &(schema))
/** A list of structs that `schema` describes. */
#define MOVEX_STRUCT_LIST(type, member, count, schema)                                                                 \
    MOVEX_LIST_(type, member, count, MOVEX_STRUCTS_KIND_(MOVEX_MEMBER_(type, member), schema##_struct), 0, &(schema))

/** @cond  The rest of the file is how the macros above are made. */

#define MOVEX_MEMBER_(type, member) ((type *)0)->member
#define MOVEX_SIZE_(type, member) ((uint32_t)sizeof(MOVEX_MEMBER_(type, member)))
#define MOVEX_ELEMENT_SIZE_(type, member) ((uint32_t)sizeof((MOVEX_MEMBER_(type, member))[0]))
#define MOVEX_CAPACITY_(type, member) (MOVEX_SIZE_(type, member) / MOVEX_ELEMENT_SIZE_(type, member))

#define MOVEX_SINGLE_(type, member, kind, values, names, schema)                                                       \
    {#member, kind, MOVEX_SHAPE_SINGLE, (uint32_t)offsetof(type, member), MOVEX_SIZE_(type, member), 1, 0, NULL, 0, 0, \
     values, names, schema}
#define MOVEX_ARRAY_(type, member, kind, values, names, schema)                                                        \
    {#member, kind, MOVEX_SHAPE_ARRAY, (uint32_t)offsetof(type, member), MOVEX_ELEMENT_SIZE_(type, member),            \
     MOVEX_CAPACITY_(type, member), 0, NULL, 0, 0, values, names, schema}
#define MOVEX_GRID_(type, member, kind, values)                                                                        \
    {#member, kind, MOVEX_SHAPE_ARRAY, (uint32_t)offsetof(type, member),                                               \
     (uint32_t)sizeof((MOVEX_MEMBER_(type, member))[0][0]),                                                            \
     (uint32_t)(MOVEX_SIZE_(type, member) / sizeof((MOVEX_MEMBER_(type, member))[0][0])),                              \
     MOVEX_COUNT_OF((MOVEX_MEMBER_(type, member))[0]), NULL, 0, 0, values, NULL, NULL}
#define MOVEX_LIST_(type, member, count, kind, values, schema)                                                         \
    {#member, kind, MOVEX_SHAPE_LIST, (uint32_t)offsetof(type, member), MOVEX_ELEMENT_SIZE_(type, member),             \
     MOVEX_CAPACITY_(type, member), 0, #count, (uint32_t)offsetof(type, count),                                        \
     MOVEX_COUNTER_SIZE_(MOVEX_MEMBER_(type, count)), values, NULL, schema}

#ifndef __cplusplus

#ifdef MOVEX_FLOATS_DIFFER_
/* A struct is no kind, so the compiler stops where one would be, and says this name. */
struct movex_this_build_computes_floats_otherwise_see_docs_portability {
    char unused;
};
#define MOVEX_FLOAT_KIND_ (*(struct movex_this_build_computes_floats_otherwise_see_docs_portability *)NULL)
#define MOVEX_DOUBLE_KIND_ MOVEX_FLOAT_KIND_
#else
#define MOVEX_FLOAT_KIND_ MOVEX_KIND_FLOAT
#define MOVEX_DOUBLE_KIND_ MOVEX_KIND_DOUBLE
#endif

/* A member of a type that no line names does not compile: the message names the macro's line. A pointer to an array of
   unknown length is compatible with a pointer to an array of any length, but not with a pointer to a pointer. */
#define MOVEX_SCALAR_KIND_(m)                                                                                          \
    _Generic((m),                                                                                                      \
        bool: MOVEX_KIND_BOOL,                                                                                         \
        uint8_t: MOVEX_KIND_UINT8,                                                                                     \
        uint16_t: MOVEX_KIND_UINT16,                                                                                   \
        uint32_t: MOVEX_KIND_UINT32,                                                                                   \
        uint64_t: MOVEX_KIND_UINT64,                                                                                   \
        int8_t: MOVEX_KIND_INT8,                                                                                       \
        int16_t: MOVEX_KIND_INT16,                                                                                     \
        int32_t: MOVEX_KIND_INT32,                                                                                     \
        int64_t: MOVEX_KIND_INT64,                                                                                     \
        float: MOVEX_FLOAT_KIND_,                                                                                      \
        double: MOVEX_DOUBLE_KIND_)
#define MOVEX_ARRAY_KIND_(m, dimensions)                                                                               \
    _Generic(&(m),                                                                                                     \
        bool(*) dimensions: MOVEX_KIND_BOOL,                                                                           \
        uint8_t(*) dimensions: MOVEX_KIND_UINT8,                                                                       \
        uint16_t(*) dimensions: MOVEX_KIND_UINT16,                                                                     \
        uint32_t(*) dimensions: MOVEX_KIND_UINT32,                                                                     \
        uint64_t(*) dimensions: MOVEX_KIND_UINT64,                                                                     \
        int8_t(*) dimensions: MOVEX_KIND_INT8,                                                                         \
        int16_t(*) dimensions: MOVEX_KIND_INT16,                                                                       \
        int32_t(*) dimensions: MOVEX_KIND_INT32,                                                                       \
        int64_t(*) dimensions: MOVEX_KIND_INT64,                                                                       \
        float(*) dimensions: MOVEX_FLOAT_KIND_,                                                                        \
        double(*) dimensions: MOVEX_DOUBLE_KIND_)
#define MOVEX_SCALARS_KIND_(m) MOVEX_ARRAY_KIND_(m, [])
#define MOVEX_SCALAR_GRID_KIND_(m) MOVEX_ARRAY_KIND_(m, [][sizeof((m)[0]) / sizeof((m)[0][0])])
/* int is what a C enum with a negative value, or on some compilers any, is made of. */
#define MOVEX_ENUM_KIND_(m)                                                                                            \
    _Generic((m),                                                                                                      \
        uint8_t: MOVEX_KIND_ENUM,                                                                                      \
        uint16_t: MOVEX_KIND_ENUM,                                                                                     \
        uint32_t: MOVEX_KIND_ENUM,                                                                                     \
        int32_t: MOVEX_KIND_ENUM)
#define MOVEX_ENUM_ARRAY_KIND_(m, dimensions)                                                                          \
    _Generic(&(m),                                                                                                     \
        uint8_t(*) dimensions: MOVEX_KIND_ENUM,                                                                        \
        uint16_t(*) dimensions: MOVEX_KIND_ENUM,                                                                       \
        uint32_t(*) dimensions: MOVEX_KIND_ENUM,                                                                       \
        int32_t(*) dimensions: MOVEX_KIND_ENUM)
#define MOVEX_ENUMS_KIND_(m) MOVEX_ENUM_ARRAY_KIND_(m, [])
#define MOVEX_ENUM_GRID_KIND_(m) MOVEX_ENUM_ARRAY_KIND_(m, [][sizeof((m)[0]) / sizeof((m)[0][0])])
#define MOVEX_TEXT_KIND_(m) _Generic(&(m), char(*)[]: MOVEX_KIND_TEXT)
#define MOVEX_TEXTS_KIND_(m) _Generic(&(m), char(*)[][sizeof((m)[0])]: MOVEX_KIND_TEXT)
#define MOVEX_STRUCT_KIND_(m, expected) _Generic((m), expected: MOVEX_KIND_STRUCT)
#define MOVEX_STRUCTS_KIND_(m, expected) _Generic(&(m), expected(*)[]: MOVEX_KIND_STRUCT)
#define MOVEX_COUNTER_SIZE_(m) _Generic((m), uint8_t: 1, uint16_t: 2, uint32_t: 4)

#else

namespace movex_detail {
template <typename T> struct scalar; /* a member of a type without a line here does not compile */
template <> struct scalar<bool> { static constexpr uint8_t kind = MOVEX_KIND_BOOL; };
template <> struct scalar<uint8_t> { static constexpr uint8_t kind = MOVEX_KIND_UINT8; };
template <> struct scalar<uint16_t> { static constexpr uint8_t kind = MOVEX_KIND_UINT16; };
template <> struct scalar<uint32_t> { static constexpr uint8_t kind = MOVEX_KIND_UINT32; };
template <> struct scalar<uint64_t> { static constexpr uint8_t kind = MOVEX_KIND_UINT64; };
template <> struct scalar<int8_t> { static constexpr uint8_t kind = MOVEX_KIND_INT8; };
template <> struct scalar<int16_t> { static constexpr uint8_t kind = MOVEX_KIND_INT16; };
template <> struct scalar<int32_t> { static constexpr uint8_t kind = MOVEX_KIND_INT32; };
template <> struct scalar<int64_t> { static constexpr uint8_t kind = MOVEX_KIND_INT64; };
#ifdef MOVEX_FLOATS_DIFFER_
template <> struct scalar<float>;  /* this build computes floats otherwise: see docs/portability.md */
template <> struct scalar<double>; /* the same */
#else
template <> struct scalar<float> { static constexpr uint8_t kind = MOVEX_KIND_FLOAT; };
template <> struct scalar<double> { static constexpr uint8_t kind = MOVEX_KIND_DOUBLE; };
#endif
template <typename T> struct scalars;
template <typename T, size_t N> struct scalars<T[N]> : scalar<T> {};
template <typename T> struct grid;
template <typename T, size_t R, size_t C> struct grid<T[R][C]> : scalar<T> {};
template <typename T> struct enumeration {
    static_assert(std::is_enum<T>::value || std::is_same<T, uint8_t>::value || std::is_same<T, uint16_t>::value ||
                      std::is_same<T, uint32_t>::value || std::is_same<T, int32_t>::value,
                  "MOVEX_ENUM describes an enum or an unsigned integer of 8 to 32 bits");
    static constexpr uint8_t kind = MOVEX_KIND_ENUM;
};
template <typename T> struct enumerations;
template <typename T, size_t N> struct enumerations<T[N]> : enumeration<T> {};
template <typename T> struct enumeration_grid;
template <typename T, size_t R, size_t C> struct enumeration_grid<T[R][C]> : enumeration<T> {};
template <typename T> struct text;
template <size_t N> struct text<char[N]> { static constexpr uint8_t kind = MOVEX_KIND_TEXT; };
template <typename T> struct texts;
template <size_t K, size_t N> struct texts<char[K][N]> { static constexpr uint8_t kind = MOVEX_KIND_TEXT; };
template <typename T, typename Expected> struct structure {
    static_assert(std::is_same<T, Expected>::value, "the schema describes another struct than this member's");
    static constexpr uint8_t kind = MOVEX_KIND_STRUCT;
};
template <typename T, typename Expected> struct structures;
template <typename T, size_t N, typename Expected> struct structures<T[N], Expected> : structure<T, Expected> {};
template <typename T> struct counter {
    static_assert(std::is_same<T, uint8_t>::value || std::is_same<T, uint16_t>::value || std::is_same<T, uint32_t>::value,
                  "a list is counted by a uint8_t, uint16_t or uint32_t");
    static constexpr uint32_t size = sizeof(T);
};
} // namespace movex_detail

#define MOVEX_SCALAR_KIND_(m) movex_detail::scalar<decltype(m)>::kind
#define MOVEX_SCALARS_KIND_(m) movex_detail::scalars<decltype(m)>::kind
#define MOVEX_SCALAR_GRID_KIND_(m) movex_detail::grid<decltype(m)>::kind
#define MOVEX_ENUM_KIND_(m) movex_detail::enumeration<decltype(m)>::kind
#define MOVEX_ENUMS_KIND_(m) movex_detail::enumerations<decltype(m)>::kind
#define MOVEX_ENUM_GRID_KIND_(m) movex_detail::enumeration_grid<decltype(m)>::kind
#define MOVEX_TEXT_KIND_(m) movex_detail::text<decltype(m)>::kind
#define MOVEX_TEXTS_KIND_(m) movex_detail::texts<decltype(m)>::kind
#define MOVEX_STRUCT_KIND_(m, expected) movex_detail::structure<decltype(m), expected>::kind
#define MOVEX_STRUCTS_KIND_(m, expected) movex_detail::structures<decltype(m), expected>::kind
#define MOVEX_COUNTER_SIZE_(m) movex_detail::counter<decltype(m)>::size

#endif

/** @endcond */

#endif
