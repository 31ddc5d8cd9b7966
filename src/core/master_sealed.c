/* Sealed pairs on the master: rounds (sealed.h) are begun and kept up to date as entries are ordered, closed when it is time, opened by
   their authors or by the deadline, and revealed. The master knows no more than everybody else. */
#include "master_internal.h"
#include "master_keep.h"

#include "format.h"
#include "hash.h"

#include <movex/text.h>

enum { DEFAULT_SEAL_MS = 10000 };

/* When something is to be done about it. */
static void schedule(movex_master *master, movex_master_resource *resource)
{
    const movex_sealed *sealed = resource->sealed;
    if (sealed->closing)
        movex_heap_set(&master->seals, &resource->alarm->seal, sealed->deadline_ms);
    else if (sealed->due)
        movex_heap_set(&master->seals, &resource->alarm->seal, 0);
    else
        movex_heap_remove(&master->seals, &resource->alarm->seal);
}

/* ---- making, growing, ending */

bool movex_round_make(movex_master *master, movex_master_resource *resource)
{
    if (resource->sealed) return true;
    resource->sealed = movex_allocate(&master->allocator, sizeof *resource->sealed);
    if (resource->sealed) movex_sealed_init(resource->sealed, resource->rules, resource->id);
    return resource->sealed != NULL;
}

static void release(movex_master *master, movex_master_resource *resource)
{
    movex_sealed *sealed = resource->sealed;
    for (uint32_t i = 0; i < sealed->author_count; i++)
        if (sealed->authors[i].session) movex_session_reveal(master, sealed->authors[i].session);
    movex_sealed_end(sealed);
    schedule(master, resource);
}

void movex_round_drop(movex_master *master, movex_master_resource *resource)
{
    if (resource->sealed) release(master, resource);
}

void movex_round_free(movex_master *master, movex_master_resource *resource)
{
    if (!resource->sealed) return;
    release(master, resource);
    movex_sealed_free(resource->sealed, &master->allocator);
    movex_release(&master->allocator, resource->sealed, sizeof *resource->sealed);
    resource->sealed = NULL;
}

/* Room to remember whose entries a reveal is about. */
static bool reserve_names(movex_master *master, movex_master_resource *resource)
{
    movex_hidden *hidden = movex_hidden_recover(master, resource);
    return hidden && movex_grow(&master->allocator, &hidden->last.pairs, &hidden->last.pair_capacity,
                                sizeof *hidden->last.pairs, resource->sealed->sealed_count + 1, 4);
}

bool movex_round_reserve(movex_master *master, movex_master_resource *resource, movex_subscription *author,
                         const movex_deed *deed)
{
    movex_sealed *sealed = resource->sealed;
    if (!deed->commitment && !movex_sealed_is_open(sealed)) return true;
    if (author && !movex_overturned_reserve(master, author, sealed->count + 1)) return false;
    return movex_sealed_reserve(sealed, &master->allocator, deed->shown.encoded.length) &&
           reserve_names(master, resource);
}

static bool has_room(const movex_master *master, const movex_sealed *sealed, bool own, const movex_deed *deed)
{
    const movex_limits *limits = &master->config.limits;
    uint64_t            factor = own ? 2 : 1;
    size_t              claim = movex_sealed_claim(sealed, deed->shown.encoded.length, deed->commitment != NULL);
    return sealed->count < factor * limits->sealed && sealed->claimed + claim <= factor * limits->sealed_bytes;
}

int movex_round_prepare(movex_master *master, movex_master_resource *resource, movex_subscription *author,
                        const movex_deed *deed)
{
    movex_sealed *sealed = resource->sealed;
    bool          open = movex_sealed_is_open(sealed);
    if (!deed->commitment && !open) return MOVEX_ACCEPT;
    if (!master->recovering && !has_room(master, sealed, !author, deed)) return MOVEX_REFUSED_TOO_MANY_SEALED;
    /* A client's has its room already, or its link would have been closed for the lack of memory. */
    if (!movex_round_reserve(master, resource, author, deed)) return MOVEX_REFUSED_TOO_MANY_SEALED;
    if (!open) movex_sealed_begin(sealed, &resource->view, resource->log.version, resource->log.now_ms);
    return MOVEX_ACCEPT;
}

/* Some action may be hidden as that one. */
static bool may_be_shown(const movex_rules *rules, uint32_t action)
{
    for (uint32_t i = 0; i < rules->type->action_count; i++)
        if (rules->hidden_as[i] == action) return true;
    return false;
}

