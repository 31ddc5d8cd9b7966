/* Many clients over one emitter, as many connections of one process: each client has an emitter of its own that opens one link
   of the common one at a time. The program asks which client something has come for, and polls that one alone; so driving
   many clients costs what is active. */
#ifndef MOVEX_BENCH_HUB_H
#define MOVEX_BENCH_HUB_H

#include <movex/io.h>

typedef struct hub hub;

/* Takes the common emitter, for as many clients as `capacity`. NULL if that failed, or memory ran out. */
hub *hub_new(movex_io common, uint32_t capacity);
/* Ends the common emitter. The clients must be freed before. */
void hub_free(hub *h);

/* The emitter of client `index`, which dials `url`. */
movex_io hub_client(hub *h, uint32_t index, const char *url);

/* The client for which something has come and waits; -1: none. It is to be polled before this is asked again. */
int32_t hub_next(hub *h);
/* Sleeps until something comes, or `timeout_ms` have passed. */
void hub_wait(hub *h, uint32_t timeout_ms);

#endif
