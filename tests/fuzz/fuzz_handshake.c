/* Hostile frames to a master, before and after HELLO, and to a client, before and after WELCOME. Whatever they
   are: nothing crashes or leaks, the memory of both is bounded, who sends what is not allowed is told and loses
   that link alone, and the others go on as if nothing had happened. The first byte says which of the two halves
   it is. */
#include "fuzz_handshake.h"

#include <stdlib.h>

const size_t fuzz_record_size = HANDSHAKE_RECORD;

static const char *const names[HANDSHAKE_HONEST] = {"ann", "bob"};

void handshake_start(handshake *h)
{
    movex_master_config config = {.types = table_types, .grace_ms = 2000, .allocator = fuzz_allocator(&h->memory)};
    config.limits = (movex_limits){.message_bytes = 20000,
                                   .queue_bytes = 100000,
                                   .pending = 16,
                                   .links = 12,
                                   .sessions = 12,
                                   .resources = 12,
                                   .subscribers = 10,
                                   .binds = 6,
                                   .history = 16,
                                   .history_bytes = 2048,
                                   .hidden = 4,
                                   .hiders = 4};
    h->net = movex_mock_new(&(movex_mock_config){.queue_bytes = 200000, .allocator = fuzz_allocator(&h->memory)});
    h->master = movex_master_new(&config);
    fuzz_require(h->net && h->master && movex_master_attach(h->master, movex_mock_listen(h->net)) == MOVEX_OK);
    for (int k = 0; k < TABLE_TYPES; k++) {
        h->rules[k] = movex_rules_new(table_types[k], NULL, NULL);
        fuzz_require(h->rules[k]);
    }
    for (int i = 0; i < HANDSHAKE_HONEST; i++) {
        h->clients[i] = movex_client_new(&(movex_client_config){.id = names[i],
                                                                .io = movex_mock_connect_as(h->net, names[i]),
                                                                .allocator = fuzz_allocator(&h->client_memory)});
        fuzz_require(h->clients[i]);
        for (int k = 0; k < TABLE_TYPES; k++) h->bound[i][k] = movex_bind(h->clients[i], table_types[k], "one");
    }
    for (int i = 0; i < 6; i++) handshake_poll(h, 1);
    handshake_must_agree(h);
}

static void check_honest(handshake *h, int i)
{
    for (movex_event event; movex_client_next(h->clients[i], &event);) {
        h->digest = fuzz_digest_number(h->digest, (uint64_t)event.kind << 32 | event.ticket);
        h->digest = fuzz_digest_text(h->digest, event.text);
        fuzz_require(event.kind != MOVEX_EVENT_DISCONNECTED && event.kind != MOVEX_EVENT_CLOSED);
        fuzz_require(event.kind != MOVEX_EVENT_MISMATCH && event.kind != MOVEX_EVENT_EXPIRED);
        fuzz_require(event.kind != MOVEX_EVENT_BIND_REFUSED && event.kind != MOVEX_EVENT_REMOVED);
    }
    movex_stats stats = movex_client_stats(h->clients[i]);
    fuzz_require(stats.mismatches == 0 && stats.resyncs == 0 && stats.protocol_errors == 0 && stats.connects <= 1);
}

void handshake_check_channel(const movex_channel *channel)
{
    movex_channel_check(channel);
    fuzz_require(channel->assembly.length <= channel->max_message);
    fuzz_require(movex_channel_queued(channel) <= 2 * channel->max_queue);
}

static void check_links(const handshake *h)
{
    const movex_map *links = &h->master->attached[0]->links;
    for (uint32_t i = 0; i < links->capacity; i++)
        if (links->entries[i].value) handshake_check_channel(&((movex_master_link *)links->entries[i].value)->channel);
}

void handshake_poll(handshake *h, uint32_t ms)
{
    h->now_ms += ms;
    movex_mock_poll(h->net, h->now_ms);
    movex_master_poll(h->master, h->now_ms);
    for (int i = 0; i < HANDSHAKE_HONEST; i++) {
        movex_client_poll(h->clients[i], h->now_ms);
        check_honest(h, i);
    }
    check_links(h);
    fuzz_require(h->memory.bytes < 4u << 20 && h->client_memory.bytes < 8u << 20);
}

void handshake_move(handshake *h, fuzz_input *input)
{
    uint8_t         who = fuzz_u8(input), value = fuzz_u8(input);
    uint32_t        action = fuzz_u8(input) % TABLE_ACTIONS;
    movex_resource *resource = h->bound[who % HANDSHAKE_HONEST][who / HANDSHAKE_HONEST % TABLE_TYPES];
    table_move      move = {.id = value, .a = value % 7, .b = value / 7 % 8, .text = "x"};
    table_lock      lock = {.seat = value % 4, .value = value};
    if (who & 0x80) {
        movex_dispatch_private(resource, TABLE_LOCK, &lock, TABLE_READY, &lock);
        return;
    }
    bool locks = action == TABLE_LOCK || action == TABLE_READY;
    bool has_payload = movex_rules_payload(h->rules[0], action) != NULL;
    movex_dispatch(resource, action, !has_payload ? NULL : locks ? (const void *)&lock : &move);
}

void handshake_must_agree(handshake *h)
{
    for (int n = 0; n < 8; n++) handshake_poll(h, 0); /* so often may what is due wake a table */
    for (int k = 0; k < TABLE_TYPES; k++) {
        movex_hosted hosted;
        fuzz_require(movex_master_find(h->master, table_types[k], "one", &hosted));
        movex_master_resource_check(movex_master_resource_named(h->master, table_types[k], "one"));
        for (int i = 0; i < HANDSHAKE_HONEST; i++) {
            uint64_t              checksum;
            const movex_resource *resource = h->bound[i][k];
            fuzz_require(movex_in_sync(resource) && movex_pending(resource) == 0);
            fuzz_require(movex_version(resource) == hosted.version);
            fuzz_require(movex_master_view(h->master, table_types[k], "one", names[i], NULL, &checksum) == MOVEX_OK);
            fuzz_require(movex_checksum(resource) == checksum);
            movex_replica_check(resource);
            h->digest = fuzz_digest_number(h->digest, checksum);
        }
    }
}

void handshake_end(handshake *h)
{
    for (int i = 0; i < HANDSHAKE_HONEST; i++) movex_client_free(h->clients[i]);
    movex_master_free(h->master);
    movex_mock_free(h->net);
    for (int k = 0; k < TABLE_TYPES; k++) movex_rules_free(h->rules[k]);
    fuzz_require(h->memory.blocks == 0 && h->client_memory.blocks == 0);
}

fuzz_input handshake_record(fuzz_input *input)
{
    size_t     size = fuzz_left(input) < HANDSHAKE_RECORD ? fuzz_left(input) : HANDSHAKE_RECORD;
    fuzz_input record = {input->at, input->at + size};
    input->at += size;
    return record;
}

uint64_t fuzz_run(const uint8_t *bytes, size_t length)
{
    static handshake h;
    fuzz_input       input = {bytes, bytes + length}, first = handshake_record(&input);
    memset(&h, 0, sizeof h);
    handshake_start(&h);
    bool    client = fuzz_u8(&first) & 1;
    uint8_t steps = fuzz_u8(&first);
    if (client)
        handshake_client(&h, steps, &input);
    else
        handshake_master(&h, steps, &input);
    handshake_end(&h);
    return h.digest;
}
