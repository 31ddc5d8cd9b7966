#include "client_internal.h"

#include "format.h"

static const char *lend(movex_client *client, const char *text)
{
    memcpy(client->drained_text, text, strlen(text) + 1);
    return client->drained_text;
}

/* Each of these takes one event out of its source; false if the source has none (any more). */

static bool from_client(movex_client *client, movex_event *event)
{
    if (client->news_disconnected) {
        client->news_disconnected = false;
        *event = (movex_event){
            .kind = MOVEX_EVENT_DISCONNECTED, .status = client->failure, .text = lend(client, client->text)};
        return true;
    }
    if (client->news_connected) {
        client->news_connected = false;
        *event = (movex_event){.kind = MOVEX_EVENT_CONNECTED, .text = ""};
        return true;
    }
    if (client->news_closed) {
        client->news_closed = false;
        *event = (movex_event){.kind = MOVEX_EVENT_CLOSED,
                               .status = client->failure,
                               .reason = client->failure_reason,
                               .text = client->text};
        return true;
    }
    return false;
}

static bool from_overturned(movex_resource *resource, movex_event *event)
{
    *event = (movex_event){.kind = MOVEX_EVENT_OVERTURNED, .resource = resource, .version = resource->version};
    if (!movex_fold_next_overturned(resource, &event->ticket, &event->reason)) return false;
    event->text = movex_refusal_text(event->reason);
    return true;
}

static bool from_forfeited(movex_resource *resource, movex_event *event)
{
    const movex_forfeit *forfeit;
    if (!movex_sealing_next_forfeit(resource, &forfeit)) return false;
    *event = (movex_event){.kind = MOVEX_EVENT_FORFEITED,
                           .resource = resource,
                           .version = forfeit->version,
                           .peer = forfeit->author,
                           .reason = forfeit->reason,
                           .text = movex_refusal_text(forfeit->reason)};
    return true;
}

static bool from_undone(movex_resource *resource, movex_event *event)
{
    *event = (movex_event){.kind = MOVEX_EVENT_UNDONE, .resource = resource, .version = resource->version, .text = ""};
    return movex_undone_next(resource, &event->ticket);
}

/* Whose entries the last reveal has revealed, one after the other. */
static const char *revealed_text(const movex_resource *resource)
{
    movex_client  *client = resource->client;
    movex_revealed revealed;
    movex_format   format = movex_format_into(client->drained_text, sizeof client->drained_text);
    for (uint32_t i = 0; movex_revealed_at(resource, i, &revealed); i++) {
        movex_format_text(&format, i ? ", version " : "version ");
        movex_format_unsigned(&format, revealed.version);
        movex_format_text(&format, " by ");
        movex_format_text(&format, revealed.author);
    }
    return client->drained_text;
}

static bool from_resource(movex_resource *resource, movex_event *event)
{
    static const struct {
        unsigned         news;
        movex_event_kind kind;
    } kinds[] = {
        {MOVEX_NEWS_REFUSED, MOVEX_EVENT_BIND_REFUSED}, {MOVEX_NEWS_BOUND, MOVEX_EVENT_BOUND},
        {MOVEX_NEWS_MISMATCH, MOVEX_EVENT_MISMATCH},    {MOVEX_NEWS_REVEALED, MOVEX_EVENT_REVEALED},
        {MOVEX_NEWS_CHANGED, MOVEX_EVENT_CHANGED},      {MOVEX_NEWS_REMOVED, MOVEX_EVENT_REMOVED},
    };
    if (resource->news == MOVEX_NEWS_CHANGED) { /* nearly always */
        resource->news = 0;
        *event =
            (movex_event){.kind = MOVEX_EVENT_CHANGED, .resource = resource, .version = resource->version, .text = ""};
        return true;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!(resource->news & kinds[i].news)) continue;
        resource->news &= ~kinds[i].news;
        bool explained = kinds[i].news & (MOVEX_NEWS_REFUSED | MOVEX_NEWS_MISMATCH | MOVEX_NEWS_REMOVED);
        *event = (movex_event){
            .kind = kinds[i].kind,
            .resource = resource,
            .version = resource->version,
            .text = explained && resource->text ? lend(resource->client, resource->text) : "",
        };
        if (kinds[i].news == MOVEX_NEWS_REVEALED) {
            event->version = resource->fold.revealed;
            event->text = revealed_text(resource);
        }
        if (kinds[i].news & (MOVEX_NEWS_REFUSED | MOVEX_NEWS_REMOVED)) {
            event->status = resource->refusal_status;
            event->reason = resource->refusal_reason;
        }
        return true;
    }
    return false;
}

