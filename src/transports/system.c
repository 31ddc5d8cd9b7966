/* A clock, entropy and sleep, from POSIX. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include <movex/status.h>
#include <movex/system.h>

#include <errno.h>
#include <time.h>
#ifdef __EMSCRIPTEN__
#include <unistd.h>
#else
#include <sys/random.h>
#endif

static uint64_t milliseconds_of(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now); /* fails for clocks that do not exist, and these do */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t movex_system_now_ms(void)
{
    return milliseconds_of(CLOCK_MONOTONIC);
}

uint64_t movex_system_unix_ms(void)
{
    return milliseconds_of(CLOCK_REALTIME);
}

#ifdef __EMSCRIPTEN__
/* It has no getrandom, and takes getentropy from the browser or node. */
static ssize_t draw_entropy(void *bytes, size_t length)
{
    size_t most = length < 256 ? length : 256; /* at once */
    return getentropy(bytes, most) == 0 ? (ssize_t)most : -1;
}
#else
static ssize_t draw_entropy(void *bytes, size_t length)
{
    return getrandom(bytes, length, 0);
}
#endif

int movex_system_entropy(void *user, void *bytes, size_t length)
{
    (void)user;
    unsigned char *at = bytes;
    while (length > 0) {
        ssize_t got = draw_entropy(at, length);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return MOVEX_ERR_SYSTEM;
        at += got;
        length -= (size_t)got;
    }
    return MOVEX_OK;
}

void movex_system_sleep_ms(uint32_t duration_ms)
{
    struct timespec duration = {.tv_sec = (time_t)(duration_ms / 1000),
                                .tv_nsec = (long)(duration_ms % 1000) * 1000000};
    nanosleep(&duration, NULL);
}
