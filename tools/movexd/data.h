/* Where in the directory of --data each master keeps its own: alone in the directory itself, one of several in `K-of-N` within. */
#ifndef MOVEXD_DATA_H
#define MOVEXD_DATA_H

#include "options.h"

#include <stdbool.h>

#define MOVEXD_PATH_SIZE 4096

/* The directory of the master with that index; false if its path does not fit. */
bool movexd_data_directory(const movexd_options *options, uint32_t shard, char path[MOVEXD_PATH_SIZE]);

/* Makes the directory, if there are to be several within. False with the cause in words if that cannot be, or if what is kept
   there was kept by another number of masters: a resource would be sought where it is not. */
bool movexd_data_prepare(const movexd_options *options, char *cause, size_t cause_size);

#endif
