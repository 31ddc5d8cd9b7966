/* A thread that makes durable what the master has given to its store, so that the one that serves players never waits for a
   disk. After each flush it wakes the master's emitters: what has waited for it is sent then. */
#ifndef MOVEXD_FLUSHER_H
#define MOVEXD_FLUSHER_H

#include <movex/io.h>
#include <movex/store.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct movexd_flusher movexd_flusher;

/* Starts it. What is taken is flushed `pause_ms` later, or at once if that is 0. The store and the `count` emitters, an array
   that is not copied, must outlive it. NULL if there is no thread to be had. */
movexd_flusher *movexd_flusher_new(movex_store store, uint32_t pause_ms, const movex_io *emitters, uint32_t count);

/* Ends the pause, if it is in one: so much waits that the master takes no more. */
void movexd_flusher_hurry(movexd_flusher *flusher);

/* Ends the thread once it is through with its flush. NULL is ignored. */
void movexd_flusher_free(movexd_flusher *flusher);

#endif
