/* Files of a store, as a master that starts finds them: it either says what is wrong, and says the same again, or it
   is sound,
   serves somebody who comes, and is the same after each restart. Memory is bounded, and all of it is given back. */
#include "journal_files.h"
#include "master_internal.h"

#include <movex/client.h>
#include <movex/local.h>
#include <movex/store_memory.h>

#include <string.h>

const size_t fuzz_record_size = 1;

enum { MOST_BYTES = 4 << 20, RESTARTS = 2 };

typedef struct world {
    fuzz_memory         memory, disk_memory;
    movex_store_memory *disk;
    journal_files       files;
    movex_limits        limits;
    uint64_t            now_ms, digest;
} world;

/* ---- memory */

static void *take(void *user, size_t size)
{
    fuzz_memory *memory = user;
    fuzz_require(size < MOST_BYTES && memory->bytes < MOST_BYTES);
    return fuzz_allocator(memory).allocate(memory, size);
}

static void *take_again(void *user, void *block, size_t old_size, size_t new_size)
{
    fuzz_memory *memory = user;
    fuzz_require(new_size < MOST_BYTES && memory->bytes < MOST_BYTES);
    return fuzz_allocator(memory).reallocate(memory, block, old_size, new_size);
}

static movex_allocator bounded(fuzz_memory *memory)
{
    movex_allocator allocator = fuzz_allocator(memory);
    allocator.allocate = take;
    allocator.reallocate = take_again;
    return allocator;
}

/* ---- files */

static void write_files(world *w)
{
    movex_store store = movex_store_memory_open(w->disk);
    for (uint32_t i = 0; i < w->files.count; i++) {
        const journal_file *file = &w->files.files[i];
        movex_store_file    number;
        uint64_t            taken;
        fuzz_require(store.ops->open(store.self, file->name.bytes, file->name.length, &number) == MOVEX_OK);
        fuzz_require(store.ops->replace(store.self, number, file->bytes, file->length, &taken) == MOVEX_OK);
    }
    fuzz_require(store.ops->flush(store.self) == MOVEX_OK);
    store.ops->destroy(store.self);
}

/* ---- a master over them */

static movex_master *open_master(world *w, movex_error *error)
{
    *error = (movex_error){.text = ""};
    return movex_master_new(&(movex_master_config){.types = table_types,
                                                   .seed = 5,
                                                   .grace_ms = 1000,
                                                   .limits = w->limits,
                                                   .store = movex_store_memory_open(w->disk),
                                                   .allocator = bounded(&w->memory),
                                                   .error = error});
}

static uint64_t digest_session(uint64_t digest, const movex_session *session)
{
    digest = fuzz_digest_text(digest, session->id);
    digest = fuzz_digest(digest, session->token, MOVEX_TOKEN_SIZE);
    digest = fuzz_digest_number(digest, session->number);
    return fuzz_digest_number(digest, (uint64_t)session->over << 32 | session->hiding);
}

static uint64_t digest_resource(const movex_master *master, const movex_hosted *hosted, uint64_t digest)
{
    const movex_master_resource *resource = movex_master_resource_named(master, hosted->type, hosted->id);
    table                        state;
    uint64_t                     checksum;
    movex_master_resource_check(resource);
    for (uint32_t i = 0; i < JOURNAL_PEOPLE + 2; i++) {
        const char *viewer = i < JOURNAL_PEOPLE ? journal_person(i) : i == JOURNAL_PEOPLE ? "" : NULL;
        fuzz_require(movex_master_view(master, hosted->type, hosted->id, viewer, &state, &checksum) == MOVEX_OK);
        fuzz_require(checksum == movex_codec_checksum(movex_rules_state(hosted->rules), &state));
        digest = fuzz_digest_number(digest, checksum);
    }
    digest = fuzz_digest_text(digest, hosted->id);
    digest = fuzz_digest_number(digest, hosted->version);
    digest = fuzz_digest_number(digest, resource->revealed);
    digest = fuzz_digest_number(digest, resource->log.now_ms);
    digest = fuzz_digest_number(digest, (uint64_t)hosted->hidden << 32 | hosted->subscribers);
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        const movex_subscription *subscription = resource->company->subscribers[i];
        if (!subscription) continue;
        digest = fuzz_digest_number(digest, subscription->serial);
        digest = fuzz_digest_number(digest, subscription->sequence);
        digest = fuzz_digest_number(digest, movex_refused_kept(subscription));
        digest = fuzz_digest_number(digest, movex_overturned_kept(subscription));
    }
    return digest;
}

