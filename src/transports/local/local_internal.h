/* What the local emitter's two files share. */
#ifndef MOVEX_TRANSPORTS_LOCAL_INTERNAL_H
#define MOVEX_TRANSPORTS_LOCAL_INTERNAL_H

#include <movex/local.h>

/* The table of all local emitters. */
const movex_io_ops *movex_local_ops(void);

/* The meeting point of a local emitter; NULL if it has no `self`. */
movex_local *movex_local_of(movex_io io);

#endif
