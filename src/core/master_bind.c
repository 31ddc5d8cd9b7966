#include "master_internal.h"
#include "master_keep.h"

#include "format.h"

#include <movex/text.h>

static const char no_more_views[] = "there are as many different views of it as there may be";

enum {                           /* of what is kept */
       CHANGES_OF_BEGINNING = 2, /* a subscription, and the action of who has come */
       CHANGES_OF_ENDING = 2,
};

/* ---- telling */

static void send_subscriber(movex_master *master, movex_master_link *link, const movex_subscription *about,
                            movex_presence presence, bool named)
{
    const char              *id = about->session->id, *info = movex_session_info(about->session);
    movex_subscriber_message message = {
        .number = about->resource->number,
        .slot = about->slot,
        .presence = presence,
        .named = named,
        .id = {id, (uint32_t)strlen(id)},
        .info = {info, (uint32_t)strlen(info)},
    };
    movex_writer writer;
    if (!movex_master_begin(master, link, MOVEX_NAME_SIZE + MOVEX_INFO_MAX, &writer)) return;
    movex_write_subscriber(&writer, &message);
    movex_master_send(master, link, &writer);
}

void movex_subscription_announce(movex_master *master, const movex_subscription *subscription, movex_presence presence,
                                 bool named)
{
    const movex_master_resource *resource = subscription->resource;
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        const movex_subscription *other = resource->company->subscribers[i];
        /* Who waits for a snapshot has had the list of all already. */
        if (other && other != subscription && (other->live || other->owed.list))
            send_subscriber(master, other->session->link, subscription, presence, named);
    }
}

static void send_all_subscribers(movex_master *master, const movex_subscription *subscription)
{
    const movex_master_resource *resource = subscription->resource;
    for (uint32_t i = 0; i < resource->company->slots; i++) {
        const movex_subscription *other = resource->company->subscribers[i];
        if (!other) continue;
        movex_presence presence = other->session->link ? MOVEX_PRESENCE_HERE : MOVEX_PRESENCE_AWAY;
        send_subscriber(master, subscription->session->link, other, presence, true);
    }
}

void movex_subscription_silence(movex_master *master, movex_subscription *subscription)
{
    subscription->live = false;
    movex_audience_leave(master, subscription);
    movex_list_remove(&subscription->owed);
    movex_list_remove(&subscription->crowded);
}

void movex_subscription_owe_snapshot(movex_master *master, movex_subscription *subscription)
{
    movex_master_link *link = subscription->session->link;
    if (!subscription->owed.list) movex_list_append(&link->owed, &subscription->owed);
    if (!link->due.list) movex_list_append(&master->due, &link->due);
}

void movex_subscription_give_way(movex_master *master, movex_subscription *subscription)
{
    movex_channel *channel = &subscription->session->link->channel;
    bool           holds_much = movex_channel_queued(channel) - movex_channel_waiting(channel) > channel->max_queue / 2;
    if (!movex_channel_is_behind(channel, &master->allocator, master->config.limits.backlog_bytes) && !holds_much)
        return;
    movex_subscription_silence(master, subscription);
    movex_subscription_owe_snapshot(master, subscription);
    master->stats.gave_way++;
}

/* What the subscriber is to hold; NULL if that cannot be made (movex_audience_join). */
static const movex_view *view_of(movex_master *master, movex_subscription *subscription)
{
    if (!subscription->resource->rules->patched) return movex_hidden_view(subscription->resource, subscription->hider);
    const movex_audience *audience = movex_audience_join(master, subscription);
    return audience ? &audience->held : NULL;
}

