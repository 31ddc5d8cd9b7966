#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CHANGES = 8, CHANGES_SIZE = 4096, MOST_BYTES = 32 };

void show_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        unsigned char letter = (unsigned char)*text;
        if (letter == '"' || letter == '\\')
            fprintf(out, "\\%c", letter);
        else if (letter < ' ' || letter == 0x7f)
            fprintf(out, "\\u%04x", letter);
        else
            putc(letter, out);
    }
    putc('"', out);
}

void show_json(FILE *out, const movex_codec *codec, const void *state)
{
    size_t length = movex_codec_json(codec, state, NULL, 0);
    char  *text = malloc(length + 1);
    if (text) movex_codec_json(codec, state, text, length + 1);
    fputs(text ? text : "null", out);
    free(text);
}

static void show_bytes(FILE *out, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length && i < MOST_BYTES; i++) fprintf(out, "%02x", bytes[i]);
    if (length > MOST_BYTES) fputs("...", out);
}

/* "append {"number":5}", or, without the type, "action 3, payload 05000000". */
static void show_half(FILE *out, const movex_replay *replay, const movex_replay_half *half)
{
    const movex_rules *rules = movex_replay_rules(replay);
    if (half->name[0])
        fputs(half->name, out);
    else
        fprintf(out, "action %" PRIu32, half->action);
    if (half->length == 0) return;
    if (half->payload) {
        putc(' ', out);
        show_json(out, movex_rules_payload(rules, half->action), half->payload);
    } else {
        fputs(", payload ", out);
        show_bytes(out, half->bytes, half->length);
    }
}

static void show_entry(FILE *out, const movex_replay *replay, const movex_replay_record *record)
{
    fprintf(out, "%s", record->name[0] ? record->name : "the master");
    fputs(record->session || !record->name[0] ? ": " : " (by the master): ", out);
    if (record->hides) {
        show_half(out, replay, &record->hidden);
        fputs(", shown as ", out);
    }
    show_half(out, replay, &record->shown);
    if (record->seals) fputs(", with a sealed half", out);
    if (record->reveals) fputs(", which reveals all that was hidden", out);
    fprintf(out, ", checksum %016" PRIx64, record->checksum);
}

void show_record(FILE *out, const movex_replay *replay, const movex_replay_record *record)
{
    switch (record->kind) {
    case MOVEX_REPLAY_ENTRY: show_entry(out, replay, record); break;
    case MOVEX_REPLAY_RESOURCE:
        fprintf(out, "resource %s of type %s, version %" PRIu64 " of its rules, fingerprint %016" PRIx64, record->name,
                record->type, record->type_version, record->fingerprint);
        break;
    case MOVEX_REPLAY_STATE:
        fprintf(out, "state, %zu bytes, checksum %016" PRIx64, record->length, record->checksum);
        break;
    case MOVEX_REPLAY_SUBSCRIBED: fprintf(out, "%s is subscribed", record->name); break;
    case MOVEX_REPLAY_UNSUBSCRIBED: fprintf(out, "%s is not subscribed any more", record->name); break;
    case MOVEX_REPLAY_REFUSED:
        fprintf(out, "%s: dispatch %" PRIu64 " was refused, reason %d", record->name, record->sequence, record->reason);
        break;
    case MOVEX_REPLAY_OVERTURNED:
        fprintf(out, "%s: dispatch %" PRIu64 " was overturned, reason %d", record->name, record->sequence,
                record->reason);
        break;
    case MOVEX_REPLAY_HIDING: fprintf(out, "something is hidden since version %" PRIu64, record->from + 1); break;
    case MOVEX_REPLAY_HIDER: fprintf(out, "%s sees another state, %zu bytes", record->name, record->length); break;
    case MOVEX_REPLAY_FULL: fprintf(out, "the state with all revealed, %zu bytes", record->length); break;
    case MOVEX_REPLAY_PAIR:
        fprintf(out, "%s has hidden in version %" PRIu64 ": ", record->name, record->from);
        show_half(out, replay, &record->hidden);
        break;
    case MOVEX_REPLAY_REVEALED:
        fprintf(out, "what %s had hidden in version %" PRIu64 " was revealed last", record->name, record->from);
        break;
    case MOVEX_REPLAY_SEALED: fprintf(out, "what is sealed, and the entries since, %zu bytes", record->length); break;
    case MOVEX_REPLAY_FORFEITED:
        fprintf(out, "what was sealed in version %" PRIu64 " was forfeited, reason %d", record->from, record->reason);
        break;
    case MOVEX_REPLAY_CLOSING:
        fprintf(out, "what is sealed is to be opened until %" PRIu64 " ms, checksum %016" PRIx64, record->number,
                record->checksum);
        break;
    case MOVEX_REPLAY_OPENING:
        fprintf(out, "%s opens %" PRIu64 " of its halves, checksum %016" PRIx64, record->name, record->number,
                record->checksum);
        break;
    case MOVEX_REPLAY_DEADLINE: fprintf(out, "the time to open is over, checksum %016" PRIx64, record->checksum); break;
    case MOVEX_REPLAY_ROOM: fprintf(out, "everything hidden is sealed, in room %s", record->name); break;
    case MOVEX_REPLAY_SESSIONS: fputs("sessions", out); break;
    case MOVEX_REPLAY_START: fprintf(out, "a master starts, epoch %" PRIu64, record->number); break;
    case MOVEX_REPLAY_SESSION: fprintf(out, "session %" PRIu64 " of %s", record->session, record->name); break;
    case MOVEX_REPLAY_SESSION_OVER:
        fprintf(out, "session %" PRIu64 " of %s is over, and its name is kept", record->session, record->name);
        break;
    case MOVEX_REPLAY_SESSION_ENDED:
        fprintf(out, "session %" PRIu64 " of %s has ended", record->session, record->name);
        break;
    }
}

