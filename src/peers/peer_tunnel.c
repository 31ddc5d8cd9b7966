#include "peer_tunnel.h"

#include <movex/text.h>

#include <assert.h>

enum {
    HEADER = 4,                /* bytes before each frame of an inbox: its length, in the machine's own order */
    FULL = 4 << 20,            /* bytes of an inbox past which the other end within this process is to wait */
    OVERFULL = 64 << 20,       /* and past which a tunnel from another peer is closed */
    LARGEST_KEPT = 256 << 10   /* bytes of an inbox that are kept when nothing is in it */
};

/* Frames that have come, oldest first.  taken <= frames.length */
typedef struct inbox {
    movex_buffer frames;
    size_t       taken;
} inbox;

typedef enum end_state {
    END_FREE,    /* of the client's end: there is none; a master's is freed */
    END_WAITING, /* client: for a master, or its answer; master: for the master to be here */
    END_OPEN,
    END_CLOSED   /* its owner has not been told yet */
} end_state;

/* One end of a tunnel. The client's and the master's end of one tunnel have the same name for it, `tunnel`. */
typedef struct tunnel_end {
    end_state   state;
    bool        opened_due; /* OPEN: to be told */
    bool        asked;      /* client, WAITING: `peer` has been asked */
    movex_link  link;
    uint64_t    peer;   /* client: whose master it leads to; master: whose client it comes from */
    uint64_t    tunnel;
    inbox       inbox;
    const char *text;   /* CLOSED: why */
    char        id[MOVEX_NAME_SIZE]; /* master: of the peer */
} tunnel_end;

struct movex_tunnels {
    movex_mesh     *mesh;
    movex_allocator allocator;
    uint64_t        self;   /* number of this peer */
    uint64_t        master; /* 0: none is known */
    uint64_t        tunnels_made;
    movex_link      links_made;
    bool            listens;   /* there is a master here that has the master's emitter */
    tunnel_end      client;
    tunnel_end    **ends;   /* the master's */
    uint32_t        end_count, end_capacity;
    uint32_t        next_end;  /* which is to be received from first */
    tunnel_end     *told;      /* of ends: its CLOSED was told; freed at the next recv */
    movex_io_ops    client_ops, master_ops;
    char            id[MOVEX_NAME_SIZE]; /* of self */
};

/* ---- inboxes */

static bool put(movex_tunnels *tunnels, inbox *box, const void *frame, size_t length)
{
    uint32_t header = (uint32_t)length;
    if (!movex_buffer_reserve(&box->frames, &tunnels->allocator, HEADER + length)) return false;
    memcpy(box->frames.bytes + box->frames.length, &header, HEADER);
    memcpy(box->frames.bytes + box->frames.length + HEADER, frame, length);
    box->frames.length += HEADER + length;
    return true;
}

static bool is_empty(const inbox *box)
{
    return box->taken == box->frames.length;
}

static bool take(movex_tunnels *tunnels, inbox *box, movex_io_event *event)
{
    uint32_t length;
    if (is_empty(box)) {
        if (box->frames.capacity > LARGEST_KEPT) movex_buffer_free(&box->frames, &tunnels->allocator);
        box->frames.length = box->taken = 0;
        return false;
    }
    memcpy(&length, box->frames.bytes + box->taken, HEADER);
    event->kind = MOVEX_IO_MESSAGE;
    event->data = box->frames.bytes + box->taken + HEADER;
    event->length = length;
    box->taken += HEADER + length;
    return true;
}

static void empty(movex_tunnels *tunnels, inbox *box)
{
    movex_buffer_free(&box->frames, &tunnels->allocator);
    *box = (inbox){0};
}

/* ---- ends */

static bool has_news(const tunnel_end *end)
{
    return end->state == END_CLOSED || (end->state == END_OPEN && (end->opened_due || !is_empty(&end->inbox)));
}

static tunnel_end *find(const movex_tunnels *tunnels, uint64_t peer, uint64_t tunnel)
{
    for (uint32_t i = 0; i < tunnels->end_count; i++) {
        tunnel_end *end = tunnels->ends[i];
        if (end->peer == peer && end->tunnel == tunnel && end->state != END_CLOSED) return end;
    }
    return NULL;
}

