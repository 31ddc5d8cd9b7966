/* The reveal: every view becomes the full one, with the entry that caused it, and each client gets whichever is shorter: the
   hidden halves, with which it folds again from its base, or the difference between what it holds and what it is to hold. */
#include "master_internal.h"

#include "hash.h"

bool movex_reveal_is_due(const movex_master_resource *resource)
{
    const movex_hidden *hidden = resource->hidden;
    return hidden && hidden->hider_count > 0 && resource->rules->type->can_reconcile(resource->view.state);
}

/* ---- records */

static movex_wire_records records_of(const movex_buffer *buffer, uint32_t count)
{
    return (movex_wire_records){.count = count, .bytes = {buffer->bytes, buffer->length}};
}

static movex_wire_bytes payload_of(const movex_hidden *hidden, const movex_pair *pair)
{
    if (!pair->payload_length) return (movex_wire_bytes){"", 0};
    return (movex_wire_bytes){hidden->payloads.bytes + pair->payload_at, pair->payload_length};
}

/* The halves for a receiver of that session, which has its own; 0: a stranger. False if there is no memory. */
static bool write_halves(movex_master *master, const movex_hidden *hidden, uint64_t session, uint64_t version,
                         movex_buffer *buffer)
{
    const movex_disclosure *last = &hidden->last;
    buffer->length = 0;
    if (!movex_buffer_reserve(buffer, &master->allocator,
                              last->pair_count * (size_t)MOVEX_RECORD_OVERHEAD + hidden->payloads.length))
        return false;
    movex_writer writer = movex_writer_over(buffer->bytes, buffer->capacity);
    for (uint32_t i = 0; i < last->pair_count; i++) {
        const movex_pair         *pair = &last->pairs[i];
        const movex_reveal_record record = {
            .back = version - pair->version,
            .known = pair->session == session,
            .action = pair->action,
            .payload = payload_of(hidden, pair),
            .seeded = pair->drew,
            .seed = pair->seed,
        };
        movex_write_reveal_record(&writer, true, &record);
    }
    buffer->length = (size_t)(writer.at - buffer->bytes);
    return true;
}

static bool write_names(movex_master *master, const movex_hidden *hidden, uint64_t version, movex_buffer *buffer)
{
    const movex_disclosure *last = &hidden->last;
    buffer->length = 0;
    if (!movex_buffer_reserve(buffer, &master->allocator, last->pair_count * (size_t)MOVEX_RECORD_OVERHEAD))
        return false;
    movex_writer writer = movex_writer_over(buffer->bytes, buffer->capacity);
    for (uint32_t i = 0; i < last->pair_count; i++) {
        const movex_pair         *pair = &last->pairs[i];
        const movex_reveal_record record = {
            .back = version - pair->version,
            .author = {pair->author, (uint32_t)strlen(pair->author)},
        };
        movex_write_reveal_record(&writer, false, &record);
    }
    buffer->length = (size_t)(writer.at - buffer->bytes);
    return true;
}

bool movex_reveal_names(movex_master *master, const movex_master_resource *resource, movex_wire_records *names)
{
    const movex_hidden *hidden = resource->hidden;
    movex_buffer       *buffer = &master->receiver_records;
    *names = (movex_wire_records){0};
    if (!hidden || !hidden->last.pair_count) return true;
    if (!write_names(master, hidden, resource->revealed, buffer)) return false;
    *names = records_of(buffer, hidden->last.pair_count);
    return true;
}

/* ---- revealing */

movex_reveal movex_reveal_start(movex_master *master, movex_master_resource *resource, uint64_t version)
{
    movex_hidden    *hidden = resource->hidden;
    movex_hider     *full = hidden->full ? hidden->full : hidden->hiders[0];
    movex_disclosure kept = hidden->last;
    movex_view_swap(&resource->view, &full->view);
    hidden->last = hidden->next;
    hidden->next = kept;
    hidden->next.pair_count = 0;
    resource->revealed = version;
    movex_overturned_reveal(resource, version);
    master->stats.reveals++;

    movex_reveal reveal = {.from = hidden->base, .before = &full->view, .full = hidden->full ? NULL : full};
    reveal.foldable = hidden->foldable && version - hidden->base <= resource->rules->fold_limit &&
                      write_halves(master, hidden, 0, version, &master->public_records);
    if (reveal.foldable) reveal.halves = records_of(&master->public_records, hidden->last.pair_count);
    return reveal;
}

bool movex_reveal_difference(movex_master *master, const movex_codec *codec, const void *from, const void *to,
                             movex_entry_message *message)
{
    movex_buffer *buffer = &master->patch;
    int           status;
    buffer->length = 0;
    do {
        size_t needed;
        status = movex_codec_difference(codec, from, to, buffer->bytes, buffer->capacity, &needed);
        message->patch = (movex_wire_bytes){buffer->bytes, needed};
        if (status == MOVEX_ERR_LIMIT && !movex_buffer_reserve(buffer, &master->allocator, needed)) return false;
        message->patch.bytes = buffer->bytes;
    } while (status != MOVEX_OK);
    return true;
}

bool movex_reveal_write(movex_master *master, const movex_master_resource *resource, const movex_reveal *reveal,
                        const movex_hider *hider, bool can_fold, const void *from, const void *to,
                        movex_entry_message *message)
{
    const movex_hidden *hidden = resource->hidden;
    movex_buffer       *buffer = &master->receiver_records;
    message->flags |= MOVEX_ENTRY_REVEALS | MOVEX_ENTRY_PATCHED;
    if (!movex_reveal_difference(master, resource->rules->state, from, to, message)) return false;
    if (!write_names(master, hidden, resource->revealed, buffer)) return false;
    message->records = records_of(buffer, hidden->last.pair_count);
    if (!can_fold || !reveal->foldable) return true;

    size_t             difference = message->patch.length + message->records.bytes.length;
    movex_wire_records halves = reveal->halves;
    if (hider) {
        if (!write_halves(master, hidden, hider->session->number, resource->revealed, buffer)) return false;
        halves = records_of(buffer, hidden->last.pair_count);
    }
    if (halves.bytes.length <= difference) {
        message->flags &= ~(unsigned)MOVEX_ENTRY_PATCHED;
        message->records = halves;
    } else if (hider) {
        if (!write_names(master, hidden, resource->revealed, buffer)) return false;
        message->records = records_of(buffer, hidden->last.pair_count); /* it may have moved */
    }
    return true;
}

/* ---- observing */

uint64_t movex_reveal_digest(const movex_master_resource *resource, uint64_t digest)
{
    const movex_hidden     *hidden = resource->hidden;
    const movex_disclosure *last = &hidden->last;
    for (uint32_t i = 0; i < last->pair_count; i++) {
        const movex_pair *pair = &last->pairs[i];
        digest = movex_xxh64_number(digest, pair->version);
        digest = movex_xxh64(pair->author, strlen(pair->author), digest);
        if (!resource->rules->fold_limit) continue; /* then halves are never sent */
        digest = movex_xxh64_number(digest, pair->action);
        digest = movex_xxh64(payload_of(hidden, pair).bytes, pair->payload_length, digest);
        if (pair->drew) digest = movex_xxh64_number(digest, pair->seed);
    }
    return movex_overturned_digest(resource, digest);
}
