/** @file codec.h
 *  A schema put to work: encoding, strict decoding, checksum, equality, difference and patch, copy, clearing and JSON.
 *
 *  A codec is made once from a schema, which it checks, and is constant from then on. Masters and clients make their own;
 *  a program needs one only to do these things itself (saving, tools, tests).
 *
 *  Two forms of one state (docs/encoding.md has them exactly):
 *  - The **canonical encoding**, for wire, files and comparison across machines: the fields in the table's order, integers
 *    little-endian, no padding, a text as its length and bytes, a list as its count and used elements.
 *  - The **image**, over which the checksum runs: every member at a fixed place in the struct's own order, little-endian, no
 *    padding, unused slots and tails zero. The checksum is the sum, modulo 2^64, of the XXH64 hashes of the image's blocks of
 *    MOVEX_CODEC_BLOCK bytes, each seeded with its index; so it costs what changed.
 *
 *  A state is **settled** when unused list slots and what follows a text's end are zero, every count fits, every text has
 *  its zero, every enum is in range and every NaN is the canonical one. Decoding yields settled states; after a program has
 *  written to a state, movex_codec_settle makes it so or says which field cannot be.
 *
 *  Threads: a codec may be used by many threads at once; a state is its caller's. */
#ifndef MOVEX_CODEC_H
#define MOVEX_CODEC_H

#include <movex/allocator.h>
#include <movex/export.h>
#include <movex/schema.h>
#include <movex/status.h>

/** Bytes of one block of the image. */
#define MOVEX_CODEC_BLOCK 256
/** How deep structs may be nested. */
#define MOVEX_CODEC_MAX_DEPTH 16
/** The largest struct and the largest image, in bytes. */
#define MOVEX_CODEC_MAX_SIZE 0x10000000u

/** A checked and compiled schema. */
typedef struct movex_codec movex_codec;

MOVEX_BEGIN_DECLARATIONS

/** Checks `schema` and makes a codec for it. `allocator` may be NULL (malloc); `error` may be NULL. Returns NULL with
 *  MOVEX_ERR_SCHEMA and a text that names struct and member (overlap, forgotten member, a counter too narrow for its list
 *  or counting two, recursion, an enum without values or too many for its width, two fields of one name), or with
 *  MOVEX_ERR_MEMORY. The schema must outlive the codec. */
MOVEX_API movex_codec *movex_codec_new(const movex_schema *schema, const movex_allocator *allocator, movex_error *error);

/** Frees a codec; NULL is ignored. */
MOVEX_API void movex_codec_free(movex_codec *codec);

/** The schema it was made from. */
MOVEX_API const movex_schema *movex_codec_schema(const movex_codec *codec);

/** 64 bits that differ when two schemas differ in anything that both sides must agree on (names, kinds, shapes, sizes,
 *  order; not the struct's own name or its memory layout). */
MOVEX_API uint64_t movex_codec_fingerprint(const movex_codec *codec);

/** The most bytes that the canonical encoding of any state takes. */
MOVEX_API size_t movex_codec_max_encoded(const movex_codec *codec);

/** Writes the canonical encoding of a settled state into `bytes` and its length into `length`. MOVEX_ERR_LIMIT if
 *  `capacity` is too small (then `length` is what it takes), MOVEX_ERR_INVALID_STATE (with the field's path) if a value
 *  is one that decoding would refuse. */
MOVEX_API int movex_codec_encode(const movex_codec *codec, const void *state, void *bytes, size_t capacity, size_t *length,
                                 movex_error *error);

/** Reads a canonical encoding of exactly `length` bytes into `state`, all of it (padding becomes zero). Anything else than
 *  the one canonical form is refused with MOVEX_ERR_MALFORMED and the field's path ("messages[3].text: ..."); `state` is
 *  then all zero. */
MOVEX_API int movex_codec_decode(const movex_codec *codec, void *state, const void *bytes, size_t length, movex_error *error);

/** Clears unused slots and tails and canonicalises NaNs, in place. MOVEX_ERR_INVALID_STATE, with the field's path, for a
 *  count above the capacity, a text without an end or an enum out of range; the state is then partly settled. */
MOVEX_API int movex_codec_settle(const movex_codec *codec, void *state, movex_error *error);

/** The checksum of a settled state. */
MOVEX_API uint64_t movex_codec_checksum(const movex_codec *codec, const void *state);

/** True if two settled states are the same in everything that is encoded (padding does not count). */
MOVEX_API bool movex_codec_equal(const movex_codec *codec, const void *a, const void *b);

/** Copies a state, padding zeroed. `to` and `from` must not overlap. */
MOVEX_API void movex_codec_copy(const movex_codec *codec, void *to, const void *from);

/** Writes what turns settled state `from` into settled state `to`, as movex_codec_patch reads it; no change is 0 bytes.
 *  MOVEX_ERR_LIMIT if `capacity` is too small (then `length` is what it takes). */
MOVEX_API int movex_codec_difference(const movex_codec *codec, const void *from, const void *to, void *bytes,
                                     size_t capacity, size_t *length);

/** Applies a difference to a settled state. MOVEX_ERR_MALFORMED if the bytes are not of that form, lie outside the state or
 *  would leave it unsettled (with the field's path); `state` is then as it was. `scratch` is room for one more struct. */
MOVEX_API int movex_codec_patch(const movex_codec *codec, void *state, void *scratch, const void *bytes, size_t length,
                                movex_error *error);

/** Writes the state as one line of JSON with a final zero, for people and tools: structs as objects, arrays and lists as
 *  arrays, named enums as strings, 64-bit integers as numbers, NaN and infinities as strings, bytes of a text that are not
 *  UTF-8 as U+FFFD. Returns the bytes it takes without the final zero, as snprintf does; the text is whole only if that is
 *  less than `capacity`. */
MOVEX_API size_t movex_codec_json(const movex_codec *codec, const void *state, char *text, size_t capacity);

/** Says where two settled states differ: "players[1].hp: here 7, master 9; turn: here 2, master 3", at most `most` fields, then
 *  how many more. `other` is what the state `there` is called in it. `text` gets a final zero and is cut to fit. Returns the
 *  number of differing fields (array and list elements counted one by one). */
MOVEX_API uint32_t movex_codec_explain(const movex_codec *codec, const void *here, const void *there, const char *other,
                                       uint32_t most, char *text, size_t capacity);

/** The same of one state that has become another: "players[1].hp: 9 -> 7; turn: 2 -> 3". */
MOVEX_API uint32_t movex_codec_changes(const movex_codec *codec, const void *before, const void *after, uint32_t most,
                                       char *text, size_t capacity);

MOVEX_END_DECLARATIONS

#endif
