/* The local emitter: frames are copied from one side's buffer to the other's, within one thread. */
#include "local_internal.h"

#include <assert.h>
#include <string.h>

enum {
    MAX_FRAME = 65536,       /* bytes */
    MAX_QUEUE = 4 << 20,     /* bytes on their way in one direction before send says AGAIN */
    FIRST_BYTES = 256,       /* of a pipe */
    HEADER = sizeof(uint32_t) /* a frame's length before the frame */
};

/* One direction of a link. What is sent goes to `written`; what is received is lent from `read`, which no send moves. When
   all of `read` is taken, the two change places.  taken <= read.length */
typedef struct pipe_buffer {
    unsigned char *bytes;
    size_t         length, capacity;
} pipe_buffer;

typedef struct pipe {
    pipe_buffer written, read;
    size_t      taken;
} pipe;

/* One end of a link. */
typedef struct local_end {
    struct local_emitter *emitter; /* NULL once this end has been closed, or told that the other was */
    pipe                 *coming;  /* of the link: on the way to this end */
    struct local_link    *link;
    struct local_end     *next_ready;
    bool                  ready;      /* in its emitter's queue of ends that have something to be received */
    bool                  opened_due; /* OPENED is to be reported */
    bool                  closed_due; /* CLOSED is to be reported, after what was sent */
} local_end;

/* references == ends with an emitter + emitters that have lent something of it */
typedef struct local_link {
    uint32_t  number;     /* local->links[number - 1] == this */
    uint32_t  references;
    local_end ends[2];    /* 0: who dialled, 1: who listened */
    pipe      to[2];      /* to[i]: on the way to ends[i], which is ends[i].coming */
} local_link;

/* references == emitters + 1 for the program's own hold */
struct movex_local {
    movex_allocator       allocator;
    uint32_t              references;
    struct local_emitter *listener; /* NULL: nobody listens */
    local_link          **links;
    uint32_t              link_capacity;
};

typedef struct local_emitter {
    movex_local *local;
    local_end   *first_ready, *last_ready;
    local_link  *lent; /* what its last MESSAGE lies in, or NULL */
} local_emitter;

/* ---- memory */

static void *allocate(const movex_allocator *allocator, size_t size)
{
    void *block = allocator->allocate(allocator->user, size);
    return block ? memset(block, 0, size) : NULL;
}

static void release(const movex_allocator *allocator, void *block, size_t size)
{
    if (block) allocator->release(allocator->user, block, size);
}

static void drop_local(movex_local *local)
{
    if (--local->references > 0) return;
    movex_allocator allocator = local->allocator;
    release(&allocator, local->links, local->link_capacity * sizeof(local_link *));
    release(&allocator, local, sizeof *local);
}

static void drop_link(movex_local *local, local_link *link)
{
    if (--link->references > 0) return;
    for (int i = 0; i < 2; i++) {
        release(&local->allocator, link->to[i].written.bytes, link->to[i].written.capacity);
        release(&local->allocator, link->to[i].read.bytes, link->to[i].read.capacity);
    }
    local->links[link->number - 1] = NULL;
    release(&local->allocator, link, sizeof *link);
}

static void drop_lent(local_emitter *emitter)
{
    if (emitter->lent) drop_link(emitter->local, emitter->lent);
    emitter->lent = NULL;
}

/* ---- links */

static uint32_t free_number(movex_local *local)
{
    uint32_t index = 0;
    while (index < local->link_capacity && local->links[index]) index++;
    if (index < local->link_capacity) return index + 1;
    uint32_t     grown = local->link_capacity ? local->link_capacity * 2 : 4;
    size_t       old_size = local->link_capacity * sizeof(local_link *), new_size = grown * sizeof(local_link *);
    local_link **links = local->allocator.reallocate(local->allocator.user, local->links, old_size, new_size);
    if (!links) return 0;
    memset(links + local->link_capacity, 0, new_size - old_size);
    local->links = links;
    local->link_capacity = grown;
    return index + 1;
}

