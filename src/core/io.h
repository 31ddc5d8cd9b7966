/* The door: what the core asks of any emitter before it uses one. */
#ifndef MOVEX_CORE_IO_H
#define MOVEX_CORE_IO_H

#include <movex/io.h>

/* MOVEX_OK if the table is complete, MOVEX_ERR_ARGUMENT if something is missing or frames are too short, MOVEX_ERR_MEMORY if
   the emitter could not be made (its `self` is NULL). */
int movex_io_check(movex_io io);

/* Destroys an emitter that was made; anything else is ignored. */
void movex_io_destroy(movex_io io);

#endif
