/* The other members of the room, the links to them, and the dials that wait for one. */
#include "relay_internal.h"

#include <movex/text.h>

#include <assert.h>
#include <string.h>

enum { FIRST_PAIRS = 4 };

/* ---- the table */

relay_pair *movex_relay_find_link(const relay_io *io, movex_link link)
{
    for (uint32_t i = 0; link && i < io->pair_count; i++)
        if (io->pairs[i].link == link) return &io->pairs[i];
    return NULL;
}

static relay_pair *find_member(const relay_io *io, uint32_t number)
{
    for (uint32_t i = 0; i < io->pair_count; i++)
        if (io->pairs[i].member == number) return &io->pairs[i];
    return NULL;
}

static relay_pair *find_state(const relay_io *io, relay_state state, const char *name)
{
    for (uint32_t i = 0; i < io->pair_count; i++)
        if (io->pairs[i].state == state && (!name || strcmp(io->pairs[i].name, name) == 0)) return &io->pairs[i];
    return NULL;
}

relay_pair *movex_relay_find_name(const relay_io *io, const char *name)
{
    for (uint32_t i = 0; i < io->pair_count; i++)
        if (io->pairs[i].state != RELAY_LOST && strcmp(io->pairs[i].name, name) == 0) return &io->pairs[i];
    return NULL;
}

/* Room for one more pair. */
static int reserve(relay_io *io)
{
    if (io->pair_count == io->max_links) return MOVEX_ERR_LIMIT;
    if (io->pair_count < io->pair_capacity) return MOVEX_OK;
    uint32_t    grown = io->pair_capacity ? io->pair_capacity * 2 : FIRST_PAIRS;
    size_t      each = sizeof(relay_pair);
    relay_pair *pairs = io->allocator.reallocate(io->allocator.user, io->pairs, io->pair_capacity * each, grown * each);
    if (!pairs) return MOVEX_ERR_MEMORY;
    io->pairs = pairs;
    io->pair_capacity = grown;
    return MOVEX_OK;
}

static relay_pair *add_pair(relay_io *io, uint32_t member, const char *name, relay_state state)
{
    relay_pair *pair = &io->pairs[io->pair_count++];
    *pair = (relay_pair){.member = member, .state = state};
    movex_text_set(pair->name, name);
    return pair;
}

static void forgive(relay_io *io, relay_pair *pair)
{
    io->owed -= pair->owes_close + pair->owes_open;
    pair->owes_close = pair->owes_open = false;
}

static void owe(relay_io *io, bool *what)
{
    if (!*what) io->owed++;
    *what = true;
}

static void remove_pair(relay_io *io, relay_pair *pair)
{
    forgive(io, pair);
    if (pair->state == RELAY_LOST) io->lost--;
    *pair = io->pairs[--io->pair_count];
}

static movex_link new_number(relay_io *io)
{
    do io->last_link++;
    while (io->last_link == 0 || movex_relay_find_link(io, io->last_link));
    return io->last_link;
}

/* ---- what is owed */

static bool say(relay_io *io, movex_relay_kind kind, uint32_t member)
{
    unsigned char frame[MOVEX_RELAY_HEADER];
    movex_relay_write_header(frame, kind, member);
    if (movex_relay_transmit(io, frame, sizeof frame) != MOVEX_OK) return false;
    io->owed--;
    return true;
}

void movex_relay_say_owed(relay_io *io)
{
    for (uint32_t i = 0; io->owed > 0 && i < io->pair_count; i++) {
        relay_pair *pair = &io->pairs[i];
        if (pair->owes_close && !say(io, MOVEX_RELAY_CLOSE, pair->member)) return;
        pair->owes_close = false;
        if (pair->owes_open && !say(io, MOVEX_RELAY_OPEN, pair->member)) return;
        pair->owes_open = false;
    }
}

/* ---- wanting links */

static void start_opening(relay_io *io, relay_pair *pair)
{
    pair->state = RELAY_OPENING;
    if (!pair->closing) owe(io, &pair->owes_open);
}

