/* The contract of movex/io.h as a program: what an emitter reports and returns is held against what it may. */
#include <movex/checked.h>
#include <movex/text.h>

#include <string.h>

enum { TEXT_SIZE = 256, FIRST_LINKS = 4, PATIENCE = 1000, POISON = 0xdb };

typedef enum link_state {
    LINK_FREE = 0,
    LINK_DIALLED, /* OPENED or CLOSED is to come */
    LINK_OPEN,
    LINK_BROKEN /* it has broken the contract: the owner is to be told CLOSED */
} link_state;

typedef struct checked_link {
    movex_link number;
    link_state state;
    bool       refused;         /* send has said that it is closed: CLOSED is to come */
    uint32_t   silences;        /* how often recv had nothing since then */
    char       what[TEXT_SIZE]; /* LINK_BROKEN */
} checked_link;

typedef struct checked_io {
    movex_io             inner;
    movex_io_ops         ops;
    movex_checked_config config; /* with its allocator resolved */
    checked_link        *links;
    uint32_t             capacity;
    bool                 listening, dials;
    bool                 blind; /* memory ran out for its links: they cannot be checked any more */
    const unsigned char *lent;  /* by the last recv, or NULL */
    size_t               lent_length;
    uint64_t             lent_hash;
    char                 text[TEXT_SIZE]; /* lent */
    char                 first[TEXT_SIZE];
    uint32_t             count;
} checked_io;

/* ---- saying it */

static void append(char *text, const char *more)
{
    size_t used = strlen(text);
    movex_text_copy(text + used, TEXT_SIZE - used, more);
}

static void append_number(char *text, uint64_t number)
{
    char   digits[21] = {0};
    size_t at = sizeof digits - 1;
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    append(text, digits + at);
}

static void say(const movex_checked_config *config, const movex_io_ops *ops, movex_link link, const char *what,
                char *text)
{
    movex_text_copy(text, TEXT_SIZE, "emitter ");
    append(text, ops && ops->name ? ops->name : "without a name");
    append(text, ": ");
    if (link) {
        append(text, "link ");
        append_number(text, link);
        append(text, ": ");
    }
    append(text, what);
    if (config->report) config->report(config->user, text);
}

static void broken(checked_io *io, movex_link link, const char *what)
{
    char text[TEXT_SIZE];
    say(&io->config, io->inner.ops, link, what, text);
    if (io->count++ == 0) movex_text_set(io->first, text);
}

/* ---- links */

static checked_link *find(const checked_io *io, movex_link number)
{
    for (uint32_t i = 0; i < io->capacity; i++)
        if (io->links[i].state != LINK_FREE && io->links[i].number == number) return &io->links[i];
    return NULL;
}

static void add(checked_io *io, movex_link number, link_state state)
{
    uint32_t i = 0;
    while (i < io->capacity && io->links[i].state != LINK_FREE) i++;
    if (i == io->capacity) {
        movex_allocator *allocator = &io->config.allocator;
        uint32_t         grown = io->capacity ? io->capacity * 2 : FIRST_LINKS;
        size_t           each = sizeof(checked_link);
        checked_link    *links = allocator->reallocate(allocator->user, io->links, io->capacity * each, grown * each);
        if (!links) {
            io->blind = true;
            return;
        }
        memset(links + io->capacity, 0, (grown - io->capacity) * each);
        io->links = links;
        io->capacity = grown;
    }
    io->links[i] = (checked_link){.number = number, .state = state};
}

/* The link is closed; its owner will be told so, with what it has done. */
static void condemn(checked_io *io, checked_link *link, const char *what)
{
    broken(io, link->number, what);
    io->inner.ops->close(io->inner.self, link->number);
    say(&(movex_checked_config){0}, io->inner.ops, link->number, what, link->what);
    link->state = LINK_BROKEN;
}

/* ---- what was lent */

/* FNV-1a */
static uint64_t hash(const unsigned char *bytes, size_t length)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

static void check_lent(checked_io *io)
{
    if (io->lent && hash(io->lent, io->lent_length) != io->lent_hash)
        broken(io, 0, "a frame that recv had lent was changed before the next recv");
    io->lent = NULL;
}

/* ---- the functions */

static int checked_open(void *self, const char *address, movex_link *number)
{
    checked_io *io = self;
    movex_link  given = 0;
    io->dials = true;
    int status = io->inner.ops->open(io->inner.self, address, &given);
    if (status > 0) broken(io, 0, "open returned a number that is no status");
    if (status != MOVEX_OK) return status > 0 ? MOVEX_ERR_SYSTEM : status;
    *number = given;
    if (io->blind) return MOVEX_OK;
    if (given == 0) {
        broken(io, 0, "open returned MOVEX_OK, but named no link");
        return MOVEX_ERR_SYSTEM;
    }
    if (find(io, given)) {
        broken(io, given, "open gave it a number that is in use");
        return MOVEX_ERR_SYSTEM;
    }
    add(io, given, LINK_DIALLED);
    return MOVEX_OK;
}