/* What must be the same after a restart. */
static uint64_t digest_of(const movex_master *master)
{
    movex_hosted hosted;
    uint64_t     digest = 0, sessions = 0;
    for (uint32_t cursor = 0; movex_master_each(master, &cursor, &hosted);)
        digest += digest_resource(master, &hosted, 1); /* in whatever order */
    for (uint32_t i = 0; i < master->sessions.capacity; i++)
        if (master->sessions.entries[i].value) sessions += digest_session(1, master->sessions.entries[i].value);
    return fuzz_digest_number(digest, sessions);
}

/* Time goes by: who is lost leaves, what is due is woken; and the program acts. */
static void live(world *w, movex_master *master)
{
    static const uint32_t actions[] = {TABLE_OPEN, TABLE_STAMP, TABLE_SHUFFLE, TABLE_OPEN};
    static const char     id[] = "one";
    table_move            move = {.a = 1};
    for (uint32_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        movex_master_poll(master, w->now_ms += 600);
        for (int type = 0; type < TABLE_TYPES; type++)
            movex_master_dispatch(master, table_types[type], id, actions[i], actions[i] == TABLE_STAMP ? &move : NULL,
                                  NULL);
    }
    movex_master_poll(master, w->now_ms += 600);
}

/* Somebody comes, and is served what everybody may know. */
static void visit(world *w, movex_master *master)
{
    movex_client   *client = movex_client_new(&(movex_client_config){
          .id = "new", .io = movex_local_connect(master), .allocator = fuzz_allocator(&w->memory)});
    movex_resource *bound[TABLE_TYPES];
    uint64_t        checksum;
    fuzz_require(client);
    for (int i = 0; i < TABLE_TYPES; i++) bound[i] = movex_bind(client, table_types[i], "one");
    for (int n = 0; n < 6; n++) {
        movex_client_poll(client, w->now_ms);
        movex_master_poll(master, ++w->now_ms);
    }
    movex_client_poll(client, w->now_ms);
    for (int i = 0; i < TABLE_TYPES; i++) {
        fuzz_require(bound[i] && movex_in_sync(bound[i]));
        fuzz_require(movex_master_view(master, table_types[i], "one", "new", NULL, &checksum) == MOVEX_OK);
        fuzz_require(movex_checksum(bound[i]) == checksum);
    }
    movex_client_free(client);
}

/* A master that is freed and made again is the same. */
static movex_master *restart(world *w, movex_master *master)
{
    uint64_t    before = digest_of(master), epoch = master->config.epoch;
    movex_error error;
    movex_master_free(master);
    fuzz_require(w->memory.blocks == 0 && w->memory.bytes == 0);
    master = open_master(w, &error);
    fuzz_require(master);
    fuzz_require(digest_of(master) == before);
    fuzz_require(master->config.epoch > epoch);
    w->digest = fuzz_digest_number(w->digest, before);
    return master;
}

static void must_fail_again(world *w, const movex_error *error)
{
    movex_error again;
    fuzz_require(error->status != MOVEX_OK && error->text[0] && error->status != MOVEX_ERR_MEMORY);
    fuzz_require(w->memory.blocks == 0 && w->memory.bytes == 0);
    fuzz_require(!open_master(w, &again));
    fuzz_require(again.status == error->status && strcmp(again.text, error->text) == 0);
    w->digest = fuzz_digest_text(w->digest, error->text);
}

uint64_t fuzz_run(const uint8_t *bytes, size_t length)
{
    static world w;
    fuzz_input   input = {bytes, bytes + length};
    movex_error  error;
    memset(&w, 0, sizeof w);
    uint8_t what = fuzz_u8(&input);
    w.limits.history = what & 1 ? 4 : 0;
    w.limits.journal_bytes = what & 2 ? 256 : 0;
    w.limits.hidden = w.limits.hiders = what & 4 ? 1 : 0;
    for (int i = 0; i < TABLE_TYPES; i++) w.files.rules[i] = movex_rules_new(table_types[i], NULL, NULL);
    w.disk = movex_store_memory_new(&(movex_store_memory_config){.allocator = fuzz_allocator(&w.disk_memory)});
    fuzz_require(w.disk);
    journal_make(&w.files, &input);
    write_files(&w);
    movex_master *master = open_master(&w, &error);
    if (!master) must_fail_again(&w, &error);
    for (int n = 0; master && n < RESTARTS; n++) {
        master = restart(&w, master);
        live(&w, master);
        if (n == 0) visit(&w, master);
    }
    if (master) movex_master_free(restart(&w, master));
    movex_store_memory_free(w.disk);
    for (int i = 0; i < TABLE_TYPES; i++) movex_rules_free(w.files.rules[i]);
    fuzz_require(w.memory.blocks == 0 && w.disk_memory.blocks == 0);
    return w.digest;
}
