#include "client_internal.h"

#include "format.h"
#include "random.h"

enum { MOST_DIFFERENCES = 4 }; /* fields that a mismatch names */

void movex_replica_free(movex_resource *resource)
{
    resource->client->stats.bytes_hashed += resource->confirmed.hashes.bytes_hashed;
    movex_view_free(&resource->confirmed, &resource->client->allocator);
    movex_view_free(&resource->local, &resource->client->allocator);
    movex_release(&resource->client->allocator, resource->drift, sizeof *resource->drift);
    movex_release(&resource->client->allocator, resource->transformed, resource->rules->type->state->size);
    movex_fold_free(resource);
    movex_sealing_free(resource);
    movex_undone_free(resource);
}

/* ---- local: confirmed with what is pending on top */

static bool is_predicted(const movex_resource *resource, const movex_pending_dispatch *dispatch)
{
    return dispatch->state != MOVEX_PENDING_HELD && movex_rules_is_predicted(resource->rules, dispatch->action);
}

movex_context movex_replica_context(const movex_resource *resource, uint64_t version, movex_random_source *random)
{
    uint64_t now_ms = movex_client_master_time(resource->client);
    return (movex_context){
        .author = resource->client->id,
        .version = version,
        .now_ms = now_ms > resource->entry_ms ? now_ms : resource->entry_ms,
        .random = random,
    };
}

/* The best guess at what the master will add; the same draws each time, so that a prediction does not flicker. */
static int predict(movex_resource *resource, const movex_pending_dispatch *dispatch, uint64_t version,
                   movex_error *error)
{
    bool                has_payload = resource->rules->payloads[dispatch->action] != NULL;
    uint64_t            seed = dispatch->ticket;
    movex_random_source random = {.seed = movex_splitmix64(&seed)};
    movex_context       context = movex_replica_context(resource, version, &random);
    resource->client->stats.reduces++;
    return movex_view_apply(&resource->local, dispatch->action, has_payload ? dispatch->payload : NULL, &context,
                            error);
}

/* False if there is no memory. */
static bool make_local(movex_resource *resource)
{
    const movex_rules     *rules = resource->rules;
    const movex_allocator *allocator = &resource->client->allocator;
    if (!movex_codec_is_small(rules->state) && !resource->sealing && !resource->drift) {
        resource->drift = movex_allocate(allocator, sizeof *resource->drift);
        if (!resource->drift) return false;
    }
    if (!movex_view_init(&resource->local, rules, false, allocator)) return false;
    if (resource->drift) movex_touched_fill(resource->drift, rules->type->state->size);
    resource->local.moved = resource->confirmed.moved = resource->drift;
    return true;
}

static bool start_predicting(movex_resource *resource)
{
    if (resource->predicted) return true;
    if (!resource->local.rules && !make_local(resource)) return false;
    if (resource->sealing)
        movex_view_follow(&resource->local, movex_sealing_view(resource));
    else
        movex_view_share(&resource->local, &resource->confirmed);
    resource->predicted = true;
    return true;
}

bool movex_replica_predict(movex_resource *resource, const movex_pending_dispatch *dispatch, int *answer)
{
    *answer = MOVEX_ACCEPT;
    if (!movex_rules_is_predicted(resource->rules, dispatch->action)) return true;
    if (!start_predicting(resource)) return false;
    *answer = predict(resource, dispatch, resource->version + resource->pending_count, &resource->client->error);
    return true;
}

bool movex_replica_rebase(movex_resource *resource)
{
    bool     any = false;
    uint64_t version = resource->version;
    for (movex_node *node = resource->pending.first; node && !any; node = node->next)
        any = is_predicted(resource, movex_pending_of(node));
    movex_list_remove(&resource->stale);
    resource->predicted = false;
    movex_resource_announce(resource, MOVEX_NEWS_CHANGED);
    if (!any) return true;
    if (!start_predicting(resource)) return false;
    for (movex_node *node = resource->pending.first; node; node = node->next) {
        const movex_pending_dispatch *dispatch = movex_pending_of(node);
        version++;
        /* What is refused now has no effect for now; only the master's answer removes it. */
        if (is_predicted(resource, dispatch)) predict(resource, dispatch, version, NULL);
    }
    return true;
}

/* ---- confirmed: what the master says */

static void ask_for_snapshot(movex_resource *resource)
{
    movex_client *client = resource->client;
    resource->resyncing = true;
    client->stats.mismatches++;
    client->stats.resyncs++;
    movex_writer writer = movex_client_message(client, 0);
    if (!writer.at) return;
    movex_write_numbered(&writer, MOVEX_MESSAGE_RESYNC, resource->number);
    movex_client_send(client, &writer);
}

