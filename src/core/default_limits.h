/* The defaults of the limits. */
#ifndef MOVEX_CORE_DEFAULT_LIMITS_H
#define MOVEX_CORE_DEFAULT_LIMITS_H

#include <movex/limits.h>

/* `configured` with its zeros replaced by defaults. */
movex_limits movex_limits_resolve(const movex_limits *configured);

#endif
