/* Raft among hostile bytes.

   The first byte says which: bytes as one message; three honest members and one that lies, over links that lose, double and reorder;
   or the file of a member, with right checksums, so that what stands in it is reached.

   What is read as a message is written as the same bytes. Whatever a liar says, the honest members keep what movex_raft_check
   says, tell each entry once and in order, and hold bounded memory; as long as nobody lies they agree. A file is damaged, and
   that is said twice the same; or it makes a sound member, which is the same after each restart. */
#include "fuzz.h"

#include "hash.h"
#include "raft_internal.h"
#include "record.h"

#include <movex/store_memory.h>

#include <stdlib.h>
#include <string.h>

const size_t fuzz_record_size = 12;

enum { HONEST = 3, LIAR = 9, MOST_PACKETS = 256, MOST_INDEX = 4096, MOST_BYTES = 16 << 20, MOST_SAID = 1000 };

static uint64_t digest;

static movex_raft_member member_of(uint64_t number)
{
    movex_raft_member member = {.number = number, .name = "m?"};
    member.name[1] = (char)('0' + number);
    return member;
}

/* Some of the honest, by their bits, and perhaps the liar. */
static movex_raft_membership membership_of(uint64_t room, unsigned bits)
{
    movex_raft_membership membership = {.room = room};
    for (uint64_t i = 0; i < HONEST; i++)
        if (bits >> i & 1) membership.members[membership.count++] = member_of(i + 1);
    if (bits >> HONEST & 1) membership.members[membership.count++] = member_of(LIAR);
    if (bits >> (HONEST + 1) & 1) membership.members[membership.count++] = (movex_raft_member){0};
    return membership;
}

/* ---- one message */

static void read_message(fuzz_input *input)
{
    static unsigned char again[1 << 20];
    size_t               length = fuzz_left(input);
    unsigned char       *bytes = fuzz_copy(input->at, length);
    movex_raft_message   message;
    movex_reader         reader = movex_reader_over(bytes, length);
    bool                 sound = movex_read_raft_message(&reader, &message);
    digest = fuzz_digest_number(digest, sound);
    if (sound) {
        movex_writer writer = movex_writer_over(again, sizeof again);
        movex_reader entries = movex_reader_over(message.entries.bytes, message.entries.length);
        movex_write_raft_message(&writer, &message);
        for (uint32_t i = 0; i < message.count; i++) {
            movex_raft_wire_entry entry;
            fuzz_require(movex_read_raft_entry(&entries, &entry));
            movex_write_raft_entry(&writer, &entry);
        }
        fuzz_require((size_t)(writer.at - again) == length && memcmp(again, bytes, length) == 0);
    }
    free(bytes);
}

/* ---- members */

typedef struct seat {
    movex_raft         *raft;
    movex_store_memory *disk;
    movex_store         store;
    uint64_t            told; /* index of the last entry or snapshot that it told of */
    bool                left;
} seat;

typedef struct packet {
    uint64_t from, to;
    uint8_t *bytes;
    size_t   length;
} packet;

typedef struct world {
    fuzz_memory memory, disk_memory;
    seat        seats[HONEST];
    packet      packets[MOST_PACKETS];
    uint32_t    packet_count;
    uint64_t    now_ms, room;
    bool        branches, fails, lied;
    uint64_t    committed[MOST_INDEX]; /* digest of what is committed there; 0: not known */
} world;

static bool enter(world *w, uint32_t at)
{
    seat *s = &w->seats[at];
    s->store = s->disk ? movex_store_memory_open(s->disk) : (movex_store){0};
    s->raft = movex_raft_new(&(movex_raft_config){.self = member_of(at + 1),
                                                  .founders = HONEST,
                                                  .silent_ms = 3000,
                                                  .survivor_goes_on = w->branches,
                                                  .seed = at + 1,
                                                  .message_bytes = 64,
                                                  .store = s->store,
                                                  .allocator = fuzz_allocator(&w->memory)});
    if (!s->raft && s->store.ops) s->store.ops->destroy(s->store.self);
    s->told = s->raft ? s->raft->log.snapshot_index : 0;
    s->left = false;
    return s->raft != NULL;
}

