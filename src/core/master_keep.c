/* What happens is written to the store, so that a master that starts again goes on where this one was. Every change is given
   to the store before anybody is told of it, and nobody is told before the store has it (movex_master_flush).

   Room for a change is asked for before anything is done (movex_keep_reserve), so that writing it cannot fail. What a reader
   finds by itself when it goes through the log again is not written: refusals, reveals, what they overturn. */
#include "master_keep.h"

#include "record.h"

enum {
    CHANGE_BYTES = MOVEX_RECORD_FRAME + MOVEX_JOURNAL_OVERHEAD + 2 * MOVEX_NAME_SIZE, /* of most records */
    THROTTLE_BYTES = 64 << 10, /* room without which nothing more is taken from the emitters */
    SNAPSHOT_FACTOR = 4,       /* a journal grows to so many times its snapshot before it is begun anew */
    SESSIONS_SLACK = 64 << 10, /* the same for the sessions' file, in bytes */
    RETRY_MS = 100,            /* between flushes of a store that fails */
};

bool movex_keep_is_used(const movex_master *master)
{
    return master->config.store.ops != NULL;
}

static bool is_writing(const movex_master *master)
{
    return movex_keep_is_used(master) && !master->recovering;
}

/* ---- names */

/* Names have no control characters, so this is the only way to read it: at the first 0x1f, else at the first colon. */
size_t movex_keep_name(const char *type, const char *id, unsigned char name[MOVEX_STORE_NAME_MAX])
{
    movex_writer writer = movex_writer_over(name, MOVEX_STORE_NAME_MAX);
    movex_write_bytes(&writer, type, strlen(type));
    movex_write_u8(&writer, strchr(type, ':') ? 0x1f : ':');
    movex_write_bytes(&writer, id, strlen(id));
    return (size_t)(writer.at - name);
}

uint64_t movex_keep_seed(const void *name, size_t length)
{
    return movex_xxh64(name, length, MOVEX_JOURNAL_FORMAT);
}

/* ---- room */

static bool has_buffer(movex_master *master, size_t bytes)
{
    master->record.length = 0;
    return movex_buffer_reserve(&master->record, &master->allocator, bytes);
}

bool movex_keep_reserve(movex_master *master, uint32_t changes, size_t more)
{
    if (!is_writing(master)) return true;
    movex_store store = master->config.store;
    size_t      bytes = changes * (size_t)CHANGE_BYTES + more;
    if (!has_buffer(master, bytes)) return false;
    int status = store.ops->reserve(store.self, bytes, changes);
    if (status == MOVEX_ERR_AGAIN && !master->config.flushed_elsewhere) {
        store.ops->flush(store.self);
        status = store.ops->reserve(store.self, bytes, changes);
    }
    return status == MOVEX_OK;
}

bool movex_keep_reserve_end(movex_master *master, const movex_session *session)
{
    uint32_t changes = 1;
    for (const movex_node *node = session->subscriptions.first; node; node = node->next)
        changes += 2; /* it ends, and the action of who has gone */
    return movex_keep_reserve(master, changes, 0);
}

bool movex_keep_is_behind(movex_master *master)
{
    movex_store store = master->config.store;
    if (!is_writing(master) || !master->config.flushed_elsewhere) return false;
    return store.ops->reserve(store.self, THROTTLE_BYTES, 1) == MOVEX_ERR_AGAIN;
}

/* ---- writing */

/* A writer over the payload of a record. The room is there. */
static movex_writer begin(movex_master *master)
{
    movex_buffer *record = &master->record;
    return movex_writer_over(record->bytes + MOVEX_RECORD_HEADER, record->capacity - MOVEX_RECORD_FRAME);
}

static void append(movex_master *master, movex_journal_place *place, const movex_writer *writer)
{
    movex_store store = master->config.store;
    size_t      length = (size_t)(writer->at - master->record.bytes) - MOVEX_RECORD_HEADER;
    uint64_t    number;
    movex_record_seal(master->record.bytes, (uint32_t)length, place->size, place->seed);
    int status = store.ops->append(store.self, place->file, master->record.bytes, length + MOVEX_RECORD_FRAME, &number);
    assert(status == MOVEX_OK); /* it was reserved */
    (void)status;
    place->size += length + MOVEX_RECORD_FRAME;
}