void movex_subscription_send_snapshot(movex_master *master, movex_subscription *subscription)
{
    movex_list_remove(&subscription->owed);
    movex_master_link           *link = subscription->session->link;
    const movex_master_resource *resource = subscription->resource;
    const movex_codec           *codec = resource->rules->state;
    const movex_view            *view = view_of(master, subscription);
    size_t                       most = movex_codec_max_encoded(codec), length = 0;
    movex_writer                 writer = {NULL, NULL};
    if (!view) return;
    subscription->live = true;
    bool               missed = subscription->revealed != resource->revealed;
    movex_wire_records names = {0};
    bool named = movex_round_send(master, subscription) && (!missed || movex_reveal_names(master, resource, &names));
    master->encoded.length = 0;
    if (named && movex_buffer_reserve(&master->encoded, &master->allocator, most))
        writer = movex_master_message(master, most + names.bytes.length);
    if (!writer.at) {
        movex_master_fail(master, link, MOVEX_ERR_MEMORY);
        return;
    }
    int status = movex_codec_encode(codec, view->state, master->encoded.bytes, most, &length, NULL);
    assert(status == MOVEX_OK); /* a view is always settled */
    (void)status;
    movex_snapshot_message message = {
        .number = resource->number,
        .version = resource->log.version,
        .now_ms = resource->log.now_ms,
        .checksum = view->hashes.checksum,
        .sequence = subscription->sequence,
        .revealed = resource->revealed,
        .records = names,
        .state = {master->encoded.bytes, length},
    };
    movex_write_snapshot(&writer, &message);
    movex_master_send(master, link, &writer);
    movex_subscription_told(subscription, message.sequence);
    movex_channel_allow(&link->channel);
    master->stats.snapshots++;
    subscription->base = resource->log.version;
    movex_overturned_tell(master, subscription);
    subscription->answered = subscription->sequence;
}

/* ---- binding */

static movex_subscription *find(const movex_session *session, uint32_t number)
{
    return movex_map_get(&session->by_number, number, NULL, NULL);
}

static bool take_slot(movex_master *master, movex_subscription *subscription)
{
    if (!movex_master_resource_meet(master, subscription->resource)) return false;
    movex_company *company = subscription->resource->company;
    uint32_t       slot = company->free_slot;
    while (slot < company->slots && company->subscribers[slot]) slot++;
    if (!movex_grow(&master->allocator, &company->subscribers, &company->slot_capacity, sizeof *company->subscribers,
                    slot + 1, 2))
        return false;
    if (slot == company->slots) company->slots++;
    company->subscribers[slot] = subscription;
    company->free_slot = slot + 1;
    company->subscriber_count++;
    subscription->slot = slot;
    return true;
}

static movex_subscription *subscribe_as(movex_master *master, movex_session *session, movex_master_resource *resource,
                                        uint64_t serial)
{
    movex_subscription *subscription = movex_allocate(&master->allocator, sizeof *subscription);
    if (!subscription) return NULL;
    subscription->session = session;
    subscription->resource = resource;
    subscription->serial = serial;
    subscription->hider = movex_hider_of(resource, session);
    subscription->revealed = subscription->told = resource->revealed; /* what was revealed before it came is no news */
    bool mapped = movex_map_put(&session->by_number, &master->allocator, resource->number, subscription);
    if (!mapped || !take_slot(master, subscription)) {
        if (mapped) movex_map_remove(&session->by_number, resource->number, subscription);
        movex_release(&master->allocator, subscription, sizeof *subscription);
        return NULL;
    }
    if (serial > session->subscriptions_made) session->subscriptions_made = serial;
    movex_list_remove(&resource->idle);
    movex_list_append(&session->subscriptions, &subscription->of_session);
    master->stats.subscriptions++;
    return subscription;
}

static movex_subscription *subscription_new(movex_master *master, movex_session *session,
                                            movex_master_resource *resource)
{
    return subscribe_as(master, session, resource, session->subscriptions_made + 1);
}

movex_subscription *movex_subscription_recover(movex_master *master, movex_session *session,
                                               movex_master_resource *resource, uint64_t serial, uint64_t sequence)
{
    movex_subscription *subscription = subscribe_as(master, session, resource, serial);
    if (subscription) subscription->sequence = sequence;
    return subscription;
}

