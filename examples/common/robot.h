/* A player without a person: a client like any other, which knows what its client knows. */
#ifndef COMMON_ROBOT_H
#define COMMON_ROBOT_H

#include "dial.h"

typedef struct game_robot game_robot;

/* How a game is played. */
typedef struct robot_mind {
    /* What there is to do now: a number that `act` understands, or -1 for nothing. Asked only while the table is in
       sync and nothing of the robot's own is unanswered. */
    int (*intend)(const game_robot *robot);
    /* Dispatches that. */
    void (*act)(const game_robot *robot, int intention);
    /* True if it would be at once, without thinking first; NULL: never. */
    bool (*is_urgent)(int intention);
    /* True when it has played all it was asked to. */
    bool (*is_done)(const game_robot *robot);
} robot_mind;

/* Set by its owner, but for the last two members. */
struct game_robot {
    const robot_mind *mind;
    game_connection        at;
    const char       *name;
    uint32_t          rounds;   /* rounds, or games, that it asks for; 0: it leaves that to others */
    uint32_t          company;  /* how many must sit at the table before it asks for the first */
    uint32_t          pause_ms; /* how long it thinks before it does something */
    bool              thinking; /* it could do something, and will when the time has come */
    uint64_t          due_ms;   /* that time */
};

/* Does what there is to do now. To be called after every poll of its client. */
void robot_play(game_robot *robot, uint64_t now_ms);

/* True when it has played all it was asked to, and nothing is on its way any more. */
bool robot_is_done(const game_robot *robot);

#endif