int movex_round_may_seal(const movex_master *master, const movex_subscription *author, uint64_t revealed,
                         uint32_t shown_action)
{
    const movex_master_resource *resource = author->resource;
    const movex_sealed          *sealed = resource->sealed;
    const movex_limits          *limits = &master->config.limits;
    const movex_sealed_author   *who = movex_sealed_author_of(sealed, author->session->id);
    uint32_t                     authors = 0;
    if (!may_be_shown(resource->rules, shown_action)) return MOVEX_REFUSED_PAIR;
    if (revealed != resource->revealed || sealed->due) return MOVEX_REFUSED_OVERTAKEN;
    for (uint32_t i = 0; i < sealed->author_count; i++) authors += sealed->authors[i].sealed > 0;
    bool many = who ? who->sealed >= limits->hidden : authors >= limits->hiders;
    return many ? MOVEX_REFUSED_TOO_MANY_HIDDEN : MOVEX_ACCEPT;
}

void movex_round_note(movex_master *master, movex_master_resource *resource, const movex_subscription *author,
                      uint64_t sequence, movex_deed *deed, const movex_context *context)
{
    movex_sealed *sealed = resource->sealed;
    if (!deed->commitment && !movex_sealed_is_open(sealed)) return;
    movex_sealed_entry entry = {
        .version = context->version,
        .now_ms = context->now_ms,
        .seed = deed->shown.seed,
        .session = author ? author->session->number : 0,
        .subscription = author ? author->serial : 0,
        .sequence = sequence,
        .action = deed->shown.action,
        .sealed = deed->commitment != NULL,
    };
    deed->shown.drew = true; /* in the end it may: so everybody has its seed */
    if (deed->commitment) memcpy(entry.commitment, deed->commitment, MOVEX_COMMITMENT_SIZE);
    const movex_sealed_entry *kept = movex_sealed_add(sealed, &entry, context->author, deed->shown.encoded);
    movex_sealed_author      *who = &sealed->authors[kept->author];
    if (deed->commitment && !who->session) {
        who->session = author->session;
        author->session->hiding++;
    }
    movex_sealed_look(sealed, resource->view.state);
    schedule(master, resource);
}

/* ---- the reveal */

/* The subscription of a dispatch, if it is still there. */
static movex_subscription *find_subscription(const movex_master_resource *resource, const movex_sealed_entry *entry)
{
    for (uint32_t i = 0; entry->session && i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        bool same = other && other->session->number == entry->session && other->serial == entry->subscription;
        if (same) return other;
    }
    return NULL;
}

static void remember(movex_master *master, movex_master_resource *resource, const movex_sealed_entry *entry)
{
    movex_sealed       *sealed = resource->sealed;
    movex_disclosure   *last = &resource->hidden->last;
    int                 reason = entry->sealed && entry->reason != MOVEX_ACCEPT ? entry->reason : entry->answer;
    movex_subscription *author = reason != MOVEX_ACCEPT ? find_subscription(resource, entry) : NULL;
    if (author && movex_overturned_reserve(master, author, 1))
        movex_overturned_remember(author, entry->sequence, reason);
    if (!entry->sealed) return;
    movex_pair *pair = &last->pairs[last->pair_count++];
    *pair = (movex_pair){.version = entry->version, .session = entry->session, .forfeit = entry->reason};
    movex_text_set(pair->author, sealed->authors[entry->author].id);
}

static void reveal(movex_master *master, movex_master_resource *resource, uint64_t version)
{
    movex_sealed *sealed = resource->sealed;
    resource->hidden->last.pair_count = 0;
    master->stats.forfeits += movex_sealed_reveal(sealed, master->payload);
    master->stats.reveals++;
    movex_view_take(&resource->view, sealed->work.state);
    for (uint32_t i = 0; i < sealed->count; i++) remember(master, resource, &sealed->entries[i]);
    resource->revealed = version;
    movex_overturned_reveal(resource, version);
}

/* ---- steps: entries without an action */

static void observe(movex_master *master, const movex_master_resource *resource, const char *author,
                    const movex_sealed_step_message *step, uint64_t now_ms)
{
    const movex_observer *observer = &master->config.observer;
    if (!observer->ordered || master->recovering) return;
    uint64_t digest = movex_xxh64_number(movex_xxh64_number(step->kind, step->version), now_ms);
    digest = movex_xxh64(author, strlen(author), digest);
    digest = movex_xxh64(step->records.bytes.bytes, step->records.bytes.length, digest);
    const movex_ordered ordered = {
        .type = resource->rules->type,
        .id = resource->id,
        .version = step->version,
        .author = author,
        .unseals = true,
        .reveals = step->reveals,
        .digest = step->reveals ? movex_overturned_digest(resource, digest) : digest,
    };
    observer->ordered(observer->user, master, &ordered);
}

