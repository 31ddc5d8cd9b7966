#include "floats.h"

#include <float.h>
#include <stddef.h>

/* Volatile, so that it is the processor which computes, now. */
static int flushes_to_zero(void)
{
    volatile double wide = DBL_MIN, half = 0.5;
    volatile float  narrow = FLT_MIN;
    wide = wide * half;
    narrow = narrow * (float)half;
    wide = wide + wide; /* what is taken as zero stays zero; nothing else does */
    narrow = narrow + narrow;
    return wide != DBL_MIN || narrow != FLT_MIN;
}

static int rounds_to_nearest(void)
{
    volatile double one = 1, half = DBL_EPSILON / 2, more = DBL_EPSILON * 0.75;
    volatile double down = one + half, up = one + more;
    return down == 1 && up == 1 + DBL_EPSILON;
}

const char *movex_floats_fault(void)
{
    if (flushes_to_zero())
        return "this thread takes the smallest of them for zero (something was built with -ffast-math?)";
    return rounds_to_nearest() ? NULL : "this thread does not round to nearest";
}
