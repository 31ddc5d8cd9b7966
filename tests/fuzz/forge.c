#include "forge.h"

#include "wire_check.h"

#include <stdlib.h>

/* ---- values */

static void know(forge *f, uint64_t number)
{
    f->known[f->known_count++ % FORGE_KNOWN] = number;
}

static uint64_t value(forge *f, fuzz_input *input)
{
    uint8_t how = fuzz_u8(input);
    if (how < 48) return how;
    if (how < 160) return f->known[how % FORGE_KNOWN];
    if (how < 224) return UINT64_C(1) << (how - 160);
    return UINT64_MAX - (how - 224u);
}

static uint32_t index_of(forge *f, fuzz_input *input)
{
    return (uint32_t)value(f, input);
}

static movex_wire_text text(fuzz_input *input)
{
    static const char *const texts[] = {"ann",      "bob",
                                        "evil",     "wolf",
                                        "one",      "two",
                                        "open",     "duel",
                                        "cards",    "eyes",
                                        "",         "\x1b[",
                                        "\xff\xfe", "a long name, longer than any name may be, if one asks name.c"};
    const char              *picked = texts[fuzz_u8(input) % (sizeof texts / sizeof *texts)];
    return (movex_wire_text){picked, (uint32_t)strlen(picked)};
}

static movex_status status(fuzz_input *input)
{
    return (movex_status) - (int)fuzz_u8(input);
}

/* Bytes that are a payload, a state, something near it, or nothing of the kind. */
static movex_wire_bytes payload(const forge *f, const movex_codec *codec, fuzz_input *input, unsigned char *room,
                                size_t capacity)
{
    table      state;
    uint8_t    how = fuzz_u8(input), seed = fuzz_u8(input);
    size_t     length = 0;
    table_move move = {.id = seed, .a = seed % 7, .b = seed / 7 % 8};
    table_lock lock = {.seat = seed % 4, .value = seed};
    if (how < 192 && codec) {
        const void *it = &state;
        if (codec == movex_rules_payload(f->rules[0], TABLE_LOCK) ||
            codec == movex_rules_payload(f->rules[0], TABLE_READY))
            it = &lock;
        else if (codec != movex_rules_state(f->rules[0]))
            it = &move;
        movex_rules_init(f->rules[0], &state);
        state.cells[seed % TABLE_CELLS] = seed;
        movex_codec_encode(codec, it, room, capacity, &length, NULL);
        if (how >= 160) forge_edit(room, &length, capacity, input);
    } else {
        length = how % 64;
        memset(room, seed, length);
    }
    return (movex_wire_bytes){room, length};
}

static const movex_codec *payload_codec(const forge *f, uint32_t action)
{
    return movex_rules_payload(f->rules[0], action);
}

static movex_wire_records records(forge *f, bool halves, fuzz_input *input, unsigned char *room, size_t capacity)
{
    movex_writer  writer = movex_writer_over(room, capacity);
    uint64_t      count = fuzz_u8(input) % 4, back = fuzz_u8(input) % 8;
    unsigned char bytes[64];
    for (uint64_t i = 0; i < count; i++) {
        movex_reveal_record record = {.back = back > i ? back - i : 0, .author = text(input)};
        if (record.author.length > MOVEX_NAME_MAX) record.author.length = MOVEX_NAME_MAX;
        if (halves) {
            record.known = fuzz_u8(input) % 4 == 0;
            record.action = fuzz_u8(input) % (TABLE_ACTIONS + 1);
            record.payload = payload(f, payload_codec(f, record.action), input, bytes, sizeof bytes);
            record.seeded = fuzz_u8(input) & 1;
            record.seed = fuzz_u8(input);
        }
        movex_write_reveal_record(&writer, halves, &record);
    }
    return (movex_wire_records){count, {room, (size_t)(writer.at - room)}};
}

/* ---- messages: of a client */