/* To a resource's journal. */
static void append_to(movex_master *master, movex_master_resource *resource, movex_writer *writer)
{
    append(master, &resource->kept->journal, writer);
    if (!resource->kept->grown.list) movex_list_append(&master->grown, &resource->kept->grown);
}

static movex_wire_text text_of(const char *text)
{
    return (movex_wire_text){text, (uint32_t)strlen(text)};
}

static movex_journal_half half_of(const movex_half *half)
{
    return (movex_journal_half){
        .action = half->action, .payload = half->encoded, .drew = half->drew, .seed = half->seed};
}

void movex_keep_entry(movex_master *master, movex_master_resource *resource, const movex_telling *telling)
{
    if (!is_writing(master)) return;
    const movex_deed         *deed = telling->deed;
    const movex_subscription *author = telling->author;
    movex_journal_entry       entry = {
              .elapsed_ms = telling->entry.elapsed_ms,
              .session = author ? author->session->number : 0,
              .subscription = author ? author->serial : 0,
              .sequence = telling->entry.sequence,
              .author = text_of(telling->name),
              .shown = half_of(&deed->shown),
              .hidden = half_of(&deed->hidden),
              .hides = deed->hides,
              .reveals = telling->reveal != NULL,
              .checksum = resource->view.hashes.checksum,
              .seals = deed->commitment != NULL,
    };
    if (deed->commitment) memcpy(entry.commitment, deed->commitment, MOVEX_COMMITMENT_SIZE);
    movex_writer writer = begin(master);
    movex_journal_write_entry(&writer, &entry);
    append_to(master, resource, &writer);
}

void movex_keep_step(movex_master *master, movex_master_resource *resource, const char *author,
                     const movex_sealed_step_message *step)
{
    if (!is_writing(master)) return;
    const movex_journal_step record = {
        .kind = step->kind == MOVEX_MESSAGE_CLOSING   ? MOVEX_JOURNAL_CLOSING
                : step->kind == MOVEX_MESSAGE_OPENING ? MOVEX_JOURNAL_OPENING
                                                      : MOVEX_JOURNAL_DEADLINE,
        .elapsed_ms = step->elapsed_ms,
        .deadline_ms = step->deadline_ms,
        .author = text_of(author),
        .records = step->records,
        .checksum = step->checksum,
    };
    movex_writer writer = begin(master);
    movex_journal_write_step(&writer, &record);
    append_to(master, resource, &writer);
}

static movex_journal_subscribed describe(const movex_subscription *subscription)
{
    return (movex_journal_subscribed){
        .session = subscription->session->number,
        .subscription = subscription->serial,
        .id = text_of(subscription->session->id),
        .sequence = subscription->sequence,
    };
}

void movex_keep_subscription(movex_master *master, const movex_subscription *subscription)
{
    if (!is_writing(master)) return;
    const movex_journal_subscribed record = describe(subscription);
    movex_writer                   writer = begin(master);
    movex_journal_write_subscribed(&writer, &record);
    append_to(master, subscription->resource, &writer);
}

void movex_keep_unsubscription(movex_master *master, const movex_subscription *subscription)
{
    if (!is_writing(master) || subscription->resource->removing) return;
    const movex_journal_dispatch record = {.session = subscription->session->number,
                                           .subscription = subscription->serial,
                                           .with_session = subscription->session->ending};
    movex_writer                 writer = begin(master);
    movex_journal_write_dispatch(&writer, MOVEX_JOURNAL_UNSUBSCRIBED, &record);
    append_to(master, subscription->resource, &writer);
}

/* ---- snapshots */

/* Records, one after the other, that are to be the content of a file. Without memory it only counts. */
typedef struct content {
    movex_master *master;
    movex_buffer  bytes;
    uint64_t      seed;
    bool          failed;
} content;

static movex_writer begin_part(content *all, size_t most)
{
    all->failed = all->failed || !movex_buffer_reserve(&all->bytes, &all->master->allocator, MOVEX_RECORD_FRAME + most);
    if (all->failed) return (movex_writer){NULL, NULL};
    return movex_writer_over(all->bytes.bytes + all->bytes.length + MOVEX_RECORD_HEADER, most);
}