static bool from_pending(movex_pending_dispatch *dispatch, movex_event *event)
{
    if (dispatch->state != MOVEX_PENDING_ANSWERED) return false;
    *event = (movex_event){
        .kind = dispatch->outcome,
        .resource = dispatch->source.resource,
        .ticket = dispatch->ticket,
        .reason = dispatch->reason,
        .version = dispatch->version,
        .provisional = dispatch->provisional,
        .text = dispatch->outcome == MOVEX_EVENT_REFUSED ? movex_refusal_text(dispatch->reason) : "",
    };
    movex_pending_release(dispatch);
    return true;
}

/* Who was never told of comes before it goes away. */
static bool from_peer(movex_client *client, movex_peer_record *peer, movex_event *event)
{
    if (peer->told == peer->presence) return false;
    movex_event_kind kind;
    if (peer->presence == MOVEX_PRESENCE_LEFT) {
        kind = MOVEX_EVENT_LEFT;
        peer->told = MOVEX_PRESENCE_LEFT;
    } else if (peer->told == MOVEX_PRESENCE_LEFT) {
        kind = MOVEX_EVENT_JOINED;
        peer->told = MOVEX_PRESENCE_HERE;
    } else {
        kind = peer->presence == MOVEX_PRESENCE_AWAY ? MOVEX_EVENT_AWAY : MOVEX_EVENT_BACK;
        peer->told = peer->presence;
    }
    *event = (movex_event){.kind = kind,
                           .resource = peer->source.resource,
                           .peer = peer->id,
                           .text = kind == MOVEX_EVENT_JOINED ? peer->info : ""};
    if (kind == MOVEX_EVENT_LEFT) client->drained_peer = peer;
    return true;
}

void movex_client_forget_drained(movex_client *client)
{
    movex_release(&client->allocator, client->drained_peer, sizeof *client->drained_peer);
    client->drained_peer = NULL;
}

bool movex_client_next(movex_client *client, movex_event *event)
{
    if (!client) return false;
    if (client->drained_peer) movex_client_forget_drained(client);
    for (movex_node *node; (node = client->sources.first) != NULL;) {
        movex_source *source = (movex_source *)(void *)node;
        bool          found = false;
        switch (source->kind) {
        case MOVEX_SOURCE_CLIENT: found = from_client(client, event); break;
        case MOVEX_SOURCE_RESOURCE: found = from_resource((movex_resource *)(void *)source, event); break;
        case MOVEX_SOURCE_PENDING: found = from_pending((movex_pending_dispatch *)(void *)source, event); break;
        case MOVEX_SOURCE_OVERTURNED: found = from_overturned(source->resource, event); break;
        case MOVEX_SOURCE_FORFEITED: found = from_forfeited(source->resource, event); break;
        case MOVEX_SOURCE_UNDONE: found = from_undone(source->resource, event); break;
        case MOVEX_SOURCE_PEER: found = from_peer(client, (movex_peer_record *)(void *)source, event); break;
        }
        /* A source stays first until it has nothing more; an outcome and a departure are the last of theirs. */
        bool last = found && (source->kind == MOVEX_SOURCE_PENDING || client->drained_peer ||
                              (source->kind == MOVEX_SOURCE_RESOURCE && !source->resource->news));
        if (!found || last) movex_list_remove(node);
        if (found) return true;
    }
    return false;
}