static void write_hello(forge *f, movex_writer *writer, fuzz_input *input)
{
    uint8_t             how = fuzz_u8(input);
    movex_hello_message hello = {.protocol = how & 0x80 ? value(f, input) : MOVEX_PROTOCOL_VERSION,
                                 .max_frame = how & 0x40 ? value(f, input) : 65536,
                                 .id = text(input),
                                 .info = how & 0x20 ? text(input) : (movex_wire_text){"", 0},
                                 .credentials = {"", 0},
                                 .resumes = how & 1};
    memcpy(hello.token, f->token, sizeof hello.token);
    if (how & 0x10) hello.token[0] ^= 1;
    movex_write_hello(writer, &hello);
}

static void write_bind(forge *f, movex_writer *writer, fuzz_input *input)
{
    uint8_t            how = fuzz_u8(input);
    uint32_t           type = how % TABLE_TYPES;
    const char        *name = table_types[type]->name;
    movex_bind_message bind = {.tag = value(f, input),
                               .type = how & 0x40 ? text(input) : (movex_wire_text){name, (uint32_t)strlen(name)},
                               .id = how & 0x20 ? text(input) : (movex_wire_text){"one", 3},
                               .fingerprint = movex_rules_fingerprint(f->rules[type]) ^ (how >> 7)};
    if (how & 0x10) bind.subscription = value(f, input);
    if (how & 0x08) {
        bind.resumes = true;
        bind.epoch = 1;
        bind.version = value(f, input);
        bind.checksum = value(f, input);
        bind.answered = value(f, input);
        bind.base = value(f, input);
        bind.revealed = value(f, input);
    }
    movex_write_bind(writer, &bind);
}

static movex_dispatch_message dispatch_of(forge *f, fuzz_input *input, unsigned char *room, size_t capacity)
{
    uint8_t                how = fuzz_u8(input);
    movex_dispatch_message dispatch = {.number = how & 0x80 ? index_of(f, input) : f->number,
                                       .sequence = how & 0x40 ? value(f, input) : ++f->sequence,
                                       .action = how & 0x20 ? index_of(f, input) : how % TABLE_ACTIONS};
    dispatch.payload = payload(f, payload_codec(f, dispatch.action), input, room, capacity);
    return dispatch;
}

static void write_pair(forge *f, movex_writer *writer, fuzz_input *input)
{
    static const uint32_t pairs[][2] = {
        {TABLE_LOCK, TABLE_READY}, {TABLE_GAMBLE, TABLE_DRAW}, {TABLE_STEAL, TABLE_SWAP}};
    unsigned char                  hidden[256], shown[256];
    uint8_t                        how = fuzz_u8(input);
    movex_dispatch_private_message pair = {.hidden = dispatch_of(f, input, hidden, sizeof hidden)};
    if (how & 0x80) {
        pair.revealed = value(f, input);
        pair.shown_action = index_of(f, input);
    } else {
        pair.hidden.action = pairs[how % 3][0];
        pair.hidden.payload = payload(f, payload_codec(f, pair.hidden.action), input, hidden, sizeof hidden);
        pair.shown_action = pairs[how % 3][1];
    }
    pair.shown_payload = pair.hidden.payload;
    if (how & 0x40) pair.shown_payload = payload(f, payload_codec(f, pair.shown_action), input, shown, sizeof shown);
    movex_write_dispatch_private(writer, &pair);
}

static movex_wire_records openings(forge *f, fuzz_input *input, unsigned char *room, size_t capacity)
{
    movex_writer  writer = movex_writer_over(room, capacity);
    uint64_t      count = fuzz_u8(input) % 4, back = fuzz_u8(input) % 8;
    unsigned char bytes[64], salt[MOVEX_SALT_SIZE];
    memset(salt, fuzz_u8(input), sizeof salt);
    for (uint64_t i = 0; i < count; i++) {
        movex_opening_record record = {.back = back > i ? back - i : 1, .salt = salt};
        record.action = fuzz_u8(input) % (TABLE_ACTIONS + 1);
        record.payload = payload(f, payload_codec(f, record.action), input, bytes, sizeof bytes);
        movex_write_opening_record(&writer, &record);
    }
    return (movex_wire_records){count, {room, (size_t)(writer.at - room)}};
}