static void end_part(content *all, const movex_writer *writer)
{
    unsigned char *record = all->bytes.bytes + all->bytes.length;
    size_t         length = (size_t)(writer->at - record) - MOVEX_RECORD_HEADER;
    movex_record_seal(record, (uint32_t)length, all->bytes.length, all->seed);
    all->bytes.length += length + MOVEX_RECORD_FRAME;
}

/* The canonical encoding of a state, in master.encoded; nothing if there is no memory. */
static movex_wire_bytes encode(content *all, const movex_rules *rules, const void *state)
{
    movex_buffer *encoded = &all->master->encoded;
    size_t        most = movex_codec_max_encoded(rules->state), length = 0;
    encoded->length = 0;
    all->failed = all->failed || !movex_buffer_reserve(encoded, &all->master->allocator, most);
    if (all->failed) return (movex_wire_bytes){"", 0};
    int status = movex_codec_encode(rules->state, state, encoded->bytes, most, &length, NULL);
    assert(status == MOVEX_OK); /* a view is always settled */
    (void)status;
    return (movex_wire_bytes){encoded->bytes, length};
}

static void add_resource(content *all, const movex_master_resource *resource)
{
    const movex_type            *type = resource->rules->type;
    const movex_journal_resource record = {
        .format = MOVEX_JOURNAL_FORMAT,
        .type = text_of(type->name),
        .id = text_of(resource->id),
        .type_version = type->version,
        .fingerprint = resource->rules->fingerprint,
    };
    movex_writer writer = begin_part(all, CHANGE_BYTES);
    if (!writer.at) return;
    movex_journal_write_resource(&writer, &record);
    end_part(all, &writer);
}

static movex_journal_state state_of(content *all, const movex_master_resource *resource)
{
    return (movex_journal_state){
        .version = resource->log.version,
        .now_ms = resource->log.now_ms,
        .revealed = resource->revealed,
        .checksum = resource->view.hashes.checksum,
        .state = encode(all, resource->rules, resource->view.state),
    };
}

static void add_state(content *all, const movex_master_resource *resource)
{
    const movex_journal_state record = state_of(all, resource);
    movex_writer              writer = begin_part(all, CHANGE_BYTES + record.state.length);
    if (!writer.at) return;
    movex_journal_write_state(&writer, &record);
    end_part(all, &writer);
}

/* `session` NULL: the full view. */
static void add_hider(content *all, const movex_master_resource *resource, const movex_hider *hider,
                      const movex_session *session)
{
    const movex_journal_hider record = {
        .session = session ? session->number : 0,
        .id = text_of(session ? session->id : ""),
        .state = encode(all, resource->rules, hider->view.state),
    };
    movex_writer writer = begin_part(all, CHANGE_BYTES + record.state.length);
    if (!writer.at) return;
    movex_journal_write_hider(&writer, session ? MOVEX_JOURNAL_HIDER : MOVEX_JOURNAL_FULL, &record);
    end_part(all, &writer);
}

static void add_pair(content *all, const movex_hidden *hidden, const movex_pair *pair)
{
    const movex_journal_pair record = {
        .version = pair->version,
        .session = pair->session,
        .subscription = pair->subscription,
        .sequence = pair->sequence,
        .author = text_of(pair->author),
        .hidden = {.action = pair->action,
                   .payload = {hidden->payloads.bytes + pair->payload_at, pair->payload_length},
                   .drew = pair->drew,
                   .seed = pair->seed},
    };
    movex_writer writer = begin_part(all, CHANGE_BYTES + pair->payload_length);
    if (!writer.at) return;
    movex_journal_write_pair(&writer, &record);
    end_part(all, &writer);
}

static void add_hidden(content *all, const movex_master_resource *resource)
{
    const movex_hidden        *hidden = resource->hidden;
    const movex_journal_hiding record = {.base = hidden->base, .foldable = hidden->foldable};
    movex_writer               writer = begin_part(all, CHANGE_BYTES);
    if (!writer.at) return;
    movex_journal_write_hiding(&writer, &record);
    end_part(all, &writer);
    for (uint32_t i = 0; i < hidden->hider_count; i++)
        add_hider(all, resource, hidden->hiders[i], hidden->hiders[i]->session);
    if (hidden->full) add_hider(all, resource, hidden->full, NULL);
    for (uint32_t i = 0; i < hidden->next.pair_count; i++) add_pair(all, hidden, &hidden->next.pairs[i]);
}

