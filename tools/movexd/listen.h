/* Where movexd listens, whatever it serves there, and what the log says of it. */
#ifndef MOVEXD_LISTEN_H
#define MOVEXD_LISTEN_H

#include "http.h"
#include "log.h"
#include "options.h"

#include <movex/websocket.h>

/* Hands an emitter to who serves it and owns it from then on: MOVEX_OK, or what is wrong. */
typedef int movexd_attach(void *user, movex_io io);

/* Listens for websockets on one of the options' addresses, with the options' TLS; what else the emitter is to have stands in
   `config`. A NULL `self`, with the cause in the log, if that fails. */
movex_io movexd_listen(const movexd_log *log, const movexd_options *options, const char *address,
                       movex_ws_config *config, movexd_attach *attach, void *user);

/* Listens for questions by HTTP; nowhere if `address` is NULL. False, with the cause in the log, if that fails. */
bool movexd_listen_http(const movexd_log *log, const char *address, movexd_http_answer *answer, void *user,
                        movexd_http **http);

#endif