static void write_seal(forge *f, movex_writer *writer, fuzz_input *input)
{
    unsigned char                 room[256];
    movex_dispatch_sealed_message seal = {.shown = dispatch_of(f, input, room, sizeof room)};
    seal.revealed = value(f, input);
    memset(seal.commitment, fuzz_u8(input), sizeof seal.commitment);
    movex_write_dispatch_sealed(writer, &seal);
}

static void write_open(forge *f, movex_writer *writer, fuzz_input *input)
{
    unsigned char      room[512];
    movex_open_message open = {.number = f->number, .closing = value(f, input)};
    open.records = openings(f, input, room, sizeof room);
    movex_write_open(writer, &open);
}

/* ---- messages: of a master */

static void write_sealed(forge *f, movex_writer *writer, fuzz_input *input)
{
    unsigned char        room[256], round[64];
    movex_writer         records = movex_writer_over(room, sizeof room);
    movex_sealed_message sealed = {.number = f->number, .version = value(f, input)};
    sealed.forfeits.count = fuzz_u8(input) % 3;
    for (uint64_t i = 0; i < sealed.forfeits.count; i++) {
        movex_forfeit_record record = {fuzz_u8(input) % 4, text(input), (int)fuzz_u8(input) - 20};
        if (record.author.length > MOVEX_NAME_MAX) record.author.length = MOVEX_NAME_MAX;
        movex_write_forfeit(&records, &record);
    }
    sealed.forfeits.bytes = (movex_wire_bytes){room, (size_t)(records.at - room)};
    memset(round, fuzz_u8(input), sizeof round);
    sealed.round = (movex_wire_bytes){round, fuzz_u8(input) % sizeof round};
    movex_write_sealed(writer, &sealed);
}

static void write_sealed_entry(forge *f, movex_writer *writer, fuzz_input *input)
{
    unsigned char              room[256];
    movex_sealed_entry_message entry = {.number = f->number, .version = f->version + 1, .author = text(input)};
    if (entry.author.length > MOVEX_NAME_MAX) entry.author.length = MOVEX_NAME_MAX;
    entry.elapsed_ms = fuzz_u8(input);
    entry.subscription = value(f, input);
    entry.sequence = value(f, input);
    entry.action = fuzz_u8(input) % (TABLE_ACTIONS + 1);
    entry.payload = payload(f, payload_codec(f, entry.action), input, room, sizeof room);
    entry.seed = fuzz_u8(input);
    memset(entry.commitment, fuzz_u8(input), sizeof entry.commitment);
    entry.checksum = value(f, input);
    movex_write_sealed_entry(writer, &entry);
    f->version++;
}

static void write_step(forge *f, movex_writer *writer, unsigned kind, fuzz_input *input)
{
    unsigned char             room[512];
    movex_sealed_step_message step = {.kind = (movex_message_kind)kind, .number = f->number};
    step.version = f->version + 1;
    step.elapsed_ms = fuzz_u8(input);
    step.deadline_ms = value(f, input);
    step.author = text(input);
    if (step.author.length > MOVEX_NAME_MAX) step.author.length = MOVEX_NAME_MAX;
    step.records = openings(f, input, room, sizeof room);
    step.reveals = fuzz_u8(input) & 1;
    step.checksum = value(f, input);
    movex_write_sealed_step(writer, &step);
    f->version++;
}

static void write_welcome(forge *f, movex_writer *writer, fuzz_input *input)
{
    uint8_t               how = fuzz_u8(input);
    movex_welcome_message welcome = {.protocol = how & 0x80 ? value(f, input) : MOVEX_PROTOCOL_VERSION,
                                     .max_frame = how & 0x40 ? value(f, input) : 65536,
                                     .epoch = value(f, input),
                                     .now_ms = value(f, input),
                                     .pending = how & 0x20 ? index_of(f, input) : 16,
                                     .resumed = how & 1};
    memcpy(welcome.token, f->token, sizeof welcome.token);
    movex_write_welcome(writer, &welcome);
}