static void mismatch(movex_resource *resource, const char *author, const char *what, uint64_t version,
                     const char *fault)
{
    char         text[MOVEX_ERROR_TEXT_SIZE];
    movex_format format = movex_format_into(text, sizeof text);
    movex_format_text(&format, "after ");
    movex_format_text(&format, what);
    movex_format_text(&format, author[0] ? " by " : "");
    movex_format_text(&format, author);
    movex_format_text(&format, " (version ");
    movex_format_unsigned(&format, version);
    movex_format_text(&format, "): ");
    movex_format_text(&format, fault);
    movex_resource_say(resource, text, NULL, NULL);
    ask_for_snapshot(resource);
}

/* The action of an entry, as this client has done or seen it. */
typedef struct deed {
    uint32_t         action;
    const void      *payload; /* settled, or NULL */
    movex_wire_bytes encoded; /* the payload's encoding */
} deed;

/* Takes what comes with an entry: the halves (`folds`), or the difference, which may not be `sound`. False if the connection is
   broken. */
static bool take_secrets(movex_resource *resource, const movex_entry_message *message, bool folds, bool *sound,
                         movex_error *fault)
{
    movex_client *client = resource->client;
    if (message->flags & MOVEX_ENTRY_PATCHED) {
        client->stats.patches++;
        *sound = movex_view_patch(&resource->confirmed, message->patch.bytes, message->patch.length, fault) == MOVEX_OK;
    }
    if (!(message->flags & MOVEX_ENTRY_REVEALS)) return true;
    int status = folds ? movex_fold_again(resource, message, fault) : MOVEX_OK;
    if (status == MOVEX_ERR_MEMORY) { /* it comes back with its state as the base, and gets what it needs */
        movex_client_break(client, false, MOVEX_ERR_MEMORY, "the entries before a reveal are not kept");
        return false;
    }
    if (status != MOVEX_OK) {
        client->stats.protocol_errors++;
        movex_client_break(client, false, MOVEX_ERR_MALFORMED, "ENTRY: a reveal of what is no action of the type");
        return false;
    }
    movex_fold_note(resource, message->version, &message->records, folds);
    resource->fold.revealed = message->version;
    if (folds)
        movex_fold_start_here(resource);
    else
        movex_fold_start(resource);
    return true;
}

/* The same where all see the same, and nothing else comes with the entry. */
static void apply_single(movex_resource *resource, const movex_entry_message *message, const movex_context *context,
                         const deed *what)
{
    movex_error fault;
    fault.text[0] = '\0'; /* not all of it: it is not needed as a rule */
    resource->client->stats.reduces++;
    int answer = movex_view_apply(&resource->confirmed, what->action, what->payload, context, &fault);
    resource->version = message->version;
    resource->entry_ms = context->now_ms;
    /* Should the reducer refuse here what it accepted there, the checksums tell. But a state that breaks its own schema has been
       restored before it could be hashed: memory is corrupt, or the reducer is. */
    bool sound = answer != MOVEX_REFUSED_INVALID_STATE && resource->confirmed.hashes.checksum == message->checksum;
    if (resource->resyncing || sound) return;
    mismatch(resource, context->author, resource->rules->type->actions[what->action].name, message->version,
             fault.text);
}

