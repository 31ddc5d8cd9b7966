/* movexd with several threads: a master on each, and the services between them and the clients on further ones. */
#ifndef MOVEXD_THREADS_H
#define MOVEXD_THREADS_H

#include "server.h"

typedef struct movexd_threads movexd_threads;

/* Makes the masters, starts listening, and starts all threads, in which no signal is handled. NULL, with the cause in the log, if
   that fails; `useless_data` as in movexd_server. */
movexd_threads *movexd_threads_start(const movexd_options *options, const movexd_games *games, const movexd_log *log,
                                     bool *useless_data);

/* Sleeps until a signal comes, or for a moment; answers by HTTP meanwhile. */
void movexd_threads_step(movexd_threads *threads);

/* Ends the threads, then logs every resource and closes everything. */
void movexd_threads_stop(movexd_threads *threads);

#endif
