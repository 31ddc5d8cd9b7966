/* A server in a process of its own: a master with a websocket emitter on the loopback interface, as movexd has them, whose
   processor time and memory can be told from the clients'. */
#ifndef MOVEX_BENCH_SERVER_H
#define MOVEX_BENCH_SERVER_H

#include <movex/type.h>

#include <stdint.h>
#include <sys/types.h>

typedef struct server {
    const char *benchmark; /* in whose name it fails */
    pid_t       process;
    char        url[64];
} server;

/* Lets this process and those that it makes have as many descriptors as the system allows; returns how many. */
uint32_t server_allow_descriptors(void);

/* Starts one for a type, with so many resources of it that nobody is subscribed to; ends the program if that fails. No threads may
   have been made before. */
void server_start(server *s, const char *benchmark, const movex_type *type, uint32_t resources);
/* The same with so many masters and services, each on a thread of its own. */
void server_start_spread(server *s, const char *benchmark, const movex_type *type, uint32_t threads);
/* Ends it; the benchmark fails if it has ended by itself before. */
void server_stop(server *s);

/* Seconds of processor time that it has used so far. */
double server_seconds(const server *s);
/* Bytes of its memory that are resident now. */
double server_bytes(const server *s);

#endif
