/* Sealed pairs as a client sees them: it keeps the same round as the master (sealed.h), checks every opening, and computes the reveal by
   itself. On top of it its own view, in which it has done what it has sealed. */
#include "client_internal.h"

#include "format.h"

#include <movex/text.h>

bool movex_sealing_make(movex_resource *resource)
{
    const movex_allocator *allocator = &resource->client->allocator;
    size_t                 room = resource->rules->max_payload;
    movex_sealing         *sealing = movex_allocate(allocator, sizeof *sealing);
    if (!sealing) return false;
    sealing->payload = room ? movex_allocate(allocator, room) : NULL;
    if (room && !sealing->payload) {
        movex_release(allocator, sealing, sizeof *sealing);
        return false;
    }
    movex_sealed_init(&sealing->round, resource->rules, resource->id);
    sealing->source = (movex_source){.kind = MOVEX_SOURCE_FORFEITED, .resource = resource};
    resource->sealing = sealing;
    return true;
}

void movex_sealing_free(movex_resource *resource)
{
    const movex_allocator *allocator = &resource->client->allocator;
    movex_sealing         *sealing = resource->sealing;
    if (!sealing) return;
    movex_secrets_free(resource);
    movex_sealed_free(&sealing->round, allocator);
    movex_view_free(&sealing->own, allocator);
    movex_release(allocator, sealing->payload, resource->rules->max_payload);
    movex_release(allocator, sealing->forfeits, sealing->forfeit_capacity * sizeof *sealing->forfeits);
    movex_release(allocator, sealing, sizeof *sealing);
    resource->sealing = NULL;
}

void movex_sealing_disconnected(movex_resource *resource)
{
    movex_sealing *sealing = resource->sealing;
    sealing->opened = false;
    if (sealing->is_read) sealing->lost = true; /* its snapshot has not come */
    sealing->is_read = false;
}

/* The round is not whole any more: the connection is dropped, and the next BIND asks for a snapshot. */
static void lose(movex_resource *resource, movex_status status, const char *text)
{
    resource->sealing->lost = true;
    movex_client_break(resource->client, false, status, text);
}

