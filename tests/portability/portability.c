/* The proof that a journal means the same on every machine (docs/portability.md):

     portability record DIRECTORY SEEDS   plays runs of that many seeds and keeps what their masters have kept
     portability replay DIRECTORY         recovers masters from that, which checks each entry's checksum, and prints what everybody
                                          may know, as checksums of the state and of its encoding

   On every machine, both must yield the same bytes. script/portability runs it. */
#include "kinds_run.h"

#include "recorded_types.h"
#include "secrets_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 150, KINDS_STEPS = 600 };

/* ---- recording */

static recording recorded;
static char      run_name[64];
static unsigned  stops; /* of this run */

static void keep(void *user, movex_store_memory *disk)
{
    char name[96];
    (void)user;
    snprintf(name, sizeof name, "%s-%u", run_name, ++stops);
    recording_keep(&recorded, name, disk);
}

static void keep_secrets(secrets_run *run)
{
    keep(NULL, run->disk);
}

static void begin(const char *name, uint64_t seed)
{
    snprintf(run_name, sizeof run_name, "%s-%" PRIu64, name, seed);
    stops = 0;
}

static int record(const char *directory, uint64_t seeds)
{
    static secrets_run    run;
    static secrets_events events;
    recording_create(&recorded, directory);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        const movex_type *type = recorded_types[seed % 2];
        begin(type->name, seed);
        kinds_play(type, seed, KINDS_STEPS, keep, NULL);
        memset(&run, 0, sizeof run);
        run.seed = seed;
        run.events = &events;
        run.restarts = true;
        run.stopped = keep_secrets;
        begin("secrets", seed);
        secrets_play(&run, STEPS);
    }
    recording_close(&recorded);
    printf("%" PRIu64 " runs, %" PRIu64 " reveals, %" PRIu64 " restarts of secrets\n", seeds * 2, events.reveals,
           events.restarts);
    return EXIT_SUCCESS;
}

/* ---- replaying */

/* FNV-1a, so that not only the library's own hash vouches for the library. */
static uint64_t hash_of(const unsigned char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

static void print_view(const movex_master *master, const movex_hosted *hosted, const char *viewer)
{
    const movex_codec *codec = movex_rules_state(hosted->rules);
    size_t             capacity = movex_codec_max_encoded(codec), length = 0;
    void              *state = malloc(hosted->type->state->size);
    unsigned char     *bytes = malloc(capacity);
    uint64_t           checksum = 0;
    if (!state || !bytes) recording_fail("out of memory", hosted->type->name);
    if (movex_master_view(master, hosted->type, hosted->id, viewer, state, &checksum) != MOVEX_OK ||
        movex_codec_encode(codec, state, bytes, capacity, &length, NULL) != MOVEX_OK)
        recording_fail("no view of", hosted->type->name);
    printf("  %-8s %016" PRIx64 " %5zu bytes %016" PRIx64 "\n", viewer ? viewer : "*", checksum, length,
           hash_of(bytes, length));
    free(state);
    free(bytes);
}

static void print_master(const movex_master *master)
{
    static const char *const viewers[] = {"c0", "c1", "c2", "c3", "c4", "c5", "", NULL};
    movex_hosted             hosted;
    for (int i = 0; recorded_types[i]; i++) {
        if (!movex_master_find(master, recorded_types[i], "r", &hosted)) continue;
        printf(" %s:r version %" PRIu64 ", %u hidden, fingerprint %016" PRIx64 "\n", recorded_types[i]->name,
               hosted.version, (unsigned)hosted.hidden, movex_rules_fingerprint(hosted.rules));
        for (size_t v = 0; v < sizeof viewers / sizeof *viewers; v++) print_view(master, &hosted, viewers[v]);
    }
}

static int replay(const char *directory)
{
    char                run[RECORDING_NAME];
    movex_store_memory *disk;
    int                 damaged = 0;
    recording_open(&recorded, directory);
    while ((disk = recording_next(&recorded, run))) {
        movex_error   error = {.text = ""};
        movex_master *master = movex_master_new(
            &(movex_master_config){.types = recorded_types, .store = movex_store_memory_open(disk), .error = &error});
        printf("%s%s%s\n", run, master ? "" : " cannot be recovered: ", error.text);
        if (master) print_master(master);
        damaged += !master;
        movex_master_free(master);
        movex_store_memory_free(disk);
    }
    recording_close(&recorded);
    return damaged ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "record") == 0) return record(argv[2], strtoull(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "replay") == 0) return replay(argv[2]);
    fprintf(stderr, "usage: portability record DIRECTORY SEEDS\n       portability replay DIRECTORY\n");
    return 2;
}
