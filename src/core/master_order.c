/* Ordering: dispatches of clients, and what the master dispatches by itself, become the entries of a resource's log. */
#include "master_internal.h"
#include "master_keep.h"

#include "format.h"
#include "hash.h"

/* Where an action comes from. */
typedef struct origin {
    movex_subscription *subscription; /* whose dispatch it answers; NULL: nobody's */
    const char         *author;       /* a client's id, or "" for the master itself */
    uint64_t            sequence;     /* of the dispatch */
} origin;

/* ---- ordering */

enum { HALF_SHOWN, HALF_HIDDEN };

/* The key of a resource's seeds. A resource is its name and its number: one that is made anew under the name of another draws
   other values. */
static movex_sip_key seed_key_of(const movex_master *master, const movex_master_resource *resource)
{
    unsigned char bytes[10 + 2 * MOVEX_NAME_SIZE];
    movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_u8(&writer, 0);
    movex_write_u64(&writer, resource->number);
    movex_write_bytes(&writer, resource->rules->type->name, strlen(resource->rules->type->name));
    movex_write_u8(&writer, ':');
    movex_write_bytes(&writer, resource->id, strlen(resource->id));
    movex_sip_key key;
    key.k0 = movex_siphash(master->seed_key, bytes, (size_t)(writer.at - bytes));
    bytes[0] = 1;
    key.k1 = movex_siphash(master->seed_key, bytes, (size_t)(writer.at - bytes));
    return key;
}

/* The seed of one half of the entry that makes `version`: a keyed one-way function of the resource, the version and the half,
   so that nobody can tell it beforehand, nor one half's from the other's, and a change to the type's description does not
   change it. The first step of it is the same for all of a resource, and done once. */
static uint64_t seed_of(const movex_master *master, const movex_master_resource *resource, uint64_t version,
                        uint8_t half)
{
    unsigned char  bytes[8];
    movex_company *company = resource->company;
    movex_sip_key  key = company->seed_key;
    if (company->seed_key_for != resource->number) {
        key = seed_key_of(master, resource);
        if (company != &master->nobody) {
            company->seed_key = key;
            company->seed_key_for = resource->number;
        }
    }
    movex_store_u64(bytes, version << 1 | half);
    return movex_siphash(key, bytes, sizeof bytes);
}

static bool is_masters_own(const movex_master_resource *resource, const movex_half *half)
{
    return resource->rules->type->actions[half->action].flags & MOVEX_MASTER_ONLY;
}

/* What everybody may know of a payload. */
static movex_wire_bytes public_payload(const movex_master_resource *resource, const movex_half *half)
{
    return is_masters_own(resource, half) ? (movex_wire_bytes){"", 0} : half->encoded;
}

static bool is_observed(const movex_master *master)
{
    return master->config.observer.ordered && !master->recovering;
}

static void observe(movex_master *master, const movex_ordered *ordered)
{
    if (is_observed(master)) master->config.observer.ordered(master->config.observer.user, master, ordered);
}

static uint64_t digest_of(const movex_master_resource *resource, const movex_telling *telling, uint64_t now_ms)
{
    const movex_entry_message *entry = &telling->entry;
    unsigned char              bytes[24];
    movex_writer               writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_u64(&writer, entry->version);
    movex_write_u64(&writer, now_ms);
    movex_write_u64(&writer, entry->action);
    uint64_t digest = movex_xxh64(bytes, sizeof bytes, 0);
    digest = movex_xxh64(telling->name, strlen(telling->name), digest);
    digest = movex_xxh64(entry->payload.bytes, entry->payload.length, digest);
    return telling->reveal ? movex_reveal_digest(resource, digest) : digest;
}

void movex_master_observe_put(movex_master *master, const movex_master_resource *resource)
{
    const movex_ordered ordered = {
        .type = resource->rules->type,
        .id = resource->id,
        .version = resource->log.version,
        .author = "",
        .replaced = true,
    };
    observe(master, &ordered);
}

