/* Questions to movexd by HTTP: is it well, what does it hold. Reading only, public state only; for people and monitoring on
   the same machine.

   It is driven by movexd_http_serve alone. Every connection carries one request. Bounded are connections (32), headers (4 KiB),
   the time for which nothing moves (10 s), and all answers together (256 MiB), each of which is held whole until it is sent. */
#ifndef MOVEXD_HTTP_H
#define MOVEXD_HTTP_H

#include "answer.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct movexd_http movexd_http;

/* Answers the question for `path`, which is decoded and begins with '/'. False if memory ran out. */
typedef bool movexd_http_answer(void *user, movexd_answer *answer, uint64_t uptime_s, const char *path);

/* Listens on PORT or :PORT (of 127.0.0.1), HOST:PORT or [IPV6]:PORT. NULL with the cause in words. */
movexd_http *movexd_http_new(const char *address, movexd_http_answer *answer, void *user, char *cause, size_t cause_size);

/* Where it listens, with the port that the system chose in place of a 0. */
const char *movexd_http_address(const movexd_http *http);

/* Takes what has come and sends what there is room for. Never blocks. Returns how long a sleep of `timeout_ms` may be before it
   should be called again. */
uint32_t movexd_http_serve(movexd_http *http, uint32_t timeout_ms);

/* Closes everything; NULL is ignored. */
void movexd_http_free(movexd_http *http);

#endif
