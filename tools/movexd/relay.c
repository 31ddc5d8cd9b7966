/* The relay's life, and what comes in over its links. */
#include "relay_internal.h"

#include <movex/text.h>

#include <assert.h>
#include <string.h>

enum {
    SWEEP_MS = 50,      /* how often time is looked at: credit, and who is late */
    MOST_EVENTS = 1024, /* of one emitter in one poll */
    WINDOW_FRAMES = 4,  /* of the longest, that a member may send at once in any case */
    TURN_MS = 5         /* how long to sleep over one of several emitters */
};

/* ---- memory */

void *relay_allocate(movexd_relay *relay, size_t size)
{
    void *block = relay->config.allocator.allocate(relay->config.allocator.user, size);
    return block ? memset(block, 0, size) : NULL;
}

void relay_release(movexd_relay *relay, void *block, size_t size)
{
    if (block) relay->config.allocator.release(relay->config.allocator.user, block, size);
}

/* ---- members */

static relay_member **bucket_of(movexd_relay *relay, movex_io io, movex_link link)
{
    uint64_t mixed = ((uint64_t)link ^ (uintptr_t)io.self) * 0x9e3779b97f4a7c15u; /* Fibonacci hashing */
    return &relay->buckets[mixed >> 32 & (RELAY_BUCKETS - 1)];
}

static relay_member *find_link(movexd_relay *relay, movex_io io, movex_link link)
{
    relay_member *member = *bucket_of(relay, io, link);
    while (member && (member->link != link || member->io.self != io.self)) member = member->in_bucket;
    return member;
}

static relay_member *add_member(movexd_relay *relay, movex_io io, const movex_io_event *event)
{
    relay_member *member = relay_allocate(relay, sizeof *member);
    if (!member) return NULL;
    relay_member **bucket = bucket_of(relay, io, event->link);
    member->io = io;
    member->link = event->link;
    member->opened_ms = member->heard_ms = member->refilled_ms = relay->now_ms;
    movex_text_set(member->address, event->text);
    member->in_bucket = *bucket;
    *bucket = member;
    member->next = relay->first;
    if (member->next) member->next->previous = member;
    relay->first = member;
    relay->stats.links++;
    return member;
}

static void free_member(movexd_relay *relay, relay_member *member)
{
    relay_member **at = bucket_of(relay, member->io, member->link);
    while (*at != member) at = &(*at)->in_bucket;
    *at = member->in_bucket;
    if (member->previous)
        member->previous->next = member->next;
    else
        relay->first = member->next;
    if (member->next) member->next->previous = member->previous;
    relay->stats.links--;
    relay_release(relay, member, sizeof *member);
}

void relay_report(const movexd_relay *relay, movexd_relay_event_kind kind, const relay_member *member,
                  const relay_room *room)
{
    movexd_relay_event event = {.kind = kind,
                                .name = member->name,
                                .room = room ? room->name : "",
                                .address = member->address,
                                .cause = member->cause,
                                .members = room ? room->count : 0};
    if (relay->config.report) relay->config.report(relay->config.user, &event);
}

/* ---- sending */

static void set_leaving(movexd_relay *relay, relay_member *member, const char *cause)
{
    member->leaving = true;
    movex_text_set(member->cause, cause);
    member->next_leaving = relay->leaving;
    relay->leaving = member;
}

void relay_send_away(movexd_relay *relay, relay_member *member, movex_relay_reason reason)
{
    if (member->leaving) return;
    member->reason = reason;
    relay->stats.sent_away++;
    set_leaving(relay, member, movex_relay_reason_text(reason));
}

static void send_frame(movexd_relay *relay, relay_member *member, const unsigned char *frame, size_t length)
{
    if (member->leaving) return;
    int status = member->io.ops->send(member->io.self, member->link, frame, length);
    /* A link that is gone will say so by itself. */
    if (status != MOVEX_OK && status != MOVEX_ERR_CLOSED) relay_send_away(relay, member, MOVEX_RELAY_REASON_SLOW);
}

void relay_tell(movexd_relay *relay, relay_member *member, const movex_relay_message *message)
{
    unsigned char frame[MOVEX_RELAY_MOST_MESSAGE];
    send_frame(relay, member, frame, movex_relay_write(message, frame));
}

/* Those who go, and those who have no room for the news of it. */
static void see_off(movexd_relay *relay)
{
    while (relay->leaving) {
        relay_member *member = relay->leaving;
        relay->leaving = member->next_leaving;
        if (!member->name[0]) relay_report(relay, MOVEXD_RELAY_REJECTED, member, NULL);
        relay_leave(relay, member);
        if (!member->cut) {
            unsigned char       frame[MOVEX_RELAY_MOST_MESSAGE];
            movex_relay_message refused = {.kind = MOVEX_RELAY_REFUSED, .reason = (uint8_t)member->reason};
            size_t              length = movex_relay_write(&refused, frame);
            member->io.ops->send(member->io.self, member->link, frame, length); /* if there is room */
            member->io.ops->close(member->io.self, member->link);
        }
        free_member(relay, member);
    }
}

