#define _POSIX_C_SOURCE 200809L

#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FIRST_RECORD = 512 }; /* bytes in which the first record of a file lies */

/* ---- files */

static unsigned char *read_stream(FILE *stream, size_t most, size_t *length)
{
    size_t         capacity = 1 << 16;
    unsigned char *bytes = malloc(capacity);
    *length = 0;
    for (size_t got = 1; bytes && got > 0 && *length < most;) {
        if (*length == capacity) {
            unsigned char *more = realloc(bytes, capacity *= 2);
            if (!more) free(bytes);
            bytes = more;
            if (!more) break;
        }
        got = fread(bytes + *length, 1, (capacity < most ? capacity : most) - *length, stream);
        *length += got;
    }
    if (bytes && ferror(stream)) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* At most so many bytes of it; NULL with errno. */
static unsigned char *read_some(const char *path, size_t most, size_t *length)
{
    struct stat information;
    FILE       *stream = fopen(path, "rb");
    if (!stream) return NULL;
    bool directory = fstat(fileno(stream), &information) == 0 && S_ISDIR(information.st_mode);
    errno = directory ? EISDIR : ENOMEM;
    unsigned char *bytes = directory ? NULL : read_stream(stream, most, length);
    int            cause = errno;
    fclose(stream);
    errno = cause;
    return bytes;
}

unsigned char *journal_read(const char *path, size_t *length)
{
    unsigned char *bytes = read_some(path, SIZE_MAX, length);
    if (!bytes) fprintf(stderr, "movex: %s: %s\n", path, strerror(errno));
    return bytes;
}

static bool is_directory(const char *path)
{
    struct stat information;
    return stat(path, &information) == 0 && S_ISDIR(information.st_mode);
}

/* True if the file is the journal of that name. */
static bool is_of(const char *path, const char *name)
{
    size_t         length;
    unsigned char *bytes = read_some(path, FIRST_RECORD, &length);
    movex_replay  *replay = bytes ? movex_replay_new(&(movex_replay_config){.bytes = bytes, .length = length}) : NULL;
    bool           is = replay && strcmp(movex_replay_name(replay), name) == 0;
    movex_replay_free(replay);
    free(bytes);
    return is;
}

/* The file of a directory whose journal has that name: what the file is called is the store's own affair. */
static bool find(const char *directory, const char *name, char path[PATH_MAX])
{
    DIR *stream = opendir(directory);
    bool found = false;
    for (struct dirent *entry; stream && !found && (entry = readdir(stream)) != NULL;) {
        int length = snprintf(path, PATH_MAX, "%s/%s", directory, entry->d_name);
        found = entry->d_name[0] != '.' && length < PATH_MAX && !is_directory(path) && is_of(path, name);
    }
    if (!stream)
        fprintf(stderr, "movex: %s: %s\n", directory, strerror(errno));
    else if (!found)
        fprintf(stderr, "movex: %s: there is no journal of %s\n", directory, name);
    if (stream) closedir(stream);
    return found;
}

/* ---- opening */

bool journal_load(movexd_games *games, char *path)
{
    movexd_failure failure;
    char *const    paths[] = {path};
    *games = (movexd_games){0};
    if (!path || movexd_games_load(games, paths, 1, &failure)) return true;
    fprintf(stderr, "movex: %s: %s\n", failure.path, failure.cause);
    return false;
}

bool journal_start(journal *opened, const char *path, const movexd_games *games)
{
    movex_error error = {.text = ""};
    opened->replay = movex_replay_new(&(movex_replay_config){
        .types = games->types, .bytes = opened->bytes, .length = opened->length, .error = &error});
    if (!opened->replay) fprintf(stderr, "movex: %s: %s\n", path, error.text);
    return opened->replay != NULL;
}

bool journal_open(journal *opened, const arguments *given)
{
    char        found[PATH_MAX];
    const char *path = given->operands[0];
    int         next = 1;
    *opened = (journal){.bytes = NULL};
    if (is_directory(path)) {
        if (given->operand_count < 2) {
            fprintf(stderr, "movex: %s: a directory; name one of its journals, as TYPE:ID\n", path);
            return false;
        }
        if (!find(path, given->operands[next++], found)) return false;
        path = found;
    }
    char *game = next < given->operand_count ? given->operands[next++] : NULL;
    if (next < given->operand_count) {
        fprintf(stderr, "movex: %s: one name too many\n", given->operands[next]);
        return false;
    }
    if (!journal_load(&opened->games, game)) return false;
    opened->bytes = journal_read(path, &opened->length);
    return opened->bytes && journal_start(opened, path, &opened->games);
}

void journal_close(journal *opened)
{
    movex_replay_free(opened->replay);
    movexd_games_free(&opened->games);
    free(opened->bytes);
    *opened = (journal){.bytes = NULL};
}

/* ---- what became of it */

int journal_complain(const journal *opened)
{
    fflush(stdout);
    fprintf(stderr, "movex: %s\n", movex_replay_error(opened->replay)->text);
    return FAILURE;
}

int journal_end(const journal *opened)
{
    movex_replay_position at = movex_replay_at(opened->replay);
    if (!at.torn) return SUCCESS;
    fflush(stdout);
    fprintf(stderr,
            "movex: %s, byte %" PRIu64 ": the %" PRIu64
            " bytes from here on are no whole record: torn by a crash, damaged, or "
            "being written\n",
            movex_replay_name(opened->replay), at.offset, at.torn);
    return TORN;
}
