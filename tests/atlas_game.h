/* A game for tests whose state has a member of every kind that a schema knows, and more than one block of image. */
#ifndef MOVEX_TESTS_ATLAS_GAME_H
#define MOVEX_TESTS_ATLAS_GAME_H

#include <movex/movex.h>

enum { ATLAS_REDRAW, ATLAS_ROLL, ATLAS_ARM, ATLAS_RING, ATLAS_JOINED, ATLAS_LEFT, ATLAS_ACTIONS };
enum { ATLAS_NO_SIDES = 1 };
enum { ATLAS_SEA, ATLAS_LAND, ATLAS_ICE, ATLAS_TERRAINS };
enum { ATLAS_ROLLS = 7 };

typedef struct {
    int16_t x, y;
    char    name[12];
    bool    port;
} atlas_place;

typedef struct {
    bool        open;
    int64_t     depth;
    uint8_t     terrain[3][5];
    float       scale;
    double      ratios[2];
    uint16_t    season;
    atlas_place places[20];
    uint8_t     place_count;
    char        notes[3][16];
    uint16_t    note_count;
    atlas_place capital;
} atlas_map;

typedef struct {
    uint32_t  rolls[ATLAS_ROLLS];
    atlas_map map;
    uint64_t  alarm_ms;
    int8_t    rings;
    uint16_t  visits;
    char      visitor[32];
} atlas;

typedef struct { uint32_t sides; } atlas_roll;
typedef struct { uint32_t delay_ms; } atlas_arm;

extern const movex_type atlas_type;

#endif
