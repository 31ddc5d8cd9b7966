/* What movexd answers to questions by HTTP: JSON about its masters or a relay, made without a line of HTTP. */
#ifndef MOVEXD_ANSWER_H
#define MOVEXD_ANSWER_H

#include "relay.h"

#include <movex/master.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes before the text that its sender may use. */
#define MOVEXD_ANSWER_ROOM 64

typedef struct movexd_answer {
    unsigned       status;   /* of HTTP */
    unsigned char *bytes;    /* MOVEXD_ANSWER_ROOM bytes, then the text; NULL if memory ran out */
    size_t         length;   /* of the text, without a final zero */
    size_t         capacity; /* of bytes */
} movexd_answer;

/* Looks at one master and its store, which has a NULL `self` if there is none. */
typedef void movexd_question(void *argument, const movex_master *master, movex_store store);

/* The masters, and how to ask one of them: `ask` returns when the question was put, on whatever thread the master is used by. */
typedef struct movexd_hosts {
    uint32_t count;
    void (*ask)(void *user, uint32_t master, movexd_question *question, void *argument);
    void *user;
} movexd_hosts;

/* Answers, with what everybody may know, to the question for `path`, which is decoded and begins with '/'. False if memory ran
   out. */
bool movexd_answer_make(movexd_answer *answer, const movexd_hosts *hosts, uint64_t uptime_s, const char *path);

/* The same of a relay: figures alone. */
bool movexd_answer_relay(movexd_answer *answer, const movexd_relay_stats *stats, uint64_t uptime_s, const char *path);

/* An answer that says what is wrong. */
bool movexd_answer_error(movexd_answer *answer, unsigned status, const char *message);

void movexd_answer_free(movexd_answer *answer);

#endif