/* A member has come, or this emitter has: whoever waits for it, or for anybody, gets it. */
static void greet(relay_io *io, relay_pair *pair)
{
    relay_pair *dial = find_state(io, RELAY_WAITING, pair->name);
    if (!dial) dial = find_state(io, RELAY_WAITING, "");
    if (!dial && !io->listening) return;
    if (dial) pair->link = dial->link;
    start_opening(io, pair);
    if (dial) remove_pair(io, dial); /* may move the other one */
}

/* A member to whom a link can be wanted, or NULL. */
static relay_pair *find_free(const relay_io *io, const char *name)
{
    for (uint32_t i = 0; i < io->pair_count; i++) {
        relay_pair *pair = &io->pairs[i];
        if (pair->member && !pair->link && (!*name || strcmp(pair->name, name) == 0)) return pair;
    }
    return NULL;
}

int movex_relay_dial(relay_io *io, const char *name, movex_link *link)
{
    relay_pair *pair = io->connection == RELAY_JOINED ? find_free(io, name) : NULL;
    int         status = pair ? MOVEX_OK : reserve(io);
    if (status != MOVEX_OK) return status;
    movex_link number = new_number(io);
    if (!pair) pair = add_pair(io, 0, name, RELAY_WAITING);
    pair->link = *link = number;
    if (pair->state == RELAY_IDLE) start_opening(io, pair);
    return MOVEX_OK;
}

void movex_relay_greet_all(relay_io *io)
{
    /* Backwards: where a dial is taken out, the last of the row, which has been looked at, moves to its place. */
    for (uint32_t i = io->pair_count; i-- > 0;)
        if (io->pairs[i].state == RELAY_IDLE) greet(io, &io->pairs[i]);
}

static void mark_lost(relay_io *io, relay_pair *pair)
{
    forgive(io, pair);
    pair->member = 0;
    pair->closing = false;
    pair->state = RELAY_LOST;
    io->lost++;
}

void movex_relay_take_joined(relay_io *io)
{
    movex_relay_greet_all(io);
    movex_text_set(io->cause, "nobody of that name is in the room");
    for (uint32_t i = 0; i < io->pair_count; i++)
        if (io->pairs[i].state == RELAY_WAITING && io->pairs[i].name[0]) mark_lost(io, &io->pairs[i]);
}

/* ---- the end of links */

void movex_relay_hang_up(relay_io *io, relay_pair *pair)
{
    if (pair->state == RELAY_WAITING || pair->state == RELAY_LOST) {
        remove_pair(io, pair);
        return;
    }
    /* Our OPEN is said, so there is something to be closed; or the other's waits for an answer, and this is a refusal. */
    bool said = !pair->owes_open && !pair->closing;
    bool asked = pair->owes_open && pair->state == RELAY_OPEN;
    if (pair->owes_open) io->owed--;
    pair->owes_open = false;
    if (said || asked) owe(io, &pair->owes_close);
    if (said) pair->closing = true;
    pair->state = RELAY_IDLE;
    pair->link = 0;
}

static void tell(relay_io *io, movex_io_event *event, movex_io_kind kind, movex_link link, const char *text)
{
    movex_text_set(io->text, text);
    *event = (movex_io_event){.kind = kind, .link = link, .text = io->text};
}

bool movex_relay_give_lost(relay_io *io, movex_io_event *event)
{
    relay_pair *pair = io->lost ? find_state(io, RELAY_LOST, NULL) : NULL;
    if (!pair) return false;
    tell(io, event, MOVEX_IO_CLOSED, pair->link, io->cause);
    remove_pair(io, pair);
    return true;
}

void movex_relay_lose_all(relay_io *io, const char *cause)
{
    movex_text_set(io->cause, cause);
    for (uint32_t i = io->pair_count; i-- > 0;) {
        relay_pair *pair = &io->pairs[i];
        if (pair->state == RELAY_LOST) continue;
        if (pair->link)
            mark_lost(io, pair);
        else
            remove_pair(io, pair);
    }
}

/* ---- what comes */

static const char *take_peer(relay_io *io, const movex_relay_message *message)
{
    if (message->number == io->own_number || find_member(io, message->number))
        return "it told of a member that it had told of";
    switch (reserve(io)) {
    case MOVEX_OK: break;
    case MOVEX_ERR_LIMIT: return "the room has more members than max_links allows";
    default: return "out of memory";
    }
    relay_pair *pair = add_pair(io, message->number, message->name, RELAY_IDLE);
    if (io->connection == RELAY_JOINED) greet(io, pair);
    return NULL;
}

