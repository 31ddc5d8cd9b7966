#include "master_internal.h"

#include <movex/text.h>

enum { FIRST_RECORDS = 16, MOST_RECORDS = 256 };

static bool grow(movex_master *master)
{
    uint32_t             grown = master->record_capacity ? master->record_capacity * 2 : FIRST_RECORDS;
    movex_master_record *records = movex_allocate(&master->allocator, grown * sizeof *records);
    if (!records) return false;
    for (uint32_t i = 0; i < master->record_count; i++)
        records[i] = master->records[(master->record_first + i) % master->record_capacity];
    movex_release(&master->allocator, master->records, master->record_capacity * sizeof *records);
    master->records = records;
    master->record_capacity = grown;
    master->record_first = 0;
    return true;
}

static movex_master_record *next_free(movex_master *master)
{
    bool full = master->record_count == master->record_capacity;
    if (full && (master->record_capacity == MOST_RECORDS || !grow(master))) {
        master->stats.events_dropped++;
        if (master->record_capacity == 0) return NULL;
        master->record_first = (master->record_first + 1) % master->record_capacity; /* the oldest gives way */
        master->record_count--;
    }
    return &master->records[(master->record_first + master->record_count++) % master->record_capacity];
}

void movex_master_record_event(movex_master *master, movex_master_event_kind kind, const char *peer,
                               const movex_master_resource *resource, movex_status status, const char *text)
{
    movex_master_record *record = next_free(master);
    if (!record) return;
    *record = (movex_master_record){.kind = kind, .status = status};
    movex_text_set(record->peer, peer);
    movex_text_set(record->text, text);
    if (!resource) return;
    movex_text_set(record->type, resource->rules->type->name);
    movex_text_set(record->id, resource->id);
    record->version = resource->log.version;
    record->checksum = resource->view.hashes.checksum;
}

bool movex_master_next(movex_master *master, movex_master_event *event)
{
    if (!master || master->record_count == 0) return false;
    movex_master_record *drained = &master->drained;
    *drained = master->records[master->record_first];
    master->record_first = --master->record_count ? (master->record_first + 1) % master->record_capacity : 0;
    *event = (movex_master_event){
        .kind = drained->kind,
        .status = drained->status,
        .version = drained->version,
        .checksum = drained->checksum,
        .peer = drained->peer,
        .type = drained->type,
        .id = drained->id,
        .text = drained->text,
    };
    return true;
}
