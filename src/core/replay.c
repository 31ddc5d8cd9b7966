/* A replay: a recovery into a master of its own, which nobody else knows. */
#include "replay_internal.h"

#include "format.h"
#include "master_keep.h"
#include "store.h"

static const char sessions_name[] = "sessions";

/* ---- a file that is there as bytes */

static int read_bytes(void *self, movex_store_file file, uint64_t offset, void *bytes, size_t capacity, size_t *length)
{
    const movex_replay *replay = self;
    (void)file;
    *length = 0;
    if (offset >= replay->length) return MOVEX_OK;
    *length = replay->length - (size_t)offset;
    if (*length > capacity) *length = capacity;
    memcpy(bytes, replay->bytes + offset, *length);
    return MOVEX_OK;
}

static int size_of_bytes(void *self, movex_store_file file, uint64_t *size)
{
    (void)file;
    *size = ((const movex_replay *)self)->length;
    return MOVEX_OK;
}

static const movex_store_ops bytes_ops = {.name = "bytes", .read = read_bytes, .size = size_of_bytes};

/* ---- whose journal it is */

static int no_journal(movex_replay *replay)
{
    return movex_error_set(&replay->error, MOVEX_ERR_DAMAGED, "this is no journal: it does not begin as one", NULL);
}

/* The payload of the first record, unchecked, since its seed comes of what it says; NULL: there is none. Its length is
   right if the check that follows says so. */
static const unsigned char *peek(const unsigned char *bytes, size_t length, size_t *payload_length)
{
    if (length < MOVEX_RECORD_FRAME) return NULL;
    *payload_length = (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    return *payload_length <= length - MOVEX_RECORD_FRAME ? bytes + MOVEX_RECORD_HEADER : NULL;
}

static int identify(movex_replay *replay)
{
    unsigned char        start[MOVEX_RECORD_FRAME + MOVEX_JOURNAL_OVERHEAD + 2 * MOVEX_NAME_SIZE];
    movex_store_name    *name = &replay->recovery.name;
    movex_journal_record record;
    size_t               got = 0, length, payload_length;
    do {
        int status =
            replay->store.ops->read(replay->store.self, replay->file, got, start + got, sizeof start - got, &length);
        if (status != MOVEX_OK)
            return movex_error_set(&replay->error, (movex_status)status, movex_status_text(status), NULL);
        got += length;
    } while (length && got < sizeof start);
    const unsigned char *payload = peek(start, got, &payload_length);
    if (!payload || !movex_journal_read(payload, payload_length, &record)) return no_journal(replay);
    if (record.kind == MOVEX_JOURNAL_SESSIONS) {
        memcpy(name->bytes, sessions_name, name->length = sizeof sessions_name - 1);
    } else {
        if (record.kind != MOVEX_JOURNAL_RESOURCE || !movex_recovery_take_name(record.of.resource.type, replay->type) ||
            !movex_recovery_take_name(record.of.resource.id, replay->id))
            return no_journal(replay);
        name->length = movex_keep_name(replay->type, replay->id, name->bytes);
    }
    memcpy(replay->name, name->bytes, name->length);
    for (char *letter = replay->name; *letter; letter++)
        if (*letter == 0x1f) *letter = ':';
    replay->seed = movex_keep_seed(name->bytes, name->length);
    const unsigned char *checked;
    if (movex_record_read(start, got, true, 0, replay->seed, (uint32_t)payload_length, &checked, &length) !=
        MOVEX_RECORD_WHOLE)
        return no_journal(replay);
    return MOVEX_OK;
}

/* ---- making */

/* A master of the one type that the journal is of. */
static int make_master(movex_replay *replay, const movex_replay_config *config)
{
    const movex_type *types[2] = {NULL, NULL};
    for (uint32_t i = 0; config->types[i]; i++)
        if (config->types[i]->name && strcmp(config->types[i]->name, replay->type) == 0) types[0] = config->types[i];
    if (!types[0])
        return movex_error_set(&replay->error, MOVEX_ERR_UNKNOWN_TYPE, "the journal is one of type ", replay->type,
                               ", which is not among those that are given", NULL);
    replay->master = movex_master_new(&(movex_master_config){
        .types = types,
        .limits = {.history = 1, .history_bytes = 1},
        .determinism = config->determinism,
        .allocator = replay->allocator,
        .error = &replay->error,
    });
    if (!replay->master) return replay->error.status;
    replay->master->recovering = true; /* for ever: nobody is told of anything */
    replay->payload_size = replay->master->payload_size;
    for (int i = 0; i < 2 && replay->payload_size; i++) {
        replay->payloads[i] = movex_allocate(&replay->allocator, replay->payload_size);
        if (!replay->payloads[i])
            return movex_error_set(&replay->error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    }
    return MOVEX_OK;
}

static int open_journal(movex_replay *replay, const movex_replay_config *config)
{
    bool kept = config->store.ops != NULL;
    if (kept == (config->bytes != NULL) || kept != (config->file != NULL))
        return movex_error_set(&replay->error, MOVEX_ERR_ARGUMENT, "either bytes, or a store and a file, are needed",
                               NULL);
    replay->bytes = config->bytes;
    replay->length = config->length;
    replay->store = kept ? config->store : (movex_store){&bytes_ops, replay};
    int status = kept ? movex_store_check(config->store) : MOVEX_OK;
    if (status == MOVEX_OK && kept)
        status = config->store.ops->open(config->store.self, config->file, strlen(config->file), &replay->file);
    if (status != MOVEX_OK)
        return movex_error_set(&replay->error, (movex_status)status, movex_status_text(status), NULL);
    status = identify(replay);
    if (status == MOVEX_OK && config->types && replay->type[0]) status = make_master(replay, config);
    return status;
}

movex_replay *movex_replay_new(const movex_replay_config *config)
{
    movex_allocator allocator;
    movex_error    *error = config ? config->error : NULL;
    if (!config || !movex_allocator_resolve(&config->allocator, &allocator))
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "allocator: only partly set", NULL), NULL;
    movex_replay *replay = movex_allocate(&allocator, sizeof *replay);
    if (!replay) return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL), NULL;
    replay->allocator = allocator;
    if (open_journal(replay, config) != MOVEX_OK) {
        movex_error_set(error, replay->error.status, replay->error.text, NULL);
        movex_replay_free(replay);
        return NULL;
    }
    movex_replay_rewind(replay);
    return replay;
}

