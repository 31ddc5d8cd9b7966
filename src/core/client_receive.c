#include "client_internal.h"

#include "format.h"

enum { MOST_SLOTS = 1 << 20 }; /* subscribers of a resource that a master may name */

static movex_resource *by_number(const movex_client *client, uint32_t number)
{
    return movex_map_get(&client->by_number, number, NULL, NULL);
}

static movex_resource *by_tag(const movex_client *client, uint64_t tag)
{
    for (movex_node *node = client->tagged.first; node; node = node->next) { /* nearly always the first */
        movex_resource *resource = movex_resource_of_tagged(node);
        if (resource->tag == tag) return resource;
    }
    return NULL;
}

static void welcomed(movex_client *client, const movex_welcome_message *welcome)
{
    bool resumed = welcome->resumed && client->has_token;
    memcpy(client->token, welcome->token, MOVEX_TOKEN_SIZE);
    client->has_token = true;
    client->epoch = welcome->epoch;
    client->pending_limit =
        welcome->pending < client->limits.pending ? (uint32_t)welcome->pending : client->limits.pending;
    if (welcome->max_frame < client->channel.max_frame) client->channel.max_frame = (size_t)welcome->max_frame;
    client->failure_reason = 0;
    client->clock_known = client->clock_known && resumed; /* another master has another clock */
    client->stats.connects++;
    movex_client_learn_time(client, welcome->now_ms, client->greeted_ms);
    for (movex_node *node = client->resources.first, *next; node; node = next) {
        next = node->next;
        movex_resource_connected(movex_resource_of_client(node), resumed);
    }
    movex_writer writer = movex_client_message(client, 0);
    if (writer.at) {
        movex_write_numbered(&writer, MOVEX_MESSAGE_FORGET, 0); /* what else the session may have bound before */
        movex_client_send(client, &writer);
    }
    client->phase = MOVEX_PHASE_OPEN; /* only now: until here, each has been asked for in its turn */
}

/* Each of these takes one message behind its first byte; false if it is not of its form, or about what is not there. */

static bool take_welcome(movex_client *client, movex_reader *reader)
{
    movex_welcome_message message;
    if (!movex_read_welcome(reader, &message) || client->phase != MOVEX_PHASE_GREETING) return false;
    welcomed(client, &message);
    return true;
}

static bool take_error(movex_client *client, movex_reader *reader)
{
    movex_error_message message;
    char                text[MOVEX_ERROR_TEXT_SIZE] = {0};
    if (!movex_read_error(reader, &message)) return false;
    movex_client_take_text(text, message.text);
    client->failure_reason = message.reason;
    /* Once it was let in, what it sends is well formed: then it was garbled on its way, and the next link may do better. */
    bool garbled = client->phase == MOVEX_PHASE_OPEN &&
                   (message.status == MOVEX_ERR_MALFORMED || message.status == MOVEX_ERR_PROTOCOL);
    movex_client_break(client, !garbled && !movex_status_is_temporary(message.status), message.status,
                       text[0] ? text : movex_status_text(message.status));
    return true;
}

static bool take_bound(movex_client *client, movex_reader *reader)
{
    movex_bound_message message;
    if (!movex_read_bound(reader, &message)) return false;
    movex_resource *resource = by_tag(client, message.tag);
    if (!resource || by_number(client, message.number)) return false;
    if (message.resumed && !resource->has_state) return false;
    movex_resource_bound(resource, &message);
    return true;
}

static bool take_bind_refused(movex_client *client, movex_reader *reader)
{
    movex_bind_refused_message message;
    if (!movex_read_bind_refused(reader, &message)) return false;
    movex_resource *resource = by_tag(client, message.tag);
    if (resource) movex_resource_bind_refused(resource, &message);
    return resource != NULL;
}

static bool take_unbound(movex_client *client, movex_reader *reader)
{
    movex_unbound_message message;
    if (!movex_read_unbound(reader, &message)) return false;
    movex_resource *resource = by_number(client, message.number);
    if (!resource) return true;                                          /* it and an UNBIND may have crossed */
    if (message.status == MOVEX_OK && resource->binds > 0) return false; /* nobody has asked for it */
    movex_resource_unbound(resource, &message);
    return true;
}