static void die(seat *s)
{
    if (s->disk) movex_store_memory_crash(s->disk);
    movex_raft_free(s->raft);
    if (s->store.ops) s->store.ops->destroy(s->store.self);
    s->raft = NULL;
}

static void meet(world *w, uint32_t at, uint64_t number)
{
    movex_raft_member other = member_of(number);
    const seat       *known = number == LIAR ? NULL : &w->seats[number - 1];
    movex_raft_meet(w->seats[at].raft, &other, known ? movex_raft_room(known->raft) : w->room, HONEST, NULL);
}

static void link_all(world *w)
{
    for (uint32_t i = 0; i < HONEST; i++) {
        for (uint32_t j = 0; j < HONEST; j++)
            if (i != j) meet(w, i, j + 1);
        meet(w, i, LIAR);
    }
}

/* ---- what must hold */

static void take_entry(world *w, seat *s, const movex_raft_event *event)
{
    fuzz_require(event->index > s->told && event->index <= movex_raft_committed(s->raft) && event->length > 0);
    s->told = event->index;
    uint64_t what = movex_xxh64(event->bytes, event->length, event->term) | 1; /* all of it can be read */
    if (w->lied || w->branches || event->index >= MOST_INDEX) return;
    uint64_t *known = &w->committed[event->index];
    if (!*known) *known = what;
    fuzz_require(*known == what);
}

static void drain(world *w, seat *s)
{
    movex_raft_event event;
    while (movex_raft_next(s->raft, &event)) {
        digest = fuzz_digest_number(digest, event.kind);
        digest = fuzz_digest_number(digest, event.index);
        switch (event.kind) {
        case MOVEX_RAFT_ENTRY: take_entry(w, s, &event); break;
        case MOVEX_RAFT_UNDONE:
            s->told = 0;
            fuzz_require(w->branches);
            break;
        case MOVEX_RAFT_RESTORED:
            fuzz_require(event.index >= s->told);
            if (event.length) digest = fuzz_digest(digest, event.bytes, event.length);
            s->told = event.index;
            break;
        case MOVEX_RAFT_MASTERED: digest = fuzz_digest_number(digest, event.number); break;
        case MOVEX_RAFT_MEMBERS: w->room = movex_raft_room(s->raft); break;
        case MOVEX_RAFT_LEFT:
            fuzz_require(event.text && event.text[0] && !s->left);
            s->left = true;
            break;
        }
    }
}

static void put(world *w, uint64_t from, uint64_t to, const void *bytes, size_t length)
{
    if (w->packet_count == MOST_PACKETS) return; /* lost */
    w->packets[w->packet_count++] = (packet){from, to, fuzz_copy(bytes, length), length};
}

static void check(world *w, uint32_t at)
{
    seat       *s = &w->seats[at];
    const void *bytes;
    size_t      length;
    uint64_t    to;
    movex_raft_check(s->raft);
    drain(w, s);
    for (int said = 0; movex_raft_send(s->raft, &to, &bytes, &length); said++) {
        movex_raft_message message;
        movex_reader       reader = movex_reader_over(bytes, length);
        fuzz_require(said < MOST_SAID && movex_read_raft_message(&reader, &message));
        if (to != LIAR) put(w, at + 1, to, bytes, length);
    }
    movex_raft_check(s->raft);
    fuzz_require(w->memory.bytes < MOST_BYTES && w->disk_memory.bytes < MOST_BYTES);
    if (!s->left && !s->raft->failed && s->raft->polled) fuzz_require(movex_raft_deadline(s->raft) > s->raft->now_ms);
    digest = fuzz_digest_number(digest, movex_raft_term(s->raft));
    digest = fuzz_digest_number(digest, movex_raft_last(s->raft));
}

