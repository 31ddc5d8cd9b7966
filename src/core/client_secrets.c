/* What this client has sealed: salts, commitments, and what is kept of them until they are opened. */
#include "client_internal.h"

#include "format.h"
#include "seal.h"
#include "sha256.h"

/* A half that nobody else knows; its payload lies behind it. */
struct movex_secret {
    movex_node              node;     /* first member; in sealing.secrets */
    movex_pending_dispatch *dispatch; /* that it belongs to, until its outcome is known; else NULL */
    bool                    past;     /* its round is over, or was never seen: it is kept until the next one is, too */
    uint32_t                action, length; /* length: bytes of the payload */
    unsigned char           salt[MOVEX_SALT_SIZE], commitment[MOVEX_COMMITMENT_SIZE];
};

static unsigned char *payload_of(movex_secret *secret)
{
    return (unsigned char *)(secret + 1);
}

static void forget(movex_resource *resource, movex_secret *secret)
{
    size_t size = sizeof *secret + secret->length;
    movex_list_remove(&secret->node);
    resource->sealing->secret_count--;
    memset(secret, 0, size);
    movex_release(&resource->client->allocator, secret, size);
}

void movex_secrets_free(movex_resource *resource)
{
    while (resource->sealing->secrets.first) forget(resource, (movex_secret *)(void *)resource->sealing->secrets.first);
}

static movex_secret *find(const movex_resource *resource, const unsigned char *commitment)
{
    for (movex_node *node = resource->sealing->secrets.first; node; node = node->next) {
        movex_secret *secret = (movex_secret *)(void *)node;
        if (memcmp(secret->commitment, commitment, MOVEX_COMMITMENT_SIZE) == 0) return secret;
    }
    return NULL;
}

static bool is_in_round(const movex_resource *resource, const movex_secret *secret)
{
    const movex_sealed *round = &resource->sealing->round;
    for (uint32_t i = 0; i < round->count; i++)
        if (round->entries[i].sealed &&
            memcmp(round->entries[i].commitment, secret->commitment, MOVEX_COMMITMENT_SIZE) == 0)
            return true;
    return false;
}

void movex_secrets_age(movex_resource *resource)
{
    for (movex_node *node = resource->sealing->secrets.first, *next; node; node = next) {
        movex_secret *secret = (movex_secret *)(void *)node;
        next = node->next;
        if (secret->dispatch || is_in_round(resource, secret)) continue;
        if (secret->past)
            forget(resource, secret);
        else
            secret->past = true; /* a master that has lost the reveal may ask for it again */
    }
}

/* ---- dispatching */

static int make_salt(movex_client *client, unsigned char salt[MOVEX_SALT_SIZE])
{
    movex_sha256 hash;
    if (client->entropy && client->entropy(client->user, salt, MOVEX_SALT_SIZE) != MOVEX_OK)
        return movex_error_set(&client->error, MOVEX_ERR_SYSTEM, "the entropy hook failed", NULL);
    if (client->entropy) return MOVEX_OK;
    movex_sha256_start(&hash);
    movex_sha256_add_number(&hash, client->seed);
    movex_sha256_add_blob(&hash, client->id, strlen(client->id));
    movex_sha256_add_number(&hash, ++client->salts_made);
    movex_sha256_end(&hash, salt);
    return MOVEX_OK;
}

/* So that none are left over of sessions that have ended without a word. */
static void make_room(movex_resource *resource)
{
    movex_sealing *sealing = resource->sealing;
    uint64_t       most = (uint64_t)resource->client->limits.pending + 2 * (uint64_t)resource->client->limits.sealed;
    for (movex_node *node = sealing->secrets.first, *next; node && sealing->secret_count >= most; node = next) {
        movex_secret *secret = (movex_secret *)(void *)node;
        next = node->next;
        if (!secret->dispatch && !is_in_round(resource, secret)) forget(resource, secret);
    }
}