static void write_bound(forge *f, movex_writer *writer, fuzz_input *input)
{
    movex_bound_message bound = {.tag = value(f, input)};
    bound.number = index_of(f, input);
    bound.subscription = value(f, input);
    bound.sequence = value(f, input);
    bound.subscribers = fuzz_u8(input) & 1 ? value(f, input) : 0;
    bound.resumed = fuzz_u8(input) & 1;
    f->number = bound.number;
    movex_write_bound(writer, &bound);
}

static void write_snapshot(forge *f, movex_writer *writer, fuzz_input *input)
{
    unsigned char          room[2048], bytes[512];
    table                  state;
    movex_snapshot_message snapshot = {.number = index_of(f, input), .version = value(f, input)};
    snapshot.now_ms = value(f, input);
    snapshot.sequence = value(f, input);
    snapshot.revealed = value(f, input);
    snapshot.records = records(f, false, input, bytes, sizeof bytes);
    snapshot.state = payload(f, movex_rules_state(f->rules[0]), input, room, sizeof room);
    if (movex_codec_decode(movex_rules_state(f->rules[0]), &state, room, snapshot.state.length, NULL) == MOVEX_OK)
        snapshot.checksum = movex_codec_checksum(movex_rules_state(f->rules[0]), &state);
    if (fuzz_u8(input) > 200) snapshot.checksum ^= 1;
    movex_write_snapshot(writer, &snapshot);
}

static void write_entry(forge *f, movex_writer *writer, unsigned flags, fuzz_input *input)
{
    unsigned char       room[256], patch[64], bytes[512];
    movex_entry_message entry = {.flags = flags & 0x1f, .number = f->number};
    uint8_t             how = fuzz_u8(input);
    if (how & 0x80) entry.number = index_of(f, input);
    entry.version = how & 0x40 ? value(f, input) : f->version + 1;
    entry.elapsed_ms = how & 0x20 ? value(f, input) : 1;
    entry.sequence = value(f, input);
    entry.slot = how & 0x10 ? index_of(f, input) : how & 1;
    entry.author = text(input);
    if (entry.author.length > MOVEX_NAME_MAX) entry.author.length = MOVEX_NAME_MAX;
    uint8_t action = fuzz_u8(input);
    /* Said by a byte that has no other meaning there, and not by the flag: so stored inputs keep their meaning. */
    if (flags & MOVEX_ENTRY_OWN && action >= 0xc4 && action < 0xcc) entry.flags |= MOVEX_ENTRY_NEXT;
    entry.action = action % (TABLE_ACTIONS + 1);
    entry.payload = payload(f, payload_codec(f, entry.action), input, room, sizeof room);
    entry.seed = fuzz_u8(input);
    entry.checksum = value(f, input);
    entry.patch = (movex_wire_bytes){patch, fuzz_u8(input) % sizeof patch};
    memset(patch, 3, sizeof patch);
    entry.records = records(f, !(flags & MOVEX_ENTRY_PATCHED), input, bytes, sizeof bytes);
    movex_write_entry(writer, &entry);
    f->version++;
}

static void write_subscriber(forge *f, movex_writer *writer, fuzz_input *input)
{
    movex_subscriber_message subscriber = {.number = f->number, .slot = index_of(f, input)};
    subscriber.presence = (movex_presence)(fuzz_u8(input) % 3);
    subscriber.named = fuzz_u8(input) & 1;
    subscriber.id = text(input);
    subscriber.info = text(input);
    movex_write_subscriber(writer, &subscriber);
}

static void write_outcome(forge *f, movex_writer *writer, unsigned kind, fuzz_input *input)
{
    movex_outcome_message    outcome = {.number = f->number, .sequence = value(f, input)};
    movex_overturned_message overturned = {.number = f->number, .sequence = outcome.sequence};
    outcome.reason = overturned.reason = (int)fuzz_u8(input) - 70;
    if (kind == MOVEX_MESSAGE_OUTCOME)
        movex_write_outcome(writer, &outcome);
    else
        movex_write_overturned(writer, &overturned);
}

/* ---- all */

