#include "queue.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    ALIGNMENT = _Alignof(max_align_t),
    /* Bytes of most segments; a longer change has one of its own. Several times what a master asks room for before it takes
       something in (64 KiB): what is left of a segment when that does not fit is lost until it is flushed. */
    SEGMENT = 256 << 10,
    MOST_SPARES = 4
};

#define ROUNDED(size) (((size) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)
#define SEGMENT_HEADER ROUNDED(sizeof(store_segment))
#define CHANGE_HEADER ROUNDED(sizeof(store_change))

/* ---- memory */

void *movex_store_allocate(const movex_allocator *allocator, size_t size)
{
    void *block = allocator->allocate(allocator->user, size);
    return block ? memset(block, 0, size) : NULL;
}

void movex_store_release(const movex_allocator *allocator, void *block, size_t size)
{
    if (block) allocator->release(allocator->user, block, size);
}

static void free_segments(store_queue *queue, store_segment *segment)
{
    for (store_segment *next; segment; segment = next) {
        next = segment->next;
        movex_store_release(&queue->allocator, segment, SEGMENT_HEADER + segment->capacity);
    }
}

static void free_file(store_queue *queue, store_file *file)
{
    queue->names = movex_store_names_remove(queue->names, &file->name);
    queue->files[file->number - 1] = NULL;
    queue->file_count--;
    if (file->number < queue->free_hint) queue->free_hint = file->number;
    movex_store_release(&queue->allocator, file, queue->file_size + file->name.length);
}

void movex_store_queue_init(store_queue *queue, const movex_allocator *allocator, size_t file_size, size_t most_waiting,
                            uint32_t most_files)
{
    *queue = (store_queue){.allocator = allocator && allocator->allocate ? *allocator : movex_allocator_default(),
                           .file_size = file_size,
                           .most_waiting = most_waiting ? most_waiting : (size_t)64 << 20,
                           .most_files = most_files ? most_files : 200000,
                           .free_hint = 1};
}

void movex_store_queue_free(store_queue *queue)
{
    for (uint32_t i = 0; i < queue->file_capacity; i++)
        if (queue->files[i])
            movex_store_release(&queue->allocator, queue->files[i], queue->file_size + queue->files[i]->name.length);
    movex_store_release(&queue->allocator, queue->files, queue->file_capacity * sizeof *queue->files);
    free_segments(queue, queue->oldest);
    free_segments(queue, queue->spare);
}

void movex_store_queue_forget(store_queue *queue)
{
    for (uint32_t i = 0; i < queue->file_capacity; i++) {
        store_file *file = queue->files[i];
        if (!file) continue;
        file->first = file->last = file->goal = NULL;
        file->listed = file->open = false;
        file->exists = file->durable_exists;
        file->size = file->durable_size;
        if (!file->exists) free_file(queue, file);
    }
    free_segments(queue, queue->oldest);
    queue->oldest = queue->newest = NULL;
    queue->in_use = queue->reserved = 0;
    queue->waiting = queue->flushing = queue->removed = (store_file_list){0};
    queue->taken = queue->durable = 0;
}

/* ---- files */

static void push(store_file_list *list, store_file *file)
{
    file->next = NULL;
    if (list->last)
        list->last->next = file;
    else
        list->first = file;
    list->last = file;
}

static store_file *pop(store_file_list *list)
{
    store_file *file = list->first;
    if (!file) return NULL;
    list->first = file->next;
    if (!list->first) list->last = NULL;
    return file;
}

static bool grow_files(store_queue *queue)
{
    uint32_t     capacity = queue->file_capacity ? queue->file_capacity * 2 : 16;
    size_t       old_size = queue->file_capacity * sizeof *queue->files, size = capacity * sizeof *queue->files;
    store_file **files = queue->allocator.reallocate(queue->allocator.user, queue->files, old_size, size);
    if (!files) return false;
    memset(files + queue->file_capacity, 0, size - old_size);
    queue->files = files;
    queue->file_capacity = capacity;
    return true;
}

static int add_file(store_queue *queue, const void *name, size_t length, store_file **added)
{
    if (queue->file_count == queue->most_files) return MOVEX_ERR_LIMIT;
    if (queue->file_count == queue->file_capacity && !grow_files(queue)) return MOVEX_ERR_MEMORY;
    store_file *file = movex_store_allocate(&queue->allocator, queue->file_size + length);
    if (!file) return MOVEX_ERR_MEMORY;
    unsigned char *bytes = (unsigned char *)file + queue->file_size;
    memcpy(bytes, name, length);
    file->name = (store_name){.length = length, .bytes = bytes};
    while (queue->files[queue->free_hint - 1]) queue->free_hint++;
    file->number = queue->free_hint++;
    queue->files[file->number - 1] = file;
    queue->file_count++;
    queue->names = movex_store_names_add(queue->names, &file->name);
    *added = file;
    return MOVEX_OK;
}

