/* Nim for two. Three heaps of stones; a turn is to take at least one stone, and as many as one likes, from one heap.
   Whoever takes the last stone of all wins. */
#ifndef NIM_H
#define NIM_H

#include <movex/type.h>

enum { NIM_HEAPS = 3, NIM_SEATS = 2 };

typedef enum nim_phase { NIM_WAITING, NIM_PLAYING, NIM_OVER } nim_phase;

typedef struct nim {
    nim_phase phase;
    uint8_t   stones[NIM_HEAPS];
    uint8_t   turn;         /* PLAYING: whose turn it is, an index into players */
    uint8_t   winner;       /* OVER: who has won, an index into players */
    uint8_t   player_count; /* how many of players are in use */
    char      players[NIM_SEATS][MOVEX_NAME_SIZE];
} nim;

enum { NIM_SIT, NIM_TAKE, NIM_AGAIN };

/* The payload of NIM_TAKE. */
typedef struct nim_take {
    uint8_t heap;
    uint8_t stones;
} nim_take;

enum {
    NIM_NO_FREE_SEAT = 1,
    NIM_ALREADY_SEATED,
    NIM_NOT_SEATED,
    NIM_NOT_PLAYING,
    NIM_NOT_OVER,
    NIM_NOT_YOUR_TURN,
    NIM_NO_SUCH_HEAP,
    NIM_NOT_THAT_MANY_STONES
};

extern const movex_type nim_type;

/* Why an action was refused, as a sentence for players. */
const char *nim_reason_text(int reason);

/* Whether a client of that name may take stones now. */
bool nim_is_turn_of(const nim *game, const char *name);

#endif
