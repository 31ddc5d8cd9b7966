/* Going through a journal by hand. */
#ifndef MOVEX_TOOL_STEP_H
#define MOVEX_TOOL_STEP_H

#include "journal.h"

/* The exit code. */
int step_through(journal *opened, const char *viewer);

#endif