int movex_store_queue_open(store_queue *queue, const void *name, size_t length, store_file **file)
{
    if (!name || length == 0 || length > MOVEX_STORE_NAME_MAX) return MOVEX_ERR_ARGUMENT;
    movex_store_queue_reclaim(queue);
    *file = (store_file *)movex_store_names_find(queue->names, name, length);
    int status = *file ? MOVEX_OK : add_file(queue, name, length, file);
    if (status == MOVEX_OK) (*file)->open = true;
    return status;
}

store_file *movex_store_queue_at(const store_queue *queue, movex_store_file number)
{
    store_file *file = number && number <= queue->file_capacity ? queue->files[number - 1] : NULL;
    return file && file->open ? file : NULL;
}

int movex_store_queue_next(const store_queue *queue, movex_store_name *name)
{
    const unsigned char *bytes = name->bytes;
    size_t               length = name->length;
    for (;;) {
        const store_file *file = (store_file *)movex_store_names_after(queue->names, bytes, length);
        if (!file) return MOVEX_ERR_NOT_FOUND;
        bytes = file->name.bytes;
        length = file->name.length;
        if (!file->exists) continue;
        name->length = length;
        memcpy(name->bytes, bytes, length);
        return MOVEX_OK;
    }
}

int movex_store_queue_found(store_queue *queue, const void *name, size_t length, uint64_t size)
{
    store_file *file;
    int         status = add_file(queue, name, length, &file);
    if (status != MOVEX_OK) return status;
    file->exists = file->durable_exists = true;
    file->size = file->durable_size = size;
    return MOVEX_OK;
}

/* ---- taking */

void movex_store_queue_reclaim(store_queue *queue)
{
    for (store_segment *segment; (segment = queue->oldest) != NULL && segment->last <= queue->durable;) {
        if (segment == queue->newest && queue->reserved > 0) break;
        queue->oldest = segment->next;
        if (!queue->oldest) queue->newest = NULL;
        queue->in_use -= segment->capacity;
        segment->next = NULL;
        if (segment->capacity == SEGMENT && queue->spares < MOST_SPARES) {
            segment->next = queue->spare;
            queue->spare = segment;
            queue->spares++;
        } else {
            free_segments(queue, segment);
        }
    }
    for (store_file *file; (file = pop(&queue->removed)) != NULL;) {
        file->listed = false;
        if (!file->open && !file->exists) free_file(queue, file);
    }
}

static store_segment *new_segment(store_queue *queue, size_t capacity)
{
    store_segment *segment = capacity == SEGMENT ? queue->spare : NULL;
    if (segment) {
        queue->spare = segment->next;
        queue->spares--;
    } else {
        segment = queue->allocator.allocate(queue->allocator.user, SEGMENT_HEADER + capacity);
        if (!segment) return NULL;
    }
    *segment = (store_segment){.capacity = capacity, .last = queue->taken};
    if (queue->newest)
        queue->newest->next = segment;
    else
        queue->oldest = segment;
    queue->newest = segment;
    queue->in_use += capacity;
    return segment;
}

int movex_store_queue_reserve(store_queue *queue, size_t length, uint32_t count)
{
    const size_t each = CHANGE_HEADER + ALIGNMENT;
    if (count == 0) return MOVEX_ERR_ARGUMENT;
    queue->reserved = 0;
    movex_store_queue_reclaim(queue);
    if (count > SIZE_MAX / 4 / each || length > SIZE_MAX / 4) return MOVEX_ERR_LIMIT;
    size_t wanted = length + count * each;
    if (wanted > queue->most_waiting) return MOVEX_ERR_LIMIT;
    const store_segment *newest = queue->newest;
    if (!newest || newest->capacity - newest->used < wanted) {
        size_t capacity = wanted > SEGMENT ? wanted : queue->most_waiting > SEGMENT ? SEGMENT : queue->most_waiting;
        if (queue->in_use && (queue->in_use >= queue->most_waiting || capacity > queue->most_waiting - queue->in_use))
            return MOVEX_ERR_AGAIN;
        if (!new_segment(queue, capacity)) return MOVEX_ERR_MEMORY;
    }
    queue->reserved = wanted;
    return MOVEX_OK;
}

static store_change *new_change(store_queue *queue, store_change_kind kind, const void *bytes, size_t length)
{
    store_segment *segment = queue->newest;
    size_t         size = ROUNDED(CHANGE_HEADER + length);
    assert(segment && size <= queue->reserved && size <= segment->capacity - segment->used);
    store_change *change = (void *)((unsigned char *)segment + SEGMENT_HEADER + segment->used);
    segment->used += size;
    segment->last = ++queue->taken;
    queue->reserved -= size;
    *change = (store_change){.number = queue->taken, .length = length, .kind = kind};
    if (length) memcpy((unsigned char *)change + CHANGE_HEADER, bytes, length);
    return change;
}

