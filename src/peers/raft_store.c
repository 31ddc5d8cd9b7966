/* What a member must not forget lies in one file of its store, so that its parts stay in their order: first a record with the
   snapshot, or what is known without one, then records of terms and votes, of entries, and of where entries were cut off. */
#include "raft_internal.h"

#include "../core/hash.h"
#include "../core/record.h"

enum { FORMAT = 1, RECORD_HEAD = 1, RECORD_STATE, RECORD_ENTRY, RECORD_CUT };
enum { SMALL = 64 }; /* bytes of what a record has besides contents, membership and name */

static const char file_name[] = "raft";

static bool is_kept(const movex_raft *raft)
{
    return raft->config.store.ops != NULL;
}

static uint64_t seed(void)
{
    return movex_xxh64(file_name, sizeof file_name - 1, FORMAT);
}

uint64_t movex_raft_durable_index(const movex_raft *raft)
{
    if (!is_kept(raft)) return movex_raft_last(raft);
    uint64_t durable = raft->config.store.ops->durable(raft->config.store.self);
    uint32_t low = 0, high = raft->log.count; /* changes are numbered in the order of the log */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (raft->log.entries[middle].number <= durable)
            low = middle + 1;
        else
            high = middle;
    }
    return raft->log.snapshot_index + low;
}

bool movex_raft_state_is_durable(const movex_raft *raft)
{
    return !is_kept(raft) || raft->config.store.ops->durable(raft->config.store.self) >= raft->kept.number;
}

void movex_raft_store_flush(movex_raft *raft)
{
    movex_store store = raft->config.store;
    if (is_kept(raft) && store.ops->taken(store.self) > store.ops->durable(store.self)) store.ops->flush(store.self);
}

/* ---- writing */

/* A writer over the payload of a record in raft.out, which no message needs meanwhile. */
static movex_writer begin(movex_raft *raft, size_t length)
{
    raft->out.length = 0;
    raft->kept.failure = MOVEX_ERR_MEMORY;
    if (!movex_buffer_reserve(&raft->out, &raft->allocator, length + MOVEX_RECORD_FRAME)) return (movex_writer){0};
    return movex_writer_over(raft->out.bytes + MOVEX_RECORD_HEADER, length);
}

static bool append(movex_raft *raft, const movex_writer *writer, uint64_t *number)
{
    movex_store store = raft->config.store;
    size_t      length = (size_t)(writer->at - raft->out.bytes) - MOVEX_RECORD_HEADER;
    movex_record_seal(raft->out.bytes, (uint32_t)length, raft->kept.size, seed());
    raft->kept.failure =
        store.ops->append(store.self, raft->kept.file, raft->out.bytes, length + MOVEX_RECORD_FRAME, number);
    if (raft->kept.failure != MOVEX_OK) return false;
    raft->kept.size += length + MOVEX_RECORD_FRAME;
    return true;
}

static void write_state(movex_writer *writer, const movex_raft *raft)
{
    movex_write_u8(writer, RECORD_STATE);
    movex_write_number(writer, raft->term);
    movex_write_u64(writer, raft->voted_for);
    movex_write_number(writer, raft->branch);
    movex_write_number(writer, raft->joint);
    movex_write_number(writer, raft->committed);
}

bool movex_raft_store_state(movex_raft *raft)
{
    if (!is_kept(raft)) return true;
    movex_writer writer = begin(raft, SMALL);
    if (!writer.at) return false;
    write_state(&writer, raft);
    return append(raft, &writer, &raft->kept.number);
}

static void write_entry(movex_writer *writer, const raft_entry *entry, const void *bytes)
{
    movex_write_u8(writer, RECORD_ENTRY);
    movex_write_raft_entry(writer, &(movex_raft_wire_entry){entry->term, entry->kind, {bytes, entry->length}});
}

bool movex_raft_store_entry(movex_raft *raft, raft_entry *entry, const void *bytes)
{
    if (!is_kept(raft)) return true;
    movex_writer writer = begin(raft, SMALL + entry->length);
    if (!writer.at) return false;
    write_entry(&writer, entry, bytes);
    return append(raft, &writer, &entry->number);
}

bool movex_raft_store_cut(movex_raft *raft, uint64_t last)
{
    uint64_t number;
    if (!is_kept(raft)) return true;
    movex_writer writer = begin(raft, SMALL);
    if (!writer.at) return false;
    movex_write_u8(&writer, RECORD_CUT);
    movex_write_number(&writer, last);
    return append(raft, &writer, &number);
}

static void write_head(movex_writer *writer, const movex_raft *raft)
{
    const raft_log *log = &raft->log;
    movex_write_u8(writer, RECORD_HEAD);
    movex_write_u8(writer, FORMAT);
    movex_write_u64(writer, raft->self.number);
    movex_write_number(writer, strlen(raft->self.name));
    movex_write_bytes(writer, raft->self.name, strlen(raft->self.name));
    movex_write_u8(writer, raft->joins);
    movex_write_number(writer, log->snapshot_index);
    if (!log->snapshot_index) return;
    movex_write_number(writer, log->snapshot_term);
    movex_write_number(writer, log->snapshot_membership_index);
    movex_write_raft_membership(writer, &log->snapshot_membership);
    movex_write_bytes(writer, log->snapshot.bytes, log->snapshot.length);
}

