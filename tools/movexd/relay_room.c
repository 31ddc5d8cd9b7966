/* Rooms, and who may be in them. */
#include "relay_internal.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_MEMBERS = 4 };

/* ---- tokens */

/* Takes as long wherever the first difference is. Both are filled up with zeros. */
static bool same_bytes(const char *a, const char *b, size_t size)
{
    volatile unsigned char differs = 0;
    for (size_t i = 0; i < size; i++) differs = (unsigned char)(differs | (a[i] ^ b[i]));
    return differs == 0;
}

static bool is_accepted(const movexd_relay *relay, const relay_token token)
{
    bool accepted = !relay->tokens;
    for (uint32_t i = 0; i < relay->config.token_count; i++)
        accepted = same_bytes(relay->tokens[i], token, sizeof(relay_token)) || accepted;
    return accepted;
}

/* ---- rooms */

static uint64_t add_to_hash(uint64_t hash, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u; /* FNV-1a */
    return hash;
}

static uint64_t hash_of(const movexd_relay *relay, const movex_relay_message *join)
{
    uint64_t hash = add_to_hash(relay->seed, join->token, sizeof join->token);
    return add_to_hash(hash, join->room, sizeof join->room);
}

static relay_room *find_room(const movexd_relay *relay, const movex_relay_message *join)
{
    uint64_t    hash = hash_of(relay, join);
    relay_room *found = NULL;
    for (relay_room *room = relay->rooms; room; room = room->next)
        if (room->hash == hash && same_bytes(room->token, join->token, sizeof room->token) &&
            same_bytes(room->name, join->room, sizeof room->name))
            found = room;
    return found;
}

static relay_room *new_room(movexd_relay *relay, const movex_relay_message *join)
{
    relay_room *room = relay->stats.rooms < relay->config.max_rooms ? relay_allocate(relay, sizeof *room) : NULL;
    if (!room) return NULL;
    room->hash = hash_of(relay, join);
    memcpy(room->token, join->token, sizeof room->token);
    memcpy(room->name, join->room, sizeof room->name);
    room->next = relay->rooms;
    if (room->next) room->next->previous = room;
    relay->rooms = room;
    relay->stats.rooms++;
    return room;
}

static void free_room(movexd_relay *relay, relay_room *room)
{
    if (room->previous)
        room->previous->next = room->next;
    else
        relay->rooms = room->next;
    if (room->next) room->next->previous = room->previous;
    relay->stats.rooms--;
    relay_release(relay, room->members, room->capacity * sizeof *room->members);
    relay_release(relay, room, sizeof *room);
}

static bool make_place(movexd_relay *relay, relay_room *room)
{
    if (room->count < room->capacity) return true;
    movex_allocator *allocator = &relay->config.allocator;
    uint32_t         grown = room->capacity ? room->capacity * 2 : FIRST_MEMBERS;
    size_t           each = sizeof(relay_member *);
    relay_member **members = allocator->reallocate(allocator->user, room->members, room->capacity * each, grown * each);
    if (!members) return false;
    room->members = members;
    room->capacity = grown;
    return true;
}

static int compare_number(const void *wanted, const void *at)
{
    uint32_t number = *(const uint32_t *)wanted, other = (*(relay_member *const *)at)->number;
    return (number > other) - (number < other);
}

static relay_member **place_of(const relay_room *room, uint32_t number)
{
    return bsearch(&number, room->members, room->count, sizeof *room->members, compare_number);
}

relay_member *relay_find(const relay_room *room, uint32_t number)
{
    relay_member **place = place_of(room, number);
    return place ? *place : NULL;
}

static relay_member *find_name(const relay_room *room, const char *name)
{
    for (uint32_t i = 0; i < room->count; i++)
        if (strcmp(room->members[i]->name, name) == 0) return room->members[i];
    return NULL;
}

/* ---- coming and going */

static movex_relay_message peer(const relay_member *member)
{
    movex_relay_message message = {.kind = MOVEX_RELAY_PEER, .number = member->number};
    memcpy(message.name, member->name, sizeof message.name);
    return message;
}

static void introduce(movexd_relay *relay, relay_room *room, relay_member *newcomer)
{
    movex_relay_message about, new_one = peer(newcomer);
    for (uint32_t i = 0; i < room->count; i++) {
        if (room->members[i] == newcomer) continue;
        about = peer(room->members[i]);
        relay_tell(relay, newcomer, &about);
        relay_tell(relay, room->members[i], &new_one);
    }
    about = (movex_relay_message){
        .kind = MOVEX_RELAY_JOINED, .number = newcomer->number, .key = newcomer->key, .bytes = relay->window};
    relay_tell(relay, newcomer, &about);
}

static movex_relay_reason enter(movexd_relay *relay, relay_room *room, relay_member *member,
                                const movex_relay_message *join)
{
    if (room->count >= relay->config.max_members || room->last_number == UINT32_MAX)
        return MOVEX_RELAY_REASON_ROOM_FULL;
    if (!make_place(relay, room) ||
        relay->config.entropy(relay->config.user, &member->key, sizeof member->key) != MOVEX_OK)
        return MOVEX_RELAY_REASON_RELAY_FULL;
    memcpy(member->name, join->name, sizeof member->name);
    member->room = room;
    member->number = ++room->last_number;
    room->members[room->count++] = member;
    relay->stats.members++;
    relay_report(relay, MOVEXD_RELAY_JOINED, member, room);
    introduce(relay, room, member);
    return (movex_relay_reason)0;
}

movex_relay_reason relay_join(movexd_relay *relay, relay_member *member, const movex_relay_message *join)
{
    if (join->version != MOVEX_RELAY_VERSION) return MOVEX_RELAY_REASON_VERSION;
    if (!is_accepted(relay, join->token)) return MOVEX_RELAY_REASON_TOKEN;
    relay_room   *room = find_room(relay, join);
    relay_member *namesake = room ? find_name(room, join->name) : NULL;
    if (namesake) {
        if (!namesake->leaving && namesake->key != join->key) return MOVEX_RELAY_REASON_NAME;
        relay_send_away(relay, namesake, MOVEX_RELAY_REASON_REPLACED);
        relay_leave(relay, namesake); /* and the room may be gone with it */
        room = find_room(relay, join);
    }
    if (!room) room = new_room(relay, join);
    if (!room) return MOVEX_RELAY_REASON_RELAY_FULL;
    movex_relay_reason reason = enter(relay, room, member, join);
    if (room->count == 0) free_room(relay, room);
    return reason;
}

void relay_leave(movexd_relay *relay, relay_member *member)
{
    relay_room *room = member->room;
    if (!room) return;
    relay_member      **place = place_of(room, member->number);
    movex_relay_message gone = {.kind = MOVEX_RELAY_GONE, .number = member->number};
    memmove(place, place + 1, (size_t)(room->members + --room->count - place) * sizeof *place);
    member->room = NULL;
    member->number = 0;
    relay->stats.members--;
    relay_report(relay, MOVEXD_RELAY_LEFT, member, room);
    for (uint32_t i = 0; i < room->count; i++) relay_tell(relay, room->members[i], &gone);
    if (room->count == 0) free_room(relay, room);
}