int movex_secrets_make(movex_resource *resource, movex_pending_dispatch *dispatch)
{
    movex_client      *client = resource->client;
    const movex_rules *rules = resource->rules;
    client->encoded.length = 0;
    bool             room = movex_buffer_reserve(&client->encoded, &client->allocator, rules->max_encoded);
    movex_wire_bytes payload = {"", 0};
    if (room) payload = movex_resource_encode(client, rules->payloads[dispatch->action], dispatch->payload);
    movex_secret *secret = room ? movex_allocate(&client->allocator, sizeof *secret + payload.length) : NULL;
    if (!secret) return movex_error_set(&client->error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    make_room(resource);
    secret->dispatch = dispatch;
    secret->action = dispatch->action;
    secret->length = (uint32_t)payload.length;
    if (payload.length) memcpy(payload_of(secret), payload.bytes, payload.length);
    movex_list_append(&resource->sealing->secrets, &secret->node);
    resource->sealing->secret_count++;
    int status = make_salt(client, secret->salt);
    if (status == MOVEX_OK)
        dispatch->secret = secret;
    else
        forget(resource, secret);
    return status;
}

void movex_secrets_answered(movex_pending_dispatch *dispatch, bool kept)
{
    movex_secret *secret = dispatch->secret;
    dispatch->secret = NULL;
    secret->dispatch = NULL;
    if (!kept) forget(dispatch->source.resource, secret);
}

bool movex_secrets_send(movex_resource *resource, movex_pending_dispatch *dispatch)
{
    movex_client                 *client = resource->client;
    const movex_rules            *rules = resource->rules;
    movex_secret                 *secret = dispatch->secret;
    movex_dispatch_sealed_message message = {
        .shown = {.number = resource->number, .action = dispatch->shown},
        .revealed = dispatch->revealed,
    };
    client->encoded.length = 0;
    if (!movex_buffer_reserve(&client->encoded, &client->allocator, rules->max_encoded)) return false;
    message.shown.payload = movex_resource_encode(client, rules->payloads[dispatch->shown], dispatch->shown_payload);
    movex_writer writer = movex_client_message(client, client->encoded.length);
    if (!writer.at) return false;
    movex_resource_number(resource, dispatch);
    message.shown.sequence = dispatch->sequence;
    const movex_seal seal = {
        .room = rules->room,
        .type = rules->type->name,
        .id = resource->id,
        .author = client->id,
        .subscription = resource->subscription,
        .sequence = dispatch->sequence,
        .salt = secret->salt,
        .action = secret->action,
        .payload = {payload_of(secret), secret->length},
    };
    movex_seal_commit(&seal, secret->commitment);
    memcpy(message.commitment, secret->commitment, MOVEX_COMMITMENT_SIZE);
    movex_write_dispatch_sealed(&writer, &message);
    movex_client_send(client, &writer);
    return true;
}

/* ---- opening */

bool movex_secrets_know(movex_resource *resource, movex_sealed_entry *entry)
{
    movex_sealed *round = &resource->sealing->round;
    if (strcmp(round->authors[entry->author].id, resource->client->id) != 0) return true; /* it may be a copy */
    movex_secret *secret = find(resource, entry->commitment);
    if (!secret || entry->opening != MOVEX_OPENING_NONE) return true;
    return movex_sealed_know(round, &resource->client->allocator, entry, secret->action,
                             (movex_wire_bytes){payload_of(secret), secret->length}, secret->salt);
}

static size_t size_of_openings(const movex_sealed *round)
{
    size_t size = 0;
    for (uint32_t i = 0; i < round->count; i++)
        if (round->entries[i].opening == MOVEX_OPENING_OWN)
            size += MOVEX_RECORD_OVERHEAD + round->entries[i].hidden_length;
    return size;
}

void movex_secrets_open(movex_resource *resource)
{
    movex_sealing             *sealing = resource->sealing;
    movex_sealed              *round = &sealing->round;
    movex_client              *client = resource->client;
    const movex_sealed_author *who = movex_sealed_author_of(round, client->id);
    if (!round->closing || sealing->opened || resource->binding != MOVEX_BINDING_LIVE || resource->resyncing) return;
    if (!who || who->opened) return;
    client->encoded.length = 0;
    if (!movex_buffer_reserve(&client->encoded, &client->allocator, size_of_openings(round))) {
        movex_client_break(client, false, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY));
        return;
    }
    movex_open_message message = {.number = resource->number, .closing = round->closing};
    movex_writer       records = movex_writer_over(client->encoded.bytes, client->encoded.capacity);
    for (uint32_t i = 0; i < round->count; i++) {
        const movex_sealed_entry  *entry = &round->entries[i];
        const movex_opening_record record = {
            .back = round->closing - entry->version,
            .salt = entry->salt,
            .action = entry->hidden_action,
            .payload = {round->bytes.bytes + entry->hidden_at, entry->hidden_length},
        };
        if (entry->opening != MOVEX_OPENING_OWN) continue;
        movex_write_opening_record(&records, &record);
        message.records.count++;
    }
    size_t length = message.records.count ? (size_t)(records.at - client->encoded.bytes) : 0;
    message.records.bytes = (movex_wire_bytes){client->encoded.bytes, length};
    movex_writer writer = movex_client_message(client, length);
    if (!writer.at) return;
    movex_write_open(&writer, &message);
    movex_client_send(client, &writer);
    sealing->opened = true;
}