/* Ends a record that begins at `at` of the buffer and whose payload has been written. */
static void seal(movex_buffer *all, const movex_writer *writer)
{
    size_t length = (size_t)(writer->at - (all->bytes + all->length)) - MOVEX_RECORD_HEADER;
    movex_record_seal(all->bytes + all->length, (uint32_t)length, all->length, seed());
    all->length += length + MOVEX_RECORD_FRAME;
}

static bool open_record(movex_buffer *all, const movex_allocator *allocator, size_t most, movex_writer *writer)
{
    if (!movex_buffer_reserve(all, allocator, most + MOVEX_RECORD_FRAME)) return false;
    *writer = movex_writer_over(all->bytes + all->length + MOVEX_RECORD_HEADER, most);
    return true;
}

static bool write_all(movex_raft *raft, movex_buffer *all)
{
    movex_writer writer;
    size_t       head = SMALL + MOVEX_NAME_SIZE + MOVEX_RAFT_MEMBERSHIP_MOST + raft->log.snapshot.length;
    if (!open_record(all, &raft->allocator, head, &writer)) return false;
    write_head(&writer, raft);
    seal(all, &writer);
    if (!open_record(all, &raft->allocator, SMALL, &writer)) return false;
    write_state(&writer, raft);
    seal(all, &writer);
    for (uint32_t i = 0; i < raft->log.count; i++) {
        const raft_entry *entry = &raft->log.entries[i];
        if (!open_record(all, &raft->allocator, SMALL + entry->length, &writer)) return false;
        write_entry(&writer, entry, movex_raft_content(raft, entry));
        seal(all, &writer);
    }
    return true;
}

bool movex_raft_store_all(movex_raft *raft)
{
    movex_store  store = raft->config.store;
    movex_buffer all = {0};
    if (!is_kept(raft)) return true;
    int *failure = &raft->kept.failure;
    *failure = MOVEX_ERR_MEMORY;
    if (write_all(raft, &all))
        *failure = store.ops->replace(store.self, raft->kept.file, all.bytes, all.length, &raft->kept.number);
    bool ok = *failure == MOVEX_OK;
    if (ok) raft->kept.size = all.length;
    for (uint32_t i = 0; ok && i < raft->log.count; i++) raft->log.entries[i].number = raft->kept.number;
    movex_buffer_free(&all, &raft->allocator);
    return ok;
}

/* ---- reading */

static int take_head(movex_raft *raft, movex_reader *reader)
{
    raft_log *log = &raft->log;
    uint8_t   format = movex_read_u8(reader);
    if (!reader->failed && format > FORMAT) return MOVEX_ERR_UNSUPPORTED;
    uint64_t             number = movex_read_u64(reader);
    size_t               length = (size_t)movex_read_number_to(reader, MOVEX_NAME_MAX);
    const unsigned char *name = movex_read_bytes(reader, length);
    raft->joins = movex_read_u8(reader) != 0;
    log->snapshot_index = movex_read_number(reader);
    if (reader->failed || format != FORMAT || number == 0) return MOVEX_ERR_DAMAGED;
    if (strlen(raft->self.name) != length || memcmp(raft->self.name, name, length) != 0) return MOVEX_ERR_ARGUMENT;
    raft->self.number = number;
    if (!log->snapshot_index) return movex_reader_left(reader) == 0 ? MOVEX_OK : MOVEX_ERR_DAMAGED;
    log->snapshot_term = movex_read_number(reader);
    log->snapshot_membership_index = movex_read_number_to(reader, log->snapshot_index);
    if (!movex_read_raft_membership_of(reader, &log->snapshot_membership) || !log->snapshot_term ||
        log->snapshot_index > MOVEX_RAFT_NUMBER_MOST)
        return MOVEX_ERR_DAMAGED;
    size_t left = movex_reader_left(reader);
    if (!movex_buffer_reserve(&log->snapshot, &raft->allocator, left)) return MOVEX_ERR_MEMORY;
    if (left) memcpy(log->snapshot.bytes, reader->at, left);
    log->snapshot.length = left;
    raft->committed = log->snapshot_index;
    /* It may have been a member, of one that is not the last any more. */
    raft->was_member = movex_raft_is_member(&log->snapshot_membership, raft->self.number);
    movex_raft_log_membership(raft, raft->committed, &raft->membership, &raft->membership_index);
    return MOVEX_OK;
}