static void add_revealed(content *all, const movex_hidden *hidden)
{
    for (uint32_t i = 0; i < hidden->last.pair_count; i++) {
        const movex_pair            *pair = &hidden->last.pairs[i];
        const movex_journal_revealed record = {pair->version, text_of(pair->author)};
        movex_writer                 writer = begin_part(all, CHANGE_BYTES);
        if (!writer.at) return;
        movex_journal_write_revealed(&writer, &record);
        end_part(all, &writer);
    }
}

static void add_forfeited(content *all, const movex_hidden *hidden)
{
    for (uint32_t i = 0; i < hidden->last.pair_count; i++) {
        const movex_pair             *pair = &hidden->last.pairs[i];
        const movex_journal_forfeited record = {pair->version, pair->forfeit};
        if (pair->forfeit == MOVEX_ACCEPT) continue;
        movex_writer writer = begin_part(all, CHANGE_BYTES);
        if (!writer.at) return;
        movex_journal_write_forfeited(&writer, &record);
        end_part(all, &writer);
    }
}

static void add_sealed(content *all, movex_sealed *sealed)
{
    movex_buffer *round = &all->master->encoded;
    size_t        most = movex_sealed_max_written(sealed);
    for (uint32_t i = 0; i < sealed->author_count; i++) {
        const movex_session *session = sealed->authors[i].session;
        sealed->authors[i].session_number = session ? session->number : 0;
    }
    round->length = 0;
    all->failed = all->failed || !movex_buffer_reserve(round, &all->master->allocator, most);
    movex_writer writer = begin_part(all, CHANGE_BYTES + most);
    if (!writer.at) return;
    movex_writer over = movex_writer_over(round->bytes, round->capacity);
    movex_sealed_write(&over, sealed, true);
    movex_journal_write_sealed(&writer, (movex_wire_bytes){round->bytes, (size_t)(over.at - round->bytes)});
    end_part(all, &writer);
}

static void add_room(content *all, const movex_rules *rules)
{
    movex_writer writer = begin_part(all, CHANGE_BYTES + MOVEX_SEALED_ROOM_MAX);
    if (!writer.at) return;
    movex_journal_write_room(&writer, text_of(rules->room));
    end_part(all, &writer);
}

static void add_dispatch(content *all, movex_journal_kind kind, const movex_subscription *subscription,
                         movex_journal_dispatch record)
{
    movex_writer writer = begin_part(all, CHANGE_BYTES);
    if (!writer.at) return;
    record.session = subscription->session->number;
    record.subscription = subscription->serial;
    movex_journal_write_dispatch(&writer, kind, &record);
    end_part(all, &writer);
}

static void add_subscription(content *all, const movex_subscription *subscription)
{
    const movex_journal_subscribed record = describe(subscription);
    movex_writer                   writer = begin_part(all, CHANGE_BYTES);
    uint64_t                       end = subscription->refused_count;
    if (!writer.at) return;
    movex_journal_write_subscribed(&writer, &record);
    end_part(all, &writer);
    for (uint64_t k = end - movex_refused_kept(subscription); k != end; k++) {
        const movex_refused *refused = movex_refused_at(subscription, k);
        add_dispatch(all, MOVEX_JOURNAL_REFUSED, subscription,
                     (movex_journal_dispatch){.sequence = refused->sequence, .reason = refused->reason});
    }
    end = subscription->overturned_count;
    for (uint64_t k = end - movex_overturned_kept(subscription); k != end; k++) {
        const movex_overturned *overturned = movex_overturned_at(subscription, k);
        add_dispatch(all, MOVEX_JOURNAL_OVERTURNED, subscription,
                     (movex_journal_dispatch){.sequence = overturned->sequence,
                                              .reason = overturned->reason,
                                              .revealed = overturned->revealed});
    }
}

/* All of a resource: what a file begins with, and is begun anew with. */
static bool write_snapshot(content *all, const movex_master_resource *resource)
{
    const movex_hidden *hidden = resource->hidden;
    add_resource(all, resource);
    add_state(all, resource);
    if (resource->rules->room[0]) add_room(all, resource->rules);
    if (hidden && hidden->hider_count) add_hidden(all, resource);
    if (hidden) add_revealed(all, hidden);
    if (hidden) add_forfeited(all, hidden);
    if (resource->sealed && movex_sealed_is_open(resource->sealed)) add_sealed(all, resource->sealed);
    for (uint32_t i = 0; i < resource->company->slots; i++)
        if (resource->company->subscribers[i]) add_subscription(all, resource->company->subscribers[i]);
    return !all->failed;
}