static void tell(movex_master *master, movex_master_resource *resource, const movex_sealed_step_message *step)
{
    movex_writer writer = {NULL, NULL};
    bool         written = false;
    movex_master_make_way(master, resource);
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (!other || !other->live) continue;
        if (!written) writer = movex_master_message(master, MOVEX_NAME_SIZE + step->records.bytes.length);
        if (!written && writer.at) movex_write_sealed_step(&writer, step);
        written = true;
        if (writer.at)
            movex_master_send(master, other->session->link, &writer);
        else
            movex_master_fail(master, other->session->link, MOVEX_ERR_MEMORY);
    }
    for (uint32_t i = 0; step->reveals && i < resource->company->slots; i++) {
        movex_subscription *other = resource->company->subscribers[i];
        if (other && other->live) movex_overturned_tell(master, other);
    }
}

/* Makes the next version of the log; `step` has its kind, author and records. There is room for it in the store. */
static void log_step(movex_master *master, movex_master_resource *resource, const char *author,
                     movex_sealed_step_message *step, uint64_t now_ms)
{
    movex_sealed *sealed = resource->sealed;
    if (now_ms < resource->log.now_ms) now_ms = resource->log.now_ms;
    step->number = resource->number;
    step->version = resource->log.version + 1;
    step->elapsed_ms = now_ms - resource->log.now_ms;
    if (step->kind == MOVEX_MESSAGE_CLOSING) movex_sealed_close(sealed, step->version, step->deadline_ms);
    if (step->reveals) reveal(master, resource, step->version);
    step->checksum = resource->view.hashes.checksum;
    const movex_entry entry = {
        .now_ms = now_ms,
        .checksum = step->checksum,
        .action = MOVEX_NO_ACTION,
        .seals = true,
        .reveals = step->reveals,
    };
    movex_log_append(&resource->log, &master->allocator, &entry, "", NULL, NULL);
    movex_keep_step(master, resource, author, step);
    movex_master_resource_schedule(master, resource);
    tell(master, resource, step);
    if (step->reveals)
        release(master, resource);
    else
        schedule(master, resource);
    observe(master, resource, author, step, now_ms);
}

static uint64_t deadline_of(const movex_master *master, const movex_master_resource *resource, uint64_t now_ms)
{
    uint64_t seal_ms = resource->rules->type->seal_ms;
    if (!seal_ms) seal_ms = master->config.seal_ms ? master->config.seal_ms : DEFAULT_SEAL_MS;
    return (now_ms < resource->log.now_ms ? resource->log.now_ms : now_ms) + seal_ms;
}

static void pass(movex_master *master, movex_master_resource *resource)
{
    movex_sealed             *sealed = resource->sealed;
    uint64_t                  now_ms = movex_master_time(master);
    movex_sealed_step_message closing = {.kind = MOVEX_MESSAGE_CLOSING};
    movex_sealed_step_message deadline = {.kind = MOVEX_MESSAGE_DEADLINE, .reveals = true};
    if (sealed->closing) {
        log_step(master, resource, "", &deadline, sealed->deadline_ms);
        return;
    }
    closing.deadline_ms = deadline_of(master, resource, now_ms);
    log_step(master, resource, "", &closing, now_ms);
}

void movex_round_pass(movex_master *master)
{
    uint64_t now_ms = movex_master_time(master);
    for (movex_heap_item *item; (item = movex_heap_first(&master->seals)) != NULL && item->due <= now_ms;) {
        if (!movex_keep_reserve(master, 1, 0)) return; /* when it can be kept */
        pass(master, movex_master_resource_of_seal(item));
    }
}

int movex_round_open(movex_master *master, movex_session *session, movex_reader *reader, movex_error *error)
{
    movex_open_message message;
    movex_error        cause;
    uint64_t           fault;
    void *const        payloads[2] = {master->payload, master->shown_payload};
    if (!movex_read_open(reader, &message))
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "OPEN: truncated, or not of its form", NULL);
    const movex_subscription *author = movex_map_get(&session->by_number, message.number, NULL, NULL);
    movex_master_resource    *resource = author ? author->resource : NULL;
    movex_sealed             *sealed = resource ? resource->sealed : NULL;
    /* It may have been removed meanwhile, or the time is over, or it comes again after a lost connection. */
    if (!sealed || !sealed->closing || sealed->closing != message.closing) return MOVEX_OK;
    const movex_sealed_author *who = movex_sealed_author_of(sealed, session->id);
    if (!who || who->opened || who->session != session) return MOVEX_OK;
    if (movex_sealed_check_opening(sealed, session->id, &message.records, master->payload, &cause) != MOVEX_OK)
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "OPEN: ", cause.text, NULL);
    if (!movex_keep_reserve(master, 1, message.records.bytes.length))
        return movex_error_set(error, MOVEX_ERR_STORE, "OPEN: ", movex_status_text(MOVEX_ERR_STORE), NULL);
    if (!movex_sealed_take_opening(sealed, &master->allocator, session->id, &message.records, payloads, &fault))
        return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    movex_sealed_step_message step = {
        .kind = MOVEX_MESSAGE_OPENING,
        .author = {session->id, (uint32_t)strlen(session->id)},
        .records = message.records,
        .reveals = movex_sealed_is_opened(sealed),
    };
    log_step(master, resource, session->id, &step, movex_master_time(master));
    return MOVEX_OK;
}

