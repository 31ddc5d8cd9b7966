/* Counts what poll is asked, by libwebsockets as well: this poll stands in for the system's. */
#ifndef MOVEX_TESTS_POLLS_H
#define MOVEX_TESTS_POLLS_H

#include <stdint.h>

typedef struct polls {
    uint64_t descriptors; /* asked about so far */
    uint64_t passes;      /* calls about more than one */
} polls;

extern polls polls_so_far;

#endif