static void apply(movex_resource *resource, const movex_entry_message *message, const char *author, const deed *what)
{
    movex_random_source random = {.seed = message->seed};
    movex_context       context = {
              .author = author,
              .version = message->version,
              .now_ms = resource->entry_ms + message->elapsed_ms,
              .random = &random,
    };
    if (resource->rules->single && !(message->flags & (MOVEX_ENTRY_REVEALS | MOVEX_ENTRY_PATCHED))) {
        apply_single(resource, message, &context, what);
        return;
    }
    const movex_action_type *action = &resource->rules->type->actions[what->action];
    bool        folds = (message->flags & (MOVEX_ENTRY_REVEALS | MOVEX_ENTRY_PATCHED)) == MOVEX_ENTRY_REVEALS;
    movex_error fault;
    int         answer = MOVEX_ACCEPT;
    fault.text[0] = '\0';                                 /* not all of it: it is not needed as a rule */
    if (!folds && !(action->flags & MOVEX_MASTER_ONLY)) { /* the fold does it again */
        resource->client->stats.reduces++;
        answer = movex_view_apply(&resource->confirmed, what->action, what->payload, &context, &fault);
    }
    bool     sound = true;
    uint64_t version_before = resource->version, entry_ms_before = resource->entry_ms;
    resource->version = message->version;
    resource->entry_ms = context.now_ms;
    movex_fold_keep(resource, &context, what->action, what->encoded);
    if (resource->sealing) movex_sealing_keep(resource, &context, what->action, what->encoded);
    if (!take_secrets(resource, message, folds, &sound, &fault)) {
        /* Or it would come back as one that has been told of the reveal. */
        resource->version = version_before;
        resource->entry_ms = entry_ms_before;
        return;
    }
    /* Of an action of the master's alone that changes nothing here, nothing is done; what is held is looked at all the same. */
    if (action->flags & MOVEX_MASTER_ONLY && !folds && !(message->flags & MOVEX_ENTRY_PATCHED))
        sound = movex_view_patch(&resource->confirmed, "", 0, &fault) == MOVEX_OK;
    sound = sound && (answer != MOVEX_REFUSED_INVALID_STATE || !resource->rules->single); /* as above */
    if (resource->resyncing || (sound && resource->confirmed.hashes.checksum == message->checksum)) return;
    mismatch(resource, author, action->name, message->version, fault.text);
}

bool movex_replica_follows(movex_resource *resource, uint64_t version)
{
    if (resource->gap) return false;
    if (version == resource->version + 1) return true;
    resource->gap = true;
    if (!resource->resyncing) mismatch(resource, "", "an entry that does not follow the one before", version, "");
    return false;
}

void movex_replica_compare(movex_resource *resource, const char *author, const char *what, uint64_t checksum,
                           const char *fault)
{
    if (resource->resyncing || resource->confirmed.hashes.checksum == checksum) return;
    mismatch(resource, author, what, resource->version, fault);
}

