/* The library's ways to a store. */
#ifndef MOVEX_CORE_STORE_H
#define MOVEX_CORE_STORE_H

#include <movex/store.h>

/* MOVEX_OK for a store that can be used; MOVEX_ERR_ARGUMENT for one without a table or with an incomplete one,
   MOVEX_ERR_MEMORY for one that could not be made. */
int movex_store_check(movex_store store);

/* Destroys a store that there is; any other is ignored. */
void movex_store_destroy(movex_store store);

#endif