static tunnel_end *find_link(const movex_tunnels *tunnels, movex_link link)
{
    for (uint32_t i = 0; i < tunnels->end_count; i++)
        if (tunnels->ends[i]->link == link) return tunnels->ends[i];
    return NULL;
}

static void free_end(movex_tunnels *tunnels, tunnel_end *end)
{
    uint32_t i = 0;
    while (tunnels->ends[i] != end) i++;
    tunnels->ends[i] = tunnels->ends[--tunnels->end_count];
    if (tunnels->told == end) tunnels->told = NULL;
    empty(tunnels, &end->inbox);
    movex_release(&tunnels->allocator, end, sizeof *end);
}

static tunnel_end *make_end(movex_tunnels *tunnels, uint64_t peer, uint64_t tunnel, const char *id)
{
    if (!movex_grow(&tunnels->allocator, &tunnels->ends, &tunnels->end_capacity, sizeof(tunnel_end *),
                    tunnels->end_count + 1, 4))
        return NULL;
    tunnel_end *end = movex_allocate(&tunnels->allocator, sizeof *end);
    if (!end) return NULL;
    *end = (tunnel_end){.state = END_WAITING, .link = ++tunnels->links_made, .peer = peer, .tunnel = tunnel};
    movex_text_set(end->id, id);
    tunnels->ends[tunnels->end_count++] = end;
    return end;
}

static int say(movex_tunnels *tunnels, uint64_t to, movex_peer_message_kind kind, uint64_t tunnel)
{
    return movex_mesh_send_tunnel(tunnels->mesh, to, kind, &(movex_peer_tunnel_message){.tunnel = tunnel});
}

/* ---- opening and closing */

static void close_client(movex_tunnels *tunnels, const char *text)
{
    tunnel_end *client = &tunnels->client;
    if (client->state == END_WAITING) { /* it goes on waiting for another */
        client->asked = false;
        client->peer = 0;
        return;
    }
    if (client->state != END_OPEN) return;
    client->state = END_CLOSED;
    client->text = text;
}

/* The master's end is gone for its owner: it is told, unless it has closed it itself. */
static void close_end(movex_tunnels *tunnels, tunnel_end *end, bool told, const char *text)
{
    bool knows = end->state == END_OPEN && !end->opened_due;
    end->state = END_CLOSED;
    end->text = text;
    if (told || !knows) free_end(tunnels, end);
}

static void open_end(movex_tunnels *tunnels, tunnel_end *end)
{
    end->state = END_OPEN;
    end->opened_due = true;
    if (end->peer != tunnels->self) {
        say(tunnels, end->peer, MOVEX_PEER_OPENED, end->tunnel);
        return;
    }
    tunnels->client.state = END_OPEN;
    tunnels->client.opened_due = true;
}

/* A client asks for a tunnel: it has one at a time. */
static void asked(movex_tunnels *tunnels, uint64_t peer, uint64_t tunnel, const char *id)
{
    for (uint32_t i = tunnels->end_count; i-- > 0;) {
        tunnel_end *end = tunnels->ends[i];
        if (end->peer == peer && end->state != END_CLOSED) close_end(tunnels, end, false, "its client has dialled again");
    }
    tunnel_end *end = make_end(tunnels, peer, tunnel, id);
    if (!end && peer != tunnels->self) say(tunnels, peer, MOVEX_PEER_CLOSE_DOWN, tunnel);
    if (!end && peer == tunnels->self) tunnels->client.asked = false;
    if (end && tunnels->listens) open_end(tunnels, end);
}

/* Asks the master, if there is one that can be asked. */
static void ask(movex_tunnels *tunnels)
{
    tunnel_end *client = &tunnels->client;
    if (client->state != END_WAITING || client->asked || !tunnels->master) return;
    client->peer = tunnels->master;
    client->tunnel = ++tunnels->tunnels_made;
    client->asked = true;
    if (client->peer == tunnels->self)
        asked(tunnels, tunnels->self, client->tunnel, tunnels->id);
    else
        client->asked = say(tunnels, client->peer, MOVEX_PEER_OPEN, client->tunnel) == MOVEX_OK;
}