/* The entry as the log keeps it, and as all are told of it. */
static void append(movex_master *master, movex_master_resource *resource, const movex_telling *telling,
                   const movex_context *context)
{
    const movex_entry_message *message = &telling->entry;
    const movex_reveal        *reveal = telling->reveal;
    const movex_entry          entry = {
                 .session = telling->author ? telling->author->session->number : 0,
                 .subscription = telling->author ? telling->author->serial : 0,
                 .sequence = message->sequence,
                 .now_ms = context->now_ms,
                 .checksum = resource->view.hashes.checksum,
                 .seed = telling->deed->shown.seed,
                 .reveals_from = reveal ? reveal->from : 0,
                 .action = message->action,
                 .drew = telling->drew,
                 .hides = telling->deed->hides,
                 .reveals = reveal != NULL,
                 .seals = telling->deed->commitment != NULL,
                 .author_length = (uint8_t)strlen(telling->name),
                 .payload_length = (uint32_t)message->payload.length,
                 .reveal_count = reveal ? (uint32_t)reveal->halves.count : 0,
                 .reveal_length = reveal ? (uint32_t)reveal->halves.bytes.length : 0,
    };
    movex_log_append(&resource->log, &master->allocator, &entry, telling->name, message->payload.bytes,
                     reveal ? reveal->halves.bytes.bytes : NULL);
}

static movex_ordered describe(const movex_master_resource *resource, const movex_telling *telling,
                              const movex_context *context)
{
    return (movex_ordered){
        .type = resource->rules->type,
        .id = resource->id,
        .version = context->version,
        .author = telling->name,
        .action = telling->entry.action,
        .hides = (telling->deed->hides && !telling->reveal) || telling->deed->commitment,
        .reveals = telling->reveal != NULL,
        .commitment = telling->deed->commitment,
        .digest = digest_of(resource, telling, context->now_ms),
    };
}

/* The deed is done in all views: it is logged, what it reveals is revealed, and everybody is told. */
static void publish(movex_master *master, movex_master_resource *resource, movex_telling *telling,
                    const movex_context *context)
{
    movex_reveal reveal;
    if (movex_reveal_is_due(resource)) {
        reveal = movex_reveal_start(master, resource, context->version);
        telling->reveal = &reveal;
    }
    telling->entry.elapsed_ms = context->now_ms - resource->log.now_ms;
    append(master, resource, telling, context);
    movex_keep_entry(master, resource, telling);
    movex_master_resource_schedule(master, resource);
    movex_master_tell(master, resource, telling);
    movex_ordered ordered;
    if (is_observed(master)) ordered = describe(resource, telling, context); /* with what is forgotten now */
    if (telling->reveal) movex_hidden_end(master, resource);
    if (is_observed(master)) observe(master, &ordered);
}

/* Makes the next entry of the log, if the author's view accepts: MOVEX_ACCEPT, or why not. Cannot fail otherwise. */
static int order(movex_master *master, movex_master_resource *resource, const origin *from, movex_deed *deed,
                 uint64_t now_ms)
{
    uint64_t      version = resource->log.version + 1, before_ms = resource->log.now_ms;
    movex_context context = {
        .author = from->author, .version = version, .now_ms = now_ms < before_ms ? before_ms : now_ms};
    if (!deed->replayed) deed->shown.seed = seed_of(master, resource, version, HALF_SHOWN);
    if (deed->hides && !deed->replayed) deed->hidden.seed = seed_of(master, resource, version, HALF_HIDDEN);

    movex_hider *hider = from->subscription ? from->subscription->hider : NULL;
    movex_half  *half = deed->hides ? &deed->hidden : &deed->shown;
    bool         drew;
    int answer = resource->sealed ? movex_round_prepare(master, resource, from->subscription, deed) : MOVEX_ACCEPT;
    if (answer != MOVEX_ACCEPT) return answer;
    answer = movex_hidden_apply(master, hider ? &hider->view : &resource->view, half, &context, &drew);
    if (answer != MOVEX_ACCEPT) return answer;
    if (hider) {
        hider->drew = drew;
        hider->answer = answer;
    }
    movex_hidden_spread(master, resource, from->subscription, from->sequence, deed, &context, &drew);
    if (resource->rules->patched) {
        if (hider) movex_audience_part(master, from->subscription);
        movex_audience_compute(master, resource, hider, deed, &context);
    }
    if (resource->sealed) {
        movex_round_note(master, resource, from->subscription, from->sequence, deed, &context);
        drew = deed->shown.drew;
    }
    movex_telling telling = {
        .entry = {.number = resource->number,
                  .version = version,
                  .sequence = from->sequence,
                  .action = deed->shown.action,
                  .payload = public_payload(resource, &deed->shown)},
        .author = from->subscription,
        .name = from->author,
        .deed = deed,
        .drew = drew,
    };
    publish(master, resource, &telling, &context);
    return MOVEX_ACCEPT;
}

