/* A seeded run of the game of kinds_game.h over the mock network, with a master that is kept on a disk and starts again. */
#ifndef MOVEX_TESTS_PORTABILITY_KINDS_RUN_H
#define MOVEX_TESTS_PORTABILITY_KINDS_RUN_H

#include "kinds_game.h"
#include "recording.h"

enum { KINDS_CLIENTS = 3 };

extern const char *const kinds_clients[KINDS_CLIENTS];

/* Plays so many steps. `stopped` is told each time the master is gone, after a crash and at the end, and may read the disk. */
void kinds_play(const movex_type *type, uint64_t seed, int steps, void (*stopped)(void *user, movex_store_memory *disk),
                void *user);

#endif