/* The client does not want its tunnel any more: the other end is told. */
static void leave_client(movex_tunnels *tunnels)
{
    tunnel_end *client = &tunnels->client;
    bool        leads = client->state == END_OPEN || (client->state == END_WAITING && client->asked);
    if (leads && client->peer == tunnels->self) {
        tunnel_end *end = find(tunnels, tunnels->self, client->tunnel);
        if (end) close_end(tunnels, end, false, "its client has closed it");
    } else if (leads) {
        say(tunnels, client->peer, MOVEX_PEER_CLOSE_UP, client->tunnel);
    }
}

void movex_tunnels_set_master(movex_tunnels *tunnels, uint64_t number)
{
    if (number != tunnels->master) {
        leave_client(tunnels);
        close_client(tunnels, "another peer is the master now");
        tunnels->master = number;
    }
    ask(tunnels);
}

void movex_tunnels_renew(movex_tunnels *tunnels, uint64_t number)
{
    assert(!tunnels->listens && !tunnels->master);
    tunnels->self = number;
}

void movex_tunnels_met(movex_tunnels *tunnels, uint64_t number)
{
    if (number == tunnels->master) ask(tunnels);
}

void movex_tunnels_lost(movex_tunnels *tunnels, uint64_t number)
{
    for (uint32_t i = tunnels->end_count; i-- > 0;) {
        tunnel_end *end = tunnels->ends[i];
        if (end->peer == number && end->state != END_CLOSED) close_end(tunnels, end, false, "the link to its peer is lost");
    }
    if (tunnels->client.peer == number) close_client(tunnels, "the link to the master is lost");
}

void movex_tunnels_take(movex_tunnels *tunnels, const movex_mesh_event *event)
{
    uint64_t    tunnel = event->tunnel.tunnel;
    tunnel_end *client = &tunnels->client, *end = find(tunnels, event->number, tunnel);
    bool        is_client = client->peer == event->number && client->tunnel == tunnel;
    bool        ok = true;
    switch (event->message) {
    case MOVEX_PEER_OPEN: asked(tunnels, event->number, tunnel, movex_mesh_id(tunnels->mesh, event->number)); break;
    case MOVEX_PEER_OPENED:
        if (!is_client || client->state != END_WAITING) break; /* late */
        client->state = END_OPEN;
        client->opened_due = true;
        break;
    case MOVEX_PEER_UP:
        if (!end || end->state != END_OPEN) break;
        ok = end->inbox.frames.length - end->inbox.taken <= OVERFULL &&
             put(tunnels, &end->inbox, event->tunnel.frame.bytes, event->tunnel.frame.length);
        if (ok) break;
        say(tunnels, end->peer, MOVEX_PEER_CLOSE_DOWN, tunnel);
        close_end(tunnels, end, false, "it sends more than can be taken");
        break;
    case MOVEX_PEER_DOWN:
        if (!is_client || client->state != END_OPEN) break;
        ok = put(tunnels, &client->inbox, event->tunnel.frame.bytes, event->tunnel.frame.length);
        if (ok) break;
        leave_client(tunnels);
        close_client(tunnels, movex_status_text(MOVEX_ERR_MEMORY));
        break;
    case MOVEX_PEER_CLOSE_UP:
        if (end) close_end(tunnels, end, false, "its client has closed it");
        break;
    default: /* CLOSE_DOWN: the mesh hands up no others */
        if (is_client) close_client(tunnels, "the master has closed the connection");
        break;
    }
}

/* ---- the client's emitter */

static int client_open(void *self, const char *address, movex_link *link)
{
    movex_tunnels *tunnels = self;
    tunnel_end    *client = &tunnels->client;
    (void)address;
    if (client->state != END_FREE) return MOVEX_ERR_LIMIT;
    empty(tunnels, &client->inbox);
    *client = (tunnel_end){.state = END_WAITING, .link = ++tunnels->links_made};
    *link = client->link;
    ask(tunnels);
    return MOVEX_OK;
}