static bool take_snapshot(movex_client *client, movex_reader *reader)
{
    movex_snapshot_message message;
    if (!movex_read_snapshot(reader, &message)) return false;
    movex_resource *resource = by_number(client, message.number);
    if (!resource) return false;
    movex_replica_snapshot(resource, &message);
    if (client->broken) return true;
    bool first = !resource->has_state;
    resource->has_state = true;
    if (resource->binding == MOVEX_BINDING_UNBINDING) return true;
    resource->binding = MOVEX_BINDING_LIVE;
    if (first) movex_resource_announce(resource, MOVEX_NEWS_BOUND);
    movex_resource_send_pending(resource);
    return true;
}

static bool take_outcome(movex_client *client, movex_reader *reader)
{
    movex_outcome_message message;
    if (!movex_read_outcome(reader, &message)) return false;
    movex_resource *resource = by_number(client, message.number);
    if (!resource) return true; /* unbound meanwhile */
    movex_pending_dispatch *dispatch = movex_pending_sent(resource, message.sequence);
    if (!dispatch) return false;
    movex_resource_told(resource, message.sequence);
    movex_event_kind kind = message.reason == MOVEX_ACCEPT ? MOVEX_EVENT_ACCEPTED : MOVEX_EVENT_REFUSED;
    if (kind == MOVEX_EVENT_ACCEPTED) movex_fold_own(resource, message.sequence, dispatch->ticket);
    movex_pending_answer(dispatch, kind, message.reason, kind == MOVEX_EVENT_ACCEPTED ? resource->version : 0);
    movex_replica_touch(resource);
    return true;
}

static bool take_overturned(movex_client *client, movex_reader *reader)
{
    movex_overturned_message message;
    if (!movex_read_overturned(reader, &message)) return false;
    movex_resource *resource = by_number(client, message.number);
    if (!resource || message.sequence == 0 || message.sequence > resource->sequence) return false;
    if (movex_pending_sent(resource, message.sequence)) return false; /* not accepted yet */
    movex_fold_overturn(resource, message.sequence, message.reason);
    return true;
}

