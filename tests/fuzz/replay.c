/* A target over stored inputs: each is run twice, and must do the same both times. Prints TAP. */
#define _POSIX_C_SOURCE 200809L /* scandir */

#include "fuzz.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LONGEST = 1 << 20 };

static int number, failures;

static void run_file(const char *path)
{
    static uint8_t read[LONGEST];
    FILE          *file = fopen(path, "rb");
    size_t         length = file ? fread(read, 1, sizeof read, file) : 0;
    number++;
    if (!file || length == sizeof read) {
        printf("not ok %d - %s: cannot be read\n", number, path);
        failures++;
        if (file) fclose(file);
        return;
    }
    fclose(file);
    fprintf(stderr, "# %s\n", path); /* the last one is the one that ended the program */
    void    *bytes = fuzz_copy(read, length);
    uint64_t first = fuzz_run(bytes, length), second = fuzz_run(bytes, length);
    free(bytes);
    failures += first != second;
    printf("%sok %d - %s\n", first == second ? "" : "not ", number, path);
    if (first != second) printf("# %016" PRIx64 " the first time, then %016" PRIx64 "\n", first, second);
    fflush(stdout);
}

static void run_directory(const char *path)
{
    struct dirent **entries;
    int             count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char file[4096];
        if (entries[i]->d_name[0] != '.') {
            snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
            run_file(file);
        }
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat found;
        if (stat(argv[i], &found) == 0 && S_ISDIR(found.st_mode))
            run_directory(argv[i]);
        else
            run_file(argv[i]);
    }
    printf("1..%d\n", number);
    if (number == 0) fprintf(stderr, "usage: %s FILE|DIRECTORY...\n", argv[0]);
    return number == 0 || failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
