/* An emitter around another one whose links a test can cut, as a lost network does. */
#ifndef MOVEX_TESTS_CUTTABLE_H
#define MOVEX_TESTS_CUTTABLE_H

#include <movex/io.h>

/* Owns `inner`. One link at a time. */
movex_io cuttable(movex_io inner);

/* The link is lost: what was sent and not received may be, too. Nothing if there is none. */
void cuttable_cut(movex_io io);

/* Cuts the link, once, after so many bytes have passed in that direction (upwards: to the master), counted from the emitter's
   start; a frame that would go past them is lost. UINT64_MAX: never. */
void cuttable_cut_after(movex_io io, bool upwards, uint64_t bytes);
/* Bytes that have passed in that direction. */
uint64_t cuttable_passed(movex_io io, bool upwards);

/* While true, dialling fails. */
void cuttable_refuse(movex_io io, bool refuse);

#endif