/* ---- what a journal has kept */

static int does_not_fit(movex_error *error)
{
    return movex_error_set(error, MOVEX_ERR_DAMAGED, "it does not belong to what is sealed", NULL);
}

static int redo_opening(movex_master *master, movex_master_resource *resource, const char *author,
                        const movex_journal_step *recorded, movex_error *error)
{
    movex_sealed *sealed = resource->sealed;
    void *const   payloads[2] = {master->payload, master->shown_payload};
    uint64_t      fault;
    if (movex_sealed_check_opening(sealed, author, &recorded->records, master->payload, error) != MOVEX_OK)
        return does_not_fit(error);
    if (movex_sealed_take_opening(sealed, &master->allocator, author, &recorded->records, payloads, &fault))
        return MOVEX_OK;
    return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
}

int movex_round_redo(movex_master *master, movex_master_resource *resource, const char *author,
                     const movex_journal_step *recorded, movex_error *error)
{
    movex_sealed *sealed = resource->sealed;
    if (!sealed || !sealed->due) return does_not_fit(error);
    movex_sealed_step_message step = {
        .kind = recorded->kind == MOVEX_JOURNAL_CLOSING   ? MOVEX_MESSAGE_CLOSING
                : recorded->kind == MOVEX_JOURNAL_OPENING ? MOVEX_MESSAGE_OPENING
                                                          : MOVEX_MESSAGE_DEADLINE,
        .deadline_ms = recorded->deadline_ms,
        .author = {author, (uint32_t)strlen(author)},
        .records = recorded->records,
    };
    step.reveals = step.kind == MOVEX_MESSAGE_DEADLINE;
    if ((sealed->closing == 0) != (step.kind == MOVEX_MESSAGE_CLOSING)) return does_not_fit(error);
    if (step.kind == MOVEX_MESSAGE_OPENING) {
        int status = redo_opening(master, resource, author, recorded, error);
        if (status != MOVEX_OK) return status;
        step.reveals = movex_sealed_is_opened(sealed);
    }
    log_step(master, resource, author, &step, resource->log.now_ms + recorded->elapsed_ms);
    if (step.checksum == recorded->checksum) return MOVEX_OK;
    return movex_error_set(error, MOVEX_ERR_INVALID_STATE, "the reducer makes another state of what was sealed now",
                           NULL);
}

int movex_round_recover(movex_master *master, movex_master_resource *resource, movex_wire_bytes bytes,
                        movex_error *error)
{
    void *const payloads[2] = {master->payload, master->shown_payload};
    if (!resource->rules->sealed) return does_not_fit(error);
    if (!movex_round_make(master, resource) || !reserve_names(master, resource))
        return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    movex_sealed *sealed = resource->sealed;
    int           status =
        movex_sealed_read(sealed, &master->allocator, bytes, true, resource->log.version, UINT32_MAX, payloads, error);
    if (status == MOVEX_ERR_MALFORMED) return error->status = MOVEX_ERR_DAMAGED;
    if (status != MOVEX_OK) return status;
    if (!movex_grow(&master->allocator, &resource->hidden->last.pairs, &resource->hidden->last.pair_capacity,
                    sizeof *resource->hidden->last.pairs, sealed->sealed_count, 4))
        return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    bool sound = movex_sealed_verify(sealed, master->payload) &&
                 movex_codec_equal(resource->rules->state, sealed->work.state, resource->view.state);
    if (!sound) return does_not_fit(error);
    schedule(master, resource);
    return MOVEX_OK;
}

void movex_round_check(const movex_master_resource *resource)
{
    const movex_sealed *sealed = resource->sealed;
    if (!sealed) return;
    movex_sealed_check(sealed);
    for (uint32_t i = 0; i < sealed->author_count; i++)
        assert((sealed->authors[i].session != NULL) == (sealed->authors[i].sealed > 0));
    assert((resource->alarm->seal.place != 0) == sealed->due);
}