/* The content becomes the file's. False, and nothing has changed, if the store does not take it. */
static bool replace(content *all, movex_journal_place *place)
{
    movex_store store = all->master->config.store;
    uint64_t    number;
    bool        taken = !all->failed &&
                 store.ops->replace(store.self, place->file, all->bytes.bytes, all->bytes.length, &number) == MOVEX_OK;
    if (taken) place->size = place->snapshot = all->bytes.length;
    movex_buffer_free(&all->bytes, &all->master->allocator);
    return taken;
}

bool movex_keep_snapshot(movex_master *master, movex_master_resource *resource)
{
    if (!is_writing(master)) return true;
    content all = {.master = master, .seed = resource->kept->journal.seed};
    write_snapshot(&all, resource);
    movex_list_remove(&resource->kept->grown);
    return replace(&all, &resource->kept->journal);
}

int movex_keep_resource(movex_master *master, movex_master_resource *resource)
{
    unsigned char name[MOVEX_STORE_NAME_MAX];
    size_t        length = movex_keep_name(resource->rules->type->name, resource->id, name);
    movex_store   store = master->config.store;
    if (!movex_keep_is_used(master)) return MOVEX_OK;
    resource->kept->journal.seed = movex_keep_seed(name, length);
    int status = store.ops->open(store.self, name, length, &resource->kept->journal.file);
    if (status != MOVEX_OK || master->recovering) return status;
    if (!movex_keep_reserve(master, 1, 0)) return MOVEX_ERR_STORE; /* else room that is left over would be used up */
    return movex_keep_snapshot(master, resource) ? MOVEX_OK : MOVEX_ERR_STORE;
}

void movex_keep_state(movex_master *master, movex_master_resource *resource)
{
    if (!is_writing(master)) return;
    content                   all = {.master = master};
    const movex_journal_state state = state_of(&all, resource);
    movex_writer              writer = begin(master);
    assert(!all.failed); /* the room was made before the state was replaced */
    movex_journal_write_state(&writer, &state);
    append_to(master, resource, &writer);
}

void movex_keep_removal(movex_master *master, movex_master_resource *resource)
{
    movex_store store = master->config.store;
    uint64_t    number;
    if (resource->kept) movex_list_remove(&resource->kept->grown);
    if (is_writing(master) && !master->closing) store.ops->remove(store.self, resource->kept->journal.file, &number);
}

/* ---- sessions */

static const char sessions_name[] = "sessions";

static void add_session(content *all, const movex_session *session)
{
    movex_journal_session record = {
        .number = session->number, .id = text_of(session->id), .info = text_of(movex_session_info(session))};
    movex_writer writer = begin_part(all, CHANGE_BYTES + MOVEX_INFO_MAX);
    if (!writer.at) return;
    memcpy(record.token, session->token, MOVEX_TOKEN_SIZE);
    movex_journal_write_session(&writer, &record);
    end_part(all, &writer);
    if (!session->over) return;
    writer = begin_part(all, CHANGE_BYTES);
    if (!writer.at) return;
    movex_journal_write_session_end(&writer, MOVEX_JOURNAL_SESSION_OVER, session->number);
    end_part(all, &writer);
}

bool movex_keep_sessions(movex_master *master)
{
    content                   all = {.master = master, .seed = master->journal.seed};
    const movex_journal_start start = {master->config.epoch, master->sessions_made};
    movex_writer              writer = begin_part(&all, CHANGE_BYTES);
    if (writer.at) {
        movex_journal_write_sessions(&writer);
        end_part(&all, &writer);
        writer = begin_part(&all, CHANGE_BYTES);
    }
    if (writer.at) {
        movex_journal_write_start(&writer, &start);
        end_part(&all, &writer);
    }
    for (uint32_t i = 0; i < master->sessions.capacity; i++)
        if (master->sessions.entries[i].value) add_session(&all, master->sessions.entries[i].value);
    return replace(&all, &master->journal);
}

