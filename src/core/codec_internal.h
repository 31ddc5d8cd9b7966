/* A compiled schema: one node per distinct struct, shared by all members of that struct.

   Three views of the same struct, each in the order in which it is walked:
   - members: the table's order, for encoding, decoding and printing;
   - pieces: members' elements and counters by memory offset, for settling what lies in a range of memory;
   - stretches: what the image is made of, by memory offset, which is also the image's order; neighbours without padding
     between them are one stretch where memory and image hold the same bytes.
   movex_codec_new has checked all of it, so that nothing here is checked again: pieces lie inside the struct, do not
   overlap, and have no member between them that the table does not know. */
#ifndef MOVEX_CORE_CODEC_INTERNAL_H
#define MOVEX_CORE_CODEC_INTERNAL_H

#include "codec_commit.h"
#include "format.h"
#include "host.h"

#include <movex/codec.h>

typedef struct movex_node movex_node;

typedef struct movex_member {
    const movex_field *field;
    const movex_node  *node;               /* of a struct, else NULL */
    uint32_t           image_offset;       /* bytes from the start of the struct's image */
    uint32_t           image_element_size; /* bytes */
    uint32_t           count_image_offset; /* list: of the counter, else 0 */
} movex_member;

typedef struct movex_piece {
    const movex_member *member;
    bool                is_counter; /* the member's counter, not its elements */
    bool                inert;      /* every content is settled: of no list, and integers alone */
    uint32_t            offset;     /* bytes from the start of the struct */
    uint32_t            size;       /* bytes in memory, > 0 */
} movex_piece;

typedef struct movex_stretch {
    uint32_t          offset;       /* bytes from the start of the struct */
    uint32_t          image_offset; /* bytes from the start of the struct's image */
    uint32_t          stride;       /* bytes of an element in memory */
    uint32_t          image_stride; /* bytes of an element in the image, <= stride */
    uint32_t          count;        /* elements, > 0 */
    const movex_node *node;         /* of structs with padding; NULL: bytes as they are (stride 1) or integers to be swapped */
} movex_stretch;

struct movex_node {
    const movex_schema *schema;
    movex_node         *next;      /* in the codec's list of all its nodes */
    size_t              allocated; /* bytes of the block that holds the node and its tables */
    bool                ready;     /* compiled; false while its members are */
    bool                inert;     /* every content is settled: integers alone */
    bool                plain;     /* and memory is the image, byte for byte */
    bool                floats;    /* it has some */
    unsigned            height;    /* how deep structs are nested in it, itself included; <= MOVEX_CODEC_MAX_DEPTH */
    uint32_t            size;      /* bytes in memory */
    uint32_t            image_size;
    uint64_t            max_encoded; /* bytes */
    uint64_t            fingerprint;
    uint32_t            member_count, piece_count, stretch_count;
    movex_member       *members;
    movex_piece        *pieces;
    movex_stretch      *stretches;
};

struct movex_codec {
    movex_allocator   allocator;
    const movex_node *root;
    movex_node       *nodes; /* all, the latest first */
};

/* Where a walk is: the member and element, and the struct around it. Lives on the walker's stack. */
typedef struct movex_path {
    const struct movex_path *parent; /* NULL: the outermost struct */
    const movex_field       *field;
    uint32_t                 index; /* of the element; MOVEX_WHOLE_MEMBER: the member itself */
} movex_path;

#define MOVEX_WHOLE_MEMBER UINT32_MAX

#define MOVEX_FLOAT_NAN UINT32_C(0x7fc00000)
#define MOVEX_DOUBLE_NAN UINT64_C(0x7ff8000000000000)

/* codec_compile.c: checks a schema and adds its node, and those of the structs inside it, to the codec. */
int movex_node_compile(movex_codec *codec, const movex_schema *schema, unsigned depth, const movex_node **node,
                       movex_error *error);

/* codec_path.c */
void movex_path_format(movex_format *format, const movex_path *path);
/* Starts an error text with the path; the caller goes on writing it. `error` may be NULL. */
movex_format movex_path_error(movex_error *error, movex_status status, const movex_path *path);
/* The three faults that a state and its encoding have in common. They return the status. */
int movex_path_value_error(movex_error *error, movex_status status, const movex_path *path, uint64_t value);
int movex_path_count_error(movex_error *error, movex_status status, const movex_path *path, uint64_t count);
int movex_path_text_error(movex_error *error, movex_status status, const movex_path *path, uint64_t length);

