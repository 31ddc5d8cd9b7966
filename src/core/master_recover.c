/* What the store has kept is taken up again: sessions, and resources, whose logs are gone through once more from their
   snapshots. Files end where a crash has torn them: what is behind the last whole record was never told to anybody. */
#include "master_keep.h"
#include "recovery.h"

#include "format.h"
#include "store.h"

enum { MOST_RECOVERED = 128 }; /* events that leave room for those that say that something is not as it was left */

/* Fills `error`: "store: rps:main, byte 4711: ...". Returns the status. */
static int fail(movex_recovery *r, int status, movex_error *error)
{
    if (r->cause.status != (movex_status)status)
        movex_error_set(&r->cause, (movex_status)status, movex_status_text(status), NULL);
    return movex_recovery_fail(r, "store: ", error);
}

/* The end of a file: what a crash has torn is cut off. */
static int end_file(movex_recovery *r, movex_journal_place *place)
{
    movex_store store = r->master->config.store;
    uint64_t    size = 0;
    int         status = movex_recovery_end(r);
    place->size = r->scan.offset;
    if (status != MOVEX_OK || r->scan.state == MOVEX_RECORD_END) return status;
    status = store.ops->size(store.self, r->scan.file, &size);
    if (status == MOVEX_OK) status = store.ops->truncate(store.self, r->scan.file, r->scan.offset);
    if (status != MOVEX_OK) return status;
    char         text[96];
    movex_format format = movex_format_into(text, sizeof text);
    movex_format_unsigned(&format, size - r->scan.offset);
    movex_format_text(&format, " bytes behind the last whole record were cut off");
    movex_master_record_event(r->master, MOVEX_MASTER_RECOVERED, NULL, r->resource, MOVEX_OK, text);
    return MOVEX_OK;
}

static int read_file(movex_recovery *r, uint64_t seed, movex_store_file file, movex_error *error)
{
    movex_master        *master = r->master;
    movex_journal_record record;
    int                  status = MOVEX_OK;
    movex_recovery_open(r, master->config.store, file, seed, &master->allocator);
    while (status == MOVEX_OK && !r->skipped) {
        status = movex_recovery_read(r, &record);
        if (status == MOVEX_OK) status = movex_recovery_take(r, &record);
    }
    if (status == MOVEX_ERR_AGAIN) status = end_file(r, r->resource ? &r->resource->kept->journal : &master->journal);
    if (status == MOVEX_OK) status = movex_recovery_check(r);
    if (status != MOVEX_OK) fail(r, status, error);
    movex_recovery_close(r);
    return status;
}

static int recover_resource(movex_master *master, movex_map *sessions, const movex_store_name *name, movex_error *error)
{
    movex_recovery   r = {.master = master, .sessions = sessions, .name = *name};
    movex_store      store = master->config.store;
    movex_store_file file;
    int              status = store.ops->open(store.self, name->bytes, name->length, &file);
    if (status != MOVEX_OK) return fail(&r, status, error);
    status = read_file(&r, movex_keep_seed(name->bytes, name->length), file, error);
    if (status != MOVEX_OK) return status;
    if (r.skipped) {
        movex_master_record_event(master, MOVEX_MASTER_REJECTED, NULL, NULL, MOVEX_ERR_UNKNOWN_TYPE,
                                  "something in the store is of a type that is not served; it is left as it is");
        return MOVEX_OK;
    }
    if (!r.resource) { /* a file that was begun, and whose content was never durable */
        status = store.ops->remove(store.self, file, &(uint64_t){0});
        return status == MOVEX_OK ? MOVEX_OK : fail(&r, status, error);
    }
    if (r.resource->log.now_ms > master->recovered_ms) master->recovered_ms = r.resource->log.now_ms;
    movex_master_resource_schedule(master, r.resource);
    if (r.scan.state == MOVEX_RECORD_END && master->record_count < MOST_RECOVERED)
        movex_master_record_event(master, MOVEX_MASTER_RECOVERED, NULL, r.resource, MOVEX_OK, NULL);
    return MOVEX_OK;
}

static int recover_sessions(movex_master *master, movex_map *sessions, movex_error *error)
{
    movex_recovery r = {.master = master, .sessions = sessions};
    movex_store    store = master->config.store;
    uint64_t       size;
    int            status = movex_keep_open_sessions(master);
    memcpy(r.name.bytes, "sessions", r.name.length = strlen("sessions"));
    if (status != MOVEX_OK) return fail(&r, status, error);
    if (store.ops->size(store.self, master->journal.file, &size) != MOVEX_OK) return MOVEX_OK; /* the first start */
    return read_file(&r, master->journal.seed, master->journal.file, error);
}

/* ---- the whole */

static int recover_all(movex_master *master, movex_map *sessions, movex_error *error)
{
    movex_store      store = master->config.store;
    movex_store_name name = {0};
    int              status = recover_sessions(master, sessions, error);
    while (status == MOVEX_OK && store.ops->next(store.self, &name) == MOVEX_OK)
        if (!movex_keep_is_sessions(name.bytes, name.length)) status = recover_resource(master, sessions, &name, error);
    return status;
}

int movex_master_recover(movex_master *master, movex_error *error)
{
    movex_map sessions = {0};
    if (!master->config.epoch) master->config.epoch = 1;
    if (!movex_keep_is_used(master)) return MOVEX_OK;
    int status = movex_store_check(master->config.store);
    if (status != MOVEX_OK)
        return movex_error_set(error, (movex_status)status, "store: it is not whole, or could not be made", NULL);
    master->recovering = true;
    status = recover_all(master, &sessions, error);
    if (status == MOVEX_OK && !movex_session_recovered(master, &sessions))
        status = movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    movex_map_free(&sessions, &master->allocator);
    if (status != MOVEX_OK) return status;
    master->recovering = false;
    if (movex_keep_sessions(master)) {
        /* No epoch is used twice: clients go by it, whatever else a crash loses. (MOVEX_SYNC_ALWAYS waits for it.) */
        bool early = master->config.sync == MOVEX_SYNC_INTERVAL && !master->config.flushed_elsewhere;
        if (early) master->config.store.ops->flush(master->config.store.self);
        return MOVEX_OK;
    }
    return movex_error_set(error, MOVEX_ERR_STORE, movex_status_text(MOVEX_ERR_STORE), NULL);
}
