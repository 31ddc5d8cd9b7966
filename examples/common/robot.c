#include "robot.h"

static bool is_at_rest(const game_robot *robot)
{
    return movex_in_sync(robot->at.resource) && movex_pending(robot->at.resource) == 0;
}

void robot_play(game_robot *robot, uint64_t now_ms)
{
    const robot_mind *mind = robot->mind;
    int               intention = is_at_rest(robot) ? mind->intend(robot) : -1;
    if (intention < 0) {
        robot->thinking = false;
        return;
    }
    if (!robot->thinking) {
        bool urgent = mind->is_urgent && mind->is_urgent(intention);
        robot->thinking = true;
        robot->due_ms = now_ms + (urgent ? 0 : robot->pause_ms);
    }
    if (now_ms < robot->due_ms) return;
    robot->thinking = false;
    mind->act(robot, intention);
}

bool robot_is_done(const game_robot *robot)
{
    return is_at_rest(robot) && robot->mind->is_done(robot);
}
