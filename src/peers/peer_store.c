#include "peer_store.h"

#include <assert.h>

enum {
    MOST_UNCOMMITTED = 8 << 20, /* bytes taken and not committed, past which nothing more is */
    LARGEST_KEPT = 256 << 10    /* bytes of a buffer that is kept when nothing is in it */
};

/* An entry that is not known to be committed. */
typedef struct flight {
    uint64_t index;  /* of the entry */
    uint64_t number; /* of the last change in it */
    size_t   bytes;  /* that it takes */
} flight;

typedef struct open_name {
    movex_store_name name; /* length 0: free */
} open_name;

struct movex_room_store {
    movex_raft             *raft;
    uint64_t                term; /* in which it is the master's */
    const movex_room_files *files;
    movex_allocator         allocator;
    open_name              *names; /* a file is the number of its name, less 1 */
    uint32_t                name_count, name_capacity;
    movex_buffer            batch; /* changes that were taken and not proposed */
    size_t                  uncommitted; /* bytes in the batch and in all flights */
    uint64_t                taken, proposed, durable; /* numbers of changes */
    flight                 *flights; /* a ring */
    uint32_t                flight_first, flight_count, flight_capacity; /* capacity: 0 or a power of two */
};

/* ---- names */

static const movex_store_name *name_of(const movex_room_store *store, movex_store_file file)
{
    return file && file <= store->name_count && store->names[file - 1].name.length ? &store->names[file - 1].name : NULL;
}

static int store_open(void *self, const void *bytes, size_t length, movex_store_file *file)
{
    movex_room_store *store = self;
    uint32_t          i = 0, free = store->name_count;
    if (length == 0 || length > MOVEX_STORE_NAME_MAX) return MOVEX_ERR_ARGUMENT;
    for (; i < store->name_count; i++) {
        const movex_store_name *name = &store->names[i].name;
        if (name->length == length && memcmp(name->bytes, bytes, length) == 0) break;
        if (name->length == 0) free = i;
    }
    if (i == store->name_count) {
        i = free;
        if (!movex_grow(&store->allocator, &store->names, &store->name_capacity, sizeof *store->names, i + 1, 8))
            return MOVEX_ERR_MEMORY;
        store->names[i].name.length = length;
        memcpy(store->names[i].name.bytes, bytes, length);
        if (i == store->name_count) store->name_count++;
    }
    *file = i + 1;
    return MOVEX_OK;
}

/* ---- reading */

static const movex_room_file *find(const movex_room_store *store, movex_store_file file)
{
    const movex_store_name *name = name_of(store, file);
    return name ? movex_files_find(store->files, name->bytes, name->length) : NULL;
}

static int store_next(void *self, movex_store_name *name)
{
    movex_room_store      *store = self;
    const movex_room_file *file = movex_files_after(store->files, name);
    if (!file) return MOVEX_ERR_NOT_FOUND;
    *name = file->name;
    return MOVEX_OK;
}

static int store_size(void *self, movex_store_file file, uint64_t *size)
{
    const movex_room_file *found = find(self, file);
    if (!found) return MOVEX_ERR_NOT_FOUND;
    *size = found->content.length;
    return MOVEX_OK;
}

static int store_read(void *self, movex_store_file file, uint64_t offset, void *bytes, size_t capacity, size_t *length)
{
    const movex_room_file *found = find(self, file);
    if (!found) return MOVEX_ERR_NOT_FOUND;
    *length = 0;
    if (offset >= found->content.length) return MOVEX_OK;
    size_t left = found->content.length - (size_t)offset;
    *length = left < capacity ? left : capacity;
    memcpy(bytes, found->content.bytes + offset, *length);
    return MOVEX_OK;
}

/* No member ever holds a torn end: an entry is there wholly or not at all. */
static int store_truncate(void *self, movex_store_file file, uint64_t size)
{
    uint64_t now;
    int      status = store_size(self, file, &now);
    if (status != MOVEX_OK) return status;
    return now == size ? MOVEX_OK : MOVEX_ERR_ARGUMENT;
}

/* ---- changing */

static bool is_master(const movex_room_store *store)
{
    return movex_raft_role_of(store->raft) == MOVEX_RAFT_MASTER && movex_raft_term(store->raft) == store->term;
}

static int store_status(void *self, movex_error *error)
{
    if (is_master(self)) return MOVEX_OK;
    if (error) *error = (movex_error){.status = MOVEX_ERR_CLOSED, .text = "room: this peer is not its master any more"};
    return MOVEX_ERR_CLOSED;
}

static int store_reserve(void *self, size_t length, uint32_t count)
{
    movex_room_store *store = self;
    size_t            most = length + count * (size_t)MOVEX_CHANGE_OVERHEAD;
    if (!is_master(store)) return MOVEX_ERR_CLOSED;
    if (store->uncommitted && store->uncommitted + most > MOST_UNCOMMITTED) return MOVEX_ERR_AGAIN;
    return movex_buffer_reserve(&store->batch, &store->allocator, most) ? MOVEX_OK : MOVEX_ERR_MEMORY;
}