/* ---- JSON */

static void show_half_json(FILE *out, const movex_replay *replay, const char *key, const movex_replay_half *half)
{
    fprintf(out, ",\"%s\":{\"action\":", key);
    if (half->name[0])
        show_string(out, half->name);
    else
        fprintf(out, "%" PRIu32, half->action);
    if (half->payload) {
        fputs(",\"payload\":", out);
        show_json(out, movex_rules_payload(movex_replay_rules(replay), half->action), half->payload);
    } else if (half->length) {
        fputs(",\"bytes\":\"", out);
        for (size_t i = 0; i < half->length; i++) fprintf(out, "%02x", ((const unsigned char *)half->bytes)[i]);
        putc('"', out);
    }
    putc('}', out);
}

static void show_number(FILE *out, const char *key, uint64_t value)
{
    if (value) fprintf(out, ",\"%s\":%" PRIu64, key, value);
}

void show_record_json(FILE *out, const movex_replay *replay, const movex_replay_record *record)
{
    bool hidden = record->hides || record->kind == MOVEX_REPLAY_PAIR;
    fprintf(out,
            "{\"offset\":%" PRIu64 ",\"size\":%" PRIu64 ",\"kind\":\"%s\",\"version\":%" PRIu64 ",\"now_ms\":%" PRIu64,
            record->offset, record->size, movex_replay_kind_name(record->kind), record->version, record->now_ms);
    if (record->type[0]) fputs(",\"type\":", out);
    if (record->type[0]) show_string(out, record->type);
    if (record->name[0] || record->kind == MOVEX_REPLAY_ENTRY) {
        fputs(record->kind == MOVEX_REPLAY_ENTRY ? ",\"author\":" : ",\"name\":", out);
        show_string(out, record->name);
    }
    show_number(out, "session", record->session);
    show_number(out, "subscription", record->subscription);
    show_number(out, "sequence", record->sequence);
    show_number(out, "from", record->from);
    show_number(out, "number", record->number);
    if (record->reason) fprintf(out, ",\"reason\":%d", record->reason);
    if (record->kind == MOVEX_REPLAY_ENTRY) show_half_json(out, replay, "shown", &record->shown);
    if (hidden) show_half_json(out, replay, "hidden", &record->hidden);
    if (record->reveals) fputs(",\"reveals\":true", out);
    if (record->seals) fputs(",\"seals\":true", out);
    bool step = record->kind == MOVEX_REPLAY_CLOSING || record->kind == MOVEX_REPLAY_OPENING ||
                record->kind == MOVEX_REPLAY_DEADLINE;
    if (record->kind == MOVEX_REPLAY_ENTRY || record->kind == MOVEX_REPLAY_STATE || step)
        fprintf(out, ",\"checksum\":\"%016" PRIx64 "\"", record->checksum);
    if (record->type[0]) fprintf(out, ",\"fingerprint\":\"%016" PRIx64 "\"", record->fingerprint);
    putc('}', out);
}

void show_changes(FILE *out, const movex_codec *codec, const void *before, const void *after)
{
    char text[CHANGES_SIZE];
    movex_codec_changes(codec, before, after, MOST_CHANGES, text, sizeof text);
    fputs(text, out);
}