int movex_keep_open_sessions(movex_master *master)
{
    movex_store store = master->config.store;
    master->journal.seed = movex_keep_seed(sessions_name, sizeof sessions_name - 1);
    return store.ops->open(store.self, sessions_name, sizeof sessions_name - 1, &master->journal.file);
}

bool movex_keep_is_sessions(const void *name, size_t length)
{
    return length == sizeof sessions_name - 1 && memcmp(name, sessions_name, length) == 0;
}

void movex_keep_session(movex_master *master, const movex_session *session)
{
    movex_journal_session record = {
        .number = session->number, .id = text_of(session->id), .info = text_of(movex_session_info(session))};
    if (!is_writing(master)) return;
    movex_writer writer = begin(master);
    memcpy(record.token, session->token, MOVEX_TOKEN_SIZE);
    movex_journal_write_session(&writer, &record);
    append(master, &master->journal, &writer);
}

void movex_keep_session_end(movex_master *master, const movex_session *session, bool kept)
{
    if (!is_writing(master) || master->closing || session->unlisted) return; /* what is unlisted is not in the file */
    movex_writer writer = begin(master);
    movex_journal_write_session_end(&writer, kept ? MOVEX_JOURNAL_SESSION_OVER : MOVEX_JOURNAL_SESSION_ENDED,
                                    session->number);
    append(master, &master->journal, &writer);
}

/* ---- the end of a poll */

static void begin_anew(movex_master *master)
{
    for (movex_node *node; (node = master->grown.first) != NULL;) {
        movex_master_resource *resource = movex_master_resource_of_grown(node);
        movex_journal_place   *place = &resource->kept->journal;
        movex_list_remove(node);
        if (place->size <= master->config.limits.journal_bytes || place->size <= SNAPSHOT_FACTOR * place->snapshot)
            continue;
        if (!movex_keep_snapshot(master, resource)) return; /* it is tried again when it has grown more */
    }
    const movex_journal_place *place = &master->journal;
    if (place->size > SESSIONS_SLACK && place->size > SNAPSHOT_FACTOR * place->snapshot) movex_keep_sessions(master);
}

static bool needs_flush(const movex_master *master)
{
    movex_store store = master->config.store;
    if (!is_writing(master) || master->config.flushed_elsewhere || master->config.sync == MOVEX_SYNC_NEVER)
        return false;
    return store.ops->taken(store.self) > store.ops->durable(store.self) || master->store_status != MOVEX_OK;
}

uint64_t movex_keep_due_ms(const movex_master *master)
{
    if (!needs_flush(master)) return UINT64_MAX;
    uint32_t pause_ms = master->store_status != MOVEX_OK ? RETRY_MS : master->config.sync_interval_ms;
    if (master->config.sync == MOVEX_SYNC_ALWAYS && master->store_status == MOVEX_OK) pause_ms = 0;
    return master->flushed_ms + pause_ms;
}

uint64_t movex_keep_retry_ms(const movex_master *master)
{
    uint64_t due_ms = movex_keep_due_ms(master);
    if (master->store_status == MOVEX_OK) return 0;
    return due_ms != UINT64_MAX ? due_ms : master->now_ms + RETRY_MS;
}

/* Tells the program when the store fails, and when it works again. */
static void note_status(movex_master *master)
{
    movex_store store = master->config.store;
    movex_error error = {.text = ""};
    int         status = store.ops->status(store.self, &error);
    if (status == (int)master->store_status) return;
    master->store_status = (movex_status)status;
    movex_master_record_event(master, MOVEX_MASTER_STORE, NULL, NULL, (movex_status)status, error.text);
}

void movex_keep_sync(movex_master *master)
{
    movex_store store = master->config.store;
    if (!is_writing(master)) return;
    begin_anew(master);
    if (movex_keep_due_ms(master) <= master->now_ms) {
        master->flushed_ms = master->now_ms;
        store.ops->flush(store.self);
    }
    note_status(master);
}

uint64_t movex_keep_taken(const movex_master *master)
{
    movex_store store = master->config.store;
    bool        waits = movex_keep_is_used(master) && master->config.sync == MOVEX_SYNC_ALWAYS;
    return waits ? store.ops->taken(store.self) : 0;
}

bool movex_keep_has(const movex_master *master, uint64_t number)
{
    movex_store store = master->config.store;
    return number == 0 || store.ops->durable(store.self) >= number;
}