/* ---- credit */

/* Gives back what time has earned, once it is worth a message. */
static void refill(movexd_relay *relay, relay_member *member)
{
    uint64_t elapsed_ms = relay->now_ms - member->refilled_ms;
    if (elapsed_ms > UINT32_MAX) elapsed_ms = UINT32_MAX;
    uint64_t earned = elapsed_ms * relay->config.bytes_per_second / 1000;
    if (earned >= member->spent) earned = member->spent;
    if (earned == 0 || (earned < member->spent && earned < relay->window / 4)) return;
    member->spent -= (uint32_t)earned;
    member->refilled_ms = relay->now_ms;
    relay_tell(relay, member, &(movex_relay_message){.kind = MOVEX_RELAY_CREDIT, .bytes = (uint32_t)earned});
}

/* False if it has not so much. */
static bool charge(movexd_relay *relay, relay_member *member, size_t length)
{
    size_t cost = length + MOVEX_RELAY_FRAME_COST;
    if (cost > relay->window - member->spent) return false;
    if (member->spent == 0) member->refilled_ms = relay->now_ms;
    member->spent += (uint32_t)cost;
    refill(relay, member);
    return true;
}

/* ---- what comes in */

static void forward(movexd_relay *relay, relay_member *from, const movex_relay_message *message, const void *frame,
                    size_t length)
{
    relay_member *to = relay_find(from->room, message->number);
    if (!to || to == from) return; /* it has gone, and the sender will hear of it */
    memcpy(relay->scratch, frame, length);
    movex_relay_write_header(relay->scratch, message->kind, from->number);
    send_frame(relay, to, relay->scratch, length);
    relay->stats.frames++;
    relay->stats.bytes += length;
}

static movex_relay_reason take_from_member(movexd_relay *relay, relay_member *member,
                                           const movex_relay_message *message, const movex_io_event *event)
{
    bool forwarded =
        message->kind == MOVEX_RELAY_DATA || message->kind == MOVEX_RELAY_OPEN || message->kind == MOVEX_RELAY_CLOSE;
    if (!forwarded) return MOVEX_RELAY_REASON_MALFORMED;
    if (!charge(relay, member, event->length)) return MOVEX_RELAY_REASON_CREDIT;
    forward(relay, member, message, event->data, event->length);
    return (movex_relay_reason)0;
}

static void take_message(movexd_relay *relay, relay_member *member, const movex_io_event *event)
{
    movex_relay_message message;
    movex_relay_reason  reason = MOVEX_RELAY_REASON_MALFORMED;
    if (member->leaving) return;
    member->heard_ms = relay->now_ms;
    if (event->length <= relay->scratch_size && movex_relay_read(event->data, event->length, &message)) {
        if (member->room)
            reason = take_from_member(relay, member, &message, event);
        else if (message.kind == MOVEX_RELAY_JOIN)
            reason = relay_join(relay, member, &message);
    }
    if (reason) relay_send_away(relay, member, reason);
}

static void take_event(movexd_relay *relay, movex_io io, const movex_io_event *event)
{
    relay_member *member = find_link(relay, io, event->link);
    if (event->kind == MOVEX_IO_OPENED && !member && !add_member(relay, io, event)) io.ops->close(io.self, event->link);
    if (!member) return;
    if (event->kind == MOVEX_IO_MESSAGE) take_message(relay, member, event);
    if (event->kind != MOVEX_IO_CLOSED) return;
    member->cut = true;
    if (!member->leaving) set_leaving(relay, member, event->text);
}

static void receive(movexd_relay *relay, movex_io io)
{
    for (int i = 0; i < MOST_EVENTS; i++) {
        movex_io_event event = {0};
        if (io.ops->recv(io.self, &event) != MOVEX_OK) return;
        take_event(relay, io, &event);
        see_off(relay);
    }
}

static void sweep(movexd_relay *relay)
{
    const movexd_relay_config *config = &relay->config;
    for (relay_member *member = relay->first; member; member = member->next) {
        if (!member->room && relay->now_ms - member->opened_ms >= config->join_ms)
            relay_send_away(relay, member, MOVEX_RELAY_REASON_LATE);
        if (member->room && config->idle_ms && relay->now_ms - member->heard_ms >= config->idle_ms)
            relay_send_away(relay, member, MOVEX_RELAY_REASON_IDLE);
        if (member->spent) refill(relay, member);
    }
    see_off(relay);
}

/* ---- life */

static bool copy_tokens(movexd_relay *relay, const char *const *tokens)
{
    uint32_t count = relay->config.token_count;
    if (!tokens) return true;
    relay->tokens = relay_allocate(relay, (count ? count : 1) * sizeof(relay_token));
    for (uint32_t i = 0; relay->tokens && i < count; i++) movex_text_set(relay->tokens[i], tokens[i]);
    return relay->tokens != NULL;
}

