#include "client_internal.h"

#include "format.h"
#include "random.h"

#include <movex/text.h>

/* ---- binding */

/* The rules of a type, made at its first use. */
static const movex_rules *find_rules(movex_client *client, const movex_type *type)
{
    for (uint32_t i = 0; i < client->rules_count; i++) {
        if (client->rules[i]->type == type) return client->rules[i];
        if (!type->name || strcmp(client->rules[i]->type->name, type->name) != 0) continue;
        movex_error_set(&client->error, MOVEX_ERR_SCHEMA, "two types are named ", type->name, NULL);
        return NULL;
    }
    movex_rules *rules = movex_rules_new(type, &client->allocator, &client->error);
    if (!rules) return NULL;
    if (movex_rules_seal(rules, client->sealed_room, &client->error) != MOVEX_OK) {
        movex_rules_free(rules);
        return NULL;
    }
    bool room = movex_grow(&client->allocator, &client->rules, &client->rules_capacity, sizeof(movex_rules *),
                           client->rules_count + 1, 2) &&
                movex_rules_check_determinism(rules, client->determinism) == MOVEX_OK;
    if (room && rules->max_payload > client->payload_size) {
        void *payload = movex_allocate(&client->allocator, rules->max_payload);
        room = payload != NULL;
        if (room) {
            movex_release(&client->allocator, client->payload, client->payload_size);
            client->payload = payload;
            client->payload_size = rules->max_payload;
        }
    }
    if (!room) {
        movex_rules_free(rules);
        movex_error_set(&client->error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        return NULL;
    }
    client->rules[client->rules_count++] = rules;
    return rules;
}

/* Which of those of one name is meant. */
typedef struct wanted {
    const movex_type     *type;
    const char           *id;
    const movex_resource *namesake; /* another one than this, in that state; NULL: one that is bound */
    movex_binding         binding;
} wanted;

static bool is_wanted(const void *value, const void *sought)
{
    const movex_resource *resource = value;
    const wanted         *w = sought;
    if (resource->rules->type != w->type || strcmp(resource->id, w->id) != 0) return false;
    return w->namesake ? resource != w->namesake && resource->binding == w->binding : resource->binds > 0;
}

/* Not keyed: it is the program that chooses the names. */
static uint64_t key_of(const movex_type *type, const char *id)
{
    return movex_xxh64(id, strlen(id), movex_xxh64(type->name, strlen(type->name), 0));
}

static movex_resource *find_bound(const movex_client *client, const movex_type *type, const char *id)
{
    const wanted bound = {.type = type, .id = id};
    return type->name ? movex_map_get(&client->by_name, key_of(type, id), is_wanted, &bound) : NULL;
}

static movex_resource *resource_new(movex_client *client, const movex_rules *rules, const char *id)
{
    movex_resource *resource = movex_allocate(&client->allocator, sizeof *resource);
    if (!resource) return NULL;
    size_t transformed = rules->type->transform ? rules->type->state->size : 0;
    resource->transformed = transformed ? movex_allocate(&client->allocator, transformed) : NULL;
    resource->source = (movex_source){.kind = MOVEX_SOURCE_RESOURCE, .resource = resource};
    resource->client = client;
    resource->rules = rules;
    resource->binding = MOVEX_BINDING_WAITING;
    movex_text_set(resource->id, id);
    bool made = (!transformed || resource->transformed) &&
                movex_view_init(&resource->confirmed, rules, true, &client->allocator) &&
                (!rules->sealed || movex_sealing_make(resource)) &&
                movex_map_put(&client->by_name, &client->allocator, key_of(rules->type, id), resource);
    if (!made) {
        movex_sealing_free(resource);
        movex_view_free(&resource->confirmed, &client->allocator);
        movex_release(&client->allocator, resource->transformed, transformed);
        movex_release(&client->allocator, resource, sizeof *resource);
        return NULL;
    }
    movex_list_append(&client->resources, &resource->of_client);
    client->resource_count++;
    return resource;
}

movex_resource *movex_bind(movex_client *client, const movex_type *type, const char *id)
{
    if (!client) return NULL;
    const char *fault = movex_name_fault(id);
    if (!type)
        movex_error_set(&client->error, MOVEX_ERR_ARGUMENT, "the type is NULL", NULL);
    else if (fault)
        movex_error_set(&client->error, MOVEX_ERR_ARGUMENT, "the resource's id ", fault, NULL);
    if (!type || fault) return NULL;

    movex_resource *resource = find_bound(client, type, id);
    if (resource) {
        resource->binds++;
        return resource;
    }
    if (client->resource_count >= client->limits.binds) {
        movex_error_set(&client->error, MOVEX_ERR_LIMIT, "as many resources are bound as may be", NULL);
        return NULL;
    }
    const movex_rules *rules = find_rules(client, type);
    if (!rules) return NULL;
    if (rules->sealed && !client->entropy && !client->io.ops->in_process) {
        movex_error_set(&client->error, MOVEX_ERR_ENTROPY, "what is hidden in type ", type->name,
                        " is sealed: movex_client_config.entropy is needed (movex_system_entropy)", NULL);
        return NULL;
    }
    resource = resource_new(client, rules, id);
    if (!resource) {
        movex_error_set(&client->error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        return NULL;
    }
    resource->binds = 1;
    if (client->phase == MOVEX_PHASE_OPEN) movex_resource_connected(resource, true);
    return resource;
}

static void send_number(movex_resource *resource, movex_message_kind kind)
{
    movex_writer writer = movex_client_message(resource->client, 0);
    if (!writer.at) return;
    movex_write_numbered(&writer, kind, resource->number);
    movex_client_send(resource->client, &writer);
}

/* Another one of the same name in that state, or NULL. */
static movex_resource *find_namesake(const movex_resource *resource, movex_binding binding)
{
    const wanted other = {.type = resource->rules->type, .id = resource->id, .namesake = resource, .binding = binding};
    return movex_map_get(&resource->client->by_name, key_of(other.type, other.id), is_wanted, &other);
}

void movex_resource_gone(movex_resource *resource)
{
    movex_client *client = resource->client;
    if (resource->binding == MOVEX_BINDING_GONE) return;
    if (movex_map_get(&client->by_number, resource->number, NULL, NULL) == resource)
        movex_map_remove(&client->by_number, resource->number, resource);
    client->gone++;
    resource->binding = MOVEX_BINDING_GONE;
    movex_list_remove(&resource->tagged);
    movex_pending_expire(resource, true);
    movex_peers_free(resource);
    movex_resource *successor = find_namesake(resource, MOVEX_BINDING_WAITING);
    if (successor && client->phase == MOVEX_PHASE_OPEN) movex_resource_connected(successor, true);
}

void movex_resource_unbound(movex_resource *resource, const movex_unbound_message *message)
{
    char text[MOVEX_ERROR_TEXT_SIZE] = {0};
    movex_resource_gone(resource);
    if (resource->binds == 0) return;
    movex_client_take_text(text, message->text);
    movex_resource_say(resource, text, NULL, NULL);
    resource->refusal_status = message->status;
    movex_resource_announce(resource, MOVEX_NEWS_REMOVED);
}

void movex_unbind(movex_resource *resource)
{
    if (!resource || resource->binds == 0 || --resource->binds > 0) return;
    if (resource->binding == MOVEX_BINDING_GONE) return; /* freed at the next poll */
    bool known = resource->binding == MOVEX_BINDING_RECEIVING || resource->binding == MOVEX_BINDING_LIVE;
    bool asked = resource->binding == MOVEX_BINDING_ASKED;
    bool lost = resource->binding == MOVEX_BINDING_WAITING && resource->asked;
    /* What was sent is answered before UNBOUND comes; what was not, will not be. */
    for (movex_node *node = resource->pending.first, *next; node; node = next) {
        movex_pending_dispatch *dispatch = movex_pending_of(node);
        next = node->next;
        if (dispatch->state != MOVEX_PENDING_SENT) movex_pending_answer(dispatch, MOVEX_EVENT_EXPIRED, MOVEX_ACCEPT, 0);
    }
    if (!known && !asked && !lost) {
        movex_resource_gone(resource);
        return;
    }
    resource->binding = MOVEX_BINDING_UNBINDING;
    resource->unbind_due = asked;
    if (known) send_number(resource, MOVEX_MESSAGE_UNBIND);
    if (lost) movex_pending_expire(resource, true);
}

void movex_resource_connected(movex_resource *resource, bool resumed)
{
    movex_client *client = resource->client;
    if (!resumed) {
        movex_pending_expire(resource, false);
        movex_fold_forget_own(resource);
        resource->asked = false;
        resource->subscription = 0;
    }
    /* The log may be another one by now, in which the same state came to be by other entries; and who has lost some of those since
       its base can go on from its state alone: so it says, and so it must be. */
    if (resource->has_state && (!resumed || !resource->fold.whole)) movex_fold_start(resource);
    if (resource->binding == MOVEX_BINDING_GONE || resource->binding == MOVEX_BINDING_REFUSED) return;
    if (resource->binding == MOVEX_BINDING_UNBINDING) {
        movex_resource_gone(resource); /* FORGET tells the master */
        return;
    }
    /* What was unbound and is bound again waits until the master has forgotten the first. */
    if (find_namesake(resource, MOVEX_BINDING_UNBINDING)) return;
    const char        *type = resource->rules->type->name;
    movex_bind_message message = {
        .tag = resource->tag = ++client->last_tag,
        .type = {type, (uint32_t)strlen(type)},
        .id = {resource->id, (uint32_t)strlen(resource->id)},
        .fingerprint = resource->rules->agreement,
        .subscription = resumed ? resource->subscription : 0,
        .resumes = resource->has_state,
        .epoch = resource->epoch,
        .version = resource->version,
        .checksum = resource->confirmed.hashes.checksum,
        .answered = resumed ? resource->answered : 0,
        .base = movex_fold_base(resource),
        .revealed = resource->fold.revealed,
    };
    /* A checksum that is not the state's has a snapshot sent, and with it what was revealed since. It is needed as well where an
       entry is missing: later ones may have answered dispatches, and would not be taken for answers once more. */
    if ((resource->sealing && resource->sealing->lost) || resource->gap) message.checksum = ~message.checksum;
    movex_list_append(&client->tagged, &resource->tagged);
    if (!resumed) resource->answered = resource->sequence = 0; /* they count a session's dispatches */
    resource->binding = MOVEX_BINDING_ASKED;
    resource->asked = true;
    movex_writer writer = movex_client_message(client, 2 * MOVEX_NAME_SIZE);
    if (!writer.at) return;
    movex_write_bind(&writer, &message);
    movex_client_send(client, &writer);
}

void movex_resource_disconnected(movex_resource *resource)
{
    if (resource->sealing) movex_sealing_disconnected(resource);
    movex_list_remove(&resource->tagged);
    /* What it has sent will not be answered any more: its binding has ended with the connection. */
    if (resource->binding == MOVEX_BINDING_UNBINDING) movex_pending_expire(resource, true);
    if (resource->binding == MOVEX_BINDING_ASKED || resource->binding == MOVEX_BINDING_RECEIVING ||
        resource->binding == MOVEX_BINDING_LIVE)
        resource->binding = MOVEX_BINDING_WAITING;
}

void movex_resource_bound(movex_resource *resource, const movex_bound_message *message)
{
    movex_client *client = resource->client;
    if (!movex_map_put(&client->by_number, &client->allocator, message->number, resource)) {
        movex_client_break(client, false, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
        return;
    }
    resource->number = message->number;
    if (message->subscription == resource->subscription)
        movex_undone_compare(resource, message->sequence);
    else
        movex_undone_forget(resource);
    resource->subscription = message->subscription;
    movex_list_remove(&resource->tagged);
    movex_peers_begin(resource, message->subscribers);

    /* What the master has not seen is to be sent again, with the same sequences. */
    resource->sequence = resource->told_sequence = message->sequence;
    /* A master that has crashed may have forgotten refusals that it had told: their sequences come again. */
    if (resource->answered > message->sequence) resource->answered = message->sequence;
    for (movex_node *node = resource->pending.first; node; node = node->next) {
        movex_pending_dispatch *dispatch = movex_pending_of(node);
        if (dispatch->state == MOVEX_PENDING_SENT && dispatch->sequence > message->sequence)
            dispatch->state = MOVEX_PENDING_UNSENT;
    }
    if (resource->binding == MOVEX_BINDING_UNBINDING) {
        if (resource->unbind_due) send_number(resource, MOVEX_MESSAGE_UNBIND);
        resource->unbind_due = false;
        return;
    }
    resource->binding = message->resumed ? MOVEX_BINDING_LIVE : MOVEX_BINDING_RECEIVING;
    if (!message->resumed) return;
    client->stats.resumes++;
    resource->resyncing = resource->gap = false; /* the checksums agreed */
    movex_resource_send_pending(resource);
}

void movex_resource_bind_refused(movex_resource *resource, const movex_bind_refused_message *message)
{
    char text[MOVEX_ERROR_TEXT_SIZE] = {0};
    movex_list_remove(&resource->tagged);
    if (resource->binding == MOVEX_BINDING_UNBINDING) {
        movex_resource_gone(resource);
        return;
    }
    movex_client_take_text(text, message->text);
    resource->refusal_status = message->status;
    resource->refusal_reason = message->reason;
    movex_resource_say(resource, text, NULL, NULL);
    if (resource->has_state) { /* it was bound before the connection was lost */
        movex_resource_gone(resource);
        movex_resource_announce(resource, MOVEX_NEWS_REMOVED);
        return;
    }
    resource->binding = MOVEX_BINDING_REFUSED;
    movex_pending_expire(resource, true);
    movex_resource_announce(resource, MOVEX_NEWS_REFUSED);
}

/* ---- dispatching */

movex_wire_bytes movex_resource_encode(movex_client *client, const movex_codec *codec, const void *payload)
{
    movex_buffer    *buffer = &client->encoded;
    movex_wire_bytes encoded = {"", 0};
    if (!codec) return encoded;
    encoded.bytes = buffer->bytes + buffer->length;
    int status = movex_codec_encode(codec, payload, buffer->bytes + buffer->length, buffer->capacity - buffer->length,
                                    &encoded.length, NULL);
    assert(status == MOVEX_OK); /* it was settled when it was dispatched */
    (void)status;
    buffer->length += encoded.length;
    return encoded;
}

void movex_resource_number(movex_resource *resource, movex_pending_dispatch *dispatch)
{
    dispatch->sequence = ++resource->sequence;
    dispatch->sent_ms = resource->client->now_ms;
    dispatch->state = MOVEX_PENDING_SENT;
}

static bool send_dispatch(movex_resource *resource, movex_pending_dispatch *dispatch)
{
    movex_client                  *client = resource->client;
    const movex_rules             *rules = resource->rules;
    bool                           pair = dispatch->shown != MOVEX_NO_ACTION;
    movex_dispatch_private_message message = {
        .hidden = {.number = resource->number, .action = dispatch->action},
        .revealed = dispatch->revealed,
        .shown_action = dispatch->shown,
    };
    if (dispatch->secret) return movex_secrets_send(resource, dispatch);
    client->encoded.length = 0;
    if (!movex_buffer_reserve(&client->encoded, &client->allocator, 2 * rules->max_encoded)) return false;
    message.hidden.payload = movex_resource_encode(client, rules->payloads[dispatch->action], dispatch->payload);
    if (pair)
        message.shown_payload =
            movex_resource_encode(client, rules->payloads[dispatch->shown], dispatch->shown_payload);
    movex_writer writer = movex_client_message(client, client->encoded.length);
    if (!writer.at) return false;
    movex_resource_number(resource, dispatch);
    message.hidden.sequence = dispatch->sequence;
    if (pair)
        movex_write_dispatch_private(&writer, &message);
    else
        movex_write_dispatch(&writer, &message.hidden);
    movex_client_send(client, &writer);
    return true;
}

/* Tries it on the local state. False if it is not to be sent. */
static bool try_dispatch(movex_resource *resource, movex_pending_dispatch *dispatch)
{
    int answer;
    dispatch->state = MOVEX_PENDING_UNSENT;
    if (movex_rules_is_reserved(resource->rules, dispatch->action)) {
        movex_pending_answer(dispatch, MOVEX_EVENT_REFUSED, MOVEX_REFUSED_RESERVED, 0);
        return false;
    }
    if (!movex_replica_predict(resource, dispatch, &answer)) {
        movex_replica_touch(resource); /* tried again at the next poll, with everything else */
        return true;
    }
    if (answer == MOVEX_ACCEPT) return true;
    movex_pending_answer(dispatch, MOVEX_EVENT_REFUSED, answer, 0);
    return false;
}

/* False if it must wait: for memory, or until what is queued already has gone. */
static bool send_or_wait(movex_resource *resource, movex_pending_dispatch *dispatch)
{
    movex_client *client = resource->client;
    if (client->paced) return false;
    client->paced = movex_channel_queued(&client->channel) > client->channel.max_queue / 2;
    if (client->paced) return false;
    if (send_dispatch(resource, dispatch)) return true;
    movex_client_break(client, false, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
    return false;
}

void movex_resource_send_pending(movex_resource *resource)
{
    if (resource->stale.list && !movex_replica_rebase(resource)) movex_replica_touch(resource);
    for (movex_node *node = resource->pending.first, *next; node; node = next) {
        movex_pending_dispatch *dispatch = movex_pending_of(node);
        next = node->next;
        if (dispatch->state == MOVEX_PENDING_HELD) {
            dispatch->revealed = resource->fold.revealed; /* nothing was known when it was dispatched */
            if (!try_dispatch(resource, dispatch)) continue;
        }
        if (dispatch->state == MOVEX_PENDING_UNSENT) send_or_wait(resource, dispatch);
    }
    if (resource->sealing) movex_secrets_open(resource);
}

static int may_dispatch(const movex_resource *resource, uint32_t action, uint32_t shown, movex_error *error)
{
    const movex_type *type = resource->rules->type;
    if (resource->client->phase == MOVEX_PHASE_CLOSED)
        return movex_error_set(error, MOVEX_ERR_CLOSED, "the client has given up: ", resource->client->text, NULL);
    if (resource->binds == 0 || resource->binding == MOVEX_BINDING_REFUSED || resource->binding == MOVEX_BINDING_GONE)
        return movex_error_set(error, MOVEX_ERR_NOT_BOUND, type->name, ":", resource->id, " is not bound", NULL);
    if (action >= type->action_count || (shown != MOVEX_NO_ACTION && shown >= type->action_count))
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "type ", type->name, " has no such action", NULL);
    return MOVEX_OK;
}

/* `shown` is MOVEX_NO_ACTION for a public one. */
static movex_ticket dispatch_either(movex_resource *resource, uint32_t action, const void *payload, uint32_t shown,
                                    const void *shown_payload)
{
    if (!resource || may_dispatch(resource, action, shown, &resource->client->error) != MOVEX_OK) return 0;
    movex_pending_dispatch *dispatch = movex_pending_new(resource, action, payload, shown, shown_payload);
    if (!dispatch) return 0;
    if (resource->sealing && shown != MOVEX_NO_ACTION && movex_secrets_make(resource, dispatch) != MOVEX_OK) {
        movex_pending_cancel(dispatch);
        return 0;
    }
    movex_ticket ticket = dispatch->ticket;
    if (!resource->has_state) return ticket;
    if (resource->stale.list && !movex_replica_rebase(resource)) {
        movex_replica_touch(resource);
        movex_pending_cancel(dispatch);
        movex_error_set(&resource->client->error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        return 0;
    }
    if (!try_dispatch(resource, dispatch)) return ticket;
    if (resource->binding == MOVEX_BINDING_LIVE) send_or_wait(resource, dispatch);
    return ticket;
}

movex_ticket movex_dispatch(movex_resource *resource, uint32_t action, const void *payload)
{
    return dispatch_either(resource, action, payload, MOVEX_NO_ACTION, NULL);
}

movex_ticket movex_dispatch_private(movex_resource *resource, uint32_t action, const void *payload, uint32_t shown,
                                    const void *shown_payload)
{
    /* MOVEX_NO_ACTION is no action of anybody's. */
    uint32_t other = shown == MOVEX_NO_ACTION ? MOVEX_NO_ACTION - 1 : shown;
    return dispatch_either(resource, action, payload, other, shown_payload);
}

/* ---- freeing */

void movex_resource_free(movex_resource *resource)
{
    movex_client *client = resource->client;
    movex_resource_gone(resource);
    client->gone--;
    movex_list_remove(&resource->source.node);
    movex_list_remove(&resource->fold.source.node);
    movex_list_remove(&resource->remembered.source.node);
    if (resource->sealing) movex_list_remove(&resource->sealing->source.node);
    for (movex_node *node = client->sources.first, *next; node && resource->answered_count; node = next) {
        next = node->next;
        if (((movex_source *)(void *)node)->resource == resource) movex_list_remove(node);
    }
    movex_list_remove(&resource->stale);
    movex_list_remove(&resource->of_client);
    movex_map_remove(&client->by_name, key_of(resource->rules->type, resource->id), resource);
    client->resource_count--;
    movex_pending_free(resource);
    movex_replica_free(resource);
    movex_release(&client->allocator, resource->text, MOVEX_ERROR_TEXT_SIZE);
    movex_release(&client->allocator, resource, sizeof *resource);
}

void movex_resource_collect(movex_client *client)
{
    for (movex_node *node = client->resources.first, *next; node; node = next) {
        movex_resource *resource = movex_resource_of_client(node);
        next = node->next;
        if (resource->binding == MOVEX_BINDING_GONE && resource->binds == 0 && resource->answered_count == 0)
            movex_resource_free(resource);
    }
}

/* ---- reading */

static const void *local_state(const movex_resource *resource)
{
    if (resource->predicted) return resource->local.state;
    return resource->sealing && resource->sealing->has_own ? resource->sealing->own.state : resource->confirmed.state;
}

const void *movex_state(const movex_resource *resource)
{
    if (!resource) return NULL;
    if (!resource->transformed) return local_state(resource);
    movex_context context = movex_replica_context(resource, resource->version, NULL);
    movex_codec_copy(resource->rules->state, resource->transformed, local_state(resource));
    resource->rules->type->transform(resource->transformed, &context);
    return resource->transformed;
}

void movex_fork(const movex_resource *resource, void *state)
{
    if (resource) movex_codec_copy(resource->rules->state, state, local_state(resource));
}

int movex_try(movex_resource *resource, uint32_t action, const void *payload)
{
    if (!resource) return MOVEX_REFUSED_NOT_BOUND;
    movex_client      *client = resource->client;
    const movex_rules *rules = resource->rules;
    if (action >= rules->type->action_count) return MOVEX_REFUSED_UNKNOWN_ACTION;
    if (movex_rules_is_reserved(rules, action)) return MOVEX_REFUSED_RESERVED;
    if (movex_rules_take_payload(rules, action, payload, client->payload, NULL) != MOVEX_OK)
        return MOVEX_REFUSED_INVALID_PAYLOAD;
    if (rules->type->actions[action].flags & MOVEX_MASTER_ONLY) return MOVEX_ACCEPT;
    uint64_t            seed = client->last_ticket + UINT64_C(1);
    movex_random_source random = {.seed = movex_splitmix64(&seed)};
    movex_context context = movex_replica_context(resource, resource->version + resource->pending_count + 1, &random);
    movex_view   *view = resource->predicted ? &resource->local : movex_sealing_view(resource);
    client->stats.reduces++;
    return movex_view_try(view, action, rules->payloads[action] ? client->payload : NULL, &context);
}

const movex_rules *movex_resource_rules(const movex_resource *resource)
{
    return resource ? resource->rules : NULL;
}

const void *movex_confirmed_state(const movex_resource *resource)
{
    return resource ? resource->confirmed.state : NULL;
}

uint64_t movex_version(const movex_resource *resource)
{
    return resource ? resource->version : 0;
}

uint64_t movex_checksum(const movex_resource *resource)
{
    return resource ? resource->confirmed.hashes.checksum : 0;
}

bool movex_in_sync(const movex_resource *resource)
{
    return resource && resource->binding == MOVEX_BINDING_LIVE && !resource->resyncing;
}

uint32_t movex_pending(const movex_resource *resource)
{
    return resource ? resource->pending_count : 0;
}

const char *movex_resource_id(const movex_resource *resource)
{
    return resource ? resource->id : NULL;
}

const movex_type *movex_resource_type(const movex_resource *resource)
{
    return resource ? resource->rules->type : NULL;
}

movex_client *movex_resource_client(const movex_resource *resource)
{
    return resource ? resource->client : NULL;
}