static void write_message(forge *f, movex_writer *writer, unsigned kind, fuzz_input *input)
{
    unsigned char room[2048];
    switch (kind) {
    case MOVEX_MESSAGE_CHUNK: {
        uint8_t last = fuzz_u8(input);
        size_t  size = fuzz_u8(input) * (size_t)8;
        memset(room, fuzz_u8(input), sizeof room);
        movex_write_u8(writer, MOVEX_MESSAGE_CHUNK);
        movex_write_u8(writer, last & 1);
        movex_write_number(writer, size);
        movex_write_bytes(writer, room, size);
        break;
    }
    case MOVEX_MESSAGE_ERROR: {
        movex_error_message error = {status(input), fuzz_u8(input), text(input)};
        movex_write_error(writer, &error);
        break;
    }
    case MOVEX_MESSAGE_HELLO: write_hello(f, writer, input); break;
    case MOVEX_MESSAGE_BIND: write_bind(f, writer, input); break;
    case MOVEX_MESSAGE_UNBIND:
    case MOVEX_MESSAGE_RESYNC:
    case MOVEX_MESSAGE_GOODBYE:
    case MOVEX_MESSAGE_FORGET:
        movex_write_numbered(writer, (movex_message_kind)kind, fuzz_u8(input) & 1 ? index_of(f, input) : f->number);
        break;
    case MOVEX_MESSAGE_DISPATCH: {
        movex_dispatch_message dispatch = dispatch_of(f, input, room, sizeof room);
        movex_write_dispatch(writer, &dispatch);
        break;
    }
    case MOVEX_MESSAGE_DISPATCH_PRIVATE: write_pair(f, writer, input); break;
    case MOVEX_MESSAGE_DISPATCH_SEALED: write_seal(f, writer, input); break;
    case MOVEX_MESSAGE_OPEN: write_open(f, writer, input); break;
    case MOVEX_MESSAGE_SEALED: write_sealed(f, writer, input); break;
    case MOVEX_MESSAGE_SEALED_ENTRY: write_sealed_entry(f, writer, input); break;
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE: write_step(f, writer, kind, input); break;
    case MOVEX_MESSAGE_WELCOME: write_welcome(f, writer, input); break;
    case MOVEX_MESSAGE_BOUND: write_bound(f, writer, input); break;
    case MOVEX_MESSAGE_BIND_REFUSED: {
        movex_bind_refused_message refused = {value(f, input), status(input), fuzz_u8(input), text(input)};
        movex_write_bind_refused(writer, &refused);
        break;
    }
    case MOVEX_MESSAGE_UNBOUND: {
        movex_unbound_message unbound = {index_of(f, input), status(input), text(input)};
        movex_write_unbound(writer, &unbound);
        break;
    }
    case MOVEX_MESSAGE_SNAPSHOT: write_snapshot(f, writer, input); break;
    case MOVEX_MESSAGE_OUTCOME:
    case MOVEX_MESSAGE_OVERTURNED: write_outcome(f, writer, kind, input); break;
    case MOVEX_MESSAGE_SUBSCRIBER: write_subscriber(f, writer, input); break;
    default:
        if (kind >= MOVEX_MESSAGE_ENTRY) write_entry(f, writer, kind, input);
    }
}

void forge_write(forge *f, unsigned kind, fuzz_input *input)
{
    unsigned char bytes[FORGE_FRAME];
    movex_writer  writer = movex_writer_over(bytes, sizeof bytes);
    write_message(f, &writer, kind, input);
    forge_raw(f, bytes, (size_t)(writer.at - bytes));
}

void forge_raw(forge *f, const uint8_t *bytes, size_t length)
{
    if (length > sizeof f->frame - f->length) return;
    memcpy(f->frame + f->length, bytes, length);
    f->length += length;
}

