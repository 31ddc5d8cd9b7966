/* What happens in a match, as lines for people. */
#include "simulation_internal.h"

#include "../core/format.h"

enum { LINE_SIZE = 2 * MOVEX_ERROR_TEXT_SIZE };

static movex_format begin_line(const simulation_match *match, char *line)
{
    movex_format format = movex_format_into(line, LINE_SIZE);
    movex_format_unsigned(&format, match->now_ms);
    movex_format_text(&format, " ms: ");
    return format;
}

static void with_number(movex_format *format, const char *before, uint64_t number, const char *behind)
{
    movex_format_text(format, before);
    movex_format_unsigned(format, number);
    movex_format_text(format, behind);
}

static const char *words(movex_simulation_kind kind)
{
    switch (kind) {
    case MOVEX_SIMULATION_ACT: return " acts";
    case MOVEX_SIMULATION_CUT: return " is cut off";
    case MOVEX_SIMULATION_LINGER: return " is cut off; the master learns of it in ";
    case MOVEX_SIMULATION_DEAFEN: return " hears nothing any more; found out in ";
    case MOVEX_SIMULATION_MUTE: return " is not heard any more; found out in ";
    case MOVEX_SIMULATION_STALL: return " takes nothing for ";
    case MOVEX_SIMULATION_JUMP: return "'s clock jumps ahead by ";
    case MOVEX_SIMULATION_CRASH: return " crashes; starts again in ";
    }
    return "?";
}

void movex_simulation_tell_step(const simulation_match *match, const movex_simulation_step *step)
{
    char         line[LINE_SIZE];
    movex_format format = begin_line(match, line);
    bool         of_player = step->player < match->config->players;
    bool         lasts = step->kind != MOVEX_SIMULATION_ACT && step->kind != MOVEX_SIMULATION_CUT;
    movex_format_text(&format, of_player ? match->clients[step->player].id : MOVEX_MOCK_MASTER);
    movex_format_text(&format, words(step->kind));
    if (lasts) with_number(&format, "", step->ms, " ms");
    match->line(match->user, line);
}

static const char *event_name(movex_event_kind kind)
{
    switch (kind) {
    case MOVEX_EVENT_CONNECTED: return "connected";
    case MOVEX_EVENT_DISCONNECTED: return "disconnected";
    case MOVEX_EVENT_CLOSED: return "closed";
    case MOVEX_EVENT_BOUND: return "bound";
    case MOVEX_EVENT_BIND_REFUSED: return "bind refused";
    case MOVEX_EVENT_REMOVED: return "removed";
    case MOVEX_EVENT_CHANGED: return "changed";
    case MOVEX_EVENT_ACCEPTED: return "accepted";
    case MOVEX_EVENT_REFUSED: return "refused";
    case MOVEX_EVENT_EXPIRED: return "expired";
    case MOVEX_EVENT_JOINED: return "joined";
    case MOVEX_EVENT_AWAY: return "away";
    case MOVEX_EVENT_BACK: return "back";
    case MOVEX_EVENT_LEFT: return "left";
    case MOVEX_EVENT_REVEALED: return "revealed";
    case MOVEX_EVENT_OVERTURNED: return "overturned";
    case MOVEX_EVENT_FORFEITED: return "forfeited";
    case MOVEX_EVENT_MISMATCH: return "mismatch";
    case MOVEX_EVENT_UNDONE: return "undone";
    case MOVEX_EVENT_MASTER: return "master";
    case MOVEX_EVENT_MEMBER_JOINED: return "member joined";
    case MOVEX_EVENT_MEMBER_LEFT: return "member left";
    case MOVEX_EVENT_PEER_REFUSED: return "peer refused";
    }
    return "?";
}

void movex_simulation_tell_event(const simulation_match *match, const simulation_client *client,
                                 const movex_event *event)
{
    char         line[LINE_SIZE];
    movex_format format = begin_line(match, line);
    movex_format_text(&format, client->id);
    movex_format_text(&format, " is told: ");
    movex_format_text(&format, event_name(event->kind));
    if (event->peer) {
        movex_format_text(&format, " ");
        movex_format_text(&format, event->peer);
    }
    if (event->ticket) with_number(&format, " ticket ", event->ticket, "");
    if (event->version) with_number(&format, " version ", event->version, "");
    if (event->reason) {
        movex_format_text(&format, " reason ");
        movex_format_signed(&format, event->reason);
    }
    if (event->text && event->text[0]) {
        movex_format_text(&format, ": ");
        movex_format_text(&format, event->text);
    }
    match->line(match->user, line);
}

void movex_simulation_tell_frame(void *user, const movex_mock_frame *frame)
{
    const simulation_match *match = user;
    char                    line[LINE_SIZE];
    if (!match->line) return;
    movex_format format = begin_line(match, line);
    movex_format_text(&format, frame->from);
    movex_format_text(&format, " -> ");
    movex_format_text(&format, frame->to);
    with_number(&format, ", link ", frame->link, ": ");
    if (frame->kind == MOVEX_IO_OPENED) movex_format_text(&format, "dials");
    if (frame->kind == MOVEX_IO_MESSAGE) with_number(&format, "", frame->length, " bytes");
    if (frame->kind == MOVEX_IO_CLOSED) movex_format_text(&format, frame->text);
    if (frame->due_ms == UINT64_MAX)
        movex_format_text(&format, ", lost");
    else
        with_number(&format, ", to arrive at ", frame->due_ms, " ms");
    match->line(match->user, line);
}

void movex_simulation_tell_failure(const simulation_match *match)
{
    char         line[LINE_SIZE];
    movex_format format = begin_line(match, line);
    movex_format_text(&format, "FAILED: ");
    movex_format_text(&format, match->text);
    match->line(match->user, line);
}
