/* Seeds and draws. */
#ifndef MOVEX_CORE_RANDOM_H
#define MOVEX_CORE_RANDOM_H

#include <stdint.h>

/* The next output of SplitMix64 (Steele, Lea and Flood 2014), whose state is advanced. */
uint64_t movex_splitmix64(uint64_t *state);

#endif
