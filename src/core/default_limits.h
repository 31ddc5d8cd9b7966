/* The defaults of the limits. */
#ifndef MOVEX_CORE_DEFAULT_LIMITS_H
#define MOVEX_CORE_DEFAULT_LIMITS_H

#include <movex/limits.h>

#include <stdbool.h>

/* `configured` with its zeros replaced by defaults. */
movex_limits movex_limits_resolve(const movex_limits *configured);
/* The same for those that depend on the emitter, of resolved ones: what is 0 still becomes what a stranger may do, or, within
   the process, MOVEX_UNLIMITED. */
movex_limits movex_limits_of_emitter(const movex_limits *resolved, bool in_process);

#endif