void forge_edit(unsigned char *frame, size_t *length, size_t capacity, fuzz_input *input)
{
    uint8_t what = fuzz_u8(input);
    size_t  at = fuzz_u8(input), count = *length;
    uint8_t byte = fuzz_u8(input);
    if (count == 0) return;
    at %= count;
    if (what % 4 == 0) {
        frame[at] = byte;
    } else if (what % 4 == 1) {
        frame[at] ^= (unsigned char)(1u << byte % 8);
    } else if (what % 4 == 2 && count < capacity) {
        memmove(frame + at + 1, frame + at, count - at);
        frame[at] = byte;
        *length = count + 1;
    } else {
        size_t out = byte % 8 + 1u < count - at ? byte % 8 + 1u : count - at;
        memmove(frame + at, frame + at + out, count - at - out);
        *length = count - out;
    }
}

/* ---- learning */

/* False if what follows is of no interest. */
static bool learn_message(forge *f, unsigned kind, movex_reader *reader)
{
    movex_welcome_message      welcome;
    movex_bind_message         bind;
    movex_bound_message        bound;
    movex_bind_refused_message refused;
    movex_snapshot_message     snapshot;
    movex_entry_message        entry;
    movex_dispatch_message     dispatch;
    movex_subscriber_message   subscriber;
    movex_outcome_message      outcome;
    movex_unbound_message      unbound;
    movex_sealed_entry_message sealed_entry;
    movex_sealed_step_message  step;
    switch (kind) {
    case MOVEX_MESSAGE_SEALED_ENTRY:
        if (!movex_read_sealed_entry(reader, &sealed_entry)) return false;
        f->version = sealed_entry.version;
        f->entries++;
        return true;
    case MOVEX_MESSAGE_CLOSING:
    case MOVEX_MESSAGE_OPENING:
    case MOVEX_MESSAGE_DEADLINE:
        if (!movex_read_sealed_step(reader, (movex_message_kind)kind, &step)) return false;
        f->version = step.version;
        know(f, step.version);
        return true;
    case MOVEX_MESSAGE_ERROR: f->errors++; return false;
    case MOVEX_MESSAGE_SUBSCRIBER: return movex_read_subscriber(reader, &subscriber);
    case MOVEX_MESSAGE_OUTCOME: return movex_read_outcome(reader, &outcome);
    case MOVEX_MESSAGE_UNBOUND: return movex_read_unbound(reader, &unbound);
    case MOVEX_MESSAGE_BIND_REFUSED: return movex_read_bind_refused(reader, &refused);
    case MOVEX_MESSAGE_WELCOME:
        if (!movex_read_welcome(reader, &welcome)) return false;
        memcpy(f->token, welcome.token, sizeof f->token);
        f->has_token = true;
        f->welcomes++;
        return true;
    case MOVEX_MESSAGE_BIND:
        if (!movex_read_bind(reader, &bind)) return false;
        know(f, bind.tag);
        know(f, bind.version);
        return true;
    case MOVEX_MESSAGE_BOUND:
        if (!movex_read_bound(reader, &bound)) return false;
        f->number = bound.number;
        f->bound++;
        know(f, bound.number);
        know(f, bound.subscription);
        f->sequence = bound.sequence;
        return true;
    case MOVEX_MESSAGE_SNAPSHOT:
        if (!movex_read_snapshot(reader, &snapshot)) return false;
        f->version = snapshot.version;
        know(f, snapshot.version);
        know(f, snapshot.checksum);
        return true;
    case MOVEX_MESSAGE_DISPATCH:
        if (!movex_read_dispatch(reader, &dispatch)) return false;
        know(f, dispatch.sequence);
        return true;
    default:
        if (kind < MOVEX_MESSAGE_ENTRY || !movex_read_entry(reader, kind & MOVEX_ENTRY_FLAGS, &entry)) return false;
        f->version = entry.version;
        f->entries++;
        know(f, entry.version);
        know(f, entry.checksum);
        return true;
    }
}

void forge_learn(forge *f, const unsigned char *frame, size_t length)
{
    movex_reader reader = movex_reader_over(frame, length);
    wire_require_frame(frame, length);
    while (movex_reader_left(&reader)) {
        unsigned kind = movex_read_u8(&reader);
        if (!learn_message(f, kind, &reader)) return;
    }
}