/* One for each resource that is due now; what is due again after it waits for the next poll. */
void movex_master_wake(movex_master *master)
{
    uint64_t   now_ms = movex_master_time(master);
    movex_list woken = {0};
    for (movex_heap_item *item; (item = movex_heap_first(&master->wakes)) != NULL && item->due <= now_ms;) {
        movex_master_resource *resource = movex_master_resource_of_wake(item);
        movex_heap_remove(&master->wakes, item); /* if it is refused, it is asked again after the next version */
        movex_list_append(&woken, &resource->alarm->woken);
    }
    while (woken.first) {
        movex_master_resource *resource = movex_master_resource_of_woken(woken.first);
        const origin           from = {.author = ""};
        movex_deed             what = {.shown = {.action = resource->rules->wake, .encoded = {"", 0}}};
        movex_list_remove(&resource->alarm->woken);
        if (movex_keep_reserve(master, 1, 0))
            order(master, resource, &from, &what, resource->alarm->wake.due);
        else
            movex_heap_set(&master->wakes, &resource->alarm->wake, resource->alarm->wake.due); /* when it can be kept */
    }
}

void movex_master_resource_note(movex_master *master, movex_master_resource *resource, uint32_t action,
                                const char *author)
{
    const origin from = {.author = author};
    movex_deed   what = {.shown = {.action = action, .encoded = {"", 0}}};
    if (action != MOVEX_NO_ACTION && !resource->removing)
        order(master, resource, &from, &what, movex_master_time(master));
}

int movex_master_dispatch(movex_master *master, const movex_type *type, const char *id, uint32_t action,
                          const void *payload, int *reason)
{
    movex_master_resource *resource = movex_master_resource_named(master, type, id);
    if (!resource) return MOVEX_ERR_NOT_FOUND;
    if (action >= type->action_count) return MOVEX_ERR_ARGUMENT;
    const movex_codec *codec = resource->rules->payloads[action];
    int                status = movex_rules_take_payload(resource->rules, action, payload, master->payload, NULL);
    if (status != MOVEX_OK) return status;
    movex_half half = {.action = action, .payload = codec ? master->payload : NULL, .encoded = {"", 0}};
    if (codec) {
        size_t most = movex_codec_max_encoded(codec);
        master->encoded.length = 0;
        if (!movex_buffer_reserve(&master->encoded, &master->allocator, most)) return MOVEX_ERR_MEMORY;
        half.encoded.bytes = master->encoded.bytes;
        status = movex_codec_encode(codec, master->payload, master->encoded.bytes, most, &half.encoded.length, NULL);
        if (status != MOVEX_OK) return status;
    }
    if (!movex_keep_reserve(master, 1, half.encoded.length)) return MOVEX_ERR_STORE;
    const origin from = {.author = ""};
    movex_deed   what = {.shown = half};
    int          answer = order(master, resource, &from, &what, movex_master_time(master));
    if (reason) *reason = answer;
    return MOVEX_OK;
}

/* ---- dispatches of clients */

/* Decodes one half of a dispatch into `payload`. What is wrong with it is none of its author's doing in play: a broken or
   hostile client. */