void movex_subscription_free(movex_master *master, movex_subscription *subscription)
{
    movex_master_resource *resource = subscription->resource;
    movex_company         *company = resource->company;
    company->subscribers[subscription->slot] = NULL;
    company->subscriber_count--;
    if (subscription->slot < company->free_slot) company->free_slot = subscription->slot;
    while (company->slots && !company->subscribers[company->slots - 1]) company->slots--;
    if (company->subscriber_count == 0) {
        resource->idle_ms = master->now_ms;
        movex_list_append(&master->idle, &resource->idle);
    }
    movex_map_remove(&subscription->session->by_number, resource->number, subscription);
    movex_audience_leave(master, subscription);
    movex_list_remove(&subscription->owed);
    movex_list_remove(&subscription->crowded);
    movex_list_remove(&subscription->of_session);
    movex_release(&master->allocator, subscription->refused,
                  subscription->refused_capacity * sizeof *subscription->refused);
    movex_release(&master->allocator, subscription->overturned,
                  subscription->overturned_capacity * sizeof *subscription->overturned);
    movex_release(&master->allocator, subscription, sizeof *subscription);
    master->stats.subscriptions--;
}

void movex_subscription_end(movex_master *master, movex_subscription *subscription)
{
    movex_master_resource *resource = subscription->resource;
    const char            *id = subscription->session->id;
    /* Where the resource itself goes, everybody is told that. */
    if (!resource->removing) movex_subscription_announce(master, subscription, MOVEX_PRESENCE_LEFT, false);
    movex_master_record_event(master, MOVEX_MASTER_UNSUBSCRIBED, id, subscription->resource, MOVEX_OK, NULL);
    movex_keep_unsubscription(master, subscription);
    movex_subscription_free(master, subscription);
    movex_master_resource_note(master, resource, resource->rules->left, id);
}

static void refuse_bind(movex_master *master, movex_session *session, uint64_t tag, movex_status status, int reason,
                        const char *text)
{
    movex_bind_refused_message message = {tag, status, reason, {text, (uint32_t)strlen(text)}};
    movex_writer               writer;
    if (!movex_master_begin(master, session->link, strlen(text), &writer)) return;
    movex_write_bind_refused(&writer, &message);
    movex_master_send(master, session->link, &writer);
}

typedef struct bind_names {
    char type[MOVEX_NAME_SIZE], id[MOVEX_NAME_SIZE];
} bind_names;

/* The rules that a BIND names, or NULL with the cause. */
static const movex_rules *find_rules(movex_master *master, const movex_bind_message *message, bind_names *names,
                                     movex_error *error)
{
    const char *fault = movex_name_fault_in(message->type.bytes, message->type.length);
    if (fault) movex_error_set(error, MOVEX_ERR_ARGUMENT, "the type's name ", fault, NULL);
    const char *id_fault = movex_name_fault_in(message->id.bytes, message->id.length);
    if (!fault && id_fault) movex_error_set(error, MOVEX_ERR_ARGUMENT, "the resource's id ", id_fault, NULL);
    if (fault || id_fault) return NULL;
    *names = (bind_names){{0}, {0}};
    memcpy(names->type, message->type.bytes, message->type.length);
    memcpy(names->id, message->id.bytes, message->id.length);

    for (uint32_t i = 0; i < master->rules_count; i++) {
        const movex_rules *rules = master->rules[i];
        if (strcmp(rules->type->name, names->type) != 0) continue;
        if (rules->agreement == message->fingerprint) return rules;
        if (rules->room[0] && rules->fingerprint == message->fingerprint) {
            movex_error_set(error, MOVEX_ERR_FINGERPRINT,
                            "all that is hidden is sealed here: the client needs the master's "
                            "sealed_room",
                            NULL);
            return NULL;
        }
        movex_error_set(error, MOVEX_ERR_FINGERPRINT, "type ", names->type,
                        " is described differently by client and master (another version of the game?)", NULL);
        return NULL;
    }
    movex_error_set(error, MOVEX_ERR_UNKNOWN_TYPE, "this master has no type ", names->type, NULL);
    return NULL;
}

