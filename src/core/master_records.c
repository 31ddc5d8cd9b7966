/* A journal's records are read, and taken up again one by one. */
#include "master_keep.h"
#include "recovery.h"

#include "format.h"

#include <movex/text.h>

enum {
    MOST_PAYLOAD = 1 << 30, /* bytes of one record */
    FIRST_RECORDS = 2,      /* that a file always begins with */
};

static int misplaced(movex_recovery *r)
{
    return movex_error_set(&r->cause, MOVEX_ERR_DAMAGED, "a record that does not belong here", NULL);
}

static int out_of_memory(movex_recovery *r)
{
    return movex_error_set(&r->cause, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
}

/* ---- sessions */

bool movex_recovery_take_name(movex_wire_text text, char name[MOVEX_NAME_SIZE])
{
    memset(name, 0, MOVEX_NAME_SIZE);
    if (movex_name_fault_in(text.bytes, text.length)) return false;
    memcpy(name, text.bytes, text.length);
    return true;
}

static movex_session *session_of(const movex_recovery *r, uint64_t number)
{
    return movex_map_get(r->sessions, number, NULL, NULL);
}

static int know_session(movex_recovery *r, uint64_t number, movex_session *session)
{
    movex_master *master = r->master;
    if (number > master->sessions_made) master->sessions_made = number;
    if (session_of(r, number)) return MOVEX_OK;
    return movex_map_put(r->sessions, &master->allocator, number, session) ? MOVEX_OK : out_of_memory(r);
}

/* The session of that number, made if it is not known: it has ended, and this file has not been told; or the sessions' file
   has lost its beginning. `hides`: one that was over, and kept for what it has hidden, has begun anew by that number. */
static int need_session(movex_recovery *r, uint64_t number, const char *id, bool hides, movex_session **found)
{
    movex_session *session = session_of(r, number), *listed = movex_session_find(r->master, id);
    *found = session;
    if (session) return strcmp(session->id, id) == 0 ? MOVEX_OK : misplaced(r);
    if (hides && listed && listed->over) {
        listed->over = false;
        listed->number = number;
        session = listed;
    } else {
        session = movex_session_recover_lost(r->master, number, id);
    }
    *found = session;
    return session ? know_session(r, number, session) : out_of_memory(r);
}

static int take_session(movex_recovery *r, const movex_journal_session *record)
{
    movex_master *master = r->master;
    char          id[MOVEX_NAME_SIZE];
    if (!movex_recovery_take_name(record->id, id)) return misplaced(r);
    movex_session *session = movex_session_find(master, id);
    if ((session && !session->over) || session_of(r, record->number)) return misplaced(r);
    if (!session) session = movex_session_recover(master, id);
    if (!session) return out_of_memory(r);
    session->over = false;
    session->number = record->number;
    memcpy(session->token, record->token, MOVEX_TOKEN_SIZE);
    if (!movex_session_set_info(master, session, record->info.bytes, record->info.length)) return out_of_memory(r);
    return know_session(r, record->number, session);
}

static int take_session_end(movex_recovery *r, uint64_t number, bool kept)
{
    movex_session *session = session_of(r, number);
    if (!session || session->number != number) return misplaced(r);
    session->over = true;
    if (kept) return MOVEX_OK;
    movex_session_lose(r->master, session); /* its resources may not have been told */
    return MOVEX_OK;
}

static int take_sessions_record(movex_recovery *r, const movex_journal_record *record)
{
    movex_master *master = r->master;
    if ((record->kind == MOVEX_JOURNAL_SESSIONS) != (r->records == 0)) return misplaced(r);
    if ((record->kind == MOVEX_JOURNAL_START) != (r->records == 1)) return misplaced(r);
    switch (record->kind) {
    case MOVEX_JOURNAL_SESSIONS:
        if (record->of.format == MOVEX_JOURNAL_FORMAT) return MOVEX_OK;
        return movex_error_set(&r->cause, MOVEX_ERR_UNSUPPORTED, "a format that this build does not know", NULL);
    case MOVEX_JOURNAL_START:
        if (record->of.start.epoch >= master->config.epoch) master->config.epoch = record->of.start.epoch + 1;
        if (record->of.start.sessions > master->sessions_made) master->sessions_made = record->of.start.sessions;
        return MOVEX_OK;
    case MOVEX_JOURNAL_SESSION: return take_session(r, &record->of.session);
    case MOVEX_JOURNAL_SESSION_OVER: return take_session_end(r, record->of.number, true);
    case MOVEX_JOURNAL_SESSION_ENDED: return take_session_end(r, record->of.number, false);
    default: return misplaced(r);
    }
}

/* ---- resources: what their files begin with */

static const movex_rules *rules_named(const movex_master *master, movex_wire_text name)
{
    for (uint32_t i = 0; i < master->rules_count; i++) {
        const char *type = master->rules[i]->type->name;
        if (strlen(type) == name.length && memcmp(type, name.bytes, name.length) == 0) return master->rules[i];
    }
    return NULL;
}

static int take_resource(movex_recovery *r, const movex_journal_resource *record)
{
    movex_master      *master = r->master;
    const movex_rules *rules = rules_named(master, record->type);
    char               id[MOVEX_NAME_SIZE];
    unsigned char      name[MOVEX_STORE_NAME_MAX];
    if (record->format != MOVEX_JOURNAL_FORMAT)
        return movex_error_set(&r->cause, MOVEX_ERR_UNSUPPORTED, "a format that this build does not know", NULL);
    r->skipped = !rules;
    if (!rules) return MOVEX_OK;
    if (record->fingerprint != rules->fingerprint)
        return movex_error_set(&r->cause, MOVEX_ERR_FINGERPRINT,
                               "it was kept by another version of the type, which is described differently now", NULL);
    if (!movex_recovery_take_name(record->id, id)) return misplaced(r);
    size_t length = movex_keep_name(rules->type->name, id, name);
    if (length != r->name.length || memcmp(name, r->name.bytes, length) != 0) return misplaced(r);
    int status = movex_master_resource_new(master, rules, id, &r->resource);
    if (status == MOVEX_OK) return MOVEX_OK;
    return movex_error_set(&r->cause, (movex_status)status, "it cannot be made: ", movex_status_text(status), NULL);
}

static int take_state(movex_recovery *r, const movex_journal_state *record)
{
    movex_master_resource *resource = r->resource;
    movex_log             *log = &resource->log;
    int                    status =
        movex_view_load(&resource->view, record->state.bytes, record->state.length, record->checksum, &r->cause);
    if (status == MOVEX_ERR_MEMORY) return out_of_memory(r);
    if (status != MOVEX_OK) return r->cause.status = MOVEX_ERR_DAMAGED;
    if (r->records > 1 && record->version != log->version + 1) return misplaced(r);
    movex_master_resource_replaced(r->master, resource);
    movex_log_clear(log);
    log->version = record->version;
    log->now_ms = record->now_ms;
    resource->revealed = record->revealed;
    return MOVEX_OK;
}

static int load_view(movex_recovery *r, movex_view *view, movex_wire_bytes state)
{
    const movex_codec *codec = r->resource->rules->state;
    int                status = movex_codec_decode(codec, view->state, state.bytes, state.length, &r->cause);
    movex_view_settle(view);
    if (status == MOVEX_ERR_MEMORY) return out_of_memory(r);
    return status == MOVEX_OK ? MOVEX_OK : (int)(r->cause.status = MOVEX_ERR_DAMAGED);
}

static int take_hiding(movex_recovery *r, const movex_journal_hiding *record)
{
    if (record->base >= r->resource->log.version) return misplaced(r);
    movex_hidden *hidden = movex_hidden_recover(r->master, r->resource);
    if (!hidden) return out_of_memory(r);
    hidden->base = record->base;
    hidden->foldable = record->foldable;
    return MOVEX_OK;
}

static int take_hider(movex_recovery *r, const movex_journal_hider *record, bool full)
{
    movex_session *session = NULL;
    movex_view    *view;
    char           id[MOVEX_NAME_SIZE];
    if (!r->resource->hidden) return misplaced(r);
    if (!full && !movex_recovery_take_name(record->id, id)) return misplaced(r);
    int status = full ? MOVEX_OK : need_session(r, record->session, id, true, &session);
    if (status != MOVEX_OK) return status;
    if (!full && movex_hider_of(r->resource, session)) return misplaced(r);
    status = movex_hidden_recover_hider(r->master, r->resource, session, &view);
    if (status == MOVEX_ERR_MEMORY) return out_of_memory(r);
    return status == MOVEX_OK ? load_view(r, view, record->state) : misplaced(r);
}

static int take_pair(movex_recovery *r, const movex_journal_pair *record)
{
    char author[MOVEX_NAME_SIZE];
    if (!movex_recovery_take_name(record->author, author)) return misplaced(r);
    movex_pair pair = {
        .version = record->version,
        .session = record->session,
        .subscription = record->subscription,
        .sequence = record->sequence,
        .seed = record->hidden.seed,
        .action = record->hidden.action,
        .drew = record->hidden.drew,
    };
    movex_text_set(pair.author, author);
    if (record->session > r->master->sessions_made) r->master->sessions_made = record->session;
    int status = movex_master_resource_check_half(r->master, r->resource, &record->hidden, &r->cause);
    if (status == MOVEX_OK) status = movex_hidden_recover_pair(r->master, r->resource, &pair, record->hidden.payload);
    if (status == MOVEX_ERR_MEMORY) return out_of_memory(r);
    return status == MOVEX_OK ? MOVEX_OK : misplaced(r);
}

static int take_revealed(movex_recovery *r, const movex_journal_revealed *record)
{
    movex_pair pair = {.version = record->version};
    if (!movex_recovery_take_name(record->author, pair.author) || record->version > r->resource->revealed)
        return misplaced(r);
    return movex_hidden_recover_revealed(r->master, r->resource, &pair) ? MOVEX_OK : out_of_memory(r);
}

static int take_forfeited(movex_recovery *r, const movex_journal_forfeited *record)
{
    const movex_hidden *hidden = r->resource->hidden;
    for (uint32_t i = 0; hidden && i < hidden->last.pair_count; i++) {
        if (hidden->last.pairs[i].version != record->version) continue;
        hidden->last.pairs[i].forfeit = record->reason;
        return MOVEX_OK;
    }
    return misplaced(r);
}

/* Those who have sealed something keep their ids until it is revealed. */
static int take_sealed(movex_recovery *r, movex_wire_bytes round)
{
    int status = movex_round_recover(r->master, r->resource, round, &r->cause);
    if (status != MOVEX_OK) return status;
    movex_sealed *sealed = r->resource->sealed;
    for (uint32_t i = 0; i < sealed->author_count; i++) {
        movex_sealed_author *author = &sealed->authors[i];
        movex_session       *session;
        if (!author->sealed) continue;
        if (!author->session_number) return misplaced(r);
        status = need_session(r, author->session_number, author->id, true, &session);
        if (status != MOVEX_OK) return status;
        author->session = session;
        session->hiding++;
    }
    for (uint32_t i = 0; i < sealed->count; i++)
        if (sealed->entries[i].session > r->master->sessions_made)
            r->master->sessions_made = sealed->entries[i].session;
    return MOVEX_OK;
}

static int take_room(movex_recovery *r, movex_wire_text text)
{
    movex_master *master = r->master;
    const char   *room = r->resource->rules->room;
    char          name[MOVEX_SEALED_ROOM_MAX + 1] = {0};
    memcpy(name, text.bytes, text.length);
    if (strcmp(name, room) == 0) return MOVEX_OK;
    if (!r->takes_room || room[0])
        return movex_error_set(&r->cause, MOVEX_ERR_FINGERPRINT, "what is hidden in it is sealed in another room, ",
                               name, NULL);
    for (uint32_t i = 0; i < master->rules_count; i++)
        if (master->rules[i] == r->resource->rules) return movex_rules_seal(master->rules[i], name, &r->cause);
    return misplaced(r);
}

/* ---- resources: subscriptions */

static int take_subscribed(movex_recovery *r, const movex_journal_subscribed *record)
{
    movex_session *session;
    char           id[MOVEX_NAME_SIZE];
    if (!movex_recovery_take_name(record->id, id)) return misplaced(r);
    int status = need_session(r, record->session, id, false, &session);
    if (status != MOVEX_OK) return status;
    if (movex_map_get(&session->by_number, r->resource->number, NULL, NULL)) return misplaced(r);
    movex_subscription *subscription =
        movex_subscription_recover(r->master, session, r->resource, record->subscription, record->sequence);
    return subscription ? MOVEX_OK : out_of_memory(r);
}

static movex_subscription *subscription_of(const movex_recovery *r, uint64_t number, uint64_t serial)
{
    const movex_session *session = session_of(r, number);
    movex_subscription  *subscription =
        session ? movex_map_get(&session->by_number, r->resource->number, NULL, NULL) : NULL;
    return subscription && subscription->serial == serial ? subscription : NULL;
}

static int take_dispatch(movex_recovery *r, movex_journal_kind kind, const movex_journal_dispatch *record)
{
    movex_subscription *subscription = subscription_of(r, record->session, record->subscription);
    if (!subscription) return misplaced(r);
    if (kind == MOVEX_JOURNAL_UNSUBSCRIBED) {
        movex_session *session = subscription->session;
        bool           ended = record->with_session && session->number == record->session;
        movex_subscription_free(r->master, subscription);
        /* Its end may not have been durable where sessions are kept, nor what its other resources were told. */
        if (ended && !session->over && !session->unlisted) movex_session_lose(r->master, session);
        return MOVEX_OK;
    }
    if (kind == MOVEX_JOURNAL_REFUSED) {
        if (!movex_subscription_prepare(r->master, subscription)) return out_of_memory(r);
        movex_refused_remember(subscription, record->sequence, record->reason);
        return MOVEX_OK;
    }
    if (!movex_overturned_prepare(r->master, subscription)) return out_of_memory(r);
    movex_overturned_remember(subscription, record->sequence, record->reason);
    movex_overturned_at(subscription, subscription->overturned_count - 1)->revealed = record->revealed;
    return MOVEX_OK;
}

/* Dispatches between those that made entries were refused, for reasons that nobody remembers. */
static int pass_over(movex_recovery *r, movex_subscription *author, uint64_t sequence)
{
    if (sequence <= author->sequence) return misplaced(r);
    uint64_t most = r->master->config.limits.pending, first = author->sequence + 1;
    if (sequence - first > most) first = sequence - most; /* no client can ask for more */
    for (uint64_t passed = first; passed < sequence; passed++) {
        if (!movex_subscription_prepare(r->master, author)) return out_of_memory(r);
        movex_refused_remember(author, passed, MOVEX_REFUSED_BEFORE_RESTART);
    }
    author->sequence = sequence;
    return MOVEX_OK;
}

static int take_entry(movex_recovery *r, const movex_journal_entry *record)
{
    char                name[MOVEX_NAME_SIZE] = {0};
    movex_subscription *author = NULL;
    int                 status = MOVEX_OK;
    if (record->session) {
        author = subscription_of(r, record->session, record->subscription);
        if (!author) return misplaced(r);
        status = pass_over(r, author, record->sequence);
        movex_text_set(name, author->session->id);
    } else if (record->author.length && !movex_recovery_take_name(record->author, name)) {
        return misplaced(r);
    }
    if (status != MOVEX_OK) return status;
    return movex_master_resource_redo(r->master, r->resource, author, name, record, &r->cause);
}

static int take_step(movex_recovery *r, const movex_journal_step *record)
{
    char author[MOVEX_NAME_SIZE] = {0};
    if (record->kind == MOVEX_JOURNAL_OPENING && !movex_recovery_take_name(record->author, author)) return misplaced(r);
    return movex_round_redo(r->master, r->resource, author, record, &r->cause);
}

/* What a file consists of, in this order. A snapshot is written at once, and SUBSCRIBED may also come after it. */
enum {
    PART_RESOURCE,
    PART_STATE,
    PART_ROOM,
    PART_HIDING,
    PART_HIDER,
    PART_FULL,
    PART_PAIR,
    PART_REVEALED,
    PART_FORFEITED,
    PART_SEALED,
    PART_SUBSCRIBED,
    PART_SINCE
};

static uint8_t part_of(const movex_recovery *r, movex_journal_kind kind)
{
    switch (kind) {
    case MOVEX_JOURNAL_RESOURCE: return PART_RESOURCE;
    case MOVEX_JOURNAL_STATE: return r->records == 1 ? PART_STATE : PART_SINCE;
    case MOVEX_JOURNAL_HIDING: return PART_HIDING;
    case MOVEX_JOURNAL_HIDER: return PART_HIDER;
    case MOVEX_JOURNAL_FULL: return PART_FULL;
    case MOVEX_JOURNAL_PAIR: return PART_PAIR;
    case MOVEX_JOURNAL_REVEALED: return PART_REVEALED;
    case MOVEX_JOURNAL_ROOM: return PART_ROOM;
    case MOVEX_JOURNAL_FORFEITED: return PART_FORFEITED;
    case MOVEX_JOURNAL_SEALED: return PART_SEALED;
    case MOVEX_JOURNAL_SUBSCRIBED: return r->part == PART_SINCE ? PART_SINCE : PART_SUBSCRIBED;
    case MOVEX_JOURNAL_REFUSED:
    case MOVEX_JOURNAL_OVERTURNED: return PART_SUBSCRIBED;
    default: return PART_SINCE;
    }
}

static int follow_parts(movex_recovery *r, movex_journal_kind kind)
{
    uint8_t part = part_of(r, kind);
    bool    once = part <= PART_HIDING || part == PART_FULL || part == PART_SEALED;
    if (r->records > 0 && (part < r->part || (once && part == r->part))) return misplaced(r);
    if (part >= PART_REVEALED && r->part < PART_REVEALED && !movex_hidden_is_sound(r->resource)) return misplaced(r);
    r->part = part;
    return MOVEX_OK;
}

static int take_resource_record(movex_recovery *r, const movex_journal_record *record)
{
    if (r->skipped) return MOVEX_OK;
    bool first = r->records == 0, second = r->records == 1;
    if ((record->kind == MOVEX_JOURNAL_RESOURCE) != first) return misplaced(r);
    if (second && record->kind != MOVEX_JOURNAL_STATE) return misplaced(r);
    if (follow_parts(r, record->kind) != MOVEX_OK) return r->cause.status;
    switch (record->kind) {
    case MOVEX_JOURNAL_RESOURCE: return take_resource(r, &record->of.resource);
    case MOVEX_JOURNAL_STATE: return take_state(r, &record->of.state);
    case MOVEX_JOURNAL_ENTRY: return take_entry(r, &record->of.entry);
    case MOVEX_JOURNAL_SUBSCRIBED: return take_subscribed(r, &record->of.subscribed);
    case MOVEX_JOURNAL_UNSUBSCRIBED:
    case MOVEX_JOURNAL_REFUSED:
    case MOVEX_JOURNAL_OVERTURNED: return take_dispatch(r, record->kind, &record->of.dispatch);
    case MOVEX_JOURNAL_HIDING: return take_hiding(r, &record->of.hiding);
    case MOVEX_JOURNAL_HIDER: return take_hider(r, &record->of.hider, false);
    case MOVEX_JOURNAL_FULL: return take_hider(r, &record->of.hider, true);
    case MOVEX_JOURNAL_PAIR: return take_pair(r, &record->of.pair);
    case MOVEX_JOURNAL_REVEALED: return take_revealed(r, &record->of.revealed);
    case MOVEX_JOURNAL_ROOM: return take_room(r, record->of.room);
    case MOVEX_JOURNAL_FORFEITED: return take_forfeited(r, &record->of.forfeited);
    case MOVEX_JOURNAL_SEALED: return take_sealed(r, record->of.sealed);
    case MOVEX_JOURNAL_CLOSING:
    case MOVEX_JOURNAL_OPENING:
    case MOVEX_JOURNAL_DEADLINE: return take_step(r, &record->of.step);
    default: return misplaced(r);
    }
}

/* ---- files */

void movex_recovery_open(movex_recovery *r, movex_store store, movex_store_file file, uint64_t seed,
                         const movex_allocator *allocator)
{
    r->scan = movex_record_scan_from(store, file, 0, seed, MOST_PAYLOAD, allocator);
    r->resource = NULL;
    r->skipped = false;
    r->part = 0;
    r->records = r->at = 0;
}

int movex_recovery_read(movex_recovery *r, movex_journal_record *record)
{
    r->at = r->scan.offset;
    r->version = r->resource ? r->resource->log.version : 0;
    if (movex_record_scan_next(&r->scan, &r->payload, &r->length) != MOVEX_RECORD_WHOLE) return MOVEX_ERR_AGAIN;
    if (movex_journal_read(r->payload, r->length, record)) return MOVEX_OK;
    return movex_error_set(&r->cause, MOVEX_ERR_DAMAGED, "a record of no known form", NULL);
}

int movex_recovery_take(movex_recovery *r, const movex_journal_record *record)
{
    bool sessions = movex_keep_is_sessions(r->name.bytes, r->name.length);
    int  status = sessions ? take_sessions_record(r, record) : take_resource_record(r, record);
    r->records++;
    return status;
}

int movex_recovery_end(movex_recovery *r)
{
    uint64_t beyond;
    char     text[96];
    if (r->scan.state == MOVEX_RECORD_END && r->records != 1) return MOVEX_OK;
    if (r->scan.state == MOVEX_RECORD_TOO_LONG)
        return movex_error_set(&r->cause, MOVEX_ERR_DAMAGED, movex_record_state_text(r->scan.state), NULL);
    if (movex_record_scan_beyond(&r->scan, &beyond)) {
        movex_format format = movex_format_into(text, sizeof text);
        movex_format_text(&format, "a record is damaged, and whole ones follow it, from byte ");
        movex_format_unsigned(&format, beyond);
        movex_format_text(&format, " on");
        return movex_error_set(&r->cause, MOVEX_ERR_DAMAGED, text, NULL);
    }
    if (r->scan.state == MOVEX_RECORD_UNREADABLE)
        return movex_error_set(&r->cause, (movex_status)r->scan.status, movex_status_text(r->scan.status), NULL);
    if (r->records < FIRST_RECORDS) /* they are written together: no crash leaves one of them alone */
        return movex_error_set(&r->cause, MOVEX_ERR_DAMAGED, "its beginning is damaged", NULL);
    return MOVEX_OK;
}

int movex_recovery_check(movex_recovery *r)
{
    if (!r->resource || movex_hidden_is_sound(r->resource)) return MOVEX_OK;
    return movex_error_set(&r->cause, MOVEX_ERR_DAMAGED, "what is hidden is not whole", NULL);
}

int movex_recovery_fail(const movex_recovery *r, const char *before, movex_error *error)
{
    char         where[MOVEX_ERROR_TEXT_SIZE], after[48];
    movex_format format = movex_format_into(where, sizeof where);
    movex_format_text(&format, before);
    for (size_t i = 0; i < r->name.length; i++) {
        char letter = (char)r->name.bytes[i];
        movex_format_bytes(&format, letter == 0x1f ? ":" : &letter, 1);
    }
    movex_format_text(&format, ", byte ");
    movex_format_unsigned(&format, r->at);
    movex_format_text(&format, ": ");
    format = movex_format_into(after, sizeof after);
    movex_format_text(&format, " (after version ");
    movex_format_unsigned(&format, r->version);
    movex_format_text(&format, ")");
    return movex_error_set(error, r->cause.status, where, r->cause.text, r->resource ? after : NULL, NULL);
}

void movex_recovery_close(movex_recovery *r)
{
    movex_record_scan_end(&r->scan);
}
