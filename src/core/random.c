#include "random.h"

#include <movex/type.h>

uint64_t movex_splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t movex_random(const movex_context *context)
{
    movex_random_source *source = context->random;
    if (!source) return 0;
    uint64_t state = source->seed + source->draws++ * 0x9e3779b97f4a7c15u;
    return movex_splitmix64(&state);
}

uint32_t movex_random_below(const movex_context *context, uint32_t bound)
{
    if (bound == 0) return 0;
    /* Lemire 2019, "Fast random integer generation in an interval": the high half of the product is the value; the few low
       halves that would make some values likelier are drawn again. Without a source every draw is 0, and 0 is the answer. */
    uint64_t product = (movex_random(context) >> 32) * bound;
    uint32_t unfair = (uint32_t)(0 - bound) % bound;
    while (context->random && (uint32_t)product < unfair) product = (movex_random(context) >> 32) * bound;
    return (uint32_t)(product >> 32);
}
