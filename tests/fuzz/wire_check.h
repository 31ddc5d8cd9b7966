/* Messages read, and written again: what is accepted is the one form that its content has. */
#ifndef MOVEX_TESTS_FUZZ_WIRE_CHECK_H
#define MOVEX_TESTS_FUZZ_WIRE_CHECK_H

#include "wire.h"

/* Reads messages until one is not well formed, or the frame ends; each must be written to the same bytes. */
uint64_t wire_check_frame(const unsigned char *frame, size_t length, uint64_t digest);

/* Requires that a frame, which is one of the library's own, is well formed to its end. */
void wire_require_frame(const unsigned char *frame, size_t length);

#endif