static void make_ready(local_end *end)
{
    local_emitter *emitter = end->emitter;
    if (!emitter || end->ready) return;
    end->ready = true;
    end->next_ready = NULL;
    if (emitter->last_ready) emitter->last_ready->next_ready = end;
    else emitter->first_ready = end;
    emitter->last_ready = end;
}

static void unready(local_end *end)
{
    local_emitter *emitter = end->emitter;
    local_end    **at = &emitter->first_ready, *before = NULL;
    if (!end->ready) return;
    while (*at != end) {
        before = *at;
        at = &before->next_ready;
    }
    *at = end->next_ready;
    if (emitter->last_ready == end) emitter->last_ready = before;
    end->ready = false;
}

static local_end *other(const local_end *end)
{
    return &end->link->ends[end == &end->link->ends[0]];
}

/* The end that `emitter` holds of a link, or NULL. */
static local_end *find(const local_emitter *emitter, movex_link number)
{
    const movex_local *local = emitter->local;
    local_link        *link = number && number <= local->link_capacity ? local->links[number - 1] : NULL;
    if (!link) return NULL;
    if (link->ends[0].emitter == emitter) return &link->ends[0];
    return link->ends[1].emitter == emitter ? &link->ends[1] : NULL;
}

static void leave(local_end *end)
{
    movex_local *local = end->emitter->local;
    unready(end);
    end->emitter = NULL;
    drop_link(local, end->link);
}

/* ---- the table */

static int local_open(void *self, const char *address, movex_link *number)
{
    local_emitter *emitter = self;
    movex_local   *local = emitter->local;
    (void)address;
    if (!local->listener) return MOVEX_ERR_CLOSED;
    uint32_t    free = free_number(local);
    local_link *link = free ? allocate(&local->allocator, sizeof *link) : NULL;
    if (!link) return MOVEX_ERR_MEMORY;
    link->number = free;
    link->references = 2;
    link->ends[0] = (local_end){.emitter = emitter, .coming = &link->to[0], .link = link, .opened_due = true};
    link->ends[1] = (local_end){.emitter = local->listener, .coming = &link->to[1], .link = link, .opened_due = true};
    local->links[free - 1] = link;
    make_ready(&link->ends[0]);
    make_ready(&link->ends[1]);
    *number = free;
    return MOVEX_OK;
}

