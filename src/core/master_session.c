#include "master_internal.h"
#include "master_keep.h"

#include "format.h"

#include <movex/text.h>

static bool has_id(const void *value, const void *wanted)
{
    const movex_session *session = value;
    return strcmp(session->id, wanted) == 0;
}

static uint64_t key_of(const movex_master *master, const char *id)
{
    return movex_siphash(master->table_key, id, strlen(id));
}

/* Nobody can guess a token who does not have the key, and none comes twice. */
static void make_token(movex_master *master, movex_session *session)
{
    for (uint64_t half = 0; half < 2; half++) {
        unsigned char input[16];
        movex_store_u64(input, session->number);
        movex_store_u64(input + 8, half);
        movex_store_u64(session->token + 8 * half, movex_siphash(master->token_key, input, sizeof input));
    }
}

/* Takes the same time wherever the first difference is. */
static bool same_token(const unsigned char *a, const unsigned char *b)
{
    unsigned char difference = 0;
    for (size_t i = 0; i < MOVEX_TOKEN_SIZE; i++) difference |= a[i] ^ b[i];
    return difference == 0;
}

static bool take_text(movex_wire_text text, char *into, size_t size)
{
    if (text.length >= size || !movex_text_is_clean(text.bytes, text.length)) return false;
    memcpy(into, text.bytes, text.length);
    memset(into + text.length, 0, size - text.length);
    return true;
}

/* What the hook and the checks before it need: the texts of a HELLO, zero-terminated. */
typedef struct greeting {
    char id[MOVEX_NAME_SIZE], info[MOVEX_INFO_MAX + 1], credentials[MOVEX_INFO_MAX + 1];
} greeting;

const char *movex_session_info(const movex_session *session)
{
    return session->info ? session->info : "";
}

static void drop_info(movex_master *master, movex_session *session)
{
    if (session->info) movex_release(&master->allocator, session->info, strlen(session->info) + 1);
    session->info = NULL;
}

bool movex_session_set_info(movex_master *master, movex_session *session, const void *text, size_t length)
{
    char *copy = length ? movex_allocate(&master->allocator, length + 1) : NULL;
    if (length && !copy) return false;
    if (copy) memcpy(copy, text, length);
    drop_info(master, session);
    session->info = copy;
    return true;
}

static movex_session *session_new(movex_master *master, const greeting *texts, movex_error *error)
{
    if (master->sessions.count >= master->config.limits.sessions) {
        movex_error_set(error, MOVEX_ERR_LIMIT, "HELLO: the master has as many sessions as it may", NULL);
        return NULL;
    }
    movex_session *session = movex_allocate(&master->allocator, sizeof *session);
    if (session && !(movex_session_set_info(master, session, texts->info, strlen(texts->info)) &&
                     movex_map_put(&master->sessions, &master->allocator, key_of(master, texts->id), session))) {
        drop_info(master, session);
        movex_release(&master->allocator, session, sizeof *session);
        session = NULL;
    }
    if (!session) {
        movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
        return NULL;
    }
    movex_text_set(session->id, texts->id);
    session->number = ++master->sessions_made;
    make_token(master, session);
    return session;
}

/* One that is over, and was kept for what it has hidden, is a new one from now on. It keeps its token: a new one could be lost
   with the WELCOME that brings it. */
static void begin_anew(movex_master *master, movex_session *session)
{
    session->over = false;
    session->anew = true;
    session->number = ++master->sessions_made;
}

static int send_welcome(movex_master *master, movex_master_link *link, bool resumed)
{
    movex_welcome_message welcome = {
        .protocol = MOVEX_PROTOCOL_VERSION,
        .max_frame = link->attached->io.ops->max_frame,
        .epoch = master->config.epoch,
        .now_ms = movex_master_time(master),
        .pending = master->config.limits.pending,
        .resumed = resumed,
    };
    memcpy(welcome.token, link->session->token, MOVEX_TOKEN_SIZE);
    movex_writer writer = movex_master_message(master, 0);
    if (!writer.at) return MOVEX_ERR_MEMORY;
    movex_write_welcome(&writer, &welcome);
    movex_master_send(master, link, &writer);
    return MOVEX_OK;
}

static void announce(movex_master *master, movex_session *session, movex_presence presence)
{
    for (movex_node *node = session->subscriptions.first; node; node = node->next)
        movex_subscription_announce(master, (movex_subscription *)(void *)node, presence, false);
}

