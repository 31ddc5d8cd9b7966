#include "party.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[PARTY_MOST] = {"ann", "ben", "cid", "dan", "eve", "fay", "gus", "hal"};

int party_join(party *p, const char *name)
{
    int who = p->count++;
    ck_assert_int_lt(who, PARTY_MOST);
    p->names[who] = name;
    p->clients[who] = match_client(&p->m, name);
    p->resources[who] = movex_bind(p->clients[who], p->type, "main");
    ck_assert_msg(p->resources[who] != NULL, "%s", movex_client_error(p->clients[who])->text);
    match_until(&p->m, movex_in_sync(p->resources[who]));
    return who;
}

void party_start_with(party *p, match_carrier carrier, movex_master_config config, const movex_type *type, int count)
{
    *p = (party){.type = type};
    match_start(&p->m, carrier, config);
    while (p->count < count) party_join(p, names[p->count]);
}

void party_start(party *p, match_carrier carrier, const movex_type *type, int count)
{
    party_start_with(p, carrier, (movex_master_config){.types = MOVEX_TYPES(type)}, type, count);
}

void party_leave(party *p, int who)
{
    match_leave(&p->m, p->clients[who]);
    p->clients[who] = NULL;
    p->resources[who] = NULL;
}

static bool is_at_rest(const party *p)
{
    movex_hosted hosted;
    if (!movex_master_find(p->m.master, p->type, "main", &hosted)) return false;
    for (int i = 0; i < p->count; i++) {
        const movex_resource *resource = p->resources[i];
        if (!resource) continue;
        if (!movex_in_sync(resource) || movex_pending(resource) || movex_version(resource) != hosted.version)
            return false;
    }
    return true;
}

void party_check(party *p)
{
    void        *state = malloc(p->type->state->size);
    movex_hosted hosted;
    ck_assert(movex_master_find(p->m.master, p->type, "main", &hosted));
    for (int i = 0; i < p->count; i++) {
        const movex_resource *resource = p->resources[i];
        uint64_t              checksum;
        char                  text[512];
        if (!resource) continue;
        ck_assert_int_eq(movex_master_view(p->m.master, p->type, "main", p->names[i], state, &checksum), MOVEX_OK);
        const movex_codec *codec = movex_rules_state(hosted.rules);
        uint32_t           differ =
            movex_codec_explain(codec, movex_confirmed_state(resource), state, "master", 8, text, sizeof text);
        ck_assert_msg(differ == 0, "%s at version %llu: %s", p->names[i], (unsigned long long)movex_version(resource),
                      text);
        ck_assert_uint_eq(movex_checksum(resource), checksum);
        ck_assert_uint_eq(movex_checksum(resource), movex_codec_checksum(codec, movex_confirmed_state(resource)));
        ck_assert_uint_eq(movex_version(resource), hosted.version);
    }
    free(state);
}

void party_settle(party *p)
{
    match_poll(&p->m);
    match_until(&p->m, is_at_rest(p));
    party_check(p);
}

void party_finish(party *p)
{
    uint64_t mismatches = 0, resyncs = 0;
    party_settle(p);
    for (int i = 0; i < p->count; i++) {
        if (!p->clients[i]) continue;
        movex_stats stats = movex_client_stats(p->clients[i]);
        ck_assert_uint_eq(stats.protocol_errors, 0);
        mismatches += stats.mismatches;
        resyncs += stats.resyncs;
    }
    ck_assert_uint_eq(mismatches, p->resyncs);
    ck_assert_uint_eq(resyncs, p->resyncs);
    ck_assert_uint_eq(movex_master_stats(p->m.master).protocol_errors, 0);
    match_end(&p->m);
}

void party_poll(party *p, int who)
{
    movex_client_poll(p->clients[who], ++p->m.now_ms);
}

void party_poll_master(party *p)
{
    movex_master_poll(p->m.master, ++p->m.now_ms);
}

int party_events(party *p, int who, movex_event_kind kind, movex_event *last)
{
    int count = 0;
    for (movex_event event; movex_client_next(p->clients[who], &event);) {
        ck_assert_ptr_nonnull(event.text);
        if (event.kind != kind) continue;
        count++;
        if (last) *last = event;
    }
    return count;
}