/* The resource that is to be bound, made if need be; or NULL with the cause. `reason` is the hook's. */
static movex_master_resource *find_resource(movex_master *master, movex_session *session, const movex_rules *rules,
                                            const char *id, int *reason, movex_error *error)
{
    movex_master_resource *resource = movex_master_resource_find(master, rules, id);
    const char            *type = rules->type->name;
    movex_bind_request     request = {session->id, rules->type, id, resource == NULL};
    if (!resource && master->config.creation == MOVEX_CREATION_BY_MASTER) {
        movex_error_set(error, MOVEX_ERR_NOT_FOUND, "there is no ", type, ":", id, NULL);
        return NULL;
    }
    if (master->config.may_bind) *reason = master->config.may_bind(master->config.user, &request);
    if (*reason < 0) *reason = MOVEX_REFUSE;
    if (*reason != MOVEX_ACCEPT) {
        movex_error_set(error, MOVEX_ERR_DENIED, session->id, " may not bind ", type, ":", id, NULL);
        return NULL;
    }
    if (resource && resource->company->subscriber_count >= master->config.limits.subscribers) {
        movex_error_set(error, MOVEX_ERR_LIMIT, type, ":", id, " has as many subscribers as it may", NULL);
        return NULL;
    }
    if (resource && !movex_audience_has_room(master, resource, session)) {
        movex_error_set(error, MOVEX_ERR_LIMIT, type, ":", id, " has as many different views as it may", NULL);
        return NULL;
    }
    if (session->by_number.count >= master->config.limits.binds) {
        movex_error_set(error, MOVEX_ERR_LIMIT, session->id, " has as many resources bound as it may", NULL);
        return NULL;
    }
    if (!resource && session->created_count >= master->config.limits.created) {
        movex_error_set(error, MOVEX_ERR_LIMIT, session->id, " has made as many resources as it may", NULL);
        return NULL;
    }
    bool made = !resource;
    int  status = made ? movex_master_resource_new(master, rules, id, &resource) : MOVEX_OK;
    if (status == MOVEX_OK && made && !movex_master_resource_own(master, resource, session)) status = MOVEX_ERR_MEMORY;
    if (status == MOVEX_OK) return resource;
    movex_error_set(error, (movex_status)status, type, ":", id, " cannot be made: ", movex_status_text(status), NULL);
    return NULL;
}

/* Whether the client can go through an entry that it has missed, and the reveal that belongs to it. */
static bool can_take(const movex_subscription *subscription, const movex_entry *entry, uint64_t version, uint64_t *base)
{
    const movex_rules *rules = subscription->resource->rules;
    if (entry->seals) return false; /* all that belongs to it comes with the snapshot */
    /* Its own view was another one for a while, of which nothing is kept. */
    if (entry->hides && entry->session == subscription->session->number) return false;
    if (!entry->reveals) return true;
    if (entry->reveal_count == 0 || *base > entry->reveals_from || version - *base > rules->fold_limit) return false;
    *base = version;
    return true;
}

/* Whether the client's state is one of this log's, from which all later entries are kept. Who has hidden something, or cannot
   compute its view, can go on only where it has missed nothing. */
static bool can_catch_up(movex_master *master, movex_subscription *subscription, const movex_bind_message *message)
{
    const movex_master_resource *resource = subscription->resource;
    const movex_log             *log = &resource->log;
    /* Where the subscription goes on, so has the log, over all restarts. */
    bool same_log = message->epoch == master->config.epoch || message->subscription;
    /* Of what is sealed two logs may have the same states, and not the same commitments. */
    if (resource->rules->sealed && message->epoch != master->config.epoch) same_log = false;
    if (!message->resumes || !same_log || message->version > log->version) return false;
    if (message->version == log->version) {
        const movex_view *view = view_of(master, subscription);
        return view && message->checksum == view->hashes.checksum && message->revealed == resource->revealed;
    }
    const movex_entry *entry = movex_log_find(log, message->version);
    if (!entry || entry->checksum != message->checksum || subscription->hider || resource->rules->patched) return false;
    uint64_t base = message->base, revealed = message->revealed;
    for (uint64_t version = message->version + 1; version <= log->version; version++) {
        const movex_entry *missed = movex_log_find(log, version);
        if (!can_take(subscription, missed, version, &base)) return false;
        if (missed->reveals) revealed = version;
    }
    return revealed == resource->revealed; /* else its pairs would be refused as overtaken, again and again */
}