static int decode_half(const movex_rules *rules, uint32_t action, movex_wire_bytes encoded, void *payload,
                       movex_half *half, movex_error *error)
{
    const movex_type *type = rules->type;
    if (action >= type->action_count)
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: type ", type->name, " has no such action", NULL);
    const char        *name = type->actions[action].name;
    const movex_codec *codec = rules->payloads[action];
    movex_error        cause;
    *half = (movex_half){.action = action, .payload = codec ? payload : NULL, .encoded = encoded};
    if (!codec && encoded.length == 0) return MOVEX_OK;
    if (!codec) return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: action ", name, " has no payload", NULL);
    if (movex_codec_decode(codec, payload, encoded.bytes, encoded.length, &cause) == MOVEX_OK) return MOVEX_OK;
    return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: payload of ", name, ": ", cause.text, NULL);
}

static bool is_honest(const movex_rules *rules, const movex_deed *deed)
{
    const movex_action hidden = {deed->hidden.action, deed->hidden.payload},
                       shown = {deed->shown.action, deed->shown.payload};
    return movex_rules_may_hide(rules, hidden.type, shown.type) && movex_rules_covers(rules, &hidden, &shown);
}

/* A checked dispatch: an entry, or a refusal that is remembered. */
static void finish(movex_master *master, movex_subscription *author, uint64_t sequence, int answer)
{
    author->sequence = sequence;
    if (answer == MOVEX_ACCEPT) {
        master->stats.accepted++;
    } else {
        master->stats.refused++;
        movex_subscription_refuse(master, author, sequence, answer);
    }
}

static int take(movex_master *master, movex_subscription *author, uint64_t sequence, movex_deed *deed)
{
    const origin from = {author, author->session->id, sequence};
    if (movex_rules_is_reserved(author->resource->rules, deed->shown.action)) return MOVEX_REFUSED_RESERVED;
    if (!movex_keep_reserve(master, 1, deed->shown.encoded.length + deed->hidden.encoded.length))
        return MOVEX_REFUSED_NOT_KEPT;
    author->sequence = sequence; /* a snapshot that is sent meanwhile includes it */
    return order(master, author->resource, &from, deed, movex_master_time(master));
}

/* MOVEX_OK with what it was refused for, or accepted; or MOVEX_ERR_MEMORY. */
static int take_private(movex_master *master, movex_subscription *author, uint64_t revealed, uint64_t sequence,
                        movex_deed *deed, int *answer)
{
    movex_master_resource *resource = author->resource;
    *answer = MOVEX_REFUSED_PAIR;
    if (!is_honest(resource->rules, deed)) return MOVEX_OK;
    *answer = MOVEX_REFUSED_OVERTAKEN;
    if (revealed != resource->revealed) return MOVEX_OK;
    *answer = MOVEX_REFUSED_TOO_MANY_HIDDEN;
    int status = movex_hidden_prepare(master, author, deed->hidden.encoded.length);
    if (status != MOVEX_OK) return status == MOVEX_ERR_LIMIT ? MOVEX_OK : status;
    *answer = take(master, author, sequence, deed);
    if (*answer != MOVEX_ACCEPT) movex_hidden_withdraw(master, author);
    return MOVEX_OK;
}

static void refuse_stranger(movex_master *master, movex_session *session, uint32_t number, uint64_t sequence)
{
    movex_outcome_message outcome = {number, sequence, MOVEX_REFUSED_NOT_BOUND};
    movex_writer          writer;
    master->stats.refused++;
    if (!movex_master_begin(master, session->link, 0, &writer)) return;
    movex_write_outcome(&writer, &outcome);
    movex_master_send(master, session->link, &writer);
}

/* The subscription of a dispatch that is to be handled; NULL with MOVEX_OK if it has been answered, or with what is wrong. */
static movex_subscription *accept(movex_master *master, movex_session *session, uint32_t number, uint64_t sequence,
                                  int *status, movex_error *error)
{
    movex_subscription *subscription = movex_map_get(&session->by_number, number, NULL, NULL);
    master->stats.actions++;
    *status = MOVEX_OK;
    if (!subscription || !(subscription->live || subscription->owed.list)) {
        /* No attack, if the resource was removed meanwhile. */
        refuse_stranger(master, session, number, sequence);
        return NULL;
    }
    if (sequence && sequence <= subscription->sequence) {
        movex_subscription_repeat(master, subscription, sequence);
        return NULL;
    }
    if (sequence == subscription->sequence + 1) return subscription;
    *status =
        movex_error_set(error, MOVEX_ERR_PROTOCOL, "DISPATCH: a sequence that does not follow the one before", NULL);
    return NULL;
}