static bool take_subscriber(movex_client *client, movex_reader *reader)
{
    movex_subscriber_message message;
    if (!movex_read_subscriber(reader, &message) || message.slot >= MOST_SLOTS) return false;
    if (message.named && movex_name_fault_in(message.id.bytes, message.id.length)) return false;
    movex_resource *resource = by_number(client, message.number);
    if (!resource) return false;
    if (!movex_peers_update(resource, &message))
        movex_client_break(client, false, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
    return true;
}

/* The sealed resource of that number, or NULL. */
static movex_resource *sealed_by_number(const movex_client *client, uint32_t number)
{
    movex_resource *resource = by_number(client, number);
    return resource && resource->sealing ? resource : NULL;
}

static bool take_sealed(movex_client *client, movex_reader *reader)
{
    movex_sealed_message message;
    if (!movex_read_sealed(reader, &message)) return false;
    movex_resource *resource = sealed_by_number(client, message.number);
    if (resource) movex_sealing_read(resource, &message);
    return resource != NULL;
}

static bool take_sealed_entry(movex_client *client, movex_reader *reader)
{
    movex_sealed_entry_message message;
    if (!movex_read_sealed_entry(reader, &message)) return false;
    movex_resource *resource = sealed_by_number(client, message.number);
    if (!resource || !resource->has_state || resource->sealing->is_read) return false;
    movex_sealing_entry(resource, &message);
    return true;
}

static bool take_sealed_step(movex_client *client, uint8_t kind, movex_reader *reader)
{
    movex_sealed_step_message message;
    if (!movex_read_sealed_step(reader, (movex_message_kind)kind, &message)) return false;
    movex_resource *resource = sealed_by_number(client, message.number);
    if (!resource || !resource->has_state || resource->sealing->is_read) return false;
    movex_sealing_step(resource, &message);
    return true;
}

static bool take_entry(movex_client *client, unsigned flags, movex_reader *reader)
{
    movex_entry_message message;
    if (!movex_read_entry(reader, flags, &message)) return false;
    movex_resource *resource = by_number(client, message.number);
    if (!resource || !resource->has_state || (resource->sealing && resource->sealing->is_read)) return false;
    movex_replica_entry(resource, &message);
    return true;
}

static bool take_message(movex_client *client, movex_reader *reader);

static bool take_chunk(movex_client *client, movex_reader *reader)
{
    movex_reader message;
    int          status = movex_channel_assemble(&client->channel, &client->allocator, reader, &message);
    if (status == MOVEX_ERR_AGAIN) return true;
    if (status == MOVEX_ERR_MALFORMED) return false;
    if (status != MOVEX_OK) {
        movex_client_break(client, false, (movex_status)status, movex_status_text(status));
        return true;
    }
    if (movex_reader_left(&message) && message.at[0] == MOVEX_MESSAGE_CHUNK) return false;
    return take_message(client, &message) && (client->broken || movex_reader_left(&message) == 0);
}

/* Before WELCOME nothing is bound: tags and numbers that are still known belong to the connection before. */
static bool may_come_first(uint8_t kind)
{
    return kind == MOVEX_MESSAGE_WELCOME || kind == MOVEX_MESSAGE_ERROR || kind == MOVEX_MESSAGE_CHUNK;
}

static bool take_other(movex_client *client, uint8_t kind, movex_reader *reader)
{
    switch (kind) {
    case MOVEX_MESSAGE_CHUNK: return take_chunk(client, reader);
    case MOVEX_MESSAGE_ERROR: return take_error(client, reader);
    case MOVEX_MESSAGE_WELCOME: return take_welcome(client, reader);
    case MOVEX_MESSAGE_BOUND: return take_bound(client, reader);
    case MOVEX_MESSAGE_BIND_REFUSED: return take_bind_refused(client, reader);
    case MOVEX_MESSAGE_UNBOUND: return take_unbound(client, reader);
    case MOVEX_MESSAGE_SNAPSHOT: return take_snapshot(client, reader);
    case MOVEX_MESSAGE_OUTCOME: return take_outcome(client, reader);
    case MOVEX_MESSAGE_SUBSCRIBER: return take_subscriber(client, reader);
    case MOVEX_MESSAGE_OVERTURNED: return take_overturned(client, reader);
    case MOVEX_MESSAGE_SEALED: return take_sealed(client, reader);
    case MOVEX_MESSAGE_SEALED_ENTRY: return take_sealed_entry(client, reader);
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE: return take_sealed_step(client, kind, reader);
    }
    return false;
}

static bool take_message(movex_client *client, movex_reader *reader)
{
    uint8_t kind = movex_read_u8(reader);
    if (client->phase != MOVEX_PHASE_OPEN && !may_come_first(kind)) return false;
    if (kind != MOVEX_MESSAGE_CHUNK && client->channel.assembly.length)
        return false;                                                 /* before the last part of another */
    if ((kind & ~(unsigned)MOVEX_ENTRY_FLAGS) == MOVEX_MESSAGE_ENTRY) /* nearly all are */
        return take_entry(client, kind & MOVEX_ENTRY_FLAGS, reader);
    return take_other(client, kind, reader);
}

void movex_client_receive(movex_client *client, const void *frame, size_t length)
{
    movex_reader reader = movex_reader_over(frame, length);
    client->stats.frames_received++;
    client->stats.bytes_received += length;
    while (movex_reader_left(&reader) && !client->broken) {
        uint8_t kind = reader.at[0];
        if (take_message(client, &reader)) continue;
        char         text[MOVEX_ERROR_TEXT_SIZE];
        movex_format format = movex_format_into(text, sizeof text);
        movex_format_text(&format, "the master sent a message that is malformed or does not belong here (0x");
        movex_format_hex(&format, kind, 2);
        movex_format_text(&format, ")");
        client->stats.protocol_errors++;
        movex_client_break(client, false, MOVEX_ERR_PROTOCOL, text);
    }
}