static void bring_up_to_date(movex_master *master, movex_subscription *subscription, const movex_bind_message *message)
{
    movex_master_resource *resource = subscription->resource;
    bool                   resumed = can_catch_up(master, subscription, message);
    movex_writer           writer;
    movex_bound_message    bound = {
           .tag = message->tag,
           .number = resource->number,
           .subscription = subscription->serial,
           .sequence = subscription->sequence,
           .subscribers = resource->company->subscriber_count,
           .resumed = resumed,
    };
    if (message->resumes && (message->epoch == master->config.epoch || message->subscription)) {
        subscription->revealed = message->revealed;
        subscription->told = message->revealed ? message->revealed - 1 : 0; /* the rest may have been lost behind it */
    }
    subscription->answered = message->resumes ? message->answered : 0;
    if (!resumed) movex_audience_leave(master, subscription);
    if (!movex_master_begin(master, subscription->session->link, 0, &writer)) {
        movex_audience_leave(master, subscription);
        return;
    }
    movex_write_bound(&writer, &bound);
    movex_master_send(master, subscription->session->link, &writer);
    subscription->told_sequence = bound.sequence;
    movex_subscription_tell_refusals(master, subscription, message->resumes ? message->answered : 0);
    send_all_subscribers(master, subscription);
    if (!resumed) {
        movex_subscription_owe_snapshot(master, subscription);
        return;
    }
    subscription->live = true;
    subscription->base = message->base;
    master->stats.resumes++;
    for (uint64_t version = message->version + 1; version <= resource->log.version; version++)
        movex_master_tell_again(master, subscription, version);
    movex_overturned_tell(master, subscription);
}

/* The subscription that a BIND goes on with, or a new one; or NULL with the cause. */
static movex_subscription *subscribe(movex_master *master, movex_session *session, const movex_rules *rules,
                                     const movex_bind_message *message, const char *id, int *reason, movex_error *error)
{
    movex_master_resource *resource = movex_master_resource_find(master, rules, id);
    movex_subscription    *subscription = resource ? find(session, resource->number) : NULL;
    const char            *type = rules->type->name;
    if (subscription && (subscription->live || subscription->owed.list)) {
        movex_error_set(error, MOVEX_ERR_EXISTS, type, ":", id, " is bound already", NULL);
        return NULL;
    }
    if (message->subscription && (!subscription || subscription->serial != message->subscription)) {
        movex_error_set(error, resource ? MOVEX_ERR_DENIED : MOVEX_ERR_NOT_FOUND, "the subscription to ", type, ":", id,
                        " was ended by the master", NULL);
        return NULL;
    }
    bool untouched = subscription && subscription->sequence == 0; /* the client may not have been told of it */
    if (subscription && (message->subscription || untouched)) return subscription;
    if (!movex_keep_reserve(master, CHANGES_OF_ENDING + CHANGES_OF_BEGINNING, 0)) {
        movex_error_set(error, MOVEX_ERR_STORE, movex_status_text(MOVEX_ERR_STORE), NULL);
        return NULL;
    }
    if (subscription) movex_subscription_end(master, subscription); /* unbound meanwhile, and bound anew */

    resource = find_resource(master, session, rules, id, reason, error);
    if (!resource) return NULL;
    if (!movex_keep_reserve(master, CHANGES_OF_BEGINNING, 0)) { /* the resource may have taken what was reserved */
        movex_error_set(error, MOVEX_ERR_STORE, movex_status_text(MOVEX_ERR_STORE), NULL);
        return NULL;
    }
    subscription = subscription_new(master, session, resource);
    if (!subscription) {
        movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        return NULL;
    }
    movex_keep_subscription(master, subscription);
    movex_master_record_event(master, MOVEX_MASTER_SUBSCRIBED, session->id, resource, MOVEX_OK, NULL);
    movex_subscription_announce(master, subscription, MOVEX_PRESENCE_HERE, true);
    movex_master_resource_note(master, resource, rules->joined, session->id);
    return subscription;
}

static void observe(movex_master *master, const movex_subscription *subscription)
{
    const movex_observer    *observer = &master->config.observer;
    const movex_bind_request request = {
        .client_id = subscription->session->id,
        .type = subscription->resource->rules->type,
        .id = subscription->resource->id,
    };
    if (observer->bound) observer->bound(observer->user, master, &request);
}