static int check_hello(movex_master *master, movex_master_link *link, const movex_hello_message *message,
                       greeting *texts, movex_error *error)
{
    if (message->protocol != MOVEX_PROTOCOL_VERSION)
        return movex_error_set(error, MOVEX_ERR_UNSUPPORTED, "HELLO: this master speaks protocol version 2", NULL);
    const char *fault = movex_name_fault_in(message->id.bytes, message->id.length);
    if (fault) return movex_error_set(error, MOVEX_ERR_ARGUMENT, "HELLO: the client id ", fault, NULL);
    take_text(message->id, texts->id, sizeof texts->id);
    if (!take_text(message->info, texts->info, sizeof texts->info))
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "HELLO: info is not UTF-8 without control characters", NULL);
    if (!take_text(message->credentials, texts->credentials, sizeof texts->credentials))
        return movex_error_set(error, MOVEX_ERR_ARGUMENT, "HELLO: credentials are not UTF-8 without control characters",
                               NULL);
    if (!master->config.authenticate) return MOVEX_OK;

    movex_hello hello = {texts->id, texts->info, texts->credentials, link->address};
    link->refusal = master->config.authenticate(master->config.user, &hello);
    if (link->refusal < 0) link->refusal = MOVEX_REFUSE;
    if (link->refusal == MOVEX_ACCEPT) return MOVEX_OK;
    return movex_error_set(error, MOVEX_ERR_DENIED, "HELLO: ", texts->id, " was not let in", NULL);
}

movex_session *movex_session_find(const movex_master *master, const char *id)
{
    return id ? movex_map_get(&master->sessions, key_of(master, id), has_id, id) : NULL;
}

/* Its connection is dead, or will be: another one takes its place, and it is closed at the next flush. */
static void drop_link(movex_master *master, movex_session *session)
{
    movex_master_link *old = session->link;
    for (movex_node *node = session->subscriptions.first; node; node = node->next)
        movex_subscription_silence(master, (movex_subscription *)(void *)node);
    old->session = NULL;
    session->link = NULL;
    movex_master_fail(master, old, MOVEX_ERR_CLOSED);
}

int movex_session_hello(movex_master *master, movex_master_link *link, movex_reader *reader, movex_error *error)
{
    movex_hello_message message;
    greeting            texts;
    if (!movex_read_hello(reader, &message))
        return movex_error_set(error, MOVEX_ERR_MALFORMED, "HELLO: truncated, or not of its form", NULL);
    int status = check_hello(master, link, &message, &texts, error);
    if (status != MOVEX_OK) return status;
    if (message.max_frame < link->channel.max_frame) link->channel.max_frame = (size_t)message.max_frame;

    movex_session_collect(master);
    movex_session *session = movex_session_find(master, texts.id);
    bool           known = session && message.resumes && same_token(session->token, message.token);
    /* A WELCOME that said "not resumed" may have been lost; then it is said again. */
    bool resumed = known && !session->over && !session->anew;
    if (session && !known && !master->config.ids_are_proven)
        return movex_error_set(error, MOVEX_ERR_ID_IN_USE, "HELLO: ", texts.id, " belongs to another session", NULL);
    if (!movex_address_has_room(link, session))
        return movex_error_set(error, MOVEX_ERR_LIMIT,
                               "HELLO: there are as many sessions from its address as there may be", NULL);
    bool supersedes = session && !known && !session->over;
    if (supersedes && !movex_keep_reserve_end(master, session))
        return movex_error_set(error, MOVEX_ERR_STORE, "HELLO: ", movex_status_text(MOVEX_ERR_STORE), NULL);
    if (session && !movex_session_set_info(master, session, texts.info, strlen(texts.info)))
        return movex_error_set(error, MOVEX_ERR_MEMORY, movex_status_text(MOVEX_ERR_MEMORY), NULL);
    if (known) session->heard = true;
    /* Nothing may be refused from here on: it would have neither connection. */
    if ((known || supersedes) && session->link) drop_link(master, session);
    if (supersedes) {
        movex_session_end(master, session, "it has come anew, without its session");
        session = movex_session_find(master, texts.id);
    }
    bool begins = !session || session->over;
    if (begins && !movex_keep_reserve(master, 1, MOVEX_INFO_MAX))
        return movex_error_set(error, MOVEX_ERR_STORE, "HELLO: ", movex_status_text(MOVEX_ERR_STORE), NULL);
    if (!session) {
        session = session_new(master, &texts, error);
        if (!session) return error->status;
        /* All masters of a server know a client by the token that one of them has made. */
        if (master->config.shards && message.resumes) memcpy(session->token, message.token, MOVEX_TOKEN_SIZE);
    }
    if (session->over) begin_anew(master, session);

    movex_list_remove(&link->greeting);
    movex_list_remove(&session->away);
    if (begins) movex_keep_session(master, session);
    movex_address_move_session(master, session, link);
    session->link = link;
    link->session = session;
    master->stats.connects++;
    movex_master_record_event(master, MOVEX_MASTER_CONNECTED, session->id, NULL, MOVEX_OK, link->address);
    announce(master, session, MOVEX_PRESENCE_HERE);
    return send_welcome(master, link, resumed);
}

static void go_away(movex_master *master, movex_session *session, const char *text)
{
    session->link = NULL;
    session->away_ms = master->now_ms;
    movex_list_append(&master->away, &session->away);
    for (movex_node *node = session->subscriptions.first; node; node = node->next)
        movex_subscription_silence(master, (movex_subscription *)(void *)node);
    movex_master_record_event(master, MOVEX_MASTER_AWAY, session->id, NULL, MOVEX_OK, text);
    announce(master, session, MOVEX_PRESENCE_AWAY);
}

void movex_session_lost_link(movex_master *master, movex_session *session, const char *text)
{
    if (!session->heard) /* its WELCOME may be lost; then nobody has its token, and it would only block its id */
        movex_session_leave(master, session, text);
    else
        go_away(master, session, text);
}