static bool take_gone(relay_io *io, relay_pair *pair, movex_io_event *event)
{
    bool told = pair->link != 0;
    if (told) tell(io, event, MOVEX_IO_CLOSED, pair->link, "the other side has left the room");
    remove_pair(io, pair);
    return told;
}

static bool take_open(relay_io *io, relay_pair *pair, movex_io_event *event)
{
    if (pair->closing || pair->state == RELAY_OPEN) return false;
    if (pair->state == RELAY_IDLE && !io->listening) {
        owe(io, &pair->owes_close);
        return false;
    }
    if (pair->state == RELAY_IDLE) owe(io, &pair->owes_open);
    if (!pair->link) pair->link = new_number(io);
    pair->state = RELAY_OPEN;
    tell(io, event, MOVEX_IO_OPENED, pair->link, pair->name);
    return true;
}

static bool take_close(relay_io *io, relay_pair *pair, movex_io_event *event)
{
    if (pair->closing) {
        pair->closing = false;
        if (pair->state == RELAY_OPENING) owe(io, &pair->owes_open);
        return false;
    }
    if (pair->state == RELAY_IDLE) return false;
    bool        was_open = pair->state == RELAY_OPEN;
    const char *cause = was_open ? "the other side closed the connection" : "the other side takes no links";
    movex_link  link = pair->link;
    forgive(io, pair);
    if (was_open) owe(io, &pair->owes_close);
    pair->state = RELAY_IDLE;
    pair->link = 0;
    if (link) tell(io, event, MOVEX_IO_CLOSED, link, cause);
    return link != 0;
}

/* What comes for no link was sent before the other side knew. */
static bool take_data(relay_pair *pair, const movex_relay_message *message, movex_io_event *event)
{
    if (pair->state != RELAY_OPEN) return false;
    *event = (movex_io_event){
        .kind = MOVEX_IO_MESSAGE, .link = pair->link, .data = message->data, .length = message->length};
    return true;
}

const char *movex_relay_take_member(relay_io *io, const movex_relay_message *message, movex_io_event *event, bool *told)
{
    if (message->kind == MOVEX_RELAY_PEER) return take_peer(io, message);
    relay_pair *pair = io->connection == RELAY_JOINED ? find_member(io, message->number) : NULL;
    if (!pair) return "it told of a member that is not there";
    switch (message->kind) {
    case MOVEX_RELAY_GONE: *told = take_gone(io, pair, event); break;
    case MOVEX_RELAY_OPEN: *told = take_open(io, pair, event); break;
    case MOVEX_RELAY_CLOSE: *told = take_close(io, pair, event); break;
    default: *told = take_data(pair, message, event); break;
    }
    return NULL;
}

void movex_relay_check(const relay_io *io)
{
    uint32_t lost = 0, owed = 0;
    assert(io->pair_count <= io->max_links && io->pair_count <= io->pair_capacity);
    assert((io->inner_link == 0) == (io->connection == RELAY_AWAY) && io->credit <= io->most_credit);
    for (uint32_t i = 0; i < io->pair_count; i++) {
        const relay_pair *pair = &io->pairs[i];
        bool              no_member = pair->state == RELAY_WAITING || pair->state == RELAY_LOST;
        assert((pair->member == 0) == no_member);
        assert(pair->link || pair->state == RELAY_IDLE || pair->state == RELAY_OPENING);
        assert(!pair->link || pair->state != RELAY_IDLE);
        assert(!pair->closing || pair->state == RELAY_IDLE || pair->state == RELAY_OPENING);
        assert(io->connection != RELAY_AWAY || no_member);
        assert(!pair->link || movex_relay_find_link(io, pair->link) == pair);
        lost += pair->state == RELAY_LOST;
        owed += pair->owes_close + pair->owes_open;
        (void)no_member;
    }
    assert(lost == io->lost && owed == io->owed);
    (void)lost, (void)owed; /* without assertions */
}
