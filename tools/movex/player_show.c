#include "player.h"

#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How events are called. */
static const char *const names[] = {
    [MOVEX_EVENT_CONNECTED] = "connected",
    [MOVEX_EVENT_DISCONNECTED] = "disconnected",
    [MOVEX_EVENT_CLOSED] = "closed",
    [MOVEX_EVENT_BOUND] = "bound",
    [MOVEX_EVENT_BIND_REFUSED] = "bind-refused",
    [MOVEX_EVENT_REMOVED] = "removed",
    [MOVEX_EVENT_CHANGED] = "changed",
    [MOVEX_EVENT_ACCEPTED] = "accepted",
    [MOVEX_EVENT_REFUSED] = "refused",
    [MOVEX_EVENT_EXPIRED] = "expired",
    [MOVEX_EVENT_JOINED] = "joined",
    [MOVEX_EVENT_AWAY] = "away",
    [MOVEX_EVENT_BACK] = "back",
    [MOVEX_EVENT_LEFT] = "left",
    [MOVEX_EVENT_REVEALED] = "revealed",
    [MOVEX_EVENT_OVERTURNED] = "overturned",
    [MOVEX_EVENT_MISMATCH] = "mismatch",
    [MOVEX_EVENT_FORFEITED] = "forfeited",
};

static bool is_change(const movex_event *event)
{
    return event->kind == MOVEX_EVENT_CHANGED || event->kind == MOVEX_EVENT_BOUND;
}

/* True for what must be seen, whatever else is not. */
static bool is_trouble(const movex_event *event)
{
    switch (event->kind) {
    case MOVEX_EVENT_DISCONNECTED:
    case MOVEX_EVENT_CLOSED:
    case MOVEX_EVENT_BIND_REFUSED:
    case MOVEX_EVENT_REMOVED:
    case MOVEX_EVENT_REFUSED:
    case MOVEX_EVENT_EXPIRED:
    case MOVEX_EVENT_OVERTURNED:
    case MOVEX_EVENT_MISMATCH: return true;
    default: return false;
    }
}

/* Words for why; an outcome has a reason, others a status. */
static const char *cause_of(const movex_event *event)
{
    if (*event->text) return event->text;
    if (event->status != MOVEX_OK) return movex_status_text(event->status);
    return event->reason ? movex_refusal_text(event->reason) : "";
}

static uint32_t number_of(const player *p, const movex_event *event)
{
    return event->ticket ? event->ticket - p->first + 1 : 0;
}

/* ---- JSON */

static void show_text(const char *key, const char *value)
{
    if (!value || !*value) return;
    printf(",\"%s\":", key);
    show_string(stdout, value);
}

static void show_state(const player *p, const void *state)
{
    printf(",\"version\":%" PRIu64 ",\"checksum\":\"%016" PRIx64 "\",\"state\":", movex_version(p->resource),
           movex_checksum(p->resource));
    show_json(stdout, movex_rules_state(movex_resource_rules(p->resource)), state);
}

static void show_event_json(const player *p, const movex_event *event)
{
    printf("{\"event\":\"%s\"", names[event->kind]);
    if (event->ticket) printf(",\"dispatch\":%" PRIu32, number_of(p, event));
    if (event->kind == MOVEX_EVENT_ACCEPTED) printf(",\"version\":%" PRIu64, event->version);
    if (event->reason) printf(",\"reason\":%d", event->reason);
    if (event->status != MOVEX_OK) show_text("status", movex_status_name(event->status));
    show_text("peer", event->peer);
    show_text("text", event->peer ? event->text : cause_of(event));
    if (is_change(event)) show_state(p, movex_confirmed_state(p->resource));
    puts("}");
}

/* ---- for people */

/* Texts come from others: no letter of theirs may command the terminal. */
static void show_plain(const char *text)
{
    for (; *text; text++) putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void show_bound(const player *p)
{
    printf("bound %s, version %" PRIu64 ", checksum %016" PRIx64 "\n", p->name, movex_version(p->resource),
           movex_checksum(p->resource));
    player_state(p);
}

static void show_changed(const player *p)
{
    const movex_codec *codec = movex_rules_state(movex_resource_rules(p->resource));
    printf("version %" PRIu64 ": ", movex_version(p->resource));
    show_changes(stdout, codec, p->state, movex_confirmed_state(p->resource));
    putchar('\n');
}

static void show_event(const player *p, const movex_event *event)
{
    const char *cause = cause_of(event);
    switch (event->kind) {
    case MOVEX_EVENT_BOUND: show_bound(p); return;
    case MOVEX_EVENT_CHANGED: show_changed(p); return;
    case MOVEX_EVENT_JOINED:
    case MOVEX_EVENT_AWAY:
    case MOVEX_EVENT_BACK:
    case MOVEX_EVENT_LEFT:
        printf("%s %s", names[event->kind], event->peer);
        cause = event->text;
        break;
    default:
        if (event->ticket) printf("#%" PRIu32 " ", number_of(p, event));
        fputs(names[event->kind], stdout);
        if (event->kind == MOVEX_EVENT_ACCEPTED) printf(", version %" PRIu64, event->version);
        if (event->reason) printf(", reason %d", event->reason);
    }
    if (*cause) fputs(": ", stdout);
    show_plain(cause);
    putchar('\n');
}

void player_event(player *p, const movex_event *event)
{
    bool once = p->given->once;
    bool same = event->kind == MOVEX_EVENT_CHANGED && movex_version(p->resource) == p->version; /* only predicted */
    if (!same && (!once || is_trouble(event))) {
        if (p->given->json)
            show_event_json(p, event);
        else
            show_event(p, event);
    }
    if (!is_change(event)) return;
    p->version = movex_version(p->resource);
    movex_codec_copy(movex_rules_state(movex_resource_rules(p->resource)), p->state,
                     movex_confirmed_state(p->resource));
}

void player_state(const player *p)
{
    const void *state = movex_confirmed_state(p->resource);
    if (p->given->json) {
        fputs("{\"event\":\"state\"", stdout);
        show_state(p, state);
        puts("}");
        return;
    }
    show_json(stdout, movex_rules_state(movex_resource_rules(p->resource)), state);
    putchar('\n');
}
