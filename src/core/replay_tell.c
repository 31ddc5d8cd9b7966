/* What a record of a journal says, for those who look at it. */
#include "replay_internal.h"

static const char *client_of(const movex_replay *replay, uint64_t session)
{
    const movex_replay_client *client = movex_map_get(&replay->clients, session, NULL, NULL);
    return client ? client->id : "";
}

/* False if there is no memory. */
static bool know(movex_replay *replay, uint64_t session, movex_wire_text id)
{
    if (session == 0 || movex_map_get(&replay->clients, session, NULL, NULL)) return true;
    movex_replay_client *client = movex_allocate(&replay->allocator, sizeof *client);
    if (!client) return false;
    client->session = session;
    movex_recovery_take_name(id, client->id);
    if (movex_map_put(&replay->clients, &replay->allocator, session, client)) return true;
    movex_release(&replay->allocator, client, sizeof *client);
    return false;
}

bool movex_replay_know_client(movex_replay *replay, const movex_journal_record *record)
{
    switch (record->kind) {
    case MOVEX_JOURNAL_SUBSCRIBED: return know(replay, record->of.subscribed.session, record->of.subscribed.id);
    case MOVEX_JOURNAL_HIDER: return know(replay, record->of.hider.session, record->of.hider.id);
    case MOVEX_JOURNAL_PAIR: return know(replay, record->of.pair.session, record->of.pair.author);
    case MOVEX_JOURNAL_SESSION: return know(replay, record->of.session.number, record->of.session.id);
    default: return true;
    }
}

static movex_replay_half half_of(const movex_replay *replay, const movex_journal_half *half, void *payload)
{
    movex_replay_half  told = {.action = half->action,
                               .name = "",
                               .bytes = half->payload.bytes,
                               .length = half->payload.length,
                               .drew = half->drew,
                               .seed = half->seed};
    const movex_rules *rules = movex_replay_rules(replay);
    if (!rules || half->action >= rules->type->action_count) return told;
    const movex_codec *codec = rules->payloads[half->action];
    told.name = rules->type->actions[half->action].name;
    if (codec && movex_codec_decode(codec, payload, half->payload.bytes, half->payload.length, NULL) == MOVEX_OK)
        told.payload = payload;
    return told;
}

static void tell_entry(movex_replay *replay, const movex_journal_entry *entry, movex_replay_record *told)
{
    told->checksum = entry->checksum;
    told->session = entry->session;
    told->subscription = entry->subscription;
    told->sequence = entry->sequence;
    told->name = client_of(replay, entry->session);
    if (!entry->session && entry->author.length && movex_recovery_take_name(entry->author, replay->author))
        told->name = replay->author;
    told->hides = entry->hides;
    told->seals = entry->seals;
    told->reveals = entry->reveals;
    told->shown = half_of(replay, &entry->shown, replay->payloads[0]);
    if (entry->hides) told->hidden = half_of(replay, &entry->hidden, replay->payloads[1]);
}

static void tell_dispatch(const movex_replay *replay, const movex_journal_dispatch *dispatch, movex_replay_record *told)
{
    told->session = dispatch->session;
    told->subscription = dispatch->subscription;
    told->sequence = dispatch->sequence;
    told->name = client_of(replay, dispatch->session);
    told->reason = dispatch->reason;
    told->from = dispatch->revealed;
}

static void tell_bytes(movex_wire_bytes bytes, movex_replay_record *told)
{
    told->bytes = bytes.bytes;
    told->length = bytes.length;
}

static void tell_step(movex_replay *replay, const movex_journal_step *step, movex_replay_record *told)
{
    told->checksum = step->checksum;
    told->number = step->kind == MOVEX_JOURNAL_CLOSING ? step->deadline_ms : step->records.count;
    if (step->author.length && movex_recovery_take_name(step->author, replay->author)) told->name = replay->author;
}

static void tell_room(movex_replay *replay, movex_wire_text room, movex_replay_record *told)
{
    memset(replay->room, 0, sizeof replay->room);
    memcpy(replay->room, room.bytes, room.length);
    told->name = replay->room;
}

static void tell_session(const movex_replay *replay, uint64_t session, movex_replay_record *told)
{
    told->session = session;
    told->name = client_of(replay, session);
}