static void check_all(world *w)
{
    for (uint32_t i = 0; i < HONEST; i++) check(w, i);
}

/* ---- what happens */

static void receive(world *w, uint64_t from, uint32_t at, const void *bytes, size_t length)
{
    void *copy = fuzz_copy(bytes, length);
    int   status = movex_raft_receive(w->seats[at].raft, from, copy, length);
    bool  well = from == LIAR || w->lied || status != MOVEX_ERR_MALFORMED;
    fuzz_require(well &&
                 (status == MOVEX_OK || status == MOVEX_ERR_MALFORMED || (status == MOVEX_ERR_MEMORY && w->fails)));
    free(copy);
}

static void deliver(world *w, uint32_t i, bool stays)
{
    packet p = w->packets[i];
    receive(w, p.from, (uint32_t)p.to - 1, p.bytes, p.length);
    check(w, (uint32_t)p.to - 1);
    if (stays) return;
    free(p.bytes);
    w->packets[i] = w->packets[--w->packet_count];
}

static void pass_time(world *w, uint32_t ms)
{
    w->now_ms += ms;
    for (uint32_t i = 0; i < HONEST; i++) {
        if (w->seats[i].disk) movex_store_memory_poll(w->seats[i].disk, w->now_ms);
        movex_raft_poll(w->seats[i].raft, w->now_ms);
    }
    check_all(w);
}

static void drop(world *w, uint32_t i)
{
    free(w->packets[i].bytes);
    w->packets[i] = w->packets[--w->packet_count];
}

/* One number near what is known, small, or absurd. */
static uint64_t near(uint64_t known, uint8_t how)
{
    switch (how % 8) {
    case 0: return known;
    case 1: return known + 1;
    case 2: return known ? known - 1 : 0;
    case 3: return how >> 3;
    case 4: return known + (how >> 3);
    case 5: return known > how >> 3 ? known - (how >> 3) : 0;
    case 6: return MOVEX_RAFT_NUMBER_MOST - (how >> 3);
    default: return UINT64_MAX;
    }
}

static void forge_entries(uint64_t room, movex_writer *writer, const movex_raft_message *append, uint64_t first_term,
                          uint8_t kinds)
{
    for (uint32_t i = 0; i < append->count; i++) {
        unsigned char         bytes[MOVEX_RAFT_MEMBERSHIP_MOST];
        movex_writer          inside = movex_writer_over(bytes, sizeof bytes);
        movex_raft_membership membership = membership_of(room, kinds >> 2);
        movex_raft_entry_kind kind = (movex_raft_entry_kind)(1 + (kinds + i) % 3);
        if (kind == MOVEX_RAFT_MEMBERSHIP)
            movex_write_raft_membership(&inside, &membership);
        else if (kind == MOVEX_RAFT_CONTENT)
            movex_write_u8(&inside, (uint8_t)i);
        movex_write_raft_entry(writer,
                               &(movex_raft_wire_entry){first_term, kind, {bytes, (size_t)(inside.at - bytes)}});
    }
}