/* Whatever becomes of the dispatch can be remembered. False if there is no memory. */
static bool prepare(movex_master *master, movex_subscription *author, const movex_deed *deed)
{
    movex_master_resource *resource = author->resource;
    bool                   may_be_overturned = deed->hides || movex_hidden_count(resource) > 0;
    return movex_subscription_prepare(master, author) &&
           (!may_be_overturned || movex_overturned_prepare(master, author)) &&
           (!resource->sealed || movex_round_reserve(master, resource, author, deed));
}

static int out_of_memory(movex_error *error)
{
    return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
}

int movex_master_resource_dispatch(movex_master *master, movex_session *session, movex_reader *reader,
                                   movex_error *error)
{
    movex_dispatch_message message;
    movex_deed             deed = {.hides = false};
    int                    status;
    if (!movex_read_dispatch(reader, &message))
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH: truncated, or not of its form", NULL);
    movex_subscription *author = accept(master, session, message.number, message.sequence, &status, error);
    if (!author) return status;
    status = decode_half(author->resource->rules, message.action, message.payload, master->payload, &deed.shown, error);
    if (status != MOVEX_OK) return status;
    if (!prepare(master, author, &deed)) return out_of_memory(error);
    finish(master, author, message.sequence, take(master, author, message.sequence, &deed));
    return MOVEX_OK;
}

int movex_master_resource_dispatch_private(movex_master *master, movex_session *session, movex_reader *reader,
                                           movex_error *error)
{
    movex_dispatch_private_message message;
    movex_deed                     deed = {.hides = true};
    int                            status, answer;
    if (!movex_read_dispatch_private(reader, &message))
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH_PRIVATE: truncated, or not of its form", NULL);
    const movex_dispatch_message *hidden = &message.hidden;
    movex_subscription           *author = accept(master, session, hidden->number, hidden->sequence, &status, error);
    if (!author) return status;
    const movex_rules *rules = author->resource->rules;
    if (rules->sealed)
        return movex_error_set(error, MOVEX_ERR_PROTOCOL, "DISPATCH_PRIVATE: pairs of type ", rules->type->name,
                               " are sealed", NULL);
    status = decode_half(rules, hidden->action, hidden->payload, master->payload, &deed.hidden, error);
    if (status == MOVEX_OK)
        status =
            decode_half(rules, message.shown_action, message.shown_payload, master->shown_payload, &deed.shown, error);
    if (status != MOVEX_OK) return status;
    if (!prepare(master, author, &deed)) return out_of_memory(error);
    if (take_private(master, author, message.revealed, hidden->sequence, &deed, &answer) != MOVEX_OK)
        return out_of_memory(error);
    finish(master, author, hidden->sequence, answer);
    return MOVEX_OK;
}

int movex_master_resource_dispatch_sealed(movex_master *master, movex_session *session, movex_reader *reader,
                                          movex_error *error)
{
    movex_dispatch_sealed_message message;
    movex_deed                    deed = {.commitment = message.commitment};
    int                           status;
    if (!movex_read_dispatch_sealed(reader, &message))
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "DISPATCH_SEALED: truncated, or not of its form", NULL);
    const movex_dispatch_message *shown = &message.shown;
    movex_subscription           *author = accept(master, session, shown->number, shown->sequence, &status, error);
    if (!author) return status;
    movex_master_resource *resource = author->resource;
    const movex_rules     *rules = resource->rules;
    if (!rules->sealed)
        return movex_error_set(error, MOVEX_ERR_PROTOCOL, "DISPATCH_SEALED: pairs of type ", rules->type->name,
                               " are not sealed", NULL);
    status = decode_half(rules, shown->action, shown->payload, master->shown_payload, &deed.shown, error);
    if (status != MOVEX_OK) return status;
    if (!movex_round_make(master, resource) || !prepare(master, author, &deed)) return out_of_memory(error);
    int answer = movex_round_may_seal(master, author, message.revealed, shown->action);
    if (answer == MOVEX_ACCEPT) answer = take(master, author, shown->sequence, &deed);
    finish(master, author, shown->sequence, answer);
    return MOVEX_OK;
}