static int client_send(void *self, movex_link link, const void *frame, size_t length)
{
    movex_tunnels *tunnels = self;
    tunnel_end    *client = &tunnels->client;
    if (client->link != link || client->state != END_OPEN) return MOVEX_ERR_CLOSED;
    if (client->peer != tunnels->self)
        return movex_mesh_send_tunnel(tunnels->mesh, client->peer, MOVEX_PEER_UP,
                                      &(movex_peer_tunnel_message){client->tunnel, {frame, length}});
    tunnel_end *end = find(tunnels, tunnels->self, client->tunnel);
    if (!end) return MOVEX_ERR_CLOSED;
    if (end->inbox.frames.length - end->inbox.taken > FULL) return MOVEX_ERR_AGAIN;
    return put(tunnels, &end->inbox, frame, length) ? MOVEX_OK : MOVEX_ERR_MEMORY;
}

static bool receive(movex_tunnels *tunnels, tunnel_end *end, movex_io_event *event)
{
    *event = (movex_io_event){.link = end->link};
    if (end->opened_due) {
        end->opened_due = false;
        event->kind = MOVEX_IO_OPENED;
        event->text = end->id;
        return true;
    }
    if (take(tunnels, &end->inbox, event)) return true;
    if (end->state != END_CLOSED) return false;
    event->kind = MOVEX_IO_CLOSED;
    event->text = end->text;
    return true;
}

static int client_recv(void *self, movex_io_event *event)
{
    movex_tunnels *tunnels = self;
    tunnel_end    *client = &tunnels->client;
    if (client->state != END_OPEN && client->state != END_CLOSED) return MOVEX_ERR_AGAIN;
    if (!receive(tunnels, client, event)) return MOVEX_ERR_AGAIN;
    if (event->kind == MOVEX_IO_CLOSED) client->state = END_FREE;
    return MOVEX_OK;
}

static void client_close(void *self, movex_link link)
{
    movex_tunnels *tunnels = self;
    if (tunnels->client.link != link || tunnels->client.state == END_FREE) return;
    leave_client(tunnels);
    empty(tunnels, &tunnels->client.inbox);
    tunnels->client = (tunnel_end){0};
}

static void client_destroy(void *self)
{
    movex_tunnels *tunnels = self;
    client_close(tunnels, tunnels->client.link);
    empty(tunnels, &tunnels->client.inbox);
}

/* ---- the master's emitter */

static int master_open(void *self, const char *address, movex_link *link)
{
    (void)self, (void)address, (void)link;
    return MOVEX_ERR_ADDRESS; /* a master dials nobody */
}

static int master_listen(void *self)
{
    movex_tunnels *tunnels = self;
    tunnels->listens = true;
    for (uint32_t i = 0; i < tunnels->end_count; i++)
        if (tunnels->ends[i]->state == END_WAITING) open_end(tunnels, tunnels->ends[i]);
    return MOVEX_OK;
}

static int master_send(void *self, movex_link link, const void *frame, size_t length)
{
    movex_tunnels *tunnels = self;
    tunnel_end    *end = find_link(tunnels, link), *client = &tunnels->client;
    if (!end || end->state != END_OPEN) return MOVEX_ERR_CLOSED;
    if (end->peer != tunnels->self)
        return movex_mesh_send_tunnel(tunnels->mesh, end->peer, MOVEX_PEER_DOWN,
                                      &(movex_peer_tunnel_message){end->tunnel, {frame, length}});
    if (client->state != END_OPEN || client->tunnel != end->tunnel) return MOVEX_ERR_CLOSED;
    if (client->inbox.frames.length - client->inbox.taken > FULL) return MOVEX_ERR_AGAIN;
    return put(tunnels, &client->inbox, frame, length) ? MOVEX_OK : MOVEX_ERR_MEMORY;
}