/* Nine bytes say what a liar says. */
static void lie(world *w, fuzz_input *input)
{
    static unsigned char bytes[1 << 13];
    uint8_t              kind = fuzz_u8(input), flags = fuzz_u8(input);
    uint32_t             at = kind / 16 % HONEST;
    const movex_raft    *raft = w->seats[at].raft;
    movex_raft_message   message = {.kind = (movex_raft_message_kind)(1 + kind % MOVEX_RAFT_REMOVED),
                                    .room = flags & 64 ? 0 : w->room,
                                    .trial = flags & 1,
                                    .handed_over = flags & 2,
                                    .granted = flags & 4,
                                    .alone = flags & 8,
                                    .settled = flags & 16 && !(flags & 64) && w->room,
                                    .was_member = flags & 32};
    message.term = near(raft->term, fuzz_u8(input));
    message.index = near(movex_raft_last(raft), fuzz_u8(input));
    message.index_term = near(movex_raft_term_at(raft, message.index), fuzz_u8(input));
    message.committed = near(raft->committed, fuzz_u8(input));
    uint8_t size = fuzz_u8(input), what = fuzz_u8(input), part = fuzz_u8(input);
    message.count = message.kind == MOVEX_RAFT_APPEND ? size % 5 : 0;
    message.total = size;
    message.offset = near(raft->incoming.length, part);
    message.bytes = (movex_wire_bytes){bytes + 4096, size > part ? size - part : part % 64};
    message.membership = membership_of(message.room ? message.room : 1, what);
    message.membership_index = message.index ? message.index - part % 2 : 0;
    movex_writer writer = movex_writer_over(bytes, sizeof bytes);
    movex_write_raft_message(&writer, &message);
    forge_entries(w->room ? w->room : 1, &writer, &message, near(message.index_term, what), part);
    w->lied = true;
    receive(w, LIAR, at, bytes, (size_t)(writer.at - bytes));
    check(w, at);
}

/* The program's own part: what it proposes, compacts, or leaves. */
static void act(world *w, uint32_t at, uint8_t what, uint8_t size)
{
    seat         *s = &w->seats[at];
    unsigned char bytes[256] = {what, size};
    switch (what % 4) {
    case 0: movex_raft_compact(s->raft, s->told, bytes, size); break;
    case 1:
        if (what == 1 && size == 1) movex_raft_leave(s->raft);
        break;
    default: movex_raft_propose(s->raft, bytes, 1 + size % 64u); break;
    }
    check(w, at);
}

static void restart(world *w, uint32_t at)
{
    if (!w->seats[at].disk) return;
    die(&w->seats[at]);
    if (!enter(w, at)) { /* no memory */
        fuzz_require(w->fails);
        w->memory.fails_in = 0;
        fuzz_require(enter(w, at));
    }
    for (uint32_t j = 0; j < HONEST; j++) {
        if (j == at) continue;
        movex_raft_part(w->seats[j].raft, at + 1);
        meet(w, j, at + 1);
        meet(w, at, j + 1);
    }
    meet(w, at, LIAR);
    check_all(w);
}

static void cut(world *w, uint32_t at, uint32_t other, bool again)
{
    if (at == other) return;
    if (again) {
        meet(w, at, other + 1);
        meet(w, other, at + 1);
    } else {
        movex_raft_part(w->seats[at].raft, other + 1);
        movex_raft_part(w->seats[other].raft, at + 1);
    }
    check_all(w);
}

static void step(world *w, fuzz_input *input)
{
    uint8_t op = fuzz_u8(input), a = fuzz_u8(input), b = fuzz_u8(input);
    if (w->fails && a % 4 == 3) w->memory.fails_in = 1 + b % 8;
    switch (op % 8) {
    case 0: pass_time(w, a * 4u); break;
    case 1: /* all that is on its way, in some order */
        for (uint32_t n = w->packet_count; n > 0; n--) deliver(w, (a * n + b) % w->packet_count, false);
        break;
    case 2:
        if (w->packet_count) deliver(w, a % w->packet_count, b & 1);
        break;
    case 3:
        if (w->packet_count) drop(w, a % w->packet_count);
        break;
    case 4: act(w, a % HONEST, b, a); break;
    case 5: a & 64 ? restart(w, a % HONEST) : cut(w, a % HONEST, b % HONEST, b & 64); break;
    default: lie(w, input); break;
    }
    w->memory.fails_in = 0;
}

/* The next record of the input, which may be shorter at its end. */
static fuzz_input next_record(fuzz_input *input)
{
    fuzz_input record = {input->at, fuzz_left(input) < fuzz_record_size ? input->end : input->at + fuzz_record_size};
    input->at = record.end;
    return record;
}