void movex_replay_tell(movex_replay *replay, const movex_journal_record *record, movex_replay_record *told)
{
    told->kind = (movex_replay_kind)record->kind;
    switch (record->kind) {
    case MOVEX_JOURNAL_RESOURCE:
        told->type = replay->type;
        told->name = replay->id;
        told->type_version = record->of.resource.type_version;
        told->fingerprint = record->of.resource.fingerprint;
        break;
    case MOVEX_JOURNAL_STATE:
        told->checksum = record->of.state.checksum;
        tell_bytes(record->of.state.state, told);
        break;
    case MOVEX_JOURNAL_ENTRY: tell_entry(replay, &record->of.entry, told); break;
    case MOVEX_JOURNAL_SUBSCRIBED:
        tell_session(replay, record->of.subscribed.session, told);
        told->subscription = record->of.subscribed.subscription;
        told->sequence = record->of.subscribed.sequence;
        break;
    case MOVEX_JOURNAL_UNSUBSCRIBED:
    case MOVEX_JOURNAL_REFUSED:
    case MOVEX_JOURNAL_OVERTURNED: tell_dispatch(replay, &record->of.dispatch, told); break;
    case MOVEX_JOURNAL_HIDING: told->from = record->of.hiding.base; break;
    case MOVEX_JOURNAL_HIDER:
    case MOVEX_JOURNAL_FULL:
        tell_session(replay, record->of.hider.session, told);
        tell_bytes(record->of.hider.state, told);
        break;
    case MOVEX_JOURNAL_PAIR:
        tell_session(replay, record->of.pair.session, told);
        told->subscription = record->of.pair.subscription;
        told->sequence = record->of.pair.sequence;
        told->from = record->of.pair.version;
        told->hidden = half_of(replay, &record->of.pair.hidden, replay->payloads[1]);
        break;
    case MOVEX_JOURNAL_REVEALED:
        told->from = record->of.revealed.version;
        if (movex_recovery_take_name(record->of.revealed.author, replay->author)) told->name = replay->author;
        break;
    case MOVEX_JOURNAL_SEALED: tell_bytes(record->of.sealed, told); break;
    case MOVEX_JOURNAL_FORFEITED:
        told->from = record->of.forfeited.version;
        told->reason = record->of.forfeited.reason;
        break;
    case MOVEX_JOURNAL_CLOSING:
    case MOVEX_JOURNAL_OPENING:
    case MOVEX_JOURNAL_DEADLINE: tell_step(replay, &record->of.step, told); break;
    case MOVEX_JOURNAL_ROOM: tell_room(replay, record->of.room, told); break;
    case MOVEX_JOURNAL_SESSIONS: break;
    case MOVEX_JOURNAL_START: told->number = record->of.start.epoch; break;
    case MOVEX_JOURNAL_SESSION: tell_session(replay, record->of.session.number, told); break;
    case MOVEX_JOURNAL_SESSION_OVER:
    case MOVEX_JOURNAL_SESSION_ENDED: tell_session(replay, record->of.number, told); break;
    }
}

const char *movex_replay_kind_name(movex_replay_kind kind)
{
    switch (kind) {
    case MOVEX_REPLAY_RESOURCE: return "RESOURCE";
    case MOVEX_REPLAY_STATE: return "STATE";
    case MOVEX_REPLAY_ENTRY: return "ENTRY";
    case MOVEX_REPLAY_SUBSCRIBED: return "SUBSCRIBED";
    case MOVEX_REPLAY_UNSUBSCRIBED: return "UNSUBSCRIBED";
    case MOVEX_REPLAY_REFUSED: return "REFUSED";
    case MOVEX_REPLAY_HIDING: return "HIDING";
    case MOVEX_REPLAY_HIDER: return "HIDER";
    case MOVEX_REPLAY_FULL: return "FULL";
    case MOVEX_REPLAY_PAIR: return "PAIR";
    case MOVEX_REPLAY_REVEALED: return "REVEALED";
    case MOVEX_REPLAY_OVERTURNED: return "OVERTURNED";
    case MOVEX_REPLAY_SEALED: return "SEALED";
    case MOVEX_REPLAY_FORFEITED: return "FORFEITED";
    case MOVEX_REPLAY_CLOSING: return "CLOSING";
    case MOVEX_REPLAY_OPENING: return "OPENING";
    case MOVEX_REPLAY_DEADLINE: return "DEADLINE";
    case MOVEX_REPLAY_ROOM: return "ROOM";
    case MOVEX_REPLAY_SESSIONS: return "SESSIONS";
    case MOVEX_REPLAY_START: return "START";
    case MOVEX_REPLAY_SESSION: return "SESSION";
    case MOVEX_REPLAY_SESSION_OVER: return "SESSION_OVER";
    case MOVEX_REPLAY_SESSION_ENDED: return "SESSION_ENDED";
    }
    return "unknown";
}
