#include "match.h"

#include "cuttable.h"

#include <movex/relay.h>
#include <movex/system.h>
#ifdef HAVE_WEBSOCKET
#include <movex/websocket.h>
#endif

#include <stdio.h>
#include <string.h>

static bool is_virtual(match_carrier carrier)
{
    return carrier == MATCH_LOCAL || carrier == MATCH_RELAY;
}

static int no_entropy(void *user, void *bytes, size_t length)
{
    memset(bytes, ++*(unsigned char *)user, length);
    return MOVEX_OK;
}

static movexd_relay *make_relay(match *m)
{
    static unsigned char last;
    movexd_relay        *relay = movexd_relay_new(&(movexd_relay_config){.max_rooms = 1,
                                                                         .max_members = MATCH_MOST_CLIENTS + 1,
                                                                         .bytes_per_second = 1 << 30,
                                                                         .join_ms = 1000,
                                                                         .entropy = no_entropy,
                                                                         .user = &last});
    ck_assert(relay && movexd_relay_attach(relay, movex_local_listen(m->local)) == MOVEX_OK);
    return relay;
}

static movex_io join_relay(match *m, const char *name)
{
    return movex_relay(
        &(movex_relay_config){.io = movex_local_dial(m->local), .room = "match", .name = name, .peer = "master"});
}

static movex_io listen_io(match *m)
{
    if (m->carrier == MATCH_RELAY) return join_relay(m, "master");
#ifdef HAVE_WEBSOCKET
    if (m->carrier == MATCH_WEBSOCKET) return movex_ws_listen(m->url[0] ? m->url + strlen("ws://") : "127.0.0.1:0");
#endif
    return movex_local_listen(m->local);
}

static movex_io dial_io(match *m)
{
    char name[32];
    snprintf(name, sizeof name, "client %u", (unsigned)++m->members);
    if (m->carrier == MATCH_RELAY) return join_relay(m, name);
#ifdef HAVE_WEBSOCKET
    if (m->carrier == MATCH_WEBSOCKET) return movex_ws_connect(m->url);
#endif
    return movex_local_dial(m->local);
}

static uint64_t clock_of(const match *m)
{
    return is_virtual(m->carrier) ? m->now_ms + 1 : movex_system_now_ms();
}

static void start_master(match *m, movex_master_config config)
{
    movex_error error = {.status = MOVEX_OK};
    config.error = &error;
    if (!config.entropy && !is_virtual(m->carrier)) config.entropy = movex_system_entropy;
    m->master = movex_master_new(&config);
    ck_assert_msg(m->master != NULL, "%s", error.text);
    movex_io io = listen_io(m);
    ck_assert_int_eq(movex_master_attach(m->master, io), MOVEX_OK);
#ifdef HAVE_WEBSOCKET
    if (m->carrier == MATCH_WEBSOCKET)
        snprintf(m->url, sizeof m->url, "ws://127.0.0.1:%u", (unsigned)movex_ws_port(io));
#endif
}

void match_start(match *m, match_carrier carrier, movex_master_config config)
{
    *m = (match){.carrier = carrier, .local = movex_local_new(NULL)};
    m->now_ms = clock_of(m);
    if (carrier == MATCH_RELAY) m->relay = make_relay(m);
    start_master(m, config);
}

void match_start_types(match *m, match_carrier carrier, const movex_type *const *types)
{
    match_start(m, carrier, (movex_master_config){.types = types});
}

void match_restart(match *m, movex_master_config config)
{
    movex_master_free(m->master);
    start_master(m, config);
}

movex_client *match_client_with(match *m, const char *id, movex_client_config config)
{
    movex_error error = {.status = MOVEX_OK};
    movex_io    io = cuttable(dial_io(m));
    config.id = id;
    config.io = io;
    config.error = &error;
    if (!config.reconnect_min_ms) config.reconnect_min_ms = 5;
    movex_client *client = movex_client_new(&config);
    ck_assert_msg(client != NULL, "%s", error.text);
    m->ios[m->client_count] = io;
    m->clients[m->client_count++] = client;
    return client;
}

movex_client *match_client(match *m, const char *id)
{
    return match_client_with(m, id, (movex_client_config){0});
}

static int index_of(const match *m, const movex_client *client)
{
    int i = 0;
    while (m->clients[i] != client) ck_assert_int_lt(++i, m->client_count);
    return i;
}

void match_cut(match *m, const movex_client *client)
{
    cuttable_cut(m->ios[index_of(m, client)]);
}

void match_leave(match *m, movex_client *client)
{
    int i = index_of(m, client);
    movex_client_free(client);
    m->client_count--;
    memmove(m->clients + i, m->clients + i + 1, (size_t)(m->client_count - i) * sizeof *m->clients);
    memmove(m->ios + i, m->ios + i + 1, (size_t)(m->client_count - i) * sizeof *m->ios);
}

void match_end(match *m)
{
    while (m->client_count) match_leave(m, m->clients[0]);
    movex_master_free(m->master);
    movexd_relay_free(m->relay);
    movex_local_free(m->local);
}

void match_poll(match *m)
{
    m->now_ms = clock_of(m);
    for (int i = 0; i < m->client_count; i++) movex_client_poll(m->clients[i], m->now_ms);
    if (m->relay) movexd_relay_poll(m->relay, m->now_ms);
    movex_master_poll(m->master, m->now_ms);
    if (m->relay) movexd_relay_poll(m->relay, m->now_ms);
    if (!is_virtual(m->carrier)) movex_master_wait(m->master, 1);
}

void match_poll_times(match *m, int times)
{
    while (times-- > 0) match_poll(m);
}

void match_sleep(match *m, uint64_t ms)
{
    uint64_t end = m->now_ms + ms;
    while (m->now_ms < end) match_poll(m);
}

bool match_at_rest(const match *m, const movex_resource *const *resources, int count)
{
    for (int i = 0; i < count; i++) {
        movex_hosted hosted;
        if (!movex_master_find(m->master, movex_resource_type(resources[i]), movex_resource_id(resources[i]), &hosted))
            return false;
        if (!movex_in_sync(resources[i]) || movex_pending(resources[i]) ||
            movex_version(resources[i]) != hosted.version)
            return false;
        ck_assert_uint_eq(movex_checksum(resources[i]), hosted.checksum);
    }
    return true;
}

bool match_event(movex_client *client, movex_event_kind kind, movex_event *event)
{
    while (movex_client_next(client, event)) {
        ck_assert_ptr_nonnull(event->text);
        if (event->kind == kind) return true;
    }
    return false;
}

int match_count_events(movex_client *client, movex_event_kind kind)
{
    int count = 0;
    for (movex_event event; movex_client_next(client, &event);) count += event.kind == kind;
    return count;
}