static void live(fuzz_input *input)
{
    static world w;
    memset(&w, 0, sizeof w);
    fuzz_input first = next_record(input);
    uint8_t    how = (fuzz_u8(&first), fuzz_u8(&first));
    w.branches = how & 1;
    w.fails = how & 2;
    for (uint32_t i = 0; i < HONEST; i++) {
        if (how & 4)
            w.seats[i].disk = movex_store_memory_new(&(movex_store_memory_config){
                .seed = i, .flush_ms = how >> 4, .allocator = fuzz_allocator(&w.disk_memory)});
        fuzz_require(enter(&w, i));
    }
    link_all(&w);
    /* Most inputs begin with a room. */
    for (int round = 0; round < 40 && !(how & 8); round++) {
        pass_time(&w, 50);
        while (w.packet_count) deliver(&w, 0, false);
    }
    while (fuzz_left(input)) {
        fuzz_input record = next_record(input);
        step(&w, &record);
    }
    while (w.packet_count) drop(&w, 0);
    for (uint32_t i = 0; i < HONEST; i++) {
        die(&w.seats[i]);
        movex_store_memory_free(w.seats[i].disk);
    }
    fuzz_require(w.memory.blocks == 0 && w.disk_memory.blocks == 0);
}

/* ---- files */

static size_t write_record(unsigned char *at, size_t offset, fuzz_input *input)
{
    unsigned char        *payload = at + MOVEX_RECORD_HEADER;
    movex_writer          writer = movex_writer_over(payload, 4096);
    uint8_t               kind = fuzz_u8(input), a = fuzz_u8(input), b = fuzz_u8(input), c = fuzz_u8(input);
    movex_raft_membership membership = membership_of(5, c);
    movex_raft_message    append = {.count = 1};
    movex_write_u8(&writer, kind % 8 == 7 ? kind : 1 + kind % 4);
    switch (kind % 4) {
    case 0:
        movex_write_u8(&writer, kind & 16 ? 2 : 1);
        movex_write_u64(&writer, kind & 32 ? 0 : 1);
        movex_write_number(&writer, 2);
        movex_write_bytes(&writer, kind & 64 ? "mX" : "m1", 2);
        movex_write_u8(&writer, kind >> 7);
        movex_write_number(&writer, a);
        if (!a) break;
        movex_write_number(&writer, b);
        movex_write_number(&writer, near(a, c >> 5));
        movex_write_raft_membership(&writer, &membership);
        movex_write_bytes(&writer, "snap", c % 5);
        break;
    case 1:
        movex_write_number(&writer, near(a, kind & 16 ? c : 0));
        movex_write_u64(&writer, b);
        movex_write_number(&writer, c / 16);
        movex_write_number(&writer, b % 4);
        movex_write_number(&writer, c % 16);
        break;
    case 2: forge_entries(5, &writer, &append, a, b); break;
    default: movex_write_number(&writer, a); break;
    }
    for (uint8_t extra = kind % 8 == 7 ? c % 8 : 0; extra > 0; extra--) movex_write_u8(&writer, fuzz_u8(input));
    size_t length = (size_t)(writer.at - payload);
    movex_record_seal(at, (uint32_t)length, offset, movex_xxh64("raft", 4, 1));
    return length + MOVEX_RECORD_FRAME;
}

static void write_file(movex_store_memory *disk, fuzz_input *input)
{
    static unsigned char bytes[1 << 17];
    size_t               length = 0;
    movex_store_file     file;
    uint64_t             number;
    while (fuzz_left(input) && length < sizeof bytes - 8192) {
        fuzz_input record = next_record(input);
        length += write_record(bytes + length, length, &record);
    }
    movex_store store = movex_store_memory_open(disk);
    fuzz_require(store.ops->open(store.self, "raft", 4, &file) == MOVEX_OK);
    fuzz_require(store.ops->replace(store.self, file, bytes, length, &number) == MOVEX_OK);
    fuzz_require(store.ops->flush(store.self) == MOVEX_OK);
    store.ops->destroy(store.self);
}