int movex_subscription_bind(movex_master *master, movex_session *session, movex_reader *reader, movex_error *error)
{
    movex_bind_message message;
    bind_names         names;
    movex_error        cause;
    int                reason = MOVEX_ACCEPT;
    if (!movex_read_bind(reader, &message))
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "BIND: truncated, or not of its form", NULL);
    movex_rate_spend_bind(session->link);
    const movex_rules  *rules = find_rules(master, &message, &names, &cause);
    movex_subscription *subscription = NULL;
    if (rules) subscription = subscribe(master, session, rules, &message, names.id, &reason, &cause);
    if (subscription) {
        observe(master, subscription);
        bring_up_to_date(master, subscription, &message);
    } else if (cause.status == MOVEX_ERR_STORE) { /* it passes: the client is to try again */
        return movex_error_set(error, MOVEX_ERR_STORE, "BIND: ", cause.text, NULL);
    } else {
        refuse_bind(master, session, message.tag, cause.status, reason, cause.text);
    }
    return MOVEX_OK;
}

int movex_subscription_forget(movex_master *master, movex_session *session)
{
    for (movex_node *node = session->subscriptions.first, *next; node; node = next) {
        movex_subscription *subscription = (movex_subscription *)(void *)node;
        next = node->next;
        if (subscription->live || subscription->owed.list || subscription->crowded.list) continue;
        if (!movex_keep_reserve(master, CHANGES_OF_ENDING, 0)) return MOVEX_ERR_STORE;
        movex_subscription_end(master, subscription);
    }
    return MOVEX_OK;
}

static void send_unbound(movex_master *master, movex_master_link *link, uint32_t number, movex_status status,
                         const char *text)
{
    char cut[MOVEX_ERROR_TEXT_SIZE];
    movex_text_set(cut, text);
    movex_unbound_message message = {number, status, {cut, (uint32_t)strlen(cut)}};
    movex_writer          writer;
    if (!movex_master_begin(master, link, sizeof cut, &writer)) return;
    movex_write_unbound(&writer, &message);
    movex_master_send(master, link, &writer);
}

void movex_subscription_revoke(movex_master *master, movex_subscription *subscription, movex_status status,
                               const char *text)
{
    if (subscription->live || subscription->owed.list || subscription->crowded.list) {
        movex_subscription_tell_accepted(master, subscription);
        send_unbound(master, subscription->session->link, subscription->resource->number, status, text);
    }
    movex_subscription_end(master, subscription);
}

/* Those who see that it goes may be moved by it to views of their own, for which there is no room either: they come last. */
void movex_subscription_revoke_crowded(movex_master *master)
{
    while (master->crowded.first && movex_keep_reserve(master, CHANGES_OF_ENDING, 0)) {
        movex_subscription *subscription = movex_subscription_of_crowded(master->crowded.first);
        movex_master_record_event(master, MOVEX_MASTER_REJECTED, subscription->session->id, subscription->resource,
                                  MOVEX_ERR_LIMIT, no_more_views);
        movex_subscription_revoke(master, subscription, MOVEX_ERR_LIMIT, no_more_views);
    }
}

int movex_subscription_unbind(movex_master *master, movex_session *session, uint32_t number)
{
    movex_subscription *subscription = find(session, number);
    if (subscription && !movex_keep_reserve(master, CHANGES_OF_ENDING, 0)) return MOVEX_ERR_STORE;
    if (subscription)
        movex_subscription_revoke(master, subscription, MOVEX_OK, "");
    else
        send_unbound(master, session->link, number, MOVEX_OK, "");
    return MOVEX_OK;
}

int movex_subscription_resync(movex_master *master, movex_session *session, uint32_t number)
{
    movex_subscription *subscription = find(session, number);
    if (!subscription || !subscription->live) return MOVEX_OK; /* it was unbound meanwhile */
    master->stats.resyncs++;
    movex_subscription_owe_snapshot(master, subscription);
    return MOVEX_OK;
}