static void forget(movex_replay *replay)
{
    movex_master *master = replay->master;
    for (uint32_t i = 0; i < replay->clients.capacity; i++)
        movex_release(&replay->allocator, replay->clients.entries[i].value, sizeof(movex_replay_client));
    movex_map_free(&replay->clients, &replay->allocator);
    if (master && replay->recovery.resource) movex_master_resource_replaced(master, replay->recovery.resource);
    while (master && master->lost.first) movex_session_free(master, (movex_session *)(void *)master->lost.first);
    if (master && replay->recovery.resource) movex_master_resource_free(master, replay->recovery.resource);
    movex_map_free(&replay->sessions, &replay->allocator);
    movex_recovery_close(&replay->recovery);
    replay->recovery.resource = NULL;
    replay->made.length = 0;
    replay->is_held = false;
    replay->at = (movex_replay_position){0};
    replay->failed = MOVEX_OK;
    replay->spoiled = false;
    replay->error = (movex_error){.status = MOVEX_OK};
}

void movex_replay_free(movex_replay *replay)
{
    if (!replay) return;
    movex_allocator allocator = replay->allocator;
    forget(replay);
    movex_master_free(replay->master);
    movex_buffer_free(&replay->made, &allocator);
    for (int i = 0; i < 2; i++) movex_release(&allocator, replay->payloads[i], replay->payload_size);
    movex_release(&allocator, replay, sizeof *replay);
}

void movex_replay_rewind(movex_replay *replay)
{
    forget(replay);
    replay->recovery.master = replay->master;
    replay->recovery.sessions = &replay->sessions;
    replay->recovery.takes_room = true;
    movex_recovery_open(&replay->recovery, replay->store, replay->file, replay->seed, &replay->allocator);
}

/* ---- going */

static int fail(movex_replay *replay)
{
    replay->failed = movex_recovery_fail(&replay->recovery, "", &replay->error);
    return replay->failed;
}