/* ---- what a journal has kept */

/* In a file whose checksums are right. */
static int damaged(int status, movex_error *error)
{
    if (status == MOVEX_ERR_MALFORMED) error->status = MOVEX_ERR_DAMAGED;
    return error->status;
}

int movex_master_resource_check_half(movex_master *master, const movex_master_resource *resource,
                                     const movex_journal_half *recorded, movex_error *error)
{
    movex_half half;
    int status = decode_half(resource->rules, recorded->action, recorded->payload, master->payload, &half, error);
    return status == MOVEX_OK ? MOVEX_OK : damaged(status, error);
}

/* Room for all that it may come to, as at its first time; but limits that were lowered since do not undo it. */
static int redo_prepare(movex_master *master, movex_subscription *author, const movex_deed *deed)
{
    if (!author) return MOVEX_OK;
    if (!prepare(master, author, deed)) return MOVEX_ERR_MEMORY;
    return deed->hides ? movex_hidden_prepare(master, author, deed->hidden.encoded.length) : MOVEX_OK;
}

static int another_state(uint64_t now, uint64_t kept, movex_error *error)
{
    char         text[64];
    movex_format format = movex_format_into(text, sizeof text);
    movex_format_text(&format, ": its checksum is ");
    movex_format_hex(&format, now, 16);
    movex_format_text(&format, ", and was ");
    movex_format_hex(&format, kept, 16);
    return movex_error_set(error, MOVEX_ERR_INVALID_STATE, "the reducer makes another state of it now", text, NULL);
}

int movex_master_resource_redo(movex_master *master, movex_master_resource *resource, movex_subscription *author,
                               const char *name, const movex_journal_entry *entry, movex_error *error)
{
    const movex_rules *rules = resource->rules;
    movex_deed         deed = {.hides = entry->hides, .replayed = true};
    const origin       from = {author, name, entry->sequence};
    uint64_t           revealed = resource->revealed, version = resource->log.version + 1;
    int                status =
        decode_half(rules, entry->shown.action, entry->shown.payload, master->shown_payload, &deed.shown, error);
    if (status == MOVEX_OK && deed.hides)
        status = decode_half(rules, entry->hidden.action, entry->hidden.payload, master->payload, &deed.hidden, error);
    if (status != MOVEX_OK) return damaged(status, error);
    if (deed.hides && !movex_rules_may_hide(rules, deed.hidden.action, deed.shown.action))
        return movex_error_set(error, MOVEX_ERR_DAMAGED, "an action that may not be hidden as that one", NULL);
    if (entry->seals) {
        bool sealed = rules->sealed && entry->shown.drew;
        if (!sealed || !author || (resource->sealed && resource->sealed->due))
            return movex_error_set(error, MOVEX_ERR_DAMAGED, "an action that may not be sealed", NULL);
        if (!movex_round_make(master, resource)) return out_of_memory(error);
        deed.commitment = entry->commitment;
    }
    deed.shown.seed = entry->shown.seed;
    deed.hidden.seed = entry->hidden.seed;
    status = redo_prepare(master, author, &deed);
    if (status != MOVEX_OK) return movex_error_set(error, (movex_status)status, movex_status_text(status), NULL);
    int answer = order(master, resource, &from, &deed, resource->log.now_ms + entry->elapsed_ms);
    if (answer != MOVEX_ACCEPT)
        return movex_error_set(error, MOVEX_ERR_INVALID_STATE,
                               "the reducer refuses it now: ", movex_refusal_text(answer), NULL);
    if (resource->view.hashes.checksum != entry->checksum)
        return another_state(resource->view.hashes.checksum, entry->checksum, error);
    if (entry->reveals != (resource->revealed == version && resource->revealed != revealed))
        return movex_error_set(error, MOVEX_ERR_INVALID_STATE, "can_reconcile says something else now", NULL);
    return MOVEX_OK;
}