/* False if there is no memory; the connection is broken then. */
static bool encode_own(movex_resource *resource, deed *what)
{
    movex_client      *client = resource->client;
    const movex_codec *codec = resource->rules->payloads[what->action];
    if (!codec) return true;
    size_t most = movex_codec_max_encoded(codec);
    client->encoded.length = 0;
    if (!movex_buffer_reserve(&client->encoded, &client->allocator, most)) {
        movex_client_break(client, false, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
        return false;
    }
    what->encoded.bytes = client->encoded.bytes;
    int status = movex_codec_encode(codec, what->payload, client->encoded.bytes, most, &what->encoded.length, NULL);
    assert(status == MOVEX_OK); /* it was settled when it was dispatched */
    (void)status;
    return true;
}

static void take_own(movex_resource *resource, const movex_entry_message *message)
{
    bool                    next = message->flags & MOVEX_ENTRY_NEXT;
    uint64_t                sequence = next ? resource->told_sequence + 1 : message->sequence;
    movex_pending_dispatch *dispatch = movex_pending_sent(resource, sequence);
    if (!dispatch) {
        resource->client->stats.protocol_errors++;
        movex_client_break(resource->client, false, MOVEX_ERR_PROTOCOL, "ENTRY: an answer to what was not dispatched");
        return;
    }
    deed what = {.action = dispatch->action, .encoded = {"", 0}};
    if (resource->rules->payloads[dispatch->action]) what.payload = dispatch->payload;
    if ((resource->fold.whole || movex_sealing_is_open(resource)) && !encode_own(resource, &what)) return;
    if (movex_replica_follows(resource, message->version)) {
        apply(resource, message, resource->client->id, &what);
        if (resource->client->broken) return;
        movex_client_learn_time(resource->client, resource->entry_ms, dispatch->sent_ms);
    }
    movex_resource_told(resource, sequence);
    movex_fold_own(resource, sequence, dispatch->ticket);
    movex_pending_answer(dispatch, MOVEX_EVENT_ACCEPTED, MOVEX_ACCEPT, message->version);
}

static void take_forward(movex_resource *resource, const movex_entry_message *message)
{
    movex_client            *client = resource->client;
    const movex_rules       *rules = resource->rules;
    const movex_peer_record *peer = NULL;
    const char              *author = "";
    char                     name[MOVEX_NAME_SIZE];
    if (message->flags & MOVEX_ENTRY_BY_NAME) {
        memcpy(name, message->author.bytes, message->author.length);
        name[message->author.length] = '\0';
        author = name;
    } else if ((peer = movex_peers_find(resource, message->slot)) != NULL) {
        author = peer->id;
    }

    const movex_codec *codec = movex_rules_payload(rules, message->action);
    movex_error        cause;
    cause.text[0] = '\0';
    bool known = message->action < rules->type->action_count && (peer || message->flags & MOVEX_ENTRY_BY_NAME);
    bool masters = known && rules->type->actions[message->action].flags & MOVEX_MASTER_ONLY;
    if (masters) codec = NULL; /* its payload never leaves the master */
    bool decoded = known && (codec ? movex_codec_decode(codec, client->payload, message->payload.bytes,
                                                        message->payload.length, &cause) == MOVEX_OK
                                   : message->payload.length == 0);
    if (!decoded) {
        char         text[MOVEX_ERROR_TEXT_SIZE];
        movex_format format = movex_format_into(text, sizeof text);
        movex_format_text(&format, "ENTRY: ");
        movex_format_text(&format, cause.text[0] ? cause.text : "an author or an action that is not known");
        client->stats.protocol_errors++;
        movex_client_break(client, false, MOVEX_ERR_MALFORMED, text);
        return;
    }
    client->stats.forwards++;
    if (!movex_replica_follows(resource, message->version)) return;
    const deed what = {message->action, codec ? client->payload : NULL, message->payload};
    apply(resource, message, author, &what);
    if (client->broken) return;
    movex_client_learn_time(client, resource->entry_ms, UINT64_MAX);
}

void movex_replica_entry(movex_resource *resource, const movex_entry_message *message)
{
    if (message->flags & MOVEX_ENTRY_OWN)
        take_own(resource, message);
    else
        take_forward(resource, message);
    movex_replica_touch(resource);
}

/* Ends a resync: says what had differed, with both values. */
static void explain(movex_resource *resource, const movex_snapshot_message *message)
{
    movex_view        *view = &resource->confirmed;
    const movex_codec *codec = resource->rules->state;
    int status = movex_codec_decode(codec, view->backup, message->state.bytes, message->state.length, NULL);
    if (status == MOVEX_OK && resource->text) {
        size_t used = strlen(resource->text);
        movex_codec_explain(codec, view->state, view->backup, "master", MOST_DIFFERENCES, resource->text + used,
                            MOVEX_ERROR_TEXT_SIZE - used);
    }
    movex_codec_restore(codec, view->state, view->backup);
    resource->resyncing = resource->gap = false;
    movex_resource_announce(resource, MOVEX_NEWS_MISMATCH);
}

void movex_replica_snapshot(movex_resource *resource, const movex_snapshot_message *message)
{
    movex_client *client = resource->client;
    movex_error   cause;
    if (resource->resyncing) explain(resource, message);
    int status =
        movex_view_load(&resource->confirmed, message->state.bytes, message->state.length, message->checksum, &cause);
    if (status != MOVEX_OK) {
        movex_client_break(client, false, (movex_status)status, cause.text);
        return;
    }
    client->stats.snapshots++;
    if (resource->epoch != client->epoch) movex_fold_forget_names(resource); /* the log is another one */
    resource->version = message->version;
    resource->entry_ms = message->now_ms;
    resource->epoch = client->epoch;
    movex_client_learn_time(client, message->now_ms, UINT64_MAX);
    movex_resource_told(resource, message->sequence);
    movex_fold_reveal_missed(resource, message->revealed, &message->records);
    movex_fold_start(resource);
    if (resource->sealing && !movex_sealing_snapshot(resource, message->version)) return;

    /* Refusals have been told before; what else the master has handled is in this state. */
    for (movex_node *node; (node = resource->pending.first) != NULL;) {
        movex_pending_dispatch *dispatch = movex_pending_of(node);
        if (dispatch->state != MOVEX_PENDING_SENT || dispatch->sequence > message->sequence) break;
        movex_fold_own(resource, dispatch->sequence, dispatch->ticket);
        movex_pending_answer(dispatch, MOVEX_EVENT_ACCEPTED, MOVEX_ACCEPT, message->version);
    }
    movex_replica_touch(resource);
}

void movex_replica_check(const movex_resource *resource)
{
    uint32_t pending = 0;
    for (const movex_node *node = resource->pending.first; node; node = node->next) pending++;
    assert(pending == resource->pending_count);
    assert(pending + resource->answered_count <= resource->block_total);
    movex_view_check(&resource->confirmed);
    if (resource->local.rules) movex_view_check(&resource->local);
    if (resource->sealing) movex_sealed_check(&resource->sealing->round);
    (void)pending;
}
