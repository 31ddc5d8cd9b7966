/* A game whose state has every kind of field and every form of them, ordered so that no two machines lay it out alike, and
   whose reducer computes with all of them: integers that wrap, floats and doubles with + - * / and sqrt, at the edges of what
   they can hold. */
#ifndef MOVEX_TESTS_PORTABILITY_KINDS_GAME_H
#define MOVEX_TESTS_PORTABILITY_KINDS_GAME_H

#include <movex/type.h>

enum { /* actions */
    KINDS_SET,       /* floats, as they come */
    KINDS_INTEGERS,  /* arithmetic modulo 2^n, shifts, division */
    KINDS_MULTIPLY,  /* sums of products, which a machine could fuse */
    KINDS_FLY,       /* bodies in each other's pull: division and square roots, for many steps */
    KINDS_SHRINK,    /* down to the smallest values, and below */
    KINDS_CONVERT,   /* between integers, floats and doubles */
    KINDS_ADD,       /* a body */
    KINDS_REMOVE,    /* a body */
    KINDS_SAY,       /* texts */
    KINDS_CHOOSE,    /* enums and bools */
    KINDS_DRAW,      /* random values, as numbers from 0 to 1 */
    KINDS_WAIT,      /* stands for a push */
    KINDS_PUSH,      /* a body; hidden as wait */
    KINDS_STIR,      /* the master's alone */
    KINDS_TICK,      /* wakes */
    KINDS_JOINED,
    KINDS_ACTIONS
};

enum { KINDS_BODIES = 5, KINDS_LINES = 3, KINDS_SAMPLES = 9 };

typedef enum kinds_mood { KINDS_CALM, KINDS_LIVELY, KINDS_WILD, KINDS_MOODS } kinds_mood;

typedef struct kinds_body {
    bool    bright;
    double  mass;
    float   position[2];
    char    name[7];
    double  speed[2];
    uint8_t mood;
} kinds_body;

typedef struct kinds {
    bool       open;
    uint64_t   u64;
    int8_t     i8;
    double     doubles[3];
    uint8_t    u8;
    int16_t    i16;
    float      one_float;
    uint16_t   u16;
    int64_t    i64;
    uint8_t    sample_count;
    double     samples[KINDS_SAMPLES];
    int32_t    i32;
    char       owner[13];
    uint32_t   u32;
    bool       switches[5];
    float      grid[3][3];
    uint16_t   body_count;
    kinds_body bodies[KINDS_BODIES];
    uint8_t    line_count;
    char       lines[KINDS_LINES][10];
    kinds_mood mood;
    uint8_t    moods[2][3];
    uint64_t   due_ms;
    uint8_t    waits; /* hidden pushes since the last reveal of so many */
    double     secret; /* the owner's */
    uint8_t    last; /* makes the struct end in the middle of a word */
} kinds;

typedef struct kinds_move {
    uint8_t a, b;
    double  x;
    float   y;
    int64_t big;
    float   three[3];
    char    text[12];
    uint8_t mood;
} kinds_move;

extern const movex_type kinds_type;          /* pairs and redact */
extern const movex_type kinds_open_type; /* the same rules, and everybody sees everything: clients compute it all by themselves */

#endif
