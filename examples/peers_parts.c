/* What peers.c leaves to the game around it: here as little as can be. It shows the seats of rock, paper, scissors whenever
   they change, and quits at the end of its input. */
#define _POSIX_C_SOURCE 200809L

#include <movex/system.h>

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

uint64_t clock_ms(void);
void     draw(const void *state);
bool     quit_requested(void);

/* How long to sleep between two looks at the room: less than a frame. */
#define SLEEP_MS 5

uint64_t clock_ms(void)
{
    return movex_system_now_ms();
}

void draw(const void *state)
{
    static char shown[2][32]; /* the first member of an rps */
    static bool is_shown;
    if (!state || (is_shown && memcmp(shown, state, sizeof shown) == 0)) return;
    memcpy(shown, state, sizeof shown);
    is_shown = true;
    printf("at the table: %s, %s\n", shown[0][0] ? shown[0] : "(free)", shown[1][0] ? shown[1] : "(free)");
}

bool quit_requested(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char          bytes[64];
    fflush(stdout);
    return poll(&input, 1, SLEEP_MS) > 0 && read(STDIN_FILENO, bytes, sizeof bytes) <= 0;
}