static bool make_room(const movex_allocator *allocator, pipe_buffer *buffer, size_t more)
{
    if (buffer->length + more <= buffer->capacity) return true;
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_BYTES;
    while (capacity < buffer->length + more) capacity *= 2;
    unsigned char *bytes = allocator->reallocate(allocator->user, buffer->bytes, buffer->capacity, capacity);
    if (!bytes) return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

static int local_send(void *self, movex_link number, const void *frame, size_t length)
{
    local_emitter *emitter = self;
    local_end     *end = find(emitter, number);
    local_end     *receiver = end ? other(end) : NULL;
    if (!receiver || !receiver->emitter) return MOVEX_ERR_CLOSED;
    pipe_buffer *written = &receiver->coming->written;
    if (written->length + HEADER + length > MAX_QUEUE) return MOVEX_ERR_AGAIN;
    if (!make_room(&emitter->local->allocator, written, HEADER + length)) return MOVEX_ERR_MEMORY;
    uint32_t header = (uint32_t)length;
    memcpy(written->bytes + written->length, &header, HEADER);
    memcpy(written->bytes + written->length + HEADER, frame, length);
    written->length += HEADER + length;
    make_ready(receiver);
    return MOVEX_OK;
}

/* The next frame that is on its way to an end. */
static bool take_frame(local_end *end, movex_io_event *event)
{
    pipe *way = end->coming;
    if (way->taken == way->read.length) {
        pipe_buffer empty = way->read;
        empty.length = 0;
        way->read = way->written;
        way->written = empty;
        way->taken = 0;
        if (way->read.length == 0) return false;
    }
    uint32_t length;
    memcpy(&length, way->read.bytes + way->taken, HEADER);
    *event = (movex_io_event){
        .kind = MOVEX_IO_MESSAGE,
        .link = end->link->number,
        .data = way->read.bytes + way->taken + HEADER,
        .length = length,
    };
    way->taken += HEADER + length;
    return true;
}

/* To the end of the queue: one that sends much does not keep the others from being heard. */
static void go_behind(local_end *end)
{
    if (!end->next_ready) return;
    unready(end);
    make_ready(end);
}

static int local_recv(void *self, movex_io_event *event)
{
    local_emitter *emitter = self;
    drop_lent(emitter);
    while (emitter->first_ready) {
        local_end *end = emitter->first_ready;
        if (end->opened_due) {
            end->opened_due = false;
            *event = (movex_io_event){.kind = MOVEX_IO_OPENED, .link = end->link->number, .text = "local"};
            return MOVEX_OK;
        }
        if (take_frame(end, event)) {
            go_behind(end);
            emitter->lent = end->link;
            end->link->references++;
            return MOVEX_OK;
        }
        if (end->closed_due) {
            *event = (movex_io_event){
                .kind = MOVEX_IO_CLOSED, .link = end->link->number, .text = "the other side closed the connection"};
            leave(end);
            return MOVEX_OK;
        }
        unready(end);
    }
    return MOVEX_ERR_AGAIN;
}

static void close_end(local_end *end)
{
    local_end *receiver = other(end);
    if (receiver->emitter) {
        receiver->closed_due = true;
        make_ready(receiver);
    }
    leave(end);
}

static void local_close(void *self, movex_link number)
{
    local_end *end = find(self, number);
    if (end) close_end(end);
}

static void local_destroy(void *self)
{
    local_emitter *emitter = self;
    movex_local   *local = emitter->local;
    movex_allocator allocator = local->allocator;
    drop_lent(emitter);
    for (uint32_t number = 1; number <= local->link_capacity; number++) local_close(emitter, number);
    if (local->listener == emitter) local->listener = NULL;
    release(&allocator, emitter, sizeof *emitter);
    drop_local(local);
}

static const movex_io_ops local_ops = {
    .name = "local",
    .max_frame = MAX_FRAME,
    .open = local_open,
    .send = local_send,
    .recv = local_recv,
    .close = local_close,
    .destroy = local_destroy,
    .in_process = true,
};

const movex_io_ops *movex_local_ops(void)
{
    return &local_ops;
}

/* ---- making */

movex_local *movex_local_new(const movex_allocator *allocator)
{
    movex_allocator resolved = allocator && allocator->allocate ? *allocator : movex_allocator_default();
    movex_local    *local = allocate(&resolved, sizeof *local);
    if (!local) return NULL;
    local->allocator = resolved;
    local->references = 1;
    return local;
}

void movex_local_free(movex_local *local)
{
    if (local) drop_local(local);
}

static local_emitter *emitter_new(movex_local *local)
{
    local_emitter *emitter = local ? allocate(&local->allocator, sizeof *emitter) : NULL;
    if (!emitter) return NULL;
    emitter->local = local;
    local->references++;
    return emitter;
}

movex_io movex_local_listen(movex_local *local)
{
    local_emitter *emitter = local && !local->listener ? emitter_new(local) : NULL;
    if (emitter) local->listener = emitter;
    return (movex_io){.ops = &local_ops, .self = emitter};
}

movex_io movex_local_dial(movex_local *local)
{
    return (movex_io){.ops = &local_ops, .self = emitter_new(local)};
}

movex_local *movex_local_of(movex_io io)
{
    return io.self ? ((local_emitter *)io.self)->local : NULL;
}