static int change(movex_room_store *store, movex_store_file file, movex_change_kind kind, const void *bytes,
                  size_t length, uint64_t *number)
{
    const movex_store_name *name = name_of(store, file);
    if (!name) return MOVEX_ERR_NOT_FOUND;
    size_t most = length + MOVEX_CHANGE_OVERHEAD;
    if (store->batch.capacity - store->batch.length < most) {
        int status = store_reserve(store, length, 1);
        if (status != MOVEX_OK) return status;
    }
    movex_writer writer = movex_writer_over(store->batch.bytes + store->batch.length,
                                            store->batch.capacity - store->batch.length);
    const movex_change what = {.kind = kind, .name = {name->bytes, name->length}, .bytes = {bytes, length}};
    movex_write_change(&writer, &what);
    size_t grown = (size_t)(writer.at - store->batch.bytes);
    store->uncommitted += grown - store->batch.length;
    store->batch.length = grown;
    *number = ++store->taken;
    return MOVEX_OK;
}

static int store_append(void *self, movex_store_file file, const void *bytes, size_t length, uint64_t *number)
{
    return change(self, file, MOVEX_CHANGE_APPEND, bytes, length, number);
}

static int store_replace(void *self, movex_store_file file, const void *bytes, size_t length, uint64_t *number)
{
    return change(self, file, MOVEX_CHANGE_REPLACE, bytes, length, number);
}

static int store_remove(void *self, movex_store_file file, uint64_t *number)
{
    movex_room_store *store = self;
    int               status = change(store, file, MOVEX_CHANGE_REMOVE, "", 0, number);
    if (status == MOVEX_OK) store->names[file - 1].name.length = 0;
    return status;
}

/* ---- committing */

void movex_room_store_flush(movex_room_store *store)
{
    if (store->batch.length == 0) return;
    uint32_t capacity = store->flight_capacity;
    if (store->flight_count == capacity) {
        if (!movex_grow(&store->allocator, &store->flights, &store->flight_capacity, sizeof *store->flights, capacity + 1, 16))
            return; /* tried again at the next flush */
        /* What had wrapped round the end goes behind it: the room has doubled at least. */
        memcpy(store->flights + capacity, store->flights, store->flight_first * sizeof *store->flights);
    }
    uint64_t index = is_master(store) ? movex_raft_propose(store->raft, store->batch.bytes, store->batch.length) : 0;
    if (!index) return;
    uint32_t at = (store->flight_first + store->flight_count++) & (store->flight_capacity - 1);
    store->flights[at] = (flight){.index = index, .number = store->taken, .bytes = store->batch.length};
    store->proposed = store->taken;
    if (store->batch.capacity > LARGEST_KEPT) movex_buffer_free(&store->batch, &store->allocator);
    store->batch.length = 0;
}

void movex_room_store_committed(movex_room_store *store, uint64_t index)
{
    if (!is_master(store)) return; /* it may be another one's entry that has come in place of this master's */
    while (store->flight_count && store->flights[store->flight_first].index <= index) {
        const flight *landed = &store->flights[store->flight_first];
        store->durable = landed->number;
        store->uncommitted -= landed->bytes;
        store->flight_first = (store->flight_first + 1) & (store->flight_capacity - 1);
        store->flight_count--;
    }
}

static int store_flush(void *self)
{
    movex_room_store *store = self;
    movex_room_store_flush(store);
    if (!is_master(store)) return MOVEX_ERR_CLOSED;
    return store->durable == store->taken ? MOVEX_OK : MOVEX_ERR_AGAIN;
}

static uint64_t store_durable(void *self)
{
    return ((const movex_room_store *)self)->durable;
}

static uint64_t store_taken(void *self)
{
    return ((const movex_room_store *)self)->taken;
}

static void store_destroy(void *self)
{
    movex_room_store *store = self;
    movex_allocator   allocator = store->allocator;
    movex_release(&allocator, store->names, store->name_capacity * sizeof *store->names);
    movex_release(&allocator, store->flights, store->flight_capacity * sizeof *store->flights);
    movex_buffer_free(&store->batch, &allocator);
    movex_release(&allocator, store, sizeof *store);
}

static const movex_store_ops room_store_ops = {
    .name = "room",
    .next = store_next,
    .open = store_open,
    .size = store_size,
    .read = store_read,
    .truncate = store_truncate,
    .reserve = store_reserve,
    .append = store_append,
    .replace = store_replace,
    .remove = store_remove,
    .flush = store_flush,
    .durable = store_durable,
    .taken = store_taken,
    .status = store_status,
    .destroy = store_destroy,
};

movex_room_store *movex_room_store_new(movex_raft *raft, const movex_room_files *files, const movex_allocator *allocator)
{
    movex_room_store *store = movex_allocate(allocator, sizeof *store);
    if (!store) return NULL;
    store->raft = raft;
    store->term = movex_raft_term(raft);
    store->files = files;
    store->allocator = *allocator;
    return store;
}

movex_store movex_room_store_of(movex_room_store *store)
{
    return (movex_store){.ops = &room_store_ops, .self = store};
}

void movex_room_store_check(const movex_room_store *store)
{
    uint64_t index = 0, number = store->durable;
    size_t   bytes = store->batch.length;
    for (uint32_t i = 0; i < store->flight_count; i++) {
        const flight *one = &store->flights[(store->flight_first + i) & (store->flight_capacity - 1)];
        assert(one->index > index && one->number > number);
        index = one->index;
        number = one->number;
        bytes += one->bytes;
    }
    assert(store->durable <= store->proposed && store->proposed <= store->taken && number <= store->proposed);
    assert(bytes == store->uncommitted);
    (void)index, (void)number, (void)bytes;
}