static int send_copy(checked_io *io, movex_link number, const void *frame, size_t length)
{
    movex_allocator *allocator = &io->config.allocator;
    unsigned char   *copy = allocator->allocate(allocator->user, length);
    if (!copy) return io->inner.ops->send(io->inner.self, number, frame, length);
    memcpy(copy, frame, length);
    int status = io->inner.ops->send(io->inner.self, number, copy, length);
    if (memcmp(copy, frame, length) != 0) broken(io, number, "send has changed the frame that it had borrowed");
    memset(copy, POISON, length);
    allocator->release(allocator->user, copy, length);
    return status;
}

static int checked_send(void *self, movex_link number, const void *frame, size_t length)
{
    checked_io   *io = self;
    checked_link *link = find(io, number);
    if (!io->blind && (!link || link->state == LINK_BROKEN)) return MOVEX_ERR_CLOSED;
    if (length == 0 || length > io->ops.max_frame)
        return MOVEX_ERR_ARGUMENT; /* the library's fault, not the emitter's */
    int status = send_copy(io, number, frame, length);
    if (io->blind) return status;
    if (status > 0) {
        condemn(io, link, "send returned a number that is no status");
        return MOVEX_ERR_CLOSED;
    }
    if (status == MOVEX_OK && link->state == LINK_DIALLED)
        broken(io, number, "send took a frame before OPENED was reported");
    if (status == MOVEX_OK && link->refused)
        broken(io, number, "send took a frame after it had returned MOVEX_ERR_CLOSED");
    if (status == MOVEX_ERR_CLOSED) link->refused = true;
    return status;
}

/* Without `listen` it may listen from its making on; one that dials is then a client's. */
static bool accepts(const checked_io *io)
{
    return io->listening || (!io->inner.ops->listen && !io->dials);
}

/* What is wrong with an event, or NULL. */
static const char *fault_of(const checked_io *io, const checked_link *link, const movex_io_event *event)
{
    switch (event->kind) {
    case MOVEX_IO_OPENED:
        if (!link && !accepts(io)) return "OPENED for a link that was not dialled, though it does not listen";
        if (link && link->state == LINK_OPEN) return "OPENED for a link that is open";
        return NULL;
    case MOVEX_IO_MESSAGE:
        if (!link) return "MESSAGE for a link that there is not, or not any more";
        if (link->state == LINK_DIALLED) return "MESSAGE before OPENED";
        if (!event->data) return "MESSAGE without data";
        if (event->length == 0) return "MESSAGE of no bytes";
        if (event->length > io->ops.max_frame) return "MESSAGE of more than max_frame bytes";
        return NULL;
    case MOVEX_IO_CLOSED: return link ? NULL : "CLOSED for a link that there is not, or not any more";
    }
    return "an event of no kind";
}

/* Whether the event may be shown to the owner. */
static bool admit(checked_io *io, const movex_io_event *event)
{
    checked_link *link = find(io, event->link);
    if (link && link->state == LINK_BROKEN) return false; /* what was on its way */
    const char *fault = event->link ? fault_of(io, link, event) : "an event of link 0";
    if (fault && link)
        condemn(io, link, fault);
    else if (fault)
        broken(io, event->link, fault);
    if (fault) return false;
    if (event->kind == MOVEX_IO_OPENED && link) link->state = LINK_OPEN;
    if (event->kind == MOVEX_IO_OPENED && !link) add(io, event->link, LINK_OPEN);
    if (event->kind == MOVEX_IO_CLOSED) link->state = LINK_FREE;
    return true;
}

static bool tell_broken(checked_io *io, movex_io_event *event)
{
    for (uint32_t i = 0; i < io->capacity; i++) {
        checked_link *link = &io->links[i];
        if (link->state != LINK_BROKEN) continue;
        movex_text_set(io->text, link->what);
        link->state = LINK_FREE;
        *event = (movex_io_event){.kind = MOVEX_IO_CLOSED, .link = link->number, .text = io->text};
        return true;
    }
    return false;
}

static void count_silence(checked_io *io)
{
    for (uint32_t i = 0; i < io->capacity; i++) {
        checked_link *link = &io->links[i];
        if (link->state == LINK_OPEN && link->refused && ++link->silences == PATIENCE)
            condemn(io, link, "send returned MOVEX_ERR_CLOSED, but CLOSED does not come");
    }
}