static int out_of_memory(movex_replay *replay)
{
    movex_error_set(&replay->recovery.cause, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    return fail(replay);
}

static int end(movex_replay *replay)
{
    uint64_t size = 0;
    int      status = movex_recovery_end(&replay->recovery);
    if (status == MOVEX_OK) status = movex_recovery_check(&replay->recovery);
    if (status != MOVEX_OK) return fail(replay);
    status = replay->store.ops->size(replay->store.self, replay->file, &size);
    replay->at.at_end = true;
    replay->at.torn = status == MOVEX_OK && size > replay->at.offset ? size - replay->at.offset : 0;
    return MOVEX_ERR_AGAIN;
}

/* Reads one record ahead. */
static int hold(movex_replay *replay)
{
    if (replay->failed != MOVEX_OK) return replay->failed;
    if (replay->is_held) return MOVEX_OK;
    int status = movex_recovery_read(&replay->recovery, &replay->held);
    if (status == MOVEX_ERR_AGAIN) return end(replay);
    if (status != MOVEX_OK) return fail(replay);
    replay->is_held = true;
    return MOVEX_OK;
}

static bool is_step(movex_journal_kind kind)
{
    return kind == MOVEX_JOURNAL_CLOSING || kind == MOVEX_JOURNAL_OPENING || kind == MOVEX_JOURNAL_DEADLINE;
}

static bool makes_version(movex_journal_kind kind)
{
    return kind == MOVEX_JOURNAL_STATE || kind == MOVEX_JOURNAL_ENTRY || is_step(kind);
}

static bool keep_made(movex_replay *replay)
{
    const movex_recovery *recovery = &replay->recovery;
    replay->made.length = 0;
    if (!movex_buffer_reserve(&replay->made, &replay->allocator, recovery->length)) return false;
    memcpy(replay->made.bytes, recovery->payload, recovery->length);
    replay->made.length = recovery->length;
    replay->made_at = recovery->at;
    return true;
}

/* The version that a record has or makes. */
static void date(const movex_replay *replay, const movex_journal_record *record, movex_replay_record *told)
{
    told->version = replay->at.version;
    told->now_ms = replay->at.now_ms;
    if (record->kind == MOVEX_JOURNAL_ENTRY) {
        told->version++;
        told->now_ms += record->of.entry.elapsed_ms;
    } else if (is_step(record->kind)) {
        told->version++;
        told->now_ms += record->of.step.elapsed_ms;
    } else if (record->kind == MOVEX_JOURNAL_STATE) {
        told->version = record->of.state.version;
        told->now_ms = record->of.state.now_ms;
    }
}

static void advance(movex_replay *replay, const movex_replay_record *told)
{
    movex_replay_position *at = &replay->at;
    at->offset = told->offset + told->size;
    at->records++;
    if (!makes_version((movex_journal_kind)told->kind)) return;
    if (!at->stands) at->first = told->version;
    at->stands = true;
    at->version = told->version;
    at->now_ms = told->now_ms;
    at->checksum = told->checksum;
}

/* Of an entry it is also said whose it is, and what. */
static int fail_at(movex_replay *replay, const movex_replay_record *told)
{
    movex_error *cause = &replay->recovery.cause;
    movex_error  why = *cause;
    if (told->kind == MOVEX_REPLAY_ENTRY) {
        const char *action = told->hides ? told->hidden.name : told->shown.name;
        movex_error_set(cause, why.status, action, " by ", told->name[0] ? told->name : "the master", ": ", why.text,
                        NULL);
    }
    replay->spoiled = true;
    return fail(replay);
}

int movex_replay_next(movex_replay *replay, movex_replay_record *record)
{
    movex_replay_record told = {.name = "", .type = ""};
    told.shown.name = told.hidden.name = "";
    if (record) *record = told;
    int status = hold(replay);
    if (status != MOVEX_OK) return status;
    if (!movex_replay_know_client(replay, &replay->held)) return out_of_memory(replay);
    told.offset = replay->recovery.at;
    told.size = replay->recovery.length + MOVEX_RECORD_FRAME;
    date(replay, &replay->held, &told);
    movex_replay_tell(replay, &replay->held, &told);
    if (record) *record = told;
    if (makes_version(replay->held.kind) && !keep_made(replay)) return out_of_memory(replay);
    replay->is_held = false;
    if (!replay->master)
        replay->recovery.records++;
    else if (movex_recovery_take(&replay->recovery, &replay->held) != MOVEX_OK)
        return fail_at(replay, &told);
    advance(replay, &told);
    return MOVEX_OK;
}

int movex_replay_step(movex_replay *replay)
{
    bool made = false;
    int  status = hold(replay);
    while (status == MOVEX_OK && !(made && makes_version(replay->held.kind))) {
        made = made || makes_version(replay->held.kind);
        status = movex_replay_next(replay, NULL);
        if (status != MOVEX_OK) return status;
        status = hold(replay);
    }
    return made ? MOVEX_OK : status; /* what is wrong behind it is said at the next step */
}

int movex_replay_seek(movex_replay *replay, uint64_t version)
{
    char         text[128];
    movex_format format = movex_format_into(text, sizeof text);
    int          status = MOVEX_OK;
    if (replay->spoiled || (replay->at.stands && version < replay->at.version)) movex_replay_rewind(replay);
    while (status == MOVEX_OK && (!replay->at.stands || replay->at.version < version))
        status = movex_replay_step(replay);
    if (status != MOVEX_OK && status != MOVEX_ERR_AGAIN) return status;
    if (replay->at.stands && replay->at.version == version) return MOVEX_OK;
    movex_format_text(&format, ": there is no version ");
    movex_format_unsigned(&format, version);
    movex_format_text(&format, "; the first is ");
    movex_format_unsigned(&format, replay->at.first);
    if (status == MOVEX_ERR_AGAIN) {
        movex_format_text(&format, ", the last ");
        movex_format_unsigned(&format, replay->at.version);
    }
    return movex_error_set(&replay->error, MOVEX_ERR_NOT_FOUND, replay->name, text, NULL);
}

int movex_replay_finish(movex_replay *replay)
{
    int status = MOVEX_OK;
    while (status == MOVEX_OK) status = movex_replay_step(replay);
    return status == MOVEX_ERR_AGAIN ? MOVEX_OK : status;
}

/* ---- reading */

const char *movex_replay_name(const movex_replay *replay)
{
    return replay->name;
}

const char *movex_replay_type_name(const movex_replay *replay)
{
    return replay->type;
}

const movex_rules *movex_replay_rules(const movex_replay *replay)
{
    return replay->master ? replay->master->rules[0] : NULL;
}

movex_replay_position movex_replay_at(const movex_replay *replay)
{
    movex_replay_position at = replay->at;
    if (replay->recovery.resource) at.hidden = movex_hidden_count(replay->recovery.resource);
    return at;
}

bool movex_replay_made_by(movex_replay *replay, movex_replay_record *record)
{
    movex_journal_record made;
    *record = (movex_replay_record){.name = "", .type = ""};
    record->shown.name = record->hidden.name = "";
    if (!replay->at.stands || !movex_journal_read(replay->made.bytes, replay->made.length, &made)) return false;
    movex_replay_tell(replay, &made, record);
    record->offset = replay->made_at;
    record->size = replay->made.length + MOVEX_RECORD_FRAME;
    record->version = replay->at.version;
    record->now_ms = replay->at.now_ms;
    return true;
}

/* What a viewer might know, before redaction. Sessions are told apart by their numbers alone, and of two with one id
   the later one had it. */
static const movex_view *view_for(const movex_master_resource *resource, const char *viewer)
{
    const movex_hidden *hidden = resource->hidden;
    if (!viewer) return movex_hidden_full(resource);
    for (uint32_t i = hidden ? hidden->hider_count : 0; i-- > 0;)
        if (strcmp(hidden->hiders[i]->session->id, viewer) == 0) return &hidden->hiders[i]->view;
    return &resource->view;
}

int movex_replay_view(const movex_replay *replay, const char *viewer, void *state, uint64_t *checksum)
{
    const movex_master_resource *resource = replay->recovery.resource;
    if (replay->spoiled) return replay->failed;
    if (!replay->at.stands || !resource) return MOVEX_ERR_NOT_FOUND;
    return movex_master_show(replay->master, resource, view_for(resource, viewer), viewer, state, checksum);
}

const movex_error *movex_replay_error(const movex_replay *replay)
{
    return &replay->error;
}