static int take_state(movex_raft *raft, movex_reader *reader)
{
    uint64_t term = movex_read_number(reader);
    if (term < raft->term || term > MOVEX_RAFT_NUMBER_MOST) return MOVEX_ERR_DAMAGED;
    raft->term = term;
    raft->voted_for = movex_read_u64(reader);
    raft->branch = movex_read_number(reader);
    raft->joint = movex_read_number(reader);
    raft->committed = movex_read_number(reader);
    return reader->failed || movex_reader_left(reader) ? MOVEX_ERR_DAMAGED : MOVEX_OK;
}

static int take_entry(movex_raft *raft, movex_reader *reader)
{
    movex_raft_wire_entry entry;
    if (!movex_read_raft_entry(reader, &entry) || movex_reader_left(reader)) return MOVEX_ERR_DAMAGED;
    if (entry.term < movex_raft_term_at(raft, movex_raft_last(raft)) || entry.term > raft->term)
        return MOVEX_ERR_DAMAGED;
    return movex_raft_log_add(raft, entry.term, entry.kind, entry.bytes.bytes, entry.bytes.length) ? MOVEX_OK
                                                                                                   : MOVEX_ERR_MEMORY;
}

static int take_cut(movex_raft *raft, movex_reader *reader)
{
    uint64_t last = movex_read_number(reader);
    if (reader->failed || movex_reader_left(reader) || last < raft->log.snapshot_index || last < raft->committed ||
        last > movex_raft_last(raft))
        return MOVEX_ERR_DAMAGED;
    return movex_raft_log_cut(raft, last) ? MOVEX_OK : MOVEX_ERR_MEMORY;
}

static int take_record(movex_raft *raft, movex_reader *reader)
{
    switch (movex_read_u8(reader)) {
    case RECORD_HEAD: return take_head(raft, reader);
    case RECORD_STATE: return take_state(raft, reader);
    case RECORD_ENTRY: return take_entry(raft, reader);
    case RECORD_CUT: return take_cut(raft, reader);
    default: return MOVEX_ERR_DAMAGED;
    }
}

/* What all records together must come to. */
static bool is_whole(const movex_raft *raft)
{
    const raft_log *log = &raft->log;
    return log->snapshot_index <= raft->committed && raft->committed <= movex_raft_last(raft) &&
           raft->joint <= raft->committed && raft->branch <= movex_raft_last(raft) && log->snapshot_term <= raft->term;
}

static const char *words_for(int status)
{
    switch (status) {
    case MOVEX_ERR_ARGUMENT: return "it was kept by a peer of another id";
    case MOVEX_ERR_UNSUPPORTED: return "it was kept by a later version";
    case MOVEX_ERR_DAMAGED: return "it is damaged";
    default: return movex_status_text(status);
    }
}

/* Goes through the file; what a crash has torn off its end was promised to nobody. */
static int read_all(movex_raft *raft, movex_store store)
{
    const unsigned char *payload;
    size_t               length;
    uint64_t             beyond, size;
    int                  status = MOVEX_OK;
    movex_record_scan    scan =
        movex_record_scan_from(store, raft->kept.file, 0, seed(), MOVEX_RECORD_MOST, &raft->allocator);
    for (bool first = true;
         status == MOVEX_OK && movex_record_scan_next(&scan, &payload, &length) == MOVEX_RECORD_WHOLE; first = false) {
        movex_reader reader = movex_reader_over(payload, length);
        if (first != (payload[0] == RECORD_HEAD)) status = MOVEX_ERR_DAMAGED;
        if (status == MOVEX_OK) status = take_record(raft, &reader);
    }
    if (status == MOVEX_OK && scan.state == MOVEX_RECORD_UNREADABLE) status = scan.status;
    if (status == MOVEX_OK && !is_whole(raft)) status = MOVEX_ERR_DAMAGED;
    if (status == MOVEX_OK && movex_record_scan_beyond(&scan, &beyond)) status = MOVEX_ERR_DAMAGED;
    raft->kept.size = scan.offset;
    if (status == MOVEX_OK && scan.state != MOVEX_RECORD_END) {
        status = store.ops->size(store.self, raft->kept.file, &size);
        if (status == MOVEX_OK && size > scan.offset)
            status = store.ops->truncate(store.self, raft->kept.file, scan.offset);
    }
    movex_record_scan_end(&scan);
    return status;
}

int movex_raft_store_open(movex_raft *raft, movex_error *error)
{
    movex_store store = raft->config.store;
    uint64_t    size;
    if (!is_kept(raft)) return MOVEX_OK;
    int  status = store.ops->open(store.self, file_name, sizeof file_name - 1, &raft->kept.file);
    bool known = status == MOVEX_OK && !raft->config.anew &&
                 store.ops->size(store.self, raft->kept.file, &size) == MOVEX_OK && size > 0;
    raft->cautious = known;
    if (known) {
        raft->config.store = (movex_store){0}; /* what is read is not written again */
        status = read_all(raft, store);
        raft->config.store = store;
    }
    if (status == MOVEX_OK && !movex_raft_store_all(raft)) status = raft->kept.failure;
    if (status == MOVEX_OK) return MOVEX_OK;
    return movex_error_set(error, (movex_status)status, "store: raft: ", words_for(status), NULL);
}