static int checked_recv(void *self, movex_io_event *event)
{
    checked_io *io = self;
    check_lent(io);
    for (;;) {
        if (tell_broken(io, event)) return MOVEX_OK;
        *event = (movex_io_event){0};
        int status = io->inner.ops->recv(io->inner.self, event);
        if (status != MOVEX_OK && status != MOVEX_ERR_AGAIN)
            broken(io, 0, "recv returned something else than MOVEX_OK and MOVEX_ERR_AGAIN");
        if (status != MOVEX_OK) {
            count_silence(io);
            return MOVEX_ERR_AGAIN;
        }
        if (!io->blind && !admit(io, event)) continue;
        if (event->kind != MOVEX_IO_MESSAGE) return MOVEX_OK;
        io->lent = event->data;
        io->lent_length = event->length;
        io->lent_hash = hash(io->lent, io->lent_length);
        return MOVEX_OK;
    }
}

static void checked_close(void *self, movex_link number)
{
    checked_io   *io = self;
    checked_link *link = find(io, number);
    check_lent(io); /* the emitter may give it up with its link */
    bool there = io->blind || (link && link->state != LINK_BROKEN);
    if (there) io->inner.ops->close(io->inner.self, number);
    if (link) link->state = LINK_FREE;
}

static void checked_destroy(void *self)
{
    checked_io     *io = self;
    movex_allocator allocator = io->config.allocator;
    check_lent(io);
    io->inner.ops->destroy(io->inner.self);
    if (io->links) allocator.release(allocator.user, io->links, io->capacity * sizeof *io->links);
    allocator.release(allocator.user, io, sizeof *io);
}

static int checked_listen(void *self)
{
    checked_io *io = self;
    int         status = io->inner.ops->listen(io->inner.self);
    if (status > 0) broken(io, 0, "listen returned a number that is no status");
    if (status == MOVEX_OK && io->listening) broken(io, 0, "listen succeeded twice");
    io->listening = io->listening || status == MOVEX_OK;
    return status;
}

static int checked_wait(void *self, uint32_t timeout_ms)
{
    checked_io *io = self;
    return io->inner.ops->wait(io->inner.self, timeout_ms);
}

static int checked_fd(void *self)
{
    checked_io *io = self;
    int         fd = io->inner.ops->fd(io->inner.self);
    if (fd < -1) broken(io, 0, "fd returned neither a descriptor nor -1");
    return fd;
}

static void checked_wake(void *self)
{
    checked_io *io = self;
    io->inner.ops->wake(io->inner.self);
}

/* ---- making */

static const char *missing(const movex_io_ops *ops)
{
    if (!ops) return "it has no table of functions";
    if (!ops->name) return "its name is missing";
    if (!ops->open) return "open is missing";
    if (!ops->send) return "send is missing";
    if (!ops->recv) return "recv is missing";
    if (!ops->close) return "close is missing";
    if (!ops->destroy) return "destroy is missing";
    if (ops->max_frame < MOVEX_IO_MIN_FRAME) return "max_frame is less than MOVEX_IO_MIN_FRAME";
    return NULL;
}

static const movex_io_ops checked_ops = {
    .name = "checked",
    .open = checked_open,
    .send = checked_send,
    .recv = checked_recv,
    .close = checked_close,
    .destroy = checked_destroy,
};

static void set_functions(checked_io *io)
{
    const movex_io_ops *inner = io->inner.ops;
    io->ops = checked_ops;
    io->ops.name = inner->name;
    io->ops.max_frame = inner->max_frame;
    io->ops.in_process = inner->in_process;
    if (inner->listen) io->ops.listen = checked_listen;
    if (inner->wait) io->ops.wait = checked_wait;
    if (inner->fd) io->ops.fd = checked_fd;
    if (inner->wake) io->ops.wake = checked_wake;
}

movex_io movex_checked(movex_io inner, const movex_checked_config *config)
{
    movex_checked_config resolved = config ? *config : (movex_checked_config){0};
    char                 text[TEXT_SIZE];
    const char          *fault = missing(inner.ops);
    if (!resolved.allocator.allocate) resolved.allocator = movex_allocator_default();
    if (fault) say(&resolved, inner.ops, 0, fault, text);
    checked_io *io = NULL;
    if (!fault && inner.self) io = resolved.allocator.allocate(resolved.allocator.user, sizeof *io);
    if (!io) {
        if (inner.ops && inner.self && inner.ops->destroy) inner.ops->destroy(inner.self);
        return (movex_io){.ops = &checked_ops};
    }
    *io = (checked_io){.inner = inner, .config = resolved};
    set_functions(io);
    return (movex_io){.ops = &io->ops, .self = io};
}

const char *movex_checked_fault(movex_io checked)
{
    return checked.self ? ((const checked_io *)checked.self)->first : "";
}

uint32_t movex_checked_count(movex_io checked)
{
    return checked.self ? ((const checked_io *)checked.self)->count : 0;
}
