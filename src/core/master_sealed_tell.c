/* Telling of what is sealed: entries with a commitment, and what belongs to a snapshot. */
#include "master_internal.h"

movex_writer movex_round_write_entry(movex_master *master, const movex_master_resource *resource,
                                     const movex_telling *telling)
{
    const movex_entry_message *entry = &telling->entry;
    movex_sealed_entry_message message = {
        .number = entry->number,
        .version = entry->version,
        .elapsed_ms = entry->elapsed_ms,
        .author = {telling->name, (uint32_t)strlen(telling->name)},
        .subscription = telling->author->serial,
        .sequence = entry->sequence,
        .action = entry->action,
        .payload = entry->payload,
        .seed = telling->deed->shown.seed,
        .checksum = resource->view.hashes.checksum,
    };
    memcpy(message.commitment, telling->deed->commitment, MOVEX_COMMITMENT_SIZE);
    movex_writer writer = movex_master_message(master, MOVEX_NAME_SIZE + entry->payload.length);
    if (writer.at) movex_write_sealed_entry(&writer, &message);
    return writer;
}

/* What the last reveal has let stand, in master.receiver_records. False if there is no memory. */
static bool write_forfeits(movex_master *master, const movex_master_resource *resource, movex_wire_records *forfeits)
{
    const movex_hidden *hidden = resource->hidden;
    movex_buffer       *buffer = &master->receiver_records;
    uint32_t            most = hidden ? hidden->last.pair_count : 0;
    *forfeits = (movex_wire_records){.bytes = {"", 0}};
    buffer->length = 0;
    if (!movex_buffer_reserve(buffer, &master->allocator, most * (size_t)MOVEX_RECORD_OVERHEAD)) return false;
    movex_writer writer = movex_writer_over(buffer->bytes, buffer->capacity);
    for (uint32_t i = 0; i < most; i++) {
        const movex_pair          *pair = &hidden->last.pairs[i];
        const movex_forfeit_record record = {
            resource->log.version - pair->version, {pair->author, (uint32_t)strlen(pair->author)}, pair->forfeit};
        if (pair->forfeit == MOVEX_ACCEPT) continue;
        movex_write_forfeit(&writer, &record);
        forfeits->count++;
    }
    if (forfeits->count) forfeits->bytes = (movex_wire_bytes){buffer->bytes, (size_t)(writer.at - buffer->bytes)};
    return true;
}

bool movex_round_send(movex_master *master, const movex_subscription *subscription)
{
    const movex_master_resource *resource = subscription->resource;
    const movex_sealed          *sealed = resource->sealed;
    movex_sealed_message         message = {.number = resource->number, .version = resource->log.version};
    bool                         open = sealed && movex_sealed_is_open(sealed);
    movex_buffer                *round = &master->public_records;
    if (!resource->rules->sealed) return true;
    if (subscription->revealed != resource->revealed && !write_forfeits(master, resource, &message.forfeits))
        return false;
    if (!open && !message.forfeits.count) return true;
    message.round = (movex_wire_bytes){"", 0};
    round->length = 0;
    if (open) {
        if (!movex_buffer_reserve(round, &master->allocator, movex_sealed_max_written(sealed))) return false;
        movex_writer over = movex_writer_over(round->bytes, round->capacity);
        movex_sealed_write(&over, sealed, false);
        message.round = (movex_wire_bytes){round->bytes, (size_t)(over.at - round->bytes)};
    }
    movex_writer writer = movex_master_message(master, message.forfeits.bytes.length + message.round.length);
    if (!writer.at) return false;
    movex_write_sealed(&writer, &message);
    movex_master_send(master, subscription->session->link, &writer);
    movex_channel_allow(&subscription->session->link->channel); /* or its snapshot would find no room behind it */
    return true;
}
