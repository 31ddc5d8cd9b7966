/* What the parts of a run share:

     secrets_run.c      starting, what happens, coming to rest, ending
     secrets_account.c  what everybody should see
     secrets_check.c    what must hold after every poll
     secrets_storm.c    what goes wrong besides the network; what is bounded; bits that flip */
#ifndef MOVEX_TESTS_SECRETS_INSIDE_H
#define MOVEX_TESTS_SECRETS_INSIDE_H

#include "secrets_run.h"

#include "client_internal.h"
#include "master_internal.h"
#include "meter.h"

#define require(r, condition)                                                                                          \
    must_msg(condition, "seed %llu, type %s, at %llu ms, version %llu: %s", (unsigned long long)(r)->seed,             \
             (r)->type->name, (unsigned long long)(r)->now_ms, (unsigned long long)(r)->version, #condition)

#define secrets_id "r"

static inline uint32_t secrets_below(secrets_run *r, uint32_t bound)
{
    return meter_below(&r->random, bound);
}

static inline movex_master_resource *secrets_hosted(const secrets_run *r)
{
    return movex_master_resource_named(r->master, r->type, secrets_id);
}

/* ---- secrets_run.c */

const char *secrets_name(int client);
void        secrets_start_client(secrets_run *run, int client);
/* It is gone, with all that it knew: what is pending has no outcome any more. */
void secrets_free_client(secrets_run *run, int client);
/* Whatever of the master is not durable is gone, and torn. */
void secrets_crash_master(secrets_run *run);

/* ---- secrets_account.c */

/* The fold of what a viewer may know: a client's id, "" for the public one, NULL for the one in which everything is revealed. */
void secrets_fold(const secrets_run *run, const char *viewer, secrets *state);
/* The master agrees with the account, for every viewer. */
void secrets_check_views(secrets_run *run);
/* An observer: told of every entry, right after it was ordered. */
void secrets_ordered(void *run, movex_master *master, const movex_ordered *told);
/* The master has forgotten what came after `version`: nobody may have been told of it. */
void secrets_go_back(secrets_run *run, uint64_t version);

/* ---- secrets_check.c */

void secrets_drain(secrets_run *run, int client);
void secrets_check(secrets_run *run);

/* ---- secrets_storm.c */

/* The settings of a storm's network, disk and master; the same each time for one seed. */
movex_mock_config         secrets_storm_net(secrets_run *run);
movex_store_memory_config secrets_storm_disk(secrets_run *run);
void                      secrets_storm_master(secrets_run *run, movex_master_config *config);
/* Something goes wrong, of what the network does not do by itself. */
void secrets_strike(secrets_run *run);
/* What has gone wrong ends once its time is up; or now, if `calm`. */
void secrets_recover(secrets_run *run, bool calm);
/* I8: what master, clients and store hold is bounded. */
void secrets_check_bounds(secrets_run *run);
/* I8: with the last client and the resource goes what was held for them. */
void secrets_check_emptied(secrets_run *run);
/* Flips a bit of the canonical part of a client's confirmed state. */
void secrets_flip(secrets_run *run, int client);
/* True as long as nothing has come for the resource since, so that it need not be found, or its snapshot is on its way. */
bool secrets_is_flipped(secrets_run *run, int client);

#endif