void movex_session_leave(movex_master *master, movex_session *session, const char *text)
{
    if (movex_keep_reserve_end(master, session))
        movex_session_end(master, session, text);
    else
        go_away(master, session, text); /* it ends when that can be kept */
}

static void end_subscriptions(movex_master *master, movex_session *session)
{
    session->ending = true;
    while (session->subscriptions.first)
        movex_subscription_end(master, (movex_subscription *)(void *)session->subscriptions.first);
    session->ending = false;
}

void movex_session_end(movex_master *master, movex_session *session, const char *text)
{
    session->link = NULL;
    end_subscriptions(master, session);
    movex_master_record_event(master, MOVEX_MASTER_LEFT, session->id, NULL, MOVEX_OK, text);
    if (session->hiding == 0) {
        movex_keep_session_end(master, session, false);
        movex_session_free(master, session);
        return;
    }
    /* What it has hidden is its alone until the reveal: nobody else may have its id. */
    session->over = true;
    movex_list_remove(&session->away);
    movex_keep_session_end(master, session, true);
}

void movex_session_collect(movex_master *master)
{
    while (master->over.first && movex_keep_reserve(master, 1, 0)) {
        movex_session *session = (movex_session *)(void *)master->over.first;
        movex_keep_session_end(master, session, false);
        movex_session_free(master, session);
    }
}

static void unlist(movex_master *master, movex_session *session)
{
    if (!session->unlisted) movex_map_remove(&master->sessions, key_of(master, session->id), session);
    session->unlisted = true;
}

void movex_session_free(movex_master *master, movex_session *session)
{
    assert(session->hiding == 0);
    while (session->subscriptions.first)
        movex_subscription_free(master, (movex_subscription *)(void *)session->subscriptions.first);
    while (session->created.first)
        movex_master_resource_disown(movex_master_resource_of_created(session->created.first));
    movex_address_move_session(master, session, NULL);
    movex_list_remove(&session->away);
    movex_map_free(&session->by_number, &master->allocator);
    unlist(master, session);
    drop_info(master, session);
    movex_release(&master->allocator, session, sizeof *session);
}

/* ---- recovering */

movex_session *movex_session_recover(movex_master *master, const char *id)
{
    movex_session *session = movex_allocate(&master->allocator, sizeof *session);
    if (!session) return NULL;
    movex_text_set(session->id, id);
    session->heard = true;
    if (movex_map_put(&master->sessions, &master->allocator, key_of(master, id), session)) return session;
    movex_release(&master->allocator, session, sizeof *session);
    return NULL;
}

movex_session *movex_session_recover_lost(movex_master *master, uint64_t number, const char *id)
{
    movex_session *session = movex_allocate(&master->allocator, sizeof *session);
    if (!session) return NULL;
    session->number = number;
    session->unlisted = true;
    movex_text_set(session->id, id);
    make_token(master, session); /* its own is lost; nobody must guess this one, if it gets its id back */
    movex_session_lose(master, session);
    return session;
}

void movex_session_lose(movex_master *master, movex_session *session)
{
    unlist(master, session);
    movex_list_remove(&session->away);
    movex_list_append(&master->lost, &session->away);
}

static void end_lost(movex_master *master, movex_session *session)
{
    movex_list_remove(&session->away);
    end_subscriptions(master, session);
    /* It may have got its id back, and then is in the file; whoever has that id next comes there after its end. */
    movex_keep_session_end(master, session, session->hiding > 0);
    if (session->hiding == 0)
        movex_session_free(master, session);
    else
        session->over = true; /* the reveal that it had waited for was not durable */
}

void movex_session_end_lost(movex_master *master)
{
    for (movex_node *node; (node = master->lost.first) != NULL;) {
        movex_session *session = (movex_session *)(void *)node;
        if (!movex_keep_reserve_end(master, session)) return;
        end_lost(master, session);
    }
}

/* Something that a session has hidden was not revealed after all: so its id is not free, and whoever seems to have it since was
   never told so. If that one did not wait to be told and has hidden something as well, this one stays without its id. */
static bool give_id_back(movex_master *master, movex_session *session)
{
    movex_session *other = movex_session_find(master, session->id);
    if (other && other->hiding > 0) return true;
    if (other) movex_session_lose(master, other);
    session->unlisted = !movex_map_put(&master->sessions, &master->allocator, key_of(master, session->id), session);
    return !session->unlisted;
}

bool movex_session_recovered(movex_master *master, const movex_map *by_number)
{
    for (movex_node *node = master->lost.first; node; node = node->next) {
        movex_session *session = (movex_session *)(void *)node;
        if (session->hiding > 0 && !give_id_back(master, session)) return false;
    }
    for (uint32_t i = 0; i < by_number->capacity; i++) {
        movex_session *session = by_number->entries[i].value;
        if (!session || session->away.list) continue;
        if (!session->over)
            movex_list_append(&master->away, &session->away);
        else if (session->hiding == 0)
            movex_list_append(&master->over, &session->away);
    }
    return true;
}
