#define _GNU_SOURCE /* ppoll */
#include "polls.h"

#include <poll.h>
#include <time.h>

polls polls_so_far;

int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    polls_so_far.descriptors += count;
    polls_so_far.passes += count > 1;
    return ppoll(descriptors, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}