movexd_relay *movexd_relay_new(const movexd_relay_config *config)
{
    movex_allocator allocator = config->allocator.allocate ? config->allocator : movex_allocator_default();
    movexd_relay   *relay = allocator.allocate(allocator.user, sizeof *relay);
    if (!relay) return NULL;
    memset(relay, 0, sizeof *relay);
    relay->config = *config;
    relay->config.allocator = allocator;
    relay->config.tokens = NULL;
    relay->window = config->bytes_per_second;
    if (copy_tokens(relay, config->tokens) &&
        config->entropy(config->user, &relay->seed, sizeof relay->seed) == MOVEX_OK)
        return relay;
    movexd_relay_free(relay);
    return NULL;
}

static int make_scratch(movexd_relay *relay, size_t size)
{
    if (size <= relay->scratch_size) return MOVEX_OK;
    unsigned char *scratch = relay_allocate(relay, size);
    if (!scratch) return MOVEX_ERR_MEMORY;
    relay_release(relay, relay->scratch, relay->scratch_size);
    relay->scratch = scratch;
    relay->scratch_size = size;
    uint32_t least = (uint32_t)(size + MOVEX_RELAY_FRAME_COST) * WINDOW_FRAMES;
    if (relay->window < least) relay->window = least;
    return MOVEX_OK;
}

int movexd_relay_attach(movexd_relay *relay, movex_io io)
{
    int status = !io.self ? MOVEX_ERR_MEMORY : make_scratch(relay, io.ops->max_frame);
    if (relay->io_count == MOVEXD_RELAY_MOST_EMITTERS) status = MOVEX_ERR_LIMIT;
    if (status == MOVEX_OK && io.ops->listen) status = io.ops->listen(io.self);
    if (status == MOVEX_OK)
        relay->ios[relay->io_count++] = io;
    else if (io.self)
        io.ops->destroy(io.self);
    return status;
}

void movexd_relay_poll(movexd_relay *relay, uint64_t now_ms)
{
    if (now_ms > relay->now_ms) relay->now_ms = now_ms;
    for (uint32_t i = 0; i < relay->io_count; i++) receive(relay, relay->ios[i]);
    if (relay->now_ms < relay->sweep_ms) return;
    relay->sweep_ms = relay->now_ms + SWEEP_MS;
    sweep(relay);
}

void movexd_relay_wait(movexd_relay *relay, uint32_t timeout_ms)
{
    if (timeout_ms > SWEEP_MS) timeout_ms = SWEEP_MS;
    if (relay->io_count > 1 && timeout_ms > TURN_MS) timeout_ms = TURN_MS;
    for (uint32_t i = 0; i < relay->io_count; i++)
        if (relay->ios[i].ops->wait) relay->ios[i].ops->wait(relay->ios[i].self, timeout_ms);
}

movexd_relay_stats movexd_relay_statistics(const movexd_relay *relay)
{
    return relay->stats;
}

void movexd_relay_free(movexd_relay *relay)
{
    if (!relay) return;
    movex_allocator allocator = relay->config.allocator;
    for (relay_member *member = relay->first; member; member = member->next) {
        if (!member->leaving) set_leaving(relay, member, movex_relay_reason_text(MOVEX_RELAY_REASON_STOPPING));
        if (!member->reason) member->reason = MOVEX_RELAY_REASON_STOPPING;
    }
    see_off(relay);
    for (uint32_t i = 0; i < relay->io_count; i++) relay->ios[i].ops->destroy(relay->ios[i].self);
    relay_release(relay, relay->scratch, relay->scratch_size);
    relay_release(relay, relay->tokens,
                  (relay->config.token_count ? relay->config.token_count : 1) * sizeof(relay_token));
    allocator.release(allocator.user, relay, sizeof *relay);
}

void movexd_relay_check(const movexd_relay *relay)
{
    uint32_t rooms = 0, members = 0, links = 0, in_rooms = 0;
    for (const relay_member *member = relay->first; member; member = member->next, links++) {
        assert((member->room == NULL) == (member->number == 0));
        assert(member->spent <= relay->window && !member->leaving);
        in_rooms += member->room != NULL;
    }
    for (const relay_room *room = relay->rooms; room; room = room->next, rooms++) {
        assert(room->count >= 1 && room->count <= room->capacity && room->count <= relay->config.max_members);
        for (uint32_t i = 0; i < room->count; i++) {
            assert(room->members[i]->room == room && room->members[i]->number <= room->last_number);
            assert(i == 0 || room->members[i - 1]->number < room->members[i]->number);
        }
        members += room->count;
    }
    assert(!relay->leaving && rooms == relay->stats.rooms && links == relay->stats.links);
    assert(members == relay->stats.members && members == in_rooms);
    (void)rooms, (void)members, (void)links, (void)in_rooms;
}