/* codec_image.c: bytes [from, to) of the image of a struct. */
void movex_image_read(const movex_node *node, const unsigned char *memory, uint32_t from, uint32_t to, unsigned char *bytes);
void movex_image_write(const movex_node *node, unsigned char *memory, uint32_t from, uint32_t to, const unsigned char *bytes);
/* The same bytes without copying where memory holds them as they are, else in `buffer`. */
const unsigned char *movex_image_view(const movex_node *node, const unsigned char *memory, uint32_t from, uint32_t to,
                                      unsigned char *buffer);
/* True if a struct's image is all zero. */
bool movex_image_is_zero(const movex_node *node, const unsigned char *memory);
/* The image bytes of the elements that start before byte `offset` of the struct; of one that straddles it, all (`up`) or
   none. So memory [a, b) has the image [movex_image_position(a, false), movex_image_position(b, true)). */
uint32_t movex_image_position(const movex_node *node, uint32_t offset, bool up);

/* Memory is compared in chunks of this many bytes. */
#define MOVEX_CHUNK 256u

static inline uint32_t movex_chunk_size(uint32_t size, uint32_t at)
{
    return size - at < MOVEX_CHUNK ? size - at : MOVEX_CHUNK;
}

static inline bool movex_is_zero(const unsigned char *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* The next run of chunks at or after `*from` (a multiple of MOVEX_CHUNK) in which a and b differ, as [*from, *to); false if
   there is none. */
bool movex_next_difference(const unsigned char *a, const unsigned char *b, uint32_t size, uint32_t *from, uint32_t *to);

/* codec_settle.c */
typedef struct movex_settling {
    const unsigned char *old;     /* the settled state that `memory` was; NULL: nothing is known about it */
    unsigned char       *memory;  /* the outermost struct */
    movex_touched       *touched; /* gets what settling changes; NULL: not asked */
    bool                 strict;  /* refuse, as malformed, what would have to be changed in the image */
    movex_error         *error;
} movex_settling;

/* Settles everything that memory range [from, to) of the outermost struct touches, and slots that a count inside it has left
   behind since `old`. */
int movex_settle_range(const movex_settling *settling, const movex_node *node, uint32_t from, uint32_t to);
/* Settles all that differs between `old` and `memory`. */
int movex_settle_changes(const movex_settling *settling, const movex_node *node);

/* codec_json.c: one element of a member as JSON. */
void movex_json_element(movex_format *format, const movex_member *member, const unsigned char *memory);

static inline bool movex_kind_is_integer(unsigned kind)
{
    return kind >= MOVEX_KIND_UINT8 && kind <= MOVEX_KIND_INT64;
}

/* True if decoding takes this value of a scalar as it is. */
static inline bool movex_value_is_canonical(const movex_field *field, uint64_t value)
{
    switch (field->kind) {
    case MOVEX_KIND_BOOL: return value <= 1;
    case MOVEX_KIND_ENUM: return value < field->value_count;
    case MOVEX_KIND_FLOAT: return (value & 0x7fffffff) <= 0x7f800000 || value == MOVEX_FLOAT_NAN;
    case MOVEX_KIND_DOUBLE:
        return (value & INT64_MAX) <= UINT64_C(0x7ff0000000000000) || value == MOVEX_DOUBLE_NAN;
    default: return true;
    }
}

/* The elements in use, as memory has it: above the capacity if the state is not a valid one. */
static inline uint32_t movex_member_count(const movex_field *field, const unsigned char *memory)
{
    if (field->shape != MOVEX_SHAPE_LIST) return field->capacity;
    return (uint32_t)movex_load_host(memory + field->count_offset, field->count_size);
}

/* True if memory holds the image as it is, in one piece. */
static inline bool movex_image_is_memory(const movex_node *node)
{
    return node->stretch_count == 1 && !node->stretches->node && node->stretches->stride == 1;
}

static inline uint32_t movex_block_count(const movex_node *node)
{
    return (node->image_size + MOVEX_CODEC_BLOCK - 1) / MOVEX_CODEC_BLOCK;
}

#endif