static int master_recv(void *self, movex_io_event *event)
{
    movex_tunnels *tunnels = self;
    if (tunnels->told) free_end(tunnels, tunnels->told);
    for (uint32_t i = 0; i < tunnels->end_count; i++) {
        tunnel_end *end = tunnels->ends[(tunnels->next_end + i) % tunnels->end_count];
        if (end->state == END_WAITING || !receive(tunnels, end, event)) continue;
        tunnels->next_end = (tunnels->next_end + i + 1) % tunnels->end_count;
        if (event->kind == MOVEX_IO_CLOSED) tunnels->told = end;
        return MOVEX_OK;
    }
    return MOVEX_ERR_AGAIN;
}

static void master_close(void *self, movex_link link)
{
    movex_tunnels *tunnels = self;
    tunnel_end    *end = find_link(tunnels, link);
    if (!end || end == tunnels->told) return;
    if (end->peer != tunnels->self)
        say(tunnels, end->peer, MOVEX_PEER_CLOSE_DOWN, end->tunnel);
    else if (tunnels->client.tunnel == end->tunnel)
        close_client(tunnels, "the master has closed the connection");
    close_end(tunnels, end, true, NULL);
}

static void master_destroy(void *self)
{
    movex_tunnels *tunnels = self;
    tunnels->listens = false;
    while (tunnels->end_count) {
        tunnel_end *end = tunnels->ends[tunnels->end_count - 1];
        if (end->state == END_CLOSED) free_end(tunnels, end);
        else master_close(tunnels, end->link);
    }
}

/* ---- making */

movex_tunnels *movex_tunnels_new(movex_mesh *mesh, const char *id, uint64_t number, const movex_allocator *allocator)
{
    movex_tunnels *tunnels = movex_allocate(allocator, sizeof *tunnels);
    if (!tunnels) return NULL;
    tunnels->mesh = mesh;
    tunnels->allocator = *allocator;
    tunnels->self = number;
    movex_text_set(tunnels->id, id);
    tunnels->client_ops = (movex_io_ops){
        .name = "room",
        .max_frame = movex_mesh_tunnel_frame(mesh),
        .open = client_open,
        .send = client_send,
        .recv = client_recv,
        .close = client_close,
        .destroy = client_destroy,
        .in_process = true, /* whether a byte leaves the process is the mesh's affair, which has its own emitter */
    };
    tunnels->master_ops = (movex_io_ops){
        .name = "room",
        .max_frame = movex_mesh_tunnel_frame(mesh),
        .open = master_open,
        .send = master_send,
        .recv = master_recv,
        .close = master_close,
        .destroy = master_destroy,
        .listen = master_listen,
        .in_process = true,
    };
    return tunnels;
}

void movex_tunnels_free(movex_tunnels *tunnels)
{
    if (!tunnels) return;
    movex_allocator allocator = tunnels->allocator;
    while (tunnels->end_count) free_end(tunnels, tunnels->ends[0]);
    movex_release(&allocator, tunnels->ends, tunnels->end_capacity * sizeof(tunnel_end *));
    empty(tunnels, &tunnels->client.inbox);
    movex_release(&allocator, tunnels, sizeof *tunnels);
}

movex_io movex_tunnels_client_io(movex_tunnels *tunnels)
{
    return (movex_io){.ops = &tunnels->client_ops, .self = tunnels};
}

movex_io movex_tunnels_master_io(movex_tunnels *tunnels)
{
    return (movex_io){.ops = &tunnels->master_ops, .self = tunnels};
}

bool movex_tunnels_have_news(const movex_tunnels *tunnels)
{
    if (has_news(&tunnels->client)) return true;
    for (uint32_t i = 0; i < tunnels->end_count; i++)
        if (has_news(tunnels->ends[i])) return true;
    return false;
}

void movex_tunnels_check(const movex_tunnels *tunnels)
{
    for (uint32_t i = 0; i < tunnels->end_count; i++) {
        const tunnel_end *end = tunnels->ends[i];
        assert(end->state != END_FREE && end->inbox.taken <= end->inbox.frames.length);
        assert(end->state != END_OPEN || tunnels->listens);
        for (uint32_t j = 0; j < i; j++)
            assert(end->state == END_CLOSED || tunnels->ends[j]->state == END_CLOSED || tunnels->ends[j]->peer != end->peer);
        (void)end;
    }
    assert(!tunnels->client.asked || tunnels->client.peer);
}