static movex_raft *open_member(fuzz_memory *memory, movex_store store, movex_error *error)
{
    *error = (movex_error){.text = ""};
    return movex_raft_new(&(movex_raft_config){.self = member_of(1),
                                               .founders = 1,
                                               .seed = 1,
                                               .store = store,
                                               .allocator = fuzz_allocator(memory),
                                               .error = error});
}

/* All that must be the same after a restart. */
static uint64_t digest_of(const movex_raft *raft)
{
    uint64_t sum = fuzz_digest_number(1, raft->term);
    sum = fuzz_digest_number(sum, raft->voted_for);
    sum = fuzz_digest_number(sum, raft->branch);
    sum = fuzz_digest_number(sum, raft->self.number);
    sum = fuzz_digest_number(sum, movex_raft_last(raft));
    sum = fuzz_digest_number(sum, raft->log.snapshot_index);
    sum = fuzz_digest_number(sum, raft->log.snapshot_term);
    sum = fuzz_digest(sum, &raft->membership, sizeof raft->membership);
    if (raft->log.snapshot.length) sum = fuzz_digest(sum, raft->log.snapshot.bytes, raft->log.snapshot.length);
    if (raft->log.bytes.length) sum = fuzz_digest(sum, raft->log.bytes.bytes, raft->log.bytes.length);
    for (uint32_t i = 0; i < raft->log.count; i++) sum = fuzz_digest_number(sum, raft->log.entries[i].term);
    return sum;
}

/* Somebody alone goes on, if it may. */
static void go_on(movex_raft *raft)
{
    movex_raft_event event;
    for (uint64_t now_ms = 1000; now_ms < 5000; now_ms += 100) {
        movex_raft_poll(raft, now_ms);
        movex_raft_check(raft);
        while (movex_raft_next(raft, &event)) digest = fuzz_digest_number(digest, event.kind);
        movex_raft_propose(raft, "x", 1);
    }
    movex_raft_check(raft);
}

static void restart_from_file(fuzz_input *input)
{
    fuzz_memory         memory = {0}, disk_memory = {0};
    movex_error         error, again;
    movex_store_memory *disk =
        movex_store_memory_new(&(movex_store_memory_config){.allocator = fuzz_allocator(&disk_memory)});
    uint64_t before = 0;
    next_record(input);
    write_file(disk, input);
    for (int round = 0; round < 3; round++) {
        movex_store store = movex_store_memory_open(disk);
        movex_raft *raft = open_member(&memory, store, &error);
        if (!raft) {
            fuzz_require(round == 0 && error.status != MOVEX_OK && error.status != MOVEX_ERR_MEMORY && error.text[0]);
            fuzz_require(!open_member(&memory, store, &again) && again.status == error.status);
            digest = fuzz_digest_text(digest, error.text);
            store.ops->destroy(store.self);
            break;
        }
        movex_raft_check(raft);
        fuzz_require(round == 0 || digest_of(raft) == before);
        if (round == 1) go_on(raft);
        before = digest_of(raft);
        digest = fuzz_digest_number(digest, before);
        if (store.ops->flush(store.self) != MOVEX_OK) fuzz_require(false);
        movex_raft_free(raft);
        store.ops->destroy(store.self);
    }
    movex_store_memory_free(disk);
    fuzz_require(memory.blocks == 0 && disk_memory.blocks == 0);
}

uint64_t fuzz_run(const uint8_t *bytes, size_t length)
{
    fuzz_input input = {bytes, bytes + length};
    digest = length ? bytes[0] % 3 : 0;
    if (digest == 0) {
        fuzz_u8(&input);
        read_message(&input);
    } else if (digest == 1) {
        live(&input);
    } else {
        restart_from_file(&input);
    }
    return digest;
}
