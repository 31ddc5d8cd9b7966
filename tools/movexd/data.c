#define _POSIX_C_SOURCE 200809L
#include "data.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool movexd_data_directory(const movexd_options *options, uint32_t shard, char path[MOVEXD_PATH_SIZE])
{
    int length = options->threads > 1 ? snprintf(path, MOVEXD_PATH_SIZE, "%s/%u-of-%u", options->data, (unsigned)shard,
                                                 (unsigned)options->threads)
                                      : snprintf(path, MOVEXD_PATH_SIZE, "%s", options->data);
    return length > 0 && length < MOVEXD_PATH_SIZE;
}

/* How many masters have kept something in the directory with that entry; 0: it says nothing of that. */
static unsigned masters_of(const char *entry)
{
    unsigned shard, masters;
    int      length = 0;
    if (entry[0] == '.') return 0;
    if (sscanf(entry, "%u-of-%u%n", &shard, &masters, &length) == 2 && entry[length] == '\0' && shard < masters)
        return masters;
    const char *dot = strrchr(entry, '.');
    return dot && strcmp(dot, ".journal") == 0 ? 1 : 0;
}

bool movexd_data_prepare(const movexd_options *options, char *cause, size_t cause_size)
{
    unsigned kept_by = 0;
    if (!options->data) return true;
    if (options->threads > 1 && mkdir(options->data, 0700) != 0 && errno != EEXIST) {
        snprintf(cause, cause_size, "it cannot be made: %s", strerror(errno));
        return false;
    }
    DIR *directory = opendir(options->data);
    if (!directory) return true; /* whoever opens it says why */
    for (const struct dirent *entry; !kept_by && (entry = readdir(directory)) != NULL;)
        kept_by = masters_of(entry->d_name);
    closedir(directory);
    if (!kept_by || kept_by == options->threads) return true;
    snprintf(cause, cause_size, "what is there was kept with --threads %u", kept_by);
    return false;
}
