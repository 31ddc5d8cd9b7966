/* States to try the codec on, random ones among them, and a second, naive implementation of both forms to compare with. It
   works from the tables alone and shares no code with the library. */
#ifndef MOVEX_TESTS_CODEC_SAMPLES_H
#define MOVEX_TESTS_CODEC_SAMPLES_H

#include <movex/codec.h>

#include <string.h>

/* All kinds, with padding, described in another order than the struct has. */
typedef enum sample_colour { SAMPLE_RED, SAMPLE_GREEN, SAMPLE_BLUE } sample_colour;

typedef struct sample_kinds {
    bool          flag;
    double        real;
    uint8_t       u8;
    uint16_t      u16;
    int8_t        i8;
    uint32_t      u32;
    int16_t       i16;
    uint64_t      u64;
    char          name[7];
    int32_t       i32;
    float         ratio;
    int64_t       i64;
    sample_colour colour;
    uint8_t       move;
    uint16_t      wide;
} sample_kinds;

/* Dense: no byte of padding. */
typedef struct sample_message {
    uint64_t id;
    char     author[32];
    char     text[200];
} sample_message;

/* Every shape; counters before and after their arrays, of each width. */
typedef struct sample_shapes {
    uint8_t       small_count;
    int32_t       small[5];
    float         floats[3];
    uint8_t       board[3][5];
    sample_colour cells[2][2];
    uint8_t       marks[6];
    char          names[3][6];
    char          lines[4][9];
    uint16_t      line_count;
    sample_colour deck[9];
    uint32_t      deck_count;
    bool          flags[3];
    double        reals[4];
    uint8_t       real_count;
} sample_shapes;

/* Lists of structs with lists, texts and padding inside. */
typedef struct sample_item {
    uint16_t kind;
    char     label[5];
    float    weight;
    bool     worn;
} sample_item;

typedef struct sample_player {
    double      x;
    uint8_t     item_count;
    sample_item items[4];
    int16_t     hits[3];
    uint32_t    id;
    uint8_t     tag_count;
    uint64_t    tags[3];
    uint8_t     team;
} sample_player;

typedef struct sample_arena {
    uint32_t       turn;
    sample_player  players[7];
    uint16_t       player_count;
    sample_message messages[3];
    uint8_t        message_count;
    sample_item    loot[2];
    sample_item    prize;
} sample_arena;

/* Large, of many blocks, with padding in each element. */
typedef struct sample_world {
    uint8_t     tick;
    sample_item items[2500];
    uint16_t    item_count;
    uint32_t    cells[3000];
    char        names[300][21];
    uint8_t     last;
} sample_world;

/* More chunks than a touched map has bits. */
typedef struct sample_ocean {
    uint8_t     water[1500000];
    sample_item fish[20000];
    uint32_t    fish_count;
    uint32_t    water_count;
} sample_ocean;

typedef struct sample {
    const char         *name;
    const movex_schema *schema;
    unsigned            weight; /* how many random runs it can stand: 100 for the small, 1 for the largest */
} sample;

extern const sample       samples[];
extern const size_t       sample_count;
extern const movex_schema sample_kinds_schema, sample_arena_schema;

typedef struct sample_random {
    uint64_t state;
} sample_random;

uint64_t sample_next(sample_random *random);
/* Below `limit`. */
uint32_t sample_below(sample_random *random, uint32_t limit);

/* Values that settling can make settled; garbage in padding, unused slots and tails, NaNs of all sorts. */
void sample_randomize(const movex_schema *schema, void *state, sample_random *random);
/* Changes one random thing of that kind. */
void sample_mutate(const movex_schema *schema, void *state, sample_random *random);
/* Random bytes in all padding. */
void sample_scribble(const movex_schema *schema, void *state, sample_random *random);

/* The image, or the encoding, that a state has once it is settled (the state itself need not be). Return the length. */
size_t sample_image(const movex_schema *schema, const void *state, unsigned char *bytes);
size_t sample_encode(const movex_schema *schema, const void *state, unsigned char *bytes);
/* The checksum of an image, by the reference library of the hash. */
uint64_t sample_checksum(const unsigned char *image, size_t length);

#endif
