/* An emitter around another one whose links a test can cut, as a lost network does. */
#ifndef MOVEX_TESTS_CUTTABLE_H
#define MOVEX_TESTS_CUTTABLE_H

#include <movex/io.h>

/* Owns `inner`. One link at a time. */
movex_io cuttable(movex_io inner);

/* The link is lost: what was sent and not received may be, too. Nothing if there is none. */
void cuttable_cut(movex_io io);

/* While true, dialling fails. */
void cuttable_refuse(movex_io io, bool refuse);

#endif
