/* Whether the processor computes floats as it is promised (docs/portability.md). */
#ifndef MOVEX_CORE_FLOATS_H
#define MOVEX_CORE_FLOATS_H

/* What is wrong with the arithmetic of the calling thread, as words to follow "it has floats, and"; NULL if nothing is. */
const char *movex_floats_fault(void);

#endif