static void apply(store_file *file, const store_change *change)
{
    file->exists = change->kind != STORE_REMOVE;
    file->size = change->kind == STORE_APPEND ? file->size + change->length : change->length;
    if (change->kind == STORE_REMOVE) file->open = false;
}

static bool fits_reservation(const store_queue *queue, size_t length)
{
    return length <= queue->reserved && ROUNDED(CHANGE_HEADER + length) <= queue->reserved;
}

int movex_store_queue_take(store_queue *queue, movex_store_file number, store_change_kind kind, const void *bytes,
                           size_t length, int refusal, uint64_t *taken)
{
    movex_store_queue_reclaim(queue); /* so that no file is in the list of the removed */
    store_file *file = movex_store_queue_at(queue, number);
    if (!file) return MOVEX_ERR_NOT_FOUND;
    if ((length && !bytes) || (length == 0 && kind == STORE_APPEND)) return MOVEX_ERR_ARGUMENT;
    if (kind == STORE_REMOVE && !file->exists) {
        if (taken) *taken = queue->taken;
        file->open = false;
        if (!file->listed) free_file(queue, file);
        return MOVEX_OK;
    }
    if (!fits_reservation(queue, length)) {
        int status = refusal ? refusal : movex_store_queue_reserve(queue, length, 1);
        if (status != MOVEX_OK) return status;
    }
    store_change *change = new_change(queue, kind, bytes, length);
    if (file->last)
        file->last->next = change;
    else
        file->first = change;
    file->last = change;
    apply(file, change);
    if (!file->listed) push(&queue->waiting, file);
    file->listed = true;
    if (taken) *taken = change->number;
    return MOVEX_OK;
}

/* ---- looking at changes */

const unsigned char *movex_store_change_bytes(const store_change *change)
{
    return (const unsigned char *)change + CHANGE_HEADER;
}

store_plan movex_store_plan(const store_file *file, const store_change *last)
{
    store_plan plan = {.exists = file->durable_exists, .base = file->durable_size, .size = file->durable_size};
    /* What comes behind the last of them may be linked by the owner at this moment: it is not looked at. */
    for (const store_change *change = last ? file->first : NULL; change;
         change = change == last ? NULL : change->next) {
        if (change->kind != STORE_APPEND) plan = (store_plan){.anew = true};
        plan.exists = change->kind != STORE_REMOVE;
        plan.size += change->length;
        if (!plan.from && plan.exists) plan.from = change;
    }
    return plan;
}

size_t movex_store_plan_read(const store_plan *plan, const store_change *last, uint64_t offset, void *bytes,
                             size_t capacity)
{
    size_t         filled = 0;
    uint64_t       start = plan->base; /* of the change */
    unsigned char *to = bytes;
    for (const store_change *change = plan->from; change && filled < capacity;
         change = change == last ? NULL : change->next) {
        if (offset < start + change->length) {
            size_t skipped = (size_t)(offset - start);
            size_t length = change->length - skipped < capacity - filled ? change->length - skipped : capacity - filled;
            memcpy(to + filled, movex_store_change_bytes(change) + skipped, length);
            filled += length;
            offset += length;
        }
        start += change->length;
    }
    return filled;
}

/* ---- a flush's */

void movex_store_queue_begin(store_queue *queue)
{
    assert(!queue->flushing.first);
    queue->flushing = queue->waiting;
    queue->waiting = (store_file_list){0};
    for (store_file *file = queue->flushing.first; file; file = file->next) file->goal = file->last;
}

store_file *movex_store_queue_pick(store_queue *queue)
{
    return pop(&queue->flushing);
}

void movex_store_queue_commit(store_queue *queue, store_file *file)
{
    store_plan plan = movex_store_plan(file, file->goal);
    file->durable_exists = plan.exists;
    file->durable_size = plan.size;
    file->first = file->goal->next;
    file->goal = NULL;
    if (!file->first) file->last = NULL;
    file->listed = file->first || !file->durable_exists;
    if (file->first)
        push(&queue->waiting, file);
    else if (!file->durable_exists)
        push(&queue->removed, file);
}

void movex_store_queue_give_back(store_queue *queue, store_file *file)
{
    file->goal = NULL;
    push(&queue->waiting, file);
}

void movex_store_queue_settle(store_queue *queue)
{
    for (store_file *file; (file = pop(&queue->flushing)) != NULL;) movex_store_queue_give_back(queue, file);
    queue->durable = queue->taken;
    for (const store_file *file = queue->waiting.first; file; file = file->next)
        if (file->first->number <= queue->durable) queue->durable = file->first->number - 1;
}
