#define _POSIX_C_SOURCE 200809L
#include "recording.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char suffix[] = ".journal";

void recording_fail(const char *what, const char *name)
{
    fprintf(stderr, "portability: %s: %s\n", what, name);
    exit(EXIT_FAILURE);
}

static FILE *open_at(const recording *r, const char *run, const char *file, const char *mode)
{
    char path[3 * RECORDING_NAME];
    snprintf(path, sizeof path, "%s/%s/%s", r->directory, run, file);
    FILE *opened = fopen(path, mode);
    if (!opened) recording_fail("cannot open", path);
    return opened;
}

static void make_directory(const recording *r, const char *run)
{
    char path[3 * RECORDING_NAME];
    snprintf(path, sizeof path, "%s/%s", r->directory, run);
    if (mkdir(path, 0755) != 0) recording_fail("cannot make the directory (is it there already?)", path);
}

/* ---- the file store's names (docs/store.md) */

static void encode_name(const movex_store_name *name, char file[RECORDING_NAME])
{
    size_t at = 0;
    for (size_t i = 0; i < name->length; i++) {
        unsigned char c = name->bytes[i];
        bool          plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        at += (size_t)snprintf(file + at, RECORDING_NAME - at, plain ? "%c" : "%%%02x", c);
    }
    memcpy(file + at, suffix, sizeof suffix);
}

static void decode_name(const char *file, movex_store_name *name)
{
    const char *end = strstr(file, suffix);
    if (!end) recording_fail("no name of a store's file", file);
    name->length = 0;
    for (const char *at = file; at < end && name->length < MOVEX_STORE_NAME_MAX; at++) {
        unsigned value = (unsigned char)*at;
        if (*at == '%' && sscanf(at + 1, "%2x", &value) == 1) at += 2;
        name->bytes[name->length++] = (unsigned char)value;
    }
}

/* ---- writing */

void recording_create(recording *r, const char *directory)
{
    *r = (recording){.directory = directory};
    make_directory(r, "");
    r->index = open_at(r, ".", "index", "w");
}

static void keep_file(recording *r, const char *run, movex_store store, const movex_store_name *name)
{
    char                 file[RECORDING_NAME];
    static unsigned char bytes[4096];
    movex_store_file     number;
    size_t               length = 0;
    encode_name(name, file);
    FILE *to = open_at(r, run, file, "wb");
    if (store.ops->open(store.self, name->bytes, name->length, &number) != MOVEX_OK)
        recording_fail("cannot read", file);
    for (uint64_t at = 0;; at += length) {
        if (store.ops->read(store.self, number, at, bytes, sizeof bytes, &length) != MOVEX_OK)
            recording_fail("cannot read", file);
        if (length == 0) break;
        if (fwrite(bytes, 1, length, to) != length) recording_fail("cannot write", file);
    }
    if (fclose(to) != 0) recording_fail("cannot write", file);
    fprintf(r->index, "%s %s\n", run, file);
}

void recording_keep(recording *r, const char *run, movex_store_memory *disk)
{
    movex_store      store = movex_store_memory_open(disk);
    movex_store_name name = {.length = 0};
    if (!store.self) recording_fail("cannot open the disk of", run);
    make_directory(r, run);
    while (store.ops->next(store.self, &name) == MOVEX_OK) keep_file(r, run, store, &name);
    store.ops->destroy(store.self);
}

/* ---- reading */

static void read_line(recording *r)
{
    r->more = fscanf(r->index, "%319s %319s", r->run, r->file) == 2;
}

void recording_open(recording *r, const char *directory)
{
    *r = (recording){.directory = directory};
    r->index = open_at(r, ".", "index", "r");
    read_line(r);
}

static void take_file(recording *r, movex_store store)
{
    movex_store_name     name;
    movex_store_file     number;
    static unsigned char bytes[4096];
    uint64_t             change;
    decode_name(r->file, &name);
    if (store.ops->open(store.self, name.bytes, name.length, &number) != MOVEX_OK)
        recording_fail("cannot keep", r->file);
    /* It exists even if there is nothing in it. */
    int    status = store.ops->replace(store.self, number, NULL, 0, &change);
    FILE  *from = open_at(r, r->run, r->file, "rb");
    size_t length;
    while (status == MOVEX_OK && (length = fread(bytes, 1, sizeof bytes, from)) > 0)
        status = store.ops->append(store.self, number, bytes, length, &change);
    if (status != MOVEX_OK || ferror(from)) recording_fail("cannot read", r->file);
    fclose(from);
}

movex_store_memory *recording_next(recording *r, char run[RECORDING_NAME])
{
    if (!r->more) return NULL;
    movex_store_memory *disk = movex_store_memory_new(NULL);
    movex_store         store = movex_store_memory_open(disk);
    if (!store.self) recording_fail("no memory for", r->run);
    memcpy(run, r->run, RECORDING_NAME);
    for (; r->more && strcmp(run, r->run) == 0; read_line(r)) take_file(r, store);
    if (store.ops->flush(store.self) != MOVEX_OK) recording_fail("cannot keep", run);
    store.ops->destroy(store.self);
    return disk;
}

void recording_close(recording *r)
{
    if (fclose(r->index) != 0) recording_fail("cannot write the index of", r->directory);
}