static void out_of_memory(movex_resource *resource)
{
    lose(resource, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
}

/* The master does what it must not. */
static void accuse(movex_resource *resource, movex_status status, const char *text)
{
    resource->client->stats.protocol_errors++;
    lose(resource, status, text);
}

/* ---- entries */

static bool has_room(const movex_resource *resource, size_t length, bool seals)
{
    const movex_sealed *round = &resource->sealing->round;
    const movex_limits *limits = &resource->client->limits;
    return round->count < 2 * (uint64_t)limits->sealed &&
           round->claimed + movex_sealed_claim(round, length, seals) <= 2 * (uint64_t)limits->sealed_bytes;
}

/* What this client sees is another state than confirmed from now on. */
static bool start_own(movex_resource *resource)
{
    movex_sealing *sealing = resource->sealing;
    if (!sealing->own.rules && !movex_view_init(&sealing->own, resource->rules, false, &resource->client->allocator))
        return false;
    sealing->has_own = true;
    return true;
}

/* Adds an entry to the round, and to what this client sees. `confirmed` is as it was before it, if it is sealed. NULL: the connection is
   broken. */
static movex_sealed_entry *keep(movex_resource *resource, const movex_sealed_entry *entry, const char *author,
                                movex_wire_bytes payload)
{
    movex_client  *client = resource->client;
    movex_sealing *sealing = resource->sealing;
    movex_sealed  *round = &sealing->round;
    if (!has_room(resource, payload.length, entry->sealed)) {
        lose(resource, MOVEX_ERR_LIMIT, "more entries are kept since something was sealed than there is room for");
        return NULL;
    }
    if (!movex_sealed_reserve(round, &client->allocator, payload.length)) {
        out_of_memory(resource);
        return NULL;
    }
    if (!movex_sealed_is_open(round))
        movex_sealed_begin(round, &resource->confirmed, resource->version, resource->entry_ms);
    movex_sealed_entry *kept = movex_sealed_add(round, entry, author, payload);
    bool                known = !entry->sealed || movex_secrets_know(resource, kept);
    bool                own = known && kept->opening == MOVEX_OPENING_OWN;
    if (own && !sealing->has_own) {
        known = start_own(resource);
        if (known) movex_view_follow(&sealing->own, &resource->confirmed);
    }
    if (!known) {
        out_of_memory(resource);
        return NULL;
    }
    if (sealing->has_own) client->stats.reduces++;
    if (sealing->has_own && own)
        movex_sealed_apply_own(round, &sealing->own, kept, sealing->payload);
    else if (sealing->has_own)
        movex_sealed_apply(round, &sealing->own, kept, false, sealing->payload);
    return kept;
}

void movex_sealing_keep(movex_resource *resource, const movex_context *context, uint32_t action,
                        movex_wire_bytes payload)
{
    movex_sealed            *round = &resource->sealing->round;
    const movex_sealed_entry entry = {
        .version = context->version,
        .now_ms = context->now_ms,
        .seed = context->random->seed,
        .action = action,
    };
    if (!movex_sealed_is_open(round)) return;
    if (keep(resource, &entry, context->author, payload)) movex_sealed_look(round, resource->confirmed.state);
}

static bool is_payload(const movex_resource *resource, uint32_t action, movex_wire_bytes payload)
{
    const movex_codec *codec = movex_rules_payload(resource->rules, action);
    if (action >= resource->rules->type->action_count) return false;
    if (!codec) return payload.length == 0;
    return movex_codec_decode(codec, resource->sealing->payload, payload.bytes, payload.length, NULL) == MOVEX_OK;
}

static void follow_entry(movex_resource *resource, const movex_sealed_entry_message *message, const char *author)
{
    movex_sealing     *sealing = resource->sealing;
    movex_sealed      *round = &sealing->round;
    movex_sealed_entry entry = {
        .version = message->version,
        .now_ms = resource->entry_ms + message->elapsed_ms,
        .seed = message->seed,
        .subscription = message->subscription,
        .sequence = message->sequence,
        .action = message->action,
        .sealed = true,
    };
    memcpy(entry.commitment, message->commitment, MOVEX_COMMITMENT_SIZE);
    if (round->due) {
        accuse(resource, MOVEX_ERR_PROTOCOL, "SEALED_ENTRY: something was sealed when all was to be opened");
        return;
    }
    const movex_sealed_entry *kept = keep(resource, &entry, author, message->payload);
    if (!kept) return;
    resource->client->stats.reduces++;
    movex_sealed_apply(round, &resource->confirmed, kept, false, sealing->payload);
    resource->version = message->version;
    resource->entry_ms = entry.now_ms;
    movex_sealed_look(round, resource->confirmed.state);
    movex_replica_compare(resource, author, resource->rules->type->actions[message->action].name, message->checksum,
                          "");
}

void movex_sealing_entry(movex_resource *resource, const movex_sealed_entry_message *message)
{
    movex_client           *client = resource->client;
    movex_pending_dispatch *dispatch = NULL;
    char                    author[MOVEX_NAME_SIZE] = {0};
    memcpy(author, message->author.bytes, message->author.length);
    bool own = message->subscription == resource->subscription && strcmp(author, client->id) == 0;
    if (own) dispatch = movex_pending_sent(resource, message->sequence);
    if (own && !dispatch) {
        accuse(resource, MOVEX_ERR_PROTOCOL, "SEALED_ENTRY: an answer to what was not dispatched");
        return;
    }
    if (!is_payload(resource, message->action, message->payload)) {
        accuse(resource, MOVEX_ERR_MALFORMED, "SEALED_ENTRY: an action or a payload that the type does not have");
        return;
    }
    if (!own) client->stats.forwards++;
    if (movex_replica_follows(resource, message->version)) {
        follow_entry(resource, message, author);
        if (client->broken) return;
        movex_client_learn_time(client, resource->entry_ms, own ? dispatch->sent_ms : UINT64_MAX);
    }
    movex_replica_touch(resource);
    if (!own) return;
    movex_resource_told(resource, message->sequence);
    movex_fold_own(resource, message->sequence, dispatch->ticket);
    movex_pending_answer(dispatch, MOVEX_EVENT_ACCEPTED, MOVEX_ACCEPT, message->version);
}

/* ---- reveals */

static bool add_forfeit(movex_resource *resource, uint64_t version, const char *author, int reason)
{
    movex_sealing *sealing = resource->sealing;
    if (!movex_grow(&resource->client->allocator, &sealing->forfeits, &sealing->forfeit_capacity,
                    sizeof *sealing->forfeits, sealing->forfeit_count + 1, 4))
        return false; /* then it is not told; what has come of it is in the state */
    movex_forfeit *forfeit = &sealing->forfeits[sealing->forfeit_count++];
    *forfeit = (movex_forfeit){.version = version, .reason = reason};
    movex_text_set(forfeit->author, author);
    return true;
}

static void forget_forfeits(movex_sealing *sealing)
{
    sealing->forfeit_count = sealing->forfeits_told = 0;
}

static void announce_forfeits(movex_resource *resource)
{
    movex_sealing *sealing = resource->sealing;
    resource->client->stats.forfeits += sealing->forfeit_count;
    if (!sealing->forfeit_count) return;
    movex_list_remove(&sealing->source.node); /* behind the reveal */
    movex_client_announce(resource->client, &sealing->source);
}

bool movex_sealing_next_forfeit(movex_resource *resource, const movex_forfeit **forfeit)
{
    movex_sealing *sealing = resource->sealing;
    if (sealing->forfeits_told >= sealing->forfeit_count) return false;
    *forfeit = &sealing->forfeits[sealing->forfeits_told++];
    return true;
}

/* Who has opened something else than was sealed, for a mismatch. */
static void find_fault(const movex_sealed *round, char text[128])
{
    movex_format format = movex_format_into(text, 128);
    movex_format_text(&format, "");
    for (uint32_t i = 0; i < round->count; i++) {
        const movex_sealed_entry *entry = &round->entries[i];
        if (!entry->sealed || entry->opening != MOVEX_OPENING_WRONG) continue;
        movex_format_text(&format, "what has come as the half that ");
        movex_format_text(&format, round->authors[entry->author].id);
        movex_format_text(&format, " has sealed in version ");
        movex_format_unsigned(&format, entry->version);
        movex_format_text(&format, " is another one; ");
        return;
    }
}

static void reveal(movex_resource *resource, const movex_sealed_step_message *message, const char *author)
{
    movex_sealing *sealing = resource->sealing;
    movex_sealed  *round = &sealing->round;
    char           fault[128];
    movex_sealed_reveal(round, sealing->payload);
    movex_view_take(&resource->confirmed, round->work.state);
    find_fault(round, fault);
    movex_fold_forget_names(resource);
    forget_forfeits(sealing);
    for (uint32_t i = 0; i < round->count; i++) {
        const movex_sealed_entry *entry = &round->entries[i];
        const char               *id = round->authors[entry->author].id;
        if (!entry->sealed) continue;
        movex_fold_add_name(resource, entry->version, id, strlen(id));
        if (entry->reason != MOVEX_ACCEPT) add_forfeit(resource, entry->version, id, entry->reason);
    }
    movex_sealed_end(round);
    sealing->has_own = sealing->opened = false;
    movex_secrets_age(resource);
    resource->fold.revealed = message->version;
    resource->client->stats.reveals++;
    movex_resource_announce(resource, MOVEX_NEWS_REVEALED);
    announce_forfeits(resource);
    const char *what = message->kind == MOVEX_MESSAGE_OPENING ? "an opening" : "the end of the time to open";
    movex_replica_compare(resource, author, what, message->checksum, fault);
}

/* ---- steps */

/* What speaks against a step, or NULL. */
static const char *fault_of(const movex_resource *resource, const movex_sealed_step_message *message)
{
    const movex_sealed *round = &resource->sealing->round;
    if (message->kind == MOVEX_MESSAGE_CLOSING) {
        if (round->closing) return "CLOSING: what is sealed is to be opened already";
        return round->due ? NULL : "CLOSING: what is sealed is not to be opened yet";
    }
    if (!round->closing) return "what is sealed is not to be opened yet";
    bool late = resource->entry_ms + message->elapsed_ms >= round->deadline_ms;
    return message->kind == MOVEX_MESSAGE_OPENING || late ? NULL : "DEADLINE: before its time";
}

/* False if the connection is broken. */
static bool take_opening(movex_resource *resource, const movex_sealed_step_message *message, const char *author)
{
    movex_sealing *sealing = resource->sealing;
    movex_sealed  *round = &sealing->round;
    void *const    payloads[2] = {sealing->payload, resource->client->payload};
    movex_error    cause;
    uint64_t       fault;
    if (movex_sealed_check_opening(round, author, &message->records, sealing->payload, &cause) != MOVEX_OK) {
        char         text[MOVEX_ERROR_TEXT_SIZE];
        movex_format format = movex_format_into(text, sizeof text);
        movex_format_text(&format, "OPENING: ");
        movex_format_text(&format, cause.text);
        accuse(resource, MOVEX_ERR_MALFORMED, text);
        return false;
    }
    if (!movex_sealed_take_opening(round, &resource->client->allocator, author, &message->records, payloads, &fault)) {
        out_of_memory(resource);
        return false;
    }
    if (message->reveals == movex_sealed_is_opened(round)) return true;
    accuse(resource, MOVEX_ERR_PROTOCOL, "OPENING: the reveal comes before its time, or not in time");
    return false;
}

static void follow_step(movex_resource *resource, const movex_sealed_step_message *message, const char *author)
{
    movex_sealed *round = &resource->sealing->round;
    const char   *fault = fault_of(resource, message);
    if (fault) {
        accuse(resource, MOVEX_ERR_PROTOCOL, fault);
        return;
    }
    if (message->kind == MOVEX_MESSAGE_OPENING && !take_opening(resource, message, author)) return;
    resource->version = message->version;
    resource->entry_ms += message->elapsed_ms;
    movex_client_learn_time(resource->client, resource->entry_ms, UINT64_MAX);
    if (message->kind == MOVEX_MESSAGE_CLOSING) movex_sealed_close(round, message->version, message->deadline_ms);
    if (message->reveals)
        reveal(resource, message, author);
    else
        movex_replica_compare(resource, author, "the call to open", message->checksum, "");
    if (message->kind == MOVEX_MESSAGE_CLOSING) movex_secrets_open(resource);
}

void movex_sealing_step(movex_resource *resource, const movex_sealed_step_message *message)
{
    char author[MOVEX_NAME_SIZE] = {0};
    if (message->author.length) memcpy(author, message->author.bytes, message->author.length);
    if (movex_replica_follows(resource, message->version)) follow_step(resource, message, author);
    movex_replica_touch(resource);
}

/* ---- snapshots */

void movex_sealing_read(movex_resource *resource, const movex_sealed_message *message)
{
    movex_sealing       *sealing = resource->sealing;
    movex_client        *client = resource->client;
    void *const          payloads[2] = {sealing->payload, client->payload};
    movex_error          cause;
    movex_reader         reader = movex_reader_over(message->forfeits.bytes.bytes, message->forfeits.bytes.length);
    movex_forfeit_record forfeit;
    sealing->has_own = false;
    sealing->is_read = true;
    sealing->read_version = message->version;
    movex_sealed_end(&sealing->round);
    if (message->forfeits.count) forget_forfeits(sealing);
    while (movex_next_forfeit(&reader, &forfeit)) {
        char author[MOVEX_NAME_SIZE] = {0};
        memcpy(author, forfeit.author.bytes, forfeit.author.length);
        add_forfeit(resource, message->version - forfeit.back, author, forfeit.reason);
    }
    sealing->forfeits_came = message->forfeits.count > 0;
    if (message->round.length == 0) return;
    uint64_t most = 2 * (uint64_t)client->limits.sealed;
    int      status = movex_sealed_read(&sealing->round, &client->allocator, message->round, false, message->version,
                                   most < UINT32_MAX ? (uint32_t)most : UINT32_MAX, payloads, &cause);
    if (status == MOVEX_ERR_MEMORY)
        out_of_memory(resource);
    else if (status != MOVEX_OK)
        accuse(resource, MOVEX_ERR_MALFORMED, cause.text);
}

/* What this client has sealed is known to it. False if there is no memory. */
static bool know_own(movex_resource *resource)
{
    movex_sealing *sealing = resource->sealing;
    movex_sealed  *round = &sealing->round;
    bool           own = false;
    for (uint32_t i = 0; i < round->count; i++) {
        movex_sealed_entry *entry = &round->entries[i];
        if (!entry->sealed || strcmp(round->authors[entry->author].id, resource->client->id) != 0) continue;
        if (!movex_secrets_know(resource, entry)) return false;
        own = own || entry->opening == MOVEX_OPENING_OWN || entry->opening == MOVEX_OPENING_GIVEN;
    }
    if (!own) return true;
    if (!start_own(resource)) return false;
    movex_sealed_fold(round, resource->client->id, sealing->payload);
    movex_view_follow(&sealing->own, &round->work);
    return true;
}

bool movex_sealing_snapshot(movex_resource *resource, uint64_t version)
{
    movex_sealing *sealing = resource->sealing;
    movex_sealed  *round = &sealing->round;
    if (!sealing->is_read || sealing->read_version != version) movex_sealed_end(round);
    sealing->is_read = sealing->lost = sealing->opened = sealing->has_own = false;
    if (movex_sealed_is_open(round)) {
        bool sound = movex_sealed_verify(round, sealing->payload) &&
                     movex_codec_equal(resource->rules->state, round->work.state, resource->confirmed.state);
        if (!sound) {
            accuse(resource, MOVEX_ERR_PROTOCOL, "SEALED: what is sealed does not make the state that it comes with");
            return false;
        }
        if (!know_own(resource)) {
            out_of_memory(resource);
            return false;
        }
    }
    movex_secrets_age(resource);
    if (sealing->forfeits_came) announce_forfeits(resource);
    sealing->forfeits_came = false;
    return true;
}
